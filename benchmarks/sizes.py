"""How the time of a run grows with the scenarios, the priors and the quantities, beside hand-written numpy.

    python -m benchmarks sizes [--scenarios 1048576] [--most 1e8] [--rounds 2]

Scenarios are those of priors/base.toml and own_formulas.toml; hand-written numpy holds them all, and stops at 1e7. The
files with 5 to 200 priors and 12 quantities, and with 22 priors and 1 to 200 quantities, have lognormal priors and
products of a few of them, at a million scenarios. Both take turns, after one round of warming up with few scenarios.

Writes benchmarks/sizes.md and .docs/sizes.png.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import simulate
from benchmarks import handwritten, handwritten_formulas
from benchmarks.handwritten_formulas import PERCENTS
from benchmarks.measuring import ROOT, host, median, table, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIORS, QUANTITIES = (5, 10, 20, 50, 100, 200), (1, 5, 12, 25, 50, 100, 200)
USUAL_PRIORS, USUAL_QUANTITIES = 22, 12
MOST_BY_HAND = 10**7
FEW = 2**14
WARM = "warming up"
BASE, OWN = "scenarios of base.toml", "scenarios of own_formulas.toml"
OF_PRIORS, OF_QUANTITIES = "priors, with 12 quantities", "quantities, of 22 priors"


class Work(NamedTuple):
    """A question of a size: both ways to answer it, of a number of scenarios and a seed."""

    what: str
    size: int
    scenarios: int
    ours: Callable[[int, int], Any]
    by_hand: Callable[[int, int], Any]


def parts(priors: int, quantities: int) -> list[list[int]]:
    """The priors that each quantity multiplies: all of them, three or more each."""
    found = [[(each + 7 * step) % priors for step in range(3)] for each in range(quantities)]
    for prior in range(priors):
        if prior not in found[prior % quantities]:
            found[prior % quantities].append(prior)
    return found


def product(what: str, size: int, scenarios: int, priors: int, quantities: int) -> Work:
    """Lognormal priors, of which each quantity is a product."""
    wiring = parts(priors, quantities)
    loaded = simulate.load_priors(
        {
            "title": what,
            "model": "none",
            "run": {"quantities": [f"q{each}" for each in range(quantities)]},
            "priors": {f"p{each}": {"dist": "lognormal", "p5": 1, "p95": 2 + each % 3} for each in range(priors)},
            "quantities": {
                f"q{at}": {"formula": " * ".join(f"p{each}" for each in row)} for at, row in enumerate(wiring)
            },
        }
    )

    def by_hand(scenarios: int, seed: int) -> list[Any]:
        rng = np.random.default_rng(seed)
        columns = [rng.lognormal(0.5, 0.2 + 0.1 * (each % 3), scenarios) for each in range(priors)]
        products = (np.multiply.reduce([columns[each] for each in row]) for row in wiring)
        return [np.percentile(column, PERCENTS) for column in products]

    return Work(
        what, size, scenarios, lambda scenarios, seed: simulate.run(loaded, scenarios=scenarios, seed=seed), by_hand
    )


def works(scenarios: int, most: int) -> Iterator[Work]:
    """All that is measured."""
    for what, path, by_hand in (
        (BASE, ROOT / "priors" / "base.toml", handwritten.simulate),
        (OWN, ROOT / "benchmarks" / "own_formulas.toml", handwritten_formulas.simulate),
    ):
        loaded = simulate.load_priors(path)

        def ours(scenarios: int, seed: int, loaded: Any = loaded) -> Any:
            return simulate.run(loaded, scenarios=scenarios, seed=seed)

        for power in range(3, 9):
            if 10**power <= (most if what == BASE else most / 10):
                yield Work(what, 10**power, 10**power, ours, by_hand)
    for size in PRIORS:
        yield product(OF_PRIORS, size, scenarios, size, USUAL_QUANTITIES)
    for size in QUANTITIES:
        yield product(OF_QUANTITIES, size, scenarios, USUAL_PRIORS, size)


def seconds(work: Callable[[int, int], Any], scenarios: int, seed: int) -> float:
    """Wall time of one answer."""
    start = time.perf_counter()
    work(scenarios, seed)
    return time.perf_counter() - start


class Timed(NamedTuple):
    """Median seconds of a work, ours and by hand; nan where that would not fit into memory."""

    work: Work
    ours: float
    by_hand: float


def timed(work: Work, rounds: int) -> Timed:
    """Both ways in turn; what takes long, once."""
    work.ours(min(FEW, work.scenarios), 0)
    ours, by_hand = list[float](), list[float]()
    for seed in range(rounds if work.scenarios <= MOST_BY_HAND else 1):
        ours.append(seconds(work.ours, work.scenarios, seed))
        if work.scenarios <= MOST_BY_HAND:
            by_hand.append(seconds(work.by_hand, work.scenarios, seed))
    return Timed(work, median(ours), median(by_hand))


def drawn(found: list[Timed]) -> Figure:
    """A panel for what grows."""
    from simulate.plotting import MUTED, PALETTE, new_figure

    figure = new_figure(10.0, 7.0, "Seconds of a run")
    for axis, what in zip(figure.subplots(2, 2).flat, (BASE, OWN, OF_PRIORS, OF_QUANTITIES), strict=True):
        row = [each for each in found if each.work.what == what]
        sizes = [each.work.size for each in row]
        axis.plot(sizes, [each.ours for each in row], "o-", color=PALETTE[0], label="simulate")
        axis.plot(sizes, [each.by_hand for each in row], "o--", color=MUTED, label="hand-written numpy")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(what, fontsize=10, loc="left")
        axis.grid(color="#E6E6E6")
        axis.spines[["top", "right"]].set_visible(False)
        if what in {OF_PRIORS, OF_QUANTITIES}:
            axis.set_xticks(sizes, [f"{each}" for each in sizes])
            axis.minorticks_off()
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=int, default=2**20)
    parser.add_argument("--most", type=float, default=1e8)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    found = [timed(work, options.rounds) for work in works(options.scenarios, int(options.most))]
    rows = [
        (
            each.work.what,
            f"{each.work.size:,}",
            f"{each.ours:.3g}",
            *(("", "") if np.isnan(each.by_hand) else (f"{each.by_hand:.3g}", f"{each.by_hand / each.ours:.2f}")),
        )
        for each in found
    ]
    text = f"""`python -m benchmarks sizes`: wall time in process, by the package's defaults; of hand-written numpy the
plain percentiles without standard errors. Files with other numbers of priors and quantities have {options.scenarios:,}
scenarios, lognormal priors, and products of them. Medians of {options.rounds} rounds.

{host()}.

{table(("", "how many", "seconds", "by hand", "times"), rows)}"""
    write("sizes", "How the time grows", text, drawn(found))
