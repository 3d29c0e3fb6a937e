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
            self._pending = [occurrences(numbers, times)]
        self._held = len(self._pending[0][0])
        return self._pending[0]

    def exceed(self, most: int) -> bool:
        """Whether there are more than so many distinct numbers."""
        return self._held > most and len(self.settled()[0]) > most


def occurrences(numbers: Array, weights: Counts | None) -> tuple[Array, Counts]:
    """The distinct numbers and how often each occurs, or as their weights say."""
    if weights is None:
        ordered = np.sort(numbers)
        first = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1]]))
        if len(first) == len(ordered):
            return ordered, np.ones(len(ordered), np.int64)
        return ordered[first], np.diff(first, append=len(ordered))
    distinct, places = np.unique(numbers, return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, places, weights)
    return distinct, sums
