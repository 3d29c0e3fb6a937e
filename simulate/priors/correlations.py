"""Correlations of a priors file: merged by unordered pair, checked each and as a matrix."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from simulate.dependence import MEASURES, DependenceError, in_conflict, latent_correlation
from simulate.distributions import Distribution
from simulate.errors import suggestion
from simulate.priors.layers import Layer, Problem, Stack


@dataclass(frozen=True)
class Correlation:
    """A rank correlation of two priors, or the parameter of their Gaussian copula.

    `latent` is that parameter, the correlation of their normal scores.
    """

    first: str
    second: str
    measure: str  # one of `dependence.MEASURES`
    value: float
    latent: float
    layer: Layer = field(repr=False, compare=False)
    level: int = field(default=0, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, ...]:
        """Where the correlation stands in its file."""
        return ("correlations", self.first, self.second)


def merged_correlations(
    stack: Stack, margins: Mapping[str, Distribution]
) -> tuple[tuple[Correlation, ...], dict[str, str]]:
    """Merge correlations by unordered pair, check each, then all as a matrix; faults go to the stack.

    `margins` are the distributions of those priors that could be built. Also what to know of those whose correlations
    fall idle, by name.
    """
    varies = {name: margin.support[0] < margin.support[1] for name, margin in margins.items()}
    merged: dict[frozenset[str], Correlation] = {}
    for level, layer in stack.upwards():
        seen: dict[frozenset[str], str] = {}
        for first, others in layer.tables.get("correlations", {}).items():
            for second, given in others.items():
                pair = frozenset((first, second))
                measure, value, fault = _measured(given, second)
                if pair in seen:
                    fault = f"the pair is given twice, as {seen[pair]} too; keep one"
                if first == second:
                    fault = "a quantity is not correlated with itself; name two priors"
                seen[pair] = f"{first}.{second}"
                merged.pop(pair, None)
                if fault:
                    stack.problems.append(Problem(layer, ("correlations", first, second), fault))
                else:
                    merged[pair] = Correlation(first, second, measure, value, np.nan, layer, level)
    kept = [
        _with_latent(stack, pair, margins)
        for pair in merged.values()
        if all(_takes_part(name, stack, pair, varies) for name in (pair.first, pair.second)) and pair.value != 0
    ]
    if not any(problem.key[:1] == ("correlations",) for problem in stack.problems):  # of which one may be missing
        _check_definite(stack, kept, margins)
    return tuple(kept), _idle(stack, merged.values(), varies)


def _idle(stack: Stack, pairs: Iterable[Correlation], varies: Mapping[str, bool]) -> dict[str, str]:
    """What to know of priors that vary no more where a nearer layer says so, while those they go with do."""
    partners: dict[str, list[str]] = {}
    for pair in pairs:
        for fixed, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if pair.value and not varies.get(fixed) and varies.get(other):
                partners.setdefault(fixed, []).append(f"{other} ({pair.value:g})")
    told = {}
    for name, others in partners.items():
        nearest = stack.nearest(name)
        if nearest is not None:
            given = "a formula" if name in stack.formulas else "kinds of traffic"
            what = "a constant" if name in stack.priors else f"given by {given}"
            also = (
                f"its correlation{'s' * (len(others) > 1)} with {', '.join(others)} fall{'s' * (len(others) == 1)} idle"
            )
            told[name if name in varies else others[0].split()[0]] = (
                f"{name} is {what} in {nearest.layer.shown}: {also}"
            )
    return told


def _measured(given: Any, name: str) -> tuple[str, float, str]:
    """Read a correlation as its measure, its value and what is wrong with it."""
    measure = "spearman"
    if isinstance(given, dict):
        unknown = [other for other in given if other not in MEASURES]
        advice = f"write {name} = 0.5 (Spearman's) or {name} = {{ gaussian_copula = 0.5 }}, or kendall"
        if unknown:
            return measure, 0.0, f'unknown measure "{unknown[0]}"{suggestion(unknown[0], MEASURES, advice, slips=True)}'
        if len(given) != 1:
            return measure, 0.0, f"must have one measure; {advice}"
        measure, given = next(iter(given.items()))
    if isinstance(given, bool) or not isinstance(given, int | float):
        return measure, 0.0, "must be a number from -1 to 1 without quotes"
    if not -1 <= given <= 1:
        return measure, 0.0, "a correlation lies from -1 to 1; mend the number"
    return measure, float(given), ""


def _takes_part(name: str, stack: Stack, pair: Correlation, varies: Mapping[str, bool]) -> bool:
    """Check that a name has a prior that varies; what a nearer layer has fixed falls idle, and is told."""
    if varies.get(name):
        return True
    nearest = stack.nearest(name)
    replaced = nearest is not None and nearest.level < pair.level
    reported = name in stack.malformed or (name in stack.priors and name not in varies)
    if replaced or reported or (pair.value == 0 and name in stack.known):
        return False
    if name in varies:
        fault = f"{name} is a constant, which correlates with nothing; take the pair out"
    else:
        advice = f"add [priors.{name}] or take the pair out"
        mend = f"; {advice}" if name in stack.known else suggestion(name, [*varies], advice)
        fault = f"there is no prior for {name}{mend}"
    stack.problems.append(Problem(pair.layer, pair.key, fault, unknown="" if name in stack.known else name))
    return False


def _with_latent(stack: Stack, pair: Correlation, margins: Mapping[str, Distribution]) -> Correlation:
    """Work out the copula's parameter; a correlation out of reach is reported."""
    try:
        latent = latent_correlation(pair.measure, pair.value, margins[pair.first], margins[pair.second])
    except DependenceError as error:
        stack.problems.append(Problem(pair.layer, pair.key, f"{error}; mend the number"))
        latent = pair.value
    return replace(pair, latent=latent)


def _within_reach(names: Sequence[str], pairs: Sequence[Correlation], margins: Mapping[str, Distribution]) -> float:
    """The greatest share of correlations that a Gaussian copula has together, to five digits, rounded down."""
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        share = (low + high) / 2
        latent = {
            (pair.first, pair.second): latent_correlation(
                pair.measure, share * pair.value, margins[pair.first], margins[pair.second]
            )
            for pair in pairs
        }
        low, high = (low, share) if in_conflict(names, latent) else (share, high)
    return low


def _check_definite(stack: Stack, pairs: Sequence[Correlation], margins: Mapping[str, Distribution]) -> None:
    """Refuse correlations that no Gaussian copula has, naming those of which none can be spared."""
    names = list(dict.fromkeys(name for pair in pairs for name in (pair.first, pair.second)))
    conflict = in_conflict(names, {(pair.first, pair.second): pair.latent for pair in pairs})
    if not conflict:
        return
    involved = [pair for pair in pairs if {pair.first, pair.second} <= set(conflict)]
    last = min(involved, key=lambda pair: (pair.level, -pair.layer.line(pair.key)))
    listed = ", ".join(f"{pair.first} with {pair.second} ({pair.value:g})" for pair in involved)
    fault = f"these cannot hold together: {listed}; weaken one (their matrix is not positive semidefinite)"
    possible = not in_conflict(conflict, {(pair.first, pair.second): pair.value for pair in involved})
    if possible and all(pair.measure == "spearman" for pair in involved):  # others' values are no one matrix
        share = _within_reach(conflict, involved, margins)
        values = dict.fromkeys(pair.value for pair in involved)
        reached = ", ".join(f"{math.trunc(share * value * 1e5) / 1e5:g}" for value in values)
        fault = f"a Gaussian copula does not reach these together: {listed}; it reaches {reached}"
    stack.problems.append(Problem(last.layer, last.key, fault))
