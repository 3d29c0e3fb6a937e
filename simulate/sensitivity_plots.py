"""The tornado chart: a bar a prior, the largest on top, both ends labelled with the prior's value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.plots import FONT_SIZE, INK, MUTED, PALETTE, WIDTH, figure_text, new_figure, plain, shortened
from simulate.sensitivity import Bar, Effects, Tornado
from simulate.sensitivity_report import ends, heading, others

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOW, HIGH = PALETTE[5], PALETTE[0]  # light and dark blue, told apart in grey too
P50, MEAN = PALETTE[1], PALETTE[2]
_LONGEST = 34  # characters of a prior's name


def tornado_figure(result: Tornado, top: int = 12) -> Figure:
    """The bars of every quantity, one panel each; the priors beyond `top` are summed as the last bar."""
    panels = [effects for effects in result.effects if effects.bars]
    heights = [0.9 + 0.34 * (min(len(each.bars), top) + (len(each.bars) > top)) for each in panels]
    figure = new_figure(WIDTH, 0.9 + sum(heights), result.title)
    if not panels:
        figure.text(0.5, 0.5, "no prior moves what was asked", ha="center", color=MUTED, fontsize=FONT_SIZE)
        return figure
    axes = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for axis, effects in zip(axes, panels, strict=True):
        _panel(axis, result, effects, top)
    if result.note:
        figure.supxlabel(plain(result.note), fontsize=FONT_SIZE - 2.5, color=MUTED)
    return figure


def _panel(axis: Axes, result: Tornado, effects: Effects, top: int) -> None:
    shown, rest = effects.bars[:top], effects.bars[top:]
    ranged = "swing" in shown[0].figures
    correlations = "spearman" in shown[0].figures
    bars = [*shown, *([others(rest, effects.baseline)] if rest and not correlations else [])]
    axis.set_ylim(len(bars) - 0.5, -0.5)
    axis.set_yticks(
        range(len(bars)), [plain(shortened(bar.prior, _LONGEST)) for bar in bars], fontsize=FONT_SIZE - 1
    )
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", colors=MUTED, labelsize=FONT_SIZE - 2)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(MUTED)
    axis.set_title(
        plain(heading(result, effects).split(" (")[0]),
        loc="left",
        fontsize=FONT_SIZE,
        fontweight="bold",
        color=INK,
        pad=20,
    )
    if ranged:
        _ranges(axis, result, effects, bars, len(shown))
    else:
        _shares(axis, bars)


def _ranges(axis: Axes, result: Tornado, effects: Effects, bars: list[Bar], named: int) -> None:
    baseline = effects.baseline
    for row, bar in enumerate(bars):
        for end, colour in (("low", LOW), ("high", HIGH)):
            axis.barh(row, bar.figures[end] - baseline, left=baseline, height=0.68, color=colour, zorder=2)
        if row < named:
            *texts, unit = ends(result, bar)
            for end, text in zip(("low", "high"), texts, strict=True):
                value = bar.figures[end]
                right = value > baseline or (value == baseline and end == "high")
                axis.annotate(
                    plain(f"{text} {unit}".rstrip()),
                    (value, row),
                    (3 if right else -3, 0),
                    textcoords="offset points",
                    ha="left" if right else "right",
                    va="center",
                    fontsize=FONT_SIZE - 3,
                    color=MUTED,
                )
    marks = [(effects.p50, P50, "P50"), (effects.mean, MEAN, "mean")]
    if result.method == "swing":
        marks.insert(0, (baseline, INK, "all at medians"))
    for value, colour, name in marks:
        label = f"{name} {figure_text(value)}"
        axis.axvline(
            value,
            color=colour,
            linewidth=1.2,
            linestyle="-" if colour == INK else "--",
            label=label,
            zorder=3,
        )
    if result.method != "swing":
        axis.axvline(baseline, color=INK, linewidth=1.2, zorder=3)
    axis.margins(x=0.14)
    _legend(axis)
    axis.xaxis.set_major_formatter(lambda value, _: figure_text(value))
    measured_in = effects.quantity.unit
    axis.set_xlabel(
        "" if measured_in == "1" else f"[{plain(measured_in)}]", fontsize=FONT_SIZE - 2, color=MUTED
    )


def _legend(axis: Axes) -> None:
    """Above the panel at the right, where no bar can lie."""
    axis.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=3,
        fontsize=FONT_SIZE - 2.5,
        frameon=False,
        borderaxespad=0.2,
    )


def _shares(axis: Axes, bars: list[Bar]) -> None:
    keys = [key for key in ("first", "total", "effect", "spearman", "regression") if key in bars[0].figures]
    names = {
        "first": "first order",
        "total": "total",
        "effect": "Shapley effect",
        "spearman": "Spearman",
        "regression": "regression",
    }
    height = 0.72 / len(keys)
    for place, key in enumerate(keys):
        rows = [row + (place - (len(keys) - 1) / 2) * height for row in range(len(bars))]
        values = [bar.figures[key] for bar in bars]
        errors = [2.13 * bar.figures[f"{key}_se"] for bar in bars]  # 95 % with 15 degrees of freedom
        axis.barh(
            rows, values, height=height, color=(HIGH, LOW)[place], xerr=errors, error_kw={"lw": 1, "ecolor": INK},
            label=names[key], zorder=2,
        )  # fmt: skip
    axis.axvline(0, color=INK, linewidth=0.8, zorder=3)
    _legend(axis)
