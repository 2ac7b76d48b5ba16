"""What goes wrong around a server costs one connection, or one reply, and never the server: when it is
over, a normal request is answered, and nothing is lost.

FAULTS lists what can go wrong, with the cases that make it go wrong. Those of the unit suite fail a
call on order (support/faults.c), in turn at each of its places, and are built for both servers; those
of the system suite run against both programs. Every one ends with a normal request, and with
descriptors, threads and memory as they were: counted call by call there, by conftest.py and the leak
checker here."""

import errno
import os
import pathlib
import re
import signal
import subprocess

import pytest

from support.docroot import OLD, pattern, put, replace
from support.http import CUT, Ended, get
from support.programs import HOME, SANITIZER
from support.server import Server
from support.slowfs import SlowFs

FAULTS = [
    ('descriptors run out', 'accept_without_descriptors', 'accept_without_descriptors_anywhere',
     'open_without_descriptors', 'open_without_descriptors_anywhere', 'start_without_descriptors',
     'start_without_mailboxes', 'test_out_of_descriptors_is_waited_out_without_spinning',
     'test_file_without_a_descriptor_for_it_is_503_and_no_hang'),
    ('a thread cannot be created', 'threads', 'start_without_threads',
     'without_a_thread_for_it_a_client_is_told_503', 'test_thread_that_cannot_be_made_is_503'),
    ('memory runs out, at each allocation in turn', 'memory', 'memory_while_replies_are_worked_for',
     'memory_while_slices_are_fetched', 'start_without_memory',
     'test_every_allocation_of_a_start_may_fail'),
    ('or in a call of the kernel', 'accept_without_memory', 'accept_without_buffers',
     'receive_without_memory', 'send_without_memory', 'send_without_buffers',
     'send_file_without_memory', 'open_without_memory', 'status_without_memory',
     'folder_without_memory', 'events_without_memory', 'events_beyond_the_limit',
     'poll_without_memory', 'start_without_events'),
    ('a file is truncated in the middle of a reply', 'test_file_changed_while_it_is_sent',
     'test_file_in_memory_changed_while_it_is_sent',
     'a_file_truncated_while_it_is_sent_cuts_its_connection'),
    ('or rewritten', 'test_file_changed_while_it_is_sent',
     'test_file_in_memory_changed_while_it_is_sent',
     'a_file_rewritten_while_it_is_sent_cuts_its_connection'),
    ('or replaced', 'test_file_changed_while_it_is_sent',
     'test_file_in_memory_changed_while_it_is_sent',
     'a_file_replaced_while_it_is_sent_is_sent_as_it_was'),
    ('or deleted', 'test_file_changed_while_it_is_sent',
     'test_file_in_memory_changed_while_it_is_sent'),
    ('or made unreadable', 'test_file_changed_while_it_is_sent',
     'test_file_in_memory_changed_while_it_is_sent'),
    ('a client resets before a byte', 'reset_before_a_head', 'test_client_resets'),
    ('in the head', 'reset_within_a_head', 'test_client_resets'),
    ('in the body', 'reset_within_a_body', 'reset_within_a_chunk',
     'reset_before_a_body_that_is_asked_for', 'test_client_resets'),
    ('while its reply is waited or worked for', 'reset_while_it_waits_or_works'),
    ('while its file is looked for or read', 'reset_while_a_file_is_fetched',
     'test_client_who_leaves_meanwhile_leaves_nothing_behind'),
    ('while heads leave', 'reset_behind_many_heads', 'test_client_resets_while_heads_leave'),
    ('in the middle of a file', 'reset_while_a_file_is_sent',
     'test_client_resets_while_it_is_sent_to'),
    ('without a request', 'reset_between_requests'),
    ('while the server lingers', 'reset_while_it_lingers'),
    ('a client is gone, says the kernel', 'accept_of_one_who_has_left', 'accept_of_a_broken_one',
     'accept_against_a_firewall', 'receive_after_a_reset', 'receive_after_silence_of_the_net',
     'send_to_one_who_has_left', 'send_after_a_reset', 'send_file_to_one_who_has_left',
     'end_of_our_side'),
    ('a signal interrupts any call', 'accept_is_interrupted', 'receive_is_interrupted',
     'send_is_interrupted', 'send_file_is_interrupted', 'open_is_interrupted',
     'read_is_interrupted', 'poll_is_interrupted', 'sleep_is_interrupted',
     'events_are_interrupted', 'signals_rain',
     'test_open_that_is_interrupted_without_end_is_asked_for_again'),
    ('SIGPIPE', 'test_signal_of_a_broken_pipe_is_nothing',
     'test_standard_output_that_nobody_reads_is_nothing'),
    ('the disk fails to open', 'open_on_a_broken_disk', 'status_on_a_broken_disk',
     'folder_on_a_broken_disk', 'test_broken_disk', 'test_dead_file_system'),
    ('or to read', 'read_from_a_broken_disk', 'slices_from_a_broken_disk', 'probe_of_a_broken_disk',
     'status_of_slices_on_a_broken_disk', 'test_broken_disk', 'test_disk_that_breaks_in_a_reply',
     'test_file_shorter_than_it_says'),
    ('or to send', 'send_file_from_a_broken_disk'),
    ('it does neither for long', 'open_takes_a_while', 'test_who_waits_holds_up_nobody'),
]

BUFFERS = int(pathlib.Path('/proc/sys/net/ipv4/tcp_wmem').read_text().split()[2])
HUGE = BUFFERS + (2 << 20)  # more than all between a server and a reader who waits
LARGE = (4 << 20) + 99_999  # more than is read for an entity tag
MEDIUM = 300_000  # read for one, and sent from its descriptor
SMALL = 60_000    # held in memory


@pytest.fixture(scope='module')
def cases():
    """The names of all cases of the unit and system suites: rows, functions, and tests."""
    names = set()
    for path in (HOME / 'tests').glob('unit/server/test_*.c'):
        text = path.read_text(encoding='utf-8')
        names |= set(re.findall(r'^ {4}\{"(\w+)"', text, re.MULTILINE))  # a row
        names |= set(re.findall(r'^static void (\w+)\(', text, re.MULTILINE))
    for path in (HOME / 'tests' / 'system').glob('test_*.py'):
        names |= set(re.findall(r'^def (test_\w+)', path.read_text(encoding='utf-8'), re.MULTILINE))
    return names


@pytest.mark.parametrize('named', [pytest.param(named, id=fault) for fault, *named in FAULTS])
def test_fault_has_its_cases(cases, named):
    assert named and set(named) <= cases, sorted(set(named) - cases)


# --- files that change ---------------------------------------------------------------------------

class Site:
    """A docroot on a disk with a file system mounted in it, at /slow, that fails on order."""

    def __init__(self, folder):
        self.root, self.behind = folder / 'docroot', folder / 'behind'
        self.root.mkdir()
        self.behind.mkdir()
        put(self.root / 'small.txt', b'here\n')
        self.fs = SlowFs(self.behind, self.root / 'slow')

    def fresh(self, name, size, slow=False):
        """Where the file lies, and the path to ask for."""
        path = (self.behind if slow else self.root) / name
        put(path, pattern(size))
        os.utime(path, (OLD, OLD))
        return path, f'/slow/{name}' if slow else f'/{name}'


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp('faults'))
    yield site
    site.fs.end()


@pytest.fixture(scope='module')
def server(model, site):
    server = Server(model, '--revalidate', '0', docroot=site.root)
    yield server
    server.stop()


def asked_again(server, path):
    """A normal request on a connection of its own: the reply."""
    with server.connect() as connection:
        connection.goes_on()
        return connection.send(get(path)).reply()


def may_be_read(path):
    return path.exists() and os.access(path, os.R_OK)


def is_served_as_it_is(server, asked, path):
    """Whatever it has become; and that is the end of it."""
    found = asked_again(server, asked)
    if may_be_read(path):
        assert found.body == path.read_bytes()
    else:
        assert found.status == (403 if path.exists() else 404)
    path.unlink(missing_ok=True)


# How a file changes, and whether who was being sent it gets it whole, as it was.
CHANGES = {
    'truncated': (lambda path: os.truncate(path, 4096), False),
    'emptied': (lambda path: os.truncate(path, 0), False),
    'rewritten': (lambda path: path.write_bytes(pattern(path.stat().st_size, 1)), False),
    'replaced': (lambda path: replace(path, pattern(1000, 2)), True),
    'deleted': (lambda path: path.unlink(), True),
    'unreadable': (lambda path: path.chmod(0), True),
}
EACH_CHANGE = pytest.mark.parametrize('change, whole', CHANGES.values(), ids=CHANGES)


def ends_early(connection):
    """Whether the connection is cut before the body that its head promised has come."""
    size = int(connection.head()['Content-Length'])
    try:
        connection.hurry().take(size)
    except (Ended, *CUT):
        return True
    return False


def is_whole(connection, content, parts):
    reply = connection.hurry().reply()
    return all(part in reply.body for part in parts) if len(parts) > 1 else reply.body == content


@pytest.mark.parametrize('slow', [False, True], ids=['from_the_file', 'from_memory'])
@EACH_CHANGE
def test_file_changed_while_it_is_sent(server, site, change, whole, slow):
    """As a whole, as a range, and in parts."""
    path, asked = site.fresh('changing.bin', HUGE, slow)
    content = pattern(HUGE)
    half = HUGE // 2
    fields = [(), ('Range: bytes=10-',), (f'Range: bytes=0-{half - 1},{half + 1}-',)]
    due = [[content], [content[10:]], [content[:half], content[half + 1:]]]
    connections = [server.connect(receive_buffer=4096).send(get(asked, *each)) for each in fields]
    for connection in connections:
        assert connection.receive(1000)
    change(path)
    for connection, parts in zip(connections, due):
        if whole:
            assert is_whole(connection, parts[0], parts)
        else:
            assert ends_early(connection)
        connection.close()
    is_served_as_it_is(server, asked, path)


@EACH_CHANGE
def test_file_in_memory_changed_while_it_is_sent(server, site, change, whole):
    """Each reply is one state of it: as it was, or as far as it is written anew. Should it change
    in the moment in which it is read, its connection is cut."""
    path, asked = site.fresh('changing.txt', SMALL)
    connection = server.connect(receive_buffer=4096)
    connection.send(get(asked) * (HUGE // SMALL))
    assert connection.receive(1000)
    change(path)
    new = path.read_bytes() if may_be_read(path) else b''
    connection.hurry()
    replies = []
    try:
        while len(replies) < HUGE // SMALL:
            replies.append(connection.reply())
    except (Ended, *CUT):
        assert not whole
    for reply in replies:
        assert reply.status in (403, 404) or reply.body == pattern(SMALL) or \
            new.startswith(reply.body)
    is_served_as_it_is(server, asked, path)


# --- disks that fail -----------------------------------------------------------------------------

def suffers(connection, content=None):
    """What becomes of who asks: a status, or None when the connection is cut. What comes whole has to
    be right."""
    try:
        reply = connection.reply()
    except (Ended, *CUT):
        return None
    assert reply.status != 200 or reply.body == content
    return reply.status


@pytest.mark.parametrize('call', ['lookup', 'getattr', 'open', 'read'])
@pytest.mark.parametrize('error, status', [(errno.EIO, 500), (errno.EACCES, 403)],
                         ids=['EIO', 'EACCES'])
def test_broken_disk(server, site, call, error, status):
    sizes = (SMALL, MEDIUM, LARGE)
    paths = [site.fresh(f'{server.model}-{call}-{status}-{size}', size, slow=True)[1]
             for size in sizes]
    for known in (False, True):
        site.fs.fail(call, error=error)
        connections = [server.connect().send(get(path)) for path in paths]
        came = [suffers(connection, pattern(size)) for connection, size in zip(connections, sizes)]
        site.fs.let()
        if call in ('lookup', 'open'):
            assert came == [status] * 3
        elif not known:  # else it may still be in memory
            assert 200 not in came
        for path, size in zip(paths, sizes):
            assert asked_again(server, path).body == pattern(size)


@pytest.mark.parametrize('fields', [(), ('Range: bytes=10-',),
                                    (f'Range: bytes=0-{LARGE // 2},{LARGE // 2 + 2}-',)],
                         ids=['whole', 'range', 'parts'])
def test_disk_that_breaks_in_a_reply(server, site, fields):
    """Some of it has left already, and nothing that was made up may follow."""
    _, asked = site.fresh('breaking.bin', LARGE, slow=True)
    connection = server.connect()
    site.fs.fail('read', beyond=3 << 20)
    connection.send(get(asked, *fields))
    size = int(connection.head()['Content-Length'])
    with pytest.raises((Ended, *CUT)):
        connection.take(size)
    if len(fields) == 0:
        assert pattern(LARGE).startswith(bytes(connection.buffer))
    site.fs.let()
    assert asked_again(server, asked).body == pattern(LARGE)


@pytest.mark.parametrize('size', [SMALL, MEDIUM, LARGE])
def test_file_shorter_than_it_says(server, site, size):
    _, asked = site.fresh('short.bin', size, slow=True)
    site.fs.end_early('/short.bin', size // 2)
    with server.connect() as connection:
        connection.send(get(asked))
        assert suffers(connection) in (None, 500)
    site.fs.let()
    assert asked_again(server, asked).body == pattern(size)


def test_dead_file_system(model, tmp_path):
    site = Site(tmp_path)
    with site.fs:
        server = Server(model, docroot=site.root)
        _, asked = site.fresh('large.bin', HUGE, slow=True)
        sending = server.connect(receive_buffer=4096).send(get(asked))
        assert sending.receive(1000)
        site.fs.die()
        assert ends_early(sending)
        with server.connect() as connection:
            assert suffers(connection.send(get(asked))) in (None, 500)  # still trusted, or not
        with server.connect() as connection:
            for path in ('/slow/other', '/slow/', '/slow/folder/'):
                assert connection.send(get(path)).reply().status == 500
            assert connection.send(get('/')).reply().status == 200
            connection.goes_on()
        server.settled()
        server.stop()


# --- clients who leave, and signals --------------------------------------------------------------

def test_client_resets_while_heads_leave(server):
    """Heads and small files fill all that there is room for."""
    for number in range(20):
        connection = server.connect(receive_buffer=4096)
        connection.send(get('/small.txt') * 2000)
        assert connection.receive(100 + number)
        connection.cut()
    asked_again(server, '/small.txt')


def test_signal_of_a_broken_pipe_is_nothing(server):
    for pid in (server.pid, server.worker):
        os.kill(pid, signal.SIGPIPE)
    for _ in range(10):
        asked_again(server, '/small.txt')


def test_standard_output_that_nobody_reads_is_nothing(model, site):
    """The log of every reply goes there."""
    read_end, write_end = os.pipe()
    log = subprocess.Popen(['cat'], stdin=read_end, stdout=subprocess.DEVNULL)
    os.close(read_end)
    server = Server(model, '--access-log', f'/proc/self/fd/{write_end}', docroot=site.root,
                    pass_fds=[write_end])
    os.close(write_end)
    asked_again(server, '/small.txt')
    log.kill()
    log.wait()
    for _ in range(10):
        asked_again(server, '/small.txt')
    server.stop()


@pytest.mark.skipif(SANITIZER != 'none', reason='what is allocated is counted; sanitizers keep it')
def test_faults_without_end_take_no_memory(server, site):
    path, asked = site.fresh('again.bin', HUGE, slow=True)
    resident = []
    for _ in range(4):
        for number in range(30):
            connection = server.connect(receive_buffer=4096).send(get(asked) + get('/small.txt'))
            assert connection.receive(1000)  # it has begun, and cannot come to its end
            site.fs.fail('read', beyond=(number % 3) << 20)
            if number % 2:
                assert suffers(connection.hurry()) is None
            connection.cut()
            site.fs.let()
        server.settled()
        statm = pathlib.Path(f'/proc/{server.worker}/statm').read_text()
        resident.append(int(statm.split()[1]) * os.sysconf('SC_PAGE_SIZE'))
    assert resident[-1] - resident[1] < 4 << 20, resident
    assert asked_again(server, asked).body == path.read_bytes()
