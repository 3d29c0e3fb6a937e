"""Ownership: what serving costs where the fleet is bought, and where it is rented."""

import numpy as np

from simulate.graph import Array, otherwise, parameter, total
from simulate.model.notation import (
    DAILY,
    DAYS_PER_YEAR,
    HOURS_PER_YEAR,
    MONTHS_PER_YEAR,
    ONE_YEAR,
    PER_YEAR,
    RATIO,
    TOKENS_PER_KTOKEN,
    USD,
    USD_PER_DAY,
    USD_PER_H,
    USD_PER_KTOKEN,
    USD_PER_MONTH,
    USD_PER_YEAR,
)

cloud_price_reserved = parameter(
    "USD/h",
    """Cloud price, reserved: of one accelerator-hour under a commitment of one to three years.

    An A100 around the turn to 2023: 1.03 to 1.81 for three years, 1.85 to 3.00 for one; OpenAI paid 1.30.
    Source: Epoch AI, hardware prices; The Information, 2024.""",
    lower=0,
    plausible=(0.01, 100),
)
cloud_price_on_demand = parameter(
    "USD/h",
    """Cloud price, on demand: of one accelerator-hour without commitment.

    1.10 (Lambda) to 4.10 (AWS) for an A100 around the turn to 2023. Source: Epoch AI, hardware prices.""",
    lower=0,
    plausible=(0.01, 100),
)
it_lifetime = parameter(
    "year",
    """IT lifetime: years until servers and network are replaced.

    4 to 6 in the large operators' accounts; Amazon 5 for a part of its fleet since 2025, 6 for the rest.
    Source: 10-K reports of Microsoft, Alphabet, Amazon and Meta.""",
    lower=0,
    plausible=(1, 15),
)
discount_rate = parameter("1/year", "Discount rate: cost of capital, nominal, before tax.", lower=0, plausible=(0, 0.5))
residual_value_share = parameter(
    "1", "Residual value share: of IT capex that is recovered at the end of its life.", lower=0, upper=1
)
facility_lifetime = parameter(
    "year",
    """Facility lifetime: years until building, power and cooling are replaced, 12 to 20.

    Source: Barroso, Hölzle and Ranganathan, 2018, The datacenter as a computer.""",
    lower=0,
    plausible=(3, 60),
)


def _annuity(rate: Array, years: Array) -> Array:
    """Yearly payment for each unit of capital: r / (1 - (1+r)^-n), and 1/n at r = 0."""
    positive = np.where(rate == 0, 1 / ONE_YEAR, rate)
    payment = positive / -np.expm1(-years / ONE_YEAR * np.log1p(positive * ONE_YEAR))
    return np.where(rate == 0, 1 / years, payment)[()]  # [()] makes a number of a 0-d array


def it_annuity_factor(discount_rate: Array, it_lifetime: Array) -> PER_YEAR:
    """IT annuity factor: yearly payment that repays one dollar with interest over its lifetime."""
    return _annuity(discount_rate, it_lifetime)


def facility_annuity_factor(discount_rate: Array, facility_lifetime: Array) -> PER_YEAR:
    """Facility annuity factor: yearly payment that repays one dollar with interest over its lifetime."""
    return _annuity(discount_rate, facility_lifetime)


def it_cost_per_year(
    it_capex: Array, residual_value_share: Array, discount_rate: Array, it_lifetime: Array, it_annuity_factor: Array
) -> USD_PER_YEAR:
    """IT cost per year: annuity of IT capex less the present worth of what is recovered at the end."""
    discount = (1 + discount_rate * ONE_YEAR) ** (-it_lifetime / ONE_YEAR)
    return it_capex * (1 - residual_value_share * discount) * it_annuity_factor


def facility_cost_per_year(facility_capex: Array, facility_annuity_factor: Array) -> USD_PER_YEAR:
    """Facility cost per year: annuity of facility capex."""
    return facility_capex * facility_annuity_factor


@total
def own_cost_per_year(it_cost_per_year: Array, facility_cost_per_year: Array, opex_per_year: Array) -> USD_PER_YEAR:
    """Own cost per year: of a fleet that is bought, capital and opex.

    Source: Barroso, Hölzle and Ranganathan, 2018, The datacenter as a computer, chapter 6.
    """
    return it_cost_per_year + facility_cost_per_year + opex_per_year


def own_cost_per_day(own_cost_per_year: Array) -> USD_PER_DAY:
    """Own cost per day: of a fleet that is bought, capital and opex."""
    return own_cost_per_year / DAYS_PER_YEAR


def own_cost_per_accelerator_hour(own_cost_per_year: Array, accelerators: Array) -> USD_PER_H:
    """Own cost per accelerator-hour: installed, whether busy or not."""
    return own_cost_per_year / (accelerators * HOURS_PER_YEAR)


@otherwise(0)
def prefill_rent_reserved_per_year(prefill_accelerators: Array, prefill_cloud_price_reserved: Array) -> USD_PER_YEAR:
    """Prefill rent per year, reserved: of the prefill pool."""
    return prefill_accelerators * prefill_cloud_price_reserved * HOURS_PER_YEAR


@otherwise(0)
def prefill_rent_on_demand_per_year(
    prefill_accelerators_on_demand: Array, prefill_cloud_price_on_demand: Array
) -> USD_PER_YEAR:
    """Prefill rent per year, on demand: of the prefill pool."""
    return prefill_accelerators_on_demand * prefill_cloud_price_on_demand * HOURS_PER_YEAR


def rent_reserved_per_year(
    accelerators: Array, prefill_accelerators: Array, cloud_price_reserved: Array, prefill_rent_reserved_per_year: Array
) -> USD_PER_YEAR:
    """Rent per year, reserved: every installed accelerator at every hour."""
    others = (accelerators - prefill_accelerators) * cloud_price_reserved * HOURS_PER_YEAR
    return others + prefill_rent_reserved_per_year


def rent_on_demand_per_year(
    accelerators_on_demand: Array,
    prefill_accelerators_on_demand: Array,
    cloud_price_on_demand: Array,
    prefill_rent_on_demand_per_year: Array,
) -> USD_PER_YEAR:
    """Rent per year, on demand: the busy accelerators with their margin, hour by hour."""
    others = (accelerators_on_demand - prefill_accelerators_on_demand) * cloud_price_on_demand * HOURS_PER_YEAR
    return others + prefill_rent_on_demand_per_year


def rent_reserved_per_day(rent_reserved_per_year: Array) -> USD_PER_DAY:
    """Rent per day, reserved: every installed accelerator."""
    return rent_reserved_per_year / DAYS_PER_YEAR


def rent_on_demand_per_day(rent_on_demand_per_year: Array) -> USD_PER_DAY:
    """Rent per day, on demand: the busy accelerators with their margin."""
    return rent_on_demand_per_year / DAYS_PER_YEAR


def break_even_utilization(own_cost_per_accelerator_hour: Array, cloud_price_on_demand: Array) -> RATIO:
    """Break-even utilization: above it owning is cheaper than renting on demand.

    Where it is above 1, renting always wins.
    """
    return own_cost_per_accelerator_hour / cloud_price_on_demand


def cost_per_day(own_cost_per_day: Array) -> USD_PER_DAY:
    """Cost per day: of serving, in the way it is paid for.

    Owned, unless a priors file binds it to a rent: the unit costs then follow.
    """
    return own_cost_per_day


def cost_per_question(cost_per_day: Array, questions_per_day: Array) -> USD:
    """Cost per question: owned, unless a priors file binds the cost per day to a rent."""
    return cost_per_day / questions_per_day


def cost_per_1k_output_tokens(cost_per_day: Array, output_tokens_per_day: Array) -> USD_PER_KTOKEN:
    """Cost per output token: all of the cost put on the answers' tokens."""
    return cost_per_day / output_tokens_per_day * TOKENS_PER_KTOKEN


def cost_per_1k_tokens(cost_per_day: Array, tokens_per_day: Array) -> USD_PER_KTOKEN:
    """Cost per token: input and output alike."""
    return cost_per_day / tokens_per_day * TOKENS_PER_KTOKEN


def cost_per_visitor_month(cost_per_day: Array, visitors_per_day: Array) -> USD_PER_MONTH:
    """Cost per visitor-month: of someone who comes every day of the month."""
    return cost_per_day / visitors_per_day * DAILY * DAYS_PER_YEAR / MONTHS_PER_YEAR


def rent_reserved_per_question(rent_reserved_per_day: Array, questions_per_day: Array) -> USD:
    """Rent per question, reserved: every installed accelerator's."""
    return rent_reserved_per_day / questions_per_day


def rent_reserved_per_1k_output_tokens(rent_reserved_per_day: Array, output_tokens_per_day: Array) -> USD_PER_KTOKEN:
    """Rent per output token, reserved: all of it put on the answers' tokens."""
    return rent_reserved_per_day / output_tokens_per_day * TOKENS_PER_KTOKEN


def rent_reserved_per_1k_tokens(rent_reserved_per_day: Array, tokens_per_day: Array) -> USD_PER_KTOKEN:
    """Rent per token, reserved: input and output alike."""
    return rent_reserved_per_day / tokens_per_day * TOKENS_PER_KTOKEN


def rent_reserved_per_visitor_month(rent_reserved_per_day: Array, visitors_per_day: Array) -> USD_PER_MONTH:
    """Rent per visitor-month, reserved: of someone who comes every day of the month."""
    return rent_reserved_per_day / visitors_per_day * DAILY * DAYS_PER_YEAR / MONTHS_PER_YEAR


def rent_on_demand_per_question(rent_on_demand_per_day: Array, questions_per_day: Array) -> USD:
    """Rent per question, on demand: the busy accelerators' with their margin."""
    return rent_on_demand_per_day / questions_per_day


def rent_on_demand_per_1k_output_tokens(rent_on_demand_per_day: Array, output_tokens_per_day: Array) -> USD_PER_KTOKEN:
    """Rent per output token, on demand: all of it put on the answers' tokens."""
    return rent_on_demand_per_day / output_tokens_per_day * TOKENS_PER_KTOKEN


def rent_on_demand_per_1k_tokens(rent_on_demand_per_day: Array, tokens_per_day: Array) -> USD_PER_KTOKEN:
    """Rent per token, on demand: input and output alike."""
    return rent_on_demand_per_day / tokens_per_day * TOKENS_PER_KTOKEN


def rent_on_demand_per_visitor_month(rent_on_demand_per_day: Array, visitors_per_day: Array) -> USD_PER_MONTH:
    """Rent per visitor-month, on demand: of someone who comes every day of the month."""
    return rent_on_demand_per_day / visitors_per_day * DAILY * DAYS_PER_YEAR / MONTHS_PER_YEAR
