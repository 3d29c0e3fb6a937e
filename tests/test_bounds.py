"""What is possible at all: the bounds of the model's quantities, which priors keep to and results are held to."""

from __future__ import annotations

import numpy as np
import pytest

from simulate.comparison import compare
from simulate.decisions import decide
from simulate.explaining import explained
from simulate.graph import Quantity, plan
from simulate.layout import laid_out, plain
from simulate.model import quantities
from simulate.priors import PriorsError, load_priors
from simulate.runs import run

LLM_COST = quantities("llm_cost")
COMPUTED = [name for name, quantity in LLM_COST.items() if quantity.function]
# Shares by their definition whose equations give more than 1 from inputs that are possible each by itself.
IMPLAUSIBLE = {"serving_mfu", "mfu_predicted"}
COUNT = 2**12
SERVERS = '[priors.x]\ndist = "normal"\nmean = 1\nsd = 1\n[quantities.servers]\nformula = "2 * x"\n'
UNIFORM = '[priors.x]\ndist = "uniform"\nlower = {}\nupper = {}\n'
PUE = UNIFORM.format(0, 1) + '[quantities.pue]\nformula = "x + 0.75"\n'


def test_of_what_is_computed_only_a_margin_may_be_negative():
    assert {name for name in COMPUTED if LLM_COST[name].lower < 0} == {"batch_limit", "cache_memory"}
    shares = {name for name in COMPUTED if LLM_COST[name].upper == 1}
    assert shares == {
        *("utilization", "power_load_factor", "batch_feasible", "mixture_of_experts", "experts_touched"),
        *("network_share", "api_cache_hit_rate"),
        *("serving_mfu", "mfu_end_to_end", "mfu_step", "mfu_predicted"),
        *("prompt_share_of_time", "targets_met", "targets_feasible"),
        *("prompts_per_answer", "prefill_utilization", "prefill_share_of_cost"),
        *("prompt_cache_hit_rate", "cache_survival", "held_prefixes_fit"),
        *("attention_share_of_time", "cache_share_of_time"),
        *("input_share_of_time", "cached_input_share_of_time", "output_share_of_time"),
    }


def test_what_is_computed_from_possible_inputs_is_possible():
    random = np.random.default_rng(1)
    inputs = {}
    for name, quantity in LLM_COST.items():
        if quantity.function is None:
            lower, upper = max(quantity.lower, 0.0), quantity.upper
            inputs[name] = (
                random.uniform(lower, upper, COUNT) if upper < np.inf else lower + random.lognormal(0, 3, COUNT)
            )
    inputs["training_mfu_deviation"] = random.standard_normal(COUNT)
    for name in ("time_to_first_token_target", "time_per_output_token_target"):
        del inputs[name]  # as good as none: most of the rest would keep to no other
    inputs["experts"] = inputs["experts_active"] + random.lognormal(0, 3, COUNT)
    inputs["replica_accelerators"] = inputs["pipeline_stages"] * (1 + random.lognormal(0, 3, COUNT))
    found = plan(LLM_COST, inputs, COMPUTED)(inputs)
    wrong = {name for name, column in found.items() if LLM_COST[name].impossible(column).any()}
    assert wrong <= IMPLAUSIBLE
    assert {name for name in COMPUTED if not np.isfinite(found[name]).any()} == set()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            'seconds_per_token={dist="normal",mean=14,sd=10,unit="ms/token"}',
            "seconds_per_token below 0 ms/token has probability 0.081, but cannot be there; truncate it with lower = 0",
        ),
        ("serving_mfu=1e6", "serving_mfu cannot be above 1; mend the value or its unit"),
        ("capex=-1", "capex cannot be below 0 USD; mend the value or its unit"),
        (
            'utilization={dist="uniform",lower=50,upper=150,unit="%"}',
            "utilization above 100 % has probability 0.5, but cannot be there; truncate it with upper = 100",
        ),
    ],
)
def test_a_prior_on_what_is_computed_keeps_to_its_bounds(override, message):
    with pytest.raises(PriorsError) as refused:
        load_priors("base", [override])
    assert message in str(refused.value)


@pytest.mark.parametrize("name", COMPUTED)
def test_every_bound_holds_for_a_prior(name):
    quantity = LLM_COST[name]
    for bound, beyond in ((quantity.lower, quantity.lower - 0.5), (quantity.upper, quantity.upper + 0.5)):
        if np.isfinite(bound):
            load_priors(f"[priors.{name}]\nvalue = {bound}")
            with pytest.raises(PriorsError, match=f"{name} cannot be"):
                load_priors(f"[priors.{name}]\nvalue = {beyond}")


def warned(text, **options):
    return run(load_priors(text), scenarios=COUNT, seed=3, scheme="random", **options)


def test_a_result_beyond_its_bounds_is_counted_kept_and_told():
    bands = warned(SERVERS, quantities=["servers"])
    (line,) = bands.warnings
    told, expected = int(line.split(" in ")[1].split(" of ")[0]), COUNT * 0.158655  # P(x < 0)
    assert abs(told - expected) < 4 * np.sqrt(expected)
    assert line.startswith(
        f"servers: below 0 in {told} of 4,096 scenarios, which stay in its bands; first in servers at x"
    )
    assert bands.at("minimum", quantity="servers") < 0
    assert bands.at("nonfinite", quantity="servers") == 0


def test_what_follows_from_an_impossible_value_is_told_with_it_where_it_began():
    values = {"servers_per_rack": 4, "server_price": 3000, "network_share_of_it": 0.1}
    text = SERVERS + "".join(f"[priors.{name}]\nvalue = {value}\n" for name, value in values.items())
    bands = warned(text, quantities=["server_capex", "network_capex", "racks"])
    (line,) = bands.warnings
    assert line.startswith("server_capex, network_capex, racks and 1 more: below 0 in up to ")
    assert "first in servers at x = -" in line


def test_an_own_formula_on_the_way_is_told_where_nothing_told_shows_it():
    text = PUE + '[priors.power]\nvalue = 2\n[quantities.double]\nformula = "2 * pue"\n'
    (line,) = warned(text, quantities=["double"]).warnings[:1]
    assert line.startswith("pue: below 1 in ")
    assert not warned(text, quantities=["x"]).warnings


def test_both_sides_are_named_as_far_as_they_occur():
    share = UNIFORM.format(-1, 2) + '[quantities.colocated_share]\nformula = "'
    for formula, words in (("x", "below 0 or above 1"), ("x - 1", "below 0"), ("x + 1", "above 1")):
        (line, *_) = warned(f'{share}{formula}"\n', quantities=["colocated_share"]).warnings
        assert line.startswith(f"colocated_share: {words} in ")


def test_rounding_is_not_told():
    text = UNIFORM.format(0, 1) + '[quantities.colocated_share]\nformula = "where(x > 0.5, (x + 0.1 - x) * 10, x)"\n'
    bands = warned(text, quantities=["colocated_share"])
    assert bands.at("maximum", quantity="colocated_share") > 1
    assert not [line for line in bands.warnings if "above" in line]


def test_under_conditions_the_first_is_one_that_they_keep():
    text = UNIFORM.format(-1, 1) + '[quantities.servers]\nformula = "x"\n'
    (line, *_) = warned(text, quantities=["servers"], given=["x < -0.25"]).warnings
    assert float(line.rpartition(" = ")[2]) < -0.25


def test_constants_and_infinities_are_counted_as_what_they_are():
    quantity = Quantity("share", "1", "Share.", lower=0, upper=1)
    assert quantity.impossible(np.array([-np.inf, np.nan, -1, 0, 1, 2, np.inf])).tolist() == [
        *(False, False, True, False, False, True, False)
    ]
    (line, *_) = warned('[quantities.servers]\nformula = "-3"\n', quantities=["servers"]).warnings
    assert line.startswith("servers: below 0 in 4,096 of 4,096 scenarios")


def test_comparisons_and_decisions_tell_it_too(load):
    two = load(PUE + '[choices.a]\n[choices.b.quantities.pue]\nformula = "x + 1"\n', name="two")
    decision = decide(two, quantities=["pue"], scenarios=COUNT)
    assert decision.warnings == ["pue of a: below 1 in 1,024 of 4,096 scenarios, kept"]
    comparison = compare([two.path, f"{two.path}:b"], quantities=["pue"], scenarios=COUNT)
    assert "pue of two: below 1 in 1,024 of 4,096 scenarios, kept" in comparison.warnings


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("pue", "A parameter. Never below 1."),
        ("capex", "\nNever below 0."),
        ("serving_mfu", "\nNever below 0 or above 1."),
    ],
)
def test_explain_tells_the_bounds(name, bounds):
    assert bounds in plain(laid_out(explained(name), 100))
    assert "Never" not in plain(laid_out(explained("batch_limit"), 100))
