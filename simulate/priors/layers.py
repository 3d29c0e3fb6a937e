"""Layers of a priors file: entries by origin, merged so that the nearest wins, and what is wrong in them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from simulate import model
from simulate.errors import Fault, SimulateError
from simulate.graph import Quantity
from simulate.priors.positions import Key, line_of


class PriorsError(SimulateError):
    """What is wrong with a priors file, in one line: file, line, key, fault and mend."""


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
    malformed: frozenset[str] = frozenset()  # priors and quantities set aside because their shape is wrong

    def line(self, key: Key) -> int:
        """Line of a key, or of the table that would hold it; 0 where entries have no lines."""
        return line_of(self.text, (*self.prefix, *key)) if self.text else 0


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a layer."""

    layer: Layer
    key: Key
    message: str
    follows: bool = False  # often from another fault, as an unused prior or a wrong unit does: reported last
    code: str = ""  # one of `simulate.errors.CODES`

    @property
    def fault(self) -> Fault:
        """The same for whoever reads the error."""
        key = shown_key((*self.layer.prefix, *self.key))
        return Fault(self.message, self.layer.shown, self.layer.line(self.key), key=key, code=self.code)


def raise_first(problems: Sequence[Problem], layers: Sequence[Layer]) -> None:
    """Raise PriorsError for the first problem by origin, nearest first, and line; what follows from others last."""
    origins = list(dict.fromkeys(layer.shown for layer in (*layers, *(problem.layer for problem in problems))))

    def rank(problem: Problem) -> tuple[bool, int, int]:
        return problem.follows, origins.index(problem.layer.shown), problem.layer.line(problem.key)

    if problems:
        raise PriorsError(min(problems, key=rank).fault)


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


@dataclass(frozen=True)
class Stack:
    """Layers with the nearest first, what they state once merged, and what has been found wrong with them."""

    layers: tuple[Layer, ...]
    problems: list[Problem] = field(default_factory=list)

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
    def of_model(self) -> Mapping[str, Quantity]:
        """The model's quantities, as the layers find them."""
        return model.quantities(self.model)

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Every name that is stated, however badly: its own fault is told, not that there is no such name."""
        return (*self.of_model, *self.priors, *self.formulas, *self.malformed)

    def upwards(self) -> Iterator[tuple[int, Layer]]:
        """Go through the layers from the farthest to the nearest, with their places."""
        return reversed(list(enumerate(self.layers)))

    def entries(self, kind: str, replacing: Collection[str]) -> dict[str, Entry]:
        """Merge tables of a kind: one with a replacing key stands alone, others change single keys."""
        found: dict[str, Entry] = {}
        for level, layer in self.upwards():
            for name, table in layer.tables.get(kind, {}).items():
                beneath = found.get(name)
                if beneath is None or any(key in table for key in replacing):
                    beneath = Entry(name, {}, {}, layer, level, own=False)
                origins = beneath.origins | dict.fromkeys(table, layer)
                own = beneath.own or layer.own
                found[name] = Entry(name, {**beneath.table, **table}, origins, layer, level, own)
        return found

    @property
    def malformed(self) -> frozenset[str]:
        """Names whose entries have been set aside: known, but not to be looked into."""
        return frozenset().union(*(layer.malformed for layer in self.layers))

    def report(
        self, entry: Entry, kind: str, key: str | None, message: str, *, follows: bool = False, code: str = ""
    ) -> None:
        """Note a problem with a key of an entry, or with the entry; what merging spoilt is the nearest's."""
        if key is not None and entry.origins.get(key) is not entry.layer:
            key, message = None, f"{key}: {message}" if key in entry.origins else message
        place = (kind, entry.name) if key is None else (kind, entry.name, key)
        self.problems.append(Problem(entry.layer, place, message, follows, code))
