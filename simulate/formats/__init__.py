"""How a result is told: each module is a format, so that a further one is one file.

A format's `write` puts a result, or the sections of its report, into a text file. `READER` says who reads it. One that
tells errors too has `write_envelope`, which puts an envelope, as `simulate.formats.json` makes it, and sections there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from simulate.registry import Registry

if TYPE_CHECKING:
    from simulate.layout import Section
    from simulate.results import Result

Sections = Callable[[], "Sequence[Section]"]
Write = Callable[["Result", Sections, TextIO], None]
WriteEnvelope = Callable[[Mapping[str, Any], Sections, TextIO], None]

PERSON = "person"  # who finds files beside what is printed
PROGRAM = "program"  # which looks for no files
LOG = "log"  # into which stdout and stderr go alike, so that nothing is told on both

FORMATS: Registry[Write] = Registry("simulate.formats", "write", "format")
READERS: Registry[str] = Registry("simulate.formats", "READER", "format")
ENVELOPES: Registry[WriteEnvelope] = Registry("simulate.formats", "write_envelope", "format")

__all__ = ["ENVELOPES", "FORMATS", "LOG", "PERSON", "PROGRAM", "READERS", "Sections", "Write", "WriteEnvelope"]
