"""How often the shares of the variance that a run tells hold the truth, and how large their errors are.

    python -m benchmarks influence [--replications 200] [--check] [--format table|json|markdown]

Problems with closed forms: sums, squares, products, risk events, roots that are nan in some scenarios, Ishigami's
function, correlated pairs. An interval is the share and Student's t with 15 degrees of freedom times its standard
error. The first table counts over seeds with the usual subset of a run's scenarios, the second tells the root mean
square error with smaller and larger ones.

`--check` lists the cells below 93 %, with a false alarm of 1 % in all.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy import integrate, stats

import simulate
from benchmarks.coverage import FALSE_ALARM, LOW, SCHEMES, loaded
from benchmarks.coverage_problems import Key
from simulate.runs import drivers
from simulate.spread import t_quantile

SIZES = (2**12, 2**14, 2**16, 2**18)
USUAL = 2**16
PRIORS = """
model = "none"
[priors]
a = {dist = "normal", mean = 10, sd = 2}
b = {dist = "normal", mean = 5, sd = 1}
w = {dist = "normal", mean = 0, sd = 0.5}
x = {dist = "normal", mean = 0, sd = 1}
thin = {dist = "normal", mean = 0, sd = 0.1}
shifted = {dist = "normal", mean = 1.4758, sd = 1}
l1 = {dist = "lognormal", mu = 0, sigma = 0.5}
l2 = {dist = "lognormal", mu = 0, sigma = 0.4}
l3 = {dist = "lognormal", mu = 0, sigma = 0.3}
l4 = {dist = "lognormal", mu = 0, sigma = 0.6}
event = {dist = "choice", values = [0, 1], weights = [95, 5]}
cost = {dist = "normal", mean = 100, sd = 5}
u1 = {dist = "uniform", lower = -3.141592653589793, upper = 3.141592653589793}
u2 = {dist = "uniform", lower = -3.141592653589793, upper = 3.141592653589793}
u3 = {dist = "uniform", lower = -3.141592653589793, upper = 3.141592653589793}
c1 = {dist = "normal", mean = 0, sd = 1}
c2 = {dist = "normal", mean = 0, sd = 1}
d1 = {dist = "normal", mean = 0, sd = 1}
d2 = {dist = "normal", mean = 0, sd = 1}
[correlations]
c1.c2 = {gaussian_copula = 0.6}
d1.d2 = {gaussian_copula = -0.5}
[quantities]
linear = {formula = "a + b"}
square = {formula = "x**2 + w"}
product = {formula = "l1 * l2 * l3 * l4"}
heavy = {formula = "0 - l1 * l2 * l3 * l4"}
risk = {formula = "cost + 1000 * event"}
root = {formula = "sqrt(shifted) + thin"}
half_root = {formula = "sqrt(x) + thin"}
ishigami = {formula = "sin(u1) + 7 * sin(u2)**2 + 0.1 * u3**4 * sin(u1)"}
alike = {formula = "c1 + c2"}
opposed = {formula = "d1 + d2"}
"""
RARE = """
model = "none"
[priors]
event = {dist = "choice", values = [0, 1], weights = [999, 1]}
cost = {dist = "normal", mean = 100, sd = 5}
[quantities]
rare_risk = {formula = "cost + 1000 * event"}
"""
TOGETHER = "together"

Estimates = dict[Key, tuple[float, float]]  # share and standard error, by quantity and prior


def _of_root(mean: float) -> float:
    """The variance of the root of a normal of sd 1, where it is positive."""

    def moment(power: float) -> float:
        density = stats.norm(mean, 1).pdf
        return float(integrate.quad(lambda x: x**power * density(x), 0, mean + 40, epsabs=1e-13, limit=200)[0])

    return moment(1) / moment(0) - (moment(0.5) / moment(0)) ** 2


@cache
def truths() -> dict[Key, float]:
    """The shares in closed form; what is left of each quantity's variance is `together`."""
    sigmas = {"l1": 0.5, "l2": 0.4, "l3": 0.3, "l4": 0.6}
    of_product = math.expm1(sum(sigma**2 for sigma in sigmas.values()))
    event, rare = 1e6 * 0.05 * 0.95, 1e6 * 0.001 * 0.999
    waves = 0.5 * (1 + math.pi**4 / 50) ** 2, 49 / 8
    of_waves = 0.5 + 49 / 8 + math.pi**4 / 50 + math.pi**8 / 1800
    alone: dict[str, dict[str, float]] = {
        "linear": {"a": 0.8, "b": 0.2},
        "square": {"x": 2 / 2.25, "w": 0.25 / 2.25},
        "product": {name: sigma**2 / 0.86 for name, sigma in sigmas.items()},  # of the logarithm
        "heavy": {name: math.expm1(sigma**2) / of_product for name, sigma in sigmas.items()},
        "risk": {"event": event / (event + 25), "cost": 25 / (event + 25)},
        "ishigami": {"u1": waves[0] / of_waves, "u2": waves[1] / of_waves, "u3": 0.0},
        "alike": dict.fromkeys(("c1", "c2"), 1.6**2 / 3.2),
        "opposed": dict.fromkeys(("d1", "d2"), 0.5**2 / 1.0),
        "rare_risk": {"event": rare / (rare + 25), "cost": 25 / (rare + 25)},
    }
    for name, prior, mean in (("root", "shifted", 1.4758), ("half_root", "x", 0.0)):
        variance = _of_root(mean)
        alone[name] = {prior: variance / (variance + 0.01), "thin": 0.01 / (variance + 0.01)}
    return {
        (quantity, prior): share
        for quantity, shares in alone.items()
        for prior, share in {**shares, TOGETHER: 1 - sum(shares.values())}.items()
    }


def estimates(scheme: str, size: int, seed: int) -> Estimates:
    """The shares and their standard errors with one seed, of a run of as many scenarios as it takes for them."""
    drivers.SAMPLED = size // 16
    found: Estimates = {}
    for text in (PRIORS, RARE):
        priors = loaded(text)
        scenarios = size if text == PRIORS else max(size, 2**17)  # in which a rare event is seen often enough
        run = simulate.run(priors, scenarios=scenarios, seed=seed, scheme=scheme, workers=1)
        for quantity, prior in truths():
            if quantity in run["quantity"]:
                name, at = (
                    ("variance_share", {"prior": prior}) if prior != TOGETHER else (f"variance_share_{prior}", {})
                )
                value, error = (float(run[each].sel(quantity=quantity, **at)) for each in (name, f"{name}_se"))
                found[quantity, prior] = value, error
    return found


def holds(found: Estimates, key: Key) -> bool:
    """Whether an interval holds the truth."""
    value, error = found[key]
    return abs(value - truths()[key]) <= t_quantile() * error


class Cell(NamedTuple):
    """How often the intervals of a share held the truth under a scheme, its errors and what they were said to be."""

    scheme: str
    key: Key
    held: int
    replications: int
    error: float  # root mean square
    stated: float  # mean

    def outside(self, cells: int) -> bool:
        """Whether the coverage is too low, beyond what chance does to one of so many cells."""
        return bool(stats.binom.cdf(self.held, self.replications, LOW) < FALSE_ALARM / cells)


def measure(replications: int, schemes: tuple[str, ...] = SCHEMES, size: int = USUAL) -> list[Cell]:
    """The cells of all shares under each scheme, from a subset of so many scenarios."""
    cells = []
    with ProcessPoolExecutor() as pool:
        for scheme in schemes:
            found = list(pool.map(partial(estimates, scheme, size), range(1, replications + 1), chunksize=5))
            for key, truth in truths().items():
                values, errors = (np.array(each) for each in zip(*(each[key] for each in found), strict=True))
                held = sum(holds(each, key) for each in found)
                error = float(np.sqrt(np.mean((values - truth) ** 2)))
                cells.append(Cell(scheme, key, held, replications, error, float(errors.mean())))
    return cells


def main() -> None:
    """Measure and print; with --check, exit with 1 where a cell lies outside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--format", choices=["table", "json", "markdown"], default="table")
    options = parser.parse_args()
    cells = measure(options.replications)
    fewer = max(options.replications // 5, 1)
    by_size = {size: measure(fewer, ("sobol",), size) for size in SIZES}
    if options.format == "json":
        whole = {"usual": cells, **{str(size): each for size, each in by_size.items()}}
        print(json.dumps({name: [each._asdict() for each in group] for name, group in whole.items()}))
    else:
        for rows in (_coverage(cells), _errors(by_size)):
            _print(list(rows), markdown=options.format == "markdown")
    if options.check:
        wrong = [each for each in cells if each.outside(len(cells))]
        told = [f"{', '.join(each.key)} under {each.scheme}: {each.held}" for each in wrong]
        print(f"\nBelow: {'; '.join(told) or 'none'}.")
        sys.exit(bool(wrong))


def _coverage(cells: list[Cell]) -> Iterator[tuple[str, ...]]:
    by = {(each.scheme, each.key): each for each in cells}
    yield ("quantity", "share of", "truth", *(f"{scheme}: {what}" for scheme in SCHEMES for what in ("held", "error")))
    for key, truth in truths().items():
        of_schemes = [by[scheme, key] for scheme in SCHEMES]
        figures = [(f"{100 * each.held / each.replications:.1f} %", f"{each.error:.5f}") for each in of_schemes]
        yield (*key, f"{truth:.5f}", *(text for pair in figures for text in pair))


def _errors(by_size: Mapping[int, list[Cell]]) -> Iterator[tuple[Any, ...]]:
    yield ("quantity", "share of", *(f"{size:,}" for size in by_size))
    for place, key in enumerate(truths()):
        yield (*key, *(f"{each[place].error:.5f}" for each in by_size.values()))


def _print(rows: list[tuple[str, ...]], *, markdown: bool) -> None:
    if markdown:
        rows = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    print()
    for row in rows:
        print(f"| {' | '.join(row)} |" if markdown else "  ".join(f"{text:>15s}" for text in row))
