"""Standard errors: what the spread over replicates tells of an error, and what it cannot tell.

Replicates of a stratified net may agree by their strata alone. So an error never falls below what as many scenarios
can resolve.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.graph import Array
from simulate.rulers import Cells
from simulate.sampling.sampler import REPLICATES
from simulate.summary import Summary, percentiles_of

Influence = Callable[[Summary, Array], Array]

_MANY = 2**6  # steps with the largest influence, which mostly hold as many scenarios as there are replicates
FEWEST_BEYOND = 10  # scenarios beyond a percentile: of fewer only a bound can be told
FEW_BEYOND = 10  # scenarios of a replicate beyond a percentile, below which their spread alone does not tell an error
_SUMMED = 1e306  # beyond it the sum of the replicates' values may leave the range of numbers
_NEAR = np.arange(-3, 4)  # scenarios of a replicate from such a percentile to where else its strata are looked at
NONE_SEEN = 3.0  # what no scenario of n has shown has a probability below 3/n, at 95 % (the rule of three)
_OUT = np.concatenate([np.arange(1, 8), 2 ** np.arange(3, 19), 3 * 2 ** np.arange(2, 18)])
_AWAY = np.sort(np.concatenate([-_OUT, [0], _OUT]))  # corners kept about a percentile: all near it, ever fewer beyond


@cache
def t_quantile(replicates: int = REPLICATES) -> float:
    """Student's t at 97.5 %, for the mean of the replicates."""
    from simulate.special import stdtrit

    return float(stdtrit(replicates - 1, 0.975))


def standard_error(estimates: Sequence[Any] | Array) -> Array:
    """The standard error of the mean of the replicates' estimates, along the first axis.

    With 16 replicates, an interval of 95 % is the estimate and Student's t with 15 degrees of freedom, 2.13, times
    this: t rather than more replicates, which would take scenarios from each net. benchmarks/coverage.md tells how
    often such intervals hold the truth.
    """
    error: Array = _deviation(np.asarray(estimates, dtype=np.float64)) / np.sqrt(len(estimates))
    return error


def _deviation(values: Array, centre: Array | None = None) -> Array:
    """The standard deviation along the first axis, about a centre, by default the mean; nan of infinities."""
    power = np.frexp(np.abs(values).max(axis=0))[1]  # a power of two takes no bit, and no square overflows
    with np.errstate(invalid="ignore"):
        values = np.ldexp(values, -power)
        if centre is None:
            deviations = values - values[0]  # equal values have a deviation of exactly 0
            deviations -= _sum(deviations) / len(values)
        else:
            deviations = values - np.ldexp(centre, -power)
        deviation = np.sqrt(_sum(deviations * deviations) / (len(values) - 1))
    found: Array = np.ldexp(deviation, power)
    return found


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


def interval_error(ends: Sequence[Any] | Array, whole: Array) -> Array:
    """The standard error of the ends of the shortest interval of the whole, from the replicates' along the first axis.

    They are set against the whole's, for those of fewer scenarios lie elsewhere. Where the density does not jump, the
    length hardly changes as the interval shifts: an end's error falls with the cube root of the number of independent
    scenarios, as the midpoint of the shorth's does (Kim and Pollard (1990), Annals of Statistics 18, 191-219), and
    with the fourth root of the number of nets, whose error of the length is smooth. The latter is never too small.
    """
    error: Array = _deviation(np.asarray(ends), whole) / len(ends) ** (1 / 4)
    return error


def widened_error(values: Sequence[Any] | Array) -> Array:
    """The standard error of the mean of the replicates' values, along the first axis, widened by their skewness.

    Skewness g, as far as it is beyond its own standard error, widens an interval by (1 + 2 t^2) g / (6 sqrt(16))
    standard errors: Johnson (1978), J. Am. Stat. Assoc. 73, 536. It only matters where few scenarios decide.
    """
    values = np.asarray(values, dtype=np.float64)
    count, t, error = len(values), t_quantile(len(values)), standard_error(values)
    power = np.frexp(np.abs(values).max(axis=0))[1]  # a power of two takes no bit, and no sum overflows
    varied = (error > 0) & np.isfinite(error)
    with np.errstate(all="ignore"):
        deviations = np.ldexp(values, -power)
        deviations = (deviations - _sum(deviations) / count) / (np.ldexp(error, -power) * np.sqrt(count - 1))
        skewness = np.maximum(np.abs(_sum(deviations**3) / count) - np.sqrt(6 / count), 0.0)
        widened: Array = error * (1 + skewness * (1 + 2 * t * t) / (6 * t * np.sqrt(count)))
    return np.where(varied, widened, error)


def influenced(influence: Influence) -> Callable[[Array, Sequence[Summary]], Array]:
    """The standard error of a statistic whose influence function is given: what a scenario at a value adds to it.

    Beside the spread of the replicates it has what is unresolved between neighbouring values.
    """

    def error(values: Array, summaries: Sequence[Summary]) -> Array:
        open_: Array = np.hypot(widened_error(values), [unresolved(summary, influence) for summary in summaries])
        return open_

    return error


def unresolved(summary: Summary, influence: Influence) -> float:
    """What the gaps between neighbouring values leave open of a statistic, as a standard error.

    The probability below each gap, in which one scenario lies at most, is known to `resolution`, which moves the
    statistic by as much times the influence from one side of the gap to the other.
    """
    steps = summary.steps()
    low, high = steps.edges
    single = steps.numbers * summary.effective <= summary.count
    with np.errstate(over="ignore", invalid="ignore"):  # of values near the largest floats
        between = influence(summary, low[1:]) - influence(summary, high[:-1])
        across = influence(summary, high[single]) - influence(summary, low[single])
        squares = float(np.add.reduce(between * between) + np.add.reduce(across * across))
    return float(np.sqrt(squares)) * resolution(summary.effective)


class Tail(NamedTuple):
    """How much of what a statistic rests on is in few scenarios.

    `share` is that of as many as there are replicates, those with the largest, in the sum of the squared influence;
    `kurtosis` is the excess kurtosis of the influence. What several scenarios have in common is not rare: how often it
    occurs is all there is to know of it.
    """

    share: float
    kurtosis: float


def tail(summary: Summary, influence: Influence) -> Tail:
    """The tail of the influence on a statistic, nothing where all values have the same."""
    steps = summary.steps()
    low, high = steps.edges
    if not summary.count:
        return Tail(0.0, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        masses = steps.numbers * (summary.effective / summary.count)
        squares = influence(summary, (low + high) / 2)
        squares = (squares - np.add.reduce(squares * masses) / summary.effective) ** 2
        if not (total := float(np.add.reduce(squares * masses))) > 0:
            return Tail(0.0, 0.0)
        rare = (low < high) | (masses < 2)
        masses, shares = masses[rare], squares[rare] / total
        kurtosis = float(np.add.reduce(shares**2 * masses)) * summary.effective - 3
        order = np.arange(len(shares)) if len(shares) <= _MANY else np.argpartition(-shares, _MANY)[:_MANY]
        if np.add.reduce(masses[order]) < REPLICATES:
            order = np.arange(len(shares))
        order = order[np.argsort(-shares[order])]
        largest = np.diff(np.minimum(np.cumsum(masses[order]), REPLICATES), prepend=0.0)
        return Tail(float(np.add.reduce(shares[order] * largest)), kurtosis)


def around(percents: Sequence[float], summaries: Sequence[Summary]) -> Array:
    """The corners of the distribution functions about percentiles: (summary, [value, rank], percent, corner).

    Ranks are counted from the percentile's.
    """
    jumps = [each.jumps() for each in summaries]
    counts = np.array([each.count for each in summaries])
    wanted = np.asarray(percents, dtype=np.float64) / 100 * counts[:, None]
    begin = np.array([of.last.searchsorted(ranks) for of, ranks in zip(jumps, wanted, strict=True)])
    most = np.array([2 * len(of.last) - 1 for of in jumps])
    corners = 2 * begin[..., None] + _AWAY  # two a step: where it begins, where it ends
    corners = np.minimum(np.maximum(corners, 0), most[:, None, None])
    places, above = corners >> 1, corners & 1
    found = np.array([of.at(there) for of, there in zip(jumps, places, strict=True)])
    last, numbers, low, high = np.moveaxis(found, 1, 0)
    ranks = last - numbers * (1 - above) - wanted[..., None]
    ranks[counts == 0] = 0.0
    return np.stack([np.where(above, high, low), ranks], axis=1)


def _ranks_of(values: Array, corners: Array) -> tuple[Array, Array]:
    """Where values (summary, any, percent) begin and end in replicates: ranks (replicate, summary, any, percent)."""
    at, ranks = np.moveaxis(corners, 2, 0).copy()  # (replicate, summary, percent, corner)
    first, after = (_leading(compare(at[:, :, None], values[..., None])) for compare in (np.less, np.less_equal))
    held = after > first
    rows = at.shape[-1] * np.arange(at[..., 0].size).reshape(*at.shape[:2], 1, -1)
    begin, end = (
        rows + np.clip(each, 0, at.shape[-1] - 1)
        for each in (np.where(held, first, first - 1), np.where(held, after - 1, first))
    )
    (low, high), (start, stop) = ((each.take(begin), each.take(end)) for each in (at, ranks))
    share = np.divide(values - low, high - low, out=np.zeros_like(low), where=high > low)
    between = start + share * (stop - start)
    return np.where(held, start, between), np.where(held, stop, between)


def _leading(truths: NDArray[np.bool_]) -> Cells:
    """How many are true along the last axis, the first so many."""
    leading: Cells = np.where(truths[..., -1], truths.shape[-1], np.argmin(truths, axis=-1))
    return leading


class PercentileErrors(NamedTuple):
    """Standard errors of percentiles, (summary, percent), and what stands for the replicates' values of them."""

    errors: Array
    replicates: Array  # (replicate, summary, percent)


@np.errstate(over="ignore", invalid="ignore")  # of values near the largest floats
def percentile_errors(percents: Sequence[float], corners: Array, summaries: Sequence[Summary]) -> PercentileErrors:
    """How well percentiles are known: the spread of the replicates' shares below them, turned into values.

    `corners` are those of the replicates, along the first axis, as `around` has them; no summary is empty.

    So by Woodruff (1952), J. Am. Stat. Assoc. 47, 635: an interval of the share, t standard errors to each side, has
    ends whose percentiles are those of the interval of the value; half its width, by t, is the standard error. Where
    one side is an atom, in which nothing changes, it is the whole of the other side. What counting leaves open is
    taken in.
    """
    replicates, t = len(corners), t_quantile(len(corners))
    shares = np.asarray(percents, dtype=np.float64) / 100
    effective = np.array([each.effective for each in summaries])
    scale = (effective / [each.count for each in summaries])[:, None, None]
    each = effective[:, None] / replicates  # scenarios of a replicate
    few = np.minimum(shares, 1 - shares) * each < FEW_BEYOND
    asked = np.broadcast_to(percents, (len(summaries), 1, len(shares)))
    if few.any():
        near = 100 * np.clip(shares + _NEAR[:, None] / each[:, None], 0, 1)
        asked = np.concatenate([asked, near], axis=1)
    at = percentiles_of(summaries, asked.reshape(len(summaries), -1)).reshape(asked.shape)
    begin, end = (ranks * scale for ranks in _ranks_of(at, corners))
    unknown = few & ~_alike(begin[:, :, 1:]).all(axis=1)
    values, begin, end = at[:, 0], begin[:, :, 0], end[:, :, 0]
    reach = t * _rank_error(np.stack([begin, end], axis=1), unknown) / each  # (side, summary, percent)
    taken = np.minimum(reach, np.stack([shares, 1 - shares])[:, None])
    ends = 100 * (shares + np.array([-1, 1])[:, None, None] * taken)
    moved = np.stack([percentiles_of(summaries, percents) for percents in ends])
    sides = np.abs(moved - values) * (reach / taken)
    spread = np.add(*sides) / np.maximum(np.count_nonzero(sides, axis=0), 1)
    slope = spread * 2 / np.add(*reach)
    errors = np.hypot(spread / t, [summary.resolution(percents) for summary in summaries])
    return PercentileErrors(errors, values - np.clip(0.0, begin, end) / each * slope)


class Bounds(NamedTuple):
    """On which side of a value each percentile is known to lie, '' where it is estimated, and the value's percent."""

    sides: NDArray[np.object_]
    percents: Array


def bounds(percents: Sequence[float], scenarios: ArrayLike) -> Bounds:
    """Percentiles beyond which fewer than `FEWEST_BEYOND` of the scenarios lie, as bounds: '>=' or '<=', at 95 %.

    How many scenarios lie beyond the true percentile is at most a Poisson count, so that the percentile is no nearer
    to the middle than the value that `order` others lie beyond or at, which 5 % of the counts or fewer reach: its
    percent is told, nan where there is none. Of several numbers of scenarios the percents are along the last axis.
    Source: David and Nagaraja (2003), Order Statistics, 7.1.
    """
    asked, scenarios = np.asarray(percents, dtype=np.float64), np.asarray(scenarios, dtype=np.float64)[..., None]
    upper = asked >= 50
    beyond = np.where(upper, 100 - asked, asked) / 100 * scenarios
    few = beyond < FEWEST_BEYOND
    if not few.any():
        return Bounds(np.full(few.shape, "", object), np.broadcast_to(asked, few.shape))
    sides = np.where(few, np.where(upper, ">=", "<="), "").astype(object)
    from simulate.special import pdtrik

    order = np.ceil(pdtrik(0.95, beyond)) + 1
    depth = np.where(order <= scenarios, 100 * (order - 0.5) / np.maximum(scenarios, 1), np.nan)
    return Bounds(sides, np.where(few, np.where(upper, 100 - depth, depth), asked))


def _alike(ranks: Array) -> NDArray[np.bool_]:
    """Whether the ranks of values in replicates differ by no more than one, as in nets of one input."""
    alike: NDArray[np.bool_] = np.ptp(ranks, axis=0) <= 1 + 1e-9
    return alike


def _rank_error(ranks: Array, unknown: NDArray[np.bool_]) -> Array:
    """The standard error of the rank at which a value stands in replicates, in scenarios of one.

    Where the ranks in replicates, whose nets have a scenario in each of n equal parts, differ by no more than one, the
    value stands among the one scenario that each has in that part. Then its variance is known to be that of an order
    statistic of as many uniforms, which also says what is unresolved where no rank differs. Where it is `unknown`
    whether there are such parts, for few scenarios lie beyond, what is unresolved goes on top of the ranks' own spread.
    """
    count = len(ranks)
    above = np.clip(_sum(ranks - ranks.min(axis=0)), 0, count)  # replicates with the scenario that others have not
    known, least = ((k + 0.5) * (count - k + 0.5) / (count + 1) ** 2 / (count + 2) for k in (above, 0.0))
    variance = standard_error(ranks) ** 2
    variance = np.where(_alike(ranks) & ~unknown, np.minimum(variance, known), variance)
    variance = variance + np.where(unknown, least, 0.0)
    error: Array = np.sqrt(np.maximum(variance, least))
    return error
