from __future__ import annotations

import math
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulate.calibration.serving import benchmarks, fit_roofline, left_out, predicted_seconds, residuals, spread

PRIORS = sorted((Path(__file__).parent.parent / "priors").glob("*.toml"))
A100 = benchmarks("A100 80GB")
H100 = benchmarks("H100 SXM5")
CONSTANTS = {
    "matrix_utilization": 0.7,
    "bandwidth_utilization": 0.85,
    "layer_latency": 40e-6,
    "allreduce_latency": 80e-6,
}


@pytest.fixture(scope="module")
def a100_left_out():
    return left_out(A100)


def test_latency_and_throughput_become_accelerator_time():
    by_label = {row.label: row.seconds for row in A100}
    assert by_label["GPT-175B 8x8 128+8"] == pytest.approx(0.74986)  # 8 accelerators over 8 questions
    assert by_label["GPT-J-6B 1x512 128+128"] == pytest.approx(128 / 6374)


def written_out(given, fitted):
    """The equations once more, for a dense model whose batch is read at once, then written."""
    ranks, batch, layers = given["replica_accelerators"], given["batch_size"], given["layers"]
    prompt, answer, width = given["input_tokens"], given["output_tokens"], given["heads"] * given["head_dim"]
    bandwidth = ranks * given["memory_bandwidth"] * fitted["bandwidth_utilization"]
    peak = ranks * given["peak_flops"] * fitted["matrix_utilization"]

    def once(tokens):
        weights = given["bytes_per_parameter"] * given["parameters_active"] / bandwidth
        links = 8 * layers * width * tokens * (ranks - 1) / ranks / (0.9 * given["link_bandwidth"])
        latency = layers * (fitted["layer_latency"] + fitted["allreduce_latency"] * math.log2(ranks))
        return max(weights, 2 * given["parameters_active"] * tokens / peak) + links + latency

    cached = 2 * layers * given["kv_heads"] * given["head_dim"] * given["kv_bytes_per_value"]
    held = cached * max(1, ranks / given["kv_heads"]) * (prompt + answer / 2) / bandwidth
    attention = 4 * layers * width * prompt / 2 / (0.7 * ranks * given["attention_peak_flops"])
    reading = once(batch * prompt) + batch * prompt * attention
    return ranks / batch * (reading + answer * (once(batch) + batch * held))


def test_prediction_is_the_roofline_written_out():
    for row in benchmarks():
        predicted = predicted_seconds([row], CONSTANTS)[0]
        assert predicted == pytest.approx(written_out(row.inputs, CONSTANTS), rel=1e-12), row.label


def test_fit_finds_the_constants_of_exact_data():
    """Where the data are exact, they outweigh the prior."""
    seconds = predicted_seconds(A100, CONSTANTS)
    exact = [replace(row, seconds=float(value)) for row, value in zip(A100, seconds, strict=True)]
    assert fit_roofline(exact, scale=1e-4).constants == pytest.approx(CONSTANTS, rel=1e-3)


def test_constants_are_reproduced():
    """What notes in priors files and the README quote, to the digits quoted."""
    constants = fit_roofline(A100).constants
    assert round(constants["matrix_utilization"], 2) == 0.67
    assert round(constants["bandwidth_utilization"], 2) == 0.81
    assert round(constants["layer_latency"] * 1e6) == 55
    assert round(constants["allreduce_latency"] * 1e6) == 79
    constants = fit_roofline(H100).constants
    assert round(constants["matrix_utilization"], 2) == 0.55
    assert round(spread(left_out(H100).values()), 3) == 0.149


def test_median_residual_is_about_zero():
    """Within two standard errors of a median of 21 residuals."""
    misfits = residuals(A100, fit_roofline(A100).constants)
    assert abs(np.median(misfits)) < 2 * 1.25 * misfits.std() / math.sqrt(len(misfits))


def test_groups_left_out_spread_more_than_groups_fitted(a100_left_out):
    assert len(a100_left_out) == 5
    assert sum(map(len, a100_left_out.values())) == len(A100)
    assert round(spread(a100_left_out.values()), 2) == 0.25
    fitted = residuals(A100, fit_roofline(A100).constants)
    groups = [fitted[[row.group == group for row in A100]] for group in a100_left_out]
    assert spread(a100_left_out.values()) > spread(groups)


@pytest.mark.parametrize("path", PRIORS, ids=lambda path: path.stem)
def test_priors_state_the_error_no_smaller_than_the_fit_does(path, a100_left_out):
    prior = tomllib.loads(path.read_text(encoding="utf-8")).get("priors", {}).get("serving_model_error")
    if prior is None:
        pytest.skip("serves without the roofline")
    low, high = math.log(prior["p5"]), math.log(prior["p95"])
    assert low + high == pytest.approx(0, abs=0.01)  # median 1, to the digits written
    assert (high - low) / 2 / 1.6449 >= round(spread(a100_left_out.values()), 2) - 0.002


def test_the_fit_is_printed():
    command = [sys.executable, "-m", "benchmarks", "fit_roofline"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "A100 80GB, FP16: 21 benchmarks" in printed
    assert "spread of serving_model_error: 0.248" in printed
    assert printed.count("left out ") == 9
