"""One way to every measurement of `benchmarks/`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

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
