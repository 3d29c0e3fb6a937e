"""Registries that are folders: each module of a package is an entry, so that a further entry is one file."""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any, Generic, TypeVar

from simulate.errors import none_such

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry], Generic[Entry]):
    """The entries of a package by the names of its modules, each imported when it is asked for.

    A module's entry is its attribute called `attribute`. The names are known without an import, so that
    help and error messages can list them at no cost. `what` is the kind of thing, for messages. Of a module without
    the attribute there is nothing to `get`.
    """

    def __init__(self, package: str, attribute: str, what: str) -> None:
        self.package, self.attribute, self.what = package, attribute, what

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the entries, in alphabetical order."""
        found = import_module(self.package).__path__
        return tuple(sorted(each.name for each in pkgutil.iter_modules(found) if each.name[0] != "_"))

    def __getitem__(self, name: str) -> Entry:
        if name not in self.names:
            raise KeyError(name)
        module = import_module(f"{self.package}.{name}")
        if not hasattr(module, self.attribute):
            raise KeyError(name)
        entry: Entry = getattr(module, self.attribute)
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def said(self, name: str) -> str:
        """What an entry is, in the words of its module."""
        return inspect.cleandoc(import_module(f"{self.package}.{name}").__doc__ or "")

    def known(self, name: Any) -> str:
        """The name itself, where there is such an entry. Raises SimulateError, listing what there is."""
        if not isinstance(name, str) or name not in self.names:
            raise none_such(self.what, name, self.names)
        return name
