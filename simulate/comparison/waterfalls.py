"""The picture of a bridge: from the baseline's figure to the alternative's, a step for each changed input."""

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.comparison.bridge import Bridge
from simulate.comparison.report import PARTS, bridges_of, others_label
from simulate.figures import Scale
from simulate.plotting import BESIDE, FONT_SIZE, MUTED, PALETTE, text_points
from simulate.results import Result
from simulate.runs.report import told_band

UP, DOWN = PALETTE[4], PALETTE[5]
NAMES = 200.0  # points of the names at the left
AXIS = 450.0  # points of an axis, at least
SIZE = FONT_SIZE - 1  # of the names
ROW, LINE = 0.12, 0.15  # inches of a row, and of each line of its name
AROUND = 0.75  # inches of a panel's heading and ticks
DIGITS, FACTOR_DIGITS = 4, 3


class Panel(NamedTuple):
    """The steps of a quantity: what each is called and what it adds, or the logarithm of the factor, and the ends.

    `levels` are where the first begins and where each ends.
    """

    label: str
    statistic: str
    names: list[str]
    parts: list[float]
    levels: list[float]
    ends: tuple[float, float]
    scale: Scale
    unit: str
    logarithmic: bool

    @property
    def lines(self) -> int:
        """How many lines the longest name takes."""
        return max(len(plotting.wrapped(name, NAMES, SIZE)) for name in self.names)

    @property
    def height(self) -> float:
        """How many inches its rows take."""
        return len(self.names) * (ROW + LINE * self.lines)

    def end_text(self, place: int) -> str:
        """The figure at one of the ends."""
        return plotting.figure_text(self.ends[place], DIGITS, self.ends, self.scale)

    def part_text(self, part: float) -> str:
        """What a step adds, or the factor by which it multiplies."""
        if self.logarithmic:
            return f"× {plotting.figure_text(math.exp(part), FACTOR_DIGITS)}"
        return f"{'+' if part > 0 else '−'}{plotting.figure_text(abs(part), FACTOR_DIGITS, scale=self.scale)}"


def panels_of(result: Result, case: str) -> dict[str, Panel]:
    """The bridges to a case by quantity, where something has changed that can be drawn."""
    return {name: panel for name in result.provenance["headline"] if (panel := _panel(result, name, case))}


def waterfall(result: Result, case: str, found: Mapping[str, Panel]) -> Figure:
    """The bridge to one case: for each quantity, the parts of its first statistic from the baseline on."""
    names = plotting.fitting([*found], [panel.height + AROUND for panel in found.values()])
    panels = [found[name] for name in names]
    first = panels[0]
    most = max(range(len(first.parts)), key=lambda place: abs(first.parts[place]))
    title = (
        f"{first.label}: {first.end_text(0)} {first.unit} in {first.names[0]}, {first.end_text(1)} in "
        f"{first.names[-1]}, most by {first.names[1 + most]} ({first.part_text(first.parts[most])})"
    )
    key = [("up", UP), ("down", DOWN)]
    heights = [panel.height for panel in panels]
    figure, axes = plotting.stacked(heights, 0.2 + AROUND * len(panels), title, key=key)
    cases = result.labels("case")
    colours = [PALETTE[cases.index(each) % len(PALETTE)] for each in (cases[0], case)]
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, colours)
    return figure


def _panel(result: Result, name: str, case: str) -> Panel | None:
    statistic, bridge = next(iter(bridges_of(result, name, case).items()), ("", None))
    if bridge is None or not bridge.moving:
        return None
    steps = _steps(result, bridge)
    log, (start, _) = bridge.scale == "log", bridge.ends
    levels = [*accumulate(steps.values(), initial=0.0)]
    with np.errstate(over="ignore"):
        levels = (start * np.exp(levels)).tolist() if log else [start + level for level in levels]
    if not plotting.can_be_drawn([*bridge.ends, *levels]):
        return None
    ends = [result.at("case_label", case=each) for each in (result.labels("case")[0], case)]
    told = max(
        (told_band(result, quantity=name, case=each) for each in (result.labels("case")[0], case)),
        key=lambda each: abs(each.values[1]),
    )
    return Panel(
        result.at("label", quantity=name),
        statistic,
        [ends[0], *steps, ends[1]],
        [*steps.values()],
        levels,
        bridge.ends,
        told.scale,
        told.unit,
        log,
    )


def _steps(result: Result, bridge: Bridge) -> dict[str, float]:
    """The parts by what they are called, the largest first, the others as one; a name where labels would be alike."""
    names, more, labels = bridge.moving[:PARTS], len(bridge.moving) - PARTS, result.provenance["change_labels"]
    called = [labels.get(name, name) for name in names]
    steps = {
        label if called.count(label) == 1 else name: bridge.parts[name]
        for name, label in zip(names, called, strict=True)
    }
    return steps | ({others_label(more): bridge.others(names)[0]} if more > 0 else {})


def _draw(axis: Axes, panel: Panel, colours: list[str]) -> None:
    """The ends and the steps between them: bars from 0 on, or on a logarithmic axis, which has no 0, dots."""
    last = len(panel.names) - 1
    reached = [*panel.levels, *([] if panel.logarithmic else [0.0])]
    labels = [_label(panel, row) for row in range(last + 1)]
    rooms = [(value, side * (2 * BESIDE + text_points(text, FONT_SIZE - 2))) for value, text, side in labels]
    least = -math.inf if panel.logarithmic or min(reached) < 0 else 0.0
    low, high, beyond = plotting.with_room(reached, rooms, AXIS, logarithmic=panel.logarithmic, least=least)
    axis.set_xscale("log" if panel.logarithmic else "linear")
    axis.set_xlim(low, high if high > low else low + 1)
    for row, (value, text, side) in enumerate(labels):
        if row in {0, last}:
            _end(axis, value, row, colours[bool(row)], logarithmic=panel.logarithmic)
        else:
            _step(axis, panel, row)
        offset: dict[str, Any] = {"xytext": (2 * BESIDE * side, 0), "ha": "left" if side > 0 else "right"}
        plotting.label_end(axis, text, value, row, **offset)
        if row < last:
            axis.plot([panel.levels[row]] * 2, [row, row + 1], color=MUTED, linewidth=0.7, zorder=1)
    plotting.name_rows(axis, panel.names, NAMES, beyond=beyond, size=SIZE)
    axis.set_ylim(last + 0.6, -0.6)
    statistic = panel.statistic
    plotting.dress(axis, f"{panel.label}: from {statistic} to {statistic}", panel.unit, panel.scale)


def _label(panel: Panel, row: int) -> tuple[float, str, int]:
    """Where the label of a row stands, at its moving end, what it says, and on which side, 1 right or -1 left."""
    if row in {0, len(panel.names) - 1}:
        value = panel.ends[bool(row)]
        return value, panel.end_text(int(bool(row))), 1 if value >= 0 else -1
    part = panel.parts[row - 1]
    return panel.levels[row], panel.part_text(part), 1 if part > 0 else -1


def _end(axis: Axes, value: float, row: int, colour: str, *, logarithmic: bool) -> None:
    if logarithmic:
        axis.plot([value], [row], "o", color=colour, markersize=10, zorder=3)
    else:
        axis.barh(row, value, height=0.62, color=colour)


def _step(axis: Axes, panel: Panel, row: int) -> None:
    before, after = panel.levels[row - 1], panel.levels[row]
    colour = UP if after > before else DOWN
    if panel.logarithmic:
        axis.plot([before, after], [row, row], color=colour, linewidth=2.5, solid_capstyle="butt", zorder=2)
        axis.plot([after], [row], "o", color=colour, markersize=7, zorder=3)
    else:
        axis.barh(row, after - before, left=before, height=0.62, color=colour)
