"""What a person reads of a run's questions: probabilities, what conditions keep, which priors shift."""

import numpy as np

from simulate.figures import outer_and_middle, percent_text, probability_text, row_scale
from simulate.layout import Column, Section
from simulate.results import Result
from simulate.units import conversion_factor

FIGURES = ("probability", "probability_undefined", "probability_where_defined")
MOST = 12  # priors listed
LEAST_SHIFT = 0.005  # of a percentile, in probability: below it a prior counts as it was


def sections(result: Result) -> list[Section]:
    """The probabilities, what the conditions leave, and the priors that they shift, most first."""
    told = []
    if "probability" in result:
        rows, scenarios = [], result.provenance.get("kept", {}).get("effective", result.attributes["scenarios"])
        for text in result.labels("question"):
            row = [text]
            undefined = result.at("probability_undefined", question=text) if "probability_undefined" in result else 0.0
            for figure in FIGURES:
                if figure in result:
                    of = scenarios * (1 - undefined) if figure == "probability_where_defined" else scenarios
                    row += probability_text(*result.estimate(figure, question=text), of)
            rows.append(row)
        columns = [Column("probability of", give="wrap"), Column("", ">"), Column("±", ">")]
        if "probability_undefined" in result:
            for head in ("undefined", "where defined"):
                columns += [Column(head, ">"), Column("±", ">", drop=1)]
        told.append(Section(columns=columns, rows=rows))
    if "kept" in result.provenance:
        told.append(_shifted(result))
    return told


def kept(result: Result) -> str:
    """What the conditions are, and what they leave; empty without conditions."""
    if "kept" not in result.provenance:
        return ""
    told, drawn = result.provenance["kept"], result.attributes["scenarios"]
    given, observed = result.provenance["given"], result.provenance["observe"]
    share = percent_text(told["share"], told["share_se"])
    if told["share"] in {0, 1}:
        share = "all" if told["share"] else probability_text(told["share"], told["share_se"], drawn)[0]
    undefined = ""
    if told["undefined"]:
        undefined = f"; undefined in {percent_text(told['undefined'], told['undefined_se'])}"
    if not observed:
        return (
            f"Given {', '.join(given)}: {share} of the {drawn:,} scenarios "
            f"are kept ({told['scenarios']:,}, as many effective){undefined}."
        )
    condition = f", {share} of them kept{undefined}" if given else ""
    return (
        f"Given {', '.join([*given, *observed])}: the {drawn:,} scenarios are weighted by their "
        f"likelihood{condition}; effective sample size {told['effective']:,.0f}."
    )


def shifts(result: Result) -> dict[str, float]:
    """How far each prior's percentiles move, most first: the largest change of a percentile's probability.

    A prior whose new median is its old P70 has moved by 0.2, one whose spread has gone from P5..P95 to
    P25..P75 of the old, too.
    """
    shares = result["percentile"] / 100
    found = {}
    for place, name in enumerate(result.labels("prior")):
        before, after = (result[each][place] for each in ("prior_percentiles", "prior_percentiles_given"))
        if before[0] < before[-1] and np.isfinite(after).all():
            found[name] = float(np.abs(result["prior_probability_given"][place] - shares).max())
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _shifted(result: Result) -> Section:
    """What is kept, and the priors that have moved, in their units as written: percentiles before and after."""
    percents = result.labels("percentile")
    shown = sorted(outer_and_middle(percents))
    names = result.labels("prior")
    moved = [name for name, shift in shifts(result).items() if shift >= LEAST_SHIFT]
    rows = []
    for name in moved[:MOST]:
        place, unit = names.index(name), result.provenance["priors"][name]["unit"]
        factor = conversion_factor(unit, result["prior_unit"][place])
        bands = ("prior_percentiles", "prior_percentiles_given")
        values = np.concatenate([result[band][place, shown] / factor for band in bands]).tolist()
        scale = row_scale(values, digits=3, apart=values[: len(shown)])  # drawn percentiles hold no more
        below = result["prior_probability_given"][place, shown[len(shown) // 2]]
        rows.append([name, scale.unit(unit), *map(scale.figure, values), f"P{100 * below:.0f}"])
    heads = [f"P{percents[place]:g}" for place in shown]
    middle = heads[len(shown) // 2]
    columns = [
        Column("prior that shifts", give="wrap"),
        Column("unit"),
        *(Column(f"{head} was", ">", drop=0 if head == middle else 2) for head in heads),
        *(Column(f"{head} is", ">", "bold", drop=0 if head == middle else 1) for head in heads),
        Column("median at old", ">", drop=3),
    ]
    more = len(moved) - len(rows)
    remarks = [] if rows and not more else [f"{more} more shift less." if rows else "No prior shifts."]
    return Section(intro=kept(result), columns=columns, rows=rows, remarks=remarks)
