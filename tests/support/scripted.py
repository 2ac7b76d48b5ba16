"""A server whose delays are given by a script, and which writes down what it did: against this the
clients' own figures are held. One thread, so that it wakes for one thing only."""

import heapq
import os
import selectors
import socket
import threading
import time

from support import certificates
from support.tls import TlsServed

REPLY = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'


class Scripted:
    """`delay` is asked with a request's number, from 0, and the seconds since the first one; it
    says in how many seconds the reply is to leave. Replies of one connection keep their order."""

    def __init__(self, delay):
        self.delay = delay
        self.arrived, self.answered = [], []  # moments, by the number of the request
        self.connections = self.most = 0  # in all, and at once
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=4096)
        self._listener.setblocking(False)
        self._context = certificates.served_with()
        scheme = 'https' if self._context else 'http'
        self.url = f'{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/'
        self._ends, self._end = socket.socketpair()
        self._replies = []  # heap of (moment, number, connection)
        self._buffers = {}
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.close()
        self._thread.join()
        self._listener.close()
        self._ends.close()
        for connection in self._buffers:
            connection.close()

    def _serve(self):
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._ends, selectors.EVENT_READ, None)
        while True:
            wait = self._replies[0][0] - time.monotonic() if self._replies else None
            for key, _ in self._selector.select(wait and max(wait, 0)):
                if key.data is None:
                    self._selector.close()
                    return
                key.data(key.fileobj)
            self._answer()

    def _accept(self, listener):
        try:
            while True:
                connection = listener.accept()[0]
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context:
                    connection = TlsServed(connection, self._context)
                self.connections += 1
                self._buffers[connection] = b''
                self.most = max(self.most, len(self._buffers))
                self._selector.register(connection, selectors.EVENT_READ, self._read)
        except BlockingIOError:
            pass

    def _read(self, connection):
        try:
            data = connection.recv(65536)
        except BlockingIOError:  # TLS has spoken for itself
            return
        except OSError:
            data = b''
        now = time.monotonic()
        if not data:
            self._selector.unregister(connection)
            del self._buffers[connection]
            connection.close()
            return
        *heads, self._buffers[connection] = (self._buffers[connection] + data).split(b'\r\n\r\n')
        for _ in heads:
            number = len(self.arrived)
            self.arrived.append(now)
            self.answered.append(None)
            moment = now + self.delay(number, now - self.arrived[0])
            heapq.heappush(self._replies, (moment, number, connection))

    def _answer(self):
        while self._replies and self._replies[0][0] <= time.monotonic():
            _, number, connection = heapq.heappop(self._replies)
            if connection not in self._buffers:
                continue
            try:
                connection.send(REPLY)
            except OSError:
                continue
            self.answered[number] = time.monotonic()


class Machine:
    """Whether programs that wanted to run had to wait for a core since this was made: then figures
    of time prove nothing."""

    def __init__(self):
        self.began, self.waited = time.monotonic(), waited()

    def starved(self):
        return waited() - self.waited > 0.02 * (time.monotonic() - self.began)


def waited():
    """Seconds in which some program waited for a core, or the whole machine for its host."""
    with open('/proc/stat', encoding='ascii') as lines:
        stolen = int(lines.readline().split()[8]) / os.sysconf('SC_CLK_TCK')
    try:
        with open('/proc/pressure/cpu', encoding='ascii') as lines:
            return stolen + int(lines.readline().rpartition('=')[2]) / 1e6
    except OSError:  # a kernel that does not tell: the load of the last minute stands for it
        return stolen + (time.monotonic() if os.getloadavg()[0] > os.cpu_count() else 0)


def percentile(samples, share):
    """The value that this share of the samples does not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else 0
