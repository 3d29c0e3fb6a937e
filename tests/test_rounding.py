"""What varies and what is equal: bounds of rounding against 60 digits, and every question that asks."""

from __future__ import annotations

from itertools import product

import mpmath as mp
import numpy as np
import pytest

from simulate.comparison import compare
from simulate.comparison.report import sections as compared
from simulate.decisions import decide
from simulate.formulas import formula
from simulate.layout import laid_out, plain
from simulate.rounding import Rounded
from simulate.runs import run
from simulate.runs.report import sections
from simulate.sensitivity.tornado import tornado

RANDOM = np.random.default_rng(7)
COUNT = 40
EXACT = {
    "sqrt": mp.sqrt, "exp": mp.exp, "log": mp.log, "log10": mp.log10, "log1p": mp.log1p, "expm1": mp.expm1,
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "tanh": mp.tanh, "arcsin": mp.asin, "arccos": mp.acos,
    "arctan": mp.atan, "abs": abs, "min": min, "max": max, "clip": lambda x, low, high: min(max(x, low), high),
    "floor": mp.floor, "ceil": mp.ceil, "round": mp.nint, "sign": mp.sign, "where": lambda c, x, y: x if c else y,
}  # fmt: skip
SHARES = "sin(a) * cos(b) + tan(a) - tanh(b) + arcsin(a) * arccos(b) + arctan(a)"
TEXTS = [
    "a + b - a - b + 1",
    "a / (a + b) + b / (a + b)",
    "a * b / a - b",
    "(a + 1e9) - 1e9 - a",
    "sqrt(a) ** 2 - a",
    "sqrt(a + b - a)",
    "exp(log(a)) - a",
    "log(a * b) - log(a) - log(b)",
    "log10(a) * log1p(b) - expm1(a)",
    "a ** b - b ** a",
    "a ** 3 - a * a * a",
    "(-a) ** 3",
    "min(a, b) + max(a, b) - clip(a, 0.2, 0.8)",
    "where(a > b, a - b, b * 1e8)",
    "abs(a - b) * -b",
    "a - b * floor(a / b)",
    "1 / (a - b)",
    SHARES,
]


def exactly(text, **values):
    with mp.workdps(60):
        return eval(text, {**EXACT, **{name: mp.mpf(value) for name, value in values.items()}})


def bounded(text, **rounded):
    compiled = formula(text)
    return compiled(*[rounded[name] for name in compiled.names])


@pytest.mark.parametrize("relative", [0, 1e-12])
@pytest.mark.parametrize("text", TEXTS)
def test_what_is_exact_lies_within_the_bounds(text, relative):
    """With draws that are off by as much as they say; the bounds are no wider than a few hundred times that is."""
    a, b = RANDOM.uniform(0.1, 0.9, (2, COUNT))
    found = bounded(text, a=Rounded(a, relative * a), b=Rounded(b, relative * b))
    off = [mp.mpf(relative) * sign for sign in (-1, 1)]
    for place, (first, second) in product(range(COUNT), product(off, off)):
        with mp.workdps(60):
            exact = exactly(text, a=mp.mpf(a[place]) * (1 + first), b=mp.mpf(b[place]) * (1 + second))
            assert abs(exact - mp.mpf(float(found[place]))) <= mp.mpf(float(found.error[place]))
    parts = max(1e9 if "1e9" in text else 1e8 if "1e8" in text else 1, float(np.abs(found).max()))
    assert np.median(found.error) <= 500 * (relative + 2.0**-53) * parts


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1.0, 1e150, 1e300])
@pytest.mark.parametrize(
    "text", ["a + b - a - b", "a * 3 / 3 - a", "a * a / a - a", "a / b * b - a", "sqrt(a) * sqrt(a)"]
)
def test_bounds_hold_up_to_the_ends_of_floats(text, scale):
    a, b = RANDOM.uniform(1, 1.7, (2, COUNT)) * scale
    found = bounded(text, a=Rounded(a, 0.0), b=Rounded(b, 0.0))
    for place in np.flatnonzero(np.isfinite(found)).tolist():
        with mp.workdps(60):
            off = abs(exactly(text, a=a[place], b=b[place]) - mp.mpf(float(found[place])))
            assert off <= mp.mpf(float(found.error[place]))


def test_what_has_no_value_at_the_end_of_a_bound_is_not_known():
    zero = Rounded(np.array([1e-17]), 1e-16)
    for text in ("log(a)", "1 / a", "a ** -1", "a % a", "arcsin(a + 1)"):
        assert bounded(text, a=zero).error[0] > 1e15 or text == "a % a", text
    assert bounded("sqrt(a)", a=zero).error[0] < 1e-7


@pytest.mark.parametrize("text", ["a < b", "a == b", "where(a > b, 1, 2)", "floor(a)", "round(3 * a)", "sign(a - b)"])
def test_comparisons_and_steps_keep_their_meaning(text):
    a, b = RANDOM.uniform(0.1, 0.9, (2, COUNT))
    found = bounded(text, a=Rounded(a, 1e-3), b=Rounded(b, 1e-3))
    assert not np.any(getattr(found, "error", 0.0))
    assert np.array_equal(np.asarray(found), bounded(text, a=a, b=b))


PRIORS = """
model = "none"
[priors]
a = {dist = "lognormal", p5 = 1, p95 = 7}
b = {dist = "lognormal", p5 = 2, p95 = 5}
n = {dist = "normal", mean = 0, sd = 1}
wide = {dist = "lognormal", median = 1e20, sigma = 9}
k = {dist = "choice", values = [0, 1], weights = [95, 5]}
u = {dist = "uniform", lower = 0, upper = 1}
"""
USED = '[quantities.used]\nformula = "a + b + n + wide + k + u"\n'
SAME = {
    "shares that sum to 1": "a / (a + b) + b / (a + b)",
    "a sum of what cancels": "a + b - a - b + 1",
    "nothing but what cancels": "a + b - a - b",
    "magnified": "(a + b - a - b) * 1e30",
    "large numbers beside small ones": "(n + 1e8) - 1e8 - n",
    "logarithms": "log(a * b) - log(a) - log(b)",
    "a power and its root": "sqrt(a) ** 2 / a",
    "a root of what cancels": "sqrt(abs(a - a * b / b))",
    "circles": "sin(n) ** 2 + cos(n) ** 2",
    "near the largest float": "1e300 * a - 1e300 * a * 3 / 3",
    "near the smallest float": "a * 1e-300 * b / b / a / 1e-300",
    "of many magnitudes": "wide + b - wide - b",
    "behind a step": "where(u < 0.5, a - a * b / b, b - b * a / a)",
}
VARYING = {
    "a little on much": "1e15 + u",
    "parts in a million million": "1 + 1e-12 * u",
    "small alone": "1e-300 * u",
    "tiny beside what cancels": "(n + 1e8) - 1e8 - 0.999 * n",
    "an event": "k * 1e6 + 1",
    "an event that moves little": "k * 1e-15 + 1",
    "a comparison of what cancels": "a + b - a - b == 0",
    "a step": "floor(a)",
    "rarely": "where(n > 3, 2, 1)",
}


@pytest.fixture
def asking(load):
    """Priors of which `y` is a formula, and what else the text says."""
    return lambda text, more="": load(PRIORS + more + USED + f'[quantities.y]\nformula = "{text}"\n')


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_is_the_same_but_for_rounding_does_not_vary(asking, text):
    result = run(asking(text), quantities=["y"], scenarios=2**16)
    assert result.at("minimum", quantity="y") == result.at("maximum", quantity="y") == result.at("mean", quantity="y")
    assert result.at("sd", quantity="y") == 0
    assert not result.at("percentiles_se", quantity="y").any()
    told = plain(laid_out(sections(result)))
    assert "nothing varies" in told
    assert "More: simulate tornado" not in told


@pytest.mark.parametrize("text", VARYING.values(), ids=VARYING)
def test_what_is_more_than_rounding_varies(asking, text):
    result = run(asking(text), quantities=["y"], scenarios=2**16)
    assert result.at("minimum", quantity="y") < result.at("maximum", quantity="y")
    assert "nothing varies" not in plain(laid_out(sections(result)))


def test_what_cancels_in_the_scenarios_kept_alone_does_not_vary(asking):
    priors = asking("where(u < 0.5, a - a * b / b, a)")
    for condition, varies in (("u < 0.5", False), ("u < 0.6", True)):
        result = run(priors, given=[condition], quantities=["y"], scenarios=2**16)
        assert (result.at("sd", quantity="y") > 0) is varies


def test_perfectly_correlated_priors_leave_a_difference_that_does_not_vary(load):
    text = """model = "none"
    [priors]
    rev = {dist = "normal", mean = 10, sd = 2}
    cost = {dist = "normal", mean = 12, sd = 2}
    [quantities.profit]
    formula = "rev - cost"
    [correlations]
    rev.cost = {gaussian_copula = 1}
    """
    result = run(load(text), scenarios=2**16)
    assert result.at("sd", quantity="profit") == 0
    assert result.at("mean", quantity="profit") == pytest.approx(-2, rel=1e-14)


RARE = """
model = "none"
[priors]
e = {dist = "choice", values = [0, 1], weights = [999999, 1]}
still = {dist = "choice", values = [0, 1], weights = [999999, 1]}
[quantities.y]
formula = "1 + 1e6 * e + 0 * still"
"""


def test_an_event_that_no_scenario_shows_varies_and_is_told(load):
    result = run(load(RARE), scenarios=2**14)
    assert result.at("minimum", quantity="y") == result.at("maximum", quantity="y")
    told = plain(laid_out(sections(result)))
    assert "nothing varies" not in told
    (line,) = result.warnings
    assert line.startswith("e: a part of it has a probability of 0.0001 %, about 0.016 of 16,384 scenarios")
    assert line.endswith("ask for 16,000,000 --scenarios or more")


@pytest.mark.parametrize(("effect", "told"), [(20, True), (0.1, False)])
def test_a_rare_event_is_told_where_it_has_a_part_of_the_variance(load, effect, told):
    """Of 1 + p effect^2 it has the second part."""
    text = RARE.replace("[quantities.y]", 'n = {dist = "normal", mean = 0, sd = 1}\n[quantities.y]')
    text = text.replace("1e6 * e", f"{effect} * e + n").replace("[999999, 1]", "[99999, 1]")
    assert bool(run(load(text), scenarios=2**14).warnings) is told


def test_many_values_of_a_sample_are_no_rare_events(load):
    values = list(range(3000))
    text = f'model = "none"\n[priors.x]\ndist = "empirical"\nvalues = {values}\n[quantities.y]\nformula = "x"\n'
    assert run(load(text), scenarios=2**14).warnings == []


def both(mean, spread="sd = 2"):
    return f"""
[priors]
rev = {{dist = "normal", mean = {mean}, {spread}}}
cost = {{dist = "normal", mean = {mean}, {spread}}}
[quantities.profit]
formula = "rev - cost"
"""


@pytest.mark.parametrize("mean", [12, 1e3, -1e6, 1e9])
def test_a_difference_that_a_common_shift_leaves_is_equal(priors_of, mean):
    result = compare([priors_of("one", both(10)), priors_of("two", both(mean))], scenarios=2**16)
    at = {"quantity": "profit", "case": "two"}
    assert result.at("probability_lower", **at) == 0
    assert result.at("difference_minimum", **at) == result.at("difference_maximum", **at) == 0
    assert result.at("ratio_minimum", **at) == result.at("ratio_maximum", **at) == 1


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("other", ["a * 3 / 3", "a + 1e6 * b - 1e6 * b", "exp(log(a))"])
def test_a_bridge_has_no_part_of_what_rounding_changes_alone(priors_of, other, scale):
    text = PRIORS.removeprefix('\nmodel = "none"') + USED + "[quantities.cost]\nformula = "
    cases = [priors_of(name, f'{text}"{each}"\n') for name, each in (("one", "a"), ("two", other))]
    result = compare(cases, quantities=["cost"], bridge=[50, 95, "mean"], scale=scale, scenarios=2**14)
    assert not np.nan_to_num(result["bridge"]).any()
    assert "cost: from one to two" not in plain(laid_out(compared(result)))


def test_a_difference_of_more_than_rounding_is_told(priors_of):
    other = both(12) + '[quantities.beside]\nformula = "rev"\n'
    result = compare(
        [priors_of("one", both(10)), priors_of("two", other.replace("rev - cost", "rev - cost - 1e-9"))],
        scenarios=2**14,
        quantities=["profit"],
    )
    assert result.at("probability_lower", quantity="profit", case="two") == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "a + 1e6 * b - 1e6 * b"), ("a * b", "exp(log(a) + log(b))"), ("a - a * b / b", "b - b * a / a")],
)
def test_choices_that_differ_by_rounding_tie(load, first, second):
    text = PRIORS + USED + f'[quantities.cost]\nformula = "{first}"\n[choices.one]\nlabel = "one"\n'
    text += f'[choices.two.quantities.cost]\nformula = "{second}"\n'
    result = decide(load(text), quantities=["cost"], scenarios=2**16)
    assert result.at("evpi") == 0
    assert not result["expected_regret"].any()
    assert not result["evppi"].any()
    assert np.array_equal(result["probability_best"], [0.5, 0.5])


def test_choices_that_differ_by_more_than_rounding_do_not_tie(load):
    text = PRIORS + USED + '[quantities.cost]\nformula = "a"\n[choices.one]\nlabel = "one"\n'
    text += '[choices.two.quantities.cost]\nformula = "a * (1 + 1e-13 * n)"\n'
    result = decide(load(text), quantities=["cost"], scenarios=2**16)
    assert result.at("evpi") > 0


def test_the_tornado_of_a_difference_of_large_numbers_is_of_what_varies(asking):
    priors = asking("(a + 1e6) - 1e6 + (b - b * n / n)")
    result = tornado(priors, quantities=["y"], method="sobol", scenarios=2**14)
    sizes = dict(zip(result.labels("prior"), result["size"][0].tolist(), strict=True))
    assert sizes["a"] == pytest.approx(1, rel=1e-6)
    assert max(sizes["b"], sizes["n"]) < 1e-12


FRACTIONS = """
f = {dist = "choice", values = [0.1, 0.2]}
[quantities.whole]
formula = "2 * k + floor(a) + 0 * round(f)"
"""


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("a == 3", True),
        ("a * 3 != 3", True),
        ("3 * f == 0.3", True),
        ("whole / 3 == 1", True),
        ("(k == 1) & (a + b == 2)", True),
        ("max(a, k) == 1", True),
        ("f == 0.1", False),
        ("k == 1", False),
        ("whole != 4", False),
        ("round(a) == 3", False),
        ("max(k, 1) * 3 - 1 == 2", False),
        ("where(a > 1, k, 2) == 2", False),
        ("(a > 1) == (b > 1)", False),
        ("k // 2 == 0", False),
        ("abs(a - b) < 1", False),
    ],
)
def test_check_warns_of_equality_that_rounding_decides(asking, command, condition, told):
    priors = asking(f"where({condition}, 1, 2)", FRACTIONS)
    code, out, _ = command("check", priors.path)
    assert code == 0
    assert ("whether computed numbers are equal is decided by rounding" in " ".join(out.split())) is told
    closing = "nothing is wrong but for 1 warning: Warning: y: " if told else "nothing is wrong. "
    assert closing in " ".join(out.split())


@pytest.mark.parametrize("option", ["probability", "given"])
def test_a_run_warns_of_conditions_that_rounding_decides(asking, option):
    """`==` keeps its meaning: it holds where the floats are equal."""
    priors = asking("a / (a + b) + b / (a + b)")
    asked = {"quantities": ["y"], "scenarios": 2**14}
    result = run(priors, **asked, **{option: ["y == 1"]})
    (line,) = [line for line in result.warnings if "rounding" in line]
    assert line.startswith(f"--{option} 'y == 1': y == 1: whether computed numbers are equal")
    if option == "probability":
        assert 0.8 < result["probability"][0] < 1
    assert not run(priors, **asked, **{option: ["abs(y - 1) < 1e-9"]}).warnings
