"""A server under a supervisor such as systemd: what it is handed, what it tells, and what its units
let it do."""

import concurrent.futures
import itertools
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

from support.activation import handed
from support.certificates import of_clients
from support.http import Connection, get
from support.programs import (BUILD, MODELS, PATIENCE, SANITIZER, TLS, environment, program,
                              wait_until)
from support.server import LISTEN, children_of, is_alive

# --- socket activation ----------------------------------------------------------------------------

@pytest.fixture
def activated(own, model, tmp_path):
    """Starts a server as a supervisor does that holds these sockets, which listen."""
    def start(sockets, *options):
        names = 'https:tls' if TLS else 'a:b'
        return own(*options, **handed(model, sockets, tmp_path, names=names))
    return start


@pytest.fixture
def sockets(tmp_path):
    """Two of a kind that a socket unit may have: they block, and are for TCP and of a path."""
    tcp = socket.create_server(('127.0.0.1', 0))
    local = socket.socket(socket.AF_UNIX)
    local.bind(str(tmp_path / 'held'))
    local.listen()
    yield tcp, local
    tcp.close()
    local.close()


def serves(address):
    with Connection(address, timeout=20, tls=of_clients()) as client:
        client.send(get('/small.txt', 'Connection: close'))
        assert client.reply().status == 200
        client.ended()


def loops_of(model):
    return [(), ('-t', '2'), ('-t', '5')] if model == 'async' else [()]


def test_sockets_of_a_supervisor_are_served_and_no_other(activated, model, sockets):
    for loops in loops_of(model):
        server = activated(sockets, *loops)
        addresses = [one.getsockname() for one in sockets]
        assert wait_until(lambda: len(server.ready_lines()) == 2)
        assert [line['tcp'] or line['unix'] for line in server.ready_lines()] == [
            f'127.0.0.1:{addresses[0][1]}', addresses[1]]
        for _ in range(10):
            for address in addresses:
                serves(address)
        server.stop()


def test_socket_of_a_supervisor_outlives_the_server(activated, model, sockets):
    """Who comes while no server is there waits for the next one."""
    tcp, local = sockets
    for loops in loops_of(model):
        activated(sockets, *loops).stop()
        assert os.path.exists(local.getsockname())
        with Connection(tcp.getsockname(), timeout=20, tls=of_clients(), later=True) as early:
            early.send(get('/small.txt'))
            server = activated(sockets, *loops)
            assert early.reply().status == 200
            early.end().ended()
        server.stop()


def test_successor_has_the_sockets_of_the_supervisor(activated, model, sockets):
    for loops in loops_of(model):
        server = activated(sockets, *loops)
        server.replace()
        for one in sockets:
            serves(one.getsockname())
        server.stop()
        assert os.path.exists(sockets[1].getsockname())


def test_address_that_is_asked_for_is_served_besides(activated, sockets):
    server = activated(sockets[:1], LISTEN, '127.0.0.1:0')
    assert wait_until(lambda: len(server.ready_lines()) == 2)
    serves(sockets[0].getsockname())
    server.stop()


# --- what a supervisor is told --------------------------------------------------------------------

class Supervisor:
    """Hears what is told, and by whom."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(20 * PATIENCE)
        self.name = address.replace('\0', '@')

    def environment(self):
        return environment(NOTIFY_SOCKET=self.name)

    def hear(self):
        """The next notice: its lines by name, and who sent it."""
        text, ancillary, _, _ = self.socket.recvmsg(4096, 256)
        pid, _, _ = struct.unpack('3i', ancillary[0][2][:12])
        return dict(line.split('=', 1) for line in text.decode().splitlines()), pid

    def fill(self):
        """Is told by us until no more can be: the count. Who tells it more has to wait."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for count in itertools.count():
                try:
                    sender.sendto(b'X=', self.socket.getsockname())
                except BlockingIOError:
                    return count

    def hears_nothing(self):
        self.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.hear()
        self.socket.settimeout(20 * PATIENCE)


@pytest.fixture(params=['path', 'abstract'])
def supervisor(request, tmp_path):
    there = Supervisor(str(tmp_path / 'notify') if request.param == 'path'
                       else f'\0cristo-test-{os.getpid()}')
    yield there
    there.socket.close()


def test_start_reload_and_stop_are_told(own, supervisor, tmp_path):
    server = own('--access-log', tmp_path / 'log', env=supervisor.environment())
    assert supervisor.hear() == ({'READY': '1', 'MAINPID': str(server.pid)}, server.pid)
    before_us = time.monotonic_ns() // 1000
    server.signal(signal.SIGHUP)
    told, sender = supervisor.hear()
    assert told.pop('RELOADING') == '1' and sender == server.pid
    assert before_us <= int(told.pop('MONOTONIC_USEC')) <= time.monotonic_ns() // 1000
    assert told == {}
    assert supervisor.hear() == ({'READY': '1', 'MAINPID': str(server.pid)}, server.pid)
    supervisor.hears_nothing()
    server.signal(signal.SIGTERM)
    assert supervisor.hear() == ({'STOPPING': '1'}, server.pid)
    server.stopped()
    supervisor.hears_nothing()


def test_readiness_is_told_when_it_accepts(own, supervisor):
    server = own(env=supervisor.environment())
    supervisor.hear()
    os.kill(server.worker, signal.SIGKILL)  # the next child is no news
    assert wait_until(lambda: not is_alive(server.worker))
    with server.connect() as connection:
        connection.goes_on()
    supervisor.hears_nothing()
    server.kill()


def test_succession_is_told_by_the_one_that_is_believed(own, supervisor):
    """The successor tells, too, but is not heard before its predecessor has named it."""
    server = own(env=supervisor.environment())
    old = server.pid
    supervisor.hear()
    server.replace()
    heir = {'READY': '1', 'MAINPID': str(server.pid)}
    told, sender = supervisor.hear()
    assert told['RELOADING'] == '1' and sender == old
    assert supervisor.hear() == (heir, server.pid)
    assert supervisor.hear() == (heir, old)
    supervisor.hears_nothing()  # the old one's end is not that of the service
    server.signal(signal.SIGTERM)
    assert supervisor.hear() == ({'STOPPING': '1'}, server.pid)
    server.stopped()


def rests(pid):
    """Whether it has closed what it told the last notice by: it waits for the next signal."""
    stat = pathlib.Path(f'/proc/{pid}/stat')
    return wait_until(lambda: stat.read_text().rpartition(')')[2].split()[0] == 'S')


def sockets_of(pid):
    return sum(os.readlink(entry.path).startswith('socket') for entry in os.scandir(f'/proc/{pid}/fd'))


def test_successor_begins_after_its_predecessor_has_told_so(own, supervisor):
    """So it cannot tell anything first, however slowly the predecessor is heard."""
    server = own(env=supervisor.environment())
    old = server.pid
    supervisor.hear()
    assert rests(old)
    held = sockets_of(old)
    ours = children_of(os.getpid())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        notices = supervisor.fill()
        replaced = pool.submit(server.replace)
        assert wait_until(lambda: sockets_of(old) > held)  # it waits to tell
        begun = set(children_of(os.getpid())) - set(ours)
        for _ in range(notices):
            supervisor.hear()
        told = [supervisor.hear() for _ in range(3)]
        replaced.result()
    assert begun == set()
    assert [(sorted(notice)[-1], sender) for notice, sender in told] == [
        ('RELOADING', old), ('READY', server.pid), ('READY', old)]
    server.stop()


def test_succession_that_fails_is_told(own, model, supervisor, tmp_path):
    path = tmp_path / 'program'
    path.symlink_to(program('server', model))
    server = own(path=path, env=supervisor.environment())
    supervisor.hear()
    path.unlink()
    server.signal(signal.SIGUSR2)
    assert supervisor.hear()[0]['RELOADING'] == '1'
    assert supervisor.hear() == ({'READY': '1', 'MAINPID': str(server.pid)}, server.pid)
    assert wait_until(lambda: children_of(server.pid) == [server.worker])


def test_succession_that_cannot_begin_is_told(own, supervisor):
    """With one descriptor left, there is none for the word of a successor."""
    server = own(env=supervisor.environment())
    supervisor.hear()
    assert rests(server.pid)
    used = {int(name) for name in os.listdir(f'/proc/{server.pid}/fd')}
    free, = itertools.islice((number for number in itertools.count() if number not in used), 1)
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (free + 1, before[1]))
    server.signal(signal.SIGUSR2)
    assert supervisor.hear()[0]['RELOADING'] == '1'
    assert supervisor.hear() == ({'READY': '1', 'MAINPID': str(server.pid)}, server.pid)
    assert 'cannot be begun: Too many open files' in server.stderr
    with server.connect() as connection:
        connection.goes_on()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
    server.replace()
    server.stop()


@pytest.mark.parametrize('name', ['/no/such/socket', 'neither', '@', '/' + 'x' * 200])
def test_supervisor_that_cannot_be_told_is_no_reason_not_to_serve(own, name):
    server = own(env=environment(NOTIFY_SOCKET=name))
    assert wait_until(lambda: 'NOTIFY_SOCKET' in server.stderr)
    with server.connect() as connection:
        connection.goes_on()


# --- units ----------------------------------------------------------------------------------------

needs_systemd = pytest.mark.skipif(not shutil.which('systemd-analyze'),
                                   reason='no systemd here (package systemd)')
only_plain = pytest.mark.skipif(SANITIZER != 'none', reason='units are for programs without '
                                'sanitizers, which make other calls')
UNITS = [f'cristo-{model}-server.{kind}' for model in MODELS for kind in ('service', 'socket')]


def run(*command):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60 * PATIENCE, check=False)


@needs_systemd
def test_units_say_what_systemd_understands(tmp_path):
    """With the programs where they were built, for they need not be installed."""
    for name in UNITS:
        unit = (BUILD / 'server' / name).read_text()
        unit = re.sub(r'^ExecStart=\S+/', f'ExecStart={BUILD}/server/', unit, flags=re.MULTILINE)
        (tmp_path / name).write_text(unit)
    done = run('systemd-analyze', 'verify', '--man=no', *(tmp_path / name for name in UNITS))
    said = [line for line in (done.stdout + done.stderr).splitlines() if 'cristo' in line]
    assert done.returncode == 0 and said == []


@needs_systemd
@pytest.mark.parametrize('model', MODELS)
def test_service_is_exposed_little(model):
    """1.5 of 10, by systemd's own reckoning."""
    done = run('systemd-analyze', 'security', '--offline=true', '--threshold=15', '--no-pager',
               BUILD / 'server' / f'cristo-{model}-server.service')
    assert done.returncode == 0, done.stdout


def members(group):
    """The system calls of one of systemd's groups."""
    listed = run('systemd-analyze', 'syscall-filter', '--no-pager', group).stdout.splitlines()
    words = {line.strip() for line in listed[1:] if line.strip() and not line.strip().startswith('#')}
    return set().union(*(members(word) if word[0] == '@' else {word} for word in words))


def allowed_calls(unit):
    """What systemd makes of the lines of a filter, one after the other."""
    calls = members('@default')
    for line in re.findall(r'^SystemCallFilter=(.*)', unit, re.MULTILINE):
        words = line.removeprefix('~').split()
        named = set().union(*(members(word) if word[0] == '@' else {word} for word in words))
        calls = calls - named if line[0] == '~' else calls | named
    return calls


def numbers_of(calls):
    defined = subprocess.run(['gcc', '-E', '-dM', '-include', 'sys/syscall.h', '-xc', '/dev/null'],
                             capture_output=True, text=True, timeout=60 * PATIENCE, check=True)
    numbers = dict(re.findall(r'#define __NR_(\w+) (\d+)', defined.stdout))
    return sorted(int(numbers[call]) for call in calls if call in numbers)


CONFINER = '''#!{python}
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
number = 0
while libc.prctl(23, number, 0, 0, 0) >= 0:  # PR_CAPBSET_READ, PR_CAPBSET_DROP
    libc.prctl(24, number, 0, 0, 0)
    number += 1
code = struct.pack('HBBI', 0x20, 0, 0, 0)
for number in {numbers}:
    code += struct.pack('HBBI', 0x15, 0, 1, number) + struct.pack('HBBI', 0x06, 0, 0, 0x7fff0000)
code += struct.pack('HBBI', 0x06, 0, 0, 0x00050001)
room = ctypes.create_string_buffer(code)
filter = struct.pack('HxxxxxxP', len(code) // 8, ctypes.addressof(room))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter, 0, 0) == 0
os.execv({program!r}, [{program!r}, *sys.argv[1:]])
'''


@needs_systemd
@only_plain
def test_calls_that_the_service_may_make_are_enough(own, model, tmp_path):
    """Under the unit's own filter, and with no capability, it serves, confines itself as ever,
    opens its log anew, is replaced, and stops."""
    unit = (BUILD / 'server' / f'cristo-{model}-server.service').read_text()
    calls = allowed_calls(unit)
    assert 'read' in calls and 'chroot' not in calls and 'capset' not in calls
    assert not re.search(r'^(DynamicUser|RestrictSUIDSGID)=yes', unit, re.MULTILINE)  # no openat2
    path = tmp_path / 'launcher'
    path.write_text(CONFINER.format(python=sys.executable, numbers=numbers_of(calls),
                                    program=str(program('server', model))))
    path.chmod(0o755)
    log = tmp_path / 'log'
    server = own('--access-log', log, '--admin', '127.0.0.1:0', path=path)
    for pid in (server.pid, server.worker):
        state = pathlib.Path(f'/proc/{pid}/status').read_text()
        assert 'Seccomp:\t2' in state and 'CapEff:\t0000000000000000' in state
    usual = own()
    assert server.stderr == usual.stderr  # a line, and the same
    with server.connect() as connection:
        connection.goes_on()
        log.rename(tmp_path / 'old')
        server.signal(signal.SIGHUP)
        assert wait_until(log.exists)
        connection.goes_on()
        assert connection.send(get('/sizes/1048577.bin')).reply().status == 200
    server.replace()
    with server.connect() as connection:
        connection.goes_on()
    server.stop()
