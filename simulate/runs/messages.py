"""What a reader of a run must know: figures that are no numbers, checks that fail, errors known to be small."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from simulate import graph
from simulate.bands import Band
from simulate.distributions import Distribution
from simulate.distributions.atoms import apart
from simulate.figures import percent_text
from simulate.gathering import Fault
from simulate.graph import Quantity, Values
from simulate.priors import Priors
from simulate.results import Result
from simulate.rounding import moves
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Scenarios
from simulate.statistics import SD

Place = tuple[int, int]  # replicate, chunk
MATTERS = 1e-3  # of the variance of a quantity: what an event has at least to be told


def faults(
    drawn: Scenarios,
    bands: Mapping[Any, Band],
    first: Mapping[tuple[Any, Fault], Place],
    names: Sequence[str],
    beside: Sequence[str] = (),
) -> list[str]:
    """How often quantities were no numbers or not possible, and where it began: a line for those of one beginning.

    `first` is the first place in which a quantity had a fault; of those `beside` only what is not possible is told.
    """
    beginnings: dict[tuple[str, str, str], list[tuple[str, int, str]]] = {}
    for fault in Fault:
        for name in names if fault is Fault.NO_NUMBER else (*names, *beside):
            if (name, fault) in first:
                band, (culprit, values) = bands[name], _beginning(drawn, name, fault, first[name, fault])
                out = "left out of" if band.summary.count else ""
                kept = out if fault is Fault.NO_NUMBER else "which stay in"
                alike = beginnings.setdefault((band.fault(fault, drawn.quantities[name]), kept, culprit), [])
                alike.append((name, band.faults[fault], values))
    messages = []
    for (words, kept, culprit), alike in beginnings.items():
        counts = [count for _, count, _ in alike]
        most = f"{'' if min(counts) == max(counts) else 'up to '}{max(counts):,} of" if kept else "all"
        bands_of = f", {kept} {'its' if len(alike) == 1 else 'their'} bands" if kept else ""
        shown = ", ".join(name for name, _, _ in alike[:3]) + (f" and {len(alike) - 3} more" if len(alike) > 3 else "")
        messages.append(
            f"{shown}: {words} in {most} {drawn.count:,} scenarios{bands_of}; first in {culprit}{alike[0][2]}"
        )
    return messages


def _beginning(drawn: Scenarios, name: str, fault: Fault, first: Place) -> tuple[str, str]:
    """The first quantity on the way to a faulty one that was faulty, with what it is, and from which values it came."""

    def faulty(name: str, value: Values) -> Any:
        return ~np.isfinite(value) if fault is Fault.NO_NUMBER else drawn.quantities[name].impossible(value)

    replicate, begin = first
    words_of = drawn.sampler.words(replicate)
    for chunk in range(begin, drawn.chunks):  # a device tells but the first of many chunks
        words = words_of(chunk)
        columns = drawn.plan.keeping_all()(drawn.inputs(words))
        wrong = np.broadcast_to(faulty(name, columns[name]), drawn.size)
        if drawn.questions.conditional:
            wrong = wrong & (drawn.weighed(columns, words, replicate)[0] > 0)
        if wrong.any():
            break
    scenario = int(np.argmax(wrong))
    at = {each: float(np.broadcast_to(column, drawn.size)[scenario]) for each, column in columns.items()}
    behind = graph.plan(drawn.quantities, drawn.plan.inputs, [name])
    for step, _, needs in behind.steps:
        if faulty(step, at[step]) and not any(faulty(need, at[need]) for need in needs):
            about = _about(drawn.quantities[step])
            values = ", ".join(f"{need} = {at[need]:.4g}" for need in needs)
            return f"{step}{f' ({about})' if about else ''}", f" at {values or 'its prior'}"
    return next((each for each in behind.inputs if faulty(each, at[each])), name), " at its prior"


def _about(quantity: Quantity) -> str:
    """What the first line of a definition says after its label."""
    return quantity.definition.partition("\n")[0].partition(": ")[2].rstrip(".")


def watched(priors: Priors, names: Sequence[str]) -> tuple[str, ...]:
    """What is looked at beside the quantities asked for: checks on them, own formulas on their way, layouts taken.

    A formula in place of the model's may come out as what is not possible, and nothing that is told show it.
    """
    plan = priors.wiring.plan(names).keeping_all()
    computed, steps = set(plan.outputs), {step for step, _, _ in plan.steps}
    checks = {
        name
        for name, quantity in priors.quantities.items()
        if quantity.is_check
        and name not in computed
        and (computed.issuperset(quantity.needs) or (quantity.checks in computed and name not in priors.lacking))
    }
    formulas = {name for name in priors.own if priors.quantities[name].bounded and name in steps}
    shares = {name for name in priors.shares if computed.issuperset(priors.quantities[name].needs)}
    return tuple(name for name in priors.quantities if name in (checks | formulas | shares).difference(names))


def failed_checks(priors: Priors, bands: Mapping[Any, Band]) -> list[str]:
    """In what share of the scenarios a check fails, and what that means."""
    lines = []
    for name, band in bands.items():
        quantity = priors.quantities.get(name)
        if quantity and quantity.is_check and name not in priors.priors and band.summary.mean < 1:
            share = (1 - band.summary.mean) * 100
            lines.append(f"{name}: 0 in {share:.3g} % of the scenarios ({_about(quantity)})")
    return lines


def rare(
    result: Result, bands: Mapping[Any, Band], movers: Mapping[str, Collection[str]]
) -> dict[str, tuple[str, ...]]:
    """Statistics that rest on rare scenarios, by quantity, by the measurements of benchmarks/coverage.md.

    `movers` are the priors that move each quantity.
    """
    stratified = result.attributes["scheme"] != "random"
    found = {}
    for name in result.labels("quantity"):
        if labels := bands[name].rare(net=stratified and len(movers[name]) == 1):
            found[name] = labels
    return found


def rarest_event(distribution: Distribution, count: int) -> float:
    """The probability of the rarest of a distribution that lies apart, if it comes less than once a replicate, else 1.

    What is rare of a prior is rare altogether: none of the many values of a sample is an event by itself.
    """
    probabilities = apart(distribution)
    rare = probabilities[probabilities * count < REPLICATES]
    return float(rare.min()) if len(rare) and rare.sum() * count < REPLICATES else 1.0


def rare_events(drawn: Scenarios, bands: Mapping[Any, Band], names: Sequence[str]) -> dict[str, list[str]]:
    """For each prior with a rare event the quantities of which it has a part of the variance that matters.

    It has no meaning under conditions, which may make it probable.
    """
    found = {}
    for prior in () if drawn.questions.conditional else drawn.sampler.wanted:
        distribution = drawn.distributions[prior]
        if (probability := rarest_event(distribution, drawn.count)) == 1:
            continue
        ends = [end for end in distribution.support if np.isfinite(end)]
        found_at = [moves(drawn, names, {prior: end}) for end in ends]
        farthest = {name: max((each[name] for each in found_at), default=0.0) for name in names}
        spread = {name: np.sqrt(MATTERS / probability) * np.nan_to_num(bands[name].summary.sd) for name in names}
        if touched := [name for name in names if farthest[name] > spread[name]]:
            found[prior] = touched
    return found


def too_rare(drawn: Scenarios, events: Mapping[str, Sequence[str]]) -> list[str]:
    """What comes in too few scenarios to tell means by, a line each, and how many scenarios it takes."""
    lines = []
    for name, touched in events.items():
        probability = rarest_event(drawn.distributions[name], drawn.count)
        lines.append(
            f"{name}: a part of it has a probability of {percent_text(probability, digits=2)}, about "
            f"{probability * drawn.count:.2g} of {drawn.count:,} scenarios, too few for the mean and the standard "
            f"deviation of {', '.join(touched)}; ask for {REPLICATES / probability:,.0f} --scenarios or more"
        )
    return lines


def small_errors(rare: Mapping[str, Sequence[str]], *, of_sd_alone: bool = False) -> list[str]:
    """What rests on rare scenarios, a line for those alike.

    Those of which the standard deviation alone does are told apart, where the variance matters: few read it elsewhere.
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, labels in rare.items():
        if (tuple(labels) == (SD.label,)) is of_sd_alone:
            alike.setdefault(tuple(labels), []).append(name)
    return [
        f"{', '.join(names)}: {' and '.join(labels)} rest{'s' if len(labels) == 1 else ''} on rare scenarios, so that "
        "fewer than 95 % of their intervals hold the truth; the percentiles are not concerned"
        for labels, names in alike.items()
    ]


def not_computed(priors: Priors) -> list[str]:
    """What the bound names cannot compute and which priors that would take, in a line where there is any."""
    names = [name for name in priors.lacking if priors.quantities[name].function]
    if not names:
        return []
    wanted = dict.fromkeys(part for name in names for part in priors.lacking[name])
    return [f"not computed for want of priors ({', '.join(wanted)}): {', '.join(names)}"]
