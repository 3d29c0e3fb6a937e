"""CSV: a row for each figure, with its labels, its unit and its standard error, in full precision."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from typing import Any, TextIO

from simulate.formats import Sections
from simulate.results import Result
from simulate.results.result import ERROR
from simulate.results.told import key, number, shown_labels, told


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
    labels = [shown_labels(result, name, dimension) for dimension in variable.dims]
    for each in itertools.product(*labels):
        place = tuple(index for index, _ in each)
        at = dict(zip(variable.dims, (label for _, label in each), strict=True))
        figures = [_text(array.values[place]) if array else "" for array in (variable, errors)]
        named = [key(at[dimension]) if dimension in at else "" for dimension in dims]
        yield [*named, name, result.unit(name, **at), *figures]


def _text(value: Any) -> str:
    told = number(value)
    return "" if told is None else told if isinstance(told, str) else repr(told)
