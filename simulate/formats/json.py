"""JSON for scripts: figures by quantity and label in full precision, and what they rest on."""

import json
import re
from typing import Any, TextIO

from simulate.formats import Sections
from simulate.results import Result
from simulate.results.result import ERROR
from simulate.results.told import key, number, shown_labels, told

INSIDE = ("priors", "components", "headline", "asked")  # of the provenance, left to the .nc file


def write(result: Result, _sections: Sections | None, file: TextIO) -> None:
    """Write the result as JSON; what is not a number is null."""
    text = json.dumps(plain(result), indent=2, allow_nan=False, ensure_ascii=False)
    encoding = getattr(file, "encoding", None) or "utf-8"
    file.write(re.sub("[^\n -~]", lambda found: _character(found[0], encoding), text) + "\n")


def _character(character: str, encoding: str) -> str:
    """The character, or as JSON escapes it where it cannot be written, or would steer a terminal."""
    written = character.encode(encoding, "ignore") and character.isprintable()
    return character if written else json.dumps(character)[1:-1]


def plain(result: Result) -> dict[str, Any]:
    """The result as plain data: what is of one quantity below `quantities`, the rest by name."""
    provenance = {name: value for name, value in result.provenance.items() if name not in INSIDE}
    provenance["files"] = [{name: file[name] for name in ("path", "sha256")} for file in provenance.get("files", [])]
    of_quantities = [each for each in ("label", "unit") if each in result]
    quantities: dict[str, dict[str, Any]] = {
        name: {each: result.at(each, quantity=name) for each in of_quantities} for name in result.labels("quantity")
    }
    others: dict[str, Any] = {
        name: _nested(result, name, ())
        for name, each in result.coordinates.items()
        if name not in each.dims and name not in of_quantities
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
        return number(variable.values[place])
    dimension = variable.dims[len(place)]
    labels = shown_labels(result, name, dimension, place)
    return {key(label): _nested(result, name, (*place, index)) for index, label in labels}
