"""Words and what they mean: a kind of words is a list by itself, each word of it one entry.

What is said comes from where the code has it: a new family, key, function, accelerator or scheme is a word as it is.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from simulate import catalog, token_prices
from simulate.distributions import FAMILIES
from simulate.distributions.other_names import family_meant
from simulate.distributions.parameters import PARAMETERS, PERCENTILE
from simulate.distributions.reading import PERCENTILE as PERCENTILE_KEY
from simulate.distributions.reading import forms
from simulate.errors import SimulateError, suggestion
from simulate.formulas.words import FUNCTION_WORDS
from simulate.grammar import FORMS
from simulate.priors import shipped
from simulate.priors.keys import Stated, keys
from simulate.reference.families import family
from simulate.reference.meaning import Meaning
from simulate.registry import Registry
from simulate.sampling.schemes import SCHEMES
from simulate.sensitivity.methods import METHODS
from simulate.statistics import OPTIONAL
from simulate.syntax import loads
from simulate.units import DERIVED, NAMES

MEMORY = ("memory_capacity", "memory_bandwidth")  # what is told of an accelerator in a line


class Kind(NamedTuple):
    """A kind of words: what the list of them is called, what is said of it, the words, and what each means."""

    name: str
    says: str
    words: Callable[[], Iterable[str]]
    meaning: Callable[[str], Meaning]

    @property
    def list(self) -> Meaning:
        """The list of its words, a line each."""
        rows = [{"word": word, "is": self.meaning(word).brief} for word in self.words()]
        return Meaning(self.name, "list", self.says, {"": rows})


def _parameter(name: str) -> Meaning:
    users = [family for family, kind in FAMILIES.items() if any(name in form.kinds for form in forms(kind))]
    users += [family for family, kind in FAMILIES.items() if kind.truncatable and name in ("lower", "upper")]
    return Meaning(name, "parameter of a prior", f"{PARAMETERS[name]}\n\nOf {', '.join(users)}.")


def _percentile(word: str) -> Meaning:
    users = [family for family, kind in FAMILIES.items() if any(form.percentiles for form in forms(kind))]
    return Meaning(word, "parameter of a prior", f"{PERCENTILE}\n\nOf {', '.join(users)}.")


def _keys_of(word: str) -> list[Stated]:
    """The keys that are written so, one at the top of a file first."""
    found = [key for key in keys() if word in (key.path, key.path.rpartition(".")[2])]
    return sorted(found, key=lambda key: "." in key.path)


def _key(word: str) -> Meaning:
    """A table or a key, of whatever tables it is a key."""
    first, *others = _keys_of(word)
    beneath = [key for key in keys() if first.is_table and key.path.startswith(f"{first.path}.")]
    tables = {"keys": _rows(beneath), "also": _rows(others)}
    if first.default:
        tables["left out"] = [{"key": first.path, "stands for": first.default}]
    return Meaning(
        first.path, "table of a priors file" if first.is_table else "key of a priors file", first.says, tables
    )


def _rows(told: Iterable[Stated]) -> list[dict[str, str]]:
    return [{"key": key.path, "holds": key.brief, "default": key.default} for key in told]


def _accelerator(name: str) -> Meaning:
    entries = {**catalog.accelerator(name), **catalog.peaks(name)}
    rows = [
        {"quantity": each, "figure": _figure(entry), **{key: entry[key] for key in ("unit", "evidence", "source")}}
        for each, entry in entries.items()
    ]
    also = ", ".join(other for other, meant in catalog.SPELLINGS.items() if meant == name)
    memory = " at ".join(f"{_figure(entries[each])} {entries[each]['unit']}" for each in MEMORY if each in entries)
    brief = f"{entries['BF16']['value'] / 1e12:.4g} TFLOP/s in BF16, {memory}."
    pasted = f'    accelerator = "{name}"'
    text = [brief, pasted, *([f"Also written {also}."] if also else [])]
    return Meaning(name, "accelerator of the catalog", "\n\n".join(text), {"": rows})


def _api(name: str) -> Meaning:
    """A vendor's prices, the newest last."""
    columns = ("since", "seen", *token_prices.PRICES.values(), "evidence", "source")
    rows = [{column: row[column] for column in columns} for row in token_prices.APIS.rows[name]]
    newest = rows[-1]
    brief = (
        f"{newest['input']} and {newest['output']} USD a million tokens of input and of output, seen {newest['seen']}."
    )
    return Meaning(name, "API of the catalog", f'{brief}\n\n    api = "{name}"', {"": rows})


def _figure(entry: Mapping[str, Any]) -> str:
    """A value, or the 5th and the 95th percentile."""
    return " to ".join(f"{entry[key]:.6g}" for key in ("value", "p5", "p95") if key in entry)


def _precision(word: str) -> Meaning:
    entry = catalog.bytes_of(word)
    return Meaning(word, "precision", f"{entry['value']:g} bytes a value: {entry['source']}.")


def _function(name: str) -> Meaning:
    call, says = FUNCTION_WORDS[name]
    return Meaning(name, "function of formulas", f"{call}: {says[0].lower()}{says[1:]}")


def _unit(name: str) -> Meaning:
    if name not in DERIVED:
        return Meaning(name, "unit", "A unit of its own.")
    factor, of = DERIVED[name]
    counted = "What is counted: a number." if (factor, of) == (1, "1") else f"{float(factor):g} {of}".removesuffix(" 1")
    return Meaning(name, "unit", counted)


def _form(name: str) -> Meaning:
    form = next(form for form in FORMS if form.name == name)
    examples = "\n".join(f"    {example}" for example in form.examples)
    text = f"{inspect.getdoc(form.reader) or ''}".partition("\n\n")[0]
    return Meaning(name, "form of text", f"{text}\n\nIt looks like {form.looks}, such as\n\n{examples}")


def _statistic(name: str) -> Meaning:
    return Meaning(name, "statistic", inspect.getdoc(OPTIONAL[name]) or "")


def _shipped(name: str) -> Meaning:
    """A file that ships: its title, and the comment that it opens with."""
    text = shipped()[name].read_text("utf-8")
    lines = [line.removeprefix("#").strip() for line in text.split("\n\n", 1)[0].splitlines() if line[:1] == "#"]
    told = [line for line in lines if line[:1] not in {":", "|"}]
    title = f"{loads(text)['title']}.\n\n"
    return Meaning(name, "shipped priors file", (title + "\n".join(told)).rstrip("\n"))


def _of_registry(registry: Registry[Any], kind: str) -> Callable[[str], Meaning]:
    return lambda name: Meaning(name, kind, registry.said(name))


def _key_names() -> list[str]:
    """The tables and keys as they are written, and by their whole paths."""
    paths = [key.path for key in keys()]
    return list(dict.fromkeys(name for path in paths for name in (path, path.rpartition(".")[2]) if name != "SECOND"))


KINDS = (
    Kind("keys", "The tables and keys of a priors file.", _key_names, _key),
    Kind("families", 'The families of distributions, dist = "NAME" in [priors.NAME].', lambda: FAMILIES, family),
    Kind("parameters", "The parameters of the families, keys of [priors.NAME].", lambda: PARAMETERS, _parameter),
    Kind("units", "The units, of which products, quotients and powers are units too.", lambda: NAMES, _unit),
    Kind("functions", "The functions of formulas.", lambda: FUNCTION_WORDS, _function),
    Kind("accelerators", 'The catalog, accelerator = "NAME".', catalog.accelerators, _accelerator),
    Kind("apis", 'Tokens at a vendor\'s list price, api = "NAME".', token_prices.apis, _api),
    Kind("precisions", 'What precision = "NAME" may name.', lambda: catalog.BYTES, _precision),
    Kind("forms", "The texts that options and keys take.", lambda: [form.name for form in FORMS], _form),
    Kind("schemes", "How scenarios are drawn.", lambda: SCHEMES, _of_registry(SCHEMES, "scheme of sampling")),
    Kind("methods", "How tornado measures.", lambda: METHODS, _of_registry(METHODS, "method of tornado")),
    Kind("statistics", "What --statistic adds to a run.", lambda: OPTIONAL, _statistic),
    Kind("shipped", "The priors files that ship, by name.", shipped, _shipped),
)


def all_words() -> tuple[str, ...]:
    """Every word that is explained besides quantities: the lists, then the words of each."""
    lists = [kind.name for kind in KINDS]
    return tuple(dict.fromkeys([*lists, *(word for kind in KINDS for word in kind.words())]))


def meanings(word: str) -> list[Meaning]:
    """What a word means, of each kind that has it; none where there is no such word.

    Percentiles are words however they are written, and accelerators and APIs in any spelling that a file may use.
    """
    found = [kind.list for kind in KINDS if word == kind.name]
    found += [kind.meaning(word) for kind in KINDS if word in kind.words()]
    if not found and PERCENTILE_KEY.fullmatch(word):
        found = [_percentile(word)]
    if not found:
        for rows, meaning in ((catalog.ACCELERATORS, _accelerator), (token_prices.APIS, _api)):
            with suppress(catalog.CatalogError):
                found.append(meaning(rows.name(word)))
    return found


def no_such_word(word: str, quantities: Collection[str]) -> SimulateError:
    """The error of a word that is neither explained nor a quantity, with what may have been meant."""
    mend = family_meant(word, (), "") or suggestion(word, [*quantities, *all_words(), *catalog.SPELLINGS])
    return SimulateError(f"there is no word {word}{mend or '; `simulate explain` lists all'}", code="unknown_name")
