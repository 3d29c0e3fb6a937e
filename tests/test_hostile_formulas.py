"""Texts that are no formulas, or formulas that no one means: a number, or one line, and at once; at every door."""
# ruff: noqa: E501, SIM905 - one kind is one list of texts

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from simulate.errors import SimulateError
from simulate.formulas import FormulaError, formula
from simulate.grammar import FORMS
from simulate.priors import load_priors

DEEP = (100, 101, 150, 199, 201, 600, 1300)  # Python's own parser gives up at 200 brackets
LONG = (310, 1000, 3990, 4001, 100_000)
REFUSED = {
    "deep": [
        shape.format(opened * count, closed * count)
        for count in DEEP
        for shape, opened, closed in (
            ("{}", "(", ""),
            ("{}a{}", "[", "]"),
            ("{}a{}", "{{", "}}"),
            ("{1}", "", ")"),
            ("a{}0{}", "[a", "]"),
            ("a{}{}", "(a", ")"),
            ("a{}", ".a", ""),
            ("a{}", "<a", ""),
            ("{}a", "not ", ""),
            ("{}a", "lambda:", ""),
            ("{}a", "a if a else ", ""),
            ("2{}", "**2", ""),
            ("a**{}", "9**", "9"),
            ("f'{}a{}'", "{{", "}}"),
        )
    ],
    "deeper than is allowed": [
        shape.format(opened * count, closed * count)
        for count in (101, 199, 300, 900)
        for shape, opened, closed in (
            ("{}a", "-", ""),
            ("{}a", "+a+", ""),
            ("{}(a > 1)", "~", ""),
            ("{}a{}", "exp(", ")"),
            ("{}a{}", "where(a>1,", ",a)"),
            ("a{}", "+a", ""),
            ("a{}", "*a", ""),
            ("a{}", "**a", ""),
            ("(a>1){}", "&(a>1)", ""),
        )
    ],
    "long": [
        shape.format(*["9" * count] * 2)
        for count in LONG
        for shape in ("{}", "a + {}", "{}.{}", "1e{}", "{}x", "{}%", "{} %", "({}", "{} {}")
    ]
    + ["1_" * 1990 + "1", "0" * 3990 + "1", "0x" + "f" * 3990, "0b" + "1" * 3990, "1e5" * 1000, "9" * 4300]
    + [
        "(" * 10**5,
        "(" * 10**5 + "a" + ")" * 10**5,
        "+".join(["a"] * 10**5),
        "a" * 10**6,
        " " * 10**6,
        "a" * 3999 + "(1)",
    ],
    "numbers": "1__1 1_e5 1e+ 1e . .. 1..2 1.2.3 1e5e5 1j 0xj 1L 1f 1.5F 0777 5% a% %a a%%b 5%% (5%) 5%+1 1/0% $5 5$ 1e999 1e-999 0.1e-400 1' 2a".split(),
    "blanks and what cannot be seen": [
        "",
        " ",
        "\n",
        "\t",
        "\u3000",
        "a\x00",
        "\x00",
        "a\x7fb",
        "a\u200bb",
        "\ufeffa",
        "a\u202eb",
        "\ud800",
        "a\udfff",
        "a\u2062b",
        "a\u00adb",
        "a\x1bb",
    ],
    "letters of other scripts and forms": "ａ ｐｉ ｅｘｐ(a) exp（a） １ a＋b a＊b ℯ 𝑎 𝐚 ⅇ ª ſin(a) ﬂoor(a) ℂ Ⅻ ① ㊀ ٣ ۴ ५ 2² a² a₂ ½ ⅓a π*a ∞ √a ∑a ӓbs(a) ехр(a) µ(a)".split(),
    "signs": [
        *"a×b a÷b a·b a−b a–b a≤b a≠b a∧b ¬a ‘a’ “a” «a» … a‰ a° €5 $a £ a€ #a a#b a\\ \\ `a` a?b a?b:1 a! !a a!b a@b @a a$b a;b ; a:b a::b a:=1 a,b , a, a++ a-- a***b a///b //a /a a/ a/*b /*a*/ <a a< a<b<c 1<2<3 a==b==c a&&b a||b a^b a=>b a=<b a<>b a=b =a a===b a+=1 a->b a>>1 1<<100 ~1 ~(a+1) 1&1 (a>1)&1 a<b&b<a".split(),
        "a b",
        "2 a",
        "(a) b",
        "a xor b",
        "a mod b",
        "a // comment #",
    ],
    "Python": [
        *"a.b a.__class__ ().__class__.__bases__ (1).real 1.real a[0] a[:] a[b] a() a(b) a(1)(2) 2(a) pi(2) [a] [a,b] {a} {a:1} {} [] () (a,) [*a] *a **a max(*a) max(**a) max(a,*b) exp(x=a) exp(,) exp() exp(a,b) min(a) max() clip(a) where(a) round(a,2)".split(),
        *"lambda yield async import def class pass if else for with try and or not in is None True False ... f'{a}' 'a' b'a' r'a' '''a''' 'a \" eval('1') exec('1') open('x') globals() print(a) input() type(a) vars() getattr(a,'b') __import__('os')".split(),
        *(
            "lambda: a",
            "lambda a: a",
            "(lambda: 1)()",
            "(yield a)",
            "await a",
            "import os",
            "from a import b",
            "del a",
            "return a",
            "assert a",
            "if a: b",
            "while 1: a",
            "match a: b",
            "type X = int",
        ),
        *(
            "a if b else c",
            "a if b",
            "a and b",
            "a or b",
            "not a",
            "a in b",
            "a not in b",
            "a is b",
            "a is not b",
            "a == None",
            "(a := 1)",
            "[a for a in b]",
            "{a for a in b}",
            "{a:1 for a in b}",
            "sum(a for a in b)",
        ),
        *("__import__('os').system('x')", "'%s' % a", "'a' * 10**9", "f\"{a:{'x'*100}}\"", "a\\\nb", "a;\nb", "a\nb"),
    ],
    "no number comes out": "1/0 0/0 1//0 1%0 a/0 a//0 a%0 a/(1-1) 0**-1 0.0**-0.5 (-1)**0.5 (-8)**(1/3) log(-1) log(0) sqrt(-1) log10(0) log1p(-1) exp(710) exp(1e308) expm1(1000) arcsin(2) arccos(-2) 10**309 10**400 1e308*10 1e308+1e308 -1e308-1e308 1e308/1e-308 where(a>1,1/0,2) 9**9**9 9**9**9**9 2**1001 a**1e6 a**-1001 a**(10**4)".split(),
    "units": [
        "5 [",
        "5 ]",
        "5 []",
        "5 [[USD]]",
        "5 [USD",
        "5 USD",
        "[USD] 5",
        "a [USD]",
        "5 [USD] [USD]",
        "5 [usd]",
        "5 [ＵＳＤ]",
        "5 [" + "x" * 3000 + "]",
        "5 [" + "(" * 1000 + "]",
        "5 [" + "USD*" * 900 + "USD]",
        "5 [USD^999999999]",
        "5 [USD**9**9]",
        "5 [1/0]",
        "5 [% %]",
        "5 [\x00]",
        "5 [-USD]",
        "(a in usd)",
        "(a in )",
        "(a in",
        "(5 in 5)",
        "(a in " + "(" * 1000,
        "in in in",
        "(a in USD in USD)",
    ],
}
A, B = np.array([-1e308, -2.0, 0.0, 5e-324, 0.5, 1e308]), np.array([2.0, -0.0, 1e-308, 3.0, -1e300, 1e308])
READ = {  # what is odd, and how numpy computes it
    "9" * 308: "1e308",
    "a*0." + "9" * 3900: "a",
    "1e-320": "1e-320",
    "(" * 190 + "a" + ")" * 190: "a",
    "-" * 100 + "a": "a",
    "max(a," + "b," * 1900 + "a)": "np.maximum(a, b)",
    "a\u00a0+\u3000b": "a + b",
    "a\r\n\t+\x0bb": "a + b",
    " " * 3999 + "a": "a",
    "--a": "a",
    "a -- b": "a + b",
    "a ** -b": "a**-b",
    "(a<b)+(b<a)": "(a != b) * 1.0",
    "0*(1/a)": "0 * (1 / a)",
    "a/b": "a / b",
    "a%b": "a % b",
    "a//b": "a // b",
    "1e308*a*1e308": "1e308 * a * 1e308",
    "(a**1000)**1000": "(a**1000) ** 1000",
    "exp(a*1000)": "np.exp(a * 1000)",
    "log(a-a)": "np.log(a - a)",
    "exp(a,)": "np.exp(a)",
    "5 [%] * a": "0.05 * a",
    "clip(a, b, 1)": "np.clip(a, b, 1)",
}


def texts():
    """All that are refused, each once."""
    return list(dict.fromkeys(text for kind in REFUSED.values() for text in kind))


def one_line(error):
    """The one fault of an error, which a terminal can show."""
    (fault,) = error.faults
    assert "\n" not in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 1500
    return fault


def test_what_no_formula_holds_is_refused_in_one_line():
    assert len(texts()) >= 300
    for text in texts():
        with pytest.raises(FormulaError) as refused:
            formula(text, ["a", "b"])
        assert one_line(refused.value).message.startswith(("column ", "the formula ", "this is no formula")), text


def test_it_is_refused_at_its_line_in_a_file_too():
    refused = 0
    for text in texts():
        if "\ud800" <= max(text, default="") <= "\udfff" or len(text) > 10_000:
            continue  # no file holds it
        written = json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")
        file = f'model = "none"\n[priors]\na.value = 1\nb.value = 2\n[quantities.y]\nformula = {written}\n'
        file += '[quantities.z]\nformula = "a + b"\n'
        with pytest.raises(SimulateError) as error:
            load_priors(file)
        fault = one_line(error.value)
        assert (fault.file, fault.line, fault.key) == ("<text>", 6, "quantities.y.formula"), text
        refused += 1
    assert refused >= 300


@pytest.mark.parametrize("form", ["condition", "gate"])
def test_questions_hold_no_more_than_formulas(form):
    (reader,) = [each for each in FORMS if each.name == form]
    for text in texts()[:: 2 if form == "condition" else 5]:
        try:
            reader.read(f"P({text} > 1) > 5%" if form == "gate" else f"{text} > 1", "--given", ["a", "b"])
        except SimulateError as error:
            one_line(error)
        else:
            assert "%" in text, text  # which is a number there


@pytest.mark.parametrize("text", READ, ids=lambda text: text[:20])
def test_what_is_odd_is_computed_as_numpy_does(text):
    compiled = formula(text, ["a", "b"])
    found = compiled(*[{"a": A, "b": B}[name] for name in compiled.names])
    with np.errstate(all="ignore"):
        expected = eval(READ[text], {"np": np, "a": A, "b": B})
        np.testing.assert_allclose(np.broadcast_to(found, 6), np.broadcast_to(expected, 6), rtol=1e-14)


def test_thousands_of_digits_take_no_time():
    """Each digit is looked at once, not once for each before it."""
    start = time.process_time()
    for text in (
        "9" * 3999 + "x",
        "a + " + "9" * 3990,
        "1_" * 1999,
        "9" * 1990 + "." + "9" * 1990 + "x",
        "1e" + "9" * 3990 + "x",
    ):
        with pytest.raises(FormulaError):
            formula(text)
    assert time.process_time() - start < 1.0
