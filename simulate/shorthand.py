"""Short forms of a value where no doubt can be: '1 billion', '0.1 USD/kWh', '110%', and intervals, '1.05 to 1.3'.

What may be meant in two ways is refused, with how to write either.
"""

import re
from decimal import Decimal
from typing import NamedTuple

from simulate.errors import SimulateError
from simulate.spreadsheet import read_number
from simulate.units import COUNTS, DERIVED

_NUMBER = r"[+-]?(?:\d+(?:[_,]\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_END = re.compile(rf"({_NUMBER})(?:\s+({'|'.join(COUNTS)})\b)?(?:\s+((?:[A-Za-z$]|1/).*))?(\s*%.*)?", re.ASCII)
_DASHED = re.compile(rf"({_NUMBER})\s*(?:-|\u2013|\u2014|\.\.\.?|\u2026)\s*({_NUMBER})((?:[\s%].*)?)", re.ASCII)
_ABOUT = re.compile(rf"{_NUMBER}\s*(?:\+-|\+/-|\u00b1)\s*{_NUMBER}.*", re.ASCII)


class Shorthand(NamedTuple):
    """A value, or P5 and P95, in a unit, '' for that of the quantity."""

    values: tuple[float, ...]
    unit: str


def shorthand(text: str) -> Shorthand | None:
    """Read a short form; None for another text, such as a bare number.

    Raises SimulateError for what may be meant in two ways.
    """
    text = text.strip()
    if _ABOUT.fullmatch(text):
        raise SimulateError("may be a standard deviation or a band; write an interval from P5 to P95, 1.05 to 1.3")
    ends = [_END.fullmatch(part.strip()) for part in re.split(r"(?i:\s+to\s+)", text)]
    if len(ends) > 2 or None in ends:
        if dashed := _DASHED.fullmatch(text):
            raise SimulateError(f"may be an interval; write {dashed[1]} to {dashed[2]}{dashed[3]}")
        return None
    read = [(end[1], end[2] or "", (end[3] or end[4] or "").strip()) for end in ends if end]
    numbers, counts, units = zip(*read, strict=True)
    if len(read) == 1 and not (counts[0] or units[0]):
        return None
    if len(set(counts)) > 1 and "" in counts:
        word = next(filter(None, counts))
        raise SimulateError(f"has the word {word} at one end alone; write it at both")
    if units[0] and units[0] != units[-1]:
        raise SimulateError("has other units at its ends; write one, after the second number")
    return Shorthand(tuple(map(_scaled, numbers, counts)), units[-1])


def reads_as_shorthand(text: str) -> bool:
    """Whether a text is a short form, even one that may be meant in two ways."""
    try:
        return shorthand(text) is not None
    except SimulateError:
        return True


def counted(text: str) -> float | None:
    """The number of a text such as '1 million'; None for any other text."""
    try:
        read = shorthand(text)
    except SimulateError:
        return None
    return read.values[0] if read and len(read.values) == 1 and not read.unit else None


def _scaled(number: str, count: str) -> float:
    """So many thousand, million, billion or trillion."""
    if "," in number:
        raise SimulateError("has a comma, between thousands or before decimals; write digits and a point, 1500 or 1.5")
    plain = re.sub(r"(?<=\d)_(?=\d)", "", number)
    if read_number(plain) is None:
        raise SimulateError(f"has {number}, which is no finite number; numbers look like 0.5, 3e6, 1_000")
    return float(Decimal(plain) * int(DERIVED[count][0])) if count else float(plain)
