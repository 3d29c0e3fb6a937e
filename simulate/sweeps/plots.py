"""The picture of a sweep: a band a choice along the values of the prior, and how often each is the best."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator

from simulate import plotting
from simulate.decisions.report import first_of
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, INK, LINE, MUTED, PALETTE, POINTS, Extent, plain
from simulate.results import Result
from simulate.runs.report import circumstances
from simulate.sweeps.report import headline, scale_of, swept_scale

HEIGHT, SHARES_HEIGHT = 4.2, 2.0  # inches of a panel
WIDE = 3  # choices, of which whole bands are drawn; of more, their middles
MOST_KEYED = 6  # choices told apart by a key; more are labelled at their lines
PANEL = 0.85  # of the height of a panel, that its axis has
SHOWN = 0.5  # the least share of scenarios in which a choice gives a number, where its band is drawn


def plots(result: Result) -> dict[str, Figure]:
    """The picture of a sweep, by its name: a panel a quantity, and below the shares of being the best."""
    shown = plotting.fitting(result.labels("quantity"), [HEIGHT] * len(result.labels("quantity")))
    judged = len(result.labels("choice")) > 1
    heights = [*[HEIGHT] * len(shown), *([SHARES_HEIGHT] if judged else [])]
    beneath = ", ".join(filter(None, (result.attributes["title"], circumstances(result.provenance))))
    labels, colours = result["choice_label"], [_colour(place) for place in range(len(result.labels("choice")))]
    key = [*zip(labels, colours, strict=True)] if 1 < len(labels) <= MOST_KEYED else []
    figure, axes = plotting.stacked(heights, 0.5, headline(result), beneath, key)
    for axis, name in zip(axes, shown, strict=False):
        _bands(axis, result, name)
    if judged:
        _shares(axes[-1], result)
    swept = result.coordinates["swept"]
    unit = swept_scale(result).unit(swept.unit)
    along = plotting.titled(swept.label, unit, logarithmic=plotting.is_logarithmic(axes[-1]))
    axes[-1].set_xlabel(plain(along), fontsize=FONT_SIZE, color=INK)
    drawn = f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"
    low, _, high = _percents(result)
    dots = "     dots: measured" if "measured" in result else ""
    shapes = f"line: P50{dots}     shade: P{low} to P{high}, where half of the scenarios or more give a number"
    plotting.footnote(figure, f"{shapes}     ({drawn})")
    return {"sweep": figure}


def _bands(axis: Axes, result: Result, name: str) -> None:
    percents = result["fine_percentile"]
    curves = result.at("fine_percentiles", quantity=name)  # choice, value, percentile
    scale, unit = scale_of(result, name), result.at("unit", quantity=name)
    label = result.at("label", quantity=name)
    possible = result["probability_finite"] >= SHOWN
    if not possible.any() or not plotting.can_be_drawn(curves[possible]):
        plotting.heading(axis, plotting.titled(label, scale.unit(unit)))
        plotting.say_instead(axis, plotting.TOO_LARGE)
        return
    at = np.array(result.labels("swept")) / 10.0 ** swept_scale(result).exponent
    labels = result["choice_label"].tolist()
    lasts, ends_of = list[tuple[float, str, str]](), list[Array]()
    for place, option in enumerate(result.labels("choice")):
        here = possible[place]
        ends = [np.interp(each, percents, curve) for each in _percents(result) for curve in curves[place, here]]
        low, middle, high = np.reshape(ends, (3, -1)) / 10.0**scale.exponent
        colour = _colour(place)
        ends_of += [low, high]
        axis.fill_between(at[here], low, high, color=colour, alpha=0.12, linewidth=0)
        axis.plot(at[here], middle, _line(place), color=colour, linewidth=1.8, label=plain(labels[place]))
        lasts += [(float(end), labels[place], colour) for end in middle[-1:]]
        axis.plot(*_measured(result, name, option), "o", color=colour, markersize=4.5, markeredgecolor="white")
    least, most = (float(each(np.concatenate(ends_of))) for each in (np.min, np.max))
    if logarithmic := Extent(least, most, least, most).logarithmic:
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(plotting.TickLabels())
    axis.yaxis.set_minor_formatter(NullFormatter())
    plotting.heading(axis, plotting.titled(label, scale.unit(unit), logarithmic=logarithmic))
    _dress(axis, at)
    if len(result.labels("choice")) > MOST_KEYED:
        _label_lines(axis, lasts)


def _label_lines(axis: Axes, lasts: Sequence[tuple[float, str, str]]) -> None:
    """Write the choices at the ends of their lines, each as near to it as the others leave room."""
    size = FONT_SIZE - 2
    high, (first, last) = POINTS * HEIGHT * PANEL, axis.get_ylim()
    to = math.log if axis.get_yscale() == "log" else float
    order = sorted(((to(value) - to(first)) / (to(last) - to(first)), label, colour) for value, label, colour in lasts)
    gap, at = LINE * size / high, -math.inf
    room = max(1 + gap - gap * len(order), 0)
    for below, (share, label, colour) in enumerate(order):
        at = max(at + gap, min(share, room + gap * below))
        axis.text(1.01, at, plain(label), transform=axis.transAxes, color=colour, fontsize=size, va="center")


def _colour(place: int) -> str:
    return PALETTE[place % len(PALETTE)]


def _line(place: int) -> str:
    """The style of a choice's line: colours come again, dashed, where there are more choices than colours."""
    return "-" if place < len(PALETTE) else "--"


def _measured(result: Result, name: str, option: str) -> tuple[Array, Array]:
    """The values of the prior at which a quantity was measured of a choice, and what it was, in the picture's units."""
    if "measured" not in result:
        return np.empty(0), np.empty(0)
    here = (result["measured_quantity"] == name) & (result["measured_choice"] == option)
    at = result["measured_at"][here] / 10.0 ** swept_scale(result).exponent
    return at, result["measured"][here] / 10.0 ** scale_of(result, name).exponent


def _percents(result: Result) -> tuple[int, int, int]:
    """The percentiles that are drawn: bands of many choices would hide each other."""
    return (5, 50, 95) if len(result.labels("choice")) <= WIDE else (25, 50, 75)


def _shares(axis: Axes, result: Result) -> None:
    at = np.array(result.labels("swept")) / 10.0 ** swept_scale(result).exponent
    shares = 100 * result["probability_best"]
    colours = [_colour(place) for place in range(len(shares))]
    if len(at) > 1:
        areas = axis.stackplot(at, shares, colors=colours, alpha=0.75, linewidth=0)
        for area in areas[len(PALETTE) :]:
            area.set(hatch="//", edgecolor="white")
    axis.set_ylim(0, 100)
    plotting.heading(axis, f"Share of scenarios in which each is {first_of(result)} [%]")
    _dress(axis, at)


def _dress(axis: Axes, at: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
    axis.grid(axis="y", color=MUTED, alpha=0.2)
    axis.set_axisbelow(True)
    if Extent(float(at[0]), float(at[-1]), float(at[0]), float(at[-1])).logarithmic:
        axis.set_xscale("log")
    if len(at) > 1:
        axis.set_xlim(at[0], at[-1])
    axis.xaxis.set_major_locator(FixedLocator(at[:: -(-len(at) // plotting.MOST_TICKS)]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(plotting.TickLabels())
