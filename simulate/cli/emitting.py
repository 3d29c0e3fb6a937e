"""How every command tells its result: the folder, the pictures, the printing, and progress meanwhile."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import typer

from simulate.cli import exit_codes, interrupts
from simulate.cli.options import PRINTED, Output
from simulate.errors import SimulateError, none_such, printable
from simulate.formats import ENVELOPES, FORMATS, LOG, READERS
from simulate.questions import QUESTIONS, Question
from simulate.spelling import path_of
from simulate.style import PictureWarning

if TYPE_CHECKING:
    from simulate.checkpoints import Checkpoint
    from simulate.layout import Section
    from simulate.replicates import Progress
    from simulate.results import Result
    from simulate.results.replacing import Replacement

PATIENCE = 1.0  # seconds of work before progress is shown
OFTEN = 0.1  # and from one time to the next, at least


def emit(
    question: str,
    ask: Callable[..., Result],
    output: Output,
    name: str,
    paths: Sequence[Path],
    *,
    beside: Mapping[str, Callable[[Result, Replacement, Progress | None], None] | None] | None = None,
    resume: bool | None = None,
    sample: Callable[[Result, Progress | None], Result] | None = None,
    **options: Any,
) -> None:
    """Ask a question, write its result into the folder with its pictures, and print it.

    `ask` takes who is told of the progress; `name` is that of the folder unless the user names one, and `paths` the
    files that the result is of; `beside` writes further files, by their names, with the result in hand, None for one
    that is not wanted this time; `resume` says whether it goes on from a checkpoint, of which `ask` is then told, None
    where the question has none; `sample` draws what scenarios a workbook shows of a result; `options` go to the report
    and the pictures. What is written replaces the files of an
    earlier result as one set, when all is there. Exits with the code of what gates say of the result, when all is told.
    """
    from simulate.checkpoints import FILES
    from simulate.machine import keep_freed_memory
    from simulate.results import folder as folders

    FORMATS.known(output.output)
    keep_freed_memory()
    kind, further = QUESTIONS[question], {**(beside or {}), **_workbook(question, output, sample)}
    pictures = [f"{name}.{ending}" for name in kind.pictures for ending in ("png", "svg")]
    files = [folders.file_of(question), *kind.files, *further, *pictures, *(() if resume is None else FILES)]
    if output.out is not None and not output.out.strip():
        raise SimulateError(f"--out '{output.out}': is empty; name a folder")
    saved, kept, noted, written = output.saved(bool(resume) or any(further.values())), "", list[str](), list[str]()
    place = path_of(output.out or "")
    if saved and not output.out:
        place, kept = folders.default_folder(name, paths)
    saving = folders.output_folder(place, files) if saved else nullcontext()
    with saving as folder, progress_shown(quiet=output.quiet) as progress:
        interrupts.check()
        if folder and resume is not None:
            ask = partial(ask, checkpoint=_checkpoint(place, output, resume=resume))
        result = ask(progress=progress)
        if folder:
            _store(folder, kind, result)
            for write in filter(None, further.values()):
                write(result, folder, progress)
            if output.pictures or (output.pictures is None and output.for_people):
                noted = _draw(folder, kind, result, progress, options)
            written = folder.names
        interrupts.check()
    for message in [*(result.warnings if READERS[output.output] != LOG else ()), *noted]:
        typer.echo(f"warning: {message}", err=True)
    if "precision" in result.provenance:
        output.tell(result.provenance["precision"]["text"])
    FORMATS[output.output](result, partial(kind.sections, result, **options), sys.stdout)
    if written:
        output.tell(printable(f"Wrote {folders.shown(place, written, kept)}"))
    _leave(result)


def _workbook(
    question: str, output: Output, sample: Callable[[Result, Progress | None], Result] | None
) -> dict[str, Callable[[Result, Replacement, Progress | None], None] | None]:
    """The workbook of a result by the name of its file, with what writes it where it is wanted.

    Raises SimulateError, before anything is computed, where it cannot be written.
    """
    from simulate import workbook
    from simulate.results.folder import file_of

    name = f"{Path(file_of(question)).stem}.xlsx"
    if not output.xlsx:
        return {name: None}
    workbook.check_installed()

    def write(result: Result, folder: Replacement, progress: Progress | None) -> None:
        folder.write(name, workbook.written(result, sample(result, progress) if sample else None))

    return {name: write}


def print_as(form: str, sections: Callable[[], Sequence[Section]], plain: Callable[[], dict[str, Any]]) -> None:
    """Print what is no result of a question: its sections, or where the format takes it plain data in an envelope."""
    if form not in PRINTED:
        raise none_such("format", form, PRINTED)
    if write := ENVELOPES.get(form):
        write(plain(), sections, sys.stdout)
    else:
        FORMATS[form](None, sections, sys.stdout)  # type: ignore[arg-type]  # tables need no result


def _checkpoint(place: Path, output: Output, *, resume: bool) -> Checkpoint:
    """The checkpoint in a folder."""
    from simulate.checkpoints import Checkpoint
    from simulate.settings import checkpoint_interval

    checkpoint = Checkpoint(place, resume=resume, interval=checkpoint_interval())
    if resume and not checkpoint.found:
        output.tell(printable(f"{checkpoint.path}: is not there, and the run starts anew"))
    elif not resume and checkpoint.path.exists():
        output.tell(printable(f"{checkpoint.path}: is of a run that was broken off; --resume goes on with it"))
    return checkpoint


def _leave(result: Result) -> None:
    """Exit with the code of what the gates of a result say together, where that is not that all is well."""
    from simulate.gates import FAILS, OPEN, verdicts

    told = verdicts(result)
    if told & {FAILS, OPEN}:
        raise typer.Exit(exit_codes.FAILED if FAILS in told else exit_codes.OPEN)


def _store(folder: Replacement, kind: Question, result: Result) -> None:
    """Write the numbers of a result."""
    from simulate.results import netcdf
    from simulate.results.folder import file_of

    folder.write(file_of(result.question), netcdf.written(result))
    for name, form in kind.files.items():
        text = StringIO()
        FORMATS[form](result, list, text)
        folder.write(name, text.getvalue().encode())


def _draw(
    folder: Replacement, kind: Question, result: Result, progress: Progress | None, options: Mapping[str, Any]
) -> list[str]:
    """Write the pictures of a result, and tell what to know of them."""
    from simulate.results.folder import pictures

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PictureWarning)
        drawn = kind.plots(result, **options)
    for each in caught:
        if not issubclass(each.category, PictureWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    for done, (name, figure) in enumerate(drawn.items()):
        if progress:
            progress(f"picture {name}", done, len(drawn))
        for file, content in pictures(name, figure).items():
            folder.write(file, content)
    return [*dict.fromkeys(str(each.message) for each in caught if issubclass(each.category, PictureWarning))]


@contextmanager
def progress_shown(*, quiet: bool = False) -> Iterator[Progress | None]:
    """Give a function that shows progress on stderr once a second has gone; None where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True, auto_refresh=False)  # by a thread, for which none is copied
    task = bar.add_task("", total=None)
    due = monotonic() + PATIENCE

    def tell(what: str, done: int, total: int) -> None:
        nonlocal due
        bar.update(task, description=what, completed=done, total=total)
        if monotonic() >= due:
            bar.start()
            bar.refresh()
            due = monotonic() + OFTEN

    try:
        yield tell
    finally:
        bar.stop()
