"""Layout: how a replica of the model lies on its accelerators, what memory leaves to the cache, what passes links.

A replica's accelerators are divided into the stages of a pipeline. Those of a stage divide its routed experts among
them, and fall into groups of `tensor_parallelism` ranks: a group divides the weights that all tokens share, and the
attention of the sequences that it serves. One group is tensor parallelism; a rank a group is data-parallel
attention.
"""

import numpy as np

from simulate.graph import Array, check, parameter
from simulate.model.notation import B_PER_TOKEN, FREE, FREE_B, ONE_OR_MORE, ONE_TOKEN, RATIO, SHARE, TOKEN, B

pipeline_stages = parameter(
    "1", "Pipeline stages: parts of the layers, each on accelerators of its own.", default=1, lower=1
)
memory_capacity = parameter("B", "Memory capacity: of one accelerator.", lower=0, plausible=(1e9, 1e13))
usable_memory_share = parameter(
    "1",
    """Usable memory share: of the memory, for weights and cache; activations and the runtime take the rest.

    0.9 is the default of vLLM. Source: Kwon et al., 2023, arXiv 2309.06180.""",
    default=0.9,
    lower=0,
    upper=1,
)
link_bytes_per_value = parameter(
    "B",
    """Link bytes per value: of an activation that passes a link, 2 in BF16.

    1.5 where vectors go to experts in FP8 and come back in BF16.
    Source: DeepSeek, 2025, DeepEP.""",
    default=2,
    lower=0,
)


def stage_accelerators(replica_accelerators: Array, pipeline_stages: Array) -> ONE_OR_MORE:
    """Accelerators per stage: that work on the same layers; nan where there are fewer accelerators than stages."""
    accelerators = replica_accelerators / pipeline_stages
    return np.where(accelerators >= 1, accelerators, np.nan)[()]


def tensor_parallelism(stage_accelerators: Array) -> ONE_OR_MORE:
    """Tensor parallelism: accelerators that share the attention of a sequence and the weights that all tokens use.

    All of a stage unless a prior says otherwise. 1 is data-parallel attention: each has sequences and a copy of
    these weights of its own, and experts alone are spread.
    Source: Shoeybi et al., 2019, Megatron-LM, arXiv 1909.08053.
    """
    return stage_accelerators


def attention_groups(stage_accelerators: Array, tensor_parallelism: Array) -> ONE_OR_MORE:
    """Attention groups: of a stage, each with sequences of its own; nan where a group is larger than the stage."""
    groups = stage_accelerators / tensor_parallelism
    return np.where(groups >= 1, groups, np.nan)[()]


def cache_copies(tensor_parallelism: Array, kv_heads: Array, latent_dim: Array) -> ONE_OR_MORE:
    """Cache copies: how often a group holds a token's keys and values.

    Once while each accelerator has a key-value head of its own; with fewer heads than accelerators several hold
    the same one. The latent ones of latent attention serve all heads, and each accelerator holds them.
    """
    return np.where(latent_dim > 0, tensor_parallelism, np.maximum(tensor_parallelism / kv_heads, 1))[()]


def weight_bytes_held(
    weight_bytes: Array,
    shared_parameters: Array,
    bytes_per_parameter: Array,
    attention_groups: Array,
    replica_accelerators: Array,
) -> B:
    """Weight bytes held: by one accelerator, of one copy of the model and of the shared weights of further groups."""
    further = (attention_groups - 1) * shared_parameters * bytes_per_parameter
    return (weight_bytes + further) / replica_accelerators


def cache_memory(usable_memory_share: Array, memory_capacity: Array, weight_bytes_held: Array) -> FREE_B:
    """Cache memory: of one accelerator, what the weights leave; below 0 it does not even hold these."""
    return usable_memory_share * memory_capacity - weight_bytes_held


def reserved_tokens(context_tokens: Array) -> TOKEN:
    """Reserved tokens: for which a running sequence has memory set aside.

    Those that it holds, where memory is given page by page (vLLM), unless a prior says otherwise: a scheduler that
    never evicts a sequence sets aside input and whole answer.
    """
    return context_tokens


def batch_limit(
    replica_accelerators: Array,
    cache_memory: Array,
    reserved_tokens: Array,
    kv_bytes_per_token: Array,
    cache_copies: Array,
) -> FREE:
    """Batch limit: sequences of a replica whose cache fits beside the weights; below 1 the replica is too small.

    Below 0 it does not even hold the weights.
    """
    return replica_accelerators * cache_memory / (reserved_tokens * kv_bytes_per_token * cache_copies)


@check
def batch_feasible(batch_size: Array, batch_limit: Array) -> SHARE:
    """Batch feasible: 1 where memory holds the batch asked for, else 0, and the largest that it holds is used.

    The mean is the share of scenarios in which it does.
    """
    return np.where(batch_size > batch_limit, 0.0, 1.0)[()]


def batch_size_in_memory(batch_size: Array, batch_limit: Array) -> RATIO:
    """Batch size in memory: the one asked for, or what fits; nan where weights leave room for no sequence."""
    return np.where(batch_limit >= 1, np.minimum(batch_size, batch_limit), np.nan)[()]


def link_bytes_per_token(
    layers: Array,
    hidden_dim: Array,
    link_bytes_per_value: Array,
    replica_accelerators: Array,
    stage_accelerators: Array,
    pipeline_stages: Array,
    attention_groups: Array,
    mixture_of_experts: Array,
    experts_active: Array,
) -> B_PER_TOKEN:
    """Link bytes per token: that one accelerator sends for each token of the replica's batch.

    An allreduce over n accelerators moves a vector 2 (n - 1)/n times past each. In a layer there is one after
    attention, over the group, and one after the rest: over the group too, or, where there are routed experts, over
    the stage; of several groups a token's vector goes to those alone that have one of its experts. Between stages
    each accelerator passes on the vectors of its group.
    Source: Pope et al., 2022, arXiv 2211.05102, section 3; Rajbhandari et al., 2022, arXiv 2201.05596.
    """
    vector = link_bytes_per_value * hidden_dim / ONE_TOKEN
    ranks = stage_accelerators / attention_groups
    attention = ranks - 1
    to_experts = (stage_accelerators - 1) * np.minimum(experts_active / attention_groups, 1)
    others = np.where(mixture_of_experts > 0, to_experts, attention)[()]
    onwards = (pipeline_stages - 1) * ranks
    return vector * (2 * layers * (attention + others) + onwards) / replica_accelerators
