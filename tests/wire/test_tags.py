"""Entity tags (RFC 9110 8.8.3): another for other content, the same for the same."""

import os
import time

import pytest

from support.docroot import OLD, pattern, put
from support.http import get, head, http_date
from support.programs import wait_until

# In memory, sent from a descriptor, and as large as what is still read for its tag.
DIGESTED = [1, 1000, 65536, 65537, 300000, 4 << 20]
BEYOND = (4 << 20) + 1
FUTURE = 4_000_000_000


def rewrite(path, content, date=OLD):
    """Writes a file in place and sets its time back, so that neither size nor date tell of it."""
    with open(path, 'r+b') as file:
        file.write(content)
    os.utime(path, (date, date))


@pytest.mark.parametrize('size', DIGESTED)
def test_content_changed_in_place_within_one_tick_has_another_tag(own, scratch, size):
    server = own('--revalidate', '0', docroot=scratch)
    put(scratch / 'file.bin', bytes(size))
    seen = {}
    with server.connect() as connection:
        for seed in range(12):
            content = pattern(size, seed)
            rewrite(scratch / 'file.bin', content)
            reply = connection.send(get('/file.bin')).reply()
            assert reply.body == content
            assert reply['ETag'].startswith('"')  # strong
            assert reply['Last-Modified'] == http_date(OLD)
            assert reply['ETag'] not in seen
            for tag in seen:
                changed = connection.send(head('/file.bin', f'If-None-Match: {tag}')).reply('HEAD')
                assert changed.status == 200
            same = connection.send(get('/file.bin', f'If-None-Match: {reply["ETag"]}')).reply()
            assert same.status == 304
            seen[reply['ETag']] = seed


@pytest.mark.parametrize('size', DIGESTED)
def test_tag_is_of_the_file_alone(own, scratch, size):
    """Neither does it hang on which core or loop opened the file, nor on when."""
    put(scratch / 'file.bin', pattern(size))
    os.utime(scratch / 'file.bin', (OLD, OLD))
    tags = set()
    for _ in range(2):
        server = own(docroot=scratch)
        for _ in range(8):
            with server.connect() as connection:
                tags.add(connection.send(head('/file.bin')).reply('HEAD')['ETag'])
    assert len(tags) == 1


def test_large_file_whose_date_proves_nothing_has_a_weak_tag(own, scratch):
    """RFC 9110 8.8.1: it might change again and keep its date; a clock that runs ahead makes it so
    for as long as it does."""
    server = own('--revalidate', '0', docroot=scratch)
    put(scratch / 'large.bin', bytes(BEYOND))
    os.utime(scratch / 'large.bin', (FUTURE, FUTURE))
    with server.connect() as connection:
        tag = connection.send(head('/large.bin')).reply('HEAD')['ETag']
        assert tag.startswith('W/"')
        for field, status in ((f'If-None-Match: {tag}', 304), (f'If-None-Match: {tag[2:]}', 304),
                              (f'If-Match: {tag}', 412), (f'If-Match: {tag[2:]}', 412),
                              ('If-Match: *', 200)):
            reply = connection.send(head('/large.bin', field)).reply('HEAD')
            assert reply.status == status, field
        for value in (tag, tag[2:]):  # RFC 9110 13.1.5: If-Range compares strongly
            reply = connection.send(get('/large.bin', f'If-Range: {value}',
                                        'Range: bytes=0-9')).reply()
            assert reply.status == 200 and len(reply.body) == BEYOND
        assert connection.send(get('/large.bin', 'Range: bytes=0-9')).reply().status == 206


def test_large_file_changed_long_ago_has_a_strong_tag(own, scratch):
    server = own('--revalidate', '0', docroot=scratch)
    put(scratch / 'large.bin', bytes(BEYOND))
    tags = []
    with server.connect() as connection:
        def strong():
            tag = connection.send(head('/large.bin')).reply('HEAD')['ETag']
            return tag if tag.startswith('"') else None
        for content in (b'a', b'b'):
            rewrite(scratch / 'large.bin', content)
            tags.append(wait_until(strong))
            reply = connection.send(get('/large.bin', f'If-Range: {tags[-1]}',
                                        'Range: bytes=0-0')).reply()
            assert reply.status == 206 and reply.body == content
    assert tags[0] and tags[1] and tags[0] != tags[1]


def test_tag_is_trusted_for_as_long_as_it_was_asked_to_be(own, scratch):
    """design 2, --revalidate: a request begun more than that long after a change sees it."""
    server = own('--revalidate', '200ms', docroot=scratch)
    put(scratch / 'file.bin', b'first ')
    with server.connect() as connection:
        before = connection.send(get('/file.bin')).reply()
        assert before.body == b'first '
        rewrite(scratch / 'file.bin', b'second')
        time.sleep(0.25)
        after = connection.send(get('/file.bin')).reply()
        assert after.body == b'second' and after['ETag'] != before['ETag']
