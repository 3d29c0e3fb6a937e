"""Runs: the scenarios of a priors file, summarized as bands, with what moves them and what was asked besides."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from simulate.conditions import Condition, Kept, Questions, check_kept, questions
from simulate.errors import SimulateError
from simulate.grammar import STATISTIC
from simulate.graph import Array
from simulate.priors import Priors
from simulate.replicates import Progress, Ticks, Workers
from simulate.results import Result
from simulate.results.provenance import described, put_priors, put_quantities
from simulate.runs import messages
from simulate.runs.components import components, indented
from simulate.runs.correlations import rank_correlations, rank_sample
from simulate.runs.precision import targets, to_precision
from simulate.scenarios import Drawing, Scenarios, asked_quantities
from simulate.settings import Names, Settings, checked
from simulate.spread import share_error
from simulate.statistics import Bands, Gathering, Part, Statistic, optional, put_bands, usual


def run(
    priors: Priors,
    *,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    percentiles: Sequence[float] | None = None,
    quantities: Sequence[str] | str | None = None,
    statistics: Sequence[str] = (),
    probability: Sequence[str] = (),
    given: Sequence[str] | None = None,
    observe: Sequence[str] | None = None,
    precision: str | None = None,
    parts: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run the priors and tell the bands of quantities, by default the file's headline.

    What is left out is as the file's [run] says. `statistics` are further ones, such as 'expected_shortfall 95';
    `probability` are conditions whose probability is told; `given` and `observe` are conditions and measured values
    under which all is told. `precision` adds scenarios until the bands are known so well, such as '0.5%'; `parts`
    adds the parts of those quantities that are sums.

    The result has `percentiles`, `mean`, `sd`, `minimum`, `maximum`, `nonfinite` and `fine_percentiles` along
    `quantity`, `rank_correlation` (Spearman's) along `quantity` and `prior`, and `prior_percentiles` along `prior`.
    Raises SimulateError for what cannot be asked or computed, for a quantity named that is a number in no scenario,
    and where conditions leave too few scenarios.
    """
    settings = priors.run.asked(
        scenarios=scenarios, seed=seed, scheme=scheme, percentiles=percentiles, given=given, observe=observe
    )
    asked = asked_quantities(priors, quantities)
    parts_of = components(priors.quantities, priors.priors)
    names = tuple(indented(parts_of, asked)) if parts else asked
    columns = [*names, *messages.checks(priors, names)]
    conditions = questions(priors, probability, settings.given, settings.observe)
    extra = tuple(optional(*STATISTIC.read(text, "--statistic")) for text in checked(Names, "statistics", statistics))
    workers, every = Workers(threads, progress), quantities == "all"

    def told(settings: Settings) -> Result:
        drawn = Drawing({"": priors}, settings).scenarios("", columns, conditions)
        of_columns = (*usual(settings.percentiles), *extra)
        folded = fold(drawn, columns, of_columns, workers)
        wrong = partial(messages.nonfinite, priors, drawn, folded.bands, folded.nonfinite)
        nowhere = [name for name in names if not folded.bands[name].summary.count]
        if nowhere and not every:
            raise SimulateError(f"{wrong(nowhere)[0]}; change what that needs, or ask for other quantities")
        result = described("run", priors, settings, drawn)
        put_quantities(result, [priors.quantities[name] for name in names])
        result.provenance["asked"] = list(asked)
        result.provenance["headline"] = [name for name in asked if name in priors.headline] or list(asked[:1])
        result.provenance["components"] = {
            name: [part for part in parts if part in names] for name, parts in parts_of.items() if name in names
        }
        put_bands(result, {name: folded.bands[name] for name in names}, ("quantity",), of_columns)
        _put_priors(result, priors, drawn, folded, settings)
        _put_answers(result, folded, conditions)
        result.provenance["warnings"] += [
            *(messages.not_computed(priors) if every else ()),
            *wrong(names),
            *messages.failed_checks(priors, folded.bands),
            *messages.rare(result, folded.bands),
        ]
        return result

    if precision is None:
        return told(settings)
    return to_precision(told, settings, targets(precision, asked), start=scenarios)


class Replicate(NamedTuple):
    """What is kept of a replicate; `ranked` are some of its scenarios, `nonfinite` the first chunks with a nan."""

    parts: Mapping[str | Condition, Part]
    kept: Kept
    ranked: Sequence[Mapping[str, Array]]
    nonfinite: Mapping[str, tuple[int, int]]


class Folded:
    """The replicates so far: bands by quantity and condition, and what the conditions leave."""

    def __init__(self, statistics: Sequence[Statistic]) -> None:
        self.bands = Bands[str | Condition](statistics)
        self.kept, self.shares = Kept(), list[float]()  # the latter by replicate
        self.ranked: list[Mapping[str, Array]] = []
        self.nonfinite: dict[str, tuple[int, int]] = {}

    def add(self, replicate: Replicate) -> None:
        """Take up the next replicate."""
        self.bands.add(replicate.parts)
        self.kept.merge(replicate.kept)
        self.shares.append(replicate.kept.kept / replicate.kept.drawn)
        self.ranked.extend(replicate.ranked)
        self.nonfinite = {**replicate.nonfinite, **self.nonfinite}


def fold(drawn: Scenarios, names: Sequence[str], statistics: Sequence[Statistic], workers: Workers) -> Folded:
    """Draw all scenarios and summarize the named columns; under conditions the inputs' too, which shift.

    Raises SimulateError where the conditions leave too few scenarios.
    """
    asked, inputs = drawn.questions, drawn.plan.inputs
    columns = dict.fromkeys([*names, *(inputs if asked.conditional else ())])

    def work(number: int, ticks: Ticks) -> Replicate:
        gathering = Gathering[str | Condition]([*columns, *asked.probabilities])
        kept, ranked = Kept(), list[Mapping[str, Array]]()
        nonfinite: dict[str, tuple[int, int]] = {}
        for chunk in drawn.in_chunks(number, ticks):
            kept.add(chunk.drawn, chunk.size, chunk.weights)
            if not chunk.size:
                continue
            for name in columns:
                gathering.add(name, chunk.columns[name], chunk.size, chunk.weights)
                if gathering.summaries[name].nonfinite:
                    nonfinite.setdefault(name, chunk.at)
            for condition in asked.probabilities:
                gathering.add(condition, condition.holds(chunk.columns), chunk.size, chunk.weights)
            ranked.append(rank_sample(chunk, {*inputs, *names}, drawn.chunks, conditional=asked.conditional))
        return Replicate(gathering.finish(statistics), kept, ranked, nonfinite)

    folded = Folded(statistics)
    workers.fold(work, range(drawn.replicates), folded.add, what="scenarios", steps=drawn.steps)
    if asked.conditional:
        check_kept(asked, folded.kept)
    return folded


def _put_priors(result: Result, priors: Priors, drawn: Scenarios, folded: Folded, settings: Settings) -> None:
    inputs, shares = drawn.plan.inputs, np.array(settings.percentiles) / 100
    put_priors(result, [priors.quantities[name] for name in inputs])
    correlations = rank_correlations(folded.ranked, drawn.plan, result.labels("quantity"))
    told = "Spearman correlation with each prior"
    result.put("rank_correlation", ("quantity", "prior"), correlations, label=told, unit="1")
    distributions = [priors.priors[name].distribution for name in inputs]

    def put(name: str, rows: Sequence[Array], label: str, **unit: str) -> None:
        values = np.reshape(rows, (len(inputs), len(shares)))  # there may be no inputs
        result.put(name, ("prior", "percentile"), values, label=label, **unit)

    exact = [each.quantile(shares) for each in distributions]
    put("prior_percentiles", exact, "percentiles of the priors", unit_of="prior_unit")
    if drawn.questions.conditional:
        given = [folded.bands[name].value("percentiles") for name in inputs]
        put("prior_percentiles_given", given, "percentiles of the priors given the conditions", unit_of="prior_unit")
        below = [each.probability(band)[0] for each, band in zip(distributions, given, strict=True)]
        told = "the priors' probability below the percentiles given the conditions"
        put("prior_probability_given", below, told, unit="1")


def _put_answers(result: Result, folded: Folded, asked: Questions) -> None:
    """Probabilities along `question`, and what the conditions leave."""
    if asked.probabilities:
        shares = [folded.bands[condition].share() for condition in asked.probabilities]
        result.along("question", [condition.text for condition in asked.probabilities])
        result.put("probability", ("question",), *zip(*shares, strict=True), label="probability", unit="1")
    if asked.conditional:
        result.provenance["kept"] = {
            "scenarios": folded.kept.kept,
            "share": folded.kept.kept / folded.kept.drawn,
            "share_se": float(share_error(folded.shares, folded.kept.drawn)),
            "effective": folded.kept.effective,
        }
