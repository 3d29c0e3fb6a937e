"""What a person reads of a tornado: a table of bars for each quantity, the largest first."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simulate.figures import ONES, Scale, percent_text, percentile_name, row_scale, with_unit
from simulate.layout import Column, Section
from simulate.results import Result
from simulate.runs import answers
from simulate.runs.report import bounded, departures, few_beyond, settings_text
from simulate.sensitivity.method import Method
from simulate.sensitivity.methods import METHODS
from simulate.units import conversion_factor

BAR_WIDTH = 24
SIDES = ("low", "high")
NEARLY_ALL = 0.99  # a probability above it is told with all its digits
DIGITS = 3  # as many as a reader takes in


class Bar(NamedTuple):
    """What a prior does to a quantity: the method's figures and their standard errors by name.

    `ends` are the low and the high end of the prior and their unit, `beside` what stands after these; a bar that stands
    for several priors has none. A figure is nan where the bar has no end.
    """

    prior: str
    figures: Mapping[str, float]
    errors: Mapping[str, float]
    size: float
    ends: tuple[str, str, str] = ("", "", "")
    beside: tuple[str, str] = ("", "")


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
            beside = _beside(result, prior, "low"), _beside(result, prior, "high")
            every.append(Bar(prior, figures, errors, size, _ends(result, prior), beside))
    every.sort(key=lambda bar: (-bar.size, bar.prior))
    if len(every) <= top or not how.additive:
        return every[:top]
    return [*every[:top], _others(every[top:], result.at("baseline", quantity=quantity))]


def _others(rest: Sequence[Bar], baseline: float) -> Bar:
    """Bars as one: the sum of what each adds to the baseline, or of their shares, where there are figures."""
    figures, errors = {}, {}
    for name in rest[0].figures:
        start = baseline if name in {"low", "high"} else 0.0
        known = [bar for bar in rest if not math.isnan(bar.figures[name])]
        figures[name] = start + sum(bar.figures[name] - start for bar in known)
        errors[name] = math.hypot(*(bar.errors[name] for bar in known))
    return Bar(f"{len(rest)} other{'s' if len(rest) > 1 else ''}", figures, errors, sum(bar.size for bar in rest))


def _ends(result: Result, prior: str) -> tuple[str, str, str]:
    """The low and the high end of a prior, to three digits, and their unit as written."""
    written = result.provenance["priors"][prior]["unit"]
    factor = conversion_factor(written, result.at("prior_unit", prior=prior))
    values = [result.at(f"{side}_input", prior=prior) / factor for side in SIDES]
    scale = row_scale(values, digits=DIGITS, apart=values).of(written)
    low, high = map(scale.figure, values)
    return low, high, scale.unit(written)


def _beside(result: Result, prior: str, side: str) -> str:
    """The probability of an end that is a value by itself, or of which percentile it is, if not of that asked for."""
    name = f"{side}_probability"
    if name in result and not math.isnan(probability := result.at(name, prior=prior)):
        return f"({percent_text(probability, digits=2 if probability < NEARLY_ALL else None)})"
    percent = result.at(f"{side}_percent", prior=prior)
    return "" if percent == result.attributes[side] else f"({percentile_name(_shortened(percent))})"


def _shortened(percent: float) -> float:
    """A percent of which what lies beyond it has two digits, so that it is neither 0 nor 100."""
    beyond = min(percent, 100 - percent)
    return round(percent, 1 - math.floor(math.log10(beyond)))


def sections(result: Result, top: int = 12) -> list[Section]:
    """The report of a tornado: the largest `top` bars of each quantity, and the rest as one where that has a sense."""
    told = [Section(result.attributes["title"])] if result.attributes["title"] else []
    how = method_of(result)
    for name in result.labels("quantity"):
        bars = shown(result, name, top)
        told.append(Section(intro=f"{heading(result, name)} ({_standing(result, name, bars)})."))
        if bars:
            told.append((_ranges if how.ranges else _shares)(result, name, bars))
        else:
            same = "it is the same in every scenario: no prior moves it."
            told.append(Section(intro=f"{name}: {result.provenance['blank'].get(name, same)}"))
    remarks = [result.provenance["note"], *few_beyond(result), answers.kept(result)]
    drawn = ", ".join([*([] if how.at_medians else [settings_text(result)]), *departures(result.provenance)])
    if not how.at_medians:
        drawn += f"; ± is the standard error, from {result.attributes['replicates']} replicates"
    remarks.append(f"{drawn[0].upper()}{drawn[1:]}." if drawn else "")
    return [*told, Section(remarks=[*filter(None, remarks)])]


def heading(result: Result, name: str) -> str:
    """What the bars of a quantity are."""
    return f"{result.at('label', quantity=name)}: {method_of(result).shown(result.attributes)}"


def _standing(result: Result, name: str, bars: Sequence[Bar]) -> str:
    """Where a quantity stands: with all priors at their medians, its P50 and mean, and the percentiles asked for.

    To as many digits as tell the ends of its longest bar apart.
    """
    percents = [50.0, *(percent for percent in result.labels("percentile") if percent != 50)]
    told = [
        (percentile_name(each), *result.estimate("percentiles", quantity=name, percentile=each)) for each in percents
    ]
    told.insert(1, ("mean", *result.estimate("mean", quantity=name)))
    if method_of(result).at_medians:
        told.insert(0, ("all priors at their medians", result.at("baseline", quantity=name), 0.0))
    unit = result.at("unit", quantity=name)
    apart = [bars[0].figures[side] for side in SIDES] if bars and method_of(result).ranges else []
    figures = [
        (what, with_unit(value, error, unit, None if error else DIGITS, apart=apart)) for what, value, error in told
    ]
    sides = {percentile_name(each): bounded(result, [""], quantity=name, percentile=each) for each in percents}
    return ", ".join(" ".join(filter(None, (what, *sides.get(what, ()), text))) for what, text in figures)


def _at_ends(bars: Sequence[Bar]) -> list[tuple[Bar, str]]:
    return [(bar, side) for bar in bars if any(bar.ends) for side in SIDES if not math.isnan(bar.figures[side])]


def range_scale(result: Result, name: str, bars: Sequence[Bar]) -> Scale:
    """The scale on which a quantity is written at the ends of its bars, in a table and in its picture."""
    values = [bar.figures[side] for bar, side in _at_ends(bars)]
    errors = [bar.errors[side] for bar, side in _at_ends(bars)]
    every = [result.at("baseline", quantity=name), *values]
    apart = (min(every), every[0], max(every))
    return row_scale(values, errors, digits=DIGITS, apart=apart).of(result.at("unit", quantity=name))


def label_of(result: Result, prior: str) -> str:
    """What a prior is called in a picture, or what several are."""
    return str(result.provenance["priors"].get(prior, {}).get("label") or prior)


def with_inputs(bar: Bar) -> str:
    """The prior's own values at the ends of its bar, with their unit."""
    low, high = (f"{value} {beside}".rstrip() for value, beside in zip(bar.ends, bar.beside, strict=False))
    return f"{low} to {high} {bar.ends[-1]}".rstrip() if any(bar.ends) else ""


def _ranges(result: Result, name: str, bars: Sequence[Bar]) -> Section:
    baseline, scale = result.at("baseline", quantity=name), range_scale(result, name, bars)
    values = [baseline, *(bar.figures[side] for bar, side in _at_ends(bars))]
    reach = max(abs(value / 2 - baseline / 2) for value in values) or 1.0  # halves, for a whole need not be a float
    rows = []
    for bar in bars:
        low, high = (scale.figure(bar.figures[side], bar.errors[side]) for side in SIDES)
        *inputs, unit = bar.ends
        named = [f"{written} {beside}".rstrip() for written, beside in zip(inputs, bar.beside, strict=True)]
        rows.append([bar.prior, *named, unit, low, _drawn(bar, baseline, reach), high])
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
    reached = [baseline, *(bar.figures[side] for side in SIDES if not math.isnan(bar.figures[side]))]
    low, high = min(reached), max(reached)
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
