"""Work carried to other processes: pickled once, loaded once by each worker, its warnings brought back."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")  # in the environment of a worker, for libraries that would start some
_loaded: dict[str, Callable[..., Any]] = {}  # in a worker: the work in hand, by its name


@dataclass(frozen=True)
class Carried:
    """Work as bytes. Called with a task in another process, it gives what `brought` takes there as the result."""

    work: bytes
    name: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, work: Callable[..., Any]) -> Carried:
        """The work, closures and all."""
        import cloudpickle

        return cls(cloudpickle.dumps(work, pickle.HIGHEST_PROTOCOL))

    def __call__(self, task: Any) -> bytes:
        """Do the task, in a worker."""
        if self.name not in _loaded:
            _loaded.clear()
            _loaded[self.name] = pickle.loads(self.work)  # noqa: S301 - our own
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = _loaded[self.name](task, iter)
        told = [(each.message, each.category, each.filename, each.lineno) for each in caught]
        return pickle.dumps((result, told), pickle.HIGHEST_PROTOCOL)


def brought(found: bytes) -> Any:
    """The result that a worker has sent; what it has warned of is warned of here."""
    result, told = pickle.loads(found)  # noqa: S301 - our own
    for warning in told:
        warnings.warn_explicit(*warning)
    return result
