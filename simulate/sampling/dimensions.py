"""Which dimension of a scheme each name has."""

from collections.abc import Iterable
from functools import cache
from importlib import resources


@cache
def listed() -> dict[str, int]:
    """The names in `data/dimensions.txt`, each with its place there, which is its dimension for good."""
    text = (resources.files("simulate") / "data" / "dimensions.txt").read_text(encoding="utf-8")
    names = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: place for place, name in enumerate(names)}


def dimensions(names_of_models: Iterable[str], own: Iterable[str]) -> dict[str, int]:
    """The dimension of each name, in rising order: listed names of the models, a file's own, then unlisted ones.

    Listed names keep their places, and the own names follow the whole list in their order, so that a new
    quantity of a model moves no other. With no listed name the own ones begin at 0.
    """
    of_models = dict.fromkeys(names_of_models)
    kept = {name: place for name, place in listed().items() if name in of_models}
    unlisted = [name for name in of_models if name not in kept]
    after = dict.fromkeys([*(name for name in own if name not in of_models), *unlisted])
    return kept | {name: place for place, name in enumerate(after, len(listed()) if kept else 0)}
