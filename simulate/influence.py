"""What moves a quantity: the share of its variance that each input has alone, from scenarios that there are.

The first-order share is Var(E[Y | X]) / Var(Y). E[Y | X] is taken as constant in bins of X, and its square as the mean
product of the bin's means in two different replicates, over all pairs: (sum)^2 - sum of squares. The square of one
mean would count its own error as a share, which cannot be taken off again, since the scenarios of a net that meet in
a bin are not independent.

What varies within bins is lost, where Y is smooth in X in proportion to the square of their width. So bins of twice
the width tell how much: a third of the difference is added (Richardson). The whole difference counts as an error,
beside that of the jackknife over replicates.

Source: Plischke, Borgonovo and Smith (2013), Eur. J. Oper. Res. 226, 536, for shares from given scenarios.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.distributions import Distribution
from simulate.distributions.atoms import apart, pieces
from simulate.graph import Array, distinct_values
from simulate.spread import resolution, t_quantile

Numbers = NDArray[np.intp]

WIDEST = 2.0**-9  # of a bin, in probability
_PER_BIN = 8  # effective scenarios of all replicates together in the narrowest bin
_SLOPE = 8  # towards the ends no bin is wider than its distance from there, over this
MOST_ATOMS = 2**7  # of one distribution, each a bin
_GROUPS = 8  # of scenarios, by the input: what a direction is judged by
_BACKWARDS = 0.1  # of the way that the mean goes, so much at most goes back where there is a direction
_TINY = np.finfo(float).tiny  # in place of weights that sum to 0
_ROUNDING = 1e-12  # of the square of a weight, below which products of two replicates are nothing


class Bins(NamedTuple):
    """Bins of inputs: that of each scenario, how many there are, and the first of each pair, in both pairings."""

    numbers: Numbers  # (input, scenario)
    total: int
    pairs: tuple[Numbers, Numbers]


class Influence(NamedTuple):
    """What inputs do to quantities: the last axis of each array, or the last axes, says which.

    `shares` holds the first-order share, then that without each replicate; `unresolved` is what else is open of it, as
    a standard error. `direction` is 1 where the mean of the quantity rises with the input, -1 where it falls, 0 where
    it does both. `rank_correlation` is Spearman's.
    """

    shares: Array  # (1 + replicates, ...)
    unresolved: Array
    direction: Array
    rank_correlation: Array


class Sampled(NamedTuple):
    """Scenarios of some `replicates`: the weight and the replicate of each.

    `effective` is the number of scenarios of equal weight that are worth as much.
    """

    weights: Array
    replicate: Numbers
    replicates: int
    effective: float


class Outcome(NamedTuple):
    """A quantity in the scenarios, each times the weight of the scenario.

    `values` are scaled and centred, `ranks` are centred, both 0 where the quantity is not finite. `weights`, those of
    the scenarios themselves where it is finite throughout, are then 0. `squares` are the weighted sums of squares of
    the values by replicate, `of_ranks` is that of the ranks.
    """

    values: Array
    ranks: Array
    weights: Array
    squares: Array
    of_ranks: float


def outcome(column: Array, sampled: Sampled) -> Outcome:
    """Make a quantity in the scenarios ready to be asked what moves it.

    Each scenario counts as its weight says, but where the quantity is nan or infinite.
    """
    finite = np.isfinite(column)
    held = sampled.weights if finite.all() else finite * sampled.weights
    values = np.where(finite, column, 0.0)
    values = np.ldexp(values, -np.frexp(np.abs(values).max(initial=0.0))[1])  # no square overflows
    ranked = ranks(values) if (held == 1).all() else ranks(values, held)
    (values, of_values), (ranked, of_ranks) = (_centred(each, held) for each in (values, ranked))
    squares = np.bincount(sampled.replicate, of_values, sampled.replicates).astype(np.float64, copy=False)
    return Outcome(values, ranked, held, squares, float(of_ranks.sum()))


def _centred(values: Array, weights: Array) -> tuple[Array, Array]:
    """Values less their mean, and the squares of that, both times the weights."""
    if (weights == 1).all():
        centred = values - values.mean()
        return centred, centred * centred
    total = np.maximum(weights.sum(), _TINY)
    centred = values - (values * weights).sum() / total
    weighted = centred * weights
    return weighted, centred * weighted


def ranks(column: Array, weights: Array | None = None) -> Array:
    """Ranks of the values, 1 the least, or sums of weights up to them; equal values share the mean of theirs."""
    order = np.argsort(column)
    ordered, found = column[order], np.empty(len(column))
    new = ordered[1:] != ordered[:-1]
    if weights is None and new.all():
        found[order] = np.arange(1.0, len(column) + 1)
        return found
    first = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), new]))
    held = np.add.reduceat(np.ones(len(column)) if weights is None else weights[order], first)  # equal values are one
    found[order] = np.repeat(np.cumsum(held) - (held - 1) / 2, np.diff(first, append=len(column)))
    return found


def standardized_ranks(column: Array, weights: Array | None = None) -> Array:
    """Ranks less their mean, of length 1, so that products sum to correlations; 0 where all values are equal.

    With weights, products sum to the weighted correlations.
    """
    centred = ranks(column, weights)
    centred -= np.average(centred, weights=weights)
    if weights is not None:
        centred *= np.sqrt(weights)
    length = np.sqrt(np.add.reduce(centred * centred))
    return centred / length if length > 0 else centred


@lru_cache(maxsize=1)
def grid(effective: float) -> Array:
    """Edges of bins in probability, symmetric about one half, for so many effective scenarios in all.

    Towards the ends, where inputs without bounds run away, bins are ever narrower, as far as scenarios fill them.
    """
    least, edges = min(_PER_BIN / effective, 0.5), [0.0]
    while (edge := edges[-1] + max(least, min(edges[-1] / _SLOPE, WIDEST))) < 0.5:
        edges.append(edge)
    lower = np.array(edges[1:])
    return np.concatenate([lower, [0.5], 1 - lower[::-1]])


class Atoms(NamedTuple):
    """Values of a distribution with a probability of their own, and the masses of these and of what lies apart."""

    values: Array
    masses: Array


def atoms(distribution: Distribution) -> Atoms:
    """The atoms of a distribution, none where it has so many values that they are as good as a continuum."""
    if len(distribution.jumps) >= MOST_ATOMS:
        return Atoms(np.zeros(0), np.ones(1))
    found = pieces(distribution)
    return Atoms(found.values[~np.isnan(found.values)], apart(distribution))


def binned(column: Array, weights: Array, alone: Array, effective: float) -> Bins:
    """The bins of an input: by the share of the scenarios below, and each value that stands `alone` by itself."""
    order = np.argsort(column)
    ordered, cumulative = column[order], np.cumsum(weights[order])
    places = np.searchsorted(cumulative, grid(effective) * cumulative[-1])
    quantiles = ordered[np.minimum(places, len(order) - 1)]
    alone = np.concatenate([alone, np.nextafter(alone, -np.inf)])
    edges = distinct_values(np.concatenate([quantiles, alone]))  # a bin holds what is above one edge up to the next
    sizes = np.diff(np.searchsorted(ordered, edges, "right"), prepend=0, append=len(order))
    numbers = np.empty(len(order), np.intp)
    numbers[order] = np.repeat(np.arange(len(sizes)), sizes)
    wider = (np.concatenate([quantiles[first::2], alone]) for first in (0, 1))
    return Bins(numbers[None], len(sizes), _pairs(edges, *wider))


def binned_uniforms(words: NDArray[np.uint16], effective: float) -> Bins:
    """The bins of inputs without atoms by the leading bits of the words, uniform ones, that they are drawn from.

    Words and bins have shape (input, scenario).
    """
    parts = _of_uniforms(effective)
    return parts._replace(numbers=parts.numbers.take(words))


@lru_cache(maxsize=1)
def _of_uniforms(effective: float) -> Bins:
    """The bins of 2^16 equal parts of the interval from 0 to 1."""
    edges = grid(effective)
    numbers = np.searchsorted(edges, (np.arange(2**16) + 0.5) / 2**16)
    return Bins(numbers, len(edges) + 1, _pairs(edges, edges[::2], edges[1::2]))


def _pairs(edges: Array, *wider: Array) -> tuple[Numbers, Numbers]:
    """The bins between edges with which those between some of the edges begin, for two choices of these."""
    one, other = (distinct_values(np.concatenate([[0], np.searchsorted(edges, each) + 1])) for each in wider)
    return one, other


def influence(
    bins: Bins, told: Sequence[Outcome], pairs: tuple[Sequence[int], Sequence[int]], sampled: Sampled
) -> Influence:
    """What inputs in bins do to quantities, for pairs: the places of their quantities, and those of their inputs."""
    quantities, inputs = map(np.asarray, pairs)
    index, cells = sampled.replicate * bins.total + bins.numbers, sampled.replicates * bins.total

    def counted(rows: Iterable[tuple[Array, Array]]) -> Array:
        """Sums of values by (row, replicate, bin)."""
        sums = np.array([np.bincount(places, values, cells) for places, values in rows])
        return sums.reshape(-1, sampled.replicates, bins.total)

    sums = counted((index[one], told[other].values) for other, one in zip(*pairs, strict=True))
    if all(each.weights is sampled.weights for each in told):  # one row of weights an input stands for all quantities
        held, row, rows = counted((each, sampled.weights) for each in index), inputs, bins.numbers
    else:
        held = counted((index[one], told[other].weights) for other, one in zip(*pairs, strict=True))
        row, rows = np.arange(len(inputs)), bins.numbers[inputs]
    squares = np.array([each.squares for each in told])[quantities]
    shares, unresolved = _shares(held, sums, squares, row, bins.pairs)
    unresolved = np.hypot(unresolved, resolution(sampled.effective))
    held, sums = held.sum(axis=1), sums.sum(axis=1)
    middles = (np.cumsum(held, axis=1) - held / 2) / np.maximum(held.sum(axis=1, keepdims=True), _TINY) - 0.5
    with np.errstate(all="ignore"):
        own = (held * middles**2).sum(axis=1)[row] * np.array([each.of_ranks for each in told])[quantities]
        places = [each[numbers] for each, numbers in zip(middles, rows, strict=True)]
        ranked = [
            np.einsum("n,n->", places[one], told[other].ranks) for one, other in zip(row, quantities, strict=True)
        ]
        correlations = np.array(ranked) / np.sqrt(own)
    return Influence(shares, unresolved, _directions(middles + 0.5, held, sums, row), np.nan_to_num(correlations))


def _shares(held: Array, sums: Array, squares: Array, row: Numbers, pairs: Sequence[Numbers]) -> tuple[Array, Array]:
    """The share of all, then those without each replicate, from sums by (pair, replicate, bin).

    `held` are the weights by (row, replicate, bin), `row` is that of each pair.
    """

    def leaving(each: Array) -> Array:
        """The sum over replicates, then those without each."""
        whole = each.sum(axis=1, keepdims=True)
        return np.concatenate([whole, whole - each], axis=1)

    def explained(held: Array, sums: Array) -> Array:
        """The mean product of two replicates' means, over bins by their weights; then those without each replicate."""
        weight = leaving(held)
        products = held * weight[:, 1:]  # with all other replicates
        both = products.sum(axis=1, keepdims=True)
        both = np.concatenate([both, both - 2 * products], axis=1)
        known = both > _ROUNDING * weight**2
        factor = np.divide(weight, both, out=np.zeros_like(both), where=known)
        # left to one replicate, when another is left out: what is known stands
        stands = np.divide(weight, both[:, :1], out=factor.copy(), where=known[:, :1] & ~known)
        others = sums.sum(axis=1, keepdims=True) - sums
        total = np.einsum("qb,qrb->qr", np.einsum("qrb,qrb->qb", sums, others), stands[row])
        others *= factor[row, 1:]
        total[:, 1:] -= 2 * np.einsum("qrb,qrb->qr", sums, others)
        mean: Array = total / weight.sum(axis=-1)[row]
        return mean

    with np.errstate(all="ignore"):
        mean = explained(*(each.sum(axis=-1, keepdims=True) for each in (held, sums)))
        variance = leaving(squares) / leaving(held.sum(axis=-1))[row] - mean
        fine = explained(held, sums)
        wide = [explained(*joined) for joined in zip(*(_joined(each, pairs) for each in (held, sums)), strict=True)]
        lost = fine - (wide[0] + wide[1]) / 2
        shares = (fine - mean + lost / 3) / variance
        # bins that one replicate alone holds tell nothing of their squared means
        whole, weight = sums.sum(axis=1), held.sum(axis=1)
        single = np.count_nonzero(held, axis=1) == 1
        alone = np.divide(1, weight, out=np.zeros_like(weight), where=single)[row]
        alone = (whole * whole * alone).sum(axis=-1) / weight.sum(axis=-1)[row]
        unresolved = np.hypot(lost[:, 0], alone) / variance[:, 0]
    return shares.T, unresolved


def _joined(each: Array, pairs: Sequence[Numbers]) -> Iterator[Array]:
    """For each pairing, sums over the bins of the last axis from each of the firsts up to the next: one or two."""
    two = each.copy()
    two[..., :-1] += each[..., 1:]
    for firsts in pairs:
        joined = two.take(firsts, axis=-1)
        single = np.diff(firsts, append=each.shape[-1]) == 1
        joined[..., single] = each[..., firsts[single]]
        yield joined


def _directions(middles: Array, held: Array, sums: Array, row: Numbers) -> Array:
    """Which way the mean goes from one eighth of the scenarios to the next, by (pair, bin) and the row of each pair."""
    groups = np.minimum((middles * _GROUPS).astype(np.intp), _GROUPS - 1)

    def grouped(values: Array, groups: Numbers) -> Array:
        places = groups + _GROUPS * np.arange(len(values))[:, None]
        sums: Array = np.bincount(places.ravel(), values.ravel(), _GROUPS * len(values)).astype(np.float64, copy=False)
        return sums.reshape(-1, _GROUPS)

    weights, totals = grouped(held, groups)[row], grouped(sums, groups[row])
    there = weights > 0
    nearest = np.maximum.accumulate(np.where(there, np.arange(_GROUPS), np.argmax(there, axis=-1)[:, None]), axis=-1)
    means = np.divide(totals, weights, out=np.zeros_like(totals), where=there)
    steps: Array = np.diff(np.take_along_axis(means, nearest, axis=-1), axis=-1)  # 0 to a group that is not there
    way, along = np.abs(steps).sum(axis=-1), steps.sum(axis=-1)
    found: Array = np.where((way > 0) & (np.abs(along) >= (1 - 2 * _BACKWARDS) * way), np.sign(along), 0.0)
    return found


def jackknife(shares: Array, unresolved: Array | float = 0.0) -> tuple[Array, Array]:
    """A share and its standard error, from it and those without each replicate along the first axis.

    The share is freed of the part of its bias that falls with the number of replicates: where in a net the number of
    scenarios in a bin goes with their mean, a mean has one.
    """
    others = shares[1:]
    count, mean = len(others), others.mean(axis=0)
    error = np.sqrt((count - 1) / count * ((others - mean) ** 2).sum(axis=0))
    return count * shares[0] - (count - 1) * mean, np.hypot(error, unresolved)


def beyond_error(share: Any, error: Any) -> Any:
    """Whether a share is more than its 95 % interval reaches, elementwise."""
    return share > t_quantile() * error
