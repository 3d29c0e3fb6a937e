"""Which priors move a quantity: five ways to measure it, a bar a prior.

swing        the quantity at a prior's low and high percentile, every other prior at its median; exact
conditional  the mean (or a percentile) of the quantity where a prior is in its lowest or highest part, the others
             random, so that correlated ones move along
rank         Spearman's correlation and the standardized coefficient of a regression of ranks
sobol        first-order and total indices, shares of the variance; they assume independence, so correlations are
             left out and that is said
shapley      Shapley effects, shares of the variance that are right for correlated priors too and sum to 1

Sobol' indices come from pick-freeze: f(A) and f(B), A and B being independent streams, and both with one column
exchanged. The estimators used divide by what the same four values say of the variance: of those compared in
benchmarks/tornado.py they err least where tails are heavy, as in products, at equal cost half as much in total indices
(on the bounded Ishigami and g-functions Saltelli's and Jansen's err less). Shapley effects: for a random
order of the priors, let f_k be the quantity with the first k priors of A and the rest of B, drawn given those k. Then
E[(f(A) - (f_k + f_{k-1})/2) (f_k - f_{k-1})] is the variance that the k-th adds; its mean over orders is the effect.
Orders come in pairs of opposites. All standard errors are those of the replicates.

Sources: Azzini, Mara and Rosati (2021), Environ. Model. Softw. 144, 105167, for both orders of Sobol' indices;
Song, Nelson and Staum (2016), SIAM/ASA J. Uncertainty Quantification 4, 1060; Goda (2021), J. Comput. Phys. 433.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate import engine, graph
from simulate.backends import ordered_map
from simulate.conditioning import Questions, questions
from simulate.distributions import Constant
from simulate.engine import Scenarios, ranks, standard_error
from simulate.graph import Array, Column, Quantity
from simulate.priors import Priors
from simulate.sampling.sampler import CHUNK, REPLICATES, Sampler
from simulate.summary import Summary

if TYPE_CHECKING:
    from xarray import Dataset

    from simulate.sampling.schemes import Words

BACKGROUND = 2**18  # scenarios behind the P50 and the mean that stand beside the bars
EXCHANGED = 2**12  # scenarios of a chunk of which each column is exchanged in turn: all columns fit the cache
ORDER_BLOCK = 2**10  # scenarios that share an order of the priors


class SensitivityError(ValueError):
    """A tornado that cannot be drawn: an unknown method, percentiles in the wrong order, no number to start from."""


@dataclass(frozen=True)
class Bar:
    """What a prior does to a quantity; `figures` by the names that the method gives them, in its order.

    `size` is what bars are sorted by, largest first.
    """

    prior: str
    figures: Mapping[str, float]
    size: float


@dataclass(frozen=True)
class Effects:
    """The bars of one quantity, in its unit or as shares, and its baseline, P50 and mean with standard errors."""

    quantity: Quantity
    baseline: float
    p50: float
    p50_se: float
    mean: float
    mean_se: float
    bars: tuple[Bar, ...]
    percentiles: Mapping[float, float] = field(default_factory=dict)  # those asked for, of a run

    @property
    def blank(self) -> str:
        """Why there are no bars, where there are none."""
        return "" if self.bars else "it is the same in every scenario: no prior moves it"


@dataclass(frozen=True)
class Tornado:
    """The effects on each quantity, how they were measured, and with what."""

    title: str
    method: str
    low: float
    high: float
    percentile: float | None
    scenarios: int
    seed: int
    scheme: str
    note: str
    effects: tuple[Effects, ...]
    priors: Priors = field(repr=False)
    given: Mapping[str, Any] = field(
        default_factory=dict
    )  # conditions, and what they leave, as a run tells it


@dataclass(frozen=True)
class _Question:
    """One quantity, and how it is asked."""

    priors: Priors
    name: str
    scenarios: int
    seed: int
    scheme: str
    threads: int | None
    low: float
    high: float
    percentile: float | None
    conditions: Questions
    bands: Mapping[str, tuple[float, float, float]]  # of each prior that varies: low, median, high

    def drawn(self, *, stream: int = 0, correlated: bool = True, largest: int = CHUNK) -> Scenarios:
        return engine.scenarios_of(
            self.priors,
            [*dict.fromkeys([self.name, *self.conditions.names])],
            scenarios=self.scenarios,
            seed=self.seed,
            scheme=self.scheme,
            stream=stream,
            places=self.places,
            latents=None if correlated else {},
            largest=largest,
        )

    @cached_property
    def movers(self) -> tuple[str, ...]:
        """The priors that the quantity depends on, constants left out."""
        plan = graph.plan(self.priors.quantities, self.priors.priors, [self.name])
        return tuple(name for name in plan.inputs if name in self.bands)

    @cached_property
    def places(self) -> dict[str, int]:
        """Sobol' dimensions without gaps, the inputs' first: the two streams then fill the best ones."""
        return {name: place for place, name in enumerate(dict.fromkeys([*self.movers, *self.priors.priors]))}

    def kept(self, drawn: Scenarios, inputs: Mapping[str, Column], size: int) -> dict[str, Array]:
        """The columns of the priors and of the quantity, last, of the scenarios in which the conditions hold."""
        columns: Mapping[str, Column] = {**inputs, **drawn.plan(inputs)}
        if self.conditions.conditional:
            columns, weights = engine.kept_of(columns, size, self.conditions)
            size = len(weights)
        return {name: np.broadcast_to(columns[name], size) for name in (*self.movers, self.name)}

    def input_range(self, prior: str) -> dict[str, float]:
        """The prior's low and high percentile, in its quantity's unit."""
        low, _, high = self.bands[prior]
        return {"low_input": low, "high_input": high}

    def statistic(self, summary: Summary) -> float:
        if self.percentile is None:
            return summary.mean
        return float(summary.percentiles([self.percentile])[0])


def tornado(
    priors: Priors,
    quantities: Sequence[str] | str | None = None,
    method: str = "swing",
    *,
    percentile: float | None = None,
    low: float = 10,
    high: float = 90,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str = "sobol",
    threads: int | None = None,
    given: Sequence[str] = (),
    percentiles: Sequence[float] = (),
) -> Tornado:
    """Measure what each prior does to each quantity, one of `METHODS`.

    `low` and `high` are percents of a prior; `percentile` the statistic of `conditional`, its mean by default.
    `given` are conditions such as 'capex < 1e9': all is then of the scenarios in which they hold, the priors'
    percentiles too; `sobol` and `shapley`, which mix scenarios, take none. `percentiles` of each quantity are
    told beside its P50 and mean.
    Raises SensitivityError, RunError, QuestionError or SimulateError for what cannot be measured.
    """
    if method not in METHODS:
        raise SensitivityError(f"there is no method {method!r}; choose one of {', '.join(METHODS)}")
    if not 0 < low < high < 100:
        raise SensitivityError(f"low {low:g} and high {high:g} are no rising percentages between 0 and 100")
    if percentile is not None:
        engine.checked_percentiles([percentile])
    if given and method in {"sobol", "shapley"}:
        raise SensitivityError(
            f"{method} mixes scenarios and takes no condition; use swing, conditional or rank with --given"
        )
    names = engine.asked_quantities(priors, quantities)
    conditions = questions(priors, given=given)
    seed = priors.run.seed if seed is None else seed
    measure, usual, note = METHODS[method]
    whole_run = scenarios or priors.run.scenarios  # what conditions leave of fewer would be too few
    size, chunks = engine.chunking(scenarios or (max(usual, whole_run) if given else usual))
    count = size * chunks * REPLICATES
    background = engine.run(
        priors,
        scenarios=whole_run if given else BACKGROUND,
        seed=seed,
        scheme=scheme,
        threads=threads,
        percentiles=[low, 50, high, *percentiles],
        quantities=names,
        questions=conditions,
    )
    bands = _bands(priors, background, (low, 50.0, high))
    effects = []
    for name in names:
        mean, p50 = float(background[f"{name}_mean"]), float(background[name].sel(percentile=50))
        if not np.isfinite(mean + p50):
            raise SensitivityError(
                f"{name} is not a number in any scenario; 'simulate run' tells where it begins"
            )
        if method in {"sobol", "shapley"} and (wrong := int(background[f"{name}_nonfinite"])):
            raise SensitivityError(
                f"{name} is not a number in {wrong:,} of {BACKGROUND:,} scenarios, which leaves its variance "
                f"unknown; use --method conditional or rank, which leave them out"
            )
        question = _Question(
            priors, name, count, seed, scheme, threads, low, high, percentile, conditions, bands
        )
        varies = float(background[f"{name}_minimum"]) < float(background[f"{name}_maximum"])
        baseline, bars = measure(question) if varies else (mean, [])
        ordered = tuple(sorted(bars, key=lambda bar: (-bar.size, bar.prior)))
        errors = float(background[f"{name}_se"].sel(percentile=50)), float(background[f"{name}_mean_se"])
        asked = {percent: float(background[name].sel(percentile=percent)) for percent in sorted(percentiles)}
        effects.append(
            Effects(priors.quantities[name], baseline, p50, errors[0], mean, errors[1], ordered, asked)
        )
    return Tornado(
        priors.title,
        method,
        low,
        high,
        percentile,
        count,
        seed,
        scheme,
        note if method != "sobol" or priors.correlations else "",
        tuple(effects),
        priors,
        json.loads(background.attrs.get("given", "{}")),
    )


def _bands(
    priors: Priors, background: Dataset, percents: tuple[float, float, float]
) -> dict[str, tuple[float, float, float]]:
    """Low, median and high of each prior that varies: exact, or under conditions of the draws kept."""
    bands = {}
    for place, name in enumerate(background["prior"].values.tolist()):
        distribution = priors.priors[name].distribution
        if not isinstance(distribution, Constant):
            exact = distribution.quantile(np.array(percents) / 100)
            if "prior_band_given" in background:
                exact = background["prior_band_given"].sel(percentile=list(percents)).values[place]
            low, middle, high = exact.tolist()
            bands[name] = (low, middle, high)
    return bands


# ---------------------------------------------------------------------------------------------------------
# The methods: each takes a question and gives the baseline and the bars


def _swing(question: _Question) -> tuple[float, list[Bar]]:
    drawn, names = question.drawn(), question.movers
    medians: dict[str, Column] = {
        **drawn.constants,
        **{name: question.bands[name][1] for name in drawn.sampler.wanted},
    }

    def value(changed: Mapping[str, float]) -> float:
        return float(drawn.plan({**medians, **changed})[question.name])

    baseline = value({})
    if not np.isfinite(baseline):
        raise SensitivityError(
            f"{question.name} is not a number with every prior at its median; use --method conditional"
        )
    bars = []
    for name in names:
        ends = question.input_range(name)
        low, high = value({name: ends["low_input"]}), value({name: ends["high_input"]})
        figures = {**ends, "low": low, "high": high, "low_se": 0.0, "high_se": 0.0, "swing": high - low}
        bars.append(Bar(name, figures, abs(high - low)))
    return baseline, bars


def _conditional(question: _Question) -> tuple[float, list[Bar]]:
    drawn, names = question.drawn(), question.movers
    ends = {name: question.input_range(name) for name in names}
    keys = ["", *(f"{side} {name}" for name in names for side in ("low", "high"))]

    def work(replicate: int) -> dict[str, Summary]:
        summaries = {key: Summary() for key in keys}
        draw = drawn.replicate(replicate)
        for chunk in range(drawn.chunks):
            columns = question.kept(drawn, draw(chunk), drawn.size)
            column = columns[question.name]
            if not len(column):
                continue
            summaries[""].add(column, len(column))
            for name in names:
                values = columns[name]
                for side, part in (
                    ("low", values <= ends[name]["low_input"]),
                    ("high", values >= ends[name]["high_input"]),
                ):
                    inside = column[part]
                    if len(inside):
                        summaries[f"{side} {name}"].add(inside, len(inside))
        return {key: summary.finish() for key, summary in summaries.items()}

    merged, each = {key: Summary() for key in keys}, {key: list[float]() for key in keys}
    for replicate in ordered_map(work, range(drawn.replicates), question.threads):
        for key, summary in replicate.items():
            merged[key].merge(summary)
            each[key].append(question.statistic(summary))
    bars = []
    for name in names:
        sides = {
            side: (question.statistic(merged[key]), float(standard_error(each[key])))
            for side in ("low", "high")
            if merged[key := f"{side} {name}"].count
        }
        (low, low_se), (high, high_se) = sides["low"], sides["high"]
        figures = {**ends[name], "low": low, "high": high, "low_se": low_se, "high_se": high_se}
        bars.append(Bar(name, {**figures, "swing": high - low}, abs(high - low)))
    return question.statistic(merged[""]), bars


def _rank(question: _Question) -> tuple[float, list[Bar]]:
    drawn, names = question.drawn(), question.movers

    def work(replicate: int) -> tuple[Array, Array, float]:
        inputs = drawn.replicate(replicate)(0, drawn.chunks)
        columns = question.kept(drawn, inputs, drawn.size * drawn.chunks)
        column = columns[question.name]
        known = np.isfinite(column)
        ranked = np.array([ranks(each[known]) for each in columns.values()])
        ranked -= ranked.mean(axis=1, keepdims=True)
        length = np.sqrt((ranked * ranked).sum(axis=1, keepdims=True))
        ranked /= np.where(length > 0, length, 1)
        among, spearman = ranked[:-1] @ ranked[:-1].T, ranked[:-1] @ ranked[-1]
        return spearman, np.linalg.lstsq(among, spearman, rcond=1e-10)[0], float(column[known].mean())

    found = list(ordered_map(work, range(drawn.replicates), question.threads))
    spearman, regression = (np.array([each[place] for each in found]) for place in (0, 1))
    bars = [
        Bar(
            name,
            {
                "spearman": float(spearman[:, i].mean()),
                "regression": float(regression[:, i].mean()),
                "spearman_se": float(standard_error(spearman[:, i])),
                "regression_se": float(standard_error(regression[:, i])),
            },
            abs(float(spearman[:, i].mean())),
        )
        for i, name in enumerate(names)
    ]
    return float(np.mean([each[2] for each in found])), bars


def _sobol(question: _Question) -> tuple[float, list[Bar]]:
    """First-order and total indices, by Azzini's estimators.

    With A' and B' for A and B with one column exchanged, in means over scenarios:
    first = -2 (f(B') - f(B)) (f(A') - f(A)) / D, total = ((f(B') - f(B))^2 + (f(A') - f(A))^2) / D,
    D = (f(A) - f(B))^2 + (f(B') - f(A'))^2.
    """
    first, second = (question.drawn(stream=stream, correlated=False, largest=EXCHANGED) for stream in (0, 1))
    names = question.movers
    whole = first.plan.keeping_all()
    parts = {name: first.plan.below([name]) for name in names}

    def work(replicate: int) -> Array:
        """Means of the products behind the indices: (prior, [first, total, their divisor, the quantity])."""
        draw, other = first.replicate(replicate), second.replicate(replicate)
        sums = np.zeros((len(names), 4))
        for chunk in range(first.chunks):
            columns, others = whole(draw(chunk)), whole(other(chunk))
            a, b = columns[question.name], others[question.name]
            for row, name in zip(sums, names, strict=True):
                exchanged = parts[name]({**columns, name: others[name]})[question.name]
                returned = parts[name]({**others, name: columns[name]})[question.name]
                in_a, in_b = exchanged - a, returned - b
                row += [
                    np.mean(-2 * in_b * in_a),
                    np.mean(in_a * in_a + in_b * in_b),
                    np.mean((a - b) ** 2 + (returned - exchanged) ** 2),
                    np.mean(a),
                ]
        return sums / first.chunks

    found = np.array(list(ordered_map(work, range(first.replicates), question.threads)))
    bars = []
    for i, name in enumerate(names):
        (s1, s1_se), (st, st_se) = (_ratio(found[:, i, place], found[:, i, 2]) for place in (0, 1))
        bars.append(Bar(name, {"first": s1, "first_se": s1_se, "total": st, "total_se": st_se}, st))
    return float(found[:, 0, 3].mean()), bars


def _shapley(question: _Question) -> tuple[float, list[Bar]]:
    first, second = question.drawn(), question.drawn(stream=1)
    names = first.sampler.wanted
    block = min(ORDER_BLOCK, first.size)

    def work(replicate: int) -> Array:
        """Mean of the variance that each prior adds, over the blocks; and the mean of the quantity behind them."""
        words, others = first.sampler.words(replicate), second.sampler.words(replicate)
        random = np.random.default_rng([question.seed % 2**64, replicate])
        order: list[str] = []
        added: list[list[float]] = []
        for chunk in range(first.chunks):
            known, hidden = words(chunk), others(chunk)
            for start in range(0, first.size, block):
                order = order[::-1] if len(added) % 2 else random.permutation(np.array(names)).tolist()
                part = slice(start, start + block)
                values = _along(first, order, known[:, part], hidden[:, part], question.name)
                steps = np.diff(values, axis=0)
                gains = np.mean((values[-1] - (values[1:] + values[:-1]) / 2) * steps, axis=1)
                gain = dict(zip(order, gains.tolist(), strict=True))
                added.append([*(gain[name] for name in names), float(values[-1].mean())])
        means: Array = np.array(added).mean(axis=0)
        return means

    found = np.array(list(ordered_map(work, range(first.replicates), question.threads)))
    total = found[:, :-1].sum(axis=1)
    bars = []
    for i, name in enumerate(names):
        effect, effect_se = _ratio(found[:, i], total)
        bars.append(Bar(name, {"effect": effect, "effect_se": effect_se}, effect))
    return float(found[:, -1].mean()), bars


def _along(drawn: Scenarios, order: Sequence[str], known: Words, hidden: Words, quantity: str) -> Array:
    """The quantity as the priors of an order become known one by one: (priors + 1, scenarios)."""
    sampler = drawn.sampler
    linked = [name for name in order if name in sampler.copula]
    linked += [name for name in sampler.copula if name not in linked]  # drawn behind, known last
    scores, known_scores = dict(sampler.scores(hidden)), sampler.scores(known)
    columns: dict[str, Column] = {**drawn.constants, **_linked_columns(sampler, scores, linked)}
    columns |= {name: sampler.at_words(name, hidden) for name in order if name not in sampler.copula}
    length = known.shape[1]
    values = [np.broadcast_to(drawn.plan(columns)[quantity], length)]
    for name in order:
        if name in sampler.copula:
            scores[name] = known_scores[name]
            columns |= _linked_columns(sampler, scores, linked)
        else:
            columns[name] = sampler.at_words(name, known)
        values.append(np.broadcast_to(drawn.plan(columns)[quantity], length))
    return np.array(values)


def _linked_columns(sampler: Sampler, scores: Mapping[str, Array], order: Sequence[str]) -> dict[str, Array]:
    correlated = sampler.correlated(scores, order)
    return {name: sampler.at_scores(name, correlated[name]) for name in order if name in sampler.wanted}


def _ratio(parts: Array, wholes: Array) -> tuple[float, float]:
    """The ratio of two means over replicates, and its standard error, by its linear part in both."""
    whole = wholes.mean()
    ratio = parts.mean() / whole
    return float(ratio), float(standard_error((parts - ratio * wholes) / whole))


_INDEPENDENT = (
    "Sobol' indices assume independent priors: the correlations of the priors file are left out here. "
    "--method shapley keeps them."
)

# method -> what measures it, its usual number of scenarios, what a reader must know
METHODS: dict[str, tuple[Callable[[_Question], tuple[float, list[Bar]]], int, str]] = {
    "swing": (_swing, 1, "One prior at a time, the others at their medians: correlations play no part."),
    "conditional": (_conditional, 2**18, "Correlated priors move along."),
    "rank": (
        _rank,
        2**16,
        "Spearman's correlation counts what comes by correlated priors, regression does not.",
    ),
    "sobol": (_sobol, 2**19, _INDEPENDENT),
    "shapley": (_shapley, 2**18, "Shapley effects share out what correlated priors do together."),
}


# ---------------------------------------------------------------------------------------------------------
# For scripts


def to_json(result: Tornado) -> dict[str, object]:
    """The result as plain numbers and text, every bar of every quantity in it."""
    return {
        "method": result.method,
        "low": result.low,
        "high": result.high,
        "percentile": result.percentile,
        "scenarios": result.scenarios,
        "seed": result.seed,
        "scheme": result.scheme,
        "note": result.note,
        "given": dict(result.given),
        "quantities": {
            each.quantity.name: {
                "label": each.quantity.label,
                "unit": each.quantity.unit,
                "baseline": each.baseline,
                "p50": each.p50,
                "p50_se": each.p50_se,
                "mean": each.mean,
                "mean_se": each.mean_se,
                "percentiles": {f"{percent:g}": value for percent, value in each.percentiles.items()},
                "bars": [{"prior": bar.prior, **_known(bar.figures)} for bar in each.bars],
            }
            for each in result.effects
        },
    }


def _known(figures: Mapping[str, float]) -> dict[str, float | None]:
    """The figures, with None for what is not a number: JSON has no other word for it."""
    return {key: value if np.isfinite(value) else None for key, value in figures.items()}


def to_rows(result: Tornado) -> tuple[list[str], list[list[str | float]]]:
    """A heading and a row for each bar: quantity, its unit, prior, its unit, figures."""
    figures = next((list(bar.figures) for each in result.effects for bar in each.bars), [])
    rows: list[list[str | float]] = [
        [
            each.quantity.name,
            each.quantity.unit,
            bar.prior,
            result.priors.quantities[bar.prior].unit,
            *bar.figures.values(),
        ]
        for each in result.effects
        for bar in each.bars
    ]
    return ["quantity", "unit", "prior", "prior_unit", *figures], rows
