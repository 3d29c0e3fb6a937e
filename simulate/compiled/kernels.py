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
_GREATEST = float(np.finfo(np.float64).max)


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


def count_in_bits(values: Array, weights: Counts, start: int, counts: Counts, shift: int) -> tuple[Counts, Counts]:
    """Count each value in the bin of its leading bits; weights may be none, for once each.

    The bins of what lies outside and its weights are given back.
    """
    bits = values.view(np.int64)
    signless = (1 << (63 - shift)) - 1
    outside, times, number = np.empty(values.size, np.int64), np.empty(values.size, np.int64), 0
    for place in range(values.size):
        cell = bits[place] >> shift
        if cell < 0:
            cell = -1 - (cell & signless)
        cell -= start
        weight = weights[place] if weights.size else 1
        if 0 <= cell < counts.size:
            counts[cell] += weight
        else:
            outside[number], times[number] = cell, weight
            number += 1
    return outside[:number].copy(), times[:number].copy()


def count_in_knots(
    values: Array, weights: Counts, first: Counts, low: Array, scale: Array, counts: Counts, parts: int, shift: int
) -> tuple[Counts, Counts]:
    """Count each value at the knot or in the part of the segment after it; the rest as for bins.

    The knots, every other one of `low`, are searched by halves, a few values at a time: without a branch, so that they
    go side by side.
    """
    count = (low.size + 1) >> 1
    widest = 1
    while 2 * widest < count:
        widest *= 2
    knots = np.full(2 * widest, np.inf)
    knots[:count] = low[::2]
    found = np.empty(_TOGETHER, np.int64)
    distance = np.empty(1, np.float64)
    bits = distance.view(np.int64)
    outside, times, number = np.empty(values.size, np.int64), np.empty(values.size, np.int64), 0
    for begin in range(0, values.size, _TOGETHER):
        several = values[begin : begin + _TOGETHER]
        found[:] = 0
        step = widest
        while step:
            for place in range(several.size):
                further = found[place] + step
                found[place] = further if knots[further] <= several[place] else found[place]
            step >>= 1
        for place in range(several.size):
            value, knot = several[place], found[place]
            weight = weights[begin + place] if weights.size else 1
            if knots[0] <= value <= knots[count - 1]:
                cell = first[2 * knot]
                if value > knots[knot]:
                    part = (value - low[2 * knot + 1]) * scale[2 * knot + 1]
                    inner = part < parts - 1  # what is no number is in the last
                    cell = first[2 * knot + 1] + (int(part) if inner else parts - 1)
                counts[cell] += weight
            else:
                distance[0] = min(value - knots[count - 1] if value > knots[0] else knots[0] - value, _GREATEST)
                cell = bits[0] >> shift
                outside[number] = counts.size + cell if value > knots[0] else -1 - cell
                times[number] = weight
                number += 1
    return outside[:number].copy(), times[:number].copy()


SIGNATURES: dict[Callable[..., Any], str] = {
    on_word_lines: "float64[::1](uint32[::1], float64[::1], float64[::1], int64)",
    on_score_lines: "float64[::1](float64[::1], float64[::1], float64[::1], float64)",
    add_multiple: "void(float64[::1], float64, float64[::1])",
    count_in_bits: "Tuple((int64[::1], int64[::1]))(float64[::1], int64[::1], int64, int64[::1], int64)",
    count_in_knots: (
        "Tuple((int64[::1], int64[::1]))"
        "(float64[::1], int64[::1], int64[::1], float64[::1], float64[::1], int64[::1], int64, int64)"
    ),
}
