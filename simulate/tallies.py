"""Tallies: what is counted of a block of a column where it is, on a device, and comes to the host in its place."""

from typing import Any

import numpy as np

from simulate.arrays import to_host
from simulate.device import Tally, tally, with_kernel
from simulate.rulers import Ruler


def by_value(values: Any, weights: Any = None) -> Tally:
    """Each finite value with how much it counts, once without weights: of any array, for columns of few."""
    where = np.isfinite(values)
    values = values[where]
    if weights is None:
        values, times = (to_host(each) for each in np.unique(values, return_counts=True))
        finite = int(times.sum())
    else:
        values, times = to_host(values), to_host(weights[where])
        finite = len(values)
    ends = (float(values.min()), float(values.max())) if finite else (np.inf, -np.inf)
    return Tally(finite, int(times.sum()), ends, values, times)


def _by_kernel(values: Any, weights: Any, ruler: Ruler, shift: float) -> Tally:
    return (tally(values, weights, ruler.cut, shift) if ruler.cells else None) or by_value(values, weights)


@with_kernel(_by_kernel)
def tallied(values: Any, weights: Any, ruler: Ruler, shift: float) -> Tally:
    """Count the cells of values on a ruler, and sum deviations from the shift; each counts once without weights."""
    del ruler, shift
    return by_value(values, weights)
