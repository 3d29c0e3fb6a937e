"""What the model's equations say of public benchmarks, given the constants that software has.

Two passes tell all of a benchmark: one that reads prompts, answers written along with them or not, and one that only
writes. The offline benchmark of n requests goes through waves of as many as fit; under load the number of sequences
stands, and each answer that ends lets a prompt be read in a pass of its own.
"""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

from simulate.calibration.benchmarks import FIRST_TOKEN, QUESTION, TOKEN, Benchmark
from simulate.graph import Array, Plan, plan
from simulate.model import quantities
from simulate.model.load import time_to_first_token
from simulate.model.queueing import mean_wait

# Constants of the software, those of a pass and two of the time to first token.
MODELLED = (
    "matrix_utilization",
    "precision_efficiency",
    "expert_traffic",
    "link_utilization",
    "layer_latency",
    "allreduce_latency",
)
OVERHEAD = "first_token_overhead"
WAITED_STEPS = "first_token_steps"
CONSTANTS = (*MODELLED, OVERHEAD, WAITED_STEPS)

# TensorRT-LLM: tokens of a pass and sequences, of a rank that has its own or of a group; documentation of 1.0.
MOST_TOKENS, MOST_SEQUENCES = 8192, 2048
# Share of the memory that weights and the runtime leave which the cache gets, and what the runtime takes [B].
CACHE_SHARE, RUNTIME_BYTES = 0.9, 3e9
ENDLESS = 100.0  # waves that stand for requests without end
ROUNDING = 1e-9  # of a number of waves: so many batches of requests are as many, not one more
ONE_SERVER = np.array(1.0)  # of a queue of prompts: their replica
TARGET = "time_to_first_token_target"
DRAFTED = "draft_tokens"
BUSY = 0.95  # share of the time in prompts beyond which a fixed number of sequences lets no queue grow


class Passes(NamedTuple):
    """The two kinds of pass of each benchmark, in arrays of shape (benchmarks,).

    `reading` passes write a token of `reading_sequences` each and read `prompt_tokens`, `writing` passes write one of
    `sequences`; `questions` are answered by so many of both.
    """

    reading: Array
    reading_sequences: Array
    prompt_tokens: Array
    writing: Array
    sequences: Array
    questions: Array


class Benchmarks:
    """Measurements and what the model says of them, in arrays of shape (benchmarks,)."""

    def __init__(self, rows: Sequence[Benchmark]) -> None:
        self.rows = tuple(rows)
        self.inputs = {name: np.array([row.inputs[name] for row in rows]) for name in rows[0].inputs}
        self.inputs["cache_memory"] = self._cache_memory()
        self.twice = {name: np.concatenate([column, column]) for name, column in self.inputs.items()}
        self.under_load = np.array([row.under_load for row in rows])
        self.waited_steps = np.array([row.waited_steps for row in rows])
        if DRAFTED in self.inputs:  # passes that read prompts draft nothing
            self.twice[DRAFTED][: len(rows)] = 0.0

    def predicted(self, constants: Mapping[str, Array]) -> dict[str, Array]:
        """Seconds by the model's equations: of a question, per output token, to the first token.

        Constants are of shape (benchmarks,), or (..., benchmarks) for several at once, and so are the seconds.
        The latter two are told of benchmarks under load, where a prompt also waits for those before it, as in a queue
        with one server. Those that come between two looks for new ones are read in one pass, at whose end the first
        tokens of all are told. A server has the largest batch that keeps to its targets.
        """
        given, known = self.inputs, {name: constants[name] for name in MODELLED}
        passes = self._passes_of(self._batch_at(constants)) if TARGET in given else self._passes
        reading, writing = self._pass_seconds(passes, known)
        replica = given["replica_accelerators"]
        offline = replica * (passes.reading * reading + passes.writing * writing) / passes.questions
        sequences, answer = passes.sequences, given["output_tokens"]
        written = _planned(given, "acceptance_length")  # by a step of each sequence
        prompts = sequences * written / answer * reading  # a step
        token = (writing + prompts) / written
        busy = np.minimum(prompts / (writing + prompts), BUSY)
        waiting = mean_wait(busy, reading, given["input_tokens_variation"], ONE_SERVER)
        steps = constants[WAITED_STEPS] + self.waited_steps
        together = 1 + 2 * self.waited_steps * sequences * written / answer
        first = time_to_first_token(waiting, together * reading, writing, steps, constants[OVERHEAD])
        loaded = replica * (first + answer * token) / sequences
        return {QUESTION: np.where(self.under_load, loaded, offline), TOKEN: token, FIRST_TOKEN: first}

    def _pass_seconds(self, passes: Passes, constants: Mapping[str, Array]) -> tuple[Array, Array]:
        """Seconds of the reading and of the writing pass."""
        columns = self.twice | {name: np.concatenate([column, column], -1) for name, column in constants.items()}
        columns["batch_size_in_memory"] = np.concatenate([passes.reading_sequences, passes.sequences], -1)
        columns["prompt_tokens_per_step"] = np.concatenate([passes.prompt_tokens, np.zeros_like(passes.sequences)], -1)
        reading, writing = np.split(_planned(columns, "decode_seconds"), 2, axis=-1)
        return reading, writing

    def _batch_at(self, constants: Mapping[str, Array]) -> Array:
        """The largest batch that memory and targets allow, with prompts that share the steps of answers."""
        stated = {name: column for name, column in self.inputs.items() if name != "batch_size"}
        return _planned({**stated, **constants}, "batch_size")

    @cached_property
    def _passes(self) -> Passes:
        given = self.inputs
        requests = np.array([row.requests for row in self.rows])
        columns = {**given, "reserved_tokens": given["input_tokens"] + given["output_tokens"]}
        fitting = np.minimum(MOST_SEQUENCES * self._groups, _planned(columns, "batch_limit"))
        stated = np.isfinite(given["batch_size"])
        return self._passes_of(np.where(stated, given["batch_size"], np.minimum(fitting, requests)))

    def _passes_of(self, batch: Array) -> Passes:
        """Passes with so many sequences at once."""
        requests = np.array([row.requests for row in self.rows])
        batches = np.array([row.scenario == "batch" for row in self.rows])
        prompt, answer = self.inputs["input_tokens"], self.inputs["output_tokens"]
        waved = waves(np.where(np.isfinite(requests), requests, ENDLESS * batch), batch, prompt, answer, self._groups)
        whole = Passes(np.ones_like(batch), np.zeros_like(batch), batch * prompt, answer, batch, batch)
        loaded = Passes(batch / answer, np.zeros_like(batch), prompt, np.ones_like(batch), batch, batch / answer)
        return Passes(*(
            np.where(self.under_load, load, np.where(batches, one, wave))
            for load, one, wave in zip(loaded, whole, waved, strict=True)
        ))  # fmt: skip

    @property
    def _groups(self) -> Array:
        ranks: Array = self.inputs["pipeline_stages"] * self.inputs["tensor_parallelism"]
        return self.inputs["replica_accelerators"] / ranks

    def _cache_memory(self) -> Array:
        held = _planned(self.inputs, "weight_bytes_held")
        return CACHE_SHARE * (self.inputs["memory_capacity"] - RUNTIME_BYTES - held)


def waves(requests: Array, batch: Array, prompt: Array, answer: Array, groups: Array) -> Passes:
    """Passes of a benchmark whose requests all wait at its start, when `batch` of them fit at once.

    They go through in waves, in each of which prompts take what tokens a pass has left beside the answers. A wave is
    over when its last prompt has been read and its last answer written; the next begins where sequences end.
    """
    count = np.ceil(requests / batch - ROUNDING)
    sequences = batch
    for _ in range(12):  # fewer sequences leave more tokens to prompts; it settles
        left = np.maximum(MOST_TOKENS * groups - sequences, 1.0)
        reading = requests * prompt / left
        steps = np.maximum(count * answer + reading / count, reading + answer)
        sequences = np.minimum(requests * answer / steps, batch)
    return Passes(reading, sequences, left, steps - reading, sequences, requests)


def _planned(columns: Mapping[str, Array], name: str) -> Array:
    return np.asarray(_plan(frozenset(columns), name)(columns)[name])


@cache
def _plan(bound: frozenset[str], name: str) -> Plan:
    return plan(quantities("llm_cost"), bound, [name])
