"""Runs to a precision: scenarios are added until sampling has told what was asked as sharply as was asked.

A target is met where the half-width of the 95 % interval, Student's t with one degree of freedom less than there are
replicates times the standard error, is no more than the share asked: of the estimate of a quantity that is positive, of
the width of the band of one that may be 0 or negative, for an estimate near 0 is known to no share of itself. A run
that stops when its own standard error is small stops a little too often when that happens to be too small:
benchmarks/coverage.py measures how often the true error is within the target.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulate.conditions import FEWEST, TooFewError
from simulate.errors import SimulateError
from simulate.figures import percent_text, percentile_name
from simulate.grammar import PRECISION
from simulate.graph import Array
from simulate.results import Result
from simulate.settings import Settings, most_scenarios
from simulate.spread import NONE_SEEN, t_quantile

START = 2**16
CEILING = 2**27  # scenarios; about half a minute on two processors
USUAL = (5.0, 50.0, 95.0)


WIDTH = "the width from P5 to P95"  # of a band


def relative(result: Result, values: ArrayLike, errors: ArrayLike, **at: Any) -> tuple[Array, bool]:
    """Errors of a quantity's figures as shares: of the figures, or of its band's width, and whether of the latter.

    Of the width where the quantity is not positive throughout, judged by the lowest of the fine percentiles. Where P5
    and P95 are the same, the width is that from the least value to the greatest. `at` are labels of the quantity.
    """
    curve, percents = result.at("fine_percentiles", **at), result["fine_percentile"]
    of_width = not curve[0] > 0
    parts = np.abs(np.asarray(values)) / 2  # halves, for a width need not be a float
    if of_width:
        low, high = np.interp([5, 95], percents, curve) / 2
        least, greatest = (result.at(end, **at) / 2 for end in ("minimum", "maximum"))
        parts = np.full_like(parts, high - low or greatest - least)
    with np.errstate(all="ignore"):
        shares: Array = np.where(np.asarray(errors) == 0, 0.0, np.asarray(errors) / 2 / parts)
    return shares, of_width


@dataclass(frozen=True)
class Target:
    """The share that the error of a quantity's percentile (percent) may be, as `relative` tells it."""

    quantity: str
    percent: float
    share: float

    def reached(self, result: Result) -> tuple[float, bool]:
        """The half-width of the 95 % interval as a share, and whether of the band; infinite where it is not known."""
        value, error = result.estimate("percentiles", quantity=self.quantity, percentile=self.percent)
        share, of_width = relative(result, value, t_quantile() * error, quantity=self.quantity)
        return math.inf if math.isnan(share) else float(share), of_width


def targets(text: str, quantities: Sequence[str]) -> tuple[Target, ...]:
    """Read targets; '0.5%' stands for P5, P50 and P95 of each quantity.

    Raises SimulateError for what cannot be read, or for a quantity that is not among those of the run.
    """
    found: list[Target] = []
    for quantity, percent, share in PRECISION.read(text, "--precision"):
        if quantity is not None and quantity not in quantities:
            raise SimulateError(f"--precision: {quantity} is not among {', '.join(quantities)}; add it to --quantities")
        names = quantities if quantity is None else (quantity,)
        percents = USUAL if percent is None else (percent,)
        found += [Target(name, each, share) for name in names for each in percents]
    return tuple(found)


def to_precision(
    run: Callable[[Settings], Result],
    settings: Settings,
    asked: Sequence[Target],
    start: int | None = None,
    ceiling: int | None = None,
) -> Result:
    """Run with more and more scenarios until every target is met, or the next step would pass the ceiling.

    `start` are the first run's; the ceiling is by default no more than the environment allows. The result has the
    percentiles of the settings, and says in its provenance under `precision` what was reached. Where conditions leave
    too few scenarios, more are added as long as as many as the ceiling may leave enough; else TooFewError is raised.
    """
    ceiling = ceiling or min(CEILING, most_scenarios())
    told, count = settings.percentiles, start or min(START, ceiling)
    settings = settings.asked(percentiles=[*told, *(target.percent for target in asked)])
    while True:
        try:
            result = run(settings.asked(scenarios=count))
        except TooFewError as few:
            count = _until_enough(few, ceiling)
            continue
        reached = [(target, *target.reached(result)) for target in asked]
        misses = [(target, share) for target, share, _ in reached if share > target.share]
        used = result.attributes["scenarios"]
        if not misses or 2 * used > ceiling:
            break
        # errors fall at least with the square root of the scenarios; a step is no more than sixteenfold
        needed = min(max(share / target.share for target, share in misses), 4.0) ** 2
        count = min(used * 2 ** max(1, math.ceil(math.log2(needed)) - 1), ceiling)
    worst, share, of_width = max(reached, key=lambda each: each[1] / each[0].share)
    met = f"not reached with {used:,} scenarios" if misses else "reached"
    known = f"{percent_text(share, digits=2)}{f' of {WIDTH}' if of_width else ''}"
    known_of = f"{percentile_name(worst.percent)} of {worst.quantity}"
    result.provenance["precision"] = {
        "reached": not misses,
        "quantity": worst.quantity,
        "percentile": worst.percent,
        "asked": worst.share,
        "known": share,  # half of the 95 % interval, a share of the percentile or of the width
        "of_width": bool(of_width),
        "text": f"precision {met}: {known_of} is known to {known} (95 % interval)",
    }
    return result.taken("percentile", told)


def _until_enough(few: TooFewError, ceiling: int) -> int:
    """How many scenarios to draw next that conditions may leave enough of them: at most sixteen times as many.

    Raises the error where not even the ceiling would, by what is left of those drawn, at 95 %.
    """
    left, drawn = few.kept.effective, few.kept.drawn
    at_most = left + NONE_SEEN + 2 * math.sqrt(left)
    if 2 * drawn > ceiling or at_most * ceiling / drawn < FEWEST:
        raise few
    step = min(FEWEST / max(left, 1.0), 16.0)
    return int(min(drawn * 2 ** max(1, math.ceil(math.log2(step))), ceiling))
