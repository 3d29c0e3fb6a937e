"""What questions are asked of: priors files, or earlier runs, which are drawn again as they were run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from simulate.errors import SimulateError, printable
from simulate.priors import Priors, PriorsError, SourceFile, load_priors, stated
from simulate.results import folder, provenance
from simulate.results.result import Result
from simulate.spelling import path_of


def read_source(source: Any, overrides: Sequence[str] = ()) -> Priors:
    """Priors from what `load_priors` takes, or of an earlier run: its folder, its .nc file, its Result or Dataset.

    Those of an earlier run have the settings that it was run with for their own, whatever has become of the file since;
    overrides go before those of the run. Raises SimulateError for what is no source.
    """
    named = isinstance(source, str | PathLike) and str(source).strip()  # nothing is not the working directory
    if named and folder.is_result(path_of(source)):
        result, where = folder.read_run(path_of(source)), str(source)
    elif isinstance(source, Result) or hasattr(source, "data_vars"):
        result, where = run_of(source), "the result"
    else:
        return source if isinstance(source, Priors) else load_priors(source, overrides)
    with whole(where):
        priors = priors_of(result, overrides)
    if priors:
        return priors
    raise SimulateError(f"{where}: its priors do not read the same any more; name the priors file itself")


def run_of(source: Any) -> Result:
    """The result of a run that is given as such or as a Dataset. Raises SimulateError for any other."""
    result = source if isinstance(source, Result) else Result.of_dataset(source)
    folder.check_run(result, "the result")
    return result


def priors_of(result: Result, overrides: Sequence[str] = ()) -> Priors | None:
    """The priors of a run, read again from the texts in it, with its settings; None where they do not read the same.

    What overrides say of `[run]` goes before the settings.
    """
    if not (priors := restated(result)):
        return None
    told = result.provenance
    if overrides:
        priors = stated(priors.files, [*told["overrides"], *overrides], told["choice"])
    newly: dict[str, Any] = {}
    for layer in reversed(priors.layers[: len(overrides)]):  # the nearest comes first
        newly |= layer.tables.get("run", {})
    return replace(priors, run=provenance.settings_of(result).asked(**newly))


def restated(result: Result) -> Priors | None:
    """The priors of any result that holds them, read again from the texts in it; None where they read otherwise."""
    told = result.provenance
    files = [SourceFile(Path(file["path"]), file["text"], file["sha256"]) for file in told["files"]]
    try:
        priors = stated(files, told["overrides"], told["choice"])
    except PriorsError:
        return None
    return priors if _drawn(provenance.stated(priors)) == _drawn(told) else None


@contextmanager
def whole(where: str) -> Iterator[None]:
    """Raise SimulateError, beginning with `where`, where the block finds that a result does not hold what it must."""
    try:
        yield
    except SimulateError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        missing = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SimulateError(f"{where}: is no whole result ({printable(missing)}); run the priors file again") from None


def _drawn(told: Mapping[str, Any]) -> str:
    """What decides how stated priors are drawn, as one text."""
    decisive = ("family", "unit", "specification")
    return json.dumps({name: [prior[key] for key in decisive] for name, prior in told["priors"].items()})
