"""From a merged entry of a priors file to a prior: its distribution in the quantity's unit, within what is possible."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simulate.distributions import FAMILIES, Distribution, ParameterError, distribution, scaled
from simulate.distributions.other_names import mend_of
from simulate.distributions.reading import forms
from simulate.figures import with_unit
from simulate.graph import Quantity
from simulate.priors.layers import Entry, Stack
from simulate.priors.own_quantities import factor_to
from simulate.priors.schema import PriorTable
from simulate.priors.types import Prior

COMMON = frozenset(PriorTable.model_fields)  # the keys of every prior; others are its family's
NEGLIGIBLE = 1e-3  # probability that a prior may leave beyond what is possible


def prior_of(stack: Stack, entry: Entry, quantity: Quantity) -> Prior | None:
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
    unit = table.get("unit") or quantity.unit
    factor = factor_to(stack, entry, "priors", unit, quantity.unit)
    try:
        drawn = distribution(family, specification, origin.folder, COMMON)
    except ParameterError as error:
        stack.report(entry, "priors", error.key, str(error), alone=True, code=error.code)
        for key, fault in _further_faults(family, specification, origin.folder, error.key):
            stack.report(entry, "priors", key, fault, alone=True, code=error.code)
        return None
    drawn = drawn if factor == 1 else scaled(drawn, factor)
    if fault := _impossible(drawn, quantity, unit, factor):
        stack.report(entry, "priors", "value" if family == "constant" else None, fault)
    return Prior(
        name=entry.name,
        distribution=drawn,
        family=family,
        unit=unit,
        factor=factor,
        evidence=table.get("evidence", ""),
        source=table.get("source", ""),
        expires=table.get("expires", ""),
        note=table.get("note", ""),
        label=table.get("label") or quantity.label,
        specification=specification,
        file=Path(entry.layer.shown),
        inherited=not entry.own,
        layer=entry.layer,
    )


def implausible(priors: Mapping[str, Prior], quantities: Mapping[str, Quantity]) -> dict[str, str]:
    """What to know of priors of the file's own that reach beyond what is plausible, by name: a unit forgotten, say.

    With more than a twentieth of their probability; one with a note has been thought of, and so has a 0.
    """
    told = {}
    for name, prior in priors.items():
        least, _, greatest = prior.band()
        for percent, value, bound in zip((5, 95), (least, greatest), quantities[name].plausible, strict=True):
            beyond = bound / prior.factor
            less = percent == 5 and value < beyond
            if not (less or (percent == 95 and value > beyond)) or prior.inherited or prior.note or not value:
                continue
            constant = prior.family == "constant"
            figure = with_unit(value, 0.0, prior.unit, None if constant else 3)
            than = f"{'less' if less else 'more'} than the {with_unit(beyond, 0.0, prior.unit)} that is plausible"
            stated = figure if constant else f"P{percent} {figure}"
            told[name] = f"{name}: {stated} is {than}; mend it or its unit, or say why in a note"
    return told


def expiring(priors: Mapping[str, Prior]) -> dict[str, tuple[str, str]]:
    """What to know of priors from the day on when their source is too old, by name, with the day."""
    mend = "look for a newer one, or move expires"
    return {
        name: (f"the source of {name} expired on {prior.expires}; {mend}", prior.expires)
        for name, prior in priors.items()
        if prior.expires
    }


def _further_faults(
    family: str, specification: Mapping[str, Any], folder: Path, key: str | None
) -> Iterator[tuple[str, str]]:
    """The faults of further keys once those before are taken out, but for what may be wrong for want of these."""
    left = dict(specification)
    while key in left:
        del left[key]
        try:
            distribution(family, left, folder, COMMON)
        except ParameterError as error:
            key = error.key
            if key is None or not error.alone:
                return
            yield key, str(error)
        else:
            return


def _no_family(table: Mapping[str, Any]) -> tuple[str | None, str]:
    """Say, with the key to mend, why a table states no distribution, or two."""
    if "dist" in table:
        return "value", "dist and value exclude each other; keep one"
    parameters = {key for kind in FAMILIES.values() for form in forms(kind) for key in form.kinds}
    for key in table:
        if key not in COMMON | parameters and (mend := mend_of("", key, ("dist", "value"))):
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
        probability = float(drawn.probability(np.nextafter(bound, end))[place])
        if probability > NEGLIGIBLE:
            odds = f"{quantity.name} {side} {shown} has probability {probability:.2g}"
            return f"{odds}, but cannot be there; truncate it with {key} = {limit}"
    return ""
