"""Stored results asked again: the same bits, the same but for rounding, or what differs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import simulate
from simulate.backtesting import backtest
from simulate.comparison import compare
from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.results import netcdf
from simulate.results.provenance import computed_with
from simulate.results.result import BUILD
from simulate.runs import draws, run
from simulate.sensitivity.tornado import tornado
from simulate.verification import ROUNDING

FEW = {"scenarios": 4096}
TRAINING = Path(simulate.__file__).parent / "data" / "training_runs.csv"
STORED = {
    "run": lambda: run(load_priors("base", ["pue=1.1"]), given=["capex < 1e9"], seed=5, **FEW),
    "run with parts": lambda: run(load_priors("base"), quantities=["capex"], parts=True, **FEW),
    "run to a precision": lambda: run(load_priors("base"), quantities=["capex"], precision="capex:p50=3%", **FEW),
    "draws": lambda: draws(load_priors("base"), quantities=["capex"], observe=["pue = 1.2 +- 0.1"], scenarios=100),
    "tornado": lambda: tornado(load_priors("base"), quantities=["capex"], low=20, percentiles=[10]),
    "tornado by conditional": lambda: tornado(
        load_priors("base"), quantities=["capex"], method="conditional", percentile=90, **FEW
    ),
    "decide": lambda: decide(load_priors("own-or-rent"), quantities=["capex"], maximize=True, scenarios=1024),
}


@pytest.mark.parametrize("name", STORED)
def test_what_was_stored_comes_out_again_to_the_bit(tmp_path, name):
    path = tmp_path / "result.nc"
    path.write_bytes(netcdf.written(STORED[name]()))
    found = simulate.verify(path)
    assert found.differences == ()
    assert found.exact
    assert found.values > 100


@pytest.mark.parametrize("own", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_backtest_comes_out_again(tmp_path, own):
    head, *rows = TRAINING.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "own.csv").write_text(head + "".join(rows[:3]), encoding="utf-8")
    assert simulate.verify(backtest(tmp_path / "own.csv" if own else None, seed=3)).exact


@pytest.fixture
def moved(tmp_path):
    """A run in a file, with its P50 of capex moved by a factor, and what it was made with as told."""
    result = run(load_priors("base"), quantities=["capex", "pue"], **FEW)
    made = dict(result.attributes)

    def path(factor, **told):
        result.attributes.clear()
        result.attributes.update({name: value for name, value in {**made, **told}.items() if value is not None})
        result["percentiles"][0, 2] *= factor
        (tmp_path / "result.nc").write_bytes(netcdf.written(result))
        result["percentiles"][0, 2] /= factor
        return tmp_path

    return path


ELSEWHERE = {"numpy": "2.0.0", "cpu": "arm64 NEON"}
EARLIER = dict.fromkeys([name for name in BUILD if name != "numpy"])  # as before all of it was told


def test_on_the_same_build_and_kind_of_cpu_every_bit_must_be_the_same(command, moved):
    result, exact = moved(1), command("verify", moved(1))
    assert (exact[0], exact[2]) == (0, "")
    assert exact[1].endswith("the same bits.\n")
    code, out, _ = command("verify", moved(1 + ROUNDING / 10))
    assert code == 1
    assert "1 variable differs. Build and kind of CPU are those that it was made with" in out
    assert "percentiles at capex, 50.0: " in out
    assert simulate.verify(result).alike


def test_elsewhere_figures_may_differ_by_rounding_and_why_is_told(command, moved):
    told = f"It was made with numpy 2.0.0, arm64 NEON; this is numpy {np.__version__}, "
    code, out, _ = command("verify", moved(1 + ROUNDING / 10, **ELSEWHERE))
    assert code == 0
    assert "equal to 1e-09, but not the same bits" in out
    assert told in out
    assert "percentiles at capex, 50.0: " in out
    code, out, _ = command("verify", moved(1 + ROUNDING * 10, **ELSEWHERE))
    assert code == 1
    assert f"1 variable differs by more than 1e-09. {told}" in out
    assert simulate.verify(moved(1, **ELSEWHERE)).exact


def test_a_result_that_does_not_say_what_made_it_is_held_to_rounding(command, moved):
    code, out, _ = command("verify", moved(1 + ROUNDING / 10, **EARLIER))
    assert code == 0
    assert "It does not say on which build and kind of CPU it was made." in out
    assert simulate.verify(moved(1, **EARLIER)).exact


def test_the_kind_of_cpu_is_what_numpy_was_let_use():
    """A process in which numpy may not use what the CPU can do says so."""
    told = computed_with()["cpu"].split()
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    assert told[-len(found) :] == found or not found
    code = "from simulate.results.provenance import computed_with; print(computed_with()['cpu'])"
    if found:
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(found)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert done.stdout.split() == told[: -len(found)]


def test_each_kind_of_difference_is_named():
    result = run(load_priors("base"), quantities=["capex", "pue"], **FEW)
    result.variables.pop("minimum")
    result["mean"][1] = np.nan
    result["unit"][0] = "EUR"
    result.put("more", (), 5.0)
    result.attributes["title"] = "Another"
    found = simulate.verify(result)
    assert not found.holds
    assert {(each.name, *each.labels) for each in found.differences} == {
        ("minimum",),
        ("more",),
        ("title",),
        ("mean", "pue"),
        ("unit", "capex"),
    }


def test_a_comparison_is_refused_in_a_line():
    result = compare(["guosheng-2023", "semianalysis-2023"], quantities=["servers"], bridge=(), **FEW)
    with pytest.raises(SimulateError, match="verify the runs that it rests on"):
        simulate.verify(result)


@pytest.fixture
def scored(tmp_path):
    """A backtest of a table in a file, and the table."""
    table = tmp_path / "own.csv"
    table.write_text("".join(TRAINING.read_text(encoding="utf-8").splitlines(keepends=True)[:4]), encoding="utf-8")
    (tmp_path / "backtest.nc").write_bytes(netcdf.written(backtest(table)))
    return tmp_path / "backtest.nc", table


def test_a_backtest_of_a_table_that_has_changed_or_gone_is_refused_in_a_line(command, scored):
    result, table = scored
    assert simulate.verify(result).exact
    table.write_text(table.read_text(encoding="utf-8").replace("\n", "\n\n"), encoding="utf-8")
    line = f"{result}: its cases, {table}, have changed since; run backtest again\n"
    assert command("verify", result) == (2, "", line)
    table.unlink()
    line = f"{result}: its cases cannot be had any more: {table}: cannot be read: No such file or directory"
    assert command("verify", result)[2].startswith(line)


def test_a_backtest_of_a_pipe_is_refused_in_a_line(scored):
    piped = netcdf.read(scored[0])
    del piped.provenance["files"]
    with pytest.raises(SimulateError, match="which cannot be read again; give backtest a file"):
        simulate.verify(piped)


def test_a_folder_without_a_run_names_what_is_in_it(command, scored):
    folder = scored[0].parent
    line = f"{folder}: holds no result.nc; name a file in it: backtest.nc\n"
    assert command("verify", folder) == (2, "", line)
    line = "RESULT ' ': is empty; give a folder or a .nc file that `simulate` wrote\n"
    assert command("verify", " ") == (2, "", line)
