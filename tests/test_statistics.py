"""Statistics of columns: closed forms, standard errors, and bands put into a result."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from sampled import sampled

from simulate.bands import Bands, put_bands
from simulate.folding import fold
from simulate.gathering import Gathering, Pilot
from simulate.priors import load_priors
from simulate.replicates import Workers
from simulate.results import Result
from simulate.rulers import Bits
from simulate.runs import draws, run
from simulate.sampling.schemes import SCHEMES
from simulate.spread import standard_error
from simulate.statistics import MEAN, expected_shortfall, percentiles, shortest, usual
from simulate.summary import WEIGHT, Summary

NORMAL = NormalDist()
TEXT = """
model = "none"
[priors]
a = { dist = "normal", mean = 10, sd = 3 }
b = { dist = "normal", mean = 20, sd = 4 }
c = { dist = "lognormal", mu = 1, sigma = 0.3 }
d = { dist = "lognormal", mu = 0, sigma = 0.4 }
fixed = { value = 4 }
few = { dist = "choice", values = [1, 2, 10], weights = [50, 46, 4] }
other = { dist = "uniform", lower = -1, upper = 1 }
[quantities]
normal = { formula = "a + b" }
lognormal = { formula = "c * d" }
constant = { formula = "fixed * 2" }
atoms = { formula = "few + 0 * other" }
"""
NAMES = ["normal", "lognormal", "constant", "atoms"]
EACH = 2**14  # scenarios a replicate


def beyond(percent):
    """The mean beyond a percentile in closed form, by quantity."""
    z, tail = NORMAL.inv_cdf(percent / 100), 1 - percent / 100
    values, shares = [10, 2, 1], [0.04, 0.46, 0.5]
    left, worst = tail, 0.0
    for value, share in zip(values, shares, strict=True):  # the atom at the percentile is split
        taken = min(share, left)
        worst, left = worst + taken * value, left - taken
    return {
        "normal": 30 + 5 * NORMAL.pdf(z) / tail,
        "lognormal": math.exp(1 + 0.5**2 / 2) * NORMAL.cdf(0.5 - z) / tail,
        "constant": 8,
        "atoms": worst / tail,
    }


@pytest.mark.parametrize(("percent", "scheme"), sampled([5, 50, 90, 95, 99], SCHEMES))
def test_expected_shortfall_has_its_closed_form(scheme, percent):
    """Within 5 standard errors (of 16 replicates: 2 in 10,000 beyond), and what one point of a net stands for."""
    bands = run(
        load_priors(TEXT),
        scenarios=16 * EACH,
        scheme=scheme,
        quantities=NAMES,
        statistics=[f"expected_shortfall {percent}"],
    )
    assert bands.variables["expected_shortfall"].label == f"mean beyond P{percent}"
    for name, exact in beyond(percent).items():
        value, error = bands.estimate("expected_shortfall", quantity=name)
        # a net misses the share of an atom by less than a point, whatever the replicate
        point = 9 / EACH / (1 - percent / 100) if name == "atoms" and scheme != "random" else 0
        assert abs(value - exact) <= 5 * error + point + 1e-6 * exact, (name, value, exact, error)
        assert (error == 0) if name == "constant" else (error > 0 or name == "atoms"), name
        assert error <= 0.05 * exact


def test_expected_shortfall_is_the_mean_of_the_worst_draws():
    priors = load_priors(TEXT)
    asked = {"scenarios": 2**15, "quantities": NAMES}
    bands = run(priors, statistics=["expected_shortfall 90"], **asked)
    drawn = draws(priors, **asked)
    for name in NAMES:
        worst = np.sort(drawn.at("value", quantity=name))[-int(0.1 * 2**15) :]
        found = bands.at("expected_shortfall", quantity=name)
        assert found == pytest.approx(worst.mean(), rel=1e-3 if name == "normal" else 2e-3)


def test_expected_shortfall_is_95_percent_unless_said():
    priors = load_priors(TEXT)
    asked, usual_one = (
        run(priors, scenarios=2**12, quantities=["normal"], statistics=[text])
        for text in ("expected_shortfall 95", "expected_shortfall")
    )
    assert asked["expected_shortfall"] == usual_one["expected_shortfall"]


def test_expected_shortfall_under_a_condition_is_of_the_scenarios_kept():
    """The worst twentieth of the upper half of a normal is its worst fortieth."""
    bands = run(
        load_priors(TEXT),
        scenarios=2**18,
        quantities=["normal"],
        given=["normal > 30"],
        statistics=["expected_shortfall 95"],
    )
    value, error = bands.estimate("expected_shortfall", quantity="normal")
    assert abs(value - beyond(97.5)["normal"]) <= 5 * error + 1e-5 * value


@pytest.mark.parametrize("values", [[1.0, 2, 3, 4, 10], [-5.0, -1, 0, 2], [7.0]])
@pytest.mark.parametrize("percent", [10, 50, 79, 95])
def test_mean_beyond_splits_the_value_at_the_percentile(values, percent):
    """Of few values it is exact: each has the same share of the probability."""
    summary = Summary()
    summary.add(np.array(values), len(values))
    fine = np.repeat(np.sort(values), 1000)  # in shares of which the percentile is a whole number
    worst = fine[round(len(fine) * percent / 100) :]
    assert summary.finish().mean_beyond(percent) == pytest.approx(worst.mean(), rel=1e-12)


def test_mean_beyond_of_nothing_is_no_number():
    summary = Summary()
    summary.add(np.full(3, np.nan), 3)
    assert math.isnan(summary.finish().mean_beyond(95))


def test_weights_count_like_repetitions():
    random = np.random.default_rng(7)
    values, times = random.normal(size=4000), random.integers(1, 4, 4000)
    weighted, repeated = Summary(), Summary()
    weighted.add(values, len(values), times * WEIGHT)
    repeated.add(np.repeat(values, times), int(times.sum()))
    one, two = weighted.finish().mean_beyond(90), repeated.finish().mean_beyond(90)
    assert one == pytest.approx(two, rel=1e-12)


def test_a_standard_error_is_that_of_the_replicates_mean():
    values = np.random.default_rng(1).normal(size=(16, 3))
    assert standard_error(values) == pytest.approx(values.std(axis=0, ddof=1) / 4)
    assert standard_error([0.1] * 16) == 0


def banded(statistics, replicates):
    """Bands of columns by key, from replicates of chunks."""
    bands = Bands(statistics)
    for chunks in replicates:
        gathering = Gathering(dict.fromkeys(chunks[0], Bits()))
        for chunk in chunks:
            for key, column in chunk.items():
                gathering.add(key, column, 100)
        bands.add(gathering.finish(statistics))
    return bands


def test_a_band_is_of_all_scenarios_and_its_errors_of_the_replicates():
    columns = np.random.default_rng(2).normal(size=(16, 3, 100))
    statistics = (*usual([5, 50]), expected_shortfall(90))
    bands = banded(statistics, [[{"x": chunk} for chunk in replicate] for replicate in columns])
    whole = Summary()
    whole.add(columns.ravel(), columns.size)
    whole.finish()
    assert bands["x"].value("mean") == pytest.approx(columns.mean(), rel=1e-12)
    assert bands["x"].value("percentiles") == pytest.approx(whole.percentiles([5, 50]), rel=1e-12)
    assert bands["x"].value("expected_shortfall") == pytest.approx(whole.mean_beyond(90), rel=1e-12)
    means = columns.mean(axis=(1, 2))
    assert bands["x"].replicates("mean") == pytest.approx(means, rel=1e-9)
    assert bands["x"].error("mean") == pytest.approx(means.std(ddof=1) / 4, rel=1e-3)  # and what gaps leave open
    assert bands["x"].value("minimum") == columns.min()


def test_bands_are_put_where_their_keys_say_and_nan_elsewhere():
    columns = np.random.default_rng(3).normal(size=(16, 100))
    statistics = (percentiles([25, 75]), MEAN)
    bands = banded(statistics, [[{("y", "two"): column, ("x", "one"): column + 1}] for column in columns])
    result = Result("run")
    result.along("quantity", ["x", "y"])
    result.beside("unit", ("quantity",), ["USD", "m"])
    result.along("case", ["one", "two"])
    put_bands(result, bands, ("quantity", "case"), statistics, prefix="part_", of=" of a part")
    assert result.variables["part_percentiles"].dims == ("quantity", "case", "percentile")
    assert result.labels("percentile") == [25, 75]
    assert result.variables["part_mean"].label == "mean of a part"
    assert result.unit("part_mean", quantity="y", case="two") == "m"
    assert result.at("part_mean", quantity="x", case="one") == pytest.approx(columns.mean() + 1)
    assert result.at("part_mean_se", quantity="y", case="two") == bands["y", "two"].error("mean")
    assert np.isnan(result.at("part_percentiles", quantity="x", case="two")).all()
    assert np.isnan(result.at("part_percentiles_se", quantity="y", case="one")).all()


def test_many_bands_are_put_as_each_is_alone():
    """Whatever they hold: a continuum, few values, one value, one number in some scenarios, none at all."""
    random = np.random.default_rng(4)
    kinds = {
        "wide": lambda: random.normal(size=100),
        "few": lambda: random.integers(0, 3, 100).astype(np.float64),
        "fixed": lambda: 7.0,
        "rare": lambda: np.where(random.random(100) < 0.01, 1.0, np.nan),
        "never": lambda: np.full(100, np.nan),
    }
    names = [f"{kind}{number}" for number in range(7) for kind in kinds]  # more than are told in one go
    statistics = (*usual([0.5, 50, 95]), shortest(90), expected_shortfall(90))
    bands = banded(statistics, [[{name: kinds[name[:-1]]() for name in names}] for _ in range(16)])
    result = Result("run")
    result.along("quantity", names)
    put_bands(result, bands, ("quantity",), statistics)
    for name, band in bands.items():
        alone = Result("run")
        alone.along("quantity", [name])
        put_bands(alone, {name: band}, ("quantity",), statistics)
        for each in alone.variables:
            found, own = result.at(each, quantity=name), alone.at(each, quantity=name)
            assert np.array(found, object).tolist() == pytest.approx(np.array(own, object).tolist(), nan_ok=True), each
    assert result.at("percentiles_bound", quantity="wide0").tolist() == ["<=", "", ""]
    assert result.at("percentiles_bound", quantity="fixed0").tolist() == ["", "", ""]


def test_nan_and_infinite_values_are_counted_and_left_out():
    column = np.array([1.0, 2.0, np.nan, np.inf] * 25)
    bands = banded(usual([50]), [[{"x": column, "never": np.full(100, np.nan)}]] * 16)
    assert bands["x"].value("nonfinite") == 16 * 50
    assert bands["x"].value("mean") == 1.5
    assert math.isnan(bands["never"].value("mean"))
    assert np.isnan(bands["never"].error("percentiles")).all()


def thin_fold(share, backend="serial"):
    """Counts of a column of which a condition keeps a share, and the pilots that were looked at."""
    looked: list[int] = []
    bands = Bands([MEAN])

    def work(gathering, task, ticks):
        task, steps = task
        for step in ticks(steps):
            column = np.random.default_rng([task, step]).normal(size=2**14)
            kept = column[: round(share * len(column))]
            if isinstance(gathering, Pilot):
                looked.append((task, step))
            if len(kept):
                gathering.add("x", kept, len(kept))
        return gathering.finish([MEAN])

    tasks, pilots = ([(task, range(steps)) for task in range(16)] for steps in (8, 1))
    how = {"pilots": pilots, "pilot": 2**14, "scenarios": 16 * 8 * 2**14, "steps": lambda _: 8}
    fold(work, tasks, bands.add, keys=["x"], workers=Workers(backend, 3), what="test", **how)
    return bands["x"], looked


@pytest.mark.parametrize(("share", "tasks"), [(1.0, 1), (0.07, 1), (0.05, 2), (0.001, 4), (0.0, 4)])
def test_as_many_pilots_are_looked_at_as_it_takes_and_four_at_most(share, tasks):
    band, looked = thin_fold(share)
    assert looked == [(task, 0) for task in range(tasks)]
    assert band.summary.count == 16 * 8 * round(share * 2**14)


def test_a_pilot_tells_the_same_whatever_the_backend():
    one, three = (thin_fold(0.3, each)[0] for each in ("serial", "threads"))
    assert one.summary.percentiles([1, 50, 99]).tolist() == three.summary.percentiles([1, 50, 99]).tolist()
    assert one.value("mean") == three.value("mean")


def test_no_pilot_is_drawn_where_all_values_are_counted_one_by_one():
    tasks = []

    def work(gathering, task, ticks):
        tasks.append(task)
        for _ in ticks(range(1)):
            gathering.add("x", np.full(2**12, float(task)), 2**12)
        return gathering.finish([MEAN])

    bands = Bands([MEAN])
    keys, workers, size = ["x"], Workers("serial"), 2**12
    counts = {"pilots": range(16), "pilot": size, "scenarios": 2**16, "steps": lambda _: 1}
    fold(work, range(16), bands.add, keys=keys, workers=workers, what="test", **counts)
    assert tasks == list(range(16))
    assert bands["x"].value("mean") == 7.5


@pytest.mark.parametrize("size", [1e-310, 1e-160, 1e160, 1.5e308])
def test_errors_of_numbers_at_the_ends_of_floats_neither_overflow_nor_vanish(size):
    estimates = np.array([-1.0, 1.0, 1.0, -1.0])
    assert standard_error(size * estimates) == pytest.approx(size * standard_error(estimates), rel=1e-3)


def test_the_error_of_estimates_that_are_infinite_is_nan():
    assert np.isnan(standard_error([1.0, np.inf, 2.0]))
