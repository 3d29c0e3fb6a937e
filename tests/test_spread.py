"""Standard errors from the spread over replicates: floors of resolution, percentiles by their shares, skewness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simulate.bands import Band
from simulate.gathering import Gathering
from simulate.priors import load_priors
from simulate.rulers import Bits
from simulate.runs import run
from simulate.spread import (
    bounds,
    interval_error,
    resolution,
    share_error,
    standard_error,
    t_quantile,
    tail,
    unresolved,
    widened_error,
)
from simulate.statistics import MEAN, SD, expected_shortfall, percentiles, shortest
from simulate.summary import WEIGHT, Summary

EACH = 256
FALSE_ALARM = 1e-4
ATOM = """
model = "none"
[priors]
k = {dist = "choice", values = [0, 1], weights = [999, 1]}
fixed = {value = 4}
[quantities]
y = {formula = "k * 1"}
constant = {formula = "2 * fixed"}
"""


def banded(columns, *statistics, weights=None):
    """The band of a column, from replicates (rows)."""
    band = Band(statistics)
    for column in columns:
        gathering = Gathering({"x": Bits()})
        gathering.add("x", column, len(column), weights)
        band.add(gathering.finish(statistics)["x"])
    return band


def summary_of(values):
    """The summary of a column."""
    summary = Summary()
    summary.add(np.asarray(values, dtype=float), len(values))
    return summary.finish()


def held(quantile, percents, seeds, *, stratified):
    """How often intervals hold percentiles, by percent; each replicate stratified, or independent draws."""
    random, counts = np.random.default_rng(5), np.zeros(len(percents), int)
    for _ in range(seeds):
        at = random.random((16, EACH))
        band = banded(quantile((np.arange(EACH) + at) / EACH if stratified else at), percentiles(percents))
        error = band.error("percentiles")
        counts += abs(band.value("percentiles") - quantile(np.array(percents) / 100)) <= t_quantile() * error
    return counts


def test_t_is_that_of_sixteen_replicates():
    assert t_quantile() == pytest.approx(stats.t.ppf(0.975, 15), rel=1e-9)


@pytest.mark.parametrize("expected", np.geomspace(0.01, 1000, 41))
def test_a_probability_is_held_however_few_scenarios_show_it(expected):
    """A count k of independent ones is Poisson, with the error sqrt(k) and the floor: 93 % or more."""
    counts = np.arange(2000)
    error = np.hypot(np.sqrt(counts), resolution(1.0))
    held = abs(counts - expected) <= t_quantile() * error
    assert stats.poisson(expected).pmf(counts)[held].sum() >= 0.93


def test_no_hits_leave_three_scenarios_open():
    assert t_quantile() * share_error([0.0] * 16, 1000) == pytest.approx(0.003)
    spread = np.linspace(0.4, 0.6, 16)
    assert share_error(spread, 1e9) == pytest.approx(standard_error(spread))


@pytest.mark.parametrize("seed", range(8))
def test_an_atom_has_an_error_though_the_replicates_agree(seed):
    """Each replicate of 1,024 has one scenario of 1 in 1,000, or seldom two: that is no proof of 1 in 1,024."""
    asked = ["k > 0.5", "k > 2", "k < 2", "constant > 3"]
    told = run(load_priors(ATOM), scenarios=2**14, seed=seed, quantities=["y"], probability=asked)
    shares, errors = told.estimate("probability")
    assert abs(shares[0] - 0.001) <= t_quantile() * errors[0]
    assert shares[1:].tolist() == [0, 1, 1]
    assert errors[1:3] == pytest.approx(resolution(2**14))
    assert errors[3] == 0  # of constants
    mean, error = told.estimate("mean", quantity="y")
    assert abs(mean - 0.001) <= t_quantile() * error
    assert error >= resolution(2**14) * 0.999


def test_percentiles_of_one_stratified_input_are_held():
    """Between 93 and 98 %, beyond what chance takes: the error is that of one scenario a replicate in a stratum."""
    seeds, quantile = 400, stats.norm(10, 2).ppf
    counts = held(quantile, [5.1, 30.2, 95.3, 98.9], seeds, stratified=True)
    assert (counts >= stats.binom.ppf(FALSE_ALARM, seeds, 0.93)).all(), counts
    assert (counts <= stats.binom.isf(FALSE_ALARM, seeds, 0.98)).all(), counts


def test_percentiles_of_independent_draws_are_held():
    seeds = 400
    counts = held(stats.norm(10, 2).ppf, [5, 50, 95, 99], seeds, stratified=False)
    assert (counts >= stats.binom.ppf(FALSE_ALARM, seeds, 0.93)).all(), counts
    assert (counts <= stats.binom.isf(FALSE_ALARM, seeds, 0.97)).all(), counts


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("quantile", [stats.norm(10, 2).ppf, stats.lognorm(2).ppf])
def test_percentiles_with_few_scenarios_beyond_are_held(quantile, stratified):
    """With 10 to 60 of 4,096 beyond, less than one to four of a replicate: as often as any other."""
    seeds = 100
    far = np.array([10.3, 18.0, 60.5]) / (16 * EACH) * 100
    counts = held(quantile, [*far, *(100 - far)], seeds, stratified=stratified)
    assert (counts >= stats.binom.ppf(FALSE_ALARM, seeds, 0.93)).all(), counts
    if not stratified:  # of one input's net some percentiles are known better than can be said
        assert (counts <= stats.binom.isf(FALSE_ALARM, seeds, 0.97)).all(), counts


@pytest.mark.parametrize("beyond", np.geomspace(1e-3, 9.9, 30))
def test_bounds_hold_in_95_percent_however_few_scenarios_lie_beyond(beyond):
    """The values are uniforms, of which a Poisson count lies beyond the percentile."""
    scenarios = 2**14
    sides, at = bounds([100 * beyond / scenarios, 50, 100 - 100 * beyond / scenarios], scenarios)
    assert sides.tolist() == ["<=", "", ">="]
    assert at[1] == 50
    assert at[0] == pytest.approx(100 - at[2])
    order = at[0] / 100 * scenarios + 0.5  # the value, from the end
    assert order == pytest.approx(round(order))
    assert stats.poisson(beyond).sf(round(order) - 1) <= 0.05
    assert round(order) == 1 or stats.poisson(beyond).sf(round(order) - 2) > 0.05  # and none nearer


def test_no_bound_is_told_of_less_than_it_takes():
    """Of two scenarios not even the greatest is below their P99 with 95 %: order statistics end."""
    sides, at = bounds([40, 99], 2)
    assert sides.tolist() == ["<=", ">="]
    assert np.isnan(at[0])
    assert at[1] == pytest.approx(75)
    assert bounds([5, 95], 200).sides.tolist() == ["", ""]
    assert bounds([5, 95], 199).sides.tolist() == ["<=", ">="]


def test_the_edge_of_a_stratum_is_held():
    """Every replicate has as many scenarios below the median; where it lies between two is open all the same."""
    assert held(stats.uniform.ppf, [50], 100, stratified=True)[0] >= stats.binom.ppf(FALSE_ALARM, 100, 0.93)


def test_an_atom_at_a_percentile_reaches_to_its_neighbour():
    """Of a fair coin 0 or 1 is the median, by chance: the interval holds both; other percentiles are exact."""
    random = np.random.default_rng(3)
    band = banded(random.integers(0, 2, (16, EACH)).astype(float), percentiles([25, 50, 75]))
    below, at, above = (t_quantile() * band.error("percentiles")).tolist()
    assert (below, above) == (0, 0)
    assert at >= 1 - 1e-9


def test_errors_of_percentiles_are_of_the_effective_scenarios():
    """Weights of a quarter for all are no fewer scenarios."""
    columns = np.random.default_rng(4).normal(size=(16, EACH))
    plain = banded(columns, percentiles([50]))
    weighted = banded(columns, percentiles([50]), weights=np.full(EACH, WEIGHT // 4))
    assert weighted.summary.effective == pytest.approx(16 * EACH)
    assert weighted.error("percentiles") == pytest.approx(plain.error("percentiles"), rel=1e-6)


def test_replicates_of_a_percentile_stand_for_its_error():
    columns = np.random.default_rng(6).normal(size=(16, 4096))
    band = banded(columns, percentiles([10, 50]))
    values = np.asarray(band.replicates("percentiles"))
    assert values.mean(axis=0) == pytest.approx(band.value("percentiles"), abs=0.01)
    assert standard_error(values) == pytest.approx(band.error("percentiles"), rel=0.05)


def test_gaps_between_values_are_unresolved():
    """Of 0 and 1 the mean is as open as the share; of values close together hardly anything is."""
    summary = summary_of([0.0] * 90 + [1.0] * 10)
    assert unresolved(summary, MEAN.influence) == pytest.approx(resolution(100))
    assert unresolved(summary, SD.influence) == pytest.approx(resolution(100) * (0.9**2 - 0.1**2) / (2 * 0.3))
    assert unresolved(summary_of([5.0] * 100), MEAN.influence) == 0


def test_skewness_widens_beyond_its_own_error():
    symmetric, skewed = np.linspace(-1, 1, 16), np.r_[np.zeros(15), 1.0]
    assert widened_error(symmetric) == pytest.approx(standard_error(symmetric))
    assert widened_error([3.0] * 16) == 0
    t = t_quantile()
    excess = stats.skew(skewed) - np.sqrt(6 / 16)
    widened = 1 + excess * (1 + 2 * t**2) / (24 * t)
    assert widened_error(skewed) == pytest.approx(standard_error(skewed) * widened)
    assert widened_error(-skewed) == pytest.approx(widened_error(skewed))


def test_a_tail_is_what_few_scenarios_have():
    """Sixteen scenarios of 1,000 that have all, or each its 1.6 %; of an atom, how often it occurs is all to know."""
    spikes = np.r_[np.linspace(-1e-9, 1e-9, 984), np.linspace(90, 110, 16)]
    found = tail(summary_of(spikes), MEAN.influence)
    assert found.share > 0.95
    assert found.kurtosis == pytest.approx(stats.kurtosis(spikes), rel=1e-2)
    even = tail(summary_of(np.linspace(0, 1, 1000)), MEAN.influence)
    assert even.share == pytest.approx(0.048, rel=0.02)
    assert even.kurtosis == pytest.approx(-1.2, abs=0.01)
    assert tail(summary_of([0.0] * 984 + [100.0] * 16), MEAN.influence).share == 0
    assert tail(summary_of([7.0] * 9), MEAN.influence) == (0, 0)
    for few in (62, 63, 64):  # fewer, as many and more than are looked at first, beside an atom
        assert tail(summary_of(np.r_[np.arange(float(few)), [1e3] * 5]), MEAN.influence).share > 0


def test_the_sixteen_farthest_have_the_less_the_more_scenarios_there_are():
    """About as many as steps are looked at, too."""
    shares = [tail(summary_of(np.geomspace(1, 1e3, count)), MEAN.influence).share for count in range(60, 70)]
    assert sorted(shares, reverse=True) == shares


@pytest.mark.parametrize(("sigma", "expected"), [(0.3, ()), (2.5, ("mean", "standard deviation", "mean beyond P95"))])
def test_a_heavy_tail_is_said_of_each_statistic_that_rests_on_it(sigma, expected):
    columns = np.exp(sigma * np.random.default_rng(8).normal(size=(16, 1024)))
    assert banded(columns, percentiles([50]), MEAN, SD, expected_shortfall(95)).rare(net=False) == expected


def test_ends_of_shortest_intervals_are_set_against_the_whole():
    ends = [np.array([0.0, 10.0]), np.array([2.0, 10.0])] * 8
    one = np.sqrt(16 / 15) / 16 ** (1 / 4)
    assert interval_error(ends, np.array([1.0, 12.0])) == pytest.approx([one, 2 * one])
    columns = np.random.default_rng(9).normal(size=(16, 1024))
    band = banded(columns, shortest(95))
    assert (band.error("shortest") > 0).all()
    assert (band.error("shortest") < 0.2).all()


def test_a_scenario_beyond_the_percentile_adds_its_excess_to_the_tail_mean():
    """By the share of the tail: ten times of a tenth."""
    statistic, summary = expected_shortfall(90), summary_of(np.arange(1000.0))
    below, at, beyond = statistic.influence(summary, np.array([10.0, 950.0, 960.0]))
    assert below == 0
    assert beyond - at == pytest.approx(100)
