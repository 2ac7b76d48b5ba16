"""Both clients with both servers, and clients from outside: every byte of the book."""

import re
import shutil
import subprocess
import time

import pytest

from support import certificates
from support.client import measure
from support.http import get
from support.programs import BUILD, PATIENCE, SANITIZER, TLS, wait_until

BOOK = BUILD / 'book'
NOVEL = 'count-of-monte-cristo.txt'
SCHEME = 'https' if TLS else 'http'


@pytest.fixture(scope='module')
def docroot():
    """None: the servers find the book by themselves."""
    if not (BOOK / NOVEL).exists():
        pytest.fail(f'no book in {BOOK}: corpus/prepare makes it')
    return None


@pytest.fixture(params=('sync', 'async'), ids=lambda client: f'{client}-client')
def client(request):
    return request.param


def chapters():
    return sorted((BOOK / 'chapters').glob('*.txt'))


def test_novel_comes_byte_for_byte(server):
    with server.connect() as connection:
        assert connection.send(get('/' + NOVEL)).reply().body == (BOOK / NOVEL).read_bytes()


def test_every_chapter_comes_byte_for_byte(server):
    paths = chapters()
    assert len(paths) == 117
    with server.connect() as connection:
        connection.send(b''.join(get(f'/chapters/{path.name}') for path in paths))
        for path in paths:
            reply = connection.reply()
            assert reply.status == 200 and reply.body == path.read_bytes(), path.name
            assert reply['Content-Type'].replace(' ', '') == 'text/plain;charset=utf-8'


def test_index_of_the_book_is_the_file(server):
    with server.connect() as connection:
        reply = connection.send(get('/')).reply()
        assert reply.body == (BOOK / 'index.html').read_bytes()
        assert reply['Content-Type'].startswith('text/html')


def test_links_of_the_index_lead_somewhere(server):
    page = (BOOK / 'index.html').read_text()
    links = re.findall(r'href="([^"#:]+)"', page)
    assert len(links) >= 117
    with server.connect() as connection:
        for link in links:
            reply = connection.send(get('/' + link.lstrip('/'), 'Range: bytes=0-0')).reply()
            assert reply.status == 206, link


@pytest.mark.parametrize('path', ['/0', '/1', '/17', '/anything', '/chapters/118.txt',
                                  '/no/such/place'])
def test_any_other_path_is_the_novel(server, path):
    with server.connect() as connection:
        assert connection.send(get(path)).reply().body == (BOOK / NOVEL).read_bytes()


def test_no_fallback_turns_that_off(shared):
    with shared('--no-fallback').connect() as connection:
        assert connection.send(get('/17')).reply().status == 404
        assert connection.send(get('/chapters/001.txt')).reply().status == 200


def test_pieces_of_the_novel_put_together_are_the_novel(server):
    """Ranges of odd sizes, pipelined."""
    content = (BOOK / NOVEL).read_bytes()
    step = 99_991
    with server.connect() as connection:
        connection.send(b''.join(get('/' + NOVEL, f'Range: bytes={at}-{at + step - 1}')
                                 for at in range(0, len(content), step)))
        pieces = [connection.reply().body for _ in range(0, len(content), step)]
        assert b''.join(pieces) == content


def test_client_reads_the_whole_book(server, client):
    """Every chapter once, by as many connections as chapters do not divide by."""
    urls = [f'{server.url}/chapters/{path.name}' for path in chapters()] + [f'{server.url}/{NOVEL}']
    size = sum(path.stat().st_size for path in chapters()) + (BOOK / NOVEL).stat().st_size
    result = measure(client, '-n', len(urls), '-c', 7, *urls)
    assert result['requests']['ok'] == len(urls)
    assert result['bytes']['body'] == size


def few(count):
    """Fewer under a sanitizer, which makes everything slower."""
    return count if SANITIZER == 'none' else count // 10


def test_64_threads_ask_2000_times(server):
    result = measure('sync', '-c', 64, '-n', 2000, f'{server.url}/chapters/001.txt')
    assert result['requests'] == {'sent': 2000, 'ok': 2000, 'failed': 0}
    assert result['bytes']['body'] == 2000 * (BOOK / 'chapters/001.txt').stat().st_size


def test_1000_connections_ask_20000_times(shared):
    """However long their handshakes take."""
    server = shared('--header-timeout', '10m')
    connections, requests = (1000, 20_000) if SANITIZER == 'none' else (400, 2000)
    result = measure('async', '-T', '10m', '-c', connections, '-n', requests,
                     f'{server.url}/chapters/001.txt')
    assert result['requests'] == {'sent': requests, 'ok': requests, 'failed': 0}


def test_whole_novel_on_64_connections(server, client):
    result = measure(client, '-c', 64, '-n', few(640), f'{server.url}/{NOVEL}')
    assert result['requests']['failed'] == 0
    assert result['bytes']['body'] == few(640) * (BOOK / NOVEL).stat().st_size


def test_every_request_on_a_connection_of_its_own(server, client):
    result = measure(client, '-c', 16, '-n', few(1000), '--close', f'{server.url}/chapters/002.txt')
    assert result['requests']['ok'] == few(1000) == result['connect_us']['count']


def test_replies_of_every_kind_together(shared, client):
    """What failed and what did not is told apart."""
    server = shared('--no-fallback')
    urls = [f'{server.url}{path}' for path in ('/', '/no-such', '/chapters/001.txt', '/chapters')]
    result = measure(client, '-c', 3, '-n', 40, *urls)
    assert result['statuses'] == {'200': 20, '301': 10, '404': 10}
    assert result['errors']['status'] == result['requests']['failed'] == 10


def test_over_a_unix_socket(model, own, client, tmp_path_factory):
    path = tmp_path_factory.mktemp('u') / 'socket'
    own(listen=(f'unix:{path}',))
    result = measure(client, '-c', 8, '-n', 200, '--unix-socket', path,
                     f'{SCHEME}://localhost/chapters/001.txt')
    assert result['requests']['ok'] == 200
    assert result['bytes']['body'] == 200 * (BOOK / 'chapters/001.txt').stat().st_size


def test_over_v6(own, client):
    try:
        server = own(listen=('[::1]:0',))
    except AssertionError:
        pytest.skip('no IPv6 here')
    assert server.url.startswith(f'{SCHEME}://[::1]:')
    assert measure(client, '-c', 4, '-n', 50, server.url + '/')['requests']['ok'] == 50


def test_server_that_stops_is_an_error_and_no_success(own, client):
    server = own('--drain-timeout', '0.2s', listen=('127.0.0.2:0',))  # where no other test listens
    url = server.url
    server.stop()
    result = measure(client, '-c', 2, '-n', 5, url + '/')
    assert result['requests']['ok'] == 0 and result['errors']['connect'] == 5


# The talk's demonstration, scaled down: 20 requests, each of which the server makes wait.


def test_sequential_loop_waits_for_the_sum(shared, client):
    server = shared('--delay', '0s-0.1s')
    result = measure(client, '-c', 1, '-n', 20, server.url + '/chapters/001.txt')
    assert result['delay_s']['count'] == 20
    assert result['elapsed_s'] >= result['delay_s']['sum']


def test_all_at_once_wait_for_the_longest(shared, client):
    server = shared('--delay', '0s-0.6s')
    result = measure(client, '-c', 50, '-n', 50, server.url + '/chapters/001.txt')
    assert result['delay_s']['count'] == 50
    assert result['delay_s']['max'] <= result['elapsed_s'] < result['delay_s']['sum']


def test_latency_contains_the_delay(shared, client):
    server = shared('--delay', '50ms')
    result = measure(client, '-c', 5, '-n', 20, server.url + '/')
    assert result['latency_us']['min'] >= 50_000 * 0.998


# Clients from outside.


def curl(*arguments):
    trusts = ['--cacert', certificates.of_this_run().ca] if TLS else []
    return subprocess.run(['curl', '--silent', '--show-error', '--max-time', str(30 * PATIENCE),
                           *trusts, *map(str, arguments)],
                          capture_output=True, timeout=60 * PATIENCE)


@pytest.mark.skipif(not shutil.which('curl'), reason='no curl here')
class TestCurl:
    def test_novel_is_the_file(self, server):
        done = curl('--fail', f'{server.url}/{NOVEL}')
        assert done.returncode == 0 and done.stdout == (BOOK / NOVEL).read_bytes()

    def test_seventeen_is_the_novel(self, server):
        assert curl('--fail', f'{server.url}/17').stdout == (BOOK / NOVEL).read_bytes()

    def test_first_chapter_begins_with_the_pharaon(self, server):
        text = curl('--fail', f'{server.url}/chapters/001.txt').stdout.decode('utf-8-sig')
        if 'stand-in' in (BOOK / NOVEL).read_text(errors='replace').split('\n')[0]:
            pytest.skip('the book is a stand-in')
        assert 'Pharaon' in text[:1000]

    def test_1_0_is_spoken(self, server):
        done = curl('--http1.0', '--fail', f'{server.url}/chapters/001.txt')
        assert done.stdout == (BOOK / 'chapters/001.txt').read_bytes()

    def test_head_is_answered(self, server):
        done = curl('--head', f'{server.url}/{NOVEL}')
        assert done.returncode == 0 and done.stdout.startswith(b'HTTP/1.1 200 OK\r\n')

    def test_download_is_resumed(self, server, tmp_path):
        content = (BOOK / NOVEL).read_bytes()
        part = tmp_path / 'part'
        part.write_bytes(content[:1_000_000])
        assert curl('--fail', '--continue-at', '-', '--output', part,
                    f'{server.url}/{NOVEL}').returncode == 0
        assert part.read_bytes() == content

    def test_copy_that_is_new_is_not_sent_again(self, server):
        done = curl('--time-cond', BOOK / NOVEL, '--write-out', '%{http_code} %{size_download}',
                    f'{server.url}/{NOVEL}')
        assert done.stdout == b'304 0'

    def test_etag_saves_the_second_download(self, server, tmp_path):
        tag = tmp_path / 'etag'
        curl('--etag-save', tag, '--output', tmp_path / 'page', f'{server.url}/')
        done = curl('--etag-compare', tag, '--write-out', '%{http_code}', f'{server.url}/')
        assert done.stdout == b'304'

    def test_several_on_one_connection(self, server):
        done = curl('--fail', '--write-out', '%{num_connects}\n', *[part for n in range(1, 6)
                    for part in (f'{server.url}/chapters/{n:03}.txt', '--output', '/dev/null')])
        assert done.stdout.split() == [b'1', b'0', b'0', b'0', b'0']

    def test_redirect_is_followed(self, shared):
        done = curl('--location', '--write-out', '%{http_code} %{num_redirects}', '--output',
                    '/dev/null',
                    f'{shared("--no-fallback").url}/chapters')
        assert done.stdout.split()[1] == b'1'

    def test_compressed_reply_is_the_file(self, server):
        done = curl('--fail', '--compressed', f'{server.url}/{NOVEL}')
        assert done.stdout == (BOOK / NOVEL).read_bytes()

    def test_upload_is_refused_in_peace(self, server):
        done = curl('--upload-file', BOOK / NOVEL, '--write-out', '%{http_code}', '--output',
                    '/dev/null',
                    f'{server.url}/new.txt')
        assert done.stdout in (b'405', b'413') and done.returncode == 0, done


@pytest.mark.skipif(not shutil.which('wrk'), reason='no wrk here')
@pytest.mark.parametrize('path', ['/chapters/001.txt', '/' + NOVEL], ids=['chapter', 'novel'])
def test_wrk_sees_no_error(server, path):
    """However long it takes until a reply comes within one of its runs."""
    connections, length = ('64', '1s') if SANITIZER == 'none' and not TLS else ('8', '2s')

    def replies():
        done = subprocess.run(['wrk', '-t', '1', '-c', connections, '-d', length, '--timeout', '30s',
                               server.url + path],
                              capture_output=True, text=True, timeout=120 * PATIENCE)
        assert done.returncode == 0, done
        assert 'Socket errors' not in done.stdout and 'Non-2xx' not in done.stdout, done.stdout
        return int(re.search(r'([0-9]+) requests in', done.stdout)[1])
    assert wait_until(replies) > 0


def test_servers_are_idle_when_nobody_asks(server):
    """Neither polls: a second of rest costs next to nothing."""
    server.settled()
    before = server.cpu_seconds()
    time.sleep(1)
    assert server.cpu_seconds() - before <= 0.05


def test_forty_thousand_requests_leave_no_memory_behind(server):
    """What serving needs is given back or used again."""
    def resident():
        with open(f'/proc/{server.worker}/statm') as file:
            return int(file.read().split()[1]) * 4096
    measure('async', '-c', 32, '-n', few(10_000), f'{server.url}/chapters/001.txt')
    server.settled()
    before = resident()
    measure('async', '-c', 32, '-n', few(30_000), f'{server.url}/chapters/001.txt')
    server.settled()
    if SANITIZER == 'none':
        assert resident() - before < 4 << 20
