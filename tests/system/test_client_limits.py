"""A client that meets a limit of the system's names it, and says what it must be: with just that much
the same run is made."""

import os
import pathlib
import re
import resource

import pytest

from support.client import Run, Wrong, run, whole
from support.group import Group
from support.network import Network
from support.programs import BUILD, SANITIZER, environment, program, wait_until
from support.server import Process

pytestmark = pytest.mark.plain('limits of the system are met in the same way')

THREADS = 300
STACK_KB = 64

is_root = os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root, reason='only root can become another user, or make a '
                               'group of processes')
# The one that looks for leaks when a program ends is a process too, which the limit may not leave it.
NO_LEAKS = environment(ASAN_OPTIONS=environment()['ASAN_OPTIONS'] + ':detect_leaks=0')

plain = pytest.mark.skipif(SANITIZER != 'none', reason='sanitizers map without end')


@pytest.fixture
def load(model, shared):
    """The words of a client that has so many threads, each with one request."""
    def words(threads=THREADS):
        loops = ['-t', threads] if model == 'async' else []
        return ['-c', threads, '-n', threads, *loops, shared().url + '/small.txt']
    return words


def needed(done, name, value, before=r'-[ct] [0-9]+: .*'):
    """What a client that could not run says that a limit must be, which is this now."""
    said = re.fullmatch(rf'cristo-a?sync-client: {before}{re.escape(str(name))} is {value} and must be '
                        r'([0-9]+)\n', done.stderr)
    assert said and done.stdout == '' and done.status == 1, done
    return int(said[1])


def runs(done, requests=THREADS):
    assert done.status == 0 and f'{requests} ok, 0 failed' in done.stdout, done


# --- threads --------------------------------------------------------------------------------------

@only_root
def test_threads_of_a_user(model, load):
    """A user who has none yet."""
    user = 2_000_000_000 + os.getpid()

    def run_with(limit):
        try:
            return run(model, *load(), env=NO_LEAKS, user=user, group=user, extra_groups=[], preexec_fn=lambda:
                       resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit)))
        except PermissionError:
            pytest.skip('not everybody may run what was built here')
    must_be = needed(run_with(200), 'ulimit -u', 200)
    assert must_be <= THREADS + 100
    runs(run_with(must_be))


def has_pid_max_of_its_own():
    """Since Linux 6.14 every namespace has; before, all have the machine's."""
    version = re.match(r'([0-9]+)\.([0-9]+)', os.uname().release)
    return (int(version[1]), int(version[2])) >= (6, 14)


@pytest.mark.skipif(not has_pid_max_of_its_own(), reason='kernel.pid_max is of the whole machine')
def test_numbers_of_processes(model, load):
    """In a namespace of its own, which has as many as it is told to have, and a /proc of its own. That one is
    mounted on the other, which is made private first: / need not be a mount, as in a chroot."""
    def run_with(limit):
        as_root = [] if is_root else ['--user', '--map-root-user']
        words = ['unshare', *as_root, '--pid', '--fork', '--mount', '--propagation', 'unchanged',
                 'sh', '-ec', 'mount --make-private /proc; mount -t proc proc /proc; '
                 'echo "$0" >/proc/sys/kernel/pid_max; "$@"', limit, program('client', model), *load()]
        return Run(words, 60, env=NO_LEAKS)
    must_be = needed(run_with(302), 'kernel.pid_max', 302)
    assert must_be <= 300 + THREADS + 100
    runs(run_with(must_be))


@only_root
def test_processes_of_a_control_group(model, load):
    with Group() as group:
        group.limit(200)
        must_be = needed(run(model, *load(), env=NO_LEAKS, preexec_fn=group.enter), group.name, 200)
        assert must_be <= THREADS + 100
        group.limit(must_be)
        runs(run(model, *load(), env=NO_LEAKS, preexec_fn=group.enter))


def most_mappings():
    return int(pathlib.Path('/proc/sys/vm/max_map_count').read_text())


@plain
@pytest.mark.skipif(most_mappings() > 300_000, reason='vm.max_map_count is too large to be met')
def test_mappings(model, load):
    """A thread has two. What is said to be lacking is left to it, since the limit is everybody's."""
    def run_with(mappings):
        preloaded = environment(LD_PRELOAD=str(BUILD / 'tests/unit/libmappings.so'),
                                CRISTO_MAPPINGS=str(mappings))
        return run(model, *load(), env=preloaded)
    most = most_mappings()
    lacking = needed(run_with(most - THREADS), 'vm.max_map_count', most) - most
    assert THREADS < lacking <= THREADS + 250
    runs(run_with(most - THREADS - lacking))


# --- memory ---------------------------------------------------------------------------------------

def address_space(kilobytes):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024, kilobytes * 1024))


@plain
def test_address_space(model, load):
    """Of what is made room for before, or of the threads' stacks after that."""
    must_be = needed(run(model, *load(), preexec_fn=address_space(60_000)), 'ulimit -v', 60_000,
                     r'-c [0-9]+: there is no room for [0-9.]+[kMG]B: ')
    runs(run(model, *load(), preexec_fn=address_space(must_be)))
    few = must_be - 16 * 1024 - THREADS * STACK_KB // 2
    again = needed(run(model, *load(), preexec_fn=address_space(few)), 'ulimit -v', few,
                   r'-[ct] [0-9]+: only [0-9]+ threads could be started: ')
    assert abs(again - must_be) < 8 * 1024
    runs(run(model, *load(), preexec_fn=address_space(again)))


# --- descriptors ----------------------------------------------------------------------------------

def test_descriptors(model, shared):
    """Those that a parent has left open count too. With one less than is said, it says so again."""
    inherited = [os.open('/dev/null', os.O_RDONLY) for _ in range(50)]

    def run_with(limit):
        return run(model, '-c', 100, '-n', 100, shared().url + '/small.txt', pass_fds=inherited,
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))

    def must_be(limit):
        done = run_with(limit)
        said = re.match(r'cristo-a?sync-client: -c 100 needs ([0-9]+) descriptors, the hard limit is '
                        rf'{limit}: raise it with ulimit -Hn \1\n', done.stderr)
        assert said and done.status == 2, done
        return int(said[1])
    try:
        enough = must_be(max(inherited) + 20)
        assert 150 < enough < 180 and must_be(enough - 1) == enough
        runs(run_with(enough), 100)
    finally:
        for fd in inherited:
            os.close(fd)


# --- local ports ----------------------------------------------------------------------------------

PORTS = 100

# Longer than the others are waited for before anybody is answered.
PATIENTLY = ['-T', '200s']


@pytest.fixture
def network():
    """Where an address has few ports, and whoever ends a connection first keeps its port for as long
    as on a real network."""
    with Network() as one:
        one.set('net.ipv4.ip_local_port_range', f'20000 {20000 + PORTS - 1}')
        one.set('net.ipv4.tcp_tw_reuse', 0)
        yield one


def run_in(network, model, *words):
    return Run([*network.prefix, program('client', model), *words, *PATIENTLY, network.url + '/'], 60)


def sources(count):
    return ['--source', ','.join(f'127.0.1.{number + 1}' for number in range(count))]


class Gathering(Wrong):
    """Nobody is answered before so many are there."""

    def __init__(self, network, count):
        super().__init__(self.answer, listener=network.listener)
        self.count = count

    def answer(self, connection, number):
        wait_until(lambda: len(self.heads) >= self.count)
        connection.sendall(whole())
        return True


def test_ports_are_too_few(model, network):
    """Found out before; as many addresses as are said are enough, or as many ports."""
    words = ['-c', 250, '-n', 250]
    done = run_in(network, model, *words)
    said = re.search(r'-c 250 needs more local ports than the 100 of 1 address: name ([0-9]+) with '
                     r'--source, or widen net\.ipv4\.ip_local_port_range from 100 ports to ([0-9]+)\n',
                     done.stderr)
    assert said and done.status == 2, done
    network.set('net.ipv4.ip_local_port_range', f'20000 {20000 + int(said[2]) - 1}')
    with Gathering(network, 250) as server:
        runs(run_in(network, model, *words), 250)
        network.set('net.ipv4.ip_local_port_range', f'20000 {20000 + PORTS - 1}')
        server.count = 500
        runs(run_in(network, model, *words, *sources(int(said[1]))), 250)


def test_reserved_ports_are_none(model, network):
    network.set('net.ipv4.ip_local_reserved_ports', '80,19990-20009,20050,20090-30000')
    done = run_in(network, model, '-c', 100, '-n', 100)
    assert done.status == 2 and 'than the 79 of 1 address' in done.stderr, done
    with Gathering(network, 79):
        runs(run_in(network, model, '-c', 79, '-n', 79), 79)


def judged(done, failed):
    """What a run says that found no ports for some connections."""
    result = done.json
    assert done.status == 1 and result['trusted'] is False
    assert result['errors']['connect'] == result['trust']['no_port'] == failed
    why, = (why for why in result['trust']['why'] if 'port' in why)
    assert f'of the {PORTS} in net.ipv4.ip_local_port_range' in why.replace('each of', 'of')
    return why


def test_ports_are_in_use(model, network):
    """By others, who hold 60 of them."""
    with Gathering(network, PORTS) as server:
        other = Process([*network.prefix, program('client', 'async'), '-c', 60, '-n', 60, *PATIENTLY,
                         network.url + '/'])
        try:
            assert wait_until(lambda: len(server.heads) == 60)
            words = ['-c', 50, '-n', 50, '--json', '-']
            why = judged(run_in(network, model, *words), 10)
            name = re.search(r'name ([0-9]+) addresses with --source$', why)
            again = run_in(network, model, '-c', 50, '-n', 50, *sources(int(name[1])))
            runs(again, 50)
        finally:
            other.kill()


def test_ports_are_used_up(model, network):
    """By its own connections, which come and go and are ended by the client."""
    with Wrong(whole(), listener=network.listener):
        words = ['-c', 4, '-n', 3 * PORTS, '--close']
        why = judged(run_in(network, model, *words, '--json', '-'), 2 * PORTS)
        said = re.search(r'kept for a minute after its connection: name ([0-9]+) addresses with '
                         r'--source, or make no more than 1\.67 connections a second \(-R\)$', why)
        assert said and int(said[1]) > 5
        runs(run_in(network, model, *words, *sources(5)), 3 * PORTS)
