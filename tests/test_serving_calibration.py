"""Public serving benchmarks, what the model says of them, and the constants fitted to them."""

from __future__ import annotations

import math
import subprocess
import sys
import tomllib
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulate.calibration.benchmarks import (
    BENCHMARKS,
    FIRST_TOKEN,
    LOADS,
    MODELS,
    QUESTION,
    TOKEN,
    load_benchmarks,
    loaded,
    offline_benchmarks,
    rows_of,
    server_benchmarks,
)
from simulate.calibration.hierarchy import (
    DENSE,
    FAMILY,
    GROUP,
    LEVELS,
    MIXTURE,
    PER_TOKEN,
    PRIORS,
    STACK,
    THROUGHPUT,
    TO_FIRST,
    Hierarchy,
    constants,
    error_sd,
    fit_without,
    hierarchy,
    inverse,
    whole_fit,
)
from simulate.calibration.serving import MOST_TOKENS, OVERHEAD, WAITED_STEPS, Benchmarks, waves

FILES = sorted((Path(__file__).parent.parent / "priors").glob("*.toml"))
CONSTANTS = {
    "matrix_utilization": 0.6,
    "precision_efficiency": 0.7,
    "expert_traffic": 35.0,
    "link_utilization": 0.8,
    "layer_latency": 50e-6,
    "allreduce_latency": 30e-6,
    OVERHEAD: 0.06,
    WAITED_STEPS: 0.5,
}


def offline(scenario, **stated):
    """The rows of a scenario, and of other attributes."""
    return [
        row
        for row in offline_benchmarks()
        if row.scenario == scenario and all(getattr(row, name) == value for name, value in stated.items())
    ]


def predicted(rows):
    table = Benchmarks(rows)
    return table, table.predicted({name: np.full(len(rows), value) for name, value in CONSTANTS.items()})


def test_every_row_has_its_source_and_a_model_of_known_shape():
    rows, shapes = rows_of(BENCHMARKS), rows_of(MODELS)
    # Of 2023 and before, of TensorRT-LLM 1.0 and mid-2025, of MLPerf, of sglang: 74, four of which state no throughput.
    assert len(rows) == 37 + 100 + 3 + 6 + 3 * 74 - 4
    assert len(rows_of(LOADS)) == 1450
    assert all(row["source"] for row in rows + shapes)
    assert {row["model"] for row in rows} <= {shape["model"] for shape in shapes}
    for shape in shapes:
        total, active = float(shape["parameters_total"]), float(shape["parameters_active"])
        assert (total > active) == (shape["experts"] != "1"), shape["model"]


def test_latency_and_throughput_become_accelerator_time():
    seconds = {row.label: row.measured[QUESTION] for row in offline_benchmarks()}
    # 8 accelerators over 8 questions; a rank's share of the tokens; four replicas of two.
    assert seconds["GPT-175B 8x8 128+8 A100 80GB FP16, FasterTransformer"] == pytest.approx(0.74986)
    assert seconds["GPT-J-6B 1x512 128+128 A100 80GB FP16, TensorRT-LLM 0.6.1"] == pytest.approx(128 / 6374)
    (mlperf,) = offline("offline", accelerator="H100 SXM5")
    assert mlperf.measured[QUESTION] == pytest.approx(293 * 8 / 31307)


def test_rows_of_one_benchmark_are_its_measurements():
    found = [row for row in load_benchmarks() if row.as_shipped]
    assert len(found) == 74
    (row,) = (row for row in found if row.label == "Qwen3-235B-A22B 8x56 497+4065 B200 BF16, sglang, as shipped")
    assert row.measured == pytest.approx({QUESTION: 4064.7 * 8 / 2387.34, TOKEN: 0.02407, FIRST_TOKEN: 0.12911})
    # Little's law holds between what was measured, but for the median's distance from the mean.
    shares = [
        row.inputs["replica_accelerators"]
        * (row.measured[FIRST_TOKEN] + row.inputs["output_tokens"] * row.measured[TOKEN])
        / (row.inputs["batch_size"] * row.measured[QUESTION])
        for row in found
        if QUESTION in row.measured
    ]
    assert np.median(np.abs(np.log(shares))) < 0.03


def test_rows_under_load_are_those_that_the_form_is_of():
    rows = [row for row in load_benchmarks() if not row.as_shipped]
    assert len(rows) == 914
    assert len({(row.stack, row.accelerator) for row in rows}) == 6
    assert sum(1 / row.repeats for row in rows) == pytest.approx(172)
    warm = [row for row in rows if QUESTION not in row.measured]
    assert sum((row.stack, row.accelerator) == ("sglang", "B200") for row in warm) == 101
    # Little's law holds between what was measured.
    shares = [
        row.inputs["replica_accelerators"]
        * (row.measured[FIRST_TOKEN] + row.inputs["output_tokens"] * row.measured[TOKEN])
        / (row.inputs["batch_size"] * row.measured[QUESTION])
        for row in rows
        if QUESTION in row.measured
    ]
    assert np.median(np.abs(np.log(shares))) < 0.03


def test_a_draft_is_that_which_the_stack_was_set_up_with():
    rows = [row for row in rows_of(LOADS) if row["speculation"] != "none" and row["disaggregated"] == "0"]
    found = {}
    for row in rows:
        key = row["stack"], row["accelerator"], row["decode_dp_attention"]
        found.setdefault(key, set()).add(loaded(row).inputs["draft_tokens"])
    assert all(len(each) == 1 for each in found.values())
    assert found["trt", "B200", "1"] == {1}
    assert found["trt", "H200", "0"] == {3}
    assert found["sglang", "H200", "0"] == {2}
    assert found["sglang", "MI355X", "0"] == {3}
    assert all("draft_tokens" not in row.inputs for row in load_benchmarks())


def test_one_proposed_token_brings_what_deepseek_published():
    """By its acceptance of 0.85 to 0.90, within 8 %: DeepSeek-R1 by TensorRT-LLM, without and with a draft of one."""
    rows = [row for row in rows_of(LOADS) if row["decode_dp_attention"] == "1" and row["disaggregated"] == "0"]
    settings = ("accelerator", "precision", "decode_tp", "input_tokens", "output_tokens", "concurrency")
    plain = {tuple(row[each] for each in settings): row for row in rows if row["speculation"] == "none"}
    pairs = [
        (row, plain[key])
        for row in rows
        if row["speculation"] != "none" and (key := tuple(row[each] for each in settings)) in plain
    ]
    assert len(pairs) > 8
    seconds = []
    for drafted in (1.0, 0.0):
        draft = {"draft_tokens": drafted, "draft_acceptance": 0.875}
        sides = [loaded(row) for row, _ in pairs]
        _, found = predicted([replace(row, inputs={**row.inputs, **draft}) for row in sides])
        seconds.append(found)
    for what, column in {TOKEN: "tpot_median_s", QUESTION: "total_throughput_per_accelerator"}.items():
        ratios = np.log(seconds[0][what] / seconds[1][what])
        measured = np.log([float(row[column]) / float(other[column]) for row, other in pairs])
        assert np.median(np.abs(ratios - measured * (1 if what == TOKEN else -1))) < 0.08
    _, without = predicted([loaded(other) for _, other in pairs])
    np.testing.assert_array_equal(seconds[1][TOKEN], without[TOKEN])


def test_a_batch_is_the_equations_written_out():
    """Dense models of 2023, whose batches are read at once and then written to their end."""
    rows = offline("batch")
    _, seconds = predicted(rows)
    for row, found in zip(rows, seconds[QUESTION], strict=True):
        given = row.inputs
        ranks, batch, layers = (given[name] for name in ("replica_accelerators", "batch_size", "layers"))
        prompt, answer, width = given["input_tokens"], given["output_tokens"], given["hidden_dim"]
        bandwidth = ranks * given["memory_bandwidth"] * 0.9

        def once(tokens, given=given, ranks=ranks, layers=layers, width=width, bandwidth=bandwidth):
            weights = given["bytes_per_parameter"] * given["parameters_active"] / bandwidth
            arithmetic = 2 * given["parameters_active"] * tokens / (ranks * given["peak_flops"] * 0.6 * 0.7)
            links = 8 * layers * width * tokens * (ranks - 1) / ranks / (0.8 * given["link_bandwidth"])
            return max(weights, arithmetic) + links + layers * (50e-6 + 30e-6 * math.log2(ranks))

        cached = 2 * layers * given["kv_heads"] * given["head_dim"] * given["kv_bytes_per_value"]
        held = cached * max(1, ranks / given["kv_heads"]) * (prompt + answer / 2) / bandwidth
        channels = 4 * layers * given["heads"] * given["head_dim"]
        attention = channels * prompt / 2 / (0.7 * ranks * given["attention_peak_flops"])
        reading = once(batch * prompt) + batch * prompt * attention
        expected = ranks / batch * (reading + answer * (once(batch) + batch * held))
        assert found == pytest.approx(expected, rel=1e-12), row.label


def steps_of(requests, batch, prompt, answer):
    """Steps of a benchmark, and those that read prompts, request by request."""
    waiting, unread, running = requests, 0, deque()
    steps, tokens_read = 0, 0
    while waiting or unread or running:
        free = MOST_TOKENS - len(running)
        while free > 0 and (unread or (waiting and len(running) < batch)):
            if not unread:
                waiting, unread = waiting - 1, prompt
            read = min(free, unread)
            free, unread, tokens_read = free - read, unread - read, tokens_read + read
            if not unread:
                running.append(steps + answer)
        steps += 1
        while running and running[0] <= steps:
            running.popleft()
    return steps, tokens_read


def test_so_many_batches_of_requests_are_as_many_waves_whatever_their_quotient_rounds_to():
    """A quotient of 100.00000000000001 is no further wave, which would be felt in a derivative as a jump."""
    batch = np.exp(np.random.default_rng(7).uniform(0, 7, 4000))
    assert (np.ceil(100 * batch / batch) > 100).any()
    lengths = np.full_like(batch, 1000.0), np.full_like(batch, 500.0), np.ones_like(batch)
    exact, fewer = (waves(share * 100 * batch, batch, *lengths) for share in (1, 1 - 1e-8))
    for one, other in zip(exact, fewer, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize(
    ("requests", "batch", "prompt", "answer"), [(3000, 400, 128, 2048), (1500, 300, 2048, 512), (600, 50, 2048, 128)]
)
def test_waves_take_the_steps_that_a_simulation_takes(requests, batch, prompt, answer):
    """Within the share of a wave that the ends of waves overlap by, a hundredth here."""
    found = waves(*(np.array([float(each)]) for each in (requests, batch, prompt, answer, 1)))
    steps, read = steps_of(requests, batch, prompt, answer)
    assert read == requests * prompt
    assert (found.reading + found.writing)[0] == pytest.approx(steps, rel=0.02)
    assert found.reading[0] * found.prompt_tokens[0] == pytest.approx(read)
    assert found.sequences[0] <= batch


def test_under_load_prompts_are_read_between_steps():
    rows = [row for row in load_benchmarks() if row.repeats > 1][::50]
    table, seconds = predicted(rows)
    alone = Benchmarks([replace(row, inputs={**row.inputs, "batch_size": 1e-9}) for row in rows])
    given = {name: np.full(len(rows), value) for name, value in CONSTANTS.items()}
    first = alone.predicted(given)[FIRST_TOKEN]
    batch, answer = table.inputs["batch_size"], table.inputs["output_tokens"]
    # Little's law between the three, and no shorter wait where there are others.
    in_flight = seconds[QUESTION] / table.inputs["replica_accelerators"] * batch
    np.testing.assert_allclose(in_flight, seconds[FIRST_TOKEN] + answer * seconds[TOKEN], rtol=1e-12)
    assert (seconds[FIRST_TOKEN] > first).all()


def test_targets_cost_a_server_its_batch():
    rows = list(server_benchmarks())
    assert [row.group for row in rows] == [row.group for row in offline("offline")]
    targets = ("time_to_first_token_target", "time_per_output_token_target")
    freed, kept, tightened = (
        predicted(
            [replace(row, inputs=row.inputs | {name: row.inputs[name] * factor for name in targets}) for row in rows]
        )
        for factor in (1e6, 1.0, 0.5)
    )
    seconds = [found[QUESTION] for _, found in (freed, kept, tightened)]
    assert (seconds[0] <= seconds[1]).all()
    assert (seconds[1] < seconds[2]).all()
    assert seconds[1][2] > 1.3 * seconds[0][2]  # 405e9 parameters, prompts of 9,428 tokens


def test_what_a_stack_waits_for_is_its_setting():
    waited = {(row.stack, row.accelerator, row.waited_steps) for row in load_benchmarks() if row.waited_steps}
    assert {each for each in waited if each[0] == "sglang"} == {("sglang", "B200", 5.0), ("sglang", "B200", 15.0)}
    others = [row for row in load_benchmarks() if row.stack == "trt" and row.waited_steps]
    assert {row.waited_steps for row in others if row.inputs["batch_size"] / row.inputs["output_tokens"] < 0.1} == {
        30.0
    }
    # 256 sequences on four ranks, answers of 922 tokens: until each of four has been drawn, 25/3 prompts come.
    (early,) = {
        row.waited_steps
        for row in others
        if (row.inputs["batch_size"], row.inputs["replica_accelerators"], row.inputs["output_tokens"])
        == (256, 4, 921.6)
    }
    assert early == pytest.approx(25 / 3 * 921.6 / 256 / 2)


def test_prompts_that_come_between_two_looks_are_read_together():
    """The first token of one that waits 5 steps on average comes after the passes of those that came in ten."""
    rows = [row for row in load_benchmarks() if row.waited_steps == 5.0][:3]
    (_, looking), (_, always) = predicted(rows), predicted([replace(row, waited_steps=0.0) for row in rows])
    for place, row in enumerate(rows):
        sequences, answer = row.inputs["batch_size"], row.inputs["output_tokens"]
        alone = Benchmarks([replace(row, waited_steps=0.0, inputs={**row.inputs, "batch_size": 1e-9})])
        reading = alone.predicted({name: np.array([value]) for name, value in CONSTANTS.items()})[FIRST_TOKEN][0]
        more = looking[FIRST_TOKEN][place] - always[FIRST_TOKEN][place]
        assert looking[TOKEN][place] == always[TOKEN][place]
        writing = always[TOKEN][place]
        assert 10 * sequences / answer * 0.5 * reading < more - 5 * 0.9 * writing
        assert more < 5 * writing + 10 * sequences / answer * reading


@pytest.fixture(scope="module")
def exact():
    """Offline benchmarks as the equations with given constants have them, and their fit."""
    rows = [row for row in offline_benchmarks() if row.scenario in ("batch", "throughput")]
    table = Hierarchy(rows)
    position = np.zeros(len(PRIORS) + len(table.levels))
    truth = {name: prior.median * math.exp(prior.sd / 2) for name, prior in PRIORS.items()}
    position[: len(PRIORS)] = np.log(list(truth.values()))
    seconds = np.exp(table.log_predicted(position))
    mended = [replace(row, measured={QUESTION: float(each)}) for row, each in zip(rows, seconds, strict=True)]
    return Hierarchy(mended), truth


def test_a_fit_finds_the_constants_of_exact_data(exact):
    """Within their own 90 % bands, those that offline benchmarks tell; the bands are narrower than the priors."""
    table, truth = exact
    found = constants(table.fit(np.full(len(table.rows), True)))
    for name in ("matrix_utilization", "precision_efficiency", "expert_traffic", "layer_latency", "allreduce_latency"):
        _, low, high = found[name]
        assert low < truth[name] < high, name
        assert math.log(high / low) < 2 * 1.6449 * PRIORS[name].sd


def test_a_level_that_is_not_seen_keeps_its_prior():
    table, without = hierarchy(), fit_without(lambda row: row.stack, "TensorRT-LLM 1.0")
    place = len(PRIORS) + table.levels.index((STACK, "TensorRT-LLM 1.0"))
    assert without.position[place] == pytest.approx(0, abs=1e-9)
    assert math.sqrt(without.covariance[place, place]) == pytest.approx(without.spreads[STACK], rel=0.05)
    own = np.array([row.stack == "TensorRT-LLM 1.0" for row in table.rows])[table.places]
    assert (without.log_sd[own] > 1.3 * whole_fit().log_sd[own]).all()


def test_a_group_does_not_move_its_own_forecast():
    """Where the fit to the others begins tells nothing: begun from the priors it ends at the same."""
    table, group = hierarchy(), ("TensorRT-LLM 1.0", "Qwen3-30B-A3B", "B200")
    own = np.array([row.group == group for row in table.rows])
    warm, cold = fit_without(lambda row: row.group, group), table.fit(~own)
    measurements = own[table.places]
    np.testing.assert_allclose(warm.log_median[measurements], cold.log_median[measurements], rtol=0, atol=0.01)
    np.testing.assert_allclose(warm.log_sd[measurements], cold.log_sd[measurements], rtol=0.02)


@pytest.mark.parametrize("size", [2, 7, 90])
def test_an_inverse_by_halves_is_one(size):
    root = np.random.default_rng(size).normal(size=(size, size))
    matrix = root @ root.T + np.eye(size)
    np.testing.assert_allclose(matrix @ inverse(matrix), np.eye(size), rtol=0, atol=1e-9)


def test_measurements_change_with_constants_and_levels_as_differences_say():
    """What alike benchmarks share is put together as if each stood alone."""
    table, position = hierarchy(), whole_fit().position
    predicted, changes = table.derivatives(position)
    np.testing.assert_array_equal(predicted, table.log_predicted(position))
    derivatives = np.full((len(predicted), len(position)), np.nan)
    for added, own in table.alike:
        derivatives[own] = changes[own] @ added
    for place, each in enumerate(np.eye(len(position)) * 1e-4):
        moved = (table.log_predicted(position + each) - predicted) / 1e-4
        np.testing.assert_allclose(derivatives[:, place], moved, rtol=0, atol=1e-3)


def test_what_is_measured_under_load_is_forecast_as_well_as_is_said():
    """Half of all measurements, each stack and accelerator left out; to the two digits that are told."""
    table = hierarchy()
    errors = np.zeros(len(table.places))
    for group in dict.fromkeys(row.group for row in load_benchmarks() if not row.as_shipped):
        own = np.array([row.group == group for row in table.rows])[table.places]
        fit = fit_without(lambda row: row.group, group)
        errors[own] = np.abs(table.log_measured - fit.log_median)[own]
    found = {kind: np.median(errors[table.kinds == kind]) for kind in (PER_TOKEN, THROUGHPUT, TO_FIRST)}
    assert {kind: round(float(error), 2) for kind, error in found.items()} == {
        PER_TOKEN: 0.12, THROUGHPUT: 0.11, TO_FIRST: 0.15
    }  # fmt: skip


def test_constants_are_reproduced():
    """What priors files and the README quote, to the digits quoted."""
    found = {name: median for name, (median, _, _) in constants(whole_fit()).items()}
    assert round(found["matrix_utilization"], 2) == 0.56
    assert round(found["precision_efficiency"], 2) == 0.71
    assert round(found["expert_traffic"]) == 33
    assert round(found["layer_latency"] * 1e6) == 48
    assert round(found["allreduce_latency"] * 1e6) == 26
    assert round(found["link_utilization_offline"], 2) == 0.79
    assert round(found["link_utilization_under_load"], 2) == 0.32
    assert round(found["yearly_gain"], 1) == 2.1


def test_spreads_lie_between_their_guess_and_what_is_seen():
    fit, table = whole_fit(), hierarchy()
    squares = (fit.position**2 + np.diag(fit.covariance))[len(PRIORS) :]
    for name, level in LEVELS.items():
        seen = math.sqrt(
            np.mean([square for (each, _), square in zip(table.levels, squares, strict=True) if each == name])
        )
        low, high = sorted((level.sd, seen))
        assert low - 1e-3 <= fit.spreads[name] <= high + 1e-3, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_priors_state_the_error_no_smaller_than_the_fit_does(path):
    priors = tomllib.loads(path.read_text(encoding="utf-8")).get("priors", {})
    prior = priors.get("serving_model_error")
    if prior is None:
        pytest.skip("serves without the roofline")
    low, high = math.log(prior["p5"]), math.log(prior["p95"])
    assert low + high == pytest.approx(0, abs=0.01)  # median 1, to the digits written
    mixture = "experts" in priors
    least = error_sd(MIXTURE, FAMILY, GROUP) if mixture else error_sd(DENSE, STACK, GROUP)
    assert (high - low) / 2 / 1.6449 >= least - 0.005


def test_the_fit_is_printed():
    command = [sys.executable, "-m", "benchmarks", "fit_serving", "--constants"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "1131 benchmarks" in printed
    assert "matrix_utilization" in printed
