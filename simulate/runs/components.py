"""Sums and their parts: what tables show beneath a total."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from simulate.graph import Quantity


def components(quantities: Mapping[str, Quantity], bound: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The parts of each quantity that is a sum and not bound by a prior."""
    return {name: quantity.needs for name, quantity in quantities.items() if quantity.is_total and name not in bound}


def indented(parts_of: Mapping[str, Sequence[str]], asked: Sequence[str]) -> dict[str, int]:
    """Depth by name, a sum before its parts; a part of something else asked for stands only there."""

    def below(name: str, depth: int) -> Iterator[tuple[str, int]]:
        yield name, depth
        for part in parts_of.get(name, ()):
            yield from below(part, depth + 1)

    parts = {part for name in asked for part, depth in below(name, 0) if depth}
    depths: dict[str, int] = {}
    for name in asked:
        if name not in parts:
            for part, depth in below(name, 0):
                depths.setdefault(part, depth)
    return depths
