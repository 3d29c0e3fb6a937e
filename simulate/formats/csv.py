"""CSV: a row for each figure, with its labels, its unit and its standard error, in full precision.

A text that a spreadsheet would take for a formula has an apostrophe before it, which is the sign there for a text.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TextIO

from simulate.errors import printable
from simulate.formats import PROGRAM, Sections
from simulate.results import Result
from simulate.results.result import ERROR
from simulate.results.told import key, number, shown_labels, told

READER = PROGRAM
FORMULAS = ("=", "+", "-", "@")  # with which they begin


def write(result: Result, _sections: Sections | None, file: TextIO) -> None:
    """Write the rows: `figure` is the variable's name; what is not a number is empty."""
    names = list(told(result))
    dims = list(dict.fromkeys(dimension for name in names for dimension in result.variables[name].dims))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*dims, "figure", "unit", "value", "standard_error"])
    for name in names:
        writer.writerows(_rows(result, name, dims, (), {}))


def _rows(
    result: Result, name: str, dims: list[str], place: tuple[int, ...], labels: Mapping[str, Any]
) -> Iterator[list[str]]:
    """The rows of a variable at a place in its first dimensions, in the order in which JSON nests them."""
    variable, errors = result.variables[name], result.variables.get(name + ERROR)
    if len(place) < len(variable.dims):
        dimension = variable.dims[len(place)]
        for index, label in shown_labels(result, name, dimension, place):
            yield from _rows(result, name, dims, (*place, index), {**labels, dimension: label})
        return
    figures = [_text(array.values[place]) if array else "" for array in (variable, errors)]
    yield [
        *(_label(labels.get(dimension, "")) for dimension in dims),
        name,
        _label(result.unit(name, **labels)),
        *figures,
    ]


@lru_cache(maxsize=2**16, typed=True)
def _label(label: Any) -> str:
    if not isinstance(label, str):
        return key(label)
    return printable(f"'{label}" if label.startswith(FORMULAS) else label)


def _text(value: Any) -> str:
    told = number(value)
    return "" if told is None else _label(told) if isinstance(told, str) else repr(told)
