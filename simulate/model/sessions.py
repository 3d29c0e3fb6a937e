"""Sessions: turns of one conversation or agent loop, what later ones read again, and what of it is still at hand.

Turn k reads what all sessions share, the k - 1 turns before it and what is new: P + u + (k - 1) g tokens, of which
u are new and g is what a turn leaves behind. A request drawn at random comes from a long session more often: with T
turns a session, E[k - 1] = E[T (T - 1) / 2] / E[T]. Nothing here binds where `turns_per_session` is not stated.
"""

import numpy as np

from simulate.graph import Array, check_of, otherwise, parameter
from simulate.model.notation import RATIO, SHARE, TOKEN, TOKEN_S, B

turns_per_session = parameter(
    "1",
    """Turns per session: questions of one conversation, or calls of one agent's task, the mean over sessions.

    3.5 in ShareGPT, 4.6 in ShareChat. Source: Yan et al., 2025, ShareChat, arXiv 2512.17843.""",
    lower=1,
)
turn_input_tokens = parameter(
    "token", """Turn input tokens: new ones of a turn, from the user or a tool; not what is read again.""", lower=0
)
turn_input_variation = parameter(
    "1", """Turn input variation: coefficient of variation of new tokens, between turns.""", default=0, lower=0
)
shared_prefix_tokens = parameter(
    "token",
    """Shared prefix tokens: with which all requests begin, instructions and descriptions of tools.""",
    default=0,
    lower=0,
)
kept_answer_share = parameter(
    "1",
    """Kept answer share: of an answer's tokens, those that later turns read again.

    Below 1 where reasoning is dropped. It stands before what is kept, so that the keys and values of the last answer
    are of no use to the next turn.""",
    default=1,
    lower=0,
    upper=1,
)
think_seconds = parameter(
    "s",
    """Think seconds: between an answer and the next turn of its session, the mean.

    Users read and write for minutes, tools answer in seconds: 80 % of reuses came within 10 minutes of chat, and
    within 10 s of an API. Source: Wang et al., 2025, KVCache cache in the wild, arXiv 2506.02634.""",
    lower=0,
)
cache_retention_seconds = parameter(
    "s",
    """Cache retention seconds: for which keys and values are held after an answer, until a turn uses them again.

    5 minutes to 1 hour is what providers sell; the memory that it takes is `held_prefix_bytes`.""",
    lower=0,
)


def turns_variation(turns_per_session: Array) -> RATIO:
    """Turns variation: coefficient of variation of the turns, between sessions.

    That of sessions which end after each turn with one probability, sqrt(1 - 1/m), unless a prior says otherwise.
    """
    return np.sqrt(1 - 1 / turns_per_session)


def earlier_turns(turns_per_session: Array, turns_variation: Array) -> RATIO:
    """Earlier turns: of its session before a request, the mean over requests.

    E[T (T - 1) / 2] / E[T] = (m (1 + CV^2) - 1) / 2.
    """
    turns = (turns_per_session * (1 + turns_variation**2) - 1) / 2
    return np.where(turns_per_session > 1, turns, 0.0)[()]


def _earlier_turns_squared(turns_per_session: Array, turns_variation: Array) -> Array:
    """E[T (T - 1) (2 T - 1) / 6] / E[T], the mean over requests of the square of the earlier turns.

    The third moment is that of further turns after Panjer: binomial, Poisson or negative binomial as their variance v
    is below, at or above their mean m - 1; skewness times v^(3/2) is v (2 v / (m - 1) - 1).
    Source: Panjer, 1981, Recursive evaluation of a family of compound distributions.
    """
    variance = turns_per_session**2 * turns_variation**2
    further = np.where(turns_per_session > 1, turns_per_session - 1, 1.0)
    third = variance * (2 * variance / further - 1) + 3 * turns_per_session * variance + turns_per_session**3
    second = variance + turns_per_session**2
    squared = (2 * third - 3 * second + turns_per_session) / (6 * turns_per_session)
    return np.where(turns_per_session > 1, squared, 0.0)[()]


def history_tokens_per_turn(turn_input_tokens: Array, kept_answer_share: Array, output_tokens: Array) -> TOKEN:
    """History tokens per turn: that a turn leaves to those after it, its new ones and what is kept of its answer."""
    return turn_input_tokens + kept_answer_share * output_tokens


def session_input_tokens(
    shared_prefix_tokens: Array, turn_input_tokens: Array, earlier_turns: Array, history_tokens_per_turn: Array
) -> TOKEN:
    """Session input tokens: read for one request of a session, history included, the mean over requests."""
    return shared_prefix_tokens + turn_input_tokens + earlier_turns * history_tokens_per_turn


@otherwise(0)
def input_tokens_variation(
    session_input_tokens: Array,
    turns_per_session: Array,
    turns_variation: Array,
    earlier_turns: Array,
    history_tokens_per_turn: Array,
    turn_input_tokens: Array,
    turn_input_variation: Array,
    kept_answer_share: Array,
    output_tokens: Array,
    output_tokens_variation: Array,
) -> RATIO:
    """Input tokens variation: coefficient of variation of the length of prompts, between requests.

    Attention of a prompt grows with the square of its length; 0 counts all as equal. That of sessions where these are
    stated, unless a prior says otherwise: new tokens and answers vary about their means independently.
    """
    new = _variance(turn_input_variation, turn_input_tokens)
    kept = _variance(output_tokens_variation, output_tokens, kept_answer_share)
    turns = np.maximum(_earlier_turns_squared(turns_per_session, turns_variation) - earlier_turns**2, 0.0)
    return np.sqrt(history_tokens_per_turn**2 * turns + new + earlier_turns * (new + kept)) / session_input_tokens


def _variance(variation: Array, mean: Array, share: Array | float = 1.0) -> Array:
    """Of so large a share of a length, by the length's coefficient of variation."""
    return (share * variation * mean) ** 2


def cache_survival(cache_retention_seconds: Array, think_seconds: Array) -> SHARE:
    """Cache survival: share of later turns that find what their session has read before.

    The wait for the next turn is exponential, as those of one kind of request were found to be.
    Source: Wang et al., 2025, KVCache cache in the wild, arXiv 2506.02634.
    """
    return -np.expm1(-cache_retention_seconds / think_seconds)


def session_cached_tokens(
    shared_prefix_tokens: Array,
    cache_retention_seconds: Array,
    cache_survival: Array,
    turns_per_session: Array,
    earlier_turns: Array,
    history_tokens_per_turn: Array,
    kept_answer_share: Array,
    output_tokens: Array,
) -> TOKEN:
    """Session cached tokens: of what a request reads, those at hand, the mean over requests.

    What all share is at hand wherever anything is held: a busy service uses it again at once.
    """
    later = 1 - 1 / turns_per_session
    history = earlier_turns * history_tokens_per_turn - later * _unfit(kept_answer_share, output_tokens)
    return _shared(shared_prefix_tokens, cache_retention_seconds) + cache_survival * history


def _shared(shared_prefix_tokens: Array, cache_retention_seconds: Array) -> Array:
    """Of the shared prefix, what is at hand."""
    return np.where(cache_retention_seconds > 0, shared_prefix_tokens, 0.0 * shared_prefix_tokens)


def _unfit(kept_answer_share: Array, output_tokens: Array) -> Array:
    """Tokens of the last answer that are kept but read anew, since reasoning before them has been dropped."""
    return np.where(kept_answer_share < 1, kept_answer_share * output_tokens, 0.0 * output_tokens)


@otherwise(0)
def prompt_cache_hit_rate(session_cached_tokens: Array, session_input_tokens: Array) -> SHARE:
    """Prompt cache hit rate: share of the input tokens whose keys and values are still at hand.

    They need no prefill. That of sessions where these are stated, unless a prior says otherwise. 0.56 at DeepSeek.
    Source: DeepSeek, 2025, open-infra-index, day 6.
    """
    return session_cached_tokens / session_input_tokens


@otherwise(1)
def attention_of_hits(
    session_input_tokens: Array,
    session_cached_tokens: Array,
    shared_prefix_tokens: Array,
    cache_retention_seconds: Array,
    cache_survival: Array,
    turns_per_session: Array,
    turns_variation: Array,
    earlier_turns: Array,
    history_tokens_per_turn: Array,
    turn_input_tokens: Array,
    turn_input_variation: Array,
    kept_answer_share: Array,
    output_tokens: Array,
    output_tokens_variation: Array,
) -> RATIO:
    """Attention of hits: of prompts, over that if each had the same share from the cache.

    Sessions hit or miss as a whole, and long ones hit more: (E[i^2] - E[c^2]) / (E[i^2] (1 - h^2)) for i tokens read,
    c of them at hand, h = E[c] / E[i].
    """
    later = 1 - 1 / turns_per_session
    new = _variance(turn_input_variation, turn_input_tokens)
    kept = _variance(output_tokens_variation, output_tokens, kept_answer_share)
    history = earlier_turns * history_tokens_per_turn
    history_squared = _earlier_turns_squared(turns_per_session, turns_variation) * history_tokens_per_turn**2
    varying = history_squared - history**2 + new + earlier_turns * (new + kept)
    read_squared = session_input_tokens**2 + varying
    first = shared_prefix_tokens - _unfit(kept_answer_share, output_tokens)  # what a later turn has beside its history
    fit = earlier_turns - np.where(kept_answer_share < 1, later, 0.0)
    found = later * first**2 + 2 * first * history + history_squared + earlier_turns * new + fit * kept
    shared = _shared(shared_prefix_tokens, cache_retention_seconds)
    cached_squared = (1 - cache_survival * later) * shared**2 + cache_survival * found
    alike = 1 - (session_cached_tokens / session_input_tokens) ** 2
    ratio = (1 - cached_squared / read_squared) / np.where(alike > 0, alike, 1.0)
    return np.where(alike > 0, np.maximum(ratio, 0.0), 1.0)[()]


# What is held between turns


def held_token_seconds(
    session_input_tokens: Array,
    shared_prefix_tokens: Array,
    output_tokens: Array,
    earlier_turns: Array,
    turns_per_session: Array,
    history_tokens_per_turn: Array,
    cache_survival: Array,
    cache_retention_seconds: Array,
    think_seconds: Array,
) -> TOKEN_S:
    """Held token seconds: for which the tokens of one request are held after its answer, without the shared prefix.

    Until the next turn, or until retention ends: E[min] = think seconds x survival. Of a session's last turn, and it
    is the longest, all of the retention: nobody knows that it is the last.
    """
    held = session_input_tokens - shared_prefix_tokens + output_tokens
    last = (held + (turns_per_session - 1 - earlier_turns) * history_tokens_per_turn) / turns_per_session
    return (held - last) * think_seconds * cache_survival + last * cache_retention_seconds


def held_prefix_tokens(arrivals_per_replica: Array, held_token_seconds: Array) -> TOKEN:
    """Held prefix tokens: of sessions between turns, for each replica at the peak; Little's law."""
    return arrivals_per_replica * held_token_seconds


def held_prefix_bytes(held_prefix_tokens: Array, kv_bytes_per_token: Array) -> B:
    """Held prefix bytes: memory that their keys and values take, once, for each replica at the peak."""
    return held_prefix_tokens * kv_bytes_per_token


def prefix_memory(
    replica_accelerators: Array,
    cache_memory: Array,
    batch_at_peak: Array,
    reserved_tokens: Array,
    kv_bytes_per_token: Array,
    cache_copies: Array,
) -> B:
    """Prefix memory: of a replica, for sessions between turns.

    What running sequences leave of the accelerators' own at the peak, unless a prior says otherwise: a host's memory,
    or a disk.
    """
    free = replica_accelerators * cache_memory / cache_copies - batch_at_peak * reserved_tokens * kv_bytes_per_token
    return np.maximum(free, 0.0 * free)


@check_of("prompt_cache_hit_rate")
def held_prefixes_fit(held_prefix_bytes: Array, prefix_memory: Array) -> SHARE:
    """Held prefixes fit: 1 where memory holds the prefixes for as long as is said, else 0: fewer turns find theirs."""
    return np.where(held_prefix_bytes <= prefix_memory, 1.0, 0.0)[()]
