"""Make one of the measurements, from the root of the checkout.

    python -m benchmarks [NAME [options]]

A measurement is a module of this folder with a function `main`, which reads its options from the command line. Without
a name they are listed, a line each; `NAME --help` tells the options.
"""

import ast
import sys
from importlib import import_module
from pathlib import Path


def measurements() -> dict[str, str]:
    """What each measurement tells in its first line, by name."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in module.body):
            found[path.stem] = (ast.get_docstring(module) or "").partition("\n")[0]
    return found


def main() -> None:
    """Make the measurement that the command line names, or list them."""
    name, *options = sys.argv[1:] or [""]
    found = measurements()
    if name not in found:
        lines = [f"{each:{max(map(len, found))}}  {told}" for each, told in found.items()]
        sys.exit("\n".join([f"there is no measurement {name!r}; there are" if name else __doc__ or "", *lines]))
    sys.argv = [f"python -m benchmarks {name}", *options]
    import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
