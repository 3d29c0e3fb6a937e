"""The question: how well did the bands hold where the truth became known.

A case is forecast without itself: a run that the package ships by a fit to the others, a user's run by the fit to
all that are not of its name, a benchmark by a fit to all others than its stack's of its model and accelerator.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from simulate.backends import Task
from simulate.backtesting import scores, serving, training
from simulate.backtesting.scores import Forecast
from simulate.calibration.hierarchy import hierarchy
from simulate.calibration.training import TrainingRun, read_runs, training_runs
from simulate.errors import SimulateError
from simulate.replicates import Progress, Workers
from simulate.results import Result
from simulate.results.folder import is_result
from simulate.results.provenance import versioned
from simulate.revisions import revised
from simulate.settings import Seed, checked, written
from simulate.spelling import name_text, path_of
from simulate.spreadsheet import digest_of

ABOUT = {
    training.NAME: "Accelerator-hours, each run forecast by a fit to the others",
    **serving.BENCHMARKS,
    "measured": "What services and runs were found to take, beside the bands of the priors files",
    "estimates": "What others reckoned for ChatGPT in early 2023, beside the bands of base.toml: no outcomes",
    "owners": "What one analyst reckons for an accelerator-hour, August 2026, beside the bands of own-cost-2026.toml: "
    "no outcomes",
}
OWN = "Accelerator-hours, forecast by a fit to open runs of other names"


def backtest(
    cases_file: PathLike[str] | str | None = None,
    *,
    seed: int | None = None,
    backend: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Result:
    """Forecast and score the cases that the package ships, or the runs of a CSV file (see `read_runs`).

    The seed is that of the scenarios behind the figures set beside priors files; training runs and benchmarks need
    none. Rows that cannot be read are named in the warnings and the others scored.

    Benchmarks of one model and accelerator are right or wrong together: `coverage_interval` draws these.

    The result has along `case` its `outcome`, the forecast's `percentiles`, `pit`, `crps` and `log_score`, the
    scores being of the logarithm; `cases`, `inside`, `coverage` with its `coverage_interval`, `pit_histogram`, the
    mean scores and `median_error` along `group`; and the scores of point forecasts of the training runs along
    `baseline`. Raises SimulateError for a file that is no table of runs, or holds none that can be scored.
    """
    if not isinstance(cases_file, str | PathLike | None):
        raise SimulateError(f"cases_file: must be a path, not {written(cases_file)}")
    path = None if cases_file is None else path_of(cases_file)
    if path and is_result(path):
        raise SimulateError(f"{cases_file}: is an earlier run, which has no outcomes; name a CSV file of training runs")
    seeded = {} if seed is None else {"seed": checked(Seed, "seed", seed)}
    pool = Workers(backend, workers, progress, scheduler)
    runs, problems = read_runs(path) if path else (training_runs(), ())
    used = [run for run in runs if not run.excluded]
    if not used:
        raise SimulateError(
            f"{problems[0]}; no other run can be scored"
            if problems
            else f"{cases_file}: no run can be scored; give a row for each run"
        )
    groups = {training.NAME: _scored(pool, training.NAME, used, lambda run: [training.training_case(run)])}
    if cases_file is None:
        held_out = list(dict.fromkeys(row.group for row in hierarchy().rows))
        found = _scored(pool, "serving benchmarks", held_out, serving.benchmark_cases)
        groups |= {kind: [case for case in found if case.kind == kind] for kind in serving.BENCHMARKS}
        groups |= serving.published_cases(pool, seed)
    about = ABOUT if cases_file is None else {training.NAME: OWN}
    excluded = {run.model: run.excluded for run in runs if run.excluded}
    stated = {"title": "", "cases_file": name_text(str(cases_file or ""))}
    result = versioned("backtest", stated, {"about": about, "excluded": excluded})
    result.attributes.update(seeded)
    if path and (path.is_file() or revised(path)):  # what a pipe held cannot be read again
        result.provenance["files"] = [{"path": stated["cases_file"], "sha256": digest_of(path)}]
    result.provenance["warnings"] += problems
    _put_cases(result, groups)
    _put_groups(result, list(groups))
    _put_baselines(result, used)
    return result


def _scored(
    workers: Workers, what: str, tasks: Sequence[Task], score: Callable[[Task], Sequence[Forecast]]
) -> list[Forecast]:
    """The cases of all tasks, each of which takes as long as some thousand scenarios."""
    return [case for found in workers.map(score, tasks, what=what, scenarios=len(tasks) << 12) for case in found]


def _put_cases(result: Result, groups: Mapping[str, Sequence[Forecast]]) -> None:
    cases = [case for listed in groups.values() for case in listed]
    result.along("case", _labels([case.name for case in cases]))
    result.beside("case_group", ("case",), [name for name, listed in groups.items() for _ in listed])
    result.beside("unit", ("case",), [case.unit for case in cases])
    result.beside("cluster", ("case",), [case.cluster for case in cases])
    result.beside("source", ("case",), [case.source for case in cases])
    result.along("percentile", scores.PERCENTILES, "percent")
    for name, unit, label in (
        ("outcome", "", "outcome"),
        ("percentiles", "", "percentiles of the forecast"),
        ("pit", "1", "forecast probability of no more than the outcome"),
        ("crps", "1", "CRPS of ln(outcome)"),
        ("log_score", "1", "log score of ln(outcome)"),
    ):
        values = np.array([getattr(case, name) for case in cases])
        dims = ("case", "percentile")[: values.ndim]
        result.put(name, dims, values, label=label, unit=unit, unit_of="" if unit else "unit")


def _labels(names: Sequence[str]) -> list[str]:
    """The names, numbered from the second of the same on: 'Llama 3 8B', 'Llama 3 8B (2)'."""

    def labels_of(name: str) -> Iterator[str]:
        yield name
        numbered = (f"{name} ({number})" for number in count(2))
        yield from (label for label in numbered if label not in labels)

    labels = {name: labels_of(name) for name in names}
    return [next(labels[name]) for name in names]


def _put_groups(result: Result, groups: Sequence[str]) -> None:
    result.along("group", groups)
    result.along("band", scores.BANDS, "percent", "central band")
    result.along("end", ("lower", "upper"))
    result.along("bin", (np.arange(scores.BINS) / scores.BINS).tolist(), "1", "lower end of the bin of PITs")
    own = [result["case_group"] == group for group in groups]
    pits = [result["pit"][cases] for cases in own]
    counts = np.array([len(each) for each in pits])
    held = np.array([[scores.inside(each, band).sum() for band in scores.BANDS] for each in pits])
    intervals = [
        [_interval(scores.inside(each, band), clusters) for band in scores.BANDS]
        for each, clusters in zip(pits, (result["cluster"][cases] for cases in own), strict=True)
    ]
    errors = np.abs(np.log(result["outcome"] / result["percentiles"][:, scores.PERCENTILES.index(50)]))
    for name, dims, values, label in (
        ("cases", ("group",), counts, "cases"),
        ("inside", ("group", "band"), held, "outcomes inside the band"),
        ("coverage", ("group", "band"), held / counts[:, None], "share of outcomes inside the band"),
        ("coverage_interval", ("group", "band", "end"), intervals, "95 % interval of the true share"),
        ("crps_mean", ("group",), [result["crps"][cases].mean() for cases in own], "mean CRPS"),
        ("log_score_mean", ("group",), [result["log_score"][cases].mean() for cases in own], "mean log score"),
        ("median_error", ("group",), [np.median(errors[cases]) for cases in own], "median of |ln(outcome / P50)|"),
        ("pit_histogram", ("group", "bin"), list(map(scores.pit_counts, pits)), "cases by PIT"),
    ):
        result.put(name, dims, values, label=label, unit="1")


def _interval(held: NDArray[np.bool_], clusters: Sequence[str]) -> tuple[float, float]:
    """Bounds of the true share, of cases that are right each by itself or by clusters."""
    if any(clusters) and len(set(clusters)) < len(clusters):
        return scores.clustered_interval(held, clusters)
    return scores.coverage_interval(int(held.sum()), len(held))


def _put_baselines(result: Result, runs: Sequence[TrainingRun]) -> None:
    """Scores of point forecasts of the training runs."""
    baselines = training.BASELINES
    result.along("baseline", list(baselines))
    result.put("mfu", ("baseline",), list(baselines.values()), label="MFU of the point forecast", unit="1")
    errors = [np.array([math.log(mfu / run.mfu) for run in runs]) for mfu in baselines.values()]
    crps, log_scores = zip(*map(scores.point_scores, errors), strict=True)
    for name, values in (("crps", crps), ("log_score", log_scores)):
        result.put(f"baseline_{name}", ("baseline",), values, label=f"{name} of the point", unit="1")
