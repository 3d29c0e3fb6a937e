"""Tables within tables, as TOML reads them: what lies at a key, what is left without it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from simulate.priors.positions import Key


def dotted_percentiles(value: Any, key: Key = ()) -> Iterator[tuple[Key, str]]:
    """Find `p2.5 = 3` in priors, which TOML reads as p2 = {5 = 3}."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in items:
        percentile = "priors" in key[:-1] and isinstance(child, dict) and re.fullmatch(r"p\d+", str(name))
        if percentile and all(decimals.isdecimal() for decimals in child):
            decimals = next(iter(child), "5")
            message = f'{name}.{decimals} is a dotted key in TOML; write "{name}.{decimals}" in quotes'
            yield (*key, name, decimals), message
        else:
            yield from dotted_percentiles(child, (*key, name))


def at(tables: Any, key: Key) -> Any:
    """What lies at a key."""
    for step in key:
        tables = tables[step]
    return tables


def without(tables: Mapping[Any, Any], key: Key) -> dict[str, Any]:
    """Copy nested tables without the entry at a key; an array's element leaves a None in its place."""
    match key:
        case (name,):
            return {other: value for other, value in tables.items() if other != name}
        case (name, int() as i) if isinstance(tables.get(name), list):
            return {**tables, name: [None if j == i else value for j, value in enumerate(tables[name])]}
        case (name, *rest) if isinstance(tables.get(name), dict):
            return {**tables, name: without(tables[name], tuple(rest))}
    return dict(tables)
