"""What a person reads of a sweep: at each value the band of each choice, and how often it is the best."""

import math
from dataclasses import replace

import numpy as np

from simulate.decisions.report import aim_of, first_of
from simulate.figures import Scale, band_scale, percent_text, probability_text, row_scale
from simulate.layout import Column, Section, percentile_columns
from simulate.results import Result
from simulate.runs import answers
from simulate.runs.report import bounded, drawn_text, few_beyond

LEAST_TYPICAL = 0.1  # of figures that are told as they are


def sections(result: Result) -> list[Section]:
    """The report of a sweep: a table for each quantity, the one that choices are judged by first."""
    first, *others = result.labels("quantity")
    same = "the same at each value and in each choice."
    return [
        *([Section(result.attributes["title"])] if result.attributes["title"] else []),
        _table(result, first, judged=len(result.labels("choice")) > 1),
        *(_table(result, name, judged=False) for name in others),
        Section(remarks=[*few_beyond(result), *filter(None, [answers.kept(result)]), f"{drawn_text(result)}, {same}"]),
    ]


def headline(result: Result) -> str:
    """Which choice is most often the best at the ends of the way, or where a quantity begins and ends, in a line."""
    name, ends = result.labels("quantity")[0], (result.labels("swept")[0], result.labels("swept")[-1])
    label, along, swept = result.at("label", quantity=name), result.coordinates["swept"], swept_scale(result)
    first, last = (f"{swept.figure(value)} {swept.unit(along.unit)}".rstrip() for value in ends)
    if len(result.labels("choice")) > 1:
        best = [int(np.argmax(result.at("probability_best", swept=value))) for value in ends]
        names = [str(result["choice_label"][each]) for each in best]
        way = f"from {first} to {last}" if best[0] == best[1] else f"at {first}, {names[1]} at {last}"
        return f"{label}: {names[0]} is most often the {first_of(result)} {way}"
    scale, at = scale_of(result, name), {"quantity": name, "choice": result.labels("choice")[0]}
    curves = [result.at("fine_percentiles", swept=value, **at) for value in ends]
    texts = [scale.figure(float(np.interp(50, result["fine_percentile"], curve))) for curve in curves]
    unit = scale.unit(result.at("unit", quantity=name))
    return f"{label}: {f'{texts[0]} {unit}'.rstrip()} at {along.label} {first}, {texts[1]} at {last}"


def swept_scale(result: Result) -> Scale:
    """The scale of the values of the prior, with as many digits as tell them apart."""
    values = result.labels("swept")
    return row_scale(values, apart=values).of(result.coordinates["swept"].unit)


def scale_of(result: Result, name: str) -> Scale:
    """One scale for all bands of a quantity, by the size of most of its figures."""
    found = np.abs(result.at("percentiles", quantity=name))
    found = found[np.isfinite(found) & (found > 0)]
    typical = float(np.median(found)) if len(found) else 0.0
    scale = row_scale([typical])
    if 0 < typical < LEAST_TYPICAL:
        scale = replace(
            scale, exponent=3 * math.floor(math.log10(typical / LEAST_TYPICAL) / 3)
        )  # so that few zeros come first
    return scale.of(result.at("unit", quantity=name))


def _table(result: Result, name: str, *, judged: bool) -> Section:
    percents, options = result.labels("percentile"), result.labels("choice")
    label, unit = result.at("label", quantity=name), result.at("unit", quantity=name)
    scale, swept = scale_of(result, name), swept_scale(result)
    possible = bool((result["probability_finite"] < 1).any())
    columns = [
        Column(result.coordinates["swept"].label, ">"),
        *([Column("choice", give="wrap")] if len(options) > 1 else []),
        *percentile_columns(percents, drop=3),
        *([Column(first_of(result), ">", "bold"), Column("±", ">", drop=4)] if judged else []),
        *([Column("possible", ">", drop=2)] if possible else []),
    ]
    rows = []
    for value in result.labels("swept"):
        shown = f"{swept.figure(value)} {swept.unit(result.coordinates['swept'].unit)}".strip()
        for option in options:
            at = {"choice": option, "swept": value}
            band = [each.tolist() for each in result.estimate("percentiles", quantity=name, **at)]
            own = replace(band_scale(percents, *band), exponent=scale.exponent).of(unit)
            row = [shown, *([result.at("choice_label", choice=option)] if len(options) > 1 else [])]
            row += bounded(result, map(own.figure, *band), quantity=name, **at)
            if judged:
                best = result.estimate("probability_best", **at)
                chance, apart = probability_text(*best, result.attributes["scenarios"])
                row += [chance, apart.removesuffix(" %")]
            if possible:
                row.append(percent_text(*result.estimate("probability_finite", **at), 2))
            rows.append(row)
            shown = ""
    units = scale.unit(unit)
    intro = f"{label}{f' [{units}]' if units else ''}{f', {aim_of(result)}' * judged}"
    return Section(intro=intro, columns=columns, rows=rows)
