"""The one error for what a user can mend; any other exception is a mistake of ours."""

import difflib
from collections.abc import Collection


class SimulateError(ValueError):
    """What a user can mend, in one line: where it is, what is wrong, what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def none_such(what: str, name: object, choices: Collection[str]) -> SimulateError:
    """The error of a name that is not among the choices, with what may have been meant."""
    mend = suggestion(str(name), choices, f"choose one of {', '.join(choices)}")
    return SimulateError(f"there is no {what} {name!r}{mend}")


def printable(text: str) -> str:
    """The text with control characters escaped: a name from a file must not steer the terminal."""
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    )


def suggestion(word: str, candidates: Collection[str], otherwise: str = "", likeness: float = 0.6) -> str:
    """Return '; did you mean NAME?' for the nearest candidate; where none is near, the other advice."""
    near = difflib.get_close_matches(word, list(candidates), 1, likeness)
    advice = f"did you mean {near[0]}?" if near else otherwise
    return f"; {advice}" if advice else ""
