"""Where the conditions of one quantity alone hold along its values: the parts of its band that a picture shades."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulate.conditions import Condition
from simulate.results import Result
from simulate.results.told import FINE

ALL = 2**31  # no replicate: a percentile in a condition is that of all of them
HALVINGS = 60  # of what lies between two values, one of which is within


def put_tails(result: Result, asked: Sequence[Condition]) -> None:
    """Say in the provenance between which values of which quantity each condition holds, None for no end."""
    result.provenance["tails"] = {
        condition.text: {"quantity": condition.names[0], "between": _between(result, condition)}
        for condition in asked
        if len(condition.names) == 1 and condition.names[0] in result.labels("quantity")
    }


def _between(result: Result, condition: Condition) -> list[list[float | None]]:
    (name,) = condition.names
    ends = [result.at(end, quantity=name) for end in ("minimum", "maximum")]
    values = np.unique([ends[0], *result.at(f"{FINE}s", quantity=name), ends[1]])
    if not np.isfinite(values).all():
        return []

    def holds(at: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.equal(condition.holds({name: at}, ALL), 1), at.shape)

    there = holds(values)
    before = np.flatnonzero(there[1:] != there[:-1])
    low, high, beyond = values[before], values[before + 1], there[before + 1]
    for _ in range(HALVINGS):
        middle = low / 2 + high / 2
        low, high = np.where(holds(middle) == beyond, [low, middle], [middle, high])
    edges: list[float | None] = [*([None] if there[0] else []), *high.tolist(), *([None] if there[-1] else [])]
    return [edges[place : place + 2] for place in range(0, len(edges), 2)]
