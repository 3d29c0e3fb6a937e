"""Pictures of a backtest: forecasts with their outcomes, and how the outcomes fall in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulate.plotting import FONT_SIZE, MUTED, PALETTE, WIDTH, new_figure, plain, shortened, ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUTCOME = PALETTE[1]


def forecast_bands(
    forecasts: Sequence[Mapping[int, float]],
    outcomes: Sequence[float],
    names: Sequence[str],
    axis_label: str,
    title: str = "",
) -> Figure:
    """Forecasts, by percentile, against their outcomes: one row each, sorted by P50, on a logarithmic axis.

    A thin line spans P5 to P95, a thick one P25 to P75; an outcome is a dot, hollow outside the thin line.
    """
    cases = sorted(zip(forecasts, outcomes, names, strict=True), key=lambda case: case[0][50])
    figure = new_figure(WIDTH, 1.4 + 0.24 * len(cases), title)
    axis = figure.subplots()
    for row, (at, outcome, _) in enumerate(cases):
        axis.plot([at[5], at[95]], [row, row], color=PALETTE[0], linewidth=1.2, solid_capstyle="butt")
        axis.plot([at[25], at[75]], [row, row], color=PALETTE[0], linewidth=4.5, solid_capstyle="butt")
        fill = OUTCOME if at[5] <= outcome <= at[95] else "white"
        axis.plot([outcome], [row], "o", markersize=6, color=OUTCOME, markerfacecolor=fill)
    axis.set_xscale("log")
    axis.set_ylim(-0.8, len(cases) - 0.2)
    labels = [plain(shortened(name, 58)) for _, _, name in cases]
    axis.set_yticks(range(len(cases)), labels, fontsize=FONT_SIZE - 2.5)
    axis.set_xlabel(axis_label, fontsize=FONT_SIZE - 1)
    ticks(axis, logarithmic=True)
    axis.grid(visible=True, axis="x", color="#DDDDDD", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.supxlabel(
        "thin line: P5 to P95     thick: P25 to P75     dot: outcome, hollow outside P5 to P95",
        fontsize=FONT_SIZE - 2.5,
        color=MUTED,
    )
    return figure


def pit_histogram(pits: Sequence[float], bins: int = 10) -> Figure:
    """Histogram of forecasts' probabilities of no more than the outcome: flat if they are calibrated.

    The shading spans the 5th to the 95th percentile of a bin's count if they are.
    """
    from matplotlib.ticker import MaxNLocator
    from scipy.special import bdtr

    cases = len(pits)
    counts, _ = np.histogram(pits, bins, (0, 1))
    cumulative = bdtr(np.arange(cases + 1), cases, 1 / bins)
    low, high = (int(np.searchsorted(cumulative, p)) for p in (0.05, 0.95))
    figure = new_figure(WIDTH * 0.6, 3.6, f"PIT of {cases} forecasts")
    axis = figure.subplots()
    axis.axhspan(low, high, color="#E6E6E6", linewidth=0)
    axis.axhline(cases / bins, color=MUTED, linewidth=1)
    axis.bar((np.arange(bins) + 0.5) / bins, counts, width=0.94 / bins, color=PALETTE[0])
    axis.set_xlim(0, 1)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("forecast probability of no more than the outcome", fontsize=FONT_SIZE - 1)
    axis.set_ylabel("cases", fontsize=FONT_SIZE - 1)
    axis.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(
        "shaded: 90 % of counts if calibrated     low PIT: outcome below the forecast",
        fontsize=FONT_SIZE - 2.5,
        color=MUTED,
    )
    return figure
