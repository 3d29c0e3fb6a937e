"""What a person reads of a comparison: what differs in the inputs, the cases side by side, the bridges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simulate.figures import Scale, outer_and_middle, row_scale
from simulate.layout import Column, Section
from simulate.results import Result
from simulate.runs.report import settings_text

PARTS = 10  # parts of a bridge shown one by one
LONGEST = 48  # characters of an input shown


class Bridge(NamedTuple):
    """A bridge as the result tells it: its ends, and its parts by change with their standard errors."""

    ends: tuple[float, float]
    parts: Mapping[str, float]
    errors: Mapping[str, float]

    def shown(self, count: int | None = PARTS) -> list[str]:
        """The names of the largest parts, the largest first; what has none of the change is left out."""
        ordered = sorted((name for name, part in self.parts.items() if part), key=lambda name: -abs(self.parts[name]))
        return ordered[:count]

    def others(self, names: Sequence[str]) -> tuple[float, float]:
        """The sum of the parts that are not named, and its standard error."""
        rest = [name for name in self.parts if name not in names]
        return math.fsum(self.parts[name] for name in rest), math.hypot(*(self.errors[name] for name in rest))


def bridges_of(result: Result, quantity: str, case: str) -> dict[str, Bridge]:
    """The bridges of a quantity to a case by statistic, those that have a value."""
    if "bridge" not in result:
        return {}
    found = {}
    for statistic in result.labels("statistic"):
        at = {"quantity": quantity, "case": case, "statistic": statistic}
        parts, errors = (
            dict(zip(result.labels("change"), each.tolist(), strict=True)) for each in result.estimate("bridge", **at)
        )
        known = {name: part for name, part in parts.items() if not math.isnan(part)}
        if known:
            ends = result.at("bridge_baseline", **at), result.at("bridge_alternative", **at)
            found[statistic] = Bridge(ends, known, errors)
    return found


def sections(result: Result) -> list[Section]:
    """What differs in the inputs, the quantities side by side, the bridges, and how it was drawn."""
    names, (_, *alternatives) = result.labels("quantity"), result.labels("case")
    pairs = [(name, case) for name in names for case in alternatives]
    found = {pair: bridges_of(result, *pair) for pair in pairs}
    bridged = [
        _bridged(result, *pair, bridges)
        for pair, bridges in found.items()
        if any(bridge.shown() for bridge in bridges.values())
    ]
    return [
        *(_inputs(result, case) for case in alternatives),
        *(_side_by_side(result, name) for name in names),
        *bridged,
        _drawn(result),
    ]


def _label(result: Result, case: str) -> str:
    return str(result.at("case_label", case=case))


def _inputs(result: Result, case: str) -> Section:
    ends = _label(result, result.labels("case")[0]), _label(result, case)
    heading = f"Inputs of {ends[1]} that differ from {ends[0]}"
    if case not in result.provenance["changes"]:
        return Section(heading, remarks=["Not known: one of the two has no priors that can be read."])
    rows = [
        [row["name"], row["kind"], row["change"], _shortened(row["before"]), _shortened(row["after"])]
        for row in result.provenance["changes"][case]
    ]
    columns = [
        Column("input", give="wrap"),
        Column("kind", drop=2),
        Column("change", drop=1),
        *(Column(end, give="wrap") for end in ends),
    ]
    return Section(heading, columns=columns, rows=rows, remarks=[] if rows else ["None."])


def _shortened(text: str) -> str:
    """What an input says, in a cell; all of it is in compare.json."""
    if not text:
        return "–"
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


# ---------------------------------------------------------------------------------------------------------
# Side by side


def _side_by_side(result: Result, name: str) -> Section:
    percents, (baseline, *alternatives) = result.labels("percentile"), result.labels("case")
    kept = outer_and_middle(percents)
    columns = [
        Column("", give="wrap"),
        Column("unit"),
        *(
            Column(f"P{percent:g}", ">", "bold" if percent == 50 else "", drop=0 if index in kept else 3)
            for index, percent in enumerate(percents)
        ),
        Column("mean", ">", drop=2),
        Column("P(lower)", ">"),
    ]
    rows = []
    for case in (baseline, *alternatives):
        rows += _band_rows(result, "", name, case, _label(result, case))[:1]
    for case in alternatives:
        ends = _label(result, case), _label(result, baseline)
        difference = _band_rows(result, "difference_", name, case, " − ".join(ends))
        difference[0][-1] = _probability(*result.estimate("probability_lower", quantity=name, case=case))
        rows += [*difference, *_band_rows(result, "ratio_", name, case, " / ".join(ends))]
    return Section(str(result.at("label", quantity=name)), columns=columns, rows=rows)


def _band_rows(result: Result, prefix: str, name: str, case: str, label: str) -> list[list[str]]:
    """A row of a band's figures, and one of their standard errors; dashes where there is none."""
    at = {"quantity": name, "case": case}
    (values, errors), (mean, mean_error) = (
        result.estimate(f"{prefix}{each}", **at) for each in ("percentiles", "mean")
    )
    values, errors = [*values.tolist(), mean], [*errors.tolist(), mean_error]
    if np.isnan(values).all() and np.isnan(errors).all():
        return [[label, "", *["–"] * len(values), ""]]
    scale = row_scale(values, errors)
    figures = [scale.figure(value, error) for value, error in zip(values, errors, strict=True)]
    rows = [[label, scale.unit(result.unit(f"{prefix}mean", **at)), *figures, ""]]
    if any(error > 0 for error in errors):
        rows.append(["  ±", "", *(scale.error(error) for error in errors), ""])
    return rows


def _probability(share: float, error: float) -> str:
    if math.isnan(share):
        return "–"
    scale = row_scale([100 * share], [100 * error])
    text = scale.figure(100 * share, 100 * error)
    return f"{text} ± {scale.error(100 * error)} %" if error > 0 else f"{text} %"


# ---------------------------------------------------------------------------------------------------------
# Bridges


def _bridged(result: Result, quantity: str, case: str, bridges: Mapping[str, Bridge]) -> Section:
    """The parts of bridges, the largest of the first statistic first, the rest summed."""
    logarithmic = result.attributes["scale"] == "log"
    moving = list(dict.fromkeys(name for bridge in bridges.values() for name in bridge.shown(None)))
    names, more = moving[:PARTS], len(moving) - PARTS
    first, last = (_label(result, each) for each in (result.labels("case")[0], case))
    others = [f"{more} other{'s' if more > 1 else ''}"] if more > 0 else []
    columns, rows = [Column("change", give="wrap")], [[name] for name in (first, *names, *others, last)]
    for statistic, bridge in bridges.items():
        parts = [(bridge.parts[name], bridge.errors[name]) for name in names]
        parts += [bridge.others(names)] if others else []
        scale, cells = (_factors if logarithmic else _terms)(bridge.ends, parts)
        shown = [Scale(scale.exponent, scale.place, 4).figure(end) for end in bridge.ends]
        unit = scale.unit(result.at("unit", quantity=quantity))
        columns += [Column(f"{statistic} {unit}".strip(), ">"), Column("±", ">", drop=1)]
        for row, pair in zip(rows, [(shown[0], ""), *cells, (shown[1], "")], strict=True):
            row.extend(pair)
    still = len(next(iter(bridges.values())).parts) - len(moving)
    unmoved = f" {still} of the changes move{'s' if still == 1 else ''} nothing here." if still else ""
    exact = result.at("bridge_exact", quantity=quantity, case=case)
    how = "over all orders of the changes" if exact else "over orders drawn at random, which ± counts in"
    kind = "Factors multiply to the ratio" if logarithmic else "Parts sum to the change"
    heading = f"{result.at('label', quantity=quantity)}: from {first} to {last}"
    return Section(heading, columns=columns, rows=rows, remarks=[f"{kind}; Shapley values {how}.{unmoved}"])


Cells = list[tuple[str, str]]


def _terms(ends: Sequence[float], parts: Sequence[tuple[float, float]]) -> tuple[Scale, Cells]:
    """What is added: each part to the place of its standard error, which stands beside it."""
    values = [*ends, *(part for part, _ in parts)]
    scale = row_scale(values, [abs(ends[1]) * 1e-4 or 1e-300] * len(values))
    cells = []
    for part, error in parts:
        text = scale.figure(part, error / 10) if part else "0"
        cells.append((f"+{text}" if part > 0 else text, scale.error(error)))
    return scale, cells


def _factors(ends: Sequence[float], parts: Sequence[tuple[float, float]]) -> tuple[Scale, Cells]:
    """What is multiplied with."""
    cells = []
    for part, error in parts:
        factor = math.exp(part)
        own = row_scale([factor], [factor * error])
        cells.append((f"× {own.figure(factor, factor * error)}", Scale(0, 0, 4).error(factor * error)))
    return row_scale(ends, [0.0, 0.0]), cells


# ---------------------------------------------------------------------------------------------------------
# How it was drawn


def _drawn(result: Result) -> Section:
    cases, unpaired = result.labels("case"), result.provenance["unpaired"]
    labels = [(case, _label(result, case)) for case in cases]
    told = [f"{case} is {label}." for case, label in labels if case != label]
    for case, label in labels:
        settings = result.provenance["cases"][case]["settings"]
        if conditions := [*settings["given"], *settings["observe"]]:
            told.append(f"{label} is told given {', '.join(conditions)}.")
    if len(unpaired) < len(cases) - 1:
        told.append(
            "Differences and ratios are taken scenario by scenario, all cases on the same uniforms; "
            "± is the standard error, from 16 replicates."
        )
    if unpaired:
        named = ", ".join(_label(result, case) for case in unpaired)
        told.append(f"The difference of {named} is that of the means; its standard error is that of two separate runs.")
    return Section(settings_text(result).removesuffix("."), remarks=[" ".join(told)])
