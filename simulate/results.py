"""The folder of a run: written beside and moved into place, so that what lies there is whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from simulate.report import csv_text
from simulate.tables import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset

RESULT = "result.nc"
PERCENTILES = "percentiles.csv"
BANDS = "bands"  # .png and .svg
DRAWS = "draws.nc"
DECISION = "decide.csv"
DECISION_FILES = (DECISION, "decide.png", "decide.svg")
COMPARISON = "compare.csv"
COMPARISON_JSON = "compare.json"
TORNADO = "tornado.csv"
TORNADO_FILES = (TORNADO, "tornado.png", "tornado.svg")
FILES = (RESULT, PERCENTILES, f"{BANDS}.png", f"{BANDS}.svg", DRAWS)
BACKTEST = "backtest.csv"
FORECAST, PIT, OTHERS = "forecast", "pit", "serving"  # .png and .svg
BACKTEST_FILES = (
    BACKTEST,
    *(f"{name}.{kind}" for name in (FORECAST, PIT, OTHERS) for kind in ("png", "svg")),
)


class ResultError(ValueError):
    """A folder that cannot be written, or a file that is no result of a run."""


@contextmanager
def output_folder(folder: Path, files: Collection[str] = FILES) -> Iterator[Path]:
    """Give an empty folder whose files move into `folder` when the block has ended well.

    Each replaces its namesake in one step; of `files`, those not written this time are removed, so that
    nothing of an earlier run stays beside the new result. An exception, Ctrl-C too, leaves `folder` as it
    was.
    Raises ResultError, before the block is entered, where the folder cannot be written.
    """
    existed = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield beside
        try:
            written = sorted(beside.iterdir())
            for path in written:
                path.replace(folder / path.name)
            for name in set(files) - {path.name for path in written}:
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if not existed and not any(folder.iterdir()):
            folder.rmdir()


def _unwritable(folder: Path, error: OSError) -> ResultError:
    reason = error.strerror or str(error)
    return ResultError(
        f"{printable(str(folder))}: the output folder cannot be written: {reason}; choose another with --out"
    )


def write_run(folder: Path, dataset: Dataset, draws: Dataset | None = None) -> None:
    """Write a run's Dataset as netCDF and CSV, and its draws where there are any."""
    write_dataset(folder / RESULT, dataset)
    (folder / PERCENTILES).write_text(csv_text(dataset), encoding="utf-8", newline="")
    if draws is not None:
        write_dataset(folder / DRAWS, draws)


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write a Dataset as CF netCDF, by way of h5netcdf."""
    # CF forbids a fill value on coordinates; elsewhere nan needs none.
    encoding = {
        name: {"_FillValue": None}
        for name, variable in dataset.variables.items()
        if variable.dtype.kind == "f"
    }
    dataset.assign_attrs(Conventions="CF-1.11").to_netcdf(path, engine="h5netcdf", encoding=encoding)


def write_figure(folder: Path, name: str, figure: Figure) -> None:
    """Write a figure as NAME.png and as NAME.svg, the latter the same bytes for the same figure."""
    from matplotlib import rc_context

    figure.savefig(folder / f"{name}.png", dpi=200)
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def is_result(path: Path) -> bool:
    """Whether a path is named as the result of an earlier run is: a folder, or a netCDF file."""
    return path.is_dir() or path.suffix == ".nc"


def read_run(path: Path) -> Dataset:
    """Read the Dataset of an earlier run from its folder or its netCDF file, whole into memory.

    Raises ResultError where there is none.
    """
    import xarray

    file = path / RESULT if path.is_dir() else path
    shown = printable(str(file))
    if not file.is_file():
        raise ResultError(
            f"{shown}: there is no such file; give a folder or a .nc file that 'simulate run' wrote"
        )
    try:
        with xarray.open_dataset(file, engine="h5netcdf") as opened:
            dataset = opened.load()
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResultError(f"{shown}: cannot be read as netCDF: {printable(reason)}") from None
    if "percentile" not in dataset or "priors" not in dataset.attrs:
        raise ResultError(f"{shown}: holds no bands; give a .nc file that 'simulate run' wrote")
    return dataset


def default_folder(priors: Path) -> Path:
    """Where the results of a priors file go: ``outputs/STEM`` below the working directory."""
    return Path("outputs") / priors.stem
