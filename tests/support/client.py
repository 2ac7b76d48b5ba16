"""Runs the load generators, and plays servers that are wrong in every way to them."""

import json
import re
import signal
import socket
import struct
import subprocess
import threading
import time

from support import certificates
from support.programs import PATIENCE, SANITIZER_REPORTS, TLS, environment, program
from support.server import Process
from support.tls import TlsServed

ERRORS = ('connect', 'tls', 'timeout', 'reset', 'status', 'framing', 'content')
PERCENTILES = ('min', 'p50', 'p75', 'p90', 'p99', 'p99.9', 'p99.99', 'max')


class Run:
    """One finished run: exit status, what it said, and its JSON if it was asked for."""

    def __init__(self, arguments, seconds, **how):
        how.setdefault('env', environment())
        done = subprocess.run([str(argument) for argument in arguments],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds * PATIENCE, **how)
        self.status, self.stdout = done.returncode, done.stdout.decode('utf-8', 'replace')
        self.stderr = done.stderr.decode('utf-8', 'replace')
        assert not any(report in self.stderr for report in SANITIZER_REPORTS), self.stderr[-8000:]

    @property
    def json(self):
        return json.loads(self.stdout)

    def __repr__(self):
        return f'status {self.status}\n{self.stdout[-3000:]}\n{self.stderr[-3000:]}'


def command(model, *arguments):
    """A client's command line: it trusts the certificates of this run where it may meet them."""
    words = list(map(str, arguments))
    meets = '--urls' in words or any(word.startswith('https:') for word in words)
    trusts = TLS and meets and not {'--cacert', '-k'} & set(words)
    cacert = ['--cacert', certificates.of_this_run().ca] if trusts else []
    return [program('client', model), *cacert, *arguments]


def run(model, *arguments, seconds=60, **how):
    """Runs a client to its end."""
    return Run(command(model, *arguments), seconds, **how)


def measure(model, *arguments, **how):
    """Runs a client for its JSON, checks the arithmetic that every result owes, and returns it."""
    done = run(model, '--json', '-', '--quiet', *arguments, **how)
    result = done.json
    check_result(result)
    failed = result['requests']['failed'] > 0 or result['requests']['ok'] == 0
    failed = failed or (result['warmup'] or {'failed': 0})['failed'] > 0
    doubtful = result['trusted'] is False  # as a busy machine may make it
    assert done.status == (130 if result['interrupted'] else 1 if failed else 4 if doubtful
                           else 0), done
    return result


def start(model, *arguments, **how):
    """Starts a client that is to be watched or interrupted."""
    return Process(command(model, *arguments), **how)


def stand_still(client, seconds, rest):
    """Has it stand still for so long, and again whenever it has gone on for `rest`, until its run is over:
    so it does in the midst of it, however long the test itself was kept from the processor."""
    deadline = time.monotonic() + 60 * PATIENCE
    while client.status is None and time.monotonic() < deadline:
        time.sleep(rest)
        client.signal(signal.SIGSTOP)
        time.sleep(seconds)
        client.signal(signal.SIGCONT)


def check_result(result):
    """What holds for the JSON of every run."""
    assert result['schema'] == 'cristo-client/1'
    assert result['program'] == f'cristo-{result["model"]}-client'
    requests, errors = result['requests'], result['errors']
    assert tuple(errors) == ERRORS
    assert sum(errors.values()) == requests['failed']
    assert requests['ok'] + requests['failed'] <= requests['sent']
    wanted = result['plan']['requests']
    if wanted is not None:
        assert requests['sent'] <= wanted
        if not result['interrupted'] and result['plan']['duration_s'] is None:
            assert requests['ok'] + requests['failed'] == requests['sent'] == wanted
    assert sum(result['statuses'].values()) >= requests['ok']
    assert result['latency_us']['count'] == requests['ok']
    assert result['bytes']['body'] <= result['bytes']['received']
    for times in ('latency_us', 'first_byte_us', 'connect_us'):
        check_times(result[times])
    open_loop = result['open_loop']
    assert (open_loop is None) == (result['plan']['rate'] is None)
    if open_loop is not None:
        assert open_loop['raw_us']['count'] == requests['ok']
        assert open_loop['due'] == requests['sent'] + sum(open_loop['missed'].values())
        assert open_loop['lag_us']['count'] + open_loop['held_up'] <= requests['sent']
        check_times(open_loop['raw_us'])
        check_times(open_loop['lag_us'])
    moments = [moment for moment, _, _ in result['timeline']]
    assert moments == sorted(set(moments))
    assert sum(ended for _, ended, _ in result['timeline']) <= (
        requests['ok'] + requests['failed'] + (result['warmup'] or {'sent': 0})['sent'])
    check_over_time(result)
    assert (result['trusted'] is False) == (result['trust']['why'] != [])
    judged = requests['ok'] + requests['failed'] >= 100 * result['plan']['connections']
    assert judged or not result['trusted']
    assert sum(count for _, count in result['histogram']['latency_us']) == requests['ok']
    values = [value for value, _ in result['histogram']['latency_us']]
    assert values == sorted(set(values))
    assert result['elapsed_s'] >= 0
    if requests['ok'] and result['elapsed_s'] > 0:
        rate = requests['ok'] / result['elapsed_s']
        assert abs(result['rate']['requests_per_s'] - rate) <= 0.01 * rate
    assert re.fullmatch(r'[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z', result['started'])


def check_over_time(result):
    """The steps lie side by side from the beginning, and add up to the whole."""
    steps = result['over_time']
    for kind in ('ok', 'failed'):
        assert sum(step[kind] for step in steps) == result['requests'][kind]
    assert len(steps) == max(0, len(result['timeline']) - 1)
    for before, step in zip([{'to_s': 0}, *steps], steps):
        assert before['to_s'] == step['from_s'] <= step['to_s']
        times = step['latency_us']
        assert (times is None) == (step['ok'] == 0)
        if times is not None:
            assert list(times) == ['p50', 'p90', 'p99', 'max']
            assert list(times.values()) == sorted(times.values())
            assert times['max'] <= 1.01 * result['latency_us']['max'] + 1


def check_times(times):
    ordered = [times[name] for name in PERCENTILES]
    assert ordered == sorted(ordered), times
    if times['count']:
        # a histogram keeps three significant digits
        assert times['min'] * 0.998 - 1 <= times['mean'] <= times['max'] * 1.002 + 1
        assert times['stdev'] >= 0


class Wrong:
    """A server on a thread of its own for each connection, whose replies are given by the test.

    `reply` is called with the socket and the number of the request, from 0; it sends what it
    likes and returns whether the connection goes on. Bytes stand for sending these and going on. A
    listener that is given is closed in the end. `tls`: whether it speaks TLS, or by which context.
    """

    def __init__(self, reply, host='127.0.0.1', listener=None, tls=TLS):
        self.reply = reply if callable(reply) else sends(reply)
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self.listener = listener or socket.create_server((host, 0), family=family, backlog=512)
        self.port = self.listener.getsockname()[1]
        self.context = certificates.served_with(tls)
        scheme = 'https' if self.context else 'http'
        self.url = f'{scheme}://[{host}]:{self.port}' if ':' in host else f'{scheme}://{host}:{self.port}'
        self.heads, self.bodies = [], []
        self.connections = 0
        self._lock = threading.Lock()
        self._open = set()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()  # lest it accepts from what gets the listener's number next
        self.listener.close()
        with self._lock:
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            if self.context:
                connection = TlsServed(connection, self.context)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b''
        try:
            while True:
                while b'\r\n\r\n' not in buffer:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, _, buffer = buffer.partition(b'\r\n\r\n')
                length = re.search(rb'(?i)\r\ncontent-length: *([0-9]+)', head)
                while length and len(buffer) < int(length[1]):
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                with self._lock:
                    number = len(self.heads)
                    self.heads.append(head)
                    self.bodies.append(buffer[:int(length[1])] if length else b'')
                buffer = buffer[int(length[1]):] if length else buffer
                if not self.reply(connection, number):
                    return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def sends(*pieces, then='go on', pause=0.0):
    """A reply for Wrong: these pieces, and then 'go on', 'close', 'reset' or 'stall'."""
    def reply(connection, _):
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)
            connection.sendall(piece)
        if then == 'stall':
            while connection.recv(65536):
                pass
        if then == 'reset':
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        return then == 'go on'
    return reply


def whole(body=b'hello', status='200 OK', *fields):
    """A well-formed reply."""
    lines = [f'HTTP/1.1 {status}', f'Content-Length: {len(body)}', *fields]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def quick(connection, number):
    time.sleep(0.002)
    connection.sendall(whole())
    return True


class Held:
    """Replies at once to so many requests, and to the others when it is released: what is shown
    meanwhile is there to be read for as long as that takes."""

    def __init__(self, count, reply=quick):
        self.count, self.reply = count, reply
        self._released = threading.Event()

    def __call__(self, connection, number):
        if number >= self.count:
            self._released.wait()
        return self.reply(connection, number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def release(self):
        self._released.set()
