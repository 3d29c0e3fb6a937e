"""How long it takes until the P95 of capex of priors/base.toml is known to 0.1 %, by scheme and by hand.

    python -m benchmarks accuracy [--seeds 16] [--least 14] [--most 22] [--reference 25]

Runs of 2^14 to 2^22 scenarios, with as many seeds as stated (a quarter of them from 2^21), by each scheme and by
hand-written numpy, in turn. The error is the root mean square distance of P95 from that of a long run by Sobol' nets.
How many scenarios an error of 0.1 % takes follows from a line through the logarithms; how long that takes, from the
times measured.

Writes benchmarks/accuracy.md and .docs/accuracy.png.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import simulate
from benchmarks import handwritten
from benchmarks.measuring import ROOT, host, median, table, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOUGHT = 1e-3
MANY = 2**21  # scenarios from which fewer seeds suffice
BY_HAND = "hand-written numpy"

Estimate = tuple[float, float]  # P95, and its standard error as it is told


@dataclass
class Way:
    """A way to P95, and what it told: by scenarios the distances from the truth, the errors told, the seconds."""

    name: str
    estimate: Callable[[int, int], Estimate]
    off: dict[int, list[float]] = field(default_factory=dict)
    told: dict[int, list[float]] = field(default_factory=dict)
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def measure(self, scenarios: int, seed: int, truth: float) -> None:
        """One estimate."""
        start = time.perf_counter()
        value, error = self.estimate(scenarios, seed)
        self.seconds.setdefault(scenarios, []).append(time.perf_counter() - start)
        self.off.setdefault(scenarios, []).append(value / truth - 1)
        self.told.setdefault(scenarios, []).append(error / value)

    def errors(self) -> dict[int, float]:
        """The root mean square error by scenarios."""
        return {scenarios: float(np.sqrt(np.mean(np.square(each)))) for scenarios, each in self.off.items()}

    def times(self) -> dict[int, float]:
        """Median seconds by scenarios."""
        return {scenarios: median(each) for scenarios, each in self.seconds.items()}

    def needed(self) -> tuple[float, float]:
        """How many scenarios, and seconds, the error sought takes."""
        sizes = np.log([*self.off])
        weights = np.sqrt([len(each) for each in self.off.values()])  # of n distances, the error is known to 1 / (2 n)
        slope, level = np.polyfit(sizes, np.log([*self.errors().values()]), 1, w=weights)
        size = (np.log(SOUGHT) - level) / slope
        most, times = sizes[-1], np.log([*self.times().values()])
        beyond = max(size - most, 0.0)  # where the time grows as the scenarios do
        return float(np.exp(size)), float(np.exp(np.interp(size, sizes, times) + beyond))


def ways() -> list[Way]:
    """The schemes and hand-written numpy."""
    base = simulate.load_priors(ROOT / "priors" / "base.toml")

    def by_scheme(scheme: str) -> Callable[[int, int], Estimate]:
        def estimate(scenarios: int, seed: int) -> Estimate:
            asked: dict[str, Any] = {"percentiles": [95], "quantities": ["capex"]}
            bands = simulate.run(base, scenarios=scenarios, seed=seed, scheme=scheme, **asked)
            return float(bands["percentiles"].squeeze()), float(bands["percentiles_se"].squeeze())

        return estimate

    def by_hand(scenarios: int, seed: int) -> Estimate:
        return float(handwritten.simulate(scenarios, seed)["capex"][-1]), float("nan")

    schemes = {"sobol": "Sobol'", "latin_hypercube": "Latin hypercube", "random": "random"}
    return [*(Way(name, by_scheme(scheme)) for scheme, name in schemes.items()), Way(BY_HAND, by_hand)]


def drawn(found: list[Way]) -> Figure:
    """The error against the time."""
    from simulate.plotting import INK, MUTED, PALETTE, new_figure

    figure = new_figure(8.0, 5.0, "Error of the P95 of capex against time")
    axis = figure.subplots()
    for way, colour in zip(found, (*PALETTE[:3], MUTED), strict=True):
        style = "o--" if way.name == BY_HAND else "o-"
        axis.plot(
            [*way.times().values()], [100 * each for each in way.errors().values()], style, color=colour, label=way.name
        )
    axis.axhline(100 * SOUGHT, color=INK, linewidth=1)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("seconds", color=MUTED)
    axis.set_ylabel("root mean square error, %", color=MUTED)
    axis.grid(color="#E6E6E6", which="both", linewidth=0.5)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--least", type=int, default=14)
    parser.add_argument("--most", type=int, default=22)
    parser.add_argument("--reference", type=int, default=25)
    options = parser.parse_args()
    found = ways()
    truth, uncertain = found[0].estimate(2**options.reference, 10_000)
    for scenarios in (2**power for power in range(options.least, options.most + 1, 2)):
        for seed in range(options.seeds if scenarios < MANY else max(options.seeds // 4, 1)):
            for way in found:
                way.measure(scenarios, seed, truth)
    rows = []
    for way in found:
        size, seconds = way.needed()
        last = max(scenarios for scenarios in way.off if scenarios < MANY)
        told = np.mean(way.told[last]) / way.errors()[last]
        cells = (f"{100 * way.errors()[last]:.3f} %", "" if np.isnan(told) else f"{told:.2f}")
        rows.append((way.name, *cells, f"{size:.2g}", f"{seconds:.2g}"))
    heads = ("", f"error at 2^{last.bit_length() - 1}", "told over true", f"scenarios to {SOUGHT:.1%}", "seconds to it")
    known, own = 100 / np.sqrt(2 * options.seeds), 100 * uncertain / truth
    text = f"""`python -m benchmarks accuracy`: the P95 of capex of base.toml, in process, {options.seeds} seeds
each. The error is the root mean square distance from a run of 2^{options.reference} scenarios by Sobol' nets, whose own
standard error is {own:.3f} %; of {options.seeds} distances it is known to {known:.0f} %. What is told is the standard
error of each run.

{host()}.

{table(heads, rows)}"""
    write("accuracy", "How soon a percentile is known", text, drawn(found))
