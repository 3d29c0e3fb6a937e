"""Bands: the statistics of columns, gathered replicate by replicate on rulers that a pilot lays out.

A band is a column's statistics: the values of all scenarios, the errors from the spread over replicates. Every
question tells bands.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate.conditions import Kept
from simulate.figures import percentile_name
from simulate.gathering import Fault, Key, Part, kept_of
from simulate.graph import Array, Quantity
from simulate.plain import storable
from simulate.results import Result
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Scenarios
from simulate.settings import MOST_SCENARIOS
from simulate.spread import FEW_BEYOND, FEWEST_BEYOND, bounds, share_error, tail
from simulate.statistics import Statistic
from simulate.summary import MOST_WEIGHT, WEIGHT, Summary, percentiles_of

FEW = 2 / 3  # the share of the squared influence that few scenarios have, from which an error rests on them
BOUND = "_bound"  # after the name of a variable, for what says which of its figures are but bounds
HEAVY = 200  # the excess kurtosis of the influence from which it does so in a net of one input

_TOGETHER = 2**5  # bands that are told in one go


@storable
class Band:
    """A column's statistics: of all replicates' scenarios, and of each replicate for the standard errors."""

    def __init__(self, statistics: Sequence[Statistic]) -> None:
        self.statistics = {each.name: each for each in statistics}
        self.summary = Summary()
        self.faults = Counter[Fault]()
        self.fixed = True  # one number in all scenarios, for nothing behind it is drawn
        self._replicates: list[Mapping[str, Any]] = []

    def add(self, part: Part) -> None:
        """Take up the next replicate; one order gives the same bits each time."""
        self.summary.merge(part.summary)
        self.faults.update(part.faults)
        self.fixed &= part.fixed
        self._replicates.append(part.values)

    def settle(self, value: float) -> None:
        """Let the column be one number wherever it is finite: what differs is rounding."""
        summary = Summary()
        summary.add(value, self.summary.count)
        summary.nonfinite = self.summary.nonfinite
        self.summary = summary.finish()
        self._replicates = kept_of([*self.statistics.values()], [summary]) * len(self._replicates)

    def fault(self, fault: Fault, quantity: Quantity) -> str:
        """What a fault of the column is called."""
        if fault is Fault.NO_NUMBER:
            return "nan or infinite"
        return quantity.beyond(self.summary.minimum, self.summary.maximum)

    def value(self, name: str) -> Any:
        """The statistic of a name: a number, or an array along its dimension."""
        return self.statistics[name].of([self.summary])[0]

    def error(self, name: str) -> Any:
        """Its standard error; nan where no scenario has a figure."""
        return _standard_errors([self], self.statistics[name])[0]

    def share(self) -> tuple[float, float]:
        """The mean of a column of 0 and 1, and its standard error as a probability."""
        mean, known = self.value("mean"), self.fixed or not self.summary.count
        return mean, float(self.error("mean") if known else share_error(self.kept("mean"), self.summary.effective))

    def rare(self, *, net: bool) -> tuple[str, ...]:
        """The labels of the statistics whose standard errors rest on few scenarios, so that they may be too small.

        `net` says that the column is one of a stratified net: of one input, of which it leaves only the gaps between
        scenarios open, most between the last of a heavy tail.
        """
        found = []
        for each in self.statistics.values():
            if each.influence:
                share, kurtosis = tail(self.summary, each.influence)
                if share > FEW or (net and kurtosis > HEAVY):
                    found.append(each.label)
        return tuple(found)

    def replicates(self, name: str) -> Array:
        """The statistic in each replicate, or what stands for it: their spread gives the standard error."""
        linear, kept = self.statistics[name].linear, self.kept(name)
        return kept if linear is None else linear(kept[:, None], [self.summary])[:, 0]

    def kept(self, name: str) -> Array:
        """What the replicates keep for its error, along the first axis."""
        return np.array([values[name] for values in self._replicates])


def _standard_errors(bands: Sequence[Band], statistic: Statistic) -> Array:
    """The standard errors of a statistic of bands, (band, ...); nan where no scenario has a figure."""
    assert statistic.error is not None
    found = np.full_like(statistic.of([band.summary for band in bands]), np.nan)
    if told := [place for place, band in enumerate(bands) if band.summary.count]:
        kept = np.stack([bands[place].kept(statistic.name) for place in told], axis=1)
        found[told] = statistic.error(kept, [bands[place].summary for place in told])
    return found


def _bounded(bands: Sequence[Band], statistic: Statistic) -> tuple[NDArray[np.object_], Array]:
    """On which side of values a statistic's figures are known to lie, '' where they are estimated; and these values."""
    told = statistic.of([band.summary for band in bands])
    sides = np.full(told.shape, "", object)
    if drawn := [place for place, band in enumerate(bands) if band.summary.count and not band.fixed]:
        summaries = [bands[place].summary for place in drawn]
        sides[drawn], at = bounds(statistic.percents, [each.effective for each in summaries])
        found = percentiles_of(summaries, np.nan_to_num(at, nan=50.0))
        told[drawn] = np.where(np.isnan(at), np.nan, found)
    return sides, told


class Bands(dict[Key, Band]):
    """Bands by key, filled replicate by replicate."""

    def __init__(self, statistics: Sequence[Statistic]) -> None:
        super().__init__()
        self.statistics = tuple(statistics)

    def add(self, parts: Mapping[Key, Part]) -> None:
        """Take up the next replicate's columns."""
        for key, part in parts.items():
            if key not in self:
                self[key] = Band(self.statistics)
            self[key].add(part)


def put_bands(
    result: Result,
    bands: Mapping[Any, Band],
    dims: tuple[str, ...],
    statistics: Sequence[Statistic],
    *,
    prefix: str = "",
    of: str = "",
    unit_of: str = "unit",
    unit: str = "",
) -> None:
    """Put the statistics of bands into a result, a variable each, nan where there is no band.

    The keys of `bands` are labels along `dims`, tuples where these are several. `prefix` and `of` go before the
    variables' names and after their labels; `unit` is one for all, else the coordinate `unit_of` tells it. Percentiles
    beyond which too few scenarios lie are bounds: NAME_bound says so, their errors are nan, and a warning tells what it
    takes.
    """
    places = [{label: place for place, label in enumerate(result.labels(dim))} for dim in dims]
    keys = [key if isinstance(key, tuple) else (key,) for key in bands]
    cells = np.reshape([[of[label] for of, label in zip(places, key, strict=True)] for key in keys], (-1, len(dims))).T
    batches = [slice(first, first + _TOGETHER) for first in range(0, len(keys), _TOGETHER)]
    told = [([*bands.values()][batch], tuple(cells[:, batch].astype(np.intp))) for batch in batches]
    for statistic in statistics:
        if statistic.along and statistic.along not in result.coordinates:
            of_percents = "percent" if "percent" in statistic.along else ""
            result.along(statistic.along, statistic.labels, of_percents)
        along = (*dims, *((statistic.along,) if statistic.along else ()))
        shape = tuple(len(result.labels(dimension)) for dimension in along)
        values, errors, sides = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, "", object)
        for several, at in told:
            if statistic.percents:
                sides[at], values[at] = _bounded(several, statistic)
            else:
                values[at] = statistic.of([band.summary for band in several])
            if statistic.error:
                errors[at] = np.where(sides[at] == "", _standard_errors(several, statistic), np.nan)
        own = statistic.unit or unit
        put = partial(result.put, label=f"{statistic.label}{of}", unit=own, unit_of="" if own else unit_of)
        put(prefix + statistic.name, along, values, errors if statistic.error else None)
        if (sides != "").any():
            label = f"whether {statistic.label}{of} are but bounds: at least (>=) or at most (<=) the value told"
            result.put(f"{prefix}{statistic.name}{BOUND}", along, sides, label=label)
        if statistic.percents:
            _tell_few(result, statistic.percents, bands.values())


def _tell_few(result: Result, percents: Sequence[float], bands: Iterable[Band]) -> None:
    """Say in the provenance beyond which percentiles few scenarios lie, and how many."""
    told = dict[str, float](result.provenance.get("few_beyond", {}))
    for band in bands:
        for percent in percents:
            beyond = min(percent, 100 - percent) / 100 * band.summary.effective
            if beyond < FEW_BEYOND * REPLICATES and band.summary.count and not band.fixed:
                name = percentile_name(percent)
                told[name] = min(beyond, told.get(name, beyond))
    if told:
        result.provenance["few_beyond"] = told


def only_bounds(result: Result, ask: str = "ask") -> list[str]:
    """Of which percentiles only bounds can be told, and what it takes to tell more, in a line where there are any.

    `ask` says what to ask for more scenarios.
    """
    told = result.provenance.get("few_beyond", {})
    few = {name: beyond for name, beyond in told.items() if beyond < FEWEST_BEYOND}
    if not few:
        return []
    scenarios, least = result.attributes["scenarios"], min(few.values())
    if least < scenarios * FEWEST_BEYOND / MOST_SCENARIOS:
        return [f"{', '.join(few)}: so few scenarios lie beyond that only a bound is told, at 95 %, as of any run"]
    needed = 2 ** math.ceil(math.log2(scenarios * FEWEST_BEYOND / least))
    estimates = "an estimate" if len(few) == 1 else "estimates"
    told_as = f"fewer than {FEWEST_BEYOND} scenarios lie beyond, so that only a bound is told, at 95 %"
    return [f"{', '.join(few)}: {told_as}; for {estimates} {ask} for --scenarios {needed}"]


def put_kept(result: Result, replicates: Sequence[Kept], drawn: Scenarios) -> None:
    """Say in the provenance of a result what its conditions leave, the percentiles in them, and the proposal."""
    whole = Kept.of(replicates)
    undefined = [each.undefined / each.drawn for each in replicates]
    result.provenance["kept"] = {
        "scenarios": whole.kept,
        "share": whole.kept / whole.drawn,
        "share_se": float(share_error([each.kept / each.drawn for each in replicates], whole.drawn)),
        "effective": whole.effective,
        "undefined": whole.undefined / whole.drawn,
        "thresholds": {
            each.name: (condition.thresholds[each.name].value, each.of.unit)
            for condition in drawn.questions.given
            for each in condition.percentiles
        },
        "undefined_se": float(share_error(undefined, whole.drawn)) if whole.undefined else 0.0,
    }
    if drawn.aim and drawn.aim.proposal:
        result.provenance["kept"]["proposal"] = {
            "normals": len(drawn.aim.proposal.shares) - 1,
            "priors": list(drawn.aim.proposal.names),
            "effective_of_priors": drawn.aim.of_priors * whole.drawn,
        }
    result.provenance["warnings"] += drawn.contradictions
    if whole.cut:
        result.provenance["warnings"].append(
            f"{drawn.questions.shown}: no weight is more than {MOST_WEIGHT // WEIGHT} times the greatest of a pilot, "
            f"which cuts those of {whole.cut:,} of the scenarios"
        )
