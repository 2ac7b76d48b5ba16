"""The lab with the real programs, as short as can be."""

import re

import pytest

from conftest import bundle_of, lab
from support.programs import BUILD, MODELS
from support.server import Server
from test_race import is_whole


@pytest.fixture
def book(tmp_path):
    """A small docroot in the shape of the book."""
    root = tmp_path / 'book'
    (root / 'chapters').mkdir(parents=True)
    (root / 'count-of-monte-cristo.txt').write_text('The Count of Monte Cristo\n' + 'x' * 300_000)
    (root / 'chapters' / '001.txt').write_text('y' * 23_000)
    return root


WAITS = {'requests': 5, 'delay': '20ms-60ms', 'seed': 3, 'path': '/0', 'ways': [
    {'name': 'loop', 'label': 'one by one', 'client': 'sync', 'connections': 1},
    {'name': 'events', 'label': 'at once', 'client': 'async', 'connections': 5}]}


def test_race_of_the_real_programs(book, plan, tmp_path):
    path = plan(duration='200ms', warmup='10ms', waits=WAITS)
    done = lab('run', '--quiet', '--programs', BUILD, '--book', book, '--out', tmp_path / 'b', path)
    assert done.returncode == 0, done.stderr
    bundle = bundle_of(tmp_path / 'b')
    assert is_whole(bundle) == []
    assert len(bundle['rows']) == 8
    answered = [row for row in bundle['rows'] if row['result']['requests']['ok'] > 0]
    assert answered  # on a crowded machine not every run of so short a time need be
    for row in answered:
        result, use = row['result'], row['server_use']
        assert result['requests']['failed'] == 0
        assert result['bytes']['body'] >= 23_000 * result['requests']['ok']
        assert use['cpu_s'] > 0 and use['rss_bytes'] > 0
        assert use['switches_voluntary'] > 0
        assert use['switches_requests'] >= result['requests']['ok']


def test_all_ways_face_the_same_waits(book, plan, tmp_path):
    path = plan(waits=WAITS)
    done = lab('run', '--quiet', '--programs', BUILD, '--book', book, '--out', tmp_path / 'b', path)
    assert done.returncode == 0, done.stderr
    waits = bundle_of(tmp_path / 'b')['waits']
    assert len(waits) == 4
    delays = [row['result']['delay_s'] for row in waits]
    assert all(delay['count'] == 5 for delay in delays)
    assert len({round(delay['sum'], 3) for delay in delays}) == 1
    assert len({round(delay['max'], 3) for delay in delays}) == 1
    assert 0.1 <= delays[0]['sum'] <= 0.3 and 0.02 <= delays[0]['max'] <= 0.06
    for row in waits:
        wait = row['result']['delay_s']['sum' if row['way'] == 'loop' else 'max']
        assert row['result']['elapsed_s'] >= wait - 0.001
    versions = bundle_of(tmp_path / 'b')['environment']['versions']
    assert {re.fullmatch(r'\d+\.\d+\.\d+', version) is not None for version in versions.values()} == {True}


@pytest.mark.parametrize('model', MODELS)
def test_own_server_is_measured_by_its_address(model, docroot, plan, tmp_path):
    server = Server(model, docroot=docroot)
    try:
        done = lab('run', '--quiet', '--programs', BUILD, '--url', f'{server.url}/thousand.bin',
                   '--pid', server.pid, '--out', tmp_path / 'b', plan(duration='60ms'))
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    bundle = bundle_of(tmp_path / 'b')
    assert is_whole(bundle) == []
    assert len(bundle['rows']) == 4
    assert all(row['result']['bytes']['body'] == 1000 * row['result']['requests']['ok'] for row in bundle['rows'])
    assert all(row['server_use']['cpu_s'] > 0 for row in bundle['rows'] if row['result']['requests']['ok'] > 0)


def test_own_server_that_is_not_there_is_told(plan, tmp_path):
    done = lab('run', '--quiet', '--programs', BUILD, '--url', 'http://127.0.0.1:9/', '--out', tmp_path / 'b', plan())
    assert done.returncode == 1
    assert 'http://127.0.0.1:9/' in done.stderr
