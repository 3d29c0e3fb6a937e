"""What is stated in vain: entries of overrides and of the file itself that move none of the figures, and why not.

An override is held against what is asked for. A file serves more questions than one: what it states may be for the
headline or another end of the model as well, and is told only where something stands in its way.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from simulate.errors import Fault, SimulateError
from simulate.graph import Quantity
from simulate.priors import Priors, stated
from simulate.priors.layers import shown_key
from simulate.priors.precision import NAMING, named

MOST = 3  # names in a line
REPLACING = {"priors": ("dist", "value"), "quantities": ("formula",)}  # other entries change single keys


class Entry(NamedTuple):
    """Something that is stated: its key, and the names that must all be of use for it to be of any.

    An accelerator or a precision has none, and what it names in the key. What `replaces` takes the place of what
    farther layers state.
    """

    key: tuple[str, ...]
    names: tuple[str, ...]
    replaces: bool

    @property
    def shown(self) -> str:
        """A prior or a quantity by its name, what else by its key."""
        match self.key:
            case (key, _) if key in NAMING:
                return " ".join(self.key)
            case ("correlations", *_):
                return shown_key(self.key)
        return self.key[1]


def in_vain(cases: Sequence[Priors], asked: Collection[str], beside: Collection[str] = ()) -> list[Fault]:
    """Tell what overrides and the file state in vain, each once, where none of these cases of one file needs it.

    The quantities of conditions and gates must be among those asked for. `beside` are the inputs of all that they are
    compared with, on the same uniforms: correlations of these are of use.
    """
    return [*_of_overrides(cases, asked, beside), *_of_file(cases, asked, beside)]


def _of_overrides(cases: Sequence[Priors], asked: Collection[str], beside: Collection[str]) -> Iterator[Fault]:
    case, reached = cases[0], _reached(cases, asked)
    replaced: dict[Collection[str], str] = {}  # the nearest override that changes it, by what is changed
    for layer in case.layers[: len(case.overrides)]:  # the nearest first
        for entry in _entries(layer.tables, beside):
            changed = frozenset(entry.names) or entry.key
            if changed in replaced:
                yield Fault(f"{layer.shown}: changes nothing: {replaced[changed]} takes its place")
            elif (idle := _idle(cases, entry, reached)) is not None:
                lacking = case.lacking
                way = _in_the_way(case, idle, lacking) or f"ask for {', '.join(_askable(case, idle, lacking)[:MOST])}"
                yield Fault(f"{layer.shown}: {entry.shown} reaches none of the quantities asked for: {way}")
            if entry.replaces:
                replaced.setdefault(changed, layer.shown)


def _of_file(cases: Sequence[Priors], asked: Collection[str], beside: Collection[str]) -> Iterator[Fault]:
    """What the file states itself, and of its choices those that are asked about, a line for each reason."""
    case = cases[0]
    layer = case.layers[len(case.overrides)]
    parts = {"": layer.tables, **{each.chosen: _choice(layer.tables, each.chosen) for each in cases if each.chosen}}
    for chosen, tables in parts.items():
        entries = [*_entries(tables, beside)]
        every = {each.chosen: each for each in [*cases, *case.cases.values()]}
        found = _blocked([*every.values()], chosen, entries, asked)
        if found and case.overrides:  # which may be what stands in the way
            found = _blocked(_as_it_stands(case), chosen, entries, asked)
        for way, shown in found.items():
            key = shown[0].key
            line = layer.line(("choices", chosen, *key) if chosen else key)
            of = f"choice {chosen}: " if chosen else ""
            names = ", ".join(each.shown for each in shown[:MOST])
            more = f" and {len(shown) - MOST} more" * (len(shown) > MOST)
            reach = f"reach{'es' * (len(shown) == 1)} none of the quantities asked for, nor of the headline"
            yield Fault(f"{of}{names}{more} {reach}: {way}", layer.shown, line)


def _choice(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = tables.get("choices", {}).get(name, {})
    return found


def _as_it_stands(case: Priors) -> list[Priors]:
    """The cases of a file without overrides; none of a file that is not whole without them."""
    with suppress(SimulateError):
        return [*stated(case.files).cases.values()]
    return []


def _blocked(
    cases: Sequence[Priors], chosen: str, entries: Collection[Entry], asked: Collection[str]
) -> dict[str, list[Entry]]:
    """The entries that serve no end of the cases, of those of the choice if it is one, by what stands in the way."""
    reached, found = set[str](), dict[str, list[Entry]]()
    cases = [each for each in cases if chosen in ("", each.chosen)]
    for case in cases:  # until all are of use
        reached |= _reached([case], [*asked, *case.headline, *case.run.quantities, *_ends(case.wired)])
        idle = [(entry, name) for entry in entries if (name := _idle(cases, entry, reached)) is not None]
        if not idle:
            return {}
    lacking = cases[0].lacking if cases else {}
    for entry, name in idle if cases else ():
        if way := _in_the_way(cases[0], name, lacking):
            found.setdefault(way, []).append(entry)
    return found


def _entries(tables: Mapping[str, Any], beside: Collection[str]) -> Iterator[Entry]:
    """What tables state, but for correlations of what is drawn `beside`."""
    for key in named(tables):
        yield Entry(key, (), replaces=False)
    for kind, keys in REPLACING.items():
        for name, table in tables.get(kind, {}).items():
            yield Entry((kind, name), (name,), replaces=any(key in table for key in keys))
    for first, others in tables.get("correlations", {}).items():
        for second in (each for each in others if not (first in beside and each in beside)):
            yield Entry(("correlations", first, second), (first, second), replaces=True)


def _reached(cases: Sequence[Priors], names: Collection[str]) -> set[str]:
    """What is drawn or computed for some of the names, as far as the cases can compute them.

    What is only correlated with that is not among it: its distribution moves nothing.
    """
    reached = set[str]()
    for case in cases:
        able = case.quantities.keys() - case.lacking
        needed = case.wiring.plan([name for name in dict.fromkeys(names) if name in able])
        reached.update(needed.inputs, (name for name, _, _ in needed.steps))
    return reached


def _ends(quantities: Mapping[str, Quantity]) -> list[str]:
    """What nothing else of a model needs; shares and counts aside, which tell of what they are computed from."""
    needed = {need for quantity in quantities.values() for need in quantity.needs}
    return [name for name, quantity in quantities.items() if name not in needed and quantity.unit != "1"]


def _idle(cases: Sequence[Priors], entry: Entry, reached: Collection[str]) -> str | None:
    """The name for which an entry is of no use, '' for an accelerator or a precision; None where it is of use."""
    if entry.names:
        return next((name for name in entry.names if name not in reached), None)
    origin = " ".join(entry.key)
    figures = {name for case in cases for name, prior in case.priors.items() if prior.layer.shown == origin}
    return None if figures.intersection(reached) else ""


def _in_the_way(case: Priors, name: str, lacking: Mapping[str, Sequence[str]]) -> str:
    """What keeps a name from being of use: the nearest on its way up that is not computed from it; '' for none."""
    if not name:
        return "none of its figures is needed"
    wired = case.wired
    for each in _above(wired, name, stop=case.priors):
        if prior := case.priors.get(each):
            line = f":{prior.line}" * bool(prior.line)
            return (
                f"{each} is a prior of its own ({prior.layer.shown}{line}), which takes the place of what is computed"
            )
        if each in case.own and name not in case.quantities[each].needs and name in wired[each].needs:
            return f"{each} is given by a formula of its own, which does not need that"
    if _askable(case, name, lacking):
        return ""
    above = [*_above(case.quantities, name, stop=case.priors), *_above(wired, name, stop=case.priors)]
    for each in [name, *above]:
        needs = wired[each].needs if each in wired else ()  # of what has its default for want of them, too
        if lacks := lacking.get(each) or [leaf for need in needs for leaf in lacking.get(need, ())]:
            return f"{each} cannot be computed: there is no prior for {', '.join(lacks[:MOST])}"
    return "nothing is computed from that"


def _askable(case: Priors, name: str, lacking: Collection[str]) -> list[str]:
    """What could be asked for so that a name moves it."""
    above = _above(case.quantities, name, stop=case.priors)
    return [each for each in above if each not in case.priors and each not in lacking]


def _above(quantities: Mapping[str, Quantity], name: str, stop: Collection[str]) -> list[str]:
    """The quantities that need a name, nearest first, up to those that priors bind."""
    found, at = [name], 0
    while at < len(found):
        below, at = found[at], at + 1
        if below == name or below not in stop:
            found += [each.name for each in quantities.values() if below in each.needs and each.name not in found]
    return found[1:]
