"""What a person reads of a tornado: a table of bars for each quantity, the largest first."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simulate.figures import ONES, row_scale, with_unit
from simulate.layout import Column, Section
from simulate.results import Result
from simulate.runs import answers
from simulate.runs.report import departures, settings_text
from simulate.sensitivity.method import Method
from simulate.sensitivity.methods import METHODS
from simulate.units import conversion_factor

BAR_WIDTH = 24
DIGITS = 3  # as many as a reader takes in


class Bar(NamedTuple):
    """What a prior does to a quantity: the method's figures and their standard errors by name.

    `ends` are the low and the high value of the prior and their unit; a bar that stands for several priors has none.
    """

    prior: str
    figures: Mapping[str, float]
    errors: Mapping[str, float]
    size: float
    ends: tuple[str, str, str] = ("", "", "")


def method_of(result: Result) -> Method:
    """The method by which a result was measured."""
    return METHODS[result.attributes["method"]]


def shown(result: Result, quantity: str, top: int) -> list[Bar]:
    """The bars of a quantity, the largest first; those beyond `top` as one, whose `prior` says how many, or left out.

    They are left out where bars may not be summed.
    """
    how, every = method_of(result), []
    for prior in result.labels("prior"):
        at = {"quantity": quantity, "prior": prior}
        if not math.isnan(size := result.at("size", **at)):
            figures = {name: result.at(name, **at) for name in how.figures}
            errors = {name: result.at(f"{name}_se", **at) for name in how.figures}
            every.append(Bar(prior, figures, errors, size, _ends(result, prior)))
    every.sort(key=lambda bar: (-bar.size, bar.prior))
    if len(every) <= top or not how.additive:
        return every[:top]
    return [*every[:top], _others(every[top:], result.at("baseline", quantity=quantity))]


def _others(rest: Sequence[Bar], baseline: float) -> Bar:
    """Bars as one: the sum of what each adds to the baseline, or of their shares."""
    figures, errors = {}, {}
    for name in rest[0].figures:
        start = baseline if name in {"low", "high"} else 0.0
        figures[name] = start + sum(bar.figures[name] - start for bar in rest)
        errors[name] = math.hypot(*(bar.errors[name] for bar in rest))
    return Bar(f"{len(rest)} other{'s' if len(rest) > 1 else ''}", figures, errors, sum(bar.size for bar in rest))


def _ends(result: Result, prior: str) -> tuple[str, str, str]:
    """The low and the high value of a prior, to three digits, and their unit as written."""
    written = result.provenance["priors"][prior]["unit"]
    factor = conversion_factor(written, result.at("prior_unit", prior=prior))
    values = [result.at(f"{end}_input", prior=prior) / factor for end in ("low", "high")]
    scale = row_scale(values, digits=DIGITS, apart=values)
    low, high = map(scale.figure, values)
    return low, high, scale.unit(written)


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
    drawn = ", ".join([*([] if how.at_medians else [settings_text(result)]), *departures(result.provenance)])
    if not how.at_medians:
        drawn += f"; ± is the standard error, from {result.attributes['replicates']} replicates"
    remarks.append(f"{drawn[0].upper()}{drawn[1:]}." if drawn else "")
    return [*told, Section(remarks=[*filter(None, remarks)])]


def heading(result: Result, name: str) -> str:
    """What the bars of a quantity are."""
    return f"{result.at('label', quantity=name)}: {method_of(result).shown(result.attributes)}"


def _standing(result: Result, name: str) -> str:
    """Where a quantity stands: with all priors at their medians, its P50 and mean, and the percentiles asked for."""
    percents = [50.0, *(percent for percent in result.labels("percentile") if percent != 50)]
    told = [(f"P{each:g}", *result.estimate("percentiles", quantity=name, percentile=each)) for each in percents]
    told.insert(1, ("mean", *result.estimate("mean", quantity=name)))
    if method_of(result).at_medians:
        told.insert(0, ("all priors at their medians", result.at("baseline", quantity=name), 0.0))
    unit = result.at("unit", quantity=name)
    figures = [(what, with_unit(value, error, unit, None if error else DIGITS)) for what, value, error in told]
    return ", ".join(map(" ".join, figures))


def _ranges(result: Result, name: str, bars: Sequence[Bar]) -> Section:
    baseline = result.at("baseline", quantity=name)
    named = [bar for bar in bars if any(bar.ends)]
    values = [bar.figures[end] for bar in named for end in ("low", "high")]
    errors = [bar.errors[end] for bar in named for end in ("low", "high")]
    scale = row_scale(values, errors, digits=DIGITS, apart=(min(values), baseline, max(values)))
    reach = max(abs(value / 2 - baseline / 2) for value in values) or 1.0  # halves, for a whole need not be a float
    rows = []
    for bar in bars:
        low, high = (scale.figure(bar.figures[end], bar.errors[end]) for end in ("low", "high"))
        rows.append([bar.prior, *bar.ends, low, _drawn(bar, baseline, reach), high])
    unit = scale.unit(result.at("unit", quantity=name))
    columns = [
        Column("prior", give="wrap"),
        Column("low", ">", drop=2),
        Column("high", ">", drop=2),
        Column("", drop=2),
        Column(f"at low [{unit}]" if unit else "at low", ">"),
        Column("", drop=1),
        Column("at high"),
    ]
    return Section(columns=columns, rows=rows)


def _drawn(bar: Bar, baseline: float, reach: float) -> str:
    """The bar in characters, about a line that is the baseline."""
    half = BAR_WIDTH // 2
    low, high = sorted((bar.figures["low"], bar.figures["high"]))
    sides = baseline / 2 - low / 2, high / 2 - baseline / 2
    left, right = (round(half * min(max(0.0, side / reach), 1.0)) for side in sides)
    return " " * (half - left) + "█" * left + "│" + "█" * right + " " * (half - right)


def _shares(result: Result, _name: str, bars: Sequence[Bar]) -> Section:
    columns = [Column("prior", give="wrap")]
    for label in method_of(result).figures.values():
        columns += [Column(label, ">"), Column("±", ">", drop=2)]
    columns.append(Column("", drop=1))
    largest = max(bars[0].size, 1e-300)
    rows = []
    for bar in bars:
        cells = [bar.prior]
        for figure, error in zip(bar.figures.values(), bar.errors.values(), strict=True):
            cells += ONES.with_error(figure, error)
        rows.append([*cells, "█" * min(BAR_WIDTH, round(BAR_WIDTH * bar.size / largest))])
    return Section(columns=columns, rows=rows)
