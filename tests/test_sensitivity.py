"""Tornado methods against closed forms, within 4 of their own standard errors (6e-5 false alarms a figure)."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from simulate.priors import load_priors
from simulate.sensitivity import METHODS, SensitivityError, to_json, tornado
from simulate.sensitivity import report as sensitivity_report
from simulate.sensitivity.plots import tornado_figure

ISHIGAMI = """
model = "none"
[priors]
x1 = {dist = "uniform", lower = -3.141592653589793, upper = 3.141592653589793}
x2 = {dist = "uniform", lower = -3.141592653589793, upper = 3.141592653589793}
x3 = {dist = "uniform", lower = -3.141592653589793, upper = 3.141592653589793}
[quantities.y]
formula = "sin(x1) + 7 * sin(x2)**2 + 0.1 * x3**4 * sin(x1)"
"""
GAUSSIAN = """
model = "none"
[priors]
x1 = {dist = "normal", mean = 0, sd = 1}
x2 = {dist = "normal", mean = 0, sd = 1}
x3 = {dist = "normal", mean = 0, sd = 2}
[quantities.y]
formula = "x1 + x2 + x3"
[correlations]
x2.x3 = {gaussian_copula = 0.9}
"""
SIGMAS = {"a": 0.5, "b": 0.3, "c": 0.1}
PRODUCT = (
    'model = "none"\n'
    + "".join(
        f'[priors.{name}]\ndist = "lognormal"\nmedian = 2\nsigma = {sigma}\n'
        for name, sigma in SIGMAS.items()
    )
    + '[priors.idle]\nvalue = 3\n[quantities.y]\nformula = "a * b / c + 0 * idle"\nunit = "USD"\n'
)


@pytest.fixture
def measured(tmp_path):
    def measure(text, method, quantities=("y",), **options):
        path = tmp_path / "file.toml"
        path.write_text(text, encoding="utf-8")
        return tornado(load_priors(path), list(quantities), method, **options)

    return measure


def bars(result):
    return {bar.prior: bar.figures for bar in result.effects[0].bars}


def close(estimate, error, exact, at_most):
    """Within 4 standard errors, and the error itself no more than it should be for so many scenarios."""
    assert abs(estimate - exact) <= 4 * error, (estimate, error, exact)
    assert error <= at_most


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_sobol_indices_of_ishigami(measured, scheme):
    found = bars(measured(ISHIGAMI, "sobol", scheme=scheme))
    first = {"x1": 0.3139051911, "x2": 0.4424111448, "x3": 0.0}
    total = {"x1": 0.5575888552, "x2": 0.4424111448, "x3": 0.2436836641}
    for name, figures in found.items():
        close(figures["first"], figures["first_se"], first[name], 3e-3)
        close(figures["total"], figures["total_se"], total[name], 3e-3)


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        (ISHIGAMI, {"x1": 0.4357470232, "x2": 0.4424111448, "x3": 0.121841832}),
        (GAUSSIAN, {"x1": 0.1041666667, "x2": 0.4182291667, "x3": 0.4776041667}),
    ],
)
def test_shapley_effects(measured, text, exact):
    found = bars(measured(text, "shapley"))
    for name, figures in found.items():
        close(figures["effect"], figures["effect_se"], exact[name], 5e-3)
    assert math.isclose(sum(figures["effect"] for figures in found.values()), 1, rel_tol=1e-12)


def test_product_of_lognormals_by_every_method(measured):
    variances = {name: sigma**2 for name, sigma in SIGMAS.items()}
    total = sum(variances.values())
    mean = 2 * math.exp(total / 2)
    for name, figures in bars(measured(PRODUCT, "swing")).items():
        up = math.exp(stats.norm.ppf(0.9) * SIGMAS[name])
        low, high = (2 * up, 2 / up) if name == "c" else (2 / up, 2 * up)
        assert figures["low"] == pytest.approx(low, rel=1e-12)
        assert figures["high"] == pytest.approx(high, rel=1e-12)
        assert figures["low_input"] == pytest.approx(2 / up, rel=1e-12)
    for name, figures in bars(measured(PRODUCT, "conditional")).items():
        # E[e^(sZ) | Z < z] = e^(s^2/2) P(Z < z - s) / P(Z < z)
        s, z = SIGMAS[name] * (-1 if name == "c" else 1), stats.norm.ppf(0.1)
        close(figures["low"], figures["low_se"], mean * stats.norm.cdf(z - s) / 0.1, 0.01)
        close(figures["high"], figures["high_se"], mean * stats.norm.cdf(z + s) / 0.1, 0.01)
    for name, figures in bars(measured(PRODUCT, "rank")).items():
        pearson = SIGMAS[name] * (-1 if name == "c" else 1) / math.sqrt(total)
        close(figures["spearman"], figures["spearman_se"], 6 / math.pi * math.asin(pearson / 2), 2e-3)
    for name, figures in bars(measured(PRODUCT, "sobol")).items():
        part = math.expm1(variances[name]) / math.expm1(total)
        rest = math.expm1(variances[name]) * math.exp(total - variances[name]) / math.expm1(total)
        close(figures["first"], figures["first_se"], part, 5e-3)
        close(figures["total"], figures["total_se"], rest, 5e-3)
    effects = {name: figures["effect"] for name, figures in bars(measured(PRODUCT, "shapley")).items()}
    errors = {name: figures["effect_se"] for name, figures in bars(measured(PRODUCT, "shapley")).items()}
    exact = dict.fromkeys(SIGMAS, 0.0)
    for order in __import__("itertools").permutations(SIGMAS):
        known = 0.0
        for name in order:
            gain = math.expm1(known + variances[name]) - math.expm1(known)
            exact[name] += gain / math.expm1(total) / 6
            known += variances[name]
    for name, effect in effects.items():
        close(effect, errors[name], exact[name], 1e-2)


def test_conditional_percentile(measured):
    found = bars(measured(GAUSSIAN, "conditional", percentile=50))["x1"]
    # the median of Z | Z < z is at half its probability
    rest = stats.norm(0, math.sqrt(1 + 4 + 2 * 0.9 * 2))
    grid = np.linspace(-8, stats.norm.ppf(0.1), 20_001)
    weight = stats.norm.pdf(grid)

    def below(y):
        return np.average(rest.cdf(y - grid), weights=weight) - 0.5

    from scipy.optimize import brentq

    close(found["low"], found["low_se"], brentq(below, -10, 10), 0.05)


def test_correlated_priors_move_along_in_conditional_but_not_in_swing(measured):
    swing, conditional = bars(measured(GAUSSIAN, "swing")), bars(measured(GAUSSIAN, "conditional"))
    z = stats.norm.ppf(0.9)
    assert swing["x2"]["high"] == pytest.approx(z, rel=1e-9)
    tail = stats.norm.pdf(z) / 0.1  # E[Z | Z > z]
    close(conditional["x2"]["high"], conditional["x2"]["high_se"], tail * (1 + 0.9 * 2), 0.01)


def test_sobol_says_what_it_did_about_correlations(measured):
    assert "left out" in measured(GAUSSIAN, "sobol").note
    assert measured(ISHIGAMI, "sobol").note == ""


@pytest.mark.parametrize("method", METHODS)
def test_same_bits_for_any_threads(measured, method):
    once, again = (
        to_json(measured(GAUSSIAN, method, threads=threads, scenarios=2**14)) for threads in (1, 2)
    )
    assert once == again


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_quantity_is_a_stated_blank(measured, method):
    text = PRODUCT + '[quantities.still]\nformula = "idle * 2"\n'
    result = measured(text, method, ["still"])
    assert result.effects[0].bars == ()
    shown = "".join(part for line in sensitivity_report.report(result) for part, _ in line)
    assert "still: it is the same in every scenario" in shown
    assert "nan" not in shown + sensitivity_report.json_text(result).lower().replace("nance", "")
    tornado_figure(result)


@pytest.mark.parametrize("method", METHODS)
def test_json_csv_and_table_hold_every_bar(measured, method):
    result = measured(PRODUCT, method, scenarios=2**12)
    told = json.loads(sensitivity_report.json_text(result))
    assert told["method"] == method
    assert {bar["prior"] for bar in told["quantities"]["y"]["bars"]} == set(SIGMAS)
    assert told["quantities"]["y"]["unit"] == "USD"
    rows = sensitivity_report.csv_text(result).splitlines()
    assert len(rows) == 1 + len(SIGMAS)
    shown = "".join(part + "\n" for line in sensitivity_report.report(result, top=1) for part, _ in line)
    assert "2 others" in shown or method == "rank"
    axis = tornado_figure(result, top=2).axes[0]
    assert len(axis.get_yticklabels()) == 3 - (method == "rank")


def test_bars_are_sorted(measured):
    sizes = [bar.size for bar in measured(PRODUCT, "swing").effects[0].bars]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "swinging"}, "there is no method 'swinging'"),
        ({"low": 90, "high": 10}, "low 90 and high 10 are no rising percentages"),
        ({"percentile": 100}, "100 is no percentile"),
        ({"quantities": ["z"]}, "there is no quantity z"),
    ],
)
def test_errors_are_one_line(measured, options, message):
    with pytest.raises(ValueError, match=message):
        measured(PRODUCT, **{"method": "swing", **options})


def test_not_a_number_at_the_medians(measured):
    with pytest.raises(SensitivityError, match="not a number with every prior at its median"):
        measured(PRODUCT + '[quantities.odd]\nformula = "1 / (a - 2)"\n', "swing", ["odd"])


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_given_a_condition_the_conditional_means_are_those_of_a_truncated_normal(measured, scheme):
    """y = x1 + x2 + x3; given x1 > 0, its lowest and highest tenth are those of half a normal."""
    text = GAUSSIAN.replace("x2.x3 = {gaussian_copula = 0.9}", "")
    result = measured(text, "conditional", given=["x1 > 0"], scheme=scheme, scenarios=2**18)
    figures = bars(result)["x1"]
    half = stats.halfnorm
    tenth, ninth = half.ppf(0.1), half.ppf(0.9)
    within = 4 * 2**-10 / 100 + 4 * math.sqrt(0.09 / 2**17) / half.pdf(ninth)  # a percentile of draws
    assert abs(figures["low_input"] - tenth) < within
    assert abs(figures["high_input"] - ninth) < within
    close(figures["low"], figures["low_se"], 10 * (half.pdf(0) - half.pdf(tenth)), 0.02)
    close(figures["high"], figures["high_se"], 10 * half.pdf(ninth), 0.02)
    assert result.given["given"] == ["x1 > 0"]
    shown = "".join(part + "\n" for line in sensitivity_report.report(result) for part, _ in line)
    assert "Given x1 > 0: 50" in shown


def test_given_a_condition_swings_run_between_the_percentiles_kept(measured):
    figures = bars(measured(PRODUCT, "swing", given=["a < 2"]))["a"]
    low, high = (2 * math.exp(SIGMAS["a"] * stats.norm.ppf(share / 2)) for share in (0.1, 0.9))
    assert figures["low_input"] == pytest.approx(low, rel=0.003)
    assert figures["high_input"] == pytest.approx(high, rel=0.003)
    assert figures["high"] / figures["low"] == pytest.approx(
        figures["high_input"] / figures["low_input"], rel=1e-12
    )


def test_given_a_condition_ranks_are_of_the_scenarios_kept(measured):
    """Given a narrow a, little is left of its correlation with the product."""
    free, bound = (bars(measured(PRODUCT, "rank", **each)) for each in ({}, {"given": ["abs(a - 2) < 0.02"]}))
    assert free["a"]["spearman"] > 0.7
    assert abs(bound["a"]["spearman"]) < 0.1
    assert bound["b"]["spearman"] > free["b"]["spearman"]


@pytest.mark.parametrize(
    ("method", "given", "message"),
    [
        ("sobol", "a < 2", "sobol mixes scenarios and takes no condition"),
        ("shapley", "a < 2", "shapley mixes scenarios and takes no condition"),
        ("swing", "a < 0", "0 effective ones are left, fewer than 1,000"),
        ("rank", "a", "is no condition"),
    ],
)
def test_conditions_refused(measured, method, given, message):
    with pytest.raises(ValueError, match=message) as refused:
        measured(PRODUCT, method, given=[given])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("method", ["swing", "conditional"])
def test_chart_is_readable_with_forty_priors_of_long_names(measured, method):
    """No two names look alike, no label at a bar's end leaves its axis, and ends on one side both show."""
    names = [f"a_rather_long_name_of_an_uncertain_prior_{number:02d}" for number in range(40)]
    priors = "".join(
        f'[priors.{name}]\ndist = "normal"\nmean = 2\nsd = {1 + number}\nunit = "USD/kW/month"\n'
        for number, name in enumerate(names)
    )
    text = f'model = "none"\n{priors}[quantities.y]\nformula = "{" + ".join(names)} + ({names[39]} - 2)**2"\n'
    figure = tornado_figure(measured(text, method, scenarios=2**14), top=40)
    figure.draw_without_rendering()
    axis = figure.axes[0]
    shown = [label.get_text() for label in axis.get_yticklabels()]
    assert len(set(shown)) == 40
    assert all(name[-9:] in "".join(shown) for name in names)
    frame = axis.get_window_extent()
    assert len(axis.texts) == 80
    for label in axis.texts:
        box = label.get_window_extent()
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
    longest, shortest = sorted(axis.patches[:2], key=lambda bar: -abs(bar.get_width()))
    assert method == "conditional" or longest.get_width() * shortest.get_width() > 0
    assert axis.patches[0] is longest  # drawn first, so that the other lies upon it


@pytest.mark.parametrize("method", ["sobol", "shapley"])
def test_shares_of_a_variance_that_is_not_known_are_refused(measured, method):
    with pytest.raises(SensitivityError, match=r"odd is not a number in [\d,]+ of 262,144 scenarios"):
        measured(PRODUCT + '[quantities.odd]\nformula = "log(a - 1)"\n', method, ["odd"])
