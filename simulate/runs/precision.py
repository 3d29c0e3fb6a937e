"""Runs to a precision: scenarios are added until sampling has told what was asked as sharply as was asked.

A target is met where the half-width of the 95 % interval, Student's t with one degree of freedom less than there are
replicates times the standard error, is no more than the share asked of the estimate. A run that stops when its own
standard error is small stops a little too often when that happens to be too small: benchmarks/coverage.py measures
how often the true error is within the target.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulate.errors import SimulateError
from simulate.grammar import PRECISION
from simulate.results import Result
from simulate.settings import Settings
from simulate.spread import t_quantile

START = 2**16
CEILING = 2**27  # scenarios; about half a minute on two processors
USUAL = (5.0, 50.0, 95.0)


@dataclass(frozen=True)
class Target:
    """The share of a quantity's percentile (percent) that its error may be."""

    quantity: str
    percent: float
    share: float

    def reached(self, result: Result) -> float:
        """The half-width of the 95 % interval as a share of the estimate; 0 where nothing is uncertain."""
        value, error = result.estimate("percentiles", quantity=self.quantity, percentile=self.percent)
        half_width = t_quantile() * error
        return float(half_width / abs(value) if half_width and value else half_width and math.inf)


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
    ceiling: int = CEILING,
) -> Result:
    """Run with more and more scenarios until every target is met, or the next step would pass the ceiling.

    `start` are the first run's. The result has the percentiles of the settings, and says in its provenance under
    `precision` what was reached.
    """
    told, count = settings.percentiles, start or START
    settings = settings.asked(percentiles=[*told, *(target.percent for target in asked)])
    while True:
        result = run(settings.asked(scenarios=count))
        reached = [(target, target.reached(result)) for target in asked]
        misses = [(target, share) for target, share in reached if share > target.share]
        used = result.attributes["scenarios"]
        if not misses or 2 * used > ceiling:
            break
        # errors fall at least with the square root of the scenarios; a step is no more than sixteenfold
        needed = max((share / target.share) ** 2 for target, share in misses)
        count = min(used * 2 ** max(1, min(4, math.ceil(math.log2(min(needed, 16))) - 1)), ceiling)
    worst, share = max(reached, key=lambda each: each[1] / each[0].share)
    met = f"not reached with {used:,} scenarios" if misses else "reached"
    result.provenance["precision"] = (
        f"precision {met}: P{worst.percent:g} of {worst.quantity} is known to {100 * share:.2g} % (95 % interval)"
    )
    return result.taken("percentile", told)
