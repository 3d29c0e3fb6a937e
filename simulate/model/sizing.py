"""Sizing: how many accelerators hold a copy of the model, where a priors file leaves that to the model."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from simulate.composing import Composed, recomputing
from simulate.graph import Array, parameter
from simulate.model.notation import ONE_OR_MORE

SIZES = tuple(2.0**power for power in range(7))  # of a replica: those that servers and their links come in

largest_replica = parameter(
    "1",
    """Largest replica: accelerators that may hold one copy of the model, where their number is left to the model.

    Eight are those of a server; as many as fast links join.""",
    default=8,
    lower=1,
    upper=SIZES[-1],
)


layouts_listed = parameter(
    "1",
    """Layouts listed: how many a file lists, of which each scenario takes the cheapest.

    `layouts = ["TP8", "TP4 PP2"]` binds it, and what each of them states.""",
    default=1,
    lower=1,
)


@recomputing("accelerators", of="layout")
def layout(layouts_listed: Array, accelerators: Composed) -> ONE_OR_MORE:
    """Layout: the place in the list of the one with which the fleet takes the fewest accelerators.

    That is the cheapest of those that keep memory and targets, in each scenario by itself; of equal ones the first.
    nan where none does.
    """
    return _fewest([(float(place), True) for place in range(1, int(np.max(layouts_listed)) + 1)], accelerators)


@recomputing("accelerators", of="replica_accelerators")
def replica_accelerators(
    largest_replica: Array,
    weight_bytes: Array,
    usable_memory_share: Array,
    memory_capacity: Array,
    accelerators: Composed,
) -> ONE_OR_MORE:
    """Accelerators per replica: that hold one copy of the model together.

    Unless a prior says otherwise those of 1, 2, 4 and so on, to the largest replica, with which the fleet takes the
    fewest accelerators, which is the cheapest: in each scenario by itself, with whole replicas that keep memory and
    targets. Where a time per token is stated that does not hang on them, the fewest that hold the weights. nan where
    none does.
    """
    held = [
        (size * usable_memory_share * memory_capacity >= weight_bytes) & (size <= largest_replica) for size in SIZES
    ]
    return _fewest(zip(SIZES, held, strict=True), accelerators)


def _fewest(candidates: Iterable[tuple[float, Any]], accelerators: Composed) -> Array:
    """The first of the candidates, each with whether it is possible, that takes the fewest accelerators; or nan."""
    fewest: Any = np.inf
    chosen: Any = np.nan
    for candidate, possible in candidates:
        fleet = np.where(possible, accelerators(candidate), np.inf)
        chosen = np.where(fleet < fewest, candidate, chosen)
        fewest = np.where(fleet < fewest, fleet, fewest)
    number: Array = chosen[()]
    return number
