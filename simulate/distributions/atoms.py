"""Atoms: the values that have a probability by themselves."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simulate.distributions.protocol import Array, Distribution


class Pieces(NamedTuple):
    """A distribution in pieces, from the lowest: the probability of each, and its value, nan where it has many."""

    probabilities: Array
    values: Array

    @property
    def are_atoms(self) -> bool:
        """Whether nothing is spread between the values."""
        return not np.isnan(self.values).any()


@lru_cache(maxsize=512)
def pieces(distribution: Distribution) -> Pieces:
    """The pieces between the jumps of a distribution, where there are none it as a whole."""
    levels = np.concatenate([[0.0], distribution.jumps, [1.0]])
    probabilities = np.diff(levels)
    first, second = (distribution.quantile(levels[:-1] + share * probabilities) for share in (0.25, 0.75))
    return Pieces(probabilities, np.where(first == second, first, np.nan))
