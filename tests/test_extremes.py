"""Numbers near the ends of floats: every question answers as of any other numbers, in figures of a few digits."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sampled import sampled

from simulate.comparison import compare
from simulate.decisions import decide
from simulate.distributions import distribution
from simulate.priors import load_priors
from simulate.runs import run
from simulate.sampling.tables import at_scores, score_table
from simulate.sensitivity.tornado import tornado

PRIORS = """
title = "Extreme"
model = "none"
[priors]
z = {dist = "normal", mean = 0, sd = 1}
w = {dist = "lognormal", mu = 0, sigma = 1}
"""
QUANTITY = PRIORS + '[quantities.y]\nformula = "FACTOR * (z + w)"\nunit = "USD"\n'
CHOICES = (
    PRIORS
    + '[quantities.sum]\nformula = "z + w"\n'
    + '[choices.one.quantities.y]\nformula = "FACTOR * z"\nunit = "USD"\n'
    + '[choices.two.quantities.y]\nformula = "FACTOR * (w - 1.5)"\nunit = "USD"\n'
)
QUICK = ("--scenarios", "2048")
VARIED = ("--vary", "w=2,{dist='lognormal',mu=0,sigma=1}", "--bridge", "50,mean")
COMMANDS = {
    "run": ("run", *QUICK, "--statistic", "shortest 90", "--probability", "y > 1"),
    "run to a precision": ("run", "--scenarios", "1024", "--precision", "y:p50=5%", "--no-pictures"),
    "compare": ("compare", *VARIED, *QUICK),
    "compare, logarithmic": ("compare", *VARIED, *QUICK, "--scale", "log", "--no-pictures"),
    "swing": ("tornado",),
    **{each: ("tornado", "--method", each, *QUICK) for each in ("conditional", "rank", "sobol", "shapley")},
    "decide": ("decide", *QUICK, "--quantities", "y"),
}


def of(text, factor):
    return load_priors(text.replace("FACTOR", repr(factor)))


@pytest.mark.parametrize(("name", "factor"), sampled(COMMANDS, [1e-320, 1e200]))
def test_every_command_answers_in_few_digits(load, command, name, factor):
    question, *options = COMMANDS[name]
    file = load((CHOICES if question == "decide" else QUANTITY).replace("FACTOR", repr(factor))).path
    code, out, err = command(question, file, *options)
    assert (code, "Traceback" in err, "Warning" in err) == (0, False, False)
    assert not re.search(r"[\d,.]{20}|\bnan\b|\binf\b|nothing varies|no prior moves", out)


@pytest.mark.parametrize("factor", [2.0**600, 2.0**-1000])
@pytest.mark.parametrize(
    ("method", "figures"),
    [("sobol", ("first", "total")), ("shapley", ("effect",)), ("rank", ("spearman", "regression"))],
)
def test_a_power_of_two_moves_no_bit_of_a_share(method, figures, factor):
    one, other = (tornado(of(QUANTITY, each), method=method, scenarios=2048) for each in (1.0, factor))
    for name in (each + ending for each in figures for ending in ("", "_se")):
        assert (one[name] == other[name]).all()
    assert (one["baseline"] * factor == other["baseline"]).all()


@pytest.mark.parametrize("factor", [2.0**600, 2.0**-1000])
def test_a_power_of_two_moves_no_bit_of_a_bridge(factor):
    vary = ["w=2,{dist='lognormal',mu=0,sigma=1}", "z=1,{dist='normal',mean=0,sd=1}"]
    one, other = (compare(of(QUANTITY, each), vary=vary, scenarios=1024) for each in (1.0, factor))
    for name in ("bridge", "bridge_se", "difference_percentiles", "difference_percentiles_se"):
        assert np.array_equal(one[name] * factor, other[name], equal_nan=True)


@pytest.mark.parametrize("factor", [2.0**600, 2.0**-1000])
def test_a_power_of_two_moves_no_bit_of_what_information_is_worth(factor):
    one, other = (decide(of(CHOICES, each), quantities=["y"], scenarios=1024) for each in (1.0, factor))
    for name in ("evpi", "evpi_se", "evppi", "evppi_se", "expected_regret"):
        assert (one[name] * factor == other[name]).all()
    assert one["evpi"] > 0


@pytest.mark.parametrize(
    ("file", "first"),
    [
        ("base", "utilization"),
        ("semianalysis-2023", "rent_reserved_per_question"),
        ("goldstein-2022", "rent_on_demand_per_question"),
    ],
)
def test_a_demand_of_nothing_is_told_in_a_line_where_all_is_constant_too(command, file, first):
    """A cost per question is 0 / 0 then, of constants as of columns."""
    setting = ("--set", "visitors_per_day=0", *QUICK)
    code, _, err = command("run", file, *setting, "--no-pictures")
    assert code == 2
    assert f"nan or infinite in all 2,048 scenarios; first in {first} (" in " ".join(err.split())
    for other in (("tornado", file, *setting), ("compare", file, "--vary", "visitors_per_day=1e6,0", *QUICK)):
        code, _, err = command(*other, "--no-pictures")
        assert code in {0, 2}
        assert "Traceback" not in err


ENDS = {  # a prior's parameters, and a formula of it
    "no wider than the last digits": ('dist = "normal"\nmean = 1e308\nsd = 1e300', "x"),
    "from end to end": ('dist = "uniform"\nlower = -8e307\nupper = 8e307', "x + x"),
    "at both ends": ('dist = "normal"\nmean = 0\nsd = 1', "sign(x) * 1.7e308"),
    "beyond an end now and then": ('dist = "lognormal"\nmu = 0\nsigma = 100', "x"),
    "below all numbers": ('dist = "gamma"\nshape = 1e-4\nscale = 1', "x"),
    "of the least number": ('dist = "normal"\nmean = 0\nsd = 5e-324', "x"),
    "bounded by nothing": ('dist = "lognormal"\np5 = 1\np95 = 2\nlower = -5\nupper = 1e300', "x"),
    "constant": ("value = -1.7e308", "x"),
}


@pytest.mark.parametrize("percent", [5, 1e-320])
@pytest.mark.parametrize("name", ENDS)
def test_what_lies_at_an_end_of_numbers_is_drawn_alone_and_with_others(name, percent):
    """Without a warning, which would be an error here; a draw beyond is counted as no number."""
    prior, written = ENDS[name]
    text = f'model = "none"\n[run]\npercentiles = [{percent}]\n[priors.x]\n{prior}\n'
    text += f'[quantities.y]\nformula = "{written}"\n'
    for more in ("", '[priors.z]\ndist = "normal"\nmean = 0\nsd = 1\n[correlations]\nx.z = 0.5\n'):
        if more and name in {"constant", "below all numbers"}:  # which correlate with nothing
            continue
        result = run(load_priors(text + more), scenarios=1024)
        assert np.isfinite(result.at("mean", quantity="y")), name
        assert result.at("percentiles", quantity="y")[0] <= result.at("maximum", quantity="y")
        assert not any("--scenarios" in each and len(each) > 300 for each in result.warnings)


def test_cells_too_steep_for_a_line_have_the_exact_values():
    drawn = distribution("lognormal", {"mu": 0, "sigma": 100})
    scores = np.array([3.0, 6.0, 7.0, 7.3])  # the last is beyond floats
    with np.errstate(over="ignore"):
        expected = np.exp(100 * scores)
    np.testing.assert_allclose(at_scores(score_table(drawn), scores), expected, rtol=1e-3)
