"""Fleets of whole replicas, and serving under load: queues, batches that follow demand, targets, costs apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import standin

from simulate.arrays import to_host
from simulate.graph import Values, plan
from simulate.model import quantities
from simulate.model.batches import NORMAL_TAIL
from simulate.model.queueing import erlang_c
from simulate.priors import load_priors
from simulate.runs import run

LLM_COST = quantities("llm_cost")
NEEDED = {"accelerators_busy": 10.0, "peak_to_average": 1.5, "capacity_margin": 1.2, "spare_share": 0.05}  # 18.9


def computed(given: Mapping[str, Values], *names: str) -> Any:
    outputs = plan(LLM_COST, given, names)(given)
    return outputs[names[0]] if len(names) == 1 else tuple(outputs[name] for name in names)


# Whole replicas


def test_a_fleet_without_a_layout_is_of_any_size() -> None:
    assert computed(NEEDED, "accelerators") == 10 * 1.5 * 1.2 * 1.05
    assert computed(NEEDED, "accelerators_on_demand") == 12


@pytest.mark.parametrize(
    ("regions", "spare", "installed", "hired"),
    [(1, 0, 20, 12), (1, 1, 24, 16), (2, 0, 24, 16), (2, 1, 32, 24), (6, 0, 24, 24), (6, 1, 48, 48)],
)
def test_replicas_are_whole_in_each_region_and_spare_ones_come_on_top(
    regions: float, spare: float, installed: float, hired: float
) -> None:
    given = {**NEEDED, "replica_accelerators": 4.0, "regions": regions, "spare_replicas": spare}
    assert computed(given, "accelerators", "accelerators_on_demand", "replicas") == (installed, hired, installed / 4)
    assert computed(given, "utilization") == 10 / installed


def test_a_small_service_pays_for_one_copy_of_the_model() -> None:
    busy = np.array([0.0, 1e-6, 0.99, 3.99, 4.01])
    given = {**NEEDED, "accelerators_busy": busy, "replica_accelerators": 4.0, "cloud_price_reserved": 2.0}
    given |= {"peak_to_average": 1.0, "capacity_margin": 1.0, "spare_share": 0.0, "cloud_price_on_demand": 3.0}
    reserved, on_demand = computed(given, "rent_reserved_per_year", "rent_on_demand_per_year")
    np.testing.assert_array_equal(reserved, np.array([0, 4, 4, 4, 8]) * 2 * 8_760)
    np.testing.assert_array_equal(on_demand, np.array([0, 4, 4, 4, 8]) * 3 * 8_760)


def test_a_file_tells_by_its_layout_whether_its_fleet_is_rounded() -> None:
    small = ["questions_per_day=1000", "replica_accelerators=4"]
    fleet = run(load_priors("accelerators", small), scenarios=1_024, quantities=["accelerators"])
    assert fleet.at("minimum", quantity="accelerators") == fleet.at("maximum", quantity="accelerators") == 4
    priors = load_priors("guosheng-2023")
    assert priors.quantities["fleet_increment"].function is None
    assert load_priors("guosheng-2023", ["replica_accelerators=8"]).quantities["fleet_increment"].function


# Queues


@pytest.mark.parametrize(
    ("servers", "load", "waits"),
    [(1, 0.3, 0.3), (2, 1, 1 / 3), (3, 2, 4 / 9), (5, 4, 0.5541), (10, 8, 0.4092), (20, 15, 0.1604), (64, 50, 0.0375)],
)
def test_erlang_c_is_that_of_the_tables(servers: int, load: float, waits: float) -> None:
    terms = [load**count / math.factorial(count) for count in range(servers)]
    last = load**servers / math.factorial(servers) / (1 - load / servers)
    found = erlang_c(np.array([servers, 1.0]), load / servers)[0]
    assert found == pytest.approx(last / (sum(terms) + last), rel=1e-12)
    assert found == pytest.approx(waits, abs=6e-5)
    assert erlang_c(float(servers), load / servers) == found


QUEUE = {"prompt_share_of_time": 0.8, "prompt_service_seconds": 0.5, "input_tokens_variation": 0.0}


def test_a_prompt_waits_as_in_the_textbooks_queues() -> None:
    assert computed(QUEUE, "prompt_queue_seconds") == pytest.approx(0.5 * 0.8 / (2 * 0.2))  # M/D/1
    exponential = {**QUEUE, "input_tokens_variation": 1.0}
    mean, late = computed(exponential, "prompt_queue_seconds", "prompt_queue_seconds_p99")
    assert mean == pytest.approx(0.5 * 0.8 / 0.2)  # M/M/1
    assert 0.8 * math.exp(-0.2 * late / 0.5) == pytest.approx(0.01)
    pooled = {**exponential, "pooled_replicas": 10.0}
    mean, late = computed(pooled, "prompt_queue_seconds", "prompt_queue_seconds_p99")
    assert mean == pytest.approx(0.4092 * 0.5 / (10 * 0.2), rel=2e-4)  # M/M/10
    assert 0.4092 * math.exp(-10 * 0.2 * late / 0.5) == pytest.approx(0.01, rel=2e-4)


def test_nobody_waits_in_an_empty_queue_and_a_rare_wait_is_not_the_99th_percentile() -> None:
    empty = {**QUEUE, "prompt_share_of_time": np.array([0.0, 0.009])}
    mean, late = computed(empty, "prompt_queue_seconds", "prompt_queue_seconds_p99")
    assert mean[0] == 0 < mean[1]
    np.testing.assert_array_equal(late, 0)


def test_the_mean_wait_is_that_of_a_simulated_queue() -> None:
    """One server, prompts of lengths as uneven as traces' are, by Lindley's recursion; 200 runs, 4 standard errors."""
    random = np.random.default_rng(5)
    variation, share = 1.3, 0.6
    sd = math.sqrt(math.log1p(variation**2))
    waits, total = np.zeros(200), np.zeros(200)
    for step in range(6_000):
        service = random.lognormal(-(sd**2) / 2, sd, 200)
        waits = np.maximum(waits + service - random.exponential(1 / share, 200), 0)
        total += waits if step >= 1_000 else 0
    means = total / 5_000
    given = {"prompt_share_of_time": share, "prompt_service_seconds": 1.0, "input_tokens_variation": variation}
    expected = computed(given, "prompt_queue_seconds")
    assert means.mean() == pytest.approx(expected, abs=4 * means.std() / 200**0.5)


# A replica under load: a dense model on four accelerators


LLAMA = {
    "parameters_active": 70.55e9,
    "layers": 80.0,
    "heads": 64.0,
    "kv_heads": 8.0,
    "head_dim": 128.0,
    "bytes_per_parameter": 1.0,
    "replica_accelerators": 4.0,
    "peak_flops": 1_979e12,
    "attention_peak_flops": 989e12,
    "memory_bandwidth": 3.35e12,
    "memory_capacity": 80e9,
    "link_bandwidth": 450e9,
    "matrix_utilization": 0.58,
    "layer_latency": 60e-6,
    "allreduce_latency": 25e-6,
    "output_tokens": 300.0,
    "input_to_output_ratio": 5.0,
    "prompts_apart": 1.0,
    "serving_model_error": 1.1,
    "peak_to_average": 1.8,
    "capacity_margin": 1.0,
    "spare_share": 0.0,
}
TARGETS = {"time_to_first_token_target": 0.5, "time_per_output_token_target": 0.03}
DEEPSEEK = {
    **LLAMA,
    "parameters_active": 37e9,
    "parameters_total": 671e9,
    "experts": 256.0,
    "experts_active": 8.0,
    "layers": 61.0,
    "heads": 128.0,
    "latent_dim": 512.0,
    "rope_dim": 64.0,
    "hidden_dim": 7_168.0,
    "replica_accelerators": 8.0,
    "tensor_parallelism": 1.0,
    "memory_capacity": 180e9,
    "memory_bandwidth": 8e12,
}
RANDOM = np.random.default_rng(7)
SPREAD = {
    "output_tokens": RANDOM.uniform(50, 2_000, 400),
    "input_to_output_ratio": RANDOM.uniform(0.2, 10, 400),
    "arrivals_per_replica": RANDOM.lognormal(-1, 1, 400),
    "input_tokens_variation": RANDOM.uniform(0, 2, 400),
    "time_to_first_token_target": RANDOM.uniform(0.3, 4, 400),
    "time_per_output_token_target": RANDOM.uniform(0.02, 0.1, 400),
    "prompt_cache_hit_rate": RANDOM.uniform(0, 0.95, 400),
}
DRAFTED = {**DEEPSEEK, "draft_tokens": 2.0, "draft_acceptance": RANDOM.uniform(0, 1, 400)}
CASES = [
    {**model, **SPREAD, "prompts_apart": apart}
    for model, shares in ((LLAMA, (0.0, 0.5, 1.0)), (DEEPSEEK, (0.0, 0.5, 1.0)), (DRAFTED, (1.0,)))
    for apart in shares
]


@pytest.mark.parametrize("given", CASES)
def test_a_batch_follows_from_what_arrives_by_littles_law(given: dict[str, Any]) -> None:
    names = ["batch_at_peak", "time_per_output_token", "time_to_first_token", "sequences_in_flight", "batch_limit"]
    batch, token, first, flying, limit = computed(given, *names)
    written = given["arrivals_per_replica"] * given["output_tokens"] * token
    full, steps = limit, given["output_tokens"] * 1.1 / computed(given, "acceptance_length")
    most = full / (steps * computed({**given, "batch_size_in_memory": full}, "step_seconds"))
    stable = given["arrivals_per_replica"] < most
    np.testing.assert_array_equal(np.isnan(batch), ~stable)
    inner = stable & (batch > 1)
    assert 20 < inner.sum() < 400
    np.testing.assert_allclose(batch[inner], written[inner], rtol=2e-6)
    assert (written[stable & (batch == 1)] <= 1).all()
    in_system = given["arrivals_per_replica"] * (first + given["output_tokens"] * token)
    np.testing.assert_allclose(flying, in_system, rtol=1e-14)


def test_a_batch_that_memory_bounds_has_a_closed_form() -> None:
    """A step of a + b D and prompts of p: D = arrivals o (a + b D) + arrivals p D."""
    given = {**LLAMA, "peak_flops": 1e18, "arrivals_per_replica": np.array([0.5, 2.0, 4.0])}
    names = ["shared_weights_seconds", "latency_seconds", "cache_seconds_per_sequence", "link_seconds_per_token"]
    weights, latency, cache, link = computed({**given, "batch_size_in_memory": 1.0}, *names)
    rate, prompt = given["arrivals_per_replica"] * 1.1, computed(given, "prefill_seconds")
    expected = rate * 300 * (weights + latency) / (1 - rate * 300 * (cache + link) - rate * prompt)
    found, service = computed(given, "batch_at_peak", "prompt_service_seconds")
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    np.testing.assert_allclose(service, prompt * 1.1, rtol=1e-9)


def test_without_load_a_question_meets_an_empty_replica() -> None:
    given = {**LLAMA, "arrivals_per_replica": 0.0, "batch_size_in_memory": 1.0}
    alone = {**given, "prompts_apart": 0.0, "input_to_output_ratio": 0.0, "context_tokens": 1_650.0}
    step = 1.1 * computed(alone, "step_seconds")
    names = ["batch_at_peak", "time_per_output_token", "sequences_in_flight", "time_to_first_token", "prefill_seconds"]
    batch, token, flying, first, prefill = computed(given, *names)
    assert (batch, flying) == (1, 0)
    assert token == pytest.approx(step, rel=1e-12)
    assert first == pytest.approx(1.1 * prefill + step / 2 + 0.064, rel=1e-12)


def test_more_load_makes_everybody_wait_longer_until_it_is_too_much() -> None:
    given = {**LLAMA, "arrivals_per_replica": np.linspace(0, 20, 81)}
    names = ["batch_at_peak", "prompt_share_of_time", "time_per_output_token", "time_to_first_token"]
    for column in computed(given, *names, *(f"{name}_p99" for name in names[2:])):
        stable = np.isfinite(column)
        assert 20 < stable.sum() < 80
        assert (np.diff(stable.astype(float)) <= 0).all()
        assert (np.diff(column[stable]) >= 0).all()


# Targets


def used(given: dict[str, Any], batch: Values) -> Any:
    """Of the targets, by the slowest 1 % of the questions of a replica that always has so many sequences."""
    length, step = computed({**given, "batch_size_in_memory": batch}, "acceptance_length", "step_seconds")
    rate = length * batch / (given["output_tokens"] * step * 1.1)
    full = {**given, "batch_at_peak": batch, "arrivals_per_replica": rate}
    first, token = computed(full, "time_to_first_token_p99", "time_per_output_token_p99")
    return np.maximum(first / given["time_to_first_token_target"], token / given["time_per_output_token_target"])


@pytest.mark.parametrize("given", CASES)
def test_a_full_replica_just_keeps_the_targets(given: dict[str, Any]) -> None:
    batch, limit, feasible = computed(given, "batch_size", "batch_limit", "targets_feasible")
    kept = np.isfinite(batch)
    assert kept.sum() > 50
    np.testing.assert_array_equal(feasible, kept)
    assert (used(given, 1.0)[~kept] > 1).all()
    at_batch = used(given, batch)[kept]
    assert (at_batch <= 1 + 1e-6).all()
    bound, limit = batch[kept][at_batch < 1 - 1e-6], limit[kept][at_batch < 1 - 1e-6]
    np.testing.assert_allclose(bound + NORMAL_TAIL * np.sqrt(bound), limit, rtol=1e-9)  # by memory, were they Poisson's


def test_what_cannot_be_met_is_not_a_number_and_told() -> None:
    given = {**LLAMA, "questions_per_day": 1e6}
    too_fast = {**given, "time_per_output_token_target": np.array([0.005, 0.03, 86_400.0])}
    feasible, accelerators = computed(too_fast, "targets_feasible", "accelerators")
    np.testing.assert_array_equal(feasible, [0, 1, 1])
    np.testing.assert_array_equal(np.isnan(accelerators), [True, False, False])
    assert accelerators[1] > accelerators[2]
    too_small = {**given, "memory_capacity": np.array([15e9, 19.9e9, 80e9])}
    feasible, batch, throughput = computed(too_small, "targets_feasible", "batch_size", "output_throughput_per_replica")
    np.testing.assert_array_equal(feasible, [0, 1, 1])
    assert batch[1] == 1 < batch[2]
    np.testing.assert_array_equal(np.isnan(throughput), [True, False, False])


def test_a_fleet_that_is_sized_by_its_targets_meets_them_at_the_peak() -> None:
    demand = np.geomspace(10, 1e8, 50)
    given = {**LLAMA, **TARGETS, "questions_per_day": demand, "regions": 2.0, "spare_replicas": 1.0}
    names = ["targets_met", "replicas", "output_throughput_per_replica", "utilization", "accelerators"]
    met, replicas, throughput, utilization, accelerators = computed(given, *names)
    assert (met == 1).all()
    np.testing.assert_array_equal(replicas, np.round(replicas))
    assert replicas[0] == 4  # one in each region and one beside it
    peak = demand * 1.8 * 300 / 86_400
    np.testing.assert_array_equal(replicas, 2 * (np.ceil(peak / throughput / 2) + 1))
    np.testing.assert_allclose(utilization, peak / 1.8 / throughput / replicas)
    np.testing.assert_array_equal(accelerators, replicas * 4)
    stated = {**given, "batch_size": 200.0, "spare_replicas": 0.0}
    assert computed(stated, "targets_met")[-1] == 0


def test_prompts_of_pooled_replicas_wait_less() -> None:
    given = {**LLAMA, "time_to_first_token_target": 0.3, "pooled_replicas": np.array([1.0, 2.0, 8.0])}
    assert (np.diff(computed(given, "batch_size")) > 0).all()


# The cheapest layout


CHOSEN = {name: value for name, value in LLAMA.items() if name != "replica_accelerators"}


@pytest.mark.parametrize("beside", [{}, {"tensor_parallelism": 1.0}, {"batch_size": 20.0}, {"largest_replica": 2.0}])
def test_the_layout_is_the_one_of_the_smallest_fleet_scenario_by_scenario(beside: dict[str, float]) -> None:
    given = {
        **CHOSEN,
        **SPREAD,
        **beside,
        "questions_per_day": 1e5 * SPREAD["arrivals_per_replica"],
        "memory_capacity": 141e9,
    }
    del given["arrivals_per_replica"]
    sizes = np.array([1.0, 2.0, 4.0, 8.0][: 2 if "largest_replica" in beside else 4])
    fleets = np.array([computed({**given, "replica_accelerators": size}, "accelerators") for size in sizes])
    possible = np.isfinite(fleets).any(axis=0)
    cheapest = sizes[np.argmin(np.nan_to_num(fleets, nan=np.inf), axis=0)]
    chosen, accelerators = computed(given, "replica_accelerators", "accelerators")
    np.testing.assert_array_equal(chosen, np.where(possible, cheapest, np.nan))
    np.testing.assert_array_equal(accelerators[possible], np.nanmin(fleets[:, possible], axis=0))
    assert len(np.unique(chosen[possible])) > 1 or "tensor_parallelism" in beside


def test_a_layout_that_is_not_stated_is_left_to_the_model_only_where_it_knows_enough() -> None:
    assert computed(NEEDED, "fleet_increment") == 0
    assert computed({**CHOSEN, "questions_per_day": 1e6}, "fleet_increment") == 2


def test_a_formula_may_hang_on_the_layout_that_is_chosen() -> None:
    stated = "".join(f"{name} = {{ value = {value!r} }}\n" for name, value in CHOSEN.items())
    pairs = '[quantities.prompts_per_pass]\nformula = "max(1, replica_accelerators / 2)"\nunit = "1"\n'
    priors = load_priors(f"[priors]\nquestions_per_day = {{ value = 1e6 }}\n{stated}{pairs}")
    chosen = run(priors, scenarios=64, quantities=["replica_accelerators", "accelerators"])
    fleets = [
        computed(
            {**CHOSEN, "questions_per_day": 1e6, "replica_accelerators": size, "prompts_per_pass": max(1, size / 2)},
            "accelerators",
        )
        for size in (1.0, 2.0, 4.0, 8.0)
    ]
    assert chosen.at("minimum", quantity="accelerators") == min(fleets)


FEW = """
[priors]
{}
output_tokens = {{ dist = "lognormal", p5 = 100, p95 = 900, unit = "token" }}
questions_per_day = {{ dist = "lognormal", p5 = 1e4, p95 = 1e6, unit = "1/day" }}
time_to_first_token_target = {{ value = 1, unit = "s" }}
time_per_output_token_target = {{ value = 25, unit = "ms/token" }}
"""


def test_a_run_tells_bands_of_what_is_solved_for() -> None:
    """They vary by more than what rounding may have done to them, by the bounds that it gives each operation."""
    stated = "".join(f"{name} = {{ value = {value!r} }}\n" for name, value in CHOSEN.items() if name != "output_tokens")
    names = ["batch_size", "batch_at_peak", "time_to_first_token", "replica_accelerators", "sequences_in_flight"]
    told = run(load_priors(FEW.format(stated)), scenarios=256, quantities=names)
    for name in names:
        assert 0 < told.at("minimum", quantity=name) < told.at("maximum", quantity=name)
    assert not [line for line in told.warnings if "nan" in line]


# Input, cached input and output apart


@pytest.mark.parametrize("given", CASES)
def test_three_costs_times_their_tokens_are_the_cost(given: dict[str, Any]) -> None:
    paid = {**given, "time_to_first_token_target": 86_400.0, "time_per_output_token_target": 86_400.0}
    paid |= {"questions_per_day": 1e6, "cost_per_day": 1_000.0}
    names = ["input_cost_per_1m_tokens", "cached_input_cost_per_1m_tokens", "output_cost_per_1m_tokens"]
    costs = np.array(computed(paid, *names))
    assert (costs > 0).all()
    read = given["output_tokens"] * given["input_to_output_ratio"]
    cached = read * given["prompt_cache_hit_rate"]
    tokens = np.array([read - cached, cached, given["output_tokens"]])  # millions a day
    np.testing.assert_allclose((costs * tokens).sum(axis=0), 1_000, rtol=1e-12)


def test_input_pays_for_its_passes_and_cached_input_for_being_reread() -> None:
    given = {**LLAMA, "batch_size": 50.0, "questions_per_day": 1e6, "cost_per_day": 1_000.0}
    names = ["prefill_seconds", "step_seconds", "cache_seconds_per_sequence", "input_share_of_time"]
    prefill, step, cache, share = computed(given, *names)
    assert share == pytest.approx(50 / 300 * prefill / step)
    assert computed(given, "cached_input_share_of_time") == 0
    at_hand = {**given, "prompt_cache_hit_rate": 0.4}
    step = computed(at_hand, "step_seconds")
    reread = 50 * cache * (0.4 * 1_500 / 1_650) / step
    assert computed(at_hand, "cached_input_share_of_time") == pytest.approx(reread)
    cached = computed(given, "cached_input_cost_per_1m_tokens")  # what it would cost where nothing is cached
    nearly = computed({**given, "prompt_cache_hit_rate": 1e-9}, "cached_input_cost_per_1m_tokens")
    assert cached == pytest.approx(nearly, rel=1e-6)


def test_idle_time_is_paid_by_all_in_proportion() -> None:
    given = {**LLAMA, "batch_size": 50.0, "questions_per_day": 1e6, "own_cost_per_day": 1_000.0}
    names = ["input_cost_per_1m_tokens", "cached_input_cost_per_1m_tokens", "output_cost_per_1m_tokens"]
    busy, idle = (np.array(computed({**given, "cost_per_day": cost}, *names)) for cost in (1_000.0, 1_700.0))
    np.testing.assert_allclose(idle / busy, 1.7, rtol=1e-14)


# Wherever it is computed


@pytest.mark.parametrize("given", CASES[::2])
def test_a_device_computes_load_as_the_host_does(given: dict[str, Any]) -> None:
    asked = {**given, "pooled_replicas": 3.0, "questions_per_day": 1e6 * given["arrivals_per_replica"]}
    del asked["arrivals_per_replica"]
    names = ["accelerators", "sequences_in_flight", "targets_met", "time_to_first_token_p99", "input_share_of_time"]
    planned = plan(LLM_COST, asked, names)
    there = {name: standin.asarray(value) if np.ndim(value) else value for name, value in asked.items()}
    expected, before = planned(asked), standin.seen["waits"]
    found = planned(there)
    assert standin.seen["waits"] == before
    for name, column in found.items():
        np.testing.assert_array_equal(to_host(column), expected[name], err_msg=name)
