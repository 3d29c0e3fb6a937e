"""Plain Monte Carlo: independent random scenarios, a Philox stream for each name.

Source: Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulate.sampling.keys import key_of
from simulate.sampling.schemes._joined import side_by_side

if TYPE_CHECKING:
    from simulate.sampling.schemes import Blocks, Words


def words(
    seed: int, replicates: Sequence[int], names: Sequence[str], dimensions: Sequence[int], size: int, chunks: int
) -> Blocks:
    """The stream of each name, its counter at (chunk, replicate)."""
    del dimensions, chunks
    return side_by_side([streams(seed, replicate, names, size) for replicate in replicates])


def streams(seed: int, replicate: int, names: Sequence[str], size: int) -> Callable[[int], Words]:
    """The same, chunk by chunk."""
    keys = [key_of(seed, name) for name in names]

    def chunk(index: int) -> Words:
        words = np.empty((len(names), size), np.uint32)
        for row, key in zip(words, keys, strict=True):
            stream = np.random.Philox(key=key, counter=[0, 0, index, replicate])
            row[:] = stream.random_raw((size + 1) // 2).astype("<u8", copy=False).view(np.uint32)[:size]
        return words

    return chunk
