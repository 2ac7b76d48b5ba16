"""Many connections, bad ones, and scarcity: each costs one connection and never the server."""

import os
import pathlib
import re
import resource
import select
import socket
import time

import pytest

from support.docroot import pattern, put
from support.facts import facts
from support.group import Group
from support.http import CUT, Ended, get, request
from support.programs import (PATIENCE, PAUSE_S, SANITIZER, TLS, raise_descriptor_limit,
                              wait_until)
from support.room import no_descriptors, no_threads
from support.server import Server

LARGE = 12 << 20


def room_for(connections):
    """Whether this machine and these programs can hold so many at once, or why not."""
    if SANITIZER != 'none' and connections > 800:
        return f'{SANITIZER} sanitizer: fewer threads and slower'
    return no_descriptors(connections * 1.06 + 700) or no_threads(connections)


# Over TLS there are fewer: each costs both sides a handshake.
@pytest.mark.parametrize('count', [500, 1500] if TLS else [500, 1000, 10_000])
def test_connections_are_held_at_once(own, count):
    why_not = room_for(count)
    if why_not:
        pytest.skip(why_not)
    server = own()
    connections = [server.connect() for _ in range(count)]
    for connection in connections:
        connection.send(get('/small.txt'))
    for connection in connections:
        assert connection.reply().status == 200
    assert server.sockets() >= count
    with server.connect() as another:  # while all of them are held
        another.goes_on()
    for connection in connections[::count // 100]:  # and they are still alive
        connection.goes_on()
    for connection in connections:
        connection.close()
    server.settled(20)


def test_soft_limit_of_1024_is_no_limit(own):
    why_not = room_for(2000 if SANITIZER == 'none' else 800)
    if why_not:
        pytest.skip(why_not)
    hard = raise_descriptor_limit()
    count = 1500 if SANITIZER == 'none' else 800
    server = own(limits=(min(256, hard), hard))
    connections = [server.connect() for _ in range(count)]
    for connection in connections:
        connection.goes_on()
        if connection is connections[0]:
            assert server.soft_descriptor_limit() == hard


def test_out_of_descriptors_is_waited_out_without_spinning(own):
    server = own(limits=(64, 64))
    connections = [server.connect(later=True) for _ in range(150)]
    for connection in connections:
        connection.send(get('/small.txt'))
    assert wait_until(lambda: told(server))
    served = answered(connections)
    assert served and len(served) < 64  # as many as there was room for
    assert told(server) == ['all that 64 descriptors leave room for (raise them with ulimit -Hn)']
    before = server.cpu_seconds()
    time.sleep(1)
    assert server.cpu_seconds() - before < 0.5
    for connection in served:  # these are served on
        connection.goes_on()
    for connection in connections:
        connection.close()
    with server.connect() as connection:
        connection.goes_on()


def test_descriptors_that_are_taken_away_are_asked_for(own):
    """After the start: it was not reckoned with that there would be so few."""
    server = own()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.prlimit(server.worker, resource.RLIMIT_NOFILE, (3, hard))
    with server.connect(later=True) as connection:
        connection.send(get('/small.txt'))
        assert wait_until(lambda: told(server))
        resource.prlimit(server.worker, resource.RLIMIT_NOFILE, (hard, hard))
        assert connection.reply().status == 200
    assert told(server) == ['Too many open files (raise it with ulimit -Hn)']


def told(server):
    """What the server said of connections that it did not let in."""
    return re.findall(r': connections (?:wait|are turned away)[:,] .*?[,:] (.*)', server.stderr)


def answered(connections, some=True):
    """Those that are sent a good reply, once no more come; the others wait to be accepted. Over TLS
    the first word to a client is that of the handshake, and the reply the next."""
    sockets = [connection.socket for connection in connections]
    readable, before = [], None
    deadline = time.monotonic() + 10 * PATIENCE
    while len(readable) != before or some and not readable and time.monotonic() < deadline:
        before = len(readable)
        time.sleep(0.5)
        readable = select.select(sockets, [], [], 0)[0]
    served = [connection for connection in connections if connection.socket in readable]
    for connection in served:
        assert connection.reply().status == 200
    return served


def test_file_without_a_descriptor_for_it_is_503_and_no_hang(own):
    server = own(limits=(64, 64))
    connections = [server.connect(later=True) for _ in range(150)]
    for connection in connections:
        connection.send(get('/small.txt'))
    assert wait_until(lambda: told(server))
    served = answered(connections)
    for connection in served:
        connection.send(get('/sizes/131072.bin'))
    for connection in served:
        assert connection.reply().status in (200, 503)


def test_max_connections_lets_the_next_wait(own):
    server = own('--max-connections', '10')
    held = [server.connect() for _ in range(10)]
    for connection in held:
        connection.goes_on()
    waiting = server.connect(timeout=20, later=True).send(get('/small.txt'))
    assert wait_until(lambda: told(server))
    assert not answered([waiting], some=False)
    assert told(server) == ['all that --max-connections allows']
    held[0].close()
    assert waiting.reply().status == 200


def is_turned_away(connection):
    """Whether its request is answered by 503, and the end. Over TLS there is nobody to answer: the end
    comes at once, in the middle of the handshake."""
    try:
        reply = connection.reply()
    except CUT:
        return TLS
    if reply.status != 503:
        return False
    assert reply.closes and not TLS
    connection.ended()
    return True


@pytest.mark.skipif(SANITIZER != 'none', reason='sanitizers map without end')
def test_thread_that_cannot_be_made_is_503(docroot):
    """No memory for one more stack: that connection hears so, and the server goes on. (A limit on
    processes would do the same, but root is above it.)"""
    server = Server('sync', '--stack', '16M', docroot=docroot, greet=False)
    try:
        size = int(pathlib.Path(f'/proc/{server.worker}/statm').read_text().split()[0]) * 4096
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.prlimit(server.worker, resource.RLIMIT_AS, (size + (2 << 20), hard))
        for _ in range(20):
            with server.connect(later=True) as connection:
                assert is_turned_away(connection.send(get('/small.txt')))
        resource.prlimit(server.worker, resource.RLIMIT_AS, (hard, hard))
        with server.connect() as connection:
            connection.goes_on()
        assert len(told(server)) == 1  # of twenty
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can make a group of processes')
def test_limit_on_threads_is_named_with_what_it_must_be(docroot):
    def turned_away(*options):
        """How many of a hundred are, and the server."""
        server = Server('sync', *options, docroot=docroot, greet=False, group=group)
        try:
            connections = [server.connect(later=True).send(get('/small.txt')) for _ in range(100)]
            return sum(is_turned_away(connection) for connection in connections), server
        finally:
            for connection in connections:
                connection.close()
            server.stop()
    with Group() as group:
        group.limit(60)
        away, server = turned_away('--max-connections', '120')
        said = re.findall(rf'{group.name} is 60 and must be ([0-9]+)\n', server.stderr)
        assert away > 40 and len(said) == 2 and said[0] == said[1]  # at the start, and when it was met
        group.limit(int(said[0]))
        away, server = turned_away('--max-connections', '120')
        assert away == 0 and 'must be' not in server.stderr


@pytest.mark.skipif(SANITIZER != 'none', reason='sanitizers need more stack')
@pytest.mark.parametrize('stack', ['32k', '64k', '1M'])
def test_stack_of_every_size_is_enough(docroot, stack):
    server = Server('sync', '--stack', stack, '--compute', '20', '--delay', '1us', docroot=docroot)
    try:
        with server.connect() as connection:
            for path in ('/small.txt', '/sizes/1048577.bin', '/no-such-file', '/sub',
                         '/link-out-absolute.txt'):
                connection.send(get(path)).reply()
            connection.send(get('/' + 'n/' * 2000, 'X: ' + 'x' * 8000)).reply()
    finally:
        server.stop()


# Clients that leave without a word, in every state that a connection has.
STATES = [
    ('connected', 'design 3', b''),
    ('within_a_request_line', 'design 3', b'GET /sm'),
    ('within_a_head', 'design 3', b'GET /small.txt HTTP/1.1\r\nHost: t\r\n'),
    ('head_sent', 'design 3', get('/small.txt')),
    ('head_of_a_large_file_sent', 'design 3', get('/sizes/1048577.bin')),
    ('head_of_an_uncached_file_sent', 'design 3', get('/sizes/524288.bin')),
    ('pipeline_sent', 'design 3', get('/sizes/262145.bin') * 20),
    ('within_a_body', 'design 3',
     request('GET', '/small.txt', 'Content-Length: 100', body=b'half')),
    ('within_chunks', 'design 3',
     request('GET', '/small.txt', 'Transfer-Encoding: chunked', body=b'5\r\nhe')),
    ('refused', 'design 3', b'nonsense\r\n\r\n' + b'x' * 5000),
]


@facts('data', STATES)
def test_client_resets(server, data):
    for _ in range(50 if TLS else 200):
        connection = server.connect()
        connection.send(data)
        connection.cut()
    with server.connect() as connection:
        connection.goes_on()


@facts('data', [(f'{fact}_after_a_while', section, data) for fact, section, data in STATES])
def test_client_resets_what_was_begun(server, data):
    """The server has read it, and is in that very state."""
    connections = [server.connect().send(data) for _ in range(20 if TLS else 50)]
    time.sleep(0.05)
    for connection in connections:
        connection.cut()
    with server.connect() as connection:
        connection.goes_on()


@facts('data', [(f'{fact}_then_closed', section, data) for fact, section, data in STATES])
def test_client_closes(server, data):
    for _ in range(25 if TLS else 100):
        server.connect().send(data).close()
    with server.connect() as connection:
        connection.goes_on()


def test_client_resets_while_it_is_sent_to(server):
    for _ in range(100):
        connection = server.connect(receive_buffer=4096)
        connection.send(get('/sizes/1048577.bin'))
        connection.receive(100)
        connection.cut()
    with server.connect() as connection:
        connection.goes_on()


def test_client_ends_its_side_while_it_is_sent_to(server):
    """RFC 9112 9.6: that alone is no reason to stop."""
    connections = [server.connect(receive_buffer=4096) for _ in range(20)]
    for connection in connections:
        connection.send(get('/sizes/1048577.bin'))
        connection.socket.shutdown(socket.SHUT_WR)
    for connection in connections:
        assert connection.hurry().reply().body == pattern(1048577)
        connection.ended()


def test_head_that_trickles_in_is_cut(own):
    """The time for a head runs from its first byte, not from its last one."""
    server = own('--header-timeout', '1s', '--idle-timeout', '60s')
    slow = [server.connect() for _ in range(30)]
    text = get('/small.txt', 'X: ' + 'x' * 1000)
    ended, sent = set(), 0
    began = time.monotonic()
    while len(ended) < len(slow):
        assert time.monotonic() - began < 10 * PATIENCE, f'{len(slow) - len(ended)} still open'
        for connection in slow:
            if connection not in ended and not trickles(connection, text[sent:sent + 1]):
                ended.add(connection)
        sent += 1
        with server.connect() as other:  # others do not suffer
            other.goes_on()
        time.sleep(0.1)
    assert time.monotonic() - began >= 0.9
    for connection in slow:
        said = bytes(connection.buffer)
        assert not said or said.startswith(b'HTTP/1.1 408 '), said


def trickles(connection, byte):
    """Sends one more byte; False when the server has ended the connection."""
    try:
        connection.socket.sendall(byte)
        return is_open(connection)
    except (BrokenPipeError, *CUT):
        return False


def is_open(connection):
    """Takes what has come, and does not wait for more; False at the end."""
    connection.socket.setblocking(False)
    try:
        while connection.receive():
            pass
        return False
    except BlockingIOError:
        return True
    finally:
        connection.socket.settimeout(connection.timeout)


def test_head_that_trickles_in_within_its_time_is_served(own):
    server = own('--header-timeout', '30s')
    with server.connect() as connection:
        connection.send_byte_by_byte(get('/small.txt'), pause=0.02)
        assert connection.reply().status == 200


def test_second_head_that_trickles_in_is_cut(own):
    server = own('--header-timeout', '0.5s', '--idle-timeout', '60s')
    with server.connect() as connection:
        connection.goes_on()
        connection.send(b'G')
        rest = connection.rest()
        assert not rest or rest.startswith(b'HTTP/1.1 408 ')


def test_body_that_does_not_come_is_cut(own):
    server = own('--header-timeout', '0.5s', '--idle-timeout', '60s')
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 100', body=b'half'))
        connection.rest()


@pytest.fixture
def large(scratch):
    put(scratch / 'large.bin', pattern(LARGE))
    put(scratch / 'small.txt', b'here\n')
    return scratch


def test_reader_who_does_not_read_is_cut(own, large):
    server = own('--send-timeout', '0.5s', docroot=large)
    stalled = [server.connect(receive_buffer=4096) for _ in range(10)]
    for connection in stalled:
        connection.send(get('/large.bin'))
    with server.connect() as other:
        other.goes_on()
    server.settled(15)  # their descriptors are given back though no client has closed
    for connection in stalled:
        connection.hurry()
        with pytest.raises((Ended, *CUT)):
            connection.head()
            connection.take(LARGE)


def test_reader_who_takes_little_is_not_cut(own, large):
    """The send timeout is for those who take nothing. All buffers between are full, and what this
    reader takes is for long too little to make room for more in them."""
    server = own('--send-timeout', f'{PAUSE_S}s', docroot=large)
    connection = server.connect(receive_buffer=4096).send(get('/large.bin'))
    assert connection.head().status == 200
    began = time.monotonic()
    while time.monotonic() - began < 2.5 * PAUSE_S:
        assert connection.receive(1000)
        time.sleep(0.02)
    assert connection.hurry().take(LARGE) == pattern(LARGE)
    connection.goes_on()


def test_idle_connections_are_closed_and_others_not(own):
    server = own('--idle-timeout', f'{PAUSE_S}s')
    idle = [server.connect() for _ in range(20)]
    for connection in idle[:10]:
        connection.goes_on()
    with server.connect() as busy:
        waiting = {connection.socket: connection for connection in idle}
        deadline = time.monotonic() + 20 * PATIENCE
        while waiting:
            busy.goes_on()
            assert time.monotonic() < deadline, f'{len(waiting)} are still open'
            for ready in select.select(waiting, [], [], 0.05)[0]:
                if not is_open(waiting[ready]):
                    waiting.pop(ready).ended()
        busy.goes_on()


def test_delays_of_many_connections_take_no_thread_of_the_loop(own, model):
    """Waiting costs the evented server no thread; the blocking one waits in one for each."""
    server = own('--delay', '600s', '--drain-timeout', '0s')
    for _ in range(100):
        server.connect().send(get('/small.txt'))
    assert wait_until(lambda: server.sockets() >= 100 + server.at_rest[0]['socket'])
    if model == 'sync':
        assert wait_until(lambda: server.threads() - server.threads_at_rest >= 100)
    else:
        assert server.threads() - server.threads_at_rest <= 16
    server.stop()


def test_flood_of_pipelined_requests_does_not_fill_the_memory(own):
    """A client that asks and asks and reads nothing is not read from any more."""
    server = own('--send-timeout', '30s')
    before = resident(server)
    connection = server.connect(receive_buffer=4096)
    connection.socket.settimeout(0.3)
    sent = 0
    try:
        while sent < 200 << 20:
            sent += connection.socket.send(get('/sizes/65536.bin') * 1000)
    except socket.timeout:
        pass
    assert sent < 200 << 20
    if SANITIZER == 'none':
        assert resident(server) - before < 16 << 20


def resident(server):
    return int(pathlib.Path(f'/proc/{server.worker}/statm').read_text().split()[1]) * 4096


def test_file_descriptors_of_many_files_are_bounded(own, scratch):
    """Held open for a while, but never all of them."""
    count = 3000 if SANITIZER == 'none' else 1000
    for number in range(count):
        put(scratch / f'{number}.bin', b'x' * 100)
    put(scratch / 'small.txt', b'here\n')
    server = own(docroot=scratch, limits=(400, 400))
    with server.connect() as connection:
        for start in range(0, count, 100):
            connection.send(b''.join(get(f'/{number}.bin') for number in range(start, start + 100)))
            for _ in range(100):
                assert connection.reply().status == 200
        assert len(os.listdir(f'/proc/{server.worker}/fd')) < 300
        connection.goes_on()
