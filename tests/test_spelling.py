"""Names of files as users write them, and signs on streams of small encodings."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import simulate
from simulate.spelling import name_text, path_of, spell_out

PLAIN = 'model = "none"\n[run]\nscenarios = 1024\n[priors]\nx = {dist = "normal", mean = -11, sd = 1}\n'
FILE = f'{PLAIN}[quantities]\ny = {{formula = "x", label = "Größe 国"}}\n'
UNTITLED = b"b\xffd.toml"  # a name that is no UTF-8


def simulated(*arguments, cwd=None, **environment):
    """What a command prints, its stdout as bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "simulate", *arguments],
        capture_output=True,
        check=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
    )
    return done.stdout


def written(text: str, encoding: str) -> bytes:
    """What a stream of an encoding makes of a text."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding)
    spell_out(stream)
    stream.write(text)
    stream.flush()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("encoding", "text", "told"),
    [
        ("ascii", "−11 ± 2 ×10⁻³ USD, 10¹⁵ µs ∞ …", b"-11 +- 2 x10^-3 USD, 10^15 us inf ..."),
        ("latin-1", "−11 ± 2 ×10⁻³ USD, 10¹⁵ Größe", "-11 +- 2 x10^-3 USD, 10^15 Größe".encode("latin-1")),
        ("cp1252", "−1 – 10¹⁵ “é”", "-1 - 10^15 “é”".encode("cp1252")),
        ("ascii", "国 ö 😀", rb"\u56fd \xf6 \U0001f600"),
        ("ascii", "├─ a\n│  └─ b ▁▂▃▄▅▆▇█▏", b"|- a\n|  `- b _.:-=+*##"),
        ("utf-8", "−11 ± 2 ×10⁻³ 国", "−11 ± 2 ×10⁻³ 国".encode()),
        ("utf-8", "a\udcff", rb"a\udcff"),
    ],
)
def test_what_an_encoding_lacks_is_spelt_out(encoding, text, told):
    assert written(text, encoding) == told


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(each, marks=pytest.mark.long) for each in ("latin-1", "cp1252"))]
)
def test_signs_survive_small_encodings(tmp_path, encoding):
    (tmp_path / "a.toml").write_text(FILE, encoding="utf-8")
    arguments = ("run", "a.toml", "--no-pictures")
    told = simulated(*arguments, cwd=tmp_path, PYTHONIOENCODING=encoding).decode(encoding)
    assert "-11.0  -10.3" in told
    assert "?" not in told
    told = json.loads(
        simulated(*arguments, "--format", "json", cwd=tmp_path, PYTHONIOENCODING=encoding).decode(encoding)
    )
    assert told["result"]["quantities"]["y"]["label"] == "Größe 国"


def test_the_home_folder_is_one_at_every_door(tmp_path, monkeypatch, command):
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    (home / "a.toml").write_text(FILE, encoding="utf-8")
    (home / "a.csv").write_text("v\n1\n2\n", encoding="utf-8")
    (here / "b.toml").write_text('extends = "~/a.toml"\n[priors.x]\nmean = -12\n', encoding="utf-8")
    data = '[priors.x]\ndist = "empirical"\nfile = "~/a.csv"\ncolumn = "v"\n[quantities.y]\nformula = "x"\n'
    (here / "c.toml").write_text(f'model = "none"\n{data}', encoding="utf-8")
    assert command("run", "~/a.toml", "--no-pictures", "--out=~/out", out=False)[0] == 0
    assert (home / "out" / "result.nc").is_file()
    code, _, err = command("compare", "~/a.toml", "~/out", "b.toml", "--no-pictures", "--out=~/compared", out=False)
    assert (code, err) == (0, "")
    assert command("tornado", "~/out", "--no-pictures")[0] == 0
    assert command("check", "c.toml")[0] == 0
    assert simulate.load_priors(Path("~/a.toml")).title == "a"
    assert {path.name for path in here.iterdir()} == {"b.toml", "c.toml"}
    assert path_of("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")


def test_names_that_are_no_utf_8_are_escaped_and_work_everywhere(tmp_path):
    path, other = (os.path.join(os.fsencode(tmp_path), name) for name in (UNTITLED, b"e.toml"))  # noqa: PTH118
    for each in (path, other):
        with open(each, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(FILE)
    assert name_text(os.fsdecode(UNTITLED)) == r"b\xffd.toml"
    for question in ("check", "run", "tornado"):
        told = simulated(question, path, *["--no-pictures"] * (question != "check"), cwd=tmp_path)
        assert rb"b\xffd" in told or rb"b\udcffd" in told
    told = json.loads(simulated("compare", path, other, "--format", "json", cwd=tmp_path))["result"]
    assert [case["label"] for case in told["cases"].values()] == [r"b\xffd", "e"]
    assert [case["files"][0]["path"] for case in told["cases"].values()] == [os.fsdecode(path), os.fsdecode(other)]
    again = json.loads(simulated("run", b"outputs/b\xffd", "--format", "json", cwd=tmp_path))
    assert again["result"]["title"] == r"b\xffd"
    simulate.compare([os.fsdecode(path), os.fsdecode(other)], scenarios=1024)


@pytest.mark.parametrize("columns", ["²", "9" * 30, "0"])
def test_a_width_that_is_none_is_as_if_it_were_not_set(columns):
    arguments = [sys.executable, "-m", "simulate", "explain", "pue"]
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "LINES": columns}
    environment.pop("COLUMNS", None)

    def told(**more):
        leader, follower = pty.openpty()
        done = subprocess.run(arguments, stdout=follower, stderr=subprocess.PIPE, env=environment | more, check=False)
        os.close(follower)
        text = os.read(leader, 2**16)
        os.close(leader)
        return text, done.stderr, done.returncode

    assert told(COLUMNS=columns) == told()
    piped = subprocess.run(arguments, capture_output=True, env={**environment, "COLUMNS": columns}, check=True)
    assert piped.stdout == subprocess.run(arguments, capture_output=True, env=environment, check=True).stdout
