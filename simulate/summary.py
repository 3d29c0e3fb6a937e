"""What is kept of a column of draws: a mergeable summary of bounded size.

Percentiles come from counts over the bits of the floats, which add exactly in any order; a column of few
distinct values is counted by value instead, and its percentiles are exact. Moments are folded in the order of
the chunks.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Steps = tuple[Array, Array, Counts, bool]  # low and high ends, counts, whether they are single values

_LEADING_BITS = 10  # bins of a relative width of 2^-10; within a bin, values are spread evenly
_SHIFT = 52 - _LEADING_BITS
_NEGLIGIBLE_OCTAVES = 40  # what is smaller than the largest magnitude by more counts as zero
_DISTINCT = 256  # at most so many values are counted one by one
WEIGHT = 2**32  # the weight that stands for a whole scenario, so that sums of weights are exact in any order


def _bins(magnitudes: Array) -> Counts:
    return magnitudes.view(np.int64) >> _SHIFT


def _edge(bins: Counts) -> Array:
    return (bins << _SHIFT).view(np.float64)


def _number(values: Array, weights: Counts | None) -> int:
    return len(values) if weights is None else int(weights.sum())


def _counted(places: Counts, length: int, weights: Counts | None) -> Counts:
    """How often each place occurs; a chunk's sums of weights stay below 2^53, where float64 counts exactly."""
    counts = np.bincount(places, weights, minlength=length)
    return counts.astype(np.int64, copy=False)


def _by_value(values: Array, weights: Counts | None, *, constant: bool) -> dict[float, int]:
    """How often each value occurs; nothing where they are too many."""
    if constant:
        return {float(values[0]): _number(values, weights)}
    if len(np.unique(values[: 2 * _DISTINCT])) > _DISTINCT:  # no need to sort it all
        return {}
    distinct, places = np.unique(values, return_inverse=True)
    if len(distinct) > _DISTINCT:
        return {}
    return dict(zip(distinct.tolist(), _counted(places, len(distinct), weights).tolist(), strict=True))


@dataclass
class _Window:
    """Counts of magnitudes in bins from `start` on."""

    start: int = 0
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, start: int, counts: Counts) -> None:
        """Add counts of the bins from `start` on, widening the window to hold them."""
        if not len(counts):
            return
        if not len(self.counts):
            self.start, self.counts = start, counts.copy()
            return
        first = min(self.start, start)
        last = max(self.start + len(self.counts), start + len(counts))
        if last - first > len(self.counts):
            wider = np.zeros(last - first, np.int64)
            wider[self.start - first :][: len(self.counts)] = self.counts
            self.start, self.counts = first, wider
        self.counts[start - self.start :][: len(counts)] += counts

    def add_magnitudes(self, magnitudes: Array, least: float, greatest: float, weights: Counts | None) -> None:
        """Count magnitudes that lie between the two given, each once or as often as its weight says."""
        first, last = _bins(np.array([least, greatest])).tolist()
        bins = _bins(magnitudes)
        bins -= first
        self.add(first, _counted(bins, last - first + 1, weights))

    def drop_below(self, threshold: float) -> int:
        """Empty the bins below a threshold and return how many values they held."""
        keep = max(int(_bins(np.array([threshold]))[0]) - self.start, 0)
        if not keep:
            return 0
        dropped = int(self.counts[:keep].sum())
        self.start, self.counts = self.start + keep, self.counts[keep:]
        return dropped


class Summary:
    """The summary of a column: count, moments, extremes, and the counts behind its percentiles."""

    def __init__(self) -> None:
        self.count = 0
        self.nonfinite = 0
        self.minimum = np.inf
        self.maximum = -np.inf
        self.mean = 0.0
        self._squares = 0.0  # sum of squared deviations from the mean
        self._squared_weights = 0.0  # in whole scenarios
        self._shift = np.nan
        self._shifted = [0.0, 0.0]
        self._values: dict[float, int] | None = {}
        self._positive, self._negative, self._zeros = _Window(), _Window(), 0

    def add(self, column: Array | float, size: int, weights: Counts | None = None) -> None:
        """Add the next chunk of `size` scenarios; a float stands for as many equal values.

        `weights`, whole numbers of at most `WEIGHT`, say how often each scenario counts (by default once).
        """
        values = np.atleast_1d(np.asarray(column, dtype=np.float64))
        if weights is not None:
            self._squared_weights += float(np.add.reduce((weights / WEIGHT) ** 2))
        if len(values) == 1:  # stands for them all
            weights = np.array([size if weights is None else weights.sum()])
        least, greatest = float(values.min()), float(values.max())
        if not np.isfinite(least + greatest):
            finite = np.isfinite(values)
            self.nonfinite += size - int(np.broadcast_to(finite, size).sum())
            values, weights = values[finite], None if weights is None else weights[finite]
            if not len(values):
                return
            least, greatest = float(values.min()), float(values.max())
        if np.isnan(self._shift):
            self._shift = float(values[0])
        self.count += _number(values, weights)
        self.minimum, self.maximum = min(self.minimum, least), max(self.maximum, greatest)
        deviations = values - self._shift
        weighted = deviations if weights is None else deviations * weights
        self._shifted[0] += float(np.add.reduce(weighted))
        weighted *= deviations
        self._shifted[1] += float(np.add.reduce(weighted))
        if self._values is not None and (numbers := _by_value(values, weights, constant=least == greatest)):
            self._count_values(numbers)
        else:
            self._spill()
            self._count_bins(values, least, greatest, weights)

    def _count_values(self, numbers: Mapping[float, int]) -> None:
        assert self._values is not None
        for value, number in numbers.items():
            self._values[value] = self._values.get(value, 0) + number
        if len(self._values) > _DISTINCT:
            self._spill()

    def _spill(self) -> None:
        """From counts by value to counts by bin, where that has not been done."""
        if self._values is None:
            return
        counted, self._values = self._values, None
        values = np.array(list(counted), dtype=np.float64)
        numbers = np.array(list(counted.values()), dtype=np.int64)
        self._zeros += int(numbers[values == 0].sum())
        for window, magnitudes in ((self._positive, values), (self._negative, -values)):
            held = magnitudes > 0
            if held.any():
                bins = _bins(magnitudes[held])
                counts = np.zeros(int(bins.max() - bins.min()) + 1, np.int64)
                np.add.at(counts, bins - bins.min(), numbers[held])
                window.add(int(bins.min()), counts)
        self._forget_negligible()

    def _count_bins(self, values: Array, least: float, greatest: float, weights: Counts | None) -> None:
        threshold = self._threshold()
        if least >= threshold and least > 0:
            self._positive.add_magnitudes(values, least, greatest, weights)
        else:
            self._zeros += _number(values, weights)
            for window, magnitudes in ((self._positive, values), (self._negative, -values)):
                held = (magnitudes >= threshold) & (magnitudes > 0)
                large, theirs = magnitudes[held], None if weights is None else weights[held]
                if len(large):
                    window.add_magnitudes(large, float(large.min()), float(large.max()), theirs)
                    self._zeros -= _number(large, theirs)
        self._forget_negligible()

    def _threshold(self) -> float:
        largest = max(abs(self.minimum), abs(self.maximum))
        return float(2.0 ** (np.frexp(largest)[1] - _NEGLIGIBLE_OCTAVES)) if np.isfinite(largest) else 0.0

    def _forget_negligible(self) -> None:
        threshold = self._threshold()
        self._zeros += self._positive.drop_below(threshold) + self._negative.drop_below(threshold)

    def finish(self) -> Summary:
        """Turn the shifted sums into mean and squared deviations; to be called once, after the last chunk."""
        if self.count:
            first, second = self._shifted
            self.mean = self._shift + first / self.count
            self._squares = max(second - first * first / self.count, 0.0)
        return self

    def merge(self, other: Summary) -> None:
        """Add a finished summary to this finished one; one order of merging gives the same bits each time."""
        self.nonfinite += other.nonfinite
        if not other.count:
            return
        self._squared_weights += other._squared_weights
        total = self.count + other.count
        step = other.mean - self.mean if self.count else 0.0
        self.mean = self.mean + step * (other.count / total) if self.count else other.mean
        self._squares += other._squares + step * step * (self.count * other.count / total)
        self.count = total
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        if self._values is not None and other._values is not None:
            self._count_values(other._values)
            return
        self._spill()
        if other._values is not None:
            other = copy.deepcopy(other)
            other._spill()
        self._positive.add(other._positive.start, other._positive.counts)
        self._negative.add(other._negative.start, other._negative.counts)
        self._zeros += other._zeros
        self._forget_negligible()

    @property
    def sd(self) -> float:
        """The standard deviation of the values about their mean; nan for fewer than two.

        Not with count - 1: that makes up for the error of the mean of independent draws, which draws of a net do
        not have.
        """
        if self.count < 2:
            return np.nan
        return float(np.sqrt(self._squares / self.count))

    @property
    def effective(self) -> float:
        """How many scenarios of equal weight are worth as much as these."""
        return (self.count / WEIGHT) ** 2 / self._squared_weights if self._squared_weights else float(self.count)

    def percentiles(self, percents: Sequence[float] | Array) -> Array:
        """The values below which the given percents of the scenarios lie; nan where there are none."""
        ranks = np.asarray(percents, dtype=np.float64) / 100 * self.count
        if not self.count:
            return np.full(len(ranks), np.nan)
        return self._values_at(self._steps(), ranks, "left")

    def shortest_interval(self, percent: float) -> Array:
        """The shortest interval, lower and upper end, that holds the given percent; nan where there is none.

        Of equally short ones, the lowest. Source: JCGM 101:2008, 5.3.4 and 7.7.
        """
        if not self.count:
            return np.full(2, np.nan)
        steps = self._steps()
        _, _, counts, exact = steps
        last = np.cumsum(counts).astype(np.float64)
        held = percent / 100 * self.count
        # The length is a piecewise linear function of where the interval begins, and bends only at these ranks.
        begin = last - counts if exact else np.concatenate([last - counts, last - held])
        begin = np.sort(begin[(begin >= 0) & (begin + held <= self.count)])
        lower = self._values_at(steps, begin, "right")
        upper = self._values_at(steps, begin + held, "left")
        shortest = int(np.argmin(upper - lower))
        return np.array([lower[shortest], upper[shortest]])

    def mean_beyond(self, percent: float) -> float:
        """The mean of the scenarios above a percentile, an atom there split; nan where there are none."""
        if not self.count:
            return np.nan
        low, high, counts, _ = self._steps()
        last = np.cumsum(counts)
        beyond = np.clip(last - percent / 100 * self.count, 0, counts)
        return float(np.average(high - (high - low) * beyond / counts / 2, weights=beyond))

    def steps(self) -> tuple[Array, Array, Counts]:
        """Where the values lie: intervals in rising order, low and high ends, alike where one value is, and counts."""
        return self._steps()[:3]

    def _values_at(self, steps: Steps, ranks: Array, side: Literal["left", "right"]) -> Array:
        """The values at ranks from 0 to the count; of two at a rank, that on the given side."""
        low, high, counts, exact = steps
        last = np.cumsum(counts)
        near = 1 - 1e-15 if side == "left" else 1  # a rank may be rounded up
        place = np.minimum(np.searchsorted(last, ranks * near, side), len(counts) - 1)
        if exact:
            return low[place]
        share = (ranks - (last[place] - counts[place])) / counts[place]
        return np.clip(low[place] + share * (high[place] - low[place]), self.minimum, self.maximum)

    def _steps(self) -> Steps:
        """Intervals in rising order with their counts, none empty, and whether they are single values."""
        if self._values is not None:
            values = np.array(sorted(self._values))
            return values, values, np.array([self._values[value] for value in values.tolist()]), True
        positive, negative = (
            (window.start + np.arange(len(window.counts)), window.counts) for window in (self._positive, self._negative)
        )
        low = np.concatenate([-_edge(negative[0] + 1)[::-1], [0.0], _edge(positive[0])])
        high = np.concatenate([-_edge(negative[0])[::-1], [0.0], _edge(positive[0] + 1)])
        counts = np.concatenate([negative[1][::-1], [self._zeros], positive[1]])
        held = counts > 0
        low, high, counts = low[held], high[held], counts[held]
        low[0], high[-1] = max(low[0], self.minimum), min(high[-1], self.maximum)
        return low, high, counts, False
