"""Programs and made-up books for the tests of the book."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('CRISTO_BUILD', ROOT / 'build')).resolve()
REAL = ROOT.parent / 'shared' / 'corpus' / 'pg1184.txt'


def run(*words, **environment):
    """Runs a program to its end; the environment is ours without any CRISTO_ but those given."""
    inherited = {name: value for name, value in os.environ.items()
                 if not name.startswith('CRISTO_') and not name.lower().endswith('_proxy')}
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, check=False,
                          env=inherited | {'CRISTO_BUILD': str(BUILD)} | environment)


def cristo_book(*words):
    return run(BUILD / 'corpus' / 'cristo-book', *words)


def lay_out(text, docroot):
    """At brotli's quickest: how well it packs is not ours to test."""
    return cristo_book('--quality', '1', text, docroot)


def snapshot(folder):
    """Everything below a folder: names, kinds, contents and times."""
    return {str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_mtime_ns,
                                            path.read_bytes() if path.is_file() else None)
            for path in sorted(folder.rglob('*'))}


class Book:
    """A made-up book in the form of Project Gutenberg's, to be bent by the tests."""

    FIRST = 'On the 24th of February, 1815, the look-out signalled the three-master.'
    LAST = '“‘_Wait and hope_ (Fac et spera)!’”'
    VOLUMES = {1: 'ONE', 28: 'TWO', 48: 'THREE', 74: 'FOUR', 96: 'FIVE'}

    def __init__(self):
        self.order = list(range(1, 118))
        self.titles = {number: f'The {number}th Matter' for number in self.order}
        self.texts = {number: self.filler(number) for number in self.order}
        self.texts[1] = self.FIRST + '\n\n' + self.texts[1]
        self.texts[117] += '\n\n' + self.LAST
        self.head = '\ufeffThe Project Gutenberg eBook of A Book\n\nTitle: A Book\n\n'
        self.start = '*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n\n'
        self.end = '\n\n*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n\n'
        self.licence = 'You may copy it.\n' * 40 + '\nsubscribe to hear about new eBooks.\n'
        self.notes = '\n\n\n\nFOOTNOTES:\n\n\n[1] A note.\n'
        self.newline = '\r\n'

    @staticmethod
    def filler(number):
        line = f'Word upon word about matter {number}, é and so on, to the end of the line.'
        paragraph = '\n'.join([line] * 8)
        return '\n\n'.join([paragraph] * 38)

    def contents(self):
        lines = ['Contents', '', '']
        for number in range(1, 118):
            if number in self.VOLUMES:
                lines += ['', f' VOLUME {self.VOLUMES[number]}']
            lines.append(f'Chapter {number}. {self.titles.get(number, "?").splitlines()[0]} ')
        return '\n'.join(lines) + '\n\n\n\n'

    def body(self):
        parts = []
        for number in self.order:
            if number in self.VOLUMES:
                parts.append(f'VOLUME {self.VOLUMES[number]}\n\n\n\n')
            title = self.titles[number].replace('\n', '\n ')
            parts.append(f' Chapter {number}. {title}\n\n{self.texts[number]}\n\n\n\n')
        return ''.join(parts)

    def text(self):
        whole = (self.head + self.start + self.contents() + self.body().rstrip('\n') + '\n' +
                 self.notes + self.end + self.licence)
        return whole.replace('\n', self.newline)

    def write(self, path):
        path.write_bytes(self.text().encode())
        return path
