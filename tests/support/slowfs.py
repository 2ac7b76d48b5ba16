"""A mounted file system that is as slow, as broken or as dead as a test tells it to be: slowfs.c."""

import contextlib
import errno
import pathlib
import subprocess
import tempfile

import pytest

from support.programs import BUILD, PATIENCE, wait_until

PROGRAM = BUILD / 'tests' / 'support' / 'slowfs'
NO_MOUNT = 77


class SlowFs:
    """Shows the folder `behind` at `at`. Whoever looks at a file of it while calls are held waits
    like anyone, and so does who looks at what servers have open: not before all is let go."""

    def __init__(self, behind, at):
        self.behind, self.at = pathlib.Path(behind), pathlib.Path(at)
        self.at.mkdir(exist_ok=True)
        if not PROGRAM.exists():
            pytest.skip('slowfs is not built: libfuse3-dev is missing')
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen([PROGRAM, self.behind, self.at], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=self._stderr, text=True,
                                         bufsize=1)
        if self._process.stdout.readline() != 'mounted\n':
            self._process.stdin.close()
            status = self._process.wait(10 * PATIENCE)
            self._stderr.seek(0)
            why = self._stderr.read().decode().strip() or f'status {status}'
            assert status == NO_MOUNT, why
            pytest.skip(f'no FUSE file system can be mounted here: {why}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _order(self, *words):
        self._process.stdin.write(' '.join(map(str, words)) + '\n')
        return self._process.stdout.readline().strip()

    def _tell(self, *words):
        said = self._order(*words)
        assert said == 'done', said

    @contextlib.contextmanager
    def holding(self, call, path='*', beyond=-1):
        """Calls of this kind wait meanwhile; a read when it reaches beyond that offset."""
        self._tell('hold', call, path, beyond)
        try:
            yield
        finally:
            self.let()

    def fail(self, call, path='*', error=errno.EIO, beyond=-1):
        self._tell('fail', call, path, error, beyond)

    def end_early(self, path, size):
        """Reads find the end of this file here, whatever its size is said to be."""
        self._tell('short', path, size)

    def let(self):
        """All is well again, and what was held goes on."""
        self._tell('let')

    def deaf(self):
        """Who waits from now on cannot even be killed."""
        self._tell('deaf')

    def die(self):
        """Whoever asks is told that nobody is there any more."""
        self._tell('die')

    def held(self):
        return int(self._order('held'))

    def asked(self):
        """How many calls have been held since the last time that all were let go."""
        return int(self._order('asked'))

    def holds(self, count):
        """Waits until so many calls are held, or more."""
        assert wait_until(lambda: self.held() >= count), f'{self.held()} of {count} calls are held'

    def end(self):
        """Unmounts it; what is held fails."""
        if self._process.poll() is None:
            self._process.stdin.close()
            try:
                self._process.wait(10 * PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process.stdout.close()
        self._stderr.close()
        assert wait_until(lambda: str(self.at) not in pathlib.Path('/proc/mounts').read_text())
