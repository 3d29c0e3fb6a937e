"""Runs: the scenarios of a priors file, summarized as bands, with what moves them and what was asked besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.conditions import Condition, Kept, Questions, check_kept, questions
from simulate.errors import SimulateError
from simulate.graph import Array
from simulate.priors import Priors
from simulate.replicates import Progress, Ticks, Workers
from simulate.results import Result
from simulate.results.provenance import described
from simulate.runs import messages
from simulate.runs.components import components, with_components
from simulate.runs.correlations import rank_correlations
from simulate.runs.precision import START, Target, further, targets
from simulate.scenarios import Chunk, Drawing, Scenarios, asked_quantities
from simulate.settings import Settings
from simulate.statistics import Bands, Gathering, Part, Statistic, optional, put_bands, standard_error, usual

RANKED = 512  # scenarios a replicate behind the rank correlations


def run(
    priors: Priors,
    *,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    percentiles: Sequence[float] | None = None,
    quantities: Sequence[str] | str | None = None,
    statistics: Sequence[tuple[str, float | None]] = (),
    probability: Sequence[str] = (),
    given: Sequence[str] | None = None,
    observe: Sequence[str] | None = None,
    precision: str | None = None,
    parts: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run the priors and tell the bands of quantities, by default the file's headline.

    What is left out is as the file's [run] says. `statistics` are further ones, by name and percent; `probability`
    are conditions whose probability is told; `given` and `observe` are conditions and measured values under which
    all is told. `precision` adds scenarios until the bands are known so well, such as '0.5%'; `parts` adds the
    parts of those quantities that are sums.

    The result has `percentiles`, `mean`, `sd`, `minimum`, `maximum`, `nonfinite` and `fine_percentiles` along
    `quantity`, `rank_correlation` (Spearman's) along `quantity` and `prior`, and `prior_percentiles` along `prior`.
    Raises SimulateError for what cannot be asked or computed, for a quantity named that is a number in no scenario,
    and where conditions leave too few scenarios.
    """
    settings = priors.run.asked(
        scenarios=scenarios, seed=seed, scheme=scheme, percentiles=percentiles, given=given, observe=observe
    )
    asked = asked_quantities(priors, quantities)
    names = with_components(priors.quantities, priors.priors, asked) if parts else asked
    task = _Task(
        priors,
        names,
        asked,
        questions(priors, probability, settings.given, settings.observe),
        tuple(optional(name, percent) for name, percent in statistics),
        Workers(threads, progress),
        tolerant=quantities == "all",
    )
    if precision is None:
        return task.run(settings)
    return _precise(task, settings, targets(precision, asked), start=scenarios)


@dataclass(frozen=True)
class _Task:
    """What is asked of a run, whatever its settings."""

    priors: Priors
    names: tuple[str, ...]
    asked: tuple[str, ...]
    questions: Questions
    extra: tuple[Statistic, ...]
    workers: Workers
    tolerant: bool  # of quantities that are numbers in no scenario

    def run(self, settings: Settings) -> Result:
        checked = [*self.names, *messages.checks(self.priors, self.names)]
        drawn = Drawing({"": self.priors}, settings).scenarios("", checked, self.questions)
        statistics = (*usual(settings.percentiles), *self.extra)
        folded = fold(drawn, checked, statistics, self.workers)
        wrong = partial(messages.nonfinite, self.priors, drawn, folded.bands, folded.nonfinite)
        nowhere = [name for name in self.names if not folded.bands[name].summary.count]
        if nowhere and not self.tolerant:
            raise SimulateError(f"{wrong(nowhere)[0]}; change what that needs, or ask for other quantities")
        result = described("run", self.priors, settings, drawn)
        _put_quantities(result, self.priors, self.names, self.asked)
        put_bands(result, {name: folded.bands[name] for name in self.names}, ("quantity",), statistics)
        _put_priors(result, self.priors, drawn, folded, settings)
        _put_answers(result, folded)
        result.provenance["warnings"] += [
            *(messages.not_computed(self.priors) if self.tolerant else ()),
            *wrong(self.names),
            *messages.failed_checks(self.priors, folded.bands),
            *messages.small_errors(result),
        ]
        return result


def _precise(task: _Task, settings: Settings, asked: Sequence[Target], start: int | None) -> Result:
    """Run with more and more scenarios until the targets are met; the percentiles told are those of the settings."""
    told, count = settings.percentiles, start or START
    settings = settings.asked(percentiles=[*told, *(target.percent for target in asked)])
    while True:
        result = task.run(settings.asked(scenarios=count))
        more, message = further(result, asked)
        if more is None:
            result.provenance["precision"] = message
            return result.taken("percentile", told)
        count = more


# ---------------------------------------------------------------------------------------------------------
# From chunks to what is kept


class Replicate(NamedTuple):
    """What is kept of a replicate: columns' parts, a few scenarios for ranks, the first chunk with a nan."""

    parts: Mapping[str | Condition, Part]
    kept: Kept
    ranked: Mapping[str, Array]
    nonfinite: Mapping[str, tuple[int, int]]


@dataclass
class Folded:
    """The replicates so far: bands by quantity and condition, and what the conditions leave."""

    bands: Bands[str | Condition]
    questions: Questions
    kept: list[Kept] = field(default_factory=list)
    ranked: list[Mapping[str, Array]] = field(default_factory=list)
    nonfinite: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, replicate: Replicate) -> None:
        """Take up the next replicate."""
        self.bands.add(replicate.parts)
        self.kept.append(replicate.kept)
        self.ranked.append(replicate.ranked)
        self.nonfinite = {**replicate.nonfinite, **self.nonfinite}

    @property
    def whole(self) -> Kept:
        """What the conditions leave of all replicates."""
        whole = Kept()
        for each in self.kept:
            whole.merge(each)
        return whole


def fold(drawn: Scenarios, names: Sequence[str], statistics: Sequence[Statistic], workers: Workers) -> Folded:
    """Draw all scenarios and summarize the named columns; under conditions the inputs' too, which shift.

    Raises SimulateError where the conditions leave too few scenarios.
    """
    asked = drawn.questions
    columns = dict.fromkeys([*names, *(drawn.plan.inputs if asked.conditional else ())])

    def work(replicate: int, ticks: Ticks) -> Replicate:
        return _replicate(drawn, replicate, ticks, [*columns], names, statistics)

    folded = Folded(Bands(statistics), asked)
    workers.fold(work, range(drawn.replicates), folded.add, what="scenarios", steps=drawn.steps)
    if asked.conditional:
        check_kept(asked, folded.whole)
    return folded


def _replicate(
    drawn: Scenarios,
    replicate: int,
    ticks: Ticks,
    columns: Sequence[str],
    ranks: Sequence[str],
    statistics: Sequence[Statistic],
) -> Replicate:
    """Summarize the columns of a replicate; `ranks` are those set aside for ranks beside the inputs."""
    asked = drawn.questions
    gathering = Gathering[str | Condition]([*columns, *asked.probabilities])
    kept = Kept()
    ranked: dict[str, list[Array]] = {name: [] for name in dict.fromkeys([*drawn.plan.inputs, *ranks])}
    wrong: dict[str, tuple[int, int]] = {}
    for chunk in drawn.in_chunks(replicate, ticks):
        kept.add(chunk.drawn, chunk.size, chunk.weights)
        if not chunk.size:
            continue
        for name in columns:
            if gathering.add(name, chunk.columns[name], chunk.size, chunk.weights):
                wrong.setdefault(name, chunk.at)
        for condition in asked.probabilities:
            gathering.add(condition, condition.holds(chunk.columns), chunk.size, chunk.weights)
        if asked.conditional:
            _pick(ranked, chunk, _systematic(chunk, -(-RANKED // drawn.chunks)))
        elif not chunk.at[1]:
            _pick(ranked, chunk, slice(RANKED))
    finished = {name: np.concatenate(parts) for name, parts in ranked.items() if parts}
    return Replicate(gathering.finish(statistics), kept, finished, wrong)


def _pick(ranked: Mapping[str, list[Array]], chunk: Chunk, places: slice | NDArray[np.intp]) -> None:
    """Set aside some scenarios of a chunk for the ranks."""
    for name, parts in ranked.items():
        column = chunk.columns[name]
        if isinstance(column, np.ndarray):
            parts.append(column[places].copy())


def _systematic(chunk: Chunk, most: int) -> NDArray[np.intp]:
    """Places of at most so many scenarios that stand for weighted ones (systematic resampling)."""
    count = min(most, chunk.size)
    weights = np.ones(chunk.size) if chunk.weights is None else chunk.weights
    cumulative = np.cumsum(weights, dtype=np.float64)
    places: NDArray[np.intp] = np.searchsorted(cumulative, (np.arange(count) + 0.5) / count * cumulative[-1])
    return places


# ---------------------------------------------------------------------------------------------------------
# From what is kept to a result


def _put_quantities(result: Result, priors: Priors, names: Sequence[str], asked: Sequence[str]) -> None:
    result.along("quantity", names)
    result.beside("label", ("quantity",), [priors.quantities[name].label for name in names])
    result.beside("unit", ("quantity",), [priors.quantities[name].unit for name in names])
    result.provenance["asked"] = list(asked)
    result.provenance["headline"] = [name for name in asked if name in priors.headline] or list(asked[:1])
    result.provenance["components"] = {
        name: [part for part in parts if part in names]
        for name, parts in components(priors.quantities, priors.priors).items()
        if name in names
    }


def _put_priors(result: Result, priors: Priors, drawn: Scenarios, folded: Folded, settings: Settings) -> None:
    inputs, shares = drawn.plan.inputs, np.array(settings.percentiles) / 100
    result.along("prior", inputs)
    result.beside("prior_unit", ("prior",), [priors.quantities[name].unit for name in inputs])
    correlations = rank_correlations(folded.ranked, drawn.plan)
    result.put(
        "rank_correlation",
        ("quantity", "prior"),
        np.array([correlations[name] for name in result.labels("quantity")]).reshape(-1, len(inputs)),
        label="Spearman correlation with each prior",
        unit="1",
    )
    distributions = [priors.priors[name].distribution for name in inputs]
    shape = len(inputs), len(shares)
    put = partial(result.put, dims=("prior", "percentile"), unit_of="prior_unit")
    exact = np.array([each.quantile(shares) for each in distributions]).reshape(shape)
    put("prior_percentiles", values=exact, label="percentiles of the priors")
    if not drawn.questions.conditional:
        return
    given = np.array([folded.bands[name].value("percentiles") for name in inputs]).reshape(shape)
    put("prior_percentiles_given", values=given, label="percentiles of the priors given the conditions")
    below = [each.probability(band)[0] for each, band in zip(distributions, given, strict=True)]
    result.put(
        "prior_probability_given",
        ("prior", "percentile"),
        np.array(below).reshape(shape),
        label="the priors' probability below the percentiles given the conditions",
        unit="1",
    )


def _put_answers(result: Result, folded: Folded) -> None:
    """Probabilities along `question`, and what the conditions are and leave."""
    asked = folded.questions
    if asked.probabilities:
        bands = [folded.bands[condition] for condition in asked.probabilities]
        result.along("question", [condition.text for condition in asked.probabilities])
        values, errors = [band.value("mean") for band in bands], [band.error("mean") for band in bands]
        result.put("probability", ("question",), values, errors, label="probability", unit="1")
    if asked.conditional:
        whole = folded.whole
        result.provenance["kept"] = {
            "scenarios": whole.kept,
            "share": whole.kept / whole.drawn,
            "share_se": float(standard_error([each.kept / each.drawn for each in folded.kept])),
            "effective": whole.effective,
        }
