"""JSON for scripts: figures by quantity and label in full precision, and what they rest on."""

from __future__ import annotations

import json
import math
from typing import Any, TextIO

from simulate.formats import Sections
from simulate.results import Result
from simulate.results.result import ERROR
from simulate.results.told import shown_labels, told

INSIDE = ("priors", "components", "headline", "asked")  # of the provenance, left to the .nc file


def write(result: Result, _sections: Sections | None, file: TextIO) -> None:
    """Write the result as JSON; what is not a number is null."""
    json.dump(plain(result), file, indent=2, allow_nan=False, ensure_ascii=False)
    file.write("\n")


def plain(result: Result) -> dict[str, Any]:
    """The result as plain data: what is of one quantity below `quantities`, the rest by name."""
    provenance = {name: value for name, value in result.provenance.items() if name not in INSIDE}
    provenance["files"] = [{**file, "text": None} for file in provenance.get("files", [])]
    for file in provenance["files"]:
        del file["text"]
    quantities = {
        name: {
            each: result.at(each, quantity=name)
            for each in ("label", "unit")
            if each in result.coordinates and result.coordinates[each].dims == ("quantity",)
        }
        for name in result.labels("quantity")
    }
    others: dict[str, Any] = {
        name: _nested(result, name, ())
        for name, each in result.coordinates.items()
        if each.dims != (name,) and each.dims != ("quantity",)
    }
    for name in told(result):
        for each in (name, name + ERROR):
            if each not in result.variables:
                continue
            if result.variables[each].dims[:1] == ("quantity",):
                for place, quantity in enumerate(quantities):
                    quantities[quantity][each] = _nested(result, each, (place,))
            else:
                others[each] = _nested(result, each, ())
    told_quantities = {"quantities": quantities} if quantities else {}
    return {"question": result.question, **result.attributes, **provenance, **told_quantities, **others}


def _nested(result: Result, name: str, place: tuple[int, ...]) -> Any:
    """The part of a variable at a place, as nested objects by label along the dimensions that are left."""
    variable = result.variables.get(name) or result.coordinates[name]
    if len(place) == len(variable.dims):
        return _value(variable.values[place])
    dimension = variable.dims[len(place)]
    labels = shown_labels(result, name, dimension, place)
    return {_key(label): _nested(result, name, (*place, index)) for index, label in labels}


def _key(label: Any) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value
    number = value.item()
    return number if isinstance(number, int | bool) or math.isfinite(number) else None
