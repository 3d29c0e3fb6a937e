"""Choices side by side: on common draws, block by block, with the best of each scenario."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from simulate.backends import Ticks
from simulate.conditions import Kept, Questions
from simulate.errors import SimulateError
from simulate.gathering import Gathering
from simulate.graph import Array
from simulate.priors import Priors
from simulate.replicates import Workers
from simulate.rounding import Ties
from simulate.sampling.dimensions import dimensions
from simulate.scenarios import Block, Drawing, Piece, Scenarios, in_step
from simulate.settings import Settings
from simulate.thresholds import settled

Key = tuple[str, str]  # quantity, choice


def units(priors: Priors, cases: Mapping[str, Priors], names: Sequence[str]) -> list[str]:
    """The units of the quantities, one in all choices. Raises SimulateError where there are several."""
    found: list[str] = []
    for name in names:
        of_name = {case.quantities[name].unit: option for option, case in cases.items()}
        if len(of_name) > 1:
            told = ", ".join(f"{unit} in {option}" for unit, option in of_name.items())
            raise SimulateError(f"{priors.path}: {name} is in {told}; give it one unit in all choices")
        found += of_name
    return found


def label(priors: Priors, cases: Mapping[Any, Priors], name: str) -> str:
    """The label of a quantity: the file's own, or that of a choice."""
    if name in priors.quantities:
        return priors.quantities[name].label
    return min(case.quantities[name].label for case in cases.values())


def scenarios(
    priors: Priors,
    cases: Mapping[str, Priors],
    names: Sequence[str],
    settings: Settings,
    asked: Mapping[str, Questions],
    workers: Workers,
) -> dict[str, Scenarios]:
    """The scenarios of each choice under what is asked of it, all on the uniforms that a run of the file itself has.

    The file gives the names their dimensions, but is no case: its correlations that no choice has do not count.
    """
    places = dimensions(name for each in (priors, *cases.values()) for name in each.priors)
    drawing = Drawing(cases, settings)
    draw = {name: partial(drawing.scenarios, name, places=places) for name in cases}
    return in_step({name: draw[name](names, settled(asked[name], draw[name], workers)) for name in cases})


def ties(drawn: Mapping[str, Scenarios], cost: str) -> dict[tuple[int, int], Ties]:
    """Where the costs of two choices are equal but for rounding, by the places of the two."""
    pairs = combinations(enumerate(drawn.values()), 2)
    return {(one, other): Ties(mine, theirs, cost) for (one, mine), (other, theirs) in pairs}


def blocks(drawn: Mapping[str, Scenarios], piece: Piece, ticks: Ticks, kept: Kept) -> Iterator[dict[str, Block]]:
    """The blocks of a piece, of all choices at once, those that hold scenarios; `kept` takes up what is kept.

    Raises SimulateError where conditions do not keep the same scenarios in all choices, with the same weights.
    """
    side_by_side = [
        each.blocks(piece, None if place else ticks)  # the first one's steps stand for all
        for place, each in enumerate(drawn.values())
    ]
    for together in zip(*side_by_side, strict=True):
        own = together[0]
        kept.add(own.drawn, own.size, own.weights, own.undefined)
        _check_shared(drawn, together)
        if own.size:
            yield dict(zip(drawn, together, strict=True))


def costs(
    gathering: Gathering[Key], together: Mapping[str, Block], names: Sequence[str], ties: Mapping[tuple[int, int], Ties]
) -> Array:
    """Add the quantities of each choice; the first of them is the cost, of shape (choice, scenario).

    Costs are equal where two choices differ by rounding alone.
    """
    blocks = [*together.values()]
    found = np.empty((len(blocks), blocks[0].size))
    for place, (option, block) in enumerate(together.items()):
        for name in names:
            gathering.add((name, option), block.columns[name], block.size, block.weights)
        found[place] = block.columns[names[0]]
    for (one, other), tie in ties.items():
        found[other] = tie.settled(found[one], found[other], blocks[other])
    return found


def best(beyond: Array) -> Array:
    """The part that each choice has in being the best, by what it costs beyond the least; the same where some tie."""
    least = beyond == 0
    shares: Array = least / np.maximum(least.sum(axis=0), 1)
    return shares


def sums(rows: Array, counting: Array | None) -> Array:
    """The sum of each row over the scenarios, by what these count."""
    found: Array = (rows if counting is None else rows * counting).sum(axis=1)  # no BLAS: its order hangs on threads
    return found


def _check_shared(drawn: Mapping[str, Scenarios], together: Sequence[Block]) -> None:
    first = together[0]
    for option, block in zip(drawn, together, strict=True):
        if not (np.array_equal(block.places, first.places) and np.array_equal(block.weights, first.weights)):  # type: ignore[arg-type]
            raise SimulateError(
                f"{drawn[option].questions.shown}: holds in other scenarios of choice {option} than of choice "
                f"{next(iter(drawn))}, which a decision sets side by side; ask for what is the same in all choices"
            )
