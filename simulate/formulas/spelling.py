"""How others write what a formula may hold: functions of other languages, and characters of typesetting."""

import re
import unicodedata

from simulate.errors import SimulateError
from simulate.spelling import SUPERSCRIPTS, lowered

_LOG = "log is the natural logarithm, log10 that to base 10"
_PRIOR = "a distribution is a prior of its own, [priors.NAME]"

FUNCTIONS = {
    **dict.fromkeys(("if", "iff", "iif", "ifelse", "if_else", "cond", "select"), "where(condition, value, otherwise)"),
    **dict.fromkeys(("ln", "loge"), "log(x), the natural logarithm"),
    **dict.fromkeys(("log2", "lb", "ld"), "log(x) / log(2)"),
    "lg": "log10(x), or log(x) / log(2) where base 2 is meant",
    "exp2": "2 ** x",
    "exp10": "10 ** x",
    **dict.fromkeys(("pow", "power"), "x ** y"),
    **dict.fromkeys(("sq", "square"), "x ** 2"),
    "sqr": "x ** 2 for the square, sqrt(x) for the root",
    "cbrt": "x ** (1 / 3)",
    **{f"a{name}": f"arc{name}(x)" for name in ("sin", "cos", "tan")},
    **dict.fromkeys(("atan2", "arctan2"), "arctan(y / x), which is its value where x is above 0"),
    "sinh": "(exp(x) - exp(-x)) / 2",
    "cosh": "(exp(x) + exp(-x)) / 2",
    **{f"{name}d": f"{name}(x * pi / 180)" for name in ("sin", "cos", "tan")},
    "sinc": "sin(pi * x) / (pi * x)",
    "expit": "1 / (1 + exp(-x))",
    "fabs": "abs(x)",
    **dict.fromkeys(("minimum", "fmin", "least"), "min(x, y)"),
    **dict.fromkeys(("maximum", "fmax", "greatest"), "max(x, y)"),
    **dict.fromkeys(("sum", "add"), "x + y"),
    **dict.fromkeys(("mean", "average", "avg"), "(x + y) / 2"),
    **dict.fromkeys(("prod", "product"), "x * y"),
    **dict.fromkeys(("mod", "fmod"), "x % y"),
    **dict.fromkeys(("int", "trunc", "fix"), "floor(x), or ceil(x) below 0"),
    "ceiling": "ceil(x)",
    "rint": "round(x)",
    **dict.fromkeys(("sgn", "signum"), "sign(x)"),
    "clamp": "clip(x, least, greatest)",
    "and": "(a > 1) & (b < 2)",
    "or": "(a > 1) | (b < 2)",
    "not": "~(a > 1)",
    "pi": "pi, without brackets",
    **dict.fromkeys(("normal", "lognormal", "uniform", "triangular", "beta", "gamma", "random", "rand"), _PRIOR),
}

CHARACTERS = {
    **dict.fromkeys("\u00d7\u00b7\u22c5\u2219\u2715", ("a multiplication sign", "*")),
    **dict.fromkeys("\u00f7\u2215\u2044", ("a division sign", "/")),
    **dict.fromkeys("\u2212\u2012\u2013\u2014\u2010\u2011", ("a minus sign or dash of typesetting", "-")),
    "\u2264": ("a comparison sign", "<="),
    "\u2265": ("a comparison sign", ">="),
    "\u2260": ("a comparison sign", "!="),
    "\u2261": ("a comparison sign", "=="),
    **dict.fromkeys("\u2227\u22c0", ("a logical sign", "&")),
    **dict.fromkeys("\u2228\u22c1", ("a logical sign", "|")),
    "\u00ac": ("a logical sign", "~"),
    "\u221a": ("a square root", "sqrt(x)"),
    "\u03c0": ("the Greek letter", "pi"),
    "\u00bd": ("a fraction", "(1 / 2)"),
    "\u00bc": ("a fraction", "(1 / 4)"),
    "\u00be": ("a fraction", "(3 / 4)"),
    "\u2030": ("a sign for thousandths", "e-3 at the end of the number, as in 5e-3"),
    **dict.fromkeys("\u2018\u2019\u201c\u201d\u00ab\u00bb", ("a quotation mark", "names without quotes")),
    **dict.fromkeys("\u200b\ufeff\u2060\u00ad", ("a character without width", "it not at all")),
}
SIGNS = {
    "&&": ("two signs", "&"),
    "||": ("two signs", "|"),
    "<>": ("a sign of spreadsheets", "!="),
    "=<": ("no comparison", "<="),
    "=>": ("no comparison", ">="),
    "=": ("no comparison", "=="),
}
_TYPESET = re.compile("|".join([SUPERSCRIPTS.pattern, *map(re.escape, CHARACTERS)]))
_FOREIGN = re.compile(r"&&|\|\||<>|=<|=>|(?<![<>=!:])=(?![=<>])")

# Possessive: without that, thousands of digits are tried at every length.
_NUMBER = r"(?<![\w.])((?:\d[\d_]*+\.?[\d_]*+|\.\d[\d_]*+)(?:[eE][+-]?\d[\d_]*+)?+)"
_PERCENT = re.compile(_NUMBER + r"\s*%(?=\s*(?:$|[)\],*/<>=!&|]))")  # where no division can go on
_OPEN_PERCENT = re.compile(_NUMBER + r"%(?=\s*[+-])")


def function_meant(name: str) -> str:
    """What to write in place of a function of another language; '' for one that has no place here."""
    if name.lower() == "log":
        return f"; {_LOG}; write one of them"
    meant = FUNCTIONS.get(name.lower(), "")
    return f"; {meant}" if meant == _PRIOR else f"; write {meant}" if meant else ""


def refuse_spelling(line: str) -> None:
    """Raise SimulateError for the first character that no formula holds, or a number with a percent sign."""
    if found := _TYPESET.search(line):
        power = lowered(found[0]) if SUPERSCRIPTS.match(found[0]) else ""
        name, meant = (f"a superscript {power}", f"** {power}") if power else CHARACTERS[found[0]]
        raise SimulateError(f"column {found.start() + 1}: {found[0]} is {name}; write {meant}")
    for place, character in enumerate(line, 1):
        if not character.isprintable():
            raise SimulateError(f"column {place}: the character U+{ord(character):04X} cannot be seen; take it out")
        # Python reads such letters as the plain ones, and shows no difference.
        if not character.isascii() and (plain := unicodedata.normalize("NFKC", character)).isascii():
            raise SimulateError(f"column {place}: {character} is another form of {plain}; write {plain}")
    if found := _PERCENT.search(line):
        raise SimulateError(f"column {found.start() + 1}: % is what a division leaves; write {found[1]} [%]")
    _refuse_open_percent(line)


def refuse_signs(line: str, column: int, fault: str) -> None:
    """Raise SimulateError for the first sign of another language in a line that is no formula, or a sign left out.

    Python has found the fault in that column, from 1.
    """
    if re.match(r"\s*=[^=]", line):
        raise SimulateError(f"column {line.index('=') + 1}: spreadsheets begin a formula so; take the = out")
    if found := _FOREIGN.search(line):
        name, meant = SIGNS[found[0]]
        raise SimulateError(f"column {found.start() + 1}: {found[0]} is {name}; write {meant}")
    before, after = line[: column - 1].rstrip(), line[column - 1 :]
    if fault.startswith("invalid syntax") and re.search(r"[\w)]$", before) and re.match(r"[\w(]", after):
        raise SimulateError(f"column {column}: there is no sign between two parts; write * to multiply")
    if fault == "invalid decimal literal" and re.match(r"[\d.]+[^\W\d_]", after):
        raise SimulateError(f"column {column}: a letter follows the number; write * to multiply")


def with_percent(text: str) -> str:
    """A question in which 10% is a number; raises SimulateError where it may be what a division leaves."""
    _refuse_open_percent(text)
    return _PERCENT.sub(r"\1 [%]", text)


def _refuse_open_percent(text: str) -> None:
    if found := _OPEN_PERCENT.search(text):
        choice = f"{found[1]} [%], or {found[1]} % (...) for what a division leaves"
        raise SimulateError(f"column {found.start() + 1}: {found[0]} may be a number or not; write {choice}")
