"""The command line, interruption, and what is refused."""

import json
import os
import pathlib
import signal
import subprocess
import time
from unittest.mock import ANY

import pytest

from conftest import LAB, bundle_of, lab
from support.programs import PATIENCE, environment, wait_until


def children_below(marker):
    """Processes whose command line names something below this folder, the lab itself excepted."""
    found = []
    for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        try:
            words = path.read_bytes().split(b'\0')
        except OSError:
            continue
        if any(str(marker).encode() in word for word in words) and str(LAB).encode() not in words:
            found.append(int(path.parent.name))
    return found


def parts_of(path):
    """A page: what stands before its data, the data, and what stands behind."""
    before, start, rest = path.read_text().partition('<script type="application/json" id="bundle">')
    data, end, after = rest.partition('</script>')
    assert start and end
    return before, json.loads(data), after


def start(programs, folder, *words, **variables):
    return subprocess.Popen([LAB, 'run', '--programs', programs, '--out', folder, *map(str, words)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment(**variables), start_new_session=True)


@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM', 'SIGHUP'])
def test_interrupted_run_keeps_its_rows_and_leaves_no_child(programs, tmp_path, plan, name):
    number = getattr(signal, name)
    process = start(programs, tmp_path / 'b', plan(repeats=100))
    assert wait_until(lambda: (tmp_path / 'b' / 'bundle.json').exists(), 20)  # the first round is done
    os.killpg(process.pid, number)  # as a terminal does
    out, err = process.communicate(timeout=20 * PATIENCE)
    assert process.returncode == 128 + number, err
    assert 'interrupted' in err
    bundle = bundle_of(tmp_path / 'b')
    assert bundle['interrupted']
    assert 8 <= len(bundle['rows']) < 800
    assert (tmp_path / 'b' / 'report.html').exists()
    assert 'file://' in out
    assert children_below(programs) == []


@pytest.mark.parametrize('manners', [{'LAB_FAKE_CLIENT': 'hang'}, {'LAB_FAKE_SERVER': 'mute'}])
def test_interrupt_ends_every_wait_at_once(programs, tmp_path, plan, manners):
    process = start(programs, tmp_path / 'b', plan(), **manners)
    assert wait_until(lambda: children_below(programs), 20)
    time.sleep(0.2)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30 * PATIENCE)
    assert process.returncode == 130, err
    assert time.monotonic() - begun < 8 * PATIENCE
    assert children_below(programs) == []
    assert bundle_of(tmp_path / 'b')['rows'] == []


def test_killed_lab_takes_its_children_along(programs, tmp_path, plan):
    process = start(programs, tmp_path / 'b', plan(), LAB_FAKE_CLIENT='hang')
    assert wait_until(lambda: len(children_below(programs)) >= 2, 20)
    process.kill()
    process.communicate(timeout=20 * PATIENCE)
    assert wait_until(lambda: not children_below(programs), 10)


def test_finished_run_leaves_no_child(race, programs):
    assert children_below(programs) == []


def test_list_names_the_race_and_its_question():
    done = lab('list')
    assert done.returncode == 0
    assert done.stdout.split(None, 1)[0] == 'race'
    assert 'threads suffice' in done.stdout


@pytest.mark.parametrize('words', [[], ['list'], ['run'], ['report']])
def test_help_and_version_go_to_stdout(words):
    done = lab(*words, '--help')
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith('Usage: cristo-lab ' + ''.join(words))
    done = lab(*words, '--version')
    assert done.returncode == 0 and 'cristo-lab' in done.stdout


@pytest.mark.parametrize('words, told', [
    ([], 'which command'),
    (['compare', 'a', 'b'], 'compare: no such command'),
    (['list', 'all'], 'all'),
    (['run'], 'which experiment'),
    (['run', 'race', 'chase'], 'chase'),
    (['run', 'chase'], 'chase: there is no such experiment'),
    (['run', '--fast', 'race'], '--fast'),
    (['run', '--repeats', '0', 'race'], '--repeats'),
    (['run', '--repeats', '101', 'race'], '--repeats'),
    (['run', '--duration', 'soon', 'race'], '--duration: soon'),
    (['run', '--duration', '1ms', 'race'], '--duration: 1ms'),
    (['run', '--seed', '-1', 'race'], '--seed'),
    (['run', '--url', 'ftp://x/', 'race'], '--url: ftp://x/'),
    (['run', '--url', 'http://x/a b', 'race'], '--url'),
    (['run', '--pid', '1', 'race'], '--pid goes with --url'),
    (['run', '--programs', '/no/such', 'race'], '--programs: /no/such'),
    (['report'], 'which bundle'),
    (['report', '/no/such'], '/no/such/bundle.json'),
])
def test_misuse_is_named_and_ends_with_2(words, told, tmp_path):
    done = lab(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ''


def test_existing_results_are_never_overwritten(programs, tmp_path, plan):
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / 'bundle.json').write_text('mine')
    done = lab('run', '--programs', programs, '--out', tmp_path / 'b', plan())
    assert done.returncode == 2
    assert f'--out: {tmp_path / "b"}' in done.stderr
    assert (tmp_path / 'b' / 'bundle.json').read_text() == 'mine'
    assert [path.name for path in (tmp_path / 'b').iterdir()] == ['bundle.json']


def test_missing_program_and_missing_book_are_named(programs, tmp_path, plan):
    done = lab('run', '--programs', tmp_path, '--out', tmp_path / 'b', plan())
    assert done.returncode == 2 and 'client/cristo-sync-client' in done.stderr
    done = lab('run', '--programs', programs, '--book', tmp_path / 'no', '--out', tmp_path / 'b', plan())
    assert done.returncode == 2 and '--book' in done.stderr
    assert not (tmp_path / 'b').exists()


def test_plan_with_a_mistake_is_told_where(programs, tmp_path, plan):
    path = plan(hypotheses=[{'name': 'odd', 'words': '?', 'expression': 'beauty(sync) > 1'}])
    done = lab('run', '--programs', programs, '--out', tmp_path / 'b', path)
    assert done.returncode == 2
    assert str(path) in done.stderr and '"odd"' in done.stderr
    assert not (tmp_path / 'b').exists()


def test_bundle_that_is_none_is_refused(tmp_path):
    for text, told in (('{', 'line 1'), ('{"schema": "other/1"}', 'schema'), ('[]', 'schema'),
                       ('{"schema": "cristo-bundle/1", "kind": "race"}', 'started')):
        (tmp_path / 'bundle.json').write_text(text)
        done = lab('report', tmp_path)
        assert done.returncode == 2 and told in done.stderr
        assert not (tmp_path / 'report.html').exists()


def test_report_draws_the_same_page_from_the_bundle_alone(race, tmp_path):
    (tmp_path / 'bundle.json').write_bytes((race.folder / 'bundle.json').read_bytes())
    done = lab('report', tmp_path)
    assert done.returncode == 0
    assert done.stdout == f'The page: file://{tmp_path}/report.html\n'
    before, old, after = parts_of(race.folder / 'report.html')
    assert parts_of(tmp_path / 'report.html') == (before, ANY, after)
    new = parts_of(tmp_path / 'report.html')[1]
    assert new['rows'] == old['rows'] and new['waits'] == old['waits']
    for one, other in zip(new['summary']['points'], old['summary']['points'], strict=True):
        for name, band in one.pop('values').items():
            assert band == pytest.approx(other['values'][name], rel=1e-9)
        assert one == {name: value for name, value in other.items() if name != 'values'}


def test_address_of_the_page_is_escaped(race, tmp_path):
    folder = tmp_path / 'a b#c%é'
    folder.mkdir()
    (folder / 'bundle.json').write_bytes((race.folder / 'bundle.json').read_bytes())
    done = lab('report', folder)
    assert done.stdout == f'The page: {(folder / "report.html").as_uri()}\n'


def test_own_server_is_asked_by_both_clients(run):
    done = run('--quick', '--quiet', '--url', 'http://127.0.0.1:7/page', '--pid', os.getpid(), 'race')
    assert done.status == 0
    bundle = done.bundle
    assert bundle['kind'] == 'url'
    assert bundle['waits'] == [] and bundle['summary']['hypotheses'] == []
    assert {row['server'] for row in bundle['rows']} == {'url'}
    assert {row['url'] for row in bundle['rows']} == {'http://127.0.0.1:7/page'}
    assert sorted((row['connections'], row['client']) for row in bundle['rows']) == sorted(
        (count, client) for count in (1, 4, 16, 64, 256, 1024) for client in ('sync', 'async'))
    assert all(row['server_use']['rss_bytes'] > 0 for row in bundle['rows'])
    assert done.out.lstrip().startswith('This server gives its most from ')
    assert 'asked' in done.out and 'by threads' in done.out


def test_own_server_is_not_sampled_without_its_pid(run, plan):
    done = run('--quiet', '--url', 'http://127.0.0.1:7/page', plan())
    assert done.status == 0
    assert all(row['server_use'] is None for row in done.bundle['rows'])


def test_process_that_is_none_is_refused(run, plan):
    done = run('--url', 'http://127.0.0.1:7/', '--pid', '2147483646', plan())
    assert done.status == 2
    assert '--pid: 2147483646' in done.err


def test_progress_is_told_unless_quiet(run, plan, race):
    assert '[  1/120] ' in race.err and ' left' in race.err
    assert run('--quiet', plan()).err == ''
