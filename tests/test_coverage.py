"""How often the 95 % intervals hold the truth: a sample of the counts in benchmarks/coverage.md, or all of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from scipy import stats

from simulate.runs.precision import t_quantile

PATH = Path(__file__).parent.parent / "benchmarks" / "coverage.py"
FALSE_ALARM = 0.01  # of all statistics of a scheme together


def known_to_be_small(scheme: str, quantity: str, statistic: str) -> bool:
    """Whether errors are too small by the measurement in benchmarks/coverage.md, of which `run` warns."""
    if scheme == "sobol" and (quantity.startswith("one_") or (quantity, statistic) == ("correlated", "mean")):
        return True
    return (quantity, statistic) == ("one_heavy", "mean")


@pytest.fixture(scope="module")
def coverage():
    specification = importlib.util.spec_from_file_location("coverage", PATH)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("scheme", ["random", "sobol"])
@pytest.mark.parametrize("replications", [60, pytest.param(2000, marks=pytest.mark.long)])
def test_intervals_hold_the_truth_as_often_as_stated(coverage, scheme, replications):
    exact = coverage.truths()
    atoms = {key for key in exact if key[0] == "dice" and key[1] != "mean"}  # exact, or the neighbouring atom
    kept = [key for key in exact if key not in atoms and not known_to_be_small(scheme, *key)]
    held = dict.fromkeys(kept, 0)
    for seed in range(1, replications + 1):
        found = coverage.estimates(scheme, seed)
        for key in kept:
            value, error = found[key]
            held[key] += abs(value - exact[key]) <= t_quantile() * error
    # at least 93 % of intervals hold it, beyond what chance takes from so many
    least = stats.binom.ppf(FALSE_ALARM / len(kept), replications, 0.93)
    assert len(kept) >= 10
    assert {key: count for key, count in held.items() if count < least} == {}
