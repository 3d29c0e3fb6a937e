"""Division with a remainder, as Python has it, also of arrays of a device.

Those round the quotient before they take the floor of it, so that 1 // 0.1 is 10 there. Here it is 9 everywhere: the
remainder of the division truncated is exact, and the quotient follows from it.
"""

import operator
from typing import Any

import numpy as np

from simulate.arrays import on_host


def floored(left: Any, right: Any) -> Any:
    """The quotient, rounded down."""
    if on_host(left) and on_host(right):
        return operator.floordiv(left, right)
    rest, across = _truncated(left, right)
    quotient = np.rint((left - rest) / right) - np.where(across, 1.0, 0.0)
    return np.where(np.equal(right, 0), np.divide(left, right), quotient)


def remainder(left: Any, right: Any) -> Any:
    """What is left, with the sign of the divisor."""
    if on_host(left) and on_host(right):
        return operator.mod(left, right)
    rest, across = _truncated(left, right)
    return np.copysign(np.where(across, rest + right, rest), right)


def _truncated(left: Any, right: Any) -> tuple[Any, Any]:
    """The remainder of the quotient rounded towards 0, and where that is not the one rounded down."""
    rest = np.fmod(left, right)
    return rest, np.not_equal(rest, 0) & (np.less(rest, 0) != np.less(right, 0))
