"""A client that meets a limit of the system's names it, and says what it must be: with just that much
the same run is made."""

import os
import pathlib
import re
import resource

import pytest

from support.client import Run, run
from support.programs import BUILD, SANITIZER, environment, program

THREADS = 300
STACK_KB = 64

is_root = os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root, reason='only root can become another user, or make a '
                               'group of processes')
plain = pytest.mark.skipif(SANITIZER != 'none', reason='sanitizers map without end')


@pytest.fixture
def load(model, shared):
    """The words of a client that has so many threads, each with one request."""
    def words(threads=THREADS):
        loops = ['-t', threads] if model == 'async' else []
        return ['-c', threads, '-n', threads, *loops, shared().url + '/small.txt']
    return words


def needed(done, name, value, before=r'-[ct] [0-9]+: .*'):
    """What a client that could not run says that a limit must be, which is this now."""
    said = re.fullmatch(rf'cristo-a?sync-client: {before}{re.escape(str(name))} is {value} and must be '
                        r'([0-9]+)\n', done.stderr)
    assert said and done.stdout == '' and done.status == 1, done
    return int(said[1])


def runs(done, requests=THREADS):
    assert done.status == 0 and f'{requests} ok, 0 failed' in done.stdout, done


# --- threads --------------------------------------------------------------------------------------

@only_root
def test_threads_of_a_user(model, load):
    """A user who has none yet."""
    user = 2_000_000_000 + os.getpid()

    def run_with(limit):
        try:
            return run(model, *load(), user=user, group=user, extra_groups=[], preexec_fn=lambda:
                       resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit)))
        except PermissionError:
            pytest.skip('not everybody may run what was built here')
    must_be = needed(run_with(200), 'ulimit -u', 200)
    assert must_be <= THREADS + 100
    runs(run_with(must_be))


def has_pid_max_of_its_own():
    """Since Linux 6.14 every namespace has; before, all have the machine's."""
    version = re.match(r'([0-9]+)\.([0-9]+)', os.uname().release)
    return (int(version[1]), int(version[2])) >= (6, 14)


@pytest.mark.skipif(not has_pid_max_of_its_own(), reason='kernel.pid_max is of the whole machine')
def test_numbers_of_processes(model, load):
    """In a namespace of its own, which has as many as it is told to have."""
    def run_with(limit):
        as_root = [] if is_root else ['--user', '--map-root-user']
        words = ['unshare', *as_root, '--pid', '--fork', '--mount-proc', 'sh', '-ec',
                 'echo "$0" >/proc/sys/kernel/pid_max; "$@"', limit, program('client', model), *load()]
        return Run(words, 60)
    must_be = needed(run_with(302), 'kernel.pid_max', 302)
    assert must_be <= 300 + THREADS + 100
    runs(run_with(must_be))


class Group:
    """A control group of processes whose number is limited."""

    def __init__(self):
        name = f'cristo-test-{os.getpid()}'
        for hierarchy in ('/sys/fs/cgroup/pids', '/sys/fs/cgroup'):
            self.path = pathlib.Path(hierarchy, name)
            try:
                self.path.mkdir()
            except OSError:
                continue
            if (self.path / 'pids.max').exists():
                return
            self.path.rmdir()
        pytest.skip('no control group that limits processes can be made here')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.path.rmdir()

    def limit(self, count):
        (self.path / 'pids.max').write_text(str(count))

    def enter(self):
        (self.path / 'cgroup.procs').write_text(str(os.getpid()))


@only_root
def test_processes_of_a_control_group(model, load):
    with Group() as group:
        group.limit(200)
        must_be = needed(run(model, *load(), preexec_fn=group.enter), group.path / 'pids.max', 200)
        assert must_be <= THREADS + 100
        group.limit(must_be)
        runs(run(model, *load(), preexec_fn=group.enter))


def most_mappings():
    return int(pathlib.Path('/proc/sys/vm/max_map_count').read_text())


@plain
@pytest.mark.skipif(most_mappings() > 300_000, reason='vm.max_map_count is too large to be met')
def test_mappings(model, load):
    """A thread has two. What is said to be lacking is left to it, since the limit is everybody's."""
    def run_with(mappings):
        preloaded = environment(LD_PRELOAD=str(BUILD / 'tests/unit/libmappings.so'),
                                CRISTO_MAPPINGS=str(mappings))
        return run(model, *load(), env=preloaded)
    most = most_mappings()
    lacking = needed(run_with(most - THREADS), 'vm.max_map_count', most) - most
    assert THREADS < lacking <= THREADS + 250
    runs(run_with(most - THREADS - lacking))


# --- memory ---------------------------------------------------------------------------------------

def address_space(kilobytes):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024, kilobytes * 1024))


@plain
def test_address_space(model, load):
    """Of what is made room for before, or of the threads' stacks after that."""
    must_be = needed(run(model, *load(), preexec_fn=address_space(60_000)), 'ulimit -v', 60_000,
                     r'-c [0-9]+: there is no room for [0-9.]+[kMG]B: ')
    runs(run(model, *load(), preexec_fn=address_space(must_be)))
    few = must_be - 16 * 1024 - THREADS * STACK_KB // 2
    again = needed(run(model, *load(), preexec_fn=address_space(few)), 'ulimit -v', few,
                   r'-[ct] [0-9]+: only [0-9]+ threads could be started: ')
    assert abs(again - must_be) < 8 * 1024
    runs(run(model, *load(), preexec_fn=address_space(again)))
