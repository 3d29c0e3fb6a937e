"""What a person reads of a decision: the choices, the best, and what to find out first."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulate.figures import Scale, row_scale
from simulate.layout import Column, Section, percentile_columns
from simulate.results import Result
from simulate.runs.report import settings_text
from simulate.units import is_cost

MOST = 12  # priors listed
LEAST_SHARE = 1e-3  # of the EVPI, that a prior listed is worth
BAR_WIDTH = 20
BAR = " ▏▎▍▌▋▊▉█"


def sections(result: Result) -> list[Section]:
    """The report of a decision."""
    same = f"the same in each choice; ± is the standard error, from {result.attributes['replicates']} replicates."
    return [
        *([Section(result.attributes["title"])] if result.attributes["title"] else []),
        _choices(result),
        Section(intro=verdict(result)),
        *_worth(result),
        *_beside(result),
        Section(remarks=[f"{settings_text(result)}, {same}"]),
    ]


def cost_of(result: Result) -> tuple[str, str, str]:
    """The name of the quantity that is decided by, its label and its unit."""
    name = str(result.attributes["decided_by"])
    return name, result.at("label", quantity=name), result.at("unit", quantity=name)


def maximizes(result: Result) -> bool:
    """Whether the most is the best, as of a profit."""
    return bool(result.attributes["objective"] == "maximize")


def first_of(result: Result) -> str:
    """What the best of the choices is called: the cheapest, of a cost."""
    return "cheapest" if is_cost(cost_of(result)[2]) and not maximizes(result) else "best"


def verdict(result: Result) -> str:
    """The best choice, and what knowing everything would be worth, in a sentence or two."""
    (cost, label, unit), best = cost_of(result), result.attributes["best"]
    kind, verb = ("value", "gain") if maximizes(result) else ("cost", "save")
    by = f"expected {kind}"
    if not is_cost(unit):
        kind = "value"
        by = f"the {'most' if maximizes(result) else 'least'} expected {label}, in {unit}".removesuffix(", in 1")
    text = f"Best by {by}: {result.at('choice_label', choice=best)}."
    evpi, error = result.estimate("evpi")
    if not evpi:
        return f"{text} It is so in every scenario: nothing is worth finding out first."
    scale, (mean, mean_error) = information_scale(result), result.estimate("mean", quantity=cost, choice=best)
    share = f", {percent(evpi / abs(mean))} of its expected {kind}" if abs(mean) > 2 * mean_error else ""
    figure = f"{scale.figure(evpi, error)} ± {scale.error(error)} {scale.unit(unit)}".rstrip()
    return f"{text} Knowing everything before deciding would {verb} {figure} on average (EVPI){share}."


def scale_of(result: Result, values: Sequence[float], errors: Sequence[float]) -> Scale:
    """A scale for values with their standard errors, in the power of ten that suits the costs."""
    cost, _, _ = cost_of(result)
    told = [*result.at("mean", quantity=cost), *result.at("percentiles", quantity=cost).ravel()]
    costs = [abs(float(value)) for value in told if value]
    exponent = row_scale(costs, [0.0] * len(costs)).exponent
    if costs and (typical := float(np.median(costs))) < 0.1:
        exponent = 3 * (math.floor(math.log10(typical)) // 3)  # so that errors have few zeros before them
    return replace(row_scale(values, errors), exponent=exponent)


def information_scale(result: Result) -> Scale:
    """The scale of the EVPI and the regrets."""
    regrets, evpi = result.estimate("expected_regret"), result.estimate("evpi")
    values, errors = ([one, *map(float, several)] for one, several in zip(evpi, regrets, strict=True))
    return scale_of(result, values, errors)


def worth_telling(result: Result) -> list[tuple[str, float, float]]:
    """The priors that are worth finding out: beyond two standard errors and a thousandth of the EVPI.

    Each by its name, with its EVPPI and the standard error.
    """
    least = LEAST_SHARE * result.at("evpi")
    values, errors = (each.tolist() for each in result.estimate("evppi"))
    rows = zip(result.labels("prior"), values, errors, strict=True)
    return [(name, value, error) for name, value, error in rows if value > max(least, 2 * error)][:MOST]


def _choices(result: Result) -> Section:
    cost, label, unit = cost_of(result)
    percents = result.labels("percentile")
    means, mean_errors = (each.tolist() for each in result.estimate("mean", quantity=cost))
    bands, band_errors = result.estimate("percentiles", quantity=cost)
    scale = scale_of(result, [*means, *bands.ravel()], [*mean_errors, *band_errors.ravel()])
    regret_scale = information_scale(result)
    columns = [
        Column("choice", give="wrap"),
        Column("mean", ">", "bold"),
        Column("±", ">", drop=4),
        *percentile_columns(percents, drop=3, middle=""),
        Column(first_of(result), ">", "bold"),
        Column("±", ">", drop=4),
        Column("regret", ">"),
        Column("±", ">", drop=4),
    ]
    rows = []
    for place, choice in enumerate(result.labels("choice")):
        share, share_error = result.estimate("probability_best", choice=choice)
        regret, regret_error = result.estimate("expected_regret", choice=choice)
        figures = [
            scale.figure(means[place], mean_errors[place]),
            scale.error(mean_errors[place]),
            *map(scale.figure, bands[place].tolist(), band_errors[place].tolist()),
            percent(share, share_error),
            f"{100 * share_error:.1g}" if 0 < share_error < 0.1 else f"{100 * share_error:.0f}",
            regret_scale.figure(regret, regret_error),
            regret_scale.error(regret_error),
        ]
        rows.append([result.at("choice_label", choice=choice), *figures])
    aim = "the more the better" if maximizes(result) else "the less the better"
    units = scale.unit(unit)
    return Section(intro=f"{label}{f' [{units}]' if units else ''}, {aim}", columns=columns, rows=rows)


def _worth(result: Result) -> list[Section]:
    evpi, priors = result.at("evpi"), result.labels("prior")
    if not evpi or not priors:
        return []
    listed = worth_telling(result)
    scale = scale_of(result, [value for _, value, _ in listed], [error for _, _, error in listed])
    columns = [
        Column("prior", give="wrap"),
        Column("", drop=2),
        Column("gains" if maximizes(result) else "saves", ">", "bold"),
        Column("±", ">", drop=3),
        Column("unit", drop=1),
        Column("of EVPI", ">"),
        Column("", drop=4),
    ]
    rows = []
    for name, value, error in listed:
        label = result.at("prior_label", prior=name)
        figures = scale.figure(value, error), scale.error(error), scale.unit(cost_of(result)[2])
        shares = percent(value / evpi, error / evpi), _bar(value / evpi)
        rows.append([label, "" if label == name else name, *figures, *shares])
    remarks = []
    if others := len(priors) - len(listed):
        told = {name for name, _, _ in listed}
        greatest = max(result.at("evppi", prior=name) for name in priors if name not in told) / evpi
        below = f"{percent(greatest)} of the EVPI at most" if greatest > LEAST_SHARE / 100 else "nothing"
        count = "One" if others == 1 else f"Each of {others}"
        kind = f"{'other ' if listed else ''}prior{'s' if others > 1 else ''}"
        remarks.append(f"{count} {kind}, found out alone, is worth {below}.")
    remarks.append(
        "A figure is for that prior found out alone and exactly (EVPPI); they do not add up to the EVPI. "
        "What is correlated with it moves along."
    )
    heading = "What would be worth finding out before deciding"
    return [Section(heading, columns=columns, rows=rows, remarks=remarks)]


def _beside(result: Result) -> list[Section]:
    """Bands of the other quantities: one row where all choices have the same, else one a choice."""
    choices = result["choice_label"].tolist()
    columns = [
        Column("beside it", give="wrap"),
        Column("unit"),
        *percentile_columns(result.labels("percentile"), drop=2),
        Column("mean", ">", drop=3),
    ]
    rows: list[list[str]] = []
    for name in result.labels("quantity")[1:]:
        label, unit = result.at("label", quantity=name), result.at("unit", quantity=name)
        bands, means = (result.estimate(each, quantity=name) for each in ("percentiles", "mean"))
        values, errors = (np.column_stack(each) for each in zip(bands, means, strict=True))  # a row for each choice
        scale = row_scale(values.ravel().tolist(), errors.ravel().tolist())
        titles = [f"  {choice}" for choice in choices]
        if all(np.array_equal(each, values[0], equal_nan=True) for each in values):  # as of what no choice touches
            titles = [label]
        else:
            rows.append([label, *[""] * (len(columns) - 1)])
        for title, *figures in zip(titles, values.tolist(), errors.tolist(), strict=False):
            rows.append([title, scale.unit(unit), *map(scale.figure, *figures)])
    return [Section(columns=columns, rows=rows)] if rows else []


def percent(share: float, error: float = 0.0) -> str:
    """A share in percent, to two digits below 10 and to whole ones above, coarser where the error asks for it."""
    places = 0 if share >= 0.0995 or not share else min(1 - math.floor(math.log10(100 * share)), 2)
    if error > 0:
        places = min(places, -math.ceil(math.log10(100 * error)))
    return f"{round(100 * share, places):.{max(places, 0)}f} %"


def _bar(share: float) -> str:
    eighths = round(min(share, 1.0) * BAR_WIDTH * 8)
    return (BAR[8] * (eighths // 8) + BAR[eighths % 8]).rstrip()
