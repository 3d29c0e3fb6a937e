"""Proposals: other distributions of normal scores than the standard normal, from which scenarios are drawn.

What is drawn from another distribution counts by the ratio of the two densities (importance sampling). A proposal is
a mixture of normals, the first of which is the standard normal itself, with a share that is never 0: so the ratio is
bounded, and what the others do not reach is drawn still. Every scenario has the ratio to the whole mixture, whichever
component it comes from (Hesterberg 1995, Technometrics 37, 185: defensive mixtures; Owen and Zhou 2000, J. Am. Stat.
Assoc. 95, 135).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import moved

Array = NDArray[np.float64]
Part = tuple[float, Array, Array]  # share, mean and covariance of a normal

COMPONENT = "observe/component"  # the name by which the uniform is drawn that chooses a component


@dataclass(frozen=True)
class Proposal:
    """A mixture for the independent normal scores of `names`, along which all arrays of scores run first.

    `shares` (component,), `means` (component, name), `factors` (component, name, name): lower triangles, whose
    products with their transposes are the covariances.
    """

    names: tuple[str, ...]
    shares: Array
    means: Array
    factors: Array

    @cached_property
    def _inverses(self) -> Array:
        inverses: Array = np.linalg.inv(self.factors).astype(np.float64)
        return inverses

    def moved(self, scores: Array, uniform: Array) -> Array:
        """Draws of the mixture from standard normals (name, scenario) and uniforms that choose the component."""
        chosen = np.searchsorted(moved(np.cumsum(self.shares)[:-1], uniform), uniform, side="right")
        found = scores.copy()
        for place in range(1, len(self.shares)):
            where = np.flatnonzero(chosen == place)
            mean = moved(self.means[place], scores)[:, None]
            found[:, where] = mean + _product(self.factors[place], scores[:, where])
        return found

    def log_ratio(self, scores: Array) -> Array:
        """The logarithm of the standard normal's density at scores (name, scenario) over the mixture's."""
        standard = -0.5 * _squares(scores)
        logs = []
        for share, mean, factor, inverse in zip(self.shares, self.means, self.factors, self._inverses, strict=True):
            size = float(np.log(share) - np.log(np.diag(factor)).sum())
            logs.append(size - 0.5 * _squares(_product(inverse, scores - moved(mean, scores)[:, None])))
        greatest = reduce(np.maximum, logs)
        ratio: Array = standard - greatest - np.log(reduce(np.add, [np.exp(each - greatest) for each in logs]))
        return ratio


def _product(triangle: Array, columns: Array) -> Array:
    """A lower triangle times columns; no BLAS, whose order hangs on threads."""
    rows = np.zeros_like(columns)
    for row, line in enumerate(triangle):
        for column in np.flatnonzero(line[: row + 1]).tolist():
            rows[row] += line[column] * columns[column]
    return rows


def _squares(columns: Array) -> Array:
    squares: Array = np.add.reduce(columns * columns, axis=0)
    return squares


def mixture(names: Sequence[str], parts: Sequence[Part], standard: float) -> Proposal:
    """The mixture of the standard normal, with its share, and parts in proportion to theirs.

    Raises numpy.linalg.LinAlgError for a covariance that is none.
    """
    size, total = len(names), sum(share for share, _, _ in parts)
    shares = np.array([standard, *((1 - standard) * share / total for share, _, _ in parts)])
    means = np.array([np.zeros(size), *(mean for _, mean, _ in parts)])
    factors = np.array([np.eye(size), *(np.linalg.cholesky(covariance) for _, _, covariance in parts)])
    return Proposal(tuple(names), shares, means, factors)
