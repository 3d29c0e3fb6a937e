"""Short forms of priors written out: `value = "1.05 to 1.3"` as the 5th and 95th percentile of a family.

The family is chosen once the layers are merged, when the quantity and what it can be are known: between two bounds a
logitnormal, above 0 a lognormal, shifted to a lower bound above 0, and otherwise a normal, truncated at the bounds.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from simulate.errors import SimulateError
from simulate.graph import Quantity
from simulate.priors.layers import Layer, Stack, throughout
from simulate.priors.positions import Key
from simulate.settings import written
from simulate.shorthand import Shorthand, shorthand
from simulate.units import UnitError, conversion_factor

# What the schema says of the key.
VALUE = (
    'A number for certain, in place of a family; or "110%", "0.1 USD/kWh", "1.05 to 1.3" (P5 to P95).'
    "\n\nAn interval is of a logitnormal between two bounds of the quantity, of a lognormal above 0, shifted to a "
    "lower bound above 0, and otherwise of a normal."
)
TO_BE_CHOSEN = "P5 to P95"  # in place of a family


def written_out(layer: Layer) -> tuple[Layer, list[tuple[Key, str]]]:
    """The layer without short forms, whose keys stand where the value did; and what is wrong with those refused."""
    places: dict[Key, Key] = {}
    faults: list[tuple[Key, str]] = []
    tables = throughout(layer.tables, lambda tables, prefix: _of_priors(layer, tables, prefix, places, faults))
    changed = places or faults
    return replace(layer, tables=tables, places={**layer.places, **places}) if changed else layer, faults


def _of_priors(
    layer: Layer, tables: Mapping[str, Any], prefix: Key, places: dict[Key, Key], faults: list[tuple[Key, str]]
) -> dict[str, Any]:
    found = dict(tables)
    for name, table in _texts(tables.get("priors")):
        key = (*prefix, "priors", name, "value")
        text, stated = table["value"], {"value": 0.0}  # told once, not as text for a number as well
        others = {other: value for other, value in table.items() if other != "value"}
        try:
            if (read := shorthand(text)) is None:
                continue
            stated = _written_out(read, others)
        except SimulateError as error:
            faults.append((key, f"{written(text)} {error}"))
        found["priors"] = {**found["priors"], name: {**stated, **others}}
        where = layer.place(key)
        places |= {(*key[:-1], other): where for other in stated}
    return found


def _written_out(read: Shorthand, others: Collection[str]) -> dict[str, Any]:
    """The keys that a short form stands for, beside `others`. Raises SimulateError where these state one of them."""
    stated: dict[str, Any] = {"value": read.values[0]}
    if len(read.values) > 1:
        stated = {"dist": TO_BE_CHOSEN, "p5": read.values[0], "p95": read.values[1]}
    stated |= {"unit": read.unit} if read.unit else {}
    if twice := [key for key in (*stated, "dist") if key in others]:
        raise SimulateError(f"and {twice[0]} state the same; keep one of the two")
    return stated


def _texts(priors: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The priors that have a text for a value."""
    for name, table in priors.items() if isinstance(priors, Mapping) else ():
        if isinstance(table, Mapping) and isinstance(table.get("value"), str):
            yield name, table


def choose_families(stack: Stack) -> None:
    """Give the priors that state an interval the family that their quantity calls for."""
    for name, entry in stack.priors.items():
        if entry.table.get("dist") == TO_BE_CHOSEN:
            chosen = _chosen(entry.table, stack.of_model.get(name))
            entry.table = {**chosen, **{key: value for key, value in entry.table.items() if key != "dist"}}
            entry.origins |= dict.fromkeys(chosen, entry.origins["dist"])


def _chosen(table: Mapping[str, Any], quantity: Quantity | None) -> dict[str, Any]:
    """A family, and where it begins and ends in the unit as written."""
    lower, upper = (quantity.lower, quantity.upper) if quantity else (-math.inf, math.inf)
    if quantity and "unit" in table:
        try:
            factor = conversion_factor(table["unit"], quantity.unit)
        except UnitError:  # told where the prior is built
            factor = 1.0
        lower, upper = float(f"{lower / factor:.15g}"), float(f"{upper / factor:.15g}")
    ends = {"lower": lower, "upper": upper}
    if -math.inf < lower and upper < math.inf:
        return {"dist": "logitnormal"} | ({} if (lower, upper) == (0, 1) else ends)
    if lower >= 0 or not (isinstance(table["p5"], int | float) and table["p5"] <= 0):
        shift = {"shift": lower} if lower > 0 else {}
        return {"dist": "lognormal", **shift, **({"upper": upper} if upper < math.inf else {})}
    return {"dist": "normal", **{key: end for key, end in ends.items() if math.isfinite(end)}}
