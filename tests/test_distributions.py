# ruff: noqa: E501 - a refusal and its message stand on one line
"""Families against mpmath at 50 digits, and every refusal by its exact message."""

from __future__ import annotations

import inspect
import math
import re
import subprocess
import sys
import tomllib

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sampled import sampled
from scipy import special

from simulate.distributions import FAMILIES, Distribution, ParameterError, Truncated, distribution, other_names, scaled
from simulate.distributions.bounded import Trapezoid
from simulate.distributions.discrete import Mixture
from simulate.distributions.metalog import Metalog
from simulate.distributions.reading import forms
from simulate.distributions.solvers import newton, root
from simulate.distributions.unbounded import Gamma, Lognormal, StudentT
from simulate.errors import is_slip

mp.mp.dps = 50

# p from 1e-12 to 1/2, as many q, and far into the upper tail
TAIL = np.concatenate([np.geomspace(1e-12, 0.4, 100), np.linspace(0.01, 0.5, 51)])
FAR = np.geomspace(1e-250, 1e-13, 20)


def table(text):
    return tomllib.loads(f"parameters = {{{text}}}")["parameters"]


def examples(family):
    """The parameters that a family's docstring shows."""
    texts = re.findall(r"`\{(.*?)\}`", re.sub(r"\s+", " ", inspect.getdoc(FAMILIES[family])))
    assert texts, f"the docstring of {family} shows no example"
    return [table(text) for text in texts]


EXAMPLES = [(family, parameters) for family in FAMILIES for parameters in examples(family)]
# harder ones: extreme shapes, bounds that touch or straddle 0, truncation
EXAMPLES += [
    (family, table(text))
    for family, text in [
        ("uniform", "lower = 0, upper = 3"),
        ("uniform", "lower = -2, upper = 0"),
        ("loguniform", "lower = 1e-12, upper = 1e15"),
        ("triangular", "lower = 0, mode = 0, upper = 3"),
        ("triangular", "lower = -3, mode = 0, upper = 0"),
        ("triangular", "lower = 2, mode = 5, upper = 5"),
        ("arcsine", "lower = 0, upper = 3"),
        ("trapezoid", "lower = -1e-6, upper = 1e-6, inexactness = 1e-7"),
        ("trapezoid", "lower = 1, upper = 3, inexactness = 0.9999"),
        ("trapezoid", "lower = 1, upper = 3, inexactness = 1e-9"),
        ("pert", "lower = 0, mode = 0, upper = 4"),
        ("beta", "alpha = 0.05, beta = 0.2"),
        ("beta", "alpha = 0.3, beta = 40, lower = -2, upper = 0"),
        ("beta", "alpha = 90, beta = 110"),
        ("logitnormal", "mu = -3, sigma = 4"),
        ("normal", "mean = 1e5, sd = 0.05"),
        ("lognormal", "mu = 14.9, sigma = 4"),
        ("gamma", "shape = 0.05, scale = 1"),
        ("gamma", "shape = 3000, scale = 1e-3"),
        ("weibull", "shape = 0.3, scale = 1"),
        ("student_t", "df = 1, location = 0, scale = 1"),
        ("student_t", "df = 300, location = 2, scale = 3"),
        ("normal", "mean = 0, sd = 1, lower = 10"),
        ("normal", "mean = 0, sd = 1, upper = -10"),
        ("normal", "mean = 0, sd = 1, lower = 10, upper = 11"),
        ("normal", "mean = 0, sd = 1, lower = -1, upper = 2"),
        ("lognormal", "median = 1, sigma = 0.2, lower = 7.4"),
        ("gamma", "shape = 4, scale = 1, lower = 24"),
        ("exponential", "mean = 1, lower = 40, upper = 41"),
        ("student_t", "df = 5, location = 0, scale = 1, lower = 30"),
        ("gumbel", "location = 0, scale = 1, upper = -3"),
    ]
]


def identifier(value):
    return value if isinstance(value, str) else ",".join(f"{k}={v}" for k, v in value.items())[:60]


every_example = pytest.mark.parametrize(("family", "parameters"), EXAMPLES, ids=identifier)


# References: P(X <= x) and P(X > x) of mpmath numbers, from the textbook


def uniform(d, x):
    return (x - d.lower) / (mp.mpf(d.upper) - d.lower), (d.upper - x) / (mp.mpf(d.upper) - d.lower)


def loguniform(d, x):
    return uniform(type("Logs", (), {"lower": mp.log(d.lower), "upper": mp.log(d.upper)}), mp.log(x))


def arcsine(d, x):
    p, q = uniform(d, x)
    return 2 / mp.pi * mp.asin(mp.sqrt(p)), 2 / mp.pi * mp.asin(mp.sqrt(q))


def trapezoid(d, x):
    half, midpoint = (mp.mpf(d.upper) - d.lower) / 2, (mp.mpf(d.upper) + d.lower) / 2
    s, reach, inner = abs(x - midpoint), half + d.inexactness, half - d.inexactness
    if d.inexactness == 0:
        tail = (half - s) / (2 * half)
    elif s > inner:
        tail = (reach - s - s * mp.log(reach / s)) / (4 * mp.mpf(d.inexactness))
    else:
        tail = mp.mpf(1) / 2 - s * mp.log(reach / inner) / (4 * mp.mpf(d.inexactness))
    return (tail, 1 - tail) if x < midpoint else (1 - tail, tail)


def triangular(d, x):
    width = mp.mpf(d.upper) - d.lower
    if x < d.mode or d.mode == d.upper:
        p = (x - d.lower) ** 2 / (width * (mp.mpf(d.mode) - d.lower))
        return p, 1 - p
    q = (d.upper - x) ** 2 / (width * (mp.mpf(d.upper) - d.mode))
    return 1 - q, q


def beta(d, x):
    p, q = uniform(d, x)
    if p < 0.5:
        below = mp.betainc(d.alpha, d.beta, 0, p, regularized=True)
        return below, 1 - below
    above = mp.betainc(d.beta, d.alpha, 0, q, regularized=True)
    return 1 - above, above


def pert(d, x):
    width = mp.mpf(d.upper) - d.lower
    alpha, beta_ = 1 + 4 * (mp.mpf(d.mode) - d.lower) / width, 1 + 4 * (mp.mpf(d.upper) - d.mode) / width
    return beta(type("Beta", (), {"alpha": alpha, "beta": beta_, "lower": d.lower, "upper": d.upper}), x)


def standard_normal(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2, mp.erfc(z / mp.sqrt(2)) / 2


def normal(d, x):
    return standard_normal((x - d.mu) / d.sigma)


def lognormal(d, x):
    return standard_normal((mp.log(x - d.shift) - d.mu) / d.sigma)


def logitnormal(d, x):
    return standard_normal((mp.log((x - d.lower) / (d.upper - x)) - d.mu) / d.sigma)


def gamma(d, x):
    y = x / d.scale
    below = mp.gammainc(d.shape, 0, y, regularized=True)
    return below, mp.gammainc(d.shape, y, mp.inf, regularized=True) if below > 0.5 else 1 - below


def exponential(d, x):
    return -mp.expm1(-x / d.scale), mp.exp(-x / d.scale)


def weibull(d, x):
    y = (x / d.scale) ** d.shape
    return -mp.expm1(-y), mp.exp(-y)


def gumbel(d, x):
    y = mp.exp(-(x - d.location) / d.scale)
    return mp.exp(-y), -mp.expm1(-y)


def student_t(d, x):
    z, df = (x - d.location) / mp.mpf(d.scale), mp.mpf(d.df)
    if z * z > df:
        tail = mp.betainc(df / 2, 0.5, 0, df / (df + z * z), regularized=True) / 2
    else:
        tail = (1 - mp.betainc(0.5, df / 2, 0, z * z / (df + z * z), regularized=True)) / 2
    return (tail, 1 - tail) if z < 0 else (1 - tail, tail)


def metalog_quantile(d, logit):
    y = d.a1 + d.a2 * logit + d.a3 * (1 / (1 + mp.exp(-logit)) - 0.5) * logit
    if math.isfinite(d.lower) and math.isfinite(d.upper):
        return d.lower + (mp.mpf(d.upper) - d.lower) / (1 + mp.exp(-y))
    if math.isfinite(d.lower) or math.isfinite(d.upper):
        return d.lower + mp.exp(y) if math.isfinite(d.lower) else d.upper - mp.exp(-y)
    return y


def metalog(d, x):
    """From its quantile function, which rises with the logit."""
    low, high = mp.mpf(-1200), mp.mpf(1200)
    for _ in range(110):
        logit = (low + high) / 2
        low, high = (logit, high) if metalog_quantile(d, logit) < x else (low, logit)
    return 1 / (1 + mp.exp(-low)), 1 / (1 + mp.exp(low))


REFERENCES = {
    function.__name__: function
    for function in (
        uniform, loguniform, arcsine, trapezoid, triangular, beta, pert, normal, lognormal, logitnormal,
        gamma, exponential, weibull, gumbel, student_t, metalog,
    )
}  # fmt: skip

# Families that are not held against mpmath, and why
WITHOUT_REFERENCE = {
    "constant": "its quantile is its value; there is nothing to compute",
    "choice": "its quantiles are the values themselves; test_choice_draws_in_proportion has them",
    "empirical": "as choice, of which it is another name; test_empirical_reads_a_column",
    "mixture": "its components are held; that it is their inverse, test_mixture_is_the_exact_inverse shows with mpmath",
}


def exact(family, built, x):
    """P(X <= x) and P(X > x) to 50 digits, 0 and 1 outside the support."""
    base = built.base if isinstance(built, Truncated) else built
    lower, upper = base.support
    if not lower < x:
        return mp.mpf(0), mp.mpf(1)
    if not x < upper:
        return mp.mpf(1), mp.mpf(0)
    p, q = REFERENCES[family](base, x)
    if base is built:
        return p, q
    (p_lower, q_lower), (p_upper, q_upper) = (exact(family, base, mp.mpf(x)) for x in (built.lower, built.upper))
    mass = (p_upper - p_lower) if p_upper < 0.5 else (q_lower - q_upper)
    bounded = lambda share: min(max(share, mp.mpf(0)), mp.mpf(1))  # noqa: E731
    if p < 0.5:
        return bounded((p - p_lower) / mass), bounded((p_upper - p) / mass)
    return bounded((q_lower - q) / mass), bounded((q - q_upper) / mass)


@pytest.mark.parametrize(("family", "parameters"), [pair for pair in EXAMPLES if pair[0] in REFERENCES], ids=identifier)
def test_quantiles_against_mpmath(family, parameters):
    """The exact quantile lies within the tolerance of ours, shown by the exact probabilities on both sides."""
    built = distribution(family, parameters)
    lower, upper = built.support
    quartiles = built.quantile([0.25, 0.75])
    scale = float(quartiles[1] - quartiles[0]) if lower < 0 < upper or isinstance(built, Truncated) else 0.0
    tail = np.concatenate([TAIL[:100:4], TAIL[100::5]])
    points = [(p, 1 - p, True) for p in tail]
    points += [(1 - q, q, False) for q in np.concatenate([tail, FAR[::4] if math.isinf(upper) else []])]
    values = built.quantile([p for p, _, _ in points], [q for _, q, _ in points])
    for (p, q, low), x in zip(points, values.tolist(), strict=True):
        if math.isinf(x):
            continue  # beyond the range of floats
        margin = mp.mpf(1e-10 if built.costly else 1e-12) * max(abs(x), scale)
        if family == "metalog":  # of which the quantile function is the closed form
            logit = mp.log(p / (1 - mp.mpf(p))) if low else mp.log((1 - mp.mpf(q)) / q)
            assert abs(metalog_quantile(built, logit) - x) <= margin, (p, q, x)
            continue
        near, far = exact(family, built, x - margin), exact(family, built, x + margin)
        bracketed = near[0] <= p <= far[0] if low else far[1] <= q <= near[1]
        assert bracketed, (p, q, x)


@pytest.mark.parametrize(("family", "parameters"), [pair for pair in EXAMPLES if pair[0] in REFERENCES], ids=identifier)
def test_probabilities_against_mpmath(family, parameters):
    """Each tail is what the exact one is within some roundings of x."""
    built = distribution(family, parameters)
    quartiles = built.quantile([0.25, 0.75])
    tail = TAIL[::10]
    for x in np.concatenate([built.quantile(tail), built.quantile(1 - tail, tail)]).tolist():
        margin = mp.mpf(1e-13) * max(abs(x), float(quartiles[1] - quartiles[0]))
        ours = built.probability(x)
        near, far = exact(family, built, x - margin), exact(family, built, x + margin)
        assert near[0] * (1 - 1e-11) <= float(ours[0]) <= far[0] * (1 + 1e-11), x
        assert far[1] * (1 - 1e-11) <= float(ours[1]) <= near[1] * (1 + 1e-11), x


# What holds for every family


def test_every_family_is_held_against_mpmath_or_it_is_said_why_not():
    assert sorted([*REFERENCES, *WITHOUT_REFERENCE]) == sorted(FAMILIES)


# words as draws have them, and probabilities far into either tail
probability_and_rest = some.one_of(
    some.integers(0, 2**32 - 1).map(lambda word: ((word + 0.5) / 2**32, 1 - (word + 0.5) / 2**32)),
    some.floats(1e-12, 0.5).map(lambda p: (p, 1 - p)),
    some.floats(1e-12, 0.5).map(lambda q: (1 - q, q)),
)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(first=probability_and_rest, second=probability_and_rest)
def test_quantiles_rise_and_are_inverted_by_probabilities(family, first, second):
    for parameters in examples(family):
        built = distribution(family, parameters)
        (p_low, q_low), (p_high, q_high) = sorted([first, second], key=lambda pair: (pair[0], -pair[1]))
        low, high = built.quantile([p_low, p_high], [q_low, q_high]).tolist()
        assert low <= high
        margin = 1e-9 * max(abs(low), float(np.diff(built.quantile([0.25, 0.75]))[0]))
        below, above = built.probability([low - margin, low + margin])
        tolerance = 1 + 1e-12
        assert below[0] <= p_low * tolerance
        assert below[1] * tolerance >= p_low
        assert above[0] * tolerance >= q_low
        assert above[1] <= q_low * tolerance


def test_every_way_to_state_a_family_has_an_example():
    for family, kind in FAMILIES.items():
        shown = examples(family)
        for form in forms(kind):
            if "file" in form.kinds or form.required == ("a1", "a2", "a3"):
                continue
            assert any(
                set(form.required) <= set(parameters)
                and form.percentiles == sum(key.startswith("p") and key[1:2].isdigit() for key in parameters)
                for parameters in shown
            ), (family, str(form))


@every_example
def test_quantile_function_is_one(family, parameters):
    built = distribution(family, parameters)
    p = np.linspace(0, 1, 1001)
    values = built.quantile(p)
    assert values.shape == p.shape
    assert (np.diff(values) >= 0).all()
    assert (values[0], values[-1]) == built.support
    assert built.quantile([[0.2, 0.4, 0.6]]).shape == (1, 3)
    assert float(built.quantile(0.3)) == built.quantile([0.3])[0]
    np.testing.assert_array_equal(built.quantile(0.25, 0.75), built.quantile(0.25))


@every_example
def test_quantile_and_probability_agree(family, parameters):
    """The quantile is the least value x with P(X <= x) >= p, up to rounding."""
    built = distribution(family, parameters)
    p = np.concatenate([[1e-9, 1e-4], np.linspace(0.01, 0.99, 99), [1 - 1e-4, 1 - 1e-9]])
    x = built.quantile(p)
    width = 1e-9 * np.maximum(np.abs(x), built.quantile(0.75) - built.quantile(0.25))
    assert (built.probability(x + width)[0] >= p * (1 - 1e-14)).all()
    assert (built.probability(x - width)[0] <= p * (1 + 1e-14)).all()
    below, above = built.probability(np.linspace(x[0], x[-1], 1001))
    np.testing.assert_allclose(below + above, 1, rtol=0, atol=1e-14)
    assert (np.diff(below) >= 0).all()


@every_example
def test_nothing_lies_outside_the_support(family, parameters):
    built = distribution(family, parameters)
    lower, upper = built.support
    assert [float(side) for side in built.probability(lower - 1 if math.isfinite(lower) else -math.inf)] == [0, 1]
    assert [float(side) for side in built.probability(upper + 1 if math.isfinite(upper) else math.inf)] == [1, 0]


@every_example
def test_moments(family, parameters):
    """Stated moments against the integral of the quantile function over 2e4 equal parts of p."""
    built = distribution(family, parameters)
    if not math.isfinite(built.sd):
        return
    edges = built.quantile(np.arange(1, 20_000) / 20_000)
    middle = built.quantile((np.arange(20_000) + 0.5) / 20_000)[1:-1]
    parts = np.diff(edges)
    # the mean over each part lies between its ends; the two open ends hold P(|X - mean| > t) <= sd^2 / t^2
    tails = 2 * built.sd * math.sqrt(1 / 20_000)
    mean = float(np.sum(middle)) / 20_000 + (edges[0] + edges[-1]) / 20_000
    assert abs(mean - built.mean) <= float(np.sum(parts)) / 20_000 + tails
    inner = float(np.sum((middle - built.mean) ** 2)) / 20_000
    assert inner <= built.sd**2 * (1 + 1e-4)


@every_example
def test_closed_moments_are_the_numeric_ones(family, parameters):
    built = distribution(family, parameters)
    if built.jumps.size or not math.isfinite(built.sd) or built.sd == 0:
        return
    with np.errstate(all="ignore"):
        mean, sd = Distribution.moments(built)
    np.testing.assert_allclose([mean, sd], [built.mean, built.sd], rtol=1e-7, atol=1e-7 * built.sd)


@every_example
def test_scaled(family, parameters):
    built = distribution(family, parameters)
    times = scaled(built, 1e-3)
    p = np.linspace(0.01, 0.99, 99)
    np.testing.assert_array_equal(times.quantile(p), built.quantile(p) * 1e-3)
    np.testing.assert_allclose(times.probability(times.quantile(p))[0], built.probability(built.quantile(p))[0])
    np.testing.assert_array_equal([times.mean, times.sd], [built.mean * 1e-3, built.sd * 1e-3])
    np.testing.assert_array_equal(times.jumps, built.jumps)
    assert times.costly == built.costly
    assert scaled(built, 1.0) is built


@pytest.mark.parametrize("family", [f for f, kind in FAMILIES.items() if any(w.percentiles for w in forms(kind))])
@pytest.mark.parametrize("bounds", [{}, {"lower": 0.11}, {"upper": 0.93}, {"lower": 0.05, "upper": 0.93}])
def test_percentiles_are_met(family, bounds):
    """To 1e-9, as a whole: with a shift, and of the truncated distribution where bounds truncate it."""
    kind = FAMILIES[family]
    form = max(forms(kind), key=lambda form: form.percentiles)
    stated = dict(list({"p2.5": 0.2, "p60": 0.4, "p95": 0.7}.items())[-form.percentiles :])
    extra = {"df": 3} if family == "student_t" else {"shift": -2} if family == "lognormal" else {}
    allowed = kind.truncatable or "lower" in form.kinds
    bounds = bounds if allowed else {}
    if family == "exponential" and bounds:
        stated = {"p95": 0.7 + bounds.get("lower", 0) / 10}
    built = distribution(family, {**stated, **bounds, **extra})
    for key, value in stated.items():
        assert float(built.quantile(float(key[1:]) / 100)) == pytest.approx(value, rel=1e-9)
    assert isinstance(built, Truncated) == bool(bounds and kind.truncatable)
    assert built.support[0] >= bounds.get("lower", -np.inf)
    assert built.support[1] <= bounds.get("upper", np.inf)


TRUNCATABLE = [family for family, kind in FAMILIES.items() if kind.truncatable]
PROBABILITIES = np.array([1e-12, 1e-3, 0.05, 0.3, 0.5, 0.9, 0.999, 1 - 1e-12])


def stated_in(family, pair):
    """As many of two percentiles as a family takes, with what it needs besides."""
    extra = {"df": 4} if family == "student_t" else {}
    return dict(list(pair.items())[-1 if family == "exponential" else 0 :]) | extra


@pytest.mark.parametrize("bounds", [{"lower": -1e300}, {"upper": 1e300}, {"lower": -1e300, "upper": 1e300}])
@pytest.mark.parametrize("family", TRUNCATABLE)
def test_bounds_that_cut_off_nothing_change_nothing(family, bounds):
    for stated in (stated_in(family, {"p5": 3, "p95": 4}), stated_in(family, {"p0.1": 3, "p50": 4})):
        whole, bounded = distribution(family, stated), distribution(family, {**stated, **bounds})
        assert np.array_equal(bounded.quantile(PROBABILITIES), whole.quantile(PROBABILITIES))


@pytest.mark.parametrize("far", [1e2, 1e3, 1e6])
@pytest.mark.parametrize("family", sorted(set(TRUNCATABLE) - {"student_t"}))
def test_bounds_that_cut_off_next_to_nothing_change_as_much(family, far):
    stated = stated_in(family, {"p5": 3, "p95": 4})
    whole = distribution(family, stated)
    for bounds in ({"upper": far}, {"lower": -far}, {"lower": -far, "upper": far}):
        cut = whole.probability(bounds.get("lower", -np.inf))[0] + whole.probability(bounds.get("upper", np.inf))[1]
        middle = PROBABILITIES[2:6]
        built = distribution(family, {**stated, **bounds}).quantile(middle)
        np.testing.assert_allclose(built, whole.quantile(middle), rtol=max(1e-9, 10 * float(cut)))


@pytest.mark.parametrize("family", TRUNCATABLE)
@pytest.mark.parametrize(
    ("stated", "bounds"),
    [
        ({"p5": 0.621, "p10": 2.316}, {"lower": 0.439}),
        ({"p90": 1, "p95": 2}, {"upper": 2.2}),
        ({"p90": 9}, {"upper": 9.1}),
    ],
)
def test_percentiles_that_no_truncated_distribution_has_are_refused(family, stated, bounds):
    """Through such there is at best one of boundless width, beside which any miss looks small."""
    if len(stated) != 1 + (family != "exponential"):
        pytest.skip("takes another number of percentiles")
    extra = {"df": 4} if family == "student_t" else {}
    with pytest.raises(
        ParameterError,
        match=r"^no \w+ of which 1e-09 or more lies between these bounds meets it|leave the range of numbers",
    ):
        distribution(family, {**stated, **bounds, **extra})


BASES = {
    "normal": {"mean": 2, "sd": 3},
    "lognormal": {"mu": 1, "sigma": 0.8},
    "gamma": {"shape": 2.5, "scale": 3},
    "weibull": {"shape": 1.7, "scale": 3},
    "gumbel": {"location": 1, "scale": 2},
    "student_t": {"df": 4, "location": 1, "scale": 2},
    "exponential": {"scale": 2},
}


@pytest.mark.parametrize(
    ("family", "left", "share"), sampled(BASES, [3e-9, 1e-5, 0.02, 0.7], [0.0, 1e-3, 0.4, 0.999, 1.0], rounds=5)
)
def test_truncated_distributions_are_found_from_their_percentiles(family, left, share):
    """However much the bounds cut off, of which `share` below; the percentiles are met, and others come back."""
    whole = distribution(family, BASES[family])
    below, above = (1 - left) * share, (1 - left) * (1 - share)
    bounds = {}
    if below > 0:
        bounds["lower"] = float(whole.quantile(below, above + left))
    if above > 0:
        bounds["upper"] = float(whole.quantile(below + left, above))
    known = Truncated(whole, **bounds)
    keys = ("p50",) if family == "exponential" else ("p5", "p95")
    stated = {key: float(known.quantile(float(key[1:]) / 100)) for key in keys}
    found = distribution(family, {**stated, **bounds, **({"df": 4} if family == "student_t" else {})})
    p = np.linspace(0.01, 0.99, 99)
    width = stated[keys[-1]] - known.support[0] if len(keys) == 1 else stated["p95"] - stated["p5"]
    # unmet by less than 1e-9 of the value, which a nearly uniform shape between the percentiles passes on
    allowed = 1e-6 * width + 3e-9 * max(abs(value) for value in stated.values())
    np.testing.assert_allclose(found.quantile(p), known.quantile(p), rtol=0, atol=allowed)


def test_truncated_fits_agree_with_root_finding():
    """An exponential within 5..15 of median 6, and a normal above 0 of which 2e-8 is left, to 50 digits by mpmath."""
    exponential = distribution("exponential", {"p50": 6, "lower": 5, "upper": 15})
    assert exponential.base.scale == pytest.approx(1.44475, abs=5e-6)
    np.testing.assert_allclose(exponential.quantile([0.05, 0.95]), [5.0740, 9.3013], atol=5e-5)
    normal = distribution("normal", {"p5": 1, "p95": 56, "lower": 0})
    assert (normal.base.mu, normal.base.sigma) == pytest.approx((-604.1003935, 110.2568048), rel=1e-7)


@pytest.mark.parametrize("centre", [0.0, 1.0, 1e8])
@pytest.mark.parametrize("spread", [1e-9, 1e-3, 1.0])
def test_percentiles_close_together_are_met_by_their_own_measure(centre, spread):
    for family in ("normal", "gumbel", "uniform", "student_t"):
        stated = stated_in(family, {"p5": centre, "p95": centre + spread})
        if stated["p95"] == centre:
            continue
        built = distribution(family, stated)
        error = abs(float(built.quantile(0.95)) - stated["p95"])
        assert error <= max(1e-4 * spread, 16 * np.spacing(centre))


def test_percentiles_of_any_beta_and_gamma():
    """Those of a known one give it back, from U-shaped to narrow."""
    for alpha in np.geomspace(0.05, 300, 7):
        for beta_ in np.geomspace(0.2, 300, 7):
            known = distribution("beta", {"alpha": alpha, "beta": beta_})
            low, high = known.quantile([0.05, 0.9]).tolist()
            if high < 1 - 1e-9:
                found = distribution("beta", {"p5": low, "p90": high})
                assert (found.alpha, found.beta) == pytest.approx((alpha, beta_), rel=1e-5)
    for shape in np.geomspace(0.02, 1e6, 12):
        low, high = Gamma(shape, 3.0).quantile([0.05, 0.9]).tolist()
        found = distribution("gamma", {"p5": low, "p90": high})
        assert (found.shape, found.scale) == pytest.approx((shape, 3.0), rel=1e-5)


@pytest.mark.parametrize("weights", [[1e308, 1e308], [5e-324, 5e-324], [1e308, 1e308, 0.0]])
@pytest.mark.parametrize("family", ["mixture", "choice"])
def test_weights_of_any_size_are_shares(family, weights):
    values = [1.0, 2.0, 3.0][: len(weights)]
    parts = {"components": [{"value": value} for value in values]} if family == "mixture" else {"values": values}
    built = distribution(family, {**parts, "weights": weights})
    assert built.quantile([0.25, 0.499, 0.501, 0.75]).tolist() == [1, 1, 2, 2]
    assert built.mean == 1.5


# Known answers


@pytest.mark.parametrize(
    ("parameters", "sd", "percentiles"),
    [
        ("lower = 0, mode = 1, upper = 4", 0.7126966450997984, [0.30576156564931556, 0.4489398341834342, 1.2552406818227897, 2.335561498478116, 2.6296332720045545]),
        ("lower = 1, mode = 3, upper = 10", 1.5798834596361042, [1.5985813482378959, 1.8965595762306564, 3.638532776608698, 6.064204993802898, 6.738338002125948]),
        ("lower = 2, mode = 10, upper = 20", 3.392334963994049, [4.892860929369906, 5.847136841907796, 10.254646330208203, 14.938016172229169, 16.044681427515677]),
    ],
)  # fmt: skip
def test_pert(parameters, sd, percentiles):
    built = distribution("pert", table(parameters))
    assert built.sd == pytest.approx(sd, rel=1e-13)
    np.testing.assert_allclose(built.quantile([0.05, 0.1, 0.5, 0.9, 0.95]), percentiles, rtol=1e-13)


def test_metalog_of_a_symmetric_triplet():
    """Keelin 2016, 6.2.1, with the triplet of Frontline's PsiMetalogSPT manual page."""
    built = distribution("metalog", {"p10": 35, "p50": 50, "p90": 75})
    assert isinstance(built, Metalog)
    assert (built.a1, built.a2, built.a3) == pytest.approx((50, 9.1023922663, 5.6889951664), abs=1e-9)
    assert (built.mean, built.sd**2) == pytest.approx((52.84449758320886, 284.1472498028931), rel=1e-11)
    known = [20.98280778, 30.73646601, 41.5625, 61.5625, 84.3393432, 104.63597455]
    np.testing.assert_allclose(built.quantile([0.01, 0.05, 0.25, 0.75, 0.95, 0.99]), known, rtol=1e-9)


def test_metalog_is_refused_just_where_it_stops_rising():
    """Feasible for a symmetric triplet iff its skew r lies in (k, 1 - k), k = (1 - 1.66711 (1/2 - alpha)) / 2."""
    k = 0.5 * (1 - 1.66711 * 0.4)
    for r in (k + 1e-4, 1 - k - 1e-4):
        built = distribution("metalog", {"p10": 0, "p50": r, "p90": 1})
        assert (np.diff(built.quantile(np.linspace(1e-6, 1 - 1e-6, 20_001))) > 0).all()
    for r in (k - 1e-4, 1 - k + 1e-4):
        with pytest.raises(ParameterError, match="no metalog rises"):
            distribution("metalog", {"p10": 0, "p50": r, "p90": 1})
        logit = np.linspace(-30, 30, 200_001)
        a2 = 1 / (2 * math.log(9))
        a3 = (1 - 2 * r) / (0.8 * math.log(9))  # so that it does fall somewhere
        assert (np.diff(a2 * logit + a3 * logit * np.tanh(logit / 2) / 2) < 0).any()


def test_curvilinear_trapezoid_is_a_uniform_between_inexact_limits():
    """The two-draw construction of JCGM 101:2008, 6.4.3.4, integrated exactly over its first draw."""
    built = Trapezoid(1.0, 3.0, 0.4)
    limits = 0.6 + 0.8 * (np.arange(20_000) + 0.5) / 20_000
    for x in (0.7, 1.0, 1.5, 2.0, 2.9, 3.3):
        shares = np.clip((x - limits) / (4 - 2 * limits), 0, 1)
        assert float(built.probability(x)[0]) == pytest.approx(np.mean(shares), abs=1e-8)
    assert built.mean == 2
    assert built.sd**2 == pytest.approx(1 / 3 + 0.16 / 9)


def test_means_and_sds_that_are_stated_are_had():
    for family, parameters in [
        ("normal", {"mean": 3, "sd": 2}),
        ("lognormal", {"mean": 3, "sd": 2}),
        ("gamma", {"mean": 3, "sd": 2}),
        ("beta", {"mean": 3, "sd": 2, "lower": -1, "upper": 9}),
    ]:
        built = distribution(family, parameters)
        assert (built.mean, built.sd) == pytest.approx((3, 2), rel=1e-12)
    assert distribution("lognormal", {"mean": 3, "sd": 2, "shift": 10}).mean == pytest.approx(13)


def test_moments_that_do_not_exist():
    assert math.isnan(StudentT(1.0, 0.0, 1.0).mean)
    assert (StudentT(2.0, 5.0, 1.0).mean, StudentT(2.0, 5.0, 1.0).sd) == (5.0, math.inf)
    assert math.isnan(Truncated(StudentT(1.0, 0.0, 1.0), lower=0.0).mean)
    assert math.isfinite(Truncated(StudentT(1.0, 0.0, 1.0), lower=0.0, upper=9.0).sd)
    assert distribution("metalog", table("p10 = 1, p50 = 20, p90 = 700, lower = 0")).mean == math.inf
    assert distribution("metalog", table("p10 = -700, p50 = -20, p90 = -1, upper = 0")).mean == -math.inf


@pytest.mark.parametrize("bounds", [{"upper": 100}, {"lower": -100}, {"lower": -100, "upper": 100}])
@pytest.mark.parametrize("family", ["normal", "weibull"])
def test_bounds_that_cut_off_nothing_leave_the_family_as_it_is(family, bounds):
    stated = {"p5": 1, "p95": 2}
    np.testing.assert_allclose(
        distribution(family, {**stated, **bounds}).quantile(TAIL),
        distribution(family, stated).quantile(TAIL),
        rtol=1e-12,
    )


def test_truncation_leaves_nothing_on_a_bound():
    built = distribution("normal", {"mean": 0, "sd": 1, "lower": 10, "upper": 12})
    values = built.quantile(np.linspace(0.001, 0.999, 999))
    assert (np.diff(values) > 0).all()
    assert values[0] > 10
    # the mean beyond 10 sd is 10 + 1/10 - 2/10^3 + ..., here with mpmath's integral
    mean = mp.quad(lambda x: x * mp.npdf(x), [10, 12]) / mp.quad(mp.npdf, [10, 12])
    assert built.mean == pytest.approx(float(mean), rel=1e-12)


# Discrete families and mixtures


def test_choice_draws_in_proportion():
    built = distribution("choice", {"values": [16, 4, 8, 4], "weights": [1, 1, 1, 0]})
    assert built.quantile([0, 0.2, 1 / 3, 0.5, 2 / 3, 0.9, 1]).tolist() == [4, 4, 4, 8, 8, 16, 16]
    np.testing.assert_array_equal(built.jumps, [1 / 3, 2 / 3])
    below, above = built.probability([3, 4, 15.9, 16])
    np.testing.assert_allclose(below, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(above, [1, 2 / 3, 1 / 3, 0])
    rare = distribution("choice", {"values": [1, 2], "weights": [1, 1e-30]})
    assert rare.quantile([1, 1], [1e-29, 1e-31]).tolist() == [1, 2]


def test_empirical_reads_a_column(tmp_path):
    (tmp_path / "runs.csv").write_text("name,hours,weight\na,1.5,1\nb,4,3\nc,2.5,0\n", encoding="utf-8")
    here = {"file": "runs.csv", "column": "hours"}
    assert distribution("empirical", here, tmp_path).quantile([0.1, 0.5, 0.9]).tolist() == [1.5, 2.5, 4]
    for weights in ("weight", [1, 3, 0]):
        built = distribution("empirical", {**here, "weights": weights}, tmp_path)
        assert built.quantile([0.1, 0.5, 0.9]).tolist() == [1.5, 4, 4]
        assert built.mean == pytest.approx(1.5 / 4 + 3)
    component = {"dist": "empirical", **here}
    assert distribution("mixture", {"components": [component]}, tmp_path).support == (1.5, 4)

    for change, key, message in [
        ({"column": "hour"}, "column", "has no column 'hour'; did you mean hours?"),
        ({"column": "x"}, "column", "has no column 'x'; there are name, hours, weight"),
        ({"weights": "w"}, "weights", "has no column 'w'; there are name, hours, weight"),
        (
            {"column": "name"},
            "column",
            "runs.csv:2: name: 'a' is not a finite number; write a number, or take the row out",
        ),
        ({"file": "none.csv"}, "file", "cannot be read: No such file or directory; name a CSV file"),
        ({"file": "."}, "file", "is a folder; name a file in it"),
    ]:
        with pytest.raises(ParameterError, match=re.escape(message)) as raised:
            distribution("empirical", {**here, **change}, tmp_path)
        assert raised.value.key == key
    (tmp_path / "latin.csv").write_bytes(b"hours\n\xe9\n")
    with pytest.raises(ParameterError, match="is not UTF-8"):
        distribution("empirical", {**here, "file": "latin.csv"}, tmp_path)
    (tmp_path / "empty.csv").write_text("hours\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="has no rows; add some"):
        distribution("empirical", {**here, "file": "empty.csv"}, tmp_path)


def mixed(text, weights):
    return distribution("mixture", table(f"components = [{text}], weights = {weights}"))


def test_mixture_with_a_gap_and_an_atom():
    built = mixed(
        '{dist = "uniform", lower = 0, upper = 1}, {dist = "uniform", lower = 3, upper = 5}, {value = 4}', [1, 2, 1]
    )
    p = np.array([0, 0.1, 0.25, 0.25 + 1e-9, 0.4, 0.5, 0.6, 0.75, 0.9, 1])
    expected = [0, 0.4, 1, 3 + 4e-9, 3.6, 4, 4, 4, 4.6, 5]
    np.testing.assert_allclose(built.quantile(p), expected, rtol=1e-15)
    np.testing.assert_allclose(built.jumps, [0.25, 0.5, 0.75], rtol=1e-15)
    values = built.quantile((np.arange(4000) + 0.5) / 4000)
    assert not ((values > 1) & (values < 3)).any()
    assert (values == 4).sum() == 1000
    assert built.mean == pytest.approx(0.25 * 0.5 + 0.75 * 4)


def test_mixture_is_the_exact_inverse():
    """To the last bits, in both tails, with components of very different widths."""
    built = mixed(
        '{dist = "lognormal", mu = -9, sigma = 2}, {dist = "normal", mean = 3, sd = 1e-3}, {dist = "lognormal", mu = 9, sigma = 1}',
        [3, 1, 2],
    )
    assert built.jumps.size == 0
    assert built.bends.size == 6  # two for each component
    tail = np.geomspace(1e-12, 0.5, 300)
    low, high = built.quantile(tail), built.quantile(1 - tail, tail)
    parts = [(share, part) for share, part in built.parts]

    def exact_side(x, side):
        return sum(
            share * (REFERENCES[type(part).__name__.lower()](part, x)[side] if x > 0 else side) for share, part in parts
        )

    for x, p, side in [*zip(low, tail, [0] * 300, strict=True), *zip(high, tail, [1] * 300, strict=True)]:
        ends = sorted(exact_side(mp.mpf(x) * factor, side) for factor in (1 - mp.mpf(1e-12), 1 + mp.mpf(1e-12)))
        assert ends[0] * (1 - 1e-15) <= p <= ends[1] * (1 + 1e-15), (x, p)


def test_mixture_of_mixtures_is_taken_apart():
    inner = '{dist = "mixture", components = [{value = 1}, {value = 2}], weights = [1, 3]}'
    built = mixed(f"{inner}, {{value = 3}}", [1, 1])
    assert isinstance(built, Mixture)
    assert built.quantile([0.1, 0.3, 0.6]).tolist() == [1, 2, 3]
    np.testing.assert_allclose(built.jumps, [0.125, 0.5])
    assert (built.mean, built.sd**2) == pytest.approx((0.125 + 0.75 + 1.5, 0.125 + 1.5 + 4.5 - 2.375**2))


# Solvers


@pytest.mark.parametrize(("rising", "inverse"), [(lambda x: x**3, np.cbrt), (np.sinh, np.arcsinh), (np.arctan, np.tan)])
def test_a_root_takes_a_dozen_steps(rising, inverse):
    """Bisection alone would take more than fifty."""
    levels, steps = rising(np.linspace(-9, 9, 100)), []

    def misfit(x, active):
        steps.append(len(active))
        return rising(x) - levels[active]

    found = root(misfit, np.full(100, -10.0), np.full(100, 11.0))
    assert found == pytest.approx(inverse(levels), rel=1e-14)
    assert sum(steps) < 14 * 100
    assert len(steps) < 30


def test_root_is_elementwise_and_exact():
    target = np.array([1e-300, 2.0, 1e300, 0.0])
    found = root(lambda x, active: x**3 - target[active], np.full(4, -1e101), np.full(4, 1e101))
    np.testing.assert_allclose(found, np.cbrt(target), rtol=1e-14, atol=1e-107)
    outside = root(lambda x, active: x + 5 * (active * 2 - 1), np.zeros(2), np.ones(2))
    assert outside.tolist() == [1.0, 0.0]


def test_newton_stops_at_a_root_or_where_it_gets_no_nearer():
    np.testing.assert_allclose(newton(lambda x: np.exp(x) - [2, 3], np.zeros(2)), np.log([2, 3]), rtol=1e-12)
    assert np.isfinite(newton(lambda x: x**2 + 1, np.ones(1))).all()
    np.testing.assert_array_equal(newton(np.ones_like, np.ones(2)), [1, 1])


# Refusals

LOGNORMAL = "lognormal takes mu, sigma | mean, sd | median, sigma | two percentiles (p5, p50, ...), and may have shift, lower, upper"
REFUSALS = [
    ("lognorml", "mean = 3", "dist", "there is no family 'lognorml'; did you mean lognormal?"),
    ("gauss", "mean = 3", "dist", "there is no family 'gauss'; write dist = \"normal\""),
    ("Log-Norm", "mean = 3", "dist", "there is no family 'Log-Norm'; write dist = \"lognormal\""),
    ("RiskNormal", "mean = 3", "dist", "there is no family 'RiskNormal'; write dist = \"normal\""),
    ("Student's t", "df = 3", "dist", "there is no family \"Student's t\"; write dist = \"student_t\""),
    ("duniform", "lower = 3", "dist", "there is no family 'duniform'; write dist = \"choice\" with all its values"),
    ("weibull2", "mean = 3", "dist", f"there is no family 'weibull2'; there are {', '.join(FAMILIES)}"),
    ("gumbel_l", "mean = 3", "dist", f"there is no family 'gumbel_l'; there are {', '.join(FAMILIES)}"),
    ("sobol", "mean = 3", "dist", f"there is no family 'sobol'; there are {', '.join(FAMILIES)}"),
    ("lognormal", "", None, f"parameters missing; {LOGNORMAL}"),
    ("lognormal", "mean = 3", None, f"sd missing; {LOGNORMAL}"),
    ("student_t", "df = 3", None, "location and scale missing; student_t takes df, location, scale | df, two percentiles (p5, p50, ...), and may have lower, upper"),
    ("lognormal", "mean = 3, sigma = 2", "mean", f"does not go together with sigma; {LOGNORMAL}"),
    ("lognormal", "mean = 3, p5 = 2, p95 = 4", "mean", f"does not go together with p5, p95; {LOGNORMAL}"),
    ("lognormal", "mean = 3, ds = 2", "ds", "unknown key; did you mean sd?"),
    ("lognormal", "mean = 3, sd = 2, sift = 2", "sift", "unknown key; did you mean shift?"),
    ("lognormal", "mean = 3, sd = 2, sorce = 'x'", "sorce", "unknown key; did you mean source?"),
    ("lognormal", "mean = 3, sd = 2, colour = 2", "colour", f"unknown key; {LOGNORMAL}"),
    ("lognormal", "p5 = 70, p95 = 3", "p5", "percentiles in the wrong order: p5 = 70 is above p95 = 3; exchange them"),
    ("lognormal", "p5 = 3, p95 = 3", "p95", "equal to p5; spread them, or give a constant: value = 3"),
    ("lognormal", "p5 = 3", None, f"two percentiles determine it, 1 given; {LOGNORMAL}"),
    ("lognormal", "p5 = 3, p50 = 4, p95 = 9", "p95", f"two percentiles determine it, 3 given; {LOGNORMAL}"),
    ("exponential", "p5 = 3, p95 = 9", "p95", "one percentile determines it, 2 given; exponential takes scale | mean | one percentile (p5, p50, ...), and may have lower, upper"),
    ("lognormal", "p5 = -3, p95 = 9", "p5", "-3 is not above 0, where it begins; move it inside"),
    ("lognormal", "p5 = 1, p95 = 9, shift = 2", "p5", "1 is not above 2, where it begins; move it inside"),
    ("lognormal", "mean = 3, sd = 2, sd2 = 2", "sd2", f"unknown key; {LOGNORMAL}"),
    ("loguniform", "lower = 1e-300, upper = 1e300", "upper", "1e+300 is too many times lower = 1e-300; move it nearer"),
    ("lognormal", 'p5 = 3, "p5.0" = 9', "p5.0", "the same percentile as p5; remove one"),
    ("lognormal", "p2.5 = 3, p95 = 9", "p2", 'a key with a dot needs quotes; write "p2.5" = ...'),
    ("lognormal", "p0 = 3, p95 = 9", "p0", "a percentile lies between p0 and p100; give one inside, or a bound"),
    ("lognormal", 'mean = "3.5", sd = 2', "mean", 'must be a number, not the text "3.5"; remove the quotes'),
    ("lognormal", 'mean = "x", sd = 2', "mean", 'must be a number, not the text "x"; give a number'),
    ("lognormal", "mean = true, sd = 2", "mean", "must be a number, not true; give a number"),
    ("lognormal", "mean = [3], sd = 2", "mean", "must be a number, not a list; give a number"),
    ("lognormal", "mean = 1979-05-27, sd = 2", "mean", "must be a number, not a date; give a number"),
    ("lognormal", "mean = nan, sd = 2", "mean", "must be finite, not nan; give a finite number"),
    ("lognormal", "mean = 3, sd = -inf", "sd", "must be finite, not -inf; give a finite number"),
    ("lognormal", f"mean = 1{'0' * 400}, sd = 2", "mean", "must be finite, not so large an integer; give a finite number"),
    ("lognormal", "mean = 3, sd = -2", "sd", "-2 is not above 0; give a positive number"),
    ("lognormal", "mean = 0, sd = 2", "mean", "0 is not above 0; give a positive number"),
    ("lognormal", "mu = 1000, sigma = 1", None, "its values leave the range of numbers; mend the parameters"),
    ("uniform", "lower = -1e308, upper = 1e308", None, "its values leave the range of numbers; mend the parameters"),
    ("uniform", "lower = 3, upper = 2", "lower", "3 is not below upper = 2; put them in order"),
    ("loguniform", "lower = 0, upper = 2", "lower", "0 is not above 0; give a positive number"),
    ("normal", "mean = 0, sd = 1, lower = 3, upper = 2", "lower", "3 is not below upper = 2; put them in order"),
    ("normal", "mean = 0, sd = 1, lower = 60", "lower", "nothing of the distribution lies between the bounds; widen them"),
    ("normal", "p5 = 0, p95 = 1, lower = 0.1", "p5", "0 is not above 0.1, where it begins; move it inside"),
    ("normal", "p5 = 0, p95 = 1, lower = -0.01, upper = 1.01", "p5", "no normal of which 1e-09 or more lies between these bounds meets it; move the percentiles or take another family"),
    ("exponential", "p50 = 3, upper = 5", "p50", "no exponential of which 1e-09 or more lies between these bounds meets it; move the percentiles or take another family"),
    ("pert", "lower = 1, mode = 5, upper = 3", "mode", "5 is not between lower = 1 and upper = 3; move it inside"),
    ("triangular", "lower = 1, mode = 0.5, upper = 3", "mode", "0.5 is not between lower = 1 and upper = 3; move it inside"),
    ("pert", "p5 = 1, p50 = 2, p95 = 3", "p5", "no lower, mode and upper meet any three percentiles; use a metalog, which three determine"),
    ("metalog", "p10 = 35, p50 = 74, p90 = 75", None, "no metalog rises through these: they are too skewed; move the middle one towards the centre or give bounds"),
    ("metalog", "p10 = 35, p90 = 75", None, "three percentiles determine it, 2 given; metalog takes a1, a2, a3 | three percentiles (p5, p50, ...), and may have lower, upper"),
    ("metalog", "p10 = 35, p50 = 50, p90 = 75, lower = 40", "p10", "35 is not above 40, where it begins; move it inside"),
    ("beta", "p5 = 0.1, p95 = 1.9", "p95", "1.9 is not below 1, where it ends; move it inside"),
    ("beta", "mean = 0.5, sd = 0.6", "sd", "0.6 is too large for this mean; on these bounds it is below 0.5"),
    ("beta", "mean = 1.5, sd = 0.6", "mean", "1.5 is not below 1, where it ends; move it inside"),
    ("trapezoid", "lower = 0, upper = 2, inexactness = 1", "inexactness", "1 is out of range; it must be 0 or more and below half the width, 1"),
    ("trapezoid", "p5 = 0, p95 = 2", "p5", "percentiles do not determine how inexact its limits are; trapezoid takes lower, upper, and may have inexactness"),
    ("constant", "p5 = 1, p95 = 2", "p5", "a constant has one value, and no percentiles; constant takes value"),
    ("constant", 'value = "x"', "value", 'must be a number, not the text "x"; give a number'),
    ("choice", "values = []", "values", "there are none; give at least one"),
    ("choice", "values = 3", "values", "must be a list, not 3; write [...]"),
    ("choice", "values = [1, 2], weights = [1]", "weights", "1 weights for 2 values; give one for each"),
    ("choice", "values = [1, 2], weights = [1, -1]", "weights", "-1 is negative; give weights of 0 or more"),
    ("choice", "values = [1, 2], weights = [0, 0]", "weights", "all are 0; make one of them positive"),
    ("choice", "p5 = 3, p95 = 4", "p5", "percentiles do not determine its values; choice takes values | file, column, and may have weights, separator, decimal, thousands"),
    ("empirical", 'file = 3, column = "x"', "file", "must be text, not 3; put it in quotes"),
    ("mixture", "components = []", "components", "there are none; give at least one"),
    ("mixture", "components = [3]", "components", "component 1 must be a table, not 3; write {dist = ..., ...}"),
    ("mixture", "components = [{mean = 0}]", "components", "component 1 lacks the name of its family; write {dist = ..., ...}"),
    ("mixture", 'components = [{value = 1}, {dist = "normal", mean = 0, sd = 0}]', "components", "component 2, sd: 0 is not above 0; give a positive number"),
    ("mixture", "components = [{value = 1}], weights = [1, 2]", "weights", "2 weights for 1 components; give one for each"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "parameters", "key", "message"), REFUSALS, ids=lambda v: str(v)[:40])
def test_refusals(family, parameters, key, message):
    with pytest.raises(ParameterError) as raised:
        distribution(family, table(parameters), other_keys=("dist", "unit", "source"))
    assert (raised.value.key, str(raised.value)) == (key, message)


TRANSLATIONS = [
    ("gamma", "rate", "scale = 1 / rate"),
    ("gamma", "theta", "scale"),
    ("gamma", "k", "shape"),
    ("gamma", "variance", "sd = sqrt(variance)"),
    ("gamma", "beta", "scale = beta, or scale = 1 / beta where it is a rate"),
    ("exponential", "lambda", "scale = 1 / rate"),
    ("normal", "variance", "sd = sqrt(variance)"),
    ("normal", "precision", "sd = 1 / sqrt(precision)"),
    ("normal", "loc", "mean"),
    ("normal", "scale", "sd"),
    ("normal", "stdev", "sd"),
    ("normal", "Std. Dev.", "sd"),
    ("normal", "sigma2", "sd = sqrt(variance)"),
    ("normal", "P5", "p5"),
    ("normal", "95%", "p95"),
    ("normal", "q_97.5", '"p97.5"'),
    ("lognormal", "sd_log", "sigma"),
    ("uniform", "to", "upper"),
    ("normal", "low", "p5 where it is the low end of a 90 % interval, lower where nothing lies below it"),
    ("normal", "max", "p95 where it is the high end of a 90 % interval, upper where nothing lies above it"),
    ("lognormal", "gsd", "sigma = log(gsd)"),
    ("lognormal", "scale", "median = scale where it is exp(mu), sigma where it is the sd of the logarithm"),
    ("uniform", "a", "lower"),
    ("uniform", "MAX", "upper"),
    ("uniform", "scale", "upper = lower + scale"),
    ("triangular", "likely", "mode"),
    ("pert", "c", "mode = c, or mode = lower + c * (upper - lower) where it is a share"),
    ("beta", "a", "alpha"),
    ("beta", "b", "beta"),
    ("beta", "min", "lower"),
    ("student_t", "nu", "df"),
    ("gumbel", "loc", "location"),
    ("weibull", "c", "shape"),
    ("weibull", "lambda", "scale"),
    ("choice", "probabilities", "weights"),
    ("mixture", "probs", "weights"),
    ("mixture", "distributions", "components"),
    ("empirical", "delimiter", "separator"),
    ("normal", "distribution", "dist"),
]


@pytest.mark.parametrize(("family", "key", "mend"), TRANSLATIONS)
def test_names_of_other_libraries_are_translated(family, key, mend):
    with pytest.raises(ParameterError) as raised:
        distribution(family, {key: 0.5}, other_keys=("dist", "value", "unit", "evidence"))
    assert (raised.value.key, str(raised.value)) == (key, f"unknown key; write {mend}")


@pytest.mark.parametrize("family", FAMILIES)
def test_only_a_slip_of_the_hand_is_taken_for_another_key(family):
    """Any name that some family or library has is translated, or answered by the list of what there is."""
    names = {key for each in other_names.PARAMETERS.values() for key in each}
    names |= {key for kind in FAMILIES.values() for form in forms(kind) for key in form.kinds}
    own = {key for form in forms(FAMILIES[family]) for key in form.kinds} | {"lower", "upper"}
    for name in sorted(names - own):
        with pytest.raises(ParameterError) as raised:
            distribution(family, {name: 0.5}, other_keys=("dist", "value", "unit", "evidence", "source"))
        told = str(raised.value)
        meant = other_names.PARAMETERS.get(family, {}).get(name) or other_names.COMMON.get(name)
        misspelt = re.fullmatch(r"unknown key; did you mean (\w+)\?", told)
        assert (
            told == f"unknown key; write {meant}"
            if meant
            else (f"{family} takes " in told or is_slip(name, misspelt[1]))
        ), name


@pytest.mark.parametrize("family", other_names.PARAMETERS)
def test_a_translation_names_keys_that_there_are(family):
    known = {key for form in forms(FAMILIES[family]) for key in form.kinds} | {"lower", "upper", "p5", "p95"}
    for mend in other_names.PARAMETERS[family].values():
        first = re.match(r"\w+", mend)[0]
        assert first in known, mend
        assert set(re.findall(r"(\w+) = ", mend)) <= known, mend


@pytest.mark.parametrize(
    ("family", "stated", "parameters", "moment"),
    [
        ("gamma", {"rate": 3}, {"shape": 2}, lambda made: made.mean == pytest.approx(2 / 3)),
        ("exponential", {"rate": 4}, {}, lambda made: made.mean == pytest.approx(1 / 4)),
        ("exponential", {"variance": 4}, {}, lambda made: made.sd == pytest.approx(2)),
        ("normal", {"variance": 9}, {"mean": 1}, lambda made: made.sd == 3),
        ("normal", {"precision": 0.25}, {"mean": 1}, lambda made: made.sd == 2),
        ("normal", {"cv": 0.2}, {"mean": 5}, lambda made: made.sd == 1),
        ("lognormal", {"gsd": 2}, {"mu": 0}, lambda made: float(made.quantile(special.ndtr(1))) == pytest.approx(2)),
        ("gumbel", {"sd": 3}, {"location": 1}, lambda made: made.sd == pytest.approx(3)),
        ("gumbel", {"variance": 9}, {"location": 1}, lambda made: made.sd == pytest.approx(3)),
        ("student_t", {"sd": 3}, {"df": 5, "location": 1}, lambda made: made.sd == pytest.approx(3)),
        ("student_t", {"variance": 9}, {"df": 5, "location": 1}, lambda made: made.sd == pytest.approx(3)),
        ("beta", {"concentration": 7}, {"mean": 0.3}, lambda made: made.alpha + made.beta == pytest.approx(7)),
    ],
)
def test_translations_mean_the_same(family, stated, parameters, moment):
    (name,) = stated
    key, expression = other_names.PARAMETERS[family][name].split(" = ")
    of = {"sqrt": math.sqrt, "log": math.log, "pi": math.pi, **stated, **parameters}
    assert moment(distribution(family, {**parameters, key: eval(expression, {}, of)}))


def test_importing_it_does_not_import_scipy():
    program = (
        "import sys, simulate.distributions.bounded as d; d.Uniform(0, 1).quantile(0.5); print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_lognormal_is_the_same_however_it_is_stated():
    stated = Lognormal(0.5, 1.1)
    for parameters in (
        {"mean": stated.mean, "sd": stated.sd},
        {"median": math.exp(0.5), "sigma": 1.1},
        {"p5": float(stated.quantile(0.05)), "p95": float(stated.quantile(0.95))},
    ):
        built = distribution("lognormal", parameters)
        assert (built.mu, built.sigma) == pytest.approx((0.5, 1.1), rel=1e-13)
