"""A server from its start on, with memory failing once, at one point after the other: it does not
start, and says so, or it serves as if nothing had been."""

import re
import signal
import socket
import ssl

import pytest

from support import certificates
from support.http import get
from support.programs import BUILD, SANITIZER, TLS, environment, program, wait_until
from support.server import LISTEN, READY, Process, address_of
from support.tls import TlsSocket

LIBRARY = BUILD / 'tests' / 'unit' / 'libfailing_memory.so'
ALL = 20      # points in turn at the beginning, and at the end;
BETWEEN = 15  # so many of the thousands between, where the table of media types is read
BEHIND = 40   # and so many behind those of a start: of the first replies

pytestmark = pytest.mark.skipif(SANITIZER != 'none', reason='sanitizers have an allocator of '
                                'their own; tests/unit/server/test_faults.c fails that')


class Life:
    """A server's whole life, with allocation `at` failing (0: none). What OpenSSL itself finds no memory
    for while it starts, it may go without for good: then a server refuses all clients alike."""

    def __init__(self, model, docroot, folder, at):
        self.note = folder / f'note-{at}'
        shown = certificates.of_this_run().options() if TLS else []
        options = [LISTEN, '127.0.0.1:0', *shown, '--access-log', folder / 'log',
                   '--admin', '127.0.0.1:0', '--max-per-address', '9', docroot]
        self.server = Process(
            [program('server', model), *options],
            env=environment() | {'LD_PRELOAD': str(LIBRARY), 'CRISTO_FAIL_AT': str(at),
                                 'CRISTO_FAIL_NOTE': str(self.note)})
        try:
            self.live()
        finally:
            self.server.kill()

    def live(self):
        server = self.server
        assert wait_until(lambda: server.status is not None or self.ready()), f'{server}'
        if server.status is not None:
            # an address that the resolver finds no memory for is one that names no host
            names_no_host = 'Memory allocation failure' in server.stderr
            assert server.status == (2 if names_no_host else 1), f'{server}'
            assert re.match(r'cristo-(sync|async)-server: .', server.stderr), f'{server}'
            assert self.failed(), f'{server}'
            return
        hurt = TLS and self.failed()
        suffered = sum(b'HTTP/1.1 200 ' not in self.ask() for _ in range(6))
        assert suffered <= self.failed() or hurt and suffered == 6, f'{server}'
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0, f'{server}'

    def ready(self):
        return [line for line in map(READY.fullmatch, self.server.stdout.splitlines()) if line]

    def ask(self):
        said = b''
        request = get('/index.html').replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n')
        with socket.create_connection(address_of(self.ready()[0]), 20) as plain:
            try:
                connection = TlsSocket(plain, certificates.of_clients(), 'localhost') if TLS else plain
                connection.sendall(request)
                while more := connection.recv(65536):
                    said += more
            except (ConnectionError, ssl.SSLError):
                pass
        return said

    def failed(self):
        return 'failed' in self.note.read_text()

    def allocations(self):
        return max(map(int, re.findall(r'([0-9]+) allocations', self.note.read_text())))


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / 'site'
    folder.mkdir()
    (folder / 'index.html').write_text('here\n')
    return folder


def test_every_allocation_of_a_start_may_fail(model, site, tmp_path):
    usual = Life(model, site, tmp_path, 0).allocations()
    points = {*range(1, ALL), *range(1, usual, max(1, usual // BETWEEN)),
              *range(max(1, usual - ALL), usual + BEHIND)}
    lives = [Life(model, site, tmp_path, at) for at in sorted(points)]
    assert sum(life.failed() for life in lives) > ALL
