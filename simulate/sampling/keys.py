"""What keys the schemes: the SplitMix64 mixer and the keys of names.

Source: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]


def mixed(state: Keys, step: Keys | int) -> Keys:
    """SplitMix64: the mixed state, `step` golden ratios on."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        z = state + golden * (np.asarray(step, dtype=np.uint64) + np.uint64(1))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Keys = z ^ (z >> np.uint64(31))
    return result


def key_of(seed: int, name: str) -> int:
    """The key of a name, of 128 bits."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {name}".encode(), digest_size=16).digest(), "little")


def number_of(name: str) -> int:
    """The number of a name, of 64 bits, at least 2^63."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") | 1 << 63


def part_of(name: str, part: str | int = 0, stream: int = 0) -> str:
    """The name that a part of a prior is drawn by, in an independent stream.

    Part 0 is what the prior has been drawn by as long as it had no other: its size. Others are, say, whether it
    happens, or its value in a year.
    """
    key = f"{name}/{part}" if part else name
    return f"{key}#{stream}" if stream else key
