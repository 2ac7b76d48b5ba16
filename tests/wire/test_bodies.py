"""What is sent is the file: sizes around every buffer, slow readers, files that change."""

import os
import time

import pytest

from support.docroot import OLD, SIZES, pattern, put, replace
from support.http import CUT, Ended, get

LARGE = 12 << 20  # more than all buffers between a server and a reader that waits


@pytest.mark.parametrize('size', SIZES)
def test_every_byte_is_sent(server, size):
    with server.connect() as connection:
        for _ in range(2):  # cold, then from what is kept
            reply = connection.send(get(f'/sizes/{size}.bin')).reply()
            assert reply.status == 200 and reply['Content-Length'] == str(size)
            assert reply.body == pattern(size)
        connection.goes_on()


@pytest.mark.parametrize('size', (0, 1, 65536, 262145))
def test_every_byte_is_sent_to_a_1_0_client(server, size):
    with server.connect() as connection:
        reply = connection.send(get(f'/sizes/{size}.bin', version='1.0')).reply()
        assert reply.body == pattern(size)
        assert not reply.has('Transfer-Encoding')  # RFC 9112 6.1
        connection.ended()


def test_every_byte_is_sent_to_a_slow_reader(server):
    """The head's own slice, partial sends, and readiness again and again."""
    size = 1048577
    with server.connect(receive_buffer=2048) as connection:
        connection.send(get(f'/sizes/{size}.bin'))
        reply = connection.head()
        while len(connection.buffer) < size:
            assert connection.receive(7000)
            if connection.received % 97 == 0:
                time.sleep(0.001)
        assert connection.buffer == pattern(size)
        assert reply['Content-Length'] == str(size)


def test_many_readers_of_one_file(server):
    size = 524288
    connections = [server.connect(receive_buffer=4096).send(get(f'/sizes/{size}.bin'))
                   for _ in range(50)]
    for connection in connections:
        assert connection.reply().body == pattern(size)


def test_hole_in_a_file_is_zeros(own, scratch):
    with open(scratch / 'holes.bin', 'wb') as file:
        file.seek(300_000)
        file.write(b'end')
    server = own(docroot=scratch)
    with server.connect() as connection:
        assert connection.send(get('/holes.bin')).reply().body == bytes(300_000) + b'end'


@pytest.fixture
def slow(own, scratch):
    """A server, a file of 12 MB that it has begun to send, and the reader who has read little."""
    path = scratch / 'large.bin'
    with open(path, 'wb') as file:
        file.write(b'A' * 1000)
        file.truncate(LARGE)
    os.utime(path, (OLD, OLD))
    put(scratch / 'small.txt', b'here\n')
    server = own('--revalidate', '0', docroot=scratch)
    connection = server.connect(receive_buffer=4096)
    connection.send(get('/large.bin'))
    assert connection.head()['Content-Length'] == str(LARGE)
    while len(connection.buffer) < 1000:
        assert connection.receive(1000)
    return server, path, connection


def test_replaced_file_is_sent_whole_as_it_was(slow):
    server, path, connection = slow
    replace(path, b'another\n')
    with server.connect() as other:
        assert other.send(get('/large.bin')).reply().body == b'another\n'
    body = connection.hurry().take(LARGE)
    assert body[:1000] == b'A' * 1000 and not body[1000:].strip(b'\0')
    connection.goes_on()


def test_removed_file_is_sent_whole_as_it_was(slow):
    server, path, connection = slow
    path.unlink()
    with server.connect() as other:
        assert other.send(get('/large.bin')).reply().status == 404
    assert connection.hurry().take(LARGE)[:1000] == b'A' * 1000
    connection.goes_on()


def cut_short(server, connection):
    """Asserts that the reply ends before its length, and that the server lives."""
    connection.hurry().until_cut()
    assert len(connection.buffer) < LARGE
    with server.connect() as other:
        other.goes_on()


def test_truncated_file_cuts_its_connection(slow):
    server, path, connection = slow
    os.truncate(path, 5000)
    cut_short(server, connection)


def test_emptied_file_cuts_its_connection(slow):
    server, path, connection = slow
    os.truncate(path, 0)
    cut_short(server, connection)


def test_file_rewritten_in_place_cuts_its_connection(slow):
    """Old and new bytes never come in one reply without a sign (design.md 3)."""
    server, path, connection = slow
    with open(path, 'r+b') as file:
        file.seek(LARGE - 1000)
        file.write(b'B' * 1000)
    cut_short(server, connection)


def test_grown_file_is_never_sent_longer_than_said(slow):
    server, path, connection = slow
    with open(path, 'ab') as file:
        file.write(b'more' * 1000)
    try:
        connection.hurry().take(LARGE)
        connection.goes_on('/small.txt')
    except (Ended, *CUT):  # it was seen as rewritten, and cut
        pass
    with server.connect() as other:
        other.goes_on()


def test_small_file_truncated_between_requests_is_never_a_wrong_length(own, scratch):
    """Trusted for a second, it may be sent as it was, or its connection is cut."""
    path = scratch / 'file.txt'
    put(path, pattern(5000))
    put(scratch / 'small.txt', b'here\n')
    server = own(docroot=scratch)
    with server.connect() as connection:
        connection.send(get('/file.txt')).reply()
        os.truncate(path, 10)
        try:
            body = connection.send(get('/file.txt')).reply().body
            assert body in (pattern(5000), pattern(5000)[:10])
        except (Ended, *CUT):
            pass
    with server.connect() as other:
        other.goes_on()


def test_file_that_changes_all_the_time_is_never_mixed(own, scratch):
    """Replaced over and over while it is asked for: every reply is one version, with its own
    length and tag."""
    path = scratch / 'file.txt'
    versions = {size: bytes([65 + size % 26]) * size for size in (100, 5000, 70_000, 300_000)}
    put(path, versions[100])
    server = own('--revalidate', '0', docroot=scratch)
    tags = {}
    with server.connect() as connection:
        for turn in range(200):
            size = list(versions)[turn % 4]
            replace(path, versions[size])
            reply = connection.send(get('/file.txt')).reply()
            assert reply.body == versions[size]
            assert tags.setdefault(reply['ETag'], len(reply.body)) == len(reply.body)
