"""Loops in two forms: numpy's, which is the reference, and one that numba compiles, in use where that pays."""

import os
from collections.abc import Callable
from functools import cache, partial
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

from simulate.compiled.kernels import SIGNATURES
from simulate.errors import SimulateError
from simulate.machine import processors

SWITCH = "SIMULATE_COMPILED"  # in the environment: 0 for no run, 1 for every run, however short
LEAST = 2**23  # scenarios a processor that win back the time that loading takes

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

Kernels = dict[Callable[..., Any], Callable[..., Any]]  # what is compiled, by its plain form

_in_use: Kernels = {}
_one_at_a_time = Lock()


class Loop(Generic[Parameters, Returned]):
    """A loop over arrays in two forms that give the same bits: `numpy`, and `kernel`, which is to be compiled.

    It goes the compiled way once that is in use, but for arrays that it does not take: of another module, or with gaps.
    """

    def __init__(self, numpy: Callable[Parameters, Returned], kernel: Callable[Parameters, Returned]) -> None:
        self.numpy, self.kernel = numpy, kernel

    def __call__(self, *arguments: Parameters.args, **named: Parameters.kwargs) -> Returned:
        """What both forms give."""
        if compiled := _in_use.get(self.kernel):
            try:
                returned: Returned = compiled(*arguments, **named)
            except TypeError:  # before anything is done
                pass
            else:
                return returned
        return self.numpy(*arguments, **named)


def compilable(
    kernel: Callable[Parameters, Returned],
) -> Callable[[Callable[Parameters, Returned]], Loop[Parameters, Returned]]:
    """Make a function of numpy's the first form of a loop of which the kernel is the second."""
    return lambda numpy: Loop(numpy, kernel)


def prepare(scenarios: int) -> None:
    """Put the compiled forms in use for so many scenarios, or out of use, as `SWITCH` says.

    Without it, for a long run, and once they are loaded for any; not where numba is missing or has nowhere to keep
    what it compiles. Raises SimulateError for a switch that is none, and for one that asks for what cannot be had.
    """
    wanted = os.environ.get(SWITCH, "")
    if wanted not in {"", "0", "1"}:
        raise SimulateError(f"{SWITCH} is {wanted!r}; set it to 0 for no run, 1 for every run, or not at all")
    if wanted == "0":
        _in_use.clear()
    elif wanted or scenarios >= LEAST * processors() or _loaded.cache_info().currsize:
        with _one_at_a_time:
            kernels, fault = _loaded()
        if wanted and fault:
            mend = f"pip install 'llm-cost-simulate[fast]', or take {SWITCH} away"
            raise SimulateError(f"{SWITCH} is 1, but numba cannot be used ({fault}); {mend}")
        _in_use.update(kernels)


@cache
def _loaded() -> tuple[Kernels, str]:
    """What is compiled, by its plain form, from the cache that numba keeps or anew; or why it cannot be."""
    try:
        import numba

        if numba.config.DISABLE_JIT:
            return {}, "NUMBA_DISABLE_JIT is set"
        compile_to = partial(numba.njit, nogil=True, cache=True)
        compiled: Kernels = {kernel: compile_to(signature)(kernel) for kernel, signature in SIGNATURES.items()}
    except (ImportError, OSError, RuntimeError) as error:  # not installed, of another numpy, nowhere to keep anything
        return {}, str(error)
    return compiled, ""
