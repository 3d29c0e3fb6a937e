"""Forecasts against outcomes: how well the bands held where the truth became known.

A case is forecast without itself: a run that the package ships by a fit to the others, a user's run by the
fit to all that are not of its name, a benchmark by a fit to other stacks and models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulate.backtest.scores import Group
from simulate.backtest.training import training_case
from simulate.calibration.training import read_runs, training_runs

TRAINING = "Accelerator-hours, each run forecast by a fit to the others"


@dataclass(frozen=True)
class Backtest:
    """Training runs, scored; other groups beside them; what was left out and why, and what could not be read.

    `excluded` are runs with the reason, `problems` a line for each row that could not be read.
    """

    training: Group
    groups: tuple[Group, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def backtest(cases_file: Path | None = None, seed: int | None = None) -> Backtest:
    """Forecast and score the cases that the package ships, or the runs of a CSV file (see `read_runs`).

    The seed is that of the scenarios behind the figures set beside priors files; training runs and
    benchmarks need none. Rows that cannot be read are named in `problems` and the others scored. Raises
    RunsError, in one line, for a file that is no table of runs.
    """
    runs, problems = (training_runs(), ()) if cases_file is None else read_runs(cases_file)
    about = (
        TRAINING if cases_file is None else "Accelerator-hours, forecast by a fit to open runs of other names"
    )
    training = Group("training runs", tuple(training_case(run) for run in runs if not run.excluded), about)
    groups: tuple[Group, ...] = ()
    if cases_file is None:
        from simulate.backtest.serving import benchmark_group, published_groups

        groups = (benchmark_group(), *published_groups(seed))
    return Backtest(training, groups, {run.model: run.excluded for run in runs if run.excluded}, problems)
