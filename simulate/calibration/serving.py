"""The roofline's constants, fitted to published serving benchmarks.

A benchmark (`data/serving_benchmarks.csv`) is a replica that reads a batch of prompts and writes its answers;
its latency or throughput is accelerator time per question. The model's own equations (`model/step.py`)
predict it from four constants, fitted to the logarithms. Each group (stack, model) is left out in turn and
predicted from the others: the spread of these residuals is the spread of `serving_model_error`.

The benchmarks tell the bandwidth utilization and the two latencies apart only in part, and alone they would
put the utilization at 1, which no memory reaches. So each constant has a prior (`PRIOR`), wide except for
that one, and the fit maximizes the posterior; a soft-L1 loss keeps single rows from ruling it.
`benchmarks/fit_roofline.py` prints the fit, and what its residuals are.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulate import catalog
from simulate.graph import Array, Plan, plan
from simulate.model import quantities
from simulate.units import conversion_factor

DATA = Path(__file__).parents[1] / "data"
BENCHMARKS = DATA / "serving_benchmarks.csv"
MODELS = DATA / "serving_models.csv"

# Scale of the logarithmic residuals, about what leaving groups out gives back.
SCALE = 0.15
# Median, and standard deviation in the logit of a share or the logarithm of a time. Judgement: large matrix
# products reach 0.5 to 0.75 of the peak, copies in memory 0.7 to 0.9, a kernel is launched in 5 to 10 us.
PRIOR = {
    "matrix_utilization": (0.60, 0.5),
    "bandwidth_utilization": (0.75, 0.35),
    "layer_latency": (60e-6, 0.7),
    "allreduce_latency": (60e-6, 0.7),
}
SHARES = ("matrix_utilization", "bandwidth_utilization")
# NVLink's, one direction; NVIDIA, data sheets of 2020 and 2022.
LINKS = {"A100 80GB": 300e9, "H100 SXM5": 450e9}
SECONDS = "accelerator_seconds_per_question"
BYTES = {"FP16": 2.0, "FP8": 1.0}


@dataclass(frozen=True)
class Benchmark:
    """A measurement: what the roofline needs to know about it, and the accelerator time of a question [s]."""

    group: tuple[str, str]  # stack, model
    accelerator: str
    precision: str
    inputs: Mapping[str, float]
    seconds: float
    source: str = ""

    @property
    def label(self) -> str:
        """Model, replica, batch, prompt and answer, as `GPT-175B 8x8 128+8`."""
        replica, batch = self.inputs["replica_accelerators"], self.inputs["batch_size"]
        prompt, answer = self.inputs["input_tokens"], self.inputs["output_tokens"]
        return f"{self.group[1]} {replica:.0f}x{batch:.0f} {prompt:.0f}+{answer:.0f}"


class Split(NamedTuple):
    """Benchmarks of one stack and model, and those of the same accelerator that forecast them."""

    held: Sequence[Benchmark]
    others: Sequence[Benchmark]


class Fit(NamedTuple):
    """Constants of the roofline; their standard errors, in the logit of a share, the logarithm of a time."""

    constants: Mapping[str, float]
    standard_errors: Mapping[str, float]


def benchmarks(accelerator: str | None = None) -> tuple[Benchmark, ...]:
    """Benchmarks of the package's table, those of one accelerator or all."""
    shapes = {row["model"]: row for row in rows_of(MODELS)}
    rows = [_benchmark(row, shapes[row["model"]]) for row in rows_of(BENCHMARKS)]
    return tuple(row for row in rows if accelerator in (None, row.accelerator))


def rows_of(table: Path) -> list[dict[str, str]]:
    """The rows of one of the package's tables, by column."""
    with table.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def predicted_seconds(rows: Sequence[Benchmark], constants: Mapping[str, float]) -> Array:
    """Accelerator time per question [s] of each benchmark by the model's equations."""
    inputs = {name: np.array([row.inputs[name] for row in rows]) for name in rows[0].inputs}
    return np.asarray(_roofline()({**inputs, **constants})[SECONDS])


def residuals(rows: Sequence[Benchmark], constants: Mapping[str, float]) -> Array:
    """ln(measured / predicted) of each benchmark's accelerator time: above 0 the roofline is too fast."""
    return np.log([row.seconds for row in rows] / predicted_seconds(rows, constants))


def fit_roofline(rows: Sequence[Benchmark], scale: float = SCALE) -> Fit:
    """Constants that explain the benchmarks best, with standard errors from the curvature there.

    `scale` is that of the logarithmic residuals.
    """
    from scipy.optimize import least_squares

    center = np.array([_unbounded(name, median) for name, (median, _) in PRIOR.items()])
    width = np.array([sd for _, sd in PRIOR.values()])

    def misfit(position: Array) -> Array:
        return np.concatenate([residuals(rows, _bounded(position)) / scale, (position - center) / width])

    best = least_squares(misfit, center, loss="soft_l1")
    jacobian = np.asarray(best.jac)
    errors = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))
    return Fit(_bounded(best.x), dict(zip(PRIOR, errors.tolist(), strict=True)))


def splits(rows: Sequence[Benchmark]) -> Iterator[Split]:
    """Each group (stack, model) of each accelerator beside the others."""
    for accelerator, group in dict.fromkeys((row.accelerator, row.group) for row in rows):
        same = [row for row in rows if row.accelerator == accelerator]
        yield Split([row for row in same if row.group == group], [row for row in same if row.group != group])


def left_out(rows: Sequence[Benchmark]) -> dict[tuple[str, str], Array]:
    """Residuals of each group (stack, model) of one accelerator under the constants fitted to the others."""
    return {held[0].group: residuals(held, fit_roofline(others).constants) for held, others in splits(rows)}


def spread(groups: Iterable[Array]) -> float:
    """Root mean square of residuals about 0, each group counting the same."""
    return math.sqrt(np.mean([np.mean(group**2) for group in groups]))


def _benchmark(row: Mapping[str, str], shape: Mapping[str, str]) -> Benchmark:
    hardware = catalog.accelerator(row["accelerator"])
    width = BYTES[row["precision"]]
    value, batch, answer, replica = (float(row[key]) for key in ("value", "batch", "answer_tokens", "accelerators"))
    inputs = {
        "parameters_active": float(shape["parameters"]),
        "layers": float(shape["layers"]),
        "heads": float(shape["heads"]),
        "kv_heads": float(shape["key_value_heads"]),
        "head_dim": float(shape["head_dim"]),
        "replica_accelerators": replica,
        "batch_size": batch,
        "input_tokens": float(row["prompt_tokens"]),
        "output_tokens": answer,
        "prompt_cache_hit_rate": 0.0,
        "bytes_per_parameter": width,
        "kv_bytes_per_value": width,
        "peak_flops": hardware["peak_flops"]["value"] * 2 / width,  # the catalog's is that of two bytes
        "attention_peak_flops": hardware["peak_flops"]["value"],
        "link_bandwidth": LINKS[row["accelerator"]],
        "prompts_apart": 1.0,  # the batch is read at once, then written to its end
        "prompts_per_pass": batch,
    }
    for name, unit in (("memory_capacity", "B"), ("memory_bandwidth", "B/s")):
        inputs[name] = hardware[name]["value"] * conversion_factor(hardware[name]["unit"], unit)
    # A latency is that of the whole batch; a throughput counts an accelerator's share of the answers.
    latency = row["quantity"] == "latency"
    seconds = value / 1000 * replica / batch if latency else answer / value
    return Benchmark((row["stack"], row["model"]), row["accelerator"], row["precision"], inputs, seconds, row["source"])


@cache
def _roofline() -> Plan:
    return plan(quantities("llm_cost"), {*benchmarks()[0].inputs, *PRIOR}, [SECONDS])


def _unbounded(name: str, value: float) -> float:
    return math.log(value / (1 - value)) if name in SHARES else math.log(value)


def _bounded(position: Array) -> dict[str, float]:
    odds = dict(zip(PRIOR, np.exp(position).tolist(), strict=True))
    return {name: value / (1 + value) if name in SHARES else value for name, value in odds.items()}
