"""Training: accelerator-hours, cost and energy of one run, and of what it takes to get there."""

import numpy as np

from simulate.graph import Array, parameter, total
from simulate.model.notation import (
    DAY,
    FLOP,
    FLOP_PER_S,
    HOURS_PER_DAY,
    KW,
    KWH,
    ONE_YEAR,
    RATIO,
    SECONDS_PER_HOUR,
    SHARE,
    TRAINING_FLOP_PER_PARAMETER,
    USD,
    USD_PER_H,
    H,
)

# Median of seven open runs that published both their step MFU and their hours: 1.00 to 1.50.
TYPICAL_OVERHEAD = 1.09


def mfu_end_to_end(mfu_step: Array, training_overhead: Array) -> SHARE:
    """MFU end to end: share of the peak FLOP/s over all hours paid for, with restarts and downtime.

    A prior states it, or a published step MFU and the overhead do; else it is the predicted MFU. All reported
    hours are end to end.
    """
    return mfu_step / training_overhead


def training_price(cloud_price_reserved: Array) -> USD_PER_H:
    """Training price: of one accelerator-hour; the reserved cloud price unless a prior says otherwise."""
    return cloud_price_reserved


training_tokens = parameter(
    "token",
    """Training tokens: read in one training run, repeats included.

    300e9 for GPT-3. Source: Brown et al., 2020, arXiv 2005.14165.""",
    lower=0,
)


def mfu_step(mfu_predicted: Array) -> SHARE:
    """MFU of a step: share of the peak FLOP/s while training runs undisturbed.

    The predicted MFU, which is end to end, at the typical overhead, unless a prior says otherwise. 0.462 for
    PaLM, attention included, which the note takes for all models.
    Source: Chowdhery et al., 2022, PaLM, arXiv 2204.02311.
    """
    return np.minimum(mfu_predicted * TYPICAL_OVERHEAD, 1)


training_overhead = parameter(
    "1",
    """Training overhead: all hours over those of undisturbed steps.

    1.00 to 1.50 over seven open runs that published both; the default is their median.""",
    default=TYPICAL_OVERHEAD,
    lower=1,
)
experiments_multiplier = parameter(
    "1",
    """Experiments multiplier: compute of all runs, the final one among them, over that of the final one.""",
    lower=1,
)
training_accelerators = parameter("1", "Training accelerators: at work on the run at one time.", lower=1)
company_capex_per_year = parameter(
    "USD/year", "Company capex per year: all that the company behind the model invests in a year.", lower=0
)
development_staff_cost = parameter(
    "USD", "Development staff cost: pay of those who built the model, over the project.", lower=0
)
training_data_cost = parameter(
    "USD", "Training data cost: licences, collection and labelling, over the project.", lower=0
)


def training_peak_flops(peak_flops: Array) -> FLOP_PER_S:
    """Training peak FLOP/s: of one training accelerator, dense; as in serving unless a prior differs."""
    return peak_flops


def training_flop(parameters_active: Array, training_tokens: Array) -> FLOP:
    """Training FLOP: 6 for each active parameter and token, attention left out.

    Source: Kaplan et al., 2020, Scaling laws for neural language models, arXiv 2001.08361.
    """
    return TRAINING_FLOP_PER_PARAMETER * parameters_active * training_tokens


def training_accelerator_hours(training_flop: Array, training_peak_flops: Array, mfu_end_to_end: Array) -> H:
    """Training accelerator-hours: of one run, end to end."""
    return training_flop / (training_peak_flops * mfu_end_to_end) / SECONDS_PER_HOUR


def training_days(training_accelerator_hours: Array, training_accelerators: Array) -> DAY:
    """Training days: from the first step to the last on the given accelerators."""
    return training_accelerator_hours / training_accelerators / HOURS_PER_DAY


def training_cost(training_accelerator_hours: Array, training_price: Array) -> USD:
    """Training cost: the accelerator-hours of one run at their price."""
    return training_accelerator_hours * training_price


def training_accelerator_power(server_power: Array, accelerators_per_server: Array, busy_load: Array) -> KW:
    """Training accelerator power: mean draw of one accelerator with its share of the server.

    That of a busy server of the serving fleet unless a prior says otherwise; 0.3785 kW for a TPU v4 under
    PaLM. Source: Chowdhery et al., 2022, PaLM, arXiv 2204.02311, appendix B.
    """
    return server_power * busy_load / accelerators_per_server


def training_energy(training_accelerator_hours: Array, training_accelerator_power: Array, pue: Array) -> KWH:
    """Training energy: of one run, cooling and losses of the facility included.

    Source: Patterson et al., 2021, Carbon emissions and large neural network training, arXiv 2104.10350.
    """
    return training_accelerator_hours * training_accelerator_power * pue


def development_compute_cost(training_cost: Array, experiments_multiplier: Array) -> USD:
    """Development compute cost: the final run and all those on the way to it."""
    return training_cost * experiments_multiplier


@total
def development_cost(development_compute_cost: Array, development_staff_cost: Array, training_data_cost: Array) -> USD:
    """Development cost: compute, staff and data until the model stands.

    Source: Cottier et al., 2024, The rising costs of training frontier AI models, arXiv 2405.21015.
    """
    return development_compute_cost + development_staff_cost + training_data_cost


def training_cost_share_of_capex(training_cost: Array, company_capex_per_year: Array) -> RATIO:
    """Training cost share of capex: one run against a year's investment of the company behind the model."""
    return training_cost / (company_capex_per_year * ONE_YEAR)
