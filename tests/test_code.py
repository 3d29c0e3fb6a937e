"""The code's own rules that no checker knows: imports go one way, faces hold no logic, files stay short."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "simulate"
FILES = sorted(PACKAGE.rglob("*.py"))
# Each room may import those before it: the way of a question from its text to its answer, read upwards.
ORDER = """
    arrays device errors special signals spelling syntax reading writing shipped plain checkpoints revisions style
    registry machine backends spreadsheet units shorthand composing graph figures layout plotting
    formulas grammar model rulers occurrences tallies steps summary
    distributions dependence sampling settings catalog token_prices priors
    replicates conditions aiming scenarios results spread influence statistics gathering bands folding thresholds
    rounding gates
    runs sensitivity comparison decisions sweeps calibration backtesting evidence
    questions formats workbook reference explaining checking verification library agents cli __main__
"""
ROOMS = ORDER.split()


def room(path: Path) -> str:
    """The folder or file of the package in which a module lies."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "simulate":
            inner = node.module.split(".")[1:]
            found |= {inner[0]} if inner else {alias.name for alias in node.names}
    return found & set(ROOMS) - {room(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_special_functions_come_from_their_room(path):
    """The package of scipy's brings along what takes ten times as long to import."""
    assert path.name == "special.py" or "scipy.special" not in path.read_text(encoding="utf-8")


def test_every_room_has_its_place():
    assert {room(path) for path in FILES} - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    if path == PACKAGE / "__init__.py":  # the door to all rooms
        return
    own = room(path)
    wrong = {each for each in imported_rooms(path) if ROOMS.index(each) > ROOMS.index(own)}
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_short_and_faces_hold_no_logic(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    if path.name != "__init__.py":
        return
    assert text.count("\n") <= 60
    functions = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert set(functions) <= {"__getattr__", "__dir__", "__call__"}  # late imports, and a protocol's signature
