"""`simulate compare`: why do estimates differ."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from simulate.cli import completing
from simulate.cli.emitting import emit
from simulate.cli.options import FailIf, Output, Sampling


def command(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="CASES...",
            help="Priors files, also FILE:CHOICE or REVISION:PATH of git, or folders or .nc files of earlier runs; the "
            "baseline first.",
            autocompletion=completing.sources,
        ),
    ],
    *,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="Make cases of one priors file, such as 'pue=1.1,1.2,1.3'; the first value is the baseline. "
            "Repeatable: each value with each.",
        ),
    ] = None,
    bridge: Annotated[
        str, typer.Option(help="Split the change of these over the changed inputs: percentiles, mean, or none.")
    ] = "50,95",
    scale: Annotated[
        str,
        typer.Option(
            metavar="auto|linear|log",
            help="Split the difference, or on a log scale the ratio; auto does so where sums of parts of what is "
            "positive would come below zero.",
            autocompletion=completing.one_of(("auto", "linear", "log")),
        ),
    ] = "auto",
    sampling: Sampling,
    fail_if: FailIf = None,
    output: Output,
) -> None:
    """Compare cases, and tell why they differ.

    All cases are drawn from the same uniforms, so that differences and ratios are taken scenario by
    scenario. Lists the inputs that differ, the bands side by side, and how much each changed input adds to
    the change (Shapley values). An earlier run is drawn again as it was run, with its conditions. Writes
    compare.nc, compare.csv, compare.json and, as .png and .svg, bands, exceedance and waterfall, of the
    quantities that all cases report on their own or that are named with --quantities.

    A gate of --fail-if is asked of each case, and may be about the change, 'P(ratio_capex > 1.1) > 50%'.
    The exit code is 1 where one fails of a case other than the baseline, 3 where one is open.

    \b
    Examples:
      simulate compare priors/guosheng-2023.toml priors/base.toml --quantities capex --scale log
      simulate compare priors/base.toml --vary pue=1.1,1.2,1.3
      simulate compare main:priors/base.toml priors/base.toml --format markdown
    """  # noqa: D301
    from simulate.comparison import cases_of, compare, default_name

    cases = cases_of(sources, vary or ())
    asked = sampling.asked(bridge=bridge, scale=scale, fail_if=fail_if)
    paths = [Path(case.told["files"][0]["path"]) for case in cases]
    emit("compare", partial(compare, cases, **asked), output, default_name(cases, vary or ()), paths)
