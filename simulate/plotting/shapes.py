"""Bands and densities, drawn from fine percentiles."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from simulate.graph import Array
from simulate.plotting.heads import INK

BAND_SHAPES = (
    "thin line: P5 to P95     thick: P25 to P75     dot: P50     diamond: mean     shape: density"  # for a footnote
)
ANYWHERE = (-math.inf, math.inf)
LEAST, MOST = 1e-150, 1e150  # that can be drawn: matplotlib's own squares and differences stay floats
REPEATED = 4  # fine percentiles, 2 % of the probability, from which a single value is one


def spans(axis: Axes, ends: Sequence[float] | Array, row: float | Array, colour: str, *, thick: float) -> None:
    """A band's lines at a height of an axis, from its P5, P25, P75 and P95: a thin one and one so many points thick.

    Ends of shape (4, bands) are those of several, at as many heights.
    """
    low, lower, upper, high = ends
    for start, end, width in ((low, high, thick / 4), (lower, upper, thick)):
        axis.plot(np.stack([start, end]), np.stack([row, row]), color=colour, linewidth=width, solid_capstyle="butt")


def band(
    axis: Axes,
    values: Array,
    percents: Array,
    row: float,
    colour: str,
    *,
    thick: float,
    edge: str = INK,
    mean: float = math.nan,
) -> None:
    """The band of fine percentiles at a height of an axis: its lines, of a constant none, a dot at its P50, its mean.

    The mean is a diamond.
    """
    dot: dict[str, Any] = {"markersize": thick, "markeredgecolor": edge, "markeredgewidth": thick / 5, "zorder": 6}
    mark: dict[str, Any] = {"markersize": 0.75 * thick, "markeredgecolor": "white", "markeredgewidth": thick / 6}
    varies = values[0] < values[-1]
    if varies:
        spans(axis, np.interp([5, 25, 75, 95], percents, values), row, colour, thick=thick)
    axis.plot([np.interp(50, percents, values)], [row], "o", color="white", **dot)
    if varies and abs(mean) < MOST:
        axis.plot([mean], [row], "D", color=colour, zorder=5, **mark)


class Shape(NamedTuple):
    """A distribution as it is drawn: a density at places of the axis and spikes at single values, at most 1 high."""

    at: Array
    heights: Array
    spikes: Array
    spike_heights: Array


def density(
    values: Array,
    percents: Array,
    *,
    logarithmic: bool,
    ends: tuple[float, float] = ANYWHERE,
    view: tuple[float, float] = ANYWHERE,
) -> Shape:
    """A smooth density from fine percentiles, on a logarithmic axis that of the logarithm, within the `ends`.

    Values that repeat are spikes. Spikes and density are as high, one beside the other, as they are probable. What lies
    out of `view` is not drawn.
    """
    weights = np.diff(percents, prepend=0.0)
    distinct, first, counts = np.unique(values, return_index=True, return_counts=True)
    single = counts >= REPEATED
    if np.count_nonzero(single) >= len(distinct) / 2:  # the others are but rarer values
        single[:] = True
    masses, smooth = np.add.reduceat(weights, first)[single], np.repeat(~single, counts)
    rest = weights[smooth].sum()
    most = max(rest, masses.max(initial=0.0))
    at, heights = np.empty(0), np.empty(0)
    if rest:
        at, heights = _smooth(values[smooth], weights[smooth], percents[-1], ends, view, logarithmic=logarithmic)
    return Shape(at, heights * (rest / most), distinct[single], masses / most)


def _smooth(
    values: Array,
    weights: Array,
    last: float,
    ends: tuple[float, float],
    view: tuple[float, float],
    *,
    logarithmic: bool,
    points: int = 160,
) -> tuple[Array, Array]:
    """Places on the axis and heights, of which the greatest is 1: a Gaussian kernel takes the steps out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        at, (low, high), (first, final) = (
            np.log(each) if logarithmic else np.asarray(each) for each in (values, ends, view)
        )
    percents = np.cumsum(weights) * (last / weights.sum())
    step = np.median(np.diff(at)[len(at) // 4 : -len(at) // 4]) if len(at) > 8 else 0.0
    spread = (np.interp(75, percents, at) - np.interp(25, percents, at)) / 1.35
    shown = min(float(at[-1]), float(final)) - max(float(at[0]), float(first))
    width = max(0.25 * spread, 2 * float(step), shown / points, 1e-12 * abs(float(at[-1] - at[0])), LEAST)
    # Equally probable slices, each spread by the kernel, beyond the last percentile too; what would lie beyond an end
    # is reflected there.
    start, stop = (np.fmax(at[0] - 2 * width, low), np.fmin(at[-1] + 2 * width, high))
    grid = np.linspace(np.fmax(start, first), np.fmin(stop, final), points)
    centres = [at, *(2 * end - at for end in (low, high) if np.isfinite(end))]
    heights = sum(np.exp(-0.5 * ((grid[:, None] - each[None, :]) / width) ** 2) @ weights for each in centres)
    return (np.exp(grid) if logarithmic else grid), heights / np.max(heights)


def draw_density(
    axis: Axes,
    shape: Shape,
    colour: str,
    *,
    alpha: float,
    foot: float = 0.0,
    height: float = 1.0,
    line: float = 0.0,
    between: tuple[float, float] = ANYWHERE,
) -> None:
    """Draw a shape from a foot on, its greatest height given; the density outlined where a line has a width.

    Only what lies `between` two values of the axis is drawn.
    """
    low, high = between
    if len(shape.at) and shape.at[-1] > low and shape.at[0] < high:
        inside = [end for end in between if shape.at[0] < end < shape.at[-1]]
        at = np.sort(np.append(shape.at[(shape.at >= low) & (shape.at <= high)], inside))
        tops = foot + height * np.interp(at, shape.at, shape.heights)
        axis.fill_between(at, foot, tops, color=colour, alpha=alpha, linewidth=0)
        if line:
            axis.plot(at, tops, color=colour, linewidth=line)
    here = (shape.spikes >= low) & (shape.spikes <= high)
    if here.any():
        tops = foot + height * shape.spike_heights[here]
        axis.vlines(shape.spikes[here], foot, tops, color=colour, alpha=min(1.0, 2 * alpha), linewidth=3)
