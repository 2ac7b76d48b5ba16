"""What a server tells its administrator: metrics, by the parser of those who read them, and lines of
its access log."""

import json
import re

from prometheus_client.parser import text_string_to_metric_families

from support.http import Connection, get
from support.programs import wait_until

COMBINED = re.compile(
    r'(?P<client>\S+) - - \[(?P<time>[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}(?::[0-9]{2}){3} \+0000)\] '
    r'"(?P<request>[^"]*)" (?P<status>[1-5][0-9]{2}) (?P<bytes>[0-9]+) '
    r'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)" (?P<time_us>[0-9]+) (?P<connection>[0-9]+) '
    r'(?P<number>[0-9]+)')


def admin_connect(server, **how):
    """A connection to the admin listener."""
    where = re.search(r'^admin on http://(\S+):([0-9]+)/$', server.stdout, re.MULTILINE)
    assert where, server.stdout
    return Connection((where[1].strip('[]'), int(where[2])), **how)


def admin_get(server, path, *fields):
    with admin_connect(server) as connection:
        return connection.send(get(path, *fields)).reply()


class Metrics:
    """Everything that /metrics says at one moment."""

    def __init__(self, server):
        reply = admin_get(server, '/metrics')
        assert reply.status == 200
        assert reply['Content-Type'].startswith('text/plain; version=0.0.4')
        self.text = reply.body.decode('ascii')
        self.families = list(text_string_to_metric_families(self.text))
        self.samples = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                        for family in self.families for sample in family.samples}

    def value(self, name, **labels):
        """A counter that has no such label yet is 0."""
        return self.samples.get((f'cristo_{name}', tuple(sorted(labels.items()))), 0)

    def limit(self, name):
        assert ('cristo_limits_total', (('limit', name),)) in self.samples
        return self.value('limits_total', limit=name)


def comes_to(server, expected, name, **labels):
    """Asserts that a metric becomes this, from below or from above, and stays it."""
    wait_until(lambda: Metrics(server).value(name, **labels) == expected)
    assert Metrics(server).value(name, **labels) == expected


def log_lines(path, count, seconds=15):
    """The lines of a log, once there are so many; more are too many. Every one is whole."""
    def enough():
        text = path.read_text('ascii') if path.exists() else ''
        return text if text.count('\n') >= count else None
    text = wait_until(enough, seconds)
    assert text is not None, f'not {count} lines:\n{path.read_text("ascii")[-2000:]}'
    assert text.endswith('\n')
    lines = text.splitlines()
    assert len(lines) == count, f'{len(lines)} lines:\n{text[-2000:]}'
    return lines


def combined(lines):
    """Reads them, in the order of their requests: every core has a ring of its own, and nothing is
    promised of the order among those. Asserts that they have the form."""
    read = [COMBINED.fullmatch(line) for line in lines]
    assert all(read), [line for line, match in zip(lines, read) if not match][:5]
    return sorted(read, key=lambda line: (int(line['connection']), int(line['number'])))


def objects(lines):
    """Likewise."""
    return sorted(map(json.loads, lines), key=lambda line: (line['connection'], line['request']))
