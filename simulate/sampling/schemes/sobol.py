"""Sobol' nets, scrambled: quasi-random, far more even than chance where few quantities decide.

Dimensions below `len(directions())` are some of Joe and Kuo's, chosen so that any two fill the plane well
(benchmarks/sobol_directions.py). Any other number is a dimension too: a replicate draws its generating matrix at
random, upper triangular, so that alone it is as even as the others, and no pair is uneven in all replicates.

Sources: Joe and Kuo (2008), SIAM J. Sci. Comput. 30, 2635, direction numbers new-joe-kuo-6 (BSD licence); Matousek
(1998), J. Complexity 14, 527, linear matrix scramble with a digital shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from simulate.arrays import here, moved
from simulate.sampling.keys import mixed

if TYPE_CHECKING:
    from simulate.sampling.schemes import Blocks, Words


@cache
def directions() -> Words:
    """Direction numbers of the dimensions chosen: (dimension, 32 bits), the first bit the highest."""
    with resources.as_file(resources.files("simulate") / "data" / "sobol_directions.npy") as path:
        numbers: Words = np.load(path)
    return numbers


def generated(random: Words) -> Words:
    """Direction numbers (dimension, 32) of upper triangular matrices that random words, as many, make."""
    diagonal = np.uint32(1) << np.arange(31, -1, -1, dtype=np.uint32)
    return diagonal | (random & ~(diagonal | (diagonal - np.uint32(1))))


def keyed_words(seed: int, replicates: Sequence[int], dimensions: Sequence[int], count: int) -> Words:
    """Random words (replicate, dimension, count), each a function of (seed, replicate, dimension, place)."""
    state = mixed(np.zeros(1, np.uint64), seed % 2**64)
    state = mixed(mixed(state, np.array(replicates, np.uint64))[:, None], np.array(dimensions, np.uint64))
    return (mixed(state[..., None], np.arange(count, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32)


def scrambled(plain: Words, random: Words) -> Words:
    """Direction numbers (dimension, 32) under the triangular matrices that random words, as many, make."""
    places = np.arange(31, -1, -1, dtype=np.uint32)
    diagonal = np.uint32(1) << places
    columns = diagonal | (random & (diagonal - np.uint32(1)))  # of the matrix: one on the diagonal, random below it
    parts = (plain[:, None] >> places[:, None]) & np.uint32(1)  # (dimension, column, bit): whether the column counts
    parts *= columns[..., None]
    product: Words = np.bitwise_xor.reduce(parts, axis=1)
    return product


def net(directions: Words, shift: Words, size: int) -> Blocks:
    """The net of direction numbers, shifted: its chunk k is the chunk 0, in Gray code order, XOR one word a dimension.

    A dimension of the net is a row of `directions` (dimension, 32) and an element of `shift`.
    """
    module = here()
    block = module.empty((len(shift), size), np.uint32)
    block[:, 0] = moved(shift, block)
    bits = size.bit_length() - 1
    steps = moved(directions ^ np.pad(directions, ((0, 0), (1, 0)))[:, :-1], block)
    for bit in range(bits):
        np.bitwise_xor(block[:, : 1 << bit], steps[:, bit, None], out=block[:, 1 << bit : 2 << bit])

    def several(*chunks: int) -> Words:
        words: Words = module.empty((len(shift), len(chunks), size), np.uint32)
        np.bitwise_xor(block[:, None], moved(_first_words(directions, chunks, bits), block)[:, :, None], out=words)
        return words.reshape(len(shift), len(chunks) * size)

    return several


def _first_words(directions: Words, chunks: Sequence[int], bits: int) -> Words:
    """What the first word of each chunk of 2^bits is, XOR that of chunk 0, by (dimension, chunk)."""
    first = np.asarray(chunks, np.uint64) << np.uint64(bits)
    gray = first ^ (first >> np.uint64(1))
    words = np.zeros((len(directions), len(first)), np.uint32)
    for bit in range(max(bits - 1, 0), min(int(gray.max()).bit_length(), 32)):
        words ^= directions[:, bit, None] * (gray >> np.uint64(bit) & np.uint64(1)).astype(np.uint32)
    return words


def words(
    seed: int, replicates: Sequence[int], names: Sequence[str], dimensions: Sequence[int], size: int, chunks: int
) -> Blocks:
    """One scrambled net a replicate, of which each name has a dimension, any number below 2^64."""
    del names, chunks
    chosen = directions()
    random = keyed_words(seed, replicates, dimensions, 65)
    plain = generated(random[..., 33:])
    known = [row for row, dimension in enumerate(dimensions) if dimension < len(chosen)]
    plain[:, known] = chosen[[dimensions[row] for row in known]]
    nets = random.reshape(-1, 65)
    blocks = net(scrambled(plain.reshape(-1, 32), nets[:, :32]), nets[:, 32], size)

    def side_by_side(*chunks: int) -> Words:
        words = blocks(*chunks).reshape(len(replicates), len(dimensions), len(chunks) * size)
        return words.swapaxes(0, 1).reshape(len(dimensions), len(replicates) * len(chunks) * size)

    return blocks if len(replicates) == 1 else side_by_side
