"""Swing: the quantity at a prior's low and high percentile, every other prior at its median; exact.

What it is at the prior's quarters is for pictures: a bar alone does not show a hump.
"""

import numpy as np

from simulate.errors import SimulateError
from simulate.rounding import Rounded, computed, equal
from simulate.sensitivity.method import RANGE, Asking, Estimate, Measured, Method, Quarters

ELSEWHERE = "every other prior at its median"


def measure(asking: Asking) -> Measured:
    """Compute one scenario for each end of each prior, and for each quarter; an end without a number is left open.

    Raises SimulateError where there is none with every prior at its median.
    """
    drawn, movers = asking.drawn(), asking.movers
    size = 1 + 4 * len(movers)
    inputs = {name: np.full(size, asking.bands[name][1]) for name in drawn.sampler.wanted}
    for place, name in enumerate(movers):
        inputs[name][1 + 4 * place : 5 + 4 * place] = [*asking.bands[name][::2], *asking.quarters[name]]
    rounded = computed(drawn, [asking.quantity], {**drawn.constants, **inputs}, size)[asking.quantity]
    baseline = float(rounded[0])
    if not np.isfinite(baseline):
        raise SimulateError(
            f"{asking.quantity} is not a number with every prior at its median; use --method conditional"
        )
    values = np.where(equal(rounded, Rounded(baseline, rounded.error[0], size)), baseline, rounded.view(np.ndarray))
    effects, gaps, quarters = dict[str, dict[str, Estimate]](), list[str](), dict[str, Quarters]()
    for place, name in enumerate(movers):
        figures = {}
        at_low, at_high, *within = values[1 + 4 * place : 5 + 4 * place].tolist()
        quarters[name] = (within[0], within[1])
        for end, value in (("low", at_low), ("high", at_high)):
            figures[end] = value if np.isfinite(value) else np.nan
            if not np.isfinite(value):
                what = "infinite" if np.isinf(value) else "not a number"
                gaps.append(f"{asking.quantity} is {what} with {name} at its {end} end, {ELSEWHERE}: no bar there")
        with np.errstate(over="ignore"):
            figures["swing"] = float(np.subtract(figures["high"], figures["low"]))
        effects[name] = {figure: (value, np.nan if np.isnan(value) else 0.0) for figure, value in figures.items()}
    return Measured(baseline, effects, gaps, quarters)


METHOD = Method(
    measure,
    scenarios=1,
    heading="one prior from its {low} to its {high}",
    figures=RANGE,
    note="One prior at a time, the others at their medians: correlations play no part.",
    ranges=True,
    at_medians=True,
)
