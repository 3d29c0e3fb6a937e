"""The commands: each module is one, its `command` the function that typer calls, its docstring the help."""

from collections.abc import Callable

from simulate.registry import Registry

COMMANDS: Registry[Callable[..., None]] = Registry("simulate.cli.commands", "command", "command")

__all__ = ["COMMANDS"]
