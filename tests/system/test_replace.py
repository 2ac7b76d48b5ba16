"""SIGUSR2 replaces the program of a running server, and nobody who is connected notices; nor does
anybody of a server that is stopped. tests/soak does the same more often."""

import os
import shutil
import signal
import stat

import pytest

from support import soak
from support.http import get
from support.programs import SANITIZER, TLS, program, wait_until
from support.server import Server, children_of, is_alive, listeners_of

TIMES = 5 if SANITIZER == 'none' and not TLS else 2


@pytest.fixture
def files(scratch):
    soak.make_docroot(scratch)
    return scratch


def ways(model, tmp_path):
    """Options and address."""
    loops = ('-t', '2') if model == 'async' else ()
    return {'tcp': (soak.BUSY, '127.0.0.1:0'),
            'unix': ((*soak.BUSY, *loops), f'unix:{tmp_path}/socket')}


@pytest.mark.parametrize('way', ['tcp', 'unix'])
def test_replaced_under_load_it_loses_no_request(model, files, tmp_path, way):
    options, address = ways(model, tmp_path)[way]
    lost, count = soak.replace(model, files, TIMES, options=options, address=address)
    assert not lost and count['answered'] > 0


@pytest.mark.parametrize('way', ['tcp', 'unix'])
def test_drained_under_load_it_loses_no_request(model, files, tmp_path, way):
    options, address = ways(model, tmp_path)[way]
    lost, count = soak.drain(model, files, TIMES, options=options, address=address)
    assert not lost and count['answered'] > 0


def test_several_loops_lose_no_request(files):
    options = (*soak.BUSY, '-t', '3')
    for play in (soak.replace, soak.drain):
        lost, count = play('async', files, TIMES, options=options)
        assert not lost and count['answered'] > 0


def test_successor_listens_where_its_predecessor_did(own, tmp_path):
    server = own(listen=['127.0.0.1:0', '127.0.0.1:0', f'unix:{tmp_path}/socket'])
    before, old = server.ready, server.pid
    for _ in range(2):
        server.replace()
        assert server.ready == before and server.pid != old
        for listener in range(3):
            with server.connect(listener) as connection:
                connection.goes_on()
    server.settled()
    assert stat.S_ISSOCK((tmp_path / 'socket').stat().st_mode)
    server.stop()
    assert not (tmp_path / 'socket').exists()


def test_predecessor_finishes_what_it_has_begun(own):
    server = own('--header-timeout', '100s', '--drain-timeout', '100s')
    connection = server.connect()
    connection.goes_on()
    connection.send(get('/small.txt', 'Content-Length: 4'))
    heir = server.begin_successor()
    assert wait_until(lambda: len(server.ready_lines()) == 2)
    assert wait_until(lambda: not listeners_of(server.worker))
    reply = connection.send(b'body').reply()
    assert reply.status == 200 and reply.closes
    server.stopped()
    os.kill(heir, signal.SIGTERM)
    assert wait_until(lambda: not is_alive(heir))


@pytest.mark.parametrize('loops', [1, 2, 5])
def test_successor_may_have_another_number_of_loops(docroot, tmp_path, loops):
    """Every socket is accepted from: the kernel spreads clients over all of three."""
    link = tmp_path / 'server'
    link.symlink_to(program('server', 'async'))
    server = Server('async', '-t', '3', docroot=docroot, path=link)
    link.unlink()
    link.write_text(f'#!/bin/sh\nexec {program("server", "async")} "$@" -t {loops}\n')
    link.chmod(0o755)
    server.replace()
    try:
        assert f'async, {loops} loop' in server.ready[0]
        for _ in range(50):
            with server.connect() as connection:
                connection.goes_on()
        server.settled()
    finally:
        server.stop()


@pytest.fixture
def moved(model, docroot, tmp_path):
    """A server whose program lies where a test can replace it."""
    path = tmp_path / 'program'
    path.symlink_to(program('server', model))
    server = Server(model, docroot=docroot, path=path, listen=(f'unix:{tmp_path}/socket',))
    yield server, path
    if server.status is None:
        server.stop()


def fails(server):
    server.signal(signal.SIGUSR2)
    assert wait_until(lambda: 'goes on' in server.stderr), server
    assert wait_until(lambda: children_of(server.pid) == [server.worker]), server
    with server.connect() as connection:
        connection.goes_on()
    server.settled()


def test_without_a_program_the_old_server_goes_on(moved):
    server, path = moved
    path.unlink()
    fails(server)
    assert str(path) in server.stderr


@pytest.mark.parametrize('script', ['exec "$0.real" "$@" --no-such-option', 'exit 0', 'kill -9 $$',
                                    'exec "$0.real" "$@" -l unix:/no/such/folder/socket'],
                         ids=['misuse', 'leaves', 'killed', 'cannot_start'])
def test_successor_that_does_not_come_to_accept_leaves_the_old_one(moved, model, script):
    server, path = moved
    path.unlink()
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)
    path.with_name('program.real').symlink_to(program('server', model))
    fails(server)
    path.unlink()
    shutil.copy(program('server', model), path)
    server.replace()
    with server.connect() as connection:
        connection.goes_on()


def test_stopped_meanwhile_neither_stays(moved):
    server, path = moved
    path.unlink()
    path.write_text('#!/bin/sh\nexec sleep 60\n')
    path.chmod(0o755)
    heir = server.begin_successor()
    server.signal(signal.SIGUSR2)
    assert wait_until(lambda: 'already' in server.stderr)
    server.stop()
    assert wait_until(lambda: not is_alive(heir))


def test_crash_of_a_successors_child_is_like_any(own):
    server = own()
    server.replace()
    os.kill(server.worker, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(server.worker))
    with server.connect() as client:
        client.goes_on()
    server.worker, = children_of(server.pid)
