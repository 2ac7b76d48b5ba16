"""Connections that servers close, announced or not, between requests or in the middle of several: which
requests fail then, which are sent again, and which never are."""

import collections
import concurrent.futures
import json
import signal
import threading

import pytest

from support.client import Wrong, check_result, measure, start, whole
from support.facts import facts
from support.hostile import CLOSE, RESET, STALL, Hostile, trace
from support.programs import PAUSE_S, wait_until

OK = b'HTTP/1.1 200 OK\r\n'
HELLO = whole()
LAST = whole(b'hello', '200 OK', 'Connection: close')
CHUNKED = OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
BOTH = CHUNKED.replace(b'\r\n', b'\r\nContent-Length: 5\r\n', 1)
LONG_PAUSE = f'{2 * PAUSE_S}s'  # well within which both sides act, one after the other


def kinds(came):
    return [kind for _, kind in came]


# --- Several requests under way --------------------------------------------------------------------

def cut_of_second(reply, count, then):
    """9112 8 and 9.5, after so many bytes of the second of four replies."""
    if count == len(reply):
        return 'ok'
    return 'framing' if then == CLOSE and count > 0 else 'reset'


CUTS = [
    ('closed_within_a_length', '9112 8', HELLO, CLOSE),
    ('closed_within_chunks', '9112 8', CHUNKED, CLOSE),
    ('reset_within_a_length', '9112 9.5', HELLO, RESET),
    ('reset_within_chunks', '9112 9.5', CHUNKED, RESET),
    ('reset_within_a_body_until_close', '9112 9.5', OK + b'\r\nhello', RESET),
]


@facts('reply, then', CUTS)
def test_second_of_four_replies_cut_off_after_every_byte(model, reply, then, tmp_path):
    """9110 9.2.2: the first is good, the second is what failed, and the others are sent again, as GET may
    be; 9112 9.3.1: so may the second one be, once, when nothing of its reply has come."""
    cuts = range(len(reply) + (then == CLOSE))
    rows = {f'{count}/{number}': (reply[:count], then) if number == 2 else (HELLO,)
            for count in cuts for number in (1, 2, 3, 4)}
    with Hostile(rows) as server:
        came = trace(model, server, rows, tmp_path, '-p', 4, '-c', 1, '-T', '60s')
        wanted = [(name, cut_of_second(reply, int(name[:-2]), then) if name.endswith('/2') else 'ok')
                  for name in rows]
        assert came == wanted
        assert server.connections == len(cuts) + 2  # the cut after nothing costs one more
        assert set(server.asked.values()) - {1} == {2}
        assert [name for name, times in server.asked.items() if times == 2] == ['0/2']


POSTS = [
    ('closed_before_it', '9110 9.2.2', (CLOSE,), 'reset', 'reset'),
    ('reset_before_it', '9110 9.2.2', (RESET,), 'reset', 'reset'),
    ('closed_within_its_head', '9110 9.2.2', (OK, CLOSE), 'framing', 'reset'),
    ('closed_within_its_body', '9110 9.2.2', (HELLO[:-1], CLOSE), 'framing', 'reset'),
    ('reset_within_its_body', '9110 9.2.2', (HELLO[:-1], RESET), 'reset', 'reset'),
    ('not_in_time', '9110 9.2.2', (HELLO[:-1], STALL), 'timeout', 'timeout'),
    ('no_http', '9110 9.2.2', (b'hello\r\n', STALL), 'framing', 'reset'),
    ('closed_behind_it', '9110 9.2.2', (HELLO, CLOSE), 'ok', 'reset'),
    ('ends_by_closing', '9110 9.2.2', (OK + b'\r\nhello', CLOSE), 'ok', 'reset'),
    ('framed_in_two_ways', '9112 6.3', (BOTH,), 'ok', 'reset'),
    ('close_announced', '9112 9.6', (LAST, CLOSE), 'ok', 'ok'),
    ('close_announced_with_bytes_behind_it', '9112 9.6', (LAST + HELLO, CLOSE), 'ok', 'ok'),
    ('close_announced_by_1_0', '9112 9.3',
     (b'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', CLOSE), 'ok', 'ok'),
    ('close_announced_by_an_error', '9112 9.6', (whole(b'', '500 No', 'Connection: close'), CLOSE),
     'status', 'ok'),
]


@facts('acts, second, following', POSTS)
def test_post_is_sent_again_only_if_it_was_not_carried_out(model, acts, second, following, tmp_path):
    """What becomes of four requests under way when this is the second reply. They may have been carried
    out although nobody answers them; unless the server has said that it closes, for then they were not."""
    rows = {'1': (HELLO,), '2': acts, '3': (HELLO,), '4': (HELLO,)}
    with Hostile(rows) as server:
        timeout = LONG_PAUSE if second == 'timeout' else '60s'
        came = trace(model, server, rows, tmp_path, '-X', 'POST', '-p', 4, '-c', 1, '-T', timeout)
        assert came == [('1', 'ok'), ('2', second), ('3', following), ('4', following)]
        assert server.asked['1'] == server.asked['2'] == 1
        assert server.connections == (2 if following == 'ok' else 1)


def test_requests_whose_time_is_up_fail_together(model, tmp_path):
    """Each of them alone would be sent once more, on a connection of its own, and be late already."""
    rows = {'1': (HELLO,), '2': (STALL,), '3': (HELLO,), '4': (HELLO,)}
    with Hostile(rows) as server:
        came = trace(model, server, rows, tmp_path, '-p', 4, '-c', 1, '-T', LONG_PAUSE)
        assert kinds(came) == ['ok', 'timeout', 'timeout', 'timeout']
        assert server.connections == 1


def test_replies_to_requests_under_way_may_come_in_one_piece_or_in_many(model, tmp_path):
    """9112 9.3.2."""
    replies = HELLO + CHUNKED + b'HTTP/1.1 204 No Content\r\n\r\n' + HELLO
    for size in (1, 7, len(replies)):
        pieces = [replies[at:at + size] for at in range(0, len(replies), size)]
        rows = {'1': (), '2': (), '3': (), '4': tuple(a for piece in pieces for a in (piece, 0.001))}
        with Hostile(rows) as server:
            came = trace(model, server, rows, tmp_path, '-p', 4, '-c', 1, '-T', '60s')
            assert came == [(name, 'ok') for name in rows] and server.connections == 1


# --- Servers that keep a connection for so many requests -------------------------------------------

def of_each_connection(reply):
    """For Wrong: `reply` is told how many requests came on its connection, from 1, and returns bytes
    and whether the connection goes on."""
    counts = collections.Counter()

    def answer(connection, _):
        counts[connection] += 1
        data, goes_on = reply(counts[connection])
        connection.sendall(data)
        return goes_on
    return answer


def limited(announced, version='1.1'):
    """Five requests for each connection, with the fields of several well-known servers."""
    def reply(count):
        left = 5 - count
        said = 'close' if announced and left == 0 else 'keep-alive'
        fields = f'Connection: {said}\r\nKeep-Alive: timeout=5, max={left}'
        head = f'HTTP/{version} 200 OK\r\n{fields}\r\nContent-Length: 5\r\n\r\n'
        return head.encode() + b'hello', left > 0
    return of_each_connection(reply)


LIMITS = [
    ('limit_announced', '9112 9.6', limited(True)),
    ('limit_not_announced', '9112 9.3.1', limited(False)),
    ('limit_of_1_0', '9112 9.3', limited(True, '1.0')),
    ('limit_of_1_0_not_announced', '9112 9.3', limited(False, '1.0')),
]


@facts('reply', LIMITS)
@pytest.mark.parametrize('pipeline', [1, 4])
def test_limit_of_requests_on_a_connection_is_no_error(model, reply, pipeline):
    with Wrong(reply) as server:
        result = measure(model, '-n', 100, '-c', 4, '-p', pipeline, '-T', '60s', server.url + '/')
        assert result['requests'] == {'sent': 100, 'ok': 100, 'failed': 0}
        assert 20 <= server.connections <= 24
        assert len(server.heads) == 100  # none was answered twice


def test_post_meets_a_limit_without_an_error_when_it_is_announced(model):
    with Wrong(limited(True)) as server:
        result = measure(model, '-n', 100, '-c', 4, '-p', 4, '-X', 'POST', '-T', '60s', server.url + '/')
        assert result['requests']['ok'] == len(server.heads) == 100


def test_post_is_never_answered_twice(model):
    """One that was under way when the connection was closed may have been carried out."""
    with Wrong(limited(False)) as server:
        result = measure(model, '-n', 100, '-c', 4, '-X', 'POST', '-T', '60s', server.url + '/')
        assert result['requests']['ok'] == len(server.heads)
        assert result['errors']['reset'] == result['requests']['failed'] == 100 - len(server.heads)


# --- Connections that lie idle ---------------------------------------------------------------------

NOTICE = b'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

# What a server does when the first of two requests was answered and the second still waits for its time;
# how the second one ends; and the connections there were. 9112 9.5: a close is seen before a request
# leaves, so that it need not be sent a second time; 9.2: what comes unasked answers nothing.
IDLE = [
    ('closed', '9112 9.5', 'GET', (CLOSE,), 'ok', 2),
    ('closed_before_a_post', '9112 9.5', 'POST', (CLOSE,), 'ok', 2),
    ('reset', '9112 9.5', 'GET', (RESET,), 'ok', 2),
    ('reset_before_a_post', '9112 9.5', 'POST', (RESET,), 'ok', 2),
    ('byte', '9112 9.2', 'GET', (b'!',), 'framing', 1),
    ('byte_and_close', '9112 9.2', 'GET', (b'!', CLOSE), 'framing', 1),
    ('reply', '9112 9.2', 'GET', (HELLO,), 'framing', 1),
    ('reply_before_a_post', '9112 9.2', 'POST', (HELLO,), 'framing', 1),
    ('interim_reply', '9112 9.2', 'GET', (b'HTTP/1.1 100 Continue\r\n\r\n',), 'framing', 1),
    ('notice_of_a_timeout', '9110 15.5.9', 'GET', (NOTICE, CLOSE), 'ok', 2),
    ('notice_of_a_timeout_before_a_post', '9110 15.5.9', 'POST', (NOTICE, CLOSE), 'ok', 2),
]


@pytest.fixture(scope='module')
def idled(model, tmp_path_factory):
    """All of them at once, since each has to wait: what came, what was asked for, and connections."""
    def play(row):
        fact, _, method, acts, _, _ = row
        answered = threading.Event()
        with Hostile({'1': (HELLO, answered, *acts), '2': (HELLO,)}) as server:
            came = trace(model, server, ['1', '2'], tmp_path_factory.mktemp(fact), '-X', method,
                         '-c', 1, '--think', LONG_PAUSE, first=answered)
            return fact, (came, dict(server.asked), server.connections)
    with concurrent.futures.ThreadPoolExecutor(len(IDLE)) as pool:
        return dict(pool.map(play, IDLE))


@facts('fact, kind, connections',
       [(fact, section, fact, kind, count) for fact, section, _, _, kind, count in IDLE])
def test_connection_that_lies_idle(idled, fact, kind, connections):
    came, asked, made = idled[fact]
    assert came == [('1', 'ok'), ('2', kind)]
    assert asked == ({'1': 1, '2': 1} if kind == 'ok' else {'1': 1}) and made == connections


def test_reply_before_any_request_is_no_reply(model, tmp_path):
    """9112 9.2. A request that leaves before it comes cannot tell it from its own; but then its own is
    there for the next one, which is due later, not to take for its. What is due at once after a delay may
    all be deceived: so the run goes on until it was not."""
    with Hostile({'': (HELLO,)}, greeting=(HELLO,)) as server:
        client = start(model, '-d', '200s', '-c', 1, '-R', 4, '--trace', '--quiet', '--json',
                       tmp_path / 'json', server.url + '/')
        assert wait_until(lambda: client.stdout.count('  framing: ') >= 2, seconds=20), client
        client.signal(signal.SIGINT)
        assert client.wait(20) == 130, client
    client.no_reports()
    client.kill()
    result = json.loads((tmp_path / 'json').read_text())
    check_result(result)
    assert result['errors']['framing'] == result['requests']['failed'] >= 2


def test_greeting_of_another_protocol_is_no_reply(model):
    with Hostile({'': (HELLO,)}, greeting=(b'220 mail.example ESMTP\r\n',)) as server:
        result = measure(model, '-n', 12, '-c', 4, server.url + '/')
        assert result['errors']['framing'] == result['requests']['failed'] == 12


@pytest.mark.parametrize('then', [CLOSE, RESET])
def test_server_that_takes_connections_and_drops_them_is_not_hammered(model, then):
    """Also while requests are waited for: it is asked again when one is due, not at once."""
    with Hostile({}, greeting=(then,)) as server:
        result = measure(model, '-n', 6, '-c', 1, '-R', 10, '-T', '60s', server.url + '/')
        assert result['errors']['reset'] == 6
        assert server.connections <= 12


# --- Early replies ---------------------------------------------------------------------------------

@pytest.mark.parametrize('then', [CLOSE, RESET])
def test_reply_that_refuses_a_body_is_read_though_the_body_cannot_be_sent(model, then, tmp_path):
    """9110 15.5.14: who answers by the head and closes the connection has answered."""
    (tmp_path / 'body').write_bytes(bytes(20_000_000))
    refusal = whole(b'', '413 Content Too Large', 'Connection: close')
    with Hostile({'x': (refusal, then)}, by_head=True) as server:
        came = trace(model, server, 'xxxx', tmp_path, '-X', 'POST', '--body', tmp_path / 'body',
                     '-c', 2, '-T', '60s')
        assert came == [('x', 'status')] * 4
