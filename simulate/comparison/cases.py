"""Cases to compare: priors files, variations of one, and earlier runs, drawn again as they were run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulate import grammar
from simulate.errors import SimulateError
from simulate.graph import Quantity
from simulate.priors import Priors, choice, load_priors, stated
from simulate.results import Result, folder, provenance
from simulate.results.sources import priors_of, run_of, whole
from simulate.scenarios import asked_quantities
from simulate.settings import Settings, Texts, checked
from simulate.spelling import file_name, name_text

if TYPE_CHECKING:
    from xarray import Dataset

MOST_CASES = 1_000  # made by varying: each is a file read anew, and a column of every table


@dataclass(frozen=True)
class Case:
    """What is compared: priors with the settings that they are run with.

    `priors` is None for an earlier run whose priors cannot be had any more; `saved` is the result of an earlier run.
    """

    name: str
    label: str  # what pictures and tables call it
    priors: Priors | None
    settings: Settings
    saved: Result | None = None

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions and measured values under which the case is told, as texts."""
        return self.settings.conditions

    @property
    def told(self) -> Mapping[str, Any]:
        """What it rests on, as a result tells it."""
        if self.priors is not None:
            return provenance.stated(self.priors)
        assert self.saved is not None
        return self.saved.provenance

    @cached_property
    def quantities(self) -> Mapping[str, Quantity]:
        """The quantities that it can tell."""
        if self.priors is not None:
            return {name: self.priors.quantities[name] for name in asked_quantities(self.priors, "all")}
        assert self.saved is not None
        told = zip(*map(self.saved.labels, ("quantity", "unit", "label")), strict=True)
        return {name: Quantity(name, unit, "", stated_label=label) for name, unit, label in told}

    def unit(self, quantity: str) -> str:
        """The unit of a quantity, empty where the case cannot tell it."""
        return self.quantities[quantity].unit if quantity in self.quantities else ""


if TYPE_CHECKING:
    Source = str | PathLike[str] | Priors | Result | Dataset | Case


def cases_of(sources: Source | Sequence[Source], vary: Sequence[str] | str = ()) -> list[Case]:
    """The cases of sources, one or a list of them, with names of their own.

    A source is a priors file, also the name of one that ships or FILE:CHOICE; a folder or a .nc file of an earlier
    run; `Priors`; the `Result` or Dataset of a run; or a Case. Texts in `vary`, such as 'pue=1.1,1.2', make cases
    of one priors file: one for each combination of the values, those of a later text varying faster. The first
    is the baseline. Raises SimulateError for what is no source or cannot be varied.
    """
    made = [_case_of(source) for source in (sources if isinstance(sources, list | tuple) else [sources])]
    if varying := checked(Texts, "vary", vary):
        if len(made) != 1 or made[0].priors is None or made[0].saved:
            raise SimulateError("--vary: makes cases of one priors file; name that alone")
        made = _varied(made[0], made[0].priors, varying)
    names = unique([case.name for case in made])
    return [
        replace(case, name=name, label=name if case.label == case.name else case.label)
        for case, name in zip(made, names, strict=True)
    ]


def default_name(cases: Sequence[Case], vary: Sequence[str] = ()) -> str:
    """The folder of a comparison: ``BASELINE-vs-ALTERNATIVE``, the first three named, or ``FILE-by-NAMES``."""
    names = [case.name for case in cases]
    if vary:
        return file_name(f"{names[0]}-by-{'-'.join(dict.fromkeys(text.partition('=')[0].strip() for text in vary))}")
    more = f"-and-{len(names) - 4}-more" if len(names) > 4 else ""
    return file_name(f"{names[0]}-vs-{'-'.join(names[1:4])}{more}")


def unique(names: Sequence[str]) -> list[str]:
    """The names, a repeated one with -2, -3 ... after it."""
    taken: list[str] = []
    for name in names:
        numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        taken.append(next(each for each in numbered if each not in taken))
    return taken


def _case_of(source: Any) -> Case:
    match source:
        case Case():
            return source
        case Priors():
            return _fresh(source)
        case Result():
            return _earlier(run_of(source))
        case str() | PathLike():
            path, chosen = grammar.CASE.read(str(source), "CASE")
            if folder.is_result(path):
                return _earlier(folder.read_run(path), path)
            priors = load_priors(path)
            return _fresh(choice(priors, chosen) if chosen else priors)
    if not hasattr(source, "data_vars"):
        raise SimulateError(f"{type(source).__name__} is nothing to compare; give a priors file, or an earlier run")
    return _earlier(run_of(source))


def _fresh(priors: Priors) -> Case:
    name = "-".join(filter(None, [name_text(folder.name_of(priors.path)), priors.chosen]))
    return Case(name, name, priors, priors.run)


def _earlier(result: Result, path: Path | None = None) -> Case:
    """The case of an earlier run: its priors read again from the texts in it, its own settings."""
    with whole(str(path or "the result")):
        name = name_text(folder.name_of(path or Path(result.provenance["files"][0]["path"])))
        return Case(name, name, priors_of(result), provenance.settings_of(result), result)


def _varied(case: Case, priors: Priors, varying: Iterable[str]) -> list[Case]:
    read = [grammar.VARIATION.read(text, "--vary") for text in varying]
    choices = [[f"{name}={value}" for value in values] for name, values in read]
    if (count := math.prod(map(len, choices))) > MOST_CASES:
        raise SimulateError(f"--vary: makes {count:,} cases, more than {MOST_CASES:,}; list fewer values")
    varied = []
    for texts in itertools.product(*choices):
        made = stated(priors.files, [*priors.overrides, *texts], priors.chosen)
        settings = made.run.asked(given=case.settings.given, observe=case.settings.observe)
        varied.append(replace(case, label=" ".join(texts), priors=made, settings=settings))
    return varied
