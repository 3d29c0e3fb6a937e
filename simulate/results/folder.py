"""The folder of a result: written beside and moved into place, so that what lies there is whole."""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from simulate.errors import SimulateError
from simulate.reading import STDIN
from simulate.results import netcdf
from simulate.results.replacing import STORE, Replacement, completed
from simulate.results.result import Result
from simulate.results.store import Reader
from simulate.revisions import revised
from simulate.spelling import file_name, name_text
from simulate.style import own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PIXELS = 2**16 - 1  # of a side, that matplotlib can draw
RUN = "result.nc"  # of a run; another question's file has the question's name


def file_of(question: str) -> str:
    """The name of the file that holds a question's result."""
    return RUN if question == "run" else f"{question}.nc"


def default_folder(name: str, paths: Sequence[Path]) -> tuple[Path, str]:
    """Where the results of files go: ``outputs/NAME`` below the working directory, and who keeps that from them.

    A folder belongs to the files whose result lies in it, as long as there are any: others of that name go to
    ``outputs/PARENT-NAME``, after the folder that they lie in, or if that is another's too, the folder above it ...
    """
    own = {path.absolute() for path in paths}
    above = [path.absolute().parent.parts[1:] for path in paths]
    first, kept = Path("outputs") / name, ""
    for depth in range(1 + max(map(len, above), default=0)):
        prefix = dict.fromkeys("-".join(parts[-depth:]) for parts in above if depth)
        folder = Path("outputs") / (file_name(name_text("-".join([*prefix, name]))) if depth else name)
        others = [path for path in _paths_in(folder) if path.absolute() not in own and path.is_file()]
        if not others:
            return folder, kept
        kept = kept or f"{first}{os.sep} is of {others[0]}"
    return first, ""


def _paths_in(folder: Path) -> list[Path]:
    """The files that the results in a folder are of; none where there are no results that can be read."""
    for path in sorted(folder.glob("*.nc"), key=lambda path: path.name != RUN):
        with suppress(SimulateError, LookupError, TypeError):
            result = netcdf.read(path, figures=False)
            cases = [*result.provenance.get("cases", {}).values()] or [result.provenance]
            named = [case["files"][0]["path"] for case in cases if case.get("files")]
            return [*map(Path, named or [result.attributes["cases_file"]])]
    return []


def name_of(path: Path) -> str:
    """The name of a file without its ending, of a folder, of a result.nc the folder's that it lies in.

    That of a file at a revision says which.
    """
    if file := revised(path):
        return file.name
    if str(path) == "-":
        path = STDIN
    path = path.resolve() if path.name in {"", ".."} else path.absolute()
    if path.name == RUN:
        return path.parent.name or path.stem
    return path.name if is_result(path) and path.suffix != ".nc" else path.stem.strip("<>")


@contextmanager
def output_folder(folder: Path, files: Collection[str]) -> Iterator[Replacement]:
    """Give a new set of files, which replaces that in `folder` as one when the block has ended well.

    Of `files`, names or patterns, those not written this time are removed, so that nothing of an earlier result stays
    beside the new one; others stay. An exception, Ctrl-C too, leaves `folder` as it was.
    Raises SimulateError, before the block is entered, where the folder cannot be written.
    """
    replacement = Replacement(folder, files)
    try:
        replacement.prepare()
        yield replacement
        replacement.commit()
    finally:
        replacement.close()


def pictures(name: str, figure: Figure) -> dict[str, bytes]:
    """A figure as NAME.png and as NAME.svg, the latter the same bytes for the same figure."""
    png, svg = io.BytesIO(), io.BytesIO()
    with own_style():
        from matplotlib import rc_context

        dpi = min(200, MOST_PIXELS / max(figure.get_size_inches()))
        figure.savefig(png, format="png", dpi=dpi, pil_kwargs={"compress_level": 2})  # 6 takes a tenth longer
        figure.set_layout_engine("none")  # what has been laid out is laid out: it takes a fifth of the drawing
        with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
            figure.savefig(svg, format="svg", metadata={"Date": None})
    return {f"{name}.png": png.getvalue(), f"{name}.svg": svg.getvalue()}


def is_result(path: Path) -> bool:
    """Whether a path is one of an earlier run: a folder with a result.nc in it, a netCDF file, or a store."""
    with suppress(OSError, ValueError):  # of a name that nothing can have
        return (path / RUN).is_file() or path.suffix in {".nc", STORE}
    return False


def read_run(path: Path) -> Result:
    """Read an earlier run from its folder or its netCDF file. Raises SimulateError where there is none."""
    result = read(path)
    check_run(result, str(path))
    return result


def read(path: Path) -> Result:
    """Read the result of any question from its file, or that of a run from its folder; of a store what describes it.

    What was broken off while it replaced an earlier result is completed before. Raises SimulateError where there is
    none.
    """
    store = path.suffix == STORE
    file = path / RUN if path.is_dir() and not store else path
    with suppress(OSError):  # of a folder in which nothing may be written
        completed(file.parent)
    if store:
        return Reader(path).described
    if file != path and not file.exists() and (others := sorted(each.name for each in path.glob("*.nc"))):
        raise SimulateError(f"{path}: holds no {RUN}; name a file in it: {', '.join(others)}", code="file")
    return netcdf.read(file)


def check_run(result: Result, where: str) -> None:
    """Raise SimulateError, beginning with `where`, for the result of another question than `run`."""
    if result.question != "run":
        raise SimulateError(f"{where}: is a result of `simulate {result.question}`; give one of `simulate run`")


def shown(folder: Path, files: Collection[str], kept: str = "") -> str:
    """What has been written, for a person: ``outputs/base/: result.nc, ...``, with who keeps the usual folder."""
    told = os.path.join(folder, "")  # noqa: PTH118 - pathlib drops the final separator
    return f"{told}{f' ({kept})' if kept else ''}: {', '.join(files)}"
