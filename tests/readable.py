"""Whether the texts of a picture can be read: all within it, none upon another."""

from __future__ import annotations

from itertools import combinations

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOUCHING = 1.0  # pixels of 100 to an inch by which boxes of texts may overlap


def boxes(figure: Figure) -> dict[Text, Bbox]:
    """The texts that are seen, each where it stands."""
    figure.draw_without_rendering()
    frame = figure.bbox
    ticks = {
        label
        for axis in figure.axes
        for scale in (axis.xaxis, axis.yaxis)
        for label in (*scale.get_majorticklabels(), *scale.get_minorticklabels())
        if not _within(label, scale)
    }
    texts = [each for each in figure.findobj(Text) if each.get_text().strip() and each.get_visible()]
    assert frame.width > 0
    return {each: each.get_window_extent() for each in texts if each not in ticks and _shown(each)}


def _within(label: Text, scale: object) -> bool:
    low, high = sorted(scale.get_view_interval())
    place = label.get_position()[0 if scale.axis_name == "x" else 1]
    return low <= place <= high


def _shown(text: Text) -> bool:
    return text.axes is None or text.axes.get_visible()


def assert_readable(figure: Figure) -> None:
    """Assert that no text of a picture leaves it or lies upon another."""
    found = boxes(figure)
    for text, box in found.items():
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height
        assert inside, f"{text.get_text()!r} leaves the picture: {box}"
    for (first, one), (second, other) in combinations(found.items(), 2):
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(wide, high) <= TOUCHING, f"{first.get_text()!r} lies upon {second.get_text()!r}"
