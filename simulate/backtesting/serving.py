"""Serving and published figures: benchmarks forecast from other stacks and models, and figures beside bands.

The cases are data: `data/serving_benchmarks.csv`, and `data/published_cases.csv`, whose inputs are priors files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from simulate.backtesting.scores import STANDARD_NORMAL, Case, normal_case, quantile_case
from simulate.backtesting.training import training_mfu_without
from simulate.calibration.serving import (
    Benchmark,
    benchmarks,
    fit_roofline,
    left_out,
    predicted_seconds,
    rows_of,
    spread,
)
from simulate.calibration.training import training_runs
from simulate.replicates import Workers

BENCHMARKS = "serving benchmarks"
PUBLISHED = Path(__file__).parents[1] / "data" / "published_cases.csv"
SCENARIOS = 1 << 16


class Split(NamedTuple):
    """Benchmarks of one stack and model, and those of the same accelerator that forecast them."""

    held: Sequence[Benchmark]
    others: Sequence[Benchmark]


def splits() -> Iterator[Split]:
    """Each stack and model of each accelerator beside the others."""
    for accelerator in dict.fromkeys(row.accelerator for row in benchmarks()):
        rows = benchmarks(accelerator)
        for group in dict.fromkeys(row.group for row in rows):
            held = [row for row in rows if row.group == group]
            yield Split(held, [row for row in rows if row.group != group])


def benchmark_cases(split: Split) -> list[Case]:
    """Forecast benchmarks by the roofline fitted to other stacks and models, and score them.

    The accelerator time of a question is lognormal about the prediction. Its spread is that of the fit's
    residuals, each remaining group left out in turn: nothing of the case's own group is in it.
    """
    predicted = predicted_seconds(split.held, fit_roofline(split.others).constants)
    log_sd = spread(left_out(split.others).values())
    return [
        normal_case(
            f"{row.label} {row.accelerator}, {row.group[0]}",
            row.seconds,
            "s",
            log_median=math.log(seconds),
            log_sd=log_sd,
            source=row.source,
        )
        for row, seconds in zip(split.held, predicted.tolist(), strict=True)
    ]


def published_cases(workers: Workers, seed: int | None = None) -> dict[str, list[Case]]:
    """Published figures beside the bands of priors files, by group; the seed is the files' unless given."""
    rows = rows_of(PUBLISHED)
    cases: dict[str, list[Case]] = {row["group"]: [] for row in rows}
    for settings in dict.fromkeys((row["priors"], row["left_out"]) for row in rows):
        here = [row for row in rows if (row["priors"], row["left_out"]) == settings]
        for row, case in zip(here, _beside_bands(*settings, here, workers, seed), strict=True):
            cases[row["group"]].append(case)
    return cases


def _beside_bands(
    priors_file: str, without: str, rows: Sequence[Mapping[str, str]], workers: Workers, seed: int | None
) -> Iterator[Case]:
    """Run a priors file and score figures of its quantities, in the figures' units."""
    from simulate.priors import SHIPPED, load_priors
    from simulate.runs import run
    from simulate.units import conversion_factor

    priors = load_priors(SHIPPED / f"{priors_file}.toml", [_mfu_without(without)] if without else [])
    bands = run(
        priors,
        scenarios=SCENARIOS,
        seed=seed,
        quantities=[row["quantity"] for row in rows],
        threads=workers.threads,
        progress=workers.progress,
    )
    for row in rows:
        factor = conversion_factor(priors.quantities[row["quantity"]].unit, row["unit"])
        yield quantile_case(
            row["name"],
            float(row["outcome"]),
            row["unit"],
            probabilities=bands["fine_percentile"] / 100,
            quantiles=bands.at("fine_percentiles", quantity=row["quantity"]) * factor,
            source="; ".join(filter(None, (row["source"], row["note"]))),
        )


def _mfu_without(model: str) -> str:
    """The override that puts the MFU forecast without a run in place of the model's."""
    run = next(run for run in training_runs() if run.model == model)
    mean, sd = training_mfu_without(model).log_mean_and_sd(
        run.parameters_active, run.peak_flops, float(run.mixture_of_experts)
    )
    low, high = (math.exp(mean + sd * STANDARD_NORMAL.inv_cdf(p)) for p in (0.05, 0.95))
    return f'mfu_end_to_end={{dist = "lognormal", p5 = {low!r}, p95 = {high!r}}}'
