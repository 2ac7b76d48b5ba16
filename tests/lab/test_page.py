"""The report page in a browser: complete, silent, and drawn."""

import html
import json
import re
import shutil
import subprocess

import pytest

from conftest import lab
from support.programs import PATIENCE

CHROMIUM = shutil.which('chromium')
FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--virtual-time-budget=5000', '--enable-logging=stderr', '--v=0']

# Counts for every canvas the points that were painted, and how many colours they have.
PROBE = '''<script>
window.addEventListener('load', () => setTimeout(() => {
  const seen = [...document.querySelectorAll('canvas')].map((canvas) => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    let painted = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] > 0) { painted++; colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]); }
    }
    return {painted, colours: colours.size, label: canvas.getAttribute('aria-label')};
  });
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  document.body.setAttribute('data-probe', JSON.stringify({seen, wide, title: document.title}));
}, 300));
</script></body>'''


def open_page(page, tmp_path, *more):
    """The page as the browser made it, what it said to the console, and what the probe saw."""
    if CHROMIUM is None:
        pytest.skip('chromium is not installed')
    probed = tmp_path / 'probed.html'
    probed.write_text(page.replace('</body>', PROBE))
    done = subprocess.run([CHROMIUM, *FLAGS, f'--user-data-dir={tmp_path / "profile"}', *more,
                           '--dump-dom', probed.as_uri()],
                          capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.splitlines() if 'CONSOLE' in line]
    probe = json.loads(html.unescape(re.search(r'data-probe="([^"]*)"', done.stdout)[1]))
    return done.stdout, console, probe


@pytest.fixture(scope='module')
def page(race):
    return (race.folder / 'report.html').read_text()


@pytest.fixture(scope='module')
def opened(page, tmp_path_factory):
    return open_page(page, tmp_path_factory.mktemp('page'), '--window-size=1280,3000')


def visible(dom):
    body = re.sub(r'<(script|style|noscript)\b.*?</\1>', ' ', dom, flags=re.DOTALL)
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', ' ', body)).split())


def test_page_fetches_nothing(page):
    """Its policy forbids every fetch, so a try would show in the console; nor is one written."""
    assert "default-src 'none'" in page
    for attribute, address in re.findall(r'<[^>]*\b(src|href|action|data|poster)\s*=\s*"([^"]*)"',
                                         page.split('<script type="application/json"')[0]):
        assert address.startswith(('data:', '#')), (attribute, address)
    assert not re.search(r'@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket\(|sendBeacon', page)


def test_console_stays_empty(opened):
    assert opened[1] == []


def test_probe_would_hear_the_console(page, tmp_path):
    noisy = page.replace('"use strict";', '"use strict"; console.error("heard");', 1)
    assert any('heard' in line for line in open_page(noisy, tmp_path)[1])


def test_every_chart_is_drawn(opened):
    seen = opened[2]['seen']
    assert len(seen) == 2 * 7  # a chapter and the book: rate, p50, p99, CPU, switches, memory, threads
    for canvas in seen:
        assert canvas['painted'] > 2000 and canvas['colours'] > 10, canvas


def test_page_opens_with_question_and_finding(opened, race):
    text = visible(opened[0])
    finding = race.bundle['summary']['finding']
    assert race.bundle['plan']['question'] in text
    assert finding['headline'] + '.' in text
    assert text.index(finding['headline']) < 300
    assert finding['detail'][1:] in text
    assert opened[2]['title'].endswith(finding['headline'])


def test_page_tells_all_that_was_measured(opened, race):
    text = visible(opened[0])
    for word in ('✓ held', '✗ did not hold', 'keeps up', 'falls behind', 'longest wait', 'all waits together',
                 'in shuffled order (seed 1844)', 'stand-in of the novel',
                 race.bundle['environment']['kernel'],
                 f"congestion control {race.bundle['environment']['congestion_control']}"):
        assert word in text, word
    for one in race.bundle['summary']['hypotheses']:
        assert one['words'] in text
        assert one['expression'] in text
    rows = opened[0].split('id="values-table"')[1].split('</table>')[0].count('<tr')
    assert rows == 1 + 2 + len(race.bundle['summary']['points'])


def test_page_fits_a_narrow_window(page, tmp_path):
    dom, console, probe = open_page(page, tmp_path, '--window-size=500,3000')
    assert console == [] and not probe['wide']
    assert all(canvas['painted'] > 1000 for canvas in probe['seen'])


def test_both_clients_can_be_shown(page, tmp_path):
    shown = page.replace('location.hash.slice(1)', '"both"')
    dom, console, _ = open_page(shown, tmp_path)
    assert console == []
    assert 'served by threads, asked by events' in visible(dom)


def test_page_in_dark_colours(page, tmp_path):
    _, console, probe = open_page(page, tmp_path, '--blink-settings=preferredColorScheme=0')
    assert console == [] and all(canvas['painted'] > 1000 for canvas in probe['seen'])


def redrawn(race, folder, change):
    bundle = json.loads((race.folder / 'bundle.json').read_text())
    change(bundle)
    (folder / 'bundle.json').write_text(json.dumps(bundle))
    done = lab('report', folder)
    assert done.returncode == 0, done.stderr
    return (folder / 'report.html').read_text()


def test_data_cannot_break_out_of_the_page(race, tmp_path):
    """Words of a plan and names of files are data, whatever they look like."""
    evil = '</script><script>console.error("out")</script><!-- <script> <img src=x onerror=console.error(1)>'

    def change(bundle):
        bundle['plan']['question'] = evil
        bundle['plan']['targets'][0]['label'] = evil
        bundle['environment']['book']['first_line'] = evil
        bundle['rows'][0]['error'] = evil
    page = redrawn(race, tmp_path, change)
    assert evil not in page
    dom, console, probe = open_page(page, tmp_path)
    assert console == []
    assert len(probe['seen']) == 14


def test_page_of_an_interrupted_race_without_rows(race, tmp_path):
    def change(bundle):
        bundle.update(rows=[], waits=[], targets=[], interrupted=True)
    dom, console, probe = open_page(redrawn(race, tmp_path, change), tmp_path)
    assert console == []
    assert probe['seen'] == []
    assert 'Interrupted before its end' in visible(dom)
    assert 'Whether threads suffice cannot be told from these runs.' in visible(dom)


def test_page_of_half_a_race(race, tmp_path):
    def change(bundle):
        bundle['rows'] = [row for row in bundle['rows'] if row['server'] == 'async' and row['target'] == 'chapter']
        bundle['waits'] = bundle['waits'][:1]
        for row in bundle['rows'][::3]:
            row['server_use'] = None
    dom, console, probe = open_page(redrawn(race, tmp_path, change), tmp_path)
    assert console == []
    assert len(probe['seen']) == 7
    assert all(canvas['painted'] > 1000 for canvas in probe['seen'])


def test_page_of_a_server_of_the_users_own(run, tmp_path):
    done = run('--quick', '--quiet', '--url', 'http://127.0.0.1:7/page', 'race')
    dom, console, probe = open_page((done.folder / 'report.html').read_text(), tmp_path)
    text = visible(dom)
    assert console == []
    assert len(probe['seen']) == 3  # rate, p50, p99: nothing is known of the server itself
    assert 'This server gives its most from' in text
    assert 'asked by threads' in text and 'asked by events' in text
