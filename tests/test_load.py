"""Fleets of whole replicas, and serving under load: queues, batches that follow demand, targets, costs apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import simulate
from simulate.graph import Values, plan
from simulate.model import quantities
from simulate.priors import load_priors

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
    fleet = simulate.run(load_priors("accelerators", small), scenarios=1_000, quantities=["accelerators"])
    assert fleet["minimum"].item() == fleet["maximum"].item() == 4
    priors = load_priors("guosheng-2023")
    assert priors.quantities["fleet_increment"].function is None
    assert load_priors("guosheng-2023", ["replica_accelerators=8"]).quantities["fleet_increment"].function
