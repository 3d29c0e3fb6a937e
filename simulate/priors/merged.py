"""Priors as one file that states the same: what it extends, overrides, choices and figures of the catalog merged.

The figures of an accelerator and of a precision stand in full, so that the file says all that it rests on and goes on
saying it when the catalog changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from simulate.errors import SimulateError
from simulate.priors.building import stacked
from simulate.priors.correlations import Correlation
from simulate.priors.layers import Entry, Layer, PriorsError, Stack
from simulate.priors.loading import load_priors
from simulate.priors.own_quantities import stated_unit
from simulate.priors.precision import NAMING
from simulate.priors.schema import File, PriorTable
from simulate.priors.types import Measured, Priors, Published
from simulate.revisions import revised
from simulate.settings import RunTable
from simulate.spelling import path_of
from simulate.syntax import written_key, written_value

MERGED = {"extends", *NAMING, "title", "model", "run", "priors", "correlations", "published", "quantities", "choices"}
MERGED |= {"traffic"}  # further keys are taken as the nearest layer has them
Table = Mapping[str, Any]


def as_one_file(priors: Priors) -> str:
    """The text of a priors file of which every question has the same answer, to the bit.

    A comment before each table says where it is from. Choices stay choices, unless one has been taken; then the file
    is of that alone. Paths of data are from the root. Raises SimulateError where one file cannot state the same.
    """
    own = _Case(priors, "")
    others = [_Case(priors.cases[name], name) for name in priors.choices if not priors.chosen]
    cases = [own, *others]
    lines = [f"# {priors.path} as it is used: what it extends, what is set, and figures of the catalog are in it."]
    lines += ["", f"title = {written_value(priors.title)}"]
    lines += [f'model = "{priors.model}"'] if priors.model != "llm_cost" else []
    for key in File.model_fields:
        found = [layer.tables[key] for layer in own.stack.layers if key in layer.tables and key not in MERGED]
        lines += [f"{key} = {written_value(found[0])}"] if found else []
    lines += _table(("run",), _run(priors, own.stack))
    needed = {name for case in cases for name in case.needed}
    for kind in ("priors", "quantities"):
        for name, (table, comment) in own.stated(kind, needed).items():
            lines += _table(own.key(kind, name), table, comment)
    lines += [f"\n[traffic.{kind}]" for kind, names in own.stack.kinds.items() if not names]
    pairs = {pair.key: pair for case in cases for pair in case.priors.correlations}
    lines += _table(("correlations",), _correlated(pairs.values()))
    for figure in priors.published:
        lines += _table(("published",), _figure(figure), listed=True)
    for each in priors.measured:
        if each.choice in {"", *(case.name for case in others), priors.chosen}:
            lines += _table(("published",), _measured(each, taken=bool(priors.chosen)), listed=True)
    for case in others:
        lines += _choice(case, own, needed)
    text = "\n".join(lines) + "\n"
    if not _is_same(cases, text):
        raise SimulateError(f"{priors.path}: one file cannot state the same; keep it as it is, with what it extends")
    return text


class _Case:
    """The file itself, of which the name is '', or a choice that it keeps, with the layers that it is merged from."""

    def __init__(self, priors: Priors, name: str) -> None:
        count = len(priors.overrides)
        self.priors, self.name = priors, name
        self.stack: Stack = stacked(priors.layers[:count], priors.layers[count:], priors.chosen)

    @property
    def needed(self) -> set[str]:
        """The priors of its own names that a quantity or a correlation needs."""
        bound = self.stack.priors.keys()
        free = [quantity for name, quantity in self.priors.quantities.items() if name not in bound]
        pairs = {name for pair in self.priors.correlations for name in (pair.first, pair.second)}
        return {*pairs, *(need for quantity in free for need in quantity.needs)}

    def stated(self, kind: str, needed: set[str]) -> dict[str, tuple[Table, str]]:
        """The tables of a kind in full: no formula of what a prior binds, and no prior that nothing needs."""
        if kind == "priors":
            kept = {*self.stack.of_model, *needed}
            found = {name: entry for name, entry in self.stack.priors.items() if name in kept}
            return {name: (self._prior(entry), _origin(kind, entry)) for name, entry in found.items()}
        free = {name: entry for name, entry in self.stack.formulas.items() if name not in self.stack.priors}
        return {name: (entry.table, _origin(kind, entry)) for name, entry in free.items()}

    def key(self, kind: str, name: str) -> tuple[str, ...]:
        """Where the table of a name stands: among the priors or quantities, or those of a kind of traffic."""
        for traffic, names in self.stack.kinds.items():
            own = name.removeprefix(f"{traffic}_")
            if own in names and own != name:
                return ("traffic", traffic, own)
        return (kind, name)

    def _prior(self, entry: Entry) -> Table:
        """The table of a prior, its unit where one is stated anywhere, its file by a path that holds anywhere."""
        table, name = dict(entry.table), entry.name
        if stated_unit(self.stack, "priors", name) or name in self.stack.formulas:
            table["unit"] = self.priors.priors[name].unit
        if isinstance(table.get("file"), str):
            path = entry.origins["file"].folder / path_of(table["file"])
            table["file"] = str(path if revised(path) else path.absolute())
        common = [key for key in PriorTable.model_fields if key in table and key not in ("dist", "value")]
        first = [key for key in table if key not in common]
        return {key: table[key] for key in sorted(first, key=lambda key: key not in ("dist", "value")) + common}


def _choice(case: _Case, own: _Case, needed: set[str]) -> Iterator[str]:
    """The tables of a choice: what differs from the file itself."""
    told = case.priors.choices[case.name]
    yield from _table(("choices", case.name), {"label": told.label} | ({"note": told.note} if told.note else {}))
    for kind in ("priors", "quantities"):
        of_file = own.stated(kind, needed)
        for name, (table, comment) in case.stated(kind, needed).items():
            if name not in of_file or of_file[name][0] != table:
                yield from _table(("choices", case.name, *case.key(kind, name)), table, comment)


def _run(priors: Priors, stack: Stack) -> Table:
    """What `[run]` says beyond what stands for a key that is left out.

    The headline is named where a prior has taken the place of one of the file's own formulas, which are of it.
    """
    left_out = RunTable()
    told = priors.run.model_dump(mode="json", include={*RunTable.model_fields})
    stated = {key: value for key, value in told.items() if getattr(priors.run, key) != getattr(left_out, key)}
    bound = stack.priors.keys() & stack.formulas.keys() - stack.of_model.keys()
    return ({"quantities": list(priors.headline)} if bound else {}) | stated


def _correlated(pairs: Iterable[Correlation]) -> Table:
    table: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        value = pair.value if pair.measure == "spearman" else {pair.measure: pair.value}
        table.setdefault(pair.first, {})[pair.second] = value
    return table


def _figure(figure: Published) -> dict[str, Any]:
    stated = {"quantity": figure.quantity, "value": figure.stated, "unit": figure.unit}
    return stated | {key: text for key in ("source", "note") if (text := getattr(figure, key))}


def _measured(measured: Measured, *, taken: bool) -> dict[str, Any]:
    """A figure at a value of a prior, without its choice where that has been taken."""
    choice = {"choice": measured.choice} if measured.choice and not taken else {}
    return _figure(measured.figure) | choice | {"at": {measured.over: measured.at}}


def _table(key: Sequence[str], table: Table, comment: str = "", *, listed: bool = False) -> Iterator[str]:
    """The lines of a table after an empty one; none of a table that states nothing."""
    if table:
        brackets = "[[{}]]" if listed else "[{}]"
        yield from ("", *([f"# {comment}"] if comment else []), brackets.format(written_key(*key)))
        yield from (f"{written_key(name)} = {written_value(value)}" for name, value in table.items())


def _origin(kind: str, entry: Entry) -> str:
    """Where an entry is from: the nearest layer, and what else its keys are from."""
    layers: dict[str, Layer] = {}
    for layer in [entry.layer, *entry.origins.values()]:
        line = layer.line((kind, entry.name))
        layers.setdefault(f"{layer.shown}:{line}" if line else layer.shown, layer)
    return ", ".join(layers)


def _is_same(cases: Sequence[_Case], text: str) -> bool:
    """Whether a text states what the cases do, but for what nothing needs."""
    try:
        read = load_priors(text)
    except PriorsError:
        return False
    known = read.quantities.keys()
    return all(_decisive(case.priors, known) == _decisive(read.cases[case.name], known) for case in cases)


def _decisive(priors: Priors, names: Collection[str]) -> list[Any]:
    """What decides the answers to questions of the quantities of these names."""
    bound = {name: prior for name, prior in priors.priors.items() if name in names}
    free = {name: each for name, each in priors.quantities.items() if name in names and name not in bound}
    return [
        {name: (repr(prior.distribution), prior.evidence, prior.unit) for name, prior in bound.items()},
        {name: (quantity.unit, getattr(quantity.function, "text", "")) for name, quantity in free.items()},
        [(pair.key, pair.measure, pair.value) for pair in priors.correlations],
        priors.run.quantities or priors.headline,
    ]
