"""Markdown, for reviews and pages."""

import re
from typing import TextIO

from simulate.errors import printable
from simulate.formats import Sections
from simulate.layout import Remark, Section
from simulate.results import Result


def write(_result: Result | None, sections: Sections, file: TextIO) -> None:
    """Write the sections as Markdown with tables."""
    file.write("\n\n".join(part for section in sections() for part in _parts(section)) + "\n")


def _parts(section: Section) -> list[str]:
    parts = [f"### {_escaped(section.heading)}"] if section.heading else []
    parts += [_escaped(section.intro)] if section.intro else []
    if section.rows:
        titles = [column.title for column in section.columns]
        aligned = ["---:" if column.align == ">" else "---" for column in section.columns]
        head, *rows = ([_escaped(cell.strip()) for cell in cells] for cells in (titles, *section.rows))
        parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows)))
    plain: list[str] = []
    for remark in section.remarks:
        text = remark.text if isinstance(remark, Remark) else remark
        if isinstance(text, str) and not (isinstance(remark, Remark) and remark.whole):
            parts.append(_escaped(text))
        else:
            plain.append(printable(text if isinstance(text, str) else "".join(piece for piece, _ in text)))
    return [*parts, *([f"```\n{chr(10).join(plain)}\n```"] if plain else [])]


def _escaped(text: str) -> str:
    """The text with what Markdown would take for a mark escaped, at its beginning for that of a block."""
    marked = re.sub(r"[\\|*`<]", r"\\\g<0>", printable(text.replace("\n", "; ")))
    return re.sub(r"^(?=[-+=#>~])|^(\d+)(?=[.)] )", r"\1\\", marked)
