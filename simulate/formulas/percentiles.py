"""Percentiles in conditions: `capex > P90`, which stands for that percentile of the comparison's other side.

Python's parser reads P90 as a name and cannot read P99.9: a decimal point in one becomes an underscore, so that every
column stays what it was.
"""

import ast
import re
from collections.abc import Callable, Collection
from typing import NamedTuple, NoReturn

from simulate.formulas.text import Text

_TOKEN = re.compile(r"(?<![\w.])[Pp]([0-9]+(?:\.[0-9]+)?)(?![\w.])")
_NAME = re.compile(r"[Pp]([0-9]+(?:_[0-9]+)?)")
ALONE = "stands alone on one side of a comparison, capex > P90, and means that percentile of the other side"


class Named(NamedTuple):
    """A percentile by the name that it has in a formula: of what, as it is written, and the percent."""

    name: str
    of: str
    percent: float


def spelled(text: str) -> str:
    """The text with percentiles as names."""
    return _TOKEN.sub(lambda found: found[0].replace(".", "_"), text)


def named(
    tree: ast.expr, text: Text, known: Collection[str], refuse: Callable[[ast.AST, str], NoReturn]
) -> tuple[Named, ...]:
    """Name the percentiles in a tree by what they are of; a known name is none. Others than alone are refused."""
    found: dict[str, Named] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sides = node.left, node.comparators[0]
            for side, other in (sides, sides[::-1]):
                percent = _percent(side, known)
                if isinstance(side, ast.Name) and percent is not None and _percent(other, known) is None:
                    if not 0 < percent < 100:
                        refuse(side, "a percentile lies between P0 and P100, both left out")
                    start, end = text.place(other)
                    of = " ".join(text.line[start:end].split())
                    side.id = f"P{side.id[1:].replace('_', '.')}({of})"
                    found[side.id] = Named(side.id, of, percent)
    chains = [node for node in ast.walk(tree) if isinstance(node, ast.Compare) and len(node.ops) > 1]
    chained = {inner for node in chains for inner in ast.walk(node)}  # which is refused for being a chain
    for node in ast.walk(tree):
        if node not in chained and _percent(node, known) is not None:
            refuse(node, f"a percentile {ALONE}")
    return tuple(found.values())


def _percent(node: ast.AST, known: Collection[str]) -> float | None:
    name = node.id if isinstance(node, ast.Name) and node.id not in known else ""
    match = _NAME.fullmatch(name)
    return float(match[1].replace("_", ".")) if match else None
