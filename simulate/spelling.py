"""Names of files as users write them and as texts hold them, and signs on streams of small encodings."""

import codecs
import os
import re
from io import TextIOWrapper
from pathlib import Path

LONGEST = 200  # bytes of a file name that is made of others; most systems allow 255, endings included
SUPERSCRIPTS = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_ASCII = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹▁▂▃▄▅▆▇█▉▊▋▌▍▎▏−–×µμ─│├└", "-0123456789_.:-=+*########--xuu-||`", strict=True))
_ASCII |= {"±": "+-", "∞": "inf", "…": "..."}


def name_text(name: str) -> str:
    """A name of the file system as text that any file can hold: bytes that are no UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def file_name(name: str) -> str:
    """A text as the name of one file: not below another, and no longer than systems allow."""
    return name.replace(os.sep, "-").replace("/", "-").encode()[:LONGEST].decode(errors="ignore")


def expanded(name: str) -> str:
    """A path as a user writes it, `~` being the home folder, whether or not a shell has seen to it."""
    return os.path.expanduser(name)  # noqa: PTH111 - pathlib fails on a user that there is not


def path_of(name: str | os.PathLike[str]) -> Path:
    """The path that a user names."""
    return Path(expanded(os.fspath(name)))


def lowered(superscripts: str) -> str:
    """Superscripts as a number."""
    return "".join(map(_ASCII.__getitem__, superscripts))


def spell_out(stream: TextIOWrapper) -> None:
    """Let a stream write what its encoding lacks: our own signs in ASCII, all of them, other characters escaped.

    A sign that were dropped or questioned would make −11 an 11.
    """
    encoding = stream.encoding
    try:
        "".join(_ASCII).encode(encoding)
    except UnicodeEncodeError:
        name = f"simulate.{encoding}"
        codecs.register_error(name, lambda error: _spelt(error, encoding))
        stream.reconfigure(encoding="ascii", errors=name)
    else:
        stream.reconfigure(errors="backslashreplace")


def _spelt(error: UnicodeError, encoding: str) -> tuple[str | bytes, int]:
    """What stands for the first characters that ASCII lacks, and where the next begin."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    if power := SUPERSCRIPTS.match(error.object, error.start):
        return f"^{lowered(power[0])}", power.end()
    character = error.object[error.start]
    return _ASCII.get(character) or character.encode(encoding, "backslashreplace"), error.start + 1
