"""Tables for a person at a terminal, or plain text where it is piped."""

from typing import TextIO

from simulate.formats import PERSON, Sections
from simulate.layout import print_sections
from simulate.results import Result

READER = PERSON


def write(_result: Result | None, sections: Sections, file: TextIO) -> None:
    """Print the sections, laid out for the width of the terminal."""
    print_sections(sections(), file)
