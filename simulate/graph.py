"""Quantities wired by name: a model is functions whose parameters name the quantities they need."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate import composing
from simulate.arrays import is_column
from simulate.composing import Function, Step, wired
from simulate.errors import SimulateError

Array = NDArray[np.float64]
Values = Array | float  # of a quantity: one a scenario, or one for all of them

ROUNDING = 1e-12  # of a column's largest magnitude: so far beyond a bound, arithmetic alone may have put a value


@dataclass(frozen=True)
class Unit:
    """The unit in a quantity's return annotation: ``Annotated[Array, Unit("kWh/day")]``."""

    name: str


@dataclass(frozen=True)
class Bounds:
    """What is possible at all, in a computed quantity's return annotation: a share has ``Bounds(0, 1)``."""

    lower: float = -np.inf
    upper: float = np.inf


@dataclass(frozen=True)
class Quantity:
    """A named number with a unit: computed by a function of other quantities, or a parameter.

    `definition` is what `explain` shows; its first line opens with the label. `lower` and `upper`
    are what is possible at all (a share lies in 0..1), in the quantity's own unit; `plausible` are values beyond which
    a prior is told to look again, by judgement. `default` is the value
    without a prior; of a function, that where what it needs cannot be had. `prior` is the
    distribution that a parameter has where a priors file states none, as a table of such a file.
    """

    name: str
    unit: str
    definition: str
    function: Function | None = None
    needs: tuple[str, ...] = ()
    default: float | None = None
    lower: float = -np.inf
    upper: float = np.inf
    stated_label: str = ""
    prior: Mapping[str, Any] | None = None
    plausible: tuple[float, float] = (-np.inf, np.inf)

    @property
    def label(self) -> str:
        """The opening of the definition, up to its first colon or full stop."""
        return self.stated_label or re.split(r"[:.](?=\s|$)", self.definition.strip(), maxsplit=1)[0]

    @property
    def bounded(self) -> bool:
        """Whether there are values that it cannot have."""
        return self.lower > -np.inf or self.upper < np.inf

    def beyond(self, least: float, greatest: float) -> str:
        """On which side of the bounds there are values, from the least and the greatest, for messages."""
        sides = (f"below {self.lower:g}" * (least < self.lower), f"above {self.upper:g}" * (greatest > self.upper))
        return " or ".join(filter(None, sides))

    def impossible(self, column: Values) -> NDArray[np.bool_]:
        """Where finite values lie beyond the bounds by more than rounding."""
        finite = np.isfinite(column)
        allowance = ROUNDING * np.max(np.where(finite, np.abs(column), 0.0))
        beyond: NDArray[np.bool_] = (column < self.lower - allowance) | (column > self.upper + allowance)
        return finite & beyond

    @property
    def is_total(self) -> bool:
        """Whether the quantity is the plain sum of what it needs, so that reports show its parts."""
        return getattr(self.function, "is_total", False)

    @property
    def is_check(self) -> bool:
        """Whether the quantity is 1 where a scenario is as asked for and 0 where not, so that runs report it."""
        return getattr(self.function, "is_check", False)

    @property
    def checks(self) -> str:
        """The quantity that a check is about where that is more than what it needs, else ''."""
        return getattr(self.function, "checks", "")


def parameter(
    unit: str,
    definition: str,
    *,
    default: float | None = None,
    lower: float = -np.inf,
    upper: float = np.inf,
    prior: Mapping[str, Any] | None = None,
    plausible: tuple[float, float] = (-np.inf, np.inf),
) -> Quantity:
    """Declare a parameter of a model, a quantity that nothing computes; its name is the variable's."""
    text = inspect.cleandoc(definition)
    return Quantity("", unit, text, default=default, lower=lower, upper=upper, prior=prior, plausible=plausible)


def total(function: Function) -> Function:
    """Mark a function as the plain sum of what it needs."""
    function.is_total = True  # type: ignore[attr-defined]
    return function


def check(function: Function) -> Function:
    """Mark a function as a check: 1 where a scenario is as asked for, else 0; the definition says what then."""
    function.is_check = True  # type: ignore[attr-defined]
    return function


def check_of(name: str) -> Callable[[Function], Function]:
    """Mark a function as a check that is told wherever the quantity of a name is computed, if it can be had."""

    def marked(function: Function) -> Function:
        function.checks = name  # type: ignore[attr-defined]
        return check(function)

    return marked


def otherwise(value: float) -> Callable[[Function], Function]:
    """Mark a function with the value of its quantity where what it needs cannot be had."""

    def marked(function: Function) -> Function:
        function.default = value  # type: ignore[attr-defined]
        return function

    return marked


def quantity_of(name: str, described: Function, function: Function, needs: tuple[str, ...]) -> Quantity:
    """A computed quantity: unit, bounds, definition and default are those of the function that describes it."""
    marks = inspect.get_annotations(described, eval_str=True)["return"].__metadata__
    unit = next(mark.name for mark in marks if isinstance(mark, Unit))
    bounds = next((mark for mark in marks if isinstance(mark, Bounds)), Bounds())
    definition, default = inspect.cleandoc(described.__doc__ or ""), getattr(described, "default", None)
    return Quantity(name, unit, definition, function, needs, default, bounds.lower, bounds.upper)


def quantities_of(modules: Iterable[ModuleType]) -> dict[str, Quantity]:
    """Collect the quantities of a model: parameters and functions of its modules, in the order written.

    Raises SimulateError where a function needs a name that no module declares, or where names form a cycle.
    """
    found: dict[str, Quantity] = {}
    for module in modules:
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            if isinstance(value, Quantity):
                quantity = replace(value, name=name)
            elif inspect.isfunction(value) and value.__module__ == module.__name__:
                quantity = quantity_of(name, value, *wired(value))
            else:
                continue
            if name in found:
                raise SimulateError(f"{name} is declared twice")
            found[name] = quantity
    for quantity in found.values():
        for need in quantity.needs:
            if need not in found:
                raise SimulateError(f"{quantity.name} needs {need}, which nothing declares")
    found = recomposed(found)
    order(found)
    return found


def order(quantities: Mapping[str, Quantity], bound: Collection[str] = ()) -> list[str]:
    """Names in an order in which each follows what it needs; a bound name needs nothing.

    Raises SimulateError naming a cycle.
    """
    wiring = {name: () if name in bound else quantity.needs for name, quantity in quantities.items()}
    try:
        return list(TopologicalSorter(wiring).static_order())
    except CycleError as error:
        raise SimulateError("these need each other: " + " -> ".join(reversed(error.args[1]))) from None


@dataclass(frozen=True)
class Plan:
    """What is computed, in which order, from which inputs, and when a column is no longer needed."""

    inputs: tuple[str, ...]
    defaults: Mapping[str, float]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]

    def __call__(self, draws: Mapping[str, Values]) -> dict[str, Values]:
        """Compute the outputs for draws, a column for each input; columns are 1-D and equally long."""
        given = {**self.defaults, **{name: draws[name] for name in self.inputs}}
        columns: dict[str, Values] = {name: as_numpy(value) for name, value in given.items()}
        with np.errstate(all="ignore"):
            for name, function, needs in self.steps:
                columns[name] = as_numpy(function(*[columns[need] for need in needs]))
                for spent in self.last_uses.get(name, ()):
                    del columns[spent]
        return {name: columns[name] for name in self.outputs}

    @cached_property
    def last_uses(self) -> dict[str, list[str]]:
        """For each step, the columns that nothing needs after it."""
        last_use = {need: name for name, _, needs in self.steps for need in needs}
        spent: dict[str, list[str]] = {}
        for need, name in last_use.items():
            if need not in self.outputs:
                spent.setdefault(name, []).append(need)
        return spent

    def needed(self) -> dict[str, set[str]]:
        """By the name of each column the inputs that it needs, an input itself."""
        found = {name: {name} for name in self.inputs}
        for name, _, needs in self.steps:
            found[name] = set[str]().union(*(found.get(need, ()) for need in needs))
        return found

    def keeping_all(self) -> Plan:
        """The same plan with every column as an output, inputs and steps between included."""
        return replace(self, outputs=(*self.defaults, *self.inputs, *(name for name, _, _ in self.steps)))

    def below(self, changed: Collection[str]) -> Plan:
        """What must be computed again when columns change: given them and all others, the outputs that they move."""
        moved = set(changed)
        steps = []
        for name, function, needs in self.steps:
            if name not in moved and not moved.isdisjoint(needs):
                moved.add(name)
                steps.append((name, function, needs))
        computed = {name for name, _, _ in steps}
        outputs = tuple(name for name in self.outputs if name in moved)
        named = dict.fromkeys([*(need for _, _, needs in steps for need in needs), *outputs])
        inputs = tuple(name for name in named if name not in computed)
        return Plan(inputs, {}, tuple(steps), outputs)


def as_numpy(value: Values) -> Values:
    """A column, or a constant that divides as one does: by 0 to inf or nan, where Python's own number raises."""
    return value if is_column(value) else np.float64(value)


def distinct_values(values: ArrayLike) -> NDArray[Any]:
    """The distinct values in rising order; without their counts, numpy would import masked arrays, for 25 ms."""
    return np.unique(values, return_counts=True)[0]


def upstream(quantities: Mapping[str, Quantity], names: Iterable[str], bound: Collection[str] = ()) -> set[str]:
    """The names and all that they are computed from; a bound name needs nothing, nor does one that nothing states."""
    found, open_ = set[str](), [*names]
    while open_:
        if (name := open_.pop()) not in found:
            found.add(name)
            open_ += () if name in bound or name not in quantities else quantities[name].needs
    return found


def missing(quantities: Mapping[str, Quantity], bound: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each quantity that the bound names cannot compute, the parameters that it lacks (transitively)."""
    return _missing(quantities, bound, order(quantities, bound))


def _missing(
    quantities: Mapping[str, Quantity], bound: Collection[str], sequence: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    lacking: dict[str, tuple[str, ...]] = {}
    for name in sequence:
        quantity = quantities[name]
        if name in bound or quantity.default is not None:
            continue
        if quantity.function is None:
            lacking[name] = (name,)
        elif parts := _lacks(quantity.function, quantity.needs, lacking, quantities, bound):
            lacking[name] = parts
    return lacking


def _lacks(
    function: Function,
    needs: Iterable[str],
    lacking: Mapping[str, tuple[str, ...]],
    quantities: Mapping[str, Quantity],
    bound: Collection[str],
) -> tuple[str, ...]:
    """The parameters that a function lacks: what it computes anew is bound, or has its default, as anywhere."""
    found = [leaf for need in needs for leaf in lacking.get(need, ())]
    if found and isinstance(function, composing.Recomputing):
        known = {**lacking, **dict.fromkeys(function.inner.variables, ())}
        for name, step, of in function.inner.steps:
            had = name in bound or quantities[name].default is not None
            known[name] = () if had else _lacks(step, of, known, quantities, bound)
        found = [leaf for need in function.own for leaf in lacking.get(need, ())]
        found += known.get(function.inner.output, ())
    return tuple(dict.fromkeys(found))


def settled(quantities: Mapping[str, Quantity], bound: Collection[str]) -> dict[str, Quantity]:
    """The quantities, as parameters those that have their default because the bound names lack what they need.

    Those that compute others anew do so by what these are here.
    """
    found, lacking = dict(quantities), missing(quantities, bound)
    for name, quantity in quantities.items():
        if quantity.default is None or name in bound or not quantity.function:
            continue
        if _lacks(quantity.function, quantity.needs, lacking, quantities, bound):
            found[name] = replace(quantity, function=None, needs=())
    return recomposed(found, {*bound, *lacking})


def recomposed(quantities: Mapping[str, Quantity], bound: Collection[str] = ()) -> dict[str, Quantity]:
    """The quantities, of which each that is not bound and computes others anew does so by what these are here."""
    found = dict(quantities)
    free = {name: (each.function, each.needs) for name, each in found.items() if each.function and name not in bound}
    for name, function in composing.recomposed(free).items():
        found[name] = replace(found[name], function=function, needs=function.needs)
    return found


@dataclass(frozen=True)
class Wiring:
    """Quantities as bound names leave them: an order of all, and what those lack that cannot be computed."""

    quantities: Mapping[str, Quantity]
    bound: Collection[str]
    sequence: Sequence[str]
    lacking: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, quantities: Mapping[str, Quantity], bound: Collection[str]) -> Wiring:
        """Settle the quantities and put them in order."""
        quantities = settled(quantities, bound)
        sequence = order(quantities, bound)
        return cls(quantities, bound, sequence, _missing(quantities, bound, sequence))

    def plan(self, outputs: Sequence[str]) -> Plan:
        """Plan the computation of the outputs from the bound names; what they do not need is left out.

        Raises SimulateError for an output that is unknown or that the bound names cannot compute.
        """
        for name in outputs:
            if name not in self.quantities:
                raise SimulateError(f"there is no quantity {name}")
            if name in self.lacking:
                raise SimulateError(f"{name} cannot be computed: no prior for {', '.join(self.lacking[name])}")
        needed = set(outputs)
        for name in reversed(self.sequence):
            if name in needed and name not in self.bound:
                needed.update(self.quantities[name].needs)
        inputs, steps, defaults = [], [], {}
        for name in self.sequence:
            quantity = self.quantities[name]
            if name not in needed:
                continue
            if name in self.bound:
                inputs.append(name)
            elif quantity.function is not None:
                steps.append((name, quantity.function, quantity.needs))
            else:
                assert quantity.default is not None
                defaults[name] = quantity.default
        return Plan(tuple(inputs), defaults, tuple(steps), tuple(outputs))


def plan(quantities: Mapping[str, Quantity], bound: Collection[str], outputs: Sequence[str]) -> Plan:
    """Plan the computation of the outputs from the bound names, as `Wiring.plan` does."""
    return Wiring.of(quantities, bound).plan(outputs)
