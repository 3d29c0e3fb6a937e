"""The bytes of a file or a pipe: never more than allowed, and no longer than a second waited for.

A name is looked at before anything is opened, for a device may act on being opened, or never end.
"""

import errno
import os
import select
import stat
import sys
import time
from pathlib import Path

from simulate.errors import Fault, SimulateError

STDIN = Path("<stdin>")  # what messages call standard input, which users write as -
PATIENCE = 1.0  # seconds in which a pipe must have said all that it has to say
LOOP = "is a link that leads back to itself; mend the link"
NUL = "holds the character NUL, which nothing is named by; take it out"


def contents_of(path: Path, most: int) -> bytes:
    """Read a file, a pipe or STDIN whole.

    Raises OSError where the system refuses, SimulateError for what is too long, no file, or a pipe that is silent.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise _error(path, "is closed; give a file or a pipe")
        handle = os.dup(0)
    else:
        if fault := refusal(path, most):
            raise _error(path, fault)
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        about = os.fstat(handle)
        if fault := _kind_refused(about, most):
            raise _error(path, fault)
        return _read(path, handle, most, about.st_size if stat.S_ISREG(about.st_mode) else None)
    finally:
        os.close(handle)


def refusal(path: Path, most: int) -> str:
    """Say why what has a name is not read, '' where it is. Raises OSError where there is nothing."""
    if "\0" in str(path):
        return NUL
    try:
        return _kind_refused(path.stat(), most)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return LOOP
        raise


def _kind_refused(about: os.stat_result, most: int) -> str:
    """Say why a thing of this kind or size is not read; '' where it is."""
    if stat.S_ISDIR(about.st_mode):
        return "is a folder; name a file in it"
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISFIFO(about.st_mode) or stat.S_ISSOCK(about.st_mode)):
        return "is a device or a terminal; give a file or a pipe"
    return too_long(about.st_size, most) if about.st_size > most else ""


def _read(path: Path, handle: int, most: int, size: int | None) -> bytes:
    """Read a file of a size to its end, a large one in one piece; without a size, what has yet to be said."""
    pieces, length, deadline = list[bytes](), 0, time.monotonic() + PATIENCE
    while True:
        if size is None and not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise _error(path, f"has not come to an end in {PATIENCE:g} second; write it to a file, and name that")
        if not (piece := os.read(handle, max(size or 0, 2**20))):
            return b"".join(pieces)
        pieces.append(piece)
        length += len(piece)
        if length > most:
            raise _error(path, too_long(length, most))


def too_long(size: int, most: int) -> str:
    """Say that something is beyond the limit of size."""
    return f"has {size:,} bytes or more, above the limit of {most:,}; split it, or take out what nothing needs"


def _error(path: Path, fault: str) -> SimulateError:
    return SimulateError(Fault(fault, str(path), code="file"))
