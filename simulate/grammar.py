"""The grammar of questions: every short text that an option or a key takes, what it looks like, and what reads it.

FORMS is the table. Each row reads a text into plain values and refuses what it cannot read in one line:
`--OPTION 'TEXT': what is wrong; write for instance 'EXAMPLE'`. Whether the quantities that are named exist is
not a question of grammar. docs/reference/questions.md is the page about them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, NamedTuple, ParamSpec, TypeVar

from simulate.errors import Fault, SimulateError
from simulate.revisions import revised, unreadable
from simulate.shipped import shipped_file
from simulate.spelling import path_of
from simulate.spreadsheet import read_number
from simulate.syntax import broken, loads

if TYPE_CHECKING:
    from simulate.formulas import Formula, Units

Context = ParamSpec("Context")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Form(Generic[Context, Value]):
    """A form of text: its name, what it looks like, examples, and what reads it into a value."""

    name: str
    looks: str
    examples: tuple[str, ...]
    reader: Callable[Concatenate[str, Context], Value]

    def read(self, text: str, option: str, *context: Context.args, **named: Context.kwargs) -> Value:
        """Read the text given to an option such as '--given'; what follows goes to the reader.

        Raises SimulateError, naming option and text, where the text is not of this form.
        """
        if not isinstance(text, str):
            raise SimulateError(f"{option}: must be text in quotes, not {text!r}")
        try:
            return self.values(text, *context, **named)
        except SimulateError as error:
            (fault,) = error.faults
            raise SimulateError(fault._replace(key=f"{option} '{text}'")) from None

    def values(self, text: str, *context: Context.args, **named: Context.kwargs) -> Value:
        """Read a text whose place the caller tells. Raises SimulateError, with examples."""
        try:
            return self.reader(text, *context, **named)
        except SimulateError as error:
            examples = " or ".join(f"'{example}'" for example in self.examples)
            raise SimulateError(Fault(f"{error}; write for instance {examples}", code=error.faults[0].code)) from None


def _condition(text: str, known: Collection[str] = (), units: Units | None = None) -> Formula:
    """A comparison of quantities, or several joined; a known name `pi` or `e` hides the constant.

    With the units of the quantities, numbers are held against them. P90 on one side is that percentile of the other.
    """
    from simulate.formulas import formula  # late: a command's help must not wait for numpy
    from simulate.formulas.spelling import with_percent

    if not text.strip():
        raise SimulateError("is empty")
    text = with_percent(text)
    compiled = formula(text, known, percentiles=True)
    if not compiled.condition:
        raise SimulateError("is no condition")
    names = set(compiled.names).difference(each.name for each in compiled.percentiles)
    if not names:
        raise SimulateError("names no quantity")
    if units is not None and names.issubset(units.quantities):
        return formula(text, known, units, percentiles=True)
    return compiled


def _probability(text: str, known: Collection[str] = (), units: Units | None = None) -> Formula:
    """The condition of P(condition), or a bare condition; its text is the same for both."""
    if not re.match(r"\s*P\s*\(", text):
        return _condition(text, known, units)
    inner = text.replace("P", " ", 1)  # so that columns stay as they are
    depth = 0
    for place, character in enumerate(inner):
        depth += (character == "(") - (character == ")")
        if character == ")" and not depth and inner[place + 1 :].strip():
            raise SimulateError("P( ) goes around the whole condition")
    compiled = _condition(inner, known, units)
    return replace(compiled, text=compiled.text.strip()[1:-1].strip())


_MEASURE = re.compile(r"\s*(?:(mean)|[Pp](\d[\d.]*)?)\s*\(")
_HELD = re.compile(r"\s*(<=|>=|<|>)(.+)")


class Held(NamedTuple):
    """What a gate holds against a number: how probable a condition is, or the mean of the quantity in it."""

    measure: Literal["P", "mean"]
    condition: Formula
    comparison: str
    threshold: float


def _gate(text: str, known: Collection[str] = (), units: Units | None = None) -> Held:
    """A probability, a percentile or the mean of a quantity, and the number that it is held against.

    A percentile above a value is a probability of what is above that value: P95(x) > v where P(x > v) > 5 %.
    """
    from simulate.formulas import formula  # late: a command's help must not wait for numpy
    from simulate.formulas.spelling import with_percent

    opened = _MEASURE.match(text)
    end = _closed(text, opened.end()) if opened else 0
    held = _HELD.fullmatch(text, end)
    if not opened or not held:
        raise SimulateError("is no probability, percentile or mean that is held against a number")
    comparison, number = held.groups()
    inner = " " * opened.end() + text[opened.end() : end - 1]  # so that columns stay as they are
    probability = not (opened[1] or opened[2])
    compared = _condition(inner if probability else f"{inner} {text[end:]}", known, units)
    compared = replace(compared, text=" ".join(compared.text.split()))
    if probability:
        return Held("P", compared, comparison, _probable(number.strip()))
    if compared.percentiles:
        raise SimulateError("a percentile or mean is held against a number, not against a percentile")
    if opened[1]:
        name = inner.strip()
        if compared.names != (name,):
            raise SimulateError("a mean is of one quantity, by its name, and held against a number")
        below = formula(f"{name} - ({with_percent(number)})", known, compared.units)
        return Held("mean", compared, comparison, 0.0 - float(below(0.0)))
    share = Decimal(repr(_percent(opened[2]))) / 100
    return Held("P", compared, comparison.replace("<", ">"), float(1 - share if comparison[0] == ">" else share))


def _closed(text: str, start: int) -> int:
    """Where the bracket that is open at `start` has been closed."""
    depth = 1
    for place, character in enumerate(text[start:], start):
        depth += (character == "(") - (character == ")")
        if not depth:
            return place + 1
    raise SimulateError("a bracket is left open")


def _probable(text: str) -> float:
    """A probability from 0 to 1, or with its sign in per cent."""
    share = _ratio(text)
    if share is None or not 0 <= share <= 1:
        raise SimulateError(f"'{text}' is no probability; per cent have their sign, 10%")
    return share


_OBSERVED = re.compile(r"\s*(\w+)\s*==?\s*(\S+?)\s*(?:\+-|\+/-|±)\s*([^\s%]+)\s*(%?)\s*")


def _observation(text: str) -> tuple[str, float, float]:
    """A quantity, its measured value and the standard deviation of the measurement, in one unit."""
    _refuse_brackets(text)
    found = _OBSERVED.fullmatch(text)
    if found is None:
        raise SimulateError("is no measured value")
    name, *figures, percent = found.groups()
    if figures[0].endswith("%"):
        raise SimulateError(f"{figures[0]} is a share or a number; write it without the sign, 10% as 0.1")
    value, error = map(read_number, figures)
    if value is None or error is None:
        raise SimulateError("holds no two finite numbers")
    sd = abs(value) * error / 100 if percent else error
    if not 0 < sd < math.inf:
        raise SimulateError("the standard deviation must be above 0 and finite")
    return name, value, sd


_PERCENTILE = re.compile(r"[Pp]([\d.]+)\s*\(\s*(\w+)\s*\)|(\w+)\s*:\s*[Pp]([\d.]+)")


def _percentile(text: str) -> tuple[str, float]:
    """A quantity and the percent of its percentile."""
    _refuse_brackets(text)
    found = _PERCENTILE.fullmatch(text.strip())
    if found is None:
        raise SimulateError(f"'{text}' is no percentile of a quantity")
    return found[2] or found[3], _percent(found[1] or found[4])


def _precision(text: str) -> tuple[tuple[str | None, float | None, float], ...]:
    """Targets: a quantity, a percent, and the share of that percentile that its error may be.

    None and None stand for the usual percentiles of every quantity.
    """
    targets: list[tuple[str | None, float | None, float]] = []
    for part in _parts(text):
        percentile, equals, share = part.rpartition("=")
        quantity, percent = _percentile(percentile) if equals else (None, None)
        targets.append((quantity, percent, _share(share.strip())))
    return tuple(targets)


def _share(text: str) -> float:
    share = _ratio(text)
    if share is None:
        raise SimulateError(f"'{text}' is no target")
    if not 0 < share < 1:
        raise SimulateError(f"'{text}' is not between 0 and 100 %")
    return share


def _statistic(text: str) -> tuple[str, float | None]:
    """A statistic's name, and the percent that some take after it."""
    found = re.fullmatch(r"([^\W\d]\w*)(?:\s+(\S+?)\s*%?)?", text.strip())
    if found is None:
        raise SimulateError("is no name of a statistic, alone or with a percentage after it")
    return found[1], None if found[2] is None else _percent(found[2])


def _bridge(text: str) -> tuple[float | Literal["mean"], ...]:
    """Percentiles and the mean, of which a difference is split; none of them for 'none'."""
    if text.strip() == "none":
        return ()
    return tuple("mean" if part == "mean" else _percent(part) for part in _parts(text))


def _plot(text: str) -> tuple[str, ...]:
    """The name of a quantity, or those of an input and an output."""
    names = tuple(part.strip() for part in text.split(":"))
    if len(names) > 2 or not all(name.isidentifier() for name in names):
        raise SimulateError("is no name of a quantity, nor two with a colon between them")
    return names


_SHARE = re.compile(
    r"\s*([\w-]+(?:\.[\w-]+)*)\s*=\s*((?:[+-]?\d+(?:_\d+)*)?[^_%]*)%\s*", re.ASCII
)  # TOML's digits may be parted


def _setting(text: str) -> dict[str, Any]:
    """The tables of KEY = VALUE as TOML reads it; 10% is a value of that unit."""
    share = _SHARE.fullmatch(text)
    if share and (percent := read_number(share[2].replace("_", ""))) is not None:
        return reduce(lambda table, name: {name: table}, reversed(share[1].split(".")), {"value": percent, "unit": "%"})
    try:
        tables = loads(text)
    except RecursionError:
        raise SimulateError("brackets nest too deeply") from None
    except ValueError as error:
        raise SimulateError(f"is no TOML: {broken(error, text).fault}") from None
    if not tables:
        raise SimulateError("sets nothing")
    return tables


def _variation(text: str) -> tuple[str, tuple[str, ...]]:
    """A name and the values that it is to take, each a text that a setting may hold."""
    name, _, values = text.partition("=")
    if not name.strip() or not values.strip():
        raise SimulateError("lists no values")
    return name.strip(), _parts(values)


def _names(text: str) -> tuple[str, ...] | Literal["all"]:
    """Names, or 'all' for all that there are."""
    if text.strip() == "all":
        return "all"
    _refuse_brackets(text)
    return _parts(text)


def _numbers(text: str) -> tuple[float, ...]:
    """Finite numbers."""
    return tuple(_number(part) for part in _parts(text))


def _case(text: str) -> tuple[Path, str]:
    """The path of a priors file or of an earlier run, and the choice of the file, '' for none.

    A path that exists may hold colons; else a file, or the name of one that ships, stands before the first one, and its
    choice after it, or a git revision, and a path after it.
    """
    if not text.strip():
        raise SimulateError("is empty")
    file, colon, choice = text.partition(":")
    whole, part = _path(text), _path(file) or shipped_file(file)
    if not colon or (whole and not (part and part.is_file())):
        return path_of(text), ""
    if whole:
        raise SimulateError(f"is a path, and could be a choice of {file} as well; rename one of the two")
    if not (part and part.is_file()):
        return _case_at_revision(text)
    if not choice.strip():
        raise SimulateError("names no choice after the colon")
    return part, choice.strip()


def _case_at_revision(text: str) -> tuple[Path, str]:
    """The same where a git revision stands before the path."""
    named, (before, _, choice) = revised(text), text.rpartition(":")
    fault = unreadable(named) if named else "is the name of nothing"
    if named and not fault:
        return Path(text), ""
    if (of_choice := revised(before)) and choice.strip() and not unreadable(of_choice):
        return Path(before), choice.strip()
    raise SimulateError(f"{text.partition(':')[0]} is no file that could hold choices, and {text} {fault}")


def _path(text: str) -> Path | None:
    """The path where there is something; None too for a name that nothing can have."""
    try:
        return path if text and (path := path_of(text)).exists() else None
    except (OSError, ValueError):
        return None


_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|.', re.DOTALL)


def _parts(text: str) -> tuple[str, ...]:
    """The text at its commas, but not within brackets or quotes; no part may be empty."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece in {"(", "[", "{"}) - (piece in {")", "]", "}"})
        if depth < 0 or piece in {'"', "'"}:
            raise SimulateError(f"a {piece} stands alone; brackets and quotes come in pairs")
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    if depth:
        raise SimulateError("a bracket is left open")
    if not all(part.strip() for part in parts):
        raise SimulateError("a comma has nothing beside it" if len(parts) > 1 else "is empty")
    return tuple(part.strip() for part in parts)


def _refuse_brackets(text: str) -> None:
    if "[" in text:
        raise SimulateError("brackets are not allowed here, nor yet with a unit or a year in them; leave them out")


def _number(text: str) -> float:
    number = read_number(text)
    if number is None:
        raise SimulateError(f"'{text}' is no number")
    return number


def _ratio(text: str) -> float | None:
    """A number, or a hundredth of one with its sign; None for anything else."""
    number = read_number(text.removesuffix("%"))
    return number if number is None or not text.endswith("%") else number / 100


def _percent(text: str) -> float:
    percent = _number(text)
    if not 0 < percent < 100:
        raise SimulateError(f"{text} is not between 0 and 100 %")
    return percent


CONDITION = Form("condition", "A > B, joined by & | ~", ("capex > 1e9",), _condition)
PROBABILITY = Form("probability", "P(CONDITION)", ("P(capex > 1e9)", "capex > 1e9"), _probability)
GATE = Form("gate", "P(CONDITION) > SHARE%", ("P(capex > 1e9) > 10%", "P95(capex) > 2e9", "mean(capex) > 1e9"), _gate)
OBSERVATION = Form("observation", "NAME = VALUE +- ERROR", ("capex = 5e8 +- 10%", "capex = 5e8 +- 5e7"), _observation)
PERCENTILE = Form("percentile", "P90(NAME)", ("P90(capex)", "capex:p90"), _percentile)
PRECISION = Form("precision", "SHARE% or NAME:p90=SHARE%", ("0.5%", "capex:p95=0.2%"), _precision)
STATISTIC = Form("statistic", "NAME PERCENT", ("expected_shortfall 95", "shortest 95"), _statistic)
BRIDGE = Form("bridge", "PERCENT,...,mean", ("50,95,mean", "none"), _bridge)
SETTING = Form("setting", "NAME=VALUE", ("pue=1.1", 'pue={dist="uniform", lower=1.05, upper=1.3}'), _setting)
VARIATION = Form("variation", "NAME=VALUE,VALUE,...", ("pue=1.1,1.2,1.3",), _variation)
NAMES = Form("names", "NAME,NAME,...", ("capex,opex_per_year", "all"), _names)
NUMBERS = Form("numbers", "NUMBER,NUMBER,...", ("5,50,95",), _numbers)
PLOT = Form("plot", "OUTPUT or INPUT:OUTPUT", ("capex", "seconds_per_token:capex"), _plot)
CASE = Form("case", "PATH, FILE:CHOICE or REVISION:PATH", ("priors/base.toml", "priors/accelerators.toml:h100"), _case)

FORMS: tuple[Form[..., Any], ...] = tuple(each for each in list(globals().values()) if isinstance(each, Form))
