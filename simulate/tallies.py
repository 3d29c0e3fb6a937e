"""Tallies: what is counted of a block of a column where it is, on a device, and comes to the host in its place."""

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from simulate.arrays import to_host
from simulate.rulers import Array, Counts, Ruler


class Tally(NamedTuple):
    """What comes to the host of a block of a column.

    So many `finite` scenarios, with weights that sum to `total`, the least and the greatest value; `cells`, how much
    each cell of a ruler holds, and `sums` of the deviations from a shift and of their squares. `others` are the values
    that the ruler has not foreseen, in any order, and `times` how much each counts; without cells, they are all.
    """

    finite: int
    total: int
    minimum: float
    maximum: float
    others: Array
    times: Counts
    cells: Counts | None = None
    sums: tuple[float, float] = (0.0, 0.0)


@singledispatch
def tallied(values: Any, weights: Any, ruler: Ruler, shift: float) -> Tally:
    """Count the cells of values on a ruler, and sum deviations from the shift; each counts once without weights."""
    del ruler, shift
    return by_value(values, weights)


def by_value(values: Any, weights: Any = None) -> Tally:
    """Each finite value with how much it counts, for columns of few: of any array, but it waits for it."""
    where = np.isfinite(values)
    values = values[where]
    if weights is None:
        values, times = (to_host(each) for each in np.unique(values, return_counts=True))
        finite = int(times.sum())
    else:
        values, times = to_host(values), to_host(weights[where])
        finite = len(values)
    ends = (float(values.min()), float(values.max())) if finite else (np.inf, -np.inf)
    return Tally(finite, int(times.sum()), *ends, values, times)
