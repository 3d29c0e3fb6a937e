"""`simulate check`: what priors files say, and what is wrong with them."""

from functools import partial
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.emitting import print_as
from simulate.cli.options import SOURCE, Overrides, Printed
from simulate.errors import SimulateError


def command(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="PRIORS...",
            help=f"{SOURCE}; of any other folder all .toml files below it.",
            autocompletion=completing.sources,
        ),
    ],
    *,
    overrides: Overrides = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Fail where a prior or a published figure has no source, or a source is past its `expires`.",
        ),
    ] = False,
    research: Annotated[
        bool,
        typer.Option(
            "--research", help="Tell what to research next: share of the variance x weakness of the evidence."
        ),
    ] = False,
    output: Printed = "table",
) -> None:
    """Check priors files and print their priors.

    What the run of a file refuses is refused too. So few scenarios are drawn, up to a million where their number
    decides, and nothing is written. Of a run of more scenarios, a quantity that is a number in none of that
    million is refused, and whether conditions leave enough is left to the run.

    Of one file its priors are printed, of several a line each. Where the file extends another, each is its own,
    replaced or inherited, unused by what is asked for or not. The exit code is 0 where all is well, else 2 with a line
    for each fault, 20 of a file at most.

    \b
    Examples:
      simulate check priors/base.toml
      simulate check priors/base.toml --format json
      simulate check priors more/mine.toml
    """  # noqa: D301
    from simulate.checking import checked_file, checked_files, named_files
    from simulate.checking.report import checked_plain, priors_sections, verdicts
    from simulate.evidence import lapses, sought
    from simulate.settings import today

    names = named_files(sources)
    if len(names) == 1:
        priors = checked_file(names[0], overrides or ())
        if strict and (faults := lapses(priors, today())):
            raise SimulateError(*faults)
        wanted = sought(priors, today()) if research else []
        print_as(output, partial(priors_sections, priors, wanted), partial(checked_plain, [priors], wanted))
        return
    right, wrong = checked_files(names, overrides or ())
    for priors in [*right] if strict else ():
        if faults := lapses(priors, today()):
            right.remove(priors)
            wrong[str(priors.path)] = faults
    if research:
        raise SimulateError("--research: is of one file; name one")
    if not wrong or output != "json":  # as JSON, what is wrong is a document of its own
        print_as(output, partial(verdicts, right, wrong), partial(checked_plain, right))
    if wrong:
        raise SimulateError(*(fault for faults in wrong.values() for fault in faults))
