"""Families between two bounds, in elementary functions."""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulate.distributions.protocol import Array, Distribution, ParameterError, Percentile, Positive, inside
from simulate.distributions.scores import between, line, shares_of


@dataclass(frozen=True)
class Constant(Distribution):
    """One value for certain. Example: `{value = 8}`."""

    value: float
    refuses_percentiles = "a constant has one value, and no percentiles"

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

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Uniform:
        lower, width = line(cls(0.0, 1.0).inverse, first, second)
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

    lower: Positive
    upper: float

    def __post_init__(self) -> None:
        if self.upper > 0 and not math.isfinite(self.upper / self.lower):
            raise ParameterError("upper", f"{self.upper:g} is too many times lower = {self.lower:g}; move it nearer")

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Loguniform:
        inside(0.0, np.inf, first, second)
        location, scale = line(Uniform(0.0, 1.0).inverse, first, second, np.log)
        return cls(float(np.exp(location)), float(np.exp(location + scale)))

    @property
    def log_width(self) -> float:
        return math.log(self.upper / self.lower)

    def inverse(self, p: Array, q: Array) -> Array:
        x = np.where(p <= q, self.lower * np.exp(p * self.log_width), self.upper * np.exp(-q * self.log_width))
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

    @classmethod
    def from_percentiles(cls, first: Percentile, second: Percentile) -> Arcsine:
        lower, width = line(cls(0.0, 1.0).inverse, first, second)
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
class ThreePoints(Distribution):
    """What families with a mode between two bounds, or on one of them, have in common."""

    lower: float
    mode: float
    upper: float
    refuses_percentiles = "no lower, mode and upper meet any three percentiles"

    def __post_init__(self) -> None:
        if not self.lower <= self.mode <= self.upper:
            where = f"{self.mode:g} is not between lower = {self.lower:g} and upper = {self.upper:g}"
            raise ParameterError("mode", f"{where}; move it inside")

    @property
    def widths(self) -> tuple[float, float, float]:
        """How far it is from the lower bound to the mode, from the mode to the upper bound, and from end to end."""
        return self.mode - self.lower, self.upper - self.mode, self.upper - self.lower


@dataclass(frozen=True)
class Triangular(ThreePoints):
    """Rising straight to the mode and falling straight from it. Example: `{lower = 1, mode = 3, upper = 10}`."""

    def inverse(self, p: Array, q: Array) -> Array:
        rise, fall, width = self.widths
        up, down = np.sqrt(p * width * rise), np.sqrt(q * width * fall)  # from the lower, from the upper bound
        low = p <= q
        rising = np.where(low, self.lower + up, self.mode - (q * width - fall) * rise / (rise + up))
        falling = np.where(low, self.mode + (p * width - rise) * fall / (fall + down), self.upper - down)
        return np.where(np.where(low, p * width <= rise, q * width >= fall), rising, falling)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        rise, fall, width = self.widths
        up, down = np.clip(x - self.lower, 0, width), np.clip(self.upper - x, 0, width)
        rising = (rise > 0) & (x < self.mode) | (fall == 0)
        p = np.where(rising, up**2 / rise, rise + (x - self.mode) * (fall + down) / fall) / width
        q = np.where(rising, fall + (self.mode - x) * (rise + up) / rise, down**2 / fall) / width
        return np.clip(p, 0, 1), np.clip(q, 0, 1)

    def moments(self) -> tuple[float, float]:
        rise, fall, _ = self.widths
        return self.mode + (fall - rise) / 3, math.sqrt((rise * rise + rise * fall + fall * fall) / 18)


FAMILIES: dict[str, type[Distribution]] = {
    "constant": Constant,
    "uniform": Uniform,
    "loguniform": Loguniform,
    "triangular": Triangular,
    "arcsine": Arcsine,
    "trapezoid": Trapezoid,
}
