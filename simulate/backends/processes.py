"""Processes of this machine: no lock is shared, but it takes them a moment to start, so that they are kept for a while.

They import this package anew, so that a script needs no guard of its main module, and end with whoever waits for them,
however that ends.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from simulate.backends import Result, Task, Ticks
from simulate.backends._carried import ONE_THREAD, Carried, brought
from simulate.backends._flight import taken
from simulate.backends._signals import begin, uninterrupted
from simulate.errors import SimulateError

if TYPE_CHECKING:
    from loky.process_executor import ProcessPoolExecutor

IDLE = 10  # seconds after which a worker without work ends
ENVIRONMENT = {**ONE_THREAD, "PYTHONSAFEPATH": "1"}  # no module of the working directory


def in_order(
    work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], workers: int, ticks: Ticks
) -> Generator[Result, None, None]:
    """Work tasks off in processes, whose steps are not told. Raises SimulateError where one of them is killed."""
    del ticks
    from loky import BrokenProcessPool, get_reusable_executor

    known = getattr(work, "known", ())
    carried = Carried.of(work, known)
    with uninterrupted():
        pool = get_reusable_executor(workers, timeout=IDLE, initializer=begin, initargs=(os.getpid(),), env=ENVIRONMENT)

    def submit(task: Task) -> Future[bytes]:
        with uninterrupted():
            future: Future[bytes] = pool.submit(carried, task)
        return future

    try:
        for found in taken(submit, tasks, workers):
            yield brought(found, known)
    except BrokenProcessPool:
        mend = "where memory is short, ask for fewer --workers"
        raise SimulateError(f"a worker process has been killed or has crashed; {mend}") from None
    except BaseException:
        _kill(pool)
        raise


def _kill(pool: ProcessPoolExecutor) -> None:
    """End the workers where they are."""
    with warnings.catch_warnings():  # of loky, where the system does not tell it whose children there are
        warnings.simplefilter("ignore")
        pool.shutdown(kill_workers=True)
