"""Rank correlations of the quantities of a run with its priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from simulate.graph import Array, Plan


def ranks(column: Array) -> Array:
    """Ranks of the values, 1 the least; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank: Array = (last - (counts - 1) / 2)[inverse]
    return mean_rank


def rank_correlations(replicates: Sequence[Mapping[str, Array]], plan: Plan) -> dict[str, Array]:
    """Spearman's correlation of each output with each input, 0 where either is constant or does not need the other.

    `replicates` hold some scenarios of each column that varies.
    """
    needed = {name: {name} for name in plan.inputs}
    for name, _, needs in plan.steps:
        needed[name] = set[str]().union(*(needed.get(need, ()) for need in needs))
    standardized: dict[str, Array] = {}
    for name in dict.fromkeys([*plan.inputs, *plan.outputs]):
        parts = [ranked[name] for ranked in replicates if name in ranked]
        if len(parts) == len(replicates):
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
