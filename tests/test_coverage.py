"""How often the 95 % intervals hold the truth: a sample of the counts in benchmarks/coverage.md, or all of them."""

from __future__ import annotations

import pytest

from benchmarks import coverage


@pytest.mark.parametrize(
    ("scheme", "replications"),
    [("random", 5), *(pytest.param(scheme, 2000, marks=pytest.mark.long) for scheme in ("random", "sobol"))],
)
def test_intervals_hold_the_truth_as_often_as_stated(scheme, replications):
    """Between 93 and 97 % beyond what chance does, at a false alarm of 1 % of all cells, save those warned of."""
    cells = coverage.measure(replications, (scheme,))
    assert len(cells) > 100
    assert [cell for cell in cells if cell.outside(len(cells)) and not cell.is_marked] == []


def test_what_rests_on_rare_scenarios_is_read_from_the_result():
    rare = {"a": ["mean", "standard deviation"], "b": ["standard deviation"]}
    assert {*coverage.warned(rare)} == {("a", "mean"), ("a", "sd"), ("b", "sd")}
