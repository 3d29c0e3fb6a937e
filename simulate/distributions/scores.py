"""Standard variables: the quantile functions from which location-scale families are made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulate.distributions.protocol import Array, Percentile, Score


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
