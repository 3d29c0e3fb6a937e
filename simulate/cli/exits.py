"""The exit codes: what a command tells whoever started it, in one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulate.results import Result

DONE = 0
FAILED = 1  # a gate fails
REFUSED = 2  # the user can mend it
OPEN = 3  # a gate is open, and none fails
INTERRUPTED = 130
TERMINATED = 143


def of(result: Result) -> int:
    """The exit code of a result: what its gates say together, of the alternatives where cases are compared."""
    from simulate.gates import FAILS, verdicts
    from simulate.gates import OPEN as UNDECIDED

    told = verdicts(result)
    return FAILED if FAILS in told else OPEN if UNDECIDED in told else DONE
