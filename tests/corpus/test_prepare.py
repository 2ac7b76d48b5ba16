"""How the text is got: corpus/prepare against files and against a local HTTP server."""

import concurrent.futures
import contextlib
import http.server
import os
import re
import shutil
import socket
import threading
import time

import pytest

from books import BUILD, ROOT, lay_out, run, snapshot

PREPARE = ROOT / 'corpus' / 'prepare'
WHOLE = 'count-of-monte-cristo.txt'
DRIPPED_BYTES_PER_S = 10


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the path says, with the server's text."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.server.asked.append(self.path)
        getattr(self, 'answer_' + self.path.strip('/'))(self.server.text)

    def head(self, status, length, **fields):
        self.send_response(status)
        self.send_header('Content-Length', str(length))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()

    def answer_good(self, text):
        self.head(200, len(text))
        self.wfile.write(text)

    def answer_moved(self, _):
        self.head(302, 0, Location='/good')

    def answer_circle(self, _):
        self.head(302, 0, Location='/circle')

    def answer_absent(self, _):
        page = b'<!DOCTYPE html>nothing here'
        self.head(404, len(page))
        self.wfile.write(page)

    def answer_broken(self, _):
        self.head(500, 0)

    def answer_page(self, _):
        page = b'<!DOCTYPE html>\n<title>Sign in</title>\n' * 100
        self.head(200, len(page))
        self.wfile.write(page)

    def answer_cut_off(self, text):
        """The connection ends before the promised length."""
        self.head(200, len(text))
        self.wfile.write(text[:len(text) // 2])
        self.close_connection = True

    def answer_half(self, text):
        """A complete reply with half of the text."""
        self.head(200, len(text) // 2)
        self.wfile.write(text[:len(text) // 2])

    def answer_empty(self, _):
        self.head(200, 0)

    def answer_huge(self, _):
        self.head(200, 1 << 40)
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(65536))

    def answer_drip(self, text):
        self.head(200, len(text))
        with contextlib.suppress(OSError):
            for at in range(0, len(text), DRIPPED_BYTES_PER_S):
                self.wfile.write(text[at:at + DRIPPED_BYTES_PER_S])
                time.sleep(1)

    def answer_silence(self, _):
        self.server.released.wait(100)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(good):
    """Its URL is server.url, what it was asked for is in server.asked."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    server.text = good.read_bytes()
    server.asked = []
    server.released = threading.Event()
    server.url = f'http://127.0.0.1:{server.server_port}'
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def docroot(tmp_path):
    return tmp_path / 'book'


def prepare(docroot, *words, **environment):
    return run(PREPARE, '--quality', '1', *words, docroot, **environment)


def is_stand_in(docroot):
    return (docroot / WHOLE).read_bytes().startswith(b'STAND-IN')


def check_stand_in(done, docroot):
    """It was made, and said so, and how to get better."""
    assert done.returncode == 0
    assert is_stand_in(docroot)
    assert 'using a stand-in: made-up words in the shape of the novel' in done.stderr
    assert f'for the real text: CRISTO_BOOK=FILE corpus/prepare {docroot}' in done.stderr


def test_given_file_becomes_the_docroot(good, docroot, server):
    done = prepare(docroot, CRISTO_BOOK=str(good), CRISTO_BOOK_URL=f'{server.url}/good')
    assert (done.returncode, done.stderr) == (0, '')
    assert (docroot / WHOLE).read_bytes() == good.read_bytes()
    assert server.asked == []


def test_wrong_file_is_an_error_and_nothing_else_is_tried(book, docroot, server):
    book.order.remove(54)
    wrong = book.write(docroot.with_name('wrong.txt'))
    done = prepare(docroot, CRISTO_BOOK=str(wrong), CRISTO_BOOK_URL=f'{server.url}/good')
    assert done.returncode == 1
    assert f'{wrong}: chapter 54 is missing after chapter 53 (line ' in done.stderr
    assert not docroot.exists() and server.asked == []


def test_wrong_file_leaves_the_docroot_untouched(good, book, docroot):
    assert prepare(docroot, CRISTO_BOOK=str(good)).returncode == 0
    before = snapshot(docroot)
    book.order.remove(54)
    wrong = book.write(docroot.with_name('wrong.txt'))
    for path in (wrong, docroot.with_name('absent'), docroot.parent):
        done = prepare(docroot, CRISTO_BOOK=str(path))
        assert done.returncode == 1 and f'{path}: ' in done.stderr
        assert snapshot(docroot) == before


def test_same_file_again_changes_nothing(good, docroot):
    assert prepare(docroot, CRISTO_BOOK=str(good)).returncode == 0
    before = snapshot(docroot)
    done = prepare(docroot, CRISTO_BOOK=str(good))
    assert (done.returncode, done.stdout) == (
        0, f'corpus/prepare: {docroot} holds this text already\n')
    assert snapshot(docroot) == before


def test_another_file_replaces_the_docroot(good, other, docroot):
    assert prepare(docroot, CRISTO_BOOK=str(good)).returncode == 0
    assert prepare(docroot, CRISTO_BOOK=str(other)).returncode == 0
    assert (docroot / WHOLE).read_bytes() == other.read_bytes()


def test_text_is_downloaded(docroot, server, good):
    done = prepare(docroot, '--url', f'{server.url}/good')
    assert (done.returncode, done.stderr) == (0, '')
    assert (docroot / WHOLE).read_bytes() == good.read_bytes()
    assert f'Text: {server.url}/good' in (docroot / 'index.html').read_text()
    assert server.asked == ['/good']


def test_redirects_are_followed(docroot, server, good):
    assert prepare(docroot, '--url', f'{server.url}/moved').returncode == 0
    assert (docroot / WHOLE).read_bytes() == good.read_bytes()


def test_url_can_come_from_the_environment(docroot, server, good):
    assert prepare(docroot, CRISTO_BOOK_URL=f'{server.url}/good').returncode == 0
    assert (docroot / WHOLE).read_bytes() == good.read_bytes()


def test_prepared_docroot_is_left_alone(docroot, server):
    assert prepare(docroot, '--url', f'{server.url}/good').returncode == 0
    before = snapshot(docroot)
    done = prepare(docroot, '--url', f'{server.url}/good')
    assert (done.returncode, done.stderr) == (0, '')
    assert f'{docroot} is there already: novel' in done.stdout
    assert server.asked == ['/good'] and snapshot(docroot) == before


@pytest.mark.parametrize('path, reason', [
    ('absent', '404'),
    ('broken', '500'),
    ('circle', 'redirects'),
    ('cut_off', 'transfer closed'),
    ('huge', 'Maximum file size exceeded'),
    ('empty', 'book.txt: '),
    ('page', 'book.txt: is an HTML page'),
    ('half', 'book.txt: is truncated: it ends in chapter '),
])
def test_failed_download_ends_in_a_stand_in_that_says_why(docroot, server, path, reason):
    done = prepare(docroot, '--url', f'{server.url}/{path}')
    check_stand_in(done, docroot)
    assert reason in done.stderr
    assert f'the text could not be had from {server.url}/{path}' in done.stderr


def test_refused_connection_ends_in_a_stand_in(docroot):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{free.getsockname()[1]}/'
        check_stand_in(prepare(docroot, '--url', url), docroot)


def test_unknown_host_ends_in_a_stand_in(docroot):
    check_stand_in(prepare(docroot, '--url', 'https://book.invalid/'), docroot)


def test_slow_servers_are_given_up_within_ten_seconds(docroot, server):
    """One that drips and one that is silent, at the same time. How long it waited curl says itself:
    making the stand-in takes what it takes."""
    slow = {name: docroot.with_name(name) for name in ('drip', 'silence')}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = pool.map(lambda name: prepare(slow[name], '--url', f'{server.url}/{name}'), slow)
        for name, one in zip(slow, done):
            check_stand_in(one, slow[name])
            waited = re.search(r'timed out after ([0-9]+) milliseconds', one.stderr)
            assert waited and 9_000 < int(waited[1]) < 20_000, one.stderr


def test_only_http_is_spoken(docroot, good):
    check_stand_in(prepare(docroot, '--url', f'file://{good}'), docroot)


def test_stand_in_is_kept_until_the_real_text_is_given(docroot, server, good):
    assert prepare(docroot, '--url', f'{server.url}/absent').returncode == 0
    before = snapshot(docroot)
    done = prepare(docroot, '--url', f'{server.url}/good')
    assert done.returncode == 0 and 'is there already: stand-in' in done.stdout
    assert f'for the real text: CRISTO_BOOK=FILE corpus/prepare {docroot}' in done.stdout
    assert server.asked == ['/absent'] and snapshot(docroot) == before

    assert prepare(docroot, CRISTO_BOOK=str(good)).returncode == 0
    assert not is_stand_in(docroot)


def test_foreign_folder_is_refused_before_anything_is_fetched(docroot, server):
    docroot.mkdir()
    (docroot / 'letter.txt').write_text('dear')
    done = prepare(docroot, '--url', f'{server.url}/good')
    assert done.returncode == 1 and 'was not made by corpus/prepare' in done.stderr
    assert server.asked == [] and os.listdir(docroot) == ['letter.txt']


def test_outdated_docroot_is_made_anew_from_its_own_text(docroot, server, good):
    assert lay_out(good, docroot).returncode == 0
    (docroot / '.cristo-book').write_text('layout 0\n')
    (docroot / 'index.html').unlink()
    assert prepare(docroot, '--url', f'{server.url}/good').returncode == 0
    assert server.asked == [] and (docroot / 'index.html').exists()
    assert (docroot / WHOLE).read_bytes() == good.read_bytes()


def test_outdated_docroot_without_its_text_is_fetched_again(docroot, server, good):
    assert lay_out(good, docroot).returncode == 0
    (docroot / WHOLE).unlink()
    assert prepare(docroot, '--url', f'{server.url}/good').returncode == 0
    assert (docroot / WHOLE).read_bytes() == good.read_bytes()


def test_nothing_is_left_in_the_temporary_folder(docroot, server, tmp_path):
    scratch = tmp_path / 'scratch'
    scratch.mkdir()
    for path in ('good', 'half', 'absent'):
        assert prepare(tmp_path / path, '--url', f'{server.url}/{path}',
                       TMPDIR=str(scratch)).returncode == 0
        assert os.listdir(scratch) == []


def test_names_with_blanks_are_names(good, tmp_path):
    odd = tmp_path / 'a folder'
    odd.mkdir()
    text = odd / '-the book.txt'
    shutil.copy(good, text)
    done = prepare(odd / 'the docroot', CRISTO_BOOK=str(text))
    assert (done.returncode, done.stderr) == (0, '')
    assert (odd / 'the docroot' / WHOLE).read_bytes() == good.read_bytes()


def test_program_is_found_beside_the_docroot(good, tmp_path):
    (tmp_path / 'corpus').mkdir()
    shutil.copy(BUILD / 'corpus' / 'cristo-book', tmp_path / 'corpus')
    done = prepare(tmp_path / 'book', CRISTO_BUILD=str(tmp_path / 'nowhere'), CRISTO_BOOK=str(good))
    assert done.returncode == 0


def test_without_a_build_it_says_how_to_make_one(tmp_path):
    done = prepare(tmp_path / 'book', CRISTO_BUILD=str(tmp_path / 'nowhere'))
    assert done.returncode == 1 and 'cristo-book is not built yet: meson setup' in done.stderr


def test_check_only_checks(good, book, tmp_path):
    done = run(PREPARE, '--check', good)
    assert done.returncode == 0 and 'the novel, 117 chapters' in done.stdout
    book.order.remove(54)
    wrong = book.write(tmp_path / 'wrong.txt')
    done = run(PREPARE, '--check', wrong)
    assert done.returncode == 1 and 'chapter 54 is missing' in done.stderr
    assert os.listdir(tmp_path) == ['wrong.txt']


@pytest.mark.parametrize('words', [['--nothing'], ['--url'], ['--check'], ['a', 'b']])
def test_misuse_is_status_2(words):
    done = run(PREPARE, *words)
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith('corpus/prepare: ')


def test_help_goes_to_stdout():
    done = run(PREPARE, '--help')
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith('Usage: corpus/prepare')
