"""What an analyst would write in an afternoon: the headline of priors/base.toml in plain numpy, all scenarios at once.

It draws with numpy's Generator, has no standard errors, no components, and holds every column in memory. It is the
yardstick of `python -m benchmarks run` and a check of the engine: tests compare the two.
"""

from __future__ import annotations

import sys

import numpy as np

PERCENTS = [5, 25, 50, 75, 95]
Z95 = 1.6448536269514722  # the normal score of 95 %


def simulate(scenarios: int, seed: int) -> dict[str, np.ndarray]:
    """Percentiles of the headline quantities, by name."""
    rng = np.random.default_rng(seed)

    def lognormal(p5: float, p95: float, z: np.ndarray | None = None, shift: float = 0.0) -> np.ndarray:
        low, high = np.log(p5 - shift), np.log(p95 - shift)
        z = rng.standard_normal(scenarios) if z is None else z
        return shift + np.exp((low + high) / 2 + (high - low) / (2 * Z95) * z)

    names = [
        "questions_per_visitor", "output_tokens", "visitors_per_day", "input_to_output_ratio", "seconds_per_token",
        "peak_to_average", "server_price", "busy_load", "cloud_price_reserved", "cloud_price_on_demand",
    ]  # fmt: skip
    spearman = {
        ("visitors_per_day", "questions_per_visitor"): -0.3,
        ("questions_per_visitor", "output_tokens"): -0.2,
        ("output_tokens", "input_to_output_ratio"): -0.3,
        ("output_tokens", "seconds_per_token"): -0.1,
        ("seconds_per_token", "busy_load"): -0.3,
        ("seconds_per_token", "peak_to_average"): 0.3,
        ("server_price", "cloud_price_reserved"): 0.5,
        ("server_price", "cloud_price_on_demand"): 0.5,
        ("cloud_price_reserved", "cloud_price_on_demand"): 0.7,
    }
    latent = np.eye(len(names))
    for (first, second), rho in spearman.items():
        i, j = names.index(first), names.index(second)
        latent[i, j] = latent[j, i] = 2 * np.sin(np.pi * rho / 6)
    scores = dict(zip(names, np.linalg.cholesky(latent) @ rng.standard_normal((len(names), scenarios)), strict=True))
    from scipy.special import betaincinv, ndtr

    visitors = lognormal(11e6, 19e6, scores["visitors_per_day"])
    questions = visitors * lognormal(2.5, 14, scores["questions_per_visitor"])
    tokens = lognormal(120, 400, scores["output_tokens"])
    seconds = tokens * lognormal(0.003, 0.070, scores["seconds_per_token"])
    busy = questions * seconds / 86400
    peak = lognormal(1.3, 2.4, scores["peak_to_average"], shift=1)
    accelerators = busy * peak * lognormal(1.05, 1.5, shift=1) * (1 + rng.uniform(0, 0.06, scenarios))
    servers = np.ceil(accelerators / 8)
    server_capex = servers * lognormal(130e3, 230e3, scores["server_price"])
    share = rng.beta(4.054026359433476, 25.752643273495583, scenarios)
    it_capex = server_capex * (1 + share / (1 - share) + rng.uniform(0.05, 0.10, scenarios))
    nameplate = servers * 6.5 * (1 + rng.uniform(0.05, 0.10, scenarios))
    facility_capex = nameplate * lognormal(8000, 14000)
    capex = it_capex + facility_capex
    busy_load = betaincinv(14, 7, ndtr(scores["busy_load"]))
    idle_load = rng.triangular(0.15, 0.25, 0.35, scenarios)
    load = idle_load + (busy_load - idle_load) * busy / accelerators
    energy = nameplate * load * lognormal(1.08, 1.3, shift=1) * 24
    electricity = 365 * energy * lognormal(0.058, 0.12)
    maintenance = it_capex * rng.triangular(0.02, 0.05, 0.10, scenarios)
    facility_opex = 12 * nameplate * lognormal(20, 80)
    opex = electricity + maintenance + facility_opex + lognormal(2e6, 30e6)
    years, rate = rng.triangular(2.5, 4, 6, scenarios), rng.triangular(0.05, 0.09, 0.15, scenarios)
    residual = rng.uniform(0, 0.2, scenarios)
    it_year = it_capex * (1 - residual * (1 + rate) ** -years) * rate / (1 - (1 + rate) ** -years)
    facility_years = rng.triangular(12, 15, 20, scenarios)
    own = it_year + facility_capex * rate / (1 - (1 + rate) ** -facility_years) + opex
    utilization = np.minimum(lognormal(0.197, 0.523), 1)  # truncated in the priors, by a part in ten thousand
    hours = 6 * 175e9 * 300e9 / (312e12 * utilization) / 3600
    results = {
        "accelerators": accelerators,
        "capex": capex,
        "opex_per_year": opex,
        "cost_per_question": own / 365 / questions,
        "training_cost": hours * lognormal(0.9, 3.0, scores["cloud_price_reserved"]),
    }
    return {name: np.percentile(values, PERCENTS) for name, values in results.items()}


if __name__ == "__main__":
    for name, percentiles in simulate(int(sys.argv[1]), seed=1).items():
        print(name, *(f"{value:.6g}" for value in percentiles))
