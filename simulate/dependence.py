"""Dependence of priors: a Gaussian copula whose parameters give the rank correlations asked for.

Between continuous margins both rank correlations have closed forms. A margin with atoms (a choice, an
empirical one, a mixture with a constant) has ties; then Spearman's correlation is that of the mid-ranks and
Kendall's is tau-b, the conventions of `scipy.stats.spearmanr` and `kendalltau`, and the parameter is found
numerically. Either way it is the correlation of the two normal scores.

Sources: Kruskal (1958), J. Am. Stat. Assoc. 53, the closed forms; Plackett (1954), Biometrika 41: the
derivative of the bivariate normal probability by the correlation is the density.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.distributions import Distribution
from simulate.distributions.atoms import pieces
from simulate.errors import SimulateError
from simulate.graph import distinct_values

Array = NDArray[np.float64]

MEASURES = ("spearman", "gaussian_copula", "kendall")
SINGULAR = 1e-10  # an eigenvalue this little below 0 is rounding
_LEVEL = 1 / 256  # of probability: continuous stretches are cut this finely, lesser atoms count as continuous
_PANELS = 48
_ROUNDING = 1e-9


class DependenceError(SimulateError):
    """A correlation that no joint distribution of the margins has."""


def latent_correlation(
    measure: str, value: float, first: Distribution | None = None, second: Distribution | None = None
) -> float:
    """The Gaussian copula's own parameter for a rank correlation of two margins, continuous by default.

    rho_S = 6/pi arcsin(r/2) and tau = 2/pi arcsin(r) for continuous ones. With atoms, r is found to 1e-3 or
    better in the correlation.
    Raises DependenceError beyond what the margins allow, with the bounds.
    """
    if measure == "gaussian_copula":
        return value
    if first is not None and second is not None:
        atoms = _atoms(first), _atoms(second)
        if any(atoms):
            return _numerical(measure, value, *atoms)
    return float(2 * np.sin(np.pi * value / 6) if measure == "spearman" else np.sin(np.pi * value / 2))


Stretches = tuple[tuple[float, float], ...]


def _atoms(distribution: Distribution) -> Stretches:
    """The stretches of probability, from and to, over which the quantile function is constant."""
    edges, values = pieces(distribution)
    constant = ~np.isnan(values)
    return tuple(zip(edges[:-1][constant].tolist(), edges[1:][constant].tolist(), strict=True))


class _Levels(NamedTuple):
    """A margin as classes in rising order: their edges in probability and in the normal score."""

    atoms: Array
    edges: Array  # 0, ..., 1
    scores: Array  # of the edges between
    tied: float  # the probability that two draws are equal


def _levels(stretches: Stretches) -> _Levels:
    from simulate.special import ndtri

    atoms = np.array(stretches, dtype=np.float64).reshape(-1, 2)
    large = atoms[atoms[:, 1] - atoms[:, 0] >= _LEVEL]
    cuts = distinct_values(np.concatenate([[0.0, 1.0], large.ravel()]))
    edges = [cuts[:1]]
    for low, high in pairwise(cuts):
        pieces = 1 if low in large[:, 0] else int(np.ceil((high - low) / _LEVEL))
        edges.append(np.linspace(low, high, pieces + 1)[1:])
    joined = np.concatenate(edges)
    tied = float(np.sum((atoms[:, 1] - atoms[:, 0]) ** 2))
    return _Levels(atoms, joined, ndtri(joined[1:-1]), tied)


@lru_cache(maxsize=256)
def _numerical(measure: str, value: float, first: Stretches, second: Stretches) -> float:
    """The parameter at which two margins, the constant stretches of which are given, have a correlation."""
    side = 1.0 if value >= 0 else -1.0
    margins = _levels(first), _levels(second)
    if any(margin.tied >= 1 for margin in margins):
        raise DependenceError("one of the two is drawn at a single value, and correlates with nothing")
    statistic = _spearman if measure == "spearman" else _kendall
    at, extreme = statistic(*margins, side)
    if abs(value) > extreme + _ROUNDING:
        other = statistic(*margins, -side)[1]
        low, high = (-other, extreme) if side > 0 else (-extreme, other)
        raise DependenceError(
            f"{measure.capitalize()}'s correlation of these two, which have ties, "
            f"lies from {np.ceil(low * 1e3 - 1e-3) / 1e3:g} to {np.floor(high * 1e3 + 1e-3) / 1e3:g}"
        )
    # the angle, r = sin(angle), in panels that narrow towards r = 1, then in as many again within one of them
    angles = np.pi / 2 * (1 - np.linspace(1, 0, _PANELS + 1) ** 2)
    for _ in range(2):
        reached = at(angles)
        place = int(np.clip(np.searchsorted(reached, abs(value)), 1, len(angles) - 1))
        inside = np.interp(abs(value), reached[place - 1 : place + 1], angles[place - 1 : place + 1])
        angles = distinct_values([*angles[:place], *np.linspace(angles[place - 1], angles[place], 16)])
    return side * float(np.sin(inside))


Statistic = tuple[Callable[[Array], Array], float]


def _bivariate(first: _Levels, second: _Levels, side: float, angles: Array) -> Iterator[Array]:
    """Increments of P(Z1 <= z1, Z2 <= z2) from one angle to the next, panel by panel.

    Each is taken at all pairs of the classes' edges. By Plackett, the derivative by the angle is
    exp(-(x^2 - 2 x y sin + y^2) / (2 cos^2)) / (2 pi). Side -1 stands for negative correlations, by way of -Z2.
    """
    nodes, weights = np.polynomial.legendre.leggauss(4)
    x, y = first.scores[:, None], side * second.scores[None, :]
    squares, product = (x * x + y * y) / 2, x * y
    for low, high in pairwise(angles.tolist()):
        half = (high - low) / 2
        increment = np.zeros(squares.shape)
        for node, weight in zip(nodes, weights, strict=True):
            angle = low + half * (node + 1)
            cosine = np.cos(angle) ** 2
            density = np.exp((product * np.sin(angle) - squares) / cosine) / (2 * np.pi)
            increment += half * weight * density
        yield increment


def _comonotone(first: _Levels, second: _Levels, side: float) -> tuple[Array, Array, Array]:
    """Edges of classes of one uniform in which each margin is continuous or constant, and their atoms in it."""
    mirrored = second.atoms if side > 0 else 1 - second.atoms[::-1, ::-1]
    edges = distinct_values(np.concatenate([[0.0, 1.0], first.atoms.ravel(), mirrored.ravel()]))
    return edges, first.atoms, mirrored


def _tied(atoms: Array, p: Array) -> tuple[NDArray[np.bool_], Array]:
    """Whether each p lies in one of the sorted atoms, and the mid-ranks P(X < x) + P(X = x)/2 at its quantile."""
    if not len(atoms):
        return np.zeros(p.shape, np.bool_), p
    place = np.clip(np.searchsorted(atoms[:, 0], p) - 1, 0, None)
    inside = (atoms[place, 0] < p) & (p < atoms[place, 1])
    return inside, np.where(inside, atoms[place].mean(axis=1), p)


def _spearman(first: _Levels, second: _Levels, side: float) -> Statistic:
    """Correlation of mid-ranks as a function of the angle, and what it is at r = 1, both by absolute value."""
    edges, *atoms = _comonotone(first, second, side)
    # grades are linear or constant between the edges: two Gauss points integrate their product exactly
    width = np.diff(edges)
    covariance = 0.0
    for place in (0.5 - np.sqrt(1 / 12), 0.5 + np.sqrt(1 / 12)):
        grades = [_tied(each, edges[:-1] + place * width)[1] - 0.5 for each in atoms]
        covariance += float(np.sum(grades[0] * grades[1] * width)) / 2
    # Var G = (1 - sum of the cubes of the atoms' probabilities) / 12
    variances = [(1 - np.sum((each.atoms[:, 1] - each.atoms[:, 0]) ** 3)) / 12 for each in (first, second)]
    spread = float(np.sqrt(variances[0] * variances[1]))
    steps = [np.diff((each.edges[:-1] + each.edges[1:]) / 2) for each in (first, second)]
    extreme = covariance / spread

    def at(angles: Array) -> Array:
        gained = [
            np.add.reduce(np.add.reduce(each * steps[1], axis=1) * steps[0])
            for each in _bivariate(first, second, side, angles)
        ]
        reached = np.cumsum([0.0, *gained]) / spread
        return np.where(angles < np.pi / 2, np.minimum(reached, extreme), extreme)

    return at, extreme


def _kendall(first: _Levels, second: _Levels, side: float) -> Statistic:
    """tau-b as a function of the angle, and what it is at r = 1, both by absolute value."""
    edges, *atoms = _comonotone(first, second, side)
    tied = [_tied(each, (edges[:-1] + edges[1:]) / 2)[0] for each in atoms]
    scale = float(np.sqrt((1 - first.tied) * (1 - second.tied)))
    both = float(np.sum(np.diff(edges)[tied[0] & tied[1]] ** 2))
    extreme = (1 - first.tied - second.tied + both) / scale
    masses = np.diff(first.edges), np.diff(second.edges)[:: int(side)]  # the second upside down for side -1
    inner = [np.cumsum(each) for each in masses]

    def concordance(below: Array) -> float:
        joint = np.pad(below, 1)
        joint[-1, 1:], joint[1:, -1] = inner[1], inner[0]
        mass = np.diff(np.diff(joint, axis=0), axis=1)
        # concordant is what lies below in both margins, discordant what lies below in one and above in the other
        concordant = joint[:-1, :-1]
        discordant = joint[:-1, -1:] - joint[:-1, 1:]
        return 2 * float(np.sum(mass * (concordant - discordant)))

    def at(angles: Array) -> Array:
        below = np.outer(inner[0][:-1], inner[1][:-1])
        reached = [0.0]
        for each in _bivariate(first, second, side, angles):
            below += each if side > 0 else each[:, ::-1]
            reached.append(concordance(below) / scale)
        return np.where(angles < np.pi / 2, np.minimum(reached, extreme), extreme)

    return at, extreme


def triangular_factor(correlation: Array) -> Array:
    """Lower triangular L with L L' the correlation matrix, which may be singular.

    Raises DependenceError where it is indefinite.
    """
    size = len(correlation)
    factor = np.zeros((size, size))
    for row in range(size):
        for column in range(row + 1):
            rest = correlation[row, column] - factor[row, :column] @ factor[column, :column]
            if row == column:
                if rest < -1e-9:
                    raise DependenceError("the correlations are not positive semidefinite")
                factor[row, row] = np.sqrt(max(rest, 0.0))
            elif factor[column, column] > 1e-8:
                factor[row, column] = rest / factor[column, column]
            elif abs(rest) > 1e-7:
                raise DependenceError("the correlations are not positive semidefinite")
    return factor


def correlation_matrix(names: Sequence[str], latent: Mapping[tuple[str, str], float]) -> Array:
    """The matrix of the copula's parameters in the order of the names; pairs with others do not count."""
    matrix = np.eye(len(names))
    for (first, second), value in latent.items():
        if first in names and second in names:
            i, j = names.index(first), names.index(second)
            matrix[i, j] = matrix[j, i] = value
    return matrix


def in_conflict(names: Sequence[str], latent: Mapping[tuple[str, str], float]) -> tuple[str, ...]:
    """Names whose pairs cannot have these parameters together, and could without any one of the names; or none."""
    matrix = correlation_matrix(names, latent)

    def conflict(rows: list[int]) -> bool:
        return bool(rows) and bool(np.linalg.eigvalsh(matrix[np.ix_(rows, rows)])[0] < -SINGULAR)

    rows = list(range(len(names)))
    if not conflict(rows):
        return ()
    for i in range(len(names)):  # while the rest conflicts without a name, that name is no part of it
        if conflict(rest := [row for row in rows if row != i]):
            rows = rest
    return tuple(names[row] for row in rows)
