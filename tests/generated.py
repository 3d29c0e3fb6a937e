"""Formulas that hypothesis generates: of columns, constants, numbers and mixtures of them, finite everywhere."""

from __future__ import annotations

import ast

import numpy as np
from hypothesis import strategies as some

from simulate.formulas.formula import FUNCTIONS

COLUMNS, CONSTANTS = ("a", "b"), {"c": 2.0, "d": 0.5, "z": 0.0}
LEAVES = some.sampled_from([*COLUMNS, *CONSTANTS, "0.25", "1", "3", "pi", "0"])


def _larger(parts):
    """A formula of smaller ones: each function within its domain, each division by what is 1 or more."""
    pair = some.tuples(parts, parts)
    one = some.sampled_from([name for name, (_, most, _) in FUNCTIONS.items() if most == 1])
    comparison = some.tuples(parts, some.sampled_from(["<", "<=", ">", ">=", "==", "!="]), parts)
    condition = comparison.map(lambda each: f"({' '.join(each)})")
    joined = some.tuples(condition, some.sampled_from("&|"), condition).map(lambda each: f"({' '.join(each)})")
    negated = some.one_of(condition, joined).map(lambda each: f"(~{each})")
    test = some.one_of(condition, joined, negated, parts)
    return some.one_of(
        some.tuples(parts, some.sampled_from("+-*"), parts).map(lambda each: f"({' '.join(each)})"),
        pair.map(lambda each: f"({each[0]} / (1 + abs({each[1]})))"),
        pair.map(lambda each: f"({each[0]} // (1 + abs({each[1]})))"),
        pair.map(lambda each: f"({each[0]} % (1 + abs({each[1]})))"),
        parts.map(lambda each: f"(clip({each}, 0, 2) ** 2)"),
        some.tuples(one, parts).map(lambda each: f"{each[0]}(clip({each[1]}, 0.1, 0.9))"),
        some.tuples(some.sampled_from(["min", "max"]), parts, parts).map(
            lambda each: f"{each[0]}({each[1]}, {each[2]})"
        ),
        some.tuples(parts, parts).map(lambda each: f"clip({each[0]}, min({each[1]}, 1), 2)"),
        some.tuples(test, parts, parts).map(lambda each: f"where({', '.join(each)})"),
        some.one_of(joined, negated).map(lambda each: f"({each} + 0)"),
    )


FORMULAS = some.recursive(LEAVES, _larger, max_leaves=12)


def value_of(text, columns):
    """The value of a formula where every name and every number stands for a whole column: nothing is a constant."""
    size = len(next(iter(columns.values())))

    class Columns(ast.NodeTransformer):
        def visit_Constant(self, node):
            return ast.parse(f"full({node.value!r})", mode="eval").body

    functions = {name: function for name, (_, _, function) in FUNCTIONS.items()}
    named = {**functions, **columns, "pi": np.full(size, np.pi), "full": lambda value: np.full(size, float(value))}
    named["where"] = lambda test, yes, no: np.where(np.asarray(test) != 0, yes, no)
    tree = ast.fix_missing_locations(Columns().visit(ast.parse(text, mode="eval")))
    with np.errstate(all="ignore"):
        return np.asarray(eval(compile(tree, "formula", "eval"), {}, named), dtype=float)
