"""Runs: the scenarios of a priors file, summarized as bands, with what moves them and what was asked besides."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from simulate.backends import Ticks
from simulate.bands import Bands, only_bounds, put_bands, put_kept
from simulate.checkpoints import Checkpoint
from simulate.conditions import Condition, Kept, Questions, Undefined, check_kept, questions
from simulate.errors import SimulateError, read_all
from simulate.folding import fold_replicates
from simulate.gates import Gate, Measured, gates, of_condition, of_mean, put_gates, with_gates
from simulate.gathering import Fault, Gathering, Part
from simulate.grammar import PRECISION, STATISTIC
from simulate.graph import Array
from simulate.plain import storable
from simulate.priors import Priors
from simulate.priors.equalities import equalities
from simulate.replicates import Progress, Workers
from simulate.results import Result
from simulate.results.in_vain import in_vain
from simulate.results.provenance import OF_RUN, described, identity, put_priors, put_quantities
from simulate.rounding import settle
from simulate.runs import messages
from simulate.runs.components import components, indented
from simulate.runs.drivers import Drivers, Sample
from simulate.runs.precision import targets, to_precision
from simulate.runs.tails import put_tails
from simulate.scenarios import Block, Drawing, Piece, Scenarios, asked_quantities
from simulate.settings import Settings
from simulate.spread import share_error
from simulate.statistics import Statistic, optional, usual
from simulate.thresholds import settled


class NoNumbersError(SimulateError):
    """A quantity that is asked for is a number in none of the scenarios that were drawn."""


def run(
    priors: Priors,
    *,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    percentiles: Sequence[float] | None = None,
    quantities: Sequence[str] | str | None = None,
    statistics: Sequence[str] | None = None,
    probability: Sequence[str] | None = None,
    given: Sequence[str] | None = None,
    observe: Sequence[str] | None = None,
    fail_if: Sequence[str] | None = None,
    precision: str | None = None,
    parts: bool = False,
    backend: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Run the priors and tell the bands of quantities, by default the file's headline.

    What is left out is as the file's [run] says, or as it was in the earlier run that the priors come from.
    `statistics` are further ones, such as 'expected_shortfall 95'; `probability` are conditions whose probability is
    told; `given` and `observe` are conditions and measured values under which all is told; `fail_if` are gates, such as
    'P(capex > 1e9) > 10%', of which the verdicts are told. `precision` adds scenarios until the bands are known so
    well, such as '0.5%'; `parts` adds the parts of those quantities that are sums. What is found goes into the
    `checkpoint` now and then, and on from there where it was found.

    The result has `percentiles`, `mean`, `sd`, `minimum`, `maximum`, `nonfinite` and `fine_percentiles` along
    `quantity`, `variance_share`, `direction` and `rank_correlation` (Spearman's) along `quantity` and `prior`, and
    `prior_percentiles` along `prior`.
    Raises SimulateError for what cannot be asked or computed, for a quantity named that is a number in no scenario,
    and where conditions leave too few scenarios.
    """
    asking = _Asking.read(
        priors,
        quantities,
        partial(Workers, backend, workers, progress, scheduler, checkpoint),
        scenarios=scenarios,
        seed=seed,
        scheme=scheme,
        percentiles=percentiles,
        given=given,
        observe=observe,
        probability=probability,
        statistics=statistics,
        fail_if=fail_if,
        precision=precision,
    )
    settings, asked, pool = asking.settings, asking.quantities, asking.workers
    parts_of = components(priors.quantities, priors.priors)
    names = tuple(indented(parts_of, asked)) if parts else asked
    means = [gate.quantity for gate in asking.gates if gate.quantity and gate.quantity not in names]
    beside = tuple(dict.fromkeys((*messages.watched(priors, names), *means)))
    columns = [*names, *beside]

    if checkpoint:
        checkpoint.open({**identity("run", priors, settings, columns), "device": pool.device})

    def told(settings: Settings) -> Result:
        if checkpoint:
            checkpoint.begin(settings.scenarios)
        drawn = asking.scenarios(columns, settings)
        of_columns = (*usual(settings.percentiles), *asking.statistics)
        headline = [name for name in asked if name in priors.headline] or list(asked[:1])
        drivers = Drivers(priors, drawn, headline, asked)
        found = folded(drawn, columns, of_columns, pool, drivers.sample)
        nowhere = asking.nowhere(drawn, found)
        settle(drawn, {name: found.bands[name] for name in columns})
        events = messages.rare_events(drawn, found.bands, names)
        result = described("run", priors, settings, drawn)
        if pool.device:  # whose last bits are its own
            result.attributes["cpu"] += f" {pool.device}"
        put_quantities(result, [priors.quantities[name] for name in names])
        result.provenance["asked"] = list(asked)
        named = priors.run.quantities if quantities is None else [name for name in asked if name not in nowhere]
        result.provenance["run"] = {"quantities": list(named), **settings.model_dump(mode="json", include={*OF_RUN})}
        result.provenance["headline"] = headline
        result.provenance["components"] = {
            name: [part for part in parts if part in names] for name, parts in parts_of.items() if name in names
        }
        put_bands(result, {name: found.bands[name] for name in names}, ("quantity",), of_columns)
        if layouts := {word: found.bands[name] for name, word in priors.shares.items() if name in columns}:
            result.along("layout", [*layouts])
            told = zip(*(band.share() for band in layouts.values()), strict=True)
            result.put(
                "layout_share", ("layout",), *told, label="share of the scenarios with a layout that take it", unit="1"
            )
        _put_priors(result, priors, drawn, found, settings)
        drivers.put(result, found.sampled, found.bands, Kept.of(found.kept), pool)
        _put_answers(result, found, asking.questions.probabilities)
        put_tails(result, drawn.questions.probabilities)
        put_gates(result, asking.gates, {(gate.text,): (gate, _measured(found, gate)) for gate in asking.gates})
        rare = messages.rare(result, found.bands, drivers.movers)
        result.provenance["rare"] = {name: list(labels) for name, labels in rare.items()}
        result.provenance["rare_events"] = events
        result.provenance["warnings"] += [
            *map(str, in_vain([priors], {*names, *means, *drawn.questions.names})),
            *(messages.not_computed(priors) if asking.every else ()),
            *messages.too_rare(drawn, events),
            *equalities(priors.quantities, priors.priors, drawn.questions.texts).values(),
            *messages.faults(drawn, found.bands, found.first, names, beside),
            *messages.failed_checks(priors, found.bands),
            *messages.small_errors(rare),
            *only_bounds(result),
        ]
        return result

    if settings.precision is None:
        return told(settings)
    # an earlier run begins where it had got to
    start = scenarios if precision is not None or scenarios else settings.scenarios
    if checkpoint and checkpoint.found:
        start = checkpoint.round
    return to_precision(told, settings, targets(settings.precision, asked), start=start)


def refuse(priors: Priors, *, exact: bool) -> None:
    """Raise the SimulateError that a run of the priors as their file has it raises; draw all, and tell nothing.

    Few draws are sooner `exact` than tables are made for them.
    """
    asking = _Asking.read(priors)
    drawn = asking.scenarios(asking.quantities, asking.settings, exact=exact)
    asking.nowhere(drawn, folded(drawn, asking.quantities, (), asking.workers))


class _Asking(NamedTuple):
    """What a run is asked for, as it has been read; `every` says that it is whatever can be computed."""

    priors: Priors
    settings: Settings
    quantities: tuple[str, ...]
    every: bool
    questions: Questions
    statistics: tuple[Statistic, ...]
    gates: tuple[Gate, ...]
    workers: Workers

    @classmethod
    def read(
        cls,
        priors: Priors,
        quantities: Sequence[str] | str | None = None,
        workers: Callable[[], Workers] = Workers,
        **options: Any,
    ) -> "_Asking":
        """Read all of it, the `options` being those of Settings. Raises SimulateError with all that is wrong."""
        settings, faults = priors.run.read(**options)
        asked, questioned, extra, asked_gates, pool, _ = read_all(
            partial(asked_quantities, priors, quantities),
            partial(questions, priors, settings.probability, settings.given, settings.observe),
            partial(_statistics, settings.statistics),
            partial(gates, priors, settings.fail_if),
            workers,
            partial(PRECISION.read, settings.precision, "--precision") if settings.precision is not None else tuple,
            faults=faults,
        )
        every = isinstance(quantities, str) and quantities.strip() == "all"
        return cls(priors, settings, asked, every, questioned, extra, asked_gates, pool)

    def scenarios(self, columns: Sequence[str], settings: Settings, *, exact: bool = False) -> Scenarios:
        """The scenarios of a run with such settings, which end in the columns."""
        drawing = Drawing({"": self.priors}, settings, exact=exact)
        conditions = settled(with_gates(self.questions, self.gates), partial(drawing.scenarios, ""), self.workers)
        return drawing.scenarios("", columns, conditions)

    def nowhere(self, drawn: Scenarios, found: "Folded") -> list[str]:
        """The quantities that are numbers in no scenario. Raises NoNumbersError where they are asked for by name."""
        names = [name for name in self.quantities if not found.bands[name].summary.count]
        if names and not self.every:
            fault = messages.faults(drawn, found.bands, found.first, names)[0]
            raise NoNumbersError(f"{fault}; change what that needs, or ask for other quantities")
        return names


def _statistics(texts: Sequence[str]) -> tuple[Statistic, ...]:
    def read(text: str) -> Statistic:
        return optional(*STATISTIC.read(text, "--statistic"))

    return tuple(read_all(*(partial(read, text) for text in texts)))


Column = str | Condition | Undefined  # a quantity, or 1 in the scenarios in which a condition holds or is undefined


@storable
class Replicate(NamedTuple):
    """What is kept of a replicate beside its parts: how many scenarios conditions leave, and some of them."""

    kept: Kept
    sampled: list[Sample]

    def join(self, other: "Replicate") -> None:
        """Add what is kept of the replicate's next scenarios."""
        self.kept.merge(other.kept)
        self.sampled.extend(other.sampled)


class Folded:
    """The replicates so far: bands by quantity and condition, and what the conditions leave."""

    def __init__(self, statistics: Sequence[Statistic]) -> None:
        self.bands = Bands[Column](statistics)
        self.kept: list[Kept] = []  # by replicate
        self.sampled: list[Sequence[Sample]] = []
        self.first: dict[tuple[Column, Fault], messages.Place] = {}

    def add(self, parts: Mapping[Column, Part], replicate: Replicate) -> None:
        """Take up the next replicate."""
        self.bands.add(parts)
        for key, part in parts.items():
            for fault, chunk in part.first.items():
                self.first.setdefault((key, fault), (len(self.kept), chunk))
        self.kept.append(replicate.kept)
        self.sampled.append(replicate.sampled)

    def __getstate__(self) -> dict[str, Any]:
        """What has been taken up, without what is the same wherever it was."""
        return {**vars(self), "bands": [*self.bands.items()]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.bands.update(state.pop("bands"))
        vars(self).update(state)


def folded(
    drawn: Scenarios,
    names: Sequence[str],
    statistics: Sequence[Statistic],
    workers: Workers,
    sample: Callable[[Block], Iterable[Sample]] = lambda _: (),
) -> Folded:
    """Draw all scenarios and summarize the named columns; under conditions the inputs' too, which shift.

    `sample` tells which of a block are kept as they are.
    Raises SimulateError where the conditions leave too few scenarios.
    """
    asked, inputs = drawn.questions, drawn.plan.inputs
    columns = dict.fromkeys([*names, *(inputs if asked.conditional else ())])

    def work(gathering: Gathering[Column], piece: Piece, ticks: Ticks) -> Replicate:
        kept, sampled = Kept(), list[Sample]()
        for block in drawn.blocks(piece, ticks):
            kept.add(block.drawn, block.size, block.weights, block.undefined)
            if not block.size:
                continue
            for name in columns:
                gathering.add(name, block.columns[name], block.size, block.weights, chunk=block.at.chunks.start)
            for condition in asked.probabilities:
                holds = condition.holds(block.columns, piece.replicate)
                for key, column in ((condition, np.equal(holds, 1)), (Undefined(condition), np.isnan(holds))):
                    gathering.add(key, column.astype(np.float64), block.size, block.weights)
            sampled += sample(block)
            del block  # and what it holds, before the next is drawn
        return Replicate(kept, Sample.joined(sampled))

    found = Folded(statistics)
    keys: list[Column] = [*columns, *asked.probabilities, *map(Undefined, asked.probabilities)]
    fold_replicates(
        work,
        drawn,
        found.add,
        keys=keys,
        statistics=statistics,
        workers=workers,
        on_device=True,
        state=found,
        join=Replicate.join,
        quantities=drawn.quantities,
    )
    if asked.conditional:
        check_kept(asked, Kept.of(found.kept), why=drawn.contradictions)
    return found


def _put_priors(result: Result, priors: Priors, drawn: Scenarios, folded: Folded, settings: Settings) -> None:
    inputs, shares = drawn.plan.inputs, np.array(settings.percentiles) / 100
    put_priors(result, [priors.quantities[name] for name in inputs])
    distributions = [priors.priors[name].distribution for name in inputs]

    def put(name: str, rows: Sequence[Array], label: str, **unit: str) -> None:
        values = np.reshape(rows, (len(inputs), len(shares)))  # there may be no inputs
        result.put(name, ("prior", "percentile"), values, label=label, **unit)

    exact = [each.quantile(shares) for each in distributions]
    put("prior_percentiles", exact, "percentiles of the priors", unit_of="prior_unit")
    if drawn.questions.conditional:
        from simulate.runs.scenario_analysis import put_shifts

        given = [folded.bands[name].value("percentiles") for name in inputs]
        put("prior_percentiles_given", given, "percentiles of the priors given the conditions", unit_of="prior_unit")
        below = [each.probability(band)[0] for each, band in zip(distributions, given, strict=True)]
        told = "the priors' probability below the percentiles given the conditions"
        put("prior_probability_given", below, told, unit="1")
        put_kept(result, folded.kept, drawn)
        put_shifts(result, dict(zip(inputs, distributions, strict=True)), {name: folded.bands[name] for name in inputs})


def _where_defined(folded: Folded, condition: Condition) -> tuple[float, float]:
    """How often a condition holds of the scenarios in which it is defined, and the standard error; nan of none."""
    true, undefined = folded.bands[condition], folded.bands[Undefined(condition)]
    defined = 1 - undefined.value("mean")
    if not defined > 0:
        return math.nan, math.nan
    if true.fixed:
        return true.value("mean"), 0.0
    pairs = zip(true.replicates("mean"), undefined.replicates("mean"), strict=True)
    shares = [holds / (1 - open_) for holds, open_ in pairs if open_ < 1]
    return true.value("mean") / defined, float(share_error(shares, true.summary.effective * defined))


def _measured(folded: Folded, gate: Gate) -> Measured:
    if gate.quantity:
        return of_mean(folded.bands[gate.quantity])
    return of_condition(folded.bands[gate.condition], folded.bands[Undefined(gate.condition)])


def _put_answers(result: Result, folded: Folded, asked: Sequence[Condition]) -> None:
    """Probabilities along `question`, and how often conditions are undefined."""
    if asked:
        result.along("question", [condition.text for condition in asked])

        def put(name: str, shares: Sequence[tuple[float, float]], label: str) -> None:
            result.put(name, ("question",), *zip(*shares, strict=True), label=label, unit="1")

        put("probability", [folded.bands[condition].share() for condition in asked], "probability")
        undefined = [folded.bands[Undefined(condition)].share() for condition in asked]
        if any(share for share, _ in undefined):
            put("probability_undefined", undefined, "probability that the condition is undefined")
            defined = [_where_defined(folded, condition) for condition in asked]
            put("probability_where_defined", defined, "probability where the condition is defined")
