"""The guide: one page that tells a language model all that it must know, made from the code that it is about."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from simulate import model
from simulate.agents.parameters import Parameter, description, parameters
from simulate.agents.tools import written_schema
from simulate.catalog import accelerators
from simulate.distributions import FAMILIES
from simulate.errors import CODES
from simulate.formulas.formula import FUNCTIONS
from simulate.grammar import FORMS
from simulate.priors import shipped
from simulate.priors.keys import keys
from simulate.priors.precision import OF_POOL, SIZE_OF_POOL
from simulate.reference.families import examples, optional, ways
from simulate.sampling.schemes import SCHEMES
from simulate.sensitivity.methods import METHODS
from simulate.statistics import OPTIONAL
from simulate.syntax import loads
from simulate.units import NAMES


def guide(commands: Mapping[str, Callable[..., None]], exit_codes: Mapping[int, str]) -> str:
    """The page as markdown. `commands` are by name, with their options flat; `exit_codes` say what they mean."""
    schema = json.loads(written_schema())
    parts: dict[str, Iterable[str] | str] = {
        "commands": (f"- `{name}`: {description(each).partition(chr(10))[0]}" for name, each in commands.items()),
        "options": _options({name: parameters(each) for name, each in commands.items()}),
        "keys": (_row(f"`{key.path}`", key.brief, key.default) for key in keys() if not key.is_table),
        "shipped": ", ".join(f"`{name}` ({_title(file)})" for name, file in shipped().items()),
        "accelerators": ", ".join(accelerators()),
        "families": _families(),
        "units": ", ".join(NAMES),
        "functions": ", ".join(FUNCTIONS),
        "forms": (_row(each.name, _codes([each.looks]), _codes(each.examples)) for each in FORMS),
        "schemes": ", ".join(SCHEMES),
        "methods": ", ".join(METHODS),
        "statistics": ", ".join(OPTIONAL),
        "headline": ", ".join(model.HEADLINE),
        "quantities": _quantities(),
        "envelope": (_row(f"`{key}`", each["description"]) for key, each in schema["properties"].items()),
        "codes": (_row(f"`{code}`", says) for code, says in CODES.items()),
        "exits": "; ".join(f"{code} {says}" for code, says in exit_codes.items()),
    }
    page = (importlib.resources.files("simulate") / "data" / "guide.md").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda name: _text(parts.pop(name[1])), page)


def _title(file: Path) -> str:
    title: str = loads(file.read_text("utf-8"))["title"]
    return title


def _options(of_commands: Mapping[str, list[Parameter]]) -> Iterator[str]:
    """A line for each operand and option, with the commands that have it; those that take --out are the questions."""
    questions = [name for name, each in of_commands.items() if any(parameter.name == "out" for parameter in each)]
    users: dict[tuple[str, str], list[str]] = {}
    for command, each in of_commands.items():
        for parameter in each:
            shown = " ".join(filter(None, (parameter.option, parameter.metavar)))
            line = (f"{shown}, {parameter.off}" if parameter.off else shown, parameter.help)
            users.setdefault(line, []).append(command)
    for (shown, told), names in users.items():
        without = [name for name in questions if name not in names]
        few = {*names} <= {*questions} and len(without) < 2
        of = " but ".join(["all questions", *without]) if few else ", ".join(names)
        yield f"- `{shown}` of {of}: {told}"


def _families() -> Iterator[str]:
    for name in FAMILIES:
        may = ", ".join(optional(name))
        told = " \\| ".join(ways(name)) + (f"; also {may}" if may else "")
        yield _row(f"`{name}`", told, _codes(examples(name)))


def _quantities() -> Iterator[str]:
    """A line for each: of a parameter that must be stated all that its definition says first, of others a clause."""
    quantities = model.quantities("llm_cost")
    pooled = [f"{OF_POOL}{name}" for name in quantities if f"{OF_POOL}{name}" in quantities.keys() - {SIZE_OF_POOL}]
    for module in model.MODELS["llm_cost"]:
        yield f"\n**{(module.__doc__ or '').splitlines()[0]}**\n"
        if SIZE_OF_POOL in vars(module):
            yield f"- of the pool, as without `{OF_POOL}`: {', '.join(pooled)}"
        for name, each in quantities.items():
            if name in vars(module) and name not in pooled:
                mark = "" if each.function else "*" if each.default is None and not each.prior else "*="
                told = " ".join(each.definition.partition("\n\n")[0].split()).removeprefix(each.label).lstrip(": ")
                told = re.split(r"[,;:.] | \(|\.$", told)[0] if mark != "*" else told
                unit = f" [{each.unit}]" * (each.unit != "1")
                yield f"- {name}{mark}{unit} {told}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`".replace("|", "\\|") for text in texts)


def _text(part: Iterable[str] | str) -> str:
    return part if isinstance(part, str) else "\n".join(part).strip("\n")
