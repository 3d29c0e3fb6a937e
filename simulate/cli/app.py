"""The app: the commands, with what the name alone says and prints."""

from typing import Annotated

import typer

from simulate import __version__
from simulate.cli.commands import COMMANDS
from simulate.cli.exit_codes import HELP
from simulate.cli.options import flattened

app = typer.Typer(
    name="simulate",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
FLATTENED = {name: flattened(command) for name, command in COMMANDS.items()}  # as typer and agents read them
for _name, _command in FLATTENED.items():
    app.command(_name, epilog=HELP)(_command)


@app.callback(invoke_without_command=True, epilog=HELP)
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
