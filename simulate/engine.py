"""Runs: scenarios drawn chunk by chunk, put through the model, summarized, and told as an xarray Dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulate import __version__, graph, model
from simulate.backends import ordered_map
from simulate.conditioning import Condition, Kept, Questions, check_kept
from simulate.distributions import Constant
from simulate.formulas import suggestion
from simulate.graph import Array, Column, Plan
from simulate.priors import Priors
from simulate.sampling.dimensions import dimensions as dimensions_of
from simulate.sampling.sampler import CHUNK, REPLICATES, Sampler
from simulate.sampling.schemes import SCHEMES
from simulate.summary import WEIGHT, Counts, Summary

if TYPE_CHECKING:
    from xarray import Dataset

Progress = Callable[[int, int], None]
NO_QUESTIONS = Questions()
Draw = Callable[..., dict[str, Column]]

GRID = tuple(np.arange(0.5, 100, 0.5).tolist())  # percents of the curve kept of every quantity
_RANKED = 512  # scenarios a replicate behind the rank correlations
_TOGETHER = 4  # chunks drawn and computed in one call, work enough for threads to overlap


class RunError(ValueError):
    """A run that cannot be: an unknown quantity, a number of scenarios that is none."""


@dataclass(frozen=True)
class Scenarios:
    """The scenarios of a priors file: addressed by replicate and chunk, none drawn before it is asked for.

    `size` scenarios a chunk, `chunks` a replicate. A draw maps each input of the plan to a column (one value
    a scenario) or, for a constant, to a float.
    """

    plan: Plan
    sampler: Sampler
    constants: Mapping[str, float]
    size: int
    chunks: int
    replicates: int = REPLICATES

    @property
    def count(self) -> int:
        """The number of scenarios, at least as many as were asked for."""
        return self.size * self.chunks * self.replicates

    def replicate(self, replicate: int) -> Draw:
        """The draws of one replicate: of a chunk, or of as many as asked from that one on."""
        words = self.sampler.words(replicate)

        def draw(chunk: int, chunks: int = 1) -> dict[str, Column]:
            several = np.concatenate([words(each) for each in range(chunk, chunk + chunks)], axis=1)
            return {**self.constants, **self.sampler.columns(several)}

        return draw


def chunking(scenarios: int, replicates: int = REPLICATES, largest: int = CHUNK) -> tuple[int, int]:
    """The size of a chunk and the chunks a replicate that hold at least the scenarios asked for."""
    each = -(-scenarios // replicates)
    if each <= largest:
        return 1 << (each - 1).bit_length(), 1
    return largest, -(-each // largest)


def asked_quantities(priors: Priors, quantities: Sequence[str] | str | None = None) -> tuple[str, ...]:
    """The quantities a run is to give: those named, `all` that can be computed, or the file's own headline.

    Raises RunError for a name that there is not, with what may have been meant, and where nothing can be
    computed.
    """
    lacking = graph.missing(priors.quantities, priors.priors)
    if isinstance(quantities, str):
        if quantities != "all":
            raise RunError(f"quantities are a list of names or 'all', not {quantities!r}")
        return tuple(name for name in priors.quantities if name not in lacking)
    if named := tuple(dict.fromkeys(quantities or priors.run.quantities)):
        for name in named:
            if name not in priors.quantities:
                raise RunError(f"there is no quantity {name}{suggestion(name, priors.quantities)}")
            if name in lacking:
                raise RunError(f"{name} cannot be computed; give a prior for {', '.join(lacking[name])}")
        return named
    headline = tuple(name for name in priors.headline if name not in lacking)
    if not headline:
        raise RunError("nothing can be computed from these priors; name a quantity or give it what it needs")
    return headline


def dimensions(priors: Priors) -> dict[str, int]:
    """The dimension of each name in a scheme: the model's listed names, the file's own, other names of the model."""
    return dimensions_of(model.quantities(priors.model), priors.priors)


def latent(priors: Priors) -> dict[tuple[str, str], float]:
    """The Gaussian copula's parameter of each pair of correlated priors."""
    return {(link.first, link.second): link.latent for link in priors.correlations}


def scenarios_of(
    priors: Priors,
    quantities: Sequence[str],
    *,
    scenarios: int,
    seed: int,
    scheme: str = "sobol",
    stream: int = 0,
    places: Mapping[str, int] | None = None,
    latents: Mapping[tuple[str, str], float] | None = None,
    largest: int = CHUNK,
) -> Scenarios:
    """The scenarios of a priors file from which the quantities can be computed.

    `places` (the Sobol' dimensions of the names) and `latents` (the copula's parameters) are the file's own
    by default; cases that are to be paired share them. `largest` is the most scenarios of a chunk.
    Raises RunError for a scheme that there is not or for fewer than one scenario.
    """
    if scheme not in SCHEMES:
        raise RunError(f"there is no scheme {scheme!r}; choose one of {', '.join(SCHEMES)}")
    if scenarios < 1:
        raise RunError(f"{scenarios} scenarios are none; ask for at least 1")
    plan = graph.plan(priors.quantities, priors.priors, quantities)
    distributions = {name: priors.priors[name].distribution for name in priors.priors}
    constants = {
        name: distribution.value
        for name in plan.inputs
        if isinstance(distribution := distributions[name], Constant)
    }
    size, chunks = chunking(scenarios, largest=largest)
    sampler = Sampler(
        distributions,
        dimensions(priors) if places is None else places,
        latent(priors) if latents is None else latents,
        seed=seed,
        scheme=scheme,
        size=size,
        chunks=chunks,
        stream=stream,
        wanted=[name for name in plan.inputs if name not in constants],
    )
    return Scenarios(plan, sampler, constants, size, chunks)


def run(
    priors: Priors,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str = "sobol",
    threads: int | None = None,
    percentiles: Sequence[float] | None = None,
    quantities: Sequence[str] | str | None = None,
    progress: Progress | None = None,
    questions: Questions = NO_QUESTIONS,
    interval: float | None = None,
) -> Dataset:
    """Run the priors and return percentile bands as a Dataset along `percentile` (percent).

    For each quantity q: `q` in its unit and its standard error `q_se` along `percentile`; `q_mean`, `q_sd`
    and their `_se`; `q_minimum`, `q_maximum`; `q_grid`, finer percentiles along `grid`;
    `q_rank_correlation`, Spearman's, along `prior`; `q_nonfinite`, the number of scenarios that came out nan
    or infinite (left out of the rest, and told in the attribute `nonfinite`). The attribute `checks` tells
    where a scenario is not as asked for. Arguments left out come from the priors' [run].

    With `interval`, a percentage: `q_shortest` and `q_shortest_se` along `end` (lower, upper), the shortest
    interval that holds as much (JCGM 101:2008, 5.3.4).

    With `questions`: `probability` and `probability_se` along `question`; where they are conditional, all is
    given the conditions, `prior_band_given` holds the priors' bands so, and the attribute `given` (JSON) the
    conditions, the scenarios kept and the effective sample size.

    Raises RunError or GraphError for what cannot be computed, RunError for a quantity asked for by name that
    is a number in no scenario, QuestionError where too few scenarios are left.
    """
    settings = priors.run
    seed = settings.seed if seed is None else seed
    percents = checked_percentiles(settings.percentiles if percentiles is None else percentiles)
    names = asked_quantities(priors, quantities)
    asked = settings.scenarios if scenarios is None else scenarios
    checked = [*names, *_checks(priors, names)]
    drawn = scenarios_of(
        priors, [*dict.fromkeys([*checked, *questions.names])], scenarios=asked, seed=seed, scheme=scheme
    )
    if interval is not None and not 0 < interval < 100:
        raise RunError(f"no interval holds {interval:g} % of the scenarios; choose between 0 and 100")
    folded = fold(drawn, checked, percents, threads, progress, questions, interval)
    if quantities != "all" and (nowhere := [name for name in names if not folded.merged[name].count]):
        (message, *_) = _nonfinite_messages(priors, drawn, folded, nowhere)
        raise RunError(f"{message}; change what that needs, or ask for other quantities")
    dataset = _dataset(priors, drawn, folded, names, scheme, seed)
    return dataset.assign(_answers(folded, questions, dataset)).assign_attrs(_told(folded, questions))


def draws(
    priors: Priors,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str = "sobol",
    quantities: Sequence[str] | str | None = None,
) -> Dataset:
    """Draw exactly as many scenarios as asked: every input and quantity along `scenario`, in its unit.

    The first scenarios of each replicate in turn; the coordinate `replicate` tells which.
    """
    import xarray

    names = asked_quantities(priors, quantities)
    count = priors.run.scenarios if scenarios is None else scenarios
    drawn = scenarios_of(
        priors, names, scenarios=count, seed=priors.run.seed if seed is None else seed, scheme=scheme
    )
    shares = [count // REPLICATES + (place < count % REPLICATES) for place in range(REPLICATES)]
    kept: dict[str, list[Array]] = {name: [] for name in dict.fromkeys([*drawn.plan.inputs, *names])}
    for replicate, share in enumerate(shares):
        chunk_of = drawn.replicate(replicate)
        for chunk in range(-(-share // drawn.size)):
            inputs = chunk_of(chunk)
            columns = {**inputs, **drawn.plan(inputs)}
            length = min(drawn.size, share - chunk * drawn.size)
            for name, parts in kept.items():
                parts.append(np.broadcast_to(columns[name], drawn.size)[:length].astype(np.float64))
    variables = {
        name: ("scenario", np.concatenate(parts), _attributes(priors, name)) for name, parts in kept.items()
    }
    coordinates = {"replicate": ("scenario", np.repeat(np.arange(REPLICATES), shares))}
    return xarray.Dataset(
        variables, coordinates, {"seed": priors.run.seed if seed is None else seed, "scheme": scheme}
    )


def checked_percentiles(percents: Sequence[float]) -> tuple[float, ...]:
    """Percents in rising order. Raises RunError for one that is not above 0 and below 100."""
    for percent in percents:
        if not 0 < percent < 100:
            raise RunError(f"{percent:g} is no percentile; choose between 0 and 100")
    if not len(percents):
        raise RunError("no percentile is asked for; name at least one")
    return tuple(sorted(set(map(float, percents))))


# ---------------------------------------------------------------------------------------------------------
# From chunks to summaries


@dataclass
class Weights:
    """How many scenarios were drawn, how many are kept, the sums of their weights and of the squares."""

    drawn: int = 0
    kept: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, size: int, weights: Array) -> None:
        """Add a chunk of `size` scenarios, of which those kept have the weights."""
        self.drawn += size
        self.kept += len(weights)
        self.total += float(np.add.reduce(weights))
        self.squares += float(np.add.reduce(weights * weights))


@dataclass(frozen=True)
class _Replicate:
    """What is kept of a replicate: summaries, a few scenarios for ranks, the first chunk with a nan."""

    summaries: Mapping[str, Summary]
    answers: Mapping[Condition, Summary]
    weights: Weights
    percentiles: Mapping[str, Array]
    shortest: Mapping[str, Array]
    ranked: Mapping[str, Array]
    nonfinite_chunk: Mapping[str, tuple[int, int]]


def _chunk_of(column: Column, place: int, size: int) -> Column:
    return column[place * size : (place + 1) * size] if isinstance(column, np.ndarray) else column


class _Gathering:
    """A replicate being summarized, chunk by chunk."""

    def __init__(self, drawn: Scenarios, names: Sequence[str], questions: Questions) -> None:
        inputs = drawn.plan.inputs
        self.questions = questions
        # Under conditions the priors shift, which is worth telling.
        summarized = dict.fromkeys([*names, *(inputs if questions.conditional else ())])
        self.summaries = {name: Summary() for name in summarized}
        self.answers = {condition: Summary() for condition in questions.probabilities}
        self.weights = Weights()
        self.ranked: dict[str, list[Array]] = {name: [] for name in dict.fromkeys([*inputs, *names])}
        self.ranked_of_chunk = -(-_RANKED // drawn.chunks)
        self.nonfinite: dict[str, tuple[int, int]] = {}

    def add(self, columns: Mapping[str, Column], size: int, at: tuple[int, int]) -> None:
        """Add a chunk of `size` scenarios, at (replicate, chunk)."""
        if not self.questions.conditional:
            self._count(columns, size, None, at)
            if not at[1]:
                self._rank(columns, slice(_RANKED))
            return
        columns, weights = kept_of(columns, size, self.questions)
        self.weights.add(size, weights / WEIGHT)
        if len(weights):
            self._count(columns, len(weights), weights if self.questions.observed else None, at)
            self._rank(columns, _systematic(weights, self.ranked_of_chunk))

    def _count(
        self, columns: Mapping[str, Column], size: int, weights: Counts | None, at: tuple[int, int]
    ) -> None:
        for name, summary in self.summaries.items():
            before = summary.nonfinite
            summary.add(columns[name], size, weights)
            if summary.nonfinite > before:
                self.nonfinite.setdefault(name, at)
        for condition, summary in self.answers.items():
            summary.add(condition.holds(columns), size, weights)

    def _rank(self, columns: Mapping[str, Column], picked: slice | NDArray[np.intp]) -> None:
        for name, parts in self.ranked.items():
            column = columns[name]
            if isinstance(column, np.ndarray):
                parts.append(column[picked].copy())

    def finish(self, percents: Sequence[float], interval: float | None) -> _Replicate:
        summaries = {name: summary.finish() for name, summary in self.summaries.items()}
        return _Replicate(
            summaries,
            {condition: summary.finish() for condition, summary in self.answers.items()},
            self.weights,
            {name: summary.percentiles(percents) for name, summary in summaries.items()},
            {name: summary.shortest_interval(interval) for name, summary in summaries.items() if interval},
            {name: np.concatenate(parts) for name, parts in self.ranked.items() if parts},
            self.nonfinite,
        )


def _replicates(
    drawn: Scenarios,
    names: Sequence[str],
    percents: Sequence[float],
    threads: int | None,
    progress: Progress | None,
    questions: Questions,
    interval: float | None,
) -> Iterator[_Replicate]:
    """Work off the replicates, yielding each in turn; stops at the next chunk when the consumer does."""
    stopped, lock, done = Event(), Lock(), 0
    total = drawn.chunks * drawn.replicates

    def work(replicate: int) -> _Replicate:
        nonlocal done
        draw = drawn.replicate(replicate)
        gathering = _Gathering(drawn, names, questions)
        for first in range(0, drawn.chunks, _TOGETHER):
            if stopped.is_set():
                break
            together = min(_TOGETHER, drawn.chunks - first)
            inputs = draw(first, together)
            computed = {**inputs, **drawn.plan(inputs)}
            for place in range(together):
                columns = {name: _chunk_of(column, place, drawn.size) for name, column in computed.items()}
                gathering.add(columns, drawn.size, (replicate, first + place))
            if progress:
                with lock:
                    done += together
                    progress(done, total)
        return gathering.finish(percents, interval)

    try:
        yield from ordered_map(work, range(drawn.replicates), threads)
    finally:
        stopped.set()


def kept_of(
    columns: Mapping[str, Column], size: int, questions: Questions
) -> tuple[dict[str, Column], Counts]:
    """The columns of those of `size` scenarios that count under the questions' conditions, and their weights."""
    weights = questions.weights(columns, size)
    places = np.flatnonzero(weights)
    kept: dict[str, Column] = {
        name: column[places] if isinstance(column, np.ndarray) else column for name, column in columns.items()
    }
    return kept, weights[places]


def _systematic(weights: Counts, count: int) -> NDArray[np.intp]:
    """Places of at most so many scenarios that stand for weighted ones (systematic resampling)."""
    count = min(count, len(weights))
    cumulative = np.cumsum(weights, dtype=np.float64)
    places: NDArray[np.intp] = np.searchsorted(cumulative, (np.arange(count) + 0.5) / count * cumulative[-1])
    return places


def fold(
    drawn: Scenarios,
    names: Sequence[str],
    percents: Sequence[float],
    threads: int | None = None,
    progress: Progress | None = None,
    questions: Questions = NO_QUESTIONS,
    interval: float | None = None,
) -> Folded:
    """Draw all scenarios, compute them, and summarize the named columns (under conditions the inputs' too).

    Raises QuestionError where the conditions leave too few scenarios.
    """
    folded = Folded(percents, interval)
    for replicate in _replicates(drawn, names, percents, threads, progress, questions, interval):
        folded.add(replicate)
    if questions.conditional:
        check_kept(questions, folded.kept, drawn.count)
    return folded


class Folded:
    """The replicates so far: their merged summaries, and the statistics of each for the standard errors."""

    def __init__(self, percents: Sequence[float], interval: float | None = None) -> None:
        self.percents = percents
        self.interval = interval
        self.merged: dict[str, Summary] = {}
        self.answers: dict[Condition, Summary] = {}
        self.answer_means: dict[Condition, list[float]] = {}
        self.weights: list[Weights] = []
        self.percentiles: dict[str, list[Array]] = {}
        self.shortest: dict[str, list[Array]] = {}
        self.moments: dict[str, list[tuple[float, float]]] = {}
        self.ranked: list[Mapping[str, Array]] = []
        self.nonfinite_chunk: dict[str, tuple[int, int]] = {}

    def add(self, replicate: _Replicate) -> None:
        """Add the next replicate."""
        for name, summary in replicate.summaries.items():
            self.percentiles.setdefault(name, []).append(replicate.percentiles[name])
            self.moments.setdefault(name, []).append((summary.mean, summary.sd))
            self.merged.setdefault(name, Summary()).merge(summary)
        for name, ends in replicate.shortest.items():
            self.shortest.setdefault(name, []).append(ends)
        for condition, summary in replicate.answers.items():
            self.answer_means.setdefault(condition, []).append(summary.mean)
            self.answers.setdefault(condition, Summary()).merge(summary)
        self.weights.append(replicate.weights)
        self.ranked.append(replicate.ranked)
        self.nonfinite_chunk = {**replicate.nonfinite_chunk, **self.nonfinite_chunk}

    @property
    def kept(self) -> Kept:
        """What the conditions leave."""
        total = sum(each.total for each in self.weights)
        squares = sum(each.squares for each in self.weights)
        kept, drawn = (sum(getattr(each, part) for each in self.weights) for part in ("kept", "drawn"))
        error = float(standard_error([each.kept / each.drawn for each in self.weights]))
        return Kept(kept, kept / drawn, error, total * total / squares if squares else 0.0)


def standard_error(estimates: Sequence[float] | Sequence[Array] | Array) -> Array:
    """The standard error of the mean of the replicates' estimates, along the first axis.

    With 16 replicates, an interval of 95 % is the estimate and Student's t with 15 degrees of freedom, 2.13, times
    this: t rather than more replicates, which would take scenarios from each net. benchmarks/coverage.md tells how
    often such intervals hold the truth.
    """
    values = np.asarray(estimates, dtype=np.float64)
    deviations = values - values[0]  # equal estimates have an error of exactly 0
    error: Array = np.std(deviations, axis=0, ddof=1) / np.sqrt(len(values))
    return error


def interval_error(ends: Sequence[Array]) -> Array:
    """The standard error of the ends of the shortest interval, from those of the replicates.

    Where the density does not jump, an end's error falls with the cube root of the number of scenarios only, as
    the midpoint of the shorth's does: Kim and Pollard (1990), Annals of Statistics 18, 191-219.
    """
    error: Array = standard_error(ends) * len(ends) ** (1 / 2 - 1 / 3)
    return error


def ranks(column: Array) -> Array:
    """Ranks of the values, 1 the least; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank: Array = (last - (counts - 1) / 2)[inverse]
    return mean_rank


def _rank_correlations(folded: Folded, plan: Plan) -> dict[str, Array]:
    """Spearman's correlation of each output with each input, 0 where either is constant or does not need the other."""
    needed = {name: {name} for name in plan.inputs}
    for name, _, needs in plan.steps:
        needed[name] = set[str]().union(*(needed.get(need, ()) for need in needs))
    standardized: dict[str, Array] = {}
    for name in dict.fromkeys([*plan.inputs, *plan.outputs]):
        parts = [ranked[name] for ranked in folded.ranked if name in ranked]
        if len(parts) == len(folded.ranked):
            rank = ranks(np.concatenate(parts))
            rank -= rank.mean()
            length = np.sqrt(np.add.reduce(rank * rank))
            standardized[name] = rank / length if length > 0 else rank
    nothing = np.zeros(1)
    return {
        output: np.array(
            [
                np.add.reduce(standardized.get(output, nothing) * standardized.get(each, nothing))
                if each in needed.get(output, ())
                else 0.0
                for each in plan.inputs
            ]
        )
        for output in plan.outputs
    }


# ---------------------------------------------------------------------------------------------------------
# From summaries to a Dataset


def _attributes(priors: Priors, name: str) -> dict[str, str]:
    quantity = priors.quantities[name]
    return {"units": quantity.unit, "long_name": quantity.label}


def _dataset(
    priors: Priors, drawn: Scenarios, folded: Folded, names: Sequence[str], scheme: str, seed: int
) -> Dataset:
    import xarray

    inputs = drawn.plan.inputs
    correlations = _rank_correlations(folded, drawn.plan)
    variables: dict[str, tuple[object, object, dict[str, str]]] = {}
    for name in names:
        summary, attributes = folded.merged[name], _attributes(priors, name)
        moments = np.array(folded.moments[name])
        parts = {
            "se": (
                "percentile",
                standard_error(folded.percentiles[name]),
                "standard error of the percentiles",
            ),
            "mean": ((), summary.mean, "mean"),
            "mean_se": ((), standard_error(moments)[0], "standard error of the mean"),
            "sd": ((), summary.sd, "standard deviation"),
            "sd_se": ((), standard_error(moments)[1], "standard error of the standard deviation"),
            "minimum": ((), summary.minimum, "least value"),
            "maximum": ((), summary.maximum, "greatest value"),
            "grid": ("grid", summary.percentiles(GRID), "percentiles"),
            "rank_correlation": ("prior", correlations[name], "Spearman correlation with each prior"),
            "nonfinite": ((), summary.nonfinite, "scenarios that came out nan or infinite"),
        }
        if folded.interval is not None:
            ends, which = folded.shortest[name], f"shortest interval of {folded.interval:g} %"
            parts["shortest"] = ("end", summary.shortest_interval(folded.interval), which)
            parts["shortest_se"] = ("end", interval_error(ends), f"standard error of the {which}")
        ancillary = " ".join(f"{name}_{part}" for part in parts if part != "nonfinite")
        variables[name] = (
            "percentile",
            summary.percentiles(folded.percents),
            {**attributes, "ancillary_variables": ancillary},
        )
        for part, (along, values, what) in parts.items():
            unit = "1" if part in {"rank_correlation", "nonfinite"} else attributes["units"]
            long_name = f"{attributes['long_name']}: {what}"
            variables[f"{name}_{part}"] = (along, values, {"units": unit, "long_name": long_name})
    bands = np.array(
        [priors.priors[name].distribution.quantile(np.array(folded.percents) / 100) for name in inputs]
    ).reshape(len(inputs), len(folded.percents))
    variables["prior_band"] = (("prior", "percentile"), bands, {"long_name": "percentiles of the priors"})
    coordinates = {
        "percentile": ("percentile", np.array(folded.percents), {"units": "percent"}),
        "grid": ("grid", np.array(GRID), {"units": "percent"}),
        "prior": ("prior", np.array(inputs, dtype=object)),
        "prior_unit": ("prior", np.array([priors.quantities[name].unit for name in inputs], dtype=object)),
    }
    if folded.interval is not None:
        coordinates["end"] = ("end", np.array(["lower", "upper"], dtype=object))
    provenance = {
        "Conventions": "CF-1.11",
        "title": priors.title,
        "scenarios": drawn.count,
        "seed": seed,
        "scheme": scheme,
        "replicates": drawn.replicates,
        "chunk": drawn.size,
        "version": __version__,
        "numpy": np.__version__,
        "priors": json.dumps(_provenance(priors)),
        "nonfinite": json.dumps(_nonfinite_messages(priors, drawn, folded, names)),
        "checks": json.dumps(_check_messages(priors, folded)),
        **({} if folded.interval is None else {"interval": folded.interval}),
    }
    return xarray.Dataset(variables, coordinates, provenance)


def _answers(folded: Folded, questions: Questions, dataset: Dataset) -> Dataset:
    """The variables that answer questions: probabilities, and the priors' bands given the conditions."""
    import xarray

    variables: dict[str, tuple[object, object, dict[str, str]]] = {}
    coordinates = {}
    if questions.probabilities:
        answers = [folded.answers[condition].mean for condition in questions.probabilities]
        errors = standard_error(np.transpose([folded.answer_means[each] for each in questions.probabilities]))
        unit = {"units": "1"}
        variables["probability"] = ("question", np.array(answers), {**unit, "long_name": "probability"})
        variables["probability_se"] = ("question", errors, {**unit, "long_name": "its standard error"})
        texts = np.array([condition.text for condition in questions.probabilities], dtype=object)
        coordinates["question"] = ("question", texts)
    if questions.conditional:
        bands = [folded.merged[str(name)].percentiles(folded.percents) for name in dataset["prior"].values]
        what = {"long_name": "percentiles of the priors given the conditions"}
        variables["prior_band_given"] = (
            ("prior", "percentile"),
            np.array(bands).reshape(len(bands), len(folded.percents)),
            what,
        )
    return xarray.Dataset(variables, coordinates)


def _told(folded: Folded, questions: Questions) -> dict[str, str]:
    """The attribute `given`, as JSON: the conditions, and what they leave."""
    if not questions.conditional:
        return {}
    kept = folded.kept
    told = {
        "given": [condition.text for condition in questions.given],
        "observed": [observation.text for observation in questions.observed],
        "scenarios": kept.scenarios,
        "share": kept.share,
        "share_se": kept.share_se,
        "effective": kept.effective,
    }
    return {"given": json.dumps(told)}


def _provenance(priors: Priors) -> dict[str, object]:
    return {
        "model": priors.model,
        "files": [
            {"path": str(file.path), "sha256": file.digest, "text": file.text} for file in priors.files
        ],
        "overrides": list(priors.overrides),
        "choice": priors.chosen,
        "priors": {
            name: {
                "family": prior.family,
                "unit": prior.unit,
                "evidence": prior.evidence,
                "source": prior.source,
                "note": prior.note,
                "specification": dict(prior.specification),
            }
            for name, prior in priors.priors.items()
        },
        "published": [
            {
                "quantity": figure.quantity,
                "value": figure.value,
                "unit": figure.unit,
                "source": figure.source,
                "note": figure.note,
            }
            for figure in priors.published
        ],
    }


def _nonfinite_messages(priors: Priors, drawn: Scenarios, folded: Folded, names: Sequence[str]) -> list[str]:
    """How often quantities were nan or infinite, and where it began: a line for those of one beginning."""
    beginnings: dict[tuple[int, str], list[str]] = {}
    for name in names:
        if name in folded.nonfinite_chunk:
            beginning = _beginning(priors, drawn, name, *folded.nonfinite_chunk[name])
            beginnings.setdefault((folded.merged[name].nonfinite, beginning), []).append(name)
    messages = []
    for (count, beginning), alike in beginnings.items():
        everywhere = not folded.merged[alike[0]].count
        left_out = f", left out of {'its' if len(alike) == 1 else 'their'} bands"
        scenarios = f"{'all' if everywhere else f'{count:,} of'} {drawn.count:,} scenarios"
        scenarios += "" if everywhere else left_out
        shown = ", ".join(alike[:3]) + (f" and {len(alike) - 3} more" if len(alike) > 3 else "")
        messages.append(f"{shown}: nan or infinite in {scenarios}; first in {beginning}")
    return messages


def _beginning(priors: Priors, drawn: Scenarios, name: str, replicate: int, chunk: int) -> str:
    """The first quantity on the way to one that was not a number, what it is, and from which values it came."""
    inputs = drawn.replicate(replicate)(chunk)
    columns: dict[str, Column] = {**drawn.plan.defaults, **inputs}
    with np.errstate(all="ignore"):
        for step, function, needs in drawn.plan.steps:
            columns[step] = function(*[columns[need] for need in needs])
    wrong = ~np.isfinite(np.broadcast_to(columns[name], drawn.size))
    scenario = int(np.argmax(wrong))
    at = {each: float(np.broadcast_to(column, drawn.size)[scenario]) for each, column in columns.items()}
    for step, _, needs in drawn.plan.steps:
        if not np.isfinite(at[step]) and all(np.isfinite(at[need]) for need in needs):
            about = priors.quantities[step].definition.partition("\n")[0].partition(": ")[2].rstrip(".")
            values = ", ".join(f"{need} = {at[need]:.4g}" for need in needs)
            return f"{step}{f' ({about})' if about else ''} at {values or 'its prior'}"
    return f"{name} at its prior"


def _checks(priors: Priors, names: Sequence[str]) -> tuple[str, ...]:
    """Checks of the model on what the quantities are computed from, beside those asked for."""
    plan = graph.plan(priors.quantities, priors.priors, names)
    computed = {*plan.inputs, *plan.defaults, *(name for name, _, _ in plan.steps)}
    return tuple(
        name
        for name, quantity in priors.quantities.items()
        if quantity.is_check and computed.issuperset(quantity.needs) and name not in computed
    )


def _check_messages(priors: Priors, folded: Folded) -> list[str]:
    """In what share of the scenarios a check fails, and what that means."""
    messages = []
    for name, summary in folded.merged.items():
        quantity = priors.quantities[name]
        if quantity.is_check and name not in priors.priors and summary.mean < 1:
            about = quantity.definition.partition("\n")[0].partition(": ")[2].rstrip(".")
            messages.append(f"{name}: 0 in {(1 - summary.mean) * 100:.3g} % of the scenarios ({about})")
    return messages
