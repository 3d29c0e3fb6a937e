"""Compiled loops: the same bits as numpy's, in whatever is drawn and counted; and runs without numba."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_draw_tables import SCORES, WORDS, every_table
from test_metamorphic import hashed

import simulate
from simulate.compiled import LEAST, SWITCH, compilable, kernels, prepare
from simulate.distributions import distribution
from simulate.errors import SimulateError
from simulate.machine import processors
from simulate.rulers import Bits, Knots
from simulate.sampling.schemes import SCHEMES
from simulate.sampling.tables import at_scores, at_words, score_table, uniform_table
from simulate.summary import MOST_WEIGHT

SCENARIOS = 2**17  # enough for rulers
LONG = LEAST * processors()
GREATEST = float(np.finfo(np.float64).max)


def in_both(monkeypatch, work):
    """What work gives by numpy's forms, and by the compiled ones."""
    found = []
    for switch in "01":
        monkeypatch.setenv(SWITCH, switch)
        prepare(SCENARIOS)
        found.append(work())
    return found


@pytest.fixture
def both(monkeypatch):
    """The same for a test's own work."""
    return lambda work: in_both(monkeypatch, work)


def assert_same_bits(one, other):
    assert one.dtype == other.dtype
    assert one.tobytes() == other.tobytes()


@every_table
def test_draws_have_the_same_bits(both, family, parameters):
    made = distribution(family, parameters)
    words = np.concatenate([WORDS, np.array([0, 1, 2**31 - 1, 2**31, 2**32 - 1], np.uint32)])
    scores = np.concatenate([SCORES, [-40, -8.5, -0.0, 0.0, 8.5, 40]])
    assert_same_bits(*both(lambda: at_words(uniform_table(made), words)))
    assert_same_bits(*both(lambda: at_scores(score_table(made), scores)))


RULERS = [
    Bits(),
    Bits(1024 * 1000, 1024 * 50, by_value=False),
    Knots(np.array([3.0])),
    Knots(np.array([-1.0, 0.0, 1e-300, 1.0, 1.5, 1e9])),
    Knots(np.sort(np.random.default_rng(1).standard_cauchy(1000))),
    Knots(np.array([-GREATEST, 0.0, 1.0, GREATEST])),
    Knots(np.array([-GREATEST, GREATEST])),
]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([*RULERS[3].knots.tolist(), 0.1, 1.2, 3.0])
WEIGHTS = st.integers(1, MOST_WEIGHT)


@pytest.mark.parametrize("ruler", RULERS, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
@settings(max_examples=30, deadline=None)
@given(drawn=st.lists(st.tuples(NUMBERS, WEIGHTS), min_size=1, max_size=600))
def test_counts_are_the_same(ruler, weighted, drawn):
    values, weights = (np.array(each, kind) for each, kind in zip(zip(*drawn, strict=True), (float, int), strict=True))

    def counted():
        counts = np.zeros(ruler.cells, np.int64)
        cells, times = ruler.count(values, weights if weighted else None, counts)
        order = np.lexsort((times, cells))
        return np.concatenate([counts, cells[order], times[order]])

    with pytest.MonkeyPatch.context() as patch:
        assert_same_bits(*in_both(patch, counted))


PRIORS = """
model = "none"
[priors]
a = {dist = "normal", mean = 0, sd = 1}
b = {dist = "lognormal", p5 = 1, p95 = 9}
c = {dist = "student_t", df = 0.7, location = 0, scale = 1}
d = {dist = "choice", values = [1, 2, 1000], weights = [1, 1, 1e-4]}
e = {dist = "mixture", components = [{dist = "uniform", lower = 0, upper = 1}, {dist = "normal", mean = 9, sd = 1}]}
f = {dist = "beta", alpha = 0.1, beta = 2}
g = {dist = "choice", values = [1, 3, 4, 5]}
k = {value = 8}
[correlations]
a.b = 0.5
b.c = -0.7
a.c = -0.2
[quantities]
signed = {formula = "a * b - c"}
wide = {formula = "exp(c)"}
few = {formula = "d + g * k"}
broken = {formula = "log(a) + sqrt(e - 1) + 1 / (g - 1)"}
plain = {formula = "b * e * f"}
same = {formula = "k ** 2"}
"""
QUANTITIES = ["signed", "wide", "few", "broken", "plain", "same"]
ASKED = {
    "sobol": {"statistics": ["shortest 95", "expected_shortfall 95"]},
    "random": {"given": ["signed > P20"], "observe": ["plain = 3 +- 50%"], "probability": ["few > 3"]},
    "latin_hypercube": {"scenarios": 2000},
}
assert ASKED.keys() == SCHEMES.keys()


@pytest.mark.parametrize(("scheme", "asked"), ASKED.items(), ids=ASKED)
def test_runs_have_the_same_bits(both, scheme, asked):
    priors, asked = simulate.load_priors(PRIORS), {"scenarios": SCENARIOS, "quantities": QUANTITIES, **asked}
    one, other = both(lambda: simulate.run(priors, scheme=scheme, **asked))
    assert hashed(one) == hashed(other)


@pytest.fixture
def by_numpy():
    """A loop whose form of numpy's does another thing than the compiled one, to tell them apart."""

    @compilable(kernels.add_multiple)
    def other(total, factor, column):
        total *= 3 * factor + column

    def by_numpy(total):
        other(total, 1.0, np.zeros(len(total)))
        return total.tolist() == [3.0, 3.0]

    return by_numpy


@pytest.mark.parametrize(
    ("switch", "scenarios", "compiled"), [("1", 1, True), ("0", LONG, False), ("", LONG, True)], ids=str
)
def test_compiled_forms_are_in_use_where_that_pays(monkeypatch, by_numpy, switch, scenarios, compiled):
    monkeypatch.setenv(SWITCH, switch)
    prepare(scenarios)
    assert by_numpy(np.ones(2)) != compiled


def test_arrays_with_gaps_go_to_numpy(both, by_numpy):
    assert both(lambda: by_numpy(np.ones(4)[::2])) == [True, True]


def test_a_switch_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv(SWITCH, "yes")
    with pytest.raises(SimulateError, match=r"^SIMULATE_COMPILED is 'yes'; set it to 0 for no run, 1 for every run"):
        prepare(1)


WITHOUT = f"""
import sys
sys.modules["numba"] = None  # as where it is not installed
from simulate.compiled import prepare
prepare({LONG})
import os
os.environ["{SWITCH}"] = "1"
prepare(1)
"""


def test_without_numba_a_long_run_is_numpys_and_who_asks_for_more_is_told():
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False).stderr
    assert told.count("Traceback") == 1
    said = told.splitlines()[-1].removeprefix("simulate.errors.SimulateError: ")
    assert said.startswith("SIMULATE_COMPILED is 1, but numba cannot be used (")
    assert said.endswith("); pip install 'llm-cost-simulate[fast]', or take SIMULATE_COMPILED away")
