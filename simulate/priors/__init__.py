"""Priors files: from layers of TOML tables to `Priors`, with errors that name file, line, key and mend.

A file, the files that it extends, `--set` and the catalog are layers; the nearest layer wins:
read -> merge the layers -> check -> build.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulate import model
from simulate.distributions import Distribution, ParameterError, distribution, scaled
from simulate.errors import suggestion
from simulate.formulas import FormulaError, formula
from simulate.graph import Quantity, missing
from simulate.priors.correlations import Correlation, merged_correlations
from simulate.priors.files import PriorTable, checked, override_layer, read_files
from simulate.priors.layers import Entry, Layer, PriorsError, Problem, SourceFile, Stack, raise_first
from simulate.priors.own_quantities import check_cycles, factor_to, name_fault, own_quantity, prior_quantity
from simulate.units import UnitError, conversion_factor

__all__ = [
    "Choice",
    "Correlation",
    "Prior",
    "Priors",
    "PriorsError",
    "Published",
    "Run",
    "choice",
    "load_priors",
]

DEFAULT_MODEL = "llm_cost"
COMMON = frozenset(PriorTable.model_fields)  # the keys of every prior; others are its family's
NEGLIGIBLE = 1e-3  # probability that a prior may leave beyond what is possible


@dataclass(frozen=True)
class Prior:
    """The distribution of a quantity, in the quantity's own unit, and where it comes from."""

    name: str
    distribution: Distribution
    family: str
    unit: str  # as written, or the quantity's own
    evidence: str  # "sourced", "judgement" or ""
    source: str
    note: str
    label: str
    specification: Mapping[str, Any]  # the parameters as written, in `unit`
    file: Path
    inherited: bool
    layer: Layer = field(repr=False, compare=False)

    @property
    def line(self) -> int:
        """Line of the table in `file`; 0 for a `--set` and the catalog."""
        return self.layer.line(("priors", self.name))


@dataclass(frozen=True)
class Published:
    """A known figure of a quantity, in the quantity's own unit."""

    quantity: str
    value: float
    unit: str
    source: str
    note: str


@dataclass(frozen=True)
class Run:
    """What `[run]` says, defaults filled in; no quantities stand for the headline."""

    scenarios: int = 1_000_000
    seed: int = 20230214
    percentiles: tuple[float, ...] = (5.0, 25.0, 50.0, 75.0, 95.0)
    quantities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A named set of entries that replace the file's: an option of a decision."""

    name: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Priors:
    """Everything that a run needs to know, read and checked."""

    path: Path
    title: str
    model: str
    quantities: dict[str, Quantity]  # the model's in its order, the file's formulas, its further priors
    priors: dict[str, Prior]
    correlations: tuple[Correlation, ...]
    published: tuple[Published, ...]
    run: Run
    files: tuple[SourceFile, ...]  # the file itself, then those that it extends
    own: tuple[str, ...]  # quantities given by formulas, replaced ones of the model too
    headline: tuple[str, ...]
    choices: dict[str, Choice]
    overrides: tuple[str, ...] = ()  # texts of --set
    chosen: str = ""  # the choice applied
    layers: tuple[Layer, ...] = field(default=(), repr=False, compare=False)


def load_priors(path: Path | str, overrides: Sequence[str] = ()) -> Priors:
    """Read and check a priors file, those that it extends, and overrides in the form of `--set`.

    Raises PriorsError for the first thing that is wrong, in one line.
    """
    files, sources, problems = read_files(path)
    layers = []
    for layer in (*map(override_layer, reversed(overrides)), *files):
        whole, faults = checked(layer)
        layers.append(whole)
        problems += faults
    if any(problem.key == ("extends",) for problem in problems):
        raise_first(problems, layers)  # what else is wrong may be for want of the extended file
    frame = Priors(
        path=Path(path), title=Path(path).stem, model=DEFAULT_MODEL, quantities={}, priors={},
        correlations=(), published=(), run=Run(), files=tuple(sources), own=(), headline=(),
        choices=_choices(layers), overrides=tuple(overrides), layers=tuple(layers),
    )  # fmt: skip
    priors, more = _built(frame, "")
    raise_first([*problems, *more], layers)
    for name in frame.choices:
        raise_first(_built(frame, name)[1], layers)
    return priors


def choice(priors: Priors, name: str) -> Priors:
    """Return the case of `[choices.NAME]`: the priors with that choice's entries in place of the file's.

    A `--set` still goes before. Raises PriorsError where there is no such choice.
    """
    if name not in priors.choices:
        known = ", ".join(priors.choices) or "none"
        mend = suggestion(name, priors.choices, f"choices are {known}")
        raise PriorsError(f"{priors.path}: there is no choice {name}{mend}")
    case, problems = _built(priors, name)
    raise_first(problems, priors.layers)
    return case


# ---------------------------------------------------------------- layers


def _choices(layers: Sequence[Layer]) -> dict[str, Choice]:
    tables: dict[str, dict[str, Any]] = {}
    for layer in reversed(layers):
        for name, table in layer.tables.get("choices", {}).items():
            tables[name] = {**tables.get(name, {}), **table}
    return {
        name: Choice(name, table.get("label") or name.replace("_", " "), table.get("note", ""))
        for name, table in tables.items()
    }


def _stacked(layers: Sequence[Layer], chosen: str) -> Stack:
    """Put overrides before the choice before the files, an accelerator's figures beneath what names it."""
    files = [layer for layer in layers if layer.text]
    overrides = [layer for layer in layers if not layer.text]
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


# ---------------------------------------------------------------- checking and building


def _built(frame: Priors, chosen: str) -> tuple[Priors, list[Problem]]:
    """Build the case of a choice, '' for the file's own; with problems, the result is not to be used."""
    stack = _stacked(frame.layers, chosen)
    model_name = stack.value("model", DEFAULT_MODEL)
    quantities = model.quantities(model_name)
    entries = stack.entries("priors", replacing=("dist", "value"))
    formulas = stack.entries("quantities", replacing=("formula",))
    _settle(stack, entries, formulas)
    # whatever is stated, well or ill: a fault in it has a line of its own
    known = [*quantities, *entries, *formulas, *stack.malformed]
    entries = {
        name: entry for name, entry in entries.items() if _named_well(stack, entry, quantities, formulas)
    }
    for entry in formulas.values():
        if own := own_quantity(stack, entry, quantities.get(entry.name), known):
            quantities[entry.name] = own
    for entry in entries.values():
        quantities[entry.name] = prior_quantity(entry, quantities.get(entry.name))
    check_cycles(stack, quantities, entries, formulas)
    if not stack.problems:
        entries |= _own_priors(model_name, quantities, entries)
    priors = {
        name: prior for name, entry in entries.items() if (prior := _prior(stack, entry, quantities[name]))
    }
    margins = {name: prior.distribution for name, prior in priors.items()}
    correlations = merged_correlations(stack, margins, entries, formulas, known)
    _check_use(stack, frame.layers, chosen, entries, formulas, quantities, correlations)
    own_names = tuple(name for name in formulas if name in quantities)
    new_names = tuple(name for name in own_names if name not in model.quantities(model_name))
    case = replace(
        frame,
        title=next(
            (layer.tables["title"] for layer in stack.layers if layer.own and "title" in layer.tables),
            frame.title,
        ),
        model=model_name,
        quantities=quantities,
        priors=priors,
        correlations=correlations,
        published=_published(stack, quantities, known),
        run=_run(stack, quantities, known),
        own=own_names,
        headline=(*model.HEADLINE, *new_names) if model_name != "none" else own_names,
        chosen=chosen,
    )
    return case, stack.problems


def _own_priors(
    model_name: str, quantities: Mapping[str, Quantity], bound: Collection[str]
) -> dict[str, Entry]:
    """Priors of the model's own for parameters to which the layers give none, where a quantity needs them."""
    layer = Layer(f"model {model_name}", {}, own=False)
    found = {
        name: Entry(
            name, dict(quantity.prior), dict.fromkeys(quantity.prior, layer), layer, sys.maxsize, own=False
        )
        for name, quantity in quantities.items()
        if quantity.prior and quantity.function is None and name not in bound
    }
    lacking = missing(quantities, [*bound, *found])
    computed = [
        quantity for name, quantity in quantities.items() if name not in lacking and name not in bound
    ]
    needed = {need for quantity in computed for need in quantity.needs}
    return {name: entry for name, entry in found.items() if name in needed}


def _settle(stack: Stack, entries: dict[str, Entry], formulas: dict[str, Entry]) -> None:
    """Where a name has both a prior and a formula, the nearer one holds; in one file that is a problem.

    A prior binds its quantity whatever its formula, so only a prior that is farther must go.
    """
    for name in [name for name in entries if name in formulas]:
        if entries[name].level == formulas[name].level:
            stack.report(
                formulas[name], "quantities", None, f"[priors.{name}] binds it too; keep one of the two"
            )
        if entries[name].level >= formulas[name].level:
            del entries[name]


def _named_well(
    stack: Stack, entry: Entry, quantities: Mapping[str, Quantity], formulas: Mapping[str, Entry]
) -> bool:
    """Check the name of a prior of the file's own."""
    if entry.name in quantities or entry.name in formulas:
        return True
    fault = name_fault(entry.name, quantities)
    if fault:
        stack.report(entry, "priors", None, fault)
    return not fault


def _prior(stack: Stack, entry: Entry, quantity: Quantity) -> Prior | None:
    """Build a prior; None where something is wrong with it."""
    table = entry.table
    specification = {key: value for key, value in table.items() if key not in COMMON}
    if "value" in table:
        specification = {"value": table["value"], **specification}
    if ("dist" in table) == ("value" in table):
        stack.report(entry, "priors", *_no_family(table))
        return None
    family = table.get("dist", "constant")
    origin = entry.origins.get("file", entry.layer)
    try:
        drawn = distribution(family, specification, origin.folder, COMMON)
    except ParameterError as error:
        stack.report(entry, "priors", error.key, str(error))
        return None
    unit = table.get("unit") or quantity.unit
    factor = factor_to(stack, entry, "priors", unit, quantity.unit)
    drawn = drawn if factor == 1 else scaled(drawn, factor)
    if fault := _impossible(drawn, quantity, unit, factor):
        stack.report(entry, "priors", "value" if family == "constant" else None, fault)
    return Prior(
        name=entry.name,
        distribution=drawn,
        family=family,
        unit=unit,
        evidence=table.get("evidence", ""),
        source=table.get("source", ""),
        note=table.get("note", ""),
        label=table.get("label") or quantity.label,
        specification=specification,
        file=Path(entry.layer.shown),
        inherited=not entry.own,
        layer=entry.layer,
    )


def _no_family(table: Mapping[str, Any]) -> tuple[str | None, str]:
    """Say, with the key to mend, why a table states no distribution, or two."""
    if "dist" in table:
        return "value", "dist and value exclude each other; keep one"
    for key in table:
        if key not in COMMON and (mend := suggestion(key, ("dist", "value"))):
            return key, f"unknown key{mend}"
    return None, 'dist is missing; add dist = "lognormal" or another family, or value = NUMBER'


def _impossible(drawn: Distribution, quantity: Quantity, unit: str, factor: float) -> str:
    """Say what of a prior lies beyond the quantity's bounds; '' where nothing that matters does."""
    low, high = drawn.support
    sides = (("below", "lower", quantity.lower, low), ("above", "upper", quantity.upper, high))
    for place, (side, key, bound, end) in enumerate(sides):
        if not (end < bound if side == "below" else end > bound):
            continue
        limit = f"{bound / factor:g}"
        shown = limit if unit == "1" else f"{limit} {unit}"
        if low == high:
            return f"{quantity.name} cannot be {side} {shown}; mend the value or its unit"
        beyond = np.nextafter(bound, -np.inf if side == "below" else np.inf)
        probability = float(drawn.probability(beyond)[place])
        if probability > NEGLIGIBLE:
            odds = f"{quantity.name} {side} {shown} has probability {probability:.2g}"
            return f"{odds}, but cannot be there; truncate it with {key} = {limit}"
    return ""


def _check_use(
    stack: Stack,
    layers: Sequence[Layer],
    chosen: str,
    entries: Mapping[str, Entry],
    formulas: Mapping[str, Entry],
    quantities: Mapping[str, Quantity],
    correlations: Sequence[Correlation],
) -> None:
    """Report priors of the file's own that nothing uses, and a file that states nothing at all.

    In a choice's case its own priors alone are in question: the file's have been looked at without it.
    """
    of_model = model.quantities(stack.value("model", DEFAULT_MODEL))
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
    """Names in formulas of the file and its choices, those replaced by a `--set` or a choice too."""
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


def _published(
    stack: Stack, quantities: Mapping[str, Quantity], known: Collection[str]
) -> tuple[Published, ...]:
    """Published figures in the quantities' own units; for one quantity, the nearest layer's."""
    figures: dict[str, list[Published]] = {}
    for _, layer in stack.upwards():
        here: dict[str, list[Published]] = {}
        for i, table in enumerate(layer.tables.get("published", [])):
            if table is None:  # malformed
                continue
            name = table["quantity"]
            if name not in quantities:
                if name not in known and layer.own:
                    fault = _no_quantity(name, quantities)
                    stack.problems.append(Problem(layer, ("published", i, "quantity"), fault))
                continue
            own = quantities[name].unit
            unit = table.get("unit") or own
            try:
                value = table["value"] * conversion_factor(unit, own)
            except UnitError as error:
                fault = f"{error} ({name} itself is in {own})"
                stack.problems.append(Problem(layer, ("published", i, "unit"), fault))
                continue
            figure = Published(name, float(value), unit, table.get("source", ""), table.get("note", ""))
            here.setdefault(name, []).append(figure)
        figures |= here
    return tuple(figure for listed in figures.values() for figure in listed)


def _no_quantity(name: str, quantities: Collection[str]) -> str:
    return f"there is no quantity {name}{suggestion(name, quantities, '`simulate explain` lists all')}"


def _run(stack: Stack, quantities: Mapping[str, Quantity], known: Collection[str]) -> Run:
    """Merge `[run]` key by key."""
    merged: dict[str, Any] = {}
    for _, layer in stack.upwards():
        merged |= layer.tables.get("run", {})
        for i, name in enumerate(layer.tables.get("run", {}).get("quantities", [])):
            if layer.own and name not in known:
                fault = _no_quantity(name, quantities)
                stack.problems.append(Problem(layer, ("run", "quantities", i), fault))
    if "percentiles" in merged:
        merged["percentiles"] = tuple(sorted({float(percentile) for percentile in merged["percentiles"]}))
    merged["quantities"] = tuple(name for name in merged.get("quantities", ()) if name in quantities)
    return Run(**merged)
