"""The tornado: what each prior does to each quantity, and where the quantities stand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from simulate.conditions import questions
from simulate.distributions import Constant
from simulate.errors import SimulateError
from simulate.priors import Priors
from simulate.replicates import Progress, Workers
from simulate.results import Result
from simulate.results.provenance import described, put_priors, put_quantities
from simulate.runs import run
from simulate.runs.messages import small_errors
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Drawing, asked_quantities, chunking
from simulate.sensitivity.method import Asking, Band, Measured, Method
from simulate.sensitivity.methods import METHODS
from simulate.settings import Percent, Percents, Settings, checked
from simulate.statistics import MEAN, single_percentile

BACKGROUND = 2**18  # scenarios behind the P50 and the mean that stand beside the bars


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
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Measure what each prior does to each quantity, by one of `simulate.sensitivity.methods`.

    `low` and `high` are percents of a prior; `percentile` is what `conditional` follows of the quantity, its mean by
    default. `given` are conditions such as 'capex < 1e9', `observe` measured values: all is then of the scenarios in
    which they hold, by their weights, the priors' percentiles too. `percentiles` of each quantity are told beside its
    P50.

    The result has the method's figures and `size`, by which bars are sorted, along `quantity` and `prior`, nan where
    a prior does not move a quantity; `low_input` and `high_input` along `prior`; and along `quantity` `baseline`,
    `mean` and `percentiles`.
    Raises SimulateError for what cannot be asked or measured.
    """
    how = METHODS[METHODS.known(method)]
    low, high = checked(Percent, "low", low), checked(Percent, "high", high)
    if low >= high:
        raise SimulateError(f"low {low:g} and high {high:g} are no rising percentages between 0 and 100")
    if percentile is not None:
        percentile = checked(Percent, "percentile", percentile)
        if not how.follows:
            mend = " or ".join(name for name, each in METHODS.items() if each.follows)
            raise SimulateError(f"{method} follows no percentile of the quantity; use {mend} with --percentile")
    told = () if percentiles is None else checked(Percents, "percentiles", percentiles)
    asked = priors.run.asked(
        scenarios=scenarios, seed=seed, scheme=scheme, percentiles=(50.0, *told), given=given, observe=observe
    )
    names = asked_quantities(priors, quantities)
    settings = asked.of_any_question()
    settings = settings.asked(scenarios=_count(method, how, settings, chosen=scenarios is not None))
    background = run(
        replace(priors, run=settings),
        scenarios=settings.scenarios if settings.conditions else BACKGROUND,
        percentiles=[low, high, *settings.percentiles],
        quantities=names,
        threads=threads,
        progress=progress,
    )
    if how.mixes:
        _check_variance(background)
    drawing, conditions = Drawing({"": priors}, settings), questions(priors, (), settings.given, settings.observe)
    bands, workers = _bands(priors, background, low, high), Workers(threads, progress)
    followed = MEAN if percentile is None else single_percentile(percentile)
    measured = {
        name: how.measure(Asking(name, priors, drawing, conditions, bands, followed, workers, _power(background, name)))
        if background.at("minimum", quantity=name) < background.at("maximum", quantity=name)
        else Measured(background.at("mean", quantity=name), {})
        for name in names
    }
    result = described("tornado", priors, settings, drawing.scenarios("", names))
    result.attributes.update(method=method, low=low, high=high)
    if percentile is not None:
        result.attributes["percentile"] = percentile
    notes = [how.note, how.of_correlations if priors.correlations else ""]
    result.provenance["note"] = " ".join(filter(None, notes))
    result.provenance["warnings"] += [*background.warnings, *asked.left_out("tornado")]
    if how.mixes:
        result.provenance["warnings"] += small_errors(background.provenance["rare"], of_sd_alone=True)
    if settings.conditions:
        result.provenance["kept"] = background.provenance["kept"]
    _put_effects(result, priors, how, measured, bands)
    beside = background.taken("percentile", settings.percentiles)
    result.coordinates["percentile"] = beside.coordinates["percentile"]
    for name in ("mean", "mean_se", "percentiles", "percentiles_se"):
        result.variables[name] = beside.variables[name]
    return result


def _count(method: str, how: Method, settings: Settings, *, chosen: bool) -> int:
    """How many scenarios are drawn, in whole chunks: the method's usual number unless another is chosen.

    Under conditions there are at least as many as in a run: what these leave of fewer would be too few.
    """
    if settings.conditions and how.mixes:
        mend = " or ".join(name for name, each in METHODS.items() if not each.mixes)
        option = "--given" if settings.given else "--observe"
        raise SimulateError(f"{method} mixes scenarios and takes no condition; use {mend} with {option}")
    usual = max(how.scenarios, settings.scenarios) if settings.conditions else how.scenarios
    size, chunks = chunking(settings.scenarios if chosen else usual)
    return size * chunks * REPLICATES


def _check_variance(background: Result) -> None:
    for name in background.labels("quantity"):
        if wrong := background.at("nonfinite", quantity=name):
            mend = " or ".join(each for each, how in METHODS.items() if not (how.mixes or how.at_medians))
            raise SimulateError(
                f"{name} is not a number in {wrong:,.0f} of {background.attributes['scenarios']:,} scenarios, which "
                f"leaves its variance unknown; use --method {mend}, which leave them out"
            )


def _bands(priors: Priors, background: Result, low: float, high: float) -> dict[str, Band]:
    """Low, median and high of each prior that varies: exact, or under conditions of the draws kept."""
    which = "prior_percentiles_given" if "prior_percentiles_given" in background else "prior_percentiles"
    return {
        name: tuple(background.at(which, prior=name, percentile=percent) for percent in (low, 50, high))
        for name in background.labels("prior")
        if not isinstance(priors.priors[name].distribution, Constant)
    }


def _power(background: Result, name: str) -> int:
    ends = [background.at(end, quantity=name) for end in ("minimum", "maximum")]
    return int(np.frexp(np.max(np.abs(ends)))[1])


def _put_effects(
    result: Result, priors: Priors, how: Method, measured: Mapping[str, Measured], bands: Mapping[str, Band]
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
    size = np.abs(result[how.size]) if how.signed else result[how.size]
    result.put("size", dims, size, label="what bars are sorted by", **unit)
    for place, end in ((0, "low"), (2, "high")):
        inputs = [bands[prior][place] for prior in movers]
        result.put(f"{end}_input", ("prior",), inputs, label=f"the prior's {end} end", unit_of="prior_unit")
    baselines = [each.baseline for each in measured.values()]
    result.put("baseline", ("quantity",), baselines, label="while no prior is singled out", unit_of="unit")
