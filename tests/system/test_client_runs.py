"""How the clients are told what to do, and what they say of it."""

import collections
import json
import os
import pty
import re
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

from support.client import Held, Wrong, check_result, command, measure, run, sends, start, whole
from support.facts import facts
from support.programs import PATIENCE, SISTER, environment, raise_descriptor_limit, wait_until

COUNTS = [
    ('one_request', 'design 2', 1, 1),
    ('fewer_requests_than_connections', 'design 2', 3, 10),
    ('as_many_requests_as_connections', 'design 2', 10, 10),
    ('requests_that_connections_do_not_divide', 'design 2', 101, 7),
    ('many_requests_on_one_connection', 'design 2', 500, 1),
    ('many_requests_on_many_connections', 'design 2', 1000, 50),
]


@facts('requests, connections', COUNTS)
def test_exactly_so_many_requests_arrive(model, requests, connections):
    with Wrong(whole()) as server:
        result = measure(model, '-n', requests, '-c', connections, server.url + '/')
        assert result['requests'] == {'sent': requests, 'ok': requests, 'failed': 0}
        assert len(server.heads) == requests
        assert server.connections <= min(requests, connections)
        assert result['connect_us']['count'] == server.connections
        assert result['bytes']['body'] == 5 * requests
        assert result['bytes']['received'] == len(whole()) * requests


def test_close_makes_a_connection_for_every_request(model):
    with Wrong(whole()) as server:
        result = measure(model, '-n', 40, '-c', 4, '--close', server.url + '/')
        assert result['requests']['ok'] == 40
        assert len(server.heads) == server.connections == result['connect_us']['count'] == 40
        assert all(re.search(rb'(?i)\r\nconnection: close', head) for head in server.heads)


def test_request_is_well_formed(model):
    """RFC 9112 3: one Host, the target as it was given, no body."""
    with Wrong(whole()) as server:
        measure(model, '-n', 3, '-c', 1, server.url + '/a/b%20c?d=e#f')
        for head in server.heads:
            lines = head.split(b'\r\n')
            assert lines[0] == b'GET /a/b%20c?d=e HTTP/1.1'
            hosts = [line for line in lines if line.lower().startswith(b'host:')]
            assert hosts == [f'Host: 127.0.0.1:{server.port}'.encode()]
            assert all(re.fullmatch(rb'[!-9;-~]+: ?[ -~]*', line) for line in lines[1:])
            assert not re.search(rb'(?i)content-length|transfer-encoding', head)


def test_url_without_path_asks_for_the_root(model):
    with Wrong(whole()) as server:
        measure(model, '-n', 1, server.url)
        assert server.heads[0].startswith(b'GET / HTTP/1.1\r\n')


def test_url_with_query_alone_asks_for_the_root(model):
    with Wrong(whole()) as server:
        measure(model, '-n', 1, server.url + '?x')
        assert server.heads[0].startswith(b'GET /?x HTTP/1.1\r\n')


def test_urls_are_asked_for_in_turn(model):
    with Wrong(whole()) as server:
        measure(model, '-n', 30, '-c', 3, *(f'{server.url}/{name}' for name in 'abc'))
        targets = sorted(head.split()[1] for head in server.heads)
        assert targets == [b'/a'] * 10 + [b'/b'] * 10 + [b'/c'] * 10


def test_urls_are_asked_for_by_their_weight(model, tmp_path):
    with Wrong(whole()) as server:
        (tmp_path / 'urls').write_text(f'{server.url}/a 3\n{server.url}/b\n# none\n')
        result = measure(model, '-n', 40, '-c', 4, '--urls', tmp_path / 'urls')
        targets = sorted(head.split()[1] for head in server.heads)
        assert targets == [b'/a'] * 30 + [b'/b'] * 10
        assert result['plan']['weights'] == [3, 1]
        (tmp_path / 'urls').write_text(f'{server.url}/a three\n')
        done = run(model, '--urls', tmp_path / 'urls')
        assert done.status == 2 and 'three is not a weight' in done.stderr


def test_header_is_sent(model):
    with Wrong(whole()) as server:
        measure(model, '-n', 2, '-H', 'X-First: 1', '-H', 'X-Second: two words', server.url + '/')
        for head in server.heads:
            assert b'\r\nX-First: 1' in head and b'\r\nX-Second: two words' in head


def test_header_may_name_another_host(model):
    """RFC 9112 3.2: one Host line, and no more."""
    with Wrong(whole()) as server:
        measure(model, '-n', 1, '-H', 'Host: other.example', server.url + '/')
        hosts = re.findall(rb'(?im)^host: *(.*?)\r?$', server.heads[0])
        assert hosts == [b'other.example']


def test_method_and_body_are_sent(model, tmp_path):
    body = os.urandom(70_000)
    (tmp_path / 'body').write_bytes(body)
    with Wrong(whole()) as server:
        measure(model, '-n', 3, '-c', 1, '-X', 'PUT', '--body', tmp_path / 'body', server.url + '/')
        assert all(head.startswith(b'PUT / HTTP/1.1\r\n') for head in server.heads)
        assert server.bodies == [body] * 3


def test_head_expects_no_body(model):
    """RFC 9112 6.3."""
    with Wrong(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n') as server:
        result = measure(model, '-n', 3, '-c', 1, '-X', 'HEAD', '-T', '20s', server.url + '/')
        assert result['requests']['ok'] == 3 and result['bytes']['body'] == 0


def test_duration_ends_a_run(model):
    """In which there is time for a reply, even on a busy machine."""
    with Held(30) as held, Wrong(held) as server:
        began = time.monotonic()
        result = measure(model, '-d', '3s', '-c', 3, server.url + '/')
        assert time.monotonic() - began >= 3
        assert result['plan']['duration_s'] == 3 and result['plan']['requests'] is None
        assert result['elapsed_s'] >= 2.99
        assert 0 < result['requests']['ok'] <= len(server.heads)


def test_duration_ends_a_run_that_nobody_answers(model):
    with Wrong(sends(then='stall')) as server:
        began = time.monotonic()
        done = run(model, '-d', '0.4s', '-c', 3, '-T', '60s', '--quiet', server.url + '/')
        assert time.monotonic() - began < 20 * PATIENCE
        assert done.status == 1, done  # nothing was answered: that is no success


def test_requests_end_a_run_before_its_duration(model):
    with Wrong(whole()) as server:
        result = measure(model, '-n', 20, '-d', '100s', '-c', 3, server.url + '/')
        assert result['requests']['ok'] == 20


def test_connections_are_held_at_once(model):
    """-c 20 means that twenty requests are under way together: nobody is answered before."""
    arrived = []

    def reply(connection, number):
        arrived.append(number)
        if not wait_until(lambda: len(arrived) >= 20):
            return False
        connection.sendall(whole())
        return True
    with Wrong(reply) as server:
        result = measure(model, '-n', 20, '-c', 20, '-T', '30s', server.url + '/')
        assert result['requests']['ok'] == 20 and server.connections == 20


def test_plain_loop_has_one_request_under_way(model):
    """-c 1: each request follows the reply before it."""
    under_way, most = [], []

    def reply(connection, number):
        under_way.append(number)
        most.append(len(under_way))
        time.sleep(0.002)
        under_way.remove(number)
        connection.sendall(whole())
        return True
    with Wrong(reply) as server:
        measure(model, '-n', 20, '-c', 1, server.url + '/')
        assert max(most) == 1 and server.connections == 1


def test_delays_told_by_the_server_are_added_up(model):
    def reply(connection, number):
        connection.sendall(whole(b'hello', '200 OK', f'Delay: {0.25 * (number + 1):.3f}'))
        return True
    with Wrong(reply) as server:
        delays = measure(model, '-n', 4, '-c', 1, server.url + '/')['delay_s']
        assert delays == {'count': 4, 'sum': pytest.approx(2.5), 'max': pytest.approx(1.0)}


def test_json_may_go_to_a_file(model, tmp_path):
    with Wrong(whole()) as server:
        done = run(model, '-n', 5, '--json', tmp_path / 'result.json', server.url + '/')
        assert done.status == 0
        check_result(json.loads((tmp_path / 'result.json').read_text()))
        assert '5 ok' in done.stdout.replace(',', '')  # the summary is still for people


def test_json_that_cannot_be_written_is_a_failure(model, tmp_path):
    with Wrong(whole()) as server:
        done = run(model, '-n', 1, '--json', tmp_path / 'no' / 'such' / 'folder', server.url + '/')
        assert done.status in (1, 2) and 'folder' in done.stderr


def test_summary_names_what_failed(model):
    with Wrong(whole(b'no', '404 Not Found')) as server:
        done = run(model, '-n', 3, server.url + '/')
        assert done.status == 1
        assert re.search(r'3 status', done.stdout) and '3 failed' in done.stdout


def test_latency_table_is_longer(model):
    with Wrong(whole()) as server:
        short = run(model, '-n', 20, server.url + '/').stdout
        long = run(model, '-n', 20, '-L', server.url + '/').stdout
        assert len(long.splitlines()) > len(short.splitlines()) + 3


def test_wrk_s_words(model):
    """As programs look for them in wrk's output."""
    def reply(connection, number):
        connection.sendall(whole() if number % 4 else whole(b'no', '404 Not Found'))
        return True
    with Wrong(reply) as server:
        done = run(model, '-n', 40, '-c', 2, '--wrk', '-L', server.url + '/x')
        figure = r'[0-9.]+(?:us|ms|s|m|k|M|G|KB|MB|GB|B)?'
        assert done.status == 1
        for line in (f'Running [0-9]+s test @ {server.url}/x', '  [0-9]+ threads and 2 connections',
                     f'    Latency +{figure} +{figure} +{figure} +[0-9.]+%',
                     f'    Req/Sec +{figure} +{figure} +{figure} +[0-9.]+%',
                     f'     99% +{figure} *', f'  40 requests in {figure}, {figure} read',
                     '  Non-2xx or 3xx responses: 10', 'Requests/sec: +[0-9.]+',
                     f'Transfer/sec: +{figure}'):
            assert re.search(f'(?m)^{line}$', done.stdout), (line, done)


def test_trace_is_a_line_for_every_reply(model):
    with Wrong(whole(b'hello', '200 OK', 'Delay: 0.125')) as server:
        done = run(model, '-n', 7, '-c', 2, '--trace', '--json', os.devnull, server.url + '/x')
        lines = re.findall(r'(?m)^[0-9]{4}-[0-9]{2}-[0-9]{2} .*$', done.stdout)
        assert len(lines) == 7
        for line in lines:
            assert all(word in line for word in (f'{server.url}/x', ' 200 ', ' 5 ', '125ms'))


def test_replies_of_one_connection_are_traced_as_no_other_s(model):
    """More of them come at once than a connection may take in one turn, and on two connections: on
    both while the client stands still, so that it finds them together."""
    connections = set()

    def reply(connection, number):
        connections.add(connection)
        return True
    with Wrong(reply) as server:
        client = start(model, '-c', 2, '-p', 64, '-n', 128, '--trace', server.url + '/')
        assert wait_until(lambda: len(server.heads) == 128)
        client.signal(signal.SIGSTOP)
        came = os.waitid(os.P_PID, client.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert came.si_code == os.CLD_STOPPED
        for connection, delay in zip(connections, ('0.001', '0.002')):
            connection.sendall(64 * whole(b'hello', '200 OK', f'Delay: {delay}'))
        client.signal(signal.SIGCONT)
        assert client.wait(20) in (0, 4)
        told = re.findall('(?m) 200 +5 bytes +delay +([^ ]+) ', client.stdout)
        assert collections.Counter(told) == {'1.00ms': 64, '2.00ms': 64}
        client.kill()


def test_full_backlog_of_a_unix_socket_is_waited_for(model, tmp_path):
    """unix(7): who connects to it is told EAGAIN, or waits; neither is a failure before its time."""
    path = str(tmp_path / 'socket')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        client = start(model, '-c', 8, '-n', 8, '--json', '-', '--unix-socket', path, 'http://h/')
        time.sleep(0.3)
        listener.settimeout(20 * PATIENCE)
        answered = []
        for _ in range(8):
            answered.append(listener.accept()[0])
            answered[-1].recv(65536)
            answered[-1].sendall(whole())
        assert client.wait(20) in (0, 4)
        assert json.loads(client.stdout)['requests'] == {'sent': 8, 'ok': 8, 'failed': 0}
        for one in answered:
            one.close()
        client.kill()


def test_trace_names_failures(model):
    with Wrong(sends(b'garbage\r\n\r\n', then='close')) as server:
        done = run(model, '-n', 2, '-c', 1, '--trace', server.url + '/')
        assert len(re.findall(r'(?m)^[0-9]{4}-.*framing', done.stdout)) == 2


def test_nothing_is_shown_on_stderr_when_it_is_no_terminal(model):
    with Wrong(sends(whole(), pause=0)) as server:
        assert run(model, '-d', '0.5s', '-c', 1, server.url + '/').stderr == ''


def progress_of(model, seconds, *options):
    """What a client writes to a terminal on stderr during a run, which goes on until a figure is shown,
    but no longer than this."""
    ours, terminal = pty.openpty()
    shown = b''
    with Held(10) as held, Wrong(held) as server:
        client = subprocess.Popen(
            command(model, '-n', '20', '-c', '2', '-T', '1000s', *options, server.url + '/'),
            stdout=subprocess.DEVNULL, stderr=terminal, env=environment(TERM='xterm'))
        os.close(terminal)
        timer = threading.Timer(seconds, held.release)
        timer.start()
        try:
            while data := os.read(ours, 4096):
                shown += data
                if re.search(rb'[0-9]', shown):
                    held.release()
        except OSError:  # nobody has the other side of the terminal open any more
            pass
        timer.cancel()
        os.close(ours)
        assert client.wait(30 * PATIENCE) == 0
    return shown.decode('utf-8', 'replace')


def test_progress_is_shown_on_a_terminal(model):
    assert re.search(r'[0-9]', progress_of(model, 20 * PATIENCE))


def test_quiet_shows_no_progress(model):
    assert progress_of(model, 1.2, '--quiet') == ''


def test_verify_bytes_tells_bodies_of_one_length_apart(model):
    """Also over several connections: each URL has one first body."""
    def reply(connection, number):
        connection.sendall(whole(b'hallo' if number in (17, 23) else b'hello'))
        return True
    with Wrong(reply) as server:
        result = measure(model, '-n', 40, '-c', 4, '--verify', 'bytes', server.url + '/')
        assert result['errors']['content'] == 2 and result['requests']['ok'] == 38
        assert result['plan']['verify'] == 'bytes'
        assert measure(model, '-n', 40, '-c', 4, server.url + '/')['requests']['ok'] == 40
        done = run(model, '-n', 40, '-c', 1, '--verify', 'bytes', server.url + '/')
        assert done.status == 0, done


def test_verify_bytes_sees_the_last_byte_of_large_bodies(model):
    large = bytes(300_000)
    with Wrong(lambda connection, number: connection.sendall(
            whole(large if number != 5 else large[:-1] + b'!')) is None) as server:
        result = measure(model, '-n', 8, '-c', 2, '--verify', 'bytes', server.url + '/')
        assert result['errors']['content'] == 1 and result['bytes']['body'] == 8 * len(large)


@pytest.mark.parametrize('connections', [1, 2, 6])
def test_sources_are_taken_in_turn(model, connections):
    """By every connection that is made, however few there are at once."""
    peers = []

    def reply(connection, number):
        peers.append(connection.getpeername()[0])
        connection.sendall(whole())
        return True
    with Wrong(reply) as server:
        result = measure(model, '-n', 60, '-c', connections, '--close', '--source',
                         '127.0.0.2,127.0.0.3,127.0.0.4', server.url + '/')
        assert result['requests']['ok'] == 60
        assert set(peers) == {'127.0.0.2', '127.0.0.3', '127.0.0.4'}
        if connections == 1:
            assert peers == ['127.0.0.2', '127.0.0.3', '127.0.0.4'] * 20


def test_source_that_is_not_here_is_named(model):
    done = run(model, '-n', 1, '--source', '192.0.2.1', 'http://127.0.0.1:1/')
    assert done.status == 1 and '--source 192.0.2.1: Cannot assign' in done.stderr


INTERRUPTED = [
    ('while_all_goes_well', 'design 2', sends(whole())),
    ('while_nobody_answers', 'design 2', sends(then='stall')),
]


@facts('reply', INTERRUPTED)
def test_interrupted_run_still_sums_up(model, reply):
    with Wrong(reply) as server:
        client = start(model, '-d', '100s', '-c', '5', '-T', '60s', '--json', '-', server.url + '/')
        assert wait_until(lambda: len(server.heads) >= 5)
        client.signal(signal.SIGINT)
        assert client.wait() == 130
        result = json.loads(client.stdout)
        client.no_reports()
        client.kill()
        assert result['interrupted'] is True
        check_result(result)


def test_interrupted_run_prints_its_summary(model):
    with Wrong(whole()) as server:
        client = start(model, '-d', '100s', '-c', '2', server.url + '/')
        assert wait_until(lambda: len(server.heads) >= 5)
        client.signal(signal.SIGINT)
        assert client.wait() == 130
        said = client.stdout
        client.kill()
        assert 'requests' in said and 'latency' in said


def test_client_raises_its_own_descriptor_limit(model):
    hard = raise_descriptor_limit()
    with Wrong(sends(then='stall')) as server:
        client = start(model, '-d', '100s', '-c', '2', server.url + '/',
                       limits=(min(1024, hard), hard))
        try:
            assert wait_until(lambda: client.soft_descriptor_limit() == hard)
        finally:
            client.kill()


def test_more_connections_than_descriptors_is_said_before_the_run(model):
    done = run(model, '-c', 1000, '-n', 1000, 'http://127.0.0.1:1/',
               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert done.status == 2 and 'descriptor' in done.stderr


def test_unknown_host_is_named(model):
    done = run(model, '-n', 1, 'http://no-such-host.invalid/')
    assert done.status == 1 and 'no-such-host.invalid' in done.stderr


def test_v6_address_is_spoken_to(model):
    try:
        server = Wrong(whole(), host='::1')
    except OSError:
        pytest.skip('no IPv6 here')
    with server:
        result = measure(model, '-n', 2, '-c', 1, server.url + '/')
        assert result['requests']['ok'] == 2
        assert f'\r\nHost: [::1]:{server.port}'.encode() in server.heads[0]


MISUSE = [
    ('no_url', 'design 2', []),
    ('unknown_option', 'design 2', ['--no-such-option', 'http://127.0.0.1:1/']),
    ('option_without_its_argument', 'design 2', ['http://127.0.0.1:1/', '-c']),
    ('no_connections', 'design 2', ['-c', '0', 'http://127.0.0.1:1/']),
    ('negative_connections', 'design 2', ['-c', '-1', 'http://127.0.0.1:1/']),
    ('connections_in_words', 'design 2', ['-c', 'many', 'http://127.0.0.1:1/']),
    ('no_requests', 'design 2', ['-n', '0', 'http://127.0.0.1:1/']),
    ('no_duration', 'design 2', ['-d', '0', 'http://127.0.0.1:1/']),
    ('duration_of_another_unit', 'design 2', ['-d', '3 parsecs', 'http://127.0.0.1:1/']),
    ('another_scheme', 'design 2', ['ftp://127.0.0.1:1/']),
    ('no_scheme', 'design 2', ['127.0.0.1:1/']),
    ('no_host', 'design 2', ['http:///']),
    ('port_too_large', 'design 2', ['http://127.0.0.1:65536/']),
    ('port_in_letters', 'design 2', ['http://127.0.0.1:http/']),
    ('space_in_url', 'design 2', ['http://127.0.0.1:1/a b']),
    ('line_end_in_url', 'design 2', ['http://127.0.0.1:1/a\r\nX: y']),
    ('header_without_colon', 'design 2', ['-H', 'X', 'http://127.0.0.1:1/']),
    ('header_with_a_line_end', 'design 2', ['-H', 'X: a\r\nY: b', 'http://127.0.0.1:1/']),
    ('method_with_a_space', 'design 2', ['-X', 'GE T', 'http://127.0.0.1:1/']),
    ('rate_of_nothing', 'design 2', ['-R', '0', 'http://127.0.0.1:1/']),
    ('rate_and_think', 'design 2', ['-R', '5', '--think', '1s', 'http://127.0.0.1:1/']),
    ('source_of_another_family', 'design 2', ['--source', '::1', 'http://127.0.0.1:1/']),
    ('source_with_a_port', 'design 2', ['--source', '127.0.0.1:80', 'http://127.0.0.1:1/']),
    ('verify_of_something_else', 'design 2', ['--verify', 'looks', 'http://127.0.0.1:1/']),
]


@facts('arguments', MISUSE)
def test_misuse_is_2_and_said_on_stderr(model, arguments):
    done = run(model, *arguments)
    assert done.status == 2 and done.stdout == '', done
    assert f'cristo-{model}-client: ' in done.stderr and '--help' in done.stderr


def test_option_of_the_other_client_names_it(model):
    if model == 'async':
        pytest.skip('every option of the blocking client is one of the evented client too')
    done = run(model, '-t', 2, '-n', 1, 'http://127.0.0.1:1/')
    assert done.status == 2 and f'cristo-{SISTER[model]}-client' in done.stderr


@pytest.mark.parametrize('option', ['--help', '-h', '--version', '-V'])
def test_help_and_version_go_to_stdout(model, option):
    done = run(model, option)
    assert done.status == 0 and done.stderr == ''
    assert f'cristo-{model}-client' in done.stdout
    if option == '--help':
        for name in ('-c', '-n', '-d', '-H', '--close', '--timeout', '--verify', '--trace',
                     '--json', '--quiet'):
            assert name in done.stdout
