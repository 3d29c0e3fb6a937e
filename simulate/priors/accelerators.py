"""Priors that a file inherits and that were stated for another accelerator, or another API, than the one it names."""

from collections.abc import Mapping

from simulate.graph import Quantity, upstream
from simulate.priors.layers import Layer, Stack
from simulate.priors.precision import CATALOGS, row_named


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
    known, told = figures() if key == "accelerator" else own, dict[str, str]()
    for name, entry in stack.priors.items():
        if entry.level <= level or not (name in known or (upstream(quantities, [name]) - {name}) & own):
            continue
        others = [row_named(key, each.tables[key]) for place, each in named if place >= entry.level]
        if others[:1] == [chosen]:
            continue
        of_which = f"the {others[0]}" if others else f"an {key} that it does not name"
        told[name] = (
            f"{name}: {_place(entry.layer, 'priors', name)} states it for {of_which}, and the {chosen} of "
            f"{_place(layer, key)} does not change it; state it for the {chosen}, or by a formula"
        )
    return told


def _place(layer: Layer, *key: str) -> str:
    line = layer.line(key)
    return f"{layer.shown}:{line}" if line else layer.shown
