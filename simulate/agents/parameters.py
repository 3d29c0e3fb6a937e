"""The parameters of the commands, as their signatures declare them to typer: one source for tools and for the guide."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from typer.models import ArgumentInfo

KINDS = {bool: "boolean", int: "integer", float: "number"}  # of JSON; all else is text
WORDS = re.compile(r"[a-z_-]+(\|[a-z_-]+)+")  # a metavar that lists what may be given


class Parameter(NamedTuple):
    """An option of a command, or an operand, of which `option` is ''.

    `name` is that of the option with _ for -, or of the operand in small letters; `off` is the option that denies a
    flag. `many` may be given several times. `choices` are the only values, where there are but some.
    """

    name: str
    option: str
    off: str
    metavar: str
    kind: str
    many: bool
    required: bool
    default: Any
    help: str
    choices: tuple[str, ...]


def parameters(command: Callable[..., None]) -> list[Parameter]:
    """The operands and options of a command in their order; its options stand flat, not in groups.

    An option of several values is left out, for it is short for another one.
    """
    found = []
    for name, parameter in inspect.signature(command).parameters.items():
        assert get_origin(parameter.annotation) is Annotated, name
        kind, told = get_args(parameter.annotation)
        many = any(get_origin(each) is list for each in (kind, *get_args(kind)))
        if get_origin(kind) is tuple or any(get_origin(each) is tuple for each in get_args(kind)):
            continue
        plain = next(each for each in (*get_args(kind), kind) if each is not NoneType)
        operand = isinstance(told, ArgumentInfo)
        declared = (each for each in (told.default, *(told.param_decls or ())) if str(each).startswith("--"))
        option, _, off = next(declared, f"--{name}").partition("/")
        metavar = told.metavar or ""
        found.append(
            Parameter(
                metavar.rstrip(".").lower() if operand else option.removeprefix("--").replace("-", "_"),
                "" if operand else option.replace("_", "-"),
                off,
                metavar,
                "string" if many else KINDS.get(plain, "string"),
                many,
                parameter.default is parameter.empty,
                None if parameter.default is parameter.empty else parameter.default,
                told.help or "",
                tuple(metavar.split("|")) if WORDS.fullmatch(metavar) else (),
            )
        )
    return found


def description(command: Callable[..., None]) -> str:
    """What a command does, from its docstring without the examples of a command line."""
    text = inspect.cleandoc(command.__doc__ or "").partition("\b")[0]
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
