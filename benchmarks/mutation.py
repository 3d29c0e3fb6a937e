"""Do the tests bite? Small faults are put into the code one at a time, and the tests that run it must notice each.

    python benchmarks/mutation.py [--count 200] [--seed 1] [--rooms conditions,sampling] [--format table|markdown]

A mutant is one change of one token or statement: a comparison, an operator, a constant by one, a dropped `not` or end
of a slice, `and` for `or`, min for max, a statement left out, None returned. A seeded sample has as many of each room;
what is for readers only (reports, pictures, messages, annotations) is left out. All tests run once, to
see which call which function. Each mutant then meets, in a copy of the tree, those that call the changed function, the
quick ones and the room's own first, up to a minute of them, until one fails. `--map FILE` keeps who calls what for
another sample. Survivors that are known have their reason in mutation.toml.
"""

from __future__ import annotations

import argparse
import ast
import collections
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {  # the files below simulate/, and the tests that are theirs
    "replicates": (["replicates.py", "backends.py"], ["replicates", "kills"]),
    "scenarios": (["scenarios.py"], ["scenarios"]),
    "sampling": (["sampling/**/*.py", "dependence.py"], ["sampling", "samples", "draw_tables", "dependence"]),
    "conditions": (["conditions.py"], ["conditions"]),
    "distributions": (["distributions/*.py"], ["distributions", "draw_tables"]),
    "summary": (["summary.py"], ["summary", "statistics"]),
    "statistics": (["statistics.py"], ["statistics", "summary", "runs"]),
    "comparison": (["comparison/*.py"], ["comparison", "bridge"]),
    "sensitivity": (["sensitivity/**/*.py"], ["sensitivity"]),
    "decisions": (["decisions/*.py"], ["decisions"]),
}
FOR_READERS = {"report.py", "plots.py", "__init__.py"}
IGNORED = ("readme", "packaging", "code", "mutations")  # tests of texts, of files that are no code, of other processes
SECONDS = 60.0  # of tests that a mutant meets
JOBS = 2
TOO_LONG = 9  # exit status of a test that no longer ends

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
                yield [(*self.span(node), repr(other) if other >= 0 else f"({other!r})") for other in _beside(value)]
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


def _beside(value: float) -> tuple[float, float]:
    return value + 1, value - 1


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


def mutants(room: str, path: Path, chance: random.Random) -> Iterator[Mutant]:
    """A mutant for each place of a file, by chance where it has several."""
    source = path.read_bytes()
    places, tree = Places(source), ast.parse(source)
    whole = ast.dump(tree)
    lines = source.decode().splitlines()
    for node, function in nodes(tree):
        for choices in places.edits(node):
            if not choices:
                continue
            first, last, new = chance.choice(choices)
            text = (source[:first] + new.encode() + source[last:]).decode()
            try:
                changed = ast.dump(ast.parse(text)) != whole
            except SyntaxError:
                continue
            if changed:
                begin = source[:first].count(b"\n")
                old, extra = source[first:last].count(b"\n"), new.count("\n")
                before = " ".join(line.strip() for line in lines[begin : begin + old + 1])
                after = " ".join(line.strip() for line in text.splitlines()[begin : begin + extra + 1])
                yield Mutant(room, path.relative_to(ROOT).as_posix(), begin + 1, function, before, after, text)


def sampled(rooms: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """So many mutants, as many of each room, each place of it as likely as another."""
    found: list[Mutant] = []
    for place, room in enumerate(rooms):
        chance = random.Random(f"{seed} {room}")
        files = [path for pattern in ROOMS[room][0] for path in sorted((ROOT / "simulate").glob(pattern))]
        every = [each for path in files if path.name not in FOR_READERS for each in mutants(room, path, chance)]
        share = count * (place + 1) // len(rooms) - count * place // len(rooms)
        found += chance.sample(every, min(share, len(every)))
    return sorted(found, key=lambda each: (each.room, each.file, each.line))


# ---------------------------------------------------------------------------------------------------------
# In pytest, which loads this file as a plugin: who calls what, and which tests to run in which order

RECORD, ORDER = os.environ.get("MUTATION_RECORD"), os.environ.get("MUTATION_ORDER")
_called: dict[str, list[str]] = {}
_seconds: dict[str, float] = {}
_seen: set[Any] = set()
_expected: dict[str, float | None] = {}


def _trace(frame: Any, _event: str, _argument: Any) -> None:
    _seen.add(frame.f_code)


def pytest_runtest_setup(item: Any) -> None:
    """Begin to record, or to wait."""
    if RECORD:
        _seen.clear()
        threading.settrace(_trace)
        sys.settrace(_trace)
        _seconds[item.nodeid] = -time.perf_counter()
    if ORDER:
        signal.signal(signal.SIGALRM, lambda *_: os._exit(TOO_LONG))
        signal.setitimer(signal.ITIMER_REAL, 20 + 5 * (_expected.get(item.nodeid) or 0))


def pytest_runtest_teardown(item: Any) -> None:
    """Note what the test has called."""
    if RECORD:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        _seconds[item.nodeid] += time.perf_counter()
        package = f"{Path.cwd() / 'simulate'}{os.sep}"
        files = {code for code in _seen if code.co_filename.startswith(package)}
        _called[item.nodeid] = sorted({f"{code.co_filename[len(package) :]}:{code.co_qualname}" for code in files})


def pytest_runtest_logreport(report: Any) -> None:
    """Forget tests that fail without any mutant."""
    if RECORD and report.failed:
        _called[report.nodeid] = []


def pytest_sessionfinish() -> None:
    """Write down who calls what, a file for each process."""
    if RECORD and _called:
        found = {test: [_seconds[test], called] for test, called in _called.items() if called}
        Path(RECORD, f"{os.getpid()}.json").write_text(json.dumps(found), encoding="utf-8")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Put the tests in their order; those that nobody has seen yet come first."""
    if not ORDER:
        return
    _expected.update(json.loads(Path(ORDER).read_text(encoding="utf-8")))
    place = {test: number for number, test in enumerate(_expected)}
    items[:] = sorted(
        (item for item in items if _expected.get(item.nodeid, 0.0) is not None),
        key=lambda item: place.get(item.nodeid, -1),
    )


# ---------------------------------------------------------------------------------------------------------
# Runs

Calls = Mapping[str, tuple[float, list[str]]]  # by test: its seconds, and the functions that it calls


def ran(copy: Path, arguments: Sequence[str], limit: float | None = None, **environment: str) -> int:
    """Run pytest in a copy of the tree; its exit status."""
    paths = os.pathsep.join([str(copy), str(copy.parent / "plugin")])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "mutation", "-p", "no:cacheprovider", *arguments]
    try:
        return subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "PYTHONPATH": paths, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return TOO_LONG


def recorded(copy: Path) -> Calls:
    """Run all tests once, and tell who calls what."""
    folder = copy.parent / "record"
    folder.mkdir()
    ignored = [f"--ignore=tests/test_{name}.py" for name in IGNORED]
    ran(copy, ["-n", str(JOBS), *ignored], MUTATION_RECORD=str(folder))
    return {test: told for file in folder.iterdir() for test, told in json.loads(file.read_text()).items()}


def order_for(mutant: Mutant, calls: Calls) -> dict[str, float | None]:
    """The seconds of the tests that a mutant meets, in their order, and None for all others."""
    file = mutant.file.removeprefix("simulate/")
    own = tuple(f"tests/test_{name}.py" for name in ROOMS[mutant.room][1])

    def meets(called: Sequence[str]) -> bool:
        return f"{file}:{mutant.function}" in called if mutant.function else any(c.startswith(file) for c in called)

    costs = {test: seconds * (1 if test.startswith(own) else 3) for test, (seconds, c) in calls.items() if meets(c)}
    order: dict[str, float | None] = {}
    left = SECONDS
    for test in sorted(costs, key=costs.__getitem__):
        left -= calls[test][0]
        if left < 0:
            break
        order[test] = calls[test][0]
    return {**order, **dict.fromkeys((test for test in calls if test not in order), None)}


def survives(mutant: Mutant, copy: Path, calls: Calls) -> bool:
    """Whether no test notices a mutant."""
    order = order_for(mutant, calls)
    own = [f"tests/test_{name}.py" for name in ROOMS[mutant.room][1]]
    files = dict.fromkeys([*own, *(test.partition("::")[0] for test, seconds in order.items() if seconds is not None)])
    told = copy.parent / f"{copy.name}.json"
    told.write_text(json.dumps(order), encoding="utf-8")
    place = copy / mutant.file
    place.write_text(mutant.text, encoding="utf-8")
    try:
        limit = 60 + 5 * sum(seconds or 0 for seconds in order.values())
        arguments = ["-x", "-n", "0", *(file for file in files if (copy / file).exists())]
        status = ran(copy, arguments, limit, MUTATION_ORDER=str(told), PYTHONDONTWRITEBYTECODE="1")
    finally:
        shutil.copy2(ROOT / mutant.file, place)  # with its time, by which Python knows that it is unchanged
    if status not in {0, 1, 2, 3, 5, TOO_LONG}:
        raise SystemExit(f"pytest ended with {status} on {mutant.file}:{mutant.line}")
    return status in {0, 5}


def judged(sample: Sequence[Mutant], kept: Path | None) -> list[Mutant]:
    """The mutants that survive."""
    with tempfile.TemporaryDirectory() as folder:
        (work := Path(folder) / "plugin").mkdir()
        shutil.copy2(__file__, work)
        copies = [Path(folder) / f"copy{number}" for number in range(JOBS)]
        left = shutil.ignore_patterns(".git", ".venv", ".*cache", "outputs", "__pycache__")
        shutil.copytree(ROOT, copies[0], ignore=left)
        if kept and kept.exists():
            calls = json.loads(kept.read_text())
        else:
            calls = recorded(copies[0])
            if kept:
                kept.write_text(json.dumps(calls), encoding="utf-8")
        print(f"{len(calls)} tests, {sum(seconds for seconds, _ in calls.values()):.0f} s", file=sys.stderr)
        for copy in copies[1:]:
            shutil.copytree(copies[0], copy)
        free: Queue[Path] = Queue()
        for copy in copies:
            free.put(copy)

        def judge(mutant: Mutant) -> bool:
            copy, start = free.get(), time.monotonic()
            survived = survives(mutant, copy, calls)
            free.put(copy)
            state = "SURVIVED" if survived else "killed"
            told = f"{mutant.file}:{mutant.line} {mutant.before} -> {mutant.after}"
            print(f"{time.monotonic() - start:3.0f} s {state:8s} {told}", file=sys.stderr, flush=True)
            return survived

        with ThreadPoolExecutor(JOBS) as pool:
            return [mutant for mutant, survived in zip(sample, pool.map(judge, sample), strict=True) if survived]


def reasons() -> dict[tuple[str, str, str], str]:
    """Why known survivors survive, by file and lines."""
    known = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["survivor"]
    return {(each["file"], each["before"], each["after"]): each["reason"] for each in known}


def main() -> None:
    """Draw, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument("--map", type=Path)
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    options = parser.parse_args()
    sample = sampled(options.rooms.split(","), options.count, options.seed)
    survivors, why = judged(sample, options.map), reasons()
    edge = "| " if options.format == "markdown" else ""
    print(f"{edge}{'room':15s} {edge}mutants {edge}killed {edge}{' %':>5s}{edge and ' |'}")
    if edge:
        print("| --- | --- | --- | --- |")
    total, lived = (collections.Counter(each.room for each in group) for group in (sample, survivors))
    for name in [*total, "all"]:
        number = total[name] if name in total else len(sample)
        killed = number - (lived[name] if name in total else len(survivors))
        print(f"{edge}{name:15s} {edge}{number:7d} {edge}{killed:6d} {edge}{100 * killed / number:5.1f}{edge and ' |'}")
    print("\nSurvivors:\n" if survivors else "\nNone survives.")
    for each in survivors:
        reason = why.get((each.file, each.before, each.after), "no reason known: a test is missing")
        if edge:
            print(f"- `{each.file}:{each.line}`\n  `{each.before}`\n  → `{each.after}`\n  {reason}")
        else:
            print(f"{each.file}:{each.line}\n  - {each.before}\n  + {each.after}\n  {reason}")


if __name__ == "__main__":
    main()
