"""The scenarios themselves, as many as asked, or those of them that conditions keep, with their weights."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simulate.conditions import Kept, check_kept, questions
from simulate.errors import read_all
from simulate.graph import Array
from simulate.priors import Priors
from simulate.replicates import Progress, Workers
from simulate.results import Result
from simulate.results.provenance import described, put_quantities
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Drawing, asked_quantities
from simulate.summary import WEIGHT
from simulate.thresholds import settled


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
    settings, faults = priors.run.read(scenarios=scenarios, seed=seed, scheme=scheme, given=given, observe=observe)
    names, unsettled, pool = read_all(
        partial(asked_quantities, priors, quantities),
        partial(questions, priors, (), settings.given, settings.observe),
        partial(Workers, backend, workers, progress, scheduler),
        faults=faults,
    )
    drawing = Drawing({"": priors}, settings)
    asked = settled(unsettled, partial(drawing.scenarios, ""), pool)
    drawn = drawing.scenarios("", names, asked)
    columns: dict[str, list[Array]] = {name: [] for name in dict.fromkeys([*drawn.plan.inputs, *names])}
    replicates, places = list[NDArray[np.intp]](), list[NDArray[np.intp]]()
    weights, kept = list[Array](), Kept()
    for replicate in range(REPLICATES):
        left = settings.scenarios // REPLICATES + (replicate < settings.scenarios % REPLICATES)
        for chunk in drawn.in_chunks(drawn.whole(replicate)) if left else ():
            count = min(left, chunk.size)
            kept.add(chunk.drawn, chunk.size, chunk.weights, chunk.undefined)
            for name, parts in columns.items():
                parts.append(np.broadcast_to(chunk.columns[name], chunk.size)[:count].astype(np.float64))
            replicates.append(np.full(count, replicate, np.intp))
            places.append(chunk.at[1] * drawn.size + chunk.places[:count])
            weights.append(np.ones(count) if chunk.weights is None else chunk.weights[:count] / WEIGHT)
            if not (left := left - count):
                break
    check_kept(asked, kept, fewest=1, why=drawn.contradictions)
    result = described("draws", priors, settings, drawn)
    result.attributes["scenarios"] = settings.scenarios
    result.provenance["warnings"] += drawn.contradictions
    put_quantities(result, [priors.quantities[name] for name in columns])
    result.beside("replicate", ("scenario",), np.concatenate(replicates))
    result.beside("place", ("scenario",), np.concatenate(places), "which scenario of the replicate")
    if asked.observed:
        result.beside("weight", ("scenario",), np.concatenate(weights), "what each counts by the measured values", "1")
    values = np.array([np.concatenate(parts) for parts in columns.values()])
    result.put("value", ("quantity", "scenario"), values, label="each scenario", unit_of="unit")
    return result
