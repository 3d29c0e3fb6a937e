"""Pictures of a comparison: overlaid bands, exceedance curves, waterfalls; each case in its own colour."""

import math
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.comparison.bridge import Bridge
from simulate.comparison.cases import unique
from simulate.comparison.report import PARTS, bridges_of, others_label, told_of_cases
from simulate.figures import shortened
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, WIDTH, plain
from simulate.results import Result
from simulate.spelling import file_name

WATERFALL = 5.0  # inches high, about: of a picture of its own for each alternative
LANE = 0.28  # from one band to the next, where a density is 1 high
HALF = 2.5  # inches high is a panel of half the width
MOST_TICKS = 5  # of a panel of half the width


def plots(result: Result) -> dict[str, Figure]:
    """The pictures of a comparison by name: bands, exceedance, and a waterfall for each alternative."""
    found = {"bands": bands(result), "exceedance": exceedance(result)}
    alternatives = result.labels("case")[1:]
    files = dict(zip(alternatives, unique([*map(file_name, alternatives)]), strict=True))
    for case in plotting.fitting(alternatives, [WATERFALL] * len(alternatives), "alternatives"):
        if figure := waterfall(result, case):
            found["waterfall" if len(alternatives) == 1 else f"waterfall-{files[case]}"] = figure
    return found


def _colour(result: Result, case: str) -> str:
    return PALETTE[result.labels("case").index(case) % len(PALETTE)]


def _legend(figure: Figure, result: Result) -> None:
    from matplotlib.lines import Line2D

    labels = zip(result.labels("case"), result.labels("case_label"), strict=True)
    handles = [
        Line2D([], [], color=_colour(result, case), linewidth=5, label=plain(shortened(label, 40)))
        for case, label in labels
    ]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=min(len(handles), 4), frameon=False, fontsize=FONT_SIZE
    )


def _known(axis: Axes, result: Result, name: str) -> dict[str, Array]:
    """The fine percentiles of the cases that have finite figures in the quantity's unit, for the axis.

    Where all are positive, the axis is made logarithmic.
    """
    unit = result.at("unit", quantity=name)
    fine = {case: result.at("fine_percentiles", quantity=name, case=case) for case in result.labels("case")}
    known = {
        case: values
        for case, values in fine.items()
        if plotting.can_be_drawn(values) and result.unit("fine_percentiles", quantity=name, case=case) == unit
    }
    logarithmic = bool(known) and all(values[0] > 0 for values in known.values())
    axis.set_xscale("log" if logarithmic else "linear")
    return known


def bands(result: Result) -> Figure:
    """Overlaid bands: for each quantity one axis, on it a density, and a band below it, of each case."""
    asked, cases = result.provenance["headline"], result.labels("case")
    height = 0.95 + 0.17 * len(cases)
    names = plotting.fitting(asked, [height] * len(asked))
    figure, axes = plotting.stacked([height] * len(names), 1.0)
    _legend(figure, result)
    for axis, name in zip(axes, names, strict=True):
        plotting.bare_axis(axis, result.at("label", quantity=name), result.at("unit", quantity=name))
        known = _known(axis, result, name)
        for case, values in known.items():
            lane, colour = -LANE * (1 + cases.index(case)), _colour(result, case)
            if values[0] < values[-1]:
                ends = tuple(result.at(end, quantity=name, case=case) for end in ("minimum", "maximum"))
                logarithmic = plotting.is_logarithmic(axis)
                shape = plotting.density(values, result["fine_percentile"], logarithmic=logarithmic, ends=ends)
                plotting.draw_density(axis, shape, colour, alpha=0.25, line=1.2)
            else:
                axis.plot(values[[0, 0]], [lane, 1.0], color=colour, linewidth=1.6)
            plotting.band(axis, values, result["fine_percentile"], lane, colour, thick=6, edge=colour)
        axis.set_ylim(-LANE * (len(cases) + 0.8), 1.1)
        if not known:
            plotting.say_instead(axis, "no figures that can be drawn")
            continue
        plotting.widen(axis, known.values())
        plotting.ticks(axis, result.at("unit", quantity=name))
    drawn = f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"
    plotting.footnote(figure, f"{plotting.BAND_SHAPES}     ({drawn})", *_told(result))
    return figure


def exceedance(result: Result) -> Figure:
    """Exceedance curves: for each quantity, in each case, the probability of more than x."""
    asked = result.provenance["headline"]
    names = plotting.fitting(asked, [HALF / 2] * len(asked))
    across = min(len(names), 2)
    down = -(-len(names) // across)
    figure = plotting.new_figure(WIDTH, 0.9 + HALF * down)
    _legend(figure, result)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    for axis, name in zip(axes, names, strict=False):
        known = _known(axis, result, name)
        for case, values in known.items():
            at, above = values, 100 - result["fine_percentile"]
            if at[0] == at[-1]:  # a constant: one step
                at, above = at[[0, -1]], np.array([100.0, 0.0])
            axis.plot(at, above, color=_colour(result, case), linewidth=2)
        axis.set_ylim(-2, 102)
        axis.set_yticks([0, 25, 50, 75, 100], ["0 %", "", "50 %", "", "100 %"])
        axis.grid(visible=True, axis="y", color="#E4E4E4", linewidth=0.7)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="both", which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
        title = f"P({result.at('label', quantity=name)} > x){_bracketed(result, name)}"
        axis.set_title(plain(shortened(title, 56)), loc="left", fontsize=FONT_SIZE, color=INK)
        if known:
            plotting.widen(axis, known.values())
            plotting.ticks(axis, result.at("unit", quantity=name))
            first, last = axis.get_xlim()
            places = [place for place in axis.xaxis.get_majorticklocs() if first <= place <= last]
            axis.xaxis.set_ticks(places[:: -(-len(places) // MOST_TICKS) or 1])
    plotting.footnote(figure, *_told(result))
    return figure


def _told(result: Result) -> list[str]:
    """For a footnote: which quantities a picture leaves out, and what there is to know of the cases."""
    shown, there = len(result.provenance["headline"]), len(result.labels("quantity"))
    others = f"{shown} of {there} quantities; --quantities names others" if shown < there else ""
    return [others, "; ".join(told_of_cases(result))]


def _bracketed(result: Result, name: str) -> str:
    unit = result.at("unit", quantity=name)
    return "" if unit == "1" else f" [{unit}]"


def waterfall(result: Result, case: str) -> Figure | None:
    """The bridge to one case: for each quantity, the parts of its first statistic from the baseline on.

    None where nothing has changed, or nothing that can be drawn.
    """
    baseline = result.labels("case")[0]
    first, last = (result.at("case_label", case=each) for each in (baseline, case))
    panels: dict[str, tuple[str, list[tuple[str, float]], bool]] = {}
    for name in result.provenance["headline"]:
        statistic, bridge = next(iter(bridges_of(result, name, case).items()), ("", None))
        if bridge and bridge.moving:
            log = bridge.scale == "log"
            # not the statistic of the difference
            title = f"{result.at('label', quantity=name)}: from {statistic} to {statistic}{_bracketed(result, name)}"
            bars = _bars(bridge, first, last)
            if plotting.can_be_drawn([*bridge.ends, *_levels(bars, log=log)]):
                panels[name] = title + ", log scale" * log, bars, log
    if not panels:
        return None
    heights = {name: 0.75 + 0.27 * len(bars) for name, (_, bars, _) in panels.items()}
    names = plotting.fitting([*panels], heights.values())
    figure, axes = plotting.stacked([heights[name] for name in names], 0.8, f"From {first} to {last}")
    colours = [_colour(result, each) for each in (baseline, case)]
    for axis, (title, bars, log) in zip(axes, map(panels.__getitem__, names), strict=True):
        _falls(axis, bars, colours, log=log)
        plotting.dress(axis, title)
    plotting.footnote(figure, *_told(result))
    return figure


def _bars(bridge: Bridge, first: str, last: str) -> list[tuple[str, float]]:
    """The rows of a waterfall: the baseline's value, the parts, the others as one, the alternative's value."""
    names, more = bridge.moving[:PARTS], len(bridge.moving) - PARTS
    others = [(others_label(more), bridge.others(names)[0])] if more > 0 else []
    parts = [(name, bridge.parts[name]) for name in names]
    return [(first, bridge.ends[0]), *parts, *others, (last, bridge.ends[1])]


def _levels(bars: list[tuple[str, float]], *, log: bool) -> list[float]:
    """Where each part of a waterfall ends, and the first begins."""
    start, parts = bars[0][1], [part for _, part in bars[1:-1]]
    if not log:
        return [*accumulate(parts, initial=start)]
    with np.errstate(over="ignore"):
        return [start, *(start * np.exp([*accumulate(parts)])).tolist()]


def _falls(axis: Axes, bars: list[tuple[str, float]], colours: list[str], *, log: bool) -> None:
    up, down = PALETTE[4], PALETTE[5]
    if log:
        axis.set_xscale("log")
    levels = _levels(bars, log=log)
    low, high = (min(levels), max(levels)) if log else (min(0.0, *levels), max(0.0, *levels))
    base = low / 1.3 if log else 0.0
    for row, (_, value) in enumerate(bars):
        if row in {0, len(bars) - 1}:
            axis.barh(row, value - base, left=base, height=0.62, color=colours[bool(row)])
            text, end = plotting.figure_text(value, 3, (bars[0][1], bars[-1][1])), max(value, base)
        else:
            before, after = levels[row - 1], levels[row]
            axis.barh(row, after - before, left=before, height=0.62, color=up if value > 0 else down)
            sign = "+" if value > 0 else "−"
            size = math.exp(value) if log else abs(value)
            text = f"{'× ' if log else sign}{plotting.figure_text(size, 3)}"
            end = max(before, after)
        plotting.label_end(axis, text, end, row)
        if row < len(bars) - 1:
            axis.plot([levels[row]] * 2, [row - 0.31, row + 1.31], color=MUTED, linewidth=0.7)
    axis.set_yticks(range(len(bars)), [plain(shortened(name, 34)) for name, _ in bars], fontsize=FONT_SIZE - 1.5)
    axis.set_ylim(len(bars) - 0.4, -0.6)
    axis.set_xlim(*((base, high * (high / low) ** 0.16 * 1.1) if log else (low * 1.05, high + 0.14 * (high - low))))
