"""Functions composed of others: a quantity at any value of another on which it hangs, for what solves or chooses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

Function = Callable[..., Any]
Step = tuple[str, Function, tuple[str, ...]]  # what is computed, how, of what
Functions = Mapping[str, tuple[Function, tuple[str, ...]]]  # by name, each with what it needs


@dataclass(frozen=True)
class Composed:
    """An output as a function of a variable on which it hangs, and of all else that it needs and that does not.

    `columns` hold the latter, by name, once they are known. What else is varied, `beside`, is given with each value.
    """

    output: str
    variable: str
    beside: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """All that is varied."""
        return (self.variable, *self.beside)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the steps need and neither compute nor vary."""
        made = {*self.variables, *(name for name, _, _ in self.steps)}
        needed = [*(need for _, _, needs in self.steps for need in needs), self.output]
        return tuple(dict.fromkeys(need for need in needed if need not in made))

    def __call__(self, value: Any, **changes: Any) -> Any:
        """The output where the variable has a value, and columns that change another."""
        known = {**self.columns, **changes, self.variable: value}
        for name, function, needs in self.steps:
            known[name] = function(*[known[need] for need in needs])
        return known[self.output]

    def of(self, functions: Functions, users: Mapping[str, Iterable[str]]) -> Composed:
        """The same of those of the functions that lead from the variables to it.

        Where some of these need each other in a circle it stays as it is. With others varied beside it, what is solved
        for or chosen does not follow.
        """
        solved = {
            name for name, (function, _) in functions.items() if self.beside and isinstance(function, Recomputing)
        }

        def onwards(name: str) -> list[str]:
            return [each for each in users.get(name, ()) if each not in self.variables and each not in solved]

        moved = set[str]().union(*(_reached(each, onwards) for each in self.variables))
        if self.output not in moved:
            return replace(self, steps=())
        between = {self.output, *_reached(self.output, lambda name: moved.intersection(functions[name][1]))}
        kept = {name: functions[name][1] for name in functions if name in between}
        try:
            order = TopologicalSorter({name: [each for each in kept[name] if each in kept] for name in kept})
            return replace(self, steps=tuple((name, *functions[name]) for name in order.static_order()))
        except CycleError:
            return self


def _reached(start: str, onwards: Callable[[str], Iterable[str]]) -> set[str]:
    """All names that lie onwards of a start, and the start if it lies onwards of itself."""
    found, open_ = set[str](), [start]
    while open_:
        new = [name for name in onwards(open_.pop()) if name not in found]
        found.update(new)
        open_ += new
    return found


@dataclass(frozen=True)
class Recomputing:
    """A function of columns of its own and, as the last argument, of another quantity at any value of its variable."""

    function: Function
    own: tuple[str, ...]
    inner: Composed

    @property
    def __wrapped__(self) -> Function:
        return self.function

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that it takes, in order."""
        return tuple(dict.fromkeys([*self.own, *self.inner.needs]))

    def __call__(self, *columns: Any) -> Any:
        """What the function gives."""
        known = dict(zip(self.needs, columns, strict=True))
        return self.function(*[known[name] for name in self.own], replace(self.inner, columns=known))


def recomputing(output: str, of: str, beside: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Mark a function whose last parameter takes a quantity of the model, at any value of another one.

    Of those `beside` it, it gives a value by name with each.
    """

    def marked(function: Function) -> Function:
        function.recomputes = Composed(output, of, beside)  # type: ignore[attr-defined]
        return function

    return marked


def wired(function: Function) -> tuple[Function, tuple[str, ...]]:
    """A function as it is called, and what it needs; what it computes anew has yet to be composed."""
    parameters = tuple(inspect.signature(function).parameters)
    inner: Composed | None = getattr(function, "recomputes", None)
    return (Recomputing(function, parameters[:-1], inner), parameters[:-1]) if inner else (function, parameters)


def recomposed(functions: Functions) -> dict[str, Recomputing]:
    """Those of the functions that compute others anew, by what these are here.

    What is composed may itself be of such functions, which then come first: until nothing changes.
    """
    every = dict(functions)
    doubtful = {name: function for name, (function, _) in every.items() if isinstance(function, Recomputing)}
    changed = bool(doubtful)
    while changed:
        users: dict[str, list[str]] = {}
        for name, (_, needs) in every.items():
            for need in needs:
                users.setdefault(need, []).append(name)
        doubtful = {name: replace(each, inner=each.inner.of(every, users)) for name, each in doubtful.items()}
        changed = any((each, each.needs) != every[name] for name, each in doubtful.items())
        every |= {name: (each, each.needs) for name, each in doubtful.items()}
    return doubtful
