"""The JSON Schema of priors files: the schema that they are checked by, with all names that an editor may complete.

It is made from the same models, families and quantities as `check` works by, and knows less: what is wrong between keys
of several tables, in units or in formulas, is for `check` to find.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from simulate import model
from simulate.catalog import accelerators
from simulate.dependence import MEASURES
from simulate.distributions import FAMILIES, Distribution
from simulate.distributions.parameters import PARAMETERS, PERCENTILE
from simulate.distributions.protocol import Numbers, Positive
from simulate.distributions.reading import BOUNDS, Form, forms
from simulate.graph import Quantity
from simulate.priors import shipped
from simulate.priors.keys import keys
from simulate.priors.schema import File, PriorTable
from simulate.reference.families import said
from simulate.sampling.schemes import SCHEMES
from simulate.units import COUNTS

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER: Schema = {"type": "number"}
PERCENTILES: Schema = {"pattern": r"^p[0-9]+(\.[0-9]+)?$"}
SHORT_FORM = r"^[+-]?[0-9.][^ %]*[ %]"  # a number, and more
BY_NAME = ("priors", "quantities", "correlations")  # tables in which names of quantities are completed
ONE_OF: dict[str, Callable[[], Iterable[str]]] = {"accelerator": accelerators, "extends": shipped}  # or another text
BOUNDS_OF = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}  # pydantic's names


def schema() -> Schema:
    """The JSON Schema of a priors file."""
    found: Schema = _plain(File.model_json_schema())
    tables: Schema = {
        **found.pop("$defs"),
        "PriorTable": _prior(),
        "priors": _by_quantity("PriorTable", "a prior of the file's own"),
        "quantities": _by_quantity("QuantityTable", "a quantity of the file's own"),
        **_correlations(),
        **{name: _family(name, kind) for name, kind in FAMILIES.items()},
    }
    for table in (found, tables["ChoiceTable"]):
        for name, each in table["properties"].items():
            if name in BY_NAME:
                each |= {"$ref": f"#/$defs/{name}"}
                each.pop("additionalProperties")
            elif name in ONE_OF:
                each |= {"anyOf": [{"enum": [*ONE_OF[name]()]}, {"type": "string"}]}
                each.pop("type")
    run = tables["RunTable"]["properties"]
    run["scheme"]["enum"] = [*SCHEMES]
    run["scenarios"] = _or_text(run["scenarios"], rf"^[0-9.]+ +({'|'.join(COUNTS)})$")
    for name in ("percentiles", "fail_if"):
        run[name] = _or_text(run[name])
    for key in keys():
        table, _, name = key.path.rpartition(".")
        if table in ("", "run"):
            stated = (run if table else found["properties"])[name]
            stated["description"] = key.says
            stated |= {"default": json.loads(key.default)} if key.default else {}
    title = "Priors of simulate"
    return {"$schema": DIALECT, "$id": "urn:llm-cost-simulate:priors", "title": title, **found, "$defs": tables}


def _plain(made: Any, *, of_names: bool = False) -> Any:
    """What pydantic makes of a model without what says nothing to an editor: titles, patterns, what is left out.

    A whole number may be written as a float. A mapping `of_names` has schemas below whatever the names are.
    """
    if isinstance(made, list):
        return [_plain(each) for each in made if each != {"type": "null"}]
    if not isinstance(made, dict):
        return made
    if of_names:
        return {name: _plain(each) for name, each in made.items()}
    found = {
        BOUNDS_OF.get(key, key): _plain(value, of_names=key in ("properties", "$defs"))
        for key, value in made.items()
        if key not in ("title", "pattern", "minLength", "default")
    }
    return {**found, "type": "number", "multipleOf": 1} if found.get("type") == "integer" else found


def _described(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text}


def _or_text(schema: Schema, pattern: str = "") -> Schema:
    """A list or a number, or the same as one text that holds the pattern."""
    text = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return {"anyOf": [{key: value for key, value in schema.items() if key != "description"}, text]}


def _by_quantity(table: str, otherwise: str) -> Schema:
    """Tables by the names of the quantities, each with its definition; other names are the file's own."""
    known = {
        name: _described({"$ref": f"#/$defs/{table}"}, _definition(quantity))
        for name, quantity in model.quantities("llm_cost").items()
    }
    others = _described({"$ref": f"#/$defs/{table}"}, f"{otherwise[0].upper()}{otherwise[1:]}.")
    return {"type": "object", "properties": known, "additionalProperties": others}


def _definition(quantity: Quantity) -> str:
    """What a quantity is, in a line, and its unit."""
    return f"{' '.join(quantity.definition.partition(chr(10) * 2)[0].split())} [{quantity.unit}]"


def _correlations() -> Schema:
    """Pairs of names, of which an editor completes the quantities: tables by the first name, and in them by the second.

    A measure other than Spearman's is a table of one key.
    """
    number: Schema = {**NUMBER, "minimum": -1, "maximum": 1}
    measures: Schema = {"type": "object", "properties": dict.fromkeys(MEASURES, number), "maxProperties": 1}
    known = model.quantities("llm_cost")
    second = {"$ref": "#/$defs/correlation"}
    seconds = {"type": "object", "properties": dict.fromkeys(known, second), "additionalProperties": second}
    first = {"$ref": "#/$defs/correlated"}
    firsts = {name: _described(first, _definition(each)) for name, each in known.items()}
    return {
        "correlation": {"anyOf": [number, {**measures, "additionalProperties": False}]},
        "correlated": seconds,
        "correlations": {"type": "object", "properties": firsts, "additionalProperties": first},
    }


def _prior() -> Schema:
    """A prior: its own keys, and by its family the parameters of that."""
    own: Schema = _plain(PriorTable.model_json_schema())["properties"]
    own["dist"]["enum"] = [*FAMILIES]
    own["value"] = _described(_or_text(own["value"], SHORT_FORM), own["value"]["description"])
    taken = [each for family in FAMILIES.values() for form in forms(family) for each in form.kinds.items()]
    kinds = {key: [kind for name, kind in taken if name == key] for key in PARAMETERS if key != "value"}
    parameters = {key: _described(_of_kinds(each), PARAMETERS[key]) for key, each in kinds.items()}
    by_family = [
        {"if": {"required": ["dist"], "properties": {"dist": {"const": name}}}, "then": {"$ref": f"#/$defs/{name}"}}
        for name in FAMILIES
    ]
    alone = {"if": {"required": ["value"]}, "then": {"$ref": "#/$defs/constant"}}
    return {
        "type": "object",
        "description": inspect.cleandoc(PriorTable.__doc__ or ""),
        "properties": own | parameters,
        "patternProperties": {PERCENTILES["pattern"]: _described(NUMBER, PERCENTILE)},
        "additionalProperties": False,
        "allOf": [*by_family, alone],
    }


def _of_kinds(kinds: Sequence[Any]) -> Schema:
    """The schema of a parameter that families annotate so: what any of them takes."""
    found = [_kind(kind) for kind in kinds if kind != Positive or float not in kinds]
    different = [each for place, each in enumerate(found) if each not in found[:place]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def _kind(kind: Any) -> Schema:
    numbers: Schema = {"type": "array", "items": NUMBER}
    known: list[tuple[Any, Schema]] = [
        (Positive, {**NUMBER, "exclusiveMinimum": 0}),
        (float, NUMBER),
        (Numbers, numbers),
        (Numbers | str, {"anyOf": [numbers, {"type": "string"}]}),
        (tuple[Distribution, ...], {"type": "array", "items": {"$ref": "#/$defs/PriorTable"}}),
    ]
    return next((schema for each, schema in known if each == kind), {"type": "string"})


def _family(name: str, kind: type[Distribution]) -> Schema:
    """The keys of a prior of a family: those of one of its ways."""
    return {"description": said(name), "anyOf": [_way(name, kind, form) for form in forms(kind)]}


def _way(name: str, kind: type[Distribution], form: Form) -> Schema:
    keys = [*PriorTable.model_fields, *form.kinds, *(sorted(BOUNDS) if kind.truncatable else ())]
    known = dict.fromkeys(key for key in keys if key != "value" or name == "constant")
    names: Schema = {"enum": [*known]}
    way: Schema = {"required": [*form.required], "propertyNames": names}
    if form.percentiles:  # one of them at least: how many there are, a schema cannot say
        way["propertyNames"] = {"anyOf": [names, PERCENTILES]}
        way["not"] = {"propertyNames": {"not": PERCENTILES}}
    return way
