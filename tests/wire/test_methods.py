"""GET, HEAD and OPTIONS; what is known but not allowed; what is not known."""

import pytest

from support.docroot import FILES, OLD
from support.facts import facts
from support.http import get, head, http_date, request

PAGES = [
    ('of_a_file', '9110 9.3.2', '/small.txt', ()),
    ('of_an_empty_file', '9110 9.3.2', '/empty.txt', ()),
    ('of_a_large_file', '9110 9.3.2', '/sizes/1048577.bin', ()),
    ('of_an_index', '9110 9.3.2', '/', ()),
    ('of_a_listing', '9110 9.3.2', '/bare/', ()),
    ('of_a_listing_not_modified', '9110 9.3.2', '/bare/', ('If-None-Match: *',)),
    ('with_nothing_acceptable', '9110 9.3.2', '/packed.txt', ('Accept-Encoding: identity;q=0',)),
    ('of_a_stored_coding', '9110 9.3.2', '/packed.txt', ('Accept-Encoding: gzip',)),
    ('of_nothing', '9110 9.3.2', '/no-such-file', ()),
    ('of_a_folder_without_slash', '9110 9.3.2', '/sub', ()),
    ('not_modified', '9110 9.3.2', '/small.txt', ('If-None-Match: *',)),
    ('not_modified_since', '9110 9.3.2', '/small.txt', (f'If-Modified-Since: {http_date(OLD)}',)),
    ('with_a_failed_precondition', '9110 9.3.2', '/small.txt', ('If-Match: "no"',)),
    ('of_a_closing_connection', '9110 9.3.2', '/small.txt', ('Connection: close',)),
    ('with_an_encoding', '9110 9.3.2', '/small.txt', ('Accept-Encoding: gzip, br',)),
    ('of_a_bad_escape', '9110 9.3.2', '/%zz', ()),
    ('of_a_dotfile', '9110 9.3.2', '/.hidden', ()),
    ('of_a_file_of_another_type', '9110 9.3.2', '/page.html', ()),
    ('of_absolute_form', '9110 9.3.2', 'http://t/small.txt', ()),
    ('of_a_fragment', '9110 9.3.2', '/small.txt#x', ()),
]


@facts('path, fields', PAGES)
def test_head_is_get_without_its_body(server, path, fields):
    with server.connect() as connection:
        whole = connection.send(get(path, *fields)).reply()
    with server.connect() as connection:
        empty = connection.send(head(path, *fields)).reply('HEAD')
        assert empty.except_date() == whole.except_date()
        if not empty.closes:
            connection.goes_on()


def test_head_ignores_range(server):
    """RFC 9110 14.2: Range is for GET."""
    with server.connect() as connection:
        reply = connection.send(head('/thousand.bin', 'Range: bytes=0-9')).reply('HEAD')
        assert reply.status == 200 and reply['Content-Length'] == '1000'


def test_head_is_get_without_its_body_in_1_0(server):
    """RFC 9110 9.3.2, 8.6."""
    with server.connect() as connection:
        whole = connection.send(get('/small.txt', version='1.0')).reply()
    with server.connect() as connection:
        empty = connection.send(head('/small.txt', version='1.0')).reply('HEAD')
        assert empty.except_date() == whole.except_date()
        assert empty['Content-Length'] == str(len(FILES['small.txt']))
        connection.ended()


@facts('data, status', [
    ('head_without_host', '9110 9.3.2', b'HEAD / HTTP/1.1\r\n\r\n', 400),
    ('head_behind_an_empty_line', '9110 9.3.2', b'\r\nHEAD / HTTP/1.1\r\n\r\n', 400),
    ('head_of_a_later_version', '9110 9.3.2', b'HEAD / HTTP/2.0\r\nHost: t\r\n\r\n', 505),
    ('head_of_a_long_target', '9110 9.3.2', head('/' + 'a' * 100_000), 414),
    ('head_with_too_many_fields', '9110 9.3.2', head('/', *['X: y'] * 10_000), 431),
    ('head_with_a_malformed_field', '9110 9.3.2', head('/', 'X : y'), 400),
    ('head_with_two_lengths', '9110 9.3.2',
     head('/small.txt', 'Content-Length: 5', 'Transfer-Encoding: chunked'), 400),
    ('head_with_a_bad_chunk', '9110 9.3.2',
     head('/small.txt', 'Transfer-Encoding: chunked', body=b'x\r\n'), 400),
    ('head_with_too_large_a_body', '9110 9.3.2',
     head('/small.txt', 'Content-Length: 1000000000'), 413),
])
def test_refused_head(server, data, status):
    """A reply to HEAD has no body whatever its status, even where the head could not be read whole."""
    with server.connect() as connection:
        reply = connection.send(data).head()
        assert reply.status == status and reply.closes
        assert int(reply['Content-Length']) > 0
        assert connection.rest() == b''


def test_allow_names_the_methods_that_work(server):
    """RFC 9110 10.2.1."""
    with server.connect() as connection:
        for method in ('OPTIONS', 'POST'):
            reply = connection.send(request(method, '/small.txt')).reply(method)
            assert sorted(reply.lists('Allow')) == ['get', 'head', 'options']


NOT_ALLOWED = [
    (f'{method.lower()}_is_405', section, request(method, target))
    for method, section, target in (
        ('POST', '9110 9.3.3', '/small.txt'), ('PUT', '9110 9.3.4', '/small.txt'),
        ('DELETE', '9110 9.3.5', '/small.txt'), ('CONNECT', '9110 9.3.6', 't:80'),
        ('TRACE', '9110 9.3.8', '/small.txt'), ('PATCH', '5789 2', '/small.txt'))]


@facts('data', NOT_ALLOWED)
def test_known_method(server, data):
    with server.connect() as connection:
        reply = connection.send(data).reply(data.split()[0].decode())
        assert reply.status == 405, reply.head
        assert 'get' in reply.lists('Allow') and 'head' in reply.lists('Allow')


def test_trace_gives_nothing_back(server):
    """RFC 9110 9.3.8: what a client sent in confidence is not echoed."""
    with server.connect() as connection:
        reply = connection.send(request('TRACE', '/small.txt',
                                        'X-Secret: swordfish')).reply('TRACE')
        assert b'swordfish' not in reply.head + reply.body


@facts('target', [
    ('connect_to_no_port', '9110 9.3.6', 't:'),
    ('connect_without_port', '9110 9.3.6', 't'),
    ('connect_to_letters', '9110 9.3.6', 't:http'),
    ('connect_to_too_large_a_port', '9110 9.3.6', 't:65536'),
    ('connect_to_port_0', '9110 9.3.6', 't:0'),
    ('connect_to_a_path', '9110 9.3.6', '/small.txt'),
    ('connect_to_a_v6_address', '9110 9.3.6', '[::1]:80'),
    ('connect_to_an_absolute_form', '9110 9.3.6', 'http://t/'),
])
def test_connect_never_makes_a_tunnel(server, target):
    with server.connect() as connection:
        reply = connection.send(request('CONNECT', target)).reply('CONNECT')
        assert reply.status in (400, 405, 501)
        if not reply.closes:
            connection.goes_on()


UNKNOWN = [
    ('unknown_method_is_501', '9110 9.1', request('BREW', '/small.txt')),
    ('method_in_lower_case_is_501', '9110 9.1', request('get', '/small.txt')),
    ('method_in_mixed_case_is_501', '9110 9.1', request('Get', '/small.txt')),
    ('method_with_a_letter_more_is_501', '9110 9.1', request('GETS', '/small.txt')),
    ('method_with_a_letter_less_is_501', '9110 9.1', request('GE', '/small.txt')),
    ('method_of_one_letter_is_501', '9110 9.1', request('G', '/small.txt')),
    ('method_of_every_token_character_is_501', '9110 9.1',
     request("!#$%&'*+-.^_`|~09azAZ", '/small.txt')),
    ('method_of_webdav_is_501', '4918 9.1', request('PROPFIND', '/small.txt')),
]


@facts('data', UNKNOWN)
def test_unknown_method(server, data):
    with server.connect() as connection:
        assert connection.send(data).reply('POST').status == 501


OPTIONS = [
    ('options_of_the_server', '9110 9.3.7', request('OPTIONS', '*')),
    ('options_of_the_server_in_1_0', '9110 9.3.7', request('OPTIONS', '*', version='1.0')),
    ('options_of_a_file', '9110 9.3.7', request('OPTIONS', '/small.txt')),
    ('options_of_the_root', '9110 9.3.7', request('OPTIONS', '/')),
    ('options_of_nothing', '9110 9.3.7', request('OPTIONS', '/no-such-file')),
    ('options_by_absolute_form', '9112 3.2.2', request('OPTIONS', 'http://t/small.txt')),
    ('options_of_a_host', '9112 3.2.4', request('OPTIONS', 'http://t')),
    ('options_that_may_not_be_forwarded', '9110 7.6.2', request('OPTIONS', '*', 'Max-Forwards: 0')),
    ('options_with_chunks', '9110 9.3.7',
     request('OPTIONS', '*', 'Transfer-Encoding: chunked', body=b'5\r\nhello\r\n0\r\n\r\n')),
    ('options_with_a_body', '9110 9.3.7',
     request('OPTIONS', '*', 'Content-Length: 5', body=b'hello')),
]


@facts('data', OPTIONS)
def test_options(server, data):
    with server.connect() as connection:
        reply = connection.send(data).reply('OPTIONS')
        assert reply.status in (200, 204)
        assert {'get', 'head', 'options'} <= set(reply.lists('Allow'))
        if reply.status == 200 and not reply.body:
            assert reply['Content-Length'] == '0'
        if not reply.closes:
            connection.goes_on()


def test_options_changes_nothing_for_the_next_request(server):
    with server.connect() as connection:
        connection.send(request('OPTIONS', '*')).reply('OPTIONS')
        assert connection.goes_on().body == FILES['small.txt']


@pytest.mark.parametrize('data', [b'', b'GET', b'GET /small.txt HTTP/1.1\r\nHost: t\r\n'],
                         ids=['nothing', 'a method', 'a head without its end'])
def test_nothing_is_answered_before_it_is_asked(server, data):
    """RFC 9110 5.3: fields may still come that change what a request means."""
    with server.connect() as connection:
        connection.send(data).says_nothing(0.05)
