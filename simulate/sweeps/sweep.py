"""The question: how bands move along values of one prior, and which choice is the best at each of them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from simulate import grammar
from simulate.backends import Ticks
from simulate.bands import Band, Bands, only_bounds, put_bands, put_kept
from simulate.conditions import Kept, check_kept, questions
from simulate.decisions import sides
from simulate.distributions import Constant
from simulate.errors import SimulateError, read_all
from simulate.folding import fold_replicates
from simulate.gathering import Gathering, Part
from simulate.graph import Array
from simulate.priors import Priors, choice, stated
from simulate.priors.types import Measured
from simulate.replicates import Progress, Workers
from simulate.results import Result, provenance
from simulate.results.folder import name_of
from simulate.results.in_vain import in_vain
from simulate.rounding import settle
from simulate.scenarios import Piece, Scenarios, asked_quantities
from simulate.spread import share_error
from simulate.statistics import Statistic, usual
from simulate.summary import WEIGHT

MOST_VALUES = 200  # each is a run of all choices
Key = tuple[str, str, float]  # quantity, choice, value of the prior


def sweep(
    priors: Priors,
    *,
    over: str,
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
    """Tell quantities at each of several values of a prior, `over` such as 'pue=1.1,1.2,1.3', of each choice.

    All values and choices share their draws. By the first of the quantities, a cost (or a profit), choices are set side
    by side at each value: the best is so of those that give a number there. What is left out is as [run] says.

    The result has `percentiles`, `mean`, `sd`, `minimum`, `maximum`, `nonfinite` and `fine_percentiles` along
    `quantity`, `choice` and `swept`, the values in the unit of the quantity, and along the last two
    `probability_best`, how often a choice is the best of those that give a number (of choices that tie, each has its
    part), and `probability_finite`, how often it gives one. A file without choices is the only one. What was measured
    at a value of the prior stands in `measured` and `measured_at`, along `measurement`. Attributes: `over`,
    `decided_by` (the first quantity), `objective`.
    Raises SimulateError for values that are no numbers or are listed twice, for a name that there is not, and for
    quantities and conditions as `decide` does.
    """
    run_with = priors.run
    settings, faults = run_with.read(
        scenarios=scenarios, seed=seed, scheme=scheme, percentiles=percentiles, given=given, observe=observe
    )
    if priors.chosen:
        priors = stated(priors.files, priors.overrides)
    (prior, at), pool = read_all(
        partial(_swept, priors, over), partial(Workers, backend, workers, progress, scheduler), faults=faults
    )
    options = tuple(priors.choices) or (name_of(priors.path),)
    cases = {value: {option: _case(made, option) for option in options} for value, made in at.items()}
    every = {f"{option} at {value!r}": case for value, several in cases.items() for option, case in several.items()}
    names = read_all(*(partial(asked_quantities, case, quantities) for case in every.values()))[0]
    units = sides.units(priors, every, names)
    settings = settings.asked(quantities=names)
    asked = read_all(*(partial(questions, case, (), settings.given, settings.observe) for case in every.values()))
    statistics = usual(settings.percentiles)
    bands, replicates = dict[Key, Band](), dict[float, list[_Replicate]]()
    warnings, aging = list[str](), dict[str, str]()
    first: Scenarios | None = None
    for place, (value, several) in enumerate(cases.items()):
        wanted = dict(zip(options, asked[place * len(options) :], strict=False))
        drawn = sides.scenarios(at[value], several, names, settings, wanted, pool)
        first = first or next(iter(drawn.values()))
        found, replicates[value] = _fold(drawn, names, statistics, pool, maximize=maximize)
        for option, each in drawn.items():
            settle(each, {name: found[name, option] for name in names})
            warnings += provenance.of_inputs(several[option], each)
            aging |= provenance.aging([(several[option], each)])
        bands |= {(*key, value): band for key, band in found.items()}
    warnings += map(str, in_vain([*every.values()], [*names, *asked[0].names]))
    assert first is not None
    kept = {value: Kept.of(each.kept for each in replicates[value]) for value in at}
    if settings.conditions:
        for of_value in kept.values():
            check_kept(first.questions, of_value, why=first.contradictions)
    result = provenance.described("sweep", priors, settings, first)
    result.provenance["warnings"] = [*dict.fromkeys(warnings), *settings.left_out("sweep")]
    result.provenance["aging"] = aging
    objective = "maximize" if maximize else "minimize"
    result.attributes.update(over=over, decided_by=names[0], objective=objective)
    result.along("quantity", names)
    result.beside("label", ("quantity",), [sides.label(priors, every, each) for each in names])
    result.beside("unit", ("quantity",), units)
    result.along("choice", options)
    titles = [priors.choices[option].label if option in priors.choices else option for option in options]
    result.beside("choice_label", ("choice",), titles)
    one = next(iter(at.values()))
    result.along("swept", list(at), one.quantities[prior].unit, one.quantities[prior].label)
    put_bands(result, bands, ("quantity", "choice", "swept"), statistics)
    _put_measured(result, [each for each in priors.measured if each.over == prior and each.figure.quantity in names])
    result.provenance["warnings"] += only_bounds(result)
    if settings.conditions:
        put_kept(result, [each.kept for each in replicates[next(iter(at))]], first)
    _put_shares(result, replicates, kept)
    return result


def _put_measured(result: Result, measured: Sequence[Measured]) -> None:
    """What was measured at a value of the prior, of which choice, in the units of the quantities."""
    if not measured:
        return
    options = result.labels("choice")
    result.along("measurement", range(len(measured)))
    result.beside("measured_quantity", ("measurement",), [each.figure.quantity for each in measured])
    result.beside("measured_choice", ("measurement",), [each.choice or options[0] for each in measured])
    result.beside("measured_source", ("measurement",), [each.figure.source for each in measured])
    result.put("measured_at", ("measurement",), [each.at for each in measured], unit=result.coordinates["swept"].unit)
    units = [result.at("unit", quantity=each.figure.quantity) for each in measured]
    result.beside("measured_unit", ("measurement",), units)
    values = [each.figure.value for each in measured]
    result.put("measured", ("measurement",), values, label="what was measured", unit_of="measured_unit")


def _put_shares(result: Result, replicates: Mapping[float, Sequence["_Replicate"]], kept: Mapping[float, Kept]) -> None:
    """How often each choice is the best at each value, and how often it gives a number."""
    for figure, label in (("best", "probability of being the best"), ("finite", "probability of giving a number")):
        shares = [[getattr(each, figure) for each in of_value] for of_value in replicates.values()]
        errors = [share_error(of_value, each.effective) for of_value, each in zip(shares, kept.values(), strict=True)]
        told = np.mean(shares, axis=1).T, np.transpose(errors)
        result.put(f"probability_{figure}", ("choice", "swept"), *told, label=label, unit="1")


def _swept(priors: Priors, over: str) -> tuple[str, dict[float, Priors]]:
    """The prior that takes values, and the priors at each, by the value in the unit of the quantity."""
    name, texts = grammar.VARIATION.read(over, "--over")
    if len(texts) > MOST_VALUES:
        raise SimulateError(f"--over: lists {len(texts)} values, more than {MOST_VALUES}; list fewer")
    found: dict[float, Priors] = {}
    for text in texts:
        made = stated(priors.files, [*priors.overrides, f"{name}={text}"])
        prior = made.priors[name]
        if not isinstance(prior.distribution, Constant):
            raise SimulateError(f"--over: {text} is no number for {name}; list numbers, as in '{name}=1,2,5'")
        value = prior.distribution.value
        if value in found:
            raise SimulateError(f"--over: {name} takes the value {text} twice; list it once")
        found[value] = made
    return name, dict(sorted(found.items()))


def _case(priors: Priors, option: str) -> Priors:
    return choice(priors, option) if option in priors.choices else priors


class _Replicate(NamedTuple):
    """What is kept of a replicate at a value: by choice, the sums of being the best and of giving a number."""

    sums: Array  # (2, choices)
    kept: Kept

    @property
    def best(self) -> Array:
        """How often each choice is the best."""
        shares: Array = self.sums[0] / (self.kept.total or 1.0)
        return shares

    @property
    def finite(self) -> Array:
        """How often each choice gives a number."""
        shares: Array = self.sums[1] / (self.kept.total or 1.0)
        return shares

    def join(self, other: "_Replicate") -> None:
        """Add what is kept of the replicate's next scenarios."""
        np.add(self.sums, other.sums, out=self.sums)
        self.kept.merge(other.kept)


def _fold(
    drawn: Mapping[str, Scenarios],
    names: Sequence[str],
    statistics: Sequence[Statistic],
    workers: Workers,
    *,
    maximize: bool,
) -> tuple[Bands[sides.Key], list[_Replicate]]:
    """Draw the choices side by side at a value, and count how often each is the best."""
    bounded = {(name, option): each.quantities[name] for option, each in drawn.items() for name in names}
    ties = sides.ties(drawn, names[0])

    def work(gathering: Gathering[sides.Key], piece: Piece, ticks: Ticks) -> _Replicate:
        sums, kept = np.zeros((2, len(drawn))), Kept()
        for blocks in sides.blocks(drawn, piece, ticks, kept):
            weights = next(iter(blocks.values())).weights
            counting = None if weights is None else weights / WEIGHT
            costs = sides.costs(gathering, blocks, names, ties)
            finite = np.isfinite(costs)
            costs = np.where(finite, -costs if maximize else costs, np.inf)
            with np.errstate(invalid="ignore", over="ignore"):  # where none gives a number, none is the best
                sums[0] += sides.sums(sides.best(costs - costs.min(axis=0)), counting)
            sums[1] += sides.sums(finite, counting)
        return _Replicate(sums, kept)

    bands, replicates = Bands[sides.Key](statistics), list[_Replicate]()

    def take(parts: Mapping[sides.Key, Part], replicate: _Replicate) -> None:
        bands.add(parts)
        replicates.append(replicate)

    fold_replicates(
        work,
        next(iter(drawn.values())),
        take,
        keys=bounded,
        statistics=statistics,
        workers=workers,
        join=_Replicate.join,
        quantities=bounded,
    )
    return bands, replicates
