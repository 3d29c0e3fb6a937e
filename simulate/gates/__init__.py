"""Gates: a probability, a percentile or a mean held against a number, decided only where sampling leaves no doubt."""

from simulate.gates.gate import (
    DIFFERENCE,
    FAILS,
    HOLDS,
    OPEN,
    RATIO,
    Gate,
    Measured,
    gates,
    of_condition,
    of_mean,
    put_gates,
    verdicts,
    with_gates,
)

__all__ = [
    "DIFFERENCE",
    "FAILS",
    "HOLDS",
    "OPEN",
    "RATIO",
    "Gate",
    "Measured",
    "gates",
    "of_condition",
    "of_mean",
    "put_gates",
    "verdicts",
    "with_gates",
]
