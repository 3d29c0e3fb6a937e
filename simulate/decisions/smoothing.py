"""What choosing by a prior saves, from sums in its bins: smoothed as far as that saves more, with what it leaves open.

A rule smooths the bins' means by lines through windows of a reach and takes in each bin the choice that is the least by
the means of the other replicates; this replicate's scenarios judge it (cross-fitting). So every rule's figure is an
unbiased estimate of what that rule saves, and no rule saves more than knowing the prior. Six reaches are tried, from
that which suits a smooth function down to single bins. The widest stands unless a narrower one saves more by two
standard errors of the difference, as beside a jump or in a wave.

What is left open is told as a bias: what narrower rules save more without being so sure of it; what the bins in which
the choice changes could hide, by their neighbours; what is left over from bin to bin, in which replicates agree; and
what the costs change within a bin, by some scenarios in which the prior alone is moved there.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.graph import ROUNDING, Array
from simulate.spread import standard_error

_NARROWER = (1.0, 1 / 4, 1 / 16, 1 / 64, 1 / 256, 0.0)  # reaches tried, of the widest
_SURE = 2.0  # standard errors by which a narrower rule must save more
_WIDTHS = (1, 4, 16, 64)  # bins together in which replicates may agree: of broader ones, they agree in smaller things
_AGREED = 2.5  # standard errors by which what replicates agree in is above 0
_JUMPS = 0.05  # of the scenarios moved, those that may cross a jump, which neighbours tell better


class Bins(NamedTuple):
    """Of the bins of a prior: the first and the last within which no jump lies, and whether it is one value in each."""

    first: NDArray[np.intp]
    last: NDArray[np.intp]
    constant: NDArray[np.bool_]


class Saved(NamedTuple):
    """What choosing by a prior saves, a scenario: by replicate, with what is left open; of that, what bins hide."""

    by_replicate: Array
    bias: float
    within: float

    @property
    def value(self) -> float:
        """The estimate; never below 0, where no value can be."""
        return max(float(self.by_replicate.mean()), 0.0)

    @property
    def error(self) -> float:
        """Its standard error, what is left open taken in."""
        return float(np.hypot(standard_error(self.by_replicate), self.bias))


def saved(counts: Array, sums: Array, best: int, bins: Bins, widest: int, moved: Array) -> Saved:
    """What choosing by the prior saves against the best choice.

    `counts` (replicate, bin) are scenarios, `sums` (replicate, choice, bin) those of costs beyond the first choice's;
    `widest` is the reach for a smooth function, in bins; `moved` (choice, scenario) is how costs beyond the first
    choice's change where the prior moves within its bin.
    """
    others = counts.sum(axis=0) - counts, sums.sum(axis=0) - sums
    reaches = dict.fromkeys(int(widest * share) for share in _NARROWER)
    gains = {reach: _gains(_means(*others, bins, reach), counts, sums, best) for reach in reaches}
    widest_gains = gains[widest]
    chosen, most = widest, 0.0
    for reach, own in gains.items():
        more = own - widest_gains
        if (mean := float(more.mean())) > max(_SURE * float(standard_error(more)), most):
            chosen, most = reach, mean
    less = {reach: float((gains[chosen] - own).mean()) for reach, own in gains.items()}
    bias = max(0.0, *(-less[reach] for reach in reaches if reach < chosen), 0.0)
    whole = counts.sum(axis=0), sums.sum(axis=0)
    fitted = _means(*whole, bins, chosen)
    shares = whole[0] / (whole[0].sum() or 1.0)
    within = _within(fitted, shares, moved, best)
    alone = _gains(fitted[None], whole[0][None], whole[1][None], best)  # judged by what it is chosen by
    mistaken = max(float(alone.mean() - gains[chosen].mean()) / 2, 0.0)
    hidden, left_over = _hidden(fitted, shares, best, bins), _left_over(fitted, counts, sums, best)
    for part in (mistaken, _between(less, chosen), hidden, left_over, within):
        bias = float(np.hypot(bias, part))
    return Saved(gains[chosen], bias, within)


def _gains(means: Array, counts: Array, sums: Array, best: int) -> Array:
    """By replicate, what the choice that is the least by means (replicate, choice, bin) saves in its scenarios."""
    # A tie changes nothing: the best stays.
    chosen = np.where(means[:, best] <= means.min(axis=1), best, means.argmin(axis=1))
    gains = sums[:, best] - np.take_along_axis(sums, chosen[:, None], axis=1)[:, 0]
    totals = counts.sum(axis=1)
    by_replicate: Array = gains.sum(axis=1) / np.where(totals, totals, 1.0)
    return by_replicate


def _between(less: dict[int, float], chosen: int) -> float:
    """What a reach between the chosen one and its neighbours could save more: what the better of them saves less."""
    reaches = [*less]
    place = reaches.index(chosen)
    neighbours = reaches[place - 1 : place + 2] if place else []  # where a line suits the widest, it suits all
    return max(min((less[reach] for reach in neighbours if reach != chosen), default=0.0), 0.0)


def _means(counts: Array, sums: Array, bins: Bins, reach: int) -> Array:
    """Means by (..., choice, bin): of the bins, or from a line in the normal score through those within reach."""
    from simulate.special import ndtri

    if not reach:
        return _ratio(sums, counts[..., None, :])
    place = np.arange(counts.shape[-1])
    low, high = np.maximum(place - reach, bins.first), np.minimum(place + reach, bins.last) + 1
    scores = ndtri((place + 0.5) / len(place))

    def around(values: Array) -> Array:
        running = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
        window: Array = running[..., high] - running[..., low]
        return window

    weight = around(counts)
    weight[weight <= ROUNDING * weight.max()] = 1  # none, but for what arithmetic leaves
    centre = around(counts * scores) / weight
    variance = around(counts * scores * scores) / weight - centre**2
    weight, centre, variance = weight[..., None, :], centre[..., None, :], variance[..., None, :]
    mean = around(sums) / weight
    covariance = around(sums * scores) / weight - centre * mean
    slope = np.where(variance > 1e-12, covariance / np.maximum(variance, 1e-12), 0.0)
    lines: Array = mean + slope * (scores - centre)
    return lines


def _hidden(means: Array, shares: Array, best: int, bins: Bins) -> float:
    """What could be saved within the bins in which the choice changes, if it jumps there between its neighbours."""
    place = np.arange(1, len(shares) - 1)
    place = place[(bins.first[place] < place) & (place < bins.last[place]) & ~bins.constant[place]]
    beyond = means - means[best]
    hidden = np.zeros(len(place))
    for own in beyond:
        left, here, right = own[place - 1], own[place], own[place + 1]
        changes = left * right < 0
        share = np.clip((here - right) / np.where(changes, left - right, 1.0), 0.0, 1.0)  # of the bin, left of the jump
        apart = np.minimum(share * left, 0.0) + np.minimum((1 - share) * right, 0.0)  # what choosing on each side saves
        hidden = np.maximum(hidden, np.where(changes, np.minimum(here, 0.0) - apart, 0.0))
    return float(np.sum(hidden * shares[place]))


def _left_over(fitted: Array, counts: Array, sums: Array, best: int) -> float:
    """What the means' departures from the lines could save."""
    whole = counts.sum(axis=0)
    shares, left = whole / (whole.sum() or 1.0), 0.0
    for place, row in enumerate(fitted):
        beyond = row - fitted[best]
        departures = (sums[:, place] - sums[:, best] - counts * beyond) * len(counts)
        for width in _WIDTHS:
            starts = np.arange(0, len(whole), width)
            own, held = (np.add.reduceat(each, starts, axis=-1) for each in (departures, whole))
            square, error = _agreed(_ratio(own, held), held / (held.sum() or 1.0))
            if square > _AGREED * error:
                left = max(left, _loss(beyond, float(np.sqrt(square)), shares))
    return left


def _within(fitted: Array, shares: Array, moved: Array, best: int) -> float:
    """What could be saved by what costs change within bins."""
    left = 0.0
    for row, changes in zip(fitted, moved, strict=True):
        squares = np.sort((changes - moved[best]) ** 2)[: int(len(changes) * (1 - _JUMPS))]
        if (size := float(np.sqrt(np.mean(squares) / 2))) > 0:  # a scenario and where it is moved: twice the variance
            left = max(left, _loss(row - fitted[best], size, shares))
    return left


def _loss(beyond: Array, size: float, shares: Array) -> float:
    """What departures of a known size from means could save: the unit normal's loss, as if they were normal."""
    from simulate.special import ndtr

    far = np.abs(beyond) / size
    loss = np.exp(-far * far / 2) / np.sqrt(2 * np.pi) - far * ndtr(-far)
    return size * float(np.sum(shares * loss))


def _agreed(differences: Array, shares: Array) -> tuple[float, float]:
    """The mean square of what replicates agree in, by products of different ones, and its standard error.

    `differences` (replicate, bin) have the mean that is to be squared.
    """
    others = (differences.sum(axis=0) - differences) / (len(differences) - 1)
    products = (shares * differences * others).sum(axis=1)
    return float(products.mean()), float(standard_error(products))


def _ratio(parts: Array, wholes: Array) -> Array:
    ratio: Array = parts / np.where(wholes, wholes, 1.0)
    return ratio
