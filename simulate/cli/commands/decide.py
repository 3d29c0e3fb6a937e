"""`simulate decide`: which choice, and what to find out first."""

from functools import partial
from typing import Annotated

import typer

from simulate.cli.emitting import emit
from simulate.cli.options import Given, Observe, Output, Sampling, Source


def command(
    source: Source,
    *,
    sampling: Sampling,
    maximize: Annotated[
        bool, typer.Option("--maximize", help="Decide for the most instead of the least: of a profit.")
    ] = False,
    given: Given = None,
    observe: Observe = None,
    output: Output,
) -> None:
    """Decide between the choices of a priors file.

    The choices, tables [choices.NAME], share their scenarios. The first of the quantities is the cost to decide
    by, the others are shown beside it; one that is in no unit of money, such as hours, must be named. Printed are each
    choice's expected cost, band, share of scenarios in which it is the cheapest and expected regret, and what would
    be worth finding out first: the value of knowing everything (EVPI) or one prior (EVPPI) before deciding. Writes
    decide.nc, decide.csv, decide.png and decide.svg into a folder below outputs/ with the name of the priors file.

    \b
    Examples:
      simulate decide priors/own-or-rent.toml
      simulate decide priors/accelerators.toml --quantities cost_per_1k_tokens --format json
    """  # noqa: D301
    from simulate.decisions import decide

    asked = sampling.asked(maximize=maximize, given=given, observe=observe)
    priors = source.load()
    emit("decide", partial(decide, priors, **asked), output, source.name, [priors.path])
