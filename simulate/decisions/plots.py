"""The picture of a decision: the choices' bands on one axis, and what each prior is worth finding out."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulate import plotting
from simulate.decisions.report import (
    SHARE_DIGITS,
    alike,
    cost_of,
    first_of,
    information_scale,
    maximizes,
    scale_of,
    worth_telling,
)
from simulate.figures import percent_text, probability_text, shortened
from simulate.plotting import FONT_SIZE, INK, MUTED, PALETTE, plain
from simulate.results import Result
from simulate.runs.report import circumstances


def plots(result: Result) -> dict[str, Figure]:
    """The picture of a decision, by its name.

    Above are bands of each choice with how often it is best and its expected regret, below bars of the EVPPI.
    """
    listed = worth_telling(result) if plotting.can_be_drawn([result.at("evpi")]) else []
    heights = [0.9 + 0.62 * len(result.labels("choice"))]
    if listed:
        heights.append(0.9 + 0.3 * (len(listed) + 1))
    figure, axes = plotting.stacked(heights, 0.8, result.attributes["title"])
    layout = figure.get_layout_engine()
    assert layout is not None
    layout.set(rect=(0, 0, 0.985, 1))  # type: ignore[call-arg]  # the columns beside the bands end at the edge
    _bands(axes[0], result)
    if listed:
        _bars(axes[1], result, listed)
    drawn = f"{result.attributes['scenarios']:,} scenarios, seed {result.attributes['seed']}"
    shapes = f"{plotting.BAND_SHAPES}     diamond: mean     ({drawn})"
    plotting.footnote(figure, shapes, circumstances(result.provenance))
    return {"decide": figure}


def _bands(axis: Axes, result: Result) -> None:
    cost, label, unit = cost_of(result)
    choices, percents = result.labels("choice"), result["fine_percentile"]
    scale = information_scale(result)
    power = 10.0**scale.exponent
    curves = result.at("fine_percentiles", quantity=cost)
    if not plotting.can_be_drawn(curves):
        plotting.only_scale(axis)
        axis.set_yticks([])
        plotting.heading(axis, label)
        plotting.say_instead(axis, plotting.TOO_LARGE)
        return
    logarithmic = bool((curves[:, 0] > 0).all())
    axis.set_xscale("log" if logarithmic else "linear")
    beside: dict[str, Any] = {"transform": axis.get_yaxis_transform(), "ha": "center", "va": "center"}
    best = alike(result)
    weights = ["bold" if choice in best else "normal" for choice in choices]
    for row, (choice, grid, weight) in enumerate(zip(choices, curves / power, weights, strict=True)):
        colour = PALETTE[row % len(PALETTE)]
        if grid[0] < grid[-1]:
            least, most = (result.at(end, quantity=cost, choice=choice) / power for end in ("minimum", "maximum"))
            shape = plotting.density(grid, percents, logarithmic=logarithmic, ends=(least, most))
            plotting.draw_density(axis, shape, colour, alpha=0.25, foot=row, height=-0.62)
        plotting.band(axis, grid, percents, row, colour, thick=7)
        mark: dict[str, Any] = {"markersize": 6, "markeredgecolor": "white", "markeredgewidth": 1.3, "zorder": 5}
        mean = result.at("mean", quantity=cost, choice=choice) / power
        axis.plot([mean], [row], "D", color=colour, **mark)
        regret = scale.figure(*result.estimate("expected_regret", choice=choice))
        share = result.estimate("probability_best", choice=choice)
        bound, known = probability_text(*share, result.attributes["scenarios"])
        chance = percent_text(*share, SHARE_DIGITS) if known else bound
        for place, text in ((1.07, chance), (1.19, regret)):
            axis.text(place, row, text, fontsize=FONT_SIZE, fontweight=weight, color=INK, **beside)
    for place, text in ((1.07, f"{first_of(result)} in"), (1.19, "regret")):
        axis.text(place, -0.75, text, fontsize=FONT_SIZE - 2, color=MUTED, **beside)
    labels = [plain(shortened(each, 30)) for each in result["choice_label"]]
    axis.set_yticks(range(len(choices)), labels, fontsize=FONT_SIZE)
    for written, weight in zip(axis.get_yticklabels(), weights, strict=True):
        written.set_fontweight(weight)
    axis.set_ylim(len(choices) - 0.55, -0.8)
    plotting.widen(axis, curves / power)
    plotting.dress(axis, label, scale.unit(unit))


def _bars(axis: Axes, result: Result, listed: Sequence[tuple[str, float, float]]) -> None:
    evpi, evpi_error = result.estimate("evpi")
    scale = information_scale(result)
    power = 10.0**scale.exponent
    bars = [("everything (EVPI)", evpi, evpi_error)]
    bars += [(result.at("prior_label", prior=name), value, error) for name, value, error in listed]
    for row, (_, value, error) in enumerate(bars):
        reach = 2 * error if 2 * error > 0.005 * evpi else 0.0  # a smaller one is but a dot
        colour = PALETTE[0] if row else "#BBBBBB"
        axis.barh(row, value / power, xerr=reach / power or None, height=0.64, color=colour, ecolor=INK)
        share = f"  ({percent_text(value / evpi, error / evpi, SHARE_DIGITS)})" if row else ""
        text = f"{scale_of(result, [value], [error]).figure(value, error)}{share}"
        plotting.label_end(axis, text, (value + reach) / power, row)
    axis.set_yticks(range(len(bars)), [plain(shortened(name, 40)) for name, _, _ in bars], fontsize=FONT_SIZE - 1)
    axis.set_ylim(len(bars) - 0.5, -0.6)
    axis.set_xlim(0, evpi / power * 1.14)
    heading = f"Worth finding out before deciding: expected {'gain' if maximizes(result) else 'saving'}"
    plotting.dress(axis, heading, scale.unit(cost_of(result)[2]))
