"""How often the 95 % intervals hold the truth, and how often a run to a precision is within it.

    python benchmarks/coverage.py [--replications 2000] [--format table|json|markdown]

Problems with known answers: one normal input, one heavy-tailed lognormal input, a product of four lognormals, a
correlated product of two, the sum of four dice. Intervals are the estimate and Student's t with 15 degrees of freedom
times the standard error of 16 replicates of 2^10 scenarios (2^10 a stream for Sobol' indices).
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from scipy import stats

import simulate
from simulate.runs.precision import t_quantile

PERCENTS = (5.0, 50.0, 95.0, 99.0)
SCENARIOS = 2**14
SIGMAS = (0.5, 0.4, 0.3, 0.6)
PRIORS = """
model = "none"
[priors]
normal = {dist = "normal", mean = 10, sd = 2}
heavy = {dist = "lognormal", mu = 0, sigma = 2}
a = {dist = "lognormal", mu = 0, sigma = 0.5}
b = {dist = "lognormal", mu = 0, sigma = 0.4}
c = {dist = "lognormal", mu = 0, sigma = 0.3}
d = {dist = "lognormal", mu = 0, sigma = 0.6}
e = {dist = "lognormal", mu = 0, sigma = 0.5}
f = {dist = "lognormal", mu = 0, sigma = 0.7}
[priors.die1]
dist = "choice"
values = [1, 2, 3, 4, 5, 6]
[priors.die2]
dist = "choice"
values = [1, 2, 3, 4, 5, 6]
[priors.die3]
dist = "choice"
values = [1, 2, 3, 4, 5, 6]
[priors.die4]
dist = "choice"
values = [1, 2, 3, 4, 5, 6]
[correlations]
e.f = {gaussian_copula = 0.6}
[quantities]
one_normal = {formula = "normal"}
one_heavy = {formula = "heavy"}
product = {formula = "a * b * c * d"}
correlated = {formula = "e * f"}
dice = {formula = "die1 + die2 + die3 + die4"}
difference = {formula = "a * b - a * c"}
"""
QUANTITIES = ["one_normal", "one_heavy", "product", "correlated", "dice", "difference"]


def truths() -> dict[tuple[str, str], float]:
    """The exact answers by quantity and statistic."""
    spread = math.sqrt(sum(sigma**2 for sigma in SIGMAS))
    together = math.sqrt(0.25 + 0.49 + 2 * 0.6 * 0.35)
    sums = np.sort([sum(roll) for roll in itertools.product(range(1, 7), repeat=4)])
    exact: dict[tuple[str, str], float] = {}
    for percent in PERCENTS:
        z = stats.norm.ppf(percent / 100)
        key = f"P{percent:g}"
        exact["one_normal", key] = 10 + 2 * z
        exact["one_heavy", key] = math.exp(2 * z)
        exact["product", key] = math.exp(spread * z)
        exact["correlated", key] = math.exp(together * z)
        exact["dice", key] = float(sums[math.ceil(percent / 100 * len(sums)) - 1])
    exact["one_normal", "mean"] = 10.0
    exact["one_heavy", "mean"] = math.exp(2)
    exact["product", "mean"] = math.exp(spread**2 / 2)
    exact["correlated", "mean"] = math.exp(together**2 / 2)
    exact["dice", "mean"] = 14.0
    exact["difference", "mean"] = math.exp(0.125) * (math.exp(0.08) - math.exp(0.045))
    exact["product", "first order of a"] = math.expm1(0.25) / math.expm1(spread**2)
    exact["product", "total of a"] = math.expm1(0.25) * math.exp(spread**2 - 0.25) / math.expm1(spread**2)
    return exact


def estimates(scheme: str, seed: int) -> dict[tuple[str, str], tuple[float, float]]:
    """Estimate and standard error of every statistic with one seed."""
    priors = simulate.load_priors(PRIORS)
    settings = {"scenarios": SCENARIOS, "seed": seed, "scheme": scheme, "threads": 1}
    run = simulate.run(priors, quantities=QUANTITIES, percentiles=PERCENTS, **settings)
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for name in QUANTITIES:
        bands = run.sel(quantity=name)
        for percent in PERCENTS:
            at = bands.sel(percentile=percent)
            found[name, f"P{percent:g}"] = float(at["percentiles"]), float(at["percentiles_se"])
        found[name, "mean"] = float(bands["mean"]), float(bands["mean_se"])
    shares = simulate.tornado(priors, quantities=["product"], method="sobol", **settings)
    of_a = shares.sel(quantity="product", prior="a")
    found["product", "first order of a"] = float(of_a["first"]), float(of_a["first_se"])
    found["product", "total of a"] = float(of_a["total"]), float(of_a["total_se"])
    return found


def within(scheme: str, seed: int) -> bool:
    """Whether a run to 2 % of P5, P50 and P95 of the product has all three within 2 %, and says so."""
    run = simulate.run(
        simulate.load_priors(PRIORS),
        scenarios=2**10,
        seed=seed,
        scheme=scheme,
        threads=1,
        percentiles=[95],
        quantities=["product"],
        precision="2%",
    )
    return abs(float(run["percentiles"].item()) / truths()["product", "P95"] - 1) <= 0.02


def measure(replications: int) -> dict[str, dict[str, float]]:
    """Coverage by scheme and statistic, as shares."""
    t, exact = t_quantile(), truths()
    results: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor() as pool:
        for scheme in ("random", "sobol"):
            held: dict[tuple[str, str], list[bool]] = {key: [] for key in exact}
            for found in pool.map(partial(estimates, scheme), range(1, replications + 1), chunksize=20):
                for key, truth in exact.items():
                    value, error = found[key]
                    if key[0] == "dice" and key[1] != "mean":  # an atom: exact, or its neighbour
                        held[key].append(abs(value - truth) <= 1)
                    else:
                        held[key].append(abs(value - truth) <= t * error)
            results[scheme] = {f"{name}, {what}": float(np.mean(each)) for (name, what), each in held.items()}
            runs = list(pool.map(partial(within, scheme), range(1, min(replications, 1000) + 1), chunksize=20))
            results[scheme]["product, P95 to a precision of 2 %"] = float(np.mean(runs))
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--format", choices=["table", "json", "markdown"], default="table")
    options = parser.parse_args()
    results = measure(options.replications)
    if options.format == "json":
        print(json.dumps(results, indent=2))
        return
    edge = "| " if options.format == "markdown" else ""
    rows = [("statistic", "random", "sobol")]
    rows += [(key, *(f"{100 * results[scheme][key]:.1f} %" for scheme in results)) for key in results["random"]]
    for place, row in enumerate(rows):
        text = f"{row[0]:45s}{' | ' if edge else ' '}{row[1]:>8s}{' | ' if edge else ' '}{row[2]:>8s}"
        print(f"{edge}{text}{' |' if edge else ''}")
        if edge and not place:
            print("| --- | --- | --- |")


if __name__ == "__main__":
    main()
