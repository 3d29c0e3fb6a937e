"""One device, by way of cupy: draws, formulas and counts are made there, and only summaries come back.

Its bits are the same from run to run on one device. They are not those of the other backends, for exp and log are
rounded otherwise there, and sums taken in another order.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from simulate.arrays import drawn_by
from simulate.backends import Result, Task, Ticks
from simulate.errors import SimulateError

INSTALL = "pip install 'llm-cost-simulate[gpu]'"


def in_order(
    work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], workers: int, ticks: Ticks
) -> Generator[Result, None, None]:
    """Work tasks off one after the other, on the device. Raises SimulateError where there is none that cupy can use."""
    del workers
    yield from on_device(device(), work, tasks, ticks)


def on_device(
    module: Any, work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], ticks: Ticks
) -> Generator[Result, None, None]:
    """The same by a module of arrays. Raises SimulateError where its device has too little memory."""
    for task in tasks:
        try:
            with drawn_by(module):
                result = work(task, ticks)
        except MemoryError as error:
            raise SimulateError(f"--backend cupy: the device has too little memory ({error})") from None
        yield result


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
