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

POOL = "prefill_accelerator"
CATALOGS = ("accelerator", POOL, "api")  # keys that name a row of a catalog
NAMING = (*CATALOGS, "layouts", "precision", "training_precision")  # and all that stand for figures
STORED = {"weights": "bytes_per_parameter", "cache": "kv_bytes_per_value"}
COMPUTED = {"arithmetic": "peak_flops", "attention": "attention_peak_flops", "training": "training_peak_flops"}
OF_POOL = "prefill_"  # what the names of the figures of its accelerator begin with
SIZE_OF_POOL = "prefill_replica_accelerators"  # where it is stated there is a pool
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
    hardware = {"accelerator": "", POOL: ""}  # the nearest so far that the catalog holds
    for layer in reversed(layers):
        own = dict(named(layer.tables))
        asked = {key: _words(key, layer.tables[key]) for key in own}
        names |= own
        origins |= dict.fromkeys(own, layer)
        words |= {key: words.get(key, {}) | new for key, new in asked.items() if new}
        if new_hardware := own.keys() & hardware:  # whose peaks depend on farther words too
            hardware |= {key: own[key] for key in new_hardware}
            for key, said in words.items():
                asked[key] = {part: word for part, word in said.items() if part in {*asked.get(key, {}), *COMPUTED}}
        if "training_precision" not in words and "arithmetic" in asked.get("precision", {}):
            asked["precision"] |= {"training": "BF16"}  # the other word is of serving
        for key in sorted(asked, key=NAMING.index):
            try:
                tables = _tables(key, layer.tables.get(key), hardware, asked[key])
                stack = [*_kept(stack, tables), Layer(f"{key} {names[key]}", tables, own=False)]
            except (CatalogError, LayoutError) as error:
                problems.append(Problem(layer, (key,), str(error), alone=True, code=error.code))
                hardware |= {each: "" for each in hardware if each == key}
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


def without_figures(stack: Stack) -> dict[str, str]:
    """What to know of peaks for which an accelerator lacks the arithmetic asked for, by name.

    And of figures that the accelerator of a prefill pool shares with the others, by theirs, where the catalog has none.
    """
    found = {name: entry.layer.tables.get("warnings", {}).get(name, "") for name, entry in stack.priors.items()}
    stated = stack.priors | stack.formulas
    shared: Mapping[str, str] = next((pool.tables["warnings"] for pool in _pools(stack)), {})
    found |= {name: shared[name] for name in shared if name in stated and OF_POOL + name not in stated}
    return {name: text for name, text in found.items() if text}


def without_pool(stack: Stack) -> Iterator[Problem]:
    """What is wrong with naming an accelerator for a pool that a case does not have."""
    if next(_pools(stack), None) and SIZE_OF_POOL not in (*stack.priors, *stack.formulas, *stack.malformed):
        named = next(layer for layer in stack.layers if layer.tables.get(POOL))
        fault = "is for a pool that reads prompts apart, and there is none"
        mend = f"add [priors.{SIZE_OF_POOL}], or take it out"
        yield Problem(named, (POOL,), f"{fault}; {mend}", code="schema")


def _pools(stack: Stack) -> Iterator[Layer]:
    """The layers of figures of accelerators of a prefill pool, the nearest first."""
    return (layer for layer in stack.layers if layer.shown.startswith(f"{POOL} "))


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

    rows = token_prices.APIS if key == "api" else catalog.ACCELERATORS
    return rows.name(name.partition("@")[0])


def _kept(stack: Sequence[Layer], tables: Mapping[str, Any]) -> list[Layer]:
    """What stays beneath the figures of a key: of two lists of layouts the nearer stands alone."""
    return [layer for layer in stack if not {"shares"} <= layer.tables.keys() & tables.keys()]


def _tables(key: str, name: Any, hardware: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Any]:
    """What a key brings by what it names, or by its words. Raises CatalogError and LayoutError for what is none."""
    from simulate import catalog, token_prices
    from simulate.priors import layouts

    if key == "layouts":
        return layouts.tables(name)
    if key == "accelerator":
        return {"priors": catalog.accelerator(name)}
    if key == POOL:
        return _of_pool(name)
    if key != "api":
        return _peaks(hardware, words)
    entries, seen = token_prices.price(name)
    return {"priors": entries, "aging": dict.fromkeys(entries, (row_named(key, name), seen)) if seen else {}}


def _peaks(hardware: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Any]:
    """What words for a precision bind, with warnings of peaks that there are not.

    Without an accelerator, peaks are left out. Raises CatalogError where the catalog does not hold it.
    """
    from simulate import catalog

    found = {STORED[part]: catalog.bytes_of(word) for part, word in words.items() if part in STORED}
    warnings = {}
    for part, word in words.items():
        for where, accelerator in hardware.items():
            if part not in COMPUTED or not accelerator or (part, where) == ("training", POOL):
                continue
            peaks = catalog.peaks(accelerator)
            quantity = COMPUTED[part] if where != POOL else OF_POOL + COMPUTED[part]
            found[quantity] = peaks.get(word, peaks["BF16"])
            if part == "training":
                gain = {"value": found[quantity]["value"] / peaks["BF16"]["value"], "unit": "1"}
                found["training_peak_gain"] = found[quantity] | gain
            if word not in peaks:
                name = catalog.accelerator_name(accelerator)
                warnings[quantity] = (
                    f"{quantity}: the catalog has no peak of the {name} in {word}, so it computes in BF16"
                )
    return {"priors": found, "warnings": warnings}


def _of_pool(accelerator: str) -> dict[str, Any]:
    """What the accelerator of a prefill pool brings, and warnings of what it shares with the others for want of it."""
    from simulate import catalog, model

    known, name = catalog.accelerator(accelerator), catalog.accelerator_name(accelerator)
    known |= {"attention_peak_flops": known["peak_flops"]}
    quantities = model.quantities("llm_cost")
    shared = {other: OF_POOL + other for other in quantities if OF_POOL + other in quantities}
    return {
        "priors": {pooled: known[other] for other, pooled in shared.items() if other in known},
        "warnings": {
            other: f"{pooled}: the catalog has none of the {name}, so that of the other accelerators stands; state it"
            for other, pooled in shared.items()
            if other in catalog.figures() and other not in known
        },
    }
