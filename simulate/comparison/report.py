"""What a person reads of a comparison: what differs in the inputs, the cases side by side, the bridges."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from simulate.comparison.bridge import Bridge
from simulate.figures import (
    ONES,
    SIGNIFICANT_DIGITS,
    Scale,
    band_scale,
    percent_text,
    percentile_name,
    probability_text,
    row_scale,
    shortened,
)
from simulate.gates.report import sections as gates
from simulate.layout import Column, Section, percentile_columns
from simulate.results import Result
from simulate.runs.report import bounded, circumstances, estimates, few_beyond, settings_text
from simulate.settings import RunTable

PARTS = 10  # parts of a bridge shown one by one
FEW = 2  # changes that move nothing, named one by one
LONGEST = 48  # characters of an input shown
LONGEST_CASE = 10  # of a case in the heading of a probability


def bridges_of(result: Result, quantity: str, case: str) -> dict[str, Bridge]:
    """The bridges of a quantity to a case by statistic, those that have a value."""
    if "bridge" not in result:
        return {}
    exact, log = (result.at(f"bridge_{each}", quantity=quantity, case=case) == 1 for each in ("exact", "logarithm"))
    found = {}
    for statistic in result.labels("statistic"):
        at = {"quantity": quantity, "case": case, "statistic": statistic}
        parts, errors = (
            dict(zip(result.labels("change"), each.tolist(), strict=True)) for each in result.estimate("bridge", **at)
        )
        known = {name: part for name, part in parts.items() if not math.isnan(part)}
        if known:
            ends = result.at("bridge_baseline", **at), result.at("bridge_alternative", **at)
            found[statistic] = Bridge(ends, known, errors, exact, "log" if log else "linear")
    return found


def sections(result: Result) -> list[Section]:
    """What changes in brief, the gates, the figures, the bridges, what differs in the inputs, and how it was drawn."""
    names, (_, *alternatives) = result.labels("quantity"), result.labels("case")
    told = [*(_brief(result, case) for case in alternatives), *gates(result)]
    told += [_side_by_side(result, name) for name in names]
    pairs = [(name, case, bridges_of(result, name, case)) for name in names for case in alternatives]
    moved = [each for each in pairs if any(bridge.moving for bridge in each[-1].values())]
    hows = [_how_split(result, bridges) for _, _, bridges in moved]
    for place, each in enumerate(moved):  # how is told once, below the last of those that are made so
        told.append(_bridged(result, *each, "" if hows[place] in hows[place + 1 :] else hows[place]))
    return [*told, *(_inputs(result, case) for case in alternatives), _drawn(result)]


def _brief(result: Result, case: str) -> Section:
    """A row a quantity: the band before and after, and how the mean changes."""
    ends, percents = (result.labels("case")[0], case), result.labels("percentile")
    middle = min(range(len(percents)), key=lambda place: abs(percents[place] - 50))
    least, median, most = (percentile_name(percents[place]) for place in (0, middle, -1))
    heads = [_label(result, each) for each in ends]
    columns = [Column(title, ">" if title else "<") for title in ("", *heads, "change", "±", "in %")]
    rows = []
    for name in result.labels("quantity"):
        bands = [estimates(result, quantity=name, case=each) for each in ends]
        values, errors = ([*before, *after] for before, after in zip(*bands, strict=True))
        unit = result.unit("mean", quantity=name, case=case)
        scale = row_scale(values, errors, apart=bands[-1][0][:-1]).of(unit)
        cells = []
        for each, band in zip(ends, bands, strict=True):
            figures = bounded(result, map(scale.figure, *band), quantity=name, case=each)
            low, high = figures[0], figures[len(percents) - 1]
            cells.append(figures[middle] if low == high else f"{figures[middle]} ({low} to {high})")
        change, error = result.estimate("difference_mean", quantity=name, case=case)
        share = change / bands[0][0][-1] if bands[0][0][-1] else math.nan
        of_before = "" if math.isnan(share) else _signed(percent_text(share, digits=3).removesuffix(" %"), share)
        told = [*_term(scale, change, error), of_before] if change else ["0", "", ""]
        shown = f" [{scale.unit(unit)}]" if scale.unit(unit) else ""
        rows.append([f"{result.at('label', quantity=name)}{shown}", *cells, *told])
    about = f"{median} ({least} to {most}), and the change of the mean."
    return Section(" → ".join(heads), about, columns=columns, rows=rows, brief=True)


def _signed(text: str, value: float) -> str:
    return f"+{text}" if value > 0 else text


def _label(result: Result, case: str) -> str:
    return str(result.at("case_label", case=case))


def _inputs(result: Result, case: str) -> Section:
    ends = _label(result, result.labels("case")[0]), _label(result, case)
    heading = f"Inputs of {ends[1]} that differ from {ends[0]}"
    if case not in result.provenance["changes"]:
        return Section(heading, remarks=["Not known: one of the two has no priors that can be read."], folded=True)
    rows = [
        # All of what an input says is in compare.json.
        [row["name"], row["kind"], row["change"], *(_input(row[end]) for end in ("before", "after"))]
        for row in result.provenance["changes"][case]
    ]
    columns = [
        Column("input", give="wrap"),
        Column("kind", drop=2),
        Column("change", drop=1),
        *(Column(end, give="wrap") for end in ends),
    ]
    remarks = [*([] if rows else ["None."]), *_settings_that_differ(result, case)]
    return Section(heading, columns=columns, rows=rows, remarks=remarks, folded=True)


def _settings_that_differ(result: Result, case: str) -> list[str]:
    """What the case says otherwise under `[run]` than the baseline, a line where there is any."""
    before, after = (result.provenance["cases"][each]["settings"] for each in (result.labels("case")[0], case))
    differ = [name for name in RunTable.model_fields if before[name] != after[name]]
    if not differ:
        return []
    told = [f"{name} {_setting(before[name])} → {_setting(after[name])}" for name in differ]
    common = " All cases are drawn alike, as told below." if {"scenarios", "seed", "scheme"} & {*differ} else ""
    return [f"Under [run]: {'; '.join(told)}.{common}"]


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value) or "none"
    return str(value)


def _input(stated: Mapping[str, Any] | None) -> str:
    return shortened(stated["text"], LONGEST) if stated else "–"


def _side_by_side(result: Result, name: str) -> Section:
    baseline, *alternatives = result.labels("case")
    named = [_label(result, alternatives[0]) if len(alternatives) == 1 else "case", _label(result, baseline)]
    columns = [
        Column("", give="wrap"),
        Column("unit"),
        *percentile_columns(result.labels("percentile"), drop=3),
        Column("mean", ">", drop=2),
        Column(f"P({' < '.join(shortened(each, LONGEST_CASE) for each in named)})", ">"),
    ]
    rows = []
    for case in (baseline, *alternatives):
        rows += _band_rows(result, "", name, case, _label(result, case))
    for case in alternatives:
        ends = _label(result, case), _label(result, baseline)
        difference = _band_rows(result, "difference_", name, case, " − ".join(ends))
        difference[0][-1] = _lower(result, name, case)
        rows += [*difference, *_band_rows(result, "ratio_", name, case, " / ".join(ends))]
    return Section(str(result.at("label", quantity=name)), columns=columns, rows=rows, folded=True)


def _band_rows(result: Result, prefix: str, name: str, case: str, label: str) -> list[list[str]]:
    """A row of a band's figures, and below those of a difference or a ratio their standard errors; or dashes."""
    at = {"quantity": name, "case": case}
    values, errors = estimates(result, prefix, **at)
    if np.isnan([values, errors]).all():
        return [[label, "", *["–"] * len(values), ""]]
    scale = band_scale(result.labels("percentile"), values, errors)
    scale = scale.of(result.unit(f"{prefix}mean", **at))
    unit = scale.unit(result.unit(f"{prefix}mean", **at))
    if not prefix or not any(error > 0 for error in errors):
        return [[label, unit, *bounded(result, map(scale.figure, values, errors), prefix, **at), ""]]
    figures, beside = zip(*map(scale.with_error, values, errors), strict=True)
    return [[label, unit, *bounded(result, figures, prefix, **at), ""], ["  ±", "", *beside, ""]]


def _lower(result: Result, name: str, case: str) -> str:
    """How probably an alternative is lower than the baseline, or that both are the same in every scenario."""
    share, error = result.estimate("probability_lower", quantity=name, case=case)
    if math.isnan(share):
        return "–"
    first = result.labels("case")[0]
    lacking = {
        result.at("nonfinite", quantity=name, case=case),
        result.at("nonfinite", quantity=name, case=first),
        result.at("difference_nonfinite", quantity=name, case=case),
    }
    ends = [result.at(f"difference_{end}", quantity=name, case=case) for end in ("minimum", "maximum")]
    if not any(ends) and len(lacking) == 1:  # no number in the same scenarios
        return "equal"
    text, beside = probability_text(share, error, result.attributes["scenarios"])
    return f"{text.removesuffix(' %')} ± {beside}" if beside else text


def _bridged(result: Result, quantity: str, case: str, bridges: Mapping[str, Bridge], how: str) -> Section:
    """The parts of bridges, the largest of the first statistic first, the rest summed; below them how they split."""
    logarithmic = is_logarithmic(bridges)
    moving = list(dict.fromkeys(name for bridge in bridges.values() for name in bridge.moving))
    names, more = moving[:PARTS], len(moving) - PARTS
    first, last = (_label(result, each) for each in (result.labels("case")[0], case))
    others = [others_label(more)] if more > 0 else []
    columns, rows = [Column("change", give="wrap")], [[name] for name in (first, *names, *others, last)]
    for statistic, bridge in bridges.items():
        parts = [(bridge.parts[name], bridge.errors[name]) for name in names]
        parts += [bridge.others(names)] if others else []
        needed = row_scale(bridge.ends, apart=bridge.ends)
        scale = replace(row_scale(bridge.ends, digits=SIGNIFICANT_DIGITS, apart=bridge.ends), place=needed.place)
        scale = scale.of(result.at("unit", quantity=quantity))
        cells = [_factor(*part) if logarithmic else _term(scale, *part) for part in parts]
        shown = [scale.figure(end) for end in bridge.ends]
        unit = scale.unit(result.at("unit", quantity=quantity))
        columns += [Column(f"{statistic} {unit}".strip(), ">"), Column("±", ">", drop=1)]
        for row, pair in zip(rows, [(shown[0], ""), *cells, (shown[1], "")], strict=True):
            row.extend(pair)
    still = [name for name in next(iter(bridges.values())).parts if name not in moving]
    which = " and ".join(still) if len(still) <= FEW else f"{len(still)} of the changes"
    unmoved = f"{which} move{'s' if len(still) == 1 else ''} nothing here." if still else ""
    heading = f"{result.at('label', quantity=quantity)}: from {first} to {last}"
    remark = " ".join(filter(None, [how, unmoved]))
    return Section(heading, columns=columns, rows=rows, remarks=[remark] if remark else [])


def _how_split(result: Result, bridges: Mapping[str, Bridge]) -> str:
    """What bridges split, and over which orders."""
    exact = all(bridge.exact for bridge in bridges.values())
    how = "over all orders of the changes" if exact else "over orders drawn at random, which ± counts in"
    # How statistics differ is not the statistic of the difference in each scenario.
    of = " and that of the ".join("means" if statistic == "mean" else f"{statistic}s" for statistic in bridges)
    if not is_logarithmic(bridges):
        return f"Parts sum to the difference of the {of}; Shapley values {how}."
    why = " (log scale, for sums of parts would come below zero)" if result.attributes["scale"] == "auto" else ""
    return f"Factors multiply to the ratio of the {of}{why}; Shapley values {how}."


def is_logarithmic(bridges: Mapping[str, Bridge]) -> bool:
    """Whether the bridges of a quantity are on the log scale, all of them."""
    return any(bridge.scale == "log" for bridge in bridges.values())


def others_label(more: int) -> str:
    """What the parts that are not named are called."""
    return f"{more} other{'s' if more > 1 else ''}"


def _term(scale: Scale, part: float, error: float) -> tuple[str, str]:
    """What is added, and its standard error."""
    text, beside = scale.with_error(part, error)
    return _signed(text, part), beside


def _factor(part: float, error: float) -> tuple[str, str]:
    """What is multiplied with, from its logarithm, and its standard error."""
    with np.errstate(over="ignore"):
        factor = float(np.exp(part))
    text, beside = ONES.with_error(factor, factor * error)
    return f"× {text}", beside


def told_of_cases(result: Result) -> list[str]:
    """Under which conditions cases are told, and in what they depart from their files, where their names do not say."""
    told = []
    for name, case in result.provenance["cases"].items():
        label = _label(result, name)
        own = {
            **case["settings"],
            "choice": case["choice"] if case["choice"] not in label else "",
            "overrides": [text for text in case["overrides"] if text not in label],
        }
        if text := circumstances(own):
            told.append(f"{label} is told {text}")
    return told


def _drawn(result: Result) -> Section:
    cases, unpaired = result.labels("case"), result.provenance["unpaired"]
    labels = [(case, _label(result, case)) for case in cases]
    told = [f"{case} is {label}." for case, label in labels if case != label]
    told += [*(f"{each}." for each in told_of_cases(result)), *few_beyond(result)]
    if len(unpaired) < len(cases) - 1:
        told.append(
            "Differences and ratios are taken scenario by scenario, all cases on the same uniforms: their P50 is not "
            "the difference or ratio of the P50s. ± is the standard error, from 16 replicates."
        )
    if unpaired:
        named = ", ".join(_label(result, case) for case in unpaired)
        told.append(f"The difference of {named} is that of the means; its standard error is that of two separate runs.")
    return Section(remarks=[f"{settings_text(result)}.", *filter(None, [" ".join(told)])])
