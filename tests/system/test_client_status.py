"""The exit status of each way that a run can end, and what its summary and its JSON say beside it."""

import collections
import json
import os
import pty
import re

import pytest

from support.admin import Metrics
from support.client import check_result, command, stand_still
from support.facts import facts
from support.programs import SANITIZER, TLS, wait_until
from support.server import Process, Server

MANY = 1_000_000  # requests, of which one goes wrong

Ground = collections.namedtuple('Ground', 'server, folder, terminal')

# --- what is asked for ----------------------------------------------------------------------------


def asks(*words):
    """These words and a URL that is answered."""
    return lambda ground: [*words, ground.server.url + '/small.txt']


def asks_nobody(ground):
    return ['-n', 3, '-c', 1, 'http://127.0.0.1:1/']


def asks_a_stranger(ground):
    """The server's certificate is its own work."""
    return ['-n', 3, '-c', 1, ground.server.urls[1] + '/small.txt']


def asks_over_tls(ground):
    """A server that does not speak it there."""
    return ['-n', 3, '-c', 1, ground.server.url.replace('http:', 'https:') + '/small.txt']


def asks_no_such_host(ground):
    """RFC 6761 6.4: a name that nobody has."""
    return ['-n', 3, 'http://no-such-host.invalid/']


def asks_once_for_what_is_not_there(ground):
    urls = ground.folder / 'urls'
    urls.write_text(f'{ground.server.url}/small.txt {MANY - 1}\n{ground.server.url}/no-such-file\n')
    return ['-n', MANY, '-c', 16, '-p', 8, '--urls', urls]


# --- and what is done meanwhile -------------------------------------------------------------------


def requests_to(server):
    return Metrics(server).value('requests_total', method='GET')


def is_left_alone(client, ground, before):
    pass


def stands_still(client, ground, before):
    stand_still(client, 0.25, rest=0.25)


def has_ctrl_c_pressed(client, ground, before):
    assert wait_until(lambda: requests_to(ground.server) >= before + 20)
    os.write(ground.terminal, b'\x03')


# A regular expression that the summary, or stderr where no run was made, must have; a part of the
# JSON, None where no run was made.
ENDS = [
    ('all_good', 'design 2', asks('-n', 150, '-c', 2), is_left_alone, 0,
     r'150 ok, 0 failed', {'errors': {}, 'statuses': {'200': 150}}),
    ('one_404_in_a_million', 'design 2', asks_once_for_what_is_not_there, is_left_alone, 1,
     r'999,999 ok, 1 failed(.|\n)* 1 status\n(.|\n)*statuses +200: 999,999, 404: 1\n',
     {'errors': {'status': 1}, 'statuses': {'200': MANY - 1, '404': 1}}),
    ('connection_refused', 'design 2', asks_nobody, is_left_alone, 1,
     r'0 ok, 3 failed(.|\n)* 3 connect \(Connection refused\)\n',
     {'errors': {'connect': 3}, 'statuses': {}}),
    ('name_not_found', 'design 2', asks_no_such_host, is_left_alone, 1,
     r'client: http://no-such-host\.invalid/: \S', None),
    ('tls_failure', 'design 2', asks_a_stranger, is_left_alone, 1,
     r'0 ok, 3 failed(.|\n)* 3 tls \(.*certificate.*\)\n', {'errors': {'tls': 3}, 'statuses': {}}),
    ('no_tls', 'design 2', asks_over_tls, is_left_alone, 1, r'0 ok, 3 failed(.|\n)* 3 tls \(',
     {'errors': {'tls': 3}, 'statuses': {}}),
    ('threshold_missed', 'design 2', asks('-n', 150, '-c', 2, '--require', 'errors=0,p50<1us'),
     is_left_alone, 3, r'errors=0 holds: 0\n.* p50<1us is missed: ',
     {'errors': {}, 'statuses': {'200': 150}}),
    ('not_trusted', 'design 5', asks('-R', 150, '-c', 2, '-n', 400), stands_still, 4,
     r'(?m)^( +not trusted)? +the generator ', {'errors': {}, 'statuses': {'200': 400}, 'trusted': False}),
    ('ctrl_c', 'design 2', asks('-d', '100s', '-c', 2), has_ctrl_c_pressed, 130,
     r'^interrupted: https?://(.|\n)*requests +[0-9,]+ ok, 0 failed', {'interrupted': True}),
]


@pytest.fixture(scope='module')
def server(model, docroot):
    """It speaks HTTP, and TLS elsewhere."""
    one = Server(model, '--admin', '127.0.0.1:0', docroot=docroot, tls_listen=('127.0.0.1:0',))
    yield one
    one.stop()


@pytest.fixture
def terminal():
    """Both sides: the keys and the program's."""
    sides = pty.openpty()
    yield sides
    for side in sides:
        os.close(side)


def holds(part, whole):
    """Whether the JSON has this part; errors that it does not name are none."""
    errors = {kind: count for kind, count in whole['errors'].items() if count}
    return part == {name: (whole | {'errors': errors})[name] for name in part}


@facts('asked, meddle, status, summary, result', ENDS)
def test_status_and_what_is_said(model, server, tmp_path, terminal, asked, meddle, status, summary,
                                 result):
    if asked == asks_once_for_what_is_not_there and SANITIZER != 'none':
        pytest.skip(f'{SANITIZER} sanitizer: a million requests take too long')
    if TLS and asked in (asks_a_stranger, asks_over_tls):
        pytest.skip('over TLS, the server is no stranger, and speaks nothing else')
    ground = Ground(server, tmp_path, terminal[0])
    before = requests_to(server)
    client = Process(['setsid', '--ctty', *command(model, *asked(ground), '--quiet', '--json',
                                                   tmp_path / 'result')], stdin=terminal[1])
    try:
        meddle(client, ground, before)
        assert client.wait(60) == status, client
        client.no_reports()
        assert re.search(summary, client.stdout or client.stderr), client
        if result is not None:
            whole = json.loads((tmp_path / 'result').read_text())
            check_result(whole)
            assert holds(result, whole), whole
    finally:
        client.kill()
