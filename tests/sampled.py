"""A sample of a cross of parameters, which always runs; the rest of it is long."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest


def sampled(*axes: Iterable[Any], rounds: int = 1) -> list[Any]:
    """Each combination of the axes, marked long where it is not in the sample.

    In each round of the sample all axes are gone through together, the shorter ones again and again, so that each value
    of each is there; in the next round each axis is one farther than the one before it.
    """
    lists = [list(axis) for axis in axes]
    longest = max(map(len, lists))
    sample = {
        tuple((number + place * turn) % len(axis) for place, axis in enumerate(lists))
        for turn in range(rounds)
        for number in range(longest)
    }
    return [
        pytest.param(
            *(axis[at] for axis, at in zip(lists, case, strict=True)), marks=[] if case in sample else pytest.mark.long
        )
        for case in product(*(range(len(axis)) for axis in lists))
    ]
