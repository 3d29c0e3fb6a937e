"""`check`: many files and folders, each with its verdict."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from simulate.checking import MANY, check_run, named_files
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.runs import run

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


def drawn_from(formula: str, run: str) -> str:
    return (
        'model = "none"\n[priors.u]\ndist = "uniform"\nlower = 0\nupper = 1\n'
        f'[quantities.b]\nformula = "{formula}"\n[run]\n{run}\n'
    )


def test_what_a_run_refuses_after_it_has_drawn_is_refused(command, tmp_path):
    for name, formula, stated in (
        ("none", "log(u - 1)", "scenarios = 20_000"),
        ("zero", "u / 0", "scenarios = 100"),
        ("held", "u + 1", 'scheme = "latin_hypercube"\nscenarios = 100_000_000_000'),
        ("asked", "u + 1", 'quantities = ["b"]\nfail_if = "mean(c) > 1"'),
    ):
        path = tmp_path / f"{name}.toml"
        path.write_text(drawn_from(formula, stated))
        code, out, err = command("check", path)
        assert (code, out) == (2, "")
        assert err == command("run", path)[2]
    assert not (tmp_path / "out").exists()


def test_the_run_of_another_number_of_scenarios_than_the_environment_allows_is_refused(command, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMULATE_MOST_SCENARIOS", "1000")
    path = tmp_path / "many.toml"
    path.write_text(RIGHT)
    said = "scenarios: must be at most 1_000 here, by SIMULATE_MOST_SCENARIOS, not 1_000_000\n"
    assert command("check", path) == (2, "", said)
    assert command("run", path) == (2, "", said)
    assert command("check", path, "--set", "run.scenarios=1000")[0] == 0
    assert run(load_priors(path), scenarios=1000).attributes["scenarios"] == 1024


def test_what_few_scenarios_do_not_show_is_looked_for_in_as_many_as_the_run_has():
    rare = "where(u > 0.99999, u, log(-u))"
    check_run(load_priors(drawn_from(rare, "scenarios = 500_000")))
    with pytest.raises(SimulateError, match="in all 16,384 scenarios"):
        check_run(load_priors(drawn_from(rare, "scenarios = 10_000")))
    with pytest.raises(SimulateError, match=f"in all {MANY:,} scenarios"):
        check_run(load_priors(drawn_from("log(u - 1)", "scenarios = 1_000_000_000_000_000")))
    check_run(load_priors(drawn_from("u + 1", "scenarios = 1_000_000_000_000_000")))


def test_of_an_earlier_run_its_conditions_and_precision_are_asked_too():
    priors = load_priors(drawn_from("u + 1", "scenarios = 10_000"))

    def asked(scenarios: int = 10_000, **options: Any) -> None:
        check_run(replace(priors, run=priors.run.asked(scenarios=scenarios, **options)))

    asked(given="u > 0.5")
    few = {"given": "u > 0.9995"}
    with pytest.raises(SimulateError, match=r"^--given 'u > 0.9995': of 16,384 scenarios 9 effective ones are left"):
        asked(**few)
    with pytest.raises(SimulateError, match=f"of {MANY:,} scenarios 52. effective ones are left"):
        asked(MANY, **few)
    asked(2**22, **few)  # which may leave enough
    asked(**few, precision="10%")  # which adds more
    asked(precision="0.0001%")  # and would take many
    with pytest.raises(SimulateError, match=r"^--precision: c is not among b; add it to --quantities$"):
        asked(precision="c:p95=1%")


# Files of a model of their own, and what [run] and options may say of them, most of it nearly right.
OWN = """model = "none"
[priors]
a = { dist = "normal", mean = 0, sd = 1 }
u = { dist = "uniform", lower = 0, upper = 1 }
k = { value = 2 }
[quantities]
all.formula = "a + u + k"
"""
FORMULAS = (
    "a + 1",
    "a * k",
    "a / (k - 2)",
    "log(a)",
    "sqrt(-1 - a ** 2)",
    "where(a > 2.5, a, 0 / (k - 2))",
    "where(a > 3.5, a, log(-u))",
    "where(u > 0.9999, k, 0 / (k - 2))",
    "(a > 5) / (a > 5)",
    "exp(800 + a)",
    "k + 1",
)
OF_RUN = {
    "scenarios": ("100", "5_000", "8_192", "20_000", "1e4", "1_000_000_000_000", "0", '"100"', "1.5", "1e16"),
    "seed": ("1", "1e3", "-1", "9_223_372_036_854_775_807", "9_223_372_036_854_775_808", '"x"'),
    "scheme": ('"sobol"', '"random"', '"latin_hypercube"', '"sobl"', "1"),
    "percentiles": ("[5, 95]", "[50]", "[1e-9, 99.9999999]", "[]", "[0]", "[50, 100.0]", '["a"]', "[nan]", "5"),
    "quantities": ('["b"]', '["c", "b", "c"]', '["a", "u"]', '["k"]', "[]", '["d"]', '["b", 1]', '"b"'),
    "fail_if": (
        '"P(b > 1) > 10%"',
        '["P95(c) > 2", "mean(b) > 1"]',
        '"P(b > P90) > 5%"',
        '"P(a > P90(c)) < 1%"',
        '"mean(d) > 1"',
        '"P(b > 1) > 10"',
        '"b > 1"',
        "[1]",
    ),
}
OF_OPTIONS = {
    "given": ("b > 0", "a > 1.5", "a > 2.5", "a > 9", "b > P90", "c < P5(a)", "b / (k - 2) > 1", "d > 1", "b >"),
    "observe": ("b = 1 +- 0.5", "a = 2 +- 10%", "c = 30 +- 1", "k = 2 +- 1", "u = 0.5 +- 0.001", "d = 1 +- 1", "b = 1"),
    "probability": ("b > 1", "b > P90", "c < a", "P(b > 1)", "d > 1", "", "b > 1 &"),
    "statistics": ("expected_shortfall 95", "shortest 50", "shortest", "shortest 100", "mode", "95"),
    "precision": ("90%", "b:p95=95%", "d=1%", "b=1", "100%"),
}


def asked_at_random(seed: int) -> tuple[str, dict[str, Any]]:
    """A priors file with a [run], and what an earlier run of it may have been asked besides."""
    chance = random.Random(seed)

    def one(values: Sequence[str]) -> str:
        """One of the values, of the first ones rather than of the last, which are the wrong ones."""
        return values[int(len(values) * chance.random() ** 2)]

    said = {key: one(values) for key, values in OF_RUN.items() if chance.random() < 0.3}
    if said.get("scheme") != '"latin_hypercube"' and said.get("scenarios") in {None, "1_000_000_000_000"}:
        said["scenarios"] = "8_192"  # others would be drawn
    b, c = one(FORMULAS), one(("a * u", "b + a", *FORMULAS))
    formulas = f'b.formula = "{b}"\nc.formula = "{c}"\n'
    text = OWN + formulas + "[run]\n" + "".join(f"{key} = {value}\n" for key, value in said.items())
    asked = {key: one(values) for key, values in OF_OPTIONS.items() if chance.random() < 0.2}
    if "given" in asked or "observe" in asked:
        asked.pop("precision", None)  # more scenarios are drawn for want of those that a condition leaves
    return text, asked


@pytest.mark.parametrize(
    "seeds", [range(30), pytest.param(range(30, 3030), marks=pytest.mark.long)], ids=["sample", "3,000"]
)
def test_what_a_run_refuses_is_refused_in_the_same_words(seeds, agreed, monkeypatch):
    monkeypatch.setenv("SIMULATE_MOST_SCENARIOS", str(10**12))
    refused = 0
    for seed in seeds:
        text, asked = asked_at_random(seed)
        try:
            priors = load_priors(text)
        except SimulateError:
            continue  # at the same door for both
        refused += bool(agreed(replace(priors, run=priors.run.asked(**asked))))
    assert refused > len(seeds) / 4
