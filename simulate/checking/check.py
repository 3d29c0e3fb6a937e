"""What `check` reads: priors files, by name or by folder, and what is wrong in any of them, or refused by its run."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from simulate.conditions import TooFewError
from simulate.errors import Fault, SimulateError
from simulate.grammar import PRECISION
from simulate.priors import Priors
from simulate.results.folder import is_result
from simulate.results.sources import read_source
from simulate.runs.precision import targets
from simulate.runs.run import NoNumbersError, refuse
from simulate.scenarios import Drawing, asked_quantities
from simulate.spelling import path_of

FEW = 2**12  # scenarios that `check` draws of a file
MANY = 2**20  # and the most that it draws where their number decides


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
    """Read and check a file. Raises SimulateError for what is wrong in it, and for what its run refuses."""
    priors = read_source(name, overrides)
    check_run(priors)
    return priors


def check_run(priors: Priors) -> None:
    """Raise the SimulateError that a run of the priors raises, by their own settings and from few scenarios.

    Where few leave a quantity without a number or too little to conditions, as many are drawn as the run has, MANY at
    most: beyond, what is a number in none of MANY is refused, and whether conditions leave enough is left to the run.
    """
    settings, doubtful = priors.run.asked(), False
    precision = settings.precision  # for which a run would go on; one that cannot be read is told with all else
    if precision is not None:
        with suppress(SimulateError):
            PRECISION.read(precision, "--precision")
            precision = None

    def drawn(most: int) -> None:
        """Run as many scenarios as are asked for, `most` at most, and once."""
        few = settings.model_copy(update={"scenarios": min(settings.scenarios, most), "precision": precision})
        refuse(replace(priors, run=few), exact=most == FEW)

    try:
        drawn(FEW)
    except (NoNumbersError, TooFewError):
        doubtful = True
    asked = asked_quantities(priors)
    if settings.precision:
        targets(settings.precision, asked)
    # a scheme may hold fewer than are asked for
    Drawing({"": priors}, settings, exact=True).scenarios("", asked).sampler.words(0)
    if doubtful:
        try:
            drawn(MANY)
        except TooFewError:
            if settings.scenarios <= MANY and not settings.precision:
                raise


def checked_files(names: Sequence[str], overrides: Sequence[str] = ()) -> tuple[list[Priors], dict[str, list[Fault]]]:
    """Read and check files: the priors of those that are right, and of each other what is wrong with it."""
    right, wrong = list[Priors](), dict[str, list[Fault]]()
    for name in names:
        try:
            right.append(checked_file(name, overrides))
        except SimulateError as error:
            wrong[name] = [fault if fault.file else fault._replace(file=name) for fault in error.faults]
    return right, wrong
