"""Replies that take their time: --delay, --compute, --offload."""

import re
import select
import time

import pytest

from support.docroot import FILES
from support.http import get, head
from support.programs import wait_until


def test_delay_is_waited_and_told(shared):
    server = shared('--delay', '0.1s-0.2s')
    with server.connect() as connection:
        began = time.monotonic()
        reply = connection.send(get('/small.txt')).reply()
        took = time.monotonic() - began
        assert re.fullmatch(r'[0-9]+\.[0-9]+', reply['Delay'])
        assert 0.1 <= float(reply['Delay']) <= 0.2
        assert took >= float(reply['Delay'])
        assert reply.body == FILES['small.txt']


def test_delay_is_drawn_anew_for_every_reply(shared):
    server = shared('--delay', '1ms-20ms')
    with server.connect() as connection:
        delays = [float(connection.goes_on()['Delay']) for _ in range(10)]
        assert len(set(delays)) > 1
        assert all(0.001 <= delay <= 0.02 for delay in delays)


def test_delay_of_one_value_is_that_value(shared):
    server = shared('--delay', '20ms')
    with server.connect() as connection:
        assert float(connection.goes_on()['Delay']) == 0.02


def test_delay_comes_before_every_reply_of_a_pipeline(shared):
    server = shared('--delay', '20ms-40ms')
    with server.connect() as connection:
        began = time.monotonic()
        connection.send(get('/small.txt') + get('/no-such-file') + head('/small.txt'))
        replies = [connection.reply(), connection.reply(), connection.reply('HEAD')]
        assert time.monotonic() - began >= sum(float(reply['Delay']) for reply in replies)


def test_delays_are_waited_at_once_on_different_connections(shared):
    """Fifty waits of half a second are far from 25 s when nothing waits for anything else."""
    server = shared('--delay', '0.5s')
    connections = [server.connect() for _ in range(50)]
    began = time.monotonic()
    for connection in connections:
        connection.send(get('/small.txt'))
    for connection in connections:
        assert connection.reply().status == 200
    assert 0.5 <= time.monotonic() - began < 50 * 0.5


def test_delays_of_one_seed_are_the_same(own):
    def drawn():
        server = own('--delay', '1us-1ms', '--seed', '7')
        with server.connect() as connection:
            return [connection.goes_on()['Delay'] for _ in range(20)]
    first = drawn()
    assert first == drawn()


def test_reply_without_delay_has_no_such_field(shared):
    with shared().connect() as connection:
        assert not connection.goes_on().has('Delay')


def test_connection_reset_while_its_reply_waits(shared):
    server = shared('--delay', '0.2s')
    for _ in range(10):
        server.connect().send(get('/small.txt')).cut()
    with server.connect() as connection:
        connection.goes_on()


def test_compute_uses_the_processor_before_the_reply(shared):
    """fib(40) by naive recursion adds more than a hundred million times, which takes any processor
    a hundredth of a second, the least that is counted."""
    server = shared('--compute', '40')
    before = server.cpu_seconds()
    with server.connect() as connection:
        for _ in range(3):
            assert connection.goes_on().body == FILES['small.txt']
    assert server.cpu_seconds() - before >= 0.02


def test_compute_of_small_numbers(shared):
    for number in ('0', '1', '2'):
        with shared('--compute', number).connect() as connection:
            connection.goes_on()


def loop_is_free_while_computing(server):
    """Whether one connection is seen to be closed, and a new one accepted, while the reply of another is
    still being computed: once is proof, since a loop closes the one, who has ended later than the other
    has asked, when it has replied to that. It may also be looked for too late, when the reply is there."""
    def has(count):
        return server.sockets() == server.at_rest[0]['socket'] + count
    with server.connect() as busy, server.connect() as other:
        busy.goes_on('/small.txt')
        assert wait_until(lambda: has(2))
        busy.send(get('/small.txt'))
        other.end()
        assert wait_until(lambda: has(1) or ready(busy), 60)
        with server.connect():
            assert wait_until(lambda: has(2) or ready(busy), 60)
            free = not ready(busy)
        busy.reply()
        return free


def ready(connection):
    return select.select([connection.socket], [], [], 0)[0]


def test_offload_leaves_the_loop_free(model, shared):
    if model == 'sync':
        pytest.skip('threads are free anyway; --offload is the async server\'s')
    server = shared('--compute', '38', '--offload', '1')
    assert wait_until(lambda: loop_is_free_while_computing(server))


def test_offloaded_replies_are_whole_and_in_order(model, shared):
    if model == 'sync':
        pytest.skip('--offload is the async server\'s')
    server = shared('--compute', '15', '--offload', '3')
    connections = [server.connect() for _ in range(10)]
    for connection in connections:
        connection.send(get('/small.txt') + get('/thousand.bin') + get('/empty.txt'))
    for connection in connections:
        for name in ('small.txt', 'thousand.bin', 'empty.txt'):
            assert connection.reply().body == FILES[name]


def test_connection_reset_while_its_reply_is_computed(model, shared):
    options = ('--compute', '27') + (('--offload', '2') if model == 'async' else ())
    server = shared(*options)
    for _ in range(20):
        server.connect().send(get('/small.txt')).cut()
    with server.connect() as connection:
        connection.goes_on()


def test_delay_and_compute_together(shared):
    with shared('--delay', '10ms', '--compute', '10').connect() as connection:
        reply = connection.goes_on()
        assert reply['Delay'] and reply.body == FILES['small.txt']
