"""Gatherings: the columns of a replicate, summarized block by block, each on its ruler.

Short blocks wait, so that those of several columns and replicates are summarized in one go.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from simulate.arrays import is_column, on_host
from simulate.graph import Array, Quantity, Values
from simulate.plain import storable
from simulate.rulers import LEAST_PILOT, Bits, Counts, Ruler, laid_out
from simulate.statistics import Statistic
from simulate.summary import Summary, add_rows

SHORT = 2**10  # scenarios of a block up to which what a call of numpy takes is more than what it does
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
        if size > SHORT or not on_host(column):
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
    kept = (values for batch in batches for values in kept_of(statistics, batch))
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


def kept_of(statistics: Sequence[Statistic], summaries: Sequence[Summary]) -> list[Mapping[str, Any]]:
    """What a replicate keeps for the errors of its columns, by statistic."""
    kept = {each.name: (each.kept or each.of)(summaries) for each in statistics if each.error and summaries}
    return [{name: rows[place] for name, rows in kept.items()} for place in range(len(summaries))]
