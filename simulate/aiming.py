"""Aiming: how scenarios are drawn where measured values point, which may be far from what the priors say.

Scenarios of the priors are weighed by the likelihood of what was measured. Where few of them count, that is worth
little, however many there are. Then a pilot finds a proposal, from which the scenarios are drawn instead, each with the
ratio of the priors' density to the proposal's in its weight. The likelihood comes in by degrees: its power rises from 0
to 1, each time as far as three quarters of a pilot's effective scenarios stay so. To these a mixture of normals is
fitted, from which the next pilot is drawn (adaptive tempering). Scores that nothing measured depends on stay as they
are.

Pilots are replicates beyond those of a run, so that the proposal depends on the questions and the seed alone.

Sources: Kong (1992), Technical Report 348, University of Chicago, the effective sample size; Cappe et al. (2008),
Stat. Comput. 18, 447, mixtures fitted to weighted draws; Ionides (2008), J. Comput. Graph. Stat. 17, 295, weights cut.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.sampling.proposal import Part, Proposal, mixture

Array = NDArray[np.float64]

PILOT = 2**14  # scenarios of a pilot
ENOUGH = 1 / 16  # the effective share of the priors' scenarios from which these are drawn as they are
STANDARD = 1 / 8  # of a proposal's scenarios, those that the priors give
_BEFORE = 1 / 8  # and those of the proposal before, at a lower power, so that a mode that fades is not lost by chance
_STEP = 3 / 4  # of a pilot's effective scenarios, those that stay so while the likelihood's power rises
_LEAST = 1 / 32  # of a pilot's scenarios, the effective ones that are enough to go on from
_LEAST_POWER = 1e-40  # of the likelihood, at which there is nothing of it left
_MOST_STEPS = 64
_RELIABLE = 1 / 128  # an effective share from which a pilot tells it well enough to prefer its proposal
_REFITS = 4  # at the full power, while they gain
_GAIN = 1.05
_DEEPEST = 3  # splits, so that there are up to eight normals
_FEWEST_POINTS = 10  # effective points by parameter of a mean, and one more, to which a normal is fitted
_FARTHEST = 34.0  # from 0, a normal's mean: some three standard deviations on, no float tells the probability
_FEWEST_TERMS = 10  # effective scenarios from which a P-value is told, else the bound that none of them gives
NONE_SEEN = 3.0  # what none of n scenarios shows has a probability below 3/n, at 95 % (the rule of three)
_LOST = -1e12  # a logarithm of which floats do not tell what scenarios differ in: they are then worth nothing
CONTRADICTED = 0.01  # the P-value below which a measured value contradicts the priors


class Pilot(NamedTuple):
    """Scenarios of a pilot: normal scores (name, scenario), logarithms of likelihood and of the density ratio.

    `deviations` are those of each measured quantity from what was measured, in its standard deviations; nan where a
    condition does not hold. `measured` is the likelihood whether conditions hold or not, None without conditions.
    """

    scores: Array
    log_likelihood: Array
    measured: Array | None
    log_ratio: Array
    deviations: Sequence[Array]

    @property
    def log_weights(self) -> Array:
        """The logarithms of the weights."""
        return self.log_likelihood + self.log_ratio


class PValue(NamedTuple):
    """How probable it is by the priors that a measured value lies as far out, on two sides; `below` says: less.

    So many effective `terms` tell it.
    """

    value: float
    below: bool
    terms: float


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
    p_values = [[p_value(first, each)] for each in first.deviations]
    # Conditions that hold in few of the priors' scenarios may hold in many of those where measured values point.
    for conditions in (True, False) if of_priors < ENOUGH else ():
        if effective_share(best.log_weights) > _RELIABLE or not (conditions or first.measured is not None):
            break
        for found, at in _steps(pilot, first, names, conditions=conditions):
            if effective_share(at.log_weights) > max(effective_share(best.log_weights), _RELIABLE):
                proposal, best = found, at
            for told, each in zip(p_values, at.deviations, strict=True):
                told.append(p_value(at, each))
    greatest = float(np.max(best.log_weights))
    exponent = int(np.ceil(greatest / np.log(2))) if greatest > _LOST else 0
    share = effective_share(best.log_weights)
    return Aim(proposal, exponent, share, of_priors, tuple(map(_best_known, p_values)))


def _best_known(of_pilots: Sequence[PValue]) -> PValue:
    """The P-value of those of several pilots, the bound of the first where none tells more.

    A proposal may end short of what lies as far out, and then finds too little: so of those near the greatest, that of
    the most terms.
    """
    found = [each for each in of_pilots if not each.below]
    greatest = max((each.value for each in found), default=0.0)
    return max(
        (each for each in found if 2 * each.value >= greatest), key=lambda each: each.terms, default=of_pilots[0]
    )


def _steps(
    pilot: Callable[[Proposal | None, int], Pilot], first: Pilot, names: Sequence[str], *, conditions: bool
) -> Iterator[tuple[Proposal, Pilot]]:
    """The proposals on the way to the likelihood's full power and at it, each with its pilot.

    They are found with `conditions` or without.
    """

    def aimed_at(drawn: Pilot) -> Pilot:
        alone = None if conditions else drawn.measured
        return drawn if alone is None else drawn._replace(log_likelihood=alone)

    now, power, refits, share = aimed_at(first), 0.0, 0, 0.0
    if not np.isfinite(now.log_likelihood).any():
        return
    parts, before = list[Part](), list[Part]()
    for step in range(1, _MOST_STEPS):
        power, last = _raised(now, power), power
        if power > last:
            before = parts
        try:
            parts = _fitted(now.scores, _shares(_tempered(now, power)))
            kept = [(_BEFORE * share, mean, covariance) for share, mean, covariance in before]
            proposal = mixture(names, [*parts, *kept], STANDARD)
        except np.linalg.LinAlgError:
            return
        if np.abs(proposal.means).max() > _FARTHEST:
            return
        drawn = pilot(proposal, step)
        yield proposal, drawn
        now = aimed_at(drawn)
        if power == 1:
            lately, share = share, effective_share(now.log_weights)
            refits += 1
            if refits > _REFITS or share < _GAIN * lately:
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
    least = max(_STEP * effective_share(_tempered(pilot, power)), _LEAST)

    def holds(power: float) -> bool:
        return effective_share(_tempered(pilot, power)) >= least

    if holds(1.0):
        return 1.0
    low, high = max(power, _LEAST_POWER), 1.0
    for _ in range(50):
        middle = math.sqrt(low * high)  # of a tiny standard deviation the first power is tiny too
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _tempered(pilot: Pilot, power: float) -> Array:
    """Logarithms of weights by a power of the likelihood: no power brings back what has none."""
    held = np.isfinite(pilot.log_likelihood)
    return np.where(held, power * np.where(held, pilot.log_likelihood, 0.0) + pilot.log_ratio, -np.inf)


def _fitted(scores: Array, shares: Array) -> list[Part]:
    """The normals for the parts into which weighted scores are split.

    Each is wider than its part, for its tails must not be lighter; the less, the more scores there are, each of which
    makes that cost effective scenarios.
    """
    held, wider = shares > 0, 1 + 1 / np.sqrt(len(scores))
    parts = []
    for points, weights in _parts(scores[:, held], shares[held], _DEEPEST):
        mean, covariance = _moments(points, weights)
        parts.append((float(np.add.reduce(weights)), mean, wider * covariance))
    return parts


def _moments(points: Array, weights: Array) -> tuple[Array, Array]:
    """Mean and covariance of weighted points (name, point)."""
    shares = weights / np.add.reduce(weights)
    mean = np.add.reduce(points * shares, axis=1)
    apart = points - mean[:, None]
    covariance = np.array([np.add.reduce(apart * (row * shares), axis=1) for row in apart])
    return mean, (covariance + covariance.T) / 2


def _parts(points: Array, weights: Array, deepest: int) -> list[tuple[Array, Array]]:
    """Weighted points in parts that are each nearer to a normal, as far as that is worth the parameters of another.

    A split is across an axis, the direction in which the points spread most, or that in which their fourth moment is
    least, as where there are two modes; it is worth what it adds to the logarithm of the likelihood, the shares of the
    parts counted.
    """
    size, effective = len(points), float(np.add.reduce(weights) ** 2 / np.add.reduce(weights**2))
    mean, covariance = _moments(points, weights)
    if effective < (least := _FEWEST_POINTS * (size + 1)):
        raise np.linalg.LinAlgError("too few points")
    factor = np.linalg.cholesky(covariance)
    if not deepest:
        return [(points, weights)]
    white = np.linalg.solve(factor, points - mean[:, None])
    _, fourth = _moments(white * np.sqrt(np.add.reduce(white * white, axis=0)), weights)
    directions = [*factor, np.linalg.eigh(covariance)[1][:, -1] @ factor, np.linalg.eigh(fourth)[1][:, 0]]
    cuts = [_cut(np.add.reduce(white * each[:, None], axis=0), weights, least / effective) for each in directions]
    left = max(cuts, key=lambda cut: cut.gain).left
    sides = [(white[:, side], weights[side]) for side in (left, ~left)]
    parameters = size * (size + 3) / 2 + 1
    if sum(_gain(*side, np.add.reduce(weights)) for side in sides) < parameters / 2 * np.log(effective) / effective:
        return [(points, weights)]
    try:
        return [part for side in (left, ~left) for part in _parts(points[:, side], weights[side], deepest - 1)]
    except np.linalg.LinAlgError:
        return [(points, weights)]


class _Cut(NamedTuple):
    """Which points lie to the left of a cut, and what it adds to the mean logarithm of the likelihood along a line."""

    left: NDArray[np.bool_]
    gain: float


def _cut(along: Array, weights: Array, least: float) -> _Cut:
    """The best cut of points on a line into two normals with shares of at least `least`."""
    order = np.argsort(along)
    shares = weights[order] / np.add.reduce(weights)
    ranked = along[order] - np.add.reduce(along[order] * shares)
    first, second = np.cumsum(shares * ranked), np.cumsum(shares * ranked * ranked)
    below = np.cumsum(shares)
    with np.errstate(all="ignore"):
        of_left = second / below - (first / below) ** 2
        of_right = (second[-1] - second) / (1 - below) - (first / (1 - below)) ** 2
        gains = below * (np.log(below) - np.log(of_left / second[-1]) / 2)
        gains += (1 - below) * (np.log(1 - below) - np.log(of_right / second[-1]) / 2)
    gains[~np.isfinite(gains) | (np.minimum(below, 1 - below) < least)] = -np.inf
    place = int(np.argmax(gains))
    left = np.zeros(len(along), np.bool_)
    left[order[: place + 1]] = True
    return _Cut(left, float(gains[place]))


def _gain(white: Array, weights: Array, total: float) -> float:
    """What a part of whitened points adds to the mean logarithm of the likelihood, as a normal with its share."""
    if not len(weights) or not (share := float(np.add.reduce(weights) / total)):
        return -np.inf
    sign, size = np.linalg.slogdet(_moments(white, weights)[1])
    return share * (float(np.log(share)) - float(size) / 2) if sign > 0 else -np.inf


def p_value(pilot: Pilot, deviations: Array) -> PValue:
    """The P-value of a measured value, of whose quantity the deviations are given: its own side, doubled."""
    from simulate.special import ndtr

    held = np.isfinite(deviations)
    if not held.any():
        return PValue(1.0, below=False, terms=0.0)  # where the conditions leave nothing, nothing is contradicted
    shares = _shares(pilot.log_ratio[held])
    sides = [shares * ndtr(sign * deviations[held]) for sign in (1, -1)]
    terms = min(sides, key=np.add.reduce)
    probability, squares = float(np.add.reduce(terms)), float(np.add.reduce(terms * terms))
    effective = probability**2 / squares if squares > 0 else 0.0
    seen = effective >= _FEWEST_TERMS
    return PValue(min(2 * (probability if seen else NONE_SEEN / len(terms)), 1.0), below=not seen, terms=effective)
