"""When a client says of its own figures that they cannot be trusted, and when it does not."""

import json
import os
import re
import resource
import subprocess

import pytest

from support.client import Held, Wrong, check_result, measure, run, sends, stand_still, start, whole
from support.programs import wait_until
from support.scripted import Machine, Scripted, stalls

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
    """Design 5: a run limited by the generator is reported as such. It is one of so many requests as
    take some 2 s, that there are enough to judge it by however long it takes, and that a moment in
    which it stands still for another reason does not hide this one."""
    cores = sorted(os.sched_getaffinity(0))
    server = shared()
    loops = [spinning(cores[0]) for _ in range(4)]
    try:
        result = measure(model, '-c', 4, '-n', {'sync': 50000, 'async': 22000}[model],
                         server.url + '/small.txt',
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
    client = start(model, '-R', '160', '-c', '4', '-n', '480', '--json', '-', '--quiet',
                   server.url + '/')
    stand_still(client, 0.5, rest=0.5)
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
    for _ in range(TRIES):
        machine = Machine()
        with Scripted(stalls(200, 1.0)) as server:
            result = measure(model, '-R', 200, '-c', 2, '-n', 500, server.url)
        if result['trusted'] is True and result['open_loop']['held_up'] >= 150:
            return
        assert machine.starved(), (result['open_loop'], result['trust'])
    pytest.skip(f'this machine keeps its programs waiting: {result["trust"]["why"]}')


def test_ordinary_run_is_trusted(model):
    for _ in range(TRIES):
        machine = Machine()
        with Scripted(lambda number, since: 0.01) as server:
            result = measure(model, '-c', 4, '-n', 500, server.url)
        flight = result['trust']['in_flight']
        adds_up = [flight['counted'], flight['computed']] == pytest.approx([4, 4], rel=0.1)
        if result['trusted'] is True and flight['looks'] >= 20 and adds_up:
            break
        assert machine.starved(), result['trust']
    else:
        pytest.skip(f'this machine keeps its programs waiting: {result["trust"]["why"]}')
    assert result['trust']['why'] == []


def test_demonstration_is_too_short_to_judge(model):
    """Twenty requests on twenty connections: said, and no more than that."""
    with Wrong(whole()) as server:
        assert measure(model, '-c', 20, '-n', 20, server.url + '/')['trusted'] is None
        done = run(model, '-c', 20, '-n', 20, server.url + '/')
        assert done.status == 0 and 'too short to judge' in done.stdout


def test_descriptors_that_run_out_are_told(model):
    """Every request has a connection of its own; then there are too few descriptors for them."""
    with Held(20, sends(whole())) as held, Wrong(held) as server:
        client = start(model, '-c', '16', '-n', '2000', '-T', '100s', '--close', '--json', '-', '--quiet',
                       server.url + '/')
        assert wait_until(lambda: len(server.heads) >= 20)
        resource.prlimit(client.pid, resource.RLIMIT_NOFILE, (8, 8))
        held.release()
        status, result = finish(client)
    assert status == 1 and result['trusted'] is False
    assert result['trust']['no_descriptor'] == result['errors']['connect'] > 0
    assert any(re.search(r'free descriptor: ulimit -n is 8 and must be [23][0-9]$', why)
               for why in result['trust']['why']), result['trust']
