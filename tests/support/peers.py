"""Web servers of others, each with two listeners: a plain one, and one that keeps a connection for ten
requests, or for a second without one, where the server can be told so."""

import os
import pathlib
import random
import shutil
import signal
import socket
import tempfile
import urllib.request

from support.programs import BUILD, wait_until
from support.server import Process

NAMES = ('nginx', 'apache2', 'h2o', 'lighttpd')
LIMIT = 10

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
    server {{
        listen 127.0.0.1:{plain};
    }}
    server {{
        listen 127.0.0.1:{short};
        keepalive_requests 10;
        keepalive_timeout 1;
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
<VirtualHost 127.0.0.1:{short}>
    MaxKeepAliveRequests 10
    KeepAliveTimeout 1
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
    paths:
      /:
        file.dir: {www}
'''

LIGHTTPD = '''
server.document-root = "{www}"
server.bind = "127.0.0.1"
server.port = {plain}
server.modules = ("mod_cgi")
server.errorlog = "{folder}/errors"
server.upload-dirs = ("{folder}")
server.max-keep-alive-requests = 1000000
server.stream-response-body = 1
index-file.names = ("index.html")
cgi.assign = (".sh" => "/bin/sh")
mimetype.assign = (".txt" => "text/plain", ".html" => "text/html")
$SERVER["socket"] == "127.0.0.1:{short}" {{
    server.max-keep-alive-requests = 10
    server.max-keep-alive-idle = 1
}}
'''

SCRIPT = '''#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
cat long.txt
'''


def program(name):
    """Its path; None where it is not installed."""
    return shutil.which(name, path=PATH)


def free_port():
    """Below the ephemeral ports, which connections themselves use."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried:
            try:
                tried.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


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
        self.plain, self.short = free_port(), free_port()
        self.config = self.folder / 'config'
        self.config.write_text(self._settings().format(
            folder=self.folder, www=www, plain=self.plain, short=self.short, idle=idle,
            root_user=self._root_user()))
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
        if self.status is not None:
            return False
        try:
            socket.create_connection(('127.0.0.1', self.plain), 1).close()
            return True
        except OSError:
            return False

    @property
    def url(self):
        return f'http://127.0.0.1:{self.plain}'

    @property
    def short_url(self):
        return f'http://127.0.0.1:{self.plain if self.name == "h2o" else self.short}'

    def reload(self):
        """Has it begin anew with its configuration, and the requests that it has ended."""
        self.signal({'nginx': signal.SIGHUP, 'apache2': signal.SIGUSR1, 'h2o': signal.SIGHUP,
                     'lighttpd': signal.SIGUSR1}[self.name])

    def ask(self, method, path, headers=(), body=None):
        """One reply, read by somebody else's client: status, fields and body."""
        request = urllib.request.Request(self.url + path, body, dict(headers), method=method)

        class Stay(urllib.request.HTTPRedirectHandler):
            """A redirect is a reply like others."""
            def redirect_request(self, *_):
                return None
        try:
            with urllib.request.build_opener(Stay).open(request, timeout=60) as reply:
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
        shutil.rmtree(self.folder, ignore_errors=True)
