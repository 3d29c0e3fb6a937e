"""Numbers and names as text: no digit that the standard error does not support."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from simulate.units import PREFIXED, PREFIXES

if TYPE_CHECKING:
    from simulate.graph import Array

SIGNIFICANT_DIGITS = 4
EXACT_DIGITS = 6  # of figures without sampling error, so that 591,864 stays itself
VAGUE = 0.02  # the standard error of a share above which it is told
MOST_DIGITS = 17  # that tell two floats apart
ROUNDING = 1e-15  # of a value, below which an error is what rounding has left
MOST_DECIMALS = 6  # and
MOST_WHOLE = 12  # digits before the point: beyond, a figure is written with a power of ten of its own
SCALES = {0: "", 3: "thousand", 6: "million", 9: "billion", 12: "trillion"}
_SCALED = re.compile(rf"({'|'.join(filter(None, SCALES.values()))})(?: |(?=/)|$)")  # a unit that begins with one
_COUNTED = ("token", "USD")  # of which people say how many thousand or million; of other units there are prefixes
_HEAD = re.compile(
    rf"({'|'.join(sorted({each for taken in PREFIXED.values() for each in taken}))})?({'|'.join(PREFIXED)})(?=/|$)"
)  # a unit that takes prefixes, first of its names
_PER_TOKENS = re.compile(r"/([kM]?)token(?=/|$)")
YEARS = frozenset({"year", "yr", "y"})  # units in which a figure may be a date
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
BEYOND = 1000  # a power of ten that no float reaches


class Apart(NamedTuple):
    """What tells the figures of a band apart, in powers of ten.

    `gap` is the least step between two of them, of which the larger has the size `near`: no figure much larger needs
    as many places. No figure counts as smaller than `least`, as where the band crosses 0.
    """

    gap: int = BEYOND
    near: int = BEYOND
    least: int = -BEYOND


ANY = Apart()  # where there is no band


@dataclass(frozen=True)
class Scale:
    """How the figures of a row are written: in units of ``10**exponent``, to ``10**place`` at best.

    `digits` are the most digits of a figure, but for those that tell a band apart.
    """

    exponent: int
    place: int
    digits: int
    apart: Apart = ANY
    separator: str = ","  # of thousands

    def of(self, unit: str) -> Scale:
        """The same scale for figures in a unit: a year, such as 2028, has no separator of thousands."""
        return replace(self, separator="") if unit in YEARS else self

    def unit(self, unit: str) -> str:
        """The unit with the scale before it, as people write it: ``million USD``, ``MW``, ``USD/million tokens``.

        The ratio unit ``1`` is not written. A scale that the unit has already is taken into it: thousands of
        ``million USD`` are in ``billion USD``, thousands of ``kW`` in ``MW``. A priors file takes what is written.
        """
        exponent = self.exponent
        if word := _SCALED.match(unit):
            exponent += next(each for each, name in SCALES.items() if name == word[1])
            unit = unit[word.end() :]
        if head := _HEAD.match(unit):
            prefix, base = head.groups()
            size = exponent + PREFIXES.get(prefix, 0)
            prefixes = {0: "", **{PREFIXES[each]: each for each in PREFIXED[base]}}
            if base in _COUNTED and (self.exponent or not prefix):
                exponent, unit = size, f"{base}{'s' * (base == 'token')}{unit[head.end() :]}"
            elif size in prefixes:
                exponent, unit = 0, f"{prefixes[size]}{base}{unit[head.end() :]}"
        if priced := _PER_TOKENS.search(unit):
            tokens = PREFIXES.get(priced[1], 0)
            up = max(min(-exponent, max(SCALES) - tokens), 0)  # 1/1000 USD a thousand tokens are 1 USD a million
            exponent, tokens = exponent + up, tokens + up
            unit = unit.replace(priced[0], f"/{SCALES[tokens]} tokens" if tokens else "/token")
        power = SCALES.get(exponent, _power(exponent))
        above, per, below = unit.partition("/")
        if power in SCALES.values() and above in {"", "1"}:
            return f"{power or (per and '1')}{per}{below}"
        return " ".join(part for part in (power, "" if unit == "1" else unit) if part)

    def figure(self, value: float, standard_error: float = 0.0) -> str:
        """The value on this scale, without unit, to the digit that its error supports; a dash where it is no number."""
        if not math.isfinite(value):
            return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
        if not value and not standard_error:
            return "0"
        return self._written(value, max(self.place, self.last_place(value, standard_error)))

    def with_error(self, value: float, standard_error: float) -> tuple[str, str]:
        """The value and its standard error, which stand beside each other: both end at the second digit of the error.

        Without an error the value has as many digits as it needs, at most six. Source: JCGM 100:2008, 7.2.6.
        """
        if not math.isfinite(value):
            return self.figure(value), "–"
        if not math.isfinite(standard_error):
            return self._written(value, _magnitude(value) - SIGNIFICANT_DIGITS + 1), "–"
        if not value and not standard_error:
            return "0", "0"
        if standard_error <= abs(value) * ROUNDING:
            return self._written(value, _last_place_needed(value, _magnitude(value) - EXACT_DIGITS + 1)), "0"
        place = _second_digit(standard_error)
        return self._written(value, place), self._written(standard_error, place)

    def last_place(self, value: float, standard_error: float) -> int:
        """The power of ten of the last digit worth writing where no error stands beside the value.

        Not below the size of the error; only where the band would be no band, or nothing be left of the value, at the
        first digit of the error.
        """
        size = max(_magnitude(value) if value else -1, self.apart.least)
        gap = self.apart.gap if size <= self.apart.near + 1 else BEYOND  # 100.8 beside 99.99
        by_digits = min(size - self.digits + 1, gap - 1 if self.digits > 2 else gap)
        if not math.isfinite(standard_error) or standard_error <= 0:
            return by_digits
        supported = math.ceil(math.log10(standard_error))
        if supported > gap:
            supported = max(_magnitude(standard_error), gap)
        elif not _rounded(value, supported)[0]:
            supported = _magnitude(standard_error)
        return max(by_digits, supported)

    def _written(self, value: float, place: int) -> str:
        """The value rounded to ``10**place``, on this scale where it has not too many digits there."""
        rounded, place = _rounded(value, place)
        if not rounded and self.exponent - place > MOST_DECIMALS:
            return "0"
        own = rounded.adjusted() - self.exponent if rounded else 0
        power = own if not -MOST_DECIMALS < own < MOST_WHOLE else 0
        shift = self.exponent + power
        text = f"{rounded.scaleb(-shift):,.{max(shift - place, 0)}f}".replace(",", self.separator)
        return f"{text}{_power(power)}".replace("-", "−")


ONES = Scale(0, 0, SIGNIFICANT_DIGITS)


def row_scale(
    values: Sequence[float],
    standard_errors: Sequence[float] | None = None,
    *,
    digits: int | None = None,
    apart: Sequence[float] = (),
) -> Scale:
    """Choose one scale for the figures of a row, which share their last place where each keeps two digits.

    The last digit written stands at or above the size of the standard error, and there are at most four
    digits. Figures without sampling error show up to six, and as few as they need; or so many `digits`. All of that
    holds as far as it leaves the figures of `apart`, a band, distinct.
    """
    errors = [0.0] * len(values) if standard_errors is None else standard_errors
    finite = [(v, s) for v, s in zip(values, errors, strict=True) if math.isfinite(v) and v]
    if not finite:
        return ONES
    exact = digits is None and all(s == 0 for _, s in finite)
    usual = EXACT_DIGITS if exact else SIGNIFICANT_DIGITS
    scale = Scale(0, -BEYOND, digits or usual, _apart(apart))
    sizes = sorted(max(_magnitude(value), scale.apart.least) for value, _ in finite)
    middle = sizes[len(sizes) // 2]
    plain = -4 <= middle < usual
    if exact:
        place = min(_last_place_needed(value, scale.last_place(value, 0.0)) for value, _ in finite)
    else:
        place = min(max(scale.last_place(value, error) for value, error in finite), sizes[0] - 1)
    return replace(scale, exponent=0 if plain else 3 * (middle // 3), place=place)


def band_scale(percents: Sequence[float], values: Sequence[float], standard_errors: Sequence[float]) -> Scale:
    """A scale for a row that opens with the percentiles of a band, on which its ends and its median are distinct."""
    apart = [values[place] for place in outer_and_middle(percents)]
    return row_scale(values, standard_errors, apart=apart)


def _apart(band: Sequence[float]) -> Apart:
    steps = sorted({value for value in band if math.isfinite(value)})
    if len(steps) < 2:
        return ANY
    gap, near = min((after - before, max(abs(before), abs(after))) for before, after in pairwise(steps))
    places = _magnitude(min(gap, sys.float_info.max)), _magnitude(near)
    return Apart(*places, places[0] if steps[0] < 0 < steps[-1] else -BEYOND)


def percent_text(share: float, standard_error: float = 0.0, digits: int | None = None) -> str:
    """A share in per cent, to the digit that its standard error supports; a dash where it is not a number."""
    if math.isnan(share):
        return "–"
    percent, error = 100 * share, 100 * standard_error
    scale = Scale(0, -BEYOND, digits or (SIGNIFICANT_DIGITS if error else EXACT_DIGITS))
    if not error and math.isfinite(percent):
        scale = replace(scale, place=_last_place_needed(percent, scale.last_place(percent, error)))
    return f"{scale.figure(percent, error)} %"


def percent_with_error(share: float, standard_error: float) -> tuple[str, str]:
    """A share and its standard error in per cent, as they stand beside each other."""
    return ONES.with_error(100 * share, 100 * standard_error)


def share_text(share: float, standard_error: float, digits: int | None = None) -> str:
    """A share in per cent, its standard error beside it where that is so large that few digits were left."""
    if VAGUE < standard_error < math.inf:
        return f"{' ± '.join(percent_with_error(share, standard_error))} %"
    return percent_text(share, standard_error, digits)


def probability_text(share: float, standard_error: float, scenarios: float) -> tuple[str, str]:
    """A probability and its standard error in per cent, of so many scenarios, the error empty where it is none.

    Where none of the scenarios shows it, or all do, a bound that holds in 95 %: below 3 / scenarios (the rule of
    three), or above the rest. Where there is no error, it is exact.
    """
    if not 0 < standard_error < math.inf:
        return percent_text(share), ""
    if share not in {0, 1}:
        text, beside = percent_with_error(share, standard_error)
        return f"{text} %", f"{beside} %"
    place = math.floor(math.log10(300 / scenarios))
    bound = math.ceil(300 / scenarios / 10.0**place) * 10.0**place
    return f"{'>' if share else '<'} {abs(100 * share - bound):.{max(0, -place)}f} %", ""


def times_text(value: float, unit: float) -> str:
    """How many times a figure is another: ``33 times``, also where the ratio is no float."""
    ratio = Context(prec=2).divide(Decimal(value), Decimal(unit))
    power = ratio.adjusted() if ratio.adjusted() >= MOST_WHOLE else 0
    return f"{Scale(0, -BEYOND, 2).figure(float(ratio.scaleb(-power)))}{_power(power)} times"


def percent_name(percent: float) -> str:
    """A percent as a label has it, with all its digits, so that no two are called alike: ``99.9999``."""
    return f"{Decimal(repr(float(percent))).normalize():f}"


def percentile_name(percent: float) -> str:
    """What a percentile is called: ``P99.9999``."""
    return f"P{percent_name(percent)}"


def with_unit(
    value: float, standard_error: float, unit: str, digits: int | None = None, *, apart: Sequence[float] = ()
) -> str:
    """One figure with its unit, ``758.8 million USD``, to as many digits as tell those of `apart` from each other."""
    scale = row_scale([value], [standard_error], digits=digits, apart=apart).of(unit)
    text = scale.figure(value, standard_error)
    return f"{text} {(ONES if text == '0' else scale).unit(unit)}".rstrip()


def outer_and_middle(percents: Sequence[float]) -> set[int]:
    """The places of the percentiles that a narrow table keeps: the outermost and the one next to the median."""
    middle = min(range(len(percents)), key=lambda place: abs(percents[place] - 50))
    return {0, middle, len(percents) - 1}


def shortened(text: str, length: int) -> str:
    """The text, ended by an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _power(exponent: int) -> str:
    return f"×10{str(exponent).translate(SUPERSCRIPTS)}" if exponent else ""


def _magnitude(value: float) -> int:
    """The power of ten of the first digit; 0 counts as 1."""
    return math.floor(math.log10(abs(value))) if value else 0


def _second_digit(value: float) -> int:
    """The power of ten of the second digit of the value as rounded to it: of 0.0999, that of 0.10."""
    return int(f"{value:.1e}".partition("e")[2]) - 1


def _rounded(value: float, place: int) -> tuple[Decimal, int]:
    """The value rounded to ``10**place`` at best, and the place: a float holds only so many digits."""
    place = max(place, _magnitude(value) - MOST_DIGITS + 1)
    return Decimal(value).quantize(Decimal((0, (1,), place))) + 0, place  # + 0: no −0


def _last_place_needed(value: float, place: int) -> int:
    """The power of ten of the last digit that is not zero, of those down to a place."""
    rounded, _ = _rounded(value, place)
    return int(rounded.normalize().as_tuple().exponent) if rounded else 0


def sparkline(values: Sequence[float] | Array, probabilities: Sequence[float] | Array, width: int = 14) -> str:
    """A density in one line, from fine percentiles.

    `values` are the quantiles at `probabilities` (percent, ascending). The axis is linear or, where all are
    positive, logarithmic, whichever leaves P5 and P95 more nearly as far from P50. A constant gives an empty text.
    """
    import numpy as np

    quantiles = np.asarray(values, dtype=float)
    if not np.isfinite(quantiles).all() or quantiles[0] == quantiles[-1]:
        return ""
    quantiles = np.ldexp(quantiles, -int(np.frexp(np.abs(quantiles).max())[1]))  # so that no difference overflows
    if quantiles[0] > 0:
        logarithms = np.log(quantiles)
        quantiles = min(quantiles, logarithms, key=lambda at: _lopsidedness(np.interp([5, 50, 95], probabilities, at)))
    edges = np.linspace(quantiles[0], quantiles[-1], width + 1)
    below = np.interp(edges, quantiles, np.asarray(probabilities, dtype=float))
    below[0] = probabilities[0]  # of a value that repeats, np.interp has the last
    masses = np.diff(below)
    levels = np.ceil(masses / masses.max() * 8).astype(int).clip(0, 8)
    return "".join(" ▁▂▃▄▅▆▇█"[level] for level in levels).replace(" ", "▁")


def _lopsidedness(band: Array) -> float:
    low, middle, high = band.tolist()
    return abs(low + high - 2 * middle) / (high - low) if high > low else 0.0
