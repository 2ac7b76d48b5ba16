"""Byte ranges (RFC 9110 14): played against /thousand.bin, 1,000 bytes."""

import email
import re

import pytest

from support.docroot import FILES, OLD, pattern
from support.facts import facts
from support.http import get, head, http_date

WHOLE = FILES['thousand.bin']
HUGE = '9' * 30

# Range, first and last byte of the one slice that is owed
SATISFIABLE = [
    ('first_byte', '9110 14.1.2', 'bytes=0-0', 0, 0),
    ('first_half', '9110 14.1.2', 'bytes=0-499', 0, 499),
    ('second_half', '9110 14.1.2', 'bytes=500-999', 500, 999),
    ('byte_in_the_middle', '9110 14.1.2', 'bytes=500-500', 500, 500),
    ('last_byte', '9110 14.1.2', 'bytes=999-999', 999, 999),
    ('all_by_numbers', '9110 14.1.2', 'bytes=0-999', 0, 999),
    ('from_the_start', '9110 14.1.2', 'bytes=0-', 0, 999),
    ('from_the_middle', '9110 14.1.2', 'bytes=500-', 500, 999),
    ('from_the_last_byte', '9110 14.1.2', 'bytes=999-', 999, 999),
    ('last_beyond_the_end', '9110 14.1.2', 'bytes=500-1000', 500, 999),
    ('last_far_beyond_the_end', '9110 14.1.2', f'bytes=500-{2**63}', 500, 999),
    ('last_beyond_64_bits', '9110 14.1.2', f'bytes=500-{2**64 + 600}', 500, 999),
    ('last_beyond_any_integer', '9110 14.1.2', f'bytes=500-{HUGE}', 500, 999),
    ('suffix_of_one', '9110 14.1.2', 'bytes=-1', 999, 999),
    ('suffix_of_half', '9110 14.1.2', 'bytes=-500', 500, 999),
    ('suffix_as_long_as_the_file', '9110 14.1.2', 'bytes=-1000', 0, 999),
    ('suffix_longer_than_the_file', '9110 14.1.2', 'bytes=-1001', 0, 999),
    ('suffix_beyond_64_bits', '9110 14.1.2', f'bytes=-{2**64 + 1}', 0, 999),
    ('suffix_beyond_any_integer', '9110 14.1.2', f'bytes=-{HUGE}', 0, 999),
    ('leading_zeros', '9110 14.1.1', 'bytes=0000-0009', 0, 9),
    ('unit_has_no_case', '9110 14.1', 'Bytes=0-9', 0, 9),
    ('empty_members_around', '9110 5.6.1', 'bytes=,0-9,', 0, 9),
]


@facts('value, first, last', SATISFIABLE)
def test_slice(server, value, first, last):
    with server.connect() as connection:
        whole = connection.send(get('/thousand.bin')).reply()
        reply = connection.send(get('/thousand.bin', f'Range: {value}')).reply()
        assert reply.status == 206, reply.head
        assert reply['Content-Range'] == f'bytes {first}-{last}/1000'
        assert reply['Content-Length'] == str(last - first + 1)
        assert reply.body == WHOLE[first:last + 1]
        for name in ('ETag', 'Last-Modified', 'Content-Type'):  # RFC 9110 15.3.7
            assert reply.values(name) == whole.values(name)
        connection.goes_on()


UNSATISFIABLE = [
    ('from_just_beyond_the_end', '9110 14.1.2', 'bytes=1000-'),
    ('just_beyond_the_end', '9110 14.1.2', 'bytes=1000-1000'),
    ('far_beyond_the_end', '9110 14.1.2', 'bytes=5000-6000'),
    ('from_beyond_64_bits', '9110 14.1.2', f'bytes={2**64}-'),
    ('from_beyond_64_bits_by_little', '9110 14.1.2', f'bytes={2**64 + 5}-{2**64 + 9}'),
    ('from_beyond_any_integer', '9110 14.1.2', f'bytes={HUGE}-'),
    ('suffix_of_nothing', '9110 14.1.2', 'bytes=-0'),
]


@facts('value', UNSATISFIABLE)
def test_unsatisfiable(server, value):
    with server.connect() as connection:
        reply = connection.send(get('/thousand.bin', f'Range: {value}')).reply()
        assert reply.status == 416, reply.head
        assert reply['Content-Range'] == 'bytes */1000'  # RFC 9110 15.5.17
        connection.goes_on()


IGNORED = [
    ('another_unit', '9110 14.2', 'items=0-9'),
    ('no_unit', '9110 14.1.1', '0-9'),
    ('no_ranges', '9110 14.1.1', 'bytes='),
    ('empty_value', '9110 14.1.1', ''),
    ('unit_alone', '9110 14.1.1', 'bytes'),
    ('dash_alone', '9110 14.1.2', 'bytes=-'),
    ('last_before_first', '9110 14.1.1', 'bytes=9-0'),
    ('last_before_first_beyond_the_end', '9110 14.1.1', 'bytes=6000-5000'),
    ('one_of_two_is_backwards', '9110 14.1.1', 'bytes=0-9,9-0'),
    ('number_alone', '9110 14.1.2', 'bytes=5'),
    ('letters', '9110 14.1.2', 'bytes=a-z'),
    ('letters_behind_numbers', '9110 14.1.2', 'bytes=0-9x'),
    ('two_dashes', '9110 14.1.2', 'bytes=0--9'),
    ('negative_first', '9110 14.1.2', 'bytes=-5-9'),
    ('plus_sign', '9110 14.1.2', 'bytes=+0-9'),
    ('hexadecimal', '9110 14.1.2', 'bytes=0x0-0x9'),
    ('space_inside', '9110 14.1.2', 'bytes=0 -9'),
    ('space_before_equals', '9110 14.1.1', 'bytes =0-9'),
    ('colon_for_equals', '9110 14.1.1', 'bytes:0-9'),
    ('space_for_equals', '9110 14.1.1', 'bytes 0-9'),
    ('content_range_form', '9110 14.1.1', 'bytes 0-9/1000'),
    ('second_is_no_range', '9110 14.1.1', 'bytes=0-9,x'),
]


@facts('value', IGNORED)
def test_ignored(server, value):
    """RFC 9110 14.2: a Range that is not understood is not there."""
    with server.connect() as connection:
        reply = connection.send(get('/thousand.bin', f'Range: {value}')).reply()
        assert reply.status == 200, reply.head
        assert reply.body == WHOLE and not reply.has('Content-Range')
        connection.goes_on()


SEVERAL = [
    ('two_apart', '9110 15.3.7.2', 'bytes=0-9,20-29', [(0, 9), (20, 29)]),
    ('two_in_reverse', '9110 15.3.7.2', 'bytes=20-29,0-9', [(20, 29), (0, 9)]),
    ('one_of_two_beyond_the_end', '9110 14.1.2', 'bytes=0-9,5000-6000', [(0, 9)]),
    ('one_of_two_a_suffix_of_nothing', '9110 14.1.2', 'bytes=-0,990-', [(990, 999)]),
    ('two_beyond_the_end', '9110 14.1.2', 'bytes=1000-1001,2000-', []),
    ('three_with_suffix', '9110 15.3.7.2',
     'bytes=0-0, 500-500 ,-1', [(0, 0), (500, 500), (999, 999)]),
]


@facts('value, slices', SEVERAL)
def test_several(server, value, slices):
    """Several ranges come as parts, or the whole comes instead (RFC 9110 14.2)."""
    with server.connect() as connection:
        reply = connection.send(get('/thousand.bin', f'Range: {value}')).reply()
        parts = [(f'bytes {first}-{last}/1000', WHOLE[first:last + 1]) for first, last in slices]
        if reply.status == 200:
            assert reply.body == WHOLE
        elif not parts:
            assert reply.status == 416 and reply['Content-Range'] == 'bytes */1000'
        elif reply.has('Content-Range'):  # RFC 9110 15.3.7.2: not if there are several
            assert reply.status == 206 and [(reply['Content-Range'], reply.body)] == parts
        else:
            assert reply.status == 206 and parts_of(reply) == parts
        connection.goes_on()


def boundary_of(reply):
    return re.search(r'boundary="?([^";]+)"?', reply['Content-Type'])[1].encode()


def parts_of(reply, media_type='application/octet-stream'):
    """The parts of multipart/byteranges (RFC 9110 14.6, RFC 2046 5.1.1), split by hand: bodies are
    bytes."""
    assert not reply.has('Content-Range')  # RFC 9110 15.3.7.2
    boundary = boundary_of(reply)
    assert re.fullmatch(rb"[0-9A-Za-z'()+_,./:=?-]{1,70}", boundary)  # RFC 2046 5.1.1
    parts = (b'\r\n' + reply.body).split(b'\r\n--' + boundary)
    assert parts[0] == b'' and parts[-1] == b'--\r\n'
    found = []
    for part in parts[1:-1]:
        head, _, body = part.removeprefix(b'\r\n').partition(b'\r\n\r\n')
        fields = email.message_from_bytes(head + b'\r\n\r\n')
        assert fields['Content-Type'] == media_type  # RFC 9110 15.3.7.2
        found.append((fields['Content-Range'], body))
    return found


PARTS = [
    ('two_parts', '9110 15.3.7.2', 'bytes=0-9,20-29', [(0, 9), (20, 29)]),
    ('four_parts_of_one_byte', '9110 15.3.7.2', 'bytes=0-0,2-2,4-4,6-6',
     [(0, 0), (2, 2), (4, 4), (6, 6)]),
    ('two_parts_that_touch', '9110 14.1.2', 'bytes=0-499,500-999', [(0, 499), (500, 999)]),
    ('parts_in_the_order_asked_for', '9110 15.3.7.2', 'bytes=-1,0-0,500-500',
     [(999, 999), (0, 0), (500, 500)]),
    ('parts_without_the_one_beyond_the_end', '9110 15.3.7.2', 'bytes=0-9,1000-,20-29',
     [(0, 9), (20, 29)]),
    ('part_cut_at_the_end', '9110 14.1.2', 'bytes=0-9,990-2000', [(0, 9), (990, 999)]),
]


@facts('value, slices', PARTS)
def test_parts(server, value, slices):
    with server.connect() as connection:
        whole = connection.send(get('/thousand.bin')).reply()
        reply = connection.send(get('/thousand.bin', f'Range: {value}')).reply()
        assert reply.status == 206
        assert parts_of(reply) == [(f'bytes {first}-{last}/1000', WHOLE[first:last + 1])
                                   for first, last in slices]
        for name in ('ETag', 'Last-Modified', 'Accept-Ranges'):  # RFC 9110 15.3.7
            assert reply.values(name) == whole.values(name)
        connection.goes_on()


def test_one_part_that_is_left_is_no_multipart(server):
    """RFC 9110 15.3.7.2: a range asked for with others that cannot be met is sent by itself."""
    with server.connect() as connection:
        reply = connection.send(get('/thousand.bin', 'Range: bytes=10-19,2000-')).reply()
        assert reply.status == 206 and reply['Content-Range'] == 'bytes 10-19/1000'
        assert reply.body == WHOLE[10:20]


def test_parts_keep_the_media_type_of_the_file(server):
    with server.connect() as connection:
        reply = connection.send(get('/small.txt', 'Range: bytes=0-1,3-5')).reply()
        assert [body for _, body in parts_of(reply, 'text/plain; charset=utf-8')] == [b'It', b'was']


def test_parts_of_a_large_file_across_its_slices(server):
    """A file that is sent from its descriptor: text and slices leave in turn."""
    size = 1048577
    content = pattern(size)
    asked = [(1000000, 1048576), (0, 300000), (300001, 300001), (400000, 900000)]
    value = ','.join(f'{first}-{last}' for first, last in asked)
    with server.connect() as connection:
        connection.send(get('/small.txt') + get(f'/sizes/{size}.bin', f'Range: bytes={value}') +
                        get('/small.txt'))
        assert connection.reply().body == FILES['small.txt']
        assert parts_of(connection.reply()) == [
            (f'bytes {first}-{last}/{size}', content[first:last + 1]) for first, last in asked]
        assert connection.reply().body == FILES['small.txt']


@pytest.mark.parametrize('size', [65536, 262144])
def test_as_many_parts_as_are_allowed(server, size):
    content = pattern(size)
    asked = [(first, first + 99) for first in range(size - 2000, 0, -size // 32)]
    assert len(asked) == 32
    value = ','.join(f'{first}-{last}' for first, last in asked)
    with server.connect() as connection:
        reply = connection.send(get(f'/sizes/{size}.bin', f'Range: bytes={value}')).reply()
        assert parts_of(reply) == [(f'bytes {first}-{last}/{size}', content[first:last + 1])
                                   for first, last in asked]
        more = connection.send(get(f'/sizes/{size}.bin', f'Range: bytes={value},1-1')).reply()
        assert more.status == 200 and more.body == content
        connection.goes_on()


def test_parts_have_another_boundary_every_time(server):
    """Nobody can write a file that holds the boundary with which it will be sent."""
    with server.connect() as connection:
        seen = {boundary_of(connection.send(get('/thousand.bin', 'Range: bytes=0-0,5-5')).reply())
                for _ in range(20)}
    assert len(seen) == 20


@facts('field, status', [
    ('parts_if_range_of_the_tag', '9110 13.1.5', 'If-Range: TAG', 206),
    ('parts_if_range_of_another_tag', '9110 13.1.5', 'If-Range: "other"', 200),
    ('parts_if_range_of_the_date', '9110 13.1.5', f'If-Range: {http_date(OLD)}', 206),
    ('parts_if_range_of_another_date', '9110 13.1.5', f'If-Range: {http_date(OLD + 1)}', 200),
    ('parts_if_none_match_of_the_tag', '9110 13.2.2', 'If-None-Match: TAG', 304),
    ('parts_if_match_of_another_tag', '9110 13.2.2', 'If-Match: "other"', 412),
])
def test_conditions_come_before_parts(server, field, status):
    with server.connect() as connection:
        tag = connection.send(get('/thousand.bin')).reply()['ETag']
        reply = connection.send(get('/thousand.bin', field.replace('TAG', tag),
                                    'Range: bytes=0-9,20-29')).reply()
        assert reply.status == status
        if status == 206:
            assert [body for _, body in parts_of(reply)] == [WHOLE[:10], WHOLE[20:30]]
        connection.goes_on()


def test_head_ignores_several_ranges(server):
    """RFC 9110 14.2."""
    with server.connect() as connection:
        reply = connection.send(head('/thousand.bin', 'Range: bytes=0-9,20-29')).reply('HEAD')
        assert reply.status == 200 and reply['Content-Length'] == '1000'
        connection.goes_on()


ABUSE = [
    ('two_that_overlap', '9110 14.2', 'bytes=0-99,50-149'),
    ('the_whole_and_a_part', '9110 14.2', 'bytes=0-,500-501'),
    ('many_small_ranges', '9110 14.2', 'bytes=' + ','.join(f'{n}-{n}' for n in range(0, 60, 2))),
    ('many_small_ranges_in_reverse', '9110 14.2',
     'bytes=' + ','.join(f'{n}-{n}' for n in range(60, 0, -3))),
    ('thousand_ranges', '9110 14.2', 'bytes=' + ','.join(f'{n}-{n}' for n in range(1000))),
    ('hundred_overlapping_ranges', '9110 14.2', 'bytes=' + ','.join(['0-'] * 100)),
    ('hundred_suffixes', '9110 14.2', 'bytes=' + ','.join(f'-{n}' for n in range(1, 100))),
]


@facts('value', ABUSE)
def test_abuse(server, value):
    """RFC 9110 14.2, 17.15: a small request must not become a much larger reply than the file."""
    with server.connect() as connection:
        reply = connection.send(get('/thousand.bin', f'Range: {value}')).reply()
        assert reply.status in (200, 431)  # the whole file; or the field is longer than any may be
        assert reply.body == WHOLE or reply.status == 431
        connection.goes_on()


def test_range_of_an_empty_file_is_unsatisfiable(server):
    with server.connect() as connection:
        reply = connection.send(get('/empty.txt', 'Range: bytes=0-')).reply()
        assert reply.status == 416 and reply['Content-Range'] == 'bytes */0'


def test_suffix_of_an_empty_file_has_no_slice(server):
    """RFC 9110 14.1.2 calls it satisfiable, yet no Content-Range can say it: whole, or 416."""
    with server.connect() as connection:
        reply = connection.send(get('/empty.txt', 'Range: bytes=-5')).reply()
        assert reply.status in (200, 416)


def test_range_of_what_is_not_there_is_404(server):
    with server.connect() as connection:
        assert connection.send(get('/no-such-file', 'Range: bytes=0-9')).reply().status == 404


def test_range_across_slices_of_a_large_file(server):
    """A reply of several slices in the middle of a file (design: 256 KB each)."""
    size = 1048577
    content = pattern(size)
    with server.connect() as connection:
        for first, last in ((262143, 262144), (1, size - 2), (262144, 786431), (size - 1,
                                                                                size - 1)):
            reply = connection.send(get(f'/sizes/{size}.bin',
                                        f'Range: bytes={first}-{last}')).reply()
            assert reply.status == 206
            assert reply.body == content[first:last + 1]


def test_pipelined_ranges_put_together_are_the_file(server):
    with server.connect() as connection:
        connection.send(b''.join(get('/thousand.bin', f'Range: bytes={at}-{at + 99}')
                                 for at in range(0, 1000, 100)))
        assert b''.join(connection.reply().body for _ in range(10)) == WHOLE


def test_range_of_an_index(server):
    with server.connect() as connection:
        reply = connection.send(get('/', 'Range: bytes=0-8')).reply()
        assert reply.status == 206 and reply.body == b'<!doctype'
