"""What tests/run does when it is interrupted."""

import os

from support import suites
from support.programs import wait_until


class Script(suites.Job):
    """A job of the shell: it says "ready", and then what it is told to do."""

    def __init__(self, folder, text):
        super().__init__('house', 'none', [])
        self.folder, self.log, self.text = folder, folder / 'log.txt', text

    def command(self):
        return ['sh', '-c', self.text]

    def report(self):
        return self.folder / 'report.xml'

    def says(self, word):
        return self.log.exists() and word in self.log.read_text().split()


def run_until_ready(jobs):
    crew = suites.Crew(len(jobs) - 1)
    crew.add(jobs)
    assert wait_until(lambda: len(crew.groups()) == len(jobs) - 1 and
                      all(job.says('ready') for job in jobs[:-1]))
    return crew


def ends(group):
    def is_empty():
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False
    return wait_until(is_empty)


def test_interrupted_jobs_end_what_they_began(tmp_path):
    """As a terminal would: with time to clean up; and what has not begun does not."""
    jobs = [Script(tmp_path / str(i), 'trap "echo bye; exit 0" INT; echo ready; sleep 600 & wait')
            for i in range(3)]
    crew = run_until_ready(jobs)
    groups = crew.groups()
    crew.stop()
    assert all(job.done and job.says('bye') for job in jobs[:-1])
    assert not jobs[-1].done and not jobs[-1].log.exists()
    assert all(ends(group) for group in groups)


def test_jobs_that_do_not_hear_are_ended_too(tmp_path, monkeypatch):
    monkeypatch.setattr(suites, 'STOP_S', 0.2)
    jobs = [Script(tmp_path / str(i), 'trap "" INT; echo ready; sleep 600') for i in range(2)]
    crew = run_until_ready(jobs)
    group, = crew.groups()
    crew.stop()
    assert jobs[0].done and ends(group)
