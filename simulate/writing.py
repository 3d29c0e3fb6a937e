"""Writing a file whole: whatever ends the process, it is there as it was or as it is to be."""

import secrets
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file by way of another beside it, and put it in place in one step.

    Raises OSError for what the system refuses, FileExistsError where the file is there and not to be replaced.
    """
    beside = path.parent / f".{path.name}-{secrets.token_hex(8)}"
    try:
        beside.write_bytes(content)
        if replace:
            beside.replace(path)
        else:
            path.hardlink_to(beside)  # of which none replaces what has come meanwhile
    finally:
        with suppress(OSError):  # it has been moved
            beside.unlink()
