"""Layers of a priors file: entries by origin, merged so that the nearest wins, and what is wrong in them."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from simulate import model
from simulate.errors import Fault, SimulateError
from simulate.graph import Quantity
from simulate.model.mixing import with_kinds
from simulate.priors.positions import Key, line_of

MOST = 20  # faults told at once


class PriorsError(SimulateError):
    """What is wrong with a priors file, a line for each fault: file, line, key, fault and mend."""


@dataclass(frozen=True)
class SourceFile:
    """A priors file as it was read; of priors that lie in no file, their text, or their tables as JSON."""

    path: Path
    text: str
    digest: str  # SHA-256 of its bytes, in hexadecimal


@dataclass(frozen=True)
class Layer:
    """Entries of one origin: a file, a choice of a file, an override, or an accelerator of the catalog."""

    shown: str  # how messages name the origin
    tables: Mapping[str, Any]
    text: str = field(default="", repr=False)  # where the lines are; empty: nowhere
    folder: Path = Path()
    prefix: Key = ()  # where the tables stand in the text: ("choices", "rent")
    own: bool = True  # not inherited
    malformed: frozenset[Key] = frozenset()  # priors and quantities set aside because their shape is wrong
    aside: frozenset[str] = frozenset()  # the words in these, which may name others
    places: Mapping[Key, Key] = field(default_factory=dict, repr=False)  # of entries that were written elsewhere

    def line(self, key: Key) -> int:
        """Line of a key, or of the table that would hold it; 0 where entries have no lines."""
        return line_of(self.text, self.place(key)) if self.text else 0

    def place(self, key: Key) -> Key:
        """Where a key was written."""
        whole = (*self.prefix, *key)
        for length in range(len(whole), 0, -1) if self.places else ():
            if written := self.places.get(whole[:length]):
                return (*written, *whole[length:])
        return whole


def throughout(tables: Mapping[str, Any], change: Callable[[Mapping[str, Any], Key], dict[str, Any]]) -> dict[str, Any]:
    """The tables of a file and of its choices, as `change` leaves those that stand at a key; what is none stays."""
    found = change(tables, ())
    if isinstance(choices := found.get("choices"), Mapping):
        found["choices"] = {
            name: change(table, ("choices", name)) if isinstance(table, Mapping) else table
            for name, table in choices.items()
        }
    return found


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a layer."""

    layer: Layer
    key: Key
    message: str
    alone: bool = False  # it is wrong whatever else is stated
    hides: bool = False  # names that would have been stated there, and may be named elsewhere
    unknown: str = ""  # the name that nothing states: wherever it is used, it is told once
    code: str = ""  # one of `simulate.errors.CODES`

    @property
    def fault(self) -> Fault:
        """The same for whoever reads the error."""
        key = shown_key(self.layer.place(self.key))
        return Fault(self.message, self.layer.shown, self.layer.line(self.key), key=key, code=self.code)


def raise_all(problems: Iterable[Problem], layers: Sequence[Layer], others: Sequence[Fault] = ()) -> None:
    """Raise PriorsError for all problems by origin, as in `layers`, and line; `others` come before them.

    Of more than 20, the last line tells how many more there are.
    """
    found = list(problems)
    origins = list(dict.fromkeys(layer.shown for layer in (*layers, *(problem.layer for problem in found))))
    found.sort(key=lambda problem: (origins.index(problem.layer.shown), problem.layer.line(problem.key)))
    told: dict[Fault | str, Fault] = {fault: fault for fault in others}
    for problem in found:
        told.setdefault(problem.unknown or problem.fault, problem.fault)
    faults = [*told.values()]
    if more := len(faults[MOST:]):
        faults[MOST:] = [Fault(f"{more} more fault{'s' * (more > 1)}; mend these first")]
    if faults:
        raise PriorsError(*faults)


def shown_key(key: Key) -> str:
    """Write a key as TOML does, without the indices of arrays."""
    names = [name for name in key if isinstance(name, str)]
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"' for name in names)


@dataclass
class Entry:
    """A prior or a quantity merged over the layers."""

    name: str
    table: dict[str, Any]
    origins: dict[str, Layer]  # by key
    layer: Layer  # the nearest that says something
    level: int  # its place, 0 the nearest
    own: bool
    doubtful: bool = False  # a malformed table would have gone into it: what is wrong with it may be for want of that


@dataclass(frozen=True)
class Stack:
    """Layers with the nearest first, what they state once merged, and what has been found wrong with them."""

    layers: tuple[Layer, ...]
    problems: list[Problem] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)  # names with a unit in which something is wrong
    mixed: dict[str, Entry] = field(default_factory=dict)  # what the kinds of traffic give, as if they stated it

    @cached_property
    def priors(self) -> dict[str, Entry]:
        """Entries of `[priors]` by name."""
        return self.entries("priors", replacing=("dist", "value"))

    @cached_property
    def formulas(self) -> dict[str, Entry]:
        """Entries of `[quantities]` by name."""
        return self.entries("quantities", replacing=("formula",))

    @cached_property
    def model(self) -> str:
        """The name of the model, the nearest layer's."""
        return next((str(layer.tables["model"]) for layer in self.layers if "model" in layer.tables), "llm_cost")

    @cached_property
    def kinds(self) -> dict[str, frozenset[str]]:
        """The kinds of traffic, as the farthest layers name them first, and what is stated of each."""
        kinds = dict.fromkeys(kind for _, layer in self.upwards() for kind in layer.tables.get("traffic", {}))
        names = {*self.priors, *self.formulas, *self.malformed}
        return {
            kind: frozenset(name.removeprefix(f"{kind}_") for name in names if name.startswith(f"{kind}_"))
            for kind in kinds
        }

    @cached_property
    def of_model(self) -> Mapping[str, Quantity]:
        """The model's quantities, as the layers find them: with those of the kinds of traffic."""
        found = model.quantities(self.model)
        return with_kinds(found, self.kinds) if self.kinds and self.model != "none" else found

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Every name that is stated, however badly: its own fault is told, not that there is no such name."""
        return (*self.of_model, *self.priors, *self.formulas, *self.malformed)

    def nearest(self, name: str) -> Entry | None:
        """What states a name: a prior, a formula or kinds of traffic; None where that is left to the model."""
        return self.priors.get(name) or self.formulas.get(name) or self.mixed.get(name)

    def upwards(self) -> Iterator[tuple[int, Layer]]:
        """Go through the layers from the farthest to the nearest, with their places."""
        return reversed(list(enumerate(self.layers)))

    def entries(self, kind: str, replacing: Collection[str]) -> dict[str, Entry]:
        """Merge tables of a kind: one with a replacing key stands alone, others change single keys."""
        found: dict[str, Entry] = {}
        doubtful: set[str] = set()
        for level, layer in self.upwards():
            doubtful |= {str(key[-1]) for key in layer.malformed if key[:-1] == (*layer.prefix, kind)}
            for name, table in layer.tables.get(kind, {}).items():
                beneath = found.get(name)
                replaces = any(key in table for key in replacing)
                doubtful -= {name} if replaces else set()
                if beneath is None or replaces:
                    beneath = Entry(name, {}, {}, layer, level, own=False)
                origins = beneath.origins | dict.fromkeys(table, layer)
                own = beneath.own or layer.own
                found[name] = Entry(name, {**beneath.table, **table}, origins, layer, level, own)
        for name in doubtful & found.keys():
            found[name].doubtful = True
        return found

    @property
    def malformed(self) -> frozenset[str]:
        """Names whose entries have been set aside: known, but not to be looked into."""
        return frozenset(str(key[-1]) for layer in self.layers for key in layer.malformed)

    @property
    def unknown(self) -> frozenset[str]:
        """The names found so far that nothing states."""
        return frozenset(problem.unknown for problem in self.problems) - {""}

    def report(
        self,
        entry: Entry,
        kind: str,
        key: str | None,
        message: str,
        *,
        alone: bool = False,
        unknown: str = "",
        code: str = "",
    ) -> None:
        """Note a problem with a key of an entry, or with the entry; what merging spoilt is the nearest's."""
        if entry.doubtful:
            return
        if key is not None and entry.origins.get(key) is not entry.layer:
            key, message = None, f"{key}: {message}" if key in entry.origins else message
        place = (kind, entry.name) if key is None else (kind, entry.name, key)
        self.problems.append(Problem(entry.layer, place, message, alone=alone, unknown=unknown, code=code))
