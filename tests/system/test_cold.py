"""Files that have to be waited for hold up nobody else: while some clients wait for a file system
that does not answer, others are served, and when it answers their replies come whole.

The file system is support/slowfs.c, on FUSE, which does not know RWF_NOWAIT: opening a file, asking
for its state and reading any slice of it may wait for as long as a test likes."""

import contextlib
import ctypes
import os
import signal

import pytest

from support.docroot import OLD, pattern, put
from support.http import get, head, request
from support.programs import SANITIZER, environment, wait_until
from support.server import Server, is_alive, listeners_of
from support.slowfs import SlowFs

HELPERS = 4       # --file-threads, by default
SMALL = 1000      # held in memory
MEDIUM = 300_000  # read once for its entity tag, then sent from its descriptor
LARGE = (4 << 20) + 99_999  # more than is read for a tag: what is sent is read for that alone
MIDDLE = 1 << 20

WAYS = {'sync': ('sync',), 'async': ('async',), 'two loops': ('async', '-t', '2')}


class Site:
    """A docroot on a disk, with a slow file system mounted in it at /slow."""

    def __init__(self, folder):
        self.root, self.behind = folder / 'docroot', folder / 'behind'
        self.root.mkdir()
        self.behind.mkdir()
        put(self.root / 'small.txt', b'warm\n')
        put(self.root / 'large.bin', pattern(MEDIUM))
        self.fs = SlowFs(self.behind, self.root / 'slow')
        self.count = 0

    def fresh(self, size, slow=True):
        """A new file that no server has seen: its path, for a request. It has a folder of its own,
        which the kernel has seen: it looks for one name at a time in each that it has not."""
        self.count += 1
        name = f'{self.count}/file.txt'
        put((self.behind if slow else self.root) / name, pattern(size, self.count))
        os.utime((self.behind if slow else self.root) / name, (OLD, OLD))
        if slow:
            os.stat(self.fs.at / name)
        return f'/slow/{name}' if slow else f'/{name}'

    def content(self, path):
        return (self.behind / path[6:] if path.startswith('/slow/') else self.root / path[1:]) \
            .read_bytes()

    def cold(self, size):
        """The same on the disk, out of the kernel's memory as far as it can be driven out."""
        path = self.fresh(size, slow=False)
        fd = os.open(self.root / path[1:], os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
        return path


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp('cold'))
    yield site
    site.fs.end()


@contextlib.contextmanager
def serving(way, *options, docroot, **how):
    server = Server(*WAYS[way], *options, docroot=docroot, **how)
    try:
        yield server
    finally:
        if server.status is None:
            server.stop()
        server.kill()


@pytest.fixture(scope='module', params=WAYS)
def way(request):
    return request.param


# Where a second loop makes no difference.
ONE_LOOP = pytest.mark.parametrize('way', ['sync', 'async'], scope='module')


@pytest.fixture(scope='module')
def server(way, site):
    with serving(way, docroot=site.root) as server:
        yield server


def threads_that_wait(way, clients):
    """How many of so many clients the file system can be asked for at a time."""
    return clients if way == 'sync' else min(clients, HELPERS)


def is_right(site, reply, path):
    return reply.status == 200 and reply.body == site.content(path)


class Others:
    """Clients of warm files, and of cold ones on the disk, who are none the worse."""

    def __init__(self, site, server):
        self.site, self.server = site, server
        self.old = [server.connect() for _ in range(4)]
        self.go_on()

    def go_on(self, rounds=1):
        for _ in range(rounds):
            for connection in self.old:
                connection.send(get('/small.txt') * 10)
            for connection in self.old:
                for _ in range(10):
                    assert connection.reply().body == b'warm\n'
        with self.server.connect() as new:
            assert new.goes_on('/large.bin').body == pattern(MEDIUM)
            for size in (SMALL, MEDIUM):
                path = self.site.fresh(size, slow=False)
                assert is_right(self.site, new.send(get(path)).reply(), path)
            assert new.send(get('/is-not-there')).reply().status == 404
        for _ in range(10):
            with self.server.connect() as new:
                new.goes_on()


# Where a request waits: the call that is held, of a file of this size, beyond this offset.
CALLS = {
    'in_a_look_up': ('lookup', SMALL, -1),
    'in_open': ('open', SMALL, -1),
    'in_fstat': ('getattr', SMALL, -1),
    'in_fstatfs': ('statfs', SMALL, -1),
    'reading_what_is_held': ('read', SMALL, -1),
    'reading_for_a_tag': ('read', MEDIUM, -1),
    'reading_the_first_slice': ('read', LARGE, -1),
    'reading_a_later_slice': ('read', LARGE, MIDDLE),
}


@pytest.mark.parametrize('call, size, beyond', CALLS.values(), ids=CALLS)
def test_who_waits_holds_up_nobody(site, way, server, call, size, beyond):
    """Neither does one, nor as many as there are helpers, and more."""
    others = Others(site, server)
    paths = [site.fresh(size) for _ in range(HELPERS + 2)]
    with site.fs.holding(call, beyond=beyond):
        first = server.connect().send(get(paths[0]))
        site.fs.holds(1)
        others.go_on()
        more = [server.connect().send(get(path, f'Range: bytes={beyond + 1}-{beyond + MEDIUM}'))
                for path in paths[1:]]
        site.fs.holds(threads_that_wait(way, len(paths)))
        others.go_on(rounds=3)
    assert is_right(site, first.reply(), paths[0])
    for path, connection in zip(paths[1:], more):
        assert connection.reply().body == site.content(path)[beyond + 1:beyond + 1 + MEDIUM]
        connection.goes_on()


@pytest.mark.parametrize('way', ['async'])
def test_slow_slices_without_end_leave_room_for_others(site, way):
    """More of them are asked for than are read into memory at once."""
    path, cold = site.fresh(LARGE), site.cold(LARGE)
    with serving(way, '--revalidate', '600s', docroot=site.root) as server:
        with server.connect() as connection:
            assert connection.send(head(path)).reply('HEAD').status == 200  # it is open
        with site.fs.holding('read'):
            waiting = [server.connect().send(get(path, 'Range: bytes=0-99999'))
                       for _ in range(140)]
            site.fs.holds(1)
            with server.connect() as other:
                assert is_right(site, other.send(get(cold)).reply(), cold)
        for connection in waiting:
            assert connection.reply().body == site.content(path)[:100_000]
            connection.close()


@ONE_LOOP
@pytest.mark.parametrize('call, size, beyond', [
    ('lookup', SMALL, -1), ('open', SMALL, -1), ('read', MEDIUM, -1), ('read', LARGE, MIDDLE)])
def test_client_who_leaves_meanwhile_leaves_nothing_behind(site, way, server, call, size, beyond):
    paths = [site.fresh(size) for _ in range(HELPERS + 2)]
    with site.fs.holding(call, beyond=beyond):
        leaving = [server.connect().send(get(path)) for path in paths]
        site.fs.holds(threads_that_wait(way, len(paths)))
        for number, connection in enumerate(leaving):
            connection.close() if number % 2 else connection.cut()
        with server.connect() as connection:
            connection.goes_on()
    server.settled()
    with server.connect() as connection:  # what they asked for is as good as ever
        for path in paths:
            assert is_right(site, connection.send(get(path)).reply(), path)


@ONE_LOOP
def test_place_of_a_client_who_has_left_is_free_again(site, way):
    with serving(way, '--max-connections', '2', docroot=site.root) as server:
        with site.fs.holding('open'):
            leaving = [server.connect().send(get(site.fresh(SMALL))) for _ in range(2)]
            site.fs.holds(2)
            next_ones = [server.connect(timeout=30, later=True).send(get('/small.txt'))
                         for _ in range(2)]
            for connection in leaving:
                connection.cut()
        for connection in next_ones:
            assert connection.reply().status == 200


# --- what is asked for ---------------------------------------------------------------------------

QUESTIONS = {
    'head': lambda path: head(path),
    'range': lambda path: get(path, 'Range: bytes=100-199'),
    'last_bytes': lambda path: get(path, 'Range: bytes=-10'),
    'several_ranges': lambda path: get(path, 'Range: bytes=0-9,500-599,900-'),
    'range_beyond': lambda path: get(path, 'Range: bytes=99999999-'),
    'unchanged': lambda path: get(path, 'If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT'),
    'changed': lambda path: get(path, 'If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT'),
    'of_any_tag': lambda path: get(path, 'If-None-Match: *'),
    'options': lambda path: request('OPTIONS', path),
    'coded': lambda path: get(path, 'Accept-Encoding: gzip, br'),
    'coded_alone': lambda path: get(path, 'Accept-Encoding: br, identity;q=0'),
    'what_is_not_there': lambda path: get(path + '.not'),
    'file_as_a_folder': lambda path: get(path + '/'),
}


@ONE_LOOP
@pytest.mark.parametrize('call', ['lookup', 'open', 'read'])
def test_every_question_is_answered_as_if_on_a_disk(site, server, call):
    """All of them at once, of a file that waits; then of its twin on the disk."""
    slow = [site.fresh(size) for size in (SMALL, MEDIUM)]
    twins = [path.replace('slow', 'twins') for path in slow]
    for path, twin in zip(slow, twins):
        put(site.root / twin[1:], site.content(path))
        for root, name in ((site.behind, path[6:]), (site.root, twin[1:])):
            put(root / f'{name}.br', pattern(77))
            for each in (name, f'{name}.br'):
                os.utime(root / each, (OLD, OLD))
    asked = [(question, path, twin, 'HEAD' if name == 'head' else 'GET')
             for name, question in QUESTIONS.items() for path, twin in zip(slow, twins)]
    with site.fs.holding(call):
        waiting = [server.connect().send(question(path)) for question, path, _, _ in asked]
        site.fs.holds(1)
        with server.connect() as connection:
            connection.goes_on()
    with server.connect() as connection:
        for (question, path, twin, method), slow_one in zip(asked, waiting):
            came = slow_one.reply(method)
            due = connection.send(question(twin)).reply(method)
            assert comparable(came) == comparable(due), (path, came.head, due.head)


def comparable(reply):
    """All of it but what is different each time."""
    body, fields = reply.body, reply.except_date()[1]
    kind = next((value for name, value in fields if name == 'Content-Type'), '')
    if 'boundary=' in kind:
        boundary = kind.partition('boundary=')[2]
        body = body.replace(boundary.encode(), b'boundary')
        fields = [field for field in fields if field[0] != 'Content-Type']
    return reply.status, fields, body


@ONE_LOOP
def test_parts_of_a_large_file_come_in_their_order(site, server):
    """Each part waits by itself."""
    path = site.fresh(LARGE)
    content = site.content(path)
    with site.fs.holding('read', beyond=MIDDLE):
        waiting = server.connect().send(
            get(path, f'Range: bytes=10-19,{MIDDLE + 600_000}-{MIDDLE + 999_999},-30'))
        site.fs.holds(1)
        with server.connect() as connection:
            connection.goes_on()
    reply = waiting.reply()
    assert reply.status == 206
    at = 0
    for part in (content[10:20], content[MIDDLE + 600_000:MIDDLE + 1_000_000], content[-30:]):
        at = reply.body.index(part, at) + len(part)


@ONE_LOOP
def test_pipeline_behind_a_file_that_waits_keeps_its_order(site, server):
    path = site.fresh(MEDIUM)
    with site.fs.holding('open'):
        waiting = server.connect().send(get('/small.txt') + get(path) + get('/small.txt'))
        assert waiting.reply().body == b'warm\n'  # what is ready need not wait
        site.fs.holds(1)
    assert is_right(site, waiting.reply(), path)
    assert waiting.reply().body == b'warm\n'


@ONE_LOOP
@pytest.mark.parametrize('call', ['lookup', 'getattr', 'opendir', 'readdir'])
def test_folder_that_waits_is_listed_in_the_end(site, server, call):
    others = Others(site, server)
    folder = f'folder-{site.count}-{call}'
    put(site.behind / folder / 'one.txt', b'1')
    put(site.behind / folder / 'two' / 'x', b'2')
    with site.fs.holding(call):
        waiting = server.connect().send(get(f'/slow/{folder}/'))
        site.fs.holds(1)
        others.go_on()
    reply = waiting.reply()
    assert reply.status == 200
    assert b'>one.txt</a>' in reply.body and b'>two/</a>' in reply.body


@ONE_LOOP
def test_folder_with_a_slow_one_in_it_holds_up_nobody(site, server):
    """To list it the slow one has to be looked at."""
    others = Others(site, server)
    with site.fs.holding('getattr'):
        waiting = server.connect().send(get('/'))
        site.fs.holds(1)
        others.go_on()
    assert b'>slow/</a>' in waiting.reply().body


def test_link_from_the_disk_into_what_is_slow_holds_up_nobody(site, way, server):
    """No helper that is kept for disks follows it."""
    others = Others(site, server)
    links = []
    for _ in range(HELPERS + 2):
        path = site.fresh(SMALL)
        links.append(f'/link-{site.count}.bin')
        (site.root / links[-1][1:]).symlink_to(path[1:])
    stale = site.fresh(SMALL, slow=False)
    (site.root / f'{stale[1:]}.gz').symlink_to(site.fresh(SMALL)[1:])
    with site.fs.holding('lookup'):
        waiting = [server.connect().send(get(link)) for link in links]
        site.fs.holds(threads_that_wait(way, len(links)))
        sibling = server.connect().send(get(stale))
        others.go_on()
    for link, connection in zip(links, waiting):
        assert is_right(site, connection.reply(), link)
    assert is_right(site, sibling.reply(), stale)


def test_whole_docroot_may_be_slow(site, way):
    """Its files in memory are still trusted for a while, and only who asks for others waits."""
    put(site.behind / 'small.txt', b'slow but known\n')
    with serving(way, '--revalidate', '600s', docroot=site.fs.at) as server:
        path = site.fresh(LARGE)
        known = server.connect()
        known.goes_on()  # so its loop knows the file; of threads every core has to
        with site.fs.holding('read'):
            waiting = [server.connect().send(get(path[5:])) for _ in range(HELPERS + 2)]
            site.fs.holds(1)
            for _ in range(100 if way != 'sync' else 0):
                assert known.goes_on().body == b'slow but known\n'
        for connection in waiting:
            assert is_right(site, connection.reply(), path)


def test_open_that_is_interrupted_without_end_is_asked_for_again(site):
    """By the signal that wakes threads while a server drains."""
    libc = ctypes.CDLL(None, use_errno=True)
    with serving('sync', docroot=site.root) as server:
        path = site.fresh(SMALL)
        resting = set(os.listdir(f'/proc/{server.worker}/task'))
        with site.fs.holding('open'):
            waiting = server.connect().send(get(path))
            site.fs.holds(1)
            thread, = set(os.listdir(f'/proc/{server.worker}/task')) - resting
            for number in range(70):
                assert wait_until(lambda: site.fs.asked() > number)
                assert libc.tgkill(server.worker, int(thread), signal.SIGRTMIN) == 0
            assert wait_until(lambda: site.fs.asked() > 70)
        assert is_right(site, waiting.reply(), path)


# --- the end -------------------------------------------------------------------------------------

def test_server_is_ended_though_some_wait(site, way):
    """Leaks are not looked for: that would have to stop the threads that wait for a page."""
    env = environment(ASAN_OPTIONS='detect_leaks=0:exitcode=99')
    with serving(way, '--drain-timeout', '0.1s', docroot=site.root, env=env) as server:
        paths = [site.fresh(LARGE) for _ in range(HELPERS + 2)]
        with site.fs.holding('open', paths[0][5:]), site.fs.holding('read', beyond=MIDDLE):
            for path in paths:
                server.connect().send(get(path))
            site.fs.holds(threads_that_wait(way, len(paths)))
            server.stop(signal.SIGTERM)


@pytest.mark.skipif(SANITIZER != 'none', reason='it takes ten seconds and is the same everywhere')
def test_process_that_nothing_ends_is_left_to_itself(site):
    """It is held by a file system that does not hear of its end; whoever stops the server is not."""
    with serving('async', '--drain-timeout', '0s', docroot=site.root) as server:
        path = site.fresh(SMALL)
        with site.fs.holding('open'):
            site.fs.deaf()
            server.connect().send(get(path))
            site.fs.holds(1)
            server.signal(signal.SIGTERM)
            assert server.wait(60) == 1
            assert 'cannot be ended' in server.stderr
        assert wait_until(lambda: not is_alive(server.worker))


@ONE_LOOP
def test_what_comes_within_the_drain_timeout_is_sent(site, way):
    with serving(way, '--drain-timeout', '60s', docroot=site.root) as server:
        path = site.fresh(LARGE)
        with site.fs.holding('read', beyond=MIDDLE):
            waiting = server.connect().send(get(path))
            site.fs.holds(1)
            server.signal(signal.SIGTERM)
        assert is_right(site, waiting.reply(), path)
        waiting.ended()
        server.stopped()


@ONE_LOOP
@pytest.mark.parametrize('call', ['lookup', 'getattr', 'opendir', 'readdir'])
def test_folder_that_waits_is_listed_when_a_drain_wakes_who_waits(site, way, call):
    with serving(way, '--drain-timeout', '60s', docroot=site.root) as server:
        folder = f'folder-{site.count}-{call}-drained'
        put(site.behind / folder / 'one.txt', b'1')
        put(site.behind / folder / 'two' / 'x', b'2')
        with site.fs.holding(call):
            waiting = server.connect().send(get(f'/slow/{folder}/'))
            site.fs.holds(1)
            server.signal(signal.SIGTERM)
            assert wait_until(lambda: not listeners_of(server.worker))
        reply = waiting.reply()
        assert reply.status == 200
        assert b'>one.txt</a>' in reply.body and b'>two/</a>' in reply.body
        waiting.ended()
        server.stopped()
