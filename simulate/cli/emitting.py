"""How every command tells its result: the folder, the pictures, the printing, and progress meanwhile."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import typer

from simulate.cli import interrupts
from simulate.cli.options import Output
from simulate.errors import SimulateError, printable
from simulate.formats import FORMATS
from simulate.questions import QUESTIONS, Question
from simulate.spelling import path_of
from simulate.style import PictureWarning

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulate.replicates import Progress
    from simulate.results import Result

PATIENCE = 1.0  # seconds of work before progress is shown


def emit(
    question: str,
    ask: Callable[..., Result],
    output: Output,
    place: Path,
    *,
    beside: Mapping[str, Callable[[Result], Result] | None] | None = None,
    **options: Any,
) -> None:
    """Ask a question, write its result into the folder with its pictures, and print it.

    `ask` takes who is told of the progress; `place` is the folder unless the user names one; `beside` gives further
    results, that of the question in hand, by the names of their files, None for one that is not wanted this time;
    `options` go to the report and the pictures. What is written replaces the files of an earlier result, whole, when
    all is there.
    """
    from simulate.backends import keep_freed_memory
    from simulate.results import folder as folders
    from simulate.results import netcdf

    FORMATS.known(output.output)
    keep_freed_memory()
    kind, further = QUESTIONS[question], beside or {}
    pictures = [f"{name}.{ending}" for name in kind.pictures for ending in ("png", "svg")]
    files = [folders.file_of(question), *kind.files, *further, *pictures]
    if output.out is not None and not output.out.strip():
        raise SimulateError(f"--out '{output.out}': is empty; name a folder")
    place, noted = path_of(output.out or place), list[str]()
    with folders.output_folder(place, files) as folder, progress_shown(quiet=output.quiet) as progress:
        interrupts.check()
        result = ask(progress=progress)
        (folder / files[0]).write_bytes(netcdf.written(result))
        for name, form in kind.files.items():
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                FORMATS[form](result, list, file)
        for name, more in further.items():
            if more:
                (folder / name).write_bytes(netcdf.written(more(result)))
        if output.pictures or (output.pictures is None and output.for_people):
            drawn, noted = _drawn(kind, result, options)
            for done, (name, figure) in enumerate(drawn.items()):
                if progress:
                    progress(f"picture {name}", done, len(drawn))
                folders.write_figure(folder, name, figure)
        written = sorted(path.name for path in folder.iterdir())
        interrupts.check()
    for message in [*result.warnings, *noted]:
        typer.echo(f"warning: {message}", err=True)
    if "precision" in result.provenance:
        output.tell(result.provenance["precision"])
    FORMATS[output.output](result, partial(kind.sections, result, **options), sys.stdout)
    output.tell(printable(f"Wrote {folders.shown(place, written)}"))


def _drawn(kind: Question, result: Result, options: Mapping[str, Any]) -> tuple[dict[str, Figure], list[str]]:
    """The pictures of a result, and what to know of them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PictureWarning)
        drawn = kind.plots(result, **options)
    for each in caught:
        if not issubclass(each.category, PictureWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    noted = [str(each.message) for each in caught if issubclass(each.category, PictureWarning)]
    return drawn, [*dict.fromkeys(noted)]


@contextmanager
def progress_shown(*, quiet: bool = False) -> Iterator[Progress | None]:
    """Give a function that shows progress on stderr once a second has gone; None where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None)
    patience = Timer(PATIENCE, bar.start)
    patience.daemon = True
    patience.start()
    try:
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
    finally:
        patience.cancel()
        patience.join()
        bar.stop()
