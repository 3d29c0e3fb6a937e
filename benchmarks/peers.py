"""One workload by this package, hand-written numpy and other packages: time, memory, and whether they agree.

    python -m benchmarks peers [--scenarios 1048576] [--rounds 5] [--peers numpy,openturns]

The workload is own_formulas.toml; peer_workloads.py holds what each peer's user would write. Each peer is a process of
its own, which has imported its package before it is timed; in every round, after one of warming up, all take their turn
with the seed of the round. What is slow is given a share of the scenarios, which its row tells. A package that is not
installed (`pip install 'llm-cost-simulate[bench]'`) has a row that says so.

Writes benchmarks/peers.md and .docs/peers.png.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from benchmarks.handwritten_formulas import PERCENTS, compute, draw
from benchmarks.measuring import Server, host, median, table, write
from benchmarks.peer_workloads import PEERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FALSE_ALARM = 0.01  # of all percentiles of all peers in all rounds together
REFERENCE, PART = 2**22, 2**17  # scenarios by hand that the percentiles are held to, and those held at once
FASTEST = {"numpy": 5, "openturns": 25, "chaospy": 50}  # how many times faster we want to be


@dataclass
class Measured:
    """A peer's process and what it told, by round."""

    name: str
    scenarios: int
    told: list[Mapping[str, Any]] = field(default_factory=list)
    missing: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.server = Server([sys.executable, "-m", "benchmarks.peer_workloads", self.name])
        answer = self.server.answer()
        self.version, self.missing = answer.get("version", ""), answer.get("missing", "")

    def work(self, seed: int, *, kept: bool) -> None:
        """One run, in its process, of which the figures may be kept."""
        answer = self.server.ask(self.scenarios, seed)
        self.missing = answer.get("missing", "")
        if kept and not self.missing:
            self.told.append(answer)

    def of_million(self, what: str) -> list[float]:
        """Seconds by round that a million scenarios take, or would take at the same rate."""
        return [each[what] / self.scenarios * 1e6 for each in self.told]


def farthest(measured: list[Measured], reference: int = REFERENCE) -> tuple[dict[str, float], float]:
    """How far the percentiles of each peer lie from their probabilities, and how far they may, in standard errors.

    The probability is the share of so many other scenarios by hand that lie below.
    """
    cells = [
        (each, name, place, value)
        for each in measured
        for told in each.told
        for name, values in told["percentiles"].items()
        for place, value in enumerate(values)
    ]
    below = np.zeros(len(cells))
    for part in range(reference // PART if cells else 0):
        columns = {name: np.sort(column) for name, column in compute(**draw(PART, 10_000 + part)).items()}
        below += [np.searchsorted(columns[name], value) for _, name, _, value in cells]
    bound = -float(ndtri(FALSE_ALARM / 2 / max(len(cells), 1)))
    found = dict.fromkeys((each.name for each in measured), 0.0)
    for (each, _, place, _), count in zip(cells, below, strict=True):
        share = PERCENTS[place] / 100
        error = math.sqrt(share * (1 - share) * (1 / each.scenarios + 1 / reference))
        found[each.name] = max(found[each.name], abs(count / reference - share) / error)
    return found, bound


def drawn(measured: list[Measured]) -> Figure:
    """Dots at the time that a million scenarios take, on a logarithmic axis, with the processor time."""
    from simulate.plotting import INK, MUTED, PALETTE, footnote, new_figure

    figure = new_figure(8.0, 1.3 + 0.42 * len(measured), "A million scenarios, 22 priors, 12 quantities")
    axis = figure.subplots()
    ours = median(measured[0].of_million("seconds"))
    for row, each in enumerate(measured):
        wall, processor = median(each.of_million("seconds")), median(each.of_million("processor"))
        axis.plot(
            [wall], [row], "o", color=PALETTE[0] if PEERS[each.name].package == "simulate" else MUTED, markersize=11
        )
        axis.plot([processor], [row], "|", color=INK, markersize=15, markeredgewidth=2)
        axis.text(max(wall, processor) * 1.25, row, f"{wall:.3g} s, {wall / ours:.3g} times", va="center", color=INK)
    axis.set_xscale("log")
    axis.set_yticks(range(len(measured)), [PEERS[each.name].label for each in measured])
    axis.set_ylim(len(measured) - 0.5, -0.5)
    axis.grid(axis="y", color="#E6E6E6")
    axis.set_axisbelow(True)
    low, high = axis.get_xlim()
    axis.set_xlim(low / 1.5, high * 8)  # room for the texts
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_xlabel("seconds", color=MUTED)
    footnote(figure, "dot: time in process     line: processor time     times: over that of simulate")
    return figure


def _as_sure(measured: list[Measured]) -> str:
    """How many independent scenarios it takes to know percentiles as well as ours, where a peer tells their errors."""
    told = {each.name: each.told for each in measured}
    ratios = [
        their / our
        for theirs, ours in zip(told.get("analysis", ()), told.get("simulate", ()), strict=False)
        for name, errors in theirs["errors"].items()
        for their, our in zip(errors, ours["errors"][name], strict=True)
    ]
    if not ratios:
        return ""
    ratio = median(ratios)
    return f""" The standard error of a percentile is
{ratio:.2g} times (median) that of `simulate` where scenarios are independent, as all peers draw them: to be as sure
they would take {ratio**2:.2g} times as many."""


def report(measured: list[Measured], rounds: int) -> str:
    """The text of benchmarks/peers.md, a row a peer."""
    off, bound = farthest([each for each in measured if not each.missing])
    ours = measured[0].of_million("seconds")
    rows = []
    for each in measured:
        label = f"{PEERS[each.name].label} {each.version}"
        if each.missing:
            rows.append((label, f"not measured: {each.missing}", *[""] * 5))
            continue
        walls, processors = each.of_million("seconds"), each.of_million("processor")
        ratio = median([their / our for their, our in zip(walls, ours, strict=False)])
        wanted = f" (wanted: {FASTEST[each.name]})" if each.name in FASTEST else ""
        peak = max(told["peak"] for told in each.told)
        figures = f"{each.scenarios:,}", f"{median(walls):.3g}", f"{median(processors):.3g}", f"{peak:.0f}"
        verdict = " (too far)" if off[each.name] > bound else ""
        rows.append((label, *figures, f"{ratio:.3g}{wanted}", f"{off[each.name]:.1f}{verdict}"))
    heads = ("", "scenarios", "seconds a million", "processor seconds", "peak MiB", "times simulate's", "farthest off")
    return f"""`python -m benchmarks peers`: [own_formulas.toml](own_formulas.toml), 22 priors of 14 families and 12
quantities, each with five percentiles, in process, imports left out. Medians of {rounds} rounds in which all take
turns; seconds are those of a million scenarios, at the same rate where a peer was given fewer. The peak is that of its
process, imports and all. `simulate` tells standard errors, moments and what moves each quantity as well; so does the
second of the hand-written ones. The others tell percentiles alone.{_as_sure(measured)}

Farthest off is the percentile whose probability, by {REFERENCE:,} other scenarios by hand, differs most from its own,
in standard errors of plain Monte Carlo; above {bound:.2f} a peer does not agree ({FALSE_ALARM:.0%} of false alarms in
all).

{host()}.

{table(heads, rows)}"""


def main() -> None:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=int, default=2**20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default=",".join(PEERS))
    options = parser.parse_args()
    names = dict.fromkeys(["simulate", *options.peers.split(",")])
    measured = [Measured(name, math.ceil(options.scenarios * PEERS[name].share)) for name in names]
    for seed in range(options.rounds + 1):
        for each in measured:
            if not each.missing:
                each.work(seed, kept=seed > 0)
    for each in measured:
        each.server.close()
    text = report(measured, options.rounds)
    write("peers", "Beside other packages", text, drawn([each for each in measured if not each.missing]))
