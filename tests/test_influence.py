"""What moves a quantity: shares of the variance beside closed forms, their errors, which way, and what is told."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import special, stats
from test_distributions import table

from benchmarks.influence import measure
from simulate.distributions import distribution
from simulate.influence import Sampled, atoms, binned, binned_uniforms, grid, influence, jackknife, outcome
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.runs import run
from simulate.runs.report import sections
from simulate.sampling.schemes import SCHEMES
from simulate.sensitivity.tornado import tornado

SEEDS_BEYOND = 5  # standard errors of 16 replicates: beyond them 2 in 10,000 (Student's t)


def of(text, **options):
    return run(load_priors(f'model = "none"\n[priors]\n{text}'), **{"scenarios": 2**16, **options})


def report(result, width=None):
    return plain(laid_out(sections(result), width))


def row(result):
    """The cells of the table of what moves the first quantity, by the titles of their columns."""
    lines = report(result).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("variance of"))
    return dict(zip(re.split(r"  +", lines[place]), re.split(r"  +", lines[place + 1].strip()), strict=True))


def share(result, prior, quantity="y"):
    return result.estimate("variance_share", quantity=quantity, prior=prior)


def agrees(result, truths, quantity="y"):
    """Each share, and what is left, within 5 standard errors."""
    for prior, truth in truths.items():
        value, error = share(result, prior, quantity)
        assert abs(value - truth) < SEEDS_BEYOND * error, (prior, value, error)
    value, error = result.estimate("variance_share_together", quantity=quantity)
    assert abs(value - (1 - sum(truths.values()))) < SEEDS_BEYOND * error


# ---------------------------------------------------------------------------------------------------------
# Closed forms


@pytest.mark.parametrize(
    ("scheme", "replications"),
    [("random", 5), *(pytest.param(scheme, 200, marks=pytest.mark.long) for scheme in ("random", "sobol"))],
)
def test_shares_hold_the_truth_as_often_as_stated(scheme, replications):
    """At least 93 % beyond what chance does, at a false alarm of 1 % of all: a sample of benchmarks/influence.md."""
    cells = measure(replications, (scheme,))
    assert len(cells) > 30
    assert [cell for cell in cells if cell.outside(len(cells))] == []
    assert max(cell.stated for cell in cells) < 0.02  # and an interval says something


NORMALS = 'a = {dist = "normal", mean = 1, sd = 2}\nb = {dist = "normal", mean = 0, sd = 1}\n'
SUM = '[quantities]\ny = {formula = "a + b"}\n'


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("scenarios", [2**10, 2**14, 2**17])
def test_shares_of_a_sum_of_normals(scheme, scenarios):
    result = of(NORMALS + SUM, scheme=scheme, scenarios=scenarios)
    agrees(result, {"a": 0.8, "b": 0.2})
    assert share(result, "a")[1] < 3 / math.sqrt(scenarios)
    assert result.at("direction", quantity="y").tolist() == [1, 1]
    assert result.at("variance_of_logarithm", quantity="y") == 0


def test_a_net_is_taken_for_no_more_than_it_is():
    """Squares of the means of bins count their own error; the pairs of replicates do not, however few a bin holds."""
    words = np.random.default_rng(5).integers(0, 2**16, (16, 256), np.uint16)
    noise = np.random.default_rng(6).normal(size=16 * 256)
    sampled = Sampled(np.ones(16 * 256), np.repeat(np.arange(16), 256), replicates=16, effective=2**12)
    told = influence(binned_uniforms(words.reshape(1, -1), 2**12), [outcome(noise, sampled)], ([0], [0]), sampled)
    value, error = jackknife(told.shares[:, 0])
    bins = len(grid(2**12)) + 1
    assert abs(value) < SEEDS_BEYOND * error
    # of a product of two means, each of noise: sqrt(2 bins) / scenarios, with Richardson's third twice that at most
    assert error < 2 * math.sqrt(2 * bins) / 2**12 < bins / 2**12  # which is what squares would tell


@pytest.mark.parametrize("missing", [False, True])
def test_inputs_and_quantities_are_told_together_as_each_alone(missing):
    random = np.random.default_rng(8)
    words = random.integers(0, 2**16, (3, 16 * 64), np.uint16)
    columns = np.array([words[0] + 0.5 * words[1], -1.0 * words[1] * words[2]])
    if missing:  # so that the quantities weigh the scenarios each in its own way
        columns[1, ::7] = np.nan
    sampled = Sampled(np.ones(16 * 64), np.repeat(np.arange(16), 64), replicates=16, effective=2**10)
    told = [outcome(column, sampled) for column in columns]
    pairs = [0, 0, 1, 1], [0, 1, 1, 2]
    together = influence(binned_uniforms(words, 2**10), told, pairs, sampled)
    for place, (quantity, row) in enumerate(zip(*pairs, strict=True)):
        alone = influence(binned_uniforms(words[[row]], 2**10), [told[quantity]], ([0], [0]), sampled)
        for whole, own in zip(together, alone, strict=True):
            assert whole[..., place] == pytest.approx(own[..., 0], rel=1e-9, abs=1e-12)
    assert together.direction.tolist() == [1, 1, -1, -1]


def test_correlated_priors_share_what_they_do_together():
    """Y = a + b of unit normals: (1 + r)^2 / (2 + 2 r) each, and what is left of the variance is -r."""
    for latent in (0.8, -0.5):
        text = NORMALS.replace("sd = 2", "sd = 1") + f"[correlations]\na.b = {{gaussian_copula = {latent}}}\n" + SUM
        result = of(text)
        agrees(result, dict.fromkeys("ab", (1 + latent) / 2))
        told = row(result)["together"]
        assert told == f"{-100 * latent:.0f} %".replace("-", "−")


def test_a_prior_alone_has_all_of_the_variance():
    """By what is needed and by no estimate, even where an event occurs in one scenario of a million."""
    text = 'e = {dist = "choice", values = [0, 1], weights = [999999, 1]}\n[quantities]\ny = {formula = "1 + 1e6 * e"}'
    result = of(text, scenarios=2**20)
    assert share(result, "e") == (1, 0)
    assert result.estimate("variance_share_together", quantity="y") == (0, 0)
    assert row(result)["moved most by (% of the variance)"] == "e +100"


def test_what_no_two_replicates_have_seen_is_not_known():
    """An event of one scenario: its interval reaches from nothing to all."""
    text = (
        'e = {dist = "choice", values = [0, 1], weights = [999999, 1]}\nb = {dist = "normal", mean = 0, sd = 0.1}\n'
        '[quantities]\ny = {formula = "1e6 * e + b"}'
    )
    result = of(text, scenarios=2**20, seed=3)
    assert result.at("mean", quantity="y") * 2**20 == pytest.approx(1e6, rel=1e-3)  # in one scenario
    value, error = share(result, "e")
    assert value - 2.13 * error < 0
    assert value + 2.13 * error > 1
    assert " ± " in row(result)["moved most by (% of the variance)"]
    assert result.at("direction", quantity="y", prior="e") == 0
    twice = of(text, scenarios=2**20, seed=6)  # in two, of two replicates: its mean is known, and what it does
    assert twice.at("mean", quantity="y") * 2**20 == pytest.approx(2e6, rel=1e-3)
    agrees(twice, {"e": 1e12 / (1e12 + 1e4), "b": 1e4 / (1e12 + 1e4)})


@pytest.mark.parametrize(
    ("components", "masses"),
    [
        ('{dist = "normal", mean = 0, sd = 1}, {dist = "uniform", lower = -4, upper = 4}', [1.0]),  # beyond 4, no gap
        ('{dist = "uniform", lower = 0, upper = 1}, {dist = "uniform", lower = 5, upper = 6}', [0.8, 0.2]),
        ('{dist = "uniform", lower = 0, upper = 1}, {value = 0.5}', [0.4, 0.2, 0.4]),
    ],
)
def test_what_lies_apart_is_an_event_and_a_tail_is_none(components, masses):
    made = distribution("mixture", table(f"components = [{components}], weights = [4, 1]"))
    assert atoms(made).masses == pytest.approx(masses, rel=1e-9)


@pytest.mark.parametrize("mass", [1e-3, 2e-4])
@pytest.mark.parametrize("kind", ["choice", "mixture"])
def test_rare_atoms_are_looked_for_in_more_scenarios(mass, kind):
    prior = {
        "choice": f'{{dist = "choice", values = [0, 1], weights = [{1 - mass}, {mass}]}}',
        "mixture": f'{{dist = "mixture", components = [{{value = 0}}, {{value = 1}}], weights = [{1 - mass}, {mass}]}}',
    }[kind]
    text = f'event = {prior}\nb = {{dist = "normal", mean = 100, sd = 5}}\n'
    result = of(text + '[quantities]\ny = {formula = "b + 1000 * event"}', scenarios=2**20)
    part = 1e6 * mass * (1 - mass)
    agrees(result, {"event": part / (part + 25), "b": 25 / (part + 25)})
    assert share(result, "event")[1] < 0.02


@pytest.mark.parametrize("mass", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("gain", [1000, -1000])
def test_an_event_has_what_it_does_to_the_variance(mass, gain):
    text = (
        f'event = {{dist = "choice", values = [0, 1], weights = [{1 - mass}, {mass}], evidence = "judgement"}}\n'
        'base = {dist = "normal", mean = 100, sd = 5, evidence = "sourced"}\n'
        f'[quantities]\ny = {{formula = "base + {gain} * event"}}'
    ).replace("+ -", "- ")
    result = of(text)
    if result.at("variance_of_logarithm", quantity="y") == 0:  # of the value, unless it is both positive and wide
        agrees(result, {"event": (part := 1e6 * mass * (1 - mass)) / (part + 25), "base": 25 / (part + 25)})
        judged, error = result.estimate("variance_share_by_evidence", quantity="y", evidence="judgement")
        assert abs(judged - part / (part + 25)) < SEEDS_BEYOND * error
    assert result.at("direction", quantity="y", prior="event") == math.copysign(1, gain)


def test_of_which_percentiles_the_width_decides_does_not_hang_on_chance():
    """An event of 5 %, at which P95 lies: of the variance of the value, with every seed."""
    text = (
        'event = {dist = "choice", values = [0, 1], weights = [95, 5]}\nb = {dist = "normal", mean = 100, sd = 5}\n'
        '[quantities]\ny = {formula = "b + 1000 * event"}'
    )
    found = [of(text, scenarios=2**12, seed=seed, scheme="random") for seed in range(20)]
    assert {each.at("variance_of_logarithm", quantity="y") for each in found} == {0}
    assert {each.at("percentiles", quantity="y", percentile=95) > 800 for each in found} == {True, False}


# ---------------------------------------------------------------------------------------------------------
# Which variance


@pytest.mark.parametrize(("sigma", "logarithm"), [(0.6, 0.0), (0.66, 1.0), (3.0, 1.0)])
def test_wide_positive_quantities_share_out_their_logarithm(sigma, logarithm):
    """P95 / P5 is exp(3.29 sigma), 7.2 or 8.8; sigma^2 is shared, or exp(sigma^2) - 1."""
    part = sigma / math.sqrt(2)
    text = "".join(f'{name} = {{dist = "lognormal", mu = 0, sigma = {part}}}\n' for name in "ab")
    result = of(text + '[quantities]\ny = {formula = "a * b"}\n[quantities.z]\nformula = "0 - a * b"')
    assert result.at("variance_of_logarithm", quantity="y") == logarithm
    assert result.at("variance_of_logarithm", quantity="z") == 0
    alone = 0.5 if logarithm else math.expm1(part**2) / math.expm1(sigma**2)
    agrees(result, {"a": alone, "b": alone})
    assert ("log(y)" in report(result)) is bool(logarithm)
    assert ("Of the logarithm where P95 is above 8 times P5." in report(result)) is bool(logarithm)
    assert "log(z)" not in report(result)


@pytest.mark.parametrize(("mean", "undefined"), [(1.4758, 0.07), (0.0, 0.5)])
def test_scenarios_in_which_a_quantity_is_no_number_are_left_out(mean, undefined):
    """sqrt(x) + b: x first and upwards, by what varies where there is a root; Spearman's as over these."""
    text = (
        f'x = {{dist = "normal", mean = {mean}, sd = 1}}\nb = {{dist = "normal", mean = 0, sd = 0.1}}\n'
        '[quantities]\ny = {formula = "sqrt(x) + b"}\nz = {formula = "b - sqrt(x)"}\nw = {formula = "1 / (x > 0) + b"}'
    )
    result = of(text)
    assert result.at("nonfinite", quantity="y") == pytest.approx(undefined * 2**16, abs=16)
    points = np.linspace(1e-9, mean + 10, 400_001)  # a quadrature that no tail leaves
    density = np.exp(-((points - mean) ** 2) / 2)
    whole, first, root = (np.trapezoid(points**power * density, points) for power in (0, 1, 0.5))
    part = first / whole - (root / whole) ** 2
    truths = {"x": part / (part + 0.01), "b": 0.01 / (part + 0.01)}
    for name, sign in (("y", 1), ("z", -1)):
        agrees(result, truths, name)
        assert result.at("direction", quantity=name).tolist() == [sign, 1]
    agrees(result, {"x": 0.0, "b": 1.0}, "w")
    given = run(
        load_priors(f'model = "none"\n[priors]\n{text}'), scenarios=2**18, given=["x > 0"], quantities=["y"]
    ).at("rank_correlation", quantity="y")
    assert result.at("rank_correlation", quantity="y") == pytest.approx(given, abs=0.02)  # 5 errors of 2^15 or more
    assert row(result)["moved most by (% of the variance)"].startswith("x +9")


def test_spearmans_correlation_is_over_the_finite_scenarios():
    """Of bivariate normals with correlation r: 6 / pi asin(r / 2)."""
    result = of(NORMALS + SUM)
    for name, correlation in {"a": 2 / math.sqrt(5), "b": 1 / math.sqrt(5)}.items():
        exact = 6 / math.pi * math.asin(correlation / 2)
        found = result.at("rank_correlation", quantity="y", prior=name)
        assert abs(found - exact) < SEEDS_BEYOND / math.sqrt(2**16)
    ties = of('k = {dist = "choice", values = [1, 2, 9], weights = [1, 2, 3]}\n[quantities]\ny = {formula = "exp(k)"}')
    assert ties.at("rank_correlation", quantity="y", prior="k") == pytest.approx(1, abs=1e-12)


# ---------------------------------------------------------------------------------------------------------
# Which way


@pytest.mark.parametrize(
    ("formula", "direction"),
    [
        ("x + b", 1),
        ("b - x", -1),
        ("exp(x) + b", 1),
        ("where(x > 1, 5, 0) + b", 1),  # flat, then a jump
        ("x**2 + b", 0),
        ("0 - x**2 + b", 0),
        ("(x - 0.5)**2 + b", 0),
        ("sin(3 * x) + b", 0),
        ("(x + 2)**2 + b", 1),  # falls in the last 2 %
        ("b + 0 * x", 0),
    ],
)
def test_a_direction_is_told_where_the_mean_goes_one_way(formula, direction):
    """Nine tenths of its way from eighth to eighth of the scenarios."""
    text = 'x = {dist = "normal", mean = 0, sd = 1}\nb = {dist = "normal", mean = 0, sd = 0.5}\n'
    result = of(f'{text}[quantities]\ny = {{formula = "{formula}"}}')
    assert result.at("direction", quantity="y", prior="x") == direction
    told = row(result)["moved most by (% of the variance)"]
    sign = {1: r"\+", -1: "−", 0: ""}[direction]
    assert "x" not in told if formula == "b + 0 * x" else re.search(rf"\bx {sign}\d", told)


def test_a_hump_and_not_a_slope_has_the_variance():
    """x**2 + b: 2 / (2 + 0.01), whatever Spearman's correlation says, 0 and 0.18."""
    text = (
        'x = {dist = "normal", mean = 0, sd = 1, evidence = "judgement"}\n'
        'b = {dist = "normal", mean = 0, sd = 0.1, evidence = "sourced"}\n[quantities]\ny = {formula = "x**2 + b"}'
    )
    result = of(text)
    agrees(result, {"x": 2 / 2.01, "b": 0.01 / 2.01})
    assert abs(result.at("rank_correlation", quantity="y", prior="x")) < 0.02
    told = row(result)
    assert told["from judgement"] == "99.5 %"
    assert told["moved most by (% of the variance)"].startswith("x 99.5")


def test_waves_are_resolved_or_said_not_to_be():
    """sin(400 x) on 0..1, 64 waves: half of 0.51 or an interval that reaches there."""
    text = 'x = {dist = "uniform", lower = 0, upper = 1}\nb = {dist = "normal", mean = 0, sd = 0.1}\n'
    result = of(f'{text}[quantities]\ny = {{formula = "sin(400 * x) + b"}}')
    agrees(result, {"x": 0.5 / 0.51, "b": 0.01 / 0.51})


@pytest.mark.parametrize(
    ("method", "figure", "whose"),
    [
        ("sobol", "first", "first order (Sobol' indices, shares of the variance)"),
        ("rank", "spearman", "Spearman (rank correlation and rank regression)"),
        ("conditional", "swing", "from low to high (the mean given a prior up to its P10 and from its P90)"),
    ],
)
def test_a_tornado_says_in_files_whose_share_or_change_it_tells(method, figure, whose):
    priors = load_priors(f'model = "none"\n[priors]\n{NORMALS}{SUM}')
    result = tornado(priors, method=method, scenarios=2**10)
    assert result.attributes_of(figure)["long_name"] == whose


# ---------------------------------------------------------------------------------------------------------
# Evidence


def test_evidence_that_is_not_stated_is_told_as_such():
    text = (
        'x = {dist = "choice", values = [2, 4], weights = [0.4, 0.6]}\n'
        'y = {dist = "choice", values = [1, 2, 3], weights = [0.45, 0.3, 0.25]}\n'
        '[quantities]\nz = {formula = "x + 0 * y"}'
    )
    result = of(text)
    by_evidence = dict(
        zip(result.labels("evidence"), result.at("variance_share_by_evidence", quantity="z"), strict=True)
    )
    assert np.isnan([by_evidence["judgement"], by_evidence["sourced"]]).all()
    assert by_evidence["not stated"] == pytest.approx(1, abs=1e-3)
    told = row(result)
    assert told["evidence not stated"] == "100 %"
    assert "from judgement" not in told


def test_shares_by_evidence_and_together_are_all_of_the_variance():
    kinds = {"a": "judgement", "b": "sourced", "c": "", "d": "judgement"}
    text = "".join(
        f'{name} = {{dist = "normal", mean = 3, sd = 1{f", evidence = {kind!r}" if kind else ""}}}\n'
        for name, kind in kinds.items()
    ).replace("'", '"')
    result = of(text + '[correlations]\na.b = 0.4\n[quantities]\ny = {formula = "a * b + c * d + a"}')
    by_evidence, errors = result.estimate("variance_share_by_evidence", quantity="y")
    shares = dict(zip(result.labels("prior"), result.at("variance_share", quantity="y"), strict=True))
    assert by_evidence.tolist() == pytest.approx([shares["a"] + shares["d"], shares["b"], shares["c"]])
    assert by_evidence.sum() + result.at("variance_share_together", quantity="y") == pytest.approx(1)
    assert (errors > 0).all()


# ---------------------------------------------------------------------------------------------------------
# Under conditions, and at the edges


def test_measured_values_weigh_what_moves():
    """Given a + b = 2 +- 0.5, a and b are normal and opposed: the closed form of their difference."""
    text = NORMALS.replace("mean = 1", "mean = 0") + SUM.replace("a + b", "a + 3 * b")
    text += 's = {formula = "a + b"}\n'
    result = of(text, observe=["s = 2 +- 0.5"], quantities=["y"], scenarios=2**18)
    prior = np.diag([4.0, 1.0])
    gain = prior @ [1, 1] / (np.ones(2) @ prior @ np.ones(2) + 0.25)
    posterior = prior - np.outer(gain, np.ones(2) @ prior)
    weights = np.array([1.0, 3.0])
    variance = weights @ posterior @ weights
    truths = (posterior @ weights) ** 2 / np.diag(posterior) / variance
    agrees(result, dict(zip("ab", truths.tolist(), strict=True)))


@pytest.mark.parametrize("options", [{"given": ["a > 2"]}, {"given": ["a > 2"], "observe": ["b = 1 +- 5"]}])
def test_given_a_condition_its_scenarios_count(options):
    """a beyond half a standard deviation: its variance is then 4 (1 + z h - h^2), h the hazard of a normal at z."""
    result = of(NORMALS + SUM, scenarios=2**18, **options)
    hazard = stats.norm.pdf(0.5) / stats.norm.sf(0.5)
    of_a = 4 * (1 + 0.5 * hazard - hazard**2)
    of_b = 1.0 if "observe" not in options else 25 / 26
    agrees(result, {"a": of_a / (of_a + of_b), "b": of_b / (of_a + of_b)})


def test_the_same_bits_whatever_the_backend():
    one, three = (of(NORMALS + SUM, backend=each, workers=3, scenarios=2**18) for each in ("serial", "threads"))
    for name in ("variance_share", "variance_share_se", "rank_correlation", "variance_share_together"):
        assert np.array_equal(one[name], three[name])


def test_what_is_constant_or_not_needed_has_no_share():
    text = (
        NORMALS
        + 'fixed = {value = 3}\n[quantities]\ny = {formula = "a * fixed"}\nz = {formula = "b"}\n'
        + 'c = {formula = "2 * fixed"}'
    )
    result = of(text)
    assert share(result, "a") == (1, 0)
    assert np.isnan([share(result, "b"), share(result, "fixed")]).all()
    assert np.isnan(result.at("variance_share", quantity="c")).all()
    assert "\nc  " not in report(result).partition("variance of")[2]


def test_numbers_near_the_ends_of_floats_have_shares():
    for size in ("1e300", "1e-300"):
        result = of((NORMALS + SUM).replace('"a + b"', f'"(a + b) * {size}"'))
        agrees(result, {"a": 0.8, "b": 0.2})


def test_a_quantity_that_is_a_number_in_next_to_no_scenario_has_no_share():
    """In 3 of 2^20, in none of those that are looked into."""
    text = NORMALS + '[quantities]\ny = {formula = "sqrt(b - 4.5) + a"}\nz = {formula = "a + b"}'
    result = of(text, scenarios=2**20)
    assert np.isnan(result.at("variance_share", quantity="y")).all()
    assert np.isnan(result.at("variance_share_together", quantity="y"))
    agrees(result, {"a": 0.8, "b": 0.2}, "z")
    assert "\ny  " not in report(result).partition("variance of")[2]


@pytest.mark.parametrize("scenarios", [16, 256])
def test_of_few_scenarios_the_errors_are_told(scenarios):
    result = of(NORMALS + SUM, scenarios=scenarios)
    agrees(result, {"a": 0.8, "b": 0.2})
    assert " ± " in row(result)["together"]


def test_no_more_than_some_quantities_are_looked_into():
    """The headline first; the others have no shares."""
    many = "".join(f'q{number} = {{formula = "a + {number} * b"}}\n' for number in range(40))
    result = of(f"{NORMALS}[quantities]\n{many}", scenarios=2**10)
    known = ~np.isnan(result["variance_share"]).any(axis=1)
    assert known.sum() == 32
    assert known[:32].all()
    assert "8 more are not looked into" in report(result)


# ---------------------------------------------------------------------------------------------------------
# Bins


def test_bins_are_even_in_the_middle_and_narrow_at_the_ends():
    edges = grid(2**16)
    assert edges == pytest.approx(1 - edges[::-1], abs=1e-15)
    widths = np.diff(np.concatenate([[0], edges, [1]]))
    assert widths.max() <= 2**-9 + 1e-12
    assert widths[0] == widths[-1] == 2**-13
    assert len(grid(16)) == 1


def test_bins_of_a_continuous_input_hold_alike_by_value_and_by_uniform():
    words = np.random.default_rng(1).permutation(2**16).astype(np.uint16)
    by_uniform = binned_uniforms(words[None], 2**16)
    column = special.ndtri((words + 0.5) / 2**16)
    by_value = binned(column, np.ones(2**16), np.zeros(0), 2**16)
    assert by_value.total == by_uniform.total
    assert np.abs(by_value.numbers - by_uniform.numbers).max() <= 1
    for one, other in zip(by_value.pairs, by_uniform.pairs, strict=True):
        assert np.array_equal(one, other)


def test_atoms_stand_alone():
    parts = [{"value": 0}, {"dist": "normal", "mean": 0, "sd": 1}, {"dist": "choice", "values": [0, 5]}]
    mixture = distribution("mixture", {"components": parts, "weights": [1, 2, 1]})
    found = atoms(mixture)
    assert found.values.tolist() == [0, 5]
    assert found.masses.sum() == pytest.approx(1)
    column = mixture.quantile((np.arange(2**12) + 0.5) / 2**12)
    bins = binned(column, np.ones(2**12), found.values, 2**12)
    for value in (0, 5):
        (number,) = np.unique(bins.numbers[0, column == value])
        assert (column[bins.numbers[0] == number] == value).all()
    assert len(atoms(distribution("normal", {"mean": 0, "sd": 1})).values) == 0
    assert len(atoms(distribution("choice", {"values": [*range(200)]})).values) == 0
