"""Roofline: accelerator time per question from the hardware, the model's shape and the batch.

A replica of the model lies on `replica_accelerators` and serves `batch_size` sequences at once. It reads
questions (prefill, bound by arithmetic) and writes answers, a token of each sequence in a step (decode, bound
by memory or by arithmetic, whichever takes longer). What kind of model it is, its numbers say: fewer
`kv_heads` than `heads` is grouped-query attention, more `parameters_total` than `parameters_active` a mixture
of experts, a `latent_dim` above 0 multi-head latent attention.

Source: Williams, Waterman and Patterson, 2009, Roofline; Pope et al., 2022, Efficiently scaling transformer
inference, arXiv 2211.05102.
"""

import numpy as np

from simulate.graph import Array, check, parameter
from simulate.model.notation import (
    ATTENTION_FLOP,
    B_PER_TOKEN,
    FLOP_PER_TOKEN_PAIR,
    FREE,
    INFERENCE_FLOP_PER_PARAMETER,
    ONE_TOKEN,
    RATIO,
    SHARE,
    TOKEN,
    TOKEN_PER_S,
    B,
    S,
)

batch_size = parameter(
    "1", """Batch size: sequences that a replica is asked to decode at once; memory may allow fewer.""", lower=1
)
bytes_per_parameter = parameter(
    "B", "Bytes per parameter: 2 in FP16 or BF16, 1 in INT8 or FP8, 0.5 in 4 bits.", lower=0
)
bandwidth_utilization_decode = parameter(
    "1",
    """Bandwidth utilization in decode: share of the memory bandwidth that reading weights and cache achieves.

    The latency of layers comes on top of it.""",
    lower=0,
    upper=1,
)
mfu_decode = parameter("1", "MFU in decode: share of the peak FLOP/s that large batches achieve.", lower=0, upper=1)
mfu_prefill = parameter(
    "1", "MFU in prefill: share of the peak FLOP/s that reading prompts achieves.", lower=0, upper=1
)
layer_latency = parameter(
    "s",
    """Layer latency: time of a layer and step that neither arithmetic nor memory explains.

    Launching kernels, above all; that of one accelerator.""",
    lower=0,
)
allreduce_latency = parameter(
    "s", """Allreduce latency: time of a layer and step that each doubling of the replica adds.""", lower=0
)
serving_model_error = parameter(
    "1",
    """Serving model error: true accelerator time over the roofline's.

    Its spread is that of the residuals on benchmarks.""",
    default=1,
    lower=0,
)
replica_accelerators = parameter("1", "Accelerators per replica: that hold one copy of the model together.", lower=1)
memory_bandwidth = parameter("B/s", "Memory bandwidth: of one accelerator; 2.04e12 B/s for an A100 of 80 GB.", lower=0)
memory_capacity = parameter("B", "Memory capacity: of one accelerator.", lower=0)
usable_memory_share = parameter(
    "1",
    """Usable memory share: of the memory, for weights and cache; activations and the runtime take the rest.

    0.9 is the default of vLLM. Source: Kwon et al., 2023, arXiv 2309.06180.""",
    default=0.9,
    lower=0,
    upper=1,
)
layers = parameter("1", "Layers: of the model; 96 in GPT-3.", lower=1)
heads = parameter("1", "Heads: of queries in a layer; 96 in GPT-3.", lower=1)
head_dim = parameter("1", "Head dimension: channels of a head; 128 in GPT-3.", lower=1)
kv_bytes_per_value = parameter(
    "B", "Bytes per cached value: of keys and values; 2 in FP16 or BF16.", default=2, lower=0
)
latent_dim = parameter(
    "1",
    """Latent dimension: of the compressed keys and values that latent attention caches; 0 without it.

    512 in DeepSeek-V3. Source: DeepSeek-AI, 2024, DeepSeek-V2, arXiv 2405.04434.""",
    default=0,
    lower=0,
)
rope_dim = parameter(
    "1",
    """Rotary dimension: channels that latent attention keeps apart for the position; 0 without it.

    64 in DeepSeek-V3. Source: DeepSeek-AI, 2024, DeepSeek-V2, arXiv 2405.04434.""",
    default=0,
    lower=0,
)
experts = parameter("1", "Experts: routed ones in a layer; 1 in a dense model.", default=1, lower=1)
experts_active = parameter("1", "Active experts: routed ones that a token visits in a layer.", default=1, lower=1)


def parameters_total(parameters_active: Array) -> RATIO:
    """Total parameters: weights of the model; the active ones unless a prior says otherwise.

    A mixture of experts has more.
    """
    return parameters_active


def kv_heads(heads: Array) -> RATIO:
    """Key and value heads: in a layer; as many as heads of queries unless a prior says otherwise.

    Grouped-query attention has fewer. Source: Ainslie et al., 2023, GQA, arXiv 2305.13245.
    """
    return heads


def context_tokens(input_tokens: Array, output_tokens: Array) -> TOKEN:
    """Context tokens: that a sequence in decode holds, half way through its answer."""
    return input_tokens + output_tokens / 2


def weight_bytes(parameters_total: Array, bytes_per_parameter: Array) -> B:
    """Weight bytes: memory that one copy of the model takes."""
    return parameters_total * bytes_per_parameter


def kv_bytes_per_token(
    layers: Array, kv_heads: Array, head_dim: Array, latent_dim: Array, rope_dim: Array, kv_bytes_per_value: Array
) -> B_PER_TOKEN:
    """Cache bytes per token: keys and values of all layers, or the latent ones that stand for both.

    Source: DeepSeek-AI, 2024, DeepSeek-V2, arXiv 2405.04434, table 1.
    """
    values = np.where(latent_dim > 0, latent_dim + rope_dim, 2 * kv_heads * head_dim)[()]
    return layers * values * kv_bytes_per_value / ONE_TOKEN


def batch_limit(
    usable_memory_share: Array,
    replica_accelerators: Array,
    memory_capacity: Array,
    weight_bytes: Array,
    context_tokens: Array,
    kv_bytes_per_token: Array,
) -> FREE:
    """Batch limit: sequences whose cache fits beside the weights; below 1 the replica is too small.

    Below 0 it does not even hold the weights.
    """
    free = usable_memory_share * replica_accelerators * memory_capacity - weight_bytes
    return free / (context_tokens * kv_bytes_per_token)


@check
def batch_feasible(batch_size: Array, batch_limit: Array) -> SHARE:
    """Batch feasible: 1 where memory holds the batch asked for, else 0, and the largest that it holds is used.

    The mean is the share of scenarios in which it does.
    """
    return np.where(batch_size <= batch_limit, 1.0, 0.0)[()]


def batch_size_in_memory(batch_size: Array, batch_limit: Array) -> RATIO:
    """Batch size in memory: the one asked for, or what fits; nan where weights leave room for no sequence."""
    return np.where(batch_limit >= 1, np.minimum(batch_size, batch_limit), np.nan)[()]


def weight_bytes_read(
    parameters_total: Array,
    parameters_active: Array,
    experts: Array,
    experts_active: Array,
    batch_size_in_memory: Array,
    bytes_per_parameter: Array,
) -> B:
    """Weight bytes read: in a decoding step, those of the experts that the batch touches and all others.

    With tokens routed evenly, an expert is missed by all B sequences with probability (1 - active/experts)^B.
    The expert weights are (N_total - N_active) / (1 - active/experts), so that what is not read is
    (N_total - N_active) (1 - active/experts)^(B - 1): N_active is read for one sequence, N_total for many.
    """
    missed = (1 - experts_active / experts) ** (batch_size_in_memory - 1)
    return (parameters_total - (parameters_total - parameters_active) * missed) * bytes_per_parameter


def attention_flop_prefill(layers: Array, heads: Array, head_dim: Array, rope_dim: Array) -> FLOP_PER_TOKEN_PAIR:
    """Attention FLOP in prefill: per token and context token, scores and weighted values.

    2 layers heads (query channels + value channels). Latent attention is expanded to plain heads for it, the
    queries of which have rope_dim channels more (192 + 128 in DeepSeek-V3).
    """
    return ATTENTION_FLOP * layers * heads * (head_dim + rope_dim + head_dim)


def attention_flop_decode(
    layers: Array, heads: Array, head_dim: Array, latent_dim: Array, rope_dim: Array
) -> FLOP_PER_TOKEN_PAIR:
    """Attention FLOP in decode: per token and context token, scores and weighted values.

    Latent attention works on the compressed cache (absorbed): latent_dim + rope_dim channels for the scores
    and latent_dim for the values (576 + 512 in DeepSeek-V3).
    """
    channels = np.where(latent_dim > 0, 2 * latent_dim + rope_dim, 2 * head_dim)[()]
    return ATTENTION_FLOP * layers * heads * channels


def prefill_seconds(
    input_tokens: Array,
    prompt_cache_hit_rate: Array,
    parameters_active: Array,
    attention_flop_prefill: Array,
    replica_accelerators: Array,
    peak_flops: Array,
    mfu_prefill: Array,
) -> S:
    """Prefill seconds: a replica's time to read one question, of which the cache holds a part.

    A token attends to half of the input on average.
    """
    attention = attention_flop_prefill * input_tokens / 2
    flop_per_token = INFERENCE_FLOP_PER_PARAMETER * parameters_active + attention
    work = input_tokens * (1 - prompt_cache_hit_rate) * flop_per_token
    return work / (replica_accelerators * peak_flops * mfu_prefill)


def memory_time(
    weight_bytes_read: Array,
    batch_size_in_memory: Array,
    context_tokens: Array,
    kv_bytes_per_token: Array,
    replica_accelerators: Array,
    memory_bandwidth: Array,
    bandwidth_utilization_decode: Array,
) -> S:
    """Memory time: of a decoding step, to read the weights once and the cache of each sequence."""
    read = weight_bytes_read + batch_size_in_memory * context_tokens * kv_bytes_per_token
    return read / (replica_accelerators * memory_bandwidth * bandwidth_utilization_decode)


def compute_time(
    batch_size_in_memory: Array,
    parameters_active: Array,
    attention_flop_decode: Array,
    context_tokens: Array,
    replica_accelerators: Array,
    peak_flops: Array,
    mfu_decode: Array,
) -> S:
    """Compute time: of a decoding step, for one token of each sequence."""
    attention = attention_flop_decode * context_tokens
    flop_per_token = INFERENCE_FLOP_PER_PARAMETER * parameters_active + attention
    work = batch_size_in_memory * ONE_TOKEN * flop_per_token
    return work / (replica_accelerators * peak_flops * mfu_decode)


def step_seconds(
    memory_time: Array,
    compute_time: Array,
    layers: Array,
    layer_latency: Array,
    allreduce_latency: Array,
    replica_accelerators: Array,
) -> S:
    """Step seconds: for one token of each sequence, bound by memory or arithmetic, latency on top."""
    latency = layer_latency + allreduce_latency * np.log2(replica_accelerators)
    return np.maximum(memory_time, compute_time) + layers * latency


def output_speed(step_seconds: Array) -> TOKEN_PER_S:
    """Output speed: tokens a second that one user sees."""
    return ONE_TOKEN / step_seconds


def roofline_seconds_per_question(
    prefill_seconds: Array,
    output_tokens: Array,
    step_seconds: Array,
    batch_size_in_memory: Array,
    replica_accelerators: Array,
    serving_model_error: Array,
) -> S:
    """Roofline seconds per question: accelerator time to read a question and to write its answer."""
    decode_seconds = output_tokens / ONE_TOKEN * step_seconds / batch_size_in_memory
    return replica_accelerators * (prefill_seconds + decode_seconds) * serving_model_error
