"""What benchmarks/mutation.py changes in the code."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

from benchmarks import mutation

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("return a < b", {"return a <= b", "return a > b", "return None"}),
        ("return a is not b", {"return a is b", "return None"}),
        ("return a + b * 2", {"return a - b * 2", "return a + b / 2", "return a + b * 3", "return a + b * 1"}),
        ("x = 'é' + a - 0.5", {"x = 'é' + a + 0.5", "x = 'é' + a - 1.5", "x = 'é' + a - (-0.5)"}),
        ("x = f'{a + 1}' + 'b'", set()),
        ("x = not a and -b", {"x = a and -b", "x = not a or -b", "x = not a and b"}),
        ("x = min(a[1:n])", {"x = max(a[1:n])", "x = min(a[2:n])", "x = min(a[0:n])", "x = min(a[:n])"}),
        ("x: Array[1] = a(strict=True, axis=0)", {"x: Array[1] = a(strict=True, axis=1)"}),
        ("x += 1", {"x -= 1", "x += 2", "x += 0", "pass"}),
        ("assert a < 1", set()),
        ("raise Error(1 + 2)", {"pass"}),
        ("x = a if b else c", {"x = a if not (b) else c"}),
    ],
)
def test_what_is_changed(line, changed):
    """Each place of a line, whichever of its changes chance takes."""
    source = f"class Room:\n    def work(self, a, b):\n        {line}\n".encode()
    found = [
        mutation.mutant(*each)
        for seed in range(20)
        for each in mutation.changes("room", "a.py", source, random.Random(seed))
    ]
    assert changed <= {each.after for each in found}
    assert {(each.file, each.line, each.function, each.before) for each in found} <= {("a.py", 3, "Room.work", line)}
    if not changed:
        assert found == []


def test_a_sample_is_of_its_seed_and_of_all_its_rooms():
    rooms = ["conditions", "decisions"]
    sample = mutation.sampled(rooms, 21, 7)
    assert sample == mutation.sampled(rooms, 21, 7) != mutation.sampled(rooms, 21, 8)
    assert sorted(each.room for each in sample) == ["conditions"] * 10 + ["decisions"] * 11
    for each in sample:
        before = (ROOT / each.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(before)) != ast.dump(ast.parse(each.text))


def test_the_reasons_are_of_lines_that_there_are():
    for (file, before, after), reason in mutation.reasons().items():
        lines = [line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
        assert before in lines, (file, before)
        assert after != before
        assert reason
