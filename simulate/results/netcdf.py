"""Results as netCDF files, written and read without xarray.

They claim no convention: CF's has no unit of money.
"""

import io
from pathlib import Path

import numpy as np

from simulate.errors import SimulateError
from simulate.results.result import Result, restored, variable_of


def written(result: Result) -> bytes:
    """The result as a netCDF 4 file, made in memory so that a full disk cannot break it off."""
    import h5netcdf
    import h5py

    arrays = {**result.coordinates, **result.variables}
    lengths: dict[str, int] = {}
    for variable in arrays.values():
        lengths.update(zip(variable.dims, variable.values.shape, strict=True))
    buffer = io.BytesIO()
    with h5netcdf.File(buffer, "w") as file:
        file.dimensions.update(lengths)
        for name, variable in arrays.items():
            values = variable.values
            kind = h5py.string_dtype() if values.dtype == object else values.dtype
            stored = file.create_variable(name, variable.dims, kind, data=values)
            for attribute, text in result.attributes_of(name).items():
                stored.attrs[attribute] = text
        for attribute, value in result.described().items():
            file.attrs[attribute] = value
        auxiliary = [name for name in result.coordinates if name not in file.dimensions]
        file.attrs["coordinates"] = " ".join(auxiliary)
    return buffer.getvalue()


def read(path: Path) -> Result:
    """Read a result from its file. Raises SimulateError, in one line, where there is none."""
    import h5netcdf

    if not path.is_file():
        raise SimulateError(
            f"{path}: there is no such file; give a folder or a .nc file that `simulate` wrote", code="file"
        )
    try:
        with h5netcdf.File(path, "r") as file:
            attributes = dict(file.attrs)
            auxiliary = str(attributes.pop("coordinates", "")).split()
            result = restored(attributes, str(path))
            for name, stored in file.variables.items():
                values = np.asarray(stored[...])
                if values.dtype == object:  # texts come as bytes
                    values = np.array([text.decode() for text in values.ravel()], object).reshape(values.shape)
                group = result.coordinates if name in {*file.dimensions, *auxiliary} else result.variables
                group[name] = variable_of(tuple(stored.dimensions), values, dict(stored.attrs))
    except SimulateError:
        raise
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SimulateError(f"{path}: cannot be read as netCDF: {reason}", code="file") from None
    return result
