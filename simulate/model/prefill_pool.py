"""Prefill pool: prompts that are read on accelerators of their own.

A file that states `prefill_replica_accelerators` has one: replicas that read prompts and write nothing, beside those
that write and read none. The keys and values of a prompt go from one to the other. Its accelerators may be of another
kind; what a file does not state of them is as it is of the others. The equations of a pass are the same.

Source: Zhong et al., 2024, DistServe, arXiv 2401.09670; Patel et al., 2024, Splitwise, arXiv 2311.18677.
"""

import numpy as np

from simulate.composing import Composed, recomputing
from simulate.graph import Array, otherwise, parameter
from simulate.model.notation import B_PER_S, FLOP_PER_S, KW, ONE_OR_MORE, RATIO, SHARE, USD, USD_PER_H, B, S

# What a pass hangs on that an accelerator brings.
HARDWARE = ("peak_flops", "attention_peak_flops", "memory_bandwidth", "link_bandwidth", "link_domain")

prefill_replica_accelerators = parameter(
    "1",
    "Prefill replica accelerators: that read prompts together.\n\nWithout them, or with 0, there is no pool.",
    lower=0,
)
prefill_utilization_target = parameter(
    "1",
    """Prefill utilization target: share of the time that a full replica reads.

    0.7 is judgement: a prompt then waits about as long as it is read.""",
    default=0.7,
    lower=0,
    upper=1,
)


# Of an accelerator of the pool, as of the others unless stated


def _of_pool(of_others: Array, prefill_replica_accelerators: Array) -> Array:
    """What is as it is of the others; where there is no pool, it cannot be had."""
    del prefill_replica_accelerators
    return of_others


def prefill_peak_flops(peak_flops: Array, prefill_replica_accelerators: Array) -> FLOP_PER_S:
    """Prefill peak FLOP/s: of an accelerator of the pool, dense; that of the others unless stated."""
    return _of_pool(peak_flops, prefill_replica_accelerators)


def prefill_attention_peak_flops(attention_peak_flops: Array, prefill_replica_accelerators: Array) -> FLOP_PER_S:
    """Prefill attention peak FLOP/s: of an accelerator of the pool; that of the others unless stated."""
    return _of_pool(attention_peak_flops, prefill_replica_accelerators)


def prefill_memory_bandwidth(memory_bandwidth: Array, prefill_replica_accelerators: Array) -> B_PER_S:
    """Prefill memory bandwidth: of an accelerator of the pool; that of the others unless stated."""
    return _of_pool(memory_bandwidth, prefill_replica_accelerators)


def prefill_memory_capacity(memory_capacity: Array, prefill_replica_accelerators: Array) -> B:
    """Prefill memory capacity: of an accelerator of the pool; that of the others unless stated."""
    return _of_pool(memory_capacity, prefill_replica_accelerators)


def prefill_link_bandwidth(link_bandwidth: Array, prefill_replica_accelerators: Array) -> B_PER_S:
    """Prefill link bandwidth: of an accelerator of the pool; that of the others unless stated."""
    return _of_pool(link_bandwidth, prefill_replica_accelerators)


def prefill_link_domain(link_domain: Array, prefill_replica_accelerators: Array) -> ONE_OR_MORE:
    """Prefill link domain: accelerators of the pool that links join; as of the others unless stated."""
    return _of_pool(link_domain, prefill_replica_accelerators)


def prefill_accelerators_per_server(accelerators_per_server: Array, prefill_replica_accelerators: Array) -> RATIO:
    """Prefill accelerators per server: of the pool; as of the others unless stated."""
    return _of_pool(accelerators_per_server, prefill_replica_accelerators)


def prefill_server_price(server_price: Array, prefill_replica_accelerators: Array) -> USD:
    """Prefill server price: of a server of the pool; that of the others unless stated."""
    return _of_pool(server_price, prefill_replica_accelerators)


def prefill_server_power(server_power: Array, prefill_replica_accelerators: Array) -> KW:
    """Prefill server power: nameplate of a server of the pool; that of the others unless stated."""
    return _of_pool(server_power, prefill_replica_accelerators)


def prefill_cloud_price_reserved(cloud_price_reserved: Array, prefill_replica_accelerators: Array) -> USD_PER_H:
    """Prefill cloud price, reserved: of an accelerator of the pool; that of the others unless stated."""
    return _of_pool(cloud_price_reserved, prefill_replica_accelerators)


def prefill_cloud_price_on_demand(cloud_price_on_demand: Array, prefill_replica_accelerators: Array) -> USD_PER_H:
    """Prefill cloud price, on demand: of an accelerator of the pool; that of the others unless stated."""
    return _of_pool(cloud_price_on_demand, prefill_replica_accelerators)


# Speed


@otherwise(1)
def prompts_per_answer(prefill_replica_accelerators: Array) -> SHARE:
    """Prompts per answer: that a replica which writes reads too: 1, or 0 where there is a prefill pool."""
    return np.where(prefill_replica_accelerators > 0, 0.0, 1.0)[()]


@otherwise(0)
@recomputing("prefill_seconds", of="replica_accelerators", beside=HARDWARE)
def prefill_pool_seconds(
    prefill_replica_accelerators: Array,
    prefill_peak_flops: Array,
    prefill_attention_peak_flops: Array,
    prefill_memory_bandwidth: Array,
    prefill_memory_capacity: Array,
    prefill_link_bandwidth: Array,
    prefill_link_domain: Array,
    usable_memory_share: Array,
    weight_bytes: Array,
    serving_model_error: Array,
    prefill: Composed,
) -> S:
    """Prefill pool seconds: for which a prompt keeps a replica of the pool; 0 without one.

    nan where its memory does not hold the weights.
    """
    pool = prefill_replica_accelerators > 0
    accelerators = np.where(pool, prefill_replica_accelerators, 1.0)[()]
    seconds = prefill(
        accelerators,
        peak_flops=prefill_peak_flops,
        attention_peak_flops=prefill_attention_peak_flops,
        memory_bandwidth=prefill_memory_bandwidth,
        link_bandwidth=prefill_link_bandwidth,
        link_domain=prefill_link_domain,
    )
    held = accelerators * usable_memory_share * prefill_memory_capacity >= weight_bytes
    return np.where(pool, np.where(held, seconds * serving_model_error, np.nan), 0.0)[()]


def transfer_bandwidth(network_bandwidth: Array) -> B_PER_S:
    """Transfer bandwidth: of an accelerator to those that write; its network's unless stated."""
    return network_bandwidth


@otherwise(0)
def transfer_seconds(
    input_tokens: Array,
    kv_bytes_per_token: Array,
    prefill_replica_accelerators: Array,
    replica_accelerators: Array,
    transfer_bandwidth: Array,
) -> S:
    """Transfer seconds: for a prompt's keys and values, cached ones too, to get from the prefill pool to who writes.

    Once they have all been read, over as many accelerators as the smaller replica has.
    """
    parallel = np.minimum(prefill_replica_accelerators, replica_accelerators)
    links = np.where(parallel > 0, parallel, np.inf)[()]
    return input_tokens * kv_bytes_per_token / (links * transfer_bandwidth)


@otherwise(0)
def prefill_accelerator_seconds_per_question(prefill_replica_accelerators: Array, prefill_pool_seconds: Array) -> S:
    """Prefill accelerator seconds per question: of the prefill pool, to read its prompt."""
    return prefill_replica_accelerators * prefill_pool_seconds


@otherwise(0)
def prefill_accelerators_share(
    prefill_accelerator_seconds_per_question: Array,
    prefill_utilization_target: Array,
    roofline_seconds_per_question: Array,
) -> RATIO:
    """Prefill accelerators share: that read prompts for each that writes, where both are full.

    By the two speeds and the lengths; fleets are whole replicas of each.
    """
    reading = prefill_accelerator_seconds_per_question / prefill_utilization_target
    return reading / (roofline_seconds_per_question - prefill_accelerator_seconds_per_question)
