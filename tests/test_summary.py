"""Summaries: exact merging, bounded bins, moments and percentiles against numpy on the values themselves."""

from __future__ import annotations

import numpy as np
import pytest

from simulate.rulers import Knots
from simulate.summary import Summary

PERCENTS = [1, 5, 25, 50, 75, 95, 99]
SIZE = 2**12
GENERATOR = np.random.default_rng(20230214)
COLUMNS = {
    "lognormal": GENERATOR.lognormal(10, 2, 16 * SIZE),
    "normal": GENERATOR.normal(size=16 * SIZE),
    "mostly zero": np.where(GENERATOR.random(16 * SIZE) < 0.7, 0.0, GENERATOR.normal(size=16 * SIZE)),
    "negative": -GENERATOR.exponential(size=16 * SIZE),
    "few values": GENERATOR.integers(-4, 5, 16 * SIZE).astype(float),
    "many whole numbers": np.ceil(GENERATOR.lognormal(7, 1, 16 * SIZE)),
    "constant": np.full(16 * SIZE, 30_381.9),
    "zero": np.zeros(16 * SIZE),
    "turns continuous": np.concatenate([np.ones(8 * SIZE), GENERATOR.normal(5, 1, 8 * SIZE)]),
}


def summarized(column: np.ndarray) -> Summary:
    summary = Summary()
    for chunk in column.reshape(-1, SIZE):
        summary.add(chunk, SIZE)
    return summary.finish()


@pytest.mark.parametrize("name", COLUMNS)
def test_percentiles_of_no_more_than_the_most_values_are_exact(name):
    """Those of the step function where values repeat, else halfway between its steps."""
    column = COLUMNS[name]
    repeats = 2 * len(np.unique(column)) <= len(column)
    exact = np.percentile(column, PERCENTS, method="inverted_cdf" if repeats else "hazen")
    assert summarized(column).percentiles(PERCENTS) == pytest.approx(exact, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", COLUMNS)
def test_moments_and_extremes(name):
    column = COLUMNS[name]
    summary = summarized(column)
    assert summary.count == len(column)
    assert (summary.minimum, summary.maximum) == (column.min(), column.max())
    assert summary.mean == pytest.approx(column.mean(), rel=1e-13, abs=1e-15 * np.abs(column).max())
    assert summary.sd == pytest.approx(column.std(), rel=1e-11, abs=1e-9 * np.abs(column).max())


@pytest.mark.parametrize("name", COLUMNS)
def test_merging_gives_the_percentiles_of_the_whole_to_the_bit(name):
    column = COLUMNS[name]
    whole = summarized(column)
    merged = Summary()
    for part in column.reshape(4, -1):
        merged.merge(summarized(part))
    assert merged.percentiles(PERCENTS).tolist() == whole.percentiles(PERCENTS).tolist()
    assert merged.mean == pytest.approx(whole.mean, rel=1e-14, abs=1e-15)
    assert merged.sd == pytest.approx(whole.sd, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_merged_into_an_empty_summary_stays_as_it_is(name):
    column = COLUMNS[name]
    first, merged = summarized(column[:SIZE]), Summary()
    before = first.percentiles(PERCENTS).tolist(), first.mean, first.sd, first.count
    merged.merge(first)
    merged.merge(summarized(column[SIZE:]))
    assert merged.count == len(column)
    assert (first.percentiles(PERCENTS).tolist(), first.mean, first.sd, first.count) == before


def test_a_constant_is_itself():
    summary = summarized(COLUMNS["constant"])
    assert summary.percentiles(PERCENTS).tolist() == [30_381.9] * len(PERCENTS)
    assert summary.mean == 30_381.9
    assert summary.sd == 0


def test_a_float_stands_for_a_chunk_of_equal_values():
    summary = Summary()
    summary.add(2.5, SIZE)
    summary.add(np.full(SIZE, 3.5), SIZE)
    summary.finish()
    assert summary.count == 2 * SIZE
    assert summary.mean == 3.0
    assert summary.percentiles([25, 75]).tolist() == [2.5, 3.5]


def test_a_float_stands_for_as_many_values_among_values_of_all_kinds_too():
    column = COLUMNS["normal"][:SIZE]
    by_float, by_array = summarized_once(column), summarized_once(column)
    for summary, more in ((by_float, 0.5), (by_array, np.full(SIZE, 0.5))):
        summary.add(more, SIZE)
        summary.finish()
    assert by_float.percentiles(PERCENTS).tolist() == by_array.percentiles(PERCENTS).tolist()
    assert by_float.mean_beyond(95) == by_array.mean_beyond(95)


def test_merging_leaves_the_other_summary_as_it_was():
    other, merged = summarized(COLUMNS["few values"]), summarized(COLUMNS["normal"])
    before = other.percentiles(PERCENTS).tolist()
    merged.merge(other)
    again = summarized(COLUMNS["normal"])
    again.merge(other)
    assert again.percentiles(PERCENTS).tolist() == merged.percentiles(PERCENTS).tolist()
    assert other.percentiles(PERCENTS).tolist() == before


def test_few_distinct_values_have_exact_percentiles():
    column = COLUMNS["few values"]
    exact = np.percentile(column, PERCENTS, method="inverted_cdf")
    assert summarized(column).percentiles(PERCENTS).tolist() == exact.tolist()


def test_no_octave_is_dropped():
    """Of values over 600 decades the percentiles are those values, however small beside the largest."""
    column = 10.0 ** GENERATOR.uniform(-300, 300, 2**17)
    exact = np.percentile(column, PERCENTS, method="inverted_cdf")
    assert summarized(column).percentiles(PERCENTS) == pytest.approx(exact, rel=2**-9)
    assert summarized(-column).percentiles(PERCENTS) == pytest.approx(
        -np.percentile(column, 100 - np.array(PERCENTS), method="higher"), rel=2**-9
    )


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-160, 1.0, 1e160, 1e300])
@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_moments_neither_overflow_nor_vanish(scale, shift):
    column = (GENERATOR.normal(shift, 1, 4 * SIZE)) * scale
    merged = Summary()
    for part in column.reshape(4, -1):
        merged.merge(summarized(part))
    plain = column / scale
    for summary in (summarized(column), merged):
        assert summary.mean / scale == pytest.approx(plain.mean(), abs=1e-12)
        assert summary.sd / scale == pytest.approx(plain.std(), rel=1e-9)


@pytest.mark.filterwarnings("error")
def test_moments_and_percentiles_at_both_ends_of_the_floats():
    column = np.tile([-1.7e308, 1.7e308], SIZE) * GENERATOR.uniform(0.5, 1, 2 * SIZE)
    summary = summarized(column)
    assert abs(summary.mean) < 1e307
    assert summary.sd == pytest.approx(1.7e308 * np.sqrt(7 / 12), rel=0.01)  # of a uniform from 0.5 to 1, its square
    exact = np.percentile(column / 2, [1, 99], method="hazen")  # halves do not overflow between two
    assert summary.percentiles([1, 99]) / 2 == pytest.approx(exact, rel=1e-12)
    assert np.isfinite(summary.mean_beyond(95))
    assert summary.shortest_interval(40)[1] < 0 or summary.shortest_interval(40)[0] > 0


def test_a_rare_large_value_after_small_ones_keeps_the_moments():
    """The first chunk does not know how large it will get."""
    summary = Summary()
    summary.add(GENERATOR.normal(size=SIZE), SIZE)
    summary.add(np.full(SIZE, 1e200), SIZE)
    summary.finish()
    assert summary.mean == pytest.approx(5e199)
    assert summary.sd == pytest.approx(5e199)


def test_nan_and_infinity_are_counted_and_left_out():
    column = GENERATOR.normal(size=SIZE)
    column[[1, 5, 9]] = np.nan, np.inf, -np.inf
    summary = summarized(column)
    assert summary.nonfinite == 3
    assert summary.count == SIZE - 3
    assert np.isfinite(summary.mean)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_float_that_is_no_number_counts_for_all_that_it_stands_for(value):
    column = COLUMNS["normal"][:SIZE]
    summary = summarized_once(column)
    summary.add(value, 3 * SIZE)
    summary.finish()
    assert (summary.nonfinite, summary.count) == (3 * SIZE, SIZE)
    assert summary.mean == summarized(column).mean
    merged = Summary()
    merged.merge(summary)
    merged.merge(summary)
    assert (merged.nonfinite, merged.count) == (6 * SIZE, 2 * SIZE)


def test_a_constant_of_which_two_are_too_large_to_add_is_finite():
    summary = Summary()
    summary.add(1.2e308, SIZE)
    assert (summary.count, summary.nonfinite) == (SIZE, 0)


def test_nothing_but_nan_has_no_percentiles():
    summary = summarized(np.full(SIZE, np.nan))
    assert summary.count == 0
    assert np.isnan(summary.percentiles([50])).all()


def sorted_shortest(column, percent):
    """JCGM 101:2008, 7.7 on the sorted values: the shortest of the intervals from the r-th to the (r + q)-th."""
    values = np.sort(column)
    held = int(np.ceil(percent / 100 * len(values)))
    begin = np.argmin(values[held - 1 :] - values[: len(values) - held + 1])
    return values[[begin, begin + held - 1]]


@pytest.mark.parametrize("percent", [50, 95, 99.5])
@pytest.mark.parametrize("name", COLUMNS)
def test_the_shortest_interval_is_as_short_as_that_of_the_sorted_values(name, percent):
    column = COLUMNS[name]
    lower, upper = summarized(column).shortest_interval(percent)
    exact = sorted_shortest(column, percent)
    # either end lies in a bin, at most 2^-10 wide relative to its own magnitude
    width = 2**-10 * (abs(lower) + abs(upper) + np.abs(exact).sum())
    assert abs((upper - lower) - (exact[1] - exact[0])) <= width
    inside = np.mean((column >= lower - abs(lower) * 2**-10) & (column <= upper + abs(upper) * 2**-10))
    assert inside >= percent / 100 - 1 / len(column)


def test_the_shortest_interval_of_few_values_is_exact():
    column = np.repeat([1.0, 2.0, 3.0, 10.0], [1, 45, 45, 9])
    assert summarized_once(column).shortest_interval(90).tolist() == [2, 3]
    assert summarized_once(column).shortest_interval(91).tolist() == [1, 3]
    assert summarized_once(column).shortest_interval(95).tolist() == [2, 10]
    assert summarized(COLUMNS["constant"]).shortest_interval(95).tolist() == [30_381.9] * 2


def test_the_shortest_interval_may_begin_where_a_step_begins():
    """Of a density that falls at once: at the least value, wherever the other ends lie."""
    summary = Summary(Knots(np.array([0.0, 1.0, 100.0])))
    summary.add(np.concatenate([np.linspace(0.001, 0.999, 600), np.linspace(1.1, 99.9, 400)]), 1000)
    lower, upper = summary.finish().shortest_interval(60)
    assert (lower, upper) == pytest.approx((0.001, 1.0), abs=0.04)
    lower, upper = summary.shortest_interval(70.05)  # which ends inside a step
    assert lower == pytest.approx(0.001, abs=1e-9)


def test_the_shortest_interval_of_an_exponential_begins_at_its_mode():
    summary = summarized(COLUMNS["negative"])
    lower, upper = summary.shortest_interval(95)
    # -x is exponential: the interval reaches from log(0.05) to 0
    assert upper == summary.maximum or abs(upper) < 2**-10
    share = np.sqrt(0.05 * 0.95 / summary.count) / 0.05  # standard error of the quantile
    assert abs(lower - np.log(0.05)) < 5 * share


def test_nothing_has_no_shortest_interval():
    assert np.isnan(Summary().finish().shortest_interval(95)).all()


def summarized_once(column: np.ndarray) -> Summary:
    summary = Summary()
    summary.add(column, len(column))
    return summary.finish()
