"""The app, and the border at which what a user can mend becomes one line."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from simulate import __version__
from simulate.cli.commands import COMMANDS
from simulate.cli.options import flattened
from simulate.errors import SimulateError, printable

app = typer.Typer(
    name="simulate", add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)
for _name, _command in COMMANDS.items():
    app.command(_name)(flattened(_command))


@app.callback(invoke_without_command=True)
def simulate(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Honest bands on what large language models cost: priors in, percentiles out.

    \b
    Examples:
      simulate run priors/base.toml
      simulate explain capex
    """  # noqa: D301 - \b keeps the lines of a help text as they are
    if version:
        typer.echo(f"simulate {__version__}")
        raise typer.Exit


class Terminated(BaseException):
    """SIGTERM, raised so that what is open is closed and nothing half-written stays."""


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def main() -> None:
    """Run the command line; what a user can mend is told in one line, with exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(prog_name="simulate")
    except KeyboardInterrupt:
        sys.exit(130)
    except Terminated:
        sys.exit(143)
    except SimulateError as error:
        _fail(str(error))
    except OSError as error:  # of the system, whatever was being done
        _fail(": ".join(printable(str(part)) for part in (error.filename, error.strerror or error) if part))


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(2)
