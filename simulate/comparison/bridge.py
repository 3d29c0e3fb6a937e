"""Why a result changed: the change of a percentile or the mean, split over the changed inputs by Shapley values.

A change is a prior, a formula, or the correlations as one. A hybrid takes some changes from the alternative
and the rest from the baseline; a change's part is what it adds to the statistic, averaged over all orders in which
the changes can be made. Source: Shapley (1953), Contributions to the Theory of Games II, 307-317.

With at most 8 changes that a quantity depends on, all hybrids are evaluated, on all scenarios. Beyond, orders are
drawn at random, each with its reverse; hybrids between the ends take the first chunk of each replicate. The ends are
always those of the whole run, so that the parts sum to the change as it is reported.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np

from simulate.backends import Ticks
from simulate.bands import Band, Bands, Gathering, Part
from simulate.comparison.hybrids import Draws, Game, Hybrid, Order, Version, Walks, bottom_up, drawn, subsets, walks
from simulate.folding import fold
from simulate.graph import Array, Values, as_numpy
from simulate.replicates import Workers
from simulate.rounding import Rounded, error_near, probed
from simulate.sampling.sampler import REPLICATES, Sampler
from simulate.scenarios import TOGETHER, Drawing, chunking, steps, together
from simulate.spread import standard_error
from simulate.statistics import MEAN, percentiles

BridgeScale = Literal["linear", "log"]
Asked = float | Literal["mean"]  # a statistic: a percent, or the mean

PAIRS = 32  # orders drawn where there are many changes, each with its reverse
_REPLICATED_PAIRS = 2  # those from which the scenarios' share of the standard error is estimated
_BATCH = 128  # summaries held at a time by a thread


class Bridge(NamedTuple):
    """The change of one statistic of one quantity, in the quantity's unit, from end to end in parts.

    The parts, by change in the model's order, sum to the difference of the ends, or on the log scale to the logarithm
    of their ratio; with their standard errors.
    """

    ends: tuple[float, float]
    parts: Mapping[str, float]
    errors: Mapping[str, float]
    exact: bool  # over all orders, not over drawn ones

    @property
    def moving(self) -> list[str]:
        """The changes that have a part of it, the largest first."""
        return sorted((name for name, part in self.parts.items() if part), key=lambda name: -abs(self.parts[name]))

    def others(self, names: Sequence[str]) -> tuple[float, float]:
        """The sum of the parts that are not named, and its standard error."""
        rest = [name for name in self.parts if name not in names]
        return sum(self.parts[name] for name in rest), math.hypot(*(self.errors[name] for name in rest))


def bridges(
    drawing: Drawing,
    sides: tuple[str, str],
    quantities: Sequence[str],
    statistics: Sequence[Asked],
    *,
    scale: BridgeScale = "linear",
    pairs: int = PAIRS,
    workers: Workers,
) -> dict[str, dict[Asked, Bridge | None]]:
    """For each quantity and statistic the bridge from one case of a drawing to another.

    Both cases must be able to compute each quantity. None stands for a statistic that is not finite, or on the log
    scale not positive, in one of the hybrids.
    """
    baseline, alternative = sides
    latents = drawing.latents[baseline], drawing.latents[alternative]
    game = Game(drawing.cases[baseline], drawing.cases[alternative], latents)
    values = _HybridValues(game, drawing, statistics)
    walked = walks(game, quantities, pairs, drawing.settings.seed)
    values.evaluate(walked, workers, f"bridge to {alternative}")
    few = [probed(drawing.scenarios(side, quantities), quantities) for side in sides]
    return {
        name: {
            statistic: _bridge(game, walked, values, name, place, scale, [each[name] for each in few])
            for place, statistic in enumerate(statistics)
        }
        for name in quantities
    }


class _HybridValues:
    """The statistics of versions of quantities: a row of all scenarios, then one of each replicate or group of them."""

    def __init__(self, game: Game, drawing: Drawing, statistics: Sequence[Asked]) -> None:
        self.game, self.drawing = game, drawing
        self.size, self.chunks = chunking(drawing.settings.scenarios)
        self._of_mean = [each == "mean" for each in statistics]
        self.told = percentiles([50.0 if each == "mean" else each for each in statistics]), MEAN
        self.of: dict[Version, Array] = {}

    def _rows(self, band: Band) -> Array:
        """The statistics of all scenarios, then what stands for each replicate's: nan where one is not a number."""
        means = np.reshape([band.value("mean"), *band.replicates("mean")], (-1, 1))
        if band.summary.nonfinite:
            return np.full((len(means), len(self._of_mean)), np.nan)
        rows = np.array([band.value("percentiles"), *band.replicates("percentiles")])
        rows[:, self._of_mean] = means
        return rows

    def evaluate(self, walked: Walks, workers: Workers, what: str) -> None:
        """Evaluate the hybrids of all walks: those of exact bridges and the ends on all scenarios."""
        version = self.game.version
        thorough = [version(name, end) for name in (*walked.exact, *walked.sampled) for end in self.game.ends]
        thorough += [version(name, each) for name, own in walked.exact.items() for each in subsets(own)]
        replicated, quick = (
            [version(name, hybrid) for order in orders for hybrid in order.loop for name in walked.sampled]
            for orders in (walked.orders[:_REPLICATED_PAIRS], walked.orders[_REPLICATED_PAIRS:])
        )
        # Work enough in one call for threads to overlap: chunks of a replicate, or replicates.
        kinds = ((thorough, self.chunks, 1), (replicated, 1, 1), (quick, 1, TOGETHER))
        taken: set[Version] = set()
        batches = []
        for versions, chunks, at_once in kinds:
            new = [each for each in dict.fromkeys(versions) if each not in taken]
            taken.update(new)
            batches += [(new[first : first + _BATCH], chunks, at_once) for first in range(0, len(new), _BATCH)]
        counts = [REPLICATES // at_once * steps(range(chunks)) for _, chunks, at_once in batches]
        for place, batch in enumerate(batches):
            self._fold(*batch, _between(workers, sum(counts[:place]), sum(counts)), what)

    def _fold(self, batch: Sequence[Version], chunks: int, at_once: int, workers: Workers, what: str) -> None:
        """Fill in the values of some versions from so many chunks of each replicate, taken alone or together."""
        samplers = self._samplers(batch)

        def work(gathering: Gathering[Version], replicates: Sequence[int], ticks: Ticks) -> dict[Version, Part]:
            words = {key: [each.words(replicate) for replicate in replicates] for key, each in samplers.items()}
            for several in ticks(together(range(chunks))):
                draws = {
                    key: each.columns(np.concatenate([of(c) for of in words[key] for c in several], axis=1))
                    for key, each in samplers.items()
                }
                size = self.size * len(several) * len(replicates)
                columns: dict[str, tuple[Version, Values]] = {}
                with np.errstate(all="ignore"):
                    for version in batch:
                        gathering.add(version, _computed(version, columns, draws), size)
            return gathering.finish(self.told)

        bands: Bands[Version] = Bands(self.told)
        fold(
            work,
            [range(first, first + at_once) for first in range(0, REPLICATES, at_once)],
            bands.add,
            keys=batch,
            scenarios=self.size * chunks * REPLICATES,
            step=self.size,
            workers=workers,
            what=what,
            steps=lambda _: steps(range(chunks)),
            pilots=[range(replicate, replicate + 1) for replicate in range(REPLICATES)],
        )
        for version, band in bands.items():
            self.of[version] = self._rows(band)

    def _samplers(self, versions: Iterable[Version]) -> dict[Draws, Sampler]:
        """For each side of the priors and of the correlations, the sampler of the draws that versions need."""
        return {
            (prior, correlation): Sampler(
                self.game.distributions[prior],
                self.drawing.places,
                self.game.latents[correlation],
                seed=self.drawing.settings.seed,
                scheme=self.drawing.settings.scheme,
                size=self.size,
                chunks=self.chunks,
                wanted=names,
            )
            for (prior, correlation), names in drawn(versions).items()
        }


def _computed(
    version: Version, columns: dict[str, tuple[Version, Values]], draws: Mapping[Draws, Mapping[str, Array]]
) -> Values:
    """The column of a version: that of its name, where the version before has left the same, else put there."""

    def lacking(each: Version) -> bool:
        return each.name not in columns or columns[each.name][0] is not each

    for each in bottom_up(version, lambda each: each.needs, lacking):
        column: Values = each.how
        if isinstance(each.how, tuple):
            column = draws[each.how][each.name]
        elif callable(each.how):
            column = each.how(*[columns[need.name][1] for need in each.needs])
        columns[each.name] = each, as_numpy(column)
    return columns[version.name][1]


def _between(workers: Workers, done: int, whole: int) -> Workers:
    """The same workers, who tell their steps as some of a whole, so many being done before."""
    tell = workers.progress
    return replace(workers, progress=tell and (lambda what, step, _: tell(what, done + step, whole)))


def _bridge(
    game: Game, walked: Walks, values: _HybridValues, name: str, place: int, scale: BridgeScale, few: Sequence[Rounded]
) -> Bridge | None:
    """The bridge of one statistic, the `place`-th, of one quantity, of which a few scenarios tell how it is rounded."""
    own = walked.exact.get(name)
    between = (each for order in walked.orders for each in order.loop) if own is None else subsets(own)
    with np.errstate(all="ignore"):  # a replicate alone may lack a value: its standard error is then nan
        worth = {each: values.of[game.version(name, each)][:, place] for each in dict.fromkeys([*game.ends, *between])}
        for end in game.ends:
            worth = _but_for_rounding(worth, worth[end], few)
        baseline, alternative = (float(worth[end][0]) for end in game.ends)
        # over a power of two, which takes no bit, so that no sum overflows
        power = 0 if scale == "log" else int(np.frexp(np.fmax.reduce(np.abs(np.concatenate([*worth.values()]))))[1])
        worth = {each: np.log(of) if scale == "log" else np.ldexp(of, -power) for each, of in worth.items()}
        whole = {hybrid: float(each[0]) for hybrid, each in worth.items()}
        apart = {hybrid: each[1:] for hybrid, each in worth.items()}
        if not all(map(math.isfinite, whole.values())):
            return None
        if own is not None:
            parts = _over_all_orders(own, whole)
            errors = {key: float(standard_error(each)) for key, each in _over_all_orders(own, apart).items()}
        else:
            drawn = [_over_a_pair(order, whole) for order in walked.orders]
            replicated = [_over_a_pair(order, apart) for order in walked.orders[:_REPLICATED_PAIRS]]
            moving = [change for change in game.changes if change in drawn[0]]
            parts = {key: math.fsum(pair[key] for pair in drawn) / len(drawn) for key in moving}
            errors = {
                key: math.hypot(
                    float(standard_error([pair[key] for pair in drawn])),
                    float(standard_error(sum(pair[key] for pair in replicated) / len(replicated))),
                )
                for key in moving
            }
    first, last = game.ends
    if parts:
        # What rounding has left over goes where it is smallest beside the part.
        largest = max(parts, key=lambda key: abs(parts[key]))
        parts[largest] += whole[last] - whole[first] - math.fsum(parts.values())
    told, beside = ({key: _times(each.get(key, 0.0), power) for key in game.changes} for each in (parts, errors))
    return Bridge((baseline, alternative), told, beside, exact=own is not None)


def _but_for_rounding(worth: Mapping[Hybrid, Array], end: Array, few: Sequence[Rounded]) -> dict[Hybrid, Array]:
    """The values of hybrids, those of an end where they differ from these by rounding alone.

    Hybrids of drawn orders may have fewer values, of groups of replicates.
    """
    near = sum(error_near(float(end[0]), each) for each in few)
    same = {each: end[: len(of)] for each, of in worth.items()}
    return {each: np.where(np.abs(of - same[each]) <= near, same[each], of) for each, of in worth.items()}


def _times(value: float, power: int) -> float:
    """The value times a power of two, infinite where that is no float."""
    with np.errstate(over="ignore"):
        return float(np.ldexp(value, power))


def _over_all_orders(changes: Sequence[str], worth: Mapping[Hybrid, Any]) -> dict[str, Any]:
    """Shapley values from the values of all subsets."""
    count = len(changes)
    parts: dict[str, Any] = dict.fromkeys(changes, 0.0)
    for hybrid in subsets(changes):
        for change in changes:
            if change not in hybrid:
                weight = 1 / (count * math.comb(count - 1, len(hybrid)))
                parts[change] = parts[change] + weight * (worth[hybrid | {change}] - worth[hybrid])
    return parts


def _over_a_pair(order: Order, worth: Mapping[Hybrid, Any]) -> dict[str, Any]:
    """What each change adds in an order, averaged with its reverse."""
    steps = [worth[after] - worth[before] for before, after in pairwise(order.loop)]
    count = len(order.changes)
    return {change: (steps[place] - steps[count + place]) / 2 for place, change in enumerate(order.changes)}
