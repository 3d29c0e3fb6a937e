"""Shipped priors files by name: every door reaches them from any folder, unless a file of one's own goes before."""

from __future__ import annotations

import json

import pytest

import simulate
from simulate.priors import SHIPPED, load_priors, shipped
from simulate.shipped import shipped_file

QUICK = ("--scenarios", "1024", "--no-save", "--format", "json")
DOORS = {
    "run": ("run", "guosheng-2023", "--quantities", "capex", *QUICK),
    "run of a file": ("run", "guosheng-2023.toml", "--quantities", "capex", *QUICK),
    "check": ("check", "guosheng-2023", "--format", "json"),
    "compare": ("compare", "guosheng-2023", "base", "--quantities", "capex", "--bridge", "none", *QUICK),
    "compare choices": ("compare", "own-or-rent:own", "own-or-rent.toml:rent_reserved", "--bridge", "none", *QUICK),
    "vary": ("compare", "guosheng-2023", "--vary", "pue=1.1,1.2", "--quantities", "energy_per_day", *QUICK),
    "sweep": ("sweep", "guosheng-2023", "--over", "pue=1.1,1.2", "--quantities", "energy_per_day", *QUICK),
    "tornado": ("tornado", "guosheng-2023", "--quantities", "capex", "--no-save", "--format", "json"),
    "explain": ("explain", "pue", "base", "--format", "json"),
    "show": ("show", "guosheng-2023", "--format", "json"),
    "show a choice": ("show", "own-or-rent:own", "--format", "json"),
    "extends": ("check", "mine.toml", "--format", "json"),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory without any of the files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('extends = "own-or-rent"\n')
    return tmp_path


@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_a_shipped_file_by_name(command, door):
    code, out, err = command(*DOORS[door], out=False)
    assert code == 0, err
    files = [file["path"] for file in json.loads(out)["files"]]
    assert files
    assert all(path == "mine.toml" or path.startswith(str(SHIPPED)) for path in files)


def test_decide_takes_a_shipped_file_by_name(command):
    code, _, err = command("decide", "guosheng-2023", out=False)  # which has no choices
    assert code == 2
    assert err.startswith(f"{SHIPPED / 'guosheng-2023.toml'}: ")


def test_a_script_takes_a_shipped_file_by_name():
    few = {"scenarios": 1024, "quantities": "capex"}
    assert float(simulate.run("guosheng-2023", **few)["mean"].squeeze()) == pytest.approx(758.8e6)
    assert simulate.compare(["guosheng-2023", "base"], bridge="none", **few).sizes["case"] == 2
    assert "base.toml" in simulate.explain("pue", "base")


def test_the_plain_name_is_the_shipped_file_and_with_its_ending_ones_own(elsewhere):
    own = elsewhere / "base.toml"
    own.write_text('extends = "base"\n[priors.pue]\nvalue = 1.5\n')
    assert load_priors("base").path == SHIPPED / "base.toml"
    mine = load_priors("base.toml")
    assert (str(mine.path), mine.priors["pue"].specification) == ("base.toml", {"value": 1.5})
    assert mine.files[1].path == SHIPPED / "base.toml"
    (elsewhere / "base").write_text(own.read_text().replace("1.5", "1.6").replace('"base"', '"own-or-rent"'))
    assert load_priors("base").priors["pue"].specification == {"value": 1.6}  # a file that is called so to the letter


def test_names_of_files_that_ship():
    assert {"base", "own-or-rent"} <= shipped().keys()
    assert shipped_file("base") == shipped_file("base.toml") == SHIPPED / "base.toml"
    for name in ("nothing", "priors/base", "../priors/base", "", "x" * 5000, "a\0b"):
        assert shipped_file(name) is None


def test_a_choice_of_no_file_is_refused(command):
    code, _, err = command("compare", "nothing:own", "base", out=False)
    assert code == 2
    assert err.startswith("CASE 'nothing:own': nothing is no file that could hold choices")
    code, _, err = command("show", "own-or-rent:owm", out=False)
    assert (code, err.partition(": ")[2]) == (2, "there is no choice owm; did you mean own?\n")
