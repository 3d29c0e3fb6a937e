"""What multi-token prediction and prefill apart bring, by pairs of public measurements under load.

    python -m benchmarks load_factors [--days 120] [--acceptance 0.875]

A pair has a draft of further tokens and none, all else being the same, and so many days between at most; each
accelerator, stack and precision counts once. Pairs whose prompts share the accelerators are set beside what the model
says of them, by an acceptance that is stated and by that which fits the time per token of all other places best.
Prefill apart is set beside together by the most tokens a second and accelerator at a time per output token, whatever
the layout. docs/reference/calibration.md has the results.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from simulate.calibration.benchmarks import FIRST_TOKEN, LOADS, QUESTION, TOKEN, Benchmark, loaded, rows_of
from simulate.calibration.hierarchy import EVERYTHING, WHATS, Hierarchy, hierarchy, whole_fit
from simulate.calibration.serving import BUSY, MODELLED
from simulate.graph import Array, plan
from simulate.model import quantities

TIMES = {"time per token": "tpot_median_s", "time to first token": "ttft_median_s"}
TOTAL = "total_throughput_per_accelerator"
TARGETS = (0.020, 0.033, 0.050)  # seconds an output token
PLACE = ("accelerator", "stack", "precision")
NAMES = {TOKEN: "time per token", FIRST_TOKEN: "time to first token", QUESTION: "seconds a question"}
ACCEPTANCES = tuple(np.linspace(0.3, 1, 29).round(3).tolist())
Row = Mapping[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=120, help="most days between the measurements of a pair")
    parser.add_argument("--acceptance", type=float, default=0.875, help="probability that a proposed token is kept")
    arguments = parser.parse_args()
    rows = rows_of(LOADS)
    found = list(_pairs(rows, arguments.days))
    places = {tuple(row[name] for name in PLACE) for row, _ in found}
    print(f"multi-token prediction over none: {len(found)} pairs in {len(places)} of accelerator, stack and precision")
    for name, column in {**TIMES, "total throughput": TOTAL}.items():
        _print(name, [(row, float(row[column]) / float(other[column])) for row, other in found])
    _print_predicted([(row, other) for row, other in found if row["disaggregated"] == "0"], arguments.acceptance)
    print("\nprefill apart over together, tokens a second and accelerator at a time per token (by the model)")
    for lengths in (("8192", "1024"), ("1024", "1024")):
        for target in TARGETS:
            best = _best(rows, lengths, target)
            both = [place for place, apart in best if apart == "1" and (place, "0") in best]
            said = {place: _predicted_apart(rows, lengths, target, place) for place in both}
            told = "  ".join(
                f"{' '.join(place)} {best[place, '1'] / best[place, '0']:.2f} ({said[place]:.2f})" for place in both
            )
            print(f"  {'+'.join(lengths)}, {target * 1000:.0f} ms: {told}")
    _print_without_prompts(rows)


def _pairs(rows: Sequence[Row], days: int) -> Iterable[tuple[Row, Row]]:
    """Each measurement with a draft, beside the one without that is nearest in time."""
    plain = defaultdict(list)
    for row in rows:
        if row["speculation"] == "none":
            plain[_setting(row)].append(row)
    for row in rows:
        others = plain[_setting(row)] if row["speculation"] != "none" else []
        if others:
            nearest = min(others, key=lambda other: _days(row, other))
            if _days(row, nearest) <= days:
                yield row, nearest


def _setting(row: Row) -> tuple[str, ...]:
    columns = list(row)
    measured = columns.index("concurrency") + 1
    return tuple(row[name] for name in columns[1:measured] if name != "speculation")


def _days(row: Row, other: Row) -> int:
    return abs((dt.date.fromisoformat(row["date"]) - dt.date.fromisoformat(other["date"])).days)


def _print(name: str, ratios: Sequence[tuple[Row, float]]) -> None:
    """The median over places of their medians, how far places lie apart, and what all pairs span."""
    by_place = defaultdict(list)
    for row, ratio in ratios:
        by_place[tuple(row[each] for each in PLACE)].append(np.log(ratio))
    middles = [median(logs) for logs in by_place.values()]
    low, high = np.quantile([ratio for _, ratio in ratios], (0.1, 0.9))
    print(
        f"  {name:22}x{np.exp(median(middles)):.2f}, sd of the logarithm between places {np.std(middles, ddof=1):.2f}; "
        f"P10 to P90 of pairs {low:.2f} to {high:.2f}"
    )


def _print_predicted(pairs: Sequence[tuple[Row, Row]], acceptance: float) -> None:
    """Measured over predicted ratios, all and by how many tokens the draft proposes."""
    places = np.array([" ".join(row[each] for each in PLACE) for row, _ in pairs])
    drafted = np.array([loaded(row).inputs["draft_tokens"] for row, _ in pairs])
    measured = {
        TOKEN: _log_ratios(pairs, "tpot_median_s"),
        FIRST_TOKEN: _log_ratios(pairs, "ttft_median_s"),
        QUESTION: -_log_ratios(pairs, TOTAL),
    }
    predicted = {each: _predicted(pairs, each) for each in (acceptance, *ACCEPTANCES)}
    off = {each: np.abs(measured[TOKEN] - predicted[each][TOKEN]) for each in ACCEPTANCES}
    fitted, middle = {}, {what: np.zeros(len(pairs)) for what in measured}
    unseen = {what: np.zeros(len(pairs)) for what in measured}
    for place in dict.fromkeys(places):
        here = places == place
        best = min(ACCEPTANCES, key=lambda each: off[each][~here].sum())
        fitted[place] = best
        for what, logs in measured.items():
            unseen[what][here] = predicted[best][what][here]
            middle[what][here] = np.median(logs[~here])
    print(f"\nmeasured over predicted ratio, {len(pairs)} pairs whose prompts share the accelerators")
    forms = {
        f"the model, acceptance {acceptance:g}": predicted[acceptance],
        f"the model, acceptance {min(fitted.values()):g} to {max(fitted.values()):g}, fitted to other places": unseen,
        "the median ratio of other places": middle,
    }
    for form, said in forms.items():
        print(f"  {form}")
        for what, name in NAMES.items():
            errors = measured[what] - said[what]
            parts = {f"{count:.0f} proposed": errors[drafted == count] for count in np.unique(drafted)}
            told = "; ".join(
                f"{part} x{np.exp(np.median(each)):.2f}, {np.median(np.abs(each)):.2f}"
                for part, each in {"all": errors, **parts}.items()
            )
            print(f"    {name:20}median and median |ln|: {told}")


def _log_ratios(pairs: Sequence[tuple[Row, Row]], column: str) -> Array:
    return np.log([float(row[column]) / float(other[column]) for row, other in pairs])


def _predicted(pairs: Sequence[tuple[Row, Row]], acceptance: float) -> dict[str, Array]:
    """Logarithms of the ratios by the model's equations and the constants fitted to all rows without a draft."""
    whats = dict.fromkeys(WHATS, 1.0)
    rows = [
        replace(row, inputs={"draft_tokens": 0.0, "draft_acceptance": acceptance, **row.inputs}, measured=whats)
        for row in map(loaded, (*(row for row, _ in pairs), *(other for _, other in pairs)))
    ]
    table = Hierarchy(rows, hierarchy().levels)
    logs, _ = table.forecast(whole_fit())
    by_row = logs.reshape(2, len(pairs), len(WHATS))
    return {what: by_row[0, :, place] - by_row[1, :, place] for place, what in enumerate(WHATS)}


def _predicted_apart(rows: Sequence[Row], lengths: tuple[str, str], target: float, place: tuple[str, ...]) -> float:
    """The same ratio by the model, each with the best of the layouts that were measured together."""
    here = [
        loaded(row)
        for row in rows
        if (row["input_tokens"], row["output_tokens"], row["accelerator"], row["precision"]) == (*lengths, *place)
        and (row["disaggregated"], row["speculation"]) == ("0", "none")
    ]
    given = _columns(here)
    del given["batch_size"]
    given |= {"slow_steps": np.array(1.0), "slow_steps_by_prompts": np.array(0.0)}
    given |= {"time_per_output_token_target": np.array(target), "prefill_utilization_target": np.array(BUSY)}
    best = [np.nanmax(_computed("output_throughput_per_accelerator", given, apart=apart)) for apart in (1.0, 0.0)]
    return float(best[0] / best[1])


def _print_without_prompts(rows: Sequence[Row]) -> None:
    """Measured over predicted time per token where prefill is apart and replicas are whole, by place."""
    here = [
        row
        for row in rows
        if (row["disaggregated"], row["speculation"]) == ("1", "none")
        and float(row["decode_tp"]) > 1
        and float(row["decode_tp"]) * float(row["decode_workers"]) == float(row["decode_accelerators"])
    ]
    measured = np.array([float(row["tpot_median_s"]) for row in here])
    given = _columns([loaded(row) for row in here])
    writing = given["output_tokens"] * measured  # of the time that a sequence is there
    share = writing / (writing + np.array([float(row["ttft_median_s"]) for row in here]))
    replicas = np.array([float(row["decode_workers"]) for row in here])
    given["batch_size_in_memory"] = np.maximum(given["batch_size"] / replicas * share, 1)
    logs = {
        apart: np.log(measured / (_computed("step_seconds", given, apart=apart) * given["serving_model_error"]))
        for apart in (1.0, 0.0)
    }
    places = np.array([" ".join(row[each] for each in PLACE) for row in here])
    print(f"\nmeasured over predicted time per token, {len(here)} rows with prefill apart: median, median |ln|")
    for place in sorted(set(places)):
        own = {apart: errors[places == place] for apart, errors in logs.items()}
        told = [f"x{np.exp(np.median(errors)):.2f}, {np.median(np.abs(errors)):.2f}" for errors in own.values()]
        print(f"  {place:24}{len(own[1.0]):3} rows  {told[0]}; were prompts read on them {told[1]}")


def _columns(rows: Sequence[Benchmark]) -> dict[str, Array]:
    """What the model needs to know of rows, with the constants fitted to all rows without a draft."""
    table, position = Hierarchy(rows, hierarchy().levels), whole_fit().position
    given = {name: column for name, column in table.table.inputs.items() if name != "cache_memory"}
    given |= {name: np.exp(table.design[name] @ position) for name in MODELLED}
    return given | {"serving_model_error": np.exp(table.design[EVERYTHING] @ position), "prompts_apart": np.array(1.0)}


def _computed(name: str, given: Mapping[str, Array], *, apart: float) -> Array:
    """A quantity, with a prefill pool like the replicas that write or without one."""
    columns = {**given, "prefill_replica_accelerators": apart * given["replica_accelerators"]}
    return np.asarray(plan(quantities("llm_cost"), columns, [name])(columns)[name])


def _best(rows: Sequence[Row], lengths: tuple[str, str], target: float) -> dict[tuple[tuple[str, ...], str], float]:
    """By accelerator and precision, and whether prefill is apart: the most tokens a second within the target."""
    found: dict[tuple[tuple[str, ...], str], float] = {}
    for row in rows:
        wanted = (row["input_tokens"], row["output_tokens"]) == lengths and row["speculation"] == "none"
        if wanted and float(row["tpot_median_s"]) <= target:
            key = (row["accelerator"], row["precision"]), row["disaggregated"]
            found[key] = max(found.get(key, 0.0), float(row[TOTAL]))
    return found
