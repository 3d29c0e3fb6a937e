"""The house's style of pictures: sizes, colours, axes, ticks and densities; pyplot is never imported."""

import math
import textwrap
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, Formatter, MaxNLocator, NullFormatter

from simulate.errors import printable
from simulate.figures import row_scale, shortened
from simulate.graph import Array
from simulate.style import PictureWarning

# Okabe and Ito's palette, told apart with any kind of colour vision; cases take it in this order.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#222222"
MUTED = "#6B6B6B"
WIDTH = 10.0  # inches; a slide is 13.3 wide
HIGHEST = 30.0  # inches of the panels of a picture
FONT_SIZE = 11.0
BAND_SHAPES = "thin line: P5 to P95     thick: P25 to P75     dot: P50     shape: density"  # for a footnote
LONGEST_LINE = 150  # characters of a footnote
# The ticks of a logarithmic axis: the first of these multiples of powers of ten that give three or more.
TICK_MANTISSAS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 1.7, 2, 2.5, 3, 4, 5, 6, 7, 8, 9))

LEAST, MOST = 1e-150, 1e150  # that can be drawn: matplotlib's own squares and differences stay floats
TOO_LARGE = "too large or too small to be drawn"
FEWEST_TICKS, MOST_TICKS = 3, 12
REPEATED = 4  # fine percentiles, 2 % of the probability, from which a single value is one


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """An empty figure in the house's style, inches wide and high, its title at the left."""
    layout = ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.1, hspace=0.04)
    figure = Figure(figsize=(width, height), layout=layout, facecolor="white")
    if title:
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize=FONT_SIZE + 3, fontweight="bold", color=INK)
    return figure


def stacked(heights: Sequence[float], margin: float, title: str = "") -> tuple[Figure, list[Axes]]:
    """A figure of panels one below the other, inches high, with so much more for what is around them."""
    figure = new_figure(WIDTH, margin + sum(heights), title)
    axes = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})
    return figure, list(axes[:, 0])


def fitting(names: Sequence[str], heights: Iterable[float], what: str = "quantities") -> list[str]:
    """The names whose panels, so many inches high, fit into one picture; the first at least. Warns of the others."""
    below = accumulate(heights)
    shown = [name for place, (name, end) in enumerate(zip(names, below, strict=True)) if not place or end <= HIGHEST]
    if len(shown) < len(names):
        told = f"pictures show the first {len(shown)} of {len(names)} {what}; name those that matter"
        warnings.warn(told, PictureWarning, stacklevel=2)
    return shown


def footnote(figure: Figure, *lines: str) -> None:
    """Tell beneath a figure how it is read, and under which conditions it was drawn; empty lines are left out."""
    if told := "\n".join(plain(shortened(line, LONGEST_LINE)) for line in lines if line):
        figure.supxlabel(told, fontsize=FONT_SIZE - 2.5, color=MUTED)


def plain(text: str) -> str:
    """Text of a file as matplotlib shall show it: no mathematics, no control characters."""
    return printable(text).replace("$", r"\$")


def spans(axis: Axes, ends: Sequence[float] | Array, row: float | Array, colour: str, *, thick: float) -> None:
    """A band's lines at a height of an axis, from its P5, P25, P75 and P95: a thin one and one so many points thick.

    Ends of shape (4, bands) are those of several, at as many heights.
    """
    low, lower, upper, high = ends
    for start, end, width in ((low, high, thick / 4), (lower, upper, thick)):
        axis.plot(np.stack([start, end]), np.stack([row, row]), color=colour, linewidth=width, solid_capstyle="butt")


def band(axis: Axes, values: Array, percents: Array, row: float, colour: str, *, thick: float, edge: str = INK) -> None:
    """The band of fine percentiles at a height of an axis: its lines, of a constant none, and a dot at its P50."""
    if values[0] < values[-1]:
        spans(axis, np.interp([5, 25, 75, 95], percents, values), row, colour, thick=thick)
    dot: dict[str, Any] = {"markersize": thick, "markeredgecolor": edge, "markeredgewidth": thick / 5, "zorder": 5}
    axis.plot([np.interp(50, percents, values)], [row], "o", color="white", **dot)


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


class Shape(NamedTuple):
    """A distribution as it is drawn: a density at places of the axis and spikes at single values, at most 1 high."""

    at: Array
    heights: Array
    spikes: Array
    spike_heights: Array


def density(
    values: Array, percents: Array, *, logarithmic: bool, ends: tuple[float, float] = (-math.inf, math.inf)
) -> Shape:
    """A smooth density from fine percentiles, on a logarithmic axis that of the logarithm, within the `ends`.

    Values that repeat are spikes. Spikes and density are as high, one beside the other, as they are probable.
    """
    weights = np.diff(percents, prepend=0.0)
    distinct, first, counts = np.unique(values, return_index=True, return_counts=True)
    single = counts >= REPEATED
    if np.count_nonzero(single) >= len(distinct) / 2:  # the others are but rarer values
        single[:] = True
    masses, smooth = np.add.reduceat(weights, first)[single], np.repeat(~single, counts)
    rest = weights[smooth].sum()
    most = max(rest, masses.max(initial=0.0))
    at, heights = np.empty(0), np.empty(0)
    if rest:
        at, heights = _smooth(values[smooth], weights[smooth], percents[-1], ends, logarithmic=logarithmic)
    return Shape(at, heights * (rest / most), distinct[single], masses / most)


def _smooth(
    values: Array, weights: Array, last: float, ends: tuple[float, float], *, logarithmic: bool, points: int = 160
) -> tuple[Array, Array]:
    """Places on the axis and heights, of which the greatest is 1: a Gaussian kernel takes the steps out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        at, (low, high) = (np.log(each) if logarithmic else np.asarray(each) for each in (values, ends))
    percents = np.cumsum(weights) * (last / weights.sum())
    step = np.median(np.diff(at)[len(at) // 4 : -len(at) // 4]) if len(at) > 8 else 0.0
    spread = (np.interp(75, percents, at) - np.interp(25, percents, at)) / 1.35
    width = max(0.25 * spread, 2 * float(step), 1e-12 * abs(float(at[-1] - at[0])), LEAST)
    # Equally probable slices, each spread by the kernel, beyond the last percentile too; what would lie beyond an end
    # is reflected there.
    grid = np.linspace(np.fmax(at[0] - 2 * width, low), np.fmin(at[-1] + 2 * width, high), points)
    centres = [at, *(2 * end - at for end in (low, high) if np.isfinite(end))]
    heights = sum(np.exp(-0.5 * ((grid[:, None] - each[None, :]) / width) ** 2) @ weights for each in centres)
    return (np.exp(grid) if logarithmic else grid), heights / np.max(heights)


def draw_density(
    axis: Axes, shape: Shape, colour: str, *, alpha: float, foot: float = 0.0, height: float = 1.0, line: float = 0.0
) -> None:
    """Draw a shape from a foot on, its greatest height given; the density outlined where a line has a width."""
    if len(shape.at):
        tops = foot + height * shape.heights
        axis.fill_between(shape.at, foot, tops, color=colour, alpha=alpha, linewidth=0)
        if line:
            axis.plot(shape.at, tops, color=colour, linewidth=line)
    if len(shape.spikes):
        tops = foot + height * shape.spike_heights
        axis.vlines(shape.spikes, foot, tops, color=colour, alpha=min(1.0, 2 * alpha), linewidth=3)


def bare_axis(axis: Axes, label: str, unit: str) -> None:
    """An axis of which only the scale is drawn, its label and unit at the left."""
    axis.set_yticks([])
    axis.set_ylim(-0.75, 1.15)
    only_scale(axis)
    lines = textwrap.wrap(plain(label), 24)[:3] + ([] if unit == "1" else [f"[{plain(unit)}]"])
    axis.set_ylabel("\n".join(lines), rotation=0, ha="right", va="center", fontsize=FONT_SIZE, color=INK)


def dress(axis: Axes, title: str, unit: str = "") -> None:
    """What a drawn panel has around it: no frame, a heading with the unit where there is one, ticks."""
    only_scale(axis)
    ticks(axis)
    heading(axis, f"{title} [{unit}]" if unit else title)


def heading(axis: Axes, text: str, pad: float | None = None) -> None:
    """What an axis shows, above it, by so many points."""
    axis.set_title(plain(text), loc="left", fontsize=FONT_SIZE, fontweight="bold", color=INK, pad=pad)


def only_scale(axis: Axes) -> None:
    """Draw of an axis only the scale below it, and labels at the left without ticks."""
    axis.spines[["left", "top", "right"]].set_visible(False)
    axis.spines["bottom"].set_color(MUTED)
    axis.tick_params(axis="x", which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
    axis.tick_params(axis="y", length=0)


def figure_text(value: float, digits: int = 2, among: Sequence[float] = (), unit: str = "") -> str:
    """A value in words that fit a picture: ``190 million``; so many digits, or as tell apart those `among` which it is.

    The `unit` is not written.

    Zeros at the end are left out, except where it takes more digits and others among them have some there.
    """
    if not math.isfinite(value):
        return row_scale([value]).figure(value)
    place = row_scale([value], digits=digits, apart=among).place
    rounded = round(float(value), -place)
    scale = row_scale([rounded], apart=among)
    if place < row_scale([value], digits=digits).place:
        scale = replace(scale, place=row_scale([round(each, -place) for each in among], apart=among).place)
    return f"{scale.of(unit).figure(rounded)} {scale.unit('1')}".strip()


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

    def __init__(self, unit: str = "") -> None:
        self._unit = unit

    def __call__(self, value: float, pos: int | None = None) -> str:
        """The label of a value by itself."""
        del pos
        return figure_text(value, 4, unit=self._unit)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis, which a layout asks for again and again."""
        return _labels_apart(tuple(values), self._unit)


@lru_cache(maxsize=256)
def _labels_apart(values: tuple[float, ...], unit: str) -> list[str]:
    return [figure_text(value, 4, values, unit) for value in values]


def ticks(axis: Axes, unit: str = "") -> None:
    """Few ticks, labelled in million and billion, so that no two are labelled alike; the `unit` is that of the axis."""
    if is_logarithmic(axis):
        first, last = axis.get_xlim()
        many = (_log_ticks(first, last, mantissas) for mantissas in TICK_MANTISSAS)
        ticks = next((ticks for ticks in many if len(ticks) >= FEWEST_TICKS), None)
        if ticks is None:  # too narrow for round mantissas
            ticks = [tick for tick in map(float, MaxNLocator(5).tick_values(first, last)) if first <= tick <= last]
        small = _log_ticks(first, last, range(1, 10))
        axis.xaxis.set_major_locator(FixedLocator(ticks[:: -(-len(ticks) // MOST_TICKS)]))
        axis.xaxis.set_minor_locator(FixedLocator(small if len(small) < 10 * MOST_TICKS else []))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlim(first, last)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.xaxis.set_major_formatter(TickLabels(unit))


def _log_ticks(first: float, last: float, mantissas: Sequence[float]) -> list[float]:
    """Multiples of the powers of ten between two ends."""
    decades = range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1)
    places = [float(f"{mantissa}e{decade}") for decade in decades for mantissa in mantissas]
    return [place for place in places if first <= place <= last]
