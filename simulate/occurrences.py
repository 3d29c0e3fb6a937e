"""Numbers counted one by one, as long as they are few."""

import numpy as np

from simulate.plain import storable
from simulate.rulers import MOST_VALUES, Array, Counts


@storable
class Occurrences:
    """How often each of some numbers occurs: added up in any order, kept in rising order."""

    def __init__(self) -> None:
        self._pending: list[tuple[Array, Counts]] = []
        self._held = 0

    def __copy__(self) -> "Occurrences":
        """The same, to be added to by itself."""
        copied = Occurrences()
        copied._pending, copied._held = [*self._pending], self._held
        return copied

    def add(self, numbers: Array, times: Counts) -> None:
        """Add distinct numbers and how often each occurs."""
        self._pending.append((numbers, times))
        self._held += len(numbers)
        if self._held > 4 * MOST_VALUES:
            self.settled()

    def settled(self) -> tuple[Array, Counts]:
        """The distinct numbers and how often each occurs, both of shape (n,)."""
        if not self._pending:
            return np.zeros(0), np.zeros(0, np.int64)
        if len(self._pending) > 1:
            numbers, times = (np.concatenate(each) for each in zip(*self._pending, strict=True))
            self._pending = occurrences(numbers[None], None if (times == 1).all() else times)
        self._held = len(self._pending[0][0])
        return self._pending[0]

    def exceed(self, most: int) -> bool:
        """Whether there are more than so many distinct numbers."""
        return self._held > most and len(self.settled()[0]) > most


def occurrences(rows: Array, weights: Counts | None) -> list[tuple[Array, Counts]]:
    """The distinct numbers of each row and how often each occurs, or as the weights of its places say."""
    if weights is not None:
        return [_weighted(row, weights) for row in rows]
    count = rows.shape[1]
    ordered, once = np.sort(rows, axis=1), np.ones(count, np.int64)
    new = ordered[:, 1:] > ordered[:, :-1]
    found = []
    for row, is_new, distinct in zip(ordered, new, np.all(new, axis=1), strict=True):
        if distinct:
            found.append((row, once))
            continue
        first = np.flatnonzero(np.concatenate([[True], is_new]))
        found.append((row[first], np.diff(first, append=count)))
    return found


def _weighted(numbers: Array, weights: Counts) -> tuple[Array, Counts]:
    distinct, places = np.unique(numbers, return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, places, weights)
    return distinct, sums
