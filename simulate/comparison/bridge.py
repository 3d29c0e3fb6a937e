"""Why a result changed: the change of a percentile or the mean, split over the changed inputs by Shapley values.

A change is a prior, a formula, or the correlations as one. A hybrid takes some changes from the alternative
and the rest from the baseline; a change's part is what it adds to the statistic, averaged over all orders in which
the changes can be made. Source: Shapley (1953), Contributions to the Theory of Games II, 307-317.

The ends are those of the whole run, so that the parts sum to the change as it is reported. Hybrids between them are
evaluated in blocks of scenarios, along drawn orders, until no part's standard error is above `TOLERANCE` of the change
or of the largest part; or in every hybrid there is, where that is less work.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Literal, NamedTuple

import numpy as np

from simulate.bands import Band
from simulate.comparison.hybrids import Game, subsets
from simulate.comparison.walking import MOST_HYBRIDS, MOST_ROUNDS, STEPS, Asked, Task, Walk
from simulate.graph import Array
from simulate.replicates import Workers
from simulate.rounding import error_near, probed
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Drawing
from simulate.spread import standard_error, widened_error
from simulate.statistics import Statistic, percentiles

Scale = Literal["linear", "log"]
BridgeScale = Literal["auto", "linear", "log"]  # what may be asked

ENDS = "ends"  # the name of the percentiles at which bridges end
LEAST_ROUNDS = 2  # of orders, of which a few add much: one round would tell too small an error too often
TOLERANCE = 0.01  # of the whole change, or of the largest part where that is larger


class Bridge(NamedTuple):
    """The change of one statistic of one quantity, in the quantity's unit, from end to end in parts.

    The parts, by change in the model's order, sum to the difference of the ends, or on the log scale to the logarithm
    of their ratio; with their standard errors.
    """

    ends: tuple[float, float]
    parts: Mapping[str, float]
    errors: Mapping[str, float]
    exact: bool  # over all orders, not over drawn ones
    scale: Scale

    @property
    def moving(self) -> list[str]:
        """The changes that have a part of it, the largest first."""
        return sorted((name for name, part in self.parts.items() if part), key=lambda name: -abs(self.parts[name]))

    def others(self, names: Sequence[str]) -> tuple[float, float]:
        """The sum of the parts that are not named, and its standard error."""
        rest = [name for name in self.parts if name not in names]
        return sum(self.parts[name] for name in rest), math.hypot(*(self.errors[name] for name in rest))

    @property
    def impossible(self) -> bool:
        """Whether the sum of the parts, the largest first, comes below zero between ends that are above."""
        levels = accumulate([self.ends[0], *(self.parts[name] for name in self.moving)])
        return self.scale == "linear" and min(self.ends) > 0 and min([*levels][:-1], default=0.0) < 0


def ends(statistics: Sequence[Asked]) -> list[Statistic]:
    """What bands must tell, beside their mean, so that bridges of statistics may end at them."""
    percents = [each for each in statistics if each != "mean"]
    return [replace(percentiles(percents), name=ENDS)] if percents else []


def bridges(
    drawing: Drawing,
    sides: tuple[str, str],
    bands: Mapping[str, tuple[Band, Band]],
    statistics: Sequence[Asked],
    *,
    scale: BridgeScale = "auto",
    workers: Workers,
) -> dict[str, dict[Asked, Bridge | None]]:
    """For each quantity and statistic the bridge from one case of a drawing to another, whose `bands` tell its ends.

    The scale `auto` is linear, but log for a quantity that is positive throughout where the parts of a statistic of it,
    the largest first, would come below zero on their way. None stands for a statistic that is not finite, or on the
    log scale not positive, in one of the hybrids.
    """
    baseline, alternative = sides
    latents = drawing.latents[baseline], drawing.latents[alternative]
    game = Game(drawing.cases[baseline], drawing.cases[alternative], latents)
    few = [probed(drawing.scenarios(side, [*bands]), [*bands]) for side in sides]
    splits = {}
    for name, both in bands.items():
        rows = [_rows(band, statistics) for band in both]
        near = [[sum(error_near(value, each[name]) for each in few) for value in row[0].tolist()] for row in rows]
        positive = min(band.summary.minimum for band in both) > 0
        splits[name] = _Split(game, name, np.array(rows), np.array(near), scale, positive=positive)
    walk = Walk(game, drawing, [*bands], statistics)
    rounds = 0
    while tasks := _tasks({name: split.wanted() for name, split in splits.items()}):
        done: list[dict[str, Array]] = []
        what = f"bridge to {alternative}" + (f", orders {2 * REPLICATES * rounds + 1} and on" if rounds else "")
        with np.errstate(all="ignore"):
            scenarios = walk.size * len(tasks)
            workers.fold(walk, tasks, done.append, what=what, steps=lambda _: STEPS, scenarios=scenarios)
        for task, found in zip(tasks, done, strict=True):
            for name, values in found.items():
                splits[name].add(values, walk.order(splits[name].changes, task))
        rounds = tasks[-1].round + 1
    return {name: dict(zip(statistics, split.bridges, strict=True)) for name, split in splits.items()}


def _rows(band: Band, statistics: Sequence[Asked]) -> Array:
    """The statistics of all scenarios, then what stands for each replicate's: nan where one is not a number."""
    means = np.array([band.value("mean"), *band.replicates("mean")])
    if band.summary.nonfinite:
        return np.full((len(means), len(statistics)), np.nan)
    told: dict[Asked, Array] = {"mean": means}
    if ENDS in band.statistics:
        values = np.array([band.value(ENDS), *band.replicates(ENDS)])
        told |= dict(zip(band.statistics[ENDS].labels, values.T, strict=True))
    return np.array([told[each] for each in statistics]).T


def _tasks(wanted: Mapping[str, tuple[range, bool]]) -> list[Task]:
    """The tasks that give each quantity the rounds that it wants, in every hybrid where it says so."""
    last = max((rounds.stop for rounds, _ in wanted.values() if rounds), default=0)
    found = []
    for round_ in range(last):
        names = {name: every for name, (rounds, every) in wanted.items() if round_ in rounds}
        found += [Task(round_, replicate, names) for replicate in range(REPLICATES) if names]
    return found


Told = tuple[Bridge, float] | None  # with the largest error, over the change or the largest part, but for the ends'


class _Split:
    """The change of one quantity: what hybrids come to so far, and how it splits by that.

    `rows` are its statistics at the ends, shape (2, 1 + replicates, statistics), `near` how far they may be off by
    rounding, shape (2, statistics).
    """

    def __init__(self, game: Game, name: str, rows: Array, near: Array, scale: BridgeScale, *, positive: bool) -> None:
        self.changes = game.changes_of(name)
        self._all, self._near, self._scale, self._positive = [*game.changes], near, scale, positive
        with np.errstate(invalid="ignore"):
            same = np.abs(rows[1, 0] - rows[0, 0]) <= near.max(axis=0)
        self._rows = np.where(same, rows[0], rows)
        self._every = self._hybrids(every=True) <= 2 * self._hybrids(every=False)
        self._values: list[Array] = []  # a task each
        self._orders: list[list[str]] = []
        self.bridges: list[Bridge | None] = []

    def _hybrids(self, *, every: bool) -> int:
        return 2 ** len(self.changes) if every else 2 * len(self.changes)

    def add(self, values: Array, order: list[str]) -> None:
        """Take up the hybrids of the next task, and its order."""
        self._values.append(values)
        self._orders.append(order)

    def wanted(self) -> tuple[range, bool]:
        """The rounds that are wanted next, and whether of every hybrid."""
        if not self._values and self.changes:
            return range(1 if self._every else LEAST_ROUNDS), self._every
        found = self._split()
        self.bridges = [each[0] if each else None for each in found]
        worst = max((each[1] for each in found if each), default=0.0)
        if not worst > TOLERANCE:
            return range(0), self._every
        done = len(self._values) // REPLICATES
        needed = math.ceil(min(done * (worst / TOLERANCE) ** 2, MOST_HYBRIDS))
        every, few = (self._hybrids(every=each) for each in (True, False))
        if not self._every and every <= min(MOST_HYBRIDS, needed * few):
            self._every, self._values, self._orders = True, [], []
            return range(1), True
        most = min(MOST_ROUNDS, MOST_HYBRIDS // (every if self._every else few))
        return range(done, min(needed, most)), self._every

    def _split(self) -> list[Told]:
        """The bridge of each statistic, and what further rounds may take from."""
        if self._scale != "auto":
            return self._on(self._scale)
        linear, log = self._on("linear"), self._on("log")
        defined = self._positive and all(log[place] for place, each in enumerate(linear) if each)
        return log if defined and any(each[0].impossible for each in linear if each) else linear

    def _on(self, scale: Scale) -> list[Told]:
        with np.errstate(all="ignore"):
            return [self._bridge(place, scale) for place in range(self._rows.shape[-1])]

    def _bridge(self, place: int, scale: Scale) -> Told:
        """The bridge of one statistic, the `place`-th."""
        whole, apart = self._rows[:, 0, place], self._rows[:, 1:, place]
        worth = self._worth(place)
        # over a power of two, which takes no bit, so that no sum overflows
        power = 0 if scale == "log" else int(np.frexp(np.abs([*whole, *worth.flat]).max())[1])
        if scale == "log":
            # what a replicate adds to the logarithm, which may have none of its own
            levels, worth, apart = np.log(whole), np.log(worth), apart / whole[:, None]
        else:
            levels, worth, apart = (np.ldexp(each, -power) for each in (whole, worth, apart))
        if not (np.isfinite(levels).all() and np.isfinite(worth).all()):
            return None
        change, error = float(levels[1] - levels[0]), float(standard_error(apart[1] - apart[0]))
        parts, slopes, errors = _to_the_change(self._parts(worth), change)
        named, beside = (self._named(each, power) for each in (parts, np.hypot(errors, slopes * error)))
        largest = max(abs(change), np.abs(parts).max(initial=0.0))
        worst = float(errors.max(initial=0.0) / largest) if largest else 0.0
        return Bridge((float(whole[0]), float(whole[1])), named, beside, self._every, scale), worst

    def _named(self, values: Array, power: int) -> dict[str, float]:
        named = dict(zip(self.changes, np.ldexp(values, power).tolist(), strict=True))
        return {**dict.fromkeys(self._all, 0.0), **named}

    def _worth(self, place: int) -> Array:
        """What a statistic is in the hybrids, shape (rounds, replicates, hybrids).

        That of an end where they differ from it by rounding alone.
        """
        if not self._values:
            return np.empty((0, REPLICATES, 0))
        shape = (len(self._values) // REPLICATES, REPLICATES, -1)
        worth = np.array([each[:, place] for each in self._values]).reshape(shape)
        for end, near in zip(self._at_ends(), self._near[:, place], strict=True):
            worth = np.where(np.abs(worth - worth[..., [end]]) <= near, worth[..., [end]], worth)
        return worth

    def _at_ends(self) -> tuple[int, int]:
        """At which place among the hybrids the ends are."""
        bits = [1 << place for place in range(len(self.changes))]
        return 0, [*subsets(bits)].index(sum(bits)) if self._every else len(bits)

    def _parts(self, worth: Array) -> Array:
        """The parts in each replicate, shape (replicates, changes)."""
        if not self._values:
            return np.zeros((REPLICATES, 0))
        if self._every:
            parts = _over_all_orders(worth)
        else:
            parts = _over_orders(worth)
            places = [[order.index(change) for change in self.changes] for order in self._orders]
            parts = np.take_along_axis(parts, np.reshape(places, parts.shape), axis=-1)
        mean: Array = parts.mean(axis=0)
        return mean


def _over_all_orders(worth: Array) -> Array:
    """Shapley values from what all subsets of changes are worth, along the last axis."""
    count = worth.shape[-1].bit_length() - 1
    bits = [1 << place for place in range(count)]
    made = np.array([[int(hybrid & bit > 0) for bit in bits] for hybrid in subsets(bits)])
    others = made.sum(axis=1, keepdims=True) - made  # how many changes are made beside each
    orders = np.array([count * math.comb(count - 1, number) for number in range(count)])
    parts: Array = np.einsum("...h,hc->...c", worth, (2 * made - 1) / orders[others])
    return parts


def _over_orders(worth: Array) -> Array:
    """What each change adds in an order, averaged with its reverse, from what hybrids are worth there and back."""
    there, back = np.split(np.diff(worth, axis=-1), 2, axis=-1)
    parts: Array = (there - back) / 2
    return parts


def _to_the_change(parts: Array, change: float) -> tuple[Array, Array, Array]:
    """The replicates' parts, shape (replicates, changes), averaged and brought to sum to a change.

    The change is known from more scenarios than the parts are. How far each part moves with the sum of all, regression
    over the replicates tells, which takes out of a part's error what it shares with the sum. Where sums hardly differ
    beside the parts, which rest on different orders, it is drawn towards leaving the rest to the largest part. Returns
    the parts, how far each moves with the change, and the standard errors for a change that is known exactly.
    """
    if not parts.size:
        return (np.zeros(0),) * 3
    count, mean = len(parts), parts.mean(axis=0)
    deviations = parts - mean
    of_sum = deviations.sum(axis=1)
    spread, along = of_sum @ of_sum, of_sum @ deviations
    apart_from_it = deviations - np.outer(of_sum, along / spread if spread else 0.0 * along)
    variances = widened_error(apart_from_it) ** 2 * count * (count - 1) / (count - 2)  # what orders add is skewed
    largest, weight = int(np.argmax(np.abs(mean))), variances.sum()
    all_to_it = np.eye(len(mean))[largest]
    known = spread + weight
    slopes, unknown = ((along + weight * all_to_it) / known, variances / known) if known else (all_to_it, all_to_it)
    apart = change - math.fsum(mean)
    estimate = mean + slopes * apart
    estimate[largest] += change - math.fsum(estimate)
    return estimate, slopes, np.sqrt(variances / count + unknown * apart**2)
