"""How a result is told: each module is a format, so that a further one is one file.

A format's `write` puts a result, or the sections of its report, into a text file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from simulate.registry import Registry

if TYPE_CHECKING:
    from simulate.layout import Section
    from simulate.results import Result

Sections = Callable[[], "Sequence[Section]"]
Write = Callable[["Result", Sections, TextIO], None]

FORMATS: Registry[Write] = Registry("simulate.formats", "write", "format")

__all__ = ["FORMATS", "Sections", "Write"]
