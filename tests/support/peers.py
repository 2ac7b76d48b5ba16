"""Web servers of others, each with several listeners, plain ones and such as speak TLS: of either, one that
has no limits to speak of, one that keeps a connection for ten requests, and one that keeps it for a second
without one; over TLS also one for version 1.2 alone, and one that wants a certificate of its client. h2o,
which cannot be told any of this, has those that have no limits."""

import os
import pathlib
import random
import shutil
import signal
import socket
import tempfile
import urllib.request

import pytest

from support import certificates
from support.programs import BUILD, TLS, wait_until
from support.server import Process

NAMES = ('nginx', 'apache2', 'h2o', 'lighttpd')
LIMIT = 10

LISTENERS = ('plain', 'short', 'brief', 'tls', 'tls_short', 'tls_brief', 'tls_1_2', 'tls_asks')

PATH = f'{os.environ["PATH"]}:/usr/sbin:/sbin'
ROOT = os.geteuid() == 0

NGINX = '''
daemon off;
pid nginx.pid;
error_log stderr crit;
{root_user}
worker_processes 1;
events {{}}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 10m;
    gzip on;
    gzip_types text/plain;
    root {www};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
    }}
    server {{
        listen 127.0.0.1:{short};
        listen 127.0.0.1:{tls_short} ssl;
        keepalive_requests 10;
    }}
    server {{
        listen 127.0.0.1:{brief};
        listen 127.0.0.1:{tls_brief} ssl;
        keepalive_timeout 1;
    }}
    server {{
        listen 127.0.0.1:{tls_1_2} ssl;
        ssl_protocols TLSv1.2;
    }}
    server {{
        listen 127.0.0.1:{tls_asks} ssl;
        ssl_client_certificate {ca};
        ssl_verify_client on;
    }}
}}
'''

APACHE2 = '''
ServerName localhost
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache2.pid
ErrorLog {folder}/errors
LogLevel crit
{root_user}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
StartServers 1
ThreadsPerChild 25
TypesConfig /dev/null
AddType text/plain .txt
AddOutputFilterByType DEFLATE text/plain
DocumentRoot {www}
MaxKeepAliveRequests 0
KeepAliveTimeout 60
Listen 127.0.0.1:{plain}
Listen 127.0.0.1:{short}
Listen 127.0.0.1:{brief}
Listen 127.0.0.1:{tls}
Listen 127.0.0.1:{tls_short}
Listen 127.0.0.1:{tls_brief}
Listen 127.0.0.1:{tls_1_2}
Listen 127.0.0.1:{tls_asks}
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
<VirtualHost 127.0.0.1:{short}>
    MaxKeepAliveRequests 10
</VirtualHost>
<VirtualHost 127.0.0.1:{brief}>
    KeepAliveTimeout 1
</VirtualHost>
<VirtualHost 127.0.0.1:{tls_short}>
    MaxKeepAliveRequests 10
    SSLEngine on
</VirtualHost>
<VirtualHost 127.0.0.1:{tls_brief}>
    KeepAliveTimeout 1
    SSLEngine on
</VirtualHost>
<VirtualHost 127.0.0.1:{tls}>
    SSLEngine on
</VirtualHost>
<VirtualHost 127.0.0.1:{tls_1_2}>
    SSLEngine on
    SSLProtocol TLSv1.2
</VirtualHost>
<VirtualHost 127.0.0.1:{tls_asks}>
    SSLEngine on
    SSLCACertificateFile {ca}
    SSLVerifyClient require
</VirtualHost>
'''

H2O = '''
{root_user}
num-threads: 1
http1-request-timeout: {idle}
compress: [gzip]
error-log: {folder}/errors
pid-file: {folder}/h2o.pid
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {plain}
    listen:
      host: 127.0.0.1
      port: {tls}
      ssl:
        certificate-file: {certificate}
        key-file: {key}
    paths:
      /:
        file.dir: {www}
'''

LIGHTTPD = '''
server.document-root = "{www}"
server.bind = "127.0.0.1"
server.port = {plain}
server.modules = ("mod_cgi", "mod_openssl")
server.errorlog = "{folder}/errors"
server.upload-dirs = ("{folder}")
server.max-keep-alive-requests = 1000000
server.max-keep-alive-idle = 60
server.stream-response-body = 1
index-file.names = ("index.html")
cgi.assign = (".sh" => "/bin/sh")
mimetype.assign = (".txt" => "text/plain", ".html" => "text/html")
ssl.pemfile = "{certificate}"
ssl.privkey = "{key}"
$SERVER["socket"] == "127.0.0.1:{short}" {{
    server.max-keep-alive-requests = 10
}}
$SERVER["socket"] == "127.0.0.1:{brief}" {{
    server.max-keep-alive-idle = 1
}}
$SERVER["socket"] == "127.0.0.1:{tls}" {{
    ssl.engine = "enable"
}}
$SERVER["socket"] == "127.0.0.1:{tls_short}" {{
    ssl.engine = "enable"
    server.max-keep-alive-requests = 10
}}
$SERVER["socket"] == "127.0.0.1:{tls_brief}" {{
    ssl.engine = "enable"
    server.max-keep-alive-idle = 1
}}
$SERVER["socket"] == "127.0.0.1:{tls_1_2}" {{
    ssl.engine = "enable"
    ssl.pemfile = "{certificate}"
    ssl.privkey = "{key}"
    ssl.openssl.ssl-conf-cmd = ("MaxProtocol" => "TLSv1.2")
}}
$SERVER["socket"] == "127.0.0.1:{tls_asks}" {{
    ssl.engine = "enable"
    ssl.pemfile = "{certificate}"
    ssl.privkey = "{key}"
    ssl.verifyclient.activate = "enable"
    ssl.verifyclient.enforce = "enable"
    ssl.verifyclient.ca-file = "{ca}"
}}
'''

SCRIPT = '''#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
cat long.txt
'''


def program(name):
    """Its path; None where it is not installed."""
    return shutil.which(name, path=PATH)


def kept_port():
    """A socket that keeps a port from all who ask here for one, until it is closed; who says SO_REUSEADDR may
    listen there. Below the ephemeral ports, which connections themselves use."""
    while True:
        kept = socket.socket()
        try:
            kept.bind(('127.0.0.1', random.randrange(20_000, 32_000)))
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not before, or two might have it
            return kept
        except OSError:
            kept.close()


def make_docroot(www):
    """Something of every kind, for anybody to read."""
    book = BUILD / 'book'
    shutil.copy(book / 'count-of-monte-cristo.txt', www / 'novel.txt')
    shutil.copy(book / 'chapters/001.txt', www / 'chapter.txt')
    (www / 'long.txt').write_bytes(b''.join((book / f'chapters/00{number}.txt').read_bytes()
                                            for number in range(1, 10)))
    (www / 'small.txt').write_text('It was the 24th of February, 1815.\n')
    (www / 'empty.txt').write_text('')
    (www / 'script.sh').write_text(SCRIPT)
    (www / 'folder').mkdir()
    (www / 'folder/index.html').write_text('<!doctype html>\n')
    for path in (www, *www.rglob('*')):
        path.chmod(0o755 if path.is_dir() else 0o644)


class Peer(Process):
    """One of them, ready to accept."""

    def __init__(self, name, idle=60):
        """`idle`: for h2o, which has one such time for all its listeners."""
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f'cristo-{name}-'))
        self.folder.chmod(0o755)
        www = self.folder / 'www'
        www.mkdir()
        make_docroot(www)
        self.kept = [kept_port() for _ in LISTENERS]
        self.ports = {name: kept.getsockname()[1] for name, kept in zip(LISTENERS, self.kept)}
        shown = certificates.of_this_run()
        self.config = self.folder / 'config'
        self.config.write_text(self._settings().format(
            folder=self.folder, www=www, idle=idle, root_user=self._root_user(), **self.ports,
            certificate=shown.certificate(), key=shown.key(), ca=shown.ca))
        super().__init__(self._command(), cwd=self.folder)
        if not wait_until(self._accepts, seconds=20):
            said = repr(self)
            self.end()
            raise AssertionError(f'does not start: {said}')

    def _settings(self):
        return {'nginx': NGINX, 'apache2': APACHE2, 'h2o': H2O, 'lighttpd': LIGHTTPD}[self.name]

    def _root_user(self):
        """What to say of users when root starts it."""
        said = {'nginx': 'user root root;', 'h2o': 'user: root',
                'apache2': 'User www-data\nGroup www-data'}
        return said.get(self.name, '') if ROOT else ''

    def _command(self):
        path, config = program(self.name), self.config
        return {'nginx': [path, '-p', self.folder, '-c', config, '-e', 'stderr'],
                'apache2': [path, '-f', config, '-DFOREGROUND'],
                'h2o': [path, '--mode', 'master', '--conf', config],
                'lighttpd': [path, '-D', '-f', config]}[self.name]

    def _accepts(self):
        """With all that it listens by, one of which comes after the other."""
        if self.status is not None:
            return False
        try:
            for listener in ('plain', 'tls') if self.name == 'h2o' else LISTENERS:
                socket.create_connection(('127.0.0.1', self.ports[listener]), 1).close()
            return True
        except OSError:
            return False

    def url_of(self, listener):
        return f'http{"s" if "tls" in listener else ""}://127.0.0.1:{self.ports[listener]}'

    @property
    def url(self):
        return self.url_of('tls' if TLS else 'plain')

    @property
    def short_url(self):
        if self.name == 'h2o':
            return self.url
        return self.url_of('tls_short' if TLS else 'short')

    @property
    def brief_url(self):
        if self.name == 'h2o':
            return self.url
        return self.url_of('tls_brief' if TLS else 'brief')

    def reload(self):
        """Has it begin anew with its configuration, and the requests that it has ended."""
        self.signal({'nginx': signal.SIGHUP, 'apache2': signal.SIGUSR1, 'h2o': signal.SIGHUP,
                     'lighttpd': signal.SIGUSR1}[self.name])

    def ask(self, method, path, headers=(), body=None, url=None):
        """One reply, read by somebody else's client: status, fields and body."""
        request = urllib.request.Request((url or self.url) + path, body, dict(headers), method=method)

        class Stay(urllib.request.HTTPRedirectHandler):
            """A redirect is a reply like others."""
            def redirect_request(self, *_):
                return None
        try:
            secured = urllib.request.HTTPSHandler(context=certificates.of_this_run().context())
            with urllib.request.build_opener(Stay, secured).open(request, timeout=60) as reply:
                return reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as reply:
            return reply.code, reply.headers, reply.read()

    def end(self):
        """Its children as well, and all it had."""
        if self.status is None:
            self.signal(signal.SIGTERM)
            try:
                self.wait()
            except AssertionError:
                pass
        self.kill()
        for kept in self.kept:
            kept.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Started:
    """Each is started when it is first asked for; a test that asks for one that is not here is skipped."""

    def __init__(self):
        self.running = {}

    def __call__(self, name):
        if program(name) is None:
            pytest.skip(f'{name} is not installed')
        if name not in self.running:
            self.running[name] = Peer(name)
        return self.running[name]

    def end(self):
        for peer in self.running.values():
            peer.end()
