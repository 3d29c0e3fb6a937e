"""Runs to a precision: what is asked, when it stops, and what it says."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from simulate.conditions import TooFewError
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.runs import run
from simulate.runs.precision import Target, relative, targets, to_precision
from simulate.spread import t_quantile

TEXT = 'model = "none"\n[priors]\na = {dist = "lognormal", mu = 0, sigma = 1}\n[quantities.y]\nformula = "a * 2"\n'
CONSTANT = 'model = "none"\n[priors]\na = {value = 0}\n[quantities.y]\nformula = "a * 2"\n'


def test_targets_are_read():
    assert targets("0.5%", ["y"]) == tuple(Target("y", percent, 0.005) for percent in (5, 50, 95))
    assert targets("y:p97.5=0.2%, z:p50=0.01", ["y", "z"]) == (Target("y", 97.5, 0.002), Target("z", 50, 0.01))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "'soon' is no target; write for instance '0.5%' or 'capex:p95=0.2%'"),
        ("0%", "'0%' is not between 0 and 100 %"),
        ("200%", "'200%' is not between 0 and 100 %"),
        ("x:p50=1%", "x is not among y; add it to --quantities"),
        ("y:p100=1%", "100 is not between 0 and 100 %"),
    ],
)
def test_other_targets_are_refused(text, message):
    with pytest.raises(SimulateError, match=message):
        targets(text, ["y"])


def test_t_is_the_tables():
    assert t_quantile() == pytest.approx(2.13144954556, rel=1e-9)


def test_it_stops_when_the_interval_is_narrow_enough():
    counts = []
    bands = run(
        load_priors(TEXT),
        scenarios=2**10,
        percentiles=[25],
        scheme="random",
        precision="y:p50=1%",
        progress=lambda _what, _done, total: counts.append(total),
    )
    assert counts == sorted(counts)
    assert bands.labels("percentile") == [25.0]
    assert bands["percentiles"].shape == bands["prior_percentiles"].shape == (1, 1)
    assert bands.provenance["precision"]["text"].startswith("precision reached: P50 of y is known to 0.")
    # the median of a lognormal has an error of sqrt(pi/2 n): 1 % takes some 60,000 scenarios at 1.96 of them
    assert 2**14 <= bands.attributes["scenarios"] <= 2**19


RARE = 'model = "none"\n[priors]\na = {dist = "normal", mean = 10, sd = 1}\n[quantities.y]\nformula = "a + 0"\n'


@pytest.mark.parametrize(
    "conditions",
    [
        {"given": ["a > 12.33"]},  # 1 % of them, of which 2^16 leave 650
        {"given": ["a > 13.7"]},  # 1 in 10,000: few of the first
        {"observe": ["a = 13 +- 0.05"]},
        {"given": ["a > 12"], "observe": ["a = 13 +- 0.1"]},
    ],
)
def test_scenarios_are_added_until_conditions_leave_enough(conditions):
    told = run(load_priors(RARE), precision="5%", **conditions)
    assert told.provenance["kept"]["effective"] >= 1000
    assert told.provenance["precision"]["text"].startswith("precision reached")
    plain = run(load_priors(RARE), scenarios=told.attributes["scenarios"], **conditions)
    assert plain["percentiles"].tolist() == told["percentiles"].tolist()


def test_what_never_holds_is_refused_before_the_ceiling():
    with pytest.raises(TooFewError, match="of 1,048,576 scenarios 0 effective ones are left") as refused:
        run(load_priors(RARE), precision="5%", given=["a > 100"])
    assert refused.value.kept.kept == 0


def test_the_run_is_that_of_as_many_scenarios():
    """Bit for bit: more scenarios are drawn as if they had been asked for at once."""
    priors = load_priors(TEXT)
    bands = run(priors, percentiles=[25], precision="y:p95=0.5%")
    again = run(priors, percentiles=[25], scenarios=bands.attributes["scenarios"])
    for name in again.variables:
        assert np.array_equal(bands[name], again[name], equal_nan=True)


@pytest.mark.parametrize(("ceiling", "drawn"), [(2**12, [2**12]), (2**16, [2**12, 2**15, 2**16])])
def test_a_ceiling_is_told(ceiling, drawn):
    """By the square root it would take far more than a step, which is eightfold at most."""
    priors, counts = load_priors(TEXT), []

    def counted(settings):
        result = run(priors, scenarios=settings.scenarios, percentiles=settings.percentiles, scheme="random")
        counts.append(result.attributes["scenarios"])
        return result

    asked = targets("y:p50=0.001%", ["y"])
    bands = to_precision(counted, priors.run, asked, start=2**12, ceiling=ceiling)
    assert counts == drawn
    assert bands.provenance["precision"]["text"].startswith(
        f"precision not reached with {drawn[-1]:,} scenarios: P50 of y is known to"
    )


def test_a_quantity_below_0_is_precise_to_a_share_of_its_band():
    """Twice as many scenarios as it takes halve the variance: with a quarter of them it is not yet so precise."""
    priors = load_priors(TEXT.replace("a * 2", "a * -2"))
    asked = {"scheme": "random", "percentiles": [5, 95]}
    bands = run(priors, precision="y:p5=1%", scenarios=2**10, **asked)
    assert bands.provenance["precision"]["text"].endswith("% of the width from P5 to P95 (95 % interval)")

    def reached(result):
        low, high = result["percentiles"][0]
        return t_quantile() * result.at("percentiles_se", quantity="y", percentile=5) / (high - low)

    assert reached(bands) <= 0.01
    assert reached(run(priors, scenarios=bands.attributes["scenarios"] // 4, **asked)) > 0.01


def test_a_constant_is_precise_at_once():
    assert run(load_priors(CONSTANT), scenarios=64, precision="0.1%").attributes["scenarios"] == 64


def test_the_true_error_is_within_the_target_as_often_as_stated():
    """Of 60 runs 57 are expected: fewer than 48 has a probability of 7e-6 (binomial)."""
    priors = load_priors(TEXT)
    hits = 0
    for seed in range(60):
        bands = run(
            priors, scenarios=2**10, percentiles=[95], scheme="random", seed=seed, workers=1, precision="y:p95=5%"
        )
        hits += abs(bands.at("percentiles", quantity="y", percentile=95) / (2 * np.exp(1.6448536269514722)) - 1) <= 0.05
    assert hits >= 48


def test_on_the_command_line(load, command):
    code, out, err = command("run", load(TEXT).path, "--precision", "y:p95=0.5%", "--format", "json")
    assert code == 0
    assert "precision reached: P95 of y" in err
    found = json.loads(out)["result"]
    band = found["quantities"]["y"]["percentiles"]
    known = t_quantile() * band["standard_error"]["95"] / band["value"]["95"]
    assert known <= 0.005
    reached = found["precision"]
    assert (reached["reached"], reached["quantity"], reached["percentile"], reached["asked"]) == (True, "y", 95, 0.005)
    assert reached["known"] == pytest.approx(known)


SIGNED = """
model = "none"
[priors]
z = {dist = "normal", mean = 0, sd = 1}
b = {dist = "choice", values = [0, 1]}
[quantities]
zero = {formula = "2 * z"}
below = {formula = "exp(z / 4) - 9"}
half = {formula = "b * exp(z)"}
rare = {formula = "(z > 2.2) * exp(z)"}
above = {formula = "exp(z)"}
"""


@pytest.mark.parametrize(
    ("name", "of_width", "part"),
    [
        ("zero", True, 4 * 1.6448536269514722),
        ("below", True, 2 * np.sinh(1.6448536269514722 / 4)),
        ("half", True, np.exp(1.2815515655446004)),  # P95 is the P90 of exp(z)
        ("above", False, np.exp(1.6448536269514722)),
    ],
)
def test_errors_are_shares_of_the_value_or_where_that_may_be_0_of_the_band(name, of_width, part):
    result = run(load_priors(SIGNED), scenarios=2**16, quantities=[name])
    value, error = result.estimate("percentiles", quantity=name, percentile=95)
    share, told = relative(result, value, 1.0, quantity=name)
    assert told == of_width
    assert 1 / share == pytest.approx(part, abs=6 * error + 1e-12)
    assert Target(name, 95, 0.01).reached(result) == (pytest.approx(t_quantile() * error / part, rel=0.05), of_width)


def test_without_an_error_or_a_width_there_is_still_a_share():
    result = run(load_priors(SIGNED), scenarios=2**14, quantities=["rare"])
    at = {"quantity": "rare"}
    assert result.at("percentiles", quantity="rare", percentile=95) == 0
    assert relative(result, 0.0, 0.0, **at)[0] == 0
    assert relative(result, 0.0, 1.0, **at)[0] == pytest.approx(1 / result.at("maximum", **at))
    assert np.isinf(relative(run(load_priors(CONSTANT), scenarios=16), 0.0, 1.0, quantity="y")[0])


def test_what_is_not_known_is_not_reached():
    result = run(load_priors(TEXT), scenarios=2**10)
    result["percentiles_se"][:] = np.nan
    assert Target("y", 50, 0.5).reached(result) == (np.inf, False)


def test_a_median_of_0_is_known_to_a_share_of_its_band():
    bands = run(load_priors(SIGNED), scenarios=2**10, scheme="random", quantities=["zero"], precision="zero:p50=1%")
    said = bands.provenance["precision"]["text"]
    assert re.fullmatch(
        r"precision reached: P50 of zero is known to 0\.[\d]+ % of the width from P5 to P95 \(95 % interval\)", said
    )
    # an error of sd sqrt(pi/2 n), of a width of 3.29 sd: 1 % takes some 6,600 scenarios at 2.13 of them
    assert 2**12 <= bands.attributes["scenarios"] <= 2**16
