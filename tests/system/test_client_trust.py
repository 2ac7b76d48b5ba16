"""When a client says of its own figures that they cannot be trusted, and when it does not."""

import json
import os
import re
import resource
import signal
import subprocess
import time

import pytest

from support.client import Wrong, check_result, measure, run, start, whole
from support.programs import wait_until
from support.scripted import Machine, Scripted

TRIES = 4


def spinning(core):
    """A busy loop on this core."""
    return subprocess.Popen(['sh', '-c', 'while :; do :; done'],
                            preexec_fn=lambda: os.sched_setaffinity(0, {core}))


def finish(client):
    """Its exit status, and what it said in JSON."""
    status = client.wait()
    result = json.loads(client.stdout)
    client.no_reports()
    client.kill()
    check_result(result)
    return status, result


def test_generator_that_shares_its_core_is_named_as_the_limit(model, shared):
    """Design 5: a run limited by the generator is reported as such."""
    cores = sorted(os.sched_getaffinity(0))
    server = shared()
    loops = [spinning(cores[0]) for _ in range(4)]
    try:
        result = measure(model, '-c', 4, '-d', '1.5s', server.url + '/small.txt',
                         preexec_fn=lambda: os.sched_setaffinity(0, {cores[0]}))
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert result['trusted'] is False  # and measure() has seen status 4
    assert any('the generator' in why and 'core' in why for why in result['trust']['why'])
    assert max(result['trust']['queue_share'], result['trust']['thread_share']) > 0.2


def late_run(model, server):
    """An open loop whose generator stands still for a while. It has connections to spare even where the
    server is kept from answering: while all of them wait for replies, nobody can tell whose delay it is."""
    client = start(model, '-R', '160', '-c', '4', '-d', '3s', '--json', '-', '--quiet',
                   server.url + '/')
    assert wait_until(lambda: len(server.heads) >= 80)
    client.signal(signal.SIGSTOP)
    time.sleep(0.5)
    client.signal(signal.SIGCONT)
    return finish(client)


def test_generator_that_stands_still_is_late(model):
    """What piles up meanwhile is its own fault, though every request but the first few finds the
    connections busy."""
    for _ in range(TRIES):
        machine = Machine()
        with Wrong(whole()) as server:
            status, result = late_run(model, server)
        if result['open_loop']['lag_us']['max'] >= 400_000:
            assert status == 4 and result['trusted'] is False
            assert any('late' in why for why in result['trust']['why'])
            return
        assert machine.starved(), result['open_loop']
    pytest.skip(f'this machine keeps its programs waiting: {result["open_loop"]["lag_us"]}')


def test_failures_weigh_more_than_doubt(model):
    """Design 2: the first status that applies."""
    with Wrong(whole(b'no', '404 Not Found')) as server:
        status, result = late_run(model, server)
    assert status == 1 and result['trusted'] is False


def test_stalled_server_is_not_the_generator_s_fault(model):
    """Four in ten requests wait for a second that the server takes; none of them is the client's
    lag."""
    def stall(number, since):
        return max(0.0, 2.0 - since) if 1.0 <= since < 2.0 else 0.0
    for _ in range(TRIES):
        machine = Machine()
        with Scripted(stall) as server:
            result = measure(model, '-R', 200, '-c', 2, '-d', '2.5s', server.url)
        assert result['open_loop']['held_up'] >= 150
        if result['trusted'] is True:
            return
        assert machine.starved(), result['trust']
    pytest.skip(f'this machine keeps its programs waiting: {result["trust"]["why"]}')


def test_ordinary_run_is_trusted(model):
    for _ in range(TRIES):
        machine = Machine()
        with Scripted(lambda number, since: 0.01) as server:
            result = measure(model, '-c', 4, '-n', 500, server.url)
        assert result['trust']['in_flight']['looks'] >= 20
        if result['trusted'] is True:
            break
        assert machine.starved(), result['trust']
    else:
        pytest.skip(f'this machine keeps its programs waiting: {result["trust"]["why"]}')
    assert result['trust']['why'] == []
    assert result['trust']['in_flight']['counted'] == pytest.approx(4, rel=0.1)
    assert result['trust']['in_flight']['computed'] == pytest.approx(4, rel=0.1)


def test_demonstration_is_too_short_to_judge(model):
    """Twenty requests on twenty connections: said, and no more than that."""
    with Wrong(whole()) as server:
        assert measure(model, '-c', 20, '-n', 20, server.url + '/')['trusted'] is None
        done = run(model, '-c', 20, '-n', 20, server.url + '/')
        assert done.status == 0 and 'too short to judge' in done.stdout


def test_descriptors_that_run_out_are_told(model):
    """Every request has a connection of its own; then there are too few descriptors for them."""
    with Wrong(whole()) as server:
        client = start(model, '-c', '16', '-n', '2000', '--close', '--json', '-', '--quiet',
                       server.url + '/')
        assert wait_until(lambda: len(server.heads) >= 20)
        resource.prlimit(client.pid, resource.RLIMIT_NOFILE, (8, 8))
        status, result = finish(client)
    assert status == 1 and result['trusted'] is False
    assert result['trust']['no_descriptor'] == result['errors']['connect'] > 0
    assert any(re.search(r'free descriptor: ulimit -n is 8 and must be [23][0-9]$', why)
               for why in result['trust']['why']), result['trust']
