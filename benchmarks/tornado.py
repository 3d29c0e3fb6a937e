"""Tornado methods: how long they take, which estimator of Sobol' indices errs least, and SALib beside them.

    python -m benchmarks tornado [--format table|json]

Times are ratios to one run of 1e6 scenarios. Estimators are compared on Ishigami's function, Sobol's g-function and a
product of lognormals by their root mean square error over 64 independent randomizations, at equal numbers of
evaluations. SALib draws and analyzes the same model, priors without correlations, from its own Saltelli sample; ours
is given scenarios until its error is no more than SALib's.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import ndtri

import simulate
import simulate.distributions
from simulate.sampling.sampler import Sampler
from simulate.scenarios import Drawing, Scenarios
from simulate.sensitivity.methods import METHODS

BASE = Path(__file__).parent.parent / "priors" / "base.toml"

FIRST = {
    "Saltelli 2010 (SALib)": lambda a, b, mixed, _: np.mean(b * (mixed - a), axis=-1),
    "Jansen 1999": lambda a, b, mixed, _: spread(a, b) - np.mean((b - mixed) ** 2, axis=-1) / 2,
    "Janon 2014": lambda _a, b, mixed, _: np.mean(b * mixed, axis=-1) - np.mean((b + mixed) / 2, axis=-1) ** 2,
    "Azzini 2021": lambda a, b, mixed, back: azzini(a, b, mixed, back, -2 * (mixed - a) * (back - b)),
}
TOTAL = {
    "Jansen 1999": lambda a, _b, mixed, _: np.mean((mixed - a) ** 2, axis=-1) / 2,
    "Sobol' 2007": lambda a, _b, mixed, _: np.mean(a * (a - mixed), axis=-1),
    "Homma 1996": lambda a, _b, mixed, _: np.var(a) - np.mean(a * mixed, axis=-1) + np.mean(a) ** 2,
    "Azzini 2021": lambda a, b, mixed, back: azzini(a, b, mixed, back, (mixed - a) ** 2 + (back - b) ** 2),
}


def spread(a: np.ndarray, b: np.ndarray) -> float:
    """The variance that estimates are divided by."""
    return float((np.var(a) + np.var(b)) / 2)


def azzini(a: np.ndarray, b: np.ndarray, mixed: np.ndarray, back: np.ndarray, part: np.ndarray) -> np.ndarray:
    """An estimator with its own divisor, on half of the scenarios, for it needs twice the hybrids."""
    half = a.size // 2
    whole = (a - b) ** 2 + (back - mixed) ** 2
    ratio = np.mean(part[..., :half], axis=-1) / np.mean(whole[..., :half], axis=-1)
    return spread(a, b) * ratio


def ishigami(x: np.ndarray) -> np.ndarray:
    """Ishigami's function of uniforms (3, scenarios)."""
    x = np.pi * (2 * x - 1)
    return np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])


def g_function(x: np.ndarray) -> np.ndarray:
    """Sobol's g-function with a = 0, 1, 4.5, 9."""
    a = np.array([[0], [1], [4.5], [9]])
    return np.prod((np.abs(4 * x - 2) + a) / (1 + a), axis=0)


def product(x: np.ndarray) -> np.ndarray:
    """A product of lognormals as spread as what capex is a product of."""
    return np.exp(SIGMAS @ ndtri(x))


SIGMAS = np.array([0.96, 0.52, 0.37, 0.3, 0.17, 0.17])
LOG_PARTS = np.expm1(SIGMAS**2)
LOG_VARIANCE = np.prod(1 + LOG_PARTS) - 1
G_PARTS = 1 / (3 * (1 + np.array([0, 1, 4.5, 9])) ** 2)
G_VARIANCE = np.prod(1 + G_PARTS) - 1
PROBLEMS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], np.ndarray, np.ndarray]] = {
    "Ishigami": (
        ishigami,
        np.array([0.3139051911, 0.4424111448, 0.0]),
        np.array([0.5575888552, 0.4424111448, 0.2436836641]),
    ),
    "g-function": (g_function, G_PARTS / G_VARIANCE, G_PARTS * (1 + G_VARIANCE) / (1 + G_PARTS) / G_VARIANCE),
    "lognormals": (product, LOG_PARTS / LOG_VARIANCE, LOG_PARTS * (1 + LOG_VARIANCE) / (1 + LOG_PARTS) / LOG_VARIANCE),
}


def estimator_errors(scheme: str, size: int = 2**12, randomizations: int = 64) -> dict[str, float]:
    """Root mean square errors by problem, order and estimator."""
    uniform = simulate.distributions.distribution("uniform", {"lower": 0, "upper": 1})
    errors: dict[str, list[np.ndarray]] = {}
    for problem, (function, first, total) in PROBLEMS.items():
        names = [f"x{place}" for place in range(len(first))]
        samplers = [
            Sampler(
                dict.fromkeys(names, uniform),
                {name: place for place, name in enumerate(names)},
                {},
                seed=1,
                scheme=scheme,
                size=size,
                stream=stream,
            )
            for stream in (0, 1)
        ]
        for randomization in range(randomizations):
            x, y = (np.array(list(s.columns(s.words(randomization)(0)).values())) for s in samplers)
            a, b = function(x), function(y)
            mixed, back = (
                np.array([function(np.where(np.arange(len(x))[:, None] == i, p, q)) for i in range(len(x))])
                for p, q in ((y, x), (x, y))
            )
            center = (a.mean() + b.mean()) / 2
            a, b, mixed, back = a - center, b - center, mixed - center, back - center
            variance = spread(a, b)
            for order, estimators, exact in (("first", FIRST, first), ("total", TOTAL, total)):
                for name, estimate in estimators.items():
                    key = f"{problem}, {order}, {name}"
                    errors.setdefault(key, []).append(estimate(a, b, mixed, back) / variance - exact)
    return {key: float(np.sqrt(np.mean(np.square(found)))) for key, found in errors.items()}


def elapsed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds, best of three, and the result."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def scenarios_of(priors: simulate.Priors) -> Scenarios:
    """What capex is computed from."""
    return Drawing({"": priors}, priors.run).scenarios("", ["capex"], count=1)


def salib(priors: simulate.Priors, size: int, seed: int = 1) -> dict[str, np.ndarray]:
    """First-order and total indices of capex by SALib, on the same plan and exact inverses."""
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    drawn = scenarios_of(priors)
    names = list(drawn.sampler.wanted)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0, 1]] * len(names)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        points = sample.sample(problem, size, calc_second_order=False, scramble=True, seed=seed)
        columns = {
            name: priors.priors[name].distribution.quantile(np.clip(points[:, i], 1e-12, 1 - 1e-12))
            for i, name in enumerate(names)
        }
        values = drawn.plan({**drawn.constants, **columns})["capex"]
        found = analyze.analyze(problem, values, calc_second_order=False)
    return {"first": np.asarray(found["S1"]), "total": np.asarray(found["ST"])}


def ours(priors: simulate.Priors, scenarios: int, seed: int = 1) -> dict[str, np.ndarray]:
    """The same by `tornado`."""
    found = simulate.tornado(priors, quantities=["capex"], method="sobol", scenarios=scenarios, seed=seed)
    capex = found.sel(quantity="capex", prior=list(scenarios_of(priors).sampler.wanted))
    return {order: capex[order].values for order in ("first", "total")}


def error(found: dict[str, np.ndarray], exact: dict[str, np.ndarray]) -> float:
    """Root mean square error over all indices."""
    return float(np.sqrt(np.mean([np.mean((found[order] - exact[order]) ** 2) for order in exact])))


def typical(error_of: Callable[[int], float]) -> float:
    """Root mean square of the errors with eight seeds."""
    return float(np.sqrt(np.mean([error_of(seed) ** 2 for seed in range(1, 9)])))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    priors = simulate.load_priors(BASE)
    run, _ = elapsed(lambda: simulate.run(priors, scenarios=10**6))
    results: dict[str, object] = {"seconds of a run of 1e6": run}
    for method in METHODS:
        seconds, _ = elapsed(lambda method=method: simulate.tornado(priors, quantities=["capex"], method=method))
        results[f"{method}: seconds"] = seconds
        results[f"{method}: over a run of 1e6"] = seconds / run
    for scheme in ("sobol", "random"):
        for key, figure in estimator_errors(scheme).items():
            results[f"{scheme}, {key}: rms error"] = figure
    exact = ours(priors, 2**24, seed=99)
    their_seconds, _ = elapsed(lambda: salib(priors, 2**15))
    target = typical(lambda seed: error(salib(priors, 2**15, seed), exact))
    results |= {"SALib, N = 2^15: seconds": their_seconds, "SALib, N = 2^15: rms error": target}
    for bits in range(12, 22):
        reached = typical(lambda seed, bits=bits: error(ours(priors, 2**bits, seed), exact))
        if reached <= target:
            seconds, _ = elapsed(lambda bits=bits: ours(priors, 2**bits))
            results |= {
                f"ours, N = 2^{bits}: seconds": seconds,
                f"ours, N = 2^{bits}: rms error": reached,
                "SALib over ours at no more error": their_seconds / seconds,
            }
            break
    if options.format == "json":
        print(json.dumps(results, indent=2))
    else:
        for name, value in results.items():
            print(f"{name}: {value:.3g}")
