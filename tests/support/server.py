"""Starts a server, watches over what it holds, and stops it."""

import collections
import ctypes
import errno
import itertools
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import tempfile

from support import certificates
from support.http import Connection
from support.programs import (PATIENCE, SANITIZER_REPORTS, TLS, UNCONFINED, environment, program,
                              wait_until)

PR_SET_CHILD_SUBREAPER = 36
TCP_LISTEN = '0A'  # in /proc/net, where sockets that listen come first

LISTEN = '--tls-listen' if TLS else '-l'  # where a test names the option itself

READY = re.compile(
    r'listening on (?:http(?P<tls>s?)://(?P<tcp>\S+)/|unix:(?P<unix>\S+)(?P<local_tls> over TLS)?) '
    r'\((?:async, 1 loop|async, [0-9]+ loops|sync, a thread for each connection)\)')


def of_threads(pid, name):
    """What stands in the file of this name below /proc, of each thread that there still is."""
    try:
        threads = os.listdir(f'/proc/{pid}/task')
    except (FileNotFoundError, ProcessLookupError):
        return
    for thread in threads:
        try:
            yield pathlib.Path(f'/proc/{pid}/task/{thread}/{name}').read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue


def children_of(pid):
    """The processes that this one has begun and that have not been waited for."""
    return [int(word) for children in of_threads(pid, 'children') for word in children.split()]


def address_of(ready):
    """What to connect to, from one match of READY."""
    if ready['unix']:
        return ready['unix']
    host, _, port = ready['tcp'].rpartition(':')
    return host.strip('[]'), int(port)


def is_tls(ready):
    """What is spoken there."""
    return bool(ready['tls'] or ready['local_tls'])


def end(pid):
    """Kills a process that is not ours to wait for, and waits until it is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_until(lambda: not is_alive(pid))


def file_of(path, name):
    """What tells an open file from others: its number, or its name when its file system is dead."""
    try:
        return os.stat(path).st_ino
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise
        return name


def is_alive(pid):
    """Whether one of its threads is. Its first one may have ended before the others, which hold all that
    the process has open."""
    return any(stat.rpartition(')')[2].split()[0] not in 'ZX' for stat in of_threads(pid, 'stat'))


def listeners_of(pid):
    """The addresses, as the kernel writes them, at which its TCP sockets listen."""
    sockets, found = set(), set()
    for entry in os.scandir(f'/proc/{pid}/fd'):
        try:
            sockets.add(os.readlink(entry.path))
        except FileNotFoundError:
            continue
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        if os.path.exists(table):
            with open(table, encoding='ascii') as lines:
                rows = itertools.takewhile(lambda row: row[3] == TCP_LISTEN,
                                           map(str.split, itertools.islice(lines, 1, None)))
                found.update(row[1] for row in rows if f'socket:[{row[9]}]' in sockets)
    return found


def adopt_orphans():
    """Processes whose parent ends become children of this one, which can then wait for them."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


class Adopted:
    """What subprocess.Popen is for a child of our own."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=None):
        if not wait_until(lambda: self.poll() is not None, (timeout or 1000) / PATIENCE):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Process:
    """A program that runs until it is stopped, and what it wrote."""

    running = []

    def __init__(self, arguments, limits=None, user=None, env=None, group=None, **popen):
        def in_child():
            if group:
                group.enter()
            if limits:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
        self.arguments = [str(argument) for argument in arguments]
        self._stdout = tempfile.TemporaryFile()
        self._stderr = tempfile.TemporaryFile()
        popen.setdefault('stdin', subprocess.DEVNULL)
        self.process = subprocess.Popen(
            self.arguments, stdout=self._stdout, stderr=self._stderr, env=env or environment(),
            preexec_fn=in_child if limits or group or user is not None else None, **popen)
        self.pid = self.process.pid
        self.worker = self.pid  # whose descriptors, threads, memory and time count
        Process.running.append(self)

    @staticmethod
    def _text(file):
        size = os.fstat(file.fileno()).st_size
        return os.pread(file.fileno(), size, 0).decode('utf-8', 'replace')

    @property
    def stdout(self):
        return self._text(self._stdout)

    @property
    def stderr(self):
        return self._text(self._stderr)

    @property
    def status(self):
        """The exit status, None while it runs, -N when signal N ended it."""
        return self.process.poll()

    def wait(self, seconds=10):
        """Waits for the program to end by itself and returns its status."""
        try:
            return self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'still runs after {seconds * PATIENCE} s: {self}') from None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """Ends it whatever it does; for cleaning up."""
        if self.status is None:
            children = children_of(self.pid)
            self.process.kill()
            self.process.wait()
            for child in children:
                end(child)
        if self in Process.running:
            Process.running.remove(self)

    def no_reports(self):
        """Asserts that no sanitizer complained."""
        said = self.stderr
        assert not any(report in said for report in SANITIZER_REPORTS), said[-8000:]

    def cpu_seconds(self):
        """User and system time of all its threads, also of those that have ended."""
        fields = pathlib.Path(f'/proc/{self.worker}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def threads(self):
        return len(os.listdir(f'/proc/{self.worker}/task'))

    def descriptors(self):
        """The open descriptors, by kind: how many of each ('socket', 'file', 'anon_inode', ...),
        and for regular files how often each file is open."""
        kinds, files = collections.Counter(), collections.Counter()
        for entry in os.scandir(f'/proc/{self.worker}/fd'):
            try:
                name = os.readlink(entry.path)
                if name.startswith('/') and not name.startswith('/dev/'):
                    files[file_of(entry.path, name)] += 1
                else:
                    kinds[re.split(r':?[\[/]', name)[0] or name] += 1
            except FileNotFoundError:
                continue
        return kinds, files

    def sockets(self):
        return self.descriptors()[0]['socket']

    def soft_descriptor_limit(self):
        return resource.prlimit(self.worker, resource.RLIMIT_NOFILE)[0]

    def __repr__(self):
        said = self.stdout + self.stderr[-8000:]
        return f'{" ".join(self.arguments)}\nstatus {self.status}\n{said}'


class Server(Process):
    """A server of either model, ready to accept: the process that was started, `pid`, and its child
    that serves, `worker`. `listen` is where it speaks plain HTTP and `tls_listen` where it speaks
    TLS; with `tls` it speaks TLS in the places of `listen`, too, and shows a certificate of this run
    unless the options name one."""

    def __init__(self, model, *options, docroot=None, listen=('127.0.0.1:0',), tls_listen=(),
                 tls=TLS, greet=True, path=None, **how):
        self.model = model
        option = '--tls-listen' if tls else '-l'
        listeners = [part for address in listen for part in (option, address)]
        listeners += [part for address in tls_listen for part in ('--tls-listen', address)]
        listen = [*listen, *tls_listen]
        if tls and '--cert' not in options:
            listeners += certificates.of_this_run().options()
            if how.get('user') is not None:
                certificates.of_this_run().give_to(how['user'])
        super().__init__([path or program('server', model), *listeners, *UNCONFINED, *options,
                          *([docroot] if docroot else [])], **how)
        lines = wait_until(lambda: self._ready_lines(len(listen)), seconds=20)
        if not lines:
            said = repr(self)
            self.kill()
            raise AssertionError(f'did not become ready: {said}')
        self.worker, = children_of(self.pid)
        self.ready = [line[0] for line in lines]
        self.addresses = [address_of(line) for line in lines]
        self.urls = [f'http{line["tls"]}://{line["tcp"]}' if line['tcp'] else None for line in lines]
        self.speaks_tls = [is_tls(line) for line in lines]
        self._rest(greet)

    def _ready_lines(self, count):
        if self.status is not None:
            said = repr(self)
            self.kill()
            raise AssertionError(f'ended instead of becoming ready: {said}')
        lines = self.ready_lines()
        return lines if len(lines) >= count else None

    def ready_lines(self):
        """Of all generations."""
        lines = [READY.fullmatch(line) for line in self.stdout.splitlines()]
        return [line for line in lines if line]

    def _rest(self, greet=True):
        if greet:
            self._greet()
        self.at_rest = self.descriptors()
        self.threads_at_rest = self.threads()

    def _greet(self):
        """Comes and goes once, and waits until nothing more is opened: a server may say that it is
        ready to accept while its loops still start. What was begun for this connection is gone then:
        its end is seen before that."""
        sockets, threads = self.sockets(), self.threads()
        with Connection(self.addresses[0]) as connection:
            connection.end()
            connection.ended()
        seen = []

        def is_at_rest():
            seen.append((self.descriptors(), self.threads()))
            (kinds, _), now = seen[-1]
            is_gone = kinds['socket'] <= sockets and (self.model == 'async' or now <= threads)
            return is_gone and len(seen) > 3 and seen[-1] == seen[-2] == seen[-3] == seen[-4]
        wait_until(is_at_rest)

    @property
    def url(self):
        return self.urls[0]

    def connect(self, listener=0, **how):
        """Over TLS where that is spoken, unless `tls` is None, which is to speak plain there."""
        if self.speaks_tls[listener] and 'tls' not in how:
            how['tls'] = certificates.of_this_run().context()
        return Connection(self.addresses[listener], **how)

    def begin_successor(self):
        """Has a successor begun, which is a child of ours then, and returns its number."""
        adopt_orphans()
        ours = set(children_of(os.getpid()))
        self.signal(signal.SIGUSR2)
        assert wait_until(lambda: set(children_of(os.getpid())) - ours), f'no successor: {self}'
        pid, = set(children_of(os.getpid())) - ours
        return pid

    def replace(self, seconds=20, busy=False):
        """Has the server replaced by a successor, and is that one's from then on. A busy one does
        not come to rest."""
        said = len(self.ready_lines())
        pid = self.begin_successor()
        assert wait_until(lambda: len(self.ready_lines()) > said, seconds), f'not replaced: {self}'
        assert self.wait(seconds) == 0, f'{self}'
        self.process = Adopted(pid)
        self.pid = pid
        self.worker, = children_of(pid)
        self.ready = [line[0] for line in self.ready_lines()[said:]]
        if not busy:
            self._rest()

    def _left_open(self):
        """What is open now and was not when the server became ready. The store may keep files open,
        each once for every loop or core; all else has to be gone when no connection is left."""
        kinds, files = self.descriptors()
        before, files_before = self.at_rest
        left = {kind: count for kind, count in (kinds - before).items()}
        loops = re.search(r'([0-9]+) loops', self.ready[0])
        most = int(loops[1]) if loops else os.cpu_count()
        left.update({f'inode {inode}': count for inode, count in (files - files_before).items()
                     if count > most})
        return left

    def _threads_left(self):
        return self.model == 'sync' and max(0, self.threads() - self.threads_at_rest)

    def _left(self, to):
        to[:] = self._left_open(), self._threads_left()
        return to

    def settled(self, seconds=30):
        """Asserts that it still runs and holds no more descriptors and threads than at rest."""
        assert self.status is None, f'the server has ended: {self}'
        assert children_of(self.pid) == [self.worker], f'another process serves now: {self}'
        left = []
        wait_until(lambda: not any(self._left(left)), seconds)
        assert not any(left), f'left open, and threads left: {left} by {self}'
        self.no_reports()

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Ends it by a signal; asserts that it went orderly. Returns how it went for more."""
        self.signal(number)
        return self.stopped(seconds)

    def stopped(self, seconds=20):
        """Waits for an end already asked for, which has to be an orderly one."""
        try:
            status = self.wait(seconds)
            self.no_reports()
            assert status == 0, f'ended with {status}: {self}'
        finally:
            self.kill()
        return self
