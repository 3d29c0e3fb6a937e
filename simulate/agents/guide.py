"""The guide: one page that tells a language model all that it must know, made from the code that it is about."""

from __future__ import annotations

import importlib.resources
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from simulate import model
from simulate.agents.parameters import Parameter, description, parameters
from simulate.agents.tools import written_schema
from simulate.catalog import accelerators
from simulate.distributions import FAMILIES
from simulate.distributions.reading import forms
from simulate.errors import CODES
from simulate.formulas.formula import FUNCTIONS
from simulate.grammar import FORMS
from simulate.priors import shipped
from simulate.priors.schema import File
from simulate.sampling.schemes import SCHEMES
from simulate.sensitivity.methods import METHODS
from simulate.statistics import OPTIONAL
from simulate.syntax import loads
from simulate.units import NAMES

HOLDS = {  # by key of the schema; a table has its own rows
    "title": "A line that names the case.",
    "extends": "A shipped file's name, or a path: what this file does not state is taken from there.",
    "model": "The model: llm_cost, or none.",
    "accelerator": "An accelerator of the catalog, such as H100: its figures and prices become priors.",
    "precision": "BF16, FP16, FP8, INT8 or FP4, in which it is served: binds bytes and peak; or "
    '{ weights = "FP4", cache = "FP8", arithmetic = "FP8", attention = "BF16" }, of which any may be left out.',
    "training_precision": "The same words, for the training accelerator's peak.",
    "run.scenarios": "How many are drawn.",
    "run.seed": "The same seed gives the same result, to the bit.",
    "run.scheme": "How they are drawn.",
    "run.percentiles": "Which are told.",
    "run.quantities": "Which are told; an empty list is the headline.",
    "run.fail_if": "Gates of run and compare.",
    "priors.NAME.dist": "The family; not needed with value.",
    "priors.NAME.value": "A number for certain, in place of a family.",
    "priors.NAME.unit": "A unit that converts to that of the quantity.",
    "priors.NAME.evidence": "sourced or judgement.",
    "priors.NAME.source": "Where it comes from.",
    "priors.NAME.note": "What else to know.",
    "priors.NAME.label": "What tables call it.",
    "correlations.FIRST.SECOND": "Spearman's correlation of two priors; or {kendall = ...}, {gaussian_copula = ...}.",
    "published.quantity": "Of which quantity a figure is known: [[published]] is a list of tables.",
    "published.value": "The figure.",
    "published.unit": "A unit that converts to that of the quantity.",
    "published.source": "Where it comes from.",
    "published.note": "What else to know.",
    "published.choice": "Of which choice it was measured so.",
    "published.at": "`at.NAME = ...`, where it was measured on the way of a `sweep`: a point in its picture.",
    "quantities.NAME.formula": "What it is computed by.",
    "quantities.NAME.unit": "The unit that the formula gives.",
    "quantities.NAME.label": "What tables call it.",
    "quantities.NAME.source": "Where it comes from.",
    "quantities.NAME.note": "What else to know.",
    "choices.NAME.label": "What tables call the choice.",
    "choices.NAME.note": "What else to know.",
    "choices.NAME.accelerator": "As above, for this choice.",
    "choices.NAME.precision": "As above, for this choice.",
    "choices.NAME.training_precision": "As above, for this choice.",
    "choices.NAME.priors": "Tables [choices.NAME.priors.OTHER], which go before those of the file.",
    "choices.NAME.quantities": "Tables [choices.NAME.quantities.OTHER], likewise.",
    "choices.NAME.traffic": "Tables [choices.NAME.traffic.KIND], likewise.",
    "traffic": "Tables [traffic.KIND] of kinds of questions: `share` and lengths, each a number, a prior's table or "
    "{ formula = ... }; the names are then KIND_share and so on.",
}


def guide(commands: Mapping[str, Callable[..., None]], exit_codes: Mapping[int, str]) -> str:
    """The page as markdown. `commands` are by name, with their options flat; `exit_codes` say what they mean."""
    schema = json.loads(written_schema())
    parts: dict[str, Iterable[str] | str] = {
        "commands": (f"- `{name}`: {description(each).partition(chr(10))[0]}" for name, each in commands.items()),
        "options": _options({name: parameters(each) for name, each in commands.items()}),
        "keys": (_row(f"`{key}`", HOLDS[key], default) for key, default in keys()),
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


def keys(table: type[BaseModel] = File, above: str = "") -> Iterator[tuple[str, str]]:
    """The keys of a priors file, tables in full, with what stands for one that is left out."""
    for name, field in table.model_fields.items():
        key, kind = f"{above}{name}", field.annotation
        inner = next((each for each in (kind, *get_args(kind)) if _is_table(each)), None)
        if key == "correlations":
            yield "correlations.FIRST.SECOND", ""
        elif inner is None or above:
            default = "" if field.is_required() or field.default in ("", {}, None) else json.dumps(field.default)
            yield key, default if key not in ("priors.NAME.value", "priors.NAME.evidence") else ""
        else:
            yield from keys(inner, f"{key}.NAME." if get_origin(kind) is dict else f"{key}.")


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _options(of_commands: Mapping[str, list[Parameter]]) -> Iterator[str]:
    """A line for each operand and option, with the commands that have it."""
    users: dict[tuple[str, str], list[str]] = {}
    for command, each in of_commands.items():
        for parameter in each:
            shown = " ".join(filter(None, (parameter.option, parameter.metavar)))
            line = (f"{shown}, {parameter.off}" if parameter.off else shown, parameter.help)
            users.setdefault(line, []).append(command)
    for (shown, told), names in users.items():
        yield f"- `{shown}` of {', '.join(names)}: {told}"


def _families() -> Iterator[str]:
    for name, kind in FAMILIES.items():
        ways = forms(kind)
        bounds = ("lower", "upper") if kind.truncatable else ()
        optional = dict.fromkeys(key for form in ways for key in (*form.defaults, *bounds))
        ways_told = " \\| ".join(dict.fromkeys(re.sub(r" \(p5.*\)", "", str(form)) for form in ways))
        also = f"; also {', '.join(optional)}" if optional else ""
        examples = re.findall(r"`(\{.*?\})`", " ".join(inspect.getdoc(kind).split()), re.DOTALL)  # type: ignore[union-attr]
        yield _row(f"`{name}`", ways_told + also, _codes(examples))


def _quantities() -> Iterator[str]:
    for module in model.MODELS["llm_cost"]:
        yield f"\n**{(module.__doc__ or '').splitlines()[0]}**\n"
        for name, each in model.quantities("llm_cost").items():
            if name in vars(module):
                mark = "" if each.function else "*" if each.default is None and not each.prior else "*="
                told = " ".join(each.definition.partition("\n\n")[0].split()).removeprefix(each.label).lstrip(": ")
                told = told.partition("; ")[0].rstrip(".")
                unit = f" [{each.unit}]" * (each.unit != "1")
                yield f"- `{name}`{mark}{unit} {told}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`".replace("|", "\\|") for text in texts)


def _text(part: Iterable[str] | str) -> str:
    return part if isinstance(part, str) else "\n".join(part).strip("\n")
