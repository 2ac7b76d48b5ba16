"""How a server stops: what runs is finished, what idles is let go, and nothing takes longer than
the drain timeout."""

import contextlib
import ctypes
import os
import signal
import socket
import struct
import time

import pytest

from support.admin import admin_get
from support.client import start
from support.docroot import pattern, put
from support.facts import facts
from support.http import CUT, Ended, get
from support.programs import PATIENCE, PAUSE_S, SANITIZER, environment, wait_until

LARGE = 12 << 20  # more than all buffers between a server and a reader who waits
SIGNALS = [signal.SIGTERM, signal.SIGINT]
# A loop that is kept from running for a second when connections are cut is left behind, and ends with the
# process: no mistake, though the sanitizer takes it for a thread that was forgotten.
CUTS = environment(TSAN_OPTIONS=environment()['TSAN_OPTIONS'] + ':report_thread_leaks=0')
BOTH = pytest.mark.parametrize('number', SIGNALS, ids=lambda number: number.name)


@pytest.fixture
def big(scratch):
    put(scratch / 'small.txt', b'here\n')
    put(scratch / 'large.bin', pattern(LARGE))
    return scratch


def refuses(server):
    """Whether nobody is let in any more."""
    try:
        server.connect().close()
    except OSError:
        return True
    return False


@BOTH
def test_idle_server_stops(own, number):
    own().stop(number)


@BOTH
def test_running_download_is_finished(own, big, number):
    server = own('--drain-timeout', '60s', docroot=big)
    connection = server.connect(receive_buffer=4096)
    connection.send(get('/large.bin'))
    assert connection.head().status == 200
    server.signal(number)
    assert wait_until(lambda: refuses(server)), 'a stopping server still lets clients in'
    assert server.status is None
    assert connection.hurry().take(LARGE) == pattern(LARGE)
    connection.ended()
    server.stopped()


def test_running_downloads_on_many_connections_are_finished(own, big):
    server = own('--drain-timeout', '60s', docroot=big)
    connections = [server.connect(receive_buffer=4096).send(get('/large.bin')) for _ in range(2)]
    for connection in connections:
        assert connection.head().status == 200
    server.signal(signal.SIGTERM)
    for connection in connections:
        assert len(connection.hurry().take(LARGE)) == LARGE
        connection.ended()
    server.stopped()


def let_in_while_it_drains(server):
    """None, or why: whoever asks to be connected then is not answered, and refused later. To let him in
    would be to promise what the end of the listener breaks."""
    with socket.socket() as late:
        late.settimeout(0.05)
        try:
            late.connect(server.addresses[0])
        except OSError:
            return None
        return 'a draining server lets a client in'


def test_nobody_is_let_in_once_a_drain_has_begun(own, big):
    server = own('--admin', '127.0.0.1:0', '--drain-timeout', '60s', docroot=big)
    if os.geteuid() != 0 and needs_rights_to_refuse():
        pytest.skip('this kernel lets nobody without CAP_NET_ADMIN filter a socket')
    kept = server.connect(receive_buffer=4096).send(get('/large.bin'))
    assert kept.head().status == 200
    server.signal(signal.SIGTERM)
    assert wait_until(lambda: admin_get(server, '/healthz').status == 503)
    for _ in range(8):  # well beyond the time for handshakes that are under way
        assert let_in_while_it_drains(server) is None
    kept.close()
    server.stopped()


def needs_rights_to_refuse():
    pass_all = struct.pack('HBBI', 0x06, 0, 0, 0xffffffff)
    buffer = ctypes.create_string_buffer(pass_all)
    with socket.socket() as any_socket:
        try:
            any_socket.setsockopt(socket.SOL_SOCKET, 26,  # SO_ATTACH_FILTER
                                  struct.pack('HL', 1, ctypes.addressof(buffer)))
        except PermissionError:
            return True
    return False


def is_halted_in_its_last_second(server):
    """Whether it stands still, told to end, before it lets a connection go that asks for nothing."""
    begun = time.monotonic()
    server.signal(signal.SIGTERM)
    try:
        assert wait_until(lambda: admin_get(server, '/healthz').status == 503)
        os.kill(server.worker, signal.SIGSTOP)
    except (OSError, Ended):  # it has let all go, and ended
        assert time.monotonic() - begun >= 1
        return False
    if time.monotonic() - begun < 0.9:
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.worker, signal.SIGCONT)
    return False


def test_request_in_time_is_answered_however_late_the_server_is(own):
    """A connection is let go when it has been without a request for a second. Many requests come
    while the server is kept from running until that is over: it cannot tell that they came late."""
    for _ in range(10):
        server = own('--admin', '127.0.0.1:0', '--drain-timeout', '60s')
        connections = [server.connect() for _ in range(150)]
        for connection in connections:
            connection.goes_on()
        if is_halted_in_its_last_second(server):
            break
        server.stopped()
    else:
        assert False, 'this machine did not halt a server in 0.9 s'
    for connection in connections:
        connection.send(get('/small.txt'))
    time.sleep(1.2)
    os.kill(server.worker, signal.SIGCONT)
    for connection in connections:
        assert connection.reply().status == 200
        connection.ended()
    server.stopped()


@BOTH
def test_idle_connections_do_not_keep_a_server(own, number):
    server = own('--drain-timeout', '600s', '--idle-timeout', '600s')
    used = [server.connect() for _ in range(20)]
    for connection in used:
        connection.goes_on()
    fresh = [server.connect() for _ in range(20)]
    assert wait_until(lambda: server.sockets() >= 40)
    server.signal(number)
    for connection in used + fresh:
        connection.ended()
    server.stopped(20)


def test_reply_that_waits_is_finished(own):
    server = own('--delay', f'{PAUSE_S}s', '--drain-timeout', '60s')
    connection = server.connect().send(get('/small.txt'))
    time.sleep(0.1)
    server.signal(signal.SIGTERM)
    reply = connection.reply()
    assert reply.status == 200 and reply.closes
    connection.ended()
    connection.close()
    server.stopped()


def test_reply_that_is_computed_is_finished(own, model):
    options = ['--compute', '33' if SANITIZER == 'none' else '27']
    server = own(*options, *(['--offload', '1'] if model == 'async' else []))
    connection = server.connect().send(get('/small.txt'))
    time.sleep(0.05)
    server.signal(signal.SIGTERM)
    try:
        assert connection.reply().status == 200
        connection.ended()
    except Ended:  # it was computed before the signal, and the connection idle by then
        assert connection.received > 0
    server.stopped()


def test_last_reply_of_a_pipeline_says_that_it_is_the_last(own):
    server = own('--delay', '0.2s', '--drain-timeout', '60s')
    connection = server.connect().send(get('/small.txt') * 50)
    connection.reply()
    server.signal(signal.SIGTERM)
    replies = [connection.reply()]
    while not replies[-1].closes:
        replies.append(connection.reply())
    connection.ended()
    connection.close()
    assert len(replies) < 50
    server.stopped()


HELD = [
    ('reader_who_does_not_read', 'design 2', get('/large.bin')),
    ('head_that_does_not_end', 'design 2', b'GET / HTTP/1.1\r\nHost: t\r\n'),
    ('body_that_does_not_come', 'design 2',
     b'GET /small.txt HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n'),
]


@facts('data', HELD)
def test_drain_timeout_ends_what_hangs(own, big, data):
    server = own('--drain-timeout', '0.5s', '--header-timeout', '600s', '--send-timeout', '600s',
                 docroot=big, env=CUTS)
    connection = server.connect(receive_buffer=4096)
    connection.send(data)
    time.sleep(0.1)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    server.stopped(15)
    assert time.monotonic() - began < 15 * PATIENCE


def test_wait_longer_than_the_drain_timeout_is_ended(own):
    server = own('--delay', '600s', '--drain-timeout', '0.5s', env=CUTS)
    connections = [server.connect().send(get('/small.txt')) for _ in range(5)]
    time.sleep(0.2)
    server.signal(signal.SIGTERM)
    server.stopped(15)
    for connection in connections:
        try:
            connection.rest()
        except CUT:
            pass


@BOTH
def test_second_signal_ends_at_once(own, big, number):
    server = own('--drain-timeout', '600s', '--send-timeout', '600s', docroot=big, env=CUTS)
    connection = server.connect(receive_buffer=4096).send(get('/large.bin'))
    connection.head()
    server.signal(number)
    assert wait_until(lambda: refuses(server))
    assert server.status is None
    server.signal(number)
    assert server.wait(20) is not None
    server.no_reports()
    server.kill()


def test_connection_made_just_before_the_signal_is_served(own):
    """Accepted or not yet: who asked before is answered, or is turned away without a reply; never
    half."""
    for _ in range(10):
        server = own()
        connections = [server.connect().send(get('/sizes/65537.bin')) for _ in range(10)]
        server.signal(signal.SIGTERM)
        for connection in connections:
            try:
                assert len(connection.reply().body) == 65537
            except (Ended, *CUT):
                assert connection.received == 0
            connection.close()
        server.stopped()


def test_signal_under_load_ends_orderly(own, model):
    server = own()
    client = start('async', '-c', '50', '-d', '100s', '--quiet', server.url + '/small.txt')
    assert wait_until(lambda: server.sockets() >= 50)
    server.signal(signal.SIGTERM)
    server.stopped()
    client.signal(signal.SIGINT)
    client.wait()
    client.no_reports()
    client.kill()


def test_hangup_or_broken_pipe_does_not_end_it(own):
    """SIGPIPE is what a peer that has left would send."""
    server = own()
    server.signal(signal.SIGPIPE)
    with server.connect() as connection:
        connection.goes_on()
