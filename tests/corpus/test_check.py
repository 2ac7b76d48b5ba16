"""What is wrong with a text is named, with the place, and nothing else changes."""

import gzip
import os
import re

import pytest

from books import cristo_book, lay_out, run, snapshot, BUILD


def complaint(path):
    """What --check says after the file's name."""
    done = cristo_book('--check', path)
    assert done.returncode == 1
    assert done.stdout == ''
    start = f'cristo-book: {path}: '
    assert done.stderr.startswith(start) and done.stderr.count('\n') == 1
    return done.stderr[len(start):].rstrip('\n')


def line_of(path, start):
    """The number of the last line that begins so."""
    lines = path.read_bytes().decode(errors='replace').split('\n')
    return max(number for number, line in enumerate(lines, 1) if line.strip().startswith(start))


def test_good_book_is_the_novel(good):
    done = cristo_book('--check', good)
    assert done.returncode == 0
    size = f'{good.stat().st_size:,}'
    assert done.stdout == f'{good}: the novel, 117 chapters, {size} bytes\n'


@pytest.mark.parametrize('bend', [
    lambda book: setattr(book, 'newline', '\n'),
    lambda book: setattr(book, 'head', 'No byte order mark\n'),
    lambda book: setattr(book, 'licence', ''),
    lambda book: setattr(book, 'notes', ''),
    lambda book: [setattr(book, name, '') for name in ('head', 'start', 'end', 'licence')],
    lambda book: book.titles.update({61: 'A Title That is Too Long for its\nLine'}),
    lambda book: book.texts.update({5: 'Chapter 7. is what he read.\n' + book.texts[5]}),
    lambda book: setattr(book, 'VOLUMES', {}),
    lambda book: setattr(book, 'contents', lambda: 'A preface of some length.\n\n\n'),
])
def test_other_forms_of_the_book_are_fine(book, bend, tmp_path):
    bend(book)
    done = cristo_book('--check', book.write(tmp_path / 'book.txt'))
    assert (done.returncode, done.stderr) == (0, '')


def test_missing_chapter_is_named_with_its_place(book, tmp_path):
    book.order.remove(54)
    path = book.write(tmp_path / 'book.txt')
    line = line_of(path, 'Chapter 55.')
    assert complaint(path) == f'chapter 54 is missing after chapter 53 (line {line})'


def test_missing_chapters_are_named(book, tmp_path):
    for number in range(54, 61):
        book.order.remove(number)
    path = book.write(tmp_path / 'book.txt')
    line = line_of(path, 'Chapter 61.')
    assert complaint(path) == f'chapters 54 to 60 are missing after chapter 53 (line {line})'


def test_missing_first_chapter_is_named(book, tmp_path):
    book.order.remove(1)
    path = book.write(tmp_path / 'book.txt')
    line = line_of(path, 'Chapter 2.')
    assert complaint(path) == f'chapter 1 is missing: the first one is chapter 2 (line {line})'


def test_missing_last_chapter_is_an_early_end(book, tmp_path):
    book.order.remove(117)
    assert re.fullmatch(r'is truncated: it ends in chapter 116 of 117 \(line \d+\)',
                        complaint(book.write(tmp_path / 'book.txt')))


def test_repeated_chapter_is_named(book, tmp_path):
    book.order.insert(20, 12)
    path = book.write(tmp_path / 'book.txt')
    line = line_of(path, 'Chapter 12.')
    assert complaint(path) == f'chapter 12 comes after chapter 20 (line {line})'


def test_swapped_chapters_are_named(book, tmp_path):
    book.order[10], book.order[11] = book.order[11], book.order[10]
    path = book.write(tmp_path / 'book.txt')
    line = line_of(path, 'Chapter 12.')
    assert complaint(path) == f'chapter 11 is missing after chapter 10 (line {line})'


def test_one_chapter_too_many_is_named(book, tmp_path):
    book.order.append(118)
    book.titles[118] = 'The Return'
    book.texts[118] = 'He came back.'
    path = book.write(tmp_path / 'book.txt')
    line = line_of(path, 'Chapter 118.')
    assert complaint(path) == f'chapter 118 is one too many (line {line}): the novel has 117'


def test_chapter_without_text_counts_as_missing(book, tmp_path):
    book.texts[30] = '0023m'
    assert complaint(book.write(tmp_path / 'book.txt')).startswith('chapter 30 is missing')


@pytest.mark.parametrize('share', [0.02, 0.3, 0.75, 0.98])
def test_truncated_book_tells_where_it_ends(book, share, tmp_path):
    whole = book.text().encode()
    cut = whole[:int(len(whole) * share)].decode(errors='ignore')
    path = tmp_path / 'book.txt'
    path.write_bytes(cut.encode())
    chapter = re.findall(r'\n Chapter (\d+)\.', cut)[-1]
    line = cut.count('\n') + 1
    assert complaint(path) == f'is truncated: it ends in chapter {chapter} of 117 (line {line})'


def test_every_cut_is_found(book, tmp_path):
    """Wherever the last chapter, the END line or the licence is cut. What may be lacking are blanks
    and the full stop at the very end, and the licence as a whole."""
    whole = book.text().encode()
    end = whole.index(b'*** END OF')
    last = len(whole.rstrip()) - 1
    path = tmp_path / 'book.txt'
    fine = set()
    for cut in list(range(end - 2000, last, 97)) + list(range(end - 40, end + 120, 3)):
        path.write_bytes(whole[:cut])
        if cristo_book('--check', path).returncode == 0:
            fine.add(cut)
    start_of_licence = whole.index(b'You may copy it.')
    assert all(end < cut <= start_of_licence for cut in fine), fine
    path.write_bytes(whole[:last])
    assert cristo_book('--check', path).returncode == 0


def test_cut_within_a_character_is_named(book, tmp_path):
    whole = book.text().encode()
    path = tmp_path / 'book.txt'
    path.write_bytes(whole[:whole.index('é'.encode(), 100000) + 1])
    assert re.fullmatch(r'is truncated: it ends within a character \(line \d+\)', complaint(path))


def test_first_words_are_checked(book, tmp_path):
    book.texts[1] = 'Call me Edmond.\n' + book.texts[1]
    path = book.write(tmp_path / 'book.txt')
    line = line_of(path, 'Chapter 1.')
    assert complaint(path) == ('is not the novel: chapter 1 does not begin with "On the 24th of '
                               f'February, 1815" (line {line})')


def test_last_words_are_checked(book, tmp_path):
    book.texts[117] += '\n\nAnd then he came back and told them everything that had happened, and ' \
                       'they lived happily together ever after.'
    assert complaint(book.write(tmp_path / 'book.txt')).startswith(
        'is truncated or not the novel: chapter 117 does not end with "Wait and hope"')


@pytest.mark.parametrize('end', ['“Wait and\nhope.”', '‘_wait_ and _hope_’”', '"Wait and hope."'])
def test_last_words_may_be_set_in_other_ways(book, end, tmp_path):
    book.texts[117] = book.filler(117) + '\n\n' + end
    assert cristo_book('--check', book.write(tmp_path / 'book.txt')).returncode == 0


@pytest.mark.parametrize('factor', [0.7, 1.4])
def test_size_is_checked(book, factor, tmp_path):
    for number in range(2, 117):
        text = book.filler(number) * 2
        book.texts[number] = text[:int(len(text) / 2 * factor)]
    path = book.write(tmp_path / 'book.txt')
    assert complaint(path) == f'has {path.stat().st_size} bytes; the novel has about 2.8 million'


def test_huge_file_is_not_even_read(tmp_path):
    path = tmp_path / 'huge'
    with open(path, 'wb') as file:
        file.truncate(1 << 40)
    assert complaint(path) == f'has {1 << 40} bytes; the novel has about 2.8 million'


def test_empty_file_is_named(tmp_path):
    path = tmp_path / 'empty'
    path.touch()
    assert complaint(path) == 'is empty'


def test_absent_file_is_named(tmp_path):
    assert complaint(tmp_path / 'absent') == 'No such file or directory'


def test_folder_is_named(tmp_path):
    assert complaint(tmp_path) == 'is a folder, not a file'


def test_unreadable_file_is_named(good, tmp_path):
    path = tmp_path / 'unreadable'
    path.write_bytes(good.read_bytes())
    path.chmod(0)
    done = run(*without_privilege(), BUILD / 'corpus' / 'cristo-book', '--check', path)
    assert (done.returncode, done.stderr) == (1, f'cristo-book: {path}: Permission denied\n')


def without_privilege():
    """Root reads everything, unless it gives up that capability."""
    if os.geteuid() != 0:
        return []
    words = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search']
    if run(*words, 'true').returncode != 0:
        pytest.skip('root reads everything and cannot be told not to')
    return words


def test_fifo_and_device_are_no_files(tmp_path):
    os.mkfifo(tmp_path / 'fifo')
    assert complaint(tmp_path / 'fifo') == 'is no file'
    assert complaint('/dev/zero') == 'is no file'


@pytest.mark.parametrize('start, kind', [
    (b'%PDF-1.7\n', 'PDF'),
    (b'PK\x03\x04', 'ZIP or EPUB'),
    (b'<!DOCTYPE html>\n', 'HTML'),
    (b'<html>', 'HTML'),
    (b'\xff\xfeC\0h\0', 'UTF-16'),
])
def test_other_kinds_of_files_are_recognised(start, kind, tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(start + b'x' * 1000)
    assert kind in complaint(path)


def test_gzip_file_is_recognised(good, tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(gzip.compress(good.read_bytes()))
    assert complaint(path) == 'is compressed with gzip; unpack it first'


@pytest.mark.parametrize('bad', [
    b'\x00', b'\x01', b'\x1b', b'\x7f',
    b'\x80', b'\xff', b'\xe9t\xe9',         # bytes that begin nothing; Latin-1
    b'\xc0\xaf', b'\xe0\x80\xaf',           # overlong forms (RFC 3629 section 3)
    b'\xed\xa0\x80',                        # a surrogate
    b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80',  # beyond U+10FFFF
    b'\xc3(', b'\xe2\x82(', b'\xf0\x9f\x98(',  # broken off
])
def test_bytes_that_are_no_text_are_named_with_their_line(book, bad, tmp_path):
    whole = book.text().encode()
    at = whole.index(b'matter 60')
    path = tmp_path / 'book.txt'
    path.write_bytes(whole[:at] + bad + whole[at:])
    line = whole[:at].count(b'\n') + 1
    assert complaint(path) == f'is not plain UTF-8 text: byte 0x{bad[0]:02x} in line {line}'


def test_text_of_another_book_is_not_the_novel(tmp_path):
    path = tmp_path / 'other.txt'
    path.write_text('It was the best of times, it was the worst of times.\n' * 50000)
    assert complaint(path) == 'is not the novel: no line is like "Chapter 1. Marseilles"'


def test_wrong_text_leaves_the_docroot_untouched(good, book, tmp_path):
    docroot = tmp_path / 'docroot'
    assert lay_out(good, docroot).returncode == 0
    before = snapshot(tmp_path)
    book.order.remove(54)
    wrong = book.write(tmp_path.parent / f'{tmp_path.name}-wrong.txt')
    done = lay_out(wrong, docroot)
    assert done.returncode == 1 and f'{wrong}: chapter 54 is missing' in done.stderr
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize('words', [
    [], ['one'], ['one', 'two', 'three'], ['--check'], ['--check', 'a', 'b'], ['--nothing', 'a', 'b'],
    ['--quality', '12', 'a', 'b'], ['--quality', 'x', 'a', 'b'], ['--seed', '-1', '--stand-in', '-'],
    ['--source', 'two\nlines', 'a', 'b'], ['--source', 'x' * 400, 'a', 'b'],
])
def test_misuse_is_status_2(words):
    done = cristo_book(*words)
    assert done.returncode == 2
    assert done.stdout == '' and done.stderr.startswith('cristo-book: ')


def test_help_and_version_go_to_stdout():
    for option in ('--help', '--version'):
        done = run(BUILD / 'corpus' / 'cristo-book', option)
        assert (done.returncode, done.stderr) == (0, '')
        assert 'cristo-book' in done.stdout


def test_real_text_is_the_novel(real):
    done = cristo_book('--check', real)
    assert done.returncode == 0
    assert done.stdout == f'{real}: the novel, 117 chapters, 2,787,172 bytes\n'


@pytest.mark.parametrize('size', [1000, 60000, 1400000, 2000000, 2700000, 2766000, 2770000, 2787000])
def test_truncated_real_text_is_found(real, size, tmp_path):
    path = tmp_path / 'cut.txt'
    path.write_bytes(real.read_bytes()[:size])
    complaint(path)
