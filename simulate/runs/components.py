"""Sums and their parts: what tables show beneath a total."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from simulate.graph import Quantity


def with_components(
    quantities: Mapping[str, Quantity], bound: Iterable[str], asked: Sequence[str]
) -> tuple[str, ...]:
    """The quantities asked for, and the parts of those that are sums and not bound by a prior."""
    held = set(bound)
    parts = {
        name: list(quantity.needs)
        for name, quantity in quantities.items()
        if quantity.is_total and name not in held
    }
    return tuple(name for _, name in indented(parts, asked))


def indented(components: Mapping[str, Sequence[str]], asked: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Depth and name, a sum before its parts; a part of something else asked for stands only there."""

    def below(name: str, depth: int) -> Iterator[tuple[int, str]]:
        yield depth, name
        for part in components.get(name, ()):
            yield from below(part, depth + 1)

    parts = {part for name in asked for depth, part in below(name, 0) if depth}
    shown: set[str] = set()
    for name in asked:
        if name not in parts:
            for depth, part in below(name, 0):
                if part not in shown:
                    shown.add(part)
                    yield depth, part
