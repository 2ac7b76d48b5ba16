"""How connections live: persistence, pipelining, requests that come in pieces, and bodies."""

import socket
import time

from support.docroot import FILES, pattern
from support.facts import facts
from support.http import get, head, request
from support.programs import PAUSE_S, TLS

SMALL = FILES['small.txt']


def get_with(*fields, **rest):
    return get('/small.txt', *fields, **rest)


# request, whether the connection goes on after its reply
PERSISTENCE = [
    ('1_1_goes_on', '9112 9.3', get('/small.txt'), True),
    ('1_1_with_keep_alive_goes_on', '9112 9.3', get('/small.txt', 'Connection: keep-alive'), True),
    ('1_1_with_close_ends', '9112 9.6', get('/small.txt', 'Connection: close'), False),
    ('close_in_capitals_ends', '9110 7.6.1', get('/small.txt', 'Connection: CLOSE'), False),
    ('close_in_a_list_ends', '9110 7.6.1', get('/small.txt', 'Connection: x, close ,y'), False),
    ('close_on_second_line_ends', '9110 5.3',
     get('/small.txt', 'Connection: keep-alive', 'Connection: close'), False),
    ('close_wins_over_keep_alive', '9112 9.3',
     get('/small.txt', 'Connection: keep-alive, close'), False),
    ('close_behind_a_tab_ends', '9110 5.6.3', get_with('Connection:\tclose'), False),
    ('close_behind_a_comma_and_tab_ends', '9110 5.6.1', get_with('Connection: x,\tclose'), False),
    ('close_behind_an_empty_member_ends', '9110 5.6.1', get_with('Connection: ,close'), False),
    ('close_before_empty_members_ends', '9110 5.6.1', get_with('Connection: close, ,,TE'), False),
    ('close_of_a_longer_option_goes_on', '9110 7.6.1', get_with('Connection: x-close'), True),
    ('te_goes_on', '9110 10.1.4', get_with('TE: trailers', 'Connection: TE'), True),
    ('upgrade_to_websocket_is_ignored', '9110 7.8',
     get_with('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
              'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='), True),
    ('upgrade_to_http_2_is_ignored', '9110 7.8',
     get_with('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
     True),
    ('upgrade_in_1_0_is_ignored', '9110 7.8',
     get_with('Connection: Upgrade', 'Upgrade: h2c', version='1.0'), False),
    ('option_that_names_host_goes_on', '9110 7.6.1', get_with('Connection: Host, Range'), True),
    ('1_0_with_part_of_keep_alive_ends', '9112 9.3',
     get_with('Connection: x-keep-alive', version='1.0'), False),
    ('1_0_with_a_keep_alive_field_alone_ends', '9112 9.3',
     get_with('Keep-Alive: timeout=5', version='1.0'), False),
    ('1_0_with_keep_alive_for_a_proxy_ends', '9112 9.3',
     get_with('Proxy-Connection: keep-alive', version='1.0'), False),
    ('closed_is_not_close', '9110 7.6.1', get('/small.txt', 'Connection: closed'), True),
    ('close_as_part_of_a_token_is_not_close', '9110 7.6.1',
     get('/small.txt', 'Connection: do-not-close'), True),
    ('empty_connection_field_goes_on', '9110 5.6.1', get('/small.txt', 'Connection:'), True),
    ('connection_of_commas_goes_on', '9110 5.6.1', get('/small.txt', 'Connection: , ,'), True),
    ('1_0_ends', '9112 9.3', get('/small.txt', version='1.0'), False),
    ('1_0_without_host_ends', '9112 9.3', get('/small.txt', version='1.0', host=None), False),
    ('1_0_with_keep_alive_goes_on', '9112 9.3',
     get('/small.txt', 'Connection: keep-alive', version='1.0'), True),
    ('1_0_with_keep_alive_in_capitals_goes_on', '9112 9.3',
     get('/small.txt', 'Connection: Keep-Alive', version='1.0'), True),
    ('1_0_with_close_and_keep_alive_ends', '9112 9.3',
     get('/small.txt', 'Connection: keep-alive, close', version='1.0'), False),
    ('1_2_is_read_as_1_1', '9110 2.5', get('/small.txt', version='1.2'), True),
    ('1_9_is_read_as_1_1', '9110 2.5', get('/small.txt', version='1.9'), True),
]


@facts('data, goes_on', PERSISTENCE)
def test_persistence(server, data, goes_on):
    with server.connect() as connection:
        reply = connection.send(data).reply()
        assert (reply.status, reply.body) == (200, SMALL)
        assert reply.version == 'HTTP/1.1'  # RFC 9110 6.2: the server's own version
        if goes_on:
            assert 'close' not in reply.lists('connection')
            if b'HTTP/1.0' in data:  # RFC 9112 9.3: such a client has to be told
                assert 'keep-alive' in reply.lists('connection')
            connection.goes_on()
        else:
            assert 'close' in reply.lists('connection')
            connection.ended()


ERRORS = [
    ('404_goes_on', '9112 9.3', get('/no-such-file'), 'GET', {404}),
    ('404_to_head_goes_on', '9112 9.3', head('/no-such-file'), 'HEAD', {404}),
    ('405_goes_on', '9112 9.3', request('DELETE', '/small.txt'), 'DELETE', {405}),
    ('501_goes_on', '9112 9.3', request('BREW', '/small.txt'), 'BREW', {501}),
    ('304_goes_on', '9112 9.3', get('/small.txt', 'If-None-Match: *'), 'GET', {304}),
    ('412_goes_on', '9112 9.3', get('/small.txt', 'If-Match: "no"'), 'GET', {412}),
    ('416_goes_on', '9112 9.3', get('/small.txt', 'Range: bytes=9999-'), 'GET', {416}),
    ('redirect_goes_on', '9112 9.3', get('/sub'), 'GET', {301, 308}),
    ('options_goes_on', '9112 9.3', request('OPTIONS', '*'), 'OPTIONS', {200, 204}),
]


@facts('data, method, statuses', ERRORS)
def test_persistence_after(server, data, method, statuses):
    """A request that was understood leaves its connection usable whatever became of it."""
    with server.connect() as connection:
        reply = connection.send(data).reply(method)
        assert reply.status in statuses and not reply.closes, reply.head
        connection.goes_on()


def test_hundred_requests_on_one_connection(server):
    with server.connect() as connection:
        for _ in range(100):
            connection.goes_on()


PIPELINE = [('/small.txt', 'GET'), ('/thousand.bin', 'GET'), ('/no-such-file', 'GET'),
            ('/small.txt', 'HEAD'), ('/sizes/65537.bin', 'GET'), ('/empty.txt', 'GET'),
            ('/sub', 'GET'), ('/sizes/4096.bin', 'GET'), ('/thousand.bin', 'HEAD'),
            ('/small.txt', 'GET')]


def expect_pipeline(connection):
    for path, method in PIPELINE:
        reply = connection.reply(method)
        name = path[1:]
        if name == 'sub':
            assert reply.status in (301, 308)
        elif name.startswith('no-such'):
            assert reply.status == 404
        else:
            content = pattern(int(name[6:-4])) if name.startswith('sizes') else FILES[name]
            assert reply.status == 200 and int(reply['Content-Length']) == len(content)
            if method == 'GET':
                assert reply.body == content


def test_ten_requests_in_one_write_are_answered_in_order(server):
    """RFC 9112 9.3.2."""
    with server.connect() as connection:
        connection.send(b''.join(request(method, path) for path, method in PIPELINE))
        expect_pipeline(connection)
        connection.goes_on()


def test_ten_requests_byte_by_byte_are_answered_in_order(server):
    with server.connect() as connection:
        connection.send_byte_by_byte(b''.join(request(method, path) for path, method in PIPELINE))
        expect_pipeline(connection)
        connection.goes_on()


def test_pipeline_cut_at_every_byte(server):
    """Two requests in two writes, whatever byte the second one begins with."""
    data = get('/small.txt', 'X-Y: z') + get('/thousand.bin', 'Range: bytes=0-1')
    with server.connect() as connection:
        for at in range(1, len(data)):
            connection.send(data[:at], data[at:], pause=0.0005)
            assert connection.reply().body == SMALL
            assert connection.reply().body == FILES['thousand.bin'][:2]
        connection.goes_on()


def test_five_hundred_pipelined_requests(server):
    """More than any one buffer holds, in or out."""
    with server.connect() as connection:
        connection.send(get('/small.txt') * 500)
        for _ in range(500):
            assert connection.reply().body == SMALL
        connection.goes_on()


def test_pipelined_large_replies_wait_for_a_slow_reader(server):
    with server.connect(receive_buffer=4096) as connection:
        connection.send(get('/sizes/1048577.bin') * 3 + get('/small.txt'))
        time.sleep(0.1)
        for _ in range(3):
            assert connection.reply().body == pattern(1048577)
        assert connection.reply().body == SMALL


def test_pipeline_ends_at_close(server):
    """RFC 9112 9.6: requests behind one that said close are not answered."""
    with server.connect() as connection:
        connection.send(get('/small.txt') + get('/small.txt', 'Connection: close')
                        + get('/small.txt'))
        assert not connection.reply().closes
        assert connection.reply().closes
        connection.ended()


def test_requests_before_the_end_of_input_are_answered(server):
    """RFC 9112 9.6: a client that has ended its side still reads what it asked for."""
    with server.connect() as connection:
        connection.send(get('/small.txt') + get('/sizes/1048577.bin'))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.reply().body == SMALL
        assert connection.reply().body == pattern(1048577)
        connection.ended()


def test_end_of_input_within_a_head_ends_the_connection(server):
    """RFC 9112 8: an incomplete request is none."""
    with server.connect() as connection:
        connection.send(get('/small.txt')[:-2])
        connection.socket.shutdown(socket.SHUT_WR)
        rest = connection.rest()
        assert not rest or rest.startswith(b'HTTP/1.1 400 ')


def test_end_of_input_at_once_ends_the_connection(server):
    with server.connect() as connection:
        connection.socket.shutdown(socket.SHUT_WR)
        connection.ended()


LENIENT = [
    ('one_empty_line_first_is_skipped', '9112 2.2', b'\r\n' + get('/small.txt')),
    ('empty_line_after_a_request_is_skipped', '9112 2.2',
     request('GET', '/small.txt', 'Content-Length: 2', body=b'ab\r\n') + get('/small.txt')),
    ('spaces_around_a_value_are_not_part_of_it', '9112 5.1',
     get('/small.txt', 'Connection: \t keep-alive \t ')),
    ('no_space_before_a_value_is_needed', '9112 5', get('/small.txt', 'X:y')),
    ('empty_value_is_a_value', '9110 5.5', get('/small.txt', 'X:')),
    ('value_of_spaces_is_empty', '9112 5.1', get('/small.txt', 'X:   ')),
    ('names_have_no_case', '9110 5.1', b'GET /small.txt HTTP/1.1\r\nhOsT: t\r\n\r\n'),
    ('value_between_tabs_is_the_value', '9110 5.6.3',
     b'GET /small.txt HTTP/1.1\r\nHost:\tt\t\r\nX:\ty\t\r\n\r\n'),
    ('lists_of_one_name_on_many_lines_are_one', '9110 5.3',
     get('/small.txt', 'Accept: text/plain', 'X: y', 'Accept: */*', 'accept: text/html')),
    ('representation_that_is_not_wanted_is_sent', '9110 12.5.1',
     get('/small.txt', 'Accept: image/png', 'Accept-Charset: x', 'Accept-Language: xx')),
    ('content_fields_of_a_request_without_content_mean_nothing', '9110 9.3.1',
     get('/small.txt', 'Content-Type: a/b', 'Content-Encoding: gzip',
         'Content-Range: bytes 0-0/1')),
    ('max_forwards_is_for_others', '9110 7.6.2', get('/small.txt', 'Max-Forwards: 0')),
    ('high_bytes_in_a_value_are_allowed', '9110 5.5', get('/small.txt', 'X: Dant\xe8s')),
    ('tab_in_a_value_is_allowed', '9110 5.5', get('/small.txt', 'X: a\tb')),
    ('every_token_character_in_a_name_is_allowed', '9110 5.6.2',
     get('/small.txt', "!#$%&'*+-.^_`|~09azAZ: x")),
    ('unknown_fields_are_ignored', '9110 5.1', get('/small.txt', 'No-Such-Field: 1')),
    ('host_may_be_empty', '9112 3.2', get('/small.txt', host='')),
    ('host_may_have_a_port', '9112 3.2', get('/small.txt', host='t:8080')),
    ('host_may_have_an_empty_port', '9110 4.2.3', get('/small.txt', host='t:')),
    ('host_may_be_a_v6_address', '9112 3.2', get('/small.txt', host='[::1]')),
    ('host_may_be_a_v6_address_with_port', '9112 3.2', get('/small.txt', host='[::1]:80')),
    ('host_may_be_a_v4_address', '9112 3.2', get('/small.txt', host='127.0.0.1:80')),
    ('host_may_be_a_full_v6_address', '3986 3.2.2',
     get('/small.txt', host='[4711:0:0:0:0:abcd:ffff:1]:8000')),
    ('host_may_be_a_v6_address_with_a_v4_one', '3986 3.2.2',
     get('/small.txt', host='[::ffff:12.30.67.89]:80')),
    ('host_may_be_a_v6_address_that_ends_in_a_gap', '3986 3.2.2',
     get('/small.txt', host='[4711:abcd::]')),
    ('host_may_be_a_future_address', '3986 3.2.2',
     get('/small.txt', host="[v1fA.!$&'()*+,;=-._~aZ09:]:80")),
    ('host_may_end_in_a_dot', '3986 3.2.2', get('/small.txt', host='t.example.:80')),
    ('host_is_ignored_beside_absolute_form', '9112 3.2.2',
     get('http://u.example:81/small.txt', host='t')),
    ('absolute_form_of_a_v6_host', '9112 3.2.2', get('http://[4712::abcd:1]:8000/small.txt')),
    ('host_may_be_escaped', '3986 3.2.2', get('/small.txt', host='%C3%A9.example')),
    ('host_may_be_anything_registered', '3986 3.2.2',
     get('/small.txt', host="a-b_c~d.e!$&'()*+,;=")),
    ('request_line_of_8000_bytes_is_read', '9112 3', get('/small.txt?' + 'q' * 7970)),
    ('marks_that_browsers_send_are_read', '9112 3', get('/small.txt?a[0]={b|c}^`\\')),
    ('field_of_4000_bytes_is_read', '9110 5.4', get('/small.txt', 'X: ' + 'x' * 4000)),
    ('fifty_fields_are_read', '9110 5.4', get('/small.txt', *[f'X-{n}: y' for n in range(50)])),
]


@facts('data', LENIENT)
def test_well_formed(server, data):
    with server.connect() as connection:
        connection.send(data)
        for _ in range(data.count(b' HTTP/')):
            reply = connection.reply()
            assert (reply.status, reply.body) == (200, SMALL), reply.head
        connection.goes_on()


def chunked(body, *fields):
    return request('GET', '/small.txt', 'Transfer-Encoding: chunked', *fields, body=body)


BODIES = [
    ('body_of_length_is_dropped', '9112 6.2',
     request('GET', '/small.txt', 'Content-Length: 5', body=b'hello')),
    ('body_of_length_0_is_dropped', '9112 6.2', request('GET', '/small.txt', 'Content-Length: 0')),
    ('length_with_leading_zeros_is_a_number', '9110 8.6',
     request('GET', '/small.txt', 'Content-Length: 0005', body=b'hello')),
    ('length_is_never_octal', '9110 8.6',
     request('GET', '/small.txt', 'Content-Length: 010', body=b'0123456789')),
    ('length_between_tabs_is_a_number', '9110 5.6.3',
     request('GET', '/small.txt', 'Content-Length: \t5\t', body=b'hello')),
    ('coding_between_tabs_is_chunked', '9110 5.6.3',
     request('GET', '/small.txt', 'Transfer-Encoding:\tchunked\t',
             body=b'5\r\nhello\r\n0\r\n\r\n')),
    ('body_that_looks_like_a_request_is_dropped', '9112 6.2',
     request('GET', '/small.txt', f'Content-Length: {len(get("/thousand.bin"))}',
             body=get('/thousand.bin'))),
    ('body_of_60000_bytes_is_dropped', '9112 6.2',
     request('GET', '/small.txt', 'Content-Length: 60000', body=b'x' * 60_000)),
    ('chunked_body_is_dropped', '9112 7.1', chunked(b'5\r\nhello\r\n0\r\n\r\n')),
    ('coding_has_no_case', '9112 7', request('GET', '/small.txt', 'Transfer-Encoding: CHUNKED',
                                             body=b'5\r\nhello\r\n0\r\n\r\n')),
    ('chunked_body_without_content_is_dropped', '9112 7.1', chunked(b'0\r\n\r\n')),
    ('chunk_sizes_have_leading_zeros', '9112 7.1', chunked(b'00005\r\nhello\r\n000\r\n\r\n')),
    ('chunk_sizes_have_no_case', '9112 7.1',
     chunked(b'a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n')),
    ('chunk_extensions_are_ignored', '9112 7.1.1',
     chunked(b'5;a=b;c="d;e"\r\nhello\r\n0;x\r\n\r\n')),
    ('chunk_extensions_have_whitespace_around', '9110 5.6.3',
     chunked(b'5 \t;\ta = b ; c\r\nhello\r\n0 ;x\r\n\r\n')),
    ('chunk_extension_in_quotes_may_hold_anything', '9112 7.1.1',
     chunked(b'5;a="b;\\"c\\\\ 0";d\r\nhello\r\n0\r\n\r\n')),
    ('chunk_sizes_have_many_leading_zeros', '9112 7.1',
     chunked(b'0' * 40 + b'5\r\nhello\r\n' + b'0' * 40 + b'\r\n\r\n')),
    ('chunk_data_that_looks_like_the_last_chunk_is_data', '9112 7.1',
     chunked(b'7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n')),
    ('trailers_are_never_merged_into_the_fields', '9110 6.5.1',
     chunked(b'5\r\nhello\r\n0\r\nConnection: close\r\nRange: bytes=0-0\r\n'
             b'If-Match: "no"\r\nExpect: a-miracle\r\nTransfer-Encoding: gzip\r\nHost: a b\r\n'
             b'\r\n')),
    ('trailers_without_value_are_dropped', '9112 7.1.2',
     chunked(b'0\r\nX:\r\nY: \t \r\n\r\n')),
    ('trailer_that_ends_like_a_request_line_is_dropped', '9112 7.1.2',
     chunked(b'0\r\nX:GET /thousand.bin HTTP/1.1\r\n\r\n')),
    ('trailers_are_dropped', '9112 7.1.2',
     chunked(b'5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 9\r\n\r\n')),
    ('thousand_chunks_of_a_byte_are_dropped', '9112 7.1',
     chunked(b'1\r\nx\r\n' * 1000 + b'0\r\n\r\n')),
    ('chunked_body_that_looks_like_a_request_is_dropped', '9112 7.1',
     chunked(b'%x\r\n' % len(get('/thousand.bin')) + get('/thousand.bin') + b'\r\n0\r\n\r\n')),
]


@facts('data', BODIES)
def test_body_is_dropped(server, data):
    """A body on GET means nothing (RFC 9110 9.3.1); the request after it is the next one."""
    with server.connect() as connection:
        connection.send(data + get('/empty.txt'))
        assert connection.reply().body == SMALL
        assert connection.reply().body == b''
        connection.goes_on()


@facts('data', [(f'{fact}_in_pieces', section, data) for fact, section, data in BODIES
                if len(data) < 1000])
def test_body_in_pieces_is_dropped(server, data):
    with server.connect() as connection:
        connection.send_byte_by_byte(data + get('/empty.txt'), pause=0.0002)
        assert connection.reply().body == SMALL
        assert connection.reply().body == b''
        connection.goes_on()


@facts('method', [(f'body_of_{method.lower()}_is_dropped_or_ends_the_connection', '9112 9.3',
                   method)
                  for method in ('POST', 'PUT', 'PATCH', 'DELETE', 'BREW')])
def test_body_of_a_refused_method_is_never_a_request(server, method):
    hidden = get('/thousand.bin')
    with server.connect() as connection:
        connection.send(request(method, '/small.txt', f'Content-Length: {len(hidden)}', body=hidden)
                        + get('/small.txt'))
        reply = connection.reply(method)
        assert reply.status == (501 if method == 'BREW' else 405)
        if not reply.closes:
            assert connection.reply().body == SMALL
            connection.goes_on()
        else:
            connection.ended()


INCOMPLETE = [
    ('body_shorter_than_its_length_is_incomplete', '9112 6.3',
     request('GET', '/small.txt', 'Content-Length: 100', body=get('/small.txt'))),
    ('body_that_does_not_begin_is_incomplete', '9112 6.3',
     request('GET', '/small.txt', 'Content-Length: 1')),
    ('chunk_that_ends_early_is_incomplete', '9112 8', chunked(b'5\r\nhel')),
    ('body_without_last_chunk_is_incomplete', '9112 8', chunked(b'5\r\nhello\r\n')),
    ('last_chunk_without_empty_line_is_incomplete', '9112 8', chunked(b'5\r\nhello\r\n0\r\n')),
    ('trailers_without_empty_line_are_incomplete', '9112 8', chunked(b'0\r\nX: y\r\n')),
]


@facts('data', INCOMPLETE)
def test_end_of_input_within_a_body_ends_the_connection(server, data):
    """Such a request is never taken for a whole one, nor what is in it for another."""
    with server.connect() as connection:
        connection.send(data)
        connection.socket.shutdown(socket.SHUT_WR)
        rest = connection.rest()
        assert not rest or rest.startswith(b'HTTP/1.1 400 ')
        assert rest.count(b'HTTP/1.1 ') <= 1


LINGER_S = 2  # so long is read what comes behind a last reply


def play_in_time(server, play):
    """On a connection that is not held up for as long as its server lingers: one that is may be reset,
    which says nothing, and another one is tried."""
    for _ in range(10):
        with server.connect() as connection:
            began = time.monotonic()
            try:
                return play(connection)
            except OSError:
                if time.monotonic() - began < LINGER_S:
                    raise
    raise AssertionError('no connection was as quick as it has to be')


@facts('data, status', [
    ('malformed_request_is_told_so', '9112 9.6', b'GET / HTTP/1.1\r\nHost : t\r\n\r\n', 400),
    ('body_too_large_is_told_so', '9112 9.6',
     request('PUT', '/small.txt', 'Content-Length: 1000000000'), 413),
    ('refused_expectation_is_told_so', '9112 9.6',
     request('PUT', '/small.txt', 'Content-Length: 1000', 'Expect: 100-continue'), 405),
])
def test_last_reply_is_not_lost_to_what_the_client_still_sends(server, data, status):
    """A connection closed over bytes that nobody read is reset, and a reset may take with it the
    reply that went before."""
    def play(connection):
        reply = connection.send(data).head()
        assert reply.status == status and reply.closes
        for _ in range(20):
            connection.send(b'x' * 10_000)
        connection.take(int(reply['Content-Length']))
        connection.ended()
    play_in_time(server, play)


def test_last_reply_of_many_is_not_lost_to_the_next_requests(shared):
    """RFC 9112 9.6: a client may send on until it has read that this reply is the last."""
    def play(connection):
        connection.goes_on()
        last = connection.send(get('/small.txt')).head()
        assert last.closes
        for _ in range(20):
            connection.send(get('/small.txt') * 200)
        assert connection.take(len(SMALL)) == SMALL
        connection.ended()
    play_in_time(shared('--max-requests', '2'), play)


def test_expect_is_answered_before_the_body_comes(server):
    """RFC 9110 10.1.1: by 100 or by the final status, but not by waiting."""
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 5', 'Expect: 100-continue'))
        reply = connection.reply()
        if reply.status == 100:
            reply = connection.send(b'hello').reply()
        elif not reply.closes:
            connection.send(b'hello')
        assert reply.status == 200 and reply.body == SMALL
        if not reply.closes:
            connection.goes_on()


@facts('fields, status', [
    ('expect_of_a_method_not_allowed_is_answered_at_once', '9110 10.1.1',
     ('Content-Length: 5', 'Expect: 100-continue'), 405),
    ('expect_of_chunks_of_a_method_not_allowed_is_answered_at_once', '9110 10.1.1',
     ('Transfer-Encoding: chunked', 'Expect: 100-continue'), 405),
    ('expect_of_too_large_a_body_is_answered_at_once', '9110 10.1.1',
     ('Content-Length: 1000000000', 'Expect: 100-continue'), 413),
    ('expect_beside_a_malformed_length_is_answered_at_once', '9110 10.1.1',
     ('Content-Length: x', 'Expect: 100-continue'), 400),
    ('unknown_expectation_of_a_body_is_answered_at_once', '9110 10.1.1',
     ('Content-Length: 5', 'Expect: a-miracle'), 417),
    ('unknown_expectation_behind_the_known_one_is_answered_at_once', '9110 10.1.1',
     ('Content-Length: 5', 'Expect: 100-continue, a-miracle'), 417),
    ('unknown_expectation_on_another_line_is_answered_at_once', '9110 10.1.1',
     ('Content-Length: 5', 'Expect: 100-continue', 'Expect: a-miracle'), 417),
])
def test_body_that_is_refused_is_not_invited(server, fields, status):
    """The final status comes instead of 100, and says that the connection ends, for who sent the
    head may send the body all the same."""
    with server.connect() as connection:
        reply = connection.send(request('PUT', '/small.txt', *fields)).reply('PUT')
        assert reply.status == status and reply.closes
        connection.ended()


@facts('fields', [
    ('expect_once', '9110 10.1.1', ['Expect: 100-continue']),
    ('expect_in_capitals', '9110 10.1.1', ['EXPECT: 100-CONTINUE']),
    ('expect_behind_an_empty_member', '9110 5.6.1', ['Expect: , 100-continue,']),
    ('expect_twice', '9110 10.1.1', ['Expect: 100-continue, 100-continue']),
    ('expect_on_two_lines', '9110 5.3', ['Expect: 100-continue', 'Expect: 100-continue']),
])
def test_body_that_is_read_is_invited(server, fields):
    with server.connect() as connection:
        for body in (('Content-Length: 5', b'hello'),
                     ('Transfer-Encoding: chunked', b'5\r\nhello\r\n0\r\n\r\n')):
            reply = connection.send(request('GET', '/small.txt', body[0], *fields)).reply()
            assert reply.status == 100 and not reply.fields
            reply = connection.send(body[1]).reply()
            assert reply.status == 200 and reply.body == SMALL
        connection.goes_on()


def test_expect_has_no_case(server):
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 5', 'expect: 100-CONTINUE'))
        assert connection.reply().status in (100, 200)


def test_expect_with_the_body_at_hand_needs_no_100(server):
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 5', 'Expect: 100-continue',
                                body=b'hello')
                        + get('/empty.txt'))
        reply = connection.reply()
        if reply.status == 100:
            reply = connection.reply()
        assert reply.body == SMALL
        assert connection.reply().body == b''


def test_expect_without_a_body_is_no_reason_for_100(server):
    """RFC 9110 10.1.1: 100 invites content, and there is none to come."""
    with server.connect() as connection:
        reply = connection.send(get('/small.txt', 'Expect: 100-continue')).reply()
        if reply.status == 100:
            reply = connection.reply()
        assert reply.body == SMALL
        connection.goes_on()


def test_expect_in_1_0_is_ignored(server):
    """RFC 9110 10.1.1, 15.2: an HTTP/1.0 client does not know 100."""
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 5', 'Expect: 100-continue',
                                version='1.0', body=b'hello'))
        assert connection.reply().status == 200
        connection.ended()


def test_expect_in_1_0_is_not_answered_by_100(server):
    """RFC 9110 10.1.1: nothing is said before the body has come."""
    with server.connect() as connection:
        connection.send(request('GET', '/small.txt', 'Content-Length: 5', 'Expect: 100-continue',
                                version='1.0'))
        connection.says_nothing(0.1)
        assert connection.send(b'hello').reply().status == 200
        connection.ended()


def test_unknown_expectation_is_417_or_ignored(server):
    """RFC 9110 10.1.1."""
    with server.connect() as connection:
        assert connection.send(get('/small.txt', 'Expect: a-miracle')).reply().status in (200, 417)


def test_max_requests_ends_a_connection(shared):
    server = shared('--max-requests', '3')
    with server.connect() as connection:
        connection.send(get('/small.txt') * 4)
        assert [connection.reply().closes for _ in range(3)] == [False, False, True]
        connection.ended()


def test_idle_connection_is_closed(shared):
    server = shared('--idle-timeout', f'{PAUSE_S}s')
    with server.connect() as connection:
        began = time.monotonic()  # its time begins later, with the reply
        connection.goes_on()
        connection.ended()
        assert time.monotonic() - began >= 0.9 * PAUSE_S


def test_head_that_does_not_come_is_408_or_cut(shared):
    """RFC 9110 15.5.9. Over TLS, the handshake has no more time than that, either."""
    server = shared('--header-timeout', f'{PAUSE_S}s' if TLS else '0.3s')
    with server.connect() as connection:
        connection.send(b'GET /small.txt HTTP/1.1\r\n')
        rest = connection.rest()
        assert not rest or rest.startswith(b'HTTP/1.1 408 ')
