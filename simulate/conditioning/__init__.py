"""Questions asked of a run: how probable a condition is, the bands given one, the bands given a measurement.

A condition drops the scenarios in which it does not hold. A measured value weighs each scenario by the likelihood
of the measurement, normal about the quantity's value (importance sampling from the priors). The effective
sample size, (sum w)^2 / sum w^2 (Kong 1992, Technical Report 348, University of Chicago), says how many equally
weighted scenarios are worth as much.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulate.errors import suggestion
from simulate.formulas import Formula, FormulaError, formula
from simulate.graph import Array, Column, missing
from simulate.priors import Priors
from simulate.summary import WEIGHT

FEWEST = 1000  # effective scenarios below which a conditional band is refused

_OBSERVED = re.compile(r"\s*(\w+)\s*==?\s*(\S+?)\s*(?:\+-|\+/-|±)\s*([^\s%]+)\s*(%?)\s*")


class QuestionError(ValueError):
    """A question that cannot be asked, or that too few scenarios answer."""


@dataclass(frozen=True)
class Condition:
    """A comparison of quantities, or several joined."""

    text: str
    formula: Formula

    def holds(self, columns: Mapping[str, Column]) -> Column:
        """1 where the condition holds, 0 where it does not, nan where a quantity is nan."""
        values = [columns[name] for name in self.formula.names]
        unknown = np.logical_or.reduce([np.isnan(value) for value in np.broadcast_arrays(*values, 0.0)])
        return np.where(unknown, np.nan, self.formula(*values))


@dataclass(frozen=True)
class Observation:
    """A measured value of a quantity, in its unit, and the standard deviation of the measurement."""

    text: str
    quantity: str
    value: float
    sd: float

    def likelihood(self, columns: Mapping[str, Column]) -> Column:
        """The likelihood of the measurement, relative to the greatest there can be; 0 where the quantity is nan."""
        with np.errstate(all="ignore"):
            score = (columns[self.quantity] - self.value) / self.sd
            likelihood: Array = np.nan_to_num(np.exp(-0.5 * score * score), nan=0.0)
        return likelihood


@dataclass(frozen=True)
class Questions:
    """What is asked of a run besides its bands; without anything, nothing."""

    probabilities: tuple[Condition, ...] = ()
    given: tuple[Condition, ...] = ()
    observed: tuple[Observation, ...] = ()

    @property
    def conditional(self) -> bool:
        """Whether scenarios are dropped or weighed."""
        return bool(self.given or self.observed)

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities that must be known to answer."""
        compared = [name for each in (*self.probabilities, *self.given) for name in each.formula.names]
        return tuple(dict.fromkeys([*compared, *(each.quantity for each in self.observed)]))

    def weights(self, columns: Mapping[str, Column], size: int) -> NDArray[np.int64]:
        """How much each of `size` scenarios counts, in units of 1 / WEIGHT: 0 where a condition does not hold."""
        weights: Array = np.ones(size)
        for condition in self.given:
            weights = weights * (condition.holds(columns) == 1)
        for observation in self.observed:
            weights = weights * observation.likelihood(columns)
        return np.rint(weights * WEIGHT).astype(np.int64)


@dataclass(frozen=True)
class Kept:
    """What a condition leaves: scenarios, their share of all, its standard error, and the effective number."""

    scenarios: int
    share: float
    share_se: float
    effective: float


def questions(
    priors: Priors,
    probabilities: Sequence[str] = (),
    given: Sequence[str] = (),
    observed: Sequence[str] = (),
) -> Questions:
    """Read questions: conditions such as 'capex > 1e9', and observations such as 'capex = 5e8 +- 10%'.

    Raises QuestionError for one that cannot be read or answered.
    """
    return Questions(
        tuple(_condition(priors, "probability", text) for text in probabilities),
        tuple(_condition(priors, "given", text) for text in given),
        tuple(_observation(priors, text) for text in observed),
    )


def check_kept(asked: Questions, kept: Kept, drawn: int) -> None:
    """Raise QuestionError where a condition leaves fewer effective scenarios than `FEWEST`."""
    if kept.effective >= FEWEST:
        return
    texts = [f"--given {each.text!r}" for each in asked.given] + [
        f"--observe {each.text!r}" for each in asked.observed
    ]
    raise QuestionError(
        f"{' '.join(texts)}: of {drawn:,} scenarios {kept.effective:,.0f} effective ones are left, fewer than "
        f"{FEWEST:,}; ask for what is more probable, or for more --scenarios"
    )


def _condition(priors: Priors, option: Literal["probability", "given"], text: str) -> Condition:
    try:
        compiled = formula(text, priors.quantities)
    except FormulaError as error:
        raise QuestionError(f"--{option} {text!r}: {error}") from None
    if not compiled.condition:
        raise QuestionError(f"--{option} {text!r}: is no condition; write for instance 'capex > 1e9'")
    if not compiled.names:
        raise QuestionError(f"--{option} {text!r}: names no quantity; write for instance 'capex > 1e9'")
    for name in compiled.names:
        _check_known(priors, f"--{option} {text!r}", name)
    return Condition(text, compiled)


def _observation(priors: Priors, text: str) -> Observation:
    where = f"--observe {text!r}"
    form = "write for instance 'capex = 5e8 +- 10%', or +- a standard deviation in its unit"
    found = _OBSERVED.fullmatch(text)
    if found is None:
        raise QuestionError(f"{where}: is no measured value; {form}")
    name, *figures, percent = found.groups()
    _check_known(priors, where, name)
    try:
        value, error = map(float, figures)
    except ValueError:
        raise QuestionError(f"{where}: holds no two numbers; {form}") from None
    sd = abs(value) * error / 100 if percent else error
    if not (np.isfinite([value, sd]).all() and sd > 0):
        raise QuestionError(f"{where}: the standard deviation must be above 0 and all finite; {form}")
    return Observation(text, name, value, sd)


def _check_known(priors: Priors, where: str, name: str) -> None:
    if name not in priors.quantities:
        near = suggestion(name, priors.quantities, "list them with 'simulate explain'")
        raise QuestionError(f"{where}: there is no quantity {name}{near}")
    lacking = missing(priors.quantities, priors.priors)
    if name in lacking:
        raise QuestionError(
            f"{where}: {name} cannot be computed; give a prior for {', '.join(lacking[name])}"
        )
