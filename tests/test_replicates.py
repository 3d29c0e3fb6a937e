"""The one loop: results in order, progress to the end, and an end at the next step."""

from __future__ import annotations

import time
from threading import Event, current_thread

import pytest

from simulate.errors import SimulateError
from simulate.replicates import Stopped, Workers

every_number = pytest.mark.parametrize("threads", [1, 2, 5])


def folded(workers, work, tasks, *, steps=1, take=None):
    """What is taken of the tasks."""
    taken = []
    workers.fold(work, tasks, take or taken.append, what="work", steps=steps)
    return taken


@every_number
def test_results_come_in_the_order_of_the_tasks(threads):
    def work(task, ticks):
        for _ in ticks(range(1)):
            time.sleep(0.002 * (7 - task))  # the first takes longest
        return task

    assert folded(Workers(threads), work, range(8)) == list(range(8))


def test_tasks_are_worked_off_side_by_side():
    """Two tasks that wait for each other end only where two threads work."""
    met = [Event(), Event()]

    def work(task, ticks):
        for _ in ticks(range(1)):
            met[task].set()
            assert met[1 - task].wait(10)
        return current_thread().name

    assert len(set(folded(Workers(2), work, range(2)))) == 2


@every_number
def test_progress_rises_to_the_end(threads):
    told = []

    def work(task, ticks):
        return sum(ticks(range(task)))

    workers = Workers(threads, lambda *step: told.append(step))
    assert folded(workers, lambda task, ticks: (task, work(3, ticks)), range(10), steps=3) == [
        (task, 3) for task in range(10)
    ]
    assert told == [("work", done, 30) for done in range(1, 31)]


class _GoneError(Exception):
    pass


@pytest.mark.parametrize("gone", [_GoneError, KeyboardInterrupt])
def test_whoever_takes_no_more_stops_the_work_at_its_next_step(gone):
    begun, ended, steps = [], [], []

    def work(task, ticks):
        begun.append(task)
        try:
            for step in ticks(range(10_000 if task else 1)):
                steps.append(step)
                time.sleep(0.001)
        except Stopped:
            ended.append(task)
            raise
        return task

    def refuse(_):
        raise gone

    start = time.monotonic()
    with pytest.raises(gone):
        folded(Workers(3), work, range(20), take=refuse)
    assert time.monotonic() - start < 2
    deadline = time.monotonic() + 5
    while len(ended) < len(begun) - 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(ended) == sorted(set(begun) - {0})
    assert len(begun) < 20  # those not begun never are
    taken = len(steps)
    time.sleep(0.05)
    assert len(steps) == taken < 10_000


@every_number
def test_an_exception_in_the_work_is_raised_and_stops_the_others(threads):
    steps = []

    def work(task, ticks):
        for step in ticks(range(10_000)):
            if task == 1:
                raise _GoneError
            if task == 0 and step == 10:
                return task
            steps.append(task)
            time.sleep(0.001)
        return task

    taken = []
    with pytest.raises(_GoneError):
        folded(Workers(threads), work, range(20), take=taken.append)
    assert taken == [0]
    assert len(steps) < 10_000


@every_number
def test_an_interrupt_told_of_by_the_progress_ends_the_work(threads):
    """As Ctrl-C does: it reaches the thread that waits or works."""

    def interrupt(_what, done, _total):
        if done == 5:
            raise KeyboardInterrupt

    def work(task, ticks):
        for _ in ticks(range(1000)):
            time.sleep(0.001)
        return task

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        folded(Workers(threads, interrupt), work, range(8), steps=1000)
    assert time.monotonic() - start < 2


def test_ticks_go_on_only_while_somebody_waits():
    done, begun = [], []

    def work(task, ticks):
        steps = ticks(range(5))
        assert [next(steps), next(steps)] == [0, 1]
        assert len(done) == 1  # a step is done when the next is asked for
        begun.append(steps)
        return task

    assert folded(Workers(1, lambda *told: done.append(told)), work, [0], steps=5) == [0]
    with pytest.raises(Stopped):
        next(begun[0])
    assert len(done) == 2


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two", 5000])
def test_a_number_of_threads_that_is_none_is_refused(threads):
    with pytest.raises(SimulateError, match=r"^threads: must be "):
        Workers(threads)
