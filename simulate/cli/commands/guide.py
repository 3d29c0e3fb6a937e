"""`simulate guide`: all that a language model must know."""

import sys
from typing import Annotated

import typer

from simulate.cli.options import format_option
from simulate.errors import none_such

PRINTED = ("markdown", "json")


def command(*, output: Annotated[str, format_option(PRINTED)] = "markdown") -> None:
    """Print all that a language model must know.

    The page tells what it takes to write a priors file and to ask questions of it: the keys, the families
    with examples, the quantities with units, the options, where figures stand in an answer, and what errors
    mean.

    \b
    Examples:
      simulate guide
      simulate guide --format json
    """  # noqa: D301
    from simulate.agents.guide import guide
    from simulate.cli.app import read_as_options
    from simulate.cli.exit_codes import SAID
    from simulate.formats import json

    if output not in PRINTED:
        raise none_such("format", output, PRINTED)
    page = guide(read_as_options(), SAID)
    if output == "json":
        json.write_envelope(json.envelope("guide", result={"guide": page}), None, sys.stdout)
    else:
        typer.echo(page, nl=False)
