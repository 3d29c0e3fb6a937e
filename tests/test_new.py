"""Priors files to begin with: each runs as it is, is written whole, and replaces nothing that it is not told to."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from simulate.cli.commands import COMMANDS
from simulate.priors import load_priors
from simulate.reference.templates import FOLDER, template, template_names
from simulate.results.in_vain import in_vain
from simulate.runs import run

QUESTIONS = ("serving", "training", "own-or-rent", "formulas")


def test_there_is_a_template_for_each_question():
    assert set(template_names()) == set(QUESTIONS)
    assert template_names()[0] == "serving"


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_template_runs_as_it_is_and_says_where_each_figure_is_from(name):
    text = template(name)
    priors = load_priors(text)
    result = run(priors, scenarios=4096)
    assert result.warnings == []
    assert in_vain([priors, *priors.cases.values()], priors.run.quantities) == []
    assert "extends" not in tomllib.loads(text)
    for prior in priors.priors.values():
        assert prior.source or prior.name == "training_mfu_deviation", prior.name
        assert prior.evidence in {"sourced", "judgement"}, prior.name
    assert len(text.splitlines()) < 180


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_a_template_says_may_be_added_can_be(name):
    text = template(name)
    whole, _, more = text.partition("may be added\n#\n")
    blocks = more.replace("#\n", "\n").strip().split("\n\n")
    assert len(blocks) >= 2
    for block in blocks:
        added = re.sub(r"^# ?", "", block, flags=re.MULTILINE)
        assert load_priors(f"{whole}may be added\n{added}\n") != load_priors(text)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_template_names_commands_that_there_are(name):
    shown = re.findall(r"^#   simulate (\w+) (\S+)", template(name, "mine.toml"), re.MULTILINE)
    assert {command for command, _ in shown} <= set(COMMANDS)
    assert ("run", "mine.toml") in shown


def test_the_command_writes_it_and_it_runs(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("new", "my.toml", out=False)
    assert (code, out) == (0, "")
    text = (tmp_path / "my.toml").read_text(encoding="utf-8")
    assert text == template("serving", "my.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]
    for name in QUESTIONS:
        _, out, _ = command("new", f"{name}.toml", "--for", name, "--format", "json", out=False)
        assert json.loads(out)["result"] == {"text": template(name, f"{name}.toml"), "written": f"{name}.toml"}
        assert command("check", f"{name}.toml", out=False)[0] == 0


def test_what_is_there_is_replaced_where_that_is_said(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text("mine")
    code, out, err = command("new", "my.toml", out=False)
    assert (code, out) == (2, "")
    assert err == "my.toml: is there already; name another file, or replace it with --force\n"
    assert (tmp_path / "my.toml").read_text() == "mine"
    assert command("new", "my.toml", "--force", "--for", "formulas", out=False)[0] == 0
    assert (tmp_path / "my.toml").read_text(encoding="utf-8") == template("formulas", "my.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]


def test_without_a_file_it_is_printed(command):
    assert command("new", "--for", "training", out=False) == (0, template("training"), "")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (("my.toml", "--for", "servin"), "there is no template 'servin'; did you mean serving?\n"),
        (("my.toml", "--format", "csv"), "there is no format 'csv'; choose one of toml, json\n"),
        (("",), "FILE '': is empty; name a file such as my.toml\n"),
        (("none/my.toml",), "none/my.toml: cannot be written: No such file or directory; name another file\n"),
        ((".",), ".: "),
    ],
)
def test_what_cannot_be_written_is_told_in_a_line(command, tmp_path, monkeypatch, line, wanted):
    monkeypatch.chdir(tmp_path)
    code, out, err = command("new", *line, out=False)
    assert (code, out) == (2, "")
    assert err.startswith(wanted)
    assert err.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_templates_are_files_of_the_package():
    assert {path.stem for path in FOLDER.iterdir()} == set(QUESTIONS)
