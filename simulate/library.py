"""The door for scripts: the questions as functions that return xarray Datasets; options go by their names.

The layout of a Dataset is that of `simulate.results.Result`: `quantity` is a dimension, the standard errors of a
variable stand beside it as NAME_se, units and labels are coordinates, and the attribute `provenance` holds as JSON
what the result rests on. Every function raises SimulateError for what its user can mend.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from simulate import backtesting, comparison, decisions, runs
from simulate.questions import QUESTIONS
from simulate.results import Result
from simulate.sensitivity.tornado import tornado as tornado_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset

    from simulate.priors import Priors

Options = ParamSpec("Options")


def _at_the_door(question: Callable[Options, Result]) -> Callable[Options, Dataset]:
    """The question with its result as a Dataset."""

    @wraps(question)
    def asked(*given: Options.args, **options: Options.kwargs) -> Dataset:
        return question(*given, **options).to_dataset()

    return asked


run = _at_the_door(runs.run)
draws = _at_the_door(runs.draws)
compare = _at_the_door(comparison.compare)
tornado = _at_the_door(tornado_of)
decide = _at_the_door(decisions.decide)
backtest = _at_the_door(backtesting.backtest)


def plot(dataset: Dataset) -> dict[str, Figure]:
    """The pictures of a question's Dataset, by name, as matplotlib Figures."""
    result = Result.of_dataset(dataset)
    return QUESTIONS[result.question].plots(result)


def explain(quantity: str | None = None, priors: Priors | None = None) -> str:
    """What a quantity means and what it is made of, as text; without one, the list of all quantities."""
    from simulate.explaining import explained
    from simulate.layout import laid_out, plain

    return plain(laid_out(explained(quantity, priors), 100))
