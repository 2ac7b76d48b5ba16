"""Texts for the tests of the book. None of these needs a network or the real text; what can be said
of the real text alone is skipped where it is not at hand."""

import pytest

from books import REAL, Book, cristo_book


@pytest.fixture
def book():
    return Book()


@pytest.fixture(scope='session')
def good(tmp_path_factory):
    """A made-up book that passes every check."""
    return Book().write(tmp_path_factory.mktemp('good') / 'book.txt')


@pytest.fixture(scope='session')
def other(tmp_path_factory):
    """Another one."""
    bent = Book()
    bent.titles[2] = 'Father & Son'
    return bent.write(tmp_path_factory.mktemp('other') / 'book.txt')


@pytest.fixture(scope='session')
def stand_in(tmp_path_factory):
    path = tmp_path_factory.mktemp('stand-in') / 'stand-in.txt'
    assert cristo_book('--stand-in', path).returncode == 0
    return path


@pytest.fixture(scope='session')
def real():
    if not REAL.exists():
        pytest.skip('the real text is not at hand')
    return REAL
