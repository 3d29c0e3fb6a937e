"""Runs ended by a signal at a random moment: a sample, or the count in benchmarks/long.md."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys

import pytest

# 0: it was over before; -15: it had not begun, or had ended, and Python has its own answer
ENDS = {signal.SIGINT: {0, 130, -2}, signal.SIGTERM: {0, 143, -15}, signal.SIGKILL: {0, -9}}


def started(folder, seed):
    options = ("--scenarios", "200000", "--seed", str(seed), "--format", "csv", "--pictures", "--out", str(folder))
    # the line before the import tells that Python itself, whose own answer to a signal is another, has started
    script = "import sys; from simulate.cli import main; print('up', flush=True); main()"
    command = [sys.executable, "-c", script, "run", "priors/base.toml", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What runs of two seeds write when nothing ends them."""
    folders = [tmp_path_factory.mktemp(f"seed-{seed}") for seed in (1, 2)]
    for seed, folder in enumerate(folders, start=1):
        process = started(folder, seed)
        assert (process.communicate()[0] != "", process.returncode) == (True, 0)
    return folders


@pytest.mark.parametrize("kills", [range(6), pytest.param(range(6, 306), marks=pytest.mark.long)], ids=["few", "300"])
def test_whatever_ends_a_run_every_file_is_of_the_run_before_or_of_this_one(whole, tmp_path, kills):
    before, after = map(contents, whole)
    assert before.keys() == after.keys() == {"result.nc", "percentiles.csv", "bands.png", "bands.svg"}
    ended = 0
    for kill in kills:
        chance, sent = random.Random(kill), list(ENDS)[kill % 3]
        folder = tmp_path / str(kill)
        shutil.copytree(whole[0], folder)
        process = started(folder, 2)
        try:
            process.communicate(timeout=chance.uniform(0.01, 2.5))
        except subprocess.TimeoutExpired:
            process.send_signal(sent)
        _, err = process.communicate(timeout=30)
        assert process.returncode in ENDS[sent]
        assert "Traceback" not in err
        found = contents(folder)
        assert found.keys() == before.keys()
        assert {name for name, content in found.items() if content not in {before[name], after[name]}} == set()
        if sent != signal.SIGKILL:
            assert list(folder.glob(".*")) == []
        ended += process.returncode != 0
    assert ended > len(kills) / 4
