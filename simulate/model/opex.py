"""Opex: what the fleet costs in cash year by year, without depreciation."""

from simulate.graph import Array, parameter, total
from simulate.model.notation import DAYS_PER_YEAR, MONTHS_PER_YEAR, USD_PER_YEAR

maintenance_rate = parameter(
    "1/year",
    """Maintenance rate: repairs, replacements and support a year, over IT capex.

    0.03 to 0.08 for servers; NVIDIA asks 0.2 for the first year's support of a DGX.
    Source: Barroso, Hölzle and Ranganathan, 2018, The datacenter as a computer.""",
    lower=0,
    plausible=(0, 0.5),
)
staff_cost = parameter("USD/year", "Staff cost: people who run the service; judgement.", lower=0)
facility_opex_price = parameter(
    "USD/kW/month",
    """Facility opex price: upkeep, security, tax and insurance of an own facility, per kilowatt of nameplate.

    20 to 80 is judgement. Source: Barroso, Hölzle and Ranganathan, 2018, The datacenter as a computer.""",
    lower=0,
    plausible=(1, 1000),
)
colocation_price = parameter(
    "USD/kW/month",
    """Colocation price: rent of a room with power and cooling, per kilowatt of nameplate, electricity apart.

    137.86 in 2022, 163.44 in 2023 and 184.06 in the second half of 2024 in North America.
    Source: CBRE, North America data center trends.""",
    lower=0,
    plausible=(10, 2000),
)


def electricity_cost(electricity_cost_per_day: Array) -> USD_PER_YEAR:
    """Electricity cost: of a year."""
    return electricity_cost_per_day * DAYS_PER_YEAR


def maintenance_cost(maintenance_rate: Array, it_capex: Array) -> USD_PER_YEAR:
    """Maintenance cost: repairs, replacements and support of IT in a year."""
    return maintenance_rate * it_capex


def facility_opex(facility_opex_price: Array, nameplate_power: Array, colocated_share: Array) -> USD_PER_YEAR:
    """Facility opex: upkeep, security, tax and insurance in a year, for what is not colocated."""
    return facility_opex_price * nameplate_power * (1 - colocated_share) * MONTHS_PER_YEAR


def colocation_cost(colocation_price: Array, nameplate_power: Array, colocated_share: Array) -> USD_PER_YEAR:
    """Colocation cost: rent of a year for what is colocated."""
    return colocation_price * nameplate_power * colocated_share * MONTHS_PER_YEAR


@total
def opex_per_year(
    electricity_cost: Array, maintenance_cost: Array, facility_opex: Array, colocation_cost: Array, staff_cost: Array
) -> USD_PER_YEAR:
    """Opex per year: what running the fleet costs in cash, without depreciation."""
    return electricity_cost + maintenance_cost + facility_opex + colocation_cost + staff_cost
