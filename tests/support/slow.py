"""slowhttptest in each of its four modes against a server, and a client who wants nothing but a small
file now and then, from another address. What the server held and what it cut it tells itself."""

import collections
import subprocess
import threading
import time

from support.admin import Metrics
from support.docroot import pattern, put
from support.http import Ended, get
from support.server import Server

MODES = {
    'headers': ['-H', '-i', '2'],  # a head that never comes to its end
    'body': ['-B', '-i', '2', '-s', '500000'],  # a body that never does
    'ranges': ['-R', '-t', 'GET', '-a', '1', '-b', '2000'],  # more ranges than anybody needs
    'reads': ['-X', '-n', '1', '-w', '10', '-y', '20', '-z', '5', '-k', '3'],  # 5 bytes a second
}
PAUSE_S = 0.02  # of the client, between two requests
LIMITS = ('max-per-address', 'header-timeout', 'idle-timeout', 'send-timeout', 'min-rate', 'max-body')

Result = collections.namedtuple('Result', 'model mode per_address accepted held turned_away ended_by '
                                          'asked failed latencies_ms')


def make_docroot(root):
    put(root / 'small.txt', b'here\n')
    put(root / 'large.bin', pattern(3_000_000))


class Visitor(threading.Thread):
    """Asks for the small file until it is stopped: on a connection that stays, and on a new one, in
    turn."""

    def __init__(self, server, listener):
        super().__init__()
        self.server, self.listener = server, listener
        self.latencies_ms, self.failures = [], []
        self.opened = 0
        self.stopping = threading.Event()
        self.kept = None

    def ask(self, kept):
        begun = time.monotonic()
        connection = self.kept if kept else None
        if not connection:
            self.opened += 1
            connection = self.server.connect(self.listener)
        if kept:
            self.kept = connection
        reply = connection.send(get('/small.txt')).reply()
        self.latencies_ms.append((time.monotonic() - begun) * 1e3)
        if reply.status != 200:
            self.failures.append(f'status {reply.status}')
        if not kept:
            connection.close()

    def run(self):
        kept = False
        while not self.stopping.wait(PAUSE_S):
            kept = not kept
            try:
                self.ask(kept)
            except (OSError, Ended, AssertionError) as error:
                self.failures.append(str(error) or type(error).__name__)
                self.kept = None if kept else self.kept

    def stop(self):
        self.stopping.set()
        self.join()


def attack(url, mode, connections, seconds):
    """Starts it. It ends by itself, at the latest a little after its time."""
    path = 'large.bin' if mode in ('reads', 'ranges') else 'small.txt'
    return subprocess.Popen(
        ['slowhttptest', *MODES[mode], '-c', str(connections), '-r', str(max(connections // 2, 1)),
         '-l', str(seconds), '-p', '5', '-v', '0', '-u', f'{url}/{path}'],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def watch(server, process, seconds, is_enough=lambda metrics: False):
    """Until the attack is over, or ended since it is enough: the most connections that the server had
    at once."""
    held = 0
    until = time.monotonic() + 2 * seconds + 30
    try:
        while process.poll() is None and time.monotonic() < until:
            metrics = Metrics(server)
            held = max(held, int(metrics.value('connections_open')))
            if is_enough(metrics):
                break
            time.sleep(0.25)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    return held


def play(model, docroot, mode, connections, seconds, per_address=0, brief=False):
    """One attack, from 127.0.0.1; the visitor comes from ::1. A brief one ends when all its connections
    have come, and as many have been accepted."""
    options = ('--max-per-address', str(per_address)) if per_address else ()
    server = Server(model, '--admin', '127.0.0.1:0', *options, docroot=docroot,
                    listen=('127.0.0.1:0', '[::1]:0'))
    visitor = Visitor(server, 1)

    def all_have_come(metrics):
        accepted = metrics.value('connections_accepted_total')
        came = accepted + metrics.value('connections_turned_away_total') - before - visitor.opened
        return came >= connections and accepted >= connections and visitor.latencies_ms
    try:
        before = Metrics(server).value('connections_accepted_total')
        visitor.start()
        held = watch(server, attack(server.url, mode, connections, seconds), seconds,
                     *([all_have_come] if brief else []))
        visitor.stop()
        metrics = Metrics(server)
    finally:
        visitor.stop()
        server.stop()
    return Result(model, mode, per_address, int(metrics.value('connections_accepted_total')), held,
                  int(metrics.value('connections_turned_away_total')),
                  {name: int(metrics.limit(name)) for name in LIMITS if metrics.limit(name)},
                  len(visitor.latencies_ms) + len(visitor.failures), visitor.failures,
                  sorted(visitor.latencies_ms))
