"""`simulate verify`: does a stored result come out again."""

from typing import Annotated

import typer

SHOWN = 5  # differences, the largest


def command(
    result: Annotated[str, typer.Argument(metavar="RESULT", help="The folder of a run, or the .nc file of a result.")],
) -> None:
    """Ask a stored result again, to the same bits.

    On the same build and kind of CPU the same bits come out; elsewhere figures may differ by rounding, which
    is told, and are the same to 1e-9. What is farther off is named, with exit code 1. Nothing is written.
    Results of run (draws.nc too), tornado, decide and backtest can be asked again.

    \b
    Examples:
      simulate verify outputs/base
      simulate verify outputs/base/tornado.nc
    """  # noqa: D301
    from simulate.errors import printable
    from simulate.verification import ROUNDING, verify

    found = verify(result)
    told = f"{result}: {found.question} asked again, {found.values:,} values:"
    made, now = (" and numpy ".join(versions.values()) for versions in found.versions)
    versions = f"it was made with simulate {made}, this is {now}"
    if found.exact:
        lines = [f"{told} the same bits"]
    elif found.holds:
        lines = [f"{told} equal to {ROUNDING:g}, but not the same bits, as on another build or kind of CPU; {versions}"]
    else:
        lines = [f"{told} {len(found.differences)} variables differ; {versions}"]
    lines += [f"  {each}" for each in found.differences[:SHOWN]]
    typer.echo("\n".join(map(printable, lines)))
    if not found.holds:
        raise typer.Exit(1)
