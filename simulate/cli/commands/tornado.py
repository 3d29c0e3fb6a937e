"""`simulate tornado`: which priors move a quantity, and how far."""

from functools import partial
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.emitting import emit
from simulate.cli.options import Given, Observe, Output, Sampling, Source
from simulate.sensitivity.methods import METHODS


def command(
    source: Source,
    *,
    sampling: Sampling,
    method: Annotated[
        str,
        typer.Option(
            metavar="|".join(METHODS),
            help="How the effect of a prior is measured.",
            autocompletion=completing.one_of(METHODS),
        ),
    ] = "swing",
    percentile: Annotated[
        float | None, typer.Option(help="For conditional: a percentile of the quantity, not its mean.")
    ] = None,
    low: Annotated[float, typer.Option(help="The low percentile of a prior.")] = 10,
    high: Annotated[float, typer.Option(help="The high percentile of a prior.")] = 90,
    top: Annotated[int, typer.Option(min=1, help="So many priors are shown, the rest is summed.")] = 12,
    given: Given = None,
    observe: Observe = None,
    output: Output,
) -> None:
    """Show which priors move a quantity, and how far.

    swing moves one prior, the others at their medians; conditional, rank, sobol and shapley draw all of
    them. Where a percentile of a prior is a value with a probability of its own, as of an event, the bar
    goes to its least or greatest value. The bar that reaches farthest from the middle comes first. Writes
    tornado.nc, tornado.csv, tornado.png and tornado.svg into a folder below outputs/ with the name of the
    priors file; JSON and CSV hold every prior.

    \b
    Examples:
      simulate tornado priors/base.toml --quantities capex
      simulate tornado priors/base.toml --quantities capex,training_cost --method shapley
    """  # noqa: D301
    from simulate.sensitivity.tornado import tornado

    asked = sampling.asked(method=method, percentile=percentile, low=low, high=high, given=given, observe=observe)
    priors = source.load()
    emit("tornado", partial(tornado, priors, **asked), output, source.name, [priors.path], top=top)
