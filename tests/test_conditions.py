"""Conditions and measured values: what is read, what they leave, and the bands given them."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from simulate.comparison import compare
from simulate.conditions import NO_QUESTIONS, Kept, check_kept, questions
from simulate.errors import SimulateError
from simulate.formulas import formula
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.runs import draws, run
from simulate.runs.answers import sections
from simulate.runs.scenario_analysis import shifted
from simulate.sensitivity.report import sections as tornado_sections
from simulate.sensitivity.tornado import tornado
from simulate.summary import WEIGHT, Summary

NORMALS = """
model = "none"
[priors.a]
dist = "normal"
mean = 10
sd = 2
[priors.b]
dist = "normal"
mean = 5
sd = 1
[priors.fixed]
value = 3
[quantities.total]
unit = "1"
formula = "a + b"
[quantities.odd]
unit = "1"
formula = "sqrt(a - 10)"
[quantities.same]
unit = "1"
formula = "fixed * 2"
"""
PERCENTS = (5.0, 50.0, 95.0)


@pytest.fixture
def normals():
    return load_priors(NORMALS)


def asked(priors, probability=(), given=(), observe=(), quantities=("total",), **options):
    options = {"scenarios": 2**18, "percentiles": PERCENTS, **options}
    return run(priors, quantities=list(quantities), probability=probability, given=given, observe=observe, **options)


def text_of(bands):
    return plain(laid_out(sections(bands)))


def normal_band(mean, sd):
    return np.array([NormalDist(mean, sd).inv_cdf(percent / 100) for percent in PERCENTS])


def agrees(values, errors, exact, bins=2**-10):
    """Within 4 standard errors and what a bin of a summary may hide, and the errors themselves are small."""
    values, errors, exact = map(np.asarray, (values, errors, exact))
    assert (abs(values - exact) <= 4 * errors + 0.01 * bins * abs(exact)).all(), (values, errors, exact)
    assert (errors <= 0.01 * np.abs(exact)).all()


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_probability_of_a_normal(normals, scheme):
    bands = asked(normals, ["total > 17", "(a > 10) & (b > 5)"], scheme=scheme)
    exact = np.array([1 - NormalDist(15, math.sqrt(5)).cdf(17), 0.25])
    agrees(*bands.estimate("probability"), exact)
    assert bands.labels("question") == ["total > 17", "(a > 10) & (b > 5)"]
    assert "kept" not in bands.provenance


def test_questions_leave_the_bands_alone(normals):
    alone, beside = (
        run(normals, scenarios=2**16, quantities=["total"], probability=asked) for asked in ((), ["a > 11"])
    )
    assert set(beside.variables) - set(alone.variables) == {"probability", "probability_se"}
    for name in alone.variables:
        assert np.array_equal(alone[name], beside[name], equal_nan=True)
    assert beside.labels("quantity") == ["total"]


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_half_a_normal_given_a_condition(normals, scheme):
    bands = asked(normals, ["a > 12"], ["a > 10"], quantities=["a"], scheme=scheme)
    kept = bands.provenance["kept"]
    half = [NormalDist(10, 2).inv_cdf(0.5 + percent / 200) for percent in PERCENTS]
    agrees(*bands.estimate("percentiles", quantity="a"), half)
    agrees(*bands.estimate("mean", quantity="a"), 10 + 2 * math.sqrt(2 / math.pi))
    agrees(*bands.estimate("probability"), [2 * (1 - NormalDist().cdf(1))])
    assert abs(kept["share"] - 0.5) <= 4 * kept["share_se"] + 1e-4
    assert kept["effective"] == kept["scenarios"]
    assert kept["scenarios"] == round(kept["share"] * 2**18)


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_measured_value_of_a_normal_is_conjugate(normals, scheme):
    """The posterior of a N(10, 2^2) prior, measured as 12 with sd 1, is N(11.6, 4/5); b is left as it was."""
    bands = asked(normals, observe=["a = 12 +- 1"], quantities=["a", "b", "total"], scheme=scheme)
    for name, mean, variance in (("a", 11.6, 0.8), ("b", 5, 1), ("total", 16.6, 1.8)):
        agrees(*bands.estimate("percentiles", quantity=name), normal_band(mean, math.sqrt(variance)))
        agrees(*bands.estimate("mean", quantity=name), mean)
        agrees(*bands.estimate("sd", quantity=name), math.sqrt(variance))
    # E[w]^2 / E[w^2], w = exp(-(a - 12)^2 / 2): both are values of a normal density
    first = NormalDist(10, math.sqrt(5)).pdf(12) * math.sqrt(2 * math.pi)
    second = NormalDist(10, math.sqrt(4.5)).pdf(12) * math.sqrt(math.pi)
    assert bands.provenance["kept"]["effective"] == pytest.approx(2**18 * first**2 / second, rel=0.02)


def test_measured_sum_shifts_both_priors(normals):
    """With a + b = 18 measured with sd 1, of variances 4 and 1: a gains 4/6 and b 1/6 of the surprise of 3."""
    bands = asked(normals, observe=["total = 18 +- 1"])
    for name, mean, variance in (("a", 12.0, 4 - 16 / 6), ("b", 5.5, 1 - 1 / 6)):
        # bands of priors are told without an error; 2**18 weighted Sobol' draws hold this one a sixth of a per cent
        given = bands.at("prior_percentiles_given", prior=name)
        assert given == pytest.approx(normal_band(mean, math.sqrt(variance)), rel=0.005)
    assert "fixed" not in bands.labels("prior")
    moved = shifted(bands)
    assert list(moved) == ["a", "b"]
    median = NormalDist(10, 2).cdf(12)
    assert moved["a"] >= median - 0.5 - 0.005
    assert "effective sample size" in text_of(bands)
    assert f"P{100 * median:.0f}" in text_of(bands)


def test_relative_error_is_of_the_value(normals):
    for text in ("a = 12 +- 5%", "a=12+-0.6", "a == 12 ± 0.6", " a = 12 +/- 5 %"):
        [observation] = questions(normals, observed=[text]).observed
        assert (observation.quantity, observation.value, observation.sd) == ("a", 12, pytest.approx(0.6))


def test_condition_and_measured_value_together(normals):
    """The prior N(10, 4), measured as 12 with sd 1, above its posterior mean."""
    bands = asked(normals, given=["a > 11.6"], observe=["a = 12 +- 1"], quantities=["a"])
    half = [NormalDist(11.6, math.sqrt(0.8)).inv_cdf(0.5 + percent / 200) for percent in PERCENTS]
    agrees(*bands.estimate("percentiles", quantity="a"), half)


def test_what_moves_a_quantity_is_told_given_the_condition(normals):
    """Given the value of one, however exactly, only the other moves the sum."""
    bands = asked(normals, observe=["a = 10 +- 0.05"])
    for prior, share in {"a": 0.05**2 / (0.05**2 + 1), "b": 1 / (0.05**2 + 1)}.items():
        value, error = bands.estimate("variance_share", quantity="total", prior=prior)
        assert abs(value - share) < 5 * error < 0.05
    assert bands.at("direction", quantity="total", prior="b") == 1
    assert bands.at("rank_correlation", quantity="total", prior="b") > 0.98


def test_scenarios_in_which_a_quantity_is_no_number_neither_hold_nor_count(normals):
    bands = asked(normals, ["odd > 1"], quantities=["total"])
    exact = 1 - NormalDist(10, 2).cdf(11)
    agrees(*bands.estimate("probability"), [exact])
    agrees(*bands.estimate("probability_undefined"), [0.5])
    agrees(*bands.estimate("probability_where_defined"), [2 * exact])
    kept = asked(normals, given=["odd > 0"]).provenance["kept"]
    assert abs(kept["share"] - 0.5) <= 4 * kept["share_se"] + 1e-4
    assert asked(normals, given=["odd > 1"], quantities=["odd"]).at("nonfinite", quantity="odd") == 0


UNDEFINED = NORMALS.replace(
    "[quantities.same]",
    """[quantities.chosen]
formula = "where(sqrt(a - 10) > 1, 1, 2)"
[quantities.known]
formula = "where(a > 10, sqrt(a - 10), 0)"
[quantities.rooted]
formula = "sqrt(fixed - 4 + 0 * a)"
[quantities.same]""",
)
TAIL = 1 - NormalDist(10, 2).cdf(11)  # P(sqrt(a - 10) > 1)


@pytest.mark.parametrize(
    ("condition", "true", "undefined"),
    [
        ("odd > 1", TAIL, 0.5),
        ("sqrt(a - 10) > 1", TAIL, 0.5),  # the same within the condition and in a quantity
        ("~(odd <= 1)", TAIL, 0.5),
        ("odd == odd", 0.5, 0.5),
        ("odd != 1", 0.5, 0.5),
        ("chosen < 1.5", TAIL, 0.5),
        ("where(odd > 1, 1, 2) < 3", 0.5, 0.5),
        ("min(odd, 5) > 1", TAIL, 0.5),
        ("max(odd, 0) >= 0", 0.5, 0.5),
        ("(odd > 1) & (a < 10)", 0, 0.5),
        ("(odd > 1) & (a > 10)", TAIL, 0),  # false & undefined is false
        ("(a > 10) & (odd > 1)", TAIL, 0),
        ("(odd > 1) | (a < 10)", 0.5 + TAIL, 0),  # true | undefined is true
        ("(odd > 1) | (a > 10)", 0.5, 0.5),
        ("~((odd > 1) | (a < 10))", 0.5 - TAIL, 0),
        ("known >= 0", 1, 0),
        ("rooted > 0", 0, 1),
        ("(rooted > 0) | (same > 5)", 1, 0),
    ],
)
def test_conditions_are_true_false_or_undefined(condition, true, undefined):
    bands = asked(load_priors(UNDEFINED), [condition], quantities=["total"], scenarios=2**14)
    share, error = (each[0] for each in bands.estimate("probability"))
    assert abs(share - true) <= 4 * error
    if not undefined:
        assert "probability_undefined" not in bands
        return
    never, beside = (each[0] for each in bands.estimate("probability_undefined"))
    assert abs(never - undefined) <= 4 * beside
    if undefined == 1:
        assert np.isnan(bands["probability_where_defined"][0])
        return
    kept = asked(load_priors(UNDEFINED), given=[condition], scenarios=2**14) if true else None
    if kept:
        of_given = kept.provenance["kept"]
        assert (of_given["share"], of_given["undefined"]) == (share, never)
        assert "; undefined in 50" in text_of(kept)


def test_several_conditions_are_undefined_together_by_the_same_tables(normals):
    apart = asked(normals, given=["odd > 1", "a > 10.5"]).provenance["kept"]
    joined = asked(normals, given=["(odd > 1) & (a > 10.5)"]).provenance["kept"]
    assert apart == joined
    assert apart["undefined"] == 0


def test_every_question_tells_in_how_many_scenarios_conditions_are_undefined(normals):
    given = {"given": ["odd > 0.5"], "scenarios": 2**15}
    bars = tornado(normals, quantities=["total"], **given)
    assert "; undefined in 50" in plain(laid_out(tornado_sections(bars)))
    half = round(bars.provenance["kept"]["undefined"] * bars.attributes["scenarios"])
    told = compare([run(normals, quantities=["total"], **given), normals], quantities=["total"])
    assert f"(in {half:,} it is undefined whether they hold)" in told.warnings[0]


def test_undefined_shares_are_told_in_the_table(normals):
    bands = asked(normals, ["odd > 1", "a > 10"])
    header, first, second = [line.split() for line in text_of(bands).splitlines() if line.strip()][:3]
    assert header[-6:] == ["±", "undefined", "±", "where", "defined", "±"]
    assert [share.partition(".")[0] for share in first[3::4]] == ["30", "50", "61"]
    assert second[7:9] == ["<", "0.002"]


@pytest.mark.parametrize(("size", "undefined"), [(1, False), (1, True), (3, True)])
def test_numbers_and_columns_meet_in_one_logic(size, undefined):
    values = [np.nan if undefined else 1.0, 2.0, 3.0][:size]
    column = np.array(values) if size > 1 else values[0]
    compiled = formula("where((a > 1) & (b > 0) | (b > 5), a, 7)")
    found = np.atleast_1d(compiled(column, 1.0)).tolist()
    assert found == pytest.approx([np.nan if undefined else 7.0, 2.0, 3.0][:size], nan_ok=True)


def test_scenarios_in_which_what_is_measured_is_no_number_weigh_nothing(normals):
    """Half of them; of the others sqrt(a - 10) is measured, so that a is near 11 and 5 sd of it above 10."""
    bands = asked(normals, observe=["odd = 1 +- 0.1"], quantities=["odd", "a"])
    assert bands.at("nonfinite", quantity="odd") == 0
    assert bands.provenance["kept"]["share"] < 0.5
    assert bands.at("minimum", quantity="a") > 10
    assert abs(bands.at("mean", quantity="a") - 11) < 0.1


def test_what_is_left_of_chunks_adds_up():
    kept = Kept()
    kept.add(10, 4, None)
    kept.add(10, 2, np.array([WEIGHT, WEIGHT // 2]))
    assert kept == Kept(drawn=20, kept=6, total=5.5, squares=5.25)
    kept.merge(kept)
    assert kept == Kept(drawn=40, kept=12, total=11.0, squares=10.5)
    assert kept.effective == 121 / 10.5


@pytest.mark.parametrize("effective", [999.0, 1000.0])
def test_a_thousand_effective_scenarios_are_enough(effective):
    kept = Kept(drawn=4096, kept=1000, total=effective, squares=effective)
    if effective == 1000:
        check_kept(NO_QUESTIONS, kept)
        return
    with pytest.raises(SimulateError, match="of 4,096 scenarios 999 effective ones are left, fewer than 1,000"):
        check_kept(NO_QUESTIONS, kept)


def test_constant_quantity(normals):
    bands = asked(normals, ["same > 5", "same > 7"], ["same > 5"], quantities=["same"])
    assert bands["probability"].tolist() == [1, 0]
    assert bands["probability_se"].tolist() == [0, 0]
    assert bands["percentiles"].tolist() == [[6, 6, 6]]
    assert bands.provenance["kept"]["share"] == 1
    assert "nan" not in text_of(bands)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"given": ["total > 1000"]}, "0"),
        ({"given": ["a > 18"]}, r"\d"),
        ({"observe": ["a = 1000 +- 1"]}, r"\d"),
        ({"given": ["a > 10"], "scenarios": 1024}, r"5\d\d"),
    ],
)
def test_too_few_scenarios_are_refused_in_one_line(normals, options, left):
    with pytest.raises(SimulateError, match=f"of [0-9,]+ scenarios {left}[0-9]* effective ones are left") as refused:
        asked(normals, **options)
    assert "\n" not in str(refused.value)


def test_a_refusal_tells_in_how_many_scenarios_conditions_are_undefined(normals):
    """What is not below 100 would be kept if the root of a negative number were."""
    told = r"0 effective ones are left, fewer than 1,000 \(in 13\d,\d{3} it is undefined whether they hold\); ask"
    with pytest.raises(SimulateError, match=told):
        asked(normals, given=["~(odd < 100)"])


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("probabilities", "total", "is no condition"),
        ("probabilities", "1 < 2", "names no quantity"),
        ("probabilities", "totl > 1", "there is no quantity totl; did you mean total"),
        ("given", "total >", "is no formula"),
        ("given", "a < total < b", "chained comparisons"),
        ("given", "__import__('os') > 1", "there is no function|not allowed"),
        ("observed", "total > 1", "is no measured value"),
        ("observed", "total = 1", "is no measured value"),
        ("observed", "total = x +- 1", "holds no two finite numbers"),
        ("observed", "totl = 1 +- 1", "did you mean total"),
        ("observed", "total = 0 +- 5%", "must be above 0"),
        ("observed", "total = 1 +- -2", "must be above 0"),
        ("observed", "total = nan +- 1", "holds no two finite numbers"),
    ],
)
def test_questions_that_cannot_be_read(normals, option, text, message):
    with pytest.raises(SimulateError, match=message) as refused:
        questions(normals, **{option: [text]})
    assert "\n" not in str(refused.value)
    assert text in str(refused.value)


def test_quantity_that_cannot_be_computed():
    priors = load_priors("[priors.pue]\nvalue = 1.2\n")
    with pytest.raises(SimulateError, match="capex cannot be computed; give a prior for"):
        questions(priors, ["capex > 1e9"])


@pytest.mark.parametrize("kind", [{"given": ["a > 10"]}, {"observe": ["a = 11 +- 1"]}])
def test_same_bits_for_any_backend(normals, kind):
    one, two = (asked(normals, ["total > 15"], backend=each, workers=2, **kind) for each in ("serial", "threads"))
    assert one.provenance == two.provenance
    for name in one.variables:
        assert np.array_equal(one[name], two[name], equal_nan=True)


def test_a_run_says_which_conditions_it_rests_on(normals):
    bands = asked(normals, ["total > 17"], ["a > 10"])
    assert bands.provenance["given"] == ["a > 10"]
    assert bands.at("prior_percentiles_given", prior="a", percentile=50) > bands.at(
        "prior_percentiles", prior="a", percentile=50
    )
    plain_run = run(normals, scenarios=2**14, quantities=["total"])
    assert (plain_run.provenance["given"], plain_run.provenance["observe"]) == ([], [])
    assert not {"probability", "prior_percentiles_given", "prior_probability_given"} & set(plain_run.variables)
    assert sections(plain_run) == []


def test_weights_of_whole_scenarios_summarize_as_without(normals):
    drawn = draws(normals, scenarios=4096, quantities=["total", "same"]).at("value", quantity="total")
    for values in (drawn, np.round(drawn), drawn - 15):
        bare, weighted = Summary(), Summary()
        bare.add(values, len(values))
        weighted.add(values, len(values), np.full(len(values), WEIGHT))
        one, two = bare.finish(), weighted.finish()
        assert np.array_equal(one.percentiles(PERCENTS), two.percentiles(PERCENTS))
        assert two.mean == pytest.approx(one.mean, rel=1e-12, abs=1e-12)
        assert two.count == WEIGHT * one.count


def test_weights_count_like_repetitions():
    random = np.random.default_rng(5)
    values, times = random.normal(size=5000).round(1), random.integers(0, 4, 5000)
    weighted, repeated = Summary(), Summary()
    weighted.add(values[times > 0], int((times > 0).sum()), times[times > 0])
    repeated.add(np.repeat(values, times), int(times.sum()))
    one, two = weighted.finish(), repeated.finish()
    assert one.count == two.count
    assert np.array_equal(one.percentiles(PERCENTS), two.percentiles(PERCENTS))
    assert one.sd == pytest.approx(two.sd, rel=1e-12)
