"""A priors file as it is used, written as one: the same draws, whatever it was merged from."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from simulate.errors import SimulateError
from simulate.priors import choice, load_priors, shipped
from simulate.priors.merged import as_one_file
from simulate.results.sources import read_source
from simulate.runs import draws
from simulate.syntax import loads, written_key, written_value

FAR = """
title = "Far"
model = "none"
[run]
scenarios = 4096
percentiles = [10, 50, 90]
[priors]
a = {dist = "lognormal", p5 = 1, p95 = 9, unit = "USD", source = "a \\"note\\"", note = "two\\nlines"}
b = {dist = "uniform", lower = 1, upper = 3}
c = {dist = "normal", mean = 10, sd = 1, unit = "%"}
idle = {value = 2}
[quantities]
cost = {formula = "a * b * (1 + c) * idle", unit = "USD"}
twice = {formula = "2 * cost", unit = "USD"}
[correlations]
a.b = 0.5
a.c = {kendall = -0.2}
[[published]]
quantity = "cost"
value = 3
unit = "cent"
source = "somewhere"
[[published]]
quantity = "cost"
value = 4
at.b = 2
choice = "two"
[choices.one]
[choices.two]
label = "The second"
note = "dear"
priors.b = {p5 = 2, p95 = 4, dist = "lognormal"}
priors.a.p95 = 12
[choices.three.quantities]
cost = {formula = "a * c", unit = "USD"}
"""
NEAR = """
extends = "far.toml"
[priors.a]
p95 = 10
[quantities.cost]
formula = "a * b"
unit = "USD"
[choices.one.priors.c]
value = 5
unit = "%"
"""
TRAINING = """
accelerator = "H100"
[priors]
parameters_active = {value = 7e9}
training_tokens = {value = 1e12, unit = "token"}
[choices.here]
[choices.there]
accelerator = "H200"
training_precision = "FP8"
priors.server_price.note = "the catalog's price, with a word"
"""
TRAFFIC = """
extends = "base"
[traffic.chat]
output_tokens = 300
input_tokens = {dist = "lognormal", p5 = 500, p95 = 900}
[traffic.agent]
share = 0.1
output_tokens = 400
input_tokens = 20_000
"""
CASES = {
    "far": (FAR, ()),
    "near": (NEAR, ()),
    "set": (NEAR, ("b=2", "c={dist='uniform', lower=0.1, upper=0.2}")),
    "set of a choice": (NEAR, ("a.p5=2", "run.seed=5", "correlations.a.b=0.1")),
    "a prior in place of a formula": (NEAR, ("cost={dist='lognormal', p5=5, p95=9}",)),
    "an accelerator": ('extends = "base"\naccelerator = "H20"\n', ("server_power={value=9, unit='kW'}",)),
    "accelerators of choices": (TRAINING, ()),
    "an accelerator that is set": (TRAINING, ('accelerator="MI300X"', 'training_precision="FP8"')),
    "kinds of traffic": (TRAFFIC, ()),
    "precision": ('extends = "base"\naccelerator = "B200"\nprecision = {weights = "FP4", arithmetic = "FP8"}\n', ()),
}


def same_draws(one, other):
    """The draws of all that is told are the same bits."""
    told = [draws(each, scenarios=64) for each in (one, other)]
    assert told[0].labels("quantity") == told[1].labels("quantity")
    for name in told[0].labels("quantity"):
        first, second = (each.at("value", quantity=name) for each in told)
        assert np.array_equal(first, second, equal_nan=True), name


def assert_same(priors, text):
    read = load_priors(text)
    assert read.title == priors.title
    assert dict(read.run) | {"quantities": ()} == dict(priors.run) | {"quantities": ()}
    assert [vars(each) for each in read.published] == [vars(each) for each in priors.published]
    assert read.measured == priors.measured
    assert dict(read.choices) == dict(priors.choices)
    same_draws(priors, read)
    for name in [*priors.choices][-1:]:  # the others are compared by their distributions, formulas and correlations
        same_draws(choice(priors, name), choice(read, name))


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_file_is_the_same_as_one(name):
    priors = load_priors(name)
    text = as_one_file(priors)  # which compares distributions, formulas and correlations of all choices
    assert "extends" not in tomllib.loads(text)
    if len(priors.choices) < 5:
        assert_same(priors, text)


@pytest.mark.parametrize("name", CASES)
def test_what_is_merged_is_the_same_as_one(load, name):
    load(FAR, name="far")
    text, overrides = CASES[name]
    priors = load(text, *overrides, name="near")
    assert_same(priors, as_one_file(priors))


def test_a_table_says_where_it_is_from(load):
    load(FAR, name="far")
    text = as_one_file(load(NEAR, "c={value=0.1, source='a test'}", name="near"))
    assert "/near.toml:3, " in text
    assert "/far.toml:8\n[priors.a]\n" in text
    assert "\n# --set 'c={value=0.1, source='a test'}'\n[priors.c]\nvalue = 0.1\n" in text
    assert "idle" not in text  # which no formula needs any more
    rows = as_one_file(load_priors('extends = "base"\naccelerator = "H100"\n'))
    assert "\n# accelerator H100\n[priors.server_price]\n" in rows
    assert "\naccelerator = " not in rows


def test_a_choice_is_shown_alone(load):
    priors = choice(load(FAR, name="far"), "two")
    read = load_priors(as_one_file(priors))
    assert not read.choices
    same_draws(priors, read)


def test_a_table_of_data_is_found_from_anywhere(load, tmp_path, monkeypatch):
    (tmp_path / "data.csv").write_text("x\n1\n2\n3\n")
    prior = '[priors.x]\ndist = "empirical"\nfile = "data.csv"\ncolumn = "x"\n'
    priors = load(f'model = "none"\n{prior}[quantities.y]\nformula = "2 * x"\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    same_draws(priors, load_priors(as_one_file(priors)))


def test_what_one_file_cannot_state_is_refused(load):
    load(FAR, name="far")
    near = 'extends = "far.toml"\n[priors.b]\nvalue = 2\n'  # with which a choice correlates that lets it vary
    priors = load(f"{near}[choices.one.priors.b]\ndist = 'uniform'\nlower = 1\nupper = 2\n", name="near")
    with pytest.raises(SimulateError, match=r"near\.toml: one file cannot state the same; keep it as it is"):
        as_one_file(priors)


def test_the_command_prints_it_and_a_run_of_it_is_the_same(command, tmp_path):
    code, out, err = command("show", "base", "--set", "pue=1.1")
    assert (code, err) == (0, "")
    (tmp_path / "whole.toml").write_text(out, encoding="utf-8")
    asked = ("--quantities", "capex", "--scenarios", "1024", "--format", "json")
    results = [
        json.loads(command("run", *source, *asked, out=False)[1])["result"]["quantities"]
        for source in ((tmp_path / "whole.toml",), ("base", "--set", "pue=1.1"))
    ]
    assert results[0] == results[1]
    _, shown, _ = command("show", "base", "--set", "pue=1.1", "--format", "json")
    assert json.loads(shown)["result"] == {"text": out}
    assert command("show", "base", "--format", "csv")[2] == "there is no format 'csv'; choose one of toml, json\n"


def test_an_earlier_run_is_shown_with_its_settings(command, tmp_path):
    asked = ("--scenarios", "1024", "--set", "pue=1.1", "--seed", "7", "--no-pictures")
    assert command("run", "base", *asked)[0] == 0
    code, out, _ = command("show", tmp_path / "out")
    assert code == 0
    assert tomllib.loads(out)["run"] == {"scenarios": 1024, "seed": 7}
    same_draws(read_source(tmp_path / "out"), load_priors(out))


VALUES = some.recursive(
    some.booleans() | some.integers(-(2**62), 2**62) | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(some.text(), VALUES)
def test_a_value_reads_back_as_it_was_written(name, value):
    if isinstance(value, float) and value and abs(value) < 1e-300:
        value = 1.0
    assert loads(f"{written_key(name)} = {written_value(value)}\n") == {name: value}
