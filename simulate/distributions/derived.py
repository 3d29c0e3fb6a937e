"""Distributions made of another: within bounds, and in another unit."""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
import functools
import math
from dataclasses import dataclass

import numpy as np

from simulate.distributions.bounded import Constant
from simulate.distributions.protocol import Array, Distribution, ParameterError


@dataclass(frozen=True)
class Truncated(Distribution):
    """`base` given that it lies between two bounds, either of which may be infinite."""

    base: Distribution
    lower: float = -np.inf
    upper: float = np.inf

    def __post_init__(self) -> None:
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
        return mean if math.isfinite(self.base.mean) else math.nan, sd if math.isfinite(self.base.sd) else math.nan


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

    @property
    def bends(self) -> Array:
        return self.base.bends


def scaled(distribution: Distribution, factor: float) -> Distribution:
    """The distribution of X * factor, each value exactly the product; factor > 0."""
    assert factor > 0
    if factor == 1:
        return distribution
    if isinstance(distribution, Constant):
        return Constant(distribution.value * factor)
    return Scaled(distribution, factor)
