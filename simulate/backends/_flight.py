"""Futures in flight, taken in the order of their tasks."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future

from simulate.backends import Result, Task

AHEAD = 2  # tasks a worker that are begun and not taken: one at work, one that waits for those before it


def taken(
    submit: Callable[[Task], Future[Result]], tasks: Sequence[Task], workers: int
) -> Generator[Result, None, None]:
    """The results of tasks in their order, of which only some for each worker are submitted before they are taken."""
    flight = deque[Future[Result]]()
    for task in tasks:
        flight.append(submit(task))
        if len(flight) == AHEAD * workers:
            yield flight.popleft().result()
    while flight:
        yield flight.popleft().result()
