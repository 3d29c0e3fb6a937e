"""What a person reads of a tornado: a table of bars for each quantity, the largest first."""

from __future__ import annotations

from collections.abc import Sequence

from simulate.figures import row_scale, with_unit
from simulate.layout import Column, Section
from simulate.results import Result
from simulate.runs import answers
from simulate.runs.report import settings_text
from simulate.sensitivity.bars import Bar, ends, method_of, shown

BAR_WIDTH = 24


def sections(result: Result, top: int = 12) -> list[Section]:
    """The report of a tornado: the largest `top` bars of each quantity, and the rest as one where that has a sense."""
    told = [Section(result.attributes["title"])] if result.attributes["title"] else []
    how = method_of(result)
    for name in result.labels("quantity"):
        told.append(Section(intro=f"{heading(result, name)} ({_standing(result, name)})."))
        if bars := shown(result, name, top):
            told.append((_ranges if how.ranges else _shares)(result, name, bars))
        else:
            told.append(Section(intro=f"{name}: it is the same in every scenario: no prior moves it."))
    remarks = [result.provenance["note"], answers.kept(result)]
    if not how.at_medians:
        drawn = settings_text(result).removesuffix(".")
        remarks.append(f"{drawn}; ± is the standard error, from {result.attributes['replicates']} replicates.")
    return [*told, Section(remarks=[*filter(None, remarks)])]


def heading(result: Result, name: str) -> str:
    """What the bars of a quantity are."""
    attributes = result.attributes
    statistic = f"the P{attributes['percentile']:g}" if "percentile" in attributes else "the mean"
    what = method_of(result).heading.format(low=attributes["low"], high=attributes["high"], statistic=statistic)
    return f"{result.at('label', quantity=name)}: {what}"


def _standing(result: Result, name: str) -> str:
    """Where a quantity stands: with all priors at their medians, its P50 and mean, and the percentiles asked for."""
    unit = result.at("unit", quantity=name)
    told = []
    if method_of(result).at_medians:
        baseline = result.at("baseline", quantity=name)
        told.append(f"all priors at their medians {with_unit(baseline, 1e-3 * abs(baseline), unit)}")
    told.append(f"P50 {with_unit(*result.estimate('percentiles', quantity=name, percentile=50), unit)}")
    told.append(f"mean {with_unit(*result.estimate('mean', quantity=name), unit)}")
    for percent in result.labels("percentile"):
        if percent != 50:
            value = result.at("percentiles", quantity=name, percentile=percent)
            told.append(f"P{percent:g} {with_unit(value, 1e-3 * abs(value), unit)}")
    return ", ".join(told)


def _ranges(result: Result, name: str, bars: Sequence[Bar]) -> Section:
    baseline = result.at("baseline", quantity=name)
    named = [bar for bar in bars if bar.prior in result.labels("prior")]
    values = [bar.figures[end] for bar in named for end in ("low", "high")]
    scale = row_scale(values, [_coarse(bar, end) for bar in named for end in ("low", "high")])
    unit = scale.unit(result.at("unit", quantity=name))
    reach = max(abs(value - baseline) for value in values)
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
        inputs = ends(result, bar.prior) if bar in named else ("", "", "")
        low, high = (scale.figure(bar.figures[end], _coarse(bar, end)) for end in ("low", "high"))
        rows.append([bar.prior, *inputs, low, _drawn(bar, baseline, reach), high])
    return Section(columns=columns, rows=rows)


def _coarse(bar: Bar, end: str) -> float:
    """The error of an end; without one, four digits are as many as a reader takes in."""
    return max(bar.errors[end], 1e-3 * abs(bar.figures[end]))


def _drawn(bar: Bar, baseline: float, reach: float) -> str:
    """The bar in characters, about a line that is the baseline."""
    half = BAR_WIDTH // 2
    low, high = sorted((bar.figures["low"], bar.figures["high"]))
    left = min(half, round(half * max(0.0, baseline - low) / reach)) if reach else 0
    right = min(half, round(half * max(0.0, high - baseline) / reach)) if reach else 0
    return " " * (half - left) + "█" * left + "│" + "█" * right + " " * (half - right)


def _shares(result: Result, _name: str, bars: Sequence[Bar]) -> Section:
    columns = [Column("prior", give="wrap")]
    for label in method_of(result).figures.values():
        columns += [Column(label, ">"), Column("±", ">", drop=2)]
    columns.append(Column("", drop=1))
    largest = max(*(bar.size for bar in bars if bar.prior in result.labels("prior")), 1e-300)
    rows = []
    for bar in bars:
        cells = [bar.prior]
        for figure, error in zip(bar.figures.values(), bar.errors.values(), strict=True):
            places = 4 if error < 1e-3 else 3 if error < 1e-2 else 2
            cells += [f"{figure:.{places}f}".replace("-", "−"), f"{error:.1g}"]
        rows.append([*cells, "█" * min(BAR_WIDTH, round(BAR_WIDTH * bar.size / largest))])
    return Section(columns=columns, rows=rows)
