"""JSON for scripts: one envelope for every command, and in it figures by name and label in full precision.

docs/reference/json.md describes it, `output.schema.json` beside this file is its JSON Schema.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from simulate import __version__
from simulate.errors import Fault
from simulate.formats import PROGRAM, Sections
from simulate.results import Result
from simulate.results.published import place_of
from simulate.results.result import BUILD, ERROR
from simulate.results.told import FINE, key, number, shown_labels, told

READER = PROGRAM
SCHEMA = "urn:llm-cost-simulate:output"
SCHEMA_VERSION = "1.0"  # the first part is raised when a program that reads it would have to change
# Of the provenance: what is told elsewhere in the envelope, or left to the .nc file, and what are settings.
INSIDE = (
    *("priors", "components", "headline", "asked", "files"),
    *("warnings", "aging", "cases", "changes", "run", "published"),
    *("tails", "change_labels", "case_published"),  # for pictures
)
SETTINGS = ("given", "observe", "model", "overrides", "choice")
OF_RESULT = ("title", "best", *BUILD)  # of the attributes, the others but the version being settings


def write(result: Result, _sections: Sections | None, file: TextIO) -> None:
    """Write the result as JSON; what is not a number is null."""
    write_envelope(plain(result), None, file)


def write_envelope(data: Mapping[str, Any], _sections: Sections | None, file: TextIO) -> None:
    """Write plain data as a JSON text that an encoding can hold and that steers no terminal."""
    text = json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False)
    encoding = getattr(file, "encoding", None) or "utf-8"
    file.write(re.sub("[^\n -~]", lambda found: _character(found[0], encoding), text) + "\n")


def _character(character: str, encoding: str) -> str:
    """The character, or as JSON escapes it where it cannot be written, or would steer a terminal."""
    written = character.encode(encoding, "ignore") and character.isprintable()
    return character if written else json.dumps(character)[1:-1]


def envelope(
    command: str | None,
    *,
    files: Iterable[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
    warnings: Iterable[str | Fault] = (),
    errors: Iterable[Fault] = (),
    result: Any = None,
) -> dict[str, Any]:
    """What every command tells: what was asked of which files, what to know, what is wrong, and what was found."""
    hashes = {file["path"]: {"path": file["path"], "sha256": file["sha256"]} for file in files}
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "version": __version__,
        "files": list(hashes.values()),
        "settings": _finite(settings or {}),
        "warnings": [_plain_fault(Fault(each) if isinstance(each, str) else each, "warning") for each in warnings],
        "errors": [_plain_fault(each, "value") for each in errors],
        "result": result,
    }


def _plain_fault(fault: Fault, code: str) -> dict[str, Any]:
    message, fix = fault.parts if code != "warning" else (fault.message, "")
    return {
        "file": fault.file or None,
        "line": fault.line or None,
        "column": fault.column or None,
        "key": fault.key or None,
        "code": fault.code or code,
        "message": message,
        "fix": fix or None,
    }


def plain(result: Result) -> dict[str, Any]:
    """The result as plain data, in its envelope."""
    provenance, attributes = result.provenance, result.attributes
    settings = {
        **{name: value for name, value in attributes.items() if name not in {*OF_RESULT, "version"}},
        **{name: provenance[name] for name in SETTINGS if name in provenance},
        **provenance.get("run", {}),
        "percentiles": result.labels("percentile"),
        "quantities": provenance.get("asked", result.labels("quantity")),
    }
    cases = provenance.get("cases", {})
    return envelope(
        result.question,
        files=[*provenance.get("files", []), *(file for case in cases.values() for file in case["files"])],
        settings=settings,
        warnings=result.warnings,
        result=found(result),
    )


def found(result: Result) -> dict[str, Any]:
    """What a result has found: each figure below its first dimension, by label and name, and what it rests on.

    Figures along no dimension stand below `figures`.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name, coordinate in result.coordinates.items():
        (dimension, *others) = coordinate.dims
        if not others and name != dimension:
            group = groups.setdefault(_plural(dimension), {})
            for place, label in shown_labels(result, name, dimension):
                value = number(coordinate.values[place])
                group.setdefault(key(label), {})[name.removeprefix(f"{dimension}_")] = value
    for name, case in result.provenance.get("cases", {}).items():
        changes = result.provenance["changes"].get(name)
        groups["cases"][name] |= {**_finite(case), "changes": _finite(changes)}
    for name in told(result):
        dims = result.variables[name].dims
        if not dims:
            groups.setdefault("figures", {})[name] = _figure(result, name)
            continue
        group = groups.setdefault(_plural(dims[0]), {})
        for place, label in shown_labels(result, name, dims[0]):
            group.setdefault(key(label), {})[name] = _figure(result, name, (place,), {dims[0]: label})
    rest = {name: value for name, value in result.provenance.items() if name not in {*INSIDE, *SETTINGS}}
    if "kept" in rest:
        rest["kept"] = _kept(rest["kept"])
    what = {name: value for name, value in result.attributes.items() if name in OF_RESULT}
    return {**what, **_finite(rest), "published": _published(result), **groups}


def _plural(dimension: str) -> str:
    return {"quantity": "quantities"}.get(dimension, f"{dimension}s")


def _figure(
    result: Result, name: str, place: tuple[int, ...] = (), at: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A variable at a place in its first dimensions, with its unit, and its standard error where it has one."""
    told = {"unit": _unit(result, name, place, at or {}), "along": list(result.variables[name].dims[len(place) :])}
    told["value"] = _nested(result, name, place)
    if name + ERROR in result.variables:
        told["standard_error"] = _nested(result, name + ERROR, place)
    return told


def _unit(result: Result, name: str, place: tuple[int, ...], at: Mapping[str, Any]) -> Any:
    """The unit of a figure, nested by label as far as it depends on labels that are left."""
    variable = result.variables[name]
    if not variable.unit_of or set(result.coordinates[variable.unit_of].dims) <= set(at):
        return result.unit(name, **at)
    dimension = variable.dims[len(place)]
    labels = shown_labels(result, name, dimension, place)
    return {key(label): _unit(result, name, (*place, each), {**at, dimension: label}) for each, label in labels}


def _nested(result: Result, name: str, place: tuple[int, ...]) -> Any:
    """The part of a variable at a place, as nested objects by label along the dimensions that are left."""
    variable = result.variables[name]
    if len(place) == len(variable.dims):
        return number(variable.values[place])
    labels = shown_labels(result, name, variable.dims[len(place)], place)
    return {key(label): _nested(result, name, (*place, index)) for index, label in labels}


def _single(unit: str, value: Any, error: float | None = None) -> dict[str, Any]:
    """A figure along no dimension."""
    told = {"unit": unit, "along": [], "value": value}
    return told if error is None else {**told, "standard_error": error}


def _kept(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions leave, its shares and thresholds as figures."""
    told = {name: value for name, value in kept.items() if not name.endswith(ERROR)}
    for share in ("share", "undefined"):
        told[share] = _single("1", kept[share], kept[share + ERROR])
    told["thresholds"] = {name: _single(unit, value) for name, (value, unit) in kept["thresholds"].items()}
    return told


def _published(result: Result) -> list[dict[str, Any]]:
    """The published figures, and where they lie in the bands that are told of their quantities."""
    known = result.labels("quantity") if f"{FINE}s" in result else []
    told = []
    for figure in result.provenance.get("published", []):
        along: tuple[str, ...] = ()
        places: Any = ("", None)
        if figure["quantity"] in known:
            along = result.variables["minimum"].dims[1:]
            places = _places(result, figure, {"quantity": figure["quantity"]}, along)
        position, percentile = (_part(places, index) for index in (0, 1))
        told.append(
            {
                **figure,
                "position": {"unit": "1", "along": list(along), "value": position},
                "percentile": {"unit": "percent", "along": list(along), "value": percentile},
            }
        )
    return told


def _places(result: Result, figure: Mapping[str, Any], at: Mapping[str, Any], along: Iterable[str]) -> Any:
    """Where a published figure falls, nested by label along dimensions."""
    for dimension in along:
        others = [each for each in along if each != dimension]
        return {
            key(label): _places(result, figure, {**at, dimension: label}, others) for label in result.labels(dimension)
        }
    comparable = result.unit("minimum", **at) == figure["unit"]
    return place_of(result, figure["value"], **at) if comparable else ("", None)


def _part(places: Any, index: int) -> Any:
    """One of the two things that are told of each place; None for an empty one."""
    if isinstance(places, dict):
        return {label: _part(each, index) for label, each in places.items()}
    return places[index] or None if index == 0 else places[index]


def _finite(data: Any) -> Any:
    """Plain data with None for nan and infinities."""
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
