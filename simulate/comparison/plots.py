"""Pictures of a comparison: overlaid bands, exceedance curves, waterfalls; each case in its own colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate.comparison import Band, Compared, Comparison
from simulate.comparison.bridge import Bridge
from simulate.comparison.report import shown_parts
from simulate.engine import GRID
from simulate.plots import (
    FONT_SIZE,
    INK,
    MUTED,
    PALETTE,
    WIDTH,
    bare_axis,
    density,
    figure_text,
    new_figure,
    plain,
    shortened,
    ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PERCENTS = np.array(GRID)


def figures(comparison: Comparison) -> dict[str, Figure]:
    """All pictures by the name of their file: bands, exceedance, and a waterfall for each alternative."""
    found = {"bands": bands(comparison), "exceedance": exceedance(comparison)}
    for case in comparison.alternatives:
        name = "waterfall" if len(comparison.alternatives) == 1 else f"waterfall-{case.name}"
        if figure := waterfall(comparison, case.name):
            found[name] = figure
    return found


def _colour(comparison: Comparison, case: str) -> str:
    place = [each.name for each in comparison.cases].index(case)
    return PALETTE[place % len(PALETTE)]


def _legend(figure: Figure, comparison: Comparison) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], color=_colour(comparison, case.name), linewidth=5, label=plain(shortened(case.label, 40))
        )
        for case in comparison.cases
    ]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(len(handles), 4),
        frameon=False,
        fontsize=FONT_SIZE,
    )


def _positive(bands: list[Band]) -> bool:
    return all(band.grid[0] > 0 for band in bands)


def _known(compared: Compared) -> dict[str, Band]:
    """The cases that have finite figures, in the unit of the baseline."""
    return {
        case: band
        for case, band in compared.cases.items()
        if np.isfinite(band.grid).all() and compared.units[case] == compared.unit
    }


def bands(comparison: Comparison) -> Figure:
    """Overlaid bands: for each quantity one axis, on it a density, and a band below it, of each case."""
    rows = list(comparison.quantities.values())
    lanes = 0.17 * len(comparison.cases)
    figure = new_figure(WIDTH, 1.0 + (0.95 + lanes) * len(rows))
    _legend(figure, comparison)
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axis, compared in zip(axes, rows, strict=True):
        bare_axis(axis, compared.label, compared.unit)
        known = _known(compared)
        logarithmic = bool(known) and _positive(list(known.values()))
        if logarithmic:
            axis.set_xscale("log")
        step = 0.28
        for case in comparison.cases:
            lane = -step * (1 + comparison.cases.index(case))
            if case.name in known:
                _band(axis, known[case.name], _colour(comparison, case.name), lane, logarithmic=logarithmic)
        axis.set_ylim(-step * (len(comparison.cases) + 0.8), 1.1)
        if not known:
            axis.set_xticks([])
            axis.text(0.5, 0.4, "no figures", transform=axis.transAxes, ha="center", color=MUTED)
            continue
        _widen(axis, logarithmic=logarithmic)
        ticks(axis, logarithmic=logarithmic)
    figure.supxlabel(
        f"thin line: P5 to P95     thick: P25 to P75     dot: P50     shape: density     "
        f"({comparison.scenarios:,} scenarios, seed {comparison.seed})",
        fontsize=FONT_SIZE - 2.5,
        color=MUTED,
    )
    return figure


def _band(axis: Axes, band: Band, colour: str, lane: float, *, logarithmic: bool) -> None:
    low, lower, middle, upper, high = np.interp([5, 25, 50, 75, 95], _PERCENTS, band.grid)
    if band.grid[0] < band.grid[-1]:
        at, heights = density(band.grid, _PERCENTS, logarithmic=logarithmic)
        axis.fill_between(at, 0, heights, color=colour, alpha=0.25, linewidth=0)
        axis.plot(at, heights, color=colour, linewidth=1.2)
        axis.plot([low, high], [lane, lane], color=colour, linewidth=1.6, solid_capstyle="butt")
        axis.plot([lower, upper], [lane, lane], color=colour, linewidth=6, solid_capstyle="butt")
    else:
        axis.plot([middle, middle], [lane, 1.0], color=colour, linewidth=1.6)
    axis.plot(
        [middle],
        [lane],
        "o",
        color="white",
        markeredgecolor=colour,
        markersize=6.5,
        markeredgewidth=1.6,
        zorder=5,
    )


def _widen(axis: Axes, *, logarithmic: bool) -> None:
    """Give an axis of a single value some width."""
    first, last = axis.get_xlim()
    if logarithmic and last / first < 1.5:
        middle = math.sqrt(first * last)
        axis.set_xlim(middle / 1.5, middle * 1.5)


def exceedance(comparison: Comparison) -> Figure:
    """Exceedance curves: for each quantity, in each case, the probability of more than x."""
    rows = list(comparison.quantities.values())
    across = min(len(rows), 2)
    down = -(-len(rows) // across)
    figure = new_figure(WIDTH, 0.9 + 2.5 * down)
    _legend(figure, comparison)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes[len(rows) :]:
        axis.set_visible(False)
    for axis, compared in zip(axes, rows, strict=False):
        known = _known(compared)
        logarithmic = bool(known) and _positive(list(known.values()))
        if logarithmic:
            axis.set_xscale("log")
        for case, band in known.items():
            at, above = band.grid, 100 - _PERCENTS
            if at[0] == at[-1]:  # a constant: one step
                at, above = at[[0, -1]], np.array([100.0, 0.0])
            axis.plot(at, above, color=_colour(comparison, case), linewidth=2)
        axis.set_ylim(-2, 102)
        axis.set_yticks([0, 25, 50, 75, 100], ["0 %", "", "50 %", "", "100 %"])
        axis.grid(visible=True, axis="y", color="#E4E4E4", linewidth=0.7)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="both", which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
        unit = "" if compared.unit == "1" else f" [{compared.unit}]"
        axis.set_title(
            plain(shortened(f"P({compared.label} > x){unit}", 56)), loc="left", fontsize=FONT_SIZE, color=INK
        )
        if known:
            _widen(axis, logarithmic=logarithmic)
            ticks(axis, logarithmic=logarithmic)
            axis.xaxis.set_major_locator(_fewer(axis))
    return figure


def _fewer(axis: Axes, most: int = 5) -> Any:
    """At most so many of an axis's ticks: half-width panels hold no more."""
    from matplotlib.ticker import FixedLocator

    first, last = axis.get_xlim()
    places = [place for place in axis.xaxis.get_majorticklocs() if first <= place <= last]
    return FixedLocator(places[:: -(-len(places) // most) or 1])


def waterfall(comparison: Comparison, case: str) -> Figure | None:
    """The bridge to one case: for each quantity, the parts of its first statistic from the baseline on.

    None where nothing has changed.
    """
    panels = [
        (compared, next(iter(bridges.items())))
        for compared in comparison.quantities.values()
        if (bridges := compared.alternatives[case].bridges) and shown_parts(next(iter(bridges.values())))
    ]
    if not panels:
        return None
    counts = [len(_bars(bridge, "", "")) for _, (_, bridge) in panels]
    labels = {each.name: each.label for each in comparison.cases}
    title = f"From {labels[comparison.baseline.name]} to {labels[case]}"
    figure = new_figure(WIDTH, 0.8 + sum(0.75 + 0.27 * count for count in counts), title)
    ratios = [0.75 + 0.27 * count for count in counts]
    axes = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
    logarithmic = comparison.scale == "log"
    for axis, (compared, (statistic, bridge)) in zip(axes, panels, strict=True):
        name = statistic if statistic == "mean" else f"P{statistic:g}"
        unit = "" if compared.unit == "1" else f" [{compared.unit}]"
        axis.set_title(
            plain(f"{compared.label}, {name}{unit}"),
            loc="left",
            fontsize=FONT_SIZE,
            fontweight="bold",
            color=INK,
        )
        bars = _bars(bridge, labels[comparison.baseline.name], labels[case])
        _falls(
            axis,
            bars,
            [_colour(comparison, each) for each in (comparison.baseline.name, case)],
            log=logarithmic,
        )
    return figure


def _bars(bridge: Bridge, first: str, last: str) -> list[tuple[str, float]]:
    """The rows of a waterfall: the baseline's value, the parts, the others as one, the alternative's value."""
    names = shown_parts(bridge)
    parts = {part.name: part.value for part in bridge.parts}
    others = [value for name, value in parts.items() if name not in names and value]
    rest = [(f"{len(others)} others", math.fsum(others))] if others else []
    return [
        (first, bridge.baseline),
        *((name, parts[name]) for name in names),
        *rest,
        (last, bridge.alternative),
    ]


def _falls(axis: Axes, bars: list[tuple[str, float]], colours: list[str], *, log: bool) -> None:
    up, down = PALETTE[4], PALETTE[5]
    if log:
        axis.set_xscale("log")
    level = bars[0][1]
    levels = [level]
    for _, part in bars[1:-1]:
        level = level * math.exp(part) if log else level + part
        levels.append(level)
    low, high = (min(levels), max(levels)) if log else (min(0.0, *levels), max(0.0, *levels))
    base = low / 1.3 if log else 0.0
    for row, (name, value) in enumerate(bars):
        if row in {0, len(bars) - 1}:
            axis.barh(row, value - base, left=base, height=0.62, color=colours[bool(row)])
            text, end = figure_text(value, 3), max(value, base)
        else:
            before, after = levels[row - 1], levels[row]
            axis.barh(row, after - before, left=before, height=0.62, color=up if value > 0 else down)
            sign = "+" if value > 0 else "−"
            text = f"× {math.exp(value):.3g}" if log else f"{sign}{figure_text(abs(value), 3)}"
            end = max(before, after)
        axis.annotate(
            text,
            (end, row),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=FONT_SIZE - 2,
            color=INK,
        )
        if row < len(bars) - 1:
            axis.plot([levels[row]] * 2, [row - 0.31, row + 1.31], color=MUTED, linewidth=0.7)
        del name
    axis.set_yticks(
        range(len(bars)), [plain(shortened(name, 34)) for name, _ in bars], fontsize=FONT_SIZE - 1.5
    )
    axis.set_ylim(len(bars) - 0.4, -0.6)
    axis.set_xlim(
        *((base, high * (high / low) ** 0.16 * 1.1) if log else (low * 1.05, high + 0.14 * (high - low)))
    )
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(MUTED)
    ticks(axis, logarithmic=log)
