"""lab/bars: that it measures everything it says it measures. Not what it measures."""

import csv
import os
import re
import shutil
import subprocess

import pytest

from support.programs import BUILD, HOME, PATIENCE, environment

BARS = HOME / 'lab' / 'bars'
PEERS = {'nginx', 'h2o', 'lighttpd', 'wrk', 'h2load'}
COLUMNS = ['bar', 'round', 'contender', 'file', 'connections', 'requests per second',
           'CPU of the server', 'CPU of the generator', 'bytes per connection']


def bars(*words, timeout=60):
    return subprocess.run([BARS, *map(str, words)], capture_output=True, text=True, cwd=HOME,
                          env=environment(), timeout=timeout * PATIENCE, check=False)


def is_there(contender):
    path = f'{os.environ["PATH"]}:/usr/sbin:/sbin'
    return contender not in PEERS or shutil.which(contender, path=path) is not None


@pytest.fixture
def book(tmp_path):
    path = tmp_path / 'book.txt'
    path.write_text('A line of the book.\n' * 20000)
    return path


def contenders_of(bar):
    """Those that --list names in this bar: on either side of a slash, or alone."""
    listed = {line.split()[0]: line.split()[4:] for line in bars('--list').stdout.splitlines()}
    names = [name for word in listed[bar] for name in re.split(r'[<>]=', word)[0].split('/')]
    return set(names)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason='two cores are needed')
@pytest.mark.parametrize('bar', ['async-1k-64', 'sync-log', 'async-sandbox', 'client-1k'])
def test_every_contender_of_a_bar_is_measured(bar, book, tmp_path):
    out = tmp_path / 'out'
    done = bars('--rounds', 1, '--seconds', 1, '--build', BUILD, '--book', book, '--out', out, bar)
    assert done.returncode == 0, done.stderr
    with open(out / 'rounds.tsv', encoding='utf-8') as file:
        rows = list(csv.reader(file, delimiter='\t'))[1:]
    measured = {dict(zip(COLUMNS, row))['contender']: dict(zip(COLUMNS, row)) for row in rows}
    assert measured.keys() == {name for name in contenders_of(bar) if is_there(name)}
    for row in measured.values():
        assert row['bar'] == bar
        assert float(row['requests per second']) > 0 and float(row['CPU of the generator']) > 0
    assert bar in (out / 'bars.tsv').read_text()
    assert (out / 'environment.txt').stat().st_size > 0


@pytest.mark.parametrize('words, said', [
    (['--nothing'], 'no such option'),
    (['no-such-bar'], 'no such bar'),
    (['--rounds', 'many'], 'whole numbers'),
    (['--rounds'], 'needs an argument'),
    (['--book', '/no/such/book'], 'no book there'),
])
def test_misuse_is_status_2(words, said):
    done = bars('--build', BUILD, *words)
    assert done.returncode == 2 and said in done.stderr


def test_help_goes_to_stdout():
    done = bars('--help')
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith('Usage: lab/bars')
