"""`simulate verify`: does a stored result come out again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from simulate.cli.emitting import print_as
from simulate.cli.exit_codes import FAILED
from simulate.cli.options import Printed

if TYPE_CHECKING:
    from simulate.layout import Section
    from simulate.verification import Verification

SHOWN = 5  # differences, the largest


def command(
    result: Annotated[str, typer.Argument(metavar="RESULT", help="The folder of a run, or the .nc file of a result.")],
    *,
    output: Printed = "table",
) -> None:
    """Ask a stored result again, and tell whether it is the same.

    On the same build and kind of CPU the same bits come out; elsewhere figures may differ by rounding, which
    is told, and are the same to 1e-9. What is farther off is named, with exit code 1. Nothing is written.
    Results of run (draws.nc too), tornado, decide and backtest can be asked again.

    \b
    Examples:
      simulate verify outputs/base
      simulate verify outputs/base/tornado.nc
    """  # noqa: D301
    from simulate.verification import verified_plain, verify

    found = verify(result)
    print_as(output, partial(_sections, found, result), partial(verified_plain, found))
    if not found.holds:
        raise typer.Exit(FAILED)


def _sections(found: Verification, result: str) -> list[Section]:
    from simulate.layout import Section
    from simulate.verification import ROUNDING

    told = f"{result}: {found.question} asked again, {found.values:,} values:"
    made, now = (" and numpy ".join(versions.values()) for versions in found.versions)
    versions = f"it was made with simulate {made}, this is {now}"
    if found.exact:
        lines = [f"{told} the same bits."]
    elif found.holds:
        lines = [
            f"{told} equal to {ROUNDING:g}, but not the same bits, as on another build or kind of CPU; {versions}."
        ]
    else:
        lines = [f"{told} {len(found.differences)} variables differ; {versions}."]
    return [Section(remarks=[*lines, *map(str, found.differences[:SHOWN])])]
