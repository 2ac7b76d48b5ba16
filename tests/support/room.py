"""Whether this machine has room for what a test wants much of. Each says why not, or None."""

import os
import pathlib

from support.programs import SANITIZER, raise_descriptor_limit

BESIDE = 500  # threads that others may begin meanwhile


def read(path):
    try:
        return pathlib.Path(path).read_text(encoding='ascii')
    except OSError:
        return ''


def no_descriptors(count):
    """For one process."""
    hard = raise_descriptor_limit()
    return None if hard >= count else f'the hard limit of descriptors is {hard} (ulimit -Hn)'


def no_threads(count):
    """All together: of whom they are does not matter to the machine."""
    there = int(read('/proc/loadavg').split()[3].split('/')[1])
    for path in ('/sys/fs/cgroup/pids.max', '/proc/sys/kernel/pid_max',
                 '/proc/sys/kernel/threads-max'):
        most = read(path).strip()
        if most.isdigit() and int(most) < there + count + BESIDE:
            return f'{path} is {most}, and {there} threads are there already'
    maps = int(read('/proc/sys/vm/max_map_count') or 65530)
    return None if maps > 2 * count + BESIDE else f'vm.max_map_count is {maps}'


def no_memory(megabytes):
    """Left for new work."""
    lines = dict(line.split(':') for line in read('/proc/meminfo').splitlines())
    free = int(lines['MemAvailable'].split()[0]) // 1024
    return None if free >= megabytes else f'{free} MB of memory are free'


def no_room(connections, threads, megabytes):
    """For a process that holds so many connections, with as much beside them as a server has, and
    for so many threads and so much memory in all."""
    if SANITIZER != 'none':
        return f'{SANITIZER} sanitizer: slower and larger'
    return no_descriptors(connections + 700) or no_threads(threads) or no_memory(megabytes)
