"""The question: which choice of a priors file is the best, how often, and at what regret."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from simulate.backends import Ticks
from simulate.bands import Band, Bands, only_bounds, put_bands, put_kept
from simulate.conditions import Kept, check_kept, check_known, questions
from simulate.decisions import sides
from simulate.decisions.information import Binned, Partition, add_block, moved, partitions, worth
from simulate.decisions.sides import Key
from simulate.decisions.smoothing import Saved
from simulate.errors import SimulateError, read_all
from simulate.folding import fold_replicates
from simulate.gathering import Fault, Gathering, Part
from simulate.graph import Array
from simulate.priors import Priors, choice, stated
from simulate.replicates import Progress, Workers
from simulate.results import Result, provenance
from simulate.results.in_vain import in_vain
from simulate.results.provenance import put_priors
from simulate.rounding import settle
from simulate.scenarios import Piece, Scenarios, named_quantities
from simulate.spread import share_error, standard_error
from simulate.statistics import Statistic, usual
from simulate.summary import WEIGHT
from simulate.units import is_cost

UNRESOLVED = 0.01  # of the EVPI: what the bins of a prior may hide without a word


def decide(
    priors: Priors,
    *,
    quantities: Sequence[str] | str | None = None,
    maximize: bool = False,
    given: Sequence[str] | None = None,
    observe: Sequence[str] | None = None,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    percentiles: Sequence[float] | None = None,
    backend: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Result:
    """Decide between the choices of a priors file by the first of the quantities, a cost (or a profit).

    The other quantities are told beside it. `given` are conditions such as 'pue < 1.2', `observe` measured values, of
    what is the same in all choices: all is then of the scenarios in which they hold, by their weights. What is left out
    is as the file's [run] says. What is in no unit of money is decided by only where it is named here.

    The result has `percentiles`, `mean`, `sd`, `minimum`, `maximum`, `nonfinite` and `fine_percentiles` along
    `quantity`, the cost first, and `choice`; along `choice` also `probability_best` (of choices that tie, each has
    its part of the scenario), `expected_regret`, the mean cost beyond the least, and `beyond_best`, the mean beyond
    that of `best`, whose standard error tells whether the two can be told apart; `evpi`, what knowing everything
    is worth; and `evppi` along `prior`, what finding out each alone is worth, the largest first, without constants
    and what the cost does not need. Attributes: `decided_by` (the cost), `objective`, `best` (the choice).
    Raises SimulateError for fewer than two choices, for a quantity that there is not or that one of the choices
    cannot compute, for a file's quantity that is no cost, for a cost that is not finite throughout, and for conditions
    that choices do not share or that leave too few scenarios.
    """
    run_with, chosen = priors.run, priors.chosen
    if chosen:  # the file itself, of which a choice is but one case
        priors = stated(priors.files, priors.overrides)
    cases = _cases(priors)
    settings, faults = run_with.read(
        scenarios=scenarios, seed=seed, scheme=scheme, percentiles=percentiles, given=given, observe=observe
    )
    names, pool, *asked = read_all(
        partial(_asked, priors, cases, quantities, settings.quantities),
        partial(Workers, backend, workers, progress, scheduler),
        *(partial(questions, case, (), settings.given, settings.observe) for case in cases.values()),
        faults=faults,
    )
    named = named_quantities(quantities)
    settings = settings.asked(quantities=named or None)
    cost, units = names[0], sides.units(priors, cases, names)
    if not (named or is_cost(units[0])):
        what = "a mere number" if units[0] == "1" else f"in {units[0]}"
        raise SimulateError(
            f"{priors.path}: {cost} is {what}, which is no cost; name what to decide by with --quantities {cost}"
        )
    drawn = sides.scenarios(priors, cases, names, settings, dict(zip(cases, asked, strict=True)), pool)
    first = next(iter(drawn.values()))
    statistics = usual(settings.percentiles)
    parted = partitions(cases, cost, drawn)
    bands, replicates = _fold(drawn, names, parted, statistics, pool, maximize=maximize)
    kept = Kept.of(each.kept for each in replicates)
    if settings.conditions:
        check_kept(first.questions, kept, why=first.contradictions)
    result = provenance.described("decide", priors, settings, first)
    of_inputs = [line for option, case in cases.items() for line in provenance.of_inputs(case, drawn[option])]
    of_inputs += map(str, in_vain([*cases.values()], [*names, *first.questions.names]))
    warnings = [*dict.fromkeys(of_inputs), *_faults(priors, bands, drawn, cost), *settings.left_out("decide")]
    if chosen:
        warnings.append(f"decide: the run was of choice {chosen}; here all choices are set side by side")
    result.provenance["warnings"] = warnings
    result.provenance["aging"] = provenance.aging((case, drawn[option]) for option, case in cases.items())
    means = [bands[cost, name].value("mean") for name in cases]
    best = int(np.argmax(means) if maximize else np.argmin(means))
    objective = "maximize" if maximize else "minimize"
    result.attributes.update(decided_by=cost, objective=objective, best=list(cases)[best])
    result.along("quantity", names)
    result.beside("label", ("quantity",), [sides.label(priors, cases, name) for name in names])
    result.beside("unit", ("quantity",), units)
    result.along("choice", list(cases))
    result.beside("choice_label", ("choice",), [priors.choices[name].label for name in cases])
    put_bands(result, bands, ("quantity", "choice"), statistics)
    result.provenance["warnings"] += only_bounds(result)
    if settings.conditions:
        put_kept(result, [each.kept for each in replicates], first)
    fixed = all(bands[cost, name].fixed for name in cases)
    _put_regrets(result, replicates, best, units[0], np.inf if fixed else kept.effective)
    changed = moved(drawn, cases, cost, parted)
    found = {
        name: worth([each.binned[name] for each in replicates], best, partition, kept.effective, changed[name])
        for name, partition in parted.items()
    }
    _put_information(result, {name: cases[each.choice] for name, each in parted.items()}, found, units[0])
    return result


def _cases(priors: Priors) -> dict[str, Priors]:
    if len(priors.choices) < 2:
        found = "only one choice" if priors.choices else "no choices"
        raise SimulateError(
            f"{priors.path}: {found} to decide between; add [choices.NAME] tables, each with its own entries"
        )
    return {name: choice(priors, name) for name in priors.choices}


def _asked(
    priors: Priors, cases: Mapping[str, Priors], quantities: Sequence[str] | str | None, of_file: Sequence[str]
) -> tuple[str, ...]:
    """The quantities to tell, the cost first, those of the file where none are named; checked in each choice."""
    named = named_quantities(quantities)
    if named == "all":
        raise SimulateError(f"{priors.path}: {named!r} is no cost to decide by; name it first, then others")
    names = tuple(dict.fromkeys(named or of_file))
    if not names:
        if len(priors.headline) != 1:
            raise SimulateError(
                f"{priors.path}: by what to decide? Name the cost with --quantities or in [run] quantities"
            )
        names = priors.headline

    def check(name: str) -> None:
        anywhere = any(name in each.quantities for each in cases.values())
        for option, case in cases.items():
            check_known(case, name, f"{priors.path}: {f'choice {option}: ' if anywhere else ''}")

    read_all(*(partial(check, name) for name in names))
    return names


class _Replicate(NamedTuple):
    """What is kept of a replicate beside bands; `best` (the shares of being it) and `beyond` it are sums by choice."""

    best: Array
    beyond: Array
    binned: Mapping[str, Binned]
    kept: Kept

    @property
    def shares(self) -> Array:
        """How often each choice is the best."""
        return self.best / (self.kept.total or 1.0)

    @property
    def regrets(self) -> Array:
        """What each choice costs beyond the best, on average."""
        return self.beyond / (self.kept.total or 1.0)

    def join(self, other: "_Replicate") -> None:
        """Add what is kept of the replicate's next scenarios."""
        sums = [(self.best, other.best), (self.beyond, other.beyond)]
        for name, binned in self.binned.items():
            sums += zip(binned, other.binned[name], strict=True)
        for own, more in sums:
            np.add(own, more, out=own)
        self.kept.merge(other.kept)


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
    conditional = first.questions.conditional
    bounded = {(name, option): each.quantities[name] for option, each in drawn.items() for name in names}
    told_by = {option: {name: each for name, each in parted.items() if each.choice == option} for option in drawn}
    ties = sides.ties(drawn, names[0])

    def work(gathering: Gathering[Key], piece: Piece, ticks: Ticks) -> _Replicate:
        shares, regrets = np.zeros(len(drawn)), np.zeros(len(drawn))
        binned = {name: Binned(np.zeros(each.size), np.zeros((len(drawn), each.size))) for name, each in parted.items()}
        kept = Kept()
        for blocks in sides.blocks(drawn, piece, ticks, kept):
            weights = next(iter(blocks.values())).weights
            counting = None if weights is None else weights / WEIGHT
            costs = sides.costs(gathering, blocks, names, ties)
            if maximize:
                np.negative(costs, out=costs)
            with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused in the end
                beyond = costs - costs.min(axis=0)
                shares += sides.sums(sides.best(beyond), counting)
                regrets += sides.sums(beyond, counting)
                costs[1:] -= costs[0]
            for option, block in blocks.items():
                words, sampler = block.words[:, block.places] if conditional else block.words, drawn[option].sampler
                add_block(binned, told_by[option], sampler, words, costs, counting, conditional=conditional)
        return _Replicate(shares, regrets, binned, kept)

    bands, replicates = Bands[Key](statistics), list[_Replicate]()

    def take(parts: Mapping[Key, Part], replicate: _Replicate) -> None:
        bands.add(parts)
        replicates.append(replicate)

    fold_replicates(
        work,
        first,
        take,
        keys=bounded,
        statistics=statistics,
        workers=workers,
        join=_Replicate.join,
        quantities=bounded,
    )
    for option, each in drawn.items():
        settle(each, {name: bands[name, option] for name in names})
    return bands, replicates


def _faults(priors: Priors, bands: Mapping[Key, Band], drawn: Mapping[str, Scenarios], cost: str) -> list[str]:
    """What was not finite or not possible, a line each. Raises SimulateError where the cost was not finite."""
    told = []
    for (name, option), band in bands.items():
        for fault in Fault:
            if not (count := band.faults[fault]):
                continue
            words, total = band.fault(fault, drawn[option].quantities[name]), drawn[option].count
            often = f"{words} in {count:,} of {total:,} scenarios"
            if fault is Fault.IMPOSSIBLE:
                told.append(f"{name} of {option}: {often}, kept")
            elif name != cost:
                told.append(f"{name} of {option}: {often}, left out")
            else:
                raise SimulateError(
                    f"{priors.path}: {name} is {often} of {option}, so that it has no expectation; mend the formula or "
                    "truncate the priors behind it"
                )
    return told


def _put_regrets(result: Result, replicates: Sequence[_Replicate], best: int, unit: str, scenarios: float) -> None:
    """How often each choice is the best, and what it loses; the best one's loss is what knowing all would save.

    `scenarios` are those that differ.
    """
    along = ("choice",)
    shares, _ = _by_choice([each.shares for each in replicates])
    errors = share_error([each.shares for each in replicates], scenarios)
    regrets = _by_choice([each.regrets for each in replicates])
    result.put("probability_best", along, shares, errors, label="probability of being the best", unit="1")
    result.put("expected_regret", along, *regrets, label="expected regret", unit=unit)
    beyond = _by_choice([each.regrets - each.regrets[best] for each in replicates])
    result.put("beyond_best", along, *beyond, label="expected beyond the best's", unit=unit)
    evpi = [each[best] for each in regrets]
    result.put("evpi", (), *evpi, label="expected value of perfect information", unit=unit)


def _by_choice(replicates: Sequence[Array]) -> tuple[list[float], Array]:
    """The choices' means over the replicates, and their standard errors."""
    values = np.array(replicates)
    with np.errstate(over="ignore"):
        return [float(column.mean()) for column in values.T], standard_error(values)


def _put_information(result: Result, holders: Mapping[str, Priors], worth: Mapping[str, Saved], unit: str) -> None:
    """What finding out each prior alone is worth, the largest first; `holders` are choices that have the prior."""
    names = sorted(worth, key=lambda name: -worth[name].value)
    put_priors(result, [holders[name].quantities[name] for name in names])
    result.beside("prior_label", ("prior",), [holders[name].priors[name].label for name in names])
    values, errors = ([getattr(worth[name], each) for name in names] for each in ("value", "error"))
    told = "expected value of perfect information on the prior"
    result.put("evppi", ("prior",), values, errors, label=told, unit=unit)
    least = UNRESOLVED * float(result.at("evpi"))
    if rough := [name for name in names if worth[name].within > max(least, UNRESOLVED * worth[name].value)]:
        result.provenance["warnings"].append(
            f"{', '.join(rough)}: the value of finding out is not resolved: the costs change within less of the prior "
            "than is told apart, which may be worth as much as ± says"
        )
