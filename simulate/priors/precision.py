"""What an accelerator and the words for a precision bind, as layers beneath those that name them.

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
NAMING = ("accelerator", POOL, "precision", "training_precision")  # keys that stand for figures
STORED = {"weights": "bytes_per_parameter", "cache": "kv_bytes_per_value"}
COMPUTED = {"arithmetic": "peak_flops", "attention": "attention_peak_flops", "training": "training_peak_flops"}
OF_POOL = "prefill_"  # what the names of the figures of its accelerator begin with
SIZE_OF_POOL = "prefill_replica_accelerators"  # where it is stated there is a pool
CACHE = {"FP4": "FP8"}  # where one word stands for all: beside weights in 4 bits, stacks keep the cache in 8


def named(tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of a layer that stand for figures, with what they name; the two together name the layer of these."""
    for key in NAMING:
        if value := tables.get(key):
            yield key, value if isinstance(value, str) else ", ".join(f"{part} {word}" for part, word in value.items())


def with_figures(layers: Sequence[Layer], *, elsewhere: bool) -> tuple[list[Layer], list[Problem]]:
    """Put beneath each layer, of which the nearest comes first, the figures that it names.

    Where no accelerator is named but `elsewhere`, in a choice, words for arithmetic bind nothing.
    """
    from simulate.catalog import CatalogError

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
        words |= {key: words.get(key, {}) | new for key, new in asked.items()}
        if new_hardware := own.keys() & hardware:  # whose peaks depend on farther words too
            hardware |= {key: own[key] for key in new_hardware}
            for key, said in words.items():
                asked[key] = {part: word for part, word in said.items() if part in {*asked.get(key, {}), *COMPUTED}}
        if "training_precision" not in words and "arithmetic" in asked.get("precision", {}):
            asked["precision"] |= {"training": "BF16"}  # the other word is of serving
        for key in sorted(asked, key=NAMING.index):
            try:
                stack.append(Layer(f"{key} {names[key]}", _tables(key, hardware, asked[key]), own=False))
            except CatalogError as error:
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


def without_figures(stack: Stack) -> dict[str, str]:
    """What to know of peaks for which an accelerator lacks the arithmetic asked for, by name.

    And of figures that an accelerator of a prefill pool shares with the others, by theirs, where the catalog has none.
    """
    found = {name: entry.layer.tables.get("warnings", {}).get(name, "") for name, entry in stack.priors.items()}
    level, pool = next(_pools(stack), (0, None))
    stated = stack.priors | stack.formulas
    for name, lack in pool.tables["warnings"].items() if pool else ():
        if name in stated and OF_POOL + name not in stated:
            found[name] = f"{lack}, so that of the other accelerators stands; state it"
        elif OF_POOL + name in stated and stated[OF_POOL + name].level > level:
            found[OF_POOL + name] = f"{lack}, so that of {stated[OF_POOL + name].layer.shown} stands; state it"
    return {name: text for name, text in found.items() if text}


def without_pool(stack: Stack) -> Iterator[Problem]:
    """What is wrong with naming an accelerator for a pool that a case does not have."""
    if next(_pools(stack), None) and SIZE_OF_POOL not in (*stack.priors, *stack.formulas, *stack.malformed):
        named = next(layer for layer in stack.layers if layer.tables.get(POOL))
        fault = "is for a pool that reads prompts apart, and there is none"
        mend = f"add [priors.{SIZE_OF_POOL}], or take it out"
        yield Problem(named, (POOL,), f"{fault}; {mend}", code="schema")


def _pools(stack: Stack) -> Iterator[tuple[int, Layer]]:
    """The layers of figures of accelerators of a prefill pool, the nearest first, with their places."""
    return ((level, layer) for level, layer in enumerate(stack.layers) if layer.shown.startswith(f"{POOL} "))


def _words(key: str, value: str | Mapping[str, str]) -> dict[str, str]:
    """The word for each part that a key's value stands for; an accelerator has none."""
    match key, value:
        case "training_precision", str():
            return {"training": value}
        case "precision", str():
            return {"weights": value, "cache": CACHE.get(value, value), "arithmetic": value, "attention": "BF16"}
        case "precision", Mapping():
            return {"attention": "BF16"} | dict(value) if "arithmetic" in value else dict(value)
    return {}


def _tables(key: str, hardware: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Any]:
    """What an accelerator brings, or the words of another key bind, with warnings of figures that there are not.

    Without an accelerator, peaks are left out. Raises CatalogError where the catalog does not hold it.
    """
    from simulate import catalog

    if key == "accelerator":
        return {"priors": catalog.accelerator(hardware[key])}
    if key == POOL:
        return _of_pool(hardware[key])
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
            other: f"{pooled}: the catalog has none of the {name}"
            for other, pooled in shared.items()
            if other in catalog.figures() and other not in known
        },
    }
