"""How a backtest is told: as JSON, as rows of a CSV table, as a table on the terminal."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulate.backtest import Backtest
from simulate.backtest.scores import BANDS, PERCENTILES, Array, Case, Group
from simulate.backtest.training import BASELINES
from simulate.tables import Column, Line, paragraph, row_scale, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = " ▁▂▃▄▅▆▇█"
FEW = 12  # cases that are all listed; of more, the farthest off
FARTHEST = 6


def as_json(result: Backtest) -> dict[str, Any]:
    """Lay out a backtest as `simulate backtest --format json` prints it; shares are of 1.

    At the top are the training runs, in ln(hours); the other groups are below `groups`.
    """
    training = result.training
    return {
        **_group_json(training),
        "baselines": {
            name: {
                "mfu": mfu,
                **dict(zip(("crps", "log_score"), _point_numbers(training, name), strict=True)),
            }
            for name, mfu in BASELINES.items()
        },
        "groups": {group.name: _group_json(group) for group in result.groups},
        "excluded": dict(result.excluded),
        "problems": list(result.problems),
    }


def json_text(result: Backtest) -> str:
    """The backtest as JSON, ended by a newline."""
    return json.dumps(as_json(result), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def as_rows(result: Backtest) -> list[list[str]]:
    """Lay out the cases as the rows of `backtest.csv`, the header first."""
    header = [
        "group",
        "name",
        "outcome",
        "unit",
        *(f"p{at}" for at in PERCENTILES),
        "pit",
        "crps",
        "log_score",
    ]
    rows = [[*header, "source"]]
    for group in (result.training, *result.groups):
        for case in group.cases:
            numbers = [*case.percentiles.values(), case.pit, case.crps, case.log_score]
            rows.append(
                [group.name, case.name, repr(case.outcome), case.unit, *map(repr, numbers), case.source]
            )
    return rows


def csv_text(result: Backtest) -> str:
    """The cases as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(as_rows(result))
    return text.getvalue()


def backtest_report(result: Backtest, width: int | None = None) -> list[Line]:
    """What was forecast, how well the bands held, and which cases lie farthest off, laid out for `width`."""
    training = result.training
    lines = _heading(training, width)
    lines += _scores_table(training, width)
    lines += [[], *_coverage_table(training, width), [], *_pit_lines(training.pit_counts())]
    lines += [[], *_case_table(training.cases, "farthest off", width)]
    for group in result.groups:
        lines += [[], *_heading(group, width)]
        lines += [*_coverage_table(group, width, scores=True), []]
        lines += _case_table(group.cases, "farthest off", width)
    if result.excluded:
        lines += [[], [("Left out", "bold")]]
        for name, reason in result.excluded.items():
            lines += paragraph(f"{name}: {reason}.", width, "  ")
    notes = "CRPS and log score are of the logarithm, the less the better."
    notes += " A PIT is the forecast's probability of no more than the outcome."
    return [*lines, [], *paragraph(notes, width)]


def figures(result: Backtest) -> dict[str, Figure]:
    """Pictures by name: the training runs' bands with their outcomes, their PIT, and all other cases.

    The other cases, in many units, are over the P50 of their forecast.
    """
    from simulate import plots, results

    training = result.training.cases
    drawn = {
        results.FORECAST: plots.forecast_bands(
            [case.percentiles for case in training],
            [case.outcome for case in training],
            [case.name for case in training],
            "accelerator-hours",
            "Training runs, each forecast without itself",
        ),
        results.PIT: plots.pit_histogram([case.pit for case in training]),
    }
    if others := [case for group in result.groups for case in group.cases]:
        drawn[results.OTHERS] = plots.forecast_bands(
            [{at: value / case.percentiles[50] for at, value in case.percentiles.items()} for case in others],
            [case.outcome / case.percentiles[50] for case in others],
            [case.name for case in others],
            "over the P50 of the forecast",
            "Serving: benchmarks, services and estimates",
        )
    return drawn


def _group_json(group: Group) -> dict[str, Any]:
    coverage = group.coverage
    return {
        "cases": [
            {
                "name": case.name,
                "outcome": case.outcome,
                "unit": case.unit,
                "pit": case.pit,
                "crps": case.crps,
                "log_score": case.log_score,
                "percentiles": {str(percentile): value for percentile, value in case.percentiles.items()},
                "source": case.source,
            }
            for case in group.cases
        ],
        "coverage": {str(band): _number(found.share) for band, found in coverage.items()},
        "coverage_interval": {str(band): list(found.interval) for band, found in coverage.items()},
        "crps": _number(group.crps),
        "log_score": _number(group.log_score),
        "pit_histogram": group.pit_counts().astype(int).tolist(),
    }


def _point_numbers(group: Group, baseline: str) -> list[float | None]:
    return [_number(value) for value in group.point_scores(baseline)]


def _number(value: float) -> float | None:
    """Return the number as JSON can state it: nothing for what is not finite."""
    return value if math.isfinite(value) else None


def _heading(group: Group, width: int | None) -> list[Line]:
    return [[(f"{len(group.cases)} {group.name}", "bold")], *paragraph(f"{group.about}.", width), []]


def _scores_table(group: Group, width: int | None) -> list[Line]:
    """CRPS and log score of the forecast beside those of the points."""
    rows = [["calibrated bands", *_scores(group.crps, group.log_score)]]
    rows += [
        [f"point at MFU {mfu * 100:.1f} %", *_scores(*group.point_scores(name))]
        for name, mfu in BASELINES.items()
    ]
    return table([Column(""), Column("CRPS", ">"), Column("log score", ">")], rows, width)


def _scores(crps: float, log_score: float) -> list[str]:
    return [f"{value:.3f}".replace("-", "−") if math.isfinite(value) else "–" for value in (crps, log_score)]


def _coverage_table(group: Group, width: int | None, *, scores: bool = False) -> list[Line]:
    """Shares of outcomes inside the bands, with what a true share may be; the scores beneath on demand."""
    rows = []
    for band, found in group.coverage.items():
        low, high = found.interval
        share = f"{found.share * 100:.0f} %" if found.cases else "–"
        interval = f"{low * 100:.0f} to {high * 100:.0f} %"
        rows.append([f"{band} %", f"{found.inside} of {found.cases}", share, interval])
    columns = [
        Column("band"),
        Column("inside", ">"),
        Column("share", ">"),
        Column("95 % interval", ">", drop=1),
    ]
    lines = table(columns, rows, width)
    if scores:
        crps, log_score = _scores(group.crps, group.log_score)
        lines.append([(f"CRPS {crps}, log score {log_score}", "")])
    return lines


def _pit_lines(counts: Array) -> list[Line]:
    """The PIT histogram as bars, with the counts."""
    top = max(counts.max(), 1)
    bars = "".join(f"{BARS[math.ceil(count / top * (len(BARS) - 1))] * 3} " for count in counts)
    numbers = "".join(f"{count:.0f}".ljust(4) for count in counts)
    return [[(f"PIT  0 {bars}1", "")], [(f"       {numbers}", "dim")]]


def _case_table(cases: Sequence[Case], title: str, width: int | None) -> list[Line]:
    """Outcomes beside their bands: all, or where they are many the farthest off."""
    shown = list(cases)
    if len(cases) > FEW:
        shown = sorted(cases, key=lambda case: abs(case.pit - 0.5), reverse=True)[:FARTHEST]
    else:
        title = ""
    rows = []
    for case in shown:
        figures = [case.outcome, *(case.percentiles[at] for at in (5, 50, 95))]
        scale = row_scale(figures, [abs(value) * 1e-4 for value in figures])
        numbers = [scale.figure(value, abs(value) * 1e-4) for value in figures]
        inside = next((f"{band} %" for band in BANDS if case.inside(band)), "none")
        rows.append([case.name, scale.unit(case.unit), *numbers, f"{case.pit:.3f}", inside])
    columns = [
        Column(title, give="cut"),
        Column("unit", drop=1),
        Column("outcome", ">"),
        *(Column(f"P{at}", ">", "bold" if at == 50 else "") for at in (5, 50, 95)),
        Column("PIT", ">"),
        Column("in band", ">", drop=2),
    ]
    return table(columns, rows, width)
