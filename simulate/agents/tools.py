"""Tools: a command as an agent calls it, and its call as a command line."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from simulate.agents.parameters import Parameter, description, parameters
from simulate.errors import Fault, SimulateError, suggestion

SERVER = "mcp"  # the command that serves the others
FIXED = ("format", "quiet")  # an answer is JSON
FILES = "files"
MOST_FILES = 50
OF_FILES = (
    "Texts of files that exist for this call alone, by name, such as {'mine.toml': '[priors.pue]\\nvalue = 1.1\\n'}. "
    "Where a priors file or a case is named, name them as mine.toml, or mine.toml:CHOICE. A text may say extends = "
    "'other.toml' of another one of them, or extends = 'base' of a shipped file."
)
WRITES = "Nothing is written unless `out`, `save`, `file` or another parameter asks for files."


@dataclass(frozen=True)
class Tool:
    """A command of the command line as a tool; its parameters are the command's own, but those of the printing."""

    name: str
    command: Callable[..., None]

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """By their names, operands first."""
        return {each.name: each for each in parameters(self.command) if each.name not in FIXED}

    @cached_property
    def operands(self) -> list[Parameter]:
        """The parameters that stand on a command line without an option."""
        return [each for each in self.parameters.values() if not each.option]

    @property
    def writes(self) -> bool:
        """Whether it can be asked to write files."""
        return bool({"out", "force"} & self.parameters.keys())

    @property
    def description(self) -> str:
        """What it does, in running text."""
        return description(self.command) + (f"\n\n{WRITES}" if self.writes else "")

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        properties = {each.name: _property(each) for each in self.parameters.values()}
        if self.operands:
            of_text = {"type": "object", "additionalProperties": {"type": "string"}}
            properties[FILES] = {**of_text, "maxProperties": MOST_FILES, "description": OF_FILES}
        required = [each.name for each in self.parameters.values() if each.required]
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**schema, "required": required} if required else schema

    def files(self, given: Mapping[str, Any]) -> dict[str, str]:
        """The texts of the files that a call brings along. Raises SimulateError for what is no such text or name."""
        files = given.get(FILES) or {}
        if not isinstance(files, Mapping) or len(files) > MOST_FILES:
            raise _refused(FILES, f"must be an object of at most {MOST_FILES} texts by name")
        for name, text in files.items():
            if not name or Path(name).name != name or name.startswith(".") or ":" in name or "\0" in name:
                raise _refused(f"{FILES}.{name}", "must be the plain name of a file; write for instance mine.toml")
            if not isinstance(text, str):
                raise _refused(f"{FILES}.{name}", f"must be the text of the file, not {_written(text)}")
        return dict(files)

    def line(self, given: Mapping[str, Any], folder: str) -> list[str]:
        """The words of the command line for the arguments of a call, whose files lie in `folder`.

        Raises SimulateError for arguments that there are not, or of another kind. What they say is the command's to
        check.
        """
        known = [*self.parameters, *([FILES] if self.operands else [])]
        if unknown := next((name for name in given if name not in known), ""):
            mend = suggestion(unknown, known, f"known are {', '.join(known)}")
            raise _refused(unknown, f"there is no such parameter{mend}")
        files, operands, options = self.files(given), list[str](), list[str]()
        for name, parameter in self.parameters.items():
            value = given.get(name)
            if parameter.option:
                options += _option(parameter, value)
                continue
            texts = [_placed(name, text, files, folder) for text in _texts(parameter, value)]
            if parameter.required and not texts:
                raise _refused(name, f"is missing; give {parameter.metavar}")
            operands += texts if parameter.many else texts or [""]
        while operands and not operands[-1]:  # what is left out at the end
            operands.pop()
        return [self.name, *options, "--format=json", "--", *operands]


def tools(commands: Mapping[str, Callable[..., None]]) -> dict[str, Tool]:
    """The tools by name, of the commands by name with their options flat: all but the one that serves them."""
    return {name: Tool(name, each) for name, each in commands.items() if name != SERVER}


def written_schema() -> str:
    """The JSON Schema of every answer, as it ships."""
    return (importlib.resources.files("simulate.formats") / "output.schema.json").read_text("utf-8")


def _property(parameter: Parameter) -> dict[str, Any]:
    told: dict[str, Any] = {"type": parameter.kind, "description": parameter.help}
    if parameter.choices:
        told["enum"] = list(parameter.choices)
    if parameter.many:
        return {"type": "array", "items": {"type": "string"}, "description": parameter.help}
    return told if parameter.default in (None, False, "") else {**told, "default": parameter.default}


def _option(parameter: Parameter, value: Any) -> list[str]:
    if value is None:
        return []
    if parameter.kind == "boolean":
        if not isinstance(value, bool):
            raise _refused(parameter.name, f"must be true or false, not {_written(value)}")
        return [parameter.option] if value else [parameter.off] if parameter.off else []
    return [f"{parameter.option}={text}" for text in _texts(parameter, value)]


def _texts(parameter: Parameter, value: Any) -> list[str]:
    """The values of a parameter as words: several of one that takes many, else one, of a list joined by commas."""
    if value is None:
        return []
    given = value if isinstance(value, list) else [value]
    for each in given:
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            kind = "a text" if parameter.kind == "string" else "a number"
            kind = 'a list of texts, such as ["..."]' if parameter.many else kind
            raise _refused(parameter.name, f"must be {kind}, not {_written(each)}")
        if "\0" in str(each):
            raise _refused(parameter.name, "holds the character NUL, which no text may; take it out")
    return [*map(str, given)] if parameter.many else [",".join(map(str, given))]


def _placed(name: str, text: str, files: Mapping[str, str], folder: str) -> str:
    """An operand, with the folder before it where it names a file that the call brings along."""
    if text == "-":
        raise _refused(name, f"'-' cannot be read here; give the text in {FILES}, and its name")
    if "\n" in text:
        raise _refused(name, f"is a text in place of a name; give it in {FILES} as mine.toml, and name that")
    named = text.partition(":")[0]
    if f"{named}.toml" in files and named not in files:
        raise _refused(name, f"'{text}' is not among {FILES}; did you mean {named}.toml?")
    return f"{folder}/{text}" if named in files else text


def _refused(name: str, message: str) -> SimulateError:
    return SimulateError(Fault(message, key=name, code="usage"))


def _written(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", bool: str(value).lower(), type(None): "null"}
    return kinds.get(type(value), repr(value)[:40])
