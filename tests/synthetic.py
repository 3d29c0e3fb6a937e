"""Results for the tests of what tells of them: a run of known lognormal quantities, and the backtest, scored once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from statistics import NormalDist

import numpy as np

from simulate.backtesting import backtest
from simulate.results import Result
from simulate.results.provenance import versioned
from simulate.statistics import FINE

PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)


@cache
def shipped_backtest() -> Result:
    """Of the cases that ship, which takes seconds: nobody changes it."""
    return backtest()


def lognormal(median: float, sigma: float, percents: Sequence[float]) -> np.ndarray:
    scores = np.array([NormalDist().inv_cdf(percent / 100) for percent in percents])
    return median * np.exp(sigma * scores)


def run_result(
    quantities: Mapping[str, tuple[str, str, float, float]],
    published: Sequence[tuple[str, float, str]] = (),
    percentiles: Sequence[float] = PERCENTILES,
    relative_error: float = 1e-3,
) -> Result:
    """Quantities by name as (label, unit, median, sigma); a sigma of 0 is a constant."""
    labels, units, medians, sigmas = (list(each) for each in zip(*quantities.values(), strict=True))
    median, sigma = np.array(medians), np.array(sigmas)
    mean = median * np.exp(sigma**2 / 2)
    bands = np.array([lognormal(*each, percentiles) for each in zip(medians, sigmas, strict=True)])
    curves = np.array([lognormal(*each, FINE) for each in zip(medians, sigmas, strict=True)])
    error = np.where(sigma, relative_error, 0.0)
    prior = {
        "family": "lognormal",
        "unit": "1",
        "label": "",
        "source": "",
        "note": "",
        "specification": {"median": 1, "sigma": 1},
    }
    result = versioned(
        "run",
        {
            "title": "A synthetic run",
            "scenarios": 1_048_576,
            "seed": 7,
            "scheme": "sobol",
            "replicates": 16,
            "chunk": 16384,
        },
        {
            "given": [],
            "observe": [],
            "asked": list(quantities),
            "headline": list(quantities),
            "components": {},
            "model": "none",
            "files": [{"path": "a.toml", "text": "", "sha256": ""}],
            "overrides": [],
            "choice": "",
            "priors": {"speed": {**prior, "evidence": "judgement"}, "price": {**prior, "evidence": "sourced"}},
            "published": [
                {
                    "quantity": name,
                    "value": value,
                    "unit": quantities[name][1],
                    "stated": value,
                    "stated_unit": quantities[name][1],
                    "source": source,
                    "note": "",
                }
                for name, value, source in published
            ],
        },
    )
    result.along("quantity", list(quantities))
    result.beside("label", ("quantity",), labels)
    result.beside("unit", ("quantity",), units)
    result.along("percentile", list(percentiles), "percent")
    result.along("fine_percentile", FINE, "percent")
    result.along("prior", ["speed", "price"])
    result.beside("prior_unit", ("prior",), ["1", "1"])
    of = {"unit_of": "unit"}
    along = ("quantity",)
    result.put("percentiles", (*along, "percentile"), bands, error[:, None] * abs(bands), label="percentiles", **of)
    result.put("mean", along, mean, error * mean, label="mean", **of)
    result.put("sd", along, mean * np.sqrt(np.expm1(sigma**2)), error * mean, label="standard deviation", **of)
    result.put("minimum", along, median * np.exp(-5 * sigma), label="least value", **of)
    result.put("maximum", along, median * np.exp(5 * sigma), label="greatest value", **of)
    result.put("nonfinite", along, np.zeros(len(median)), unit="1")
    result.put("fine_percentiles", (*along, "fine_percentile"), curves, **of)
    varies = np.where(sigma, 1.0, np.nan)
    shares = varies[:, None] * [[0.64, 0.32]]
    result.put("variance_share", (*along, "prior"), shares, relative_error * shares, unit="1")
    result.along("evidence", ["judgement", "sourced", "not stated"])
    by_evidence = varies[:, None] * [[0.64, 0.32, np.nan]]
    result.put("variance_share_by_evidence", (*along, "evidence"), by_evidence, relative_error * by_evidence, unit="1")
    result.put("variance_share_together", along, 0.04 * varies, relative_error * varies, unit="1")
    result.put("variance_of_logarithm", along, varies, unit="1")
    result.put("direction", (*along, "prior"), varies[:, None] * [[1.0, -1.0]], unit="1")
    result.put("rank_correlation", (*along, "prior"), varies[:, None] * [[0.8, -0.6]], unit="1")
    result.put("prior_percentiles", ("prior", "percentile"), np.ones((2, len(percentiles))), unit_of="prior_unit")
    return result


def headline_result() -> Result:
    """What `simulate run` reports, roughly."""
    return run_result(
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
