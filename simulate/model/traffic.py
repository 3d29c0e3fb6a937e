"""Traffic: the parts of a full replica's time by which kinds of questions are told apart, beside that of prompts."""

from simulate.graph import Array, otherwise
from simulate.model.notation import SHARE


@otherwise(0)
def attention_share_of_time(
    prompts_per_step: Array,
    input_tokens: Array,
    prompt_cache_hit_rate: Array,
    attention_seconds_per_token: Array,
    step_seconds: Array,
) -> SHARE:
    """Attention share of time: of a full replica's, for attention of prompts, a part of what input takes."""
    read = prompts_per_step * input_tokens * (1 - prompt_cache_hit_rate)
    return read * attention_seconds_per_token / step_seconds


@otherwise(0)
def cache_share_of_time(cache_seconds: Array, step_seconds: Array) -> SHARE:
    """Cache share of time: of a full replica's, to reread keys and values of the sequences that it writes."""
    return cache_seconds / step_seconds
