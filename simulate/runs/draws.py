"""The scenarios themselves, as many as asked, or those of them that conditions keep, with their weights."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.backends import Ticks
from simulate.conditions import EXPLAIN, Kept, check_kept, check_known, questions
from simulate.errors import read_all
from simulate.grammar import PLOT
from simulate.graph import Array
from simulate.priors import Priors
from simulate.replicates import Progress, Workers
from simulate.results import Result
from simulate.results.provenance import described, put_quantities
from simulate.results.store import LONG
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import TOGETHER, Drawing, Piece, asked_quantities
from simulate.summary import WEIGHT
from simulate.thresholds import settled

SAMPLE = 1000  # scenarios that are enough to look at
MOST_PLOTTED = 2**16  # scenarios in a picture of each


def draws(
    priors: Priors,
    *,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    quantities: Sequence[str] | str | None = None,
    given: Sequence[str] | None = None,
    observe: Sequence[str] | None = None,
    backend: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Result:
    """Draw exactly as many scenarios as asked: every input and quantity, in its unit, `value` along `scenario`.

    They are those of a run of as many, the first of each replicate in turn; the coordinates `replicate` and `place`
    tell which, `place` counting the replicate's scenarios from 0. Under conditions they are the first that hold, fewer
    where the run has no more, and under measured values the coordinate `weight` is what each counts beside others.
    Raises SimulateError for what cannot be asked or computed, and where conditions leave no scenario.
    """
    return gathered(
        priors,
        quantities=quantities,
        backend=backend,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        scenarios=scenarios,
        seed=seed,
        scheme=scheme,
        given=given,
        observe=observe,
    )


def gathered(priors: Priors, **asked: Any) -> Result:
    """Scenarios as `draw` hands them on, `asked` as it takes it, in one result."""
    parts = list[Result]()
    result = draw(priors, parts.append, **asked)
    for group in ("coordinates", "variables"):
        for name, variable in getattr(parts[0], group).items():
            values = np.concatenate([getattr(part, group)[name].values for part in parts], axis=-1)
            getattr(result, group)[name] = replace(variable, values=values)
    return result


def asked_plots(priors: Priors, texts: Sequence[str]) -> list[tuple[str, ...]]:
    """The names of the quantities in each plot that is asked for. Raises SimulateError for all that there are not."""

    def read(text: str) -> tuple[str, ...]:
        names = PLOT.read(text, "--plot")
        for name in names:
            check_known(priors, name, f"--plot '{text}': ", EXPLAIN)
        return names

    return read_all(*(partial(read, text) for text in texts))


class Part(NamedTuple):
    """Scenarios of a piece that conditions keep: what these leave, a row of values a column, places and weights."""

    replicate: int
    kept: Kept
    values: Array
    places: NDArray[np.intp]
    weights: Array


def draw(
    priors: Priors,
    take: Callable[[Result], object],
    *,
    first: int | None = None,
    quantities: Sequence[str] | str | None = None,
    backend: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    **asked: Any,
) -> Result:
    """Draw scenarios as `draws` does, and hand them on part by part, so that they need not be held.

    `take` gets each part as the arrays along `scenario`; returned is what describes them all. `asked` are settings, and
    `first` is how many of their scenarios are wanted, where not all.
    """
    settings, faults = priors.run.read(**asked)
    names, unsettled, pool = read_all(
        partial(asked_quantities, priors, quantities),
        partial(questions, priors, (), settings.given, settings.observe),
        partial(Workers, backend, workers, progress, scheduler),
        faults=faults,
    )
    drawing = Drawing({"": priors}, settings)
    conditions = settled(unsettled, partial(drawing.scenarios, ""), pool)
    drawn = drawing.scenarios("", names, conditions)
    columns = tuple(dict.fromkeys([*drawn.plan.inputs, *names]))
    whole, left = _shares(settings.scenarios), _shares(min(first or settings.scenarios, settings.scenarios))
    kept = Kept()

    def work(piece: Piece, ticks: Ticks) -> Part:
        kept, parts = Kept(), list[tuple[Array, NDArray[np.intp], Array]]()
        for block in drawn.blocks(piece, ticks):
            kept.add(block.drawn, block.size, block.weights, block.undefined)
            values = np.array([np.broadcast_to(block.columns[name], block.size) for name in columns], np.float64)
            weights = np.ones(block.size) if block.weights is None else block.weights / WEIGHT
            parts.append((values, block.at.chunks.start * drawn.size + block.places, weights))
        return Part(piece.replicate, kept, *(np.concatenate(each, axis=-1) for each in zip(*parts, strict=True)))

    def taken(part: Part) -> None:
        kept.merge(part.kept)
        count = min(left[part.replicate], len(part.places))
        left[part.replicate] -= count
        if not count:
            return
        result = Result("draws")
        result.beside("replicate", (LONG,), np.full(count, part.replicate, np.intp))
        result.beside("place", (LONG,), part.places[:count], "which scenario of the replicate")
        if conditions.observed:
            result.beside("weight", (LONG,), part.weights[:count], "what each counts by the measured values", "1")
        result.put("value", ("quantity", LONG), part.values[:, :count], label="each scenario", unit_of="unit")
        take(result)

    pieces = [
        Piece(replicate, range(begin, min(begin + TOGETHER, chunks)))
        for replicate, chunks in enumerate(
            -(-each // drawn.size) for each in (whole if conditions.conditional else left)
        )
        for begin in range(0, chunks, TOGETHER)
    ]
    pool.fold(work, pieces, taken, what="draws", steps=drawn.steps, scenarios=drawn.count)
    check_kept(conditions, kept, fewest=1, why=drawn.contradictions)
    result = described("draws", priors, settings, drawn)
    result.attributes["scenarios"] = settings.scenarios
    result.provenance["warnings"] += drawn.contradictions
    put_quantities(result, [priors.quantities[name] for name in columns])
    return result


def _shares(count: int) -> list[int]:
    """How many of so many scenarios are of each replicate."""
    return [count // REPLICATES + (each < count % REPLICATES) for each in range(REPLICATES)]
