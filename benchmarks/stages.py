"""Which stage of a run the processor is at, sampled from outside, for `python -m benchmarks profile`.

As a script, beside any version of the package, it works off what it is asked on its standard input: a line for each
run, with a priors file, a number of scenarios and a seed, is answered by a line of milliseconds by stage. A timer stops
the process a thousand times a second; the processor time since the last stop belongs to the stage whose function is
found first in the order below, wherever it is on the stack.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Self

INTERVAL = 0.001  # seconds
REST = "everything else"
# What is looked for as `file of the package:qualified name`, in this order, in all functions on the stack.
STAGES = {
    "netCDF": r"results/netcdf\.py:",
    "Dataset": r"results/result\.py:Result\.to_dataset",
    "drivers": r"runs/drivers\.py:|^influence\.py:",
    "merging": r"^(bands|gathering)\.py:(Bands?\.add|Gathering\.merge)|^summary\.py:Summary\._?merge|Folded\.add",
    "percentiles of replicates": r"^(bands|gathering)\.py:(Gathering\.finish|kept_of)|^summary\.py:Summary\.finish",
    "rulers": r"^rulers\.py:laid_out|^(bands|gathering)\.py:Pilot\.",
    "summaries": r"^summary\.py:|^rulers\.py:|^(bands|gathering)\.py:(Gathering\.|_summarize|finished)",
    "copula": r"^dependence\.py:|^sampling/(sampler\.py:Sampler\.(joint|correlated)|proposal\.py)",
    "tables of the inverse": r"^sampling/tables\.py:(uniform|score|_?normal)_table",
    "inverse": r"^sampling/(tables|sampler)\.py",
    "formulas": r"^graph\.py:|^model/|^formulas/",
    "words and chunks": r"^sampling/|^scenarios\.py:Scenarios\.",
    "result": r"^(results|distributions)/|^runs/messages\.py|^bands\.py:(put|only)|^(statistics|rounding|spread)\.py",
}
PATTERNS = {stage: re.compile(pattern) for stage, pattern in STAGES.items()}


class Samples:
    """Processor seconds by stage, and of what is in none by function, while it is entered."""

    def __init__(self, package: Path) -> None:
        self.prefix = str(package) + os.sep
        self.seconds, self.unknown = Counter[str](), Counter[str]()

    def __enter__(self) -> Self:
        self._last = time.process_time()
        signal.signal(signal.SIGALRM, self._stop)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)

    def _stop(self, _: int, frame: FrameType | None) -> None:
        now = time.process_time()
        since, self._last = now - self._last, now
        places = list[str]()
        while frame:
            code = frame.f_code
            if code.co_filename.startswith(self.prefix):
                places.append(f"{code.co_filename.removeprefix(self.prefix)}:{code.co_qualname}")
            frame = frame.f_back
        found = (stage for stage, pattern in PATTERNS.items() if any(map(pattern.search, places)))
        stage = next(found, REST)
        self.seconds[stage] += since
        if stage == REST:
            self.unknown[places[0] if places else "outside"] += since
        self._last = time.process_time()  # what the look took belongs to none


def serve() -> None:
    """Answer runs with what each of their stages took."""
    import simulate
    from simulate.results.netcdf import written
    from simulate.runs import run

    earlier = "workers" not in inspect.signature(run).parameters
    alone: dict[str, Any] = {"threads": 1} if earlier else {"backend": "serial"}
    package = Path(simulate.__file__).parent
    for line in sys.stdin:
        path, scenarios, seed = json.loads(line)
        priors = simulate.load_priors(path)
        with Samples(package) as samples:
            result = run(priors, scenarios=scenarios, seed=seed, **alone)
            result.to_dataset()
            written(result)
        milliseconds = {stage: 1e3 * seconds for stage, seconds in samples.seconds.items()}
        unknown = {place: 1e3 * seconds for place, seconds in samples.unknown.most_common(12)}
        print(json.dumps({"stages": milliseconds, "unknown": unknown}), flush=True)


if __name__ == "__main__":
    serve()
