"""Builds and runs every suite, plain and under the sanitizers, and adds up what they say.

A suite runs against each build that it is for, and some once more over TLS. Where its tests mostly
wait, each of its files is a job of its own, so that many wait at once. A few jobs run at a time, while
the next build is made.
What a job says goes to a folder of its own below build/tests-run; what failed is shown at the end
as well. build/tests-run/times.csv tells what each job took. The last line printed is "N passed,
N failed".
"""

import argparse
import collections
import concurrent.futures
import contextlib
import csv
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

HOME = pathlib.Path(__file__).resolve().parents[2]
RESULTS = HOME / 'build' / 'tests-run'
PYTHON = '/usr/bin/python3'  # the one that has Debian's pytest, whatever PATH says
JOB_TIMEOUT_S = 480
STOP_S = 15  # that jobs have to end by themselves when they are interrupted
INTERRUPTED = 130  # exit status, as a shell has it
NO_TESTS_COLLECTED = 5  # pytest's exit status
LINES_SHOWN = 100

Build = collections.namedtuple('Build', 'folder compiler options')

# clang builds what gcc does not, so that the warnings of both are heard.
BUILDS = {
    'none': Build(HOME / 'build', 'gcc', []),
    'address': Build(HOME / 'build-address', 'clang',
                     ['-Db_lundef=false', '-Db_sanitize=address,undefined']),
    'thread': Build(HOME / 'build-thread', 'clang',
                    ['-Db_lundef=false', '-Db_sanitize=thread']),
}

# The files that take longest, in any build: begun first, in this order, so that none is waited for at
# the end. Those of HALVED are two jobs each, one for each I/O model.
HALVED = ['test_client_tls', 'test_client_times', 'test_tls', 'test_limits']
LONG = [*HALVED, 'test_bounds', 'test_stop', 'test_many', 'test_replace', 'test_client_peers',
        'test_client_live', 'test_confinement', 'test_client_trust', 'test_cold', 'test_listings',
        'test_parent', 'test_pairs', 'test_client_replies']

# These run once, in the plain build: their subject is no program of ours, but a script, the reader of
# replies, or a list; or there is too much of it for a sanitizer.
ONCE = ['test_prepare', 'test_reader', 'test_musts', 'test_many']

# Others try to lead the clients astray, which shows in the address sanitizer's build if anywhere: unless
# the plain one is named, these run there alone, but for what OVER_TLS has of them.
ASTRAY = ['test_client_hostile', 'test_client_cuts', 'test_client_connections', 'test_client_peers',
          'test_client_replies', 'test_client_tls']

# What these files try is decided in code without threads, and both clients have others that try these:
# the thread sanitizer has nothing to see.
UNTHREADED = [*ASTRAY, 'test_client_status']

# Who runs a suite, and against which builds. The longest ones first: none is waited for at the end.
SUITES = {
    'unit': ('meson', ['thread', 'address', 'none']),
    'lab': ('pytest', ['none']),
    'fuzz': ('meson', ['none']),
    'system': ('pytest by file', ['thread', 'address', 'none']),
    'corpus': ('pytest by file', ['address', 'none']),
    'wire': ('pytest by file', ['thread', 'address', 'none']),
    'house': ('pytest', ['none']),
}

# What runs once more over TLS: against which builds, and which files of it. Wire is done once, where it
# costs least: mistakes with memory over TLS are left to unit, fuzz, test_tls and test_client_tls to find.
# Of the system suite it is what costs a few seconds. `tests/run --tls` runs all files of these suites but
# those that would do the same as without it.
OVER_TLS = {
    'wire': {'none': ['*']},
    'system': {'none': ['test_bounds', 'test_client_connections', 'test_client_hostile', 'test_cold',
                        'test_faults', 'test_metrics', 'test_parent', 'test_replace', 'test_slow',
                        'test_start', 'test_stop', 'test_supervised']},
}
THE_SAME_OVER_TLS = ['test_reader', 'test_musts', 'test_lessons', 'test_tls', 'test_client_tls']

SANITIZER_OPTIONS = {
    'ASAN_OPTIONS': 'detect_leaks=1:exitcode=99',
    'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1:exitcode=99',
    'TSAN_OPTIONS': 'exitcode=99',
}


def say(text):
    print(text, flush=True)


def cores():
    """Those that are reckoned with: more at once would need more memory than there may be."""
    return min(os.cpu_count() or 1, 4)


def seconds(elapsed_s):
    return f'{elapsed_s:.0f} s' if elapsed_s >= 1 else 'less than 1 s'


# --- Builds --------------------------------------------------------------------------------------

def make(build):
    """Configures where that is still to be done, and compiles programs and tests. Returns what it
    said when it failed."""
    folder, compiler, options = BUILDS[build]
    targets = ['all'] + (['meson-test-prereq'] if build in SUITES['fuzz'][1] else [])
    commands = [['ninja', '-C', folder, '--quiet', *targets]]
    if not (folder / 'build.ninja').exists():
        commands.insert(0, ['meson', 'setup', folder, HOME, '-Dtests=enabled', *options])
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=os.environ | {'CC': compiler}, check=False)
        if done.returncode != 0:
            return done.stdout
    return None


def share_book(build):
    """One book, prepared by lab/setup in build/, serves all builds."""
    link = BUILDS[build].folder / 'book'
    book = BUILDS['none'].folder / 'book'
    if link != book and not link.exists():
        link.symlink_to(book)


def is_made(build):
    """Builds it, and says how that went."""
    begun = time.monotonic()
    wrong = make(build)
    folder = BUILDS[build].folder.name
    if wrong is not None:
        say(f'{wrong}\n{folder}/ could not be built')
        return False
    share_book(build)
    say(f'built {folder}/ in {seconds(time.monotonic() - begun)}')
    return True


# --- Jobs ----------------------------------------------------------------------------------------

def without_random_addresses():
    """The sanitizers' runtimes of clang 14 want to place their shadow where newer kernels may have
    placed something else; setarch(8) asks the kernel not to, where that is allowed."""
    wrapper = ['setarch', '-R']
    try:
        return wrapper if subprocess.run([*wrapper, 'true'], check=False).returncode == 0 else []
    except FileNotFoundError:
        return []


def results_of(suite, build, tls):
    return RESULTS / f'{suite}-{build}{"-tls" if tls else ""}'


def signal_group(group, number):
    """To all processes that a job has begun."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


class Job:
    """One suite, or one file of it, against one build."""

    def __init__(self, suite, build, words, file=None, part='1/1', tls=False):
        self.suite, self.build, self.words, self.file, self.tls = suite, build, words, file, tls
        self.part = part  # the K-th of N
        self.name = ', '.join([suite, *(['TLS'] if tls else []),
                               *([] if build == 'none' else [f'{build} sanitizer'])])
        self.folder = results_of(suite, build, tls) / (file.stem if file else '') / part[0]
        self.log = self.folder / 'log.txt'
        self.passed = self.failed = 0
        self.elapsed_s = 0
        self.processor_s = 0  # used by it and by all that it began and waited for
        self.skipped = []  # (name, reason)
        self.process = None  # while it runs
        self.done = False

    def command(self):
        if SUITES[self.suite][0] == 'meson':
            return ['meson', 'test', '-C', BUILDS[self.build].folder, '--no-rebuild',
                    '--suite', self.suite, '--logbase', f'run-{self.suite}', '--print-errorlogs',
                    '--num-processes', str(2 * cores()), '-t', '3' if self.build == 'none' else '10']
        return [PYTHON, '-m', 'pytest', '-p', 'no:cacheprovider', '--color=no', '-ra',
                f'--junitxml={self.folder / "report.xml"}', f'--part={self.part}',
                self.file or HOME / 'tests' / self.suite, *self.words]

    def report(self):
        if SUITES[self.suite][0] == 'meson':
            return BUILDS[self.build].folder / 'meson-logs' / f'run-{self.suite}.junit.xml'
        return self.folder / 'report.xml'

    def environment(self):
        return os.environ | SANITIZER_OPTIONS | {
            'CRISTO_BUILD': str(BUILDS[self.build].folder),
            'CRISTO_SANITIZER': self.build,
            'CRISTO_TLS': '1' if self.tls else '0',
            'PYTHONDONTWRITEBYTECODE': '1',
        }

    def run(self):
        begun = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.report().unlink(missing_ok=True)
        wrapper = [] if self.build == 'none' else without_random_addresses()
        with open(self.log, 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen([*wrapper, *self.command()], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=HOME, env=self.environment(),
                                            start_new_session=True)
            status = self.wait(self.process, time.monotonic() + JOB_TIMEOUT_S)
            if status is None:
                signal_group(self.process.pid, signal.SIGKILL)
                self.process.wait()
                log.write(f'\nnot at its end after {JOB_TIMEOUT_S} s\n')
            self.process = None
        self.count(status)
        self.elapsed_s = time.monotonic() - begun
        self.done = True

    def wait(self, process, deadline):
        """Returns its exit status, or None when it has none by then."""
        while time.monotonic() < deadline:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                self.processor_s = usage.ru_utime + usage.ru_stime
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode
            time.sleep(0.05)
        return None

    def count(self, status):
        """From the report; a suite that says nothing, or that failed without saying in what, has
        failed once."""
        try:
            cases = xml.etree.ElementTree.parse(self.report()).iter('testcase')
        except (OSError, xml.etree.ElementTree.ParseError):
            cases = []
        for case in cases:
            skipped = case.find('skipped')
            if case.find('failure') is not None or case.find('error') is not None:
                self.failed += 1
            elif skipped is not None:
                reason = (skipped.get('message') or skipped.text or '').strip()
                self.skipped.append((case.get('name'), reason))
            else:
                self.passed += 1
        if status == NO_TESTS_COLLECTED and self.file and self.words:
            return  # the words chose tests of other files
        if self.failed == 0 and (status != 0 or self.passed == 0 and not self.skipped):
            self.failed = 1

    def complaint(self):
        lines = self.log.read_text(encoding='utf-8', errors='replace').splitlines()
        return '\n'.join([f'--- {self.name}, from {self.log.relative_to(HOME)}:',
                          *lines[-LINES_SHOWN:]])


def jobs_of(suite, build, words, asked):
    """Those that there are for this suite and this build; with `asked`, all that can be."""
    kind, builds = SUITES[suite]
    folder = HOME / 'tests' / suite
    if build not in builds or kind != 'meson' and not folder.is_dir():
        return []
    shutil.rmtree(results_of(suite, build, tls=False), ignore_errors=True)
    if kind == 'pytest by file':
        return [Job(suite, build, words, file, part) for file in files_of(suite, build, asked)
                for part in parts_of(file)]
    return [Job(suite, build, words)]


def jobs_over_tls(suite, build, words, asked):
    """Those that there are over TLS, too; with `asked`, also those that are not run otherwise."""
    if suite not in OVER_TLS:
        return []
    names = ['*'] if asked else OVER_TLS[suite].get(build, [])
    shutil.rmtree(results_of(suite, build, tls=True), ignore_errors=True)
    return [Job(suite, build, words, file, part, tls=True) for file in files_of(suite, build, asked=True)
            for part in parts_of(file)
            if file.stem in names or '*' in names and file.stem not in THE_SAME_OVER_TLS]


def parts_of(file):
    return ['1/2', '2/2'] if file.stem in HALVED else ['1/1']


def files_of(suite, build, asked):
    files = sorted((HOME / 'tests' / suite).glob('test_*.py'), key=lambda file: (
        LONG.index(file.stem) if file.stem in LONG else len(LONG), file))
    out = {'none': [] if asked else ASTRAY, 'address': ONCE, 'thread': ONCE + UNTHREADED}[build]
    return [file for file in files if file.stem not in out]


class Crew:
    """Carries jobs out, so many at once, and says of each suite how it went."""

    def __init__(self, workers):
        self.pool = concurrent.futures.ThreadPoolExecutor(workers)
        self.lock = threading.Lock()
        self.jobs = []
        self.futures = []

    def add(self, jobs):
        begun = []
        self.jobs += jobs

        def run(job):
            with self.lock:
                begun.append(time.monotonic())
            job.run()
            with self.lock:
                if all(other.done for other in jobs):
                    self.tell(jobs, time.monotonic() - begun[0])
            return job
        self.futures += [self.pool.submit(run, job) for job in jobs]

    @staticmethod
    def tell(jobs, elapsed_s):
        say(f'{jobs[0].name}: {sum(job.passed for job in jobs)} passed, '
            f'{sum(job.failed for job in jobs)} failed, '
            f'{sum(len(job.skipped) for job in jobs)} skipped in {seconds(elapsed_s)}, '
            f'{seconds(sum(job.processor_s for job in jobs))} of processor time')

    def finish(self):
        self.pool.shutdown()
        return [future.result() for future in self.futures]

    def stop(self):
        """Ends all jobs, which have a moment to end what they began, and begins no other."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        groups, deadline = set(), time.monotonic() + STOP_S
        while (running := self.groups()) and time.monotonic() < deadline:
            for group in running - groups:
                signal_group(group, signal.SIGINT)
            groups |= running
            time.sleep(0.05)
        for group in groups | running:
            signal_group(group, signal.SIGKILL)
        self.pool.shutdown()

    def groups(self):
        """Of processes, those of all jobs that run."""
        return {process.pid for process in [job.process for job in self.jobs] if process}


def run_all(suites, builds, words, workers, tls, asked):
    """Each build's jobs run while the next is built; with `tls`, only those over TLS; with `asked`, those
    that others make needless, too. Returns the jobs, and how many builds failed."""
    crew, broken = Crew(workers), 0
    try:
        for build in builds:
            if is_made(build):
                for suite in suites:
                    if not tls:
                        crew.add(jobs_of(suite, build, words, asked))
                    crew.add(jobs_over_tls(suite, build, words, asked=tls))
            else:
                broken += 1
        return crew.finish(), broken
    except KeyboardInterrupt:
        say('interrupted: what runs is ended')
        crew.stop()
        raise


# --- Command line --------------------------------------------------------------------------------

def read_command_line():
    """tests/run has the words that explain it."""
    parser = argparse.ArgumentParser(prog='tests/run', add_help=False,
                                     usage='tests/run [OPTION]... [SUITE]... [-- WORD...]')
    parser.add_argument('suite', nargs='*')
    parser.add_argument('--build', action='append', choices=list(BUILDS))
    parser.add_argument('--tls', action='store_true')
    parser.add_argument('--jobs', type=int, default=3 * cores() + 4)
    ours, words = sys.argv[1:], []
    if '--' in ours:
        at = ours.index('--')
        ours, words = ours[:at], ours[at + 1:]
    options = parser.parse_args(ours)
    for suite in options.suite:
        if suite not in SUITES:
            parser.error(f'there is no suite {suite}, but {", ".join(SUITES)}')
    return options, words


def print_skipped(jobs):
    """Each by name, those with the same reason together."""
    by_reason = collections.defaultdict(set)
    for job in jobs:
        for name, reason in job.skipped:
            by_reason[reason or 'no reason given'].add(f'{job.suite} {name}')
    for reason, names in by_reason.items():
        say(f'skipped ({reason}): {", ".join(sorted(names))}')


def write_times(jobs):
    """Those that used most of a processor first."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open(RESULTS / 'times.csv', 'w', encoding='utf-8', newline='') as file:
        table = csv.writer(file)
        table.writerow(['suite', 'build', 'tls', 'file', 'passed', 'elapsed_s', 'processor_s'])
        for job in sorted(jobs, key=lambda job: -job.processor_s):
            table.writerow([job.suite, job.build, 'yes' if job.tls else 'no',
                            job.file.name if job.file else '', job.passed,
                            f'{job.elapsed_s:.1f}', f'{job.processor_s:.1f}'])


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # though whoever began it may have ignored them
        signal.signal(number, signal.default_int_handler)
    options, words = read_command_line()
    suites = options.suite or list(SUITES)
    wanted = {build for suite in suites for build in SUITES[suite][1]}
    asked = options.build or (['none'] if options.tls else BUILDS)
    builds = [build for build in BUILDS if build in asked and build in wanted]
    begun = time.monotonic()
    done, broken = run_all(suites, builds, words, max(options.jobs, 1), options.tls,
                           asked=bool(options.build or words))
    for job in done:
        if job.failed > 0:
            say(job.complaint())
    print_skipped(done)
    write_times(done)
    passed = sum(job.passed for job in done)
    failed = sum(job.failed for job in done) + broken
    say(f'all of it took {seconds(time.monotonic() - begun)}')
    say(f'{passed} passed, {failed} failed')
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
