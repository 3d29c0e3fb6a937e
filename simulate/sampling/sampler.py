"""Draws of named distributions, correlated by a Gaussian copula."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import moved, scratch, to_host
from simulate.dependence import correlation_matrix, triangular_factor
from simulate.device import add_multiple, with_kernel
from simulate.distributions.scores import normal_probability
from simulate.sampling.keys import number_of, part_of
from simulate.sampling.proposal import COMPONENT, Proposal
from simulate.sampling.schemes import SCHEMES
from simulate.sampling.tables import (
    SCORE_LIMIT,
    Lines,
    at_scores,
    at_words,
    normal_scores,
    probabilities,
    score_table,
    uniform_table,
)

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
    sets of draws, for estimators that need two: a name has another dimension in each. A `proposal` takes the place of
    the standard normal for the scores of its names; another name's draws are as without. Where draws are to be `exact`,
    no tables are made, which pays for few.
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
        proposal: Proposal | None = None,
        exact: bool = False,
    ) -> None:
        self.seed, self.scheme, self.size, self.chunks, self.stream = seed, scheme, size, chunks, stream
        self.exact = exact
        self.wanted = tuple(distributions if wanted is None else wanted)
        linked = linked_names(latent, self.wanted)
        drawn = {*self.wanted, *linked}
        self.names = tuple(name for name in dimensions if name in drawn)
        self._keys = [part_of(name, stream=stream) for name in self.names]
        self._dimensions = [dimensions[name] for name in self.names]
        self.proposal = proposal
        if proposal:
            self._keys.append(COMPONENT)
            self._dimensions.append(number_of(COMPONENT))
            self.names = (*self.names, COMPONENT)
        self.rows = {name: row for row, name in enumerate(self.names)}
        self.copula = tuple(name for name in self.names if name in linked)
        self._correlation = correlation_matrix(self.copula, latent)
        self._factor = triangular_factor(self._correlation)
        self._scored = linked.union(proposal.names if proposal else ())
        self._distributions = {name: distributions[name] for name in self.wanted}
        self._tables = self._made()

    def _made(self) -> dict[str, Lines]:
        """The table of each wanted name."""
        return {
            name: (score_table if name in self._scored else uniform_table)(distribution)
            for name, distribution in self._distributions.items()
            if not self.exact
        }

    def __getstate__(self) -> dict[str, Any]:
        """All but the tables, which are large: whoever is sent a sampler makes them, or has them."""
        return {name: value for name, value in vars(self).items() if name != "_tables"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._tables = self._made()

    def words(self, *replicates: int) -> Blocks:
        """The uniforms of replicates: chunk -> words, a row for each of `names`."""
        return SCHEMES[self.scheme](self.seed, replicates, self._keys, self._dimensions, self.size, self.chunks)

    def columns(self, words: Words) -> dict[str, Array]:
        """The draws that words stand for: each wanted name's column, of one value a scenario."""
        scores = self.joint(words)
        return {
            name: self.at_scores(name, scores[name]) if name in scores else self.at_words(name, words)
            for name in self.wanted
        }

    def joint(self, words: Words, others: Sequence[str] = ()) -> dict[str, Array]:
        """The normal scores by which each name in the copula or moved by the proposal is drawn, and `others`."""
        scores = self.scores(words, others)
        return {**scores, **self.correlated(scores)}

    def scores(self, words: Words, others: Sequence[str] = ()) -> dict[str, Array]:
        """Independent normals, standard ones or as the proposal has them: a column for each name in the copula.

        So also for the names moved, and `others`.
        """
        standard = {name: normal_scores(words[self.rows[name]]) for name in (*self.copula, *others)}
        if not self.proposal:
            return standard
        return {**standard, **dict(zip(self.proposal.names, self._moved(words, self.proposal), strict=True))}

    def log_ratio(self, words: Words) -> Array | float:
        """The logarithm of the priors' density over that of what is drawn."""
        return self.proposal.log_ratio(self._moved(words, self.proposal)) if self.proposal else 0.0

    def _moved(self, words: Words, proposal: Proposal) -> Array:
        scores = np.stack([normal_scores(words[self.rows[name]]) for name in proposal.names])
        return proposal.moved(scores, probabilities(words[self.rows[COMPONENT]])[0])

    def behind(self, names: Collection[str]) -> tuple[str, ...]:
        """The names on whose independent scores the draws of some names depend: these, and those before them."""
        rows = [row for row, name in enumerate(self.copula) if name in names]
        before = {self.copula[column] for row in rows for column in np.flatnonzero(self._factor[row]).tolist()}
        return tuple(name for name in self.names if name in before or (name in names and name not in self.copula))

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
                _add_multiple(total, float(factor[row, column]), scores[order[column]])
            sums[name] = total
        return sums

    def at_words(self, name: str, words: Words) -> Array:
        """The column of a name outside the copula."""
        if self.exact:
            return self._distributions[name].quantile(*probabilities(words[self.rows[name]]))
        return at_words(self._tables[name], words[self.rows[name]])

    def at_scores(self, name: str, scores: Array) -> Array:
        """The column of a name in the copula, at standard normal scores; beyond its table's, those are exact."""
        if self.exact:
            return self._distributions[name].quantile(*normal_probability(scores))
        values = at_scores(self._tables[name], scores)
        if self.proposal and len(far := np.flatnonzero(np.abs(scores) >= SCORE_LIMIT)):
            exact = self._distributions[name].quantile(*normal_probability(to_host(scores[far])))
            values[far] = moved(exact, values)
        return values


@with_kernel(add_multiple)
def _add_multiple(total: Array, factor: float, column: Array) -> None:
    (multiple,) = scratch(column, np.float64)
    total += np.multiply(column, factor, out=multiple)


def linked_names(latent: Mapping[tuple[str, str], float], wanted: Collection[str]) -> set[str]:
    """The names that the copula ties to the wanted ones, themselves included."""
    reached = set(wanted)
    while further := {name for pair in latent if reached.intersection(pair) for name in pair} - reached:
        reached |= further
    return {name for pair in latent for name in pair} & reached
