"""Sobol' nets, scrambled: quasi-random, far more even than chance where few quantities decide.

Sources: Joe and Kuo (2008), direction numbers new-joe-kuo-6; Matousek (1998), linear matrix scramble with
a digital shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from simulate.errors import SimulateError
from simulate.sampling.keys import mixed

if TYPE_CHECKING:
    from simulate.sampling.schemes import Blocks, Words


@cache
def directions() -> Words:
    """Direction numbers of the Sobol' sequence: (1024 dimensions, 32 bits), the first bit the highest."""
    with resources.as_file(resources.files("simulate") / "data" / "sobol_directions.npy") as path:
        numbers: Words = np.load(path)
    return numbers


def keyed_words(seed: int, replicate: int, dimensions: Sequence[int], count: int) -> Words:
    """Random words (dimension, count), each a function of (seed, replicate, dimension, place)."""
    state = mixed(np.zeros(1, np.uint64), seed % 2**64)
    state = mixed(mixed(state, replicate), np.asarray(dimensions, dtype=np.uint64))
    return (mixed(state[:, None], np.arange(count, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32)


def scrambled(plain: Words, random: Words) -> Words:
    """Direction numbers (dimension, 32) under the triangular matrices that random words, as many, make."""
    product = np.zeros_like(plain)
    for bit in range(32):  # column `bit` of the matrix: one on the diagonal, random below it
        diagonal = np.uint32(1 << (31 - bit))
        column = diagonal | (random[:, bit, None] & (diagonal - np.uint32(1)))
        product ^= np.where(plain & diagonal, column, np.uint32(0))
    return product


def net(directions: Words, shift: Words, size: int) -> Blocks:
    """The net of direction numbers, shifted: its chunk k is the chunk 0, in Gray code order, XOR one word a dimension.

    A dimension of the net is a row of `directions` (dimension, 32) and an element of `shift`.
    """
    block = np.empty((len(shift), size), np.uint32)
    block[:, 0] = shift
    bits = size.bit_length() - 1
    for bit in range(bits):
        step = directions[:, bit] ^ (directions[:, bit - 1] if bit else np.uint32(0))
        np.bitwise_xor(block[:, : 1 << bit], step[:, None], out=block[:, 1 << bit : 2 << bit])

    def chunk(index: int) -> Words:
        first = index << bits
        gray = first ^ (first >> 1)
        set_bits = [bit for bit in range(32) if gray >> bit & 1]
        word = np.bitwise_xor.reduce(directions[:, set_bits], axis=1)
        words: Words = block ^ word[:, None]
        return words

    return chunk


def words(seed: int, replicate: int, names: Sequence[str], dimensions: Sequence[int], size: int, chunks: int) -> Blocks:
    """One scrambled net of which each name has a dimension. Raises SimulateError beyond the 1,024 there are."""
    del names, chunks
    plain = directions()
    needed = max(dimensions, default=-1) + 1
    if needed > len(plain):
        limit = f"the scheme sobol has {len(plain):,} dimensions, one a quantity"
        raise SimulateError(f"{limit}; for the {needed:,} needed here, choose the scheme random")
    random = keyed_words(seed, replicate, dimensions, 33)
    return net(scrambled(plain[list(dimensions)], random[:, :32]), random[:, 32], size)
