"""Pictures in the house's style alone: no backend, none of the user's settings, and fonts that have the characters."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKEND = "MPLBACKEND"
LAST_RESORT = "Last Resort"  # has a box for every character
SHOWN = 20  # characters of a warning


class PictureWarning(UserWarning):
    """What a reader of a picture must know that the picture itself does not show."""


@contextmanager
def own_style() -> Iterator[None]:
    """Draw and write pictures by matplotlib's own defaults, whatever a matplotlibrc or MPLBACKEND says."""
    backend = os.environ.pop(BACKEND, None)  # what cannot be loaded would fail the import, though nothing needs it
    try:
        import matplotlib as mpl
    finally:
        if backend is not None:
            os.environ[BACKEND] = backend
    if backend is not None:
        with suppress(ValueError):
            mpl.rcParams["backend"] = backend
    here = mpl.rcParams
    changed: dict[Any, Any] = {  # to set them all again takes as long as to draw an axis
        name: own
        for name, own in dict.items(mpl.rcParamsDefault)
        if name != "backend" and dict.__getitem__(here, name) != own
    }
    with mpl.rc_context(changed), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # told once by `lend_fonts`
        yield


def lend_fonts(figures: Iterable[Figure], written: str) -> None:
    """Give texts with characters that the usual font lacks the fonts of this machine that have them.

    `written` is all that is written in the figures besides what is ours: to ask these takes longer. Warns, once, of
    characters that no font has.
    """
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.text import Text

    usual = FontProperties().get_family()

    def lacking_of(texts: Iterable[str]) -> set[int]:
        wanted = {ord(character) for character in set().union(*texts) if character.isprintable()}
        return wanted - _drawn_by(findfont(FontProperties()), wanted)

    if not lacking_of([written]):
        return
    texts = [text for figure in figures for text in figure.findobj(Text)]
    if not (lacking := lacking_of(text.get_text() for text in texts)):
        return
    lent, absent = _fonts_with(lacking)
    for text in texts:
        if needed := (lacking - absent).intersection(map(ord, text.get_text())):
            text.set_fontfamily([*usual, *lent])
            faces = (findfont(FontProperties(family=name, weight=text.get_fontweight())) for name in lent)
            if not needed <= set().union(*(_drawn_by(face, needed) for face in faces)):
                text.set_fontweight("normal")  # the bold face has fewer characters
    if absent:
        shown = "".join(map(chr, sorted(absent)[:SHOWN])) + "…" * (len(absent) > SHOWN)
        told = f"pictures: no font of this machine has {shown}; boxes stand there, install a font that has them"
        warnings.warn(told, PictureWarning, stacklevel=2)


def _fonts_with(characters: set[int]) -> tuple[list[str], set[int]]:
    """Fonts that have the characters between them, upright ones first, and the characters that none has."""
    from matplotlib.font_manager import fontManager

    fonts, rest = list[str](), set(characters)
    for entry in sorted(fontManager.ttflist, key=lambda each: (each.style != "normal", each.weight != 400)):
        if rest and not entry.name.startswith(LAST_RESORT) and (found := _drawn_by(entry.fname, rest)):
            fonts.append(entry.name)
            rest -= found
    return fonts, rest


def _drawn_by(path: str, characters: set[int]) -> set[int]:
    """Those of the characters that a font can draw: one of coloured bitmaps has them, but cannot be scaled."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
        found = characters & font.get_charmap().keys()
        font.set_size(12, 72)
        for each in sorted(found)[:1]:
            font.load_char(each)
    except (OSError, RuntimeError):
        return set()
    return found
