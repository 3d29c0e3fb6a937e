"""CSV: a row for each figure, with its labels, its unit and its standard error, in full precision."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator
from typing import Any, TextIO

from simulate.formats import Sections
from simulate.results import Result
from simulate.results.result import ERROR
from simulate.results.told import shown_labels, told


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
        error = _text(errors.values[place]) if errors else ""
        unit = result.unit(name, **at)
        yield [
            *(_label(at.get(dimension, "")) for dimension in dims),
            name,
            unit,
            _text(variable.values[place]),
            error,
        ]


def _label(label: Any) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    number = float(value)
    if not math.isfinite(number):
        return "" if math.isnan(number) else repr(number)
    return repr(int(value)) if value.dtype.kind in "ib" else repr(number)
