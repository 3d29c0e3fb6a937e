"""Markdown as GitHub reads it, for comments of reviews and pages."""

import html
import re
from typing import TextIO

from simulate.errors import printable
from simulate.formats import PERSON, Sections
from simulate.layout import Remark, Section
from simulate.results import Result

READER = PERSON


def write(result: Result | None, sections: Sections, file: TextIO) -> None:
    """Write the sections as Markdown with tables, and the warnings after what stands first in brief."""
    told = sections()
    parts, first = [_parts(section) for section in told], sum(section.brief for section in told)
    if result is not None and result.warnings:
        parts.insert(first, ["\n".join(["> [!WARNING]", *(f"> - {_escaped(text)}" for text in result.warnings)])])
    file.write("\n\n".join(part for each in parts for part in each) + "\n")


def _parts(section: Section) -> list[str]:
    parts = [f"### {_escaped(section.heading)}"] if section.heading and not section.folded else []
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
    parts += [f"```\n{chr(10).join(plain)}\n```"] if plain else []
    if section.folded:
        summary = html.escape(printable(section.heading), quote=False)
        return [f"<details>\n<summary>{summary}</summary>", *parts, "</details>"]
    return parts


def _mark(found: re.Match[str]) -> str:
    return "".join(f"\\{character}" for character in found[0])


def _escaped(text: str) -> str:
    """The text with what Markdown would take for a mark escaped, at its beginning for that of a block."""
    marked = re.sub(r"[\\|*`<~&$[\]]|\b_+(?!\w)|(?<!\w)_+", _mark, printable(text.replace("\n", "; ")))
    return re.sub(r"^(?=[-+=#>~])|^(\d+)(?=[.)] )", r"\1\\", marked)
