"""Arrays wherever they are: on the host, numpy's own, or on a device, of a module with numpy's functions.

What draws, computes and counts is written once: numpy's functions and operators hand arrays of a device to its own
(NEP 13 and 18). Here is the rest: where a task's draws are made, and the ways there and back. An operation that is
not elementwise and wants another form there has it by `simulate.device.with_kernel`.
"""

import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import local
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

_HERE: ContextVar[Any] = ContextVar("module", default=np)  # of the arrays that a task draws
_COPIES: dict[tuple[int, Any], Any] = {}
_SCRATCH = local()


@contextmanager
def drawn_by(module: Any) -> Iterator[None]:
    """Within this, draws are arrays of a module with numpy's functions."""
    token = _HERE.set(module)
    try:
        yield
    finally:
        _HERE.reset(token)


def here() -> Any:
    """The module of the arrays that are drawn here: numpy, unless a backend says otherwise."""
    return _HERE.get()


def on_host(values: Any) -> bool:
    """Whether values are numpy's or Python's, not a device's."""
    return isinstance(values, np.ndarray | np.generic | float | int)


def array_module(values: Any) -> Any:
    """The module of an array: numpy, or that of the device on which it is."""
    return np if on_host(values) else sys.modules[type(values).__module__]


def to_host(values: Any) -> NDArray[Any]:
    """Values as an array of the host; waits for the device."""
    return np.asarray(values if on_host(values) else values.get())


def beside(constant: NDArray[Any], values: Any) -> Any:
    """An array of the host that nobody changes, where the values are: itself, or a copy there, made once."""
    module = array_module(values)
    if module is np:
        return constant
    place = id(constant), module
    if place not in _COPIES:
        _COPIES[place] = module.asarray(constant)
        weakref.finalize(constant, _COPIES.pop, place, None)
    return _COPIES[place]


def look_up(constant: NDArray[Any], places: Any, found: Any) -> None:
    """Put the elements of an array of the host at places, wherever these are, into `found`."""
    if on_host(places):
        constant.take(places, out=found, mode="clip")  # else found would be filled by way of another array
    else:
        found[:] = beside(constant, places).take(places)


def scratch(values: Any, *kinds: Any) -> list[Any]:
    """Arrays of such elements beside others, as many, of which nobody keeps any.

    A thread of the host has the same ones again each time, so that they stay near its processor.
    """
    module, size = array_module(values), len(values)
    if module is not np:
        return [module.empty(size, kind) for kind in kinds]
    held: dict[str, Any] = vars(_SCRATCH)
    for place, kind in enumerate(kinds):
        if len(held.get(f"{kind.__name__} {place}", ())) != size:
            held[f"{kind.__name__} {place}"] = np.empty(size, kind)
    return [held[f"{kind.__name__} {place}"] for place, kind in enumerate(kinds)]


def moved(constant: NDArray[Any], values: Any) -> Any:
    """An array of the host, copied to where the values are."""
    return array_module(values).asarray(constant)


def full(column: Any, size: int) -> Any:
    """A column of so many scenarios, drawn here where there is but one number for all."""
    return column if is_column(column) else here().full(size, column)


def is_column(values: Any) -> TypeGuard[NDArray[Any]]:
    """Whether there is one value a scenario, rather than a number for all of them."""
    return getattr(values, "ndim", 0) > 0
