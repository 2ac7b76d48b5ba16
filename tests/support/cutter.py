"""A TLS server that counts the bytes of its connections, and ends each after as many as it is told. One
thread holds them all, and what it does depends on no time."""

import collections
import selectors
import socket
import ssl
import struct

from support.loop import Loop

ENDS, RESETS, STALLS = 'ends', 'resets', 'stalls'

# After `count` bytes that this side, 'server' or 'client', has sent.
Cut = collections.namedtuple('Cut', 'side count way')

# What a whole handshake takes: bytes of the client's first message; of all that the client, and the
# server, send before it is over.
Sizes = collections.namedtuple('Sizes', 'hello client server')


class Cutter(Loop):
    """`cuts` are for the connections in their order; those behind the last are whole, and each of their
    requests has `reply`. The sizes of the first whole handshake are kept."""

    def __init__(self, context, cuts=(), reply=b''):
        self.context, self.cuts, self.reply = context, collections.deque(cuts), reply
        self.sizes = None
        super().__init__(secured=True)
        self.url += '/x'

    def begin(self, connection):
        served = _Connection(self, connection)
        if served.begin():
            self.selector.register(connection, selectors.EVENT_READ, lambda: self._hear(served))
        else:
            connection.close()

    def _hear(self, served):
        if not served.on_readable():
            self.selector.unregister(served.socket)
            served.socket.close()


class _Connection:
    def __init__(self, server, its_socket):
        self.server, self.socket = server, its_socket
        self.cut = server.cuts.popleft() if server.cuts else None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.heard = self.said = 0  # bytes
        self.hello = 0
        self.shaken = self.is_over = False
        self.text = b''

    def begin(self):
        return not self._is_cut('client', 0) or self._cut_off()

    # What follows returns whether the connection is still there.

    def on_readable(self):
        left = self.cut.count - self.heard if self.cut and self.cut.side == 'client' else 65536
        try:
            data = self.socket.recv(65536 if self.is_over else left)
        except OSError:
            return False
        if self.is_over or not data:
            return bool(data)
        size = len(data) if self.shaken or self.cut else 1  # so that it is seen which byte was the last
        pieces = [data[at:at + size] for at in range(0, len(data), size)]
        return all(self._hear(piece) for piece in pieces)

    def _hear(self, data):
        self.incoming.write(data)
        self.heard += len(data)
        try:
            self._answer()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:  # the client has ended it, or has complained
            return False
        return self._say()

    def _answer(self):
        if not self.shaken:
            try:
                self.tls.do_handshake()
            finally:
                self.hello = self.hello or self.outgoing.pending and self.heard
            self.shaken = True
            said = self.said + (self.outgoing.pending if self.tls.version() == 'TLSv1.2' else 0)
            if not self.cut and not self.server.sizes:
                self.server.sizes = Sizes(self.hello, self.heard, said)
        while data := self.tls.read(65536):
            *heads, self.text = (self.text + data).split(b'\r\n\r\n')
            self.tls.write(self.server.reply * len(heads))

    def _say(self):
        data = self.outgoing.read()
        if self.cut and self.cut.side == 'server':
            data = data[:self.cut.count - self.said]
        self.socket.sendall(data)  # which has room for it
        self.said += len(data)
        is_cut = self._is_cut('server', self.said) or self._is_cut('client', self.heard)
        return not is_cut or self._cut_off()

    def _is_cut(self, side, count):
        return self.cut is not None and self.cut[:2] == (side, count)

    def _cut_off(self):
        self.is_over = True
        if self.cut.way == ENDS:
            self.socket.shutdown(socket.SHUT_WR)
        elif self.cut.way == RESETS:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        return self.cut.way != RESETS
