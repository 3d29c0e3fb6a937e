"""Where figures that have been published lie in the bands of a result."""

import math

import numpy as np

from simulate.results.result import Result
from simulate.results.told import FINE

NEARLY = 5e-6  # relative difference up to which a constant equals a figure


def place_of(result: Result, value: float, **at: str) -> tuple[str, float | None]:
    """Where a value falls in the band at labels, such as of a quantity, and at which percentile, where it is known.

    It is `below_all` or `above_all` scenarios, `below` or `above` the percentiles that are known so far out, `within`
    these or, of a constant, `equal`; '' where the band has infinite ends or none. Only `within` has a percentile.
    """
    least, greatest = (result.at(end, **at) for end in ("minimum", "maximum"))
    if not math.isfinite(least + greatest):
        return "", None
    if least == greatest and math.isclose(value, least, rel_tol=NEARLY):
        return "equal", None
    if value < least:
        return "below_all", None
    if value > greatest:
        return "above_all", None
    curve, percents = result.at("fine_percentiles", **at), result[FINE]
    if value < curve[0]:
        return "below", None
    if value > curve[-1]:
        return "above", None
    return "within", float(np.interp(value, curve, percents))
