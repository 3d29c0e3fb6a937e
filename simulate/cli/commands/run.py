"""`simulate run`: how wide are the bands."""

from functools import partial
from typing import Annotated, Any

import typer

from simulate.cli import completing
from simulate.cli.emitting import emit
from simulate.cli.options import OUTPUT, SAMPLING, FailIf, Given, Observe, Output, Sampling, Source
from simulate.figures import percent_name


def command(
    source: Source,
    *,
    sampling: Sampling,
    statistic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME PERCENT'",
            help="Tell more, such as 'expected_shortfall 95'; repeatable.",
            autocompletion=completing.statistics,
        ),
    ] = None,
    interval: Annotated[
        tuple[str, float] | None,
        typer.Option(metavar="shortest PERCENT", help="Short for --statistic 'shortest PERCENT'."),
    ] = None,
    probability: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="How probable it is, such as 'capex > 1e9'; repeatable."),
    ] = None,
    given: Given = None,
    observe: Observe = None,
    fail_if: FailIf = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="TARGET",
            help="Add scenarios until P5, P50 and P95 are known so well, such as 0.5%, or a percentile is, "
            "such as capex:p95=0.2%.",
        ),
    ] = None,
    plot: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTPUT|INPUT:OUTPUT",
            help="Draw the run's scenarios: a histogram and cumulative curve, or one against another; repeatable.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    save_draws: Annotated[
        bool,
        typer.Option(
            "--save-draws",
            help="Write the scenarios, those kept and their weights, to draws.zarr.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where a run that was broken off last saved what it had found.",
            rich_help_panel=SAMPLING,
        ),
    ] = False,
    output: Output,
) -> None:
    """Run a priors file and print percentile bands.

    Writes result.nc, percentiles.csv, bands.png and bands.svg into a folder below outputs/ with the
    name of the priors file. They replace those of an earlier run; pictures not drawn this time are
    removed. The exit code is 1 where a gate of --fail-if fails, 3 where one is open.

    \b
    Examples:
      simulate run priors/base.toml
      simulate run priors/base.toml --set pue=1.1 --quantities capex,opex_per_year
      simulate run priors/base.toml --scenarios 100000 --format json
      simulate run priors/base.toml --probability 'capex > 1e9' --given 'opex_per_year < 5e7'
      simulate run priors/base.toml --quantities capex --statistic 'expected_shortfall 95'
      simulate run priors/base.toml --precision 0.5%
      simulate run priors/base.toml --plot capex --plot seconds_per_token:capex
      simulate run priors/base.toml --fail-if 'P(capex > 1e9) > 20%' --fail-if 'P95(capex) > 2e9'
    """  # noqa: D301
    from simulate.errors import SimulateError
    from simulate.questions import styled
    from simulate.replicates import DEVICES, Progress
    from simulate.results import Result
    from simulate.results.folder import pictures
    from simulate.results.replacing import Replacement
    from simulate.results.store import DRAWS, Writer
    from simulate.runs import run
    from simulate.runs.draws import MOST_PLOTTED, SAMPLE, asked_plots, draw, gathered

    priors = source.load()
    further = [*(statistic or ()), *([f"{interval[0]} {percent_name(interval[1])}"] if interval else ())]
    asked = sampling.asked(
        statistics=further or None,
        probability=probability,
        given=given,
        observe=observe,
        fail_if=fail_if,
        precision=precision,
        parts=output.for_people,
    )

    plots = tuple(dict.fromkeys(asked_plots(priors, plot or ())))
    if (save_draws or plots) and asked["backend"] in DEVICES:
        option = "--save-draws" if save_draws else "--plot"
        raise SimulateError(f"{option}: no scenarios are kept of --backend {asked['backend']}; leave one of them out")
    of_draws = ("scenarios", "seed", "scheme", "quantities", "given", "observe", "backend", "workers", "scheduler")
    drawn = {name: asked[name] for name in of_draws}

    def reached(result: Result) -> dict[str, Any]:
        """How the run draws its scenarios, the last one where it went on until a precision was reached."""
        precise = "precision" in result.provenance
        return {**drawn, "scenarios": result.attributes["scenarios"] if precise else drawn["scenarios"]}

    def write_plots(result: Result, folder: Replacement, _progress: Progress | None) -> None:
        """Write pictures of the first scenarios of the run, as many as a picture needs."""
        from simulate.runs.scenario_plots import scenario_plots

        names = [*dict.fromkeys(name for names in plots for name in names)]
        found = gathered(priors, first=MOST_PLOTTED, **{**reached(result), "quantities": names})
        for name, figure in styled(partial(scenario_plots, result, found, plots), result.texts).items():
            for file, content in pictures(name, figure).items():
                folder.write(file, content)

    def write_draws(result: Result, folder: Replacement, progress: Progress | None) -> None:
        store = Writer(folder, DRAWS)
        store.finish(draw(priors, store.add, **reached(result), progress=progress))

    def sample(result: Result, progress: Progress | None) -> Result:
        return gathered(priors, first=SAMPLE, **reached(result), progress=progress)

    beside = {DRAWS: write_draws if save_draws else None, "scatter-*.png": write_plots if plots else None}
    emit(
        "run",
        partial(run, priors, **asked),
        output,
        source.name,
        [priors.path],
        beside=beside,
        resume=resume,
        sample=None if asked["backend"] in DEVICES else sample,
    )
