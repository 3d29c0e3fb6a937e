"""`simulate new`: a priors file to begin with."""

import shlex
import sys
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.options import OUTPUT, format_option
from simulate.errors import Fault, SimulateError, none_such
from simulate.reference.templates import USUAL, template, template_names
from simulate.spelling import path_of

PRINTED = ("toml", "json")


def command(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="Where to write it, such as my.toml; without it, it is printed."),
    ] = None,
    *,
    kind: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="|".join(template_names()),
            help="The question that it is for.",
            autocompletion=completing.one_of(template_names()),
        ),
    ] = USUAL,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file where it is there already.", rich_help_panel=OUTPUT)
    ] = False,
    output: Annotated[str, format_option(PRINTED)] = "toml",
) -> None:
    """Write a priors file to begin with.

    It is short, has a comment where one helps and a source for every figure, runs as it is, and shows what may
    be added. Put in your own figures: serving is of a model on rented accelerators, training of a training
    run, own-or-rent of a fleet, formulas of what has nothing to do with the model.

    \b
    Examples:
      simulate new my.toml
      simulate new my.toml --for own-or-rent
      simulate new --for formulas
    """  # noqa: D301
    from simulate.formats import json

    if kind not in template_names():
        raise none_such("template", kind, template_names())
    if output not in PRINTED:
        raise none_such("format", output, PRINTED)
    text = template(kind, shlex.quote(file) if file else "FILE")
    if file is not None:
        _write(file, text, force=force)
    if output == "json":
        result = {"text": text, "written": file}
        json.write_envelope(json.envelope("new", settings={"for": kind}, result=result), None, sys.stdout)
    elif file is None:
        typer.echo(text, nl=False)
    else:
        asks = "decide" if "[choices." in text.partition("may be added\n")[0] else "run"
        typer.echo(f"Wrote {file}; now: simulate {asks} {shlex.quote(file)}", err=True)


def _write(file: str, text: str, *, force: bool) -> None:
    """Write the file. Raises SimulateError where it is there already, or cannot be written."""
    from simulate.writing import write_whole

    if not file.strip():
        raise SimulateError("FILE '': is empty; name a file such as my.toml")
    try:
        write_whole(path_of(file), text.encode(), replace=force)
    except FileExistsError:
        raise SimulateError(
            Fault("is there already; name another file, or replace it with --force", file, code="file")
        ) from None
    except OSError as error:
        fault = f"cannot be written: {error.strerror or error}; name another file"
        raise SimulateError(Fault(fault, file, code="file")) from None
