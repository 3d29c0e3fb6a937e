"""Files at git revisions: what is read from where, what goes before, and what is missing, in a line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from simulate.comparison import compare
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.runs import run

BASE = """model = "none"
[priors.a]
value = {a}
[choices.double.priors.a]
value = 20
[quantities.y]
formula = "a * d"
"""
OWN = """extends = "base.toml"
[priors.d]
dist = "empirical"
file = "../data.csv"
column = "v"
"""
QUICK = {"scenarios": 256, "quantities": ["y"]}


def git(*arguments):
    own = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *arguments], check=True, capture_output=True)


def write(a, data):
    Path("sub/base.toml").write_text(BASE.format(a=a), encoding="utf-8")
    Path("sub/own.toml").write_text(OWN, encoding="utf-8")
    Path("data.csv").write_text("v\n" + "".join(f"{each}\n" for each in data), encoding="utf-8")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Two commits and what is not committed: y lies about 10, 100 and 1,000."""
    root = tmp_path / "repository"
    (root / "sub").mkdir(parents=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    git("init", "-q", "-b", "main")
    for a, data in ((10, [0.9, 1.1]), (20, [4.9, 5.1])):
        write(a, data)
        git("add", "-A")
        git("commit", "-q", "-m", "change")
    git("branch", "topic/one", "HEAD~1")
    write(100, [9.9, 10.1])
    return root


def mean(source):
    return run(load_priors(source), **QUICK).at("mean", quantity="y")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("sub/own.toml", 1000),
        ("HEAD:sub/own.toml", 100),
        ("main:./sub/own.toml", 100),
        ("HEAD~1:sub/own.toml", 10),
        ("HEAD~1:sub/../sub//own.toml", 10),
        ("topic/one:sub/own.toml", 10),
    ],
)
def test_the_file_what_it_extends_and_its_data_are_of_the_revision(repository, name, wanted):
    assert repository == Path.cwd()
    assert mean(name) == pytest.approx(wanted, rel=0.01)


def test_paths_are_from_the_root_or_from_here(repository, monkeypatch):
    monkeypatch.chdir(repository / "sub")
    assert mean("HEAD:sub/own.toml") == pytest.approx(100, rel=0.01)
    assert mean("HEAD:./own.toml") == pytest.approx(100, rel=0.01)


def test_a_file_that_exists_goes_before(repository):
    (repository / "HEAD:sub").mkdir()
    text = 'model = "none"\n[priors.a]\nvalue = 7\n[quantities.y]\nformula = "a"\n'
    (repository / "HEAD:sub" / "own.toml").write_text(text, encoding="utf-8")
    assert mean("HEAD:sub/own.toml") == 7


def test_a_choice_at_a_revision(repository):
    assert repository
    result = compare(["HEAD~1:sub/own.toml:double", "HEAD~1:sub/own.toml", "sub/own.toml"], bridge=[], **QUICK)
    means = [result.at("mean", quantity="y", case=case) for case in result.labels("case")]
    assert means == pytest.approx([20, 10, 1000], rel=0.01)


def test_results_of_revisions_have_a_folder_of_their_own(command, repository):
    quick = ("--scenarios", "256", "--quantities", "y", "--format", "csv", "--save")
    assert command("run", "topic/one:sub/own.toml", *quick, out=False)[0] == 0
    assert (repository / "outputs" / "own-at-topic-one" / "result.nc").is_file()
    compared = ("compare", "main:sub/own.toml", "sub/own.toml", *quick, "--bridge", "none")
    code, out, err = command(*compared, out=False)
    assert (code, err) == (0, "")
    assert "own-at-main" in out
    assert (repository / "outputs" / "own-at-main-vs-own" / "compare.nc").is_file()
    assert command("check", "HEAD~1:sub/own.toml")[0] == 0


MISSING = {
    "nosuch:sub/own.toml": "does not exist, and git knows no revision nosuch; check the name",
    "HEAD~5:sub/own.toml": "does not exist, and git knows no revision HEAD~5; check the name",
    "HEAD:sub/owm.toml": "there is no sub/owm.toml at the revision HEAD; did you mean own.toml?",
    "HEAD:own.toml": "there is no own.toml at the revision HEAD; paths begin at the root of the repository, or with ./",
    "HEAD:sub": "is a folder; name a priors file in it",
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_there_is_told_in_a_line(command, repository, name):
    assert repository
    with pytest.raises(SimulateError) as refused:
        load_priors(name)
    assert str(refused.value) == f"{name}: {MISSING[name]}"
    for arguments in (("run", name), ("compare", name, "sub/own.toml")):
        code, out, err = command(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert MISSING[name].partition("; ")[0] in err


def test_without_a_repository_and_without_git(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    code, _, err = command("run", "HEAD:own.toml")
    assert (code, err.count("\n")) == (2, 1)
    assert "the working directory lies in no git repository" in err
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = command("run", "HEAD:own.toml")
    assert (code, err.count("\n")) == (2, 1)
    assert "git, which would read it from a revision, is not installed" in err
