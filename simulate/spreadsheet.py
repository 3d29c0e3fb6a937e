"""Tables that spreadsheets export as CSV: cells by column, and numbers as different countries write them."""

import csv
import io
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from simulate.errors import SimulateError, suggestion

SEPARATORS = (",", ";", "\t", "|")
DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "'")
_ALIKE = str.maketrans("\u2212\u00a0\u202f\u2009\u2019", "-   '")  # minus, blanks that do not break, apostrophe


@dataclass(frozen=True)
class Sheet:
    """The rows of a table below the names of its columns, each row with its line in the file."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def place(self, name: str) -> int:
        """Which column has a name; raises SimulateError where none has, or more than one."""
        count = self.header.count(name.strip())
        if not count:
            mend = suggestion(name, self.header, f"there are {', '.join(filter(None, self.header))}")
            raise SimulateError(f"{self.path} has no column {name!r}{mend}")
        if count > 1:
            raise SimulateError(f"{self.path}:1: {count} columns are called {name!r}; rename all but one")
        return self.header.index(name.strip())

    def uneven(self, line: int, cells: tuple[str, ...], mend: str) -> str:
        """Say where a row has not a cell for each column, and the mend; '' where it has."""
        if len(cells) == len(self.header):
            return ""
        counted = [f"{n} {what}{'s' * (n != 1)}" for n, what in ((len(cells), "cell"), (len(self.header), "column"))]
        return f"{self.path}:{line}: {counted[0]} under {counted[1]}; {mend}"

    def numbers(self, name: str, decimal: str = ".", thousands: str = "") -> tuple[float, ...]:
        """The numbers of a column, as they are written; raises SimulateError for a cell that holds none."""
        place = self.place(name)
        found = []
        for line, cells in self.rows:
            number = read_number(cells[place], decimal, thousands)
            if number is None:
                raise SimulateError(f"{self.path}:{line}: {_no_number(cells[place], name)}")
            found.append(number)
        return tuple(found)


def read_sheet(path: Path, separator: str = "", mend: str = "") -> Sheet:
    """Read a CSV file whose cells a separator parts, a comma where none is given; blank rows are passed over.

    Raises SimulateError for what is no such table, or looks parted by another separator than the comma; `mend` says
    what to do then, with {} in place of that.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise SimulateError(f"{path}: byte {error.start} is not UTF-8; save the table as CSV in UTF-8") from None
    except OSError as error:
        raise SimulateError(f"{path}: cannot be read: {error.strerror or error}; name a CSV file") from None
    stream, skipped = io.StringIO(text, newline=""), 0
    if noted := re.match(r"sep=(.)\r?\n", text):  # as some spreadsheets note in a first line of its own
        separator, skipped = separator or noted[1], 1
        stream.readline()
    reader = csv.reader(stream, strict=True, delimiter=separator or ",")
    rows: list[tuple[int, tuple[str, ...]]] = []
    try:
        header = tuple(name.strip() for name in next(reader, []))
        line = skipped + reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, tuple(cells)))
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        place = f"{path}:{skipped + reader.line_num}"
        raise SimulateError(f"{place}: not a CSV table: {error}; check its quotes") from None
    if not separator and (other := _other_separator(text, len(header))):
        raise SimulateError(f"{path}:1: the cells look parted by {other}, not by commas; {mend.format(other)}")
    return Sheet(path, header, tuple(rows))


def _other_separator(text: str, columns: int) -> str:
    """The separator that parts the first line into more columns, as TOML writes it; '' for none."""
    first = text.splitlines()[:1]
    counts = {mark: len(next(csv.reader(first, delimiter=mark), [])) for mark in SEPARATORS[1:]}
    most = max(counts, key=counts.__getitem__)
    shown = "\\t" if most == "\t" else most
    return f'"{shown}"' if counts[most] > max(columns, 1) else ""


def read_number(text: str, decimal: str = ".", thousands: str = "") -> float | None:
    """A finite number that is written with a decimal mark and one between thousands; None for anything else."""
    mark, group = re.escape(decimal), re.escape(thousands)
    whole = rf"\d{{1,3}}(?:{group}\d{{3}})+|\d*" if thousands else r"\d*"
    found = re.fullmatch(rf"([+-]?)({whole})(?:{mark}(\d*))?([eE][+-]?\d+)?", text.translate(_ALIKE).strip(), re.ASCII)
    if found is None or not (found[2] or found[3]):
        return None
    digits = found[2].replace(thousands, "") if thousands else found[2]
    number = float(f"{found[1]}{digits or 0}.{found[3] or 0}{found[4] or ''}")
    return number if abs(number) < float("inf") else None


def _no_number(cell: str, name: str) -> str:
    """Say what is wrong with a cell of a column, and what would mend it."""
    if cell.strip() == name.strip():
        return f"{cell!r} is the header again; take the row out"
    readings: dict[float, str] = {}
    for decimal, thousands in product(DECIMALS, THOUSANDS):
        number = read_number(cell, decimal, thousands) if decimal != thousands else None
        if number is not None:
            keys = (f'decimal = "{decimal}"', f'thousands = "{thousands}"')
            needed = (decimal != "." or not thousands, thousands)
            readings.setdefault(number, " and ".join(key for key, need in zip(keys, needed, strict=True) if need))
    advice = " or ".join(f"{keys} if it is {number:.15g}" for number, keys in readings.items())
    if cell.rstrip().endswith("%"):
        advice = 'without the sign, and unit = "%"'
    return f"{cell!r} is not a finite number; {f'write {advice}' if advice else 'mend it'}"
