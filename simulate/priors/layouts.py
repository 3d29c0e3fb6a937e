"""Layouts in words, such as "TP4 PP2": a list of which each scenario takes the cheapest, as a layer of formulas.

TP is how many accelerators share the attention of a sequence, DP how many such groups a stage has, PP how many stages:
a replica has TP x DP x PP of them. "apart" or "shared" says how prompts are read.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from simulate.errors import SimulateError

USUAL = ("TP1", "TP2", "DP2", "TP4", "DP4", "TP8", "DP8", "TP4 DP2", "TP4 PP2")  # on a server of eight
MOST = 32  # in a list
PARTS = re.compile(r"(TP|DP|PP)([1-9]\d{0,3})")
PROMPTS = {"apart": 1, "shared": 0}


class LayoutError(SimulateError):
    """A word that is no layout."""

    code = "schema"


class Layout(NamedTuple):
    """The quantities that a layout states; `prompts_apart` is None where the word does not say."""

    word: str
    replica_accelerators: int
    tensor_parallelism: int
    pipeline_stages: int
    prompts_apart: int | None

    @classmethod
    def read(cls, word: str) -> "Layout":
        """Read a word. Raises LayoutError where it is none."""
        parts = word.split()
        sizes = {found[1]: int(found[2]) for part in parts if (found := PARTS.fullmatch(part.upper()))}
        how = [part.lower() for part in parts if part.lower() in PROMPTS]
        if not sizes or len(sizes) + len(how) != len(parts) or len(how) > 1:
            raise LayoutError(f'"{word}" is no layout; write for instance "TP8", "TP4 PP2", "DP8" or "TP8 apart"')
        tensor, groups, stages = (sizes.get(part, 1) for part in ("TP", "DP", "PP"))
        shown = " ".join([*(f"{part}{size}" for part, size in sizes.items()), *how])
        return cls(shown, tensor * groups * stages, tensor, stages, PROMPTS[how[0]] if how else None)


def tables(words: Sequence[str]) -> dict[str, Any]:
    """What a list binds: each quantity of a layout by the place of the one that is taken, and how often each is.

    "usual" stands for those of a server. Raises LayoutError for what is no layout, and for a list that is too long.
    """
    listed = [each for word in words for each in (USUAL if word.strip().lower() == "usual" else (word,))]
    layouts = list(dict.fromkeys(map(Layout.read, listed)))
    if len(layouts) > MOST:
        raise LayoutError(f"has {len(layouts)} layouts, and may have {MOST}; take some out")
    told = {"unit": "1", "source": f"layouts = {', '.join(words)}"}
    priors: dict[str, Any] = {"layouts_listed": told | {"value": float(len(layouts))}}
    quantities: dict[str, Any] = {}
    for name in Layout._fields[1:]:
        values = [getattr(layout, name) for layout in layouts]
        if values == [None] * len(values):  # as without the list
            continue
        stated = [value or 0 for value in values]
        if len(set(stated)) == 1:
            priors[name] = told | {"value": float(stated[0])}
        else:
            quantities[name] = told | {"formula": _at_place(stated, 1)}
    shares = {f"layout_{layout.word.lower().replace(' ', '_')}": layout.word for layout in layouts}
    for place, (name, word) in enumerate(shares.items(), 1):
        formula = f"(layout > {place - 0.5}) & (layout < {place + 0.5})"
        quantities[name] = told | {"formula": formula, "label": f"Layout {word}"}
    return {"priors": priors, "quantities": quantities, "shares": shares}


def _at_place(values: Sequence[int], first: int) -> str:
    """The formula of the value at the place of the layout, of which the first of these has a number."""
    if len(set(values)) == 1:
        return str(values[0])
    half = len(values) // 2
    low, high = _at_place(values[:half], first), _at_place(values[half:], first + half)
    return f"where(layout < {first + half - 0.5}, {low}, {high})"
