"""How well forecasts held: the share of outcomes inside their bands, CRPS, log score, PIT.

Scores are of ln(outcome), so that a factor counts alike upwards and downwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
BANDS = (50, 80, 90)  # central, in percent
STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True)
class Case:
    """A forecast and its outcome, scored.

    `percentiles` of the forecast and `outcome` are in `unit`; `pit` is the forecast's probability of
    an outcome no greater than it; `crps` and `log_score` are of ln(outcome), the less the better;
    `baseline_errors` are ln(outcome / point) of the point forecasts that stand beside it.
    """

    name: str
    outcome: float
    unit: str
    percentiles: Mapping[int, float]
    pit: float
    crps: float
    log_score: float
    source: str = ""
    baseline_errors: Mapping[str, float] = field(default_factory=dict)

    def inside(self, band: int) -> bool:
        """Whether the outcome lies inside the central band, in percent."""
        return abs(self.pit - 0.5) <= band / 200


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
class Group:
    """Scored cases of one kind."""

    name: str
    cases: tuple[Case, ...]
    about: str = ""  # how they are forecast, and what they are

    @property
    def coverage(self) -> dict[int, Coverage]:
        """Coverage of each central band in BANDS."""
        return {
            band: Coverage(sum(case.inside(band) for case in self.cases), len(self.cases)) for band in BANDS
        }

    @property
    def crps(self) -> float:
        """Mean continuous ranked probability score of ln(outcome)."""
        return mean([case.crps for case in self.cases])

    @property
    def log_score(self) -> float:
        """Mean of -ln(forecast density) at ln(outcome)."""
        return mean([case.log_score for case in self.cases])

    def pit_counts(self, bins: int = 10) -> Array:
        """Numbers of cases by PIT, in bins of equal width, shape (bins,): flat when calibrated."""
        counts, _ = np.histogram([case.pit for case in self.cases], bins, (0, 1))
        return counts.astype(np.float64)

    def point_scores(self, baseline: str) -> tuple[float, float]:
        """CRPS and log score of a point forecast that stands beside the cases.

        A point's CRPS is its absolute error. It has no density: its log score is that of a normal
        distribution about it whose sd is the root mean square error on these very cases, the most
        favourable one.
        """
        errors = np.array([c.baseline_errors[baseline] for c in self.cases if baseline in c.baseline_errors])
        mean_square = mean(errors**2)
        log_score = 0.5 * math.log(2 * math.pi * math.e * mean_square) if mean_square > 0 else math.nan
        return mean(np.abs(errors)), log_score


def normal_case(
    name: str,
    outcome: float,
    unit: str,
    *,
    log_median: float,
    log_sd: float,
    source: str = "",
    baseline_errors: Mapping[str, float] | None = None,
) -> Case:
    """Score a lognormal forecast by the mean and the standard deviation of its logarithm."""
    deviation = (math.log(outcome) - log_median) / log_sd
    return Case(
        name=name,
        outcome=outcome,
        unit=unit,
        percentiles={
            percentile: math.exp(log_median + log_sd * STANDARD_NORMAL.inv_cdf(percentile / 100))
            for percentile in PERCENTILES
        },
        pit=STANDARD_NORMAL.cdf(deviation),
        crps=log_sd * standard_normal_crps(deviation),
        log_score=math.log(log_sd) + 0.5 * math.log(2 * math.pi) + 0.5 * deviation**2,
        source=source,
        baseline_errors=baseline_errors or {},
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


def mean(values: Sequence[float] | Array) -> float:
    """Return the mean; nan of nothing."""
    return float(np.mean(values)) if len(values) else math.nan
