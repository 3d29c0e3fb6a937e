"""The command line: each command parses, calls one function, prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from simulate import __version__

if TYPE_CHECKING:
    from rich.progress import Progress
    from xarray import Dataset

    from simulate.comparison.cases import Case

app = typer.Typer(
    name="simulate",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Scheme(StrEnum):
    """How the uniforms behind the draws are made."""

    sobol = "sobol"
    random = "random"


class Interval(StrEnum):
    """Intervals other than those between two percentiles."""

    shortest = "shortest"


class Format(StrEnum):
    """How a result is printed."""

    table = "table"
    json = "json"
    csv = "csv"


class ComparisonFormat(StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class BridgeScale(StrEnum):
    """What a bridge splits: the difference, or the logarithm of the ratio."""

    linear = "linear"
    log = "log"


PriorsFile = Annotated[Path, typer.Argument(metavar="PRIORS", help="The priors file (TOML).")]
ScenariosOption = Annotated[
    int | None, typer.Option(min=1, help="Number of joint draws; rounded up to whole chunks.")
]
SeedOption = Annotated[
    int | None, typer.Option(min=0, help="The same seed gives the same result, to the bit.")
]
PercentilesOption = Annotated[str | None, typer.Option(help="Percentiles to report, such as 5,50,95.")]
QuantitiesOption = Annotated[
    str | None, typer.Option(help="Quantities to report, such as capex,training_cost, or 'all'.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Replace or add a prior, such as pue=1.1 or "
        "'pue={dist=\"uniform\",lower=1.05,upper=1.3}'; repeatable.",
    ),
]
GivenOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION", help="Keep the scenarios in which it holds, such as 'capex < 1e9'; repeatable."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where to write; outputs/ and the priors file's name by default."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="What to print.")]


@app.callback(invoke_without_command=True)
def simulate(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Honest bands on what large language models cost: priors in, percentiles out.

    \b
    Examples:
      simulate run priors/base.toml
      simulate explain capex
    """  # noqa: D301 - \b keeps the lines of a help text as they are
    if version:
        typer.echo(f"simulate {__version__}")
        raise typer.Exit


@app.command()
def run(
    priors_file: PriorsFile,
    *,
    scenarios: ScenariosOption = None,
    seed: SeedOption = None,
    scheme: Annotated[Scheme, typer.Option(help="Quasi-random nets, or independent draws.")] = Scheme.sobol,
    threads: Annotated[int | None, typer.Option(min=1, help="The result does not depend on it.")] = None,
    percentiles: PercentilesOption = None,
    quantities: QuantitiesOption = None,
    changes: SetOption = None,
    out: OutOption = None,
    output: FormatOption = Format.table,
    pictures: Annotated[
        bool | None,
        typer.Option(
            "--pictures/--no-pictures", help="Draw bands.png and bands.svg; by default with tables."
        ),
    ] = None,
    save_draws: Annotated[
        bool, typer.Option("--save-draws", help="Write every scenario to draws.nc.")
    ] = False,
    probability: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="How probable it is, such as 'capex > 1e9'; repeatable."),
    ] = None,
    given: GivenOption = None,
    observe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME = VALUE +- ERROR'",
            help="Weigh scenarios by a measured value and its standard deviation, such as "
            "'training_accelerator_hours = 8.4e5 +- 5%'; repeatable.",
        ),
    ] = None,
    interval: Annotated[
        tuple[Interval, float] | None,
        typer.Option(
            metavar="shortest PERCENT", help="Give the shortest interval that holds so many percent, too."
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="TARGET",
            help="Add scenarios until P5, P50 and P95 are known so well, such as 0.5%, or a percentile is, "
            "such as capex:p95=0.2%.",
        ),
    ] = None,
) -> None:
    """Run a priors file and print percentile bands.

    Writes result.nc, percentiles.csv, bands.png and bands.svg into a folder below outputs/ with the
    name of the priors file. They replace those of an earlier run; pictures not drawn this time are
    removed.

    \b
    Examples:
      simulate run priors/base.toml
      simulate run priors/base.toml --set pue=1.1 --quantities capex,opex_per_year
      simulate run priors/base.toml --scenarios 100000 --format json
      simulate run priors/base.toml --probability 'capex > 1e9' --given 'opex_per_year < 5e7'
      simulate run priors/base.toml --quantities capex --interval shortest 95
      simulate run priors/base.toml --precision 0.5%
    """  # noqa: D301
    from simulate import conditioning, engine, report, results
    from simulate.precision import START, run_to, targets
    from simulate.priors import load_priors

    priors = load_priors(priors_file, changes or ())
    asked = engine.asked_quantities(priors, names(quantities))
    if quantities == "all":
        _complain(report.not_computed(priors))
    questions = conditioning.questions(priors, probability or (), given or (), observe or ())
    _, covered = interval or (None, None)
    tabular = output is Format.table
    shown = report.with_components(priors.quantities, priors.priors, asked) if tabular else asked
    with results.output_folder(out or results.default_folder(priors_file)) as folder:
        with progress_bar() as progress:

            def drawn(count: int | None, percents: Sequence[float] | None) -> Dataset:
                return engine.run(
                    priors,
                    scenarios=count,
                    seed=seed,
                    scheme=scheme.value,
                    threads=threads,
                    percentiles=percents,
                    quantities="all" if quantities == "all" else shown,
                    progress=progress,
                    questions=questions,
                    interval=covered,
                )

            percents = numbers("--percentiles", percentiles)
            if precision is None:
                dataset = drawn(scenarios, percents)
            else:
                dataset = run_to(
                    targets(precision, asked),
                    drawn,
                    percents or priors.run.percentiles,
                    start=scenarios or START,
                )
        draws = None
        if save_draws:
            draws = engine.draws(
                priors, scenarios=scenarios, seed=seed, scheme=scheme.value, quantities=shown
            )
        results.write_run(folder, dataset, draws)
        if pictures or (pictures is None and tabular):
            from simulate import plots

            results.write_figure(folder, results.BANDS, plots.bands(dataset, asked))
    _complain(report.warnings_of(dataset))
    if "precision" in dataset.attrs:
        typer.echo(dataset.attrs["precision"], err=True)
    if tabular:
        from simulate.tables import output_width, show

        show(report.run_report(dataset, priors, asked, output_width()))
    else:
        sys.stdout.write(report.json_text(dataset) if output is Format.json else report.csv_text(dataset))


@app.command()
def check(priors_file: PriorsFile, *, changes: SetOption = None) -> None:
    """Check a priors file and print its priors.

    Nothing is run. The exit code is 0 where all is well, else 2 with the first error on one line.

    \b
    Example:
      simulate check priors/base.toml
    """  # noqa: D301
    from simulate.priors import load_priors
    from simulate.report import priors_report
    from simulate.tables import output_width, show

    show(priors_report(load_priors(priors_file, changes or ()), output_width()))


@app.command()
def explain(
    quantity: Annotated[
        str | None, typer.Argument(metavar="QUANTITY", help="The quantity; without it, the list of all.")
    ] = None,
    priors_file: Annotated[
        Path | None,
        typer.Argument(metavar="PRIORS", help="A priors file, to show what it says of the quantity."),
    ] = None,
) -> None:
    """Explain a quantity and what it depends on.

    Prints its definition, equation, unit and source, and as trees what it needs and what needs it; with
    a priors file also what that says of it. Without a quantity, prints the list of all.

    \b
    Examples:
      simulate explain
      simulate explain capex
      simulate explain pue priors/base.toml
    """  # noqa: D301
    from simulate import model, report
    from simulate.priors import load_priors
    from simulate.tables import output_width, show

    if priors_file is None and quantity is not None and quantity.endswith(".toml"):
        priors_file, quantity = Path(quantity), None
    priors = load_priors(priors_file) if priors_file else None
    name = priors.model if priors else "llm_cost"
    quantities = priors.quantities if priors else model.quantities(name)
    if quantity is None:
        show(report.quantity_list(quantities, name, priors.own if priors else (), output_width()))
    else:
        show(report.explanation(quantity, quantities, priors, output_width()))


@app.command()
def decide(
    priors_file: PriorsFile,
    *,
    quantities: Annotated[
        str | None,
        typer.Option(
            help="The cost to decide by, then quantities to show beside it; [run] quantities by default."
        ),
    ] = None,
    maximize: Annotated[
        bool, typer.Option("--maximize", help="Decide for the most instead of the least: of a profit.")
    ] = False,
    scenarios: ScenariosOption = None,
    seed: SeedOption = None,
    scheme: Annotated[Scheme, typer.Option(help="Quasi-random nets, or independent draws.")] = Scheme.sobol,
    threads: Annotated[int | None, typer.Option(min=1, help="The result does not depend on it.")] = None,
    percentiles: PercentilesOption = None,
    changes: SetOption = None,
    out: OutOption = None,
    output: FormatOption = Format.table,
    pictures: Annotated[
        bool | None,
        typer.Option(
            "--pictures/--no-pictures", help="Draw decide.png and decide.svg; by default with tables."
        ),
    ] = None,
) -> None:
    """Decide between the choices of a priors file.

    The choices, tables [choices.NAME], share their scenarios. Printed are each one's expected cost, band,
    share of scenarios in which it is the cheapest and expected regret, and what would be worth finding out
    first: the value of knowing everything (EVPI) or one prior (EVPPI) before deciding. Writes decide.csv,
    decide.png and decide.svg into a folder below outputs/ with the name of the priors file.

    \b
    Examples:
      simulate decide priors/own-or-rent.toml
      simulate decide priors/accelerators.toml --quantities cost_per_1k_tokens --format json
    """  # noqa: D301
    from simulate import results
    from simulate.decisions import decide as decided
    from simulate.decisions import report as decision_report
    from simulate.priors import load_priors

    priors = load_priors(priors_file, changes or ())
    with results.output_folder(out or results.default_folder(priors_file), results.DECISION_FILES) as folder:
        with progress_bar() as progress:
            decision = decided(
                priors,
                quantities=names(quantities),
                scenarios=scenarios,
                seed=seed,
                scheme=scheme.value,
                threads=threads,
                percentiles=numbers("--percentiles", percentiles),
                maximize=maximize,
                progress=progress,
            )
        text = decision_report.csv_text(decision)
        (folder / results.DECISION).write_text(text, encoding="utf-8", newline="")
        if pictures or (pictures is None and output is Format.table):
            from simulate.decisions.plots import decision_figure

            results.write_figure(folder, Path(results.DECISION).stem, decision_figure(decision))
    _complain(list(decision.messages))
    if output is Format.table:
        from simulate.tables import output_width, show

        show(decision_report.report(decision, output_width()))
    else:
        sys.stdout.write(decision_report.json_text(decision) if output is Format.json else text)


class Method(StrEnum):
    """How the effect of a prior is measured."""

    swing = "swing"
    conditional = "conditional"
    rank = "rank"
    sobol = "sobol"
    shapley = "shapley"


@app.command()
def tornado(
    priors_file: PriorsFile,
    *,
    quantities: QuantitiesOption = None,
    method: Annotated[Method, typer.Option(help="How the effect of a prior is measured.")] = Method.swing,
    percentile: Annotated[
        float | None, typer.Option(help="For conditional: a percentile of the quantity, not its mean.")
    ] = None,
    low: Annotated[float, typer.Option(help="The low percentile of a prior.")] = 10,
    high: Annotated[float, typer.Option(help="The high percentile of a prior.")] = 90,
    top: Annotated[int, typer.Option(min=1, help="So many priors are shown, the rest is summed.")] = 12,
    scenarios: ScenariosOption = None,
    seed: SeedOption = None,
    scheme: Annotated[Scheme, typer.Option(help="Quasi-random nets, or independent draws.")] = Scheme.sobol,
    threads: Annotated[int | None, typer.Option(min=1, help="The result does not depend on it.")] = None,
    percentiles: PercentilesOption = None,
    given: GivenOption = None,
    changes: SetOption = None,
    out: OutOption = None,
    output: FormatOption = Format.table,
    pictures: Annotated[
        bool | None,
        typer.Option(
            "--pictures/--no-pictures", help="Draw tornado.png and tornado.svg; by default with tables."
        ),
    ] = None,
) -> None:
    """Show which priors move a quantity, and how far.

    swing moves one prior, the others at their medians; conditional, rank, sobol and shapley draw all of
    them. Writes tornado.csv, tornado.png and tornado.svg into a folder below outputs/ with the name of the
    priors file; JSON and CSV hold every prior.

    \b
    Examples:
      simulate tornado priors/base.toml --quantities capex
      simulate tornado priors/base.toml --quantities capex,training_cost --method shapley
    """  # noqa: D301
    from simulate import results
    from simulate.priors import load_priors
    from simulate.sensitivity import report as sensitivity_report
    from simulate.sensitivity import tornado as measured

    priors = load_priors(priors_file, changes or ())
    with results.output_folder(out or results.default_folder(priors_file), results.TORNADO_FILES) as folder:
        result = measured(
            priors,
            names(quantities),
            method.value,
            percentile=percentile,
            low=low,
            high=high,
            scenarios=scenarios,
            seed=seed,
            scheme=scheme.value,
            threads=threads,
            given=given or (),
            percentiles=numbers("--percentiles", percentiles) or (),
        )
        text = sensitivity_report.csv_text(result)
        (folder / results.TORNADO).write_text(text, encoding="utf-8", newline="")
        if pictures or (pictures is None and output is Format.table):
            from simulate.sensitivity.plots import tornado_figure

            results.write_figure(folder, Path(results.TORNADO).stem, tornado_figure(result, top))
    if output is Format.table:
        from simulate.tables import output_width, show

        show(sensitivity_report.report(result, top, output_width()))
    else:
        sys.stdout.write(sensitivity_report.json_text(result) if output is Format.json else text)


@app.command()
def backtest(
    cases: Annotated[
        Path | None,
        typer.Argument(metavar="CASES", help="A CSV file of training runs; the package's cases without it."),
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to write; outputs/backtest or outputs/CASES by default."),
    ] = None,
    seed: SeedOption = None,
    output: FormatOption = Format.table,
    pictures: Annotated[
        bool | None,
        typer.Option("--pictures/--no-pictures", help="Draw the pictures; by default with tables."),
    ] = None,
) -> None:
    """Score forecasts against outcomes.

    Prints the share of outcomes inside the 50, 80 and 90 % bands, CRPS and log score beside those of point
    forecasts, and a PIT histogram. Writes backtest.csv and, as .png and .svg, forecast (bands against
    outcomes), pit, and serving (the other cases, over their forecast). A run is forecast by the runs of
    other names.

    CASES has the columns model, parameters_active, mixture_of_experts, training_tokens, peak_flops (or
    accelerator) and accelerator_hours; others are ignored. A row that cannot be read gets one line on
    stderr and the rest are scored. The exit code is 0 where any was scored, else 2.

    \b
    Examples:
      simulate backtest
      simulate backtest my-runs.csv --format json
    """  # noqa: D301
    from simulate import results
    from simulate.backtest import backtest as scored_cases
    from simulate.backtest import report

    scored = scored_cases(cases, seed)
    for problem in scored.problems:
        typer.echo(problem, err=True)
    if not scored.training.cases:
        typer.echo(f"{cases}: no run can be scored; give a row for each run", err=True)
        raise typer.Exit(2)
    tabular = output is Format.table
    place = out or results.default_folder(cases or Path("backtest"))
    with results.output_folder(place, results.BACKTEST_FILES) as folder:
        text = report.csv_text(scored)
        (folder / results.BACKTEST).write_text(text, encoding="utf-8", newline="")
        if pictures or (pictures is None and tabular):
            for name, figure in report.figures(scored).items():
                results.write_figure(folder, name, figure)
    if tabular:
        from simulate.tables import output_width, show

        show(report.backtest_report(scored, output_width()))
    else:
        sys.stdout.write(report.json_text(scored) if output is Format.json else text)


@app.command()
def compare(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="CASE", help="Priors files, or folders or .nc files of earlier runs; the baseline first."
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
        str,
        typer.Option(help="Split the change of these over the changed inputs: percentiles, mean, or none."),
    ] = "50,95",
    scale: Annotated[
        BridgeScale, typer.Option(help="Split the difference, or on a log scale the ratio.")
    ] = BridgeScale.linear,
    scenarios: ScenariosOption = None,
    seed: SeedOption = None,
    threads: Annotated[int | None, typer.Option(min=1, help="The result does not depend on it.")] = None,
    percentiles: PercentilesOption = None,
    quantities: QuantitiesOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to write; outputs/BASELINE-vs-ALTERNATIVE by default."),
    ] = None,
    output: Annotated[
        ComparisonFormat, typer.Option("--format", help="What to print.")
    ] = ComparisonFormat.table,
    pictures: Annotated[
        bool | None,
        typer.Option("--pictures/--no-pictures", help="Draw the pictures; by default with tables."),
    ] = None,
) -> None:
    """Compare cases, and tell why they differ.

    All cases are drawn from the same uniforms, so that differences and ratios are taken scenario by
    scenario. Lists the inputs that differ, the bands side by side, and how much each changed input adds to
    the change (Shapley values). Writes compare.csv, compare.json and, as .png and .svg, bands, exceedance
    and waterfall.

    \b
    Examples:
      simulate compare priors/guosheng-2023.toml priors/base.toml --quantities capex --scale log
      simulate compare priors/base.toml --vary pue=1.1,1.2,1.3
    """  # noqa: D301
    from simulate import comparison, results
    from simulate.comparison import report as comparison_report

    cases, folder_name = _cases(sources, vary or [])
    files = comparison_report.file_names([case.name for case in cases])
    with results.output_folder(out or Path("outputs") / folder_name, files) as folder:
        with progress_bar() as progress:
            compared = comparison.compare(
                cases,
                scenarios=scenarios,
                seed=seed,
                percentiles=numbers("--percentiles", percentiles),
                quantities=names(quantities),
                threads=threads,
                scale=scale.value,
                bridge=_statistics(bridge),
                progress=progress,
            )
        texts = {
            results.COMPARISON: comparison_report.csv_text(compared),
            results.COMPARISON_JSON: comparison_report.json_text(compared),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
        if pictures or (pictures is None and output is ComparisonFormat.table):
            from simulate.comparison import plots as comparison_plots

            for name, figure in comparison_plots.figures(compared).items():
                results.write_figure(folder, name, figure)
    _complain(list(compared.messages))
    match output:
        case ComparisonFormat.table:
            from simulate.tables import output_width, show

            show(comparison_report.report(compared, output_width()))
        case ComparisonFormat.markdown:
            sys.stdout.write(comparison_report.markdown(compared))
        case ComparisonFormat.json:
            sys.stdout.write(texts[results.COMPARISON_JSON])
        case ComparisonFormat.csv:
            sys.stdout.write(texts[results.COMPARISON])


def _cases(sources: list[Path], vary: list[str]) -> tuple[list[Case], str]:
    """The cases that arguments name, and the name of the folder for their comparison."""
    from simulate import results
    from simulate.comparison import report as comparison_report
    from simulate.comparison.cases import cases, varied
    from simulate.priors import load_priors

    if vary:
        if len(sources) > 1 or results.is_result(sources[0]):
            raise typer.BadParameter("makes cases of one priors file; name that alone", param_hint="--vary")
        by = "-".join(dict.fromkeys(setting.partition("=")[0].strip() for setting in vary))
        return varied(sources[0], vary), f"{sources[0].stem}-by-{by}"
    made = cases(
        [(path, results.read_run(path) if results.is_result(path) else load_priors(path)) for path in sources]
    )
    return made, comparison_report.default_name([case.name for case in made])


def _statistics(text: str) -> list[float | Literal["mean"]]:
    """The statistics of --bridge."""
    parts = [part.strip() for part in text.split(",")]
    if parts == ["none"]:
        return []
    return ["mean" if part == "mean" else (numbers("--bridge", part) or [])[0] for part in parts]


def names(text: str | None) -> list[str] | str | None:
    """The names of a comma-separated option; `all` stays itself."""
    if text is None or text.strip() == "all":
        return text and text.strip()
    return [part.strip() for part in text.split(",") if part.strip()]


def numbers(option: str, text: str | None) -> list[float] | None:
    """The numbers of a comma-separated option."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a list of numbers such as 5,50,95", param_hint=option
        ) from None


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that shows progress on stderr once a second has gone; None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    begin = time.monotonic()
    bar: Progress | None = None

    def advance(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            if time.monotonic() - begin < 1:
                return
            from rich.console import Console
            from rich.progress import Progress

            bar = Progress(console=Console(stderr=True), transient=True)
            bar.add_task("scenarios", total=total)
            bar.start()
        bar.update(bar.task_ids[0], completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _complain(messages: list[str]) -> None:
    for message in messages:
        typer.echo(f"warning: {message}", err=True)


def main() -> None:
    """Run the command line; what a user can mend is told in one line, with exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app(prog_name="simulate")
    except KeyboardInterrupt:
        sys.exit(130)
    except ValueError as error:
        # Only the package's own kinds are for the user; any other ValueError is a mistake of ours.
        if not type(error).__module__.startswith("simulate."):
            raise
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
