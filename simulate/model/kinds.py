"""Kinds of traffic: each with lengths, sessions and a cache of its own; the rest of the model sees their mix.

The functions of the mix take a column of each kind; `simulate.model.mixing` wires them. With a prompt's tokens, pairs
of tokens and contexts weighted each by itself, a step of the mix takes what its kinds take, but for what is no sum.
"""

from collections.abc import Iterable
from functools import reduce
from operator import add

import numpy as np

from simulate.graph import Array, parameter
from simulate.model.notation import ONE_TOKEN, PER_DAY, RATIO, SHARE, TOKEN, TOKEN_S, USD

Columns = tuple[Array, ...]  # of each kind, in their order

share = parameter(
    "1",
    """Share: of the questions, over the sum of all kinds' shares; one kind that states none has what others leave.""",
    lower=0,
)
questions_per_day = parameter("1/day", "Questions per day: of the kind; where one states them, all do.", lower=0)


# The mix


def _mean(weights: Columns, values: Iterable[Array]) -> Array:
    """Sum of the values by weights that add up to 1."""
    weighted: Array = reduce(add, (weight * value for weight, value in zip(weights, values, strict=True)))
    return weighted


def _variation(weights: Columns, means: Columns, variations: Columns) -> Array:
    """Coefficient of variation of a mix, between its kinds and within them."""
    mean = _mean(weights, means)
    squared = _mean(weights, (each**2 * (1 + cv**2) for each, cv in zip(means, variations, strict=True)))
    return np.sqrt(np.maximum(squared / mean**2 - 1, 0.0))


def _read(input_tokens: Columns, prompt_cache_hit_rate: Columns) -> Columns:
    """Tokens that the cache does not hold."""
    return tuple(each * (1 - hit) for each, hit in zip(input_tokens, prompt_cache_hit_rate, strict=True))


def output_tokens(share_of_questions: Columns, output_tokens: Columns) -> TOKEN:
    """Output tokens: the length of an answer, the mean over questions of all kinds."""
    return _mean(share_of_questions, output_tokens)


def output_tokens_variation(
    share_of_questions: Columns, output_tokens: Columns, output_tokens_variation: Columns
) -> RATIO:
    """Output tokens variation: coefficient of variation of the length of answers, between kinds and within them."""
    return _variation(share_of_questions, output_tokens, output_tokens_variation)


def input_tokens(share_of_questions: Columns, input_tokens: Columns) -> TOKEN:
    """Input tokens: read for one question, the mean over questions of all kinds."""
    return _mean(share_of_questions, input_tokens)


def input_tokens_variation(
    share_of_questions: Columns, input_tokens: Columns, input_tokens_variation: Columns
) -> RATIO:
    """Input tokens variation: coefficient of variation of the length of prompts, between kinds and within them."""
    return _variation(share_of_questions, input_tokens, input_tokens_variation)


def prompt_cache_hit_rate(share_of_questions: Columns, input_tokens: Columns, prompt_cache_hit_rate: Columns) -> SHARE:
    """Prompt cache hit rate: share of the input tokens of all kinds whose keys and values are still at hand."""
    cached = (each * hit for each, hit in zip(input_tokens, prompt_cache_hit_rate, strict=True))
    return _mean(share_of_questions, cached) / _mean(share_of_questions, input_tokens)


def context_tokens(share_of_questions: Columns, output_tokens: Columns, context_tokens: Columns) -> TOKEN:
    """Context tokens: that a sequence in decode holds on average; kinds are met as often as their answers are long."""
    held = (output * context for output, context in zip(output_tokens, context_tokens, strict=True))
    return _mean(share_of_questions, held) / _mean(share_of_questions, output_tokens)


def attended_tokens(
    share_of_questions: Columns, input_tokens: Columns, prompt_cache_hit_rate: Columns, attended_tokens: Columns
) -> TOKEN:
    """Attended tokens: of the input, by one of its tokens that the cache does not hold, of whatever kind it is."""
    read = _read(input_tokens, prompt_cache_hit_rate)
    pairs = _mean(share_of_questions, (each * far for each, far in zip(read, attended_tokens, strict=True)))
    tokens = _mean(share_of_questions, read)
    return pairs / np.where(tokens > 0, tokens, ONE_TOKEN)


def held_token_seconds(share_of_questions: Columns, held_token_seconds: Columns) -> TOKEN_S:
    """Held token seconds: for which the tokens of one request are held after its answer, the mean over all kinds."""
    return _mean(share_of_questions, held_token_seconds)


def input_to_output_ratio(input_tokens: Array, output_tokens: Array) -> RATIO:
    """Input to output ratio: tokens read for each token written, of all kinds."""
    return input_tokens / output_tokens


MIXED = {
    each.__name__: each
    for each in (
        *(output_tokens, output_tokens_variation, input_tokens, input_tokens_variation, prompt_cache_hit_rate),
        *(context_tokens, attended_tokens, held_token_seconds, input_to_output_ratio),
    )
}


# A kind in the mix


def stated_share(share: Array) -> SHARE:
    """Share of questions: that are of this kind."""
    return share


def rest(*others: Array) -> Array:
    """What the others leave; nan where these have more than there is."""
    left = 1 - reduce(add, others)
    return np.where(left >= 0, left, np.nan)[()]


def total(*every: Array) -> PER_DAY:
    """Questions per day: of all kinds."""
    return reduce(add, every)


def volume(all_questions: Array, share_of_questions: Array) -> PER_DAY:
    """Questions per day: of this kind."""
    return all_questions * share_of_questions


def share_of_tokens(
    share_of_questions: Array, own_input: Array, own_output: Array, input_tokens: Array, output_tokens: Array
) -> SHARE:
    """Share of tokens: read and written, that are of this kind."""
    return share_of_questions * (own_input + own_output) / (input_tokens + output_tokens)


def share_of_time(
    share_of_questions: Array,
    own_output: Array,
    own_context: Array,
    own_input: Array,
    own_hits: Array,
    own_attended: Array,
    output_tokens: Array,
    context_tokens: Array,
    input_tokens: Array,
    prompt_cache_hit_rate: Array,
    attended_tokens: Array,
    input_share_of_time: Array,
    attention_share_of_time: Array,
    cache_share_of_time: Array,
) -> SHARE:
    """Share of time: of the accelerators', that questions of this kind take.

    Prompts by the tokens that the cache does not hold, their attention by pairs of tokens, rereading of the cache by
    tokens written times context, all else by tokens written. Those of all kinds add up to 1.
    """
    every = input_tokens * (1 - prompt_cache_hit_rate)
    read = own_input * (1 - own_hits) / np.where(every > 0, every, ONE_TOKEN)
    pairs = read * own_attended / np.where(attended_tokens > 0, attended_tokens, ONE_TOKEN)
    written = own_output / output_tokens
    prompts = (input_share_of_time - attention_share_of_time) * read + attention_share_of_time * pairs
    writing = (1 - input_share_of_time - cache_share_of_time) * written
    rereading = cache_share_of_time * written * own_context / context_tokens
    return share_of_questions * (prompts + writing + rereading)


def cost(cost_per_question: Array, share_of_time: Array, share_of_questions: Array) -> USD:
    """Cost per question: of this kind, by its accelerator time."""
    return cost_per_question * share_of_time / share_of_questions


TOLD = ("share_of_questions", "share_of_tokens", "share_of_time", "cost_per_question")  # of each kind
