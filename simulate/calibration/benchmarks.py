"""Public measurements of serving: what was measured, and what the model's equations need to know of it.

`data/serving_benchmarks.csv` holds offline benchmarks, of 2022 to 2025, and twelve models at a fixed concurrency in
2026; `data/serving_load.csv` DeepSeek-R1 at fixed concurrency, of October 2025 to June 2026. Of the latter are read
those without speculative decoding whose prompts and answers share their accelerators, as far as they state throughput.
"""

import csv
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from simulate import catalog
from simulate.units import conversion_factor

DATA = Path(__file__).parents[1] / "data"
BENCHMARKS = DATA / "serving_benchmarks.csv"
LOADS = DATA / "serving_load.csv"
MODELS = DATA / "serving_models.csv"

# Requests of InferenceX vary evenly between 80 and 100 % of the stated lengths.
MEAN_LENGTH = 0.9
# What is measured, in seconds: accelerator time of a question, time per output token, time to first token.
QUESTION, TOKEN, FIRST_TOKEN = "question", "token", "first_token"
SHAPE = (
    "parameters_total",
    "parameters_active",
    "layers",
    "hidden_dim",
    "heads",
    "kv_heads",
    "head_dim",
    "latent_dim",
    "rope_dim",
    "experts",
    "experts_active",
)


@dataclass(frozen=True)
class Benchmark:
    """A measurement of a stack that serves a model.

    `scenario` is "batch", "throughput" (`requests` at once), "offline", "server" (both of MLPerf) or "load" (a fixed
    number of sequences); `inputs` are the model's quantities, `measured` is in seconds, by QUESTION, TOKEN,
    FIRST_TOKEN. `repeats` counts the measurements of this configuration, which tell little more than one does.
    """

    stack: str
    date: float  # in years: of the stack's release, or of the measurement
    model: str
    accelerator: str
    precision: str
    scenario: str
    inputs: Mapping[str, float]
    requests: float
    measured: Mapping[str, float]
    source: str
    repeats: int = 1
    waited_steps: float = 0.0  # between a request and a look for new ones, on average, as the stack was set up

    @property
    def under_load(self) -> bool:
        """Whether sequences come and go at a fixed concurrency."""
        return self.scenario == "load"

    @property
    def as_shipped(self) -> bool:
        """Whether the stack runs with the settings that it is shipped with."""
        return self.stack.endswith("as shipped")

    @property
    def mixture(self) -> bool:
        """Whether the model is a mixture of experts."""
        return self.inputs["experts"] > 1

    @property
    def family(self) -> str:
        """Which mixtures of experts are relatives: `Qwen3` of `Qwen3-235B-A22B`; dense models are all."""
        return self.model.split("-")[0] if self.mixture else "dense"

    @property
    def group(self) -> tuple[str, str, str]:
        """Stack, model and accelerator."""
        return self.stack, self.model, self.accelerator

    @property
    def label(self) -> str:
        """Model, accelerators, sequences where they are given, and lengths, as `GPT-175B 8x8 128+8 A100 80GB`."""
        replica, batch = self.inputs["replica_accelerators"], self.inputs["batch_size"]
        prompt, answer = self.inputs["input_tokens"], self.inputs["output_tokens"]
        layout = f"{replica:.0f}x{batch:.0f}" if self.scenario in ("batch", "load") else f"{replica:.0f}"
        hardware = f"{self.accelerator} {self.precision}"
        return f"{self.model} {layout} {prompt:.0f}+{answer:.0f} {hardware}, {self.stack}"


@cache
def offline_benchmarks() -> tuple[Benchmark, ...]:
    """The benchmarks of the table of them where no user waits."""
    return tuple(each for each in _benchmarks() if each.scenario not in ("server", "load"))


@cache
def server_benchmarks() -> tuple[Benchmark, ...]:
    """Those in which 99 % of the questions keep to targets: MLPerf's servers."""
    return tuple(each for each in _benchmarks() if each.scenario == "server")


@cache
def load_benchmarks() -> tuple[Benchmark, ...]:
    """Those under load, a token a step and prompts on the same accelerators: InferenceX's, and stacks as shipped."""
    return (*_under_load(), *(each for each in _benchmarks() if each.under_load))


def rows_of(table: Path) -> list[dict[str, str]]:
    """The rows of one of the package's tables, by column."""
    with table.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@cache
def _benchmarks() -> tuple[Benchmark, ...]:
    """Of the table of benchmarks, whose rows next to each other may be measurements of one."""
    told = groupby(rows_of(BENCHMARKS), lambda row: {**row, "value": "", "unit": ""})
    return tuple(_benchmark(shared, list(rows)) for shared, rows in told)


def _benchmark(row: Mapping[str, str], measurements: Sequence[Mapping[str, str]]) -> Benchmark:
    year, month = map(int, row["date"].split("-"))
    ranks, answer, variation = float(row["tensor_parallel"]), float(row["answer_tokens"]), row["lengths_variation"]
    inputs = {
        **_inputs(row["model"], row["accelerator"], row["precision"], row["cache_precision"]),
        "replica_accelerators": ranks * float(row["pipeline_parallel"]),
        "pipeline_stages": float(row["pipeline_parallel"]),
        "tensor_parallelism": 1.0 if row["attention_data_parallel"] == "1" else ranks,
        "batch_size": float(row["batch"] or "inf"),
        "input_tokens": float(row["prompt_tokens"]),
        "output_tokens": answer,
        "input_tokens_variation": float(variation or 0),
        "output_tokens_variation": float(variation or 0),
    }
    if row["scenario"] == "server":
        inputs["time_to_first_token_target"] = float(row["first_token_target_s"])
        inputs["time_per_output_token_target"] = float(row["token_target_s"])
    # A latency is that of a whole batch; a throughput is that of all replicas, or an accelerator's share of it.
    replica = inputs["replica_accelerators"]
    meant: Mapping[str, tuple[str, Callable[[float], float]]] = {
        "ms": (QUESTION, lambda value: value / 1000 * replica / inputs["batch_size"]),
        "output token/s": (QUESTION, lambda value: answer * replica * float(row["replicas"]) / value),
        "output token/s/accelerator": (QUESTION, lambda value: answer / value),
        "ms per output token": (TOKEN, lambda value: value / 1000),
        "ms to first token": (FIRST_TOKEN, lambda value: value / 1000),
    }
    measured = {}
    for each in measurements:
        what, seconds = meant[each["unit"]]
        measured[what] = seconds(float(each["value"]))
    return Benchmark(
        row["stack"],
        year + (month - 0.5) / 12,
        row["model"],
        row["accelerator"],
        row["precision"],
        row["scenario"],
        inputs,
        float(row["requests"] or "inf"),
        measured,
        row["source"],
    )


def _under_load() -> Iterator[Benchmark]:
    rows = [
        row
        for row in rows_of(LOADS)
        if row["disaggregated"] == "0" and row["speculation"] == "none" and row["output_throughput_per_accelerator"]
    ]
    configurations = Counter(map(_configuration, rows))
    for row in rows:
        yield loaded(row, configurations[_configuration(row)])


def loaded(row: Mapping[str, str], repeats: int = 1) -> Benchmark:
    """A row measured under load, whose prompts and answers share their accelerators."""
    ranks, answer = float(row["decode_tp"]), MEAN_LENGTH * float(row["output_tokens"])
    inputs = {
        **_inputs(row["model"], row["accelerator"], row["precision"]),
        "replica_accelerators": ranks,  # what the file counts as accelerators is ranks x experts' ranks
        "pipeline_stages": 1.0,
        "tensor_parallelism": 1.0 if row["decode_dp_attention"] == "1" else ranks,
        "batch_size": float(row["concurrency"]),
        "input_tokens": MEAN_LENGTH * float(row["input_tokens"]),
        "output_tokens": answer,
        "input_tokens_variation": 0.0,
        "output_tokens_variation": 0.0,
    }
    if row["speculation"] != "none":
        inputs["draft_tokens"] = _draft_tokens(row)
    measured = {TOKEN: float(row["tpot_median_s"]), FIRST_TOKEN: float(row["ttft_median_s"])}
    # Where the slowest hundredth waited for half a minute and the median did not, the engine was warming up.
    warmed_up = float(row["ttft_p99_s"]) <= 30 or measured[FIRST_TOKEN] >= 3
    if warmed_up and row["output_throughput_per_accelerator"]:
        measured[QUESTION] = answer / float(row["output_throughput_per_accelerator"])
    day = dt.date.fromisoformat(row["date"])
    return Benchmark(
        row["stack"],
        day.year + (day.timetuple().tm_yday - 1) / 365,
        row["model"],
        row["accelerator"],
        row["precision"],
        "load",
        inputs,
        float("inf"),
        measured,
        f"InferenceX, {row['date']}",
        repeats,
        _waited_steps(row),
    )


def _draft_tokens(row: Mapping[str, str]) -> float:
    """Tokens that multi-token prediction proposes, as InferenceX sets the stacks up.

    Source: SemiAnalysisAI/InferenceX, benchmarks/single_node/fixed_seq_len/dsr1_*_mtp.sh, 2026.
    """
    if row["stack"] == "trt":
        return 1.0 if row["decode_dp_attention"] == "1" else 3.0
    return 3.0 if row["accelerator"] == "MI355X" else 2.0


def _waited_steps(row: Mapping[str, str]) -> float:
    """Half of the steps between two looks for new requests, as InferenceX sets the stacks up.

    sglang on B200 looks every 10 steps, from 16 sequences on every 30; TensorRT-LLM waits up to 60 where ranks have
    sequences of their own, until all have some, which takes n (1 + 1/2 + ... + 1/n) prompts that come at random.
    Source: SemiAnalysisAI/InferenceX, benchmarks/dsr1_*_b200*.sh, 2026.
    """
    if row["decode_dp_attention"] == "1":
        ranks, arrivals = int(row["decode_tp"]), float(row["concurrency"]) / (MEAN_LENGTH * float(row["output_tokens"]))
        return min(60, ranks * sum(1 / rank for rank in range(1, ranks + 1)) / arrivals) / 2
    if (row["stack"], row["accelerator"]) != ("sglang", "B200"):
        return 0.0
    crowded = float(row["concurrency"]) >= 16 and (row["precision"] == "FP4" or row["decode_tp"] == "8")
    return (30 if crowded else 10) / 2


def _configuration(row: Mapping[str, str]) -> tuple[str, ...]:
    """All that is stated of a measurement under load before it is made, but the day."""
    columns = list(row)
    return tuple(row[name] for name in columns[1 : columns.index("concurrency") + 1])


@cache
def _shapes() -> Mapping[str, Mapping[str, str]]:
    return {row["model"]: row for row in rows_of(MODELS)}


@cache
def _inputs(model: str, accelerator: str, precision: str, cache_precision: str = "") -> Mapping[str, float]:
    """What the equations need to know of a model and of an accelerator in a precision."""
    shape, hardware = _shapes()[model], catalog.accelerator(accelerator)
    cache = cache_precision or ("FP16" if precision == "FP16" else "FP8")
    given = {name: float(shape[name]) for name in SHAPE}
    given |= {
        "mixture_of_experts": float(given["experts"] > 1),
        "bytes_per_parameter": catalog.bytes_of(precision)["value"],
        "kv_bytes_per_value": catalog.bytes_of(cache)["value"],
        "peak_flops": catalog.peaks(accelerator)[precision]["value"],
        "attention_peak_flops": hardware["peak_flops"]["value"],
        "prompt_cache_hit_rate": 0.0,
    }
    for name, unit in (("memory_capacity", "B"), ("memory_bandwidth", "B/s"), ("link_bandwidth", "B/s")):
        given[name] = hardware[name]["value"] * conversion_factor(hardware[name]["unit"], unit)
    return given
