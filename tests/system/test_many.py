"""More connections to one address than a single process may hold: of several clients, from several
source addresses, to several servers that share the address, in a network of their own.

Every connection is answered when it is made, thinks, and asks again. Nobody thinks for less than a
given time: what was asked for before was a connection's first request. When all connections are open
by then, each of them has its second request to come.

Over TLS there are fewer: their handshakes take two milliseconds of a processor each.
"""

import collections
import json
import time

import pytest

from support import certificates
from support.activation import handed
from support.admin import Metrics
from support.client import check_result
from support.network import Network
from support.programs import PATIENCE, TLS, program, wait_until
from support.room import no_room
from support.server import Process, Server

SERVERS = 3
THINK_S = (10, 30)  # on a machine where the first is not long enough for all to come
MEMORY_MB = 1500    # that 51,000 take, with both ends in one kernel; 15,000 threads take as much

Kind = collections.namedtuple('Kind', 'model, clients, connections, addresses')
KINDS = {
    '1500_connections_of_three_clients': Kind('async', 3, 500, 2),
    '500_threads_of_one_client': Kind('sync', 1, 500, 2),
} if TLS else {
    '51000_connections_of_three_clients': Kind('async', 3, 17_000, 2),
    '15000_threads_of_one_client': Kind('sync', 1, 15_000, 2),
}


class FarEnd:
    """Servers that share a socket."""

    def __init__(self, network, docroot, folder):
        self.logs = [folder / f'log-{number}' for number in range(SERVERS)]
        self.servers = [
            Server('async', '--admin', '127.0.0.1:0', '--access-log', log, '--log-format', 'json',
                   docroot=docroot, greet=False,
                   **handed('async', [network.listener], folder, names='https' if TLS else 'web'))
            for log in self.logs]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()

    def sum(self, name, **labels):
        return sum(Metrics(server).value(name, **labels) for server in self.servers)

    def answered(self):
        return self.sum('requests_total', method='GET')

    def requests_of_connections(self):
        """How many requests each connection made, once the servers have stopped."""
        made = collections.Counter()
        for number, log in enumerate(self.logs):
            for line in log.read_text().splitlines():
                entry = json.loads(line)
                assert entry['status'] == 200 and entry['complete']
                made[number, entry['connection']] += 1
        return made


class Crowd:
    """Clients at work."""

    def __init__(self, network, folder, kind, think_s):
        self.count, self.think_s = kind.clients * kind.connections, think_s
        self.results = [folder / f'result-{number}' for number in range(kind.clients)]
        url = network.url.replace('http:', 'https:') if TLS else network.url
        trusts = ['--cacert', certificates.of_this_run().ca] if TLS else []
        self.began = time.monotonic()
        self.clients = [Process([
            *network.prefix, program('client', kind.model), *trusts, '-c', kind.connections,
            '-n', 2 * kind.connections, '--think', f'{think_s}s', '--source', ','.join(
                f'127.0.{number + 1}.{address + 1}' for address in range(kind.addresses)),
            '--quiet', '--json', result, url + '/small.txt'])
            for number, result in enumerate(self.results)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.kill()

    def come(self, far_end):
        """Waits until every connection was made and answered once, or it is too late for that."""
        def decided():
            ended = any(client.status is not None for client in self.clients)
            return ended or far_end.answered() >= self.count
        wait_until(decided, self.think_s / PATIENCE, step=0.1)

    def thinks(self):
        """Whether no connection can have asked again yet: what was looked at before was so."""
        return time.monotonic() - self.began < self.think_s

    def finish(self):
        """What they say in the end, when all went well."""
        for client in self.clients:
            assert client.wait(self.think_s + 20) == 0, client
        return [json.loads(result.read_text()) for result in self.results]


def check(result, kind):
    """No connection was lost and made again, and every one was answered twice."""
    check_result(result)
    assert result['requests'] == {'sent': 2 * kind.connections, 'ok': 2 * kind.connections,
                                  'failed': 0}
    assert result['statuses'] == {'200': 2 * kind.connections}
    assert result['connect_us']['count'] == result['plan']['connections'] == kind.connections


def play(network, docroot, folder, kind, think_s):
    """False when connections took longer to come than they think."""
    count = kind.clients * kind.connections
    with FarEnd(network, docroot, folder) as far_end:
        with Crowd(network, folder, kind, think_s) as crowd:
            crowd.come(far_end)
            answered, open_now = far_end.answered(), far_end.sum('connections_open')
            sockets = network.sockets()
            if answered != count or not crowd.thinks():
                return False
            assert open_now == count
            assert sockets >= 2 * count
            for result in crowd.finish():
                check(result, kind)
        wait_until(lambda: far_end.answered() >= 2 * count)  # a reply is counted when it has left
        assert far_end.answered() == 2 * count
        assert far_end.sum('connections_accepted_total') == count
    made = far_end.requests_of_connections()
    assert len(made) == count and set(made.values()) == {2}
    return True


@pytest.mark.parametrize('kind', KINDS.values(), ids=KINDS.keys())
def test_held_and_then_answered(docroot, tmp_path, kind):
    why_not = no_room(kind.clients * kind.connections // SERVERS, megabytes=MEMORY_MB,
                      threads=kind.connections if kind.model == 'sync' else 0)
    if why_not:
        pytest.skip(why_not)
    with Network() as network:
        for think_s in THINK_S:
            folder = tmp_path / str(think_s)
            folder.mkdir()
            if play(network, docroot, folder, kind, think_s):
                return
    pytest.fail(f'not all connections had come within {THINK_S[-1]} s')
