"""Speculative decoding: how many tokens a step writes, and what the tokens take that a draft proposes."""

import numpy as np
import pytest
from test_load import DEEPSEEK, LLAMA, computed

from simulate.priors import load_priors

# Few sequences on one accelerator, without prompts and without links.
FEW = {
    **LLAMA,
    "replica_accelerators": 1.0,
    "memory_capacity": 200e9,
    "batch_size": 4.0,
    "input_to_output_ratio": 0.0,
    "prompts_apart": 0.0,
    "attention_peak_flops": 1e40,
}
DRAFT = {"draft_tokens": 3.0, "draft_acceptance": 0.8, "draft_cost": 0.05}
ACCEPTANCE = np.array([0.0, 0.3, 0.875, 1 - 1e-9, 1.0])


@pytest.mark.parametrize("proposed", [0, 1, 2, 3, 7])
def test_a_step_writes_as_many_tokens_as_are_accepted_before_the_first_that_is_not(proposed: int) -> None:
    given = {"draft_tokens": float(proposed), "draft_acceptance": ACCEPTANCE}
    series = sum(ACCEPTANCE**count for count in range(proposed + 1))
    length, through = computed(given, "acceptance_length", "tokens_per_sequence")
    np.testing.assert_allclose(length, series, rtol=1e-7)
    np.testing.assert_array_equal(length[[0, -1]], [1, proposed + 1])
    assert through == proposed + 1
    if not proposed:
        np.testing.assert_array_equal(length, 1)


def test_an_endless_draft_is_cut_by_the_first_refusal() -> None:
    length = computed({"draft_tokens": 1e4, "draft_acceptance": ACCEPTANCE[:3]}, "acceptance_length")
    np.testing.assert_allclose(length, 1 / (1 - ACCEPTANCE[:3]), rtol=1e-12)
    counted = np.argmin(np.random.default_rng(3).random((100_000, 60)) < 0.8, axis=1) + 1
    length = computed({"draft_tokens": 1e4, "draft_acceptance": 0.8}, "acceptance_length")
    assert counted.mean() == pytest.approx(length, abs=4 * counted.std() / 100_000**0.5)


@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_a_draft_of_no_tokens_changes_no_bit(apart: float) -> None:
    names = ["seconds_per_token", "step_seconds", "batch_size", "batch_at_peak", "time_per_output_token_p99"]
    names += ["time_to_first_token", "output_speed", "input_share_of_time", "accelerators"]
    for model in (LLAMA, DEEPSEEK):
        given = {**model, "prompts_apart": apart, "questions_per_day": 1e6, "output_tokens": np.linspace(50, 900, 7)}
        none = {**given, "draft_tokens": 0.0, "draft_acceptance": 0.9}
        for with_none, without in zip(computed(none, *names), computed(given, *names), strict=True):
            np.testing.assert_array_equal(with_none, without)


def test_where_memory_is_the_wall_a_draft_saves_whole_passes() -> None:
    """Leviathan, Kalman and Matias, theorem 3.8: by (1 - a^(k + 1)) / ((1 - a) (k c + 1))."""
    given = {**FEW, "peak_flops": 1e40}
    plain, drafted = (computed({**given, **draft}, "seconds_per_token") for draft in ({}, DRAFT))
    assert plain / drafted == pytest.approx((1 - 0.8**4) / ((1 - 0.8) * (3 * 0.05 + 1)), rel=1e-12)


def test_where_arithmetic_is_the_wall_each_proposed_token_takes_its_own() -> None:
    given = {**FEW, "memory_bandwidth": 1e40, "layer_latency": 0.0}
    plain, drafted = (computed({**given, **draft}, "seconds_per_token") for draft in ({}, DRAFT))
    assert drafted / plain == pytest.approx((4 + 3 * 0.05) / (1 + 0.8 + 0.8**2 + 0.8**3), rel=1e-12)
    assert drafted > plain


def test_a_draft_takes_its_share_of_steps_of_one_token() -> None:
    given = {**DEEPSEEK, "batch_size": 6.0, "input_to_output_ratio": 0.0, "attention_peak_flops": 1e20}
    plain = computed(given, "decode_seconds")
    proposed = {**given, **DRAFT, "prompts_apart": 0.0, "input_to_output_ratio": 2.0, "context_tokens": 150.0}
    assert computed(proposed, "draft_seconds") == pytest.approx(3 * 0.05 * plain, rel=1e-12)


def test_all_that_is_proposed_passes_experts_and_links_and_the_cache_is_read_once() -> None:
    given = {**DEEPSEEK, "batch_size": 6.0, "attention_peak_flops": np.array([1e20, 1e6])}
    names = ["tokens_per_step", "experts_touched", "link_seconds", "routing_seconds", "cache_seconds"]
    plain, drafted = (computed({**given, **draft}, *names) for draft in ({}, DRAFT))
    assert drafted[0] == 6 * 4
    assert drafted[1] == pytest.approx(1 - (1 - 8 / 256) ** 24, rel=1e-12)
    for one, four in zip(plain[2:4], drafted[2:4], strict=True):
        assert four == pytest.approx(4 * one, rel=1e-12)
    np.testing.assert_allclose(drafted[4] / plain[4], [1, 4], rtol=1e-12)  # or its arithmetic once for each token


def test_answers_end_and_prompts_come_as_often_as_a_step_writes() -> None:
    given = {**LLAMA, **DRAFT, "batch_size": 40.0}
    length, prompts, speed, step = computed(
        given, "acceptance_length", "prompts_per_step", "output_speed", "step_seconds"
    )
    assert length == pytest.approx(1 + 0.8 + 0.8**2 + 0.8**3)
    assert prompts == pytest.approx(40 * length / 300)
    assert speed == pytest.approx(length / step)
    seconds, throughput = computed(given, "seconds_per_token", "output_throughput_per_accelerator")
    assert seconds * throughput == pytest.approx(1, rel=1e-12)
    prompt, share = computed(given, "prefill_seconds", "input_share_of_time")
    assert share == pytest.approx(prompts * prompt / step, rel=1e-12)


def test_the_slowest_answers_are_slower_the_more_a_draft_brings() -> None:
    at_peak = {"time_per_output_token": 0.01, "prompt_share_of_time": 0.5, **DRAFT, "draft_acceptance": ACCEPTANCE}
    slow, length = computed(at_peak, "time_per_output_token_p99", "acceptance_length")
    np.testing.assert_allclose(slow, 0.01 * (1.035 + 0.35 * 0.5 + 0.14 * (length - 1)), rtol=1e-12)


def test_what_is_accepted_is_drawn_where_something_is_proposed() -> None:
    assert "draft_acceptance" not in load_priors("deepseek-2025-serving").priors
    drawn = load_priors("deepseek-2025-serving", ["draft_tokens=1"]).priors["draft_acceptance"]
    assert drawn.distribution.quantile(np.array([0.05, 0.95])) == pytest.approx([0.68, 0.92], abs=1e-6)
