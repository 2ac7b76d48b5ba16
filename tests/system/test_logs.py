"""The access log: what its lines say, that none is lost or forged, and that nobody ever waits for
it."""

import datetime
import json
import os
import signal
import threading
import time

import pytest

from support.admin import Metrics, combined, comes_to, log_lines, objects
from support.docroot import pattern, put
from support.http import get, head, request
from support.programs import PATIENCE, SANITIZER, wait_until

BRIEF = SANITIZER != 'none'


@pytest.fixture
def log(tmp_path):
    return tmp_path / 'access.log'


def test_combined_line_says_what_was_asked_and_answered(own, log):
    server = own('--access-log', str(log))
    before = time.time()
    with server.connect() as connection:
        body = connection.send(get('/small.txt?q=1', 'Referer: http://r/', 'User-Agent: u/1')).reply()
        connection.send(head('/small.txt')).reply('HEAD')
        missing = connection.send(request('BREW', '/none', version='1.0')).reply()
    first, second, third = combined(log_lines(log, 3))
    assert first['client'] == '127.0.0.1'
    assert first['request'] == 'GET /small.txt?q=1 HTTP/1.1'
    assert (first['status'], int(first['bytes'])) == ('200', len(body.body))
    assert (first['referer'], first['agent']) == ('http://r/', 'u/1')
    at = datetime.datetime.strptime(first['time'], '%d/%b/%Y:%H:%M:%S %z').timestamp()
    assert int(before) - 1 <= at <= time.time()
    assert 0 < int(first['time_us']) < (time.time() - before + 1) * 1e6
    assert (second['request'], second['bytes']) == ('HEAD /small.txt HTTP/1.1', '0')
    assert (second['referer'], second['agent']) == ('-', '-')
    assert (third['request'], third['status']) == ('BREW /none HTTP/1.0', '501')
    assert int(third['bytes']) == len(missing.body)
    assert len({first['connection'], second['connection'], third['connection']}) == 1
    assert [line['number'] for line in (first, second, third)] == ['1', '2', '3']


def test_json_line_says_the_same(own, log):
    server = own('--access-log', str(log), '--log-format', 'json')
    before = time.time()
    with server.connect() as connection:
        body = connection.send(get('/small.txt', 'Referer: http://r/', 'User-Agent: u/1')).reply()
        connection.send(get('/none')).reply()
    with server.connect() as connection:
        connection.send(b'no request\r\n\r\n').rest()
    first, second, third = objects(log_lines(log, 3))
    at = datetime.datetime.strptime(first.pop('time'), '%Y-%m-%dT%H:%M:%S%z').timestamp()
    assert int(before) - 1 <= at <= time.time()
    assert 0 < first.pop('time_us') < (time.time() - before + 1) * 1e6
    number = first.pop('connection')
    assert first == {'client': '127.0.0.1', 'request': 1, 'method': 'GET', 'target': '/small.txt',
                     'version': 'HTTP/1.1', 'status': 200, 'bytes': len(body.body),
                     'complete': True, 'referer': 'http://r/', 'user_agent': 'u/1'}
    assert (second['request'], second['connection'], second['status']) == (2, number, 404)
    assert second['referer'] is None and second['user_agent'] is None
    assert (third['request'], third['connection']) == (1, number + 1)
    assert (third['method'], third['target'], third['version']) == (None, 'no request', None)


@pytest.mark.parametrize('form', ['combined', 'json'])
def test_ten_thousand_requests_are_ten_thousand_lines(own, log, form):
    connections, each = (20, 50) if BRIEF else (50, 200)
    server = own('--access-log', str(log), '--log-format', form)
    opened = [server.connect() for _ in range(connections)]
    for connection in opened:
        connection.send(get('/small.txt') * each)
    for connection in opened:
        for _ in range(each):
            assert connection.reply().status == 200
    lines = log_lines(log, connections * each, 30)
    if form == 'json':
        seen = {(line['connection'], line['request']) for line in objects(lines)}
    else:
        seen = {(int(line['connection']), int(line['number'])) for line in combined(lines)}
    assert len(seen) == connections * each
    assert {number for _, number in seen} == set(range(1, each + 1))


# What a stranger may put where it will be written: each is one line, and the next is whole.
FORGERIES = [
    get('/small.txt', b'User-Agent: "\\x22 1 1 1\\n\t\xff\xc3\xa9\x80'),
    get('/small.txt', b'Referer: \\", "status": 999}'),
    get('/caf\u00e9"\\'),
    get('/%0A127.0.0.1'),
    b'GET /\x0b127.0.0.1 HTTP/1.1\r\n\r\n',
    b'GET / HTTP/1.1\rfake\r\n\r\n',
    b'GET /\n127.0.0.1 - - [01/Jan/2000:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 1 1 1\n',
    b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    b'\x1b]0;owned\x07\x1b[2J\r\n\r\n',
    b'"\\"\\\r\n\r\n',
]


@pytest.mark.parametrize('form', ['combined', 'json'])
def test_no_line_can_be_forged(own, log, form):
    server = own('--access-log', str(log), '--log-format', form)
    for forgery in FORGERIES:
        with server.connect() as connection:
            connection.send(forgery)
            connection.head()
    lines = log_lines(log, len(FORGERIES))
    assert all(' ' <= byte <= '~' for line in lines for byte in line)
    if form == 'combined':
        read = combined(lines)
        assert read[0]['agent'] == r'\x22\x5Cx22 1 1 1\x5Cn\x09\xFF\xC3\xA9\x80'
        assert read[2]['request'] == r'GET /caf\xE9\x22\x5C HTTP/1.1'
        assert read[4]['request'] == r'GET /\x0B127.0.0.1 HTTP/1.1'
        assert read[6]['request'] == 'GET /'
        assert read[8]['request'] == r'\x1B]0;owned\x07\x1B[2J'
    else:
        read = objects(lines)
        assert read[0]['user_agent'].encode('latin-1') == b'"\\x22 1 1 1\\n\t\xff\xc3\xa9\x80'
        assert read[1]['referer'] == '\\", "status": 999}' and read[1]['status'] == 200
        assert read[2]['target'] == '/caf\u00e9"\\'
        assert read[7]['target'].encode('latin-1') == FORGERIES[7]


@pytest.mark.parametrize('form', ['combined', 'json'])
def test_longest_texts_are_cut_and_marked(own, log, form):
    server = own('--access-log', str(log), '--log-format', form, '--max-head', '64k')
    with server.connect() as connection:
        connection.send(get('/' + 't' * 20000, b'Referer: ' + b'\xff' * 9000,
                            b'User-Agent: ' + b'"' * 9000)).reply()
    line, = log_lines(log, 1)
    if form == 'combined':
        read, = combined([line])
        assert read['request'] == 'GET /' + 't' * 1023 + '... HTTP/1.1'
        assert read['referer'] == r'\xFF' * 512 + '...'
        assert read['agent'] == r'\x22' * 512 + '...'
    else:
        read, = objects([line])
        assert read['target'] == '/' + 't' * 1023 + '...'
        assert read['user_agent'] == '"' * 512 + '...'


def test_reply_that_is_cut_says_how_much_of_it_was_sent(own, log, scratch):
    put(scratch / 'large.bin', pattern(12 << 20))
    put(scratch / 'small.txt', b'here\n')
    server = own('--access-log', str(log), '--log-format', 'json', docroot=scratch)
    connection = server.connect(receive_buffer=4096).send(get('/large.bin'))
    connection.head()
    connection.take(1)  # the head may have left by itself
    connection.cut()
    line, = objects(log_lines(log, 1))
    assert line['status'] == 200 and line['complete'] is False
    assert 0 < line['bytes'] < 12 << 20


def test_client_of_a_unix_socket_has_no_address(own, log, tmp_path):
    path = tmp_path / 'socket'
    server = own('--access-log', str(log), listen=(f'unix:{path}',))
    with server.connect() as connection:
        connection.goes_on()
    assert combined(log_lines(log, 1))[0]['client'] == 'unix:'


def test_client_of_ipv6_is_written_in_short(own, log):
    server = own('--access-log', str(log), listen=('[::1]:0',))
    with server.connect() as connection:
        connection.goes_on()
    assert combined(log_lines(log, 1))[0]['client'] == '::1'


def test_dash_is_standard_output(own):
    server = own('--access-log', '-')
    with server.connect() as connection:
        connection.goes_on()
    assert wait_until(lambda: '"GET /small.txt HTTP/1.1" 200 ' in server.stdout)


def test_what_is_in_the_rings_is_written_in_the_end(own, log):
    for round_ in range(1, 4):
        server = own('--access-log', str(log))
        with server.connect() as connection:
            connection.send(get('/small.txt') * 100)
            for _ in range(100):
                connection.reply()
        server.stop()
        assert log.read_text('ascii').count('\n') == round_ * 100


def test_log_is_appended_to(own, log):
    log.write_text('a line of before\n')
    server = own('--access-log', str(log))
    with server.connect() as connection:
        connection.goes_on()
    assert log_lines(log, 2)[0] == 'a line of before'


# --- rotation -----------------------------------------------------------------------------------

ASKED_BETWEEN = 50  # before the log is moved away again


def test_rotation_loses_no_line(own, log):
    """A client asks without pause while the log is moved away and opened anew."""
    server = own('--access-log', str(log), '--log-format', 'json')
    files = [log]
    asked = 0
    stopping = threading.Event()

    def ask():
        nonlocal asked
        with server.connect() as connection:
            while not stopping.is_set():
                connection.goes_on()
                asked += 1
    client = threading.Thread(target=ask)
    client.start()
    try:
        for number in range(5):
            moved = log.with_name(f'old.{number}')
            assert wait_until(log.exists)
            log.rename(moved)
            server.signal(signal.SIGHUP)
            assert wait_until(log.exists)
            files.append(moved)
            before = asked
            assert wait_until(lambda: asked > before + ASKED_BETWEEN)
    finally:
        stopping.set()
        client.join()
    server.stop()
    seen = [line['request'] for file in files for line in objects(file.read_text().splitlines())]
    assert sorted(seen) == list(range(1, asked + 1))
    assert asked > 5 * ASKED_BETWEEN


def test_log_that_cannot_be_opened_anew_goes_on_where_it_is(own, tmp_path):
    folder = tmp_path / 'logs'
    folder.mkdir()
    server = own('--access-log', str(folder / 'access.log'))
    folder.rename(tmp_path / 'elsewhere')
    server.signal(signal.SIGHUP)
    assert wait_until(lambda: '--access-log' in server.stderr)
    with server.connect() as connection:
        connection.goes_on()
    log_lines(tmp_path / 'elsewhere' / 'access.log', 1)


def test_hangup_without_a_log_is_nothing(own):
    server = own()
    server.signal(signal.SIGHUP)
    time.sleep(0.1)
    with server.connect() as connection:
        connection.goes_on()


# --- destinations that do not take --------------------------------------------------------------

LARGE_HEAD = get('/' + 't' * 1500, 'Referer: ' + 'r' * 1000, 'User-Agent: ' + 'u' * 1000)


def ask_for_more_lines_than_there_is_room_for(server):
    """4 MB of records, and what a pipe holds, are about 2,000 requests of that size; the blocking
    server has as much for each core."""
    count = 3000 * (os.cpu_count() if server.model == 'sync' else 1)
    asked = 0
    with server.connect() as connection:
        while asked < count:
            connection.send(LARGE_HEAD * 10)
            for _ in range(10):
                assert connection.reply().status == 404
            asked += 10
    return asked


def test_fifo_that_nobody_reads_holds_nobody_up(own, tmp_path):
    fifo = tmp_path / 'fifo'
    os.mkfifo(fifo)
    server = own('--access-log', str(fifo), '--admin', '127.0.0.1:0')
    asked = ask_for_more_lines_than_there_is_room_for(server)
    dropped = wait_until(lambda: Metrics(server).value('log_dropped_total'))
    assert 0 < dropped < asked
    assert wait_until(lambda: 'access log: ' in server.stderr)
    server.stop()  # whether anybody reads or not


def test_reader_of_a_fifo_may_come_late(own, tmp_path):
    fifo = tmp_path / 'fifo'
    os.mkfifo(fifo)
    server = own('--access-log', str(fifo))
    with server.connect() as connection:
        connection.goes_on()
    with open(fifo, encoding='ascii') as reader:
        assert combined([reader.readline().rstrip('\n')])[0]['request'] == 'GET /small.txt HTTP/1.1'
    with server.connect() as connection:  # and go, and another come
        connection.goes_on()
    with open(fifo, encoding='ascii') as reader:
        assert combined([reader.readline().rstrip('\n')])[0]['number'] == '1'


def test_fifo_is_read_with_every_line_or_every_loss_counted(own, tmp_path):
    fifo = tmp_path / 'fifo'
    os.mkfifo(fifo)
    server = own('--access-log', str(fifo), '--log-format', 'json', '--admin', '127.0.0.1:0')
    asked = ask_for_more_lines_than_there_is_room_for(server)
    lines = []

    def read():
        with open(fifo, encoding='ascii') as reader:
            for line in reader:
                lines.append(json.loads(line))
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    metrics = wait_until(lambda: (m := Metrics(server)).value('log_lines_total') +
                         m.value('log_dropped_total') >= asked and m)
    assert metrics, Metrics(server).text
    server.stop()
    reader.join(20 * PATIENCE)
    assert len(lines) == metrics.value('log_lines_total')
    assert len(lines) + metrics.value('log_dropped_total') == asked


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='there is no /dev/full')
def test_full_destination_costs_lines_and_nothing_else(own):
    server = own('--access-log', '/dev/full', '--admin', '127.0.0.1:0')
    with server.connect() as connection:
        for _ in range(50):
            connection.goes_on()
    comes_to(server, 50, 'log_dropped_total')
    assert Metrics(server).value('log_lines_total') == 0
    assert wait_until(lambda: 'access log: ' in server.stderr)
    assert server.stderr.count('access log: ') == 1  # now and then, not for every line
