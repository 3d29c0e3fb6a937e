"""Runs to a precision: scenarios are added until sampling has told what was asked as sharply as was asked.

A target is met where the half-width of the 95 % interval, Student's t with one degree of freedom less than there are
replicates times the standard error, is no more than the share asked of the estimate. A run that stops when its own
standard error is small stops a little too often when that happens to be too small: benchmarks/coverage.py measures
how often the true error is within the target.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from simulate.errors import SimulateError
from simulate.results import Result
from simulate.sampling.sampler import REPLICATES

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

    def reached(self, result: Result) -> float:
        """The half-width of the 95 % interval as a share of the estimate; 0 where nothing is uncertain."""
        value, error = result.estimate("percentiles", quantity=self.quantity, percentile=self.percent)
        half_width = t_quantile() * error
        return float(half_width / abs(value) if half_width and value else half_width and math.inf)


def t_quantile() -> float:
    """Student's t at 97.5 %, for the mean of the replicates."""
    from scipy.special import stdtrit

    return float(stdtrit(REPLICATES - 1, 0.975))


def targets(text: str, quantities: Sequence[str]) -> tuple[Target, ...]:
    """Read '0.5%' (of P5, P50 and P95 of each quantity) or 'capex:p95=0.2%', several joined by commas.

    Raises SimulateError for what cannot be read, or for a quantity that is not among those of the run.
    """
    found: list[Target] = []
    for part in text.split(","):
        match = _TARGET.fullmatch(part.strip())
        if not match:
            raise SimulateError(f"--precision: {part.strip()!r} is no target; write 0.5% or capex:p95=0.2%")
        share = float(match["value"]) / (100 if match["sign"] else 1)
        if not 0 < share < 1:
            raise SimulateError(f"--precision: {part.strip()!r} is not between 0 and 100 %; write 0.5%")
        if match["quantity"] is None:
            found += [Target(name, percent, share) for name in quantities for percent in USUAL]
            continue
        if match["quantity"] not in quantities:
            raise SimulateError(
                f"--precision: {match['quantity']} is not among {', '.join(quantities)}; add it to --quantities"
            )
        percent = float(match["percent"])
        if not 0 < percent < 100:
            raise SimulateError(f"--precision: p{percent:g} is no percentile; choose between 0 and 100")
        found.append(Target(match["quantity"], percent, share))
    return tuple(found)


def further(
    result: Result, asked: Sequence[Target], ceiling: int = CEILING
) -> tuple[int | None, str]:
    """How many scenarios to draw next, and what was reached; None where all targets are met or the ceiling is near."""
    reached = [(target, target.reached(result)) for target in asked]
    misses = [(target, share) for target, share in reached if share > target.share]
    used = int(result.attributes["scenarios"])
    worst, share = max(reached, key=lambda each: each[1] / each[0].share)
    told = f"P{worst.percent:g} of {worst.quantity} is known to {100 * share:.2g} % (95 % interval)"
    if not misses:
        return None, f"precision reached: {told}"
    if 2 * used > ceiling:
        return None, f"precision not reached with {used:,} scenarios: {told}"
    # errors fall at least with the square root of the scenarios; a step is no more than sixteenfold
    needed = max((share / target.share) ** 2 for target, share in misses)
    return min(used * 2 ** max(1, min(4, math.ceil(math.log2(min(needed, 16))) - 1)), ceiling), told
