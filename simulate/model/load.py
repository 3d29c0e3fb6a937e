"""Load: the batch that demand or targets give a replica, how long users wait, and what input and output cost apart.

Two batches are told apart. A replica is full with `batch_size` sequences: as many as memory and the targets for the
time to first token and per output token allow. Fleets are sized by it. At the peak there are fewer, as demand gives
(`batch_at_peak`), for replicas are whole and have a margin.

A question waits for its prompt to be read, as in a queue, and then for its tokens, one a step. Prompts take a share of
a replica's time from writing: u = arrivals x the time of a prompt, and a token takes 1/(1 - u) times as long.

Source: Little, 1961, A proof for the queuing formula L = lambda W; Kleinrock, 1975, Queueing systems.
"""

import numpy as np

from simulate.composing import Composed
from simulate.graph import Array, check, parameter
from simulate.model.batches import at_a_batch, mean_within, reached, times
from simulate.model.notation import (
    ONE_OR_MORE,
    ONE_TOKEN,
    PER_S,
    RATIO,
    S_PER_TOKEN,
    SECONDS_PER_DAY,
    SHARE,
    TOKEN_PER_S,
    S,
)
from simulate.model.queueing import POOL, late_wait, mean_wait

time_to_first_token_target = parameter(
    "s",
    """Target of the time to first token: that 99 % of questions keep to; a day, so none, unless stated.""",
    default=SECONDS_PER_DAY,
    lower=0,
)
time_per_output_token_target = parameter(
    "s/token",
    """Target of the time per output token: that 99 % of questions keep to; a day, so none, unless stated.""",
    default=SECONDS_PER_DAY,
    lower=0,
)
first_token_overhead = parameter(
    "s",
    """First token overhead: of a first token, what neither queue nor model explains.

    64 ms over six groups of accelerator and stack.
    Source: InferenceX, 2025 and 2026, DeepSeek-R1 at fixed concurrency.""",
    default=0.064,
    lower=0,
)
first_token_steps = parameter(
    "1",
    """First token steps: before a first token is told, beside the pass of its prompt.

    Half a step until the one under way ends; stacks that tell their first token later have more.""",
    default=0.5,
    lower=0.5,
)
slow_steps = parameter(
    "1",
    """Slow steps: 99th percentile of the time per token over its median, without prompts.

    Source: InferenceX, 2025 and 2026, DeepSeek-R1 at fixed concurrency: 1.035 + 0.35 u.""",
    default=1.035,
    lower=1,
)
slow_steps_by_prompts = parameter(
    "1",
    """Slow steps by prompts: what the prompts' share of time adds to that, times the share.

    Source: InferenceX, 2025 and 2026, DeepSeek-R1 at fixed concurrency: 1.035 + 0.35 u.""",
    default=0.35,
    lower=0,
)
slow_steps_by_drafts = parameter(
    "1",
    """Slow steps by drafts: what each token accepted in a step adds to that.

    Some answers are harder to foretell.
    Source: InferenceX, 2025 and 2026, DeepSeek-R1 at fixed concurrency: 0.08 to 0.20 with 1 to 3 proposed tokens.""",
    default=0.14,
    lower=0,
)
pooled_replicas = parameter(
    "1",
    """Pooled replicas: among which a prompt takes the first that is free.

    1 where a router gives each prompt to a replica when it comes.""",
    default=1,
    lower=1,
    upper=POOL,
)


# At the peak


def arrivals_per_replica(questions_per_day: Array, peak_to_average: Array, replicas: Array) -> PER_S:
    """Arrivals per replica: questions a second at the peak."""
    return questions_per_day * peak_to_average / (replicas * SECONDS_PER_DAY)


@at_a_batch
def batch_at_peak(
    arrivals_per_replica: Array,
    batch_limit: Array,
    output_tokens: Array,
    acceptance_length: Array,
    prefill_seconds: Array,
    serving_model_error: Array,
    step: Composed,
) -> ONE_OR_MORE:
    """Batch at the peak: sequences that a replica writes at once, 1 at least; nan where too many come.

    By Little's law they are arrivals x output tokens x the time of a step, which itself grows with the batch.
    """

    def excess(batch: Array) -> Array:
        writing, prompt = times(batch, step, output_tokens, acceptance_length, prefill_seconds, serving_model_error)
        demand = arrivals_per_replica * (output_tokens / acceptance_length * writing + batch * prompt)
        return np.log(batch / demand)

    found, _, at_limit = reached(excess, batch_limit)
    return np.where((batch_limit >= 1) & (at_limit >= 0), found, np.nan)[()]


@at_a_batch
def undisturbed_step_seconds(
    batch_at_peak: Array,
    output_tokens: Array,
    acceptance_length: Array,
    prefill_seconds: Array,
    serving_model_error: Array,
    step: Composed,
) -> S:
    """Undisturbed step seconds: at the peak, were no prompts read meanwhile."""
    return times(batch_at_peak, step, output_tokens, acceptance_length, prefill_seconds, serving_model_error)[0]


@at_a_batch
def prompt_service_seconds(
    batch_at_peak: Array,
    output_tokens: Array,
    acceptance_length: Array,
    prefill_seconds: Array,
    serving_model_error: Array,
    step: Composed,
) -> S:
    """Prompt service seconds: by which a prompt keeps a replica from writing."""
    return times(batch_at_peak, step, output_tokens, acceptance_length, prefill_seconds, serving_model_error)[1]


def prompt_share_of_time(arrivals_per_replica: Array, prompt_service_seconds: Array) -> SHARE:
    """Prompt share of time: by which prompts keep replicas from writing, at the peak."""
    share = arrivals_per_replica * prompt_service_seconds
    return np.where(share < 1, share, np.nan)[()]


def time_per_output_token(
    undisturbed_step_seconds: Array, prompt_share_of_time: Array, acceptance_length: Array
) -> S_PER_TOKEN:
    """Time per output token: at the peak, the median over questions."""
    return undisturbed_step_seconds / (1 - prompt_share_of_time) / acceptance_length


def time_per_output_token_p99(
    time_per_output_token: Array,
    prompt_share_of_time: Array,
    acceptance_length: Array,
    slow_steps: Array,
    slow_steps_by_prompts: Array,
    slow_steps_by_drafts: Array,
) -> S_PER_TOKEN:
    """Time per output token, P99: what 1 % of questions exceed."""
    by_drafts = slow_steps_by_drafts * (acceptance_length / ONE_TOKEN - 1)
    return time_per_output_token * (slow_steps + slow_steps_by_prompts * prompt_share_of_time + by_drafts)


def prompt_queue_seconds(
    prompt_share_of_time: Array,
    prompt_service_seconds: Array,
    prefill_utilization: Array,
    prefill_pool_seconds: Array,
    input_tokens_variation: Array,
    pooled_replicas: Array,
) -> S:
    """Prompt queue seconds: mean wait of a prompt for its turn, at the peak.

    That of M/G/c: with one server u (1 + CV^2) / (2 (1 - u)) times that of a prompt; or in a prefill pool.
    """
    here = mean_wait(prompt_share_of_time, prompt_service_seconds, input_tokens_variation, pooled_replicas)
    return here + mean_wait(prefill_utilization, prefill_pool_seconds, input_tokens_variation, pooled_replicas)


def prompt_queue_seconds_p99(
    prompt_share_of_time: Array,
    prompt_service_seconds: Array,
    prefill_utilization: Array,
    prefill_pool_seconds: Array,
    input_tokens_variation: Array,
    pooled_replicas: Array,
) -> S:
    """Prompt queue seconds, P99: what 1 % of prompts exceed.

    Who waits at all does so for an exponential time: exactly in M/M/c.
    """
    here = late_wait(prompt_share_of_time, prompt_service_seconds, input_tokens_variation, pooled_replicas)
    return here + late_wait(prefill_utilization, prefill_pool_seconds, input_tokens_variation, pooled_replicas)


def prompt_reading_seconds(
    prompts_per_answer: Array,
    prefill_seconds: Array,
    serving_model_error: Array,
    prefill_pool_seconds: Array,
    transfer_seconds: Array,
) -> S:
    """Prompt reading seconds: from its turn until its keys and values are where the answer is written."""
    return prompts_per_answer * (prefill_seconds * serving_model_error) + prefill_pool_seconds + transfer_seconds


def time_to_first_token(
    prompt_queue_seconds: Array,
    prompt_reading_seconds: Array,
    undisturbed_step_seconds: Array,
    first_token_steps: Array,
    first_token_overhead: Array,
) -> S:
    """Time to first token: from question to answer at the peak, about the median.

    The wait for its turn, the pass that reads a prompt of mean length, and what comes on top.
    """
    steps = first_token_steps * undisturbed_step_seconds
    return prompt_queue_seconds + prompt_reading_seconds + steps + first_token_overhead


def time_to_first_token_p99(
    prompt_queue_seconds_p99: Array,
    prompt_reading_seconds: Array,
    undisturbed_step_seconds: Array,
    first_token_steps: Array,
    first_token_overhead: Array,
) -> S:
    """Time to first token, P99: what 1 % of questions exceed, prompts of mean length.

    The step that is under way has just begun.
    """
    return time_to_first_token(
        prompt_queue_seconds_p99,
        prompt_reading_seconds,
        undisturbed_step_seconds,
        first_token_steps + 1 / 2,
        first_token_overhead,
    )


def sequences_in_flight(
    arrivals_per_replica: Array, time_to_first_token: Array, output_tokens: Array, time_per_output_token: Array
) -> RATIO:
    """Sequences in flight: of a replica at the peak: waiting, read or written; Little's law."""
    return arrivals_per_replica * (time_to_first_token + output_tokens * time_per_output_token)


def output_speed_at_peak(time_per_output_token: Array) -> TOKEN_PER_S:
    """Output speed at the peak: tokens a second that a user sees, the median."""
    return 1 / time_per_output_token


@check
def targets_met(
    time_to_first_token_p99: Array,
    time_per_output_token_p99: Array,
    time_to_first_token_target: Array,
    time_per_output_token_target: Array,
) -> SHARE:
    """Targets met: 1 where 99 % of questions at the peak keep to both, else 0.

    A fleet that is sized by the targets meets them; one of a stated batch or size may not.
    """
    first = time_to_first_token_p99 <= time_to_first_token_target
    met = first & (time_per_output_token_p99 <= time_per_output_token_target)
    return np.where(met, 1.0, 0.0)[()]


# A full replica


@at_a_batch
def batch_size(
    batch_limit: Array,
    time_to_first_token_target: Array,
    time_per_output_token_target: Array,
    output_tokens: Array,
    acceptance_length: Array,
    input_tokens_variation: Array,
    prefill_seconds: Array,
    serving_model_error: Array,
    prompt_reading_seconds: Array,
    prefill_utilization_target: Array,
    prefill_pool_seconds: Array,
    pooled_replicas: Array,
    first_token_steps: Array,
    first_token_overhead: Array,
    slow_steps: Array,
    slow_steps_by_prompts: Array,
    slow_steps_by_drafts: Array,
    step: Composed,
) -> ONE_OR_MORE:
    """Batch size: sequences that a full replica decodes at once, on average; memory may allow fewer.

    As many as keep both targets and, in 99 % of the time, memory, unless a prior says otherwise; nan where not even
    one does.
    """
    in_pool = late_wait(prefill_utilization_target, prefill_pool_seconds, input_tokens_variation, pooled_replicas)

    def excess(batch: Array) -> Array:
        writing, prompt = times(batch, step, output_tokens, acceptance_length, prefill_seconds, serving_model_error)
        prompts = batch * acceptance_length / output_tokens * prompt
        share = prompts / (writing + prompts)
        token = time_per_output_token(writing, share, acceptance_length)
        slow = time_per_output_token_p99(
            token, share, acceptance_length, slow_steps, slow_steps_by_prompts, slow_steps_by_drafts
        )
        queue = in_pool + late_wait(share, prompt, input_tokens_variation, pooled_replicas)
        first = time_to_first_token_p99(queue, prompt_reading_seconds, writing, first_token_steps, first_token_overhead)
        used = np.maximum(slow / time_per_output_token_target, first / time_to_first_token_target)
        return np.log(used)

    found, at_one, _ = reached(excess, mean_within(batch_limit, pooled_replicas))
    return np.where((batch_limit >= 1) & (at_one <= 0), found, np.nan)[()]


@check
def targets_feasible(
    batch_size: Array, time_to_first_token_target: Array, time_per_output_token_target: Array
) -> SHARE:
    """Targets feasible: 1 where a replica keeps both with one sequence at least, else 0 and no number.

    The mean is the share of scenarios in which it does.
    """
    del time_to_first_token_target, time_per_output_token_target
    return np.where(batch_size >= 1, 1.0, 0.0)[()]


def output_throughput_per_replica(
    batch_size_in_memory: Array, acceptance_length: Array, step_seconds: Array, serving_model_error: Array
) -> TOKEN_PER_S:
    """Output throughput per replica: tokens a second of a full one."""
    return batch_size_in_memory * acceptance_length / (step_seconds * serving_model_error)


def output_throughput_per_accelerator(
    output_throughput_per_replica: Array, replica_accelerators: Array, prefill_accelerators_share: Array
) -> TOKEN_PER_S:
    """Output throughput per accelerator: the same, over its accelerators and those of a prefill pool with it."""
    return output_throughput_per_replica / (replica_accelerators * (1 + prefill_accelerators_share))
