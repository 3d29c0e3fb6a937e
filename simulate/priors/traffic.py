"""Kinds of traffic in a priors file: the entries of [traffic.KIND] as priors and formulas of the kind's names.

`[traffic.chat] share = 0.3` states chat_share, a prior like any other from there on; a table with a formula states a
quantity. A layer keeps where its entries stand, so that messages name the key and the line that were written.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulate import model
from simulate.model.mixing import mix_of, names_of
from simulate.priors.layers import Entry, Layer, Problem, Stack, throughout
from simulate.priors.positions import Key


def unfolded(layer: Layer) -> tuple[Layer, list[tuple[Key, str]]]:
    """The layer with the entries of its kinds among priors and quantities, and those that stand there already."""
    places: dict[Key, Key] = {}
    twice: list[tuple[Key, str]] = []
    tables = throughout(layer.tables, lambda tables, prefix: _with_entries(tables, prefix, places, twice))
    return replace(layer, tables=tables, places=places) if places else layer, twice


def _with_entries(
    tables: Mapping[str, Any], prefix: Key, places: dict[Key, Key], twice: list[tuple[Key, str]]
) -> dict[str, Any]:
    """Tables with the entries of their kinds among priors and quantities; what is no table is left to the schema."""
    found = dict(tables)
    kinds = tables.get("traffic")
    for kind, entries in kinds.items() if isinstance(kinds, Mapping) else ():
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            table = entry if isinstance(entry, Mapping) else {"value": entry}
            room = "quantities" if "formula" in table else "priors"
            full, group = f"{kind}_{name}", found.get(room, {})
            if not isinstance(group, Mapping):
                continue
            if full in group:
                twice.append(((*prefix, room, full), f"[traffic.{kind}] states it too; keep one of the two"))
                continue
            found[room] = {**group, full: table}
            places[*prefix, room, full] = (*prefix, "traffic", kind, name)
            if table is not entry:
                places[*prefix, room, full, "value"] = (*prefix, "traffic", kind, name)
    return found


def settle(stack: Stack) -> None:
    """Report kinds that cannot be, and leave out what farther layers state of a mix; in the same layer it is a problem.

    A nearer prior binds the mix, as it does whatever is computed.
    """
    farthest = next(((level, layer) for level, layer in stack.upwards() if layer.tables.get("traffic")), None)
    if not farthest:
        return
    level, layer = farthest
    _check_names(stack)
    for name in mix_of(stack.kinds):
        stack.mixed[name] = Entry(name, {}, {}, layer, level, own=False)
        for room, entries in (("priors", stack.priors), ("quantities", stack.formulas)):
            if name in entries and entries[name].level >= level:
                entry = entries.pop(name)
                if entry.level == level:
                    fault = "the kinds of [traffic] give it; take one of the two out"
                    stack.report(entry, room, None, fault, alone=True)


def _check_names(stack: Stack) -> None:
    """Report kinds whose names will not do, or make those of a quantity that there is."""
    taken = set(model.quantities(stack.model))
    for kind in stack.kinds:
        layer = next(layer for _, layer in stack.upwards() if kind in layer.tables.get("traffic", {}))
        names = names_of(kind)
        fault = ""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", kind):
            fault = "a kind's name is letters, digits and _, from a letter on; write it so"
        elif stack.model == "none":
            fault = 'kinds of traffic belong to model = "llm_cost"; take out one of the two'
        elif there := sorted(taken & names):
            fault = f"there is a quantity {there[0]} already; give the kind another name"
        if fault:
            stack.problems.append(Problem(layer, ("traffic", kind), fault, alone=True, hides=True, code="schema"))
        taken |= names
