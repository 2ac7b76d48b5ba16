"""What a server can still do when somebody else's code runs in it, who it is then, and what it says
of that. support/attack.c is that code."""

import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess

import pytest

from support.docroot import put
from support.facts import facts
from support.http import get
from support.programs import BUILD, PATIENCE, SANITIZER, environment, program, wait_until
from support.server import children_of, is_alive

LIBRARY = BUILD / 'tests' / 'unit' / 'libattack.so'

pytestmark = pytest.mark.skipif(SANITIZER != 'none', reason='sanitizers make calls that a confined '
                                'server may not: they go without')

is_root = os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root, reason='only root can become another user, or change '
                               'its root')


def landlock():
    """The ABI of the kernel's Landlock; 0 when it has none."""
    done = subprocess.run(
        ['python3', '-c', 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))'],
        capture_output=True, text=True, timeout=20 * PATIENCE, check=True)
    return max(0, int(done.stdout))


LANDLOCK = landlock()
needs_landlock = pytest.mark.skipif(LANDLOCK == 0, reason='this kernel has no Landlock')


@pytest.fixture
def site(tmp_path):
    """A docroot that everybody may read, beneath a folder that nobody else may enter."""
    folder = tmp_path / 'site'
    put(folder / 'small.txt', b'here\n')
    put(folder / 'large.bin', b'x' * 3_000_000)
    put(folder / 'folder' / 'a.txt', b'a')
    put(folder / 'precious.txt', b'precious\n')
    for path in (folder, folder / 'folder'):
        path.chmod(0o755)
    return folder


def said_of_confinement(server):
    line, = [line for line in server.stderr.splitlines() if 'confined: ' in line]
    return line.partition(': ')[2]


def states_of(pid):
    """Of each thread: what /proc says of its rights."""
    for path in pathlib.Path(f'/proc/{pid}/task').glob('*/status'):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):  # that of a connection which is over
            continue
        yield dict(line.split(':\t', 1) for line in text.splitlines() if ':\t' in line)


def crash(server):
    """Ends the child that serves. Nobody who comes afterwards is let in by it."""
    os.kill(server.worker, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(server.worker))


# --- attacks --------------------------------------------------------------------------------------

def attack(server, name, argument='-'):
    """Has the server's own thread do that; returns what came of it: a line that is always plain,
    behind whatever TLS may have had to say before."""
    with server.connect() as connection:
        connection.send(get('/small.txt', f'X-Attack: attack {name} {argument} '))
        said = b''
        while not (line := re.search(rf'{name}: ([^\n]*)\n'.encode(), said)):
            more = connection.raw.recv(1)
            assert more, said
            said += more
        return line[1].decode()


class Elsewhere:
    """What there is outside for an attack to reach for."""

    def __init__(self, folder, site):
        self.tcp = socket.create_server(('127.0.0.1', 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / 'elsewhere'))
        self.unix.listen()
        self.words = {
            'passwd': '/etc/passwd', 'outside': folder / 'outside', 'new': site / 'new',
            'precious': site / 'precious.txt', 'port': self.tcp.getsockname()[1],
            'unix': folder / 'elsewhere', '': '-'}

    def close(self):
        self.tcp.close()
        self.unix.close()


@pytest.fixture
def elsewhere(tmp_path, site):
    there = Elsewhere(tmp_path, site)
    yield there
    there.close()


ATTACKS = [
    ('file_outside_is_opened', 'issue 3', 'read_by_open', 'passwd'),
    ('file_outside_is_opened_from_a_folder', 'issue 3', 'read_by_openat', 'passwd'),
    ('file_outside_is_opened_with_openat2', 'issue 3', 'read_by_openat2', 'passwd'),
    ('file_outside_is_written', 'issue 3', 'write_by_openat', 'outside'),
    ('file_outside_is_written_with_openat2', 'issue 3', 'write_by_openat2', 'outside'),
    ('file_of_the_docroot_is_made', 'issue 3', 'write_by_openat', 'new'),
    ('file_of_the_docroot_is_made_with_openat2', 'issue 3', 'write_by_openat2', 'new'),
    ('file_of_the_docroot_is_written', 'issue 3', 'write_by_openat', 'precious'),
    ('file_of_the_docroot_is_written_with_openat2', 'issue 3', 'write_by_openat2', 'precious'),
    ('file_of_the_docroot_is_removed', 'issue 3', 'remove_file', 'precious'),
    ('file_of_the_docroot_is_renamed', 'issue 3', 'rename_file', 'precious'),
    ('folder_is_made', 'issue 3', 'make_folder', 'new'),
    ('program_is_run', 'issue 3', 'run_program', ''),
    ('process_is_forked', 'issue 3', 'fork_process', ''),
    ('process_is_forked_with_clone3', 'issue 3', 'fork_by_clone3', ''),
    ('parent_is_traced', 'issue 3', 'trace_parent', ''),
    ('parent_is_read', 'issue 3', 'read_parent', ''),
    ('parent_is_signalled', 'issue 3', 'signal_parent', ''),
    ('thread_of_the_parent_is_signalled', 'issue 3', 'signal_thread_of_parent', ''),
    ('address_is_connected_to', 'issue 3', 'connect_tcp', 'port'),
    ('unix_socket_is_connected_to', 'issue 3', 'connect_unix', 'unix'),
    ('address_is_bound', 'issue 3', 'listen_tcp', ''),
    ('code_is_mapped', 'issue 3', 'map_code', ''),
    ('data_become_code', 'issue 3', 'make_code', ''),
    ('file_is_made_in_memory', 'issue 3', 'make_file_in_memory', ''),
    ('name_space_is_left', 'issue 3', 'leave_name_space', ''),
    ('limit_is_changed', 'issue 3', 'raise_descriptors', ''),
]
# What only Landlock refuses, and what many machines refuse anyway.
BY_LANDLOCK = {'read_by_open', 'read_by_openat', 'read_by_openat2', 'write_by_openat2'}
PERHAPS = {'trace_parent', 'read_parent'}


@facts('name, word', ATTACKS)
def test_confined_server_cannot(own, site, elsewhere, name, word):
    if name in BY_LANDLOCK and LANDLOCK == 0:
        pytest.skip('this kernel has no Landlock')
    server = own(docroot=site, env=environment(LD_PRELOAD=str(LIBRARY)))
    before = sorted(site.rglob('*'))
    assert attack(server, name, elsewhere.words[word]) in ('EPERM', 'EACCES', 'ENOSYS')
    assert sorted(site.rglob('*')) == before
    assert (site / 'precious.txt').read_bytes() == b'precious\n'
    assert children_of(server.worker) == []
    with server.connect() as connection:  # and goes on serving
        connection.goes_on()
        assert connection.send(get('/large.bin')).reply().body == b'x' * 3_000_000


@facts('name, word', ATTACKS)
def test_server_without_sandbox_can(own, site, elsewhere, name, word):
    """Or the test above would show nothing."""
    server = own('--no-sandbox', docroot=site, env=environment(LD_PRELOAD=str(LIBRARY)))
    said = attack(server, name, elsewhere.words[word])
    server.kill()
    if name in PERHAPS and said == 'EPERM':
        pytest.skip('this machine refuses that anyway')
    assert said == 'did it'


def test_crashed_child_is_confined_again(own, site):
    server = own(docroot=site, env=environment(LD_PRELOAD=str(LIBRARY)))
    crash(server)
    assert attack(server, 'run_program') == 'EPERM'  # waits for the next child
    server.worker, = children_of(server.pid)
    assert server.stderr.count('confined: ') == 1
    server._rest()


def test_successor_is_confined(own, site):
    server = own(docroot=site, env=environment(LD_PRELOAD=str(LIBRARY)))
    server.replace()
    assert attack(server, 'run_program') == 'EPERM'
    assert server.stderr.count('confined: ') == 2


# --- who it is, and what it may -------------------------------------------------------------------

def test_every_thread_is_confined(own, site):
    server = own('--access-log', '-', '--admin', '127.0.0.1:0', docroot=site,
                 listen=('127.0.0.1:0', '127.0.0.1:0'))
    with server.connect() as connection:
        connection.goes_on()
        states = list(states_of(server.worker))
        assert len(states) >= 3
        for state in states:
            assert state['NoNewPrivs'] == '1' and state['Seccomp'] == '2'


def test_parent_is_not(own, site):
    state, = states_of(own(docroot=site).pid)
    assert state['Seccomp'] == '0'


@only_root
def test_root_keeps_nothing_but_to_read(own, site):
    (site / 'precious.txt').chmod(0o600)
    os.chown(site / 'precious.txt', 12345, 12345)
    server = own(docroot=site)
    for state in states_of(server.worker):
        assert int(state['CapEff'], 16) == int(state['CapPrm'], 16) == 1 << 2  # DAC_READ_SEARCH
        assert int(state['CapBnd'], 16) == int(state['CapInh'], 16) == int(state['CapAmb'], 16) == 0
    with server.connect() as connection:
        assert connection.send(get('/precious.txt')).reply().status == 200


@only_root
@pytest.mark.parametrize('more', [(), ('--no-sandbox',)], ids=['confined', 'without_sandbox'])
def test_user_is_who_serves(own, site, more):
    account = pwd.getpwnam('nobody')
    server = own('--user', 'nobody', *more, docroot=site)
    for state in states_of(server.worker):
        assert set(state['Uid'].split()) == {str(account.pw_uid)}
        assert set(state['Gid'].split()) == {str(account.pw_gid)}
        assert state['Groups'].split() == [
            str(group) for group in os.getgrouplist('nobody', account.pw_gid)]
        assert int(state['CapEff'], 16) == int(state['CapPrm'], 16) == 0
        if not more:
            assert int(state['CapBnd'], 16) == 0
    assert 'user nobody' in said_of_confinement(server)
    with server.connect() as connection:
        connection.goes_on()


@only_root
def test_user_reads_what_it_may(own, site):
    (site / 'precious.txt').chmod(0o600)
    server = own('--user', 'nobody', docroot=site)
    with server.connect() as connection:
        assert connection.send(get('/precious.txt')).reply().status == 403
        connection.goes_on()


@only_root
def test_user_serves_from_a_root_of_its_own(own, site):
    server = own('--user', 'nobody', '--chroot', docroot=site)
    assert os.stat(f'/proc/{server.worker}/root').st_ino == site.stat().st_ino
    assert os.stat(f'/proc/{server.pid}/root').st_ino != site.stat().st_ino
    with server.connect() as connection:
        connection.goes_on()
        assert b'a.txt' in connection.send(get('/folder/')).reply().body
        assert connection.send(get('/large.bin')).reply().status == 200
    assert re.match(r'confined: chroot, user nobody', said_of_confinement(server))


def attempt(model, *arguments, **how):
    return subprocess.run([str(part) for part in (program('server', model), '-l', '127.0.0.1:0',
                                                  *arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20 * PATIENCE, env=environment(), check=False, **how)


def test_user_that_is_unknown_is_refused(model, site):
    done = attempt(model, '--user', 'no-such-user', site)
    assert done.returncode == 1 and done.stdout == ''
    assert 'no-such-user' in done.stderr and 'no such user' in done.stderr


def other_than_root():
    """How a process is begun that is not root's, or is already not."""
    return {'user': 12345, 'group': 12345, 'extra_groups': []} if is_root else {}


@pytest.mark.parametrize('arguments, told', [(('--user', 'root'), '--user root'),
                                             (('--chroot',), '--chroot')],
                         ids=['user', 'chroot'])
def test_only_root_can(model, arguments, told):
    try:
        done = attempt(model, *arguments, '/usr/share', **other_than_root())
    except OSError:
        pytest.skip('another user may not run the server from this folder')
    assert done.returncode == 1 and done.stdout == ''
    assert told in done.stderr and 'not permitted' in done.stderr


def test_user_that_it_is_already_is_no_other(own):
    try:
        account = pwd.getpwnam('nobody') if is_root else pwd.getpwuid(os.geteuid())
        server = own('--user', account.pw_name, docroot='/usr/share',
                     user=account.pw_uid if is_root else None)
    except KeyError:
        pytest.skip('this user has no name')
    except OSError:
        pytest.skip('another user may not run the server from this folder')
    assert 'user ' in said_of_confinement(server)


@only_root
def test_docroot_that_the_user_may_not_search_is_refused(model, site):
    site.chmod(0o700)
    done = attempt(model, '--user', 'nobody', site)
    assert done.returncode == 1 and done.stdout == ''
    assert 'nobody' in done.stderr and str(site) in done.stderr and 'denied' in done.stderr


def test_what_is_in_force_is_said(own, site):
    said = said_of_confinement(own(docroot=site))
    assert said.startswith('confined: no new privileges')
    assert 'seccomp' in said
    assert (f'Landlock {LANDLOCK},' in said) == (LANDLOCK > 0)


def test_what_is_not_in_force_is_said(own, site):
    assert said_of_confinement(own('--no-sandbox', docroot=site)) == 'not confined: --no-sandbox'


# --- a confined server's life ---------------------------------------------------------------------

@pytest.fixture(params=[pytest.param((), id='as_it_is'),
                        pytest.param(('--user', 'nobody', '--chroot'), id='another',
                                     marks=only_root)])
def confined(request, own, site):
    def start(*options, **how):
        return own(*request.param, *options, docroot=site, **how)
    return start


def test_log_is_opened_anew(confined, tmp_path):
    log = tmp_path / 'log'
    server = confined('--access-log', log)
    with server.connect() as connection:
        connection.goes_on()
        assert wait_until(lambda: log.read_text().count('small.txt') == 1)
        log.rename(tmp_path / 'old')
        server.signal(signal.SIGHUP)
        assert wait_until(log.exists)
        assert wait_until(lambda: connection.goes_on() and 'small.txt' in log.read_text())


def test_server_is_replaced(confined):
    server = confined('--admin', '127.0.0.1:0')
    for _ in range(2):
        server.replace()
        with server.connect() as connection:
            connection.goes_on()


def test_unix_socket_is_removed(confined, tmp_path):
    path = tmp_path / 'socket'
    server = confined(listen=(f'unix:{path}',))
    with server.connect() as connection:
        connection.goes_on()
    server.stop()
    assert not path.exists()


def test_change_of_the_docroot_is_seen(confined, site):
    server = confined('--revalidate', '0')
    with server.connect() as connection:
        connection.goes_on()
        put(site / 'next.txt', b'next\n')
        (site / 'next.txt').chmod(0o644)
        os.rename(site / 'next.txt', site / 'small.txt')
        assert connection.goes_on().body == b'next\n'
        (site / 'folder').rename(site / 'renamed')
        assert connection.send(get('/folder/a.txt')).reply().status == 404
        assert connection.send(get('/renamed/a.txt')).reply().status == 200


def test_link_within_the_docroot_is_followed(confined, site):
    (site / 'link.txt').symlink_to('folder/a.txt')
    (site / 'out.txt').symlink_to('/etc/passwd')
    with confined().connect() as connection:
        assert connection.send(get('/link.txt')).reply().body == b'a'
        assert connection.send(get('/out.txt')).reply().status == 404


def test_docroot_that_is_renamed_is_served_on(confined, site):
    """It is the folder that was there at the start, whatever its name or what has taken its
    place."""
    server = confined('--revalidate', '0')
    with server.connect() as connection:
        connection.goes_on()
        site.rename(site.with_name('moved'))
        put(site / 'small.txt', b'another\n')
        assert connection.goes_on().body == b'here\n'
        crash(server)
    with server.connect() as connection:  # the next child's docroot, too
        assert connection.goes_on().body == b'here\n'
    server.worker, = children_of(server.pid)
    server._rest()
