"""Statistics of a column, each one row: what it is of a summary, and how the replicates give its standard error.

A statistic added here is told by every question.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulate.errors import none_such
from simulate.figures import percent_name, percentile_name
from simulate.graph import Array
from simulate.settings import Percent, checked
from simulate.spread import Influence, around, influenced, interval_error, percentile_errors
from simulate.summary import Summary, percentiles_of

FINE = tuple(np.arange(0.5, 100, 0.5).tolist())  # percents of the curve kept of every column


@dataclass(frozen=True)
class Statistic:
    """A statistic of columns: a number each, or one at each label of the dimension `along`.

    All columns are told at once, along the first axis of what `of` gives. `error` gives the standard errors from what
    the replicates keep, along the first axis, the columns along the second, and the summaries of all; None where it
    has none. `unit` is its unit, the quantity's own where that is empty. A replicate keeps its own value, unless
    `kept` says what else; `linear` then makes of that, and the summaries of all, values whose mean is the statistic and
    whose spread gives the error. `influence` is what a scenario at a value adds, up to a constant. Figures at
    `percents` are but bounds where few scenarios lie beyond.
    """

    name: str
    of: Callable[[Sequence[Summary]], Array]
    label: str
    error: Callable[[Array, Sequence[Summary]], Array] | None = None
    along: str = ""
    labels: tuple[Any, ...] = ()
    unit: str = ""
    kept: Callable[[Sequence[Summary]], Array] | None = None
    linear: Callable[[Array, Sequence[Summary]], Array] | None = None
    influence: Influence | None = None
    percents: tuple[float, ...] = ()


def percentiles(percents: Sequence[float]) -> Statistic:
    """The values below which the given percents of the scenarios lie."""
    return Statistic(
        "percentiles",
        lambda summaries: percentiles_of(summaries, percents),
        "percentiles",
        lambda kept, summaries: percentile_errors(percents, kept, summaries).errors,
        along="percentile",
        labels=tuple(percents),
        kept=lambda summaries: around(percents, summaries),
        linear=lambda kept, summaries: percentile_errors(percents, kept, summaries).replicates,
        percents=tuple(percents),
    )


def single_percentile(percent: float) -> Statistic:
    """One of them, a number."""
    return Statistic(
        "percentile",
        lambda summaries: percentiles_of(summaries, [percent])[:, 0],
        percentile_name(percent),
        lambda kept, summaries: percentile_errors([percent], kept, summaries).errors[:, 0],
        kept=lambda summaries: around([percent], summaries),
        linear=lambda kept, summaries: percentile_errors([percent], kept, summaries).replicates[..., 0],
    )


def _each(of: Callable[[Summary], Any]) -> Callable[[Sequence[Summary]], Array]:
    """What a summary tells, of several."""
    return lambda summaries: np.array([of(each) for each in summaries])


def _moment(name: str, of: Callable[[Summary], Any], label: str, influence: Influence) -> Statistic:
    return Statistic(name, _each(of), label, influenced(influence), influence=influence)


def _in_square(summary: Summary, values: Array) -> Array:
    return (values - summary.mean) ** 2 / (2 * summary.sd)


MEAN = _moment("mean", lambda summary: summary.mean if summary.count else np.nan, "mean", lambda _, values: values)
SD = _moment("sd", lambda summary: summary.sd, "standard deviation", _in_square)
MINIMUM = Statistic("minimum", _each(lambda summary: summary.minimum), "least value")
MAXIMUM = Statistic("maximum", _each(lambda summary: summary.maximum), "greatest value")
NONFINITE = Statistic(
    "nonfinite", _each(lambda summary: summary.nonfinite), "scenarios that came out nan or infinite", unit="1"
)
CURVE = replace(
    percentiles(FINE),
    name="fine_percentiles",
    label="percentiles, finely",
    error=None,
    along="fine_percentile",
    percents=(),
)


def usual(percents: Sequence[float]) -> tuple[Statistic, ...]:
    """What every band tells."""
    return (percentiles(percents), MEAN, SD, MINIMUM, MAXIMUM, NONFINITE, CURVE)


def shortest(percent: float) -> Statistic:
    """The shortest interval that holds so many percent of the scenarios. Source: JCGM 101:2008, 5.3.4."""
    shortest_of = _each(lambda summary: summary.shortest_interval(percent))
    return Statistic(
        "shortest",
        shortest_of,
        f"shortest {percent_name(percent)} %",
        lambda ends, summaries: interval_error(ends, shortest_of(summaries)),
        "end",
        ("lower", "upper"),
    )


def expected_shortfall(percent: float) -> Statistic:
    """The mean of the scenarios beyond a percentile: how bad it is where it is bad (also CVaR, tail mean).

    Source: Acerbi and Tasche (2002), Journal of Banking and Finance 26, 1487-1503; here of the upper tail.
    """

    def influence(summary: Summary, values: Array) -> Array:
        return np.maximum(values - summary.percentiles([percent]), 0) / (1 - percent / 100)

    return _moment(
        "expected_shortfall",
        lambda summary: summary.mean_beyond(percent),
        f"mean beyond {percentile_name(percent)}",
        influence,
    )


# What `--statistic` adds to a run, by name; each takes a percent.
OPTIONAL: Mapping[str, Callable[[float], Statistic]] = {"expected_shortfall": expected_shortfall, "shortest": shortest}


def optional(name: str, percent: float | None = None) -> Statistic:
    """A statistic that a run tells when asked. Raises SimulateError for another name or percent."""
    if name not in OPTIONAL:
        raise none_such("statistic", name, OPTIONAL)
    return OPTIONAL[name](checked(Percent, f"statistic {name}", 95.0 if percent is None else percent))
