"""How long a run takes, as ratios measured in one go.

    python -m benchmarks run [--rounds 5] [--format table|json] [--large]

Compared, in turn, round by round, for priors/base.toml and own_formulas.toml at 1e6 scenarios: `simulate.run` with
hand-written numpy of the same, in process; `simulate run --format json` with that as a script, as whole processes, and
with a process that imports numpy, scipy.special, typer, pydantic and h5netcdf. Then `simulate --help`, `check` and
`explain` with importing numpy, typer and pydantic, and a run of 1,000 scenarios in process. Told are wall time and, for
hosts with other work, processor time; whole processes keep their bytecode, as a user's do. `--large` adds the peak
memory at 1e7 scenarios of own_formulas.toml with two workers, and at 1e6 and 1e8 of base.toml.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import simulate
from benchmarks import handwritten, handwritten_formulas
from benchmarks.measuring import ROOT, peak_memory

FILES = {ROOT / "priors" / "base.toml": handwritten, ROOT / "benchmarks" / "own_formulas.toml": handwritten_formulas}
BASE, OWN = FILES
SCENARIOS = 2**20
IMPORTS = "import numpy, scipy.special, typer, pydantic, h5netcdf"
FEW_IMPORTS = "import numpy, typer, pydantic"
COMMAND = [sys.executable, "-c", "from simulate.cli import main; main()"]


class Taken(NamedTuple):
    """Seconds that a call took: of the clock, and of processors."""

    wall: float
    processor: float


def processor_seconds() -> float:
    """What this process and those that it has waited for have taken of processors so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def seconds(work: Callable[[], object]) -> Taken:
    """What one call takes."""
    used, start = processor_seconds(), time.perf_counter()
    work()
    return Taken(time.perf_counter() - start, processor_seconds() - used)


def process(*arguments: str) -> Callable[[], object]:
    """A whole process, its output thrown away."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(arguments, check=True, capture_output=True, cwd=ROOT, env=kept)


def ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> dict[str, float]:
    """Median seconds of both and the median ratios theirs/ours, after one round of warming up."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return {
        "ours_seconds": statistics.median(mine.wall for mine, _ in pairs),
        "theirs_seconds": statistics.median(other.wall for _, other in pairs),
        "theirs_over_ours": statistics.median(other.wall / mine.wall for mine, other in pairs),
        "processor_theirs_over_ours": statistics.median(other.processor / mine.processor for mine, other in pairs),
    }


def greatest_memory(path: Path, scenarios: int, folder: str) -> float:
    """MiB of a whole `simulate run` with so many scenarios, workers and all, looked at twenty times a second."""
    command = [*COMMAND, "run", str(path), "--format", "json", "--scenarios", str(scenarios), "--out", folder]
    greatest = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) as running:
        while running.poll() is None:
            greatest = max(greatest, peak_memory(running.pid))
            time.sleep(0.05)
    return greatest


def measured(rounds: int, folder: str) -> dict[str, dict[str, float]]:
    """All that is compared, by what it is called."""
    found = {}
    for path, by_hand in FILES.items():
        priors = simulate.load_priors(path)
        command = process(*COMMAND, "run", str(path), "--format", "json", "--out", folder)
        script = process(sys.executable, "-m", by_hand.__name__, str(SCENARIOS))
        found |= {
            f"{path.name}, in process: hand-written numpy over simulate": ratio(
                partial(simulate.run, priors, scenarios=SCENARIOS), partial(by_hand.simulate, SCENARIOS, 1), rounds
            ),
            f"{path.name}, 1,000 scenarios in process: hand-written numpy over simulate": ratio(
                partial(simulate.run, priors, scenarios=1000), partial(by_hand.simulate, 1000, 1), 4 * rounds
            ),
            f"{path.name}, whole process: hand-written numpy over simulate run": ratio(command, script, rounds),
            f"{path.name}, whole process: imports over simulate run": ratio(
                command, process(sys.executable, "-c", IMPORTS), rounds
            ),
        }
    imports = process(sys.executable, "-c", FEW_IMPORTS)
    for name, *arguments in (("--help",), ("check", str(BASE)), ("explain", "capex")):
        found[f"whole process: importing numpy, typer, pydantic over simulate {name}"] = ratio(
            process(*COMMAND, name, *arguments), imports, rounds
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(options.rounds, folder)
        sizes = ((OWN, 10**7), (BASE, 10**6), (BASE, 10**8)) if options.large else ()
        memory = {f"{path.name}, {size:.0e} scenarios": greatest_memory(path, size, folder) for path, size in sizes}
    if options.format == "json":
        print(json.dumps({**found, "peak MiB": memory}, indent=2))
        return
    for name, figures in found.items():
        ours, theirs, times, of_processors = figures.values()
        print(f"{name}: {ours:.3f} s against {theirs:.3f} s: {times:.2f}, of processor time {of_processors:.2f}")
    for name, mebibytes in memory.items():
        print(f"{name}: peak {mebibytes:.0f} MiB")
