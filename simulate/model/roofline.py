"""Roofline: what a token, a sequence and a pass through the model take on a replica, whatever the batch.

Memory, arithmetic, links and latency each have a nominal speed and the share of it that software reaches;
`simulate.calibration.serving` fits the shares to public benchmarks. How they add up is `simulate.model.step`'s.

Source: Williams, Waterman and Patterson, 2009, Roofline; Pope et al., 2022, Efficiently scaling transformer
inference, arXiv 2211.05102.
"""

import numpy as np

from simulate.graph import Array, parameter
from simulate.model.notation import (
    ACTIVATION_BYTES,
    FLOP_PER_S,
    INFERENCE_FLOP_PER_PARAMETER,
    LATENCY_RANKS,
    ONE_OR_MORE,
    ONE_TOKEN,
    S_PER_TOKEN,
    SHARE,
    S,
)

memory_bandwidth = parameter(
    "B/s", "Memory bandwidth: of one accelerator; 2.04e12 B/s for an A100 of 80 GB.", lower=0, plausible=(1e10, 1e15)
)
bandwidth_utilization = parameter(
    "1",
    "Bandwidth utilization: share of the memory bandwidth that reading weights and cache achieves.",
    default=0.9,
    lower=0,
    upper=1,
    plausible=(0.1, 1),
)
matrix_utilization = parameter(
    "1",
    "Matrix utilization: share of the peak FLOP/s that products with weights achieve, reading and writing.",
    lower=0,
    upper=1,
    plausible=(0.05, 1),
)
precision_efficiency = parameter(
    "1",
    """Precision efficiency: share of their peak that products in this precision reach, over that of BF16.

    1 in BF16 and FP8; below it in FP4, whose products apply scales.""",
    default=1,
    lower=0,
)
attention_utilization = parameter(
    "1",
    """Attention utilization: share of the peak FLOP/s that attention achieves.

    Source: Shah et al., 2024, FlashAttention-3, arXiv 2407.08608: 0.75 in FP16 on H100.""",
    default=0.7,
    lower=0,
    upper=1,
)
expert_traffic = parameter(
    "1",
    """Expert traffic: passes over a token's vector in memory for each expert that it is routed to.

    Sorting, gathering, scaling and summing the copies; fitted to mixtures of one stack.
    Source: NVIDIA, 2025, TensorRT-LLM 1.0, perf-overview.md: Qwen3 on H200 and B200.""",
    default=38.7,
    lower=0,
)
link_bandwidth = parameter(
    "B/s",
    """Link bandwidth: of one accelerator to the others of its replica, in one direction.

    450e9 B/s by NVLink on an H100, half of the figure of its data sheet.""",
    lower=0,
    plausible=(100000000.0, 100000000000000.0),
)
link_domain = parameter(
    "1",
    """Link domain: accelerators that such links join; those beyond are reached over the network.

    8 in a server of most, 72 in a rack of GB200s.""",
    default=8,
    lower=1,
)
network_bandwidth = parameter(
    "B/s",
    """Network bandwidth: of one accelerator to those beyond the domain of its links, in one direction.

    50e9 B/s by InfiniBand of 400 Gbit/s, a card for each accelerator.
    Source: NVIDIA, 2022, DGX H100 data sheet.""",
    default=50e9,
    lower=0,
    plausible=(100000000.0, 10000000000000.0),
)
link_utilization = parameter(
    "1", "Link utilization: share of the link bandwidth that exchanges achieve.", default=0.9, lower=0, upper=1
)
link_overlap = parameter(
    "1",
    """Link overlap: share of the time on links that the arithmetic of other tokens hides.

    0 where a step waits for its exchanges; two half batches hide them behind each other's arithmetic.""",
    default=0,
    lower=0,
    upper=1,
)
layer_latency = parameter(
    "s",
    """Layer latency: time of a layer and pass that neither arithmetic nor memory explains.

    Launching kernels, above all; that of one accelerator.""",
    lower=0,
    plausible=(1e-07, 0.01),
)
allreduce_latency = parameter(
    "s",
    """Allreduce latency: time of a layer and pass that each doubling of the accelerators adds, eight at most.""",
    lower=0,
    plausible=(1e-07, 0.01),
)


def attention_peak_flops(peak_flops: Array) -> FLOP_PER_S:
    """Attention peak FLOP/s: of one accelerator, dense, in the precision of attention.

    That of the products with weights unless a prior says otherwise: attention is often in BF16 beside weights in
    FP8 or FP4.
    """
    return peak_flops


def shared_weights_seconds(
    shared_parameters: Array,
    bytes_per_parameter: Array,
    tensor_parallelism: Array,
    memory_bandwidth: Array,
    bandwidth_utilization: Array,
) -> S:
    """Shared weights seconds: to read the weights that all tokens use, once; each group reads its own."""
    read = shared_parameters * bytes_per_parameter / tensor_parallelism
    return read / (memory_bandwidth * bandwidth_utilization)


def expert_weights_seconds(
    expert_parameters: Array,
    bytes_per_parameter: Array,
    stage_accelerators: Array,
    memory_bandwidth: Array,
    bandwidth_utilization: Array,
) -> S:
    """Expert weights seconds: to read the weights of all routed experts once, divided over a stage."""
    read = expert_parameters * bytes_per_parameter / stage_accelerators
    return read / (memory_bandwidth * bandwidth_utilization)


def shared_seconds_per_token(
    shared_parameters: Array,
    replica_accelerators: Array,
    peak_flops: Array,
    precision_efficiency: Array,
    matrix_utilization: Array,
) -> S_PER_TOKEN:
    """Shared seconds per token: a replica's arithmetic with the weights that all tokens use."""
    speed = replica_accelerators * peak_flops * precision_efficiency * matrix_utilization
    return INFERENCE_FLOP_PER_PARAMETER * shared_parameters / speed


def expert_seconds_per_token(
    parameters_active: Array,
    shared_parameters: Array,
    replica_accelerators: Array,
    peak_flops: Array,
    precision_efficiency: Array,
    matrix_utilization: Array,
) -> S_PER_TOKEN:
    """Expert seconds per token: a replica's arithmetic with the experts that a token is routed to."""
    speed = replica_accelerators * peak_flops * precision_efficiency * matrix_utilization
    return INFERENCE_FLOP_PER_PARAMETER * (parameters_active - shared_parameters) / speed


def routing_seconds_per_token(
    expert_traffic: Array,
    layers: Array,
    hidden_dim: Array,
    experts_active: Array,
    mixture_of_experts: Array,
    replica_accelerators: Array,
    memory_bandwidth: Array,
    bandwidth_utilization: Array,
) -> S_PER_TOKEN:
    """Routing seconds per token: memory traffic of its copies, one for each expert; none in a dense model."""
    copies = np.where(mixture_of_experts > 0, experts_active, 0.0)[()]
    moved = expert_traffic * ACTIVATION_BYTES * hidden_dim * layers * copies / ONE_TOKEN
    return moved / (replica_accelerators * memory_bandwidth * bandwidth_utilization)


def exchanging_accelerators(
    mixture_of_experts: Array, stage_accelerators: Array, tensor_parallelism: Array
) -> ONE_OR_MORE:
    """Exchanging accelerators: those of a group, and where there are routed experts those of the stage."""
    return np.where(mixture_of_experts > 0, stage_accelerators, tensor_parallelism)[()]


def network_share(exchanging_accelerators: Array, link_domain: Array) -> SHARE:
    """Network share: of what an accelerator exchanges, with those beyond the domain of its links."""
    beyond = np.maximum(exchanging_accelerators - link_domain, 0)
    return beyond / np.maximum(exchanging_accelerators - 1, 1)


def link_seconds_per_token(
    link_bytes_per_token: Array,
    network_share: Array,
    link_bandwidth: Array,
    network_bandwidth: Array,
    link_utilization: Array,
    link_overlap: Array,
) -> S_PER_TOKEN:
    """Link seconds per token: to exchange its activations over links and network, as far as a pass waits for it."""
    seconds_per_byte = (1 - network_share) / link_bandwidth + network_share / network_bandwidth
    return (1 - link_overlap) * link_bytes_per_token * seconds_per_byte / link_utilization


def attention_seconds_per_token(
    attention_flop_prefill: Array,
    attended_tokens: Array,
    replica_accelerators: Array,
    attention_peak_flops: Array,
    attention_utilization: Array,
) -> S_PER_TOKEN:
    """Attention seconds per token: of a prompt, for each that the cache does not hold."""
    speed = replica_accelerators * attention_peak_flops * attention_utilization
    return attention_flop_prefill * attended_tokens / speed


def cache_seconds_per_sequence(
    context_tokens: Array,
    kv_bytes_per_token: Array,
    cache_copies: Array,
    tokens_per_sequence: Array,
    attention_flop_decode: Array,
    replica_accelerators: Array,
    memory_bandwidth: Array,
    bandwidth_utilization: Array,
    attention_peak_flops: Array,
    attention_utilization: Array,
) -> S:
    """Cache seconds per sequence: to read its keys and values in a step, or for their arithmetic if that is longer.

    The heads of a token are divided over its group; what copies the group holds of the cache are all read, once
    for all tokens that a step takes.
    """
    memory = context_tokens * kv_bytes_per_token * cache_copies / (memory_bandwidth * bandwidth_utilization)
    arithmetic = (
        context_tokens * tokens_per_sequence * attention_flop_decode / (attention_peak_flops * attention_utilization)
    )
    return np.maximum(memory, arithmetic) / replica_accelerators


def latency_seconds(layers: Array, layer_latency: Array, allreduce_latency: Array, exchanging_accelerators: Array) -> S:
    """Latency seconds: of a pass, whatever its tokens; that of all layers.

    It grows with each doubling of the accelerators that exchange; beyond eight, exchanges by several steps at once
    keep it.
    """
    doublings = np.log2(np.minimum(exchanging_accelerators, LATENCY_RANKS))
    return layers * (layer_latency + allreduce_latency * doublings)
