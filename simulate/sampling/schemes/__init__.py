"""Schemes, a file each: how uniforms are made. A new scheme is a module with a function `words`.

A uniform is a 32-bit word x and stands for (x + 1/2) / 2^32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from simulate.registry import Registry

if TYPE_CHECKING:  # the names of the schemes must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint32]
    # chunks -> words, one row a name, one column a scenario: the chunks side by side, of one replicate after the other
    Blocks = Callable[..., Words]


class Scheme(Protocol):
    """The words of replicates of `chunks` chunks, each of `size` scenarios, a power of two.

    A row depends on its own name or dimension, not on the others. Streams of different seeds, replicates,
    names or dimensions are independent.
    Raises SimulateError for more than a scheme holds.
    """

    def __call__(
        self,
        seed: int,
        replicates: Sequence[int],
        names: Sequence[str],
        dimensions: Sequence[int],
        size: int,
        chunks: int,
    ) -> Blocks:
        """Give the function from chunks, one or several, to their words."""
        ...


SCHEMES: Registry[Scheme] = Registry("simulate.sampling.schemes", "words", "scheme")
