"""Training runs: their accelerator-hours forecast by a fit that has not seen them.

What a run's source says of its own MFU is never used.
"""

import math
import re
from collections.abc import Mapping
from functools import cache

from simulate.backtesting.scores import Forecast, normal_case
from simulate.calibration.training import TrainingRun, fit_training_mfu, fitted_runs
from simulate.model.training import TYPICAL_OVERHEAD
from simulate.model.training_mfu import TrainingMfu

NAME = "training runs"
# The step MFU of PaLM that the note takes for all runs, and the median MFU of Epoch AI 2024.
BASELINES: Mapping[str, float] = {"mfu_46.2": 0.462, "mfu_37.5": 0.375}


def training_case(run: TrainingRun) -> Forecast:
    """Forecast the accelerator-hours of a run by a fit that has not seen it, and score them."""
    log_mfu, log_sd = log_mfu_forecast(run)
    log_median = math.log(run.hours_at_peak) - log_mfu
    return normal_case(run.model, run.accelerator_hours, "h", log_median=log_median, log_sd=log_sd, source=run.source)


def log_mfu_forecast(run: TrainingRun) -> tuple[float, float]:
    """Mean and standard deviation of ln(MFU) by the fit to all runs of the package but those of this run's name.

    Steps that are not disturbed have the typical overhead less.
    """
    fitted = _fit_without(_plain(run.model))
    mean, sd = fitted.log_mean_and_sd(
        run.parameters_active, run.peak_flops, float(run.mixture_of_experts), run.peak_gain
    )
    return float(mean) + math.log(TYPICAL_OVERHEAD) * run.undisturbed, float(sd)


@cache
def _fit_without(model: str) -> TrainingMfu:
    return fit_training_mfu([run for run in fitted_runs() if _plain(run.model) != model])


def _plain(model: str) -> str:
    """A name without what may be written in several ways: case, blanks, hyphens."""
    return re.sub(r"[^a-z0-9.]", "", model.casefold())
