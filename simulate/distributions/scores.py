"""Standard variables, and how families are stretched and moved from them."""

from collections.abc import Callable

import numpy as np

from simulate.distributions.protocol import Array, Percentile

Score = Callable[[Array, Array], Array]


def normal_score(p: Array, q: Array) -> Array:
    """The quantile of the standard normal."""
    from simulate.special import ndtri

    return np.copysign(ndtri(np.minimum(p, q)), p - q)


def normal_probability(z: Array) -> tuple[Array, Array]:
    """The probabilities of the standard normal below and above."""
    from simulate.special import ndtr

    return ndtr(z), ndtr(-z)


def exponential_score(p: Array, q: Array) -> Array:
    """The quantile of the standard exponential, -log q."""
    return np.where(p <= q, -np.log1p(-p), -np.log(q))


def log_odds(p: Array, q: Array) -> Array:
    """log(p / q) of probabilities or shares that add to 1."""
    return np.log(p) - np.log(q)


def between(lower: float, upper: float, p_share: Array, q_share: Array) -> Array:
    """The value at a share of the way up from `lower`, or down from `upper` where that share is smaller."""
    width = upper - lower
    return np.where(p_share <= q_share, lower + width * p_share, upper - width * q_share)


def shares_of(lower: float, upper: float, x: Array) -> tuple[Array, Array]:
    """How far x lies above `lower` and below `upper`, as shares of the way, from 0 to 1."""
    width = upper - lower
    return np.clip((x - lower) / width, 0.0, 1.0), np.clip((upper - x) / width, 0.0, 1.0)


def line(
    score: Score, first: Percentile, second: Percentile, transform: Callable[[float], float] = float
) -> tuple[float, float]:
    """Location and scale with which transform(X) = location + scale * (the standard variable of `score`).

    Two percentiles determine every such family: they lie on a straight line in the transformed scale.
    """
    z = [float(score(np.array(at.p), np.array(at.q))) for at in (first, second)]
    y = [float(transform(at.value)) for at in (first, second)]
    scale = (y[1] - y[0]) / (z[1] - z[0])
    return y[0] - scale * z[0], scale
