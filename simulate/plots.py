"""Pictures: a Dataset in, a matplotlib Figure out; pyplot is never imported."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate.graph import Array
from simulate.tables import printable, row_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import Dataset

# Okabe and Ito's palette, told apart with any kind of colour vision; cases take it in this order.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#222222"
MUTED = "#6B6B6B"
PUBLISHED = PALETTE[1]
WIDTH = 10.0  # inches; a slide is 13.3 wide
FONT_SIZE = 11.0
# The ticks of a logarithmic axis: the first of these multiples of powers of ten that give three or more.
TICK_MANTISSAS = (
    (1,),
    (1, 3),
    (1, 2, 5),
    (1, 1.5, 2, 3, 5, 7),
    (1, 1.2, 1.5, 1.7, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
)


def bands(dataset: Dataset, quantities: Sequence[str] | None = None) -> Figure:
    """The bands of a run's quantities: one row each on its own logarithmic axis, with the published figure.

    A thick line spans P25 to P75, a thin one P5 to P95, a dot is P50, and above them stands the density.
    A quantity without any spread is a dot; one that is not positive throughout gets a linear axis.
    """
    from simulate.report import quantity_names

    names = list(quantities or quantity_names(dataset))
    figure = new_figure(WIDTH, 0.7 + 1.12 * len(names), dataset.attrs.get("title", ""))
    axes = figure.subplots(len(names), 1, squeeze=False)[:, 0]
    published = json.loads(dataset.attrs["priors"])["published"]
    for axis, name in zip(axes, names, strict=True):
        _band(axis, dataset, name, [figure for figure in published if figure["quantity"] == name])
    draws = f"{int(dataset.attrs['scenarios']):,} scenarios, seed {int(dataset.attrs['seed'])}"
    if "given" in dataset.attrs:
        told = json.loads(dataset.attrs["given"])
        draws += f", given {plain(shortened('; '.join([*told['given'], *told['observed']]), 60))}"
    figure.supxlabel(
        f"thin line: P5 to P95     thick: P25 to P75     dot: P50     shape: density     ({draws})",
        fontsize=FONT_SIZE - 2.5,
        color=MUTED,
    )
    return figure


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """An empty figure in the house's style, inches wide and high, its title at the left."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.1, hspace=0.04)
    figure = Figure(figsize=(width, height), layout=layout, facecolor="white")
    if title:
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize=FONT_SIZE + 3, fontweight="bold", color=INK)
    return figure


def plain(text: str) -> str:
    """Text of a file as matplotlib shall show it: no mathematics, no control characters."""
    return printable(text).replace("$", r"\$")


def quantile_at(dataset: Dataset, name: str, percent: float) -> float:
    """A quantity's percentile, from those asked for or else from the fine grid."""
    percents = dataset["percentile"].values
    if percent in percents:
        return float(dataset[name].values[list(percents).index(percent)])
    return float(np.interp(percent, dataset["grid"].values, dataset[f"{name}_grid"].values))


def density(values: Array, percents: Array, *, logarithmic: bool, points: int = 160) -> tuple[Array, Array]:
    """A smooth density from fine percentiles: positions on the axis, and heights of at most 1.

    On a logarithmic axis it is the density of the logarithm. A Gaussian kernel takes the steps out.
    """
    at = np.log(values) if logarithmic else values
    step = np.median(np.diff(at)[len(at) // 4 : -len(at) // 4]) if len(at) > 8 else 0.0
    spread = (np.interp(75, percents, at) - np.interp(25, percents, at)) / 1.35
    width = max(0.25 * spread, 2 * float(step), 1e-12 * abs(float(at[-1] - at[0])))
    # Equally probable slices, each spread by the kernel; the ends taper beyond the last percentile.
    grid = np.linspace(at[0] - 2 * width, at[-1] + 2 * width, points)
    weights = np.diff(percents, prepend=0.0)
    heights = np.exp(-0.5 * ((grid[:, None] - at[None, :]) / width) ** 2) @ weights
    return (np.exp(grid) if logarithmic else grid), heights / heights.max()


def _band(axis: Axes, dataset: Dataset, name: str, published: Sequence[dict[str, Any]]) -> None:
    low, lower, middle, upper, high = (quantile_at(dataset, name, percent) for percent in (5, 25, 50, 75, 95))
    grid, percents = dataset[f"{name}_grid"].values, dataset["grid"].values
    bare_axis(axis, dataset[name].attrs["long_name"] or name, dataset[name].attrs["units"])
    if not np.isfinite([*grid, low, high]).all():
        axis.set_xticks([])
        axis.text(
            0.5, 0.3, "not a number in some scenarios", transform=axis.transAxes, ha="center", color=MUTED
        )
        return
    stated = [float(figure["value"]) for figure in published]
    logarithmic = min(float(grid[0]), *stated) > 0 if stated else float(grid[0]) > 0
    if logarithmic:
        axis.set_xscale("log")
    varies = grid[0] < grid[-1]
    if varies:
        at, heights = density(grid, percents, logarithmic=logarithmic)
        axis.fill_between(at, 0, heights, color=PALETTE[5], alpha=0.35, linewidth=0)
        axis.plot([low, high], [0, 0], color=PALETTE[0], linewidth=2, solid_capstyle="butt")
        axis.plot([lower, upper], [0, 0], color=PALETTE[0], linewidth=8, solid_capstyle="butt")
    elif logarithmic:
        axis.set_xlim(min(middle, *stated, middle) / 1.5, max(middle, *stated, middle) * 1.5)
    axis.plot(
        [middle], [0], "o", color="white", markeredgecolor=INK, markersize=8, markeredgewidth=1.6, zorder=5
    )
    for number, (value, figure) in enumerate(zip(stated, published, strict=True)):
        axis.plot([value, value], [-0.12, 0.95], color=PUBLISHED, linewidth=1.8, zorder=4)
        axis.text(
            value,
            1.0 + 0.25 * number,
            plain(shortened(f"{figure_text(value, 4)}, {figure['source']}", 60)),
            ha="right" if _share_of_axis(axis, value) > 0.5 else "left",
            va="bottom",
            fontsize=FONT_SIZE - 2.5,
            color=PUBLISHED,
        )
    _label_band(axis, low, middle, high, digits=2 if varies else 4)
    ticks(axis, logarithmic=logarithmic)


def bare_axis(axis: Axes, label: str, unit: str) -> None:
    """An axis of which only the scale is drawn, its label and unit at the left."""
    axis.set_yticks([])
    axis.set_ylim(-0.75, 1.15)
    for side in ("left", "top", "right"):
        axis.spines[side].set_visible(False)
    axis.spines["bottom"].set_color(MUTED)
    axis.tick_params(axis="x", which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
    lines = textwrap.wrap(plain(label), 24)[:3] + ([] if unit == "1" else [f"[{plain(unit)}]"])
    axis.set_ylabel("\n".join(lines), rotation=0, ha="right", va="center", fontsize=FONT_SIZE, color=INK)


def _label_band(axis: Axes, low: float, middle: float, high: float, digits: int) -> None:
    """Write the percentiles below the band: each at its place, or in one text where they would overlap."""
    style: dict[str, Any] = {"va": "top", "ha": "center"}
    bold = {**style, "fontsize": FONT_SIZE, "fontweight": "bold", "color": INK}
    outer = {**style, "fontsize": FONT_SIZE - 2, "color": MUTED}
    places = [_share_of_axis(axis, value) for value in (low, middle, high)]
    if low == high:
        axis.text(middle, -0.2, figure_text(middle, digits), **bold)
    elif min(places[1] - places[0], places[2] - places[1]) < 0.14:
        text = f"{figure_text(middle, digits)}  ({figure_text(low, digits)} to {figure_text(high, digits)})"
        side = "left" if places[1] < 0.2 else "right" if places[1] > 0.8 else "center"
        axis.text(middle, -0.2, text, **{**bold, "ha": side, "fontweight": "normal"})
    else:
        axis.text(middle, -0.2, figure_text(middle, digits), **bold)
        for value in (low, high):
            axis.text(value, -0.2, figure_text(value, digits), **outer)


def _share_of_axis(axis: Axes, value: float) -> float:
    """How far along the x axis a value stands, 0 at the left and 1 at the right."""
    first, last = axis.get_xlim()
    if axis.get_xscale() == "log":
        return math.log(value / first) / math.log(last / first)
    return (value - first) / (last - first)


def shortened(text: str, length: int) -> str:
    """The text, ended by an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def figure_text(value: float, digits: int = 2) -> str:
    """A value in words that fit a picture: ``190 million``."""
    if not value:
        return "0"
    scale = row_scale([value], [0.0])
    if digits < 4:
        place = math.floor(math.log10(abs(value))) - digits + 1
        value = round(value, -place)
        scale = row_scale([value], [0.0])
    return f"{scale.figure(value)} {scale.unit('1')}".strip()


def ticks(axis: Axes, *, logarithmic: bool) -> None:
    """Few ticks, labelled in million and billion."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

    if logarithmic:
        first, last = axis.get_xlim()
        for mantissas in TICK_MANTISSAS:
            ticks = _log_ticks(first, last, mantissas)
            if len(ticks) >= 3:
                break
        axis.xaxis.set_major_locator(FixedLocator(ticks))
        axis.xaxis.set_minor_locator(FixedLocator(_log_ticks(first, last, range(1, 10))))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlim(first, last)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: figure_text(value, 4)))


def _log_ticks(first: float, last: float, mantissas: Sequence[float]) -> list[float]:
    """Multiples of the powers of ten between two ends."""
    decades = range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1)
    places = [float(f"{mantissa}e{decade}") for decade in decades for mantissa in mantissas]
    return [place for place in places if first <= place <= last]


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
        fill = PUBLISHED if at[5] <= outcome <= at[95] else "white"
        axis.plot([outcome], [row], "o", markersize=6, color=PUBLISHED, markerfacecolor=fill)
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
