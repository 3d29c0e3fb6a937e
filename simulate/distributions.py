"""Families of distributions: what their parameters are, their quantile functions and their probabilities.

A family is one frozen dataclass that follows `Distribution`. Its constructor and each of its classmethods
named ``from_...`` is a way to state it; their parameters are the keys of a priors file, those without a
default are required, and those annotated `Percentile` stand for keys such as ``p5`` and ``"p97.5"``. The
examples in the docstrings are run by the tests. A new family is a class and a line in `FAMILIES`.

Both tails: a quantile function takes p and q = 1 - p, of which the smaller is exact, and a probability is
returned from below and from above, so that neither tail loses digits.
"""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
from __future__ import annotations

import csv
import functools
import inspect
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Numbers = tuple[float, ...]
Score = Callable[[Array, Array], Array]


class ParameterError(ValueError):
    """A parameter that is missing, unknown, of the wrong type or impossible.

    `key` is the key to mend, or None where it is the table as a whole.
    """

    def __init__(self, key: str | None, message: str) -> None:
        super().__init__(message)
        self.key = key


class Percentile(NamedTuple):
    """A value below which lies the probability p, above which lies q = 1 - p; `key` as it was written."""

    key: str
    p: float
    q: float
    value: float


class Distribution(Protocol):
    """What every family offers, from its `inverse` and its `cumulative`.

    Where a family does not say otherwise, its quantile function is smooth and its moments are computed
    numerically.
    """

    truncatable: bool = False  # whether the keys `lower` and `upper` truncate it
    refuses_percentiles: str = ""  # why percentiles do not determine it

    def inverse(self, p: Array, q: Array) -> Array:
        """The value below which lies p and above which lies q = 1 - p, the smaller of these being exact."""
        ...

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        """P(X <= x) and P(X > x), each accurate in its own tail."""
        ...

    def moments(self) -> tuple[float, float]:
        """Mean and sd; here by the trapezoidal rule in the normal score, which converges exponentially."""
        from scipy.special import ndtr

        z = np.linspace(-37.5, 37.5, 6001)  # as far as p is a normal number
        x = self.quantile(ndtr(z), ndtr(-z))
        z, x = z[np.isfinite(x)], x[np.isfinite(x)]
        density = np.exp(-z * z / 2)
        mean = np.average(x, weights=density)
        return float(mean), float(np.sqrt(np.average((x - mean) ** 2, weights=density)))

    def quantile(self, p: ArrayLike, q: ArrayLike | None = None) -> Array:
        """The value below which lies p and above which lies q (default 1 - p), of the shape of p."""
        below = np.asarray(p, dtype=np.float64)
        above = 1.0 - below if q is None else np.asarray(q, dtype=np.float64)
        with np.errstate(all="ignore"):
            return self.inverse(below, above)

    def probability(self, x: ArrayLike) -> tuple[Array, Array]:
        """P(X <= x) and P(X > x), each accurate in its own tail, of the shape of x."""
        with np.errstate(all="ignore"):
            return self.cumulative(np.asarray(x, dtype=np.float64))

    @property
    def support(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return float(self.quantile(0.0, 1.0)), float(self.quantile(1.0, 0.0))

    @property
    def mean(self) -> float:
        """The expectation; infinite where it diverges, nan where it is undefined."""
        with np.errstate(all="ignore"):
            return self.moments()[0]

    @property
    def sd(self) -> float:
        """The standard deviation; infinite where it diverges, nan where it is undefined."""
        with np.errstate(all="ignore"):
            return self.moments()[1]

    @property
    def costly(self) -> bool:
        """Whether a quantile costs more than 100 ns; it is then smooth in the normal score."""
        return False

    @property
    def jumps(self) -> Array:
        """Increasing p at which the quantile function jumps, or bends at the edge of an atom or component."""
        return np.empty(0)


def between(lower: float, upper: float, p_share: Array, q_share: Array) -> Array:
    """The value at a share of the way up from `lower`, or down from `upper` where that share is smaller."""
    width = upper - lower
    return np.where(p_share <= q_share, lower + width * p_share, upper - width * q_share)


def shares_of(lower: float, upper: float, x: Array) -> tuple[Array, Array]:
    """How far x lies above `lower` and below `upper`, as shares of the way, from 0 to 1."""
    width = upper - lower
    return np.clip((x - lower) / width, 0.0, 1.0), np.clip((upper - x) / width, 0.0, 1.0)


# Standard variables: their quantile functions, from which location-scale families are made


def linear_score(p: Array, q: Array) -> Array:
    """The standard uniform."""
    return np.where(p <= q, p, 1.0 - q)


def normal_score(p: Array, q: Array) -> Array:
    """The standard normal."""
    from scipy.special import ndtri

    return np.copysign(ndtri(np.minimum(p, q)), p - q)


def exponential_score(p: Array, q: Array) -> Array:
    """The standard exponential, -log q."""
    return np.where(p <= q, -np.log1p(-p), -np.log(q))


def gumbel_score(p: Array, q: Array) -> Array:
    """The standard Gumbel variable of maxima, -log(-log p)."""
    return -np.log(exponential_score(q, p))


def weibull_score(p: Array, q: Array) -> Array:
    """The logarithm of the standard exponential, the standard Gumbel variable of minima."""
    return np.log(exponential_score(p, q))


def arcsine_score(p: Array, q: Array) -> Array:
    """The arcsine variable on 0..1, sin^2(pi p / 2)."""
    return np.where(p <= q, np.sin(np.pi / 2 * p) ** 2, 1.0 - np.sin(np.pi / 2 * q) ** 2)


def student_score(df: float) -> Score:
    """The standard t variable with `df` degrees of freedom."""
    from scipy.special import stdtrit

    return lambda p, q: np.copysign(stdtrit(df, np.minimum(p, q)), p - q)


def line(
    score: Score, transform: Callable[[float], float], first: Percentile, second: Percentile
) -> tuple[float, float]:
    """Location and scale with which transform(X) = location + scale * (the standard variable of `score`).

    Two percentiles determine every such family: they lie on a straight line in the transformed scale.
    """
    z = [float(score(np.array(at.p), np.array(at.q))) for at in (first, second)]
    y = [float(transform(at.value)) for at in (first, second)]
    scale = (y[1] - y[0]) / (z[1] - z[0])
    return y[0] - scale * z[0], scale


def identity(x: float) -> float:
    """The transform of a family that is location-scale as it stands."""
    return x


# Checks


def positive(**values: float) -> None:
    """Raise ParameterError for a value that is not above 0."""
    for key, value in values.items():
        if not value > 0:
            raise ParameterError(key, f"{value:g} is not above 0; give a positive number")


def increasing(**values: float) -> None:
    """Raise ParameterError where a value is not below the next."""
    for (key, value), (following, bound) in pairwise(values.items()):
        if not value < bound:
            raise ParameterError(key, f"{value:g} is not below {following} = {bound:g}; put them in order")


def inside(lower: float, upper: float, *percentiles: Percentile) -> None:
    """Raise ParameterError for a percentile that does not lie strictly between the bounds."""
    for key, _, _, value in percentiles:
        if not lower < value < upper:
            where = (
                f"above {lower:g}, where it begins" if value <= lower else f"below {upper:g}, where it ends"
            )
            raise ParameterError(key, f"{value:g} is not {where}; move it inside")


def weights_for(weights: Sequence[float], count: int, what: str) -> Array:
    """Checked weights as an array, equal where none are given."""
    if len(weights) == 0:
        return np.ones(count)
    if len(weights) != count:
        raise ParameterError("weights", f"{len(weights)} weights for {count} {what}; give one for each")
    array = np.array(weights, dtype=np.float64)
    if (array < 0).any():
        raise ParameterError("weights", f"{array.min():g} is negative; give weights of 0 or more")
    if not array.any():
        raise ParameterError("weights", "all are 0; make one of them positive")
    return array


# Bounded families


@dataclass(frozen=True)
class Constant(Distribution):
    """One value for certain. Example: `{value = 8}`."""

    value: float

    def inverse(self, p: Array, q: Array) -> Array:  # noqa: ARG002
        return np.full(p.shape, self.value)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        return np.where(x >= self.value, 1.0, 0.0), np.where(x >= self.value, 0.0, 1.0)

    def moments(self) -> tuple[float, float]:
        return self.value, 0.0


@dataclass(frozen=True)
class Uniform(Distribution):
    """Equally likely everywhere between two bounds.

    Examples: `{lower = 1.05, upper = 1.3}`, `{p10 = 2, p90 = 3}`.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        increasing(lower=self.lower, upper=self.upper)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Uniform:
        lower, width = line(linear_score, identity, first, second)
        return cls(lower, lower + width)

    def inverse(self, p: Array, q: Array) -> Array:
        return between(self.lower, self.upper, p, q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        return shares_of(self.lower, self.upper, x)

    def moments(self) -> tuple[float, float]:
        return self.lower + (self.upper - self.lower) / 2, (self.upper - self.lower) / math.sqrt(12)


@dataclass(frozen=True)
class Loguniform(Distribution):
    """Of which the logarithm is uniform. Examples: `{lower = 1e-3, upper = 100}`, `{p5 = 3, p95 = 70}`."""

    lower: float
    upper: float

    def __post_init__(self) -> None:
        positive(lower=self.lower)
        increasing(lower=self.lower, upper=self.upper)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Loguniform:
        inside(0.0, np.inf, first, second)
        location, scale = line(linear_score, np.log, first, second)
        return cls(float(np.exp(location)), float(np.exp(location + scale)))

    @property
    def log_width(self) -> float:
        return math.log(self.upper / self.lower)

    def inverse(self, p: Array, q: Array) -> Array:
        x = np.where(
            p <= q, self.lower * np.exp(p * self.log_width), self.upper * np.exp(-q * self.log_width)
        )
        return np.clip(x, self.lower, self.upper)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        x = np.clip(x, self.lower, self.upper)
        return np.log(x / self.lower) / self.log_width, np.log(self.upper / x) / self.log_width

    def moments(self) -> tuple[float, float]:
        return (self.upper - self.lower) / self.log_width, super().moments()[1]


@dataclass(frozen=True)
class Arcsine(Distribution):
    """A sine of random phase, U-shaped between its bounds (JCGM 101:2008, 6.4.6).

    Examples: `{lower = -0.5, upper = 0.5}`, `{p5 = 1, p95 = 2}`.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        increasing(lower=self.lower, upper=self.upper)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Arcsine:
        lower, width = line(arcsine_score, identity, first, second)
        return cls(lower, lower + width)

    def inverse(self, p: Array, q: Array) -> Array:
        return between(self.lower, self.upper, np.sin(np.pi / 2 * p) ** 2, np.sin(np.pi / 2 * q) ** 2)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        p_share, q_share = shares_of(self.lower, self.upper, x)
        angle = np.arctan2(np.sqrt(p_share), np.sqrt(q_share)) * 2 / np.pi
        return angle, np.arctan2(np.sqrt(q_share), np.sqrt(p_share)) * 2 / np.pi

    def moments(self) -> tuple[float, float]:
        return self.lower + (self.upper - self.lower) / 2, (self.upper - self.lower) / math.sqrt(8)


@dataclass(frozen=True)
class Trapezoid(Distribution):
    """Uniform between limits that are inexact by d, about a fixed midpoint: the curvilinear trapezoid.

    The lower limit is uniform on lower -+ d, the upper one its mirror image. The density falls off as
    log((w + d) / |x - midpoint|) / 4d beyond |x - midpoint| = w - d, w being half the width (JCGM 101:2008,
    6.4.3). Example: `{lower = -0.05, upper = 0.05, inexactness = 0.025}`, `{lower = 1, upper = 3}`.
    """

    lower: float
    upper: float
    inexactness: float = 0.0
    refuses_percentiles = "percentiles do not determine how inexact its limits are"

    def __post_init__(self) -> None:
        increasing(lower=self.lower, upper=self.upper)
        if not 0 <= self.inexactness < self.half_width:
            allowed = f"0 or more and below half the width, {self.half_width:g}"
            raise ParameterError("inexactness", f"{self.inexactness:g} is out of range; it must be {allowed}")

    @property
    def half_width(self) -> float:
        return (self.upper - self.lower) / 2

    @property
    def reach(self) -> float:
        return self.half_width + self.inexactness

    @property
    def height(self) -> float:
        """The density of the flat part."""
        if self.inexactness == 0:
            return 1 / (self.upper - self.lower)
        return math.atanh(self.inexactness / self.half_width) / (2 * self.inexactness)

    def shoulder(self, inset: Array) -> Array:
        """The probability of lying within `inset` of the end, up to 2d."""
        if self.inexactness == 0:
            return np.zeros_like(inset)
        return self.reach * excess(inset / self.reach) / (4 * self.inexactness)

    def inverse(self, p: Array, q: Array) -> Array:
        tail, width, reach = np.minimum(p, q), 2 * self.inexactness, self.reach
        on_shoulder = self.shoulder(np.array(width))
        # excess(e) = level is convex, so that Newton's steps from above descend to the root
        level = 2 * width * np.minimum(tail, on_shoulder) / reach
        e = np.minimum(np.sqrt(2 * level), width / reach)
        for _ in range(6):
            e = np.where(e > 0, e - (excess(e) - level) / -np.log1p(-e), 0.0)
        inset = np.where(tail <= on_shoulder, reach * e, width + (tail - on_shoulder) / self.height)
        return np.where(p <= q, self.lower - self.inexactness + inset, self.upper + self.inexactness - inset)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from_lower, from_upper = x - (self.lower - self.inexactness), self.upper + self.inexactness - x
        inset, width = np.maximum(np.minimum(from_lower, from_upper), 0), 2 * self.inexactness
        tail = self.shoulder(np.minimum(inset, width)) + np.maximum(inset - width, 0) * self.height
        low = from_lower <= from_upper
        return np.where(low, tail, 1 - tail), np.where(low, 1 - tail, tail)

    def moments(self) -> tuple[float, float]:
        return self.lower + self.half_width, math.sqrt(self.half_width**2 / 3 + self.inexactness**2 / 9)


def excess(e: Array) -> Array:
    """The function e + (1 - e) log(1 - e), by its series where the terms cancel."""
    series = np.zeros_like(e)
    for k in range(16, 1, -1):
        series = e * series + 1 / (k * (k - 1))
    rest = 1 - e
    return np.where(e < 0.07, e * e * series, e + rest * np.log(np.where(rest > 0, rest, 1.0)))


@dataclass(frozen=True)
class Triangular(Distribution):
    """Rising straight to the mode and falling straight from it. Example: `{lower = 1, mode = 3, upper = 10}`."""

    lower: float
    mode: float
    upper: float
    refuses_percentiles = "no lower, mode and upper meet any three percentiles"

    def __post_init__(self) -> None:
        three_points(self.lower, self.mode, self.upper)

    def inverse(self, p: Array, q: Array) -> Array:
        rise, fall, width = self.mode - self.lower, self.upper - self.mode, self.upper - self.lower
        up, down = (
            np.sqrt(p * width * rise),
            np.sqrt(q * width * fall),
        )  # from the lower, from the upper bound
        low = p <= q
        rising = np.where(low, self.lower + up, self.mode - (q * width - fall) * rise / (rise + up))
        falling = np.where(low, self.mode + (p * width - rise) * fall / (fall + down), self.upper - down)
        return np.where(np.where(low, p * width <= rise, q * width >= fall), rising, falling)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        rise, fall, width = self.mode - self.lower, self.upper - self.mode, self.upper - self.lower
        up, down = np.clip(x - self.lower, 0, width), np.clip(self.upper - x, 0, width)
        rising = (x < self.mode) | (fall == 0)
        p = np.where(rising, up**2 / rise, rise + (x - self.mode) * (fall + down) / fall) / width
        q = np.where(rising, fall + (self.mode - x) * (rise + up) / rise, down**2 / fall) / width
        return np.clip(p, 0, 1), np.clip(q, 0, 1)

    def moments(self) -> tuple[float, float]:
        rise, fall = self.mode - self.lower, self.upper - self.mode
        return self.mode + (fall - rise) / 3, math.sqrt((rise * rise + rise * fall + fall * fall) / 18)


def three_points(lower: float, mode: float, upper: float) -> None:
    """Raise ParameterError unless lower <= mode <= upper and lower < upper."""
    increasing(lower=lower, upper=upper)
    if not lower <= mode <= upper:
        raise ParameterError(
            "mode", f"{mode:g} is not between lower = {lower:g} and upper = {upper:g}; move it inside"
        )


@dataclass(frozen=True)
class Beta(Distribution):
    """The beta distribution on lower..upper.

    Examples: `{alpha = 0.9, beta = 3.5, lower = 65, upper = 75}`, `{mean = 0.4, sd = 0.1}`,
    `{p5 = 0.2, p95 = 0.5}`.
    """

    alpha: float
    beta: float
    lower: float = 0.0
    upper: float = 1.0
    costly = True

    def __post_init__(self) -> None:
        positive(alpha=self.alpha, beta=self.beta)
        increasing(lower=self.lower, upper=self.upper)

    @classmethod
    def from_mean(cls, mean: float, sd: float, lower: float = 0.0, upper: float = 1.0) -> Beta:
        increasing(lower=lower, upper=upper)
        inside(lower, upper, Percentile("mean", 0.5, 0.5, mean))
        positive(sd=sd)
        below, above = mean - lower, upper - mean
        if not sd * sd < below * above:
            most = math.sqrt(below * above)
            raise ParameterError(
                "sd", f"{sd:g} is too large for this mean; on these bounds it is below {most:g}"
            )
        size = below * above / (sd * sd) - 1
        return cls(size * below / (upper - lower), size * above / (upper - lower), lower, upper)

    @classmethod
    def from_percentiles(
        cls, first: Percentile, second: Percentile, lower: float = 0.0, upper: float = 1.0
    ) -> Beta:
        inside(lower, upper, first, second)
        p, q, x = (np.array(pair) for pair in list(zip(first, second, strict=True))[1:])
        odds = log_odds(*shares_of(lower, upper, x))

        def fitted(logs: Array) -> Beta:
            alpha, beta = np.exp(logs).tolist()
            return cls(alpha, beta, lower, upper)

        def misfit(logs: Array) -> Array:
            return log_odds(*fitted(logs).probability(x)) - log_odds(p, q)

        # the log odds of a beta variable that is narrow have about the variance 1/alpha + 1/beta; others are
        # within reach of a point of a coarse grid
        mu, sigma = line(normal_score, lambda y: float(np.interp(y, x, odds)), first, second)
        coarse = np.linspace(-5.0, 9.0, 15)
        starts = [
            np.log((1 + np.exp([mu, -mu])) / sigma**2),
            *np.stack(np.meshgrid(coarse, coarse), -1).reshape(-1, 2),
        ]
        misfits = np.array([np.linalg.norm(misfit(start)) for start in starts])
        return fitted(newton(misfit, starts[int(np.argmin(np.nan_to_num(misfits, nan=np.inf)))]))

    def inverse(self, p: Array, q: Array) -> Array:
        from scipy.special import betainc, betaincc, betainccinv, betaincinv

        # the share from the nearer bound, from whichever of the two probabilities is smaller
        p_middle, q_middle = betainc(self.alpha, self.beta, 0.5), betaincc(self.alpha, self.beta, 0.5)
        low = np.where(p <= q, p <= p_middle, q >= q_middle)
        a, b = np.where(low, self.alpha, self.beta), np.where(low, self.beta, self.alpha)
        within, beyond = np.where(low, p, q), np.where(low, q, p)
        small = within <= beyond  # the other inversion is given an end, which costs nothing
        share = np.where(
            small, betaincinv(a, b, np.where(small, within, 0)), betainccinv(a, b, np.where(small, 1, beyond))
        )
        width = self.upper - self.lower
        return np.where(low, self.lower + width * share, self.upper - width * share)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from scipy.special import betainc, betaincc

        p_share, q_share = shares_of(self.lower, self.upper, x)
        low, share = p_share <= q_share, np.minimum(p_share, q_share)
        a, b = np.where(low, self.alpha, self.beta), np.where(low, self.beta, self.alpha)
        within, beyond = betainc(a, b, share), betaincc(a, b, share)
        return np.where(low, within, beyond), np.where(low, beyond, within)

    def moments(self) -> tuple[float, float]:
        size, width = self.alpha + self.beta, self.upper - self.lower
        sd = width * math.sqrt(self.alpha * self.beta / (size + 1)) / size
        return self.lower + width * self.alpha / size, sd


@dataclass(frozen=True)
class Pert(Distribution):
    """The beta distribution of which the mean is (lower + 4 mode + upper) / 6, as in PERT.

    Example: `{lower = 2, mode = 10, upper = 20}`.
    """

    lower: float
    mode: float
    upper: float
    costly = True
    refuses_percentiles = "no lower, mode and upper meet any three percentiles"

    def __post_init__(self) -> None:
        three_points(self.lower, self.mode, self.upper)

    @functools.cached_property
    def as_beta(self) -> Beta:
        rise, fall, width = self.mode - self.lower, self.upper - self.mode, self.upper - self.lower
        return Beta(1 + 4 * rise / width, 1 + 4 * fall / width, self.lower, self.upper)

    def inverse(self, p: Array, q: Array) -> Array:
        return self.as_beta.inverse(p, q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        return self.as_beta.cumulative(x)

    def moments(self) -> tuple[float, float]:
        return self.as_beta.moments()


@dataclass(frozen=True)
class Logitnormal(Distribution):
    """On lower..upper, with log((x - lower) / (upper - x)) normal: mean `mu`, standard deviation `sigma`.

    Examples: `{mu = 0.5, sigma = 1.2, lower = 1, upper = 3}`, `{p5 = 0.2, p95 = 0.5}`.
    """

    mu: float
    sigma: float
    lower: float = 0.0
    upper: float = 1.0

    def __post_init__(self) -> None:
        positive(sigma=self.sigma)
        increasing(lower=self.lower, upper=self.upper)

    @classmethod
    def from_percentiles(
        cls, first: Percentile, second: Percentile, lower: float = 0.0, upper: float = 1.0
    ) -> Logitnormal:
        increasing(lower=lower, upper=upper)
        inside(lower, upper, first, second)
        mu, sigma = line(normal_score, lambda x: math.log((x - lower) / (upper - x)), first, second)
        return cls(mu, sigma, lower, upper)

    def inverse(self, p: Array, q: Array) -> Array:
        odds = np.exp(self.mu + self.sigma * normal_score(p, q))
        return between(self.lower, self.upper, 1 / (1 + 1 / odds), 1 / (1 + odds))

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from scipy.special import ndtr

        z = (log_odds(*shares_of(self.lower, self.upper, x)) - self.mu) / self.sigma
        return ndtr(z), ndtr(-z)


# Families without bounds, or with one


@dataclass(frozen=True)
class Normal(Distribution):
    """The normal distribution; mu and sigma are other names of its mean and sd.

    Examples: `{mean = -0.1, sd = 0.2}`, `{mu = 3, sigma = 2}`, `{p5 = 8, p95 = 12}`.
    """

    mu: float
    sigma: float
    truncatable = True

    def __post_init__(self) -> None:
        positive(sigma=self.sigma)

    @classmethod
    def from_mean(cls, mean: float, sd: float) -> Normal:
        positive(sd=sd)
        return cls(mean, sd)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Normal:
        return cls(*line(normal_score, identity, first, second))

    def inverse(self, p: Array, q: Array) -> Array:
        return self.mu + self.sigma * normal_score(p, q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from scipy.special import ndtr

        z = (x - self.mu) / self.sigma
        return ndtr(z), ndtr(-z)

    def moments(self) -> tuple[float, float]:
        return self.mu, self.sigma


@dataclass(frozen=True)
class Lognormal(Distribution):
    """`shift` plus a variable of which the logarithm is normal: mean `mu`, standard deviation `sigma`.

    mean, sd and median are those of the lognormal part, before the shift; percentiles are those of the whole.
    Examples: `{mean = 3, sd = 2}`, `{mu = 0.5, sigma = 1.1}`, `{median = 30, sigma = 0.7, shift = -10}`,
    `{p5 = 3, p95 = 70}`.
    """

    mu: float
    sigma: float
    shift: float = 0.0
    truncatable = True

    def __post_init__(self) -> None:
        positive(sigma=self.sigma)

    @classmethod
    def from_mean(cls, mean: float, sd: float, shift: float = 0.0) -> Lognormal:
        positive(mean=mean, sd=sd)
        variance = math.log1p((sd / mean) ** 2)
        return cls(math.log(mean) - variance / 2, math.sqrt(variance), shift)

    @classmethod
    def from_median(cls, median: float, sigma: float, shift: float = 0.0) -> Lognormal:
        positive(median=median)
        return cls(math.log(median), sigma, shift)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile, shift: float = 0.0) -> Lognormal:
        inside(shift, np.inf, first, second)
        return cls(*line(normal_score, lambda x: math.log(x - shift), first, second), shift)

    def inverse(self, p: Array, q: Array) -> Array:
        return self.shift + np.exp(self.mu + self.sigma * normal_score(p, q))

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from scipy.special import ndtr

        z = (np.log(np.maximum(x - self.shift, 0)) - self.mu) / self.sigma
        return ndtr(z), ndtr(-z)

    def moments(self) -> tuple[float, float]:
        return float(self.shift + np.exp(self.mu + self.sigma**2 / 2)), float(
            np.exp(self.mu + self.sigma**2 / 2) * np.sqrt(np.expm1(self.sigma**2))
        )


@dataclass(frozen=True)
class Gamma(Distribution):
    """The gamma distribution.

    Examples: `{shape = 2.5, scale = 3}`, `{mean = 3, sd = 4}`, `{p5 = 3, p95 = 70}`.
    """

    shape: float
    scale: float
    costly = True
    truncatable = True

    def __post_init__(self) -> None:
        positive(shape=self.shape, scale=self.scale)

    @classmethod
    def from_mean(cls, mean: float, sd: float) -> Gamma:
        positive(mean=mean, sd=sd)
        return cls((mean / sd) ** 2, sd * sd / mean)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Gamma:
        inside(0.0, np.inf, first, second)
        ratio = math.log(second.value / first.value)

        def misfit(log_shape: Array, _: NDArray[np.intp]) -> Array:  # the ratio falls as the shape grows
            low, high = (cls(math.exp(log_shape[0]), 1.0).quantile(at.p, at.q) for at in (first, second))
            return np.atleast_1d(ratio - np.log(high / low) if low > 0 else -np.inf)

        shape = math.exp(root(misfit, np.log([1e-3]), np.log([1e12]))[0])
        return cls(shape, first.value / float(cls(shape, 1.0).quantile(first.p, first.q)))

    def inverse(self, p: Array, q: Array) -> Array:
        from scipy.special import gammainccinv, gammaincinv

        low = p <= q  # the other inversion is given a median, which is cheap, and not used
        return self.scale * np.where(
            low, gammaincinv(self.shape, np.where(low, p, 0)), gammainccinv(self.shape, np.where(low, 1, q))
        )

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from scipy.special import gammainc, gammaincc

        y = np.maximum(x / self.scale, 0)
        return np.asarray(gammainc(self.shape, y)), np.asarray(gammaincc(self.shape, y))

    def moments(self) -> tuple[float, float]:
        return self.shape * self.scale, math.sqrt(self.shape) * self.scale


@dataclass(frozen=True)
class Exponential(Distribution):
    """The exponential distribution; its scale is its mean.

    Examples: `{mean = 2.5}`, `{scale = 3}`, `{p50 = 4}`.
    """

    scale: float
    truncatable = True

    def __post_init__(self) -> None:
        positive(scale=self.scale)

    @classmethod
    def from_mean(cls, mean: float) -> Exponential:
        positive(mean=mean)
        return cls(mean)

    @classmethod
    def from_percentile(cls, only: Percentile) -> Exponential:
        inside(0.0, np.inf, only)
        return cls(only.value / float(exponential_score(np.array(only.p), np.array(only.q))))

    def inverse(self, p: Array, q: Array) -> Array:
        return self.scale * exponential_score(p, q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        y = np.maximum(x / self.scale, 0)
        return -np.expm1(-y), np.exp(-y)

    def moments(self) -> tuple[float, float]:
        return self.scale, self.scale


@dataclass(frozen=True)
class Weibull(Distribution):
    """The Weibull distribution, P(X > x) = exp(-(x / scale)^shape).

    Examples: `{shape = 1.7, scale = 3}`, `{p5 = 3, p95 = 70}`.
    """

    shape: float
    scale: float
    truncatable = True

    def __post_init__(self) -> None:
        positive(shape=self.shape, scale=self.scale)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Weibull:
        inside(0.0, np.inf, first, second)
        location, scale = line(weibull_score, np.log, first, second)
        return cls(1 / scale, float(np.exp(location)))

    def inverse(self, p: Array, q: Array) -> Array:
        return self.scale * exponential_score(p, q) ** (1 / self.shape)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        y = np.maximum(x / self.scale, 0) ** self.shape
        return -np.expm1(-y), np.exp(-y)


@dataclass(frozen=True)
class Gumbel(Distribution):
    """The Gumbel distribution of maxima, P(X <= x) = exp(-exp(-(x - location) / scale)).

    Examples: `{location = 1013, scale = 558}`, `{p5 = -3, p95 = 7}`.
    """

    location: float
    scale: float
    truncatable = True

    def __post_init__(self) -> None:
        positive(scale=self.scale)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Gumbel:
        return cls(*line(gumbel_score, identity, first, second))

    def inverse(self, p: Array, q: Array) -> Array:
        return self.location + self.scale * gumbel_score(p, q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        y = np.exp(-(x - self.location) / self.scale)
        return np.exp(-y), -np.expm1(-y)

    def moments(self) -> tuple[float, float]:
        return self.location + np.euler_gamma * self.scale, math.pi / math.sqrt(6) * self.scale


@dataclass(frozen=True)
class StudentT(Distribution):
    """Student's t, moved and scaled; `scale` is not its standard deviation.

    Examples: `{df = 18, location = 623, scale = 25}`, `{df = 5, p5 = -3, p95 = 7}`.
    """

    df: float
    location: float
    scale: float
    costly = True
    truncatable = True

    def __post_init__(self) -> None:
        positive(df=self.df, scale=self.scale)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile, df: float) -> StudentT:
        positive(df=df)
        return cls(df, *line(student_score(df), identity, first, second))

    def inverse(self, p: Array, q: Array) -> Array:
        return self.location + self.scale * student_score(self.df)(p, q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from scipy.special import betainc, betaincc

        z = (x - self.location) / self.scale
        share = self.df / (self.df + z * z)
        tail = np.where(
            share < 0.5,
            betainc(self.df / 2, 0.5, share),
            betaincc(0.5, self.df / 2, z * z / (self.df + z * z)),
        )
        return np.where(z < 0, tail / 2, 1 - tail / 2), np.where(z < 0, 1 - tail / 2, tail / 2)

    def moments(self) -> tuple[float, float]:
        if self.df <= 1:
            return math.nan, math.nan
        return self.location, self.scale * math.sqrt(self.df / (self.df - 2)) if self.df > 2 else math.inf


@dataclass(frozen=True)
class Metalog(Distribution):
    """The three-term metalog: y = a1 + (a2 + a3 (p - 1/2)) log(p / q), y being x or its log or log odds.

    Without bounds y = x; with `lower` it is log(x - lower), with `upper` -log(upper - x), with both
    log((x - lower) / (upper - x)). Keelin, The Metalog Distributions, Decision Analysis 13 (2016), 243-277.
    Examples: `{p10 = 35, p50 = 50, p90 = 75}`, `{p5 = 3, p50 = 12, "p97.5" = 90, lower = 0}`,
    `{p10 = 35, p50 = 50, p90 = 75, upper = 100}`, `{p10 = 35, p50 = 50, p90 = 75, lower = 20, upper = 100}`.
    """

    a1: float
    a2: float
    a3: float
    lower: float = -np.inf
    upper: float = np.inf

    def __post_init__(self) -> None:
        increasing(lower=self.lower, upper=self.upper)
        if not self.slack > 0:
            reason = "no metalog rises through these: they are too skewed"
            raise ParameterError(None, f"{reason}; move the middle one towards the centre or give bounds")

    @classmethod
    def from_percentiles(
        cls,
        first: Percentile,
        second: Percentile,
        third: Percentile,
        lower: float = -np.inf,
        upper: float = np.inf,
    ) -> Metalog:
        increasing(lower=lower, upper=upper)
        percentiles = (first, second, third)
        inside(lower, upper, *percentiles)
        p, q, x = (np.array(column) for column in list(zip(*percentiles, strict=True))[1:])
        logit = log_odds(p, q)
        terms = np.stack([np.ones(3), logit, (p - 0.5) * logit], axis=1)
        a1, a2, a3 = np.linalg.solve(terms, onto_line(x, lower, upper)).tolist()
        return cls(a1, a2, a3, lower, upper)

    @property
    def slack(self) -> float:
        """The least slope dy/dlogit, above 0 where the quantile function rises.

        The slope is a2 + a3 k, where k = tanh(t/2)/2 + t / (4 cosh^2(t/2)) at the logit t is greatest where
        t tanh(t/2) = 2, and is t/4 there.
        """
        return self.a2 - abs(self.a3) * 2.3993572805154677 / 4

    def on_line(self, logit: Array) -> Array:
        """The y at a logit, log(p / q)."""
        return self.a1 + logit * (self.a2 + self.a3 * np.tanh(logit / 2) / 2)

    def inverse(self, p: Array, q: Array) -> Array:
        y = self.on_line(log_odds(p, q))
        if self.lower == -np.inf:
            return y if self.upper == np.inf else self.upper - np.exp(-y)
        if self.upper == np.inf:
            return self.lower + np.exp(y)
        return between(self.lower, self.upper, 1 / (1 + np.exp(-y)), 1 / (1 + np.exp(y)))

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        ends = self.on_line(np.array([-745.0, 745.0]))  # where p, then q, leaves the range of floats
        y = np.clip(onto_line(np.clip(x, self.lower, self.upper), self.lower, self.upper), *ends).ravel()
        logit = root(
            lambda t, active: self.on_line(t) - y[active], np.full(y.shape, -745.0), np.full(y.shape, 745.0)
        )
        logit = logit.reshape(x.shape)
        p, q = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))
        return np.where(x < self.upper, np.where(x > self.lower, p, 0), 1), np.where(
            x < self.upper, np.where(x > self.lower, q, 1), 0
        )

    @property
    def tail(self) -> float:
        """The exponent of the unbounded tail, X ~ q^-tail; 0 where all moments are finite."""
        if math.isinf(self.lower) == math.isinf(self.upper):
            return 0.0
        return self.a2 + self.a3 / 2 if math.isinf(self.upper) else self.a2 - self.a3 / 2

    def moments(self) -> tuple[float, float]:
        if self.tail >= 1:
            return math.inf if math.isinf(self.upper) else -math.inf, math.nan
        mean, sd = super().moments()
        return mean, sd if self.tail < 0.5 else math.inf


def onto_line(x: Array, lower: float, upper: float) -> Array:
    """The y of x: x itself, or its log or log odds between bounds that are finite."""
    above = 0.0 if lower == -np.inf else np.log(x - lower)
    below = 0.0 if upper == np.inf else np.log(upper - x)
    return x if lower == -np.inf and upper == np.inf else np.asarray(above - below)


# Discrete families and mixtures


@dataclass(frozen=True)
class Discrete(Distribution):
    """Values with probabilities in proportion to `weights`, equal by default.

    Nothing is smoothed or interpolated. The values may be a `column` of a CSV `file`, and `weights` the name
    of another.
    Examples: `{values = [4, 8, 16], weights = [1, 2, 1]}`, `{values = [1.5, 2.5]}`.
    """

    values: Numbers
    weights: Numbers = ()
    refuses_percentiles = "percentiles do not determine its values"

    def __post_init__(self) -> None:
        if len(self.values) == 0:
            raise ParameterError("values", "there are none; give at least one")
        weights_for(self.weights, len(self.values), "values")

    @classmethod
    def from_file(
        cls, file: str, column: str, weights: Numbers | str = (), folder: Path = Path()
    ) -> Discrete:
        names = {"column": column, **({"weights": weights} if isinstance(weights, str) else {})}
        columns = read_columns(folder / file, names)
        return cls(columns["column"], columns.get("weights", ()) if isinstance(weights, str) else weights)

    @functools.cached_property
    def atoms(self) -> tuple[Array, Array, Array, Array]:
        """Distinct values in order, their probabilities, P(X <= value), P(X > value)."""
        weights = weights_for(self.weights, len(self.values), "values")
        values, place = np.unique(np.array(self.values, dtype=np.float64)[weights > 0], return_inverse=True)
        mass = np.bincount(place, weights=weights[weights > 0])
        below, above = np.cumsum(mass), np.cumsum(mass[::-1])[::-1]
        return values, mass / below[-1], below / below[-1], np.append(above[1:], 0.0) / above[0]

    def inverse(self, p: Array, q: Array) -> Array:
        values, _, below, above = self.atoms
        place = np.where(p <= q, np.searchsorted(below, p), np.searchsorted(-above, -q))
        return values[np.minimum(place, values.size - 1)]

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        values, _, below, above = self.atoms
        place = np.searchsorted(values, x, side="right")
        return np.append(0.0, below)[place], np.append(1.0, above)[place]

    def moments(self) -> tuple[float, float]:
        values, mass, _, _ = self.atoms
        mean = float(np.sum(values * mass))
        return mean, float(np.sqrt(np.sum((values - mean) ** 2 * mass)))

    @property
    def jumps(self) -> Array:
        return self.atoms[2][:-1]


def read_columns(path: Path, columns: Mapping[str, str]) -> dict[str, Numbers]:
    """Numbers of named columns of a CSV file with a header; `columns` maps the key to blame to the name."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines, strict=True))
    except OSError as error:
        raise ParameterError("file", f"{path} cannot be read: {error.strerror}; mend the path") from None
    except UnicodeDecodeError:
        raise ParameterError("file", f"{path} is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise ParameterError("file", f"{path} is not CSV: {error}") from None
    if not rows:
        raise ParameterError("file", f"{path} has no rows below a header; add some")
    found: dict[str, Numbers] = {}
    for key, name in columns.items():
        if name not in rows[0]:
            known = [str(other) for other in rows[0] if other is not None]
            raise ParameterError(key, f"{path} has no column {name!r}; {meant(name, known) or listed(known)}")
        numbers: list[float] = []
        for count, row in enumerate(rows, 1):
            try:
                numbers.append(number(key, float(row[name])))
            except (TypeError, ValueError):
                cell = row[name] or ""
                raise ParameterError(
                    key, f"{path}, row {count}: {cell!r} is not a finite number; mend it"
                ) from None
        found[key] = tuple(numbers)
    return found


@dataclass(frozen=True)
class Mixture(Distribution):
    """One of several distributions, chosen with probabilities in proportion to `weights`, equal by default.

    Example: `{components = [{dist = "normal", mean = 0, sd = 1}, {dist = "uniform", lower = 6, upper = 8},
    {value = 5}], weights = [2, 1, 1]}`.
    """

    components: tuple[Distribution, ...]
    weights: Numbers = ()
    refuses_percentiles = "percentiles do not determine its components"

    def __post_init__(self) -> None:
        if not self.components:
            raise ParameterError("components", "there are none; give at least one")
        weights_for(self.weights, len(self.components), "components")

    @functools.cached_property
    def parts(self) -> tuple[tuple[float, Distribution], ...]:
        """Probabilities and components, mixtures among these taken apart."""
        weights = weights_for(self.weights, len(self.components), "components")
        shares = (weights / weights.sum()).tolist()
        return tuple(
            (share * inner, part)
            for share, component in zip(shares, self.components, strict=True)
            if share > 0
            for inner, part in (component.parts if isinstance(component, Mixture) else ((1.0, component),))
        )

    @functools.cached_property
    def edges(self) -> tuple[Array, Array, Array, Array, Array]:
        """Atoms and ends of components in order; P(X < edge), P(X >= edge), P(X <= edge), P(X > edge)."""
        ends = [end for _, part in self.parts if not isinstance(part, Discrete) for end in part.support]
        edges = np.unique(np.concatenate([[end for end in ends if math.isfinite(end)], *self.atoms]))
        return edges, *self.probability(np.nextafter(edges, -np.inf)), *self.probability(edges)

    @property
    def atoms(self) -> list[Array]:
        """The values of positive probability, by component."""
        discrete = [part.atoms[0] for _, part in self.parts if isinstance(part, Discrete)]
        return discrete + [np.array([part.value]) for _, part in self.parts if isinstance(part, Constant)]

    def inverse(self, p: Array, q: Array) -> Array:
        p, q, shape = p.ravel(), q.ravel(), p.shape
        edges, p_before, q_before, p_at, q_at = self.edges
        low = p <= q
        place = np.where(low, np.searchsorted(p_at, p), np.searchsorted(-q_at, -q))
        before, after = np.append(-np.inf, edges)[place], np.append(edges, np.inf)[place]
        on_atom = np.where(low, np.append(p_before, 1.0)[place] < p, np.append(q_before, 0.0)[place] > q)

        # below the least of the components' own quantiles none has reached p, above the greatest all have
        own = np.stack([part.quantile(p, q) for _, part in self.parts])
        least = np.where(on_atom, after, np.clip(own.min(axis=0), before, after))
        most = np.where(on_atom, after, np.clip(own.max(axis=0), before, after))
        least, most = np.where(q == 0, most, least), np.where(p == 0, least, most)

        def misfit(x: Array, active: NDArray[np.intp]) -> Array:
            below, above = self.probability(x)
            return np.where(low[active], below / p[active] - 1, 1 - above / q[active])

        return root(misfit, least, most).reshape(shape)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        below, above = np.zeros(x.shape), np.zeros(x.shape)
        for share, part in self.parts:
            p, q = part.probability(x)
            below, above = below + share * p, above + share * q
        return below, above

    def moments(self) -> tuple[float, float]:
        mean = sum(share * part.mean for share, part in self.parts)
        return mean, math.sqrt(
            sum(share * (part.sd**2 + (part.mean - mean) ** 2) for share, part in self.parts)
        )

    @property
    def jumps(self) -> Array:
        edges, p_before, _, p_at, _ = self.edges
        on_atom = np.isin(edges, np.concatenate([[], *self.atoms]))
        levels = np.unique(np.concatenate([p_before[on_atom], p_at]))
        return levels[(levels > 0) & (levels < 1)]


# Distributions made of another


@dataclass(frozen=True)
class Truncated(Distribution):
    """`base` given that it lies between two bounds, either of which may be infinite."""

    base: Distribution
    lower: float = -np.inf
    upper: float = np.inf

    def __post_init__(self) -> None:
        increasing(lower=self.lower, upper=self.upper)
        if not self.mass > 0:
            key = "lower" if self.lower > -np.inf else "upper"
            raise ParameterError(key, "nothing of the distribution lies between the bounds; widen them")

    @property
    def costly(self) -> bool:
        return self.base.costly

    @functools.cached_property
    def cuts(self) -> tuple[float, float, float, float]:
        """P(base <= lower), P(base > lower), P(base <= upper), P(base > upper)."""
        p, q = self.base.probability([self.lower, self.upper])
        return float(p[0]), float(q[0]), float(p[1]), float(q[1])

    @property
    def mass(self) -> float:
        """P(lower < base <= upper), as a difference within the tail that resolves it."""
        p_lower, q_lower, p_upper, q_upper = self.cuts
        return p_upper - p_lower if p_upper < q_lower else q_lower - q_upper

    def inverse(self, p: Array, q: Array) -> Array:
        p_lower, _, _, q_upper = self.cuts
        x = self.base.quantile(p_lower + p * self.mass, q_upper + q * self.mass)
        return np.clip(x, self.lower, self.upper)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        p_lower, q_lower, p_upper, q_upper = self.cuts
        p, q = self.base.probability(np.clip(x, self.lower, self.upper))
        low = p <= q
        below = np.where(low, p - p_lower, q_lower - q) / self.mass
        above = np.where(low, p_upper - p, q - q_upper) / self.mass
        return np.clip(below, 0.0, 1.0), np.clip(above, 0.0, 1.0)

    def moments(self) -> tuple[float, float]:
        mean, sd = super().moments()
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            return mean, sd
        # an unbounded tail is the base's own
        return mean if math.isfinite(self.base.mean) else math.nan, sd if math.isfinite(
            self.base.sd
        ) else math.nan


@dataclass(frozen=True)
class Scaled(Distribution):
    """`base` times a positive factor."""

    base: Distribution
    factor: float

    @property
    def costly(self) -> bool:
        return self.base.costly

    def inverse(self, p: Array, q: Array) -> Array:
        return self.base.inverse(p, q) * self.factor

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        return self.base.cumulative(x / self.factor)

    def moments(self) -> tuple[float, float]:
        return self.base.mean * self.factor, self.base.sd * self.factor

    @property
    def jumps(self) -> Array:
        return self.base.jumps


def scaled(distribution: Distribution, factor: float) -> Distribution:
    """The distribution of X * factor, each value exactly the product; factor > 0."""
    assert factor > 0
    if factor == 1:
        return distribution
    if isinstance(distribution, Constant):
        return Constant(distribution.value * factor)
    return Scaled(distribution, factor)


FAMILIES: dict[str, type[Distribution]] = {
    "constant": Constant,
    "uniform": Uniform,
    "loguniform": Loguniform,
    "normal": Normal,
    "lognormal": Lognormal,
    "triangular": Triangular,
    "pert": Pert,
    "beta": Beta,
    "logitnormal": Logitnormal,
    "gamma": Gamma,
    "exponential": Exponential,
    "weibull": Weibull,
    "gumbel": Gumbel,
    "student_t": StudentT,
    "arcsine": Arcsine,
    "trapezoid": Trapezoid,
    "metalog": Metalog,
    "choice": Discrete,
    "empirical": Discrete,
    "mixture": Mixture,
}


# Solvers


def log_odds(p: Array, q: Array) -> Array:
    """log(p / q) of probabilities or shares that add to 1."""
    return np.log(p) - np.log(q)


@np.errstate(all="ignore")
def root(residual: Callable[[Array, NDArray[np.intp]], Array], low: Array, high: Array) -> Array:
    """Where a non-decreasing residual crosses 0 between 1-D `low` and `high`, elementwise, to the last bits.

    The residual is given values and the indices they belong to. Inverse quadratic interpolation guarded by
    bisection: Chandrupatla, Advances in Engineering Software 28 (1997), 145-149.
    """
    found = high.copy()
    active = np.flatnonzero(low < high)
    a, b = high[active], low[active]
    fa, fb = residual(a, active), residual(b, active)
    # Where rounding has put the root outside, it is the end nearer to it.
    found[active] = np.where(fb >= 0, b, a)
    crossing = (fa > 0) & (fb < 0)
    active, a, b, fa, fb = active[crossing], a[crossing], b[crossing], fa[crossing], fb[crossing]
    share = np.full(a.shape, 0.5)
    for _ in range(
        2200
    ):  # the halvings from the widest to the narrowest bracket; mostly about ten are needed
        if active.size == 0:
            break
        x = a + share * (b - a)
        fx = residual(x, active)
        same = (fx >= 0) == (fa >= 0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        found[active] = best
        least = (2 * np.finfo(np.float64).eps * np.abs(best) + 5e-324) / np.abs(b - a)
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
        quadratic = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        share = np.clip(np.where(smooth, quadratic, 0.5), least, 1 - least)
        open_ = (least < 0.5) & (fa != 0) & (fb != 0)
        active, a, b = active[open_], a[open_], b[open_]
        fa, fb, share = fa[open_], fb[open_], share[open_]
    return found


@np.errstate(all="ignore")
def newton(residual: Callable[[Array], Array], start: Array) -> Array:
    """Where a residual of one or two unknowns vanishes, by Newton's method with halved steps.

    The point reached where it does not converge; the caller checks what it is for.
    """
    point, misfit = start, residual(start)
    for _ in range(100):
        step = 1e-6
        columns = [
            (residual(point + step * unit) - residual(point - step * unit)) / (2 * step)
            for unit in np.eye(start.size)
        ]
        try:
            move = np.linalg.solve(np.stack(columns, axis=1), misfit)
        except np.linalg.LinAlgError:
            break
        move *= min(1.0, 2.0 / float(np.max(np.abs(move), initial=1e-300)))
        for _ in range(30):
            trial = residual(point - move)
            if np.linalg.norm(trial) < np.linalg.norm(misfit):
                break
            move /= 2
        else:
            break
        point, misfit = point - move, trial
    return point


# From the keys of a priors file to a distribution

PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)")
COUNTS = ("no percentiles", "one percentile", "two percentiles", "three percentiles")
BOUNDS = {"lower", "upper"}


def distribution(
    family: str, parameters: Mapping[str, Any], folder: Path | None = None, other_keys: Collection[str] = ()
) -> Distribution:
    """The distribution that a table of a priors file states.

    `parameters` are the keys that belong to the family, as TOML gives them; `folder` is where the path of a
    file starts; `other_keys` are further keys of such a table, for suggestions. The bounds `lower` and `upper`
    truncate a family without bounds: percentiles are then those of the truncated distribution, other
    parameters those of the family itself. Raises ParameterError.
    """
    if family not in FAMILIES:
        raise ParameterError(
            "dist", f"there is no family {family!r}; {meant(family, FAMILIES) or listed(FAMILIES)}"
        )
    kind = FAMILIES[family]
    percentiles, keys, bounds = [], {}, {}
    for key, value in parameters.items():
        if re.fullmatch(r"p\d+", key) and isinstance(value, Mapping):
            full = f'"{key}.{next(iter(value), "5")}"'
            raise ParameterError(key, f"a key with a dot needs quotes; write {full} = ...")
        if PERCENTILE.fullmatch(key):
            percentiles.append(key)
        elif kind.truncatable and key in BOUNDS:
            bounds[key] = value
        else:
            keys[key] = value
    form = chosen_form(family, keys, percentiles, other_keys)
    arguments = {key: read(form.kinds[key], key, value, folder or Path()) for key, value in keys.items()}
    if form.takes_folder:
        arguments["folder"] = folder or Path()
    limits = {key: number(key, value) for key, value in bounds.items()}
    points = in_order([(key, number(key, parameters[key])) for key in percentiles])
    try:
        with np.errstate(all="ignore"):
            built: Distribution
            if limits and points:
                built = through_truncated(form, points, arguments, limits)
            else:
                whole = form.build(*points, **arguments)
                built = Truncated(whole, **limits) if limits else whole
            check(family, built, points)
    except (OverflowError, ZeroDivisionError):
        raise ParameterError(None, "its values leave the range of numbers; mend the parameters") from None
    return built


def check(family: str, built: Distribution, points: Sequence[Percentile]) -> None:
    """Raise ParameterError unless the quartiles are finite and the percentiles are met to 1e-9."""
    quartiles = built.quantile([0.25, 0.5, 0.75])
    if not np.isfinite(quartiles).all():
        raise ParameterError(None, "its values leave the range of numbers; mend the parameters")
    for key, p, q, value in points:
        error = abs(float(built.quantile(p, q)) - value)
        if not error <= max(1e-9 * abs(value), 1e-12 * (quartiles[2] - quartiles[0])):
            where = " between these bounds" if isinstance(built, Truncated) else ""
            raise ParameterError(
                key, f"no {family}{where} meets it; move the percentiles or take another family"
            )


def through_truncated(
    form: Form, points: Sequence[Percentile], arguments: Mapping[str, Any], limits: Mapping[str, float]
) -> Truncated:
    """The truncated distribution that has these percentiles itself.

    Its percentile p is the percentile P(base < lower) + p * mass of its base: the two probabilities cut off
    are the unknowns, and the base fitted with them must cut off just these.
    """
    lower, upper = limits.get("lower", -np.inf), limits.get("upper", np.inf)
    increasing(lower=lower, upper=upper)
    inside(lower, upper, *points)

    def fitted(below: float, above: float) -> Distribution:
        mass = 1 - below - above
        return form.build(
            *[at._replace(p=below + at.p * mass, q=above + at.q * mass) for at in points], **arguments
        )

    def cut_off(base: Distribution) -> Array:
        p, q = base.probability([lower, upper])
        return np.array([p[0], q[1]])

    start = cut_off(fitted(0.0, 0.0))
    cuts = start > 0  # a bound outside the support cuts off nothing

    def probabilities(logs: Array) -> Array:
        odds = np.zeros(2)
        odds[cuts] = np.exp(np.minimum(logs, 700))
        return np.asarray(odds / (1 + odds.sum()))  # cut off below and above; the mass between is the rest

    def misfit(logs: Array) -> Array:
        try:
            cut = cut_off(fitted(*probabilities(logs)))
        except (ParameterError, OverflowError, ZeroDivisionError):
            return np.full(logs.shape, np.inf)
        return np.asarray((np.log(cut) - np.log(1 - cut.sum()))[cuts] - logs)

    logs = newton(misfit, (np.log(start) - np.log(1 - start.sum()))[cuts])
    return Truncated(fitted(*probabilities(logs)), lower, upper)


class Form(NamedTuple):
    """One way to state a family: what builds it and the keys it takes."""

    build: Callable[..., Distribution]
    kinds: Mapping[str, Any]
    required: tuple[str, ...]
    percentiles: int
    takes_folder: bool

    def __str__(self) -> str:
        counted = (f"{COUNTS[self.percentiles]} (p5, p50, ...)",) if self.percentiles else ()
        return ", ".join(self.required + counted)


@functools.cache
def forms(kind: type[Distribution]) -> tuple[Form, ...]:
    """The ways to state a family: its constructor and its classmethods named ``from_...``."""
    found = []
    for build in (kind, *(getattr(kind, name) for name in vars(kind) if name.startswith("from_"))):
        signature = inspect.signature(build, eval_str=True).parameters
        keys = {key: at for key, at in signature.items() if at.annotation not in (Percentile, Path)}
        found.append(
            Form(
                build=build,
                kinds={key: at.annotation for key, at in keys.items()},
                required=tuple(key for key, at in keys.items() if at.default is at.empty),
                percentiles=sum(at.annotation is Percentile for at in signature.values()),
                takes_folder="folder" in signature,
            )
        )
    return tuple(found)


def chosen_form(
    family: str, keys: Collection[str], percentiles: Sequence[str], other_keys: Collection[str]
) -> Form:
    """The form that these keys state; raises ParameterError saying which is unknown, missing or too many."""
    kind = FAMILIES[family]
    ways = forms(kind)
    for form in ways:
        if form.percentiles == len(percentiles) and set(form.required) <= set(keys) <= set(form.kinds):
            return form

    takes = f"{family} takes {' | '.join(str(form) for form in ways)}"
    candidates = [form for form in ways if form.percentiles] if percentiles else ways
    if not candidates:
        use = "use a metalog, which three determine" if kind in (Pert, Triangular) else takes
        raise ParameterError(percentiles[0], f"{kind.refuses_percentiles}; {use}")
    if not keys and not percentiles:
        raise ParameterError(None, f"parameters missing; {takes}")
    # what is meant: the form that shares most with what is given
    likely = max(candidates, key=lambda form: len(set(form.kinds) & set(keys)))
    lacking = [key for key in likely.required if key not in keys]
    all_keys = {key for form in ways for key in form.kinds} | (BOUNDS if kind.truncatable else set())
    for key in keys:
        if key not in all_keys:
            advice = (
                meant(key, lacking, 0.4) or meant(key, sorted(all_keys - set(keys))) or meant(key, other_keys)
            )
            raise ParameterError(key, f"unknown key; {advice or takes}")
    for key in keys:
        if key not in likely.kinds:
            others = [*(other for other in keys if other in likely.kinds), *percentiles]
            raise ParameterError(key, f"does not go together with {', '.join(others)}; {takes}")
    if len(percentiles) != likely.percentiles:
        needed = f"{COUNTS[likely.percentiles]} determine{'s' * (likely.percentiles == 1)} it"
        surplus = percentiles[-1] if len(percentiles) > likely.percentiles else None
        raise ParameterError(surplus, f"{needed}, {len(percentiles)} given; {takes}")
    raise ParameterError(None, f"{' and '.join(lacking)} missing; {takes}")


def in_order(stated: Iterable[tuple[str, float]]) -> list[Percentile]:
    """Percentiles by increasing p; raises ParameterError where the values do not increase with them."""
    points = []
    for key, value in stated:
        share = Fraction(key[1:]) / 100
        if not 0 < share < 1:
            raise ParameterError(key, "a percentile lies between p0 and p100; give one inside, or a bound")
        points.append(Percentile(key, float(share), float(1 - share), value))
    points.sort(key=lambda at: at.p)
    for first, second in pairwise(points):
        if first.p == second.p:
            raise ParameterError(second.key, f"the same percentile as {first.key}; remove one")
        if first.value == second.value:
            raise ParameterError(
                second.key, f"equal to {first.key}; spread them, or give a constant: value = {first.value:g}"
            )
        if first.value > second.value:
            wrong = f"{first.key} = {first.value:g} is above {second.key} = {second.value:g}"
            raise ParameterError(first.key, f"percentiles in the wrong order: {wrong}; exchange them")
    return points


# Values as TOML gives them


def read(kind: Any, key: str, value: Any, folder: Path) -> Any:
    """A value of the kind that a form's parameter is annotated with; raises ParameterError."""
    if kind is float:
        return number(key, value)
    if kind is str or (kind == Numbers | str and isinstance(value, str)):
        if not isinstance(value, str):
            raise ParameterError(key, f"must be text, not {described(value)}; put it in quotes")
        return value
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ParameterError(key, f"must be a list, not {described(value)}; write [...]")
    if kind == tuple[Distribution, ...]:
        return tuple(component(key, place, table, folder) for place, table in enumerate(value, 1))
    return tuple(number(key, item) for item in value)


def number(key: str, value: Any) -> float:
    """A finite number; raises ParameterError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        quoted = isinstance(value, str) and re.fullmatch(r"[-+]?[\d_.]+([eE][-+]?\d+)?", value)
        advice = "remove the quotes" if quoted else "give a number"
        raise ParameterError(key, f"must be a number, not {described(value)}; {advice}")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        finite = False
    if not finite:
        raise ParameterError(key, f"must be finite, not {described(value)}; give a finite number")
    return float(value)


def component(key: str, place: int, table: Any, folder: Path) -> Distribution:
    """A component of a mixture from its inline table; raises ParameterError for the whole list."""
    where = f"component {place}"
    if not isinstance(table, Mapping):
        raise ParameterError(
            key, f"{where} must be a table, not {described(table)}; write {{dist = ..., ...}}"
        )
    inner = dict(table)
    family = inner.pop("dist", "constant" if "value" in inner else None)
    if not isinstance(family, str):
        raise ParameterError(key, f"{where} lacks the name of its family; write {{dist = ..., ...}}")
    try:
        return distribution(family, inner, folder, ("dist",))
    except ParameterError as error:
        at = f"{where}, {error.key}" if error.key else where
        raise ParameterError(key, f"{at}: {error}") from None


def described(value: Any) -> str:
    """A value of TOML as a message names it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the text "{value[:40]}"'
    if isinstance(value, int):
        return "so large an integer" if abs(value) > 10**18 else str(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


def meant(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """The suggestion of a known word that is close, or nothing."""
    close = get_close_matches(word, list(known), 1, likeness)
    return f"did you mean {close[0]!r}?" if close else ""


def listed(words: Iterable[str]) -> str:
    """What there is to choose from."""
    return f"there are {', '.join(words)}"
