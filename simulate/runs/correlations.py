"""Rank correlations of the quantities of a run with its priors."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simulate.graph import Array, Plan
from simulate.scenarios import Chunk

RANKED = 512  # scenarios a replicate behind the rank correlations


def rank_sample(chunk: Chunk, names: Iterable[str], chunks: int, *, conditional: bool) -> dict[str, Array]:
    """The columns that vary, at some scenarios: those of a replicate's first chunk, or under conditions of each."""
    if chunk.at[1] and not conditional:
        return {}
    places = _systematic(chunk, -(-RANKED // chunks)) if conditional else slice(RANKED)
    columns = {name: chunk.columns[name] for name in names}
    return {name: column[places].copy() for name, column in columns.items() if isinstance(column, np.ndarray)}


def _systematic(chunk: Chunk, most: int) -> NDArray[np.intp]:
    """Places of at most so many scenarios that stand for weighted ones (systematic resampling)."""
    count = min(most, chunk.size)
    weights = np.ones(chunk.size) if chunk.weights is None else chunk.weights
    cumulative = np.cumsum(weights, dtype=np.float64)
    places: NDArray[np.intp] = np.searchsorted(cumulative, (np.arange(count) + 0.5) / count * cumulative[-1])
    return places


def ranks(column: Array, weights: Array | None = None) -> Array:
    """Ranks of the values, 1 the least, or sums of weights up to them; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    held = counts if weights is None else np.bincount(inverse, weights)
    last = np.cumsum(held)
    mean_rank: Array = (last - (held - 1) / 2)[inverse]
    return mean_rank


def standardized_ranks(column: Array, weights: Array | None = None) -> Array:
    """Ranks less their mean, of length 1, so that products sum to correlations; 0 where all values are equal.

    With weights, products sum to the weighted correlations.
    """
    centred = ranks(column, weights)
    centred -= np.average(centred, weights=weights)
    if weights is not None:
        centred *= np.sqrt(weights)
    length = np.sqrt(np.add.reduce(centred * centred))
    return centred / length if length > 0 else centred


def rank_correlations(samples: Sequence[Mapping[str, Array]], plan: Plan, outputs: Sequence[str]) -> Array:
    """Spearman's correlation of each output with each input, shape (outputs, inputs of the plan).

    It is 0 where either is constant, or the output does not need the input. `samples` hold the columns that vary.
    """
    needed = {name: {name} for name in plan.inputs}
    for name, _, needs in plan.steps:
        needed[name] = set[str]().union(*(needed.get(need, ()) for need in needs))
    standardized: dict[str, Array] = {}
    for name in dict.fromkeys([*plan.inputs, *outputs]):
        if parts := [sample[name] for sample in samples if name in sample]:
            standardized[name] = standardized_ranks(np.concatenate(parts))
    correlations = np.zeros((len(outputs), len(plan.inputs)))
    for row, output in enumerate(outputs):
        for column, each in enumerate(plan.inputs):
            if each in needed.get(output, ()) and {output, each} <= standardized.keys():
                correlations[row, column] = np.add.reduce(standardized[output] * standardized[each])
    return correlations
