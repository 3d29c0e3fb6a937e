"""What is changed in vain is told, with the reason."""

import json

import pytest

from simulate.comparison import compare
from simulate.decisions import decide
from simulate.priors import load_priors
from simulate.runs import run
from simulate.sensitivity.tornado import tornado

TABLES = """
model = "none"
[priors]
a = { dist = "normal", p5 = 1, p95 = 2 }
b = { dist = "normal", p5 = 1, p95 = 2 }
[quantities]
one = { formula = "a + 1" }
two = { formula = "b + 1" }
"""
CHOICES = """
[choices.rent]
quantities.one = { formula = "a + 1" }
[choices.buy]
quantities.one = { formula = "b + 2" }
"""
BASE = (
    "--set 'parameters_active=70e9': parameters_active reaches none of the quantities asked for: seconds_per_token is"
)


def in_vain(result):
    return [line for line in result.warnings if line.startswith("--set")]


@pytest.mark.parametrize(
    ("overrides", "asked", "told"),
    [
        (["a=1"], ["one"], []),
        (["b=1"], ["one"], ["--set 'b=1': b reaches none of the quantities asked for: ask for two"]),
        (["b=1"], ["one", "two"], []),
        (["a=1", "a=3"], ["one"], ["--set 'a=1': changes nothing: --set 'a=3' takes its place"]),
        (["a=1", "a.note='x'"], ["one"], []),
        (['quantities.two.formula="a"'], ["one"], ["--set 'quantities.two.formula=\"a\"': two reaches none"]),
        (['quantities.one.formula="b"'], ["one"], []),
        (["b=1", "correlations.a.b=0"], ["one"], ["--set 'b=1': b reaches none"]),
        (["correlations.a.b=0.5", "b.p95=3"], ["two"], []),
        (["run.seed=3"], ["one"], []),
    ],
)
def test_overrides_in_vain(overrides, asked, told):
    result = run(load_priors(TABLES, overrides), quantities=asked, scenarios=64)
    found = in_vain(result)
    assert len(found) == len(told)
    assert all(line.startswith(start) for line, start in zip(found, told, strict=True))


def test_conditions_and_gates_count_as_asked():
    priors = load_priors(TABLES, ["b=1.5"])
    assert in_vain(run(priors, quantities=["one"], scenarios=64))
    for question in ({"probability": ["two > 1"]}, {"fail_if": ["mean(two) > 9"]}, {"given": ["two > 0"]}):
        assert not in_vain(run(priors, quantities=["one"], scenarios=4096, **question))


def test_what_stands_in_the_way_is_named(command):
    asked = ("run", "base", "--set", "parameters_active=70e9", "--scenarios", 64, "--format", "json")
    code, told, _ = command(*asked, "--quantities", "cost_per_question")
    (line,) = [each["message"] for each in json.loads(told)["warnings"] if each["message"].startswith("--set")]
    assert code == 0
    assert line.startswith(BASE)
    assert "base.toml:82)" in line
    _, told, _ = command(*asked)  # training_cost is in the headline, and needs it
    assert "parameters_active reaches" not in told


def test_every_command_tells_it(load, command):
    path = load(TABLES).path
    for name in ("run", "tornado"):
        _, _, told = command(name, path, "--set", "b=1.5", "--quantities", "one", "--scenarios", 64)
        assert told.count("b reaches none of the quantities asked for") == 1, name
    _, _, told = command("compare", path, "--vary", "b=1,2", "--quantities", "one", "--scenarios", 64)
    assert told.count("b reaches none of the quantities asked for") == 2
    assert in_vain(tornado(load(TABLES, "b=1.5"), quantities=["one"], scenarios=64))


def test_each_case_of_a_comparison_is_told_of_its_own():
    cases = [load_priors(TABLES, ["b=1.5"]), load_priors(TABLES.replace("a + 1", "a + b"), ["b=1.6"])]
    (line,) = in_vain(compare(cases, quantities=["one"], scenarios=64))
    assert line.startswith("--set 'b=1.5'")


def test_a_decision_tells_what_no_choice_uses():
    assert not in_vain(decide(load_priors(TABLES + CHOICES, ["b=1.5"]), quantities=["one"], scenarios=64))
    text = TABLES + CHOICES.replace("b + 2", "a + 2")
    assert len(in_vain(decide(load_priors(text, ["b=1.5"]), quantities=["one"], scenarios=64))) == 1
