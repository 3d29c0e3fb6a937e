"""The one loop: results in order, progress to the end, and an end at the next step."""

from __future__ import annotations

import subprocess
import sys
import time
from threading import Event, current_thread

import numpy as np
import pytest

from simulate.errors import SimulateError
from simulate.folding import fold_replicates
from simulate.priors import load_priors
from simulate.replicates import FEW, LARGE, MANY, MANY_COPIED, MOST_THREADS, Stopped, Workers
from simulate.scenarios import Drawing

here = pytest.mark.parametrize(("backend", "workers"), [("serial", 1), ("threads", 2), ("threads", 5)])


def folded(workers, work, tasks, *, steps=1, take=None):
    """What is taken of the tasks."""
    taken = []
    workers.fold(work, tasks, take or taken.append, what="work", steps=lambda _: steps, scenarios=0)
    return taken


@here
def test_results_come_in_the_order_of_the_tasks(backend, workers):
    def work(task, ticks):
        for _ in ticks(range(1)):
            time.sleep(0.002 * (7 - task))  # the first takes longest
        return task

    assert folded(Workers(backend, workers), work, range(8)) == list(range(8))


def test_tasks_are_worked_off_side_by_side():
    """Two tasks that wait for each other end only where two threads work."""
    met = [Event(), Event()]

    def work(task, ticks):
        for _ in ticks(range(1)):
            met[task].set()
            assert met[1 - task].wait(10)
        return current_thread().name

    assert len(set(folded(Workers("threads", 2), work, range(2)))) == 2


@here
def test_progress_rises_to_the_end(backend, workers):
    told = []

    def work(task, ticks):
        return sum(ticks(range(task)))

    pool = Workers(backend, workers, lambda *step: told.append(step))
    assert folded(pool, lambda task, ticks: (task, work(3, ticks)), range(10), steps=3) == [
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
        folded(Workers("threads", 3), work, range(20), take=refuse)
    assert time.monotonic() - start < 2
    deadline = time.monotonic() + 5
    while len(ended) < len(begun) - 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(ended) == sorted(set(begun) - {0})
    assert len(begun) < 20  # those not begun never are
    taken = len(steps)
    time.sleep(0.05)
    assert len(steps) == taken < 10_000


@here
def test_an_exception_in_the_work_is_raised_and_stops_the_others(backend, workers):
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
        folded(Workers(backend, workers), work, range(20), take=taken.append)
    assert taken == [0]
    assert len(steps) < 10_000


@here
def test_an_interrupt_told_of_by_the_progress_ends_the_work(backend, workers):
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
        folded(Workers(backend, workers, interrupt), work, range(8), steps=1000)
    assert time.monotonic() - start < 2


def test_ticks_go_on_only_while_somebody_waits():
    done, begun = [], []

    def work(task, ticks):
        steps = ticks(range(5))
        assert [next(steps), next(steps)] == [0, 1]
        assert len(done) == 1  # a step is done when the next is asked for
        begun.append(steps)
        return task

    assert folded(Workers("serial", None, lambda *told: done.append(told)), work, [0], steps=5) == [0]
    with pytest.raises(Stopped):
        next(begun[0])
    assert len(done) == 2


@pytest.mark.parametrize("workers", [0, -1, 1.5, "two", 5000])
def test_a_number_of_workers_that_is_none_is_refused(workers):
    with pytest.raises(SimulateError, match=r"^workers: must be "):
        Workers(workers=workers)


def test_a_backend_that_there_is_not_is_refused_beside_all_else():
    told = r"^backend: there is no backend 'thread'; did you mean threads\?\nworkers: must be"
    with pytest.raises(SimulateError, match=told):
        Workers("thread", 0)


@pytest.mark.parametrize(
    ("asked", "tasks", "scenarios", "chosen"),
    [
        ({}, 1, MANY, ("serial", 1)),
        ({"workers": 1}, 16, MANY, ("serial", 1)),
        ({"workers": 16}, 16, FEW, ("serial", 1)),
        ({"workers": 16}, 16, MANY_COPIED - 1, ("threads", MOST_THREADS)),
        ({"workers": 2}, 16, MANY_COPIED - 1, ("threads", 2)),
        ({"workers": 16, "backend": "threads"}, 96, MANY, ("threads", 16)),
        ({"workers": 16, "backend": "processes"}, 96, FEW, ("processes", 16)),
    ],
)
def test_the_backend_is_chosen_by_the_work_where_none_is_asked_for(asked, tasks, scenarios, chosen):
    assert Workers(**asked).chosen(tasks, scenarios) == chosen


CHOICES = """
import sys, threading
from simulate.replicates import LARGE, MANY, MANY_COPIED, Workers
if "thread" in sys.argv:
    gate = threading.Event()
    threading.Thread(target=gate.wait, daemon=True).start()
for workers, tasks, scenarios in ((2, 16, MANY_COPIED), (16, 8, MANY_COPIED), (2, 16, MANY - 1), (16, 16, MANY)):
    print(*Workers(workers=workers).chosen(tasks, scenarios), Workers(workers=2).chosen(16, scenarios, at_once=1)[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there is a process copied")
@pytest.mark.parametrize(
    ("thread", "chosen"),
    [
        ("", ["forks 2 forks", "forks 8 forks", "forks 2 forks", "forks 16 forks"]),
        ("thread", ["threads 2 serial", "threads 4 serial", "threads 2 serial", "processes 16 processes"]),
    ],
)
def test_long_runs_are_left_to_copies_of_a_process_of_one_thread_and_to_other_processes_of_one_of_several(
    thread, chosen
):
    done = subprocess.run([sys.executable, "-c", CHOICES, thread], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == chosen


@pytest.mark.parametrize(
    ("asked", "scenarios", "chosen"),
    [({}, MANY_COPIED - 1, "serial"), ({"backend": "threads"}, MANY_COPIED - 1, "threads")],
)
def test_many_small_calls_are_left_to_one_thread(asked, scenarios, chosen):
    assert Workers(workers=2, **asked).chosen(16, scenarios, at_once=LARGE - 1)[0] == chosen


@pytest.mark.parametrize(("scenarios", "chosen"), [(2**19, {"serial"}), (2**20, {"threads", "forks"})])
def test_runs_take_several_workers_from_whole_blocks_on(scenarios, chosen):
    told = []

    class Choosing(Workers):
        def fold(self, _work, tasks, _take, *, scenarios, at_once, **_):
            told.append(self.chosen(len(tasks), scenarios, at_once=at_once)[0])

    priors = load_priors(
        'model = "none"\n[priors]\na = { dist = "uniform", lower = 0, upper = 1 }\n[quantities]\nb.formula = "2 * a"'
    )
    drawn = Drawing({"": priors}, priors.run).scenarios("", ["b"], count=scenarios)
    fold_replicates(lambda *_: None, drawn, told.append, keys=(), statistics=(), workers=Choosing(workers=2))
    assert len(chosen.intersection(told)) == len(told) == 1


@pytest.mark.parametrize(("backend", "chosen"), [("processes", "threads"), (None, "threads"), ("serial", "serial")])
def test_what_is_at_hand_is_not_carried_to_other_processes(backend, chosen):
    assert Workers(backend, 2).chosen(16, MANY, here=True)[0] == chosen


def test_floats_are_checked_as_whoever_asks_has_them_checked():
    def work(_task, ticks):
        return [np.geterr()["over"] for _ in ticks(range(1))]

    with np.errstate(over="raise"):
        assert folded(Workers("threads", 2), work, range(3)) == [["raise"]] * 3
