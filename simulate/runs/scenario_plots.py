"""Pictures of a run's own scenarios: one quantity against another, or how one is distributed."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from simulate import plotting
from simulate.figures import Scale, percent_text, row_scale
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, WIDTH, Extent
from simulate.plotting.axes import upright_ticks
from simulate.results import Result
from simulate.runs.plots import beneath
from simulate.runs.report import headline

FEW = 2_000  # scenarios that are drawn as dots; of more their density
BINS, HEXAGONS, SLICES = 60, 45, 20  # of a histogram, across a density, and of the input's scenarios for lines
FEW_VALUES = 30  # that are drawn each by itself
PALEST = 0.2  # of a map of colours, which begins with white
HEIGHT, CUMULATIVE = 4.8, 1.9  # inches of a panel


class Column(NamedTuple):
    """A quantity in the scenarios: its label, its values and their weights, and how its axis is written."""

    name: str
    label: str
    values: Array
    weights: Array
    extent: Extent
    scale: Scale
    unit: str

    def quantiles(self, percents: Sequence[float]) -> list[float]:
        """Percentiles of the values by their weights."""
        return _quantiles(self.values, self.weights, percents)

    @property
    def title(self) -> str:
        """What the axis shows."""
        return plotting.titled(self.label, self.unit, logarithmic=self.extent.logarithmic)


def scenario_plots(result: Result, draws: Result, asked: Sequence[tuple[str, ...]]) -> dict[str, Figure]:
    """The pictures asked for by name: of pairs of an input and an output a scatter, of single names a distribution.

    `result` is the run, `draws` are scenarios of it, each of which a picture shows.
    """
    drawn = {}
    for names in asked:
        kind: Callable[..., Figure] = scatter if len(names) > 1 else distribution
        drawn["-".join([kind.__name__, *names])] = kind(result, draws, *names)
    return drawn


def scatter(result: Result, draws: Result, across: str, up: str) -> Figure:
    """An output against an input, scenario by scenario: dots, or of many their density, with the output's P5 to P95."""
    finite = np.isfinite(draws.at("value", quantity=across)) & np.isfinite(draws.at("value", quantity=up))
    first, second = (_column(draws, name, finite) for name in (across, up))
    title = f"{second.label if second else up} against {first.label if first else across}"
    if "rank_correlation" in result and across in result.labels("prior") and up in result.labels("quantity"):
        correlation = result.at("rank_correlation", quantity=up, prior=across)
        title += f": rank correlation {row_scale([correlation], digits=2).figure(correlation)}"
    figure = plotting.new_figure(WIDTH * 0.8, HEIGHT, title, beneath(result))
    axis = figure.subplots()
    if first is None or second is None:
        _say_nothing(axis, finite)
        return figure
    if len(first.values) <= FEW:
        sizes = 14 * first.weights / first.weights.max()
        axis.scatter(first.values, second.values, s=sizes, color=PALETTE[0], alpha=0.5, linewidths=0)
    else:
        _density(axis, first, second)
    _slices(axis, first, second)
    plotting.set_view(axis, first.extent)
    plotting.ticks(axis, first.scale)
    _set_height(axis, second)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
    axis.set_xlabel(plotting.plain(first.title), color=INK, fontsize=FONT_SIZE)
    plotting.heading(axis, second.title)
    lines = "lines: the output's P5, P50 and P95 along the input"
    plotting.footnote(figure, f"{lines}     ({_counted(result, draws, finite)})")
    return figure


def distribution(result: Result, draws: Result, name: str) -> Figure:
    """A histogram of a quantity, and below it how probable it is that it is no more."""
    finite = np.isfinite(draws.at("value", quantity=name))
    column = _column(draws, name, finite)
    label = draws.at("label", quantity=name) or name
    title = headline(result, name) if name in result.labels("quantity") else label
    figure, axes = plotting.stacked([HEIGHT / 2, CUMULATIVE], 0.6, title, beneath(result))
    if column is None:
        for axis in axes:
            _say_nothing(axis, finite)
        return figure
    shares = 100 * column.weights / column.weights.sum()
    _histogram(axes[0], column, shares)
    order = np.argsort(column.values)
    axes[1].step(column.values[order], np.cumsum(shares[order]), where="post", color=PALETTE[0], linewidth=1.8)
    for percent, value in zip((5, 50, 95), column.quantiles((5, 50, 95)), strict=True):
        axes[1].plot([value, value], [0, percent], color=MUTED, linewidth=1, linestyle=":")
        axes[1].plot([value], [percent], "o", color=PALETTE[0], markersize=5)
    axes[1].set_ylim(0, 102)
    for axis, what in zip(axes, ("share of the scenarios [%]", "no more than x [%]"), strict=True):
        plotting.set_view(axis, column.extent)
        plotting.ticks(axis, column.scale)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
        axis.set_ylabel(what, color=INK, fontsize=FONT_SIZE - 1)
        axis.yaxis.set_major_formatter(plotting.TickLabels())
    axes[1].set_xlabel(plotting.plain(column.title), color=INK, fontsize=FONT_SIZE)
    low, high = column.extent.view
    beyond = shares[(column.values < low) | (column.values > high)].sum()
    out = f"     {percent_text(beyond / 100, digits=2)} lie beyond the axis" if beyond else ""
    plotting.footnote(figure, f"dots: P5, P50 and P95{out}     ({_counted(result, draws, finite)})")
    return figure


def _say_nothing(axis: Axes, finite: Any) -> None:
    plotting.only_scale(axis)
    axis.set_yticks([])
    plotting.say_instead(axis, plotting.TOO_LARGE if finite.any() else "no number in any scenario")


def _column(draws: Result, name: str, finite: Any) -> Column | None:
    """A quantity in the scenarios in which it is a number; None where there are none, or none that can be drawn."""
    values = draws.at("value", quantity=name)[finite]
    weights = draws["weight"][finite] if "weight" in draws.coordinates else np.ones(len(values))
    if not len(values) or not plotting.can_be_drawn(values):
        return None
    low, first, median, last, high = _quantiles(values, weights, (5, 0.5, 50, 99.5, 95))[:5]
    extent = Extent(low, high, first, last)
    unit = draws.at("unit", quantity=name)
    scale = row_scale([low, median, high], [0.0, 0.0, 0.0], digits=4, apart=[low, median, high]).of(unit)
    return Column(name, draws.at("label", quantity=name) or name, values, weights, extent, scale, scale.unit(unit))


def _quantiles(values: Array, weights: Array, percents: Sequence[float]) -> list[float]:
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    places = np.searchsorted(below, np.array(percents) / 100 * below[-1])
    found: list[float] = values[order][np.minimum(places, len(values) - 1)].tolist()
    return found


def _set_height(axis: Axes, column: Column) -> None:
    axis.set_yscale("log" if column.extent.logarithmic else "linear")
    axis.set_ylim(*column.extent.view)
    axis.yaxis.set_major_formatter(plotting.TickLabels(column.scale))
    if column.extent.logarithmic:
        upright_ticks(axis, column.scale)


def _density(axis: Axes, first: Column, second: Column) -> None:
    """Hexagons of equal size on the picture, darker the more weight is in them."""
    scales: Mapping[str, Any] = {
        f"{side}scale": "log" if column.extent.logarithmic else "linear"
        for side, column in (("x", first), ("y", second))
    }
    inside = np.ones(len(first.values), np.bool_)
    ends = []
    for column in (first, second):
        low, high = column.extent.view
        inside &= (column.values >= low) & (column.values <= high)
        ends += [math.log10(each) if column.extent.logarithmic else each for each in (low, high)]
    shades = ListedColormap(colormaps["Blues"](np.linspace(PALEST, 1, 256)))
    axis.hexbin(
        first.values[inside],
        second.values[inside],
        C=first.weights[inside],
        reduce_C_function=np.sum,
        gridsize=HEXAGONS,
        extent=(ends[0], ends[1], ends[2], ends[3]),
        bins="log",
        cmap=shades,
        linewidths=0.1,
        mincnt=1,
        **scales,
    )


def _slices(axis: Axes, first: Column, second: Column) -> None:
    """The output's P5, P50 and P95 in slices of the input that hold as many scenarios each."""
    order = np.argsort(first.values, kind="stable")
    slices = [each for each in np.array_split(order, SLICES) if len(each)]
    at = [float(np.median(first.values[each])) for each in slices]
    if len(set(at)) < len(at):  # values that come again and again: a slice each
        distinct = np.unique(first.values)[:FEW_VALUES]
        at, slices = distinct.tolist(), [np.flatnonzero(first.values == value) for value in distinct]
    bands = [_quantiles(second.values[each], first.weights[each], (5, 50, 95)) for each in slices]
    for line, style in zip(np.transpose(bands), ("--", "-", "--"), strict=True):
        axis.plot(at, line, style, color=PALETTE[1], linewidth=1.6)


def _histogram(axis: Axes, column: Column, shares: Array) -> None:
    """Bars as high as their share, or a line for each value where there are few."""
    values, place = np.unique(column.values, return_inverse=True)
    if len(values) <= FEW_VALUES:
        axis.vlines(values, 0, np.bincount(place, shares), color=PALETTE[0], linewidth=4)
    else:
        low, high = column.extent.view
        edges = np.geomspace(low, high, BINS + 1) if column.extent.logarithmic else np.linspace(low, high, BINS + 1)
        axis.hist(column.values, edges.tolist(), weights=shares, color=PALETTE[5])
    axis.set_ylim(bottom=0)


def _counted(result: Result, draws: Result, finite: Any) -> str:
    """How many scenarios are drawn, of how many, and in how many there is no number."""
    told = (
        f"{np.count_nonzero(finite):,} of {result.attributes['scenarios']:,} scenarios, seed {draws.attributes['seed']}"
    )
    lacking = 1 - np.count_nonzero(finite) / len(finite)
    return told + (f", no number in {percent_text(lacking, digits=2)}" if lacking else "")
