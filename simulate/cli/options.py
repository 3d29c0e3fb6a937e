"""Groups of options that commands share: each a dataclass whose fields are the options."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_args, get_type_hints

import typer

from simulate.backends import BACKENDS
from simulate.cli import completing
from simulate.errors import SimulateError
from simulate.formats import FORMATS, PERSON, READERS
from simulate.sampling.schemes import SCHEMES
from simulate.spelling import path_of

if TYPE_CHECKING:
    from simulate.priors import Priors


WHAT, ASK, SAMPLING, OUTPUT = HEADINGS = ("What", "Ask", "Sampling", "Output")  # of a command's help, in this order


def _under(heading: str, annotation: Any) -> Any:
    """The annotation of an option, told in a command's help under a heading unless it has its own."""
    kind, told = get_args(annotation)
    told = copy(told)
    told.rich_help_panel = told.rich_help_panel or heading
    return Annotated[kind, told]


def _count(text: str) -> float:
    """A number, also in words such as '1 million'."""
    from simulate.shorthand import counted
    from simulate.spreadsheet import read_number

    for number in (read_number(text), counted(text)):
        if number is not None:
            return number
    raise typer.BadParameter(f"{text!r} is no number; write for instance 1e5 or '1 million'")


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the fields of its groups as parameters of their own, as typer reads them."""
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        if not is_dataclass(hints[name]):
            parameters.append(parameter.replace(annotation=_under(ASK, hints[name])))
            continue
        groups[name] = hints[name]
        own = get_type_hints(hints[name], include_extras=True)
        options = inspect.signature(hints[name]).parameters.values()
        parameters += [
            each.replace(kind=each.KEYWORD_ONLY, annotation=_under(hints[name].heading, own[each.name]))
            for each in options
        ]

    @wraps(command)
    def flat(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat


SOURCE = (
    "A priors file (TOML), also as REVISION:PATH of git, the name of a shipped one, or a folder or .nc file of a run"
)

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        rich_help_panel=WHAT,
        help="Replace or add a prior, such as pue=1.1 or 'pue={dist=\"uniform\",lower=1.05,upper=1.3}'; repeatable.",
        autocompletion=completing.settings,
    ),
]


@dataclass(frozen=True)
class Source:
    """The priors file, or an earlier run with its settings, and what is set otherwise in it."""

    heading: ClassVar = WHAT
    priors_file: Annotated[str, typer.Argument(metavar="PRIORS", help=f"{SOURCE}.", autocompletion=completing.sources)]
    overrides: Overrides = None

    def load(self) -> Priors:
        """Read and check the priors."""
        from simulate.results.sources import read_source

        return read_source(self.priors_file, self.overrides or ())

    @property
    def name(self) -> str:
        """What the results are called unless the user names a folder."""
        from simulate.results.folder import name_of

        return name_of(path_of(self.priors_file))


def format_option(formats: Iterable[str], says: str = "What to print.") -> Any:
    """The option --format of a command that prints so."""
    formats = tuple(formats)
    complete = completing.one_of(formats)
    return typer.Option(
        "--format", metavar="|".join(formats), help=says, rich_help_panel=OUTPUT, autocompletion=complete
    )


PRINTED = tuple(name for name in FORMATS if name != "csv")  # which is for figures
Printed = Annotated[str, format_option(PRINTED)]  # how a command prints that computes nothing

Backend = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(BACKENDS),
        help="What the work is spread over, by default by its size; the result depends on none but cupy, a GPU.",
        autocompletion=completing.one_of(BACKENDS),
    ),
]
Workers = Annotated[int | None, typer.Option(help="At most so many at once.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="A scheduler of dask, such as tcp://host:8786.")]
Seed = Annotated[
    int | None,
    typer.Option(help="The same seed gives the same result, to the bit.", show_default="20230214, or as the file says"),
]


@dataclass(frozen=True)
class Sampling:
    """How the scenarios are drawn, and which percentiles and quantities are told of them."""

    heading: ClassVar = SAMPLING
    scenarios: Annotated[
        float | None,
        typer.Option(
            metavar="COUNT",
            help="Number of joint draws, such as 1e5 or '1 million'; rounded up to whole chunks.",
            parser=_count,
            show_default="1e6, or as the file says",
        ),
    ] = None
    seed: Seed = None
    scheme: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(SCHEMES),
            help="Quasi-random nets (sobol), or other draws.",
            show_default="sobol, or as the file says",
            autocompletion=completing.one_of(SCHEMES),
        ),
    ] = None
    backend: Backend = None
    workers: Workers = None
    scheduler: Scheduler = None
    percentiles: Annotated[
        str | None,
        typer.Option(
            help="Percentiles to report, such as 5,50,95.",
            show_default="5,25,50,75,95, or as the file says",
            rich_help_panel=ASK,
        ),
    ] = None
    quantities: Annotated[
        str | None,
        typer.Option(
            help="Quantities to report, such as capex,training_cost, or 'all'.",
            show_default="the headline, or as the file says",
            rich_help_panel=ASK,
            autocompletion=completing.quantities,
        ),
    ] = None

    def asked(self, **more: Any) -> dict[str, Any]:
        """The options as a question takes them."""
        return {**vars(self), **more}


Given = Annotated[
    list[str] | None,
    typer.Option(metavar="CONDITION", help="Keep the scenarios in which it holds, such as 'capex < 1e9'; repeatable."),
]

FailIf = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GATE",
        help="Fail where it is surely so, such as 'P(capex > 1e9) > 10%', 'P95(capex) > 2e9' or 'mean(capex) > 5e8'; "
        "repeatable.",
    ),
]

Observe = Annotated[
    list[str] | None,
    typer.Option(
        metavar="'NAME = VALUE +- ERROR'",
        help="Weigh scenarios by a measured value and its standard deviation, such as "
        "'training_accelerator_hours = 8.4e5 +- 5%'; repeatable.",
    ),
]


@dataclass(frozen=True)
class Output:
    """Where the result goes, and how it is printed."""

    heading: ClassVar = OUTPUT
    out: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Where to write; by default below outputs/, by the file's name."),
    ] = None
    output: Annotated[str, format_option(FORMATS)] = "table"
    pictures: Annotated[
        bool | None, typer.Option("--pictures/--no-pictures", help="Draw the pictures; by default with tables.")
    ] = None
    xlsx: Annotated[
        bool,
        typer.Option(
            "--xlsx",
            help="Write an Excel workbook beside: figures with errors and units, priors with sources, scenarios.",
        ),
    ] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Tell no progress and not what was written; warnings and errors stay.")
    ] = False

    save: Annotated[
        bool | None,
        typer.Option(
            "--save/--no-save",
            help="Write files, or none; by default with tables, at a terminal, and where an option asks for files.",
        ),
    ] = None

    def tell(self, what: str) -> None:
        """Tell on stderr what is no warning, unless nobody wants to hear it."""
        if not self.quiet:
            typer.echo(what, err=True)

    def saved(self, further: bool) -> bool:
        """Whether files are written, which other options may ask for: that for `further` files, say."""
        asking = self.out is not None or bool(self.pictures) or further
        if asking and self.save is False:
            raise SimulateError("--no-save: another option asks for files; leave out one of the two")
        read_here = READERS[self.output] == PERSON or sys.stdout.isatty()
        return asking or (self.save if self.save is not None else read_here)

    @property
    def for_people(self) -> bool:
        """Whether the output is a table, which comes with pictures and the parts of sums."""
        return self.output == "table"
