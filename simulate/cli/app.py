"""The app: the commands, with what the name alone says and prints."""

from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from simulate import __version__
from simulate.cli.commands import COMMANDS
from simulate.cli.exit_codes import HELP
from simulate.cli.options import flattened


def read_as_options(names: Iterable[str] = COMMANDS) -> dict[str, Callable[..., None]]:
    """Commands by name, all by default, as typer and agents read them."""
    return {name: flattened(COMMANDS[name]) for name in names}


def app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The app with some of the commands, by default all: reading the options of all ten takes a tenth of `check`."""
    made = typer.Typer(
        name="simulate",
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback(invoke_without_command=True, epilog=HELP)(simulate)
    for name, command in read_as_options(names).items():
        made.command(name, epilog=HELP)(command)
    return made


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
