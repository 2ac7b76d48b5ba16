"""What every lesson claims, read from the marks that it leaves (--events).

The marks are facts about one run: who ran before whom, and how long that took at the least. Nothing
is asserted of how long a run takes at the most. Where a claim is that something can happen, which a
machine in a hurry may not show at once, a lesson is run again, slower."""

import collections
import functools
import itertools
import json
import math
import re
import socket
import subprocess
import xml.etree.ElementTree

import pytest

from support.programs import BUILD, HOME, PATIENCE, environment
from support.server import Server

PROGRAM = BUILD / 'lessons' / 'cristo-lesson'
ROUNDED = 0.001  # seconds, as marks are written

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason='no lessons for this processor')

Span = collections.namedtuple('Span', 'task what begin end')


def call(*words):
    return subprocess.run([str(word) for word in (PROGRAM, *words)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60 * PATIENCE,
                          env=environment())


class Shown:
    """A lesson that was run, and its marks."""

    def __init__(self, folder, *words, speed):
        file = folder / 'events'
        done = call('--speed', speed, '--events', file, *words)
        assert done.returncode == 0 and done.stderr == '', done
        self.text = done.stdout
        self.events = [json.loads(line) for line in file.read_text().splitlines()]

    def said(self, scene=0):
        """(task, text) in the order of time."""
        return [(event['task'], event['text']) for event in self.events
                if event['event'] == 'says' and event['scene'] == scene]

    def when(self, task, text):
        """When the task first said so."""
        return next(event['at'] for event in self.events
                    if event['task'] == task and event.get('text') == text)

    def marks(self, task, scene=0):
        """(what, at) of a row by its name, which must be its own."""
        mine = [event for event in self.events
                if event['task'] == task and event['scene'] == scene and event['event'] != 'says']
        assert mine and len({event['row'] for event in mine}) == 1
        return [(event['event'], event['at']) for event in mine]

    def tasks(self, scene=0):
        return list(dict.fromkeys(event['task'] for event in self.events
                                  if event['row'] >= 0 and event['scene'] == scene))

    def spans(self, task, *what, scene=0):
        marks = self.marks(task, scene)
        return [Span(task, mark, begin, end) for (mark, begin), (_, end) in zip(marks, marks[1:])
                if not what or mark in what]

    def begin(self, task, scene=0):
        """When it first ran."""
        return next(at for mark, at in self.marks(task, scene) if mark == 'runs')

    def end(self, task, scene=0):
        mark, at = self.marks(task, scene)[-1]
        assert mark == 'ended'
        return at

    def took(self, scene=0):
        moments = [event['at'] for event in self.events
                   if event['row'] >= 0 and event['scene'] == scene]
        return max(moments) - min(moments) + ROUNDED

    def in_turn(self, scene=0):
        """Whether each began when the one before had ended."""
        tasks = self.tasks(scene)
        return all(self.end(a, scene) <= self.begin(b, scene) for a, b in zip(tasks, tasks[1:]))

    def together(self, scene=0):
        """Whether all had begun before the first ended."""
        tasks = self.tasks(scene)
        return max(self.begin(task, scene) for task in tasks) < \
            min(self.end(task, scene) for task in tasks)


@pytest.fixture
def show(tmp_path):
    def run(*words, speed=50):
        return Shown(tmp_path, *words, speed=speed)
    return run


def run_until(folder, holds, *words, speed=50):
    """Shows the lesson again, slower, until it shows what it can show: in the end so slowly that a second
    or two for which somebody was kept from the processor are nothing."""
    for attempt in range(6):
        shown = Shown(folder, *words, speed=speed / 3 ** attempt)
        if holds(shown):
            return shown
    raise AssertionError(f'{words} never showed it:\n{shown.text}')


@pytest.fixture
def eventually(tmp_path):
    return functools.partial(run_until, tmp_path)


# --- waits, in turn and together -----------------------------------------------------------------

def test_say_sync_takes_the_sum(show):
    shown = show('say', 'sync')
    assert shown.said() == [('hello', 'hello'), ('world', 'world')]
    assert shown.in_turn()
    assert shown.took() >= 3
    assert [span.what for span in shown.spans('hello', 'blocks', 'waits')] == ['blocks']


def test_say_async_waits_together(show):
    shown = show('say', 'async')
    assert shown.said() == [('hello', 'hello'), ('world', 'world')]
    assert shown.together()
    assert shown.took() >= 2
    assert [span.what for span in shown.spans('hello', 'blocks', 'waits')] == ['waits']


def test_sleep_awaits_in_turn_in_one_task(show):
    shown = show('sleep')
    assert shown.tasks() == ['one task']
    assert len(shown.spans('one task', 'waits')) == 4
    assert shown.took() >= 4


def end_as_they_wait(shown):
    """Whether the four end in the order of their waits: they do unless one begins so much later."""
    return sorted('ABCD', key=shown.end) == ['D', 'C', 'B', 'A']


@pytest.mark.parametrize('lesson', ['loop', 'gather'])
def test_four_end_in_the_order_of_their_waits(eventually, lesson):
    shown = eventually(end_as_they_wait, lesson)
    assert max(shown.spans(task)[0].begin for task in 'ABCD') < shown.end('D')
    assert shown.took() >= 4


def test_gather_gives_results_in_the_order_of_asking(eventually):
    said = eventually(end_as_they_wait, 'gather').said()
    assert said[:4] == [('D', 'slept 1 s'), ('C', 'slept 2 s'), ('B', 'slept 3 s'),
                        ('A', 'slept 4 s')]
    assert said[4:] == [('main', f'result {i} is that of {name}')
                        for i, name in enumerate('ABCD', 1)]


def test_tasks_run_ahead_of_being_awaited(show):
    shown = show('tasks')
    said = shown.said()
    assert said[:3] == [('main', 'both are started, and none has run yet'), ('tea', 'begins'),
                        ('coffee', 'begins')]
    assert shown.begin('coffee') < shown.when('main', 'has laid the table')
    assert said.index(('tea', 'is done after 2 s')) < said.index(('coffee', 'is done after 3 s'))
    assert shown.took() >= 3


def test_coroutine_does_not_run_before_it_is_awaited(show):
    shown = show('coroutine')
    assert shown.said() == [
        ('main', 'both are created, and nobody starts them'), ('main', 'has laid the table'),
        ('tea', 'begins'), ('tea', 'is done after 2 s'), ('main', 'has the tea'),
        ('coffee', 'begins'), ('coffee', 'is done after 3 s'), ('main', 'has the coffee')]
    assert [mark for mark, _ in shown.marks('tea')][0] == 'created'
    assert shown.spans('tea', 'created')[0].end >= 1
    assert shown.took() >= 1 + 2 + 3


def test_baton_is_passed_by_a_sleep_of_nothing(show):
    shown = show('baton', 4)
    assert shown.said() == [(task, str(number)) for number in range(1, 5) for task in 'AB']
    for span in shown.spans('A', 'runs'):
        assert all(other.begin >= span.end or other.end <= span.begin
                   for other in shown.spans('B', 'runs'))


def test_count_sync_is_one_two_one_two(show):
    shown = show('count', 'sync')
    assert shown.said() == [(task, word) for task in 'ABC' for word in ('one', 'two')]
    assert shown.in_turn()
    assert shown.took() >= 3


def test_count_async_is_one_one_one_two_two_two(show):
    shown = show('count', 'async')
    assert shown.said() == [(task, word) for word in ('one', 'two') for task in 'ABC']
    assert shown.together()
    assert shown.took() >= 1


# --- six ways ------------------------------------------------------------------------------------

def test_hello_blocking_says_one_after_the_other(show):
    shown = show('hello', 'blocking', 2)
    assert [text for _, text in shown.said()] == ['hello', 'world'] * 2
    assert shown.in_turn()
    assert shown.took() >= 6


@pytest.mark.parametrize('way', ['callback', 'generator', 'coroutine'])
def test_hello_in_one_thread_says_all_hellos_first(show, way):
    shown = show('hello', way)
    assert [text for _, text in shown.said()] == ['hello'] * 3 + ['world'] * 3
    assert shown.together()
    assert shown.took() >= 3
    assert {span.what for task in shown.tasks() for span in shown.spans(task)} & {'blocks'} == set()


@pytest.mark.parametrize('way', ['thread', 'process'])
def test_hello_by_the_kernel_blocks_and_others_go_on(eventually, way):
    shown = eventually(Shown.together, 'hello', way)
    assert sorted(text for _, text in shown.said()) == ['hello'] * 3 + ['world'] * 3
    for task in shown.tasks():
        assert [text for name, text in shown.said() if name == task] == ['hello', 'world']
        assert [span.end - span.begin + ROUNDED >= 3 for span in shown.spans(task, 'blocks')] == \
            [True]


def test_hello_says_it_as_often_as_asked(show):
    assert len(show('hello', 'coroutine', 7).said()) == 14


# --- chess ---------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def exhibition(tmp_path_factory):
    """4 boards, 5 s and 12 s, 3 moves; and the first opponent still thinks when she is at the second
    board, which takes one who comes there in time."""
    def thinks_meanwhile(shown):
        return shown.spans('board 1', 'waits', scene=1)[0].end > shown.begin('board 2', 1)
    return run_until(tmp_path_factory.mktemp('chess'), thinks_meanwhile, 'chess', 4, 5, 12, 3, speed=1000)


BOARDS = [f'board {number}' for number in range(1, 5)]


def test_chess_in_turn_takes_every_wait_of_every_game(exhibition):
    assert exhibition.tasks() == BOARDS
    assert exhibition.in_turn()
    assert exhibition.took() >= 4 * 3 * (5 + 12)


def test_champion_is_at_one_board_at_a_time(exhibition):
    for scene in (0, 1):
        runs = sorted((span for board in BOARDS
                       for span in exhibition.spans(board, 'runs', scene=scene)),
                      key=lambda span: span.begin)
        assert all(a.end <= b.begin + ROUNDED for a, b in zip(runs, runs[1:]))


def test_champion_walks_from_board_to_board(exhibition):
    """A round is over before the next begins."""
    runs = {board: exhibition.spans(board, 'runs', scene=1)[:-1] for board in BOARDS}  # and its end
    assert [len(runs[board]) for board in BOARDS] == [3] * 4
    assert all(span.end - span.begin + ROUNDED >= 5 for board in BOARDS for span in runs[board])
    for number in range(3):
        begun = [runs[board][number].begin for board in BOARDS]
        assert begun == sorted(begun)
    assert max(runs[board][0].end for board in BOARDS) <= \
        min(runs[board][1].begin for board in BOARDS) + ROUNDED


def test_opponents_think_while_she_plays_elsewhere_and_then_wait_for_her(exhibition):
    """They are done after 12 s, and she needs 15 s for the others."""
    waits = exhibition.spans('board 1', 'waits', scene=1)
    assert waits[0].end > exhibition.begin('board 2', 1)
    kept = exhibition.spans('board 1', 'ready', scene=1)[1]  # the first was before her first move
    assert kept.end - kept.begin + ROUNDED >= 15 - 12
    assert exhibition.took(1) >= 3 * 4 * 5 + 12


def test_chess_is_drawn_in_two_scenes(exhibition):
    assert 'one game after the other\n' in exhibition.text
    assert 'walking round the boards\n' in exhibition.text


# --- the queue -----------------------------------------------------------------------------------

FACTORIALS = {f'{n}! = {math.factorial(n)}' for n in (40, 50)}
IN_ORDER = ['waits 4 s', '40!', 'waits 3 s', '50!', 'waits 2 s', 'waits 1 s']
ASKS = ('waits', 'asks for page')


def taken(shown):
    """(worker, what) in the order in which it was taken from the queue."""
    return [(task, text) for task, text in shown.said() if text.startswith((*ASKS, '40!', '50!'))]


def delays(shown):
    """How long the server waited before each reply, as the replies say."""
    return [float(match[1]) for _, text in shown.said()
            if (match := re.fullmatch(r'page \d came, 200, after ([\d.]+) s', text))]


@pytest.mark.parametrize('way', range(1, 7))
def test_queue_is_worked_off_in_its_order_whoever_does_it(show, way):
    shown = show('queue', way)
    pages = [wanted.replace('waits', 'asks for page').replace(' s', '') for wanted in IN_ORDER]
    for (_, text), wanted in zip(taken(shown), IN_ORDER if way < 5 else pages, strict=True):
        assert text.startswith(wanted)
    assert FACTORIALS <= {text for _, text in shown.said()}
    assert len(delays(shown)) == (4 if way >= 5 else 0)


@pytest.mark.parametrize('way', [1, 2])
def test_queue_with_one_who_works_takes_the_sum(show, way):
    shown = show('queue', way)
    assert {task for task, _ in taken(shown)} == {'worker 1'}
    assert shown.took() >= 10
    if way == 2:
        assert shown.said()[-1] == ('worker 2', 'finds the queue empty')


@pytest.mark.parametrize('way', [3, 5])
def test_queue_with_two_who_block_is_shared_and_takes_the_sum(show, way):
    shown = show('queue', way)
    assert [task for task, _ in taken(shown)] == ['worker 1', 'worker 2'] * 2 + \
        ['worker 1', 'worker 2']
    blocked = sorted(shown.spans('worker 1', 'blocks') + shown.spans('worker 2', 'blocks'),
                     key=lambda span: span.begin)
    assert len(blocked) == 4
    assert all(a.end <= b.begin for a, b in zip(blocked, blocked[1:]))
    assert shown.took() >= (10 if way == 3 else sum(delays(shown)))


@pytest.mark.parametrize('way', [4, 6])
def test_queue_with_two_who_wait_as_tasks_waits_together(show, way):
    """The second has asked, twice, before what the first waits for has come."""
    shown = show('queue', way)
    first = next(span for span in shown.spans('worker 1', 'waits') if span.end - span.begin > 0)
    asked = [event['at'] for event in shown.events if event['task'] == 'worker 2'
             and event.get('text', '').startswith(ASKS)]
    assert asked[0] < shown.when('worker 1', next(
        text for task, text in shown.said() if task == 'worker 1' and
        text.startswith(('has waited', 'page'))))
    assert first.begin < asked[0] or way == 6  # connecting may take no wait
    assert shown.took() >= (4 if way == 4 else max(delays(shown)))
    assert not shown.spans('worker 1', 'blocks') + shown.spans('worker 2', 'blocks')


def test_queue_fetches_and_reads_together(show):
    shown = show('queue', 7)
    said = [text for _, text in shown.said()]
    begun = [text for text in said if text.startswith('asks for')]
    assert begun == [f'asks for {kind} {n}' for n in range(1, 5) for kind in ('page', 'file')]
    assert said[:8] == begun
    assert len(delays(shown)) == 4
    assert shown.took() >= max(delays(shown))
    sizes = [re.fullmatch(r'file \d has (\d+) bytes', text) for text in said]
    assert [int(size[1]) > 0 for size in sizes if size] == [True] * 4


# --- computation ---------------------------------------------------------------------------------

def test_fib_is_the_same_in_every_way(show):
    lines = [text for _, text in show('fib', 'all', 15).said()]
    for way in ('sync', 'gen', 'async', 'threads', 'processes'):
        assert any(line.split()[:4] == [way, 'fib(15)', '=', '610'] for line in lines), way


def test_fib_async_gives_every_call_a_turn(show):
    """And two more to each call that awaits two."""
    shown = show('fib', 'async', 12)
    calls, awaits = 2 * 233 - 1, 2 * 232
    turns = next(text for _, text in shown.said() if 'turns' in text).split()[2]
    assert int(turns.replace(',', '')) == calls + awaits
    assert shown.tasks() == ['async']  # one row, one thread


@pytest.mark.parametrize('way', ['threads', 'processes'])
def test_fib_runs_in_pieces_at_the_same_time(show, way):
    """Who begins a piece computes the rest while it runs, and waits for its end."""
    shown = show('fib', way, 20)
    begin, end = shown.begin(way), shown.end(way)
    pieces = [event for event in shown.events if event['task'].startswith('fib(')]
    assert len({event['row'] for event in pieces}) > 1
    assert all(begin <= event['at'] <= end for event in pieces)


# --- chores --------------------------------------------------------------------------------------

CHORES = ['dishwasher', 'washing', 'dryer', 'water', 'potatoes']


def test_chores_in_turn_take_twenty_seconds(show):
    shown = show('chores', 'sync')
    assert shown.tasks() == CHORES
    assert shown.in_turn()
    assert shown.took() >= 20


def test_dryer_starts_late_when_nobody_looks_up(show):
    shown = show('chores', 'async')
    assert sorted(shown.tasks()) == sorted(CHORES)
    assert shown.when('dryer', 'on') >= shown.when('potatoes', 'all peeled')
    starved = shown.spans('washing', 'ready')[1]  # the first was before it was switched on
    assert starved.end >= shown.when('potatoes', 'all peeled')
    assert starved.begin < shown.spans('water', 'ready')[1].begin
    assert shown.took() >= 10


def test_dryer_starts_in_time_when_somebody_looks_up(show):
    shown = show('chores', 'yielding')
    assert shown.when('dryer', 'on') < shown.when('potatoes', 'all peeled')
    assert len(shown.spans('potatoes', 'runs')) >= 14
    assert shown.took() >= 7


# --- files ---------------------------------------------------------------------------------------

def test_files_in_turn_are_one_row(show):
    shown = show('files', 'sync', 20)
    assert shown.said() == [('files', '20 files were written and read')]
    assert [span.what for span in shown.spans('files')] == ['runs']


def ticks_of(shown, scene):
    text = next(text for _, text in shown.said(scene) if 'metronome' in text)
    return int(re.search(r'ticked (\d+) times', text)[1])


def test_tasks_that_read_files_stop_the_metronome(eventually):
    """The first does them all, and nobody else runs meanwhile. On a machine that is late it may tick before
    or after them."""
    shown = eventually(lambda shown: ticks_of(shown, 0) == 0, 'files', 'async', 60)
    assert shown.said()[0][1].endswith('Operation not permitted')
    assert not shown.spans('worker 1', 'waits')
    assert shown.end('worker 1') <= shown.begin('worker 2')


def test_helpers_and_the_ring_let_the_metronome_tick(eventually):
    def ticks(shown):
        has_ring = not any('no io_uring' in text for _, text in shown.said(2))
        return all(ticks_of(shown, scene) > 0 for scene in ([1, 2] if has_ring else [1]))
    shown = eventually(ticks, 'files', 'async', 300)
    assert shown.spans('worker 1', 'waits', scene=1)
    assert shown.spans('helper 1', 'awaits', scene=1)


@pytest.mark.parametrize('words', [('files', 'async', 10), ('titles', 'queue'), ('queue', 7)],
                         ids=lambda words: words[0])
def test_nothing_is_left_behind(tmp_path, words):
    done = subprocess.run([PROGRAM, '--speed', '100', *map(str, words)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60 * PATIENCE,
                          env=environment(TMPDIR=str(tmp_path)))
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


# --- titles --------------------------------------------------------------------------------------

PAGES = [f'page {number}' for number in range(1, 21)]


def most_at_once(shown):
    """How many had begun and not ended, at the most."""
    moments = sorted([(shown.begin(page), 1) for page in PAGES] +
                     [(shown.end(page), -1) for page in PAGES])
    return max(itertools.accumulate(step for _, step in moments))


@pytest.fixture(params=['sync', 'async', 'queue'])
def titles(request, show):
    shown = show('titles', request.param)
    assert sorted(shown.said()) == sorted((page, f'Page {page.split()[1]} of 20')
                                          for page in PAGES)
    return request.param, shown


def test_titles_come_one_by_one_all_at_once_or_four_at_a_time(titles):
    way, shown = titles
    assert most_at_once(shown) == {'sync': 1, 'async': 20, 'queue': 4}[way]
    assert shown.took() >= {'sync': 20 * 0.5, 'async': 0.5, 'queue': 5 * 0.5}[way]
    if way == 'sync':
        assert shown.tasks() == PAGES and shown.in_turn()
    if way == 'async':
        assert shown.together()


def test_titles_at_most_as_many_as_asked(show):
    assert most_at_once(show('titles', 'queue', 7)) == 7


@pytest.fixture
def web(docroot, tmp_path):
    folder = tmp_path / 'web'
    folder.mkdir()
    (folder / 'plain').write_text('no title here')
    (folder / 'odd').write_text('<TITLE>a \x1b[31m\n "quoted" \\ ' + 'ä' * 100 + '</TITLE>')
    server = Server('async', docroot=folder)
    yield server.url if hasattr(server, 'url') else f'http://127.0.0.1:{server.port}'
    server.stop()


def test_titles_come_from_a_list_of_ones_own(show, web, tmp_path):
    urls = tmp_path / 'urls'
    urls.write_text(f'{web}/plain\n\n{web}/odd\n')
    shown = show('titles', 'async', urls)
    said = dict(shown.said())
    assert said['page 1'] == '(no title)'
    assert said['page 2'].startswith('a  [31m  "quoted" \\ ää') and '\x1b' not in shown.text


@pytest.mark.parametrize('url', ['https://127.0.0.1/', 'http://', 'http://127.0.0.1:x y/', 'page'])
def test_titles_of_what_is_no_url_are_refused(tmp_path, url):
    urls = tmp_path / 'urls'
    urls.write_text(url + '\n')
    done = call('titles', 'sync', urls)
    assert done.returncode == 1
    assert url in done.stderr and 'leads nowhere' in done.stderr


@pytest.mark.parametrize('way', ['sync', 'async', 'queue'])
def test_page_that_does_not_come_is_a_failure(tmp_path, way):
    urls = tmp_path / 'urls'
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        urls.write_text(f'http://127.0.0.1:{closed.getsockname()[1]}/\n')
        done = call('titles', way, urls)
    assert done.returncode == 1
    assert 'Connection refused' in done.stdout


# --- what blocks ---------------------------------------------------------------------------------

CALLS = ['sleep', 'read', 'waitpid', 'mutex', 'getaddrinfo']


def ticked(shown, call, scene):
    text = next(text for task, text in shown.said(scene) if task == call)
    return int(re.search(r'ticked (\d+) times', text)[1])


def test_calls_that_block_stop_the_metronome(eventually):
    def all_wait(shown):
        """For somebody who was not done before they asked."""
        return all(shown.spans(call, 'blocks')[0].end > shown.spans(call, 'blocks')[0].begin
                   for call in CALLS[:-1])
    shown = eventually(all_wait, 'blocking')
    for call in CALLS:
        assert ticked(shown, call, 0) == 0
        assert len(shown.spans(call, 'blocks')) == 1
        assert not [span for span in shown.spans('metronome', 'runs')
                    if shown.begin(call) < span.begin < shown.end(call)]


def test_what_to_use_instead_lets_it_tick(eventually):
    shown = eventually(lambda shown: all(ticked(shown, call, 1) > 0 for call in CALLS[:-1]),
                       'blocking')
    for call in CALLS:
        assert not shown.spans(call, 'blocks', scene=1)
        assert shown.spans(call, 'waits', scene=1)


# --- the comparison ------------------------------------------------------------------------------

def cells(shown):
    lines = [re.split(r'  +', text.strip()) for _, text in shown.said()]
    assert lines[0] == ['processes', 'threads', 'async']
    return {line[0]: dict(zip(lines[0], line[1:])) for line in lines[1:]}


@pytest.fixture(scope='module')
def table(tmp_path_factory):
    def others_go_on(shown):
        return all(cells(shown)['one that blocks'][model] == 'others go on'
                   for model in ('processes', 'threads'))
    return cells(run_until(tmp_path_factory.mktemp('compare'), others_go_on, 'compare', 20))


def test_comparison_has_a_measured_value_in_every_cell(table):
    assert list(table) == ['10 waits, 0.5 s', 'cores used', 'at once', 'memory of one',
                           'time to make one', 'one that blocks']
    assert all(len(row) == 3 and all(row.values()) for row in table.values())
    assert all(float(cell.split()[0]) >= 0.5 for cell in table['10 waits, 0.5 s'].values())
    assert set(table['at once'].values()) == {'>= 20'}
    assert all(re.fullmatch(r'[\d.]+(ns|us|ms|s)', cell)
               for cell in table['time to make one'].values())


def test_only_a_loop_stands_still_when_one_blocks(table):
    assert table['one that blocks'] == {
        'processes': 'others go on', 'threads': 'others go on', 'async': 'all stand still'}


def test_tasks_use_one_core(table):
    assert float(table['cores used']['async'].split()[0]) <= 1.05


# --- the program ---------------------------------------------------------------------------------

def lessons():
    """Name, and the first word that may follow ("sync|async"), of every lesson."""
    found = []
    for line in call('list').stdout.splitlines():
        name = line.split()[0]
        usage = call(name, 'no-such-word').stderr.splitlines()[-1]
        found.append((name, usage.removeprefix(f'Usage: cristo-lesson [OPTION]... {name}').split()))
    return found


def test_list_names_the_lessons_in_the_order_of_teaching():
    done = call('list')
    assert done.returncode == 0 and done.stderr == ''
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        'say', 'sleep', 'loop', 'gather', 'tasks', 'coroutine', 'baton', 'count', 'hello', 'chess',
        'queue', 'fib', 'chores', 'files', 'titles', 'blocking', 'compare']
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_readme_leads_through_every_lesson():
    text = (HOME / 'lessons' / 'README.md').read_text(encoding='utf-8')
    at = 0
    for name, words in lessons():
        at = text.index(f'## {name}', at)
        for way in words[0].split('|') if words and '|' in words[0] else []:
            assert way in text[at:], f'{name} {way}'
    assert text.index('server/sync/serve.c', at) < text.index('server/async/serve.c', at)


@pytest.mark.parametrize('words, named', [
    ([], 'which lesson'),
    (['sya'], 'sya'),
    (['list', 'more'], 'list'),
    (['say'], 'sync|async'),
    (['say', 'together'], 'together'),
    (['say', ''], 'sync|async'),
    (['say', 'sync|async'], 'sync|async'),
    (['say', 'syn'], 'syn'),
    (['say', 'sync', 'twice'], 'twice'),
    (['sleep', '3'], '3'),
    (['baton', '0'], '0'),
    (['baton', 'five'], 'five'),
    (['hello', 'thread', '101'], '101'),
    (['chess', '24', '5', '55', '30', '1'], '1'),
    (['chess', '0'], '0'),
    (['fib', 'sync', '-1'], '1'),
    (['queue', '8'], '8'),
    (['titles', 'queue', '0'], '0'),
    (['titles', 'queue', '4', 'urls', 'more'], 'more'),
    (['files', 'async', '1001'], '1001'),
    (['compare', 'all'], 'all'),
    (['say', 'sync', '--speed', '0'], '--speed'),
    (['say', 'sync', '--speed', '-1'], '--speed'),
    (['say', 'sync', '--speed', 'fast'], 'fast'),
    (['say', 'sync', '--speed', 'nan'], 'nan'),
    (['say', 'sync', '--speed'], '--speed'),
    (['say', 'sync', '--svg', ''], '--svg'),
    (['--loud'], '--loud'),
], ids=' '.join)
def test_misuse_is_named_with_the_usage(words, named):
    done = call(*words)
    assert done.returncode == 2 and done.stdout == ''
    assert named in done.stderr.splitlines()[0]
    assert 'Usage: cristo-lesson ' in done.stderr


@pytest.mark.parametrize('option', ['--help', '--version'])
def test_help_and_version_go_to_stdout(option):
    done = call(option)
    assert done.returncode == 0 and done.stderr == ''
    assert 'cristo-lesson' in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize('option', ['--svg', '--events'])
def test_file_that_cannot_be_written_fails_before_the_lesson(tmp_path, option):
    done = call(option, tmp_path / 'no' / 'folder', 'say', 'sync')
    assert done.returncode == 1 and done.stdout == ''
    assert option in done.stderr and 'folder' in done.stderr


@pytest.mark.parametrize('option', ['--svg', '--events'])
def test_full_disk_is_a_failure(option):
    done = call('--speed', 1000, option, '/dev/full', 'say', 'sync')
    assert done.returncode == 1
    assert option in done.stderr


def test_picture_has_a_row_for_each_task(tmp_path):
    done = call('--speed', 1000, '--svg', tmp_path / 'picture.svg', 'gather')
    assert done.returncode == 0
    root = xml.etree.ElementTree.parse(tmp_path / 'picture.svg').getroot()
    space = '{http://www.w3.org/2000/svg}'
    names = [text.text for text in root.iter(f'{space}text') if text.get('class') == 'name']
    assert names == ['main', 'A', 'B', 'C', 'D']
    width = float(root.get('width'))
    for bar in root.iter(f'{space}rect'):
        if '%' not in bar.get('width'):
            assert 0 <= float(bar.get('x')) <= width - float(bar.get('width'))


def test_time_line_is_drawn_in_80_columns():
    text = call('--speed', 1000, 'gather').stdout
    assert max(map(len, text.splitlines())) <= 80
    assert 'took ' in text.splitlines()[-1]
