"""What a person reads of a tornado, and rows for a machine."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence

from simulate.conditioning.report import kept_text
from simulate.sensitivity import Bar, Effects, Tornado, to_json, to_rows
from simulate.tables import Column, Line, paragraph, row_scale, table, with_unit
from simulate.units import conversion_factor

BAR_WIDTH = 24
_HEADINGS = {
    "spearman": "Spearman",
    "regression": "regression",
    "first": "first order",
    "total": "total",
    "effect": "Shapley effect",
}


def report(result: Tornado, top: int = 12, width: int | None = None) -> list[Line]:
    """The bars of each quantity as lines laid out for `width` (None: any), the largest `top` and the rest as one."""
    lines: list[Line] = [[(result.title, "bold")], []] if result.title else []
    for effects in result.effects:
        lines += [*paragraph(heading(result, effects), width), []]
        if effects.blank:
            lines += [*paragraph(f"{effects.quantity.name}: {effects.blank}.", width), []]
            continue
        shown, rest = effects.bars[:top], effects.bars[top:]
        ranged = "swing" in effects.bars[0].figures
        lines += (_ranges if ranged else _shares)(result, effects, shown, rest, width)
        lines.append([])
    lines += paragraph(result.note, width) if result.note else []
    if result.given:
        lines += paragraph(
            kept_text(result.given, round(result.given["scenarios"] / result.given["share"])), width
        )
    if result.method != "swing":
        lines += paragraph(
            f"{result.scenarios:,} scenarios, seed {result.seed}; ± is the standard error, from 16 replicates.",
            width,
        )
    return lines


def heading(result: Tornado, effects: Effects) -> str:
    """What the bars are of, and the quantity's value with all priors at their medians, its P50 and its mean."""
    quantity = effects.quantity
    p50 = with_unit(effects.p50, effects.p50_se, quantity.unit)
    mean = with_unit(effects.mean, effects.mean_se, quantity.unit)
    told = f"P50 {p50}, mean {mean}"
    for percent, value in effects.percentiles.items():
        if percent != 50:
            told += f", P{percent:g} {with_unit(value, 1e-3 * abs(value), quantity.unit)}"
    if result.method == "swing":
        baseline = with_unit(effects.baseline, 1e-3 * abs(effects.baseline), quantity.unit)
        told = f"all priors at their medians {baseline}, {told}"
    what = {
        "swing": f"one prior from its P{result.low:g} to its P{result.high:g}",
        "conditional": f"{_statistic(result)} given a prior up to its P{result.low:g} and from its P{result.high:g}",
        "rank": "rank correlation and rank regression",
        "sobol": "Sobol' indices, shares of the variance",
        "shapley": "Shapley effects, shares of the variance",
    }[result.method]
    return f"{quantity.label}: {what} ({told})."


def ends(result: Tornado, bar: Bar) -> tuple[str, str, str]:
    """The low and the high value of the prior behind a bar, to three digits, and their unit as written."""
    written = result.priors.priors[bar.prior].unit
    factor = conversion_factor(written, result.priors.quantities[bar.prior].unit)
    values = [bar.figures["low_input"] / factor, bar.figures["high_input"] / factor]
    scale = row_scale(values, [_third_digit(value) for value in values])
    low, high = (scale.figure(value, _third_digit(value)) for value in values)
    return low, high, scale.unit(written)


def _third_digit(value: float) -> float:
    return 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 0.0


def others(bars: Sequence[Bar], baseline: float) -> Bar:
    """The bars left out, as one: the sum of what each adds to the baseline, or of their shares."""
    figures = {}
    for key in bars[0].figures:
        values = [bar.figures[key] for bar in bars]
        if key in {"low", "high"}:
            figures[key] = baseline + sum(value - baseline for value in values)
        elif key.endswith("_se"):
            figures[key] = math.sqrt(sum(value * value for value in values))
        else:
            figures[key] = sum(values)
    return Bar(f"{len(bars)} others", figures, sum(bar.size for bar in bars))


def _statistic(result: Tornado) -> str:
    return "the mean" if result.percentile is None else f"the P{result.percentile:g}"


def _ranges(
    result: Tornado, effects: Effects, shown: Sequence[Bar], rest: Sequence[Bar], width: int | None
) -> list[Line]:
    bars = [*shown, *([others(rest, effects.baseline)] if rest else [])]
    values = [bar.figures[end] for bar in shown for end in ("low", "high")]
    errors = [bar.figures[f"{end}_se"] for bar in shown for end in ("low", "high")]
    # without sampling error, four digits are as many as a reader takes in
    coarse = [max(error, 1e-3 * abs(value)) for value, error in zip(values, errors, strict=True)]
    scale = row_scale(values, coarse)
    unit = scale.unit(effects.quantity.unit)
    reach = max(
        (abs(bar.figures[end] - effects.baseline) for bar in shown for end in ("low", "high")), default=1.0
    )
    columns = [
        Column("prior", give="wrap"),
        Column("low", ">", drop=2),
        Column("high", ">", drop=2),
        Column("", drop=2),
        Column(f"at low [{unit}]" if unit else "at low", ">"),
        Column("", drop=1),
        Column("at high"),
    ]
    rows = []
    for bar in bars:
        inputs = ends(result, bar) if bar in shown else ("", "", "")
        figures = [
            scale.figure(bar.figures[end], max(bar.figures[f"{end}_se"], 1e-3 * abs(bar.figures[end])))
            for end in ("low", "high")
        ]
        rows.append([bar.prior, *inputs, figures[0], _drawn(bar, effects.baseline, reach), figures[1]])
    return table(columns, rows, width)


def _drawn(bar: Bar, baseline: float, reach: float) -> str:
    """The bar in characters, about a line that is the baseline."""
    half = BAR_WIDTH // 2
    low, high = sorted((bar.figures["low"], bar.figures["high"]))
    left = min(half, round(half * max(0.0, baseline - low) / reach)) if reach else 0
    right = min(half, round(half * max(0.0, high - baseline) / reach)) if reach else 0
    return " " * (half - left) + "█" * left + "│" + "█" * right + " " * (half - right)


def _shares(
    _result: Tornado, effects: Effects, shown: Sequence[Bar], rest: Sequence[Bar], width: int | None
) -> list[Line]:
    bars = [
        *shown,
        *([others(rest, effects.baseline)] if rest and "spearman" not in shown[0].figures else []),
    ]
    keys = [key for key in shown[0].figures if key in _HEADINGS]
    columns = [Column("prior", give="wrap")]
    for key in keys:
        columns += [Column(_HEADINGS[key], ">"), Column("±", ">", drop=2)]
    columns.append(Column("", drop=1))
    largest = max(*(bar.size for bar in shown), 1e-300)
    rows = []
    for bar in bars:
        cells = [bar.prior]
        for key in keys:
            value, error = bar.figures[key], bar.figures[f"{key}_se"]
            places = 4 if error < 1e-3 else 3 if error < 1e-2 else 2
            cells += [f"{value:.{places}f}".replace("-", "−"), f"{error:.1g}"]
        cells.append("█" * min(BAR_WIDTH, round(BAR_WIDTH * bar.size / largest)))
        rows.append(cells)
    return table(columns, rows, width)


def json_text(result: Tornado) -> str:
    """The JSON that `--format json` prints."""
    return json.dumps(to_json(result), indent=2) + "\n"


def csv_text(result: Tornado) -> str:
    """The rows of tornado.csv."""
    heads, rows = to_rows(result)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()
