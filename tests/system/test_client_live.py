"""What --live shows on a terminal, and how it leaves it."""

import os
import re
import signal
import subprocess
import time

import pytest

from support.client import Held, Wrong, command, quick, run, sends, whole
from support.facts import facts
from support.programs import PATIENCE, SANITIZER, environment, wait_until
from support.terminal import Terminal

FIRST_FRAME = r'requests/s over time'


def live(terminal, model, *arguments, **how):
    return terminal.run(*command(model, '--live', *arguments), **how)


def given_back(terminal, modes):
    """None, or what is not as it was."""
    if terminal.modes() != modes:
        return f'modes {terminal.modes()} instead of {modes}'
    if terminal.alternate or terminal.left < terminal.entered or terminal.entered < 1:
        return f'the other screen was entered {terminal.entered} and left {terminal.left} times'
    return None if terminal.cursor_shown else 'no cursor'


# ---- what is drawn ----

def test_run_is_shown(model):
    with Wrong(quick) as server, Terminal(rows=40) as terminal:
        client = live(terminal, model, '-c', 3, '-d', '100s', server.url + '/x')
        terminal.shows(FIRST_FRAME)
        assert terminal.entered == 1
        terminal.shows(re.escape(f'cristo-{model}-client  {server.url}/x') + ' +q or Ctrl-C ends')
        terminal.shows(f'(?m)^ {model}  3 of 3 connections open  [0-3] in flight  ')
        terminal.shows(r'(?m)^ [0-9,]+ done █+░* +[0-9]+ %, [0-9]+s left')
        terminal.shows(r'(?m)^ requests/s  +p50  +p99  +errors$')
        terminal.shows(r'(?m)^ +[0-9,]+ .*[▁-█]')
        terminal.shows(r'latency over time  █ p50  █ p99  log scale')
        terminal.shows(r'latencies so far  p50 [0-9.]+m?s  p99 [0-9.]+m?s +(max [0-9.]+m?s)? +'
                       r'errors by kind')
        terminal.shows(r'(?m) none$')
        terminal.type('q')
        assert terminal.ends(client) == 130


def test_summary_is_printed_when_the_run_is_over(model):
    with Held(100) as held, Wrong(held) as server, Terminal(rows=40) as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 3, '-n', 500, '-T', '100s', server.url + '/x')
        terminal.shows(FIRST_FRAME)
        held.release()
        assert terminal.ends(client) in (0, 4)  # a busy machine may make it doubtful
        assert given_back(terminal, modes) is None
        assert terminal.entered == terminal.left == 1
        assert re.search(r'(?m)^  requests +500 ok, 0 failed', terminal.normal.text())
        assert FIRST_FRAME not in terminal.normal.text()


def test_errors_are_shown_by_kind_and_requests_of_how_many(model):
    def reply(connection, number):
        time.sleep(0.004)
        connection.sendall(whole(b'no', '404 Not Found') if number % 2 else whole())
        return True
    with Held(400, reply) as held, Wrong(held) as server, Terminal(40, 120) as terminal:
        client = live(terminal, model, '-c', 2, '-n', 500, '-T', '100s', server.url + '/')
        terminal.shows(r'(?m)^ 400 of 500 done █')
        terminal.shows(r'(?m) 200 status$')
        held.release()
        assert terminal.ends(client) == 1
        assert '250 status' in terminal.normal.text()


def test_connections_that_wait_are_open_and_in_flight(model):
    with Wrong(sends(then='stall')) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 5, '-d', '100s', '-T', '100s', server.url + '/')
        terminal.shows(r'5 of 5 connections open  5 in flight')
        terminal.shows(r'(?m)^ 0 done ')
        client.send_signal(signal.SIGINT)
        assert terminal.ends(client) == 130


def test_connections_that_nobody_accepts_are_not_open(model):
    with Terminal() as terminal:
        client = live(terminal, model, '-c', 4, '-d', '100s', 'http://127.0.0.1:1/')
        terminal.shows(r'0 of 4 connections open')
        terminal.shows(r'(?m) [0-9,]+ connect$')
        client.send_signal(signal.SIGINT)
        assert terminal.ends(client) == 130


def test_warm_up_is_shown_as_such(model):
    with Wrong(quick) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 2, '-d', '1s', '--warmup', '100s', server.url + '/')
        terminal.shows(r'(?m)^ warming up █*░+ +[0-9]+ %, [0-9]+s left')
        terminal.type('q')
        assert terminal.ends(client) == 130


def test_run_is_shown_after_its_warm_up(model):
    with Wrong(quick) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 2, '-d', '100s', '--warmup', '0.3s', server.url + '/')
        terminal.shows(r'(?m)^ [0-9,]+ done ')
        terminal.type('q')
        assert terminal.ends(client) == 130


def test_view_is_redrawn_some_times_a_second(model):
    """Design: 4 to 10 times; on a busy machine fewer, never more."""
    with Wrong(quick) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 2, '-d', '100s', server.url + '/')
        terminal.shows(FIRST_FRAME)
        counts, begun = set(), time.monotonic()
        while time.monotonic() - begun < 2 or len(counts) < 2 and time.monotonic() - begun < 20 * PATIENCE:
            counts.add(terminal.shows(r'(?m)^ ([0-9,]+) done ')[1])
            time.sleep(0.01)
        took = time.monotonic() - begun
        assert 2 <= len(counts) <= 10 * took + 2
        terminal.type('q')
        assert terminal.ends(client) == 130


SIZES = [(1, 1), (2, 9), (9, 200), (50, 59), (10, 60), (24, 80), (60, 250), (3, 3), (24, 80)]


def is_filled(screen, rows, cols):
    lines = screen.text().split('\n')
    return len(lines) == rows and max(map(len, lines)) >= cols - 1


def test_view_follows_the_size_of_its_terminal(model):
    with Wrong(quick) as server, Terminal() as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 2, '-d', '100s', server.url + '/')
        terminal.shows(FIRST_FRAME)
        for rows, cols in SIZES:
            terminal.resize(rows, cols)
            small = rows < 10 or cols < 60
            terminal.shows('^' + 'too small'[:cols] if small else r'(?m)^ [0-9,]+ done (.*\n)+.*' +
                           FIRST_FRAME)
            assert small or wait_until(lambda: is_filled(terminal.other, rows, cols))
        client.send_signal(signal.SIGTERM)
        assert terminal.ends(client) == 130
        assert given_back(terminal, modes) is None


@pytest.mark.parametrize('size', [(1, 1), (4, 20), (200, 400)], ids=str)
def test_view_begins_at_any_size(model, size):
    with Wrong(quick) as server, Terminal(*size) as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 2, '-d', '100s', server.url + '/')
        terminal.shows('^t' if size == (1, 1) else 'too small' if size[0] < 10 else FIRST_FRAME)
        terminal.type('q')
        assert terminal.ends(client) == 130
        assert given_back(terminal, modes) is None


def test_view_does_without_utf_8_and_colours(model):
    with Wrong(quick) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 2, '-d', '100s', server.url + '/',
                      variables={'LC_ALL': 'C', 'NO_COLOR': '1'})
        terminal.shows(r'latency over time  # p50  : p99  log scale')
        terminal.shows(r'(?m)^ requests/s [0-9,]+  p50 [0-9.]+ms  p99 [0-9.]+ms  errors 0$')
        terminal.type('q')
        assert terminal.ends(client) == 130
        assert terminal.seen.isascii()
        assert not re.search(r'\x1b\[([0-9]+;)*[34][0-7](;[0-9]+)*m', terminal.seen)


@pytest.mark.parametrize('term', ['vt100', 'linux', 'screen', 'xterm'])
def test_view_knows_other_terminals(model, term):
    """Those without another screen, too."""
    with Wrong(quick) as server, Terminal(term=term) as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 2, '-d', '100s', server.url + '/')
        assert wait_until(lambda: 'requests/s over time' in terminal.seen)
        terminal.type('q')
        assert terminal.ends(client) == 130
        assert terminal.modes() == modes


# ---- ways out ----

def typed(text):
    return lambda terminal, client: terminal.type(text)


def sent(number):
    return lambda terminal, client: client.send_signal(number)


WAYS_OUT = [
    ('q_ends_the_run', 'issue 4', typed('q'), 130),
    ('capital_q_ends_the_run', 'issue 4', typed('Q'), 130),
    ('other_keys_before_it_do_nothing', 'issue 4', typed('xyz\x1b[A q'), 130),
    ('ctrl_c_ends_the_run', 'issue 4', typed('\x03'), 130),
    ('ctrl_s_does_not_stop_it', 'issue 4', typed('\x13q'), 130),
    ('sigint_ends_the_run', 'design 2', sent(signal.SIGINT), 130),
    ('sigterm_ends_the_run', 'design 2', sent(signal.SIGTERM), 130),
    ('ctrl_backslash_kills', 'signal(7)', typed('\x1c'), -signal.SIGQUIT),
    ('sighup_kills', 'signal(7)', sent(signal.SIGHUP), -signal.SIGHUP),
    ('sigalrm_kills', 'signal(7)', sent(signal.SIGALRM), -signal.SIGALRM),
    ('abort_kills', 'signal(7)', sent(signal.SIGABRT), -signal.SIGABRT),
    ('sigpipe_kills', 'signal(7)', sent(signal.SIGPIPE), -signal.SIGPIPE),
]
FAULTS = [
    ('crash_kills', 'signal(7)', sent(signal.SIGSEGV), -signal.SIGSEGV),
    ('bus_error_kills', 'signal(7)', sent(signal.SIGBUS), -signal.SIGBUS),
    ('arithmetic_error_kills', 'signal(7)', sent(signal.SIGFPE), -signal.SIGFPE),
]


def leaves(model, way_out, status, also=()):
    """The terminal has room for a summary that tells why it is not trusted, too."""
    with Wrong(quick) as server, Terminal(rows=40) as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 3, '-d', '100s', server.url + '/')
        terminal.shows(r'(?m)^ [1-9][0-9,]* done ')
        assert terminal.modes() != modes and not terminal.cursor_shown
        way_out(terminal, client)
        assert terminal.ends(client) in (status, *also)
        assert given_back(terminal, modes) is None
        summed_up = re.search(r'(?m)^interrupted: .*(\n.*)+^  requests ', terminal.normal.text())
        assert bool(summed_up) == (status == 130)


@facts('way_out, status', WAYS_OUT)
def test_terminal_is_given_back(model, way_out, status):
    leaves(model, way_out, status)


@facts('way_out, status', FAULTS)
def test_terminal_is_given_back_by_a_crash(model, way_out, status):
    """Where a sanitizer has a word to say of it, that is still said."""
    leaves(model, way_out, status, () if SANITIZER == 'none' else (99, 66, 1, -signal.SIGABRT))


def test_terminal_is_given_back_before_a_second_signal_kills(model):
    """The first one has the run stop; whoever does not wait for its summary sends another."""
    with Wrong(sends(then='stall')) as server, Terminal() as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 3, '-d', '100s', '-T', '100s', server.url + '/')
        terminal.shows('3 in flight')
        while client.poll() is None:
            client.send_signal(signal.SIGINT)
        assert terminal.ends(client) in (130, -signal.SIGINT)
        assert given_back(terminal, modes) is None


def test_terminal_is_given_back_while_the_run_is_stopped(model):
    """Ctrl-Z, as a shell with jobs sees it, and fg."""
    script = '"$@"; echo "[stopped]"; read _; fg >/dev/null; echo "[ended $?]"'
    with Wrong(quick) as server, Terminal() as terminal:
        modes = terminal.modes()
        shell = terminal.run('bash', '-m', '-c', script, 'bash',
                             *command(model, '--live', '-c', 3, '-d', '100s', server.url + '/'))
        terminal.shows(r'(?m)^ [1-9][0-9,]* done ')
        terminal.type('\x1a')
        assert wait_until(lambda: '[stopped]' in terminal.normal.text())
        assert given_back(terminal, modes) is None
        terminal.type('\n')
        assert wait_until(lambda: terminal.entered == 2)
        terminal.shows(r'(?m)^ [1-9][0-9,]* done (.*\n)+.*' + FIRST_FRAME)
        assert terminal.modes() != modes
        terminal.type('q')
        assert terminal.ends(shell) == 0
        assert '[ended 130]' in terminal.normal.text()
        assert given_back(terminal, modes) is None


def test_run_in_the_background_leaves_the_terminal_alone(model):
    """It goes on, is shown when it comes to the front, and prints its summary."""
    script = '"$@" & sleep 1; echo "[waited]"; fg >/dev/null; echo "[ended $?]"'
    with Wrong(quick) as server, Terminal() as terminal:
        modes = terminal.modes()
        shell = terminal.run('bash', '-m', '-c', script, 'bash',
                             *command(model, '--live', '-c', 3, '-d', '100s', server.url + '/'))
        assert wait_until(lambda: '[waited]' in terminal.normal.text())
        assert '\x1b[?1049h' not in terminal.seen.partition('[waited]')[0]
        terminal.shows(r'(?m)^ [1-9][0-9,]* done (.*\n)+.*' + FIRST_FRAME)
        terminal.type('q')
        assert terminal.ends(shell) == 0
        assert '[ended 130]' in terminal.normal.text()
        assert given_back(terminal, modes) is None


def test_stopped_and_continued_by_others_it_draws_all_again(model):
    with Wrong(quick) as server, Terminal() as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 3, '-d', '100s', server.url + '/')
        terminal.shows(FIRST_FRAME)
        client.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        before = terminal.entered
        client.send_signal(signal.SIGCONT)
        assert wait_until(lambda: terminal.entered > before)
        terminal.shows(r'(?m)^ [1-9][0-9,]* done (.*\n)+.*' + FIRST_FRAME)
        terminal.type('q')
        assert terminal.ends(client) == 130
        assert given_back(terminal, modes) is None


def test_ignored_hangup_stays_ignored(model):
    with Wrong(quick) as server, Terminal() as terminal:
        client = terminal.run('sh', '-c', 'trap "" HUP; exec "$@"', 'sh',
                              *command(model, '--live', '-c', 1, '-d', '100s', server.url + '/'))
        terminal.shows(FIRST_FRAME)
        client.send_signal(signal.SIGHUP)
        counted = terminal.shows(r'(?m)^ ([1-9][0-9,]*) done ')[1]
        assert wait_until(lambda: terminal.shows(r'(?m)^ ([0-9,]+) done ')[1] != counted)
        terminal.type('q')
        assert terminal.ends(client) == 130


# ---- where it is drawn, and where it cannot be ----

def test_view_is_drawn_on_stderr_when_results_go_elsewhere(model):
    with Held(100) as held, Wrong(held) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 2, '-n', 200, '-T', '100s', '--json', '-', server.url + '/',
                      stdout=subprocess.PIPE)
        terminal.shows(FIRST_FRAME)
        held.release()
        said = client.stdout.read()
        assert terminal.ends(client) in (0, 4)
        assert said.startswith(b'{') and b'\x1b' not in said
        assert terminal.normal.text().strip() == ''
        client.stdout.close()


def test_trace_may_go_elsewhere_beside_a_view(model):
    with Held(100) as held, Wrong(held) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 2, '-n', 200, '-T', '100s', '--trace', server.url + '/',
                      stdout=subprocess.PIPE)
        terminal.shows(FIRST_FRAME)
        held.release()
        said = client.stdout.read().decode()
        assert terminal.ends(client) in (0, 4)
        assert len(re.findall(r'(?m)^[0-9]{4}-', said)) == 200
        assert terminal.entered == terminal.left == 1
        client.stdout.close()


def refused(terminal, model, *arguments, env=None):
    """What a client says that does not begin; nothing may have been asked of any server."""
    with Wrong(whole()) as server:
        done = subprocess.run(
            command(model, '--live', *arguments, '-n', '1', server.url + '/'),
            stdin=terminal.slave, stdout=terminal.slave, stderr=subprocess.PIPE, text=True,
            env=env or environment(TERM='xterm'), timeout=60, check=False)
        assert done.returncode == 2 and server.connections == 0
        assert terminal.entered == 0
    return done.stderr


@pytest.mark.parametrize('term', ['dumb', 'no-such-terminal', '', None])
def test_terminal_that_will_not_do_is_named(model, term):
    env = environment()
    env.pop('TERM', None)
    if term is not None:
        env['TERM'] = term
    with Terminal() as terminal:
        said = refused(terminal, model, env=env)
        assert '--live: TERM is ' in said and (term or 'not set') in said and '--help' in said


def test_no_terminal_at_all_is_said(model):
    done = run(model, '--live', '-n', 1, 'http://127.0.0.1:1/')
    assert done.status == 2 and '--live: standard output is no terminal' in done.stderr
    assert done.stdout == ''


@facts('arguments, words', [
    ('quiet_view', 'design 2', ['--quiet'], '--quiet'),
    ('trace_on_the_same_terminal', 'design 2', ['--trace'], '--trace and --live'),
])
def test_what_makes_no_sense_is_refused(model, arguments, words):
    with Terminal() as terminal:
        assert words in refused(terminal, model, *arguments)


def test_terminal_need_not_control_its_program(model):
    """As under a supervisor, or another terminal's su."""
    with Wrong(quick) as server, Terminal() as terminal:
        modes = terminal.modes()
        client = live(terminal, model, '-c', 2, '-d', '100s', server.url + '/', controls=False,
                      stdin=subprocess.DEVNULL)
        terminal.shows(FIRST_FRAME)
        terminal.type('q')
        assert terminal.ends(client) == 130
        assert given_back(terminal, modes) is None


def test_terminal_that_goes_away_ends_nothing(model):
    """Of a run that it does not control: the results are still written."""
    with Held(100) as held, Wrong(held) as server:
        with Terminal() as terminal:
            client = live(terminal, model, '-c', 2, '-n', 1500, '-T', '100s', '--json', '-',
                          server.url + '/', controls=False, stdout=subprocess.PIPE)
            terminal.shows(FIRST_FRAME)
            terminal.drop()
        held.release()
        said = client.stdout.read()
        assert client.wait(60) in (0, 4)
        assert b'"ok": 1500' in said
        client.stdout.close()


def test_terminal_that_hangs_up_ends_whom_it_controls(model):
    with Wrong(quick) as server, Terminal() as terminal:
        client = live(terminal, model, '-c', 2, '-d', '100s', server.url + '/')
        terminal.shows(FIRST_FRAME)
        terminal.drop()
        assert client.wait(60) == -signal.SIGHUP
