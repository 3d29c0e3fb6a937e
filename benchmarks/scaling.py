"""Scenarios a second by backend and number of workers, beside as many copies of hand-written numpy.

    python -m benchmarks scaling [--scenarios 1e8] [--workers 16] [--backends threads,forks,processes] [--rounds 1]

Each run is made in a process of its own, which has made a small one before; workers are 1, 2, 4 and so on up to all
processors, in turn. own_formulas.toml takes a quarter of the scenarios. The copies are independent processes that begin
together; each loops over hand-written numpy on the same priors, 2^20 scenarios at a time, for so many `--seconds`.

Writes benchmarks/scaling.md and .docs/scaling.png.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import handwritten, handwritten_formulas
from benchmarks.measuring import ROOT, host, median, table, write
from simulate.machine import processors

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class File(NamedTuple):
    """A priors file, the same by hand, and its share of the scenarios."""

    path: Path
    by_hand: Callable[[int, int], Any]
    share: float = 1.0


FILES = {
    "base.toml": File(ROOT / "priors" / "base.toml", handwritten.simulate),
    "own_formulas.toml": File(ROOT / "benchmarks" / "own_formulas.toml", handwritten_formulas.simulate, 0.25),
}
BLOCK = 2**20
COPIES = "copies by hand"
ONE = "serial"  # the backend of one worker
NEAR, OF_TWO = 0.9, 1.85  # wanted: of what the copies reach, and with two workers
RUN = """
import json, sys, time
import simulate

if __name__ == "__main__":
    path, scenarios, backend, workers = json.loads(sys.argv[1])
    priors = simulate.load_priors(path)
    simulate.run(priors, scenarios=2**16, backend="serial")
    start = time.perf_counter()
    simulate.run(priors, scenarios=scenarios, backend=backend, workers=workers)
    print(time.perf_counter() - start)
"""
Rates = Mapping[str, Mapping[int, Sequence[float]]]  # scenarios a second, by backend and workers


def of_run(path: Path, scenarios: int, backend: str, workers: int) -> float:
    """Scenarios a second of a run."""
    asked = json.dumps([str(path), scenarios, backend, workers])
    command = [sys.executable, "-c", RUN, asked]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return scenarios / float(done.stdout.split()[-1])


def _copy(by_hand: Callable[[int, int], Any], seed: int, seconds: float, together: Any, told: Any) -> None:
    by_hand(2**16, seed)
    together.wait()
    start, blocks = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        by_hand(BLOCK, seed + 1000 * blocks)
        blocks += 1
    told.put(blocks * BLOCK / (time.perf_counter() - start))


def of_copies(by_hand: Callable[[int, int], Any], copies: int, seconds: float) -> float:
    """Scenarios a second of so many copies together."""
    context = multiprocessing.get_context("spawn")
    together, told = context.Barrier(copies), context.Queue()
    started = [context.Process(target=_copy, args=(by_hand, each, seconds, together, told)) for each in range(copies)]
    for each in started:
        each.start()
    rate = sum(told.get() for _ in started)
    for each in started:
        each.join()
    return rate


def measured(
    file: File, scenarios: int, backends: Sequence[str], workers: Sequence[int], rounds: int, seconds: float
) -> Rates:
    """What each backend reaches with each number of workers, and the copies."""
    rates: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for count in workers:
            rates[COPIES][count].append(of_copies(file.by_hand, count, seconds))
            for backend in backends if count > 1 else [ONE]:
                rates[backend][count].append(of_run(file.path, round(scenarios * file.share), backend, count))
    for backend in backends:
        rates[backend][1] = rates[ONE][1]
    return {name: rates[name] for name in (COPIES, *backends)}


def scaling(rates: Mapping[int, Sequence[float]]) -> dict[int, float]:
    """How many times the rate of one worker each number reaches, by medians."""
    one = median(rates[1])
    return {workers: median(each) / one for workers, each in sorted(rates.items())}


def drawn(found: Mapping[str, Rates]) -> Figure:
    """A panel for each file: how the rate grows with the workers."""
    from simulate.plotting import INK, MUTED, PALETTE, new_figure

    figure = new_figure(10.0, 4.6, "How many times the rate of one worker")
    for axis, (name, rates) in zip(figure.subplots(1, len(found), sharey=True), found.items(), strict=True):
        copies = scaling(rates[COPIES])
        workers = list(copies)
        axis.plot(workers, workers, ":", color=MUTED, label="as many times as workers")
        axis.plot(workers, list(copies.values()), "o--", color=MUTED, label=COPIES)
        near = [NEAR * each for each in copies.values()]
        axis.fill_between(workers, near, list(copies.values()), color="#E6E6E6", label=f"within {1 - NEAR:.0%} of them")
        for colour, (backend, of_backend) in zip(PALETTE, list(rates.items())[1:], strict=False):
            grown = scaling(of_backend)
            axis.plot(list(grown), list(grown.values()), "o-", color=colour, label=backend, zorder=3)
        axis.plot([2], [OF_TWO], "_", color=INK, markersize=22, markeredgewidth=2, label=f"{OF_TWO} with 2 workers")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        axis.set_xticks(workers, [f"{each}" for each in workers])
        axis.set_yticks(workers, [f"{each}" for each in workers])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        one = median(rates[COPIES][1]), median(list(rates.values())[1][1])
        axis.set_title(
            f"{name}\none copy {one[0] / 1e6:.2f}, one worker {one[1] / 1e6:.2f} million a second", fontsize=10
        )
        axis.set_xlabel("workers", color=MUTED)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _verdict(own: Mapping[int, float], copies: Mapping[int, float], workers: int) -> str:
    if workers == 1:
        return ""
    wanted = max(NEAR * copies[workers], OF_TWO if workers == 2 else 0)
    slower = own[workers] < max(each for count, each in own.items() if count < workers)
    return ("reached" if own[workers] >= wanted else f"below {wanted:.2f}") + ", slower than fewer" * slower


def report(found: Mapping[str, Rates], scenarios: float, rounds: int) -> str:
    """The text of benchmarks/scaling.md, a row for each file, backend and number of workers."""
    rows = []
    for name, rates in found.items():
        copies = scaling(rates[COPIES])
        for (backend, of_backend), workers in itertools.product(rates.items(), copies):
            own = scaling(of_backend)
            rate = f"{median(of_backend[workers]) / 1e6:.2f}"
            told = "" if backend == COPIES else _verdict(own, copies, workers)
            rows.append((f"{name}, {backend}", str(workers), rate, f"{own[workers]:.2f}", told))
    heads = ("", "workers", "million scenarios a second", "times one worker", "wanted")
    sizes = " and ".join(f"{scenarios * each.share:.3g} scenarios of {name}" for name, each in FILES.items())
    return f"""`python -m benchmarks scaling`: runs of {sizes},
each in a process of its own; starting workers counts. The copies are as many independent processes, each a
loop of hand-written numpy over the same priors. Wanted are {NEAR:.0%} of what the copies gain, {OF_TWO} times with two
workers, and never less than with fewer. Medians of {rounds} rounds.

{host()}.

{table(heads, rows)}"""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=float, default=1e8)
    parser.add_argument("--workers", type=int, default=processors())
    parser.add_argument("--backends", default="threads,forks,processes")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    workers = [*itertools.takewhile(lambda count: count < options.workers, (2**power for power in range(20)))]
    found = {
        name: measured(
            file, options.scenarios, options.backends.split(","), [*workers, options.workers], options.rounds,
            options.seconds,
        )
        for name, file in FILES.items()
    }  # fmt: skip
    write("scaling", "More workers", report(found, options.scenarios, options.rounds), drawn(found))
