"""Stored content codings (RFC 9110 8.4, 12.5.3): /packed.txt lies there as it is and in gzip, br and
zstd, /sub/half.html as it is and in gzip, /small.txt only as it is."""

import gzip
import os

import pytest

from support.docroot import FILES, OLD, put, replace
from support.facts import facts
from support.http import get, head, http_date

ENDINGS = {'gzip': '.gz', 'br': '.br', 'zstd': '.zst', None: ''}

# the value of Accept-Encoding, None for no field; what is owed, None for no coding
CHOICES = [
    ('no_field', '9110 12.5.3', None, None),
    ('empty_field', '9110 12.5.3', '', None),
    ('gzip', '9110 12.5.3', 'gzip', 'gzip'),
    ('br', '9110 12.5.3', 'br', 'br'),
    ('zstd', '9110 12.5.3', 'zstd', 'zstd'),
    ('x_gzip', '9110 8.4.1.3', 'x-gzip', 'gzip'),
    ('capitals', '9110 8.4.1', 'GZIP', 'gzip'),
    ('what_a_browser_says', '9110 12.5.3', 'gzip, deflate, br, zstd', 'br'),
    ('without_spaces', '9110 12.5.3', 'deflate,gzip', 'gzip'),
    ('unknown_coding', '9110 12.5.3', 'deflate', None),
    ('identity', '9110 12.5.3', 'identity', None),
    ('asterisk', '9110 12.5.3', '*', 'br'),
    ('gzip_refused', '9110 12.4.2', 'gzip;q=0', None),
    ('gzip_refused_in_digits', '9110 12.4.2', 'gzip;q=0.000', None),
    ('gzip_refused_and_br_not', '9110 12.4.2', 'gzip;q=0, br', 'br'),
    ('gzip_weighs_more', '9110 12.4.2', 'br;q=0.5, gzip;q=0.8', 'gzip'),
    ('zstd_weighs_more_by_a_thousandth', '9110 12.4.2', 'br;q=0.5, zstd;q=0.501', 'zstd'),
    ('small_weight', '9110 12.4.2', 'gzip;q=0.001', 'gzip'),
    ('weight_with_spaces', '9110 12.4.2', 'gzip ; q=1.0', 'gzip'),
    ('weight_with_capital_q', '9110 12.4.2', 'gzip;Q=1', 'gzip'),
    ('identity_weighs_more', '9110 12.5.3', 'gzip;q=0.5, identity', None),
    ('identity_weighs_less', '9110 12.5.3', 'gzip, identity;q=0.5', 'gzip'),
    ('identity_refused_and_gzip', '9110 12.5.3', 'identity;q=0, gzip', 'gzip'),
    ('identity_refused_and_any', '9110 12.5.3', 'identity;q=0, *;q=0.1', 'br'),
    ('all_refused_but_gzip', '9110 12.5.3', '*;q=0, gzip', 'gzip'),
    ('all_refused_but_identity', '9110 12.5.3', '*;q=0, identity', None),
    ('malformed_weight_is_not_there', '9110 12.4.2', 'gzip;q=x', None),
    ('weight_above_one_is_not_there', '9110 12.4.2', 'gzip;q=1.5', None),
]


def accept(value):
    return [] if value is None else [f'Accept-Encoding: {value}']


@facts('value, coding', CHOICES)
def test_choice(server, value, coding):
    with server.connect() as connection:
        reply = connection.send(get('/packed.txt', *accept(value))).reply()
        assert reply.status == 200
        assert reply.body == FILES['packed.txt' + ENDINGS[coding]]
        assert reply.values('Content-Encoding') == ([coding] if coding else [])
        assert reply['Content-Type'] == 'text/plain; charset=utf-8'  # that of the original
        assert reply.lists('Vary') == ['accept-encoding']  # RFC 9110 12.5.5
        assert reply['Accept-Ranges'] == 'bytes'
        empty = connection.send(head('/packed.txt', *accept(value))).reply('HEAD')
        assert empty.except_date() == reply.except_date()
        connection.goes_on()


@pytest.mark.parametrize('value', ['gzip, br', '*', 'br, gzip;q=0.1'])
def test_coding_that_is_not_stored_is_not_chosen(server, value):
    with server.connect() as connection:
        half = connection.send(get('/sub/half.html', f'Accept-Encoding: {value}')).reply()
        assert half['Content-Encoding'] == 'gzip'
        assert gzip.decompress(half.body) == FILES['sub/half.html']
        none = connection.send(get('/small.txt', f'Accept-Encoding: {value}')).reply()
        assert none.body == FILES['small.txt'] and not none.has('Content-Encoding')
        assert not none.has('Vary')  # nothing of it hangs on the field


@facts('path, value', [
    ('identity_refused', '9110 15.5.7', '/packed.txt', 'identity;q=0'),
    ('all_refused', '9110 15.5.7', '/packed.txt', '*;q=0'),
    ('identity_refused_and_the_other_not_stored', '9110 15.5.7', '/sub/half.html',
     'br, identity;q=0'),
    ('identity_refused_where_nothing_else_is', '9110 15.5.7', '/small.txt', 'gzip, identity;q=0'),
    ('identity_refused_by_head', '9110 15.5.7', '/packed.txt', 'identity;q=0'),
])
def test_nothing_acceptable_is_406(server, path, value):
    with server.connect() as connection:
        reply = connection.send(get(path, f'Accept-Encoding: {value}')).reply()
        assert reply.status == 406 and reply.lists('Vary') == ['accept-encoding']
        assert not reply.has('ETag') and not reply.has('Content-Encoding')
        empty = connection.send(head(path, f'Accept-Encoding: {value}')).reply('HEAD')
        assert empty.except_date() == reply.except_date()
        connection.goes_on()


def test_what_is_not_there_is_404_in_any_coding(server):
    with server.connect() as connection:
        for value in ('gzip', 'identity;q=0', '*;q=0'):
            assert connection.send(get('/none', f'Accept-Encoding: {value}')).reply().status == 404


def test_each_coding_has_a_strong_tag_of_its_own(server):
    """RFC 9110 8.8.3.3."""
    with server.connect() as connection:
        tags = [connection.send(head('/packed.txt', *accept(coding))).reply('HEAD')['ETag']
                for coding in ENDINGS]
        assert len(set(tags)) == len(tags) and all(tag.startswith('"') for tag in tags)


@pytest.mark.parametrize('coding', [coding for coding in ENDINGS if coding])
def test_preconditions_are_those_of_the_coding(server, coding):
    """RFC 9110 13.1: the selected representation is the coded one."""
    field = f'Accept-Encoding: {coding}'
    with server.connect() as connection:
        plain = connection.send(get('/packed.txt')).reply()['ETag']
        tag = connection.send(get('/packed.txt', field)).reply()['ETag']
        for fields, status in (([f'If-None-Match: {tag}'], 304), ([f'If-None-Match: {plain}'], 200),
                               ([f'If-Match: {tag}'], 200), ([f'If-Match: {plain}'], 412),
                               ([f'If-Range: {tag}', 'Range: bytes=0-3'], 206),
                               ([f'If-Range: {plain}', 'Range: bytes=0-3'], 200),
                               ([f'If-Modified-Since: {http_date(OLD)}'], 304)):
            reply = connection.send(get('/packed.txt', field, *fields)).reply()
            assert reply.status == status, fields
            assert reply.lists('Vary') == ['accept-encoding']  # RFC 9110 15.4.5
            if status == 304:
                assert reply['ETag'] == tag
        assert connection.send(get('/packed.txt', f'If-None-Match: {tag}')).reply().status == 200


def test_range_is_of_the_coded_bytes(server):
    """RFC 9110 14.2: ranges apply to the selected representation."""
    packed = FILES['packed.txt.gz']
    with server.connect() as connection:
        whole = connection.send(get('/packed.txt', 'Accept-Encoding: gzip')).reply()
        reply = connection.send(get('/packed.txt', 'Accept-Encoding: gzip',
                                    'Range: bytes=2-9')).reply()
        assert reply.status == 206 and reply.body == packed[2:10]
        assert reply['Content-Range'] == f'bytes 2-9/{len(packed)}'
        for name in ('Content-Encoding', 'ETag', 'Vary', 'Content-Type'):  # RFC 9110 15.3.7
            assert reply[name] == whole[name]
        beyond = connection.send(get('/packed.txt', 'Accept-Encoding: gzip',
                                     f'Range: bytes={len(packed)}-')).reply()
        assert beyond.status == 416 and beyond['Content-Range'] == f'bytes */{len(packed)}'
        assert beyond.lists('Vary') == ['accept-encoding']
        connection.goes_on()


def test_several_ranges_of_a_coding_are_answered_by_the_whole(server):
    """RFC 9110 14.2 lets Range be ignored: no field tells whether parts are coded or their whole."""
    with server.connect() as connection:
        reply = connection.send(get('/packed.txt', 'Accept-Encoding: gzip',
                                    'Range: bytes=0-1,4-5')).reply()
        assert reply.status == 200 and reply.body == FILES['packed.txt.gz']


def test_coded_file_by_its_own_name_is_a_file_like_any(server):
    with server.connect() as connection:
        for fields in ([], ['Accept-Encoding: gzip'], ['Accept-Encoding: identity']):
            reply = connection.send(get('/packed.txt.gz', *fields)).reply()
            assert reply.status == 200 and reply.body == FILES['packed.txt.gz']
            assert reply['Content-Type'] == 'application/gzip'
            assert not reply.has('Content-Encoding') and not reply.has('Vary')


def test_index_and_fallback_have_codings_too(own, scratch):
    for name in ('index.html', 'novel.txt'):
        put(scratch / name, b'plain ' + name.encode())
        put(scratch / f'{name}.gz', b'packed ' + name.encode())
        for path in (scratch / name, scratch / f'{name}.gz'):
            os.utime(path, (OLD, OLD))
    server = own('--fallback', 'novel.txt', docroot=scratch)
    with server.connect() as connection:
        for target, name in (('/', b'index.html'), ('/17', b'novel.txt')):
            reply = connection.send(get(target, 'Accept-Encoding: gzip')).reply()
            assert reply.body == b'packed ' + name and reply['Content-Encoding'] == 'gzip'
            assert connection.send(get(target)).reply().body == b'plain ' + name


def test_large_coded_file_leaves_from_its_descriptor(own, scratch):
    put(scratch / 'large.bin', bytes(1000))
    put(scratch / 'large.bin.zst', bytes(range(256)) * 3000)
    server = own(docroot=scratch)
    with server.connect() as connection:
        connection.send(get('/large.bin', 'Accept-Encoding: zstd') + get('/large.bin') +
                        get('/large.bin', 'Accept-Encoding: zstd', 'Range: bytes=300000-599999'))
        assert connection.reply().body == bytes(range(256)) * 3000
        assert connection.reply().body == bytes(1000)
        assert connection.reply().body == (bytes(range(256)) * 3000)[300000:600000]


def fresh(scratch, own):
    put(scratch / 'a.txt', b'as it is')
    os.utime(scratch / 'a.txt', (OLD, OLD))
    return own('--revalidate', '0', docroot=scratch)


def asked(connection):
    reply = connection.send(get('/a.txt', 'Accept-Encoding: gzip')).reply()
    return reply.body, reply.has('Vary')


def test_sibling_older_than_its_file_is_stale(own, scratch):
    server = fresh(scratch, own)
    put(scratch / 'a.txt.gz', b'packed')
    with server.connect() as connection:
        for date, owed in ((OLD - 1, (b'as it is', False)), (OLD, (b'packed', True)),
                           (OLD + 1, (b'packed', True)), (OLD - 1, (b'as it is', False))):
            os.utime(scratch / 'a.txt.gz', (date, date))
            assert asked(connection) == owed
        os.utime(scratch / 'a.txt.gz', (OLD, OLD))
        assert asked(connection) == (b'packed', True)
        put(scratch / 'a.txt', b'changed since')
        assert asked(connection) == (b'changed since', False)


def test_siblings_come_and_go(own, scratch):
    server = fresh(scratch, own)
    with server.connect() as connection:
        assert asked(connection) == (b'as it is', False)
        put(scratch / 'a.txt.gz', b'packed')
        assert asked(connection) == (b'packed', True)
        replace(scratch / 'a.txt.gz', b'packed anew')
        assert asked(connection) == (b'packed anew', True)
        (scratch / 'a.txt.gz').unlink()
        assert asked(connection) == (b'as it is', False)
        (scratch / 'a.txt').unlink()
        put(scratch / 'a.txt.gz', b'packed alone')
        assert connection.send(get('/a.txt', 'Accept-Encoding: gzip')).reply().status == 404


@pytest.mark.parametrize('make', [
    pytest.param(os.mkfifo, id='fifo'), pytest.param(os.mkdir, id='folder'),
    pytest.param(lambda path: os.symlink('/etc/passwd', path), id='link out'),
    pytest.param(lambda path: os.symlink('nowhere', path), id='link nowhere')])
def test_sibling_that_may_not_be_served_is_none(own, scratch, make):
    server = fresh(scratch, own)
    make(scratch / 'a.txt.gz')
    with server.connect() as connection:
        assert asked(connection) == (b'as it is', False)
