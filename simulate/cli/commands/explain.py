"""`simulate explain`: what a quantity means and is made of, and what any other word of priors files means."""

from functools import partial
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.emitting import print_as
from simulate.cli.options import Printed


def command(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="WORD",
            help="A quantity, family, key, accelerator or other word; without it, the list of quantities.",
            autocompletion=completing.explained,
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
    """Explain a quantity, or any word of a priors file.

    Of a quantity, prints its definition, equation, unit and source, and as trees what it needs and what
    needs it; with a priors file also what that says of it. Of a family its parameters, with examples to
    paste; of a table or key what it holds; of an accelerator its figures. Lists: keys, families,
    parameters, units, functions, accelerators, precisions, forms, schemes, methods, statistics, shipped.

    \b
    Examples:
      simulate explain
      simulate explain capex
      simulate explain pue priors/base.toml
      simulate explain lognormal
      simulate explain choices
      simulate explain H100
      simulate explain capex --format json
    """  # noqa: D301
    from simulate.explaining import explained, explained_plain

    word = word or None  # so that '' before a file lists all quantities with what the file says
    if priors_file is None and word is not None and (word == "-" or word.endswith(".toml")):
        priors_file, word = word, None
    priors = None
    if priors_file is not None:
        from simulate.results.sources import read_source

        priors = read_source(priors_file)
    print_as(output, partial(explained, word, priors), partial(explained_plain, word, priors))
