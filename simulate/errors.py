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
