"""TOML texts: reading them, saying what is wrong with their syntax in our own words, and writing values and keys.

tomllib finds what is wrong, and says it for programmers; it does not write.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_KEY = 'keys of other characters than letters, digits, _ and - stand in quotes, as "p2.5"'
_NUMBERS = "numbers look like 0.5, 3e6, 1_000"
_BRACES = "a table in braces stands in one line, without a comma at its end"
# How tomllib begins to say it: what is wrong, and what to do. A name in the message stands for {}.
_WORDS = {
    "Invalid statement": ("no key begins so", _KEY),
    "Invalid initial character for a key": ("no key begins so", f"{_KEY}, and {_BRACES}"),
    "Expected newline": (
        "the line should have come to an end",
        f"write one key = value a line, text in quotes, {_NUMBERS}",
    ),
    "Expected '='": ("the key ends here, and has no value", "write key = value"),
    "Expected ']'": ("the name of a table ends here, without its ]", f"write it as [priors.pue], {_KEY}"),
    "Expected ']]'": ("the name of a table ends here, without its ]]", f"write it as [[published]], {_KEY}"),
    "Expected": ("quotes are left open", "close the quotes"),
    "Unterminated string": ("quotes are left open", "close the quotes"),
    "Cannot overwrite": ("the key has a value already", "keep one"),
    "Duplicate inline table key": ("the key {} is given twice", "keep one"),
    "Cannot declare": ("the table {} is given twice", "keep one"),
    "Cannot redefine": ("the table {} is given above", "write its keys there"),
    "Cannot mutate": ("{} is stated whole above, in braces or brackets", "write its keys there"),
    "Unclosed array": ("a list is open, and does not go on so", "write commas between its values, and ] at its end"),
    "Unclosed inline table": (
        "a table in braces is open, and does not go on so",
        "write commas between its keys, and } at its end, all in one line",
    ),
    "Unescaped": ("no escape begins so", r"write \\ for a backslash, or put the text in single quotes"),
    "Invalid hex value": ("an escape lacks digits", r"write \u and four hexadecimal digits, or \U and eight"),
    "Escaped character": ("there is no character of this number", "mend the number of the escape"),
    "Invalid date": ("there is no such date or time", "mend it, or put it in quotes"),
    "Invalid value": ("no value begins so, and text stands in quotes", _NUMBERS),
    "Vanishes": ("the number {} is too small", "write 0, or one above 1e-308"),
    "Exceeds the limit": ("a number is longer than any that is meant", "write it shorter, such as 1.5e9"),
    "Found invalid character '\\n'": ("quotes are left open at the end of the line", "close the quotes"),
    "Illegal character '\\n'": ("quotes are left open at the end of the line", "close the quotes"),
    "Found invalid character": ("the control character {} is not allowed", "take it out"),
    "Illegal character": ("the control character {} is not allowed", "take it out"),
}


def written_value(value: Any) -> str:
    """A text, number, truth value, list or table as TOML writes it in one line; numbers read back to the bit."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            inner = ", ".join(f"{written_key(name)} = {written_value(each)}" for name, each in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case Sequence():
            return f"[{', '.join(map(written_value, value))}]"
    return repr(value)


def written_key(*names: str) -> str:
    """A key of these names, one in the other, as TOML writes it."""
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else written_value(name) for name in names)


class Broken(NamedTuple):
    """The first thing that is wrong, what to do, and where; line and column count from 1, 0 for none."""

    fault: str
    mend: str
    line: int
    column: int


def loads(text: str) -> dict[str, Any]:
    """The tables of a TOML text; raises ValueError, for `broken` to explain, or RecursionError.

    A number too small for floats, which tomllib takes for 0, is a fault too.
    """
    return tomllib.loads(text, parse_float=_float)


def _float(text: str) -> float:
    number = float(text)
    if not number and re.match(r"[-+0._]*[1-9]", text):
        raise ValueError(f"Vanishes: {text}")
    return number


def broken(error: ValueError, text: str) -> Broken:
    """What tomllib refuses in a text, and where. What ends too early is told where it begins, if that is known."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
    message = str(error)[: place.start()] if place else str(error)
    start = max((each for each in _WORDS if message.startswith(each)), key=len, default="")
    fault, mend = _WORDS.get(start, (message, "mend the syntax"))
    fault = fault.replace("{}", _named(message))
    if place and place[1]:
        return Broken(f"column {place[2]}: {fault}", mend, int(place[1]), int(place[2]))
    return Broken(fault, mend, text.count("\n", 0, _opening(text, message)) + 1, 0)


def _named(message: str) -> str:
    """The table, the key or the character that a message names, as a file writes it."""
    if table := re.search(r"\('(.*?)',?\)", message):
        return f"[{table[1]}]".replace("', '", ".")
    return message.rpartition(" ")[2].strip("'")


def _opening(text: str, message: str) -> int:
    """Where a number is, or quotes begin that are never closed, or else the end of what is written."""
    if message.startswith("Vanishes"):
        return text.index(_named(message))
    single = re.fullmatch("""Expected "('+)\"""", message)
    quotes = single[1] if single else '"""'
    is_open = single or (message == "Unterminated string" and text.count(quotes) % 2)
    return text.rindex(quotes) if is_open else len(text.rstrip())
