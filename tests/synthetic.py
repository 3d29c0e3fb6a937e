"""A run's Dataset of known lognormal quantities, for the tests of what tells of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
import xarray

PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)
GRID = np.arange(0.5, 100, 0.5)


def lognormal(median: float, sigma: float, percents: Sequence[float]) -> np.ndarray:
    scores = np.array([NormalDist().inv_cdf(percent / 100) for percent in percents])
    return median * np.exp(sigma * scores)


def run_dataset(
    quantities: Mapping[str, tuple[str, str, float, float]],
    published: Sequence[tuple[str, float, str]] = (),
    percentiles: Sequence[float] = PERCENTILES,
    relative_error: float = 1e-3,
) -> xarray.Dataset:
    """Quantities by name as (label, unit, median, sigma); a sigma of 0 is a constant."""
    variables: dict[str, object] = {}
    for name, (label, unit, median, sigma) in quantities.items():
        error = relative_error if sigma else 0.0
        bands = lognormal(median, sigma, percentiles)
        mean = median * float(np.exp(sigma**2 / 2))
        ancillary = {"units": unit, "long_name": label, "ancillary_variables": f"{name}_se"}
        variables |= {
            name: ("percentile", bands, ancillary),
            f"{name}_se": ("percentile", error * abs(bands)),
            f"{name}_mean": ((), mean),
            f"{name}_mean_se": ((), error * mean),
            f"{name}_sd": ((), mean * float(np.sqrt(np.expm1(sigma**2)))),
            f"{name}_sd_se": ((), error * mean),
            f"{name}_minimum": ((), median * np.exp(-5 * sigma)),
            f"{name}_maximum": ((), median * np.exp(5 * sigma)),
            f"{name}_grid": ("grid", lognormal(median, sigma, GRID.tolist())),
            f"{name}_rank_correlation": ("prior", np.array([0.8, -0.6]) if sigma else np.zeros(2)),
            f"{name}_nonfinite": ((), 0),
        }
    prior = {
        "family": "lognormal",
        "unit": "1",
        "source": "",
        "note": "",
        "specification": {"median": 1, "sigma": 1},
    }
    provenance = {
        "files": [{"path": "a.toml", "text": "", "sha256": ""}],
        "priors": {"speed": {**prior, "evidence": "judgement"}, "price": {**prior, "evidence": "sourced"}},
        "published": [
            {"quantity": name, "value": value, "unit": quantities[name][1], "source": source, "note": ""}
            for name, value, source in published
        ],
    }
    return xarray.Dataset(
        variables,
        {"percentile": list(percentiles), "grid": GRID, "prior": ["speed", "price"]},
        {
            "title": "A synthetic run",
            "scenarios": 1_048_576,
            "seed": 7,
            "scheme": "sobol",
            "replicates": 16,
            "priors": json.dumps(provenance),
            "nonfinite": "[]",
        },
    )


def headline_dataset() -> xarray.Dataset:
    """What `simulate run` reports, roughly."""
    return run_dataset(
        {
            "capex": ("Initial investment", "USD", 1.9e8, 1.1),
            "opex_per_year": ("Operating cost of a year", "USD/year", 2.4e7, 0.9),
            "cost_per_question": ("Cost of a question", "USD", 0.0036, 1.0),
            "training_cost": ("Training cost", "USD", 4.6e6, 0.5),
            "racks": ("Racks", "1", 542.0, 0.0),
        },
        published=[
            ("capex", 759e6, "Guosheng Securities 2023-02-12"),
            ("training_cost", 1.398e6, "Guosheng Securities 2023-02-12"),
            ("racks", 543.0, "Somebody else"),
        ],
    )
