"""What quantities and other words mean, with what a priors file says of them.

A quantity of the model is explained without what priors files and results take to import, 50 ms.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate import model
from simulate.figures import SIGNIFICANT_DIGITS, Scale, row_scale
from simulate.graph import Quantity
from simulate.layout import Column, Line, Remark, Section
from simulate.reference.meaning import LISTS, Meaning, paragraphs

if TYPE_CHECKING:
    from simulate.priors import Prior, Priors

OWN = "The priors file's own:"
KINDS = "Kinds of traffic:"


def explained(word: str | None = None, priors: Priors | None = None) -> list[Section]:
    """What a word means: a quantity, a family, a key, an accelerator ...; without one, the list of quantities.

    With priors also what they say of a quantity. Raises SimulateError for a word that there is not.
    """
    _check_text(word)
    name = priors.model if priors else "llm_cost"
    quantities = priors.quantities if priors else model.quantities(name)
    if word is None:
        more = f"More words: {', '.join(LISTS)}, and each of their entries."
        kinds = priors.wired.keys() - model.quantities(name).keys() if priors else ()
        headings = dict.fromkeys(kinds, KINDS) | dict.fromkeys(priors.own if priors else (), OWN)
        return [_quantity_list(quantities, name, headings), Section(remarks=[more])]
    told = _explanation(word, quantities, priors) if word in quantities else []
    return [*told, *(section for meaning in _meanings(word, quantities) for section in meaning.sections)]


def _quantity_list(quantities: Mapping[str, Quantity], name: str, others: Mapping[str, str]) -> Section:
    """Every quantity of a model by its module, then those of a priors file: name, unit, label."""
    headings = {each: (module.__doc__ or "").split("\n")[0] for module in model.MODELS[name] for each in vars(module)}
    headings |= others
    groups: dict[str, list[list[str]]] = {}
    for each, quantity in quantities.items():
        kind = "" if quantity.function else "parameter"
        row = [f"  {each}", quantity.unit, kind, quantity.label]
        groups.setdefault(headings.get(each, OWN), []).append(row)
    rows: list[list[str]] = []
    for heading, group in groups.items():
        rows += [*([[""] * 4] if rows else []), [heading, "", "", ""], *group]
    columns = [Column(""), Column(""), Column("", drop=1), Column("", give="wrap")]
    return Section(columns=columns, rows=rows)


def _explanation(name: str, quantities: Mapping[str, Quantity], priors: Priors | None) -> list[Section]:
    """A quantity's definition, equation, unit and source, what it needs and what needs it."""
    quantity = quantities[name]
    first: Line = [(name, "bold"), (f"  [{quantity.unit}]", "")]
    told = [Section(remarks=[first]), Section(remarks=paragraphs(quantity.definition))]
    if (equation := equation_of(quantity)) and f"{name} = {equation}" not in quantity.definition:
        lines = f"{name} = {equation}".splitlines()
        told.append(Section(remarks=[Remark("  " + line, whole=True) for line in lines]))
    default = "" if quantity.default is None else f"{quantity.default:g}"
    kind = f"A parameter{f', {default} unless a prior is given' * bool(default)}."
    if quantity.function:
        kind = f"{default} where what it needs cannot be had." * bool(default)
    beyond = quantity.beyond(-np.inf, np.inf)
    bounds = f"Never {beyond}." if beyond else ""
    if remark := f"{kind} {bounds}".strip():
        told.append(Section(remarks=[remark]))
    if priors:
        told.append(Section(remarks=_binding(name, priors)))
    bound = priors.priors if priors else {}

    def needs(each: str) -> Sequence[str]:
        return () if each in bound else quantities[each].needs

    users = {each: [other for other in quantities if each in needs(other)] for each in quantities}
    if needs(name):
        told.append(Section("needs", remarks=_tree(name, quantities, needs)))
    if users[name]:
        told.append(Section("is needed by", remarks=_tree(name, quantities, users.__getitem__)))
    return told


def explained_plain(word: str | None = None, priors: Priors | None = None) -> dict[str, Any]:
    """The same as plain data in the envelope of every command: a quantity, or all of them, by name, or another word.

    Raises SimulateError for a word that there is not.
    """
    _check_text(word)
    from simulate.formats import json
    from simulate.results import provenance

    quantities = priors.quantities if priors else model.quantities("llm_cost")
    meanings = [] if word is None else _meanings(word, quantities)
    bound = priors.priors if priors else {}
    needs = {name: () if name in bound else each.needs for name, each in quantities.items()}
    users: dict[str, list[str]] = {name: [] for name in quantities}
    for name, each in needs.items():
        for need in each:
            users[need].append(name)
    stated = stated_plain(priors)["priors"] if priors else {}
    told = {
        name: {
            "label": each.label,
            "unit": each.unit,
            "parameter": each.function is None,
            "default": each.default,
            "definition": each.definition,
            "equation": (name not in bound and equation_of(each)) or None,
            "never": each.beyond(-np.inf, np.inf) or None,
            "needs": list(needs[name]),
            "needed_by": users[name],
            "prior": stated.get(name),
        }
        for name, each in quantities.items()
        if word in {None, name}
    }
    settings = {"word": word, "overrides": list(priors.overrides) if priors else []}
    files = provenance.stated(priors)["files"] if priors else []
    result = {"quantities": told, "words": [meaning.plain for meaning in meanings]}
    return json.envelope("explain", files=files, settings=settings, result=result)


def _check_text(word: Any) -> None:
    if word is not None and not isinstance(word, str):
        from simulate.settings import checked

        checked(str, "word", word)


def _meanings(word: str, quantities: Collection[str]) -> list[Meaning]:
    """What a word means besides a quantity. Raises SimulateError for a word that means nothing.

    Of the words that a model may call its quantities only the lists are others too.
    """
    if word in quantities and word not in LISTS:
        return []
    from simulate.reference.words import meanings, no_such_word

    if not (found := meanings(word)) and word not in quantities:
        raise no_such_word(word, quantities)
    return found


def _binding(name: str, priors: Priors) -> list[str | Remark]:
    """What a priors file says of a quantity."""
    if name in priors.own and name not in priors.priors:
        return [f"{priors.path} states it by a formula of its own."]
    if name not in priors.priors:
        computed = priors.quantities[name].function is not None
        return [f"{priors.path} {'leaves it to the model' if computed else 'gives no prior for it'}."]
    prior = priors.priors[name]
    scale, figures = prior_figures(prior)
    band = figures[0] if prior.family == "constant" else " / ".join(figures) + " (P5 / P50 / P95)"
    stated = ", ".join(f"{key} = {value}" for key, value in prior.specification.items())
    where = f"{prior.file}:{prior.line}" if prior.line else f"{prior.file}"
    texts = [f"{where}: {prior.family}, {stated}: {band} {scale.unit(prior.unit)}".rstrip()]
    for what, text in (("Evidence", prior.evidence or "not stated"), ("Source", prior.source), ("Note", prior.note)):
        texts += [f"{what}: {text}"] if text else []
    if name in priors.own:
        texts.append("The prior takes the place of the formula.")
    return [Remark(text, indent="  ") for text in texts]


def _tree(name: str, quantities: Mapping[str, Quantity], branches: Callable[[str], Sequence[str]]) -> list[Line]:
    """The branches below a name, each subtree once."""
    lines: list[Line] = []
    shown: set[str] = set()

    def below(parent: str, margin: str) -> Iterator[tuple[str, str, bool]]:
        """The branches of a name from the last, which comes first off a stack: name, margin, whether the last."""
        return zip(reversed(branches(parent)), repeat(margin), chain([True], repeat(False)), strict=False)

    stack = [*below(name, "")]
    while stack:
        each, margin, last = stack.pop()
        again = "…" if each in shown and branches(each) else ""
        unit = "" if quantities[each].unit == "1" else quantities[each].unit
        rest = "".join(f"  {part}" for part in (unit, again) if part)
        lines.append([(margin + ("└─ " if last else "├─ "), "dim"), (each, ""), (rest, "dim")])
        if each not in shown:
            shown.add(each)
            stack += below(each, margin + ("   " if last else "│  "))
    return lines


def equation_of(quantity: Quantity) -> str:
    """The right-hand side as code: of a formula its text, of a function its body without the docstring."""
    function = inspect.unwrap(quantity.function) if quantity.function else None
    if not inspect.isfunction(function):
        return getattr(function, "text", "")
    try:
        source = inspect.getsource(function)
    except OSError:  # installed without its sources
        return ""
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    steps: list[ast.AST] = [*definition.body[1:]]
    match steps:
        case [ast.Return(value=ast.expr() as value)]:
            steps = [value]
    return "\n".join(ast.get_source_segment(source, step) or "" for step in steps).replace("np.", "")


def prior_figures(prior: Prior) -> tuple[Scale, list[str]]:
    """The prior's 5th, 50th and 95th percentile in its unit as written, on one scale."""
    values = prior.band()
    # To four digits: what is computed from parameters is not the round number that it was meant to be.
    scale = row_scale(values, digits=None if prior.family == "constant" else SIGNIFICANT_DIGITS, apart=values)
    scale = scale.of(prior.unit)
    return scale, [*map(scale.figure, values)]


def stated_plain(priors: Priors, stated: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a priors file states: of each prior also its percentiles, in the unit of the quantity."""
    from simulate.evidence import origins
    from simulate.formats import json
    from simulate.results import Result, provenance
    from simulate.settings import RunTable

    stated = stated or provenance.stated(priors)
    bands = Result("check")
    provenance.put_priors(bands, [priors.quantities[name] for name in priors.priors])
    bands.along("percentile", [5.0, 50.0, 95.0])
    values = [prior.distribution.quantile([0.05, 0.5, 0.95]) for prior in priors.priors.values()]
    bands.put("prior_percentiles", ("prior", "percentile"), np.reshape(values, (-1, 3)), unit_of="prior_unit")
    entries, found = json.found(bands).get("priors", {}), origins(priors)
    for name, prior in priors.priors.items():
        own = stated["priors"][name]
        place = {"stated_unit": own.pop("unit"), "file": str(prior.file), "line": prior.line or None}
        place |= {"from": found[name].where, "unused": found[name].unused}
        entries[name] = {**own, **place, **entries[name]}
    return {
        "path": str(priors.path),
        "title": priors.title,
        "model": priors.model,
        "run": priors.run.model_dump(mode="json", include={*RunTable.model_fields}),
        "priors": entries,
        "formulas": {
            name: {"unit": priors.quantities[name].unit, "formula": equation_of(priors.quantities[name])}
            for name in priors.own
        },
        "correlations": [
            {"first": each.first, "second": each.second, "measure": each.measure, "value": each.value}
            for each in priors.correlations
        ],
        "choices": {name: {"label": each.label, "note": each.note} for name, each in priors.choices.items()},
        "published": stated["published"],
    }
