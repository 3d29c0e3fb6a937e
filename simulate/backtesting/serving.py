"""Serving and published figures: benchmarks forecast from others than their group's, and figures beside bands.

The cases are data: `data/serving_benchmarks.csv` and `data/serving_load.csv`, and `data/published_cases.csv`, whose
inputs are priors files.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from simulate.backtesting.scores import STANDARD_NORMAL, Forecast, normal_case, quantile_case
from simulate.backtesting.training import log_mfu_forecast
from simulate.calibration.benchmarks import rows_of
from simulate.calibration.hierarchy import (
    DENSE,
    MIXTURE,
    PER_TOKEN,
    SHIPPED_PER_TOKEN,
    SHIPPED_THROUGHPUT,
    SHIPPED_TO_FIRST,
    THROUGHPUT,
    TO_FIRST,
    WHATS,
    Hierarchy,
    Selection,
    fit_without,
    hierarchy,
    servers,
)
from simulate.calibration.training import training_runs
from simulate.graph import Array
from simulate.model.training_mfu import TYPICAL_ATTENTION
from simulate.priors import SHIPPED, Priors, choice, load_priors, stated
from simulate.replicates import Workers
from simulate.runs import run
from simulate.units import conversion_factor

MLPERF = {"offline": "MLPerf, offline", "server": "MLPerf, server"}
BENCHMARKS = {
    DENSE: "Accelerator time of a question, each stack, model and accelerator forecast by a fit to all others",
    MIXTURE: "The same of mixtures of experts, three models of two families by one maker's stack",
    MLPERF["offline"]: "The same of submissions, which are tuned, each by a fit to all others",
    MLPERF["server"]: "The same with the largest batch that keeps to the targets for both times",
    PER_TOKEN: "DeepSeek-R1 at fixed concurrency, each stack and accelerator forecast by a fit to all others",
    THROUGHPUT: "The same measurements: accelerator time of a question",
    TO_FIRST: "The same measurements",
    SHIPPED_PER_TOKEN: "Twelve models at fixed concurrency by sglang as shipped, each model and accelerator likewise",
    SHIPPED_THROUGHPUT: "The same measurements: accelerator time of a question",
    SHIPPED_TO_FIRST: "The same measurements",
}
PUBLISHED = Path(__file__).parents[1] / "data" / "published_cases.csv"
SCENARIOS = 1 << 16
DIGITS = 9  # after the point, of a logarithm: libraries of linear algebra sum in different orders


def benchmark_cases(group: tuple[str, str, str]) -> list[Forecast]:
    """Forecast the benchmarks of a stack, a model and an accelerator by the fit to all others, and score them.

    Of a configuration that was measured under load several times, the last is scored. A server that keeps to targets is
    of the group whose offline benchmark was submitted with it.
    """
    table, fit = hierarchy(), fit_without(lambda row: row.group, group)
    last = {(row.group, *row.inputs.values()): place for place, row in enumerate(table.rows)}
    shown = np.array([
        row.group == group and (not row.under_load or last[row.group, *row.inputs.values()] == place)
        for place, row in enumerate(table.rows)
    ])  # fmt: skip
    cases = _cases(table, shown, fit.log_median, fit.log_sd)
    own = np.array([row.group == group for row in servers().rows])
    return [*cases, *_cases(servers(), own, *servers().forecast(fit))] if own.any() else cases


def _cases(table: Hierarchy, shown: Selection, log_medians: Array, log_sds: Array) -> list[Forecast]:
    """The measurements of the benchmarks to be shown, scored."""
    cases = []
    for measurement in np.flatnonzero(shown[table.places]).tolist():
        row = table.rows[table.places[measurement]]
        case = normal_case(
            row.label,
            row.measured[WHATS[table.whats[measurement]]],
            "s",
            log_median=round(float(log_medians[measurement]), DIGITS),
            log_sd=round(float(log_sds[measurement]), DIGITS),
            source=row.source,
        )
        kind = MLPERF.get(row.scenario, table.kinds[measurement])
        cases.append(case._replace(kind=kind, cluster=f"{row.model}, {row.accelerator}"))
    return cases


def published_cases(workers: Workers, seed: int | None = None) -> dict[str, list[Forecast]]:
    """Published figures beside the bands of priors files, by group; the seed is the files' unless given."""
    rows = rows_of(PUBLISHED)
    cases: dict[str, list[Forecast]] = {row["group"]: [] for row in rows}
    runs: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        runs.setdefault((row["priors"], row["choice"], row["left_out"]), []).append(row)
    files = {name: load_priors(SHIPPED / f"{name}.toml") for name in dict.fromkeys(row["priors"] for row in rows)}
    for (priors_file, chosen, without), here in runs.items():
        priors = files[priors_file]
        if without:
            priors = stated(priors.files, [_mfu_without(without, priors)])
        bands = _beside_bands(choice(priors, chosen) if chosen else priors, here, workers, seed)
        for row, case in zip(here, bands, strict=True):
            cases[row["group"]].append(case)
    return cases


def _beside_bands(
    priors: Priors, rows: Sequence[Mapping[str, str]], workers: Workers, seed: int | None
) -> Iterator[Forecast]:
    """Run priors and score figures of their quantities, in the figures' units."""
    quantities = [row["quantity"] for row in rows]
    bands = run(
        priors,
        scenarios=SCENARIOS,
        seed=seed,
        quantities=list(dict.fromkeys(quantities)),
        backend=workers.backend,
        workers=workers.workers,
        scheduler=workers.scheduler,
        progress=workers.progress,
    )
    for row, quantity in zip(rows, quantities, strict=True):
        factor = conversion_factor(priors.quantities[quantity].unit, row["unit"])
        yield quantile_case(
            row["name"],
            float(row["outcome"]),
            row["unit"],
            probabilities=bands["fine_percentile"] / 100,
            quantiles=bands.at("fine_percentiles", quantity=quantity) * factor,
            source="; ".join(filter(None, (row["source"], row["note"]))),
        )


def _mfu_without(model: str, priors: Priors) -> str:
    """The override that puts the MFU forecast without a run in place of the model's, of the FLOP that it counts."""
    run = next(run for run in training_runs() if run.model == model)
    mean, sd = log_mfu_forecast(run)
    if priors.quantities["training_attention_flop"].function:
        mean += math.log1p(TYPICAL_ATTENTION)
    low, high = (math.exp(mean + sd * STANDARD_NORMAL.inv_cdf(p)) for p in (0.05, 0.95))
    return f'mfu_end_to_end={{dist = "lognormal", p5 = {low!r}, p95 = {high!r}}}'
