"""What a person reads of a decision: the choices, the best, what to find out first; and rows for a machine."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from simulate.comparison import Band
from simulate.decisions import Decision, Information, to_json
from simulate.tables import Column, Line, Scale, paragraph, row_scale, table

MOST = 12  # priors listed
LEAST_SHARE = 1e-3  # of the EVPI, that a prior listed is worth
BAR_WIDTH = 20
BAR = " ▏▎▍▌▋▊▉█"


def report(decision: Decision, width: int | None = None) -> list[Line]:
    """The decision as lines laid out for `width` (None: any)."""
    lines: list[Line] = [*_bold(decision.title, width), []] if decision.title else []
    lines += [*_choices(decision, width), []]
    lines += [*paragraph(verdict(decision), width), []]
    lines += _worth(decision, width)
    if decision.beside:
        lines += [*_beside(decision, width), []]
    scheme = {"sobol": "Sobol'", "random": "random"}[decision.scheme]
    lines += paragraph(
        f"{decision.scenarios:,} scenarios, {scheme}, seed {decision.seed}, the same in each choice; ± is the "
        "standard error, from 16 replicates.",
        width,
    )
    return lines


def verdict(decision: Decision) -> str:
    """The best choice, and what knowing everything would be worth, in a sentence or two."""
    best, unit = decision.option(decision.best), decision.quantity.unit
    mean = best.bands[decision.quantity.name].mean
    kind = "value" if decision.maximize else "cost"
    text = f"Best by expected {kind}: {best.label}."
    if not decision.evpi.value:
        return f"{text} It is so in every scenario: nothing is worth finding out first."
    scale = information_scale(decision)
    figure = f"{scale.figure(decision.evpi.value, decision.evpi.se)} ± {scale.error(decision.evpi.se)}"
    share = f", {percent(decision.evpi.value / abs(mean))} of its expected {kind}" if mean else ""
    verb = "gain" if decision.maximize else "save"
    return (
        f"{text} Knowing everything before deciding would {verb} {figure} {scale.unit(unit)}".rstrip()
        + f" on average (EVPI){share}."
    )


def scale_of(decision: Decision, estimates: Sequence[tuple[float, float]]) -> Scale:
    """A scale for values with their standard errors, in the power of ten that suits the costs."""
    bands = [option.bands[decision.quantity.name] for option in decision.options]
    costs = [abs(value) for band in bands for value in (band.mean, *band.percentiles.tolist()) if value]
    exponent = row_scale(costs, [0.0] * len(costs)).exponent
    if costs and (typical := float(np.median(costs))) < 0.1:
        exponent = 3 * (math.floor(math.log10(typical)) // 3)  # so that errors have few zeros before them
    return replace(
        row_scale([value for value, _ in estimates], [error for _, error in estimates]), exponent=exponent
    )


def information_scale(decision: Decision) -> Scale:
    """The scale of the EVPI and the regrets."""
    regrets = [(option.regret.value, option.regret.se) for option in decision.options]
    return scale_of(decision, [(decision.evpi.value, decision.evpi.se), *regrets])


def worth_telling(decision: Decision) -> list[Information]:
    """The priors that are worth finding out: beyond two standard errors and a thousandth of the EVPI."""
    least = LEAST_SHARE * decision.evpi.value
    return [each for each in decision.evppi if each.value > max(least, 2 * each.se)][:MOST]


def _choices(decision: Decision, width: int | None) -> list[Line]:
    cost = decision.quantity
    bands = [option.bands[cost.name] for option in decision.options]
    values = [value for band in bands for value in (band.mean, *band.percentiles.tolist())]
    errors = [error for band in bands for error in (band.mean_se, *band.percentile_se.tolist())]
    scale, regret = scale_of(decision, list(zip(values, errors, strict=True))), information_scale(decision)
    often = "best" if decision.maximize else "cheapest"
    kept = _kept(decision.percentiles)
    columns = [
        Column("choice", give="wrap"),
        Column("mean", ">", "bold"),
        Column("±", ">", drop=4),
        *(
            Column(f"P{at:g}", ">", drop=0 if place in kept else 3)
            for place, at in enumerate(decision.percentiles)
        ),
        Column(often, ">", "bold"),
        Column("±", ">", drop=4),
        Column("regret", ">"),
        Column("±", ">", drop=4),
    ]
    rows = []
    for option in decision.options:
        band = option.bands[cost.name]
        rows.append(
            [
                option.label,
                scale.figure(band.mean, band.mean_se),
                scale.error(band.mean_se),
                *_figures(band, scale),
                percent(option.probability_best.value, option.probability_best.se),
                _percent_error(option.probability_best.se),
                regret.figure(option.regret.value, option.regret.se),
                regret.error(option.regret.se),
            ]
        )
    aim = "the more the better" if decision.maximize else "the less the better"
    units = scale.unit(cost.unit)
    told = f"{cost.label} [{units}], {aim}" if units else f"{cost.label}, {aim}"
    return [*paragraph(told, width), *table(columns, rows, width)]


def _bold(text: str, width: int | None) -> list[Line]:
    return [[(piece, "bold") for piece, _ in line] for line in paragraph(text, width)]


def _worth(decision: Decision, width: int | None) -> list[Line]:
    """What to find out first."""
    if not decision.evpi.value or not decision.evppi:
        return []
    listed = worth_telling(decision)
    others = len(decision.evppi) - len(listed)
    lines = _bold("What would be worth finding out before deciding", width)
    if listed:
        scale = scale_of(decision, [(each.value, each.se) for each in listed])
        unit = scale.unit(decision.quantity.unit)
        columns = [
            Column("prior", give="wrap"),
            Column("", drop=2),
            Column("gains" if decision.maximize else "saves", ">", "bold"),
            Column("±", ">", drop=3),
            Column("unit", drop=1),
            Column("of EVPI", ">"),
            Column("", drop=4),
        ]
        rows = [
            [
                each.label or each.prior,
                each.prior,
                scale.figure(each.value, each.se),
                scale.error(each.se),
                unit,
                percent(each.value / decision.evpi.value, each.se / decision.evpi.value),
                _bar(each.value / decision.evpi.value),
            ]
            for each in listed
        ]
        lines += table(columns, rows, width)
    if others:
        greatest = max(each.value for each in decision.evppi[len(listed) :]) / decision.evpi.value
        below = f"{percent(greatest)} of the EVPI at most" if greatest > LEAST_SHARE / 100 else "nothing"
        which = f"{others} other priors" if listed else f"{others} priors"
        lines += paragraph(f"Each of {which}, found out alone, is worth {below}.", width)
    lines += paragraph(
        "A figure is for that prior found out alone and exactly (EVPPI); they do not add up to the EVPI. "
        "What is correlated with it moves along.",
        width,
    )
    return [*lines, []]


def _beside(decision: Decision, width: int | None) -> list[Line]:
    """Bands of the other quantities: one row where all choices have the same, else one a choice."""
    kept = _kept(decision.percentiles)
    columns = [
        Column("beside it", give="wrap"),
        Column("unit"),
        *(
            Column(f"P{at:g}", ">", "bold" if at == 50 else "", drop=0 if place in kept else 2)
            for place, at in enumerate(decision.percentiles)
        ),
        Column("mean", ">", drop=3),
    ]
    rows = []
    for shown in decision.beside:
        bands = {option.label: option.bands[shown.name] for option in decision.options}
        values = [value for band in bands.values() for value in (*band.percentiles.tolist(), band.mean)]
        errors = [error for band in bands.values() for error in (*band.percentile_se.tolist(), band.mean_se)]
        scale = row_scale(values, errors)
        if same(list(bands.values())):
            bands = {shown.label: next(iter(bands.values()))}
        else:
            rows.append([shown.label, *[""] * (len(columns) - 1)])
            bands = {f"  {label}": band for label, band in bands.items()}
        for label, band in bands.items():
            mean = scale.figure(band.mean, band.mean_se)
            rows.append([label, scale.unit(shown.unit), *_figures(band, scale), mean])
    return table(columns, rows, width)


def same(bands: list[Band]) -> bool:
    """Whether bands are one, as of what no choice touches."""
    return all(
        np.array_equal(band.percentiles, bands[0].percentiles, equal_nan=True) and band.mean == bands[0].mean
        for band in bands[1:]
    )


def _figures(band: Band, scale: Scale) -> list[str]:
    return [
        scale.figure(value, error)
        for value, error in zip(band.percentiles.tolist(), band.percentile_se.tolist(), strict=True)
    ]


def _kept(percents: tuple[float, ...]) -> set[int]:
    """The places of the percentiles that a narrow table keeps: the outermost and the middle one."""
    middle = min(range(len(percents)), key=lambda place: abs(percents[place] - 50))
    return {0, middle, len(percents) - 1}


def percent(share: float, error: float = 0.0) -> str:
    """A share in percent, to two digits below 10 and to whole ones above, coarser where the error asks for it."""
    places = 0 if share >= 0.0995 or not share else min(1 - math.floor(math.log10(100 * share)), 2)
    if error > 0:
        places = min(places, -math.ceil(math.log10(100 * error)))
    return f"{round(100 * share, places):.{max(places, 0)}f} %"


def _percent_error(error: float) -> str:
    return f"{100 * error:.1g}" if 0 < error < 0.1 else f"{100 * error:.0f}"


def _bar(share: float) -> str:
    eighths = round(min(share, 1.0) * BAR_WIDTH * 8)
    return (BAR[8] * (eighths // 8) + BAR[eighths % 8]).rstrip()


# ---------------------------------------------------------------------------------------------------------
# For machines


def json_text(decision: Decision) -> str:
    """The decision as JSON in full precision."""
    return json.dumps(to_json(decision), indent=2, allow_nan=False) + "\n"


def csv_text(decision: Decision) -> str:
    """The decision as CSV in full precision: a row for each figure; what is not known is empty.

    `figure` is a percentile, mean, probability_best or expected_regret of a choice; or evpi, or evppi of a prior.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["quantity", "unit", "choice", "prior", "figure", "value", "standard_error"])
    for *names, value, error in _rows(decision):
        rows.writerow(
            [*names, *(repr(float(each)) if math.isfinite(each) else "" for each in (value, error))]
        )
    return text.getvalue()


def _rows(decision: Decision) -> Iterator[tuple[str, str, str, str, str, float, float]]:
    for shown in (decision.quantity, *decision.beside):
        for option in decision.options:
            band, where = option.bands[shown.name], (shown.name, shown.unit, option.name, "")
            figures = zip(
                decision.percentiles, band.percentiles.tolist(), band.percentile_se.tolist(), strict=True
            )
            for place, value, error in figures:
                yield *where, f"{place:g}", value, error
            yield *where, "mean", band.mean, band.mean_se
            if shown is decision.quantity:
                share, regret = option.probability_best, option.regret
                yield shown.name, "1", option.name, "", "probability_best", share.value, share.se
                yield *where, "expected_regret", regret.value, regret.se
    name, unit = decision.quantity.name, decision.quantity.unit
    yield name, unit, "", "", "evpi", decision.evpi.value, decision.evpi.se
    for each in decision.evppi:
        yield name, unit, "", each.prior, "evppi", each.value, each.se
