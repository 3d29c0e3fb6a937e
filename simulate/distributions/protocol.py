"""What every family of distributions offers, and the checks that families share."""

from functools import cached_property
from typing import Annotated, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.errors import SimulateError

Array = NDArray[np.float64]
Numbers = tuple[float, ...]
Positive = Annotated[float, "above 0"]


class ParameterError(SimulateError):
    """A parameter that is missing, unknown, of the wrong type or impossible.

    `key` is the key to mend, or None where it is the table as a whole; one that is wrong `alone` is so whatever the
    other keys say.
    """

    code = "parameter"

    def __init__(self, key: str | None, message: str, *, alone: bool = False) -> None:
        super().__init__(message)
        self.key, self.alone = key, alone


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

    def __hash__(self) -> int:
        """That of a frozen family: what is found of one may be kept."""
        return super().__hash__()

    def inverse(self, p: Array, q: Array) -> Array:
        """The value below which lies p and above which lies q = 1 - p, the smaller of these being exact."""
        ...

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        """P(X <= x) and P(X > x), each accurate in its own tail."""
        ...

    def moments(self) -> tuple[float, float]:
        """Mean and sd; here by the trapezoidal rule in the normal score, which converges exponentially."""
        from simulate.special import ndtr

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

    @cached_property
    def support(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return float(self.quantile(0.0, 1.0)), float(self.quantile(1.0, 0.0))

    @property
    @np.errstate(all="ignore")
    def mean(self) -> float:
        """The expectation; infinite where it diverges, nan where it is undefined."""
        return self.moments()[0]

    @property
    @np.errstate(all="ignore")
    def sd(self) -> float:
        """The standard deviation; infinite where it diverges, nan where it is undefined."""
        return self.moments()[1]

    @property
    def costly(self) -> bool:
        """Whether a quantile costs more than 100 ns; it is then smooth in the normal score."""
        return False

    @property
    def jumps(self) -> Array:
        """Increasing p at which the quantile function jumps, or bends at the edge of an atom or component."""
        return np.empty(0)

    @property
    def bends(self) -> Array:
        """Increasing p at which it jumps or may turn so quickly that a narrow component would be passed over."""
        return self.jumps


def inside(lower: float, upper: float, *percentiles: Percentile) -> None:
    """Raise ParameterError for a percentile that does not lie strictly between the bounds."""
    for key, _, _, value in percentiles:
        if not lower < value < upper:
            where = f"above {lower:g}, where it begins" if value <= lower else f"below {upper:g}, where it ends"
            raise ParameterError(key, f"{value:g} is not {where}; move it inside")
