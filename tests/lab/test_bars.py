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


PATH = f'{os.environ["PATH"]}:/usr/sbin:/sbin'


def bars(*words, timeout=60, **variables):
    return subprocess.run([BARS, *map(str, words)], capture_output=True, text=True, cwd=HOME,
                          env=environment(**variables), timeout=timeout * PATIENCE, check=False)


def is_there(contender):
    name = contender.removesuffix('-tls')
    return name not in PEERS or shutil.which(name, path=PATH) is not None


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


# What each of the generators says when there was no reply at all.
NOTHING = re.compile(r'no request was answered well|\b0 requests in|\b0 succeeded|"requests": ?0\b')


def measure(bar, book, out, **variables):
    """What became of it, and the rows. Longer, where a second has passed in which somebody who is bound to
    a core was kept from it."""
    for seconds in (1, 10):
        done = bars('--rounds', 1, '--seconds', seconds, '--build', BUILD, '--book', book, '--out', out, bar,
                    **variables)
        with open(out / 'rounds.tsv', encoding='utf-8') as file:
            rows = [dict(zip(COLUMNS, row)) for row in list(csv.reader(file, delimiter='\t'))[1:]]
        if not NOTHING.search(done.stderr) and all(float(row['requests per second']) > 0 for row in rows):
            break
    return done, rows


two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason='two cores are needed')


@two_cores
@pytest.mark.parametrize('bar', ['async-1k-64', 'sync-log', 'async-sandbox', 'client-1k', 'tls-1k',
                                 'tls-handshake'])
def test_every_contender_of_a_bar_is_measured(bar, book, tmp_path):
    out = tmp_path / 'out'
    done, rows = measure(bar, book, out)
    assert done.returncode == 0, done.stderr
    measured = {row['contender']: row for row in rows}
    assert measured.keys() == {name for name in contenders_of(bar) if is_there(name)}
    for row in measured.values():
        assert row['bar'] == bar
        assert float(row['requests per second']) > 0 and float(row['CPU of the generator']) > 0
    assert bar in (out / 'bars.tsv').read_text()
    assert (out / 'environment.txt').stat().st_size > 0


# What a peer over TLS is made to do, so that it is no match for ours.
@two_cores
@pytest.mark.skipif(not is_there('nginx-tls'), reason='nginx is needed')
@pytest.mark.parametrize('bar, instead', [
    ('tls-1k', 's/ssl_protocols .*/ssl_protocols TLSv1.2;/'),
    ('tls-1k', '/ssl_protocols/a ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;'),
])
def test_what_is_not_encrypted_alike_is_not_compared(bar, instead, book, tmp_path):
    other = tmp_path / 'nginx'
    other.write_text('#!/bin/sh\n'
                     f'[ "$3" != -c ] || sed -i "{instead}" "$4"\n'
                     f'exec {shutil.which("nginx", path=PATH)} "$@"\n')
    other.chmod(0o755)
    out = tmp_path / 'out'
    done = bars('--rounds', 1, '--seconds', 1, '--build', BUILD, '--book', book, '--out', out, bar,
                PATH=f'{tmp_path}:{PATH}')
    assert done.returncode == 1 and 'nginx-tls: not 64 full handshakes of TLSv1.3' in done.stderr
    assert 'nginx-tls' not in (out / 'rounds.tsv').read_text()
    assert 'async-tls' in (out / 'rounds.tsv').read_text()


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
