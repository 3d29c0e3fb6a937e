"""The folder of a result: written beside and moved into place, so that what lies there is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from simulate.errors import SimulateError
from simulate.results import netcdf
from simulate.results.result import Result
from simulate.revisions import revised
from simulate.style import own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PIXELS = 2**16 - 1  # of a side, that matplotlib can draw
RUN = "result.nc"  # of a run; another question's file has the question's name


def file_of(question: str) -> str:
    """The name of the file that holds a question's result."""
    return RUN if question == "run" else f"{question}.nc"


def default_folder(path: Path) -> Path:
    """Where the results of a file or an earlier run go: ``outputs/NAME`` below the working directory."""
    return Path("outputs") / name_of(path)


def name_of(path: Path) -> str:
    """The name of a file without its ending, of a folder, of a result.nc the folder's that it lies in.

    That of a file at a revision says which.
    """
    if file := revised(path):
        return file.name
    path = path.resolve() if path.name in {"", ".."} else path.absolute()
    if path.name == RUN:
        return path.parent.name or path.stem
    return path.name if is_result(path) and path.suffix != ".nc" else path.stem.strip("<>")


@contextmanager
def output_folder(folder: Path, files: Collection[str]) -> Iterator[Path]:
    """Give an empty folder whose files move into `folder` when the block has ended well.

    Each replaces its namesake in one step; of `files`, names or patterns, those not written this time are removed,
    so that nothing of an earlier result stays beside the new one. An exception, Ctrl-C too, leaves `folder` as it was.
    Raises SimulateError, before the block is entered, where the folder cannot be written.
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
            earlier = {path for pattern in files for path in folder.glob(pattern)}
            for path in earlier - {folder / path.name for path in written}:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if not existed and not any(folder.iterdir()):
            folder.rmdir()


def _unwritable(folder: Path, error: OSError) -> SimulateError:
    reason = error.strerror or str(error)
    return SimulateError(
        f"{folder}: the output folder cannot be written: {reason}; choose another with --out", code="file"
    )


def write_figure(folder: Path, name: str, figure: Figure) -> None:
    """Write a figure as NAME.png and as NAME.svg, the latter the same bytes for the same figure."""
    with own_style():
        from matplotlib import rc_context

        dpi = min(200, MOST_PIXELS / max(figure.get_size_inches()))
        figure.savefig(folder / f"{name}.png", dpi=dpi, pil_kwargs={"compress_level": 2})  # 6 takes a tenth longer
        figure.set_layout_engine("none")  # what has been laid out is laid out: it takes a fifth of the drawing
        with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def is_result(path: Path) -> bool:
    """Whether a path is one of an earlier run: a folder with a result.nc in it, or a netCDF file."""
    with suppress(OSError, ValueError):  # of a name that nothing can have
        return (path / RUN).is_file() or path.suffix == ".nc"
    return False


def read_run(path: Path) -> Result:
    """Read an earlier run from its folder or its netCDF file. Raises SimulateError where there is none."""
    result = netcdf.read(path / RUN if path.is_dir() else path)
    check_run(result, str(path))
    return result


def check_run(result: Result, where: str) -> None:
    """Raise SimulateError, beginning with `where`, for the result of another question than `run`."""
    if result.question != "run":
        raise SimulateError(f"{where}: is a result of `simulate {result.question}`; give one of `simulate run`")


def shown(folder: Path, files: Collection[str]) -> str:
    """What has been written, for a person: ``outputs/base/: result.nc, ...``."""
    return f"{os.path.join(folder, '')}: {', '.join(files)}"  # noqa: PTH118 - pathlib drops the final separator
