"""Reading priors files: texts to layers of tables whose shape is right, and words for what is wrong."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulate.errors import suggestion
from simulate.priors.layers import Layer, PriorsError, Problem, SourceFile, shown_key
from simulate.priors.positions import Key

# ---------------------------------------------------------------- files and overrides


def read_files(path: Path | str) -> tuple[list[Layer], list[SourceFile], list[Problem]]:
    """Read a priors file and those that it extends, nearest first.

    Raises PriorsError where a text is no TOML; what the extended file's absence means is a problem.
    """
    layers: list[Layer] = []
    sources: list[SourceFile] = []
    shown = str(path)
    while True:
        if fault := _unreadable(shown, layers):
            if not layers:
                raise PriorsError(f"{shown}: {fault}")
            return layers, sources, [Problem(layers[-1], ("extends",), f"{shown} {fault}")]
        source = _source(shown)
        tables = _tables(source.text, shown)
        layers.append(Layer(shown, tables, source.text, Path(shown).parent, own=not layers))
        sources.append(source)
        above = tables.get("extends")
        if not isinstance(above, str):  # of the wrong type: the schema says so
            return layers, sources, []
        shown = os.path.normpath(Path(shown).parent / above)
        chain = [*(source.path for source in sources), Path(shown)]
        if chain[-1].resolve() in [known.resolve() for known in chain[:-1]]:
            circle = " -> ".join(map(str, chain))
            return (
                layers,
                sources,
                [Problem(layers[-1], ("extends",), f"goes in a circle, {circle}; take it out")],
            )


def _unreadable(shown: str, layers: Sequence[Layer]) -> str:
    """Say why there is no file to read; '' where there is one."""
    path = Path(shown)
    try:
        if path.is_dir():
            return "is a folder; name a priors file in it"
        if path.exists():
            return ""
        others = [*path.parent.iterdir()] if path.parent.is_dir() else []
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    names = [other.name for other in others if other not in [Path(layer.shown) for layer in layers]]
    return f"does not exist{suggestion(path.name, names, 'check the path')}"


def _source(shown: str) -> SourceFile:
    try:
        content = Path(shown).read_bytes()
    except OSError as error:
        raise PriorsError(f"{shown}: cannot be read ({error.strerror}); check its permissions") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PriorsError(f"{shown}:{line}: is not UTF-8; save it with the encoding UTF-8") from None
    if not text.strip():
        raise PriorsError(f"{shown}:1: the file is empty; write [priors.NAME] tables in it")
    return SourceFile(Path(shown), text, hashlib.sha256(content).hexdigest())


def _tables(text: str, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise PriorsError(f"{shown}: TOML: brackets nest too deeply; take some away") from None
    except ValueError as error:
        fault, line = _syntax(str(error), text)
        raise PriorsError(f"{shown}:{line}: TOML: {fault}") from None


def _syntax(message: str, text: str) -> tuple[str, int]:
    """Split tomllib's message into fault, with a mend, and line."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(place[1]) if place and place[1] else text.count("\n", 0, len(text.rstrip())) + 1
    fault = message[: place.start()] if place else message
    fault = re.sub(r"\('(.*?)',?\)", lambda names: f"[{names[1]}]".replace("', '", "."), fault)
    column = f" in column {place[2]}" if place and place[2] else ""
    mends = {
        "Invalid value": "put text in quotes; numbers look like 0.5, 3e6, 1_000",
        "Invalid statement": 'keys other than letters, digits, _ and - stand in quotes, as "p2.5"',
        "Expected '='": "write key = value",
        "Cannot overwrite": "the key is given twice; keep one",
        "Cannot declare": "the table is given twice; keep one",
        "Expected newline": "write one key = value a line, text in quotes",
        "Unterminated": "close the quotes",
    }
    mend = next((mend for start, mend in mends.items() if fault.startswith(start)), "mend the syntax")
    return f"{fault}{column}; {mend}", line


def override_layer(text: str) -> Layer:
    """Read a `--set`: an entry of [priors], or of any table when its name opens with that table's.

    Raises PriorsError where it is no TOML.
    """
    shown = f"--set '{text}'"
    example = "write for instance 'pue=1.1' or 'pue={dist=\"uniform\", lower=1.05, upper=1.3}'"
    try:
        entries = tomllib.loads(text)
    except RecursionError:
        raise PriorsError(f"{shown}: brackets nest too deeply; {example}") from None
    except ValueError as error:
        fault = re.sub(r" \(at .*\)$", "", str(error))
        hint = "text stands in quotes within the value; " * fault.startswith("Invalid value")
        raise PriorsError(f"{shown}: is not a TOML key = value ({fault}); {hint}{example}") from None
    if not entries:
        raise PriorsError(f"{shown}: sets nothing; {example}")
    tables = {name: value for name, value in entries.items() if name in File.model_fields}
    priors = {name: value for name, value in entries.items() if name not in File.model_fields}
    if isinstance(tables.get("priors", {}), dict):
        priors |= tables.get("priors", {})
        tables["priors"] = {
            name: value if isinstance(value, dict) else {"value": value} for name, value in priors.items()
        }
    layer = Layer(shown, tables)
    for name in ("extends", "choices"):
        if name in tables:
            raise PriorsError(str(Problem(layer, (name,), "cannot be set here; write it in a file")))
    return layer


# ---------------------------------------------------------------- the shape of the tables


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class PriorTable(_Table, extra="allow"):  # the rest are parameters: distributions.py checks them
    """`[priors.NAME]`, in whole or in part."""

    dist: str = ""
    value: float = 0.0
    unit: str = ""
    evidence: Literal["sourced", "judgement"] = "sourced"
    source: str = ""
    note: str = ""
    label: str = ""


class QuantityTable(_Table):
    """`[quantities.NAME]`, in whole or in part."""

    formula: str = ""
    unit: str = ""
    label: str = ""
    source: str = ""
    note: str = ""


class RunTable(_Table):
    """`[run]`."""

    scenarios: Annotated[int, Field(ge=1, le=10**15)] = 1_000_000
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 20230214
    percentiles: Annotated[list[Annotated[float, Field(gt=0, lt=100)]], Field(min_length=1)] = [
        5,
        25,
        50,
        75,
        95,
    ]
    quantities: list[str] = []


class PublishedTable(_Table):
    """An element of `[[published]]`."""

    quantity: str
    value: float
    unit: str = ""
    source: str = ""
    note: str = ""


class ChoiceTable(_Table):
    """`[choices.NAME]`: entries that replace the file's."""

    label: str = ""
    note: str = ""
    accelerator: str = ""
    priors: dict[str, PriorTable] = {}
    quantities: dict[str, QuantityTable] = {}


class File(_Table):
    """A priors file."""

    title: str = ""
    extends: str = ""
    model: Literal["llm_cost", "none"] = "llm_cost"
    accelerator: str = ""
    run: RunTable = RunTable()
    priors: dict[str, PriorTable] = {}
    correlations: dict[str, dict[str, Any]] = {}
    published: list[PublishedTable] = []
    quantities: dict[str, QuantityTable] = {}
    choices: dict[str, ChoiceTable] = {}


EXPECTED = {  # pydantic's types of error: what was expected
    "string_type": "text in quotes",
    "float_type": "a number without quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "list_type": "a list in square brackets",
    "too_short": "a list of one or more, or be left out",
}


def checked(layer: Layer) -> tuple[Layer, list[Problem]]:
    """Check the shape of a layer's tables; return the layer without what is at fault, and the problems."""
    faults = list(_dotted_percentiles(layer.tables))
    try:
        File.model_validate(layer.tables)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            key = error["loc"]
            found = error["input"]
            kind = (
                error["type"] if error["type"] != "literal_error" or isinstance(found, str) else "string_type"
            )
            faults.append((key, _fault(kind, key, found, error.get("ctx", {}), layer.tables)))
    tables: dict[str, Any] = dict(layer.tables)
    malformed: set[str] = set()
    for key, _ in faults:
        tables = _without(tables, _entry(key))
        if "priors" in key or "quantities" in key:
            malformed.update(name for name in _entry(key)[-1:] if isinstance(name, str))
    whole = replace(layer, tables=tables, malformed=frozenset(malformed))
    return whole, [Problem(whole, key, message) for key, message in faults]


def _fault(kind: str, key: Key, value: Any, context: Mapping[str, Any], tables: Any) -> str:
    """Say in our words what pydantic found."""
    found = f", not {_written(value)}"
    match kind:
        case "extra_forbidden":
            return _unknown_key(key, value, tables)
        case "missing":
            return f"is missing; add {key[-1]} = ..."
        case "literal_error":
            names = re.findall(r"'(\w+)'", context["expected"])
            allowed = " or ".join(f'"{name}"' for name in names)
            return f"must be {allowed}{found}{suggestion(value, names)}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            bound = next(iter(context.values()))
            return (
                f"must be {kind.replace('_', ' ').replace('than equal', 'than or equal to')} {bound:g}{found}"
            )
        case "model_type" | "dict_type":
            return _no_table(key, value)
        case "float_type" if type(value) is int:
            return "is too large; a number lies below 1e308"
        case "int_type" | "int_from_float" if isinstance(value, float) and value.is_integer():
            return f"must be a whole number{found}; write {int(value):_}"
        case "list_type" if key == ("published",):
            return "must be a list of tables; write [[published]] in double brackets"
    return f"must be {EXPECTED.get(kind, 'another value')}{found}"


def _unknown_key(key: Key, value: Any, tables: Any) -> str:
    name = str(key[-1])
    fields = _model_of(key[:-1]).model_fields
    table: Any = tables
    for step in key[:-1]:
        table = table[step]
    missing = [field for field in fields if field not in table]
    if hint := suggestion(name, missing) or suggestion(name, fields):
        return f"unknown key{hint}"
    if len(key) > 1 and name in File.model_fields:
        return "unknown key here; move it to the top of the file, above the first [table]"
    if len(key) == 1 and isinstance(value, dict):
        return f"unknown table; a prior is written [priors.{name}]"
    return f"unknown key; known are {', '.join(fields)}"


def _no_table(key: Key, value: Any) -> str:
    name = shown_key(key)
    match key:
        case (*_, "priors", str()):
            return f"must be a table, not {_written(value)}; write value = {_written(value)} under [{name}]"
        case (*_, "quantities", str()):
            return f"must be a table, not {_written(value)}; write formula = ... under [{name}]"
        case ("correlations", str() as first):
            pair = first if "." in first else f"{first}.OTHER"
            return f"must name a pair; write {pair} = {_written(value)}, without quotes"
        case ("published", int()):
            return "must be a table; write [[published]] with quantity and value"
    return f"must be a table, not {_written(value)}; write [{name}]"


def _model_of(key: Key) -> type[BaseModel]:
    """The schema of the table at a key that may hold only certain keys."""
    match key:
        case (*_, "quantities", str()):
            return QuantityTable
        case ("run",):
            return RunTable
        case ("published", int()):
            return PublishedTable
        case ("choices", str()):
            return ChoiceTable
    return File


def _dotted_percentiles(tables: Mapping[str, Any]) -> Iterable[tuple[Key, str]]:
    """Find `p2.5 = 3`, which TOML reads as p2 = {5 = 3}."""
    choices = tables.get("choices", {})
    nested = choices.items() if isinstance(choices, dict) else ()
    groups = [((), tables), *((("choices", name), choice) for name, choice in nested)]
    for prefix, group in groups:
        priors = group.get("priors", {}) if isinstance(group, dict) else {}
        for key, value in _percentile_tables(priors, (*prefix, "priors")):
            decimals = next(iter(value), "5")
            message = f'{key[-1]}.{decimals} is a dotted key in TOML; write "{key[-1]}.{decimals}" in quotes'
            yield (*key, decimals), message


def _percentile_tables(value: Any, key: Key) -> Iterable[tuple[Key, dict[str, Any]]]:
    if isinstance(value, dict):
        items: Iterable[tuple[str | int, Any]] = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for name, child in items:
        if isinstance(name, str) and re.fullmatch(r"p\d+", name) and isinstance(child, dict) and len(key) > 1:
            if all(re.fullmatch(r"\d+", decimals) for decimals in child):
                yield (*key, name), child
        else:
            yield from _percentile_tables(child, (*key, name))


def _entry(key: Key) -> Key:
    """The entry that a fault makes unusable: a prior, a published figure, a key of [run]."""
    depth = 4 if key[0] == "choices" and len(key) > 2 and key[2] in ("priors", "quantities") else 2
    return key[:depth]


def _without(tables: Mapping[Any, Any], key: Key) -> dict[str, Any]:
    """Copy nested tables without the entry at a key; an array's element leaves a None in its place."""
    match key:
        case (name,):
            return {other: value for other, value in tables.items() if other != name}
        case (name, int() as i) if isinstance(tables.get(name), list):
            return {**tables, name: [None if j == i else value for j, value in enumerate(tables[name])]}
        case (name, *rest) if isinstance(tables.get(name), dict):
            return {**tables, name: _without(tables[name], tuple(rest))}
    return dict(tables)


def _written(value: Any) -> str:
    """A value as TOML writes it, cut short."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            text = f'"{value}"'
        case dict():
            return "a table"
        case list():
            return "a list" if value else "an empty list"
        case _:
            text = (
                str(value) if not isinstance(value, int) or abs(value) < 10**40 else "a number of that size"
            )
    return text if len(text) <= 40 else text[:37] + "..."
