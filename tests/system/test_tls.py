"""HTTPS by both servers, as clients of others see it: curl, openssl s_client and Python's ssl."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support.activation import handed
from support.admin import Metrics, comes_to
from support.docroot import put
from support.http import CUT, Connection, Ended, get
from support.programs import PATIENCE, UNCONFINED, environment, program, wait_until
from support.server import children_of
from support.slowfs import SlowFs

ADMIN = ('--admin', '127.0.0.1:0')
V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
both_versions = pytest.mark.parametrize('version', [V1_2, V1_3], ids=['1.2', '1.3'])


@pytest.fixture
def tls(own, certificates):
    """Starts a server that speaks TLS alone, and shows the certificate `server` unless the options
    name another."""
    def start(*options, **how):
        named = () if '--cert' in options else certificates.options()
        return own(*named, *options, tls=True, **how)
    return start


def only(certificates, version, **how):
    return certificates.context(newest=version, oldest=version, **how)


def fingerprint(connection):
    return hashlib.sha256(connection.socket.getpeercert(True)).hexdigest()


def fingerprint_of(path):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()


def attempt(model, *arguments, **how):
    """Runs a server that is expected to end by itself."""
    return subprocess.run([str(part) for part in (program('server', model), *UNCONFINED, *arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20 * PATIENCE, env=environment(), check=False, **how)


def curl(certificates, *words):
    return subprocess.run(['curl', '-sS', '--cacert', certificates.ca, *map(str, words)],
                          capture_output=True, timeout=60 * PATIENCE, check=False)


def s_client(server, certificates, *words, said=b''):
    """What openssl's client says; it ends when the server does, or when all is said."""
    host, port = server.addresses[0]
    done = subprocess.run(['openssl', 's_client', '-connect', f'{host}:{port}', '-CAfile',
                           certificates.ca, *words], input=said, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60 * PATIENCE, check=False)
    return done.stdout.decode('latin-1')


# --- what is served ------------------------------------------------------------------------------

@both_versions
def test_files_come_as_they_are(tls, certificates, scratch, version):
    """Of every size around those of records and slices, and large."""
    sizes = [0, 1, 1369, 1370, 1371, 16383, 16384, 16385, 65536, 65537, 261932, 261933, 3000001]
    for size in sizes:
        put(scratch / f'{size}.bin', os.urandom(size))
    server = tls(docroot=scratch)
    with server.connect(tls=only(certificates, version)) as connection:
        assert connection.socket.version() == {V1_2: 'TLSv1.2', V1_3: 'TLSv1.3'}[version]
        for size in sizes:
            assert connection.goes_on(f'/{size}.bin').body == (scratch / f'{size}.bin').read_bytes()
        connection.send(*[get(f'/{size}.bin') for size in sizes])
        for size in sizes:
            assert connection.reply().body == (scratch / f'{size}.bin').read_bytes()
        connection.end().ended()


@pytest.mark.parametrize('version', ['1.2', '1.3'])
def test_curl_is_served(tls, certificates, docroot, version):
    done = curl(certificates, '--tlsv' + version, '--tls-max', version,
                tls().url + '/sizes/1048577.bin')
    assert done.returncode == 0, done.stderr
    assert done.stdout == (docroot / 'sizes/1048577.bin').read_bytes()


def test_unix_sockets_speak_it_too(own, certificates, tmp_path):
    server = own(*certificates.options(), listen=(), tls_listen=[f'unix:{tmp_path}/socket'])
    assert server.ready[0].startswith(f'listening on unix:{tmp_path}/socket over TLS (')
    with server.connect(tls=certificates.context()) as connection:
        connection.goes_on()


def test_plain_and_tls_stand_side_by_side(own, certificates):
    server = own(*certificates.options(), listen=['127.0.0.1:0'], tls_listen=['127.0.0.1:0'],
                 tls=False)
    assert server.urls[0].startswith('http:') and server.urls[1].startswith('https:')
    server.connect(0).goes_on()
    server.connect(1, tls=certificates.context()).goes_on()


def test_without_plain_places_nothing_is_served_in_plain(tls):
    """Not even in the default place."""
    assert len(tls().ready) == 1


@pytest.mark.parametrize('request_line', [
    b'GET / HTTP/1.1\r\nHost: t\r\n\r\n', b'PROPFIND / HTTP/1.1\r\nHost: t\r\n\r\n'])
def test_plain_http_is_told_so(tls, request_line):
    server = tls(*ADMIN)
    with server.connect(tls=None) as connection:
        connection.send(request_line)
        reply = connection.reply()
        assert reply.status == 400 and reply.closes
        assert b'HTTPS' in reply.body and b'https://' in reply.body
        connection.ended()
    comes_to(server, 1, 'tls_handshakes_total', outcome='plain-http')
    assert Metrics(server).value('responses_total', status='400') == 1


def test_what_is_neither_gets_no_reply(tls):
    server = tls(*ADMIN)
    with server.connect(tls=None) as connection:
        connection.send(b'\x80nonsense, and no end of it')
        data = connection.rest()  # an alert at the most
        assert b'HTTP' not in data and len(data) < 20
    comes_to(server, 1, 'tls_handshakes_total', outcome='failed')


# --- ALPN, SNI, clients' certificates, versions --------------------------------------------------

def test_http_1_1_is_agreed_on(tls, certificates):
    said = s_client(tls(), certificates, '-alpn', 'h2,http/1.1')
    assert 'ALPN protocol: http/1.1' in said


def test_h2_alone_is_refused(tls, certificates):
    """RFC 7301 3.2."""
    server = tls(*ADMIN)
    assert 'no application protocol' in s_client(server, certificates, '-alpn', 'h2')
    comes_to(server, 1, 'tls_handshakes_total', outcome='failed')


@pytest.mark.parametrize('name, shown', [
    ('server.test', 'server'), ('any.wild.test', 'server'), ('second.test', 'second'),
    ('SECOND.test', 'second'), ('elsewhere.test', 'elsewhere'), ('unheard.of', 'server')])
def test_the_name_asked_for_chooses(tls, certificates, name, shown):
    server = tls(*certificates.options(), *certificates.options('second'),
                 *certificates.options('elsewhere'))
    context = certificates.context()
    context.check_hostname = name != 'unheard.of'
    with server.connect(tls=context, name=name) as connection:
        assert fingerprint(connection) == fingerprint_of(certificates.certificate(shown))
        connection.goes_on()


@both_versions
def test_clients_have_to_show_a_certificate(tls, certificates, version):
    server = tls('--client-ca', certificates.ca, *ADMIN)
    with server.connect(tls=only(certificates, version, shows='client')) as connection:
        connection.goes_on()
    for shows in (None, 'unknown'):
        with pytest.raises(OSError):  # in TLS 1.3 the client learns of it behind its handshake
            with server.connect(tls=only(certificates, version, shows=shows)) as connection:
                connection.send(get('/small.txt'))
                connection.reply()
    comes_to(server, 2, 'tls_handshakes_total', outcome='failed')


def test_old_versions_are_refused(tls, certificates):
    server = tls('--tls-min', '1.3')
    with pytest.raises(ssl.SSLError):
        server.connect(tls=only(certificates, V1_2))
    server.connect(tls=only(certificates, V1_3)).goes_on()


def test_ocsp_is_stapled(tls, certificates):
    server = tls(*certificates.options(), '--ocsp', certificates.ocsp)
    assert 'OCSP Response Status: successful' in s_client(server, certificates, '-status')


def test_nothing_is_renegotiated(tls, certificates):
    """RFC 5246 7.2.2: no_renegotiation; s_client takes it for an error, and is told so."""
    server = tls()
    said = s_client(server, certificates, '-tls1_2', said=b'R\n')
    assert 'RENEGOTIATING' in said and 'no renegotiation' in said
    server.connect(tls=certificates.context()).goes_on()


def test_own_certificate_is_known_by_its_fingerprint(own):
    server = own(listen=(), tls_listen=['127.0.0.1:0'])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    said = re.search(r'^certificate of its own, for localhost: SHA-256 ((?:[0-9A-F]{2}:){31}'
                     r'[0-9A-F]{2})$', server.stdout, re.MULTILINE)
    with server.connect(tls=context) as connection:
        assert said[1].replace(':', '').lower() == fingerprint(connection)
        connection.goes_on()


# --- resumption ----------------------------------------------------------------------------------

def session_of(server, context, **how):
    """One that can be resumed: after a reply its ticket has come."""
    with server.connect(tls=context, **how) as connection:
        connection.goes_on()
        return connection.socket.session


def is_resumed(server, context, session):
    with server.connect(tls=context, session=session) as connection:
        connection.goes_on()
        return connection.socket.session_reused


@both_versions
def test_sessions_are_resumed_by_any_thread(tls, certificates, model, version):
    server = tls(*ADMIN, *(('-t', '3') if model == 'async' else ()))
    context = only(certificates, version)
    session = session_of(server, context)
    assert all(is_resumed(server, context, session) for _ in range(12))
    comes_to(server, 12, 'tls_handshakes_total', outcome='resumed')
    comes_to(server, 1, 'tls_handshakes_total', outcome='full')
    name = {V1_2: 'TLSv1.2', V1_3: 'TLSv1.3'}[version]
    assert Metrics(server).value('tls_connections_total', protocol=name) == 13


def test_ticket_without_a_certificate_is_worth_nothing_where_one_is_wanted(tls, certificates):
    open_to_all = tls('--ticket-keys', certificates.tickets)
    guarded = tls('--ticket-keys', certificates.tickets, '--client-ca', certificates.ca)
    context = only(certificates, V1_2)
    session = session_of(open_to_all, context)
    with pytest.raises(OSError):
        is_resumed(guarded, context, session)


@pytest.mark.parametrize('keys', [True, False], ids=['of_a_file', 'random'])
def test_sessions_outlive_a_reload_and_a_child(tls, certificates, keys):
    server = tls(*(('--ticket-keys', certificates.tickets) if keys else ()))
    context = certificates.context()
    session = session_of(server, context)
    server.signal(signal.SIGHUP)
    time.sleep(0.1)  # whether before or after it is read: it has to be resumed
    assert is_resumed(server, context, session)
    os.kill(server.worker, signal.SIGKILL)
    assert wait_until(lambda: children_of(server.pid) not in ([], [server.worker]), 20)
    server.worker, = children_of(server.pid)
    assert is_resumed(server, context, session)
    server._rest()


def test_sessions_outlive_a_succession(tls, certificates):
    server = tls('--ticket-keys', certificates.tickets)
    context = certificates.context()
    session = session_of(server, context)
    server.replace()
    assert is_resumed(server, context, session)


def test_keys_are_shared_in_turn(tls, certificates):
    """A server whose first key is another still takes tickets of its second."""
    one = tls('--ticket-keys', certificates.tickets)
    other = tls('--ticket-keys', certificates.other_tickets, '--ticket-keys', certificates.tickets)
    alone = tls('--ticket-keys', certificates.other_tickets)
    context = certificates.context()
    session = session_of(one, context)
    assert is_resumed(other, context, session)
    assert not is_resumed(alone, context, session)


# --- reload --------------------------------------------------------------------------------------

def install(certificates, name, folder):
    """As a tool that renews certificates does it: by rename, the key first."""
    for kind, path in (('key', certificates.key(name)), ('pem', certificates.certificate(name))):
        shutil.copy(path, folder / f'new.{kind}')
        (folder / f'new.{kind}').rename(folder / f'it.{kind}')


class Load:
    """Clients that come, ask and go without a pause; what was not answered is kept."""

    def __init__(self, server, context, clients=3):
        self.server, self.context = server, context
        self.lost, self.answered, self.over = [], 0, False
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.over:
            try:
                with self.server.connect(tls=self.context) as connection:
                    for _ in range(3):
                        connection.goes_on()
                        self.answered += 1
                    connection.end().ended()
            except (OSError, AssertionError) as error:
                self.lost.append(error)

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        assert not self.lost and self.answered > 0, self.lost


def shows(server, certificates, name):
    with server.connect(tls=certificates.context()) as connection:
        return fingerprint(connection) == fingerprint_of(certificates.certificate(name))


def test_certificates_are_renewed_without_a_lost_request(tls, certificates, tmp_path):
    install(certificates, 'server', tmp_path)
    server = tls('--cert', tmp_path / 'it.pem', '--key', tmp_path / 'it.key')
    staying = server.connect(tls=certificates.context())
    before = fingerprint(staying)
    load = Load(server, certificates.context())
    for name in ('rsa', 'server') * 3:
        install(certificates, name, tmp_path)
        server.signal(signal.SIGHUP)
        assert wait_until(lambda: shows(server, certificates, name))
    load.stop()
    staying.goes_on()
    assert fingerprint(staying) == before
    assert server.stderr.count('TLS') == 0


def test_children_to_come_have_what_was_renewed(tls, certificates, tmp_path):
    install(certificates, 'server', tmp_path)
    server = tls('--cert', tmp_path / 'it.pem', '--key', tmp_path / 'it.key')
    install(certificates, 'rsa', tmp_path)
    server.signal(signal.SIGHUP)
    assert wait_until(lambda: shows(server, certificates, 'rsa'))
    (tmp_path / 'it.pem').unlink()
    os.kill(server.worker, signal.SIGKILL)
    assert wait_until(lambda: children_of(server.pid) not in ([], [server.worker]), 20)
    server.worker, = children_of(server.pid)
    assert shows(server, certificates, 'rsa')
    server._rest()


@pytest.mark.parametrize('fault, said', [
    ('expired', 'expired'), ('missing', 'No such file'), ('other_key', 'is not the key'),
    ('empty', 'is empty')])
def test_bad_files_are_complained_about_and_the_old_ones_stay(tls, certificates, tmp_path, fault,
                                                              said):
    install(certificates, 'server', tmp_path)
    server = tls('--cert', tmp_path / 'it.pem', '--key', tmp_path / 'it.key')
    if fault == 'expired':
        install(certificates, 'expired', tmp_path)
    elif fault == 'missing':
        (tmp_path / 'it.pem').unlink()
    elif fault == 'other_key':
        shutil.copy(certificates.key('second'), tmp_path / 'it.key')
    else:
        (tmp_path / 'it.pem').write_bytes(b'')
    server.signal(signal.SIGHUP)
    assert wait_until(lambda: 'TLS goes on with what was read before' in server.stderr)
    assert said in server.stderr and str(tmp_path) in server.stderr
    assert shows(server, certificates, 'server')
    install(certificates, 'rsa', tmp_path)
    server.signal(signal.SIGHUP)
    assert wait_until(lambda: shows(server, certificates, 'rsa'))


def test_authorities_of_clients_are_renewed(tls, certificates, tmp_path):
    shutil.copy(certificates.ca, tmp_path / 'ca.pem')
    server = tls('--client-ca', tmp_path / 'ca.pem')
    context = certificates.context(shows='client')
    server.connect(tls=context).goes_on()
    shutil.copy(certificates.other_ca, tmp_path / 'ca.pem')
    server.signal(signal.SIGHUP)

    def is_refused():
        try:
            with server.connect(tls=context) as connection:
                connection.goes_on()
            return False
        except (OSError, Ended):
            return True
    assert wait_until(is_refused)
    server.connect(tls=certificates.context(shows='unknown')).goes_on()


# --- how it starts -------------------------------------------------------------------------------

FAULTS = [
    ('no_such_certificate', ['--cert', '/nowhere/x.pem'], '/nowhere/x.pem: No such file'),
    ('no_such_key', ['--cert', '{server.pem}', '--key', '/nowhere/x.key'],
     '--key: /nowhere/x.key: No such file'),
    ('key_of_another', ['--cert', '{server.pem}', '--key', '{second.key}'], 'is not the key of the'),
    ('expired', ['--cert', '{expired.pem}', '--key', '{expired.key}'], 'expired'),
    ('not_valid_yet', ['--cert', '{early.pem}', '--key', '{early.key}'], 'not valid'),
    ('encrypted_key', ['--cert', '{encrypted.pem}', '--key', '{encrypted.key}'], 'is encrypted'),
    ('no_key_at_all', ['--cert', '{server.pem}'], 'no private key in it, and no --key'),
    ('no_certificate_in_it', ['--cert', '{server.key}', '--key', '{server.key}'],
     'no certificate in it'),
    ('no_key_in_it', ['--cert', '{server.pem}', '--key', '{secret.pem}'], 'no private key in it'),
    ('key_for_everybody', ['--cert', '{server.pem}', '--key', '{open.key}'],
     'can be read by everybody'),
    ('no_ocsp', ['--cert', '{server.pem}', '--key', '{server.key}', '--ocsp', '{ca.pem}'],
     'is not an OCSP response'),
    ('no_authority', ['--client-ca', '{server.key}'], 'no certificate in it'),
    ('odd_ticket_keys', ['--ticket-keys', '{odd.bin}'], 'ticket keys'),
    ('a_folder', ['--cert', '/'], 'is not a file'),
]


@pytest.fixture
def faulty(certificates, tmp_path):
    """Names of files in braces become paths."""
    odd = {'odd.bin': b'x' * 79, 'secret.pem': certificates.certificate().read_bytes(),
           'open.key': certificates.key().read_bytes()}
    for name, content in odd.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o644 if name == 'open.key' else 0o600)

    def path(word):
        name = word.strip('{}')
        return word if name == word else (tmp_path if name in odd else certificates.folder) / name
    return path


@pytest.mark.parametrize('words, said', [fault[1:] for fault in FAULTS],
                         ids=[fault[0] for fault in FAULTS])
def test_faults_are_told_at_the_start(model, docroot, faulty, words, said):
    done = attempt(model, '--tls-listen', '127.0.0.1:0', *map(faulty, words), docroot)
    assert done.returncode == 1 and done.stdout == ''
    assert said in done.stderr, done.stderr
    assert words[-1].startswith('{') is False or str(faulty(words[-1])) in done.stderr or \
        str(faulty(words[1])) in done.stderr


MISUSE = [
    (['--cert', 'x.pem'], '--cert: nothing is served over TLS without --tls-listen'),
    (['--ticket-keys', 'x'], '--ticket-keys: nothing is served over TLS without --tls-listen'),
    (['--tls-min', '1.3'], '--tls-min: nothing is served over TLS without --tls-listen'),
    (['--tls-listen', '127.0.0.1:0', '--tls-min', '1.1'], "--tls-min: 1.1: is neither 1.2 nor 1.3"),
    (['--tls-listen', '127.0.0.1:0', '--key', 'x.key'], '--key: x.key: there is no --cert for it'),
    (['--tls-listen', '127.0.0.1:0', '--ocsp', 'x'], '--ocsp: x: has no --cert of its own before'),
    (['--tls-listen', 'nowhere'], '--tls-listen: nowhere: has no port'),
]


@pytest.mark.parametrize('words, said', MISUSE)
def test_misuse(model, words, said):
    done = attempt(model, *words)
    assert done.returncode == 2 and done.stdout == ''
    assert said in done.stderr


def test_key_may_be_in_the_file_of_its_certificate(tls, certificates, tmp_path):
    both = tmp_path / 'both.pem'
    both.touch(0o600)
    both.write_bytes(certificates.key().read_bytes() + certificates.certificate().read_bytes())
    tls('--cert', both).connect(tls=certificates.context()).goes_on()


def test_key_may_come_before_its_certificate(tls, certificates):
    server = tls('--key', certificates.key(), '--cert', certificates.certificate())
    server.connect(tls=certificates.context()).goes_on()


def test_sockets_named_so_speak_tls(own, certificates, model, tmp_path):
    """FileDescriptorName= of systemd.socket(5)."""
    with socket.create_server(('127.0.0.1', 0)) as plain, \
            socket.create_server(('127.0.0.1', 0)) as secured:
        how = handed(model, [plain, secured], tmp_path, names='web:https')
        server = own(*certificates.options(), tls=False, **how)
        Connection(plain.getsockname()).goes_on()
        with Connection(secured.getsockname(), tls=certificates.context()) as connection:
            connection.goes_on()
        assert wait_until(lambda: len(server.ready_lines()) == 2)
        assert [bool(line['tls']) for line in server.ready_lines()] == [False, True]


# --- how it ends ---------------------------------------------------------------------------------

def ends_properly(connection):
    """Reads to the end; whether it was said to be the end (close_notify, RFC 8446 6.1)."""
    try:
        while connection.socket.recv(65536):
            pass
        return True
    except (ssl.SSLError, ConnectionResetError):
        return False


def attentive(server, certificates, **how):
    """A connection that tells a proper end from a cut."""
    connection = server.connect(tls=None, **how)
    context = certificates.context()
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    connection.socket = context.wrap_socket(
        connection.socket, server_hostname='localhost', suppress_ragged_eofs=False)
    return connection


@pytest.mark.parametrize('way', ['client_asks', 'refused', 'drained', 'client_ended'])
def test_proper_ends_are_said(tls, certificates, way):
    server = tls('--idle-timeout', '60s')
    connection = attentive(server, certificates)
    connection.goes_on()
    if way == 'client_asks':
        connection.send(get('/small.txt', 'Connection: close')).reply()
    elif way == 'refused':
        connection.send(b'no request\r\n\r\n')
        assert connection.reply().status == 400
    elif way == 'drained':
        server.signal(signal.SIGTERM)
    elif way == 'client_ended':
        connection.socket.unwrap()  # which would fail if the other end were not said
        return
    assert ends_properly(connection)
    if way == 'drained':
        server.stopped()


def test_proper_end_is_said_to_who_idles(tls, certificates):
    """His request comes with the end of the handshake: he has not idled before."""
    shaken = Handshake(tls('--idle-timeout', '300ms'), certificates.context(), 1 << 20)
    shaken.go(before_the_end=lambda client: client.write(get('/small.txt')))
    assert shaken.read_all().startswith(b'HTTP/1.1 200 OK')


def test_cut_replies_have_no_proper_end(tls, certificates, scratch):
    """A file that is truncated while it is sent."""
    put(scratch / 'large.bin', os.urandom(20_000_000))
    connection = attentive(tls('--revalidate', '0', docroot=scratch), certificates,
                           receive_buffer=65536)
    connection.send(get('/large.bin'))
    connection.head()
    os.truncate(scratch / 'large.bin', 100)
    assert not ends_properly(connection)


def test_who_does_not_read_is_not_waited_for(tls, certificates, scratch):
    """The reply, of which a record is stuck half-way, is cut."""
    put(scratch / 'large.bin', os.urandom(20_000_000))
    server = tls('--send-timeout', '300ms', *ADMIN, docroot=scratch)
    with server.connect(tls=certificates.context(), receive_buffer=4096) as connection:
        connection.send(get('/large.bin'))
        comes_to(server, 0, 'connections_open')
        assert Metrics(server).limit('send-timeout') == 1


def test_drain_ends_handshakes_that_do_not_come(tls):
    """They have another second, as requests that are on their way."""
    server = tls('--drain-timeout', '600s', '--header-timeout', '600s')
    with server.connect(tls=None) as silent:
        wait_until(lambda: server.sockets() > 2)
        begun = time.monotonic()
        server.stop()
        silent.ended()
        assert time.monotonic() - begun < 30 * PATIENCE


# --- limits --------------------------------------------------------------------------------------

def serves_who_is_quick(server, certificates, header_timeout_s):
    """Whether it serves us, who may only fail when we have been slower than that."""
    begun = time.monotonic()
    try:
        server.connect(tls=certificates.context()).goes_on()
    except (OSError, Ended):
        if time.monotonic() - begun < header_timeout_s:
            raise
        return False
    return True


def test_silent_clients_are_dropped(tls, certificates):
    """What they say is there before they are let in, so that it comes in time."""
    server = tls('--header-timeout', '300ms', *ADMIN)
    os.kill(server.worker, signal.SIGSTOP)
    with server.connect(tls=None) as silent, server.connect(tls=None) as slow:
        slow.send(b'\x16\x03\x01\x02\x00\x01')
        os.kill(server.worker, signal.SIGCONT)
        silent.ended()
        slow.ended()
    comes_to(server, 2, 'tls_handshakes_total', outcome='late')
    assert Metrics(server).limit('header-timeout') == 2
    assert wait_until(lambda: serves_who_is_quick(server, certificates, 0.3))


def test_one_connection_too_many_is_closed(tls, certificates):
    server = tls('--max-per-address', '1', *ADMIN, greet=False)  # nor is anybody on his way out
    with server.connect(tls=certificates.context()) as first:
        first.goes_on()
        with pytest.raises(OSError):
            server.connect(tls=certificates.context())
        first.goes_on()
    assert Metrics(server).limit('max-per-address') == 1


@both_versions
def test_requests_that_come_with_the_handshake_are_answered(tls, certificates, version):
    """The end of the handshake, two requests and the client's end, all at once."""
    server = tls()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = only(certificates, version).wrap_bio(incoming, outgoing, server_hostname='localhost')
    with server.connect(tls=None) as connection:
        for step in (client.do_handshake, lambda: client.write(get('/small.txt') * 2),
                     client.unwrap):
            while True:
                try:
                    step()
                    break
                except ssl.SSLWantReadError:
                    if step == client.unwrap:
                        break
                    flight = outgoing.read()
                    if flight:
                        connection.send(flight)
                    assert connection.receive()
                    incoming.write(connection._cut_off(len(connection.buffer)))
        connection.send(outgoing.read())
        incoming.write(connection.rest())
        incoming.write_eof()
        got = b''
        try:
            while data := client.read(65536):
                got += data
        except ssl.SSLError:
            pass
        assert got.count(b'HTTP/1.1 200 OK') == 2


def test_what_comes_while_a_file_is_waited_for_waits(tls, certificates, scratch, tmp_path):
    """The first request comes with the end of the handshake, so that it was not waited for, and the
    second one while a helper of the evented server is out for the first."""
    put(tmp_path / 'behind/slow.txt', b'slow')
    put(scratch / 'small.txt', b'small')
    with SlowFs(tmp_path / 'behind', scratch / 'slow') as fs:
        server = tls(docroot=scratch)
        shaken = Handshake(server, certificates.context(), 1 << 20)
        with fs.holding('open'):
            shaken.go(before_the_end=lambda client: client.write(get('/slow/slow.txt')))
            fs.holds(1)
            shaken.client.write(get('/small.txt', 'Connection: close'))
            shaken.send()
            time.sleep(0.1)
        got = shaken.read_all()
        assert re.findall(rb'HTTP/1.1 (200) OK(?:.|\r|\n)*?\r\n\r\n(slow|small)', got) == \
            [(b'200', b'slow'), (b'200', b'small')]
        server.stop()


# --- at every byte of a handshake ----------------------------------------------------------------

class Handshake:
    """A client whose bytes are counted: it sends so many of them, and no more."""

    def __init__(self, server, context, most):
        self.connection = server.connect(tls=None)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname='localhost')
        self.sent, self.most, self.done = 0, most, False

    def send(self):
        """Whether all that there was to be said could be."""
        data = self.outgoing.read()
        part = data[:self.most - self.sent]
        if part:
            self.connection.send(part)
        self.sent += len(part)
        return len(part) == len(data)

    def go(self, before_the_end=lambda client: None):
        while self.sent < self.most:
            try:
                self.client.do_handshake()
                self.done = True
                before_the_end(self.client)
                self.send()
                return self
            except ssl.SSLWantReadError:
                if not self.send():
                    return self
                if not self.connection.receive():
                    raise Ended('in a handshake')
                self.incoming.write(self.connection._cut_off(len(self.connection.buffer)))
        return self

    def read_all(self):
        """Up to the end, which has to be said."""
        self.incoming.write(self.connection.rest())
        got = b''
        while data := self.client.read(65536):
            got += data
        return got


def bytes_of_a_handshake(server, context):
    whole = Handshake(server, context, 1 << 20).go()
    assert whole.done
    whole.connection.end().rest()  # to close over its tickets would reset it, perhaps before it is done
    whole.connection.close()
    return whole.sent


@both_versions
@pytest.mark.parametrize('way', ['ends', 'resets'])
def test_handshakes_are_cut_at_every_byte(tls, certificates, version, way):
    server = tls(*ADMIN)
    context = only(certificates, version)
    count = bytes_of_a_handshake(server, context)
    for most in range(count):
        cut = Handshake(server, context, most).go()
        if way == 'resets':
            cut.connection.cut()
        else:
            cut.connection.socket.shutdown(socket.SHUT_WR)
            cut.connection.rest()
            cut.connection.close()
    comes_to(server, count + 2, 'connections_accepted_total')  # with those of the start and of the count
    comes_to(server, 0, 'connections_open')
    metrics = Metrics(server)
    outcomes = {name: metrics.value('tls_handshakes_total', outcome=name)
                for name in ('full', 'resumed', 'failed', 'ended', 'late', 'plain-http')}
    assert sum(outcomes.values()) == metrics.value('connections_accepted_total')
    assert outcomes['full'] == 1 and outcomes['late'] == 0
    server.connect(tls=certificates.context()).goes_on()


@both_versions
def test_handshakes_stall_at_every_byte(tls, certificates, version):
    server = tls('--header-timeout', '3s', *ADMIN)
    context = only(certificates, version)
    count = bytes_of_a_handshake(server, context)
    stalled = []
    for most in range(count):
        stalled.append(Handshake(server, context, most))
        with contextlib.suppress(Ended, *CUT, BrokenPipeError):  # we were so slow that it is late already
            stalled[-1].go()
    comes_to(server, 0, 'connections_open')
    metrics = Metrics(server)
    assert metrics.value('tls_handshakes_total', outcome='late') == count
    assert metrics.limit('header-timeout') == count
    for one in stalled:
        one.connection.close()
    assert wait_until(lambda: serves_who_is_quick(server, certificates, 3))
