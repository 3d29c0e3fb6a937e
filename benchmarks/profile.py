"""Where each millisecond of a run goes, by stage, before a commit and now.

    python -m benchmarks profile [--scenarios 1048576] [--rounds 5] [--before f14b86e] [--unknown]

A run of priors/base.toml and one of own_formulas.toml, each on one thread in a process that has made one before, with
its Dataset and the bytes of its netCDF file; stages.py samples them from outside. The package of the commit is taken
out of git into a temporary folder. `--unknown` lists what is in no stage.

Writes benchmarks/profile.md and .docs/profile.png.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import ROOT, Server, host, median, table, write
from benchmarks.stages import REST, STAGES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILES = {"base.toml": ROOT / "priors" / "base.toml", "own_formulas.toml": ROOT / "benchmarks" / "own_formulas.toml"}
BEFORE = "f14b86e"
# The way of a run, for readers.
ORDER = (
    "tables of the inverse", "words and chunks", "copula", "inverse", "formulas", "rulers", "summaries",
    "percentiles of replicates", "merging", "drivers", "result", "Dataset", "netCDF", REST,
)  # fmt: skip
assert {*ORDER} == {*STAGES, REST}


class Version:
    """A version of the package in a process of its own, and what its runs told, by file."""

    def __init__(self, label: str, tree: Path) -> None:
        self.label, self.tree = label, tree
        self.told: dict[str, list[Mapping[str, Any]]] = {name: [] for name in FILES}
        self.server = Server([sys.executable, "-P", str(ROOT / "benchmarks" / "stages.py")], tree=tree)

    def ask(self, name: str, scenarios: int, seed: int) -> Mapping[str, Any]:
        """What a run of a file tells: of the version's own file, for an earlier one does not read today's."""
        own = self.tree / FILES[name].relative_to(ROOT)
        return self.server.ask(str(own if own.exists() else FILES[name]), scenarios, seed)

    def stage(self, name: str, stage: str) -> float:
        """The median of what a stage took."""
        return median([told["stages"].get(stage, 0.0) for told in self.told[name]])

    def whole(self, name: str) -> float:
        """The median of what a run took in all."""
        return median([sum(told["stages"].values()) for told in self.told[name]])


def taken_out(commit: str, folder: Path) -> bool:
    """Whether the package of a commit could be written into a folder: a clone may be shallow, an archive no clone."""
    packed = subprocess.run(
        ["git", "archive", commit, "simulate", "priors"], cwd=ROOT, capture_output=True, check=False
    )
    if packed.returncode == 0:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
    return packed.returncode == 0


def started(commit: str, folder: Path) -> list[Version]:
    """The versions that are set beside each other: the commit, and what there is now."""
    versions = [Version("now", ROOT)]
    if taken_out(commit, folder):
        versions.insert(0, Version(commit, folder))
    else:
        print(f"{commit} is not in this clone: told is what there is now", file=sys.stderr)
    return versions


def drawn(versions: Sequence[Version]) -> Figure:
    """A bar of stages for each file and version."""
    from simulate.plotting import INK, MUTED, PALETTE, new_figure

    bars = [(name, version) for name in FILES for version in versions]
    figure = new_figure(10.0, 2.4 + 0.5 * len(bars), "Processor time of a run of a million scenarios, one thread")
    axis = figure.subplots()
    stages = [stage for stage in ORDER if any(version.stage(name, stage) >= 1 for name, version in bars)]
    colours = [*PALETTE[:6], "#F0E442", *(f"{shade}99" for shade in PALETTE[:6]), "#999999", "#CCCCCC"]
    for row, (name, version) in enumerate(bars):
        start = 0.0
        for stage, colour in zip(stages, colours, strict=False):
            width = version.stage(name, stage)
            label = stage if row == 0 else None
            axis.barh(row, width, left=start, color=colour, height=0.62, label=label, edgecolor="white", linewidth=0.5)
            start += width
        axis.text(start, row, f"  {start:.0f} ms", va="center", color=INK)
    axis.set_yticks(range(len(bars)), [f"{name}, {version.label}" for name, version in bars])
    axis.invert_yaxis()
    axis.margins(x=0.1)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_xlabel("milliseconds", color=MUTED)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure


def report(versions: Sequence[Version], scenarios: int, rounds: int) -> str:
    """The text of benchmarks/profile.md, a row a stage."""
    columns = [(name, version) for name in FILES for version in versions]
    rows = [
        (stage, *(f"{version.stage(name, stage):.0f}" for name, version in columns))
        for stage in ORDER
        if any(version.stage(name, stage) for name, version in columns)
    ]
    rows.append(("**all**", *(f"**{version.whole(name):.0f}**" for name, version in columns)))
    heads = ("milliseconds", *(f"{name}, {version.label}" for name, version in columns))
    return f"""`python -m benchmarks profile`: processor time of a run of {scenarios:,} scenarios on one thread, with
its Dataset and the bytes of its netCDF file, in a process that has made one before; medians of {rounds} rounds in which
versions and files take turns. Stages are sampled from outside, a thousand times a second. Drivers are the shares of
the variance and the rank correlations; the result is units, labels, warnings and the priors' own percentiles.

{host()}.

{table(heads, rows)}"""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=int, default=2**20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", default=BEFORE)
    parser.add_argument("--unknown", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        versions = started(options.before, Path(folder))
        for seed in range(options.rounds + 1):
            for name in FILES:
                for version in versions:
                    told = version.ask(name, options.scenarios, seed)
                    if seed:
                        version.told[name].append(told)
        for version in versions:
            version.server.close()
    write("profile", "Where the time goes", report(versions, options.scenarios, options.rounds), drawn(versions))
    if options.unknown:
        for version in versions:
            for name, told in version.told.items():
                whole = sum((Counter(each["unknown"]) for each in told), Counter[str]())
                print(version.label, name, *(f"\n  {ms / len(told):6.1f} {at}" for at, ms in whole.most_common(12)))
