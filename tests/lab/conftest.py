"""The lab against programs that stand for servers and clients (fake/): quick, and always the same."""

import collections
import json
import os
import pathlib
import subprocess

import pytest

from support.programs import BUILD, PATIENCE, environment

HERE = pathlib.Path(__file__).resolve().parent
LAB = BUILD / 'lab' / 'cristo-lab'

Done = collections.namedtuple('Done', 'status out err folder bundle')


def lab(*words, timeout=300, **variables):
    """Runs cristo-lab to its end."""
    return subprocess.run([LAB, *map(str, words)], capture_output=True, text=True,
                          env=environment(**variables), timeout=timeout * PATIENCE, check=False)


def bundle_of(folder):
    path = folder / 'bundle.json'
    return json.loads(path.read_text()) if path.exists() else None


@pytest.fixture(scope='session')
def programs(tmp_path_factory):
    """A folder laid out as a build folder, with the stand-ins and a small book."""
    root = tmp_path_factory.mktemp('programs')
    for side in ('server', 'client'):
        (root / side).mkdir()
        for model in ('sync', 'async'):
            os.symlink(HERE / 'fake' / f'{side}.py', root / side / f'cristo-{model}-{side}')
    (root / 'book' / 'chapters').mkdir(parents=True)
    (root / 'book' / 'count-of-monte-cristo.txt').write_text('A stand-in for the novel\n' + 'x' * 90000)
    for number, size in enumerate((9000, 22000, 23500, 41000), 1):
        (root / 'book' / 'chapters' / f'{number:03}.txt').write_text('y' * size)
    return root


@pytest.fixture
def run(programs, tmp_path):
    """Runs an experiment into a folder of its own."""
    def give(*words, **variables):
        folder = tmp_path / 'bundle'
        done = lab('run', '--programs', programs, '--out', folder, *words, **variables)
        return Done(done.returncode, done.stdout, done.stderr, folder, bundle_of(folder))
    return give


@pytest.fixture(scope='session')
def race(programs, tmp_path_factory):
    """One whole race, three repeats of everything, for all tests that only look."""
    folder = tmp_path_factory.mktemp('race') / 'bundle'
    done = lab('run', '--programs', programs, '--out', folder, '--duration', '10ms', 'race')
    assert done.returncode == 0, done.stderr
    return Done(done.returncode, done.stdout, done.stderr, folder, bundle_of(folder))


@pytest.fixture
def plan(tmp_path):
    """Writes a small plan, changed as asked, and gives its path."""
    def give(**changes):
        whole = {
            'schema': 'cristo-plan/1', 'name': 'small', 'title': 'Small', 'question': 'How small?',
            'repeats': 1, 'seed': 7, 'duration': '20ms', 'warmup': '0s',
            'targets': [{'name': 'chapter', 'label': 'a chapter', 'path': '/chapters/*.txt',
                         'near_bytes': 23000, 'connections': [1, 4]}],
            'finding': {'target': 'chapter', 'share': 0.9, 'worst': 0.8},
        }
        path = tmp_path / 'small.json'
        path.write_text(json.dumps(whole | changes))
        return path
    return give
