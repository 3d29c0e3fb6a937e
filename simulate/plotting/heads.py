"""Figures in the house's style: their size, head, key and footnote, and how wide a text is."""

import warnings
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from simulate.errors import printable
from simulate.style import PictureWarning

# Okabe and Ito's palette, told apart with any kind of colour vision; cases take it in this order.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#222222"
MUTED = "#6B6B6B"
WIDTH = 10.0  # inches; a slide is 13.3 wide
HIGHEST = 30.0  # inches of the panels of a picture
FONT_SIZE = 11.0
POINTS = 72.0  # of an inch
LINE = 1.3  # from one line of text to the next, in sizes of the font
SWATCH = 30.0  # points of a key's colour, before its name
PARTED = "_-/.,"  # after which a long word is parted rather than elsewhere
BESIDE = 4.0  # points between what stands side by side


def new_figure(
    width: float, height: float, title: str = "", beneath: str = "", key: Sequence[tuple[str, str]] = ()
) -> Figure:
    """An empty figure in the house's style, inches wide, and high beside its head.

    The head is the title, which says what is seen, small beneath it what it is of, and a key: names with their colours.
    """
    points = POINTS * (width - 0.2)
    large, small = FONT_SIZE + 3, FONT_SIZE - 1
    titles, beneaths = wrapped(title, points, large, bold=True), wrapped(beneath, points, small)
    keys = _key_rows(key, points)
    sizes = [large] * len(titles) + [small] * len(beneaths) + [FONT_SIZE] * len(keys)
    down = [size * LINE / POINTS for size in sizes]
    head = sum(down) + (0.1 if down else 0.0)
    high = height + head
    tops = [1 - (0.08 + sum(down[:row])) / high for row in range(len(down))]
    layout = ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.1, hspace=0.04, rect=(0, 0, 1, height / high))
    figure = Figure(figsize=(width, high), layout=layout, facecolor="white")
    style: dict[str, Any] = {"x": 0.1 / width, "ha": "left", "va": "top"}
    if titles:
        text = "\n".join(map(plain, titles))
        figure.suptitle(text, y=tops[0], fontsize=large, fontweight="bold", color=INK, **style).set_in_layout(False)
    for line, top in zip(beneaths, tops[len(titles) :], strict=False):
        figure.text(y=top, s=plain(line), fontsize=small, color=MUTED, **style).set_in_layout(False)
    for names, top in zip(keys, tops[len(titles) + len(beneaths) :], strict=True):
        for left, name, colour in names:
            _key(figure, (0.1 + left / POINTS) / width, top, name, colour)
    return figure


def _key_rows(key: Sequence[tuple[str, str]], points: float) -> list[list[tuple[float, str, str]]]:
    """The names of a key in rows that are no wider than so many points, each where it begins, with its colour."""
    rows, left = list[list[tuple[float, str, str]]](), 0.0
    for name, colour in key:
        wide = SWATCH + text_points(name, FONT_SIZE) + 4 * BESIDE
        if not rows or left + wide > points:
            rows, left = [*rows, []], 0.0
        rows[-1].append((left, name, colour))
        left += wide
    return rows


def _key(figure: Figure, left: float, top: float, name: str, colour: str) -> None:
    """A swatch and a name beside it, at shares of the figure."""
    wide, high = POINTS * figure.get_size_inches()
    text = figure.text(left + SWATCH / wide, top, plain(name), fontsize=FONT_SIZE, color=INK, va="top", ha="left")
    text.set_in_layout(False)
    across, middle = [left, left + (SWATCH - 1.5 * BESIDE) / wide], top - 0.55 * FONT_SIZE / high
    style: dict[str, Any] = {"color": colour, "linewidth": 5, "solid_capstyle": "butt", "transform": figure.transFigure}
    line = Line2D(across, [middle] * 2, **style)
    line.set_in_layout(False)
    figure.add_artist(line)


def stacked(
    heights: Sequence[float], margin: float, title: str = "", beneath: str = "", key: Sequence[tuple[str, str]] = ()
) -> tuple[Figure, list[Axes]]:
    """A figure of panels one below the other, inches high, with so much more for what is around them."""
    figure = new_figure(WIDTH, margin + sum(heights), title, beneath, key)
    axes = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})
    return figure, list(axes[:, 0])


def text_points(text: str, size: float, *, bold: bool = False) -> float:
    """How many points wide a line of text of a size is."""
    from matplotlib.textpath import text_to_path

    face = FontProperties(size=size, weight="bold" if bold else "normal")
    wide: float = text_to_path.get_text_width_height_descent(printable(text), face, ismath=False)[0]
    return wide


def wrapped(text: str, points: float, size: float, *, bold: bool = False) -> list[str]:
    """The text in lines no wider than so many points, a longer word parted; none of it is left out."""
    lines = list[str]()
    for word in printable(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_points(longer, size, bold=bold) <= points:
            lines[-1] = longer
            continue
        lines.append(word)
        while len(lines[-1]) > 1 and (wide := text_points(lines[-1], size, bold=bold)) > points:
            most = max(1, int(len(lines[-1]) * points / wide) - 1)
            kept = next((end for end in range(most, most // 2, -1) if lines[-1][end - 1] in PARTED), most)
            lines[-1:] = [lines[-1][:kept], lines[-1][kept:]]
    return [each.rstrip() for each in lines if each.strip()]


def fitting(names: Sequence[str], heights: Iterable[float], what: str = "quantities") -> list[str]:
    """The names whose panels, so many inches high, fit into one picture; the first at least. Warns of the others."""
    below = accumulate(heights)
    shown = [name for place, (name, end) in enumerate(zip(names, below, strict=True)) if not place or end <= HIGHEST]
    if len(shown) < len(names):
        told = f"pictures show the first {len(shown)} of {len(names)} {what}; name those that matter"
        warnings.warn(told, PictureWarning, stacklevel=2)
    return shown


def footnote(figure: Figure, *lines: str) -> None:
    """Tell beneath a figure how it is read; empty lines are left out."""
    size = FONT_SIZE - 2.5
    points = POINTS * (figure.get_size_inches()[0] - 0.2)
    if told := "\n".join(plain(each) for line in lines for each in wrapped(line, points, size)):
        figure.supxlabel(told, fontsize=size, color=MUTED)


def plain(text: str) -> str:
    """Text of a file as matplotlib shall show it: no mathematics, no control characters."""
    return printable(text).replace("$", r"\$")
