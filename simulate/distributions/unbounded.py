"""Families without bounds, or with one."""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.distributions.protocol import Array, Distribution, Percentile, Positive, inside
from simulate.distributions.scores import exponential_score, line, normal_probability, normal_score
from simulate.distributions.solvers import root


@dataclass(frozen=True)
class Normal(Distribution):
    """The normal distribution; mu and sigma are other names of its mean and sd.

    Examples: `{mean = -0.1, sd = 0.2}`, `{mu = 3, sigma = 2}`, `{p5 = 8, p95 = 12}`.
    """

    mu: float
    sigma: Positive
    truncatable = True

    @classmethod
    def from_mean(cls, mean: float, sd: Positive) -> Normal:
        return cls(mean, sd)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Normal:
        return cls(*line(normal_score, first, second))

    def inverse(self, p: Array, q: Array) -> Array:
        return self.mu + self.sigma * normal_score(p, q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        return normal_probability((x - self.mu) / self.sigma)

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
    sigma: Positive
    shift: float = 0.0
    truncatable = True

    @classmethod
    def from_mean(cls, mean: Positive, sd: Positive, shift: float = 0.0) -> Lognormal:
        variance = math.log1p((sd / mean) ** 2)
        return cls(math.log(mean) - variance / 2, math.sqrt(variance), shift)

    @classmethod
    def from_median(cls, median: Positive, sigma: Positive, shift: float = 0.0) -> Lognormal:
        return cls(math.log(median), sigma, shift)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile, shift: float = 0.0) -> Lognormal:
        inside(shift, np.inf, first, second)
        return cls(*line(normal_score, first, second, lambda x: math.log(x - shift)), shift)

    def inverse(self, p: Array, q: Array) -> Array:
        return self.shift + np.exp(self.mu + self.sigma * normal_score(p, q))

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        return normal_probability((np.log(np.maximum(x - self.shift, 0)) - self.mu) / self.sigma)

    def moments(self) -> tuple[float, float]:
        mean = np.exp(self.mu + self.sigma**2 / 2)
        return float(self.shift + mean), float(mean * np.sqrt(np.expm1(self.sigma**2)))


@dataclass(frozen=True)
class Gamma(Distribution):
    """The gamma distribution.

    Examples: `{shape = 2.5, scale = 3}`, `{mean = 3, sd = 4}`, `{p5 = 3, p95 = 70}`.
    """

    shape: Positive
    scale: Positive
    costly = True
    truncatable = True

    @classmethod
    def from_mean(cls, mean: Positive, sd: Positive) -> Gamma:
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
        from simulate.special import gammainccinv, gammaincinv

        low = p <= q  # the other inversion is given a median, which is cheap, and not used
        return self.scale * np.where(
            low, gammaincinv(self.shape, np.where(low, p, 0)), gammainccinv(self.shape, np.where(low, 1, q))
        )

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from simulate.special import gammainc, gammaincc

        y = np.maximum(x / self.scale, 0)
        return np.asarray(gammainc(self.shape, y)), np.asarray(gammaincc(self.shape, y))

    def moments(self) -> tuple[float, float]:
        return self.shape * self.scale, math.sqrt(self.shape) * self.scale


@dataclass(frozen=True)
class Exponential(Distribution):
    """The exponential distribution; its scale is its mean.

    Examples: `{mean = 2.5}`, `{scale = 3}`, `{p50 = 4}`.
    """

    scale: Positive
    truncatable = True

    @classmethod
    def from_mean(cls, mean: Positive) -> Exponential:
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

    shape: Positive
    scale: Positive
    truncatable = True

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Weibull:
        inside(0.0, np.inf, first, second)
        location, scale = line(lambda p, q: np.log(exponential_score(p, q)), first, second, np.log)
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
    scale: Positive
    truncatable = True

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Gumbel:
        return cls(*line(cls(0.0, 1.0).inverse, first, second))

    def inverse(self, p: Array, q: Array) -> Array:
        return self.location - self.scale * np.log(exponential_score(q, p))

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

    df: Positive
    location: float
    scale: Positive
    costly = True
    truncatable = True

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile, df: Positive) -> StudentT:
        return cls(df, *line(cls(df, 0.0, 1.0).inverse, first, second))

    def inverse(self, p: Array, q: Array) -> Array:
        from simulate.special import stdtrit

        return self.location + self.scale * np.copysign(stdtrit(self.df, np.minimum(p, q)), p - q)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        from simulate.special import betainc, betaincc

        z = (x - self.location) / self.scale
        share = self.df / (self.df + z * z)
        near, far = betaincc(0.5, self.df / 2, z * z / (self.df + z * z)), betainc(self.df / 2, 0.5, share)
        tail = np.where(share < 0.5, far, near) / 2
        return np.where(z < 0, tail, 1 - tail), np.where(z < 0, 1 - tail, tail)

    def moments(self) -> tuple[float, float]:
        if self.df <= 1:
            return math.nan, math.nan
        return self.location, self.scale * math.sqrt(self.df / (self.df - 2)) if self.df > 2 else math.inf


FAMILIES: dict[str, type[Distribution]] = {
    "normal": Normal,
    "lognormal": Lognormal,
    "gamma": Gamma,
    "exponential": Exponential,
    "weibull": Weibull,
    "gumbel": Gumbel,
    "student_t": StudentT,
}
