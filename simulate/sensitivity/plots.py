"""The tornado chart: a bar a prior, the largest on top, both ends labelled with the prior's value."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.figures import percentile_name
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, WIDTH, plain
from simulate.results import Result
from simulate.runs.report import circumstances
from simulate.sensitivity.report import Bar, heading, method_of, shown

COLOURS = {"low": PALETTE[5], "high": PALETTE[0]}  # light and dark blue, told apart in grey too
SHARES = (PALETTE[0], PALETTE[5], *PALETTE[1:5])  # of a method's figures, in turn
P50, MEAN = PALETTE[1], PALETTE[2]
_LONGEST = 34  # characters of a prior's name
_AXIS_POINTS = 450.0  # the least width of an axis, beside the longest names
_CLOSE = 0.1  # of the axis: labels of ends so near to each other would overlap
_CHARACTER_POINTS = 4.8  # the width of a character of the labels at the bars' ends


def plots(result: Result, top: int = 12) -> dict[str, Figure]:
    """The picture of a tornado, by its name: the bars of every quantity, one panel each.

    The priors beyond `top` are summed as the last bar.
    """
    panels = {name: bars for name in result.labels("quantity") if (bars := shown(result, name, top))}
    title = result.attributes["title"]
    if not panels:
        figure = plotting.new_figure(WIDTH, 0.9, title)
        figure.text(0.5, 0.5, "no prior moves what was asked", ha="center", color=MUTED, fontsize=FONT_SIZE)
        return {"tornado": figure}
    heights = {name: 0.9 + 0.34 * len(bars) for name, bars in panels.items()}
    names = plotting.fitting([*panels], heights.values())
    figure, axes = plotting.stacked([heights[name] for name in names], 0.9, title)
    for axis, name in zip(axes, names, strict=True):
        _panel(axis, result, name, panels[name])
    plotting.footnote(figure, result.provenance["note"], circumstances(result.provenance))
    return {"tornado": figure}


def _panel(axis: Axes, result: Result, name: str, bars: Sequence[Bar]) -> None:
    axis.set_ylim(len(bars) - 0.5, -0.5)
    figures = [0.0, *(figure for bar in bars for figure in bar.figures.values() if not math.isnan(figure))]
    if not plotting.can_be_drawn(figures):
        plotting.only_scale(axis)
        axis.set_yticks([])
        plotting.heading(axis, heading(result, name))
        plotting.say_instead(axis, plotting.TOO_LARGE)
        return
    size = FONT_SIZE - (1 if max(len(bar.prior) for bar in bars) <= _LONGEST else 2.5)
    axis.set_yticks(range(len(bars)), [_lines(plain(bar.prior)) for bar in bars], fontsize=size)
    plotting.only_scale(axis)
    plotting.heading(axis, heading(result, name), pad=20)
    (_ranges if method_of(result).ranges else _shares)(axis, result, name, bars)
    # above the panel at the right, where no bar can lie
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    axis.legend(ncols=5, columnspacing=1.2, handlelength=1.6, fontsize=FONT_SIZE - 2.5, frameon=False, **place)


def _ranges(axis: Axes, result: Result, name: str, bars: Sequence[Bar]) -> None:
    baseline = result.at("baseline", quantity=name)
    reached = [baseline, *(bar.figures[end] for bar in bars for end in COLOURS if not math.isnan(bar.figures[end]))]
    labels: list[tuple[float, float]] = []  # where a label stands, and how many points it reaches, left below 0
    for row, bar in enumerate(bars):
        # the longer first, and the shorter narrower where both are on one side, so that both show
        there = sorted(
            (end for end in COLOURS if not math.isnan(bar.figures[end])),
            key=lambda end: -abs(bar.figures[end] - baseline),
        )
        for end in there:
            inside = end != there[0] and (bar.figures[end] > baseline) == (bar.figures[there[0]] > baseline)
            height = 0.34 if inside else 0.68
            axis.barh(row, bar.figures[end] - baseline, left=baseline, height=height, color=COLOURS[end], zorder=2)
        for value, side, text in _labels(bar, baseline, (max(reached) - min(reached)) * _CLOSE):
            labels.append((value, side * (8 + _CHARACTER_POINTS * min(len(text), 40))))
            beside: dict[str, Any] = {"xytext": (3 * side, 0), "ha": "left" if side > 0 else "right"}
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            plotting.label_end(
                axis, text, value, row, color=MUTED, bbox=ground, fontsize=FONT_SIZE - 3, zorder=4, **beside
            )
    marks = [
        (result.at("percentiles", quantity=name, percentile=50), P50, "P50"),
        (result.at("mean", quantity=name), MEAN, "mean"),
    ]
    drawn = [*(value for value, _, _ in marks), *reached]
    among, unit = (min(drawn), baseline, max(drawn)), result.at("unit", quantity=name)
    reach = {"low": "up to", "high": "from"}
    if method_of(result).at_medians:
        marks.insert(0, (baseline, INK, "all at medians"))
        reach = dict.fromkeys(reach, "at")
    else:
        axis.axvline(baseline, color=INK, linewidth=1.2, zorder=3)
    for value, colour, what in marks:
        style, label = "-" if colour == INK else "--", f"{what} {plotting.figure_text(value, 3, among, unit)}"
        axis.axvline(value, color=colour, linewidth=1.2, linestyle=style, label=label, zorder=3)
    axis.set_xlim(_limits(drawn, labels))
    for end, where in reach.items():
        axis.barh(
            0,
            0,
            left=baseline,
            color=COLOURS[end],
            label=f"prior {where} its {percentile_name(result.attributes[end])}",
        )
    plotting.ticks(axis, unit)
    axis.set_xlabel("" if unit == "1" else f"[{plain(unit)}]", fontsize=FONT_SIZE - 2, color=MUTED)


def _labels(bar: Bar, baseline: float, close: float) -> list[tuple[float, int, str]]:
    """The ends of a prior beside the bar: where each stands, on which side (1 right, -1 left), and its text.

    Ends that lie close on one side share a label; one without a figure stands at the baseline, away from the other.
    """
    if not any(bar.ends):
        return []
    *inputs, unit = bar.ends
    low, high = (
        " ".join(filter(None, (written, unit, beside))) for written, beside in zip(inputs, bar.beside, strict=True)
    )
    at_low, at_high = bar.figures["low"], bar.figures["high"]
    if math.isnan(at_low) or math.isnan(at_high):
        known, text, gap = (at_high, high, low) if math.isnan(at_low) else (at_low, low, high)
        side = -1 if known < baseline else 1
        labels = [(baseline, -side, f"{gap}: no figure")]
        return labels + ([(baseline, side, f"{text}: no figure")] if math.isnan(known) else [(known, side, text)])
    sides = [
        1 if value > baseline or (value == baseline and end) else -1 for end, value in enumerate((at_low, at_high))
    ]
    if sides[0] == sides[1] and abs(at_high - at_low) < close:
        both = f"{low}, {high}" if any(bar.beside) else f"{', '.join(inputs)} {unit}".rstrip()
        return [(max(at_low, at_high, key=lambda value: abs(value - baseline)), sides[0], both)]
    return [(at_low, sides[0], low), (at_high, sides[1], high)]


def _lines(name: str) -> str:
    """A long name on two lines, its end kept: it is by their ends that names differ."""
    if len(name) <= _LONGEST:
        return name
    place = name.rfind("_", 0, _LONGEST) + 1 or _LONGEST
    rest = name[place:]
    return f"{name[:place]}\n{rest if len(rest) <= _LONGEST else '…' + rest[1 - _LONGEST :]}"


def _limits(drawn: Sequence[float], labels: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Ends of an axis that leave room for the labels, of which the longest have about half of it."""
    low, high = min(drawn), max(drawn)
    for _ in range(20):
        points = (high - low) / _AXIS_POINTS
        reaches = [value + reach * points for value, reach in labels]
        low, high = min(*drawn, *reaches), max(*drawn, *reaches)
    margin = 0.01 * (high - low)
    return low - margin, high + margin


def _shares(axis: Axes, result: Result, _name: str, bars: Sequence[Bar]) -> None:
    figures = method_of(result).figures
    height = 0.72 / len(figures)
    for place, (figure, label) in enumerate(figures.items()):
        rows = [row + (place - (len(figures) - 1) / 2) * height for row in range(len(bars))]
        values = [bar.figures[figure] for bar in bars]
        errors = [2.13 * bar.errors[figure] for bar in bars]  # 95 % with 15 degrees of freedom
        colour, style = SHARES[place % len(SHARES)], {"lw": 1, "ecolor": INK}
        axis.barh(rows, values, height=height, color=colour, xerr=errors, error_kw=style, label=label, zorder=2)
    axis.axvline(0, color=INK, linewidth=0.8, zorder=3)
