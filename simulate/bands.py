"""Bands: the statistics of columns, gathered replicate by replicate on rulers that a pilot lays out.

A band is a column's statistics: the values of all scenarios, the errors from the spread over replicates. Every
question tells bands.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import is_column, on_host
from simulate.conditions import Kept
from simulate.figures import percentile_name
from simulate.graph import Array, Quantity, Values
from simulate.plain import storable
from simulate.results import Result
from simulate.rulers import LEAST_PILOT, Bits, Counts, Ruler, laid_out
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Scenarios
from simulate.settings import MOST_SCENARIOS
from simulate.spread import FEW_BEYOND, FEWEST_BEYOND, bounds, share_error, tail
from simulate.statistics import Statistic
from simulate.summary import MOST_WEIGHT, WEIGHT, Summary, add_rows, percentiles_of

FEW = 2 / 3  # the share of the squared influence that few scenarios have, from which an error rests on them
BOUND = "_bound"  # after the name of a variable, for what says which of its figures are but bounds
HEAVY = 200  # the excess kurtosis of the influence from which it does so in a net of one input

_TOGETHER = 2**5  # bands that are told in one go
_SHORT = 2**10  # scenarios of a block up to which what a call of numpy takes is more than what it does
_AT_ONCE = 2**8  # summaries of which is kept in one go what the errors need

Key = TypeVar("Key", bound=Hashable)


@storable
class Fault(Enum):
    """What may be wrong with a figure: it is nan or infinite, or beyond the bounds of its quantity."""

    NO_NUMBER = auto()
    IMPOSSIBLE = auto()


class Part(NamedTuple):
    """What a replicate keeps of a column.

    Its summary, what the errors need, how many faults, the chunks with their first, and whether it is one number
    throughout.
    """

    summary: Summary
    values: Mapping[str, Any]  # by statistic
    faults: Mapping[Fault, int]
    first: Mapping[Fault, int]
    fixed: bool


@storable
class Gathering(Generic[Key]):
    """The columns of one replicate, summarized block by block, each on its ruler.

    `quantities` are those of the columns that have bounds.
    """

    def __init__(self, rulers: Mapping[Key, Ruler], quantities: Mapping[Any, Quantity] | None = None) -> None:
        self.summaries = {key: Summary(ruler) for key, ruler in rulers.items()}
        self.quantities = quantities or {}
        self.impossible = dict.fromkeys(self.summaries, 0)
        self.first: dict[tuple[Key, Fault], int] = {}  # the chunks in which faults began
        self.parts: dict[Key, Part] = {}
        self._drawn = set[Key]()
        self._waiting: dict[Key, tuple[Values, int, Counts | None, int]] = {}  # short blocks, to be added in one go
        self._open = True

    def add(self, key: Key, column: Values, size: int, weights: Counts | None = None, *, chunk: int = 0) -> None:
        """Add the next block of a column, `size` scenarios, which begins with a chunk."""
        if key in self._waiting:
            self._summarize()
        self._waiting[key] = column, size, weights, chunk
        if np.ndim(column):
            self._drawn.add(key)
        if size > _SHORT or not on_host(column):
            self._summarize()

    def _summarize(self) -> None:
        """Add what waits."""
        _summarize([self])

    def _look_for_faults(self, key: Key, column: Values, size: int, chunk: int) -> None:
        summary, quantity = self.summaries[key], self.quantities.get(key)
        if quantity and not quantity.lower <= summary.minimum <= summary.maximum <= quantity.upper:
            self.impossible[key] += int(np.broadcast_to(quantity.impossible(column), (size,)).sum())
        if summary.nonfinite or self.impossible[key]:
            for fault, count in self.faults(key).items():
                if count:
                    self.first.setdefault((key, fault), chunk)

    def faults(self, key: Key) -> dict[Fault, int]:
        """In how many scenarios of a column each fault is, when it is closed."""
        return {Fault.NO_NUMBER: self.summaries[key].nonfinite, Fault.IMPOSSIBLE: self.impossible[key]}

    def close(self) -> None:
        """Finish the summaries after the last block, so that they merge."""
        self._summarize()
        for summary in self.summaries.values() if self._open else ():
            summary.finish()
        self._open = False

    def merge(self, other: "Gathering[Key]") -> None:
        """Add the next scenarios of the replicate, gathered apart on the same rulers, to these."""
        self.close()
        other.close()
        for key, summary in self.summaries.items():
            summary.merge(other.summaries[key])
            self.impossible[key] += other.impossible[key]
        self.first = other.first | self.first
        self._drawn |= other._drawn

    def __getstate__(self) -> dict[str, Any]:
        """What it takes to merge."""
        self._summarize()
        return {**vars(self), "quantities": {}}

    def finish(self, statistics: Sequence[Statistic]) -> dict[Key, Part]:
        """The parts of the columns; to be called once, when all of the replicate's scenarios are here."""
        return finished([self], statistics)[0]


def finished(gatherings: Sequence[Gathering[Key]], statistics: Sequence[Statistic]) -> list[dict[Key, Part]]:
    """The parts of the columns of several replicates, as `Gathering.finish` gives them."""
    _summarize(gatherings)
    summaries = [summary for gathering in gatherings for summary in gathering.summaries.values()]
    for gathering in gatherings:
        gathering.close()
    batches = [summaries[first : first + _AT_ONCE] for first in range(0, len(summaries), _AT_ONCE)]
    kept = (values for batch in batches for values in _kept(statistics, batch))
    for gathering in gatherings:
        for key, summary in gathering.summaries.items():
            first = {fault: chunk for (of, fault), chunk in gathering.first.items() if of == key}
            values, faults, fixed = next(kept), gathering.faults(key), key not in gathering._drawn
            gathering.parts[key] = Part(summary, values, faults, first, fixed=fixed)
            summary.forget_steps()
    return [gathering.parts for gathering in gatherings]


def _summarize(gatherings: Sequence[Gathering[Key]]) -> None:
    """Add what waits in gatherings, in one go where it is as long and has the same weights."""
    alike: dict[Any, list[tuple[Gathering[Key], Key]]] = {}
    for gathering in gatherings:
        for key, (column, size, weights, _) in gathering._waiting.items():
            together = (size, id(weights)) if is_column(column) and on_host(column) else (id(gathering), key)
            alike.setdefault(together, []).append((gathering, key))
    for places in alike.values():
        columns, (size, *_), (weights, *_), chunks = zip(*(each._waiting[key] for each, key in places), strict=True)
        if len(places) > 1:
            add_rows([each.summaries[key] for each, key in places], np.array(columns, np.float64), size, weights)
        else:
            ((gathering, key),) = places
            gathering.summaries[key].add(columns[0], size, weights)
        for (gathering, key), column, chunk in zip(places, columns, chunks, strict=True):
            gathering._look_for_faults(key, column, size, chunk)
    for gathering in gatherings:
        gathering._waiting = {}


class Pilot(Gathering[Key]):
    """The columns of some of the scenarios, kept as they are: what rulers are laid out by."""

    def __init__(self, keys: Iterable[Key]) -> None:
        super().__init__({key: Bits() for key in keys})
        self._kept: dict[Key, list[tuple[Array, Counts | None]]] = {key: [] for key in self.summaries}

    def add(self, key: Key, column: Values, size: int, weights: Counts | None = None, *, chunk: int = 0) -> None:
        """Keep the finite values of the next block, of `size` scenarios."""
        del chunk
        values = np.broadcast_to(np.asarray(column, dtype=np.float64), size)
        finite = np.isfinite(values)
        self._kept[key].append((values[finite], None if weights is None else weights[finite]))

    def finish(self, statistics: Sequence[Statistic]) -> dict[Key, Part]:
        """Nothing yet: a pilot tells no statistics."""
        del statistics
        return {}

    def suffices(self) -> bool:
        """Whether there is enough of each column."""
        return all(sum(len(values) for values, _ in kept) >= LEAST_PILOT for kept in self._kept.values())

    def rulers(self, share: float) -> dict[Key, Ruler]:
        """The rulers of the columns, of which the pilot is so large a share."""
        return {key: laid_out(kept, share) for key, kept in self._kept.items()}


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
        self._replicates = _kept([*self.statistics.values()], [summary]) * len(self._replicates)

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


def _kept(statistics: Sequence[Statistic], summaries: Sequence[Summary]) -> list[Mapping[str, Any]]:
    """What a replicate keeps for the errors of its columns, by statistic."""
    kept = {each.name: (each.kept or each.of)(summaries) for each in statistics if each.error and summaries}
    return [{name: rows[place] for name, rows in kept.items()} for place in range(len(summaries))]


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
