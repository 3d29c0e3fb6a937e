"""The picture of a run: each quantity's band, panels of one unit on one axis as far as all can be read there."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.figures import Scale, percent_text, probability_text
from simulate.plotting import BESIDE, FONT_SIZE, INK, LINE, MUTED, PALETTE, TOO_LARGE, Extent, plain, text_points
from simulate.plotting.axes import axis_points, label_lines, lines_height
from simulate.results import Result
from simulate.runs.report import Told, circumstances, headline, on_scale, published_of, told_band

PUBLISHED, TAIL = PALETTE[1], PALETTE[0]
DIGITS, END_DIGITS = 3, 4  # of a probability, and of where what it is of begins
PANEL = 1.12  # inches high, or more where the lines at its left take more
OUT = 0.1  # of the width from P5 to P95, that a density goes on beyond the outermost of the fine percentiles


def plots(result: Result) -> dict[str, Figure]:
    """The pictures of a run by name."""
    return {"bands": bands(result)}


def bands(result: Result) -> Figure:
    """The bands of the quantities asked for, a panel each, with published figures and what was asked of them.

    A thick line spans P25 to P75, a thin one P5 to P95, a dot is P50, a diamond the mean, and above them stands the
    density. The scale is logarithmic where what is to be seen spans more than `plotting.WIDE` times its low end.
    """
    asked = result.provenance["asked"]
    every = [told_band(result, quantity=name) for name in asked]
    views = plotting.shared([_extent(result, name) for name in asked], [each.base for each in every])
    told = [_on_one_scale(each, view, zip(every, views, strict=True)) for each, view in zip(every, views, strict=True)]
    lines = [
        [
            *label_lines(
                result.at("label", quantity=name) or name, each.unit, logarithmic=bool(view and view.logarithmic)
            ),
            *_without_numbers(result, name),
        ]
        for name, each, view in zip(asked, told, views, strict=True)
    ]
    heights = [max(PANEL, lines_height(each)) for each in lines]
    names = plotting.fitting(asked, heights)
    title = headline(result, next((name for name in result.provenance["headline"] if name in names), names[0]))
    figure, axes = plotting.stacked(heights[: len(names)], 0.4, title, beneath(result))
    sources = _Sources(figure["source"] for figure in published_of(result, names))
    for place, (axis, name) in enumerate(zip(axes, names, strict=True)):
        plotting.bare_axis(axis, lines[place])
        view, points = views[place], axis_points(lines[place])
        if view is None:
            grid = result.at("fine_percentiles", quantity=name)
            plotting.say_instead(axis, TOO_LARGE if np.isfinite(grid).all() else "not a number in some scenarios")
            continue
        plotting.set_view(axis, view)
        _band(axis, result, name)
        _label_band(axis, told[place], points)
        _label_above(axis, _published(result, name, told[place], sources) + _tails(result, name, told[place]), points)
        plotting.ticks(axis, told[place].scale)
        if place + 1 < len(names) and views[place + 1] is view:
            axis.tick_params(axis="x", which="both", labelbottom=False)
    plotting.footnote(figure, f"{plotting.BAND_SHAPES}     ({drawn(result)})")
    return figure


def beneath(result: Result) -> str:
    """What stands small beneath a headline: the title of the file, and under which conditions it is told."""
    return ", ".join(filter(None, (result.attributes["title"], circumstances(result.provenance))))


def drawn(result: Result) -> str:
    """How many scenarios a picture is of."""
    return f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"


def _without_numbers(result: Result, name: str) -> list[str]:
    """In how many scenarios a quantity is no number, a line where it is not always one."""
    count = result.at("nonfinite", quantity=name)
    kept = result.provenance.get("kept", {}).get("scenarios", result.attributes["scenarios"])
    return [f"no number in {percent_text(count / kept, digits=2)}"] if count else []


def _extent(result: Result, name: str) -> Extent | None:
    """What a panel is to show; None where no axis can."""
    grid, percents = result.at("fine_percentiles", quantity=name), result["fine_percentile"]
    stated = [float(figure["value"]) for figure in published_of(result, [name])]
    if not plotting.can_be_drawn([*grid, *stated]):
        return None
    low, high = np.interp([5, 95], percents, grid).tolist()
    beside = [*stated, *([result.at("mean", quantity=name)] if grid[0] < grid[-1] else [])]
    band = Extent(low, high, grid[0], grid[-1])
    least, most = (result.at(end, quantity=name) for end in ("minimum", "maximum"))
    out = math.exp(OUT * band.width) if band.logarithmic else OUT * band.width
    first, last = (grid[0] / out, grid[-1] * out) if band.logarithmic else (grid[0] - out, grid[-1] + out)
    drawn = [max(first, least), min(last, most), *beside]
    still = bool(grid[0] == grid[-1])
    return Extent(min(low, *stated, high), max(high, *stated, low), min(drawn), max(drawn), still)


def _on_one_scale(own: Told, view: Extent | None, every: Iterable[tuple[Told, Extent | None]]) -> Told:
    """What is written of a band, on the scale of the largest of those that share its axis."""
    together = [told for told, other in every if view and other is view]
    largest = max(together, key=lambda told: told.values[-1], default=own)
    return own._replace(scale=replace(own.scale, exponent=largest.scale.exponent))


def _band(axis: Axes, result: Result, name: str) -> None:
    grid, percents = result.at("fine_percentiles", quantity=name), result["fine_percentile"]
    mean = result.at("mean", quantity=name)
    if grid[0] < grid[-1]:
        ends = result.at("minimum", quantity=name), result.at("maximum", quantity=name)
        view, logarithmic = axis.get_xlim(), plotting.is_logarithmic(axis)
        shape = plotting.density(grid, percents, logarithmic=logarithmic, ends=ends, view=view)
        plotting.draw_density(axis, shape, PALETTE[5], alpha=0.35)
        for tail in result.provenance.get("tails", {}).values():
            for low, high in tail["between"] if tail["quantity"] == name else ():
                between = -math.inf if low is None else low, math.inf if high is None else high
                plotting.draw_density(axis, shape, TAIL, alpha=0.45, between=between)
    plotting.band(axis, grid, percents, 0, PALETTE[0], thick=8, mean=mean)
    axis.set_xlim(axis.get_xlim())


class _Sources:
    """Sources of published figures, each told once: where it comes again its number stands for it."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._count = Counter(sources)
        self._numbers = {source: number for number, source in enumerate(self._count, start=1)}
        self._told = set[str]()

    def text(self, source: str) -> str:
        """What stands behind a figure for its source."""
        number = f"[{self._numbers[source]}]" if len(self._count) > 1 and self._count[source] > 1 else ""
        if source in self._told:
            return f" {number}".rstrip()
        self._told.add(source)
        return f", {source} {number}".rstrip(", ")


Above = tuple[float, str, str]  # a place on the axis, what is written above it, and its colour


def _published(result: Result, name: str, told: Told, sources: _Sources) -> list[Above]:
    return [
        (
            float(figure["value"]),
            f"{on_scale(figure['value'], told.scale)} {told.unit}".rstrip() + sources.text(figure["source"]),
            PUBLISHED,
        )
        for figure in published_of(result, [name])
    ]


def _tails(result: Result, name: str, told: Told) -> list[Above]:
    """How probable each part of the band is that a condition names."""
    above, scenarios = [], result.provenance.get("kept", {}).get("effective", result.attributes["scenarios"])
    for text, tail in result.provenance.get("tails", {}).items():
        if tail["quantity"] != name or not tail["between"]:
            continue
        share, error = result.estimate("probability", question=text)
        bound, known = probability_text(share, error, scenarios)
        where = " or ".join(_where(low, high, told.scale) for low, high in tail["between"])
        places = [end for each in tail["between"] for end in each if end is not None]
        told_as = f"{percent_text(share, error, DIGITS) if known else bound} {where}"
        above += [(place, "" if row else told_as, TAIL) for row, place in enumerate(places or told.values[1:2])]
    return above


def _where(low: float | None, high: float | None, scale: Scale) -> str:
    """Between which values it is, in words."""
    first, last = ("" if end is None else plotting.figure_text(end, END_DIGITS, scale=scale) for end in (low, high))
    return f"between {first} and {last}" if first and last else f"above {first}" if first else f"below {last}"


def _label_above(axis: Axes, above: Sequence[Above], points: float) -> None:
    """Write what stands above a band, from the lowest line up, each with a line to its place."""
    up, size = 0.0, FONT_SIZE - 2.5
    for value, text, colour in above:
        share = min(max(plotting.share_of_axis(axis, value), 0.0), 1.0)
        if 0 < share < 1:
            axis.plot([value, value], [-0.12, 0.95], color=colour, linewidth=1.8, zorder=4)
        lines = plotting.wrapped(text, max(share, 1 - share) * points, size)
        style: dict[str, Any] = {"va": "bottom", "ha": "right" if share > 0.5 else "left", "fontsize": size}
        at: dict[str, Any] = {"xycoords": axis.get_yaxis_transform(), "textcoords": "offset points"}
        axis.annotate("\n".join(map(plain, lines)), (share, 1.0), (0, up), color=colour, **style, **at)
        up += LINE * size * len(lines)


def _label_band(axis: Axes, told: Told, points: float) -> None:
    """Write the percentiles and the mean below the band: each at its place, or in one text where they would overlap."""
    low, median, high = told.texts
    places = [points * plotting.share_of_axis(axis, value) for value in (*told.values, told.mean)]
    style: dict[str, Any] = {"va": "top", "ha": "center"}
    bold = {**style, "fontsize": FONT_SIZE, "fontweight": "bold", "color": INK}
    outer = {**style, "fontsize": FONT_SIZE - 2, "color": MUTED}

    def half(text: str, *, large: bool = False) -> float:
        return text_points(text, FONT_SIZE - (0 if large else 2), bold=large) / 2 + BESIDE

    side = "left" if places[1] < 0.2 * points else "right" if places[1] > 0.8 * points else "center"
    aside = {**bold, "ha": side, "fontweight": "normal"}
    if low == high:
        axis.text(told.values[1], -0.2, plain(f"{median} in every scenario"), **aside)
        return
    begins, ends = places[1] - half(median, large=True), places[1] + half(median, large=True)
    if places[0] + half(low) > begins or places[2] - half(high) < ends:
        axis.text(told.values[1], -0.2, plain(f"{median}  ({low} to {high})"), **aside)
        return
    axis.text(told.values[1], -0.2, plain(median), **bold)
    for value, text in ((told.values[0], low), (told.values[2], high)):
        axis.text(value, -0.2, plain(text), **outer)
    text = f"mean {told.mean_text}"
    if not 0 <= places[3] <= points:
        _label_above(axis, [(told.mean, f"← {text}" if places[3] < 0 else f"{text} →", MUTED)], points)
    elif ends < places[3] - half(text) and places[3] + half(text) < places[2] - half(high):
        axis.text(told.mean, -0.2, plain(text), **outer)
