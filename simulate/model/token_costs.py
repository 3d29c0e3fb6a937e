"""Token costs: what input, cached input and output take of the accelerators' time, and of the cost of serving.

A full replica's time is divided: what prompts take from writing goes to the input that is read, what steps take to
reread keys and values of cached input to that, and all else to output. What a prefill pool costs goes to the input that
is read. Idle time is divided in the same proportion, so that the three costs, each times its tokens, are the cost of
serving.
"""

import numpy as np

from simulate.composing import Composed, recomputing
from simulate.graph import Array, otherwise
from simulate.model.batches import at_a_batch, times
from simulate.model.notation import SHARE, TOKENS_PER_MTOKEN, USD_PER_MTOKEN


@otherwise(0)
@recomputing("cost_per_day", of="prefill_pool_seconds")
def prefill_share_of_cost(
    prefill_accelerators_share: Array, prefill_pool_seconds: Array, cost_per_day: Array, paid: Composed
) -> SHARE:
    """Prefill share of cost: of the cost per day, what would be spared if prompts took no time in the prefill pool.

    Where the cost per day is stated, or else does not hang on the pool, its share of the accelerators.
    """
    spared = cost_per_day - paid(prefill_pool_seconds * 0)
    by_number = prefill_accelerators_share / (1 + prefill_accelerators_share)
    return np.where(spared > 0, spared / cost_per_day, by_number)[()]


@at_a_batch
def input_share_of_time(
    batch_size_in_memory: Array,
    step_seconds: Array,
    output_tokens: Array,
    acceptance_length: Array,
    prefill_seconds: Array,
    serving_model_error: Array,
    step: Composed,
) -> SHARE:
    """Input share of time: by which prompts keep a full replica from writing."""
    writing, _ = times(
        batch_size_in_memory, step, output_tokens, acceptance_length, prefill_seconds, serving_model_error
    )
    return 1 - writing / (step_seconds * serving_model_error)


def cached_input_share_of_time(
    cache_seconds: Array, input_tokens: Array, prompt_cache_hit_rate: Array, context_tokens: Array, step_seconds: Array
) -> SHARE:
    """Cached input share of time: by which steps reread keys and values of cached input."""
    return cache_seconds * input_tokens * prompt_cache_hit_rate / context_tokens / step_seconds


def output_share_of_time(input_share_of_time: Array, cached_input_share_of_time: Array) -> SHARE:
    """Output share of time: all that input does not take."""
    return 1 - input_share_of_time - cached_input_share_of_time


def input_cost_per_1m_tokens(
    cost_per_day: Array,
    prefill_share_of_cost: Array,
    input_share_of_time: Array,
    questions_per_day: Array,
    input_tokens: Array,
    prompt_cache_hit_rate: Array,
) -> USD_PER_MTOKEN:
    """Input cost per million tokens: of input that is read, by its share of time."""
    share = prefill_share_of_cost + (1 - prefill_share_of_cost) * input_share_of_time
    tokens = questions_per_day * input_tokens * (1 - prompt_cache_hit_rate)
    return cost_per_day * share / tokens * TOKENS_PER_MTOKEN


def cached_input_cost_per_1m_tokens(
    cost_per_day: Array,
    prefill_share_of_cost: Array,
    cache_seconds: Array,
    context_tokens: Array,
    step_seconds: Array,
    questions_per_day: Array,
) -> USD_PER_MTOKEN:
    """Cached input cost per million tokens: by its share of time.

    Told for what a cached token would cost where none is.
    """
    cost = cost_per_day * (1 - prefill_share_of_cost)
    return cost * cache_seconds / (context_tokens * step_seconds * questions_per_day) * TOKENS_PER_MTOKEN


def output_cost_per_1m_tokens(
    cost_per_day: Array, prefill_share_of_cost: Array, output_share_of_time: Array, output_tokens_per_day: Array
) -> USD_PER_MTOKEN:
    """Output cost per million tokens: of answers, by their share of time."""
    return cost_per_day * (1 - prefill_share_of_cost) * output_share_of_time / output_tokens_per_day * TOKENS_PER_MTOKEN
