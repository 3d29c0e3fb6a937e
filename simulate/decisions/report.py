"""What a person reads of a decision: the choices, the best, and what to find out first."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulate.figures import Scale, band_scale, percent_text, probability_text, row_scale, share_text
from simulate.layout import Column, Section, percentile_columns
from simulate.results import Result
from simulate.runs import answers
from simulate.runs.precision import WIDTH, relative
from simulate.runs.report import bounded, drawn_text, few_beyond
from simulate.spread import t_quantile
from simulate.units import is_cost

MOST = 12  # priors listed
LEAST_SHARE = 1e-3  # of the EVPI, that a prior listed is worth
BAR_WIDTH = 20
SHARE_DIGITS = 2  # of a share that is told without its error
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
        Section(remarks=[*few_beyond(result), *filter(None, [answers.kept(result)]), f"{drawn_text(result)}, {same}"]),
    ]


def cost_of(result: Result) -> tuple[str, str, str]:
    """The name of the quantity that is decided by, its label and its unit."""
    name = str(result.attributes["decided_by"])
    return name, result.at("label", quantity=name), result.at("unit", quantity=name)


def maximizes(result: Result) -> bool:
    """Whether the most is the best, as of a profit."""
    return bool(result.attributes["objective"] == "maximize")


def alike(result: Result) -> list[str]:
    """The choices that are not known to be worse than the best, itself among them.

    Where the best is so in every scenario, those that are too; else those whose expected cost lies within two standard
    errors of its own.
    """
    names = result.labels("choice")
    if not result.at("evpi"):
        return [name for name in names if not result.at("expected_regret", choice=name)]
    estimates = {name: result.estimate("beyond_best", choice=name) for name in names}
    return [name for name, (beyond, error) in estimates.items() if abs(beyond) <= 2 * error]


def first_of(result: Result) -> str:
    """What the best of the choices is called: the cheapest, of a cost."""
    return "cheapest" if is_cost(cost_of(result)[2]) and not maximizes(result) else "best"


def aim_of(result: Result) -> str:
    """Which way is better, in words."""
    return "the more the better" if maximizes(result) else "the less the better"


def verdict(result: Result) -> str:
    """The best choice or those that tie, and what knowing everything would be worth, in a sentence or two."""
    (cost, label, unit), best, names = cost_of(result), result.attributes["best"], alike(result)
    kind, verb = ("value", "gain") if maximizes(result) else ("cost", "save")
    by = f"expected {kind}"
    if not is_cost(unit):
        kind = "value"
        by = f"the {'most' if maximizes(result) else 'least'} expected {label}, in {unit}".removesuffix(", in 1")
    listed, tie = _listed(result, names), len(names) > 1
    text = f"Best by {by}: {listed}."
    evpi, error = result.estimate("evpi")
    if not evpi:
        if not tie:
            return f"{text} It is so in every scenario: nothing is worth finding out first."
        nothing = "nothing is worth finding out first (EVPI 0)."
        if len(names) == len(result.labels("choice")):
            return f"None is the best: the choices tie in every scenario, so that {nothing}"
        return f"{text} They tie in every scenario, and no other is better in any: {nothing}"
    if tie:
        apart = max(abs(result.at("beyond_best", choice=name)) for name in names)
        how = "differ by less than two standard errors" if apart else "are equal"
        text = f"No single best by {by}: those of {listed} {how}."
    scale, at = information_scale(result), {"quantity": cost, "choice": best}
    shares, of_width = relative(result, result.at("mean", **at), evpi, **at)
    of = f"{WIDTH} of its {kind}" if of_width else f"its expected {kind}"
    figure = " ".join(filter(None, [" ± ".join(scale.with_error(evpi, error)), scale.unit(unit)]))
    told = not tie and math.isfinite(shares)  # a constant of 0 has no size that this could be a share of
    share = f", {percent_text(float(shares), digits=SHARE_DIGITS)} of {of}" if told else ""
    return f"{text} Knowing everything before deciding would {verb} {figure} on average (EVPI){share}."


def _listed(result: Result, choices: Sequence[str]) -> str:
    *others, last = (str(result.at("choice_label", choice=name)) for name in choices)
    return " and ".join([*filter(None, [", ".join(others)]), last])


def headline(result: Result) -> str:
    """The best choice and how often it is so, or those that tie, in a line."""
    names = alike(result)
    if len(names) > 1:
        return f"No single best: {_listed(result, names)}"
    return f"{_listed(result, names)}: best on average, {first_of(result)} in {chance_of(result, names[0])}"


def chance_of(result: Result, choice: str) -> str:
    """How often a choice is the best, to few digits, for a picture."""
    share = result.estimate("probability_best", choice=choice)
    bound, known = probability_text(*share, result.attributes["scenarios"])
    return percent_text(*share, SHARE_DIGITS) if known else bound


def scale_of(result: Result, values: Sequence[float], errors: Sequence[float]) -> Scale:
    """A scale for values with their standard errors, in the power of ten that suits the costs."""
    cost, _, _ = cost_of(result)
    told = [*result.at("mean", quantity=cost), *result.at("percentiles", quantity=cost).ravel()]
    costs = [abs(float(value)) for value in told if value]
    exponent = row_scale(costs).exponent
    if costs and (typical := 2 * float(np.median(np.divide(costs, 2)))) < 0.1:
        exponent = 3 * (math.floor(math.log10(typical)) // 3)  # so that errors have few zeros before them
    return replace(row_scale(values, errors), exponent=exponent).of(cost_of(result)[2])


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
    regret_scale = information_scale(result)
    units = regret_scale.unit(unit)
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
    for choice in result.labels("choice"):
        band = [each.tolist() for each in result.estimate("percentiles", quantity=cost, choice=choice)]
        scale = replace(band_scale(percents, *band), exponent=regret_scale.exponent).of(unit)
        chance, apart = probability_text(
            *result.estimate("probability_best", choice=choice), result.attributes["scenarios"]
        )
        figures = [
            *scale.with_error(*result.estimate("mean", quantity=cost, choice=choice)),
            *bounded(result, map(scale.figure, *band), quantity=cost, choice=choice),
            chance,
            apart.removesuffix(" %"),
            *regret_scale.with_error(*result.estimate("expected_regret", choice=choice)),
        ]
        rows.append([result.at("choice_label", choice=choice), *figures])
    intro = f"{label}{f' [{units}]' if units else ''}, {aim_of(result)}"
    return Section(intro=intro, columns=columns, rows=rows)


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
        Column("unit"),
        Column("of EVPI", ">"),
        Column("", drop=4),
    ]
    rows = []
    for name, value, error in listed:
        label = result.at("prior_label", prior=name)
        figures = *scale.with_error(value, error), scale.unit(cost_of(result)[2])
        shares = share_text(value / evpi, error / evpi, SHARE_DIGITS), _bar(value / evpi)
        rows.append([label, "" if label == name else name, *figures, *shares])
    remarks = []
    if others := len(priors) - len(listed):
        told = {name for name, _, _ in listed}
        pairs = [result.estimate("evppi", prior=name) for name in priors if name not in told]
        greatest = min(max(value + t_quantile() * error for value, error in pairs) / evpi, 1.0)
        below = (
            f"{percent_text(greatest, digits=SHARE_DIGITS)} of the EVPI at most"
            if greatest > LEAST_SHARE / 100
            else "nothing"
        )
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
        exponent = row_scale(values.ravel().tolist(), errors.ravel().tolist()).exponent
        titles = [f"  {choice}" for choice in choices]
        if all(np.array_equal(each, values[0], equal_nan=True) for each in values):  # as of what no choice touches
            titles = [label]
        else:
            rows.append([label, *[""] * (len(columns) - 1)])
        for choice, title, *figures in zip(
            result.labels("choice"), titles, values.tolist(), errors.tolist(), strict=False
        ):
            scale = replace(band_scale(result.labels("percentile"), *figures), exponent=exponent).of(unit)
            texts = bounded(result, map(scale.figure, *figures), quantity=name, choice=choice)
            rows.append([title, scale.unit(unit), *texts])
    return [Section(columns=columns, rows=rows)] if rows else []


def _bar(share: float) -> str:
    eighths = round(min(share, 1.0) * BAR_WIDTH * 8)
    return (BAR[8] * (eighths // 8) + BAR[eighths % 8]).rstrip()
