"""Priors that a file inherits and that were stated for another accelerator, or another API, than the one it names."""

from collections.abc import Mapping

from simulate.graph import Quantity, upstream
from simulate.priors.layers import Layer, Stack
from simulate.priors.precision import CATALOGS, OF_POOL, POOL, row_named


def stated_for_others(stack: Stack, quantities: Mapping[str, Quantity]) -> dict[str, str]:
    """What to know of priors from a farther layer than the accelerator's or the API's, by name.

    What a file names puts its figures in place of farther ones, but a prior on what is computed from such a figure (as
    the time per token is by the roofline) binds it all the same, and so does a price that the catalog does not know
    of it.
    """
    if stack.problems:
        return {}
    return {name: text for key in CATALOGS for name, text in _stated_for_others(stack, quantities, key).items()}


def _stated_for_others(stack: Stack, quantities: Mapping[str, Quantity], key: str) -> dict[str, str]:
    named = [(level, layer) for level, layer in enumerate(stack.layers) if layer.tables.get(key)]
    if not named:
        return {}
    from simulate.catalog import figures

    _, layer = named[0]
    chosen = row_named(key, layer.tables[key])
    origins = [each.shown for each in stack.layers]
    level = origins.index(f"{key} {layer.tables[key]}")  # its figures lie beneath what names it
    own = stack.layers[level].tables["priors"].keys()
    known = {"accelerator": figures(), POOL: {OF_POOL + figure for figure in figures()}}.get(key, own)
    told: dict[str, str] = {}
    for name, entry in stack.priors.items():
        of_pool = name.startswith(OF_POOL) and name.removeprefix(OF_POOL) in quantities
        if entry.level <= level or (of_pool and key != POOL):
            continue
        if name not in known and (key == POOL or not (upstream(quantities, [name]) - {name}) & own):
            continue
        others = [row_named(key, each.tables[key]) for place, each in named if place >= entry.level]
        if entry.layer.shown.startswith(f"{key} "):  # of the catalog, which lies beneath what names it
            others = [row_named(key, entry.layer.shown.removeprefix(f"{key} "))]
        if others[:1] == [chosen]:
            continue
        of_which = f"the {others[0]}" if others else f"{'a' if key == POOL else 'an'} {key} that it does not name"
        told[name] = (
            f"{name}: {_place(entry.layer, 'priors', name)} states it for {of_which}, and the {chosen} of "
            f"{_place(layer, key)} does not change it; state it for the {chosen}, or by a formula"
        )
    return told


def _place(layer: Layer, *key: str) -> str:
    line = layer.line(key)
    return f"{layer.shown}:{line}" if line else layer.shown
