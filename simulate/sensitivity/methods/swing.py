"""Swing: the quantity at a prior's low and high percentile, every other prior at its median; exact."""

from collections.abc import Mapping

import numpy as np

from simulate.errors import SimulateError
from simulate.sensitivity.method import RANGE, Asking, Measured, Method


def measure(asking: Asking) -> Measured:
    """Compute one scenario for each end of each prior.

    Raises SimulateError where one of them is not a number.
    """
    drawn = asking.drawn()
    medians = {**drawn.constants, **{name: asking.bands[name][1] for name in drawn.sampler.wanted}}

    def value(changed: Mapping[str, float], where: str) -> float:
        found = float(drawn.plan({**medians, **changed})[asking.quantity])
        if not np.isfinite(found):
            raise SimulateError(f"{asking.quantity} is not a number with {where}; use --method conditional")
        return found

    baseline = value({}, "every prior at its median")
    effects = {}
    for name in asking.movers:
        low, high = (
            value({name: end}, f"{name} at its {side} end, every other prior at its median")
            for side, end in zip(("low", "high"), asking.bands[name][::2], strict=True)
        )
        effects[name] = {"low": (low, 0.0), "high": (high, 0.0), "swing": (high - low, 0.0)}
    return Measured(baseline, effects)


METHOD = Method(
    measure,
    scenarios=1,
    heading="one prior from its P{low:g} to its P{high:g}",
    figures=RANGE,
    size="swing",
    note="One prior at a time, the others at their medians: correlations play no part.",
    ranges=True,
    signed=True,
    at_medians=True,
)
