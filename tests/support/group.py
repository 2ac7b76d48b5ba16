"""A control group of processes, for programs that meet its limit."""

import os
import pathlib

import pytest


class Group:
    """A control group of processes whose number is limited."""

    def __init__(self):
        name = f'cristo-test-{os.getpid()}'
        for hierarchy in ('/sys/fs/cgroup/pids', '/sys/fs/cgroup'):
            self.path = pathlib.Path(hierarchy, name)
            try:
                self.path.mkdir()
            except OSError:
                continue
            if (self.path / 'pids.max').exists():
                return
            self.path.rmdir()
        pytest.skip('no control group that limits processes can be made here')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.path.rmdir()

    @property
    def name(self):
        """Of the limit."""
        return self.path / 'pids.max'

    def limit(self, count):
        self.name.write_text(str(count))

    def enter(self):
        """This process, and those that it begins."""
        (self.path / 'cgroup.procs').write_text(str(os.getpid()))
