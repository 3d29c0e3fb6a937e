"""Scenario analysis: which priors lie elsewhere in the scenarios that conditions keep, such as the worst tenth.

Of each prior the median there is set against its whole distribution, as a percentile and in standard deviations. How
much the prior has moved is the distance of Kolmogorov (1933), Giornale dell'Istituto Italiano degli Attuari 4, 83,
which sees spreads and single values too.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from simulate.bands import Band
from simulate.distributions import Distribution
from simulate.figures import outer_and_middle, percentile_name, row_scale
from simulate.graph import Array
from simulate.layout import Column, Section
from simulate.results import Result
from simulate.statistics import FINE
from simulate.units import conversion_factor

MOST = 12  # priors listed
LEAST_SHIFT = 0.005  # of the probability below a value: less counts as none
BY_CHANCE = 1.63  # by sqrt(n): the distance of n independent draws from their distribution is larger in 1 %


def put_shifts(result: Result, distributions: Mapping[str, Distribution], bands: Mapping[str, Band]) -> None:
    """Put where each prior lies in the scenarios kept, along `prior`, and name those that moved, most first."""
    curves = {name: np.asarray(bands[name].value("fine_percentiles")) for name in distributions}
    medians = np.array([curve[FINE.index(50.0)] for curve in curves.values()])
    distances = np.array([_distance(distributions[name], curve) for name, curve in curves.items()])
    whole = [
        (float(each.quantile(0.5)), float(each.probability(at)[0]), each.sd)
        for each, at in _pairs(distributions, medians)
    ]
    middle, below, sds = np.array(whole).reshape(-1, 3).T
    with np.errstate(all="ignore"):
        shifts = np.where((sds > 0) & np.isfinite(sds), (medians - middle) / sds, np.nan)

    def put(name: str, values: Array, label: str, **unit: str) -> None:
        result.put(name, ("prior",), values, label=label, **unit)

    put("prior_median_given", medians, "the prior's median given the conditions", unit_of="prior_unit")
    put("prior_median_probability", below, "the prior's probability below that median", unit="1")
    put("prior_median_shift", shifts, "that median beyond the prior's, in its standard deviations", unit="1")
    put("prior_distance", distances, "largest difference of the distribution given the conditions", unit="1")
    by_chance = BY_CHANCE / np.sqrt(result.provenance["kept"]["effective"])
    moved = [name for name, distance in shifted(result).items() if distance >= max(LEAST_SHIFT, by_chance)]
    result.provenance["kept"]["moved"] = moved


def _pairs(distributions: Mapping[str, Distribution], at: Array) -> Sequence[tuple[Distribution, float]]:
    return list(zip(distributions.values(), at.tolist(), strict=True))


def _distance(distribution: Distribution, curve: Array) -> float:
    """How far the shares of fine percentiles are from the prior's probabilities below them, 0 within an atom's."""
    if not np.isfinite(curve).all():
        return np.nan
    shares = np.array(FINE) / 100
    at, below = (distribution.probability(values)[0] for values in (curve, np.nextafter(curve, -np.inf)))
    return float(np.max(np.maximum(np.maximum(below - shares, shares - at), 0.0)))


def shifted(result: Result) -> dict[str, float]:
    """How far each prior has moved, most first: the largest change of the probability below a value.

    A prior whose new median is its old P70 has moved by 0.2 or more, one whose spread has gone from P5..P95 to P25..P75
    of the old, too.
    """
    found = zip(result.labels("prior"), result["prior_distance"].tolist(), strict=True)
    return dict(sorted(((name, each) for name, each in found if each > 0), key=lambda item: -item[1]))


def section(result: Result, intro: str) -> Section:
    """The priors that have moved, in their units as written: percentiles before and after, and where the median is."""
    percents = result.labels("percentile")
    shown = sorted(outer_and_middle(percents))
    names, moved = result.labels("prior"), result.provenance["kept"]["moved"]
    rows = []
    for name in moved[:MOST]:
        place, unit = names.index(name), result.provenance["priors"][name]["unit"]
        factor = conversion_factor(unit, result["prior_unit"][place])
        bands = ("prior_percentiles", "prior_percentiles_given")
        values = np.concatenate([result[band][place, shown] / factor for band in bands]).tolist()
        scale = row_scale(values, digits=3, apart=values[: len(shown)]).of(unit)  # drawn percentiles hold no more
        below, shift = (result.at(each, prior=name) for each in ("prior_median_probability", "prior_median_shift"))
        by = "–" if np.isnan(shift) else f"{shift:+.2f}".replace("-", "−")
        rows.append([name, scale.unit(unit), *map(scale.figure, values), f"P{100 * below:.0f}", by])
    heads = [percentile_name(percents[place]) for place in shown]
    middle = heads[len(shown) // 2]
    columns = [
        Column("prior that shifts", give="wrap"),
        Column("unit"),
        *(Column(f"{head} was", ">", drop=0 if head == middle else 2) for head in heads),
        *(Column(f"{head} is", ">", "bold", drop=0 if head == middle else 1) for head in heads),
        Column("median at old", ">", drop=3),
        Column("by sd", ">", drop=3),
    ]
    more = len(moved) - len(rows)
    remarks = [] if rows and not more else [f"{more} more shift less." if rows else "No prior shifts."]
    return Section(intro=intro, columns=columns, rows=rows, remarks=remarks)
