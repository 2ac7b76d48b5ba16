"""Where the programs are, and how patient to be with them.

CRISTO_BUILD      the build folder; default `build`, beside the folder of tests
CRISTO_SANITIZER  none, address or thread: what the programs were built with
"""

import os
import pathlib
import resource
import subprocess
import time

HOME = pathlib.Path(__file__).resolve().parents[2]
BUILD = (HOME / os.environ.get('CRISTO_BUILD', 'build')).resolve()
SANITIZER = os.environ.get('CRISTO_SANITIZER', 'none')

# Every bound on waiting is multiplied by this; nothing passes sooner for it, it only fails later.
PATIENCE = {'none': 3, 'address': 5, 'thread': 8}[SANITIZER]

# Whether servers are started, and spoken to, over TLS where a test says nothing else.
TLS = os.environ.get('CRISTO_TLS', '') not in ('', '0')

# A time that a test gives a server, and well within which it has to act itself again and again: so
# long is nobody kept from the processor on a machine with much else to do.
PAUSE_S = 2

# The sanitizers' runtimes make calls that a confined server may not.
UNCONFINED = [] if SANITIZER == 'none' else ['--no-sandbox']

MODELS = ('sync', 'async')
SISTER = {'sync': 'async', 'async': 'sync'}

SANITIZER_REPORTS = (
    'ERROR: AddressSanitizer', 'ERROR: LeakSanitizer', 'WARNING: ThreadSanitizer',
    'FATAL: ThreadSanitizer', 'runtime error:')


def program(side, model):
    """The path of one of the four programs: program('server', 'sync')."""
    return BUILD / side / f'cristo-{model}-{side}'


_helps = {}


def has_option(side, model, option):
    """Whether the program's --help names this option: what is not there yet is not tested."""
    key = side, model
    if key not in _helps:
        _helps[key] = subprocess.run([program(side, model), '--help'], capture_output=True,
                                     text=True, timeout=10 * PATIENCE).stdout
    return option in _helps[key].replace(',', ' ').replace('=', ' ').replace('[', ' ').split()


def wait_until(holds, seconds=10, step=0.002):
    """Asks until it holds or the time, stretched by PATIENCE, is over; less often as time goes by, since
    asking costs what it is asked about. Returns the last answer."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        answer = holds()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(step)
        step = max(step, min(1.3 * step, 0.05))


def raise_descriptor_limit():
    """Lets this process, too, hold as many connections as it may; returns how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def environment(**more):
    """The environment for a program: sanitizers report and then end it with a status of their
    own."""
    ours = dict(os.environ)
    ours.setdefault('ASAN_OPTIONS', 'detect_leaks=1:abort_on_error=0:exitcode=99')
    ours.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1:halt_on_error=1:exitcode=99')
    ours.setdefault('TSAN_OPTIONS', 'exitcode=99')
    ours.update(more)
    return ours
