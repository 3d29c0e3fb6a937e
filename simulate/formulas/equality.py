"""Where a formula asks with == or != about numbers that rounding decides."""

import ast
from collections.abc import Callable
from enum import IntEnum

from simulate.formulas.formula import parsed
from simulate.formulas.percentiles import spelled
from simulate.formulas.text import Text


class Kind(IntEnum):
    """What is known of the values of a part: whole numbers, as they are stated, or what arithmetic made of them."""

    WHOLE = 0
    STATED = 1
    COMPUTED = 2


ROUNDED = frozenset(("floor", "ceil", "round", "sign"))
CHOSEN = frozenset(("abs", "min", "max", "clip", "where"))


def decided_by_rounding(text: str, kinds: Callable[[str], Kind]) -> list[str]:
    """The comparisons of a formula that is right, as they are written, which ask whether computed numbers are equal."""
    if "==" not in text and "!=" not in text:
        return []
    tree, written = parsed(text, spelled)
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]):
                if max(_kind(left, written, kinds), _kind(right, written, kinds)) is Kind.COMPUTED:
                    found.append(written.of(node))
    return found


def kind(text: str, kinds: Callable[[str], Kind]) -> Kind:
    """What is known of the values of a formula that is right, by what is known of those that it names."""
    tree, written = parsed(text)
    return _kind(tree, written, kinds)


def _kind(node: ast.expr, written: Text, kinds: Callable[[str], Kind]) -> Kind:
    match node:
        case ast.Constant(value=int() | float() as value):
            return Kind.WHOLE if float(value).is_integer() else Kind.STATED
        case ast.Name(id=name):
            return kinds(name)
        case ast.Compare(left=left) if written.converts(node):
            return Kind.WHOLE if _kind(left, written, kinds) is Kind.WHOLE else Kind.COMPUTED
        case ast.Compare() | ast.UnaryOp(op=ast.Invert()) | ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.FloorDiv()):
            return Kind.WHOLE
        case ast.UnaryOp(operand=operand):
            return _kind(operand, written, kinds)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Mod(), right=right):
            both = max(_kind(left, written, kinds), _kind(right, written, kinds))
            return Kind.WHOLE if both is Kind.WHOLE else Kind.COMPUTED
        case ast.Call(func=ast.Name(id=name), args=arguments):
            if name in ROUNDED:
                return Kind.WHOLE
            if name in CHOSEN:
                return max(_kind(each, written, kinds) for each in arguments[name == "where" :])
    return Kind.COMPUTED
