"""The clients' HdrHistogram logs, read by HdrHistogram itself."""

import pathlib
import re
import shutil
import subprocess

import pytest

from support.client import Wrong, measure, run, sends, whole
from support.programs import PATIENCE
from support.scripted import Scripted

JAR = pathlib.Path('/usr/share/java/hdrhistogram.jar')
java = shutil.which('java')
reference = pytest.mark.skipif(not java or not JAR.exists(),
                               reason='java or libhdrhistogram-java is not installed')


def distribution(log, to, *options):
    """(value, how many do not exceed it) at each percentile that the reference implementation
    prints, and its summary."""
    subprocess.run([java, '-Xmx128m', '-cp', JAR, 'org.HdrHistogram.HistogramLogProcessor', '-i',
                    log, '-o', to, '-outputValueUnitRatio', '1', *options], check=True,
                   capture_output=True, timeout=60 * PATIENCE)
    text = pathlib.Path(f'{to}.hgrm').read_text()
    rows = re.findall(r'(?m)^ *([0-9.]+) +[0-9.]+ +([0-9]+)', text)
    maximum, count = re.search(r'Max *= *([0-9.]+), Total count *= *([0-9]+)', text).groups()
    return [(float(value), int(upto)) for value, upto in rows], float(maximum), int(count)


def check_distribution(found, pairs):
    """The same samples, slot by slot."""
    rows, maximum, count = found
    assert count == sum(many for _, many in pairs) and maximum == pairs[-1][0]
    assert len(rows) > 3
    for value, upto in rows:
        assert upto == sum(many for highest, many in pairs if highest <= value), value


@reference
def test_hdrhistogram_reads_what_was_measured(model, tmp_path):
    log = tmp_path / 'run.hlog'
    with Scripted(lambda number, since: (number % 7) ** 3 / 2000) as server:
        result = measure(model, '-c', 8, '-n', 200, '--hlog', log, server.url)
    check_distribution(distribution(log, tmp_path / 'out'), result['histogram']['latency_us'])


@reference
def test_hdrhistogram_finds_raw_latencies_by_their_tag(model, tmp_path):
    log = tmp_path / 'run.hlog'
    with Scripted(lambda number, since: 0.05) as server:
        result = measure(model, '-R', 100, '-c', 2, '-n', 40, '--hlog', log, server.url)
    check_distribution(distribution(log, tmp_path / 'out'), result['histogram']['latency_us'])
    rows, maximum, count = distribution(log, tmp_path / 'raw', '-tag', 'raw')
    assert count == 40 and maximum == result['open_loop']['raw_us']['max'] < 30e6  # microseconds
    assert rows[0][0] >= 50_000


def test_hlog_may_go_to_stdout_in_place_of_the_summary(model):
    with Wrong(whole()) as server:
        done = run(model, '-n', 5, '--hlog', '-', server.url + '/')
        lines = done.stdout.splitlines()
        assert done.status == 0 and lines[0].startswith('#[Logged with cristo-')
        assert re.fullmatch(r'0\.000,[0-9.]+,[0-9.]+,HISTFAAAA[A-Za-z0-9+/]*=*', lines[-1])
        done = run(model, '-n', 5, '--hlog', '-', '--json', '-', server.url + '/')
        assert done.status == 2 and 'both want stdout' in done.stderr


def test_hlog_that_cannot_be_written_is_a_failure(model, tmp_path):
    with Wrong(sends(whole())) as server:
        done = run(model, '-n', 1, '--hlog', tmp_path / 'no' / 'such' / 'folder', server.url + '/')
        assert done.status == 1 and 'folder' in done.stderr
        assert len(server.heads) == 0
        assert run(model, '-n', 1, '--hlog', '/dev/full', server.url + '/').status == 1
