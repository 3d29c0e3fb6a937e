"""The constants of serving software, fitted to public benchmarks with levels that borrow from their relatives.

A constant's logarithm is a value common to all, a yearly gain for the latencies, and what a stack or an accelerator
adds; on top of the equations a family of mixtures, a stack and a group of benchmarks each take a factor of their own.
What each adds has a normal prior about 0, whose spread is learnt from how far the others lie apart. A level that the
fit has not seen keeps its prior: the forecast of it is the constants', and its band is as wide as the levels differ.

The fit maximizes the posterior and takes its curvature there (Laplace). Spreads follow by turns with it, each worth
some levels of a stated guess, which is the empirical Bayes of few levels.
Source: Gelman et al., 2013, Bayesian data analysis, chapters 5, 13.1 and 15; Dempster, Laird and Rubin, 1977.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.calibration.benchmarks import (
    FIRST_TOKEN,
    QUESTION,
    TOKEN,
    Benchmark,
    load_benchmarks,
    offline_benchmarks,
    server_benchmarks,
)
from simulate.calibration.serving import CONSTANTS, OVERHEAD, WAITED_STEPS, Benchmarks
from simulate.graph import Array

Selection = NDArray[np.bool_]

SINCE, UNTIL = 2024.0, 2026.25  # years: stacks gained from the first on; constants are told at the second
LATENCIES = ("layer_latency", "allreduce_latency")
GAIN = "yearly_gain"
FAMILY, STACK, GROUP = "family of mixtures", "stack", "group"  # levels on all seconds
SCHEDULED, LOADED = "link_utilization_offline", "link_utilization_under_load"
EVERYTHING = "everything"  # a factor on all seconds of a benchmark
MOVED = (*CONSTANTS, EVERYTHING, GAIN)  # by which measurements change


class Prior(NamedTuple):
    """What is believed of a constant before the benchmarks: its median, and the sd of its logarithm."""

    median: float
    sd: float
    moves: tuple[str, ...]
    weight: Callable[[Benchmark], float]  # by which it enters the logarithm


class Level(NamedTuple):
    """Differences between stacks, accelerators, families ...: the guess of their sd, and of how many it is worth."""

    moves: tuple[str, ...]
    label: Callable[[Benchmark], str]  # "" where a benchmark has none
    sd: float
    worth: float


def _always(_: Benchmark) -> float:
    return 1.0


# Judgement: large products reach 0.5 to 0.75 of the peak, exchanges under load less of a link than those of large
# batches, FP4 less of its peak than FP8; a kernel is launched in 5 to 10 us; software gains by the year.
PRIORS: Mapping[str, Prior] = {
    "matrix_utilization": Prior(0.58, 0.2, ("matrix_utilization",), _always),
    "precision_efficiency": Prior(0.75, 0.25, ("precision_efficiency",), lambda row: float(row.precision == "FP4")),
    "expert_traffic": Prior(30.0, 0.8, ("expert_traffic",), _always),
    SCHEDULED: Prior(0.8, 0.2, ("link_utilization",), lambda row: float(not row.under_load)),
    LOADED: Prior(0.4, 0.6, ("link_utilization",), lambda row: float(row.under_load)),
    "layer_latency": Prior(60e-6, 0.7, ("layer_latency",), _always),
    "allreduce_latency": Prior(30e-6, 0.7, ("allreduce_latency",), _always),
    GAIN: Prior(1.65, 0.4, LATENCIES, lambda row: UNTIL - max(row.date, SINCE)),
    OVERHEAD: Prior(0.05, 0.7, (OVERHEAD,), _always),
    WAITED_STEPS: Prior(0.5, 0.5, (WAITED_STEPS,), _always),
}
LEVELS: Mapping[str, Level] = {
    "layer latency of a stack": Level(("layer_latency",), lambda row: row.stack, 0.6, 4),
    "allreduce latency of a stack": Level(("allreduce_latency",), lambda row: row.stack, 0.6, 4),
    "latencies of an accelerator": Level(LATENCIES, lambda row: row.accelerator, 0.45, 6),
    "matrix utilization of an accelerator": Level(("matrix_utilization",), lambda row: row.accelerator, 0.08, 4),
    FAMILY: Level((EVERYTHING,), lambda row: row.family if row.mixture else "", 0.3, 8),
    STACK: Level((EVERYTHING,), lambda row: row.stack, 0.1, 4),
    GROUP: Level((EVERYTHING,), lambda row: ", ".join(row.group), 0.05, 4),
}
# Measurements that share a spread of residuals.
DENSE, MIXTURE, THROUGHPUT = "offline, dense", "offline, mixtures of experts", "throughput under load"
PER_TOKEN, TO_FIRST = "time per token under load", "time to first token under load"
SHIPPED_PER_TOKEN, SHIPPED_THROUGHPUT = "time per token as shipped", "throughput as shipped"
SHIPPED_TO_FIRST = "time to first token as shipped"
WHATS = (QUESTION, TOKEN, FIRST_TOKEN)
TUNED = {TOKEN: PER_TOKEN, QUESTION: THROUGHPUT, FIRST_TOKEN: TO_FIRST}
SHIPPED = {TOKEN: SHIPPED_PER_TOKEN, QUESTION: SHIPPED_THROUGHPUT, FIRST_TOKEN: SHIPPED_TO_FIRST}
KINDS = (DENSE, MIXTURE, *TUNED.values(), *SHIPPED.values())
SIGMA, SIGMA_WORTH = 0.1, 4.0  # guess of the sd of residuals, and of how many configurations it is worth
# Turns of a step of Gauss and Newton and of the spreads after it: from the priors, and from another fit.
TURNS, TURNS_AGAIN = 24, 6
LARGEST_STEP = 0.5  # of a logarithm
Z95 = 1.6449  # 95th percentile of a standard normal
DIFFERENCE = 1e-4  # in a logarithm, for derivatives


class Fit(NamedTuple):
    """Constants and levels, and the forecasts that they give of all measurements of a table.

    `position` has the logarithms of the constants, then what the levels add; `covariance` is that of both, and
    `spreads` are the sds of the levels. `residual_sds` are by kind of measurement. `log_median` and `log_sd`, of shape
    (measurements,), are the forecasts.
    """

    position: Array
    covariance: Array
    spreads: Mapping[str, float]
    residual_sds: Mapping[str, float]
    log_median: Array
    log_sd: Array


class Hierarchy:
    """Benchmarks, the constants and levels behind them, and the measurements as one array.

    A measurement is one of the seconds of a benchmark: `places` has the benchmark's place in the table, `whats` which
    of WHATS it is, `kinds` what shares a spread of residuals, `log_measured` the logarithm. `levels` are the kinds and
    labels of levels, those of the benchmarks unless given.
    """

    def __init__(self, rows: Sequence[Benchmark], levels: Sequence[tuple[str, str]] | None = None) -> None:
        self.rows = tuple(rows)
        self.table = Benchmarks(rows)
        found = [(what, place) for place, row in enumerate(rows) for what in row.measured]
        self.whats = np.array([WHATS.index(what) for what, _ in found])
        self.places = np.array([place for _, place in found])
        self.log_measured = np.log([rows[place].measured[what] for what, place in found])
        self.kinds = np.array([kind_of(rows[place], what) for what, place in found])
        self.weights = np.array([1 / rows[place].repeats for place in self.places])
        self.levels = levels or [
            (name, label) for name, level in LEVELS.items() for label in dict.fromkeys(map(level.label, rows)) if label
        ]
        self.design = {each: self._design(each) for each in (*CONSTANTS, EVERYTHING)}
        self.years = np.array(list(map(PRIORS[GAIN].weight, rows)))
        self.alike = list(self._alike())

    def _design(self, constant: str) -> Array:
        """What each constant and level adds to the logarithm of one, of shape (benchmarks, constants and levels)."""
        columns = [[prior.weight(row) * (constant in prior.moves) for row in self.rows] for prior in PRIORS.values()]
        for name, label in self.levels:
            moves, label_of, *_ = LEVELS[name]
            columns.append([float(constant in moves and label_of(row) == label) for row in self.rows])
        return np.array(columns).T

    def _alike(self) -> Iterator[tuple[Array, NDArray[np.intp]]]:
        """Measurements of benchmarks of the same levels, and what constants and levels add to each of MOVED."""
        gain = list(PRIORS).index(GAIN)
        added = np.stack([self.design[each] for each in MOVED if each != GAIN], axis=1)
        added[:, :, gain] = 0  # which alone differs by the day
        kinds, own = np.unique(added, axis=0, return_inverse=True)
        of_gain = np.eye(kinds.shape[2])[[gain]]
        for kind, each in enumerate(kinds):
            yield np.concatenate([each, of_gain]), np.flatnonzero(own.reshape(-1)[self.places] == kind)

    def log_predicted(self, position: Array) -> Array:
        """Logarithms of the seconds of all measurements."""
        logs = np.stack([self.design[name] @ position for name in CONSTANTS])
        added: Array = (self.design[EVERYTHING] @ position)[self.places]
        return self._log_seconds(logs) + added

    def derivatives(self, position: Array) -> tuple[Array, Array]:
        """The logarithms predicted, and how they change with each of MOVED, of shape (measurements, MOVED)."""
        logs = np.stack([self.design[name] @ position for name in CONSTANTS])
        moved = logs[:, None] + DIFFERENCE * np.eye(len(logs), 1 + len(logs), 1)[:, :, None]
        seconds, *further = self._log_seconds(moved)
        changes = (np.array(further) - seconds) / DIFFERENCE
        of_gain = sum(changes[CONSTANTS.index(name)] for name in PRIORS[GAIN].moves) * self.years[self.places]
        predicted = seconds + (self.design[EVERYTHING] @ position)[self.places]
        return predicted, np.stack([*changes, np.ones_like(seconds), of_gain], axis=1)

    def _log_seconds(self, log_constants: Array) -> Array:
        """What the equations alone say of all measurements, of constants of shape (CONSTANTS, ..., benchmarks)."""
        seconds = self.table.predicted(dict(zip(CONSTANTS, np.exp(log_constants), strict=True)))
        told = np.broadcast_arrays(*(seconds[what] for what in WHATS))
        predicted: Array = np.log(np.stack(told)[self.whats, ..., self.places]).T
        return predicted

    def fit(self, used: Selection, start: Fit | None = None) -> Fit:
        """Fit to the measurements of the benchmarks `used`, of shape (benchmarks,), and forecast all.

        `start` is a fit to nearly the same ones, from which few turns lead to this one.
        """
        center = np.concatenate([np.log([prior.median for prior in PRIORS.values()]), np.zeros(len(self.levels))])
        position = center if start is None else start.position
        spreads = {name: level.sd for name, level in LEVELS.items()} if start is None else start.spreads
        residual_sds = dict.fromkeys(KINDS, SIGMA) if start is None else start.residual_sds
        own = self.weights * used[self.places]
        following = np.isin(self.kinds, (THROUGHPUT, SHIPPED_THROUGHPUT))  # from the two times, which are fitted
        weights = np.where(following, 0.0, own)
        seen = np.any([design[used].any(axis=0) for design in self.design.values()], axis=0)[len(PRIORS) :]
        for _ in range(TURNS if start is None else TURNS_AGAIN):
            sds = [*(prior.sd for prior in PRIORS.values()), *(spreads[name] for name, _ in self.levels)]
            precision = np.array(sds) ** -2.0
            sigma = np.array([residual_sds[kind] for kind in self.kinds])
            predicted, changes = self.derivatives(position)
            residuals = self.log_measured - predicted
            pull = weights / sigma**2 / np.sqrt(1 + (residuals / sigma) ** 2)  # soft L1
            information, slope = self._normal_equations(changes, pull, residuals)
            covariance = inverse(information + np.diag(precision))
            step = covariance @ (slope - precision * (position - center))
            position = position + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
            variance = self._variance(changes, covariance)
            squares = (position**2 + np.diag(covariance))[len(PRIORS) :]
            spreads = {name: self._spread(name, squares, seen) for name in LEVELS}
            residual_sds = {kind: self._residual_sd(kind, own, residuals**2 + variance) for kind in KINDS}
        sigma = np.array([residual_sds[kind] for kind in self.kinds])
        log_sd = np.sqrt(variance + sigma**2)
        return Fit(position, covariance, spreads, residual_sds, self.log_predicted(position), log_sd)

    def forecast(self, fit: Fit) -> tuple[Array, Array]:
        """Medians and sds of the logarithms of all measurements by the fit of another table with the same levels."""
        predicted, changes = self.derivatives(fit.position)
        sigma = np.array([fit.residual_sds[kind] for kind in self.kinds])
        return predicted, np.sqrt(self._variance(changes, fit.covariance) + sigma**2)

    def _normal_equations(self, changes: Array, pull: Array, residuals: Array) -> tuple[Array, Array]:
        """J' W J and J' W r of a step of Gauss and Newton, of weights W, residuals r and all derivatives J.

        Measurements of the same levels are first brought together, by the few of MOVED.
        """
        count = len(PRIORS) + len(self.levels)
        information, slope = np.zeros((count, count)), np.zeros(count)
        for added, own in self.alike:
            weighted = pull[own, None] * changes[own]
            information += added.T @ (weighted.T @ changes[own]) @ added
            slope += added.T @ (weighted.T @ residuals[own])
        return information, slope

    def _variance(self, changes: Array, covariance: Array) -> Array:
        """Of the logarithm of each measurement, by the covariance of constants and levels."""
        variance = np.empty(len(changes))
        for added, own in self.alike:
            variance[own] = ((changes[own] @ (added @ covariance @ added.T)) * changes[own]).sum(axis=1)
        return variance

    def _spread(self, name: str, squares: Array, seen: Selection) -> float:
        """The sd of a kind of level, of the expected squares of those that the fit has seen and of its guess."""
        own = squares[seen & np.array([each == name for each, _ in self.levels])]
        guess = LEVELS[name]
        return math.sqrt((guess.worth * guess.sd**2 + own.sum()) / (guess.worth + len(own)))

    def _residual_sd(self, kind: str, weights: Array, squares: Array) -> float:
        """The sd of a kind of measurement, of the expected squares of its residuals and of the guess."""
        own = weights * (self.kinds == kind)
        return math.sqrt((SIGMA_WORTH * SIGMA**2 + own @ squares) / (SIGMA_WORTH + own.sum()))


def inverse(matrix: Array) -> Array:
    """The inverse of a symmetric positive definite matrix, by halves.

    Libraries of linear algebra spread a larger one over threads, which wait for each other longer than it takes.
    """
    half = len(matrix) // 2
    across = matrix[:half, half:]
    later: Array = np.linalg.inv(matrix[half:, half:]).astype(float)
    reached = across @ later
    first: Array = np.linalg.inv(matrix[:half, :half] - reached @ across.T).astype(float)
    joint = -first @ reached
    return np.block([[first, joint], [joint.T, later - reached.T @ joint]])


@cache
def hierarchy() -> Hierarchy:
    """All benchmarks that constants are fitted to."""
    return Hierarchy([*offline_benchmarks(), *load_benchmarks()])


@cache
def servers() -> Hierarchy:
    """Servers that keep to targets, which are forecast and not fitted."""
    return Hierarchy(server_benchmarks(), hierarchy().levels)


@cache
def whole_fit() -> Fit:
    """The fit to all of them."""
    return hierarchy().fit(np.full(len(hierarchy().rows), fill_value=True))


def fit_without(label: Callable[[Benchmark], Hashable], left_out: Hashable) -> Fit:
    """The fit to all benchmarks but those of a label: one that has not seen a group, a model, a stack ..."""
    used = np.array([label(row) != left_out for row in hierarchy().rows])
    return hierarchy().fit(used, whole_fit())


def constants(fit: Fit) -> dict[str, tuple[float, float, float]]:
    """Median, 5th and 95th percentile of each constant, before what stacks and accelerators add."""
    sds = np.sqrt(np.diag(fit.covariance))
    bands = np.exp(fit.position + np.outer([0.0, -Z95, Z95], sds))
    return dict(zip(PRIORS, map(tuple, bands.T.tolist()), strict=False))


def error_sd(kind: str, *levels: str) -> float:
    """The sd of the logarithm of true over predicted seconds, where these levels are new.

    It is what residuals and levels spread, without what the constants are uncertain by.
    """
    fit = whole_fit()
    return math.hypot(fit.residual_sds[kind], *(fit.spreads[level] for level in levels))


def kind_of(row: Benchmark, what: str) -> str:
    """Which measurements a measurement shares its spread of residuals with."""
    if row.under_load:
        return (SHIPPED if row.as_shipped else TUNED)[what]
    return MIXTURE if row.mixture else DENSE
