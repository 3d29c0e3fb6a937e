"""One task after the other, in the thread that waits for them."""

from collections.abc import Callable, Generator, Sequence

from simulate.backends import Result, Task, Ticks


def in_order(
    work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], workers: int, ticks: Ticks
) -> Generator[Result, None, None]:
    """Begin a task when the result of the one before is taken."""
    del workers
    for task in tasks:
        yield work(task, ticks)
