"""Tables that spreadsheets export as CSV: cells by column, and numbers as different countries write them."""

import csv
import hashlib
import io
import re
import unicodedata
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from simulate.errors import SimulateError, suggestion
from simulate.revisions import contents

LARGEST = 50_000_000  # bytes of a table
SEPARATORS = (",", ";", "\t", "|")
DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "'")
_ALIKE = str.maketrans("\u2212\u00a0\u202f\u2009\u2007\u2019", "-    '")  # minus, blanks of typesetting, apostrophe
_THOUSANDS_OR_NOT = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+", re.ASCII)


@dataclass(frozen=True)
class Sheet:
    """The rows of a table below the names of its columns, each row with its line in the file."""

    path: Path
    separator: str
    line: int  # of the header
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def place(self, name: str) -> int:
        """Which column has a name; raises SimulateError where none has, or more than one."""
        count = self.header.count(name.strip())
        if not count:
            mend = suggestion(name, self.header, f"there are {', '.join(filter(None, self.header))}")
            raise SimulateError(f"{self.path} has no column {name!r}{mend}")
        if count > 1:
            raise SimulateError(f"{self.path}:{self.line}: {count} columns are called {name!r}; rename all but one")
        return self.header.index(name.strip())

    def uneven(self, line: int, cells: tuple[str, ...], mend: str) -> str:
        """Say where a row has not a cell for each column; '' where it has. `mend` is for a comma that parts a cell."""
        surplus = cells[len(self.header) :]
        if len(cells) == len(self.header):
            return ""
        if not surplus:
            mend = "fill it up, or take the row out"
        elif not any(cell.strip() for cell in surplus):
            mend = "take the separators at its end out"
        elif self.separator != ",":
            mend = "quote a cell with a separator in it"
        counted = [f"{n} {what}{'s' * (n != 1)}" for n, what in ((len(cells), "cell"), (len(self.header), "column"))]
        return f"{self.path}:{line}: {counted[0]} under {counted[1]}; {mend}"

    def numbers(self, name: str, decimal: str = "", thousands: str = "") -> tuple[float, ...]:
        """The numbers of a column, as they are written, with a decimal point where no other mark is given.

        Raises SimulateError for a cell that holds none; and, where semicolons part the cells, as in countries with
        decimal commas, and nothing is given, for a column in which all points may stand between thousands.
        """
        place = self.place(name)
        found = []
        for line, cells in self.rows:
            number = read_number(cells[place], decimal or ".", thousands)
            if number is None:
                raise SimulateError(f"{self.path}:{line}: {name}: {_no_number(cells[place], name)}")
            found.append(number)
        if self.separator == ";" and not (decimal or thousands):
            pointed = [(line, cells[place].strip()) for line, cells in self.rows if "." in cells[place]]
            if pointed and all(_THOUSANDS_OR_NOT.fullmatch(cell) for _, cell in pointed):
                line, cell = pointed[0]
                raise SimulateError(f"{self.path}:{line}: {name}: {cell!r} may be two numbers; write {_readings(cell)}")
        return tuple(found)


def digest_of(path: Path) -> str:
    """The sha256 of a table. Raises SimulateError where it cannot be read."""
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    try:
        return contents(path, LARGEST)
    except OSError as error:
        raise SimulateError(f"{path}: cannot be read: {error.strerror or error}; name a CSV file") from None


def read_sheet(path: Path, separator: str = "", mend: str = "") -> Sheet:
    """Read a CSV file whose cells a separator parts, a comma where none is given; blank rows are passed over.

    Raises SimulateError for what is no such table, or looks parted by another separator than the comma; `mend` says
    what to do then, with {} in place of that.
    """
    try:
        text = io.TextIOWrapper(io.BytesIO(_content(path)), "utf-8-sig").read().lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise SimulateError(f"{path}: byte {error.start} is not UTF-8; save the table as CSV in UTF-8") from None
    stream, skipped = io.StringIO(text, newline=""), 0
    if noted := re.match(r'"?sep=(.)"?\r?\n', text, re.IGNORECASE):  # as some spreadsheets note in a line of its own
        separator, skipped = separator or noted[1], 1
        stream.readline()
    if not separator and (fault := _other_separator(text)):
        line, other = fault
        raise SimulateError(f"{path}:{line}: the cells look parted by {other}, not by commas; {mend.format(other)}")
    reader = csv.reader(stream, strict=True, delimiter=separator or ",")
    rows: list[tuple[int, tuple[str, ...]]] = []
    try:
        line = skipped + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, tuple(cells)))
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        place = f"{path}:{skipped + reader.line_num}"
        raise SimulateError(f"{place}: not a CSV table: {error}; check its quotes") from None
    (line, header), *below = rows or [(1, ())]
    return Sheet(path, separator or ",", line, tuple(name.strip() for name in header), tuple(below))


def _other_separator(text: str) -> tuple[int, str] | None:
    """The first line that is not blank, and what parts it more often than commas do, as TOML writes it, if anything."""
    line, first = next(((at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip()), (1, ""))
    count = re.sub(r'"[^"]*("|$)', "", first).count
    most = max(SEPARATORS, key=count)  # the comma is the first of equals
    return (line, '"\\t"' if most == "\t" else f'"{most}"') if most != "," else None


def read_number(text: str, decimal: str = ".", thousands: str = "") -> float | None:
    """A finite number that is written with a decimal mark and one between thousands; None for anything else."""
    mark, group = re.escape(decimal), re.escape(thousands)
    whole = rf"\d{{1,3}}(?:{group}\d{{3}})+|\d\d?(?:{group}\d\d)+{group}\d{{3}}|\d*" if thousands else r"\d*"
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
    advice = f"write {_readings(cell) or 'a number, or take the row out'}"
    if cell.rstrip().endswith("%"):
        advice = 'write without the sign, and unit = "%"'
    elif any(unicodedata.category(character) == "Sc" for character in cell):
        advice = "write without the sign of the currency"
    return f"{cell!r} is not a finite number; {advice}"


def _readings(cell: str) -> str:
    """The keys by which a cell is a number, and which; '' for none."""
    readings: dict[float, str] = {}
    for decimal, thousands in product(DECIMALS, THOUSANDS):
        number = read_number(cell, decimal, thousands) if decimal != thousands else None
        if number is not None:
            keys = (f'decimal = "{decimal}"', f'thousands = "{thousands}"')
            needed = (decimal != "." or not thousands, thousands)
            readings.setdefault(number, " and ".join(key for key, need in zip(keys, needed, strict=True) if need))
    return " or ".join(f"{keys} if it is {number:.15g}" for number, keys in readings.items())
