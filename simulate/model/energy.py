"""Energy: what the fleet draws and what it pays for it."""

from simulate.graph import Array, parameter
from simulate.model.notation import HOURS_PER_DAY, KW, KWH_PER_DAY, SHARE, USD_PER_DAY, WH, WH_PER_KWH

electricity_price = parameter(
    "USD/kWh",
    """Electricity price: per kilowatt-hour at the meter.

    The mean US industrial price was 0.083 in 2022 and 0.081 in 2023; the note takes 0.08.
    Source: U.S. Energy Information Administration, Electric Power Annual.""",
    lower=0,
    plausible=(0.005, 1),
)
pue = parameter(
    "1",
    """PUE: energy of the whole facility over that of the servers.

    1.10 Google, 1.18 Microsoft, 1.58 the mean of a world-wide survey, all 2023; the note takes 1.
    Source: the operators' reports; Uptime Institute, Global data center survey 2023.""",
    lower=1,
    plausible=(1.02, 3),
)
busy_load = parameter(
    "1",
    """Busy load: mean draw of a busy server over its nameplate.

    0.76 on average and 0.82 at most for eight H100s in training.
    Source: Newkirk et al., 2025, arXiv 2506.14551; Latif et al., 2024, arXiv 2412.08602.""",
    lower=0,
    upper=1,
    plausible=(0.2, 1),
)
idle_load = parameter(
    "1",
    "Idle load: draw of an idle server over its nameplate; 0.2 to 0.3 is judgement.",
    lower=0,
    upper=1,
    plausible=(0.02, 0.8),
)


def power_load_factor(idle_load: Array, busy_load: Array, utilization: Array) -> SHARE:
    """Power load factor: mean draw of the servers over their nameplate, idle and busy hours together.

    Source: Fan, Weber and Barroso, 2007, Power provisioning for a warehouse-sized computer.
    """
    return idle_load + (busy_load - idle_load) * utilization


def power(nameplate_power: Array, power_load_factor: Array, pue: Array) -> KW:
    """Power: mean draw of the fleet, cooling and losses of the facility included."""
    return nameplate_power * power_load_factor * pue


def energy_per_day(power: Array) -> KWH_PER_DAY:
    """Energy per day: drawn by the fleet and its facility."""
    return power * HOURS_PER_DAY


def energy_per_question(energy_per_day: Array, questions_per_day: Array) -> WH:
    """Energy per question: the whole fleet's, idle hours included, over the questions."""
    return energy_per_day / questions_per_day * WH_PER_KWH


def electricity_cost_per_day(energy_per_day: Array, electricity_price: Array) -> USD_PER_DAY:
    """Electricity cost per day: energy at its price."""
    return energy_per_day * electricity_price
