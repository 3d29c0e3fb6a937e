"""Tables: inverse distribution functions as one multiply-add.

Read as a signed integer, a word plus one half is its distance from the nearer end of (0, 1), in units of
2^-32, with the sign telling which end. The sign, exponent and leading bits of that float name a cell, so
that both tails stay resolved; a cell's line runs through the values at its two Gauss points, which keeps its
mean. A cell that holds a jump, or in which a line is too far from the curve (of a loguniform over 25 decades, or
where the density vanishes between two components), is left blank: its draws come from the exact inverse. So does
a cell whose line would leave the support; what rounding puts beyond an end is drawn as the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import array_module, look_up, moved, scratch, to_host
from simulate.device import on_score_lines, on_word_lines, with_kernel
from simulate.distributions.scores import normal_probability, normal_score

if TYPE_CHECKING:
    from simulate.distributions import Distribution
    from simulate.sampling.schemes import Words

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Cells = NDArray[np.intp]
Each = TypeVar("Each", np.float64, np.bool_)

_LEADING_BITS = 8
_OCTAVES = 32
_GAUSS = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3.0)  # in units of the cell
_SCORES_PER_UNIT = 512
SCORE_LIMIT = 8.5
_SCORE_CELLS = int(2 * SCORE_LIMIT * _SCORES_PER_UNIT)
_TOLERANCE = 2.5e-5  # of a line, relative to the value or to the interquartile range, if that is more
_SMOOTH = 3e-8  # the same of interpolation at twice the step, which has about 64 times the error
_TORN = 0.02  # of what the lines of two cells rise: so far apart they do not meet, as those of a smooth curve do
_FINE = 1e-6  # of the interquartile range: lines so near each other meet in any case
_STEP, _REACH = 1 / 32, 8.75  # of the grid of scores between which costly quantiles are interpolated
_GRID: Array = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Lines:
    """A piecewise linear function: intercept + slope * position; nan in the cells left blank, if there are any."""

    intercept: Array
    slope: Array
    exact: Distribution | None = None  # for the blank cells
    limits: tuple[float, float] | None = None  # the ends of the support, where a line comes near one

    @np.errstate(all="ignore")  # as in `_lines`
    def completed(self, values: Array, probabilities: Callable[[Cells], tuple[Array, Array]]) -> Array:
        """Values on the lines, with those of the blank cells, below and above which lie the probabilities of places.

        Those are found on the host, wherever the values are.
        """
        if self.exact is not None:
            blank = np.flatnonzero(np.isnan(values))
            values[blank] = moved(self.exact.quantile(*probabilities(blank)), values)
        if self.limits is not None:
            np.clip(values, *self.limits, out=values)
        return values


@np.errstate(all="ignore")
def _lines(left: Array, right: Array, low: Array, high: Array) -> Lines:
    """Lines through (left, low) and (right, high); no numbers where these are too far apart for one."""
    slope = (high - low) / (right - left)
    slope[high == low] = 0.0
    return Lines(low - slope * left, slope)


def _positions(words: Words, position: Array) -> Array:
    """Signed distance from the nearer end of (0, 1), in units of 2^-32, put into `position`."""
    position[:] = words.view(np.int32)
    position += 0.5
    return position


def probabilities(words: Words) -> tuple[Array, Array]:
    """The probabilities below and above that the words stand for, the smaller of the two exact."""
    return probabilities_at(_positions(words, array_module(words).empty(words.shape)))


def probabilities_at(position: Array) -> tuple[Array, Array]:
    """The probabilities below and above a position, the smaller of the two exact."""
    near = np.abs(position) * 2.0**-32
    below = position > 0
    return np.where(below, near, 1 - near), np.where(below, 1 - near, near)


@cache
def cell_edges() -> tuple[Array, Array]:
    """Left edge and width of each cell, as distances; the upper half repeats the lower."""
    # the exponent is -1 (for one half) to 30; a cell's number holds it as bias 1023 leaves it modulo 32
    exponent = (np.arange(_OCTAVES).repeat(1 << _LEADING_BITS) + 1).astype(float)
    exponent[exponent == _OCTAVES] = 0.0
    exponent[exponent == _OCTAVES - 1] = -1.0
    leading = np.tile(np.arange(1 << _LEADING_BITS), _OCTAVES) / 2.0**_LEADING_BITS
    return 2.0**exponent * (1 + leading), 2.0**exponent / 2.0**_LEADING_BITS


def _mirrored(distance: Array) -> Array:
    """Positions at distances from the lower, then from the upper end."""
    return np.concatenate([distance, -distance])


@dataclass(frozen=True)
class _Points:
    """Where the lines of cells are drawn through: positions, their normal scores, the probabilities below and above."""

    positions: Array
    scores: Array
    probabilities: tuple[Array, Array]

    @cached_property
    def neighbours(self) -> tuple[Cells, list[Array]]:
        """The first of the six points of the grid by which one is interpolated, and the weight of each."""
        place = (self.scores + _REACH) / _STEP
        first = np.clip(place.astype(np.int64) - 2, 0, len(_GRID) - 6)
        offset, weights = place - first, [np.ones_like(place) for _ in range(6)]
        for k, other in permutations(range(6), 2):
            weights[k] *= (offset - other) / (k - other)
        return first, weights


class _Cells(NamedTuple):
    """The cells of tables: the Gauss points of each, left and right, and the `order` of the cells by probability.

    `edges` are where each begins and ends, in that order; `holding` the same in terms of what tells the jumps of a
    distribution, in the cells' own.
    """

    points: tuple[_Points, _Points]
    edges: tuple[Array, Array]
    holding: tuple[Array, Array]
    order: Cells


@cache
def _word_cells() -> _Cells:
    """The cells of a word's position."""
    edge, width = cell_edges()

    def points(place: float) -> _Points:
        positions = _mirrored(edge + width * place)
        below_and_above = probabilities_at(positions)
        return _Points(positions, normal_score(*below_and_above), below_and_above)

    outer, inner = edge * 2.0**-32, (edge + width) * 2.0**-32
    from_left, to_right = np.concatenate([outer, 1 - inner]), np.concatenate([inner, 1 - outer])
    order, (left, right) = np.argsort(from_left), map(points, _GAUSS)
    edges = np.concatenate([edge, -edge - width])[order], np.concatenate([edge + width, -edge])[order]
    return _Cells((left, right), edges, (from_left, to_right), order)


@cache
def _score_cells() -> _Cells:
    """Equal cells of the normal score."""
    width = 1 / _SCORES_PER_UNIT
    edges: Array = -SCORE_LIMIT + np.arange(_SCORE_CELLS + 1, dtype=np.float64) * width

    def points(place: float) -> _Points:
        scores = edges[:-1] + place * width
        return _Points(scores, scores, normal_probability(scores))

    around, (left, right) = (edges[:-1], edges[1:]), map(points, _GAUSS)
    return _Cells((left, right), around, around, np.arange(_SCORE_CELLS))


def _spread(distribution: Distribution) -> float:
    """The interquartile range."""
    low, high = distribution.quantile([0.25, 0.75]).tolist()
    return float(high - low)


@np.errstate(all="ignore")
def _quantiles(distribution: Distribution, points: _Points) -> Array:
    """Quantiles at points: where costly, between exact ones on a grid.

    Six-point interpolation with step 1/32 in the score, unless that from every other point of the grid tells
    that it is not smooth enough.
    """
    if not distribution.costly:
        return distribution.quantile(*points.probabilities)
    exact = distribution.quantile(*normal_probability(_GRID))
    coarse = exact[::2]
    between = sum(
        weight / 256 * coarse[place : len(coarse) - 5 + place]
        for place, weight in enumerate((3, -25, 150, 150, -25, 3))
    )
    known = exact[5:-5:2]
    if not (np.abs(between - known) <= _SMOOTH * np.maximum(np.abs(known), _spread(distribution))).all():
        return distribution.quantile(*points.probabilities)
    first, weights = points.neighbours
    value = np.zeros_like(points.scores)
    for k, weight in enumerate(weights):
        value += weight * exact[first + k]
    low, high = distribution.support
    return np.clip(value, low, high)


@np.errstate(all="ignore")
def _blanked(distribution: Distribution, lines: Lines, values: Array, cells: _Cells, jumped: Mask) -> Lines:
    """Blank the cells that hold a jump, and those whose line is off, does not meet the next or leaves the support.

    A parabola departs from its line by at most a twelfth of the width times the change of the slope from one cell to
    the next.
    """
    order, (left, right) = cells.order, cells.edges
    intercept, slope, values, jumped = lines.intercept[order], lines.slope[order], values[order], jumped[order]
    start, end = intercept + slope * left, intercept + slope * right
    spread, rounding = _spread(distribution), _ROUNDING * np.abs(values)
    error = (right - left) / 12 * _beside(np.abs(np.diff(slope)))
    gap, rise = np.abs(start[1:] - end[:-1]), np.abs(end - start)
    torn = gap > np.maximum(_TORN * (rise[1:] + rise[:-1]), _FINE * spread + rounding[1:] + rounding[:-1])
    low, high = distribution.support
    outside = (start < low - rounding) | (end > high + rounding)
    beyond = ~(np.isfinite(start) & np.isfinite(end))
    blank = jumped | _beside(torn) | outside | beyond | (error > _TOLERANCE * np.maximum(np.abs(values), spread))
    lines.intercept[order[blank]] = np.nan
    near = (start <= low + rounding).any() or (end >= high - rounding).any()
    return Lines(lines.intercept, lines.slope, distribution if blank.any() else None, (low, high) if near else None)


def _beside(between: NDArray[Each]) -> NDArray[Each]:
    """The greater of what stands between a cell and the one before it, and between it and the one after it."""
    most: NDArray[Each] = np.concatenate([between, between[-1:]])
    np.maximum(between[1:], between[:-1], out=most[1:-1])
    return most


def _holding(left: Array, right: Array, jumps: Array) -> Mask:
    """Which of the cells from left to right hold one of the increasing jumps."""
    return np.searchsorted(jumps, left, "left") < np.searchsorted(jumps, right, "right")


@lru_cache(maxsize=512)
def uniform_table(distribution: Distribution) -> Lines:
    """The quantile function, for cells of a word's position."""
    return _table(distribution, _word_cells(), distribution.bends)


@lru_cache(maxsize=512)
def score_table(distribution: Distribution) -> Lines:
    """The quantile function, for equal cells of the normal score."""
    from simulate.special import ndtri

    return _table(distribution, _score_cells(), ndtri(distribution.bends))


def _table(distribution: Distribution, cells: _Cells, jumps: Array) -> Lines:
    left, right = cells.points
    low, high = (_quantiles(distribution, points) for points in cells.points)
    lines = _lines(left.positions, right.positions, low, high)
    return _blanked(distribution, lines, low, cells, _holding(*cells.holding, jumps))


@cache
def _normal_table() -> Lines:
    """The standard normal's quantile function, for cells of a word's position."""
    left, right = _word_cells().points
    return _lines(left.positions, right.positions, left.scores, right.scores)


def normal_scores(words: Words) -> Array:
    """Standard normal draws for words."""
    return at_words(_normal_table(), words)


def at_words(table: Lines, words: Words) -> Array:
    """Values of the distribution of a uniform table, for words."""
    values: Array = array_module(words).empty(words.shape)
    _on_word_lines(words, table.slope, table.intercept, _LEADING_BITS, values)
    return table.completed(values, lambda blank: probabilities(to_host(words[blank])))


@with_kernel(on_word_lines)
def _on_word_lines(words: Words, slope: Array, intercept: Array, leading_bits: int, values: Array) -> None:
    position, leading, cell = scratch(words, np.float64, np.int64, np.int64)
    half = len(slope) // 2
    np.right_shift(_positions(words, position).view(np.int64), 52 - leading_bits, out=leading)
    np.bitwise_and(leading, half - 1, out=cell)
    leading >>= 63
    leading &= half
    cell |= leading
    _on_lines(cell, position, slope, intercept, values)


def at_scores(table: Lines, scores: Array) -> Array:
    """Values of the distribution of a score table, at standard normal scores."""
    values: Array = array_module(scores).empty(scores.shape)
    _on_score_lines(scores, table.slope, table.intercept, SCORE_LIMIT, values)
    return table.completed(values, lambda blank: normal_probability(_within(to_host(scores[blank]), SCORE_LIMIT)))


@with_kernel(on_score_lines)
def _on_score_lines(scores: Array, slope: Array, intercept: Array, limit: float, values: Array) -> None:
    position, place, cell = scratch(scores, np.float64, np.float64, np.int64)
    np.add(_within(scores, limit, position), limit, out=place)
    place *= len(slope) / (2 * limit)
    cell[:] = place
    _on_lines(cell, position, slope, intercept, values)


def _within(scores: Array, limit: float, found: Array | None = None) -> Array:
    """Scores beyond the last cells as in them."""
    return np.clip(scores, -limit, limit - 1e-9, out=found)


@np.errstate(all="ignore")  # as in `_lines`
def _on_lines(cell: Cells, position: Array, slope: Array, intercept: Array, values: Array) -> None:
    """Put the values on the lines of cells, at positions, which are used up, into `values`."""
    look_up(slope, cell, values)
    values *= position
    look_up(intercept, cell, position)
    values += position
