"""What a method is: a function that measures, and what report and pictures must know of its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulate.graph import Array
from simulate.sensitivity.asking import Asking
from simulate.statistics import standard_error

Estimate = tuple[float, float]  # a figure and its standard error


class Measured(NamedTuple):
    """What the quantity is while no prior is singled out, and the figures of each prior that moves it, by name."""

    baseline: float
    effects: Mapping[str, Mapping[str, Estimate]]


@dataclass(frozen=True)
class Method:
    """A way to measure what priors do to a quantity.

    `scenarios` is the usual number; `heading` says what the bars are, with {low:g}, {high:g} and {statistic} in their
    places; `figures` are the labels of the figures by name, and `size` names the one by which bars are sorted.
    """

    measure: Callable[[Asking], Measured]
    scenarios: int
    heading: str
    figures: Mapping[str, str]
    size: str
    note: str = ""  # what a reader must know
    of_correlations: str = ""  # and what besides, where priors are correlated
    ranges: bool = False  # bars run from `low` to `high` in the quantity's unit; else from 0, without unit
    signed: bool = False  # the sign of the size is a direction, so that bars are sorted by magnitude
    additive: bool = True  # bars may be summed
    conditions: bool = True  # takes conditions
    variance: bool = False  # needs a variance, so that no scenario may be left out
    at_medians: bool = False  # nothing is drawn: the priors stand at their medians, but for one


def ratio(parts: Array, wholes: Array) -> Estimate:
    """The ratio of two means over replicates, and its standard error, by its linear part in both."""
    whole = wholes.mean()
    found = parts.mean() / whole
    return float(found), float(standard_error((parts - found * wholes) / whole))
