"""The game of a bridge: which changes there are between two sides, and what hybrids of the sides compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import xor
from typing import TypeVar

from simulate.comparison.inputs import Binding, bindings
from simulate.distributions import Distribution
from simulate.graph import Array, Values, as_numpy
from simulate.priors import Priors
from simulate.sampling.keys import key_of
from simulate.sampling.sampler import Sampler, linked_names
from simulate.scenarios import Drawing, Latents

CORRELATIONS = "the correlations"  # as one change; no name of a user's has a space

Hybrid = int  # the changes taken from the alternative, a bit each
Node = TypeVar("Node")
Draws = tuple[int, int]  # the side of the prior, and that of the correlations


class Game:
    """The changes from one priors file to another, and what each name may depend on.

    `latents` are the copula's parameters that each is drawn with. `changes` has the bit of each change, `relevant` the
    bits of those that a name depends on: hybrids that differ in others alone share its values.
    """

    def __init__(self, baseline: Priors, alternative: Priors, latents: tuple[Latents, Latents]) -> None:
        self.latents = latents
        own, other = (
            {name: prior.distribution for name, prior in side.priors.items()} for side in (baseline, alternative)
        )
        self.distributions: tuple[Mapping[str, Distribution], ...] = ({**other, **own}, {**own, **other})
        one, two = bindings(baseline), bindings(alternative)
        # What only one side can compute is no change: whatever needs it takes it from there.
        self.bindings: dict[str, tuple[Binding, Binding]] = {
            name: (one.get(name) or two[name], two.get(name) or one[name]) for name in dict.fromkeys([*one, *two])
        }
        differing = [name for name, (a, b) in self.bindings.items() if not a.same(b)]
        self._needs = {
            name: (*a.needs, *b.needs) if name in differing else a.needs for name, (a, b) in self.bindings.items()
        }
        # what a name may need in some hybrid; itself only where it is in a circle
        below = {name: self._below(self._needs[name]) for name in self._needs}
        grouped = _grouped(differing, below)
        self.reshuffled = _reshuffled(*latents)
        named = dict.fromkeys([*grouped.values(), *([CORRELATIONS] if self.reshuffled else [])])
        self.changes: dict[str, Hybrid] = {change: 1 << place for place, change in enumerate(named)}
        self._own = {name: self.changes[change] for name, change in grouped.items()}
        self._of_correlations = self.changes.get(CORRELATIONS, 0)
        self.relevant = {name: self._relevant({name, *reached}) for name, reached in below.items()}

    def _below(self, names: Iterable[str]) -> set[str]:
        return {*_reached(names, self._needs.__getitem__)}

    def _relevant(self, reached: set[str]) -> Hybrid:
        """The changes of names, and of correlations behind them."""
        bits = self._of_correlations if self.reshuffled & reached else 0
        for name in reached:
            bits |= self._own.get(name, 0)
        return bits

    def changes_of(self, name: str) -> list[str]:
        """The changes that a name depends on."""
        return [change for change, bit in self.changes.items() if bit & self.relevant[name]]

    def binding(self, name: str, hybrid: Hybrid) -> Binding:
        """What binds a name in a hybrid."""
        return self.bindings[name][self._side(name, hybrid)]

    def draws(self, name: str, hybrid: Hybrid) -> Draws:
        """From which draws a hybrid takes a name that is drawn."""
        return self._side(name, hybrid), int(name in self.reshuffled and self._of_correlations & hybrid > 0)

    def _side(self, name: str, hybrid: Hybrid) -> int:
        return int(self._own.get(name, 0) & hybrid > 0)

    def samplers(self, names: Sequence[str], drawing: Drawing, size: int, chunks: int) -> dict[Draws, Sampler]:
        """For each side of the priors and of the correlations, the sampler of all draws that names may need."""
        wanted: dict[Draws, list[str]] = {}
        for name in self._below(names) & self.bindings.keys():
            for hybrid in (0, self._own.get(name, 0)):
                if self.binding(name, hybrid).distribution is not None:
                    for correlated in (0, self._of_correlations):
                        own = wanted.setdefault(self.draws(name, hybrid | correlated), [])
                        own += [] if name in own else [name]
        return {
            (prior, correlation): Sampler(
                self.distributions[prior],
                drawing.places,
                self.latents[correlation],
                seed=drawing.settings.seed,
                scheme=drawing.settings.scheme,
                size=size,
                chunks=chunks,
                wanted=[name for name in self.bindings if name in own],
            )
            for (prior, correlation), own in wanted.items()
        }


class Columns:
    """What hybrids compute in the same scenarios: a column stays for the next hybrid that agrees in all behind it."""

    def __init__(self, game: Game, draws: Mapping[Draws, Mapping[str, Array]]) -> None:
        self._game, self._draws = game, draws
        self._made: dict[str, tuple[Hybrid, Values]] = {}

    def of(self, name: str, hybrid: Hybrid) -> Values:
        """The column of a name."""
        game = self._game

        def lacking(each: str) -> bool:
            return each not in self._made or self._made[each][0] != hybrid & game.relevant[each]

        for each in bottom_up(name, lambda each: game.binding(each, hybrid).needs, lacking):
            binding = game.binding(each, hybrid)
            column: Values = binding.how  # type: ignore[assignment]  # a number, unless it is one of the following
            if binding.distribution is not None:
                column = self._draws[game.draws(each, hybrid)][each]
            elif callable(binding.how):
                column = binding.how(*[self._made[need][1] for need in binding.needs])
            self._made[each] = hybrid & game.relevant[each], as_numpy(column)
        return self._made[name][1]


def _reached(starts: Iterable[Node], needs: Callable[[Node], Iterable[Node]]) -> dict[Node, None]:
    """What is needed by way of the starts, directly or not, each once and in one order; the starts too."""
    found: dict[Node, None] = {}
    stack = [*starts]
    while stack:
        each = stack.pop()
        if each not in found:
            found[each] = None
            stack += needs(each)
    return found


def bottom_up(start: Node, needs: Callable[[Node], Iterable[Node]], lacking: Callable[[Node], bool]) -> Iterator[Node]:
    """What is lacking below a start, and the start, each to be made when all that it needs is there.

    Without recursion, for chains are as long as a file has them.
    """
    stack = [start]
    while stack:
        each = stack[-1]
        if not lacking(each):
            stack.pop()
        elif further := [need for need in needs(each) if lacking(need)]:
            stack += further
        else:
            yield stack.pop()


def _grouped(differing: Sequence[str], below: Mapping[str, set[str]]) -> dict[str, str]:
    """Each differing name's change; names that may come to need each other change together."""
    return {
        name: ", ".join(
            other for other in differing if other == name or (other in below[name] and name in below[other])
        )
        for name in differing
    }


def _reshuffled(one: Latents, two: Latents) -> set[str]:
    """Names whose draws depend on which side's correlations hold."""
    changed = {name for pair in {*one, *two} if one.get(pair, 0.0) != two.get(pair, 0.0) for name in pair}
    return linked_names({**one, **two}, changed)


def random_order(changes: Iterable[str], seed: int, number: int) -> list[str]:
    """The changes in the random order of a number: by keys of their names, so that one more leaves the others so."""
    return sorted(changes, key=lambda change: key_of(seed, f"order {number}: {change}"))


def there_and_back(bits: Sequence[Hybrid]) -> list[Hybrid]:
    """The hybrids in which changes are made one by one, and unmade in the same order, as in its reverse."""
    return [*accumulate([*bits, *bits], xor, initial=0)]


def subsets(bits: Sequence[Hybrid]) -> Iterator[Hybrid]:
    """All hybrids of changes, in Gray code order: each differs from the one before by one change."""
    for number in range(2 ** len(bits)):
        gray = number ^ (number >> 1)
        yield sum(bit for place, bit in enumerate(bits) if gray >> place & 1)
