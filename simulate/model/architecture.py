"""Architecture: the shape of the model, and what its weights and its cache take.

What kind of model it is, its numbers say: fewer `kv_heads` than `heads` is grouped-query attention, more
`parameters_total` than `parameters_active` a mixture of experts, a `latent_dim` above 0 multi-head latent
attention.
"""

import numpy as np

from simulate.graph import Array, parameter
from simulate.model.notation import ATTENTION_FLOP, B_PER_TOKEN, FLOP_PER_TOKEN_PAIR, ONE_TOKEN, RATIO, B

layers = parameter("1", "Layers: of the model; 96 in GPT-3.", lower=1)
heads = parameter("1", "Heads: of queries in a layer; 96 in GPT-3.", lower=1)
head_dim = parameter("1", "Head dimension: channels of a head; 128 in GPT-3.", lower=1)
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
bytes_per_parameter = parameter(
    "B",
    "Bytes per parameter: 2 in FP16 or BF16, 1 in INT8 or FP8, 0.5625 in FP4 with its scales.",
    lower=0,
    plausible=(0.25, 8),
)
kv_bytes_per_value = parameter(
    "B", "Bytes per cached value: of keys and values; 2 in FP16 or BF16.", default=2, lower=0
)


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


def hidden_dim(heads: Array, head_dim: Array) -> RATIO:
    """Hidden dimension: channels of a token between layers; those of all heads unless a prior says otherwise.

    7,168 in DeepSeek-V3, whose heads have more.
    """
    return heads * head_dim


def expert_parameters(
    parameters_total: Array, parameters_active: Array, experts: Array, experts_active: Array
) -> RATIO:
    """Expert parameters: weights of all routed experts, of which a token works with its share; 0 in a dense model.

    What a token leaves idle, N_total - N_active, is 1 - active/experts of them.
    """
    idle = 1 - experts_active / experts
    return (parameters_total - parameters_active) / np.where(idle > 0, idle, 1)[()]


def shared_parameters(parameters_total: Array, expert_parameters: Array) -> RATIO:
    """Shared parameters: weights that every token works with, all but the routed experts'."""
    return parameters_total - expert_parameters


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
