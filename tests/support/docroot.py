"""The folder that the servers under test serve, made afresh for a run."""

import gzip
import os
import pathlib
import shutil
import tempfile

OLD = 1_000_000_000  # Sun, 09 Sep 2001 01:46:40 GMT: when every file of it was last changed

# Lengths around the sizes of buffers and slices.
SIZES = (0, 1, 2, 511, 512, 513, 1023, 1024, 4095, 4096, 4097, 8191, 8192, 16383, 16384, 16385,
         32768, 65535, 65536, 65537, 131072, 262143, 262144, 262145, 524288, 1048577)


def pattern(size, seed=0):
    """Bytes in which every misplaced piece shows: the period is a prime."""
    unit = bytes((value * 7 + seed) % 251 for value in range(251))
    return (unit * (size // len(unit) + 1))[:size]


FILES = {
    'small.txt': b'It was the 24th of February, 1815.\n',
    'thousand.bin': pattern(1000),
    'index.html': b'<!doctype html><title>The book</title>\n',
    'sub/index.html': b'<!doctype html><title>A folder</title>\n',
    'sub/page.txt': b'a page\n',
    'bare/one.txt': b'a folder without an index\n',
    'deep/er/still/file.txt': b'deep\n',
    'empty.txt': b'',
    'style.css': b'body{}\n',
    'script.js': b'1\n',
    'data.json': b'{}\n',
    'picture.png': b'\x89PNG\r\n\x1a\n',
    'drawing.svg': b'<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    'archive.tar.gz': b'\x1f\x8b\x08\x00',
    'packed.txt': b'as it is\n' * 20,
    'packed.txt.gz': gzip.compress(b'as it is\n' * 20, mtime=0),
    'packed.txt.br': b'as br, to those who look no closer\n',
    'packed.txt.zst': b'as zstd, to those who look no closer\n',
    'sub/half.html': b'<!doctype html>half\n',
    'sub/half.html.gz': gzip.compress(b'<!doctype html>half\n', mtime=0),
    'SHOUT.TXT': b'loud\n',
    'page.html': b'<!doctype html>\n',
    'noextension': b'plain\n',
    'odd.zzzunknown': b'odd\n',
    'novel.txt': b'the fallback\n',
    'with space.txt': b'space\n',
    'percent%41.txt': b'percent\n',
    'plus+sign.txt': b'plus\n',
    'que?stion.txt': b'question\n',
    'ha#sh.txt': b'hash\n',
    'semi;colon.txt': b'semicolon\n',
    'tilde~and\'quote.txt': b'tilde\n',
    'back\\slash.txt': b'backslash\n',
    'Dant\u00e8s.txt': 'Dant\u00e8s\n'.encode(),
    '\u57fa\u7763\u5c71.txt': 'kanji\n'.encode(),
    'with space/index.html': b'space\n',
    'ch\u00e2teau/index.html': b'castle\n',
    '\\evil.example/index.html': b'no host\n',
    'evil.example/index.html': b'no host either\n',
    'sub/evil.example/index.html': b'no host either\n',
    'line\r\nEvil: yes/index.html': b'no field\n',
    '.hidden': b'secret\n',
    '.git/config': b'secret\n',
    'sub/.env': b'secret\n',
    '.well-known/security.txt': b'contact\n',
    '..double': b'two dots in front\n',
    'dots..inside.txt': b'dots\n',
    'trailing./dot.txt': b'dot\n',
}


def make(beside=None):
    """Lays it out below a new folder that every user may read; returns its path. Beside it lie
    `outside/secret.txt` and links that lead there."""
    top = pathlib.Path(tempfile.mkdtemp(prefix='cristo-test-', dir=beside))
    top.chmod(0o755)
    root = top / 'docroot'
    (top / 'outside').mkdir()
    (top / 'outside' / 'secret.txt').write_bytes(b'secret\n')
    (top / 'docroot-sibling').mkdir()
    (top / 'docroot-sibling' / 'secret.txt').write_bytes(b'secret\n')
    for name, content in FILES.items():
        put(root / name, content)
    for size in SIZES:
        put(root / 'sizes' / f'{size}.bin', pattern(size))
    _put_links(root)
    os.mkfifo(root / 'fifo')
    for path in sorted(root.rglob('*')):
        if not path.is_symlink():
            os.utime(path, (OLD, OLD))
    (root / 'tomorrow.txt').write_bytes(b'from the future\n')
    os.utime(root / 'tomorrow.txt', (4_000_000_000, 4_000_000_000))
    return root


def _put_links(root):
    for name, to in {
            'link-inside.txt': 'small.txt',
            'link-inside-folder': 'sub',
            'sub/link-up.txt': '../small.txt',
            'link-out-absolute.txt': str(root.parent / 'outside' / 'secret.txt'),
            'link-out-relative.txt': '../outside/secret.txt',
            'link-out-folder': '../outside',
            'link-out-sibling': '../docroot-sibling',
            'link-out-root': '/',
            'link-out-and-back.txt': '../docroot/small.txt',
            'link-nowhere.txt': 'is-not-there.txt',
            'link-loop-a': 'link-loop-b',
            'link-loop-b': 'link-loop-a',
            'link-self': 'link-self/x',
            'link-proc': '/proc/self/environ'}.items():
        (root / name).symlink_to(to)


def put(path, content):
    """Writes one file, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def replace(path, content):
    """Puts another file in a file's place in one step, as careful programs do."""
    beside = path.with_name(path.name + '.new')
    beside.write_bytes(content)
    beside.rename(path)


def remove(root):
    shutil.rmtree(root.parent)
