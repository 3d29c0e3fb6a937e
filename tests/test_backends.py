"""Backends: who works, and what a process does with the memory that arrays give back."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from threading import Event, active_count, current_thread

import pytest

from simulate.backends import BACKENDS
from simulate.machine import processors

ONE_PROCESSOR = """
import os
from simulate.machine import processors
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(processors())
"""
# a chunk's arrays, made and given back; pages that come anew are faults
FAULTS = """
import resource, sys
import numpy as np
from simulate.machine import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    return len([np.ones(2**20) for _ in range(20)])
work()
before = faults()
work()
print(faults() - before)
"""


def printed(script, *arguments):
    command = [sys.executable, "-c", script, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process to processors")
def test_as_many_processors_as_the_process_may_use():
    assert processors() == len(os.sched_getaffinity(0))
    assert printed(ONE_PROCESSOR) == 1


def test_serial_work_is_done_by_the_thread_that_waits():
    def threads(backend):
        return set(BACKENDS[backend](lambda _task, _ticks: current_thread(), range(3), 2, iter))

    assert threads("serial") == {current_thread()}
    assert current_thread() not in threads("threads")


def test_tasks_not_begun_are_dropped_when_nobody_takes_more():
    begun, gate, before = [], Event(), active_count()

    def work(task, _ticks):
        begun.append(task)
        assert task == 0 or gate.wait(10)
        return task

    results = BACKENDS["threads"](work, range(20), 2, iter)
    assert next(results) == 0
    results.close()
    gate.set()
    deadline = time.monotonic() + 10
    while active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert active_count() <= before
    assert len(begun) <= 3


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the options are glibc's")
def test_freed_memory_is_kept():
    """Of 20 times 2,048 pages hardly one comes anew; without the options most do."""
    assert printed(FAULTS, "keep") < 2000 < printed(FAULTS, "leave")
