"""What is told of a word: of which kind it is, text, and tables; as sections of a report and as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulate.layout import Column, Line, Remark, Section

LISTS = (  # of words, each a word by itself; here, where a quantity's explanation need not wait for what they take
    *("keys", "families", "parameters", "units", "functions", "accelerators", "apis", "precisions", "forms"),
    *("schemes", "methods", "statistics", "shipped"),
)
Table = Sequence[Mapping[str, str]]  # rows, each with the same columns


@dataclass(frozen=True)
class Meaning:
    """One meaning of a word. Indented lines of its text are for a priors file, to be pasted."""

    word: str
    kind: str
    text: str
    tables: Mapping[str, Table] = field(default_factory=dict)  # by their headings

    @property
    def brief(self) -> str:
        """Its first paragraph, on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())

    @property
    def sections(self) -> list[Section]:
        """The meaning as a report tells it."""
        title: Line = [(self.word, "bold"), (f"  {self.kind}", "dim")]
        told = [Section(remarks=[title]), *(Section(remarks=paragraphs(part)) for part in self.text.split("\n\n"))]
        for heading, rows in self.tables.items():
            if rows:
                first, *others = rows[0]
                columns = [Column(first), *(Column(name, give="wrap") for name in others)]
                told.append(Section(heading, columns=columns, rows=[[*row.values()] for row in rows]))
        return told

    @property
    def plain(self) -> dict[str, Any]:
        """The meaning as plain data."""
        tables = {name: [dict(row) for row in rows] for name, rows in self.tables.items()}
        return {"word": self.word, "kind": self.kind, "text": self.text, "tables": tables}


def paragraphs(text: str) -> list[str | Remark]:
    """The paragraphs of a text; those that are indented, equations and what is to be pasted, stay as they are."""
    told: list[str | Remark] = []
    for part in text.split("\n\n"):
        if part.startswith(" "):
            told += [Remark(line, whole=True) for line in part.splitlines()]
        else:
            told.append(" ".join(part.split()))
    return told
