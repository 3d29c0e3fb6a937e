"""Objects as plain data, arrays and text, and back: what pickle would keep, without what it may run.

Only classes that say so are made again, by `storable`: dataclasses from their fields, others from the state that
`__getstate__` gives. Objects that both sides have are named by their places in a list, `known`.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Class = TypeVar("Class", bound=type)
_CLASSES: dict[str, type] = {}
_KINDS = {"tuple": tuple, "set": set, "dict": dict, "Counter": Counter}  # what is made of a list
_TEXT = "text"  # the name of the text among the arrays


def storable(cls: Class) -> Class:
    """Let objects of a class be stored: those of an Enum, a named tuple, or any other by its state."""
    _CLASSES[cls.__name__] = cls
    return cls


def stored(value: Any, known: Sequence[Any] = ()) -> bytes:
    """A value as the bytes of an .npz file. Raises TypeError for what is not storable."""
    writing = _Writing(known)
    text = json.dumps(writing.plain(value))
    arrays: dict[str, Any] = {kind: np.concatenate(parts) for kind, parts in writing.arrays.items()}
    arrays[_TEXT] = np.frombuffer(text.encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def restored(content: bytes, known: Sequence[Any] = ()) -> Any:
    """The value that `stored` has written. Raises an error of one kind or another where it has not."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        reading = _Reading(known, dict(arrays))
        return reading.value(json.loads(reading.arrays.pop(_TEXT).tobytes()))


class _Writing:
    """What has been made plain: numbers of a type in one array, for there may be very many arrays."""

    def __init__(self, known: Sequence[Any]) -> None:
        self.arrays: dict[str, list[NDArray[Any]]] = {}
        self._places = {each: place for place, each in enumerate(known)}
        self._lengths = Counter[str]()

    def plain(self, value: Any) -> Any:
        """A value as JSON takes it."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return {"array": self._array(value)}
        if type(value) is list:
            return [self.plain(each) for each in value]
        if (place := self._place(value)) is not None:
            return {"known": place}
        kind = type(value).__name__
        if kind in _KINDS and type(value) is _KINDS[kind]:
            parts = value.items() if isinstance(value, dict) else value
            return {kind: [self.plain(each) for each in parts]}
        if _CLASSES.get(kind) is not type(value):
            raise TypeError(f"{kind} is not storable")
        return {kind: self.plain(_state(value))}

    def _place(self, value: Any) -> int | None:
        try:
            return self._places.get(value)
        except TypeError:  # nothing that cannot be hashed is known
            return None

    def _array(self, values: NDArray[Any]) -> list[Any]:
        kind = values.dtype.str
        if values.dtype.hasobject:
            raise TypeError(f"{kind} is not storable")
        self.arrays.setdefault(kind, []).append(values.ravel())
        self._lengths[kind] += values.size
        return [kind, self._lengths[kind] - values.size, *values.shape]


def _state(value: Any) -> Any:
    """What is kept of an object of a storable class."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return list(value)
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return value.__getstate__()


class _Reading:
    """What was made plain."""

    def __init__(self, known: Sequence[Any], arrays: dict[str, NDArray[Any]]) -> None:
        self.known, self.arrays = known, arrays

    def value(self, plain: Any) -> Any:
        """A value from JSON."""
        if isinstance(plain, list):
            return [self.value(each) for each in plain]
        if not isinstance(plain, dict):
            return plain
        ((kind, told),) = plain.items()
        match kind:
            case "array":
                name, first, *shape = told
                return self.arrays[name][first : first + int(np.prod(shape))].reshape(shape).copy()
            case "known":
                return self.known[told]
            case "tuple" | "set":
                return _KINDS[kind](self.value(told))
            case "dict" | "Counter":
                return _KINDS[kind](dict(self.value(told)))
        cls = _CLASSES[kind]
        if issubclass(cls, Enum):
            return cls[told]
        state = self.value(told)
        if issubclass(cls, tuple):
            return cls(*state)
        made = cls.__new__(cls)
        fill(made, state)
        return made


def fill(made: Any, state: Any) -> None:
    """Give an object the state that another of its class had."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
    else:
        vars(made).update(state)
