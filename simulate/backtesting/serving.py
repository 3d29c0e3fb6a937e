"""Serving and published figures: benchmarks forecast from other stacks and models, and figures beside bands.

The cases are data: `data/serving_benchmarks.csv`, and `data/published_cases.csv`, whose inputs are priors files.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from simulate.backtesting.scores import STANDARD_NORMAL, Forecast, normal_case, quantile_case
from simulate.backtesting.training import log_mfu_forecast
from simulate.calibration.serving import Split, fit_roofline, left_out, predicted_seconds, rows_of, spread
from simulate.calibration.training import training_runs
from simulate.model.training_mfu import TYPICAL_ATTENTION
from simulate.priors import SHIPPED, Priors, choice, load_priors
from simulate.replicates import Workers
from simulate.runs import run
from simulate.units import conversion_factor

BENCHMARKS = "serving benchmarks"
PUBLISHED = Path(__file__).parents[1] / "data" / "published_cases.csv"
SCENARIOS = 1 << 16


def benchmark_cases(split: Split) -> list[Forecast]:
    """Forecast benchmarks by the roofline fitted to other stacks and models, and score them.

    The accelerator time of a question is lognormal about the prediction. Its spread is that of the fit's
    residuals, each remaining group left out in turn: nothing of the case's own group is in it.
    """
    predicted = predicted_seconds(split.held, fit_roofline(split.others).constants).tolist()
    log_sd = spread(left_out(split.others).values())
    cases = []
    for row, seconds in zip(split.held, predicted, strict=True):
        name = f"{row.label} {row.accelerator}, {row.group[0]}"
        log_median = math.log(seconds)
        cases.append(normal_case(name, row.seconds, "s", log_median=log_median, log_sd=log_sd, source=row.source))
    return cases


def published_cases(workers: Workers, seed: int | None = None) -> dict[str, list[Forecast]]:
    """Published figures beside the bands of priors files, by group; the seed is the files' unless given."""
    rows = rows_of(PUBLISHED)
    cases: dict[str, list[Forecast]] = {row["group"]: [] for row in rows}
    runs: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        runs.setdefault((row["priors"], row["choice"], row["left_out"]), []).append(row)
    for (priors_file, chosen, without), here in runs.items():
        priors = load_priors(SHIPPED / f"{priors_file}.toml")
        if without:
            priors = load_priors(SHIPPED / f"{priors_file}.toml", [_mfu_without(without, priors)])
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
