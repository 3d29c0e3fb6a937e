"""The tornado: what each prior does to each quantity, and where the quantities stand."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from simulate.bands import BOUND, only_bounds
from simulate.conditions import questions
from simulate.distributions import Constant
from simulate.errors import SimulateError, read_all
from simulate.figures import percentile_name
from simulate.priors import Priors
from simulate.replicates import Progress, Workers
from simulate.results import Result
from simulate.results.provenance import described, put_priors, put_quantities
from simulate.results.told import FINE
from simulate.runs import run
from simulate.runs.messages import rarest_event, small_errors
from simulate.runs.report import varies
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Drawing, asked_quantities, chunking
from simulate.sensitivity.ends import End, of_distribution, of_draws
from simulate.sensitivity.method import Asking, Band, Measured, Method, Quarters
from simulate.sensitivity.methods import METHODS
from simulate.settings import Percent, Settings, checked
from simulate.statistics import MEAN, single_percentile
from simulate.thresholds import settled

BACKGROUND = 2**18  # scenarios behind the P50 and the mean that stand beside the bars
MOST = 2**24  # scenarios over the number of priors, to which there may be more for the sake of a rare event
QUARTERS = (25, 75)  # percents of a prior, at which a picture shows the quantity too
BY_VALUE = "Beside a prior's least or greatest value stands its probability."


def tornado(
    priors: Priors,
    *,
    quantities: Sequence[str] | str | None = None,
    method: str = "swing",
    percentile: float | None = None,
    low: float = 10,
    high: float = 90,
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
    """Measure what each prior does to each quantity, by one of `simulate.sensitivity.methods`.

    `low` and `high` are percents of a prior; where one is a value with a probability of its own, the bar goes to the
    least or greatest value of the prior. `percentile` is what `conditional` follows of the quantity, its mean by
    default. `given` are conditions such as 'capex < 1e9', `observe` measured values: all is then of the scenarios in
    which they hold, by their weights, the priors' percentiles too. `percentiles` of each quantity are told beside its
    P50.

    The result has the method's figures and `size`, by which bars are sorted, along `quantity` and `prior`, nan where
    a prior does not move a quantity; a figure alone is nan where the quantity is no number, a gap that a warning tells.
    It has `low_input` and `high_input` along `prior`, and what they are: `low_percent` or `low_probability`; and along
    `quantity` `baseline`, `mean` and `percentiles`.
    Raises SimulateError for what cannot be asked or measured.
    """
    asked, faults = priors.run.read(
        scenarios=scenarios,
        seed=seed,
        scheme=scheme,
        percentiles=(50.0,) if percentiles is None else percentiles,
        given=given,
        observe=observe,
    )
    names, how, (low, high), asked_of, pool = read_all(
        partial(asked_quantities, priors, quantities),
        partial(_method, method, percentile),
        partial(_ends_asked, low, high),
        partial(questions, priors, (), asked.given, asked.observe),
        partial(Workers, backend, workers, progress, scheduler),
        faults=faults,
    )
    asked = asked.asked(percentiles=(50.0, *asked.percentiles))
    settings, rare = asked.of_any_question(), _for_rare_events(priors, names)
    settings = settings.asked(scenarios=_count(method, how, settings, rare, chosen=scenarios is not None))
    background = run(
        replace(priors, run=settings),
        scenarios=settings.scenarios if settings.conditions else max(BACKGROUND, rare),
        percentiles=[low, high, *QUARTERS, *settings.percentiles],
        quantities=names,
        backend=backend,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )
    drawing = Drawing({"": priors}, settings)
    conditions = settled(asked_of, partial(drawing.scenarios, ""), pool)
    followed = MEAN if percentile is None else single_percentile(percentile)
    ends = _ends(priors, background, low, high)
    if settings.conditions:
        ends |= of_draws(drawing.scenarios("", names, conditions), low, high, pool)
    bands, quarters = _bands(background, ends)

    def asking(name: str) -> Asking:
        return Asking(
            name, priors, drawing, conditions, bands, quarters, ends, followed, pool, _power(background, name)
        )

    measured, blank = _measured(background, how, asking)
    result = described("tornado", priors, settings, drawing.scenarios("", names))
    result.attributes.update(method=method, low=low, high=high)
    if percentile is not None:
        result.attributes["percentile"] = percentile
    moving = {prior for each in measured.values() for prior in each.effects}
    by_value = how.ranges and any(np.isnan(end.percent) for prior in moving for end in ends[prior])
    notes = [how.note, BY_VALUE if by_value else "", how.of_correlations if priors.correlations else ""]
    result.provenance["note"] = " ".join(filter(None, notes))
    result.provenance["blank"] = blank
    gaps = [*blank.values(), *(line for each in measured.values() for line in each.gaps)]
    warnings = [line for line in background.provenance["warnings"] if line not in only_bounds(background)]
    result.provenance["warnings"] += [*warnings, *gaps, *asked.left_out("tornado")]
    if how.mixes:
        result.provenance["warnings"] += small_errors(background.provenance["rare"], of_sd_alone=True)
    if settings.conditions:
        result.provenance["kept"] = background.provenance["kept"]
    _put_effects(result, priors, how, measured, ends)
    _put_background(result, background, settings.percentiles)
    return result


def _method(method: str, percentile: float | None) -> Method:
    """The method of a name, which follows the percentile if there is one."""
    how = METHODS[METHODS.known(method)]
    if percentile is not None:
        checked(Percent, "percentile", percentile)
        if not how.follows:
            mend = " or ".join(name for name, each in METHODS.items() if each.follows)
            raise SimulateError(f"{method} follows no percentile of the quantity; use {mend} with --percentile")
    return how


def _ends_asked(low: float, high: float) -> tuple[float, float]:
    """The percents of a prior, which must rise."""
    low, high = read_all(partial(checked, Percent, "low", low), partial(checked, Percent, "high", high))
    if low >= high:
        raise SimulateError(f"low {low:g} and high {high:g} are no rising percentages between 0 and 100")
    return low, high


def _for_rare_events(priors: Priors, names: Sequence[str]) -> int:
    """How many scenarios show a prior's rarest event in each replicate, as far as that is no toil; 0 without any."""
    inputs = priors.wiring.plan(names).inputs
    rarest = min((rarest_event(priors.priors[name].distribution, BACKGROUND) for name in inputs), default=1.0)
    return min(math.ceil(REPLICATES / rarest), MOST // len(inputs)) if rarest < 1 else 0


def _count(method: str, how: Method, settings: Settings, rare: int, *, chosen: bool) -> int:
    """How many scenarios are drawn, in whole chunks: the method's usual number unless another is chosen.

    Under conditions there are at least as many as in a run: what these leave of fewer would be too few. Where an event
    is rare there are as many as show it.
    """
    if settings.conditions and how.mixes:
        mend = " or ".join(name for name, each in METHODS.items() if not each.mixes)
        option = "--given" if settings.given else "--observe"
        raise SimulateError(f"{method} mixes scenarios and takes no condition; use {mend} with {option}")
    usual = max(how.scenarios, settings.scenarios) if settings.conditions else how.scenarios
    size, chunks = chunking(settings.scenarios if chosen else usual if how.at_medians else max(usual, rare))
    return size * chunks * REPLICATES


def _measured(
    background: Result, how: Method, asking: Callable[[str], Asking]
) -> tuple[dict[str, Measured], dict[str, str]]:
    """What a method finds of each quantity, and why it finds nothing of some.

    Raises SimulateError where it finds nothing of any.
    """
    measured, blank = dict[str, Measured](), dict[str, str]()
    for name in background.labels("quantity"):
        measured[name] = Measured(background.at("mean", quantity=name), {})
        if not varies(background, name):
            continue
        try:
            _check_known(background, name, how)
            measured[name] = how.measure(asking(name))
        except SimulateError as error:
            blank[name] = str(error)
    if len(blank) == len(measured):
        raise SimulateError(next(iter(blank.values())))
    return measured, blank


def _check_known(background: Result, name: str, how: Method) -> None:
    """Raise SimulateError where a method needs the variance of a quantity that is not a number in some scenarios."""
    if how.mixes and (wrong := background.at("nonfinite", quantity=name)):
        mend = " or ".join(each for each, how in METHODS.items() if not (how.mixes or how.at_medians))
        raise SimulateError(
            f"{name} is not a number in {wrong:,.0f} of {background.attributes['scenarios']:,} scenarios, which "
            f"leaves its variance unknown; use --method {mend}, which leave them out"
        )


def _ends(priors: Priors, background: Result, low: float, high: float) -> dict[str, tuple[End, End]]:
    """The ends of each prior that varies: exact, or under conditions percentiles of the draws kept."""
    distributions = {name: priors.priors[name].distribution for name in background.labels("prior")}
    varying = {name: each for name, each in distributions.items() if not isinstance(each, Constant)}
    given = "prior_percentiles_given"
    if given not in background:
        return {name: of_distribution(each, low, high) for name, each in varying.items()}
    return {
        name: (
            End(background.at(given, prior=name, percentile=low), low),
            End(background.at(given, prior=name, percentile=high), high),
        )
        for name in varying
    }


def _bands(background: Result, ends: Mapping[str, tuple[End, End]]) -> tuple[dict[str, Band], dict[str, Quarters]]:
    """Low end, median and high end of priors, and their quarters."""
    which = "prior_percentiles_given" if "prior_percentiles_given" in background else "prior_percentiles"
    bands, quarters = dict[str, Band](), dict[str, Quarters]()
    for name, (low, high) in ends.items():
        median, *within = (background.at(which, prior=name, percentile=each) for each in (50, *QUARTERS))
        bands[name], quarters[name] = (low.value, median, high.value), (within[0], within[1])
    return bands, quarters


def _put_background(result: Result, background: Result, percents: Sequence[float]) -> None:
    """Where the quantities stand: mean and percentiles, and of which of these only bounds are told."""
    beside = background.taken("percentile", percents)
    names = set(map(percentile_name, percents))
    few = {name: each for name, each in background.provenance.get("few_beyond", {}).items() if name in names}
    if few:
        result.provenance["few_beyond"] = background.provenance["few_beyond"] = few
        result.provenance["warnings"] += only_bounds(background, "ask `simulate run`")
    result.coordinates["percentile"] = beside.coordinates["percentile"]
    for name in ("mean", "mean_se", "percentiles", "percentiles_se", f"percentiles{BOUND}"):
        if name in beside:
            result.variables[name] = beside.variables[name]


def _power(background: Result, name: str) -> int:
    ends = [background.at(end, quantity=name) for end in ("minimum", "maximum")]
    return int(np.frexp(np.max(np.abs(ends)))[1])


def _put_effects(
    result: Result, priors: Priors, how: Method, measured: Mapping[str, Measured], ends: Mapping[str, tuple[End, End]]
) -> None:
    movers = list(dict.fromkeys(prior for each in measured.values() for prior in each.effects))
    put_quantities(result, [priors.quantities[name] for name in measured])
    put_priors(result, [priors.quantities[name] for name in movers])
    unit = {"unit_of": "unit"} if how.ranges else {"unit": "1"}
    dims = ("quantity", "prior")
    nothing = dict.fromkeys(how.figures, (np.nan, np.nan))
    for figure, label in how.figures.items():
        pairs = [each.effects.get(prior, nothing)[figure] for each in measured.values() for prior in movers]
        found = np.array(pairs).reshape(len(measured), len(movers), 2)
        told = f"{label} ({how.shown(result.attributes)})"
        result.put(figure, dims, found[..., 0], found[..., 1], label=told, **unit)
    sizes = [_size(how, each, prior) for each in measured.values() for prior in movers]
    size = np.reshape(sizes, (len(measured), len(movers)))
    result.put("size", dims, size, label="what bars are sorted by", **unit)
    for place, side in enumerate(("low", "high")):
        own = [ends[prior][place] for prior in movers]
        told = f"the prior's {side} end"
        result.put(f"{side}_input", ("prior",), [end.value for end in own], label=told, unit_of="prior_unit")
        what_it_is = {
            "percent": f"the percent of the prior at its {side} end, where that is a percentile",
            "probability": f"the probability of the prior's {side} end, where that is a value by itself",
        }
        for what, told in what_it_is.items():
            values = [getattr(end, what) for end in own]
            if np.isfinite(values).any():
                result.put(f"{side}_{what}", ("prior",), values, label=told, unit="1")
    if how.at_medians:  # along what no file but the .nc tells
        result.along(FINE, QUARTERS, "percent")
        pairs = [each.quarters.get(prior, (np.nan, np.nan)) for each in measured.values() for prior in movers]
        found = np.reshape(pairs, (len(measured), len(movers), len(QUARTERS)))
        result.put("at_quarters", (*dims, FINE), found, label="at the prior's P25 and P75", unit_of="unit")
    baselines = [each.baseline for each in measured.values()]
    result.put("baseline", ("quantity",), baselines, label="while no prior is singled out", unit_of="unit")


def _size(how: Method, measured: Measured, prior: str) -> float:
    """By what the bar of a prior is sorted: how far it reaches from the baseline, or its figure of that name."""
    if prior not in measured.effects:
        return np.nan
    effect = measured.effects[prior]
    if not how.ranges:
        size = effect[how.size][0]
        return abs(size) if how.signed else size
    with np.errstate(over="ignore"):
        reached = np.abs(np.subtract([effect[side][0] for side in ("low", "high")], measured.baseline))
    return float(np.max(reached, initial=0, where=~np.isnan(reached)))
