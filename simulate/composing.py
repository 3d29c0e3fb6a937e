"""Functions composed of others: a quantity at any value of another on which it hangs, for what solves or chooses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Function = Callable[..., Any]
Step = tuple[str, Function, tuple[str, ...]]  # what is computed, how, of what


@dataclass(frozen=True)
class Composed:
    """An output as a function of a variable on which it hangs, and of all else that it needs and that does not.

    `columns` hold the latter, by name, once they are known.
    """

    output: str
    variable: str
    steps: tuple[Step, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the steps need and neither compute nor vary."""
        made = {self.variable, *(name for name, _, _ in self.steps)}
        needed = [*(need for _, _, needs in self.steps for need in needs), self.output]
        return tuple(dict.fromkeys(need for need in needed if need not in made))

    def __call__(self, value: Any, **changes: Any) -> Any:
        """The output where the variable has a value, and columns that change another."""
        known = {**self.columns, **changes, self.variable: value}
        for name, function, needs in self.steps:
            known[name] = function(*[known[need] for need in needs])
        return known[self.output]

    def of(self, steps: Iterable[Step]) -> Composed:
        """The same of those of the steps, which come in an order in which each follows what it needs, that it takes."""
        moved, taken = {self.variable}, list[Step]()
        for step in steps:
            if step[0] not in moved and not moved.isdisjoint(step[2]):
                moved.add(step[0])
                taken.append(step)
        wanted, kept = {self.output}, list[Step]()
        for step in reversed(taken):
            if step[0] in wanted:
                wanted.update(step[2])
                kept.append(step)
        return replace(self, steps=tuple(reversed(kept)))


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


def recomputing(output: str, of: str) -> Callable[[Function], Function]:
    """Mark a function whose last parameter takes a quantity of the model, at any value of another one."""

    def marked(function: Function) -> Function:
        function.recomputes = Composed(output, of)  # type: ignore[attr-defined]
        return function

    return marked


def wired(function: Function) -> tuple[Function, tuple[str, ...]]:
    """A function as it is called, and what it needs; what it computes anew has yet to be composed."""
    parameters = tuple(inspect.signature(function).parameters)
    inner: Composed | None = getattr(function, "recomputes", None)
    return (Recomputing(function, parameters[:-1], inner), parameters[:-1]) if inner else (function, parameters)
