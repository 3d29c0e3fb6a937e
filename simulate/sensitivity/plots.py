"""The tornado chart: a bar a prior, the largest on top, the quantity at its ends, the prior's own below its name."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.figures import percentile_name
from simulate.plotting import BESIDE, FONT_SIZE, INK, LINE, MUTED, PALETTE, POINTS, WIDTH, plain, text_points
from simulate.results import Result
from simulate.results.told import FINE
from simulate.runs.report import circumstances
from simulate.sensitivity.report import SIDES, Bar, heading, label_of, method_of, range_scale, shown, with_inputs

COLOURS = {"low": PALETTE[5], "high": PALETTE[0]}  # light and dark blue, told apart in grey too
SHARES = (PALETTE[0], PALETTE[5], *PALETTE[1:5])  # of a method's figures, in turn
NAMES = 200.0  # points of the names at the left
AXIS = 450.0  # the least points of an axis, beside the longest names
DOTTED = 0.03  # of the longest bar, from which on dots have room in one
CLOSE = 0.1  # of the axis: labels of ends so near to each other would overlap
NAME, SMALL = FONT_SIZE - 1, FONT_SIZE - 3
AROUND = 0.85  # inches of a panel for its heading, its key and its ticks


def plots(result: Result, top: int = 12) -> dict[str, Figure]:
    """The picture of a tornado, by its name: the bars of every quantity, one panel each.

    The priors beyond `top` are summed as the last bar.
    """
    panels = {name: bars for name in result.labels("quantity") if (bars := shown(result, name, top))}
    beneath = ", ".join(filter(None, (result.attributes["title"], circumstances(result.provenance))))
    if not panels:
        return {"tornado": plotting.new_figure(WIDTH, 0.3, "No prior moves what was asked", beneath)}
    rows = {name: _row_height(result, bars) for name, bars in panels.items()}
    heights = {name: rows[name] * len(bars) for name, bars in panels.items()}
    names = plotting.fitting([*panels], [height + AROUND for height in heights.values()])
    title = _headline(result, names[0], panels[names[0]])
    figure, axes = plotting.stacked([heights[name] for name in names], 0.3 + AROUND * len(names), title, beneath)
    for axis, name in zip(axes, names, strict=True):
        _panel(axis, result, name, panels[name])
    dots = f"dots: the prior at its {' and its '.join(map(percentile_name, result[FINE]))}" if FINE in result else ""
    plotting.footnote(figure, result.provenance["note"], dots)
    return {"tornado": figure}


def _headline(result: Result, name: str, bars: Sequence[Bar]) -> str:
    """Which prior moves a quantity most, and from where to where."""
    label, most = result.at("label", quantity=name), label_of(result, bars[0].prior)
    if not method_of(result).ranges or any(math.isnan(bars[0].figures[side]) for side in SIDES):
        return f"{label}: {most} moves it most"
    scale = range_scale(result, name, bars)
    low, high = (scale.figure(bars[0].figures[side], bars[0].errors[side]) for side in SIDES)
    return (
        f"{label}: {most} moves it most, from {low} to {high} {scale.unit(result.at('unit', quantity=name))}".rstrip()
    )


def _texts(result: Result, bar: Bar) -> tuple[list[str], list[str]]:
    """The lines of a prior's name, and those of its values at the ends."""
    return plotting.wrapped(label_of(result, bar.prior), NAMES, NAME), plotting.wrapped(with_inputs(bar), NAMES, SMALL)


def _row_height(result: Result, bars: Sequence[Bar]) -> float:
    """Inches from one bar to the next, so that the lines of every name have their place."""
    texts = [_texts(result, bar) for bar in bars]
    return 0.1 + max(len(names) * NAME + len(inputs) * SMALL for names, inputs in texts) * LINE / POINTS


def _panel(axis: Axes, result: Result, name: str, bars: Sequence[Bar]) -> None:
    axis.set_ylim(len(bars) - 0.5, -0.5)
    figures = [0.0, *(figure for bar in bars for figure in bar.figures.values() if not math.isnan(figure))]
    if not plotting.can_be_drawn(figures):
        plotting.only_scale(axis)
        axis.set_yticks([])
        plotting.heading(axis, heading(result, name))
        plotting.say_instead(axis, plotting.TOO_LARGE)
        return
    (_ranges if method_of(result).ranges else _shares)(axis, result, name, bars)
    # above the panel at the right, where no bar can lie
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    axis.legend(ncols=5, columnspacing=1.2, handlelength=1.6, fontsize=FONT_SIZE - 2.5, frameon=False, **place)


def _names(axis: Axes, result: Result, bars: Sequence[Bar], beyond: float = 0.0) -> None:
    """Names at the left, small and grey below each the prior's values at the ends of its bar."""
    axis.set_yticks(range(len(bars)), [""] * len(bars))
    style: dict[str, Any] = {"xycoords": axis.get_yaxis_transform(), "textcoords": "offset points", "ha": "right"}
    for row, bar in enumerate(bars):
        names, inputs = _texts(result, bar)
        half = (len(names) * NAME + len(inputs) * SMALL) * LINE / 2
        for lines, size, colour, down in ((names, NAME, INK, 0.0), (inputs, SMALL, MUTED, len(names) * NAME * LINE)):
            if lines:
                text, at = "\n".join(map(plain, lines)), (-2 * BESIDE - beyond, half - down)
                axis.annotate(text, (0, row), at, va="top", fontsize=size, color=colour, **style)


def _ranges(axis: Axes, result: Result, name: str, bars: Sequence[Bar]) -> None:
    baseline, scale = result.at("baseline", quantity=name), range_scale(result, name, bars)
    unit = scale.unit(result.at("unit", quantity=name))
    quarters = {bar.prior: _quarters(result, name, bar) for bar in bars}
    drawn = [
        baseline,
        *(bar.figures[end] for bar in bars for end in SIDES if not math.isnan(bar.figures[end])),
        *(value for each in quarters.values() for value in each),
    ]
    width = max(drawn) - min(drawn)
    labels = [_labels(bar, baseline, width * CLOSE, scale) for bar in bars]
    rooms = [
        (value, side * (2 * BESIDE + text_points(text, FONT_SIZE - 2))) for each in labels for value, side, text in each
    ]
    low, high, beyond = plotting.with_room(drawn, rooms, AXIS, logarithmic=False, least=min(drawn))
    axis.set_xlim(low, high if high > low else low + 1)
    for row, bar in enumerate(bars):
        _bar(axis, bar, row, baseline)
        if dots := quarters[bar.prior]:
            style: dict[str, Any] = {"color": "white", "markeredgecolor": INK, "markersize": 5, "zorder": 5}
            axis.plot(dots, [row] * len(dots), "o", clip_on=False, **style)
        for value, side, text in labels[row]:
            beside: dict[str, Any] = {"xytext": (1.5 * BESIDE * side, 0), "ha": "left" if side > 0 else "right"}
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            plotting.label_end(axis, text, value, row, bbox=ground, zorder=4, **beside)
    at_medians = method_of(result).at_medians
    what = "all at medians" if at_medians else "all scenarios"
    line = f"{what} {plotting.figure_text(baseline, 3, (min(drawn), baseline, max(drawn)), scale)}"
    axis.axvline(baseline, color=INK, linewidth=1.2, label=line, zorder=3)
    reach = dict.fromkeys(SIDES, "at") if at_medians else {"low": "up to", "high": "from"}
    for end, where in reach.items():
        told = f"prior {where} its {percentile_name(result.attributes[end])}"
        axis.barh(0, 0, left=baseline, color=COLOURS[end], label=told)
    _names(axis, result, bars, beyond)
    label = heading(result, name).replace(": ", f" [{unit}]: " if unit else ": ", 1)
    plotting.only_scale(axis)
    plotting.heading(axis, label, pad=20)
    plotting.ticks(axis, scale)


def _bar(axis: Axes, bar: Bar, row: int, baseline: float) -> None:
    """The longer part first, and the shorter narrower where both are on one side, so that both show."""
    there = sorted(
        (end for end in SIDES if not math.isnan(bar.figures[end])), key=lambda end: -abs(bar.figures[end] - baseline)
    )
    for end in there:
        inside = end != there[0] and (bar.figures[end] > baseline) == (bar.figures[there[0]] > baseline)
        height = 0.3 if inside else 0.6
        axis.barh(row, bar.figures[end] - baseline, left=baseline, height=height, color=COLOURS[end], zorder=2)


def _quarters(result: Result, name: str, bar: Bar) -> list[float]:
    """What the quantity is at a prior's P25 and P75, where that is told, and the bar long enough for dots."""
    if "at_quarters" not in result or bar.prior not in result.labels("prior"):
        return []
    values = result.at("at_quarters", quantity=name, prior=bar.prior).tolist()
    longest = result.at("size", quantity=name).max(initial=0.0, where=~np.isnan(result.at("size", quantity=name)))
    reach = max(bar.size, *(abs(value - result.at("baseline", quantity=name)) for value in values))
    return [value for value in values if plotting.can_be_drawn([value])] if reach > DOTTED * longest else []


def _labels(bar: Bar, baseline: float, close: float, scale: Any) -> list[tuple[float, int, str]]:
    """The quantity at the ends of a bar: where each stands, on which side (1 right, -1 left), and its text.

    Ends that lie close on one side share a label; one without a figure stands at the baseline, away from the other.
    """
    values = [bar.figures[side] for side in SIDES]
    low, high = (scale.figure(bar.figures[side], bar.errors[side]) for side in SIDES)
    if any(map(math.isnan, values)):
        known = next((value for value in values if not math.isnan(value)), math.nan)
        side = -1 if known < baseline else 1
        gap = [(baseline, -side, "no figure")]
        return gap if math.isnan(known) else [*gap, (known, side, high if math.isnan(values[0]) else low)]
    sides = [1 if value > baseline or (value == baseline and end) else -1 for end, value in enumerate(values)]
    if sides[0] == sides[1] and abs(values[1] - values[0]) < close:
        both = low if low == high else f"{low}, {high}"
        return [(max(values, key=lambda value: abs(value - baseline)), sides[0], both)]
    return [(values[0], sides[0], low), (values[1], sides[1], high)]


def _shares(axis: Axes, result: Result, name: str, bars: Sequence[Bar]) -> None:
    figures = method_of(result).figures
    height = 0.72 / len(figures)
    for place, (figure, label) in enumerate(figures.items()):
        rows = [row + (place - (len(figures) - 1) / 2) * height for row in range(len(bars))]
        values = [bar.figures[figure] for bar in bars]
        errors = [2.13 * bar.errors[figure] for bar in bars]  # 95 % with 15 degrees of freedom
        colour, style = SHARES[place % len(SHARES)], {"lw": 1, "ecolor": INK}
        axis.barh(rows, values, height=height, color=colour, xerr=errors, error_kw=style, label=label, zorder=2)
    axis.axvline(0, color=INK, linewidth=0.8, zorder=3)
    _names(axis, result, bars)
    plotting.only_scale(axis)
    plotting.heading(axis, heading(result, name), pad=20)
    plotting.ticks(axis)
