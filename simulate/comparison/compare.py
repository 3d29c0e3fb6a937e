"""Cases set side by side, drawn from the same uniforms: differences and ratios are taken scenario by scenario.

So what cases have in common cancels, and a difference has a far smaller standard error than two separate
runs would give. Every statistic has its standard error from the spread over replicates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from simulate.bands import BOUND, only_bounds, put_bands
from simulate.comparison.bridge import Bridge, BridgeScale, bridges, ends
from simulate.comparison.cases import Case, cases_of
from simulate.comparison.hybrids import CORRELATIONS
from simulate.comparison.inputs import changes
from simulate.comparison.paired import Folded, SideBySide, as_run
from simulate.comparison.walking import Asked
from simulate.errors import SimulateError, none_such, read_all
from simulate.figures import percentile_name
from simulate.gates import DIFFERENCE, RATIO, put_gates
from simulate.grammar import BRIDGE
from simulate.replicates import Progress, Workers
from simulate.results import Result, provenance
from simulate.results.in_vain import in_vain
from simulate.scenarios import asked_quantities, named_quantities
from simulate.settings import Percent, Settings, checked
from simulate.spread import FEWEST_BEYOND, bounds
from simulate.statistics import usual

if TYPE_CHECKING:
    from simulate.comparison.cases import Source

MOST_SHOWN = 5  # quantities of a picture where none are named


def compare(
    cases: Source | Sequence[Source],
    *,
    vary: Sequence[str] | str = (),
    quantities: Sequence[str] | str | None = None,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    percentiles: Sequence[float] | None = None,
    bridge: Sequence[Asked] = (50.0, 95.0),
    scale: BridgeScale = "auto",
    fail_if: Sequence[str] | None = None,
    backend: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Result:
    """Set cases side by side, the first the baseline; `cases` and `vary` are as in `cases_of`.

    What is left out is as the baseline's settings say; quantities are by default those that any of the cases
    reports on its own, or `all` that any has. `bridge` names the statistics (percents, "mean") whose change is split
    over the changed inputs, none for no bridge, on a `scale` that is linear, log, or auto: log for what is positive
    throughout and would come below zero on the way. `fail_if` are gates that each case is asked, by default its own; on
    the difference from the baseline and the ratio to it too, 'P(ratio_capex > 1.1) > 50%'.

    The result has along `quantity` and `case` the bands of each case (`percentiles`, `mean` ...), and of each
    alternative against the baseline `difference_percentiles` ..., `ratio_percentiles` ... and `probability_lower`;
    `bridge` has the parts along `statistic` and `change`, in the quantity's unit, or where `bridge_logarithm` is 1
    natural logarithms of factors, and `bridge_baseline` and `bridge_alternative` its ends. Raises SimulateError for
    fewer than two cases, and for what cannot be asked or computed.
    """
    found = cases_of(cases, vary)
    if len(found) < 2:
        raise SimulateError("one case compares with nothing; name another priors file, or use --vary")
    settings, faults = found[0].settings.read(scenarios=scenarios, seed=seed, scheme=scheme, percentiles=percentiles)
    names, split, pool, *_ = read_all(
        partial(_asked, found, quantities),
        partial(_statistics, bridge),
        partial(Workers, backend, workers, progress, scheduler),
        partial(_scale, scale),
        faults=faults,
    )
    drawn = SideBySide(found, settings, names, pool, fail_if)
    folded = drawn.fold(pool, ends(split))
    result = _framed(drawn)
    result.attributes["scale"] = scale
    result.provenance["headline"] = names if named_quantities(quantities) else _headline(found, names)
    _put_labels(result, drawn)
    _put_bands(result, drawn, folded)
    asked_gates = [gate for several in drawn.gates.values() for gate in several]
    put_gates(result, asked_gates, dict(drawn.measured(folded)), "case")
    warnings = result.provenance["warnings"]
    warnings += [*_warnings(drawn, folded), *only_bounds(result)]
    if split:
        warnings += _put_bridges(result, drawn, folded, split, scale, pool)
    warnings += folded.warnings(found[0].name, drawn.bounded)
    warnings += [line for case in found if case.priors for line in as_run(case, folded.bands)]
    return result


def _scale(scale: Any) -> None:
    if not isinstance(scale, str) or scale not in get_args(BridgeScale):
        raise none_such("scale", scale, get_args(BridgeScale))


def _statistics(bridge: Any) -> tuple[Asked, ...]:
    if isinstance(bridge, str):
        bridge = BRIDGE.read(bridge, "--bridge")
    listed = bridge if isinstance(bridge, list | tuple) else [bridge]
    asked: list[Asked] = [
        "mean" if isinstance(each, str) and each == "mean" else checked(Percent, "bridge", each) for each in listed
    ]
    return tuple(dict.fromkeys(asked))


def _asked(cases: Sequence[Case], quantities: Sequence[str] | str | None) -> list[str]:
    """The quantities to compare: those named, or what each case reports on its own, or all that it has."""
    named = named_quantities(quantities)
    if named and named != "all":
        asked = list(named)
    else:
        own = [asked_quantities(case.priors, quantities) if case.priors else case.quantities for case in cases]
        asked = [name for names in own for name in names]
    read_all(*(partial(_check_known, cases, name) for name in asked))
    return list(dict.fromkeys(asked))


def _headline(cases: Sequence[Case], names: Sequence[str]) -> list[str]:
    """The quantities that pictures show unless they are named: those that all cases report on their own.

    Where there are none, the first few that all have, or any has.
    """
    own = [set(asked_quantities(case.priors) if case.priors else case.quantities) for case in cases]
    for told in (own, [{*case.quantities} for case in cases]):
        if shared := [name for name in names if all(name in each for each in told)]:
            return shared[:MOST_SHOWN]
    return [*names[:MOST_SHOWN]]


def _check_known(cases: Sequence[Case], name: str) -> None:
    if not any(name in case.quantities for case in cases):
        for case in cases:
            if case.priors:
                asked_quantities(case.priors, [name])  # says whether it is unknown, or what it lacks
        raise SimulateError(f"no case has the quantity {name}")


def _framed(drawn: SideBySide) -> Result:
    """A result without figures: it rests on what the baseline rests on, and below `cases` on that of each case."""
    baseline, settings = drawn.baseline, drawn.settings
    if baseline.priors is not None:
        result = provenance.described("compare", baseline.priors, settings, drawn.drawn[baseline.name])
    else:
        assert baseline.saved is not None
        attributes = {**baseline.saved.attributes, "seed": settings.seed, "scheme": settings.scheme}
        stated = {name: baseline.told[name] for name in provenance.STATED}
        result = provenance.versioned("compare", attributes, stated)
        for each in drawn.drawn.values():
            result.attributes["scenarios"] = each.count
    means = [gate.quantity for gates in drawn.gates.values() for gate in gates if gate.quantity]
    asked = [*drawn.quantities, *means]
    fresh = [(case.priors, drawn.drawn[case.name]) for case in drawn.cases if case.priors]
    inputs = {name for _, scenarios in fresh for name in scenarios.plan.inputs}
    of_inputs = [
        [
            *provenance.of_inputs(case, scenarios),
            *map(str, in_vain([case], [*asked, *scenarios.questions.names], inputs)),
        ]
        for case, scenarios in fresh
    ]
    result.provenance["warnings"] = [*dict.fromkeys(line for lines in of_inputs for line in lines)]
    result.provenance["aging"] = provenance.aging(fresh)
    result.provenance["cases"] = {case.name: _stated(case) for case in drawn.cases}
    result.provenance["case_published"] = {case.name: case.told["published"] for case in drawn.cases}
    result.provenance["unpaired"] = [case.name for case in drawn.alternatives if not drawn.pairs(case)]
    result.provenance["changes"] = {
        case.name: [row._asdict() for row in changes(baseline.priors, case.priors)]
        for case in drawn.alternatives
        if baseline.priors and case.priors
    }
    changed = {row["name"] for rows in result.provenance["changes"].values() for row in rows}
    labels = {name: each.label for case in drawn.cases for name, each in case.quantities.items()}
    result.provenance["change_labels"] = {name: labels[name] for name in changed if labels.get(name)}
    return result


def _stated(case: Case) -> dict[str, Any]:
    told = case.told
    return {
        "files": [{"path": file["path"], "sha256": file["sha256"]} for file in told["files"]],
        "overrides": told["overrides"],
        "choice": told["choice"],
        "settings": case.settings.model_dump(mode="json"),
    }


def _put_labels(result: Result, drawn: SideBySide) -> None:
    """The labels of what is compared; a unit is that of the first case that has the quantity."""
    names, cases = drawn.quantities, drawn.cases
    first = [next(case.quantities[name] for case in cases if name in case.quantities) for name in names]
    provenance.put_quantities(result, first)
    result.along("case", [case.name for case in cases])
    result.beside("case_label", ("case",), [case.label for case in cases])
    units = [[case.unit(name) for case in cases] for name in names]
    if any(len({*own} - {""}) > 1 for own in units):
        result.beside("case_unit", ("quantity", "case"), units)


def _put_bands(result: Result, drawn: SideBySide, folded: Folded) -> None:
    """The bands of each case, of differences and ratios, and the probability that an alternative is lower."""
    along, statistics = ("quantity", "case"), usual(drawn.settings.percentiles)
    own = "case_unit" if "case_unit" in result else "unit"
    put_bands(result, folded.of(""), along, statistics, unit_of=own)
    for case in drawn.cases:
        if case.saved and not case.priors:
            _take_over(result, case.saved, case.name, drawn.names[case.name])
    of = " of the difference from the baseline"
    put_bands(result, folded.of(DIFFERENCE), along, statistics, prefix=DIFFERENCE, of=of)
    of = " of the ratio to the baseline"
    put_bands(result, folded.of(RATIO), along, statistics, prefix=RATIO, of=of, unit="1")
    means, errors = result["mean"], result["mean_se"]
    lower = np.full((*means.shape, 2), np.nan)
    for pair in drawn.paired:
        lower[_at(result, *pair)] = folded.probability(pair, same=not result.provenance["changes"][pair[1]])
    for name, alternative in drawn.unpaired:
        place, first = _at(result, name, alternative), _at(result, name, drawn.baseline.name)
        with np.errstate(over="ignore"):
            result["difference_mean"][place] = means[place] - means[first]
            result["difference_mean_se"][place] = np.hypot(errors[place], errors[first])
    label = "probability that the case is lower than the baseline"
    result.put("probability_lower", along, lower[..., 0], lower[..., 1], label=label, unit="1")


def _take_over(result: Result, saved: Result, case: str, names: Sequence[str]) -> None:
    """Put the bands that an earlier run has kept; a percentile that it did not tell is read off its fine ones.

    Of one beyond these, and of what was but a bound in the run, a bound is told.
    """
    asked, told = result.labels("percentile"), saved.labels("percentile")
    shared = [(place, told.index(percent)) for place, percent in enumerate(asked) if percent in told]
    percents, bound = saved["fine_percentile"], f"percentiles{BOUND}"
    sides = np.array([">=" if each > percents[-1] else "<=" if each < percents[0] else "" for each in asked], object)
    for name in names:
        at = _at(result, name, case)
        fine = saved.at("fine_percentiles", quantity=name)
        result["percentiles"][at] = np.interp(asked, percents, fine)
        own = sides.copy()
        for place, kept in shared:
            own[place] = saved.at(bound, quantity=name)[kept] if bound in saved else ""
        if own.any() and bound not in result:
            dims, shape = result.variables["percentiles"].dims, result["percentiles"].shape
            result.put(bound, dims, np.full(shape, "", object), label="whether percentiles are but bounds")
        if bound in result:
            result[bound][at] = own
        for figure, variable in result.variables.items():
            if figure == bound:
                continue
            values = saved.at(figure, quantity=name)
            if variable.dims[-1] == "percentile":
                for place, kept in shared:
                    variable.values[*at, place] = values[kept]
            else:
                variable.values[at] = values


def _at(result: Result, name: str, case: str) -> tuple[int, int]:
    return result.labels("quantity").index(name), result.labels("case").index(case)


def _warnings(drawn: SideBySide, folded: Folded) -> Iterator[str]:
    """What is missing or cannot be compared, a line each."""
    baseline = drawn.baseline
    for case in drawn.cases:
        if lacking := [name for name in drawn.quantities if name not in case.quantities]:
            yield f"{case.label} does not have {', '.join(lacking)}: blank there"
        if case.priors is None:
            yield (
                f"{case.label} is a saved run whose priors do not read the same any more, so it cannot be drawn "
                "again: its differences are unpaired. Only means are set against each other, with the standard "
                "errors of two separate runs; the bands of differences and ratios, and how often one case lies "
                "lower, stay blank"
            )
        elif kept := folded.kept.get(case.name):
            undefined = f" (in {kept.undefined:,} it is undefined whether they hold)" if kept.undefined else ""
            yield (
                f"{case.label} is told given {', '.join(case.conditions)}, worth {kept.effective:,.0f} of "
                f"{kept.drawn:,} scenarios{undefined}, which are not those of other cases: only means are set against "
                "each other, with the standard errors of two separate runs"
            )
            yield from (f"{case.label}: {line}" for line in drawn.drawn[case.name].contradictions)
        yield from _not_as_run(drawn, case)
    for case in drawn.alternatives:
        if baseline.priors and case.priors and baseline.priors.model != case.priors.model:
            yield (
                f"{case.label} has the model {case.priors.model}, {baseline.label} {baseline.priors.model}: "
                "only quantities of the same name are set against each other"
            )
        for name in drawn.names[case.name]:
            if baseline.unit(name) not in {"", case.unit(name)}:
                yield (
                    f"{name} is in {case.unit(name)} in {case.label}, in {baseline.unit(name)} in "
                    f"{baseline.label}: give both the same unit to compare them"
                )


def _not_as_run(drawn: SideBySide, case: Case) -> Iterator[str]:
    """In what an earlier run is not told as it was run, a line each."""
    yield from case.settings.left_out(case.label, gates=False)
    if case.priors and case.saved:
        ran = _sampled(case.saved.attributes["scenarios"], case.settings)
        here = _sampled(drawn.drawn[case.name].count, drawn.settings)
        if ran != here:
            yield f"{case.label} was run with {ran}, and is drawn here with {here}, as all cases are"


def _sampled(count: int, settings: Settings) -> str:
    return f"{count:,} scenarios, {settings.scheme}, seed {settings.seed}"


def _put_bridges(
    result: Result, drawn: SideBySide, folded: Folded, split: Sequence[Asked], scale: BridgeScale, workers: Workers
) -> list[str]:
    """The bridges to each alternative; return which have no value, a line each."""
    found: dict[tuple[str, str, str], Bridge] = {}
    varies = not all(band.fixed for band in folded.bands.values())
    scenarios = result.attributes["scenarios"] if varies else np.inf
    few = [each for each in split if each != "mean" and bounds([each], scenarios).sides[0]]
    split = [each for each in split if each not in few]
    why = f"fewer than {FEWEST_BEYOND} scenarios lie beyond; ask for more --scenarios"
    blank = [f"no bridge of {' and '.join(map(_statistic, few))}, for {why}"] if few else []
    for case in dict.fromkeys(case for _, case in drawn.paired):
        names = [name for name, other in drawn.paired if other == case]
        sides = (drawn.baseline.name, case)
        bands = {name: (folded.bands["", name, sides[0]], folded.bands["", name, case]) for name in names}
        told = bridges(drawn.drawing, sides, bands, split, scale=scale, workers=workers)
        for name, own in told.items():
            found |= {(name, case, _statistic(key)): each for key, each in own.items() if each}
            if lacking := [_statistic(key) for key, each in own.items() if each is None]:
                why = "not positive, or not a number" if scale == "log" else "not a number"
                blank.append(
                    f"{name}: no bridge of {' and '.join(lacking)} to {case}, for it is {why} "
                    "in one of the hybrids between them"
                )
    blank += _undivided(drawn, found)
    if changed := list(dict.fromkeys(change for each in found.values() for change in each.parts)):
        result.along("statistic", [_statistic(each) for each in split])
        result.along("change", changed)
        _put_parts(result, found)
    return blank


def _undivided(drawn: SideBySide, found: Mapping[tuple[str, str, str], Bridge]) -> Iterator[str]:
    """Which parts of the bridge to a case stand for a formula in a prior's place, or the other way round, in a line."""
    for case in drawn.alternatives:
        moving = [change for (_, of, _), bridge in found.items() if of == case.name for change in bridge.moving]
        names = dict.fromkeys(name for change in moving if change != CORRELATIONS for name in change.split(", "))
        drawn_in = [each.priors.priors for each in (drawn.baseline, case) if each.priors]
        if replaced := [name for name in names if len({name in priors for priors in drawn_in}) > 1]:
            yield (
                f"{', '.join(replaced)}: a prior in one of {drawn.baseline.label} and {case.label}, a formula in the "
                "other, so that a part of the bridge is the whole of it, not spread over what the formula needs"
            )


def _put_parts(result: Result, found: Mapping[tuple[str, str, str], Bridge]) -> None:
    dims = ("quantity", "case", "statistic", "change")
    shape = [len(result.labels(dimension)) for dimension in dims]
    changed, statistics = result.labels("change"), result.labels("statistic")
    parts, errors, ends = np.full(shape, np.nan), np.full(shape, np.nan), np.full((*shape[:3], 2), np.nan)
    exact, logarithm, units = np.full(shape[:2], np.nan), np.full(shape[:2], np.nan), np.full(shape[:2], "1", object)
    for (name, case, statistic), bridge in found.items():
        at = _at(result, name, case)
        place = (*at, statistics.index(statistic))
        places = [changed.index(change) for change in bridge.parts]
        parts[place][places] = list(bridge.parts.values())
        errors[place][places] = list(bridge.errors.values())
        ends[place], exact[at], logarithm[at] = bridge.ends, bridge.exact, bridge.scale == "log"
        units[at] = "1" if bridge.scale == "log" else result.at("unit", quantity=name)
    result.beside("bridge_unit", dims[:2], units)
    label = "part of the difference of the statistics, not of the statistic of the difference"
    result.put("bridge", dims, parts, errors, label=label, unit_of="bridge_unit")
    label = "1 where the parts are logarithms of factors of the ratio, 0 where they sum to the difference"
    result.put("bridge_logarithm", dims[:2], logarithm, label=label, unit="1")
    label = "1 where the parts are over all orders of the changes, 0 over orders drawn at random"
    result.put("bridge_exact", dims[:2], exact, label=label, unit="1")
    for name, values in zip(("baseline", "alternative"), np.moveaxis(ends, -1, 0), strict=True):
        label = f"the statistic in the {name}, where the bridge ends"
        result.put(f"bridge_{name}", dims[:3], values, label=label, unit_of="unit")


def _statistic(asked: Asked) -> str:
    return asked if asked == "mean" else percentile_name(asked)
