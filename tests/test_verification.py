"""Stored results asked again: the same bits, the same but for rounding, or what differs."""

from __future__ import annotations

import numpy as np
import pytest

import simulate
from simulate.backtesting import backtest
from simulate.comparison import compare
from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.results import netcdf
from simulate.runs import draws, run
from simulate.sensitivity.tornado import tornado
from simulate.verification import ROUNDING

FEW = {"scenarios": 4096}
STORED = {
    "run": lambda: run(load_priors("base", ["pue=1.1"]), given=["capex < 1e9"], seed=5, **FEW),
    "run with parts": lambda: run(load_priors("base"), quantities=["capex"], parts=True, **FEW),
    "run to a precision": lambda: run(load_priors("base"), quantities=["capex"], precision="capex:p50=3%", **FEW),
    "draws": lambda: draws(load_priors("base"), quantities=["capex"], observe=["pue = 1.2 +- 0.1"], scenarios=100),
    "tornado": lambda: tornado(load_priors("base"), quantities=["capex"], low=20, percentiles=[10]),
    "tornado by conditional": lambda: tornado(
        load_priors("base"), quantities=["capex"], method="conditional", percentile=90, **FEW
    ),
    "decide": lambda: decide(load_priors("own-or-rent"), maximize=True, scenarios=1024),
}


@pytest.mark.parametrize("name", STORED)
def test_what_was_stored_comes_out_again_to_the_bit(tmp_path, name):
    path = tmp_path / "result.nc"
    path.write_bytes(netcdf.written(STORED[name]()))
    found = simulate.verify(path)
    assert found.differences == ()
    assert found.exact
    assert found.values > 100


def test_a_backtest_comes_out_again():
    assert simulate.verify(backtest(seed=3)).exact


@pytest.fixture
def moved(tmp_path):
    """A run in a file, with its P50 of capex moved by a factor."""

    def path(factor):
        result = run(load_priors("base"), quantities=["capex", "pue"], **FEW)
        result["percentiles"][0, 2] *= factor
        (tmp_path / "result.nc").write_bytes(netcdf.written(result))
        return tmp_path

    return path


def test_bits_that_differ_by_rounding_are_told_apart_from_figures_that_do(command, moved):
    exact = command("verify", moved(1))
    assert (exact[0], exact[2]) == (0, "")
    assert exact[1].endswith("the same bits.\n")
    code, out, _ = command("verify", moved(1 + ROUNDING / 10))
    assert code == 0
    assert "equal to 1e-09, but not the same bits" in out
    assert "percentiles at capex, 50.0: " in out
    code, out, _ = command("verify", moved(1 + ROUNDING * 10))
    assert code == 1
    assert "1 variables differ" in out
    assert "percentiles at capex, 50.0: " in out


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
