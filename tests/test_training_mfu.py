"""Training hours from parameters, tokens and an accelerator; what a priors file may say instead."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from simulate.model import quantities
from simulate.model.training import TYPICAL_OVERHEAD
from simulate.model.training_mfu import OPEN_RUNS, TYPICAL_ATTENTION
from simulate.priors import load_priors
from simulate.results.in_vain import in_vain
from simulate.runs import run

SIX_LINES = """
accelerator = "H100 SXM5"
[priors]
parameters_active.value = 405e9
training_tokens.value = 15.6e12
[run]
quantities = ["training_accelerator_hours"]
"""
HOURS_AT_PEAK = 6 * 405e9 * 15.6e12 / 989e12 / 3600


def hours(priors):
    return run(priors, scenarios=1 << 14, percentiles=(5, 50, 95))["percentiles"][0]


def predicted(mixture):
    mean, sd = OPEN_RUNS.log_mean_and_sd(405e9, 989e12, mixture)
    return HOURS_AT_PEAK / np.exp(mean - sd * ndtri([0.05, 0.5, 0.95]))


def test_six_lines_give_the_band_of_the_open_runs(load):
    np.testing.assert_allclose(hours(load(SIX_LINES)), predicted(0.0), rtol=2e-3)


@pytest.mark.parametrize(
    "said", ["parameters_total=2e12", "experts=128", "mixture_of_experts=1"], ids=lambda said: said.partition("=")[0]
)
def test_a_mixture_of_experts_is_told_by_any_of_three_ways(load, said):
    np.testing.assert_allclose(hours(load(SIX_LINES, said)), predicted(1.0), rtol=2e-3)
    assert predicted(1.0)[1] > 1.05 * predicted(0.0)[1]


def test_a_prior_of_either_side_goes_before(load):
    assert hours(load(SIX_LINES, "mfu_end_to_end=0.4"))[1] == pytest.approx(HOURS_AT_PEAK / 0.4, rel=1e-12)
    both = hours(load(SIX_LINES, "mfu_step=0.45", "training_overhead=1.2"))
    np.testing.assert_allclose(both, HOURS_AT_PEAK * 1.2 / 0.45, rtol=1e-12)
    step = hours(load(SIX_LINES, "mfu_step=0.45"))
    np.testing.assert_allclose(step, HOURS_AT_PEAK * TYPICAL_OVERHEAD / 0.45, rtol=1e-12)


def test_the_deviation_may_be_given(load):
    np.testing.assert_allclose(hours(load(SIX_LINES, "training_mfu_deviation=0")), predicted(0.0)[1], rtol=1e-12)


def test_no_step_is_beyond_the_peak(load):
    priors = load(SIX_LINES, "training_mfu_deviation=9")
    bands = run(priors, scenarios=16, quantities=["mfu_step", "mfu_end_to_end"])
    assert bands.at("mean", quantity="mfu_step") == 1
    assert bands.at("mean", quantity="mfu_end_to_end") == pytest.approx(1 / TYPICAL_OVERHEAD)


def test_the_models_own_prior_is_one_like_others(load):
    prior = load(SIX_LINES).priors["training_mfu_deviation"]
    assert (prior.family, prior.evidence, prior.line, prior.inherited) == ("normal", "sourced", 0, True)
    assert prior.source
    assert str(prior.file) == "model llm_cost"


@pytest.mark.parametrize(
    "text",
    ["[priors]\npue.value = 1.1\n", SIX_LINES + "\n[priors.mfu_end_to_end]\nvalue = 0.4\n"],
    ids=["no training", "an MFU given"],
)
def test_it_is_absent_where_nothing_needs_it(load, text):
    priors = load(text)
    if "mfu_end_to_end" in priors.priors:
        assert hours(priors)[0] == hours(priors)[2]
    else:
        assert "training_mfu_deviation" not in priors.priors


def test_it_may_be_correlated_without_being_stated(load):
    text = SIX_LINES + "[correlations]\ntraining_mfu_deviation.cloud_price_reserved = 0.5\n"
    assert load(text).correlations[0].value == 0.5


def test_shares_of_the_peak_have_bounds():
    for name in ("mfu_step", "mfu_end_to_end", "mfu_predicted"):
        assert (quantities("llm_cost")[name].lower, quantities("llm_cost")[name].upper) == (0, 1)


SHAPE = ("layers=126", "heads=128", "head_dim=128", "training_context=8192")


def test_attention_counted_is_that_beyond_a_typical_run(load):
    """Hours go with the FLOP over those of the runs that the MFU is from."""
    share = 126 * 128 * 128 * 8192 / 405e9
    expected = predicted(0.0)[1] * (1 + share) / (1 + TYPICAL_ATTENTION)
    np.testing.assert_allclose(hours(load(SIX_LINES, *SHAPE))[1], expected, rtol=2e-3)
    bound = hours(load(SIX_LINES, *SHAPE, "mfu_end_to_end=0.4"))[1]  # which is of the FLOP that are counted
    assert bound == pytest.approx(HOURS_AT_PEAK * (1 + share) / 0.4, rel=1e-12)


def test_attention_stays_in_16_bits(load):
    """Times those of a context of 131,072 over none counted: of its FLOP, in FP8 those at half of the peak's speed."""
    share = 126 * 128 * 128 * 131072 / 405e9
    for gain, said in ((1, ()), (2, ("training_peak_gain=2", "training_peak_flops=1978e12"))):
        given = ("training_mfu_deviation=0", *said)
        ratio = (
            hours(load(SIX_LINES, *given, *SHAPE[:3], "training_context=131072"))[1] / hours(load(SIX_LINES, *given))[1]
        )
        assert ratio == pytest.approx((1 + share * gain) / (1 + TYPICAL_ATTENTION * gain), rel=1e-9)


def test_a_context_without_a_shape_is_told_to_be_of_no_use(load):
    priors = load(SIX_LINES, "training_context=8192")
    np.testing.assert_allclose(hours(priors), predicted(0.0), rtol=2e-3)
    (told,) = in_vain([priors], priors.run.quantities)
    assert "training_attention_flop cannot be computed: there is no prior for layers, heads, head_dim" in str(told)
    assert not in_vain([load(SIX_LINES, *SHAPE)], priors.run.quantities)


def test_training_in_fp8_has_its_peak_and_a_lower_mfu(load):
    """As fast as in 16 bits times twice what is left of the MFU."""
    in_fp8 = hours(load(SIX_LINES, "training_peak_gain=2", "training_peak_flops=1978e12", "training_mfu_deviation=0"))[
        1
    ]
    in_bf16 = hours(load(SIX_LINES, "training_mfu_deviation=0"))[1]
    assert in_bf16 / in_fp8 == pytest.approx(2 * np.exp(OPEN_RUNS.coefficients[4]), rel=1e-9)


@pytest.mark.parametrize(
    ("parameters", "shape", "tokens_per_second"),
    [(405.85e9, (126, 128), 706), (70.55e9, (80, 64), 4066)],
    ids=["405B", "70B"],
)
def test_what_nvidia_measured_in_fp8_lies_in_the_bands(parameters, shape, tokens_per_second):
    """NeMo 25.07 on GB200, contexts of 8,192: undisturbed steps, in the model's own words."""
    layers, heads = shape
    priors = load_priors(
        {
            "accelerator": "GB200",
            "training_precision": "FP8",
            "priors": {
                "parameters_active": {"value": parameters},
                "training_tokens": {"value": 1e12},
                "layers": {"value": layers},
                "heads": {"value": heads},
                "head_dim": {"value": 128},
                "training_context": {"value": 8192},
                "training_overhead": {"value": 1},
            },
        }
    )
    low, _, high = run(priors, quantities=["training_accelerator_hours"], scenarios=1 << 12, percentiles=(5, 50, 95))[
        "percentiles"
    ][0]
    assert low < 1e12 / tokens_per_second / 3600 < high
