"""Latin hypercubes: of n scenarios, each name has exactly one in every n-th part of its distribution.

They are sliced, so that a chunk needs no other: a chunk of m scenarios is a Latin hypercube of m strata by itself,
in a random order of its own, and a name's chunks go in turn through the parts of each of these strata, which makes
them one Latin hypercube together. Within its part a scenario lies where the scheme `random` says.

Sources: McKay, Beckman and Conover (1979), Technometrics 21; Qian (2012), J. Am. Stat. Assoc. 107, the slices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulate.errors import SimulateError
from simulate.sampling.keys import key_of, mixed
from simulate.sampling.schemes._joined import side_by_side
from simulate.sampling.schemes.random import streams

if TYPE_CHECKING:
    from simulate.sampling.schemes import Blocks, Words

ROUNDS = 8  # two mix every bit into every other; the others hide the structure


def permutation(size: int, constants: Words) -> Words:
    """The integers below a power of two in an order that two constants a round choose."""
    bits = size.bit_length() - 1
    mask, shift = np.uint32(size - 1), np.uint32((bits + 1) // 2 or 1)
    order = np.arange(size, dtype=np.uint32)
    for multiplier, addend in constants.reshape(-1, 2):  # each step can be undone, so that no two become one
        order *= multiplier | np.uint32(1)
        order += addend
        order &= mask
        order ^= order >> shift
    return order


def words(
    seed: int, replicates: Sequence[int], names: Sequence[str], dimensions: Sequence[int], size: int, chunks: int
) -> Blocks:
    """One hypercube for all chunks of a replicate. Raises SimulateError beyond 2^32 scenarios of it."""
    if size * chunks > 2**32:
        limit = f"the scheme latin_hypercube holds {2**32:,} scenarios a replicate, not {size * chunks:,}"
        raise SimulateError(f"{limit}; choose the scheme random, or fewer scenarios")
    del dimensions
    return side_by_side([_of_replicate(seed, replicate, names, size, chunks) for replicate in replicates])


def _of_replicate(seed: int, replicate: int, names: Sequence[str], size: int, chunks: int) -> Callable[[int], Words]:
    """The hypercube of a replicate, chunk by chunk.

    A stratum holds the words x for which (x + 1/2) / 2^32 lies in it, floor(2^32 / n) of them or one more.
    """
    jitter = streams(seed, replicate, names, size)
    states = mixed(np.array([key_of(seed, name) % 2**64 for name in names], np.uint64), replicate)[:, None]
    # words of a stratum of a chunk; its parts begin at edges rounded to the nearest word, a half down
    width = 2**32 // size
    edges = np.array([(part * width + (chunks - 1) // 2) // chunks for part in range(chunks + 1)], np.uint64)
    begins, held = np.tile(edges[:-1], 2), np.tile(np.diff(edges), 2)  # twice, to go through them from any on
    # words of a chunk beyond the last tell which part of each stratum is chunk 0's
    starts = jitter(chunks)

    def chunk(index: int) -> Words:
        assert index < chunks
        block = jitter(index)
        constants = mixed(mixed(states, index), np.arange(2 * ROUNDS, dtype=np.uint64)).astype(np.uint32)
        for row, constant, start in zip(block, constants, starts, strict=True):
            strata = permutation(size, constant)
            part = start.take(strata).astype(np.int64)
            part *= chunks
            part >>= 32
            part += index
            inside = row * held.take(part)
            inside >>= np.uint64(32)
            inside += begins.take(part)
            inside += strata * np.uint64(width)
            row[:] = inside
        return block

    return chunk
