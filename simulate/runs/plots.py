"""The picture of a run: each quantity's band on an axis of its own."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.figures import shortened
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, TOO_LARGE, figure_text, plain
from simulate.results import Result
from simulate.runs.report import circumstances, published_of
from simulate.spread import bounds

PUBLISHED = PALETTE[1]
PANEL = 1.12  # inches high


def plots(result: Result) -> dict[str, Figure]:
    """The pictures of a run by name."""
    return {"bands": bands(result)}


def bands(result: Result) -> Figure:
    """The bands of the quantities asked for: one row each on its own logarithmic axis, with published figures.

    A thick line spans P25 to P75, a thin one P5 to P95, a dot is P50, and above them stands the density.
    A quantity without any spread is a dot; one that is not positive throughout gets a linear axis.
    """
    asked = result.provenance["asked"]
    names = plotting.fitting(asked, [PANEL] * len(asked))
    figure, axes = plotting.stacked([PANEL] * len(names), 0.7, result.attributes["title"])
    for axis, name in zip(axes, names, strict=True):
        _band(axis, result, name)
    draws = f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"
    plotting.footnote(figure, f"{plotting.BAND_SHAPES}     ({draws})", circumstances(result.provenance))
    return figure


def _band(axis: Axes, result: Result, name: str) -> None:
    grid, percents = result.at("fine_percentiles", quantity=name), result["fine_percentile"]
    published = published_of(result, [name])
    unit = result.at("unit", quantity=name)
    plotting.bare_axis(axis, result.at("label", quantity=name) or name, unit)
    stated = [float(figure["value"]) for figure in published]
    if not plotting.can_be_drawn([*grid, *stated]):
        plotting.say_instead(axis, TOO_LARGE if np.isfinite(grid).all() else "not a number in some scenarios")
        return
    logarithmic = min([grid[0], *stated]) > 0
    axis.set_xscale("log" if logarithmic else "linear")
    middle = float(np.interp(50, percents, grid))
    varies = grid[0] < grid[-1]
    if varies:
        ends = result.at("minimum", quantity=name), result.at("maximum", quantity=name)
        shape = plotting.density(grid, percents, logarithmic=logarithmic, ends=ends)
        plotting.draw_density(axis, shape, PALETTE[5], alpha=0.35)
    elif logarithmic:
        axis.set_xlim(min([middle, *stated]) / 1.5, max([middle, *stated]) * 1.5)
    plotting.band(axis, grid, percents, 0, PALETTE[0], thick=8)
    for number, (value, figure) in enumerate(zip(stated, published, strict=True)):
        axis.plot([value, value], [-0.12, 0.95], color=PUBLISHED, linewidth=1.8, zorder=4)
        axis.text(
            value,
            1.0 + 0.25 * number,
            plain(shortened(f"{figure_text(value, 4, unit=unit)}, {figure['source']}", 60)),
            ha="right" if _share_of_axis(axis, value) > 0.5 else "left",
            va="bottom",
            fontsize=FONT_SIZE - 2.5,
            color=PUBLISHED,
        )
    kept = result.provenance.get("kept", {}).get("effective", result.attributes["scenarios"])
    sides, at = bounds([5, 50, 95], kept if varies else np.inf)
    _label_band(axis, np.interp(at, percents, grid).tolist(), sides.tolist(), unit, digits=2 if varies else 4)
    plotting.ticks(axis, unit)


def _label_band(axis: Axes, values: Sequence[float], sides: Sequence[str], unit: str, digits: int) -> None:
    """Write the percentiles below the band: each at its place, or in one text where they would overlap.

    `sides` says which are but bounds.
    """
    low, middle, high = values
    style: dict[str, Any] = {"va": "top", "ha": "center"}
    bold = {**style, "fontsize": FONT_SIZE, "fontweight": "bold", "color": INK}
    outer = {**style, "fontsize": FONT_SIZE - 2, "color": MUTED}
    places = [_share_of_axis(axis, value) for value in (low, middle, high)]
    lowest, median, highest = (
        f"{side} {figure_text(value, digits, values, unit)}".strip() for side, value in zip(sides, values, strict=True)
    )
    if low == high:
        axis.text(middle, -0.2, median, **bold)
    elif min(places[1] - places[0], places[2] - places[1]) < 0.14:
        text = f"{median}  ({lowest} to {highest})"
        side = "left" if places[1] < 0.2 else "right" if places[1] > 0.8 else "center"
        axis.text(middle, -0.2, text, **{**bold, "ha": side, "fontweight": "normal"})
    else:
        axis.text(middle, -0.2, median, **bold)
        for value, text in ((low, lowest), (high, highest)):
            axis.text(value, -0.2, text, **outer)


def _share_of_axis(axis: Axes, value: float) -> float:
    """How far along the x axis a value stands, 0 at the left and 1 at the right."""
    first, last = axis.get_xlim()
    if plotting.is_logarithmic(axis):
        return (math.log(value) - math.log(first)) / (math.log(last) - math.log(first))
    return (value - first) / (last - first)
