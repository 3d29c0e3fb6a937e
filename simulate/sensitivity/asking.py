"""What a method is asked: what moves a quantity, among which scenarios."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from simulate import graph
from simulate.conditions import Questions
from simulate.priors import Priors
from simulate.replicates import Ticks, Workers
from simulate.sampling.sampler import CHUNK
from simulate.scenarios import Drawing, Scenarios
from simulate.statistics import MEAN, Statistic

Found = TypeVar("Found")


@dataclass(frozen=True)
class Asking:
    """What moves one quantity, in the scenarios in which the conditions hold.

    `bands` are low, median and high of each prior that varies, in its quantity's unit; `percentile` is what is
    followed of the quantity, None for its mean.
    """

    quantity: str
    priors: Priors
    drawing: Drawing
    conditions: Questions
    bands: Mapping[str, tuple[float, float, float]]
    percentile: float | None
    workers: Workers

    @cached_property
    def movers(self) -> tuple[str, ...]:
        """The priors that the quantity depends on, constants left out."""
        plan = graph.plan(self.priors.quantities, self.priors.priors, [self.quantity])
        return tuple(name for name in plan.inputs if name in self.bands)

    @property
    def statistic(self) -> Statistic:
        """What is followed of the quantity, as a number."""
        if (percent := self.percentile) is None:
            return MEAN
        return Statistic("percentile", lambda summary: float(summary.percentiles([percent])[0]), f"P{percent:g}")

    def drawn(self, *, stream: int = 0, correlated: bool = True, largest: int = CHUNK) -> Scenarios:
        """The scenarios of a stream, each of which is independent of the others.

        Their Sobol' dimensions have no gaps, the movers' first: two streams then fill the best ones.
        """
        places = {name: place for place, name in enumerate(dict.fromkeys([*self.movers, *self.priors.priors]))}
        return self.drawing.scenarios(
            "", [self.quantity], self.conditions, stream=stream, correlated=correlated, largest=largest, places=places
        )

    def of_replicates(self, work: Callable[[int, Ticks], Found], drawn: Scenarios, *, steps: int) -> list[Found]:
        """What the work finds in each replicate, in so many steps."""
        found: list[Found] = []
        what = f"tornado of {self.quantity}"
        self.workers.fold(work, range(drawn.replicates), found.append, what=what, steps=steps)
        return found
