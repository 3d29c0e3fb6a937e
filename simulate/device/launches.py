"""Kernels by the arrays that they go through, and the two forms of an operation."""

from collections.abc import Callable
from functools import cache, wraps
from importlib import resources
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import array_module, beside, to_host

Form = TypeVar("Form", bound=Callable[..., Any])

THREADS = 256  # of a block
_MOST_BLOCKS = 2**16
_BLOCKS = 2**10  # of a tally, whatever the device: the order of its sums goes with it
_SUMS = 6  # of a block: of deviations, of their squares, the ends, the finite values, the weights
_ROOM = 2**14  # values without a cell that a tally has room for


def with_kernel(kernel: Callable[..., Any]) -> Callable[[Form], Form]:
    """Give a function of arrays, of which it takes one first, a form for those of a device, which goes by a kernel.

    The function itself, written for numpy's, serves arrays of a module without kernels too.
    """

    def given(function: Form) -> Form:
        @wraps(function)
        def of_either(values: Any, *others: Any) -> Any:
            return (kernel if hasattr(array_module(values), "RawModule") else function)(values, *others)

        return of_either  # type: ignore[return-value]  # of the same parameters

    return given


@cache
def _compiled(module: Any) -> Any:
    source = (resources.files("simulate.device") / "kernels.cu").read_text(encoding="utf-8")
    return module.RawModule(code=source, options=(f"-DTHREADS={THREADS}", f"-DSUMS={_SUMS}"))


def _launch(module: Any, kernel: str, blocks: int, *arguments: Any) -> None:
    _compiled(module).get_function(kernel)((blocks,), (THREADS,), arguments)


def on_word_lines(words: Any, slope: NDArray[Any], intercept: NDArray[Any], leading_bits: int, values: Any) -> None:
    """Put the values of words on the lines of their cells into `values`, as in `simulate.sampling.tables`."""
    numbers = np.int64(len(slope) // 2), np.int64(52 - leading_bits)
    _on_lines("on_word_lines", words, slope, intercept, values, *numbers)


def on_score_lines(scores: Any, slope: NDArray[Any], intercept: NDArray[Any], limit: float, values: Any) -> None:
    """Put those of normal scores on the lines of their cells, of equal ones from -limit to limit, into `values`."""
    numbers = np.float64(-limit), np.float64(limit - 1e-9), np.float64(len(slope) / (2 * limit))
    _on_lines("on_score_lines", scores, slope, intercept, values, *numbers)


def add_multiple(total: Any, factor: float, column: Any) -> None:
    """Add a multiple of a column to a total, in place."""
    size, module = len(column), array_module(column)
    if size:
        given = total, np.float64(factor), module.ascontiguousarray(column), np.int64(size)
        _launch(module, "add_multiple", _enough_blocks(size), *given)


def _enough_blocks(size: int) -> int:
    return min(-(-size // THREADS), _MOST_BLOCKS)


def _on_lines(
    kernel: str, column: Any, slope: NDArray[Any], intercept: NDArray[Any], values: Any, *numbers: Any
) -> None:
    module, size = array_module(column), len(column)
    column = module.ascontiguousarray(column)
    lines = beside(slope, column), beside(intercept, column)
    if size:
        _launch(module, kernel, _enough_blocks(size), column, *lines, values, np.int64(size), *numbers)


class Tally(NamedTuple):
    """What comes to the host of a block of a column.

    So many `finite` values, with weights that sum to `total`, the least and the greatest; `cells`, how much each cell
    of a ruler holds, and `sums` of the deviations from a shift and of their squares. `others` are the values that the
    ruler has not foreseen, in any order, and `times` how much each counts; without cells, they are all.
    """

    finite: int
    total: int
    ends: tuple[float, float]
    others: NDArray[np.float64]
    times: NDArray[np.int64]
    cells: NDArray[np.int64] | None = None
    sums: tuple[float, float] = (0.0, 0.0)


class Bins(NamedTuple):
    """So many cells of a ruler, of the bits of floats beyond the lowest `shift`, from the bin `start` on."""

    cells: int
    shift: int
    start: int


class Parts(NamedTuple):
    """The cells of a ruler of knots: themselves, and as many `parts` between two, `rates` by unit of distance."""

    cells: int
    knots: NDArray[np.float64]
    rates: NDArray[np.float64]
    parts: int


def tally(values: Any, weights: Any, ruler: Bins | Parts, shift: float) -> Tally | None:
    """Count the cells of values, each once without weights, and sum deviations from a shift; waits for the device.

    None where too many values have no cell.
    """
    module = array_module(values)
    told = module.zeros(ruler.cells + _BLOCKS * _SUMS + 1, np.uint64)
    others, times = module.empty(_ROOM, np.float64), None if weights is None else module.empty(_ROOM, np.int64)
    if isinstance(ruler, Bins):
        cells = np.int64(ruler.shift), np.int64(ruler.start), None, None, np.int64(0), np.int64(0)
    else:
        knots, rates = beside(ruler.knots, values), beside(ruler.rates, values)
        cells = np.int64(0), np.int64(0), knots, rates, np.int64(len(ruler.knots)), np.int64(ruler.parts)
    values = module.ascontiguousarray(values)
    given = values, weights, np.int64(len(values)), np.float64(shift), np.int64(ruler.cells)
    _launch(module, "tally", _BLOCKS, *given, *cells, told, others, times, np.int64(_ROOM))
    counted = to_host(told)
    outside = int(counted[-1])
    if outside > _ROOM:
        return None
    sums = counted[ruler.cells : -1].reshape(_BLOCKS, _SUMS)
    first, second, least, greatest = np.ascontiguousarray(sums[:, :4].T).view(np.float64)
    finite, total = sums[:, 4:].sum(axis=0).tolist()
    return Tally(
        finite,
        total,
        (float(least.min()), float(greatest.max())),
        to_host(others[:outside]) if outside else np.zeros(0),
        to_host(times[:outside]) if outside and times is not None else np.ones(outside, np.int64),
        counted[: ruler.cells].astype(np.int64),
        (float(np.add.reduce(first)), float(np.add.reduce(second))),
    )
