"""One way to every measurement of `benchmarks/`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import handwritten_formulas, peers, sizes
from simulate.priors import load_priors
from simulate.runs import run

ROOT = Path(__file__).parent.parent
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")}


def measured(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize(("arguments", "opening"), [((), "Make one"), (("pears",), "there is no measurement 'pears'")])
def test_the_measurements_are_listed_with_what_they_tell(arguments, opening):
    asked = measured(*arguments)
    assert asked.returncode == 1
    assert asked.stderr.startswith(opening)
    listed = dict(re.findall(r"^(\w+)  +(\S.+)$", asked.stderr, re.MULTILINE))
    assert listed.keys() == {name for name, text in SOURCES.items() if "\ndef main(" in text} - {"__main__"}
    assert listed["run"] == "How long a run takes, as ratios measured in one go."


def test_a_measurement_takes_its_options():
    asked = measured("percentiles", "--help")
    assert asked.returncode == 0
    assert "--scenarios" in asked.stdout


@pytest.mark.parametrize("name", SOURCES)
def test_the_texts_name_the_one_way(name):
    assert "\n    python benchmarks/" not in SOURCES[name]
    if "argparse" in SOURCES[name]:
        assert f"\n    python -m benchmarks {name} [" in SOURCES[name]


@pytest.mark.parametrize(("factor", "agrees"), [(1.0, True), (1.1, False)])
def test_a_peer_that_is_wrong_does_not_agree(factor, agrees):
    """A tenth is 10 standard errors of the P75 of 2^14 scenarios; of 60 percentiles one in a hundred seeds is off."""
    peer = peers.Measured("numpy", 2**14)
    peer.work(seed=2, kept=True)
    peer.server.close()
    peer.told[0]["percentiles"]["capital_cost"][3] *= factor
    off, bound = peers.farthest([peer], 2**17)
    assert bool(off["numpy"] < bound) is agrees


def test_a_peer_that_is_not_there_has_a_row_that_says_so():
    peer = peers.Measured("numpy", 2**14)
    peer.server.close()
    peer.missing = "No module named 'numpy'"
    assert "| not measured: No module named 'numpy' |" in peers.report([peer], rounds=1)


def test_what_is_told_by_hand_is_what_a_run_tells():
    """Within 6 standard errors, false alarms below 1 %: a share's is 0.77 / sqrt(n) at most, beside its bins'."""
    count = handwritten_formulas.SAMPLED
    by_hand = handwritten_formulas.analyse(count, seed=4)
    priors = load_priors(ROOT / "benchmarks" / "own_formulas.toml")
    ours = run(priors, scenarios=count, seed=1, percentiles=handwritten_formulas.PERCENTS)
    order = [[*handwritten_formulas.draw(1, 0)].index(name) for name in ours.labels("prior")]
    for name in ours.labels("quantity"):
        for statistic in ("percentiles", "mean", "sd"):
            values, errors = ours.estimate(statistic, quantity=name)
            apart = np.abs(by_hand[statistic][name] - values)
            assert (apart < 6 * np.hypot(errors, by_hand[f"{statistic}_se"][name])).all(), (name, statistic)
        told = np.nan_to_num(ours.at("rank_correlation", quantity=name))
        assert np.abs(by_hand["rank_correlation"][name][order] - told).max() < 6 * np.sqrt(2 / count), name
        if not ours.at("variance_of_logarithm", quantity=name):
            shares, errors = map(np.nan_to_num, ours.estimate("variance_share", quantity=name))
            apart = np.abs(by_hand["variance_share"][name][order] - shares)
            assert (apart < handwritten_formulas.BINS / count + 6 * np.hypot(errors, 0.77 / np.sqrt(count))).all(), name


@pytest.mark.parametrize(("priors", "quantities"), [(5, 12), (200, 12), (22, 1), (22, 200)])
def test_each_prior_of_a_size_is_of_use(priors, quantities):
    parts = sizes.parts(priors, quantities)
    assert {each for row in parts for each in row} == {*range(priors)}
    assert len(parts) == quantities
    assert all(len({*row}) == len(row) >= 3 for row in parts)
