"""What measurements share: times and memory of a process and its children, tables, pictures."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulate.machine import processors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent
TABLES = ROOT / "benchmarks"
PICTURES = ROOT / ".docs"
TICK = os.sysconf("SC_CLK_TCK")


def _children(process: int) -> list[int]:
    """The processes below one, by /proc; none where there is no such thing."""
    found = []
    with suppress(OSError):  # it has ended
        for tasks in Path(f"/proc/{process}/task").glob("*/children"):
            for child in map(int, tasks.read_text(encoding="ascii").split()):
                found += [child, *_children(child)]
    return found


def processor_seconds() -> float:
    """Processor time of this process so far, all its threads and children."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = 0.0
    for child in _children(os.getpid()):
        with suppress(OSError):
            stat = Path(f"/proc/{child}/stat").read_text(encoding="ascii", errors="replace")
            alive += sum(map(int, stat.rpartition(")")[2].split()[11:15])) / TICK  # its own and its waited children's
    return time.process_time() + ended.ru_utime + ended.ru_stime + alive


def peak_memory(process: int | None = None) -> float:
    """MiB that a process, by default this one, and its living children held at their greatest, as a sum.

    By /proc, for a child's ru_maxrss starts at its parent's; 0 where there is no such thing.
    """
    kibibytes = 0
    process = process or os.getpid()
    for each in (process, *_children(process)):
        with suppress(OSError, IndexError):  # it has ended
            status = Path(f"/proc/{each}/status").read_text(encoding="utf-8", errors="replace")
            kibibytes += int(status.partition("VmHWM:")[2].split()[0])
    return kibibytes / 1024


class Server:
    """A process that answers each line of JSON on its standard input with one on its standard output."""

    def __init__(self, command: Sequence[str], *, tree: Path = ROOT, **variables: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(tree), **variables}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=tree, env=environment)

    def answer(self) -> dict[str, Any]:
        """Its next line; `missing` says where there is none any more."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"missing": "the process failed"}

    def ask(self, *asked: Any) -> dict[str, Any]:
        """What it answers."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        """End it."""
        with self.process:
            pass  # which closes its streams and waits


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its first column left, the others right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def host() -> str:
    """The machine, the versions and the day, for the head of a table."""
    told, names = Path("/proc/cpuinfo"), []
    with suppress(OSError):
        names = [line.partition(": ")[2] for line in told.read_text().splitlines() if line.startswith("model name")]
    machine = f"{processors()} processors ({names[0] if names else platform.machine()})"
    software = f"Python {platform.python_version()}, numpy {version('numpy')}, scipy {version('scipy')}"
    return f"{machine}, {software}, {dt.datetime.now(tz=dt.UTC).date()}"


def median(values: Sequence[float]) -> float:
    """The median, nan of none."""
    return statistics.median(values) if values else float("nan")


def write(name: str, title: str, text: str, figure: Figure) -> None:
    """Write benchmarks/NAME.md, with the title, and .docs/NAME.png; print the text."""
    from simulate.style import own_style

    with own_style():
        figure.savefig(PICTURES / f"{name}.png", dpi=100)
    whole = f"# {title}\n\n{text}\n\n![{title}](../.docs/{name}.png)\n"
    (TABLES / f"{name}.md").write_text(whole, encoding="utf-8")
    print(text)
