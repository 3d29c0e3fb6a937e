"""Formulas of a priors file: text, through a whitelist of Python's syntax tree, to numpy."""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, NoReturn

import numpy as np

from simulate.arrays import is_column
from simulate.errors import SimulateError, suggestion
from simulate.formulas.division import floored, remainder
from simulate.formulas.logic import NONZERO, both, chosen, compared, either, negated
from simulate.formulas.percentiles import named, spelled
from simulate.formulas.spelling import function_meant, refuse_signs, refuse_spelling
from simulate.formulas.text import FormulaUnitError, Text, Units, read_units
from simulate.graph import Values, as_numpy

LONGEST = 4000  # characters
DEEPEST = 100  # nested operations; a plain sum of 100 terms is as deep
LARGEST_EXPONENT = 1000.0  # of a constant exponent: beyond it every power is 0, 1 or infinite

CONSTANTS = {"pi": math.pi, "e": math.e}
ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: floored,
    ast.Mod: remainder,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
COMPARISONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Lt: compared(operator.lt),
    ast.LtE: compared(operator.le),
    ast.Gt: compared(operator.gt),
    ast.GtE: compared(operator.ge),
    ast.Eq: compared(operator.eq),
    ast.NotEq: compared(operator.ne),
}
LOGIC: dict[type[ast.AST], Callable[..., Any]] = {ast.BitAnd: both, ast.BitOr: either, ast.Invert: negated}


def _named_in_numpy(*names: str) -> dict[str, tuple[int, int | None, Callable[..., Any]]]:
    return {name: (1, 1, getattr(np, name)) for name in names}


FUNCTIONS: dict[str, tuple[int, int | None, Callable[..., Any]]] = {  # least and most arguments
    "where": (3, 3, chosen),
    "min": (2, None, lambda *values: reduce(np.minimum, values)),
    "max": (2, None, lambda *values: reduce(np.maximum, values)),
    "clip": (3, 3, lambda value, least, most: np.minimum(np.maximum(value, least), most)),
    "round": (1, 1, np.rint),
    **_named_in_numpy("arcsin", "arccos", "arctan", "abs", "sqrt", "exp", "log", "log10", "log1p", "expm1"),
    **_named_in_numpy("sin", "cos", "tan", "tanh", "floor", "ceil", "sign"),
}
NO_BRACKETS = (
    "indexing is not allowed, nor yet a year after a name, capex[2030]; a bracket holds the unit of the number right "
    "before it, 365 [day/year]"
)
REASONS: dict[type[ast.AST], str] = {
    ast.Attribute: "attributes (a.b) are not allowed; write names and functions alone",
    ast.Subscript: NO_BRACKETS,
    ast.Lambda: "lambda is not allowed",
    ast.NamedExpr: ":= is not allowed; give the value a [quantities.NAME] of its own",
    ast.JoinedStr: "text is not allowed; write names without quotes",
    ast.Not: "'not' is not allowed; write ~(a > 1)",
    ast.IfExp: "'if' is not allowed; write where(condition, value, otherwise)",
    ast.BitXor: "^ is not allowed; a power is written **",
    ast.Starred: "* before an argument is not allowed",
    ast.Tuple: "a comma stands only between a function's arguments; a decimal mark is a point",
    **dict.fromkeys((ast.And, ast.Or), "'and' and 'or' are not allowed; write (a > 1) & (b < 2), with | for or"),
    **dict.fromkeys((ast.MatMult, ast.LShift, ast.RShift), "this operator is not allowed"),
    **dict.fromkeys((ast.List, ast.Dict, ast.Set), "lists, tables and sets are not allowed"),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "comprehensions are not allowed"),
    **dict.fromkeys((ast.Is, ast.IsNot, ast.NotIn), "this comparison is not allowed; write =="),
    ast.In: "'in' stands in round brackets with a unit after it, (capex in billion USD); to compare, write ==",
}


class FormulaError(SimulateError):
    """A formula that is refused: `str()` says where, what is wrong and what to do."""

    code = "formula"


def visible(name: str) -> str:
    """Show letters beyond ASCII by their codes, lest one that looks like another deceive."""
    return name if name.isascii() else ascii(name)[1:-1]


@dataclass(frozen=True)
class Formula:
    """A formula of the columns called `names`, in the order in which they appear in `text`."""

    text: str
    names: tuple[str, ...]
    evaluate: Callable[[Sequence[Values]], Any] = field(repr=False, compare=False)
    condition: bool = False  # a comparison, or several joined: known before any value is
    unit: str = ""  # of the value; "" where the units of the quantities were not told
    units: Units | None = field(default=None, repr=False, compare=False)
    percentiles: tuple["Percentile", ...] = ()  # among the names, those that stand for percentiles

    def __call__(self, *values: Values) -> Values:
        """Compute the formula for a value or a 1-D array for each name; conditions come out as 0, 1 or nan.

        Outside its domain a formula gives nan or inf, as numpy does, without a warning.
        """
        columns = [as_numpy(value) for value in values]
        with np.errstate(all="ignore"):
            result = self.evaluate(columns)
        return result if is_column(result) else float(result)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the text, which compiles again: closures do not travel."""
        return formula, (self.text, self.names, self.units, bool(self.percentiles))


@dataclass(frozen=True)
class Percentile:
    """A percentile by the name that it has in a formula, and the formula that it is a percentile of."""

    name: str
    of: Formula
    percent: float


def formula(text: str, known: Collection[str] = (), units: Units | None = None, percentiles: bool = False) -> Formula:
    """Compile a formula; a known name `pi` or `e` hides the constant.

    With the units of all its quantities its own is derived; without them, names have none. With `percentiles` it may
    hold such as P90 for a percentile of the other side of a comparison.
    Raises FormulaError for whatever is not arithmetic on names and numbers, and for a unit that is open or not right.
    """
    tree, written = parsed(text, spelled if percentiles else str)
    compiler = _Compiler(written, known, names=[])
    compiler.check_syntax(tree)
    unit, found = "", tuple[Percentile, ...]()
    if percentiles:
        of_sides = named(tree, written, known, compiler.refuse)
        found = tuple(Percentile(each.name, formula(each.of, known, units), each.percent) for each in of_sides)
    if units is not None and found:
        units = replace(units, quantities={**units.quantities, **{each.name: each.of.unit for each in found}})
    with np.errstate(all="ignore"):
        part = compiler.part(tree, 0)
        if units is not None:
            from simulate.formulas.units import derived  # late: few files state formulas

            try:
                converted, unit = derived(tree, written, units)
            except FormulaUnitError as error:
                compiler.refuse(error.node, str(error))
            if converted is not tree:
                part = compiler.part(converted, 0)
    names = tuple(compiler.names)
    return Formula(text, names, _number(part).compute, part.truth, unit, units, found)


def parsed(text: str, spell: Callable[[str], str] = str) -> tuple[ast.expr, Text]:
    """Parse a formula as one line of Python, never run; also return that line and the units in it.

    `spell` makes Python's names of others, as long as they.
    """
    if len(text) > LONGEST:
        raise FormulaError(
            f"the formula has {len(text)} characters, more than {LONGEST}; split it over several quantities"
        )
    if "#" in text:
        raise FormulaError(f"column {text.index('#') + 1}: comments are not allowed in a formula")
    line = "".join(" " if character.isspace() else character for character in text)
    indent = len(line) - len(line.lstrip())
    if indent == len(line):
        raise FormulaError("the formula is empty; write for instance 'capex / accelerators'")
    try:
        written = read_units(line)
        refuse_spelling(written.parsed)
        written = replace(written, parsed=spell(written.parsed))
    except SimulateError as error:
        raise FormulaError(str(error)) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on odd spellings such as '1if'
            tree = ast.parse(written.parsed[indent:], mode="eval").body
    except SyntaxError as error:
        if "[" in written.parsed:
            raise FormulaError(f"column {written.parsed.index('[') + 1}: {NO_BRACKETS}") from None
        column = indent + (error.offset or len(line.strip()) + 1)  # 0: the end
        try:
            refuse_signs(written.parsed, column, error.msg)
        except SimulateError as sign:
            raise FormulaError(str(sign)) from None
        raise FormulaError(f"column {column}: this is no formula ({error.msg})") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"this is no formula ({error})") from None
    return written.read_into(tree), written


@dataclass(frozen=True)
class _Part:
    """A compiled part of a formula: what computes it from the columns, and its value where that is constant."""

    compute: Callable[[Sequence[Values]], Any]
    constant: Any = None
    truth: bool = False  # a condition rather than a number: known before any value is


@dataclass
class _Compiler:
    """Compiles a tree, collecting the free names; constant parts are computed at once."""

    text: Text
    known: Collection[str]
    names: list[str]

    def check_syntax(self, tree: ast.expr) -> None:
        """Refuse what no formula may hold before any name is looked up; within a call, the call says more."""
        for node in ast.walk(tree):
            if isinstance(node, ast.GeneratorExp | ast.Starred | ast.cmpop):
                continue
            for part in (node, getattr(node, "op", None), *getattr(node, "ops", ())):
                if type(part) in REASONS and not self.text.converts(node):
                    self.refuse(node, REASONS[type(part)])

    def part(self, node: ast.AST, depth: int) -> _Part:
        if depth > DEEPEST:
            raise FormulaError(f"the formula nests more than {DEEPEST} operations; split it over several quantities")
        match node:
            case ast.Constant():
                return self.literal(node)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=op, operand=operand):
                return self.operation(node, op, [operand], depth)
            case ast.BinOp(op=op, left=left, right=right):
                return self.operation(node, op, [left, right], depth)
            case ast.Compare():
                return self.comparison(node, depth)
            case ast.Call():
                return self.call(node, depth)
        return self.refuse(node, REASONS.get(type(node), "this is not allowed in a formula"))

    def literal(self, node: ast.Constant) -> _Part:
        if isinstance(node.value, bool):
            self.refuse(node, "True and False are not allowed; write 1 and 0")
        if isinstance(node.value, str | bytes):
            self.refuse(node, REASONS[ast.JoinedStr])
        if not isinstance(node.value, int | float):
            self.refuse(node, "only real numbers are allowed")
        try:
            value = np.float64(float(node.value))
        except OverflowError:
            self.refuse(node, "the number is too large; write one below 1e308")
        if not value and re.match(r"[0._]*[1-9]", self.text.line[self.text.place(node)[0] :]):
            self.refuse(node, "the number is too small; write 0, or one above 1e-308")
        return self.finite(node, _constant(value))

    def name(self, name: str) -> _Part:
        if name in CONSTANTS and name not in self.known:
            return _constant(np.float64(CONSTANTS[name]))
        if name not in self.names:
            self.names.append(name)
        return _Part(operator.itemgetter(self.names.index(name)))

    def operation(self, node: ast.expr, op: ast.AST, operands: list[ast.expr], depth: int) -> _Part:
        parts = [self.part(operand, depth + 1) for operand in operands]
        if type(op) in LOGIC:
            conditions = [self.condition(operand, part) for operand, part in zip(operands, parts, strict=True)]
            return _applied(LOGIC[type(op)], conditions, truth=True)
        parts = [_number(part) for part in parts]
        if isinstance(op, ast.Pow) and abs(parts[1].constant or 0) > LARGEST_EXPONENT:
            self.refuse(operands[1], f"an exponent beyond {LARGEST_EXPONENT:g} is not allowed; write exp(...)")
        if isinstance(op, ast.Div | ast.FloorDiv | ast.Mod) and parts[0].constant is None and parts[1].constant == 0:
            self.refuse(operands[1], "this divides by 0 whatever the draws; mend it")
        return self.finite(node, _applied(ARITHMETIC[type(op)], parts))

    def comparison(self, node: ast.Compare, depth: int) -> _Part:
        if len(node.ops) > 1:
            self.refuse(node, "chained comparisons are not allowed; write (a < b) & (b < c)")
        if self.text.converts(node):
            return _number(self.part(node.left, depth + 1))
        op, sides = node.ops[0], [node.left, node.comparators[0]]
        for side in sides:  # & and | bind tighter than < in Python: 'a > b & c' means a > (b & c)
            if isinstance(side, ast.BinOp) and type(side.op) in LOGIC:
                self.refuse(side, "put each comparison in brackets: (a > 1) & (b < 2)")
        parts = [_number(self.part(side, depth + 1)) for side in sides]
        return _applied(COMPARISONS[type(op)], parts, truth=True)

    def call(self, node: ast.Call, depth: int) -> _Part:
        if not isinstance(node.func, ast.Name):
            self.part(node.func, depth + 1)  # whose own reason comes first
            self.refuse(node, "only functions may be called; write * to multiply")
        name = node.func.id
        if name not in FUNCTIONS:
            known = f"functions are {', '.join(FUNCTIONS)}"
            mend = function_meant(name) or suggestion(name, FUNCTIONS, known, slips=True)
            self.refuse(node, f"there is no function {visible(name)}{mend}")
        if node.keywords:
            self.refuse(node, f"{name} takes no named arguments")
        least, most, function = FUNCTIONS[name]
        if len(node.args) < least or (most is not None and len(node.args) > most):
            takes = f"{least} argument{'s' * (least > 1)}" + " or more" * (most is None)
            self.refuse(node, f"{name} takes {takes}, not {len(node.args)}")
        parts = [self.part(argument, depth + 1) for argument in node.args]
        read = [_condition(parts[0]) if name == "where" else _number(parts[0]), *map(_number, parts[1:])]
        return self.finite(node, _applied(function, read))

    def condition(self, node: ast.expr, part: _Part) -> _Part:
        """Read an operand of & | ~: a comparison, or a name that stands for 0 or 1."""
        if not part.truth and not isinstance(node, ast.Name):
            self.refuse(node, "& | and ~ join comparisons; put each in brackets: (a > 1) & (b < 2)")
        return _condition(part)

    def finite(self, node: ast.expr, part: _Part) -> _Part:
        if part.constant is not None and not np.isfinite(part.constant):
            self.refuse(node, f"this part is {float(part.constant)} whatever the draws; make it finite")
        return part

    def refuse(self, node: ast.AST, reason: str) -> NoReturn:
        raise FormulaError(f"column {self.text.place(node)[0] + 1}: {reason}")


def _constant(value: Any, *, truth: bool = False) -> _Part:
    return _Part(lambda _columns: value, value, truth)


def _applied(function: Callable[..., Any], parts: Sequence[_Part], *, truth: bool = False) -> _Part:
    """A function of parts, of constants computed at once."""
    if all(part.constant is not None for part in parts):
        return _constant(function(*[part.constant for part in parts])[()], truth=truth)
    match [part.compute for part in parts]:
        case [only]:
            return _Part(lambda columns: function(only(columns)), truth=truth)
        case [left, right]:
            return _Part(lambda columns: function(left(columns), right(columns)), truth=truth)
        case several:
            return _Part(lambda columns: function(*[compute(columns) for compute in several]), truth=truth)


def _number(part: _Part) -> _Part:
    """Turn a condition into 0 and 1; numpy's own sum of two conditions would be 'or'."""
    return _applied(lambda holds: np.multiply(holds, 1.0), [part]) if part.truth else part


def _condition(part: _Part) -> _Part:
    """Turn a number into a condition: whatever is not 0 holds."""
    return part if part.truth else _applied(lambda number: NONZERO(number, 0.0), [part], truth=True)
