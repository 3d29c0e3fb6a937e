"""Reports as sections of headings, tables and remarks, laid out for a width: no number is ever cut."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

from simulate.errors import printable
from simulate.figures import outer_and_middle, percentile_name

Line = list[tuple[str, str]]  # pieces of text, each with a style: "", "bold", "dim", "red"

GAP = "  "
HANGING = "  "  # before the further lines of a wrapped cell
GOOD_TEXT = 24  # cells that a column of text keeps as long as other columns can go
LEAST_TEXT = 14  # cells that it keeps when none can


@dataclass(frozen=True)
class Remark:
    """A text of its own line: broken at the width unless `whole`, its further lines indented."""

    text: str
    style: str = ""
    indent: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Section:
    """A part of a report: a heading, what comes before its table, the table, and what comes after.

    What is `folded` opens at a click where that can be done, and there stands what is `brief` in its place.
    """

    heading: str = ""
    intro: str = ""
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[str]] = ()
    remarks: Sequence[str | Remark | Line] = ()
    folded: bool = False
    brief: bool = False


def laid_out(sections: Iterable[Section], width: int | None = None) -> list[Line]:
    """The sections as lines, an empty one between them, at most `width` wide where that can be done."""
    lines: list[Line] = []
    for section in sections:
        if section.brief:
            continue
        lines += [[]] if lines else []
        lines += _styled(paragraph(section.heading, width), "bold") if section.heading else []
        lines += paragraph(section.intro, width) if section.intro else []
        lines += table(section.columns, section.rows, width) if section.rows else []
        for remark in section.remarks:
            lines += _remark(Remark(remark) if isinstance(remark, str) else remark, width)
    return lines


def _remark(remark: Remark | Line, width: int | None) -> list[Line]:
    if isinstance(remark, list):
        return [remark]
    broken = paragraph(remark.text, None if remark.whole else width, remark.indent)
    return _styled(broken, remark.style)


def _styled(lines: Iterable[Line], style: str) -> list[Line]:
    return [[(text, style) for text, _ in line] for line in lines]


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


def percentile_columns(percents: Sequence[float], drop: int, middle: str = "bold") -> list[Column]:
    """A column a percentile, P50 in the style `middle`; the outermost and the middle one stay where others go."""
    kept = outer_and_middle(percents)
    return [
        Column(percentile_name(percent), ">", middle if percent == 50 else "", drop=0 if place in kept else drop)
        for place, percent in enumerate(percents)
    ]


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[Line]:
    """Lay out rows of text in aligned columns, at most `width` wide where that can be done.

    A cell may hold several lines; a column without any text is left out; a row of which only the first cell has
    text is a heading and runs across.
    """
    body = [row for row in rows if any(row[1:])] or rows
    kept = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    natural = {
        index: max(map(cell_width, _lines([columns[index].title, *(row[index] for row in body)]))) for index in kept
    }
    words = {index: max((_longest_word(row[index]) for row in body), default=0) for index in kept}

    def least(index: int, text: int) -> int:
        """The width to which a column gives way, if a text column keeps so many cells."""
        give = columns[index].give
        return min(natural[index], max(text, words[index] if give == "wrap" else 0)) if give else natural[index]

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


def _longest_word(cell: str) -> int:
    """The width that the longest word of a cell takes where it is wrapped, all but the first indented."""
    first, *others = [cell_width(word) for word in cell.split()] or [0]
    return max([first, *(len(HANGING) + width for width in others)])


def _records(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Rows one below the other, for a terminal too narrow for columns: what is not to be dropped, titled."""
    lines: list[Line] = []
    for row in rows:
        lines += paragraph(row[0], width)
        line: Line = []
        for column, cell in zip(columns[1:], row[1:], strict=True):
            if column.drop or not cell:
                continue
            text = printable(f"{column.title} {cell}".strip())
            needed = len(GAP) + cell_width(text)
            if line and sum(cell_width(piece) for piece, _ in line) + needed > width:
                lines.append(line)
                line = []
            if needed > width:
                lines += paragraph(GAP + text, width, 2 * GAP)
            else:
                line += [(GAP, ""), (text, column.style)]
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
        index: [piece for line in row[index].split("\n") for piece in _fitted(line, width, columns[index].give)]
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
        subsequent_indent=indent + HANGING,
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


def plain(lines: Iterable[Line]) -> str:
    """The lines as plain text, each ended by a newline."""
    return "".join("".join(text for text, _ in line) + "\n" for line in lines)


def output_width(file: TextIO) -> int | None:
    """The width to lay out for: COLUMNS where it is set, the terminal's, or none (a pipe takes any width)."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    return shutil.get_terminal_size().columns if file.isatty() else None


def show(lines: Iterable[Line], file: TextIO) -> None:
    """Print lines: with styles on a terminal (unless NO_COLOR or a dumb one says otherwise), else plain."""
    if not file.isatty():
        file.write(plain(lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, highlight=False, emoji=False, markup=False)
    for line in lines:
        # soft_wrap leaves the line as laid out: rich would cut numbers to fit.
        console.print(Text.assemble(*line), soft_wrap=True)


def print_sections(sections: Iterable[Section], file: TextIO | None = None) -> None:
    """Print a report, on stdout unless told otherwise, laid out for its width."""
    file = file or sys.stdout
    show(laid_out(sections, output_width(file)), file)
