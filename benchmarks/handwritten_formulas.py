"""What an analyst would write in an afternoon: own_formulas.toml in plain numpy, all scenarios at once.

It draws with numpy's Generator, has no standard errors, and holds every column in memory. It is the yardstick of
`python -m benchmarks peers` and others. As a script it prints the percentiles of so many scenarios. `analyse` tells of
the same scenarios what a run of ours tells: standard errors, moments, and what moves each quantity.
"""

from __future__ import annotations

import sys

import numpy as np

Array = np.ndarray

PERCENTS = [5, 25, 50, 75, 95]
Z95 = 1.6448536269514722  # the normal score of 95 %
GUMBEL_5, GUMBEL_95 = -np.log(-np.log(0.05)), -np.log(-np.log(0.95))
HOURS = 8760  # of a year
REPLICATES, SAMPLED, BINS = 16, 2**16, 2**9  # of an analysis


def draw(scenarios: int, seed: int) -> dict[str, Array]:
    """The 22 priors."""
    rng = np.random.default_rng(seed)

    def lognormal(p5: float, p95: float, shift: float = 0.0) -> Array:
        low, high = np.log(p5 - shift), np.log(p95 - shift)
        return shift + rng.lognormal((low + high) / 2, (high - low) / (2 * Z95), scenarios)

    def pert(lower: float, mode: float, upper: float) -> Array:
        width = upper - lower
        alpha, beta = 1 + 4 * (mode - lower) / width, 1 + 4 * (upper - mode) / width
        return lower + width * rng.beta(alpha, beta, scenarios)

    def logit(share: float) -> float:
        return float(np.log(share / (1 - share)))

    host = rng.normal((logit(0.2) + logit(0.5)) / 2, (logit(0.5) - logit(0.2)) / (2 * Z95), scenarios)
    gumbel = (0.14 - 0.06) / (GUMBEL_95 - GUMBEL_5)
    return {
        "customers": lognormal(2e6, 8e6),
        "questions_per_customer": rng.gamma((4 / 1.5) ** 2, 1.5**2 / 4, scenarios),
        "prompt_tokens": lognormal(600, 2400),
        "answer_tokens": 260 * rng.weibull(2.5, scenarios),
        "cached_share": rng.beta(6, 9, scenarios),
        "answer_speed": pert(900, 1800, 3200),
        "reading_speedup": np.exp(rng.uniform(np.log(3), np.log(12), scenarios)),
        "peak_to_average": lognormal(1.3, 2.4, shift=1),
        "load_at_peak": rng.triangular(0.55, 0.7, 0.85, scenarios),
        "spare_share": rng.uniform(0.02, 0.08, scenarios),
        "accelerator_price": rng.normal(30_000, 3_000, scenarios),
        "host_share": 1 / (1 + np.exp(-host)),
        "accelerator_power": rng.triangular(1.1, 1.3, 1.5, scenarios),
        "idle_load": rng.beta(12, 36, scenarios),
        "pue": lognormal(1.1, 1.5, shift=1),
        "electricity_price": rng.gumbel(0.06 - gumbel * GUMBEL_5, gumbel, scenarios),
        "lifetime": pert(2.5, 4, 6),
        "discount_rate": rng.normal(0.09, 0.015, scenarios),
        "engineers": rng.choice([4.0, 6.0, 8.0, 12.0], scenarios, p=[0.2, 0.4, 0.3, 0.1]),
        "engineer_cost": rng.normal(250e3, 70e3 / Z95, scenarios),
        "outage_hours": rng.exponential(9, scenarios),
        "api_price": np.where(
            rng.random(scenarios) < 0.8, lognormal(0.25, 0.6), rng.uniform(0.8, 1.2, scenarios)
        ),
    }  # fmt: skip


def compute(
    customers: Array,
    questions_per_customer: Array,
    prompt_tokens: Array,
    answer_tokens: Array,
    cached_share: Array,
    answer_speed: Array,
    reading_speedup: Array,
    peak_to_average: Array,
    load_at_peak: Array,
    spare_share: Array,
    accelerator_price: Array,
    host_share: Array,
    accelerator_power: Array,
    idle_load: Array,
    pue: Array,
    electricity_price: Array,
    lifetime: Array,
    discount_rate: Array,
    engineers: Array,
    engineer_cost: Array,
    outage_hours: Array,
    api_price: Array,
) -> dict[str, Array]:
    """The 12 quantities, by name; money in USD, times in years, days or hours as the names say."""
    questions = customers * questions_per_customer
    tokens = questions * (prompt_tokens + answer_tokens)
    seconds = (answer_tokens + prompt_tokens * (1 - cached_share) / reading_speedup) / answer_speed
    busy = questions * seconds / 86400
    accelerators = busy * peak_to_average / load_at_peak * (1 + spare_share)
    investment = accelerators * accelerator_price * (1 + host_share)
    capital = investment * discount_rate / (1 - (1 + discount_rate) ** -lifetime)
    power = accelerator_power * (busy + idle_load * (accelerators - busy)) * pue
    electricity = power * HOURS * electricity_price
    staff = engineers * engineer_cost
    cost = capital + electricity + staff + outage_hours * questions / 24 * 0.02
    api = tokens * 365 * api_price / 1e6
    return {
        "questions_per_day": questions,
        "tokens_per_day": tokens,
        "busy_accelerators": busy,
        "accelerators": accelerators,
        "investment": investment,
        "capital_cost": capital,
        "electricity_cost": electricity,
        "staff_cost": staff,
        "cost_per_year": cost,
        "cost_per_question": cost / 365 / questions,
        "api_cost": api,
        "saving": api - cost,
    }


def simulate(scenarios: int, seed: int) -> dict[str, Array]:
    """Percentiles of the 12 quantities, by name."""
    return {name: np.percentile(each, PERCENTS) for name, each in compute(**draw(scenarios, seed)).items()}


def analyse(scenarios: int, seed: int) -> dict[str, dict[str, Array]]:
    """By statistic and quantity: percentiles, moments, extremes, and by prior rank correlations and shares of variance.

    Standard errors are those of `REPLICATES` equal parts, of which the scenarios are a multiple. What moves a quantity
    is asked of the first `SAMPLED` scenarios: the share of a prior is the variance of the means in `BINS` of it.
    """
    from scipy.stats import rankdata

    priors = draw(scenarios, seed)
    quantities = compute(**priors)
    told: dict[str, dict[str, Array]] = {}

    def tell(name: str, statistic: str, whole: Array, parts: Array) -> None:
        told.setdefault(statistic, {})[name] = whole
        told.setdefault(f"{statistic}_se", {})[name] = parts.std(axis=-1, ddof=1) / REPLICATES**0.5

    for name, column in quantities.items():
        parts = column.reshape(REPLICATES, -1)
        tell(name, "percentiles", np.percentile(column, PERCENTS), np.percentile(parts, PERCENTS, axis=1))
        tell(name, "mean", column.mean(), parts.mean(axis=1))
        tell(name, "sd", column.std(), parts.std(axis=1))
        told.setdefault("extremes", {})[name] = np.array([column.min(), column.max()])
    sampled = {name: column[:SAMPLED] for name, column in (priors | quantities).items()}
    count = min(scenarios, SAMPLED)
    ranks = {name: rankdata(column) - 1 for name, column in sampled.items()}
    correlations = np.corrcoef(np.array(list(ranks.values())))[len(priors) :, : len(priors)]
    told["rank_correlation"] = dict(zip(quantities, correlations, strict=True))
    bins = [(ranks[name] * BINS / count).astype(int) for name in priors]
    held = [np.maximum(np.bincount(each, minlength=BINS), 1) for each in bins]
    shares = told["variance_share"] = {}
    for name in quantities:
        values = sampled[name] - sampled[name].mean()
        means = [np.bincount(each, values, BINS) / number for each, number in zip(bins, held, strict=True)]
        between = [(mean**2 * number).sum() / count for mean, number in zip(means, held, strict=True)]
        shares[name] = np.array(between) / values.var()
    return told


if __name__ == "__main__":
    for name, percentiles in simulate(int(sys.argv[1]), seed=1).items():
        print(name, *(f"{value:.6g}" for value in percentiles))
