"""Capex: what is spent before the first question."""

from simulate.graph import Array, otherwise, parameter, total
from simulate.model.notation import USD

server_price = parameter(
    "USD",
    """Server price: of one server with its accelerators.

    199,000 USD was the list price of a DGX A100; quotes for eight A100s went from 148,000 to 300,000.
    Source: NVIDIA, May 2020; Epoch AI, hardware prices.""",
    lower=0,
    plausible=(1000, 10000000.0),
)
network_share_of_it = parameter(
    "1",
    """Network share of IT: switches, cables and optics, as a share of servers and network together.

    0.19 for training clusters; 3 to 13 % in other accounts.
    Source: Cottier et al., 2024, The rising costs of training frontier AI models, arXiv 2405.21015.""",
    lower=0,
    upper=1,
    plausible=(0, 0.5),
)
facility_price = parameter(
    "USD/kW",
    """Facility price: building, power and cooling for one kilowatt of nameplate.

    9,300 to 15,000 USD/kW, mean 11,700, without land, equipment that the owner furnishes, tenants' fitting-out,
    design and other soft costs; 15,000 to 20,000 for sites built for AI. Source: Cushman & Wakefield, 2025, Data center
    development cost guide; aidatacenterguide.com, 2026.""",
    lower=0,
    plausible=(1000, 100000.0),
)
other_it_share = parameter(
    "1",
    """Other IT share: hosts without accelerators and storage, over the price of the servers.

    5 to 10 % is judgement.""",
    lower=0,
)
colocated_share = parameter(
    "1",
    """Colocated share: of the nameplate power that stands in rented rooms; no facility is built for it.""",
    default=0,
    lower=0,
    upper=1,
)


@otherwise(0)
def prefill_server_capex(prefill_servers: Array, prefill_server_price: Array) -> USD:
    """Prefill server capex: servers of the prefill pool with their accelerators."""
    return prefill_servers * prefill_server_price


def server_capex(servers: Array, prefill_servers: Array, server_price: Array, prefill_server_capex: Array) -> USD:
    """Server capex: servers with their accelerators."""
    return (servers - prefill_servers) * server_price + prefill_server_capex


def network_capex(server_capex: Array, network_share_of_it: Array) -> USD:
    """Network capex: switches, cables and optics between the servers."""
    return server_capex * network_share_of_it / (1 - network_share_of_it)


def other_it_capex(server_capex: Array, other_it_share: Array) -> USD:
    """Other IT capex: hosts without accelerators, and storage."""
    return server_capex * other_it_share


@total
def it_capex(server_capex: Array, network_capex: Array, other_it_capex: Array) -> USD:
    """IT capex: all that wears out with the servers."""
    return server_capex + network_capex + other_it_capex


def facility_capex(nameplate_power: Array, facility_price: Array, colocated_share: Array) -> USD:
    """Facility capex: building, power and cooling, for what is not colocated.

    Source: Barroso, Hölzle and Ranganathan, 2018, The datacenter as a computer, chapter 6.
    """
    return nameplate_power * facility_price * (1 - colocated_share)


@total
def capex(it_capex: Array, facility_capex: Array) -> USD:
    """Capex: what is spent before the first question."""
    return it_capex + facility_capex
