"""Texts that are no TOML, of every kind that its own suite of invalid files has: one line each, at the right place.

They are made here: each kind of fault at each place where it can stand, in a file with right lines around it.
"""
# ruff: noqa: E501, SIM905 - one kind of fault is one list of texts

from __future__ import annotations

import tomllib
from itertools import product

import pytest

from simulate.errors import SimulateError
from simulate.grammar import SETTING
from simulate.priors import load_priors
from simulate.syntax import broken

# Where a value, what is in quotes, a key and anything at all can stand.
VALUES = ("a = {}", "a = [1, {}, 2]", "a = {{ b = {} }}")
QUOTED = ('a = "x{}y"', 'a = "{}"', '"k{}" = 1', 'a = ["x", "{}"]')
WRITTEN = ('a = "x{}"', "a = 'x{}'", 'a = """x{}"""', "a = '''x{}'''", "a = 1 # {}", "a{} = 1", "a = 1{}2")
KEYS = ("{} = 1", "[{}]", "[[{}]]", "a = {{ {} = 1 }}", "b.{} = 1")

CONTROLS = [chr(code) for code in (*range(9), 11, 12, *range(14, 32), 127)]
ESCAPES = [rf"\{letter}" for letter in "acdghijklmopqsvwyzABCDEFGHINOQRSTVWXYZ0159'!-$&"] + [
    *(r"\u", r"\u1", r"\u12", r"\u123", r"\uZZZZ", r"\u 123", r"\u-123", r"\uD800", r"\uDFFF"),
    *(r"\U", r"\U1234567", r"\U00110000", r"\UFFFFFFFF", r"\U0000D800", r"\U0000000G", r"\x1", r"\xZZ", "\\"),
]
NUMBERS = (
    "01 +01 -01 00 1__0 _1 1_ 1. .5 -.5 +.5 1.e5 1e 1e+ 1e- 1_.5 1._5 1_e5 1e_5 1e5_ 1e5.5 1.2.3 1..2 0x 0xG 0X1 0B1 "
    "0O7 0b2 0o8 -0x1 +0b1 0x_1 0x1_ 0x1.5 ++1 +-1 --1 -_1 50% $5 5$ 1/2 1*2 1k 1M 3e6e 1,5,5e 1'000 ~1 ≈1 1× ½ １ "
    "+inf_ Inf INF NaN NAN infinity -Nan nan2 1e٣"
).split()
WORDS = "True TRUE FALSE False yes no on off null None nil x lognormal pue.value 'a'b \"a\"b {a} (1) <1> @x :x 1:2 =1".split()
DATES = (
    "2026-13-01 2026-00-01 2026-02-30 2025-02-29 2026-04-31 2026-01-32 2026-01-00 26-01-01 2026-1-01 2026-01-1 2026/01/01 "
    "2026-01 2026-01-01T 2026-01-01T25:00:00 2026-01-01T24:00:00 2026-01-01T00:60:00 2026-01-01T00:00:61 "
    "2026-01-01T1:00:00 2026-01-01T00:00:00+ 2026-01-01T00:00:00+1 2026-01-01T00:00:00+25:00 2026-01-01T00:00:00+00:60 "
    "2026-01-01T00:00:00ZZ 2026-01-01x 24:00:00 00:60:00 00:00:60 1:00:00 00:0:00 00:00:00. 00:00:00.x 00:00:00Z "
    "12026-01-01 -2026-01-01 +2026-01-01 2026-01-01-01 20260101T00"
).split()
SIGNS = [
    "",
    " ",
    "a b",
    "a..b",
    ".a",
    "a.",
    "a!b",
    "é",
    "а",
    "a\u00a0b",
    "a/b",
    "a'b",
    'a"b',
    "a[b",
    "a]b",
    '"a" b',
] + [f"a{sign}" for sign in "@$%^&*()+;:,?<>|~`\\"]
TWICE = (
    "a = 1\na = 2",
    "a = 1\n'a' = 2",
    'a = 1\n"a" = 2',
    'a = 1\n"\\u0061" = 2',
    "a.b = 1\na.b = 2",
    "a = 1\na.b = 2",
    "a.b = 1\na = 2",
    "a.b.c = 1\na.b = 2",
    "a = []\na.b = 2",
    "a = {}\na.b = 2",
    "a = { b = 1 }\na.b = 2",
    "a = { b = 1 }\na.c = 2",
    "[a]\n[a]",
    "[a]\nb = 1\n[a]",
    "[a]\nb = 1\n[a.b]",
    "[a]\nb.c = 1\n[a.b]",
    "[a]\nb.c = 1\n[a.b.c]",
    "[a.b]\n[a]\nb = 1",
    "[a.b]\n[a]\nb.c = 1",
    "[a.b]\nc = 1\n[a]\nb.d = 1",
    "a = {}\n[a]",
    "a = {}\n[a.b]",
    "a = { b = {} }\n[a.b]",
    "a = { b.c = 1 }\n[a.b.d]",
    "a = []\n[[a]]",
    "a = [{}]\n[[a]]",
    "a = [{ b = 1 }]\n[a.c]",
    "[a]\n[[a]]",
    "[[a]]\n[a]",
    "[[a]]\nb = 1\n[[a.b]]",
    "[[a]]\n[a.b]\n[a.b]",
    "[[a.b]]\n[a]\nb = 1",
    "a = 1\n[a]",
    "a = 1\n[a.b]",
    "a = 1\n[[a]]",
    "[a.b]\nc = 1\n[a.b.c]",
    "a.b = 1\n[a]",
    "a.b = 1\n[a.b]",
    "a.b = 1\n[[a]]",
    "[a]\nb = 1\nb.c = 2",
)
IN_LINE = (  # the whole fault in one line
    *(f"a = {{ {inner} }}" for inner in ("b = 1, b = 2", "b.c = 1, b = 2", "b = 1, b.c = 2", "b = {}, b.c = 1", "b")),
    *(f"a = {{ {inner} }}" for inner in ("b = 1 c = 2", "b = 1,, c = 2", ", b = 1", ",", "b 1", "b = 1; c = 2", "1")),
    *(f"a = [ {inner} ]" for inner in ("1 2", "1,, 2", ", 1", ",", "1; 2", "b = 1", "[1 2], 3", "{}{}", '"x" "y"')),
    *("a", "a =", "a = ", "a = # x", "= 1", "a == 1", "a := 1", "a : 1", "a = 1 b = 2", "a = 1, b = 2", "a = 1 2"),
    *(
        "a = 1]",
        "a = 1}",
        "a = ]",
        "a = }",
        "a = [1]]",
        "a = {}}",
        'a = "x"y',
        "a = 'x'y'",
        "a = 'it's'",
        'a = "x" + "y"',
    ),
    *("[a", "[a]]", "[[a]", "[a] b = 1", "[a] x", "[[a]] x", "[a]b", "[]", "[[]]", "[ ]", "[a b]", "[[a] ]", "[ [a]]"),
    *("[a.]", "[.a]", "[a..b]", "[a", "[[a", "[a}", "(a)", "{a}", "[a].b", "[a][b]", "[a=1]", "[#x]", "[a#]", "['a]"),
    *(
        'a = "x',
        "a = 'x",
        'a = "x\\"',
        'a = x"',
        "a = x'",
        '"a = 1',
        "'a = 1",
        "a' = 1",
        'a" = 1',
        "a = \"x'",
        "a = 'x\"",
    ),
    *(
        'a = """x""""""',
        "a = '''x''''''",
        'a = """x"" "',
        '"""a""" = 1',
        "'''a''' = 1",
        "a = $x",
        "a = \ufeff1",
        "\ufeffa = 1",
    ),
    *(
        "a.b",
        "a.b =",
        "a. = 1",
        ".a = 1",
        "a..b = 1",
        "a.'b = 1",
        'a."b = 1',
        "a.{} = 1",
        "// x",
        "/* x */",
        "; x",
        "-- x",
        "---",
    ),
    *(
        "a = 1\rb = 2",
        "a = 'x\ry'",
        'a = "x\ry"',
        "# x\ry",
        "a = [1,\r2]",
        "\ra = 1",
        'a = """x\ry"""',
        "a = '''x\ry'''",
    ),
)
OPEN = (  # until the end, or what stands below
    *("a = [", "a = [1", "a = [1,", "a = [1, [2]", "a = [1, {}", "a = [[[", "a = [ # x", 'a = ["x"', "a = [{ b = 1 }"),
    *(
        "a = {",
        "a = { b",
        "a = { b =",
        "a = { b = 1",
        "a = { b = 1,",
        "a = { b = [1",
        "a = { b = {",
        "a = [{ b = 1",
        "a = [{",
    ),
    *(
        'a = """',
        "a = '''",
        'a = """x',
        "a = '''x",
        'a = """x""',
        "a = '''x''",
        'a = """x\\"""',
        'a = """\\\n',
        "a = '''\n\n",
    ),
    *("a = {\n  b = 1 c = 2\n}", "a = { b = 1,,\n}", "a = [\n  1\n  2\n]", "a = [\n1,\n,\n]", "a = [1, 2\n[b]"),
    *(
        "a\n= 1",
        "a =\n1",
        "[a\n]",
        "[[a]\n]",
        "[\na]",
        '"a\nb" = 1',
        "a = 'x\ny'",
        'a = "x\ny"',
        'a = "x\\\ny"',
        "a.\nb = 1",
    ),
)
BYTES = [
    place.encode() % piece
    for place, piece in product(
        ('a = "%b"', "# %b", '"%b" = 1', "a = '''%b'''", "a%b = 1", "a = %b", "[%b]"),
        (
            b"\xff",
            b"\xfe\xff",
            b"\xc3",
            b"\xe9x",
            b"\xed\xa0\x80",
            b"\xc0\xaf",
            b"\xf8\x88\x80\x80",
            b"\x80",
            b"\xf4\x90\x80\x80",
        ),
    )
]


def faulty_lines():
    """Each faulty text: in bytes, with the lines that it takes."""
    of_one = [place.format(each) for place, each in product(VALUES, [*NUMBERS, *WORDS, *DATES])]
    of_one += [place.format(each) for place, each in product(QUOTED, ESCAPES)]
    of_one += [place.format(each) for place, each in product(WRITTEN, CONTROLS)]
    of_one += [place.format(each) for place, each in product(KEYS, SIGNS)]
    known = [text.encode() for text in dict.fromkeys([*of_one, *IN_LINE])] + BYTES
    for text in known:
        yield text, text.rpartition(b"\n")[2], False
    for text in TWICE:
        yield text.encode(), text.encode(), False
    for text in OPEN:
        yield text.encode(), text.encode(), True


def invalid():
    """The files: bytes, and the first and last line in which the fault may be told."""
    for place, (text, lines, goes_on) in enumerate(faulty_lines()):
        above = b'title = "x"\n' + b"# a line\r\n" * (place % 7)
        file = above + text + b"\n\n[priors.pue]\nvalue = 1.1\n"
        try:
            tomllib.loads(file.decode())
        except ValueError:
            first = above.count(b"\n") + 1
            yield file, first, file.count(b"\n") if goes_on else first + lines.count(b"\n")


def told(path):
    """The one fault of a file that is no TOML."""
    with pytest.raises(SimulateError) as refused:
        load_priors(path)
    (fault,) = refused.value.faults
    assert str(refused.value).isprintable(), "one line without control characters"
    return fault


def test_every_invalid_file_gets_one_line_of_our_own_at_its_place(tmp_path):
    path, files = tmp_path / "faulty.toml", list(invalid())
    assert len({file for file, _, _ in files}) >= 1000
    for file, first, last in files:
        path.write_bytes(file)
        fault = told(path)
        assert (fault.file, fault.code) == (str(path), "syntax"), file
        assert first <= fault.line <= last, file
        assert fault.column <= len(file.split(b"\n")[fault.line - 1]) + 1, file
        wrong, mend = fault.parts
        assert wrong.startswith(("TOML: ", "is not UTF-8")), file
        assert mend not in {"", "mend the syntax"}, file
        assert len(str(fault)) < len(str(path)) + 220, file


def test_a_setting_on_the_command_line_is_told_in_the_same_words():
    for text, fault in {
        "pue=1.1.1": "column 8: the line should have",
        "pue={a=1": "a table in braces is open",
        "pue='x": "quotes are",
    }.items():
        with pytest.raises(SimulateError) as refused:
            SETTING.read(text, "--set")
        assert str(refused.value).startswith(f"--set '{text}': is no TOML: {fault}")


def test_what_a_later_tomllib_says_is_told_as_it_stands():
    assert broken(ValueError("New fault (at line 2, column 5)"), "a\nb") == (
        "column 5: New fault",
        "mend the syntax",
        2,
        5,
    )
    assert broken(ValueError("New fault"), "a\nb\n\n") == ("New fault", "mend the syntax", 2, 0)
