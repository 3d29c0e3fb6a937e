"""How well forecasts held: the share of outcomes inside their bands, CRPS, log score, PIT.

Scores are of ln(outcome), so that a factor counts alike upwards and downwards.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.graph import Array
from simulate.rulers import Counts

PERCENTILES = (1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0)  # told of a forecast
BANDS = (50.0, 80.0, 90.0)  # central, in percent
BINS = 10  # of a PIT histogram
STANDARD_NORMAL = NormalDist()


class Forecast(NamedTuple):
    """A forecast and its outcome, scored.

    The forecast's `percentiles`, at `PERCENTILES`, and `outcome` are in `unit`; `pit` is the forecast's probability
    of an outcome no greater than it; `crps` and `log_score` are of ln(outcome), the less the better.
    """

    name: str
    outcome: float
    unit: str
    percentiles: tuple[float, ...]
    pit: float
    crps: float
    log_score: float
    source: str = ""
    kind: str = ""  # of several that one question forecasts
    cluster: str = ""  # forecasts that are right or wrong together


def normal_case(
    name: str, outcome: float, unit: str, *, log_median: float, log_sd: float, source: str = ""
) -> Forecast:
    """Score a lognormal forecast by the mean and the standard deviation of its logarithm."""
    deviation = (math.log(outcome) - log_median) / log_sd
    deviations = (STANDARD_NORMAL.inv_cdf(percent / 100) for percent in PERCENTILES)
    percentiles = tuple(math.exp(log_median + log_sd * each) for each in deviations)
    crps, log_score = log_sd * standard_normal_crps(deviation), _normal_log_score(deviation, log_sd)
    return Forecast(name, outcome, unit, percentiles, STANDARD_NORMAL.cdf(deviation), crps, log_score, source)


def quantile_case(
    name: str, outcome: float, unit: str, *, probabilities: ArrayLike, quantiles: ArrayLike, source: str = ""
) -> Forecast:
    """Score a forecast that is known by its quantiles, which are positive and rise with `probabilities`.

    Both have the shape (n,); beyond the outermost quantiles the forecast is taken to end. The log score
    is that of a normal distribution through the quartiles of the logarithm.
    """
    p, log_quantiles = np.asarray(probabilities, float), np.log(np.asarray(quantiles, float))
    percentiles = tuple(math.exp(np.interp(percent / 100, p, log_quantiles)) for percent in PERCENTILES)
    lower, middle, upper = np.interp([0.25, 0.5, 0.75], p, log_quantiles).tolist()
    sd = (upper - lower) / (2 * STANDARD_NORMAL.inv_cdf(0.75))
    log_outcome = math.log(outcome)
    pit, crps = float(np.interp(log_outcome, log_quantiles, p)), quantile_crps(log_outcome, p, log_quantiles)
    return Forecast(
        name, outcome, unit, percentiles, pit, crps, _normal_log_score((log_outcome - middle) / sd, sd), source
    )


def _normal_log_score(deviation: float, sd: float) -> float:
    """-ln of a normal density, so many standard deviations from its mean."""
    return math.log(sd) + 0.5 * math.log(2 * math.pi) + 0.5 * deviation**2


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


def point_scores(errors: Array) -> tuple[float, float]:
    """CRPS and log score of a point forecast, from the errors of its logarithm, shape (cases,).

    A point's CRPS is its absolute error. It has no density: its log score is that of a normal distribution about
    it whose sd is the root mean square error on these very cases, the most favourable one.
    """
    mean_square = float(np.mean(errors**2))
    log_score = 0.5 * math.log(2 * math.pi * math.e * mean_square) if mean_square > 0 else math.nan
    return float(np.mean(np.abs(errors))), log_score


def inside(pit: Any, band: float) -> Any:
    """Whether an outcome of this PIT lies inside the central band, in percent; broadcasts."""
    return abs(pit - 0.5) <= band / 200


def coverage_interval(held: int, cases: int) -> tuple[float, float]:
    """Bounds of the true share of outcomes inside a band [1] of which `held` are, at 95 % confidence.

    Source: Clopper, Pearson 1934.
    """
    from simulate.special import betaincinv

    lower = float(betaincinv(held, cases - held + 1, 0.025)) if held > 0 else 0.0
    upper = float(betaincinv(held + 1, cases - held, 0.975)) if held < cases else 1.0
    return lower, upper


def clustered_interval(held: NDArray[np.bool_], clusters: Sequence[str]) -> tuple[float, float]:
    """Bounds of the true share of outcomes inside a band [1] at 95 % confidence, where clusters are right together.

    `held` says of each outcome whether it is inside, `clusters` to which it belongs. Clusters are drawn with
    replacement, 4,000 times by a fixed seed. Of few clusters the interval is too narrow.
    Source: Davison, Hinkley 1997, section 3.8.
    """
    names, members = np.unique(np.asarray(clusters), return_inverse=True)
    counts, inside_counts = (np.bincount(members, weights, len(names)) for weights in (None, held))
    drawn = np.random.default_rng(0).integers(len(names), size=(4_000, len(names)))
    shares = inside_counts[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    lower, upper = np.quantile(shares, (0.025, 0.975)).tolist()
    return lower, upper


def pit_counts(pits: ArrayLike) -> Counts:
    """Numbers of cases by PIT, in `BINS` bins of equal width: flat when the forecasts are calibrated."""
    return np.histogram(pits, BINS, (0, 1))[0].astype(np.int64)
