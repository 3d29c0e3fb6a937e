"""A stand-in for an array module of a device: what cupy does, on numpy's arrays, and refuses what cupy refuses.

Its arrays are never taken for numpy's: nothing converts them but `get`, nothing mixes them with numpy's, and a look at
a value, which would wait for the device, is counted in `seen`. Functions and ufuncs are those that cupy has, called
as cupy takes them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import emulated
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

seen = Counter[str]()  # `waits` for the device, and how many `numbers` came from it
if emulated.COMPILER:
    RawModule = emulated.RawModule
_REDUCED = {"add": "sum", "multiply": "prod"}  # the ufuncs that cupy reduces by
_ADDED_AT = {"add", "maximum", "minimum", "bitwise_or"}


def waited() -> None:
    seen["waits"] += 1


class ndarray(NDArrayOperatorsMixin):  # noqa: N801 - as cupy's
    def __init__(self, held: Any) -> None:
        self.held = np.asarray(held)

    shape = property(lambda self: self.held.shape)
    dtype = property(lambda self: self.held.dtype)
    ndim = property(lambda self: self.held.ndim)
    size = property(lambda self: self.held.size)
    nbytes = property(lambda self: self.held.nbytes)
    T = property(lambda self: ndarray(self.held.T))

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def get(self) -> Any:
        waited()
        seen["numbers"] += self.held.size
        return self.held.copy()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method == "reduce":
            return getattr(self, _REDUCED[ufunc.__name__])(**options)
        if method == "at":
            assert ufunc.__name__ in _ADDED_AT
            return ufunc.at(*map(held, inputs))
        assert method == "__call__", f"cupy has no {ufunc.__name__}.{method}"
        if out is not None:
            options["out"] = tuple(map(held, out))
        return wrapped(ufunc(*map(held, inputs), **options))

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        del types
        taken = FUNCTIONS.get(function.__name__)
        return NotImplemented if taken is None else taken(*inputs, **options)

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, place: Any) -> Any:
        return ndarray(self.held[index(place)])

    def __setitem__(self, place: Any, values: Any) -> None:
        self.held[index(place)] = held(values)

    def __bool__(self) -> bool:
        waited()
        return bool(self.held)

    def __float__(self) -> float:
        waited()
        return float(self.held)

    def __int__(self) -> int:
        waited()
        return int(self.held)

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:
        return ndarray(self.held.astype(dtype, copy=copy))

    def view(self, dtype: Any) -> Any:
        return ndarray(self.held.view(dtype))

    def reshape(self, *shape: Any) -> Any:
        return ndarray(self.held.reshape(*shape))

    def ravel(self) -> Any:
        return ndarray(self.held.ravel())

    def copy(self) -> Any:
        return ndarray(self.held.copy())

    def take(self, places: Any) -> Any:
        assert isinstance(places, ndarray | int)
        return ndarray(self.held.take(held(places)))

    def sum(self, axis: Any = None, dtype: Any = None) -> Any:
        return ndarray(self.held.sum(axis=axis, dtype=dtype))

    def min(self, axis: Any = None) -> Any:
        return ndarray(self.held.min(axis=axis))

    def max(self, axis: Any = None) -> Any:
        return ndarray(self.held.max(axis=axis))

    def any(self, axis: Any = None) -> Any:
        return ndarray(self.held.any(axis=axis))

    def all(self, axis: Any = None) -> Any:
        return ndarray(self.held.all(axis=axis))


def held(value: Any) -> Any:
    """What numpy computes with; its own arrays are refused, as cupy refuses them."""
    if isinstance(value, ndarray):
        return value.held
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    return value


def index(place: Any) -> Any:
    if isinstance(place, tuple):
        return tuple(map(index, place))
    if isinstance(place, ndarray) and place.dtype == np.bool_:
        waited()
    return held(place)


def wrapped(result: Any) -> Any:
    return tuple(map(ndarray, result)) if isinstance(result, tuple) else ndarray(result)


def where(condition: Any, value: Any, otherwise: Any) -> Any:
    return ndarray(np.where(held(condition.astype("?", copy=False)), held(value), held(otherwise)))


def clip(values: Any, least: Any, most: Any, out: Any = None) -> Any:
    assert isinstance(values, ndarray)
    return ndarray(np.clip(values.held, held(least), held(most), out=None if out is None else out.held))


def searchsorted(edges: Any, values: Any, side: str = "left") -> Any:
    assert isinstance(edges, ndarray)
    assert isinstance(values, ndarray)
    return ndarray(np.searchsorted(edges.held, values.held, side))


def _joined(function: Any) -> Any:
    return lambda arrays, axis=0: ndarray(function([each.held for each in arrays], axis=axis))


concatenate, stack = _joined(np.concatenate), _joined(np.stack)


def flatnonzero(values: Any) -> Any:
    waited()
    return ndarray(np.flatnonzero(values.held))


def count_nonzero(values: Any) -> Any:
    return ndarray(np.count_nonzero(values.held))


def unique(values: Any, return_counts: bool = False, return_inverse: bool = False) -> Any:
    waited()
    return wrapped(np.unique(values.held, return_counts=return_counts, return_inverse=return_inverse))


def broadcast_to(values: Any, shape: tuple[int, ...]) -> Any:
    assert isinstance(values, ndarray)
    assert isinstance(shape, tuple)
    return ndarray(np.broadcast_to(values.held, shape))


def asarray(values: Any, dtype: Any = None) -> Any:
    return values if isinstance(values, ndarray) else ndarray(np.array(values, dtype))


def asnumpy(values: Any) -> Any:
    return values.get() if isinstance(values, ndarray) else np.asarray(values)


def _made(function: Any) -> Any:
    return lambda *given, **options: ndarray(function(*given, **options))


def _reduced(name: str) -> Any:
    return lambda values, axis=None: getattr(values, name)(axis=axis)


empty, zeros, ones, full, arange = map(_made, (np.empty, np.zeros, np.ones, np.full, np.arange))
zeros_like, ones_like = (_made(lambda values, made=made: made(values.held)) for made in (np.zeros_like, np.ones_like))
FUNCTIONS: dict[str, Any] = {
    "empty_like": lambda values, dtype=None: ndarray(np.empty_like(values.held, dtype)),
    "ndim": lambda values: values.ndim,
    "shape": lambda values: values.shape,
    "size": lambda values: values.size,
    **{name: _reduced(name) for name in ("sum", "min", "max", "any", "all")},
    **{each.__name__: each for each in (where, clip, searchsorted, flatnonzero, count_nonzero, unique, broadcast_to)},
    "concatenate": concatenate,
    "stack": stack,
    "zeros_like": zeros_like,
    "ones_like": ones_like,
}


def ascontiguousarray(values: Any) -> Any:
    return ndarray(np.ascontiguousarray(values.held))
