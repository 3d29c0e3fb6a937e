"""Conditions of three outcomes: true, false, and undefined, where a number in them is nan.

They join by the tables of Kleene (1952), Introduction to Metamathematics, section 64: what is undefined decides
nothing, and is passed on where its being true or false would matter. Outcomes are booleans as long as all are known,
else 1, 0 and nan.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from simulate.arrays import on_host


def compared(comparison: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """A comparison of numbers that is undefined where one of them is nan."""

    def outcome(left: Any, right: Any) -> Any:
        return _undefined(np.isnan(left) | np.isnan(right), comparison(left, right))

    return outcome


def _undefined(where: Any, otherwise: Any) -> Any:
    if on_host(where) and not np.any(where):  # a device would have to be waited for
        return otherwise
    return np.where(where, np.nan, otherwise)[()]


def _known(*outcomes: Any) -> bool:
    return all(outcome.dtype == np.bool_ for outcome in outcomes)


def both(left: Any, right: Any) -> Any:
    """Whether both hold: false where one is false, whatever the other."""
    if _known(left, right):
        return np.logical_and(left, right)
    return np.where((left == 0) | (right == 0), 0.0, left * right)[()]


def either(left: Any, right: Any) -> Any:
    """Whether one holds: true where one is true, whatever the other."""
    if _known(left, right):
        return np.logical_or(left, right)
    return np.where((left == 1) | (right == 1), 1.0, left + right)[()]


def negated(outcome: Any) -> Any:
    """Whether it does not hold."""
    return np.logical_not(outcome) if _known(outcome) else 1.0 - outcome


def chosen(outcome: Any, value: Any, otherwise: Any) -> Any:
    """The value where it holds, the other where not, nan where it is undefined."""
    if _known(outcome):
        return np.where(outcome, value, otherwise)[()]
    return np.where(np.isnan(outcome), np.nan, np.where(outcome == 1, value, otherwise))[()]


NONZERO = compared(operator.ne)  # a number as a condition: whatever is not 0 holds
