"""The question: which choice of a priors file is the best, how often, and at what regret."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simulate import graph, model
from simulate.decisions.information import Binned, Partition, add_chunk, partitions, saved
from simulate.errors import SimulateError, suggestion
from simulate.graph import Array
from simulate.priors import Priors, choice
from simulate.replicates import Progress, Ticks, Workers
from simulate.results import Result
from simulate.results.provenance import described, put_priors
from simulate.sampling.dimensions import dimensions
from simulate.scenarios import Drawing, Scenarios
from simulate.settings import Settings
from simulate.statistics import Band, Bands, Gathering, Part, Statistic, put_bands, standard_error, usual
from simulate.units import is_cost

Key = tuple[str, str]  # quantity, choice


def decide(
    priors: Priors,
    *,
    quantities: Sequence[str] | None = None,
    maximize: bool = False,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    percentiles: Sequence[float] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Decide between the choices of a priors file by the first of the quantities, a cost (or a profit).

    The other quantities are told beside it. What is left out is as the file's [run] says. What is in no unit of money
    is decided by only where it is named here.

    The result has `percentiles`, `mean`, `sd`, `minimum`, `maximum`, `nonfinite` and `fine_percentiles` along
    `quantity`, the cost first, and `choice`; along `choice` also `probability_best` (of choices that tie, each has
    its part of the scenario) and `expected_regret`, the mean cost beyond the least; `evpi`, what knowing everything
    is worth; and `evppi` along `prior`, what finding out each alone is worth, the largest first, without constants
    and what the cost does not need. Attributes: `decided_by` (the cost), `objective`, `best` (the choice).
    Raises SimulateError for fewer than two choices, for a quantity that there is not or that one of the choices
    cannot compute, for a file's quantity that is no cost, and for a cost that is not finite throughout.
    """
    cases = _cases(priors)
    if isinstance(quantities, str):
        raise SimulateError(f"{priors.path}: {quantities!r} is no cost to decide by; name it first, then others")
    settings = priors.run.asked(
        scenarios=scenarios, seed=seed, scheme=scheme, percentiles=percentiles, quantities=quantities or None
    )
    names = _asked(priors, cases, settings.quantities)
    cost, units = names[0], _units(priors, cases, names)
    if not (quantities or is_cost(units[0])):
        what = "a mere number" if units[0] == "1" else f"in {units[0]}"
        raise SimulateError(
            f"{priors.path}: {cost} is {what}, which is no cost; name what to decide by with --quantities {cost}"
        )
    drawn = _drawn(priors, cases, names, settings)
    first = next(iter(drawn.values()))
    statistics = usual(settings.percentiles)
    parted = partitions(cases, cost, drawn)
    bands, replicates = _fold(drawn, names, parted, statistics, Workers(threads, progress), maximize=maximize)
    result = described("decide", priors, settings, first)
    result.provenance["warnings"] += _left_out(priors, bands, cost, first.count)
    means = [bands[cost, name].value("mean") for name in cases]
    best = int(np.argmax(means) if maximize else np.argmin(means))
    objective = "maximize" if maximize else "minimize"
    result.attributes.update(decided_by=cost, objective=objective, best=list(cases)[best])
    result.along("quantity", names)
    result.beside("label", ("quantity",), [_label(priors, cases, name) for name in names])
    result.beside("unit", ("quantity",), units)
    result.along("choice", list(cases))
    result.beside("choice_label", ("choice",), [priors.choices[name].label for name in cases])
    put_bands(result, bands, ("quantity", "choice"), statistics)
    _put_regrets(result, replicates, best, units[0])
    worth = {
        name: saved([each.binned[name] for each in replicates], best, partition, first.count)
        for name, partition in parted.items()
    }
    _put_information(result, {name: cases[each.choice] for name, each in parted.items()}, worth, units[0])
    return result


def _cases(priors: Priors) -> dict[str, Priors]:
    if len(priors.choices) < 2:
        found = "only one choice" if priors.choices else "no choices"
        raise SimulateError(
            f"{priors.path}: {found} to decide between; add [choices.NAME] tables, each with its own entries"
        )
    return {name: choice(priors, name) for name in priors.choices}


def _asked(priors: Priors, cases: Mapping[str, Priors], named: Sequence[str]) -> tuple[str, ...]:
    """The quantities to tell, the cost first; checked in each choice."""
    names = tuple(dict.fromkeys(named))
    if not names:
        if len(priors.headline) != 1:
            raise SimulateError(
                f"{priors.path}: by what to decide? Name the cost with --quantities or in [run] quantities"
            )
        names = priors.headline
    for name in names:
        for option, case in cases.items():
            if name not in case.quantities:
                mend = suggestion(name, case.quantities)
                where = "" if all(name not in each.quantities for each in cases.values()) else f" in {option}"
                raise SimulateError(f"{priors.path}: there is no quantity {name}{where}{mend}")
            if lacking := graph.missing(case.quantities, case.priors).get(name):
                raise SimulateError(
                    f"{priors.path}: {name} cannot be computed in {option}; give a prior for {', '.join(lacking)}"
                )
    return names


def _units(priors: Priors, cases: Mapping[str, Priors], names: Sequence[str]) -> list[str]:
    """The units of the quantities, one in all choices."""
    found: list[str] = []
    for name in names:
        units = {case.quantities[name].unit: option for option, case in cases.items()}
        if len(units) > 1:
            told = ", ".join(f"{unit} in {option}" for unit, option in units.items())
            raise SimulateError(f"{priors.path}: {name} is in {told}; give it one unit in all choices")
        found += units
    return found


def _label(priors: Priors, cases: Mapping[str, Priors], name: str) -> str:
    """The label of a quantity: the file's own, or that of a choice."""
    if name in priors.quantities:
        return priors.quantities[name].label
    return min(case.quantities[name].label for case in cases.values())


def _drawn(
    priors: Priors, cases: Mapping[str, Priors], names: Sequence[str], settings: Settings
) -> dict[str, Scenarios]:
    """The scenarios of each choice, all on the uniforms that a run of the file itself has.

    The file gives the names their dimensions, but is no case: its correlations that no choice has do not count.
    """
    own = [name for each in (priors, *cases.values()) for name in each.priors]
    places = dimensions(model.quantities(priors.model), own)
    drawing = Drawing(cases, settings)
    return {name: drawing.scenarios(name, names, places=places) for name in cases}


class _Replicate(NamedTuple):
    """What is kept of a replicate beside bands; `shares` (of being the best) and `regrets` are means by choice."""

    shares: Array
    regrets: Array
    binned: Mapping[str, Binned]


def _fold(
    drawn: Mapping[str, Scenarios],
    names: Sequence[str],
    parted: Mapping[str, Partition],
    statistics: Sequence[Statistic],
    workers: Workers,
    *,
    maximize: bool,
) -> tuple[Bands[Key], list[_Replicate]]:
    """Draw all scenarios of the choices side by side, and summarize them."""
    first = next(iter(drawn.values()))
    told_by = {option: {name: each for name, each in parted.items() if each.choice == option} for option in drawn}

    def work(replicate: int, ticks: Ticks) -> tuple[dict[Key, Part], _Replicate]:
        gathering = Gathering[Key]((name, option) for option in drawn for name in names)
        shares, regrets = np.zeros(len(drawn)), np.zeros(len(drawn))
        binned = {name: Binned(np.zeros(each.bins), np.zeros((len(drawn), each.bins))) for name, each in parted.items()}
        in_step = [
            scenarios.in_chunks(replicate, None if place else ticks)  # the first one's steps stand for all
            for place, scenarios in enumerate(drawn.values())
        ]
        for chunks in zip(*in_step, strict=True):
            costs = np.empty((len(drawn), first.size))
            for place, (option, chunk) in enumerate(zip(drawn, chunks, strict=True)):
                for name in names:
                    gathering.add((name, option), chunk.columns[name], chunk.size)
                costs[place] = chunk.columns[names[0]]
            if maximize:
                np.negative(costs, out=costs)
            with np.errstate(invalid="ignore"):  # what is not finite is refused in the end
                least = costs.min(axis=0)
                best = costs == least
                shares += (best / np.maximum(best.sum(axis=0), 1)).sum(axis=1)
                regrets += (costs - least).sum(axis=1)
                costs[1:] -= costs[0]
            for (option, scenarios), chunk in zip(drawn.items(), chunks, strict=True):
                add_chunk(binned, told_by[option], scenarios.sampler, chunk.words, costs)
        count = first.chunks * first.size
        return gathering.finish(statistics), _Replicate(shares / count, regrets / count, binned)

    bands, replicates = Bands[Key](statistics), list[_Replicate]()

    def take(found: tuple[dict[Key, Part], _Replicate]) -> None:
        bands.add(found[0])
        replicates.append(found[1])

    workers.fold(work, range(first.replicates), take, what="scenarios", steps=first.steps)
    return bands, replicates


def _left_out(priors: Priors, bands: Mapping[Key, Band], cost: str, total: int) -> list[str]:
    """What was not finite beside the cost, a line each. Raises SimulateError where the cost was not."""
    told = []
    for (name, option), band in bands.items():
        if not (wrong := band.summary.nonfinite):
            continue
        if name == cost:
            raise SimulateError(
                f"{priors.path}: {name} is nan or infinite in {wrong:,} of {total:,} scenarios of {option}, so that it "
                "has no expectation; mend the formula or truncate the priors behind it"
            )
        told.append(f"{name} of {option}: nan or infinite in {wrong:,} of {total:,} scenarios, left out")
    return told


def _put_regrets(result: Result, replicates: Sequence[_Replicate], best: int, unit: str) -> None:
    """How often each choice is the best, and what it loses; the best one's loss is what knowing all would save."""
    along = ("choice",)
    shares = _by_choice([each.shares for each in replicates])
    regrets = _by_choice([each.regrets for each in replicates])
    result.put("probability_best", along, *shares, label="probability of being the best", unit="1")
    result.put("expected_regret", along, *regrets, label="expected regret", unit=unit)
    evpi = [each[best] for each in regrets]
    result.put("evpi", (), *evpi, label="expected value of perfect information", unit=unit)


def _by_choice(replicates: Sequence[Array]) -> tuple[list[float], Array]:
    """The choices' means over the replicates, and their standard errors."""
    values = np.array(replicates)
    return [float(column.mean()) for column in values.T], standard_error(values)


def _put_information(result: Result, holders: Mapping[str, Priors], worth: Mapping[str, Array], unit: str) -> None:
    """What finding out each prior alone is worth, the largest first.

    `worth` tells it by replicate, `holders` are choices that have the prior, each by the priors' names.
    """
    values = {name: max(float(gains.mean()), 0.0) for name, gains in worth.items()}
    names = sorted(values, key=lambda name: -values[name])
    put_priors(result, [holders[name].quantities[name] for name in names])
    result.beside("prior_label", ("prior",), [holders[name].priors[name].label for name in names])
    errors = [float(standard_error(worth[name])) for name in names]
    told = "expected value of perfect information on the prior"
    result.put("evppi", ("prior",), [values[name] for name in names], errors, label=told, unit=unit)
