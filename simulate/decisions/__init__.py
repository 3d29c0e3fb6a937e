"""Which choice, at what regret, and what would be worth finding out first: the value of perfect information.

The choices of a priors file are drawn on common uniforms, so that a scenario is the same world in each.

With costs c_k of the choices k and a prior X:

    EVPI     = min_k E[c_k] - E[min_k c_k]              everything is found out before deciding
    EVPPI(X) = min_k E[c_k] - E[min_k E[c_k | X]]       X alone is

X is known by the place in its distribution (the probability below it), which the choices share, so a prior that
has other parameters in another choice is found out in both. Correlated priors move along with X as far as the
correlation goes: what X tells of them counts for X.

Estimator. Means of the differences of costs by X, in 1,024 equally probable bins (by value, where X has few), and
a line in the normal score through the bins around each give E[c_k | X]. The least of noisy means is too low, so a
bin's choice comes from the other replicates and is judged by this replicate's scenarios (cross-fitting): what it
saves is an unbiased estimate for that rule of choosing, and no rule saves more than perfect knowledge of X. So the
estimate errs low, by what mistaken choices near a tie cost, which is of second order. It never exceeds the EVPI
of the same scenarios; below 0, where no value can be, it is told as 0. Standard errors are those of the replicates.

Sources: Howard (1966), IEEE Trans. Syst. Sci. Cybern. 2, 22; Strong and Oakley (2013), Med. Decis. Making 33, 755
(conditional expectations by regression on the draws at hand).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulate import engine, graph
from simulate.backends import ordered_map
from simulate.comparison import Band, finite
from simulate.comparison.inputs import joint_latents
from simulate.distributions import Constant, Distribution
from simulate.engine import GRID, Progress, Scenarios, standard_error
from simulate.errors import suggestion
from simulate.graph import Array
from simulate.priors import Priors, choice
from simulate.sampling.sampler import REPLICATES
from simulate.sampling.tables import probabilities
from simulate.summary import Summary

if TYPE_CHECKING:
    from simulate.sampling.schemes import Words

BINS = 1024  # equally probable bins of a prior
BINS_WITH_JUMPS = 64  # of one with jumps, beside which no line is drawn from bin to bin


class DecisionError(ValueError):
    """A decision that cannot be told: no choices, or a cost that is not a number."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its standard error."""

    value: float
    se: float


@dataclass(frozen=True)
class Option:
    """A choice: bands by quantity, the cost first; how often it is the best; what it loses against the best.

    Where choices tie, each of them has its part of the scenario.
    """

    name: str
    label: str
    bands: Mapping[str, Band]
    probability_best: Estimate
    regret: Estimate  # E[cost - least cost], in the cost's unit


@dataclass(frozen=True)
class Information:
    """What finding out a prior alone is worth: its EVPPI, in the cost's unit."""

    prior: str
    label: str
    value: float
    se: float


@dataclass(frozen=True)
class Shown:
    """A quantity as it is told."""

    name: str
    label: str
    unit: str


@dataclass(frozen=True)
class Decision:
    """The choices set side by side, the best by expected cost, and the value of information."""

    title: str
    quantity: Shown  # the cost, or what is to be maximized
    beside: tuple[Shown, ...]  # other quantities that were asked for
    maximize: bool
    options: tuple[Option, ...]
    best: str
    evpi: Estimate
    evppi: tuple[
        Information, ...
    ]  # the largest first; constants and what the cost does not need are left out
    percentiles: tuple[float, ...]
    scenarios: int
    seed: int
    scheme: str
    messages: tuple[str, ...]  # what came out nan or infinite beside the cost, a line each

    def option(self, name: str) -> Option:
        """The choice of a name."""
        return next(option for option in self.options if option.name == name)


def decide(
    priors: Priors,
    *,
    quantities: Sequence[str] | str | None = None,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str = "sobol",
    threads: int | None = None,
    percentiles: Sequence[float] | None = None,
    maximize: bool = False,
    progress: Progress | None = None,
) -> Decision:
    """Decide between the choices of a priors file by the first of the quantities, a cost (or a profit).

    The other quantities are told beside it. What is left out is as the file's [run] says. Raises DecisionError
    for fewer than two choices or a cost that is not finite throughout, RunError for a quantity that there is
    not or that one of the choices cannot compute.
    """
    cases = _cases(priors)
    names = _asked(priors, cases, quantities)
    shown = _shown(priors, cases, names)
    seed = priors.run.seed if seed is None else seed
    count = priors.run.scenarios if scenarios is None else scenarios
    percents = engine.checked_percentiles(priors.run.percentiles if percentiles is None else percentiles)
    drawn = _drawn(priors, cases, names, count, seed, scheme)
    sources = _sources(cases, names[0], drawn)
    folded = _Folded(list(cases), names, percents)
    for replicate in _replicates(drawn, sources, maximize=maximize, threads=threads, progress=progress):
        folded.add(replicate)
    total = next(iter(drawn.values())).count
    folded.refuse_nonfinite(priors, total)
    best = folded.best(maximize=maximize)
    options = tuple(
        Option(
            name,
            priors.choices[name].label,
            {quantity: folded.band(name, quantity) for quantity in names},
            folded.estimate(folded.shares, place),
            folded.estimate(folded.regrets, place),
        )
        for place, name in enumerate(cases)
    )
    worth = []
    for name, source in sources.items():
        saved = _saved(folded.binned[name], best, source, total)
        labels = (case.priors[name].label for case in cases.values() if name in case.priors)
        worth.append(
            Information(name, next(labels), max(float(saved.mean()), 0.0), float(standard_error(saved)))
        )
    return Decision(
        priors.title, shown[0], shown[1:], maximize, options, options[best].name, options[best].regret,
        tuple(sorted(worth, key=lambda each: -each.value)), percents, total, seed, scheme,
        tuple(folded.messages(total)),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------
# What is decided, by what


def _cases(priors: Priors) -> dict[str, Priors]:
    """The choices' own priors, by name."""
    if len(priors.choices) < 2:
        found = "only one choice" if priors.choices else "no choices"
        raise DecisionError(
            f"{priors.path}: {found} to decide between; add [choices.NAME] tables, each with its own entries"
        )
    return {name: choice(priors, name) for name in priors.choices}


def _asked(
    priors: Priors, cases: Mapping[str, Priors], quantities: Sequence[str] | str | None
) -> tuple[str, ...]:
    """The quantities to tell, the cost first; checked in each choice."""
    if isinstance(quantities, str):
        raise engine.RunError(
            f"{priors.path}: {quantities!r} is no cost to decide by; name it first, then others"
        )
    names = tuple(dict.fromkeys(quantities or priors.run.quantities))
    if not names:
        if len(priors.headline) != 1:
            raise engine.RunError(
                f"{priors.path}: by what to decide? Name the cost with --quantities or in [run] quantities"
            )
        names = priors.headline
    for name in names:
        for option, case in cases.items():
            if name not in case.quantities:
                mend = suggestion(name, case.quantities)
                where = "" if all(name not in each.quantities for each in cases.values()) else f" in {option}"
                raise engine.RunError(f"{priors.path}: there is no quantity {name}{where}{mend}")
            if lacking := graph.missing(case.quantities, case.priors).get(name):
                raise engine.RunError(
                    f"{priors.path}: {name} cannot be computed in {option}; give a prior for {', '.join(lacking)}"
                )
    return names


def _shown(priors: Priors, cases: Mapping[str, Priors], names: Sequence[str]) -> tuple[Shown, ...]:
    """Names, labels and units; a quantity has one unit in all choices."""
    shown = []
    for name in names:
        units = {case.quantities[name].unit: option for option, case in cases.items()}
        if len(units) > 1:
            told = ", ".join(f"{unit} in {option}" for unit, option in units.items())
            raise DecisionError(f"{priors.path}: {name} is in {told}; give it one unit in all choices")
        labels = {case.quantities[name].label for case in cases.values()}
        own = priors.quantities[name].label if name in priors.quantities else min(labels)
        shown.append(Shown(name, own or name, next(iter(units))))
    return tuple(shown)


def _drawn(
    priors: Priors, cases: Mapping[str, Priors], names: Sequence[str], scenarios: int, seed: int, scheme: str
) -> dict[str, Scenarios]:
    """The scenarios of each choice, all on the uniforms that a run of the file itself has."""
    places = dict.fromkeys(name for each in (priors, *cases.values()) for name in engine.dimensions(each))
    dimensions = {name: place for place, name in enumerate(places)}
    latents = joint_latents(list(cases.values()))
    return {
        option: engine.scenarios_of(
            case, names, scenarios=scenarios, seed=seed, scheme=scheme, places=dimensions, latents=latent
        )
        for (option, case), latent in zip(cases.items(), latents, strict=True)
    }


@dataclass(frozen=True)
class _Source:
    """A prior to find out: the choice whose draws tell where in its distribution it lies, and its bins.

    `cuts` are the probabilities between bins, none for BINS equal ones; bins with cuts are not smoothed.
    """

    option: str
    cuts: Array | None

    def bins(self, below: Array) -> NDArray[np.int64]:
        """The bin of each probability below."""
        if self.cuts is None:
            return (below * BINS).astype(np.int64)
        found: NDArray[np.int64] = np.searchsorted(self.cuts, below, side="left")
        return found

    @property
    def count(self) -> int:
        """The number of bins."""
        return BINS if self.cuts is None else len(self.cuts) + 1


def _sources(cases: Mapping[str, Priors], cost: str, drawn: Mapping[str, Scenarios]) -> dict[str, _Source]:
    """The priors that any choice needs for the cost and draws."""
    found: dict[str, list[tuple[str, Distribution]]] = {}
    for option, case in cases.items():
        for name in graph.plan(case.quantities, case.priors, [cost]).inputs:
            distribution = case.priors[name].distribution
            if not isinstance(distribution, Constant) and name in drawn[option].sampler.wanted:
                found.setdefault(name, []).append((option, distribution))
    return {
        name: _Source(holders[0][0], _cuts([distribution for _, distribution in holders]))
        for name, holders in found.items()
    }


def _cuts(distributions: Sequence[Distribution]) -> Array | None:
    """Probabilities between the bins of a prior with jumps: a value of its own has one bin, whatever its share."""
    jumps = np.unique(np.concatenate([distribution.jumps for distribution in distributions]))
    if not 0 < len(jumps) < BINS:
        return None
    cuts = np.union1d(np.arange(1, BINS_WITH_JUMPS) / BINS_WITH_JUMPS, jumps)
    middles = (np.concatenate([[0.0], cuts]) + np.concatenate([cuts, [1.0]])) / 2
    values = np.array([distribution.quantile(middles) for distribution in distributions])
    kept: Array = cuts[(values[:, 1:] != values[:, :-1]).any(axis=0)]
    return kept


# ---------------------------------------------------------------------------------------------------------
# From chunks to figures


@dataclass(frozen=True)
class _Binned:
    """Of a prior: scenarios by bin, and sums of the costs beyond the first choice's by (choice, bin)."""

    counts: Array
    sums: Array


@dataclass(frozen=True)
class _Replicate:
    """What is kept of a replicate; `shares` and `regrets` are means by choice."""

    summaries: Mapping[tuple[str, str], Summary]
    shares: Array
    regrets: Array
    binned: Mapping[str, _Binned]


def _replicates(
    drawn: Mapping[str, Scenarios],
    sources: Mapping[str, _Source],
    *,
    maximize: bool,
    threads: int | None,
    progress: Progress | None,
) -> Iterator[_Replicate]:
    """Work off the replicates, yielding each in turn; stops at the next chunk when the consumer does."""
    first = next(iter(drawn.values()))
    cost, size = first.plan.outputs[0], first.size
    stopped, lock, done = Event(), Lock(), 0

    def work(replicate: int) -> _Replicate:
        nonlocal done
        words = {option: scenarios.sampler.words(replicate) for option, scenarios in drawn.items()}
        summaries = {(option, name): Summary() for option in drawn for name in first.plan.outputs}
        shares, regrets = np.zeros(len(drawn)), np.zeros(len(drawn))
        binned = {
            name: _Binned(np.zeros(source.count), np.zeros((len(drawn), source.count)))
            for name, source in sources.items()
        }
        blocks: dict[str, Words] = {}
        for chunk in range(first.chunks):
            if stopped.is_set():
                break
            costs = np.empty((len(drawn), size))
            for place, (option, scenarios) in enumerate(drawn.items()):
                blocks[option] = words[option](chunk)
                outputs = scenarios.plan({**scenarios.constants, **scenarios.sampler.columns(blocks[option])})
                for name, column in outputs.items():
                    summaries[option, name].add(column, size)
                costs[place] = outputs[cost]
            if maximize:
                np.negative(costs, out=costs)
            with np.errstate(invalid="ignore"):  # what is not finite is refused in the end
                least = costs.min(axis=0)
                best = costs == least
                shares += (best / np.maximum(best.sum(axis=0), 1)).sum(axis=1)
                regrets += (costs - least).sum(axis=1)
                costs[1:] -= costs[0]
            for option, scenarios in drawn.items():
                mine = {name: source for name, source in sources.items() if source.option == option}
                _add(binned, mine, scenarios, blocks[option], costs)
            if progress:
                with lock:
                    done += 1
                    progress(done, first.chunks * REPLICATES)
        scenarios_done = first.chunks * size
        return _Replicate(
            {key: summary.finish() for key, summary in summaries.items()},
            shares / scenarios_done,
            regrets / scenarios_done,
            binned,
        )

    try:
        yield from ordered_map(work, range(REPLICATES), threads)
    finally:
        stopped.set()


def _add(
    binned: Mapping[str, _Binned],
    sources: Mapping[str, _Source],
    scenarios: Scenarios,
    words: Words,
    costs: Array,
) -> None:
    """Add a chunk's differences of costs (rows 1 and on) to the bins of the priors that a choice tells."""
    from scipy.special import ndtr

    sampler = scenarios.sampler
    scores = (
        sampler.correlated(sampler.scores(words)) if any(name in sampler.copula for name in sources) else {}
    )
    for name, source in sources.items():
        below = ndtr(scores[name]) if name in scores else probabilities(words[sampler.rows[name]])[0]
        bins = source.bins(np.minimum(below, np.nextafter(1.0, 0.0)))
        kept = binned[name]
        kept.counts[:] += np.bincount(bins, minlength=source.count)
        for row in range(1, len(costs)):
            kept.sums[row] += np.bincount(bins, costs[row], minlength=source.count)


class _Folded:
    """The replicates so far."""

    def __init__(self, options: Sequence[str], names: Sequence[str], percents: Sequence[float]) -> None:
        self.options, self.names, self.percents = options, names, percents
        keys = [(option, name) for option in options for name in names]
        self.merged = {key: Summary() for key in keys}
        self.percentiles: dict[tuple[str, str], list[Array]] = {key: [] for key in keys}
        self.means: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
        self.shares: list[Array] = []
        self.regrets: list[Array] = []
        self.binned: dict[str, list[_Binned]] = {}

    def add(self, replicate: _Replicate) -> None:
        """Take up the next replicate."""
        for key, summary in replicate.summaries.items():
            self.percentiles[key].append(summary.percentiles(self.percents))
            self.means[key].append(summary.mean)
            self.merged[key].merge(summary)
        self.shares.append(replicate.shares)
        self.regrets.append(replicate.regrets)
        for name, binned in replicate.binned.items():
            self.binned.setdefault(name, []).append(binned)

    def refuse_nonfinite(self, priors: Priors, total: int) -> None:
        """Raise DecisionError where a cost was not finite."""
        for option in self.options:
            if often := self.merged[option, self.names[0]].nonfinite:
                raise DecisionError(
                    f"{priors.path}: {self.names[0]} is nan or infinite in {often:,} of {total:,} scenarios of "
                    f"{option}, so that it has no expectation; mend the formula or truncate the priors behind it"
                )

    def best(self, *, maximize: bool) -> int:
        """The place of the choice with the best mean."""
        means = np.array([self.merged[option, self.names[0]].mean for option in self.options])
        return int(np.argmax(means) if maximize else np.argmin(means))

    def band(self, option: str, name: str) -> Band:
        """The band of a quantity in a choice; nan where no scenario has a figure."""
        key = option, name
        summary = self.merged[key]
        known = summary.count > 0
        return Band(
            summary.mean if known else np.nan,
            float(standard_error(self.means[key])) if known else np.nan,
            summary.percentiles(self.percents),
            standard_error(self.percentiles[key]),
            summary.percentiles(GRID),
            summary.minimum,
            summary.maximum,
        )

    @staticmethod
    def estimate(by_replicate: Sequence[Array], place: int) -> Estimate:
        """A choice's mean over the replicates."""
        values = np.array(by_replicate)[:, place]
        return Estimate(float(values.mean()), float(standard_error(values)))

    def messages(self, total: int) -> list[str]:
        """What was not finite, a line each."""
        return [
            f"{name} of {option}: nan or infinite in {summary.nonfinite:,} of {total:,} scenarios, left out"
            for (option, name), summary in self.merged.items()
            if summary.nonfinite
        ]


def _saved(binned: Sequence[_Binned], best: int, source: _Source, scenarios: int) -> Array:
    """By replicate, what choosing by the prior saves against the best choice, a scenario.

    A bin's choice is the least by what the other replicates say of it.
    """
    counts = np.sum([each.counts for each in binned], axis=0)
    sums = np.sum([each.sums for each in binned], axis=0)
    saved = np.empty(len(binned))
    for place, own in enumerate(binned):
        others = counts - own.counts, sums - own.sums
        means = _smooth(*others, scenarios) if source.cuts is None else _by_bin(*others)
        # A tie changes nothing: the best stays.
        chosen = np.where(means[best] <= means.min(axis=0), best, means.argmin(axis=0))
        gains = own.sums[best] - own.sums[chosen, np.arange(source.count)]
        saved[place] = gains.sum() / own.counts.sum()
    return saved


def _by_bin(counts: Array, sums: Array) -> Array:
    means: Array = sums / np.maximum(counts, 1)
    return means


def _smooth(counts: Array, sums: Array, scenarios: int) -> Array:
    """Means by (choice, bin) from a line in the normal score through the bins around each.

    The noise of a window of share w of the scenarios and the error of a choice that changes a window too late cost
    about as much as each other where w is near (6 / scenarios)^(1/3); twice that, for the line follows a slope.
    """
    from scipy.special import ndtri

    bins = len(counts)
    reach = max(int(bins * (6 / scenarios) ** (1 / 3)), 1)
    scores = ndtri((np.arange(bins) + 0.5) / bins)
    low = np.maximum(np.arange(bins) - reach, 0)
    high = np.minimum(np.arange(bins) + reach + 1, bins)

    def around(values: Array) -> Array:
        running = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
        window: Array = running[..., high] - running[..., low]
        return window

    weight = np.maximum(around(counts), 1)
    centre = around(counts * scores) / weight
    variance = around(counts * scores * scores) / weight - centre**2
    mean = around(sums) / weight
    covariance = around(sums * scores) / weight - centre * mean
    slope = np.where(variance > 1e-12, covariance / np.maximum(variance, 1e-12), 0.0)
    smooth: Array = mean + slope * (scores - centre)
    return smooth


# ---------------------------------------------------------------------------------------------------------
# For machines


def to_json(decision: Decision) -> dict[str, Any]:
    """The decision as plain data, in full precision; what is not a number is None."""
    cost = decision.quantity
    return {
        "title": decision.title,
        "quantity": cost.name,
        "label": cost.label,
        "unit": cost.unit,
        "objective": "maximize" if decision.maximize else "minimize",
        "scenarios": decision.scenarios,
        "seed": decision.seed,
        "scheme": decision.scheme,
        "replicates": REPLICATES,
        "choices": {
            option.name: {
                "label": option.label,
                **_band_json(option.bands[cost.name], decision.percentiles),
                "probability_best": option.probability_best.value,
                "probability_best_se": option.probability_best.se,
                "expected_regret": option.regret.value,
                "expected_regret_se": option.regret.se,
            }
            for option in decision.options
        },
        "best": decision.best,
        "evpi": {"value": decision.evpi.value, "se": decision.evpi.se},
        "evppi": [
            {"prior": each.prior, "label": each.label, "value": each.value, "se": each.se}
            for each in decision.evppi
        ],
        "quantities": {
            shown.name: {
                "label": shown.label,
                "unit": shown.unit,
                "choices": {
                    option.name: _band_json(option.bands[shown.name], decision.percentiles)
                    for option in decision.options
                },
            }
            for shown in decision.beside
        },
        "messages": list(decision.messages),
    }


def _band_json(band: Band, percents: Sequence[float]) -> dict[str, Any]:
    keys = [f"{percent:g}" for percent in percents]
    return {
        "mean": finite(band.mean),
        "mean_se": finite(band.mean_se),
        "percentiles": dict(zip(keys, map(finite, band.percentiles.tolist()), strict=True)),
        "percentile_se": dict(zip(keys, map(finite, band.percentile_se.tolist()), strict=True)),
    }
