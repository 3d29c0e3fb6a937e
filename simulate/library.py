"""The door for scripts: the questions as functions that return xarray Datasets; options go by their names.

The layout of a Dataset is that of `simulate.results.Result`: `quantity` is a dimension, the standard errors of a
variable stand beside it as NAME_se, units and labels are coordinates, and the attribute `provenance` holds as JSON
what the result rests on. Every function raises SimulateError for what its user can mend.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from simulate import backtesting, comparison, decisions, runs, sweeps, verification
from simulate.priors import Priors
from simulate.questions import QUESTIONS
from simulate.results import Result
from simulate.results.sources import read_source
from simulate.sensitivity.tornado import tornado as tornado_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset

Options = ParamSpec("Options")


def _dataset_of(question: Callable[Options, Result]) -> Callable[Options, Dataset]:
    """The question with its result as a Dataset."""

    @wraps(question)
    def asked(*given: Options.args, **options: Options.kwargs) -> Dataset:
        return question(*given, **options).to_dataset()

    return asked


def _of_priors(
    question: Callable[Concatenate[Priors, Options], Result],
) -> Callable[Concatenate[Any, Options], Dataset]:
    """The same, of priors, of whatever `load_priors` takes, or of an earlier run."""

    def asked(priors: Any, *given: Options.args, **options: Options.kwargs) -> Dataset:
        return question(read_source(priors), *given, **options).to_dataset()

    return update_wrapper(asked, question)  # type: ignore[return-value]  # it takes the priors by name too


run = _of_priors(runs.run)
draws = _of_priors(runs.draws)
tornado = _of_priors(tornado_of)
decide = _of_priors(decisions.decide)
sweep = _of_priors(sweeps.sweep)
compare = _dataset_of(comparison.compare)
backtest = _dataset_of(backtesting.backtest)
verify = verification.verify


def plot(dataset: Dataset) -> dict[str, Figure]:
    """The pictures of a question's Dataset, by name, as matplotlib Figures."""
    result = Result.of_dataset(dataset)
    return QUESTIONS[result.question].plots(result)


def explain(word: str | None = None, priors: Any = None) -> str:
    """What a quantity, a family, a key ... means, as text; without a word, the list of all quantities."""
    from simulate.explaining import explained
    from simulate.layout import laid_out, plain

    return plain(laid_out(explained(word, None if priors is None else read_source(priors)), 100))
