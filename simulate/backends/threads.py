"""Threads of this process: no start-up, but they share Python's lock and the processors' caches."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

from simulate.backends import Result, Task, Ticks
from simulate.backends._flight import taken


def in_order(
    work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], workers: int, ticks: Ticks
) -> Generator[Result, None, None]:
    """Work tasks off in a pool of threads."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield from taken(lambda task: pool.submit(work, task, ticks), tasks, workers)
        pool.shutdown()  # so that the threads to come take up the memory of these, rather than more
    finally:
        # Not waiting lets an interrupted consumer tell the tasks at work to stop.
        pool.shutdown(wait=False, cancel_futures=True)
