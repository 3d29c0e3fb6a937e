"""Numbers and names as text: no digit that the standard error does not support."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulate.graph import Array

SIGNIFICANT_DIGITS = 4
EXACT_DIGITS = 6  # of figures without sampling error, so that 591,864 stays itself
MOST_DECIMALS = 6  # of a standard error, beyond which it is written with an exponent
SCALES = {0: "", 3: "thousand", 6: "million", 9: "billion", 12: "trillion"}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """How the figures of a row are written: in units of ``10**exponent``, to ``10**place`` at best."""

    exponent: int
    place: int
    digits: int

    def unit(self, unit: str) -> str:
        """The unit with the scale before it: ``million USD``; the ratio unit ``1`` is not written.

        A scale that the unit has already is taken into it: thousands of ``million USD`` are in ``billion USD``.
        """
        exponent = self.exponent
        if word := re.match(r"(thousand|million|billion|trillion)(?: |(?=/)|$)", unit):
            exponent += next(each for each, name in SCALES.items() if name == word[1])
            unit = unit[word.end() :]
            unit = f"1{unit}" if unit[:1] in {"", "/"} else unit
        power = SCALES.get(exponent, "×10" + str(exponent).translate(SUPERSCRIPTS))
        return " ".join(part for part in (power, "" if unit == "1" else unit) if part)

    def figure(self, value: float, standard_error: float = 0.0) -> str:
        """The value on this scale, without unit; a dash where it is not a number."""
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        place = max(self.place, _last_place(value, standard_error, self.digits))
        decimals = max(0, self.exponent - place)
        # Rounded in decimal places of the unscaled value, so that 123 ± 20 becomes 100 and not 123.
        scaled = round(value / 10.0**self.exponent, self.exponent - place)
        return f"{scaled + 0.0:,.{decimals}f}".replace("-", "−")

    def error(self, standard_error: float) -> str:
        """A standard error on this scale, to two digits; 0 where there is none."""
        if not math.isfinite(standard_error) or not standard_error:
            return "–" if standard_error else "0"
        place = _magnitude(standard_error) - 1
        decimals = max(0, self.exponent - place)
        if decimals > MOST_DECIMALS:
            return f"{standard_error / 10.0**self.exponent:.1e}"
        return f"{round(standard_error, -place) / 10.0**self.exponent:,.{decimals}f}"


def row_scale(values: Sequence[float], standard_errors: Sequence[float]) -> Scale:
    """Choose one scale for the figures of a row, which share their last place where each keeps two digits.

    The last digit written stands at or above the size of the standard error, and there are at most four
    digits. Figures without sampling error show up to six, and as few as they need.
    """
    finite = [(abs(v), s) for v, s in zip(values, standard_errors, strict=True) if math.isfinite(v) and v != 0]
    if not finite:
        return Scale(0, 0, SIGNIFICANT_DIGITS)
    exact = all(s == 0 for _, s in finite)
    digits = EXACT_DIGITS if exact else SIGNIFICANT_DIGITS
    magnitudes = sorted(_magnitude(value) for value, _ in finite)
    middle = magnitudes[len(magnitudes) // 2]
    plain = -4 <= middle < digits
    exponent = 0 if plain else 3 * (middle // 3)
    if exact:
        place = min(_last_place_needed(value, digits) for value, _ in finite)
    else:
        place = min(max(_last_place(value, error, digits) for value, error in finite), magnitudes[0] - 1)
    return Scale(exponent, place, digits)


def percent_text(share: float, error: float) -> str:
    """A share in per cent, to the digit that its standard error supports; a dash where it is not a number."""
    if math.isnan(share):
        return "–"
    return f"{row_scale([100 * share], [100 * error]).figure(100 * share, 100 * error)} %"


def outer_and_middle(percents: Sequence[float]) -> set[int]:
    """The places of the percentiles that a narrow table keeps: the outermost and the one next to the median."""
    middle = min(range(len(percents)), key=lambda place: abs(percents[place] - 50))
    return {0, middle, len(percents) - 1}


def shortened(text: str, length: int) -> str:
    """The text, ended by an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def with_unit(value: float, standard_error: float, unit: str) -> str:
    """One figure with its unit: ``758.8 million USD``."""
    scale = row_scale([value], [standard_error])
    return f"{scale.figure(value, standard_error)} {scale.unit(unit)}".rstrip()


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _last_place(value: float, standard_error: float, digits: int) -> int:
    """The power of ten of the last digit worth writing."""
    by_digits = _magnitude(value) - digits + 1 if value else -digits
    if math.isfinite(standard_error) and standard_error > 0:
        return max(by_digits, math.ceil(math.log10(standard_error)))
    return by_digits


def _last_place_needed(value: float, digits: int) -> int:
    """The power of ten of the last digit that is not zero among the first so many."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return int(exponent) - len(mantissa.rstrip("0").rstrip(".").replace(".", "")) + 1


def sparkline(values: Sequence[float] | Array, probabilities: Sequence[float] | Array, width: int = 14) -> str:
    """A density in one line, from fine percentiles.

    `values` are the quantiles at `probabilities` (percent, ascending). The axis is linear or, where all are
    positive, logarithmic, whichever leaves P5 and P95 more nearly as far from P50. A constant gives an empty text.
    """
    import numpy as np

    quantiles = np.asarray(values, dtype=float)
    if not np.isfinite(quantiles).all() or quantiles[0] == quantiles[-1]:
        return ""
    if quantiles[0] > 0:
        logarithms = np.log(quantiles)
        quantiles = min(quantiles, logarithms, key=lambda at: _lopsidedness(np.interp([5, 50, 95], probabilities, at)))
    edges = np.linspace(quantiles[0], quantiles[-1], width + 1)
    masses = np.diff(np.interp(edges, quantiles, np.asarray(probabilities, dtype=float)))
    levels = np.ceil(masses / masses.max() * 8).astype(int).clip(0, 8)
    return "".join(" ▁▂▃▄▅▆▇█"[level] for level in levels).replace(" ", "▁")


def _lopsidedness(band: Array) -> float:
    low, middle, high = band.tolist()
    return abs(low + high - 2 * middle) / (high - low) if high > low else 0.0
