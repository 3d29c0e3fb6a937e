"""What rounding may have done: whether a quantity varies, and whether two are equal, but for their arithmetic.

Quantities are computed again from draws that carry a bound of their error. Every operation passes bounds on and adds
what it rounds itself, so that large parts that cancel leave a small difference with the errors of the parts.
Comparisons, floor, ceil, round and sign keep their meaning for the numbers as computed. A quantity varies where no
number lies within the bounds of all its scenarios; two are equal in a scenario where they differ by no more than their
bounds together.

Source: running error analysis, Higham (2002), Accuracy and Stability of Numerical Algorithms, 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from simulate.distributions import pieces
from simulate.graph import Array, Values
from simulate.scenarios import Block, Scenarios

if TYPE_CHECKING:
    from simulate.bands import Band

UNIT = 2.0**-53  # of a result: the most that a rounded operation is off
FUNCTION = 8 * UNIT  # the same of numpy's functions, four units in the last place
DRAW = 4 * UNIT  # the same of a draw, as it comes from a table
LEAST = 5e-324  # the least float: how far off a product may be that has no bits left
PROBED = 64  # scenarios by which most quantities are known to vary
FARTHER = 2.0**10  # times the largest bound of these, within which two values may be equal

EXACT = frozenset((np.floor, np.ceil, np.rint, np.trunc, np.sign, np.floor_divide))
CHOOSING = frozenset((np.maximum, np.minimum))
KEEPING = frozenset((np.negative, np.positive, np.absolute))
FROM_ZERO = frozenset((np.sqrt, np.power))  # of what is not negative, though its error may reach below 0


class Rounded(np.ndarray[Any, np.dtype[np.float64]]):
    """Values, shape (n,), with `error`, how far each may be off; what numpy computes from them has its own."""

    error: Array

    def __new__(cls, values: Values, error: Values, size: int | None = None) -> Self:
        """Give values their errors, `size` of them where they are one number."""
        rounded = _broad(np.asarray(values, dtype=np.float64), size).view(cls)
        rounded.error = _broad(np.where(np.isnan(error), np.inf, error), len(rounded) if rounded.ndim else None)
        return rounded

    def __array_finalize__(self, source: Any) -> None:
        """A view has the errors of its source."""
        self.error = getattr(source, "error", np.zeros(0))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute, and bound the error of the result unless it is a truth, or of several scenarios."""
        values, errors = [_plain(each) for each in inputs], [_error(each) for each in inputs]
        if method != "__call__":
            return getattr(ufunc, method)(*values, **options)
        with np.errstate(all="ignore"):
            result = ufunc(*values)
            return result if result.dtype == np.bool_ else Rounded(result, _bound(ufunc, values, errors, result))

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        """Choose errors with the values; whatever else is no operation on floats is numpy's own."""
        if function is np.where:
            where, *sides = inputs
            return Rounded(np.where(where, *map(_plain, sides)), np.where(where, *map(_error, sides)))
        if function is np.clip:
            value, low, high = inputs
            return np.minimum(np.maximum(value, low), high)
        return super().__array_function__(function, types, inputs, options)


def _broad(values: Array, size: int | None) -> Array:
    """One value for each of `size` scenarios, if any are told."""
    return values if values.ndim or size is None else np.broadcast_to(values, size)


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Rounded) else value


def _error(value: Any) -> Any:
    return value.error if isinstance(value, Rounded) else 0.0


def _bound(ufunc: np.ufunc, values: Sequence[Any], errors: Sequence[Any], result: Array) -> Any:
    """How far a result may be off, by the errors of what it is computed from and its own rounding."""
    size = np.abs(result)
    if ufunc in EXACT:
        return 0.0
    if ufunc in CHOOSING:
        return np.maximum(*errors)
    if ufunc in KEEPING:
        return errors[0]
    if ufunc in {np.add, np.subtract}:
        return errors[0] + errors[1] + UNIT * size
    if ufunc is np.multiply:
        first, second = map(np.abs, values)
        return first * errors[1] + second * errors[0] + errors[0] * errors[1] + UNIT * size + LEAST
    if ufunc in {np.divide, np.remainder}:
        off = errors[0] + np.abs(np.divide(*values)) * errors[1]
        if ufunc is np.divide:
            least = np.abs(values[1]) - errors[1]
            off = np.where(least > 0, off / least, np.inf)
        return off + UNIT * size + LEAST
    return _at_ends(ufunc, values, errors, result) + FUNCTION * size + LEAST


def _at_ends(function: Callable[..., Any], values: Sequence[Any], errors: Sequence[Any], result: Array) -> Array:
    """How far a function moves to the ends of what its arguments may be; infinite where it has no value there."""
    ends = []
    for value, error in zip(values, errors, strict=True):
        low, high = (
            np.where(np.greater(error, 0), np.nextafter(value + sign * error, sign * np.inf), value) for sign in (-1, 1)
        )
        ends.append(
            (np.where(np.greater_equal(value, 0), np.maximum(low, 0), low) if function in FROM_ZERO else low, high)
        )
    moves = [np.nan_to_num(np.abs(function(*each) - result), nan=np.inf) for each in product(*ends)]
    farthest: Array = np.maximum.reduce(moves)
    return farthest


def computed(drawn: Scenarios, names: Sequence[str], inputs: Mapping[str, Values], size: int) -> dict[str, Rounded]:
    """Quantities with their errors, of the inputs of `size` scenarios."""
    columns: dict[str, Values] = {
        name: Rounded(values, _of_draw(drawn, name, values), size) for name, values in inputs.items()
    }
    columns |= drawn.plan(columns)
    return {name: each if isinstance(each := columns[name], Rounded) else Rounded(each, 0.0, size) for name in names}


def _of_draw(drawn: Scenarios, name: str, values: Values) -> Values:
    """The errors of an input: of stated values from their unit, of draws by their size and where these pass 0 width."""
    distribution = drawn.distributions[name]
    if pieces(distribution).are_atoms:
        return UNIT * np.abs(values)
    least, greatest = distribution.support
    low, high = (distribution.quantile([0.25, 0.75]) * DRAW).tolist() if least < 0 < greatest else (0.0, 0.0)
    return DRAW * np.abs(values) + (high - low)


def _few(drawn: Scenarios) -> tuple[dict[str, Values], int]:
    """The inputs of a few scenarios, and their number."""
    columns, words = drawn.first(PROBED)
    return {name: columns[name] for name in drawn.plan.inputs}, words.shape[1]


def probed(drawn: Scenarios, names: Sequence[str]) -> dict[str, Rounded]:
    """Quantities with their errors in a few scenarios."""
    return computed(drawn, names, *_few(drawn))


def error_near(value: float, rounded: Rounded) -> float:
    """The error of a quantity where it is nearest to a value, 0 where that is unknown."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.nan_to_num(np.abs(rounded.view(np.ndarray) - value), nan=np.inf)
    return float(np.nan_to_num(rounded.error[np.argmin(apart)], posinf=0.0))


class _Common:
    """What a number must lie between to be within the bounds of each scenario of a quantity so far."""

    def __init__(self) -> None:
        self.least, self.most = np.inf, -np.inf  # none yet: every number lies beyond

    def add(self, rounded: Rounded, kept: NDArray[np.bool_] | None = None) -> bool:
        """Take in scenarios, those that are kept and have figures; return whether there is such a number."""
        told = np.isfinite(rounded) if kept is None else np.isfinite(rounded) & kept
        values, errors = rounded.view(np.ndarray)[told], rounded.error[told]
        if not len(values):
            return True
        if self.least > self.most:
            self.least, self.most = -np.inf, np.inf
        with np.errstate(over="ignore"):
            self.least = max(self.least, float(np.nextafter(values - errors, -np.inf).max()))
            self.most = min(self.most, float(np.nextafter(values + errors, np.inf).min()))
        return self.least <= self.most


def settle(drawn: Scenarios, bands: Mapping[str, Band]) -> list[str]:
    """Make one number of the bands of quantities that are the same in every scenario but for rounding; return these."""
    differing = [name for name, band in bands.items() if band.summary.minimum < band.summary.maximum]
    settled = _settled(drawn, differing) if differing else {}
    for name, common in settled.items():
        median = float(bands[name].summary.percentiles([50])[0])
        bands[name].settle(0.0 if common.least <= 0 <= common.most else min(max(median, common.least), common.most))
    return list(settled)


def _settled(drawn: Scenarios, names: Sequence[str]) -> dict[str, _Common]:
    """The quantities that do not vary, with what all their scenarios have in common.

    Of scenarios after the first few, only those beyond what is common so far can tell.
    """
    kept = drawn.weighed(*drawn.first(PROBED), 0)[0] > 0
    few, commons = probed(drawn, names), {name: _Common() for name in names}
    left = {name: common for name, common in commons.items() if common.add(few[name], kept)}
    blocks = (block for replicate in range(drawn.replicates) for block in drawn.blocks(drawn.whole(replicate)))
    while left and (block := next(blocks, None)):
        beyond = np.zeros(block.size, np.bool_)
        for name, common in left.items():
            beyond |= (block.columns[name] < common.least) | (block.columns[name] > common.most)
        if beyond.any():
            rounded = _of_block(drawn, list(left), block, np.flatnonzero(beyond))
            left = {name: common for name, common in left.items() if common.add(rounded[name])}
    return left


def _of_block(drawn: Scenarios, names: Sequence[str], block: Block, places: NDArray[np.intp]) -> dict[str, Rounded]:
    """Quantities with their errors at some of the scenarios that are kept of a block."""
    words = drawn.sampler.words(block.at.replicate)(*block.at.chunks)[:, block.places[places]]
    return computed(drawn, names, drawn.inputs(words), len(places))


def moves(drawn: Scenarios, names: Sequence[str], changed: Mapping[str, float]) -> dict[str, float]:
    """How far other values of inputs move quantities at most, in a few scenarios; 0 where that is but rounding."""
    inputs, size = _few(drawn)
    before, after = (computed(drawn, names, each, size) for each in (inputs, {**inputs, **changed}))
    found = {}
    for name in names:
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.nan_to_num(np.abs(after[name].view(np.ndarray) - before[name].view(np.ndarray)), nan=np.inf)
        found[name] = float(np.max(apart, initial=0, where=~equal(before[name], after[name])))
    return found


def equal(first: Rounded, second: Rounded) -> NDArray[np.bool_]:
    """Where two are equal but for rounding, or neither is a number."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(first.view(np.ndarray) - second.view(np.ndarray))
    numbers = np.isfinite(first), np.isfinite(second)
    equal: NDArray[np.bool_] = np.where(
        np.logical_and(*numbers), apart <= first.error + second.error, ~np.logical_or(*numbers)
    )
    return equal


class Ties:
    """The scenarios in which a quantity of two cases that are drawn side by side is equal but for rounding."""

    def __init__(self, first: Scenarios, second: Scenarios, name: str) -> None:
        self.cases, self.name = (first, second), name
        bounds = sum(probed(each, [name])[name].error for each in self.cases)
        finite = np.isfinite(bounds)
        self.reach = FARTHER * np.max(bounds, initial=0, where=finite) if finite.any() else np.inf

    def settled(self, first: Values, second: Values, block: Block) -> Values:
        """The second case's values of a block, the first's where the two are equal."""
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(np.subtract(second, first))
        near = np.flatnonzero((apart > 0) & (apart <= self.reach) & (apart < np.inf))
        if not len(near):
            return second
        alike = near[equal(*(_of_block(each, [self.name], block, near)[self.name] for each in self.cases))]
        if not isinstance(apart, np.ndarray):
            return first if len(alike) else second
        settled: Array = np.broadcast_to(second, apart.shape).copy()
        settled[alike] = np.broadcast_to(first, apart.shape)[alike]
        return settled
