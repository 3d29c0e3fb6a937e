"""The unit of a formula, derived from its parts and held against the one that is stated.

A part of a formula has a unit. It is open where a bare number in it may stand for one: `staff_cost / 365` is in
USD/year, or in USD/day if 365 is in day/year. Where a part must have a certain unit, one that is not open is converted;
of one that is, the refusal tells both readings, and the line that says either.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NoReturn

from simulate.formulas.text import FormulaUnitError, Insertions, Text, Units, called, folded, is_sum, joined, scaled
from simulate.units import RATIO, Measure, UnitError, apart, check_known, measure, reduced, simplified

OF_RATIOS = frozenset(
    ("arcsin", "arccos", "arctan", "exp", "log", "log10", "log1p", "expm1", "sin", "cos", "tan", "tanh")
)
ROUNDING = frozenset(("floor", "ceil", "round"))
LARGEST_ROOT = 12


@dataclass(frozen=True)
class _Part:
    """A part of a formula with the conversions that it takes, and its unit.

    `factors` are the bare numbers that multiply it as a whole, each with its power. A `bare` one is made of numbers
    alone, so that it may be read in another's unit; `value` is what it comes to, where that is plain. `counts` are
    names in it that stand as mere numbers although they are written in millions or the like.
    """

    node: ast.expr
    unit: Measure = RATIO
    open: bool = False
    bare: bool = False
    factors: tuple[tuple[ast.Constant, Fraction], ...] = ()
    value: float | None = None
    counts: tuple[ast.Name, ...] = ()

    @property
    def zero(self) -> bool:
        return self.value == 0


@dataclass(frozen=True)
class _Offer:
    """What is open: in which part, the readings, and what to write for the first and the second."""

    node: ast.expr
    message: str
    first: Insertions
    second: Insertions | str


def derived(tree: ast.expr, text: Text, units: Units) -> tuple[ast.expr, str]:
    """Put conversions into a formula, and tell the unit of what it then gives.

    It is "" for a formula of numbers alone, which may be in any. Raises FormulaUnitError for one not so, or open.
    """
    for place, unit in text.units.items():
        try:
            check_known(unit, [*units.quantities.values(), units.stated or "1"])
        except UnitError as error:
            raise FormulaUnitError(ast.Name("", col_offset=place), str(error)) from None
    walk = _Walk(text, units)
    try:
        part = walk.part(tree)
    except FormulaUnitError:
        if not walk.offers:
            raise
        part = _Part(tree)  # what is open was taken to be something else there
    if not units.stated:
        walk.check()
        wanted = part.unit if part.unit.text in units.quantities.values() else reduced(part.unit)
        return scaled(part.node, part.unit.over(wanted)), "" if part.bare else wanted.text
    wanted = measure(units.stated)
    node = part.node
    unclear = walk.offers or (part.open and not part.bare and part.unit.over(wanted) != 1)
    if unclear and is_sum(tree):  # of which each term may be held against the unit stated
        otherwise = "" if walk.offers else f'unit = "{simplified(part.unit).text}"'
        walk = _Walk(text, units)
        try:
            node = walk.terms(tree, wanted, otherwise)
        except FormulaUnitError:
            walk.check()
            raise
    elif not part.bare and not walk.offers:  # a number alone is in the unit stated
        node = walk.held(part, wanted, "the unit stated is", whole=True)
    walk.check()
    return scaled(node, wanted.over(measure(units.into)) if units.into else None), units.into or units.stated


@dataclass
class _Walk:
    """Derives the units of parts from the leaves upwards, and collects what is open."""

    text: Text
    units: Units
    offers: list[_Offer] = field(default_factory=list)

    def check(self) -> None:
        """Raise FormulaUnitError for the first open part, with a line that says what each is."""
        if not self.offers:
            return
        first, *others = self.offers
        rest = tuple(each for offer in others for each in offer.first)
        message = f"{first.message}; write {self.text.mended((*first.first, *rest))}"
        if first.second:
            second = first.second if isinstance(first.second, str) else self.text.mended((*first.second, *rest))
            message += f", or {second}"
        raise FormulaUnitError(first.node, message)

    def part(self, node: ast.expr) -> _Part:
        """A part of a formula, which has been found to be one."""
        match node:
            case ast.Constant(value=int() | float() as number):
                if node.col_offset in self.text.units:
                    return _Part(node, self.text.units[node.col_offset])
                return _Part(node, RATIO, bool(number), bare=True, factors=((node, Fraction(1)),), value=float(number))
            case ast.Name(id=name):
                if name not in self.units.quantities or name in self.units.numbers:  # the former are pi and e
                    return _Part(node, bare=True)
                counts = (node,) if name in self.units.counts else ()
                return _Part(node, measure(self.units.quantities[name]), counts=counts)
            case ast.UnaryOp(op=op, operand=operand):
                inner = self.part(operand)
                whole = ast.copy_location(ast.UnaryOp(op, inner.node), node)
                if isinstance(op, ast.Invert):
                    return _Part(whole)
                value = -inner.value if isinstance(op, ast.USub) and inner.value is not None else inner.value
                return replace(inner, node=whole, value=value)
            case ast.BinOp():
                return self.operation(node)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.comparison(node, left, op, right)
            case ast.Call(func=ast.Name(id=name)):
                return self.call(node, name)
        raise AssertionError(node)

    def comparison(self, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Part:
        """A condition, or the bare number of what is asked for in a unit."""
        if not isinstance(op, ast.In):
            one, other = self.alike([left, right])
            return _Part(ast.copy_location(ast.Compare(one.node, [op], [other.node]), node))
        inner = self.part(left)
        if inner.bare:
            raise FormulaUnitError(left, f"{self.text.of(left)} is a mere number already; write it alone")
        return _Part(self.held(inner, self.text.units[right.col_offset], "the unit asked for is"))

    def operation(self, node: ast.BinOp) -> _Part:
        left, right = self.part(node.left), self.part(node.right)
        whole = joined(node, left.node, right.node)
        match node.op:
            case ast.BitAnd() | ast.BitOr():
                return _Part(whole)
            case ast.Add() | ast.Sub():
                return self.sum(node, left, right)
            case ast.Mod():
                return replace(self.sum(node, left, right), value=None)
            case ast.Pow():
                return self.power(node, left, right)
            case ast.FloorDiv() if not right.bare and left.unit.dimension == right.unit.dimension:
                return _Part(joined(node, left.node, self.held(right, left.unit, f"{self.text.of(node.left)} is in")))
        sign = 1 if isinstance(node.op, ast.Mult) else -1
        factors = (*left.factors, *((each, power * sign) for each, power in right.factors))
        unit, is_open, bare = left.unit * right.unit**sign, left.open or right.open, left.bare and right.bare
        if isinstance(node.op, ast.FloorDiv):
            return self.rounded(_Part(whole, unit, is_open, bare, counts=(*left.counts, *right.counts)))
        value = 0.0 if left.zero else folded(node.op, left.value, right.value)
        return _Part(whole, unit, is_open, bare, factors, value, (*left.counts, *right.counts))

    def sum(self, node: ast.BinOp, left: _Part, right: _Part) -> _Part:
        """A sum: bare numbers may be added to ratios alone, and zero to everything."""
        whole = joined(node, left.node, right.node)
        if not (left.zero or right.zero or (left.counts and right.counts)):
            self.ask_counts(left, right)
        if left.bare and right.bare:
            return _Part(whole, open=left.open or right.open, bare=True, value=folded(node.op, left.value, right.value))
        if left.zero or right.zero:
            return replace(right if left.zero else left, node=whole, factors=(), value=None)
        if left.bare or right.bare:
            number, other = (left, right) if left.bare else (right, left)
            if other.unit.dimension:  # the number is in the same unit, unless something else is as likely
                asked = other.unit.is_rate or (other.open and number.open and not self.units.stated)
                unit = self.ask(number, other.unit, other) if asked else other.unit
                return _Part(whole, unit, open=True)
            held = self.held(other, RATIO, f"{self.text.of(number.node)} is in")
            return _Part(joined(node, *((number.node, held) if left.bare else (held, number.node))), open=other.open)
        if left.open and not right.open and left.unit.over(right.unit) != 1:
            held = self.held(left, right.unit, f"{self.text.of(right.node)} is in", right)
            return _Part(joined(node, held, right.node), right.unit)
        held = self.held(right, left.unit, f"{self.text.of(left.node)} is in", left)
        return _Part(joined(node, left.node, held), left.unit, left.open or right.open)

    def terms(self, tree: ast.expr, wanted: Measure, otherwise: str) -> ast.expr:
        """A sum of which each term is to have a unit: a bare number is in it, unless another term is in another scale.

        `otherwise` is what to write where its numbers are mere numbers.
        """
        parts: dict[ast.expr, _Part] = {}

        def split(node: ast.expr) -> None:
            if isinstance(node, ast.BinOp) and is_sum(node):
                split(node.left)
                split(node.right)
            else:
                parts[node] = self.part(node)

        def held(node: ast.expr) -> ast.expr:
            if isinstance(node, ast.BinOp) and node not in parts:
                return joined(node, held(node.left), held(node.right))
            part = parts[node]
            if not part.bare:
                return self.held(part, wanted, "the unit stated is")
            if another and not part.zero:
                self.ask(part, wanted, another)
            return part.node

        split(tree)
        closed = [part for part in parts.values() if not (part.bare or part.open)]
        another = next((part for part in closed if part.unit.over(wanted) not in {1, None}), None)
        whole = held(tree)
        self.offers[:] = [replace(each, second=each.second or otherwise) for each in self.offers]
        return whole

    def power(self, node: ast.BinOp, base: _Part, exponent: _Part) -> _Part:
        """A power: its exponent is a mere number, and where the base has a unit, one that keeps its powers whole."""
        held = self.held(exponent, RATIO, "an exponent is in")
        if not base.unit.dimension:
            self.ask_counts(base)
            whole = joined(node, self.held(base, RATIO, "the base of a power is in"), held)
            return _Part(whole, open=base.open and exponent.bare, bare=base.bare and exponent.bare)
        whole = joined(node, base.node, held)
        constant = Fraction(exponent.value or 0).limit_denominator(LARGEST_ROOT)
        if exponent.value is None or float(constant) != exponent.value:
            self.refuse_unit(base, "this power of it")
        return self.raised(replace(base, node=whole), base, constant)

    def raised(self, whole: _Part, base: _Part, exponent: Fraction) -> _Part:
        """The power of a base of which `whole` has the node."""
        unit = base.unit**exponent
        if not unit.whole:
            self.refuse_unit(base, "this power of it" if exponent != Fraction(1, 2) else "its square root")
        factors = tuple((each, power * exponent) for each, power in base.factors)
        return replace(whole, unit=unit, factors=factors, value=None)

    def call(self, node: ast.Call, name: str) -> _Part:
        if name in {"where", "min", "max", "clip"}:
            tested = [self.part(each).node for each in node.args[:1] if name == "where"]
            parts = self.alike(node.args[len(tested) :])
            with_unit = [part for part in parts if not part.bare] or parts
            unit, bare = with_unit[0].unit, with_unit[0].bare
            chosen = called(node, *tested, *(part.node for part in parts))
            return _Part(chosen, unit, any(part.open for part in with_unit), bare)
        inner = self.part(node.args[0])
        whole = replace(inner, node=called(node, inner.node), value=None)
        if name in OF_RATIOS:
            self.ask_counts(inner)
            return _Part(called(node, self.held(inner, RATIO, f"{name} takes what is in")), bare=inner.bare)
        if name == "sign":
            return _Part(whole.node, bare=inner.bare)
        if name == "sqrt":
            half = Fraction(1, 2)
            if (inner.unit**half).whole or not (inner.unit.base**half).whole:
                return self.raised(whole, inner, half)
            based = replace(inner, unit=inner.unit.base)  # kW*kWh is no square, but W^2*s is
            in_base = scaled(inner.node, inner.unit.over(based.unit))
            return self.raised(replace(whole, node=called(node, in_base)), based, half)
        return self.rounded(whole) if name in ROUNDING else whole

    def rounded(self, part: _Part) -> _Part:
        """What is rounded in its own unit: another scale would round elsewhere."""
        self.ask_counts(part)
        return replace(part, open=part.open or part.unit != RATIO, factors=(), value=None, counts=())

    def alike(self, nodes: Sequence[ast.expr]) -> list[_Part]:
        """Parts in one unit, the first that is not open; a bare number is read in it, and zero in any."""
        parts = [self.part(node) for node in nodes]
        with_unit = [part for part in parts if not part.bare]
        if not with_unit:
            return parts
        first = min(with_unit, key=lambda part: part.open)
        what = f"{self.text.of(first.node)} is in"
        another = next((part for part in with_unit if part.unit.over(first.unit) != 1), None)
        for place, part in enumerate(parts):
            if part.bare and part.open and another:
                self.ask(part, first.unit, another)
            elif not part.bare and part is not first:
                parts[place] = replace(part, node=self.held(part, first.unit, what, first), unit=first.unit)
        return parts

    def held(
        self, part: _Part, wanted: Measure, what: str, other: _Part | None = None, *, whole: bool = False
    ) -> ast.expr:
        """A part in the unit that it must have, in which `other` is; what is open is asked for.

        Raises FormulaUnitError where it measures something else, saying why it must: `what`, before the unit.
        """
        ratio = part.unit.over(wanted)
        if ratio == 1 or part.zero:
            return part.node
        no_reading = wanted == RATIO and part.unit.dimension and not part.factors  # as of 3 [USD] + cost in a logarithm
        if (part.open and not no_reading) or (part.bare and wanted != RATIO):
            self.ask(part, wanted, other, whole=whole)
        elif ratio is None:
            self.refuse(part, wanted, what, whole=whole)
        else:
            return scaled(part.node, ratio)
        return part.node

    def refuse(self, part: _Part, wanted: Measure, what: str, *, whole: bool) -> NoReturn:
        """Raise FormulaUnitError for a part that measures something else than it must."""
        shown, unit = self.text.of(part.node), simplified(part.unit).text
        fault = f"{shown} is {f'in {unit}' if part.unit.powers else 'a mere number'}, but {what} {wanted.text}"
        advice = "mend one of the two"
        if wanted == RATIO:
            advice = f"its bare number is {self.text.mended(((part.node, '(', f' in {unit})'),))}"
        elif not part.unit.powers:
            times = self.text.mended(self.times(part.node, wanted, whole=whole))
            advice = f"give what is in it its unit, or write {times}"
        raise FormulaUnitError(part.node, f"{fault}; {advice}")

    def times(self, node: ast.expr, unit: Measure, *, whole: bool) -> Insertions:
        """What to insert so that a part is multiplied by one of a unit."""
        left, right = "()" if is_sum(node) else ("", "")
        after = f"{right} * 1 [{unit.text}]"
        return ((node, left, after) if whole else (node, f"({left}", f"{after})"),)

    def ask_counts(self, *parts: _Part) -> None:
        """Offer the readings of a count written in millions times a bare number, which may be fitted to either."""
        for part in parts:
            for name in part.counts if part.open else ():
                unit = self.units.counts[name.id]
                message = f"{name.id} is written in {unit}, and {self.text.of(part.node)} may take it so or as it is"
                first, second = (((name, "(", f" in {each})"),) for each in (unit, "1"))
                self.offers.append(_Offer(name, message, first, second))

    def ask(self, part: _Part, wanted: Measure, other: _Part | None = None, *, whole: bool = False) -> Measure:
        """Offer the readings of an open part: in the unit that it must have, and with mere numbers in it.

        Returns the unit of the sum of it and `other` by the first reading.
        """
        missing, shown, unit = simplified(wanted / part.unit), self.text.of(part.node), simplified(part.unit).text
        found = self.converting(part, missing)
        if not found:
            found = [(number, simplified(missing ** (1 / power))) for number, power in part.factors if power][:1]
        node: ast.expr = part.node
        otherwise = f"in {unit}" if part.unit.powers else "a mere number"
        second = self.second(part, wanted, other)
        if part.bare and other is not None and other.unit.over(wanted) not in {1, None}:
            otherwise = f"in {simplified(other.unit).text}"
        if found and all(its.whole for _, its in found):
            node = found[0][0]
            first: Insertions = tuple((number, "", f" [{its.text}]") for number, its in found)
            meant = " and ".join(f"{self.text.of(number)} is in {its.text}" for number, its in found)
            message = f"{shown} is in {wanted.text} if {meant}, and {otherwise} if not"
        else:
            first = self.times(node, missing, whole=whole)
        if node is part.node:
            message = f"{shown} may be in {wanted.text} or {otherwise}"
        rate = bool(second) and wanted.is_rate
        if rate:  # 1 + a rate is mostly of mere numbers
            first, second = second, first
        self.offers.append(_Offer(node, message, first, second or (f'unit = "{unit}"' if whole else "")))
        return RATIO if rate else wanted

    def converting(self, part: _Part, missing: Measure) -> list[tuple[ast.Constant, Measure]]:
        """The numbers that make up what is missing if each is 1 with its unit, as 365 [day/year] is."""
        found: list[tuple[ast.Constant, Measure]] = []
        for its in apart(missing):
            for number, power in part.factors:
                unit = its ** (1 / power) if power else RATIO
                free = number not in [each for each, _ in found]
                if free and unit.whole and not unit.dimension and Fraction(str(number.value)) * unit.factor == 1:
                    found.append((number, unit))
                    break
            else:
                return []
        return found

    def second(self, part: _Part, wanted: Measure, other: _Part | None) -> Insertions:
        """What to insert for the reading in which the numbers of an open part are mere numbers."""
        if part.unit.over(wanted) is not None:
            return tuple((number, "", " [1]") for number, _ in part.factors)
        if part.unit.dimension:  # as of what an exponential takes
            return () if wanted != RATIO else ((part.node, "(", f" in {simplified(part.unit).text})"),)
        if other is None:
            return ()
        unit = simplified(other.unit).text
        if other.unit.over(wanted) != 1:
            return ((part.node, "", f" [{unit}]"),) if isinstance(part.node, ast.Constant) else ()
        return ((other.node, "(", f" in {unit})"),)

    def refuse_unit(self, part: _Part, what: str) -> NoReturn:
        unit = simplified(part.unit).text
        message = f"{self.text.of(part.node)} is in {unit}, and {what} has no unit; its bare number is "
        raise FormulaUnitError(part.node, message + self.text.mended(((part.node, "(", f" in {unit})"),)))
