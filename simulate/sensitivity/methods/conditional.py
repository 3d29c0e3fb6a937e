"""Conditional: the mean, or a percentile, of the quantity where a prior is in its lowest or highest part.

The other priors are random, so that correlated ones move along.
"""

from __future__ import annotations

import numpy as np

from simulate.errors import SimulateError
from simulate.replicates import Ticks
from simulate.scenarios import Chunk
from simulate.sensitivity.asking import Asking
from simulate.sensitivity.method import Estimate, Measured, Method
from simulate.statistics import Band, Bands, Gathering, Part, standard_error

Key = tuple[str, str]  # a prior, and the side on which it lies


def measure(asking: Asking) -> Measured:
    """Summarize the quantity in all scenarios, and in those at each end of each prior.

    Raises SimulateError where there is no scenario at an end.
    """
    drawn, followed = asking.drawn(), asking.statistic
    keys = [("", ""), *((name, side) for name in asking.movers for side in ("low", "high"))]

    def work(replicate: int, ticks: Ticks) -> dict[Key, Part]:
        gathering = Gathering[Key](keys)
        for chunk in drawn.in_chunks(replicate, ticks):
            if chunk.size:
                _gather(gathering, chunk, asking)
        return gathering.finish([followed])

    bands = Bands[Key]([followed])
    for parts in asking.of_replicates(work, drawn, steps=drawn.steps):
        bands.add(parts)
    for name, side in keys:
        if not bands[name, side].summary.count:
            raise SimulateError(
                f"{asking.quantity} is a number in none of {drawn.count:,} scenarios with {name} at its {side} end; "
                "ask for more --scenarios"
            )
    effects = {name: _effect(bands[name, "low"], bands[name, "high"], followed.name) for name in asking.movers}
    return Measured(bands["", ""].value(followed.name), effects)


def _gather(gathering: Gathering[Key], chunk: Chunk, asking: Asking) -> None:
    column = np.broadcast_to(chunk.columns[asking.quantity], chunk.size)
    gathering.add(("", ""), column, chunk.size)
    for name in asking.movers:
        values, (low, _, high) = chunk.columns[name], asking.bands[name]
        for side, inside in (("low", values <= low), ("high", values >= high)):
            part = column[inside]
            if len(part):
                gathering.add((name, side), part, len(part))


def _effect(low: Band, high: Band, followed: str) -> dict[str, Estimate]:
    at_low, at_high = low.value(followed), high.value(followed)
    swings = np.subtract(high.replicates(followed), low.replicates(followed))
    return {
        "low": (at_low, float(low.error(followed))),
        "high": (at_high, float(high.error(followed))),
        "swing": (at_high - at_low, float(standard_error(swings))),
    }


METHOD = Method(
    measure,
    scenarios=2**18,
    heading="{statistic} given a prior up to its P{low:g} and from its P{high:g}",
    figures={"low": "at the prior's low end", "high": "at the prior's high end", "swing": "from low to high"},
    size="swing",
    note="Correlated priors move along.",
    ranges=True,
    signed=True,
)
