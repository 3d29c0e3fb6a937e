"""The game of a bridge: which changes there are between two sides, and what hybrids of the sides compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from simulate.comparison.inputs import Binding, bindings
from simulate.distributions import Distribution
from simulate.priors import Priors
from simulate.scenarios import Latents

CORRELATIONS = "correlations"  # the correlations as one change
EXACT = 8  # changes up to which every hybrid is evaluated

Hybrid = frozenset[str]  # the changes taken from the alternative
Draws = tuple[int, int]  # the side of the prior, and that of the correlations


class Side(NamedTuple):
    """One end of a bridge: its priors, and the copula's parameters that it is drawn with."""

    priors: Priors
    latents: Latents


class Definition(NamedTuple):
    """One way to compute a name: from draws, by a function, or a value; and the numbers of what it needs."""

    name: str
    how: Any
    needs: tuple[int, ...]


class Game:
    """The changes between two sides, and the versions of each column that hybrids of them give.

    A version numbers one way to compute a name, down to its draws: hybrids in which nothing that a quantity needs
    differs share its version, so that they share its value to the bit.
    """

    def __init__(self, baseline: Side, alternative: Side) -> None:
        self.sides = (baseline, alternative)
        one, two = (bindings(side.priors) for side in self.sides)
        # What only one side can compute is no change: whatever needs it takes it from there.
        self.bindings: dict[str, tuple[Binding, Binding]] = {
            name: (one.get(name) or two[name], two.get(name) or one[name]) for name in dict.fromkeys([*one, *two])
        }
        differing = [name for name, (a, b) in self.bindings.items() if not a.same(b)]
        self.needs = {
            name: (*a.needs, *b.needs) if name in differing else a.needs for name, (a, b) in self.bindings.items()
        }
        self._below: dict[str, frozenset[str]] = {}
        self.change_of = self._grouped(differing)
        self.reshuffled = _reshuffled(baseline.latents, alternative.latents)
        self.changes = tuple(dict.fromkeys([*self.change_of.values(), *([CORRELATIONS] if self.reshuffled else [])]))
        self.definitions: list[Definition] = []
        self._numbers: dict[Definition, int] = {}
        self._versions: dict[tuple[str, Hybrid], int] = {}
        self._known: tuple[Hybrid, dict[str, int]] = (frozenset(), {})  # of the hybrid asked for last

    @property
    def ends(self) -> tuple[Hybrid, Hybrid]:
        """The baseline and the alternative."""
        return frozenset(), frozenset(self.changes)

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
        """The number of the way in which a hybrid computes a quantity: its place in `definitions`."""
        place = (quantity, hybrid)
        if place in self._versions:
            return self._versions[place]
        if self._known[0] != hybrid:
            self._known = (hybrid, {})
        known = self._known[1]

        def visit(name: str) -> int:
            if name not in known:
                binding, how = self._bound(name, hybrid)
                definition = Definition(name, how, tuple(visit(need) for need in binding.needs))
                if definition not in self._numbers:
                    self._numbers[definition] = len(self.definitions)
                    self.definitions.append(definition)
                known[name] = self._numbers[definition]
            return known[name]

        self._versions[place] = visit(quantity)
        return self._versions[place]

    def _bound(self, name: str, hybrid: Hybrid) -> tuple[Binding, Any]:
        """What binds a name in a hybrid, and how it is computed."""
        side = int(self.change_of.get(name, "") in hybrid)
        binding = self.bindings[name][side]
        if binding.distribution is not None:
            return binding, (side, int(name in self.reshuffled and CORRELATIONS in hybrid))
        return binding, binding.value if binding.function is None else binding.function

    def distribution(self, name: str, side: int) -> Distribution:
        """The distribution that a side draws a name from."""
        distribution = self.bindings[name][side].distribution
        assert distribution is not None
        return distribution

    def drawn(self, versions: Iterable[int]) -> dict[Draws, list[str]]:
        """The names whose draws versions need, for each side of the priors and of the correlations."""
        wanted: dict[Draws, list[str]] = {}
        for version in versions:
            name, how, _ = self.definitions[version]
            if isinstance(how, tuple):
                wanted.setdefault(how, []).append(name)
        return wanted


def _reshuffled(one: Latents, two: Latents) -> frozenset[str]:
    """Names whose draws depend on which side's correlations hold."""
    reached = {name for pair in {*one, *two} if one.get(pair, 0.0) != two.get(pair, 0.0) for name in pair}
    grown: set[str] = set()
    while grown != reached:
        grown = set(reached)
        reached |= {name for pair in {*one, *two} if grown & set(pair) for name in pair}
    return frozenset(reached)


# ---------------------------------------------------------------------------------------------------------
# Which hybrids are evaluated


class Walks(NamedTuple):
    """The hybrids to evaluate, one change at a time apart; by quantity where all of its are."""

    exact: Mapping[str, tuple[str, ...]]  # quantity -> its changes
    sampled: tuple[str, ...]  # quantities
    changes: tuple[str, ...]  # of the sampled quantities
    orders: tuple[tuple[str, ...], ...]
    loops: tuple[tuple[Hybrid, ...], ...]  # those of each order and of its reverse


def walks(game: Game, quantities: Sequence[str], pairs: int, seed: int) -> Walks:
    """All hybrids of a quantity with few changes; else those of orders drawn at random, as many pairs as asked."""
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
    return Walks(exact, sampled, changes, orders, tuple(tuple(_loop(order)) for order in orders))


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


def subsets(changes: Sequence[str]) -> Iterator[Hybrid]:
    """All subsets, in Gray code order: each differs from the one before by one change."""
    for number in range(2 ** len(changes)):
        gray = number ^ (number >> 1)
        yield frozenset(change for place, change in enumerate(changes) if gray >> place & 1)
