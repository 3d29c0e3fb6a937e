"""Families with jumps: values with probabilities, and mixtures."""

# ruff: noqa: D102 - `Distribution` says what the methods of a family return
from __future__ import annotations

import csv
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulate.distributions.bounded import Constant
from simulate.distributions.protocol import Array, Distribution, Numbers, ParameterError
from simulate.distributions.solvers import root
from simulate.distributions.values import listed, number
from simulate.errors import suggestion

END = 1e-6  # of a component without bounds lies beyond what counts as its end


@dataclass(frozen=True)
class Discrete(Distribution):
    """Values with probabilities in proportion to `weights`, equal by default.

    Nothing is smoothed or interpolated. The values may be a `column` of a CSV `file`, and `weights` the name
    of another.
    Examples: `{values = [4, 8, 16], weights = [1, 2, 1]}`, `{values = [1.5, 2.5]}`.
    """

    values: Numbers
    weights: Numbers = ()
    refuses_percentiles = "percentiles do not determine its values"

    def __post_init__(self) -> None:
        weights_for(self.weights, len(self.values), "values")

    @classmethod
    def from_file(cls, file: Path, column: str, weights: Numbers | str = ()) -> Discrete:
        rows = read_rows(file)
        values = numbers_of(file, rows, "column", column)
        return cls(values, numbers_of(file, rows, "weights", weights) if isinstance(weights, str) else weights)

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


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, each by the names of its header; raises ParameterError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines, strict=True))
    except OSError as error:
        raise ParameterError("file", f"{path} cannot be read: {error.strerror}; mend the path") from None
    except UnicodeDecodeError:
        raise ParameterError("file", f"{path} is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise ParameterError("file", f"{path} is not CSV: {error}") from None
    if not rows:
        raise ParameterError("file", f"{path} has no rows below a header; add some")
    return rows


def numbers_of(path: Path, rows: Sequence[dict[str, str]], key: str, name: str) -> Numbers:
    """The numbers of the column of a name, which is the value of `key`; raises ParameterError."""
    if name not in rows[0]:
        known = [str(other) for other in rows[0] if other is not None]
        raise ParameterError(key, f"{path} has no column {name!r}{suggestion(name, known, listed(known))}")
    numbers = []
    for count, row in enumerate(rows, 1):
        try:
            numbers.append(number(key, float(row[name])))
        except (TypeError, ValueError):
            cell = row[name] or ""
            raise ParameterError(key, f"{path}, row {count}: {cell!r} is not a finite number; mend it") from None
    return tuple(numbers)


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
        edges = np.unique(np.concatenate([[end for end in ends if math.isfinite(end)], *self.atoms]))
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
        smooth = [part for _, part in self.parts if not isinstance(part, Discrete | Constant)]
        ends = [
            part.quantile([END, 1 - END], [1 - END, END]) for part in smooth
        ]  # even a narrow one is not passed over
        levels = np.unique(np.concatenate([p_before[on_atom], p_at, *(self.probability(each)[0] for each in ends)]))
        return levels[(levels > 0) & (levels < 1)]


FAMILIES: dict[str, type[Distribution]] = {"choice": Discrete, "empirical": Discrete, "mixture": Mixture}
