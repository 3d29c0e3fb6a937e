"""Runs to a precision: scenarios are added until sampling has told what was asked as sharply as was asked.

A target is met where the half-width of the 95 % interval, Student's t with one degree of freedom less than there are
replicates times the standard error, is no more than the share asked of the estimate. A run that stops when its own
standard error is small stops a little too often when that happens to be too small: benchmarks/coverage.py measures
how often the true error is within the target.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulate.engine import RunError
from simulate.sampling.sampler import REPLICATES

if TYPE_CHECKING:
    from xarray import Dataset

START = 2**16
CEILING = 2**27  # scenarios; about half a minute on two processors
USUAL = (5.0, 50.0, 95.0)

_TARGET = re.compile(
    r"(?:(?P<quantity>\w+):p(?P<percent>\d+(?:\.\d+)?)\s*=\s*)?(?P<value>\d*\.?\d+(?:e-?\d+)?)\s*(?P<sign>%?)"
)


@dataclass(frozen=True)
class Target:
    """The share of a quantity's percentile (percent) that its error may be."""

    quantity: str
    percent: float
    share: float

    def reached(self, dataset: Dataset) -> float:
        """The half-width of the 95 % interval as a share of the estimate; 0 where nothing is uncertain."""
        value = float(dataset[self.quantity].sel(percentile=self.percent))
        half_width = t_quantile() * float(dataset[f"{self.quantity}_se"].sel(percentile=self.percent))
        return half_width / abs(value) if half_width and value else half_width and math.inf


def t_quantile() -> float:
    """Student's t at 97.5 %, for the mean of the replicates."""
    from scipy.special import stdtrit

    return float(stdtrit(REPLICATES - 1, 0.975))


def targets(text: str, quantities: Sequence[str]) -> tuple[Target, ...]:
    """Read '0.5%' (of P5, P50 and P95 of each quantity) or 'capex:p95=0.2%', several joined by commas.

    Raises RunError for what cannot be read, or for a quantity that is not among those of the run.
    """
    found: list[Target] = []
    for part in text.split(","):
        match = _TARGET.fullmatch(part.strip())
        if not match:
            raise RunError(f"--precision: {part.strip()!r} is no target; write 0.5% or capex:p95=0.2%")
        share = float(match["value"]) / (100 if match["sign"] else 1)
        if not 0 < share < 1:
            raise RunError(f"--precision: {part.strip()!r} is not between 0 and 100 %; write 0.5%")
        if match["quantity"] is None:
            found += [Target(name, percent, share) for name in quantities for percent in USUAL]
            continue
        if match["quantity"] not in quantities:
            raise RunError(
                f"--precision: {match['quantity']} is not among {', '.join(quantities)}; add it to --quantities"
            )
        percent = float(match["percent"])
        if not 0 < percent < 100:
            raise RunError(f"--precision: p{percent:g} is no percentile; choose between 0 and 100")
        found.append(Target(match["quantity"], percent, share))
    return tuple(found)


def run_to(
    asked: Sequence[Target],
    run: Callable[[int, Sequence[float]], Dataset],
    percentiles: Sequence[float],
    *,
    start: int = START,
    ceiling: int = CEILING,
) -> Dataset:
    """Run with more and more scenarios until every target is met, or the next step would pass the ceiling.

    `run` takes a number of scenarios and the percentiles to tell. The attribute `precision` of the Dataset says what
    was reached; `percentiles` are those that it keeps.
    """
    all_percents = sorted({*percentiles, *(target.percent for target in asked)})
    scenarios = start
    while True:
        dataset = run(scenarios, all_percents)
        misses = [(target, share) for target in asked if (share := target.reached(dataset)) > target.share]
        used = int(dataset.attrs["scenarios"])
        if not misses or 2 * used > ceiling:
            break
        # errors fall at least with the square root of the scenarios; a step is no more than sixteenfold
        needed = max((share / target.share) ** 2 for target, share in misses)
        scenarios = min(used * 2 ** max(1, min(4, math.ceil(math.log2(min(needed, 16))) - 1)), ceiling)
    worst, share = max(((t, t.reached(dataset)) for t in asked), key=lambda each: each[1] / each[0].share)
    told = f"P{worst.percent:g} of {worst.quantity} is known to {100 * share:.2g} % (95 % interval)"
    said = (
        f"precision reached: {told}"
        if not misses
        else f"precision not reached with {used:,} scenarios: {told}"
    )
    return dataset.sel(percentile=np.array(percentiles)).assign_attrs(precision=said)
