"""Backends, a file each: what works tasks off, and where. A new backend is a module with a function `in_order`.

No result depends on the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from simulate.registry import Registry

Task = TypeVar("Task")
Result = TypeVar("Result")
Step = TypeVar("Step")


class Ticks(Protocol):
    """The steps of a task: each goes on only while somebody waits for the work, and is told of when done."""

    def __call__(self, steps: Iterable[Step], /) -> Iterator[Step]:
        """The steps one by one. Raises Stopped at the next once nobody waits any more."""
        ...


class Backend(Protocol):
    """The results of tasks in their order, by so many workers at most; `ticks` are those of this process.

    Few results wait to be taken. Tasks not begun are dropped when the consumer stops early or is interrupted.
    """

    def __call__(
        self, work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], workers: int, ticks: Ticks
    ) -> Generator[Result, None, None]:
        """Yield work(task, ticks) for each task."""
        ...


BACKENDS: Registry[Backend] = Registry("simulate.backends", "in_order", "backend")
