"""Work carried to other processes: pickled once, loaded once by each worker, its warnings brought back."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")  # in the environment of a worker, for libraries that would start some
# in a worker: the work in hand by its name, with the places of what is known, by where it lies in memory
_loaded: dict[str, tuple[Callable[..., Any], Sequence[Any], dict[int, int]]] = {}


@dataclass(frozen=True)
class Carried:
    """Work as bytes. Called with a task in another process, it gives what `brought` takes there as the result."""

    work: bytes
    name: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, work: Callable[..., Any], known: Sequence[Any]) -> Carried:
        """The work, closures and all, and what it and its results refer to."""
        import cloudpickle

        return cls(cloudpickle.dumps((work, known), pickle.HIGHEST_PROTOCOL))

    def __call__(self, task: Any) -> bytes:
        """Do the task, in a worker."""
        held = _loaded.get(self.name)
        if held is None:
            work, known = pickle.loads(self.work)  # noqa: S301 - our own
            held = work, known, {id(each): place for place, each in enumerate(known)}
            _loaded.clear()
            _loaded[self.name] = held
        work, _, places = held
        return done(work, task, places)


def done(work: Callable[..., Any], task: Any, places: Mapping[int, int]) -> bytes:
    """Do a task, in a worker; `places` are those of what both sides know, by where it lies in memory here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = work(task, iter)
    told = [(each.message, each.category, each.filename, each.lineno) for each in caught]
    sent = io.BytesIO()
    _Sending(sent, places).dump((result, told))
    return sent.getvalue()


def brought(found: bytes, known: Sequence[Any]) -> Any:
    """The result that a worker has sent; what it has warned of is warned of here."""
    result, told = _Receiving(io.BytesIO(found), known).load()
    for warning in told:
        warnings.warn_explicit(*warning)
    return result


class _Sending(pickle.Pickler):
    """A pickler that writes the place of what both sides know, and counts in as few bytes as they take."""

    def __init__(self, file: io.BytesIO, places: Mapping[int, int]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.places = places

    def persistent_id(self, each: Any) -> int | None:
        """The place."""
        return self.places.get(id(each))

    def reducer_override(self, each: Any) -> Any:
        """How many whole numbers, none below 0, are written; all else as usual."""
        if type(each) is np.ndarray and each.dtype == np.int64 and each.size and each.min() >= 0:
            return _counts, (each.astype(np.min_scalar_type(each.max())),)
        return NotImplemented


def _counts(numbers: NDArray[Any]) -> NDArray[np.int64]:
    return numbers.astype(np.int64)


class _Receiving(pickle.Unpickler):
    """An unpickler that takes what is known at the places written."""

    def __init__(self, file: io.BytesIO, known: Sequence[Any]) -> None:
        super().__init__(file)
        self.known = known

    def persistent_load(self, place: int) -> Any:
        """What is known at a place."""
        return self.known[place]
