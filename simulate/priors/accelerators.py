"""Priors that a file inherits and that were stated for another accelerator than the one it names."""

from collections.abc import Mapping

from simulate.graph import Quantity
from simulate.priors.layers import Layer, Stack
from simulate.priors.precision import OF_POOL


def stated_for_others(stack: Stack, quantities: Mapping[str, Quantity]) -> dict[str, str]:
    """What to know of priors from a farther layer than the accelerator's, by name.

    An accelerator puts its figures in place of farther ones, but a prior on what is computed from such a figure (as
    the time per token is by the roofline) binds it all the same, and so does a price that the catalog does not know
    of it.
    """
    named = [(level, layer) for level, layer in enumerate(stack.layers) if layer.tables.get("accelerator")]
    if not named or stack.problems:
        return {}
    from simulate.catalog import accelerator_name, figures

    _, layer = named[0]
    chosen = accelerator_name(layer.tables["accelerator"])
    origins = [each.shown for each in stack.layers]
    level = origins.index(f"accelerator {layer.tables['accelerator']}")  # its figures lie beneath what names it
    own = stack.layers[level].tables["priors"].keys()
    told = {}
    for name, entry in stack.priors.items():
        of_pool = name.startswith(OF_POOL) and name.removeprefix(OF_POOL) in quantities  # which is of another kind
        if entry.level <= level or of_pool or not (name in figures() or _needs(quantities, name) & own):
            continue
        others = [accelerator_name(each.tables["accelerator"]) for place, each in named if place >= entry.level]
        if others[:1] == [chosen]:
            continue
        of_which = f"the {others[0]}" if others else "an accelerator that it does not name"
        told[name] = (
            f"{name}: {_place(entry.layer, 'priors', name)} states it for {of_which}, and the {chosen} of "
            f"{_place(layer, 'accelerator')} does not change it; state it for the {chosen}, or by a formula"
        )
    return told


def _needs(quantities: Mapping[str, Quantity], name: str) -> set[str]:
    """All that a quantity is computed from where no prior binds anything."""
    found, open_ = set[str](), [name]
    while open_:
        new = set(quantities[open_.pop()].needs) - found
        found |= new
        open_ += new
    return found


def _place(layer: Layer, *key: str) -> str:
    line = layer.line(key)
    return f"{layer.shown}:{line}" if line else layer.shown
