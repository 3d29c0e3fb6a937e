"""Families with jumps: values with probabilities, and mixtures."""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulate.distributions.bounded import Constant
from simulate.distributions.protocol import Array, Distribution, Numbers, ParameterError
from simulate.distributions.solvers import root
from simulate.errors import SimulateError
from simulate.graph import distinct_values

SURPLUS = (
    'quote a number with a comma in it, "1,234", or in a file of one column write separator = ";"; then '
    'thousands = "," or decimal = ","'
)
END = 1e-6  # of a component lies beyond what counts as its end


@dataclass(frozen=True)
class Discrete(Distribution):
    """Values with probabilities in proportion to `weights`, equal by default.

    Nothing is smoothed or interpolated. The values may be a `column` of a CSV `file`, and `weights` the name
    of another; `separator`, `decimal` and `thousands` say how a spreadsheet has written them.
    Examples: `{values = [4, 8, 16], weights = [1, 2, 1]}`, `{values = [1.5, 2.5]}`.
    """

    values: Numbers
    weights: Numbers = ()
    refuses_percentiles = "percentiles do not determine its values"

    def __post_init__(self) -> None:
        weights_for(self.weights, len(self.values), "values")

    @classmethod
    def from_file(
        cls,
        file: Path,
        column: str,
        weights: Numbers | str = (),
        separator: str = "",
        decimal: str = "",
        thousands: str = "",
    ) -> Discrete:
        from simulate.spreadsheet import DECIMALS, SEPARATORS, THOUSANDS, read_sheet

        marks = [("separator", separator, SEPARATORS), ("decimal", decimal, DECIMALS)]
        for key, mark, allowed in [*marks, ("thousands", thousands, THOUSANDS)]:
            if mark and mark not in allowed:
                known = " ".join(f"{each!r}" for each in allowed if each)
                raise ParameterError(key, f"{mark!r} is none of {known}; write one of these")
        if thousands and thousands == (decimal or "."):
            raise ParameterError("thousands", f"{thousands!r} is the decimal mark; give another, or none")

        def numbers(key: str, name: str) -> Numbers:
            with at_key(key):
                return sheet.numbers(name, decimal, thousands)

        with at_key("file"):
            sheet = read_sheet(file, separator, "write separator = {}")
            uneven = (sheet.uneven(line, cells, SURPLUS) for line, cells in sheet.rows)
            if fault := next(filter(None, uneven), "") or ("" if sheet.rows else f"{file} has no rows; add some"):
                raise SimulateError(fault)
        return cls(numbers("column", column), numbers("weights", weights) if isinstance(weights, str) else weights)

    @functools.cached_property
    def atoms(self) -> tuple[Array, Array, Array, Array]:
        """Distinct values in order, their probabilities, P(X <= value), P(X > value)."""
        weights = weights_for(self.weights, len(self.values), "values")
        values, place = np.unique(np.array(self.values, dtype=np.float64)[weights > 0], return_inverse=True)
        mass = np.bincount(place, weights=weights[weights > 0])
        below, above = np.cumsum(mass), np.cumsum(mass[::-1])[::-1]
        return values, mass / below[-1], below / below[-1], np.append(above[1:], 0.0) / above[0]

    def inverse(self, p: Array, q: Array) -> Array:
        values, _, below, above = self.atoms
        place = np.where(p <= q, np.searchsorted(below, p), np.searchsorted(-above, -q))
        return values[np.minimum(place, values.size - 1)]

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        values, _, below, above = self.atoms
        place = np.searchsorted(values, x, side="right")
        return np.append(0.0, below)[place], np.append(1.0, above)[place]

    def moments(self) -> tuple[float, float]:
        values, mass, _, _ = self.atoms
        mean = float(np.sum(values * mass))
        return mean, float(np.sqrt(np.sum((values - mean) ** 2 * mass)))

    @property
    def jumps(self) -> Array:
        return self.atoms[2][:-1]


@contextmanager
def at_key(key: str) -> Iterator[None]:
    """Raise what is wrong as the fault of a key."""
    try:
        yield
    except SimulateError as error:
        raise ParameterError(key, str(error)) from None


def weights_for(weights: Sequence[float], count: int, what: str) -> Array:
    """Weights for so many of the parameter `what`, equal where none are given, the greatest from 1/2 to 1.

    Halving or doubling all keeps every digit, and their sum finite. Raises ParameterError.
    """
    if count == 0:
        raise ParameterError(what, "there are none; give at least one")
    if len(weights) == 0:
        return np.ones(count)
    if len(weights) != count:
        raise ParameterError("weights", f"{len(weights)} weights for {count} {what}; give one for each")
    array = np.array(weights, dtype=np.float64)
    if (array < 0).any():
        raise ParameterError("weights", f"{array.min():g} is negative; give weights of 0 or more")
    if not array.any():
        raise ParameterError("weights", "all are 0; make one of them positive")
    return np.ldexp(array, -int(np.frexp(array.max())[1]))


@dataclass(frozen=True)
class Mixture(Distribution):
    """One of several distributions, chosen with probabilities in proportion to `weights`, equal by default.

    Example: `{components = [{dist = "normal", mean = 0, sd = 1}, {dist = "uniform", lower = 6, upper = 8},
    {value = 5}], weights = [2, 1, 1]}`.
    """

    components: tuple[Distribution, ...]
    weights: Numbers = ()
    refuses_percentiles = "percentiles do not determine its components"

    def __post_init__(self) -> None:
        weights_for(self.weights, len(self.components), "components")

    @functools.cached_property
    def parts(self) -> tuple[tuple[float, Distribution], ...]:
        """Probabilities and components, mixtures among these taken apart."""
        weights = weights_for(self.weights, len(self.components), "components")
        shares = (weights / weights.sum()).tolist()
        return tuple(
            (share * inner, part)
            for share, component in zip(shares, self.components, strict=True)
            if share > 0
            for inner, part in (component.parts if isinstance(component, Mixture) else ((1.0, component),))
        )

    @functools.cached_property
    def edges(self) -> tuple[Array, Array, Array, Array, Array]:
        """Atoms and ends of components in order; P(X < edge), P(X >= edge), P(X <= edge), P(X > edge)."""
        ends = [end for _, part in self.parts if not isinstance(part, Discrete) for end in part.support]
        edges = distinct_values(np.concatenate([[end for end in ends if math.isfinite(end)], *self.atoms]))
        return edges, *self.probability(np.nextafter(edges, -np.inf)), *self.probability(edges)

    @property
    def atoms(self) -> list[Array]:
        """The values of positive probability, by component."""
        discrete = [part.atoms[0] for _, part in self.parts if isinstance(part, Discrete)]
        return discrete + [np.array([part.value]) for _, part in self.parts if isinstance(part, Constant)]

    def inverse(self, p: Array, q: Array) -> Array:
        p, q, shape = p.ravel(), q.ravel(), p.shape
        edges, p_before, q_before, p_at, q_at = self.edges
        low = p <= q
        place = np.where(low, np.searchsorted(p_at, p), np.searchsorted(-q_at, -q))
        before, after = np.append(-np.inf, edges)[place], np.append(edges, np.inf)[place]
        on_atom = np.where(low, np.append(p_before, 1.0)[place] < p, np.append(q_before, 0.0)[place] > q)

        # below the least of the components' own quantiles none has reached p, above the greatest all have
        own = np.stack([part.quantile(p, q) for _, part in self.parts])
        least = np.where(on_atom, after, np.clip(own.min(axis=0), before, after))
        most = np.where(on_atom, after, np.clip(own.max(axis=0), before, after))
        least, most = np.where(q == 0, most, least), np.where(p == 0, least, most)

        def misfit(x: Array, active: NDArray[np.intp]) -> Array:
            below, above = self.probability(x)
            return np.where(low[active], below / p[active] - 1, 1 - above / q[active])

        return root(misfit, least, most).reshape(shape)

    def cumulative(self, x: Array) -> tuple[Array, Array]:
        below, above = np.zeros(x.shape), np.zeros(x.shape)
        for share, part in self.parts:
            p, q = part.probability(x)
            below, above = below + share * p, above + share * q
        return below, above

    def moments(self) -> tuple[float, float]:
        mean = sum(share * part.mean for share, part in self.parts)
        return mean, math.sqrt(sum(share * (part.sd**2 + (part.mean - mean) ** 2) for share, part in self.parts))

    @property
    def jumps(self) -> Array:
        edges, p_before, _, p_at, _ = self.edges
        on_atom = np.isin(edges, np.concatenate([[], *self.atoms]))
        levels = distinct_values(np.concatenate([p_before[on_atom], p_at]))
        return levels[(levels > 0) & (levels < 1)]

    @property
    def bends(self) -> Array:
        smooth = [part for _, part in self.parts if not isinstance(part, Discrete | Constant)]
        ends = [part.quantile([END, 1 - END], [1 - END, END]) for part in smooth]
        return distinct_values(np.concatenate([self.jumps, *(self.probability(each)[0] for each in ends)]))


FAMILIES: dict[str, type[Distribution]] = {"choice": Discrete, "empirical": Discrete, "mixture": Mixture}
