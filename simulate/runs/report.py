"""What a person reads of a run: its bands, how well they are known, what moves them, what has been published."""

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from simulate.bands import BOUND
from simulate.figures import (
    VAGUE,
    Scale,
    band_scale,
    percent_text,
    percentile_name,
    row_scale,
    share_text,
    sparkline,
    times_text,
    with_unit,
)
from simulate.influence import beyond_error
from simulate.layout import Column, Remark, Section, percentile_columns
from simulate.results import Result
from simulate.results.published import place_of
from simulate.results.told import FINE
from simulate.runs import answers
from simulate.runs.components import indented
from simulate.runs.drivers import MOST_MOVED, WIDE
from simulate.runs.precision import WIDTH, relative
from simulate.spread import FEWEST_BEYOND, bounds
from simulate.statistics import OPTIONAL

NINE_OF_TEN = (5, 50, 95)  # percents of what lies around nine of ten, and of its middle
MANY_TIMES = 10  # a constant: a figure beyond is told in its multiples, not in per cent
MOST_IMPORTANT = 3  # priors named for each headline quantity
NEARLY_ALL = 0.95  # a share from which on it is told what lacks


def sections(result: Result) -> list[Section]:
    """The report of a run."""
    told = [Section(result.attributes["title"])] if result.attributes["title"] else []
    shown = indented(result.provenance["components"], result.provenance["asked"])
    told.append(Section(columns=_columns(result), rows=[_row(result, name, depth) for name, depth in shown.items()]))
    told.append(Section(remarks=[*_layouts(result), _sampling_error(result, list(shown)), *few_beyond(result)]))
    told += answers.sections(result)
    told += _drivers(result)
    published = [_published_remark(figure) for figure in published_of(result, result.labels("quantity"))]
    return [*told, Section(remarks=[*published, f"{drawn_text(result)}."])]


def settings_text(result: Result) -> str:
    """How a result was drawn."""
    attributes = result.attributes
    return f"{attributes['scenarios']:,} scenarios, {attributes['scheme']}, seed {attributes['seed']}"


def drawn_text(result: Result) -> str:
    """How a result was drawn, and from which case of its priors file."""
    return ", ".join([settings_text(result), *departures(result.provenance)])


def departures(told: Mapping[str, Any]) -> list[str]:
    """In what a case, as its provenance tells it, departs from its priors file: the choice, and what was set."""
    parts = [f"as choice {told['choice']}"] if told["choice"] else []
    return parts + ([f"with {', '.join(told['overrides'])} (--set)"] if told["overrides"] else [])


def circumstances(told: Mapping[str, Any]) -> str:
    """Under which conditions a case is told, and in what it departs from its priors file; empty without any."""
    conditions = ", ".join([*told["given"], *told["observe"]])
    return ", ".join([*([f"given {conditions}"] if conditions else []), *departures(told)])


def repeated(told: Mapping[str, Any]) -> str:
    """The priors file and the options of a command line that asks of the same case."""
    options = {"set": told["overrides"], "given": told["given"], "observe": told["observe"]}
    texts = [f"--{name} {shlex.quote(text)}" for name, each in options.items() for text in each]
    return " ".join([shlex.quote(told["files"][0]["path"]), *texts])


def _layouts(result: Result) -> list[str]:
    """How often each layout of a list is taken, the most frequent first."""
    found = [(*result.estimate("layout_share", layout=word), word) for word in result.labels("layout")]
    taken = [f"{word} in {percent_text(share, error)}" for share, error, word in sorted(found, reverse=True) if share]
    return [f"Of the layouts, scenarios take {', '.join(taken)}."] if taken else []


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


def bounded(result: Result, figures: Iterable[str], prefix: str = "", **at: Any) -> list[str]:
    """The figures of percentiles, and what comes after them, with '>=' or '<=' before those that are but bounds."""
    told, variable = list(figures), f"{prefix}percentiles{BOUND}"
    sides = np.ravel(result.at(variable, **at)).tolist() if variable in result else []
    sides += [""] * (len(told) - len(sides))
    return [f"{side} {text}".strip() for side, text in zip(sides, told, strict=True)]


def few_beyond(result: Result) -> list[str]:
    """Beyond which of the percentiles that are estimated few scenarios lie, a sentence where there are any."""
    told = {name: each for name, each in result.provenance.get("few_beyond", {}).items() if each >= FEWEST_BEYOND}
    if not told:
        return []
    return [f"Few scenarios lie beyond {', '.join(f'{name} ({each:,.0f})' for name, each in told.items())}."]


def scale_of(result: Result, **at: Any) -> Scale:
    """The scale on which the percentiles and the mean of a band are written, in a table and in its picture."""
    return band_scale(result.labels("percentile"), *estimates(result, **at)).of(result.unit("percentiles", **at))


class Told(NamedTuple):
    """The P5, the P50 and the P95 of a band with their errors and which are but bounds, and its mean, on a scale."""

    scale: Scale
    base: str  # the unit of the values
    values: list[float]
    errors: list[float]
    sides: list[str]
    mean: float
    mean_error: float

    @property
    def unit(self) -> str:
        """The unit with its scale, as a table has it."""
        return self.scale.unit(self.base)

    @property
    def texts(self) -> list[str]:
        """The percentiles as a table has them."""
        figures = map(self.scale.figure, self.values, self.errors)
        return [f"{side} {figure}".strip() for side, figure in zip(self.sides, figures, strict=True)]

    @property
    def mean_text(self) -> str:
        """The mean as a table has it."""
        return self.scale.figure(self.mean, self.mean_error)


def told_band(result: Result, **at: Any) -> Told:
    """What is written of a band in a picture: the table's figures, and such of percentiles that it lacks."""
    values, errors = estimates(result, **at)
    scale, grid = scale_of(result, **at), result.at("fine_percentiles", **at)
    kept = result.provenance.get("kept", {}).get("effective", result.attributes["scenarios"])
    sides, percents = bounds(NINE_OF_TEN, kept if grid[0] < grid[-1] else np.inf)
    shown = np.interp(percents, result[FINE], grid).tolist()
    of = np.interp(NINE_OF_TEN, result.labels("percentile"), errors[:-1]).tolist()
    return Told(scale, result.unit("percentiles", **at), shown, of, sides.tolist(), values[-1], errors[-1])


def headline(result: Result, name: str) -> str:
    """What a band says, in a line: its middle, and between which figures nine of ten scenarios lie."""
    told = told_band(result, quantity=name)
    low, median, high = told.texts
    text = f"{result.at('label', quantity=name) or name}: {median} {told.unit}".rstrip()
    return text if low == high or any(told.sides) else f"{text}, nine of ten between {low} and {high}"


def _row(result: Result, name: str, depth: int) -> list[str]:
    values, errors = estimates(result, quantity=name)
    scale = scale_of(result, quantity=name)
    published = published_of(result, [name])
    return [
        "  " * depth + (result.at("label", quantity=name) or name),
        scale.unit(result.at("unit", quantity=name)),
        *bounded(result, map(scale.figure, values, errors), quantity=name),
        *(_asked(result, each, name, scale) for each in OPTIONAL if each in result),
        sparkline(result.at("fine_percentiles", quantity=name), result["fine_percentile"]),
        "\n".join(
            f"{on_scale(figure['value'], scale)}, {falls_at(result, name, figure['value'])}".rstrip(", ")
            for figure in published
        ),
    ]


def _asked(result: Result, statistic: str, name: str, scale: Scale) -> str:
    """A statistic told on demand: a figure, or two ends."""
    values, errors = (np.atleast_1d(each).tolist() for each in result.estimate(statistic, quantity=name))
    return " to ".join(map(scale.figure, values, errors))


def on_scale(value: float, scale: Scale) -> str:
    """A stated figure on the scale of a row, with the digits that it has."""
    return replace(scale, place=row_scale([value]).place).figure(value)


def falls_at(result: Result, name: str, value: float) -> str:
    """Where a value falls in a quantity's band: the percentile, or for a constant how far off it is."""
    place, percentile = place_of(result, value, quantity=name)
    least, greatest = (result.at(end, quantity=name) for end in ("minimum", "maximum"))
    if least == greatest and place.endswith("_all"):
        if not least:
            return place.removesuffix("_all")
        if abs(value / least) > MANY_TIMES:
            return times_text(value, least)
        return f"{percent_text(abs(value / least - 1), digits=2)} {place.removesuffix('_all')}"
    if place in {"below", "above"}:
        return f"{place} {percentile_name(result[FINE][0 if place == 'below' else -1])}"
    return place.replace("_", " ") if percentile is None else f"P{percentile:.0f}"


def published_of(result: Result, names: Sequence[str]) -> list[dict[str, Any]]:
    """The published figures of quantities."""
    return [figure for figure in result.provenance["published"] if figure["quantity"] in names]


def _published_remark(figure: dict[str, Any]) -> Remark:
    stated = with_unit(figure["stated"], 0, figure["stated_unit"])
    told = ", ".join(filter(None, [f"Published: {figure['quantity']} {stated}", figure["source"]]))
    return Remark(f"{told}. {figure['note']}".rstrip(), indent="  ")


def _sampling_error(result: Result, names: Sequence[str]) -> str:
    """The largest errors: of medians and of other percentiles, and of those that are told as shares of a band."""
    median, other = "a median", "any other percentile" if 50 in result.labels("percentile") else "any percentile"
    largest, unknown = dict.fromkeys((median, other, WIDTH), 0.0), []
    for name in names:
        values, errors = result.estimate("percentiles", quantity=name)
        shares, of_width = relative(result, values, errors, quantity=name)
        for percent, share in zip(result.labels("percentile"), shares.tolist(), strict=True):
            kind = WIDTH if of_width else median if percent == 50 else other
            largest[kind] = max(largest[kind], share if math.isfinite(share) else 0.0)
        known = np.isfinite(shares) | (np.array(bounded(result, [""] * len(shares), quantity=name)) != "")
        unknown += [name] if np.isfinite(values).any() and not known.all() else []
    told = {kind: f"{percent_text(share, digits=1)} of {kind}" for kind, share in largest.items() if share}
    of_values = " and ".join(told[kind] for kind in (median, other) if kind in told)
    parts = [of_values, f"{told[WIDTH]} where a band reaches 0" if WIDTH in told else ""]
    if told:
        text = f"Sampling error of the figures above: at most {', and '.join(filter(None, parts))}."
    elif unknown or any(varies(result, name) for name in names):
        text = "Sampling error of the figures above: none."
    else:
        text = "Sampling error of the figures above: none, nothing varies."
    return f"{text} Not known of {', '.join(unknown)}." if unknown else text


def varies(result: Result, name: str) -> bool:
    """Whether a quantity is not the same in every scenario, those included that are too rare to have been drawn."""
    rare = any(name in touched for touched in result.provenance.get("rare_events", {}).values())
    return rare or bool(result.at("minimum", quantity=name) < result.at("maximum", quantity=name))


def most_important(result: Result, name: str, count: int = MOST_IMPORTANT) -> list[tuple[str, float, float]]:
    """The priors that alone have the most of a quantity's variance, with these shares and their standard errors.

    Those whose share may be nothing are left out, unless no share is known.
    """
    shares, errors = (each.tolist() for each in result.estimate("variance_share", quantity=name))
    every = [each for each in zip(result.labels("prior"), shares, errors, strict=True) if not math.isnan(each[1])]
    known = [each for each in every if beyond_error(*each[1:])]
    told = known or [each for each in every if each[2] > VAGUE]
    return sorted(told, key=lambda each: -each[1])[:count]


def _share(share: float, error: float) -> str:
    """A share in per cent, with its error only where that is large; 0 where it may be nothing."""
    if error > VAGUE:
        return share_text(share, error)
    if not beyond_error(abs(share), error) or not beyond_error(abs(1 - share), error):
        return f"{100 * round(share)} %"
    return percent_text(share, error, digits=2 if share < NEARLY_ALL else 4)


def _sign(result: Result, name: str, prior: str) -> str:
    """Which way a quantity goes with a prior, where it goes one way."""
    direction = result.at("direction", quantity=name, prior=prior)
    return "+" if direction > 0 else "−" if direction < 0 else ""


def _drivers(result: Result) -> list[Section]:
    """For each headline quantity the priors that matter most, and how much of its variance is of which evidence."""
    rows, logarithms, headline = [], False, result.provenance["headline"]
    for name in headline:
        if math.isnan(result.at("variance_share_together", quantity=name)):
            continue
        of_logarithm = result.at("variance_of_logarithm", quantity=name) == 1
        by = {
            kind: result.estimate("variance_share_by_evidence", quantity=name, evidence=kind)
            for kind in result.labels("evidence")
        }
        told = {kind: "" if math.isnan(share) else _share(share, error) for kind, (share, error) in by.items()}
        important = [
            f"{prior} {_sign(result, name, prior)}{_share(share, error).removesuffix(' %')}"
            for prior, share, error in most_important(result, name)
        ]
        rows.append(
            [
                f"log({name})" if of_logarithm else name,
                told["judgement"] or ("0 %" if told["sourced"] else ""),
                told["not stated"],
                _share(*result.estimate("variance_share_together", quantity=name)),
                ", ".join(important) or "none alone",
            ]
        )
        logarithms |= of_logarithm
    if not rows:
        return []
    columns = [
        Column("variance of"),
        Column("from judgement", ">"),
        Column("evidence not stated", ">"),
        Column("together", ">"),
        Column("moved most by (% of the variance)", give="wrap"),
    ]
    about = "Shares of the variance that a prior alone explains, + upwards, − downwards; together is the rest, "
    about += "negative where correlated priors do the same."
    if logarithms:
        about += f" Of the logarithm where P95 is above {WIDE} times P5."
    if len(headline) > MOST_MOVED:
        about += f" {len(headline) - MOST_MOVED} more are not looked into; name them with --quantities."
    more = f"More: simulate tornado {repeated(result.provenance)} --quantities {headline[0]}"
    return [Section(columns=columns, rows=rows, remarks=[about, Remark(more, "dim", whole=True)])]
