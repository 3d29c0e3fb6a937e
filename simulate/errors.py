"""The one error for what a user can mend; any other exception is a mistake of ours."""

import difflib
from collections.abc import Collection
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that a user can mend, in one line: what is wrong, and where it is, as far as that is known.

    `line` and `column` count from 1, 0 for none; `key` is as a priors file writes it, or an option. `code` is a word
    for the kind, for programs.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    key: str = ""
    code: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return printable(": ".join(part for part in (place, self.key, self.message) if part))


class SimulateError(ValueError):
    """What a user can mend, a line for each fault: where it is, what is wrong, what to do."""

    def __init__(self, *faults: str | Fault) -> None:
        self.faults = tuple(Fault(each) if isinstance(each, str) else each for each in faults)
        super().__init__("\n".join(map(str, self.faults)))


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


def suggestion(word: str, candidates: Collection[str], otherwise: str = "", *, slips: bool = False) -> str:
    """Return '; did you mean NAME?' for the nearest candidate; where none is near, the other advice.

    Where a word that is merely near would mean something else, only `slips` of the hand are taken for one.
    """
    near = difflib.get_close_matches(word, list(candidates), 3)
    if slips:
        near = [other for other in candidates if is_slip(word, other)]
    advice = f"did you mean {near[0]}?" if near else otherwise
    return f"; {advice}" if advice else ""


def is_slip(word: str, other: str) -> bool:
    """Whether two words are one but for case, two letters exchanged, or from four letters on, one too many or wrong.

    Figures are no slips: sigma2 is another thing than sigma.
    """
    if [each for each in word if each.isdigit()] != [each for each in other if each.isdigit()]:
        return False
    one, two = sorted((word.lower(), other.lower()), key=len)
    start = next((at for at, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), len(one))
    rest, others = one[start:], two[start:]
    if not others or (len(one) == len(two) and others == rest[1::-1] + rest[2:]):
        return True
    same_end = rest == others[1:] or (len(one) == len(two) and rest[1:] == others[1:])
    return same_end and len(word) > 3
