"""The border at which what a user can mend becomes one line, and a signal an exit code."""

import gc
import os
import re
import sys
from typing import NoReturn

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

            app(prog_name="simulate")
        except SimulateError as error:
            _fail(str(error))
        except OSError as error:  # of the system, whatever was being done
            _fail(": ".join(printable(str(part)) for part in (error.filename, error.strerror or error) if part))


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(2)
