"""Units of a closed list of names, and exact factors between them."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import combinations, product

from simulate.errors import SimulateError, is_slip
from simulate.spelling import SUPERSCRIPTS

BASE = ("USD", "token", "FLOP", "B", "s", "W")

# Powers of ten, and which of them each unit takes.
PREFIXES = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
PREFIXED = {"USD": "kM", "token": "kM", "FLOP": "GTPE", "B": "kMGT", "s": "num", "W": "kMG", "J": "M", "Wh": "kMG"}

# name: how many of which. A year is 365 days, a month a twelfth of it; what is merely counted is a
# number, so that a price per server is in USD.
DERIVED: dict[str, tuple[int | Fraction, str]] = {
    **{each + unit: (Fraction(10) ** PREFIXES[each], unit) for unit, taken in PREFIXED.items() for each in taken},
    **dict.fromkeys(("cent", "cents"), (Fraction(1, 100), "USD")),
    "tokens": (1, "token"),
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

NAMES = (*BASE, *DERIVED)
COUNTS = ("thousand", "million", "billion", "trillion")
NUMBERS = ("%", "percent", *COUNTS)

# What people write for a name of the list, its plural and other capitals too; offered, never guessed.
MEANT = {
    **dict.fromkeys(("$", "dollar", "usd"), "USD"),
    **dict.fromkeys(("sec", "seconds"), "s"),
    **dict.fromkeys(("msec", "millisecond"), "ms"),
    **dict.fromkeys(("usec", "microsecond"), "us"),
    **dict.fromkeys(("nsec", "nanosecond"), "ns"),
    "watt": "W",
    "kilowatt": "kW",
    "joule": "J",
    "hr": "h",
    "d": "day",
    "wk": "week",
    "mo": "month",
    **dict.fromkeys(("y", "yr"), "year"),
    **dict.fromkeys(("dimensionless", "unitless", "ratio", "fraction"), "1"),
    "pct": "%",
    **{f"{each}FLOPS": f"{each}FLOP/s" for each in ("", *PREFIXED["FLOP"])},
    "FLOPs": "FLOP",
    **{f"{each}Bps": f"{each}B/s" for each in PREFIXED["B"]},
    **dict.fromkeys(("tok", "toks"), "token"),
    "ktok": "ktoken",
    **dict.fromkeys(("Mtok", "MTok"), "Mtoken"),
    "byte": "B",
    "k": "thousand",
    **dict.fromkeys(("M", "mn", "mio", "mln"), "million"),
    **dict.fromkeys(("bn", "mrd"), "billion"),
}

_LONGEST = 100
_TERM = re.compile(
    rf"(?:(?P<number>{'|'.join(COUNTS)})\s+)?"
    r"(?P<name>1|%|[^\W\d_](?:(?![⁰¹²³⁴-⁹])[^\W_])*)(?:\s*\^\s*(?P<power>-?[1-9]))?"
)

_PREFIXED = {each + unit for unit, taken in PREFIXED.items() for each in taken}
_WORDS = [
    name for name in NAMES if len(name) > 3 and name not in {*PREFIXED, *_PREFIXED}
]  # in others, a letter is another size
_MICRO = str.maketrans("µμ", "uu")

Powers = tuple[tuple[str, Fraction], ...]


class UnitError(SimulateError):
    """A unit that is not in the list, is not written as one, or does not convert."""

    code = "unit"


@dataclass(frozen=True)
class Measure:
    """A unit as its names and their powers, in the order written; what is merely counted is left out."""

    powers: Powers = ()

    def __mul__(self, other: "Measure") -> "Measure":
        """The unit of a product."""
        powers = dict(self.powers)
        for name, power in other.powers:
            powers[name] = powers.get(name, Fraction()) + power
        return Measure(tuple((name, power) for name, power in powers.items() if power))

    def __truediv__(self, other: "Measure") -> "Measure":
        """The unit of a quotient."""
        return self * other**-1

    def __pow__(self, exponent: int | Fraction) -> "Measure":
        """The unit of a power."""
        return Measure(tuple((name, power * exponent) for name, power in self.powers if exponent))

    @cached_property
    def dimension(self) -> Powers:
        """The powers of the base units, by name; empty for a ratio."""
        found: dict[str, Fraction] = {}
        for name, power in self.powers:
            for base, one in _named(name)[1].items():
                found[base] = found.get(base, Fraction()) + one * power
        return tuple(sorted((base, power) for base, power in found.items() if power))

    @cached_property
    def whole(self) -> bool:
        """Whether all powers are whole."""
        return all(power.denominator == 1 for _, power in self.powers)

    @cached_property
    def factor(self) -> Fraction:
        """How many of its base units one is, of whole powers."""
        factor = Fraction(1)
        for name, power in self.powers:
            factor *= _named(name)[0] ** int(power)
        return factor

    def over(self, other: "Measure") -> Fraction | None:
        """What a number in this unit is multiplied by to be in another; None where they measure different things."""
        return self.factor / other.factor if self.dimension == other.dimension else None

    @cached_property
    def base(self) -> "Measure":
        """The unit of the same dimension in base units alone."""
        return Measure(self.dimension)

    @property
    def is_rate(self) -> bool:
        """Whether something is one over a single unit, as a rate of interest is."""
        return [power for _, power in self.dimension] == [-1]

    @cached_property
    def text(self) -> str:
        """The unit as a file has it."""
        above = [(name, power) for name, power in self.powers if power > 0]
        number = next((name for name, power in above if name in NUMBERS and power == 1 and len(above) > 1), "")
        parts = ["*".join(_power(name, power) for name, power in above if name != number) or "1"]
        parts += [_power(name, -power) for name, power in self.powers if power < 0]
        return f"{number} {'/'.join(parts)}".strip()


def _power(name: str, power: Fraction) -> str:
    return name if power == 1 else f"{name}^{power}"


RATIO = Measure()


def conversion_factor(unit: str, to: str) -> float:
    """What a number in `unit` is multiplied by to be in `to`.

    Raises UnitError where one of them is no unit, where `unit` has a name that is neither in the list nor in `to`,
    or where they measure different things.
    """
    if unit == to:
        return 1.0
    check_known(measure(unit), (to,))
    factor = measure(unit).over(measure(to))
    if factor is None:
        raise UnitError(f"{unit} does not convert to {to}")
    return float(factor)


def check_known(unit: Measure, own: Collection[str]) -> None:
    """Raise UnitError for a name that is neither in the list nor among the units that are there anyway."""
    allowed = {name for each in own for name, _ in measure(each).powers}
    for name, _ in unit.powers:
        if name not in NAMES and name not in allowed:
            raise UnitError(_misspelt(unit.text, name))


def is_cost(unit: str) -> bool:
    """Whether a unit is one of money, for whatever else: USD/day, or EUR, a currency that the list does not have."""
    return any(power > 0 and re.fullmatch("[A-Z]{3}", base) for base, power in measure(unit).dimension)


def plain(unit: str) -> str:
    """The unit without the mere numbers in it: of million USD, USD; of %, 1."""
    powers = measure(unit).powers
    if not any(name in NUMBERS for name, _ in powers):
        return unit
    return Measure(tuple((name, power) for name, power in powers if name not in NUMBERS)).text


@cache
def measure(unit: str) -> Measure:
    """Read a unit: names, ``*``, ``/`` and whole powers.

    It is read from left to right: USD/kW/month is USD/(kW month). A name that is not in the list and near none of it
    is a unit of its own, kgCO2eq for instance. Raises UnitError.
    """
    if len(unit) > _LONGEST:
        raise UnitError(f"a unit has at most {_LONGEST} characters")
    read = RATIO
    sign = 1
    for part in re.split(r"([*/])", unit.strip()):
        if part in {"*", "/"}:
            sign = 1 if part == "*" else -1
            continue
        term = _TERM.fullmatch(part.strip())
        if term is None or _is_misspelt(term["name"]):
            raise UnitError(_misspelt(unit, part.strip() if term is None else term["name"]))
        for name, power in ((term["number"], 1), (term["name"], int(term["power"] or 1))):
            if name and _named(name) != (Fraction(1), {}):
                read *= Measure(((name, Fraction(sign * power)),))
    return read


@cache
def simplified(unit: Measure) -> Measure:
    """The same unit with fewer names, where a name of the list stands for two: kWh for kW*h, h for kWh/kW."""
    for pair in combinations(unit.powers, 2):
        part = Measure(pair)
        words = any(name in NUMBERS for name, _ in pair)
        for name, power in product(NAMES if part.dimension and not words else (), (1, -1)):
            one = measure(name) ** power
            if one.dimension == part.dimension and one.factor == part.factor:
                return simplified(unit / part * one)
    return unit


def reduced(unit: Measure) -> Measure:
    """A unit for what is in `unit`, perhaps of another scale, without the names that others stand for or cancel."""
    for part in apart(simplified(unit)):
        alike = (Measure((each,)) for each in part.powers if Measure((each,)).dimension == part.dimension)
        if len(part.powers) > 1 and (one := next(alike, RATIO)).dimension == part.dimension:
            return reduced(simplified(unit) / part * one)
    return simplified(unit)


def apart(unit: Measure) -> list[Measure]:
    """The parts of a unit that share no base units: of USD*day/year, USD and day/year."""
    groups: list[tuple[set[str], Measure]] = []
    for each in unit.powers:
        bases, part = set(_named(each[0])[1]), Measure((each,))
        sharing = [group for group in groups if group[0] & bases]
        groups = [group for group in groups if group not in sharing]
        for others, other in sharing:
            bases, part = bases | others, other * part
        groups.append((bases, part))
    return [part for _, part in groups]


@cache
def _named(name: str) -> tuple[Fraction, dict[str, Fraction]]:
    """How many of which base units a name is; a name of its own is a base."""
    if name == "1":
        return Fraction(1), {}
    if name not in DERIVED:
        return Fraction(1), {name: Fraction(1)}
    count, of = DERIVED[name]
    one = measure(of)
    return count * one.factor, dict(one.dimension)


def _is_misspelt(name: str) -> bool:
    """Whether a name is none of the list, but so near one of it that it will not do for a unit of its own."""
    of_money = "usd" in name.lower() or name.rstrip("0123456789") in NAMES
    return name not in (*NAMES, "1") and (of_money or bool(_meant(name) or _alike(name)))


def _meant(part: str) -> str:
    """The name of the list that stands for a word, its plural or one in other capitals; '' for none."""
    word = part.lower()
    other = MEANT.get(word) or MEANT.get(word.removesuffix("s"), "") if len(part) > 2 else ""
    return MEANT.get(part) or ("" if _of_another_size(part, other) else other)


def _alike(part: str) -> list[str]:
    """Names that differ in case, by a plural, in the form of letters or in the prefix for a millionth."""
    lower = unicodedata.normalize("NFKC", part).translate(_MICRO).replace(" ", "").lower()
    return [name for name in NAMES if name.lower() in {lower, lower.removesuffix("s")}]


def _of_another_size(part: str, name: str) -> bool:
    """Whether letters that differ in case alone stand for other sizes: m and M, p and P, bits and bytes."""
    prefixes = name in _PREFIXED and {part[0], name[0]} in ({"m", "M"}, {"p", "P"})
    return prefixes or (name.endswith("B") and part.endswith("b"))


def _misspelt(unit: str, part: str) -> str:
    near = _alike(part) or [word for word in _WORDS if is_slip(part, word)]
    close = [_meant(part)] if _meant(part) else [name for name in near if not _of_another_size(part, name)]
    if close:
        rate = f" or '{close[0]}/s'" if close[0].endswith("FLOP") and part.lower().endswith("s") else ""
        return f"there is no unit {part!r}; did you mean {close[0]!r}{rate}?"
    if SUPERSCRIPTS.search(part):
        return f"{unit!r} is no unit: powers are written s^2"
    if "(" in part or ")" in part:
        return f"{unit!r} is no unit: there are no brackets; a / stands before each name below the line, USD/kW/month"
    if not part:
        return f"{unit!r} is no unit: a name is missing; powers are written s^2"
    what = f"there is no unit {part!r}" if part == unit.strip() else f"there is no unit {part!r} in {unit!r}"
    return f"{what}; units are names joined by * and /, such as USD/kWh, ms/token, 1/day"
