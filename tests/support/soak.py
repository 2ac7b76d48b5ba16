"""Busy connections over the end of a server, or over its replacement, and a count of the requests
that were lost: sent on an established connection, and not answered whole. Nothing is ever sent a
second time.

A server that ends may close a connection which has been without a request for a second. A client
that was itself kept from running for so long (many are busy on few cores) is late, not bereft: such
requests are counted apart. So is one whose handshake, over TLS, has taken so long.

Half of the connections go on for as long as the server lets them; the other half are made anew for
every request, so that there are always some that the system has taken and the server not yet. Over TLS
whoever was taken has his handshake, too: a request whose connection is cut in it, within that second, is
lost.
"""

import collections
import selectors
import signal
import socket
import threading
import time

from support.certificates import of_clients
from support.docroot import pattern, put
from support.programs import PATIENCE, SANITIZER, wait_until
from support.server import Server
from support.tls import TlsLater

CONNECTIONS = 64
# So that there is always somebody whom the server has not yet let in; and it has all the time it needs.
BUSY = ('--compute', '27' if SANITIZER == 'none' else '22', '--drain-timeout', '2m')
GRACE_S = 1.0  # for which a connection may be without a request when the server ends
FILES = {'/small.txt': b'here\n' * 20, '/middle.bin': pattern(23_000), '/large.bin': pattern(300_000)}


def make_docroot(root):
    for path, content in FILES.items():
        put(root / path[1:], content)


class Line:
    """One connection after the other, with one request under way at a time."""

    def __init__(self, load, number):
        self.load = load
        self.stays = number % 2 == 0
        self.path = list(FILES)[number % len(FILES)]
        close = '' if self.stays else 'Connection: close\r\n'
        self.request = f'GET {self.path} HTTP/1.1\r\nHost: t\r\n{close}\r\n'.encode()
        self.socket = None

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(self.load.address, str)
                                    else socket.AF_INET)
        self.socket.setblocking(False)
        self.connected = self.asked = False
        self.reply = b''
        self.begun = self.quiet_since = time.monotonic()
        try:
            self.socket.connect(self.load.address)
        except BlockingIOError:
            pass
        except OSError as error:
            self.refused(error)
            return
        self.load.selector.register(self.socket, selectors.EVENT_WRITE, self)

    def refused(self, error):
        """Nothing was sent: no request is lost. A server that has gone may refuse; otherwise
        another attempt is due."""
        self.load.count[f'refused {error.errno}'] += 1
        self.drop()
        self.load.wait(self)

    def drop(self):
        try:
            self.load.selector.unregister(self.socket)
        except KeyError:
            pass
        self.socket.close()
        self.socket = None

    def on_ready(self):
        if not self.connected:
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self.refused(OSError(error, ''))
                return
            self.connected = True
            self.speak_tls()
            self.ask()
        else:
            self.receive()

    def speak_tls(self):
        """Where that is spoken: the handshake goes on when something comes."""
        if self.load.tls:
            self.socket = TlsLater(self.socket, self.load.tls, 'localhost')

    def ask(self):
        """The request is short: it fits whatever the system holds for a connection. The server may
        have sent its last reply, and begun to wait, as soon as that was asked for."""
        self.reply = b''
        self.asked = True
        quiet_since = self.quiet_since
        try:
            self.socket.sendall(self.request)
        except OSError as error:
            self.late = time.monotonic() - quiet_since >= GRACE_S
            self.lost(error)
            return
        self.quiet_since = time.monotonic()
        self.late = self.quiet_since - quiet_since >= GRACE_S
        self.load.count['sent'] += 1
        self.load.selector.modify(self.socket, selectors.EVENT_READ, self)

    def hear(self):
        """What has come. A request that a handshake keeps is sent when that is over, and as late."""
        is_kept = isinstance(self.socket, TlsLater) and not self.socket.is_shaken
        try:
            return self.socket.recv(1 << 20)
        finally:
            if is_kept:
                self.quiet_since = time.monotonic()
                self.late = self.quiet_since - self.begun >= GRACE_S

    def receive(self):
        try:
            some = self.hear()
        except BlockingIOError:
            return
        except OSError as error:
            self.lost(error)
            return
        if not some:
            self.ended()
            return
        self.reply += some
        head, end, body = self.reply.partition(b'\r\n\r\n')
        if end and len(body) >= len(FILES[self.path]):
            self.answered(head, body)

    def answered(self, head, body):
        if not head.startswith(b'HTTP/1.1 200 ') or body != FILES[self.path]:
            self.load.wrong.append(f'{self.path}: {head[:200]} and {len(body)} bytes')
        self.load.count['answered'] += 1
        self.asked = False
        if b'\r\nConnection: close' in head or not self.stays or self.load.ending:
            self.drop()
            self.load.again(self)
        else:
            self.ask()

    def ended(self):
        """Between two requests that is the server's right."""
        if self.asked:
            self.lost('ended')
        else:
            self.drop()
            self.load.again(self)

    def lost(self, how):
        kind = 'kept' if self.stays else 'new'
        if self.late and not self.reply:
            self.load.count['late'] += 1
        else:
            self.load.lost.append(f'{self.path} on a {kind} connection: {how}, after '
                                  f'{len(self.reply)} bytes')
        self.drop()
        self.load.again(self)


class Load(threading.Thread):
    """All of them, until stop()."""

    def __init__(self, address, connections=CONNECTIONS):
        super().__init__()
        self.address = address
        self.tls = of_clients()
        self.selector = selectors.DefaultSelector()
        self.count = collections.Counter()
        self.lost, self.wrong = [], []
        self.ending = False
        self.lines = [Line(self, number) for number in range(connections)]
        self.waiting = []

    def again(self, line):
        if not self.ending:
            line.connect()

    def wait(self, line):
        self.waiting.append((time.monotonic() + 0.02, line))

    def run(self):
        for line in self.lines:
            line.connect()
        until = None
        while not self.ending or any(line.socket and line.asked for line in self.lines):
            for key, _ in self.selector.select(0.02):
                key.data.on_ready()
            if self.ending:  # who waits for a reply has some time left; who cannot connect has none
                until = until or time.monotonic() + 20 * PATIENCE
                if time.monotonic() > until:
                    self.lost.append('a reply did not come to its end')
                    break
            due = [line for when, line in self.waiting if when <= time.monotonic()]
            self.waiting = [one for one in self.waiting if one[1] not in due]
            for line in due:
                self.again(line)
        for line in self.lines:
            if line.socket:
                line.drop()
        self.selector.close()

    def busy(self, requests=200):
        """Waits until so many more are answered: all connections are in full swing."""
        target = self.count['answered'] + requests
        assert wait_until(lambda: self.count['answered'] >= target, 20), self.count

    def stop(self):
        self.ending = True
        self.join()
        assert not self.wrong, self.wrong[:5]
        return self.lost


def replace(model, docroot, times, say=lambda text: None, options=BUSY, address='127.0.0.1:0'):
    """Replaces a running server so many times under load. Returns what was lost, and the count."""
    server = Server(model, *options, docroot=docroot, listen=(address,))
    load = Load(server.addresses[0])
    load.start()
    try:
        for turn in range(times):
            load.busy()
            server.replace(busy=True)
            say(f'{model}: replaced {turn + 1} times, {load.count["answered"]} answered, '
                f'{len(load.lost)} lost')
        load.busy()
    finally:
        lost = load.stop()
        server.stop()
    assert not any(word.startswith('refused') for word in load.count), load.count
    return lost, load.count


def drain(model, docroot, times, say=lambda text: None, options=BUSY, address='127.0.0.1:0'):
    """Stops a busy server that has no successor, so many times. Returns what was lost, and the
    count."""
    lost, count = [], collections.Counter()
    for turn in range(times):
        server = Server(model, *options, docroot=docroot, listen=(address,))
        load = Load(server.addresses[0])
        load.start()
        try:
            load.busy()
            server.signal(signal.SIGTERM)
            server.stopped()
        finally:
            lost += load.stop()
        count += load.count
        say(f'{model}: drained {turn + 1} times, {count["answered"]} answered, {len(lost)} lost')
    return lost, count
