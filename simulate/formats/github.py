"""Annotations of GitHub Actions: what is wrong, what gates say, what to know and the first figures; the rest is folded.

Each is a command of a workflow, a line that begins with '::', which GitHub shows on the page of the run, and beside the
file where one is known. GitHub shows ten of each kind and step, so gates come before warnings.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from simulate.errors import Fault, printable
from simulate.formats import LOG, Sections
from simulate.gates import FAILS, OPEN
from simulate.gates import report as gates
from simulate.layout import Section, laid_out, plain
from simulate.results import Result

READER = LOG
MOST = 10  # rows of figures in a notice
OF_TEXT = {"%": "%25", "\n": "%0A"}
OF_PROPERTIES = {**OF_TEXT, ":": "%3A", ",": "%2C"}
KINDS = {FAILS: "error", OPEN: "warning"}  # of annotations, by the verdict of a gate


def write(result: Result, sections: Sections, file: TextIO) -> None:
    """Write gates that do not hold and warnings as annotations, the first figures as a notice, and folded all of it."""
    title, told = f"simulate {result.question}", sections()
    judged = [each for each in gates.judged(result) if each[0] in KINDS]
    lines = [_annotation(KINDS[verdict], f"{title} (gate)", text) for verdict, text in judged]
    lines += [_annotation("warning", title, text) for text in result.warnings]
    lines.append(_annotation("notice", title, "\n".join(_headline(told))))
    file.writelines(f"{line}\n" for line in [*lines, *_groups(title, told)])


def write_envelope(data: Mapping[str, Any], sections: Sections, file: TextIO) -> None:
    """Write the errors and warnings of an envelope as annotations, and folded the sections."""
    title = " ".join(filter(None, ["simulate", data["command"]]))
    lines = [_of_fault("error", f"{title} ({each['code']})", each) for each in data["errors"]]
    lines += [_of_fault("warning", title, each) for each in data["warnings"]]
    file.writelines(f"{line}\n" for line in [*lines, *_groups(title, sections())])


def _of_fault(kind: str, title: str, told: Mapping[str, Any]) -> str:
    """The annotation of a fault; its place stands in the text too, for the log shows nothing else."""
    file = _from_the_root(told["file"]) if told["file"] else ""
    message = "; ".join(filter(None, [told["message"], told["fix"]]))
    text = str(Fault(message, file, told["line"] or 0, key=told["key"] or ""))
    return _annotation(kind, title, text, file=file, line=told["line"], col=told["column"])


def _annotation(kind: str, title: str, text: str, **place: Any) -> str:
    known = {**{name: value for name, value in place.items() if value}, "title": title}
    properties = ",".join(f"{name}={_escaped(str(value), OF_PROPERTIES)}" for name, value in known.items())
    return f"::{kind} {properties}::{_escaped(text, OF_TEXT)}"


def _escaped(text: str, signs: Mapping[str, str]) -> str:
    lines = "\n".join(map(printable, text.split("\n")))
    return "".join(signs.get(sign, sign) for sign in lines)


def _from_the_root(file: str) -> str:
    """A path as GitHub looks for it: from the root of the checkout, or else from the working directory."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or "").absolute()
    whole = Path(os.path.normpath(Path(file).absolute()))
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else file


def _headline(sections: Iterable[Section]) -> Iterator[str]:
    """The first table and what heads it, as lines."""
    for section in sections:
        if not section.folded:
            yield from filter(None, [section.heading, section.intro])
            yield from _in_words(section)
            if section.rows:
                return


def _in_words(section: Section) -> Iterator[str]:
    """The rows of a table as lines, without the columns that can be dropped."""
    for row in section.rows[:MOST]:
        cells = zip(section.columns[1:], row[1:], strict=True)
        told = [f"{column.title} {cell}".strip() for column, cell in cells if cell and not column.drop]
        yield ": ".join(filter(None, [row[0].strip(), ", ".join(told)])).replace("\n", "; ")
    if len(section.rows) > MOST:
        yield f"and {len(section.rows) - MOST} more"


def _groups(title: str, sections: Sequence[Section]) -> Iterator[str]:
    """The lines of a group for all that is not folded elsewhere, and of one for each section that is."""
    yield from _group(title, [replace(each, brief=False) for each in sections if not each.folded])
    for each in sections:
        if each.folded:
            yield from _group(each.heading, [replace(each, heading="")])


def _group(title: str, sections: Iterable[Section]) -> Iterator[str]:
    if lines := plain(laid_out(sections)).splitlines():
        yield f"::group::{_escaped(title, OF_TEXT)}"
        yield from map(_quoted, lines)
        yield "::endgroup::"


def _quoted(line: str) -> str:
    """A line of text in which the names of a file give GitHub no command, in its former spelling neither."""
    return re.sub(r"^(\s*):(?=:)", r"\1: ", line).replace("##[", "## [")
