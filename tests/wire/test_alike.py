"""The two servers differ in how they wait and in nothing else: to every raw request of this suite
they reply with the same bytes."""

import re
import socket

import pytest

import test_conditions
import test_connections
import test_fields
import test_methods
import test_paths
import test_refused
from support.docroot import OLD
from support.facts import REQUESTS
from support.http import get, head, http_date, request
from support.programs import MODELS
from support.server import Server

MODULES = test_conditions, test_connections, test_fields, test_methods, test_paths, test_refused
DATE = re.compile(rb'\r\nDate: [^\r]*')
BOUNDARY = re.compile(rb'boundary=([0-9a-f]{32})')  # drawn by lot

MORE = {
    'all_together': b''.join((
        get('/small.txt'), head('/sizes/262145.bin'), get('/no-such-file'), get('/sub?x'),
        request('OPTIONS', '*'), request('POST', '/small.txt', 'Content-Length: 5', body=b'hello'),
        get('/thousand.bin', 'Range: bytes=-7'), get('/', 'Accept-Encoding: gzip, br'),
        get('/thousand.bin', f'If-Modified-Since: {http_date(OLD)}'),
        get('/sizes/524288.bin'), get('/ch%C3%A2teau'), get('/%zz'),
        get('/small.txt', version='1.0'))),
    'codings': b''.join(
        get(target, f'Accept-Encoding: {accepts}')
        for target in ('/packed.txt', '/sub/half.html', '/small.txt', '/none')
        for accepts in ('gzip', 'br;q=0.5, zstd', 'identity;q=0', '*;q=0', '')),
    'listings': b''.join((
        get('/bare/'), head('/bare/'), get('/deep/'), get('/deep/er/?x'), get('/sizes/'),
        get('/none/'), get('/small.txt/'), get('/link-out-folder/'))),
    'ranges': b''.join((
        get('/thousand.bin', 'Range: bytes=0-9,-7'), get('/thousand.bin', 'Range: bytes=1-,5-6'),
        get('/sizes/1048577.bin', 'Range: bytes=7-300000,0-0,400000-400100'), get('/small.txt'))),
    **{f'target_of_{fact}': get(target) for rows in (
        test_paths.NAMES, test_paths.NOTHING, test_paths.ESCAPES, test_paths.REDIRECTS)
       for fact, _, target, *_ in rows},
}


@pytest.fixture(scope='module')
def pair(docroot):
    servers = [Server(model, docroot=docroot) for model in MODELS]
    yield servers
    for server in servers:
        if server.status is None:
            server.stop()


def conversation(server, data):
    """All that a server says to these bytes and then the end of the input."""
    with server.connect() as connection:
        connection.send(data)
        connection.socket.shutdown(socket.SHUT_WR)
        said = DATE.sub(b'\r\nDate: now', connection.rest())
    for number, boundary in enumerate(BOUNDARY.findall(said)):
        said = said.replace(boundary, b'boundary %d' % number)
    return said


@pytest.mark.parametrize('data', [pytest.param(data, id=fact) for fact, data in {**REQUESTS,
                                                                                 **MORE}.items()])
def test_both_say_the_same(pair, data):
    said = [conversation(server, data) for server in pair]
    assert said[0] == said[1]


# One request each; Range is for GET alone (RFC 9110 14.2).
ASKED = {fact: data for fact, data in REQUESTS.items()
         if data.startswith(b'GET ') and data.count(b' HTTP/') == 1 and b'\r\nRange:' not in data}


@pytest.mark.parametrize('data', [pytest.param(data, id=fact) for fact, data in ASKED.items()])
def test_head_says_what_get_says(pair, data):
    """RFC 9110 9.3.2: the same status and fields, whatever was asked for and however wrongly."""
    for server in pair:
        said = [conversation(server, method + data[3:]).partition(b'\r\n\r\n')[0]
                for method in (b'GET', b'HEAD')]
        assert said[0] == said[1]
