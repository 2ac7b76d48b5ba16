"""A server whose delays are given by a script, and which writes down what it did: against this the
clients' own figures are held. One thread, so that it wakes for one thing only."""

import heapq
import os
import selectors
import time

from support import certificates
from support.loop import Loop
from support.tls import TlsServed

REPLY = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'


class Scripted(Loop):
    """`delay` is asked with a request's number, from 0, and the seconds since the first one; it
    says in how many seconds the reply is to leave. Replies of one connection keep their order."""

    def __init__(self, delay):
        self.delay = delay
        self.arrived, self.answered = [], []  # moments, by the number of the request
        self.most = 0  # connections at once
        self._context = certificates.served_with()
        self._replies = []  # heap of (moment, number, connection)
        self._buffers = {}
        super().__init__(bool(self._context))
        self.url += '/'

    def begin(self, connection):
        if self._context:
            connection = TlsServed(connection, self._context)
        self._buffers[connection] = b''
        self.most = max(self.most, len(self._buffers))
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._read(connection))

    def rest(self):
        return max(0, self._replies[0][0] - time.monotonic()) if self._replies else None

    def turn(self):
        while self._replies and self._replies[0][0] <= time.monotonic():
            _, number, connection = heapq.heappop(self._replies)
            if connection not in self._buffers:
                continue
            try:
                connection.send(REPLY)
            except OSError:
                continue
            self.answered[number] = time.monotonic()

    def _read(self, connection):
        try:
            data = connection.recv(65536)
        except BlockingIOError:  # TLS has spoken for itself
            return
        except OSError:
            data = b''
        now = time.monotonic()
        if not data:
            self.selector.unregister(connection)
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


def stalls(at, seconds, usual=0.0):
    """A delay for Scripted: from this request on nothing is answered for so long, however late it comes."""
    begun = []

    def delay(number, since):
        if number < at:
            return usual
        begun.append(since)
        return max(usual, begun[0] + seconds - since)
    return delay


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
