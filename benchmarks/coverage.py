"""How often the 95 % intervals hold the truth, for every statistic that has a standard error.

    python -m benchmarks coverage [--replications 2000] [--check] [--format table|json|markdown]

Problems with known answers: one input of several kinds, atoms, sums, products, correlated, negative and constant
quantities, conditions, two cases, a decision, the methods of tornado. Intervals are the estimate and Student's t with
15 degrees of freedom times the standard error of 16 replicates of 2^10 scenarios. Shapley effects take 2^8; ranks take
the 2^12 of their method, for they have a bias of the order of 1 / n in a replicate of n.

`--check` lists the cells that are not between 93 and 97 %, or, where the estimate is discrete or exact, not above 93 %,
with a false alarm of 1 % in all; those of which a run warns are listed apart.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import Any, NamedTuple

from scipy import stats

import simulate
from benchmarks.coverage_problems import (
    ALTERNATIVE,
    CHOICES,
    PERCENTS,
    PRIORS,
    PROBABILITIES,
    TAIL,
    Key,
    distributions,
    truths,
)
from simulate.conditions import NO_QUESTIONS
from simulate.replicates import Workers
from simulate.scenarios import Drawing
from simulate.sensitivity.ends import End
from simulate.sensitivity.method import Asking
from simulate.sensitivity.methods import METHODS
from simulate.settings import Settings
from simulate.spread import t_quantile
from simulate.statistics import MEAN, single_percentile

SCHEMES = ("random", "sobol")
LOW, HIGH, FALSE_ALARM = 0.93, 0.97, 0.01
SCENARIOS = 2**14
OF_METHODS = 2**12


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
    settings = {"scenarios": SCENARIOS, "seed": seed, "scheme": scheme, "workers": 1}
    found, marked = _of_run(settings)
    found |= _of_condition(settings) | _of_comparison(settings) | _of_decision(settings) | _of_methods(settings)
    return Found(found, marked)


LABELS = {
    "mean": "mean",
    "standard deviation": "sd",
    "mean beyond P95": "mean beyond P95",
    "shortest 95 %": "shortest 95",
}


def warned(rare: Mapping[str, list[str]]) -> Iterator[Key]:
    """The cells of which a run says that they rest on rare scenarios."""
    for name, labels in rare.items():
        for label in labels:
            yield name, LABELS[label]


def _of_run(settings: Mapping[str, Any]) -> tuple[Estimates, frozenset[Key]]:
    names = [*distributions(), "difference", "weighed"]
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
    marked = set(warned(json.loads(run.attrs["provenance"])["rare"]))
    if ("weighed", "sd") in marked:  # of which tornado warns too, and measures shares of the variance
        marked |= {key for key in truths() if key[0] == "tornado, choice times lognormal"}
    if ("product", "sd") in marked:
        marked |= {("tornado", "Sobol' first order"), ("tornado", "Sobol' total")}
    marked |= {
        (name, f"{label}, {end}") for name, label in marked if label == "shortest 95" for end in ("lower", "upper")
    }
    return found, frozenset(marked)


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
        [loaded(PRIORS), loaded(ALTERNATIVE)],
        quantities=["sum"],
        bridge=["mean", 50, 95],
        percentiles=(5.0, 50.0),
        **settings,
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
    for statistic, change in (("mean", "x"), ("P50", "x"), ("P95", "x"), ("P95", "w")):
        put(f"bridge of {statistic}, {change}", "bridge", statistic=statistic, change=change)
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
    priors = loaded(PRIORS)
    bands = dict.fromkeys(("a", "b", "c", "d", "size", "long"), (0.0, 0.0, 0.0)) | {
        "x": tuple(stats.norm(10, 2).ppf([0.1, 0.5, 0.9])),
        "w": tuple(stats.norm.ppf([0.1, 0.5, 0.9])),
    }

    ends = {name: (End(low, 10), End(high, 90)) for name, (low, _, high) in bands.items()}

    def measured(method: str, quantity: str, scenarios: int, followed: Any = MEAN) -> Mapping[str, Any]:
        asked = Settings(**{key: settings[key] for key in ("seed", "scheme")}, scenarios=scenarios)
        drawing = Drawing({"": priors}, asked)
        asking = Asking(quantity, priors, drawing, NO_QUESTIONS, bands, {}, ends, followed, Workers("serial"), 0)
        return METHODS[method].measure(asking).effects

    mean, median = (measured("conditional", "twice", SCENARIOS, each)["x"] for each in (MEAN, single_percentile(50.0)))
    product, weighed = (measured("sobol", name, SCENARIOS) for name in ("product", "weighed"))
    found = {
        "conditional mean, low": mean["low"],
        "conditional mean, swing": mean["swing"],
        "conditional P50, low": median["low"],
        "rank, Spearman": measured("rank", "twice", METHODS["rank"].scenarios)["x"]["spearman"],
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
        """Whether the estimate takes few values or is exact, so that it may hold the truth more often.

        Or its error is a bound, as that of shortest intervals. In a net of one dimension percentiles and probabilities
        take few values, and a uniform's moments are exact beyond what its gaps leave open.
        """
        name, label = self.key
        of_net = name == "one_uniform" or (name.startswith("one_") and label.startswith("P")) or label == "share kept"
        discrete = name in {"constant", "atom", "one_die", "dice", "P"}
        return (self.scheme != "random" and of_net) or discrete or label.startswith("shortest")

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
        workers=1,
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
            listed = [
                f"{', '.join(each.key)} under {each.scheme}: {_share(each)}"
                for each in wrong
                if each.is_marked == marked
            ]
            print(f"\n{title}: {'; '.join(listed) or 'none'}.")
        sys.exit(any(not each.is_marked for each in wrong))


def _share(cell: Cell) -> str:
    return f"{100 * cell.held / cell.replications:.1f} %{' marked' if cell.is_marked else ''}"


def _print(cells: list[Cell], *, markdown: bool) -> None:
    rows = [("quantity", "statistic", *SCHEMES)]
    if markdown:
        rows.append(("---",) * 4)
    shares = {(cell.scheme, cell.key): _share(cell) for cell in cells}
    rows += [(*key, *(shares[scheme, key] for scheme in SCHEMES)) for key in truths()]
    for row in rows:
        print(f"| {' | '.join(row)} |" if markdown else f"{row[0]:34s} {row[1]:34s} {row[2]:>16s} {row[3]:>16s}")
