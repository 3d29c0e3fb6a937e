"""Fleet: how many accelerators, servers and racks carry the load."""

import numpy as np

from simulate.graph import Array, otherwise, parameter
from simulate.model.notation import FLOP_PER_S, KW, RATIO, SECONDS_PER_DAY, SHARE

peak_to_average = parameter(
    "1",
    """Peak to average: load in the busiest hour over the mean load.

    1.70 to 1.92 in Azure's conversation trace, 1.23 at DeepSeek; the note takes 1.
    Source: Patel et al., 2024, Splitwise, arXiv 2311.18677; DeepSeek, 2025, open-infra-index, day 6.""",
    lower=1,
    plausible=(1, 10),
)
capacity_margin = parameter(
    "1",
    """Capacity margin: what is installed for the peak over what the peak needs.

    For surges and growth. Published idle shares hold it already, and the peak: 50 % idle is
    peak x margin = 2. Source: Patel and Ahmad, 2023, SemiAnalysis.""",
    lower=1,
    plausible=(1, 3),
)
spare_share = parameter(
    "1",
    """Spare share: accelerators in repair or waiting to step in, over those in service.""",
    lower=0,
    upper=1,
    plausible=(0, 0.5),
)
regions = parameter("1", """Regions: that share the load evenly, each with whole replicas.""", default=1, lower=1)
spare_replicas = parameter(
    "1",
    """Spare replicas: in each region beyond those for its peak; 1 is N + 1.

    What `spare_share` holds already need not be told again.""",
    default=0,
    lower=0,
)
accelerators_per_server = parameter("1", "Accelerators per server: 8 in a DGX A100.", lower=1)
servers_per_rack = parameter(
    "1", "Servers per rack: 7 of 6 units in one of 42; fewer where power or cooling ends first.", lower=1
)
server_power = parameter(
    "kW",
    """Server power: nameplate, the most that one server draws.

    6.5 kW for a DGX A100, 10.2 kW for a DGX H100. Source: NVIDIA, data sheets of 2020 and 2022.""",
    lower=0,
    plausible=(0.2, 500),
)

other_it_power_share = parameter(
    "1",
    """Other IT power share: nameplate of network and storage, over that of the servers.

    0.05 to 0.10; 0.07 to 0.12 in one analyst's all-in power of an H100, an MI300X and a GB200 NVL72; the note takes 0.
    Source: SemiAnalysis AI Cloud TCO model, by way of the InferenceX dashboard, August 2026.""",
    default=0,
    lower=0,
)


def accelerators_busy(questions_per_day: Array, accelerator_seconds_per_question: Array) -> RATIO:
    """Accelerators busy: on average over the day."""
    return questions_per_day * accelerator_seconds_per_question / SECONDS_PER_DAY


@otherwise(0)
def fleet_increment(replica_accelerators: Array) -> RATIO:
    """Fleet increment: accelerators by which a region's fleet grows: a replica's.

    0 where no layout is given: fleets are then of any size.
    """
    return replica_accelerators


@otherwise(0)
def prefill_accelerators_busy(
    questions_per_day: Array, prefill_replica_accelerators: Array, prefill_pool_seconds: Array
) -> RATIO:
    """Prefill accelerators busy: of the prefill pool, on average over the day."""
    return questions_per_day * prefill_replica_accelerators * prefill_pool_seconds / SECONDS_PER_DAY


def _whole(needed: Array, fleet_increment: Array, regions: Array, spare_replicas: Array) -> Array:
    """Accelerators of whole replicas in each region, or as many as are needed where there is no increment."""
    known = fleet_increment > 0
    one_a_region = regions * np.where(known, fleet_increment, 1)
    return np.where(known, one_a_region * (np.ceil(needed / one_a_region) + spare_replicas), needed)[()]


@otherwise(0)
def prefill_accelerators(
    prefill_accelerators_busy: Array,
    peak_to_average: Array,
    capacity_margin: Array,
    spare_share: Array,
    prefill_utilization_target: Array,
    prefill_replica_accelerators: Array,
    regions: Array,
    spare_replicas: Array,
) -> RATIO:
    """Prefill accelerators: installed in the prefill pool, whole replicas; 0 without one."""
    needed = prefill_accelerators_busy * peak_to_average * capacity_margin * (1 + spare_share)
    whole = _whole(needed / prefill_utilization_target, prefill_replica_accelerators, regions, spare_replicas)
    return np.where(needed == 0, needed, whole)[()]


@otherwise(0)
def prefill_accelerators_on_demand(
    prefill_accelerators_busy: Array,
    capacity_margin: Array,
    prefill_utilization_target: Array,
    prefill_replica_accelerators: Array,
    regions: Array,
    spare_replicas: Array,
) -> RATIO:
    """Prefill accelerators on demand: of the prefill pool, rented by the hour on average."""
    needed = prefill_accelerators_busy * capacity_margin / prefill_utilization_target
    return np.where(needed == 0, needed, _whole(needed, prefill_replica_accelerators, regions, spare_replicas))[()]


@otherwise(0)
def prefill_utilization(prefill_accelerators_busy: Array, peak_to_average: Array, prefill_accelerators: Array) -> SHARE:
    """Prefill utilization: share of the time for which the prefill pool reads prompts, at the peak."""
    busy = prefill_accelerators_busy * peak_to_average
    return busy / np.where(busy > 0, prefill_accelerators, 1)[()]


def accelerators(
    accelerators_busy: Array,
    prefill_accelerators_busy: Array,
    peak_to_average: Array,
    capacity_margin: Array,
    spare_share: Array,
    fleet_increment: Array,
    regions: Array,
    spare_replicas: Array,
    prefill_accelerators: Array,
) -> RATIO:
    """Accelerators: installed, for the peak with its margin, and spares; whole replicas where a layout is given."""
    needed = (accelerators_busy - prefill_accelerators_busy) * peak_to_average * capacity_margin * (1 + spare_share)
    return _whole(needed, fleet_increment, regions, spare_replicas) + prefill_accelerators


def accelerators_on_demand(
    accelerators_busy: Array,
    prefill_accelerators_busy: Array,
    capacity_margin: Array,
    fleet_increment: Array,
    regions: Array,
    spare_replicas: Array,
    prefill_accelerators_on_demand: Array,
) -> RATIO:
    """Accelerators on demand: rented by the hour on average, the busy ones with their margin.

    Whole replicas where a layout is given: of a small service one in each region runs all day.
    """
    needed = (accelerators_busy - prefill_accelerators_busy) * capacity_margin
    return _whole(needed, fleet_increment, regions, spare_replicas) + prefill_accelerators_on_demand


def replicas(accelerators: Array, prefill_accelerators: Array, replica_accelerators: Array) -> RATIO:
    """Replicas: copies of the model that write, spare ones included."""
    return (accelerators - prefill_accelerators) / replica_accelerators


def utilization(accelerators_busy: Array, accelerators: Array) -> SHARE:
    """Utilization: share of the installed accelerators that is busy on average, a result of the sizing."""
    return accelerators_busy / accelerators


@otherwise(0)
def prefill_servers(prefill_accelerators: Array, prefill_accelerators_per_server: Array) -> RATIO:
    """Prefill servers: of the prefill pool, whole ones."""
    return np.ceil(prefill_accelerators / prefill_accelerators_per_server)


def servers(
    accelerators: Array, prefill_accelerators: Array, accelerators_per_server: Array, prefill_servers: Array
) -> RATIO:
    """Servers: whole ones."""
    return np.ceil((accelerators - prefill_accelerators) / accelerators_per_server) + prefill_servers


def racks(servers: Array, servers_per_rack: Array) -> RATIO:
    """Racks: whole ones."""
    return np.ceil(servers / servers_per_rack)


@otherwise(0)
def prefill_server_nameplate(prefill_servers: Array, prefill_server_power: Array) -> KW:
    """Prefill server nameplate: what the servers of the prefill pool could draw at most."""
    return prefill_servers * prefill_server_power


def nameplate_power(
    servers: Array,
    prefill_servers: Array,
    server_power: Array,
    prefill_server_nameplate: Array,
    other_it_power_share: Array,
) -> KW:
    """Nameplate power: what servers, network and storage could draw at most.

    Facilities are built and rented for it.
    """
    power = (servers - prefill_servers) * server_power + prefill_server_nameplate
    return power * (1 + other_it_power_share)


@otherwise(0)
def prefill_fleet_peak_flops(prefill_accelerators: Array, prefill_peak_flops: Array) -> FLOP_PER_S:
    """Prefill fleet peak FLOP/s: of the prefill pool, dense."""
    return prefill_accelerators * prefill_peak_flops


def fleet_peak_flops(
    accelerators: Array, prefill_accelerators: Array, peak_flops: Array, prefill_fleet_peak_flops: Array
) -> FLOP_PER_S:
    """Fleet peak FLOP/s: of all installed accelerators, dense."""
    return (accelerators - prefill_accelerators) * peak_flops + prefill_fleet_peak_flops
