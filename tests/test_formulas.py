import math
import pickle
import time

import numpy as np
import pytest
from generated import COLUMNS, FORMULAS, value_of
from generated import CONSTANTS as GENERATED_CONSTANTS
from hypothesis import given, settings

from simulate.formulas import FormulaError, formula
from simulate.formulas.formula import CONSTANTS, DEEPEST, FUNCTIONS, LONGEST
from simulate.formulas.spelling import FUNCTIONS as FUNCTIONS_MEANT

RANDOM = np.random.default_rng(1)
A, B = RANDOM.uniform(0.1, 0.9, 1000), RANDOM.uniform(0.1, 0.9, 1000)

SAME_AS_NUMPY = {
    "a + b": A + B,
    "a - b - 1": A - B - 1,
    "a * b / 2": A * B / 2,
    "-a // 0.25": -A // 0.25,
    "-a % 0.25": -A % 0.25,
    "a ** 2 + 2 ** b": A**2 + 2**B,
    "-a ** 2": -(A**2),
    "+a": A,
    "a < b": (A < B) * 1.0,
    "a >= b": (A >= B) * 1.0,
    "(a <= b) + (a > 0.5)": (A <= B) * 1.0 + (A > 0.5),
    "-(a > 0.5)": -((A > 0.5) * 1.0),
    "(a > 0.5) & (b < 0.5) | ~(a != b)": ((A > 0.5) & (B < 0.5)) * 1.0,
    "(a == a) * b": B,
    "(a > 0.5) == (b > 0.5)": ((A > 0.5) == (B > 0.5)) * 1.0,
    "where(a > b, a, b)": np.maximum(A, B),
    "where(a, 1, 2)": np.ones(1000),
    "where(a > b, a > 2, b)": np.where(A > B, 0.0, B),
    "min(a, b, 0.5)": np.minimum(np.minimum(A, B), 0.5),
    "max(a, b)": np.maximum(A, B),
    "clip(a, 0.3, b)": np.clip(A, 0.3, B),
    "round(10 * a)": np.rint(10 * A),
    "sign(a - b)": np.sign(A - B),
    "pi * a + e": math.pi * A + math.e,
    "1_000 * a * 1e-3": 1000 * A * 1e-3,
    "a\n  + \tb": A + B,
}


def value(text, **names):
    compiled = formula(text)
    return compiled(*[names[name] for name in compiled.names])


@pytest.mark.parametrize("text", SAME_AS_NUMPY)
def test_arithmetic_is_numpys(text):
    result = value(text, a=A, b=B)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, SAME_AS_NUMPY[text], rtol=1e-15)


@pytest.mark.parametrize("name", [name for name, (least, most, _) in FUNCTIONS.items() if least == most == 1])
def test_functions_of_one_argument_are_numpys(name):
    expected = getattr(np, {"round": "rint"}.get(name, name))(A)
    np.testing.assert_array_equal(value(f"{name}(a)", a=A), expected)


def test_names_come_in_order_of_appearance_and_once():
    compiled = formula("b * a + b + min(c, a)")
    assert compiled.names == ("b", "a", "c")
    assert compiled(2.0, 3.0, 1.0) == 9.0


def test_numbers_give_a_number():
    result = value("a > 1", a=2.0)
    assert type(result) is float
    assert result == 1.0


def test_integers_are_floats():
    assert formula("7 / 2")() == 3.5
    assert formula("2 ** 0.5 * 10 ** 30")() == pytest.approx(2**0.5 * 1e30, rel=1e-15)


def test_a_known_name_hides_a_constant():
    assert formula("e * pi").names == ()
    assert formula("e * pi")() == math.e * math.pi
    assert formula("e * pi", known=CONSTANTS).names == ("e", "pi")


def test_numbers_outside_the_domain_come_out_as_nan_and_inf():
    assert math.isnan(value("a ** 0.5", a=-8.0))
    assert value("1 / a", a=0.0) == math.inf
    assert math.isnan(value("a % b", a=1.0, b=0.0))
    assert value("exp(a)", a=1e4) == math.inf
    np.testing.assert_array_equal(value("log(a)", a=np.array([0.0, 1.0])), [-np.inf, 0.0])


def test_inputs_are_left_as_they_were():
    before = A.copy()
    value("a + (a > 0.5) - max(a, 0.2)", a=A)
    np.testing.assert_array_equal(A, before)


def test_formulas_survive_pickling():
    compiled = pickle.loads(pickle.dumps(formula("e * a", known=["e"])))
    assert compiled.names == ("e", "a")
    assert compiled(2.0, 3.0) == 6.0


def test_letters_that_python_takes_for_others_are_refused():
    """What looks another way is not read as the name that it is not written as."""
    for text, meant in {"ｐｕｅ": "p", "𝑎": "a", "ª": "a", "ﬂoor(a)": "fl", "１": "1", "a＋b": "+"}.items():
        with pytest.raises(FormulaError) as caught:
            formula(text)
        assert str(caught.value).endswith(f" is another form of {meant}; write {meant}")
    assert formula("µ").names == ("μ",)  # a name of no file, which says so


SPELT = {
    "a × b": "column 3: × is a multiplication sign; write *",
    "a · b": "column 3: · is a multiplication sign; write *",
    "a·b": "column 2: · is a multiplication sign; write *",
    "a ÷ b": "column 3: ÷ is a division sign; write /",
    "a − b": "column 3: − is a minus sign or dash of typesetting; write -",
    "a – b": "column 3: – is a minus sign or dash of typesetting; write -",
    "a²": "column 2: ² is a superscript 2; write ** 2",
    "a⁴": "column 2: ⁴ is a superscript 4; write ** 4",
    "10⁻³ * a": "column 3: ⁻³ is a superscript -3; write ** -3",
    "a²³": "column 2: ²³ is a superscript 23; write ** 23",
    "a ≤ b": "column 3: ≤ is a comparison sign; write <=",
    "a ≥ b": "column 3: ≥ is a comparison sign; write >=",
    "a ≠ b": "column 3: ≠ is a comparison sign; write !=",
    "2 * π": "column 5: π is the Greek letter; write pi",
    "√a": "column 1: √ is a square root; write sqrt(x)",
    "2½ * a": "column 2: ½ is a fraction; write (1 / 2)",
    "a / 5‰": "column 6: ‰ is a sign for thousandths; write e-3 at the end of the number, as in 5e-3",
    "a <> b": "column 3: <> is a sign of spreadsheets; write !=",
    "a => b": "column 3: => is no comparison; write >=",
    "(a > 1) && (b > 1)": "column 9: && is two signs; write &",
    "(a > 1) || (b > 1)": "column 9: || is two signs; write |",
    "10%": "column 1: % is what a division leaves; write 10 [%]",
    "a * 2.5 %": "column 5: % is what a division leaves; write 2.5 [%]",
    "(1e1%) * a": "column 2: % is what a division leaves; write 1e1 [%]",
    "10% + a": "column 1: 10% may be a number or not; write 10 [%], or 10 % (...) for what a division leaves",
    "10% -a": "column 1: 10% may be a number or not; write 10 [%], or 10 % (...) for what a division leaves",
    "ln(a)": "column 1: there is no function ln; write log(x), the natural logarithm",
    "log2(a)": "column 1: there is no function log2; write log(x) / log(2)",
    "LOG(a)": (
        "column 1: there is no function LOG; log is the natural logarithm, log10 that to base 10; write one of them"
    ),
    "IF(a > 1, 2, 3)": "column 1: there is no function IF; write where(condition, value, otherwise)",
    "sqr(a)": "column 1: there is no function sqr; write x ** 2 for the square, sqrt(x) for the root",
    "sinh(a)": "column 1: there is no function sinh; write (exp(x) - exp(-x)) / 2",
    "sind(a)": "column 1: there is no function sind; write sin(x * pi / 180)",
    "sinc(a)": "column 1: there is no function sinc; write sin(pi * x) / (pi * x)",
    "asin(a)": "column 1: there is no function asin; write arcsin(x)",
    "cbrt(a)": "column 1: there is no function cbrt; write x ** (1 / 3)",
    "mean(a, b)": "column 1: there is no function mean; write (x + y) / 2",
    "MAX(a, b)": "column 1: there is no function MAX; did you mean max?",
    "sqrtt(a)": "column 1: there is no function sqrtt; did you mean sqrt?",
    "normal(0, 1)": ("column 1: there is no function normal; a distribution is a prior of its own, [priors.NAME]"),
}


@pytest.mark.parametrize(("text", "message"), SPELT.items(), ids=list(SPELT))
def test_how_others_write_it_is_named_with_the_mend(text, message):
    with pytest.raises(FormulaError) as caught:
        formula(text, ["a", "b"])
    assert str(caught.value) == message


def test_what_stands_for_a_function_is_a_formula():
    """And has the value that the other function has, where numpy has it."""
    a, b = np.array([0.3, 0.9, 2.5]), np.array([2.0, 3.0, 0.7])
    same = {"log2": "log2", "exp2": "exp2", "sinh": "sinh", "cosh": "cosh", "cbrt": "cbrt", "square": "square"}
    same |= {"sinc": "sinc", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "trunc": "trunc", "rint": "rint"}
    for name, of_numpy in same.items():
        written = formula(FUNCTIONS_MEANT[name].split(",")[0], ["x"])
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(written(a), getattr(np, of_numpy)(a), rtol=1e-14)
    for name, of_numpy in {"pow": "power", "fmin": "fmin", "fmax": "fmax", "mod": "mod", "atan2": "arctan2"}.items():
        order = ["y", "x"] if name == "atan2" else ["x", "y"]
        written = formula(FUNCTIONS_MEANT[name].split(", which")[0], ["x", "y"])
        values = dict(zip(order, (a, b), strict=True))
        ours = written(*[values[each] for each in written.names])
        np.testing.assert_allclose(ours, getattr(np, of_numpy)(a, b), rtol=1e-14)


def test_a_remainder_is_still_a_remainder():
    assert formula("10 % 3")() == 1
    assert formula("a % 3", ["a"])(10.0) == 1
    assert formula("10 %(a)", ["a"])(3.0) == 1
    assert formula("10%a", ["a"])(3.0) == 1


REFUSED = {
    "": "empty",
    " \n ": "empty",
    "a +": "column 4: this is no formula",
    " (a": "column 2: this is no formula",
    "a b": "column 3: there is no sign between two parts; write \\* to multiply",
    "2 (a) pi": "column 7: there is no sign between",
    "2a": "column 1: a letter follows the number; write \\* to multiply",
    "1 + 2.5x": "column 7: a letter follows",
    "1__2": "column 2: this is no formula",
    "(" * 250 + "a": "this is no formula",
    "a / 0": "column 5: this divides by 0 whatever the draws",
    "a // (1 - 1)": "column 7: this divides by 0",
    "a % 0.0": "column 5: this divides by 0",
    "1e-400": "column 1: the number is too small; write 0, or one above 1e-308",
    "a * 0.0_1e-999": "column 5: the number is too small",
    "a = 3": "column 3: = is no comparison; write ==",
    " = a * 3": "column 2: spreadsheets begin a formula so; take the = out",
    "import os": "this is no formula",
    "a.b": "column 1: attributes",
    "a + b.real": "column 5: attributes",
    "().__class__.__bases__": "column 1: attributes",
    "a.__class__": "attributes",
    "__import__('os').system('true')": "attributes",
    "__import__('os')": "column 1: there is no function __import__",
    "eval('1')": "there is no function eval",
    "open(a)": "there is no function open",
    "print(a)": "there is no function print",
    "(lambda: 1)()": "lambda",
    "lambda a: a": "lambda",
    "a(2)": "there is no function a",
    "2(a)": "only functions may be called",
    "exp(a)(b)": "only functions may be called",
    "a[0]": "indexing",
    "[a, b]": "lists",
    "{a: b}": "lists",
    "{a}": "lists",
    "(a, b)": "comma",
    "1,5 * a": "comma",
    "[x for x in a]": "comprehensions",
    "sum(x for x in a)": "there is no function sum",
    "min(x for x in a)": "min takes 2 arguments or more, not 1",
    "max(*a)": "max takes 2 arguments or more, not 1",
    "max(1, *a)": "column 8: \\* before",
    "exp(x=a)": "exp takes no named arguments",
    "exp(a, b)": "exp takes 1 argument, not 2",
    "exp()": "exp takes 1 argument, not 0",
    "where(a > 1, a)": "where takes 3 arguments, not 2",
    "round(a, 2)": "round takes 1 argument, not 2",
    "(x := 3)": ":= is not allowed",
    "f'{a}'": "text is not allowed",
    "'a'": "text is not allowed",
    "b'a'": "text is not allowed",
    "a + 'b'": "column 5: text",
    "True": "write 1 and 0",
    "None": "only real numbers",
    "...": "only real numbers",
    "3j": "only real numbers",
    "a and b": "write \\(a > 1\\) & \\(b < 2\\)",
    "not a": "write ~",
    "a if b else c": "where",
    "a ^ 2": "written \\*\\*",
    "a @ b": "operator",
    "a << 2": "operator",
    "a is b": "write ==",
    "a in b": "write ==",
    "1 < a < 2": "chained comparisons .* \\(a < b\\) & \\(b < c\\)",
    "a > 1 & b": "brackets",
    "a > 1 & b < 2": "chained",
    "a > b & c": "brackets",
    "~(a + 1)": "brackets",
    "a & 1": "brackets",
    "nope(a) + (b ^ 2)": "column 12: \\^ is not allowed",
    "nope(a) + (b and c)": "column 12: 'and'",
    "nope(a) + b.c": "column 11: attributes",
    "a < (3) [USD]": "column 5: indexing .*right before it",
    "a < 5 [%": "column 7: indexing",
    "a < 5 [USD] [USD]": "column 5: indexing",
    "a < 5 []": "column 8: '' is no unit",
    "a < 5 [usd/kWh]": "column 8: there is no unit 'usd'; did you mean 'USD'",
    "a < x5 [USD]": "column 5: .*a year after a name",
    "a[2030] > 1": "column 1: .*a year after a name",
    "a in billion": "column 1: 'in' stands in round brackets with a unit after it",
    "2 * (a in)": "this is no formula",
    "2 * (a in USD in USD)": "column 15: there is no unit|no unit",
    "await a": "not allowed",
    "(yield)": "not allowed",
    "a # b": "column 3: comments",
    "1) + (2": "this is no formula",
    "a; b": "this is no formula",
    "a\\": "this is no formula",
    "\0": "column 1: the character U\\+0000 cannot be seen; take it out",
    "a\u202eb": "column 2: the character U\\+202E cannot be seen",
    "9**9**9": "column 4: an exponent beyond 1000",
    "a ** 1e6": "column 6: an exponent beyond 1000",
    "9.0 ** 999 ** 2": "exponent",
    "10 ** 400": "column 1: this part is inf whatever",
    "1 / 0": "this part is inf whatever",
    "0 / 0 + a": "this part is nan whatever",
    "log(-1)": "this part is nan whatever",
    "1e999": "inf",
    "9" * 400: "too large",
    "exp(710) * a": "column 1: this part is inf",
    "µ(a)": "there is no function \\\\u03bc",
    "-" * 3990 + "a": "this is no formula|nests more",
    "~" * 1990 + "a": "nests more",
    "(" * 500 + "a" + ")" * 500: "this is no formula",
    "a**" * 1300 + "a": "nests more",
    "exp(" * 150 + "a" + ")" * 150: "nests more",
    "a+" * (DEEPEST + 1) + "a": "nests more",
    "a+" * LONGEST + "a": "characters, more than",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(FormulaError, match=REFUSED[text]) as refusal:
        formula(text)
    assert "\n" not in str(refusal.value)


def test_columns_count_characters():
    with pytest.raises(FormulaError, match="column 7: attributes"):
        formula("\n ä + b.c")


def test_refusing_takes_no_time():
    start = time.perf_counter()
    for text in REFUSED:
        with pytest.raises(FormulaError):
            formula(text)
    assert time.perf_counter() - start < 5.0


def test_long_sums_are_allowed():
    assert formula("+".join(["a"] * DEEPEST))(1.0) == DEEPEST


@settings(max_examples=300, deadline=None, derandomize=True)
@given(FORMULAS)
def test_constants_are_as_columns_of_them(text):
    """Whatever is a number, a constant for all scenarios or a column: the same value, to the rounding of functions."""
    columns = {"a": A[:20], "b": B[:20] - 0.5}
    compiled = formula(text, [*COLUMNS, *GENERATED_CONSTANTS])
    whole = {**columns, **{name: np.full(20, value) for name, value in GENERATED_CONSTANTS.items()}}
    expected = value_of(text, whole)
    for values in (whole, {**columns, **GENERATED_CONSTANTS}):
        found = np.broadcast_to(compiled(*[values[name] for name in compiled.names]), 20)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    for place in (0, 19):
        found = compiled(*[float(whole[name][place]) for name in compiled.names])
        assert isinstance(found, float)
        np.testing.assert_allclose(found, expected[place], rtol=1e-12, atol=1e-12)
