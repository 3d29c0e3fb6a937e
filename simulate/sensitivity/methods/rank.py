"""Rank: Spearman's correlation with each prior, and the standardized coefficients of a regression of ranks."""

import numpy as np

from simulate.backends import Ticks
from simulate.errors import SimulateError
from simulate.graph import Array
from simulate.influence import standardized_ranks
from simulate.sensitivity.method import Asking, Measured, Method
from simulate.spread import standard_error


def measure(asking: Asking) -> Measured:
    """Rank the scenarios of each replicate; those in which the quantity is not a number are left out.

    Raises SimulateError where a replicate has not two left.
    """
    drawn, names = asking.drawn(), asking.movers
    columns = [*names, asking.quantity]

    def work(replicate: int, ticks: Ticks) -> tuple[Array, Array, float]:
        ranked, kept = np.empty((len(columns), drawn.size * drawn.chunks)), 0
        weights = np.empty(ranked.shape[1] if drawn.questions.observed else 0)
        for block in drawn.blocks(drawn.whole(replicate), ticks):
            known = np.isfinite(np.broadcast_to(block.columns[asking.quantity], block.size))
            before, kept = kept, kept + int(np.count_nonzero(known))
            for row, name in zip(ranked, columns, strict=True):
                row[before:kept] = np.broadcast_to(block.columns[name], block.size)[known]
            if block.weights is not None:
                weights[before:kept] = block.weights[known]
        if kept < 2:
            raise SimulateError(
                f"{asking.quantity} is a number in fewer than two scenarios of a replicate, too few to rank; "
                "ask for more --scenarios"
            )
        ranked, counting = ranked[:, :kept], weights[:kept] if len(weights) else None
        mean = float(np.average(asking.scaled(ranked[-1]), weights=counting))
        for row in ticks(ranked):
            row[:] = standardized_ranks(row, counting)
        among, spearman = ranked[:-1] @ ranked[:-1].T, ranked[:-1] @ ranked[-1]
        return spearman, np.linalg.lstsq(among, spearman, rcond=1e-10)[0], mean

    found = asking.of_replicates(work, drawn, steps=drawn.steps(drawn.whole(0)) + len(columns))
    spearman, regression, means = (np.array(each) for each in zip(*found, strict=True))
    effects = {
        name: {
            figure: (float(values[:, place].mean()), float(standard_error(values[:, place])))
            for figure, values in (("spearman", spearman), ("regression", regression))
        }
        for place, name in enumerate(names)
    }
    return Measured(asking.baseline(means.mean()), effects)


METHOD = Method(
    measure,
    scenarios=2**16,
    heading="rank correlation and rank regression",
    figures={"spearman": "Spearman", "regression": "regression"},
    size="spearman",
    note="Spearman's correlation counts what comes by correlated priors, regression does not.",
    signed=True,
    additive=False,
)
