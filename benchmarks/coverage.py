"""How often the 95 % intervals hold the truth, for every statistic that has a standard error.

    python benchmarks/coverage.py [--replications 2000] [--check] [--format table|json|markdown]

Problems with known answers: one input of several kinds, atoms, sums, products, correlated, negative and constant
quantities, conditions, two cases, a decision, the methods of tornado. Intervals are the estimate and Student's t with
15 degrees of freedom times the standard error of 16 replicates of 2^10 scenarios (2^8 for most methods of tornado).
`--check` lists the cells that are not between 93 and 97 %, or, where the estimate is discrete or exact, not above 93 %,
with a false alarm of 1 % in all; those of which a run warns are listed apart.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy import integrate, optimize, stats

import simulate
from simulate.conditions import NO_QUESTIONS
from simulate.replicates import Workers
from simulate.scenarios import Drawing
from simulate.sensitivity.method import Asking
from simulate.sensitivity.methods import METHODS
from simulate.settings import Settings
from simulate.spread import t_quantile
from simulate.statistics import MEAN, single_percentile

SCHEMES = ("random", "sobol")
LOW, HIGH, FALSE_ALARM = 0.93, 0.97, 0.01
PERCENTS = (5.0, 50.0, 95.0, 99.0)
TAIL = 95.0  # percent of the expected shortfall and of the shortest interval
SCENARIOS = 2**14
OF_METHODS = 2**12
SIGMAS = (0.5, 0.4, 0.3, 0.6)
PRIORS = """
model = "none"
[priors]
x = {dist = "normal", mean = 10, sd = 2}
w = {dist = "normal", mean = 0, sd = 1}
u = {dist = "uniform", lower = 0, upper = 1}
mild = {dist = "lognormal", mu = 0, sigma = 0.5}
heavy = {dist = "lognormal", mu = 0, sigma = 2}
k = {dist = "choice", values = [0, 1], weights = [999, 1]}
size = {dist = "choice", values = [1, 10], weights = [9, 1]}
long = {dist = "lognormal", mu = 0, sigma = 1.5}
fixed = {value = 4}
a = {dist = "lognormal", mu = 0, sigma = 0.5}
b = {dist = "lognormal", mu = 0, sigma = 0.4}
c = {dist = "lognormal", mu = 0, sigma = 0.3}
d = {dist = "lognormal", mu = 0, sigma = 0.6}
e = {dist = "lognormal", mu = 0, sigma = 0.5}
f = {dist = "lognormal", mu = 0, sigma = 0.7}
g = {dist = "normal", mean = 0, sd = 1}
h = {dist = "lognormal", mu = 0, sigma = 1}
die1 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
die2 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
die3 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
die4 = {dist = "choice", values = [1, 2, 3, 4, 5, 6]}
[correlations]
e.f = {gaussian_copula = 0.6}
[quantities]
one_normal = {formula = "x"}
one_uniform = {formula = "u"}
one_mild = {formula = "mild"}
one_heavy = {formula = "heavy"}
one_die = {formula = "die1"}
atom = {formula = "k * 1"}
constant = {formula = "3 * fixed"}
sum = {formula = "x + w"}
negative = {formula = "-a * b"}
product = {formula = "a * b * c * d"}
correlated = {formula = "e * f"}
rare = {formula = "h * exp(1.5 * g)"}
dice = {formula = "die1 + die2 + die3 + die4"}
difference = {formula = "a * b - a * c"}
weighed = {formula = "size * long"}
twice = {formula = "2 * x + w"}
"""
SPREAD = math.hypot(*SIGMAS)
# Two cases on common uniforms: x and w both change, so that the difference is normal with mean 1.5 and variance 2.
ALTERNATIVE = PRIORS.replace("mean = 10, sd = 2", "mean = 11, sd = 3").replace("mean = 0, sd = 1}", "mean = 0.5, sd = 2}", 1)
CHOICES = """
model = "none"
[priors]
p = {dist = "normal", mean = 1, sd = 1}
q = {dist = "normal", mean = 1.5, sd = 1}
[quantities]
cost = {formula = "p"}
[choices.one]
[choices.two.quantities]
cost = {formula = "q"}
"""

Key = tuple[str, str]  # quantity, statistic


class Discrete(NamedTuple):
    """A discrete distribution: values in rising order and their probabilities."""

    values: np.ndarray
    shares: np.ndarray

    def ppf(self, share: float) -> float:
        """The quantile."""
        return float(self.values[np.searchsorted(np.cumsum(self.shares), share * (1 - 1e-12))])

    def mean(self) -> float:
        """The mean."""
        return float(self.values @ self.shares)

    def std(self) -> float:
        """The standard deviation."""
        return float(np.sqrt((self.values - self.mean()) ** 2 @ self.shares))

    def beyond(self, share: float) -> float:
        """The mean of the upper part, the atom at its edge split."""
        parts = np.clip(np.cumsum(self.shares) - share, 0, self.shares)
        return float(self.values @ parts / parts.sum())


def rolls(count: int) -> Discrete:
    """The sum of so many dice."""
    sums = [sum(roll) for roll in itertools.product(range(1, 7), repeat=count)]
    values, counts = np.unique(sums, return_counts=True)
    return Discrete(values.astype(float), counts / len(sums))


@cache
def distributions() -> dict[str, Any]:
    """The distribution of each quantity that has one in closed form."""
    mirrored = stats.lognorm(math.hypot(0.5, 0.4))

    class Negative:
        """The mirror image of a distribution."""

        ppf = staticmethod(lambda share: -mirrored.isf(share))
        isf = staticmethod(lambda share: -mirrored.ppf(share))
        mean = staticmethod(lambda: -mirrored.mean())
        std = staticmethod(mirrored.std)

    return {
        "one_normal": stats.norm(10, 2),
        "one_uniform": stats.uniform(),
        "one_mild": stats.lognorm(0.5),
        "one_heavy": stats.lognorm(2),
        "one_die": rolls(1),
        "atom": Discrete(np.array([0.0, 1.0]), np.array([0.999, 0.001])),
        "constant": Discrete(np.array([12.0]), np.array([1.0])),
        "sum": stats.norm(10, math.sqrt(5)),
        "negative": Negative,
        "product": stats.lognorm(SPREAD),
        "correlated": stats.lognorm(math.sqrt(0.25 + 0.49 + 2 * 0.6 * 0.35)),
        "rare": stats.lognorm(math.hypot(1, 1.5)),
        "dice": rolls(4),
    }


PROBABILITIES = {  # condition: how probable it is
    "one_normal > 11": stats.norm.sf(0.5),
    "one_normal > 15": stats.norm.sf(2.5),
    "atom > 0.5": 0.001,
    "one_die > 4.5": 1 / 3,
    "dice > 22.5": 5 / 1296,
    "sum > 17": stats.norm.sf(7 / math.sqrt(5)),
    "product > 20": stats.lognorm(SPREAD).sf(20),
    "product > 40": stats.lognorm(SPREAD).sf(40),
    "constant > 1": 1.0,
}


def told(name: str, at: Any) -> dict[Key, float]:
    """The truths of a quantity by its distribution."""
    share = TAIL / 100
    found = {f"P{percent:g}": at.ppf(percent / 100) for percent in PERCENTS}
    found |= {"mean": at.mean(), "sd": at.std()}
    if isinstance(at, Discrete):
        return {(name, key): float(value) for key, value in (found | {"mean beyond P95": at.beyond(share)}).items()}
    beyond, _ = integrate.quad(lambda z: at.isf(stats.norm.sf(z)) * stats.norm.pdf(z), stats.norm.ppf(share), 20)
    found["mean beyond P95"] = beyond / (1 - share)
    if name != "one_uniform":  # of which every interval is as short
        begun = optimize.minimize_scalar(
            lambda low: at.ppf(low + share) - at.ppf(low), bounds=(0, 1 - share), method="bounded", options={"xatol": 1e-12}
        ).x
        found |= {"shortest 95, lower": at.ppf(begun), "shortest 95, upper": at.ppf(begun + share)}
    return {(name, key): float(value) for key, value in found.items()}


@cache
def truths() -> dict[Key, float]:
    """The exact answers by quantity and statistic."""
    exact = {key: value for name, at in distributions().items() for key, value in told(name, at).items()}
    exact |= {("P", text): float(share) for text, share in PROBABILITIES.items()}
    of_b, of_c = math.exp(0.08), math.exp(0.045)
    exact["difference", "mean"] = math.exp(0.125) * (of_b - of_c)
    square = math.exp(0.5) * (math.exp(0.32) - 2 * of_b * of_c + math.exp(0.18))
    exact["difference", "sd"] = math.sqrt(square - exact["difference", "mean"] ** 2)
    exact |= {("given w > 1", key): value for key, value in _conditional().items()}
    exact |= {("compare", key): value for key, value in _compared().items()}
    spread, gap = math.sqrt(2), 0.5
    exact["decide", "probability of being the best"] = float(stats.norm.cdf(gap / spread))
    exact["decide", "EVPI"] = float(spread * stats.norm.pdf(gap / spread) - gap * stats.norm.sf(gap / spread))
    exact["decide", "regret of the other"] = exact["decide", "EVPI"] + gap
    exact["decide", "EVPPI of p"] = float(stats.norm.pdf(gap) - gap * stats.norm.sf(gap))
    return exact | _measured()


def _conditional() -> dict[str, float]:
    """Of x + w given w > 1."""
    kept = stats.norm.sf(1)

    def below(value: float) -> float:
        return integrate.quad(lambda w: stats.norm.cdf((value - w - 10) / 2) * stats.norm.pdf(w), 1, 9)[0] / kept

    percents = {f"P{p:g}": optimize.brentq(lambda v, p=p: below(v) - p / 100, 0, 30, xtol=1e-12) for p in (50.0, 95.0)}
    return {"share kept": float(kept), "mean": 10 + float(stats.norm.pdf(1) / kept), **percents}


def _compared() -> dict[str, float]:
    """The difference of two cases of x + w, its parts, and the ratio of two lognormals."""
    z, spread = stats.norm.ppf(0.95), math.sqrt(2)
    ends = [z * math.sqrt(x * x + w * w) for x, w in ((2, 1), (3, 1), (2, 2), (3, 2))]
    return {
        "P(lower)": float(stats.norm.cdf(-1.5 / spread)),
        "difference, mean": 1.5,
        "difference, P5": 1.5 - z * spread,
        "difference, P50": 1.5,
        "bridge of the mean, x": 1.0,
        "bridge of P50, x": 1.0,
        "bridge of P95, x": 1 + (ends[1] - ends[0] + ends[3] - ends[2]) / 2,
        "bridge of P95, w": 0.5 + (ends[2] - ends[0] + ends[3] - ends[1]) / 2,
    }


def _measured() -> dict[Key, float]:
    """What the methods of tornado find: of 2 x + w with sd 4 and 1, of the product, of a choice times a lognormal."""
    spread, tail = math.sqrt(17), stats.norm.pdf(stats.norm.ppf(0.1)) / 0.1
    rank = 6 / math.pi * math.asin(4 / spread / 2)
    total, whole = math.expm1(0.25) * math.exp(SPREAD**2 - 0.25), math.expm1(SPREAD**2)
    first, second = math.exp(1.125), math.exp(4.5)
    size, squares = 1.9, 10.9
    variance = squares * second - (size * first) ** 2

    def below(value: float) -> float:
        ends = stats.norm.ppf([1e-15, 0.1])
        return integrate.quad(lambda z: stats.norm.cdf(value - 20 - 4 * z) * stats.norm.pdf(z), *ends)[0] / 0.1

    return {
        ("tornado", "conditional mean, low"): 20 - 4 * tail,
        ("tornado", "conditional mean, swing"): 8 * tail,
        ("tornado", "conditional P50, low"): optimize.brentq(lambda v: below(v) - 0.5, 0, 30, xtol=1e-12),
        ("tornado", "rank, Spearman"): rank,
        ("tornado", "Shapley effect"): 16 / 17,
        ("tornado", "Sobol' first order"): math.expm1(0.25) / whole,
        ("tornado", "Sobol' total"): total / whole,
        ("tornado, choice times lognormal", "Sobol' first order"): (squares - size**2) * first**2 / variance,
        ("tornado, choice times lognormal", "Sobol' total"): (squares - size**2) * second / variance,
    }


Estimates = dict[Key, tuple[float, float]]  # estimate and standard error


class Found(NamedTuple):
    """What a seed gives, and the cells of which it warns."""

    estimates: Estimates
    marked: frozenset[Key]


@cache
def loaded(text: str) -> Any:
    """The priors of a text, read once a process."""
    return simulate.load_priors(text)


def estimates(scheme: str, seed: int) -> Found:
    """Estimate and standard error of every statistic with one seed."""
    settings = {"scenarios": SCENARIOS, "seed": seed, "scheme": scheme, "threads": 1}
    found, marked = _of_run(settings)
    found |= _of_condition(settings) | _of_comparison(settings) | _of_decision(settings) | _of_methods(settings)
    return Found(found, marked)


LABELS = {"mean": "mean", "standard deviation": "sd", "mean beyond P95": "mean beyond P95", "shortest 95 %": "shortest 95"}


def warned(warnings: list[str]) -> Iterator[Key]:
    """The cells of which warnings say that they rest on rare scenarios."""
    for message in warnings:
        if match := re.match(r"(.+?): (.+?) rests? on rare scenarios", message):
            for name, label in itertools.product(match[1].split(", "), match[2].split(" and ")):
                yield name, LABELS[label]


def _of_run(settings: Mapping[str, Any]) -> tuple[Estimates, frozenset[Key]]:
    names = [*distributions(), "difference"]
    run = simulate.run(
        loaded(PRIORS),
        quantities=names,
        percentiles=PERCENTS,
        statistics=[f"expected_shortfall {TAIL:g}", f"shortest {TAIL:g}"],
        probability=list(PROBABILITIES),
        **settings,
    )
    found: Estimates = {}

    def put(name: str, label: str, variable: str, *place: int) -> None:
        at = (names.index(name), *place)
        found[name, label] = float(figures[variable][at]), float(figures[f"{variable}_se"][at])

    figures = {name: run[name].to_numpy() for name in run.data_vars}
    for name in names:
        for place, percent in enumerate(PERCENTS):
            put(name, f"P{percent:g}", "percentiles", place)
        put(name, "mean", "mean")
        put(name, "sd", "sd")
        put(name, "mean beyond P95", "expected_shortfall")
        put(name, "shortest 95, lower", "shortest", 0)
        put(name, "shortest 95, upper", "shortest", 1)
    for text, value, error in zip(PROBABILITIES, figures["probability"], figures["probability_se"], strict=True):
        found["P", text] = float(value), float(error)
    return found, frozenset(warned(json.loads(run.attrs["provenance"])["warnings"]))


def _of_condition(settings: Mapping[str, Any]) -> Estimates:
    run = simulate.run(loaded(PRIORS), quantities=["sum"], percentiles=(50.0, 95.0), given=["w > 1"], **settings)
    kept = json.loads(run.attrs["provenance"])["kept"]
    values, errors = run["percentiles"].to_numpy()[0], run["percentiles_se"].to_numpy()[0]
    return {
        ("given w > 1", "share kept"): (kept["share"], kept["share_se"]),
        ("given w > 1", "mean"): (float(run["mean"][0]), float(run["mean_se"][0])),
        ("given w > 1", "P50"): (values[0], errors[0]),
        ("given w > 1", "P95"): (values[1], errors[1]),
    }


def _of_comparison(settings: Mapping[str, Any]) -> Estimates:
    told = simulate.compare(
        [loaded(PRIORS), loaded(ALTERNATIVE)], quantities=["sum"], bridge=["mean", 50, 95], percentiles=(5.0, 50.0), **settings
    )
    other = told.isel(quantity=0, case=1)
    found: Estimates = {}

    def put(label: str, variable: str, **at: Any) -> None:
        values, errors = (other[each].sel(at) for each in (variable, f"{variable}_se"))
        found["compare", label] = float(values), float(errors)

    put("P(lower)", "probability_lower")
    put("difference, mean", "difference_mean")
    put("difference, P5", "difference_percentiles", percentile=5)
    put("difference, P50", "difference_percentiles", percentile=50)
    for statistic, label, change in (("mean", "the mean", "x"), ("P50", "P50", "x"), ("P95", "P95", "x"), ("P95", "P95", "w")):
        put(f"bridge of {label}, {change}", "bridge", statistic=statistic, change=change)
    return found


def _of_decision(settings: Mapping[str, Any]) -> Estimates:
    told = simulate.decide(loaded(CHOICES), quantities=["cost"], percentiles=(50.0,), **settings)
    return {
        ("decide", label): (float(told[name].sel(at)), float(told[f"{name}_se"].sel(at)))
        for label, name, at in (
            ("probability of being the best", "probability_best", {"choice": "one"}),
            ("EVPI", "evpi", {}),
            ("regret of the other", "expected_regret", {"choice": "two"}),
            ("EVPPI of p", "evppi", {"prior": "p"}),
        )
    }


def _of_methods(settings: Mapping[str, Any]) -> Estimates:
    priors, normal = loaded(PRIORS), stats.norm
    bands = {
        name: (0.0, 0.0, 0.0) for name in ("a", "b", "c", "d", "size", "long")
    } | {"x": tuple(normal(10, 2).ppf([0.1, 0.5, 0.9])), "w": tuple(normal.ppf([0.1, 0.5, 0.9]))}

    def measured(method: str, quantity: str, scenarios: int, followed: Any = MEAN) -> Mapping[str, Any]:
        asked = Settings(**{key: settings[key] for key in ("seed", "scheme")}, scenarios=scenarios)
        drawing = Drawing({"": priors}, asked)
        asking = Asking(quantity, priors, drawing, NO_QUESTIONS, bands, followed, Workers(1))
        return METHODS[method].measure(asking).effects

    mean, median = (measured("conditional", "twice", SCENARIOS, each)["x"] for each in (MEAN, single_percentile(50.0)))
    product, weighed = (measured("sobol", name, SCENARIOS) for name in ("product", "weighed"))
    found = {
        "conditional mean, low": mean["low"],
        "conditional mean, swing": mean["swing"],
        "conditional P50, low": median["low"],
        "rank, Spearman": measured("rank", "twice", OF_METHODS)["x"]["spearman"],
        "Shapley effect": measured("shapley", "twice", OF_METHODS)["x"]["effect"],
        "Sobol' first order": product["a"]["first"],
        "Sobol' total": product["a"]["total"],
    }
    return {("tornado", label): figure for label, figure in found.items()} | {
        ("tornado, choice times lognormal", "Sobol' first order"): weighed["size"]["first"],
        ("tornado, choice times lognormal", "Sobol' total"): weighed["size"]["total"],
    }


class Cell(NamedTuple):
    """How often the intervals of a statistic held the truth under a scheme, and how often a run warned of it."""

    scheme: str
    key: Key
    held: int
    marked: int
    replications: int

    @property
    def exact(self) -> bool:
        """Whether the estimate takes few values or is exact, so that it may hold the truth more often."""
        name, label = self.key
        stratified = self.scheme != "random" and name.startswith("one_") and label.startswith("P")
        return stratified or name in {"constant", "atom", "one_die", "P"} or (name == "dice" and label.startswith("P"))

    @property
    def is_marked(self) -> bool:
        """Whether a run warns of it more often than not."""
        return 2 * self.marked > self.replications

    def outside(self, cells: int) -> bool:
        """Whether the coverage is not within what it should be, beyond what chance does to one of so many cells."""
        alarm = FALSE_ALARM / cells / 2
        low = stats.binom.cdf(self.held, self.replications, LOW) < alarm
        return bool(low or (not self.exact and stats.binom.sf(self.held - 1, self.replications, HIGH) < alarm))


def within(scheme: str, seed: int) -> bool:
    """Whether a run to 2 % of P95 of the product is within 2 % of it."""
    run = simulate.run(
        loaded(PRIORS),
        scenarios=2**10,
        seed=seed,
        scheme=scheme,
        threads=1,
        percentiles=[95],
        quantities=["product"],
        precision="95:2%",
    )
    return abs(float(run["percentiles"].item()) / truths()["product", "P95"] - 1) <= 0.02


def holds(found: Estimates, key: Key) -> bool:
    """Whether an interval holds the truth, a rounding error aside."""
    value, error = found[key]
    truth = truths()[key]
    return abs(value - truth) <= t_quantile() * error + 1e-9 * abs(truth)


def measure(replications: int, schemes: tuple[str, ...] = SCHEMES) -> list[Cell]:
    """The cells of all statistics under each scheme."""
    cells = []
    with ProcessPoolExecutor() as pool:
        for scheme in schemes:
            held, marked = Counter[Key](), Counter[Key]()
            for found in pool.map(partial(estimates, scheme), range(1, replications + 1), chunksize=10):
                held.update(key for key in truths() if holds(found.estimates, key))
                marked.update(found.marked)
            cells += [Cell(scheme, key, held[key], marked[key], replications) for key in truths()]
    return cells


def main() -> None:
    """Measure and print; with --check, exit with 1 where a cell that is not marked lies outside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--format", choices=["table", "json", "markdown"], default="table")
    options = parser.parse_args()
    cells = measure(options.replications)
    wrong = [cell for cell in cells if cell.outside(len(cells))]
    if options.format == "json":
        print(json.dumps([[*each.key, each.scheme, each.held / each.replications, each.is_marked] for each in cells]))
    else:
        _print(cells, markdown=options.format == "markdown")
    if options.check:
        for title, marked in (("Outside", False), ("Outside, and marked by a warning", True)):
            listed = [f"{', '.join(each.key)} under {each.scheme}: {_share(each)}" for each in wrong if each.is_marked == marked]
            print(f"\n{title}: {'; '.join(listed) or 'none'}.")
        sys.exit(any(not each.is_marked for each in wrong))


def _share(cell: Cell) -> str:
    return f"{100 * cell.held / cell.replications:.1f} %{' marked' if cell.is_marked else ''}"


def _print(cells: list[Cell], *, markdown: bool) -> None:
    rows = [("quantity", "statistic", *SCHEMES)]
    if markdown:
        rows.append(("---",) * 4)
    for key in truths():
        rows.append((*key, *(_share(next(c for c in cells if (c.scheme, c.key) == (scheme, key))) for scheme in SCHEMES)))
    for row in rows:
        print(f"| {' | '.join(row)} |" if markdown else f"{row[0]:34s} {row[1]:34s} {row[2]:>16s} {row[3]:>16s}")


if __name__ == "__main__":
    main()
