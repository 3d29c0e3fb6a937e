"""`simulate backtest`: forecasts against outcomes."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from simulate.cli.emitting import emit
from simulate.cli.options import Backend, Output, Scheduler, Seed, Workers


def command(
    cases: Annotated[
        Path | None,
        typer.Argument(metavar="CASES", help="A CSV file of training runs; the package's cases without it."),
    ] = None,
    *,
    seed: Seed = None,
    backend: Backend = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    output: Output,
) -> None:
    """Score forecasts against outcomes.

    Prints the share of outcomes inside the 50, 80 and 90 % bands, CRPS and log score beside those of point
    forecasts, and a PIT histogram. Writes backtest.nc, backtest.csv and, as .png and .svg, forecast (bands
    against outcomes), pit, and serving (the other cases, over their forecast). A run is forecast by the runs
    of other names.

    CASES has the columns model, parameters_active, mixture_of_experts, training_tokens, peak_flops (or
    accelerator) and accelerator_hours, and may have peak_gain (2 where peak_flops is that of FP8)
    and hours_kind (throughput: of steps alone); others are ignored. A row that cannot be read gets one line on
    stderr and the rest are scored. The exit code is 0 where any was scored, else 2.

    \b
    Examples:
      simulate backtest
      simulate backtest my-runs.csv --format json
    """  # noqa: D301
    from simulate.backtesting import backtest
    from simulate.results.folder import name_of

    paths = [] if cases is None else [cases]
    ask = partial(backtest, cases, seed=seed, backend=backend, workers=workers, scheduler=scheduler)
    emit("backtest", ask, output, name_of(cases or Path("backtest")), paths)
