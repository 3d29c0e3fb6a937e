"""Why a result changed: the change of a percentile or the mean, split over the changed inputs by Shapley values.

A change is a prior, a formula, or the correlations as one. A hybrid takes some changes from the alternative
and the rest from the baseline; a change's part is what it adds to the statistic, averaged over all orders in which
the changes can be made. Source: Shapley (1953), Contributions to the Theory of Games II, 307-317.

With at most 8 changes that a quantity depends on, all hybrids are evaluated, on all scenarios. Beyond, orders are
drawn at random, each with its reverse; hybrids between the ends take the first chunk of each replicate. The ends are
always those of the whole run, so that the parts sum to the change as it is reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from simulate.backends import ordered_map
from simulate.comparison.inputs import CORRELATIONS, Binding, Latent, bindings, same_function
from simulate.engine import Progress, standard_error
from simulate.graph import Array, Column
from simulate.priors import Priors
from simulate.sampling.sampler import REPLICATES, Sampler
from simulate.summary import Summary

Scale = Literal["linear", "log"]
Hybrid = frozenset[str]  # the changes taken from the alternative

EXACT = 8  # changes up to which every hybrid is evaluated
PAIRS = 32  # orders drawn beyond that, each with its reverse
_REPLICATED_PAIRS = 2  # those from which the scenarios' share of the standard error is estimated
_TOGETHER = 4  # chunks or replicates computed in one call
_BATCH = 128  # summaries held at a time by a thread


@dataclass(frozen=True)
class Part:
    """What one change adds, and its standard error; on the log scale, of the natural logarithm."""

    name: str
    value: float
    standard_error: float


@dataclass(frozen=True)
class Bridge:
    """The change of one statistic of one quantity from `baseline` to `alternative` (in its unit), in parts.

    The parts sum to alternative - baseline, or on the log scale to log(alternative / baseline).
    """

    baseline: float
    alternative: float
    parts: tuple[Part, ...]
    exact: bool  # over all orders, not over drawn ones


@dataclass(frozen=True)
class Side:
    """One end of the bridge."""

    priors: Priors
    latent: Latent


@dataclass(frozen=True)
class Sampling:
    """How the scenarios behind a statistic are drawn: `chunks` of `size` in each replicate."""

    dimensions: Mapping[str, int]
    seed: int
    size: int
    chunks: int
    scheme: str = "sobol"
    threads: int | None = None


def bridges(
    baseline: Side,
    alternative: Side,
    quantities: Sequence[str],
    statistics: Sequence[float | Literal["mean"]],
    sampling: Sampling,
    scale: Scale = "linear",
    pairs: int = PAIRS,
    progress: Progress | None = None,
) -> dict[str, dict[float | Literal["mean"], Bridge | None]]:
    """For each quantity and statistic (a percentile in percent, or the mean) the bridge, changes in the model's order.

    Both sides must be able to compute each quantity. None stands for a statistic that is not finite, or on the log
    scale not positive, in one of the hybrids.
    """
    game = _Game(baseline, alternative)
    walks = _walks(game, quantities, pairs, sampling.seed)
    values = _Values(game, sampling, statistics)
    values.evaluate(walks, progress)
    return {
        name: {
            statistic: _bridge(game, walks, values, name, place, scale)
            for place, statistic in enumerate(statistics)
        }
        for name in quantities
    }


# ---------------------------------------------------------------------------------------------------------
# The game: which changes there are, and what a hybrid computes


class _Game:
    """The changes between two sides, and the versions of each column that hybrids of them give.

    A version numbers one way to compute a name, down to its draws: hybrids in which nothing that a
    quantity needs differs share its version, so that they share its value to the bit.
    """

    def __init__(self, baseline: Side, alternative: Side) -> None:
        self.sides = (baseline, alternative)
        one, two = (bindings(side.priors) for side in self.sides)
        # What only one side can compute is no change: whatever needs it takes it from there.
        self.bindings: dict[str, tuple[Binding, Binding]] = {
            name: (one.get(name) or two[name], two.get(name) or one[name])
            for name in dict.fromkeys([*one, *two])
        }
        differing = [name for name, (a, b) in self.bindings.items() if not _same_binding(a, b)]
        self.needs = {
            name: (*a.needs, *b.needs) if name in differing else a.needs
            for name, (a, b) in self.bindings.items()
        }
        self._below: dict[str, frozenset[str]] = {}
        self.change_of = self._grouped(differing)
        self.reshuffled = _reshuffled(baseline.latent, alternative.latent)
        self.changes = tuple(
            dict.fromkeys([*self.change_of.values(), *([CORRELATIONS] if self.reshuffled else [])])
        )
        self.definitions: list[tuple[str, Any, tuple[int, ...]]] = []  # name, how, the versions needed
        self._numbers: dict[tuple[str, Any, tuple[int, ...]], int] = {}
        self._versions: dict[tuple[str, Hybrid], int] = {}
        self._known: tuple[Hybrid, dict[str, int]] = (frozenset(), {})  # of the hybrid asked for last

    def _grouped(self, differing: Sequence[str]) -> dict[str, str]:
        """Each differing name's change; names that may come to need each other change together."""
        label: dict[str, str] = {}
        for name in differing:
            circle = [other for other in differing if other in self.below(name) and name in self.below(other)]
            label[name] = ", ".join(dict.fromkeys(sorted({name, *circle}, key=differing.index)))
        return label

    def below(self, name: str) -> frozenset[str]:
        """What a name may need in some hybrid, directly or not; itself only where it is in a circle."""
        if name not in self._below:
            found: set[str] = set()
            stack = [*self.needs[name]]
            while stack:
                need = stack.pop()
                if need not in found:
                    found.add(need)
                    stack += self.needs[need]
            self._below[name] = frozenset(found)
        return self._below[name]

    def relevant(self, quantity: str) -> tuple[str, ...]:
        """The changes that a quantity may depend on."""
        reached = {quantity, *self.below(quantity)}
        kept = {change for name, change in self.change_of.items() if name in reached}
        if self.reshuffled & reached:
            kept.add(CORRELATIONS)
        return tuple(change for change in self.changes if change in kept)

    def version(self, quantity: str, hybrid: Hybrid) -> int:
        """The number of the way in which a hybrid computes a quantity."""
        place = (quantity, hybrid)
        if place in self._versions:
            return self._versions[place]
        if self._known[0] != hybrid:
            self._known = (hybrid, {})
        known = self._known[1]

        def visit(name: str) -> int:
            if name not in known:
                binding, how = self._bound(name, hybrid)
                key = (name, how, tuple(visit(need) for need in binding.needs))
                if key not in self._numbers:
                    self._numbers[key] = len(self.definitions)
                    self.definitions.append(key)
                known[name] = self._numbers[key]
            return known[name]

        self._versions[place] = visit(quantity)
        return self._versions[place]

    def _bound(self, name: str, hybrid: Hybrid) -> tuple[Binding, Any]:
        """What binds a name in a hybrid: a function, a value, or (side of the prior, side of the correlations)."""
        side = int(self.change_of.get(name, "") in hybrid)
        binding = self.bindings[name][side]
        if binding.distribution is not None:
            return binding, (side, int(name in self.reshuffled and CORRELATIONS in hybrid))
        return binding, binding.value if binding.function is None else binding.function

    def samplers(self, sampling: Sampling, versions: Iterable[int]) -> dict[tuple[int, int], Sampler]:
        """For each side of the priors and of the correlations, the sampler of the draws that versions need."""
        wanted: dict[tuple[int, int], list[str]] = {}
        for version in versions:
            name, how, _ = self.definitions[version]
            if isinstance(how, tuple):
                wanted.setdefault(how, []).append(name)
        return {
            (prior, correlation): Sampler(
                {name: _distribution(self.bindings[name][prior]) for name in names},
                sampling.dimensions,
                self.sides[correlation].latent,
                seed=sampling.seed,
                scheme=sampling.scheme,
                size=sampling.size,
                chunks=sampling.chunks,
                wanted=names,
            )
            for (prior, correlation), names in wanted.items()
        }


def _distribution(binding: Binding) -> Any:
    assert binding.distribution is not None
    return binding.distribution


def _same_binding(one: Binding, two: Binding) -> bool:
    if one is two:
        return True
    if one.function is not None and two.function is not None:
        return one.needs == two.needs and same_function(one.function, two.function)
    return one == two


def _reshuffled(one: Latent, two: Latent) -> frozenset[str]:
    """Names whose draws depend on which side's correlations hold."""
    reached = {name for pair in {*one, *two} if one.get(pair, 0.0) != two.get(pair, 0.0) for name in pair}
    grown: set[str] = set()
    while grown != reached:
        grown = set(reached)
        reached |= {name for pair in {*one, *two} if grown & set(pair) for name in pair}
    return frozenset(reached)


# ---------------------------------------------------------------------------------------------------------
# Which hybrids are evaluated


@dataclass(frozen=True)
class _Walks:
    """The hybrids to evaluate, one change at a time apart; by quantity where all of its are."""

    exact: Mapping[str, tuple[str, ...]]  # quantity -> its changes
    sampled: tuple[str, ...]  # quantities
    changes: tuple[str, ...]  # of the sampled quantities
    orders: tuple[tuple[str, ...], ...]
    loops: tuple[tuple[Hybrid, ...], ...]  # those of each order and of its reverse


def _walks(game: _Game, quantities: Sequence[str], pairs: int, seed: int) -> _Walks:
    relevant = {name: game.relevant(name) for name in quantities}
    exact = {name: changes for name, changes in relevant.items() if len(changes) <= EXACT}
    sampled = tuple(name for name in quantities if name not in exact)
    union = {change for name in sampled for change in relevant[name]}
    changes = tuple(change for change in game.changes if change in union)
    stream = np.random.Generator(np.random.Philox(key=seed % 2**64))
    orders = tuple(
        tuple(changes[place] for place in stream.permutation(len(changes)))
        for _ in range(max(pairs, 2) if sampled else 0)
    )
    return _Walks(exact, sampled, changes, orders, tuple(tuple(_loop(order)) for order in orders))


def _loop(order: Sequence[str]) -> Iterator[Hybrid]:
    """The hybrids of an order, and on the way back those of its reverse: from the baseline to the baseline."""
    hybrid: Hybrid = frozenset()
    yield hybrid
    for change in order:
        hybrid |= {change}
        yield hybrid
    for change in order:
        hybrid -= {change}
        yield hybrid


def _subsets(changes: Sequence[str]) -> Iterator[Hybrid]:
    """All subsets, in Gray code order: each differs from the one before by one change."""
    for number in range(2 ** len(changes)):
        gray = number ^ (number >> 1)
        yield frozenset(change for place, change in enumerate(changes) if gray >> place & 1)


# ---------------------------------------------------------------------------------------------------------
# What the hybrids are worth


@dataclass
class _Step:
    """Columns to compute after the last step, and versions of quantities to summarize."""

    versions: list[int] = field(default_factory=list)
    record: list[int] = field(default_factory=list)


class _Values:
    """The statistics of versions of quantities: on all scenarios, and of each replicate where asked."""

    def __init__(
        self, game: _Game, sampling: Sampling, statistics: Sequence[float | Literal["mean"]]
    ) -> None:
        self.game, self.sampling, self.statistics = game, sampling, tuple(statistics)
        self._percents = [each for each in self.statistics if each != "mean"]
        self.whole: dict[int, Array] = {}
        self.replicates: dict[int, Array] = {}

    def evaluate(self, walks: _Walks, progress: Progress | None = None) -> None:
        """Evaluate the hybrids of all walks: those of exact bridges and the ends on all scenarios."""
        game = self.game
        ends = (frozenset[str](), frozenset(game.changes))
        thorough = [game.version(name, end) for name in (*walks.exact, *walks.sampled) for end in ends]
        thorough += [game.version(name, each) for name, own in walks.exact.items() for each in _subsets(own)]
        replicated, quick = (
            [game.version(name, hybrid) for loop in loops for hybrid in loop for name in walks.sampled]
            for loops in (walks.loops[:_REPLICATED_PAIRS], walks.loops[_REPLICATED_PAIRS:])
        )
        batches = [
            (batch, chunks, in_replicates)
            for versions, chunks, in_replicates in (
                (thorough, self.sampling.chunks, True),
                (replicated, 1, True),
                (quick, 1, False),
            )
            for batch in self._batches(versions)
        ]
        for done, (batch, chunks, in_replicates) in enumerate(batches, 1):
            self._fold(batch, chunks, in_replicates=in_replicates)
            if progress:
                progress(done, len(batches))

    def _batches(self, versions: Iterable[int]) -> Iterator[list[int]]:
        """Versions without a value yet, in the order given, so many at a time."""
        new = [version for version in dict.fromkeys(versions) if version not in self.whole]
        for version in new:
            self.whole[version] = np.empty(0)  # taken; filled by `_fold`
        for first in range(0, len(new), _BATCH):
            yield new[first : first + _BATCH]

    def _fold(self, batch: Sequence[int], chunks: int, *, in_replicates: bool) -> None:
        """Fill in the values of some versions from so many chunks of each replicate."""
        # Work enough in one call for threads to overlap: chunks of a replicate, or replicates.
        each = 1 if in_replicates else _TOGETHER
        groups = [range(first, first + each) for first in range(0, REPLICATES, each)]
        steps = self._steps(batch)
        samplers = self.game.samplers(
            self.sampling, dict.fromkeys(v for step in steps for v in step.versions)
        )

        def work(replicates: Sequence[int]) -> tuple[dict[int, Summary], dict[int, Array]]:
            words = {
                key: [sampler.words(replicate) for replicate in replicates]
                for key, sampler in samplers.items()
            }
            summaries = {version: Summary() for version in batch}
            for first in range(0, chunks, _TOGETHER):
                several = range(first, min(first + _TOGETHER, chunks))
                draws = {
                    key: sampler.columns(
                        np.concatenate([of(c) for of in words[key] for c in several], axis=1)
                    )
                    for key, sampler in samplers.items()
                }
                size = self.sampling.size * len(several) * len(replicates)
                self._walk(steps, draws, summaries, size)
            for summary in summaries.values():
                summary.finish()
            apart = (
                {version: self._statistics(summaries[version]) for version in batch} if in_replicates else {}
            )
            return summaries, apart

        merged = {version: Summary() for version in batch}
        apart: dict[int, list[Array]] = {version: [] for version in batch}
        for summaries, statistics in ordered_map(work, groups, self.sampling.threads):
            for version, summary in summaries.items():
                merged[version].merge(summary)
            for version, values in statistics.items():
                apart[version].append(values)
        for version, summary in merged.items():
            self.whole[version] = self._statistics(summary)
            if in_replicates:
                self.replicates[version] = np.array(apart[version])

    def _steps(self, batch: Sequence[int]) -> list[_Step]:
        """For each version to summarize, what of it the versions before it have not left in place."""
        held: dict[str, int] = {}
        steps = []
        for version in batch:
            step = _Step(record=[version])

            def prepare(number: int, step: _Step = step) -> None:
                name, _, needs = self.game.definitions[number]
                if held.get(name) != number:
                    for need in needs:
                        prepare(need)
                    held[name] = number
                    step.versions.append(number)

            prepare(version)
            steps.append(step)
        return steps

    def _walk(
        self,
        steps: Sequence[_Step],
        draws: Mapping[tuple[int, int], Mapping[str, Array]],
        summaries: Mapping[int, Summary],
        size: int,
    ) -> None:
        columns: dict[str, Column] = {}
        definitions = self.game.definitions
        with np.errstate(all="ignore"):
            for step in steps:
                for version in step.versions:
                    name, how, needs = definitions[version]
                    if isinstance(how, tuple):
                        columns[name] = draws[how][name]
                    elif callable(how):
                        columns[name] = how(*[columns[definitions[need][0]] for need in needs])
                    else:
                        columns[name] = how
                for version in step.record:
                    summaries[version].add(columns[definitions[version][0]], size)

    def _statistics(self, summary: Summary) -> Array:
        if summary.nonfinite:
            return np.full(len(self.statistics), np.nan)
        percentiles = iter(summary.percentiles(self._percents).tolist() if self._percents else ())
        return np.array([summary.mean if each == "mean" else next(percentiles) for each in self.statistics])


# ---------------------------------------------------------------------------------------------------------
# From values to parts


def _bridge(
    game: _Game, walks: _Walks, values: _Values, name: str, place: int, scale: Scale
) -> Bridge | None:
    """The bridge of one statistic, the `place`-th, of one quantity."""
    scaled: Callable[[Any], Any] = np.log if scale == "log" else np.asarray
    exact = name in walks.exact
    ends = (frozenset[str](), frozenset(game.changes))
    hybrids = {
        *ends,
        *(_subsets(walks.exact[name]) if exact else (each for loop in walks.loops for each in loop)),
    }
    with np.errstate(all="ignore"):
        worth = {each: float(scaled(values.whole[game.version(name, each)][place])) for each in hybrids}
    if not all(map(math.isfinite, worth.values())):
        return None
    change = worth[ends[1]] - worth[ends[0]]

    def apart(hybrid: Hybrid) -> Any:
        return scaled(values.replicates[game.version(name, hybrid)][:, place])

    with np.errstate(all="ignore"):  # a replicate alone may lack a value: its standard error is then nan
        if exact:
            own = walks.exact[name]
            parts = _over_all_orders(own, worth.__getitem__)
            errors = {key: float(standard_error(each)) for key, each in _over_all_orders(own, apart).items()}
        else:
            walked = list(zip(walks.orders, walks.loops, strict=True))
            drawn = [_over_a_pair(order, loop, worth.__getitem__) for order, loop in walked]
            parts = {key: math.fsum(pair[key] for pair in drawn) / len(drawn) for key in walks.changes}
            replicated = [_over_a_pair(order, loop, apart) for order, loop in walked[:_REPLICATED_PAIRS]]
            errors = {
                key: math.hypot(
                    float(standard_error([pair[key] for pair in drawn])),
                    float(standard_error(sum(pair[key] for pair in replicated) / len(replicated))),
                )
                for key in walks.changes
            }
    if parts:
        # What rounding has left over goes where it is smallest beside the part.
        largest = max(parts, key=lambda key: abs(parts[key]))
        parts[largest] += change - math.fsum(parts.values())
    baseline, alternative = (float(values.whole[game.version(name, end)][place]) for end in ends)
    return Bridge(
        baseline,
        alternative,
        tuple(Part(key, float(parts.get(key, 0.0)), errors.get(key, 0.0)) for key in game.changes),
        exact,
    )


def _over_all_orders(changes: Sequence[str], value: Callable[[Hybrid], Any]) -> dict[str, Any]:
    """Shapley values from the values of all subsets."""
    count = len(changes)
    parts: dict[str, Any] = dict.fromkeys(changes, 0.0)
    worth = {hybrid: value(hybrid) for hybrid in _subsets(changes)}
    for hybrid, before in worth.items():
        for change in changes:
            if change not in hybrid:
                weight = 1 / (count * math.comb(count - 1, len(hybrid)))
                parts[change] = parts[change] + weight * (worth[hybrid | {change}] - before)
    return parts


def _over_a_pair(
    order: Sequence[str], loop: Sequence[Hybrid], value: Callable[[Hybrid], Any]
) -> dict[str, Any]:
    """What each change adds in an order, averaged with its reverse."""
    worth = [value(hybrid) for hybrid in loop]
    count = len(order)
    steps = [after - before for before, after in pairwise(worth)]
    return {change: (steps[place] - steps[count + place]) / 2 for place, change in enumerate(order)}
