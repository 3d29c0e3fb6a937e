"""How far percentiles lie from those of an exact sort, in standard errors, for many kinds of column.

    python -m benchmarks percentiles [--scenarios 1048576] [--seed 1]

The exact percentiles, P0.1 to P99.9, are those of the very scenarios that the run counted, sorted. Standard errors
are those of the replicates' percentiles by sorting, and those that the run tells.
"""

from __future__ import annotations

import argparse

import numpy as np

import simulate
from simulate.conditions import Questions, questions
from simulate.priors import Priors
from simulate.replicates import Workers
from simulate.runs.run import folded
from simulate.scenarios import Drawing, Scenarios
from simulate.settings import Settings
from simulate.spread import standard_error
from simulate.statistics import usual

PERCENTS = (0.1, 0.5, 1, 2.5, 5, 10, 25, 40, 50, 60, 75, 90, 95, 97.5, 99, 99.5, 99.9)
PRIORS = """
model = "none"
[priors]
z = {dist = "normal", mean = 0, sd = 1}
y = {dist = "normal", mean = 0, sd = 1}
u = {dist = "uniform", lower = 0, upper = 1}
v = {dist = "uniform", lower = 0, upper = 1}
heavy = {dist = "lognormal", mu = 0, sigma = 2}
light = {dist = "lognormal", mu = 0, sigma = 0.5}
date = {dist = "normal", mean = 1e6, sd = 1}
steady = {dist = "normal", mean = 1e6, sd = 1000}
rare = {dist = "choice", values = [0, 1], weights = [99999, 1]}
price = {dist = "normal", mean = 3, sd = 1}
cost = {dist = "normal", mean = 2, sd = 1}
"""
KINDS = {
    "normal, one input": "z",
    "normal, two inputs": "z + y",
    "lognormal, sigma 0.5, one input": "light",
    "lognormal, sigma 2, one input": "heavy",
    "product of lognormals": "light * heavy",
    "1e6 + normal": "date + y",
    "1e6 + normal, one input": "date",
    "1e6 + 1000 normal": "steady + y",
    "two narrow modes": "where(u < 0.3, date, 2 * date) + y",
    "1e6 + lognormal": "1e6 + light * exp(y)",
    "half a constant": "where(u < 0.55, 7, exp(y + z))",
    "a constant in a hundred": "where(u < 0.01, 1, exp(y + z))",
    "whole numbers": "floor(1000 * light * exp(y))",
    "dice": "floor(6 * u) + floor(6 * v)",
    "share near 1": "1 - 1e-3 * u * v",
    "uniform": "u",
    "U-shaped": "sin(3.1416 * (u - 0.5)) + 1e-6 * y",
    "1 / difference**2": "1 / (price - cost)**2",
    "1 / difference**4": "1 / (price - cost)**4",
    "a risk event": "exp(y) + 1e12 * rare * exp(z)",
    "negative lognormal": "-light * heavy",
    "difference of lognormals": "light * exp(y) - light * exp(z)",
    "60 decades": "exp(20 * z + 20 * y)",
    "near the largest float": "1e300 * exp(10 * z) * exp(5 * y)",
}
CONDITIONS = {
    "given one in twenty": ("1e6 + light * exp(y)", ("z > 1.645",), ()),
    "observed": ("date + y", (), ("q5 = 1000001 +- 0.5",)),
}


def measured(priors: Priors, name: str, settings: Settings, asked: Questions) -> tuple[float, float]:
    """The greatest error over the percentiles, in standard errors by sorting and in those that a run tells."""
    drawn = Drawing({"": priors}, settings).scenarios("", [name], asked)
    band = folded(drawn, [name], usual(PERCENTS), Workers("threads", 2)).bands[name]
    parts = [column(drawn, name, replicate) for replicate in range(drawn.replicates)]
    values, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
    off = np.abs(np.asarray(band.value("percentiles")) - exact(values, weights))
    errors = standard_error([exact(*part) for part in parts]), np.asarray(band.error("percentiles"))
    by_sorting, told = (float(np.max(off[off > 0] / each[off > 0], initial=0)) for each in errors)
    return by_sorting, told


def column(drawn: Scenarios, name: str, replicate: int) -> tuple[np.ndarray, np.ndarray]:
    """The finite values of a replicate, and their weights."""
    blocks = list(drawn.blocks(drawn.whole(replicate)))
    values = np.concatenate([np.broadcast_to(block.columns[name], block.size) for block in blocks])
    weights = np.concatenate([np.ones(block.size) if block.weights is None else block.weights for block in blocks])
    finite = np.isfinite(values)
    return values[finite], weights[finite]


def exact(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Percentiles by sorting: a value that repeats is itself, others are joined at the middle of their weights."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    last = np.cumsum(weights)
    ranks = np.array(PERCENTS) / 100 * last[-1]
    step = values[np.searchsorted(last, ranks * (1 - 1e-15))]
    repeated = np.isin(step, values[1:][values[1:] == values[:-1]])
    return np.where(repeated, step, np.interp(ranks, last - weights / 2, values))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=2**20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kinds = {name: (formula, (), ()) for name, formula in KINDS.items()} | CONDITIONS
    formulas = "\n".join(
        f'q{place} = {{formula = "{formula}"}}' for place, (formula, _, _) in enumerate(kinds.values())
    )
    priors = simulate.load_priors(f"{PRIORS}[quantities]\n{formulas}\n")
    print("| column | random: by sorting | as told | sobol: by sorting | as told |")
    print("| --- | ---: | ---: | ---: | ---: |", flush=True)
    for place, (name, (_, given, observe)) in enumerate(kinds.items()):
        cells = [name]
        for scheme in ("random", "sobol"):
            settings = priors.run.asked(scenarios=options.scenarios, seed=options.seed, scheme=scheme)
            found = measured(priors, f"q{place}", settings, questions(priors, (), given, observe))
            cells += [f"{each:.3f}" for each in found]
        print("| " + " | ".join(cells) + " |", flush=True)
