"""Results along a dimension too long for memory, as Zarr stores: written part by part, and read so.

A store of Zarr's version 2 is a folder of JSON and of chunks, here each as it lies in memory. So a part goes behind
what is there, row by row, and no library stands between.
Source: https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.errors import SimulateError
from simulate.reading import contents_of, refusal
from simulate.results.replacing import STORE, Replacement
from simulate.results.result import Result, restored, variable_of

DRAWS = f"draws{STORE}"  # of a run's scenarios
LONG = "scenario"  # the last dimension of what comes in parts
CHUNK = 2**20  # scenarios of a file
MOST_METADATA = 2**28  # bytes
GROUP, ARRAY, ATTRIBUTES, METADATA = ".zgroup", ".zarray", ".zattrs", ".zmetadata"
FORMAT = {"zarr_format": 2}
DIMENSIONS = "_ARRAY_DIMENSIONS"  # where xarray looks for their names
KINDS = "iuUf"  # of values, by numpy's letters


class Writer:
    """A store of a name on its way into a set of files."""

    def __init__(self, folder: Replacement, name: str) -> None:
        self._folder, self._name = folder, name
        self._last = Result("")
        self._length = 0

    def add(self, part: Result) -> None:
        """Put the arrays of a part, whose last dimension is the long one, behind those that are there."""
        self._last, arrays = part, {**part.coordinates, **part.variables}
        length = next(iter(arrays.values())).values.shape[-1]
        for chunk, begin, own in _spans(self._length, self._length + length, CHUNK):
            for name, variable in arrays.items():
                self._put(name, variable.values[..., own], chunk, further=begin > 0)
        self._length += length

    def finish(self, described: Result) -> None:
        """Write what describes the parts, and is not along the long dimension."""
        whole, metadata = Result("", described.attributes, described.provenance), dict[str, Any]({GROUP: FORMAT})
        whole.coordinates.update({**described.coordinates, **self._last.coordinates})
        whole.variables.update({**described.variables, **self._last.variables})
        for name, variable in {**whole.coordinates, **whole.variables}.items():
            values, length = variable.values, variable.values.shape[-1]
            chunk = length
            if variable.dims[-1] == LONG:
                length, chunk = self._length, min(self._length, CHUNK)
                for row in np.ndindex(values.shape[:-1]):
                    last = f"{self._name}/{name}/{_key(row, (length - 1) // chunk)}"
                    self._folder.lengthen(last, chunk * values.itemsize)
            else:
                values = values.astype(str) if values.dtype == object else values
                self._put(name, values, 0)
            metadata[f"{name}/{ARRAY}"] = {
                **FORMAT,
                "shape": [*values.shape[:-1], length],
                "chunks": [*(1 for _ in values.shape[:-1]), chunk],
                "dtype": values.dtype.str,
                "order": "C",
                "compressor": None,
                "filters": None,
                "fill_value": None,
            }
            metadata[f"{name}/{ATTRIBUTES}"] = {**whole.attributes_of(name), DIMENSIONS: variable.dims}
        auxiliary = [name for name, each in whole.coordinates.items() if each.dims != (name,)]
        metadata[ATTRIBUTES] = {**described.described(), "coordinates": " ".join(auxiliary)}
        consolidated = {"zarr_consolidated_format": 1, "metadata": metadata}
        for name, told in {**metadata, METADATA: consolidated}.items():
            self._folder.write(f"{self._name}/{name}", json.dumps(told).encode())

    def _put(self, name: str, values: NDArray[Any], chunk: int, *, further: bool = False) -> None:
        for row in np.ndindex(values.shape[:-1]):
            content = np.ascontiguousarray(values[row]).view(np.uint8).data  # where it lies, for there is much of it
            self._folder.write(f"{self._name}/{name}/{_key(row, chunk)}", content, further=further)


class _Array(NamedTuple):
    """How an array lies in a store: in chunks along its last dimension."""

    name: str
    shape: tuple[int, ...]
    chunk: int
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    attributes: dict[str, Any]


class Reader:
    """A store that was written here: `described` is its result without what is along the long dimension.

    Raises SimulateError, in one line, for what is none, and for what is seen to be damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._understood():
            metadata = json.loads(contents_of(path / METADATA, MOST_METADATA))["metadata"]
            attributes = dict(metadata[ATTRIBUTES])
            self._auxiliary = str(attributes.pop("coordinates")).split()
            self.described = restored(attributes, str(path))
            arrays = [_array(metadata, each) for each in metadata if each.endswith(f"/{ARRAY}")]
            self._long = [each for each in arrays if each.dims[-1] == LONG]
            (self.length,) = {each.shape[-1] for each in self._long}
            for each in arrays:
                if each not in self._long:
                    self._put(self.described, each, 0, each.shape[-1])

    def part(self, start: int, stop: int) -> Result:
        """The arrays along the long dimension, from one place to another."""
        part = Result(self.described.question)
        with self._understood():
            for each in self._long:
                self._put(part, each, start, stop)
        return part

    def _put(self, result: Result, array: _Array, start: int, stop: int) -> None:
        spans = [*_spans(start, stop, array.chunk)]
        rows = [
            np.concatenate([self._values(array, row, chunk, begin, own) for chunk, begin, own in spans])
            for row in np.ndindex(array.shape[:-1])
        ]
        values = np.reshape(rows, (*array.shape[:-1], stop - start))
        if array.dtype.kind == "U":
            values.astype(array.dtype.newbyteorder("<")).tobytes().decode("utf-32-le")  # which refuses what is no text
        auxiliary = array.name in self._auxiliary or array.dims == (array.name,)
        group = result.coordinates if auxiliary else result.variables
        group[array.name] = variable_of(array.dims, values, array.attributes)

    def _values(self, array: _Array, row: tuple[int, ...], chunk: int, begin: int, own: slice) -> NDArray[Any]:
        path, size = self.path / array.name / _key(row, chunk), array.dtype.itemsize
        if refusal(path, array.chunk * size) or path.stat().st_size != array.chunk * size:
            raise ValueError(f"{array.name}/{path.name}")
        return np.fromfile(path, array.dtype, own.stop - own.start, offset=begin * size)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            fault = f"{Path(error.filename or self.path).name} cannot be read: {error.strerror or error}"
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, SimulateError):
                raise
            fault = f"{error} is not as it should be"
        else:
            return
        told = f"{self.path}: is no whole store of scenarios: {fault}; run the priors file again with --save-draws"
        raise SimulateError(told, code="file")


def _array(metadata: dict[str, Any], place: str) -> _Array:
    """An array as the metadata tell it. Raises ValueError, LookupError or TypeError where it was not written here."""
    name, told = place.removesuffix(f"/{ARRAY}"), metadata[place]
    attributes = dict(metadata[f"{name}/{ATTRIBUTES}"])
    dims, shape, dtype = tuple(attributes.pop(DIMENSIONS)), tuple(told["shape"]), np.dtype(told["dtype"])
    *ones, chunk = told["chunks"]
    plain = name.isidentifier() and dtype.kind in KINDS and len(dims) == len(shape) == len(ones) + 1
    counts = all(type(each) is int and each > 0 for each in (chunk, *shape))
    if not plain or not counts or any(each != 1 for each in ones) or told["compressor"]:
        raise ValueError(place)
    return _Array(name, shape, chunk, dtype, dims, attributes)


def _spans(start: int, stop: int, chunk: int) -> Iterator[tuple[int, int, slice]]:
    """The chunks from one place to another: each by its number, where in it to begin, and its part of the whole."""
    at = start
    while at < stop:
        number, begin = divmod(at, chunk)
        end = min((number + 1) * chunk, stop)
        yield number, begin, slice(at - start, end - start)
        at = end


def _key(row: tuple[int, ...], chunk: int) -> str:
    return ".".join(map(str, (*row, chunk)))
