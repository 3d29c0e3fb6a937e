"""The door: a priors file, its text or its tables to `Priors`, and the cases of its choices."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulate import settings
from simulate.errors import suggestion
from simulate.priors.building import built
from simulate.priors.files import file_layer, override_layer, read_files
from simulate.priors.layers import Layer, PriorsError, Problem, SourceFile, raise_first
from simulate.priors.schema import checked
from simulate.priors.types import Priors

WHOLE = (("extends",), ("priors",), ("quantities",))  # keys without which other names are unknown


def load_priors(source: Path | str | Mapping[str, Any], overrides: Sequence[str] = ()) -> Priors:
    """Read and check priors, the files that they extend, and overrides such as "pue=1.1" that go before them.

    `source` is a path, the name of a file that ships ("base"), the text of a priors file (with a line break or
    an equals sign in it), or a mapping of tables as TOML gives them. Raises PriorsError for the first thing that
    is wrong, in one line, and SimulateError for overrides that are no texts.
    """
    files, layers, problems = read_files(source)
    return _loaded(files, layers, problems, settings.checked(settings.Texts, "overrides", overrides))


def stated(files: Sequence[SourceFile], overrides: Sequence[str] = (), chosen: str = "") -> Priors:
    """Read priors again from the texts that `Priors.files` kept, whatever has become of the files since.

    Only files of data that a prior names are looked for, in the folders where they were. Raises PriorsError
    where the texts are no whole priors file any more.
    """
    layers = [file_layer(file, own=not place) for place, file in enumerate(files)]
    extending = ["extends" in layer.tables for layer in layers]
    if extending != [True] * (len(files) - 1) + [False]:
        raise PriorsError("the texts kept of a priors file are not whole; name the file itself")
    priors = _loaded(files, layers, [], overrides)
    return choice(priors, chosen) if chosen else priors


def choice(priors: Priors, name: str) -> Priors:
    """Return the case of `[choices.NAME]`: the priors with that choice's entries in place of the file's.

    An override still goes before. Raises SimulateError where there is no such choice.
    """
    if settings.checked(str, "choice", name) not in priors.choices:
        known = ", ".join(priors.choices) or "none"
        mend = suggestion(name, priors.choices, f"choices are {known}")
        raise PriorsError(f"{priors.path}: there is no choice {name}{mend}")
    case, problems = built(priors.files, priors.overrides, priors.layers, name)
    raise_first(problems, priors.layers)
    return case


def _loaded(
    files: Sequence[SourceFile], file_layers: Sequence[Layer], problems: Sequence[Problem], overrides: Sequence[str]
) -> Priors:
    """Check the shape of the layers and build from them; overrides given later are nearer."""
    layers, found = [], list(problems)
    for layer in (*map(override_layer, reversed(overrides)), *file_layers):
        whole, faults = checked(layer)
        layers.append(whole)
        found += faults
    if any(problem.key in WHOLE for problem in found):
        raise_first(found, layers)  # what else is wrong may be for want of what would have stood there
    priors, more = built(files, overrides, layers, "")
    raise_first([*found, *more], layers)
    for name in priors.choices:
        choice(priors, name)
    return priors
