"""The question: how well did the bands hold where the truth became known.

A case is forecast without itself: a run that the package ships by a fit to the others, a user's run by the fit to
all that are not of its name, a benchmark by a fit to other stacks and models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from simulate.backtesting import serving, training
from simulate.backtesting.scores import (
    BANDS,
    BINS,
    PERCENTILES,
    Case,
    coverage_interval,
    inside,
    pit_counts,
    point_scores,
)
from simulate.calibration.training import TrainingRun, read_runs, training_runs
from simulate.errors import SimulateError
from simulate.replicates import Progress, Ticks, Workers
from simulate.results import Result
from simulate.results.provenance import versioned
from simulate.settings import Seed, checked

Task = TypeVar("Task")

ABOUT = {
    training.NAME: "Accelerator-hours, each run forecast by a fit to the others",
    serving.BENCHMARKS: "Accelerator time of a question, each stack and model forecast by the roofline fitted to the "
    "others",
    "measured": "What services and runs were found to take, beside the bands of the priors files",
    "estimates": "What others reckoned for ChatGPT in early 2023, beside the bands of base.toml: no outcomes",
}
OWN = "Accelerator-hours, forecast by a fit to open runs of other names"


def backtest(
    cases_file: Path | str | None = None,
    *,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Forecast and score the cases that the package ships, or the runs of a CSV file (see `read_runs`).

    The seed is that of the scenarios behind the figures set beside priors files; training runs and benchmarks need
    none. Rows that cannot be read are named in the warnings and the others scored.

    The result has along `case` its `outcome`, the forecast's `percentiles`, `pit`, `crps` and `log_score`, the
    scores being of the logarithm; `cases`, `inside`, `coverage` with its `coverage_interval`, `pit_histogram` and
    the mean scores along `group`; and the scores of point forecasts of the training runs along `baseline`. Raises
    SimulateError for a file that is no table of runs, or holds none that can be scored.
    """
    if seed is not None:
        checked(Seed, "seed", seed)
    workers = Workers(threads, progress)
    runs, problems = (training_runs(), ()) if cases_file is None else read_runs(Path(cases_file))
    used = [run for run in runs if not run.excluded]
    if not used:
        raise SimulateError(
            f"{problems[0]}; no other run can be scored"
            if problems
            else f"{cases_file}: no run can be scored; give a row for each run"
        )
    groups = {training.NAME: _scored(workers, training.NAME, used, lambda run: [training.training_case(run)])}
    about = {training.NAME: OWN}
    if cases_file is None:
        splits = list(serving.splits())
        groups[serving.BENCHMARKS] = _scored(workers, serving.BENCHMARKS, splits, serving.benchmark_cases)
        groups |= serving.published_cases(workers, seed)
        about = {name: ABOUT[name] for name in groups}
    excluded = {run.model: run.excluded for run in runs if run.excluded}
    stated = {"title": "", "cases_file": str(cases_file or "")}
    result = versioned("backtest", stated, {"about": about, "excluded": excluded})
    result.attributes.update({} if seed is None else {"seed": seed})
    result.provenance["warnings"] += problems
    _put_cases(result, groups)
    _put_groups(result, groups)
    _put_baselines(result, used)
    return result


def _scored(workers: Workers, what: str, tasks: Sequence[Task], score: Callable[[Task], Sequence[Case]]) -> list[Case]:
    """The cases of all tasks, each task a step of work."""

    def work(task: Task, ticks: Ticks) -> list[Case]:
        return [case for each in ticks([task]) for case in score(each)]

    cases: list[Case] = []
    workers.fold(work, tasks, cases.extend, what=what, steps=1)
    return cases


def _put_cases(result: Result, groups: Mapping[str, Sequence[Case]]) -> None:
    cases = [case for listed in groups.values() for case in listed]
    result.along("case", _labels([case.name for case in cases]))
    result.beside("case_group", ("case",), [name for name, listed in groups.items() for _ in listed])
    result.beside("unit", ("case",), [case.unit for case in cases])
    result.beside("source", ("case",), [case.source for case in cases])
    result.along("percentile", PERCENTILES, "percent")
    outcomes, percentiles = [case.outcome for case in cases], [case.percentiles for case in cases]
    result.put("outcome", ("case",), outcomes, label="outcome", unit_of="unit")
    result.put("percentiles", ("case", "percentile"), percentiles, label="percentiles of the forecast", unit_of="unit")
    pits = [case.pit for case in cases]
    result.put("pit", ("case",), pits, label="forecast probability of no more than the outcome", unit="1")
    for score, label in (("crps", "CRPS of ln(outcome)"), ("log_score", "log score of ln(outcome)")):
        result.put(score, ("case",), [getattr(case, score) for case in cases], label=label, unit="1")


def _labels(names: Sequence[str]) -> list[str]:
    """The names, numbered from the second of the same on: 'Llama 3 8B', 'Llama 3 8B (2)'."""
    met: Counter[str] = Counter()
    taken = set(names)
    labels = []
    for name in names:
        label = name
        while met[name] and label in taken:
            met[name] += 1
            label = f"{name} ({met[name]})"
        met[name] = met[name] or 1
        taken.add(label)
        labels.append(label)
    return labels


def _put_groups(result: Result, groups: Mapping[str, Sequence[Case]]) -> None:
    result.along("group", list(groups))
    result.along("band", BANDS, "percent", "central band")
    result.along("end", ("lower", "upper"))
    result.along("bin", (np.arange(BINS) / BINS).tolist(), "1", "lower end of the bin of PITs")
    counts = [len(listed) for listed in groups.values()]
    pits = [[case.pit for case in listed] for listed in groups.values()]
    held = np.array([[sum(inside(pit, band) for pit in each) for band in BANDS] for each in pits])
    shares = held / np.array(counts)[:, None]
    intervals = [[coverage_interval(k, count) for k in row] for row, count in zip(held.tolist(), counts, strict=True)]
    result.put("cases", ("group",), counts, label="cases", unit="1")
    result.put("inside", ("group", "band"), held, label="outcomes inside the band", unit="1")
    result.put("coverage", ("group", "band"), shares, label="share of outcomes inside the band", unit="1")
    result.put(
        "coverage_interval", ("group", "band", "end"), intervals, label="95 % interval of the true share", unit="1"
    )
    for score, label in (("crps", "mean CRPS"), ("log_score", "mean log score")):
        means = [float(np.mean([getattr(case, score) for case in listed])) for listed in groups.values()]
        result.put(f"{score}_mean", ("group",), means, label=label, unit="1")
    histograms = [pit_counts(each) for each in pits]
    result.put("pit_histogram", ("group", "bin"), histograms, label="cases by PIT", unit="1")


def _put_baselines(result: Result, runs: Sequence[TrainingRun]) -> None:
    """Scores of point forecasts of the training runs."""
    result.along("baseline", list(training.BASELINES))
    scores = [point_scores(training.baseline_errors(runs, name)) for name in training.BASELINES]
    mfu = list(training.BASELINES.values())
    result.put("mfu", ("baseline",), mfu, label="MFU of the point forecast", unit="1")
    for place, name in enumerate(("crps", "log_score")):
        values = [score[place] for score in scores]
        result.put(f"baseline_{name}", ("baseline",), values, label=f"{name} of the point", unit="1")
