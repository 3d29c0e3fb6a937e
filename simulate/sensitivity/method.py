"""What a method is asked, what it finds, and what report and pictures must know of its figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np

from simulate.backends import Ticks
from simulate.conditions import Questions
from simulate.errors import SimulateError
from simulate.figures import percentile_name
from simulate.graph import Array, Values
from simulate.priors import Priors
from simulate.replicates import Workers
from simulate.sampling.sampler import CHUNK
from simulate.scenarios import Drawing, Scenarios
from simulate.sensitivity.ends import End
from simulate.spread import widened_error
from simulate.statistics import Statistic

Found = TypeVar("Found")
Band = tuple[float, float, float]  # low, median and high of a prior
Quarters = tuple[float, float]  # its P25 and its P75, or the quantity there
Estimate = tuple[float, float]  # a figure and its standard error


@dataclass(frozen=True)
class Asking:
    """What moves one quantity, in the scenarios in which the conditions hold.

    `bands` are those of each prior that varies, in its quantity's unit, `quarters` lie within them, and `ends` are what
    they reach to; `followed` is the statistic of the quantity, for methods that follow one; `power` is the power of two
    above its values.
    """

    quantity: str
    priors: Priors
    drawing: Drawing
    conditions: Questions
    bands: Mapping[str, Band]
    quarters: Mapping[str, Quarters]
    ends: Mapping[str, tuple[End, End]]
    followed: Statistic
    workers: Workers
    power: int

    def scaled(self, column: Values) -> Array:
        """A column of the quantity over a power of two, which takes no bit, so that squares and sums stay floats."""
        scaled: Array = np.ldexp(column, -self.power)
        return scaled

    def baseline(self, mean: float) -> float:
        """The mean of the quantity from that of scaled columns."""
        return float(np.ldexp(mean, self.power))

    @cached_property
    def movers(self) -> tuple[str, ...]:
        """The priors that the quantity depends on, constants left out."""
        plan = self.priors.wiring.plan([self.quantity])
        return tuple(name for name in plan.inputs if name in self.bands)

    def drawn(self, *, stream: int = 0, correlated: bool = True, largest: int = CHUNK) -> Scenarios:
        """The scenarios of a stream, each of which is independent of the others."""
        return self.drawing.scenarios(
            "", [self.quantity], self.conditions, stream=stream, correlated=correlated, largest=largest
        )

    def of_replicates(self, work: Callable[[int, Ticks], Found], drawn: Scenarios, *, steps: int) -> list[Found]:
        """What the work finds in each replicate, in so many steps."""
        found: list[Found] = []
        self.workers.fold(
            work,
            range(drawn.replicates),
            found.append,
            what=self.what,
            steps=lambda _: steps,
            scenarios=drawn.size * steps * drawn.replicates,
        )
        return found

    @property
    def what(self) -> str:
        """What is being done, for those who wait."""
        return f"tornado of {self.quantity}"


class Measured(NamedTuple):
    """What the quantity is while no prior is singled out, and the figures of each prior that moves it, by name.

    Where a bar has no end, its figure is nan and `gaps` has a line that says why. `quarters` are what the quantity is
    at a prior's P25 and P75, where a method tells it.
    """

    baseline: float
    effects: Mapping[str, Mapping[str, Estimate]]
    gaps: Sequence[str] = ()
    quarters: Mapping[str, Quarters] = {}


# The figures of a method that has `ranges`.
RANGE = {"low": "at the prior's low end", "high": "at the prior's high end", "swing": "from low to high"}


@dataclass(frozen=True)
class Method:
    """A way to measure what priors do to a quantity.

    `scenarios` is the usual number; `heading` says what the bars are, with {low}, {high} and {statistic} in their
    places; `figures` are the labels of the figures by name, and `size` names the one by which bars are sorted: those
    with `ranges` by how far they reach from the baseline.
    """

    measure: Callable[[Asking], Measured]
    scenarios: int
    heading: str
    figures: Mapping[str, str]
    size: str = ""
    note: str = ""  # what a reader must know
    of_correlations: str = ""  # and what besides, where priors are correlated
    ranges: bool = False  # bars run from `low` to `high` in the quantity's unit; else from 0, without unit
    signed: bool = False  # the sign of the size is a direction, so that bars are sorted by magnitude
    additive: bool = True  # bars may be summed
    follows: bool = False  # a statistic of the quantity: its mean, or a percentile
    mixes: bool = False  # mixes scenarios for shares of the variance, so that none may be left out
    at_medians: bool = False  # nothing is drawn: the priors stand at their medians, but for one

    def shown(self, attributes: Mapping[str, Any]) -> str:
        """What the bars are, whose share or change, by the attributes of a result."""
        low, high = (percentile_name(attributes[side]) for side in ("low", "high"))
        statistic = f"the {percentile_name(attributes['percentile'])}" if "percentile" in attributes else "the mean"
        return self.heading.format(low=low, high=high, statistic=statistic)


def share(asking: Asking, parts: Array, wholes: Array) -> Estimate:
    """The ratio of two means over replicates, and its standard error, by its linear part in both.

    Raises SimulateError where the whole, a variance, is none.
    """
    if not (whole := wholes.mean()):
        raise SimulateError(f"{asking.quantity} is the same in all scenarios drawn; ask for more --scenarios")
    found = parts.mean() / whole
    return float(found), float(widened_error((parts - found * wholes) / whole))
