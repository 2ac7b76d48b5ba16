"""The process that was started and its child that serves: who is told what, and what becomes of one
without the other."""

import os
import signal
import time

import pytest

from support.http import Ended, get
from support.programs import wait_until
from support.server import children_of, is_alive, listeners_of

LASTING = ('--drain-timeout', '60s', '--header-timeout', '60s')


def begin_request(server):
    """One whose body is still to come: b'body'. The server has let it in."""
    connection = server.connect()
    connection.goes_on()
    return connection.send(get('/small.txt', 'Content-Length: 4'))


def drains(server):
    return wait_until(lambda: not listeners_of(server.worker))


def test_one_child_serves(own):
    server = own()
    assert children_of(server.pid) == [server.worker]
    assert children_of(server.worker) == []


def test_parent_holds_no_connection(own):
    server = own()
    with server.connect() as connection:
        connection.goes_on()
        listeners = [os.readlink(entry.path) for entry in os.scandir(f'/proc/{server.pid}/fd')
                     if os.readlink(entry.path).startswith('socket:')]
        assert len(listeners) == 2  # what is listened on, and the line to the child
        assert len(os.listdir(f'/proc/{server.pid}/task')) == 1


def test_crashed_child_is_replaced_and_who_waits_is_served(own):
    server = own()
    begun = time.monotonic()
    os.kill(server.worker, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(server.worker))
    with server.connect() as connection:  # the parent still holds the listener
        connection.goes_on()
    assert time.monotonic() - begun > 0.5
    assert 'SIGKILL' in server.stderr and server.stderr.count('begun again') == 1
    assert server.status is None
    assert server.stdout.count('listening on') == 1
    server.worker, = children_of(server.pid)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_signal_to_the_whole_group_drains(own, number):
    """As a terminal signals: the child hears it too, and heeds its parent alone."""
    server = own(*LASTING, start_new_session=True)
    connection = begin_request(server)
    os.killpg(server.pid, number)
    assert drains(server)
    reply = connection.send(b'body').reply()
    assert reply.status == 200 and reply.closes
    connection.ended()
    server.stopped()


def test_child_is_not_stopped_by_signals_of_its_own(own):
    server = own()
    os.kill(server.worker, signal.SIGTERM)
    os.kill(server.worker, signal.SIGINT)
    with server.connect() as connection:
        connection.goes_on()


def test_child_without_its_parent_drains_and_leaves(own):
    server = own(*LASTING)
    connection = begin_request(server)
    server.process.kill()
    server.process.wait()
    assert drains(server)
    try:
        reply = connection.send(b'body').reply()
        assert reply.status == 200 and reply.closes
    except Ended:
        assert False, 'a running reply did not come to its end'
    assert wait_until(lambda: not is_alive(server.worker))
    server.kill()
