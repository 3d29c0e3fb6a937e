"""The game of a bridge: which changes there are between two sides, and what hybrids of the sides compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import xor
from typing import Any, NamedTuple, TypeVar

from simulate.comparison.inputs import Binding, bindings
from simulate.distributions import Distribution
from simulate.priors import Priors
from simulate.sampling.keys import key_of
from simulate.sampling.sampler import linked_names
from simulate.scenarios import Latents

CORRELATIONS = "the correlations"  # as one change; no name of a user's has a space
EXACT = 8  # changes up to which every hybrid is evaluated

Hybrid = frozenset[str]  # the changes taken from the alternative
Node = TypeVar("Node")
Draws = tuple[int, int]  # the side of the prior, and that of the correlations


@dataclass(frozen=True, eq=False)
class Version:
    """One way to compute a name, down to its draws: from the versions that it needs, or as the draws of a side."""

    name: str
    how: Any  # a function of what it needs, a value, or Draws
    needs: tuple[Version, ...]


class Game:
    """The changes from one priors file to another, and the versions of each name that hybrids of the two give.

    `latents` are the copula's parameters that each is drawn with. Hybrids in which nothing that a
    quantity needs differs share its version, so that they share its value to the bit.
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
        needs = {name: (*a.needs, *b.needs) if name in differing else a.needs for name, (a, b) in self.bindings.items()}
        # what a name may need in some hybrid; itself only where it is in a circle
        below = {name: set(_reached(needs[name], needs.__getitem__)) for name in needs}
        self.change_of = _grouped(differing, below)
        self.reshuffled = _reshuffled(*latents)
        self.changes = tuple(dict.fromkeys([*self.change_of.values(), *([CORRELATIONS] if self.reshuffled else [])]))
        self.relevant = {name: self._relevant({name, *reached}) for name, reached in below.items()}
        self._versions: dict[tuple[str, Hybrid], Version] = {}
        self._made: dict[tuple[str, Any, tuple[Version, ...]], Version] = {}

    @property
    def ends(self) -> tuple[Hybrid, Hybrid]:
        """The baseline and the alternative."""
        return frozenset(), frozenset(self.changes)

    def _relevant(self, reached: set[str]) -> Hybrid:
        """The changes of names, and of correlations behind them."""
        changes = {change for name, change in self.change_of.items() if name in reached}
        return frozenset(changes | {CORRELATIONS} if self.reshuffled & reached else changes)

    def version(self, name: str, hybrid: Hybrid) -> Version:
        """The way in which a hybrid computes a name."""

        def key(each: str) -> tuple[str, Hybrid]:
            return each, hybrid & self.relevant[each]

        def side(each: str) -> int:
            return int(self.change_of.get(each, "") in hybrid)

        def needs(each: str) -> tuple[str, ...]:
            return self.bindings[each][side(each)].needs

        for each in bottom_up(name, needs, lambda each: key(each) not in self._versions):
            binding = self.bindings[each][side(each)]
            how: Any = binding.how
            if binding.distribution is not None:
                how = (side(each), int(each in self.reshuffled and CORRELATIONS in hybrid))
            made = tuple(self._versions[key(need)] for need in binding.needs)
            self._versions[key(each)] = self._made.setdefault((each, how, made), Version(each, how, made))
        return self._versions[key(name)]


def drawn(versions: Iterable[Version]) -> dict[Draws, list[str]]:
    """The names whose draws versions need, for each side of the priors and of the correlations."""
    wanted: dict[Draws, list[str]] = {}
    for version in _reached(versions, lambda version: version.needs):
        if isinstance(version.how, tuple):
            wanted.setdefault(version.how, []).append(version.name)
    return wanted


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


class Order(NamedTuple):
    """An order of changes, and its hybrids from the baseline to the alternative and back, as in its reverse."""

    changes: tuple[str, ...]
    loop: tuple[Hybrid, ...]


class Walks(NamedTuple):
    """The hybrids to evaluate: all of those of a quantity with few changes, those of drawn orders for the others."""

    exact: Mapping[str, tuple[str, ...]]  # quantity -> its changes
    sampled: tuple[str, ...]  # quantities
    orders: tuple[Order, ...]


def random_order(changes: Sequence[str], seed: int, number: int) -> tuple[str, ...]:
    """The changes in the random order of a number: by keys of their names, so that one more leaves the others so."""
    return tuple(sorted(changes, key=lambda change: key_of(seed, f"order {number}: {change}")))


def walks(game: Game, quantities: Sequence[str], pairs: int, seed: int) -> Walks:
    """All hybrids of a quantity with few changes; else those of orders drawn at random, as many pairs as asked."""
    exact = {
        name: tuple(change for change in game.changes if change in game.relevant[name])
        for name in quantities
        if len(game.relevant[name]) <= EXACT
    }
    sampled = tuple(name for name in quantities if name not in exact)
    changes = [change for change in game.changes if any(change in game.relevant[name] for name in sampled)]
    orders = []
    for number in range(max(pairs, 2) if sampled else 0):
        order = random_order(changes, seed, number)
        steps = (frozenset([change]) for change in (*order, *order))  # there and back
        orders.append(Order(order, tuple(accumulate(steps, xor, initial=frozenset()))))
    return Walks(exact, sampled, tuple(orders))


def subsets(changes: Sequence[str]) -> Iterator[Hybrid]:
    """All subsets, in Gray code order: each differs from the one before by one change."""
    for number in range(2 ** len(changes)):
        gray = number ^ (number >> 1)
        yield frozenset(change for place, change in enumerate(changes) if gray >> place & 1)
