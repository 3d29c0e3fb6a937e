"""What every family of distributions offers, and the checks that families share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.errors import SimulateError

Array = NDArray[np.float64]
Numbers = tuple[float, ...]
Score = Callable[[Array, Array], Array]


class ParameterError(SimulateError):
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


def three_points(lower: float, mode: float, upper: float) -> None:
    """Raise ParameterError unless lower <= mode <= upper and lower < upper."""
    increasing(lower=lower, upper=upper)
    if not lower <= mode <= upper:
        raise ParameterError("mode", f"{mode:g} is not between lower = {lower:g} and upper = {upper:g}; move it inside")


def inside(lower: float, upper: float, *percentiles: Percentile) -> None:
    """Raise ParameterError for a percentile that does not lie strictly between the bounds."""
    for key, _, _, value in percentiles:
        if not lower < value < upper:
            where = f"above {lower:g}, where it begins" if value <= lower else f"below {upper:g}, where it ends"
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
