"""Pictures of a backtest: forecasts with their outcomes, and how the outcomes fall in them."""

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from simulate.backtesting import serving, training
from simulate.backtesting.scores import BINS, pit_counts
from simulate.figures import shortened
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, MUTED, PALETTE, WIDTH, footnote, new_figure, plain, spans, ticks
from simulate.results import Result

OUTCOME = PALETTE[1]
MOST = 150  # rows of a picture


def plots(result: Result) -> dict[str, Figure]:
    """The pictures by name: the training runs' bands with their outcomes, their PIT, and both of all other cases.

    The other cases, in many units, are over the P50 of their forecast; measurements under load, of which there are
    many, are in the PIT alone, and services and estimates in the bands.
    """
    own = result["case_group"] == training.NAME
    title = "Training runs, each forecast without itself"
    drawn = {
        "forecast": forecast_bands(result, np.flatnonzero(own), "accelerator-hours", title),
        "pit": pit_histogram(result["pit"][own]),
    }
    if not own.all():
        title, label = "Serving: benchmarks, services and estimates", "over the P50 of the forecast"
        others = np.flatnonzero(~own & ~np.isin(result["case_group"], serving.UNDER_LOAD))
        drawn["serving"] = forecast_bands(result, others, label, title, over_median=True)
        benchmarks = np.isin(result["case_group"], list(serving.BENCHMARKS))
        drawn["serving_pit"] = pit_histogram(result["pit"][benchmarks])
    return drawn


def forecast_bands(
    result: Result, cases: Iterable[int], axis_label: str, title: str = "", *, over_median: bool = False
) -> Figure:
    """Forecasts against their outcomes, of the cases at these places: a row each, by P50, on a logarithmic axis.

    A thin line spans P5 to P95, a thick one P25 to P75; an outcome is a dot, hollow outside the thin line. Of more
    cases than a picture holds, the farthest off are drawn.
    """
    percents = result.labels("percentile")
    units = result["percentiles"][:, percents.index(50)] if over_median else np.ones(len(result["case"]))
    bands, outcomes = result["percentiles"] / units[:, None], result["outcome"] / units
    middle = bands[:, percents.index(50)]
    ends = bands[:, [percents.index(percent) for percent in (5, 25, 75, 95)]]
    farthest = sorted(cases, key=lambda place: -abs(result["pit"][place] - 0.5))[:MOST]
    drawn = sorted(farthest, key=lambda place: (middle[place], place))
    figure = new_figure(WIDTH, 1.4 + 0.24 * len(drawn), title)
    axis = figure.subplots()
    for row, place in enumerate(drawn):
        spans(axis, ends[place], row, PALETTE[0], thick=4.5)
        fill = OUTCOME if ends[place, 0] <= outcomes[place] <= ends[place, 3] else "white"
        axis.plot([outcomes[place]], [row], "o", markersize=6, color=OUTCOME, markerfacecolor=fill)
    axis.set_xscale("log")
    axis.set_ylim(-0.8, len(drawn) - 0.2)
    labels = [plain(shortened(result["case"][place], 58)) for place in drawn]
    axis.set_yticks(range(len(drawn)), labels, fontsize=FONT_SIZE - 2.5)
    axis.set_xlabel(axis_label, fontsize=FONT_SIZE - 1)
    ticks(axis)
    axis.grid(visible=True, axis="x", color="#DDDDDD", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    footnote(figure, "thin line: P5 to P95     thick: P25 to P75     dot: outcome, hollow outside P5 to P95")
    return figure


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
