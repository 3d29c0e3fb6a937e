"""How often intervals hold quadrature's answers where measured values lie far out, and where costs jump or wave.

    python -m benchmarks quadrature [--replications 200] [--scenarios 16384] [--format markdown]

Far measurements: of a prior, of what is computed, several at once, of both roots of a square, of a choice. Values of
information: smooth costs, jumps, waves, with little and with much noise. Intervals are the estimate and Student's t
with 15 degrees of freedom times the standard error. `error` is the mean standard error, `off` the mean of what the
estimates are off, both by the exact value or, of a measured value, by the standard deviation that is left.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

import simulate
from simulate.spread import t_quantile

SCHEMES = ("random", "sobol")
PERCENTS = (5.0, 50.0, 95.0)

NORMALS = """
model = "none"
[priors]
a = {dist = "normal", mean = 10, sd = 2}
b = {dist = "normal", mean = 5, sd = 1}
x = {dist = "uniform", lower = 0, upper = 1}
l = {dist = "lognormal", p5 = 1, p95 = 10}
k = {dist = "choice", values = [1, 2, 3], weights = [0.9, 0.0999, 0.0001]}
[quantities]
total = {formula = "a + b", unit = "1"}
product = {formula = "a * b", unit = "1"}
square = {formula = "(a - 10)**2", unit = "1"}
scaled = {formula = "k * l", unit = "1"}
above = {formula = "a > 10", unit = "1"}
one = {formula = "x", unit = "1"}
"""


class Far(NamedTuple):
    """Measured values, the quantity told of, its mean, percentiles and what scales errors; nan for no figure."""

    observe: tuple[str, ...]
    quantity: str
    mean: float
    percentiles: tuple[float, ...]
    scale: float


def on_grid(observe: str, quantity: str, values: np.ndarray[Any, Any], logs: np.ndarray[Any, Any]) -> Far:
    """By the logarithms of the densities at values evenly apart."""
    weights = np.exp(logs - logs.max())
    shares = np.cumsum(weights) / weights.sum()
    mean = float(np.average(values, weights=weights))
    ends = tuple(float(np.interp(percent / 100, shares, values)) for percent in PERCENTS)
    return Far((observe,), quantity, mean, ends, float(np.sqrt(np.average((values - mean) ** 2, weights=weights))))


def conjugate(observe: tuple[str, ...], quantity: str, prior: tuple[float, float], value: float, sd: float) -> Far:
    """Of a normal prior, its mean and variance, and a measured value."""
    left = 1 / (1 / prior[1] + 1 / sd**2)
    at = stats.norm(left * (prior[0] / prior[1] + value / sd**2), left**0.5)
    return Far(observe, quantity, at.mean(), tuple(at.ppf(np.array(PERCENTS) / 100).tolist()), at.std())


@cache
def far() -> dict[str, Far]:
    """The problems of measured values."""
    x, a, logs = np.linspace(0, 1, 1_000_001), np.linspace(2, 30, 1_000_001), np.linspace(3.5, 7, 1_000_001)
    spread = np.log(10) / 2 / stats.norm.ppf(0.95)
    density = stats.norm.pdf(logs, np.log(10) / 2, spread)
    shares = np.array([np.sum(density * np.exp(-0.5 * ((k * np.exp(logs) - 300) / 3) ** 2)) for k in (1, 2, 3)])
    shares = shares * [0.9, 0.0999, 0.0001] / np.sum(shares * [0.9, 0.0999, 0.0001])
    mean = float(shares @ [1, 2, 3])
    four = 15 + 4 * 5**0.5
    given_a = stats.norm.logpdf(a, 10, 2) + stats.norm.logpdf(120, 5 * a, np.sqrt(a**2 + 4))
    nothing = (np.nan,) * len(PERCENTS)
    return {
        "x = 7.2 +- 1, uniform": on_grid("x = 7.2 +- 1", "one", x, -0.5 * (x - 7.2) ** 2),
        "x = 8 +- 1, uniform": on_grid("x = 8 +- 1", "one", x, -0.5 * (x - 8) ** 2),
        "x = 0.3 +- 0.001, uniform": conjugate(("x = 0.3 +- 0.001",), "one", (0.3, 1e12), 0.3, 0.001),
        "normal at 3 sd, four times": conjugate(("a = 16 +- 1",) * 4, "a", (10, 4), 16, 0.5),
        "sum at 4 sd": conjugate((f"total = {four} +- 0.5",), "total", (15, 5), four, 0.5),
        "sum at 11 sd": conjugate(("total = 40 +- 1",), "total", (15, 5), 40, 1),
        "product at 4 sd": on_grid("product = 120 +- 2", "a", a, given_a),
        "both roots of a square at 4 sd": Far(("square = 64 +- 1",), "above", 0.5, nothing, 0.5),
        "choice times lognormal at 6 sd": Far(("scaled = 300 +- 1%",), "k", mean, nothing, 0.2),
    }


DECISION = """
model = "none"
[priors]
x = {{dist = "uniform", lower = 0, upper = 1}}
z = {{dist = "normal", mean = 0, sd = {noise}}}
[choices.one.quantities]
cost = {{formula = "1 + z", unit = "USD"}}
[choices.two.quantities]
cost = {{formula = "1 + {beyond}", unit = "USD"}}
"""
COSTS = {  # beyond the other choice's: formula, function of x
    "smooth": ("x - 0.4", lambda x: x - 0.4),
    "jump at 0.9": ("where(x > 0.9, 10, 0) - 0.5", lambda x: 10 * (x > 0.9) - 0.5),
    "wave of 6 periods": ("sin(40*x)", lambda x: np.sin(40 * x)),
    "wave of 64 periods": ("sin(400*x)", lambda x: np.sin(400 * x)),
    "wave of 6,400 periods": ("sin(40000*x)", lambda x: np.sin(40000 * x)),
    "nothing": ("0.1 + 0*x", lambda x: 0.1 + 0 * x),
}
NOISES = (0.1, 1.0)


def worth(beyond: Any) -> float:
    """The value of finding out x, by the midpoints of a million cells."""
    costs = beyond((np.arange(2**22) + 0.5) / 2**22)
    return float(min(costs.mean(), 0) - np.minimum(costs, 0).mean())


Found = dict[tuple[str, str], tuple[float, float, float, float]]  # estimate, error, exact, scale


@cache
def loaded(text: str) -> Any:
    """The priors of a text, read once a process."""
    return simulate.load_priors(text)


def estimates(scheme: str, scenarios: int, seed: int) -> Found:
    """Every figure with one seed."""
    settings: dict[str, Any] = {"scenarios": scenarios, "seed": seed, "scheme": scheme, "workers": 1}
    found: Found = {}
    for name, each in far().items():
        told = simulate.run(
            loaded(NORMALS), quantities=[each.quantity], observe=list(each.observe), percentiles=PERCENTS, **settings
        )
        found[name, "mean"] = float(told["mean"][0]), float(told["mean_se"][0]), each.mean, each.scale
        for place, (percent, exact) in enumerate(zip(PERCENTS, each.percentiles, strict=True)):
            if np.isfinite(exact):
                value, error = (float(told[which][0, place]) for which in ("percentiles", "percentiles_se"))
                found[name, f"P{percent:g}"] = value, error, exact, each.scale
    for noise in NOISES:
        for name, (formula, beyond) in COSTS.items():
            text = DECISION.format(noise=noise, beyond=formula)
            told = simulate.decide(loaded(text), quantities=["cost"], percentiles=(50.0,), **settings)
            value, error = (float(told[which].sel(prior="x")) for which in ("evppi", "evppi_se"))
            exact = worth(beyond)
            found[f"{name}, noise {noise:g}", "EVPPI"] = value, error, exact, exact or 1.0
    return found


def table(schemes: list[list[Found]], form: str) -> None:
    """Print a row for each figure: under each scheme how often it was held, the mean error, and how far off it was."""
    heads = ["problem", "figure", *(f"{scheme}, {what}" for scheme in SCHEMES for what in ("held", "error", "off"))]
    rows = [heads, ["---"] * len(heads)] if form == "markdown" else [heads]
    for key in schemes[0][0]:
        cells = []
        for several in schemes:
            values, errors, exact, scale = np.array([found[key] for found in several]).T
            held = np.mean(np.abs(values - exact) <= t_quantile() * errors)
            shares = np.mean(errors / scale), np.mean((values - exact) / scale)
            cells += [f"{100 * held:.1f} %", f"{100 * shares[0]:.2g} %", f"{100 * shares[1]:+.2g} %"]
        rows.append([*key, *cells])
    for row in rows:
        print(f"| {' | '.join(row)} |" if form == "markdown" else "  ".join(row))


def main() -> None:
    """Draw every problem with many seeds and print how often the truth was held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--scenarios", type=int, default=2**14)
    parser.add_argument("--format", choices=("table", "markdown"), default="table")
    asked = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        table(
            [
                list(pool.map(partial(estimates, scheme, asked.scenarios), range(asked.replications), chunksize=4))
                for scheme in SCHEMES
            ],
            asked.format,
        )
