"""The rules of the house that a machine can check: form, and who may lean on whom."""

import pathlib
import re
import subprocess

import pytest

HOME = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted(path.relative_to(HOME) for pattern in ('*.c', '*.h') for path in HOME.rglob(pattern)
                 if not path.relative_to(HOME).parts[0].startswith(('build', '.')))
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]', re.MULTILINE)

# A room, and the rooms that its files may include from besides itself.
ARROWS = {
    'lib/http': [],
    'lib/base': [],
    'lib/net': ['lib/base'],
    'lib/tls': ['lib/net', 'lib/base'],
    'server': ['lib'],
    'client': ['lib'],
    'lab': ['lib/base', 'lib/net'],
    'lessons': ['lib/base'],
    'corpus': ['lib/base', 'lib/http'],
}


def includes_of(source):
    return INCLUDE.findall((HOME / source).read_text(encoding='utf-8'))


def is_in(path, room):
    return pathlib.PurePath(path).is_relative_to(room)


def test_there_are_sources():
    assert len(SOURCES) > 20


def test_form_is_what_clang_format_makes_of_it():
    done = subprocess.run(['clang-format', '--dry-run', '--Werror', *SOURCES], cwd=HOME,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('room', ARROWS)
def test_room_leans_only_on_the_rooms_below(room):
    allowed = [room, *ARROWS[room]]
    wrong = [f'{source} includes {name}' for source in SOURCES if is_in(source, room)
             for mark, name in includes_of(source)
             if mark == '"' and not any(is_in(name, other) for other in allowed)
             and (HOME / name).exists()]
    assert wrong == []


def test_libevent_stays_with_those_who_wait_by_it():
    rooms = ['server/async', 'client/async', 'lab', 'lessons']
    wrong = [f'{source} includes {name}' for source in SOURCES for _, name in includes_of(source)
             if re.match(r'event2?[./]|ev[a-z]+\.h', name)
             and not any(is_in(source, room) for room in rooms)]
    assert wrong == []


def test_curses_stays_with_the_view():
    """What is drawn is laid out without it, and tested without a terminal."""
    wrong = [f'{source} includes {name}' for source in SOURCES for _, name in includes_of(source)
             if name in ('curses.h', 'ncurses.h', 'term.h')
             and str(source) not in ('client/live/screen.c', 'client/live/terminal.c')]
    assert wrong == []


def test_openssl_stays_in_its_room():
    """Its tests make certificates, and peers that misbehave."""
    rooms = ['lib/tls', 'tests/unit/tls', 'tests/support']
    wrong = [f'{source} includes {name}' for source in SOURCES for _, name in includes_of(source)
             if name.startswith('openssl/') and not any(is_in(source, room) for room in rooms)]
    assert wrong == []


def test_models_decide_nothing_about_http():
    """What is decided in lib/http is decided for both models."""
    wrong = [f'{source} includes {name}' for source in SOURCES for _, name in includes_of(source)
             if {'sync', 'async'} & set(source.parts) and is_in(name, 'lib/http')]
    assert wrong == []


def test_source_includes_its_own_header_first():
    wrong = []
    for source in SOURCES:
        header = source.with_suffix('.h')
        names = [name for _, name in includes_of(source)]
        if source.suffix == '.c' and header in SOURCES and names[0] not in (str(header), header.name):
            wrong.append(f'{source} begins with {names[0]}')
    assert wrong == []


def test_headers_are_read_once():
    wrong = [str(source) for source in SOURCES if source.suffix == '.h'
             and '#pragma once\n' not in (HOME / source).read_text(encoding='utf-8')]
    assert wrong == []


def test_files_stay_short():
    """Tests are tables of rows, and may be as long as there are facts."""
    wrong = {str(source): lines for source in SOURCES if source.parts[0] != 'tests'
             and (lines := len((HOME / source).read_text(encoding='utf-8').splitlines())) > 900}
    assert wrong == {}
