"""The commands: each module is one, its `command` the function that typer calls, its docstring the help."""

from __future__ import annotations

from collections.abc import Callable

from simulate.registry import Registry

COMMANDS: Registry[Callable[..., None]] = Registry("simulate.cli.commands", "command", "command")

__all__ = ["COMMANDS"]
