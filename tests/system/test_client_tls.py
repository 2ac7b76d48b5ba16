"""HTTPS by both clients: with the web servers of others, with servers that are no good, and with handshakes
that come to an end at every byte."""

import collections
import fcntl
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import termios
import warnings

import pytest

from support import peers
from support.admin import Metrics
from support.certificates import of_this_run
from support.client import Wrong, measure, run, sends, start, whole
from support.cutter import ENDS, RESETS, STALLS, Cut, Cutter
from support.facts import facts
from support.hostile import RESULT, kind_of
from support.programs import PATIENCE, wait_until

V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NAMES = {V1_2: 'TLSv1.2', V1_3: 'TLSv1.3'}
both_versions = pytest.mark.parametrize('version', [V1_2, V1_3], ids=['1.2', '1.3'])


def trusting(certificates, *options):
    return ['--cacert', certificates.ca, *options]


# --- the web servers of others -------------------------------------------------------------------

# How many connections 60 requests have. An idle one is not closed by any of them meanwhile.
WAYS = [
    ('kept_alive', '9112 9.3', ['-c', 3], 3),
    ('pipelined', '9112 9.3.2', ['-c', 3, '-p', 8], 3),
    ('closed', '9112 9.6', ['-c', 3, '--close'], 60),
    ('resumed', '8446 2.2', ['-c', 1, '--close', '--tls-resume'], 60),
]


@facts('options, connections', WAYS)
@both_versions
def test_peer_is_spoken_to(model, peer, version, options, connections):
    """Every byte is the one that was there before. This h2o can be told the oldest version alone."""
    if peer.name == 'h2o' and version == V1_2:
        pytest.skip('h2o 2.2 always offers TLS 1.3')
    url = peer.url_of('tls' if version == V1_3 else 'tls_1_2')
    trusts = ['--cacert', of_this_run().ca]
    result = measure(model, *trusts, '-n', 60, *options, '--verify', 'bytes', '-T', '60s', url + '/long.txt')
    assert result['requests']['ok'] == 60
    assert result['bytes']['body'] == 60 * len(peer.ask('GET', '/long.txt', url=peer.url_of('plain'))[2])
    agreed, = result['tls']['agreed']
    assert agreed['protocol'] == NAMES[version] and agreed['handshakes'] == connections
    assert result['tls']['handshakes'] == result['handshake_us']['count'] == connections
    assert result['tls']['resumed'] == (59 if '--tls-resume' in options else 0)


@pytest.mark.parametrize('peer', [name for name in peers.NAMES if name != 'h2o'], indirect=True)
def test_peer_that_wants_a_certificate_is_shown_one(model, peer):
    """h2o cannot ask for one. All of them answer those without one, too, that they may not come in."""
    shown = of_this_run()
    words = ['--cacert', shown.ca, '-n', 24, '-c', 3, '-T', '60s', peer.url_of('tls_asks') + '/small.txt']
    assert measure(model, *shown.options('client'), *words)['requests']['ok'] == 24
    result = measure(model, *words)
    assert result['requests']['ok'] == 0 and result['requests']['failed'] == 24


# --- clients of others ---------------------------------------------------------------------------

def h2load(server, *words):
    return subprocess.run(['h2load', *map(str, words), server.url + '/small.txt'], capture_output=True,
                          text=True, timeout=60 * PATIENCE, check=False)


@pytest.mark.skipif(not shutil.which('h2load'), reason='no h2load here')
@pytest.mark.parametrize('words', [['--h1'], ['--npn-list', 'http/1.1']], ids=['h1', 'alpn'])
def test_h2load_is_served(own, certificates, words):
    server = own(*certificates.options(), tls=True)
    done = h2load(server, '-n', 500, '-c', 10, '-m', 4, *words)
    assert done.returncode == 0, done
    assert re.search('requests: 500 total, 500 started, 500 done, 500 succeeded, 0 failed', done.stdout), done
    assert 'Application protocol: http/1.1' in done.stdout, done


@pytest.mark.skipif(not shutil.which('wrk'), reason='no wrk here')
def test_wrk_is_served(own, certificates):
    """Until it has had some replies, however long that takes."""
    server = own('--admin', '127.0.0.1:0', *certificates.options(), tls=True)
    with subprocess.Popen(['wrk', '-t', '1', '-c', '16', '-d', '60s', '--timeout', '60s',
                           server.url + '/small.txt'], stdout=subprocess.PIPE, text=True) as wrk:
        try:
            assert wait_until(lambda: Metrics(server).value('requests_total', method='GET') > 100, 30)
        finally:
            wrk.send_signal(signal.SIGINT)
            said = wrk.communicate(timeout=60 * PATIENCE)[0]
    assert wrk.returncode == 0 and 'Socket errors' not in said, said
    assert 'Non-2xx' not in said and int(re.search('([0-9]+) requests in', said)[1]) > 0, said


# --- whom a client does not trust ----------------------------------------------------------------

def shows(name, **how):
    """A server that shows this certificate."""
    return lambda certificates: Wrong(whole(), tls=certificates.server_context(name, **how))


def speaks_1_1(certificates):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # Python would have nobody speak it
        context = certificates.server_context('rsa', oldest=ssl.TLSVersion.TLSv1,
                                              newest=ssl.TLSVersion.TLSv1_1)
    context.set_ciphers('DEFAULT:@SECLEVEL=0')
    return Wrong(whole(), tls=context)


def speaks_h2(certificates):
    context = certificates.server_context()
    context.set_alpn_protocols(['h2'])
    return Wrong(whole(), tls=context)


CA, NO_CA = ['--cacert', '{ca.pem}'], []
STRANGER = 'certificate is by an unknown authority'
OWN_NAME = ['--cert', '{client.pem}', '--key', '{client.key}']
STRANGE_NAME = ['--cert', '{unknown.pem}', '--key', '{unknown.key}']

# What the summary says of the failures; nothing where there are none.
TRUST = [
    ('name_of_another', '9110 4.3.4', shows('elsewhere'), CA,
     r'certificate is for elsewhere\.test, not for 127\.0\.0\.1'),
    ('unknown_authority', '9110 4.3.4', shows('unknown'), CA, STRANGER),
    ('only_the_system_s_authorities', '9110 4.3.4', shows('server'), NO_CA, STRANGER),
    ('authority_of_the_other_kind', '9110 4.3.4', shows('server'), ['--cacert', '{other-ca.pem}'], STRANGER),
    ('expired', '5280 6.1.3', shows('expired'), CA, r'certificate has expired \([0-9]{4}-[0-9]{2}-[0-9]{2}\)'),
    ('not_valid_yet', '5280 6.1.3', shows('early'), CA,
     r'certificate is not valid yet \([0-9]{4}-[0-9]{2}-[0-9]{2}\)'),
    ('old_version', '8996 4', speaks_1_1, CA, 'refused: (tlsv1 alert )?protocol version|'
     'has no version of TLS in common with us'),
    ('another_protocol', '7301 3.2', speaks_h2, CA, None),
    ('right_name', '9110 4.3.4', shows('server'), CA, None),
    ('key_of_rsa', '9110 4.3.4', shows('rsa'), CA, None),
    ('the_other_authority_s', '9110 4.3.4', shows('unknown'), ['--cacert', '{other-ca.pem}'], None),
    ('insecure_with_a_stranger', 'design 2', shows('unknown'), ['-k'], None),
    ('insecure_with_another_name', 'design 2', shows('elsewhere'), ['-k'], None),
    ('insecure_and_expired', 'design 2', shows('expired'), ['--insecure'], None),
    ('certificate_that_nobody_asks_for', '8446 4.3.2', shows('server'), CA + OWN_NAME, None),
    ('certificate_that_is_asked_for', '8446 4.3.2', shows('server', asks=True), CA + OWN_NAME, None),
    ('certificate_that_is_asked_for_in_1_2', '5246 7.4.4', shows('server', asks=True, newest=V1_2),
     CA + OWN_NAME, None),
    ('no_certificate_where_one_is_asked_for', '8446 4.4.2.4', shows('server', asks=True), CA,
     'refused: certificate required'),
    ('no_certificate_where_one_is_asked_for_in_1_2', '5246 7.4.6', shows('server', asks=True, newest=V1_2), CA,
     'refused: handshake failure'),
    ('certificate_of_an_unknown_authority', '8446 4.4.2.4', shows('server', asks=True), CA + STRANGE_NAME,
     'refused: unknown (CA|ca)'),
    ('certificate_of_an_unknown_authority_in_1_2', '5246 7.2.2', shows('server', asks=True, newest=V1_2),
     CA + STRANGE_NAME, 'refused: unknown (CA|ca)'),
]


def in_place(words, folder):
    """Names of files in braces become paths."""
    return [folder / word.strip('{}') if word.startswith('{') else word for word in words]


@facts('server, options, said', TRUST)
def test_whom_a_client_trusts(model, certificates, server, options, said):
    """A server that is not trusted is told nothing."""
    with server(certificates) as one:
        done = run(model, *in_place(options, certificates.folder), '-n', 4, '-c', 2, '-T', '60s',
                   one.url + '/x')
        if said is None:
            assert done.status == 0 and '4 ok, 0 failed' in done.stdout, done
            return
        assert done.status == 1 and '0 ok, 4 failed' in done.stdout, done
        assert re.search(rf'(?m)^.* 4 tls \({said}\)$', done.stdout), done
        assert one.url in done.stdout and one.heads == []


def test_certificate_that_a_server_made_for_itself(model, own):
    server = own(listen=(), tls_listen=['127.0.0.1:0'], tls=False)
    done = run(model, '-n', 2, '-c', 1, server.url + '/small.txt')
    assert done.status == 1 and '2 tls (certificate is signed by itself, and not trusted)' in done.stdout, done
    assert run(model, '-k', '-n', 2, '-c', 1, server.url + '/small.txt').status == 0


@pytest.mark.parametrize('name, said', [
    ('localhost', None), ('127.0.0.1', None),
    ('elsewhere.test', r'certificate is for localhost, .*, not for elsewhere\.test')])
def test_name_of_the_url_is_the_one_that_counts(model, own, certificates, tmp_path, name, said):
    """Also where a unix socket leads, whatever its path is."""
    own(*certificates.options(), listen=(), tls_listen=[f'unix:{tmp_path}/socket'])
    done = run(model, *trusting(certificates), '-n', 2, '-c', 1, '--unix-socket', tmp_path / 'socket',
               f'https://{name}/small.txt')
    assert done.status == (1 if said else 0), done
    assert said is None or re.search(rf'2 tls \({said}\)', done.stdout), done


def test_server_that_does_not_speak_tls(model, own):
    server = own(tls=False)
    done = run(model, '-k', '-n', 3, '-c', 1, server.url.replace('http:', 'https:') + '/small.txt')
    assert done.status == 1 and '3 tls (does not speak TLS)' in done.stdout, done


# --- files that are no good ----------------------------------------------------------------------

# The message is one line, and begins so behind the program's name.
FILES = [
    ('authorities_missing', ['--cacert', '/nowhere/ca.pem'], '--cacert /nowhere/ca.pem: No such file'),
    ('authorities_empty', ['--cacert', '{empty.pem}'], '--cacert {empty.pem}: is empty'),
    ('authorities_that_are_none', ['--cacert', '{words.pem}'], '{words.pem}: has no certificate in it'),
    ('authorities_that_are_a_key', ['--cacert', '{server.key}'], '{server.key}: has no certificate in it'),
    ('authorities_spoilt', ['--cacert', '{spoilt.pem}'], '{spoilt.pem}: '),
    ('authorities_are_a_folder', ['--cacert', '/'], '--cacert /: is not a file'),
    ('certificate_missing', ['--cert', '/nowhere/c.pem'], '--cert /nowhere/c.pem: No such file'),
    ('certificate_that_is_a_key', ['--cert', '{client.key}'], '{client.key}: has no certificate in it'),
    ('key_missing', ['--cert', '{client.pem}', '--key', '/nowhere/c.key'],
     '--key /nowhere/c.key: No such file'),
    ('no_key_at_all', ['--cert', '{client.pem}'], '{client.pem}: has no private key in it'),
    ('key_of_another', ['--cert', '{client.pem}', '--key', '{server.key}'],
     '{server.key}: is not the key of the'),
    ('key_encrypted', ['--cert', '{encrypted.pem}', '--key', '{encrypted.key}'],
     '{encrypted.key}: the key is encrypted'),
]


@pytest.mark.parametrize('options, said', [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_file_that_is_no_good_is_named_before_anything_is_asked(model, certificates, tmp_path, options, said):
    made = {'empty.pem': '', 'words.pem': 'It was the 24th of February, 1815.\n',
            'spoilt.pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'}
    for name, content in made.items():
        (tmp_path / name).write_text(content)

    def in_place(word):
        return re.sub(r'{(.*?)}', lambda name: str((tmp_path if name[1] in made else certificates.folder)
                                                   / name[1]), word)
    trusts = [] if '--cacert' in options else trusting(certificates)
    with Wrong(whole(), tls=certificates.server_context()) as server:
        done = run(model, *trusts, *map(in_place, options), '-n', 2, server.url + '/')
        assert done.status == 1 and done.stdout == '' and server.connections == 0, done
        assert done.stderr.startswith(f'cristo-{model}-client: {in_place(said)}'), done
        assert done.stderr.count('\n') == 1, done


# --- ends of TLS ---------------------------------------------------------------------------------

OK = b'HTTP/1.1 200 OK\r\n'
LENGTH_9 = OK + b'Content-Length: 9\r\n\r\n'


def cuts(*pieces):
    """A reply behind which the connection ends, and TLS does not."""
    def reply(connection, _):
        for piece in pieces:
            connection.sendall(piece)
        connection.has_ended = True
        return False
    return reply


def complains(*pieces):
    """A reply behind which comes an alert: that a record was changed."""
    def reply(connection, _):
        for piece in pieces:
            connection.sendall(piece)
        connection.hear(b'\x17\x03\x03\x00\x20' + bytes(32))
        connection.recv(1)
        return False
    return reply


def spoils(*pieces, record=b'\x17\x03\x03\x00\x20' + bytes(32)):
    """A reply behind which comes what is no record of this connection."""
    def reply(connection, number):
        for piece in pieces:
            connection.sendall(piece)
        connection.plain.sendall(record)
        connection.has_ended = True
        return False
    return reply


ENDS_OF_TLS = [
    ('cut_before_a_reply', '9112 9.8', cuts(), 'reset', 'closed before the reply'),
    ('cut_within_a_head', '9112 9.8', cuts(OK), 'framing', ''),
    ('cut_within_a_length', '9112 9.8', cuts(LENGTH_9, b'hello'), 'framing', ''),
    ('cut_within_chunks', '9112 9.8', cuts(OK, b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
     'framing', ''),
    ('cut_until_close', '9112 9.8', cuts(OK, b'\r\nhello'), 'framing', 'closed without an end of TLS'),
    ('cut_behind_a_length', '9112 9.8', cuts(whole()), None, None),
    ('ended_before_a_reply', '8446 6.1', sends(then='close'), 'reset', 'closed before the reply'),
    ('ended_within_a_length', '8446 6.1', sends(LENGTH_9, b'hello', then='close'), 'framing', ''),
    ('ended_until_close', '8446 6.1', sends(OK, b'\r\nhello', then='close'), None, None),
    ('ended_between_replies', '9112 9.3.1', sends(whole(), then='close'), None, None),
    ('alert_before_a_reply', '8446 6.2', complains(), 'tls', 'refused: bad record mac'),
    ('alert_within_a_length', '8446 6.2', complains(LENGTH_9, b'hello'), 'tls', 'refused: bad record mac'),
    ('alert_until_close', '8446 6.2', complains(OK, b'\r\nhello'), 'tls', 'refused: bad record mac'),
    ('record_changed', '8446 5.2', spoils(LENGTH_9, b'hello'), 'tls',
     'sent a record that was changed on its way'),
    ('record_changed_until_close', '8446 5.2', spoils(OK, b'\r\nhello'), 'tls',
     'sent a record that was changed on its way'),
    ('plain_reply', '8446 5.1', spoils(record=whole()), 'tls', ''),
    ('plain_alert', '8446 5', spoils(LENGTH_9, record=b'\x15\x03\x03\x00\x02\x02\x28'), 'tls', ''),
]


@facts('reply, kind, said', ENDS_OF_TLS)
@both_versions
def test_end_of_tls(model, certificates, version, reply, kind, said):
    context = certificates.server_context(newest=version, oldest=version)
    with Wrong(reply, tls=context) as server:
        done = run(model, *trusting(certificates), '-n', 4, '-c', 1, '-T', '60s', server.url + '/')
    if kind is None:
        assert done.status == 0 and '4 ok, 0 failed' in done.stdout, done
    else:
        assert done.status == 1, done
        assert re.search(rf'(?m)^.* 4 {kind} \(.*{re.escape(said)}.*\)$', done.stdout), done


# --- what comes unasked --------------------------------------------------------------------------

class Told:
    """openssl's server, which is told by the test what to do: a letter at the beginning of a line."""

    def __init__(self, certificates, *options):
        self.server = subprocess.Popen(
            ['openssl', 's_server', '-accept', '127.0.0.1:0', '-naccept', '1', '-crlf', *options,
             *map(str, certificates.options())], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.heard = b''
        self.hears('ACCEPT 127.0.0.1:')
        self.port = int(self.hears('\n'))

    def hears(self, what):
        while what.encode() not in self.heard:
            data = os.read(self.server.stdout.fileno(), 4096)
            assert data, self.heard
            self.heard += data
        before, _, self.heard = self.heard.partition(what.encode())
        return before

    def say(self, *lines):
        """One by one: it looks for a letter at the beginning of what it reads at once."""
        for line in lines:
            self.server.stdin.write(line.encode() + b'\n')
            self.server.stdin.flush()
            assert wait_until(self._has_read), self.heard

    def _has_read(self):
        unread = fcntl.ioctl(self.server.stdin, termios.FIONREAD, bytes(4))
        return int.from_bytes(unread, sys.byteorder) == 0

    def end(self):
        self.server.kill()
        self.server.wait()
        self.server.stdin.close()
        self.server.stdout.close()


@pytest.fixture
def told(certificates):
    servers = []

    def begin(*options):
        servers.append(Told(certificates, *options))
        return servers[-1]
    yield begin
    for server in servers:
        server.end()


def test_keys_are_changed_between_replies_and_within_one(model, certificates, told):
    """8446 4.6.3: also where the client is to change its own."""
    server = told('-tls1_3')
    client = start(model, *trusting(certificates), '-n', 3, '-c', 1, '-T', '60s', '--json', '-',
                   f'https://127.0.0.1:{server.port}/')
    for letter in 'K', 'k', 'K':
        server.hears('\r\n\r\n')
        server.say(letter, 'HTTP/1.1 200 OK', 'Content-Length: 15', '', 'hello', letter, 'hello!')
    assert client.wait(20) == 0, client
    result = json.loads(client.stdout)
    assert result['requests']['ok'] == 3 and result['connect_us']['count'] == 1
    client.no_reports()
    client.kill()


def test_wish_to_negotiate_again_is_refused(model, certificates, told):
    """5246 7.2.2: by a warning, which openssl's server takes for the end."""
    server = told('-tls1_2')
    client = start(model, *trusting(certificates), '-n', 1, '-c', 1, '-T', '60s', '--json', '-',
                   f'https://127.0.0.1:{server.port}/')
    server.hears('\r\n\r\n')
    server.say('r')
    assert client.wait(20) == 1, client
    result = json.loads(client.stdout)
    assert result['requests']['failed'] == 1
    assert result['errors']['tls'] + result['errors']['reset'] == 1, result['errors']
    client.no_reports()
    client.kill()


# --- at every byte of a handshake ----------------------------------------------------------------

@pytest.fixture(scope='module')
def even(tmp_path_factory):
    """A certificate by itself, and what trusts it: every signature by its key has the same length, so that
    all handshakes do."""
    path = tmp_path_factory.mktemp('even') / 'both.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ed25519', '-noenc', '-subj', '/CN=even', '-days',
                    '9', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', path, '-out', f'{path}.crt'],
                   check=True, capture_output=True, timeout=60 * PATIENCE)
    with open(path, 'a', encoding='ascii') as both, open(f'{path}.crt', encoding='ascii') as certificate:
        both.write(certificate.read())
    return path


def even_context(path, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.minimum_version = context.maximum_version = version
    return context


def sizes_of(model, context, trusts):
    with Cutter(context, reply=whole()) as server:
        result = measure(model, *trusts, '-n', 1, '-c', 1, server.url)
        assert result['requests']['ok'] == 1
        return server.sizes


def cuts_of(sizes, *ways):
    return [Cut(side, count, way) for way in ways
            for side, most in (('server', sizes.server), ('client', sizes.client))
            for count in range(most)]


def came_of(cut, sizes, version):
    """The kinds that are right. In TLS 1.3 a client's handshake is over when it has heard the server, and a
    request follows at once; the reset of a connection may be seen before the connection is."""
    if cut.side == 'client' and version == V1_3 and cut.count >= sizes.hello:
        if cut.way == STALLS:
            return {'timeout'}
        # with its last bytes still unsent, the client may learn of the reset in its handshake
        return {'reset', 'tls'} if cut.way == RESETS and cut.count == sizes.hello else {'reset'}
    return {'tls', 'reset'} if cut == ('client', 0, RESETS) else {'tls'}


@both_versions
def test_handshakes_are_cut_at_every_byte(model, even, version):
    """The end of the connection and its reset; each fails one request, and what comes next is fine."""
    context, trusts = even_context(even, version), ['--cacert', even]
    sizes = sizes_of(model, context, trusts)
    cuts = cuts_of(sizes, ENDS, RESETS)
    assert len(cuts) > 1500 and sizes.hello < sizes.client
    with Cutter(context, cuts, whole()) as server:
        done = run(model, *trusts, '-n', len(cuts) + 3, '-c', 1, '--trace', '-T', '60s', server.url)
        assert server.connections == len(cuts) + 1
    came = [kind_of(result) for _, result in RESULT.findall(done.stdout)]
    wrong = [(cut, kind) for cut, kind in zip(cuts, came) if kind not in came_of(cut, sizes, version)]
    assert wrong == [] and came[len(cuts):] == ['ok'] * 3
    assert done.status == 1, done


@both_versions
def test_handshakes_stall_at_every_byte(model, even, version):
    context, trusts = even_context(even, version), ['--cacert', even]
    sizes = sizes_of(model, context, trusts)
    cuts = cuts_of(sizes, STALLS)
    kinds = collections.Counter(kind for cut in cuts for kind in came_of(cut, sizes, version))
    time = f'{PATIENCE}s'
    with Cutter(context, cuts) as server:
        result = measure(model, *trusts, '-n', len(cuts), '-c', 400, '--connect-timeout', time, '-T', time,
                         server.url)
        assert wait_until(lambda: server.connections == len(cuts))
    errors = result['errors']
    assert errors['tls'] + errors['timeout'] == result['requests']['failed'] == len(cuts)
    assert kinds['tls'] <= errors['tls']  # more, on a busy machine: they have no time to come so far
