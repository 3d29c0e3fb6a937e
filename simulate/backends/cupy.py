"""One device, by way of cupy: draws, formulas and counts are made there, and only summaries come back.

Its bits are the same from run to run on one device. They are not those of the other backends, for exp and log are
rounded otherwise there, and sums taken in another order.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from simulate.arrays import drawn_by
from simulate.backends import Result, Task, Ticks, threads
from simulate.errors import SimulateError

AT_ONCE = 2  # tasks
INSTALL = "pip install 'llm-cost-simulate[gpu]'"


def in_order(
    work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], workers: int, ticks: Ticks
) -> Generator[Result, None, None]:
    """Work tasks off on the device, two at a time: what one does on the host hides behind what the other does there.

    Raises SimulateError where there is no device that cupy can use, and where it has too little memory.
    """
    module = device()

    def there(task: Task, ticks: Ticks) -> Result:
        try:
            with drawn_by(module):
                return work(task, ticks)
        except MemoryError as error:
            raise SimulateError(f"--backend cupy: the device has too little memory ({error})") from None

    yield from threads.in_order(there, tasks, min(workers, AT_ONCE), ticks)


def device() -> Any:
    """The module cupy, with a device. Raises SimulateError where one is missing."""
    try:
        import cupy
    except ImportError:
        raise SimulateError(f"--backend cupy: cupy is not installed; {INSTALL}, or leave --backend out") from None
    try:
        cupy.zeros(1)
    except Exception as error:  # noqa: BLE001 - whatever CUDA says
        why = str(error).partition("\n")[0]
        raise SimulateError(f"--backend cupy: no device can be used ({why}); leave --backend out") from None
    return cupy
