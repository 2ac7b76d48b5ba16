"""Both clients with the web servers of others: what these do in ways of their own is no error, and what
they answer is what somebody else's client reads of them."""

import concurrent.futures
import json
import re
import time

import pytest

from support import peers
from support.client import measure, start
from support.facts import facts
from support.programs import SANITIZER

GZIP = 'Accept-Encoding: gzip'
PIPELINES = [1, 8] if SANITIZER == 'none' else [8]


def fields_of(headers):
    return dict(re.split(': ', header, maxsplit=1) for header in headers)


def options_of(headers):
    return [word for header in headers for word in ('-H', header)]


REPLIES = [
    ('small_file', '9110 9.3.1', 'GET', '/small.txt', []),
    ('empty_file', '9110 9.3.1', 'GET', '/empty.txt', []),
    ('long_file', '9110 9.3.1', 'GET', '/long.txt', []),
    ('head', '9110 9.3.2', 'HEAD', '/long.txt', []),
    ('head_of_what_is_packed', '9110 9.3.2', 'HEAD', '/long.txt', [GZIP]),
    ('packed', '9110 12.5.3', 'GET', '/long.txt', [GZIP]),
    ('range', '9110 14.2', 'GET', '/long.txt', ['Range: bytes=100-199']),
    ('ranges', '9110 14.6', 'GET', '/long.txt', ['Range: bytes=0-9,20-29']),
    ('range_that_is_not_there', '9110 15.5.17', 'GET', '/long.txt', ['Range: bytes=9999999-']),
    ('folder', '9110 15.4', 'GET', '/folder', []),
    ('index_of_a_folder', '9110 9.3.1', 'GET', '/folder/', []),
    ('nothing', '9110 15.5.5', 'GET', '/nothing', []),
    ('options', '9110 9.3.7', 'OPTIONS', '/small.txt', []),
    ('delete', '9110 9.3.5', 'DELETE', '/nothing', []),
    ('unknown_method', '9110 9.1', 'BREW', '/small.txt', []),
]


@facts('method, path, headers', REPLIES)
@pytest.mark.parametrize('pipeline', PIPELINES)
def test_reply_is_what_another_client_reads(model, peer, method, path, headers, pipeline):
    status, fields, body = peer.ask(method, path, fields_of(headers))
    verify = 'length' if 'multipart/' in fields.get('Content-Type', '') else 'bytes'  # boundaries vary
    result = measure(model, '-n', 48, '-c', 3, '-p', pipeline, '-X', method, *options_of(headers),
                     '--verify', verify, '-T', '60s', peer.url + path)
    assert result['statuses'] == {str(status): 48}
    assert result['bytes']['body'] == 48 * len(body)
    assert result['errors']['status'] == result['requests']['failed'] == 48 * (status >= 400)


def test_file_that_was_not_modified(model, peer):
    """9110 15.4.5."""
    tag = peer.ask('HEAD', '/long.txt')[1]['ETag']
    result = measure(model, '-n', 48, '-c', 3, '-H', f'If-None-Match: {tag}', '-T', '60s',
                     peer.url + '/long.txt')
    assert result['statuses'] == {'304': 48} and result['requests']['ok'] == 48
    assert result['connect_us']['count'] == 3  # of which none was to be given up


def test_reply_made_on_the_fly_is_chunked(model, peer):
    """9112 7.1: by gzip, or by a program. What the client made of its chunks is what they held."""
    path, headers = ('/script.sh', []) if peer.name == 'lighttpd' else ('/long.txt', [GZIP])
    _, fields, body = peer.ask('GET', path, fields_of(headers))
    assert fields['Transfer-Encoding'] == 'chunked'
    result = measure(model, '-n', 24, '-c', 3, *options_of(headers), '--verify', 'bytes',
                     '-T', '60s', peer.url + path)
    assert result['requests']['ok'] == 24 and result['bytes']['body'] == 24 * len(body)
    assert result['bytes']['received'] > result['bytes']['body']
    assert result['connect_us']['count'] == 3


@pytest.mark.parametrize('pipeline', [1, 8])
def test_novel_by_bytes(model, peer, pipeline):
    size = len(peer.ask('GET', '/novel.txt')[2])
    result = measure(model, '-n', 16, '-c', 4, '-p', pipeline, '--verify', 'bytes', '-T', '60s',
                     peer.url + '/novel.txt')
    assert result['requests']['ok'] == 16 and result['bytes']['body'] == 16 * size


@pytest.mark.parametrize('size', [0, 10, 1_000_000])
def test_post_to_a_file(model, peer, size, tmp_path):
    """9110 9.3.3: whether it is refused or taken for a GET, before or after the body is read. Another
    client may be cut off over TLS, where lighttpd does not wait until it has read what it was told."""
    (tmp_path / 'body').write_bytes(bytes(size))
    status, _, body = peer.ask('POST', '/small.txt', {}, bytes(size), peer.url_of('plain'))
    result = measure(model, '-n', 12, '-c', 3, '-X', 'POST', '--body', tmp_path / 'body', '-T', '60s',
                     peer.url + '/small.txt')
    assert result['statuses'] == {str(status): 12}
    assert result['bytes']['body'] == 12 * len(body)


# --- Connections ------------------------------------------------------------------------------------

# h2o has no such limit.
@pytest.mark.parametrize('peer', [name for name in peers.NAMES if name != 'h2o'], indirect=True)
@pytest.mark.parametrize('method', ['GET', 'POST'])
@pytest.mark.parametrize('pipeline', [1, 8])
def test_limit_of_requests_on_a_connection_is_no_error(model, peer, method, pipeline):
    """9112 9.6: it is announced, so that also a POST behind the last one may be sent again."""
    status = peer.ask(method, '/small.txt', {}, b'' if method == 'POST' else None)[0]
    result = measure(model, '-n', 200, '-c', 4, '-p', pipeline, '-X', method, '-T', '60s',
                     peer.short_url + '/small.txt')
    assert result['statuses'] == {str(status): 200}
    assert result['errors']['status'] == result['requests']['failed']
    # one or another counts a request more or less
    assert 200 / (peers.LIMIT + 1) <= result['connect_us']['count'] <= 200 / (peers.LIMIT - 2)


@pytest.fixture(scope='module')
def all_at_once(started):
    """Does something with every peer, all at the same time: for what takes long because it waits."""
    names = [name for name in peers.NAMES if peers.program(name)]

    def give(work):
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            return list(zip(names, pool.map(work, [started(name) for name in names])))
    return give


# The moments at which they close a connection that has been idle for a second; lighttpd looks once a
# second which have been for longer, and h2o has two, since no new connection has more for its request.
THINK = {'lighttpd': '1500ms-2200ms', 'h2o': '1900ms-2200ms'}


def test_connections_closed_for_being_idle_are_no_error(model, all_at_once):
    """9112 9.5: at about the moment when the next request leaves, before it or behind it."""
    def work(peer):
        idle = peers.Peer('h2o', idle=2) if peer.name == 'h2o' else peer
        try:
            return measure(model, '-n', 60, '-c', 20, '--think', THINK.get(peer.name, '900ms-1200ms'),
                           '-T', '60s', idle.brief_url + '/small.txt')
        finally:
            if idle is not peer:
                idle.end()
    for name, result in all_at_once(work):
        assert result['requests'] == {'sent': 60, 'ok': 60, 'failed': 0}, (name, result)
        assert result['connect_us']['count'] > 20, name


def test_peer_that_begins_anew_loses_no_request(model, all_at_once):
    """9112 9.3.1: its old processes close what lies idle, and end what was asked before. When they
    do is theirs to say: where nothing was closed in a short run, a longer one is made."""
    def work(peer):
        result = run_through_reloads(peer, '3s')
        return result if result['connect_us']['count'] > 8 else run_through_reloads(peer, '15s')

    def run_through_reloads(peer, duration):
        client = start(model, '-R', 300, '-c', 8, '-d', duration, '--json', '-', '--quiet',
                       '-T', '60s', peer.url + '/small.txt')
        for _ in range(2):
            time.sleep(0.5)
            peer.reload()
        status = client.wait(30)
        result = json.loads(client.stdout)
        client.no_reports()
        client.kill()
        assert status in (0, 4), f'{client}{peer}'  # a busy machine may make it doubtful
        assert peer.status is None
        return result
    for name, result in all_at_once(work):
        assert result['requests']['failed'] == 0 < result['requests']['ok'], (name, result)
        assert result['connect_us']['count'] > 8, name
