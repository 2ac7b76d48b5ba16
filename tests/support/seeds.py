"""Writes every raw request of the wire suite to a file of its own: seeds for the fuzz targets that
read requests.

usage: /usr/bin/python3 tests/support/seeds.py FOLDER
"""

import importlib
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
LONGEST = 4096  # what a fuzzer can make something of


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    sys.path[:0] = [str(TESTS), str(TESTS / 'wire')]
    for path in sorted((TESTS / 'wire').glob('test_*.py')):
        importlib.import_module(path.stem)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    requests = importlib.import_module('support.facts').REQUESTS
    for fact, data in requests.items():
        if len(data) <= LONGEST:
            (folder / fact).write_bytes(data)


if __name__ == '__main__':
    main()
