"""Families of distributions: what their parameters are, their quantile functions and their probabilities.

A family is one frozen dataclass that follows `Distribution`. Its constructor and each of its classmethods
named ``from_...`` is a way to state it; their parameters are the keys of a priors file, those without a
default are required, and those annotated `Percentile` stand for keys such as ``p5`` and ``"p97.5"``. What is
read of a file is checked before it gets there: a `Positive` is above 0, `lower` lies below `upper`, and
percentiles rise between these. The examples in the docstrings are run by the tests. A new family is a class
and a line in the `FAMILIES` of its file.

Both tails: a quantile function takes p and q = 1 - p, of which the smaller is exact, and a probability is
returned from below and from above, so that neither tail loses digits.
"""

from simulate.distributions.atoms import Pieces, pieces
from simulate.distributions.bounded import Constant
from simulate.distributions.derived import Truncated, scaled
from simulate.distributions.protocol import Distribution, ParameterError
from simulate.distributions.reading import FAMILIES, distribution

__all__ = [
    "FAMILIES",
    "Constant",
    "Distribution",
    "ParameterError",
    "Pieces",
    "Truncated",
    "distribution",
    "pieces",
    "scaled",
]
