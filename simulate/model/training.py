"""Training: accelerator-hours, cost and energy of one run, and of what it takes to get there."""

import numpy as np

from simulate.graph import Array, otherwise, parameter, total
from simulate.model.notation import (
    DAY,
    FLOP,
    FLOP_PER_S,
    FLOP_PER_TOKEN,
    HOURS_PER_DAY,
    KW,
    KWH,
    ONE_YEAR,
    RATIO,
    SECONDS_PER_HOUR,
    SHARE,
    TRAINING_FLOP_PER_PARAMETER,
    TRAINING_PASSES,
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
    plausible=(100000000.0, 1000000000000000.0),
)


def mfu_step(mfu_predicted: Array) -> SHARE:
    """MFU of a step: share of the peak FLOP/s while training runs undisturbed.

    The predicted MFU, which is end to end, at the typical overhead, unless a prior says otherwise. Of the FLOP that
    training_flop counts: a published MFU may count attention or not, or the masked half of it too. 0.462 for PaLM
    with both halves, 0.457 without attention; the note takes the former for all models.
    Source: Chowdhery et al., 2022, PaLM, arXiv 2204.02311, appendix B.
    """
    return np.minimum(mfu_predicted * TYPICAL_OVERHEAD, 1)


training_overhead = parameter(
    "1",
    """Training overhead: all hours over those of undisturbed steps.

    1.00 to 1.50 over seven open runs that published both; the default is their median.""",
    default=TYPICAL_OVERHEAD,
    lower=1,
    plausible=(1, 3),
)
training_context = parameter(
    "token",
    """Training context: of a sequence in training; 0, the default, leaves attention out.

    2,048 for GPT-3, 8,192 for Llama 3. Needs layers, heads and head_dim.""",
    default=0,
    lower=0,
)
training_peak_gain = parameter(
    "1",
    """Training peak gain: the peak in the precision of training over that in 16 bits; 2 in FP8 on most accelerators.

    The predicted MFU is lower where fewer bits make the peak higher. A file's training_precision states both.""",
    default=1,
    lower=1,
)
experiments_multiplier = parameter(
    "1",
    """Experiments multiplier: compute of all that leads to a release, over that of training what is released.

    3.3 to 10 at OpenAI, MiniMax and Z.ai in 2024 and 2025. Source: Denain and Wu, 2026, Final training runs account
    for a minority of R&D compute spending, Epoch AI.""",
    lower=1,
    plausible=(1, 50),
)
reinforcement_learning_share = parameter(
    "1",
    """Reinforcement learning share: of the compute that trains what is released, that after pre-training.

    Pre-training is the run of training_cost; 0, the default, leaves what comes after it out.""",
    default=0,
    lower=0,
    upper=1,
)
synthetic_data_share = parameter(
    "1",
    """Synthetic data share: of the compute beside training what is released, that to generate data.

    The rest goes to experiments, runs that failed and models that are not released.""",
    default=0,
    lower=0,
    upper=1,
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
    """Training peak FLOP/s: of one training accelerator, dense; as in serving unless a prior differs.

    In the precision of training, whatever the gain.
    """
    return peak_flops


@otherwise(0)
def training_attention_flop(attention_flop_prefill: Array, training_context: Array) -> FLOP_PER_TOKEN:
    """Attention FLOP in training: per token, in all layers, forward and backward.

    Three times those of the forward pass, in which a token attends to half of the context on average: with plain
    heads 6 layers heads head_dim training_context. Counts that take in the masked half have twice as many. Those of
    a model whose shape is not given are left out.
    Source: Chowdhery et al., 2022, PaLM, arXiv 2204.02311, appendix B, halved by the causal mask.
    """
    return TRAINING_PASSES * attention_flop_prefill * training_context / 2


def training_flop(parameters_active: Array, training_attention_flop: Array, training_tokens: Array) -> FLOP:
    """Training FLOP: of each token 6 for each active parameter, and those of attention.

    Source: Kaplan et al., 2020, Scaling laws for neural language models, arXiv 2001.08361.
    """
    return (TRAINING_FLOP_PER_PARAMETER * parameters_active + training_attention_flop) * training_tokens


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


def reinforcement_learning_cost(training_cost: Array, reinforcement_learning_share: Array) -> USD:
    """Reinforcement learning cost: compute that trains what is released after the run of pre-training.

    Supervised fine-tuning and longer contexts included.
    """
    return training_cost * reinforcement_learning_share / (1 - reinforcement_learning_share)


@total
def final_training_cost(training_cost: Array, reinforcement_learning_cost: Array) -> USD:
    """Final training cost: compute that trains what is released, the run and what follows it."""
    return training_cost + reinforcement_learning_cost


def synthetic_data_cost(final_training_cost: Array, experiments_multiplier: Array, synthetic_data_share: Array) -> USD:
    """Synthetic data cost: compute that generates data to train on."""
    return final_training_cost * (experiments_multiplier - 1) * synthetic_data_share


def experiments_cost(final_training_cost: Array, experiments_multiplier: Array, synthetic_data_share: Array) -> USD:
    """Experiments cost: compute of experiments, runs that failed and models that are not released."""
    return final_training_cost * (experiments_multiplier - 1) * (1 - synthetic_data_share)


@total
def development_compute_cost(final_training_cost: Array, synthetic_data_cost: Array, experiments_cost: Array) -> USD:
    """Development compute cost: training what is released, and all compute that leads to it.

    Together experiments_multiplier times the final training.
    """
    return final_training_cost + synthetic_data_cost + experiments_cost


@total
def development_cost(development_compute_cost: Array, development_staff_cost: Array, training_data_cost: Array) -> USD:
    """Development cost: of a release, compute, staff and data until the model stands.

    Source: Cottier et al., 2024, The rising costs of training frontier AI models, arXiv 2405.21015.
    """
    return development_compute_cost + development_staff_cost + training_data_cost


def training_cost_share_of_capex(training_cost: Array, company_capex_per_year: Array) -> RATIO:
    """Training cost share of capex: one run against a year's investment of the company behind the model."""
    return training_cost / (company_capex_per_year * ONE_YEAR)
