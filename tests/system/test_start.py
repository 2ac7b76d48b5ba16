"""How a server starts, where it listens, and how it says that it cannot."""

import os
import pathlib
import re
import socket
import stat
import subprocess
import tempfile

import pytest

from support import certificates
from support.docroot import put
from support.facts import facts
from support.http import Connection, get
from support.programs import (PATIENCE, SISTER, TLS, UNCONFINED, environment, has_option, program,
                              raise_descriptor_limit, wait_until)
from support.server import LISTEN, Server, listeners_of


# What a server says behind the name of a unix socket.
OVER = ' over TLS' if TLS else ''


def attempt(model, *arguments, **how):
    """Runs a server that is expected to end by itself."""
    return subprocess.run([str(part) for part in (program('server', model), *UNCONFINED, *arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20 * PATIENCE, env=environment(), **how)


def place(server):
    """Where it listens, as HOST:PORT."""
    return server.url.partition('://')[2]


@pytest.mark.parametrize('option', ['--help', '-h', '--version', '-V'])
def test_help_and_version_go_to_stdout(model, option):
    done = attempt(model, option)
    assert done.returncode == 0 and done.stderr == ''
    assert f'cristo-{model}-server' in done.stdout


def test_help_names_every_option(model):
    page = attempt(model, '--help').stdout
    for name in ('--listen', '--fallback', '--no-fallback', '--revalidate', '--delay', '--seed',
                 '--compute', '--max-connections', '--max-requests', '--max-head', '--max-fields',
                 '--max-body', '--header-timeout', '--idle-timeout', '--send-timeout',
                 '--drain-timeout', '--dotfiles'):
        assert name in page
    for name, owner in (('--offload', 'async'), ('--threads', 'async'), ('--file-threads', 'async'),
                        ('--stack', 'sync')):
        assert has_option('server', owner, name)


MISUSE = [
    ('unknown_option', 'design 2', ['--no-such-option']),
    ('unknown_letter', 'design 2', ['-Z']),
    ('option_without_its_argument', 'design 2', ['--listen']),
    ('argument_for_an_option_without_one', 'design 2', ['--no-fallback=yes']),
    ('two_docroots', 'design 2', ['/tmp', '/tmp']),
    ('address_without_port', 'design 2', [LISTEN, '127.0.0.1']),
    ('port_too_large', 'design 2', [LISTEN, '127.0.0.1:65536']),
    ('port_negative', 'design 2', [LISTEN, '127.0.0.1:-1']),
    ('port_in_letters', 'design 2', [LISTEN, '127.0.0.1:http-alt-or-so']),
    ('empty_address', 'design 2', [LISTEN, '']),
    ('address_of_four_hundred', 'design 2', [LISTEN, '400.0.0.1:0']),
    ('open_bracket', 'design 2', [LISTEN, '[::1:0']),
    ('unix_without_path', 'design 2', [LISTEN, 'unix:']),
    ('unix_path_too_long', 'design 2', [LISTEN, 'unix:/tmp/' + 'x' * 200]),
    ('delay_backwards', 'design 2', ['--delay', '3s-1s']),
    ('delay_negative', 'design 2', ['--delay', '-1s']),
    ('delay_of_no_number', 'design 2', ['--delay', 'long']),
    ('revalidate_of_no_number', 'design 2', ['--revalidate', 'often']),
    ('compute_of_no_number', 'design 2', ['--compute', 'much']),
    ('compute_negative', 'design 2', ['--compute', '-1']),
    ('size_of_another_unit', 'design 2', ['--max-body', '3 parsecs']),
    ('field_without_colon', 'design 2', ['--response-header', 'X']),
    ('field_with_a_line_end', '9110 5.5', ['--response-header', 'X: a\r\nEvil: b']),
    ('field_with_a_bad_name', '9110 5.1', ['--response-header', 'X Y: a']),
    ('cache_control_with_a_line_end', '9110 5.5', ['--cache-control', 'a\r\nEvil: b']),
]


@facts('arguments', MISUSE)
def test_misuse_is_2_and_said_on_stderr(model, arguments):
    done = attempt(model, *arguments)
    assert done.returncode == 2 and done.stdout == '', done
    assert f'cristo-{model}-server: ' in done.stderr and '--help' in done.stderr


OTHERS = [
    ('threads', 'design 2', 'async', ['--threads', '2']),
    ('threads_by_letter', 'design 2', 'async', ['-t', '2']),
    ('offload', 'design 2', 'async', ['--offload', '2']),
    ('file_threads', 'design 2', 'async', ['--file-threads', '2']),
    ('stack', 'design 2', 'sync', ['--stack', '64k']),
]


@facts('owner, arguments', OTHERS)
def test_option_of_the_other_model_names_its_program(owner, arguments):
    done = attempt(SISTER[owner], *arguments)
    assert done.returncode == 2 and done.stdout == ''
    assert f'cristo-{owner}-server' in done.stderr and arguments[0].lstrip('-') in done.stderr


DOCROOTS = [
    ('no_such_folder', 'design 2', lambda folder: folder / 'no-such-folder'),
    ('file_for_a_folder', 'design 2', lambda folder: folder / 'file.txt'),
    ('fifo_for_a_folder', 'design 2', lambda folder: folder / 'fifo'),
]


@facts('choose', DOCROOTS)
def test_docroot_that_is_none_is_named(model, tmp_path, choose):
    put(tmp_path / 'file.txt', b'x')
    os.mkfifo(tmp_path / 'fifo')
    path = choose(tmp_path)
    done = attempt(model, LISTEN, '127.0.0.1:0', path)
    assert done.returncode in (1, 2) and 'listening' not in done.stdout
    assert path.name in done.stderr


def test_ready_line_is_as_documented(own):
    server = own()
    how = 'async, 1 loop' if server.model == 'async' else 'sync, a thread for each connection'
    assert server.ready == [f'listening on {server.url}/ ({how})']
    assert server.stdout.count('\n') == 1


def test_port_0_is_a_free_port_and_told(own):
    first, second = own(), own()
    assert first.addresses[0][1] > 0 and first.addresses != second.addresses
    for server in (first, second):
        with server.connect() as connection:
            connection.goes_on()


def test_several_listeners_serve_alike(own, tmp_path_factory):
    path = tmp_path_factory.mktemp('l') / 'socket'
    listen = ['127.0.0.1:0', '127.0.0.1:0', f'unix:{path}']
    if socket.has_ipv6 and os.path.exists('/proc/net/if_inet6'):
        listen.append('[::1]:0')
    server = own(listen=listen)
    assert len(server.ready) == len(listen)
    for number in range(len(listen)):
        with server.connect(number) as connection:
            connection.goes_on()
            assert connection.send(get('/sizes/262145.bin')).reply().status == 200


def test_localhost_by_name_is_listened_on(own):
    server = own(listen=('localhost:0',))
    with server.connect() as connection:
        connection.goes_on()


def test_v6_alone_does_not_take_the_v4_port(own):
    """[::1] is one address. The other port may be anybody's: to connect there would show nothing."""
    if not os.path.exists('/proc/net/if_inet6'):
        pytest.skip('no IPv6 here')
    server = own(listen=('[::1]:0',))
    loopback = f'{0:024X}{socket.htonl(1):08X}'
    assert listeners_of(server.worker) == {f'{loopback}:{server.addresses[0][1]:04X}'}


LOOPS = ((), ('-t', '1'), ('-t', '2'), ('-t', '4'))


@pytest.mark.parametrize('loops', LOOPS, ids=lambda loops: ' '.join(loops) or 'default')
@pytest.mark.parametrize('others', LOOPS, ids=lambda loops: 'and ' + (' '.join(loops) or 'default'))
def test_second_evented_server_on_an_address_is_refused(docroot, loops, others):
    first = Server('async', *loops, docroot=docroot)
    try:
        address = place(first)
        done = attempt('async', LISTEN, address, *others, docroot)
        assert done.returncode == 1 and 'listening' not in done.stdout
        assert address in done.stderr and re.search('in use|another', done.stderr)
        for _ in range(10):  # and takes none of the first one's connections with it
            with first.connect() as connection:
                connection.goes_on()
    finally:
        first.stop()


def test_second_server_of_either_model_is_refused(own, docroot):
    first = own()
    for model in ('sync', 'async'):
        done = attempt(model, LISTEN, place(first), docroot)
        assert done.returncode == 1 and re.search('in use|another', done.stderr)


def test_address_of_another_program_is_refused(model, docroot):
    with socket.create_server(('127.0.0.1', 0)) as other:
        address = '127.0.0.1:%d' % other.getsockname()[1]
        done = attempt(model, LISTEN, address, docroot)
        assert done.returncode == 1 and address in done.stderr


def test_second_listener_in_use_ends_the_start(model, docroot, tmp_path):
    """All or nothing: the first one's socket does not stay behind."""
    with socket.create_server(('127.0.0.1', 0)) as other:
        path = tmp_path / 'socket'
        done = attempt(model, LISTEN, f'unix:{path}', LISTEN, '127.0.0.1:%d' % other.getsockname()[1],
                       docroot)
        assert done.returncode == 1 and 'listening' not in done.stdout
        assert not path.exists()


def test_address_is_free_again_after_a_server_was_busy(own, docroot):
    """SO_REUSEADDR: connections of the one before, in TIME_WAIT, are no reason to wait. At the address
    that others use they may have the port meanwhile."""
    pid = os.getpid()
    first = own(listen=(f'127.{pid >> 16 & 255}.{pid >> 8 & 255}.{pid & 255}:0',))
    connection = first.connect()
    connection.send(get('/small.txt', 'Connection: close'))
    connection.reply()
    connection.ended()
    address = place(first)
    first.stop()
    connection.close()
    second = own(listen=(address,))
    assert second.url == first.url


def test_address_not_of_this_machine_is_refused(model, docroot):
    done = attempt(model, LISTEN, '192.0.2.1:0', docroot)
    assert done.returncode == 1 and '192.0.2.1' in done.stderr


def test_unix_socket_is_served_and_removed(own, tmp_path):
    path = tmp_path / 'socket'
    server = own(listen=(f'unix:{path}',))
    assert server.ready[0].startswith(f'listening on unix:{path}{OVER} (')
    assert stat.S_ISSOCK(path.stat().st_mode)
    with server.connect() as connection:
        for _ in range(3):
            connection.goes_on()
        assert connection.send(get('/sizes/1048577.bin')).reply().status == 200
    server.stop()
    assert not path.exists()


def test_stale_unix_socket_is_replaced(own, tmp_path):
    path = tmp_path / 'socket'
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    with own(listen=(f'unix:{path}',)).connect() as connection:
        connection.goes_on()


def test_socket_of_a_killed_server_is_replaced(own, tmp_path):
    path = tmp_path / 'socket'
    first = own(listen=(f'unix:{path}',))
    first.kill()
    assert path.exists()
    with own(listen=(f'unix:{path}',)).connect() as connection:
        connection.goes_on()


def test_live_unix_socket_is_not_taken(own, model, tmp_path, docroot):
    path = tmp_path / 'socket'
    first = own(listen=(f'unix:{path}',))
    for other in (model, SISTER[model]):
        done = attempt(other, LISTEN, f'unix:{path}', docroot)
        assert done.returncode == 1 and str(path) in done.stderr
    with first.connect() as connection:
        connection.goes_on()


@pytest.mark.parametrize('kind', ['file', 'folder'])
def test_what_is_no_socket_is_left_alone(model, tmp_path, docroot, kind):
    path = tmp_path / 'precious'
    if kind == 'file':
        path.write_bytes(b'precious')
    else:
        path.mkdir()
    done = attempt(model, LISTEN, f'unix:{path}', docroot)
    assert done.returncode == 1 and str(path) in done.stderr
    assert path.is_dir() if kind == 'folder' else path.read_bytes() == b'precious'


def test_server_raises_its_own_descriptor_limit(own):
    hard = raise_descriptor_limit()
    server = own(limits=(min(1024, hard), hard))
    assert server.soft_descriptor_limit() == hard


def test_server_needs_no_standard_input_or_output(model, docroot, tmp_path):
    """Started by a program that has closed 0, 1 and 2, it must not take a connection for one."""
    path = str(tmp_path / 'socket')
    shown = certificates.of_this_run().options() if TLS else []
    server = subprocess.Popen(['sh', '-c', 'exec "$@" 0<&- 1>&- 2>&-', '', program('server', model),
                               *UNCONFINED, *shown, LISTEN, f'unix:{path}', docroot],
                              env=environment())

    def answers():
        try:
            with Connection(path, tls=certificates.of_clients()) as connection:
                return connection.send(get('/small.txt')).reply().status == 200
        except OSError:
            return False
    try:
        assert wait_until(lambda: server.poll() is not None or answers())
        server.terminate()
        assert server.wait(20 * PATIENCE) in (0, 1)  # ran, or said no; but was not killed
    finally:
        server.kill()


@pytest.mark.parametrize('loops', ['1', '2', '4'])
def test_every_number_of_loops_serves(docroot, loops):
    server = Server('async', '-t', loops, docroot=docroot)
    try:
        assert f'{loops} loop' in server.ready[0]
        connections = [server.connect() for _ in range(64)]
        for connection in connections:
            connection.send(get('/small.txt') + get('/sizes/262145.bin'))
        for connection in connections:
            assert connection.reply().status == 200
            assert len(connection.reply().body) == 262145
        for connection in connections:
            connection.close()
        server.settled()
    finally:
        server.stop()


def test_loops_share_a_unix_socket(docroot, tmp_path):
    server = Server('async', '-t', '3', docroot=docroot, listen=(f'unix:{tmp_path}/socket',))
    try:
        for _ in range(30):
            with server.connect() as connection:
                connection.goes_on()
    finally:
        server.stop()


def test_one_file_helper_is_enough(docroot):
    server = Server('async', '--file-threads', '1', docroot=docroot)
    try:
        connections = [server.connect() for _ in range(20)]
        for number, connection in enumerate(connections):
            connection.send(get('/fifo') + get('/sizes/65537.bin') + get(f'/no-such-{number}'))
        for connection in connections:
            assert [connection.reply().status for _ in range(3)] == [404, 200, 404]
        for connection in connections:
            connection.close()
    finally:
        server.stop()


def test_docroot_may_be_a_link(own, tmp_path, docroot):
    (tmp_path / 'link').symlink_to(docroot)
    with own(docroot=tmp_path / 'link').connect() as connection:
        connection.goes_on()


def test_docroot_may_be_relative(model, docroot):
    server = Server(model, docroot='.', cwd=docroot)
    try:
        with server.connect() as connection:
            connection.goes_on()
    finally:
        server.stop()


def test_memory_file_system_is_served(own):
    """Where RWF_NOWAIT is not known."""
    if not os.path.isdir('/dev/shm'):
        pytest.skip('no tmpfs here')
    with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
        put(pathlib.Path(folder) / 'small.txt', b'in memory\n')
        put(pathlib.Path(folder) / 'large.bin', b'x' * 3_000_000)
        server = own(docroot=folder)
        with server.connect() as connection:
            assert connection.goes_on().body == b'in memory\n'
            assert connection.send(get('/large.bin')).reply().body == b'x' * 3_000_000
        server.stop()
