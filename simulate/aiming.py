"""Aiming: how scenarios are drawn where measured values point, which may be far from what the priors say.

Scenarios of the priors are weighed by the likelihood of what was measured. Where few of them count, that is worth
little, however many there are. Then a pilot finds a proposal, from which the scenarios are drawn instead, each with the
ratio of the priors' density to the proposal's in its weight. The likelihood comes in by degrees: its power rises from 0
to 1, each time as far as an eighth of a pilot's scenarios stays effective, and to these a mixture of normals is fitted,
from which the next pilot is drawn (adaptive tempering). Scores that nothing measured depends on stay as they are.

Pilots are replicates beyond those of a run, so that the proposal depends on the questions and the seed alone.

Sources: Kong (1992), Technical Report 348, University of Chicago, the effective sample size; Cappe et al. (2008),
Stat. Comput. 18, 447, mixtures fitted to weighted draws; Ionides (2008), J. Comput. Graph. Stat. 17, 295, weights cut.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.sampling.proposal import Proposal, mixture

Array = NDArray[np.float64]

PILOT = 2**14  # scenarios of a pilot
ENOUGH = 1 / 16  # the effective share of the priors' scenarios from which these are drawn as they are
STANDARD = 1 / 8  # of a proposal's scenarios, those that the priors give
_STEP = 1 / 8  # of a pilot's scenarios, those that stay effective while the likelihood's power rises
_MOST_STEPS = 64
_REFITS = 4  # at the full power, while they gain
_GAIN = 1.05
_WIDER = 1.15  # than the covariance of the scenarios that a normal is fitted to: its tails must not be lighter
_DEEPEST = 3  # splits, so that there are up to eight normals
_CUTS = (0.1, 0.25, 0.5, 0.75, 0.9)  # shares at which a split is tried
_FARTHEST = 34.0  # from 0, a normal's mean: some three standard deviations on, no float tells the probability
_FEWEST_TERMS = 10  # effective scenarios from which a P-value is told, else the bound that none of them gives
NONE_SEEN = 3.0  # what none of n scenarios shows has a probability below 3/n, at 95 % (the rule of three)
CONTRADICTED = 0.01  # the P-value below which a measured value contradicts the priors


class Pilot(NamedTuple):
    """Scenarios of a pilot: normal scores (name, scenario), logarithms of likelihood and of the density ratio.

    `deviations` are those of each measured quantity from what was measured, in its standard deviations.
    """

    scores: Array
    log_likelihood: Array
    log_ratio: Array
    deviations: Sequence[Array]

    @property
    def log_weights(self) -> Array:
        """The logarithms of the weights."""
        return self.log_likelihood + self.log_ratio


class PValue(NamedTuple):
    """How probable it is by the priors that a measured value lies as far out, on two sides; `below` says: less."""

    value: float
    below: bool


class Aim(NamedTuple):
    """Where scenarios are drawn: by a proposal, None for the priors themselves.

    Weights are told relative to 2^`exponent`. `share` is the effective share of the scenarios, `of_priors` that of
    scenarios of the priors, as pilots tell it; `p_values` are those of the measured values under the priors.
    """

    proposal: Proposal | None
    exponent: int
    share: float
    of_priors: float
    p_values: tuple[PValue, ...]


def aimed(pilot: Callable[[Proposal | None, int], Pilot], names: Sequence[str]) -> Aim:
    """Find from where to draw; `pilot` draws the next one by a proposal, and `names` are those of its scores."""
    first = best = pilot(None, 0)
    of_priors, proposal = effective_share(first.log_weights), None
    if of_priors < ENOUGH and np.isfinite(first.log_likelihood).any():
        for found, at in _steps(pilot, first, names):
            if effective_share(at.log_weights) > effective_share(best.log_weights):
                proposal, best = found, at
    greatest = float(np.max(best.log_weights))
    exponent = int(np.ceil(greatest / np.log(2))) if np.isfinite(greatest) else 0
    share = effective_share(best.log_weights)
    return Aim(proposal, exponent, share, of_priors, tuple(p_value(best, each) for each in best.deviations))


def _steps(
    pilot: Callable[[Proposal | None, int], Pilot], first: Pilot, names: Sequence[str]
) -> Iterator[tuple[Proposal, Pilot]]:
    """The proposals at the likelihood's full power, each with its pilot; none where that is not reached."""
    now, power, refits, share = first, 0.0, 0, 0.0
    for step in range(1, _MOST_STEPS):
        power = _raised(now, power)
        try:
            proposal = _fitted(now.scores, _shares(_tempered(now, power)), names)
        except np.linalg.LinAlgError:
            return
        if np.abs(proposal.means).max() > _FARTHEST:
            return
        now = pilot(proposal, step)
        if power == 1:
            yield proposal, now
            before, share = share, effective_share(now.log_weights)
            refits += 1
            if refits > _REFITS or share < _GAIN * before:
                return


def _shares(log_weights: Array) -> Array:
    """Weights that sum to 1."""
    weights = np.exp(log_weights - np.max(log_weights))
    shares: Array = weights / np.add.reduce(weights)
    return shares


def effective_share(log_weights: Array) -> float:
    """The effective sample size over the number of scenarios; 0 where none counts."""
    if not np.isfinite(np.max(log_weights)):
        return 0.0
    shares = _shares(log_weights)
    return float(1 / np.add.reduce(shares * shares) / len(shares))


def _raised(pilot: Pilot, power: float) -> float:
    """The next power: the greatest at which enough of the scenarios stay effective, or the same again."""

    def holds(power: float) -> bool:
        return effective_share(_tempered(pilot, power)) >= _STEP

    if holds(1.0):
        return 1.0
    low, high = power, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _tempered(pilot: Pilot, power: float) -> Array:
    """Logarithms of weights by a power of the likelihood: no power brings back what has none."""
    held = np.isfinite(pilot.log_likelihood)
    return np.where(held, power * np.where(held, pilot.log_likelihood, 0.0) + pilot.log_ratio, -np.inf)


def _fitted(scores: Array, shares: Array, names: Sequence[str]) -> Proposal:
    """The mixture for weighted scores: normals for the parts into which they are split."""
    held = shares > 0
    parts = []
    for points, weights in _parts(scores[:, held], shares[held], _DEEPEST):
        mean, covariance = _moments(points, weights)
        parts.append((float(np.add.reduce(weights)), mean, _WIDER * covariance))
    return mixture(names, parts, STANDARD)


def _moments(points: Array, weights: Array) -> tuple[Array, Array]:
    """Mean and covariance of weighted points (name, point)."""
    shares = weights / np.add.reduce(weights)
    mean = np.add.reduce(points * shares, axis=1)
    apart = points - mean[:, None]
    covariance = np.array([np.add.reduce(apart * (row * shares), axis=1) for row in apart])
    return mean, (covariance + covariance.T) / 2


def _parts(points: Array, weights: Array, deepest: int) -> list[tuple[Array, Array]]:
    """Weighted points in parts that are each nearer to a normal, as far as that is worth the parameters of another.

    A split is across the direction in which the points spread most, or that in which their fourth moment is least, as
    where there are two modes; it is worth what it adds to the logarithm of the likelihood, the parts' shares counted.
    """
    size, effective = len(points), float(np.add.reduce(weights) ** 2 / np.add.reduce(weights**2))
    mean, covariance = _moments(points, weights)
    if effective < 10 * (size + 1):
        raise np.linalg.LinAlgError("too few points")
    factor = np.linalg.cholesky(covariance)
    if not deepest:
        return [(points, weights)]
    white = np.linalg.solve(factor, points - mean[:, None])
    _, fourth = _moments(white * np.sqrt(np.add.reduce(white * white, axis=0)), weights)
    directions = [np.linalg.eigh(covariance)[1][:, -1] @ factor, np.linalg.eigh(fourth)[1][:, 0]]
    best, least = None, (size * (size + 3) / 2 + 1) / 2 * np.log(effective) / effective
    total = np.add.reduce(weights)
    for direction in directions:
        along = np.add.reduce(white * direction[:, None], axis=0)
        order = np.argsort(along)
        below = np.cumsum(weights[order]) / total
        for cut in _CUTS:
            left = np.zeros(len(along), np.bool_)
            left[order[below <= cut]] = True
            gain = sum(_gain(white[:, side], weights[side], total) for side in (left, ~left))
            if gain > least:
                best, least = left, gain
    if best is None:
        return [(points, weights)]
    try:
        return [part for side in (best, ~best) for part in _parts(points[:, side], weights[side], deepest - 1)]
    except np.linalg.LinAlgError:
        return [(points, weights)]


def _gain(white: Array, weights: Array, total: float) -> float:
    """What a part of whitened points adds to the mean logarithm of the likelihood, by a normal and a share of its own."""
    if not len(weights) or not (share := float(np.add.reduce(weights) / total)):
        return -np.inf
    sign, size = np.linalg.slogdet(_moments(white, weights)[1])
    return share * (float(np.log(share)) - float(size) / 2) if sign > 0 else -np.inf


def p_value(pilot: Pilot, deviations: Array) -> PValue:
    """The P-value of a measured value, of whose quantity the deviations are given: its own side, doubled."""
    from scipy.special import ndtr

    held = np.isfinite(pilot.log_likelihood) & np.isfinite(deviations)
    if not held.any():
        return PValue(1.0, below=False)  # of nothing that the priors and conditions leave, it contradicts none
    shares = _shares(pilot.log_ratio[held])
    sides = [shares * ndtr(sign * deviations[held]) for sign in (1, -1)]
    terms = min(sides, key=np.add.reduce)
    probability, squares = float(np.add.reduce(terms)), float(np.add.reduce(terms * terms))
    seen = probability**2 >= _FEWEST_TERMS * squares > 0
    return PValue(min(2 * (probability if seen else NONE_SEEN / len(terms)), 1.0), below=not seen)
