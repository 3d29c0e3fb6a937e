"""The app: the commands, with what the name alone says and prints."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from simulate import __version__
from simulate.cli.commands import COMMANDS
from simulate.cli.exit_codes import HELP
from simulate.cli.options import HEADINGS, OUTPUT, WHAT, flattened


def read_as_options(names: Iterable[str] = COMMANDS) -> dict[str, Callable[..., None]]:
    """Commands by name, all by default, as typer and agents read them."""
    return {name: flattened(COMMANDS[name]) for name in names}


def app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The app with some of the commands, by default all; reading the options of all takes a fifth of `explain`."""
    made = typer.Typer(
        name="simulate",
        cls=_Group,
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback(invoke_without_command=True, epilog=HELP)(simulate)
    for name, command in read_as_options(names).items():
        made.command(name, cls=_Command, epilog=HELP)(command)
    return made


@dataclass(frozen=True)
class _Reader:
    """What reads the values of an option: those that are texts or not given as they are, others as typer does.

    For that it imports pydantic, which takes a third of `explain`.
    """

    usual: Callable[[], Any]

    def coerce(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        """The value as the command takes it."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if param.type_descriptor.annotation in {str, list[str]}:
            return value
        return self.usual().coerce(value, param=param, ctx=ctx)


def _read_so(params: Sequence[Any]) -> list[Any]:
    for param in params:
        usual = getattr(param, "get_runtime_param", None)  # none before typer 0.29
        if usual and "get_runtime_param" not in vars(param):
            param.get_runtime_param = partial(_Reader, usual)
    return [*params]


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _read_so(super().get_params(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Operands and options, as an analyst asks: of what, what, how well, and where to."""
        told: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                usual = WHAT if param.param_type_name == "argument" else OUTPUT  # as of --help
                told[usual if usual == WHAT else getattr(param, "rich_help_panel", None) or usual].append(record)
        for heading, records in told.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        return _read_so(super().get_params(ctx))


def simulate(
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version and exit.")] = False,
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
