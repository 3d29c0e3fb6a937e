"""The value of information: what finding out a prior before deciding saves.

The choices of a priors file are drawn on common uniforms, so that a scenario is the same world in each.

With costs c_k of the choices k and a prior X:

    EVPI     = min_k E[c_k] - E[min_k c_k]              everything is found out before deciding
    EVPPI(X) = min_k E[c_k] - E[min_k E[c_k | X]]       X alone is

X is known by the place in its distribution (the probability below it), which the choices share, so a prior that
has other parameters in another choice is found out in both. Correlated priors move along with X as far as the
correlation goes: what X tells of them counts for X.

Estimator. Means of the differences of costs by X, in 4,096 equally probable bins (by value, where X has few; between
jumps, in 1,024), and lines in the normal score through the bins around each give E[c_k | X]: `smoothing` tells how far
around, what the choice by them saves, and what the bins leave open. Under conditions the bins are equally probable in
a pilot of the scenarios kept. The estimate never exceeds the EVPI of the same scenarios; below 0, where no value can
be, it is told as 0. Standard errors are those of the replicates, with what is left open taken in.

Sources: Howard (1966), IEEE Trans. Syst. Sci. Cybern. 2, 22; Strong and Oakley (2013), Med. Decis. Making 33, 755
(conditional expectations by regression on the draws at hand).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.decisions.smoothing import Bins, Saved, saved
from simulate.distributions import Distribution
from simulate.distributions.scores import normal_probability, normal_score
from simulate.graph import Array, distinct_values
from simulate.priors import Priors
from simulate.sampling.sampler import Sampler
from simulate.sampling.tables import probabilities
from simulate.scenarios import Scenarios
from simulate.summary import WEIGHT

if TYPE_CHECKING:
    from simulate.sampling.schemes import Words

BINS = 4096  # equally probable bins of a prior
BINS_WITH_JUMPS = 1024  # of one with jumps, besides those
MOVED = 2**10  # scenarios in which a prior is moved within its bin


class Partition(NamedTuple):
    """The bins of a prior, and the choice whose draws tell in which of them a scenario lies.

    `cuts` are what lies between bins: probabilities, or under conditions normal scores; None for BINS equally probable
    ones.
    """

    choice: str
    cuts: Array | None
    bins: Bins

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.bins.first)

    def places(self, at: Array) -> NDArray[np.int64]:
        """The bin of each probability below, or score."""
        if self.cuts is None:
            return (np.minimum(at, np.nextafter(1.0, 0.0)) * BINS).astype(np.int64)
        return np.searchsorted(self.cuts, at, side="left")

    def mirrored(self, at: Array) -> Array:
        """Probabilities below, or scores, on the other side of their bins; what lies in the outmost ones stays."""
        edges = np.arange(1, BINS) / BINS if self.cuts is None else self.cuts
        places = np.searchsorted(edges, at, side="left")
        inside = (places > 0) & (places < len(edges))
        inside &= ~self.bins.constant[places]
        moved: Array = at.copy()
        moved[inside] = edges[places[inside] - 1] + edges[places[inside]] - at[inside]
        return moved


class Binned(NamedTuple):
    """Of a prior: scenarios by bin, and sums of the costs beyond the first choice's by (choice, bin)."""

    counts: Array
    sums: Array


def partitions(cases: Mapping[str, Priors], cost: str, drawn: Mapping[str, Scenarios]) -> dict[str, Partition]:
    """How the priors that any choice draws and needs for the cost are binned, by name."""
    holders: dict[str, list[str]] = {}
    for choice, case in cases.items():
        for name in case.wiring.plan([cost]).inputs:
            if name in drawn[choice].sampler.wanted:
                holders.setdefault(name, []).append(choice)
    edges: dict[str, Array] = {}
    for choice, scenarios in drawn.items():
        if scenarios.questions.conditional:
            edges |= _edges(scenarios, [name for name, choices in holders.items() if choices[0] == choice])
    return {
        name: partition(choices[0], [cases[choice].priors[name].distribution for choice in choices], edges.get(name))
        for name, choices in holders.items()
    }


def _edges(drawn: Scenarios, names: Sequence[str]) -> dict[str, Array]:
    """Normal scores of priors between which equal shares lie of what is kept of the replicates' first chunks."""
    kept = [block for each in range(drawn.replicates) for block in drawn.blocks(drawn.pilot(each))]
    scores = [drawn.sampler.joint(block.words[:, block.places], names) for block in kept]
    weights = [np.ones(block.size) if block.weights is None else block.weights / WEIGHT for block in kept]
    found = {}
    for name in names:
        values = np.concatenate([each[name] for each in scores])
        order = np.argsort(values)
        if len(order):
            below = np.cumsum(np.concatenate(weights)[order])
            places = np.searchsorted(below, np.arange(1, BINS) / BINS * below[-1])
            found[name] = distinct_values(values[order][np.minimum(places, len(order) - 1)])
    return found


def partition(choice: str, distributions: Sequence[Distribution], edges: Array | None) -> Partition:
    """The bins of a prior; one with jumps has them at bins' ends, and one bin for a value of its own."""
    jumps = distinct_values(np.concatenate([distribution.jumps for distribution in distributions]))
    if not 0 < len(jumps) < BINS_WITH_JUMPS:
        count = BINS if edges is None else len(edges) + 1
        return Partition(
            choice, edges, Bins(np.zeros(count, np.intp), np.full(count, count - 1), np.zeros(count, bool))
        )
    even = np.arange(1, BINS_WITH_JUMPS) / BINS_WITH_JUMPS
    if edges is not None:
        jumps, even = normal_score(jumps, 1 - jumps), edges
    cuts = np.union1d(even, jumps)
    lowest, highest = (0.0, 1.0) if edges is None else (min(cuts[0], -9.0) - 1, max(cuts[-1], 9.0) + 1)
    ends = np.concatenate([[lowest], cuts, [highest]])

    def values(share: float) -> Array:
        within = (1 - share) * ends[:-1] + share * ends[1:]
        below = (within, 1 - within) if edges is None else normal_probability(within)
        return np.array([distribution.quantile(*below) for distribution in distributions])

    low, high = values(0.25), values(0.75)
    apart = (low[:, 1:] != high[:, :-1]).any(axis=0)  # neighbours of one value are one bin
    starts = np.concatenate([[True], apart])
    constant = (low == high).all(axis=0)[starts]
    cuts = cuts[apart]
    begins = np.concatenate([[True], np.isin(cuts, jumps)])
    firsts, stretch = np.flatnonzero(begins), np.cumsum(begins) - 1
    lasts = np.append(firsts[1:], len(begins)) - 1
    return Partition(choice, cuts, Bins(firsts[stretch], lasts[stretch], constant))


def add_block(
    binned: Mapping[str, Binned],
    partitions: Mapping[str, Partition],
    sampler: Sampler,
    words: Words,
    costs: Array,
    counting: Array | None = None,
    *,
    conditional: bool = False,
) -> None:
    """Add a block's differences of costs (rows 1 and on) to the bins of the priors that a choice's draws tell.

    `counting` is what each scenario counts, once by default; `conditional` says that bins lie between scores.
    """
    from simulate.special import ndtr

    known = conditional or any(name in sampler.copula for name in partitions)
    scores = sampler.joint(words, list(partitions) if conditional else ()) if known else {}
    for name, partition in partitions.items():
        if conditional:
            at = scores[name]
        else:
            at = ndtr(scores[name]) if name in scores else probabilities(words[sampler.rows[name]])[0]
        places = partition.places(at)
        counts, sums = binned[name]
        counts += np.bincount(places, counting, minlength=partition.size)
        for row in range(1, len(costs)):
            own = costs[row] if counting is None else costs[row] * counting
            sums[row] += np.bincount(places, own, minlength=partition.size)


def moved(
    drawn: Mapping[str, Scenarios], cases: Mapping[str, Priors], cost: str, partitions: Mapping[str, Partition]
) -> dict[str, Array]:
    """How costs beyond the first choice's change where each prior alone moves within its bin: (choice, scenario).

    In some of the scenarios of the first step.
    """
    from simulate.special import ndtr

    words = {option: scenarios.sampler.words(0)(0)[:, :MOVED] for option, scenarios in drawn.items()}
    inputs = {option: scenarios.inputs(words[option]) for option, scenarios in drawn.items()}

    def costs(changed: Mapping[str, Mapping[str, Array]]) -> Array:
        own = [
            np.broadcast_to(scenarios.plan({**inputs[option], **changed.get(option, {})})[cost], words[option].shape[1])
            for option, scenarios in drawn.items()
        ]
        beyond: Array = np.array(own) - own[0]
        return beyond

    before, found = costs({}), {}
    for name, partition in partitions.items():
        sampler, conditional = drawn[partition.choice].sampler, drawn[partition.choice].questions.conditional
        score = sampler.joint(words[partition.choice], [name])[name]
        at = partition.mirrored(score if conditional else ndtr(score))
        below = normal_probability(at) if conditional else (at, 1 - at)
        found[name] = before - costs(
            {
                option: {name: cases[option].priors[name].distribution.quantile(*below)}
                for option, scenarios in drawn.items()
                if name in scenarios.sampler.wanted
            }
        )
    return found


def worth(binned: Sequence[Binned], best: int, partition: Partition, scenarios: float, moved: Array) -> Saved:
    """What finding out a prior saves against the best choice, a scenario.

    The noise of a window of share w of the scenarios and the error of a choice that changes a window too late cost
    about as much as each other where w is near (6 / scenarios)^(1/3); twice that, for a line follows a slope.
    """
    counts, sums = (np.array(each) for each in zip(*binned, strict=True))
    widest = max(int(partition.size * (6 / scenarios) ** (1 / 3)), 1)
    power = int(np.frexp(np.abs(sums).max())[1])  # a power of two takes no bit, and no square overflows
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is then no number is told so
        found = saved(counts, np.ldexp(sums, -power), best, partition.bins, widest, np.ldexp(moved, -power))
        return Saved(np.ldexp(found.by_replicate, power), *(float(np.ldexp(each, power)) for each in found[1:]))
