"""What a task that is sent to another process takes, and its result, and what that makes of 1e11 scenarios.

    python -m benchmarks tasks [--rounds 2]

Pieces of 2^20 scenarios of priors/base.toml, its headline and all that a run keeps, are worked off here as by a worker.
Merging is what whoever waits does with what comes back; it does so beside the workers, one piece after the other.

Writes benchmarks/tasks.md.
"""

from __future__ import annotations

import argparse
import math
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.measuring import ROOT, TABLES, host, median, table
from simulate.backends._carried import Carried, brought
from simulate.machine import keep_freed_memory
from simulate.priors import load_priors
from simulate.replicates import Workers
from simulate.runs.drivers import Drivers
from simulate.runs.run import folded
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import PIECE, Drawing, Scenarios, asked_quantities
from simulate.statistics import usual

AIM, WITHIN = 1e11, 60.0  # scenarios, seconds


class Alone(Workers):
    """Workers that carry each task to themselves and back, and tell what that took."""

    def fold(self, work: Any, tasks: Sequence[Any], take: Callable[[Any], object], **how: Any) -> None:
        """Work off the tasks, and note seconds of the work, of taking it, and bytes."""
        known = how["known"]
        carried = Carried.of(work, known)
        carried(tasks[0])  # which loads it
        for task in tasks:
            times = [time.process_time()]
            found = carried(task)
            times.append(time.process_time())
            take(brought(found, known))
            times.append(time.process_time())
            noted.append((times[1] - times[0], times[2] - times[1], len(found), len(pickle.dumps(carried))))


noted: list[tuple[float, float, int, int]] = []


def measured() -> list[float]:
    """Medians of what was noted of some pieces."""
    priors = load_priors(ROOT / "priors" / "base.toml")
    names = asked_quantities(priors)
    whole = drawn(names, 2 * PIECE * REPLICATES)
    noted.clear()
    some = replace(whole, replicates=2)
    folded(some, names, usual(priors.run.percentiles), Alone(), Drivers(priors, some, names, names).sample)
    return [median(each) for each in zip(*noted, strict=True)]


def drawn(names: Sequence[str], scenarios: int) -> Scenarios:
    """The scenarios of base.toml."""
    priors = load_priors(ROOT / "priors" / "base.toml")
    return Drawing({"": priors}, priors.run.asked(scenarios=scenarios)).scenarios("", names)


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    keep_freed_memory()
    found = [measured() for _ in range(rounds)]
    names = asked_quantities(load_priors(ROOT / "priors" / "base.toml"))
    pieces = drawn(names, int(AIM)).pieces()
    task, taken, sent, work = (median(each) for each in zip(*found, strict=True))
    of_aim = task * AIM / len(pieces) / PIECE
    at_once = math.ceil(len(pieces) / max(math.floor(WITHIN / of_aim), 1))
    times = [f"{task:.2f}", f"{PIECE / task / 1e6:.2f}", f"{work / 1e3:.0f}", f"{sent / 1e6:.2f}"]
    whole = [f"{of_aim:.1f}", f"{at_once:,}", f"{len(pieces) * taken:.1f}"]
    rows = [[*times, f"{1e3 * taken:.1f}", *whole]]
    heads = ["s a task", "million/s", "kB sent", "MB back", "ms to merge"]
    told = (
        f"A task of {PIECE:,} scenarios of `base.toml` takes a worker so much processor time, and its result so "
        f"many ms of whoever waits. A run of {AIM:.0e} has {len(pieces):,} tasks, of {AIM / len(pieces) / 1e6:.0f} "
        f"million scenarios each: so many workers do it in {WITHIN:.0f} s, in whole rounds; merging goes on beside "
        f"them.\n\n{table([*heads, 's a task of 1e11', 'workers', 's to merge'], rows)}\n\n"
        f"By `python -m benchmarks tasks` on {host()}."
    )
    (TABLES / "tasks.md").write_text(f"# Tasks\n\n{told}\n", encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
