"""The picture of a sweep: a band a choice along the values of the prior, and how often each is the best."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator

from simulate import plotting
from simulate.decisions.report import first_of
from simulate.figures import shortened
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, plain
from simulate.results import Result
from simulate.runs.report import circumstances
from simulate.sweeps.report import scale_of, swept_scale

HEIGHT, SHARES_HEIGHT = 4.2, 2.0  # inches of a panel
WIDE = 3  # choices, of which whole bands are drawn; of more, their middles
SHOWN = 0.5  # the least share of scenarios in which a choice gives a number, where its band is drawn


def plots(result: Result) -> dict[str, Figure]:
    """The picture of a sweep, by its name: a panel a quantity, and below the shares of being the best."""
    shown = plotting.fitting(result.labels("quantity"), [HEIGHT] * len(result.labels("quantity")))
    judged = len(result.labels("choice")) > 1
    figure, axes = plotting.stacked(
        [*[HEIGHT] * len(shown), *([SHARES_HEIGHT] if judged else [])], 0.8, result.attributes["title"]
    )
    for axis, name in zip(axes, shown, strict=False):
        _bands(axis, result, name)
    if judged:
        _shares(axes[-1], result)
    swept = result.coordinates["swept"]
    unit = swept_scale(result).unit(swept.unit)
    axes[-1].set_xlabel(plain(f"{swept.label} [{unit}]" if unit else swept.label), fontsize=FONT_SIZE, color=INK)
    drawn = f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"
    low, _, high = _percents(result)
    dots = "     dots: measured" if "measured" in result else ""
    shapes = f"line: P50{dots}     shade: P{low} to P{high}, where half of the scenarios or more give a number"
    plotting.footnote(figure, f"{shapes}     ({drawn})", circumstances(result.provenance))
    return {"sweep": figure}


def _bands(axis: Axes, result: Result, name: str) -> None:
    percents = result["fine_percentile"]
    curves = result.at("fine_percentiles", quantity=name)  # choice, value, percentile
    scale, unit = scale_of(result, name), result.at("unit", quantity=name)
    plotting.heading(axis, f"{result.at('label', quantity=name)} [{scale.unit(unit)}]".removesuffix(" []"))
    possible = result["probability_finite"] >= SHOWN
    if not possible.any() or not plotting.can_be_drawn(curves[possible]):
        plotting.say_instead(axis, plotting.TOO_LARGE)
        return
    at = np.array(result.labels("swept")) / 10.0 ** swept_scale(result).exponent
    for place, option in enumerate(result.labels("choice")):
        here = possible[place]
        ends = [np.interp(each, percents, curve) for each in _percents(result) for curve in curves[place, here]]
        low, middle, high = np.reshape(ends, (3, -1)) / 10.0**scale.exponent
        colour = PALETTE[place % len(PALETTE)]
        label = plain(shortened(result.at("choice_label", choice=option), 30))
        axis.fill_between(at[here], low, high, color=colour, alpha=0.12, linewidth=0)
        axis.plot(at[here], middle, _line(place), color=colour, linewidth=1.8, label=label)
        axis.plot(*_measured(result, name, option), "o", color=colour, markersize=4.5, markeredgecolor="white")
    if (curves[possible][:, 0] > 0).all():
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(plotting.TickLabels())
    axis.yaxis.set_minor_formatter(NullFormatter())
    _dress(axis, at)
    if len(result.labels("choice")) > 1:
        axis.legend(fontsize=FONT_SIZE - 2, frameon=False, ncols=2)


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
    colours = [PALETTE[place % len(PALETTE)] for place in range(len(shares))]
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
    if at[0] > 0 and at[-1] > 4 * at[0]:
        axis.set_xscale("log")
    if len(at) > 1:
        axis.set_xlim(at[0], at[-1])
    axis.xaxis.set_major_locator(FixedLocator(at[:: -(-len(at) // plotting.MOST_TICKS)]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(plotting.TickLabels())
