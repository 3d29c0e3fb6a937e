"""`simulate schema`: the JSON Schema of priors files."""

import json
import sys
from typing import Annotated

import typer

from simulate.cli.options import format_option
from simulate.errors import none_such

PRINTED = ("schema", "json")


def command(
    *,
    output: Annotated[
        str, format_option(PRINTED, "What to print: the schema, or the answer that holds it.")
    ] = "schema",
) -> None:
    """Print the JSON Schema of priors files.

    An editor that knows it completes the names of quantities with their definitions, families, their
    parameters, and keys, and marks what is wrong. Put it beside your file, and write #:schema
    priors.schema.json as the first line of that.

    \b
    Examples:
      simulate schema > priors.schema.json
    """  # noqa: D301
    from simulate.formats.json import envelope, write_envelope
    from simulate.reference.json_schema import schema

    if output not in PRINTED:
        raise none_such("format", output, PRINTED)
    if output == "json":
        write_envelope(envelope("schema", result={"schema": schema()}), None, sys.stdout)
    else:
        typer.echo(json.dumps(schema(), indent=1, ensure_ascii=True))
