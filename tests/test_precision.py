"""Runs to a precision: what is asked, when it stops, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import simulate
from simulate.engine import RunError
from simulate.precision import Target, run_to, t_quantile, targets

TEXT = 'model = "none"\n[priors]\na = {dist = "lognormal", mu = 0, sigma = 1}\n[quantities.y]\nformula = "a * 2"\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_targets_are_read():
    assert targets("0.5%", ["y"]) == tuple(Target("y", percent, 0.005) for percent in (5, 50, 95))
    assert targets("y:p97.5=0.2%, z:p50=0.01", ["y", "z"]) == (
        Target("y", 97.5, 0.002),
        Target("z", 50, 0.01),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "'soon' is no target; write 0.5% or capex:p95=0.2%"),
        ("0%", "'0%' is not between 0 and 100 %"),
        ("200%", "'200%' is not between 0 and 100 %"),
        ("x:p50=1%", "x is not among y; add it to --quantities"),
        ("y:p100=1%", "p100 is no percentile"),
    ],
)
def test_other_targets_are_refused(text, message):
    with pytest.raises(RunError, match=message):
        targets(text, ["y"])


def test_t_is_the_tables():
    assert t_quantile() == pytest.approx(2.13144954556, rel=1e-9)


def test_it_stops_when_the_interval_is_narrow_enough(file):
    priors, counts = simulate.load_priors(file), []

    def run(count, percents):
        counts.append(count)
        return simulate.run(priors, scenarios=count, percentiles=percents, scheme="random")

    dataset = run_to(targets("y:p50=1%", ["y"]), run, [25.0], start=2**10)
    assert counts == sorted(counts)
    assert dataset["percentile"].values.tolist() == [25.0]
    assert dataset.attrs["precision"].startswith("precision reached: P50 of y is known to 0.")
    # the median of a lognormal has an error of sqrt(pi/2 n): 1 % takes some 60,000 scenarios at 1.96 of them
    assert 2**14 <= dataset.attrs["scenarios"] <= 2**19


def test_a_ceiling_is_told(file):
    priors = simulate.load_priors(file)
    dataset = run_to(
        targets("y:p50=0.001%", ["y"]),
        lambda count, percents: simulate.run(priors, scenarios=count, percentiles=percents, scheme="random"),
        [50.0],
        start=2**10,
        ceiling=2**12,
    )
    assert dataset.attrs["scenarios"] == 2**12
    assert dataset.attrs["precision"].startswith(
        "precision not reached with 4,096 scenarios: P50 of y is known to"
    )


def test_a_constant_is_precise_at_once(tmp_path):
    path = tmp_path / "file.toml"
    path.write_text(
        'model = "none"\n[priors]\na = {value = 0}\n[quantities.y]\nformula = "a * 2"\n', encoding="utf-8"
    )
    priors = simulate.load_priors(path)
    dataset = run_to(
        targets("0.1%", ["y"]),
        lambda n, p: simulate.run(priors, scenarios=n, percentiles=p),
        [50.0],
        start=64,
    )
    assert dataset.attrs["scenarios"] == 64


def test_the_true_error_is_within_the_target_as_often_as_stated(file):
    """In 200 runs of 200 or so expected 95 %: fewer than 175 has a probability of 1e-5 (binomial)."""
    priors = simulate.load_priors(file)
    hits = 0
    for seed in range(200):
        dataset = run_to(
            targets("y:p95=5%", ["y"]),
            lambda n, p, seed=seed: simulate.run(
                priors, scenarios=n, percentiles=p, scheme="random", seed=seed, threads=1
            ),
            [95.0],
            start=2**10,
        )
        hits += abs(float(dataset["y"][0]) / (2 * np.exp(1.6448536269514722)) - 1) <= 0.05
    assert hits >= 175


def test_on_the_command_line(file, tmp_path):
    command = [sys.executable, "-c", "from simulate.cli import main; main()", "run", str(file)]
    done = subprocess.run(
        [*command, "--precision", "y:p95=0.5%", "--format", "json", "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "precision reached: P95 of y" in done.stderr
    told = json.loads(done.stdout)
    error = told["quantities"]["y"]["percentile_se"]["95"] / told["quantities"]["y"]["percentiles"]["95"]
    assert t_quantile() * error <= 0.005
