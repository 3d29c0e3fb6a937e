"""The code's own rules that no checker knows: imports go one way."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "simulate"


def imports_of(path: Path) -> set[str]:
    """The modules of the package that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "simulate":
            inner = node.module.split(".")[1:]
            found |= {inner[0]} if inner else {alias.name for alias in node.names}
    return found - {"__version__", path.stem, path.parent.name}


# What the lowest rooms may import beside the one error; above them, the rule is that no two rooms import each other.
LOWEST: dict[str, set[str]] = {
    "errors": set(),
    "registry": {"errors"},
    "distributions": {"errors"},
    "units": set(),
    "errors": set(),
    "formulas": {"errors"},
    "grammar": {"errors", "formulas"},
    "graph": set(),
    "summary": set(),
    "backends": set(),
    "tables": {"graph"},
    "model": {"graph"},
    "plots": {"tables", "graph", "report"},
    "dependence": {"distributions", "errors"},
    "sampling": {"distributions", "dependence", "errors", "registry"},
}


def test_no_two_rooms_import_each_other():
    names = {path.stem if path.suffix else path.name for path in PACKAGE.iterdir()} - {"__pycache__", "data"}
    graph = {}
    for name in names - {"__init__"}:
        files = (
            [PACKAGE / f"{name}.py"] if (PACKAGE / f"{name}.py").exists() else (PACKAGE / name).glob("*.py")
        )
        graph[name] = {found for file in files for found in imports_of(file)} & names - {name}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the rooms
    for name, allowed in LOWEST.items():
        assert graph[name] <= allowed | {"errors"}, f"{name} imports {graph[name] - allowed}"
