"""The command line: each command parses, asks one question, and has it told."""

from simulate.cli.main import main

__all__ = ["main"]
