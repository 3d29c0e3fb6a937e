from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
import pint
import pytest

from simulate.errors import SimulateError
from simulate.graph import Quantity, Unit, Values, missing, plan, quantities_of
from simulate.model import HEADLINE, notation, quantities
from simulate.model.mixing import with_kinds
from simulate.units import BASE, DERIVED, measure

LLM_COST = quantities("llm_cost")
COMPUTED = [name for name, quantity in LLM_COST.items() if quantity.function]
MIX = with_kinds(LLM_COST, {"chat": frozenset({"share"}), "agent": frozenset({"share", "turns_per_session"})})
OF_KINDS = [name for name, each in MIX.items() if each.function and each is not LLM_COST.get(name)]

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
    "decode_seconds",
    "step_seconds",
    "prompt_tokens_per_step",
    "prompts_apart",
    "kv_bytes_per_token",
    "context_tokens",
    "output_tokens_variation",
    "input_tokens_variation",
    "replica_accelerators",
    "batch_size",
    "peak_flops",
    "attention_peak_flops",
    "precision_efficiency",
    "matrix_utilization",
    "attention_utilization",
    "memory_bandwidth",
    "bandwidth_utilization",
    "memory_capacity",
    "batch_limit",
    "batch_size_in_memory",
    "cache_copies",
    "tensor_parallelism",
    "pipeline_stages",
    "link_bandwidth",
    "link_utilization",
    "expert_traffic",
    "layers",
    "heads",
    "kv_heads",
    "head_dim",
    "hidden_dim",
    "expert_parameters",
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

# GPT-3 as FasterTransformer serves it on eight A100s of 80 GB, which reads a batch at once; shares and latencies of
# A100s with that generation of software (layer 60 us, 90 us for each doubling of the replica).
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
    "link_bandwidth": 300e9,
    "matrix_utilization": 0.6,
    "layer_latency": 60e-6,
    "allreduce_latency": 90e-6,
}

DEEPSEEK_V3 = {
    **GPT_3_ON_8_A100,
    "parameters_total": 671e9,
    "parameters_active": 37e9,
    "layers": 61.0,
    "hidden_dim": 7168.0,
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

# Llama 3.3 70B in FP8 on an H200, with the constants of TensorRT-LLM 1.0.
LLAMA_70B_ON_H200 = {
    "parameters_active": 70.55e9,
    "layers": 80.0,
    "heads": 64.0,
    "kv_heads": 8.0,
    "head_dim": 128.0,
    "bytes_per_parameter": 1.0,
    "kv_bytes_per_value": 1.0,
    "replica_accelerators": 1.0,
    "peak_flops": 1979e12,
    "attention_peak_flops": 989e12,
    "memory_bandwidth": 4.8e12,
    "memory_capacity": 141e9,
    "link_bandwidth": 450e9,
    "matrix_utilization": 0.58,
    "layer_latency": 93e-6,
    "allreduce_latency": 41e-6,
    "batch_size": 2048.0,
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
    "memory_capacity": (1e3, 2e3),
    "prefill_memory_capacity": (1e3, 2e3),
    "prefill_replica_accelerators": (4.0, 9.0),
    "largest_replica": (8.0, 64.0),
    "time_to_first_token_target": (1e3, 2e3),
    "time_per_output_token_target": (1e3, 2e3),
    "replica_accelerators": (4.0, 9.0),
    "stage_accelerators": (4.0, 9.0),
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


@pytest.mark.parametrize("name", [name for name in COMPUTED if name != "replica_accelerators"])  # 5 s: it compares
def test_each_equation_is_in_the_unit_that_it_declares(
    name: str, registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_units(LLM_COST[name], LLM_COST, registry, monkeypatch)


@pytest.mark.parametrize("name", OF_KINDS)
def test_each_equation_of_kinds_is_in_the_unit_that_it_declares(
    name: str, registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_units(MIX[name], MIX, registry, monkeypatch)


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


@pytest.mark.parametrize(
    ("every", "name"), [*((LLM_COST, name) for name in COMPUTED), *((MIX, name) for name in OF_KINDS)]
)
def test_a_column_is_computed_as_its_numbers_are(every: Mapping[str, Quantity], name: str) -> None:
    quantity = every[name]
    assert quantity.function
    columns = [drawn(every[need], 4, seed=3) for need in quantity.needs]
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


LLAMA_3 = {  # its shapes by parameters: Grattafiori et al., 2024, arXiv 2407.21783, table 3
    8.03e9: {"layers": 32.0, "heads": 32.0, "head_dim": 128.0},
    70.55e9: {"layers": 80.0, "heads": 64.0, "head_dim": 128.0},
    405.85e9: {"layers": 126.0, "heads": 128.0, "head_dim": 128.0},
}


def training_flop_per_token(parameters: float, context: float) -> float:
    given = {"parameters_active": parameters, "training_tokens": 1.0, "training_context": context}
    return float(computed({**given, **LLAMA_3[parameters]}, "training_flop"))


@pytest.mark.parametrize(
    ("parameters", "context", "share"),
    [(405.85e9, 8_192.0, 0.042), (8.03e9, 8_192.0, 0.134), (405.85e9, 131_072.0, 0.667), (8.03e9, 0.0, 0.0)],
)
def test_attention_in_training_is_a_share_of_what_the_parameters_take(
    parameters: float, context: float, share: float
) -> None:
    """6 layers heads head_dim context over 6 N: 4 % at 405B and 8k, 13 % at 8B, 67 % at 128k."""
    attention = training_flop_per_token(parameters, context) / (6 * parameters) - 1
    assert attention == pytest.approx(share, abs=5e-4)
    shape = LLAMA_3[parameters]
    by_hand = shape["layers"] * shape["heads"] * shape["head_dim"] * context / parameters
    assert attention == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize(
    ("parameters", "tokens_per_second", "tflop_per_second"),
    [(405.85e9, 813, 2_053), (70.55e9, 4_312, 1_937), (8.03e9, 31_508, 1_622)],
)
def test_nvidia_counts_the_same_flop(parameters: float, tokens_per_second: float, tflop_per_second: float) -> None:
    """Megatron-Bridge 25.11 on GB200, contexts of 8,192: its TFLOP/s are its tokens/s, embeddings apart.

    Both are printed to four digits at most: 0.06 % of 813.
    """
    embedding = 128_256 * LLAMA_3[parameters]["heads"] * LLAMA_3[parameters]["head_dim"]
    flop = training_flop_per_token(parameters, 8_192.0) - 6 * embedding
    assert flop * tokens_per_second / 1e12 == pytest.approx(tflop_per_second, rel=1e-3)


def test_palms_two_figures_differ_by_attention_with_its_masked_half() -> None:
    """45.7 % without attention, 46.2 % with all of it (Chowdhery et al., 2022, appendix B)."""
    palm = {"parameters_active": 540.35e9, "training_tokens": 780e9, "training_context": 2_048.0}
    flop = computed({**palm, "layers": 118.0, "heads": 48.0, "head_dim": 256.0}, "training_flop")
    attention = flop / (6 * 540.35e9 * 780e9) - 1
    assert 0.457 * (1 + 2 * attention) == pytest.approx(0.462, abs=5e-4)


def test_latent_attention_trains_on_its_expanded_heads() -> None:
    """192 channels for the scores and 128 for the values, on average 160 for each (DeepSeek-V3)."""
    given = {**DEEPSEEK_V3, "training_tokens": 1.0, "training_context": 4_096.0}
    attention = computed(given, "training_flop") - 6 * 37e9
    assert attention == pytest.approx(6 * 61 * 128 * 160 * 4_096, rel=1e-4)


def test_a_release_costs_the_run_and_what_leads_to_it() -> None:
    given = {"training_cost": 60.0, "experiments_multiplier": 4.0, "development_staff_cost": 7.0}
    given["training_data_cost"] = 3.0
    assert computed(given, "development_cost") == 60 * 4 + 7 + 3
    given |= {"reinforcement_learning_share": 0.25, "synthetic_data_share": 0.4}
    parts = ("reinforcement_learning_cost", "synthetic_data_cost", "experiments_cost")
    # 60 are three quarters of what trains the release; 3 x 80 lead to it
    assert computed(given, *parts) == pytest.approx((20, 96, 144), rel=1e-12)
    assert computed(given, "development_compute_cost") == pytest.approx(80 * 4, rel=1e-12)
    assert computed(given, "development_cost") == pytest.approx(330, rel=1e-12)


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
    # NVIDIA, FasterTransformer, docs/gpt_guide.md: GPT-175B, FP16, 8 A100 of 80 GB. The shares above
    # are those of A100s in general, not a fit to these rows: a factor of 1.5 is what they promise.
    given = {**GPT_3_ON_8_A100, "batch_size": batch, "input_to_output_ratio": prompt / answer, "output_tokens": answer}
    given |= {"prompts_apart": 1.0, "prompts_per_pass": batch}
    latency = computed(given, "accelerator_seconds_per_question") * batch / 8
    assert 1 / 1.5 < latency / (milliseconds / 1_000) < 1.5


@pytest.mark.parametrize(
    ("prompt", "answer", "tokens_per_second"),
    [(128, 2_048, 4_336), (1_000, 1_000, 2_909), (2_048, 2_048, 2_003), (5_000, 500, 566)],
)
def test_the_roofline_meets_tensorrt_llm(prompt: float, answer: float, tokens_per_second: float) -> None:
    # NVIDIA, TensorRT-LLM 1.0, perf-overview.md: Llama 3.3 70B, FP8, H200, all requests at once: prompts share the
    # steps, and memory is set aside for whole answers. The constants are fitted to a hundred such rows, within 0.045
    # in the logarithm at the median; what begins and ends the queue is left out here: a factor of 1.2.
    given = {**LLAMA_70B_ON_H200, "input_tokens": prompt, "output_tokens": answer, "reserved_tokens": prompt + answer}
    speed = 1 / computed(given, "seconds_per_token")
    assert 1 / 1.2 < speed / tokens_per_second < 1.2


def test_a_step_takes_the_wall_that_each_product_hits() -> None:
    given = {**GPT_3_ON_8_A100, "input_to_output_ratio": 1.0, "output_tokens": 200.0, "memory_capacity": 8e12}
    batches = np.array([1.0, 16.0, 512.0, 4_096.0])
    matrix, tokens = computed({**given, "batch_size": batches}, "matrix_seconds", "tokens_per_step")
    np.testing.assert_array_equal(tokens, 2 * batches)  # a prompt token for each that is written
    memory = 350e9 / (8 * 2.039e12 * 0.9)
    arithmetic = 2 * 175e9 * tokens / (8 * 312e12 * 0.6)
    assert memory > arithmetic[1]
    assert memory < arithmetic[2]
    np.testing.assert_allclose(matrix, np.maximum(memory, arithmetic), rtol=1e-15)


def test_a_step_is_the_sum_of_what_it_does() -> None:
    """All terms once more, for a mixture whose attention is data-parallel."""
    given = {**DEEPSEEK_V3, "tensor_parallelism": 1.0, "batch_size": 64.0, "prompt_cache_hit_rate": 0.5}
    routed = (671e9 - 37e9) / (1 - 8 / 256)
    shared, tokens, peak, bandwidth = 671e9 - routed, 64 + 64 * 3 / 2, 312e12, 2.039e12 * 0.9
    touched = 1 - (1 - 8 / 256) ** tokens
    cached = 61 * 576 * 2
    context = 1_200 + 200
    expected = {
        "matrix_seconds": max(shared / bandwidth, 2 * shared * tokens / (8 * peak * 0.6)),
        "expert_seconds": max(touched * routed / (8 * bandwidth), 2 * (37e9 - shared) * tokens / (8 * peak * 0.6)),
        "cache_seconds": 8 * max(context * cached / bandwidth, context * 2 * 61 * 128 * 1_088 / (peak * 0.7)),
        "attention_seconds": 96 * 2 * 61 * 128 * 320 * 1_200 * 1.5 / 2 / (8 * peak * 0.7),
        "routing_seconds": 38.7 * 2 * 7_168 * 61 * 8 * tokens / 8 / bandwidth,
        "link_seconds": 4 * 61 * 7_168 * tokens / 8 * 7 / (300e9 * 0.9),
        "latency_seconds": 61 * (60e-6 + 3 * 90e-6),
    }
    *parts, step = computed(given, *expected, "step_seconds")
    np.testing.assert_allclose(parts, list(expected.values()), rtol=1e-12)
    assert step == pytest.approx(sum(expected.values()), rel=1e-12)


def test_a_prompt_is_read_as_a_step_reads_it() -> None:
    """In a pass of its own a prompt takes what its tokens take in a step without any that are written."""
    given = {**DEEPSEEK_V3, "prompt_cache_hit_rate": 0.3, "input_tokens_variation": 1.0, "batch_size_in_memory": 0.0}
    tokens = 1_200 * 0.7
    alone = computed(given, "prefill_seconds")
    assert computed({**given, "prompt_tokens_per_step": tokens}, "step_seconds") == pytest.approx(alone, rel=1e-12)
    together = computed({**given, "prompts_per_pass": 5.0}, "prefill_seconds")
    step = computed({**given, "prompt_tokens_per_step": 5 * tokens}, "step_seconds")
    assert together == pytest.approx(step / 5, rel=1e-12)


def test_a_token_written_pays_for_the_prompts_read_meanwhile() -> None:
    given = {**LLAMA_70B_ON_H200, "input_tokens": 1_000.0, "output_tokens": 250.0, "batch_size": 40.0}
    apart = {**given, "prompts_apart": 1.0}
    decode, prefill, step = computed(apart, "decode_seconds", "prefill_seconds", "step_seconds")
    assert step == pytest.approx(decode + 40 / 250 * prefill, rel=1e-12)
    assert computed(apart, "prompt_tokens_per_step") == 0
    assert computed(given, "prompt_tokens_per_step") == 40 * 1_000 / 250
    # arithmetic is the wall of long prompts either way; sharing a step spares the pass its latency
    shared = computed(given, "step_seconds")
    assert shared < step
    for case in (given, apart):
        seconds, step = computed(case, "seconds_per_token", "step_seconds")
        assert seconds == pytest.approx(step / 40, rel=1e-12)


def test_gpt_3_caches_what_its_shape_says() -> None:
    # 2 x 96 layers x 12,288 channels x 2 bytes
    assert computed(GPT_3_ON_8_A100, "kv_bytes_per_token") == 4_718_592
    grouped = {**GPT_3_ON_8_A100, "kv_heads": 8.0}
    assert computed(grouped, "kv_bytes_per_token") == 4_718_592 / 12
    assert computed(GPT_3_ON_8_A100, "attention_flop_prefill", "attention_flop_decode") == (4 * 96 * 12_288,) * 2
    assert computed(GPT_3_ON_8_A100, "hidden_dim") == 12_288


def test_latent_attention_caches_576_values_a_layer() -> None:
    assert computed(DEEPSEEK_V3, "kv_bytes_per_token") == 576 * 61 * 2  # 70 kB (DeepSeek-AI, 2024)
    assert computed(DEEPSEEK_V3, "attention_flop_decode") == 2 * 61 * 128 * 1_088
    assert computed(DEEPSEEK_V3, "attention_flop_prefill") == 2 * 61 * 128 * 320


def test_the_experts_of_deepseek_are_those_of_its_layers() -> None:
    # 58 layers of 256 experts, three matrices of 7,168 by 2,048 each (DeepSeek-AI, 2024, arXiv 2412.19437)
    experts, shared = computed(DEEPSEEK_V3, "expert_parameters", "shared_parameters")
    assert experts == pytest.approx(58 * 256 * 3 * 7_168 * 2_048, rel=0.002)
    assert experts + shared == pytest.approx(671e9, rel=1e-15)
    assert shared + experts * 8 / 256 == pytest.approx(37e9, rel=1e-12)
    assert computed(GPT_3_ON_8_A100, "expert_parameters", "routing_seconds_per_token") == (0, 0)
    # of which experts nobody told, those that a token leaves idle
    untold = {"parameters_total": 671e9, "parameters_active": 37e9}
    assert computed(untold, "expert_parameters") == 634e9


def test_a_pass_touches_experts_as_even_routing_does() -> None:
    tokens = np.array([1.0, 2.0, 64.0, 1e4])
    touched = computed({**DEEPSEEK_V3, "tokens_per_step": tokens}, "experts_touched")
    np.testing.assert_allclose(touched, 1 - (1 - 8 / 256) ** tokens, rtol=1e-12)
    assert touched[0] == pytest.approx(8 / 256)
    assert touched[-1] == pytest.approx(1)
    # counted: 8 distinct experts of 256 for each of 64 tokens
    draw = np.random.default_rng(4)
    seen = [np.unique(np.argsort(draw.random((64, 256)), axis=1)[:, :8]).size / 256 for _ in range(200)]
    assert np.mean(seen) == pytest.approx(touched[2], abs=4 * np.std(seen) / 200**0.5)


# Prompts and answers of uneven length, cached prefixes


@pytest.mark.parametrize(("tokens", "hit", "times"), [(50_000, 0.9, 1.57), (100_000, 0.95, 1.73)])
def test_tokens_behind_a_cached_prefix_attend_to_it(tokens: float, hit: float, times: float) -> None:
    """Of the FLOP that DeepSeek-V3 takes to read them, were each to attend to half of the input."""
    attended, attention = computed(
        {**DEEPSEEK_V3, "input_tokens": tokens, "prompt_cache_hit_rate": hit},
        "attended_tokens",
        "attention_flop_prefill",
    )
    flop = 2 * 37e9 + attention * attended
    assert flop / (2 * 37e9 + attention * tokens / 2) == pytest.approx(times, abs=0.005)


def test_attended_tokens_are_those_that_are_counted() -> None:
    """Over prompts of two lengths whose last tenth is new, each new token attends to all before it."""
    lengths = np.array([1_000, 3_000])
    pairs = sum(np.arange(round(0.9 * length), length).sum() for length in lengths)
    given = {
        "input_tokens": lengths.mean(),
        "input_tokens_variation": lengths.std() / lengths.mean(),
        "prompt_cache_hit_rate": 0.9,
    }
    assert computed(given, "attended_tokens") == pytest.approx(pairs / (0.1 * lengths.sum()), rel=1e-3)


def test_context_is_that_of_the_sequences_under_way() -> None:
    """Met at a random time, an answer is as far as any of its tokens; long ones are met more often."""
    lengths = np.random.default_rng(3).lognormal(5, 1, 200_000)
    under_way = np.random.default_rng(4).choice(lengths, 200_000, p=lengths / lengths.sum()) / 2
    given = {
        "input_tokens": 500.0,
        "output_tokens": lengths.mean(),
        "output_tokens_variation": lengths.std() / lengths.mean(),
    }
    error = np.std(under_way) / len(under_way) ** 0.5
    assert computed(given, "context_tokens") == pytest.approx(500 + under_way.mean(), abs=4 * error)


@pytest.mark.parametrize(("variation", "times"), [(1.0, 1.8), (1.5, 2.8)])
def test_answers_of_uneven_length_cost_more(variation: float, times: float) -> None:
    """70B in FP8, 500 tokens in and 4,000 out: where memory is full and the wall, cost grows as context does."""
    given = {**LLAMA_70B_ON_H200, "input_tokens": 500.0, "output_tokens": 4_000.0, "batch_size": 1e6}
    given |= {"kv_bytes_per_value": 2.0}
    even = computed(given, "seconds_per_token")
    uneven = computed({**given, "output_tokens_variation": variation}, "seconds_per_token")
    assert uneven / even == pytest.approx(times, rel=1e-3)  # but for the attention of prompts
    # the larger batches of a cache in FP8 meet the wall of arithmetic when lengths are even
    small = {**given, "kv_bytes_per_value": 1.0}
    dearer = computed({**small, "output_tokens_variation": variation}, "seconds_per_token")
    assert 1 < dearer / computed(small, "seconds_per_token") < times


# Layouts


def test_tensor_parallelism_copies_the_cache_of_few_heads() -> None:
    given = {**LLAMA_70B_ON_H200, "output_tokens": 200.0, "input_to_output_ratio": 4.0}
    ranks = np.array([1.0, 4.0, 8.0, 16.0, 32.0])
    copies = computed({**given, "replica_accelerators": ranks}, "cache_copies")
    np.testing.assert_array_equal(copies, [1, 1, 1, 2, 4])
    np.testing.assert_array_equal(computed({**DEEPSEEK_V3, "replica_accelerators": ranks}, "cache_copies"), ranks)
    # memory's limit and memory's time: 32 ranks have four times as much to hold and to read
    apart, shared = (
        computed(
            {**given, "replica_accelerators": 32.0, "kv_heads": heads}, "batch_limit", "cache_seconds_per_sequence"
        )
        for heads in (32.0, 8.0)
    )
    assert shared == pytest.approx(apart, rel=1e-12)


def test_latent_attention_is_held_by_every_rank_unless_it_is_data_parallel() -> None:
    given = {**DEEPSEEK_V3, "context_tokens": 4_989.0}
    tensor, data = computed({**given, "tensor_parallelism": np.array([8.0, 1.0])}, "batch_limit")
    assert tensor == pytest.approx(123, abs=0.5)  # of 982 were there one copy
    # each rank then holds the weights that all tokens use, and its own sequences
    assert data == pytest.approx((0.9 * 8 * 141e9 - 671e9 - 7 * 16.55e9) / (4_989 * 70_272), rel=1e-3)


def test_ranks_that_share_nothing_are_as_many_replicas() -> None:
    """A dense model with a rank a group: no exchange, and each reads all weights for its own sequences."""
    one = {**LLAMA_70B_ON_H200, "input_tokens": 500.0, "output_tokens": 500.0, "batch_size": 20.0}
    eight = {**one, "replica_accelerators": 8.0, "tensor_parallelism": 1.0, "batch_size": 160.0}
    for name in ("step_seconds", "seconds_per_token"):
        assert computed(eight, name) == pytest.approx(computed(one, name), rel=1e-12)
    assert computed(eight, "batch_limit") == pytest.approx(8 * computed(one, "batch_limit"), rel=1e-12)


def test_a_pipeline_reads_its_weights_for_each_part_of_the_batch() -> None:
    """Its stages work at once on parts of the batch, so that a token passes all layers on a stage's accelerators."""
    one = {**LLAMA_70B_ON_H200, "input_tokens": 500.0, "output_tokens": 500.0, "batch_size": 20.0}
    four = {**one, "replica_accelerators": 4.0, "pipeline_stages": 4.0, "batch_size": 80.0}
    passed = 3 * 2 * 8_192 * (80 + 80) / 4 / (450e9 * 0.9)
    assert computed(four, "link_seconds") == pytest.approx(passed, rel=1e-12)
    assert computed(four, "step_seconds") == pytest.approx(computed(one, "step_seconds") + passed, rel=1e-12)
    assert computed(four, "weight_bytes_held") == pytest.approx(70.55e9 / 4)
    mixture = {**DEEPSEEK_V3, "tokens_per_step": 64.0, "pipeline_stages": 2.0}
    assert computed(mixture, "experts_touched") == pytest.approx(1 - (1 - 8 / 256) ** 32)


def test_links_carry_what_each_layout_exchanges() -> None:
    # two allreduces of 2 bytes a layer, past each of eight ranks 2 x 7/8 times
    dense = {**LLAMA_70B_ON_H200, "replica_accelerators": 8.0}
    assert computed(dense, "link_bytes_per_token") == pytest.approx(8 * 80 * 8_192 * 7 / 8)
    # a token of a rank goes to the seven others and comes back; that is what one allreduce moves
    spread = {**DEEPSEEK_V3, "tensor_parallelism": 1.0}
    assert computed(spread, "link_bytes_per_token") == pytest.approx(4 * 61 * 7_168 / 8 * 7)
    assert computed(DEEPSEEK_V3, "link_bytes_per_token") == pytest.approx(8 * 61 * 7_168 * 7 / 8)
    # over 144 ranks to eight at most, those of its experts
    wide = {**spread, "replica_accelerators": 144.0}
    assert computed(wide, "link_bytes_per_token") == pytest.approx(4 * 61 * 7_168 / 144 * 143 * 8 / 144)
    assert computed({**wide, "link_overlap": 1.0}, "link_seconds_per_token") == 0
    alone = {**DEEPSEEK_V3, "replica_accelerators": 1.0}
    assert computed(alone, "link_bytes_per_token") == 0


def test_products_in_fp4_reach_a_part_of_their_peak() -> None:
    given = {**DEEPSEEK_V3, "precision_efficiency": np.array([1.0, 0.64])}
    whole, part = np.transpose(computed(given, "shared_seconds_per_token", "expert_seconds_per_token"))
    np.testing.assert_allclose(part, whole / 0.64, rtol=1e-15)


def test_attention_has_its_own_precision() -> None:
    given = {**DEEPSEEK_V3, "memory_bandwidth": 1e15}  # so that arithmetic is the wall of the cache too
    fast = {**given, "attention_peak_flops": 2 * 312e12}
    for name in ("attention_seconds_per_token", "cache_seconds_per_sequence"):
        assert computed(fast, name) == pytest.approx(computed(given, name) / 2, rel=1e-15)
    assert computed(fast, "shared_seconds_per_token") == computed(given, "shared_seconds_per_token")


def test_the_page_on_serving_tells_what_there_is() -> None:
    page = (Path(__file__).parents[1] / "docs" / "reference" / "serving.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+_[a-z_]+)`", page))
    assert named <= set(LLM_COST)
    assert named >= set(LLM_COST["decode_seconds"].needs)
    held = {**DEEPSEEK_V3, "context_tokens": 5_000.0, "tensor_parallelism": np.array([8.0, 1.0])}
    divided, each = computed(held, "batch_limit")
    words = " ".join(page.split())
    assert f"holds {each:.0f} sequences so, and {divided:.0f} with its attention divided" in words


def test_what_leaves_the_domain_of_links_passes_the_network() -> None:
    given = {**DEEPSEEK_V3, "tensor_parallelism": 1.0, "link_domain": 8.0, "network_bandwidth": 50e9}
    wide = {**given, "replica_accelerators": np.array([1.0, 8.0, 144.0])}
    share, moved, seconds = computed(wide, "network_share", "link_bytes_per_token", "link_seconds_per_token")
    np.testing.assert_allclose(share, [0, 0, 136 / 143], rtol=1e-15)
    expected = moved[2] * (7 / 143 / 300e9 + 136 / 143 / 50e9) / 0.9
    np.testing.assert_allclose(seconds, [0, moved[1] / 300e9 / 0.9, expected], rtol=1e-12)
    # 72 in a rack of their own, and a dense model's groups within a server
    assert computed({**wide, "link_domain": 72.0}, "network_share")[2] == 72 / 143
    dense = {**LLAMA_70B_ON_H200, "replica_accelerators": 32.0, "tensor_parallelism": 8.0}
    assert computed(dense, "network_share") == 0


def test_latency_grows_with_the_ranks_that_exchange_up_to_eight() -> None:
    ranks = np.array([1.0, 2.0, 8.0, 64.0])
    given = {"replica_accelerators": ranks, "layers": 10.0, "layer_latency": 50e-6, "allreduce_latency": 20e-6}
    given |= {"parameters_active": 1e9}
    grown = 10 * (50e-6 + 20e-6 * np.array([0.0, 1.0, 3.0, 3.0]))
    np.testing.assert_allclose(computed(given, "latency_seconds"), grown, rtol=1e-15)
    np.testing.assert_allclose(computed({**given, "tensor_parallelism": 1.0}, "latency_seconds"), 500e-6, rtol=1e-15)
    mixture = {**given, "tensor_parallelism": 1.0, "experts": 8.0, "experts_active": 2.0}
    np.testing.assert_allclose(computed(mixture, "latency_seconds"), grown, rtol=1e-15)


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
    assert "layers" in lacking["step_seconds"]


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


def test_network_and_storage_are_built_for_and_drawn_as_servers_are() -> None:
    """Power, energy, building and rent rise by their share; without it nothing does."""
    given = {**NOTE, "facility_price": 10_000.0, "facility_opex_price": 40.0, "colocation_price": 150.0}
    names = ("nameplate_power", "power", "electricity_cost", "facility_capex", "facility_opex", "server_capex")
    bare, without, shared = (
        np.array(computed({**given, **share}, *names))
        for share in ({}, {"other_it_power_share": 0.0}, {"other_it_power_share": 0.08})
    )
    assert (bare == without).all()
    np.testing.assert_allclose(shared / bare, [1.08] * 5 + [1])


def test_network_is_its_share_of_servers_and_network() -> None:
    servers, network = computed(
        {"servers": 10.0, "server_price": 2e5, "network_share_of_it": 0.2}, "server_capex", "network_capex"
    )
    assert network / (servers + network) == pytest.approx(0.2)
