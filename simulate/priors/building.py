"""From layers of tables, the nearest first, to `Priors`: merge them, check what they say together, build."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from simulate import model
from simulate.errors import suggestion
from simulate.formulas import FormulaError, formula
from simulate.graph import Quantity, missing
from simulate.priors.correlations import Correlation, merged_correlations
from simulate.priors.layers import Entry, Layer, Problem, SourceFile, Stack
from simulate.priors.margins import prior_of
from simulate.priors.own_quantities import check_cycles, name_fault, own_quantity, prior_quantity
from simulate.priors.positions import Key
from simulate.priors.types import Choice, Priors, Published
from simulate.settings import Settings
from simulate.units import UnitError, conversion_factor


def _stacked(overrides: Sequence[Layer], files: Sequence[Layer], chosen: str) -> Stack:
    """Put overrides before the choice before the files, an accelerator's figures beneath what names it."""
    options = [
        replace(layer, tables=layer.tables["choices"][chosen], prefix=("choices", chosen))
        for layer in files
        if chosen in layer.tables.get("choices", {})
    ]
    stack: list[Layer] = []
    problems: list[Problem] = []
    for layer in (*overrides, *options, *files):
        stack.append(layer)
        if name := layer.tables.get("accelerator", ""):
            from simulate.catalog import CatalogError, accelerator

            try:
                figures = {"priors": accelerator(name)}
            except CatalogError as error:
                problems.append(Problem(layer, ("accelerator",), str(error)))
            else:
                stack.append(Layer(f"accelerator {name}", figures, own=False))
    return Stack(tuple(stack), problems)


def built(
    files: Sequence[SourceFile], overrides: Sequence[str], layers: Sequence[Layer], chosen: str
) -> tuple[Priors, list[Problem]]:
    """Build the case of a choice, '' for the file's own, from checked layers, those of the overrides first.

    With problems, the priors are not to be used.
    """
    stack = _stacked(layers[: len(overrides)], layers[len(overrides) :], chosen)
    model_name = stack.value("model", "llm_cost")
    of_model = model.quantities(model_name)
    quantities = dict(of_model)
    entries = stack.entries("priors", replacing=("dist", "value"))
    formulas = stack.entries("quantities", replacing=("formula",))
    _settle(stack, entries, formulas)
    # A name that is stated, however badly, is known: its own fault is told, not that there is no such name.
    known = [*quantities, *entries, *formulas, *stack.malformed]
    for name, entry in list(entries.items()):
        if name not in quantities and name not in formulas and (fault := name_fault(name)):
            stack.report(entry, "priors", None, fault)
            del entries[name]
    for entry in formulas.values():
        if own := own_quantity(stack, entry, quantities.get(entry.name), known):
            quantities[entry.name] = own
    for entry in entries.values():
        quantities[entry.name] = prior_quantity(entry, quantities.get(entry.name))
    check_cycles(stack, quantities, entries, formulas)
    if not (stack.problems or stack.malformed):
        entries |= _own_priors(model_name, quantities, entries)
    priors = {name: prior for name, entry in entries.items() if (prior := prior_of(stack, entry, quantities[name]))}
    margins = {name: prior.distribution for name, prior in priors.items()}
    correlations = merged_correlations(stack, margins, entries, formulas, known)
    _check_use(stack, layers, chosen, entries, formulas, quantities, of_model, correlations)
    path = files[0].path
    titles = [layer.tables["title"] for layer in stack.layers if layer.own and "title" in layer.tables]
    choices = {
        name: Choice(name, entry.table.get("label") or name.replace("_", " "), entry.table.get("note", ""))
        for name, entry in Stack(tuple(layers)).entries("choices", replacing=()).items()
    }
    own_names = tuple(name for name in formulas if name in quantities)
    new_names = tuple(name for name in own_names if name not in of_model)
    case = Priors(
        path=path,
        title=[*titles, path.stem.strip("<>")][0],
        model=model_name,
        quantities=quantities,
        priors=priors,
        correlations=correlations,
        published=_published(stack, quantities, known),
        run=_run(stack, quantities, known),
        files=tuple(files),
        own=own_names,
        headline=(*model.HEADLINE, *new_names) if model_name != "none" else own_names,
        choices=choices,
        overrides=tuple(overrides),
        chosen=chosen,
        layers=tuple(layers),
    )
    return case, stack.problems


def _own_priors(model_name: str, quantities: Mapping[str, Quantity], bound: Collection[str]) -> dict[str, Entry]:
    """Priors of the model's own for parameters to which the layers give none, where a quantity needs them."""
    layer = Layer(f"model {model_name}", {}, own=False)
    found = {
        name: Entry(name, dict(quantity.prior), dict.fromkeys(quantity.prior, layer), layer, sys.maxsize, own=False)
        for name, quantity in quantities.items()
        if quantity.prior and quantity.function is None and name not in bound
    }
    lacking = missing(quantities, [*bound, *found])
    computed = [quantity for name, quantity in quantities.items() if name not in lacking and name not in bound]
    needed = {need for quantity in computed for need in quantity.needs}
    return {name: entry for name, entry in found.items() if name in needed}


def _settle(stack: Stack, entries: dict[str, Entry], formulas: dict[str, Entry]) -> None:
    """Where a name has both a prior and a formula, the nearer one holds; in one file that is a problem.

    A prior binds its quantity whatever its formula, so only a prior that is farther must go.
    """
    for name in [name for name in entries if name in formulas]:
        if entries[name].level == formulas[name].level:
            stack.report(formulas[name], "quantities", None, f"[priors.{name}] binds it too; keep one of the two")
        if entries[name].level >= formulas[name].level:
            del entries[name]


def _check_use(
    stack: Stack,
    layers: Sequence[Layer],
    chosen: str,
    entries: Mapping[str, Entry],
    formulas: Mapping[str, Entry],
    quantities: Mapping[str, Quantity],
    of_model: Collection[str],
    correlations: Sequence[Correlation],
) -> None:
    """Report priors of the file's own that nothing uses, and a file that states nothing at all.

    In a choice's case its own priors alone are in question: the file's have been looked at without it.
    """
    used = {need for quantity in quantities.values() for need in quantity.needs} | _named_in_formulas(layers)
    used |= {name for pair in correlations for name in (pair.first, pair.second)} | stack.malformed
    wanted = [name for name in (*of_model, *used) if name not in entries]
    for name, entry in entries.items():
        in_question = entry.own and bool(entry.layer.prefix) == bool(chosen)
        if in_question and not (name in of_model or name in formulas or name in used):
            advice = "name it in a formula of [quantities], or take it out"
            mend = suggestion(name, wanted) or suggestion(name, [*of_model, *used], advice)
            fault = f"there is no such quantity, and nothing uses it{mend}"
            stack.problems.append(Problem(entry.layer, ("priors", name), fault, unused=True))
    if not (stack.problems or entries or formulas or stack.malformed):
        stack.problems.append(Problem(layers[-1], (), "states no priors; add [priors.NAME] tables"))


def _named_in_formulas(layers: Sequence[Layer]) -> set[str]:
    """Names in formulas of the file and its choices, those replaced by an override or a choice too."""
    tables = [layer.tables for layer in layers if layer.own]
    tables += [option for layer in layers for option in layer.tables.get("choices", {}).values()]
    named: set[str] = set()
    for table in tables:
        for quantity in table.get("quantities", {}).values():
            try:
                named.update(formula(quantity.get("formula", "0")).names)
            except FormulaError:
                continue  # reported where it is built
    return named


def _published(stack: Stack, quantities: Mapping[str, Quantity], known: Collection[str]) -> tuple[Published, ...]:
    """Published figures in the quantities' own units; for one quantity, the nearest layer's."""
    figures: dict[str, list[Published]] = {}
    for _, layer in stack.upwards():
        here: dict[str, list[Published]] = {}
        for i, table in enumerate(layer.tables.get("published", [])):
            if table is None:  # malformed
                continue
            name = table["quantity"]
            _check_known(stack, layer, ("published", i, "quantity"), name, known)
            if name not in quantities:
                continue
            own = quantities[name].unit
            unit = table.get("unit") or own
            try:
                value = table["value"] * conversion_factor(unit, own)
            except UnitError as error:
                fault = f"{error} ({name} itself is in {own})"
                stack.problems.append(Problem(layer, ("published", i, "unit"), fault))
                continue
            figure = Published(name, value, unit, table.get("source", ""), table.get("note", ""))
            here.setdefault(name, []).append(figure)
        figures |= here
    return tuple(figure for listed in figures.values() for figure in listed)


def _run(stack: Stack, quantities: Mapping[str, Quantity], known: Collection[str]) -> Settings:
    """Merge `[run]` key by key."""
    merged: dict[str, Any] = {}
    for _, layer in stack.upwards():
        merged |= layer.tables.get("run", {})
        for i, name in enumerate(layer.tables.get("run", {}).get("quantities", [])):
            _check_known(stack, layer, ("run", "quantities", i), name, known)
    named = tuple(name for name in merged.get("quantities", ()) if name in quantities)
    return Settings(**{**merged, "quantities": named})


def _check_known(stack: Stack, layer: Layer, key: Key, name: str, known: Collection[str]) -> None:
    """Report a name of the file's own that nothing states."""
    if layer.own and name not in known:
        fault = f"there is no quantity {name}{suggestion(name, known, '`simulate explain` lists all')}"
        stack.problems.append(Problem(layer, key, fault))
