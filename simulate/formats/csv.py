"""CSV: a row for each figure, with its labels, its unit and its standard error, in full precision."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from simulate.formats import Sections
from simulate.results import Result
from simulate.results.result import ERROR
from simulate.results.told import key, number, shown_labels, told

Place = tuple[int, ...]
Labels = tuple[Any, ...]


def write(result: Result, _sections: Sections | None, file: TextIO) -> None:
    """Write the rows: `figure` is the variable's name; what is not a number is empty."""
    names = list(told(result))
    dims = list(dict.fromkeys(dimension for name in names for dimension in result.variables[name].dims))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*dims, "figure", "unit", "value", "standard_error"])
    for name in names:
        writer.writerows(_rows(result, name, dims))


def _rows(result: Result, name: str, dims: list[str]) -> Iterator[list[str]]:
    variable = result.variables[name]
    errors = result.variables.get(name + ERROR)
    for place, labels in _places(result, name, (), ()):
        at = dict(zip(variable.dims, labels, strict=True))
        figures = [_text(array.values[place]) if array else "" for array in (variable, errors)]
        named = [key(at[dimension]) if dimension in at else "" for dimension in dims]
        yield [*named, name, result.unit(name, **at), *figures]


def _places(result: Result, name: str, place: Place, labels: Labels) -> Iterator[tuple[Place, Labels]]:
    """The places of the figures that are told, with their labels, as JSON nests them."""
    dims = result.variables[name].dims
    if len(place) == len(dims):
        yield place, labels
        return
    for index, label in shown_labels(result, name, dims[len(place)], place):
        yield from _places(result, name, (*place, index), (*labels, label))


def _text(value: Any) -> str:
    told = number(value)
    return "" if told is None else told if isinstance(told, str) else repr(told)
