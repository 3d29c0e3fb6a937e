"""Values as TOML gives them, and how messages name them."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from simulate.distributions.protocol import ParameterError


def number(key: str, value: Any) -> float:
    """A finite number; raises ParameterError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        quoted = isinstance(value, str) and re.fullmatch(r"[-+]?[\d_.]+([eE][-+]?\d+)?", value)
        percent = isinstance(value, str) and value.rstrip().endswith("%")
        advice = "remove the quotes" if quoted else 'write 10% as 10, with unit = "%"' if percent else "give a number"
        raise ParameterError(key, f"must be a number, not {described(value)}; {advice}", alone=True)
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        finite = False
    if not finite:
        raise ParameterError(key, f"must be finite, not {described(value)}; give a finite number", alone=True)
    return float(value)


def described(value: Any) -> str:
    """A value of TOML as a message names it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the text "{value[:40]}"'
    if isinstance(value, int):
        return "so large an integer" if abs(value) > 10**18 else str(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


def listed(words: Iterable[str]) -> str:
    """What there is to choose from."""
    return f"there are {', '.join(words)}"
