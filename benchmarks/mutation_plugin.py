"""What benchmarks/mutation.py runs tests with: who calls what, which tests go in which order, and forks of one process.

As a plugin of pytest it records, into the file MUTATION_RECORD, how much processor time each test takes and which
functions of the package it calls; or it runs the tests that the file MUTATION_ORDER names, in that order, each only as
long as it may take. As a program it is the nursery of such runs.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

IMPORTED = (  # by most tests: half of the time of a short run
    "matplotlib.pyplot", "mpmath", "numpy", "pydantic", "scipy.optimize", "scipy.stats", "typer", "xarray",
)  # fmt: skip
TOO_LONG = 9  # exit status
MEMORY = 8 * 2**30  # bytes

called: dict[str, list[str]] = {}
seconds: dict[str, float] = {}
seen: set[Any] = set()
failed: set[str] = set()
expected: dict[str, float | None] = {}


def _trace(frame: Any, _event: str, _argument: Any) -> None:
    seen.add(frame.f_code)


def pytest_runtest_setup(item: Any) -> None:
    """Begin to record, or to wait."""
    if "MUTATION_RECORD" in os.environ:
        seen.clear()
        for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "simulate"]:
            for each in vars(module).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()  # so that whoever needs it calls it
        threading.settrace(_trace)
        sys.settrace(_trace)
        seconds[item.nodeid] = -time.process_time()
    if "MUTATION_ORDER" in os.environ:
        signal.signal(signal.SIGPROF, lambda *_: os._exit(TOO_LONG))
        signal.setitimer(signal.ITIMER_PROF, 10 + 5 * (expected.get(item.nodeid) or 0))


def pytest_runtest_teardown(item: Any) -> None:
    """Note what the test has called."""
    if "MUTATION_RECORD" in os.environ:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        seconds[item.nodeid] += time.process_time()
        package = f"{Path.cwd() / 'simulate'}{os.sep}"
        codes = {code for code in seen if code.co_filename.startswith(package)}
        called[item.nodeid] = sorted({f"{code.co_filename[len(package) :]}:{code.co_qualname}" for code in codes})


def pytest_runtest_logreport(report: Any) -> None:
    """Forget tests that fail without any mutant."""
    if "MUTATION_RECORD" in os.environ and report.failed:
        print(f"{report.nodeid} fails as it stands, and is left out", file=sys.stderr)
        failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write down who calls what."""
    if "MUTATION_RECORD" in os.environ:
        found = {test: [seconds[test], called[test]] for test in called if test not in failed}
        Path(os.environ["MUTATION_RECORD"]).write_text(json.dumps(found), encoding="utf-8")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Put the tests in their order; those that nobody has recorded come first."""
    if "MUTATION_ORDER" in os.environ:
        expected.update(json.loads(Path(os.environ["MUTATION_ORDER"]).read_text(encoding="utf-8")))
        place = {test: number for number, test in enumerate(expected)}
        items[:] = sorted(
            (item for item in items if expected.get(item.nodeid, 0.0) is not None),
            key=lambda item: place.get(item.nodeid, -1),
        )


def run(asked: dict[str, Any]) -> int:
    """Run pytest in a fork, and end it when its time is over; the exit status."""
    child = os.fork()
    if not child:
        import resource

        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.environ.update(asked["variables"])
        for stream in (0, 1):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        os._exit(int(pytest.main(asked["arguments"])))
    end = time.monotonic() + asked["limit"]
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(ended[1])


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        print(run(json.loads(line)), flush=True)
