"""What a person reads of a backtest: how well the bands held, and which cases lie farthest off."""

import math
from typing import Any

import numpy as np

from simulate.backtesting import training
from simulate.backtesting.scores import inside
from simulate.figures import SIGNIFICANT_DIGITS, percentile_name, row_scale
from simulate.layout import Column, Remark, Section
from simulate.results import Result

BARS = " ▁▂▃▄▅▆▇█"
FEW = 12  # cases that are all listed; of more, the farthest off
FARTHEST = 6
SHOWN = (5.0, 50.0, 95.0)  # percentiles of a case
NOTES = (
    "CRPS and log score are of the logarithm, the less the better. A PIT is the forecast's probability of no more than "
    "the outcome."
)


def sections(result: Result) -> list[Section]:
    """The report of a backtest."""
    told: list[Section] = []
    for group in result.labels("group"):
        own = group == training.NAME
        about = result.provenance["about"][group]
        told.append(Section(f"{result.at('cases', group=group)} {group}", f"{about}."))
        told += [_scores(result, group)] if own else []
        told.append(_coverage(result, group, scores=not own))
        told += [_histogram(result, group)] if own else []
        told.append(_cases(result, group))
    if excluded := result.provenance["excluded"]:
        reasons = [Remark(f"{name}: {reason}.", indent="  ") for name, reason in excluded.items()]
        told.append(Section("Left out", remarks=reasons))
    return [*told, Section(remarks=[NOTES])]


def _scores(result: Result, group: str) -> Section:
    """CRPS and log score of the forecast beside those of the points."""
    means = [result.at(f"{score}_mean", group=group) for score in ("crps", "log_score")]
    rows = [["calibrated bands", *map(_score, means)]]
    for name in result.labels("baseline"):
        mfu, *scores = (result.at(each, baseline=name) for each in ("mfu", "baseline_crps", "baseline_log_score"))
        rows.append([f"point at MFU {mfu * 100:.1f} %", *map(_score, scores)])
    return Section(columns=[Column(""), Column("CRPS", ">"), Column("log score", ">")], rows=rows)


def _score(value: float) -> str:
    return f"{value:.3f}".replace("-", "−") if math.isfinite(value) else "–"


def _coverage(result: Result, group: str, *, scores: bool) -> Section:
    """Shares of outcomes inside the bands, with what a true share may be; the scores beneath on demand."""
    count, rows = result.at("cases", group=group), []
    for band in result.labels("band"):
        at: dict[str, Any] = {"group": group, "band": band}
        low, high = result.at("coverage_interval", **at)
        held, share = (result.at(each, **at) for each in ("inside", "coverage"))
        interval = f"{low * 100:.0f} to {high * 100:.0f} %"
        rows.append([f"{band:g} %", f"{held} of {count}", f"{share * 100:.0f} %", interval])
    names = ("crps_mean", "log_score_mean", "median_error")
    crps, log_score, error = (_score(result.at(score, group=group)) for score in names)
    return Section(
        columns=[Column("band"), Column("inside", ">"), Column("share", ">"), Column("95 % interval", ">", drop=1)],
        rows=rows,
        remarks=[f"CRPS {crps}, log score {log_score}, median |ln(outcome / P50)| {error}"] if scores else [],
    )


def _histogram(result: Result, group: str) -> Section:
    """The PIT histogram as bars, with the counts."""
    counts = result.at("pit_histogram", group=group).tolist()
    bars = "".join(f"{BARS[math.ceil(count / max(counts) * (len(BARS) - 1))] * 3} " for count in counts)
    numbers = "".join(f"{count:.0f}".ljust(4) for count in counts)
    return Section(remarks=[[(f"PIT  0 {bars}1", "")], [(f"       {numbers}", "dim")]])


def _cases(result: Result, group: str) -> Section:
    """Outcomes beside their bands: all, or where they are many the farthest off."""
    shown, title = np.flatnonzero(result["case_group"] == group).tolist(), ""
    if len(shown) > FEW:
        title = "farthest off"
        shown = sorted(shown, key=lambda place: abs(result["pit"][place] - 0.5), reverse=True)[:FARTHEST]
    columns = [
        Column(title, give="cut"),
        Column("unit"),
        Column("outcome", ">"),
        *(Column(percentile_name(percent), ">", "bold" if percent == 50 else "") for percent in SHOWN),
        Column("PIT", ">"),
        Column("in band", ">", drop=2),
    ]
    return Section(columns=columns, rows=[_row(result, place) for place in shown])


def _row(result: Result, place: int) -> list[str]:
    percents, bands = result.labels("percentile"), result["percentiles"][place]
    figures = [float(result["outcome"][place]), *(float(bands[percents.index(percent)]) for percent in SHOWN)]
    scale = row_scale(figures, digits=SIGNIFICANT_DIGITS, apart=figures[1:])
    numbers = [*map(scale.figure, figures)]
    pit = float(result["pit"][place])
    held = next((f"{band:g} %" for band in result.labels("band") if inside(pit, band)), "none")
    return [result["case"][place], scale.unit(result["unit"][place]), *numbers, f"{pit:.3f}", held]
