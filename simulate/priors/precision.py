"""What an accelerator, an API, layouts and the words for a precision bind, as layers beneath those that name them.

A word such as FP8 stands for weights, cache and arithmetic together, or each has its own; attention is in BF16 unless
it has one. A peak depends on both, the
accelerator and the word, so it is looked up where either is named, beside the nearest farther one of the other. Where
an accelerator lacks the arithmetic, values are stored in what the word says and computed with in 16 bits, as serving
stacks do.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulate.priors.layers import Layer, Problem, Stack

CATALOGS = ("accelerator", "api")  # keys that name a row of a catalog
NAMING = (*CATALOGS, "layouts", "precision", "training_precision")  # and all that stand for figures
STORED = {"weights": "bytes_per_parameter", "cache": "kv_bytes_per_value"}
COMPUTED = {"arithmetic": "peak_flops", "attention": "attention_peak_flops", "training": "training_peak_flops"}
CACHE = {"FP4": "FP8"}  # where one word stands for all: beside weights in 4 bits, stacks keep the cache in 8


def named(tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of a layer that stand for figures, with what they name; the two together name the layer of these."""
    for key in NAMING:
        if value := tables.get(key):
            parts = [f"{part} {word}" for part, word in value.items()] if isinstance(value, Mapping) else value
            yield key, value if isinstance(value, str) else ", ".join(parts)


def with_figures(layers: Sequence[Layer], *, elsewhere: bool) -> tuple[list[Layer], list[Problem]]:
    """Put beneath each layer, of which the nearest comes first, the figures that it names.

    Where no accelerator is named but `elsewhere`, in a choice, words for arithmetic bind nothing.
    """
    from simulate.catalog import CatalogError
    from simulate.priors.layouts import LayoutError

    stack: list[Layer] = []
    problems: list[Problem] = []
    names: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    origins: dict[str, Layer] = {}
    accelerator = ""  # the nearest so far that the catalog holds
    for layer in reversed(layers):
        own = dict(named(layer.tables))
        asked = {key: _words(key, layer.tables[key]) for key in own}
        names |= own
        origins |= dict.fromkeys(own, layer)
        words |= {key: words.get(key, {}) | new for key, new in asked.items() if new}
        if "accelerator" in own:  # whose peaks depend on farther words too
            accelerator = own["accelerator"]
            for key, said in words.items():
                asked[key] = {part: word for part, word in said.items() if part in {*asked.get(key, {}), *COMPUTED}}
        if "training_precision" not in words and "arithmetic" in asked.get("precision", {}):
            asked["precision"] |= {"training": "BF16"}  # the other word is of serving
        for key in sorted(asked, key=NAMING.index):
            try:
                tables = _tables(key, layer.tables.get(key), accelerator, asked[key])
                stack = [*_kept(stack, tables), Layer(f"{key} {names[key]}", tables, own=False)]
            except (CatalogError, LayoutError) as error:
                problems.append(Problem(layer, (key,), str(error), alone=True, code=error.code))
                accelerator = "" if key == "accelerator" else accelerator
        stack.append(layer)
    if "accelerator" not in names and not elsewhere:
        for key, said in words.items():
            for part in said.keys() & COMPUTED.keys():
                fault = f"takes the peak in {said[part]} of an accelerator, and none is named"
                mend = f"add accelerator = ..., or state [priors.{COMPUTED[part]}] in place of the word"
                problems.append(Problem(origins[key], (key,), f"{fault}; {mend}", code="schema"))
    return stack[::-1], problems


def aging(stack: Stack) -> dict[str, tuple[str, str]]:
    """What to know of prices from a day on, a year after they were last seen to hold, by name, with the day."""
    told = {}
    for name, entry in stack.priors.items():
        if (layer := entry.origins.get("value")) and name in layer.tables.get("aging", {}):
            row, seen = layer.tables["aging"][name]
            fault = f"{row}: its newest price in the catalog is of {seen}, more than a year ago"
            text = f"{fault}; state [priors.api_input_price] and the others, or name another api"
            told[name] = (text, f"{int(seen[:4]) + 1}{seen[4:]}")
    return told


def without_arithmetic(stack: Stack) -> dict[str, str]:
    """What to know of peaks for which an accelerator lacks the arithmetic asked for, by name."""
    bound = {name: stack.priors[name].layer for name in COMPUTED.values() if name in stack.priors}
    told = {name: layer.tables.get("warnings", {}).get(name, "") for name, layer in bound.items()}
    return {name: text for name, text in told.items() if text}


def _words(key: str, value: str | Mapping[str, str]) -> dict[str, str]:
    """The word for each part that a key's value stands for; what is in a catalog has none."""
    match key, value:
        case "training_precision", str():
            return {"training": value}
        case "precision", str():
            return {"weights": value, "cache": CACHE.get(value, value), "arithmetic": value, "attention": "BF16"}
        case "precision", Mapping():
            return {"attention": "BF16"} | dict(value) if "arithmetic" in value else dict(value)
    return {}


def row_named(key: str, name: str) -> str:
    """The catalog's name for what a key names, without a date. Raises CatalogError where the catalog lacks it."""
    from simulate import catalog, token_prices

    rows = catalog.ACCELERATORS if key == "accelerator" else token_prices.APIS
    return rows.name(name.partition("@")[0])


def _kept(stack: Sequence[Layer], tables: Mapping[str, Any]) -> list[Layer]:
    """What stays beneath the figures of a key: of two lists of layouts the nearer stands alone."""
    return [layer for layer in stack if not {"shares"} <= layer.tables.keys() & tables.keys()]


def _tables(key: str, name: Any, accelerator: str, words: Mapping[str, str]) -> dict[str, Any]:
    """What a key brings by what it names, or by its words. Raises CatalogError and LayoutError for what is none."""
    from simulate import catalog, token_prices
    from simulate.priors import layouts

    if key == "layouts":
        return layouts.tables(name)
    if key == "accelerator":
        return {"priors": catalog.accelerator(name)}
    if key != "api":
        return _peaks(accelerator, words)
    entries, seen = token_prices.price(name)
    return {"priors": entries, "aging": dict.fromkeys(entries, (row_named(key, name), seen)) if seen else {}}


def _peaks(accelerator: str, words: Mapping[str, str]) -> dict[str, Any]:
    """What words for a precision bind, with warnings of peaks that there are not.

    Without an accelerator, peaks are left out. Raises CatalogError where the catalog does not hold it.
    """
    from simulate import catalog

    found = {STORED[part]: catalog.bytes_of(word) for part, word in words.items() if part in STORED}
    peaks = catalog.peaks(accelerator) if accelerator else {}
    warnings = {}
    for part in [part for part in words if part in COMPUTED and peaks]:
        quantity, word = COMPUTED[part], words[part]
        found[quantity] = peaks.get(word, peaks["BF16"])
        if part == "training":
            gain = {"value": found[quantity]["value"] / peaks["BF16"]["value"], "unit": "1"}
            found["training_peak_gain"] = found[quantity] | gain
        if word not in peaks:
            name = catalog.accelerator_name(accelerator)
            warnings[quantity] = f"{quantity}: the catalog has no peak of the {name} in {word}, so it computes in BF16"
    return {"priors": found, "warnings": warnings}
