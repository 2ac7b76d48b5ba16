"""Thresholds, warm-up, and the exit status that comes of a run."""

import signal
import socket
import time

import pytest

from support.client import Wrong, measure, run, sends, start, whole
from support.facts import facts
from support.programs import wait_until
from support.scripted import Scripted

NOT_FOUND = whole(b'no', '404 Not Found')


def one_in(count, other):
    """A reply for Wrong: every count-th request is answered otherwise."""
    def reply(connection, number):
        connection.sendall(other if number % count == count - 1 else whole())
        return True
    return reply


# Fewer than 100 requests on a connection: nothing is doubtful, however busy the machine.
STATUSES = [
    ('all_well', 'design 2', whole(), [], 0),
    ('thresholds_held', 'design 2', whole(), ['--require', 'p99<30s,errors=0,rps>0.001'], 0),
    ('threshold_missed', 'design 2', whole(), ['--require', 'p50<1us'], 3),
    ('one_of_many_thresholds_missed', 'design 2', whole(),
     ['--require', 'max<30s', '--require', 'rps>1000M'], 3),
    ('one_404', 'design 2', one_in(20, NOT_FOUND), [], 1),
    ('one_404_and_a_threshold_missed', 'design 2', one_in(20, NOT_FOUND),
     ['--require', 'p50<1us'], 1),
    ('one_404_that_is_allowed', 'design 2', one_in(20, NOT_FOUND), ['--require', 'errors<=1'], 0),
    ('share_of_404_that_is_allowed', 'design 2', one_in(20, NOT_FOUND),
     ['--require', 'errors<6%'], 0),
    ('one_404_too_many', 'design 2', one_in(10, NOT_FOUND), ['--require', 'errors<=1'], 1),
    ('allowed_404_but_too_slow', 'design 2', one_in(20, NOT_FOUND),
     ['--require', 'errors<=1,p50<1us'], 3),
    ('all_404_though_allowed', 'design 2', NOT_FOUND, ['--require', 'errors<=20'], 1),
]


@facts('reply, options, status', STATUSES)
def test_exit_status(model, reply, options, status):
    with Wrong(reply) as server:
        done = run(model, '-n', 20, '-c', 1, *options, server.url + '/')
        assert done.status == status, done
        assert status != 3 or ' is missed: ' in done.stdout


def test_exit_status_of_a_refused_connection(model):
    with socket.socket() as bound:  # and nobody else's, but does not listen
        bound.bind(('127.0.0.1', 0))
        assert run(model, '-n', 3, '-c', 1, f'http://127.0.0.1:{bound.getsockname()[1]}/').status == 1


def test_interrupted_run_is_130_whatever_was_required(model):
    with Wrong(whole()) as server:
        client = start(model, '-d', '100s', '-c', '2', '--require', 'p50<1us', server.url + '/')
        assert wait_until(lambda: len(server.heads) >= 5)
        client.signal(signal.SIGINT)
        assert client.wait() == 130
        assert 'p50<1us is missed' in client.stdout
        client.kill()


REFUSED = [
    ('no_relation', 'design 2', 'errors=0,p99', '"p99" compares with nothing'),
    ('unknown_figure', 'design 2', 'p99<1s,speed>3', '"speed" is no figure'),
    ('bad_duration', 'design 2', 'p99<50x', '"50x" is not a duration'),
]


@facts('thresholds, words', REFUSED)
def test_threshold_that_cannot_be_read_is_misuse_and_quoted(model, thresholds, words):
    done = run(model, '--require', thresholds, 'http://127.0.0.1:1/')
    assert done.status == 2 and '--require' in done.stderr and words in done.stderr


def test_warm_up_counts_toward_nothing(model):
    """Cold replies are slow, and are in no figure."""
    def cold(number, since):
        return 0.2 if since < 0.5 else 0.0
    with Scripted(cold) as server:
        begun = time.monotonic()
        result = measure(model, '-c', 4, '-n', 40, '--warmup', '1s', server.url)
        took = time.monotonic() - begun
        warm = len(server.arrived) - 40
        assert result['warmup']['sent'] == result['warmup']['ok'] == warm
        assert warm >= sum(came - begun < 1 for came in server.arrived)
        assert result['requests'] == {'sent': 40, 'ok': 40, 'failed': 0}
        assert sum(result['statuses'].values()) == 40 and result['bytes']['body'] == 200
        assert result['elapsed_s'] <= took - 1
        assert result['plan']['warmup_s'] == 1


def test_duration_begins_after_the_warm_up(model):
    with Scripted(lambda number, since: 0.01) as server:
        begun = time.monotonic()
        result = measure(model, '-c', 2, '-d', '0.5s', '--warmup', '0.7s', server.url)
        assert time.monotonic() - begun >= 1.2  # it was 0.7 if both began at once
        assert 0.49 <= result['elapsed_s']
        assert result['requests']['sent'] + result['warmup']['sent'] >= len(server.arrived)


def test_warm_up_by_the_clock(model):
    """No more than the clock asks for in that time; what a busy machine has not sent by its end is
    left out."""
    with Scripted(lambda number, since: 0) as server:
        begun = time.monotonic()
        result = measure(model, '-R', 50, '-c', 3, '-n', 25, '--warmup', '0.5s', server.url)
        in_time = sum(came - begun < 0.5 for came in server.arrived)
        assert in_time <= result['warmup']['sent'] <= 25 == result['requests']['ok']
        assert result['open_loop']['due'] == 25
        assert server.arrived[-1] - begun >= 0.979  # from its end on


def test_failed_warm_up_is_no_success(model):
    """Never 0 when a reply was not what was asked for; it is shown apart. The warm-up is long enough
    for the first request to be of it, even on a busy machine; that is waited for but once."""
    def cold(connection, number):
        time.sleep(0.05 if number > 0 else 0)
        connection.sendall(whole(b'no', '503 Cold') if number == 0 else whole())
        return True
    with Wrong(cold) as server, Wrong(cold) as other:
        plain = start(model, '-c', 1, '-n', 5, '--warmup', '3s', server.url + '/')
        allowed = start(model, '-c', 1, '-n', 5, '--warmup', '3s', '--require', 'errors=0',
                        other.url + '/')
        assert plain.wait(20) == 1, plain
        assert '1 of them failed' in plain.stdout and '5 ok' in plain.stdout
        assert allowed.wait(20) == 0, allowed
        for client in (plain, allowed):
            client.no_reports()
            client.kill()


def test_interrupted_warm_up_sums_up(model):
    with Wrong(sends(whole())) as server:
        client = start(model, '-d', '100s', '-c', '2', '--warmup', '100s', server.url + '/')
        assert wait_until(lambda: len(server.heads) >= 5)
        client.signal(signal.SIGINT)
        assert client.wait() == 130
        assert '0 ok' in client.stdout and 'that do not count' in client.stdout
        client.kill()
