"""Between which values of a prior a bar goes: two percentiles, or values that have a probability by themselves."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from simulate.backends import Ticks
from simulate.bands import Bands
from simulate.distributions import Distribution, Pieces, pieces
from simulate.distributions.atoms import LEAST
from simulate.folding import fold_replicates
from simulate.gathering import Gathering
from simulate.graph import Array
from simulate.replicates import Workers
from simulate.scenarios import Piece, Scenarios
from simulate.statistics import MEAN
from simulate.summary import Summary

ATOM = 1 / 64  # a value that has a larger probability is told by itself, as in a sample of few it is


class End(NamedTuple):
    """Where a bar ends: at a `percent` of the prior, or at a value of a `probability`; the other of the two is nan.

    `tied` is the part of the scenarios exactly at a percentile that count: a tie at the boundary is split.
    """

    value: float
    percent: float
    probability: float = np.nan
    tied: float = 1.0

    @property
    def share(self) -> float:
        """How much of the prior lies there."""
        return self.probability if np.isnan(self.percent) else min(self.percent, 100 - self.percent) / 100


def ends(parts: Pieces, quantile: Callable[[float], float], low: float, high: float) -> tuple[End, End]:
    """The ends of a prior in pieces, of a quantile function, for two percents.

    An end goes to the least or greatest value where its percentile is a value that has much probability by itself;
    where what lies beyond that has none, as far into it as the percent says.
    """
    below, above = parts.levels, 1 - parts.levels

    def end(percent: float, *, at_high: bool) -> End:
        share = percent / 100
        place = min(int(np.searchsorted(below[1:], share)), len(parts.values) - 1)
        value, probability = float(parts.values[place]), float(parts.probabilities[place])
        if np.isnan(value):
            return End(quantile(share), percent)
        if probability <= ATOM:
            wanted = 1 - share - above[place + 1] if at_high else share - below[place]
            return End(value, percent, tied=float(np.clip(wanted / probability, 0, 1)))
        last = len(parts.values) - 1 if at_high else 0
        if not np.isnan(outermost := float(parts.values[last])):
            return End(outermost, np.nan, float(parts.probabilities[last]))
        share = float(1 - above[place + 1] * (1 - share) if at_high else below[place] * share)
        return End(quantile(share), 100 * share)

    return end(low, at_high=False), end(high, at_high=True)


def of_distribution(distribution: Distribution, low: float, high: float) -> tuple[End, End]:
    """The ends of a prior as it is stated."""
    parts = pieces(distribution)
    return ends(parts, lambda share: float(distribution.quantile(share)), low, high)


def of_draws(drawn: Scenarios, low: float, high: float, workers: Workers) -> dict[str, tuple[End, End]]:
    """The ends of the priors that have values with a probability by themselves, in the scenarios kept."""
    names = [name for name in drawn.sampler.wanted if not np.isnan(_stated(drawn, name).values).all()]

    def work(gathering: Gathering[str], piece: Piece, ticks: Ticks) -> None:
        for block in drawn.blocks(piece, ticks):
            for name in names if block.size else ():
                gathering.add(name, block.columns[name], block.size, block.weights)

    bands = Bands[str]([MEAN])
    if names:
        fold_replicates(
            work,
            drawn,
            lambda parts, _: bands.add(parts),
            keys=names,
            statistics=[MEAN],
            workers=workers,
            on_device=True,
        )
    found = {}
    for name, band in bands.items():
        parts = _kept(_stated(drawn, name).values, band.summary)
        found[name] = ends(parts, partial(_quantile, band.summary), low, high)
    return found


def _quantile(summary: Summary, share: float) -> float:
    return float(summary.percentiles([100 * share])[0])


def _stated(drawn: Scenarios, name: str) -> Pieces:
    return pieces(drawn.distributions[name])


def _kept(values: Array, summary: Summary) -> Pieces:
    """The pieces of a prior as conditions leave them: how often its values come, and what lies between."""
    jumps = summary.jumps()
    (low, high), shares, atoms = jumps.edges, jumps.numbers / summary.count, values[~np.isnan(values)]
    place = np.minimum(np.searchsorted(low, atoms), len(low) - 1)
    here = np.where((low[place] == atoms) & (high[place] == atoms), shares[place], 0.0)
    under = np.concatenate([[0.0], np.cumsum(shares)])[np.searchsorted(low, atoms)]
    between = np.append(under, 1.0) - np.concatenate([[0.0], under + here])
    probabilities = np.append(np.column_stack([between[:-1], here]).ravel(), between[-1])
    told = np.append(np.column_stack([np.full(len(atoms), np.nan), atoms]).ravel(), np.nan)
    there = probabilities > LEAST
    return Pieces(np.concatenate([[0.0], np.cumsum(probabilities[there])]), told[there])
