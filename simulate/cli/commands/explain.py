"""`simulate explain`: what a quantity means, and what it is made of."""

from functools import partial
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.emitting import print_as
from simulate.cli.options import Printed


def command(
    quantity: Annotated[
        str | None,
        typer.Argument(
            metavar="QUANTITY", help="The quantity; without it, the list of all.", autocompletion=completing.explained
        ),
    ] = None,
    priors_file: Annotated[
        str | None,
        typer.Argument(
            metavar="PRIORS",
            help="A priors file, to show what it says of the quantity.",
            autocompletion=completing.sources,
        ),
    ] = None,
    *,
    output: Printed = "table",
) -> None:
    """Explain a quantity and what it depends on.

    Prints its definition, equation, unit and source, and as trees what it needs and what needs it; with
    a priors file also what that says of it. Without a quantity, prints the list of all.

    \b
    Examples:
      simulate explain
      simulate explain capex
      simulate explain pue priors/base.toml
      simulate explain capex --format json
    """  # noqa: D301
    from simulate.explaining import explained, explained_plain

    quantity = quantity or None  # so that '' before a file lists all quantities with what the file says
    if priors_file is None and quantity is not None and (quantity == "-" or quantity.endswith(".toml")):
        priors_file, quantity = quantity, None
    priors = None
    if priors_file is not None:
        from simulate.results.sources import read_source

        priors = read_source(priors_file)
    print_as(output, partial(explained, quantity, priors), partial(explained_plain, quantity, priors))
