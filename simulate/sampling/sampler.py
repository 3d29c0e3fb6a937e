"""Draws of named distributions, correlated by a Gaussian copula."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulate.dependence import correlation_matrix, triangular_factor
from simulate.sampling.keys import part_of
from simulate.sampling.schemes import SCHEMES
from simulate.sampling.tables import at_scores, at_words, normal_scores, score_table, uniform_table

if TYPE_CHECKING:
    from simulate.distributions import Distribution
    from simulate.sampling.schemes import Blocks, Words

Array = NDArray[np.float64]

CHUNK = 2**14
REPLICATES = 16


class Sampler:
    """Draws of named distributions, a chunk of `size` scenarios at a time, of `chunks` in a replicate.

    `dimensions` gives each name its dimension in the scheme, in the order of the copula; `latent` holds the Gaussian
    copula's parameter for pairs of names; `wanted` are the names to draw (all by default: what they are correlated
    with is drawn behind them, so that a column does not depend on what else is wanted). Streams are independent
    sets of draws, for estimators that need two: a name has another dimension in each.
    """

    def __init__(
        self,
        distributions: Mapping[str, Distribution],
        dimensions: Mapping[str, int],
        latent: Mapping[tuple[str, str], float],
        *,
        seed: int,
        scheme: str = "sobol",
        size: int = CHUNK,
        chunks: int = 1,
        stream: int = 0,
        wanted: Sequence[str] | None = None,
    ) -> None:
        self.seed, self.scheme, self.size, self.chunks, self.stream = seed, scheme, size, chunks, stream
        self.wanted = tuple(distributions if wanted is None else wanted)
        linked = linked_names(latent, self.wanted)
        drawn = {*self.wanted, *linked}
        self.names = tuple(name for name in dimensions if name in drawn)
        self.rows = {name: row for row, name in enumerate(self.names)}
        self._keys = [part_of(name, stream=stream) for name in self.names]
        self._dimensions = [dimensions[name] for name in self.names]
        self.copula = tuple(name for name in self.names if name in linked)
        self._correlation = correlation_matrix(self.copula, latent)
        self._factor = triangular_factor(self._correlation)
        self._tables = {
            # frozen dataclasses have a hash, which mypy cannot know of a protocol
            name: (score_table if name in linked else uniform_table)(distributions[name])  # type: ignore[arg-type]
            for name in self.wanted
        }

    def words(self, replicate: int) -> Blocks:
        """The uniforms of a replicate: chunk -> words, a row for each of `names`."""
        return SCHEMES[self.scheme](self.seed, replicate, self._keys, self._dimensions, self.size, self.chunks)

    def columns(self, words: Words) -> dict[str, Array]:
        """The draws that words stand for: each wanted name's column, of one value a scenario."""
        scores = self.correlated(self.scores(words))
        return {
            name: self.at_scores(name, scores[name]) if name in scores else self.at_words(name, words)
            for name in self.wanted
        }

    def scores(self, words: Words) -> dict[str, Array]:
        """Independent standard normals, one column for each name in the copula."""
        return {name: normal_scores(words[self.rows[name]]) for name in self.copula}

    def correlated(self, scores: Mapping[str, Array], order: Sequence[str] | None = None) -> dict[str, Array]:
        """Correlated standard normals from independent ones, each a sum over those before it in the order.

        In any order (that of the dimensions by default) the result has the copula's distribution; a name's
        score is a function of the independent scores up to its own, so that freezing those conditions on the
        first names.
        """
        order = self.copula if order is None else order
        factor = self._factor
        if order != self.copula:
            places = [self.copula.index(name) for name in order]
            factor = triangular_factor(self._correlation[np.ix_(places, places)])
        sums = {}
        for row, name in enumerate(order):
            total = factor[row, row] * scores[name]
            for column in np.flatnonzero(factor[row, :row]).tolist():
                total += factor[row, column] * scores[order[column]]
            sums[name] = total
        return sums

    def at_words(self, name: str, words: Words) -> Array:
        """The column of a name outside the copula."""
        return at_words(self._tables[name], words[self.rows[name]])

    def at_scores(self, name: str, scores: Array) -> Array:
        """The column of a name in the copula, at standard normal scores."""
        return at_scores(self._tables[name], scores)


def linked_names(latent: Mapping[tuple[str, str], float], wanted: Collection[str]) -> set[str]:
    """The names that the copula ties to the wanted ones, themselves included."""
    reached = set(wanted)
    while further := {name for pair in latent if reached.intersection(pair) for name in pair} - reached:
        reached |= further
    return {name for pair in latent for name in pair} & reached
