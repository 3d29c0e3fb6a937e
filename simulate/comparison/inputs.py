"""What differs in the inputs of two priors files: what binds each name, and which priors move together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from simulate.composing import Function
from simulate.distributions import Constant, Distribution
from simulate.formulas import Formula
from simulate.priors import Correlation, Prior, Priors


@dataclass(frozen=True)
class Binding:
    """What gives a name its value: draws from a distribution, a function of other names, or a constant."""

    distribution: Distribution | None = None
    how: Function | float | None = None  # without a distribution
    needs: tuple[str, ...] = ()

    def same(self, other: Binding) -> bool:
        """Whether two bindings give the same value."""
        drawn = (self.distribution, self.needs) == (other.distribution, other.needs)
        return drawn and _same(self.how, other.how)


class Change(NamedTuple):
    """A difference in the inputs: `before` and `after` are plain data, with a `text` to read, None where nothing is."""

    kind: str  # prior, formula or correlation
    name: str
    change: str  # changed, added or removed
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def bindings(priors: Priors) -> dict[str, Binding]:
    """What binds each name that can be computed; the others are left out."""
    found: dict[str, Binding] = {}
    for name, quantity in priors.quantities.items():
        if name in priors.priors:
            drawn = priors.priors[name].distribution
            found[name] = Binding(how=drawn.value) if isinstance(drawn, Constant) else Binding(drawn)
        elif name not in priors.lacking:
            found[name] = Binding(how=quantity.function or quantity.default, needs=quantity.needs)
    return found


def changes(baseline: Priors, alternative: Priors) -> list[Change]:
    """The priors, formulas and correlations that differ, in the order of the baseline's quantities."""
    rows = []
    for name in dict.fromkeys([*baseline.quantities, *alternative.quantities]):
        before, after = _stated(baseline, name), _stated(alternative, name)
        if not _same(before, after):
            kind = "prior" if Prior in {type(before), type(after)} else "formula"
            there = [isinstance(each, Prior | Formula) for each in (before, after)]
            rows.append(Change(kind, name, _how(*there), _shown(before), _shown(after)))
    return [*rows, *_changed_correlations(baseline, alternative)]


def _described(prior: Prior) -> str:
    """A prior in one line: ``lognormal p5=11e6 p95=19e6 1/day``; a constant is its value."""
    parameters = {key: value for key, value in prior.specification.items() if key not in {"dist", "family"}}
    if prior.family == "constant":
        text = _number(parameters.get("value", getattr(prior.distribution, "value", "")))
    else:
        text = " ".join([prior.family, *(f"{key}={_number(value)}" for key, value in parameters.items())])
    return text if prior.unit == "1" else f"{text} {prior.unit}"


def _how(before: bool, after: bool) -> str:
    return "changed" if before == after else "removed" if before else "added"


def _stated(priors: Priors, name: str) -> Prior | Formula | Function | float | None:
    """What a file says of a name: a prior, a formula, or nothing but what the model says."""
    if name in priors.priors:
        return priors.priors[name]
    quantity = priors.quantities.get(name)
    return None if quantity is None else quantity.function or quantity.default


def _same(before: Any, after: Any) -> bool:
    """Whether two priors draw the same, formulas differ in nothing but white space, or anything else is equal."""
    if isinstance(before, Prior) and isinstance(after, Prior):
        return bool(before.distribution == after.distribution)
    if isinstance(before, Formula) and isinstance(after, Formula):
        return before.text.split() == after.text.split() and before.names == after.names
    return bool(before == after)


def _shown(stated: Any) -> dict[str, Any] | None:
    """What binds a name as plain data: what it `is`, what states it, and the same as a `text` to read."""
    if isinstance(stated, Prior):
        own = {"family": stated.family, "unit": stated.unit, "specification": dict(stated.specification)}
        return {"is": "prior", **own, "text": _described(stated)}
    if isinstance(stated, Formula):
        text = " ".join(stated.text.split())
        return {"is": "formula", "formula": text, "text": f"= {text}"}
    if callable(stated):
        return {"is": "model", "text": "as the model computes it"}
    return None if stated is None else {"is": "default", "value": stated, "text": f"{stated:g}, the model's default"}


def _number(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        short = f"{value:.6g}"
        return short if float(short) == value else f"{value:.15g}"  # two values that differ are not shown alike
    if isinstance(value, list | tuple):
        shown = [_number(each) for each in value[:4]]
        return f"[{', '.join([*shown, '...'] if len(value) > 4 else shown)}]"
    return str(value)


def _changed_correlations(baseline: Priors, alternative: Priors) -> Iterator[Change]:
    before, after = (
        {frozenset((link.first, link.second)): link for link in case.correlations} for case in (baseline, alternative)
    )
    for pair in dict.fromkeys([*before, *after]):
        shown = [_measured(links.get(pair)) for links in (before, after)]
        if shown[0] != shown[1]:
            link = before.get(pair) or after[pair]
            how = _how(pair in before, pair in after)
            yield Change("correlation", f"{link.first}, {link.second}", how, *shown)


def _measured(link: Correlation | None) -> dict[str, Any] | None:
    if link is None:
        return None
    text = f"{link.measure} {link.value:g}"
    return {"is": "correlation", "measure": link.measure, "value": link.value, "text": text}
