import json
import re

import pytest

import simulate
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.priors.merged import as_one_file
from simulate.shorthand import counted, shorthand

READ = {
    "1.05 to 1.3": ((1.05, 1.3), ""),
    " 1.05  TO 1.3 ": ((1.05, 1.3), ""),
    "0.1 USD/kWh": ((0.1,), "USD/kWh"),
    "5 to 10 USD/kWh": ((5.0, 10.0), "USD/kWh"),
    "10% to 20 %": ((10.0, 20.0), "%"),
    "1_200.5%": ((1200.5,), "%"),
    "8 %/year": ((8.0,), "%/year"),
    "3 1/day": ((3.0,), "1/day"),
    "1 billion": ((1e9,), ""),
    "1.1 million": ((1.1e6,), ""),
    "500 million to 2 billion USD": ((5e8, 2e9), "USD"),
}
DOUBTFUL = {
    "1 to 2 million": "has the word million at one end alone; write it at both",
    "1 million to 2": "has the word million at one end alone; write it at both",
    "10% to 20": "has other units at its ends; write one, after the second number",
    "5 USD to 6 cents": "has other units at its ends",
    "1,500 to 2000": "has a comma, between thousands or before decimals; write digits and a point, 1500 or 1.5",
    "1.05-1.3": "may be an interval; write 1.05 to 1.3",
    "1.05 \u2013 1.3 USD": "may be an interval; write 1.05 to 1.3 USD",
    "1.05..1.3%": "may be an interval; write 1.05 to 1.3%",
    "1.2 +- 0.1": "may be a standard deviation or a band; write an interval",
    "1.2 \u00b1 5%": "may be a standard deviation or a band; write an interval",
    "1e400 USD": "has 1e400, which is no finite number",
    "-2 to 3 thousand USD": "has the word thousand at one end alone",
}
OTHERS = ("1.1", "1e6", "abc", "", "to 3", "1 to 2 to 3", "1.x", "7B", "1__0%", "2026-01-01", "10_%", "nan USD")


@pytest.mark.parametrize("text", READ)
def test_a_short_form_is_read(text):
    assert shorthand(text) == READ[text]


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_may_be_meant_in_two_ways_is_refused_with_its_mend(text):
    with pytest.raises(SimulateError, match="^" + re.escape(DOUBTFUL[text])):
        shorthand(text)


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts_are_no_short_forms(text):
    assert shorthand(text) is None


def test_a_count_has_no_unit_and_no_other_end():
    assert counted("20 thousand") == 20_000
    assert [counted(text) for text in ("1 to 2", "5 USD", "1-2", "many")] == [None] * 4


# What an interval is of: by the bounds of the quantity, in the unit that was written.
CHOSEN = {
    "pue=1.05 to 1.3": ("lognormal", {"shift": 1, "p5": 1.05, "p95": 1.3}),
    "pue=105% to 130%": ("lognormal", {"shift": 100, "p5": 105, "p95": 130}),
    "first_token_steps=1 to 2": ("lognormal", {"shift": 0.5, "p5": 1, "p95": 2}),
    "utilization=0.2 to 0.5": ("logitnormal", {"p5": 0.2, "p95": 0.5}),
    "utilization=20 to 50 %": ("logitnormal", {"lower": 0, "upper": 100, "p5": 20, "p95": 50}),
    "pooled_replicas=2 to 32": ("logitnormal", {"lower": 1, "upper": 64, "p5": 2, "p95": 32}),
    "electricity_price=5 to 10 cents/kWh": ("lognormal", {"p5": 5, "p95": 10}),
    "mine=5 to 10 USD": ("lognormal", {"p5": 5, "p95": 10}),
    "mine=-5 to 10 USD": ("normal", {"p5": -5, "p95": 10}),
    "mine=0 to 10 USD": ("normal", {"p5": 0, "p95": 10}),
    "training_mfu_deviation=1 to 2": ("lognormal", {"p5": 1, "p95": 2}),
}
OWN = 'extends = "base"\n[priors.mine]\nvalue = 1\nunit = "USD"\n[quantities.y]\nformula = "mine * 2"\n'


@pytest.mark.parametrize("setting", CHOSEN)
def test_an_interval_is_p5_to_p95_of_the_family_that_its_quantity_calls_for(setting):
    prior = load_priors(OWN, [setting]).priors[setting.partition("=")[0]]
    family, parameters = CHOSEN[setting]
    assert (prior.family, prior.specification) == (family, parameters)
    low, _, high = prior.band()
    assert (low, high) == pytest.approx((parameters["p5"], parameters["p95"]), rel=1e-9)


def test_a_file_states_it_as_a_text_and_every_table_may():
    text = (
        'extends = "base"\n[run]\nscenarios = "20 thousand"\n[priors.pue]\nvalue = "1.05 to 1.3"\nsource = "own"\n'
        '[traffic.chat]\noutput_tokens = "200 to 500"\n[choices.cold.priors.pue]\nvalue = "108%"\n'
    )
    priors = load_priors(text)
    prior = priors.priors["pue"]
    assert repr(prior.distribution) == repr(load_priors("base", ["pue=1.05 to 1.3"]).priors["pue"].distribution)
    assert (prior.source, prior.line, priors.run.scenarios) == ("own", 4, 20_000)
    assert priors.priors["chat_output_tokens"].specification == {"p5": 200, "p95": 500}
    assert priors.cases["cold"].priors["pue"].distribution.mean == pytest.approx(1.08, rel=1e-15)


def test_a_nearer_layer_moves_one_end_of_an_interval():
    prior = load_priors(OWN, ["pue=1.05 to 1.3", "pue.p95=1.2"]).priors["pue"]
    assert prior.specification == {"shift": 1, "p5": 1.05, "p95": 1.2}


def test_one_file_states_the_whole_prior():
    told = as_one_file(load_priors("base", ["pue=105% to 130%"]))
    assert '[priors.pue]\ndist = "lognormal"\nshift = 100.0\np5 = 105.0\np95 = 130.0\nunit = "%"\n' in told


def test_the_command_line_takes_them_where_it_takes_a_value(command):
    asked = ("base", "--scenarios", "16 thousand", "--quantities", "power", "--format", "json")
    code, out, _ = command("run", *asked, "--set", "pue=1.05 to 1.3")
    assert (code, json.loads(out)["settings"]["scenarios"]) == (0, 16_384)
    code, out, _ = command("compare", *asked, "--vary", "pue=1.05 to 1.3,140%")
    assert (code, [each["label"] for each in json.loads(out)["result"]["cases"].values()]) == (
        0,
        ["pue=1.05 to 1.3", "pue=140%"],
    )
    code, out, _ = command("sweep", *asked, "--over", "electricity_price=5 cents/kWh,0.1 USD/kWh")
    assert code == 0
    values = json.loads(out)["result"]["quantities"]["power"]["percentiles"]["value"]["base"]
    assert [float(value) for value in values] == [0.05, 0.1]
    code, _, err = command("sweep", *asked, "--over", "pue=1.05 to 1.3")
    assert (code, "1.05 to 1.3 is no number for pue" in err) == (2, True)
    code, _, err = command("run", "base", "--scenarios", "1-2")
    assert (code, "'1-2' is no number; write for instance 1e5 or '1 million'" in err) == (2, True)


def test_the_library_takes_a_count_in_words():
    assert load_priors("base").run.asked(scenarios="8 thousand").scenarios == 8_000
    with pytest.raises(SimulateError, match='scenarios: must be a whole number, not "8 thousand USD"'):
        simulate.run("base", scenarios="8 thousand USD")
