"""Conditional: the mean, or a percentile, of the quantity where a prior is in its lowest or highest part.

The other priors are random, so that correlated ones move along.
"""

import numpy as np
from numpy.typing import NDArray

from simulate.bands import Bands, Gathering, Part, fold_replicates
from simulate.errors import SimulateError
from simulate.replicates import Ticks
from simulate.sensitivity.method import RANGE, Asking, Measured, Method
from simulate.spread import standard_error

Key = tuple[str, str]  # a prior, and the side on which it lies
EVERYWHERE = ("", "")


def measure(asking: Asking) -> Measured:
    """Summarize the quantity in all scenarios, and in those at each end of each prior.

    Raises SimulateError where there is no scenario at an end.
    """
    drawn, followed = asking.drawn(), asking.followed
    keys = [EVERYWHERE, *((name, side) for name in asking.movers for side in ("low", "high"))]

    def work(gathering: Gathering[Key], replicate: int, ticks: Ticks) -> dict[Key, Part]:
        for chunk in drawn.in_chunks(replicate, ticks):
            column = np.broadcast_to(chunk.columns[asking.quantity], chunk.size)
            held: dict[Key, NDArray[np.bool_]] = {EVERYWHERE: np.ones(chunk.size, np.bool_)}
            for name in asking.movers:
                values, (low, _, high) = np.asarray(chunk.columns[name]), asking.bands[name]
                held |= {(name, "low"): values <= low, (name, "high"): values >= high}
            for key, where in held.items():
                if count := int(np.count_nonzero(where)):
                    weights = None if chunk.weights is None else chunk.weights[where]
                    gathering.add(key, column[where], count, weights)
        return gathering.finish([followed])

    bands = Bands[Key]([followed])
    fold_replicates(work, drawn, bands.add, keys=keys, workers=asking.workers, what=asking.what)
    for name, side in keys:
        if not bands[name, side].summary.count:
            where = f" with {name} at its {side} end" if name else ""
            raise SimulateError(
                f"{asking.quantity} is a number in none of {drawn.count:,} scenarios{where}; ask for more --scenarios"
            )
    effects, told = {}, followed.name
    for prior in asking.movers:
        low, high = bands[prior, "low"], bands[prior, "high"]
        with np.errstate(over="ignore", invalid="ignore"):
            swings = np.subtract(high.replicates(told), low.replicates(told))
            swing = float(np.subtract(high.value(told), low.value(told)))
        effects[prior] = {
            "low": (low.value(told), float(low.error(told))),
            "high": (high.value(told), float(high.error(told))),
            "swing": (swing, float(standard_error(swings))),
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
