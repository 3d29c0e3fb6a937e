"""Lines of keys in a TOML text, for messages; tomllib stays the authority on what the text says."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

Key = tuple[str | int, ...]  # ("priors", "pue", "p5"); an element of an array by its index


def line_of(text: str, key: Key) -> int:
    """Return the line (from 1) of a key of a valid TOML text, or of the table that would hold it."""
    lines = positions(text)
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, 1)


@lru_cache(maxsize=8)
def positions(text: str) -> dict[Key, int]:
    """Return the line (from 1) of each key and table of a valid TOML text; a table's is its header's."""
    import tree_sitter_toml
    from tree_sitter import Language, Parser

    document = Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node
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
    if key.type == "dotted_key":
        return [name for part in key.named_children for name in _names(part)]
    text = (key.text or b"").decode()
    return [text] if key.type == "bare_key" else list(tomllib.loads(f"{text} = 0"))


def _line(node: Node) -> int:
    return node.start_point[0] + 1
