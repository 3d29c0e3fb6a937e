"""The README's examples: every command in it runs, and prints what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import simulate
from simulate.distributions import FAMILIES
from simulate.formats import FORMATS
from simulate.sampling.schemes import SCHEMES
from simulate.sensitivity.methods import METHODS
from simulate.statistics import OPTIONAL

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
EXAMPLES = [
    (command.strip(), shown)
    for session in SESSIONS
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)
]
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_there_are_examples():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_command_prints_what_the_readme_shows(command, shown, tmp_path):
    words = shlex.split(command)
    assert words[0] == "simulate"
    if words[1] not in {"check", "explain"}:  # whose pictures other tests draw
        words += ["--out", str(tmp_path / "out"), "--no-pictures"]
    done = subprocess.run(
        [sys.executable, "-c", "from simulate.cli import main; main()", *words[1:]],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    lines = [line.rstrip() for line in shown.splitlines()]
    # an ellipsis of its own line leaves out what the README has no room for
    place = 0
    for line in lines:
        if line != "...":
            assert line in printed[place:], f"{line!r} is not printed after line {place}:\n{done.stdout}"
            place += printed[place:].index(line) + 1


@pytest.mark.parametrize("code", PYTHON)
def test_python_example_runs(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"#> (.*)", code)
    assert done.stdout.splitlines() == shown


def test_every_command_of_the_tool_is_shown():
    help_text = subprocess.run(
        [sys.executable, "-c", "from simulate.cli import main; main()", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    commands = re.findall(r"^  (\w+) ", help_text.split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE)
    for name in commands:
        assert f"simulate {name}" in README


@pytest.mark.parametrize("registry", [FAMILIES, SCHEMES, METHODS, FORMATS, OPTIONAL])
def test_every_entry_of_a_registry_is_named(registry):
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", README))))
    assert set(registry) <= words


def test_pictures_of_the_readme_exist():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()


def test_the_story_is_what_the_numbers_say():
    priors = simulate.load_priors(ROOT / "priors" / "base.toml")
    note = simulate.load_priors(ROOT / "priors" / "guosheng-2023.toml")
    asked = ["accelerators", "capex", "server_capex", "opex_per_year", "electricity_cost", "energy_per_day"]
    bands = simulate.run(priors, scenarios=2**18, quantities=[*asked, "electricity_cost_per_day"], percentiles=[50])
    medians = bands["percentiles"].sel(percentile=50)
    median = {name: float(medians.sel(quantity=name)) for name in asked}
    assumed = {name: float(prior.distribution.quantile(0.5)) for name, prior in priors.priors.items()}
    noted = {name: float(prior.distribution.quantile(0.5)) for name, prior in note.priors.items()}
    factors = {
        "is 24 times": noted["seconds_per_token"] / assumed["seconds_per_token"],
        "1.7 times the visitors": noted["visitors_per_day"] / assumed["visitors_per_day"],
        "1.7 times what": noted["questions_per_visitor"] / assumed["questions_per_visitor"],
        "7.3 times as many": assumed["output_tokens"] / noted["output_tokens"],
        "2.0 times too few": assumed["peak_to_average"] * assumed["capacity_margin"] * (1 + assumed["spare_share"]),
        "1.8 times too much": 591_864 / median["energy_per_day"] / (30_382 / median["accelerators"]),
        "4.7 times our": 30_382 / median["accelerators"],
        "capex 3.2": 759e6 / median["capex"],
        "40 % of capex": 100 * (1 - median["server_capex"] / median["capex"]),
        "92 % of opex": 100 * (1 - median["electricity_cost"] / median["opex_per_year"]),
    }
    text = re.sub(r"\s+", " ", README)
    for phrase, value in factors.items():
        assert phrase in text
        stated = re.search(r"[\d.]+", phrase).group()
        places = len(stated.partition(".")[2])
        assert float(stated) == pytest.approx(value, abs=0.5 * 10**-places + 0.01 * value), phrase
    for quantity, figure, at in (
        ("accelerators", 30_382, 91),
        ("capex", 759e6, 84),
        ("electricity_cost_per_day", 47e3, 97),
    ):
        curve = bands["fine_percentiles"].sel(quantity=quantity)
        falls = float(np.interp(figure, curve, bands["fine_percentile"]))
        assert round(falls) == at
