"""TLS over a socket, for raw connections and for servers that are played. Python's own SSLSocket cannot
end its side and read on, and takes the end of a connection for the end of TLS; this can, and does not."""

import socket
import ssl
import struct

HEADER = 5  # bytes of a record (RFC 8446 5.1), the last two of which are the length of its rest
MOST = 16384  # bytes in one record


class TlsSocket:
    """What a socket is, with TLS spoken over it, by the client. What is not said here is the socket's
    own affair, or, like version() and session, that of the ssl.SSLObject."""

    def __init__(self, plain, context, name, session=None):
        self._begin(plain, context, server_hostname=name, session=session)
        self._shake()

    def _shake(self):
        try:
            while not self._is_done(self.tls.do_handshake):
                self._take()
        finally:
            self._flush()  # also an alert

    def _begin(self, plain, context, **how):
        self.plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, **how)
        self._record = b''  # as much of it as has come
        self._early = b''  # came before it was asked for
        self._unsent = b''

    def __getattr__(self, name):
        return getattr(self.tls if hasattr(self.tls, name) else self.plain, name)

    @staticmethod
    def _is_done(step):
        try:
            step()
            return True
        except ssl.SSLWantReadError:
            return False

    def _take(self):
        """Some more of one record, and nothing of the next: what is behind it can be waited for."""
        self._flush()
        size = HEADER
        if len(self._record) >= HEADER:
            size += int.from_bytes(self._record[3:HEADER], 'big')
        data = self.plain.recv(size - len(self._record))
        if not data:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, 'the connection ended, and TLS had not')
        self._record += data
        if len(self._record) == size > HEADER:
            self._incoming.write(self._record)
            self._record = b''

    def _flush(self):
        self._unsent += self._outgoing.read()
        while self._unsent:
            self._unsent = self._unsent[self.plain.send(self._unsent):]

    def recv(self, size):
        """Nothing at the end that the server has said (close_notify, RFC 8446 6.1); the end of the
        connection without it is an error."""
        while not self._early:
            try:
                return self.tls.read(size)
            except ssl.SSLZeroReturnError:
                return b''
            except ssl.SSLWantReadError:
                self._take()
        data, self._early = self._early[:size], self._early[size:]
        return data

    def send(self, data):
        """Puts one record on its way, the rest of which the next call sends if this one cannot."""
        self._flush()
        size = self.tls.write(data[:MOST])
        try:
            self._flush()
        except (socket.timeout, BlockingIOError):
            pass
        return size

    def sendall(self, data):
        while data:
            data = data[self.send(data):]
        self._flush()

    def shutdown(self, how):
        """Says that nothing more will be sent; the connection itself stays open."""
        assert how == socket.SHUT_WR
        while self._is_done(self._read_early):  # the SSLObject would not look behind its own end
            pass
        self._is_done(self.tls.unwrap)
        self._flush()

    def _read_early(self):
        try:
            data = self.tls.read(MOST)
        except ssl.SSLZeroReturnError:
            data = b''
        if not data:
            raise ssl.SSLWantReadError
        self._early += data

    def unwrap(self):
        """Ends both sides; nothing may come before the server's end."""
        self.shutdown(socket.SHUT_WR)
        if self.recv(1):
            raise AssertionError('there is more than the end of TLS')
        return self.plain


class TlsLater(TlsSocket):
    """For a server that need not let the client in yet: the handshake is only begun, and brought to its
    end when something is to be received. What is sent before waits here."""

    def __init__(self, plain, context, name, session=None):
        self._begin(plain, context, server_hostname=name, session=session)
        self._is_done(self.tls.do_handshake)
        self._flush()
        self._waiting, self.is_shaken = b'', False

    def _catch_up(self):
        if not self.is_shaken:
            self._shake()
            self.is_shaken = True
            super().sendall(self._waiting)

    def recv(self, size):
        self._catch_up()
        return super().recv(size)

    def sendall(self, data):
        if self.is_shaken:
            super().sendall(data)
        else:
            self._waiting += data

    def shutdown(self, how):
        self._catch_up()
        super().shutdown(how)


class TlsServed(TlsSocket):
    """The server's side of it, over a socket that waits or one that does not. The handshake is a part of
    receiving, which comes first. Where the socket does not wait, something may be left `unsent`: to send
    nothing goes on with it. shutdown() and close() end TLS and the connection, which is cut if it is to be
    reset."""

    def __init__(self, plain, context):
        self._begin(plain, context, server_side=True)
        self.has_ended = False

    @property
    def is_shaken(self):
        return self.tls.version() is not None

    @property
    def unsent(self):
        return bool(self._unsent)

    def recv(self, size):
        if self.has_ended:  # what comes now is dropped by whoever receives it
            return self.plain.recv(size)
        try:
            return super().recv(size)
        except ssl.SSLError:
            self._flush()  # an alert
            raise

    def hear(self, record):
        """As if the client had sent it."""
        self._incoming.write(record)

    def send(self, data):
        """As much as there is room for."""
        sent = 0
        self._flush()
        while sent < len(data) and not self._unsent:
            sent += super().send(data[sent:])
        return sent

    def shutdown(self, how):
        if how == socket.SHUT_WR and self.is_shaken:
            try:
                self._is_done(self.tls.unwrap)
            except ssl.SSLError:  # what has come, and was not received, is not looked at
                pass
            self._flush()
        self.has_ended = True
        self.plain.shutdown(how)

    def close(self):
        try:
            if not self.has_ended and not is_to_be_reset(self.plain):
                self.shutdown(socket.SHUT_WR)
        except OSError:  # it is broken, or has no room
            pass
        self.plain.close()


def is_to_be_reset(connection):
    """Whether an RST is what it is closed by."""
    return struct.unpack('ii', connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0)
