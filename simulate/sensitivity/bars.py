"""The bars of a tornado, as report and pictures draw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simulate.figures import row_scale
from simulate.results import Result
from simulate.sensitivity.method import Method
from simulate.sensitivity.methods import METHODS
from simulate.units import conversion_factor


class Bar(NamedTuple):
    """What a prior does to a quantity: the method's figures and their standard errors by name."""

    prior: str
    figures: Mapping[str, float]
    errors: Mapping[str, float]
    size: float


def method_of(result: Result) -> Method:
    """The method by which a result was measured."""
    return METHODS[result.attributes["method"]]


def bars(result: Result, quantity: str) -> list[Bar]:
    """The bars of a quantity, the largest first."""
    names = method_of(result).figures
    found = []
    for prior in result.labels("prior"):
        size = result.at("size", quantity=quantity, prior=prior)
        if not math.isnan(size):
            estimates = {name: result.estimate(name, quantity=quantity, prior=prior) for name in names}
            figures, errors = ({name: each[place] for name, each in estimates.items()} for place in (0, 1))
            found.append(Bar(prior, figures, errors, size))
    return sorted(found, key=lambda bar: (-bar.size, bar.prior))


def shown(result: Result, quantity: str, top: int) -> list[Bar]:
    """The largest bars of a quantity, and the rest as one where they may be summed: its `prior` says how many."""
    every = bars(result, quantity)
    rest = every[top:] if method_of(result).additive else []
    return [*every[:top], *([_others(rest, result.at("baseline", quantity=quantity))] if rest else [])]


def _others(rest: Sequence[Bar], baseline: float) -> Bar:
    """Bars as one: the sum of what each adds to the baseline, or of their shares."""
    figures, errors = {}, {}
    for name in rest[0].figures:
        start = baseline if name in {"low", "high"} else 0.0
        figures[name] = start + sum(bar.figures[name] - start for bar in rest)
        errors[name] = math.sqrt(sum(bar.errors[name] ** 2 for bar in rest))
    return Bar(f"{len(rest)} others", figures, errors, sum(bar.size for bar in rest))


def ends(result: Result, prior: str) -> tuple[str, str, str]:
    """The low and the high value of a prior, to three digits, and their unit as written."""
    written = result.provenance["priors"][prior]["unit"]
    factor = conversion_factor(written, result.at("prior_unit", prior=prior))
    values = [result.at(f"{end}_input", prior=prior) / factor for end in ("low", "high")]
    scale = row_scale(values, [_third_digit(value) for value in values])
    low, high = (scale.figure(value, _third_digit(value)) for value in values)
    return low, high, scale.unit(written)


def _third_digit(value: float) -> float:
    return 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 0.0
