"""The exit codes: what a command tells whoever started it, in one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from simulate.results import Result

FAILED = 1  # a gate fails
REFUSED = 2  # the user can mend it
OPEN = 3  # a gate is open, and none fails
INTERRUPTED = 130
TERMINATED = 143


def leave(result: Result) -> None:
    """Exit with the code of what the gates of a result say together, where that is not that all is well."""
    from simulate.gates import FAILS, verdicts
    from simulate.gates import OPEN as UNDECIDED

    told = verdicts(result)
    if told & {FAILS, UNDECIDED}:
        raise typer.Exit(FAILED if FAILS in told else OPEN)
