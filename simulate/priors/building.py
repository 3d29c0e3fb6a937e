"""From layers of tables, the nearest first, to `Priors`: merge them, check what they say together, build."""

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from simulate import model
from simulate.errors import suggestion
from simulate.formulas import FormulaError, formula
from simulate.graph import Quantity, missing, recomposed, settled, upstream
from simulate.model.mixing import of_kinds
from simulate.priors.accelerators import stated_for_others
from simulate.priors.correlations import Correlation, merged_correlations
from simulate.priors.equalities import equalities
from simulate.priors.layers import Entry, Layer, Problem, SourceFile, Stack
from simulate.priors.margins import expiring, implausible, prior_of
from simulate.priors.own_quantities import check_cycles, own_quantity, prior_quantity, with_units
from simulate.priors.positions import Key
from simulate.priors.precision import SIZE_OF_POOL, aging, named, with_figures, without_figures, without_pool
from simulate.priors.short_forms import choose_families
from simulate.priors.traffic import settle
from simulate.priors.types import Choice, Measured, Priors, Published
from simulate.settings import RunTable, Settings
from simulate.spelling import name_text
from simulate.units import UnitError, conversion_factor


def stacked(overrides: Sequence[Layer], files: Sequence[Layer], chosen: str) -> Stack:
    """Put overrides before the choice before the files, what they name beneath each; a name has a prior or a formula.

    Of the two the nearer one holds, but a prior takes the place of a formula that is farther.
    """
    options = [
        replace(layer, tables=layer.tables["choices"][chosen], prefix=("choices", chosen))
        for layer in files
        if chosen in layer.tables.get("choices", {})
    ]
    elsewhere = not chosen and any("accelerator" in table for table in _choices(files))
    stack, problems = with_figures((*overrides, *options, *files), elsewhere=elsewhere)
    found = Stack(tuple(stack), problems)
    settle(found)
    _settle(found)
    choose_families(found)
    return found


def _choices(layers: Sequence[Layer]) -> Iterator[Mapping[str, Any]]:
    """The tables of all choices."""
    return (table for layer in layers for table in layer.tables.get("choices", {}).values())


def built(
    files: Sequence[SourceFile], overrides: Sequence[str], layers: Sequence[Layer], chosen: str
) -> tuple[Priors, list[Problem]]:
    """Build the case of a choice, '' for the file's own, from checked layers, those of the overrides first.

    With problems, the priors are not to be used.
    """
    stack = stacked(layers[: len(overrides)], layers[len(overrides) :], chosen)
    if chosen or not any(
        SIZE_OF_POOL in (*each.get("priors", {}), *each.get("quantities", {})) for each in _choices(layers)
    ):
        stack.problems.extend(without_pool(stack))
    quantities = dict(stack.of_model)
    for entry in stack.formulas.values():
        if own := own_quantity(stack, entry):
            quantities[entry.name] = own
    for entry in stack.priors.values():
        quantities[entry.name] = prior_quantity(stack, entry, quantities.get(entry.name))
    quantities = recomposed(quantities, stack.priors)
    check_cycles(stack, quantities)
    quantities = with_units(stack, quantities)
    entries = stack.priors if stack.problems or stack.malformed else stack.priors | _own_priors(stack, quantities)
    priors = {name: prior for name, entry in entries.items() if (prior := prior_of(stack, entry, quantities[name]))}
    if not (stack.problems or stack.malformed):
        quantities = settled(quantities, priors)
    correlations, idle = merged_correlations(stack, {name: prior.distribution for name, prior in priors.items()})
    _check_use(stack, layers, chosen, quantities, correlations)
    equal = {} if stack.problems else equalities(quantities, priors)
    doubtful = implausible(priors, quantities)
    titles = [layer.tables["title"] for layer in stack.layers if layer.own and "title" in layer.tables]
    choices = {
        name: Choice(name, entry.table.get("label") or name.replace("_", " "), entry.table.get("note", ""))
        for name, entry in Stack(tuple(layers)).entries("choices", replacing=()).items()
    }
    (published, measured), run = (
        _published(stack, quantities, choices, _stated_by(stack, layers[len(overrides) :]), priors),
        _run(stack, quantities),
    )
    own_names = tuple(name for name in stack.formulas if name in quantities)
    new_names = tuple(name for name in own_names if name not in stack.of_model)
    case = Priors(
        path=files[0].path,
        title=[*titles, name_text(files[0].path.stem.strip("<>"))][0],
        model=stack.model,
        quantities=quantities,
        priors=priors,
        correlations=correlations,
        published=published,
        measured=measured,
        run=run,
        files=tuple(files),
        own=own_names,
        headline=(*model.HEADLINE, *of_kinds(stack.kinds), *new_names) if stack.model != "none" else own_names,
        wired=stack.of_model,
        choices=choices,
        overrides=tuple(overrides),
        chosen=chosen,
        layers=tuple(layers),
        shares=next((layer.tables["shares"] for layer in stack.layers if "shares" in layer.tables), {}),
        aging=aging(stack) | expiring(priors),
        warnings=_joined(stated_for_others(stack, quantities), without_figures(stack), idle, equal, doubtful),
    )
    return case, stack.problems


def _joined(*several: Mapping[str, str]) -> dict[str, str]:
    """What to know of each prior, from several."""
    names = dict.fromkeys(name for each in several for name in each)
    return {name: "; ".join(each[name] for each in several if name in each) for name in names}


def _own_priors(stack: Stack, quantities: Mapping[str, Quantity]) -> dict[str, Entry]:
    """Priors of the model's own for parameters to which the layers give none, where a quantity needs them."""
    bound = stack.priors
    layer = Layer(f"model {stack.model}", {}, own=False)
    found = {
        name: Entry(name, dict(quantity.prior), dict.fromkeys(quantity.prior, layer), layer, sys.maxsize, own=False)
        for name, quantity in quantities.items()
        if quantity.prior and quantity.function is None and name not in bound
    }
    lacking = missing(quantities, [*bound, *found])
    computed = [
        quantity
        for name, quantity in quantities.items()
        if name not in (*lacking, *bound) and not (quantity.default is not None and lacking.keys() & quantity.needs)
    ]
    needed = {need for quantity in computed for need in quantity.needs}
    return {name: entry for name, entry in found.items() if name in needed}


def _settle(stack: Stack) -> None:
    """Where a name has both a prior and a formula, the nearer one holds; in one file that is a problem.

    A prior binds its quantity whatever its formula, so only a prior that is farther must go.
    """
    for name, own in stack.formulas.items():
        level = stack.priors[name].level if name in stack.priors else -1
        if level == own.level:
            stack.report(own, "quantities", None, f"[priors.{name}] binds it too; keep one of the two", alone=True)
        if level >= own.level:
            del stack.priors[name]


def _check_use(
    stack: Stack,
    layers: Sequence[Layer],
    chosen: str,
    quantities: Mapping[str, Quantity],
    correlations: Sequence[Correlation],
) -> None:
    """Report priors of the file's own that nothing uses, and a file that states nothing at all.

    In a choice's case its own priors alone are in question: the file's have been looked at without it.
    """
    used = {need for quantity in quantities.values() for need in quantity.needs} | _named_in_formulas(
        layers, stack.priors
    )
    used |= {name for pair in correlations for name in (pair.first, pair.second)} | stack.malformed
    pairs = [layer.tables.get("correlations", {}) for layer in layers]  # those in which something is wrong too
    used |= {name for table in pairs for first, others in table.items() for name in (first, *others)}
    used |= {str(problem.key[1]) for problem in stack.problems if problem.alone and len(problem.key) == 2}
    useful = {*stack.of_model, *used}
    for name, entry in stack.priors.items():
        in_question = entry.own and bool(entry.layer.prefix) == bool(chosen)
        if in_question and name not in useful and name not in stack.formulas and not suggestion(name, stack.unknown):
            advice = "name it in a formula of [quantities], or take it out"
            mend = suggestion(name, useful, advice)
            fault = f"there is no such quantity, and nothing uses it{mend}"
            place = (entry.layer, ("priors", name))  # what else is wrong with the whole of it follows from its name
            stack.problems[:] = [each for each in stack.problems if each.alone or (each.layer, each.key) != place]
            stack.problems.append(Problem(*place, fault, code="unknown_name"))
    if not (stack.problems or stack.priors or stack.formulas or stack.malformed):
        stack.problems.append(Problem(layers[-1], (), "states no priors; add [priors.NAME] tables"))


def _named_in_formulas(layers: Sequence[Layer], every: Collection[str]) -> set[str]:
    """Names in formulas of the file and its choices, those replaced by an override or a choice too.

    A formula that is refused and has no words may have been meant to name `every` one.
    """
    tables = [layer.tables for layer in layers if layer.own]
    tables += [option for layer in layers for option in layer.tables.get("choices", {}).values()]
    named = {name for layer in layers for name in layer.aside}
    if any("quantities" in key for layer in layers for key in layer.malformed):
        named.update(every)
    for table in tables:
        for quantity in table.get("quantities", {}).values():
            text = quantity.get("formula", "")
            try:
                named.update(formula(text).names)
            except FormulaError:  # reported where it is built
                named.update(re.findall(r"[^\W\d]\w*", text) or every)
    return named


def _stated_by(stack: Stack, files: Collection[Layer]) -> set[str]:
    """What the file itself or the choice gives a prior or a formula, by an accelerator too; overrides do not count."""
    own = [layer for layer in stack.layers if layer.own and (layer.prefix or layer in files)]
    catalog = {" ".join(each) for layer in own for each in named(layer.tables)}
    stating = [*own, *(layer for layer in stack.layers if layer.shown in catalog)]
    return {name for layer in stating for kind in ("priors", "quantities") for name in layer.tables.get(kind, {})}


def _published(
    stack: Stack,
    quantities: Mapping[str, Quantity],
    choices: Mapping[str, Choice],
    stated: Collection[str],
    bound: Collection[str],
) -> tuple[tuple[Published, ...], tuple[Measured, ...]]:
    """Published figures in the quantities' own units; for one quantity, the nearest layer's. Those at a value apart.

    One that is inherited is of another case, and goes, where the file has `stated` what its quantity comes from.
    """
    figures: dict[str, list[Published | Measured]] = {}
    for _, layer in stack.upwards():
        here: dict[str, list[Published | Measured]] = {}
        for i, table in enumerate(layer.tables.get("published", [])):
            if table is None:  # malformed
                continue
            name = table["quantity"]
            _check_known(stack, layer, ("published", i, "quantity"), name)
            if name not in quantities or not (layer.own or upstream(quantities, [name], bound).isdisjoint(stated)):
                continue
            own = quantities[name].unit
            unit = table.get("unit") or own
            try:
                value = table["value"] * conversion_factor(unit, own)
            except UnitError as error:
                fault = f"{error} ({name} itself is in {own})"
                stack.problems.append(Problem(layer, ("published", i, "unit"), fault, code=error.code))
                continue
            figure = Published(name, value, table["value"], unit, table.get("source", ""), table.get("note", ""))
            option = table.get("choice", "")
            for over, at in table.get("at", {}).items():
                _check_known(stack, layer, ("published", i, "at"), over)
                here.setdefault(name, []).append(Measured(figure, option, over, at))
            if option and not table.get("at"):
                fault = "is for what was measured at a value of a prior; add at.NAME = VALUE, or take it out"
                stack.problems.append(Problem(layer, ("published", i, "choice"), fault, code="schema"))
            elif option and option not in choices:
                fault = f"there is no choice {option}{suggestion(option, choices, 'name one of [choices]')}"
                stack.problems.append(Problem(layer, ("published", i, "choice"), fault, code="unknown_name"))
            if not table.get("at"):
                here.setdefault(name, []).append(figure)
        figures |= here
    found = [figure for listed in figures.values() for figure in listed]
    measured = tuple(each for each in found if isinstance(each, Measured))
    return tuple(each for each in found if isinstance(each, Published)), measured


def _run(stack: Stack, quantities: Mapping[str, Quantity]) -> Settings:
    """Merge `[run]` key by key."""
    merged: dict[str, Any] = {}
    for _, layer in stack.upwards():
        merged |= layer.tables.get("run", {})
        for i, name in enumerate(layer.tables.get("run", {}).get("quantities", [])):
            _check_known(stack, layer, ("run", "quantities", i), name)
    named = tuple(name for name in merged.get("quantities", ()) if name in quantities)
    # how many scenarios the environment allows is a matter of who runs it
    return Settings.model_construct(**dict(RunTable(**{**merged, "quantities": named})))


def _check_known(stack: Stack, layer: Layer, key: Key, name: str) -> None:
    """Report a name of the file's own that nothing states."""
    if layer.own and name not in stack.known:
        fault = f"there is no quantity {name}{suggestion(name, stack.known, '`simulate explain` lists all')}"
        stack.problems.append(Problem(layer, key, fault, unknown=name, code="unknown_name"))
