"""What priors files and quantities mean, in words."""

from __future__ import annotations

import numpy as np
import pytest

from simulate import model
from simulate.checking.report import priors_sections
from simulate.errors import SimulateError
from simulate.explaining import explained, explained_plain
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.runs.messages import not_computed

SHOP = """
model = "none"
[priors.visitors]
dist = "lognormal"
p5 = 100
p95 = 900
[quantities.income]
formula = "visitors * 30"
unit = "USD"
"""


@pytest.fixture(scope="module")
def shop():
    return load_priors(SHOP)


@pytest.fixture(scope="module")
def base():
    return load_priors("base")


def text_of(*asked):
    return plain(laid_out(explained(*asked)))


def test_priors_are_listed_as_written(base):
    text = plain(laid_out(priors_sections(base)))
    for name, prior in base.priors.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
        assert prior.family in line
        assert prior.source in line
    seconds = next(line for line in text.splitlines() if line.startswith("seconds_per_token "))
    assert seconds.split()[1:6] == ["lognormal", "ms/token", "3.00", "14.49", "70.00"]
    assert f"{len(base.priors)} priors" in text


def test_evidence_that_is_not_stated_is_not_passed_over(shop, base):
    assert "\nEvidence: not stated\n" in text_of("visitors", shop)
    for kind in ("sourced", "judgement"):
        name = next(name for name, prior in base.priors.items() if prior.evidence == kind)
        assert f"\nEvidence: {kind}\n" in text_of(name, base)


@pytest.mark.parametrize("name", model.quantities("llm_cost"))
def test_every_quantity_is_explained(name):
    quantities = model.quantities("llm_cost")
    lines = text_of(name).splitlines()
    assert lines[0] == f"{name}  [{quantities[name].unit}]"
    text = "\n".join(lines)
    for need in quantities[name].needs:
        assert f"─ {need}" in text
    assert (f"  {name} = " in text) is (quantities[name].function is not None)
    users = [each for each, quantity in quantities.items() if name in quantity.needs]
    for user in users:
        assert f"─ {user}" in text
    assert ("is needed by" in text) is bool(users)


def test_explanation_tells_what_a_priors_file_says(base, shop):
    text = text_of("pue", base)
    assert "base.toml:" in text
    assert base.priors["pue"].source in text
    assert "formula of its own" in text_of("income", shop)
    assert "income = visitors * 30" in text_of("income", shop)
    bound = text_of("seconds_per_token", base)
    assert "needs\n" not in bound.replace("is needed by\n", "")
    assert "leaves it to the model" in text_of("capex", base)


def test_list_holds_every_quantity_once(shop):
    quantities = model.quantities("llm_cost")
    words = [line.split()[0] for line in text_of().splitlines() if line]
    assert sorted(word for word in words if word in quantities) == sorted(quantities)
    assert "income" in text_of(None, shop)


def test_a_prior_that_takes_the_place_of_a_formula_is_what_is_told(load):
    load(SHOP, name="far")
    near = load('extends = "far.toml"\n[priors.income]\nvalue = 7\nsource = "a bill"\n', name="near")
    told = explained_plain("income", near)["result"]["quantities"]["income"]
    assert (told["equation"], told["needs"], told["prior"]["source"]) == (None, [], "a bill")
    text = text_of("income", near)
    assert "near.toml:2: constant, value = 7: 7 USD" in text
    assert "The prior takes the place of the formula." in text
    assert "by a formula of its own" not in text


def test_a_quantity_that_there_is_not_is_refused():
    with pytest.raises(SimulateError, match=r"^there is no word capx; did you mean capex"):
        explained("capx")


@pytest.mark.parametrize("name", [5, True, np.array([1]), ["capex"]], ids=repr)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(SimulateError, match=r"^word: must be text in quotes, not "):
        explained(name)


def test_what_cannot_be_computed_is_told(base):
    (message,) = not_computed(base)
    assert "prefill_seconds" in message


def test_what_has_a_value_for_want_of_what_it_needs_says_so(base):
    assert "\n0 where what it needs cannot be had. Never below 0.\n" in text_of("training_attention_flop")
    assert "\nA parameter, 0 unless a prior is given. Never below 0.\n" in text_of("training_attention_flop", base)
