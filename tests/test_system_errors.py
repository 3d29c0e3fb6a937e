"""What the operating system refuses: one line, exit code 2, and the earlier result as it was, all of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = ("run", "guosheng-2023", "--quantities", "capex", "--scenarios", "1024")
FULL = "the output folder cannot be written"


def simulated(*arguments, shell="exec {}", cwd=None):
    """The command in a shell: what stdout and stderr got, and the exit code."""
    command = " ".join([sys.executable, "-m", "simulate", *arguments])
    done = subprocess.run(
        ["bash", "-c", shell.format(command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("pictures", ["--pictures", "--no-pictures"])
@pytest.mark.parametrize("blocks", [8, *(pytest.param(each, marks=pytest.mark.long) for each in (0, 40))])
def test_a_file_that_may_not_be_so_large_leaves_the_earlier_result(tmp_path, blocks, pictures):
    assert simulated(*RUN, "--out", "out", "--pictures", cwd=tmp_path)[0] == 0
    before = contents(tmp_path)
    shell = f"ulimit -f {blocks}; {{}}"
    code, out, err = simulated(
        *RUN, "--seed", "2", "--save-draws", "--out", "out", pictures, "--format", "csv", shell=shell, cwd=tmp_path
    )
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"out: {FULL}: File too large" in err
    assert contents(tmp_path) == before


@pytest.fixture
def small(tmp_path):
    """A file system of 200 KB."""
    (tmp_path / "small").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(tmp_path / "small")]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes root")
    yield tmp_path / "small"
    subprocess.run(["umount", str(tmp_path / "small")], check=True)


@pytest.mark.parametrize("out", [".", "below"])
def test_a_full_disk_leaves_the_earlier_result(small, out):
    """The mount itself cannot be exchanged, a folder in it can."""
    assert simulated(*RUN, "--out", out, "--no-pictures", cwd=small)[0] == 0
    before = contents(small)
    assert before
    code, _, err = simulated(*RUN, "--seed", "2", "--out", out, "--pictures", "--save-draws", cwd=small)
    assert (code, err) == (2, f"{out}: {FULL}: No space left on device; choose another with --out\n")
    assert contents(small) == before
    assert [*small.rglob(".*")] == []


def test_a_result_that_is_a_folder_is_told_before_the_run(tmp_path):
    (tmp_path / "out" / "result.nc").mkdir(parents=True)
    code, _, err = simulated(*RUN, "--scenarios", "100000000", "--out", "out", cwd=tmp_path)
    assert (code, err) == (2, f"out: {FULL}: result.nc in it is a folder; choose another with --out\n")
    assert [*tmp_path.rglob("*")] == [tmp_path / "out", tmp_path / "out" / "result.nc"]


@pytest.mark.parametrize("arguments", [(*RUN, "--format", "csv"), ("check", "base"), ("explain", "capex"), ("--help",)])
def test_output_that_cannot_be_written_is_told_in_a_line(tmp_path, arguments):
    assert simulated(*arguments, shell="{} >/dev/full", cwd=tmp_path) == (
        2,
        "",
        "standard output: No space left on device\n",
    )
    broken = "{} | true; exit ${{PIPESTATUS[0]}}"
    assert simulated(*arguments, shell=broken, cwd=tmp_path)[::2] in [(2, "standard output: Broken pipe\n"), (0, "")]
    assert [*tmp_path.iterdir()] == []


def test_an_error_that_cannot_be_written_is_an_exit_code(tmp_path):
    assert simulated("run", "nosuch", shell="{} 2>/dev/full", cwd=tmp_path) == (2, "", "")
