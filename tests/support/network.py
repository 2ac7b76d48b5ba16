"""A network of its own for one test: loopback alone, with settings that are the test's to change and
ports that nobody else takes up."""

import os
import shutil
import socket
import subprocess
import sys

import pytest

from support.programs import PATIENCE

# Runs inside: brings loopback up, listens, sends the socket out, and stays until its standard input
# ends.
HOLDER = '''
import fcntl, socket, struct, sys
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
out = socket.socket(fileno=int(sys.argv[1]))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
    request = struct.pack('16sH14x', b'lo', 0)
    flags, = struct.unpack('16xH14x', fcntl.ioctl(any, SIOCGIFFLAGS, request))
    fcntl.ioctl(any, SIOCSIFFLAGS, struct.pack('16sH14x', b'lo', flags | IFF_UP))
with socket.create_server(('127.0.0.1', 0), backlog=4096) as listener:
    socket.send_fds(out, [b'up'], [listener.fileno()])
sys.stdin.read()
'''


class Network:
    """A socket listens in it, whose connections are there too, whoever accepts them."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        self._as_root = [] if os.geteuid() == 0 else ['--user', '--map-root-user']
        self._holder = subprocess.Popen(
            ['unshare', *self._as_root, '--net', '--', sys.executable, '-c', HOLDER,
             str(theirs.fileno())],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[theirs.fileno()])
        theirs.close()
        ours.settimeout(20 * PATIENCE)
        with ours:
            said, fds, _, _ = socket.recv_fds(ours, 16, 1)
        if said != b'up':
            self._holder.stdin.close()
            why = self._holder.stderr.read().decode('utf-8', 'replace').strip().splitlines()
            self._holder.wait()
            pytest.skip(f'no network of its own is to be had here: {(why or ["?"])[-1]}')
        self.listener = socket.socket(fileno=fds[0])
        self.url = f'http://127.0.0.1:{self.listener.getsockname()[1]}'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self._holder.stdin.close()
        self._holder.wait(20 * PATIENCE)
        self._holder.stderr.close()

    @property
    def prefix(self):
        """Put before a command, it runs in this network."""
        user = ['--user', '--preserve-credentials'] if self._as_root else []
        return [shutil.which('nsenter'), '--target', str(self._holder.pid), *user, '--net', '--']

    def set(self, name, value):
        """By its name for sysctl(8)."""
        path = '/proc/sys/' + name.replace('.', '/')
        subprocess.run([*self.prefix, 'sh', '-c', 'echo "$0" >"$1"', str(value), path], check=True)

    def sockets(self):
        """How many TCP sockets are in it: both ends of connections, and those that listen."""
        with open(f'/proc/{self._holder.pid}/net/sockstat', encoding='ascii') as lines:
            words = next(line for line in lines if line.startswith('TCP:')).split()
        return int(words[words.index('inuse') + 1])
