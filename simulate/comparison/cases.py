"""Cases to compare: priors files, variations of one, and earlier runs, drawn again from the priors that they state."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulate.priors import Priors, PriorsError, SourceFile, load_priors, stated

if TYPE_CHECKING:
    from xarray import Dataset


class CaseError(ValueError):
    """Cases that cannot be told apart or made."""


@dataclass(frozen=True)
class Case:
    """What is compared: a priors file, or an earlier run of which the priors cannot be had any more."""

    name: str
    label: str  # what pictures and tables call it
    priors: Priors | None = None
    saved: Dataset | None = None


def cases(sources: Sequence[tuple[Path, Priors | Dataset]]) -> list[Case]:
    """Cases of priors read from a path, or of Datasets of earlier runs, named by the stems of their paths.

    An earlier run is drawn again from the priors that it states, as far as that can be done (`saved_priors`).
    """
    named = []
    for (_, source), name in zip(sources, unique([_stem(path) for path, _ in sources]), strict=True):
        if isinstance(source, Priors):
            named.append(Case(name, name, source))
        else:
            named.append(Case(name, name, saved_priors(source), source))
    return named


def varied(path: Path, settings: Sequence[str]) -> list[Case]:
    """Cases of one priors file, one for each combination of the values in `settings`: 'pue=1.1,1.2,1.3'.

    The first combination, of the first values, is the baseline; a later setting varies faster. A value may be
    whatever `--set` takes. Raises CaseError for a setting without values, PriorsError for one that does not fit.
    """
    choices = []
    for setting in settings:
        name, equals, values = setting.partition("=")
        listed = [value.strip() for value in _split(values)]
        if not equals or not name.strip() or not all(listed):
            raise CaseError(f"--vary: {setting!r} lists no values; write for instance 'pue=1.1,1.2,1.3'")
        choices.append([f"{name.strip()}={value}" for value in listed])
    combinations = list(itertools.product(*choices))
    names = unique([path.stem] * len(combinations))
    return [
        Case(name, " ".join(combination), load_priors(path, combination))
        for name, combination in zip(names, combinations, strict=True)
    ]


def saved_priors(dataset: Dataset) -> Priors | None:
    """The priors that an earlier run states, read again from the texts in it; None where they do not read the same."""
    told = json.loads(dataset.attrs["priors"])
    files = [SourceFile(Path(file["path"]), file["text"], file["sha256"]) for file in told["files"]]
    try:
        priors = stated(files, told.get("overrides", ()), told.get("choice", ""))
    except PriorsError:
        return None
    read = {
        name: (prior.family, prior.unit, json.loads(json.dumps(dict(prior.specification))))
        for name, prior in priors.priors.items()
    }
    written = {
        name: (prior["family"], prior["unit"], prior["specification"])
        for name, prior in told["priors"].items()
    }
    return priors if read == written else None


def unique(names: Sequence[str]) -> list[str]:
    """The names, a repeated one with -2, -3 ... after it."""
    taken: list[str] = []
    for name in names:
        numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        taken.append(next(each for each in numbered if each not in taken))
    return taken


def _stem(path: Path) -> str:
    """The name of a file without its ending, of a folder, and of a result.nc the folder's that it lies in."""
    path = path.absolute()
    if path.name == "result.nc":
        return path.parent.name or path.stem
    return path.stem if path.suffix in {".toml", ".nc"} else path.name


def _split(text: str) -> list[str]:
    """The text at its commas, but not within brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "[{") - (character in "]}")
            if character == "," and not depth:
                parts.append("")
                continue
        parts[-1] += character
    return parts
