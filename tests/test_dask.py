"""The backend of many machines: a scheduler that is there or is not, its workers, and a cluster of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import distributed
import numpy as np
import pytest

import simulate
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.runs import run

TEXT = """
model = "none"
[priors]
a = { dist = "normal", mean = 10, sd = 3 }
b = { dist = "lognormal", p5 = 1, p95 = 20 }
[quantities]
total = { formula = "a + b" }
root = { formula = "sqrt(a - 8)" }
"""
ASKED = {"scenarios": 2**16, "given": ["total < 40"], "observe": ["a = 11 +- 1"], "probability": ["root > P50"]}
PACKAGE = Path(simulate.__file__).parent
HERE = {"processes": False, "protocol": "tcp://", "dashboard_address": ":0", "silence_logs": 50}


@pytest.fixture(scope="module")
def scheduler():
    """A scheduler with two workers that are threads of this process."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **HERE) as cluster:
        yield cluster.scheduler_address


def test_the_workers_of_a_scheduler_give_the_same_bits(scheduler):
    priors, told = load_priors(TEXT), []
    here = run(priors, backend="serial", **ASKED)
    there = run(priors, scheduler=scheduler, progress=lambda *step: told.append(step), **ASKED)
    for name in here.figures():
        assert np.array_equal(here[name], there[name], equal_nan=True), name
    assert there.provenance == here.provenance
    assert told[-1] == ("scenarios", 16, 16)


def test_an_error_of_the_work_is_told_as_it_is(scheduler):
    text = TEXT + '[choices.one]\npriors.a = { dist = "normal", mean = 9, sd = 3 }\n[choices.two]\n'
    asked = {"quantities": ["total"], "given": ["a < 10"], "scenarios": 2**10}
    with pytest.raises(SimulateError, match="holds in other scenarios of choice two than of choice one"):
        simulate.decide(text, scheduler=scheduler, **asked)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"scheduler": "tcp://127.0.0.1:1"},
            r"^--scheduler tcp://127.0.0.1:1: no scheduler answers there; start one by",
        ),
        ({"scheduler": "127.0.0.1:1"}, r'^scheduler: must be an address such as tcp://host:8786, not "127.0.0.1:1"$'),
        (
            {"scheduler": "tcp://127.0.0.1:1", "backend": "threads"},
            r"^--scheduler: is for the backend dask, not threads; leave out one of the two$",
        ),
    ],
)
def test_a_scheduler_that_is_not_there_is_one_line(asked, told):
    with pytest.raises(SimulateError, match=told):
        run(load_priors(TEXT), scenarios=16, **asked)


def test_a_scheduler_without_workers_is_one_line():
    with distributed.LocalCluster(n_workers=0, **HERE) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(SimulateError, match=f"^--scheduler {address}: has no worker; start some by dask worker"):
            run(load_priors(TEXT), scenarios=16, scheduler=address)


def test_without_dask_it_is_one_line_that_says_how_to_install_it():
    script = "import sys; sys.modules['distributed'] = None\nfrom simulate.cli import main\nmain()"
    command = [sys.executable, "-c", script, "run", "gpt-3", "--scenarios", "16", "--backend", "dask", "--no-save"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    mend = "install it by pip install 'llm-cost-simulate[distributed]', or choose another --backend"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"--backend dask: dask is not installed; {mend}\n"


def session(pid):
    """The processes of a session that are no zombies, with their command lines."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = path.read_text().rpartition(")")[2].split()[:4]
            line = (path.parent / "cmdline").read_text()
        except OSError:  # it has ended
            continue
        if int(of) == pid and state != "Z":
            found[int(path.parent.name)] = line
    return found


@pytest.mark.long
@pytest.mark.parametrize("sent", ["worker", signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_cluster_of_its_own_loses_workers_for_nothing_but_time_and_is_gone_with_the_run(tmp_path, sent):
    count = "4e7" if sent == "worker" else "1e9"
    asked = ["run", "base", "--scenarios", count, "--quantities", "capex", "--no-save", "--format", "csv"]
    command = [sys.executable, "-m", "simulate", *asked, "--backend", "dask", "--workers", "2"]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, start_new_session=True, env=environment, **piped)
    workers, deadline = [], time.monotonic() + 120
    while len(workers) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        workers = [pid for pid, line in session(process.pid).items() if "spawn_main" in line]
    time.sleep(5)
    if sent == "worker":
        os.kill(workers[0], signal.SIGKILL)
    elif sent == signal.SIGINT:  # Ctrl-C goes to all
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    out, err = process.communicate(timeout=600)
    assert process.returncode == {"worker": 0, signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[sent]
    if sent == "worker":
        here = subprocess.run([sys.executable, "-m", "simulate", *asked], capture_output=True, text=True, check=True)
        assert (out, err) == (here.stdout, here.stderr)
    deadline = time.monotonic() + 60
    while session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert session(process.pid) == {}
    if sent != signal.SIGKILL:
        assert sent == "worker" or err == ""
        assert [*tmp_path.iterdir()] == []


@pytest.mark.long
def test_a_worker_with_another_version_is_refused(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "simulate", ignore=shutil.ignore_patterns("__pycache__"))
    face = tmp_path / "simulate" / "__init__.py"
    face.write_text(re.sub(r'__version__ = ".*"', '__version__ = "0.0.1"', face.read_text()))
    with distributed.LocalCluster(n_workers=0, **HERE) as cluster:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--no-dashboard"]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        worker = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
        try:
            with pytest.raises(
                SimulateError, match=r"has simulate 0\.0\.1, .*; here are simulate .*: install the same"
            ):
                run(load_priors(TEXT), scenarios=16, scheduler=cluster.scheduler_address)
        finally:
            worker.terminate()
            worker.wait(60)
