"""The shape of a priors file's tables, and words for what is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, StringConstraints, Tag, ValidationError

from simulate.distributions.other_names import NOTES
from simulate.errors import suggestion
from simulate.priors.layers import Layer, Problem, shown_key
from simulate.priors.positions import Key
from simulate.priors.traffic import unfolded
from simulate.settings import RunTable, fault_of, written

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]  # no file of results holds a NUL
HIDING = (
    ("extends",),
    ("model",),
    ("accelerator",),
    ("priors",),
    ("quantities",),
)  # keys without which other names are unknown
MARKS = ("[key]", "[word]", "[table]")  # of pydantic's, for a key that is at fault itself and for what a value may be
BESIDE = (("evidence",), ("source",), ("note",), ("label",))  # keys of priors and quantities that no number depends on
OTHER_NAMES = {  # what other programs call keys, and what they are here
    **dict.fromkeys(("samples", "iterations", "trials", "draws", "simulations", "size", "n"), "scenarios"),
    "quantiles": "percentiles",
    **dict.fromkeys(("sampler", "sampling", "method"), "scheme"),
    **dict.fromkeys(("random_seed", "random_state", "rng"), "seed"),
    "outputs": "quantities",
    **dict.fromkeys(("expression", "expr", "equation"), "formula"),
    **NOTES,
    **dict.fromkeys(("inputs", "parameters", "variables", "distributions"), "priors"),
    **dict.fromkeys(("formulas", "expressions"), "quantities"),
    **dict.fromkeys(("include", "includes", "inherits", "import"), "extends"),
}


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class PriorTable(_Table, extra="allow"):  # the rest are parameters: distributions.py checks them
    """`[priors.NAME]`, in whole or in part."""

    dist: Text = ""
    value: float = 0.0
    unit: Text = ""
    evidence: Literal["sourced", "judgement"] = "sourced"
    source: Text = ""
    note: Text = ""
    label: Text = ""


class QuantityTable(_Table):
    """`[quantities.NAME]`, in whole or in part."""

    formula: Text = ""
    unit: Text = ""
    label: Text = ""
    source: Text = ""
    note: Text = ""


class PublishedTable(_Table):
    """An element of `[[published]]`."""

    quantity: Text
    value: float
    unit: Text = ""
    source: Text = ""
    note: Text = ""
    choice: Text = ""
    at: dict[str, float] = {}


Word = Literal["BF16", "FP16", "FP8", "INT8", "FP4"]


class PrecisionTable(_Table):
    """`precision = { ... }`: what is stored and computed in which, where that differs."""

    weights: Word | None = None
    cache: Word | None = None
    arithmetic: Word | None = None
    attention: Word | None = None


Precision = Annotated[
    Annotated[Word, Tag("[word]")] | Annotated[PrecisionTable, Tag("[table]")],
    Discriminator(lambda value: "[table]" if isinstance(value, dict) else "[word]"),
]


class ChoiceTable(_Table):
    """`[choices.NAME]`: entries that replace the file's."""

    label: Text = ""
    note: Text = ""
    accelerator: Text = ""
    precision: Precision | None = None
    training_precision: Word | None = None
    priors: dict[str, PriorTable] = {}
    quantities: dict[str, QuantityTable] = {}
    traffic: dict[str, dict[str, Any]] = {}


class File(_Table):
    """A priors file."""

    title: Text = ""
    extends: Text = ""
    model: Literal["llm_cost", "none"] = "llm_cost"
    accelerator: Text = ""
    precision: Precision | None = None
    training_precision: Word | None = None
    run: RunTable = RunTable()
    priors: dict[str, PriorTable] = {}
    correlations: dict[str, dict[str, Any]] = {}
    published: list[PublishedTable] = []
    quantities: dict[str, QuantityTable] = {}
    choices: dict[Text, ChoiceTable] = {}
    traffic: dict[str, dict[str, Any]] = {}  # whose entries are among priors and quantities by then


def checked(layer: Layer) -> tuple[Layer, list[Problem]]:
    """Check the shape of a layer's tables; return the layer without what is at fault, and the problems."""
    layer, twice = unfolded(layer)
    faults = [(*fault, False) for fault in (*_dotted_percentiles(layer.tables), *twice)]
    try:
        File.model_validate(layer.tables)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            key, context = error["loc"], error.get("ctx", {})
            key = tuple(step for step in key if step not in MARKS)
            unknown_table = error["type"] == "extra_forbidden" and isinstance(error["input"], dict)
            hides = (
                unknown_table
                or key in HIDING
                or key[:1] == ("traffic",)
                or (key[:1] == ("choices",) and key[2:] in HIDING)
            )
            faults.append((key, _fault(error["type"], key, error["input"], context, layer.tables), hides))
    tables: dict[str, Any] = dict(layer.tables)
    malformed: set[Key] = set()
    aside: set[str] = set()
    for key, _, _ in faults:
        entry = _entry(key)
        if key[len(entry) :] in BESIDE:  # nothing is computed from it
            tables = _without(tables, key)
            continue
        aside.update(re.findall(r"\w+", repr(_at(layer.tables, entry))))
        tables = _without(tables, entry)
        if entry[-2:-1] in (("priors",), ("quantities",)):
            malformed.add(entry)
    whole = replace(layer, tables=tables, malformed=frozenset(malformed), aside=frozenset(aside))
    return whole, [
        Problem(whole, key, message, alone=True, hides=hides, code="schema") for key, message, hides in faults
    ]


def _fault(kind: str, key: Key, value: Any, context: Mapping[str, Any], tables: Any) -> str:
    """Say in our words what pydantic found."""
    match kind:
        case "extra_forbidden":
            return _unknown_key(key, value, tables)
        case "missing":
            return f"is missing; add {key[-1]} = ..."
        case "literal_error" if isinstance(value, str):
            names = re.findall(r"'(\w+)'", context["expected"])
            allowed = " or ".join(f'"{name}"' for name in names)
            return f"must be {allowed}, not {written(value)}{suggestion(value, names)}"
        case "model_type" | "dict_type":
            return _no_table(key, value)
        case "list_type" if key == ("published",):
            return "must be a list of tables; write [[published]] in double brackets"
    return fault_of(kind, value, context)


def _unknown_key(key: Key, value: Any, tables: Any) -> str:
    name = str(key[-1])
    fields = _model_of(key[:-1]).model_fields
    table = _at(tables, key[:-1])
    missing = [field for field in fields if field not in table]
    if name.lower() in OTHER_NAMES and OTHER_NAMES[name.lower()] in fields:
        return f"unknown key; write {OTHER_NAMES[name.lower()]}"
    if hint := suggestion(name, missing, slips=True) or suggestion(name, fields, slips=True):
        return f"unknown key{hint}"
    if len(key) > 1 and name in File.model_fields:
        return "unknown key here; move it to the top of the file, above the first [table]"
    if len(key) == 1 and isinstance(value, dict):
        return f"unknown table; a prior is written [priors.{name}]"
    return f"unknown key; known are {', '.join(fields)}"


def _no_table(key: Key, value: Any) -> str:
    name = shown_key(key)
    match key:
        case (*_, "priors" | "quantities", str()) if isinstance(value, list) and isinstance(
            next(iter(value), None), dict
        ):
            return f"must be one table; write [{name}] in single brackets"
        case (*_, "priors", str()):
            return f"must be a table, not {written(value)}; write value = {written(value)} under [{name}]"
        case (*_, "quantities", str()):
            return f"must be a table, not {written(value)}; write formula = ... under [{name}]"
        case ("correlations", str() as first):
            pair = first if "." in first else f"{first}.OTHER"
            return f"must name a pair; write {pair} = {written(value)}, without quotes"
        case ("published", int()):
            return "must be a table; write [[published]] with quantity and value"
    return f"must be a table, not {written(value)}; write [{name}]"


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
        case (*_, "precision"):
            return PrecisionTable
    return File


def _dotted_percentiles(value: Any, key: Key = ()) -> Iterator[tuple[Key, str]]:
    """Find `p2.5 = 3` in priors, which TOML reads as p2 = {5 = 3}."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in items:
        percentile = "priors" in key[:-1] and isinstance(child, dict) and re.fullmatch(r"p\d+", str(name))
        if percentile and all(decimals.isdecimal() for decimals in child):
            decimals = next(iter(child), "5")
            message = f'{name}.{decimals} is a dotted key in TOML; write "{name}.{decimals}" in quotes'
            yield (*key, name, decimals), message
        else:
            yield from _dotted_percentiles(child, (*key, name))


def _entry(key: Key) -> Key:
    """The entry that a fault makes unusable: a prior, a published figure, a key of [run]."""
    depth = 4 if len(key) > 2 and key[0] == "choices" and key[2] in ("priors", "quantities") else 2
    return key[:depth]


def _at(tables: Any, key: Key) -> Any:
    for step in key:
        tables = tables[step]
    return tables


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
