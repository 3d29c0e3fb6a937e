"""The border at which what a user can mend becomes one line, and an interrupt an exit code."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from simulate.errors import SimulateError, printable


class Terminated(BaseException):
    """SIGTERM, raised so that what is open is closed and nothing half-written stays."""


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def main() -> None:
    """Run the command line; what a user can mend is told in one line, with exit code 2."""
    # A shell may have closed them (>&-).
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        signal.signal(signal.SIGTERM, _terminated)
        from simulate.cli.app import app  # late: what interrupts it is caught here

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
