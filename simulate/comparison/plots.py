"""Pictures of a comparison: overlaid bands, exceedance curves, waterfalls; each case in its own colour."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.comparison.cases import unique
from simulate.comparison.report import told_of_cases
from simulate.comparison.waterfalls import panels_of, waterfall
from simulate.figures import percent_text, probability_text
from simulate.graph import Array
from simulate.plotting import FONT_SIZE, INK, LINE, MUTED, PALETTE, POINTS, WIDTH, Extent, plain
from simulate.results import Result
from simulate.runs.report import Told, on_scale, told_band
from simulate.spelling import file_name

WATERFALL = 5.0  # inches high, about: of a picture of its own for each alternative
DENSITY = 0.8  # inches high
AROUND = 0.62  # inches of a panel for its heading and its ticks
NAMES = 190.0  # points of the names at the left
LANE = 0.2  # inches from one band to the next
SIDES = 30.0  # points beside a panel
HALF = 2.5  # inches high is a panel of half the width
MOST_FILLED = 3  # densities that are filled; more would hide each other
MOST_KEYED = 6  # cases told apart by a key; more are labelled at their lines
LINES = ("-", "--", ":")  # for more cases than there are colours
DIGITS = 3  # of a probability
NEARLY = 0.01  # relative difference of figures that are marked as one
APART = 9  # per cent between labels of crossings
MOST_TICKS = 5  # of a panel of half the width
FEWEST_POINTS = 60.0  # of a label at a curve
ROUGHLY = 0.005  # to whole per cents


def plots(result: Result) -> dict[str, Figure]:
    """The pictures of a comparison by name: bands, exceedance, and a waterfall for each alternative."""
    found = {"bands": bands(result), "exceedance": exceedance(result)}
    alternatives = result.labels("case")[1:]
    files = dict(zip(alternatives, unique([*map(file_name, alternatives)]), strict=True))
    bridged = {case: panels for case in alternatives if (panels := panels_of(result, case))}
    for case in plotting.fitting([*bridged], [WATERFALL] * len(bridged), "alternatives"):
        name = "waterfall" if len(alternatives) == 1 else f"waterfall-{files[case]}"
        found[name] = waterfall(result, case, bridged[case])
        plotting.footnote(found[name], *_beneath(result))
    return found


def colour_of(result: Result, case: str) -> str:
    """The colour of a case."""
    return PALETTE[result.labels("case").index(case) % len(PALETTE)]


def bands(result: Result) -> Figure:
    """Overlaid bands: for each quantity one axis, on it a density of each case, and below it its band and figures."""
    asked, cases = result.provenance["headline"], result.labels("case")
    labels = [plotting.wrapped(result.at("case_label", case=case), NAMES, FONT_SIZE - 1) for case in cases]
    lanes = [LANE + (len(lines) - 1) * LINE * FONT_SIZE / POINTS for lines in labels]
    rows = [-sum(lanes[:place]) - lane / 2 - 0.05 for place, lane in enumerate(lanes)]
    high = DENSITY + sum(lanes) + 0.1
    names = plotting.fitting(asked, [high + AROUND] * len(asked))
    figure, axes = plotting.stacked([high] * len(names), 0.3 + AROUND * len(names), _headline(result, names[0]))
    for axis, name in zip(axes, names, strict=True):
        axis.set_yticks(rows, ["\n".join(map(plain, lines)) for lines in labels], fontsize=FONT_SIZE - 1)
        axis.set_ylim(DENSITY - high, DENSITY)
        told = _told_on_one_scale(result, name)
        extent = _extent(result, name, [*told])
        if extent is None:
            plotting.only_scale(axis)
            plotting.heading(axis, plotting.titled(result.at("label", quantity=name)))
            plotting.say_instead(axis, "no figures that can be drawn")
            continue
        plotting.set_view(axis, extent)
        first = next(iter(told.values()))
        plotting.dress(axis, result.at("label", quantity=name), first.unit, first.scale)
        for row, case in zip(rows, cases, strict=True):
            if case in told:
                _lane(axis, result, row, told[case], quantity=name, case=case)
    drawn = f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"
    plotting.footnote(figure, f"{plotting.BAND_SHAPES}     ({drawn})", *_beneath(result))
    return figure


def _lane(axis: Axes, result: Result, row: float, told: Told, **at: str) -> None:
    """The density of a case, and at a height of the axis its band with its figures."""
    values, percents, colour = (
        result.at("fine_percentiles", **at),
        result["fine_percentile"],
        colour_of(result, at["case"]),
    )
    if values[0] < values[-1]:
        ends = result.at("minimum", **at), result.at("maximum", **at)
        view, logarithmic = axis.get_xlim(), plotting.is_logarithmic(axis)
        shape = plotting.density(values, percents, logarithmic=logarithmic, ends=ends, view=view)
        alpha = 0.25 if len(result.labels("case")) <= MOST_FILLED else 0.0
        plotting.draw_density(axis, shape, colour, alpha=alpha, height=DENSITY * 0.95, line=1.2)
    else:
        axis.plot(values[[0, 0]], [row, DENSITY * 0.95], color=colour, linewidth=1.6)
    plotting.band(axis, values, percents, row, colour, thick=6, edge=colour, mean=told.mean)
    low, median, high = told.texts
    text = median if low == high else f"{median}  ({low} to {high})"
    style: dict[str, Any] = {"fontsize": FONT_SIZE - 2, "color": INK, "va": "center", "ha": "left"}
    axis.text(1.01, row, plain(text), transform=axis.get_yaxis_transform(), **style)
    axis.set_xlim(axis.get_xlim())


def _told_on_one_scale(result: Result, name: str) -> dict[str, Told]:
    """What is told of a quantity in the cases that have finite figures in its unit, on the scale of the largest."""
    unit = result.at("unit", quantity=name)
    told = {
        case: told_band(result, quantity=name, case=case)
        for case in result.labels("case")
        if plotting.can_be_drawn(result.at("fine_percentiles", quantity=name, case=case))
        and result.unit("fine_percentiles", quantity=name, case=case) == unit
    }
    largest = max(told.values(), key=lambda each: each.values[1], default=None)
    return {
        case: each._replace(scale=replace(each.scale, exponent=largest.scale.exponent))
        for case, each in told.items()
        if largest
    }


def _extent(result: Result, name: str, cases: Sequence[str], marks: Sequence[float] = ()) -> Extent | None:
    """What an axis of several cases shows, with figures that are marked; None where there is nothing."""
    found = []
    for case in cases:
        curve = result.at("fine_percentiles", quantity=name, case=case)
        low, high = np.interp([5, 95], result["fine_percentile"], curve).tolist()
        found.append(Extent(low, high, float(curve[0]), float(curve[-1]), still=low == high))
    found += [Extent(mark, mark, mark, mark, still=True) for mark in marks if found]
    return found[0].joined(*found[1:]) if found else None


def _headline(result: Result, name: str) -> str:
    """What a comparison says of a quantity: the medians of two cases, or of more the least and the greatest."""
    told = _told_on_one_scale(result, name)
    label = result.at("label", quantity=name)
    if not told:
        return f"{label}: {' and '.join(result['case_label'])}"
    cases = sorted(told, key=lambda case: told[case].values[1])
    names = {case: result.at("case_label", case=case) for case in cases}
    if len(told) < len(result.labels("case")) or len(cases) == 1:
        return f"{label}: " + ", ".join(
            f"{told[case].texts[1]} {told[case].unit} in {names[case]}" for case in cases[:2]
        )
    first, last = result.labels("case")[::-1] if len(cases) == 2 else (cases[0], cases[-1])
    return (
        f"{label}: {told[first].texts[1]} {told[first].unit} in {names[first]}, {told[last].texts[1]} in {names[last]}"
    )


def _surest(result: Result, name: str) -> str:
    """How probable it is that an alternative is lower than the baseline, the one of which that is surest."""
    baseline, *others = result.labels("case")
    known = {
        case: share
        for case in others
        if not math.isnan(share := result.at("probability_lower", quantity=name, case=case))
    }
    if not known:
        return _headline(result, name)
    case = max(known, key=lambda each: abs(known[each] - 0.5))
    share, error = result.estimate("probability_lower", quantity=name, case=case)
    bound, estimated = probability_text(share, error, result.attributes["scenarios"])
    text = percent_text(share, error, DIGITS) if estimated else bound
    names = (result.at("case_label", case=each) for each in (case, baseline))
    return f"{result.at('label', quantity=name)}: P({' < '.join(names)}) {'' if bound[0] in '<>' else '= '}{text}"


def exceedance(result: Result) -> Figure:
    """Exceedance curves: for each quantity, in each case, the probability of more than x, and of published figures."""
    asked, cases = result.provenance["headline"], result.labels("case")
    keyed = len(cases) <= MOST_KEYED
    height = HALF if keyed else max(HALF, 0.7 + 0.2 * len(cases))
    across = min(len(asked), 2) if keyed else 1
    names = plotting.fitting(asked, [height / across] * len(asked))
    down = -(-len(names) // across)
    key = [(result.at("case_label", case=case), colour_of(result, case)) for case in cases] if keyed else []
    figure = plotting.new_figure(WIDTH, 0.3 + height * down, _surest(result, names[0]), key=key)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    points = (POINTS * WIDTH - 2 * SIDES) / across - SIDES
    for axis, name in zip(axes, names, strict=False):
        _curves(axis, result, name, points, keyed=keyed)
    sources = dict.fromkeys(figure["source"] for name in names for figure in _published(result, name))
    told = f"marked: published, {'; '.join(filter(None, sources))}" if any(sources) else ""
    plotting.footnote(figure, told, *_beneath(result))
    return figure


def _curves(axis: Axes, result: Result, name: str, points: float, *, keyed: bool) -> None:
    told = _told_on_one_scale(result, name)
    marks = _marks(result, name, told)
    axis.set_ylim(-2, 102)
    axis.set_yticks([0, 25, 50, 75, 100], ["0 %", "", "50 %", "", "100 %"])
    axis.grid(visible=True, axis="y", color="#E4E4E4", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(axis="both", which="both", colors=MUTED, labelsize=FONT_SIZE - 2)
    label = f"P({result.at('label', quantity=name)} > x)"
    extent = _extent(result, name, [*told], marks)
    if extent is None:
        plotting.heading(axis, label, points=points)
        plotting.say_instead(axis, "no figures that can be drawn")
        return
    plotting.set_view(axis, extent)
    first = next(iter(told.values()))
    plotting.heading(axis, plotting.titled(label, first.unit, logarithmic=extent.logarithmic), points=points)
    curves = {case: _curve(result, name, case) for case in told}
    for case, curve in curves.items():
        style = LINES[result.labels("case").index(case) // len(PALETTE) % len(LINES)]
        axis.plot(*curve, style, color=colour_of(result, case), linewidth=2)
    axis.set_xlim(*extent.view)
    plotting.ticks(axis, first.scale)
    places = [place for place in axis.xaxis.get_majorticklocs() if extent.view[0] <= place <= extent.view[1]]
    axis.xaxis.set_ticks(places[:: -(-len(places) // MOST_TICKS) or 1])
    if not keyed:
        _label_curves(axis, result, curves, points)
    for mark in marks:
        text = f"{on_scale(mark, first.scale)} {first.unit}".rstrip()
        _mark(axis, [(colour_of(result, case), *curve) for case, curve in curves.items()], mark, text, apart=keyed)


def _curve(result: Result, name: str, case: str) -> tuple[Array, Array]:
    """The places of a curve, and the per cent of the scenarios that lie above each."""
    at, above = result.at("fine_percentiles", quantity=name, case=case), 100 - result["fine_percentile"]
    return (at, above) if at[0] < at[-1] else (at[[0, -1]], np.array([100.0, 0.0]))  # a constant: one step


def _label_curves(axis: Axes, result: Result, curves: Mapping[str, tuple[Array, Array]], points: float) -> None:
    """Write the names of cases at their curves, each at a height of its own.

    Of the lower half to the left, where there is room below, of the others to the right, where there is some above.
    """
    order = sorted(curves, key=lambda case: float(np.median(curves[case][0])))
    half = len(order) // 2
    heights = [*np.linspace(60, 6, half).tolist(), *np.linspace(94, 40, len(order) - half).tolist()]
    for place, (case, height) in enumerate(zip(order, heights, strict=True)):
        at, above = curves[case]
        value, right = float(np.interp(-height, -above, at)), place < half
        share = plotting.share_of_axis(axis, value)
        room = max((share if right else 1 - share) * points, FEWEST_POINTS)
        text = "\n".join(plotting.wrapped(result.at("case_label", case=case), room, FONT_SIZE - 2))
        _label(axis, text, value, height, colour_of(result, case), right=right)


def _label(axis: Axes, text: str, place: float, height: float, colour: str, *, right: bool) -> None:
    """Write beside a point of a panel, to its left where it stands at the right."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8}
    style: dict[str, Any] = {"ha": "right" if right else "left", "va": "center", "bbox": ground, "zorder": 6}
    beside: dict[str, Any] = {"xytext": (-7 if right else 7, 0), "textcoords": "offset points"}
    axis.annotate(
        "\n".join(map(plain, text.split("\n"))),
        (place, height),
        color=colour,
        fontsize=FONT_SIZE - 2,
        **beside,
        **style,
    )


def _published(result: Result, name: str) -> list[dict[str, Any]]:
    """The published figures of a quantity, of any case."""
    every = (figure for figures in result.provenance["case_published"].values() for figure in figures)
    return [figure for figure in every if figure["quantity"] == name and plotting.can_be_drawn([figure["value"]])]


def _marks(result: Result, name: str, told: Mapping[str, Told]) -> list[float]:
    """What is marked on the curves: published figures, and what is the same in every scenario of a case, each once."""
    if all(each.values[0] == each.values[-1] for each in told.values()):
        return []
    constants = [each.values[1] for each in told.values() if each.values[0] == each.values[-1]]
    marks = list[float]()
    for value in [*(float(figure["value"]) for figure in _published(result, name)), *constants]:
        if not any(math.isclose(value, mark, rel_tol=NEARLY) for mark in marks):
            marks.append(value)
    return marks


def _mark(axis: Axes, curves: Sequence[tuple[str, Array, Array]], mark: float, text: str, *, apart: bool) -> None:
    """Mark a figure, and write how probable more is where it crosses the curves: at each, or above them all.

    A curve is its colour, its places and its heights.
    """
    axis.axvline(mark, color=MUTED, linewidth=1, linestyle=":", zorder=1)
    crossed = sorted(
        (-float(np.interp(mark, at, above)), colour) for colour, at, above in curves if at[0] < mark < at[-1]
    )
    right, before = plotting.share_of_axis(axis, mark) > 0.5, -math.inf
    for place, (below, colour) in enumerate(crossed):
        axis.plot([mark], [-below], "o", color=colour, markersize=6, markeredgecolor="white", zorder=5)
        if apart and below - before > APART:
            told = percent_text(-below / 100, ROUGHLY)
            _label(axis, told if place else f"{text} at {told}", mark, -below, colour, right=right)
            before = below
    if crossed and not apart:
        ends = dict.fromkeys(percent_text(-below / 100, ROUGHLY) for below, _ in (crossed[-1], crossed[0]))
        _label(axis, f"{text} at {' to '.join(ends)}", mark, 101, INK, right=right)


def _beneath(result: Result) -> list[str]:
    """For a footnote: which quantities a picture leaves out, and what there is to know of the cases."""
    shown, there = len(result.provenance["headline"]), len(result.labels("quantity"))
    others = f"{shown} of {there} quantities; --quantities names others" if shown < there else ""
    return [others, "; ".join(told_of_cases(result))]
