"""Measured values far from what the priors say: the answers of quadrature, and what is told of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sampled import sampled
from scipy import stats

from simulate.comparison import compare
from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.runs import draws, run
from simulate.runs.answers import sections
from simulate.sampling.proposal import mixture
from simulate.sampling.schemes import SCHEMES
from simulate.sensitivity.tornado import tornado
from simulate.spread import t_quantile

PERCENTS = (5.0, 50.0, 95.0)
ALARM = stats.t.ppf(1 - 1e-4 / 2, 15)  # standard errors of 16 replicates that one figure in 10,000 misses by


def prior(name, text):
    return f"[priors.{name}]\n" + "".join(f"{part.strip()}\n" for part in text.split(";"))


def quantity(name, formula):
    return f'[quantities.{name}]\nformula = "{formula}"\nunit = "1"\n'


UNIFORM = 'model = "none"\n' + prior("x", 'dist = "uniform"; lower = 0; upper = 1') + quantity("y", "x")
NORMALS = 'model = "none"\n' + "".join(
    [
        prior("a", 'dist = "normal"; mean = 10; sd = 2'),
        prior("b", 'dist = "normal"; mean = 5; sd = 1'),
        quantity("total", "a + b"),
        quantity("square", "(a - 10)**2"),
        quantity("product", "a * b"),
    ]
)


def observed(text, observe, name, **options):
    options = {"scenarios": 2**16, "percentiles": PERCENTS, **options}
    return run(load_priors(text), quantities=[name], observe=observe, **options)


def agrees(bands, name, percentiles, mean):
    for figure, exact in (("percentiles", percentiles), ("mean", mean)):
        values, errors = bands.estimate(figure, quantity=name)
        assert (np.abs(values - exact) <= ALARM * errors).all(), (figure, values, exact, errors)
    assert bands.provenance["kept"]["effective"] > 0.05 * bands.attributes["scenarios"]


def by_quadrature(values, weights):
    """Percentiles and mean of values on a grid, by the weights of their cells."""
    order = np.argsort(values)
    shares = np.cumsum(weights[order]) / weights.sum()
    ends = [values[order][np.searchsorted(shares, percent / 100)] for percent in PERCENTS]
    return ends, float(np.average(values, weights=weights))


SCORES = np.linspace(-12, 12, 200_001)  # of the standard normal, by which priors are integrated over
FAMILIES = {
    "uniform": ('dist = "uniform"; lower = 0; upper = 1', stats.uniform()),
    "normal": ('dist = "normal"; mean = 10; sd = 2', stats.norm(10, 2)),
    "lognormal": ('dist = "lognormal"; p5 = 1; p95 = 10', stats.lognorm(0.69989, scale=math.sqrt(10))),
    "exponential": ('dist = "exponential"; scale = 1', stats.expon()),
    "beta": ('dist = "beta"; alpha = 2; beta = 5', stats.beta(2, 5)),
}


@pytest.mark.parametrize(
    ("measured", "scheme"),
    sampled(
        [
            ("uniform", 7.2, 1),
            ("uniform", 8, 1),
            ("uniform", -6, 1),
            ("uniform", 1.4, 0.02),
            ("uniform", 0.3, 1e-6),
            ("normal", 20, 1),
            ("normal", -2, 0.5),
            ("lognormal", 60, 3),
            ("lognormal", 0.1, 0.01),
            ("exponential", 15, 1),
            ("beta", 0.95, 0.01),
        ],
        SCHEMES,
    ),
)
def test_a_far_measurement_of_a_prior_has_the_answer_of_quadrature(measured, scheme):
    family, value, sd = measured
    text, distribution = FAMILIES[family]
    low, high = (distribution.cdf(value - 9 * sd), distribution.cdf(value + 9 * sd)) if sd < 1e-3 else (0, 1)
    ends = stats.norm.ppf([low, high]) if sd < 1e-3 else (-12, 12)
    scores = np.linspace(*ends, len(SCORES))
    below = scores < 0
    values = np.where(below, distribution.ppf(stats.norm.cdf(scores)), distribution.isf(stats.norm.sf(scores)))
    logs = -0.5 * scores**2 - 0.5 * ((values - value) / sd) ** 2
    exact = by_quadrature(values, np.exp(logs - logs.max()))
    whole = 'model = "none"\n' + prior("x", text) + quantity("y", "x")
    agrees(observed(whole, [f"x = {value} +- {sd}"], "y", scheme=scheme), "y", *exact)


def posterior(value, sd, mean=15.0, variance=5.0):
    """The conjugate posterior of a normal, measured with a standard deviation."""
    left = 1 / (1 / variance + 1 / sd**2)
    return stats.norm(left * (mean / variance + value / sd**2), math.sqrt(left))


@pytest.mark.parametrize(("deviations", "sd"), [(4, 1), (4, 0.1), (-4, 0.1), (7, 0.5), (11, 1), (0, 1e-5)])
def test_a_far_measurement_of_what_is_computed_has_the_closed_form(deviations, sd):
    value = 15 + deviations * math.sqrt(5)
    exact = posterior(value, sd)
    bands = observed(NORMALS, [f"total = {value} +- {sd}"], "total")
    agrees(bands, "total", exact.ppf(np.array(PERCENTS) / 100), exact.mean())


def test_four_measurements_three_deviations_out_count_together():
    bands = observed(NORMALS, ["a = 16 +- 1"] * 4, "a")
    exact = posterior(16, 0.5, 10, 4)
    agrees(bands, "a", exact.ppf(np.array(PERCENTS) / 100), exact.mean())


def test_a_measured_product_bends_the_priors():
    """Of a * b, with b integrated out: a * b + noise is normal given a."""
    values = np.linspace(2, 30, 1_000_001)
    logs = stats.norm.logpdf(values, 10, 2) + stats.norm.logpdf(120, 5 * values, np.sqrt(values**2 + 4))
    bands = observed(NORMALS, ["product = 120 +- 2"], "a")
    agrees(bands, "a", *by_quadrature(values, np.exp(logs - logs.max())))


def test_both_roots_of_a_measured_square_are_found():
    """a - 10 is near 8 or -8, at 4 sd, as often: the root mean square tells that, the mean that neither is lost."""
    text = NORMALS + quantity("above", "a > 10")
    bands = observed(text, ["square = 64 +- 1"], "above")
    value, error = bands.estimate("mean", quantity="above")
    assert abs(value - 0.5) <= ALARM * error
    assert error < 0.01


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))])
def test_what_a_choice_leaves_is_found_by_each_of_its_values(seed):
    """k * l measured as 300: l is 300, 150 or 100, each in a corner of its own."""
    text = 'model = "none"\n' + prior("k", 'dist = "choice"; values = [1, 2, 3]; weights = [0.9, 0.0999, 0.0001]')
    text += prior("l", 'dist = "lognormal"; p5 = 1; p95 = 10') + quantity("y", "k * l")
    logs = np.linspace(3.5, 7, 100_001)
    density = stats.norm.pdf(logs, math.log(10) / 2, math.log(10) / 2 / stats.norm.ppf(0.95))
    likelihoods = [np.sum(density * np.exp(-0.5 * ((k * np.exp(logs) - 300) / 3) ** 2)) for k in (1, 2, 3)]
    exact = np.average([1, 2, 3], weights=np.array(likelihoods) * [0.9, 0.0999, 0.0001])
    value, error = observed(text, ["y = 300 +- 1%"], "k", seed=seed).estimate("mean", quantity="k")
    assert abs(value - exact) <= ALARM * error
    assert error < 0.003


def test_a_condition_holds_beside_a_far_measurement():
    bands = run(
        load_priors(NORMALS),
        scenarios=2**16,
        percentiles=PERCENTS,
        quantities=["a"],
        given=["a > 15"],
        observe=["a = 18 +- 1"],
    )
    exact = posterior(18, 1, 10, 4)
    shares = exact.cdf(15) + np.array(PERCENTS) / 100 * exact.sf(15)
    values, errors = bands.estimate("percentiles", quantity="a")
    assert (np.abs(values - exact.ppf(shares)) <= ALARM * errors).all()
    assert bands.at("minimum", quantity="a") > 15


@pytest.mark.parametrize("condition", ["x > 7", "x > P50", "(x > 7) & (x < 7.5)"])
def test_a_condition_may_hold_only_where_the_measurement_points(condition):
    """The measurement leaves a normal of its own, which the condition cuts: at its median, or far above the prior."""
    text = 'model = "none"\npriors.x = {dist = "normal", mean = 0, sd = 1}\nquantities.y = {formula = "x"}'
    bands = run(load_priors(text), observe=["x = 8 +- 0.5"], given=[condition], scenarios=2**16)
    left = stats.norm(8 / 1.25, math.sqrt(0.2))
    low, high = (left.median() if "P50" in condition else 7, 7.5 if "7.5" in condition else 99)
    exact = stats.truncnorm(
        (low - left.mean()) / left.std(), (high - left.mean()) / left.std(), left.mean(), left.std()
    )
    mean, error = bands.estimate("mean", quantity="y")
    assert abs(mean - exact.mean()) <= ALARM * error < 0.02


def test_correlated_priors_move_along():
    text = NORMALS + "[correlations]\na.b = {gaussian_copula = 0.8}\n"
    exact = posterior(20, 1, 10, 4)  # of a; b follows with 0.8 * 1 / 2 of its deviation
    bands = observed(text, ["a = 20 +- 1"], "b")
    left = stats.norm(5 + 0.4 * (exact.mean() - 10), math.sqrt(0.16 * exact.var() + 0.36))
    agrees(bands, "b", left.ppf(np.array(PERCENTS) / 100), left.mean())


def test_what_nothing_measured_depends_on_is_drawn_as_ever():
    priors = load_priors(NORMALS)
    plain_draws, aimed = (draws(priors, scenarios=2**12, observe=each) for each in ([], ["a = 20 +- 1"]))
    at = aimed["replicate"] * 2**8 + aimed["place"]
    assert np.array_equal(aimed.at("value", quantity="b"), plain_draws.at("value", quantity="b")[at])
    assert not np.array_equal(aimed.at("value", quantity="a"), plain_draws.at("value", quantity="a")[at])


def test_draws_have_the_weights_of_the_run():
    asked = {"scenarios": 2**14, "quantities": ["total"], "observe": ["total = 25 +- 1"]}
    priors = load_priors(NORMALS)
    drawn, bands = draws(priors, **asked), run(priors, **asked)
    values, weights = drawn.at("value", quantity="total"), drawn["weight"]
    assert bands.at("mean", quantity="total") == pytest.approx(np.average(values, weights=weights), rel=1e-9)
    assert bands.provenance["kept"]["effective"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_same_bits_for_any_backend(scheme):
    one, two = (
        observed(NORMALS, ["total = 25 +- 1"], "total", backend=each, workers=2, scheme=scheme)
        for each in ("serial", "threads")
    )
    assert one.provenance == two.provenance
    assert all(np.array_equal(one[name], two[name], equal_nan=one[name].dtype.kind == "f") for name in one.variables)


def unit_loss(mean, sd):
    return sd * stats.norm.pdf(mean / sd) - mean * stats.norm.sf(mean / sd)


@pytest.fixture
def decision():
    text = 'model = "none"\n' + prior("p", 'dist = "normal"; mean = 0; sd = 1')
    text += prior("q", 'dist = "normal"; mean = 3.5; sd = 0.5')
    for name, other in (("one", "p"), ("two", "q")):
        text += f'[choices.{name}.quantities.cost]\nformula = "{other}"\nunit = "USD"\n'
    return decide(load_priors(text), quantities=["cost"], scenarios=2**18, observe=["p = 7 +- 1"])


def test_a_decision_is_made_where_the_measurement_points(decision):
    """p is N(3.5, 1/2) after its measurement, 5 sd out, and q as it was: the two cost the same on average."""
    spread = math.sqrt(0.5)
    for name, exact in (("p", unit_loss(0, spread)), ("q", unit_loss(0, 0.5))):
        value, error = decision.estimate("evppi", prior=name)
        assert abs(value - exact) <= ALARM * error
        assert error < 0.01
    value, error = decision.estimate("evpi")
    assert abs(value - unit_loss(0, math.hypot(spread, 0.5))) <= ALARM * error
    assert any("the priors contradict it" in line for line in decision.warnings)


@pytest.mark.parametrize("method", ["swing", "conditional", "rank"])
def test_a_tornado_is_of_where_the_measurement_points(method):
    result = tornado(
        load_priors(NORMALS), quantities=["total"], method=method, observe=["a = 20 +- 1"], scenarios=2**16
    )
    exact = posterior(20, 1, 10, 4)
    assert result.at("low_input", prior="a") == pytest.approx(exact.ppf(0.1), abs=0.03)
    assert result.at("high_input", prior="a") == pytest.approx(exact.ppf(0.9), abs=0.03)
    if method == "rank":
        rank = 6 / math.pi * math.asin(math.sqrt(0.8 / 1.8) / 2)
        value, error = result.estimate("spearman", quantity="total", prior="a")
        assert abs(value - rank) <= ALARM * error + 0.002  # a bias of the order of 1 / n in a replicate
    assert sum("the priors contradict it" in line for line in result.warnings) == 1


def test_a_comparison_is_of_where_the_measurement_points(tmp_path):
    (tmp_path / "file.toml").write_text(NORMALS)
    bands = observed(str(tmp_path / "file.toml"), ["a = 20 +- 1"], "total")
    told = compare([bands, load_priors(NORMALS)], quantities=["total"], scenarios=2**16, bridge=[])
    value, error = (told.at(each, quantity="total")[0] for each in ("mean", "mean_se"))
    assert abs(value - (posterior(20, 1, 10, 4).mean() + 5)) <= ALARM * error
    assert any("the priors contradict it" in line for line in told.warnings)


# ---------------------------------------------------------------------------------------------------------
# What is told


def p_told(bands):
    [line] = [line for line in bands.warnings if "contradict" in line]
    return float(line.split(" is ")[-1].removesuffix(" (P-value)"))


@pytest.mark.parametrize(("value", "sd"), [(17, 1), (20, 1), (-9, 3), (36, 1)])
def test_a_measurement_that_contradicts_a_prior_is_told_with_its_p_value(value, sd):
    exact = 2 * stats.norm.sf(abs(value - 10) / math.hypot(2, sd))
    assert p_told(observed(NORMALS, [f"a = {value} +- {sd}"], "a")) == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize(
    ("prior", "value", "exact"),
    [
        ('{dist = "normal", mean = 0, sd = 1}', 4, 2 * stats.norm.sf(4)),
        ('{dist = "lognormal", p5 = 1, p95 = 100}', 5000, 2 * stats.norm.sf(math.log(500) / math.log(10) * 1.6448536)),
        ('{dist = "student_t", df = 3, location = 0, scale = 1}', -100, 2 * stats.t.sf(100, 3)),
    ],
)
def test_a_p_value_is_of_all_that_lies_as_far_out_however_exact_the_measurement(prior, value, exact):
    text = f'model = "none"\npriors.x = {prior}\nquantities.y = {{formula = "x"}}'
    bands = observed(text, [f"x = {value} +- 0.001"], "y")
    assert p_told(bands) == pytest.approx(exact, rel=0.1)


def test_a_hundred_millionth_of_a_prior_is_found():
    text = 'model = "none"\npriors.x = {dist = "uniform", lower = 0, upper = 1}\nquantities.y = {formula = "x - 0.25"}'
    bands = observed(text, ["x = 0.25 +- 1e-8"], "y")
    mean, error = bands.estimate("mean", quantity="y")
    assert abs(mean) <= ALARM * error < 1e-9
    sd, error = bands.estimate("sd", quantity="y")
    assert abs(sd - 1e-8) <= ALARM * error < 1e-9


def test_a_measurement_within_reach_contradicts_nothing():
    for text in ("a = 15 +- 1", "a = 10 +- 1e-5"):
        assert observed(NORMALS, [text], "a").warnings == []


def test_what_was_done_is_told():
    near, far = (observed(NORMALS, [f"a = {value} +- 1"], "a") for value in (11, 20))
    told = [plain(laid_out(sections(each))) for each in (near, far)]
    assert "drawn where these point" not in told[0]
    assert "the 65,536 scenarios are weighted by their likelihood" in told[0]
    assert "proposal" not in near.provenance["kept"]
    assert "the 65,536 scenarios are drawn where these point and weighted by their likelihood" in told[1]
    proposal = far.provenance["kept"]["proposal"]
    assert proposal["priors"] == ["a"]
    assert f"the priors' own scenarios would be worth {proposal['effective_of_priors']:,.0f}" in " ".join(
        told[1].split()
    )
    assert proposal["effective_of_priors"] < 0.01 * 2**16 < far.provenance["kept"]["effective"]


@pytest.mark.parametrize("text", ["a = 1000 +- 1", "square = -1e6 +- 1e-9", "a = 1e300 +- 1", "a = 1e20 +- 1"])
def test_what_no_scenario_can_reach_is_refused_with_its_p_value(text):
    with pytest.raises(
        SimulateError, match=r"effective ones are left.*contradict it: .* is below 0\.000\d+ \(P-value\)"
    ):
        observed(NORMALS, [text], "a")


@pytest.mark.parametrize("size", [1, 3])
def test_a_proposal_counts_for_what_it_is_drawn_from(size):
    """The mean of the density ratio is 1, as is that of its product with any probability under the normal."""
    random = np.random.default_rng(8)
    names = [f"n{place}" for place in range(size)]
    spread = np.eye(size) * 0.25 + 0.1
    proposal = mixture(names, [(3, np.full(size, 2.0), spread), (1, np.full(size, -1.0), np.eye(size) * 2)], 1 / 8)
    scores = proposal.moved(random.normal(size=(size, 400_000)), random.random(400_000))
    ratio = np.exp(proposal.log_ratio(scores))
    assert ratio.max() <= 8 * (1 + 1e-12)
    for weights, exact in ((ratio, 1.0), (ratio * (scores[0] > 1), stats.norm.sf(1))):
        assert abs(weights.mean() - exact) < t_quantile() * 2 * weights.std() / math.sqrt(len(weights))
