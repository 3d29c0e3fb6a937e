"""`simulate show`: a priors file as it is used."""

import sys
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.options import SOURCE, Overrides, format_option
from simulate.errors import none_such

PRINTED = ("toml", "json")


def command(
    priors_file: Annotated[
        str, typer.Argument(metavar="PRIORS", help=f"{SOURCE}; or FILE:CHOICE.", autocompletion=completing.sources)
    ],
    *,
    overrides: Overrides = None,
    output: Annotated[str, format_option(PRINTED)] = "toml",
) -> None:
    """Print a priors file as it is used.

    What it extends, what is set, and the figures of accelerators and precisions are merged into one file, which
    any command takes and of which the same bits come out. A comment before each table says where it is from. Of
    FILE:CHOICE the choice alone is printed.

    \b
    Examples:
      simulate show mine.toml > whole.toml
      simulate show base --set pue=1.1
      simulate show accelerators:h100
    """  # noqa: D301
    from simulate.formats import json
    from simulate.grammar import CASE
    from simulate.priors import choice
    from simulate.priors.merged import as_one_file
    from simulate.results.sources import read_source

    if output not in PRINTED:
        raise none_such("format", output, PRINTED)
    path, chosen = CASE.read(priors_file, "PRIORS")
    priors = read_source(path, overrides or ())
    text = as_one_file(choice(priors, chosen) if chosen else priors)
    if output == "json":
        settings = {"overrides": list(priors.overrides), "choice": chosen}
        files = [{"path": str(file.path), "sha256": file.digest} for file in priors.files]
        told = json.envelope("show", files=files, settings=settings, result={"text": text})
        json.write_envelope(told, None, sys.stdout)
    else:
        typer.echo(text, nl=False)
