"""What the compiled loops of the extra `fast` gain, with one thread and two, and what they leave.

    python -m benchmarks compiled [--scenarios 3e7] [--rounds 3]

Runs of priors/base.toml and own_formulas.toml in this process, by numpy's loops and by the compiled ones in turn, which
must give the same bits. Beside them stands what the formulas alone take, which numpy works out in either case, and what
it takes in a process of its own to compile the loops and to load them.

Writes benchmarks/compiled.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import simulate
from benchmarks.measuring import ROOT, TABLES, host, median, table
from simulate.compiled import SWITCH, prepare
from simulate.machine import keep_freed_memory
from simulate.scenarios import Drawing, asked_quantities

FILES = (ROOT / "priors" / "base.toml", ROOT / "benchmarks" / "own_formulas.toml")
WORKERS = {1: "serial", 2: "threads"}
SMALL = 2**20  # scenarios of the run that is taken off, for what does not grow with them
LOAD = "import time; from simulate.compiled import prepare; prepare(1); print(time.process_time())"


class Took(NamedTuple):
    """Nanoseconds a scenario of a run: of all its threads, and by the clock."""

    processor: float
    clock: float


def measured(path: Path, scenarios: int, workers: int, rounds: int) -> dict[str, Took]:
    """What scenarios take beyond a small run, by what the switch is; medians. The bits must be the same."""
    priors = simulate.load_priors(path)
    simulate.run(priors, scenarios=SMALL)  # what comes first imports
    found: dict[str, list[Took]] = defaultdict(list)
    for _ in range(rounds):
        told = []
        for switch in "01":
            os.environ[SWITCH] = switch
            times = []
            for count in (SMALL, SMALL + scenarios):
                start = Took(time.process_time(), time.perf_counter())
                result = simulate.run(priors, scenarios=count, backend=WORKERS[workers], workers=workers)
                times.append(Took(time.process_time() - start.processor, time.perf_counter() - start.clock))
            told.append(result)
            found[switch].append(Took(*(1e9 * (more - less) / scenarios for less, more in zip(*times, strict=True))))
        if not told[0].identical(told[1]):
            sys.exit(f"{path.name}: the bits differ")
    return {switch: Took(*map(median, zip(*took, strict=True))) for switch, took in found.items()}


def of_formulas(path: Path, rounds: int) -> float:
    """Nanoseconds a scenario that the formulas alone take, of a step's draws."""
    priors = simulate.load_priors(path)
    settings, _ = priors.run.read(scenarios=SMALL)
    drawn = Drawing({"": priors}, settings).scenarios("", asked_quantities(priors))
    words = drawn.sampler.words(0)(0)
    inputs = drawn.inputs(words)
    took = []
    for _ in range(50 * rounds):
        start = time.process_time()
        drawn.plan(inputs)
        took.append(time.process_time() - start)
    return 1e9 * median(took) / words.shape[1]


def loading() -> tuple[float, float, float]:
    """Processor seconds of a process that only imports numpy, that loads the loops, and that compiles them."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {**os.environ, SWITCH: "1", "NUMBA_CACHE_DIR": folder}

        def seconds(switch: str) -> float:
            done = subprocess.run(
                [sys.executable, "-c", LOAD], env={**variables, SWITCH: switch}, stdout=subprocess.PIPE, check=True
            )
            return float(done.stdout)

        compiled, loaded = seconds("1"), seconds("1")
        return seconds("0"), loaded, compiled


def report(scenarios: int, rounds: int) -> str:
    """The text of benchmarks/compiled.md, a row for each file and number of threads."""
    rows = []
    for path in FILES:
        formulas = f"{of_formulas(path, rounds):.0f}"
        for workers in WORKERS:
            numpy, compiled = measured(path, scenarios, workers, rounds).values()
            pairs = zip(numpy, compiled, strict=True)
            told = [(f"{without:.0f}", f"{fast:.0f}", f"{without / fast:.2f}") for without, fast in pairs]
            rows.append((f"{path.name}, {workers} thread{'s' * (workers > 1)}", *told[0], *told[1], formulas))
    without, loaded, compiled = loading()
    heads = ("nanoseconds a scenario", "processor, numpy", "compiled", "times", "clock, numpy", "compiled", "times")
    return f"""`python -m benchmarks compiled`: what {scenarios:.3g} scenarios take beyond {SMALL:,}, in one process,
by numpy's loops and by the compiled ones in turn, to the same bits. The last column is the processor time of the
formulas alone, which numpy works out in either case. Medians of {rounds} rounds.

{host()}.

{table((*heads, "formulas"), rows)}

Loading the loops takes {loaded - without:.2f} s of processor time in each process, compiling them, once,
{compiled - without:.2f} s."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=float, default=3e7)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    keep_freed_memory()
    os.environ[SWITCH] = "1"
    prepare(SMALL)
    text = report(int(options.scenarios), options.rounds)
    (TABLES / "compiled.md").write_text(f"# Compiled loops\n\n{text}\n", encoding="utf-8")
    print(text)
