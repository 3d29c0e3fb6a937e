"""Rank: Spearman's correlation with each prior, and the standardized coefficients of a regression of ranks."""

from __future__ import annotations

import numpy as np

from simulate.graph import Array
from simulate.replicates import Ticks
from simulate.runs.correlations import ranks
from simulate.sensitivity.asking import Asking
from simulate.sensitivity.method import Measured, Method
from simulate.statistics import standard_error


def measure(asking: Asking) -> Measured:
    """Rank the scenarios of each replicate; those in which the quantity is not a number are left out."""
    drawn, names = asking.drawn(), asking.movers
    columns = [*names, asking.quantity]

    def work(replicate: int, ticks: Ticks) -> tuple[Array, Array, float]:
        parts = [
            [np.broadcast_to(chunk.columns[name], chunk.size) for name in columns]
            for chunk in drawn.in_chunks(replicate, ticks)
        ]
        ranked = np.concatenate(parts, axis=1)
        del parts
        known = np.isfinite(ranked[-1])
        if not known.all():
            ranked = ranked[:, known]
        mean = float(ranked[-1].mean())
        for place in ticks(range(len(columns))):
            own = ranks(ranked[place])
            own -= own.mean()
            length = np.sqrt((own * own).sum())
            ranked[place] = own / (length if length > 0 else 1)
        among, spearman = ranked[:-1] @ ranked[:-1].T, ranked[:-1] @ ranked[-1]
        return spearman, np.linalg.lstsq(among, spearman, rcond=1e-10)[0], mean

    found = asking.of_replicates(work, drawn, steps=drawn.steps + len(columns))
    spearman, regression, means = (np.array(each) for each in zip(*found, strict=True))
    effects = {
        name: {
            figure: (float(values[:, place].mean()), float(standard_error(values[:, place])))
            for figure, values in (("spearman", spearman), ("regression", regression))
        }
        for place, name in enumerate(names)
    }
    return Measured(float(means.mean()), effects)


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
