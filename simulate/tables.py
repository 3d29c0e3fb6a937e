"""Numbers and tables as text: no digit that the standard error does not support, no number ever cut."""

from __future__ import annotations

import math
import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from simulate.graph import Array

Line = list[tuple[str, str]]  # pieces of text, each with a style: "", "bold", "dim", "red"

SIGNIFICANT_DIGITS = 4
EXACT_DIGITS = 6  # of figures without sampling error, so that 591,864 stays itself
SCALES = {0: "", 3: "thousand", 6: "million", 9: "billion", 12: "trillion"}
GAP = "  "
GOOD_TEXT = 24  # cells that a column of text keeps as long as other columns can go
LEAST_TEXT = 14  # cells that it keeps when none can
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """How the figures of a row are written: in units of ``10**exponent``, to ``10**place`` at best."""

    exponent: int
    place: int
    digits: int

    def unit(self, unit: str) -> str:
        """The unit with the scale before it: ``million USD``; the ratio unit ``1`` is not written."""
        power = SCALES.get(self.exponent, "×10" + str(self.exponent).translate(SUPERSCRIPTS))
        return " ".join(part for part in (power, "" if unit == "1" else unit) if part)

    def figure(self, value: float, standard_error: float = 0.0) -> str:
        """The value on this scale, without unit; a dash where it is not a number."""
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        place = max(self.place, _last_place(value, standard_error, self.digits))
        decimals = max(0, self.exponent - place)
        # Rounded in decimal places of the unscaled value, so that 123 ± 20 becomes 100 and not 123.
        scaled = round(value / 10.0**self.exponent, self.exponent - place)
        return f"{scaled + 0.0:,.{decimals}f}".replace("-", "−")

    def error(self, standard_error: float) -> str:
        """A standard error on this scale, to two digits; 0 where there is none."""
        if not math.isfinite(standard_error) or not standard_error:
            return "–" if standard_error else "0"
        place = _magnitude(standard_error) - 1
        decimals = max(0, self.exponent - place)
        return f"{round(standard_error, -place) / 10.0**self.exponent:,.{decimals}f}"


def row_scale(values: Sequence[float], standard_errors: Sequence[float]) -> Scale:
    """Choose one scale for the figures of a row, which share their last place where each keeps two digits.

    The last digit written stands at or above the size of the standard error, and there are at most four
    digits. Figures without sampling error show up to six, and as few as they need.
    """
    finite = [
        (abs(v), s) for v, s in zip(values, standard_errors, strict=True) if math.isfinite(v) and v != 0
    ]
    if not finite:
        return Scale(0, 0, SIGNIFICANT_DIGITS)
    exact = all(s == 0 for _, s in finite)
    digits = EXACT_DIGITS if exact else SIGNIFICANT_DIGITS
    magnitudes = sorted(_magnitude(value) for value, _ in finite)
    middle = magnitudes[len(magnitudes) // 2]
    plain = -4 <= middle < digits
    exponent = 0 if plain else 3 * (middle // 3)
    if exact:
        place = min(_last_place_needed(value, digits) for value, _ in finite)
    else:
        place = min(max(_last_place(value, error, digits) for value, error in finite), magnitudes[0] - 1)
    return Scale(exponent, place, digits)


def with_unit(value: float, standard_error: float, unit: str) -> str:
    """One figure with its unit: ``758.8 million USD``."""
    scale = row_scale([value], [standard_error])
    return f"{scale.figure(value, standard_error)} {scale.unit(unit)}".rstrip()


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _last_place(value: float, standard_error: float, digits: int) -> int:
    """The power of ten of the last digit worth writing."""
    by_digits = _magnitude(value) - digits + 1 if value else -digits
    if math.isfinite(standard_error) and standard_error > 0:
        return max(by_digits, math.ceil(math.log10(standard_error)))
    return by_digits


def _last_place_needed(value: float, digits: int) -> int:
    """The power of ten of the last digit that is not zero among the first so many."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return int(exponent) - len(mantissa.rstrip("0").rstrip(".").replace(".", "")) + 1


def sparkline(values: Sequence[float], probabilities: Sequence[float], width: int = 14) -> str:
    """A density in one line, from fine percentiles.

    `values` are the quantiles at `probabilities` (percent, ascending). The axis is linear or, where all are
    positive, logarithmic, whichever leaves P5 and P95 more nearly as far from P50. A constant gives an empty text.
    """
    import numpy as np

    quantiles = np.asarray(values, dtype=float)
    if not np.isfinite(quantiles).all() or quantiles[0] == quantiles[-1]:
        return ""
    if quantiles[0] > 0:
        logarithms = np.log(quantiles)
        quantiles = min(
            quantiles, logarithms, key=lambda at: _lopsidedness(np.interp([5, 50, 95], probabilities, at))
        )
    edges = np.linspace(quantiles[0], quantiles[-1], width + 1)
    masses = np.diff(np.interp(edges, quantiles, np.asarray(probabilities, dtype=float)))
    levels = np.ceil(masses / masses.max() * 8).astype(int).clip(0, 8)
    return "".join(" ▁▂▃▄▅▆▇█"[level] for level in levels).replace(" ", "▁")


def _lopsidedness(band: Array) -> float:
    low, middle, high = band.tolist()
    return abs(low + high - 2 * middle) / (high - low) if high > low else 0.0


@dataclass(frozen=True)
class Column:
    """A column of a table, and what becomes of it where the width does not do.

    One with `drop` above 0 goes, the highest first; then the text of those that `give` is broken over lines
    ("wrap") or ends in an ellipsis ("cut"). Numbers stay whole.
    """

    title: str
    align: Literal["<", ">"] = "<"
    style: str = ""
    drop: int = 0
    give: Literal["", "wrap", "cut"] = ""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[Line]:
    """Lay out rows of text in aligned columns, at most `width` wide where that can be done.

    A cell may hold several lines; a column without any text is left out; a row of which only the first cell has
    text is a heading and runs across.
    """
    body = [row for row in rows if any(row[1:])] or rows
    kept = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    natural = {
        index: max(map(cell_width, _lines([columns[index].title, *(row[index] for row in body)])))
        for index in kept
    }
    words = {
        index: max(map(cell_width, " ".join(row[index] for row in body).split()), default=0) for index in kept
    }

    def least(index: int, text: int) -> int:
        """The width to which a column gives way, if a text column keeps so many cells."""
        give = columns[index].give
        return (
            min(natural[index], max(text, words[index] if give == "wrap" else 0)) if give else natural[index]
        )

    widths = dict(natural)
    if width is not None:
        while _total(least(index, GOOD_TEXT) for index in widths) > width:
            last = max(columns[index].drop for index in widths)
            if not last:
                break
            widths = {index: wide for index, wide in widths.items() if columns[index].drop < last}
        if _total(least(index, LEAST_TEXT) for index in widths) > width:
            return _records(columns, rows, width)
        for index in sorted(widths, key=lambda index: -widths[index]):
            excess = max(_total(widths.values()) - width, 0)
            widths[index] = max(widths[index] - excess, least(index, LEAST_TEXT))
    header = [column.title for column in columns]
    lines = _row_lines(columns, header, widths, heading=True) if any(header) else []
    for row in rows:
        lines += _row_lines(columns, row, widths) if row in body else [[(printable(row[0]), "bold")]]
    return lines


def _records(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Rows one below the other, for a terminal too narrow for columns: what is not to be dropped, titled."""
    lines: list[Line] = []
    for row in rows:
        lines += paragraph(row[0], width)
        line: Line = []
        for column, cell in list(zip(columns, row, strict=True))[1:]:
            if cell and not column.drop:
                text = printable(f"{column.title} {cell}".strip())
                if cell_width(text) + 2 > width:
                    lines += [*([line] if line else []), *paragraph("  " + text, width, "    ")]
                    line = []
                    continue
                if line and sum(cell_width(piece) for piece, _ in line) + 2 + cell_width(text) > width:
                    lines.append(line)
                    line = []
                line += [("  ", ""), (text, column.style)]
        lines += [line] if line else []
    return lines


def _total(widths: Iterable[int]) -> int:
    return sum(width + len(GAP) for width in widths) - len(GAP)


def _lines(cells: Iterable[str]) -> list[str]:
    return [printable(line) for cell in cells for line in cell.split("\n")]


def _row_lines(
    columns: Sequence[Column], row: Sequence[str], widths: Mapping[int, int], *, heading: bool = False
) -> list[Line]:
    cells = {
        index: [
            piece for line in row[index].split("\n") for piece in _fitted(line, width, columns[index].give)
        ]
        for index, width in widths.items()
    }
    lines: list[Line] = []
    for number in range(max(len(cell) for cell in cells.values())):
        line: Line = []
        for index, cell in cells.items():
            text = cell[number] if number < len(cell) else ""
            padding = " " * (widths[index] - cell_width(text))
            text = text + padding if columns[index].align == "<" else padding + text
            line += [(GAP if line else "", ""), (text, "dim" if heading else columns[index].style)]
        while line and not line[-1][0].strip():
            line.pop()
        if line:
            line[-1] = (line[-1][0].rstrip(), line[-1][1])
        lines.append(line)
    return lines


def _fitted(text: str, width: int, give: str) -> list[str]:
    text = printable(text)
    if cell_width(text) <= width or not give:
        return [text]
    if give == "cut":
        while cell_width(text) > width - 1:
            text = text[: min(len(text) - 1, width - 1)]
        return [text.rstrip() + "…"]
    indent = text[: len(text) - len(text.lstrip())]
    # A character may be two cells wide: break at half the width where there are such.
    limit = width if cell_width(text) == len(text) else width // 2
    return textwrap.wrap(
        text.strip(),
        limit,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def paragraph(text: str, width: int | None = None, indent: str = "") -> list[Line]:
    """Text broken at `width`, its further lines indented."""
    text = printable(text)
    if width is None:
        return [[(text, "")]]
    pieces = textwrap.wrap(
        text, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [[(piece, "")] for piece in pieces] or [[]]


def cell_width(text: str) -> int:
    """The number of terminal cells that a text takes; east Asian wide characters take two."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)


def printable(text: str) -> str:
    """The text with control characters escaped: a label from a file must not steer the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def plain(lines: Iterable[Line]) -> str:
    """The lines as plain text, each ended by a newline."""
    return "".join("".join(text for text, _ in line) + "\n" for line in lines)


def output_width(file: TextIO | None = None) -> int | None:
    """The width to lay out for: COLUMNS where it is set, the terminal's, or none (a pipe takes any width)."""
    file = file or sys.stdout
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    return shutil.get_terminal_size().columns if file.isatty() else None


def show(lines: Iterable[Line], file: TextIO | None = None) -> None:
    """Print lines: with styles on a terminal (unless NO_COLOR or a dumb one says otherwise), else plain."""
    file = file or sys.stdout
    if not file.isatty():
        file.write(plain(lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, highlight=False, emoji=False, markup=False)
    for line in lines:
        # soft_wrap leaves the line as laid out: rich would cut numbers to fit.
        console.print(Text.assemble(*line), soft_wrap=True)
