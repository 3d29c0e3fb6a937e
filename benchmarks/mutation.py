"""Do the tests bite? Small faults are put into the code one at a time, and the tests that run it must notice each.

    python -m benchmarks mutation [--count 200] [--seed 1] [--rooms conditions,sampling] [--format table|markdown]

A mutant is one change of one token or statement: a comparison, an operator, a constant by one, a dropped `not` or end
of a slice, `and` for `or`, min for max, a statement left out, None returned. A seeded sample has as many of each room;
what is for readers only (reports, pictures, messages, annotations) is left out. The tests of the rooms run once, to
see which call which function. Each mutant then meets, in a copy of the tree, those that call the changed function or
run the package in another process, the quick ones and the room's own first, up to a minute of them, until one fails.
`--map FILE` keeps who calls what for another sample. Survivors that are known have their reason in mutation.toml.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {  # the files below simulate/, and the tests that are theirs
    "replicates": (["replicates.py", "backends/*.py", "folding.py"], ["replicates", "backends"]),
    "scenarios": (["scenarios.py"], ["scenarios", "conditions"]),
    "sampling": (["sampling/**/*.py", "dependence.py"], ["sampling", "samples", "draw_tables", "dependence"]),
    "conditions": (["conditions.py"], ["conditions"]),
    "thresholds": (["thresholds.py"], ["thresholds"]),
    "distributions": (["distributions/*.py"], ["distributions", "draw_tables"]),
    "summary": (["summary.py", "steps.py", "rulers.py"], ["summary", "rulers", "statistics"]),
    "gathering": (["gathering.py", "bands.py"], ["gathering", "statistics", "runs"]),
    "statistics": (["statistics.py", "spread.py"], ["statistics", "spread", "summary", "runs"]),
    "influence": (["influence.py", "runs/drivers.py"], ["influence"]),
    "comparison": (["comparison/*.py"], ["comparison", "bridge"]),
    "sensitivity": (["sensitivity/**/*.py"], ["sensitivity"]),
    "decisions": (["decisions/*.py"], ["decisions"]),
}
FOR_READERS = {"report.py", "plots.py", "__init__.py"}
SECONDS = 60.0  # of processor time, for the tests that a mutant meets
JOBS = 2
PLUGIN = "benchmarks.mutation_plugin"

# ---------------------------------------------------------------------------------------------------------
# Mutants

OPERATORS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Lt: ("<", "<=", ">"), ast.LtE: ("<=", "<", ">"), ast.Gt: (">", ">=", "<"), ast.GtE: (">=", ">", "<"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"), ast.Pow: ("**", "*"), ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.BitXor: ("^", "|"),
}  # fmt: skip
SWAPPED = [
    ("min", "max"), ("minimum", "maximum"), ("any", "all"), ("floor", "ceil"), ("argmin", "argmax"),
    ("betainc", "betaincc"), ("zeros", "ones"),
]  # fmt: skip
TWINS = {old: new for pair in SWAPPED for old, new in (pair, pair[::-1])}
TEXTS = (ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.ListComp)
GUARDS = {"strict", "copy"}  # keywords that check or spare, without another result


class Mutant(NamedTuple):
    """One change: the lines before and after it, the whole text after it, the function in which it lies."""

    room: str
    file: str
    line: int
    function: str  # '' for the module
    before: str
    after: str
    text: str


Edit = tuple[int, int, str]  # the bytes from, the bytes to, what stands there instead


class Places:
    """The places of a file in which something may be changed, each with the edits to choose from."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        lines = source.splitlines(keepends=True)
        self.starts = [sum(map(len, lines[:number])) for number in range(len(lines))]

    def span(self, node: Any) -> tuple[int, int]:
        """The bytes of a node."""
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def between(self, left: ast.AST, right: ast.AST, operator: ast.AST, *, augmented: bool = False) -> list[Edit]:
        """Other operators between two operands."""
        old, *others = OPERATORS.get(type(operator), ("",))
        first, last = self.span(left)[1], self.span(right)[0]
        pattern = r"\s+".join(map(re.escape, old.split())) + ("=" if augmented else "")
        found = re.search(pattern.encode(), self.source[first:last]) if old else None
        end = "=" if augmented else ""
        return [(first + found.start(), first + found.end(), new + end) for new in others] if found else []

    def edits(self, node: ast.AST) -> Iterator[list[Edit]]:
        """The edits at a node, a list for each of its places."""
        yield from self.of_operators(node)
        yield from self.of_values(node)
        yield from self.of_statements(node)

    def of_operators(self, node: ast.AST) -> Iterator[list[Edit]]:
        """Other operators."""
        match node:
            case ast.Compare(left=left, ops=operators, comparators=others):
                for operands, operator in zip(itertools.pairwise([left, *others]), operators, strict=True):
                    yield self.between(*operands, operator)
            case ast.BoolOp(op=operator, values=values):
                for operands in itertools.pairwise(values):
                    yield self.between(*operands, operator)
            case ast.BinOp(left=left, op=operator, right=right) if not (_is_text(left) or _is_text(right)):
                yield self.between(left, right, operator)
            case ast.AugAssign(target=target, op=operator, value=value) if not _is_text(value):
                yield self.between(target, value, operator, augmented=True)
            case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
                yield [(self.span(node)[0], self.span(operand)[0], "")]

    def of_values(self, node: ast.AST) -> Iterator[list[Edit]]:
        """Other constants, functions, ends of slices, returned values."""
        match node:
            case ast.Constant(value=bool() as value):
                yield [(*self.span(node), str(not value))]
            case ast.Constant(value=int() | float() as value):
                beside = (value + 1, value - 1)
                yield [(*self.span(node), repr(other) if other >= 0 else f"({other!r})") for other in beside]
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in TWINS:
                end = self.span(node)[1]
                yield [(end - len(name), end, TWINS[name])]
            case ast.Slice(lower=lower, upper=upper):
                yield from ([(*self.span(bound), "")] for bound in (lower, upper) if bound)
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield [(*self.span(value), "None")]

    def of_statements(self, node: ast.AST) -> Iterator[list[Edit]]:
        """A test turned round, a statement left out."""
        match node:
            case ast.IfExp(test=test) | ast.If(test=test) | ast.While(test=test):
                if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
                    first, last = self.span(test)
                    yield [(first, last, f"not ({self.source[first:last].decode()})")]
            case ast.AugAssign() | ast.Expr(value=ast.Call()) | ast.Continue() | ast.Break() | ast.Raise():
                yield [(*self.span(node), "pass")]
            case ast.Assign(targets=[ast.Subscript() | ast.Attribute(), *_]):
                yield [(*self.span(node), "pass")]


def _is_text(node: ast.AST) -> bool:
    """Whether it is no number for certain: `+` then joins, and nothing else would do."""
    return isinstance(node, TEXTS) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def nodes(node: ast.AST, scope: str = "", function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every node that decides something, with the qualified name of the innermost function around it."""
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Assert | ast.JoinedStr):
                continue
            if isinstance(child, ast.keyword) and child.arg in GUARDS:
                continue
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            yield child, function
            match child:
                case ast.Raise():
                    pass  # messages are for readers
                case ast.FunctionDef(name=name):
                    yield from nodes(child, f"{scope}{name}.<locals>.", f"{scope}{name}")
                case ast.ClassDef(name=name):
                    yield from nodes(child, f"{scope}{name}.", function)
                case _:
                    yield from nodes(child, scope, function)


Change = tuple[str, str, bytes, str, Edit]  # room, file, its text, function, edit


def changes(room: str, file: str, source: bytes, chance: random.Random) -> Iterator[Change]:
    """A change for each place of a file, by chance where it has several."""
    places = Places(source)
    for node, function in nodes(ast.parse(source)):
        for choices in places.edits(node):
            if choices:
                yield room, file, source, function, chance.choice(choices)


def mutant(room: str, file: str, source: bytes, function: str, edit: Edit) -> Mutant | None:
    """What a change makes of its file; None where that means the same, or nothing to Python."""
    first, last, new = edit
    text = (source[:first] + new.encode() + source[last:]).decode()
    try:
        if ast.dump(ast.parse(text)) == ast.dump(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    begin, old, own = source[:first].count(b"\n"), source[first:last].count(b"\n"), new.count("\n")
    before, after = (
        " ".join(line.strip() for line in lines.splitlines()[begin : begin + further + 1])
        for lines, further in ((source.decode(), old), (text, own))
    )
    return Mutant(room, file, begin + 1, function, before, after, text)


def sampled(rooms: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """So many mutants, as many of each room, each place of it as likely as another."""
    found: list[Mutant] = []
    for place, room in enumerate(rooms):
        chance = random.Random(f"{seed} {room}")
        paths = [path for pattern in ROOMS[room][0] for path in sorted((ROOT / "simulate").glob(pattern))]
        texts = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths if path.name not in FOR_READERS}
        every = [each for file, source in texts.items() for each in changes(room, file, source, chance)]
        chance.shuffle(every)
        share = count * (place + 1) // len(rooms) - count * place // len(rooms)
        found += itertools.islice(filter(None, itertools.starmap(mutant, every)), share)
    return sorted(found, key=lambda each: (each.room, each.file, each.line))


# ---------------------------------------------------------------------------------------------------------
# Runs

Calls = Mapping[str, tuple[float, list[str]]]  # by test: its seconds, and the functions that it calls
Done = TypeVar("Done")


class Nursery:
    """A process for a copy of the tree, in which what all tests import is imported once: forks of it run pytest."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.copy = folder, folder / f"copy{number}"
        left = shutil.ignore_patterns(".git", ".venv", ".*cache", "outputs", "__pycache__")
        shutil.copytree(ROOT, self.copy, ignore=left)
        self.process = subprocess.Popen(
            [sys.executable, "-m", PLUGIN],
            cwd=self.copy,
            env={**os.environ, "PYTHONPATH": str(self.copy)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def pytest(self, arguments: Sequence[str], limit: float = 1e6, **variables: str) -> int:
        """Run tests, with variables of the environment; the exit status."""
        own = ["-q", "-n", "0", "-p", PLUGIN, "-p", "no:cacheprovider", f"--basetemp={self.copy}.temporary"]
        assert self.process.stdin
        assert self.process.stdout
        asked = {"arguments": [*own, *arguments], "limit": limit, "variables": variables}
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        status = int(self.process.stdout.readline())
        if status == 4:
            raise SystemExit(f"pytest cannot run {' '.join(arguments)}")
        return status

    def records(self, name: str) -> Calls:
        """Run the tests of a file, and tell who calls what."""
        told = self.folder / f"{name}.json"
        self.pytest([f"tests/test_{name}.py"], MUTATION_RECORD=str(told))
        found: Calls = json.loads(told.read_text(encoding="utf-8"))
        return found

    def survives(self, mutant: Mutant, calls: Calls) -> bool:
        """Whether no test notices a mutant."""
        order, place = order_for(mutant, calls), self.copy / mutant.file
        told = self.folder / f"{self.copy.name}.json"
        told.write_text(json.dumps(order), encoding="utf-8")
        own = [f"tests/test_{name}.py" for name in ROOMS[mutant.room][1]]
        files = dict.fromkeys([*own, *(test.partition("::")[0] for test in order if order[test] is not None)])
        text, times = place.read_bytes(), place.stat()
        place.write_text(mutant.text, encoding="utf-8")
        try:
            limit = 300 + 20 * sum(seconds or 0 for seconds in order.values())  # of waiting; others may be at work too
            return self.pytest(["-x", *files], limit, MUTATION_ORDER=str(told)) in {0, 5}
        finally:
            place.write_bytes(text)
            os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
            for compiled in place.parent.glob(f"__pycache__/{place.stem}.*"):
                compiled.unlink()


def order_for(mutant: Mutant, calls: Calls) -> dict[str, float | None]:
    """The seconds of the tests that a mutant meets, in their order, and None for all others."""
    file = mutant.file.removeprefix("simulate/")
    own = tuple(f"tests/test_{name}.py" for name in ROOMS[mutant.room][1])

    def meets(test: str, called: Sequence[str]) -> bool:
        if test.startswith(own) and not (mutant.function and called):
            return True  # it may read what the module says, or run the package in another process
        return f"{file}:{mutant.function}" in called if mutant.function else any(c.startswith(file) for c in called)

    costs = {
        test: seconds * (1 if test.startswith(own) else 3) for test, (seconds, c) in calls.items() if meets(test, c)
    }
    order: dict[str, float | None] = {}
    left = SECONDS
    for test in sorted(costs, key=costs.__getitem__):
        left -= calls[test][0]
        if left < 0:
            break
        order[test] = calls[test][0]
    return {**order, **dict.fromkeys((test for test in calls if test not in order), None)}


def judged(sample: Sequence[Mutant], rooms: Sequence[str], kept: Path | None) -> list[Mutant]:
    """The mutants that survive."""
    free: Queue[Nursery] = Queue()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(JOBS) as pool:
        for number in range(JOBS):
            free.put(Nursery(Path(folder), number))

        def borrowed(work: Callable[[Nursery], Done]) -> Done:
            nursery = free.get()
            try:
                return work(nursery)
            finally:
                free.put(nursery)

        def judge(mutant: Mutant) -> bool:
            start = time.monotonic()
            survived = borrowed(lambda nursery: nursery.survives(mutant, calls))
            state = "SURVIVED" if survived else "killed"
            told = f"{mutant.file}:{mutant.line} {mutant.before} -> {mutant.after}"
            print(f"{time.monotonic() - start:3.0f} s {state:8s} {told}", file=sys.stderr, flush=True)
            return survived

        calls: dict[str, tuple[float, list[str]]] = json.loads(kept.read_text()) if kept and kept.exists() else {}
        if not calls:
            names = dict.fromkeys(name for room in rooms for name in ROOMS[room][1])
            for told in pool.map(lambda name: borrowed(lambda nursery: nursery.records(name)), names):
                calls |= told
        if kept:
            kept.write_text(json.dumps(calls), encoding="utf-8")
        print(f"{len(calls)} tests, {sum(seconds for seconds, _ in calls.values()):.0f} s", file=sys.stderr)
        found = [mutant for mutant, survived in zip(sample, pool.map(judge, sample), strict=True) if survived]
        while not free.empty():
            free.get().process.communicate()  # the end of its input ends it
        return found


def reasons() -> dict[tuple[str, str, str], str]:
    """Why known survivors survive, by file and lines."""
    known = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["survivor"]
    return {(each["file"], each["before"], after): each["reason"] for each in known for after in each["after"]}


HEADING = """# Do the tests bite?

`python -m benchmarks mutation --count {count} --seed {seed} --format markdown` puts one fault at a time into a copy
of the code; it is killed where a test of the rooms fails. {known} of the {survivors} survivors have a reason.
"""


def report(sample: Sequence[Mutant], survivors: Sequence[Mutant], *, markdown: bool) -> None:
    """Print the score by room, and the survivors with their reasons."""
    edge, why = "| " if markdown else "", reasons()
    print(f"{edge}{'room':15s} {edge}mutants {edge}killed {edge}{' %':>5s}{edge and ' |'}")
    if markdown:
        print("| --- | --- | --- | --- |")
    for name in [*dict.fromkeys(each.room for each in sample), "all"]:
        number, lived = (sum(name in {each.room, "all"} for each in group) for group in (sample, survivors))
        share = 100 * (number - lived) / number
        print(f"{edge}{name:15s} {edge}{number:7d} {edge}{number - lived:6d} {edge}{share:5.1f}{edge and ' |'}")
    print("\nSurvivors:\n" if survivors else "\nNone survives.")
    for each in survivors:
        reason = why.get((each.file, each.before, each.after), "no reason known: a test is missing")
        if markdown:
            print(f"- `{each.file}:{each.line}`: {reason}\n\n  ```diff\n  - {each.before}\n  + {each.after}\n  ```")
        else:
            print(f"{each.file}:{each.line}: {reason}\n  - {each.before}\n  + {each.after}")


def main() -> None:
    """Draw, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument("--map", type=Path)
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    options = parser.parse_args()
    rooms = options.rooms.split(",")
    sample = sampled(rooms, options.count, options.seed)
    survivors = judged(sample, rooms, options.map)
    if options.format == "markdown":
        known = sum((each.file, each.before, each.after) in reasons() for each in survivors)
        print(HEADING.format(count=len(sample), seed=options.seed, known=known, survivors=len(survivors)))
    report(sample, survivors, markdown=options.format == "markdown")
