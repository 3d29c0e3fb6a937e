"""What training runs made of their accelerators: a predictive distribution for end-to-end MFU.

End-to-end MFU is 6 N_active D / (reported accelerator-hours x dense peak in the precision of training); downtime is in
it, attention is not, since not every run's shape is known. Its logarithm is predicted by a normal distribution about a
regression with five effects (`model/training_mfu.py`), fitted by ridge to the open runs in `data/training_runs.csv`,
those excepted whose `excluded` says why, and those whose hours come from a throughput: tuned, undisturbed steps are no
run, and serve to test the forecast. What FP8 does to the MFU is known beforehand from pairs of throughputs, in which
the tuning cancels (`data/training_precision.csv`). `benchmarks/fit_training_mfu.py` prints the fit as the model states
it, and what was tried beside it.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from simulate.catalog import CatalogError, accelerator
from simulate.errors import SimulateError
from simulate.graph import Array
from simulate.model.notation import ATTENTION_FLOP, TRAINING_FLOP_PER_PARAMETER, TRAINING_PASSES
from simulate.model.training_mfu import EFFECTS, Effect, TrainingMfu
from simulate.spreadsheet import read_number, read_sheet

DATA = Path(__file__).parents[1] / "data"
RUNS_FILE, PRECISION_FILE = DATA / "training_runs.csv", DATA / "training_precision.csv"
# What a file of runs must have.
COLUMNS = ("model", "parameters_active", "mixture_of_experts", "training_tokens", "peak_flops", "accelerator_hours")

# Spellings of spreadsheets and data frames.
MIXTURES = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}

# The kind of hours that come from the throughput of undisturbed steps.
THROUGHPUT = "throughput"

# The prior variance of effects without one of their own is the residual variance over this: about 0.2 in ln(MFU).
SHRINKAGE = 2.0


@dataclass(frozen=True)
class TrainingRun:
    """A training run: its work, its accelerators, and the hours they took."""

    model: str
    parameters_active: float
    mixture_of_experts: bool
    training_tokens: float
    peak_flops: float  # of one accelerator, dense, in the precision of training [FLOP/s]
    accelerator_hours: float
    peak_gain: float = 1.0  # of that peak over the one in 16 bits
    undisturbed: bool = False  # hours of steps alone, from their throughput
    attention_channels: float = 0.0  # layers x heads x head_dim, 0 where they are not published
    training_context: float = 0.0  # [token]
    source: str = ""
    excluded: str = ""  # why the calibration leaves it out

    @property
    def hours_at_peak(self) -> float:
        """Accelerator-hours at an MFU of 1: 6 N_active D / peak."""
        return 6 * self.parameters_active * self.training_tokens / self.peak_flops / 3600

    @property
    def attention_share(self) -> float:
        """Attention FLOP, of all channels with half of the context, over those of the parameters."""
        forward = ATTENTION_FLOP * 2 * self.attention_channels * self.training_context / 2
        return TRAINING_PASSES * forward / (TRAINING_FLOP_PER_PARAMETER * self.parameters_active)

    @property
    def mfu(self) -> float:
        """End-to-end MFU."""
        return self.hours_at_peak / self.accelerator_hours


def fit_training_mfu(
    runs: Sequence[TrainingRun], effects: Mapping[str, Effect] = EFFECTS, shrinkage: float = SHRINKAGE
) -> TrainingMfu:
    """Fit the predictive distribution to runs; those that are `excluded` are used too: leave them out.

    Ridge regression of ln(MFU): the intercept is free, every effect has a normal prior about its `centre`, of
    variance residual variance / `shrinkage`, its own or this one. The residual variance is over
    n - (effective parameters). Source: Hastie, Tibshirani, Friedman 2009, section 3.4.1.
    """
    log_mfu = np.log([run.mfu for run in runs])
    design = design_matrix(runs, effects)
    own = [shrinkage if effect.shrinkage is None else effect.shrinkage for effect in effects.values()]
    centres = np.array([0.0, *(effect.centre for effect in effects.values())])
    uncertainty = np.linalg.inv(design.T @ design + np.diag([0.0, *own]))
    coefficients = centres + uncertainty @ design.T @ (log_mfu - design @ centres)
    residuals = log_mfu - design @ coefficients
    effective_parameters = float(np.trace(uncertainty @ design.T @ design))
    variance = float(residuals @ residuals) / (len(runs) - effective_parameters)
    sizes = [run.parameters_active for run in runs]
    return TrainingMfu(
        coefficients=tuple(coefficients.tolist()),
        residual_sd=math.sqrt(variance),
        uncertainty=tuple(map(tuple, uncertainty.tolist())),
        sizes=(min(sizes), max(sizes)),
        effects=effects,
    )


def design_matrix(runs: Sequence[TrainingRun], effects: Mapping[str, Effect] = EFFECTS) -> Array:
    """Rows of the regression, shape (runs, 1 + effects): a one, and the effects."""
    rows = [(run.parameters_active, run.peak_flops, float(run.mixture_of_experts), run.peak_gain) for run in runs]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return np.stack([np.ones(len(runs)), *(effect.of(*columns) for effect in effects.values())], axis=-1)


@cache
def training_runs() -> tuple[TrainingRun, ...]:
    """The open runs that the package ships, those excluded from the calibration too."""
    runs, problems = read_runs(RUNS_FILE)
    assert not problems, problems
    return runs


@cache
def training_mfu() -> TrainingMfu:
    """The predictive distribution fitted to all runs that the package ships and uses."""
    return fit_training_mfu(fitted_runs())


def fitted_runs() -> list[TrainingRun]:
    """The runs of the package that the fit is made to: reported hours, and nothing against them."""
    return [run for run in training_runs() if not (run.excluded or run.undisturbed)]


def precision_effects() -> dict[bool, list[float]]:
    """What FP8 adds to ln(MFU) in each pair of throughputs, by whether the model is a mixture of experts.

    The logarithm of the gain over that of the peak, which doubles.
    """
    found: dict[bool, list[float]] = {False: [], True: []}
    with PRECISION_FILE.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            gain = float(row["fp8_tokens_per_second"]) / float(row["bf16_tokens_per_second"])
            found[MIXTURES[row["mixture_of_experts"]]].append(math.log(gain / 2))
    return found


def read_runs(path: Path) -> tuple[tuple[TrainingRun, ...], tuple[str, ...]]:
    """Read a CSV file of runs: those that are well formed, and one line for each row that is not.

    The columns are those of `data/training_runs.csv`; of them COLUMNS are needed, there may be others.
    An empty peak_flops is looked up by the accelerator's name, an empty peak_gain is 1; hours_kind
    'throughput' is of undisturbed steps. Raises SimulateError, in one line, for a file that cannot be read or is no
    such table.
    """
    sheet = read_sheet(path, mend="save it with commas")
    if lacking := [name for name in COLUMNS if name not in sheet.header]:
        raise SimulateError(
            f"{path}:1: column {', '.join(lacking)} is missing; a file of runs has {', '.join(COLUMNS)}"
        )
    for name in filter(None, sheet.header):
        sheet.place(name)  # twice there is none
    runs: list[TrainingRun] = []
    problems: list[str] = []
    for line, cells in sheet.rows:
        if uneven := sheet.uneven(line, cells, "quote a value with a comma"):
            problems.append(uneven)
            continue
        if any("\0" in cell for cell in cells):
            problems.append(f"{path}:{line}: holds the character NUL, which no file of results holds; take it out")
            continue
        row = dict(zip(sheet.header, (" ".join(cell.split()) for cell in cells), strict=True))
        try:
            runs.append(_run(row))
        except SimulateError as error:
            problems.append(f"{path}:{line}: {error}")
    return tuple(runs), tuple(problems)


def _run(row: Mapping[str, str]) -> TrainingRun:
    """Read one row. Raises SimulateError whose text opens with the column in which the fault is."""
    if not row["model"]:
        raise SimulateError("model: empty; name the run")
    mixture = MIXTURES.get(row["mixture_of_experts"].casefold())
    if mixture is None:
        raise SimulateError(
            f"mixture_of_experts: {row['mixture_of_experts']!r} is neither 0 nor 1; 0 is dense, 1 a mixture"
        )
    run = TrainingRun(
        model=row["model"],
        parameters_active=_positive(row, "parameters_active"),
        mixture_of_experts=mixture,
        training_tokens=_positive(row, "training_tokens"),
        peak_flops=_positive(row, "peak_flops") if row["peak_flops"] else _catalog_peak(row),
        accelerator_hours=_positive(row, "accelerator_hours"),
        peak_gain=_positive(row, "peak_gain") if row.get("peak_gain") else 1.0,
        undisturbed=row.get("hours_kind") == THROUGHPUT,
        attention_channels=_positive(row, "attention_channels") if row.get("attention_channels") else 0.0,
        training_context=_positive(row, "training_context") if row.get("training_context") else 0.0,
        source=row.get("source", ""),
        excluded=row.get("excluded", ""),
    )
    if row.get("parameters_total") and _positive(row, "parameters_total") < run.parameters_active:
        raise SimulateError("parameters_total: less than parameters_active; check which is which")
    if not (0 < run.mfu < 1 or run.excluded):
        raise SimulateError(
            f"accelerator_hours: 6 x parameters_active x training_tokens in {run.accelerator_hours:g} hours "
            f"would be {run.mfu:.0%} of peak_flops; check the units (hours of one accelerator, FLOP/s)"
        )
    return run


def _catalog_peak(row: Mapping[str, str]) -> float:
    try:
        return float(accelerator(row.get("accelerator", ""))["peak_flops"]["value"])
    except CatalogError as error:
        raise SimulateError(f"peak_flops: empty, and {error}") from None


def _positive(row: Mapping[str, str], column: str) -> float:
    text = row[column]
    if not text:
        raise SimulateError(f"{column}: empty; give a number")
    value = read_number(text)
    if value is None:
        raise SimulateError(f"{column}: {text!r} is not a number; write it like 70e9, without commas")
    if not 0 < value < 1e99:  # so that products of a few stay finite
        raise SimulateError(f"{column}: {text} is not a positive number below 1e99")
    return value
