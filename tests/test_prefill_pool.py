"""Prompts that are read on accelerators of their own: speed, waiting, fleets of two kinds, what they cost."""

from typing import Any

import numpy as np
import pytest
import standin
from test_load import DEEPSEEK, LLAMA, LLM_COST, SPREAD, TARGETS, computed

from simulate.arrays import to_host
from simulate.errors import SimulateError
from simulate.graph import plan
from simulate.priors import choice, load_priors
from simulate.runs import run

POOL = {"prefill_replica_accelerators": 2.0}
OTHER = {"peak_flops": 300e12, "attention_peak_flops": 150e12, "memory_bandwidth": 1e12, "link_bandwidth": 60e9}
OTHERS = {f"prefill_{name}": value for name, value in {**OTHER, "memory_capacity": 96e9}.items()}
BUSY = {"questions_per_day": 2e7, "regions": 2.0, "spare_replicas": 1.0, "capacity_margin": 1.2, "spare_share": 0.05}
PRICES = {
    "accelerators_per_server": 8.0,
    "servers_per_rack": 4.0,
    "server_price": 250e3,
    "server_power": 10.0,
    "other_it_power_share": 0.08,
    "network_share_of_it": 0.15,
    "other_it_share": 0.05,
    "facility_price": 12e3,
    "pue": 1.2,
    "busy_load": 0.7,
    "idle_load": 0.25,
    "electricity_price": 0.08,
    "maintenance_rate": 0.05,
    "staff_cost": 0.0,
    "facility_opex_price": 30.0,
    "colocation_price": 150.0,
    "it_lifetime": 5.0,
    "facility_lifetime": 15.0,
    "discount_rate": 0.08,
    "residual_value_share": 0.1,
    "cloud_price_reserved": 2.0,
    "cloud_price_on_demand": 3.0,
}
CHEAP = {"server_price": 90e3, "server_power": 6.0, "cloud_price_reserved": 0.8, "cloud_price_on_demand": 1.1}
CHEAPER = {f"prefill_{name}": value for name, value in CHEAP.items()}


def test_a_pool_reads_a_prompt_as_a_replica_of_its_accelerators_does() -> None:
    same, alone = computed({**LLAMA, **POOL}, "prefill_pool_seconds", "prefill_seconds")
    assert same == pytest.approx(1.1 * computed({**LLAMA, "replica_accelerators": 2.0}, "prefill_seconds"), rel=1e-14)
    assert alone == computed(LLAMA, "prefill_seconds")
    on_them = computed({**DEEPSEEK, **OTHER, "replica_accelerators": 16.0}, "prefill_seconds")
    pool = {**DEEPSEEK, **OTHERS, "prefill_replica_accelerators": 16.0}
    assert computed(pool, "prefill_pool_seconds") == pytest.approx(1.1 * on_them, rel=1e-14)
    wide = computed({**DEEPSEEK, "replica_accelerators": 16.0, "link_domain": 64.0}, "prefill_seconds")
    pool = {**DEEPSEEK, "prefill_replica_accelerators": 16.0, "prefill_link_domain": 64.0}
    assert computed(pool, "prefill_pool_seconds") == pytest.approx(1.1 * wide, rel=1e-14)


def test_a_pool_whose_memory_does_not_hold_the_weights_reads_nothing() -> None:
    given = {**LLAMA, **POOL, "prefill_memory_capacity": np.array([39e9, 40e9])}  # 70.55 GB in 0.9 of two
    np.testing.assert_array_equal(np.isnan(computed(given, "prefill_pool_seconds")), [True, False])


def test_who_writes_reads_no_prompts_and_a_first_token_comes_by_way_of_the_pool() -> None:
    given = {**LLAMA, **POOL, "batch_size": 40.0, "arrivals_per_replica": 2.0, "prefill_utilization": 0.6}
    decode, step, share = computed(given, "decode_seconds", "step_seconds", "prompt_share_of_time")
    assert (step, share) == (decode, 0)
    assert computed(given, "input_share_of_time") == pytest.approx(0, abs=1e-15)
    service, moved = computed(given, "prefill_pool_seconds", "transfer_seconds")
    assert moved == pytest.approx(1_500 * 2 * 80 * 8 * 128 * 2 / (2 * 50e9), rel=1e-14)
    names = ["prompt_queue_seconds", "prompt_queue_seconds_p99", "undisturbed_step_seconds", "time_to_first_token"]
    mean, late, written, first = computed(given, *names)
    assert mean == pytest.approx(service * 0.6 / (2 * 0.4))  # M/D/1
    assert late == pytest.approx(service / (2 * 0.4) * np.log(0.6 / 0.01))
    assert first == pytest.approx(mean + service + moved + written / 2 + 0.064, rel=1e-14)
    narrow = {**given, "prefill_replica_accelerators": 8.0, "transfer_bandwidth": 10e9}
    assert computed(narrow, "transfer_seconds") == pytest.approx(moved * 2 * 50 / (4 * 10), rel=1e-14)
    token = {**given, "time_per_output_token": computed(given, "time_per_output_token")}
    assert token["time_per_output_token"] == pytest.approx(written, rel=1e-14)


@pytest.mark.parametrize("beside", [{}, OTHERS, {"draft_tokens": 1.0, "draft_acceptance": 0.9}])
def test_two_speeds_say_how_many_accelerators_read_for_one_that_writes(beside: dict[str, float]) -> None:
    given = {**LLAMA, **POOL, **beside, "batch_size": 40.0, "prefill_utilization_target": 0.5}
    names = ["prefill_pool_seconds", "step_seconds", "acceptance_length", "prefill_accelerators_share"]
    reading, step, length, share = computed(given, *names)
    writing = 4 * 300 / length * step * 1.1 / 40
    assert share == pytest.approx(2 * reading / 0.5 / writing, rel=1e-12)
    seconds, throughput = computed(given, "seconds_per_token", "output_throughput_per_accelerator")
    assert seconds == pytest.approx((2 * reading + writing) / 300, rel=1e-12)
    assert throughput == pytest.approx(300 / (2 * reading / 0.5 + writing), rel=1e-12)


def test_both_pools_are_whole_replicas() -> None:
    given = {**LLAMA, **POOL, **BUSY, **TARGETS, "questions_per_day": np.geomspace(1e3, 1e8, 40)}
    given["time_to_first_token_target"] = 2.0
    names = ["prefill_accelerators_busy", "accelerators_busy", "prefill_accelerators", "accelerators", "replicas"]
    reading, busy, pool, both, replicas = computed(given, *names)
    installed = 1.8 * 1.2 * 1.05
    np.testing.assert_array_equal(pool, 4 * (np.ceil(reading * installed / 0.7 / 4) + 1))
    np.testing.assert_array_equal(both - pool, 8 * (np.ceil((busy - reading) * installed / 8) + 1))
    np.testing.assert_array_equal(replicas, (both - pool) / 4)
    used, share, met = computed(given, "prefill_utilization", "utilization", "targets_met")
    np.testing.assert_allclose(used, reading * 1.8 / pool)
    assert (used < 0.7).all()
    np.testing.assert_allclose(share, busy / both)
    assert (met == 1).all()
    hourly, of_pool = computed(given, "accelerators_on_demand", "prefill_accelerators_on_demand")
    np.testing.assert_array_equal(of_pool, 4 * (np.ceil(reading * 1.2 / 0.7 / 4) + 1))
    np.testing.assert_array_equal(hourly - of_pool, 8 * (np.ceil((busy - reading) * 1.2 / 8) + 1))


@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_a_pool_of_nothing_changes_no_bit(apart: float) -> None:
    names = ["seconds_per_token", "batch_size", "batch_at_peak", "time_to_first_token", "time_to_first_token_p99"]
    names += ["accelerators", "own_cost_per_year", "rent_reserved_per_year", "input_cost_per_1m_tokens", "replicas"]
    given = {**LLAMA, **BUSY, **PRICES, "prompts_apart": apart, "output_tokens": np.linspace(50, 900, 7)}
    with_none = computed({**given, "prefill_replica_accelerators": 0.0}, *names)
    for one, other in zip(with_none, computed(given, *names), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_pool_that_takes_no_time_leaves_the_fleet_that_writes() -> None:
    given = {**LLAMA, **POOL, **BUSY, **PRICES, **TARGETS, "prefill_pool_seconds": 0.0}
    names = ["accelerators", "prefill_accelerators", "prefill_servers", "prefill_share_of_cost", "seconds_per_token"]
    both, pool, servers, share, seconds = computed(given, *names)
    assert (pool, servers, share) == (0, 0, 0)
    assert both == 8 * (np.ceil(2e7 * 300 * seconds / 86_400 * 1.8 * 1.2 * 1.05 / 8) + 1)


def test_each_pool_has_its_own_prices_and_power() -> None:
    given = {**LLAMA, **POOL, **OTHERS, **BUSY, **PRICES, **CHEAPER, "prefill_accelerators_per_server": 4.0}
    pool, both, servers, of_pool = computed(given, "prefill_accelerators", "accelerators", "servers", "prefill_servers")
    writing = np.ceil((both - pool) / 8)
    assert of_pool == np.ceil(pool / 4) > 10
    assert servers == writing + of_pool
    names = ["server_capex", "nameplate_power", "rent_reserved_per_year", "fleet_peak_flops"]
    capex, power, rent, peak = computed(given, *names)
    assert capex == writing * 250e3 + of_pool * 90e3
    assert power == pytest.approx((writing * 10 + of_pool * 6) * 1.08)
    assert rent == pytest.approx(((both - pool) * 2 + pool * 0.8) * 8_760)
    assert peak == pytest.approx((both - pool) * 1_979e12 + pool * 300e12)
    hourly, of_pool = computed(given, "accelerators_on_demand", "prefill_accelerators_on_demand")
    spent = computed(given, "rent_on_demand_per_year")
    assert spent == pytest.approx(((hourly - of_pool) * 3 + of_pool * 1.1) * 8_760)


COSTS = ["input_cost_per_1m_tokens", "cached_input_cost_per_1m_tokens", "output_cost_per_1m_tokens"]


@pytest.mark.parametrize("paid", ["own_cost_per_day", "rent_reserved_per_day", "rent_on_demand_per_day", ""])
def test_three_costs_times_their_tokens_are_the_cost_of_both_pools(paid: str) -> None:
    given: dict[str, Any] = {**LLAMA, **SPREAD, **POOL, **OTHERS, **BUSY, **PRICES, **CHEAPER}
    given |= {"time_to_first_token_target": 86_400.0, "time_per_output_token_target": 86_400.0}
    del given["arrivals_per_replica"]
    every = {**LLM_COST}
    if paid:
        every["cost_per_day"] = LLM_COST["cost_per_day"].__class__(
            "cost_per_day", "USD/day", "Cost per day.", lambda rent: rent, (paid,)
        )
    else:
        given["cost_per_day"] = 1_000.0
    names = [*COSTS, "cost_per_day", "prefill_share_of_cost", "prefill_accelerators_share"]
    found = plan(every, given, names)(given)
    costs = np.array([found[name] for name in COSTS])
    assert (costs > 0).all()
    read = given["output_tokens"] * given["input_to_output_ratio"]
    cached = read * given["prompt_cache_hit_rate"]
    tokens = np.array([read - cached, cached, given["output_tokens"]]) * 2e7 / 1e6
    np.testing.assert_allclose((costs * tokens).sum(axis=0), found["cost_per_day"], rtol=1e-12)
    share = found["prefill_share_of_cost"]
    if not paid:  # nothing says what either pool costs
        np.testing.assert_allclose(share, 1 - 1 / (1 + np.asarray(found["prefill_accelerators_share"])), rtol=1e-12)
    if paid == "rent_reserved_per_day":
        pool = computed(given, "prefill_accelerators")
        np.testing.assert_allclose(costs[0] * tokens[0], pool * 0.8 * 24, rtol=1e-9)


def test_a_device_computes_a_pool_as_the_host_does() -> None:
    asked: dict[str, Any] = {**LLAMA, **SPREAD, **POOL, **OTHERS, **BUSY, **PRICES, **CHEAPER}
    del asked["arrivals_per_replica"]
    names = ["accelerators", "time_to_first_token_p99", "prefill_share_of_cost", "own_cost_per_year", *COSTS]
    planned = plan(LLM_COST, asked, names)
    there = {name: standin.asarray(value) if np.ndim(value) else value for name, value in asked.items()}
    expected, before = planned(asked), standin.seen["waits"]
    found = planned(there)
    assert standin.seen["waits"] == before
    for name, column in found.items():
        np.testing.assert_array_equal(to_host(column), expected[name], err_msg=name)


# By the catalog

HELD = ("replica_accelerators", "serving_model_error", "matrix_utilization", "layer_latency", "allreduce_latency")
SHAPE = ("parameters_active", "layers", "heads", "kv_heads", "head_dim", "output_tokens", "input_to_output_ratio")
STATED = [*HELD, *SHAPE, "peak_to_average", "capacity_margin", "spare_share"]
NAMED = """accelerator = "H100"
prefill_accelerator = "MI300X"
precision = "FP8"
[priors]
prefill_replica_accelerators = { value = 2 }
questions_per_day = { value = 1e6 }
""" + "".join(f"{name} = {{ value = {LLAMA[name]!r} }}\n" for name in STATED)


def values(priors: Any) -> dict[str, float]:
    return {
        name: float(prior.distribution.quantile(0.5))
        for name, prior in priors.priors.items()
        if name.startswith("prefill_")
    }


def test_a_pool_has_the_figures_of_the_accelerator_that_is_named() -> None:
    found = values(load_priors(NAMED))
    assert found["prefill_peak_flops"] == 2_615e12
    assert found["prefill_attention_peak_flops"] == 1_307e12
    assert found["prefill_memory_capacity"] == 192e9
    assert found["prefill_memory_bandwidth"] == 5.3e12
    alone = load_priors(NAMED).priors
    assert alone["peak_flops"].distribution.quantile(0.5) == 1_979e12
    assert values(load_priors(NAMED, ['precision="BF16"']))["prefill_peak_flops"] == 1_307e12
    assert values(load_priors(NAMED, ['prefill_accelerator="H100"']))["prefill_peak_flops"] == 1_979e12
    stated = load_priors(NAMED, ["prefill_peak_flops=1e15"])
    assert values(stated)["prefill_peak_flops"] == 1e15
    without = NAMED.replace('precision = "FP8"\n', "")
    assert values(load_priors(without))["prefill_peak_flops"] == 1_307e12
    assert values(load_priors(without))["prefill_attention_peak_flops"] == 1_307e12
    assert "prefill_peak_flops" not in load_priors(NAMED.replace('prefill_accelerator = "MI300X"\n', "")).priors


def test_a_choice_may_name_the_accelerator_of_its_pool() -> None:
    text = NAMED.replace('prefill_accelerator = "MI300X"\n', "")
    priors = load_priors(f'{text}\n[choices.cheap]\nprefill_accelerator = "L40S"\n[choices.same]\nlabel = "Same"\n')
    assert values(choice(priors, "cheap"))["prefill_memory_capacity"] == 48e9
    assert "prefill_memory_capacity" not in values(choice(priors, "same"))


def test_what_the_catalog_does_not_know_of_a_pool_is_told() -> None:
    asked = ["rent_reserved_per_year"]
    text = NAMED.replace("MI300X", "L40S")
    lack = "prefill_cloud_price_reserved: the catalog has none of the L40S, so that of"
    (line,) = [line for line in run(load_priors(text), scenarios=64, quantities=asked).warnings if "L40S" in line]
    assert line == f"{lack} the other accelerators stands; state it"
    other = load_priors(NAMED.replace("MI300X", "H100"), ['prefill_accelerator="L40S"'])
    (line,) = [line for line in run(other, scenarios=64, quantities=asked).warnings if "L40S" in line]
    assert line == (
        "prefill_cloud_price_reserved: prefill_accelerator H100 states it for the H100 SXM5, and the L40S of "
        "--set 'prefill_accelerator=\"L40S\"' does not change it; state it for the L40S, or by a formula"
    )
    stated = load_priors(text, ["prefill_cloud_price_reserved=0.5"])
    assert "L40S" not in str(run(stated, scenarios=64, quantities=asked).warnings)
    told = load_priors(NAMED, ['prefill_accelerator="A100 80GB"']).warnings["prefill_peak_flops"]
    assert told == "prefill_peak_flops: the catalog has no peak of the A100 80GB in FP8, so it computes in BF16"


def test_an_accelerator_without_a_pool_and_an_unknown_one_are_refused() -> None:
    none = NAMED.replace("prefill_replica_accelerators", "# ")
    fault = (
        "<text>:2: prefill_accelerator: is for a pool that reads prompts apart, and there is none; add "
        "[priors.prefill_replica_accelerators], or take it out"
    )
    with pytest.raises(SimulateError) as refused:
        load_priors(none)
    assert str(refused.value) == fault
    together = '[choices.together]\nlabel = "Together"\n'
    apart = '[choices.apart.priors.prefill_replica_accelerators]\nvalue = 2\nunit = "1"\n'
    assert values(choice(load_priors(none + apart), "apart"))["prefill_memory_capacity"] == 192e9
    with pytest.raises(SimulateError, match="prefill_accelerator: is for a pool"):
        load_priors(none + apart + together)
    off = '[choices.together.priors.prefill_replica_accelerators]\nvalue = 0\nunit = "1"\n'
    assert load_priors(none + apart + off).choices.keys() >= {"apart", "together"}
    with pytest.raises(SimulateError, match=r'prefill_accelerator: there is no accelerator "MI3" in the catalog'):
        load_priors(NAMED, ['prefill_accelerator="MI3"'])
