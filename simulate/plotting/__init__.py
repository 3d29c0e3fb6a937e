"""The house's style of pictures: figures and their heads, axes and ticks, bands and densities; no pyplot."""

from simulate.plotting.axes import (
    MOST_TICKS,
    TOO_LARGE,
    Extent,
    TickLabels,
    bare_axis,
    can_be_drawn,
    dress,
    figure_text,
    heading,
    is_logarithmic,
    label_end,
    name_rows,
    only_scale,
    say_instead,
    set_view,
    share_of_axis,
    shared,
    ticks,
    titled,
    widen,
    with_room,
)
from simulate.plotting.heads import (
    BESIDE,
    FONT_SIZE,
    INK,
    LINE,
    MUTED,
    PALETTE,
    POINTS,
    WIDTH,
    fitting,
    footnote,
    new_figure,
    plain,
    stacked,
    text_points,
    wrapped,
)
from simulate.plotting.shapes import BAND_SHAPES, band, density, draw_density, spans

__all__ = ["MOST_TICKS", "TOO_LARGE", "Extent", "TickLabels", "bare_axis", "can_be_drawn", "dress"]
__all__ += ["figure_text", "heading", "is_logarithmic", "label_end", "name_rows"]
__all__ += [
    "only_scale",
    "say_instead",
    "set_view",
    "share_of_axis",
    "shared",
    "ticks",
    "titled",
    "upright_ticks",
    "widen",
]
__all__ += ["BESIDE", "FONT_SIZE", "INK", "LINE", "MUTED", "PALETTE", "POINTS", "WIDTH", "with_room"]
__all__ += ["BAND_SHAPES", "band", "fitting", "footnote", "new_figure", "plain", "stacked", "text_points", "wrapped"]
__all__ += ["density", "draw_density", "spans"]
