"""Conditional: the mean, or a percentile, of the quantity where a prior is in its lowest or highest part.

The other priors are random, so that correlated ones move along.
"""

import numpy as np

from simulate.errors import SimulateError
from simulate.replicates import Ticks
from simulate.sensitivity.method import RANGE, Asking, Measured, Method
from simulate.spread import standard_error
from simulate.statistics import Bands, Gathering, Part

Key = tuple[str, str]  # a prior, and the side on which it lies
EVERYWHERE = ("", "")


def measure(asking: Asking) -> Measured:
    """Summarize the quantity in all scenarios, and in those at each end of each prior.

    Raises SimulateError where there is no scenario at an end.
    """
    drawn, followed = asking.drawn(), asking.followed
    keys = [EVERYWHERE, *((name, side) for name in asking.movers for side in ("low", "high"))]

    def work(replicate: int, ticks: Ticks) -> dict[Key, Part]:
        gathering = Gathering[Key](keys)
        for chunk in drawn.in_chunks(replicate, ticks):
            column = np.broadcast_to(chunk.columns[asking.quantity], chunk.size)
            parts = {EVERYWHERE: column}
            for name in asking.movers:
                values, (low, _, high) = chunk.columns[name], asking.bands[name]
                parts |= {(name, "low"): column[values <= low], (name, "high"): column[values >= high]}
            for key, part in parts.items():
                if len(part):
                    gathering.add(key, part, len(part))
        return gathering.finish([followed])

    bands = Bands[Key]([followed])
    for parts in asking.of_replicates(work, drawn, steps=drawn.steps):
        bands.add(parts)
    for name, side in keys:
        if not bands[name, side].summary.count:
            where = f" with {name} at its {side} end" if name else ""
            raise SimulateError(
                f"{asking.quantity} is a number in none of {drawn.count:,} scenarios{where}; ask for more --scenarios"
            )
    effects, told = {}, followed.name
    for prior in asking.movers:
        low, high = bands[prior, "low"], bands[prior, "high"]
        swings = np.subtract(high.replicates(told), low.replicates(told))
        effects[prior] = {
            "low": (low.value(told), float(low.error(told))),
            "high": (high.value(told), float(high.error(told))),
            "swing": (high.value(told) - low.value(told), float(standard_error(swings))),
        }
    return Measured(bands[EVERYWHERE].value(told), effects)


METHOD = Method(
    measure,
    scenarios=2**18,
    heading="{statistic} given a prior up to its P{low:g} and from its P{high:g}",
    figures=RANGE,
    size="swing",
    note="Correlated priors move along.",
    ranges=True,
    signed=True,
    follows=True,
)
