"""Families between two bounds that are smooth there: the beta distribution and its like."""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from simulate.distributions.bounded import ThreePoints
from simulate.distributions.protocol import Array, Distribution, ParameterError, Percentile, Positive, inside
from simulate.distributions.scores import between, line, log_odds, normal_probability, normal_score, shares_of
from simulate.distributions.solvers import newton


@dataclass(frozen=True)
class Beta(Distribution):
    """The beta distribution on lower..upper.

    Examples: `{alpha = 0.9, beta = 3.5, lower = 65, upper = 75}`, `{mean = 0.4, sd = 0.1}`,
    `{p5 = 0.2, p95 = 0.5}`.
    """

    alpha: Positive
    beta: Positive
    lower: float = 0.0
    upper: float = 1.0
    costly = True

    @classmethod
    def from_mean(cls, mean: float, sd: Positive, lower: float = 0.0, upper: float = 1.0) -> Beta:
        inside(lower, upper, Percentile("mean", 0.5, 0.5, mean))
        below, above = mean - lower, upper - mean
        if not sd * sd < below * above:
            most = math.sqrt(below * above)
            raise ParameterError("sd", f"{sd:g} is too large for this mean; on these bounds it is below {most:g}")
        size = below * above / (sd * sd) - 1
        return cls(size * below / (upper - lower), size * above / (upper - lower), lower, upper)

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile, lower: float = 0.0, upper: float = 1.0) -> Beta:
        p, q, x = (np.array(pair) for pair in list(zip(first, second, strict=True))[1:])
        odds = log_odds(*shares_of(lower, upper, x))

        def fitted(logs: Array) -> Beta:
            alpha, beta = np.exp(logs).tolist()
            return cls(alpha, beta, lower, upper)

        def misfit(logs: Array) -> Array:
            return log_odds(*fitted(logs).probability(x)) - log_odds(p, q)

        # the log odds of a beta variable that is narrow have about the variance 1/alpha + 1/beta; others are
        # within reach of a point of a coarse grid
        mu, sigma = line(normal_score, first, second, lambda y: float(np.interp(y, x, odds)))
        coarse = np.linspace(-5.0, 9.0, 15)
        starts = [np.log((1 + np.exp([mu, -mu])) / sigma**2), *np.stack(np.meshgrid(coarse, coarse), -1).reshape(-1, 2)]
        misfits = np.array([np.linalg.norm(misfit(start)) for start in starts])
        return fitted(newton(misfit, starts[int(np.argmin(np.nan_to_num(misfits, nan=np.inf)))]))

    def inverse(self, p: Array, q: Array) -> Array:
        from simulate.special import betainc, betaincc, betainccinv, betaincinv

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
        from simulate.special import betainc, betaincc

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
class Pert(ThreePoints):
    """The beta distribution of which the mean is (lower + 4 mode + upper) / 6, as in PERT.

    Example: `{lower = 2, mode = 10, upper = 20}`.
    """

    costly = True

    @functools.cached_property
    def as_beta(self) -> Beta:
        rise, fall, width = self.widths
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
    sigma: Positive
    lower: float = 0.0
    upper: float = 1.0

    @classmethod
    def from_percentiles(
        cls, first: Percentile, second: Percentile, lower: float = 0.0, upper: float = 1.0
    ) -> Logitnormal:
        mu, sigma = line(normal_score, first, second, lambda x: math.log((x - lower) / (upper - x)))
        return cls(mu, sigma, lower, upper)

    def inverse(self, p: Array, q: Array) -> Array:
        odds = np.exp(self.mu + self.sigma * normal_score(p, q))
        return between(self.lower, self.upper, 1 / (1 + 1 / odds), 1 / (1 + odds))

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        return normal_probability((log_odds(*shares_of(self.lower, self.upper, x)) - self.mu) / self.sigma)


FAMILIES: dict[str, type[Distribution]] = {"pert": Pert, "beta": Beta, "logitnormal": Logitnormal}
