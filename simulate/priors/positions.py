"""Lines of keys in a TOML text, for messages; tomllib stays the authority on what the text says."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

Key = tuple[str | int, ...]  # ("priors", "pue", "p5"); an element of an array by its index

DEEPEST = 50  # tables and arrays in each other, or parts of a dotted key: no file needs ten
LONGEST = 200  # characters of a name
LONGEST_NUMBER = 1000
# What a text with a longer name or number, or a dotted key of more parts, has in it.
_LONG = re.compile(rf"[^\s,=\[\]{{}}]{{{LONGEST + 1}}}|^(?:[^.\n]*\.){{{DEEPEST}}}", re.MULTILINE)


def line_of(text: str, key: Key) -> int:
    """Return the line (from 1) of a key of a valid TOML text, or of the table that would hold it."""
    lines = positions(text)
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, 1)


def excess(text: str) -> tuple[int, str] | None:
    """The first line, from 1, with a name, a number or a dotted key longer than any that is meant, and what it is.

    Looked for before tomllib reads the text, for which a key of n parts is work for n squared.
    """
    if not _LONG.search(text):
        return None
    cursor = _document(text).walk()
    while True:
        node = cursor.node
        assert node is not None
        if fault := _excessive(node):
            return _line(node), fault
        inner = node.type not in {"dotted_key", "string", "comment"} and cursor.goto_first_child()
        while not inner and not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return None


def _excessive(node: Node) -> str:
    length = node.end_byte - node.start_byte
    if node.type in {"integer", "float"} and length > LONGEST_NUMBER:
        return f"a number of {length:,} characters is longer than {LONGEST_NUMBER:,}; write it shorter, such as 1.5e9"
    if node.type == "dotted_key" and (parts := _parts(node)):
        if len(parts) > DEEPEST:
            return f"a key of {len(parts):,} parts has more than {DEEPEST}; take the points out"
        return next(filter(None, map(_excessive, parts)), "")
    if node.type in {"bare_key", "quoted_key"} and length > LONGEST:
        return f"a name of {length:,} characters is longer than {LONGEST}; shorten it"
    return ""


def deep_line(text: str) -> int:
    """The line, from 1, of the bracket with which a text has opened more than are allowed in each other; 0 for none."""
    depth = 0
    for found in re.finditer(r"[\[{\]}]", text):
        depth += 1 if found[0] in "[{" else -1
        if depth > DEEPEST:
            return text.count("\n", 0, found.start()) + 1
    return 0


def _document(text: str) -> Node:
    import tree_sitter_toml
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node


@lru_cache(maxsize=8)
def positions(text: str) -> dict[Key, int]:
    """Return the line (from 1) of each key and table of a valid TOML text; a table's is its header's."""
    document = _document(text)
    lines: dict[Key, int] = {}
    lengths: dict[Key, int] = {}  # of the arrays of tables so far
    for child in document.named_children:
        if child.type == "pair":
            _pair(child, (), lines)
        elif child.type in ("table", "table_array_element"):
            _table(child, lines, lengths)
    return lines


def _table(table: Node, lines: dict[Key, int], lengths: dict[Key, int]) -> None:
    line = _line(table)
    names = _names(table.named_children[0])
    path: Key = ()
    for i in range(len(names)):
        path = (*path, names[i])
        lines.setdefault(path, line)
        if i == len(names) - 1 and table.type == "table_array_element":
            lengths[path] = lengths.get(path, 0) + 1
        if path in lengths:  # what follows belongs to the last element
            path = (*path, lengths[path] - 1)
    lines[path] = line
    for child in table.named_children[1:]:
        if child.type == "pair":
            _pair(child, path, lines)


def _pair(pair: Node, path: Key, lines: dict[Key, int]) -> None:
    key, value = [child for child in pair.named_children if child.type != "comment"][:2]
    for name in _names(key):
        path = (*path, name)
        lines.setdefault(path, _line(key))
    _value(value, path, lines)


def _value(value: Node, path: Key, lines: dict[Key, int]) -> None:
    if len(path) > DEEPEST:  # refused, at the line of what holds it
        return
    elements = [child for child in value.named_children if child.type != "comment"]
    if value.type == "inline_table":
        for pair in elements:
            _pair(pair, path, lines)
    elif value.type == "array":
        for i, element in enumerate(elements):
            lines[*path, i] = _line(element)
            _value(element, (*path, i), lines)


def _names(key: Node) -> list[str]:
    """Return the names of a key, dotted or not, without quotes."""
    texts = [(part.type, (part.text or b"").decode()) for part in _parts(key)]
    return [name for kind, text in texts for name in ([text] if kind == "bare_key" else tomllib.loads(f"{text} = 0"))]


def _parts(key: Node) -> list[Node]:
    """The parts of a key; of a dotted one, the grammar nests those before the last."""
    parts: list[Node] = []
    while key.type == "dotted_key":
        key, *last = key.named_children
        parts[:0] = last
    return [key, *parts]


def _line(node: Node) -> int:
    return node.start_point[0] + 1
