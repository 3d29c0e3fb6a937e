"""Batches: the time of a step at any of them, by the model's own equations, and that at which something is reached."""

from collections.abc import Callable

import numpy as np

from simulate.composing import Composed, recomputing
from simulate.graph import Array

HALVINGS, ROUNDS = 5, 14  # of an interval, and altogether: the worst of 160,000 batches was 5e-7 off
GRID = 2.0**32  # of logarithms: points of a unit
LEAST_SLOPE = 0.1  # of the excess on a logarithmic axis
NORMAL_TAIL = 2.3263478740408408  # standard deviations from a normal distribution's mean to its 99th percentile

at_a_batch = recomputing("step_seconds", of="batch_size_in_memory")


def times(
    batch: Array,
    step: Composed,
    output_tokens: Array,
    acceptance_length: Array,
    prefill_seconds: Array,
    serving_model_error: Array,
) -> tuple[Array, Array]:
    """Time of a step without prompts, and the time by which one prompt keeps a replica from writing, at a batch.

    The latter is that of its pass where prompts are passes of their own, else what it adds to the steps that it
    shares.
    """
    writing, both = step(batch, prompts_apart=1.0, prefill_seconds=prefill_seconds * 0), step(batch)
    prompt = np.maximum(both - writing, writing * 0) * output_tokens / (acceptance_length * batch)
    return writing * serving_model_error, prompt * serving_model_error


def reached(excess: Callable[[Array], Array], upper: Array) -> tuple[Array, Array, Array]:
    """Where a rising excess is 0, of batches from 1 to the upper one, or an end; and the excess at both ends.

    On a logarithmic axis, which is halved, then divided by false position after Illinois: an end that stays counts half
    the next time. What is tried lies on a grid, so that rounding does not add up; a last step by the slope leaves it.
    """
    low, high = _on_grid(np.log(upper) * 0), _on_grid(np.log(upper))
    at_low, at_high = at_ends = excess(np.exp(low)), excess(upper)
    slope = (at_high - at_low) / np.maximum(high - low, 1 / GRID)
    found, at_found, before = high, at_high, at_high > 0
    for count in range(ROUNDS):
        found = _on_grid(low + (high - low) * (0.5 if count < HALVINGS else at_low / (at_low - at_high)))
        at_found = excess(np.exp(found))
        beyond = at_found > 0
        at_low = np.where(beyond, np.where(before, at_low / 2, at_low), at_found)
        at_high = np.where(beyond, at_found, np.where(before, at_high, at_high / 2))
        low, high, before = np.where(beyond, low, found), np.where(beyond, found, high), beyond
    inner = np.exp(found - at_found / np.maximum(_on_grid(slope), LEAST_SLOPE))
    return np.where(at_ends[0] >= 0, 1.0, np.where(at_ends[1] <= 0, upper, inner)), *at_ends


def _on_grid(place: Array) -> Array:
    return np.rint(place * GRID) / GRID


def mean_within(limit: Array, pooled_replicas: Array) -> Array:
    """The mean number of sequences, one at least, which stay within a limit in 99 % of the time: Poisson's."""
    root = (np.sqrt(NORMAL_TAIL**2 + 4 * np.maximum(limit, 0) * pooled_replicas) - NORMAL_TAIL) / 2
    return np.maximum(root**2 / pooled_replicas, 1)
