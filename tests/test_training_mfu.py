"""Training hours from parameters, tokens and an accelerator; what a priors file may say instead."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from simulate.model import quantities
from simulate.model.training import TYPICAL_OVERHEAD
from simulate.model.training_mfu import OPEN_RUNS
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
