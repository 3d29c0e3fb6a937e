"""Truncated distributions through percentiles: how much the bounds cut off is found along with the base."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simulate.distributions.derived import Truncated
from simulate.distributions.protocol import Array, Distribution, ParameterError, Percentile
from simulate.distributions.scores import log_odds
from simulate.distributions.solvers import newton, root

LEAST = 1e-9  # of the base that lies between the bounds: fits that leave less are not looked for
FARTHEST = 21.0  # log odds of what is cut off against what is left: a little more than 1 / LEAST
ODDS = np.arange(-2 * FARTHEST, 2 * FARTHEST + 1)  # between which one unknown is bracketed
COARSE = np.array([-2 * FARTHEST, -FARTHEST, -10, -5, -2, 0, 2, 5, 10, 14, 18, FARTHEST])  # of two unknowns, each
STARTS = 6  # how many pairs of those are tried
IMPOSSIBLE = (ParameterError, OverflowError, ZeroDivisionError)


def through_truncated(
    build: Callable[..., Distribution], points: Sequence[Percentile], lower: float, upper: float
) -> Iterator[Truncated]:
    """Truncated distributions that may have these percentiles themselves, likely ones first.

    The percentile p of one is the percentile P(base < lower) + p * mass of its base, which is built from percentiles.
    The unknowns are the log odds of what each bound cuts off against the mass between: one is bracketed, of two
    several starts are tried. For a single percentile the unknown is the probability of the base below it.
    """
    whole = Truncated(build(*points), lower, upper)
    yield whole
    if not _cut_off(whole).any():  # the bounds lie outside the support, or too far out for a float to tell
        return
    search = _Search(build, points, whole)
    for logs in search.found():
        try:
            yield search.fitted(logs)
        except IMPOSSIBLE:
            continue


class _Search:
    """Looks for truncated distributions, from the one whose base has the percentiles."""

    def __init__(self, build: Callable[..., Distribution], points: Sequence[Percentile], whole: Truncated) -> None:
        self.build, self.points, self.whole = build, points, whole
        self.values = np.array([at.value for at in points])
        self.wanted = log_odds(np.array([at.p for at in points]), np.array([at.q for at in points]))
        self.cuts = _cut_off(whole) > 0

    def fitted(self, logs: Array) -> Truncated:
        if len(self.points) == 1:
            (at,), (log,) = self.points, logs.tolist()
            base = self.build(at._replace(p=1 / (1 + np.exp(-log)), q=1 / (1 + np.exp(log))))
        else:
            odds = np.zeros(2)
            odds[self.cuts] = np.exp(np.minimum(logs, 700))
            mass = 1 / (1 + odds.sum())
            below, above = (odds * mass).tolist()
            base = self.build(*[at._replace(p=below + at.p * mass, q=above + at.q * mass) for at in self.points])
        return Truncated(base, self.whole.lower, self.whole.upper)

    def beside_wanted(self, logs: Array) -> Array:
        """By how much the percentiles are missed, in log odds."""
        try:
            return log_odds(*self.fitted(logs).probability(self.values)) - self.wanted
        except IMPOSSIBLE:
            return np.full(logs.shape, np.inf)

    def beside_assumed(self, logs: Array) -> Array:
        """By how much what is cut off differs from what the base has been fitted with."""
        try:
            made = self.fitted(logs)
        except IMPOSSIBLE:
            return np.full(logs.shape, np.inf)
        return np.asarray((np.log(_cut_off(made)) - np.log(made.mass))[self.cuts] - logs)

    def found(self) -> Iterator[Array]:
        """The unknowns at which a fit is likely."""
        if len(self.points) == 1:
            yield from _crossings(self.beside_wanted)
            return
        yield newton(self.beside_assumed, (np.log(_cut_off(self.whole)) - np.log(self.whole.mass))[self.cuts])
        if self.cuts.sum() == 1:
            yield from _crossings(self.beside_assumed)
            return
        starts = np.stack(np.meshgrid(COARSE, COARSE), -1).reshape(-1, 2)
        misfits = np.array([np.linalg.norm(self.beside_wanted(start)) for start in starts])
        for place in np.argsort(np.nan_to_num(misfits, nan=np.inf))[:STARTS]:
            yield newton(self.beside_wanted, starts[place])


def _cut_off(truncated: Truncated) -> Array:
    return np.array([truncated.cuts[0], truncated.cuts[3]])


def _crossings(function: Callable[[Array], Array]) -> Iterator[Array]:
    """Where a function of one unknown crosses 0."""
    values = np.concatenate([function(ODDS[at : at + 1]) for at in range(len(ODDS))])
    for at in np.flatnonzero(values[:-1] * values[1:] <= 0).tolist():
        sign = np.sign(values[at + 1] - values[at])

        def rising(x: Array, _: NDArray[np.intp], sign: float = sign) -> Array:
            return sign * function(x)

        yield root(rising, ODDS[at : at + 1], ODDS[at + 1 : at + 2])
