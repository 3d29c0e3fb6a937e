"""Families of distributions in words: their docstrings, the ways to state them, and what their examples give."""

import inspect
import re
from collections.abc import Iterator

from simulate.distributions import FAMILIES, distribution
from simulate.distributions.other_names import names_elsewhere
from simulate.distributions.parameters import PARAMETERS, PERCENTILE
from simulate.distributions.reading import BOUNDS, Form, forms
from simulate.reference.meaning import Meaning
from simulate.syntax import loads

_EXAMPLES = re.compile(r"\s*Examples?:\s*(`.*)\Z", re.DOTALL)


def family(name: str) -> Meaning:
    """A family: what it is, a prior to paste, its parameters, and the other ways to state it with what they give."""
    shown = examples(name)
    stated = [f'dist = "{name}"'] if name != "constant" else []
    prior = "\n".join(f"    {line}" for line in ["[priors.NAME]", *stated, *_lines(shown[-1])])
    also = ", ".join(names_elsewhere(name))
    text = [said(name), prior, *([f"Other programs call it {also}."] if also else [])]
    tables = {"parameters": [*_parameters(name)], "examples": [_example(name, each) for each in shown]}
    return Meaning(name, "family of distributions", "\n\n".join(text), tables)


def said(name: str) -> str:
    """What a family is, without the examples of its docstring."""
    return _EXAMPLES.sub("", inspect.getdoc(FAMILIES[name]) or "")


def examples(name: str) -> list[str]:
    """The examples of a family, each an inline table of TOML."""
    return re.findall(r"`(\{.*?\})`", " ".join((inspect.getdoc(FAMILIES[name]) or "").split()))


def optional(name: str) -> tuple[str, ...]:
    """The keys of a family that may be left out, the bounds that cut it off among them."""
    kind = FAMILIES[name]
    keys = [key for form in forms(kind) for key in (*form.defaults, *sorted(BOUNDS) * kind.truncatable)]
    return tuple(dict.fromkeys(keys))


def ways(name: str) -> tuple[str, ...]:
    """The ways to state a family: the keys that each of them takes."""
    return tuple(dict.fromkeys(re.sub(r" \(p5.*\)", "", str(form)) for form in forms(FAMILIES[name])))


def _parameters(name: str) -> Iterator[dict[str, str]]:
    may = optional(name)
    stated: list[Form] = [*forms(FAMILIES[name])]
    for key in dict.fromkeys([*(key for form in stated for key in form.kinds), *may]):
        yield {"key": key, "is": PARAMETERS[key], "left out": "may be" if key in may else ""}
    if counts := sorted({form.percentiles for form in stated} - {0}):
        which = ", ".join(f"p{percent}" for percent in ((50,), (5, 95), (5, 50, 95))[counts[0] - 1])
        yield {"key": which, "is": PERCENTILE, "left out": ""}


def _lines(example: str) -> list[str]:
    """The keys of an inline table, a line each."""
    lines, depth = [""], 0
    for character in example[1:-1]:
        depth += (character in "[{") - (character in "]}")
        if character == "," and not depth:
            lines.append("")
        else:
            lines[-1] += character
    return [line.strip() for line in lines]


def _example(name: str, example: str) -> dict[str, str]:
    drawn = distribution(name, loads(f"prior = {example}")["prior"])
    figures = dict(zip(("from", "to"), drawn.support, strict=True)) | {"mean": drawn.mean, "sd": drawn.sd}
    return {"example": example, **{which: f"{figure:.4g}" for which, figure in figures.items()}}
