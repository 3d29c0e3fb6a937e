"""The questions that can be asked, a row each: where its report and pictures are, and which files it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from simulate.style import lend_fonts, own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulate.layout import Section
    from simulate.results import Result


def styled(draw: Callable[[], dict[str, Figure]], written: str) -> dict[str, Figure]:
    """The pictures that a function draws, in the house's style, with fonts that have what is written."""
    with own_style():
        drawn = draw()
        lend_fonts(drawn.values(), written=written)
    return drawn


@dataclass(frozen=True)
class Question:
    """What tells a question's result: `room` has `report.sections` and `plots.plots`.

    `files` are the formats that are kept beside the .nc file, by the names of the files; `pictures` are the names
    of the pictures that there may be, each a .png and an .svg.
    """

    room: str
    files: dict[str, str]
    pictures: tuple[str, ...]

    def sections(self, result: Result, **options: Any) -> list[Section]:
        """The report of a result, for a person."""
        told: list[Section] = import_module(f"simulate.{self.room}.report").sections(result, **options)
        return told

    def plots(self, result: Result, **options: Any) -> dict[str, Figure]:
        """The pictures of a result by name. Warns of what they do not show."""
        return styled(lambda: import_module(f"simulate.{self.room}.plots").plots(result, **options), result.texts)


QUESTIONS = {
    "run": Question("runs", {"percentiles.csv": "csv"}, ("bands", "distribution-*", "scatter-*")),
    "tornado": Question("sensitivity", {"tornado.csv": "csv"}, ("tornado",)),
    "decide": Question("decisions", {"decide.csv": "csv"}, ("decide",)),
    "sweep": Question("sweeps", {"sweep.csv": "csv"}, ("sweep",)),
    "compare": Question(
        "comparison", {"compare.csv": "csv", "compare.json": "json"}, ("bands", "exceedance", "waterfall*")
    ),
    "backtest": Question("backtesting", {"backtest.csv": "csv"}, ("forecast", "pit", "serving", "serving_pit")),
}
