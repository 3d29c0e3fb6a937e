from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from itertools import pairwise
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
import pint
import pytest

from simulate.errors import SimulateError
from simulate.graph import Quantity, Unit, Values, missing, plan, quantities_of
from simulate.model import HEADLINE, notation, quantities
from simulate.units import BASE, DERIVED, measure

LLM_COST = quantities("llm_cost")
COMPUTED = [name for name, quantity in LLM_COST.items() if quantity.function]

# The names that priors files, reports and other people's formulas rely on.
CONTRACT = [
    "visitors_per_day",
    "questions_per_visitor",
    "output_tokens",
    "input_to_output_ratio",
    "input_tokens",
    "prompt_cache_hit_rate",
    "questions_per_day",
    "output_tokens_per_day",
    "tokens_per_day",
    "accelerator_seconds_per_question",
    "seconds_per_token",
    "prefill_seconds",
    "memory_time",
    "compute_time",
    "step_seconds",
    "weight_bytes_read",
    "kv_bytes_per_token",
    "replica_accelerators",
    "batch_size",
    "peak_flops",
    "mfu_prefill",
    "mfu_decode",
    "memory_bandwidth",
    "bandwidth_utilization_decode",
    "memory_capacity",
    "layers",
    "heads",
    "kv_heads",
    "head_dim",
    "layer_latency",
    "allreduce_latency",
    "serving_model_error",
    "output_speed",
    "serving_mfu",
    "bytes_per_parameter",
    "parameters_active",
    "parameters_total",
    "accelerators_busy",
    "accelerators",
    "utilization",
    "peak_to_average",
    "capacity_margin",
    "spare_share",
    "servers",
    "racks",
    "accelerators_per_server",
    "servers_per_rack",
    "fleet_peak_flops",
    "server_capex",
    "server_price",
    "network_capex",
    "network_share_of_it",
    "other_it_capex",
    "other_it_share",
    "it_capex",
    "facility_capex",
    "server_power",
    "facility_price",
    "colocated_share",
    "capex",
    "power_load_factor",
    "idle_load",
    "busy_load",
    "power",
    "pue",
    "energy_per_day",
    "electricity_cost_per_day",
    "electricity_price",
    "energy_per_question",
    "opex_per_year",
    "maintenance_cost",
    "maintenance_rate",
    "facility_opex",
    "facility_opex_price",
    "colocation_cost",
    "colocation_price",
    "staff_cost",
    "discount_rate",
    "own_cost_per_year",
    "residual_value_share",
    "it_lifetime",
    "facility_lifetime",
    "own_cost_per_day",
    "own_cost_per_accelerator_hour",
    "cloud_price_reserved",
    "cloud_price_on_demand",
    "rent_reserved_per_year",
    "rent_on_demand_per_year",
    "rent_reserved_per_day",
    "rent_on_demand_per_day",
    "break_even_utilization",
    "cost_per_question",
    "cost_per_1k_output_tokens",
    "cost_per_1k_tokens",
    "cost_per_visitor_month",
    "rent_reserved_per_question",
    "rent_reserved_per_1k_output_tokens",
    "rent_reserved_per_1k_tokens",
    "rent_reserved_per_visitor_month",
    "rent_on_demand_per_question",
    "rent_on_demand_per_1k_output_tokens",
    "rent_on_demand_per_1k_tokens",
    "rent_on_demand_per_visitor_month",
    "training_flop",
    "training_tokens",
    "mfu_end_to_end",
    "mfu_step",
    "training_overhead",
    "training_peak_flops",
    "training_accelerator_hours",
    "training_cost",
    "training_price",
    "training_energy",
    "training_days",
    "training_accelerators",
    "development_cost",
    "experiments_multiplier",
    "training_cost_share_of_capex",
    "company_capex_per_year",
]

# The note of 12 February 2023, with what it leaves out at its neutral value.
NOTE = {
    "visitors_per_day": 25e6,
    "questions_per_visitor": 10.0,
    "output_tokens": 30.0,
    "seconds_per_token": 0.350,
    "peak_to_average": 1.0,
    "capacity_margin": 1.0,
    "spare_share": 0.0,
    "accelerators_per_server": 8.0,
    "servers_per_rack": 7.0,
    "server_power": 6.5,
    "server_price": 199_000.0,
    "network_share_of_it": 0.0,
    "other_it_share": 0.0,
    "facility_price": 0.0,
    "idle_load": 1.0,
    "busy_load": 1.0,
    "pue": 1.0,
    "electricity_price": 0.08,
    "parameters_active": 175e9,
    "peak_flops": 312e12,
    "training_tokens": 300e9,
    "training_peak_flops": 275e12,
    "mfu_end_to_end": 0.462,
    "training_price": 2.03,
}

# GPT-3 as FasterTransformer serves it on eight A100s of 80 GB; utilizations and latencies as measured on
# A100s with that generation of software (layer 95 us, 85 us for each doubling of the replica).
GPT_3_ON_8_A100 = {
    "parameters_active": 175e9,
    "layers": 96.0,
    "heads": 96.0,
    "head_dim": 128.0,
    "bytes_per_parameter": 2.0,
    "replica_accelerators": 8.0,
    "peak_flops": 312e12,
    "memory_bandwidth": 2.039e12,
    "memory_capacity": 80e9,
    "bandwidth_utilization_decode": 0.72,
    "mfu_decode": 0.44,
    "mfu_prefill": 0.55,
    "layer_latency": 95e-6,
    "allreduce_latency": 85e-6,
}

DEEPSEEK_V3 = {
    **GPT_3_ON_8_A100,
    "parameters_total": 671e9,
    "parameters_active": 37e9,
    "layers": 61.0,
    "heads": 128.0,
    "head_dim": 128.0,
    "latent_dim": 512.0,
    "rope_dim": 64.0,
    "experts": 256.0,
    "experts_active": 8.0,
    "bytes_per_parameter": 1.0,
    "memory_capacity": 141e9,
    "input_to_output_ratio": 3.0,
    "output_tokens": 400.0,
}


def computed(given: Mapping[str, Values], *names: str) -> Any:
    outputs = plan(LLM_COST, given, names)(given)
    return outputs[names[0]] if len(names) == 1 else tuple(outputs[name] for name in names)


# Where values of about 1 do not go with the others.
POSSIBLE = {
    "experts": (4.0, 8.0),
    "batch_size_in_memory": (1.0, 9.0),
    "batch_limit": (1.0, 9.0),
    "arrivals_per_replica": (1e-3, 2e-3),
    "time_to_first_token_target": (1e3, 2e3),
    "time_per_output_token_target": (1e3, 2e3),
}


def drawn(quantity: Quantity, size: int, seed: int) -> np.ndarray:
    """Values that are possible for the quantity."""
    lower = max(quantity.lower, 0.1)
    lower, upper = POSSIBLE.get(quantity.name, (lower, min(quantity.upper, lower + 2)))
    values = np.random.default_rng([seed, *quantity.name.encode()]).uniform(lower, upper, size)
    if quantity.default is not None:
        values[0] = quantity.default  # a dense model, plain attention
    return values


# Names, labels, units


def test_the_contract_names_are_there() -> None:
    assert [name for name in CONTRACT if name not in LLM_COST] == []


def test_the_headline_is_computed() -> None:
    assert set(HEADLINE) >= {"capex", "opex_per_year", "training_cost"}
    assert [name for name in HEADLINE if not LLM_COST[name].function] == []


def test_there_is_a_model_without_quantities_and_no_other() -> None:
    assert quantities("none") == {}
    with pytest.raises(SimulateError, match="there is no model 'llm'; models are llm_cost, none"):
        quantities("llm")


@pytest.mark.parametrize("name", LLM_COST)
def test_each_quantity_says_what_it_is(name: str) -> None:
    quantity = LLM_COST[name]
    opening, colon, rest = quantity.definition.splitlines()[0].partition(":")
    assert colon
    assert rest.strip()
    assert quantity.label == opening
    assert len(quantity.label) <= 40
    assert measure(quantity.unit)


def test_labels_tell_quantities_apart() -> None:
    assert len({quantity.label for quantity in LLM_COST.values()}) == len(LLM_COST)


def test_defaults_are_possible() -> None:
    for quantity in LLM_COST.values():
        if quantity.default is not None:
            assert quantity.lower <= quantity.default <= quantity.upper


def test_totals_are_the_plain_sum_of_what_they_need() -> None:
    totals = [quantity for quantity in LLM_COST.values() if quantity.is_total]
    assert {"capex", "it_capex", "opex_per_year", "own_cost_per_year"} <= {quantity.name for quantity in totals}
    for quantity in totals:
        parts = [drawn(LLM_COST[need], 3, seed=1) for need in quantity.needs]
        np.testing.assert_allclose(quantity.function(*parts), np.sum(parts, axis=0), rtol=1e-15)  # type: ignore[misc]


# Units of the equations


@pytest.fixture(scope="module")
def registry() -> pint.UnitRegistry[Any]:
    made = pint.UnitRegistry(None, cache_folder=None)
    for base in BASE:
        made.define(f"{base} = [{base}]")
    for name, (count, of) in DERIVED.items():
        if name != "%":
            made.define(f"{name} = {float(count)!r}" + ("" if of == "1" else f" * {of}"))
    return made


def with_units(monkeypatch: pytest.MonkeyPatch, registry: Any, *modules: ModuleType) -> None:
    """Replace the constants of modules of the model by pint quantities."""
    for name, hint in get_type_hints(notation, include_extras=True).items():
        unit = next(mark.name for mark in hint.__metadata__ if isinstance(mark, Unit))
        measured = registry.Quantity(getattr(notation, name), unit)
        for module in modules:
            if module is not notation and hasattr(module, name):
                monkeypatch.setattr(module, name, measured)


def check_units(
    quantity: Quantity, every: Mapping[str, Quantity], registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The equation's value in the declared unit is that of the plain numbers: no conversion is left out."""
    assert quantity.function
    arguments = [drawn(every[need], 5, seed=2) for need in quantity.needs]
    expected = quantity.function(*arguments)
    assert np.isfinite(expected).all()
    own = inspect.getmodule(quantity.function)
    of_model = [module for name, module in sys.modules.items() if name.startswith("simulate.model.")]
    with_units(monkeypatch, registry, *{*of_model, own})  # type: ignore[arg-type]
    measured = [
        registry.Quantity(values, every[need].unit) for need, values in zip(quantity.needs, arguments, strict=True)
    ]
    result = registry.Quantity(1, "1") * quantity.function(*measured)
    assert registry.Quantity(1.0, result.units).m_as(quantity.unit) == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(result.m_as(quantity.unit), expected, rtol=1e-12)


@pytest.mark.parametrize("name", COMPUTED)
def test_each_equation_is_in_the_unit_that_it_declares(
    name: str, registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_units(LLM_COST[name], LLM_COST, registry, monkeypatch)


def test_every_constant_has_a_unit() -> None:
    constants = {name for name, value in vars(notation).items() if isinstance(value, float)}
    assert constants == set(get_type_hints(notation, include_extras=True))


@pytest.mark.parametrize(
    "equation",
    [
        "power * 3600",  # hours taken for seconds
        "power * HOURS_PER_DAY * WH_PER_KWH",  # kWh taken for Wh
        "power * HOURS_PER_YEAR",  # a year taken for a day
        "power",  # the dimension alone is right: kW is kWh/h
    ],
)
def test_a_slip_of_units_is_caught(equation: str, registry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slipped = ModuleType("slipped")
    monkeypatch.setitem(sys.modules, "slipped", slipped)
    source = "from simulate.graph import *\nfrom simulate.model.notation import *\n"
    source += "power = parameter('kW', 'Power: drawn.', lower=0)\n"
    source += f"def energy(power: Array) -> KWH_PER_DAY:\n    'Energy: of a day.'\n    return {equation}\n"
    exec(source, slipped.__dict__)
    every = quantities_of([slipped])
    with pytest.raises((AssertionError, pint.DimensionalityError)):
        check_units(every["energy"], every, registry, monkeypatch)


# Columns and numbers


@pytest.mark.parametrize("name", COMPUTED)
def test_a_column_is_computed_as_its_numbers_are(name: str) -> None:
    quantity = LLM_COST[name]
    assert quantity.function
    columns = [drawn(LLM_COST[need], 4, seed=3) for need in quantity.needs]
    column = quantity.function(*columns)
    for index in range(4):
        single = quantity.function(*[float(values[index]) for values in columns])
        assert isinstance(single, float)  # numpy's float64 is one
        # exp and pow may differ in the last place between numpy's loops
        assert single == pytest.approx(column[index], rel=1e-14)


# What everybody knows of the results


def test_every_quantity_of_the_note_follows() -> None:
    assert computed(NOTE, "accelerators") == pytest.approx(30_381.9, abs=0.05)
    assert computed(NOTE, "accelerators") * 24 == pytest.approx(729_167, abs=0.5)
    assert computed(NOTE, "servers") == 3_798
    assert computed(NOTE, "racks") == 543
    assert computed(NOTE, "questions_per_day") == 250e6
    assert computed(NOTE, "utilization") == pytest.approx(1, rel=1e-15)
    assert computed(NOTE, "capex") == 3_798 * 199_000
    assert computed(NOTE, "serving_mfu") == pytest.approx(0.0032, abs=5e-5)
    # the note's racks, truncated, draw what it says
    assert computed({**NOTE, "power": 542 * 45.5}, "energy_per_day") == pytest.approx(591_864, rel=1e-15)
    assert computed({**NOTE, "power": 542 * 45.5}, "electricity_cost_per_day") == pytest.approx(47_349, abs=0.5)


@pytest.mark.parametrize(
    ("parameters", "tokens", "cost", "digit"),
    [(175e9, 300e9, 1.398e6, 500), (280e9, 300e9, 2.237e6, 500), (540e9, 780e9, 11.22e6, 5_000)],
)
def test_training_costs_what_the_note_says(parameters: float, tokens: float, cost: float, digit: float) -> None:
    given = {**NOTE, "parameters_active": parameters, "training_tokens": tokens}
    assert computed(given, "training_cost") == pytest.approx(cost, abs=digit)


def test_palm_at_its_step_mfu_is_the_notes_and_not_what_it_took() -> None:
    palm = {"parameters_active": 540.35e9, "training_tokens": 780e9, "training_peak_flops": 275e12}
    at_step_mfu = computed({**palm, "mfu_step": 0.462, "training_overhead": 1.0}, "training_accelerator_hours")
    assert at_step_mfu == pytest.approx(5.53e6, abs=5e3)
    # 8.405e6 chip-hours at 378.5 W and a PUE of 1.08 (Chowdhery et al., 2022, appendix B)
    took = {"training_accelerator_hours": 8.404992e6, "training_accelerator_power": 0.3785, "pue": 1.08}
    assert computed(took, "training_energy") == pytest.approx(3.436e6, abs=5e2)
    assert computed({**took, "training_accelerators": 6_144.0}, "training_days") == pytest.approx(57.0, abs=0.05)


def test_a_step_mfu_and_its_overhead_or_the_mfu_end_to_end_may_be_given() -> None:
    assert computed({"mfu_step": 0.45, "training_overhead": 1.5}, "mfu_end_to_end") == pytest.approx(0.3)
    assert computed({"mfu_end_to_end": 0.37}, "mfu_end_to_end") == 0.37


def test_semianalysis_fleet_and_rent_follow() -> None:
    given = {
        "visitors_per_day": 13e6,
        "questions_per_visitor": 15.0,
        "output_tokens": 2_000.0,
        "seconds_per_token": 1 / 312,
        "peak_to_average": 2.0,
        "capacity_margin": 1.0,
        "spare_share": 0.0,
        "accelerators_per_server": 8.0,
        "cloud_price_reserved": 1.0,
    }
    assert computed(given, "accelerators") == pytest.approx(28_935, abs=0.5)
    assert computed(given, "servers") * 8 == 28_936
    assert computed(given, "rent_reserved_per_day") == pytest.approx(694_444, abs=0.5)
    assert computed(given, "rent_reserved_per_question") == pytest.approx(0.0036, abs=5e-5)


def test_goldsteins_rent_follows() -> None:
    given = {
        "visitors_per_day": 1e6,
        "questions_per_visitor": 10.0,
        "output_tokens": 30.0,
        "seconds_per_token": 0.35,
        "capacity_margin": 1.0,
        "cloud_price_on_demand": 3.0,
    }
    assert computed(given, "rent_on_demand_per_day") == pytest.approx(87_500, rel=1e-14)


# Owning and renting


def test_the_annuity_is_the_lenders() -> None:
    # a textbook mortgage: 1,000 at 5 % over 10 years is repaid by 129.50 a year
    assert computed({"discount_rate": 0.05, "it_lifetime": 10.0}, "it_annuity_factor") == pytest.approx(
        0.12950, abs=5e-6
    )
    payments = computed({"discount_rate": 0.09, "facility_lifetime": 15.0}, "facility_annuity_factor")
    assert sum(payments / 1.09**year for year in range(1, 16)) == pytest.approx(1, rel=1e-14)


def test_the_annuity_at_no_interest_is_straight_line_and_continuous() -> None:
    rates = np.array([0.0, 1e-12, 1e-9])
    factors = computed({"discount_rate": rates, "it_lifetime": 4.0}, "it_annuity_factor")
    assert factors[0] == 0.25
    np.testing.assert_allclose(factors, 0.25, rtol=3e-9)


def test_what_is_recovered_in_full_costs_its_interest() -> None:
    given = {"it_capex": 1e6, "discount_rate": 0.08, "it_lifetime": 5.0, "residual_value_share": 1.0}
    assert computed(given, "it_cost_per_year") == pytest.approx(0.08e6, rel=1e-13)


def test_owning_breaks_even_where_its_price_is_the_rent() -> None:
    given = {**NOTE, "own_cost_per_year": 2e8, "cloud_price_on_demand": 3.0}
    at_break_even = computed(given, "break_even_utilization")
    rent = at_break_even * computed(given, "accelerators") * 8_760 * 3.0
    assert rent == pytest.approx(2e8, rel=1e-14)


def test_unit_costs_follow_the_way_that_serving_is_paid_for() -> None:
    given = {**NOTE, "own_cost_per_year": 365e6, "cloud_price_reserved": 1.5}
    owned, per_token, per_month = computed(
        given, "cost_per_question", "cost_per_1k_output_tokens", "cost_per_visitor_month"
    )
    assert owned == pytest.approx(1e6 / 250e6)
    assert per_token == pytest.approx(owned / 30 * 1_000)
    assert per_month == pytest.approx(owned * 10 * 365 / 12)
    rented = computed(given, "rent_reserved_per_day")
    assert computed({**given, "cost_per_day": rented}, "cost_per_question") == computed(
        given, "rent_reserved_per_question"
    )


# Roofline


@pytest.mark.parametrize(
    ("batch", "prompt", "answer", "milliseconds"),
    [(1, 128, 8, 488.86), (32, 128, 8, 1547.44), (1, 512, 32, 1719.96), (16, 512, 32, 3706.23)],
)
def test_the_roofline_meets_faster_transformer(batch: float, prompt: float, answer: float, milliseconds: float) -> None:
    # NVIDIA, FasterTransformer, docs/gpt_guide.md: GPT-175B, FP16, 8 A100 of 80 GB. The utilizations above
    # are those of A100s in general, not a fit to these rows: a factor of 1.5 is what they promise.
    given = {**GPT_3_ON_8_A100, "batch_size": batch, "input_to_output_ratio": prompt / answer, "output_tokens": answer}
    latency = computed(given, "accelerator_seconds_per_question") * batch / 8
    assert 1 / 1.5 < latency / (milliseconds / 1_000) < 1.5


def test_the_roofline_takes_the_wall_it_hits() -> None:
    given = {**GPT_3_ON_8_A100, "input_to_output_ratio": 1.0, "output_tokens": 200.0, "memory_capacity": 8e12}
    batches = np.array([1.0, 16.0, 512.0, 4_096.0])
    memory, compute, step = computed({**given, "batch_size": batches}, "memory_time", "compute_time", "step_seconds")
    assert (memory[:2] > compute[:2]).all()
    latency = 96 * (95e-6 + 85e-6 * 3)
    np.testing.assert_allclose(step, np.maximum(memory, compute) + latency, rtol=1e-15)
    # without the latency and with a cheap cache, arithmetic is the wall of large batches
    cheap = {**given, "kv_bytes_per_value": 0.0, "batch_size": batches}
    memory, compute = computed(cheap, "memory_time", "compute_time")
    assert compute[-1] > memory[-1]


def test_gpt_3_caches_what_its_shape_says() -> None:
    # 2 x 96 layers x 12,288 channels x 2 bytes
    assert computed(GPT_3_ON_8_A100, "kv_bytes_per_token") == 4_718_592
    grouped = {**GPT_3_ON_8_A100, "kv_heads": 8.0}
    assert computed(grouped, "kv_bytes_per_token") == 4_718_592 / 12
    assert computed(GPT_3_ON_8_A100, "attention_flop_prefill", "attention_flop_decode") == (4 * 96 * 12_288,) * 2


def test_latent_attention_caches_576_values_a_layer() -> None:
    assert computed(DEEPSEEK_V3, "kv_bytes_per_token") == 576 * 61 * 2  # 70 kB (DeepSeek-AI, 2024)
    assert computed(DEEPSEEK_V3, "attention_flop_decode") == 2 * 61 * 128 * 1_088
    assert computed(DEEPSEEK_V3, "attention_flop_prefill") == 2 * 61 * 128 * 320


def test_a_batch_touches_experts_as_even_routing_does() -> None:
    batches = np.array([1.0, 2.0, 64.0, 1e4])
    read = computed({**DEEPSEEK_V3, "batch_size_in_memory": batches}, "weight_bytes_read")
    routed = (671e9 - 37e9) / (1 - 8 / 256)
    touched = 1 - (1 - 8 / 256) ** batches
    np.testing.assert_allclose(read, 671e9 - routed + routed * touched, rtol=1e-12)
    assert read[0] == pytest.approx(37e9)
    assert read[-1] == pytest.approx(671e9)
    # counted: 8 distinct experts of 256 for each of 64 tokens
    draw = np.random.default_rng(4)
    seen = [np.unique(np.argsort(draw.random((64, 256)), axis=1)[:, :8]).size / 256 for _ in range(200)]
    assert np.mean(seen) == pytest.approx(touched[2], abs=4 * np.std(seen) / 200**0.5)


def test_a_dense_model_reads_all_its_weights_whatever_the_batch() -> None:
    batches = np.array([1.0, 7.0, 100.0])
    read = computed({**GPT_3_ON_8_A100, "batch_size_in_memory": batches}, "weight_bytes_read")
    np.testing.assert_array_equal(read, 350e9)


def test_memory_bounds_the_batch_and_says_so() -> None:
    # 0.9 x 8 x 80 GB less 350 GB of weights, for 900 tokens of 4.7 MB each
    given = {**GPT_3_ON_8_A100, "output_tokens": 200.0, "input_to_output_ratio": 4.0}
    limit = (0.9 * 640e9 - 350e9) / (900 * 4_718_592)
    batches = np.array([1.0, 50.0, 54.0, 80.0])
    bound, in_memory, feasible = computed(
        {**given, "batch_size": batches}, "batch_limit", "batch_size_in_memory", "batch_feasible"
    )
    assert bound == pytest.approx(limit)
    np.testing.assert_allclose(in_memory, [1, 50, limit, limit])
    np.testing.assert_array_equal(feasible, [1, 1, 0, 0])


def test_a_replica_that_cannot_hold_the_model_is_not_a_number() -> None:
    given = {**GPT_3_ON_8_A100, "output_tokens": 200.0, "input_to_output_ratio": 4.0, "batch_size": 4.0}
    replicas = np.array([2.0, 4.0, 8.0])
    seconds, feasible = computed({**given, "replica_accelerators": replicas}, "seconds_per_token", "batch_feasible")
    np.testing.assert_array_equal(np.isnan(seconds), [True, True, False])
    np.testing.assert_array_equal(feasible, [0, 0, 1])


def test_a_prompt_cache_spares_prefill_alone() -> None:
    given = {**DEEPSEEK_V3, "batch_size": 32.0}
    hits = np.array([0.0, 0.5, 1.0])
    prefill, step = computed({**given, "prompt_cache_hit_rate": hits}, "prefill_seconds", "step_seconds")
    np.testing.assert_allclose(prefill, prefill[0] * (1 - hits), rtol=1e-15)
    assert np.ndim(step) == 0


def test_output_speed_is_what_a_user_sees() -> None:
    speed = computed({"step_seconds": 0.05}, "output_speed")
    assert speed == 20


def test_larger_batches_cost_less_and_answer_slower() -> None:
    given = {**GPT_3_ON_8_A100, "output_tokens": 200.0, "input_to_output_ratio": 2.0}
    seconds, speed = computed(
        {**given, "batch_size": np.array([1.0, 2.0, 8.0, 32.0])}, "seconds_per_token", "output_speed"
    )
    assert all(later < earlier for earlier, later in pairwise(seconds))
    assert all(later < earlier for earlier, later in pairwise(speed))


def test_seconds_per_token_given_needs_no_roofline() -> None:
    lacking = missing(LLM_COST, NOTE)
    assert "accelerators" not in lacking
    assert "batch_size" in lacking["step_seconds"]


# Limits


def test_facility_and_colocation_are_never_both_paid_for_one_kilowatt() -> None:
    shares = np.array([0.0, 0.3, 1.0])
    given = {
        "nameplate_power": 100.0,
        "facility_price": 10_000.0,
        "facility_opex_price": 40.0,
        "colocation_price": 150.0,
        "colocated_share": shares,
    }
    facility, upkeep, rent = computed(given, "facility_capex", "facility_opex", "colocation_cost")
    np.testing.assert_allclose(facility, 1e6 * (1 - shares))
    np.testing.assert_allclose(upkeep, 48_000 * (1 - shares))
    np.testing.assert_allclose(rent, 180_000 * shares)


def test_utilization_is_what_peak_margin_and_spares_leave() -> None:
    given = {**NOTE, "peak_to_average": 1.6, "capacity_margin": 1.25, "spare_share": 0.0}
    assert computed(given, "utilization") == pytest.approx(0.5)
    assert computed({**given, "idle_load": 0.2, "busy_load": 0.7}, "power_load_factor") == pytest.approx(0.45)


def test_network_is_its_share_of_servers_and_network() -> None:
    servers, network = computed(
        {"servers": 10.0, "server_price": 2e5, "network_share_of_it": 0.2}, "server_capex", "network_capex"
    )
    assert network / (servers + network) == pytest.approx(0.2)
