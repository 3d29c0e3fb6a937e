"""How much processor time `compare` of two files takes, as a ratio to the runs of both, and what a picture takes of it.

    python -m benchmarks comparison [NAME ...] [--baseline base] [--rounds 3]

Whole processes, `simulate run A`, `simulate run B`, `simulate compare A B` with its pictures and without, in turn;
medians. By default of priors/base.toml beside every other shipped file, in both directions for guosheng-2023.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import ROOT, TABLES, host, median, processor_seconds, table

BOTH_WAYS = "guosheng-2023"


def seconds(*arguments: str, folder: str) -> tuple[float, int]:
    """The processor time of a command that writes into a folder, and how many pictures it has drawn."""
    command = [sys.executable, "-m", "simulate", *arguments, "--out", folder, "--quiet"]
    before = processor_seconds()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return processor_seconds() - before, len([*Path(folder).glob("*.png")])


def measured(first: str, second: str, rounds: int) -> list[str]:
    """The row of two files."""
    files = [f"priors/{name}.toml" for name in (first, second)]
    asked = {
        "first": ("run", files[0]),
        "compare": ("compare", *files),
        "without": ("compare", *files, "--no-pictures"),
        "second": ("run", files[1]),
    }
    told: dict[str, list[float]] = {name: [] for name in asked}
    drawn = 1
    for _ in range(rounds):
        for name, arguments in asked.items():
            with tempfile.TemporaryDirectory() as folder:
                took, pictures = seconds(*arguments, folder=folder)
            told[name].append(took)
            drawn = pictures if name == "compare" else drawn
    runs = median([sum(pair) for pair in zip(told["first"], told["second"], strict=True)])
    whole, without = median(told["compare"]), median(told["without"])
    figures = (f"{each:.2f}" for each in (runs, whole, whole / runs, (whole - without) / drawn))
    return [f"{first} → {second}", *figures]


def main() -> None:
    """Write benchmarks/comparison.md, and print it."""
    shipped = sorted(path.stem for path in (ROOT / "priors").glob("*.toml"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="shipped files (default: all others)")
    parser.add_argument("--baseline", default="base", choices=shipped)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    names = asked.names or [name for name in shipped if name != asked.baseline]
    pairs = [(asked.baseline, name) for name in names]
    pairs += [(name, asked.baseline) for name in names if name == BOTH_WAYS]
    heads = ["files", "both runs, s", "`compare`, s", "ratio", "a picture, s"]
    rows = [measured(*pair, asked.rounds) for pair in pairs]
    text = (
        f"# A comparison beside its runs\n\n{table(heads, rows)}\n\n{host()}, {asked.rounds} rounds, processor time.\n"
    )
    (TABLES / "comparison.md").write_text(f"# A comparison beside its runs\n\n{text}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
