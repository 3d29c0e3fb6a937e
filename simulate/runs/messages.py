"""What a reader of a run must know: figures that are no numbers, checks that fail, errors known to be small."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulate import graph
from simulate.graph import Quantity
from simulate.priors import Priors
from simulate.results import Result
from simulate.scenarios import Scenarios
from simulate.statistics import Band


def nonfinite(
    priors: Priors,
    drawn: Scenarios,
    bands: Mapping[Any, Band],
    first: Mapping[str, tuple[int, int]],
    names: Sequence[str],
) -> list[str]:
    """How often quantities were nan or infinite, and where it began: a line for those of one beginning.

    `first` is the first (replicate, chunk) in which a quantity was.
    """
    beginnings: dict[tuple[int, str], list[str]] = {}
    for name in names:
        if name in first:
            beginning = _beginning(priors, drawn, name, *first[name])
            beginnings.setdefault((bands[name].summary.nonfinite, beginning), []).append(name)
    messages = []
    for (count, beginning), alike in beginnings.items():
        everywhere = not bands[alike[0]].summary.count
        left_out = f", left out of {'its' if len(alike) == 1 else 'their'} bands"
        scenarios = f"{'all' if everywhere else f'{count:,} of'} {drawn.count:,} scenarios"
        scenarios += "" if everywhere else left_out
        shown = ", ".join(alike[:3]) + (f" and {len(alike) - 3} more" if len(alike) > 3 else "")
        messages.append(f"{shown}: nan or infinite in {scenarios}; first in {beginning}")
    return messages


def _beginning(priors: Priors, drawn: Scenarios, name: str, replicate: int, chunk: int) -> str:
    """The first quantity on the way to one that was not a number, what it is, and from which values it came."""
    columns = drawn.plan.keeping_all()(drawn.inputs(drawn.sampler.words(replicate)(chunk)))
    wrong = ~np.isfinite(np.broadcast_to(columns[name], drawn.size))
    scenario = int(np.argmax(wrong))
    at = {each: float(np.broadcast_to(column, drawn.size)[scenario]) for each, column in columns.items()}
    for step, _, needs in drawn.plan.steps:
        if not np.isfinite(at[step]) and all(np.isfinite(at[need]) for need in needs):
            about = _about(priors.quantities[step])
            values = ", ".join(f"{need} = {at[need]:.4g}" for need in needs)
            return f"{step}{f' ({about})' if about else ''} at {values or 'its prior'}"
    return f"{name} at its prior"


def _about(quantity: Quantity) -> str:
    """What the first line of a definition says after its label."""
    return quantity.definition.partition("\n")[0].partition(": ")[2].rstrip(".")


def checks(priors: Priors, names: Sequence[str]) -> tuple[str, ...]:
    """Checks of the model on what the quantities are computed from, beside those asked for."""
    computed = set(graph.plan(priors.quantities, priors.priors, names).keeping_all().outputs)
    return tuple(
        name
        for name, quantity in priors.quantities.items()
        if quantity.is_check and computed.issuperset(quantity.needs) and name not in computed
    )


def failed_checks(priors: Priors, bands: Mapping[Any, Band]) -> list[str]:
    """In what share of the scenarios a check fails, and what that means."""
    lines = []
    for name, band in bands.items():
        quantity = priors.quantities.get(name)
        if quantity and quantity.is_check and name not in priors.priors and band.summary.mean < 1:
            share = (1 - band.summary.mean) * 100
            lines.append(f"{name}: 0 in {share:.3g} % of the scenarios ({_about(quantity)})")
    return lines


def rare(result: Result, bands: Mapping[Any, Band]) -> list[str]:
    """Statistics that rest on rare scenarios, by the measurements of benchmarks/coverage.md: a line for those alike."""
    alike: dict[tuple[str, ...], list[str]] = {}
    stratified = result.attributes["scheme"] != "random"
    for name in result.labels("quantity"):
        inputs = np.count_nonzero(result.at("rank_correlation", quantity=name))
        if labels := bands[name].rare(net=stratified and inputs == 1):
            alike.setdefault(labels, []).append(name)
    return [
        f"{', '.join(names)}: {' and '.join(labels)} rest{'s' if len(labels) == 1 else ''} on rare scenarios, so that "
        "fewer than 95 % of their intervals hold the truth; the percentiles are not concerned"
        for labels, names in alike.items()
    ]


def not_computed(priors: Priors) -> list[str]:
    """What the bound names cannot compute and which priors that would take, in a line where there is any."""
    lacking = graph.missing(priors.quantities, priors.priors)
    names = [name for name in lacking if priors.quantities[name].function]
    if not names:
        return []
    wanted = dict.fromkeys(part for name in names for part in lacking[name])
    return [f"not computed for want of priors ({', '.join(wanted)}): {', '.join(names)}"]
