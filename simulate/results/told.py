"""Which figures of a result the formats for scripts tell, one rule for all of them."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from simulate.results.result import Result

FINE = "fine_percentile"  # what is along it is there for pictures, and stands in the .nc file alone
SPARSE = ("prior", "evidence", "change", "case", "choice")  # dimensions of which only some labels concern a figure


def told(result: Result) -> Iterator[str]:
    """The names of the variables that are told, standard errors left out."""
    return (name for name in result.figures() if FINE not in result.variables[name].dims)


def shown_labels(result: Result, name: str, dimension: str, place: tuple[int, ...] = ()) -> list[tuple[int, Any]]:
    """Places and labels along a dimension, without those at which a variable has no figure at all.

    Where bars have a size, that decides: an end of one may be a gap.
    """
    variable = result.variables.get(name) or result.coordinates[name]
    if (size := result.variables.get("size")) and size.dims == variable.dims:
        variable = size
    axis = variable.dims.index(dimension)
    labels = result.labels(dimension) or list(range(variable.values.shape[axis]))
    part = variable.values[place]
    if dimension not in SPARSE or part.dtype == object:
        return list(enumerate(labels))
    others = tuple(each for each in range(part.ndim) if each != axis - len(place))
    known = ~np.isnan(part.astype(float)).all(axis=others)
    return [(index, label) for index, label in enumerate(labels) if known[index]]


def key(label: Any) -> str:
    """A label as text, no two of them alike: 5 and not 5.0."""
    return repr(label).removesuffix(".0") if isinstance(label, float) else str(label)


def number(value: Any) -> Any:
    """A value of an array as a script takes it: whole where it is whole by kind, None for nan and infinities."""
    if isinstance(value, str):
        return value
    plain = value.item()
    return plain if math.isfinite(plain) else None
