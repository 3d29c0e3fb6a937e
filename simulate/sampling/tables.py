"""Draws addressed, not consumed: uniforms follow from (seed, replicate, dimension or name, chunk) alone.

So a result does not depend on threads or order, a new prior leaves the other columns as they were, and two
cases drawn from one seed are paired. A uniform is a 32-bit word x and stands for (x + 1/2) / 2^32.

Sources: Joe and Kuo (2008), direction numbers new-joe-kuo-6; Matousek (1998), linear matrix scramble with
a digital shift; Steele, Lea and Flood (2014), the SplitMix64 mixer that keys both; Salmon et al. (2011),
Philox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulate.dependence import triangular_factor

if TYPE_CHECKING:
    from simulate.distributions import Distribution

Array = NDArray[np.float64]
Words = NDArray[np.uint32]
Mask = NDArray[np.bool_]
Blocks = Callable[[int], Words]  # chunk -> words, one row a column drawn, one word a scenario

CHUNK = 2**14
REPLICATES = 16

# ---------------------------------------------------------------------------------------------------------
# Schemes: how the words are made


@cache
def _directions() -> Words:
    """Direction numbers of the Sobol' sequence: (1024 dimensions, 32 bits), the first bit the highest."""
    with resources.as_file(resources.files("simulate") / "data" / "sobol_directions.npy") as path:
        numbers: Words = np.load(path)
    return numbers


def _mixed(state: NDArray[np.uint64], step: NDArray[np.uint64] | int) -> NDArray[np.uint64]:
    """SplitMix64: the mixed state, `step` golden ratios on."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        z = state + golden * (np.asarray(step, dtype=np.uint64) + np.uint64(1))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def _keyed_words(seed: int, replicate: int, dimensions: Sequence[int], count: int) -> Words:
    """Random words (dimension, count), each a function of (seed, replicate, dimension, place)."""
    state = np.atleast_1d(_mixed(np.zeros(1, np.uint64), seed % 2**64))
    state = _mixed(_mixed(state, replicate), np.asarray(dimensions, dtype=np.uint64))
    return (_mixed(state[:, None], np.arange(count, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32)


def _scrambled_directions(seed: int, replicate: int, dimensions: Sequence[int]) -> tuple[Words, Words]:
    """Direction numbers under a random triangular matrix, (dimension, 32), and the shift, (dimension,)."""
    words = _keyed_words(seed, replicate, dimensions, 33)
    plain = _directions()[list(dimensions)]
    scrambled = np.zeros_like(plain)
    for bit in range(32):  # column `bit` of the matrix: one on the diagonal, random below it
        diagonal = np.uint32(1 << (31 - bit))
        column = diagonal | (words[:, bit, None] & (diagonal - np.uint32(1)))
        scrambled ^= np.where(plain & diagonal, column, np.uint32(0))
    return scrambled, words[:, 32]


def sobol(seed: int, replicate: int, names: Sequence[str], dimensions: Sequence[int], size: int) -> Blocks:
    """One scrambled net: its chunk k is the block 0, in Gray code order, XOR one word a dimension."""
    if not names:
        return lambda _: np.zeros((0, size), np.uint32)
    directions, shift = _scrambled_directions(seed, replicate, dimensions)
    block = np.empty((len(names), size), np.uint32)
    block[:, 0] = shift
    bits = size.bit_length() - 1
    for bit in range(bits):
        step = directions[:, bit] ^ (directions[:, bit - 1] if bit else np.uint32(0))
        np.bitwise_xor(block[:, : 1 << bit], step[:, None], out=block[:, 1 << bit : 2 << bit])

    def chunk(index: int) -> Words:
        first = index << bits
        gray = first ^ (first >> 1)
        set_bits = [bit for bit in range(32) if gray >> bit & 1]
        word = np.bitwise_xor.reduce(directions[:, set_bits], axis=1)
        words: Words = block ^ word[:, None]
        return words

    return chunk


def random(seed: int, replicate: int, names: Sequence[str], dimensions: Sequence[int], size: int) -> Blocks:
    """Plain Monte Carlo: a Philox stream for each name, its counter at (chunk, replicate)."""
    del dimensions
    keys = [
        int.from_bytes(hashlib.blake2b(f"{seed} {name}".encode(), digest_size=16).digest(), "little")
        for name in names
    ]

    def chunk(index: int) -> Words:
        words = np.empty((len(names), size), np.uint32)
        for row, key in zip(words, keys, strict=True):
            stream = np.random.Philox(key=key, counter=[0, 0, index, replicate])
            row[:] = stream.random_raw((size + 1) // 2).astype("<u8", copy=False).view(np.uint32)[:size]
        return words

    return chunk


SCHEMES: dict[str, Callable[[int, int, Sequence[str], Sequence[int], int], Blocks]] = {
    "sobol": sobol,
    "random": random,
}

# ---------------------------------------------------------------------------------------------------------
# Tables: inverse distribution functions as one multiply-add
#
# Read as a signed integer, a word plus one half is its distance from the nearer end of (0, 1), in units of
# 2^-32, with the sign telling which end. The sign, exponent and leading bits of that float name a cell, so
# that both tails stay resolved; a cell's line runs through the values at its two Gauss points, which keeps its
# mean. A cell that holds a jump, or in which a line is too far from the curve (of a loguniform over 25 decades, or
# where the density vanishes between two components), is left blank: its draws come from the exact inverse.

_LEADING_BITS = 8
_OCTAVES = 32
_HALF = _OCTAVES << _LEADING_BITS  # cells on one side of the median
_GAUSS = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3.0)  # in units of the cell
_SCORES_PER_UNIT = 512
_SCORE_LIMIT = 8.5
_SCORE_CELLS = int(2 * _SCORE_LIMIT * _SCORES_PER_UNIT)
_TOLERANCE = 2.5e-5  # of a line, relative to the value or to the interquartile range, if that is more
_SMOOTH = 3e-8  # the same of interpolation at twice the step, which has about 64 times the error


@dataclass(frozen=True)
class _Lines:
    """A piecewise linear function: intercept + slope * position; nan in the cells left blank."""

    intercept: Array
    slope: Array
    blank: bool = False  # whether there are such cells

    def __call__(self, cell: NDArray[np.int64], position: Array) -> Array:
        value = self.slope.take(cell)
        value *= position
        value += self.intercept.take(cell)
        return value


def _lines(left: Array, right: Array, low: Array, high: Array) -> _Lines:
    """Lines through (left, low) and (right, high)."""
    slope = (high - low) / (right - left)
    slope[high == low] = 0.0
    return _Lines(low - slope * left, slope)


def _positions(words: Words) -> Array:
    """Signed distance from the nearer end of (0, 1), in units of 2^-32."""
    position = words.view(np.int32).astype(np.float64)
    position += 0.5
    return position


def _cells(position: Array) -> NDArray[np.int64]:
    leading = position.view(np.int64) >> (52 - _LEADING_BITS)
    cell = leading & (_HALF - 1)
    leading >>= 63
    leading &= _HALF
    cell |= leading
    return cell


def probabilities(words: Words) -> tuple[Array, Array]:
    """The probabilities below and above that the words stand for, the smaller of the two exact."""
    return _probabilities_at(_positions(words))


def _probabilities_at(position: Array) -> tuple[Array, Array]:
    near = np.abs(position) * 2.0**-32
    below = position > 0
    return np.where(below, near, 1 - near), np.where(below, 1 - near, near)


@cache
def _cell_edges() -> tuple[Array, Array]:
    """Left edge and width of each cell, as distances; the upper half repeats the lower."""
    # the exponent is -1 (for one half) to 30; a cell's number holds it as bias 1023 leaves it modulo 32
    exponent = (np.arange(_OCTAVES).repeat(1 << _LEADING_BITS) + 1).astype(float)
    exponent[exponent == _OCTAVES] = 0.0
    exponent[exponent == _OCTAVES - 1] = -1.0
    leading = np.tile(np.arange(1 << _LEADING_BITS), _OCTAVES) / 2.0**_LEADING_BITS
    return 2.0**exponent * (1 + leading), 2.0**exponent / 2.0**_LEADING_BITS


@cache
def _cell_nodes() -> tuple[Array, Array, Array, Array]:
    """Signed positions of the two Gauss points of each cell, then their normal scores: left and right."""
    from scipy.special import ndtri

    edge, width = _cell_edges()
    left, right = (edge + width * place for place in _GAUSS)
    scores = [ndtri(distance * 2.0**-32) for distance in (left, right)]
    return (
        np.concatenate([left, -left]),
        np.concatenate([right, -right]),
        np.concatenate([scores[0], -scores[0]]),
        np.concatenate([scores[1], -scores[1]]),
    )


def _scale(distribution: Distribution, values: Array) -> Array:
    """What errors are relative to: the value, or the interquartile range where that is more."""
    low, high = distribution.quantile(np.array([0.25, 0.75]))
    scale: Array = np.maximum(np.abs(values), high - low)
    return scale


def _quantiles(distribution: Distribution, scores: Array, p: Array, q: Array) -> Array:
    """Quantiles at p = 1 - q, whose normal scores are given: where costly, between exact ones on a grid.

    Six-point interpolation with step 1/32 in the score, unless that from every other point of the grid tells
    that it is not smooth enough.
    """
    if not distribution.costly:
        return distribution.quantile(p, q)
    from scipy.special import ndtr

    step, reach = 1 / 32, 8.75
    grid = np.arange(-reach, reach + step / 2, step)
    exact = distribution.quantile(ndtr(grid), ndtr(-grid))
    coarse = exact[::2]
    between = sum(
        weight / 256 * coarse[place : len(coarse) - 5 + place]
        for place, weight in enumerate((3, -25, 150, 150, -25, 3))
    )
    known = exact[5:-5:2]
    if (np.abs(between - known) > _SMOOTH * _scale(distribution, known)).any():
        return distribution.quantile(p, q)
    place = (scores + reach) / step
    first = np.clip(place.astype(np.int64) - 2, 0, len(grid) - 6)
    offset = place - first
    value = np.zeros_like(scores)
    for k in range(6):
        weight = np.ones_like(scores)
        for other in range(6):
            if other != k:
                weight *= (offset - other) / (k - other)
        value += weight * exact[first + k]
    low, high = distribution.support
    return np.clip(value, low, high)


def _blanked(
    distribution: Distribution, lines: _Lines, values: Array, edges: tuple[Array, Array], jumped: Mask
) -> _Lines:
    """Blank the cells that hold a jump and those whose line is off by more than the tolerance.

    A parabola departs from its line by at most a twelfth of the width times the change of the slope from one
    cell, of those with the given edges, to the next.
    """
    left, right = edges
    change = np.abs(np.diff(lines.slope))
    change[left[1:] != right[:-1]] = 0.0
    error = np.abs(right - left) / 12 * np.maximum(np.append(change, 0.0), np.append(0.0, change))
    blank = jumped | (error > _TOLERANCE * _scale(distribution, values))
    lines.intercept[blank] = np.nan
    return _Lines(lines.intercept, lines.slope, bool(blank.any()))


def _holding(left: Array, right: Array, jumps: Array) -> Mask:
    """Which of the cells from left to right hold one of the increasing jumps."""
    holding: Mask = np.searchsorted(jumps, left, "left") < np.searchsorted(jumps, right, "right")
    return holding


def _uniform_table(distribution: Distribution) -> _Lines:
    """The quantile function, for cells of a word's position."""
    left, right, left_score, right_score = _cell_nodes()
    low = _quantiles(distribution, left_score, *_probabilities_at(left))
    high = _quantiles(distribution, right_score, *_probabilities_at(right))
    edge, width = _cell_edges()
    outer, inner = edge * 2.0**-32, (edge + width) * 2.0**-32
    from_left, to_right = np.concatenate([outer, 1 - inner]), np.concatenate([inner, 1 - outer])
    jumped = _holding(from_left, to_right, distribution.jumps)
    edges = np.concatenate([edge, -edge]), np.concatenate([edge + width, -edge - width])
    return _blanked(distribution, _lines(left, right, low, high), low, edges, jumped)


def _score_table(distribution: Distribution) -> _Lines:
    """The quantile function, for equal cells of the normal score."""
    from scipy.special import ndtr, ndtri

    width = 1 / _SCORES_PER_UNIT
    edges: Array = -_SCORE_LIMIT + np.arange(_SCORE_CELLS + 1, dtype=np.float64) * width
    left, right = (edges[:-1] + place * width for place in _GAUSS)
    low, high = (_quantiles(distribution, scores, ndtr(scores), ndtr(-scores)) for scores in (left, right))
    around = edges[:-1], edges[1:]
    jumped = _holding(*around, ndtri(distribution.jumps))
    return _blanked(distribution, _lines(left, right, low, high), low, around, jumped)


@lru_cache(maxsize=512)
def _cached(table: Callable[[Distribution], _Lines], distribution: Distribution) -> _Lines:
    return table(distribution)


def _tabulated(table: Callable[[Distribution], _Lines], distribution: Distribution) -> _Lines:
    """The table of a distribution, remembered where the distribution can be a key (empirical ones cannot)."""
    try:
        return _cached(table, distribution)  # type: ignore[arg-type]
    except TypeError:
        return table(distribution)


@cache
def _normal_scores() -> _Lines:
    """The standard normal's quantile function, for cells of a word's position."""
    left, right, left_score, right_score = _cell_nodes()
    return _lines(left, right, left_score, right_score)


def normal_scores(words: Words) -> Array:
    """Standard normal draws for words."""
    position = _positions(words)
    return _normal_scores()(_cells(position), position)


# ---------------------------------------------------------------------------------------------------------
# The sampler


class Sampler:
    """Draws of named distributions, a chunk of `size` scenarios at a time.

    `dimensions` gives each name its Sobol' dimension; `latent` holds the Gaussian copula's parameter for
    pairs of names; `wanted` are the names to draw (all by default: what they are correlated with is drawn behind
    them, so that a column does not depend on what else is wanted). Streams other than 0 are independent sets
    of draws, for estimators that need two.
    """

    def __init__(
        self,
        distributions: Mapping[str, Distribution],
        dimensions: Mapping[str, int],
        latent: Mapping[tuple[str, str], float],
        *,
        seed: int,
        scheme: str = "sobol",
        size: int = CHUNK,
        stream: int = 0,
        wanted: Sequence[str] | None = None,
    ) -> None:
        self.seed, self.scheme, self.size, self.stream = seed, scheme, size, stream
        self.wanted = tuple(distributions if wanted is None else wanted)
        linked = _linked(latent, self.wanted)
        self.names = tuple(sorted({*self.wanted, *linked}, key=dimensions.__getitem__))
        self.rows = {name: row for row, name in enumerate(self.names)}
        # another stream's dimensions come next: far ones of a Sobol' net fill pairs with the first ones badly
        span = 1 + max(dimensions.values(), default=0)
        self._dimensions = [dimensions[name] + stream * span for name in self.names]
        if self._dimensions and max(self._dimensions) >= len(_directions()):
            raise ValueError(f"{len(_directions())} Sobol' dimensions do not hold that many quantities")
        self.copula = tuple(name for name in self.names if name in linked)
        self._correlation = np.eye(len(self.copula))
        for (first, second), value in latent.items():
            if first in linked and second in linked:
                i, j = self.copula.index(first), self.copula.index(second)
                self._correlation[i, j] = self._correlation[j, i] = value
        self._factor = triangular_factor(self._correlation)
        self._distributions = distributions
        self._tables = {
            name: _tabulated(_score_table if name in linked else _uniform_table, distributions[name])
            for name in self.wanted
        }

    def words(self, replicate: int) -> Blocks:
        """The uniforms of a replicate: chunk -> words, a row for each of `names`."""
        keys = [f"{name}#{self.stream}" if self.stream else name for name in self.names]
        return SCHEMES[self.scheme](self.seed, replicate, keys, self._dimensions, self.size)

    def columns(self, words: Words) -> dict[str, Array]:
        """The draws that words stand for: each wanted name's column, of one value a scenario."""
        scores = self.correlated(self.scores(words))
        return {
            name: self.at_scores(name, scores[name]) if name in scores else self.at_words(name, words)
            for name in self.wanted
        }

    def scores(self, words: Words) -> dict[str, Array]:
        """Independent standard normals, one column for each name in the copula."""
        return {name: normal_scores(words[self.rows[name]]) for name in self.copula}

    def correlated(self, scores: Mapping[str, Array], order: Sequence[str] | None = None) -> dict[str, Array]:
        """Correlated standard normals from independent ones, each a sum over those before it in the order.

        In any order (that of the dimensions by default) the result has the copula's distribution; a name's
        score is a function of the independent scores up to its own, so that freezing those conditions on the
        first names.
        """
        order = self.copula if order is None else order
        factor = self._factor
        if order != self.copula:
            places = [self.copula.index(name) for name in order]
            factor = triangular_factor(self._correlation[np.ix_(places, places)])
        sums = {}
        for row, name in enumerate(order):
            total = factor[row, row] * scores[name]
            for column in np.flatnonzero(factor[row, :row]).tolist():
                total += factor[row, column] * scores[order[column]]
            sums[name] = total
        return sums

    def at_words(self, name: str, words: Words) -> Array:
        """The column of a name outside the copula."""
        position = _positions(words[self.rows[name]])
        table = self._tables[name]
        column = table(_cells(position), position)
        if table.blank:
            blank = np.flatnonzero(np.isnan(column))
            column[blank] = self._distributions[name].quantile(*_probabilities_at(position[blank]))
        return column

    def at_scores(self, name: str, scores: Array) -> Array:
        """The column of a name in the copula, at standard normal scores."""
        position = np.clip(scores, -_SCORE_LIMIT, _SCORE_LIMIT - 1e-9)
        cell = ((position + _SCORE_LIMIT) * _SCORES_PER_UNIT).astype(np.int64)
        table = self._tables[name]
        column = table(cell, position)
        if table.blank:
            from scipy.special import ndtr

            blank = np.flatnonzero(np.isnan(column))
            scores = position[blank]
            column[blank] = self._distributions[name].quantile(ndtr(scores), ndtr(-scores))
        return column


def _linked(latent: Mapping[tuple[str, str], float], wanted: Sequence[str]) -> set[str]:
    """The names that the copula ties to the wanted ones, themselves included."""
    linked: set[str] = set()
    grown = {name for pair in latent if set(pair) & set(wanted) for name in pair}
    while grown != linked:
        linked = grown
        grown = linked | {name for pair in latent if set(pair) & linked for name in pair}
    return linked
