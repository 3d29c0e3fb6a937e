"""Problems whose answers are known (`oracles.toml`), priors in, statistics out.

An estimate may be off by what the stated figure's own precision allows and 4 of its standard errors. Those are from
16 replicates, so that an error over its standard error is Student's t with 15 degrees of freedom, and 4 of them are
exceeded once in 860. Under `random` the errors must moreover be as large as their standard errors say, no smaller.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from simulate.decisions import decide
from simulate.priors import PriorsError, load_priors
from simulate.runs import draws, run
from simulate.sensitivity.tornado import tornado
from simulate.spread import standard_error

with (Path(__file__).parent / "oracles.toml").open("rb") as _file:
    PROBLEMS = {problem["name"]: problem for problem in tomllib.load(_file)["problems"]}

SCENARIOS = 2**16
OF_INDICES = 2**15
OF_RANKS = 2**15
REPLICATES = 16
ALLOWED = 4  # standard errors
ROUNDING = 1e-12  # of sums over the scenarios, relative
SHORTEST = re.compile(r"shortest(\d+)")
every_problem = pytest.mark.parametrize("name", PROBLEMS)
every_scheme = pytest.mark.parametrize("scheme", ["random", "sobol"])


def drawn(priors, scenarios, **settings):
    """Draws of a problem by name, and the replicate of each."""
    result = draws(priors, scenarios=scenarios, **settings)
    return dict(zip(result.labels("quantity"), result["value"], strict=True)), result["replicate"]


class Estimates:
    """Estimates of what a problem expects, each with its standard error: methods by the names of the statistics."""

    def __init__(self, problem, scheme, seed):
        self.text = problem["priors"]
        self.settings = {"scheme": scheme, "seed": seed}
        self.scheme = scheme
        self.priors = load_priors(self.text)
        asked = [percent_of(name) for name in problem["expected"] if percent_of(name)]
        covered = [float(found[1]) for name in problem["expected"] if (found := SHORTEST.match(name))]
        if self.priors.own:
            self.run = run(
                self.priors,
                scenarios=SCENARIOS,
                percentiles=asked or None,
                probability=["y < 0"],
                statistics=[f"shortest {percent}" for percent in covered[:1]],
                **self.settings,
            )

    def __call__(self, statistic):
        if percent := percent_of(statistic):
            return self.run.estimate("percentiles", quantity="y", percentile=percent)
        return getattr(self, re.sub(r"\d.*|_published$", "", statistic))(statistic)

    def mean(self, _):
        return self.run.estimate("mean", quantity="y")

    def sd(self, _):
        return self.run.estimate("sd", quantity="y")

    def variance(self, _):
        sd, error = self.sd("")
        return sd * sd, 2 * sd * error

    def probability_below_zero(self, _):
        return self.run.estimate("probability", question="y < 0")

    def shortest(self, _):
        return self.run.estimate("shortest", quantity="y")

    def bars(self, method, figure):
        measured = tornado(self.priors, method=method, scenarios=OF_INDICES, **self.settings)
        (quantity,) = measured.labels("quantity")
        bars = [measured.estimate(figure, quantity=quantity, prior=name) for name in self.priors.priors]
        return tuple(np.array(each) for each in zip(*bars, strict=True))

    def S(self, statistic):  # noqa: N802
        """First order, S1; second, such as S2_13."""
        if statistic != "S1":
            return self.second_order([int(digit) - 1 for digit in statistic[3:]])
        if self.priors.correlations:  # of which `tornado --method sobol` knows nothing
            return self.by_replicate(self.correlation_ratios)
        return self.bars("sobol", "first")

    def ST(self, _):  # noqa: N802
        if self.priors.correlations:
            return self.by_replicate(self.unexplained)
        return self.bars("sobol", "total")

    def shapley(self, _):
        return self.bars("shapley", "effect")

    def evpi(self, _):
        return self.decision().estimate("evpi")

    def evppi(self, _):
        decision = self.decision()
        parts = [decision.estimate("evppi", prior=name) for name in self.priors.priors]
        return tuple(np.array(each) for each in zip(*parts, strict=True))

    def decision(self):
        return decide(self.priors, quantities=["y"], scenarios=SCENARIOS, maximize=True, **self.settings)

    # What no command offers is computed from draws.

    def by_replicate(self, statistic, scenarios=SCENARIOS):
        """A statistic of draws, (inputs, scenarios) and y, on each replicate; its mean and standard error."""
        columns, replicate = drawn(self.priors, scenarios, **self.settings)
        x, y = np.array([columns[name] for name in self.priors.priors]), columns["y"]
        parts = [statistic(x[:, own], y[own]) for own in of_replicates(replicate)]
        return np.mean(parts, axis=0), standard_error(parts)

    def correlation_ratios(self, x, y):
        """First-order indices of jointly normal inputs and a sum of them: squared correlations."""
        return np.array([np.corrcoef(each, y)[0, 1] ** 2 for each in x])

    def unexplained(self, x, y):
        """Total indices of the same: what a regression on all others leaves."""
        shares = []
        for own in range(len(x)):
            others = np.vstack([np.ones_like(y), np.delete(x, own, axis=0)]).T
            shares.append(np.mean((y - others @ np.linalg.lstsq(others, y, rcond=None)[0]) ** 2) / y.var())
        return np.array(shares)

    def ancova(self, _):
        """Covariances of the parts of y, linear in each input, with y (Caniou 2012)."""
        return self.by_replicate(lambda x, y: np.cov([*self.parts(x, y), y])[-1, :-1] / y.var(ddof=1))

    def ancova_uncorrelated(self, _):
        return self.by_replicate(lambda x, y: np.var(self.parts(x, y), axis=1) / y.var())

    def parts(self, x, y):
        return np.linalg.lstsq(x.T, y, rcond=None)[0][:, None] * x

    def spearman(self, _):
        return self.of_pairs(stats.spearmanr)

    def kendall(self, _):
        return self.of_pairs(stats.kendalltau)

    def of_pairs(self, statistic):
        """A statistic of pairs of scenarios, independent ones: those of a net keep off each other."""
        self.settings["scheme"] = "random"
        return self.by_replicate(lambda x, _: statistic(*x).statistic, OF_RANKS)

    def second_order(self, pair):
        """The interaction of two inputs, from two independent sets of draws (Homma and Saltelli 1996)."""
        first, replicate = drawn(self.priors, SCENARIOS, **self.settings)
        other, _ = drawn(self.priors, SCENARIOS, **{**self.settings, "seed": self.settings["seed"] + 1000})
        y = self.priors.quantities["y"]
        names = list(self.priors.priors)

        def mixed(kept, own):
            sources = {name: first if place in kept else other for place, name in enumerate(names)}
            return y.function(*(sources[name][name][own] for name in y.needs))

        def of_replicate(own):
            a, b = (each["y"][own] for each in (first, other))
            closed, *singles = (
                np.mean((a - a.mean()) * (mixed(kept, own) - b)) for kept in (pair, *([each] for each in pair))
            )
            return (closed - sum(singles)) / a.var()

        parts = [of_replicate(own) for own in of_replicates(replicate)]
        return np.mean(parts), standard_error(parts)

    def sigma(self, statistic):
        """The least and the greatest attainable correlation of two lognormals, sigma 1 and another.

        From normal scores beyond 2.5 on, where few draws make most of the mean of the product, the closed form is
        taken: E[exp(c Z); Z > t] = exp(c^2/2) Phi(c - t).
        """
        sigma, cut = float(statistic[5:]), 2.5
        second = f"sigma = {sigma:g} }} # and"
        found = []
        for sign in (-1, 1):
            text = self.text.replace("sigma = 1 } # and", second)
            priors = load_priors(text.replace("gaussian_copula = 1", f"gaussian_copula = {sign}"))
            moments = [(each.distribution.mean, each.distribution.sd) for each in priors.priors.values()]
            power = 1 + sign * sigma  # the product is exp(power Z)
            tail = np.exp(power**2 / 2) * (stats.norm.cdf(power - cut) + stats.norm.cdf(-power - cut))
            columns, replicate = drawn(priors, SCENARIOS, **self.settings)
            product = np.where(np.abs(np.log(columns["first"])) < cut, columns["y"], 0.0)
            parts = np.array(
                [
                    (product[own].mean() + tail - moments[0][0] * moments[1][0]) / (moments[0][1] * moments[1][1])
                    for own in of_replicates(replicate)
                ]
            )
            found.append((parts.mean(), standard_error(parts)))
        return tuple(np.array(each) for each in zip(*found, strict=True))

    def a(self, _):
        """The coefficients of the metalog."""
        made = self.priors.priors["x"].distribution
        return np.array([made.a1, made.a2, made.a3]), np.zeros(3)


def of_replicates(replicate):
    return [replicate == each for each in range(REPLICATES)]


def percent_of(statistic):
    """95 for q95, 2.5 for q025; 0 for what is no percentile."""
    return round(float(f"0.{statistic[1:]}") * 100, 6) if re.fullmatch(r"q\d+", statistic) else 0


def figure(expected):
    """What a problem expects, and how far it may be from the truth."""
    value = next(expected[kind] for kind in ("exact", "published", "numeric") if kind in expected)
    return np.array(value, dtype=float), expected.get("precision", 0.0)


def resolution(estimated, statistic):
    """How far a percentile of the one input is from the true one because of a net's regularity.

    A net of n points in one dimension puts one into each n-th of the probability: every replicate's percentile is off
    by less than one point, all by about as much, so that the spread over replicates says little of it. The counts of a
    bin are spread evenly, which moves a percentile by less than the bin, 2^-10 of the value.
    """
    (prior,) = estimated.priors.priors.values()
    if not (percent := percent_of(statistic)):
        return 0.0
    each = SCENARIOS // REPLICATES
    below, above = prior.distribution.quantile(percent / 100 + np.array([-1, 1]) / each)
    return above - below


@pytest.fixture(scope="module")
def problem():
    """Estimates of a problem, the same in every test."""

    @cache
    def estimates(name, scheme, again=0):
        # problems share names of inputs, but not their draws
        seed = list(PROBLEMS).index(name) + len(PROBLEMS) * again
        return Estimates(PROBLEMS[name], scheme, seed)

    return estimates


def test_the_problems_are_all_there():
    assert len(PROBLEMS) == 41
    assert all(problem["source"] and problem["expected"] for problem in PROBLEMS.values())


@every_scheme
@every_problem
def test_estimates_are_within_precision_and_four_standard_errors(problem, name, scheme):
    estimated = problem(name, scheme)
    for statistic, expected in PROBLEMS[name]["expected"].items():
        exact, precision = figure(expected)
        value, error = estimated(statistic)
        allowed = precision + ALLOWED * error + ROUNDING * np.abs(exact)
        if scheme == "sobol" and len(estimated.priors.priors) == 1:
            allowed += resolution(estimated, statistic)
        assert np.shape(value) == np.shape(exact), statistic
        assert (np.abs(value - exact) <= allowed).all(), (statistic, value, error)


def test_errors_are_as_large_as_the_standard_errors_say(problem):
    """An exact figure a problem: errors over standard errors, as normal scores, have a chi-square sum of squares.

    The band, on both sides, is missed once in a million; errors a third of what is said, or twice that, miss it.
    """
    scores = []
    for name, each in PROBLEMS.items():
        single = (
            statistic
            for statistic, expected in each["expected"].items()
            if "exact" in expected and np.ndim(expected["exact"]) == 0
        )
        if (statistic := next(single, None)) is None:
            continue
        for again in range(2):
            value, error = problem(name, "random", again)(statistic)
            t = (value - each["expected"][statistic]["exact"]) / error
            scores.append(stats.norm.ppf(stats.t.cdf(t, REPLICATES - 1)))
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], len(scores))
    squares = float(np.square(scores).sum())
    assert len(scores) >= 60
    assert low < squares < high
    assert squares / 3**2 < low
    assert squares * 2**2 > high


def test_a_product_moment_correlation_is_not_taken():
    """It could be unattainable, as that of two lognormals; rank correlations and the copula's own always can be met."""
    text = PROBLEMS["lognormal_attainable_pearson"]["priors"].replace("gaussian_copula = 1", "pearson = 0.9")
    with pytest.raises(PriorsError, match=r"<text>:\d+: .*pearson"):
        load_priors(text)
