"""The border at which what a user can mend becomes one line, and a signal an exit code."""

import atexit
import errno
import gc
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NoReturn, TextIO

from simulate.cli.exit_codes import REFUSED
from simulate.cli.interrupts import interruptible
from simulate.errors import Fault, SimulateError, shortened
from simulate.formats import ENVELOPES, LOG, READERS
from simulate.spelling import spell_out

SIZES = ("COLUMNS", "LINES")  # of the terminal, in the environment
SIZE = re.compile("[1-9][0-9]{0,5}")
OBJECTS = 100_000  # between two looks for cycles, of which a command makes few: the usual 700 take a thirtieth of a run


def main() -> None:
    """Run the command line; what a user can mend is told in one line, with exit code 2."""
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)  # all goes with the process: to look for cycles at its end takes a sixth of `check`
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # looking for them in all that is installed takes 10 ms
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
            from simulate.cli.commands import COMMANDS

            stdout = sys.stdout
            asked = [word for word in sys.argv[1:2] if word in COMMANDS]
            try:
                code = app(asked or COMMANDS)(prog_name="simulate", standalone_mode=False)
            finally:
                _flush(stdout)
            sys.exit(code)
        except SimulateError as error:
            _fail(error.faults)
        except OSError as error:  # of the system, whatever was being done
            where = error.filename or "standard output"  # what has no name is open already
            _fail([Fault(error.strerror or str(error), str(where), code="file")])
        except Exception as error:
            if not hasattr(error, "format_message"):  # typer's own have it, which have had several names
                raise
            _fail_usage(error)


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


def _fail(faults: Sequence[Fault], said: str = "") -> NoReturn:
    """Tell what is wrong: on stderr a line each, or as it is `said`, and on stdout in a format that tells errors."""
    form, alone = _format_asked(sys.argv), False
    if form in ENVELOPES:
        from simulate.cli.commands import COMMANDS
        from simulate.formats import json

        command = next((each for each in sys.argv[1:] if each in COMMANDS), None)
        told = partial(ENVELOPES[form], json.envelope(command, errors=faults), list)
        alone = _heard(sys.stdout, told) and READERS[form] == LOG
    if not alone:
        _heard(sys.stderr, lambda stream: stream.write(f"{said or SimulateError(*faults)}\n"))
    sys.exit(REFUSED)


def _heard(stream: TextIO, tell: Callable[[TextIO], object]) -> bool:
    """Tell something on a stream; whether that could be done, for the stream may be what is wrong."""
    try:
        tell(stream)
        stream.flush()
    except OSError:
        _drop(stream)
        return False
    return True


def _drop(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, for Python would fail on it once more at its end."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), stream.fileno())


def _fail_usage(error: Any) -> NoReturn:
    """Tell what is wrong with the command line, in the words of the library that reads it."""
    told = io.StringIO()
    error.show(told)
    message, key = error.format_message(), getattr(error, "option_name", "")
    if near := getattr(error, "possibilities", ()):
        message = f"{error.message}; did you mean {' or '.join(near)}?"
    if param := getattr(error, "param", None):
        key = param.opts[-1] if param.opts[-1].startswith("-") else param.metavar or param.name
    _fail([Fault(message.replace("\n", " "), key=key, code="usage")], shortened(told.getvalue().rstrip("\n")))


def _format_asked(arguments: Sequence[str]) -> str:
    """The format that a command line asks for last, right or wrong as the rest of it may be; empty without any."""
    asked = ""
    for option, text in pairwise(arguments):
        if option == "--format" or text.startswith("--format="):
            asked = text.removeprefix("--format=")
    return asked
