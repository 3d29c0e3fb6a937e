"""Tornado methods against closed forms, within 4 of their own standard errors (6e-5 false alarms a figure)."""

from __future__ import annotations

import csv
import io
import itertools
import math
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from readable import assert_readable
from scipy import stats
from scipy.optimize import brentq

from simulate.errors import SimulateError
from simulate.formats import FORMATS
from simulate.formats.json import found as as_json
from simulate.influence import standardized_ranks
from simulate.layout import laid_out, plain
from simulate.plotting import MUTED
from simulate.results import Result
from simulate.runs import run
from simulate.sensitivity.methods import METHODS
from simulate.sensitivity.plots import plots
from simulate.sensitivity.report import sections
from simulate.sensitivity.tornado import BACKGROUND, tornado

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
    + "".join(f'[priors.{name}]\ndist = "lognormal"\nmedian = 2\nsigma = {sigma}\n' for name, sigma in SIGMAS.items())
    + '[priors.idle]\nvalue = 3\n[quantities.y]\nformula = "a * b / c + 0 * idle"\nunit = "USD"\n'
)


PACKAGE = Path(__file__).parent.parent / "simulate"
PAIR = ("quantity", "prior")
DRAWN = [name for name in METHODS if name != "swing"]


@pytest.fixture
def measured(load):
    def measure(text, method, quantities=("y",), **options):
        return tornado(load(text), quantities=list(quantities), method=method, **options)

    return measure


def bars(result, quantity="y"):
    """All figures of each prior that moves a quantity."""
    along = {name: {"quantity": quantity} for name, each in result.variables.items() if each.dims[-2:] == PAIR}
    along |= {"low_input": {}, "high_input": {}}
    found = {
        prior: {name: result.at(name, prior=prior, **where) for name, where in along.items()}
        for prior in result.labels("prior")
    }
    return {prior: figures for prior, figures in found.items() if not math.isnan(figures["size"])}


def told(result, **options):
    return plain(laid_out(sections(result, **options)))


def chart(result, **options):
    return plots(result, **options)["tornado"]


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


def test_shapley_effects_of_three_correlated_priors(measured):
    """y = b . x, x normal of covariance S: those known explain the variance (S b)_u' S_uu^-1 (S b)_u.

    Source: Owen and Prieur (2017), SIAM/ASA J. Uncertainty Quantification 5, 986.
    """
    slopes, sds = np.array([1.0, 1.0, 2.0]), np.array([2.0, 1.0, 1.0])
    correlations = np.array([[1, 0.5, -0.3], [0.5, 1, 0.4], [-0.3, 0.4, 1]])
    covariance = correlations * np.outer(sds, sds)

    def explained(*known):
        along = (covariance @ slopes)[list(known)]
        return along @ np.linalg.solve(covariance[np.ix_(known, known)], along) if known else 0.0

    orders = list(itertools.permutations(range(3)))
    exact = np.zeros(3)
    for order in orders:
        for place, name in enumerate(order):
            exact[name] += (explained(*order[: place + 1]) - explained(*order[:place])) / len(orders)
    exact /= explained(0, 1, 2)
    text = 'model = "none"\n[priors]\n' + "".join(
        f'x{place} = {{dist = "normal", mean = 5, sd = {sd}}}\n' for place, sd in enumerate(sds)
    )
    text += '[quantities.y]\nformula = "x0 + x1 + 2 * x2"\n[correlations]\n' + "".join(
        f"x{i}.x{j} = {{gaussian_copula = {correlations[i, j]}}}\n" for i, j in ((0, 1), (0, 2), (1, 2))
    )
    for name, figures in bars(measured(text, "shapley")).items():
        close(figures["effect"], figures["effect_se"], exact[int(name[1])], 5e-3)


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
    for order in itertools.permutations(SIGMAS):
        known = 0.0
        for name in order:
            gain = math.expm1(known + variances[name]) - math.expm1(known)
            exact[name] += gain / math.expm1(total) / 6
            known += variances[name]
    for name, effect in effects.items():
        close(effect, errors[name], exact[name], 1e-2)


@pytest.mark.parametrize("method", DRAWN)
def test_the_baseline_of_what_is_drawn_is_the_mean(measured, method):
    """Of a quotient of lognormals; its relative standard error is 0.64 / 2^7 under `random`, of which four."""
    baseline = measured(PRODUCT, method, scenarios=2**14).at("baseline", quantity="y")
    exact = 2 * math.exp(sum(sigma**2 for sigma in SIGMAS.values()) / 2)
    assert abs(baseline / exact - 1) < 4 * 0.64 / 2**7


@pytest.mark.parametrize(
    ("own", "given", "drawn"), [(2**17, [], 2**16), (2**17, ["a > 1"], 2**17), (2**10, ["a > 1"], 2**16)]
)
def test_a_method_has_its_usual_scenarios_and_under_conditions_at_least_those_of_a_run(measured, own, given, drawn):
    text = PRODUCT.replace('model = "none"\n', f'model = "none"\n[run]\nscenarios = {own}\n')
    assert measured(text, "rank", given=given).attributes["scenarios"] == drawn
    assert measured(text, "rank", given=given, scenarios=2**15).attributes["scenarios"] == 2**15


def test_conditional_percentile(measured):
    result = measured(GAUSSIAN, "conditional", percentile=50)
    assert result.attributes["percentile"] == 50
    found = bars(result)["x1"]
    # the median of Z | Z < z is at half its probability
    rest = stats.norm(0, math.sqrt(1 + 4 + 2 * 0.9 * 2))
    grid = np.linspace(-8, stats.norm.ppf(0.1), 20_001)
    weight = stats.norm.pdf(grid)

    def below(y):
        return np.average(rest.cdf(y - grid), weights=weight) - 0.5

    close(found["low"], found["low_se"], brentq(below, -10, 10), 0.05)


def test_correlated_priors_move_along_in_conditional_but_not_in_swing(measured):
    swing, conditional = bars(measured(GAUSSIAN, "swing")), bars(measured(GAUSSIAN, "conditional"))
    z = stats.norm.ppf(0.9)
    assert swing["x2"]["high"] == pytest.approx(z, rel=1e-9)
    tail = stats.norm.pdf(z) / 0.1  # E[Z | Z > z]
    close(conditional["x2"]["high"], conditional["x2"]["high_se"], tail * (1 + 0.9 * 2), 0.01)


def test_sobol_says_what_it_did_about_correlations(measured):
    said = measured(GAUSSIAN, "sobol", scenarios=2**10)
    assert "left out" in said.provenance["note"]
    assert "left out" in told(said)
    assert measured(ISHIGAMI, "sobol", scenarios=2**10).provenance["note"] == ""


@pytest.mark.parametrize("method", METHODS)
def test_same_bits_for_any_backend(measured, method):
    once, again = (
        as_json(measured(GAUSSIAN, method, backend=each, workers=2, scenarios=2**14)) for each in ("serial", "threads")
    )
    assert once == again


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_quantity_is_a_stated_blank(measured, method):
    text = PRODUCT + '[quantities.still]\nformula = "idle * 2"\n'
    alone = measured(text, method, ["still"], scenarios=2**10)
    assert alone.labels("prior") == []
    assert as_json(alone)["quantities"]["still"]["baseline"]["value"] == 6
    beside = measured(text, method, ["still", "y"], scenarios=2**10)
    assert bars(beside, "still") == {}
    assert set(bars(beside)) == set(SIGMAS)
    for result in (alone, beside):
        assert "still: it is the same in every scenario" in told(result)
        assert "nan" not in told(result)
        chart(result)


@pytest.mark.parametrize("method", METHODS)
def test_every_figure_is_in_the_result_and_in_every_format(measured, method):
    """Each figure has its error, and stands below its quantity and prior; what bars are sorted by is told too."""
    result = measured(PRODUCT, method, scenarios=2**12)
    figures = METHODS[method].figures
    assert result.question == "tornado"
    assert result.attributes["method"] == method
    assert result.variables["size"].dims == ("quantity", "prior")
    assert result.variables["low_input"].dims == ("prior",)
    told_of = as_json(result)["quantities"]["y"]
    y = {name: each["value"] for name, each in told_of.items() if name not in {"label", "unit"}}
    for figure in figures:
        assert set(y[figure]) == set(told_of[figure]["standard_error"]) == set(SIGMAS)
        ranged = figure in {"low", "high", "swing"}
        assert result.unit(figure, quantity="y", prior="a") == ("USD" if ranged else "1")
    if METHODS[method].ranges:
        reach = {prior: max(abs(y[end][prior] - y["baseline"]) for end in ("low", "high")) for prior in SIGMAS}
        assert y["size"] == reach
    else:
        assert y["size"] == {prior: abs(value) for prior, value in y[METHODS[method].size].items()}
    text = io.StringIO()
    FORMATS["csv"](result, list, text)
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    held = {(row["prior"], row["figure"]) for row in rows if row["quantity"] == "y" and row["prior"]}
    assert held == set(itertools.product(SIGMAS, [*figures, "size"]))
    assert Result.of_dataset(result.to_dataset()).labels("prior") == result.labels("prior")


@pytest.mark.parametrize("method", METHODS)
def test_the_rest_is_one_bar_where_bars_may_be_summed(measured, method):
    result = measured(PRODUCT, method, scenarios=2**12)
    assert ("2 others" in told(result, top=1)) == (method != "rank")
    assert ("1 other " in told(result, top=2)) == (method != "rank")
    assert len(chart(result, top=2).axes[0].get_yticklabels()) == 3 - (method == "rank")


def test_bars_are_sorted_and_ties_go_by_name(measured):
    names = ("d", "b", "c")
    text = (
        'model = "none"\n[priors]\na = {dist = "normal", mean = 0, sd = 0.5}\n'
        + "".join(f'{name} = {{dist = "normal", mean = 0, sd = 1}}\n' for name in names)
        + '[quantities.y]\nformula = "a + c + d + b"\n'
    )
    rows = [line.split()[0] for line in told(measured(text, "swing")).splitlines() if "│" in line]
    assert rows == ["b", "c", "d", "a"]


def test_priors_of_all_quantities_stand_side_by_side(measured):
    """A figure is nan where a prior does not move a quantity."""
    text = PRODUCT + '[quantities.z]\nformula = "a + other"\n[priors.other]\ndist = "normal"\nmean = 9\nsd = 1\n'
    result = measured(text, "swing", ["y", "z"])
    assert set(result.labels("prior")) == {*SIGMAS, "other"}
    assert set(bars(result, "z")) == {"a", "other"}
    assert math.isnan(result.at("low", quantity="z", prior="b"))
    assert set(as_json(result)["quantities"]["z"]["low"]["value"]) == {"a", "other"}


def test_beside_the_bars_stand_mean_and_percentiles_of_a_run(measured, load):
    result = measured(PRODUCT, "swing", percentiles=[5, 95])
    assert result.labels("percentile") == [5, 50, 95]
    same = run(load(PRODUCT), quantities=["y"], scenarios=BACKGROUND, percentiles=[5, 50, 95])
    for name in ("mean", "mean_se", "percentiles", "percentiles_se"):
        assert (result[name] == same[name]).all()
    assert measured(PRODUCT, "swing").labels("percentile") == [50]
    assert ", P5 0.756 USD, P95 5.30 USD)" in told(result)


@pytest.mark.parametrize("method", METHODS)
def test_progress_ends_at_its_total_and_says_what_is_measured(measured, method):
    seen = {}

    def progress(what, done, total):
        seen[what] = done, total

    measured(GAUSSIAN, method, scenarios=2**19 if method == "rank" else 2**16, progress=progress)
    assert all(done == total for done, total in seen.values())
    assert list(seen) == ["scenarios", "tornado of y"][: 1 if method == "swing" else 2]


class Gone(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("method", DRAWN)
def test_workers_stop_when_nobody_waits_any_more(measured, method):
    def progress(what, done, _total):
        if what == "tornado of y" and done == 1:
            raise Gone

    before = threading.active_count()
    with pytest.raises(Gone):
        measured(GAUSSIAN, method, scenarios=10**7, progress=progress, backend="threads", workers=2)
    end = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= before


MANY = [f"p{number}" for number in range(600)]


def many_priors(count):
    text = "".join(f'{name} = {{dist = "normal", mean = 1, sd = 1}}\n' for name in MANY[:count])
    parts = [f'part{first} = {{formula = "{" + ".join(MANY[first : first + 100])}"}}' for first in range(0, count, 100)]
    whole = " + ".join(part.split()[0] for part in parts)
    joined = "\n".join(parts)
    return f'model = "none"\n[priors]\n{text}[quantities]\n{joined}\ny = {{formula = "{whole}"}}\n'


@pytest.mark.parametrize("scheme", ["sobol", pytest.param("random", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("method", "count"),
    [
        ("swing", 600),
        ("sobol", 100),
        *(pytest.param(method, 600, marks=pytest.mark.long) for method in ("sobol", "shapley")),
    ],
)
def test_very_many_priors_are_measured(measured, method, count, scheme):
    result = measured(many_priors(count), method, scheme=scheme, scenarios=2**8)
    assert set(result.labels("prior")) == set(MANY[:count])
    assert np.isfinite(result["size"]).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_prior_that_a_quantity_does_not_need_moves_none_of_its_figures(measured, method):
    more = GAUSSIAN.replace("[priors]", '[priors]\nx0 = {dist = "normal", mean = 0, sd = 1}')
    more += '[quantities.z]\nformula = "y + x0"\n' if more.endswith("\n") else '\n[quantities.z]\nformula = "y + x0"\n'
    before, after = (bars(measured(text, method, scenarios=2**12)) for text in (GAUSSIAN, more))
    assert after == before


def test_a_method_is_one_file(tmp_path):
    """What a module says of its method is all that the command, the report and the picture need."""
    shutil.copytree(PACKAGE, tmp_path / "simulate", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "simulate" / "sensitivity" / "methods" / "width.py").write_text(
        "from simulate.sensitivity.method import Measured, Method\n"
        "def measure(asking):\n"
        "    low, _, high = asking.bands['a']\n"
        "    return Measured(0, {'a': {'width': (high - low, 0), 'low': (low, 0), 'high': (high, 0)}})\n"
        "FIGURES = {'width': 'width', 'low': 'from', 'high': 'to'}\n"
        "METHOD = Method(measure, 1, 'how wide priors are', FIGURES, 'width')\n"
    )
    (tmp_path / "file.toml").write_text(PRODUCT)
    command = [sys.executable, "-m", "simulate", "tornado", "file.toml", "--quantities", "y", "--method", "width"]
    done = subprocess.run([*command, "--pictures"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "y: how wide priors are (P50 2.001 USD" in done.stdout
    width = 2 * (math.exp(0.5 * stats.norm.ppf(0.9)) - math.exp(-0.5 * stats.norm.ppf(0.9)))
    assert f"a      {width:.5f}  0" in done.stdout
    assert (tmp_path / "outputs" / "file" / "tornado.png").exists()


def test_the_names_of_the_methods_do_not_wait_for_numpy():
    code = "import sys, simulate.sensitivity.methods as m; assert list(m.METHODS); assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "swinging"}, "there is no method 'swinging'"),
        ({"low": 90, "high": 10}, "low 90 and high 10 are no rising percentages"),
        ({"low": "ten"}, "low: must be a number"),
        ({"percentile": 100}, "percentile: must be less than 100"),
        ({"percentile": 95}, "swing follows no percentile of the quantity; use conditional with --percentile"),
        ({"percentiles": [0]}, "percentiles: must be greater than 0"),
        ({"scenarios": 0}, "scenarios: must be greater than or equal to 1"),
        ({"scheme": "sobel"}, "there is no scheme 'sobel'; did you mean sobol"),
        ({"workers": 0}, "workers: must be"),
        ({"quantities": ["z"]}, "there is no quantity z"),
    ],
)
def test_errors_are_one_line(measured, options, message):
    with pytest.raises(SimulateError, match=message) as refused:
        measured(PRODUCT, **{"method": "swing", **options})
    assert "\n" not in str(refused.value)


def test_a_swing_from_what_is_no_number_is_refused(measured):
    with pytest.raises(SimulateError, match="odd is not a number with every prior at its median; use --method cond"):
        measured(PRODUCT + '[quantities.odd]\nformula = "1 / (a - 2)"\n', "swing", ["odd"])


def of(**priors):
    """A file of priors without a model; its formula is yet to come."""
    return 'model = "none"\n[priors]\n' + "".join(f"{name} = {{{text}}}\n" for name, text in priors.items())


def formula(text):
    return f'[quantities.y]\nformula = "{text}"\n'


NOISE = {"b": 'dist = "normal", mean = 0, sd = 0.1'}
STANDARD = 'dist = "normal", mean = 0, sd = 1'


@pytest.mark.parametrize("method", ["swing", "conditional"])
@pytest.mark.parametrize(
    ("x", "text", "gap", "known", "why"),
    [
        (STANDARD, "sqrt(x) + b", "low", "high", "not a number"),
        (STANDARD, "log(-x + 1e-9) + b", "high", "low", "not a number"),
        ('dist = "choice", values = [0, 1, 2], weights = [20, 50, 30]', "1 / x + b", "low", "high", "infinite"),
        (
            'dist = "choice", values = [-3, 1, 2], weights = [5, 50, 45]',
            "b - log(2 - x) / x",
            "high",
            "low",
            "infinite",
        ),
    ],
)
def test_an_end_without_a_number_is_a_gap_and_a_line_in_every_format(measured, method, x, text, gap, known, why):
    result = measured(of(x=f"{x}", **NOISE) + formula(text), method)
    told_of = [line for line in result.warnings if f"with x at its {gap} end" in line and "no bar there" in line]
    assert len(told_of) == 1
    assert "is a number in none of" in told_of[0] if method == "conditional" else f"y is {why} with" in told_of[0]
    found = bars(result)
    assert math.isnan(found["x"][gap])
    assert math.isnan(found["x"]["swing"])
    assert math.isnan(found["x"][f"{gap}_se"])
    assert math.isfinite(found["x"][known])
    assert found["x"]["size"] == abs(found["x"][known] - result.at("baseline", quantity="y"))
    assert math.isfinite(found["b"]["swing"])
    row = next(line for line in told(result).splitlines() if line.startswith("x "))
    before, _, after = row.rstrip().partition("│")
    assert before.rstrip(" █").endswith("–") if gap == "low" else after.endswith("–")
    assert as_json(result)["quantities"]["y"][gap]["value"]["x"] is None
    out = io.StringIO()
    FORMATS["csv"](result, list, out)
    (line,) = [
        row for row in csv.DictReader(io.StringIO(out.getvalue())) if (row["prior"], row["figure"]) == ("x", gap)
    ]
    assert line["value"] == ""
    texts = [text.get_text() for text in chart(result).axes[0].texts]
    assert sum("no figure" in text for text in texts) == 1


def test_a_prior_without_a_number_at_either_end_comes_last(measured):
    text = of(x=STANDARD, **NOISE) + formula("b + sqrt(1 - x**2)")
    result = measured(text, "swing")
    assert bars(result)["x"]["size"] == 0
    assert len([line for line in result.warnings if "with x at its" in line]) == 2
    assert [line.split()[0] for line in told(result).splitlines() if "│" in line] == ["b", "x"]
    assert sum("no figure" in text.get_text() for text in chart(result).axes[0].texts) == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_quantity_that_cannot_be_measured_is_a_line_beside_another(measured, method):
    """sobol and shapley need a variance; swing and rank find nothing to begin from."""
    bad = "log(a - 12)" if method in {"conditional", "rank"} else "1 / (a - 2) + log(a - 1)"
    result = measured(PRODUCT + f'[quantities.odd]\nformula = "{bad}"\n', method, ["odd", "y"], scenarios=2**10)
    assert set(bars(result)) == set(SIGMAS)
    assert bars(result, "odd") == {}
    (line,) = [line for line in result.warnings if line.startswith("odd is ") and "first in" not in line]
    assert f"odd: {line}" in " ".join(told(result).split())
    chart(result)


EVENT = {"event": 'dist = "choice", values = [0, 1], weights = [95, 5]', "base": 'dist = "normal", mean = 100, sd = 5'}


@pytest.mark.parametrize("method", ["swing", "conditional"])
def test_a_bar_of_an_event_goes_from_its_absence_to_its_presence(measured, method):
    result = measured(of(**EVENT) + formula("base + 1000 * event"), method)
    event = bars(result)["event"]
    assert (event["low_input"], event["high_input"]) == (0, 1)
    assert result.at("low_probability", prior="event") == pytest.approx(0.95)
    assert result.at("high_probability", prior="event") == pytest.approx(0.05)
    assert math.isnan(result.at("high_percent", prior="event"))
    if method == "swing":
        assert (event["low"], event["high"]) == pytest.approx((100, 1100))
    else:
        close(event["low"], event["low_se"], 100, 0.01)
        close(event["high"], event["high_se"], 1100, 0.1)
    rows = [line.split() for line in told(result).splitlines() if "│" in line]
    assert rows[0][:7] == ["event", "0", "(95", "%)", "1.00", "(5", "%)"]
    assert rows[1][0] == "base"
    assert "Beside a prior's least or greatest value stands its probability." in told(result)
    assert "0 (95 %) to 1.00 (5 %)" in [text.get_text() for text in chart(result).axes[0].texts]


MIXTURE = """
model = "none"
[priors]
b = {{dist = "normal", mean = 0, sd = 1}}
[priors.m]
dist = "mixture"
weights = [{weight}, {rest}]
components = [{{dist = "constant", value = 0}}, {{dist = "normal", mean = {mean}, sd = 10}}]
[quantities.y]
formula = "b + m"
"""


@pytest.mark.parametrize("method", ["swing", "conditional"])
@pytest.mark.parametrize("mean", [100, -100])
def test_a_tail_of_no_probability_beyond_an_atom_is_no_end(measured, mean, method):
    """A normal ten standard deviations away leaves 4e-25 beyond 0, so that the bar ends there, on either side."""
    result = measured(MIXTURE.format(weight=0.95, rest=0.05, mean=mean), method)
    near, far = ("low", "high") if mean > 0 else ("high", "low")
    assert bars(result)["m"][f"{near}_input"] == 0
    assert result.at(f"{near}_probability", prior="m") == pytest.approx(0.95)
    assert abs(bars(result)["m"][f"{far}_input"]) == pytest.approx(100 + 1.2815515655 * 10)
    assert result.warnings == []


def test_a_percent_near_all_is_told_with_its_digits(measured):
    result = measured(MIXTURE.format(weight=0.9999, rest=0.0001, mean=100), "swing")
    assert "(P99.999)" in told(result)


@pytest.mark.parametrize("weights", ["1, 1e-20, 1", "1, 1, 1e-20", "1e-20, 1, 1"])
def test_a_value_of_no_probability_is_as_if_it_were_not_there(load, measured, weights):
    text = of(k=f'dist = "choice", values = [1, 2, 3], weights = [{weights}]', **NOISE) + formula("k + b")
    assert run(load(text), scenarios=2**14).warnings == []
    result = measured(text, "swing")
    assert [result.at(f"{side}_probability", prior="k") for side in ("low", "high")] == pytest.approx([0.5, 0.5])


def test_where_a_quantity_stands_is_told_as_finely_as_its_bars(measured):
    result = measured(of(t='dist = "normal", mean = 2027.6, sd = 0.3') + formula("t") + 'unit = "year"', "swing")
    assert "all priors at their medians 2027.60 year, P50 2027.60 year, mean 2027.60 year" in told(result)


def test_no_probability_is_told_beside_percentiles(measured):
    result = measured(GAUSSIAN, "swing")
    assert "probability" not in told(result)
    assert result.at("low_percent", prior="x1") == 10
    assert "low_probability" not in result


@pytest.mark.parametrize(
    ("x", "ends"),
    [
        ('dist = "choice", values = [1, 2, 3], weights = [5, 90, 5]', (1, 3)),
        ('dist = "choice", values = [1, 2, 3, 4], weights = [1, 5, 93, 1]', (1, 4)),
        ('dist = "empirical", values = [3, 1, 1, 1, 2, 2, 2, 9]', (1, 9)),
        (
            'dist = "mixture", components = [{value = 5}, {dist = "uniform", lower = 6, upper = 8}], weights = [9, 1]',
            (5, 7.8),
        ),
        (
            'dist = "mixture", components = [{value = 5}, {dist = "uniform", lower = 2, upper = 4}], weights = [95, 5]',
            (2.2, 5),
        ),
        (
            'dist = "mixture", components = [{value = 0}, {dist = "uniform", lower = 1, upper = 2}], weights = [5, 95]',
            None,
        ),
    ],
)
def test_ends_on_values_with_a_probability_go_outwards(measured, x, ends):
    """Beyond a value, a percentile goes as far into the rest as it says: P10 and P90 of what is there."""
    figures = bars(measured(of(x=x, **NOISE) + formula("x + b"), "swing"))["x"]
    exact = ends or (1 + (0.1 - 0.05) / 0.95, 1 + (0.9 - 0.05) / 0.95)
    assert (figures["low_input"], figures["high_input"]) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("given", [["x < 2.5"], ["x > 1.5"], ["b > 0", "x >= 1"]])
def test_given_a_condition_the_ends_are_values_that_are_left(measured, given):
    text = of(x='dist = "choice", values = [1, 2, 3], weights = [6, 88, 6]', **NOISE) + formula("x + b")
    result = measured(text, "conditional", given=given)
    shares = {1: 6, 2: 88, 3: 6}
    left = {value: share for value, share in shares.items() if eval(given[-1], {"x": value})}
    for end, value in (("low", min(left)), ("high", max(left))):
        assert result.at(f"{end}_input", prior="x") == value
        probability = left[value] / sum(left.values())
        error = math.sqrt(probability / result.provenance["kept"]["effective"])
        assert abs(result.at(f"{end}_probability", prior="x") - probability) < 4 * error
        close(
            bars(result)["x"][end],
            bars(result)["x"][f"{end}_se"],
            value + (given[0] == "b > 0") * 0.1 * stats.halfnorm.mean(),
            0.01,
        )


def test_given_a_condition_a_mixture_goes_beyond_its_value(measured):
    text = of(
        x='dist = "mixture", components = [{value = 0}, {dist = "uniform", lower = 1, upper = 2}], weights = [95, 5]',
        **NOISE,
    )
    result = measured(text + formula("x + b"), "swing", given=["x < 1.5"])
    assert result.at("low_probability", prior="x") == pytest.approx(0.95 / 0.975, abs=4 * math.sqrt(0.025 / 2**20))
    assert result.at("high_input", prior="x") == pytest.approx(1.45, abs=0.01)
    assert result.at("high_percent", prior="x") == pytest.approx(100 * (1 - 0.1 * 0.025 / 0.975), abs=0.01)


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_a_tie_at_the_boundary_is_split(measured, scheme):
    """Of 200 equal values, of which some tie, the lowest and the highest tenth are 20 values' worth."""
    values = [number // 3 for number in range(200)]
    text = of(x=f'dist = "empirical", values = {values}', **NOISE) + formula("x + b")
    figures = bars(measured(text, "conditional", scheme=scheme))["x"]
    close(figures["low"], figures["low_se"], np.mean(values[:20]), 0.05)
    close(figures["high"], figures["high_se"], np.mean(values[-20:]), 0.05)


def test_bars_are_sorted_by_how_far_they_reach_from_the_middle(measured):
    """Of a hump both ends are on one side, and equal."""
    text = of(x=STANDARD, z=STANDARD, **NOISE) + formula("5 * x**2 + z + b")
    for method in ("swing", "conditional"):
        result = measured(text, method)
        assert [line.split()[0] for line in told(result).splitlines() if "│" in line] == ["x", "z", "b"]
    axis = chart(result).axes[0]
    texts = [text.get_text() for text in axis.texts]
    assert "−1.28 to 1.28" in texts
    assert sum("16." in text for text in texts) == 1  # one label where two would lie upon each other


def test_dots_at_the_quarters_show_a_hump(measured):
    """y = 10 - x^2 is 10 - z^2 at both ends of x, and nearer to 10 at its quarters."""
    text = of(x=STANDARD, z=STANDARD) + formula("10 - x**2 + z / 10")
    figure = chart(measured(text, "swing"))
    (dots, *_) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert list(dots.get_xdata()) == pytest.approx([10 - stats.norm.ppf(0.25) ** 2] * 2)
    assert "dots: the prior at its P25 and its P75" in figure.get_supxlabel()
    assert not any(line.get_marker() == "o" for line in chart(measured(text, "conditional")).axes[0].lines)


def test_a_tornado_leads_with_what_moves_most_and_tells_the_quantity_at_the_ends(measured):
    """The prior's own ends stand small below its name; the axis begins where the quantity does, with one baseline."""
    result = measured(PRODUCT, "swing")
    figure = chart(result)
    axis, most = figure.axes[0], max(bars(result).items(), key=lambda each: each[1]["size"])
    low, high = (f"{most[1][end]:.3g}" for end in ("low", "high"))
    assert figure.get_suptitle().startswith(f"y: {most[0]} moves it most, from {float(low):.2f} to ")
    texts = {label.get_text(): label for label in axis.texts}
    assert any(each.startswith(high[:3]) for each in texts)
    assert axis.get_xlim()[0] == pytest.approx(min(each["low"] for each in bars(result).values()))
    upright = [line for line in axis.lines if len(set(line.get_xdata())) == 1 and line.get_marker() != "o"]
    assert len(upright) == 1
    small = [label for label in axis.texts if " to " in label.get_text()]
    assert {label.get_color() for label in small} == {MUTED}
    assert_readable(figure)


@pytest.mark.parametrize("options", [{"low": 0.0001}, {"high": 99.9999}, {"low": 0.0001, "high": 99.9999}])
def test_an_end_with_too_few_scenarios_is_a_line_that_says_how_many_it_takes(measured, options):
    text = of(x='dist = "normal", mean = 10, sd = 1', **NOISE) + formula("x + b")
    needed = (
        r"of 262,144 scenarios with . at its (low|high) end are too few for its mean: no bar there; ask for 160,000,000"
    )
    if len(options) == 2:
        with pytest.raises(SimulateError, match=needed):
            measured(text, "conditional", **options)
        return
    result = measured(text, "conditional", **options)
    (gap,) = options
    assert math.isnan(bars(result)["x"][gap])
    assert len([line for line in result.warnings if "are too few" in line]) == 2
    assert math.isfinite(bars(result)["x"]["high" if gap == "low" else "low"])


LASTING = {"rank", "sobol", "shapley"}  # methods that take seconds for it


@pytest.mark.parametrize(
    "method", [pytest.param(each, marks=pytest.mark.long) if each in LASTING else each for each in METHODS]
)
def test_an_event_of_one_in_a_million_moves_the_mean(measured, method):
    text = of(e='dist = "choice", values = [0, 1], weights = [999999, 1]') + formula("1 + 1e6 * e")
    result = measured(text, method)
    mean, error = result.estimate("mean", quantity="y")
    assert abs(mean - 2) < 4 * error < 1
    e = bars(result)["e"]
    if METHODS[method].ranges:
        assert (e["low"], e["high"]) == (1, 1_000_001)
    else:
        assert e["size"] == pytest.approx(1, rel=1e-9)
    assert "0.0001 %" in told(result) or not METHODS[method].ranges


@pytest.mark.parametrize("method", METHODS)
def test_what_is_the_same_but_for_rounding_is_moved_by_nothing(measured, method):
    text = PRODUCT + '[quantities.one]\nformula = "a / (a + b) + b / (a + b)"\n'
    result = measured(text, method, ["one", "y"], scenarios=2**10)
    assert bars(result, "one") == {}
    assert "one: it is the same in every scenario" in told(result)
    assert result.at("mean", quantity="one") == 1


def test_a_prior_that_moves_by_rounding_alone_has_no_swing(measured):
    text = PRODUCT + '[quantities.sum]\nformula = "c + (a + b - a - b)"\n'
    result = measured(text, "swing", ["sum"])
    assert bars(result, "sum")["a"]["size"] == bars(result, "sum")["b"]["size"] == 0
    assert bars(result, "sum")["c"]["size"] > 0.1


@pytest.mark.parametrize(
    ("method", "formula", "message"),
    [
        ("conditional", "log(a - 8)", "odd is a number in none of 16 scenarios; ask for more"),
        ("rank", "log(a - 3)", "odd is a number in fewer than two scenarios of a replicate, too few to rank; ask"),
        ("rank", "a", "odd is a number in fewer than two scenarios of a replicate"),
        ("sobol", "max(a - 8, 0)", "odd is the same in all scenarios drawn; ask for more"),
        ("shapley", "max(a - 8, 0)", "odd is the same in all scenarios drawn; ask for more"),
    ],
)
def test_too_few_scenarios_to_measure_by_are_refused(measured, method, formula, message):
    with pytest.raises(SimulateError, match=message):
        measured(PRODUCT + f'[quantities.odd]\nformula = "{formula}"\n', method, ["odd"], scenarios=16)


def test_two_scenarios_of_a_replicate_are_enough_to_rank(measured):
    """Any two rank alike or the other way round: the mean of 16 correlations of 1 or -1."""
    for name, figures in bars(measured(PRODUCT, "rank", scenarios=32, scheme="random")).items():
        alike = (figures["spearman"] + 1) * 8
        assert alike == pytest.approx(round(alike)), name


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
    assert result.provenance["given"] == ["x1 > 0"]
    assert abs(result.provenance["kept"]["share"] - 0.5) <= 4 * result.provenance["kept"]["share_se"] + 1e-4
    assert "Given x1 > 0: 50" in told(result)


@pytest.mark.parametrize("method", ["swing", "conditional", "rank"])
def test_beside_the_bars_stands_the_run_under_the_conditions(measured, load, method):
    asked = {"given": ["a < 2"], "scenarios": 2**14, "seed": 5, "scheme": "random"}
    result = measured(PRODUCT, method, percentiles=[5], **asked)
    same = run(load(PRODUCT), quantities=["y"], percentiles=[5, 50], **asked)
    for name in ("mean", "mean_se", "percentiles", "percentiles_se"):
        assert np.array_equal(result[name], same[name])
    assert result.provenance["kept"] == same.provenance["kept"]
    assert result.at("mean", quantity="y") != run(load(PRODUCT), quantities=["y"], scenarios=2**14).at("mean")[0]


def test_given_a_condition_swings_run_between_the_percentiles_kept(measured):
    figures = bars(measured(PRODUCT, "swing", given=["a < 2"]))["a"]
    low, high = (2 * math.exp(SIGMAS["a"] * stats.norm.ppf(share / 2)) for share in (0.1, 0.9))
    assert figures["low_input"] == pytest.approx(low, rel=0.003)
    assert figures["high_input"] == pytest.approx(high, rel=0.003)
    assert figures["high"] / figures["low"] == pytest.approx(figures["high_input"] / figures["low_input"], rel=1e-12)


def test_given_a_condition_ranks_are_of_the_scenarios_kept(measured):
    """Given a narrow a, little is left of its correlation with the product."""
    free, bound = (bars(measured(PRODUCT, "rank", **each)) for each in ({}, {"given": ["abs(a - 2) < 0.02"]}))
    assert free["a"]["spearman"] > 0.7
    assert abs(bound["a"]["spearman"]) < 0.1
    assert bound["b"]["spearman"] > free["b"]["spearman"]


OBSERVED = ["x1 = 1 +- 1"]  # of x1 ~ N(0, 1), N(1/2, 1/sqrt(2)) is left
POSTERIOR = stats.norm(0.5, math.sqrt(0.5))


@pytest.mark.parametrize("method", ["swing", "conditional"])
def test_a_measured_value_moves_the_ends_of_a_prior(measured, method):
    text = GAUSSIAN.replace("x2.x3 = {gaussian_copula = 0.9}", "")
    result = measured(text, method, observe=OBSERVED, scheme="random", scenarios=2**18)
    figures = bars(result)["x1"]
    for end, share in (("low", 0.1), ("high", 0.9)):
        exact = POSTERIOR.ppf(share)
        effective = result.provenance["kept"]["effective"]
        # a percentile of weighted draws, and a bin of the summary
        assert abs(figures[f"{end}_input"] - exact) < 4 * math.sqrt(0.09 / effective) / POSTERIOR.pdf(exact) + 2**-10
    if method == "conditional":
        beyond = math.sqrt(0.5) * stats.norm.pdf(stats.norm.ppf(0.1)) / 0.1
        close(figures["low"], figures["low_se"], 0.5 - beyond, 0.05)
        close(figures["high"], figures["high_se"], 0.5 + beyond, 0.05)
    assert result.provenance["observe"] == OBSERVED
    assert "weighted by their likelihood" in told(result)


def test_a_measured_value_weighs_the_ranks(measured):
    """With x1 ~ N(1/2, 1/2) in y = x1 + x2 + x3, Pearson's r is sqrt(0.5 / 5.5), Spearman's 6/pi arcsin(r/2)."""
    text = GAUSSIAN.replace("x2.x3 = {gaussian_copula = 0.9}", "")
    figures = bars(measured(text, "rank", observe=OBSERVED, scheme="random", scenarios=2**18))
    for name, variance in (("x1", 0.5), ("x2", 1), ("x3", 4)):
        exact = 6 / math.pi * math.asin(math.sqrt(variance / 5.5) / 2)
        close(figures[name]["spearman"], figures[name]["spearman_se"], exact, 0.005)


def test_weighted_ranks_are_those_of_as_many_repetitions():
    random = np.random.default_rng(3)
    columns, times = random.integers(0, 50, (2, 400)).astype(float), random.integers(0, 4, 400)
    weighted, repeated = (
        float(np.dot(*map(standardized_ranks, each, weights)))
        for each, weights in ((columns, [times.astype(float)] * 2), (np.repeat(columns, times, axis=1), [None] * 2))
    )
    assert weighted == pytest.approx(repeated, rel=1e-12)
    assert repeated == pytest.approx(stats.spearmanr(*np.repeat(columns, times, axis=1)).statistic, rel=1e-12)


@pytest.mark.parametrize("method", ["sobol", "shapley"])
def test_methods_that_mix_scenarios_take_no_measured_value(measured, method):
    message = f"^{method} mixes scenarios and takes no condition; use conditional or rank or swing with --observe$"
    with pytest.raises(SimulateError, match=message):
        measured(GAUSSIAN, method, observe=OBSERVED)


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
    with pytest.raises(SimulateError, match=message) as refused:
        measured(PRODUCT, method, given=[given])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("method", ["swing", "conditional"])
def test_chart_is_readable_with_forty_priors_of_long_names(measured, method):
    """No two names look alike, no text lies upon another, and ends on one side both show."""
    names = [f"a_rather_long_name_of_an_uncertain_prior_{number:02d}" for number in range(40)]
    priors = "".join(
        f'[priors.{name}]\ndist = "normal"\nmean = 2\nsd = {1 + number}\nunit = "USD/kW/month"\n'
        for number, name in enumerate(names)
    )
    formula = f"{' + '.join(names)} + ({names[39]} - 2)**2 / 1 [USD/kW/month]"
    text = f'model = "none"\n{priors}[quantities.y]\nformula = "{formula}"\n'
    figure = chart(measured(text, method, scenarios=2**14), top=40)
    axis = figure.axes[0]
    shown = [text.get_text().replace("\n", " ") for text in axis.texts if text.get_color() != MUTED]
    assert {name.replace("_", " ") for name in names} <= set(shown)
    assert_readable(figure)
    longest, shortest = sorted(axis.patches[:2], key=lambda bar: -abs(bar.get_width()))
    assert method == "conditional" or longest.get_width() * shortest.get_width() > 0
    assert axis.patches[0] is longest  # drawn first, so that the other lies upon it


@pytest.mark.parametrize("method", ["sobol", "shapley"])
def test_shares_of_a_variance_that_is_not_known_are_refused(measured, method):
    with pytest.raises(SimulateError, match=r"odd is not a number in [\d,]+ of 262,144 scenarios"):
        measured(PRODUCT + '[quantities.odd]\nformula = "log(a - 1)"\n', method, ["odd"])
