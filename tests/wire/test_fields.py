"""The fields of replies: dates, validators, types, and what options add."""

import calendar
import os
import time

from support.docroot import FILES, OLD, put, replace
from support.facts import facts
from support.http import ENTITY_TAG, get, head, http_date, request, seconds_of
from support.programs import has_option

import pytest


def fetch(server, path, *fields):
    with server.connect() as connection:
        return connection.send(get(path, *fields)).reply()


DATED = [
    ('date_in_200', '9110 6.6.1', get('/small.txt')),
    ('date_in_206', '9110 15.3.7', get('/small.txt', 'Range: bytes=0-0')),
    ('date_in_304', '9110 15.4.5', get('/small.txt', 'If-None-Match: *')),
    ('date_in_404', '9110 6.6.1', get('/no-such-file')),
    ('date_in_405', '9110 6.6.1', request('POST', '/small.txt')),
    ('date_in_412', '9110 6.6.1', get('/small.txt', 'If-Match: "no"')),
    ('date_in_416', '9110 6.6.1', get('/small.txt', 'Range: bytes=9999-')),
    ('date_in_redirect', '9110 6.6.1', get('/sub')),
    ('date_in_400', '9110 6.6.1', get('/small.txt', host=None)),
    ('date_in_options', '9110 6.6.1', request('OPTIONS', '*')),
]


@facts('data', DATED)
def test_date(server, data):
    with server.connect() as connection:
        before = int(time.time())
        reply = connection.send(data).reply(data.split()[0].decode())
        assert before - 1 <= seconds_of(reply['Date']) <= time.time()


def test_date_goes_on(server):
    """A head is built once, its date is not."""
    with server.connect() as connection:
        first = seconds_of(connection.goes_on()['Date'])
        time.sleep(1.1)
        assert seconds_of(connection.goes_on()['Date']) > first


def test_last_modified_is_the_files_own_time(server):
    """RFC 9110 8.8.2.1."""
    assert fetch(server, '/small.txt')['Last-Modified'] == http_date(OLD)


def test_last_modified_is_never_in_the_future(server):
    """RFC 9110 8.8.2.1: not later than Date, which every reply read here is checked for."""
    reply = fetch(server, '/tomorrow.txt')
    assert reply.status == 200
    if reply.has('Last-Modified'):
        assert seconds_of(reply['Last-Modified']) <= seconds_of(reply['Date'])


def test_etag_is_strong_and_stable(server):
    """RFC 9110 8.8.3."""
    tags = {fetch(server, '/small.txt')['ETag'] for _ in range(3)}
    assert len(tags) == 1
    tag = tags.pop()
    assert ENTITY_TAG.fullmatch(tag) and not tag.startswith('W/')


def test_etags_of_two_files_differ(server):
    assert fetch(server, '/small.txt')['ETag'] != fetch(server, '/thousand.bin')['ETag']


def test_every_file_has_length_and_ranges(server):
    reply = fetch(server, '/thousand.bin')
    assert reply['Content-Length'] == '1000'
    assert reply.lists('Accept-Ranges') == ['bytes']


CHANGES = [
    ('written_anew', '9110 8.8.1', lambda path: path.write_bytes(b'a longer second version\n')),
    ('replaced', '9110 8.8.1', lambda path: replace(path, b'a longer second version\n')),
    ('replaced_by_the_same_size', '9110 8.8.1', lambda path: replace(path, b'second\n')),
    ('with_another_time', '9110 8.8.1', lambda path: os.utime(path, (OLD + 60, OLD + 60))),
]


@facts('change', CHANGES)
def test_etag_changes_with_a_file(own, scratch, change):
    path = scratch / 'file.txt'
    put(path, b'first.\n')
    os.utime(path, (OLD, OLD))
    server = own('--revalidate', '0', docroot=scratch)
    with server.connect() as connection:
        before = connection.send(get('/file.txt')).reply()
        change(path)
        after = connection.send(get('/file.txt')).reply()
        assert after['ETag'] != before['ETag']
        assert after.body == path.read_bytes()
        assert int(after['Content-Length']) == path.stat().st_size


def test_change_is_seen_after_the_time_trusted(own, scratch):
    path = scratch / 'file.txt'
    put(path, b'first\n')
    server = own(docroot=scratch)  # --revalidate 1s, as documented
    with server.connect() as connection:
        assert connection.send(get('/file.txt')).reply().body == b'first\n'
        replace(path, b'the second\n')
        time.sleep(1.05)
        assert connection.send(get('/file.txt')).reply().body == b'the second\n'


def test_file_that_appears_is_seen(own, scratch):
    server = own('--revalidate', '0', docroot=scratch)
    with server.connect() as connection:
        assert connection.send(get('/file.txt')).reply().status == 404
        put(scratch / 'file.txt', b'now\n')
        assert connection.send(get('/file.txt')).reply().body == b'now\n'
        (scratch / 'file.txt').unlink()
        assert connection.send(get('/file.txt')).reply().status == 404


def test_index_that_appears_is_seen(own, scratch):
    server = own('--revalidate', '0', docroot=scratch)
    with server.connect() as connection:
        connection.send(get('/')).reply()
        put(scratch / 'index.html', b'now\n')
        assert connection.send(get('/')).reply().body == b'now\n'


TYPES = [
    ('txt', '9110 8.3', '/small.txt', 'text/plain', True),
    ('txt_in_capitals', '9110 8.3', '/SHOUT.TXT', 'text/plain', True),
    ('html', '9110 8.3', '/page.html', 'text/html', True),
    ('index', '9110 8.3', '/', 'text/html', True),
    ('css', '9110 8.3', '/style.css', 'text/css', True),
    ('json_needs_no_charset', '8259 11', '/data.json', 'application/json', False),
    ('png', '9110 8.3', '/picture.png', 'image/png', False),
    ('svg_names_its_own_charset', '7303 3', '/drawing.svg', 'image/svg+xml', False),
    ('gz', '9110 8.3', '/archive.tar.gz', 'application/gzip', False),
]


@facts('path, kind, text', TYPES)
def test_content_type(server, path, kind, text):
    value = fetch(server, path)['Content-Type'].replace(' ', '').lower()
    assert value.split(';')[0] == kind
    assert value.split(';')[1:] == (['charset=utf-8'] if text else [])


def test_script_is_javascript(server):
    """RFC 9239: text/javascript; the older name is still common."""
    kind = fetch(server, '/script.js')['Content-Type'].split(';')[0]
    assert kind in ('text/javascript', 'application/javascript')


def test_unknown_content_is_not_called_text(server):
    for path in ('/odd.zzzunknown', '/thousand.bin'):
        reply = fetch(server, path)
        assert not reply.has('Content-Type') or reply['Content-Type'] == 'application/octet-stream'


def test_error_page_says_what_it_is(server):
    reply = fetch(server, '/no-such-file')
    assert reply['Content-Type'].split(';')[0] in ('text/plain', 'text/html')
    assert b'404' in reply.body and len(reply.body) < 4096


def test_error_page_does_not_run_what_was_asked_for(server):
    reply = fetch(server, '/%3Cscript%3Ealert(1)%3C/script%3E')
    assert reply.status == 404
    assert b'<script>' not in reply.body


def test_plain_file_says_no_encoding(server):
    reply = fetch(server, '/small.txt')
    assert not reply.has('Content-Encoding')


def test_304_carries_what_a_cache_needs(server):
    """RFC 9110 15.4.5."""
    whole = fetch(server, '/small.txt')
    reply = fetch(server, '/small.txt', f'If-None-Match: {whole["ETag"]}')
    assert reply.status == 304
    assert reply['ETag'] == whole['ETag']
    for name in ('Cache-Control', 'Content-Location', 'Expires', 'Vary'):
        assert reply.values(name) == whole.values(name)
    for name in ('Content-Type', 'Content-Encoding', 'Accept-Ranges'):  # nothing else of the file
        assert not reply.has(name)
    if reply.has('Content-Length'):  # RFC 9110 8.6
        assert reply['Content-Length'] == whole['Content-Length']


def test_206_carries_what_200_would(shared):
    """RFC 9110 15.3.7."""
    server = shared('--cache-control', 'public, max-age=60')
    whole = fetch(server, '/small.txt')
    for value in ('bytes=0-1', 'bytes=-1', 'bytes=0-0,5-5'):
        part = fetch(server, '/small.txt', f'Range: {value}')
        assert part.status == 206 and part.has('Date')
        for name in ('Cache-Control', 'Content-Location', 'ETag', 'Expires', 'Vary'):
            assert part.values(name) == whole.values(name)


def test_416_says_how_long_the_file_is_and_is_no_part_of_it(server):
    """RFC 9110 15.5.17."""
    reply = fetch(server, '/thousand.bin', 'Range: bytes=1000-')
    assert reply.status == 416 and reply['Content-Range'] == 'bytes */1000'
    assert reply.body and not reply.has('Last-Modified')


def test_content_range_stands_in_206_and_416_alone(server):
    """RFC 9110 14.4: in any other reply it means nothing."""
    for path, *fields in (('/thousand.bin',),
                          ('/thousand.bin', 'If-None-Match: *', 'Range: bytes=0-0'),
                          ('/no-such-file', 'Range: bytes=0-0'), ('/sub', 'Range: bytes=0-0'),
                          ('/thousand.bin', 'If-Match: "no"', 'Range: bytes=0-0')):
        reply = fetch(server, path, *fields)
        assert reply.status not in (206, 416) and not reply.has('Content-Range')


EXPLAINED = [
    ('400_says_why', '9110 15.5', b'GET / HTTP/1.1\r\n\r\n', 400),
    ('404_says_why', '9110 15.5', get('/no-such-file'), 404),
    ('405_says_why', '9110 15.5', request('PUT', '/small.txt'), 405),
    ('412_says_why', '9110 15.5', get('/small.txt', 'If-Match: "no"'), 412),
    ('413_says_why', '9110 15.5', get('/small.txt', 'Content-Length: 1000000000'), 413),
    ('414_says_why', '9110 15.5', get('/' + 'a' * 100_000), 414),
    ('416_says_why', '9110 15.5', get('/small.txt', 'Range: bytes=9999-'), 416),
    ('431_says_why', '9110 15.5', get('/small.txt', 'X: ' + 'a' * 100_000), 431),
    ('501_says_why', '9110 15.6', request('BREW', '/small.txt'), 501),
    ('505_says_why', '9110 15.6', get('/small.txt', version='2.0'), 505),
]


@facts('data, status', EXPLAINED)
def test_error_is_explained(server, data, status):
    """In a page of its own length and type, with nothing in it of what was sent."""
    with server.connect() as connection:
        reply = connection.send(data).reply()
        assert reply.status == status and str(status).encode() in reply.body
        assert reply['Content-Type'] == 'text/html; charset=utf-8'
        assert not reply.has('ETag') and not reply.has('Content-Encoding')


def test_error_is_not_taken_for_the_file(server):
    """A validator in an error would be stored with it."""
    for path, *fields in (('/no-such-file',), ('/small.txt', 'If-Match: "no"')):
        reply = fetch(server, path, *fields)
        assert not reply.has('Last-Modified')


def test_day_of_february_is_right(own, scratch):
    """RFC 9110 5.6.7, on days where calendars go wrong."""
    server = own(docroot=scratch)
    days = [(1970, 1, 1), (1999, 12, 31), (2000, 2, 29), (2024, 2, 29), (2023, 2, 28), (2023, 3, 1)]
    for day in days:
        moment = calendar.timegm((*day, 23, 59, 59))
        put(scratch / f'{moment}.txt', b'x')
        os.utime(scratch / f'{moment}.txt', (moment, moment))
        assert fetch(server, f'/{moment}.txt')['Last-Modified'] == http_date(moment)


def test_file_older_than_1970_is_served(own, scratch):
    server = own(docroot=scratch)
    put(scratch / 'old.txt', b'x')
    os.utime(scratch / 'old.txt', (-86400, -86400))
    assert fetch(server, '/old.txt').body == b'x'


def test_response_header_is_added(model, shared):
    if not has_option('server', model, '--response-header'):
        pytest.skip('no --response-header yet')
    server = shared('--response-header', 'X-First: 1', '--response-header', 'X-Second: two words')
    with server.connect() as connection:
        for data, method in ((get('/small.txt'), 'GET'), (head('/small.txt'), 'HEAD'),
                             (get('/small.txt'), 'GET')):
            reply = connection.send(data).reply(method)
            assert (reply['X-First'], reply['X-Second']) == ('1', 'two words')


def test_cache_control_is_added(model, shared):
    if not has_option('server', model, '--cache-control'):
        pytest.skip('no --cache-control yet')
    server = shared('--cache-control', 'public, max-age=60')
    whole = fetch(server, '/small.txt')
    assert whole['Cache-Control'] == 'public, max-age=60'
    again = fetch(server, '/small.txt', 'If-None-Match: *')
    assert again.status == 304 and again['Cache-Control'] == 'public, max-age=60'


def test_bodies_are_the_files(server):
    for name in ('small.txt', 'thousand.bin', 'page.html', 'data.json', 'noextension'):
        assert fetch(server, '/' + name).body == FILES[name]
