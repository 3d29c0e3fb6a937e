"""The README's examples: every command in it runs, and prints what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```console\n(.*?)^```", README, re.S | re.M)
EXAMPLES = [
    (command.strip(), shown)
    for session in SESSIONS
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.M)
]
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.S | re.M)


def test_there_are_examples():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_command_prints_what_the_readme_shows(command, shown, tmp_path):
    words = shlex.split(command)
    assert words[0] == "simulate"
    if words[1] not in {"check", "explain"}:
        words += ["--out", str(tmp_path / "out")]
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
    commands = re.findall(r"^  (\w+) ", help_text.split("Commands:")[1], re.M)
    for name in commands:
        assert f"simulate {name}" in README


def test_pictures_of_the_readme_exist():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()
