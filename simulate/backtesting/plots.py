"""Pictures of a backtest: forecasts with their outcomes, and how the outcomes fall in them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate.backtesting import serving, training
from simulate.backtesting.scores import BINS, pit_counts
from simulate.figures import shortened
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, WIDTH, footnote, new_figure, plain, spans, stacked, ticks
from simulate.results import Result

OUTCOME = PALETTE[1]
MOST = 150  # rows of a picture
NAMED = 24  # rows of a panel that have room for their names
ROW = 0.24  # inches of a row that has a name
UNNAMED = 1.1  # inches of the rows of a panel without
READING = "thin line: P5 to P95     thick: P25 to P75     dot: outcome, hollow outside P5 to P95"


def plots(result: Result) -> dict[str, Figure]:
    """The pictures by name: the training runs' bands with their outcomes, their PIT, and both of all other cases.

    The other cases, in many units, are over the P50 of their forecast, in a panel a group.
    """
    own = result["case_group"] == training.NAME
    title = "Training runs, each forecast without itself"
    drawn = {
        "forecast": forecast_bands(result, np.flatnonzero(own), "accelerator-hours", title),
        "pit": pit_histogram(result["pit"][own]),
    }
    if not own.all():
        others = [group for group in result.labels("group") if group != training.NAME]
        drawn["serving"] = group_bands(result, others, "Serving: benchmarks, services and estimates")
        benchmarks = np.isin(result["case_group"], list(serving.BENCHMARKS))
        drawn["serving_pit"] = pit_histogram(result["pit"][benchmarks])
    return drawn


def forecast_bands(result: Result, cases: Iterable[int], axis_label: str, title: str = "") -> Figure:
    """Forecasts against their outcomes, of the cases at these places: a row each, by P50, on a logarithmic axis.

    A thin line spans P5 to P95, a thick one P25 to P75; an outcome is a dot, hollow outside the thin line. Of more
    cases than a picture holds, the farthest off are drawn.
    """
    farthest = sorted(cases, key=lambda place: -abs(result["pit"][place] - 0.5))[:MOST]
    middle = result["percentiles"][:, result.labels("percentile").index(50)]
    drawn = sorted(farthest, key=lambda place: (middle[place], place))
    figure = new_figure(WIDTH, 1.4 + ROW * len(drawn), title)
    axis = figure.subplots()
    _draw_rows(axis, result, drawn, np.ones(len(drawn)), ROW)
    axis.set_xlabel(axis_label, fontsize=FONT_SIZE - 1)
    footnote(figure, READING)
    return figure


def group_bands(result: Result, groups: Sequence[str], title: str = "") -> Figure:
    """Forecasts against their outcomes, both over the P50 of the forecast, in a panel a group.

    Rows are those of `forecast_bands`, by outcome over P50; where a group has many they are thin and without names.
    """
    middle = result["percentiles"][:, result.labels("percentile").index(50)]
    own = [np.flatnonzero(result["case_group"] == group) for group in groups]
    inches = [ROW if len(places) <= NAMED else UNNAMED / len(places) for places in own]
    heights = [0.7 + row * len(places) for row, places in zip(inches, own, strict=True)]
    figure, axes = stacked(heights, 1.2, title)
    for axis, group, places, row in zip(axes, groups, own, inches, strict=True):
        over_median = result["outcome"][places] / middle[places]
        drawn = places[np.argsort(over_median, kind="stable")].tolist()
        _draw_rows(axis, result, drawn, middle[drawn], row)
        axis.set_title(plain(f"{len(drawn)} {group}"), loc="left", fontsize=FONT_SIZE, color=INK)
    axes[-1].set_xlabel("over the P50 of the forecast", fontsize=FONT_SIZE - 1)
    footnote(figure, READING)
    return figure


def _draw_rows(axis: Axes, result: Result, cases: Sequence[int], units: Array, inches: float) -> None:
    """A row so high for each case, from below, over its unit; names beside those that have room for one."""
    percents, rows = result.labels("percentile"), np.arange(float(len(cases)))
    bands = result["percentiles"][cases][:, [percents.index(percent) for percent in (5, 25, 75, 95)]] / units[:, None]
    outcomes, room = result["outcome"][cases] / units, inches / ROW
    spans(axis, bands.T, rows, PALETTE[0], thick=max(4.5 * room, 1.0))
    held = (bands[:, 0] <= outcomes) & (outcomes <= bands[:, 3])
    for shown, fill in ((held, OUTCOME), (~held, "white")):
        dots: dict[str, Any] = {"markersize": max(6 * room, 2.5), "markeredgewidth": max(room, 0.6), "zorder": 3}
        axis.plot(outcomes[shown], rows[shown], "o", color=OUTCOME, markerfacecolor=fill, **dots)
    axis.set_xscale("log")
    axis.set_ylim(-0.8 / room, len(cases) - 1 + 0.8 / room)
    names = [plain(shortened(result["case"][place], 58)) for place in cases] if inches == ROW else []
    axis.set_yticks(rows[: len(names)], names, fontsize=FONT_SIZE - 2.5)
    ticks(axis)
    axis.grid(visible=True, axis="x", color="#DDDDDD", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)


def pit_histogram(pits: Array) -> Figure:
    """Histogram of forecasts' probabilities of no more than the outcome: flat if they are calibrated.

    The shading spans the 5th to the 95th percentile of a bin's count if they are, and each case is by itself.
    """
    from matplotlib.ticker import MaxNLocator

    from simulate.special import bdtr

    cases, bins = len(pits), BINS
    low, high = np.searchsorted(bdtr(np.arange(cases + 1), cases, 1 / bins), (0.05, 0.95)).tolist()
    figure = new_figure(WIDTH * 0.6, 3.6, f"PIT of {cases} forecasts")
    axis = figure.subplots()
    axis.axhspan(low, high, color="#E6E6E6", linewidth=0)
    axis.axhline(cases / bins, color=MUTED, linewidth=1)
    axis.bar((np.arange(bins) + 0.5) / bins, pit_counts(pits), width=0.94 / bins, color=PALETTE[0])
    axis.set_xlim(0, 1)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("forecast probability of no more than the outcome", fontsize=FONT_SIZE - 1)
    axis.set_ylabel("cases", fontsize=FONT_SIZE - 1)
    axis.spines[["top", "right"]].set_visible(False)
    footnote(figure, "shaded: 90 % of counts if calibrated and independent     low PIT: outcome below the forecast")
    return figure
