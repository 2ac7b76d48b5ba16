"""A server that does whatever a table says: the path that is asked for names the row. One thread holds
all connections, so that a thousand rows are played to a client in a second."""

import collections
import heapq
import re
import selectors
import socket
import struct
import threading
import time

from support import certificates
from support.client import start
from support.loop import Loop
from support.programs import wait_until
from support.tls import TlsServed

CLOSE, RESET, STALL = 'close', 'reset', 'stall'

LOOK_S = 0.01  # between two looks whether an event has happened

Endless = collections.namedtuple('Endless', 'data')  # sent again and again

RESULT = re.compile(r'(?m)^\S+ \S+  \S+?//[^/]+/(\S+)  (.*?)  \S+ bytes  delay ')


class Hostile(Loop):
    """`rows` are acts by name, which are carried out when that name is asked for: bytes are sent, a
    number is a pause in seconds, a threading.Event is waited for, and CLOSE (the end of what the server
    says; what still comes is dropped, so that no RST follows), RESET (an RST), STALL (silence until the
    client leaves) and Endless end the connection. After the last act it goes on with the next request.
    Acts may hang on how often the name was asked for, from 1: then they are a function of
    that. `greeting` is carried out on every connection, before anything was asked for. With `by_head`
    it does not wait for a request's body, and must close the connection then. Over TLS nothing is done
    before a handshake is over, and CLOSE is the end of TLS, too."""

    def __init__(self, rows, greeting=(), by_head=False):
        self.rows, self.greeting, self.by_head = rows, greeting, by_head
        self.context = certificates.served_with()
        self.asked = collections.Counter()  # how often, by name
        self._pauses = []  # heap of (moment, tie-breaker, connection)
        super().__init__(bool(self.context))

    def begin(self, connection):
        served = _Connection(self, connection)
        self.selector.register(served.socket, selectors.EVENT_READ, served.on_ready)
        if not self.context:
            served.go_on()

    def rest(self):
        return max(0, self._pauses[0][0] - time.monotonic()) if self._pauses else None

    def turn(self):
        while self._pauses and self._pauses[0][0] <= time.monotonic():
            heapq.heappop(self._pauses)[2].go_on()

    def watch(self, connection, events):
        self.selector.modify(connection.socket, events, connection.on_ready)

    def pause(self, connection, seconds):
        heapq.heappush(self._pauses, (time.monotonic() + seconds, id(connection), connection))

    def forget(self, connection):
        self.selector.unregister(connection.socket)


class _Connection:
    def __init__(self, server, its_socket):
        self.server = server
        self.socket = TlsServed(its_socket, server.context) if server.context else its_socket
        self.acts = collections.deque(server.greeting)
        self.heard = b''
        self.waits = False  # for a pause to be over, or for the client to leave
        self.is_over = False  # it is the latter, and nothing more is listened to
        self.blocked = False

    def on_ready(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            data = None
        except OSError:
            data = b''
        if data == b'':
            self._leave()
            return
        if not self.is_over:
            self.heard += data or b''
        if not self.waits and (not self.server.context or self.socket.is_shaken):
            self._act()

    def go_on(self):
        if self.socket.fileno() >= 0:
            self.waits = False
            self._act()

    def _act(self):
        try:
            while self.acts or self._next():
                if not self._carry_out(self.acts.popleft()):
                    return
        except OSError:
            self._leave()

    def _next(self):
        """Whether another request is there; its acts are the next ones then."""
        head, end, rest = self.heard.partition(b'\r\n\r\n')
        if not end:
            return False
        length = re.search(rb'(?i)\r\ncontent-length: *([0-9]+)', head)
        size = int(length[1]) if length and not self.server.by_head else 0
        if len(rest) < size:
            return False
        self.heard = rest[size:]
        name = head.split()[1].decode()[1:]
        self.server.asked[name] += 1
        acts = self.server.rows[name]
        self.acts.extend(acts(self.server.asked[name]) if callable(acts) else acts)
        return bool(self.acts) or self._next()

    def _carry_out(self, act):
        """False when it is not over."""
        if isinstance(act, bytes):
            return self._send(act)
        if isinstance(act, Endless):
            self.acts.append(act)
            return self._send(act.data)
        if act == RESET:
            self._leave(act)
            return False
        if isinstance(act, threading.Event):
            if act.is_set():
                return True
            self.acts.appendleft(act)
            act = LOOK_S
        self.waits = True
        self.is_over = act in (CLOSE, STALL)
        if act == CLOSE:
            self.socket.shutdown(socket.SHUT_WR)
        elif act != STALL:
            self.server.pause(self, act)
        return False

    def _send(self, data):
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        blocked = sent < len(data) or self.server.context and self.socket.unsent
        if blocked:
            self.acts.appendleft(data[sent:])
        if blocked != self.blocked:
            self.blocked = blocked
            self.server.watch(self, selectors.EVENT_READ | (selectors.EVENT_WRITE if blocked else 0))
        return not blocked

    def _leave(self, how=CLOSE):
        if how == RESET:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.server.forget(self)
        self.socket.close()


def kind_of(result):
    """ok, or the kind of failure, from the third column of a trace."""
    word = result.partition(':')[0]
    return word if not word.isdigit() else 'ok' if int(word) < 400 else 'status'


def trace(model, server, names, tmp_path, *options, first=None):
    """Has a client ask for these names in turn; returns what came of them, as (name, kind), in the order
    in which it was told. `first` is an Event that is set when the first of it was told."""
    urls = tmp_path / 'urls'
    urls.write_text(''.join(f'{server.url}/{name}\n' for name in names))
    client = start(model, '--urls', urls, '--trace', '--quiet', '--connect-timeout', '120s', *options)
    try:
        if first:
            assert wait_until(lambda: '\n' in client.stdout, seconds=60), client
            first.set()
        client.wait(120)
        client.no_reports()
    finally:
        client.kill()
    return [(name, kind_of(result)) for name, result in RESULT.findall(client.stdout)]


def play(model, rows, tmp_path, *options, connections=32):
    """Has a client ask for every row, so many at once; returns the kinds of what came of each name."""
    came = collections.defaultdict(list)
    with Hostile(rows) as server:
        for name, kind in trace(model, server, rows, tmp_path, '-c', connections, *options):
            came[name].append(kind)
    return came
