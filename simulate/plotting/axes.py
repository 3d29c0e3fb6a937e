"""Axes in the house's style: what is around them, their scale and its ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, Formatter, MaxNLocator, NullFormatter

from simulate.figures import Scale, row_scale
from simulate.graph import Array
from simulate.plotting.heads import BESIDE, FONT_SIZE, INK, LINE, MUTED, POINTS, WIDTH, plain, text_points, wrapped
from simulate.plotting.shapes import LEAST, MOST

# The ticks of a logarithmic axis: the first of these multiples of powers of ten that give three or more.
TICK_MANTISSAS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 1.7, 2, 2.5, 3, 4, 5, 6, 7, 8, 9))

TOO_LARGE = "too large or too small to be drawn"
FEWEST_TICKS, MOST_TICKS = 3, 12
LINEAR_TICKS = 6
AXIS = 450.0  # points that an axis is wide at least
STEPS = (1, 2, 2.5, 5, 10)  # of a linear axis
WIDE = 8  # how many times P5 the P95 is, above which an axis is logarithmic
LOGARITHMIC = "log scale"
HEADING = 500.0  # points of a heading
LABEL = 150.0  # points of the label at the left of an axis
AROUND = 0.25  # of a single value, on either side of it
MARGIN = 0.03  # of the width of what is drawn, on either side
LEAST_SHARE = 1 / 3  # of an axis that panels share, from P5 to P95 of each
MARGINS = 45.0  # points that an axis leaves to its sides, beside that


def can_be_drawn(values: Sequence[float] | Array) -> bool:
    """Whether all values are finite, and neither too large nor all too small for an axis."""
    largest = np.max(np.abs(values))
    return bool(np.isfinite(values).all() and (largest == 0 or LEAST < largest < MOST))


def say_instead(axis: Axes, text: str) -> None:
    """Leave an axis without a scale, and say why in its middle."""
    axis.set_xticks([])
    axis.text(0.5, 0.4, text, transform=axis.transAxes, ha="center", color=MUTED)


def is_logarithmic(axis: Axes) -> bool:
    """Whether the x axis is."""
    return axis.get_xscale() == "log"


def label_lines(label: str, unit: str, *, logarithmic: bool) -> list[str]:
    """What stands at the left of an axis: its label, the unit, and whether the scale is logarithmic."""
    unit_lines = [] if unit in {"", "1"} else wrapped(f"[{unit}]", LABEL, FONT_SIZE)
    return [*wrapped(label, LABEL, FONT_SIZE), *unit_lines, *([LOGARITHMIC] if logarithmic else [])]


def bare_axis(axis: Axes, lines: Sequence[str]) -> None:
    """An axis of which only the scale is drawn, lines of text at its left."""
    axis.set_yticks([])
    axis.set_ylim(-0.75, 1.15)
    only_scale(axis)
    text = "\n".join(map(plain, lines))
    axis.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=FONT_SIZE, color=INK)


def lines_height(lines: Sequence[str]) -> float:
    """How many inches the lines at the left of an axis take."""
    return (len(lines) + 0.5) * LINE * FONT_SIZE / POINTS


class Extent(NamedTuple):
    """What an axis is to show: from P5 to P95, with what stands beside, and how far there is anything to draw."""

    low: float
    high: float
    least: float
    most: float
    still: bool = False  # a single value, around which there is nothing to draw

    @property
    def logarithmic(self) -> bool:
        """Whether it is so wide that a linear axis would show only its upper end."""
        return self.low > 0 and self.high > WIDE * self.low

    @property
    def width(self) -> float:
        """From the low to the high end, on its scale."""
        return math.log(self.high) - math.log(self.low) if self.logarithmic else self.high - self.low

    def joined(self, *others: "Extent") -> "Extent":
        """What an axis of several shows."""
        lows, highs, leasts, mosts, still = zip(self, *others, strict=True)
        return Extent(min(lows), max(highs), min(leasts), max(mosts), all(still))

    def share_of(self, whole: "Extent") -> float:
        """How much of the width of another it takes, on the scale of that."""
        if whole.logarithmic:
            return (math.log(self.high) - math.log(self.low)) / whole.width
        return (self.high - self.low) / whole.width

    @property
    def view(self) -> tuple[float, float]:
        """The ends of an axis: as far as there is anything, but no farther out than the band is wide."""
        if not self.logarithmic and (self.still or not self.width):
            around = AROUND * max(abs(self.low), abs(self.high)) or 1.0
            return min(self.least, self.low - around), max(self.most, self.high + around)
        to, back = (math.log, math.exp) if self.logarithmic else (float, float)
        low, high = to(self.low), to(self.high)
        least, most = (to(each) if each > 0 or not self.logarithmic else -math.inf for each in (self.least, self.most))
        first, last = max(least, low - self.width), min(most, high + self.width)
        margin = MARGIN * (last - first)
        return back(first - margin), back(last + margin)


def shared(extents: Sequence[Extent | None], units: Sequence[str]) -> list[Extent | None]:
    """What the axis of each panel shows: panels of a unit share one where each still takes its part of it."""
    groups = list[list[int]]()
    for place, (own, unit) in enumerate(zip(extents, units, strict=True)):
        for group in groups if own and unit != "1" else ():
            members = [each for other in (*group, place) if (each := extents[other])]
            whole = members[0].joined(*members[1:])
            if (
                extents[group[0]]
                and unit == units[group[0]]
                and all(each.still or each.share_of(whole) >= LEAST_SHARE for each in members)
            ):
                group.append(place)
                break
        else:
            groups.append([place])
    found = [*extents]
    for group in groups:
        members = [each for place in group if (each := extents[place])]
        view = members[0].joined(*members[1:]) if members else None
        for place in group:
            found[place] = view
    return found


def set_view(axis: Axes, extent: Extent) -> None:
    """Give an axis the scale and the ends of what it shows."""
    axis.set_xscale("log" if extent.logarithmic else "linear")
    axis.set_xlim(*extent.view)


def share_of_axis(axis: Axes, value: float) -> float:
    """How far along the x axis a value stands, 0 at the left and 1 at the right."""
    first, last = axis.get_xlim()
    if is_logarithmic(axis):
        return (math.log(value) - math.log(first)) / (math.log(last) - math.log(first)) if value > 0 else -math.inf
    return (value - first) / (last - first)


def axis_points(lines: Sequence[str]) -> float:
    """How many points wide an axis of a picture is, at least, beside lines of text."""
    beside = max((text_points(line, FONT_SIZE) for line in lines), default=0.0)
    return POINTS * WIDTH - beside - MARGINS


def titled(label: str, unit: str = "", *, logarithmic: bool = False) -> str:
    """A heading: what an axis shows, with its unit and whether its scale is logarithmic."""
    beside = ", ".join([*([unit] if unit not in {"", "1"} else []), *([LOGARITHMIC] if logarithmic else [])])
    return f"{label} [{beside}]" if beside else label


def dress(axis: Axes, title: str, unit: str = "", scale: Scale | None = None) -> None:
    """What a drawn panel has around it: no frame, a heading with the unit where there is one, ticks."""
    only_scale(axis)
    ticks(axis, scale)
    heading(axis, titled(title, unit, logarithmic=is_logarithmic(axis)))


def heading(axis: Axes, text: str, pad: float | None = None, points: float = HEADING) -> None:
    """What an axis shows, above it, by so many points, in lines that are so many points wide."""
    lines = wrapped(text, points, FONT_SIZE, bold=True)
    label, bracket, beside = text.rpartition(" [")
    if bracket and len(lines) > 1:  # which is not parted
        lines = [*wrapped(label, points, FONT_SIZE, bold=True), f"[{beside}"]
    axis.set_title("\n".join(map(plain, lines)), loc="left", fontsize=FONT_SIZE, fontweight="bold", color=INK, pad=pad)


def only_scale(axis: Axes) -> None:
    """Draw of an axis only the scale below it, and labels at the left without ticks."""
    axis.spines[["left", "top", "right"]].set_visible(False)
    axis.spines["bottom"].set_color(MUTED)
    axis.tick_params(axis="x", which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
    axis.tick_params(axis="y", length=0)


def figure_text(value: float, digits: int = 2, among: Sequence[float] = (), scale: Scale | None = None) -> str:
    """A value in words that fit a picture: ``190 million``; so many digits, or as tell apart those `among` which it is.

    Where a `scale` is given it is written on that, without words. Zeros at the end are left out, except where it takes
    more digits and others among them have some there.
    """
    if not math.isfinite(value):
        return row_scale([value]).figure(value)
    place = row_scale([value], digits=digits, apart=among).place
    rounded = round(float(value), -place)
    own = row_scale([rounded], apart=among)
    if place < row_scale([value], digits=digits).place:
        own = replace(own, place=row_scale([round(each, -place) for each in among], apart=among).place)
    if scale:
        return replace(own, exponent=scale.exponent, separator=scale.separator).figure(rounded)
    return f"{own.figure(rounded)} {own.unit('1')}".strip()


def with_room(
    drawn: Sequence[float], labels: Sequence[tuple[float, float]], points: float, *, logarithmic: bool, least: float
) -> tuple[float, float, float]:
    """The ends of an axis that leave room for labels, and how many points these reach beyond its least end.

    A label stands at a value, and reaches so many of the axis's points to the right, or left below 0. The longest have
    half of the axis. The axis does not begin below the `least` value.
    """
    to, back = (math.log, math.exp) if logarithmic else (float, float)
    places, most = [*map(to, drawn)], points / 2
    reaches = [(to(value), max(min(reach, most), -most)) for value, reach in labels]
    floor = -math.inf if least <= 0 and logarithmic else to(least)
    low, high = min(places), max(places)
    for _ in range(20):
        per = (high - low) / points
        ends = [*places, *(value + reach * per for value, reach in reaches)]
        low, high = max(min(ends), floor), max(ends)
    per = (high - low) / points or 1.0
    beyond = max([0.0, *((low - value) / per - reach for value, reach in reaches)])
    return back(low), back(high), beyond


def name_rows(axis: Axes, names: Sequence[str], points: float, *, beyond: float = 0.0, size: float = FONT_SIZE) -> None:
    """Write names at the left of rows, from the top down, in lines so many points wide, so far from the axis."""
    lines = ["\n".join(map(plain, wrapped(name, points, size))) for name in names]
    axis.set_yticks(range(len(names)), lines, fontsize=size)
    axis.tick_params(axis="y", length=0, pad=BESIDE + beyond)


def label_end(axis: Axes, text: str, end: float, row: float, **style: Any) -> None:
    """Write a bar's figure at its end."""
    usual: dict[str, Any] = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
    axis.annotate(plain(text), (end, row), **{**usual, "fontsize": FONT_SIZE - 2, "color": INK, **style})


def widen(axis: Axes, values: Iterable[Array]) -> None:
    """Give a logarithmic axis some width where all that is drawn on it is a single value."""
    drawn = set(np.concatenate([*values]).tolist())
    if is_logarithmic(axis) and len(drawn) == 1:
        axis.set_xlim(*(value * factor for value in drawn for factor in (1 / 1.5, 1.5)))


class TickLabels(Formatter):
    """Labels of ticks with as many digits as tell them apart."""

    def __init__(self, scale: Scale | None = None) -> None:
        self._scale = scale

    def __call__(self, value: float, pos: int | None = None) -> str:
        """The label of a value by itself."""
        del pos
        return figure_text(value, 4, scale=self._scale)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis, which a layout asks for again and again."""
        return _labels_apart(tuple(values), self._scale)


@lru_cache(maxsize=256)
def _labels_apart(values: tuple[float, ...], scale: Scale | None) -> list[str]:
    return [figure_text(value, 4, values, scale) for value in values]


def ticks(axis: Axes, scale: Scale | None = None, points: float = AXIS) -> None:
    """Few ticks, no two labelled alike: on a scale, as of a table, or in words such as million.

    There are as many as their labels have room beside each other on so many points.
    """
    first, last = axis.get_xlim()

    def crowded(places: Sequence[float]) -> bool:
        labels = _labels_apart(tuple(places), scale)
        return sum(text_points(label, FONT_SIZE - 2) + 2 * BESIDE for label in labels) > points

    if is_logarithmic(axis):
        places = _round_places(first, last)
        small = _log_ticks(first, last, range(1, 10))
        strides = (places[::stride] for stride in range(1, len(places) + 1))
        axis.xaxis.set_major_locator(
            FixedLocator(next(each for each in strides if len(each) == 1 or not crowded(each)))
        )
        axis.xaxis.set_minor_locator(FixedLocator(small if len(small) < 10 * MOST_TICKS else []))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlim(first, last)
    else:
        counts = (count for count in range(LINEAR_TICKS, 0, -1) if not crowded(_linear_ticks(first, last, count)))
        axis.xaxis.set_major_locator(MaxNLocator(next(counts, 1), steps=STEPS))
    axis.xaxis.set_major_formatter(TickLabels(scale))


def upright_ticks(axis: Axes, scale: Scale | None = None) -> None:
    """The ticks of a logarithmic y axis, labelled as those of an x axis are."""
    axis.yaxis.set_major_locator(FixedLocator(_round_places(*axis.get_ylim())))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(TickLabels(scale))


def _round_places(first: float, last: float) -> list[float]:
    """Round values between two ends of a logarithmic axis, three or more."""
    many = (_log_ticks(first, last, mantissas) for mantissas in TICK_MANTISSAS)
    return next((places for places in many if len(places) >= FEWEST_TICKS), None) or _linear_ticks(first, last, 5)


def _linear_ticks(first: float, last: float, count: int) -> list[float]:
    """Round values between two ends, about so many."""
    places = map(float, MaxNLocator(count, steps=STEPS).tick_values(first, last))
    return [place for place in places if first <= place <= last]


def _log_ticks(first: float, last: float, mantissas: Sequence[float]) -> list[float]:
    """Multiples of the powers of ten between two ends."""
    decades = range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1)
    places = [float(f"{mantissa}e{decade}") for decade in decades for mantissa in mantissas]
    return [place for place in places if first <= place <= last]
