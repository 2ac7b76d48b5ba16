"""Raw connections, and replies read by a parser that shares nothing with the project's own.

The parser is strict: it accepts what RFC 9110 and RFC 9112 let an origin server generate, and
raises ProtocolError for anything else, so that every reply read anywhere in these tests is also a
test of its form.
"""

import datetime
import email.utils
import functools
import re
import socket
import ssl
import struct
import time

from support.programs import PATIENCE
from support.tls import TlsLater, TlsSocket

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
STATUS_LINE = re.compile(rb'HTTP/1\.[01] ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)')
FIELD_LINE = re.compile(rb'(' + TOKEN + rb'):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*'
                        rb'[\x21-\x7e\x80-\xff])?)?[ \t]*')
IMF_FIXDATE = re.compile(r'(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (Jan|Feb|Mar|Apr|May|Jun|Jul|'
                         r'Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT')
ENTITY_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# Fields of a reply that are not lists, so that a second line would make it ambiguous.
SINGLE = ('accept-ranges', 'age', 'content-length', 'content-range', 'content-type', 'date',
          'delay', 'etag', 'last-modified', 'location', 'server', 'transfer-encoding')


# How a connection ends that is cut. Without TLS, it may also look like any end.
CUT = ConnectionResetError, ssl.SSLEOFError


class ProtocolError(AssertionError):
    """What came is not HTTP, or not what a server may send."""


class Ended(AssertionError):
    """The connection ended where a reply, or more of one, was due."""


class Timeout(AssertionError):
    """Nothing came for too long."""


def http_date(seconds):
    """Seconds since 1970 as an IMF-fixdate (RFC 9110 5.6.7)."""
    return email.utils.formatdate(seconds, usegmt=True)


@functools.lru_cache
def seconds_of(date):
    """An IMF-fixdate as seconds since 1970; refuses every other form."""
    if not IMF_FIXDATE.fullmatch(date):
        raise ProtocolError(f'not an IMF-fixdate: {date!r}')
    moment = email.utils.parsedate_to_datetime(date)
    if moment.strftime('%a') != date[:3]:
        raise ProtocolError(f'the wrong day of the week: {date!r}')
    return int(moment.astimezone(datetime.timezone.utc).timestamp())


class Reply:
    """One reply: status, reason, fields (as sent, in order) and body."""

    def __init__(self, head):
        self.head = head
        self.body = b''
        lines = head.split(b'\r\n')
        start = STATUS_LINE.fullmatch(lines[0])
        if not start:
            raise ProtocolError(f'not a status line: {lines[0]!r}')
        self.version = lines[0][:8].decode()
        self.status = int(start[1])
        self.reason = start[2].decode('latin-1')
        self.fields = [self._field(line) for line in lines[1:]]
        self._by_name = {}
        for name, value in self.fields:
            self._by_name.setdefault(name.lower(), []).append(value)
        for name in SINGLE:
            if len(self.values(name)) > 1:
                raise ProtocolError(f'{name} is there more than once:\n{head!r}')

    @staticmethod
    def _field(line):
        field = FIELD_LINE.fullmatch(line)
        if not field:
            raise ProtocolError(f'not a field line: {line!r}')
        return field[1].decode(), (field[2] or b'').decode('latin-1')

    def values(self, name):
        return self._by_name.get(name.lower(), [])

    def has(self, name):
        return bool(self.values(name))

    def __getitem__(self, name):
        """The value of a field that must be there, once."""
        values = self.values(name)
        assert len(values) == 1, f'{len(values)} fields named {name} in:\n{self.head!r}'
        return values[0]

    def lists(self, name):
        """The members of a comma-separated list, in lower case."""
        members = ','.join(self.values(name)).split(',')
        return [member.strip().lower() for member in members if member.strip()]

    @property
    def closes(self):
        """Whether the reply itself says that it is the last (RFC 9112 9.3)."""
        options = self.lists('connection')
        return 'close' in options or (self.version == 'HTTP/1.0' and 'keep-alive' not in options)

    def except_date(self):
        """Status and fields for comparison; the moment of sending left out."""
        return self.status, [field for field in self.fields if field[0].lower() != 'date']

    def check(self, to, since):
        """What every reply owes, whatever the request (`to`: its method, `since`: a moment before
        it was sent)."""
        if 200 <= self.status < 500:  # RFC 9110 6.6.1
            # a clock that is read once for many replies may be a moment behind
            if not int(since) - 1 <= seconds_of(self['Date']) <= time.time():
                raise ProtocolError(f'Date is {self["Date"]!r} at {http_date(time.time())!r}')
        if self.has('Content-Length') and not re.fullmatch('[0-9]+', self['Content-Length']):
            raise ProtocolError(f'Content-Length is {self["Content-Length"]!r}')  # RFC 9110 8.6
        if self.has('Transfer-Encoding') and (self.has('Content-Length')  # RFC 9112 6.2
                                              or self.status == 204 or self.status < 200):
            raise ProtocolError(f'Transfer-Encoding has no place here:\n{self.head!r}')
        if self.has('Content-Length') and (self.status == 204 or self.status < 200):
            raise ProtocolError(f'Content-Length in a {self.status}')  # RFC 9110 8.6
        if self.has('ETag') and not ENTITY_TAG.fullmatch(self['ETag']):
            raise ProtocolError(f'ETag is {self["ETag"]!r}')  # RFC 9110 8.8.3
        if self.has('Last-Modified'):  # RFC 9110 8.8.2.1
            if seconds_of(self['Last-Modified']) > seconds_of(self['Date']):
                raise ProtocolError('Last-Modified is later than Date')
        if self.status == 405 and not self.has('Allow'):  # RFC 9110 15.5.6
            raise ProtocolError('405 without Allow')
        if self.status in (301, 302, 303, 307, 308) and not self.has('Location'):
            raise ProtocolError(f'{self.status} without Location')  # RFC 9110 15.4
        if self.status == 206:  # RFC 9110 15.3.7.1, 15.3.7.2
            several = self.has('Content-Type') and \
                self['Content-Type'].startswith('multipart/byteranges')
            if several == self.has('Content-Range'):
                raise ProtocolError(f'206 with both or neither of parts and range:\n{self.head!r}')
        elif self.has('Content-Range') and self.status != 416:  # RFC 9110 14.4
            raise ProtocolError(f'Content-Range in a {self.status}')
        if to == 'HEAD' and self.body:
            raise ProtocolError('a reply to HEAD has a body')


class Connection:
    """A raw client connection: bytes out as they are, replies in. With `tls`, an ssl.SSLContext, they
    go over TLS; `name` is the server's, to be asked for. With `later`, the server may let the connection in
    whenever it likes: the handshake goes on when a reply is read."""

    open = []  # all that tests have not closed yet; conftest.py does it for them

    def __init__(self, address, timeout=10, receive_buffer=None, tls=None, name='localhost',
                 session=None, source=None, later=False):
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET6 if ':' in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.timeout = timeout * PATIENCE
        self.since = time.time()
        self.socket.settimeout(self.timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            if source:
                self.socket.bind((source, 0))
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.received = 0
        Connection.open.append(self)
        if tls:
            try:
                self.socket = (TlsLater if later else TlsSocket)(self.socket, tls, name, session)
            except OSError:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *slices, pause=0.001):
        """Sends each slice in a write of its own, with a pause between them."""
        for number, piece in enumerate(slices):
            if number:
                time.sleep(pause)
            self.socket.sendall(piece)
        return self

    def send_byte_by_byte(self, data, pause=0.0005):
        return self.send(*(data[at:at + 1] for at in range(len(data))), pause=pause)

    def receive(self, size=65536):
        """Takes some more bytes into the buffer; False at the end of the connection."""
        try:
            data = self.socket.recv(size)
        except socket.timeout:
            raise Timeout(f'nothing for {self.timeout} s after {self.last!r}') from None
        self.buffer += data
        self.received += len(data)
        return bool(data)

    def take(self, size):
        """Reads exactly so many bytes of a body."""
        while len(self.buffer) < size:
            if not self.receive(max(65536, size - len(self.buffer))):
                raise Ended(f'{len(self.buffer)} of {size} bytes of a body: {self.last!r}')
        return self._cut_off(size)

    def _cut_off(self, size):
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def _take_until(self, mark, what):
        while mark not in self.buffer:
            if not self.receive():
                raise Ended(f'{what}: {self.last!r}')
        return self._cut_off(self.buffer.index(mark) + len(mark))[:-len(mark)]

    @property
    def last(self):
        return bytes(self.buffer[-200:])

    @property
    def raw(self):
        """The socket beneath TLS."""
        return self.socket.plain if isinstance(self.socket, TlsSocket) else self.socket

    def head(self):
        """Reads one reply's head and leaves its body to come."""
        return Reply(self._take_until(b'\r\n\r\n', 'where a reply was due'))

    def reply(self, to='GET'):
        """Reads one whole reply to a request of the method `to` and checks what all replies owe."""
        reply = self.head()
        if to == 'HEAD' or reply.status in (204, 304) or reply.status < 200:  # RFC 9112 6.3
            pass
        elif reply.has('Transfer-Encoding'):
            reply.body = self._chunks(reply)
        elif reply.has('Content-Length'):
            reply.check(to, self.since)
            reply.body = self.take(int(reply['Content-Length']))
        else:
            if not reply.closes:
                raise ProtocolError(f'a body of no length that no close will end:\n{reply.head!r}')
            reply.body = self.rest()
        reply.check(to, self.since)
        return reply

    def _chunks(self, reply):
        if reply['Transfer-Encoding'].lower() != 'chunked':
            raise ProtocolError(f'Transfer-Encoding is {reply["Transfer-Encoding"]!r}')
        body = b''
        while True:
            size = self._take_until(b'\r\n', 'where a chunk was due')
            if not re.fullmatch(rb'[0-9A-Fa-f]{1,15}', size):
                raise ProtocolError(f'not a chunk size: {size!r}')
            if int(size, 16) == 0:
                break
            body += self.take(int(size, 16))
            if self.take(2) != b'\r\n':
                raise ProtocolError('a chunk is not ended by CRLF')
        if self._take_until(b'\r\n', 'where a chunked body ends'):
            raise ProtocolError('a trailer nobody asked for')
        return body

    def rest(self):
        """Everything up to the end of the connection, which must come."""
        while self.receive():
            pass
        return self._cut_off(len(self.buffer))

    def until_cut(self):
        """Takes what comes until the server cuts the connection, which it must: over TLS, that is an
        end that was not said (RFC 8446 6.1)."""
        try:
            while self.receive(1 << 20):
                pass
        except CUT:
            return
        assert not isinstance(self.socket, TlsSocket), 'it was ended in order'

    def end(self):
        """Says that nothing more will be sent; what comes can still be read."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def hurry(self):
        """Ends the slowness of a connection made with a small receive buffer."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return self

    def ended(self):
        """Asserts that the server ends the connection and that nothing more comes before."""
        rest = self.rest()
        assert not rest, f'came after the last reply: {rest[:300]!r}'

    def says_nothing(self, seconds):
        """Asserts that nothing comes for so long, nor the end."""
        self.socket.settimeout(seconds * PATIENCE)
        try:
            came = self.receive()
        except Timeout:
            return
        finally:
            self.socket.settimeout(self.timeout)
        raise AssertionError(f'came unasked: {self.last!r}' if came else 'it has ended')

    def goes_on(self, path='/small.txt'):
        """Asserts that the connection still answers."""
        self.send(get(path))
        reply = self.reply()
        assert reply.status == 200, reply.head
        return reply

    def cut(self):
        """Resets the connection (SO_LINGER 0)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.close()

    def close(self):
        self.socket.close()
        if self in Connection.open:
            Connection.open.remove(self)


def request(method, path, *fields, version='1.1', host='t', body=b''):
    """A request as bytes; `fields` are whole lines without their ends."""
    def coded(text):
        return text if isinstance(text, bytes) else text.encode('latin-1')
    lines = [coded(method) + b' ' + coded(path) + b' HTTP/' + coded(version)]
    if host is not None:
        lines.append(b'Host: ' + coded(host))
    lines += [coded(field) for field in fields]
    return b'\r\n'.join(lines) + b'\r\n\r\n' + body


def get(path, *fields, **rest):
    return request('GET', path, *fields, **rest)


def head(path, *fields, **rest):
    return request('HEAD', path, *fields, **rest)
