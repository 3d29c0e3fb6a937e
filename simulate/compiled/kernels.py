"""The compiled forms, as loops in plain Python: numba's types stand in `SIGNATURES`, numpy's forms where they are used.

A form rounds after each operation as numpy's does, so none holds a transcendental function, whose last bit is a
library's own, nor a sum of many numbers, whose order is numpy's own. What a form depends on is an argument: numba's
cache knows no other file than this one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def on_word_lines(words: NDArray[np.uint32], slope: Array, intercept: Array, leading_bits: int) -> Array:
    """Each word's position, its cell by the sign, the exponent and leading bits, and the value on the cell's line."""
    values = np.empty(words.size, np.float64)
    signed, bits = words.view(np.int32), values.view(np.int64)
    half, shift = slope.size >> 1, 52 - leading_bits
    for place in range(words.size):
        position = signed[place] + 0.5
        values[place] = position  # whose bits are read
        leading = bits[place] >> shift
        cell = (leading & (half - 1)) | ((leading >> 63) & half)
        values[place] = slope[cell] * position + intercept[cell]
    return values


def on_score_lines(scores: Array, slope: Array, intercept: Array, limit: float) -> Array:
    """Each normal score's cell, of equal ones up to the limit on either side, and the value on the cell's line."""
    values = np.empty(scores.size, np.float64)
    by_unit = slope.size / (2 * limit)
    for place in range(scores.size):
        position = min(max(scores[place], -limit), limit - 1e-9)
        cell = int((position + limit) * by_unit)
        values[place] = slope[cell] * position + intercept[cell]
    return values


def add_multiple(total: Array, factor: float, column: Array) -> None:
    """Add a multiple of a column to a total, in place."""
    for place in range(total.size):
        total[place] += factor * column[place]


SIGNATURES: dict[Callable[..., Any], str] = {
    on_word_lines: "float64[::1](uint32[::1], float64[::1], float64[::1], int64)",
    on_score_lines: "float64[::1](float64[::1], float64[::1], float64[::1], float64)",
    add_multiple: "void(float64[::1], float64, float64[::1])",
}
