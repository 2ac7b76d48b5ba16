"""The text that stands in for the novel."""

import collections
import re

from books import cristo_book, lay_out

# Letters by their share in English text, in percent (R. Lewand, Cryptological Mathematics, 2000).
ENGLISH = {'e': 12.7, 't': 9.1, 'a': 8.2, 'o': 7.5, 'i': 7.0, 'n': 6.7, 's': 6.3, 'h': 6.1, 'r': 6.0,
           'd': 4.3, 'l': 4.0, 'c': 2.8, 'u': 2.8, 'm': 2.4, 'w': 2.4, 'f': 2.2, 'g': 2.0, 'y': 2.0,
           'p': 1.9, 'b': 1.5, 'v': 1.0, 'k': 0.8, 'j': 0.2, 'x': 0.2, 'q': 0.1, 'z': 0.1}


def test_first_line_says_what_it_is(stand_in):
    first = stand_in.read_text().splitlines()[0]
    assert first == ('STAND-IN for The Count of Monte Cristo: made-up words in the shape of the '
                     'novel (seed 1184)')


def test_it_passes_the_check_as_a_stand_in(stand_in):
    done = cristo_book('--check', stand_in)
    assert done.returncode == 0
    assert 'a stand-in for the novel, 117 chapters' in done.stdout


def test_same_seed_gives_the_same_bytes(stand_in):
    assert cristo_book('--stand-in', '-').stdout == stand_in.read_text()


def test_another_seed_gives_another_book(stand_in, tmp_path):
    other = tmp_path / 'other.txt'
    assert cristo_book('--seed', '7', '--stand-in', other).returncode == 0
    assert cristo_book('--check', other).returncode == 0
    assert other.read_text().splitlines()[0].endswith('(seed 7)')
    assert other.read_text().splitlines()[200:300] != stand_in.read_text().splitlines()[200:300]


def test_size_is_that_of_the_novel(stand_in):
    assert 2_600_000 < stand_in.stat().st_size < 2_900_000


def test_letters_come_as_often_as_in_english(stand_in):
    letters = collections.Counter(c for c in stand_in.read_text().lower() if 'a' <= c <= 'z')
    total = sum(letters.values())
    for letter, share in ENGLISH.items():
        assert abs(100 * letters[letter] / total - share) < 1.6, letter


def test_words_come_as_often_as_in_english(stand_in):
    """Zipf's law: a few words make half of the text, a few thousand nearly all of it."""
    words = re.findall(r'[a-zà-ÿ]+', stand_in.read_text().lower())
    counts = [count for _, count in collections.Counter(words).most_common()]
    assert 400_000 < len(words) < 550_000
    assert 3000 < len(counts)
    assert 0.04 < counts[0] / len(words) < 0.08
    assert 0.20 < sum(counts[:10]) / len(words) < 0.30
    assert 0.45 < sum(counts[:100]) / len(words) < 0.60
    assert 4.0 < sum(map(len, words)) / len(words) < 4.8


def test_lines_and_paragraphs_are_as_long_as_the_novels(stand_in):
    text = stand_in.read_text()
    lines = text.splitlines()
    assert max(map(len, lines[200:])) <= 71
    parts = [part for part in text.split('\n\n') if part.strip()]
    assert 130 < sum(map(len, parts)) / len(parts) < 220


def test_chapters_are_as_long_as_the_novels(stand_in, real, tmp_path):
    assert lay_out(stand_in, tmp_path / 'made-up').returncode == 0
    assert lay_out(real, tmp_path / 'real').returncode == 0
    for number in range(1, 118):
        name = f'chapters/{number:03}.txt'
        made_up = (tmp_path / 'made-up' / name).stat().st_size
        assert abs(made_up - (tmp_path / 'real' / name).stat().st_size) < 2500, name


def test_it_packs_about_as_well_as_the_novel(stand_in, tmp_path):
    assert lay_out(stand_in, tmp_path / 'docroot').returncode == 0
    whole = tmp_path / 'docroot' / 'count-of-monte-cristo.txt'
    packed = whole.with_name(whole.name + '.gz').stat().st_size
    assert 0.33 < packed / whole.stat().st_size < 0.45 # the novel: 0.36


def test_its_page_says_that_it_is_no_novel(stand_in, tmp_path):
    assert lay_out(stand_in, tmp_path / 'docroot').returncode == 0
    page = (tmp_path / 'docroot' / 'index.html').read_text()
    assert 'This is a stand-in, not the novel' in page
    assert 'CRISTO_BOOK=FILE corpus/prepare' in page


def test_its_first_chapter_is_an_arrival_too(stand_in, tmp_path):
    assert lay_out(stand_in, tmp_path / 'docroot').returncode == 0
    text = (tmp_path / 'docroot' / 'chapters' / '001.txt').read_text()
    assert 'the three-master, the _Pharaon_' in ' '.join(text.split()[:40])


def test_what_cannot_be_written_is_an_error():
    done = cristo_book('--stand-in', '/dev/full')
    assert done.returncode == 1 and 'No space left on device' in done.stderr
