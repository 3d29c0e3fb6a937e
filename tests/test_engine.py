"""Runs and draws: what they return, what they take from the file, what they refuse, and plain numpy beside them."""

from __future__ import annotations

import importlib.util
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import simulate
from simulate import engine
from simulate.engine import GRID, RunError
from simulate.sampling.sampler import CHUNK
from simulate.sampling.schemes import SCHEMES

ROOT = Path(__file__).parent.parent
PERCENTS = [5, 25, 50, 75, 95]
TEXT = """
title = "Two and one"
model = "none"
[run]
scenarios = 5000
seed = 77
percentiles = [97.5, 10, 50]
quantities = ["total", "share"]
[priors]
a = { dist = "normal", mean = 10, sd = 3, unit = "USD", evidence = "sourced", source = "a table" }
b = { dist = "normal", mean = 20, sd = 3, unit = "USD" }
c = { dist = "uniform", lower = 0, upper = 1 }
fixed = { value = 4 }
[quantities]
total = { formula = "a + b", unit = "USD", label = "All of it" }
share = { formula = "c / fixed" }
root = { formula = "sqrt(c - 0.25)" }
never = { formula = "log(0 - fixed)" }
after = { formula = "1 + never" }
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text=TEXT, *overrides):
        path = tmp_path / "priors.toml"
        path.write_text(text, encoding="utf-8")
        return simulate.load_priors(path, overrides)

    return loaded


@pytest.fixture
def priors(load):
    return load()


@pytest.fixture(scope="module")
def base():
    return simulate.load_priors(ROOT / "priors" / "base.toml")


# ---------------------------------------------------------------------------------------------------------
# What a run returns


def test_what_is_left_out_comes_from_the_file(priors):
    run = simulate.run(priors)
    assert run.attrs["scenarios"] == 16 * 512  # 5,000 in 16 replicates of a power of two
    assert run.attrs["seed"] == 77
    assert run["percentile"].values.tolist() == [10, 50, 97.5]
    assert {"total", "share"} <= set(run)
    assert "root" not in run
    other = simulate.run(priors, seed=1, percentiles=[50], quantities=["root"])
    assert (other.attrs["seed"], other["percentile"].values.tolist()) == (1, [50])
    assert "root" in other
    assert "total" not in other


def test_the_dataset_has_the_layout(priors):
    run = simulate.run(priors)
    assert run["grid"].values.tolist() == list(GRID)
    assert run["prior"].values.tolist() == ["a", "b", "c", "fixed"]
    assert run["prior_unit"].values.tolist() == ["USD", "USD", "1", "1"]
    for part in ("", "_se"):
        assert run[f"total{part}"].dims == ("percentile",)
        assert run[f"total{part}"].attrs["units"] == "USD"
    for part in ("_mean", "_mean_se", "_sd", "_sd_se", "_minimum", "_maximum", "_nonfinite"):
        assert run[f"total{part}"].dims == ()
    assert run["total_grid"].dims == ("grid",)
    assert run["total_rank_correlation"].dims == ("prior",)
    assert run["total"].attrs["long_name"] == "All of it"
    ancillary = run["total"].attrs["ancillary_variables"].split()
    assert ancillary[0] == "total_se"
    assert all(name in run for name in ancillary)


def test_the_dataset_says_where_it_comes_from(priors):
    run = simulate.run(priors)
    assert run.attrs["title"] == "Two and one"
    assert (run.attrs["scheme"], run.attrs["replicates"], run.attrs["chunk"]) == ("sobol", 16, 512)
    assert run.attrs["version"] == simulate.__version__
    provenance = json.loads(run.attrs["priors"])
    (file,) = provenance["files"]
    assert (file["text"], len(file["sha256"])) == (TEXT, 64)
    assert provenance["priors"]["a"]["source"] == "a table"
    assert provenance["priors"]["b"]["specification"] == {"mean": 20, "sd": 3}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_statistics_of_a_sum_of_normals(priors, scheme):
    """Normal with mean 30 and sd sqrt(18): all within 5 standard errors (of 16 replicates: 2 in 10,000 beyond)."""
    run = simulate.run(priors, 2**17, scheme=scheme, percentiles=PERCENTS)
    exact = 30 + np.sqrt(18) * special.ndtri(np.array(PERCENTS) / 100)
    assert (np.abs(run["total"] - exact) < 5 * run["total_se"]).all()
    assert abs(run["total_mean"] - 30) < 5 * run["total_mean_se"] + 1e-6  # of the tables
    assert abs(run["total_sd"] - np.sqrt(18)) < 5 * run["total_sd_se"] + 1e-6
    assert run["total_minimum"] < run["total"].min()
    assert run["total_maximum"] > run["total"].max()
    assert (np.diff(run["total_grid"]) > 0).all()


def test_rank_correlations_are_spearmans(priors):
    correlation = simulate.run(priors, 2**14)["total_rank_correlation"]
    # of bivariate normals with correlation 1/sqrt(2); the estimate is from 2^13 scenarios
    exact = 6 / np.pi * np.arcsin(1 / np.sqrt(2) / 2)
    for name in ("a", "b"):
        assert abs(float(correlation.sel(prior=name)) - exact) < 5 / np.sqrt(2**13)
    assert float(correlation.sel(prior="c")) == float(correlation.sel(prior="fixed")) == 0


def test_the_priors_bands_are_exact(priors):
    band = simulate.run(priors, 16)["prior_band"]
    assert band.sel(prior="b").values == pytest.approx(20 + 3 * special.ndtri([0.1, 0.5, 0.975]), rel=1e-12)
    assert band.sel(prior="fixed").values.tolist() == [4, 4, 4]


def test_what_is_constant_has_no_error(load):
    run = simulate.run(load(TEXT, "a=3", "b=4"), quantities=["total"])
    assert run["total"].values.tolist() == [7, 7, 7]
    assert run["total_grid"].values.tolist() == [7] * len(GRID)
    assert float(run["total_sd"]) == float(run["total_se"].max()) == float(run["total_mean_se"]) == 0
    assert not run["total_rank_correlation"].values.any()


def test_a_standard_error_is_that_of_the_replicates_mean():
    values = np.random.default_rng(1).normal(size=(16, 3))
    assert engine.standard_error(values) == pytest.approx(values.std(axis=0, ddof=1) / 4)
    assert engine.standard_error([0.1] * 16) == 0


# ---------------------------------------------------------------------------------------------------------
# How many scenarios


@pytest.mark.parametrize(
    ("asked", "size", "chunks"),
    [
        (1, 1, 1),
        (16, 1, 1),
        (17, 2, 1),
        (5000, 512, 1),
        (16 * CHUNK, CHUNK, 1),
        (16 * CHUNK + 1, CHUNK, 2),
        (1_000_000, CHUNK, 4),
        (10**8, CHUNK, 382),
    ],
)
def test_scenarios_are_rounded_up_to_whole_chunks(asked, size, chunks):
    assert engine.chunking(asked) == (size, chunks)
    assert asked <= 16 * size * chunks


@pytest.mark.parametrize("count", [1, 7, 16, 17, 1000, 16 * CHUNK + 5])
def test_draws_are_exactly_as_many_as_asked(priors, count):
    drawn = simulate.draws(priors, count)
    assert drawn.sizes == {"scenario": count}
    assert set(drawn.data_vars) == {"a", "b", "c", "fixed", "total", "share"}
    assert np.array_equal(drawn["total"], drawn["a"] + drawn["b"])
    assert (drawn["fixed"] == 4).all()
    assert drawn["total"].attrs == {"units": "USD", "long_name": "All of it"}
    shares = np.bincount(drawn["replicate"], minlength=16)
    assert shares.max() - shares.min() <= 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_draws_are_those_of_the_run(priors, scheme):
    count = 2 * 16 * CHUNK
    run = simulate.run(priors, count, scheme=scheme)
    total = simulate.draws(priors, count, scheme=scheme)["total"].values
    assert float(run["total_mean"]) == pytest.approx(total.mean(), rel=1e-12)
    assert float(run["total_sd"]) == pytest.approx(total.std(), rel=1e-9)
    assert (float(run["total_minimum"]), float(run["total_maximum"])) == (total.min(), total.max())
    assert run["total"].values == pytest.approx(np.percentile(total, run["percentile"]), rel=2**-10)


def test_draws_take_what_is_left_out_from_the_file(priors):
    drawn = simulate.draws(priors)
    assert drawn.sizes["scenario"] == 5000
    assert drawn.attrs == {"seed": 77, "scheme": "sobol"}
    assert np.array_equal(drawn["c"], simulate.draws(priors, seed=77)["c"])
    assert not np.array_equal(drawn["c"], simulate.draws(priors, seed=78)["c"])


def test_memory_does_not_grow_with_the_scenarios(priors):
    peaks = []
    for count in (2**22, 2**24):
        tracemalloc.start()
        simulate.run(priors, count, scheme="random", threads=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_progress_is_told_up_to_the_end(priors):
    told = []
    simulate.run(priors, 16 * 5 * CHUNK, threads=2, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert {total for _, total in told} == {80}
    assert told[-1] == (80, 80)


# ---------------------------------------------------------------------------------------------------------
# Which quantities, and what is refused


def test_all_quantities_are_those_that_can_be_computed(base):
    names = engine.asked_quantities(base, "all")
    assert {"capex", "racks", "visitors_per_day"} <= set(names)
    assert set(names) <= set(base.quantities)


def test_the_headline_is_run_where_nothing_is_asked(base):
    run = simulate.run(base, 16)
    assert all(name in run for name in base.headline)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantities": ["totl"]}, "there is no quantity totl; did you mean total?"),
        ({"quantities": ["xyz"]}, "there is no quantity xyz"),
        ({"quantities": "total"}, "quantities are a list of names or 'all', not 'total'"),
        ({"scheme": "halton"}, "there is no scheme 'halton'; choose one of latin_hypercube, random, sobol"),
        ({"scenarios": 0}, "0 scenarios are none; ask for at least 1"),
        ({"percentiles": [0]}, "0 is no percentile; choose between 0 and 100"),
        ({"percentiles": [50, 100]}, "100 is no percentile; choose between 0 and 100"),
        ({"percentiles": [float("nan")]}, "nan is no percentile; choose between 0 and 100"),
        ({"percentiles": []}, "no percentile is asked for; name at least one"),
        ({"interval": 0}, "no interval holds 0 % of the scenarios; choose between 0 and 100"),
        ({"interval": 100}, "no interval holds 100 % of the scenarios; choose between 0 and 100"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_line(priors, options, message):
    with pytest.raises(RunError) as caught:
        simulate.run(priors, **options)
    assert str(caught.value) == message


def test_what_a_quantity_lacks_is_named(load):
    priors = load("[priors.pue]\nvalue = 1.2\n")
    with pytest.raises(RunError, match=r"^capex cannot be computed; give a prior for .*server_price"):
        simulate.run(priors, quantities=["capex"])
    with pytest.raises(RunError, match="nothing can be computed"):
        simulate.run(priors)


def test_percentiles_come_in_rising_order_and_once(priors):
    run = simulate.run(priors, 16, percentiles=(50, 5.0, 50))
    assert run["percentile"].values.tolist() == [5, 50]


def test_nan_in_some_scenarios_is_counted_left_out_and_told(priors):
    run = simulate.run(priors, 2**14, quantities=["root", "total"])
    count = int(run["root_nonfinite"])
    assert count == 2**14 // 4  # a net puts a quarter of its points below a quarter
    assert int(run["total_nonfinite"]) == 0
    assert float(run["root_minimum"]) >= 0
    (message,) = json.loads(run.attrs["nonfinite"])
    assert message.startswith(f"root: nan or infinite in {count:,} of 16,384 scenarios")
    assert "first in root" in message
    assert "c = 0." in message


def test_a_quantity_that_is_never_a_number_is_refused_by_name_and_told_of_among_all(priors):
    with pytest.raises(RunError, match=r"^after: nan or infinite in all 16 scenarios; first in never"):
        simulate.run(priors, 16, quantities=["after"])
    run = simulate.run(priors, 16, quantities="all")
    assert np.isnan(run["never"]).all()
    assert any("after" in message for message in json.loads(run.attrs["nonfinite"]))


# ---------------------------------------------------------------------------------------------------------
# Shortest intervals


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_shortest_interval_of_a_normal_is_the_symmetric_one(priors, scheme):
    run = simulate.run(priors, 2**18, scheme=scheme, interval=90)
    exact = 30 + np.sqrt(18) * special.ndtri(np.array([0.05, 0.95]))
    assert run["total_shortest"].dims == ("end",)
    assert run["end"].values.tolist() == ["lower", "upper"]
    assert run.attrs["interval"] == 90
    assert (run["total_shortest_se"] > 0).all()
    assert (np.abs(run["total_shortest"] - exact) < 5 * run["total_shortest_se"]).all()


def test_the_shortest_interval_is_no_longer_than_that_between_percentiles(base):
    run = simulate.run(base, 2**16, quantities=["capex"], percentiles=[2.5, 97.5], interval=95)
    lower, upper = run["capex_shortest"].values
    low, high = run["capex"].values
    assert upper - lower < high - low
    assert lower < low


def test_no_interval_is_given_unasked(priors):
    assert "end" not in simulate.run(priors, 16).dims


# ---------------------------------------------------------------------------------------------------------
# Beside plain numpy


def test_base_agrees_with_the_hand_written_model(base):
    """The same priors and equations by numpy's own generator, in 16 parts: within 5 combined standard errors."""
    path = ROOT / "benchmarks" / "handwritten.py"
    specification = importlib.util.spec_from_file_location("handwritten", path)
    handwritten = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(handwritten)
    parts = [handwritten.simulate(2**14, seed) for seed in range(16)]
    run = simulate.run(base, 2**18, quantities=list(parts[0]), percentiles=handwritten.PERCENTS)
    for name in parts[0]:
        columns = [part[name] for part in parts]
        error = np.hypot(run[f"{name}_se"].values, engine.standard_error(columns))
        assert (np.abs(run[name].values - np.mean(columns, axis=0)) < 5 * error).all(), name
