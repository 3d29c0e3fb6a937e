"""Percentiles in conditions, found in a first pass over the same scenarios: `capex > P90` of a run without it.

Each replicate has its own percentile, as it has its own estimates: so the standard errors under such a condition hold
how well the percentile itself is known. The value told is that of all replicates together, and where the percentile is
at an atom it holds in each: replicates that stand on either side of one would ask for different things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulate.backends import Ticks
from simulate.conditions import NO_QUESTIONS, Condition, Questions, Threshold
from simulate.folding import fold_replicates
from simulate.formulas import Percentile
from simulate.gathering import Gathering, Part
from simulate.replicates import Workers
from simulate.scenarios import Piece, Scenarios
from simulate.summary import Summary

_ATOM = 1.0  # percent beside a percentile: a value that holds as many is an atom there
Draw = Callable[[Sequence[str], Questions], Scenarios]  # the scenarios that have these quantities under such questions


def settled(asked: Questions, draw: Draw, workers: Workers) -> Questions:
    """The questions with the values of the percentiles in their conditions.

    Those in `given` are of the scenarios that the other conditions, without percentiles, and measured values leave;
    those in probabilities are of all scenarios.
    """
    others = replace(asked, probabilities=(), given=tuple(each for each in asked.given if not each.percentiles))
    return replace(
        asked,
        given=_settled(asked.given, draw, others, workers),
        probabilities=_settled(asked.probabilities, draw, NO_QUESTIONS, workers),
    )


def _settled(conditions: Sequence[Condition], draw: Draw, under: Questions, workers: Workers) -> tuple[Condition, ...]:
    """The conditions with the values that their percentiles have under other questions."""
    wanted = {each.name: each for condition in conditions for each in condition.percentiles}
    if not wanted:
        return tuple(conditions)
    found = _thresholds(list(wanted.values()), draw, under, workers)
    return tuple(
        replace(condition, thresholds={each.name: found[each.name] for each in condition.percentiles})
        for condition in conditions
    )


@dataclass
class _Found:
    """The replicates so far, by the names of percentiles: all of them together, and the percentile of each."""

    wholes: dict[str, Summary]
    replicates: dict[str, list[float]]
    at_atoms: set[str]


def _thresholds(wanted: Sequence[Percentile], draw: Draw, under: Questions, workers: Workers) -> dict[str, Threshold]:
    drawn = draw([*dict.fromkeys(name for each in wanted for name in each.of.names)], under)
    found = _Found({each.name: Summary() for each in wanted}, {each.name: [] for each in wanted}, set())

    def work(gathering: Gathering[str], piece: Piece, ticks: Ticks) -> None:
        for block in drawn.blocks(piece, ticks):
            for each in wanted if block.size else ():
                column = each.of(*(block.columns[name] for name in each.of.names))
                gathering.add(each.name, column, block.size, block.weights)

    def take(parts: Mapping[str, Part], _: None) -> None:
        for each in wanted:
            summary, place = parts[each.name].summary, len(found.replicates[each.name])
            # What lies beyond is a whole number in each replicate, rounded up in as many as keeps the share.
            apart = ((place + 0.5) / drawn.replicates - 0.5) / max(summary.effective, 1.0) * 100
            percents = np.clip(each.percent + apart + np.array([-_ATOM, 0.0, _ATOM]), 0, 100)
            below, value, above = summary.percentiles(percents).tolist()
            found.replicates[each.name].append(value)
            if value in {below, above}:
                found.at_atoms.add(each.name)
            found.wholes[each.name].merge(summary)

    what = "percentiles of conditions"
    fold_replicates(
        work, drawn, take, keys=found.wholes, statistics=(), workers=workers, what=what, state=found, on_device=True
    )
    return {
        each.name: Threshold(
            float(found.wholes[each.name].percentiles([each.percent])[0]),
            () if each.name in found.at_atoms else tuple(found.replicates[each.name]),
        )
        for each in wanted
    }
