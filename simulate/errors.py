"""The one error for what a user can mend; any other exception is a mistake of ours."""

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

# The kinds that programs can tell apart; a further one may be added, none changes its meaning.
CODES = {
    "syntax": "a text cannot be read at all: a priors file that is no TOML, a file that is no UTF-8",
    "schema": "a key of a priors file is unknown, missing, or holds another kind of value",
    "unknown_name": "there is no quantity, family, choice, format ... of that name",
    "parameter": "a parameter of a prior is unknown, missing, of another kind, or impossible beside the others",
    "formula": "a formula, or a condition, is refused",
    "unit": "a unit is unknown, or does not fit",
    "file": "a file or folder cannot be read or written, or is not what it should be",
    "usage": "the command line is not one: an unknown option, a missing argument, a value of the wrong kind",
    "scenarios": "conditions leave too few scenarios",
    "value": "anything else that is asked or stated and cannot be",
    "warning": "no error: what a reader must know of the figures",
}

LONGEST = 2000  # characters of what is wrong
LONGEST_KEY = 300
_LONG_WORD = re.compile(r"(\w{40})\w{360,}")


class Fault(NamedTuple):
    """One thing that a user can mend, in one line: what is wrong, and where it is, as far as that is known.

    `message` is what is wrong, and after its last '; ' what to do. `line` and `column` count from 1, 0 for none; `key`
    is as a priors file writes it, or an option. `code` is one of CODES, for programs.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    key: str = ""
    code: str = ""

    @property
    def parts(self) -> tuple[str, str]:
        """What is wrong and, empty where nothing is known to help, what to do."""
        wrong, _, fix = self.message.rpartition("; ")
        return (wrong, fix) if wrong else (fix, "")

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return printable(": ".join(part for part in (place, self.key, self.message) if part))


class SimulateError(ValueError):
    """What a user can mend, a line for each fault: where it is, what is wrong, what to do.

    A fault that has no code of its own has that of the class, or the one given.
    """

    code = "value"

    def __init__(self, *faults: str | Fault, code: str = "") -> None:
        told = (_cut(Fault(each) if isinstance(each, str) else each) for each in faults)
        self.faults = tuple(each if each.code else each._replace(code=code or self.code) for each in told)
        super().__init__("\n".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is, from another process too, whatever a class of errors is made of."""
        return _again, (type(self), self.args, vars(self))


def _again(kind: type[SimulateError], told: tuple[str, ...], state: dict[str, Any]) -> SimulateError:
    error = kind.__new__(kind, *told)
    vars(error).update(state)
    return error


def _cut(fault: Fault) -> Fault:
    """The fault with words that no name is as long as, and all that goes on for pages, cut."""
    parts = (shortened(part)[:LONGEST] for part in (fault.message, fault.file, fault.key))
    message, file, key = parts
    if len(key) > LONGEST_KEY:  # the text of an option
        key = f"{key[:LONGEST_KEY]}..."
    return fault._replace(message=message, file=file, key=key)


def shortened(text: str) -> str:
    """The text with words that no name is as long as cut."""
    return _LONG_WORD.sub(r"\1...", text)


def read_all(*readings: Callable[[], Any], faults: Iterable[Fault] = ()) -> list[Any]:
    """What readings give, none of which rests on another.

    Raises SimulateError with the faults of all, those that are known before first.
    """
    found, given = list(faults), []
    for reading in readings:
        try:
            given.append(reading())
        except SimulateError as error:
            found += error.faults
    if found:
        raise SimulateError(*dict.fromkeys(found))
    return given


def none_such(what: str, name: object, choices: Collection[str]) -> SimulateError:
    """The error of a name that is not among the choices, with what may have been meant."""
    mend = suggestion(str(name), choices, f"choose one of {', '.join(choices)}")
    return SimulateError(f"there is no {what} {name!r}{mend}", code="unknown_name")


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
