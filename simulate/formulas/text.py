"""The text of a formula, and the units written in it: after numbers, 365 [day/year], and after `in`, (capex in USD).

Python's parser cannot read a unit. One pass from left to right takes each out of the text before it and leaves as many
other characters, so that every column stays what it was.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from simulate.errors import SimulateError
from simulate.units import Measure, UnitError, measure, plain

Insertions = tuple[tuple[ast.expr, str, str], ...]  # what to write before and after parts of a formula

LONGEST_MEND = 1000  # characters of a formula that a message writes out whole
LONGEST_PART = 60  # of a part of one

FOLDED: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_TOKEN = re.compile(
    r"(?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<unit>\[[^\[\]]*\])|(?P<sign>\S)"
)


class FormulaUnitError(SimulateError):
    """A part of a formula whose unit is open, or not what it must be."""

    code = "unit"

    def __init__(self, node: ast.expr, message: str) -> None:
        super().__init__(message)
        self.node = node


@dataclass(frozen=True)
class Units:
    """The units of the quantities that a formula names, and its own.

    It must be as `stated`, "" for what its parts give, and is converted `into` another. `numbers` are quantities
    without a unit, `counts` those that stand as mere numbers although they are written in millions or the like.
    """

    quantities: Mapping[str, str]
    stated: str = ""
    into: str = ""
    numbers: Collection[str] = ()
    counts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Text:
    """A formula as it is written in a line, and the units in it.

    Units are by where their numbers, or after `in` they themselves, begin: in bytes without the blanks at the front,
    as nodes have it.
    """

    line: str
    indent: int
    parsed: str  # with the units taken out
    units: Mapping[int, Measure]
    scales: Mapping[int, Fraction]  # of what a number is multiplied by, in a unit such as million USD
    ends: Mapping[int, int]  # from the end of a number to that of the unit after it

    def place(self, node: ast.AST) -> tuple[int, int]:
        """Where a part begins and ends, with the unit of a number at its end."""
        encoded = self.parsed[self.indent :].encode()
        start = getattr(node, "col_offset", 0)
        bounds = start, getattr(node, "end_col_offset", start)
        first, end = (self.indent + len(encoded[:place].decode(errors="replace")) for place in bounds)
        return first, self.ends.get(end, end)

    def converts(self, node: ast.AST) -> bool:
        """Whether a comparison with `in` asks for a unit."""
        match node:
            case ast.Compare(ops=[ast.In()], comparators=[unit]):
                return unit.col_offset in self.units
        return False

    def read_into(self, tree: ast.expr) -> ast.expr:
        """Multiply the numbers of a tree that stand in millions, percent and the like."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and self.scales.get(node.col_offset, 1) != 1:
                try:
                    node.value = float(Fraction(str(node.value)) * self.scales[node.col_offset])
                except (OverflowError, ValueError):  # beyond what floats hold, and refused as such
                    node.value = math.inf
        return tree

    def of(self, node: ast.expr) -> str:
        """What is written of a part, cut where it is long."""
        start, end = self.place(node)
        whole = " ".join(self.line[start:end].split())
        return whole if len(whole) <= LONGEST_PART else f"{whole[: LONGEST_PART - 3]}..."

    def mended(self, insertions: Insertions) -> str:
        """The line of the file with what is to be inserted, or where that is long, the parts of it."""
        pieces = []
        for node, before, after in insertions:
            start, end = self.place(node)
            pieces += [(start, 1, before), (end, 0, after)]
        line = self.line
        for place, _, piece in sorted(pieces, key=lambda each: each[:2], reverse=True):
            line = line[:place] + piece + line[place:]
        if len(line) <= LONGEST_MEND:
            return f'formula = "{" ".join(line.split())}"'
        return ", ".join(dict.fromkeys(f"{before}{self.of(node)}{after}" for node, before, after in insertions))


def read_units(line: str) -> Text:
    """Take the units out of a line; what is in no right place is left where it is.

    Raises UnitError for what is no unit, saying in which column.
    """
    parsed, units, scales, ends = line, dict[int, Measure](), dict[int, Fraction](), dict[int, int]()
    indent = len(line) - len(line.lstrip())
    depth, number, until = 0, None, 0
    for token in _TOKEN.finditer(line):
        start, end = token.span()
        if start < until:
            continue
        if token["unit"] and number is not None:
            unit = _unit(line, start + 1, end - 1)
            place = len(parsed[indent : number.start()].encode())
            units[place] = measure(plain(unit.text))
            scales[place] = unit.factor / units[place].factor
            ends[number.end()] = end
            parsed = parsed[:start] + " " * (end - start) + parsed[end:]
        elif token["name"] == "in" and depth:
            until = next((at for at in range(end, len(line)) if line[at] in "),"), len(line))
            start = until - len(line[end:until].lstrip())
            if line[start:until].strip():
                units[len(parsed[indent:start].encode())] = _unit(line, start, until)
                parsed = parsed[:start] + "_" * (until - start) + parsed[until:]
        depth += (token["sign"] == "(") - (token["sign"] == ")")
        number = token if token["number"] else None
    return Text(line, indent, parsed, units, scales, ends)


def _unit(line: str, start: int, end: int) -> Measure:
    try:
        return measure(line[start:end].strip())
    except UnitError as error:
        raise UnitError(f"column {start + 1}: {error}") from None


def is_sum(node: ast.expr) -> bool:
    """Whether a part is a sum or a difference."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def joined(node: ast.BinOp, left: ast.expr, right: ast.expr) -> ast.BinOp:
    """The same operation of other operands."""
    return ast.copy_location(ast.BinOp(left, node.op, right), node)


def called(node: ast.Call, *arguments: ast.expr) -> ast.Call:
    """The same function of other arguments."""
    return ast.copy_location(ast.Call(node.func, list(arguments), []), node)


def scaled(node: ast.expr, ratio: Fraction | None) -> ast.expr:
    """A part times a factor."""
    if ratio is None or ratio == 1:
        return node
    factor = ast.copy_location(ast.Constant(float(ratio)), node)
    return ast.copy_location(ast.BinOp(node, ast.Mult(), factor), node)


def folded(op: ast.operator, left: float | None, right: float | None) -> float | None:
    """What two numbers come to, where they are known."""
    if left is None or right is None or type(op) not in FOLDED or (isinstance(op, ast.Div) and not right):
        return None
    return FOLDED[type(op)](left, right)
