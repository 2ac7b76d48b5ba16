"""What the clients say of latency, against a server that writes down what it did."""

import json
import random
import re
import time

import pytest

from support.client import Wrong, check_result, measure, run, start, whole
from support.facts import facts
from support.programs import SANITIZER, TLS, environment
from support.scripted import Machine, Scripted, percentile, stalls

TRIES = 4


def measured(model, delay, holds, *arguments):
    """Runs a client against a scripted server until what it says holds; tries again only where
    programs had to wait for a core, for then the machine, not the client, is what was measured."""
    for _ in range(TRIES):
        machine = Machine()
        with Scripted(delay) as server:
            result = measure(model, *arguments, server.url)
            wrong = holds(server, result)
        if wrong is None:
            return
        assert machine.starved(), wrong
    pytest.skip(f'this machine keeps its programs waiting: {wrong}')


def compare(said, samples):
    """None, or the first percentile that is further from the samples than 1 % and 2 ms."""
    for name in ('p50', 'p75', 'p90', 'p99'):
        mine = percentile(samples, int(name[1:]))
        theirs = said[name] / 1e6
        if abs(mine - theirs) > 0.01 * mine + 0.002:
            return f'{name}: the client says {theirs:.4f} s, the server {mine:.4f} s'
    return None


def from_arrival(server):
    return [done - came for came, done in zip(server.arrived, server.answered) if done]


def from_due(server, rate):
    """From the planned moments: request k arrives k/rate seconds after the first one at the
    soonest, and requests arrive in their order."""
    begin = min(came - number / rate for number, came in enumerate(server.arrived))
    return [done - begin - number / rate for number, done in enumerate(server.answered) if done]


def uneven(low, high):
    """Most are quick, some slow, a few very slow: percentiles that lie far apart."""
    lots = random.Random(1)
    return lambda number, since: low + (high - low) * lots.choice([0] * 12 + [0.3] * 5 + [1] * 3)


def spread(low, high):
    """So different that a thousand connections do not go on to ask all at the same moment."""
    lots = random.Random(1)
    return lambda number, since: lots.uniform(low, high)


CLOSED = [
    ('one_connection', 'design 5', 1, 12, uneven(0.1, 0.3)),
    ('sixty_four_connections', 'design 5', 64, 640, uneven(0.15, 0.4)),
    ('a_thousand_connections', 'design 5', 1000, 5000, spread(0.5, 2.0)),
]


@facts('connections, requests, delay', CLOSED)
def test_percentiles_are_those_of_the_server(model, connections, requests, delay):
    if connections == 1000 and SANITIZER != 'none':
        pytest.skip('a thousand threads under a sanitizer measure the sanitizer')
    measured(model, delay, lambda server, result: compare(result['latency_us'],
                                                          from_arrival(server)),
             '-c', connections, '-n', requests)


OPEN = [
    ('one_connection', 'design 5', 1, 5, 20, uneven(0.1, 0.15)),
    ('sixty_four_connections', 'design 5', 64, 200, 800, uneven(0.1, 0.2)),
    ('a_thousand_connections', 'design 5', 1000, 400, 2000, uneven(0.2, 1.0)),
]


@facts('connections, rate, requests, delay', OPEN)
def test_percentiles_of_an_open_loop_are_those_of_the_server(model, connections, rate, requests,
                                                             delay):
    if connections == 1000 and SANITIZER != 'none':
        pytest.skip('a thousand threads under a sanitizer measure the sanitizer')

    def holds(server, result):
        assert result['plan']['rate'] == rate and result['open_loop']['due'] == requests
        return (compare(result['latency_us'], from_due(server, rate)) or
                compare(result['open_loop']['raw_us'], from_arrival(server)))
    measured(model, delay, holds, '-R', rate, '-c', connections, '-n', requests)


def test_stall_of_a_tenth_of_the_time_shows_in_p99(model):
    """Four connections hold four requests while the server stalls; all the others that were due
    then have waited too, and say so."""
    def stall(number, since):
        return max(0.0, 2.0 - since) if 1.6 <= since < 2.0 else 0.0

    def holds(server, result):
        latency, raw = result['latency_us'], result['open_loop']['raw_us']
        if not 340e3 < latency['p99'] < 430e3:
            return f'p99 is {latency["p99"]} us'
        if not raw['p99'] < latency['p99'] / 2:  # what the raw figures hide
            return f'raw p99 is {raw["p99"]} us'
        return compare(latency, from_due(server, 500))
    measured(model, stall, holds, '-R', 500, '-c', 4, '-d', '4s')


def test_schedule_is_kept_by_the_clock(model):
    """Request k leaves k/R seconds after the beginning, never before, and that is not before the client
    was started: also a starved machine cannot make it early."""
    with Scripted(lambda number, since: 0) as server:
        begun = time.monotonic()
        result = measure(model, '-R', 100, '-c', 3, '-n', 100, server.url)
        assert all(came - begun >= number / 100 - 0.001 for number, came in
                   enumerate(server.arrived))
        assert result['elapsed_s'] >= 0.99 and result['open_loop']['due'] == 100
        assert result['open_loop']['missed'] == {'no_connection': 0, 'generator': 0}


def test_more_than_the_connections_can_carry_is_missed(model, tmp_path):
    """One connection and 200 ms for each reply carry five requests a second, not a hundred; and some
    even on a busy machine."""
    with Scripted(lambda number, since: 0.2) as server:
        done = run(model, '-R', 100, '-c', 1, '-d', '3s', '--json', tmp_path / 'result', server.url)
        result = json.loads((tmp_path / 'result').read_text())
        check_result(result)
        open_loop = result['open_loop']
        assert open_loop['due'] == 300
        assert result['requests']['sent'] <= 16
        assert open_loop['missed']['no_connection'] >= 283
        assert open_loop['missed']['generator'] <= 1
        assert open_loop['held_up'] >= result['requests']['sent'] - 1
        assert result['requests']['ok'] <= 15 and result['requests']['failed'] == 0
        assert done.status in (0, 4), done
        assert 'because no connection was free' in done.stdout
        assert 'latency counts from the moment a request was due' in done.stdout


def test_pipeline_takes_what_is_due_while_a_reply_is_awaited(model):
    """Two connections with four in flight each bear 80 ms at 50 requests a second."""
    with Scripted(lambda number, since: 0.08) as server:
        result = measure(model, '-R', 50, '-c', 2, '-p', 4, '-n', 50, server.url)
        assert result['requests']['ok'] == 50 and server.connections == 2
        assert result['elapsed_s'] >= 0.98


def test_rate_over_a_unix_socket(model, own, tmp_path):
    own(listen=(f'unix:{tmp_path}/socket',))
    result = measure(model, '-R', 100, '-c', 3, '-n', 30, '--unix-socket', tmp_path / 'socket',
                     f'{"https" if TLS else "http"}://localhost/')
    assert result['requests']['ok'] == result['open_loop']['due'] == 30
    assert result['elapsed_s'] >= 0.29


def test_stall_is_seen_over_time(model):
    """Seconds in which nothing is answered stand in the timeline as such: so many that a busy machine
    cannot keep the client from seeing one of them go by."""
    with Scripted(stalls(200, 3.0, usual=0.005)) as server:
        result = measure(model, '-c', 4, '-n', 400, server.url)
    points = result['timeline']
    assert points[0][1] == 0 and len(points) >= 5
    quiet = sum(now[0] - before[0] for before, now in zip(points, points[1:]) if now[1] == 0)
    assert quiet >= 0.5
    # the four requests that met it took three seconds each, or less where one came late
    assert max(ended * mean for _, ended, mean in points if mean is not None) >= 5e6


@pytest.mark.parametrize('rate', [[], ['-R', 100]], ids=['closed', 'open'])
def test_server_that_becomes_slower_is_seen_over_time(model, rate):
    """Each step's percentiles are those of the requests that ended in it, and of no others. The server's
    time begins with its first request, which may be late, but not later than the first reply."""
    def holds(server, result):
        steps = [step for step in result['over_time'] if step['ok']]
        before = [step for step in steps if step['to_s'] < 1.0]
        after = [step for step in steps if step['from_s'] > 1.6 + steps[0]['to_s']]
        # a delay is never shorter than the server meant it to be
        assert all(step['latency_us']['p50'] >= 0.99 * 30e3 for step in before)
        assert all(step['latency_us']['p50'] >= 0.99 * 150e3 for step in after)
        if len(before) < 3 or len(after) < 3:
            return f'too few steps: {steps}'
        if max(step['latency_us']['max'] for step in before) > 100e3:
            return f'slow before its time: {before}'
        if max(step['latency_us']['p99'] for step in after) > 250e3:
            return f'slower than the server: {after}'
        return None
    measured(model, lambda number, since: 0.03 if since < 1.0 else 0.15, holds,
             '-c', 30, '-d', '2.5s', *rate)


def test_steps_hold_errors_and_nothing_of_a_warm_up(model):
    """That they add up to what the whole run came to is checked of every result."""
    came = []

    def reply(connection, number):
        came.append(time.monotonic())
        time.sleep(0.005)
        connection.sendall(whole() if number % 4 else whole(b'no', '404 Not Found'))
        return True
    with Wrong(reply) as server:
        begun = time.monotonic()
        result = measure(model, '-c', 2, '-n', 200, '--warmup', '0.3s', server.url + '/')
    in_time = sum(moment - begun < 0.3 for moment in came)
    assert in_time <= result['warmup']['sent'] == len(came) - 200
    assert sum(step['failed'] for step in result['over_time']) == result['errors']['status'] > 0


def test_course_over_time_is_drawn_in_the_summary(model):
    """Of two runs at once, which last long enough for some steps even on a busy machine."""
    with Scripted(lambda number, since: 0.25 if since < 1 else 0.5) as server:
        clients = {charset: start(model, '-c', 2, '-n', 16, server.url, env=environment(LC_ALL=charset))
                   for charset in ('C.UTF-8', 'C')}
        for client in clients.values():
            assert client.wait(20) == 0, client
            client.no_reports()
            client.kill()
    for charset, cells in (('C.UTF-8', ' \u2581-\u2588'), ('C', ' .:=+*#@-')):
        said = clients[charset].stdout
        rate = re.search(f'(?m)^  rate {{8}}([{cells}]+)  0 to [0-9,]+ requests/s, [0-9.]+m?s a column$',
                         said)
        p99 = re.search(f'(?m)^  p99 {{9}}([{cells}]+)  0 to [0-9.]+m?s$', said)
        assert rate and p99 and len(rate[1]) == len(p99[1]) >= 2, said
        assert said.isascii() == (charset == 'C')


def test_run_of_one_step_has_no_course(model, tmp_path):
    """As one request is, where it does not have to wait for the machine."""
    with Wrong(whole()) as server:
        done = run(model, '-c', 1, '-n', 1, '--json', tmp_path / 'result', server.url + '/')
        steps = json.loads((tmp_path / 'result').read_text())['over_time']
        assert ('a column' in done.stdout) == (len(steps) > 1), done
