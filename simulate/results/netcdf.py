"""Results as netCDF files, written and read without xarray.

They claim no convention: CF's has no unit of money.
"""

import hashlib
import io
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from simulate.errors import SimulateError, printable
from simulate.reading import contents_of
from simulate.results.result import Result, Variable, restored, variable_of

LARGEST = 2**32  # bytes of a file that is read
SMALLEST = 8  # bytes of a value in memory, that of a text's address
SIGNATURE = b"\x89HDF\r\n\x1a\n"  # of netCDF 4
WANTED = "give a folder or a .nc file that `simulate` wrote"
SEAL = b"simulate sha256 "
DIGITS = 64
BARE = "This is a netCDF dimension but not a netCDF variable."  # how netCDF marks a dimension without labels
BARE_KIND = ">f4"
HIDDEN = {"_NCProperties", "DIMENSION_LIST", "REFERENCE_LIST"}
PATIENCE = 20.0  # seconds for what takes a fraction of one


def written(result: Result) -> bytes:
    """The result as a netCDF 4 file, made in memory so that a full disk cannot break it off.

    A netCDF 4 file is an HDF5 file whose dimensions are scales attached to the variables along them, with attributes
    that tell their order. Source: the netCDF-4 format specification, "Implementing a writer".
    """
    import h5py
    from h5py.h5ds import attach_scale, set_scale

    arrays = {**result.coordinates, **result.variables}
    lengths: dict[str, int] = {}
    for variable in arrays.values():
        lengths.update(zip(variable.dims, variable.values.shape, strict=True))
    numbers = {dimension: np.int32(number) for number, dimension in enumerate(lengths)}
    bare = {each: Variable((each,), np.zeros(lengths[each], BARE_KIND)) for each in lengths if each not in arrays}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=True) as file:
        for name, variable in {**arrays, **bare}.items():
            values = variable.values
            kind = h5py.string_dtype() if values.dtype == object else values.dtype
            most = None if all(values.shape) else [length or None for length in values.shape]  # netCDF has no length 0
            stored = file.create_dataset(name, data=values, dtype=kind, maxshape=most, track_order=True)
            if variable.dims:
                stored.attrs["_Netcdf4Dimid"] = numbers[variable.dims[0]]
            if variable.dims and name not in bare:
                stored.attrs["_Netcdf4Coordinates"] = np.array([numbers[each] for each in variable.dims])
            stored.attrs.update({} if name in bare else result.attributes_of(name))
        for dimension, length in lengths.items():
            title = f"{BARE}{length:10}" if dimension in bare else dimension
            set_scale(file[dimension].id, title.encode())
        for name, variable in arrays.items():
            for axis, dimension in enumerate(variable.dims if name not in lengths else ()):
                attach_scale(file[name].id, file[dimension].id, axis)
        auxiliary = [name for name in result.coordinates if name not in lengths]
        for name, value in {**result.described(), "coordinates": " ".join(auxiliary)}.items():
            file.attrs[name] = value if isinstance(value, str) else np.atleast_1d(value)  # as netCDF has numbers
        versions = f"version=2,hdf5={h5py.version.hdf5_version},h5py={h5py.__version__}"
        file.attrs["_NCProperties"] = np.bytes_(versions)
    return _sealed(buffer.getvalue())


def read(path: Path, *, figures: bool = True) -> Result:
    """Read a result from its file, without `figures` only what describes it.

    Raises SimulateError, in one line, where there is none that is whole.
    """
    content, sealed = _content(path)
    if not sealed:
        _try(content, path)
    return parsed(content, str(path), figures=figures)


def parsed(content: bytes, where: str, *, figures: bool = True) -> Result:
    """The result in a file's content. Raises SimulateError, beginning with `where`, for any that holds none."""
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            attributes = _attributes(file)
            auxiliary = str(attributes.pop("coordinates", "")).split()
            result = restored(attributes, where)
            for name, stored in file.items() if figures else ():
                described = _attributes(stored)
                if str(described.get("NAME", "")).startswith(BARE):
                    continue
                if math.prod(stored.shape) > LARGEST // SMALLEST:
                    raise ValueError(f"{name} has {math.prod(stored.shape):,} values")  # noqa: TRY301
                values = np.asarray(stored[...])
                if values.dtype == object:  # texts come as bytes
                    values = np.array([text.decode() for text in values.ravel()], object).reshape(values.shape)
                scales = stored.attrs["DIMENSION_LIST"] if values.ndim and "CLASS" not in described else ()
                dims = tuple(file[first].name.removeprefix("/") for first, *_ in scales) or (name,) * values.ndim
                group = result.coordinates if name in {*dims, *auxiliary} else result.variables
                group[name] = variable_of(dims, values, described)
    except SimulateError:
        raise
    except Exception as error:  # noqa: BLE001 - of a damaged file, the library has one of any kind
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SimulateError(f"{where}: cannot be read as netCDF: {printable(reason)}", code="file") from None
    return result


def _attributes(holder: Any) -> dict[str, Any]:
    """What a file or a variable is described by; other writers of netCDF keep texts as bytes, numbers as arrays."""

    def plain(value: Any) -> Any:
        value = value[0] if np.shape(value) == (1,) else value
        return value.decode() if isinstance(value, bytes) else value

    return {name: plain(value) for name, value in holder.attrs.items() if name not in HIDDEN}


def _try(content: bytes, path: Path) -> None:
    """Have another process read what nobody vouches for: what is damaged lets the library crash, or never end."""
    import subprocess  # late: hardly any run needs it

    script = f"import sys; from {__name__} import parsed; parsed(sys.stdin.buffer.read(), '')"
    search = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        tried = subprocess.run(  # noqa: S603 - Python itself
            [sys.executable, "-c", script],
            input=content,
            env=search,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise SimulateError(f"{path}: cannot be read as netCDF: reading it does not end", code="file") from None
    if tried.returncode < 0:
        raise SimulateError(f"{path}: cannot be read as netCDF: reading it crashes", code="file")


def _content(path: Path) -> tuple[bytes, bool]:
    """What a file holds, and whether it is sealed, as what `simulate` wrote is: then it is what was written."""
    try:
        content = contents_of(path, LARGEST)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        fault = "there is no such file" if missing else f"cannot be read: {error.strerror or error}"
        raise SimulateError(f"{path}: {fault}; {WANTED}", code="file") from None
    if not content.startswith(SIGNATURE):
        raise SimulateError(f"{path}: is no netCDF file; {WANTED}", code="file")
    sealed = content[-len(SEAL) - DIGITS : -DIGITS] == SEAL
    if sealed and _sealed(content[: -len(SEAL) - DIGITS]) != content:
        raise SimulateError(
            f"{path}: is damaged: its content is not what was written; run the priors file again", code="file"
        )
    return content, sealed


def _sealed(content: bytes) -> bytes:
    """A file with its digest behind it, where readers of netCDF do not look: it tells what is damaged."""
    return content + SEAL + hashlib.sha256(content).hexdigest().encode()
