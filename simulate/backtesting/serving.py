"""Serving and published figures: benchmarks forecast from other stacks and models, and figures beside bands.

The cases are data: `data/serving_benchmarks.csv`, and `data/published_cases.csv`, whose inputs are priors files.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulate.backtest.scores import STANDARD_NORMAL, Case, Group, normal_case, quantile_case
from simulate.backtest.training import training_mfu_without
from simulate.calibration.serving import (
    Benchmark,
    benchmarks,
    fit,
    left_out,
    predicted_seconds,
    spread,
)
from simulate.calibration.training import training_runs

PUBLISHED = Path(__file__).parents[1] / "data" / "published_cases.csv"
SCENARIOS = 1 << 16
ABOUT = {
    "measured": "What services and runs were found to take, beside the bands of the priors files",
    "estimates": "What others reckoned for ChatGPT in early 2023, beside the bands of base.toml: no outcomes",
}


def benchmark_group() -> Group:
    """Serving benchmarks, each forecast by the roofline fitted to other stacks and models.

    The accelerator time of a question is lognormal about the prediction. Its spread is that of the fit's
    residuals, each remaining group left out in turn: nothing of the case's own group is in it.
    """
    cases: list[Case] = []
    for accelerator in dict.fromkeys(row.accelerator for row in benchmarks()):
        rows = benchmarks(accelerator)
        for group in dict.fromkeys(row.group for row in rows):
            held = [row for row in rows if row.group == group]
            cases += _benchmark_cases(held, [row for row in rows if row.group != group])
    about = (
        "Accelerator time of a question, each stack and model forecast by the roofline fitted to the others"
    )
    return Group("serving benchmarks", tuple(cases), about)


def _benchmark_cases(held: Sequence[Benchmark], others: Sequence[Benchmark]) -> list[Case]:
    predicted = predicted_seconds(held, fit(others).constants)
    log_sd = spread(left_out(others).values())
    return [
        normal_case(
            f"{row.label} {row.accelerator}, {row.group[0]}",
            row.seconds,
            "s",
            log_median=math.log(seconds),
            log_sd=log_sd,
            source=row.source,
        )
        for row, seconds in zip(held, predicted.tolist(), strict=True)
    ]


def published_groups(seed: int | None = None) -> tuple[Group, ...]:
    """Published figures beside the bands of priors files, by group; the seed is the files' unless given."""
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    cases: dict[str, list[Case]] = {name: [] for name in ABOUT}
    for settings in dict.fromkeys((row["priors"], row["left_out"]) for row in rows):
        here = [row for row in rows if (row["priors"], row["left_out"]) == settings]
        for row, case in zip(here, _published_cases(*settings, here, seed), strict=True):
            cases[row["group"]].append(case)
    return tuple(Group(name, tuple(listed), ABOUT[name]) for name, listed in cases.items())


def _published_cases(
    priors_file: str, without: str, rows: Sequence[Mapping[str, str]], seed: int | None
) -> list[Case]:
    """Run a priors file and score figures of its quantities, in the figures' units."""
    from simulate.engine import run
    from simulate.priors import SHIPPED, load_priors
    from simulate.units import conversion_factor

    overrides = [_mfu_without(without)] if without else []
    priors = load_priors(SHIPPED / f"{priors_file}.toml", overrides)
    names = list(dict.fromkeys(row["quantity"] for row in rows))
    dataset = run(priors, scenarios=SCENARIOS, seed=seed, quantities=names)
    cases = []
    for row in rows:
        factor = conversion_factor(priors.quantities[row["quantity"]].unit, row["unit"])
        cases.append(
            quantile_case(
                row["name"],
                float(row["outcome"]),
                row["unit"],
                probabilities=dataset["grid"].values / 100,
                quantiles=dataset[f"{row['quantity']}_grid"].values * factor,
                source="; ".join(filter(None, (row["source"], row["note"]))),
            )
        )
    return cases


def _mfu_without(model: str) -> str:
    """The override that puts the MFU forecast without a run in place of the model's."""
    run = next(run for run in training_runs() if run.model == model)
    mean, sd = training_mfu_without(model).log_mean_and_sd(
        run.parameters_active, run.peak_flops, float(run.mixture_of_experts)
    )
    low, high = (math.exp(mean + sd * STANDARD_NORMAL.inv_cdf(p)) for p in (0.05, 0.95))
    return f'mfu_end_to_end={{dist = "lognormal", p5 = {low!r}, p95 = {high!r}}}'
