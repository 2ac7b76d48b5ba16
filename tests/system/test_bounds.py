"""Every limit: its option has a default that --help tells, it is kept by both servers alike, it is
counted by its name, and whoever is within it stays served."""

import re
import subprocess
import time

import pytest

from support.admin import Metrics
from support.docroot import pattern, put
from support.http import CUT, get, request
from support.programs import MODELS, PATIENCE, PAUSE_S, SANITIZER, TLS, program, wait_until

ADMIN = ('--admin', '127.0.0.1:0')
LARGE = 12 << 20


@pytest.fixture
def large(scratch):
    put(scratch / 'large.bin', pattern(LARGE))
    put(scratch / 'small.txt', b'here\n')
    return scratch


def hits(server, name, count):
    """Asserts that this limit was hit so often, and no other."""
    wait_until(lambda: Metrics(server).limit(name) >= count)
    metrics = Metrics(server)
    counted = {labels[0][1]: value for (sample, labels), value in metrics.samples.items()
               if sample == 'cristo_limits_total' and value}
    assert counted == {name: count}


def others_are_served(server):
    with server.connect() as connection:
        connection.goes_on()


@pytest.mark.parametrize('model', MODELS)
@pytest.mark.parametrize('limit, default', [
    ('max-connections', '0'), ('max-per-address', '0'), ('max-requests', '0'), ('max-head', '16k'),
    ('max-fields', '100'), ('max-body', '1M'), ('header-timeout', '10s'), ('idle-timeout', '60s'),
    ('send-timeout', '30s'), ('min-rate', '240'), ('drain-timeout', '10s')])
def test_help_tells_the_default(model, limit, default):
    said = subprocess.run([program('server', model), '--help'], capture_output=True, text=True,
                          check=True).stdout
    entry = re.search(rf'--{limit} .*?(?=\n +(?:-[a-zA-Z], )?--|\n\n|\Z)', said, re.DOTALL)
    assert re.search(rf'Default\s+{default}\b', entry[0]), entry[0]


def test_max_connections_is_counted_and_those_within_stay_served(own):
    server = own(*ADMIN, '--max-connections', '5')
    held = [server.connect() for _ in range(5)]
    for connection in held:
        connection.goes_on()
    waiting = [server.connect(timeout=30, later=True).send(get('/small.txt')) for _ in range(3)]
    assert wait_until(lambda: Metrics(server).limit('max-connections') >= 1)
    for connection in held:
        connection.goes_on()
    for connection in held:
        connection.close()
    for connection in waiting:
        assert connection.reply().status == 200


# --- per address --------------------------------------------------------------------------------

def is_turned_away(server):
    if TLS:  # no handshake is begun for that
        with pytest.raises(CUT):
            server.connect()
        return
    connection = server.connect()
    reply = connection.reply()
    assert reply.status == 503 and reply.closes and reply['Retry-After'] == '1'
    connection.ended()


def test_max_per_address_turns_away_and_others_stay_served(own):
    server = own(*ADMIN, '--max-per-address', '3')
    held = [server.connect() for _ in range(3)]
    for connection in held:
        connection.goes_on()
    for _ in range(4):
        is_turned_away(server)
    other = server.connect(source='127.0.0.2')
    other.goes_on()
    for connection in held:
        connection.goes_on()
    hits(server, 'max-per-address', 4)
    metrics = Metrics(server)
    assert metrics.value('connections_turned_away_total') == 4
    held[0].close()

    def let_in():  # once the server has seen that one is gone
        try:
            with server.connect() as connection:
                return connection.send(get('/small.txt')).reply().status == 200
        except CUT:
            return False
    assert wait_until(let_in)


@pytest.mark.plain('it is told nothing')
def test_turned_away_it_is_told_so_though_it_asks_first(own):
    server = own('--max-per-address', '1')
    server.connect().goes_on()
    for _ in range(20):
        connection = server.connect()
        try:
            connection.send(get('/small.txt'))
        except (BrokenPipeError, *CUT):
            pass  # it was closed by then
        assert connection.head().status == 503
        connection.close()


def test_per_address_nobody_is_forgotten(own):
    """However connections end, they are counted out."""
    server = own('--max-per-address', '10')
    for _ in range(10):
        opened = [server.connect() for _ in range(10)]
        for number, connection in enumerate(opened):
            connection.goes_on()
            if number % 3 == 0:
                connection.cut()
            elif number % 3 == 1:
                connection.send(b'no request\r\n\r\n').rest()
            connection.close()
        server.settled()


def test_per_address_unix_sockets_do_not_count(own, tmp_path):
    server = own('--max-per-address', '2', listen=(f'unix:{tmp_path}/socket',))
    held = [server.connect() for _ in range(20)]
    for connection in held:
        connection.goes_on()


def test_per_address_ipv6_counts_by_network(own):
    """Whoever has one address of a /64 has them all: ::1 is the only one that is here."""
    server = own('--max-per-address', '2', listen=('[::1]:0', '127.0.0.1:0'))
    held = [server.connect() for _ in range(2)]
    for connection in held:
        connection.goes_on()
    is_turned_away(server)
    with server.connect(1) as connection:
        connection.goes_on()


def test_per_address_is_off_unless_asked_for(own):
    server = own()
    held = [server.connect() for _ in range(200)]
    for connection in held:
        connection.goes_on()


# --- a request ----------------------------------------------------------------------------------

def test_max_requests(own):
    server = own(*ADMIN, '--max-requests', '3')
    with server.connect() as connection:
        for number in range(3):
            assert connection.send(get('/small.txt')).reply().closes == (number == 2)
        connection.ended()
    hits(server, 'max-requests', 1)
    others_are_served(server)


@pytest.mark.parametrize('what, status', [
    (get('/small.txt', 'X: ' + 'x' * 1000), 431), (get('/' + 'x' * 1000), 414)])
def test_max_head(own, what, status):
    server = own(*ADMIN, '--max-head', '512')
    with server.connect() as connection:
        assert connection.send(what).reply().status == status
        connection.ended()
    hits(server, 'max-head', 1)
    others_are_served(server)


def test_max_fields(own):
    server = own(*ADMIN, '--max-fields', '3')
    with server.connect() as connection:
        connection.send(get('/small.txt', 'A: 1', 'B: 2')).reply()
        assert connection.send(get('/small.txt', 'A: 1', 'B: 2', 'C: 3')).reply().status == 431
    hits(server, 'max-fields', 1)
    others_are_served(server)


@pytest.mark.parametrize('fields, body', [
    (('Content-Length: 101',), b''), (('Transfer-Encoding: chunked',), b'65\r\n' + b'x' * 101)])
def test_max_body(own, fields, body):
    server = own(*ADMIN, '--max-body', '100')
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 100', body=b'x' * 100))
        assert connection.reply().status == 200
        connection.send(request('GET', '/small.txt', *fields, body=body))
        assert connection.reply().status == 413
    hits(server, 'max-body', 1)
    others_are_served(server)


# --- time ---------------------------------------------------------------------------------------

# It begins with the first byte of a head, and the others come with it. A handshake, which has as much,
# takes several steps of both sides.
HEADER_TIMEOUT = f'{PAUSE_S}s' if TLS else '0.3s'


def test_header_timeout(own):
    server = own(*ADMIN, '--header-timeout', HEADER_TIMEOUT)
    halves = (b'GET /small.txt HT',
              request('GET', '/small.txt', 'Content-Length: 100', body=b'half'))
    waiting = [server.connect().send(half) for half in halves]
    for connection in waiting:
        assert connection.reply().status == 408
    hits(server, 'header-timeout', 2)
    others_are_served(server)


def test_idle_timeout(own):
    server = own(*ADMIN, '--idle-timeout', f'{PAUSE_S}s')
    connections = [server.connect() for _ in range(5)]
    connections[0].goes_on()
    for connection in connections:
        connection.ended()
    hits(server, 'idle-timeout', 5)
    others_are_served(server)


def test_send_timeout(own, large):
    server = own(*ADMIN, '--send-timeout', '0.3s', docroot=large)
    stalled = [server.connect(receive_buffer=4096).send(get('/large.bin')) for _ in range(3)]
    others_are_served(server)
    hits(server, 'send-timeout', 3)
    assert len(stalled) == 3


# --- the rate -----------------------------------------------------------------------------------

def sips(connection, size, pause, seconds):
    """Reads that much now and then; whether the server has cut it within the time. What lies in the
    buffers between is taken for this: it is how a connection feels that nobody waits for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if not connection.receive(size):
                return True
        except CUT:
            return True
        time.sleep(pause)
    return False


def test_reader_who_takes_a_trickle_is_cut(own, large):
    """Progress of a few bytes puts the send timeout off; it does not this one."""
    server = own(*ADMIN, '--send-timeout', f'{PAUSE_S}s', '--min-rate', '10M', docroot=large)
    trickling, sipped = [], []

    def come(count):
        for _ in range(count):
            trickling.append(server.connect(receive_buffer=4096).send(get('/large.bin')))
        sipped[:] = [time.monotonic()]

    def judged():
        for connection in trickling:
            sip(connection)
        sipped.append(time.monotonic())
        metrics = Metrics(server)
        if metrics.limit('min-rate') + metrics.limit('send-timeout') < len(trickling):
            return False
        if metrics.limit('min-rate') == 0:  # none of them took a byte in that time
            pause = max(after - before for before, after in zip(sipped, sipped[1:]))
            assert pause > PAUSE_S / 4, 'they did, all the time'
            come(1)
        return metrics.limit('min-rate') >= 1
    come(4)
    assert wait_until(judged, 20)
    server.settled(20)  # nothing is held for them, though they are still there
    others_are_served(server)


def sip(connection):
    """Takes a little."""
    try:
        connection.receive(2000)
    except (AssertionError, *CUT):
        pass


def test_rate_of_0_asks_for_any_progress(own, large):
    server = own(*ADMIN, '--send-timeout', f'{PAUSE_S}s', '--min-rate', '0', docroot=large)
    connection = server.connect(receive_buffer=4096).send(get('/large.bin'))
    connection.head()
    assert not sips(connection, 1000, 0.02, 2.5 * PAUSE_S)
    assert connection.hurry().take(LARGE) == pattern(LARGE)
    hits_none(server)


def hits_none(server):
    metrics = Metrics(server)
    assert not [labels for (name, labels), value in metrics.samples.items()
                if name == 'cristo_limits_total' and value]


def test_body_that_trickles_in_is_cut(own):
    """Each piece comes in time, and there is no end of them."""
    server = own(*ADMIN, '--header-timeout', f'{PAUSE_S}s', '--min-rate', '1000')
    connection = server.connect()
    began = time.monotonic()
    connection.send(request('GET', '/small.txt', 'Content-Length: 100000'))
    connection.socket.settimeout(0.05)
    while not connection.buffer:
        assert time.monotonic() - began < 20 * PATIENCE
        connection.socket.sendall(b'x')
        try:
            connection.socket.settimeout(0.05)
            connection.receive()
        except AssertionError:
            pass
    assert connection.buffer.startswith(b'HTTP/1.1 408 ')
    assert time.monotonic() - began >= 0.9 * PAUSE_S  # it had its time before it was judged
    hits(server, 'min-rate', 1)
    others_are_served(server)


def test_body_that_comes_at_the_rate_is_read(own):
    server = own(*ADMIN, '--header-timeout', f'{PAUSE_S}s', '--min-rate', '100')
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 10000'))
        for _ in range(100):  # twice the time after which it is judged, and more
            connection.send(b'x' * 100)
            time.sleep(0.05)
        assert connection.reply().status == 200
    hits_none(server)


@pytest.mark.skipif(SANITIZER != 'none', reason='what a thread takes is measured')
def test_default_cuts_a_byte_a_second(own, large):
    """As it is without options, but for the time that is waited before it is judged."""
    server = own(*ADMIN, '--send-timeout', '1s', docroot=large)
    connection = server.connect(receive_buffer=4096).send(get('/large.bin'))
    sips(connection, 1, 0.5, 3)
    assert wait_until(lambda: Metrics(server).limit('min-rate') +
                      Metrics(server).limit('send-timeout') == 1)
