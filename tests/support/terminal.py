"""A terminal for a program: a pseudo-terminal, and what of xterm's language curses speaks to it.

It keeps what stands on both of its screens, the normal one and the alternate one, so that a test
can read what somebody before it would see."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading

from support.programs import PATIENCE, environment, wait_until

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP)
CONTROL = re.compile(r'\x1b\[([?>]?)([0-9;]*)([@-~])')
CHARSET = re.compile(r'\x1b[()*+].')


class Screen:
    """Characters in rows and columns, and a cursor."""

    def __init__(self, rows, cols):
        self.rows, self.cols = rows, cols
        self.lines = [[' '] * cols for _ in range(rows)]
        self.row = self.col = 0
        self.last = ' '  # what is repeated may have been put on the screen that this one replaces
        self.top, self.bottom = 0, rows - 1

    def text(self):
        return '\n'.join(''.join(line).rstrip() for line in self.lines)

    def put(self, character):
        if self.col >= self.cols:
            self.col = 0
            self.line_feed()
        self.lines[self.row][self.col] = self.last = character
        self.col += 1

    def line_feed(self):
        if self.row == self.bottom:
            self.scroll(1)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def scroll(self, count):
        for _ in range(abs(count)):
            if count > 0:
                del self.lines[self.top]
                self.lines.insert(self.bottom, [' '] * self.cols)
            else:
                del self.lines[self.bottom]
                self.lines.insert(self.top, [' '] * self.cols)

    def move(self, row, col):
        self.row = max(0, min(row, self.rows - 1))
        self.col = max(0, min(col, self.cols - 1))

    def blank(self, row, first, end):
        for col in range(first, min(end, self.cols)):
            self.lines[row][col] = ' '

    def erase_lines(self, first, end):
        for row in range(first, end):
            self.blank(row, 0, self.cols)

    def control(self, final, numbers):
        """One control sequence (ECMA-48 8.3); numbers left out are 0."""
        first, second = (numbers + [0, 0])[:2]
        count = max(first, 1)
        line, col = self.lines[self.row], min(self.col, self.cols - 1)
        if final in 'Hf':
            self.move(count - 1, max(second, 1) - 1)
        elif final in 'ABCD':
            self.move(self.row + count * {'A': -1, 'B': 1}.get(final, 0),
                      self.col + count * {'C': 1, 'D': -1}.get(final, 0))
        elif final == 'd':
            self.move(count - 1, self.col)
        elif final in 'G`':
            self.move(self.row, count - 1)
        elif final == 'J':
            self.blank(self.row, 0 if first else col, self.cols)
            self.erase_lines(0 if first else self.row + 1, self.rows)
        elif final == 'K':
            self.blank(self.row, 0 if first else col, col + 1 if first == 1 else self.cols)
        elif final == 'X':
            self.blank(self.row, col, col + count)
        elif final == 'b':
            for _ in range(count):
                self.put(self.last)
        elif final == '@':
            line[col:] = ([' '] * count + line[col:])[:self.cols - col]
        elif final == 'P':
            line[col:] = (line[col + count:] + [' '] * self.cols)[:self.cols - col]
        elif final in 'LM':
            top, self.top = self.top, self.row
            self.scroll(count if final == 'M' else -count)
            self.top = top
        elif final in 'ST':
            self.scroll(count if final == 'S' else -count)
        elif final == 'r':
            self.top, self.bottom = count - 1, (second or self.rows) - 1
            self.move(0, 0)
        else:
            assert final in 'mhlt', f'a control sequence that ends in {final}'


class Terminal:
    """The test holds both sides. `controls` makes it the controlling terminal of what is run."""

    def __init__(self, rows=24, cols=80, term='xterm-256color'):
        self.term = term
        self._ours, self.slave = pty.openpty()
        self.normal, self.other = Screen(rows, cols), Screen(rows, cols)
        self.alternate = False
        self.entered = self.left = 0
        self.cursor_shown = True
        self.seen = ''
        self._pending = b''
        self._ends = threading.Event()
        self.resize(rows, cols)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.slave)
        self._ends.set()
        self._reader.join()
        self.drop()

    def drop(self):
        """The terminal is gone, whoever still has it open."""
        self._ends.set()
        self._reader.join()
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def run(self, *arguments, controls=True, variables=(), **how):
        """Starts a program on it: standard streams that `how` does not name are the terminal."""
        def in_child():
            for number in ENDING:  # whoever runs the tests may ignore some
                signal.signal(number, signal.SIG_DFL)
            if controls:
                fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        streams = {'stdin': self.slave, 'stdout': self.slave, 'stderr': self.slave} | how
        env = environment(**{'TERM': self.term, 'LC_ALL': 'C.UTF-8'} | dict(variables))
        return subprocess.Popen([str(argument) for argument in arguments], env=env,
                                start_new_session=True,
                                preexec_fn=in_child, **streams)

    def type(self, text):
        os.write(self._ours, text.encode())

    def resize(self, rows, cols):
        """Before the program hears of it, so that all it draws then is drawn on this."""
        self.other = Screen(rows, cols)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))

    def modes(self):
        return termios.tcgetattr(self.slave)

    def shows(self, pattern, seconds=20):
        """Waits until it stands on the screen; returns the match."""
        def look():
            screen = self.other if self.alternate else self.normal
            return re.search(pattern, screen.text())
        found = wait_until(look, seconds)
        assert found, f'no {pattern!r} on {"the other" if self.alternate else "the normal"} ' \
                      f'screen:\n{(self.other if self.alternate else self.normal).text()}'
        return found

    def ends(self, process):
        """Waits for its end, and until all has come that it wrote; its status."""
        status = process.wait(60 * PATIENCE)
        marks = self.seen.count('\x05')
        os.write(self.slave, b'\x05')
        assert wait_until(lambda: self.seen.count('\x05') > marks)
        return status

    def _read(self):
        while not self._ends.is_set():
            if not select.select([self._ours], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # nobody has the other side open any more
                return
            self._pending += data
            text = self._pending.decode('utf-8', 'ignore')
            rest = self._pending[len(text.encode()):]
            # a character or a sequence may come in two parts
            cut = re.search(r'\x1b([()*+]|\[[?>0-9;]*)?$', text)
            if cut:
                text, rest = text[:cut.start()], text[cut.start():].encode() + rest
            self._pending = rest
            self._take(text)

    def _take(self, text):
        at = 0
        while at < len(text):
            found = CONTROL.match(text, at)
            if found:
                self._control(*found.groups())
            else:
                found = CHARSET.match(text, at) or re.compile(r'\x1b[=>78M]|.', re.DOTALL).match(text, at)
                self._character(found[0])
            at = found.end()
        self.seen += text

    def _control(self, private, numbers, final):
        numbers = [int(number or 0) for number in numbers.split(';')]
        if private == '':
            (self.other if self.alternate else self.normal).control(final, numbers)
        elif private == '?' and numbers == [1049]:
            self.alternate = final == 'h'
            self.entered += final == 'h'
            self.left += final == 'l'
            self.other.erase_lines(0, self.other.rows)
        elif private == '?' and 25 in numbers:
            self.cursor_shown = final == 'h'

    def _character(self, character):
        screen = self.other if self.alternate else self.normal
        if character == '\r':
            screen.col = 0
        elif character == '\n':
            screen.line_feed()
        elif character == '\b':
            screen.col = max(0, screen.col - 1)
        elif character == '\t':
            screen.col = min(screen.cols - 1, (screen.col // 8 + 1) * 8)
        elif character >= ' ' and character != '\x7f' and len(character) == 1:
            screen.put(character)
