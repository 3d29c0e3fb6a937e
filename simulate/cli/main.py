"""The border at which what a user can mend becomes one line, and a signal an exit code."""

import errno
import gc
import os
import re
import sys
from typing import NoReturn, TextIO

from simulate.cli.interrupts import interruptible
from simulate.errors import SimulateError, printable
from simulate.spelling import spell_out

SIZES = ("COLUMNS", "LINES")  # of the terminal, in the environment
SIZE = re.compile("[1-9][0-9]{0,5}")
OBJECTS = 100_000  # between two looks for cycles, of which a command makes few: the usual 700 take a thirtieth of a run


def main() -> None:
    """Run the command line; what a user can mend is told in one line, with exit code 2."""
    gc.set_threshold(OBJECTS)
    # A shell may have closed them (>&-).
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        spell_out(stream)  # type: ignore[arg-type]
    for name in SIZES:  # what is no number is as if it were not there, for libraries too
        if not SIZE.fullmatch(os.environ.get(name, "")):
            os.environ.pop(name, None)
    with interruptible():
        try:
            from simulate.cli.app import app  # late: a signal may come meanwhile

            stdout = sys.stdout
            try:
                app(prog_name="simulate")
            finally:
                _flush(stdout)
        except SimulateError as error:
            _fail(str(error))
        except OSError as error:  # of the system, whatever was being done
            where = error.filename or "standard output"  # what has no name is open already
            _fail(f"{printable(str(where))}: {printable(error.strerror or str(error))}")


def _flush(stdout: TextIO) -> None:
    """Write what stdout still holds, and raise the error of a broken pipe, for which typer exits in its own way."""
    broken, sys.stdout = sys.stdout is not stdout, stdout
    try:
        stdout.flush()
    except OSError:
        _drop(stdout)
        raise
    if broken:  # and what could not be written is lost
        raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))


def _drop(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, for Python would fail on it once more at its end."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), stream.fileno())


def _fail(message: str) -> NoReturn:
    try:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
    except OSError:  # there is nowhere left to tell it
        _drop(sys.stderr)
    sys.exit(2)
