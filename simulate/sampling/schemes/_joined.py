"""Schemes that make one chunk at a time, on the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulate.arrays import here

if TYPE_CHECKING:
    from simulate.sampling.schemes import Blocks, Words


def side_by_side(replicates: Sequence[Callable[[int], Words]]) -> Blocks:
    """The words of several chunks from those of each of each replicate, where they are drawn."""

    def several(*chunks: int) -> Words:
        made = [chunk(each) for chunk in replicates for each in chunks]
        words: Words = here().asarray(made[0] if len(made) == 1 else np.concatenate(made, axis=1))
        return words

    return several
