"""What a GPU does: scenarios a second, memory there, how near it comes to the CPU, and whether its bits stay.

    python -m benchmarks gpu [--sizes 4194304,67108864,1e9] [--rounds 3]

Of priors/base.toml with its five headline quantities, by `--backend cupy`: whole runs in process, after one that
compiles, and the stages of one piece, each waited for; the memory that cupy holds after the largest run; percentiles
beside those of the CPU, of as many scenarios, in standard errors; two runs, bit by bit; draws and counts of the kernels
beside numpy's. Each part is told as it ends, and one that fails says why and leaves the others to be measured.
"""

from __future__ import annotations

import argparse
import statistics
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

import simulate
from benchmarks.measuring import ROOT
from simulate.arrays import drawn_by, to_host
from simulate.backends.cupy import device
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.replicates import DEVICES
from simulate.rulers import laid_out
from simulate.sampling.tables import at_scores, at_words, score_table, uniform_table
from simulate.scenarios import Drawing, Scenarios
from simulate.summary import Summary

BASE, OWN = ROOT / "priors" / "base.toml", ROOT / "benchmarks" / "own_formulas.toml"
COMPARED = 2**24  # scenarios of a run on either


def tell(line: str) -> None:
    """Print at once: what follows may fail."""
    print(line, flush=True)


def part(name: str, measure: Callable[[], Any]) -> None:
    """Measure, or say what is wrong."""
    tell(f"\n## {name}")
    try:
        measure()
    except Exception:  # noqa: BLE001 - the other parts are measured
        tell(traceback.format_exc())


def gpu(module: Any) -> None:
    """Say what is measured."""
    about = module.cuda.runtime.getDeviceProperties(module.cuda.Device().id)
    free, total = module.cuda.runtime.memGetInfo()
    name = about["name"].decode() if isinstance(about["name"], bytes) else about["name"]
    tell(
        f"{name}, {total / 2**30:.0f} GiB ({free / 2**30:.0f} free), cupy {module.__version__}, numpy {np.__version__}"
    )


def kernels(module: Any) -> None:
    """Draws and counts of the kernels beside numpy's, which are the same to the bit."""
    generator = np.random.default_rng(1)
    words, scores = generator.integers(0, 2**32, 2**20, dtype=np.uint32), 2 * generator.normal(size=2**20)
    different = 0
    for prior in load_priors(BASE).priors.values():
        for make, at, positions in ((uniform_table, at_words, words), (score_table, at_scores, scores)):
            table = make(prior.distribution)
            there = to_host(at(table, module.asarray(positions)))
            different += int(np.count_nonzero(there.view(np.int64) != at(table, positions).view(np.int64)))
    tell(f"draws that differ in a bit: {different}")
    percents = np.linspace(0, 100, 1001)
    for kind, values in {"positive": np.exp(scores), "signed": scores, "with nan": np.log(scores + 2)}.items():
        pilot = values[: 2**14]
        ruler = laid_out([(pilot[np.isfinite(pilot)], None)], 2**-6)
        here, there = Summary(ruler), Summary(ruler)
        here.add(values, len(values))
        there.add(module.asarray(values), len(values))
        found, expected = there.finish(), here.finish()
        same = np.array_equal(found.percentiles(percents), expected.percentiles(percents))
        moments = max(abs(found.mean / expected.mean - 1), abs(found.sd / expected.sd - 1))
        tell(f"{kind}: percentiles {'the same' if same else 'OTHERS'}, moments {moments:.1e} off")


def median_seconds(work: Callable[[], Any], wait: Callable[[], Any], rounds: int) -> float:
    """Of some calls, each waited for, after one that is not counted."""
    taken = []
    for _ in range(rounds + 1):
        wait()
        start = time.perf_counter()
        work()
        wait()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def piece_of(path: Any) -> Scenarios:
    """The scenarios of a file's headline quantities, enough for a piece as large as a device takes."""
    priors = load_priors(path)
    asked = priors.run.asked(scenarios=16 * DEVICES["cupy"])
    return Drawing({"": priors}, asked).scenarios("", list(priors.run.quantities or priors.headline))


def stages(module: Any, rounds: int) -> None:
    """What each stage of a piece takes, in nanoseconds a scenario."""

    def wait() -> None:
        module.cuda.Device().synchronize()

    for path in (BASE, OWN):
        drawn = piece_of(path)
        with drawn_by(module):
            blocks = drawn.sampler.words(0)
            words = blocks(*range(drawn.chunks))
            size = words.shape[1]
            inputs = drawn.inputs(words)
            columns = drawn.plan(inputs)
            rulers = {}
            for name, column in columns.items():
                pilot = to_host(column[: 2**14])
                rulers[name] = laid_out([(pilot[np.isfinite(pilot)], None)], 2**-10)

            def counted() -> None:
                for name, column in columns.items():  # noqa: B023 - called before the next round
                    Summary(rulers[name]).add(column, len(column))  # noqa: B023

            works = {
                "net of a replicate": lambda: drawn.sampler.words(0),  # noqa: B023
                "words": lambda: blocks(*range(drawn.chunks)),  # noqa: B023
                "inverse": lambda: drawn.inputs(words),  # noqa: B023
                "formulas": lambda: drawn.plan(inputs),  # noqa: B023
                "counts": counted,
            }
            tell(f"{path.name}: {len(inputs)} priors, {len(columns)} quantities, {size:,} scenarios")
            for name, work in works.items():
                seconds = median_seconds(work, wait, rounds)
                tell(f"  {name:18} {seconds / size * 1e9:6.3f} ns a scenario, {seconds * 1e3:7.2f} ms")


def speed(module: Any, sizes: list[int], rounds: int) -> None:
    """Scenarios a second of whole runs, and the memory that they need there."""
    pool = module.get_default_memory_pool()
    for path in (BASE, OWN):
        priors = load_priors(path)
        simulate.run(priors, scenarios=2**20, backend="cupy")
        for size in sizes:
            pool.free_all_blocks()
            taken = []
            for _ in range(rounds if size < 2**28 else 1):
                start = time.perf_counter()
                made = simulate.run(priors, scenarios=size, backend="cupy")
                taken.append(time.perf_counter() - start)
            seconds, count = statistics.median(taken), made.attrs["scenarios"]
            rate, held = count / seconds / 1e6, pool.total_bytes() / 2**30
            tell(f"{path.name}: {count:,} scenarios in {seconds:.3f} s, {rate:,.0f} million a second, {held:.2f} GiB")


def nearness() -> None:
    """Percentiles beside those of the CPU, and two runs beside each other."""
    for path, options in (
        (BASE, {}),
        (OWN, {}),
        (BASE, {"given": ["capex > P90"]}),
        (BASE, {"observe": ["training_accelerator_hours = 1e6 +- 5%"]}),
        (BASE, {"scheme": "random", "scenarios": 2**20}),
    ):
        priors = load_priors(path)
        asked: dict[str, Any] = {"scenarios": COMPARED, **options}
        there, again = (simulate.run(priors, backend="cupy", **asked) for _ in range(2))
        here = simulate.run(priors, **asked)
        apart = abs(there["percentiles"] - here["percentiles"]) / here["percentiles_se"]
        moved = [name for name in there.data_vars if not there[name].equals(again[name])]
        same = "the same bits again" if not moved else f"OTHER BITS AGAIN of {', '.join(map(str, moved))}"
        tell(f"{path.name} {options or ''}: {float(apart.max()):.2g} standard errors at most from the CPU's, {same}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="4194304,67108864,1e9")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    try:
        module = device()
    except SimulateError as error:
        raise SystemExit(f"{error}") from None
    part("Device", lambda: gpu(module))
    part("Kernels beside numpy", lambda: kernels(module))
    part("Stages of a piece", lambda: stages(module, options.rounds))
    part("Runs", lambda: speed(module, [int(float(size)) for size in options.sizes.split(",")], options.rounds))
    part("Beside the CPU", nearness)


if __name__ == "__main__":
    main()
