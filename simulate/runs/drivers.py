"""What moves the quantities of a run: each prior's share of the variance, which way it goes, and what it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from simulate.bands import Band
from simulate.conditions import Kept
from simulate.graph import Array
from simulate.influence import Influence, atoms, beyond_error, binned, binned_uniforms, influence, jackknife, outcomes
from simulate.priors import Priors
from simulate.results import Result
from simulate.scenarios import Chunk, Scenarios
from simulate.summary import WEIGHT, Summary

SAMPLED = 2**12  # scenarios of a replicate, and
MOST_SAMPLED = 2**23  # numbers at most, of all replicates
_OF_THE_RAREST = 8  # scenarios of a replicate in which a prior has its rarest value
MOST_MOVED = 2**5  # quantities whose priors are told, the headline first
WIDE = 8  # P95 over P5 of a positive quantity, above which it is the logarithm whose variance is shared out
EVIDENCE = {"judgement": "judgement", "sourced": "sourced", "": "not stated"}  # as told, by that of a prior

Sample = tuple[Mapping[str, Array], Array]  # columns by name, and what each scenario counts


class Drivers:
    """Some scenarios of each replicate of a run, and what the priors that they hold do to the quantities."""

    def __init__(self, priors: Priors, drawn: Scenarios, headline: Sequence[str], asked: Sequence[str]) -> None:
        self.priors, self.drawn = priors, drawn
        self.moved = tuple(dict.fromkeys([*headline, *asked]))[:MOST_MOVED]
        varying, needed = {*drawn.sampler.wanted}, drawn.plan.needed()
        self.movers = {name: needed.get(name, set[str]()) & varying for name in (*asked, *drawn.plan.outputs)}
        self.inputs = tuple(
            name for name in drawn.plan.inputs if any(name in self.movers[each] for each in self.moved)
        )
        self.atoms = {name: atoms(priors.priors[name].distribution) for name in self.inputs}
        rarest = min((each.rarest for each in self.atoms.values()), default=1.0)
        columns = len(self.inputs) + len(self.moved)
        most = max(MOST_SAMPLED // (drawn.replicates * columns), 1)
        # of those drawn each on its own their uniforms tell where they lie, without sorting; of others their values
        own = () if drawn.questions.conditional else {*self.inputs} - {*drawn.sampler.copula}
        self.uniform = {name for name in own if not len(priors.priors[name].distribution.jumps)}
        self.by_value = tuple(dict.fromkeys([*self.moved, *(name for name in self.inputs if name not in self.uniform)]))
        self.size = min(max(SAMPLED, int(_OF_THE_RAREST / rarest)), most)

    def sample(self, chunk: Chunk) -> Iterator[Sample]:
        """Some scenarios of a chunk: of a replicate's first so many; under conditions of each chunk, if any are."""
        conditional = self.drawn.questions.conditional
        most = -(-self.size // self.drawn.chunks) if conditional else self.size - chunk.at[1] * self.drawn.size
        if min(most, chunk.size) < 1:
            return
        weights = np.ones(chunk.size) if chunk.weights is None else chunk.weights / WEIGHT
        places: Any = slice(most)
        if conditional and chunk.size > most:  # as many alike as stand for them all
            total = np.cumsum(weights)
            places = np.searchsorted(total, (np.arange(most) + 0.5) / most * total[-1])
            weights = np.full(chunk.size, total[-1] / most)
        columns = {name: np.broadcast_to(chunk.columns[name], chunk.size)[places].copy() for name in self.by_value}
        for name in self.uniform:
            columns[name] = (chunk.words[self.drawn.sampler.rows[name], places] >> 16).astype(np.uint16)
        yield columns, weights[places]

    def put(self, result: Result, samples: Sequence[Sequence[Sample]], bands: Mapping[Any, Band], kept: Kept) -> None:
        """Put shares, directions and correlations into a result, along `quantity` and `prior`; nan where none is told.

        `samples` are those of each replicate, `kept` what conditions leave of all scenarios.
        """
        quantities, inputs = result.labels("quantity"), result.labels("prior")
        logarithmic = {name: _wide(bands[name].summary) for name in self.moved}
        varying = [name for name in self.moved if bands[name].summary.minimum < bands[name].summary.maximum]
        found = self._influences(varying, logarithmic, samples, kept)
        shape = len(quantities), len(inputs)
        share, error, direction, correlation = (np.full(shape, np.nan) for _ in range(4))
        together, kinds = np.full((2, shape[0]), np.nan), list(EVIDENCE.values())
        by_evidence = np.full((2, shape[0], len(kinds)), np.nan)
        for name, of_priors in found.items():
            row = quantities.index(name)
            for prior, each in of_priors.items():
                at = row, inputs.index(prior)
                share[at], error[at] = jackknife(each.shares, each.unresolved)
                direction[at] = each.direction * beyond_error(share[at], error[at])
                correlation[at] = each.rank_correlation
            together[:, row] = _summed(of_priors.values(), rest=True)
            for column, (evidence, _) in enumerate(EVIDENCE.items()):
                if those := [each for prior, each in of_priors.items() if self._evidence(prior) == evidence]:
                    by_evidence[:, row, column] = _summed(those)
        result.along("evidence", kinds)
        along, told = ("quantity", "prior"), "share of the variance"
        result.put("variance_share", along, share, error, label=f"{told} by each prior alone", unit="1")
        result.put("variance_share_by_evidence", ("quantity", "evidence"), *by_evidence, label=told, unit="1")
        result.put("variance_share_together", ("quantity",), *together, label=f"{told} by priors together", unit="1")
        of_logarithm = [float(logarithmic[name]) if name in found else np.nan for name in quantities]
        label = "1 where the shares are of the variance of the logarithm"
        result.put("variance_of_logarithm", ("quantity",), of_logarithm, label=label, unit="1")
        result.put("direction", along, direction, label="1 where more of a prior is more, -1 where less", unit="1")
        label = "Spearman correlation with each prior"
        result.put("rank_correlation", along, correlation, label=label, unit="1")

    def _evidence(self, prior: str) -> str:
        return self.priors.priors[prior].evidence

    def _influences(
        self, names: Sequence[str], logarithmic: Mapping[str, bool], samples: Sequence[Sequence[Sample]], kept: Kept
    ) -> dict[str, dict[str, Influence]]:
        """What the priors do to the quantities, by quantity and prior."""
        found: dict[str, dict[str, Influence]] = {name: {} for name in names}
        if not names:
            return found
        whole = [sample for of_replicate in samples for sample in of_replicate]
        columns = {name: np.concatenate([part[name] for part, _ in whole]) for name in whole[0][0]}
        weights = np.concatenate([weight for _, weight in whole])
        sizes = [sum(len(weight) for _, weight in of_replicate) for of_replicate in samples]
        replicate = np.repeat(np.arange(len(samples)), sizes)
        effective = min(float(len(weights)), kept.effective)
        for name in names:
            if logarithmic[name]:
                columns[name] = np.log(columns[name], where=columns[name] > 0, out=np.full(len(weights), np.nan))
        every = np.array([columns[name] for name in names])
        told = outcomes(every, weights, replicate, count=len(samples), effective=effective)
        for prior in self.inputs:
            rows = [row for row, name in enumerate(names) if prior in self.movers[name]]
            if not rows:
                continue
            if prior in self.uniform:
                bins = binned_uniforms(columns[prior], effective)
            else:
                bins = binned(columns[prior], weights, self.atoms[prior].values, effective)
            of_prior = influence(bins, told.of(rows))
            for place, row in enumerate(rows):
                alone = len(self.movers[names[row]]) == 1
                found[names[row]][prior] = of_prior.of(place, alone=alone)
        return found


def _wide(summary: Summary) -> bool:
    """Whether a quantity is so wide that its logarithm says more of it."""
    low, high = summary.percentiles([5, 95])
    return bool(summary.minimum > 0 and high / WIDE > low)


def _summed(influences: Any, *, rest: bool = False) -> tuple[Array, Array]:
    """The sum of the shares of several priors, or what it leaves of all, and its standard error."""
    several = list(influences)
    total = np.sum([each.shares for each in several], axis=0)
    unresolved = np.sqrt(np.sum([each.unresolved**2 for each in several], axis=0))
    return jackknife(1 - total if rest else total, unresolved)
