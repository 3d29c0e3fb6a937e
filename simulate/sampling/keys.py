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
