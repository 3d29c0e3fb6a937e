"""The shape of a priors file's tables, and words for what is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
)

from simulate.distributions.other_names import KEYS
from simulate.errors import suggestion
from simulate.priors.layers import Layer, Problem, shown_key
from simulate.priors.positions import Key
from simulate.priors.short_forms import VALUE, written_out
from simulate.priors.traffic import unfolded
from simulate.settings import RunTable, fault_of, written

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]  # no file of results holds a NUL


def _dated(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'must be a date such as "2027-06-30", not {written(text)}') from None
    return text


Day = Annotated[Text, AfterValidator(_dated)]
# Keys without which other names are unknown.
NAMED = ("accelerator", "prefill_accelerator", "api")  # of a catalog
HIDING = tuple((key,) for key in ("extends", "model", *NAMED, "layouts", "priors", "quantities"))
MARKS = ("[key]", "[word]", "[table]")  # of pydantic's, for a key that is at fault itself and for what a value may be
# Keys of priors and quantities that no number depends on.
BESIDE = tuple((key,) for key in ("evidence", "source", "expires", "note", "label"))

SOURCE = "Where it comes from."
NOTE = "What else to know."
LABEL = "What tables call it."
PREFILL_ACCELERATOR = "The same of a prefill pool.\n\nThere is one where `prefill_replica_accelerators` is stated."
TRAINING_PRECISION = "The same words, for the training accelerator's peak."
AS_ABOVE = "As above, for this choice."


class _Table(BaseModel):
    """A table: what `Field` says of a key is what `explain`, the guide and the schema for editors tell of it.

    The first paragraph is for all of them, further ones for `explain` alone.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class PriorTable(_Table, extra="allow"):  # the rest are parameters: distributions.py checks them
    """What is not known for certain: a distribution of a quantity, by its name, in whole or in part.

    Its further keys are the parameters of the family, such as p5 and p95: `simulate explain families` lists these. A
    table in a nearer file that has `dist` or `value` stands alone; another one changes the keys that it names.

        [priors.pue]
        dist = "uniform"
        lower = 1.05
        upper = 1.3
        evidence = "sourced"
        source = "our own sites, 2024"
    """

    dist: Text = Field(default="", description="The family; not needed with value.")
    value: float = Field(default=0.0, description=VALUE)
    unit: Text = Field(
        default="",
        description="A unit that converts to that of the quantity.\n\n"
        "Without one, numbers are in the unit of the quantity. `simulate explain units` lists them.",
    )
    evidence: Literal["sourced", "judgement"] = Field(
        default="sourced",
        description="sourced or judgement.\n\n"
        "Reports say how much of the variance rests on judgement, and how much on priors that do not say.",
    )
    source: Text = Field(default="", description=SOURCE)
    expires: Day | None = Field(
        default=None,
        description='The day from which on its source is too old, "2027-06-30".\n\n'
        "`simulate check` tells of it then, and `check --strict` fails.",
    )
    note: Text = Field(default="", description=NOTE)
    label: Text = Field(default="", description=LABEL)


class QuantityTable(_Table):
    """A quantity of the file's own, or one of the model computed otherwise: a formula, by the quantity's name.

    Names in it are quantities of the model, of the file, and priors.

        [quantities.cost_per_visit]
        formula = "own_cost_per_year / (365 [day/year] * visitors_per_day)"
        unit = "USD"
    """

    formula: Text = Field(
        default="",
        description="What it is computed by.\n\nNames, numbers, + - * / // % **, brackets, comparisons joined by "
        "& | ~, and functions: `simulate explain functions`. A number may have a unit, 365 [day/year].",
    )
    unit: Text = Field(default="", description="The unit that the formula gives.")
    label: Text = Field(default="", description=LABEL)
    source: Text = Field(default="", description=SOURCE)
    note: Text = Field(default="", description=NOTE)


class PublishedTable(_Table):
    """A list of known figures, which reports and pictures set beside the bands.

    Each is a table of its own, and there may be several of a quantity.

        [[published]]
        quantity = "capex"
        value = 759
        unit = "million USD"
        source = "Guosheng Securities, 12 February 2023"
    """

    quantity: Text = Field(description="Of which quantity a figure is known: [[published]] is a list of tables.")
    value: float = Field(description="The figure.")
    unit: Text = Field(default="", description="A unit that converts to that of the quantity.")
    source: Text = Field(default="", description=SOURCE)
    note: Text = Field(default="", description=NOTE)
    choice: Text = Field(default="", description="Of which choice it was measured so.")
    at: dict[str, float] = Field(
        default={},
        description="`at.NAME = ...`, where it was measured on the way of a `sweep`: a point in its picture.",
    )


Word = Literal["BF16", "FP16", "FP8", "INT8", "FP4"]


class PrecisionTable(_Table):
    """What is stored and computed in which precision, where that differs."""

    weights: Word | None = Field(default=None, description="In which the weights are stored.")
    cache: Word | None = Field(default=None, description="In which the keys and values of attention are stored.")
    arithmetic: Word | None = Field(default=None, description="In which matrices are multiplied.")
    attention: Word | None = Field(default=None, description="In which attention is computed; BF16 unless stated.")


Precision = Annotated[
    Annotated[Word, Tag("[word]")] | Annotated[PrecisionTable, Tag("[table]")],
    Discriminator(lambda value: "[table]" if isinstance(value, dict) else "[word]"),
]


class ChoiceTable(_Table):
    """An option of a decision, by its name: what it states goes before what the file states.

    `simulate decide` tells which is the best, and what is worth finding out first; FILE:NAME is one of them as a case.

        [choices.cold]
        label = "A cold place"
        [choices.cold.priors.pue]
        value = 1.08
    """

    label: Text = Field(default="", description="What tables call the choice.")
    note: Text = Field(default="", description=NOTE)
    accelerator: Text = Field(default="", description=AS_ABOVE)
    prefill_accelerator: Text = Field(default="", description=AS_ABOVE)
    api: Text = Field(default="", description=AS_ABOVE)
    layouts: list[Text] = Field(default=[], description=AS_ABOVE)
    precision: Precision | None = Field(default=None, description=AS_ABOVE)
    training_precision: Word | None = Field(default=None, description=AS_ABOVE)
    priors: dict[str, PriorTable] = Field(
        default={}, description="Tables [choices.NAME.priors.OTHER], which go before those of the file."
    )
    quantities: dict[str, QuantityTable] = Field(
        default={}, description="Tables [choices.NAME.quantities.OTHER], likewise."
    )
    traffic: dict[str, dict[str, Any]] = Field(default={}, description="Tables [choices.NAME.traffic.KIND], likewise.")


class File(_Table):
    """A priors file."""

    title: Text = Field(default="", description="A line that names the case.")
    extends: Text = Field(
        default="",
        description="A shipped file's name, or a path: what this file does not state is taken from there.\n\n"
        "A path is from the folder of the file. A file that is there goes before a shipped one of its name; `simulate "
        'explain shipped` lists these.\n\n    extends = "base"',
    )
    model: Literal["llm_cost", "none"] = Field(
        default="llm_cost",
        description="The model: llm_cost, or none.\n\nWith none, a file holds quantities of its own "
        "alone: any formula of any priors.",
    )
    accelerator: Text = Field(
        default="",
        description="An accelerator of the catalog, such as H100: its figures and prices become priors.\n\n"
        "They go before all that is extended, and after what the file itself states. Case, blanks and hyphens do not "
        "count; `simulate explain accelerators` lists them.\n\n"
        '    accelerator = "H100"',
    )
    prefill_accelerator: Text = Field(default="", description=PREFILL_ACCELERATOR)
    api: Text = Field(
        default="",
        description="A vendor's token prices: 'GPT-4o', or 'GPT-4o @ 2025-02' for those of then.\n\n"
        "They bind api_input_price, api_cached_input_price and api_output_price, of which the newest is told to be old "
        "a year after it was seen; `simulate explain apis` lists them.\n\n"
        '    api = "GPT-4o"',
    )
    layouts: list[Text] = Field(
        default=[],
        description="Of these each scenario takes the cheapest that keeps memory and targets: "
        '["TP8", "TP4 PP2", "DP8", "TP8 apart"], or ["usual"].\n\n'
        "TP accelerators share a sequence, DP such groups a stage, PP stages a replica; prompts are read apart or "
        "shared. They bind replica_accelerators and what else a layout is; a run tells how often each is taken.\n\n"
        '    layouts = ["TP4", "TP8", "TP4 PP2"]',
    )
    precision: Precision | None = Field(
        default=None,
        description="BF16, FP16, FP8, INT8 or FP4, in which it is served: binds bytes and peak; or "
        '{ weights = "FP4", cache = "FP8", arithmetic = "FP8", attention = "BF16" }, of which any may be left out.\n\n'
        "A peak is that of the accelerator named. What it cannot multiply in is stored so, and computed in 16 bits. "
        '`simulate explain precisions` lists them.\n\n    precision = "FP8"',
    )
    training_precision: Word | None = Field(default=None, description=TRAINING_PRECISION)
    run: RunTable = RunTable()
    priors: dict[str, PriorTable] = {}
    correlations: dict[str, dict[str, Any]] = Field(
        default={},
        description="Spearman's correlation of two priors; or {kendall = ...}, {gaussian_copula = ...}.\n\n"
        "A number from -1 to 1 for each pair, written FIRST.SECOND = 0.5. They are tied by a Gaussian copula; pairs "
        "that cannot hold together are refused.\n\n"
        "    [correlations]\n    visitors_per_day.questions_per_visitor = -0.3",
    )
    published: list[PublishedTable] = []
    quantities: dict[str, QuantityTable] = {}
    choices: dict[Text, ChoiceTable] = {}
    traffic: dict[str, dict[str, Any]] = Field(  # whose entries are among priors and quantities by then
        default={},
        description="Kinds of questions, each with its `share` and lengths: numbers, priors or { formula = ... }.\n\n"
        "An entry is a prior or a quantity of the name KIND_NAME from there on. The model sees the mix of all kinds; "
        "each has its share of tokens and time and its cost per question.\n\n"
        '    [traffic.chat]\n    output_tokens = 300\n    input_tokens = { dist = "lognormal", p5 = 500, p95 = 900 }\n'
        "    [traffic.agent]\n    share = 0.1\n    output_tokens = 400\n    input_tokens = 20_000",
    )


def checked(layer: Layer) -> tuple[Layer, list[Problem]]:
    """Check the shape of a layer's tables; return the layer without what is at fault, and the problems."""
    layer, twice = unfolded(layer)
    layer, doubtful = written_out(layer)
    faults = [(*fault, False) for fault in (*_dotted_percentiles(layer.tables), *twice, *doubtful)]
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
    if name.lower() in KEYS and KEYS[name.lower()] in fields:
        return f"unknown key; write {KEYS[name.lower()]}"
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
