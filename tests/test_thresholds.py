"""Percentiles in conditions: what they are of, how well all is known under them, and which priors lie elsewhere."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from simulate.comparison import compare
from simulate.conditions import questions
from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.runs import draws, run
from simulate.runs.report import sections
from simulate.runs.scenario_analysis import shifted
from simulate.sensitivity.tornado import tornado
from simulate.spread import t_quantile

TEXT = """
model = "none"
[priors]
x = {dist = "normal", mean = 10, sd = 2, unit = "USD"}
b = {dist = "normal", mean = 5, sd = 1, unit = "USD"}
event = {dist = "choice", values = [0, 1], weights = [95, 5]}
wide = {dist = "student_t", df = 2, location = 0, scale = 1}
apart = {dist = "uniform", lower = 0, upper = 1}
fixed = {value = 3}
[quantities]
y = {formula = "x + b", unit = "USD"}
loss = {formula = "10 * event + wide + fixed + 0 * apart"}
[choices.one]
[choices.two.quantities]
y = {formula = "x + 2 * b", unit = "USD"}
"""
SPREAD = math.sqrt(5)
Z = stats.norm.ppf(0.9)
FALSE_ALARM = 1e-4


@pytest.fixture(scope="module")
def priors():
    return load_priors(TEXT)


@pytest.fixture(scope="module")
def worst(priors):
    return run(priors, scenarios=2**16, given=["y > P90"], quantities=["y", "x", "loss"])


def median_of_x(z):
    """The median of x given that x + b is above its percentile."""

    def below(value):
        inner = integrate.quad(
            lambda u: stats.norm.pdf(u) * stats.norm.sf(15 + z * SPREAD, 10 + 2 * u + 5, 1), -9, (value - 10) / 2
        )
        return inner[0] / stats.norm.sf(z) - 0.5

    return optimize.brentq(below, 5, 25, xtol=1e-10)


def test_the_percentile_is_that_of_the_run_without_the_condition(priors, worst):
    alone = run(priors, scenarios=2**16, quantities=["y"], percentiles=[90])
    kept = worst.provenance["kept"]
    assert kept["thresholds"] == {"P90(y)": (alone.at("percentiles", quantity="y", percentile=90), "USD")}
    assert kept["share"] == pytest.approx(0.1, abs=1 / 2**16)
    assert "Given y > P90 (P90(y) is 17.86 USD): 10.00 % of the 65,536" in plain(laid_out(sections(worst)))


def test_bands_in_the_worst_tenth(worst):
    mean, error = worst.estimate("mean", quantity="y")
    assert abs(mean - (15 + SPREAD * stats.norm.pdf(Z) / 0.1)) <= 4 * error
    values, errors = worst.estimate("percentiles", quantity="y")
    exact = stats.norm(15, SPREAD).ppf(0.9 + np.array(worst.labels("percentile")) / 1000)
    assert (abs(values - exact) <= 4 * errors).all()


@pytest.mark.parametrize(
    ("scheme", "seeds"),
    [("random", 40), *(pytest.param(scheme, 300, marks=pytest.mark.long) for scheme in ("random", "sobol"))],
)
def test_errors_hold_how_well_the_percentile_is_known(priors, scheme, seeds):
    """With the percentile of all scenarios as if it were exact, the mean beyond it would be held in 83 %."""
    exact = 15 + SPREAD * stats.norm.pdf(Z) / 0.1, stats.norm(15, SPREAD).ppf(0.95), median_of_x(Z)
    held = np.zeros(3, int)
    for seed in range(seeds):
        told = run(priors, scenarios=2**14, seed=seed, scheme=scheme, given=["y > P90"], quantities=["y", "x"])
        pairs = (
            told.estimate("mean", quantity="y"),
            told.estimate("percentiles", quantity="y", percentile=50),
            told.estimate("percentiles", quantity="x", percentile=50),
        )
        held += [abs(value - truth) <= t_quantile() * error for (value, error), truth in zip(pairs, exact, strict=True)]
    assert (held >= stats.binom.ppf(FALSE_ALARM, seeds, 0.93)).all(), held / seeds
    assert (held <= stats.binom.isf(FALSE_ALARM, seeds, 0.985)).all() or seeds < 100, held / seeds


def test_the_priors_that_lie_elsewhere_come_first(worst):
    """x has 4 of 5 parts of the variance, b one; what plays no part has not moved."""
    assert worst.provenance["kept"]["moved"] == ["x", "b"]
    assert list(shifted(worst))[:2] == ["x", "b"]
    exact = median_of_x(Z)
    assert worst.at("prior_median_given", prior="x") == pytest.approx(exact, abs=0.05)
    assert worst.at("prior_median_probability", prior="x") == pytest.approx(stats.norm.cdf(exact, 10, 2), abs=0.01)
    assert worst.at("prior_median_shift", prior="x") == pytest.approx((exact - 10) / 2, abs=0.025)
    assert worst.at("prior_distance", prior="x") >= stats.norm.cdf(exact, 10, 2) - 0.51
    text = plain(laid_out(sections(worst)))
    row = next(line for line in text.splitlines() if line.startswith("x ") and "USD" in line and "P" in line)
    assert row.split()[-1].startswith("+1.")


def test_an_event_moves_though_its_median_does_not(priors):
    """5 % of the scenarios have it, and nearly half of the worst tenth; a sd that is infinite is no measure."""
    told = run(priors, scenarios=2**15, given=["loss > P90"], quantities=["loss"])
    assert set(told.provenance["kept"]["moved"]) == {"event", "wide"}
    assert told.at("prior_distance", prior="event") == pytest.approx(0.42, abs=0.08)
    assert np.isnan(told.at("prior_median_shift", prior="wide"))
    assert "apart" not in told.provenance["kept"]["moved"]


@pytest.mark.parametrize(
    ("condition", "share"),
    [
        ("P90 < y", 0.1),
        ("y <= p12.5", 0.125),
        ("(y > P50) & (x > P50)", 0.5 - math.acos(2 / SPREAD) / (2 * math.pi)),
        ("x + b >= P99", 0.01),
        ("2 * x - b > P40", 0.6),
        ("~(y < P75)", 0.25),
        ("where(y > P75, 1, 0) > 0.5", 0.25),
    ],
)
def test_percentiles_stand_on_either_side_of_whatever_is_compared(priors, condition, share):
    kept = run(priors, scenarios=2**17, given=[condition], quantities=["y"]).provenance["kept"]
    assert abs(kept["share"] - share) <= 4 * kept["share_se"] + 16 / 2**17


@pytest.mark.parametrize("scheme", ["sobol", "latin_hypercube", "random"])
@pytest.mark.parametrize(
    "condition", ["few > P50", "few >= P50", "few > P79", "few <= P80", "few >= P80", "few == P80", "gap >= P69.9"]
)
def test_at_an_atom_all_replicates_ask_for_the_value_told(scheme, condition):
    """Half, 30 and 20 % lie on the values of one, and 70 % on the least of the other: at the percentiles' ends."""
    file = load_priors("""
model = "none"
[priors]
few = {dist = "choice", values = [1, 2, 3], weights = [5, 3, 2]}
x = {dist = "uniform", lower = 0, upper = 1}
[quantities]
gap = {formula = "where(x < 0.7, 0, x + 1)"}
value = {formula = "few"}
""")
    bands = run(file, scenarios=2**14, given=[condition], scheme=scheme, quantities=["few", "gap"])
    name, sign, percentile = condition.split()
    [(threshold, (value, _))] = bands.provenance["kept"]["thresholds"].items()
    assert threshold == f"{percentile}({name})"
    asked = f"{name} {sign} {value:g}"
    alone = run(file, scenarios=2**14, probability=[asked], scheme=scheme, quantities=["gap"])
    assert bands.provenance["kept"]["share"] == pytest.approx(alone.at("probability", question=asked), abs=1e-12)


def test_other_conditions_hold_beside_it(priors):
    """P90 of y among those with x > 12, which no second percentile moves."""
    told = run(priors, scenarios=2**16, given=["x > 12", "y > P90"], quantities=["y"])
    alone = run(priors, scenarios=2**16, given=["x > 12"], quantities=["y"], percentiles=[90])
    ((value, _),) = told.provenance["kept"]["thresholds"].values()
    assert value == alone.at("percentiles", quantity="y", percentile=90)
    assert told.provenance["kept"]["share"] == pytest.approx(0.1 * alone.provenance["kept"]["share"], rel=0.01)


def test_probabilities_of_percentiles_are_of_all_scenarios(priors):
    """10 % of all; in the worse half of x more: P(y > P90 | x > P50)."""
    alone = run(priors, scenarios=2**16, probability=["y > P90"], quantities=["y"])
    assert alone["probability"][0] == pytest.approx(0.1, abs=16 / 2**16)
    given = run(priors, scenarios=2**16, probability=["P(y > P90)"], given=["x > P50"], quantities=["y"])
    joint = integrate.quad(lambda u: stats.norm.pdf(u) * stats.norm.sf(15 + Z * SPREAD, 15 + 2 * u, 1), 0, 9)[0]
    assert abs(given["probability"][0] - 2 * joint) <= 4 * given["probability_se"][0]


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_same_bits_for_any_backend(priors, scheme):
    one, two = (
        run(priors, scenarios=2**17, scheme=scheme, given=["y > P90"], quantities=["y"], backend=each, workers=2)
        for each in ("serial", "threads")
    )
    assert one.provenance == two.provenance
    for name in one.variables:
        assert np.array_equal(one[name], two[name], equal_nan=True)


def test_draws_are_those_of_the_run(priors, worst):
    kept = draws(priors, scenarios=2**16, given=["y > P90"], quantities=["y"])
    values = kept.at("value", quantity="y")
    assert len(values) == worst.provenance["kept"]["scenarios"]
    assert values.min() == worst.at("minimum", quantity="y")
    assert values.mean() == pytest.approx(worst.at("mean", quantity="y"))


def test_saved_runs_and_other_questions_take_them(priors, worst, tmp_path):
    from simulate.results import netcdf
    from simulate.results.sources import read_source

    path = tmp_path / "worst.nc"
    path.write_bytes(netcdf.written(worst))
    again = run(read_source(path))
    for name in worst.variables:
        assert np.array_equal(again[name], worst[name], equal_nan=True)
    bars = tornado(read_source(path), quantities=["y"], scenarios=2**16)
    assert bars.provenance["kept"]["thresholds"] == worst.provenance["kept"]["thresholds"]
    told = compare([path, priors], quantities=["y"])
    assert told.at("mean", quantity="y", case="worst") == worst.at("mean", quantity="y")
    shared = decide(priors, quantities=["y"], given=["x > P90"], scenarios=2**15)
    assert shared.provenance["kept"]["share"] == pytest.approx(0.1, abs=0.001)
    with pytest.raises(SimulateError, match="holds in other scenarios of choice two than of choice one"):
        decide(priors, quantities=["y"], given=["y > P90"], scenarios=2**15)


def test_a_precision_is_reached_within_the_worst_hundredth(priors):
    told = run(priors, given=["y > P99.5"], quantities=["y"], precision="1%")
    assert told.attributes["scenarios"] > 2**16
    assert told.provenance["kept"]["effective"] >= 1000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y > 2 * P90", "column 9: a percentile stands alone on one side of a comparison"),
        ("P90 > P10", "a percentile stands alone"),
        ("y > P90(x)", "a percentile stands alone"),
        ("y > P0", "column 5: a percentile lies between P0 and P100, both left out"),
        ("y > P100", "between P0 and P100"),
        ("P90 < 3", "names no quantity"),
        ("z > P90", "there is no quantity z"),
        ("x + 2 > y + P9.5", "column 13: a percentile stands alone"),
        ("x > P90 & b < P10", "chained comparisons are not allowed; write"),
        ("P10 < y < P90", "chained comparisons are not allowed; write"),
    ],
)
def test_percentiles_elsewhere_are_refused(priors, text, message):
    with pytest.raises(SimulateError, match=message) as refused:
        questions(priors, given=[text])
    assert "\n" not in str(refused.value)


def test_a_quantity_of_that_name_is_itself():
    named = load_priors(TEXT.replace("[choices.one]", 'P90 = {formula = "x + 0", unit = "USD"}\n[choices.one]'))
    told = run(named, scenarios=2**14, given=["y > P90 + 5 [USD]"], quantities=["y"])  # that is: b > 5
    assert told.provenance["kept"]["thresholds"] == {}
    assert told.provenance["kept"]["share"] == pytest.approx(0.5, abs=0.02)


def test_json_tells_the_analysis(command, load):
    path = load(TEXT).path
    code, text, _ = command("run", path, "--given", "y > P90", "--quantities", "y", "--format", "json")
    told = json.loads(text)["result"]
    assert code == 0
    assert told["kept"]["moved"] == ["x", "b"]
    assert told["priors"]["x"]["prior_median_shift"]["value"] == pytest.approx((median_of_x(Z) - 10) / 2, abs=0.01)
    assert {name for name, each in told["priors"].items() if "prior_median_probability" in each} == {"x", "b"}
