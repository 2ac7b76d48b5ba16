"""Loads that grow and fall in stages, as the server sees them."""

import time

from support.client import measure, run
from support.facts import facts
from support.scripted import Scripted


def test_connections_come_and_go_by_the_stages(model):
    """Six come within half a second, stay for three, so that all are there at once even where a busy
    machine has some come late, and leave within half: none is made twice, and what they are asked for
    when their time is over is still read."""
    with Scripted(lambda number, since: 0.05) as server:
        result = measure(model, '--stages', '500ms:6,3s:6,500ms:0', server.url)
        assert (server.connections, server.most) == (6, 6)
        assert result['connect_us']['count'] == 6
        assert result['plan']['connections'] == 6
        assert result['plan']['stages'] == {'of': 'connections', 'from': 0,
                                            'to': [[0.5, 6], [3, 6], [0.5, 0]]}
        assert result['plan']['duration_s'] == 4
        # the first is there for 4 s and each other for a sixth of one less: time for no more than this
        assert 6 <= result['requests']['ok'] <= 21.5 / 0.05 + 6
        assert result['requests']['failed'] == 0


def test_connections_begin_at_c_and_their_last_level_stays(model):
    with Scripted(lambda number, since: 0.01) as server:
        result = measure(model, '-c', 5, '--stages', '0s:2', '-d', '1s', server.url)
        assert result['plan']['stages']['from'] == 5
        assert server.most <= 2  # the jump comes before the first of them
        assert 0.99 <= result['elapsed_s']


def test_connections_of_several_loops_are_of_one_ramp():
    """There is time for all of them to be there at once, even on a busy machine."""
    with Scripted(lambda number, since: 0.05) as server:
        result = measure('async', '-t', 3, '-c', 1, '--stages', '0s:5,3s:5', server.url)
        assert (server.connections, server.most) == (5, 5)
        assert result['plan']['threads'] == 3


def test_rate_goes_by_the_stages(model):
    """From 20 a second to 180 within half a second are 50 requests, 60 ms at none are none, and
    half a second to nothing is 45. They leave when they are due, and never before: no sooner after
    the client was started."""
    def due(number):  # by the area below the line
        if number < 50:
            return ((20 * 20 + 2 * 320 * number) ** 0.5 - 20) / 320
        return 0.56 + 0.5 * (1 - max(0, 1 - (number - 50) / 45) ** 0.5)

    with Scripted(lambda number, since: 0) as server:
        begun = time.monotonic()
        result = measure(model, '-R', 20, '-c', 4, '--stages',
                         '500ms:180,0s:0,60ms:0,0s:180,500ms:0', server.url)
    assert result['open_loop']['due'] == 95
    assert result['requests']['sent'] + sum(result['open_loop']['missed'].values()) == 95
    assert result['plan']['stages']['of'] == 'rate' and result['plan']['rate'] == 20
    assert 1.05 <= result['elapsed_s']
    assert all(came - begun >= due(number) - 0.001 for number, came in enumerate(server.arrived))


def test_summary_tells_of_the_stages(model):
    """Of runs with time for a reply, even on a busy machine, and for too few to judge them."""
    with Scripted(lambda number, since: 0.05) as server:
        done = run(model, '-c', 1, '-d', '3s', '--stages', '500ms:3,0s:2,500ms:2', server.url)
        assert done.status == 0, done
        assert 'from 1 connection: 500ms to 3, at once to 2, 500ms to 2\n' in done.stdout
        assert 'at most 3 connections' in done.stdout
        done = run(model, '-R', 50, '--stages', '200ms:80', server.url)
        assert 'from 50 requests/s: 200ms to 80\n' in done.stdout
        assert 'by the clock, in stages, 13 due' in done.stdout


@facts('stages, says', [
    ('no_stages', 'design 2', 'now', 'try 10s:100,20s:1000'),
    ('an_empty_one', 'design 2', '10s:1,', 'try 10s:100,20s:1000'),
    ('without_a_level', 'design 2', '10s', 'try 10s:100,20s:1000'),
    ('too_high', 'design 2', '10s:1000M', 'try 10s:100,20s:1000'),
    ('nobody', 'design 2', '10s:0', 'not one of them comes to a connection'),
    ('no_time', 'design 2', '0s:10', 'say how long with -d'),
])
def test_wrong_stages_are_misuse(model, stages, says):
    done = run(model, '--stages', stages, 'http://127.0.0.1:9/')
    assert done.status == 2 and '--stages' in done.stderr and says in done.stderr, done
