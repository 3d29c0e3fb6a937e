"""Conditional: the mean, or a percentile, of the quantity where a prior is in its lowest or highest part.

The other priors are random, so that correlated ones move along. What lies exactly at the end of a part counts as far as
the part goes: a tie is split.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.backends import Ticks
from simulate.bands import Band, Bands
from simulate.errors import SimulateError
from simulate.folding import fold_replicates
from simulate.gathering import Gathering, Part
from simulate.scenarios import Block, Piece, Scenarios
from simulate.sensitivity.ends import End
from simulate.sensitivity.method import RANGE, Asking, Estimate, Measured, Method
from simulate.spread import standard_error
from simulate.summary import WEIGHT

Key = tuple[str, str]  # a prior, and the side on which it lies
EVERYWHERE = ("", "")
SIDES = ("low", "high")
WANTED = 10  # scenarios that each replicate should have at an end, where one has none


class Count(NamedTuple):
    """Scenarios of a replicate at an end, and those of them with a number."""

    scenarios: int
    numbers: int


def measure(asking: Asking) -> Measured:
    """Summarize the quantity in all scenarios, and in those at each end of each prior.

    An end is left open where a replicate has no scenario with a number. Raises SimulateError where all are.
    """
    drawn, told = asking.drawn(), asking.followed.name
    bands, counts = _folded(asking, drawn)
    if not bands[EVERYWHERE].summary.count:
        raise SimulateError(
            f"{asking.quantity} is a number in none of {drawn.count:,} scenarios; ask for more --scenarios"
        )
    effects, gaps = dict[str, dict[str, Estimate]](), list[str]()
    for name in asking.movers:
        known = [all(each.numbers for each in counts[name, side]) for side in SIDES]
        gaps += [
            _gap(asking, (name, side), counts[name, side], drawn.count)
            for side, there in zip(SIDES, known, strict=True)
            if not there
        ]
        effects[name] = _effect(
            [bands[name, side] if there else None for side, there in zip(SIDES, known, strict=True)], told
        )
    if len(gaps) == len(SIDES) * len(effects):
        raise SimulateError(gaps[0])
    return Measured(bands[EVERYWHERE].value(told), effects, gaps)


def _folded(asking: Asking, drawn: Scenarios) -> tuple[Bands[Key], dict[Key, list[Count]]]:
    """The bands everywhere and at the ends, and how many scenarios lie there, by replicate."""
    at_ends = [(name, side, end) for name in asking.movers for side, end in zip(SIDES, asking.ends[name], strict=True)]
    keys: list[Key] = [EVERYWHERE, *((name, side) for name, side, _ in at_ends)]

    def work(gathering: Gathering[Key], piece: Piece, ticks: Ticks) -> Counter[Key]:
        there = Counter(dict.fromkeys(keys, 0))
        for block in drawn.blocks(piece, ticks):
            if not block.size:
                continue
            column = np.broadcast_to(block.columns[asking.quantity], block.size)
            gathering.add(EVERYWHERE, column, block.size, block.weights)
            for name, side, end in at_ends:
                where, weights = _part(block, name, end, at_high=side == "high")
                if len(where):
                    there[name, side] += len(where)
                    gathering.add((name, side), column[where], len(where), weights)
        return there

    bands, counts = Bands[Key]([asking.followed]), dict[Key, list[Count]]()

    def take(parts: Mapping[Key, Part], there: Counter[Key]) -> None:
        bands.add(parts)
        for key, part in parts.items():
            counts.setdefault(key, []).append(Count(there[key], there[key] - part.summary.nonfinite))

    fold_replicates(
        work,
        drawn,
        take,
        keys=keys,
        statistics=[asking.followed],
        workers=asking.workers,
        join=Counter.update,
        what=asking.what,
    )
    return bands, counts


def _part(block: Block, name: str, end: End, *, at_high: bool) -> tuple[NDArray[np.intp], NDArray[np.int64] | None]:
    """The places of a block in which a prior lies at its end, and their weights; None where each counts once."""
    values = np.asarray(np.broadcast_to(block.columns[name], block.size))
    if math.isnan(end.percent):
        where = np.flatnonzero(values == end.value)
    else:
        where = np.flatnonzero(values >= end.value if at_high else values <= end.value)
    weights = None if block.weights is None else block.weights[where]
    if end.tied == 1:
        return where, weights
    whole = np.full(len(where), WEIGHT) if weights is None else weights
    split = np.rint(np.where(values[where] == end.value, whole * end.tied, whole)).astype(np.int64)
    return where[split > 0], split[split > 0]


def _effect(bands: Sequence[Band | None], told: str) -> dict[str, Estimate]:
    """The figures of a bar from the bands at its low and its high end, nan where there is none."""
    effect = {
        side: (band.value(told), float(band.error(told))) if band else (np.nan, np.nan)
        for side, band in zip(SIDES, bands, strict=True)
    }
    effect["swing"] = np.nan, np.nan
    low, high = bands
    if low and high:
        with np.errstate(over="ignore", invalid="ignore"):
            swings = np.subtract(high.replicates(told), low.replicates(told))
            effect["swing"] = float(np.subtract(high.value(told), low.value(told))), float(standard_error(swings))
    return effect


def _gap(asking: Asking, key: Key, counts: Sequence[Count], drawn: int) -> str:
    """Why there is no figure at an end: too few scenarios lie there, or the quantity is a number in too few of them."""
    name, side = key
    at_end, there = f"with {name} at its {side} end", sum(each.scenarios for each in counts)
    if all(each.scenarios for each in counts):
        numbers = sum(each.numbers for each in counts)
        often = f"{numbers:,} of {there:,}" if numbers else f"none of {there:,}"
        return f"{asking.quantity} is a number in {often} scenarios {at_end}: no bar there"
    needed = len(counts) * WANTED / asking.ends[name][SIDES.index(side)].share
    return (
        f"{asking.quantity}: {there:,} of {drawn:,} scenarios {at_end} are too few for its {asking.followed.label}: no "
        f"bar there; ask for {needed:,.0f} --scenarios or more"
    )


METHOD = Method(
    measure,
    scenarios=2**18,
    heading="{statistic} given a prior up to its {low} and from its {high}",
    figures=RANGE,
    note="Correlated priors move along.",
    ranges=True,
    follows=True,
)
