"""`check`: many files and folders, each with its verdict."""

from __future__ import annotations

import json

import pytest

from simulate.checking import named_files

RIGHT = 'model = "none"\n[priors.a]\ndist = "normal"\nmean = 0\nsd = 1\n[quantities.b]\nformula = "a + 1"\n'
WRONG = RIGHT.replace("sd = 1", 'sd = "1"').replace('"a + 1"', '"a + c"')
SAID = "1 prior, 0 correlations, 1 formula, 0 published figures; nothing is wrong"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of priors files, one of them wrong in two lines, with what is none and what is hidden beside them."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "all/right.toml": RIGHT,
        "all/below/wrong.toml": WRONG,
        "all/equal.toml": RIGHT.replace("a + 1", "a == a + 1"),
        "all/notes.txt": "",
        "all/.hidden/other.toml": "",
        "none/notes.txt": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "all/folder.toml").mkdir()


@pytest.mark.usefixtures("folder")
def test_a_folder_stands_for_the_priors_files_below_it():
    files = ["all/below/wrong.toml", "all/equal.toml", "all/right.toml"]
    assert named_files(["all"]) == files
    assert named_files(["base", "all/right.toml", "all"]) == ["base", "all/right.toml", *files[:2]]


@pytest.mark.usefixtures("folder")
def test_each_of_several_files_has_its_verdict_and_all_faults_are_told(command):
    code, out, err = command("check", "all", "missing.toml")
    assert code == 2
    warned, warning, right, total = out.splitlines()
    assert warned == f"all/equal.toml: {SAID} but for 1 warning:"
    assert warning.startswith("Warning: ")
    assert right == f"all/right.toml: {SAID}."
    assert total == "4 files: 2 of them are wrong."
    faults = err.splitlines()
    assert [line.split(": ")[0] for line in faults] == [
        "all/below/wrong.toml:5",
        "all/below/wrong.toml:7",
        "missing.toml",
    ]
    assert command("check", "all/below/wrong.toml") == (2, "", "\n".join([*faults[:2], ""]))  # as of one file
    assert command("check", "base", "all/right.toml")[1].endswith("\n2 files: nothing is wrong.\n")


@pytest.mark.usefixtures("folder")
def test_as_json_the_faults_of_all_files_are_one_document(command):
    code, out, _ = command("check", "all", "missing.toml", "--format", "json")
    told = json.loads(out)
    assert (code, told["result"]) == (2, None)
    wrong = ["all/below/wrong.toml", "all/below/wrong.toml", "missing.toml"]
    assert [error["file"] for error in told["errors"]] == wrong
    code, out, _ = command("check", "all/right.toml", "all/equal.toml", "--format", "json")
    told = json.loads(out)
    assert code == 0
    assert [each["path"] for each in told["result"]["checked"]] == ["all/right.toml", "all/equal.toml"]
    assert [file["path"] for file in told["files"]] == ["all/right.toml", "all/equal.toml"]


@pytest.mark.usefixtures("folder")
def test_settings_go_before_what_every_file_says(command):
    code, _, err = command("check", "all/right.toml", "base", "--set", "a=2")
    assert code == 2
    assert "a=2" in err  # which base.toml does not know
    assert command("check", "all/right.toml", "all/equal.toml", "--set", "a=2")[0] == 0


@pytest.mark.usefixtures("folder")
def test_a_folder_without_priors_files_is_refused(command):
    assert command("check", "none") == (2, "", "none: there is no .toml file below it; name a priors file\n")


@pytest.mark.usefixtures("folder")
def test_a_gate_that_a_run_refuses_is_refused(command, tmp_path):
    (tmp_path / "gated.toml").write_text(f'{RIGHT}[run]\nfail_if = "P(c > 1) > 10%"\n')
    said = "--fail-if 'P(c > 1) > 10%': there is no quantity c"
    told = [command(*asked, "gated.toml", out=False) for asked in (("check",), ("run",), ("check", "all/right.toml"))]
    assert [code for code, _, _ in told] == [2, 2, 2]
    assert all(said in err for _, _, err in told)
    assert told[0][2] == told[1][2]
