"""What a person reads of a run: its bands, how well they are known, what moves them, what has been published."""

import math
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulate.figures import Scale, row_scale, sparkline, with_unit
from simulate.layout import Column, Remark, Section, percentile_columns
from simulate.results import Result
from simulate.runs import answers
from simulate.runs.components import indented
from simulate.statistics import OPTIONAL

MOST_IMPORTANT = 3  # priors named for each headline quantity
FEWEST_FOR_SHARES = 1e-9  # below it the squared rank correlations are nothing but rounding


def sections(result: Result) -> list[Section]:
    """The report of a run."""
    told = [Section(result.attributes["title"])] if result.attributes["title"] else []
    shown = indented(result.provenance["components"], result.provenance["asked"])
    told.append(Section(columns=_columns(result), rows=[_row(result, name, depth) for name, depth in shown.items()]))
    told.append(Section(remarks=[_sampling_error(result, list(shown))]))
    told += answers.sections(result)
    told += _drivers(result)
    published = [_published_remark(figure) for figure in published_of(result, result.labels("quantity"))]
    return [*told, Section(remarks=[*published, f"{settings_text(result)}."])]


def settings_text(result: Result) -> str:
    """How a result was drawn."""
    attributes = result.attributes
    return f"{attributes['scenarios']:,} scenarios, {attributes['scheme']}, seed {attributes['seed']}"


def _columns(result: Result) -> list[Column]:
    return [
        Column("", give="wrap"),
        Column("unit"),
        *percentile_columns(result.labels("percentile"), drop=2),
        Column("mean", ">", drop=3),
        *(Column(result.variables[name].label, ">") for name in OPTIONAL if name in result),
        Column("density", drop=4),
        Column("published, at", drop=1),
    ]


def estimates(result: Result, prefix: str = "", **at: Any) -> tuple[list[float], list[float]]:
    """The percentiles of a band with, last, its mean, and their standard errors; `prefix` is before their names."""
    (percentiles, errors), (mean, mean_error) = (
        result.estimate(f"{prefix}{each}", **at) for each in ("percentiles", "mean")
    )
    return [*percentiles.tolist(), mean], [*errors.tolist(), mean_error]


def _row(result: Result, name: str, depth: int) -> list[str]:
    values, errors = estimates(result, quantity=name)
    scale = row_scale(values, errors)
    published = published_of(result, [name])
    return [
        "  " * depth + (result.at("label", quantity=name) or name),
        scale.unit(result.at("unit", quantity=name)),
        *map(scale.figure, values, errors),
        *(_asked(result, each, name, scale) for each in OPTIONAL if each in result),
        sparkline(result.at("fine_percentiles", quantity=name), result["fine_percentile"]),
        "\n".join(
            f"{_on_scale(figure['value'], scale)}, {falls_at(result, name, figure['value'])}".rstrip(", ")
            for figure in published
        ),
    ]


def _asked(result: Result, statistic: str, name: str, scale: Scale) -> str:
    """A statistic told on demand: a figure, or two ends."""
    values, errors = (np.atleast_1d(each).tolist() for each in result.estimate(statistic, quantity=name))
    return " to ".join(map(scale.figure, values, errors))


def _on_scale(value: float, scale: Scale) -> str:
    """A stated figure on the scale of a row, with the digits that it has."""
    own = row_scale([value], [0.0])
    return Scale(scale.exponent, own.place, scale.digits).figure(value)


def falls_at(result: Result, name: str, value: float) -> str:
    """Where a value falls in a quantity's band: the percentile, or for a constant how far off it is."""
    least, greatest = (result.at(end, quantity=name) for end in ("minimum", "maximum"))
    if not math.isfinite(least + greatest):
        return ""
    if least == greatest:
        if math.isclose(value, least, rel_tol=5e-6):
            return "equal"
        if not least:
            return "above" if value > 0 else "below"
        return f"{abs(value / least - 1) * 100:.2g} % {'above' if value > least else 'below'}"
    if value < least:
        return "below all"
    if value > greatest:
        return "above all"
    curve, percents = result.at("fine_percentiles", quantity=name), result["fine_percentile"]
    if value < curve[0]:
        return f"below P{percents[0]:g}"
    if value > curve[-1]:
        return f"above P{percents[-1]:g}"
    return f"P{np.interp(value, curve, percents):.0f}"


def published_of(result: Result, names: Sequence[str]) -> list[dict[str, Any]]:
    """The published figures of quantities."""
    return [figure for figure in result.provenance["published"] if figure["quantity"] in names]


def _published_remark(figure: dict[str, Any]) -> Remark:
    stated = with_unit(figure["stated"], 0, figure["stated_unit"])
    note = f" {figure['note']}" if figure["note"] else ""
    return Remark(f"Published: {figure['quantity']} {stated}, {figure['source']}.{note}", indent="  ")


def _sampling_error(result: Result, names: Sequence[str]) -> str:
    middle: list[float] = []
    outer: list[float] = []
    for name in names:
        bands, errors = result.estimate("percentiles", quantity=name)
        for percent, value, error in zip(result.labels("percentile"), bands, errors, strict=True):
            if value and math.isfinite(value) and math.isfinite(error):
                (middle if percent == 50 else outer).append(abs(error / value))
    if not any(middle + outer):
        return "Sampling error: none, nothing varies."
    others = "any other percentile" if middle else "any percentile"
    parts = [
        f"{max(errors) * 100:.1g} % of {what}" for errors, what in ((middle, "a median"), (outer, others)) if errors
    ]
    return f"Sampling error only, the band is the uncertainty: at most {' and '.join(parts)} above."


def judgement_share(result: Result, name: str) -> float:
    """The share of a quantity's spread from priors marked judgement: of the squared rank correlations.

    nan where nothing moves the quantity. A share of the whole only as far as the priors are independent.
    """
    squares = result.at("rank_correlation", quantity=name) ** 2
    priors = result.provenance["priors"]
    judged = [priors[prior]["evidence"] == "judgement" for prior in result.labels("prior")]
    total = float(squares.sum())
    return float(squares[judged].sum()) / total if total > FEWEST_FOR_SHARES else math.nan


def most_important(result: Result, name: str, count: int = MOST_IMPORTANT) -> list[tuple[str, float]]:
    """The priors with which a quantity's ranks correlate most, and these correlations."""
    correlations = result.at("rank_correlation", quantity=name).tolist()
    found = [pair for pair in zip(result.labels("prior"), correlations, strict=True) if pair[1]]
    return sorted(found, key=lambda pair: -abs(pair[1]))[:count]


def _drivers(result: Result) -> list[Section]:
    """For each headline quantity the priors that matter most, and how much of its spread is judgement."""
    rows = []
    for name in result.provenance["headline"]:
        share = judgement_share(result, name)
        if not math.isnan(share):
            important = ", ".join(f"{prior} {value:+.2f}" for prior, value in most_important(result, name))
            rows.append([name, f"{share:.0%}".replace("%", " %"), important.replace("-", "−")])
    if not rows:
        return []
    columns = [
        Column("spread of"),
        Column("from judgement", ">"),
        Column("moved most by (rank correlation)", give="wrap"),
    ]
    path = shlex.quote(result.provenance["files"][0]["path"])
    more = f"More: simulate tornado {path} --quantities {rows[0][0]}"
    return [Section(columns=columns, rows=rows, remarks=[Remark(more, "dim", whole=True)])]
