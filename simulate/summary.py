"""What is kept of a column of draws: a mergeable summary of bounded size.

Percentiles come from counts in the cells of a ruler, which add exactly in any order; a column of few values is
counted value by value instead, and its percentiles are exact. Moments are folded in the order of the blocks.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from simulate.arrays import on_host
from simulate.occurrences import Occurrences, occurrences
from simulate.plain import storable
from simulate.rulers import MOST_VALUES, Array, Bits, Cells, Counts, Ruler
from simulate.steps import Steps
from simulate.tallies import by_value, tallied

WEIGHT = 2**32  # the weight that stands for a whole scenario, so that sums of weights are exact in any order
MOST_WEIGHT = 2**36  # of a scenario: sums of a block's stay below 2^53, of all below 2^63
_ATOM = 1 / 64  # of all: a value that holds more is one by itself, whatever lies beside it
_PLAIN = 400  # powers of two up to which squares need no scaling


@storable
class Summary:
    """The summary of a column: count, moments, extremes, and the counts behind its percentiles.

    Only summaries of one ruler merge.
    """

    def __init__(self, ruler: Ruler | None = None) -> None:
        self._ruler = Bits() if ruler is None else ruler
        self.count = 0
        self.nonfinite = 0
        self.minimum = np.inf
        self.maximum = -np.inf
        self.mean = 0.0
        self._squares = 0.0  # sum of squared deviations from the mean, in units of 4^_exponent
        self._squared_weights = 0.0  # in whole scenarios
        self._shift = np.nan
        self._shifted = [0.0, 0.0]  # sums of deviations from the shift and of their squares, in those units
        self._exponent: int | None = None
        self._entries = 0  # scenarios, whatever their weights
        self._values = Occurrences() if self._ruler.by_value else None
        self._cells: Counts | None = None  # allocated when first counted in
        self._beyond = Occurrences()
        self._steps: Steps | None = None

    def add(self, column: Array | float, size: int, weights: Counts | None = None) -> None:
        """Add the next block of `size` scenarios; a float stands for as many equal values.

        `weights`, whole numbers of at most `MOST_WEIGHT`, say how often each scenario counts (by default once). Of an
        array of a device only a tally comes here.
        """
        if on_host(column):
            add_rows([self], np.atleast_1d(np.asarray(column, dtype=np.float64))[None], size, weights)
            return
        if weights is not None:
            self._squared_weights += float(np.add.reduce((weights / WEIGHT) ** 2))
        self._add_tally(column, size, weights)

    def _add_tally(self, column: Any, size: int, weights: Any) -> None:
        """Add a block that is on a device, by what its ruler's cells hold of it, or value by value."""
        column, tally = column.astype(np.float64, copy=False), None
        if self._values is None and not self._exponent:
            if np.isnan(self._shift):
                self._shift = float(self._ruler.ends(np.array([self._ruler.cells // 2]))[0][0])
            tally = tallied(column, weights, self._ruler, self._shift)
            if abs(int(np.frexp(max(-tally.ends[0], tally.ends[1]))[1])) > _PLAIN:
                tally = None
        tally = tally or by_value(column, weights)
        self.nonfinite += size - tally.finite
        if not tally.finite:
            return
        self._steps = None
        self.count += tally.total
        self._entries += tally.finite
        self.minimum, self.maximum = min(self.minimum, tally.ends[0]), max(self.maximum, tally.ends[1])
        if tally.cells is None:
            _add_moments([self], tally.others[None], tally.times, np.array([max(-tally.ends[0], tally.ends[1])]))
        else:
            self._rescaled(0)
            self._shifted = [held + more for held, more in zip(self._shifted, tally.sums, strict=True)]
            self._add_cells(tally.cells)
        if len(tally.others):
            _add_counts([self], tally.others[None], tally.times)

    def _add_occurring(self, values: Array, times: Counts) -> None:
        assert self._values is not None
        self._values.add(values, times)
        if self._values.exceed(MOST_VALUES):
            self._spill()

    def _rescaled(self, exponent: int) -> int:
        """The power of two in which deviations are taken so that no square is too large, or all too small."""
        needed = 0 if abs(exponent) <= _PLAIN else exponent
        if self._exponent is None:
            self._exponent = needed
        elif needed > self._exponent:
            by = self._exponent - needed
            self._shifted = [float(np.ldexp(self._shifted[0], by)), float(np.ldexp(self._shifted[1], 2 * by))]
            self._squares = float(np.ldexp(self._squares, 2 * by))
            self._exponent = needed
        return self._exponent

    def _count(self, values: Array, weights: Counts | None) -> None:
        """Count values in the ruler's cells."""
        if self._cells is None:
            self._cells = np.zeros(self._ruler.cells, np.int64)
        others, times = self._ruler.count(values, weights, self._cells)
        if len(others):
            self._beyond.add(*occurrences(others.astype(np.float64)[None], times)[0])

    def _add_cells(self, counts: Counts) -> None:
        self._cells = counts.copy() if self._cells is None else self._cells + counts

    def _spill(self) -> None:
        """From counts by value to counts by cell, where that has not been done."""
        if self._values is None:
            return
        values, numbers = self._values.settled()
        self._values = None
        if len(values):
            self._count(values, numbers)

    def __getstate__(self) -> dict[str, Any]:
        """All but what can be laid out again."""
        return {**vars(self), "_steps": None}

    def finish(self) -> Summary:
        """Turn the shifted sums into mean and squared deviations; to be called once, after the last block."""
        if self.count:
            first, second = self._shifted
            self.mean = self._scaled(self._unscaled(self._shift) + first / self.count)
            self._squares = max(second - first * first / self.count, 0.0)
        return self

    def _scaled(self, value: float) -> float:
        return float(np.ldexp(value, self._exponent)) if self._exponent else value

    def _unscaled(self, value: float) -> float:
        return float(np.ldexp(value, -self._exponent)) if self._exponent else value

    def merge(self, other: Summary) -> None:
        """Add a finished summary to this finished one; one order of merging gives the same bits each time."""
        self.nonfinite += other.nonfinite
        if not other.count:
            return
        if not self.count:
            vars(self).update({name: copy.copy(each) for name, each in vars(other).items()}, nonfinite=self.nonfinite)
            return
        assert self._exponent is not None
        assert other._exponent is not None
        exponent = self._rescaled(other._exponent)
        squares = float(np.ldexp(other._squares, 2 * (other._exponent - exponent)))
        total = self.count + other.count
        mean = self._unscaled(self.mean)
        step = self._unscaled(other.mean) - mean
        self.mean = self._scaled(mean + step * (other.count / total))
        self._squares += squares + step * step * (self.count * other.count / total)
        self._squared_weights += other._squared_weights
        self._steps = None
        self.count = total
        self._entries += other._entries
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        self._merge_counts(other)

    def _merge_counts(self, other: Summary) -> None:
        if self._values is not None and other._values is not None:
            self._add_occurring(*other._values.settled())
            return
        self._spill()
        if other._values is not None:
            self._count(*other._values.settled())
            return
        if other._cells is not None:
            self._add_cells(other._cells)
        self._beyond.add(*other._beyond.settled())

    @property
    def sd(self) -> float:
        """The standard deviation of the values about their mean; nan for fewer than two.

        Not with count - 1: that makes up for the error of the mean of independent draws, which draws of a net do
        not have.
        """
        if self.count < 2:
            return np.nan
        return self._scaled(float(np.sqrt(self._squares / self.count)))

    @property
    def effective(self) -> float:
        """How many scenarios of equal weight are worth as much as these."""
        return (self.count / WEIGHT) ** 2 / self._squared_weights if self._squared_weights else float(self.count)

    def percentiles(self, percents: Sequence[float] | Array) -> Array:
        """The values below which the given percents of the scenarios lie; nan where there are none."""
        found: Array = percentiles_of([self], percents)[0]
        return found

    def resolution(self, percents: Sequence[float] | Array) -> Array:
        """About how far percentiles may be off for want of finer cells; nan where there are no scenarios.

        In a cell that holds a share m of all, of which a share p lies beyond, the density changes by some m / p of
        itself; where it changes evenly, counts spread evenly are then off by at most m * (m / p) / 8. And where within
        the cell its scenarios lie is not known, to about one of them.
        """
        ranks = np.asarray(percents, dtype=np.float64) / 100 * self.count
        if not self.count:
            return np.full(len(ranks), np.nan)
        if self._values is not None:
            return np.zeros(len(ranks))
        _, numbers, low, high = self.steps().at(self.steps().places(ranks, "left"))
        beyond = np.maximum(np.minimum(ranks, self.count - ranks), 1)
        alone = self.count / self._entries / numbers  # the share of the cell that a scenario has
        share: Array = np.minimum(np.hypot(numbers / beyond / 8, alone), 0.5)
        with np.errstate(over="ignore"):
            found: Array = (high - low) * share
        return found

    def shortest_interval(self, percent: float) -> Array:
        """The shortest interval, lower and upper end, that holds the given percent; nan where there is none.

        Of equally short ones, the lowest. Source: JCGM 101:2008, 5.3.4 and 7.7.
        """
        if not self.count:
            return np.full(2, np.nan)
        steps = self.steps()
        held = percent / 100 * self.count
        # The length is a piecewise linear function of where the interval begins, and bends only at these ranks.
        begin = np.concatenate([steps.last - steps.numbers, steps.last - held])
        begin = np.sort(begin[(begin >= 0) & (begin + held <= self.count)])
        lower = _values_at([self], begin[None], "right")[0]
        upper = _values_at([self], begin[None] + held, "left")[0]
        with np.errstate(over="ignore"):
            shortest = int(np.argmin(upper - lower))
        return np.array([lower[shortest], upper[shortest]])

    def mean_beyond(self, percent: float) -> float:
        """The mean of the scenarios above a percentile, an atom there split; nan where there are none."""
        if not self.count:
            return np.nan
        steps = self.steps()
        low, high = steps.edges
        beyond = np.clip(steps.last - percent / 100 * self.count, 0, steps.numbers)
        share = beyond / steps.numbers / 2  # of the step, from its high end to the middle of what lies beyond
        return float(np.sum((high * (1 - share) + low * share) * (beyond / beyond.sum())))

    def steps(self) -> Steps:
        """Steps, none empty, that hold all scenarios; laid out once until more are added."""
        if self._steps is None:
            self._steps = self._steps_by_cell() if self._values is None else self._steps_by_value()
        return self._steps

    def jumps(self) -> Steps:
        """The steps, a value each where values are counted one by one: where the scenarios themselves lie."""
        if self._values is None:
            return self.steps()
        values, times = self._values.settled()
        return Steps.between(values, values, times)

    def forget_steps(self) -> None:
        """Give back the memory of the steps, which can be laid out again."""
        self._steps = None

    def _steps_by_cell(self) -> Steps:
        counts = np.zeros(self._ruler.cells, np.int64) if self._cells is None else self._cells
        cells = np.flatnonzero(counts != 0)
        numbers = counts[cells]
        others, times = self._beyond.settled()
        if len(others):
            below = int(np.searchsorted(others, 0))
            cells = np.concatenate([others[:below], cells, others[below:]]).astype(np.int64)
            numbers = np.concatenate([times[:below], numbers, times[below:]])

        def ends(places: Cells) -> tuple[Array, Array]:
            low, high = self._ruler.ends(cells[places])
            return np.maximum(low, self.minimum), np.minimum(high, self.maximum)

        return Steps(numbers, ends)

    def _steps_by_value(self) -> Steps:
        """A step a value where values repeat; else half of each spread up to the value below, half up to that above.

        A value that holds much of all stays by itself.
        """
        jumps = self.jumps()
        values, numbers = jumps.edges[0], jumps.numbers
        if 2 * len(values) <= self._entries:
            return jumps
        spread = np.where(numbers > _ATOM * self.count, 0.0, numbers / 2)
        low = np.concatenate([values[:1], np.repeat(values, 2)])
        high = np.concatenate([np.repeat(values, 2), values[-1:]])
        halves = np.zeros(2 * len(values) + 1)
        halves[1::2] = numbers - 2 * spread
        halves[:-1:2] += spread
        halves[2::2] += spread
        held = halves > 0
        return Steps.between(low[held], high[held], halves[held])


def add_rows(summaries: Sequence[Summary], rows: Array, size: int, weights: Counts | None = None) -> None:
    """Add to each of several summaries the next block of `size` scenarios, a row each, as `Summary.add` does.

    A row is (size,), or (1,) where its value stands for all. What numpy takes for a call is so paid once for all.
    """
    squared = 0.0 if weights is None else float(np.add.reduce((weights / WEIGHT) ** 2))
    for summary in summaries:
        summary._squared_weights += squared
    if rows.shape[1] == 1:
        weights = np.array([size if weights is None else int(weights.sum())])
    if np.isfinite(ends := _ends(rows)).all():
        _add_finite(summaries, rows, weights, ends, size)
        return
    for summary, row in zip(summaries, rows, strict=True):
        finite = np.isfinite(row)
        left = int(np.broadcast_to(finite, size).sum())
        summary.nonfinite += size - left
        if left:
            values, of_values = row[finite][None], None if weights is None else weights[finite]
            _add_finite([summary], values, of_values, _ends(values), left)


def _ends(rows: Array) -> Array:
    """The least and the greatest value of each row: (end, row)."""
    return np.array([rows.min(axis=1), rows.max(axis=1)])


def _add_finite(summaries: Sequence[Summary], rows: Array, weights: Counts | None, ends: Array, entries: int) -> None:
    """Add rows of finite values, which stand for so many scenarios, whatever their weights."""
    number = rows.shape[1] if weights is None else int(weights.sum())
    for summary, least, greatest in zip(summaries, *ends.tolist(), strict=True):
        summary._steps = None
        summary.count += number
        summary._entries += entries
        summary.minimum, summary.maximum = min(summary.minimum, least), max(summary.maximum, greatest)
    _add_moments(summaries, rows, weights, np.maximum(-ends[0], ends[1]))
    _add_counts(summaries, rows, weights)


def _add_moments(summaries: Sequence[Summary], rows: Array, weights: Counts | None, largest: Array) -> None:
    for summary, first in zip(summaries, rows[:, 0].tolist(), strict=True):
        if math.isnan(summary._shift):
            summary._shift = first
    powers = np.frexp(largest)[1].tolist()
    exponents = [summary._rescaled(power) for summary, power in zip(summaries, powers, strict=True)]
    shifts = np.array([[summary._shift] for summary in summaries])
    if any(exponents):
        power = -np.array(exponents)[:, None]
        deviations = np.ldexp(rows, power) - np.ldexp(shifts, power)
    else:
        deviations = rows - shifts
    weighted = deviations if weights is None else deviations * weights
    first = np.add.reduce(weighted, axis=1).tolist()
    weighted *= deviations
    for summary, *sums in zip(summaries, first, np.add.reduce(weighted, axis=1).tolist(), strict=True):
        summary._shifted = [held + more for held, more in zip(summary._shifted, sums, strict=True)]


def _add_counts(summaries: Sequence[Summary], rows: Array, weights: Counts | None) -> None:
    by_value = [place for place, summary in enumerate(summaries) if summary._values is not None]
    for place in {*range(len(rows))}.difference(by_value):
        summaries[place]._count(rows[place], weights)
    if by_value:
        occurring = occurrences(rows if len(by_value) == len(rows) else rows[by_value], weights)
        for place, each in zip(by_value, occurring, strict=True):
            summaries[place]._add_occurring(*each)


def percentiles_of(summaries: Sequence[Summary], percents: Sequence[float] | Array) -> Array:
    """The values below which the given percents of the scenarios lie: (summary, percent), nan where there are none.

    The percents are the same for all, or a row for each summary.
    """
    shares = np.asarray(percents, dtype=np.float64) / 100
    return _values_at(summaries, shares * np.array([[each.count] for each in summaries]), "left")


def _values_at(summaries: Sequence[Summary], ranks: Array, side: Literal["left", "right"]) -> Array:
    """The values at ranks from 0 to the count, (summary, rank); of two at a rank, that on the given side."""
    steps = [each.steps() for each in summaries]
    found = np.array([of.at(of.places(wanted, side)) for of, wanted in zip(steps, ranks, strict=True)])
    last, numbers, low, high = np.moveaxis(found, 1, 0)
    share = (ranks - (last - numbers)) / numbers
    with np.errstate(over="ignore"):
        width = high - low
    values = np.where(np.isfinite(width), low + share * width, low * (1 - share) + high * share)
    least, greatest = (np.array([[getattr(each, end)] for each in summaries]) for end in ("minimum", "maximum"))
    clipped: Array = np.minimum(np.maximum(values, least), greatest)
    return clipped
