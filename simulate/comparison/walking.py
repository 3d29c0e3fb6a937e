"""Walks over hybrids: what statistics are in each, in a block of a replicate's scenarios.

In each round a replicate takes scenarios of its own, and makes the changes in a random order of its own and unmakes
them in the same order, which is the reverse one; of a quantity with few changes it takes every hybrid instead. So the
spread over replicates is that of the scenarios and of the orders as one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from simulate.backends import Ticks
from simulate.comparison.hybrids import Columns, Game, Hybrid, random_order, subsets, there_and_back
from simulate.graph import Array, Values
from simulate.sampling.sampler import CHUNK, REPLICATES
from simulate.scenarios import Drawing

Asked = float | Literal["mean"]  # a statistic: a percent, or the mean

STEPS = 8  # of a task
MOST_ROUNDS = 2**5
MOST_HYBRIDS = 2**9  # of a quantity, evaluated in a replicate
_BLOCK = 2**12  # scenarios of a replicate in a round
_BEYOND = 200  # of these beyond a percentile; fewer where that takes more than a chunk


class Task(NamedTuple):
    """A round of a replicate: which quantities are evaluated, each along an order or, where true, in every hybrid."""

    round: int
    replicate: int
    every: Mapping[str, bool]


class Walk:
    """What the hybrids between two cases of a drawing come to, in statistics of quantities."""

    def __init__(self, game: Game, drawing: Drawing, quantities: Sequence[str], statistics: Sequence[Asked]) -> None:
        self._game, self._seed, self._statistics = game, drawing.settings.seed, tuple(statistics)
        self._percents = np.array([each for each in statistics if each != "mean"])
        rarest = np.minimum(self._percents, 100 - self._percents).min(initial=50)
        self.size = min(max(_BLOCK, 1 << math.ceil(math.log2(100 * _BEYOND / rarest))), CHUNK)
        self._samplers = game.samplers(quantities, drawing, self.size, MOST_ROUNDS)

    def order(self, changes: Sequence[str], task: Task) -> list[str]:
        """The order in which a task makes some changes."""
        return random_order(changes, self._seed, task.round * REPLICATES + task.replicate)

    def __call__(self, task: Task, ticks: Ticks) -> dict[str, Array]:
        """The statistics of quantities in the hybrids of a task, shape (hybrids, statistics).

        The hybrids are those of the order, there and back, or all subsets.
        """
        draws = {key: each.columns(each.words(task.replicate)(task.round)) for key, each in self._samplers.items()}
        columns, found = Columns(self._game, draws), dict[tuple[str, Hybrid], Array]()
        visits = self._visits(task)
        each_step = -(-len(visits) // STEPS)
        for step in ticks(range(STEPS)):
            for name, hybrid in visits[step * each_step : (step + 1) * each_step]:
                found[name, hybrid] = self._told(columns.of(name, hybrid))
        paths = {name: self._path(self._game.changes_of(name), task, every=every) for name, every in task.every.items()}
        return {name: np.array([found[name, hybrid] for hybrid in path]) for name, path in paths.items()}

    def _path(self, changes: Sequence[str], task: Task, *, every: bool) -> list[Hybrid]:
        bits = [self._game.changes[change] for change in (changes if every else self.order(changes, task))]
        return [*(subsets if every else there_and_back)(bits)]

    def _visits(self, task: Task) -> list[tuple[str, Hybrid]]:
        """Which quantities a task evaluates in which hybrids, in turn: quantities that share a hybrid together."""
        game, alike = self._game, dict[tuple[bool, Hybrid], list[str]]()
        for name, every in task.every.items():
            alike.setdefault((every, game.relevant[name] if every else 0), []).append(name)
        visits: dict[tuple[str, Hybrid], None] = {}
        for (every, _), names in alike.items():
            union = [change for change, bit in game.changes.items() if any(bit & game.relevant[name] for name in names)]
            for hybrid in self._path(union, task, every=every):
                visits |= {(name, hybrid & game.relevant[name]): None for name in names}
        return [*visits]

    def _told(self, column: Values) -> Array:
        """The statistics of a column, nan where it is not a number throughout."""
        values = np.sort(np.atleast_1d(column))
        if not np.isfinite(values[[0, -1]]).all():
            return np.full(len(self._statistics), np.nan)
        told = np.empty(len(self._statistics))
        of_mean = np.array([each == "mean" for each in self._statistics], np.bool_)
        told[~of_mean] = _percentiles(values, self._percents)
        if of_mean.any():
            told[of_mean] = _mean(values)
        return told


def _percentiles(values: Array, percents: Array) -> Array:
    """Percentiles of values in rising order, as a summary tells them: each value in the middle of its share.

    Between values of which there are few lies none.
    """
    ranks = percents / 100 * len(values)
    found: Array = np.interp(ranks - 0.5, np.arange(len(values)), values)
    if 2 * (1 + np.count_nonzero(values[1:] != values[:-1])) <= len(values):
        found = values[np.ceil(ranks).astype(int) - 1]
    return found


def _mean(values: Array) -> float:
    """The mean of values in rising order, over a power of two so that no sum overflows."""
    power = int(np.frexp(np.abs(values[[0, -1]]).max())[1])
    scaled = np.ldexp(values, -power)
    return float(np.ldexp(scaled[0] + (scaled - scaled[0]).mean(), power))
