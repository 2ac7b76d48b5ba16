"""What the clients make of replies, right and wrong: never a success that was none."""

import socket
import time

import pytest

from support.client import ERRORS, Wrong, measure, sends, whole
from support.facts import facts
from support.programs import PATIENCE

OK = b'HTTP/1.1 200 OK\r\n'
LENGTH_5 = OK + b'Content-Length: 5\r\n\r\n'
CHUNKED = OK + b'Transfer-Encoding: chunked\r\n\r\n'
CLOSE = 'Connection: close'


def ends(*pieces, pause=0.0):
    """A reply whose connection is closed behind it."""
    return sends(*pieces, then='close', pause=pause)


def bytewise(data, then='go on'):
    """A reply that comes a byte at a time."""
    return sends(*(bytes([byte]) for byte in data), then=then, pause=0.002)


GOOD = [
    ('body_of_a_length', '9112 6.3', whole()),
    ('body_of_no_length', '9112 6.3', whole(b'')),
    ('chunked_body', '9112 7.1', CHUNKED + b'5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n'),
    ('chunked_body_in_capitals', '9112 7',
     OK + b'TRANSFER-ENCODING: CHUNKED\r\n\r\n000A\r\n0123456789\r\n0\r\n\r\n'),
    ('chunked_body_with_trailers', '9112 7.1.2',
     CHUNKED + b'5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 9\r\n\r\n'),
    ('chunked_wins_over_a_length', '9112 6.3',
     OK + b'Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'),
    ('no_reason_phrase', '9112 4', b'HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello'),
    ('names_without_case', '9110 5.1', OK + b'cOnTeNt-LeNgTh: 5\r\n\r\nhello'),
    ('value_without_space', '9112 5.1', OK + b'Content-Length:5\r\n\r\nhello'),
    ('high_bytes_in_a_value', '9110 5.5', OK + b'X: \xe9\r\nContent-Length: 5\r\n\r\nhello'),
    ('head_of_10_kb', '9110 5.4', whole(b'hello', '200 OK', 'X: ' + 'x' * 10_000)),
    ('continue_first', '9110 15.2.1', b'HTTP/1.1 100 Continue\r\n\r\n' + whole()),
    ('several_interim_replies_first', '9110 15.2',
     b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'
     b'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n' + whole()),
    ('no_content', '9112 6.3', b'HTTP/1.1 204 No Content\r\n\r\n'),
    ('not_modified_with_a_length_and_no_body', '9112 6.3',
     b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'),
    ('kept_alive_in_1_0', '9112 9.3',
     b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello'),
    ('redirect', '9110 15.4', whole(b'', '301 Moved Permanently', 'Location: /x')),
    ('unknown_status_of_success', '9110 15', whole(b'hello', '299 Odd')),
]

GOOD_WITH_AN_END = [
    ('body_until_close', '9112 6.3', ends(OK + b'Connection: close\r\n\r\nhello')),
    ('body_until_close_unannounced', '9112 6.3', ends(OK + b'\r\nhello')),
    ('body_until_close_in_1_0', '9112 6.3', ends(b'HTTP/1.0 200 OK\r\n\r\nhello')),
    ('body_until_close_in_pieces', '9112 6.3', ends(OK + b'\r\n', b'he', b'llo', pause=0.02)),
    ('empty_body_until_close', '9112 6.3', ends(OK + b'\r\n')),
    ('length_and_close', '9112 9.6', ends(whole(b'hello', '200 OK', CLOSE))),
    ('length_in_1_0', '9112 9.3', ends(b'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello')),
    ('chunked_and_close', '9112 9.6',
     ends(OK + b'Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')),
    ('every_byte_by_itself', '9112 2.2', bytewise(whole())),
    ('chunks_byte_by_byte', '9112 7.1', bytewise(CHUNKED + b'5\r\nhello\r\n0\r\n\r\n')),
    # A server may close a connection that has nothing to do; what was on its way is asked again.
    ('unannounced_close_between_requests', '9112 9.3.1', ends(whole())),
]


@facts('reply', GOOD + GOOD_WITH_AN_END)
def test_good_reply(model, reply):
    with Wrong(reply) as server:
        result = measure(model, '-n', 4, '-c', 1, '-T', '60s', server.url + '/')
        assert result['requests']['ok'] == 4, result['errors']
        assert len(server.heads) >= 4


BODIES = [
    ('bytes_of_a_length', '9112 6.3', whole(b'x' * 1000), 4000),
    ('bytes_of_chunks', '9112 7.1', CHUNKED
     + b'3e8\r\n' + b'x' * 1000 + b'\r\n0\r\n\r\n', 4000),
    ('bytes_of_no_body', '9112 6.3', b'HTTP/1.1 204 No Content\r\n\r\n', 0),
]


@facts('reply, size', BODIES)
def test_bytes_of_content_are_counted(model, reply, size):
    with Wrong(reply) as server:
        assert measure(model, '-n', 4, '-c', 2, server.url + '/')['bytes']['body'] == size


FRAMING = [
    ('garbage', '9112 4', ends(b'hello world\r\n\r\n')),
    ('greeting_of_another_protocol', '9112 4', ends(b'SSH-2.0-OpenSSH_9.2\r\n')),
    ('tls_alert', '9112 4', ends(b'\x15\x03\x01\x00\x02\x02\x46')),
    ('body_without_head', '9112 4', ends(b'<html></html>\r\n\r\n')),
    ('http_2', '9112 2.3', ends(b'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n')),
    ('status_of_two_digits', '9112 4', ends(b'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n')),
    ('status_of_letters', '9112 4', ends(b'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n')),
    ('status_below_100', '9110 15', ends(b'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n')),
    ('field_without_colon', '9112 5', ends(OK + b'X\r\nContent-Length: 0\r\n\r\n')),
    ('field_with_nul', '9110 5.5', ends(OK + b'X: \x00\r\nContent-Length: 0\r\n\r\n')),
    ('lengths_that_differ', '9112 6.3',
     ends(OK + b'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello')),
    ('length_negative', '9110 8.6', ends(OK + b'Content-Length: -5\r\n\r\nhello')),
    ('length_of_letters', '9110 8.6', ends(OK + b'Content-Length: five\r\n\r\nhello')),
    ('length_beyond_any_integer', '9110 8.6',
     ends(OK + b'Content-Length: ' + b'9' * 40 + b'\r\n\r\nhello')),
    ('body_shorter_than_its_length', '9112 8', ends(LENGTH_5 + b'hell')),
    ('large_body_shorter_than_its_length', '9112 8',
     ends(OK + b'Content-Length: 1000000\r\n\r\n' + b'x' * 999_999)),
    ('no_body_at_all', '9112 8', ends(LENGTH_5)),
    ('head_cut_off', '9112 8', ends(OK + b'Content-Le')),
    ('head_without_its_end', '9112 8', ends(OK + b'Content-Length: 0\r\n')),
    ('chunked_body_cut_off_in_data', '9112 8', ends(CHUNKED + b'5\r\nhel')),
    ('chunked_body_cut_off_between_chunks', '9112 8', ends(CHUNKED + b'5\r\nhello\r\n')),
    ('chunked_body_cut_off_before_its_last_line', '9112 8',
     ends(CHUNKED + b'5\r\nhello\r\n0\r\n')),
    ('chunk_size_not_hexadecimal', '9112 7.1', ends(CHUNKED + b'xyz\r\nhello\r\n0\r\n\r\n')),
    ('chunk_longer_than_its_size', '9112 7.1', ends(CHUNKED + b'5\r\nhello!\r\n0\r\n\r\n')),
    ('chunk_size_beyond_64_bits', '9112 7.1',
     ends(CHUNKED + b'10000000000000005\r\nhello\r\n0\r\n\r\n')),
    ('head_without_end', '9110 5.4', sends(OK + b'X: y\r\n' * 50_000, then='stall')),
    ('line_without_end', '9110 5.4', sends(OK + b'X: ' + b'y' * 300_000, then='stall')),
]


def only(result, *kinds):
    """Asserts that all requests failed, and in no other way than these."""
    assert result['requests']['ok'] == 0, result['requests']
    assert result['requests']['failed'] == result['requests']['sent'] > 0
    others = {kind: result['errors'][kind] for kind in ERRORS if kind not in kinds}
    assert not any(others.values()), result['errors']


@facts('reply', FRAMING)
def test_broken_reply_is_a_framing_error(model, reply):
    with Wrong(reply) as server:
        only(measure(model, '-n', 3, '-c', 1, '-T', '60s', server.url + '/'), 'framing')


def test_bytes_behind_a_reply_are_a_framing_error(model):
    """RFC 9112 9.2: they answer no request. At least the request after the first reply fails."""
    with Wrong(sends(whole() + b' and more')) as server:
        result = measure(model, '-n', 4, '-c', 1, '-T', '60s', server.url + '/')
        assert result['errors']['framing'] >= 1
        assert result['errors']['framing'] == result['requests']['failed']


STATUS = [
    ('not_found', '9110 15.5.5', whole(b'no', '404 Not Found'), 404),
    ('bad_request', '9110 15.5.1', whole(b'no', '400 Bad Request'), 400),
    ('server_error', '9110 15.6.1', whole(b'no', '500 Internal Server Error'), 500),
    ('unavailable', '9110 15.6.4', whole(b'', '503 Service Unavailable', 'Retry-After: 1'), 503),
    ('unknown_status_of_failure', '9110 15', whole(b'', '499 Odd'), 499),
]


@facts('reply, status', STATUS)
def test_status_of_400_and_above_is_a_failure(model, reply, status):
    with Wrong(reply) as server:
        result = measure(model, '-n', 3, '-c', 1, server.url + '/')
        only(result, 'status')
        assert result['statuses'] == {str(status): 3}


RESET = [
    ('closed_before_a_reply', '9112 9.3.1', ends()),
    ('reset_before_a_reply', '9112 9.5', sends(then='reset')),
    ('reset_within_a_head', '9112 9.5', sends(OK + b'Content-', then='reset')),
    ('reset_within_a_body', '9112 9.5', sends(LENGTH_5 + b'hel', then='reset')),
    ('reset_within_a_body_until_close', '9112 9.5', sends(OK + b'\r\nhello', then='reset')),
    ('reset_within_chunks', '9112 9.5', sends(CHUNKED + b'5\r\nhel', then='reset')),
]


@facts('reply', RESET)
def test_lost_connection_is_a_reset_error(model, reply):
    def slowly(connection, number):
        going_on = reply(connection, number)
        time.sleep(0.05)  # a reset throws away what was not yet read
        return going_on
    with Wrong(slowly) as server:
        only(measure(model, '-n', 3, '-c', 1, '-T', '60s', server.url + '/'), 'reset')


# With replies; to be connected may take what it takes.
IMPATIENT = ['-T', '0.4s', '--connect-timeout', '60s']

TIMEOUT = [
    ('no_reply', 'design 5', sends(then='stall')),
    ('half_a_head', 'design 5', sends(OK, then='stall')),
    ('half_a_body', 'design 5', sends(LENGTH_5 + b'hel', then='stall')),
    ('half_a_chunk', 'design 5', sends(CHUNKED + b'5\r\nhel', then='stall')),
    ('body_until_a_close_that_does_not_come', 'design 5',
     sends(OK + b'\r\nhello', then='stall')),
    ('interim_reply_alone', 'design 5', sends(b'HTTP/1.1 100 Continue\r\n\r\n', then='stall')),
    ('one_byte_at_a_time', 'design 5', bytewise(whole(b'x' * 20_000))),
]


@facts('reply', TIMEOUT)
def test_reply_that_does_not_come_is_a_timeout(model, reply):
    with Wrong(reply) as server:
        began = time.monotonic()
        only(measure(model, '-n', 2, '-c', 2, *IMPATIENT, server.url + '/'), 'timeout')
        assert time.monotonic() - began >= 0.4


def test_interim_replies_without_end_do_not_hold_a_client(model):
    def forever(connection, _):
        while True:
            connection.sendall(b'HTTP/1.1 100 Continue\r\n\r\n' * 100)
    with Wrong(forever) as server:
        result = measure(model, '-n', 2, '-c', 2, *IMPATIENT, server.url + '/')
        only(result, 'timeout', 'framing')
        assert result['elapsed_s'] < 20 * PATIENCE


def test_body_without_end_does_not_hold_a_client(model):
    def forever(connection, _):
        connection.sendall(OK + b'\r\n')
        while True:
            connection.sendall(b'x' * 65536)
    with Wrong(forever) as server:
        result = measure(model, '-n', 2, '-c', 2, *IMPATIENT, server.url + '/')
        only(result, 'timeout')
        assert result['elapsed_s'] < 20 * PATIENCE


def test_slow_reply_within_the_timeout_is_a_success(model):
    with Wrong(sends(*(bytes([byte]) for byte in whole()), pause=0.01)) as server:
        result = measure(model, '-n', 2, '-c', 2, '-T', '60s', server.url + '/')
        assert result['requests']['ok'] == 2
        assert result['latency_us']['min'] >= 0.01 * 1e6 * (len(whole()) - 1) * 0.99


def test_refused_connection_is_a_connect_error(model):
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))  # bound and not listening: nobody else gets the port
        port = unused.getsockname()[1]
        only(measure(model, '-n', 5, '-c', 2, f'http://127.0.0.1:{port}/'), 'connect')


def test_connection_that_is_never_made_is_an_error_in_time(model):
    """A listener whose queue is full answers no SYN."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        waiting = []
        try:
            while len(waiting) < 20:
                each = socket.socket()
                waiting.append(each)
                each.settimeout(0.2)
                each.connect(listener.getsockname())
        except TimeoutError:
            pass
        else:
            pytest.skip('the queue does not fill')
        began = time.monotonic()
        only(measure(model, '-n', 2, '-c', 2, '-T', '0.5s',
                     'http://127.0.0.1:%d/' % listener.getsockname()[1]),
             'connect', 'timeout')
        assert time.monotonic() - began < 20 * PATIENCE
        for each in waiting:
            each.close()


def test_one_failure_among_many_is_a_failure(model):
    def reply(connection, number):
        connection.sendall(whole(b'no', '404 Not Found') if number == 50 else whole())
        return True
    with Wrong(reply) as server:
        result = measure(model, '-n', 100, '-c', 5, server.url + '/')  # and the exit status
        assert result['requests'] == {'sent': 100, 'ok': 99, 'failed': 1}
        assert result['errors']['status'] == 1
        assert result['statuses'] == {'200': 99, '404': 1}


def test_client_goes_on_after_failures(model):
    """Every second connection is cut in the middle; the others are as good as ever."""
    def reply(connection, number):
        if number % 2:
            return ends(LENGTH_5 + b'hel')(connection, number)
        return sends(whole())(connection, number)
    with Wrong(reply) as server:
        result = measure(model, '-n', 40, '-c', 4, server.url + '/')
        assert result['requests']['ok'] == result['requests']['failed'] == 20
        assert result['errors']['framing'] == 20


def test_server_that_never_pauses_does_not_hold_up_other_replies(model):
    """It says more until all the others were asked for; would they wait for it, it would for them."""
    def reply(connection, number):
        if not server.heads[number].startswith(b'GET /endless '):
            connection.sendall(whole())
            return True
        connection.sendall(CHUNKED)
        while len(server.heads) < 21:
            connection.sendall(b'1\r\nx\r\n' * 100_000)
        return False
    with Wrong(reply) as server:
        urls = [f'{server.url}/endless', *(f'{server.url}/{number}' for number in range(20))]
        result = measure(model, '-n', 21, '-c', 2, '-T', '60s', *urls)
        assert result['requests'] == {'sent': 21, 'ok': 20, 'failed': 1}
        assert result['errors']['framing'] == 1, result['errors']
