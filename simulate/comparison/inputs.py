"""What differs in the inputs of two priors files: what binds each name, and which priors move together."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulate.distributions import Constant, Distribution
from simulate.engine import latent
from simulate.formulas import Formula
from simulate.graph import Function, missing
from simulate.priors import Prior, Priors

CORRELATIONS = "correlations"  # the correlations as one change; no name of a quantity has spaces around it

Latent = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Binding:
    """What gives a name its value: a distribution, or a function of other names (of none: a constant)."""

    distribution: Distribution | None = None
    function: Function | None = None
    needs: tuple[str, ...] = ()
    value: float | None = None


@dataclass(frozen=True)
class Change:
    """A difference in the inputs, as a row to read: `before` and `after` are empty where there is nothing."""

    kind: Literal["prior", "formula", "correlation"]
    name: str
    change: Literal["changed", "added", "removed"]
    before: str
    after: str


def bindings(priors: Priors) -> dict[str, Binding]:
    """What binds each name that can be computed; the others are left out."""
    lacking = missing(priors.quantities, priors.priors)
    found: dict[str, Binding] = {}
    for name, quantity in priors.quantities.items():
        if name in lacking:
            continue
        if name in priors.priors:
            distribution = priors.priors[name].distribution
            found[name] = (
                Binding(value=distribution.value)
                if isinstance(distribution, Constant)
                else Binding(distribution)
            )
        elif quantity.function is not None:
            found[name] = Binding(function=quantity.function, needs=quantity.needs)
        else:
            found[name] = Binding(value=quantity.default)
    return found


def changes(baseline: Priors, alternative: Priors) -> tuple[Change, ...]:
    """The priors, formulas and correlations that differ, in the order of the baseline's quantities."""
    rows: list[Change] = []
    for name in dict.fromkeys([*baseline.quantities, *alternative.quantities]):
        before, after = _stated(baseline, name), _stated(alternative, name)
        if _same(before, after):
            continue
        how: Literal["changed", "added", "removed"] = "changed"
        if not isinstance(before, Prior | Formula):
            how = "added"
        elif not isinstance(after, Prior | Formula):
            how = "removed"
        kind: Literal["prior", "formula"] = "prior" if Prior in {type(before), type(after)} else "formula"
        rows.append(Change(kind, name, how, _shown(before), _shown(after)))
    return (*rows, *_changed_correlations(baseline, alternative))


def described(prior: Prior) -> str:
    """A prior in one line: ``lognormal p5=11e6 p95=19e6 1/day``; a constant is its value."""
    parameters = {key: value for key, value in prior.specification.items() if key not in {"dist", "family"}}
    if prior.family == "constant":
        text = _number(parameters.get("value", getattr(prior.distribution, "value", "")))
    else:
        text = " ".join([prior.family, *(f"{key}={_number(value)}" for key, value in parameters.items())])
    return text if prior.unit == "1" else f"{text} {prior.unit}"


def joint_latents(cases: list[Priors]) -> list[dict[tuple[str, str], float]]:
    """The copula's parameters of each case, completed so that cases stay paired.

    A correlation with a name that a case does not draw (a constant there) has no meaning in that case, yet decides
    how the uniforms are shared out. So each case takes over the others' pairs of which it does not draw both,
    unless the whole is then no correlation matrix: that case keeps its own.
    """
    own = [_in_order(latent(case)) for case in cases]
    drawn = [{name for name, binding in bindings(case).items() if binding.distribution} for case in cases]
    joint = []
    for mine, names in zip(own, drawn, strict=True):
        whole = dict(mine)
        for others in own:
            for pair, value in others.items():
                if not names.issuperset(pair):
                    whole.setdefault(pair, value)
        joint.append(whole if _is_correlation(whole) else mine)
    return joint


def _stated(priors: Priors, name: str) -> Prior | Formula | Function | float | None:
    """What a file says of a name: a prior, a formula, or nothing but what the model says."""
    if name in priors.priors:
        return priors.priors[name]
    quantity = priors.quantities.get(name)
    return None if quantity is None else quantity.function or quantity.default


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, Prior) and isinstance(after, Prior):
        return bool(before.distribution == after.distribution)
    return same_function(before, after)


def same_function(before: Any, after: Any) -> bool:
    """Whether two functions are one, or formulas that differ in nothing but white space."""
    if isinstance(before, Formula) and isinstance(after, Formula):
        return before.text.split() == after.text.split() and before.names == after.names
    return bool(before == after)


def _shown(stated: Any) -> str:
    if isinstance(stated, Prior):
        return described(stated)
    if isinstance(stated, Formula):
        return f"= {' '.join(stated.text.split())}"
    if inspect.isfunction(stated):
        return "as the model computes it"
    return "" if stated is None else f"{stated:g}, the model's default"


def _number(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        shown = [_number(each) for each in value[:4]]
        return f"[{', '.join([*shown, '...'] if len(value) > 4 else shown)}]"
    return str(value)


def _changed_correlations(baseline: Priors, alternative: Priors) -> list[Change]:
    stated = [
        {frozenset((link.first, link.second)): link for link in case.correlations}
        for case in (baseline, alternative)
    ]
    rows = []
    for pair in dict.fromkeys([*stated[0], *stated[1]]):
        before, after = (links.get(pair) for links in stated)
        shown = ["" if link is None else f"{link.measure} {link.value:g}" for link in (before, after)]
        if shown[0] != shown[1]:
            how: Literal["changed", "added", "removed"] = (
                "added" if before is None else "removed" if after is None else "changed"
            )
            link = before or after
            assert link is not None
            rows.append(Change("correlation", f"{link.first}, {link.second}", how, *shown))
    return rows


def _in_order(pairs: Latent) -> dict[tuple[str, str], float]:
    """Pairs with the names of each in one order, so that they can be compared; zeros are left out."""
    return {(min(pair), max(pair)): value for pair, value in pairs.items() if value}


def _is_correlation(pairs: Latent) -> bool:
    import numpy as np

    from simulate.dependence import triangular_factor

    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    matrix = np.eye(len(names))
    for (first, second), value in pairs.items():
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = value
    try:
        triangular_factor(matrix)
    except ValueError:
        return False
    return True
