"""How long a run takes, as ratios measured in one go.

    python -m benchmarks run [--rounds 5] [--format table|json] [--large]

Compared, in turn, round by round: `simulate.run` on priors/base.toml at 1e6 scenarios with the hand-written numpy of
handwritten.py, in process; `simulate run --format json` with that script, with a process that only imports what
`run` imports, as whole processes; `simulate --help` with importing numpy, typer and pydantic. `--large` adds the
peak memory at 1e8 scenarios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import simulate
from benchmarks import handwritten

ROOT = Path(__file__).parent.parent
BASE = ROOT / "priors" / "base.toml"
SCENARIOS = 2**20
IMPORTS = "import simulate.cli.app, simulate.runs, simulate.results.netcdf, scipy.special, h5netcdf, pydantic"
COMMAND = [sys.executable, "-c", "from simulate.cli import main; main()"]


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def process(*arguments: str) -> Callable[[], object]:
    """A whole process, its output thrown away."""
    return lambda: subprocess.run(arguments, check=True, capture_output=True, cwd=ROOT)


def ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> dict[str, float]:
    """Median seconds of both and the median ratio theirs/ours, after one round of warming up."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return {
        "ours_seconds": statistics.median(mine for mine, _ in pairs),
        "theirs_seconds": statistics.median(other for _, other in pairs),
        "theirs_over_ours": statistics.median(other / mine for mine, other in pairs),
    }


def peak_memory(scenarios: int, folder: str) -> float:
    """MiB of a whole process with so many scenarios, by /proc: a child's ru_maxrss starts at its parent's."""
    code = (
        "import sys; from simulate.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
    )
    arguments = ["run", str(BASE), "--format", "json", "--scenarios", str(scenarios), "--out", folder]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return int(done.stderr.split()[-1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    priors = simulate.load_priors(BASE)
    with tempfile.TemporaryDirectory() as folder:
        run = (*COMMAND, "run", str(BASE), "--format", "json", "--out", folder)
        script = (sys.executable, str(Path(handwritten.__file__)), str(SCENARIOS))
        results: dict[str, object] = {
            "in process: hand-written numpy over simulate": ratio(
                lambda: simulate.run(priors, scenarios=SCENARIOS),
                lambda: handwritten.simulate(SCENARIOS, seed=1),
                options.rounds,
            ),
            "whole process: hand-written numpy over simulate run": ratio(
                process(*run), process(*script), options.rounds
            ),
            "whole process: importing only over simulate run": ratio(
                process(*run), process(sys.executable, "-c", IMPORTS), options.rounds
            ),
            "whole process: importing numpy, typer, pydantic over simulate --help": ratio(
                process(*COMMAND, "--help"),
                process(sys.executable, "-c", "import numpy, typer, pydantic"),
                options.rounds,
            ),
        }
        if options.large:
            results["peak MiB at 1e6 scenarios"] = peak_memory(10**6, folder)
            results["peak MiB at 1e8 scenarios"] = peak_memory(10**8, folder)
    if options.format == "json":
        print(json.dumps(results, indent=2))
        return
    for name, figures in results.items():
        text = (
            f"{figures['ours_seconds']:.3f} s against {figures['theirs_seconds']:.3f} s: "
            f"{figures['theirs_over_ours']:.2f}"
            if isinstance(figures, dict)
            else f"{figures:.0f}"
        )
        print(f"{name}: {text}")
