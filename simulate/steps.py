"""Steps: the intervals over which the scenarios of a column lie, and where ranks fall among them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Literal

import numpy as np

from simulate.rulers import Array, Cells, Counts


class Steps:
    """Intervals in rising order, the number that each holds, evenly spread from its low to its high end.

    `last` are the sums of `numbers` up to the end of each; `ends` tells the lower and upper ends of those at places.
    """

    def __init__(self, numbers: Array | Counts, ends: Callable[[Cells], tuple[Array, Array]]) -> None:
        self.numbers, self.ends = numbers.astype(np.float64), ends
        self.last: Array = np.cumsum(numbers).astype(np.float64)  # of whole numbers exact

    @staticmethod
    def between(low: Array, high: Array, numbers: Array | Counts) -> Steps:
        """Steps whose ends are there already."""
        steps = Steps(numbers, lambda places: (low.take(places), high.take(places)))
        steps.edges = low, high
        return steps

    @cached_property
    def edges(self) -> tuple[Array, Array]:
        """The lower and upper ends of all, laid out once."""
        return self.ends(np.arange(len(self.numbers)))

    def places(self, ranks: Array, side: Literal["left", "right"]) -> Cells:
        """The steps in which ranks lie; of two, that on the given side."""
        near = 1 - 1e-15 if side == "left" else 1  # a rank may be rounded up
        place: Cells = np.minimum(self.last.searchsorted(ranks * near, side), len(self.last) - 1)
        return place

    def at(self, places: Cells) -> Array:
        """The steps at places, a row each of `last`, `numbers`, lower and upper ends; nan where there are no steps."""
        if not len(self.last):
            return np.full((4, *places.shape), np.nan)
        return np.array([self.last.take(places), self.numbers.take(places), *self.ends(places)])
