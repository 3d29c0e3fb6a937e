"""What moves the quantities of a run: each prior's share of the variance, which way it goes, and what it rests on."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import is_column, moved, to_host
from simulate.bands import Band
from simulate.conditions import Kept
from simulate.graph import Array
from simulate.influence import (
    Influence,
    Outcome,
    Sampled,
    atoms,
    beyond_error,
    binned,
    binned_uniforms,
    grid,
    influence,
    jackknife,
    outcome,
)
from simulate.plain import storable
from simulate.priors import Priors
from simulate.replicates import Workers
from simulate.results import Result
from simulate.scenarios import Block, Scenarios
from simulate.summary import WEIGHT, Summary

SAMPLED = 2**12  # scenarios of a replicate, and
MOST_SAMPLED = 2**23  # numbers at most, of all replicates
_CACHED = 2**17  # numbers of an array that is worked through again and again
_OF_THE_RAREST = 8  # scenarios of a replicate in which a prior has its rarest value
MOST_MOVED = 2**5  # quantities whose priors are told, the headline first
SURELY = 4  # standard errors of a share of independent scenarios
WIDE = 8  # P95 over P5 of a positive quantity, above which it is the logarithm whose variance is shared out
EVIDENCE = {"judgement": "judgement", "sourced": "sourced", "": "not stated"}  # as told, by that of a prior

Pair = tuple[str, str]  # a quantity and a prior that moves it


@storable
class Sample(NamedTuple):
    """Scenarios of a block: the quantities, where in the priors they lie, and what each counts."""

    moved: Mapping[str, Array]
    inputs: Mapping[str, NDArray[Any]]
    weights: Array

    @classmethod
    def joined(cls, several: "Sequence[Sample]") -> "list[Sample]":
        """Those of several blocks as one, which takes less than many small arrays do."""
        if len(several) < 2:
            return [*several]
        first = several[0]
        moved, inputs = (
            {name: np.concatenate([getattr(each, of)[name] for each in several]) for name in getattr(first, of)}
            for of in ("moved", "inputs")
        )
        return [cls(moved, inputs, np.concatenate([each.weights for each in several]))]


class Drivers:
    """Some scenarios of each replicate of a run, and what the priors that they hold do to the quantities."""

    def __init__(self, priors: Priors, drawn: Scenarios, headline: Sequence[str], asked: Sequence[str]) -> None:
        self.priors, self.drawn = priors, drawn
        self.moved = tuple(dict.fromkeys([*headline, *asked]))[:MOST_MOVED]
        varying, needed = {*drawn.sampler.wanted}, drawn.plan.needed()
        self.movers = {name: needed.get(name, set[str]()) & varying for name in (*asked, *drawn.plan.outputs)}
        self.inputs = tuple(name for name in drawn.plan.inputs if any(name in self.movers[each] for each in self.moved))
        self.atoms = {name: atoms(priors.priors[name].distribution) for name in self.inputs}
        masses = np.concatenate([np.ones(1), *(each.masses for each in self.atoms.values())])
        rarest = masses[masses * drawn.count >= 1].min()  # of what occurs at all
        columns = len(self.inputs) + len(self.moved)
        most = max(MOST_SAMPLED // (drawn.replicates * columns), 1)
        # of those drawn each on its own their uniforms tell where they lie, without sorting; of others their values
        own = [name for name in self.inputs if not drawn.questions.conditional and name not in drawn.sampler.copula]
        self.uniform = dict.fromkeys(name for name in own if not len(priors.priors[name].distribution.jumps))
        self.size = min(max(SAMPLED, int(_OF_THE_RAREST / rarest)), most)

    def sample(self, block: Block) -> Iterator[Sample]:
        """Some scenarios of a block: of a replicate's first so many; under conditions of each block, if any are."""
        conditional = self.drawn.questions.conditional
        most = self.size - block.at.chunks.start * self.drawn.size
        if conditional:
            most = -(-self.size // self.drawn.chunks) * (block.drawn // self.drawn.size)
        size = min(most, block.size)
        if size < 1:
            return
        places: Any = slice(size)
        weights = np.ones(block.size) if block.weights is None else to_host(block.weights) / WEIGHT
        if conditional and block.size > most:  # as many alike as stand for them all
            total = np.cumsum(weights)
            places = moved(np.searchsorted(total, (np.arange(most) + 0.5) / most * total[-1]), block.words)
            weights = np.full(block.size, total[-1] / most)

        def columns(names: Sequence[str]) -> dict[str, Array]:
            of_block = (block.columns[name] for name in names)
            taken = [to_host(each[places]) if is_column(each) else np.full(size, each) for each in of_block]
            return dict(zip(names, np.array(taken, np.float64), strict=True))

        rows = [to_host(block.words[self.drawn.sampler.rows[name]][places]) for name in self.uniform]
        parts = (np.array(rows, np.uint32) >> 16).astype(np.uint16)
        inputs = columns([name for name in self.inputs if name not in self.uniform])
        own = weights[:size].copy()  # no view, which would keep them all
        yield Sample(columns(self.moved), {**dict(zip(self.uniform, parts, strict=True)), **inputs}, own)

    def put(
        self,
        result: Result,
        samples: Sequence[Sequence[Sample]],
        bands: Mapping[Any, Band],
        kept: Kept,
        workers: Workers,
    ) -> None:
        """Put shares, directions and correlations into a result, along `quantity` and `prior`; nan where none is told.

        `samples` are those of each replicate, `kept` what conditions leave of all scenarios.
        """
        quantities, inputs = result.labels("quantity"), result.labels("prior")
        logarithmic = {name: _wide(bands[name].summary) for name in self.moved}
        varying = [name for name in self.moved if bands[name].summary.minimum < bands[name].summary.maximum]
        every = self._influences(varying, (quantities, inputs), logarithmic, samples, kept, workers)
        share, error = jackknife(every.shares, every.unresolved)
        direction = every.direction * beyond_error(share, error)
        stated = np.array([self.priors.priors[prior].evidence for prior in inputs], object)
        by_evidence = np.stack([_summed(every, stated == each) for each in EVIDENCE], axis=-1)
        together = _summed(every, np.ones(len(inputs), np.bool_), rest=True)
        result.along("evidence", [*EVIDENCE.values()])
        along, told = ("quantity", "prior"), "share of the variance"
        result.put("variance_share", along, share, error, label=f"{told} by each prior alone", unit="1")
        result.put("variance_share_by_evidence", ("quantity", "evidence"), *by_evidence, label=told, unit="1")
        result.put("variance_share_together", ("quantity",), *together, label=f"{told} by priors together", unit="1")
        of_logarithm = [float(logarithmic[name]) if name in varying else np.nan for name in quantities]
        label = "1 where the shares are of the variance of the logarithm"
        result.put("variance_of_logarithm", ("quantity",), of_logarithm, label=label, unit="1")
        result.put("direction", along, direction, label="1 where more of a prior is more, -1 where less", unit="1")
        label = "Spearman correlation with each prior"
        result.put("rank_correlation", along, every.rank_correlation, label=label, unit="1")

    def _influences(
        self,
        names: Sequence[str],
        along: tuple[Sequence[str], Sequence[str]],
        logarithmic: Mapping[str, bool],
        samples: Sequence[Sequence[Sample]],
        kept: Kept,
        workers: Workers,
    ) -> Influence:
        """What the priors do to the named quantities, `along` (quantities, priors); nan where nothing is told."""
        shape = tuple(map(len, along))
        found = Influence(np.full((1 + len(samples), *shape), np.nan), *np.full((3, *shape), np.nan))
        if not names:
            return found
        whole = [sample for of_replicate in samples for sample in of_replicate]
        weights = np.concatenate([sample.weights for sample in whole])
        sizes = [sum(len(sample.weights) for sample in of_replicate) for of_replicate in samples]
        replicate = np.repeat(np.arange(len(samples)), sizes)
        sampled = Sampled(weights, replicate, len(samples), min(float(len(weights)), kept.effective))

        def of_quantity(name: str) -> Outcome:
            column = np.concatenate([sample.moved[name] for sample in whole])
            if logarithmic[name]:
                np.log(column, where=np.isfinite(column), out=column)
            return outcome(column, sampled)

        asked = partial(workers.map, what="what moves the bands", scenarios=len(weights), here=True)
        told = asked(of_quantity, names)
        pairs_of = {prior: [(name, prior) for name in names if prior in self.movers[name]] for prior in self.inputs}

        def of_priors(priors: Sequence[str]) -> Influence:
            columns = [np.concatenate([sample.inputs[prior] for sample in whole]) for prior in priors]
            if self.uniform.keys() >= {*priors}:
                bins = binned_uniforms(np.array(columns), sampled.effective)
            else:
                bins = binned(columns[0], weights, self.atoms[priors[0]].values, sampled.effective)
            pairs = [pair for prior in priors for pair in pairs_of[prior]]
            return influence(bins, told, _places(pairs, (names, priors)), sampled)

        groups = self._groups({prior: len(pairs) for prior, pairs in pairs_of.items() if pairs}, sampled)
        for priors, of_group in zip(groups, asked(of_priors, groups), strict=True):
            at = _places([pair for prior in priors for pair in pairs_of[prior]], along)
            for everything, part in zip(found, of_group, strict=True):
                everything[..., *at] = part
        every = (pair for pairs in pairs_of.values() for pair in pairs)
        alone = _places([pair for pair in every if len(self.movers[pair[0]]) == 1], along)
        found.shares[:, *alone], found.unresolved[alone] = 1.0, 0.0  # all of the variance
        return found

    def _groups(self, pairs: Mapping[str, int], sampled: Sampled) -> list[list[str]]:
        """The priors in groups whose bins are the same, with no more pairs than the cache holds where there are few."""
        cells = sampled.replicates * (len(grid(sampled.effective)) + 1)
        most = _CACHED // max(cells, len(sampled.weights))
        groups, size = list[list[str]](), 0
        for prior in sorted(pairs, key=lambda each: each not in self.uniform):
            size += pairs[prior]
            if groups and size <= most and self.uniform.keys() >= {prior, *groups[-1]}:
                groups[-1].append(prior)
            else:
                groups.append([prior])
                size = pairs[prior]
        return groups


def _places(pairs: Sequence[Pair], along: tuple[Sequence[str], Sequence[str]]) -> tuple[list[int], list[int]]:
    """The places of the quantities and of the priors of pairs, along (quantities, priors)."""
    quantities, priors = ({name: place for place, name in enumerate(each)} for each in along)
    return [quantities[name] for name, _ in pairs], [priors[prior] for _, prior in pairs]


def _wide(summary: Summary) -> bool:
    """Whether a quantity is so wide, beyond what sampling does, that its logarithm says more of it."""
    if not summary.count or not summary.minimum > 0:
        return False
    inwards = 100 * SURELY * math.sqrt(0.05 * 0.95 / summary.effective)
    low, high = summary.percentiles([5 + inwards, 95 - inwards])
    return bool(high / WIDE > low)


def _summed(every: Influence, of: NDArray[np.bool_], *, rest: bool = False) -> Array:
    """The sum of the shares `of` some priors, or what it leaves of all, and its standard error; nan of none."""
    told = of & ~np.isnan(every.direction)
    total, unresolved = (np.where(told, each, 0.0) for each in (every.shares, every.unresolved))
    total, unresolved = total.sum(axis=-1), np.sqrt((unresolved**2).sum(axis=-1))
    return np.where(told.any(axis=-1), jackknife(1 - total if rest else total, unresolved), np.nan)
