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
Counts = NDArray[np.int64]

_TOGETHER = 256  # values searched side by side


def on_word_lines(words: NDArray[np.uint32], slope: Array, intercept: Array, leading_bits: int, values: Array) -> None:
    """Each word's position, its cell by the sign, the exponent and leading bits, and the value on the cell's line."""
    signed, bits = words.view(np.int32), values.view(np.int64)
    half, shift = slope.size >> 1, 52 - leading_bits
    for place in range(words.size):
        position = signed[place] + 0.5
        values[place] = position  # whose bits are read
        leading = bits[place] >> shift
        cell = (leading & (half - 1)) | ((leading >> 63) & half)
        values[place] = slope[cell] * position + intercept[cell]


def on_score_lines(scores: Array, slope: Array, intercept: Array, limit: float, values: Array) -> None:
    """Each normal score's cell, of equal ones up to the limit on either side, and the value on the cell's line."""
    by_unit = slope.size / (2 * limit)
    for place in range(scores.size):
        position = min(max(scores[place], -limit), limit - 1e-9)
        cell = int((position + limit) * by_unit)
        values[place] = slope[cell] * position + intercept[cell]


def add_multiple(total: Array, factor: float, column: Array) -> None:
    """Add a multiple of a column to a total, in place."""
    for place in range(total.size):
        total[place] += factor * column[place]


def count_in_bits(values: Array, weights: Counts, start: int, counts: Counts, shift: int) -> int:
    """Count each value in the bin of its leading bits, from a positive one on; how many are in none.

    There may be no weights, for once each.
    """
    bits, number = values.view(np.int64), 0
    for place in range(values.size):
        cell = (bits[place] >> shift) - start
        if 0 <= cell < counts.size:
            counts[cell] += weights[place] if weights.size else 1
        else:
            number += 1
    return number


def count_in_knots(
    values: Array, weights: Counts, first: Counts, low: Array, scale: Array, counts: Counts, parts: int
) -> int:
    """Count each value at the knot, or in the part of the segment after it, where it is; how many are at none.

    The knots, every other one of `low`, are searched by halves, a few values at a time: without a branch, so that they
    go side by side.
    """
    count = (low.size + 1) >> 1
    widest = 1
    while 2 * widest < count:
        widest *= 2
    knots = np.empty(2 * widest, np.float64)
    for place in range(knots.size):
        knots[place] = low[2 * place] if place < count else np.inf
    found, number = np.empty(_TOGETHER, np.int64), 0
    for begin in range(0, values.size, _TOGETHER):
        several = values[begin : begin + _TOGETHER]
        for place in range(several.size):
            found[place] = 0
        step = widest
        while step:
            for place in range(several.size):
                further = found[place] + step
                found[place] = further if knots[further] <= several[place] else found[place]
            step >>= 1
        for place in range(several.size):
            value, segment = several[place], 2 * found[place]
            if knots[0] <= value <= knots[count - 1]:
                cell = first[segment]
                if value > low[segment]:
                    part = (value - low[segment + 1]) * scale[segment + 1]
                    inner = part < parts - 1  # what is no number is in the last
                    cell = first[segment + 1] + (int(part) if inner else parts - 1)
                counts[cell] += weights[begin + place] if weights.size else 1
            else:
                number += 1
    return number


SIGNATURES: dict[Callable[..., Any], str] = {
    on_word_lines: "void(uint32[::1], float64[::1], float64[::1], int64, float64[::1])",
    on_score_lines: "void(float64[::1], float64[::1], float64[::1], float64, float64[::1])",
    add_multiple: "void(float64[::1], float64, float64[::1])",
    count_in_bits: "int64(float64[::1], int64[::1], int64, int64[::1], int64)",
    count_in_knots: "int64(float64[::1], int64[::1], int64[::1], float64[::1], float64[::1], int64[::1], int64)",
}
