"""Ordered maps: how the replicates of a run are worked off. The result does not depend on the choice."""

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# glibc gives arrays of a chunk's size back to the system after each operation, and zeroes them again for the next:
# a fifth of a run. These options of mallopt(3) let it keep them, in one arena, so that what one thread gives back
# another takes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENAS, _KEPT = -1, -3, -8, 2**28


def keep_freed_memory() -> None:
    """Let glibc keep the memory that arrays give back, in a process that is ours alone."""
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another allocator, another system
        return
    mallopt(_ARENAS, 1)
    mallopt(_MMAP_THRESHOLD, 2**25)
    mallopt(_TRIM_THRESHOLD, _KEPT)


Task = TypeVar("Task")
Result = TypeVar("Result")


def available_threads() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    work: Callable[[Task], Result], tasks: Iterable[Task], threads: int | None = None
) -> Generator[Result, None, None]:
    """Yield work(task) in the order of the tasks, on as many threads as asked (default: all processors).

    Tasks not begun are dropped when the consumer stops early or is interrupted.
    """
    threads = threads or available_threads()
    if threads == 1:
        yield from map(work, tasks)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(work, tasks)
    finally:
        # Not waiting lets an interrupted consumer tell the tasks at work to stop.
        pool.shutdown(wait=False, cancel_futures=True)
