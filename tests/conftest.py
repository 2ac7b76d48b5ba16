"""Fixtures for the wire and system suites, and the watch over every server a test used."""

import pytest

from support import docroot as docroots
from support import peers
from support.certificates import Certificates
from support.http import Connection
from support.programs import MODELS, TLS, program, raise_descriptor_limit
from support.server import Process, Server


def pytest_configure(config):
    config.addinivalue_line('markers', 'plain(reason): what it says holds without TLS alone')
    raise_descriptor_limit()
    missing = [program(side, model) for side in ('server', 'client') for model in MODELS
               if not program(side, model).exists()]
    if missing:
        raise pytest.UsageError(f'not built: {", ".join(map(str, missing))} (CRISTO_BUILD?)')


def pytest_addoption(parser):
    parser.addoption('--part', default='1/1', metavar='K/N',
                     help='only the K-th of N parts of what is found, each about as long')


def pytest_collection_modifyitems(config, items):
    number, parts = map(int, config.getoption('--part').split('/'))
    items[:] = items[len(items) * (number - 1) // parts:len(items) * number // parts]
    for item in items:
        plain = item.get_closest_marker('plain')
        if plain and TLS:
            item.add_marker(pytest.mark.skip(reason=f'over TLS, {plain.args[0]}'))


def close_connections():
    for connection in list(Connection.open):
        connection.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs the test; afterwards every server it left running must be alive and back at rest, with
    nothing left open: that is a part of every test."""
    names = pyfuncitem._fixtureinfo.argnames
    try:
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    finally:
        close_connections()
    for process in list(Process.running):
        if isinstance(process, Server):
            try:
                process.settled()
            except AssertionError:  # the next test begins with another
                process.kill()
                raise
    return True


@pytest.fixture(scope='session')
def docroot():
    root = docroots.make()
    yield root
    docroots.remove(root)


@pytest.fixture(scope='session')
def certificates(tmp_path_factory):
    """Those of this run: support/certificates.py."""
    return Certificates(tmp_path_factory.mktemp('certificates'))


@pytest.fixture(params=MODELS, scope='module')
def model(request):
    return request.param


@pytest.fixture(scope='module')
def shared(model, docroot):
    """Gives the module's server with these options, started when first asked for."""
    servers = {}

    def give(*options):
        server = servers.get(options)
        if server is None or server.status is not None:
            server = servers[options] = Server(model, *options, docroot=docroot)
        return server
    yield give
    for server in servers.values():
        if server.status is None:
            server.stop()


@pytest.fixture
def server(shared):
    """The module's plain server."""
    return shared()


@pytest.fixture
def own(model, docroot):
    """Starts servers for one test alone, which may stop them itself."""
    servers = []

    def start(*options, **how):
        how.setdefault('docroot', docroot)
        servers.append(Server(model, *options, **how))
        return servers[-1]
    yield start
    for server in servers:
        if server.status is None:
            server.stop()
        server.kill()


@pytest.fixture
def scratch(tmp_path):
    """An empty docroot for one test."""
    root = tmp_path / 'docroot'
    root.mkdir()
    return root


@pytest.fixture(scope='module')
def started():
    """Gives web servers of others by their names, started when first asked for."""
    peers_here = peers.Started()
    yield peers_here
    peers_here.end()


@pytest.fixture(scope='module', params=peers.NAMES)
def peer(request, started):
    """Each of them."""
    return started(request.param)


def pytest_unconfigure():
    for process in list(Process.running):
        process.kill()
