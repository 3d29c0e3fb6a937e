"""One way to every measurement of `benchmarks/`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import peers, sizes

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


@pytest.mark.parametrize(("priors", "quantities"), [(5, 12), (200, 12), (22, 1), (22, 200)])
def test_each_prior_of_a_size_is_of_use(priors, quantities):
    parts = sizes.parts(priors, quantities)
    assert {each for row in parts for each in row} == {*range(priors)}
    assert len(parts) == quantities
    assert all(len({*row}) == len(row) >= 3 for row in parts)
