"""`simulate sweep`: what changes along values of a prior, and which choice is the best where."""

from functools import partial
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.emitting import emit
from simulate.cli.options import Given, Observe, Output, Sampling, Source


def command(
    source: Source,
    *,
    over: Annotated[
        str,
        typer.Option(
            metavar="NAME=VALUE,VALUE,...",
            help="The prior and the values that it takes in turn, such as pue=1.1,1.2,1.3.",
            autocompletion=completing.settings,
        ),
    ],
    sampling: Sampling,
    maximize: Annotated[
        bool, typer.Option("--maximize", help="The most is the best instead of the least: of a profit.")
    ] = False,
    given: Given = None,
    observe: Observe = None,
    output: Output,
) -> None:
    """Show quantities along values of one prior.

    Each choice of the file has its own bands. All values and choices share their scenarios. By the first of the
    quantities choices are set side by side at each value: printed are bands, how often each choice is the best, and
    in what share of the scenarios it is possible at all. Writes sweep.nc, sweep.csv, sweep.png and sweep.svg into a
    folder below outputs/ with the name of the priors file.

    \b
    Examples:
      simulate sweep priors/accelerators.toml --over slowest_speed=10,20,40,80
      simulate sweep priors/base.toml --over pue=1.1,1.2,1.3 --quantities opex_per_year
    """  # noqa: D301
    from simulate.sweeps import sweep

    asked = sampling.asked(over=over, maximize=maximize, given=given, observe=observe)
    priors = source.load()
    emit("sweep", partial(sweep, priors, **asked), output, source.name, [priors.path])
