"""The metalog, which takes no bounds, one or two."""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulate.distributions.protocol import Array, Distribution, ParameterError, Percentile
from simulate.distributions.scores import between, log_odds
from simulate.distributions.solvers import root


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
        if not self.slack > 0:
            reason = "no metalog rises through these: they are too skewed"
            raise ParameterError(None, f"{reason}; move the middle one towards the centre or give bounds")

    @classmethod
    def from_percentiles(
        cls, first: Percentile, second: Percentile, third: Percentile, lower: float = -np.inf, upper: float = np.inf
    ) -> Metalog:
        p, q, x = (np.array(column) for column in list(zip(first, second, third, strict=True))[1:])
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
        logit = root(lambda t, active: self.on_line(t) - y[active], np.full(y.shape, -745.0), np.full(y.shape, 745.0))
        logit = logit.reshape(x.shape)
        p, q = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))
        p, q = np.where(x > self.lower, p, 0), np.where(x > self.lower, q, 1)
        return np.where(x < self.upper, p, 1), np.where(x < self.upper, q, 0)

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


FAMILIES: dict[str, type[Distribution]] = {"metalog": Metalog}
