"""What pyproject.toml says of dependencies, groups and markers, and that the lock file says the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from simulate.cli.commands import COMMANDS

ROOT = Path(__file__).parent.parent
STATED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKED = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
RUNTIME = STATED["project"]["dependencies"]
OPTIONAL = STATED["project"]["optional-dependencies"]
EXTRAS = [each for extra in OPTIONAL.values() for each in extra]
MEASURED_ALONE = {"bench", "gpu"}  # extras of which no test needs what they bring
GROUPS = STATED["dependency-groups"]


def by_name(requirements):
    """What each requirement allows, by its name as the lock file spells it."""
    parts = [re.fullmatch(r"([\w-]+)(?:\[\w+\])?(.*)", requirement).groups() for requirement in requirements]
    return {name.lower(): allowed for name, allowed in parts}


@pytest.mark.parametrize("requirement", [*RUNTIME, *EXTRAS])
def test_runtime_dependency_has_a_lower_bound_and_no_upper_one(requirement):
    assert re.fullmatch(r"[a-z\d-]+(\[\w+\])?>=\d+(\.\d+)*", requirement)


@pytest.mark.parametrize("requirement", [*GROUPS["test"], *GROUPS["lint"]])
def test_development_tool_has_a_lower_bound(requirement):
    assert re.fullmatch(r"[\w-]+(\[\w+\])?(>=|~=)\d+(\.\d+)*", requirement)


def test_checkers_are_held_to_a_minor_release():
    allowed = by_name(GROUPS["lint"])
    for checker in ("ruff", "mypy"):
        assert re.fullmatch(r"~=\d+\.\d+\.\d+", allowed[checker])


def test_each_tool_is_in_one_group_and_dev_holds_all():
    assert not by_name(GROUPS["test"]).keys() & by_name(GROUPS["lint"]).keys()
    assert GROUPS["dev"] == [{"include-group": "test"}, {"include-group": "lint"}]


def test_what_an_extra_needs_is_tested_as_well():
    needed = [each for extra, requirements in OPTIONAL.items() if extra not in MEASURED_ALONE for each in requirements]
    assert by_name(needed).items() <= by_name(GROUPS["test"]).items()


def test_oldest_python_is_the_one_that_is_checked():
    oldest = STATED["project"]["requires-python"].removeprefix(">=")
    assert STATED["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")


def test_lock_file_is_up_to_date():
    (ours,) = (package for package in LOCKED if package["name"] == STATED["project"]["name"])
    metadata = ours["metadata"]
    assert {row["name"]: row["specifier"] for row in metadata["requires-dist"]} == by_name([*RUNTIME, *EXTRAS])
    for group in ("test", "lint"):
        locked = {row["name"]: row["specifier"] for row in metadata["requires-dev"][group]}
        assert locked == by_name(GROUPS[group]), "run: uv lock"


def test_lock_file_names_the_public_registry_alone():
    sources = [package["source"] for package in LOCKED]
    assert [source for source in sources if source.get("registry") != "https://pypi.org/simple"] == [{"editable": "."}]
    files = [file for package in LOCKED for file in [*package.get("wheels", []), package.get("sdist")] if file]
    assert all(file["url"].startswith("https://files.pythonhosted.org/") for file in files)


@pytest.mark.parametrize(
    ("asked", "collected"),
    [((), "test_short"), (("-m", "long"), "test_long"), (("-m", ""), "test_long test_short")],
    ids=["default", "long", "all"],
)
def test_long_tests_run_when_asked_for(asked, collected, tmp_path):
    (tmp_path / "test_both.py").write_text(
        "import pytest\n\ndef test_short(): pass\n\n@pytest.mark.long\ndef test_long(): pass\n", encoding="utf-8"
    )
    settings = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, "--collect-only", *asked, str(tmp_path)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert " ".join(sorted(re.findall(r"::(\w+)", done.stdout))) == collected


def test_the_hook_for_pre_commit_asks_a_command_of_priors_files_alone():
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    (hook,) = [dict(re.findall(r"^(?:- |  )(\w+): (.+)$", each, re.MULTILINE)) for each in text.split("\n- ")]
    script, name = hook["entry"].split()
    assert (hook["id"], hook["language"]) == ("simulate-check", "python")
    assert script in STATED["project"]["scripts"]
    assert name in COMMANDS
    assert all(re.search(hook["files"], f"priors/{path.name}") for path in (ROOT / "priors").glob("*.toml"))
    assert not any(re.search(hook["files"], path) for path in ("pyproject.toml", "priors/a.csv", "x/priors/a.toml"))


def test_what_the_page_on_reviews_asks_can_be_asked(command):
    text = (ROOT / "docs" / "reference" / "reviews.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|yaml)\n(.*?)```", text, re.DOTALL)
    asked = [each for block in blocks for each in re.findall(r"simulate (\w+) (.*(?:\n {10}.*)*--.*)", block)]
    assert len(asked) == 5
    for name, line in asked:
        _, shown, _ = command(name, "--help")
        assert set(re.findall(r"--[\w-]+", line)) <= set(re.findall(r"--[\w-]+", shown))
