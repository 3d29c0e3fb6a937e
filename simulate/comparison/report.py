"""What a person reads of a comparison: tables for a terminal and for Markdown; rows for a machine."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulate.comparison import Against, Band, Compared, Comparison, to_json
from simulate.comparison.bridge import Bridge, Part
from simulate.tables import Column, Line, Scale, paragraph, printable, row_scale, table

PARTS = 10  # parts of a bridge shown one by one
MOST_DECIMALS = 6  # decimals of a standard error beyond which it is written with an exponent
LONGEST = 48  # characters of an input shown


@dataclass(frozen=True)
class Section:
    """A table under a heading, and a remark below it."""

    heading: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    remark: str = ""


def report(comparison: Comparison, width: int | None = None) -> list[Line]:
    """The comparison as lines laid out for `width` (None: any)."""
    lines: list[Line] = []
    for section in sections(comparison):
        lines += [[(printable(section.heading), "bold")]]
        lines += table(section.columns, section.rows, width) if section.rows else []
        lines += paragraph(section.remark, width) if section.remark else []
        lines.append([])
    return lines[:-1]


def markdown(comparison: Comparison) -> str:
    """The comparison as Markdown with tables."""
    text = ""
    for section in sections(comparison):
        text += f"### {_escaped(section.heading)}\n\n"
        if section.rows:
            aligned = ["---:" if column.align == ">" else "---" for column in section.columns]
            titles = [column.title for column in section.columns]
            for cells in (titles, aligned, *section.rows):
                text += f"| {' | '.join(_escaped(cell.strip()) for cell in cells)} |\n"
            text += "\n"
        if section.remark:
            text += f"{_escaped(section.remark)}\n\n"
    return text.rstrip("\n") + "\n"


def json_text(comparison: Comparison) -> str:
    """The comparison as JSON in full precision; what is not known is null."""
    return json.dumps(to_json(comparison), indent=2, allow_nan=False) + "\n"


def csv_text(comparison: Comparison) -> str:
    """The comparison as CSV in full precision: a row for each figure; what is not known is empty.

    `figure` is case, difference, ratio, probability_lower or bridge; `statistic` a percentile or mean; `change` the
    change whose part of a bridge it is.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["quantity", "unit", "case", "figure", "statistic", "change", "value", "standard_error"])
    for compared in comparison.quantities.values():
        for case, figure, unit, statistic, change, value, error in _figures(comparison, compared):
            numbers = [repr(float(each)) if math.isfinite(each) else "" for each in (value, error)]
            rows.writerow([compared.name, unit, case, figure, statistic, change, *numbers])
    return text.getvalue()


def _figures(
    comparison: Comparison, compared: Compared
) -> Iterator[tuple[str, str, str, str, str, float, float]]:
    for case, band in compared.cases.items():
        for each in _band_figures(comparison, band):
            yield case, "case", compared.units[case], *each
    for case, against in compared.alternatives.items():
        for figure, paired, unit in (
            ("difference", against.difference, compared.unit),
            ("ratio", against.ratio, "1"),
        ):
            if paired is not None:
                for each in _band_figures(comparison, paired):
                    yield case, figure, unit, *each
        if against.probability_lower is not None and against.probability_lower_se is not None:
            lower = (against.probability_lower, against.probability_lower_se)
            yield case, "probability_lower", "1", "", "", *lower
        unit = "1" if comparison.scale == "log" else compared.unit
        for statistic, bridge in against.bridges.items():
            for part in bridge.parts:
                name = statistic if statistic == "mean" else f"{statistic:g}"
                yield case, "bridge", unit, name, part.name, part.value, part.standard_error


def _band_figures(comparison: Comparison, band: Band) -> Iterator[tuple[str, str, float, float]]:
    errors = band.percentile_se.tolist()
    for percent, value, error in zip(comparison.percentiles, band.percentiles.tolist(), errors, strict=True):
        yield f"{percent:g}", "", value, error
    yield "mean", "", band.mean, band.mean_se


# ---------------------------------------------------------------------------------------------------------
# The sections


def sections(comparison: Comparison) -> Iterator[Section]:
    """What differs in the inputs, the quantities side by side, the bridges, and how it was drawn."""
    yield from _inputs(comparison)
    for compared in comparison.quantities.values():
        yield _side_by_side(comparison, compared)
    for compared in comparison.quantities.values():
        for case in comparison.alternatives:
            bridges = compared.alternatives[case.name].bridges
            if any(shown_parts(bridge) for bridge in bridges.values()):
                yield _bridged(comparison, compared, case.name)
    labels = " ".join(f"{case.name} is {case.label}." for case in comparison.cases if case.label != case.name)
    yield Section(
        f"{comparison.scenarios:,} scenarios, Sobol', seed {comparison.seed}",
        remark=(
            f"{labels} Differences and ratios are taken scenario by scenario, all cases on the same uniforms; "
            "± is the standard error, from 16 replicates."
        ).strip(),
    )


def _label(comparison: Comparison, name: str) -> str:
    return next(case.label for case in comparison.cases if case.name == name)


def _inputs(comparison: Comparison) -> Iterator[Section]:
    baseline = comparison.baseline
    for case in comparison.alternatives:
        heading = f"Inputs of {case.label} that differ from {baseline.label}"
        if case.name not in comparison.changes:
            yield Section(heading, remark="Not known: one of the two has no priors that can be read.")
            continue
        rows = [
            (row.name, row.kind, row.change, _shortened(row.before), _shortened(row.after))
            for row in comparison.changes[case.name]
        ]
        columns = (
            Column("input", give="wrap"),
            Column("kind", drop=2),
            Column("change", drop=1),
            Column(baseline.label, give="wrap"),
            Column(case.label, give="wrap"),
        )
        yield Section(heading, columns, tuple(rows), "" if rows else "None.")


def _shortened(text: str) -> str:
    """What an input says, in a cell; all of it is in compare.json."""
    if not text:
        return "–"
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _side_by_side(comparison: Comparison, compared: Compared) -> Section:
    percents = comparison.percentiles
    middle = min(range(len(percents)), key=lambda index: abs(percents[index] - 50))
    kept = {0, middle, len(percents) - 1}
    columns = (
        Column("", give="wrap"),
        Column("unit"),
        *(
            Column(f"P{percent:g}", ">", "bold" if percent == 50 else "", drop=0 if index in kept else 3)
            for index, percent in enumerate(percents)
        ),
        Column("mean", ">", drop=2),
        Column("P(lower)", ">"),
    )
    baseline = comparison.baseline
    rows: list[tuple[str, ...]] = []
    for case in comparison.cases:
        band = compared.cases.get(case.name)
        rows += _band_rows(case.label, compared.units.get(case.name, ""), band, len(percents), errors=False)
    for case in comparison.alternatives:
        against = compared.alternatives[case.name]
        lower = _probability(against)
        difference = _band_rows(
            f"{case.label} − {baseline.label}", compared.unit, against.difference, len(percents)
        )
        rows += [(*difference[0][:-1], lower), *difference[1:]]
        rows += _band_rows(f"{case.label} / {baseline.label}", "1", against.ratio, len(percents))
    return Section(compared.label, columns, tuple(rows))


def _band_rows(
    label: str, unit: str, band: Band | None, count: int, *, errors: bool = True
) -> list[tuple[str, ...]]:
    """A row of a band's figures, and one of their standard errors; dashes where there is none."""
    if band is None:
        return [(label, "", *["–"] * (count + 1), "")]
    values, deviations = [*band.percentiles.tolist(), band.mean], [*band.percentile_se.tolist(), band.mean_se]
    scale = row_scale(values, deviations)
    figures = [scale.figure(value, error) for value, error in zip(values, deviations, strict=True)]
    rows = [(label, scale.unit(unit), *figures, "")]
    if errors and any(error > 0 for error in deviations):
        rows.append(("  ±", "", *(_error(error, scale) for error in deviations), ""))
    return rows


def _error(error: float, scale: Scale) -> str:
    """A standard error on the scale of its row, to two digits."""
    if not math.isfinite(error):
        return "–"
    if not error:
        return "0"
    place = math.floor(math.log10(error)) - 1
    if scale.exponent - place > MOST_DECIMALS:
        return f"{error / 10.0**scale.exponent:.1e}"
    return f"{round(error, -place) / 10.0**scale.exponent:,.{max(scale.exponent - place, 0)}f}"


def _probability(against: Against) -> str:
    if against.probability_lower is None or against.probability_lower_se is None:
        return "–"
    scale = row_scale([100 * against.probability_lower], [100 * against.probability_lower_se])
    text = f"{scale.figure(100 * against.probability_lower, 100 * against.probability_lower_se)}"
    if against.probability_lower_se > 0:
        text += f" ± {_error(100 * against.probability_lower_se, scale)}"
    return f"{text} %"


def _bridged(comparison: Comparison, compared: Compared, case: str) -> Section:
    """The parts of a bridge, the largest of its first statistic first, the rest summed."""
    bridges = compared.alternatives[case].bridges
    logarithmic = comparison.scale == "log"
    moving = list(dict.fromkeys(name for bridge in bridges.values() for name in shown_parts(bridge, None)))
    names = moving[:PARTS]
    columns = [Column("change", give="wrap")]
    cells: list[list[str]] = [[] for _ in range(len(names) + 3)]
    for statistic, bridge in bridges.items():
        parts = {part.name: part for part in bridge.parts}
        chosen = [parts[name] for name in names]
        others = [part for name, part in parts.items() if name not in names]
        rest = Part("", math.fsum(p.value for p in others), math.hypot(*(p.standard_error for p in others)))
        listed = [*chosen, rest]
        title = statistic if statistic == "mean" else f"P{statistic:g}"
        ends = [bridge.baseline, bridge.alternative]
        if logarithmic:
            figures = [_factor(part) for part in listed]
            scale = row_scale(ends, [0.0, 0.0])
            errors = [_error(math.exp(part.value) * part.standard_error, Scale(0, 0, 4)) for part in listed]
        else:
            values = [part.value for part in listed]
            scale = row_scale([*ends, *values], [abs(ends[1]) * 1e-4 or 1e-300] * (len(listed) + 2))
            figures = [_signed(scale, part) for part in listed]
            errors = [_error(part.standard_error, scale) for part in listed]
        shown = [Scale(scale.exponent, scale.place, 4).figure(end) for end in ends]
        columns += [Column(f"{title} {scale.unit(compared.unit)}".strip(), ">"), Column("±", ">", drop=1)]
        for row, pair in zip(
            cells, [(shown[0], ""), *zip(figures, errors, strict=True), (shown[1], "")], strict=True
        ):
            row.extend(pair)
    more = len(moving) - len(names)
    names = [
        _label(comparison, comparison.baseline.name),
        *names,
        f"{more} other{'s' if more > 1 else ''}",
        _label(comparison, case),
    ]
    rows = [(name, *row) for name, row in zip(names, cells, strict=True)]
    if not more:
        del rows[-2]
    still = len(next(iter(bridges.values())).parts) - len(moving)
    unmoved = f" {still} of the changes move{'s' if still == 1 else ''} nothing here." if still else ""
    exact = all(bridge.exact for bridge in bridges.values())
    how = "over all orders of the changes" if exact else "over orders drawn at random, which ± counts in"
    kind = "Factors multiply to the ratio" if logarithmic else "Parts sum to the change"
    return Section(
        f"{compared.label}: from {names[0]} to {names[-1]}",
        tuple(columns),
        tuple(rows),
        f"{kind}; Shapley values {how}.{unmoved}",
    )


def shown_parts(bridge: Bridge, count: int | None = PARTS) -> list[str]:
    """The names of the largest parts, the largest first; what has none of the change is left out."""
    ordered = sorted((part for part in bridge.parts if part.value), key=lambda part: -abs(part.value))
    return [part.name for part in ordered[:count]]


def _signed(scale: Scale, part: Part) -> str:
    """A part to the place of its standard error, which stands beside it."""
    if not part.value:
        return "0"
    text = scale.figure(part.value, part.standard_error / 10)
    return f"+{text}" if part.value > 0 else text


def _factor(part: Part) -> str:
    factor = math.exp(part.value)
    error = factor * part.standard_error
    return "× " + row_scale([factor], [error]).figure(factor, error)


def _escaped(text: str) -> str:
    return printable(text).replace("|", "\\|")


def file_names(names: Sequence[str]) -> list[str]:
    """The files that a comparison of cases of these names may write."""
    falls = ["waterfall"] if len(names) == 2 else [f"waterfall-{name}" for name in names[1:]]
    pictures = [f"{name}.{kind}" for name in ("bands", "exceedance", *falls) for kind in ("png", "svg")]
    return ["compare.csv", "compare.json", *pictures]


def default_name(names: Sequence[str]) -> str:
    """The folder of a comparison: ``BASELINE-vs-ALTERNATIVE``, the first three alternatives named."""
    more = f"-and-{len(names) - 4}-more" if len(names) > 4 else ""
    return f"{names[0]}-vs-{'-'.join(names[1:4])}{more}"
