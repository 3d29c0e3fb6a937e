"""The door: a priors file, its text or its tables to `Priors`, and the cases of its choices."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulate import settings
from simulate.errors import Fault, SimulateError, suggestion
from simulate.priors.building import built
from simulate.priors.files import file_layer, override_layer, read_files, shown_setting
from simulate.priors.layers import Layer, PriorsError, Problem, SourceFile, raise_all
from simulate.priors.schema import checked
from simulate.priors.types import Priors


def load_priors(source: Path | str | Mapping[str, Any], overrides: Sequence[str] = ()) -> Priors:
    """Read and check priors, the files that they extend, and overrides such as "pue=1.1" that go before them.

    `source` is a path, the name of a file that ships ("base"), the text of a priors file (with a line break or
    an equals sign in it), or a mapping of tables as TOML gives them. Raises PriorsError for all that is wrong, a line
    for each fault, and SimulateError for overrides that are no texts.
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
        raise PriorsError(f"{priors.path}: there is no choice {name}{mend}", code="unknown_name")
    return priors.cases[name]


def _loaded(
    files: Sequence[SourceFile], file_layers: Sequence[Layer], problems: Sequence[Problem], overrides: Sequence[str]
) -> Priors:
    """Check the shape of the layers and build from them; overrides given later are nearer.

    Where something is wrong, what else can be checked is checked too; what is wrong for want of that is not told.
    """
    unread: list[Fault] = []
    given: list[Layer] = []
    for text in overrides:
        try:
            given.append(override_layer(text))
        except SimulateError as error:
            unread += error.faults
            given.append(Layer(shown_setting(text), {}))
    layers, found = [], list(problems)
    for layer in (*reversed(given), *file_layers):
        whole, faults = checked(layer)
        layers.append(whole)
        found += faults
    priors, more = built(files, overrides, layers, "")
    found += more
    cases = {"": priors}
    for name in priors.choices:
        cases[name], more = built(files, overrides, layers, name)
        found += _of_choice(more, found)
    if unread or any(problem.hides for problem in found):
        found = [problem for problem in found if problem.alone]
    raise_all(found, [*given, *file_layers], unread)
    for each in cases.values():
        each.cases.update(cases)
    return priors


def _of_choice(problems: Sequence[Problem], of_file: Sequence[Problem]) -> list[Problem]:
    """The problems of a choice's case that are not the file's, nor follow from one of these."""
    faulty = {problem.key[:2] for problem in of_file}
    return [problem for problem in problems if not of_file or (problem.layer.prefix and problem.key[:2] not in faulty)]
