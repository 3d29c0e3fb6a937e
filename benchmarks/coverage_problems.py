"""Problems with known answers for coverage.py: one input of several kinds, atoms, sums, products and so on."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import integrate, optimize, stats

PERCENTS = (0.1, 5.0, 50.0, 95.0, 99.0, 99.9)  # the outermost with 16 scenarios beyond
TAIL = 95.0  # percent of the expected shortfall and of the shortest interval
SIGMAS = (0.5, 0.4, 0.3, 0.6)
PRIORS = """
model = "none"
[priors]
x = {dist = "normal", mean = 10, sd = 2}
w = {dist = "normal", mean = 0, sd = 1}
u = {dist = "uniform", lower = 0, upper = 1}
mild = {dist = "lognormal", mu = 0, sigma = 0.5}
heavy = {dist = "lognormal", mu = 0, sigma = 2}
k = {dist = "choice", values = [0, 1], weights = [999, 1]}
size = {dist = "choice", values = [1, 10], weights = [9, 1]}
long = {dist = "lognormal", mu = 0, sigma = 1.5}
fixed = {value = 4}
a = {dist = "lognormal", mu = 0, sigma = 0.5}
b = {dist = "lognormal", mu = 0, sigma = 0.4}
c = {dist = "lognormal", mu = 0, sigma = 0.3}
d = {dist = "lognormal", mu = 0, sigma = 0.6}
e = {dist = "lognormal", mu = 0, sigma = 0.5}
f = {dist = "lognormal", mu = 0, sigma = 0.7}
g = {dist = "normal", mean = 0, sd = 1}
h = {dist = "lognormal", mu = 0, sigma = 1}
die1 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
die2 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
die3 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
die4 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
[correlations]
e.f = {gaussian_copula = 0.6}
[quantities]
one_normal = {formula = "x"}
one_uniform = {formula = "u"}
one_mild = {formula = "mild"}
one_heavy = {formula = "heavy"}
one_die = {formula = "die1"}
atom = {formula = "k * 1"}
constant = {formula = "3 * fixed"}
sum = {formula = "x + w"}
negative = {formula = "-a * b"}
product = {formula = "a * b * c * d"}
correlated = {formula = "e * f"}
rare = {formula = "h * exp(1.5 * g)"}
dice = {formula = "die1 + die2 + die3 + die4"}
difference = {formula = "a * b - a * c"}
weighed = {formula = "size * long"}
twice = {formula = "2 * x + w"}
"""
SPREAD = math.hypot(*SIGMAS)
# Two cases on common uniforms: x and w both change, so that the difference is normal with mean 1.5 and variance 2.
ALTERNATIVE = PRIORS.replace("mean = 10, sd = 2", "mean = 11, sd = 3").replace(
    "mean = 0, sd = 1}", "mean = 0.5, sd = 2}", 1
)
CHOICES = """
model = "none"
[priors]
p = {dist = "normal", mean = 1, sd = 1}
q = {dist = "normal", mean = 1.5, sd = 1}
[quantities]
cost = {formula = "p"}
[choices.one]
[choices.two.quantities]
cost = {formula = "q"}
"""

Key = tuple[str, str]  # quantity, statistic


class Discrete(NamedTuple):
    """A discrete distribution: values in rising order and their probabilities."""

    values: np.ndarray
    shares: np.ndarray

    def ppf(self, share: float) -> float:
        """The quantile."""
        return float(self.values[np.searchsorted(np.cumsum(self.shares), share * (1 - 1e-12))])

    def mean(self) -> float:
        """The mean."""
        return float(self.values @ self.shares)

    def std(self) -> float:
        """The standard deviation."""
        return float(np.sqrt((self.values - self.mean()) ** 2 @ self.shares))

    def beyond(self, share: float) -> float:
        """The mean of the upper part, the atom at its edge split."""
        parts = np.clip(np.cumsum(self.shares) - share, 0, self.shares)
        return float(self.values @ parts / parts.sum())


def rolls(count: int) -> Discrete:
    """The sum of so many dice."""
    sums = [sum(roll) for roll in itertools.product(range(1, 7), repeat=count)]
    values, counts = np.unique(sums, return_counts=True)
    return Discrete(values.astype(float), counts / len(sums))


@cache
def distributions() -> dict[str, Any]:
    """The distribution of each quantity that has one in closed form."""
    mirrored = stats.lognorm(math.hypot(0.5, 0.4))

    class Negative:
        """The mirror image of a distribution."""

        ppf = staticmethod(lambda share: -mirrored.isf(share))
        isf = staticmethod(lambda share: -mirrored.ppf(share))
        mean = staticmethod(lambda: -mirrored.mean())
        std = staticmethod(mirrored.std)

    return {
        "one_normal": stats.norm(10, 2),
        "one_uniform": stats.uniform(),
        "one_mild": stats.lognorm(0.5),
        "one_heavy": stats.lognorm(2),
        "one_die": rolls(1),
        "atom": Discrete(np.array([0.0, 1.0]), np.array([0.999, 0.001])),
        "constant": Discrete(np.array([12.0]), np.array([1.0])),
        "sum": stats.norm(10, math.sqrt(5)),
        "negative": Negative,
        "product": stats.lognorm(SPREAD),
        "correlated": stats.lognorm(math.sqrt(0.25 + 0.49 + 2 * 0.6 * 0.35)),
        "rare": stats.lognorm(math.hypot(1, 1.5)),
        "dice": rolls(4),
    }


PROBABILITIES = {  # condition: how probable it is
    "one_normal > 11": stats.norm.sf(0.5),
    "one_normal > 15": stats.norm.sf(2.5),
    "atom > 0.5": 0.001,
    "one_die > 4.5": 1 / 3,
    "dice > 22.5": 5 / 1296,
    "sum > 17": stats.norm.sf(7 / math.sqrt(5)),
    "product > 20": stats.lognorm(SPREAD).sf(20),
    "product > 40": stats.lognorm(SPREAD).sf(40),
    "constant > 1": 1.0,
}


def told(name: str, at: Any) -> dict[Key, float]:
    """The truths of a quantity by its distribution."""
    share = TAIL / 100
    found = {f"P{percent:g}": at.ppf(percent / 100) for percent in PERCENTS}
    found |= {"mean": at.mean(), "sd": at.std()}
    if isinstance(at, Discrete):
        return {(name, key): float(value) for key, value in (found | {"mean beyond P95": at.beyond(share)}).items()}
    beyond, _ = integrate.quad(lambda z: at.isf(stats.norm.sf(z)) * stats.norm.pdf(z), stats.norm.ppf(share), 20)
    found["mean beyond P95"] = beyond / (1 - share)
    if name != "one_uniform":  # of which every interval is as short

        def length(low: float) -> float:
            return float(at.ppf(low + share) - at.ppf(low))

        options = {"xatol": 1e-12}
        begun = optimize.minimize_scalar(length, bounds=(0, 1 - share), method="bounded", options=options).x
        found |= {"shortest 95, lower": at.ppf(begun), "shortest 95, upper": at.ppf(begun + share)}
    return {(name, key): float(value) for key, value in found.items()}


@cache
def truths() -> dict[Key, float]:
    """The exact answers by quantity and statistic."""
    exact = {key: value for name, at in distributions().items() for key, value in told(name, at).items()}
    exact |= {("P", text): float(share) for text, share in PROBABILITIES.items()}
    of_b, of_c = math.exp(0.08), math.exp(0.045)
    exact["difference", "mean"] = math.exp(0.125) * (of_b - of_c)
    square = math.exp(0.5) * (math.exp(0.32) - 2 * of_b * of_c + math.exp(0.18))
    exact["difference", "sd"] = math.sqrt(square - exact["difference", "mean"] ** 2)
    exact |= {("given w > 1", key): value for key, value in _conditional().items()}
    exact |= {("compare", key): value for key, value in _compared().items()}
    spread, gap = math.sqrt(2), 0.5
    exact["decide", "probability of being the best"] = float(stats.norm.cdf(gap / spread))
    exact["decide", "EVPI"] = float(spread * stats.norm.pdf(gap / spread) - gap * stats.norm.sf(gap / spread))
    exact["decide", "regret of the other"] = exact["decide", "EVPI"] + gap
    exact["decide", "EVPPI of p"] = float(stats.norm.pdf(gap) - gap * stats.norm.sf(gap))
    return exact | _measured()


def _conditional() -> dict[str, float]:
    """Of x + w given w > 1."""
    kept = stats.norm.sf(1)

    def below(value: float) -> float:
        return integrate.quad(lambda w: stats.norm.cdf((value - w - 10) / 2) * stats.norm.pdf(w), 1, 9)[0] / kept

    percents = {f"P{p:g}": optimize.brentq(lambda v, p=p: below(v) - p / 100, 0, 30, xtol=1e-12) for p in (50.0, 95.0)}
    return {"share kept": float(kept), "mean": 10 + float(stats.norm.pdf(1) / kept), **percents}


def _compared() -> dict[str, float]:
    """The difference of two cases of x + w, its parts, and the ratio of two lognormals."""
    z, spread = stats.norm.ppf(0.95), math.sqrt(2)
    ends = [z * math.sqrt(x * x + w * w) for x, w in ((2, 1), (3, 1), (2, 2), (3, 2))]
    return {
        "P(lower)": float(stats.norm.cdf(-1.5 / spread)),
        "difference, mean": 1.5,
        "difference, P5": 1.5 - z * spread,
        "difference, P50": 1.5,
        "bridge of mean, x": 1.0,
        "bridge of P50, x": 1.0,
        "bridge of P95, x": 1 + (ends[1] - ends[0] + ends[3] - ends[2]) / 2,
        "bridge of P95, w": 0.5 + (ends[2] - ends[0] + ends[3] - ends[1]) / 2,
    }


def _measured() -> dict[Key, float]:
    """What the methods of tornado find: of 2 x + w with sd 4 and 1, of the product, of a choice times a lognormal."""
    spread, tail = math.sqrt(17), stats.norm.pdf(stats.norm.ppf(0.1)) / 0.1
    rank = 6 / math.pi * math.asin(4 / spread / 2)
    total, whole = math.expm1(0.25) * math.exp(SPREAD**2 - 0.25), math.expm1(SPREAD**2)
    first, second = math.exp(1.125), math.exp(4.5)
    size, squares = 1.9, 10.9
    variance = squares * second - (size * first) ** 2

    def below(value: float) -> float:
        ends = stats.norm.ppf([1e-15, 0.1])
        return integrate.quad(lambda z: stats.norm.cdf(value - 20 - 4 * z) * stats.norm.pdf(z), *ends)[0] / 0.1

    return {
        ("tornado", "conditional mean, low"): 20 - 4 * tail,
        ("tornado", "conditional mean, swing"): 8 * tail,
        ("tornado", "conditional P50, low"): optimize.brentq(lambda v: below(v) - 0.5, 0, 30, xtol=1e-12),
        ("tornado", "rank, Spearman"): rank,
        ("tornado", "Shapley effect"): 16 / 17,
        ("tornado", "Sobol' first order"): math.expm1(0.25) / whole,
        ("tornado", "Sobol' total"): total / whole,
        ("tornado, choice times lognormal", "Sobol' first order"): (squares - size**2) * first**2 / variance,
        ("tornado, choice times lognormal", "Sobol' total"): (squares - size**2) * second / variance,
    }
