"""Standard errors: what the spread over replicates tells of an error, and what it cannot tell.

Replicates of a stratified net may agree by their strata alone. So an error never falls below what as many scenarios
can resolve.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from simulate.graph import Array
from simulate.sampling.sampler import REPLICATES
from simulate.summary import Summary

Influence = Callable[[Summary, Array], Array]

NONE_SEEN = 3.0  # what no scenario of n has shown has a probability below 3/n, at 95 % (the rule of three)
_OUT = np.concatenate([np.arange(1, 8), 2 ** np.arange(3, 19), 3 * 2 ** np.arange(2, 18)])
_AWAY = np.sort(np.concatenate([-_OUT, [0], _OUT]))  # corners kept about a percentile: all near it, ever fewer beyond


@cache
def t_quantile(replicates: int = REPLICATES) -> float:
    """Student's t at 97.5 %, for the mean of the replicates."""
    from scipy.special import stdtrit

    return float(stdtrit(replicates - 1, 0.975))


def standard_error(estimates: Sequence[Any] | Array) -> Array:
    """The standard error of the mean of the replicates' estimates, along the first axis.

    With 16 replicates, an interval of 95 % is the estimate and Student's t with 15 degrees of freedom, 2.13, times
    this: t rather than more replicates, which would take scenarios from each net. benchmarks/coverage.md tells how
    often such intervals hold the truth.
    """
    values = np.asarray(estimates, dtype=np.float64)
    deviations = values - values[0]  # equal estimates have an error of exactly 0
    deviations -= _sum(deviations) / len(values)
    error: Array = np.sqrt(_sum(deviations * deviations) / (len(values) - 1)) / np.sqrt(len(values))
    return error


def _sum(values: Array) -> Array:
    """The sum along the first axis, in its order: numpy's own order depends on the other axes."""
    total: Array = np.add.accumulate(values, axis=0)[-1]
    return total


def resolution(scenarios: float) -> float:
    """The standard error that any probability has at least, of so many scenarios, as (effective) many as there are.

    Replicates whose nets are stratified may all count the same, which is no knowledge of what lies between two
    scenarios. With this, an interval of 95 % about a share of 0 reaches to 3/n: the rule of three, Hanley and
    Lippman-Hand (1983), J. Am. Med. Assoc. 249, 1743. About a share of k/n, sqrt(k + 2) / n, as a Poisson count has
    it, holds the truth in 93 % or more for any k.
    """
    return NONE_SEEN / t_quantile() / scenarios


def share_error(shares: Sequence[Any] | Array, scenarios: float) -> Array:
    """The standard error of a probability from the replicates' shares of the scenarios, never below `resolution`."""
    error: Array = np.hypot(standard_error(shares), resolution(scenarios))
    return error


def interval_error(ends: Sequence[Array], _: Summary) -> Array:
    """The standard error of the ends of the shortest interval, from those of the replicates.

    Where the density does not jump, an end's error falls with the cube root of the number of scenarios only, as
    the midpoint of the shorth's does: Kim and Pollard (1990), Annals of Statistics 18, 191-219.
    """
    error: Array = standard_error(ends) * len(ends) ** (1 / 2 - 1 / 3)
    return error


def influenced(influence: Influence) -> Callable[[Sequence[Any], Summary], Array]:
    """The standard error of a statistic whose influence function is given: what a scenario at a value adds to it.

    It is that of the replicates' values, with two additions that only matter where few scenarios decide. Between two
    neighbouring values that have occurred, the probability below is known to `resolution`, which moves the statistic
    by as much times the influence from one to the next. And skewness g of the replicates' values, as far as it is
    beyond its own standard error, widens an interval by (1 + 2 t^2) g / (6 sqrt(16)) standard errors: Johnson (1978),
    J. Am. Stat. Assoc. 73, 536.
    """

    def error(values: Sequence[Any], summary: Summary) -> Array:
        count, t = len(values), t_quantile(len(values))
        spread = standard_error(values)
        if not spread > 0:
            return np.asarray(np.hypot(spread, unresolved(summary, influence)))
        deviations = np.asarray(values, dtype=np.float64)
        deviations = (deviations - deviations.mean()) / (spread * np.sqrt(count - 1))
        skewness = max(abs(float(np.mean(deviations**3))) - np.sqrt(6 / count), 0.0)
        widened = 1 + skewness * (1 + 2 * t * t) / (6 * t * np.sqrt(count))
        return np.asarray(np.hypot(spread, unresolved(summary, influence)) * widened)

    return error


def unresolved(summary: Summary, influence: Influence) -> float:
    """What the gaps between neighbouring values leave open of a statistic, as a standard error."""
    low, high, _ = summary.steps()
    with np.errstate(over="ignore", invalid="ignore"):  # of values near the largest floats
        steps = influence(summary, low[1:]) - influence(summary, high[:-1])
        return float(np.sqrt(np.add.reduce(steps * steps))) * resolution(summary.effective)


class Tail(NamedTuple):
    """How much of what a statistic rests on is in few scenarios.

    `share` is that of as many as there are replicates, those with the largest, in the sum of the squared influence;
    `kurtosis` is the excess kurtosis of the influence.
    """

    share: float
    kurtosis: float


def tail(summary: Summary, influence: Influence) -> Tail:
    """The tail of the influence on a statistic, nothing where all values have the same."""
    low, high, counts = summary.steps()
    with np.errstate(over="ignore", invalid="ignore"):
        masses = counts * (summary.effective / summary.count)
        squares = influence(summary, (low + high) / 2)
        squares = (squares - squares @ masses / summary.effective) ** 2
        order = np.argsort(-squares)
        squares, masses = squares[order], masses[order]
        total = float(squares @ masses)
        if not total > 0:
            return Tail(0.0, 0.0)
        largest = np.diff(np.minimum(np.cumsum(masses), REPLICATES), prepend=0.0)
        shares = squares / total
        return Tail(float(shares @ largest), float(shares @ (shares * masses)) * summary.effective - 3)


def around(percents: Sequence[float], summary: Summary) -> Array:
    """The corners of the distribution function about percentiles: shape ([value, rank], percent, corner).

    Ranks are counted from the percentile's.
    """
    low, high, counts = summary.steps()
    if not len(counts):
        return np.full((2, len(percents), len(_AWAY)), [[[np.nan]], [[0.0]]])
    last = np.cumsum(counts)
    wanted = np.asarray(percents, dtype=np.float64) / 100 * summary.count
    corners = np.clip(2 * np.searchsorted(last, wanted)[:, None] + _AWAY, 0, 2 * len(counts) - 1)
    steps, above = corners // 2, corners % 2 == 1  # two corners a step: where it begins, where it ends
    ranks = last[steps] - np.where(above, 0, counts[steps]) - wanted[:, None]
    return np.array([np.where(above, high[steps], low[steps]), ranks])


def _ranks_of(values: Array, corners: Array) -> Array:
    """The ranks of values, one a percent, in replicates: (replicate, percent); of an atom's ranks the nearest to 0."""
    at, ranks = corners[:, 0], corners[:, 1]
    first, after = (compare(at, values[:, None]).sum(axis=-1) for compare in (np.less, np.less_equal))
    held = after > first
    lower, upper = np.where(held, first, first - 1), np.where(held, after - 1, first)
    ends = [np.clip(each, 0, at.shape[-1] - 1)[..., None] for each in (lower, upper)]
    (low, high), (low_rank, high_rank) = (
        [np.take_along_axis(each, end, axis=-1)[..., 0] for end in ends] for each in (at, ranks)
    )
    share = np.divide(values - low, high - low, out=np.zeros_like(low), where=high > low)
    return np.where(held, np.clip(0.0, low_rank, high_rank), low_rank + share * (high_rank - low_rank))


class PercentileErrors(NamedTuple):
    """Standard errors of percentiles, and values that stand for the replicates': (replicate, percent)."""

    errors: Array
    replicates: Array


def percentile_errors(percents: Sequence[float], corners: Sequence[Array], summary: Summary) -> PercentileErrors:
    """How well percentiles are known: the spread of the replicates' shares below them, turned into values.

    So by Woodruff (1952), J. Am. Stat. Assoc. 47, 635: an interval of the share, t standard errors to each side, has
    ends whose percentiles are those of the interval of the value; half its width, by t, is the standard error. Where
    one side is an atom, in which nothing changes, it is the whole of the other side.

    Where the counts of the replicates, whose nets have a scenario in each of n equal parts, differ by no more than
    one, the percentile stands among the one scenario that each has in that part. Then its variance is known to be
    that of the order statistic of `count` uniforms, which also says what is unresolved where no count differs.
    """
    count, t = len(corners), t_quantile(len(corners))
    values, shares = summary.percentiles(percents), np.asarray(percents, dtype=np.float64) / 100
    each = summary.effective / count  # scenarios of a replicate
    away = _ranks_of(values, np.asarray(corners)) * (summary.effective / summary.count)
    above = _sum(away - away.min(axis=0))  # replicates that have the scenario which others have not
    alike = np.ptp(away, axis=0) <= 1 + 1e-9
    order = (np.clip(above, 0, count) + 0.5) * (np.clip(count - above, 0, count) + 0.5) / (count + 1) ** 2 / (count + 2)
    least = 0.5 * (count + 0.5) / (count + 1) ** 2 / (count + 2)
    variance = standard_error(away) ** 2
    variance = np.maximum(np.where(alike, np.minimum(variance, order), variance), least)
    reach = t * np.sqrt(variance) / each
    sides = []
    for room, sign in ((1 - shares, 1), (shares, -1)):
        taken = np.minimum(reach, room)
        sides.append(np.abs(summary.percentiles(100 * (shares + sign * taken)) - values) * (reach / taken))
    spread = np.add(*sides) / np.maximum(np.count_nonzero(sides, axis=0), 1)
    return PercentileErrors(spread / t, values - away / each * (spread / reach))
