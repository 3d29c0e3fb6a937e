"""Atoms: the values that have a probability by themselves."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simulate.distributions.protocol import Array, Distribution

_GAP = 1e-6  # of two values: nearer each other there is none between them
LEAST = 1e-12  # of all: a piece of less is nothing that a run shows, or that is not rounding of sums


class Pieces(NamedTuple):
    """A distribution in pieces, from the lowest: the levels 0, ..., 1 between which they lie, and the value of each.

    A value is nan where the piece has many.
    """

    levels: Array
    values: Array

    @property
    def probabilities(self) -> Array:
        """That of each piece."""
        return np.diff(self.levels)

    @property
    def are_atoms(self) -> bool:
        """Whether nothing is spread between the values."""
        return not np.isnan(self.values).any()


@lru_cache(maxsize=512)
def pieces(distribution: Distribution) -> Pieces:
    """The pieces between the jumps of a distribution, where there are none it as a whole.

    One of next to no probability, such as the tail of a normal beyond an atom far away, goes with its neighbour.
    """
    jumps = distribution.jumps[(distribution.jumps > LEAST) & (distribution.jumps < 1 - LEAST)]
    levels = np.concatenate([[0.0], jumps[np.diff(jumps, prepend=0.0) > LEAST], [1.0]])
    first, second = (distribution.quantile(levels[:-1] + share * np.diff(levels)) for share in (0.25, 0.75))
    return Pieces(levels, np.where(first == second, first, np.nan))


@lru_cache(maxsize=512)
def apart(distribution: Distribution) -> Array:
    """The probabilities of atoms and of what else lies apart; pieces that touch, neither of them an atom, are one."""
    found = pieces(distribution)
    spread, between = np.isnan(found.values), found.levels[1:-1]
    step = np.minimum(between, 1 - between) * 2.0**-30  # more than rounding of the level
    below, above = distribution.quantile(between - step), distribution.quantile(between + step)
    gap = above - below > _GAP * (np.abs(above) + np.abs(below))
    first = np.flatnonzero(np.concatenate([[True], gap | ~(spread[1:] & spread[:-1])]))
    masses: Array = np.add.reduceat(found.probabilities, first)
    return masses
