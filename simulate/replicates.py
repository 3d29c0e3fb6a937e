"""The one loop: replicates worked off on threads, told of as they go, stopped at their next step."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event, Lock
from typing import Protocol, TypeVar

from simulate.backends import ordered_map
from simulate.settings import Threads, checked

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all
Task = TypeVar("Task")
Partial = TypeVar("Partial")
Step = TypeVar("Step")


class Stopped(Exception):  # noqa: N818 - it is no error
    """Whoever waited for the work has gone."""


class Ticks(Protocol):
    """The steps of a task: each goes on only while somebody waits for the work, and is told of when done."""

    def __call__(self, steps: Iterable[Step], /) -> Iterator[Step]:
        """The steps one by one. Raises Stopped at the next once nobody waits any more."""


@dataclass(frozen=True)
class Workers:
    """How work is done: on how many threads (all processors by default), and who is told how far it is.

    The result depends on neither. Raises SimulateError for a number of threads that is none.
    """

    threads: int | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.threads is not None:
            checked(Threads, "threads", self.threads)

    def fold(
        self,
        work: Callable[[Task, Ticks], Partial],
        tasks: Sequence[Task],
        take: Callable[[Partial], object],
        *,
        what: str,
        steps: int,
    ) -> None:
        """Work off the tasks and take the results in their order.

        `work` goes through its `steps` by way of the ticks that it is given, each short enough to wait for: an
        interrupt ends the work there. `what` says what is being done.
        """
        stopped, lock, done = Event(), Lock(), 0
        total = steps * len(tasks)

        def ticks(steps: Iterable[Step]) -> Iterator[Step]:
            nonlocal done
            for step in steps:
                if stopped.is_set():
                    raise Stopped
                yield step
                if self.progress:
                    with lock:
                        done += 1
                        self.progress(what, done, total)

        try:
            with closing(ordered_map(lambda task: work(task, ticks), tasks, self.threads)) as results:
                for result in results:
                    take(result)
        finally:
            stopped.set()
