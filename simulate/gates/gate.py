"""Gates: a probability, a percentile or a mean held against a number, decided only where sampling leaves no doubt.

A gate fails where all of the 95 % interval of what is measured meets it, holds where nothing of it does, and is open
else. So it is decided wrongly with a probability of 2.5 % at most, and that only where the truth lies right at the
number; `benchmarks/coverage.md` tells how often such intervals hold the truth.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from simulate.bands import Band
from simulate.conditions import EXPLAIN, Condition, Questions, check_known
from simulate.errors import SimulateError, read_all
from simulate.formulas import Units
from simulate.grammar import GATE
from simulate.priors import Priors
from simulate.results import Result
from simulate.settings import MOST_SCENARIOS, Texts, checked
from simulate.spread import resolution, share_error, t_quantile

CHANGES = DIFFERENCE, RATIO = "difference_", "ratio_"  # before the names of quantities, of what sets two cases apart
FAILS, HOLDS, OPEN = "fails", "holds", "open"
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Measured(NamedTuple):
    """What a gate holds against its number: the estimate and its standard error.

    `most` is the same with all the scenarios in which the condition is undefined counted too. `resolved` is the part
    of the errors that falls with the number of scenarios, not with its root.
    """

    value: float
    error: float
    most: float
    most_error: float
    resolved: float = 0.0


@dataclass(frozen=True)
class Gate:
    """What is measured, P for the probability of the condition or the mean of the quantity in it, and the threshold."""

    text: str
    measure: str
    condition: Condition
    comparison: str
    threshold: float
    unit: str  # of the threshold
    change_of: str = ""  # the quantity whose difference or ratio between two cases it is about

    @property
    def measured(self) -> str:
        """What is measured, as text: P(capex > 2e9) also where a percentile was asked."""
        return f"{self.measure}({self.quantity or self.condition.text})"

    @property
    def quantity(self) -> str:
        """The quantity of a mean, else empty."""
        return self.condition.names[0] if self.measure == "mean" else ""

    def verdict(self, found: Measured) -> str:
        """Whether the gate fails, holds or is open."""
        t = t_quantile()
        ends = found.value - t * found.error, found.most + t * found.most_error
        if not all(map(math.isfinite, ends)):
            return OPEN
        if self.measure == "P":
            ends = max(ends[0], 0.0), min(ends[1], 1.0)
        met = {COMPARISONS[self.comparison](end, self.threshold) for end in ends}
        return OPEN if len(met) > 1 else FAILS if met.pop() else HOLDS

    def needed(self, found: Measured, scenarios: int) -> float:
        """How many scenarios would decide it if the estimate stayed as it is; nan where no number would.

        As if the error fell with the square root of the scenarios, as that of random draws does: others' falls at
        least as fast.
        """
        below = self.threshold <= found.value
        gap, error = (found.value, found.error) if below else (found.most, found.most_error)
        gap = abs(gap - self.threshold) / t_quantile()
        if found.value < self.threshold < found.most or not gap > 0 or not math.isfinite(error + gap):
            return math.nan
        resolved = found.resolved * scenarios / gap
        random = max(error**2 - found.resolved**2, 0.0) * scenarios / gap**2
        needed = (random + math.hypot(random, 2 * resolved)) / 2
        return 2.0 ** (math.floor(math.log2(needed)) + 1) if needed < MOST_SCENARIOS / 2 else math.nan


def gates(priors: Priors, texts: Sequence[str], changes_of: Sequence[str] = ()) -> tuple[Gate, ...]:
    """Read gates such as 'P(capex > 1e9) > 10%'. Raises SimulateError for all that cannot be read or measured.

    Of the quantities in `changes_of` they may name the difference from another case and the ratio to it, as
    difference_capex and ratio_capex.
    """
    units = {name: quantity.unit for name, quantity in priors.quantities.items()}
    changes = {f"{of}{name}": name for name in changes_of for of in CHANGES if f"{of}{name}" not in units}
    units |= {name: units[of] if name.startswith(DIFFERENCE) else "1" for name, of in changes.items()}
    asked = dict.fromkeys(checked(Texts, "fail_if", texts))
    return tuple(read_all(*(partial(_gate, priors, text, units, changes) for text in asked)))


def _gate(priors: Priors, text: str, units: Mapping[str, str], changes: Mapping[str, str]) -> Gate:
    held = GATE.read(text, "--fail-if", units, Units(units, counts=priors.counts))
    condition = Condition(held.condition.text, held.condition)
    where, about = f"--fail-if '{text}': ", {changes.get(name, "") for name in held.condition.names}
    if about == {""}:
        for name in condition.names:
            check_known(priors, name, where, EXPLAIN)
    elif len(about) > 1:
        raise SimulateError(f"{where}the difference or ratio of one quantity stands alone in a condition")
    unit = units[condition.names[0]] if held.measure == "mean" else "1"
    told = " ".join(text.split())
    return Gate(told, held.measure, condition, held.comparison, held.threshold, unit, about.pop())


def with_gates(asked: Questions, of_gates: Iterable[Gate]) -> Questions:
    """Questions in which the conditions of gates are probabilities that are asked too, each but once."""
    conditions = [gate.condition for gate in of_gates if not (gate.quantity or gate.change_of)]
    return replace(asked, probabilities=tuple(dict.fromkeys([*asked.probabilities, *conditions])))


def of_mean(band: Band) -> Measured:
    """The mean of a quantity."""
    mean, error = band.value("mean"), float(band.error("mean"))
    return Measured(mean, error, mean, error)


def of_condition(true: Band, undefined: Band) -> Measured:
    """The probability of a condition, from the columns that say where it is true and where it is undefined."""
    share, error = true.share()
    resolved = resolution(true.summary.effective) if error else 0.0
    if not undefined.value("mean"):
        return Measured(share, error, share, error, resolved)
    either = [sum(both) for both in zip(true.replicates("mean"), undefined.replicates("mean"), strict=True)]
    exact = true.fixed and undefined.fixed
    beside = 0.0 if exact else float(share_error(either, true.summary.effective))
    return Measured(share, error, share + undefined.value("mean"), beside, resolved)


def put_gates(
    result: Result, asked: Iterable[Gate], found: Mapping[tuple[str, ...], tuple[Gate, Measured]], *along: str
) -> None:
    """Put what gates measure into a result, with their verdicts, along `gate` and the further dimensions.

    The keys of `found` are labels along these, the text of the gate first.
    """
    if not (units := {gate.text: gate.unit for gate in asked}):
        return
    result.along("gate", list(units))
    result.beside("gate_unit", ("gate",), list(units.values()))
    dims = ("gate", *along)
    shape = tuple(len(result.labels(dimension)) for dimension in dims)

    def column(kind: Any, told: Callable[[Gate, Measured], Any]) -> Any:
        values = np.full(shape, "" if kind is object else np.nan, kind)
        for key, each in found.items():
            place = tuple(result.labels(dim).index(label) for dim, label in zip(dims, key, strict=True))
            values[place] = told(*each)
        return values

    scenarios = result.attributes["scenarios"]
    estimates, errors = column(float, lambda _, each: each.value), column(float, lambda _, each: each.error)
    result.put("gate_measured", dims, column(object, lambda gate, _: gate.measured), label="what the gate measures")
    result.put(
        "gate_estimate", dims, estimates, errors, label="estimate of what the gate measures", unit_of="gate_unit"
    )
    undefined = column(float, lambda _, each: each.most - each.value)
    if (undefined > 0).any():
        label = "probability that the condition is undefined, counted either way"
        result.put("gate_undefined", dims, undefined, label=label, unit="1")
    threshold = column(float, lambda gate, _: gate.threshold)
    result.put(
        "gate_threshold", dims, threshold, label="the number that the gate holds it against", unit_of="gate_unit"
    )
    verdicts = column(object, lambda gate, each: gate.verdict(each))
    result.put("gate_verdict", dims, verdicts, label="whether the gate fails, holds or is open")
    needed = column(float, lambda gate, each: gate.needed(each, scenarios) if gate.verdict(each) == OPEN else math.nan)
    label = "scenarios that would decide an open gate if the estimate stayed as it is"
    result.put("gate_scenarios", dims, needed, label=label, unit="1")


def verdicts(result: Result) -> set[str]:
    """The verdicts of all gates, of the alternatives alone where cases are compared: a change is judged by its end."""
    if "gate_verdict" not in result:
        return set()
    by_case = result["gate_verdict"].reshape(len(result.labels("gate")), -1)
    return {*by_case[:, 1 if result.labels("case") else 0 :].ravel().tolist()}
