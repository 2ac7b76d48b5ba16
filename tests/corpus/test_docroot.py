"""The docroot that a book becomes."""

import gzip
import html.parser
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from books import BUILD, cristo_book, lay_out, snapshot

WHOLE = 'count-of-monte-cristo.txt'
CHAPTERS = [f'chapters/{number:03}.txt' for number in range(1, 118)]
SERVED = [WHOLE, 'index.html', *CHAPTERS]


@pytest.fixture(scope='module')
def docroot(good, tmp_path_factory):
    path = tmp_path_factory.mktemp('made') / 'docroot'
    done = lay_out(good, path)
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith(f'{path}: the novel, 117 chapters, ')
    return path


@pytest.fixture(scope='module')
def real_docroot(real, tmp_path_factory):
    path = tmp_path_factory.mktemp('real') / 'docroot'
    assert lay_out(real, path).returncode == 0
    return path


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob('*') if not path.is_dir()}


def paragraphs(text):
    return [' '.join(part.split()) for part in re.split(r'\n\s*\n', text) if part.strip()]


def test_files_are_those_of_the_design(docroot):
    expected = {name + suffix for name in SERVED for suffix in ('', '.gz', '.br')}
    assert files_of(docroot) == expected | {'.cristo-book'}


def test_whole_text_is_the_file_byte_for_byte(docroot, good):
    assert (docroot / WHOLE).read_bytes() == good.read_bytes()


def test_chapter_is_its_title_and_its_text(docroot, book):
    for number in book.order:
        expected = f'Chapter {number}. {book.titles[number]}\n\n{book.texts[number]}\n'
        assert (docroot / f'chapters/{number:03}.txt').read_text() == expected


def test_chapters_hold_no_licence_and_no_notes(docroot):
    for name in CHAPTERS:
        text = (docroot / name).read_text()
        for word in ('Gutenberg', '***', 'FOOTNOTES', 'VOLUME', '\r', '\ufeff'):
            assert word not in text, f'{word} in {name}'


def test_names_of_pictures_leave_no_hole(book, tmp_path):
    book.texts[3] = 'Before.\n\n0023m\n\n\n\nAfter.\n\n\n\nA pause.\n\n50282m '
    book.texts[4] = '30001m\n\nOnly this.\n\n0024m\n\n\n0025m\n\n\nAnd this.'
    assert lay_out(book.write(tmp_path / 'book.txt'), tmp_path / 'docroot').returncode == 0
    chapters = tmp_path / 'docroot' / 'chapters'
    assert (chapters / '003.txt').read_text() == (
        'Chapter 3. The 3th Matter\n\nBefore.\n\nAfter.\n\n\n\nA pause.\n')
    assert (chapters / '004.txt').read_text() == (
        'Chapter 4. The 4th Matter\n\nOnly this.\n\nAnd this.\n')


def test_title_of_two_lines_becomes_one(book, tmp_path):
    book.titles[61] = 'A Title That is Too Long for its\nLine'
    assert lay_out(book.write(tmp_path / 'book.txt'), tmp_path / 'docroot').returncode == 0
    text = (tmp_path / 'docroot' / 'chapters' / '061.txt').read_text()
    assert text.startswith('Chapter 61. A Title That is Too Long for its Line\n\nWord upon word')


@pytest.mark.parametrize('name', [WHOLE, 'index.html', CHAPTERS[0], CHAPTERS[-1]])
def test_compressed_siblings_hold_the_same(docroot, name):
    original = (docroot / name).read_bytes()
    assert gzip.decompress((docroot / f'{name}.gz').read_bytes()) == original
    unpacked = subprocess.run(['brotli', '-dc', docroot / f'{name}.br'], capture_output=True,
                              check=True)
    assert unpacked.stdout == original


def test_every_sibling_holds_the_same(docroot):
    for name in SERVED:
        assert gzip.decompress((docroot / f'{name}.gz').read_bytes()) == \
            (docroot / name).read_bytes()
    done = subprocess.run(['brotli', '--test', '--', *(docroot / f'{name}.br' for name in SERVED)],
                          check=False)
    assert done.returncode == 0


def test_gzip_files_tell_no_name_and_no_time(docroot):
    """RFC 1952 2.3: no flags (hence no name), and MTIME 0."""
    for name in SERVED:
        head = (docroot / f'{name}.gz').read_bytes()[:10]
        assert head[:3] == b'\x1f\x8b\x08' and head[3] == 0 and head[4:8] == bytes(4)


def test_siblings_are_as_old_as_their_originals(docroot):
    for name in SERVED:
        times = {(docroot / f'{name}{suffix}').stat().st_mtime_ns for suffix in ('', '.gz', '.br')}
        assert len(times) == 1


def test_same_text_gives_the_same_bytes(good, docroot, tmp_path):
    assert lay_out(good, tmp_path / 'again').returncode == 0
    for name in files_of(docroot):
        assert (tmp_path / 'again' / name).read_bytes() == (docroot / name).read_bytes(), name


def test_access_is_what_the_umask_allows(good, tmp_path):
    for mask in (0o022, 0o077):
        before = os.umask(mask)
        try:
            assert lay_out(good, tmp_path / f'{mask:o}').returncode == 0
        finally:
            os.umask(before)
        docroot = tmp_path / f'{mask:o}'
        assert docroot.stat().st_mode & 0o777 == 0o777 & ~mask
        assert (docroot / 'chapters').stat().st_mode & 0o777 == 0o777 & ~mask
        for name in (WHOLE, f'{WHOLE}.gz', f'{WHOLE}.br', CHAPTERS[5]):
            assert (docroot / name).stat().st_mode & 0o777 == 0o666 & ~mask


class Page(html.parser.HTMLParser):
    """The links, headings and plain text of a page; fails on tags that do not match."""

    VOID = {'meta', 'link', 'br', 'hr', 'img'}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.headings, self.text = [], [], [], ''
        self.starts = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag == 'a':
            self.links.append([dict(attrs)['href'], ''])
        if tag == 'ol':
            self.starts.append(int(dict(attrs).get('start', 1)))
        if tag in ('h1', 'h2'):
            self.headings.append('')
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if 'a' in self.open:
            self.links[-1][1] += data
        if self.open and self.open[-1] in ('h1', 'h2'):
            self.headings[-1] += data


def test_contents_link_every_chapter_by_its_title(book, tmp_path):
    book.titles[2] = 'Father & Son <or> "both"'
    assert lay_out(book.write(tmp_path / 'book.txt'), tmp_path / 'docroot').returncode == 0
    text = (tmp_path / 'docroot' / 'index.html').read_text()
    page = Page(text)
    assert text.startswith('<!DOCTYPE html>') and '<meta charset="utf-8">' in text
    assert page.links[0][0] == WHOLE
    assert page.links[1:] == [[CHAPTERS[n - 1], book.titles[n]] for n in range(1, 118)]
    assert page.headings == ['The Count of Monte Cristo', 'Volume One', 'Volume Two',
                             'Volume Three', 'Volume Four', 'Volume Five']
    assert page.starts == [1, 28, 48, 74, 96]
    assert 'Father &amp; Son &lt;or&gt; &quot;both&quot;' in text


def test_contents_say_where_the_text_comes_from(good, tmp_path):
    assert cristo_book('--quality', '1', '--source', 'A <shelf>', good,
                       tmp_path / 'docroot').returncode == 0
    page = (tmp_path / 'docroot' / 'index.html').read_text()
    assert 'Text: A &lt;shelf&gt;' in page
    assert cristo_book('--look', tmp_path / 'docroot').stdout == 'novel A <shelf>\n'


def test_book_without_volumes_has_one_list(book, tmp_path):
    book.VOLUMES = {}
    assert lay_out(book.write(tmp_path / 'book.txt'), tmp_path / 'docroot').returncode == 0
    page = Page((tmp_path / 'docroot' / 'index.html').read_text())
    assert page.headings == ['The Count of Monte Cristo'] and page.starts == [1]
    assert len(page.links) == 118


def test_docroot_is_replaced_as_a_whole(good, other, tmp_path):
    docroot = tmp_path / 'docroot'
    assert lay_out(good, docroot).returncode == 0
    (docroot / 'left-over').touch()
    held = os.open(docroot, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert lay_out(other, docroot).returncode == 0
        assert os.fstat(held).st_ino != docroot.stat().st_ino
    finally:
        os.close(held)
    assert (docroot / WHOLE).read_bytes() == other.read_bytes()
    assert not (docroot / 'left-over').exists()
    assert os.listdir(tmp_path) == ['docroot']


def test_empty_folder_and_trailing_slash_are_fine(good, tmp_path):
    (tmp_path / 'empty').mkdir()
    assert lay_out(good, f'{tmp_path}/empty/').returncode == 0
    assert lay_out(good, f'{tmp_path}/new/').returncode == 0
    assert sorted(os.listdir(tmp_path)) == ['empty', 'new']
    for name in ('empty', 'new'):
        assert (tmp_path / name / WHOLE).exists()


def test_folder_of_somebody_else_is_never_replaced(good, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'letter.txt').write_text('dear')
    (tmp_path / 'file').write_text('text')
    before = snapshot(tmp_path)
    for name in ('mine', 'file'):
        done = lay_out(good, tmp_path / name)
        assert done.returncode == 1
        assert "is there already and not a docroot of this program's making" in done.stderr
    assert snapshot(tmp_path) == before


def test_missing_parent_folder_is_named(good, tmp_path):
    done = lay_out(good, tmp_path / 'no' / 'docroot')
    assert done.returncode == 1 and 'No such file or directory' in done.stderr
    assert os.listdir(tmp_path) == []


def test_without_brotli_there_are_only_gzip_files(good, tmp_path):
    done = subprocess.run([BUILD / 'corpus' / 'cristo-book', good, tmp_path / 'docroot'],
                          env={'PATH': '/nowhere'}, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert 'there is no brotli command: no .br files' in done.stderr
    assert files_of(tmp_path / 'docroot') == \
        {name + suffix for name in SERVED for suffix in ('', '.gz')} | {'.cristo-book'}


def test_failing_brotli_leaves_nothing_behind(good, tmp_path):
    tools = tmp_path / 'tools'
    tools.mkdir()
    (tools / 'brotli').write_text('#!/bin/sh\nexit 1\n')
    (tools / 'brotli').chmod(0o755)
    done = subprocess.run([BUILD / 'corpus' / 'cristo-book', good, tmp_path / 'docroot'],
                          env={'PATH': str(tools)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and 'the brotli command failed' in done.stderr
    assert os.listdir(tmp_path) == ['tools']


def test_interrupted_making_leaves_nothing_behind(good, tmp_path):
    """The signal comes while both brotlis, here such as never end by themselves, are at work."""
    tools = tmp_path / 'tools'
    tools.mkdir()
    (tools / 'brotli').write_text(f'#!/bin/sh\nmktemp {tmp_path}/at-work.XXXXXX\nexec sleep 60\n')
    (tools / 'brotli').chmod(0o755)
    making = subprocess.Popen([BUILD / 'corpus' / 'cristo-book', good, tmp_path / 'docroot'],
                              env={'PATH': f'{tools}:{os.environ["PATH"]}'}, process_group=0)
    while len(list(tmp_path.glob('at-work.*'))) < 2:
        assert making.poll() is None
        time.sleep(0.01)
    os.killpg(making.pid, signal.SIGTERM) # as a terminal does, which signals all of them
    assert making.wait(timeout=30) == 1
    assert not [name for name in os.listdir(tmp_path) if name.startswith('docroot')]


def test_disk_that_is_full_leaves_the_docroot_untouched(good, other, tmp_path):
    docroot = tmp_path / 'docroot'
    assert lay_out(good, docroot).returncode == 0
    before = snapshot(tmp_path)
    limit = subprocess.run(['sh', '-c', 'trap "" XFSZ; ulimit -f 1000; exec "$@"', 'sh',
                            BUILD / 'corpus' / 'cristo-book', other, docroot],
                           capture_output=True, text=True, check=False)
    assert limit.returncode == 1 and 'File too large' in limit.stderr
    assert snapshot(tmp_path) == before


def test_kinds_of_docroots_are_told_apart(good, stand_in, tmp_path):
    def look(name):
        done = cristo_book('--look', tmp_path / name)
        return done.stdout.rstrip('\n'), done.returncode
    assert look('absent') == ('absent', 1)
    (tmp_path / 'empty').mkdir()
    assert look('empty') == ('absent', 1)
    (tmp_path / 'foreign').mkdir()
    (tmp_path / 'foreign' / 'x').touch()
    assert look('foreign') == ('foreign', 1)
    assert lay_out(good, tmp_path / 'novel').returncode == 0
    assert look('novel') == ('novel Project Gutenberg, e-book 1184', 0)
    assert lay_out(stand_in, tmp_path / 'stand-in').returncode == 0
    assert look('stand-in') == ('stand-in as given', 0)
    shutil.copytree(tmp_path / 'novel', tmp_path / 'robbed')
    (tmp_path / 'robbed' / WHOLE).unlink()
    assert look('robbed') == ('outdated', 1)
    (tmp_path / 'novel' / '.cristo-book').write_text('layout 0\nnovel\nsomewhere\n')
    assert look('novel') == ('outdated', 1)


def test_real_book_begins_with_the_arrival_of_the_pharaon(real_docroot):
    text = (real_docroot / CHAPTERS[0]).read_text()
    assert text.startswith(
        'Chapter 1. Marseilles—The Arrival\n\n'
        'On the 24th of February, 1815, the look-out at Notre-Dame de la Garde\n'
        'signalled the three-master, the _Pharaon_ from Smyrna, Trieste, and\nNaples.\n')


def test_real_book_ends_with_wait_and_hope(real_docroot):
    text = (real_docroot / CHAPTERS[-1]).read_text()
    assert text.endswith('human wisdom is summed up in two words:\n\n'
                         '“‘_Wait and hope_ (Fac et spera)!’”\n')


def test_real_chapters_are_all_of_the_text(real, real_docroot):
    """Put together again, the chapters are the novel from its first heading to its notes."""
    text = real.read_text(encoding='utf-8-sig').replace('\r\n', '\n')
    body = text[text.rindex('\nVOLUME ONE\n'):text.index('\nFOOTNOTES:')]
    expected = [part for part in paragraphs(body)
                if not re.fullmatch(r'\d{4,}m|VOLUME [A-Z]+', part)]
    found = [part for name in CHAPTERS for part in paragraphs((real_docroot / name).read_text())]
    assert found == expected


def test_real_contents_name_the_real_titles(real_docroot):
    page = Page((real_docroot / 'index.html').read_text())
    titles = [title for _, title in page.links[1:]]
    assert titles[0] == 'Marseilles—The Arrival' and titles[116] == 'The Fifth of October'
    assert titles[28] == 'The House of Morrel & Son'
    assert titles[60] == 'How a Gardener May Get Rid of the Dormice that Eat His Peaches'
    assert len(page.headings) == 6
    assert 'Text: Project Gutenberg, e-book 1184' in page.text


def test_installing_takes_the_book_along(docroot, tmp_path):
    script = os.path.join(os.path.dirname(__file__), '..', '..', 'corpus', 'install')
    shutil.copytree(docroot, tmp_path / 'build' / 'book')
    prefix = tmp_path / 'prefix'
    done = subprocess.run([script], capture_output=True, text=True, check=False,
                          env=os.environ | {'MESON_BUILD_ROOT': str(tmp_path / 'build'),
                                            'MESON_INSTALL_DESTDIR_PREFIX': str(prefix)})
    assert done.returncode == 0
    assert files_of(prefix / 'share' / 'cristo' / 'book') == files_of(docroot)


def test_installing_goes_without_a_book(tmp_path):
    script = os.path.join(os.path.dirname(__file__), '..', '..', 'corpus', 'install')
    done = subprocess.run([script], capture_output=True, text=True, check=False,
                          env=os.environ | {'MESON_BUILD_ROOT': str(tmp_path),
                                            'MESON_INSTALL_DESTDIR_PREFIX': str(tmp_path / 'to')})
    assert done.returncode == 0 and 'corpus/prepare' in done.stdout
    assert not (tmp_path / 'to').exists()
