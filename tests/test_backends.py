"""Backends: who works, and what a process does with the memory that arrays give back."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from threading import Event, active_count, current_thread
from types import SimpleNamespace

import numpy as np
import pytest

import simulate
from simulate.backends import BACKENDS
from simulate.backends._carried import done
from simulate.conditions import questions
from simulate.distributions import ParameterError
from simulate.errors import Fault
from simulate.folding import fold_replicates
from simulate.machine import processors
from simulate.priors import load_priors
from simulate.replicates import Workers
from simulate.runs.drivers import Drivers
from simulate.runs.run import folded
from simulate.sampling.sampler import CHUNK, REPLICATES
from simulate.scenarios import PIECE, Drawing, Piece
from simulate.statistics import usual
from simulate.summary import WEIGHT
from simulate.units import UnitError

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


def test_threads_have_ended_when_their_results_are_taken():
    """So that those of the next work take up their memory."""
    before = active_count()
    for _ in range(20):
        assert [*BACKENDS["threads"](lambda task, _: task, range(4), 2, iter)] == [0, 1, 2, 3]
        assert active_count() == before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the options are glibc's")
def test_freed_memory_is_kept():
    """Of 20 times 2,048 pages hardly one comes anew; without the options most do."""
    assert printed(FAULTS, "keep") < 2000 < printed(FAULTS, "leave")


# ---------------------------------------------------------------------------------------------------------
# Processes

LONG = pytest.mark.long
CPU = ["serial", "threads", "forks", "processes"]
OTHERS = CPU[2:]

SMALL = """
model = "none"
[run]
seed = 5
[priors]
a = { dist = "normal", mean = 10, sd = 3 }
b = { dist = "lognormal", p5 = 1, p95 = 20 }
c = { dist = "choice", values = [1, 2, 5], weights = [5, 3, 2] }
[correlations]
a.b = 0.4
[quantities]
total = { formula = "a + b" }
few = { formula = "c * c" }
root = { formula = "sqrt(a - 8)" }
"""


def of_pieces(backend):
    """What a run keeps of a replicate that is two pieces, and what it tells meanwhile."""
    priors = load_priors(SMALL)
    settings = priors.run.asked(scenarios=PIECE * REPLICATES + 1)
    asked = questions(priors, ["root > 1"], ["total < 40"], ["few = 4 +- 5"])
    drawn = replace(Drawing({"": priors}, settings).scenarios("", ["total", "few", "root"], asked), replicates=1)
    assert [len(piece.chunks) for piece in drawn.pieces()] == [64, 1]
    told = []
    pool = Workers(backend, 2, lambda *step: told.append(step))
    drivers = Drivers(priors, drawn, ["total"], ["total", "few", "root"])
    found = folded(drawn, ["total", "few", "root"], usual([5, 50, 95]), pool, drivers.sample)
    return found, told, sum(map(drawn.steps, drawn.pieces()))


@pytest.mark.parametrize("backend", OTHERS)
def test_pieces_give_the_same_bits_in_other_processes(backend):
    (found, told, steps), (here, told_here, _) = map(of_pieces, (backend, "serial"))
    assert told_here == [("scenarios", done, steps) for done in range(1, steps + 1)]
    assert told == [("scenarios", done, steps) for done in (16, 17)]  # as each ends
    assert found.kept == here.kept
    assert found.first == here.first
    for key, band in here.bands.items():
        for name in band.statistics:
            assert np.array_equal(band.value(name), found.bands[key].value(name), equal_nan=True)
    for ours, theirs in zip(here.sampled[0], found.sampled[0], strict=True):
        assert ours.moved["total"].tobytes() == theirs.moved["total"].tobytes()
    (kept,), count = here.kept, here.bands["few"].summary.count
    assert kept.drawn == 65 * CHUNK
    assert count / WEIGHT == pytest.approx(kept.total, rel=1e-9)
    assert 0 < here.bands["root"].summary.nonfinite < kept.kept
    assert here.bands["root"].summary.effective < kept.effective < kept.kept


@pytest.mark.parametrize("backend", CPU)
@pytest.mark.parametrize("pieces", [1, 3])
def test_replicates_are_put_together_of_their_pieces_in_order(backend, pieces):
    """A mean is that of the pieces, what is joined stands in order, and keys come back as themselves."""
    key = object()
    cuts = [Piece(replicate, range(place, place + 1)) for replicate in range(4) for place in range(pieces)]
    each = {"replicates": 4, "count": 100 * len(cuts), "size": 100, "at_once": 100, "are_few": False}
    drawn = SimpleNamespace(pieces=lambda _: cuts, steps=lambda _: 1, pilot=cuts.__getitem__, **each)
    statistics, taken = usual([50]), []

    def work(gathering, piece, ticks):
        for _ in ticks(range(1)):
            column = np.arange(100.0) + 1000 * piece.replicate + 100 * piece.chunks.start
            gathering.add(key, column, 100)
        return [piece]

    def take(parts, joined):
        taken.append((parts[key].summary.mean, parts[key].summary.count, joined))

    pool = Workers(backend, 2)
    fold_replicates(work, drawn, take, keys=[key], statistics=statistics, workers=pool, join=list.extend)
    middle = (100 * pieces - 1) / 2
    assert taken == [
        (1000 * number + middle, 100 * pieces, [piece for piece in cuts if piece.replicate == number])
        for number in range(4)
    ]


def carried(work, tasks=range(3), backend="processes"):
    """What worker processes make of tasks."""
    return Workers(backend, 2).map(work, tasks, what="", scenarios=0)


@pytest.mark.parametrize("backend", OTHERS)
def test_an_error_of_the_work_comes_back_as_it_is(backend):
    fault = Fault("is wrong; mend it", "file.toml", 3, key="a.b", code="unit")

    def work(task):
        raise (UnitError(fault) if task == 1 else ParameterError("sd", "is negative", alone=True))

    with pytest.raises(ParameterError, match=r"^is negative$") as told:
        carried(work, backend=backend)
    assert (told.value.key, told.value.alone, told.value.code) == ("sd", True, "parameter")
    with pytest.raises(UnitError) as told:
        carried(work, [1], backend)
    assert told.value.faults == (fault,)


@pytest.mark.parametrize("backend", OTHERS)
def test_warnings_of_the_work_are_those_of_whoever_waits(backend):
    def work(task):
        warnings.warn(f"task {task}", UserWarning, stacklevel=1)
        return task

    with pytest.warns(UserWarning, match="task") as told:
        assert carried(work, backend=backend) == [0, 1, 2]
    assert [str(each.message) for each in told] == ["task 0", "task 1", "task 2"]
    with pytest.raises(UserWarning, match="task 0"):  # where warnings are errors
        carried(work, backend=backend)


@pytest.mark.parametrize("backend", OTHERS)
def test_whole_numbers_come_back_as_they_are_and_take_no_more_room_than_they_need(backend):
    sent = [np.array(values, np.int64) for values in ([], [0, 255], [0, 256], [2**62, 3], [-1, 5], [[1], [2]])]
    for ours, theirs in zip(sent, carried(sent.__getitem__, range(len(sent)), backend), strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)
    assert len(done(lambda *_: np.full(1000, 255), 0, {})) < 1500 < len(done(lambda *_: np.full(1000, -1), 0, {}))


def test_copies_hold_what_this_process_holds_and_end_with_the_work():
    """What cannot be carried, too."""
    held, gate = [Event()], Event()
    held[0].set()
    found = carried(lambda task: (task, os.getpid(), held[0].is_set(), gate.is_set()), range(20), "forks")
    assert [task for task, *_ in found] == [*range(20)]
    assert {(set_, unset) for *_, set_, unset in found} == {(True, False)}
    pids = {pid for _, pid, *_ in found}
    assert len(pids - {os.getpid()}) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_copies_are_ended_when_nobody_takes_more():
    results = BACKENDS["forks"](lambda task, _: os.getpid() if task == 0 else time.sleep(60), range(4), 2, iter)
    pid = next(results)
    begin = time.monotonic()
    results.close()
    assert time.monotonic() - begin < 30
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_loads_the_work_once_and_has_one_thread():
    loaded = Loaded()
    found = carried(lambda _: (os.getpid(), loaded.times(), os.environ["OMP_NUM_THREADS"]), range(8))
    assert os.getpid() not in {pid for pid, _, _ in found}
    assert {times for _, times, _ in found} == {1}
    assert {threads for _, _, threads in found} == {"1"}
    again = carried(lambda _: os.getpid(), range(8))  # the same processes
    assert {pid for pid, _, _ in found} >= set(again)


class Loaded:
    """How often it was loaded in a process."""

    def __setstate__(self, state):
        Loaded.count = getattr(Loaded, "count", 0) + 1

    def __getstate__(self):
        return {"some": 1}

    def times(self):
        return Loaded.count


def session(pid):
    """The processes of a session that are no zombies."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = path.read_text().rpartition(")")
        except OSError:  # it has ended
            continue
        state, parent, _, of = rest.split()[:4]
        if int(of) == pid and state != "Z":
            found[int(path.parent.name)] = int(parent)
    return found


def started(folder, backend, *command):
    """A command in a session of its own, and its workers, as soon as they work."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "simulate", *command, "--backend", backend, "--workers", "2", "--no-save"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
    deadline = time.monotonic() + 60
    workers = []
    while len(workers) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        there = session(process.pid)
        if backend == "forks":
            workers = [pid for pid, parent in there.items() if parent == process.pid]
        else:
            workers = [pid for pid in there if "popen_loky" in command_line(pid)]
    return process, workers


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart by Linux's /proc")
@pytest.mark.parametrize("sent", ["worker", signal.SIGINT, signal.SIGKILL, pytest.param(signal.SIGTERM, marks=LONG)])
@pytest.mark.parametrize("after", [0, pytest.param(3, marks=LONG)])
@pytest.mark.parametrize("backend", OTHERS)
def test_nothing_is_left_of_a_run_that_is_ended(tmp_path, sent, after, backend):
    """Neither a process nor a file, whoever is ended: a worker, which is one line, or the run."""
    priors = tmp_path / "priors.toml"
    priors.write_text(SMALL)
    process, workers = started(tmp_path, backend, "run", str(priors), "--scenarios", "1e9")
    time.sleep(after)
    if sent == "worker":
        os.kill(workers[0], signal.SIGKILL)
    elif sent == signal.SIGINT:  # Ctrl-C goes to all
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == {"worker": 2, signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[sent]
    if sent == "worker":
        assert err.startswith("a worker process has been killed or has crashed; ")
    if sent != signal.SIGKILL:  # after which a worker that is just starting tells that nobody tells it what to do
        assert (out, err.count("\n")) == ("", sent == "worker")
    deadline = time.monotonic() + 10
    while session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert session(process.pid) == {}
    assert [*tmp_path.iterdir()] == [priors]
    for pid in (process.pid, *workers):  # others run processes too
        assert not [*Path("/dev/shm").glob(f"*loky-{pid}-*")]


SCRIPT = """
import simulate
text = 'model = "none"\\n[priors]\\na = { value = 3 }\\n[quantities]\\nb = { formula = "2 * a" }'
print(float(simulate.run(text, scenarios=16, quantities=["b"], backend="processes", workers=1)["mean"][0]))
"""


def test_a_script_needs_no_guard_of_its_main_module(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "random.py").write_text("raise SystemExit('a module of the working directory')")
    environment = {**os.environ, "PYTHONPATH": str(Path(simulate.__file__).parents[1])}
    command = [sys.executable, "-P", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "6.0\n", "")
