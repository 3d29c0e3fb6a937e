"""Step: a pass that writes to each sequence, prompts read meanwhile, and what that comes to per question.

Reading and writing are timed by the same equations of the tokens that pass through the model. Weights take the
longer of memory and arithmetic, those that all tokens use and those of experts each by themselves; cache, attention of
prompts, routing, links and latency come on top. Prompts share the steps of answers, or are passes of their own
between them (`prompts_apart`); a token written pays for the prompts read meanwhile either way. Without a draft a step
writes one token of each sequence, else as many as its `acceptance_length`.
"""

import numpy as np

from simulate.graph import Array, otherwise, parameter, total
from simulate.model.notation import ONE_TOKEN, RATIO, SHARE, TOKEN, TOKEN_PER_S, S

prompts_apart = parameter(
    "1",
    """Prompts apart: 0 where prompts share the steps of answers, 1 where they are passes of their own between.

    Between 0 and 1 it is the share of prompts that are.
    Source: Agrawal et al., 2024, Sarathi-Serve, arXiv 2403.02310.""",
    default=0,
    lower=0,
    upper=1,
)
prompts_per_pass = parameter(
    "1",
    """Prompts per pass: read together where they are passes of their own.

    The whole batch where it is read at once, then written to its end.""",
    default=1,
    lower=1,
)
serving_model_error = parameter(
    "1",
    """Serving model error: true accelerator time over the roofline's.

    Its spread is that of the residuals on benchmarks.""",
    default=1,
    lower=0,
)


def prompts_per_step(
    batch_size_in_memory: Array, acceptance_length: Array, output_tokens: Array, prompts_per_answer: Array
) -> RATIO:
    """Prompts per step: that begin, as many as answers end; none where they are read elsewhere."""
    return batch_size_in_memory * acceptance_length / output_tokens * prompts_per_answer


def prompt_tokens_per_step(
    prompts_per_step: Array, input_tokens: Array, prompt_cache_hit_rate: Array, prompts_apart: Array
) -> TOKEN:
    """Prompt tokens per step: read along with the tokens that are written, those that the cache does not hold."""
    return (1 - prompts_apart) * prompts_per_step * input_tokens * (1 - prompt_cache_hit_rate)


def tokens_per_step(batch_size_in_memory: Array, tokens_per_sequence: Array, prompt_tokens_per_step: Array) -> TOKEN:
    """Tokens per step: that pass through the weights, to be written and read."""
    return batch_size_in_memory * tokens_per_sequence + prompt_tokens_per_step


def experts_touched(tokens_per_step: Array, pipeline_stages: Array, experts: Array, experts_active: Array) -> SHARE:
    """Experts touched: share of the routed experts whose weights a pass reads.

    With tokens routed evenly, T of them miss an expert with probability (1 - active/experts)^T. They are those of
    all groups together; a stage of a pipeline has its part of the batch.
    """
    return 1 - (1 - experts_active / experts) ** (tokens_per_step / (ONE_TOKEN * pipeline_stages))


def matrix_seconds(tokens_per_step: Array, shared_weights_seconds: Array, shared_seconds_per_token: Array) -> S:
    """Matrix seconds: of a step, products with the weights that all tokens use; memory or arithmetic."""
    return np.maximum(shared_weights_seconds, tokens_per_step * shared_seconds_per_token)


def expert_seconds(
    tokens_per_step: Array, experts_touched: Array, expert_weights_seconds: Array, expert_seconds_per_token: Array
) -> S:
    """Expert seconds: of a step, products with the weights of routed experts; memory or arithmetic."""
    return np.maximum(experts_touched * expert_weights_seconds, tokens_per_step * expert_seconds_per_token)


def routing_seconds(tokens_per_step: Array, routing_seconds_per_token: Array) -> S:
    """Routing seconds: of a step, memory traffic of the copies that go to experts."""
    return tokens_per_step * routing_seconds_per_token


def link_seconds(tokens_per_step: Array, link_seconds_per_token: Array) -> S:
    """Link seconds: of a step, bytes that pass between accelerators."""
    return tokens_per_step * link_seconds_per_token


def attention_seconds(prompt_tokens_per_step: Array, attention_seconds_per_token: Array) -> S:
    """Attention seconds: of a step, in the prompts that share it."""
    return prompt_tokens_per_step * attention_seconds_per_token


def cache_seconds(batch_size_in_memory: Array, cache_seconds_per_sequence: Array) -> S:
    """Cache seconds: of a step, attention of the tokens that are written to what the cache holds."""
    return batch_size_in_memory * cache_seconds_per_sequence


def prefill_seconds(
    input_tokens: Array,
    prompt_cache_hit_rate: Array,
    prompts_per_pass: Array,
    pipeline_stages: Array,
    experts: Array,
    experts_active: Array,
    shared_weights_seconds: Array,
    shared_seconds_per_token: Array,
    expert_weights_seconds: Array,
    expert_seconds_per_token: Array,
    routing_seconds_per_token: Array,
    link_seconds_per_token: Array,
    attention_seconds_per_token: Array,
    latency_seconds: Array,
) -> S:
    """Prefill seconds: a replica's time to read one prompt in a pass of its own, of which the cache holds a part.

    That of a step with the prompt's tokens and no others; its share where a pass reads several prompts.
    """
    tokens = prompts_per_pass * input_tokens * (1 - prompt_cache_hit_rate)
    touched = experts_touched(tokens, pipeline_stages, experts, experts_active)
    shared = matrix_seconds(tokens, shared_weights_seconds, shared_seconds_per_token)
    routed = expert_seconds(tokens, touched, expert_weights_seconds, expert_seconds_per_token)
    each = routing_seconds_per_token + link_seconds_per_token + attention_seconds_per_token
    return (shared + routed + tokens * each + latency_seconds) / prompts_per_pass


@otherwise(0)
def draft_seconds(
    draft_tokens: Array,
    draft_cost: Array,
    batch_size_in_memory: Array,
    cache_seconds: Array,
    pipeline_stages: Array,
    experts: Array,
    experts_active: Array,
    shared_weights_seconds: Array,
    shared_seconds_per_token: Array,
    expert_weights_seconds: Array,
    expert_seconds_per_token: Array,
    routing_seconds_per_token: Array,
    link_seconds_per_token: Array,
    latency_seconds: Array,
) -> S:
    """Draft seconds: of a step, to propose tokens one after the other, each at its cost.

    That is a share of a pass with one token of each sequence and no prompts.
    """
    tokens = batch_size_in_memory * ONE_TOKEN
    touched = experts_touched(tokens, pipeline_stages, experts, experts_active)
    shared = matrix_seconds(tokens, shared_weights_seconds, shared_seconds_per_token)
    routed = expert_seconds(tokens, touched, expert_weights_seconds, expert_seconds_per_token)
    each = routing_seconds_per_token + link_seconds_per_token
    plain = shared + routed + tokens * each + latency_seconds + cache_seconds
    return draft_tokens / ONE_TOKEN * draft_cost * plain


@total
def decode_seconds(
    matrix_seconds: Array,
    expert_seconds: Array,
    cache_seconds: Array,
    attention_seconds: Array,
    routing_seconds: Array,
    link_seconds: Array,
    latency_seconds: Array,
    draft_seconds: Array,
) -> S:
    """Decode seconds: of a step, without the prompts that are passes of their own."""
    return (
        matrix_seconds
        + expert_seconds
        + cache_seconds
        + attention_seconds
        + routing_seconds
        + link_seconds
        + latency_seconds
        + draft_seconds
    )


def prompt_seconds(prompts_apart: Array, prompts_per_step: Array, prefill_seconds: Array) -> S:
    """Prompt seconds: from a step to the next, in passes of prompts alone."""
    return prompts_apart * prompts_per_step * prefill_seconds


@total
def step_seconds(decode_seconds: Array, prompt_seconds: Array) -> S:
    """Step seconds: of a pass, prompts read meanwhile included.

    It writes `acceptance_length` tokens of each sequence: one without a draft.
    """
    return decode_seconds + prompt_seconds


def output_speed(acceptance_length: Array, step_seconds: Array) -> TOKEN_PER_S:
    """Output speed: tokens a second that one user sees."""
    return acceptance_length / step_seconds


def roofline_seconds_per_question(
    output_tokens: Array,
    acceptance_length: Array,
    step_seconds: Array,
    batch_size_in_memory: Array,
    replica_accelerators: Array,
    serving_model_error: Array,
    prefill_accelerator_seconds_per_question: Array,
) -> S:
    """Roofline seconds per question: accelerator time to write an answer and to read a prompt, in whichever pool."""
    replica_seconds = output_tokens / acceptance_length * step_seconds / batch_size_in_memory
    return replica_accelerators * replica_seconds * serving_model_error + prefill_accelerator_seconds_per_question
