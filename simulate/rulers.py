"""Rulers: the cells in which a column's values are counted, laid out by a pilot of the column.

A ruler numbers its cells from 0 and gives each float the number of its cell, which rises with the float. Cells
with other numbers, below and above, take what the pilot has not foreseen, so that nothing is too large, too small
or too near to another value. Counts of cells add up exactly in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulate.device import Bins, Parts
from simulate.graph import distinct_values
from simulate.plain import storable

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Cells = NDArray[np.int64]

MOST_VALUES = 2**16  # so many distinct values are counted one by one
LEAST_PILOT = 2**10  # values from which a pilot lays out knots
_LEAST_FOR_BINS = 2**13  # and tells how much a bin holds
_FARTHEST = 96  # order statistics at either end that are all knots; then a 96th of their rank apart
PARTS = 32  # equal cells between neighbouring knots
_LEADING_BITS = 10  # a bin of float bits is at most 2^-10 wide, relative to its magnitude
_SHIFT = 52 - _LEADING_BITS
_OCTAVE = 1 << _LEADING_BITS
_SIGNLESS = (1 << 63 - _SHIFT) - 1
_FULLEST = 1 / 200  # of the values, in a bin of float bits
_FULLEST_BEYOND = 1 / 20  # of the values beyond it
_GREATEST = float(np.finfo(np.float64).max)
_NONE = np.zeros(0, np.int64), np.zeros(0, np.int64)  # no cells, no weights
_EVEN_ENOUGH = 1 / 8  # of about the distance that chance would put between the halves of a chunk


class Ruler(Protocol):
    """Cells 0 to `cells` - 1 and, below and above, further ones; `by_value` where single values are counted first."""

    @property
    def by_value(self) -> bool:
        """Whether values are counted one by one as long as they are few."""
        ...

    @property
    def cells(self) -> int:
        """The number of the cells that the pilot has foreseen."""
        ...

    def places(self, values: Array, weights: Counts | None) -> tuple[Cells, Counts | None]:
        """The cells of finite values, in any order, and their weights in the same."""
        ...

    def count(self, values: Array, weights: Counts | None, counts: Counts) -> tuple[Cells, Counts]:
        """Add finite values, once each or by their weights, to the counts of the cells foreseen.

        Gives the cells of the others, and their weights.
        """
        ...

    def ends(self, cells: Cells) -> tuple[Array, Array]:
        """The lowest and the highest value of cells; the same where a cell is a single value."""
        ...

    @property
    def cut(self) -> Bins | Parts:
        """By which a kernel finds the cells that the pilot has foreseen."""
        ...


def _edge(bins: Cells) -> Array:
    return (bins << _SHIFT).view(np.float64)


@storable
@dataclass(frozen=True)
class Bits:
    """Bins of the leading bits of floats, `cells` of them from the bin `start` on.

    Negative values have negative bins: the bins of all floats rise with them.
    """

    start: int = 0
    cells: int = 0
    by_value: bool = True

    def places(self, values: Array, weights: Counts | None) -> tuple[Cells, Counts | None]:
        """The bins of values."""
        bins = values.view(np.int64) >> _SHIFT
        if bins.min(initial=0) < 0:
            negative = bins < 0
            bins[negative] = -1 - (bins[negative] & _SIGNLESS)
        bins -= self.start
        return bins, weights

    @property
    def cut(self) -> Bins:
        """By which a kernel finds the cells."""
        return Bins(self.cells, _SHIFT, self.start)

    def count(self, values: Array, weights: Counts | None, counts: Counts) -> tuple[Cells, Counts]:
        """Add values to the counts of bins."""
        cells, weights = self.places(values, weights)
        if cells.min() >= 0 and cells.max() < len(counts):
            _add(cells, weights, counts)
            return _NONE
        there = (cells >= 0) & (cells < len(counts))
        _add(cells[there], None if weights is None else weights[there], counts)
        return _some(cells, weights, ~there)

    def ends(self, cells: Cells) -> tuple[Array, Array]:
        """The edges of bins."""
        bins = cells + self.start
        negative = bins < 0
        if not negative.any():
            return _edge(bins), _edge(bins + 1)
        magnitudes = np.where(negative, -1 - bins, bins)
        near, far = _edge(magnitudes), _edge(magnitudes + 1)
        return np.where(negative, -far, near), np.where(negative, -near, far)


@storable
@dataclass(frozen=True)
class Knots:
    """Rising `knots`, each a cell of its own, and `PARTS` equal cells between two neighbours.

    Beyond the ends, a cell has the leading bits of the distance from the end.
    """

    knots: Array
    by_value: bool = False

    @property
    def cells(self) -> int:
        """The cells from the first knot to the last."""
        return (PARTS + 1) * (len(self.knots) - 1) + 1

    def __getstate__(self) -> dict[str, object]:
        """The fields, without what follows from them."""
        return {"knots": self.knots, "by_value": self.by_value}

    @property
    def cut(self) -> Parts:
        """By which a kernel finds the cells."""
        return Parts(self.cells, self.knots, self._rates, PARTS)

    @cached_property
    def _rates(self) -> Array:
        """Cells by unit of distance from each knot to the next."""
        with np.errstate(over="ignore", divide="ignore"):
            rates: Array = PARTS / np.diff(self.knots)
        return rates

    @cached_property
    def _segments(self) -> tuple[Cells, Array, Array]:
        """Of each knot, and between it and the next: the first cell, the lowest value, cells by unit of distance."""
        count = len(self.knots)
        first: Cells = (np.arange(count)[:, None] * (PARTS + 1) + np.arange(2)).ravel()[:-1]
        scales = np.zeros(2 * count - 1)
        scales[1::2] = self._rates
        return first, np.repeat(self.knots, 2)[:-1], scales

    def places(self, values: Array, weights: Counts | None) -> tuple[Cells, Counts | None]:
        """The cells of values, which are put in rising order."""
        if weights is None:
            values = np.sort(values)
        else:
            order = np.argsort(values)
            values, weights = values[order], weights[order]
        edges = np.empty(2 * len(self.knots), np.intp)
        edges[::2] = np.searchsorted(values, self.knots, "left")
        edges[1::2] = np.searchsorted(values, self.knots, "right")
        within, numbers = values[edges[0] : edges[-1]], np.diff(edges)
        first, low, scale = (np.repeat(each, numbers) for each in self._segments)
        with np.errstate(over="ignore", invalid="ignore"):
            parts = np.multiply(np.subtract(within, low, out=low), scale, out=low)
        np.fmin(parts, PARTS - 1, out=parts)  # the last one takes what no float can say
        first += parts.astype(np.int64)
        below, above = (_beyond(each, self.knots, self.cells) for each in (values[: edges[0]], values[edges[-1] :]))
        cells: Cells = np.concatenate([below, first, above])
        return cells, weights

    def count(self, values: Array, weights: Counts | None, counts: Counts) -> tuple[Cells, Counts]:
        """Add values to the counts of knots and parts."""
        cells, weights = self.places(values, weights)
        first, last = np.searchsorted(cells, [0, len(counts)])
        _add(cells[first:last], None if weights is None else weights[first:last], counts)
        return _some(cells, weights, np.r_[:first, last : len(cells)])

    def ends(self, cells: Cells) -> tuple[Array, Array]:
        """The ends of parts, knots and distances."""
        inside = np.clip(cells, 0, self.cells - 1)
        knot, part = np.divmod(inside, PARTS + 1)
        low, following = self.knots[knot], self.knots[np.minimum(knot + 1, len(self.knots) - 1)]
        share = (part - 1) / PARTS, part / PARTS
        with np.errstate(over="ignore"):
            begin, end = (np.where(part == 0, low, low * (1 - each) + following * each) for each in share)
            for outside, knot_there, sign in ((cells < 0, self.knots[0], -1), (cells >= self.cells, self.knots[-1], 1)):
                bins = np.abs(cells[outside] - (self.cells if sign > 0 else -1))
                near, far = knot_there + sign * _edge(bins), knot_there + sign * _edge(bins + 1)
                begin[outside], end[outside] = (near, far) if sign > 0 else (far, near)
        return begin, end


def _beyond(values: Array, knots: Array, cells: int) -> Cells:
    """The cells of values beyond the ends of so many: bins of the distances, the last of what no float can say."""
    below = values < knots[0]
    with np.errstate(over="ignore"):
        distances = np.where(below, knots[0] - values, values - knots[-1])
    bins = np.minimum(distances, _GREATEST).view(np.int64) >> _SHIFT
    beyond: Cells = np.where(below, -1 - bins, cells + bins)
    return beyond


def _add(cells: Cells, weights: Counts | None, counts: Counts) -> None:
    """Add to the counts of cells.

    A block's sums of weights stay below 2^53, where float64 is exact.
    """
    counts += np.bincount(cells, weights, minlength=len(counts)).astype(np.int64, copy=False)


def _some(cells: Cells, weights: Counts | None, where: NDArray[np.bool_] | Cells) -> tuple[Cells, Counts]:
    """Some of the cells, and how often what is there counts."""
    found = cells[where]
    return found, np.ones(len(found), np.int64) if weights is None else weights[where]


def laid_out(pilot: Sequence[tuple[Array, Counts | None]], share: float) -> Ruler:
    """The ruler of a column, by finite values in the order drawn, chunk by chunk, and their weights, if they have any.

    `share` is that of the pilot in all there will be. Where these are few, or the pilot repeats itself, values are
    counted one by one, as long as they are few. Otherwise bins of float bits serve positive columns where none holds
    much by the pilot, and knots all others. Knots are worth their price too where halves of a chunk agree better than
    chance, as nets in few dimensions do: such a column's percentiles are known better than bins would tell them.
    """
    values = np.concatenate([np.zeros(0), *(each for each, _ in pilot)])
    if not len(values):
        return Bits()
    weighted = any(weights is not None for _, weights in pilot)
    order = np.argsort(values)
    ranked = values[order]
    distinct = ranked[np.concatenate([[True], ranked[1:] > ranked[:-1]])]
    by_value = len(values) <= MOST_VALUES * share or 2 * len(distinct) <= len(values)
    if not weighted and len(values) >= _LEAST_FOR_BINS and distinct[0] > 0 and not _is_even(pilot[0][0]):
        bins = ranked.view(np.int64) >> _SHIFT
        if _is_fine(bins):
            start = max(int(bins[0]) - _OCTAVE, 0)
            return Bits(start, int(bins[-1]) + _OCTAVE - start, by_value)
    numbers = [np.ones(len(each), np.int64) if weights is None else weights for each, weights in pilot]
    cumulated = np.cumsum(np.concatenate(numbers)[order])
    shares = (_knot_ranks(len(values)) - 0.5) / len(values)
    places = np.searchsorted(cumulated, np.concatenate([shares, 1 - shares]) * cumulated[-1])
    return Knots(distinct_values(ranked[places]), by_value)


def _knot_ranks(count: int) -> Array:
    """The ranks from either end at which knots stand: one by one, then as far apart as errors of percentiles grow.

    Those go with the square root of what lies beyond, as does the noise in a cell with what it holds; so knots
    lie apart by a constant share of their rank.
    """
    steps = np.arange(1, _FARTHEST * (1 + np.log(max(count / 2 / _FARTHEST, 1))) + 1)
    ranks: Array = np.where(steps <= _FARTHEST, steps, _FARTHEST * np.exp(steps / _FARTHEST - 1))
    return np.minimum(ranks, (count + 1) / 2)


def _is_fine(bins: Cells) -> bool:
    """Whether, by a pilot's rising bins, none between P0.1 and P99.9 holds too much of all, or of what lies beyond.

    The error of a percentile in a bin goes with the square of what the bin holds.
    """
    count = len(bins)
    firsts = np.flatnonzero(np.diff(bins, prepend=-1))
    held = np.diff(np.append(firsts, count))
    beyond = np.minimum(firsts, count - firsts - held)
    held, beyond = held[beyond >= count / 1000], beyond[beyond >= count / 1000]
    expected = np.minimum(_FULLEST_BEYOND * beyond, _FULLEST * count)
    if (held > expected + 3 * np.sqrt(expected)).any():  # by more than chance
        return False
    ranks = 2 ** np.arange(int(np.log2(count / 1000)), int(np.log2(count)))  # at each, twice as many lie beyond
    spanned = np.append(np.diff(bins[ranks]), -np.diff(bins[-1 - ranks]))
    return bool((spanned >= np.log(2) / _FULLEST_BEYOND).all())


def _is_even(values: Array) -> bool:
    """Whether the two halves of a chunk agree far better than chance, by Kolmogorov's distance."""
    half = len(values) // 2
    first, second = np.sort(values[:half]), np.sort(values[half : 2 * half])
    apart = np.abs(np.searchsorted(first, second) - np.arange(half)).max()
    return bool(apart < _EVEN_ENOUGH * np.sqrt(2 * half))
