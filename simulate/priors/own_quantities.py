"""Quantities that a priors file adds to its model or replaces: by formulas, or by priors of new names."""

import inspect
import keyword
import re
from collections.abc import Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from simulate.errors import suggestion
from simulate.formulas import FormulaError, Units, formula, visible
from simulate.graph import Quantity
from simulate.priors.layers import Entry, Stack
from simulate.units import COUNTS, UnitError, conversion_factor, plain


def _check_name(stack: Stack, entry: Entry, kind: str) -> None:
    """Report a name that will not do for a quantity of the file's own."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", entry.name) or keyword.iskeyword(entry.name):
        fault = "a name is letters, digits and _, from a letter on, and no word of Python; write it so"
        stack.report(entry, kind, None, fault, alone=True)


def prior_quantity(stack: Stack, entry: Entry, quantity: Quantity | None) -> Quantity:
    """The quantity that a prior binds: the model's, or one of the file's own."""
    label = entry.table.get("label", "")
    if quantity is None:
        if entry.name not in stack.formulas:
            _check_name(stack, entry, "priors")
        note = inspect.cleandoc(entry.table.get("note", ""))
        definition = label or entry.name.replace("_", " ")
        unit = plain_unit(stack, entry, "priors") or "1"
        if entry.layer.shown.startswith("--set"):  # changes a value, never what is measured
            files = Stack(tuple(layer for layer in stack.layers if not layer.shown.startswith("--set")))
            written = entry.table.get("unit") or unit
            factor_to(stack, entry, "priors", written, stated_unit(files, "priors", entry.name) or written)
        return Quantity(entry.name, unit, f"{definition}\n\n{note}".strip(), stated_label=definition)
    return replace(quantity, stated_label=label) if label else quantity


def own_quantity(stack: Stack, entry: Entry) -> Quantity | None:
    """A quantity with its formula, whose unit `with_units` derives; None where something is wrong with it."""
    replaced, known = stack.of_model.get(entry.name), stack.known
    if replaced is None:
        _check_name(stack, entry, "quantities")
    text = entry.table.get("formula")
    if text is None:
        stack.report(entry, "quantities", None, "formula is missing; add formula = ...", code="schema")
        return None
    unit = entry.table.get("unit", "")
    if replaced:
        factor_to(stack, entry, "quantities", unit or replaced.unit, replaced.unit)
    else:
        plain_unit(stack, entry, "quantities")
    try:
        compiled = formula(text, known)
    except FormulaError as error:
        stack.report(entry, "quantities", "formula", str(error), alone=True, code=error.code)
        return None
    for name in compiled.names:
        if name not in known:
            mend = suggestion(name, known, f"add [priors.{visible(name)}]")
            fault = f"there is no quantity or prior {visible(name)}{mend}"
            stack.report(entry, "quantities", "formula", fault, unknown=name, code="unknown_name")
    label = entry.table.get("label") or (replaced.label if replaced else entry.name.replace("_", " "))
    stated = f"  [{unit}]" if replaced and unit not in {"", replaced.unit} else ""
    notes = (entry.table.get("note", ""), f"    {entry.name} = {' '.join(text.split())}{stated}")
    definition = "\n\n".join(part for part in (f"{label}.", *notes) if part)
    if source := entry.table.get("source"):
        definition += f"\n\nSource: {source}"
    base = replaced or Quantity(entry.name, unit, "")
    return replace(
        base, definition=definition, function=compiled, needs=compiled.names, default=None, stated_label=label
    )


def with_units(stack: Stack, quantities: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """The quantities with the units of their formulas derived and held against those stated.

    A formula without a stated unit is in that of the quantity that it replaces, or in what its parts give.
    """
    found = dict(quantities)
    written = {name: entry.table.get("unit", "") for name, entry in stack.priors.items()}
    counts = {name: unit for name, unit in written.items() if unit in COUNTS and quantities[name].unit == "1"}
    numbers = without_unit(stack)
    for name in _in_order(stack, quantities):
        quantity, entry, replaced = quantities[name], stack.formulas[name], stack.of_model.get(name)
        if "formula" not in entry.table:  # which has been told, of a quantity of the model
            continue
        clear = [need for need in quantity.needs if need in found and need not in stack.unclear]
        units = {need: found[need].unit for need in clear if found[need].unit}
        into = replaced.unit if replaced else ""
        stated = entry.table.get("unit") or into
        found[name] = replace(quantity, unit=into or stated or "1")
        if name in stack.unclear:
            continue
        if len(units) < len(quantity.needs):  # what is wrong there has been told, or a prior stands in its place
            stack.unclear.update(() if stated or len(clear) == len(quantity.needs) else (name,))
            numbers |= set() if stated else {name}
            continue
        try:
            derived = formula(entry.table["formula"], stack.known, Units(units, stated, into, numbers, counts))
        except FormulaError as error:
            stack.report(entry, "quantities", "formula", str(error), code=error.code)
            stack.unclear.update(() if stated else (name,))
        else:
            found[name] = replace(found[name], function=derived, unit=derived.unit or "1")
            numbers |= set() if derived.unit else {name}
    return found


def without_unit(stack: Stack) -> set[str]:
    """The priors of the file's own for which no unit is stated: numbers that may be in any."""
    own = (name for name in stack.priors if name not in stack.of_model and name not in stack.formulas)
    return {name for name in own if not stated_unit(stack, "priors", name)}


def _in_order(stack: Stack, quantities: Mapping[str, Quantity]) -> list[str]:
    """The formulas, each after those that it needs; a prior in a formula's place breaks a circle."""
    for bound in ((), stack.priors):
        wiring = {
            name: [need for need in quantities[name].needs if need in stack.formulas and name not in bound]
            for name in stack.formulas
            if name in quantities
        }
        try:
            return [name for name in TopologicalSorter(wiring).static_order() if name in wiring]
        except CycleError:
            continue
    return []  # told by check_cycles


def check_cycles(stack: Stack, quantities: Mapping[str, Quantity]) -> None:
    """Report formulas that need each other in a circle, at the first of them."""
    wiring = {
        name: () if name in stack.priors else [need for need in quantity.needs if need in quantities]
        for name, quantity in quantities.items()
    }
    try:
        TopologicalSorter(wiring).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        own = [entry for entry in stack.formulas.values() if entry.name in circle]
        first = min(own, key=lambda entry: entry.level)
        start = circle.index(first.name)
        path = " -> ".join([*circle[start:-1], *circle[:start], first.name])
        fault = f"needs itself: {path}; break the circle or give one of them a prior"
        stack.report(first, "quantities", "formula", fault, code="formula")


def factor_to(stack: Stack, entry: Entry, kind: str, unit: str, to: str) -> float:
    """The factor from an entry's unit to the quantity's own; 1 after a report that there is none."""
    if entry.name in stack.unclear:
        return 1.0
    try:
        return conversion_factor(unit, to)
    except UnitError as error:
        stack.report(entry, kind, "unit", f"{error} ({entry.name} itself is in {to})", code=error.code)
        stack.unclear.add(entry.name)
        return 1.0


def plain_unit(stack: Stack, entry: Entry, kind: str) -> str | None:
    """An entry's unit without the mere numbers in it, a ratio for none; None after a report of what is no unit.

    An entry that takes the place of another's value alone, as an override does, is in the unit of that.
    """
    try:
        return plain(entry.table.get("unit") or stated_unit(stack, kind, entry.name) or "1")
    except UnitError as error:
        stack.report(entry, kind, "unit", str(error), alone=True, code=error.code)
        stack.unclear.add(entry.name)
        return None


def stated_unit(stack: Stack, kind: str, name: str) -> str:
    """The unit that the nearest layer states, "" for none."""
    stated = (layer.tables.get(kind, {}).get(name, {}).get("unit", "") for layer in stack.layers)
    return next(filter(None, stated), "")
