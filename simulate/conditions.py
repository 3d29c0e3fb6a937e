"""Questions asked of a run: how probable a condition is, the bands given one, the bands given a measurement.

A condition drops the scenarios in which it does not hold. A measured value weighs each scenario by the likelihood
of the measurement, normal about the quantity's value (importance sampling from the priors, or where few of these
count, from where the measurement points: `aiming`). The effective sample size, (sum w)^2 / sum w^2 (Kong 1992,
Technical Report 348, University of Chicago), says how many equally weighted scenarios are worth as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import full
from simulate.errors import Fault, SimulateError, read_all, suggestion
from simulate.formulas import Formula, Percentile, Units
from simulate.formulas.logic import both
from simulate.grammar import CONDITION, OBSERVATION, PROBABILITY, Form
from simulate.graph import Array, Values, as_numpy
from simulate.plain import storable
from simulate.priors import Priors
from simulate.settings import Names, checked
from simulate.summary import MOST_WEIGHT, WEIGHT

FEWEST = 1000  # effective scenarios below which a conditional band is refused
_MOST_CUT = 0.01  # of the sum of the weights, that scenarios have whose weights are cut
EXPLAIN = "list them with 'simulate explain'"


class Threshold(NamedTuple):
    """The value of a percentile in a condition: of all scenarios, and of each replicate's own where these hold."""

    value: float
    replicates: tuple[float, ...]

    def of_replicate(self, replicate: int) -> float:
        """That of a replicate, where it has its own; that of all in others, such as those of a look ahead."""
        return self.replicates[replicate] if replicate < len(self.replicates) else self.value


@dataclass(frozen=True)
class Condition:
    """A comparison of quantities, or several joined; `thresholds` are the values of the percentiles in it, by name."""

    text: str
    formula: Formula
    thresholds: Mapping[str, Threshold] = field(default_factory=dict, compare=False)

    @property
    def percentiles(self) -> tuple[Percentile, ...]:
        """The percentiles in it."""
        return self.formula.percentiles

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities in it."""
        percentiles = {each.name for each in self.percentiles}
        return tuple(name for name in self.formula.names if name not in percentiles)

    def holds(self, columns: Mapping[str, Values], replicate: int) -> Values:
        """1 where it holds in scenarios of a replicate, 0 where it does not, nan where a nan leaves it undefined."""
        at = {name: each.of_replicate(replicate) for name, each in self.thresholds.items()}
        return self.formula(*(at[name] if name in at else columns[name] for name in self.formula.names))


class Undefined(NamedTuple):
    """What stands for the scenarios in which a condition is undefined."""

    condition: Condition


@dataclass(frozen=True)
class Observation:
    """A measured value of a quantity, in its unit, and the standard deviation of the measurement."""

    text: str
    quantity: str
    value: float
    sd: float

    def deviation(self, columns: Mapping[str, Values]) -> Values:
        """How far the quantity lies above what was measured, in standard deviations."""
        with np.errstate(all="ignore"):
            return (columns[self.quantity] - self.value) / self.sd

    def log_likelihood(self, columns: Mapping[str, Values]) -> Values:
        """The logarithm of the likelihood over the greatest there can be; that of 0 where the quantity is nan."""
        score = self.deviation(columns)
        with np.errstate(all="ignore"):
            squares = -0.5 * score * score
        return np.where(np.isnan(squares), -np.inf, squares)


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
    def shown(self) -> str:
        """The conditions and measured values as options."""
        texts = [f"--given {each.text!r}" for each in self.given]
        return " ".join([*texts, *(f"--observe {each.text!r}" for each in self.observed)])

    @property
    def texts(self) -> dict[str, str]:
        """The conditions as formulas, by how they are asked."""
        asked = {f"--probability {each.text!r}": each.text for each in self.probabilities}
        return asked | {f"--given {each.text!r}": each.text for each in self.given}

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities that must be known to answer."""
        compared = [name for each in (*self.probabilities, *self.given) for name in each.names]
        return tuple(dict.fromkeys([*compared, *(each.quantity for each in self.observed)]))

    def outcomes(self, columns: Mapping[str, Values], size: int, replicate: int) -> Array:
        """Whether the conditions hold together in each of `size` scenarios: 1, 0, or nan where that is undefined."""
        outcomes: Any = np.float64(1)
        for condition in self.given:
            outcomes = both(outcomes, as_numpy(condition.holds(columns, replicate)))
        found: Array = full(outcomes, size)
        return found

    def log_weights(self, columns: Mapping[str, Values], outcomes: Array) -> Array:
        """The logarithm of how much each scenario counts: that of 0 where the conditions do not hold.

        `outcomes` are the conditions', one a scenario.
        """
        weights: Array = np.where(outcomes == 1, 0.0, -np.inf)
        for observation in self.observed:
            weights = weights + observation.log_likelihood(columns)
        return weights


NO_QUESTIONS = Questions()


@storable
@dataclass
class Kept:
    """What conditions leave: the scenarios kept of those drawn, sums of their weights and of the squares.

    In so many `undefined` ones it is not defined whether the conditions hold.
    """

    drawn: int = 0
    kept: int = 0
    total: float = 0.0
    squares: float = 0.0
    cut: int = 0  # scenarios whose weight is the greatest there is, and should be more
    undefined: int = 0

    def add(self, drawn: int, kept: int, weights: NDArray[np.int64] | None, undefined: int = 0) -> None:
        """Add a block: as many kept as there are weights, or each with the weight 1."""
        total, squares, cut = float(kept), float(kept), 0
        if weights is not None:
            shares = weights / WEIGHT
            total, squares = float(np.add.reduce(shares)), float(np.add.reduce(shares * shares))
            cut = int(np.count_nonzero(weights >= MOST_WEIGHT))
        self.merge(Kept(drawn, kept, total, squares, cut, undefined))

    def merge(self, other: Kept) -> None:
        """Add what conditions leave of others."""
        self.drawn, self.kept = self.drawn + other.drawn, self.kept + other.kept
        self.total, self.squares = self.total + other.total, self.squares + other.squares
        self.cut += other.cut
        self.undefined += other.undefined

    @staticmethod
    def of(several: Iterable[Kept]) -> Kept:
        """What is kept of several together."""
        whole = Kept()
        for each in several:
            whole.merge(each)
        return whole

    @property
    def effective(self) -> float:
        """How many equally weighted scenarios are worth as much; one, where much may be cut off their weights."""
        if self.cut * (MOST_WEIGHT // WEIGHT) > _MOST_CUT * self.total:
            return 1.0
        return self.total * self.total / self.squares if self.squares else 0.0


def questions(
    priors: Priors, probabilities: Sequence[str] = (), given: Sequence[str] = (), observed: Sequence[str] = ()
) -> Questions:
    """Read questions: conditions such as 'capex > 1e9', and observations such as 'capex = 5e8 +- 10%'.

    Raises SimulateError for all that cannot be read or answered.
    """
    asked = checked(Names, "probability", probabilities)
    read = read_all(
        *(partial(_condition, priors, PROBABILITY, "--probability", text) for text in asked),
        *(partial(_condition, priors, CONDITION, "--given", text) for text in given),
        *(partial(_observation, priors, text) for text in observed),
    )
    first, last = len(asked), len(asked) + len(given)
    return Questions(tuple(read[:first]), tuple(read[first:last]), tuple(read[last:]))


class TooFewError(SimulateError):
    """Conditions that leave fewer effective scenarios than it takes; `kept` is what they leave, `why` known of it."""

    code = "scenarios"

    def __init__(self, asked: Questions, kept: Kept, fewest: int, why: Sequence[str]) -> None:
        undefined = f" (in {kept.undefined:,} it is undefined whether they hold)" if kept.undefined else ""
        left = f"of {kept.drawn:,} scenarios {kept.effective:,.0f} effective ones are left, fewer than {fewest:,}"
        mend = "; ".join([*why, "ask for what is more probable, or for more --scenarios"])
        super().__init__(Fault(f"{left}{undefined}; {mend}", key=asked.shown))
        self.kept = kept


def check_kept(asked: Questions, kept: Kept, fewest: int = FEWEST, why: Sequence[str] = ()) -> None:
    """Raise TooFewError where a condition leaves fewer effective scenarios than `fewest`; `why` is known of it."""
    if kept.effective < fewest:
        raise TooFewError(asked, kept, fewest, why)


def _condition(priors: Priors, form: Form[..., Formula], option: str, text: str) -> Condition:
    units = {name: quantity.unit for name, quantity in priors.quantities.items()}
    compiled = form.read(text, option, priors.quantities, Units(units, counts=priors.counts))
    condition = Condition(compiled.text, compiled)
    for name in condition.names:
        check_known(priors, name, f"{option} '{text}': ", EXPLAIN)
    return condition


def _observation(priors: Priors, text: str) -> Observation:
    name, value, sd = OBSERVATION.read(text, "--observe")
    check_known(priors, name, f"--observe '{text}': ", EXPLAIN)
    return Observation(text, name, value, sd)


def check_known(priors: Priors, name: str, where: str = "", otherwise: str = "") -> None:
    """Raise SimulateError, beginning with `where`, for a quantity that there is not or that cannot be computed.

    `otherwise` is the advice where no name is near.
    """
    if name not in priors.quantities:
        mend = suggestion(name, priors.quantities, otherwise)
        raise SimulateError(f"{where}there is no quantity {name}{mend}", code="unknown_name")
    if lacking := priors.lacking.get(name):
        raise SimulateError(f"{where}{name} cannot be computed; give a prior for {', '.join(lacking)}")
