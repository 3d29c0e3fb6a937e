"""The tornado chart: a bar a prior, the largest on top, both ends labelled with the prior's value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.plots import (
    FONT_SIZE,
    INK,
    MUTED,
    PALETTE,
    WIDTH,
    figure_text,
    new_figure,
    plain,
    shortened,
    ticks,
)
from simulate.sensitivity import Bar, Effects, Tornado
from simulate.sensitivity.report import ends, heading, others

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOW, HIGH = PALETTE[5], PALETTE[0]  # light and dark blue, told apart in grey too
P50, MEAN = PALETTE[1], PALETTE[2]
_LONGEST = 34  # characters of a prior's name
_AXIS_POINTS = 450.0  # the least width of an axis, beside the longest names
_CHARACTER_POINTS = 4.8  # the width of a character of the labels at the bars' ends


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
    given = f"Given {', '.join(result.given['given'])}." if result.given else ""
    told = "\n".join(plain(shortened(text, 130)) for text in (result.note, given) if text)
    if told:
        figure.supxlabel(told, fontsize=FONT_SIZE - 2.5, color=MUTED)
    return figure


def _panel(axis: Axes, result: Tornado, effects: Effects, top: int) -> None:
    shown, rest = effects.bars[:top], effects.bars[top:]
    ranged = "swing" in shown[0].figures
    correlations = "spearman" in shown[0].figures
    bars = [*shown, *([others(rest, effects.baseline)] if rest and not correlations else [])]
    axis.set_ylim(len(bars) - 0.5, -0.5)
    longest = max(len(bar.prior) for bar in bars)
    axis.set_yticks(
        range(len(bars)),
        [_lines(plain(bar.prior)) for bar in bars],
        fontsize=FONT_SIZE - (1 if longest <= _LONGEST else 2.5),
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
    labels: list[tuple[float, bool, str]] = []  # where a label stands, whether to the right, what it says
    for row, bar in enumerate(bars):
        colours = {"low": LOW, "high": HIGH}
        # the longer first, so that both show where both are on one side
        for end in sorted(colours, key=lambda end: -abs(bar.figures[end] - baseline)):
            axis.barh(
                row, bar.figures[end] - baseline, left=baseline, height=0.68, color=colours[end], zorder=2
            )
        if row < named:
            *texts, unit = ends(result, bar)
            for end, text in zip(("low", "high"), texts, strict=True):
                value = bar.figures[end]
                right = value > baseline or (value == baseline and end == "high")
                labels.append((value, right, f"{text} {unit}".rstrip()))
                axis.annotate(
                    plain(labels[-1][2]),
                    (value, row),
                    (3 if right else -3, 0),
                    textcoords="offset points",
                    ha="left" if right else "right",
                    va="center",
                    fontsize=FONT_SIZE - 3,
                    color=MUTED,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                    zorder=4,
                )
    marks = [(effects.p50, P50, "P50"), (effects.mean, MEAN, "mean")]
    if result.method == "swing":
        marks.insert(0, (baseline, INK, "all at medians"))
    for value, colour, name in marks:
        label = f"{name} {figure_text(value, 3)}"
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
    axis.set_xlim(_limits([value for value, _, _ in marks], bars, labels))
    reach = ("at", "at") if result.method == "swing" else ("up to", "from")
    for where, colour, percent in zip(reach, (LOW, HIGH), (result.low, result.high), strict=True):
        axis.barh(0, 0, left=baseline, color=colour, label=f"prior {where} its P{percent:g}")
    _legend(axis)
    ticks(axis, logarithmic=False)
    measured_in = effects.quantity.unit
    axis.set_xlabel(
        "" if measured_in == "1" else f"[{plain(measured_in)}]", fontsize=FONT_SIZE - 2, color=MUTED
    )


def _lines(name: str) -> str:
    """A long name on two lines, its end kept: it is by their ends that names differ."""
    if len(name) <= _LONGEST:
        return name
    place = name.rfind("_", 0, _LONGEST) + 1 or _LONGEST
    rest = name[place:]
    return f"{name[:place]}\n{rest if len(rest) <= _LONGEST else '…' + rest[1 - _LONGEST :]}"


def _limits(
    marks: list[float], bars: list[Bar], labels: list[tuple[float, bool, str]]
) -> tuple[float, float]:
    """Ends of an axis that leave room for the labels, of which the longest have about half of it."""
    drawn = [*marks, *(bar.figures[end] for bar in bars for end in ("low", "high"))]
    low, high = min(drawn), max(drawn)
    for _ in range(20):
        points = (high - low) / _AXIS_POINTS
        reaches = [
            value + (1 if right else -1) * (8 + _CHARACTER_POINTS * min(len(text), 40)) * points
            for value, right, text in labels
        ]
        low, high = min(*drawn, *reaches), max(*drawn, *reaches)
    margin = 0.01 * (high - low)
    return low - margin, high + margin


def _legend(axis: Axes) -> None:
    """Above the panel at the right, where no bar can lie."""
    axis.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=5,
        columnspacing=1.2,
        handlelength=1.6,
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
