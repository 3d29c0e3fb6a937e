"""Cases set side by side, drawn from the same uniforms: differences and ratios are taken scenario by scenario.

So what cases have in common cancels, and a difference has a far smaller standard error than two separate
runs would give. Every statistic has its standard error from the spread over replicates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from simulate import engine, graph, model
from simulate.backends import ordered_map
from simulate.comparison.bridge import PAIRS, Bridge, Sampling, Scale, Side, bridges
from simulate.comparison.cases import Case
from simulate.comparison.inputs import Change, Latent, changes, joint_latents
from simulate.distributions import Constant
from simulate.engine import GRID, Progress, RunError, Scenarios, standard_error
from simulate.graph import Array, Column
from simulate.priors import Priors
from simulate.sampling.sampler import REPLICATES, Sampler
from simulate.summary import Summary

Statistic = float | Literal["mean"]


class ComparisonError(ValueError):
    """Cases that cannot be compared."""


@dataclass(frozen=True)
class Band:
    """The distribution of a quantity, a difference or a ratio, in its unit; nan where a figure is not known."""

    mean: float
    mean_se: float
    percentiles: Array  # at the comparison's percentiles
    percentile_se: Array
    grid: Array  # at engine.GRID
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Against:
    """A quantity of an alternative against the baseline's; None where it cannot be told."""

    difference: Band | None = None  # alternative - baseline
    ratio: Band | None = None  # alternative / baseline
    probability_lower: float | None = None  # P(alternative < baseline)
    probability_lower_se: float | None = None
    bridges: Mapping[Statistic, Bridge] = field(default_factory=dict)
    paired: bool = True


@dataclass(frozen=True)
class Compared:
    """One quantity: its band in each case that has it, and each alternative against the baseline."""

    name: str
    label: str
    unit: str
    units: Mapping[str, str]
    cases: Mapping[str, Band]
    alternatives: Mapping[str, Against]


@dataclass(frozen=True)
class Comparison:
    """Cases by name, the baseline first; what differs in the inputs of each alternative; the quantities."""

    cases: tuple[Case, ...]
    changes: Mapping[str, tuple[Change, ...]]
    quantities: Mapping[str, Compared]
    percentiles: tuple[float, ...]
    statistics: tuple[Statistic, ...]  # of the bridges
    scale: Scale
    scenarios: int
    seed: int
    messages: tuple[str, ...]  # what is missing or not comparable, a line each

    @property
    def baseline(self) -> Case:
        """The case that the others are set against."""
        return self.cases[0]

    @property
    def alternatives(self) -> tuple[Case, ...]:
        """The cases set against the baseline."""
        return self.cases[1:]


# ---------------------------------------------------------------------------------------------------------
# The comparison


def compare(
    cases: Sequence[Case],
    *,
    scenarios: int | None = None,
    seed: int | None = None,
    percentiles: Sequence[float] | None = None,
    quantities: Sequence[str] | str | None = None,
    threads: int | None = None,
    scale: Scale = "linear",
    bridge: Sequence[Statistic] = (50.0, 95.0),
    pairs: int = PAIRS,
    progress: Progress | None = None,
) -> Comparison:
    """Set cases side by side, the first the baseline; what is left out is as the baseline's [run] says.

    Quantities are by default those that any of the cases reports on its own, or `all` that any has. `bridge`
    names the statistics (percents, "mean") whose change is split over the changed inputs, none for no bridge;
    `pairs` is the number of orders drawn for that, each with its reverse. Raises ComparisonError for fewer than
    two cases, RunError for a quantity that no case has.
    """
    if len(cases) < 2:
        raise ComparisonError("one case compares with nothing; name another priors file, or use --vary")
    messages: list[str] = []
    run = _settings(cases[0])
    count = run["scenarios"] if scenarios is None else scenarios
    seed = run["seed"] if seed is None else seed
    percents = engine.checked_percentiles(run["percentiles"] if percentiles is None else percentiles)
    statistics: tuple[Statistic, ...] = tuple(dict.fromkeys(bridge))
    engine.checked_percentiles([*percents, *(each for each in statistics if each != "mean")])
    if count < 1:
        raise RunError(f"{count} scenarios are none; ask for at least 1")
    held = {case.name: _units(case) for case in cases}
    asked = _asked(cases, held, quantities)
    units = {name: {case: own[name] for case, own in held.items() if name in own} for name in asked}
    drawn = _Drawn(cases, units, count, seed)
    paired = _paired(cases, asked, units, messages)
    folded = _folded(drawn, paired, percents, threads)
    compared = {}
    found = _bridges(drawn, paired, statistics, scale, threads, pairs, messages, progress)
    for name in asked:
        bands = {
            case.name: folded.band(("case", case.name, name))
            if case.priors
            else _saved_band(case, name, percents)
            for case in cases
            if case.name in units[name]
        }
        against = {}
        for case in cases[1:]:
            if name in paired.get(case.name, ()):
                probability, error = folded.probability(case.name, name)
                against[case.name] = Against(
                    folded.known(("difference", case.name, name)),
                    folded.known(("ratio", case.name, name)),
                    probability,
                    error,
                    found[case.name].get(name, {}),
                )
            else:
                against[case.name] = _unpaired(bands, cases[0].name, case.name, units[name])
        first = next(iter(units[name]))
        compared[name] = Compared(
            name, _label(next(case for case in cases if case.name == first), name),
            units[name].get(cases[0].name, units[name][first]), units[name], bands, against,
        )  # fmt: skip
    messages += folded.messages(cases[0].name)
    return Comparison(
        tuple(cases),
        {
            case.name: changes(cases[0].priors, case.priors)
            for case in cases[1:]
            if cases[0].priors and case.priors
        },
        compared,
        percents,
        statistics,
        scale,
        drawn.count,
        seed,
        tuple(messages),
    )


def _settings(case: Case) -> dict[str, Any]:
    """Scenarios, seed and percentiles: of the earlier run itself, or as the priors file says."""
    if case.saved is not None:
        percents = case.saved["percentile"].values.tolist()
        seed, count = int(case.saved.attrs["seed"]), int(case.saved.attrs["scenarios"])
        return {"scenarios": count, "seed": seed, "percentiles": percents}
    assert case.priors is not None
    return vars(case.priors.run)


def _units(case: Case) -> dict[str, str]:
    """The quantities that a case has, with their units."""
    if case.priors is not None:
        names = engine.asked_quantities(case.priors, "all")
        return {name: case.priors.quantities[name].unit for name in names}
    assert case.saved is not None
    return {
        str(name): str(variable.attrs["units"])
        for name, variable in case.saved.data_vars.items()
        if f"{name}_rank_correlation" in case.saved
    }


def _asked(
    cases: Sequence[Case], held: Mapping[str, Mapping[str, str]], quantities: Sequence[str] | str | None
) -> tuple[str, ...]:
    """The quantities to compare: those named, or what each case reports on its own."""
    if quantities == "all":
        return tuple(dict.fromkeys(name for own in held.values() for name in own))
    for name in quantities or ():
        if not any(name in own for own in held.values()):
            for case in cases:
                if case.priors is not None:
                    engine.asked_quantities(
                        case.priors, [name]
                    )  # says whether it is unknown, or what it lacks
            raise RunError(f"no case has the quantity {name}")
    if quantities:
        return tuple(dict.fromkeys(quantities))
    reported = [
        name
        for case in cases
        for name in (engine.asked_quantities(case.priors) if case.priors is not None else held[case.name])
    ]
    return tuple(dict.fromkeys(reported))


def _label(case: Case, name: str) -> str:
    if case.priors is not None:
        return case.priors.quantities[name].label
    assert case.saved is not None
    return str(case.saved[name].attrs["long_name"]) or name


def _paired(
    cases: Sequence[Case], asked: Sequence[str], units: Mapping[str, Mapping[str, str]], messages: list[str]
) -> dict[str, tuple[str, ...]]:
    """For each alternative the quantities that can be set against the baseline's scenario by scenario."""
    baseline = cases[0]
    paired = {}
    for case in cases:
        if lacking := [name for name in asked if case.name not in units[name]]:
            messages.append(f"{case.label} does not have {', '.join(lacking)}: blank there")
        if case.priors is None:
            messages.append(
                f"{case.label} is a saved run whose priors do not read the same any more, so it cannot be drawn "
                "again: its differences are unpaired. Only means are set against each other, with the standard "
                "errors of two separate runs; the bands of differences and ratios, and how often one case lies "
                "lower, stay blank"
            )
    for case in cases[1:]:
        if (
            baseline.priors is not None
            and case.priors is not None
            and baseline.priors.model != case.priors.model
        ):
            messages.append(
                f"{case.label} has the model {case.priors.model}, {baseline.label} {baseline.priors.model}: "
                "only quantities of the same name are set against each other"
            )
        both = [name for name in asked if {baseline.name, case.name} <= set(units[name])]
        messages += [
            f"{name} is in {units[name][case.name]} in {case.label}, in {units[name][baseline.name]} in "
            f"{baseline.label}: give both the same unit to compare them"
            for name in both
            if units[name][baseline.name] != units[name][case.name]
        ]
        if baseline.priors is not None and case.priors is not None:
            paired[case.name] = tuple(
                name for name in both if units[name][baseline.name] == units[name][case.name]
            )
    return paired


class _Drawn:
    """The scenarios of the cases with priors, all on the same uniforms."""

    def __init__(
        self, cases: Sequence[Case], units: Mapping[str, Mapping[str, str]], scenarios: int, seed: int
    ) -> None:
        self.seed = seed
        self.size, self.chunks = engine.chunking(scenarios)
        self.priors = {case.name: case.priors for case in cases if case.priors is not None}
        files = list(self.priors.values())
        # The baseline's names have the dimensions that they have in its own run; others' own names come after.
        of_models = [name for file in files for name in model.quantities(file.model)]
        of_files = [name for file in files for name in engine.dimensions(file)]
        names = dict.fromkeys([*engine.dimensions(files[0]), *of_models, *of_files]) if files else {}
        self.dimensions = {name: place for place, name in enumerate(names)}
        self.latents = dict(zip(self.priors, joint_latents(files), strict=True))
        self.cases = {
            case: self._scenarios(
                file, [name for name, own in units.items() if case in own], self.latents[case]
            )
            for case, file in self.priors.items()
        }
        self.count = next((each.count for each in self.cases.values()), 0)

    def _scenarios(self, priors: Priors, names: Sequence[str], latent: Latent) -> Scenarios:
        plan = graph.plan(priors.quantities, priors.priors, names)
        distributions = {name: priors.priors[name].distribution for name in plan.inputs}
        constants = {
            name: distribution.value
            for name, distribution in distributions.items()
            if isinstance(distribution, Constant)
        }
        sampler = Sampler(
            distributions,
            self.dimensions,
            latent,
            seed=self.seed,
            size=self.size,
            chunks=self.chunks,
            wanted=[name for name in plan.inputs if name not in constants],
        )
        return Scenarios(plan, sampler, constants, self.size, self.chunks)

    def sampling(self, threads: int | None) -> Sampling:
        return Sampling(self.dimensions, self.seed, self.size, self.chunks, threads=threads)


# ---------------------------------------------------------------------------------------------------------
# From chunks to bands

Key = tuple[str, str, str]  # "case", "difference" or "ratio"; the case; the quantity


class _Folded:
    """The replicates so far: merged summaries, and the statistics of each for the standard errors."""

    def __init__(self, percents: Sequence[float]) -> None:
        self.percents = percents
        self.merged: dict[Key, Summary] = {}
        self.percentiles: dict[Key, list[Array]] = {}
        self.means: dict[Key, list[float]] = {}
        self.lower: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def add(self, summaries: Mapping[Key, Summary], lower: Mapping[tuple[str, str], int]) -> None:
        for key, summary in summaries.items():
            self.percentiles.setdefault(key, []).append(summary.percentiles(self.percents))
            self.means.setdefault(key, []).append(summary.mean)
            self.merged.setdefault(key, Summary()).merge(summary)
        for (case, name), number in lower.items():
            count = summaries["difference", case, name].count
            self.lower.setdefault((case, name), []).append((number, count))

    def band(self, key: Key) -> Band:
        summary = self.merged[key]
        known = summary.count > 0
        return Band(
            summary.mean if known else math.nan,
            float(standard_error(self.means[key])) if known else math.nan,
            summary.percentiles(self.percents),
            standard_error(self.percentiles[key]),
            summary.percentiles(GRID),
            summary.minimum,
            summary.maximum,
        )

    def known(self, key: Key) -> Band | None:
        """A band, or None where not one scenario has a figure."""
        return self.band(key) if self.merged[key].count else None

    def probability(self, case: str, name: str) -> tuple[float | None, float | None]:
        """P(alternative < baseline) and its standard error, over the scenarios in which both are finite."""
        counted = [(number, count) for number, count in self.lower[case, name] if count]
        if not counted:
            return None, None
        shares = [number / count for number, count in counted]
        total = sum(number for number, _ in counted) / sum(count for _, count in counted)
        return total, float(standard_error(shares))

    def messages(self, baseline: str) -> list[str]:
        """What came out nan or infinite, a line each."""
        lines = []
        for (kind, case, name), summary in self.merged.items():
            if not summary.nonfinite:
                continue
            everywhere = "" if summary.count else "; blank"
            often = f"in {summary.nonfinite:,} of {summary.nonfinite + summary.count:,} scenarios, left out{everywhere}"
            if kind == "case":
                lines.append(f"{name} of {case}: nan or infinite {often}")
            elif kind == "ratio" and not self.merged["difference", case, name].nonfinite:
                lines.append(f"{name}: {case} / {baseline} has no value {often}")
        return lines


def _folded(
    drawn: _Drawn, paired: Mapping[str, Sequence[str]], percents: Sequence[float], threads: int | None
) -> _Folded:
    """Draw all cases and summarize them, and the paired differences and ratios."""
    size = drawn.size
    baseline = next(iter(drawn.cases), "")

    def work(replicate: int) -> tuple[dict[Key, Summary], dict[tuple[str, str], int]]:
        draws = {case: scenarios.replicate(replicate) for case, scenarios in drawn.cases.items()}
        summaries = {key: Summary() for key in _keys(drawn, paired)}
        lower = {(case, name): 0 for case, names in paired.items() for name in names}
        for chunk in range(drawn.chunks):
            outputs = {case: drawn.cases[case].plan(draw(chunk)) for case, draw in draws.items()}
            for case, columns in outputs.items():
                for name, column in columns.items():
                    summaries["case", case, name].add(column, size)
            for case, name in lower:
                first, second = outputs[baseline][name], outputs[case][name]
                with np.errstate(all="ignore"):
                    difference: Column = second - first
                    ratio: Column = np.divide(second, first)
                summaries["difference", case, name].add(difference, size)
                summaries["ratio", case, name].add(ratio, size)
                below = np.count_nonzero((difference < 0) & np.isfinite(difference))
                lower[case, name] += int(below) * (1 if isinstance(difference, np.ndarray) else size)
        return {key: summary.finish() for key, summary in summaries.items()}, lower

    folded = _Folded(percents)
    if drawn.cases:
        for summaries, lower in ordered_map(work, range(REPLICATES), threads):
            folded.add(summaries, lower)
    return folded


def _keys(drawn: _Drawn, paired: Mapping[str, Sequence[str]]) -> Iterator[Key]:
    for case, scenarios in drawn.cases.items():
        for name in scenarios.plan.outputs:
            yield "case", case, name
    for case, names in paired.items():
        for name in names:
            yield "difference", case, name
            yield "ratio", case, name


def _bridges(
    drawn: _Drawn,
    paired: Mapping[str, Sequence[str]],
    statistics: Sequence[Statistic],
    scale: Scale,
    threads: int | None,
    pairs: int,
    messages: list[str],
    progress: Progress | None,
) -> dict[str, dict[str, dict[Statistic, Bridge]]]:
    """By alternative, quantity and statistic the bridge from the baseline."""
    found: dict[str, dict[str, dict[Statistic, Bridge]]] = {case: {} for case in paired}
    if not statistics:
        return found
    baseline = next(iter(drawn.priors), "")
    for case, names in paired.items():
        one, two = (Side(drawn.priors[each], drawn.latents[each]) for each in (baseline, case))
        split = bridges(one, two, names, statistics, drawn.sampling(threads), scale, pairs, progress)
        for name, by_statistic in split.items():
            found[case][name] = {key: each for key, each in by_statistic.items() if each is not None}
            if blank := [_statistic(key) for key, each in by_statistic.items() if each is None]:
                why = "not positive, or not a number" if scale == "log" else "not a number"
                messages.append(
                    f"{name}: no bridge of {' and '.join(blank)} to {case}, for it is {why} "
                    "in one of the hybrids between them"
                )
    return found


def _statistic(statistic: Statistic) -> str:
    return statistic if statistic == "mean" else f"P{statistic:g}"


# ---------------------------------------------------------------------------------------------------------
# Earlier runs that cannot be drawn again


def _saved_band(case: Case, name: str, percents: Sequence[float]) -> Band:
    """The band of an earlier run; a percentile that it does not have is read off its fine grid."""
    assert case.saved is not None
    dataset = case.saved
    kept = dict(zip(dataset["percentile"].values.tolist(), range(dataset.sizes["percentile"]), strict=True))
    values, errors = dataset[name].values, dataset[f"{name}_se"].values
    fine = np.interp(percents, dataset["grid"].values, dataset[f"{name}_grid"].values)
    return Band(
        float(dataset[f"{name}_mean"]),
        float(dataset[f"{name}_mean_se"]),
        np.array(
            [values[kept[p]] if p in kept else between for p, between in zip(percents, fine, strict=True)]
        ),
        np.array([errors[kept[p]] if p in kept else math.nan for p in percents]),
        np.interp(GRID, dataset["grid"].values, dataset[f"{name}_grid"].values),
        float(dataset[f"{name}_minimum"]),
        float(dataset[f"{name}_maximum"]),
    )


def _unpaired(bands: Mapping[str, Band], baseline: str, case: str, units: Mapping[str, str]) -> Against:
    """The difference of the means of two separate runs; nothing where units differ or a case has no figure."""
    if baseline not in bands or case not in bands or units[baseline] != units[case]:
        return Against(paired=False)
    one, two = bands[baseline], bands[case]
    blank = np.full(len(one.percentiles), math.nan)
    mean, error = two.mean - one.mean, math.hypot(one.mean_se, two.mean_se)
    return Against(
        Band(mean, error, blank, blank, np.full(len(GRID), math.nan), math.nan, math.nan), paired=False
    )


# ---------------------------------------------------------------------------------------------------------
# For machines


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON would have it; what is not known is None.

    A bridge's parts are in the quantity's unit, or on the log scale natural logarithms of factors.
    """
    quantities = {}
    for name, compared in comparison.quantities.items():
        against = compared.alternatives
        quantities[name] = {
            "label": compared.label,
            "unit": compared.unit,
            "cases": {
                case.name: _band_json(compared.cases.get(case.name), comparison.percentiles)
                for case in comparison.cases
            },
            "difference": {
                case: _band_json(each.difference, comparison.percentiles) for case, each in against.items()
            },
            "ratio": {case: _band_json(each.ratio, comparison.percentiles) for case, each in against.items()},
            "probability_lower": {case: each.probability_lower for case, each in against.items()},
            "probability_lower_se": {case: each.probability_lower_se for case, each in against.items()},
            "bridge": {
                case: {
                    _key(statistic): {part.name: part.value for part in bridge.parts}
                    for statistic, bridge in each.bridges.items()
                }
                for case, each in against.items()
            },
            "bridge_se": {
                case: {
                    _key(statistic): {part.name: finite(part.standard_error) for part in bridge.parts}
                    for statistic, bridge in each.bridges.items()
                }
                for case, each in against.items()
            },
        }
    return {
        "cases": [case.name for case in comparison.cases],
        "labels": {case.name: case.label for case in comparison.cases},
        "scenarios": comparison.scenarios,
        "seed": comparison.seed,
        "scale": comparison.scale,
        "changes": {
            case: [
                {
                    "kind": row.kind,
                    "name": row.name,
                    "change": row.change,
                    "before": row.before,
                    "after": row.after,
                }
                for row in rows
            ]
            for case, rows in comparison.changes.items()
        },
        "messages": list(comparison.messages),
        "quantities": quantities,
    }


def _band_json(band: Band | None, percents: Sequence[float]) -> dict[str, Any] | None:
    if band is None:
        return None
    keys = [_key(percent) for percent in percents]
    return {
        "mean": finite(band.mean),
        "mean_se": finite(band.mean_se),
        "percentiles": dict(zip(keys, map(finite, band.percentiles.tolist()), strict=True)),
        "percentile_se": dict(zip(keys, map(finite, band.percentile_se.tolist()), strict=True)),
    }


def _key(statistic: Statistic) -> str:
    return statistic if statistic == "mean" else f"{statistic:g}"


def finite(value: float) -> float | None:
    """The value, or None where it is not a number."""
    return float(value) if math.isfinite(value) else None
