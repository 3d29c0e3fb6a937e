"""The one loop: tasks worked off by a backend, told of as they go, stopped at their next step."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import Any, Generic, TypeVar

import numpy as np

from simulate import settings
from simulate.backends import BACKENDS, Backend, Step, Task, Ticks
from simulate.checkpoints import Checkpoint
from simulate.errors import SimulateError, read_all
from simulate.machine import may_be_copied, processors
from simulate.settings import checked

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all
Partial = TypeVar("Partial")

FEW = 2**13  # scenarios up to which a second thread costs more than it brings
LARGE = 2**16  # values of a call of numpy, with fewer of which it does so too: then the lock is handed over too often
MANY = 2**22  # scenarios from which processes win back what they take to start
MANY_COPIED = 2**20  # and copies of this one, which start at once
DISTRIBUTED = "dask"  # the backend that takes a scheduler
MOST_THREADS = 4  # beyond which threads wait for each other
DEVICES = {"cupy": 2**22}  # the backends that have one, and the scenarios of a piece there


class Stopped(Exception):  # noqa: N818 - it is no error
    """Whoever waited for the work has gone."""


@dataclass(frozen=True)
class Work(Generic[Task, Partial]):
    """What is done of each task, wherever that is, with numpy's checks of floats as they are with whoever waits.

    What is `known` of its results is what they are of, such as keys: it comes back as itself from other processes.
    """

    do: Callable[[Task, Ticks], Partial]
    known: Sequence[Any] = ()
    floats: Mapping[str, Any] = field(default_factory=np.geterr)

    def __call__(self, task: Task, ticks: Ticks) -> Partial:
        """Do a task."""
        with np.errstate(**self.floats):
            return self.do(task, ticks)


@dataclass(frozen=True)
class Workers:
    """How work is done: by which backend and at most how many workers, and who is told how far it is.

    By default both are chosen by the work and the processors there are. A `scheduler` is the address of dask's, whose
    workers do it. The result depends on none of them.
    Raises SimulateError for a backend that there is not, a number of workers that is none, and a scheduler for a
    backend that takes none.
    """

    backend: str | None = None
    workers: int | None = None
    progress: Progress | None = None
    scheduler: str | None = None
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        asked = {"backend": settings.Backend, "workers": settings.WorkerCount, "scheduler": settings.Scheduler}
        stated = {name: getattr(self, name) for name in asked if getattr(self, name) is not None}
        read_all(*(partial(checked, asked[name], name, value) for name, value in stated.items()))
        if self.scheduler is not None and self.backend not in {None, DISTRIBUTED}:
            raise SimulateError(
                f"--scheduler: is for the backend {DISTRIBUTED}, not {self.backend}; leave out one of the two"
            )

    @property
    def device(self) -> str:
        """The backend where it has a device, whose bits are its own, else ''."""
        return self.backend if self.backend in DEVICES else ""

    def chosen(self, tasks: int, scenarios: int, *, at_once: int = LARGE, here: bool = False) -> tuple[str, int]:
        """The backend and the number of workers for so many tasks, which take as long as so many scenarios.

        `at_once` are the values that most calls of numpy take; `here` says that the tasks are of what this process
        holds: short, and not to be carried to another.
        """
        most = min(self.workers or processors(), max(tasks, 1))
        if self.scheduler and not here:
            return DISTRIBUTED, most
        if self.backend and not (here and self.backend != "serial"):
            return self.backend, most
        if scenarios >= MANY_COPIED and most > 1 and not here and may_be_copied():
            return "forks", most
        if scenarios >= MANY and most > 1 and not here:
            return "processes", most
        if most == 1 or scenarios <= FEW or at_once < LARGE:
            return "serial", 1
        return "threads", min(most, MOST_THREADS)

    def fold(
        self,
        work: Callable[[Task, Ticks], Partial],
        tasks: Sequence[Task],
        take: Callable[[Partial], object],
        *,
        what: str,
        steps: Callable[[Task], int],
        scenarios: int,
        known: Sequence[Any] = (),
        at_once: int = LARGE,
        here: bool = False,
        on_device: bool = False,
        first: int = 0,
    ) -> None:
        """Work off the tasks, from the `first` one on, and take the results in their order.

        `work` goes through its `steps` by way of the ticks that it is given, each short enough to wait for: an
        interrupt ends the work there. `what` says what is being done, for those who are told of it, which nobody is of
        what is `here`, and `on_device` whether the work takes arrays of a device; `known` is as `Work` has it, the
        rest as `chosen` takes it. Raises SimulateError where a device is asked for in vain.
        """
        backend, workers = self.chosen(len(tasks), scenarios, at_once=at_once, here=here)
        if backend in DEVICES and not on_device:
            only = "`simulate run` and swings of `simulate tornado` alone are drawn on a device"
            raise SimulateError(f"--backend {backend}: {only}; leave --backend out")
        stopped, lock = Event(), Lock()
        total, done = sum(map(steps, tasks)), sum(map(steps, tasks[:first]))
        taken, tasks = done, tasks[first:]

        def tell(least: int) -> None:
            nonlocal done
            if self.progress and not here and least > done:
                done = least
                self.progress(what, done, total)

        def ticks(several: Iterable[Step]) -> Iterator[Step]:
            for step in several:
                if stopped.is_set():
                    raise Stopped
                yield step
                with lock:
                    tell(min(done + 1, total))

        try:
            with closing(self._spread(backend)(Work(work, known), tasks, workers, ticks)) as results:
                for task, result in zip(tasks, results, strict=True):
                    taken += steps(task)
                    with lock:
                        tell(taken)  # as far as no tick has
                    take(result)
        finally:
            stopped.set()

    def _spread(self, name: str) -> Backend:
        if self.scheduler and name == DISTRIBUTED:
            from simulate.backends import dask

            return partial(dask.in_order, scheduler=self.scheduler)
        return BACKENDS[name]

    def map(
        self, work: Callable[[Task], Partial], tasks: Sequence[Task], *, what: str, scenarios: int, here: bool = False
    ) -> list[Partial]:
        """What the work makes of each task, which is a step."""

        def worked(task: Task, ticks: Ticks) -> list[Partial]:
            return [work(each) for each in ticks([task])]

        found: list[Partial] = []
        self.fold(worked, tasks, found.extend, what=what, steps=lambda _: 1, scenarios=scenarios, here=here)
        return found
