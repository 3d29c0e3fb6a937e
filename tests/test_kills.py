"""Runs ended by a signal, at any moment or while they replace a result: a sample, or the count in benchmarks/long.md.

A folder holds the result of the run before or of this one, whole, and what is the user's own.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from simulate.results.folder import read_run

# 0: it was over before; -15: it had not begun, or had ended, and Python has its own answer
ENDS = {signal.SIGINT: {0, 130, -2}, signal.SIGTERM: {0, 143, -15}, signal.SIGKILL: {0, -9}}
OWN = 400  # files of the user's, which make a replacement last
COUNTS = [range(3), pytest.param(range(3, 203), marks=pytest.mark.long)]


def started(folder, seed, *options, command=("run", "priors/base.toml")):
    # the line before main tells that Python itself, whose own answer to a signal is another, has started; what a shell
    # starts in the background, such as these tests, ignores SIGINT, and so would what it starts
    heeded = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{heeded}; from simulate.cli import main; print('up', flush=True); main()"
    arguments = [*command, *options, "--seed", str(seed), "--format", "csv", "--out", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    return process


def contents(folder):
    """The files, those of stores too, without what a kill has left unfinished."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(".writing-")}


def finished(process):
    process.communicate(timeout=120)
    return process.returncode


def ended(process, sent):
    """Whether a signal has ended a run, as it should."""
    _, err = process.communicate(timeout=60)
    assert process.returncode in ENDS[sent]
    assert "Traceback" not in err
    return process.returncode != 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What runs of two seeds write when nothing ends them: the first has pictures, the second draws."""
    folders = [tmp_path_factory.mktemp(f"seed-{seed}") for seed in (1, 2)]
    for seed, folder, options in zip((1, 2), folders, (["--pictures"], DRAWN), strict=True):
        assert finished(started(folder, seed, *options)) == 0
    before, after = map(contents, folders)
    assert before.keys() == {"result.nc", "percentiles.csv", "bands.png", "bands.svg"}
    assert {name.partition("/")[0] for name in after} == {"result.nc", "percentiles.csv", "draws.zarr"}
    return before, after


DRAWN = ("--scenarios", "4096", "--save-draws")


def filled(folder, before, *, own):
    folder.mkdir()
    for name, content in before.items():
        (folder / name).write_bytes(content)
    for number in range(own):
        (folder / f"own-{number}.txt").write_text(str(number))


@pytest.mark.parametrize("kills", COUNTS, ids=["few", "200"])
def test_a_run_that_is_ended_leaves_one_result(whole, tmp_path, kills):
    before, after = whole
    count = 0
    for kill in kills:
        chance, sent = random.Random(kill), list(ENDS)[kill % 3]
        folder = tmp_path / str(kill)
        filled(folder, before, own=0)
        process = started(folder, 2, *DRAWN)
        time.sleep(chance.uniform(0.01, 1.5))
        process.send_signal(sent)
        count += ended(process, sent)
        assert contents(folder) in (before, after)
        left = [*tmp_path.glob(".*")]
        assert sent == signal.SIGKILL or left == []
        for each in left:
            shutil.rmtree(each)
        shutil.rmtree(folder)
    assert count > len(kills) / 4


@pytest.mark.parametrize("way", ["exchanged", "moved"])
@pytest.mark.parametrize("kills", COUNTS, ids=["few", "200"])
def test_a_run_that_is_ended_while_it_replaces_a_result_leaves_one(whole, tmp_path, kills, way):
    """Where the folder has a folder in it, what a kill has broken off is completed by who reads the result."""
    before, after = whole
    own = {f"own-{number}.txt": str(number).encode() for number in range(OWN)}
    count = 0
    for kill in kills:
        chance, sent = random.Random(kill), list(ENDS)[2 - kill % 3]
        folder = tmp_path / str(kill)
        filled(folder, before, own=OWN)
        if way == "moved":
            (folder / "own").mkdir()
        process = started(folder, 2, *DRAWN)
        place, last = (folder if way == "moved" else tmp_path), "draws.zarr/.zmetadata"
        while process.poll() is None and not any(place.glob(f".writing-*/{last}")):
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(sent)
        count += ended(process, sent)
        read_run(folder)
        assert contents(folder) in ({**own, **before}, {**own, **after})
        if sent != signal.SIGKILL:
            assert [*place.glob(".*")] == []
        else:  # what it has left is removed by the next one
            assert finished(started(folder, 2, *DRAWN)) == 0
            assert contents(folder) == {**own, **after}
            assert not any(tmp_path.rglob(".[wr]*"))  # .writing-..., .replacing-...
        shutil.rmtree(folder)
    assert count > len(kills) / 4


LONG = """
model = "none"
[priors]
a = {dist = "lognormal", p5 = 1, p95 = 5, unit = "1"}
[quantities]
b = {formula = "a ** 2", unit = "1"}
"""


def saved(folder):
    """When a run has saved what it had found, 0 where it has not."""
    with suppress(FileNotFoundError):
        return (folder / "checkpoint.npz").stat().st_mtime_ns
    return 0


@pytest.mark.parametrize("kills", [range(1), pytest.param(range(1, 51), marks=pytest.mark.long)], ids=["few", "50"])
def test_a_run_that_is_ended_goes_on_to_the_same_bits(tmp_path, monkeypatch, kills):
    """Ended twice, by SIGKILL and by Ctrl-C, whenever it has saved something."""
    monkeypatch.setenv("SIMULATE_CHECKPOINT_SECONDS", "0")
    (tmp_path / "long.toml").write_text(LONG)
    command = ("run", str(tmp_path / "long.toml"), "--given", "b > P50", "--scenarios", str(2**21), "--workers", "1")
    assert finished(started(tmp_path / "undisturbed", 2, command=command)) == 0
    count = 0
    for kill in kills:
        chance, folder, resume = random.Random(kill), tmp_path / str(kill), []
        for sent in (signal.SIGKILL, signal.SIGINT)[:: 1 - 2 * (kill % 2)]:
            begun = saved(folder)
            process = started(folder, 2, *resume, command=command)
            resume = ["--resume"]
            while process.poll() is None and saved(folder) in {0, begun}:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(sent)
            count += ended(process, sent) and saved(folder) > 0
        assert finished(started(folder, 2, "--resume", command=command)) == 0
        assert contents(folder) == contents(tmp_path / "undisturbed")
    assert count > len(kills) / 4


@pytest.mark.parametrize("runs", [2, pytest.param(8, marks=pytest.mark.long)])
def test_runs_at_once_into_one_folder_leave_the_result_of_one(tmp_path, runs):
    for seed in range(runs):
        assert finished(started(tmp_path / str(seed), seed, "--scenarios", "4096")) == 0
    for _ in range(runs // 2):
        processes = [started(tmp_path / "one", seed, "--scenarios", "4096") for seed in range(runs)]
        assert {*map(finished, processes)} == {0}
        assert contents(tmp_path / "one") in [contents(tmp_path / str(seed)) for seed in range(runs)]
        assert [*tmp_path.rglob(".*")] == []


COMMANDS = [
    ("tornado", "priors/base.toml", "--quantities", "capex"),
    ("decide", "priors/own-or-rent.toml"),
    ("compare", "priors/base.toml", "priors/guosheng-2023.toml", "--quantities", "capex"),
    ("backtest",),
]


@pytest.mark.parametrize("kills", [range(1), pytest.param(range(1, 26), marks=pytest.mark.long)], ids=["few", "25"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_that_is_ended_leaves_nothing_behind(tmp_path, kills, command):
    """Ctrl-C and SIGTERM: the folder is not there, or whole."""
    for kill in kills:
        sent = list(ENDS)[kill % 2]
        process = started(tmp_path / "new", 1, command=command)
        time.sleep(random.Random(kill).uniform(0.3, 1.5))
        process.send_signal(sent)
        ended(process, sent)
        assert {path.name for path in tmp_path.iterdir()} <= {"new"}
        shutil.rmtree(tmp_path / "new", ignore_errors=True)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_when_all_is_told_comes_to_nothing(sent):
    script = f"import atexit, signal; atexit.register(signal.raise_signal, {sent:d})\n"
    script += "signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom simulate.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script, "-V"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
