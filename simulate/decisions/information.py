"""The value of information: what finding out a prior before deciding saves.

The choices of a priors file are drawn on common uniforms, so that a scenario is the same world in each.

With costs c_k of the choices k and a prior X:

    EVPI     = min_k E[c_k] - E[min_k c_k]              everything is found out before deciding
    EVPPI(X) = min_k E[c_k] - E[min_k E[c_k | X]]       X alone is

X is known by the place in its distribution (the probability below it), which the choices share, so a prior that
has other parameters in another choice is found out in both. Correlated priors move along with X as far as the
correlation goes: what X tells of them counts for X.

Estimator. Means of the differences of costs by X, in 1,024 equally probable bins (by value, where X has few), and
a line in the normal score through the bins around each give E[c_k | X]. The least of noisy means is too low, so a
bin's choice comes from the other replicates and is judged by this replicate's scenarios (cross-fitting): what it
saves is an unbiased estimate for that rule of choosing, and no rule saves more than perfect knowledge of X. So the
estimate errs low, by what mistaken choices near a tie cost, which is of second order. It never exceeds the EVPI
of the same scenarios; below 0, where no value can be, it is told as 0. Standard errors are those of the replicates.

Sources: Howard (1966), IEEE Trans. Syst. Sci. Cybern. 2, 22; Strong and Oakley (2013), Med. Decis. Making 33, 755
(conditional expectations by regression on the draws at hand).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate import graph
from simulate.distributions import Distribution
from simulate.graph import ROUNDING, Array
from simulate.priors import Priors
from simulate.sampling.sampler import Sampler
from simulate.sampling.tables import probabilities
from simulate.scenarios import Scenarios

if TYPE_CHECKING:
    from simulate.sampling.schemes import Words

BINS = 1024  # equally probable bins of a prior
BINS_WITH_JUMPS = 64  # of one with jumps, beside which no line is drawn from bin to bin


class Partition(NamedTuple):
    """The bins of a prior, and the choice whose draws tell in which of them a scenario lies.

    `cuts` are the probabilities between bins, None for BINS equal ones; bins with cuts are not smoothed.
    """

    choice: str
    cuts: Array | None

    @property
    def bins(self) -> int:
        """The number of bins."""
        return BINS if self.cuts is None else len(self.cuts) + 1

    def places(self, below: Array) -> NDArray[np.int64]:
        """The bin of each probability below."""
        if self.cuts is None:
            return (below * BINS).astype(np.int64)
        return np.searchsorted(self.cuts, below, side="left")


class Binned(NamedTuple):
    """Of a prior: scenarios by bin, and sums of the costs beyond the first choice's by (choice, bin)."""

    counts: Array
    sums: Array


def partitions(cases: Mapping[str, Priors], cost: str, drawn: Mapping[str, Scenarios]) -> dict[str, Partition]:
    """How the priors that any choice draws and needs for the cost are binned, by name."""
    holders: dict[str, list[str]] = {}
    for choice, case in cases.items():
        for name in graph.plan(case.quantities, case.priors, [cost]).inputs:
            if name in drawn[choice].sampler.wanted:
                holders.setdefault(name, []).append(choice)
    return {
        name: Partition(choices[0], cuts([cases[choice].priors[name].distribution for choice in choices]))
        for name, choices in holders.items()
    }


def cuts(distributions: Sequence[Distribution]) -> Array | None:
    """Probabilities between the bins of a prior with jumps: a value of its own has one bin, whatever its share."""
    jumps = np.unique(np.concatenate([distribution.jumps for distribution in distributions]))
    if not 0 < len(jumps) < BINS:
        return None
    finer = np.union1d(np.arange(1, BINS_WITH_JUMPS) / BINS_WITH_JUMPS, jumps)
    middles = (np.concatenate([[0.0], finer]) + np.concatenate([finer, [1.0]])) / 2
    values = np.array([distribution.quantile(middles) for distribution in distributions])
    kept: Array = finer[(values[:, 1:] != values[:, :-1]).any(axis=0)]
    return kept


def add_chunk(
    binned: Mapping[str, Binned],
    partitions: Mapping[str, Partition],
    sampler: Sampler,
    words: Words,
    costs: Array,
    counting: Array | None = None,
) -> None:
    """Add a chunk's differences of costs (rows 1 and on) to the bins of the priors that a choice's draws tell.

    `counting` is what each scenario counts, once by default.
    """
    from scipy.special import ndtr

    scores = sampler.joint(words) if sampler.proposal or any(name in sampler.copula for name in partitions) else {}
    for name, partition in partitions.items():
        below = ndtr(scores[name]) if name in scores else probabilities(words[sampler.rows[name]])[0]
        places = partition.places(np.minimum(below, np.nextafter(1.0, 0.0)))
        counts, sums = binned[name]
        counts += np.bincount(places, counting, minlength=partition.bins)
        for row in range(1, len(costs)):
            own = costs[row] if counting is None else costs[row] * counting
            sums[row] += np.bincount(places, own, minlength=partition.bins)


def saved(binned: Sequence[Binned], best: int, partition: Partition, scenarios: float) -> Array:
    """By replicate, what choosing by the prior saves against the best choice, a scenario.

    A bin's choice is the least by what the other replicates say of it.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what is then no number is told so
        return _saved(binned, best, partition, scenarios)


def _saved(binned: Sequence[Binned], best: int, partition: Partition, scenarios: float) -> Array:
    all_counts = np.sum([each.counts for each in binned], axis=0)
    all_sums = np.sum([each.sums for each in binned], axis=0)
    by_replicate = np.empty(len(binned))
    for place, own in enumerate(binned):
        counts, sums = all_counts - own.counts, all_sums - own.sums
        means = _smooth(counts, sums, scenarios) if partition.cuts is None else sums / np.where(counts, counts, 1)
        # A tie changes nothing: the best stays.
        chosen = np.where(means[best] <= means.min(axis=0), best, means.argmin(axis=0))
        gains = own.sums[best] - own.sums[chosen, np.arange(partition.bins)]
        by_replicate[place] = gains.sum() / (own.counts.sum() or 1.0)
    return by_replicate


def _smooth(counts: Array, sums: Array, scenarios: float) -> Array:
    """Means by (choice, bin) from a line in the normal score through the bins around each.

    The noise of a window of share w of the scenarios and the error of a choice that changes a window too late cost
    about as much as each other where w is near (6 / scenarios)^(1/3); twice that, for the line follows a slope.
    """
    from scipy.special import ndtri

    bins = len(counts)
    reach = max(int(bins * (6 / scenarios) ** (1 / 3)), 1)
    scores = ndtri((np.arange(bins) + 0.5) / bins)
    low = np.maximum(np.arange(bins) - reach, 0)
    high = np.minimum(np.arange(bins) + reach + 1, bins)

    def around(values: Array) -> Array:
        running = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
        window: Array = running[..., high] - running[..., low]
        return window

    weight = around(counts)
    weight[weight <= ROUNDING * weight.max()] = 1  # none, but for what arithmetic leaves
    centre = around(counts * scores) / weight
    variance = around(counts * scores * scores) / weight - centre**2
    mean = around(sums) / weight
    covariance = around(sums * scores) / weight - centre * mean
    slope = np.where(variance > 1e-12, covariance / np.maximum(variance, 1e-12), 0.0)
    return mean + slope * (scores - centre)
