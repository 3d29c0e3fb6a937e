"""What a person and a machine are told of a run's questions: probabilities, what is kept, which priors shift."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate.tables import Column, Line, paragraph, row_scale, table
from simulate.units import conversion_factor

if TYPE_CHECKING:
    from xarray import Dataset

    from simulate.priors import Priors

MOST = 12  # priors listed
LEAST_SHIFT = 0.005  # of a percentile, in probability: below it a prior counts as it was


def to_json(dataset: Dataset) -> dict[str, Any]:
    """The probabilities, and under conditions what is kept; empty where nothing was asked."""
    told: dict[str, Any] = {}
    if "probability" in dataset:
        told["probabilities"] = {
            str(text): {"probability": _number(value), "probability_se": _number(error)}
            for text, value, error in zip(
                dataset["question"].values,
                dataset["probability"].values,
                dataset["probability_se"].values,
                strict=True,
            )
        }
    if "given" in dataset.attrs:
        told["given"] = json.loads(dataset.attrs["given"])
        keys = [f"{percent:g}" for percent in dataset["percentile"].values]
        told["priors"] = {
            str(name): {
                "unit": str(unit),
                "percentiles": dict(zip(keys, map(_number, before), strict=True)),
                "percentiles_given": dict(zip(keys, map(_number, after), strict=True)),
            }
            for name, unit, before, after in zip(
                dataset["prior"].values,
                dataset["prior_unit"].values,
                dataset["prior_band"].values,
                dataset["prior_band_given"].values,
                strict=True,
            )
        }
    return told


def csv_rows(dataset: Dataset) -> list[list[str]]:
    """A row for each probability, in the columns of the bands: quantity, unit, percentile, value, standard error."""
    return [
        [text, "1", "probability", *("" if figure is None else repr(figure) for figure in answer.values())]
        for text, answer in to_json(dataset).get("probabilities", {}).items()
    ]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def kept(dataset: Dataset) -> str:
    """What the conditions are, and what they leave; empty without conditions."""
    if "given" not in dataset.attrs:
        return ""
    return kept_text(json.loads(dataset.attrs["given"]), int(dataset.attrs["scenarios"]))


def kept_text(told: Mapping[str, Any], drawn: int) -> str:
    """The same, from the attribute `given` and the number of scenarios drawn."""
    parts = [*told["given"], *told["observed"]]
    effective = told["effective"]
    if not told["observed"]:
        return (
            f"Given {', '.join(parts)}: {_percent(told['share'], told['share_se'])} of the {drawn:,} scenarios "
            f"are kept ({told['scenarios']:,}, as many effective)."
        )
    condition = f", {_percent(told['share'], told['share_se'])} of them kept" if told["given"] else ""
    return (
        f"Given {', '.join(parts)}: the {drawn:,} scenarios are weighted by their likelihood{condition}; "
        f"effective sample size {effective:,.0f}."
    )


def answers(dataset: Dataset, priors: Priors, width: int | None = None) -> list[Line]:
    """The probabilities, what the conditions leave, and the priors that they shift, most first."""
    lines: list[Line] = []
    if "probability" in dataset:
        rows = [
            [str(text), _percent(float(value), float(error)), _error(float(error))]
            for text, value, error in zip(
                dataset["question"].values,
                dataset["probability"].values,
                dataset["probability_se"].values,
                strict=True,
            )
        ]
        columns = [Column("probability of", give="wrap"), Column("", ">"), Column("±", ">")]
        lines += [*table(columns, rows, width), []]
    if told := kept(dataset):
        lines += [*paragraph(told, width), *_shifted(dataset, priors, width), []]
    return lines


def _percent(share: float, error: float) -> str:
    """A share in per cent, to the digit that its standard error supports."""
    if math.isnan(share):
        return "–"
    scale = row_scale([100 * share], [100 * error])
    return f"{scale.figure(100 * share, 100 * error)} %"


def _error(error: float) -> str:
    return f"{100 * error:.1g} %" if error and math.isfinite(error) else ""


def shifts(dataset: Dataset, priors: Priors) -> dict[str, float]:
    """How far each prior's percentiles move, most first: the largest change of a percentile's probability.

    A prior whose new median is its old P70 has moved by 0.2, one whose spread has gone from P5..P95 to
    P25..P75 of the old, too.
    """
    percents = dataset["percentile"].values
    found = {}
    for name, before, after in zip(
        dataset["prior"].values, dataset["prior_band"].values, dataset["prior_band_given"].values, strict=True
    ):
        if before[0] < before[-1] and np.isfinite(after).all():
            below = priors.priors[str(name)].distribution.probability(after)[0]
            found[str(name)] = float(np.abs(below - percents / 100).max())
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _shifted(dataset: Dataset, priors: Priors, width: int | None) -> list[Line]:
    """The priors that have moved, in their units as written: percentiles before and after."""
    percents = dataset["percentile"].values
    shown = sorted({0, int(np.argmin(np.abs(percents - 50))), len(percents) - 1})
    names = [str(name) for name in dataset["prior"].values]
    moved = [name for name, shift in shifts(dataset, priors).items() if shift >= LEAST_SHIFT]
    rows = []
    for name in moved[:MOST]:
        place, prior = names.index(name), priors.priors[name]
        factor = conversion_factor(prior.unit, priors.quantities[name].unit)
        bands = [dataset[band].values[place, shown] / factor for band in ("prior_band", "prior_band_given")]
        values = np.concatenate(bands).tolist()
        errors = [1e-3 * abs(value) for value in values]  # three digits: drawn percentiles hold no more
        scale = row_scale(values, errors)
        figures = [scale.figure(value, error) for value, error in zip(values, errors, strict=True)]
        below = float(prior.distribution.probability(bands[1][len(shown) // 2] * factor)[0])
        rows.append([name, scale.unit(prior.unit), *figures, f"P{100 * below:.0f}"])
    if not rows:
        return paragraph("No prior shifts.", width)
    heads = [f"P{percents[place]:g}" for place in shown]
    columns = [
        Column("prior that shifts", give="wrap"),
        Column("unit"),
        *(Column(f"{head} was", ">", drop=0 if head == heads[len(shown) // 2] else 2) for head in heads),
        *(
            Column(f"{head} is", ">", "bold", drop=0 if head == heads[len(shown) // 2] else 1)
            for head in heads
        ),
        Column("median at old", ">", drop=3),
    ]
    more = len(moved) - len(rows)
    rest = paragraph(f"{more} more shift less.", width) if more else []
    return [*table(columns, rows, width), *rest]
