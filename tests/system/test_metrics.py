"""/metrics and /healthz: exact counts, in a form that their official parser reads, whoever else
talks to the listener."""

import re
import signal
import time

from support.admin import Metrics, admin_connect, admin_get, comes_to
from support.docroot import pattern
from support.http import get, head, request
from support.programs import PATIENCE, wait_until

ADMIN = ('--admin', '127.0.0.1:0')


def test_every_family_has_help_type_and_samples(own):
    metrics = Metrics(own(*ADMIN))
    assert len(metrics.families) > 15
    for family in metrics.families:
        assert family.documentation and family.type in ('counter', 'gauge', 'histogram'), family
        assert family.type != 'counter' or all(s.name.endswith('_total') for s in family.samples)
    names = {family.name for family in metrics.families}
    for name in re.findall(r'^# TYPE (\S+)', metrics.text, re.MULTILINE):
        assert name in names or name.removesuffix('_total') in names
    assert metrics.text.endswith('\n')


def test_counts_are_those_of_what_was_done(own):
    server = own(*ADMIN)
    comes_to(server, 0, 'connections_open')  # an end is counted after the client has seen it
    before = Metrics(server)
    sent = received = 0

    def ask(connection, what, to='GET'):
        nonlocal sent
        connection.send(what)
        sent += len(what)
        return connection.reply(to).status
    connection = server.connect()
    for _ in range(5):
        assert ask(connection, get('/small.txt')) == 200
    assert ask(connection, get('/sizes/1048577.bin')) == 200
    assert ask(connection, head('/small.txt'), 'HEAD') == 200
    assert ask(connection, get('/none')) == 404
    assert ask(connection, get('/small.txt', 'Range: bytes=0-0')) == 206
    assert ask(connection, request('DELETE', '/small.txt')) == 405
    assert ask(connection, request('BREW', '/small.txt')) == 501
    received += connection.received
    connection.close()
    connection = server.connect()
    assert ask(connection, b'no request\r\n\r\n') == 400
    connection.ended()
    received += connection.received
    connection.close()
    open_one = server.connect()
    open_one.goes_on()
    sent += len(get('/small.txt'))
    received += open_one.received

    comes_to(server, 1, 'connections_open')
    comes_to(server, 9, 'requests_total', method='GET')  # the last thing that is counted of a reply
    after = Metrics(server)

    def more(name, **labels):
        return after.value(name, **labels) - before.value(name, **labels)
    assert more('connections_accepted_total') == 3
    assert more('connections_turned_away_total') == 0
    assert more('received_bytes_total') == sent
    assert more('sent_bytes_total') == received
    by_status = {'200': 8, '404': 1, '206': 1, '405': 1, '501': 1, '400': 1}
    for status, count in by_status.items():
        assert more('responses_total', status=status) == count, status
    by_class = {'1xx': 0, '2xx': 9, '3xx': 0, '4xx': 3, '5xx': 1}
    for name, count in by_class.items():
        assert more('responses_class_total', **{'class': name}) == count, name
    by_method = {'GET': 9, 'HEAD': 1, 'DELETE': 1, 'other': 1, 'POST': 0}
    for method, count in by_method.items():
        assert more('requests_total', method=method) == count, method
    assert more('errors_total', kind='request') == 1
    assert more('request_duration_seconds_count') == 13
    assert more('request_duration_seconds_bucket', le='+Inf') == 13
    assert 0 < more('request_duration_seconds_sum') < 60 * PATIENCE
    assert more('cache_hits_total') + more('cache_misses_total') == 10
    assert more('cache_misses_total') >= 3
    assert after.value('log_lines_total') == 0


def test_buckets_grow_and_hold_the_time_that_was_taken(own):
    server = own(*ADMIN, '--delay', '0.3s')
    with server.connect() as connection:
        connection.goes_on()
    comes_to(server, 1, 'request_duration_seconds_count')
    metrics = Metrics(server)
    buckets = [(float(dict(labels)['le']), value) for (name, labels), value in
               metrics.samples.items() if name.endswith('_bucket')]
    assert [bound for bound, _ in buckets] == sorted(bound for bound, _ in buckets)
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    assert all(value == 0 for bound, value in buckets if bound < 0.3)
    assert buckets[-1] == (float('inf'), 1)


def test_server_says_what_it_is_and_since_when(own, model):
    server = own(*ADMIN)
    metrics = Metrics(server)
    version = re.search(r'version="([^"]*)"', metrics.text)[1]
    assert metrics.value('build_info', model=model, version=version) == 1
    started = metrics.samples['process_start_time_seconds', ()]
    assert time.time() - 600 < started <= time.time()


def test_log_lines_are_counted(own, tmp_path):
    server = own(*ADMIN, '--access-log', str(tmp_path / 'log'))
    with server.connect() as connection:
        for _ in range(10):
            connection.goes_on()
    comes_to(server, 10, 'log_lines_total')
    assert Metrics(server).value('log_dropped_total') == 0


def test_health_is_ok_until_a_drain(own):
    server = own(*ADMIN, '--drain-timeout', '60s')
    reply = admin_get(server, '/healthz')
    assert (reply.status, reply.body) == (200, b'ok\n')
    busy = server.connect(receive_buffer=4096).send(get('/sizes/1048577.bin') * 20)
    busy.head()
    busy.take(1048577)
    server.signal(signal.SIGTERM)
    assert wait_until(lambda: admin_get(server, '/healthz').status == 503)
    assert Metrics(server).value('draining') == 1
    busy.hurry()
    busy.close()
    server.stopped(70)


def test_admin_serves_nothing_else_and_is_no_listener(own):
    server = own(*ADMIN)
    assert len(server.addresses) == 1
    assert admin_get(server, '/small.txt').status == 404
    assert admin_get(server, '/metrics?x=1').status == 200
    with server.connect() as connection:
        assert connection.send(get('/metrics')).reply().status == 404


def test_admin_speaks_http(own):
    server = own(*ADMIN)
    rows = [(head('/healthz'), 'HEAD', 200), (request('POST', '/metrics'), 'POST', 405),
            (request('BREW', '/metrics'), 'GET', 501), (b'no request\r\n\r\n', 'GET', 400),
            (get('/healthz', 'X: ' + 'x' * 9000), 'GET', 431), (get('/' + 'x' * 2000), 'GET', 414),
            (get('/healthz', version='2.0'), 'GET', 505)]
    for what, to, status in rows:
        with admin_connect(server) as connection:
            reply = connection.send(what).reply(to)
            assert reply.status == status and reply.closes
            connection.ended()
    with admin_connect(server) as connection:
        assert connection.send_byte_by_byte(get('/healthz')).reply().body == b'ok\n'


def test_admin_clients_who_do_nothing_do_not_keep_others_out(own):
    """Nor those who read nothing, or reset."""
    server = own(*ADMIN)
    silent = [admin_connect(server) for _ in range(100)]
    for number, connection in enumerate(silent):
        if number % 3 == 1:
            connection.send(b'GET /met')
        elif number % 3 == 2:
            connection.send(get('/metrics'))
    for connection in silent[::7]:
        connection.cut()
    reply = admin_connect(server, timeout=60).send(get('/healthz')).reply()
    assert reply.status == 200
    with server.connect() as connection:
        connection.goes_on()


def test_admin_on_a_unix_socket(own, tmp_path):
    server = own('--admin', f'unix:{tmp_path}/admin')
    assert f'admin on unix:{tmp_path}/admin\n' in server.stdout
    assert (tmp_path / 'admin').is_socket()
    server.stop()
    assert not (tmp_path / 'admin').exists()


def test_admin_stays_when_the_server_is_replaced(own):
    """The successor inherits the listener, and is the one that answers."""
    server = own(*ADMIN, '--drain-timeout', '60s')
    with server.connect() as connection:
        connection.goes_on()
    started = Metrics(server).samples['process_start_time_seconds', ()]
    time.sleep(1.1)
    server.replace()
    assert Metrics(server).samples['process_start_time_seconds', ()] > started
    for _ in range(20):
        assert admin_get(server, '/healthz').status == 200


def test_files_are_what_they_were(own):
    """To be counted changes nothing."""
    server = own(*ADMIN)
    with server.connect() as connection:
        assert connection.send(get('/sizes/1048577.bin')).reply().body == pattern(1048577)
