from __future__ import annotations

import json
import math
from statistics import NormalDist

import numpy as np
import pytest

from simulate import engine
from simulate.conditioning import QuestionError, questions
from simulate.conditioning.report import answers, csv_rows, shifts, to_json
from simulate.priors import load_priors
from simulate.summary import WEIGHT, Summary
from simulate.tables import plain

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
def normals(tmp_path):
    path = tmp_path / "normals.toml"
    path.write_text(NORMALS, encoding="utf-8")
    return load_priors(path)


def asked(priors, probabilities=(), given=(), observed=(), quantities=("total",), **options):
    options = {"scenarios": 2**18, "percentiles": PERCENTS, **options}
    return engine.run(
        priors,
        quantities=list(quantities),
        questions=questions(priors, probabilities, given, observed),
        **options,
    )


def normal_band(mean, sd):
    return np.array([NormalDist(mean, sd).inv_cdf(percent / 100) for percent in PERCENTS])


def agrees(values, errors, exact, bins=2**-10):
    """Within 4 standard errors and what a bin of a summary may hide, and the errors themselves are small."""
    values, errors, exact = map(np.asarray, (values, errors, exact))
    assert (abs(values - exact) <= 4 * errors + 0.01 * bins * abs(exact)).all(), (values, errors, exact)
    assert (errors <= 0.01 * np.abs(exact)).all()


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_probability_of_a_normal(normals, scheme):
    run = asked(normals, ["total > 17", "(a > 10) & (b > 5)"], scheme=scheme)
    exact = np.array([1 - NormalDist(15, math.sqrt(5)).cdf(17), 0.25])
    agrees(run["probability"].values, run["probability_se"].values, exact)
    assert run["question"].values.tolist() == ["total > 17", "(a > 10) & (b > 5)"]
    assert "given" not in run.attrs


def test_questions_leave_the_bands_alone(normals):
    plain_run = engine.run(normals, 2**16, quantities=["total"])
    with_question = engine.run(
        normals, 2**16, quantities=["total"], questions=questions(normals, ["odd > 1"])
    )
    assert plain_run["total"].equals(with_question["total"])
    assert plain_run["total_rank_correlation"].equals(with_question["total_rank_correlation"])
    assert "odd" not in with_question


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_half_a_normal_given_a_condition(normals, scheme):
    run = asked(normals, ["a > 12"], ["a > 10"], quantities=["a"], scheme=scheme)
    told = json.loads(run.attrs["given"])
    half = [NormalDist(10, 2).inv_cdf(0.5 + percent / 200) for percent in PERCENTS]
    agrees(run["a"].values, run["a_se"].values, half)
    agrees(float(run["a_mean"]), float(run["a_mean_se"]), 10 + 2 * math.sqrt(2 / math.pi))
    agrees(run["probability"].values, run["probability_se"].values, [2 * (1 - NormalDist().cdf(1))])
    assert abs(told["share"] - 0.5) <= 4 * told["share_se"] + 1e-4
    assert told["effective"] == told["scenarios"]
    assert told["scenarios"] == round(told["share"] * 2**18)


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_measured_value_of_a_normal_is_conjugate(normals, scheme):
    """The posterior of a N(10, 2^2) prior, measured as 12 with sd 1, is N(11.6, 4/5); b is left as it was."""
    run = asked(normals, observed=["a = 12 +- 1"], quantities=["a", "b", "total"], scheme=scheme)
    for name, mean, variance in (("a", 11.6, 0.8), ("b", 5, 1), ("total", 16.6, 1.8)):
        agrees(run[name].values, run[f"{name}_se"].values, normal_band(mean, math.sqrt(variance)))
        agrees(float(run[f"{name}_mean"]), float(run[f"{name}_mean_se"]), mean)
        agrees(float(run[f"{name}_sd"]), float(run[f"{name}_sd_se"]), math.sqrt(variance))
    # E[w]^2 / E[w^2], w = exp(-(a - 12)^2 / 2): both are values of a normal density
    first = NormalDist(10, math.sqrt(5)).pdf(12) * math.sqrt(2 * math.pi)
    second = NormalDist(10, math.sqrt(4.5)).pdf(12) * math.sqrt(math.pi)
    assert json.loads(run.attrs["given"])["effective"] == pytest.approx(2**18 * first**2 / second, rel=0.02)


def test_measured_sum_shifts_both_priors(normals):
    """With a + b = 18 measured with sd 1, of variances 4 and 1: a gains 4/6 and b 1/6 of the surprise of 3."""
    run = asked(normals, observed=["total = 18 +- 1"])
    bands = dict(zip(run["prior"].values.tolist(), run["prior_band_given"].values, strict=True))
    for name, mean, variance in (("a", 12.0, 4 - 16 / 6), ("b", 5.5, 1 - 1 / 6)):
        # bands of priors are told without an error; 2**18 weighted Sobol' draws hold this one a sixth of a per cent
        assert bands[name] == pytest.approx(normal_band(mean, math.sqrt(variance)), rel=0.005)
    assert bands.get("fixed") is None
    shifted = shifts(run, normals)
    assert list(shifted) == ["a", "b"]
    median = NormalDist(10, 2).cdf(12)
    assert shifted["a"] >= median - 0.5 - 0.005
    text = plain(answers(run, normals))
    assert "effective sample size" in text
    assert f"P{100 * median:.0f}" in text


def test_relative_error_is_of_the_value(normals):
    for text in ("a = 12 +- 5%", "a=12+-0.6", "a == 12 ± 0.6", " a = 12 +/- 5 %"):
        [observation] = questions(normals, observed=[text]).observed
        assert (observation.quantity, observation.value, observation.sd) == ("a", 12, pytest.approx(0.6))


def test_condition_and_measured_value_together(normals):
    """The prior N(10, 4), measured as 12 with sd 1, above its posterior mean."""
    run = asked(normals, given=["a > 11.6"], observed=["a = 12 +- 1"], quantities=["a"])
    half = [NormalDist(11.6, math.sqrt(0.8)).inv_cdf(0.5 + percent / 200) for percent in PERCENTS]
    agrees(run["a"].values, run["a_se"].values, half)


def test_rank_correlations_are_those_given_the_condition(normals):
    """Given a nearly fixed sum, its parts are opposed; given the value of one, only the other moves the sum."""
    run = asked(normals, observed=["a = 10 +- 0.05"])
    ranks = dict(zip(run["prior"].values.tolist(), run["total_rank_correlation"].values, strict=True))
    assert ranks["b"] > 0.98
    assert abs(ranks["a"]) < 0.1


def test_scenarios_in_which_a_quantity_is_no_number_neither_hold_nor_count(normals):
    run = asked(normals, ["odd > 1"], quantities=["total"])
    [probability] = run["probability"].values  # of those with a root: 2 P(a > 11 | a > 10)
    exact = (1 - NormalDist(10, 2).cdf(11)) / 0.5
    agrees([probability], run["probability_se"].values, [exact])
    kept = json.loads(asked(normals, given=["odd > 0"]).attrs["given"])
    assert abs(kept["share"] - 0.5) <= 4 * kept["share_se"] + 1e-4
    assert float(asked(normals, given=["odd > 1"], quantities=["odd"])["odd_nonfinite"]) == 0


def test_constant_quantity(normals):
    run = asked(normals, ["same > 5", "same > 7"], ["same > 5"], quantities=["same"])
    assert run["probability"].values.tolist() == [1, 0]
    assert run["probability_se"].values.tolist() == [0, 0]
    assert run["same"].values.tolist() == [6, 6, 6]
    assert json.loads(run.attrs["given"])["share"] == 1
    assert "nan" not in plain(answers(run, normals))


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"given": ["total > 1000"]}, "0"),
        ({"given": ["a > 18"]}, r"\d"),
        ({"observed": ["a = 1000 +- 1"]}, "0"),
        ({"observed": ["a = 10 +- 0.0001%"]}, r"\d"),
        ({"given": ["a > 10"], "scenarios": 1024}, r"5\d\d"),
    ],
)
def test_too_few_scenarios_are_refused_in_one_line(normals, options, left):
    with pytest.raises(
        QuestionError, match=f"of [0-9,]+ scenarios {left}[0-9]* effective ones are left"
    ) as refused:
        asked(normals, **options)
    assert "\n" not in str(refused.value)


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
        ("observed", "total = x +- 1", "holds no two numbers"),
        ("observed", "totl = 1 +- 1", "did you mean total"),
        ("observed", "total = 0 +- 5%", "must be above 0"),
        ("observed", "total = 1 +- -2", "must be above 0"),
        ("observed", "total = nan +- 1", "must be above 0"),
    ],
)
def test_questions_that_cannot_be_read(normals, option, text, message):
    with pytest.raises(QuestionError, match=message) as refused:
        questions(normals, **{option: [text]})
    assert "\n" not in str(refused.value)
    assert text in str(refused.value)


def test_quantity_that_cannot_be_computed(tmp_path):
    path = tmp_path / "bare.toml"
    path.write_text("[priors.pue]\nvalue = 1.2\n", encoding="utf-8")
    with pytest.raises(QuestionError, match="capex cannot be computed; give a prior for"):
        questions(load_priors(path), ["capex > 1e9"])


@pytest.mark.parametrize("kind", [{"given": ["a > 10"]}, {"observed": ["a = 11 +- 1"]}])
def test_same_bits_for_any_threads(normals, kind):
    one, two = (asked(normals, ["total > 15"], threads=threads, **kind) for threads in (1, 2))
    assert one.identical(two)


def test_machines_are_told_in_full(normals):
    run = asked(normals, ["total > 17"], ["a > 10"])
    told = json.loads(json.dumps(to_json(run), allow_nan=False))
    assert told["probabilities"]["total > 17"]["probability"] == float(run["probability"][0])
    assert told["given"]["given"] == ["a > 10"]
    assert told["priors"]["a"]["percentiles_given"]["50"] > told["priors"]["a"]["percentiles"]["50"]
    [row] = csv_rows(run)
    assert row[:3] == ["total > 17", "1", "probability"]
    assert float(row[3]) == float(run["probability"][0])
    assert to_json(engine.run(normals, 2**14, quantities=["total"])) == {}


def test_weights_of_whole_scenarios_summarize_as_without(normals):
    drawn = engine.draws(normals, 4096, quantities=["total", "same"])
    for values in (drawn["total"].values, np.round(drawn["total"].values), drawn["total"].values - 15):
        bare, weighted = Summary(), Summary()
        bare.add(values, len(values))
        weighted.add(values, len(values), np.full(len(values), WEIGHT))
        one, two = bare.finish(), weighted.finish()
        assert np.array_equal(one.percentiles(PERCENTS), two.percentiles(PERCENTS))
        assert two.mean == pytest.approx(one.mean, rel=1e-12, abs=1e-12)
        assert two.count == WEIGHT * one.count


def test_weights_count_like_repetitions():
    random = np.random.default_rng(5)
    values, times = random.normal(size=5000), random.integers(0, 4, 5000)
    weighted, repeated = Summary(), Summary()
    weighted.add(values[times > 0], int((times > 0).sum()), times[times > 0])
    repeated.add(np.repeat(values, times), int(times.sum()))
    one, two = weighted.finish(), repeated.finish()
    assert one.count == two.count
    assert np.array_equal(one.percentiles(PERCENTS), two.percentiles(PERCENTS))
    assert one.sd == pytest.approx(two.sd, rel=1e-12)
