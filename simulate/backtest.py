"""Forecasts against outcomes: how well the bands held on training runs whose hours are known.

A case is forecast without itself: a run that the package ships by a fit to the others, a user's run
by the fit to all that are not of its name. Scores are of ln(outcome), so that a factor counts alike
upwards and downwards. What a case's source says of its own MFU is never used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.calibration.training import Run, fit, read_runs, training_runs

Array = NDArray[np.float64]

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
BANDS = (50, 80, 90)  # central, in percent
STANDARD_NORMAL = NormalDist()
# The step MFU of PaLM that the note takes for all runs, and the median MFU of Epoch AI 2024.
BASELINES: Mapping[str, float] = {"mfu_46.2": 0.462, "mfu_37.5": 0.375}


@dataclass(frozen=True)
class Case:
    """A forecast and its outcome, scored.

    `percentiles` of the forecast and `outcome` are in `unit`; `pit` is the forecast's probability of
    an outcome no greater than it; `crps` and `log_score` are of ln(outcome), the less the better;
    `baseline_errors` are ln(outcome / point) of each point forecast that stands beside it.
    """

    name: str
    outcome: float
    unit: str
    percentiles: Mapping[int, float]
    pit: float
    crps: float
    log_score: float
    baseline_errors: Mapping[str, float]
    source: str = ""


@dataclass(frozen=True)
class Coverage:
    """Share of outcomes inside a central band, with its 95 % Clopper-Pearson interval."""

    inside: int
    cases: int

    @property
    def share(self) -> float:
        """Share of the cases inside [1]; nan without cases."""
        return self.inside / self.cases if self.cases else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the true share [1] at 95 % confidence. Source: Clopper, Pearson 1934."""
        from scipy.special import betaincinv

        k, n = self.inside, self.cases
        lower = float(betaincinv(k, n - k + 1, 0.025)) if k > 0 else 0.0
        upper = float(betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0
        return lower, upper


@dataclass(frozen=True)
class Backtest:
    """Scored cases; runs left out, with the reason; and a line for each row that could not be read."""

    cases: tuple[Case, ...]
    excluded: Mapping[str, str]
    problems: tuple[str, ...] = ()

    @property
    def coverage(self) -> dict[int, Coverage]:
        """Coverage of each central band in BANDS."""
        pits = np.array([case.pit for case in self.cases])
        return {
            band: Coverage(int(np.sum(np.abs(pits - 0.5) <= band / 200)), len(self.cases)) for band in BANDS
        }

    @property
    def crps(self) -> float:
        """Mean continuous ranked probability score of ln(outcome)."""
        return _mean([case.crps for case in self.cases])

    @property
    def log_score(self) -> float:
        """Mean of -ln(forecast density) at ln(outcome)."""
        return _mean([case.log_score for case in self.cases])

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """Scores of the point forecasts.

        A point's CRPS is its absolute error. It has no density: its log score is that of a normal
        distribution about it whose sd is the root mean square error on these very cases, the most
        favourable one.
        """
        scores = {}
        for name, mfu in BASELINES.items():
            errors = np.array([c.baseline_errors[name] for c in self.cases if name in c.baseline_errors])
            mean_square = _mean(errors**2)
            scores[name] = {
                "mfu": mfu,
                "crps": _mean(np.abs(errors)),
                "log_score": 0.5 * math.log(2 * math.pi * math.e * mean_square) if mean_square else math.nan,
            }
        return scores

    def pit_counts(self, bins: int = 10) -> Array:
        """Numbers of cases by PIT, in bins of equal width, shape (bins,): flat when calibrated."""
        counts, _ = np.histogram([case.pit for case in self.cases], bins, (0, 1))
        return counts.astype(np.float64)


def backtest(cases_file: Path | None = None) -> Backtest:
    """Forecast and score the runs that the package ships, or those of a CSV file (see `read_runs`).

    Raises ValueError, in one line, for a file that is no table of runs, and OSError for one that
    cannot be read. Rows that cannot be read are named in `problems` and the others scored.
    """
    runs, problems = (training_runs(), ()) if cases_file is None else read_runs(cases_file)
    cases = tuple(training_case(run) for run in runs if not run.excluded)
    return Backtest(cases, {run.model: run.excluded for run in runs if run.excluded}, problems)


def training_case(run: Run) -> Case:
    """Forecast the accelerator-hours of a run by a fit that has not seen it, and score them."""
    others = [other for other in training_runs() if not other.excluded and other.model != run.model]
    mean, sd = fit(others).log_mean_and_sd(
        run.parameters_active, run.peak_flops, float(run.mixture_of_experts)
    )
    log_median, log_sd = math.log(run.hours_at_peak) - float(mean), float(sd)
    deviation = (math.log(run.accelerator_hours) - log_median) / log_sd
    return Case(
        name=run.model,
        outcome=run.accelerator_hours,
        unit="hour",
        percentiles={
            percentile: math.exp(log_median + log_sd * STANDARD_NORMAL.inv_cdf(percentile / 100))
            for percentile in PERCENTILES
        },
        pit=STANDARD_NORMAL.cdf(deviation),
        crps=log_sd * standard_normal_crps(deviation),
        log_score=math.log(log_sd) + 0.5 * math.log(2 * math.pi) + 0.5 * deviation**2,
        baseline_errors={name: math.log(mfu / run.mfu) for name, mfu in BASELINES.items()},
        source=run.source,
    )


def quantile_case(
    name: str,
    outcome: float,
    unit: str,
    *,
    probabilities: ArrayLike,
    quantiles: ArrayLike,
    source: str = "",
) -> Case:
    """Score a forecast that is known by its quantiles, which are positive and rise with `probabilities`.

    Both have the shape (n,); beyond the outermost quantiles the forecast is taken to end. The log score
    is that of a normal distribution through the quartiles of the logarithm.
    """
    p, log_quantiles = np.asarray(probabilities, float), np.log(np.asarray(quantiles, float))
    log_outcome = math.log(outcome)
    lower, middle, upper = (float(np.interp(at, p, log_quantiles)) for at in (0.25, 0.5, 0.75))
    sd = (upper - lower) / (2 * STANDARD_NORMAL.inv_cdf(0.75))
    deviation = (log_outcome - middle) / sd
    return Case(
        name=name,
        outcome=outcome,
        unit=unit,
        percentiles={
            percentile: math.exp(np.interp(percentile / 100, p, log_quantiles)) for percentile in PERCENTILES
        },
        pit=float(np.interp(log_outcome, log_quantiles, p)),
        crps=quantile_crps(log_outcome, p, log_quantiles),
        log_score=math.log(sd) + 0.5 * math.log(2 * math.pi) + 0.5 * deviation**2,
        baseline_errors={},
        source=source,
    )


def standard_normal_crps(outcome: float) -> float:
    """Compute the CRPS of a standard normal forecast; that of N(m, s) is s times it, at (x - m) / s.

    Source: Gneiting, Raftery 2007, section 4.2.
    """
    below, density = STANDARD_NORMAL.cdf(outcome), STANDARD_NORMAL.pdf(outcome)
    return outcome * (2 * below - 1) + 2 * density - 1 / math.sqrt(math.pi)


def quantile_crps(outcome: float, probabilities: ArrayLike, quantiles: ArrayLike) -> float:
    """Compute the CRPS of a forecast that is known by its quantiles: twice the mean of the quantile losses.

    Both have the shape (n,) and rise; between them the quantile function is linear, outside constant.
    Source: Gneiting, Ranjan 2011, equation 16.
    """
    at = (np.arange(10_000) + 0.5) / 10_000
    forecast = np.interp(at, np.asarray(probabilities, float), np.asarray(quantiles, float))
    return float(2 * np.mean(((outcome <= forecast) - at) * (forecast - outcome)))


def as_json(result: Backtest) -> dict[str, Any]:
    """Lay out a backtest as `simulate backtest --format json` prints it; shares are of 1."""
    coverage = result.coverage
    return {
        "cases": [
            {
                "name": case.name,
                "outcome": case.outcome,
                "unit": case.unit,
                "pit": case.pit,
                "crps": case.crps,
                "log_score": case.log_score,
                "percentiles": {str(percentile): value for percentile, value in case.percentiles.items()},
                "source": case.source,
            }
            for case in result.cases
        ],
        "coverage": {str(band): _number(found.share) for band, found in coverage.items()},
        "coverage_interval": {str(band): list(found.interval) for band, found in coverage.items()},
        "crps": _number(result.crps),
        "log_score": _number(result.log_score),
        "baselines": {
            name: {score: _number(value) for score, value in scores.items()}
            for name, scores in result.baselines.items()
        },
        "pit_histogram": result.pit_counts().astype(int).tolist(),
        "excluded": dict(result.excluded),
        "problems": list(result.problems),
    }


def as_rows(result: Backtest) -> list[list[str]]:
    """Lay out the cases as the rows of `backtest.csv`, the header first."""
    header = ["name", "outcome", "unit", *(f"p{at}" for at in PERCENTILES), "pit", "crps", "log_score"]
    rows = [[*header, "source"]]
    for case in result.cases:
        numbers = [*case.percentiles.values(), case.pit, case.crps, case.log_score]
        rows.append([case.name, repr(case.outcome), case.unit, *map(repr, numbers), case.source])
    return rows


def _mean(values: Sequence[float] | Array) -> float:
    """Return the mean; nan of nothing."""
    return float(np.mean(values)) if len(values) else math.nan


def _number(value: float) -> float | None:
    """Return the number as JSON can state it: nothing for what is not finite."""
    return value if math.isfinite(value) else None
