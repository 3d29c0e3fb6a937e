"""What `check` reads: priors files, by name or by folder, and what is wrong in any of them."""

from collections.abc import Sequence
from pathlib import Path

from simulate.errors import Fault, SimulateError
from simulate.gates import gates
from simulate.priors import Priors
from simulate.results.folder import is_result
from simulate.results.sources import read_source
from simulate.spelling import path_of


def named_files(sources: Sequence[str]) -> list[str]:
    """The priors files that sources name, each once: of a folder all `.toml` files below it, by path.

    Files and folders whose names begin with a point are left out, as is what is no file. A folder of a run stands for
    itself. Raises SimulateError for a folder without priors files.
    """
    names: list[str] = []
    for source in sources:
        folder = path_of(source)
        if not source.strip() or is_result(folder) or not folder.is_dir():
            names.append(source)
        elif below := sorted(path for path in folder.rglob("*.toml") if path.is_file() and not _hidden(path, folder)):
            names += map(str, below)
        else:
            raise SimulateError(Fault("there is no .toml file below it; name a priors file", source, code="file"))
    return list(dict.fromkeys(names))


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def checked_file(name: str, overrides: Sequence[str] = ()) -> Priors:
    """Read and check a file, with the gates of its `[run]`. Raises SimulateError for what is wrong, as a run does."""
    priors = read_source(name, overrides)
    gates(priors, priors.run.asked().fail_if)
    return priors


def checked_files(names: Sequence[str], overrides: Sequence[str] = ()) -> tuple[list[Priors], dict[str, list[Fault]]]:
    """Read and check files: the priors of those that are right, and of each other what is wrong with it."""
    right, wrong = list[Priors](), dict[str, list[Fault]]()
    for name in names:
        try:
            right.append(checked_file(name, overrides))
        except SimulateError as error:
            wrong[name] = [fault if fault.file else fault._replace(file=name) for fault in error.faults]
    return right, wrong
