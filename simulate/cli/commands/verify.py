"""`simulate verify`: does a stored result come out again."""

from functools import partial
from typing import Annotated

import typer

from simulate.cli.emitting import print_as
from simulate.cli.exit_codes import FAILED
from simulate.cli.options import Printed


def command(
    result: Annotated[
        str, typer.Argument(metavar="RESULT", help="The folder of a run, the .nc file of a result, or draws.zarr.")
    ],
    *,
    output: Printed = "table",
) -> None:
    """Ask a stored result again, and tell whether it is the same.

    On the build and kind of CPU that made it, which it names, the same bits must come out; elsewhere figures must
    be the same to 1e-9. Which of the two is told. What differs more is named, with exit code 1. Nothing is written.
    Results of run (draws.zarr too), tornado, decide and backtest can be asked again.

    \b
    Examples:
      simulate verify outputs/base
      simulate verify outputs/base/tornado.nc
    """  # noqa: D301
    from simulate.verification import verified_plain, verified_sections, verify

    found = verify(result)
    print_as(output, partial(verified_sections, found, result), partial(verified_plain, found))
    if not found.holds:
        raise typer.Exit(FAILED)
