"""Shapley effects: shares of the variance that are right for correlated priors too and sum to 1.

For a random order of the priors, let f_k be the quantity with the first k priors of A and the rest of B, drawn given
those k. Then E[(f(A) - (f_k + f_{k-1})/2) (f_k - f_{k-1})] is the variance that the k-th adds; its mean over orders is
the effect. Orders come in pairs of opposites.

Sources: Song, Nelson and Staum (2016), SIAM/ASA J. Uncertainty Quantification 4, 1060; Goda (2021), J. Comput.
Phys. 433.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulate.backends import Ticks
from simulate.graph import Array, Values
from simulate.sampling.sampler import Sampler
from simulate.scenarios import Scenarios
from simulate.sensitivity.method import Asking, Measured, Method, share

if TYPE_CHECKING:
    from simulate.sampling.schemes import Words

ORDER_BLOCK = 2**10  # scenarios that share an order of the priors


def measure(asking: Asking) -> Measured:
    """Walk from B to A along random orders of the priors."""
    first, second = asking.drawn(), asking.drawn(stream=1)
    names = first.sampler.wanted
    block = min(ORDER_BLOCK, first.size)
    starts = range(0, first.size, block)

    def work(replicate: int, ticks: Ticks) -> Array:
        """Mean of the variance that each prior adds, over the blocks; and the mean of the quantity behind them."""
        words, others = first.sampler.words(replicate), second.sampler.words(replicate)
        random = np.random.default_rng([first.sampler.seed, replicate])
        order: list[str] = []
        added: list[list[float]] = []
        for chunk in range(first.chunks):
            known, hidden = words(chunk), others(chunk)
            for start in ticks(starts):
                order = order[::-1] if len(added) % 2 else random.permutation(np.array(names)).tolist()
                part = slice(start, start + block)
                values = asking.scaled(_along(first, order, known[:, part], hidden[:, part], asking.quantity))
                steps = np.diff(values, axis=0)
                gains = np.mean((values[-1] - (values[1:] + values[:-1]) / 2) * steps, axis=1)
                gain = dict(zip(order, gains.tolist(), strict=True))
                added.append([*(gain[name] for name in names), float(values[-1].mean())])
        means: Array = np.array(added).mean(axis=0)
        return means

    found = np.array(asking.of_replicates(work, first, steps=first.chunks * len(starts)))
    total = found[:, :-1].sum(axis=1)
    effects = {name: {"effect": share(asking, found[:, row], total)} for row, name in enumerate(names)}
    return Measured(asking.baseline(found[:, -1].mean()), effects)


def _along(drawn: Scenarios, order: Sequence[str], known: Words, hidden: Words, quantity: str) -> Array:
    """The quantity as the priors of an order become known one by one: (priors + 1, scenarios)."""
    sampler = drawn.sampler
    # what is drawn behind is known last
    linked = [name for name in dict.fromkeys([*order, *sampler.copula]) if name in sampler.copula]
    scores, known_scores = dict(sampler.scores(hidden)), sampler.scores(known)
    columns: dict[str, Values] = {**drawn.constants, **_linked_columns(sampler, scores, linked)}
    columns |= {name: sampler.at_words(name, hidden) for name in order if name not in sampler.copula}
    length = known.shape[1]
    values = [np.broadcast_to(drawn.plan(columns)[quantity], length)]
    for name in order:
        if name in sampler.copula:
            scores[name] = known_scores[name]
            columns |= _linked_columns(sampler, scores, linked)
        else:
            columns[name] = sampler.at_words(name, known)
        values.append(np.broadcast_to(drawn.plan(columns)[quantity], length))
    return np.array(values)


def _linked_columns(sampler: Sampler, scores: Mapping[str, Array], order: Sequence[str]) -> dict[str, Array]:
    correlated = sampler.correlated(scores, order)
    return {name: sampler.at_scores(name, correlated[name]) for name in order if name in sampler.wanted}


METHOD = Method(
    measure,
    scenarios=2**18,
    heading="Shapley effects, shares of the variance",
    figures={"effect": "Shapley effect"},
    size="effect",
    note="Shapley effects share out what correlated priors do together.",
    mixes=True,
)
