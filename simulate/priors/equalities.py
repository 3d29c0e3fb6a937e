"""Where formulas ask with == or != about numbers that rounding decides: what a reader of a file must know."""

from collections.abc import Mapping

import numpy as np

from simulate.distributions import Distribution, pieces
from simulate.formulas import Formula, Kind, decided_by_rounding, kind
from simulate.graph import Quantity, order
from simulate.priors.types import Prior


def equalities(
    quantities: Mapping[str, Quantity], priors: Mapping[str, Prior], asked: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A line for each formula that asks so, by its quantity: of those of a file, or of those `asked` by name."""
    own = {name: each.function.text for name, each in quantities.items() if isinstance(each.function, Formula)}
    texts = {name: text for name, text in own.items() if name not in priors} if asked is None else asked
    if not any("==" in text or "!=" in text for text in texts.values()):
        return {}
    kinds: dict[str, Kind] = {}
    for name in order(quantities, priors):
        kinds[name] = _kind(quantities[name], priors.get(name), kinds)
    found = {name: decided_by_rounding(text, lambda each: kinds.get(each, Kind.STATED)) for name, text in texts.items()}
    return {
        name: f"{name}: {' and '.join(parts)}: whether computed numbers are equal is decided by rounding; "
        "write abs(a - b) < as near as they must be, or round them first"
        for name, parts in found.items()
        if parts
    }


def _kind(quantity: Quantity, prior: Prior | None, kinds: Mapping[str, Kind]) -> Kind:
    if prior:
        return _of_distribution(prior.distribution)
    if isinstance(quantity.function, Formula):
        return kind(quantity.function.text, lambda each: kinds.get(each, Kind.STATED))
    return Kind.WHOLE if quantity.is_check else Kind.COMPUTED if quantity.function else Kind.STATED


def _of_distribution(distribution: Distribution) -> Kind:
    values = pieces(distribution).values
    if np.isnan(values).any():
        return Kind.COMPUTED
    return Kind.WHOLE if (values == np.rint(values)).all() else Kind.STATED
