"""The picture of a decision: the choices' bands on one axis, and what each prior is worth finding out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.decisions.report import (
    SHARE_DIGITS,
    alike,
    chance_of,
    cost_of,
    first_of,
    headline,
    information_scale,
    maximizes,
    scale_of,
    worth_telling,
)
from simulate.figures import share_text
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, Extent
from simulate.results import Result
from simulate.runs.report import circumstances

NAMES = 200.0  # points of the names at the left


def plots(result: Result) -> dict[str, Figure]:
    """The picture of a decision, by its name.

    Above are bands of each choice with how often it is best and its expected regret, below bars of the EVPPI.
    """
    listed = worth_telling(result) if plotting.can_be_drawn([result.at("evpi")]) else []
    heights = [0.9 + 0.62 * len(result.labels("choice"))]
    if listed:
        heights.append(0.9 + 0.3 * (len(listed) + 1))
    beneath = ", ".join(filter(None, (result.attributes["title"], circumstances(result.provenance))))
    figure, axes = plotting.stacked(heights, 0.5, headline(result), beneath)
    _bands(axes[0], result)
    if listed:
        _bars(axes[1], result, listed)
    drawn = f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"
    plotting.footnote(figure, f"{plotting.BAND_SHAPES}     ({drawn})")
    return {"decide": figure}


def _bands(axis: Axes, result: Result) -> None:
    cost, label, unit = cost_of(result)
    choices, percents = result.labels("choice"), result["fine_percentile"]
    scale = information_scale(result)
    power = 10.0**scale.exponent
    curves = result.at("fine_percentiles", quantity=cost)
    if not plotting.can_be_drawn(curves):
        plotting.only_scale(axis)
        axis.set_yticks([])
        plotting.heading(axis, label)
        plotting.say_instead(axis, plotting.TOO_LARGE)
        return
    extent = _extent(result, curves / power)
    plotting.set_view(axis, extent)
    beside: dict[str, Any] = {"transform": axis.get_yaxis_transform(), "ha": "center", "va": "center"}
    best = alike(result)
    weights = ["bold" if choice in best else "normal" for choice in choices]
    for row, (choice, grid, weight) in enumerate(zip(choices, curves / power, weights, strict=True)):
        colour = PALETTE[row % len(PALETTE)]
        if grid[0] < grid[-1]:
            least, most = (result.at(end, quantity=cost, choice=choice) / power for end in ("minimum", "maximum"))
            logarithmic = extent.logarithmic
            shape = plotting.density(grid, percents, logarithmic=logarithmic, ends=(least, most), view=extent.view)
            plotting.draw_density(axis, shape, colour, alpha=0.25, foot=row, height=-0.62)
        mean = result.at("mean", quantity=cost, choice=choice) / power
        plotting.band(axis, grid, percents, row, colour, thick=7, mean=mean)
        regret = scale.figure(*result.estimate("expected_regret", choice=choice))
        for place, text in ((1.07, chance_of(result, choice)), (1.19, regret)):
            axis.text(place, row, text, fontsize=FONT_SIZE, fontweight=weight, color=INK, **beside)
    for place, text in ((1.07, f"{first_of(result)} in"), (1.19, "regret")):
        axis.text(place, -0.75, text, fontsize=FONT_SIZE - 2, color=MUTED, **beside)
    plotting.name_rows(axis, [*result["choice_label"]], NAMES)
    for written, weight in zip(axis.get_yticklabels(), weights, strict=True):
        written.set_fontweight(weight)
    axis.set_ylim(len(choices) - 0.55, -0.8)
    axis.set_xlim(*extent.view)
    plotting.dress(axis, label, scale.unit(unit))


def _extent(result: Result, curves: Array) -> Extent:
    """What the axis of the bands shows."""
    low, high = (np.array([np.interp(each, result["fine_percentile"], curve) for curve in curves]) for each in (5, 95))
    means = result.at("mean", quantity=cost_of(result)[0]) / 10.0 ** information_scale(result).exponent
    least, most = min(curves.min(), means.min()), max(curves.max(), means.max())
    return Extent(float(low.min()), float(high.max()), float(least), float(most))


def _bars(axis: Axes, result: Result, listed: Sequence[tuple[str, float, float]]) -> None:
    evpi, evpi_error = result.estimate("evpi")
    scale = information_scale(result)
    power = 10.0**scale.exponent
    bars = [("everything (EVPI)", evpi, evpi_error)]
    bars += [(result.at("prior_label", prior=name), value, error) for name, value, error in listed]
    for row, (_, value, error) in enumerate(bars):
        reach = 2 * error if 2 * error > 0.005 * evpi else 0.0  # a smaller one is but a dot
        colour = PALETTE[0] if row else "#BBBBBB"
        axis.barh(row, value / power, xerr=reach / power or None, height=0.64, color=colour, ecolor=INK)
        share = f"  ({share_text(value / evpi, error / evpi, SHARE_DIGITS)})" if row else ""
        text = f"{scale_of(result, [value], [error]).figure(value, error)}{share}"
        plotting.label_end(axis, text, (value + reach) / power, row)
    plotting.name_rows(axis, [name for name, _, _ in bars], NAMES, size=FONT_SIZE - 1)
    axis.set_ylim(len(bars) - 0.5, -0.6)
    axis.set_xlim(0, evpi / power * 1.14)
    heading = f"Worth finding out before deciding: expected {'gain' if maximizes(result) else 'saving'}"
    plotting.dress(axis, heading, scale.unit(cost_of(result)[2]))
