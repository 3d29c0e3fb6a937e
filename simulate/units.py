"""Units of a closed list of names, and exact factors between them."""

import re
from difflib import get_close_matches
from fractions import Fraction
from functools import cache

from simulate.errors import SimulateError

Powers = tuple[int, ...]

BASE = ("USD", "token", "FLOP", "B", "s", "W")

# Powers of ten, and which of them each unit takes.
PREFIXES = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
PREFIXED = {"USD": "kM", "token": "kM", "FLOP": "GTPE", "B": "kMGT", "s": "num", "W": "kMG", "J": "M", "Wh": "kMG"}

# name: how many of which. A year is 365 days, a month a twelfth of it; what is merely counted is a
# number, so that a price per server is in USD.
DERIVED: dict[str, tuple[int | Fraction, str]] = {
    **{each + unit: (Fraction(10) ** PREFIXES[each], unit) for unit, taken in PREFIXED.items() for each in taken},
    **dict.fromkeys(("cent", "cents"), (Fraction(1, 100), "USD")),
    "KiB": (2**10, "B"),
    "MiB": (2**20, "B"),
    "GiB": (2**30, "B"),
    "TiB": (2**40, "B"),
    "second": (1, "s"),
    **dict.fromkeys(("min", "minute"), (60, "s")),
    **dict.fromkeys(("h", "hour"), (3_600, "s")),
    "day": (86_400, "s"),
    "week": (7 * 86_400, "s"),
    "month": (365 * 7_200, "s"),
    "year": (365 * 86_400, "s"),
    "J": (1, "W*s"),
    "Wh": (3_600, "W*s"),
    **dict.fromkeys(("%", "percent"), (Fraction(1, 100), "1")),
    "thousand": (10**3, "1"),
    "million": (10**6, "1"),
    "billion": (10**9, "1"),
    "trillion": (10**12, "1"),
    **dict.fromkeys(("accelerator", "chip", "GPU", "rack", "server"), (1, "1")),
    **dict.fromkeys(("layer", "message", "parameter", "question", "sequence", "visit", "visitor"), (1, "1")),
}

# What people write for a name of the list; offered, never guessed.
MEANT = {
    **dict.fromkeys(("$", "dollar", "dollars", "usd"), "USD"),
    "sec": "s",
    "seconds": "s",
    "hr": "h",
    "d": "day",
    "mo": "month",
    **dict.fromkeys(("y", "yr"), "year"),
    "pct": "%",
    "FLOPS": "FLOP/s",
    "FLOPs": "FLOP",
    "TFLOPS": "TFLOP/s",
    **dict.fromkeys(("byte", "bytes"), "B"),
    "k": "thousand",
    "M": "million",
}

_LONGEST = 100
_TERM = re.compile(r"(?P<name>1|%|[A-Za-z]+)(?:\s*\^\s*(?P<power>-?[1-9]))?")
_NUMBER_OF = re.compile(r"\b(thousand|million|billion|trillion)\s+(?=[A-Za-z])")


class UnitError(SimulateError):
    """A unit that is not in the list, is not written as one, or does not convert."""


def conversion_factor(unit: str, to: str) -> float:
    """What a number in `unit` is multiplied by to be in `to`.

    Raises UnitError where one of them is no unit or where they measure different things.
    """
    if unit == to:
        return 1.0
    factor, powers = measure(unit)
    to_factor, to_powers = measure(to)
    if powers != to_powers:
        raise UnitError(f"{unit} does not convert to {to}")
    return float(factor / to_factor)


@cache
def measure(unit: str) -> tuple[Fraction, Powers]:
    """The factor and the powers of `BASE` that a unit stands for: names, ``*``, ``/`` and whole powers.

    It is read from left to right: USD/kW/month is USD/(kW month). Raises UnitError.
    """
    if len(unit) > _LONGEST:
        raise UnitError(f"a unit has at most {_LONGEST} characters")
    factor, powers = Fraction(1), (0,) * len(BASE)
    sign = 1
    for part in re.split(r"([*/])", _NUMBER_OF.sub(r"\1*", unit.strip())):
        if part in {"*", "/"}:
            sign = 1 if part == "*" else -1
            continue
        term = _TERM.fullmatch(part.strip())
        if term is None:
            raise UnitError(_misspelt(unit, part.strip()))
        one, one_powers = _named(unit, term["name"])
        power = sign * int(term["power"] or 1)
        factor *= one**power
        powers = tuple(old + power * new for old, new in zip(powers, one_powers, strict=True))
    return factor, powers


def _named(unit: str, name: str) -> tuple[Fraction, Powers]:
    if name == "1":
        return Fraction(1), (0,) * len(BASE)
    if name in BASE:
        return Fraction(1), tuple(int(name == base) for base in BASE)
    if name not in DERIVED:
        raise UnitError(_misspelt(unit, name))
    count, of = DERIVED[name]
    factor, powers = measure(of)
    return count * factor, powers


def _misspelt(unit: str, part: str) -> str:
    names = (*BASE, *DERIVED)
    close = [MEANT[part]] if part in MEANT else get_close_matches(part, names, n=1)
    if not close:  # what differs in case only, a plural
        close = [name for name in names if name.lower() == part.lower().removesuffix("s")][:1]
    if close:
        return f"there is no unit {part!r}; did you mean {close[0]!r}?"
    if not part:
        return f"{unit!r} is no unit: a name is missing; powers are written s^2"
    what = f"there is no unit {part!r}" if part == unit.strip() else f"there is no unit {part!r} in {unit!r}"
    return f"{what}; units are names joined by * and /, such as USD/kWh, ms/token, 1/day"
